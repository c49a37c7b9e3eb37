//! Join of each left row with the one right row of equal key that is nearest in time, by two nested loops.

use crate::interval_join::TimedRow;
use crate::run::Row;
use crate::value::Value;
use sabot_ir::plan::AsofDirection;

/// The rows of the join, in the order of the left side.
pub(crate) fn asof_join(
    outer: bool,
    direction: AsofDirection,
    tolerance_us: Option<i64>,
    left: &[TimedRow],
    right: &[TimedRow],
    right_width: usize,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for l in left {
        let mut best: Option<&TimedRow> = None;
        for r in right {
            let on_the_side = match direction {
                AsofDirection::Backward => r.time <= l.time,
                AsofDirection::Forward => r.time >= l.time,
                AsofDirection::Nearest => true,
            };
            let distance = (r.time - l.time).abs();
            let is_near = tolerance_us.is_none_or(|tolerance| distance <= i128::from(tolerance));
            if l.key.is_none() || l.key != r.key || !on_the_side || !is_near {
                continue;
            }
            // Nearer, or as near and earlier, or at the same time and later in input order.
            let rank = |r: &TimedRow| ((r.time - l.time).abs(), r.time);
            if best.is_none_or(|best| rank(r) <= rank(best)) {
                best = Some(r);
            }
        }
        if best.is_none() && !outer {
            continue;
        }
        let mut row = l.row.clone();
        row.extend(best.map_or_else(|| vec![Value::Null; right_width], |r| r.row.clone()));
        if outer {
            row.push(Value::Bool(best.is_some()));
        }
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the left row at 10 meets, by the right rows' positions.
    fn check(direction: AsofDirection, tolerance: Option<i64>, right: &[i128]) -> Option<i128> {
        let row = |time: i128, value: i128| TimedRow { row: vec![Value::Int(value)], key: Some(vec![]), time };
        let right: Vec<TimedRow> = (0..).zip(right).map(|(position, time)| row(*time, position)).collect();
        let rows = asof_join(true, direction, tolerance, &[row(10, -1)], &right, 1);
        assert_eq!(rows[0][2], Value::Bool(!rows[0][1].is_null()));
        rows[0][1].as_int()
    }

    #[test]
    fn the_nearest_on_its_side() {
        assert_eq!(check(AsofDirection::Backward, None, &[3, 10, 10, 11, 9]), Some(2));
        assert_eq!(check(AsofDirection::Forward, None, &[12, 11, 11, 9]), Some(2));
        assert_eq!(check(AsofDirection::Nearest, None, &[12, 8, 8]), Some(2));
        assert_eq!(check(AsofDirection::Nearest, None, &[8, 12, 13]), Some(0));
        assert_eq!(check(AsofDirection::Backward, Some(2), &[8, 7]), Some(0));
        assert_eq!(check(AsofDirection::Backward, Some(1), &[8, 7]), None);
        assert_eq!(check(AsofDirection::Forward, None, &[9]), None);
    }
}
