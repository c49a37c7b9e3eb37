//! Tables of streams in running jobs: rows of several pipelines, their watermarks, what stands behind them.

use crate::support::*;
use sabot_abi::manifest::*;
use sabot_abi::stream::{AsofDirection, JoinKind, Keep, ScanTime, StreamInput, StreamOperator, WindowKind};
use sabot_runtime::RunOptions;
use std::collections::BTreeMap;

/// Columns of sources: key, time, value.
const TIME: u32 = 1;

/// Rows whose times rise, each at most `disorder` off.
fn rows(seed: u64, count: usize, key: ColumnType, disorder: u64) -> Vec<Row> {
    let mut random = Random(seed);
    let mut now = 0;
    (0..count)
        .map(|_| {
            now += random.below(3) as i64;
            let key = random.value(key, 40);
            vec![key, V::I(now - random.below(disorder + 1) as i64), V::I(random.below(1000) as i64)]
        })
        .collect()
}

fn time(row: &Row) -> i64 {
    match &row[TIME as usize] {
        V::I(time) => *time,
        other => panic!("{other:?} is no time"),
    }
}

fn set_times(plan: &mut Plan, lateness_us: i64) {
    for pipeline in &mut plan.manifest.pipelines {
        if let Origin::Scan { event_time, .. } = &mut pipeline.origin {
            *event_time = Some(ScanTime { column: TIME, lateness_us, watermark: None });
        }
    }
}

fn feed(table: u32, input: u32, has_time: bool) -> End {
    let time = has_time.then_some(TIME);
    End::Feed { table, input, keys: vec![0], time, columns: vec![0, 1, 2], operator: 1 }
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_cached_key(|row| format!("{row:?}"));
    rows
}

/// The rows of all sinks, in any order, are the same for every number of workers and all sizes of batches.
#[track_caller]
fn check(mut plan: Plan, expected: &[Vec<Row>]) {
    for batch_rows in [1, 7, 2048] {
        plan.batch_rows = Some(batch_rows);
        for (seed, workers) in [(1, 1), (2, 2), (3, 4)] {
            let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
            let (rows, summary) = plan.run(&options, seed).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(rows.len(), expected.len());
            for (rows, expected) in rows.into_iter().zip(expected) {
                assert_same(&sorted(rows), &sorted(expected.clone()), workers);
            }
            assert_eq!(summary.operators.iter().map(|operator| operator.late).sum::<u64>(), 0);
        }
    }
}

/// Left and right rows that match, perhaps left ones alone.
fn joined(left: &[Row], right: &[Row], is_outer: bool, matches: impl Fn(&Row, &Row) -> bool) -> Vec<Row> {
    let mut expected = Vec::new();
    for left in left {
        let before = expected.len();
        for right in right.iter().filter(|right| !matches!(left[0], V::Null) && left[0] == right[0]) {
            if matches(left, right) {
                let mut row: Row = left.iter().chain(right).cloned().collect();
                row.extend(is_outer.then_some(V::B(true)));
                expected.push(row);
            }
        }
        if is_outer && expected.len() == before {
            expected.push(left.iter().cloned().chain([V::Null, V::Null, V::Null, V::B(false)]).collect());
        }
    }
    expected
}

