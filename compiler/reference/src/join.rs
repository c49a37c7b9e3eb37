//! Hash join by two nested loops.

use crate::run::Row;
use crate::value::Value;
use sabot_ir::plan::{JoinKind, Side};

/// A row and its key; `None` where a part of the key is null and so matches nothing.
pub(crate) type Keyed = (Row, Option<Vec<Value>>);

/// The rows of a join. The probing side is the outer loop; what only the built side has follows at the end.
pub(crate) fn join(
    kind: JoinKind,
    build: Side,
    left: &[Keyed],
    right: &[Keyed],
    left_width: usize,
    right_width: usize,
) -> Vec<Row> {
    let matches = |a: &Keyed, b: &Keyed| a.1.is_some() && a.1 == b.1;
    join_where(kind, build, left, right, (left_width, right_width), matches, |keyed| &keyed.0)
}

/// The rows of a join of what matches.
pub(crate) fn join_where<T>(
    kind: JoinKind,
    build: Side,
    left: &[T],
    right: &[T],
    (left_width, right_width): (usize, usize),
    matches: impl Fn(&T, &T) -> bool,
    row: impl Fn(&T) -> &Row,
) -> Vec<Row> {
    let keeps_left = matches!(kind, JoinKind::Left | JoinKind::Full);
    let keeps_right = matches!(kind, JoinKind::Right | JoinKind::Full);
    // The flags say whether the row has the side; only sides that may be missing have one.
    let output = |l: Option<&Row>, r: Option<&Row>| {
        let mut pair = Row::new();
        pair.extend(l.cloned().unwrap_or_else(|| vec![Value::Null; left_width]));
        pair.extend(r.cloned().unwrap_or_else(|| vec![Value::Null; right_width]));
        if keeps_right {
            pair.push(Value::Bool(l.is_some()));
        }
        if keeps_left {
            pair.push(Value::Bool(r.is_some()));
        }
        pair
    };
    if let JoinKind::Semi | JoinKind::Anti = kind {
        let wanted = kind == JoinKind::Semi;
        let has_match = |l: &&T| right.iter().any(|r| matches(l, r)) == wanted;
        return left.iter().filter(has_match).map(|l| row(l).clone()).collect();
    }
    let mut rows = Vec::new();
    match build {
        Side::Right => {
            for l in left {
                let found: Vec<&T> = right.iter().filter(|r| matches(l, r)).collect();
                rows.extend(found.iter().map(|r| output(Some(row(l)), Some(row(r)))));
                if found.is_empty() && keeps_left {
                    rows.push(output(Some(row(l)), None));
                }
            }
            if keeps_right {
                let alone = right.iter().filter(|r| !left.iter().any(|l| matches(l, r)));
                rows.extend(alone.map(|r| output(None, Some(row(r)))));
            }
        }
        Side::Left => {
            for r in right {
                let found: Vec<&T> = left.iter().filter(|l| matches(l, r)).collect();
                rows.extend(found.iter().map(|l| output(Some(row(l)), Some(row(r)))));
                if found.is_empty() && keeps_right {
                    rows.push(output(None, Some(row(r))));
                }
            }
            if keeps_left {
                let alone = left.iter().filter(|l| !right.iter().any(|r| matches(l, r)));
                rows.extend(alone.map(|l| output(Some(row(l)), None)));
            }
        }
    }
    rows
}
