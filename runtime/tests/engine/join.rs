//! Joins against nested loops.

use crate::support::*;
use sabot_abi::manifest::*;

/// build side `(key…, value)`, probing side `(key…, value)`; every kind of join of them.
fn check_join(keys: &[ColumnType], build: &[Row], probe: &[Row]) {
    for kind in [ProbeKind::Inner, ProbeKind::Left, ProbeKind::Semi, ProbeKind::Anti] {
        join_plan(keys, build, probe, kind).check(&joined(keys.len(), build, probe, kind));
    }
}

fn key(row: &Row, parts: usize) -> Option<&[V]> {
    (!row[..parts].contains(&V::Null)).then_some(&row[..parts])
}

fn matches<'a>(parts: usize, row: &Row, build: &'a [Row]) -> Vec<&'a Row> {
    build.iter().filter(|other| key(row, parts).is_some() && key(other, parts) == key(row, parts)).collect()
}

fn joined(parts: usize, build: &[Row], probe: &[Row], kind: ProbeKind) -> Vec<Row> {
    let mut out = Vec::new();
    for row in probe {
        let matches = matches(parts, row, build);
        match kind {
            ProbeKind::Semi if !matches.is_empty() => out.push(row.clone()),
            ProbeKind::Anti if matches.is_empty() => out.push(row.clone()),
            ProbeKind::Semi | ProbeKind::Anti => {}
            ProbeKind::Left if matches.is_empty() => {
                out.push([row.as_slice(), &[V::Null, V::B(false)]].concat());
            }
            ProbeKind::Inner => out.extend(matches.iter().map(|other| [row.as_slice(), &other[parts..]].concat())),
            ProbeKind::Left => {
                out.extend(matches.iter().map(|other| [row.as_slice(), &other[parts..], &[V::B(true)]].concat()));
            }
        }
    }
    out
}

fn types_of(keys: &[ColumnType], value: ColumnType) -> Vec<ColumnType> {
    keys.iter().copied().chain([value]).collect()
}

fn join_plan(keys: &[ColumnType], build: &[Row], probe: &[Row], kind: ProbeKind) -> Plan {
    let parts = keys.len() as u32;
    let mut plan = Plan::new(&["source", "source", "hash_join", "sink"]);
    let (build_types, probe_types) = (types_of(keys, string()), types_of(keys, int()));
    let (left, right) = (plan.source(&probe_types, probe.to_vec()), plan.source(&build_types, build.to_vec()));
    let bare = keys.iter().map(|ty| ColumnType { nullable: false, ..*ty }).collect();
    let table = plan.table(TableKind::Join { keys: bare, payload: vec![string()], track_matches: false });
    let build_keys: Vec<u32> = (0..parts).collect();
    plan.scan(right, 1, &[], vec![], End::Build { table, keys: build_keys.clone(), payload: vec![parts], operator: 2 });
    let carry: Vec<u32> = (0..=parts).collect();
    let (payload, matched, out): (Vec<(u32, u32)>, Option<u32>, Vec<ColumnType>) = match kind {
        ProbeKind::Inner => (vec![(0, parts + 1)], None, [probe_types.as_slice(), &[string()]].concat()),
        ProbeKind::Left => {
            (vec![(0, parts + 1)], Some(parts + 2), [probe_types.as_slice(), &[option(string()), boolean()]].concat())
        }
        ProbeKind::Semi | ProbeKind::Anti => (vec![], None, probe_types.clone()),
    };
    let sink = plan.sink(&out);
    let payload_type = if kind == ProbeKind::Left { option(string()) } else { string() };
    let step = Step::Probe { table, kind, keys: build_keys, carry, payload, matched, mark_only: false, operator: 2 };
    let end = End::Sink { sink, columns: (0..out.len() as u32).collect(), operator: 3 };
    plan.scan(left, 0, &[payload_type, boolean()], vec![step], end);
    plan
}

#[test]
fn keys_of_every_layout() {
    let layouts: [&[ColumnType]; 9] = [
        &[int()],
        &[int32()],
        &[float()],
        &[boolean()],
        &[string()],
        &[option(int())],
        &[option(string())],
        &[int32(), option(int32())],
        &[string(), option(int()), float()],
    ];
    for keys in layouts {
        let mut random = Random(keys.len() as u64);
        let types =
            |value| -> Vec<(ColumnType, u64)> { types_of(keys, value).into_iter().map(|ty| (ty, 60)).collect() };
        let (build, probe) = (random.rows(70, &types(string())), random.rows(700, &types(int())));
        check_join(keys, &build, &probe);
    }
}

