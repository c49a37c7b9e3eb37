//! Join of rows with equal keys that are at most so far apart in time, by two nested loops.

use crate::join::join_where;
use crate::run::Row;
use crate::value::Value;
use sabot_ir::plan::{JoinKind, Side};

/// A row with its key, `None` where a part of the key is null and so matches nothing, and its time in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct TimedRow {
    pub row: Row,
    pub key: Option<Vec<Value>>,
    pub time: i128,
}

/// The rows of the join, in the order of the left side; then what only the right side has.
pub(crate) fn interval_join(
    kind: JoinKind,
    within_us: i64,
    left: &[TimedRow],
    right: &[TimedRow],
    widths: (usize, usize),
) -> Vec<Row> {
    let matches = |l: &TimedRow, r: &TimedRow| {
        l.key.is_some() && l.key == r.key && (l.time - r.time).abs() <= i128::from(within_us)
    };
    join_where(kind, Side::Right, left, right, widths, matches, |timed| &timed.row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of: &[(i128, i128)]) -> Vec<TimedRow> {
        let row = |(key, time): &(i128, i128)| TimedRow {
            row: vec![Value::Int(*time)],
            key: (*key >= 0).then(|| vec![Value::Int(*key)]),
            time: *time,
        };
        of.iter().map(row).collect()
    }

    #[test]
    fn both_directions_and_both_bounds_count() {
        let (left, right) = (rows(&[(1, 10), (2, 10), (-1, 10)]), rows(&[(1, 5), (1, 15), (1, 4), (1, 16), (-1, 10)]));
        let pair = |l: i128, r: i128| vec![Value::Int(l), Value::Int(r)];
        assert_eq!(interval_join(JoinKind::Inner, 5, &left, &right, (1, 1)), [pair(10, 5), pair(10, 15)]);
        assert_eq!(interval_join(JoinKind::Full, 5, &left, &right, (1, 1)).len(), 2 + 2 + 3);
        assert_eq!(interval_join(JoinKind::Anti, 5, &left, &right, (1, 1)).len(), 2);
    }
}