#[test]
fn two_streams_are_joined_within_a_time_and_counted_in_windows() {
    let (left, right) = (rows(1, 900, option(string()), 20), rows(2, 1100, option(string()), 20));
    let input = vec![option(string()), int(), int()];
    let given: Vec<ColumnType> =
        input.iter().copied().chain(input.iter().map(|ty| option(*ty))).chain([boolean()]).collect();
    let mut plan = Plan::new(&["source", "join", "sink"]);
    let (left_source, right_source) = (plan.source(&input, left.clone()), plan.source(&input, right.clone()));
    let (sink, windows_sink) = (plan.sink(&given), plan.sink(&[int(), int(), int()]));
    let table = plan.table(TableKind::Stream {
        emit_every_us: None,
        keys: vec![string()],
        inputs: vec![input.clone(), input.clone()],
        operator: StreamOperator::Join { kind: JoinKind::Left, keep: Keep::Within { us: 15 } },
    });
    let windows = plan.table(TableKind::Window {
        keys: vec![],
        calls: vec![AggregateSpec { function: AggregateFunction::Count, args: vec![], ty: int() }],
        kind: WindowKind::Tumbling { size_us: 50, offset_us: 0 },
        processing_time: false,
        allowed_lateness_us: 0,
        emit_every_us: None,
    });
    plan.scan(left_source, 0, &[], vec![], feed(table, 0, true));
    plan.scan(right_source, 0, &[], vec![], feed(table, 1, true));
    set_times(&mut plan, 20);
    plan.table_to_sink(table, &given, sink, 2);
    let body = |end: End| Body { steps: vec![], end };
    let pipeline = plan.manifest.pipelines.last_mut().expect("just added");
    let to_sink = std::mem::replace(&mut pipeline.body.end, End::Nothing);
    let inputs = vec![AggregateInput { args: vec![], filter: None }];
    // The watermark behind the join is so far back that the left row's time is not late.
    let end = End::Window {
        table: windows,
        time: Some(TIME),
        watermark: None,
        keys: vec![],
        inputs,
        late: None,
        operator: 2,
    };
    pipeline.body.end = End::Fork(vec![body(to_sink), body(end)]);
    plan.table_to_sink(windows, &[int(), int(), int()], windows_sink, 2);
    let expected = joined(&left, &right, true, |left, right| (time(left) - time(right)).abs() <= 15);
    assert!(expected.len() > 1000);
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    expected.iter().for_each(|row| *counts.entry(time(row).div_euclid(50) * 50).or_default() += 1);
    let counts = counts.into_iter().map(|(start, count)| vec![V::I(start), V::I(start + 50), V::I(count)]).collect();
    check(plan, &[expected, counts]);
}

#[test]
fn a_stream_is_joined_with_itself_and_what_comes_out_goes_on() {
    let of = rows(3, 400, int(), 0);
    let input = vec![int(), int(), int()];
    let both: Vec<ColumnType> = input.iter().chain(&input).copied().collect();
    let mut plan = Plan::new(&["source", "join", "sink"]);
    let source = plan.source(&input, of.clone());
    let (sink, first_sink) = (plan.sink(&both), plan.sink(&[int(), int()]));
    let table = plan.table(TableKind::Stream {
        emit_every_us: None,
        keys: vec![int()],
        inputs: vec![input.clone(), input],
        operator: StreamOperator::Join { kind: JoinKind::Inner, keep: Keep::Forever },
    });
    let first = plan.table(TableKind::Stream {
        emit_every_us: None,
        keys: vec![int()],
        inputs: vec![vec![int(), int()]],
        operator: StreamOperator::First,
    });
    let body = |end: End| Body { steps: vec![], end };
    let ends = [feed(table, 0, false), feed(table, 1, false)].map(body);
    plan.scan(source, 0, &[], vec![], End::Fork(ends.to_vec()));
    plan.table_to_sink(table, &both, sink, 2);
    let pipeline = plan.manifest.pipelines.last_mut().expect("just added");
    let to_sink = std::mem::replace(&mut pipeline.body.end, End::Nothing);
    let end = End::Feed { table: first, input: 0, keys: vec![3], time: None, columns: vec![0, 3], operator: 2 };
    pipeline.body.end = End::Fork(vec![body(to_sink), body(end)]);
    plan.table_to_sink(first, &[int(), int()], first_sink, 2);
    let expected = joined(&of, &of, false, |_, _| true);
    let keys: BTreeMap<String, V> = of.iter().map(|row| (format!("{:?}", row[0]), row[0].clone())).collect();
    let firsts = keys.into_values().map(|key| vec![key.clone(), key]).collect();
    check(plan, &[expected, firsts]);
}

#[test]
fn the_latest_row_before_each() {
    let named = |mut rows: Vec<Row>| {
        rows.iter_mut().for_each(|row| row[2] = V::S(format!("the name of {:?}", row[2])));
        rows
    };
    let (left, right) = (named(rows(4, 700, int(), 9)), named(rows(5, 900, int(), 9)));
    let input = vec![int(), int(), string()];
    let given: Vec<ColumnType> = input.iter().chain(&input).copied().collect();
    let mut plan = Plan::new(&["source", "join", "sink"]);
    let (left_source, right_source) = (plan.source(&input, left.clone()), plan.source(&input, right.clone()));
    let sink = plan.sink(&given);
    let table = plan.table(TableKind::Stream {
        emit_every_us: None,
        keys: vec![int()],
        inputs: vec![input.clone(), input],
        operator: StreamOperator::Asof { outer: false, direction: AsofDirection::Backward, tolerance_us: Some(80) },
    });
    plan.scan(left_source, 0, &[], vec![], feed(table, 0, true));
    plan.scan(right_source, 0, &[], vec![], feed(table, 1, true));
    set_times(&mut plan, 9);
    plan.table_to_sink(table, &given, sink, 2);
    let mut expected = Vec::new();
    for left in &left {
        let is_near = |right: &&Row| left[0] == right[0] && (0..=80).contains(&(time(left) - time(right)));
        if let Some(right) = right.iter().filter(is_near).max_by_key(|right| time(right)) {
            expected.push(left.iter().chain(right).cloned().collect());
        }
    }
    assert!(expected.len() > 300);
    check(plan, &[expected]);
}

