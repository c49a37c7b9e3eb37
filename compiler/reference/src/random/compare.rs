//! Whether two runs gave the same rows.

use crate::run::Row;
use crate::value::sort_order;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Why two results are not the same rows, up to order and the rounding of float sums; nothing if they are.
#[must_use]
pub fn difference(expected: &BTreeMap<String, Vec<Row>>, actual: &BTreeMap<String, Vec<Row>>) -> Option<String> {
    if !expected.keys().eq(actual.keys()) {
        return Some(format!("sinks {:?} and {:?}", expected.keys(), actual.keys()));
    }
    for (sink, expected) in expected {
        let actual = &actual[sink];
        let differs = expected.len() != actual.len() || {
            let (expected, actual) = (sorted(expected), sorted(actual));
            let same = |a: &Row, b: &Row| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_close_to(b));
            !expected.iter().zip(&actual).all(|(a, b)| same(a, b))
        };
        if differs {
            let show = |rows: &[Row]| {
                let line = |row: &Row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                rows.iter().map(line).collect::<Vec<_>>().join("\n  ")
            };
            return Some(format!(
                "sink {sink}: expected {} rows\n  {}\ngot {} rows\n  {}",
                expected.len(),
                show(expected),
                actual.len(),
                show(actual)
            ));
        }
    }
    None
}

/// Sorted so that rows that differ by the rounding of a sum stand in the same place: floats count last.
fn sorted(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    let exact = |row: &Row| row.iter().filter(|value| value.as_float().is_none()).cloned().collect::<Row>();
    rows.sort_by(|a, b| {
        exact(a).cmp(&exact(b)).then_with(|| {
            a.iter()
                .zip(b)
                .map(|(a, b)| sort_order(a, b))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        })
    });
    rows
}