#[test]
fn a_build_side_that_does_not_fit() {
    for keys in [&[int()] as &[ColumnType], &[option(string())], &[int32(), option(int32())]] {
        let mut random = Random(61);
        let types =
            |value| -> Vec<(ColumnType, u64)> { types_of(keys, value).into_iter().map(|ty| (ty, 500)).collect() };
        let (build, probe) = (random.rows(900, &types(string())), random.rows(3000, &types(int())));
        for kind in [ProbeKind::Inner, ProbeKind::Left, ProbeKind::Semi, ProbeKind::Anti] {
            join_plan(keys, &build, &probe, kind).check_spilled(&joined(keys.len(), &build, &probe, kind));
        }
    }
}

#[test]
fn keys_that_are_there_very_often_do_not_fit_either() {
    // One key has nearly all rows, one too many for a partition; the others share the partition.
    let key = |n: i64| {
        if n % 10 == 0 {
            n % 700
        } else if n % 10 == 1 {
            8
        } else {
            7
        }
    };
    let build: Vec<Row> = (0..4000).map(|n| vec![V::I(key(n)), V::S(format!("row {n} of the build side"))]).collect();
    let probe: Vec<Row> = (0..60).map(|n| vec![V::I(n), V::I(n)]).collect();
    for kind in [ProbeKind::Inner, ProbeKind::Left, ProbeKind::Semi, ProbeKind::Anti] {
        join_plan(&[int()], &build, &probe, kind).check_spilled(&joined(1, &build, &probe, kind));
    }
    for (build, probe) in [(&build, &probe), (&probe, &build)] {
        check_matched(build, probe);
    }
}

#[test]
fn sides_of_every_size() {
    let mut random = Random(17);
    for (build, probe) in [(0, 0), (0, 100), (100, 0), (1, 5000), (500, 1), (65, 65), (700, 2500)] {
        // Far more keys than rows, close together and far apart: mostly unique.
        for scale in [1, 1 << 40] {
            let mut side = |count: usize, value| {
                let mut rows = random.rows(count, &[(int(), 4000), (value, 100)]);
                for row in &mut rows {
                    let V::I(key) = row[0] else { unreachable!("an integer") };
                    row[0] = V::I(key * scale);
                }
                rows
            };
            check_join(&[int()], &side(build, string()), &side(probe, int()));
        }
    }
}

#[test]
fn unique_keys_stay_in_place() {
    let build: Vec<Row> = (0..500).map(|key| vec![V::I(key), V::S(format!("name {key}"))]).collect();
    let probe = Random(19).rows(9_000, &[(int(), 1000), (int(), 10)]);
    check_join(&[int()], &build, &probe);
}

#[test]
fn one_row_that_matches_very_often() {
    let build: Vec<Row> = (0..5000).map(|n| vec![V::I(n % 2), V::S(n.to_string())]).collect();
    let probe: Vec<Row> = (0..5).map(|n| vec![V::I(n % 3), V::I(n)]).collect();
    check_join(&[int()], &build, &probe);
}

#[test]
fn build_rows_by_whether_they_matched() {
    let mut random = Random(23);
    let (build, probe) = (
        random.rows(1500, &[(option(int()), 900), (string(), 50)]),
        random.rows(400, &[(option(int()), 900), (int(), 9)]),
    );
    check_matched(&build, &probe);
}

/// The rows of the build side, a key that may be null and a text, by whether they matched.
fn check_matched(build: &[Row], probe: &[Row]) {
    let value = |rows: &[Row]| if matches!(rows[0][1], V::S(_)) { string() } else { int() };
    for wanted in [true, false] {
        let mut plan = Plan::new(&["source", "source", "hash_join", "sink"]);
        let left = plan.source(&[option(int()), value(probe)], probe.to_vec());
        let right = plan.source(&[option(int()), value(build)], build.to_vec());
        let payload = vec![option(int()), value(build)];
        let table = plan.table(TableKind::Join { keys: vec![int()], payload: payload.clone(), track_matches: true });
        plan.scan(right, 1, &[], vec![], End::Build { table, keys: vec![0], payload: vec![0, 1], operator: 2 });
        let step = Step::Probe {
            table,
            kind: ProbeKind::Inner,
            keys: vec![0],
            carry: vec![],
            payload: vec![],
            matched: None,
            mark_only: true,
            operator: 2,
        };
        plan.scan(left, 0, &[], vec![step], End::Nothing);
        let sink = plan.sink(&payload);
        plan.manifest.pipelines.push(Pipeline {
            origin: Origin::BuildRows { table, matched: wanted, columns: vec![(0, 0), (1, 1)], operator: 2 },
            registers: payload.iter().map(|ty| field("r", *ty)).collect(),
            body: Body { steps: vec![], end: End::Sink { sink, columns: vec![0, 1], operator: 3 } },
        });
        let expected: Vec<Row> =
            build.iter().filter(|row| matches(1, row, probe).is_empty() != wanted).cloned().collect();
        plan.check(&expected);
        plan.check_spilled(&expected);
    }
}