/// Changes add up to what all rows are in the end.
#[test]
fn changes_add_up_whenever_they_were_given() {
    let of = rows(6, 3000, option(string()), 0);
    let input = vec![option(string()), int(), int()];
    let change = ColumnType { base: BaseType::Int8, nullable: false };
    let given = [option(string()), int(), option(int()), change];
    let mut plan = Plan::new(&["source", "aggregate", "sink"]);
    let source = plan.source(&input, of.clone());
    let (sink, top_sink) = (plan.sink(&given), plan.sink(&given));
    let call = |function, args: &[ColumnType], ty| AggregateSpec { function, args: args.to_vec(), ty };
    let input_of = |args: &[u32]| StreamInput { args: args.to_vec(), filter: None };
    let table = plan.table(TableKind::Stream {
        emit_every_us: None,
        keys: vec![option(string())],
        inputs: vec![input],
        operator: StreamOperator::Aggregate {
            calls: vec![
                call(AggregateFunction::Count, &[], int()),
                call(AggregateFunction::Max, &[int()], option(int())),
            ],
            inputs: vec![input_of(&[]), input_of(&[2])],
            change: None,
        },
    });
    let top = plan.table(TableKind::Stream {
        emit_every_us: None,
        keys: vec![],
        inputs: vec![given.to_vec()],
        operator: StreamOperator::Top { by: vec![(1, true), (0, false)], limit: 3, change: Some(3) },
    });
    plan.scan(source, 0, &[], vec![], feed(table, 0, false));
    plan.table_to_sink(table, &given, sink, 2);
    let body = |end: End| Body { steps: vec![], end };
    let pipeline = plan.manifest.pipelines.last_mut().expect("just added");
    let to_sink = std::mem::replace(&mut pipeline.body.end, End::Nothing);
    let end = End::Feed { table: top, input: 0, keys: vec![], time: None, columns: vec![0, 1, 2, 3], operator: 2 };
    pipeline.body.end = End::Fork(vec![body(to_sink), body(end)]);
    plan.table_to_sink(top, &given, top_sink, 2);

    let mut groups: BTreeMap<String, (V, i64, i64)> = BTreeMap::new();
    for row in &of {
        let V::I(value) = row[2] else { panic!("values are numbers") };
        let group = groups.entry(format!("{:?}", row[0])).or_insert((row[0].clone(), 0, i64::MIN));
        (group.1, group.2) = (group.1 + 1, group.2.max(value));
    }
    let mut expected: Vec<Row> =
        groups.into_values().map(|(key, count, max)| vec![key, V::I(count), V::I(max)]).collect();
    let all = sorted(expected.clone());
    let rank = |row: &Row| match (&row[1], &row[0]) {
        (V::I(count), V::S(key)) => (-count, key.clone()),
        (V::I(count), _) => (-count, String::new()),
        other => panic!("{other:?}"),
    };
    expected.sort_by_key(rank);
    expected.truncate(3);
    let expected = sorted(expected);
    for (batch_rows, workers) in [(1, 1), (7, 2), (2048, 4)] {
        plan.batch_rows = Some(batch_rows);
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let (given, _) = plan.run(&options, 1).unwrap_or_else(|error| panic!("{error}"));
        assert_same(&left(&given[0]), &all, workers);
        assert_same(&left(&given[1]), &expected, workers);
    }
}

/// What changes leave.
fn left(changes: &[Row]) -> Vec<Row> {
    let mut rows: BTreeMap<String, (Row, i64)> = BTreeMap::new();
    for change in changes {
        let (row, V::I(count)) = (&change[..3], &change[3]) else { panic!("a change is a number") };
        let entry = rows.entry(format!("{row:?}")).or_insert((row.to_vec(), 0));
        entry.1 += count.signum(); // an update is told apart by its size
    }
    assert!(rows.values().all(|(_, count)| [0, 1].contains(count)), "a row is there once or not at all");
    sorted(rows.into_values().filter(|(_, count)| *count > 0).map(|(row, _)| row).collect())
}
