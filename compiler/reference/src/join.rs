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
    let keeps_left = matches!(kind, JoinKind::Left | JoinKind::Full);
    let keeps_right = matches!(kind, JoinKind::Right | JoinKind::Full);
    // The flags say whether the row has the side; only sides that may be missing have one.
    let output = |l: Option<&Row>, r: Option<&Row>| {
        let mut row = Row::new();
        row.extend(l.cloned().unwrap_or_else(|| vec![Value::Null; left_width]));
        row.extend(r.cloned().unwrap_or_else(|| vec![Value::Null; right_width]));
        if keeps_right {
            row.push(Value::Bool(l.is_some()));
        }
        if keeps_left {
            row.push(Value::Bool(r.is_some()));
        }
        row
    };
    if let JoinKind::Semi | JoinKind::Anti = kind {
        let wanted = kind == JoinKind::Semi;
        let has_match = |l: &&Keyed| right.iter().any(|r| matches(l, r)) == wanted;
        return left.iter().filter(has_match).map(|(row, _)| row.clone()).collect();
    }
    let mut rows = Vec::new();
    match build {
        Side::Right => {
            for l in left {
                let found: Vec<&Keyed> = right.iter().filter(|r| matches(l, r)).collect();
                rows.extend(found.iter().map(|r| output(Some(&l.0), Some(&r.0))));
                if found.is_empty() && keeps_left {
                    rows.push(output(Some(&l.0), None));
                }
            }
            if keeps_right {
                let alone = right.iter().filter(|r| !left.iter().any(|l| matches(l, r)));
                rows.extend(alone.map(|r| output(None, Some(&r.0))));
            }
        }
        Side::Left => {
            for r in right {
                let found: Vec<&Keyed> = left.iter().filter(|l| matches(l, r)).collect();
                rows.extend(found.iter().map(|l| output(Some(&l.0), Some(&r.0))));
                if found.is_empty() && keeps_right {
                    rows.push(output(None, Some(&r.0)));
                }
            }
            if keeps_left {
                let alone = left.iter().filter(|l| !right.iter().any(|r| matches(l, r)));
                rows.extend(alone.map(|l| output(Some(&l.0), None)));
            }
        }
    }
    rows
}
