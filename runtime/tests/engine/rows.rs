//! Sorting, limits, top-n.

use crate::support::*;
use sabot_abi::manifest::*;
use std::cmp::Ordering;

fn plan(types: &[ColumnType], rows: &[Row], kind: TableKind) -> Plan {
    let mut plan = Plan::new(&["source", "sort", "sink"]);
    let source = plan.source(types, rows.to_vec());
    let table = plan.table(kind);
    plan.scan(source, 0, &[], vec![], End::Collect { table, columns: (0..types.len() as u32).collect(), operator: 1 });
    let sink = plan.sink(types);
    plan.table_to_sink(table, types, sink, 2);
    plan
}

fn compare(a: &V, b: &V) -> Ordering {
    a.partial_cmp(b).expect("no NaN here")
}

#[test]
fn rows_are_sorted_and_equal_ones_stay_in_order() {
    let types = [option(int()), option(string()), float(), boolean()];
    for count in [0, 1, 2049, 5_000] {
        let rows = Random(43).rows(count, &types.map(|ty| (ty, 40)));
        for by in [
            vec![(0, false)],
            vec![(0, true)],
            vec![(2, true)],
            vec![(1, true), (0, false)],
            vec![(3, false), (1, false)],
        ] {
            for limit in [None, Some(100), Some(0)] {
                let kind = TableKind::Sort {
                    columns: types.to_vec(),
                    by: by.clone(),
                    limit,
                    partition_by: vec![],
                    closes: None,
                };
                let mut expected = rows.clone();
                expected.sort_by(|a, b| {
                    by.iter().fold(Ordering::Equal, |order, (at, descending)| {
                        let part = compare(&a[*at as usize], &b[*at as usize]);
                        order.then(if *descending { part.reverse() } else { part })
                    })
                });
                expected.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
                let plan = plan(&types, &rows, kind);
                plan.check(&expected);
                plan.check_spilled_in_order(&expected);
            }
        }
    }
}

#[test]
fn a_small_top_of_a_large_input() {
    let rows = Random(47).rows(150_000, &[(int(), 1 << 40), (string(), 100)]);
    let types = [int(), string()];
    let kind = TableKind::Sort {
        columns: types.to_vec(),
        by: vec![(0, true)],
        limit: Some(10),
        partition_by: vec![],
        closes: None,
    };
    let mut expected = rows.clone();
    expected.sort_by(|a, b| compare(&b[0], &a[0]));
    expected.truncate(10);
    plan(&types, &rows, kind).check(&expected);
}

#[test]
fn the_first_rows_of_each_partition() {
    let types = [string(), int(), string()];
    let rows = Random(53).rows(40_000, &[(string(), 50), (int(), 1000), (string(), 2000)]);
    // By a number as few rows are kept as are wanted; by a string they are sorted; without either the first ones count.
    for (by, limit) in [(vec![(1, true)], 3), (vec![(2, false)], 3), (vec![(2, true), (1, false)], 900), (vec![], 2)] {
        let kind = TableKind::Sort {
            columns: types.to_vec(),
            by: by.clone(),
            limit: Some(limit),
            partition_by: vec![0],
            closes: None,
        };
        let mut expected = rows.clone();
        expected.sort_by(|a, b| {
            by.iter().fold(Ordering::Equal, |order, (at, descending)| {
                let part = compare(&a[*at as usize], &b[*at as usize]);
                order.then(if *descending { part.reverse() } else { part })
            })
        });
        let mut taken: Vec<(V, u64)> = vec![];
        expected.retain(|row| {
            let at = taken.iter().position(|(key, _)| *key == row[0]).unwrap_or_else(|| {
                taken.push((row[0].clone(), 0));
                taken.len() - 1
            });
            taken[at].1 += 1;
            taken[at].1 <= limit
        });
        let plan = plan(&types, &rows, kind);
        plan.check(&expected);
        plan.check_spilled_in_order(&expected);
    }
}

#[test]
fn the_first_rows_in_input_order() {
    let types = [int(), option(string())];
    let rows = Random(59).rows(100_000, &types.map(|ty| (ty, 1000)));
    for limit in [0, 1, 64, 70_000, 200_000] {
        let kind = TableKind::Rows { columns: types.to_vec(), limit: Some(limit) };
        plan(&types, &rows, kind).check(&rows[..rows.len().min(limit as usize)]);
    }
    let all = plan(&types, &rows, TableKind::Rows { columns: types.to_vec(), limit: None });
    all.check(&rows);
    all.check_spilled_in_order(&rows);
}
