//! Windows of event time against the rows of each window, by their definition: rows in any order, watermarks, late rows.

use crate::support::*;
use sabot_abi::manifest::*;
use sabot_abi::stream::{LateRows, ScanTime, WindowKind};
use sabot_runtime::{RunOptions, RunSummary};
use std::collections::BTreeMap;

/// Columns: key, time, value.
const TIME: u32 = 1;

/// The register of the watermark.
const WATERMARK: Reg = 3;

fn call(function: AggregateFunction, args: &[ColumnType], ty: ColumnType) -> AggregateSpec {
    AggregateSpec { function, args: args.to_vec(), ty }
}

fn input(args: &[Reg]) -> AggregateInput {
    AggregateInput { args: args.to_vec(), filter: None }
}

/// Count, sum, first and last of the value.
fn calls() -> (Vec<AggregateSpec>, Vec<AggregateInput>) {
    let calls = vec![
        call(AggregateFunction::Count, &[], int()),
        call(AggregateFunction::Sum, &[int()], int()),
        call(AggregateFunction::First, &[int()], int()),
        call(AggregateFunction::Last, &[int()], int()),
    ];
    (calls, vec![input(&[]), input(&[2]), input(&[2]), input(&[2])])
}

/// How late rows may be, and are taken after all.
#[derive(Clone, Copy)]
pub(crate) struct Lateness {
    pub(crate) lateness: i64,
    pub(crate) allowed: i64,
}

/// A job of one window, with the rows that are late in the second sink.
pub(crate) fn windows(key: ColumnType, rows: &[Row], kind: WindowKind, late: Lateness) -> Plan {
    let mut plan = Plan::new(&["source", "window", "sink"]);
    let source = plan.source(&[key, int(), int()], rows.to_vec());
    let bounds = if matches!(kind, WindowKind::Count { .. }) { 0 } else { 2 };
    let given: Vec<ColumnType> = std::iter::once(key).chain(vec![int(); 4 + bounds]).collect();
    let sink = plan.sink(&given);
    let late_sink = plan.sink(&[key, int(), int()]);
    let (calls, inputs) = calls();
    let table = plan.table(TableKind::Window {
        keys: vec![key],
        calls,
        kind,
        processing_time: false,
        allowed_lateness_us: late.allowed,
        emit_every_us: None,
    });
    let end = End::Window {
        table,
        time: Some(TIME),
        watermark: Some(WATERMARK),
        keys: vec![0],
        inputs,
        late: Some(LateRows { sink: late_sink, columns: vec![0, 1, 2] }),
        operator: 1,
    };
    plan.scan(source, 0, &[int()], vec![], end);
    set_time(&mut plan, 0, late.lateness);
    plan.table_to_sink(table, &given, sink, 2);
    plan
}

/// The pipeline's source has event time.
pub(crate) fn set_time(plan: &mut Plan, pipeline: usize, lateness_us: i64) {
    if let Origin::Scan { event_time, .. } = &mut plan.manifest.pipelines[pipeline].origin {
        *event_time = Some(ScanTime { column: TIME, lateness_us, watermark: Some(WATERMARK) });
    }
}

fn number(value: &V) -> i64 {
    match value {
        V::I(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

/// The windows of a time, start and end.
fn windows_of(kind: WindowKind, time: i64) -> Vec<(i64, i64)> {
    let range = |start: i64, end: i64| (start <= time && time < end).then_some((start, end));
    let of = |size: i64, slide: i64, offset: i64| {
        let near = (time - offset).div_euclid(slide);
        (near - size / slide - 1..=near + 1)
            .filter_map(|number| range(number * slide + offset, number * slide + offset + size))
            .collect()
    };
    match kind {
        WindowKind::Tumbling { size_us, offset_us } => of(size_us, size_us, offset_us),
        WindowKind::Sliding { size_us, slide_us, offset_us } => of(size_us, slide_us, offset_us),
        WindowKind::Cumulate { step_us, max_us, offset_us } => {
            let start = (time - offset_us).div_euclid(max_us) * max_us + offset_us;
            (1..=max_us / step_us).filter_map(|steps| range(start, start + steps * step_us)).collect()
        }
        other => panic!("{other:?} is not made of slices"),
    }
}

/// What comes out, in order, and the late rows.
pub(crate) fn expected(rows: &[Row], kind: WindowKind, late: Lateness) -> (Vec<Row>, Vec<Row>) {
    let mut greatest = i64::MIN;
    let mut groups: BTreeMap<(i64, i64, String), (V, Vec<i64>)> = BTreeMap::new();
    let mut too_late = Vec::new();
    let mut steps: BTreeMap<(i64, String), i64> = BTreeMap::new();
    for row in rows {
        let time = number(&row[1]);
        let watermark = if greatest == i64::MIN { greatest } else { greatest - late.lateness };
        greatest = greatest.max(time);
        let open: Vec<(i64, i64)> =
            windows_of(kind, time).into_iter().filter(|(_, end)| watermark < end + late.allowed).collect();
        if open.is_empty() {
            too_late.push(row.clone());
        }
        let sortable = match &row[0] {
            V::I(key) => format!("{:020}", key + 1_000_000),
            V::S(key) => format!("s{key}"),
            _ => String::new(),
        };
        for (start, end) in open {
            steps.entry((start, sortable.clone())).and_modify(|last| *last = (*last).max(end)).or_insert(end);
            groups
                .entry((end, start, sortable.clone()))
                .or_insert_with(|| (row[0].clone(), vec![]))
                .1
                .push(number(&row[2]));
        }
    }
    let result = |((end, start, _), (key, values)): (&(i64, i64, String), &(V, Vec<i64>))| {
        let (first, last) = (values[0], values[values.len() - 1]);
        let sum = values.iter().sum();
        let numbers = [*start, *end, values.len() as i64, sum, first, last];
        std::iter::once(key.clone()).chain(numbers.map(V::I)).collect()
    };
    (groups.iter().map(result).collect(), too_late)
}

/// Rows whose times rise, each at most `disorder` off, with ties.
pub(crate) fn rows(seed: u64, count: usize, key: ColumnType, step: u64, disorder: u64) -> Vec<Row> {
    let mut random = Random(seed);
    let mut now = -50;
    (0..count)
        .map(|_| {
            now += random.below(step + 1) as i64;
            let key = random.value(key, 12);
            vec![key, V::I(now - random.below(disorder + 1) as i64), V::I(random.below(1000) as i64 - 300)]
        })
        .collect()
}

fn late_count(summary: &RunSummary) -> u64 {
    summary.operators.iter().map(|operator| operator.late).sum()
}

/// The rows of both sinks are the same for every number of workers and all sizes of batches.
#[track_caller]
fn check(mut plan: Plan, expected: &[Row], late: &[Row]) {
    for batch_rows in [Some(7), Some(2048), Some(1)] {
        plan.batch_rows = batch_rows;
        for (seed, workers) in [1, 2].into_iter().enumerate() {
            let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
            let (rows, summary) = plan.run(&options, seed as u64).unwrap_or_else(|error| panic!("{error}"));
            assert_same(&rows[0], expected, workers);
            assert_same(&rows[1], late, workers);
            assert_eq!(late_count(&summary), late.len() as u64);
        }
    }
}

const KINDS: [WindowKind; 7] = [
    WindowKind::Tumbling { size_us: 10, offset_us: 0 },
    WindowKind::Tumbling { size_us: 1000, offset_us: 3 },
    WindowKind::Sliding { size_us: 20, slide_us: 5, offset_us: 0 },
    WindowKind::Sliding { size_us: 7, slide_us: 3, offset_us: -1 },
    WindowKind::Sliding { size_us: 6, slide_us: 6, offset_us: 2 },
    WindowKind::Cumulate { step_us: 4, max_us: 12, offset_us: 1 },
    WindowKind::Cumulate { step_us: 50, max_us: 500, offset_us: 0 },
];

#[test]
fn windows_give_what_their_rows_are() {
    let late = Lateness { lateness: 0, allowed: 0 };
    for (seed, kind) in (0..).zip(KINDS) {
        let rows = rows(seed, 900, int(), 2, 0);
        let (given, too_late) = expected(&rows, kind, late);
        assert!(too_late.is_empty() && !given.is_empty());
        check(windows(int(), &rows, kind, late), &given, &too_late);
    }
}

#[test]
fn disorder_within_the_lateness_changes_nothing() {
    let late = Lateness { lateness: 30, allowed: 0 };
    for (seed, kind) in (10..).zip(KINDS) {
        let key = if seed % 2 == 0 { string() } else { option(int()) };
        let rows = rows(seed, 700, key, 2, 30);
        let (given, too_late) = expected(&rows, kind, late);
        assert!(too_late.is_empty(), "nothing is later than that");
        check(windows(key, &rows, kind, late), &given, &too_late);
    }
}

#[test]
fn late_rows_are_counted_one_by_one_and_come_out_in_order() {
    let late = Lateness { lateness: 4, allowed: 0 };
    let mut seen = 0;
    for (seed, kind) in (20..).zip(KINDS) {
        let rows = rows(seed, 700, int(), 3, 60);
        let (given, too_late) = expected(&rows, kind, late);
        seen += too_late.len();
        check(windows(int(), &rows, kind, late), &given, &too_late);
    }
    assert!(seen > 100, "there were {seen} late rows");
}

#[test]
fn rows_late_for_a_window_that_still_takes_them_make_it_fire_again() {
    let late = Lateness { lateness: 4, allowed: 25 };
    for (seed, kind) in (30..).zip(KINDS) {
        let rows = rows(seed, 700, int(), 3, 60);
        let (wanted, too_late) = expected(&rows, kind, late);
        let mut plan = windows(int(), &rows, kind, late);
        for (batch_rows, workers) in [(7, 1), (64, 2), (2048, 1)] {
            plan.batch_rows = Some(batch_rows);
            let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
            let (given, summary) = plan.run(&options, seed).unwrap_or_else(|error| panic!("{error}"));
            // What was given last for a window and a key holds.
            let mut last: BTreeMap<(i64, i64, i64), Row> = BTreeMap::new();
            for row in &given[0] {
                last.insert((number(&row[2]), number(&row[1]), number(&row[0])), row.clone());
            }
            assert_same(&last.into_values().collect::<Vec<_>>(), &wanted, workers);
            assert!(batch_rows > 7 || given[0].len() > wanted.len(), "no window has fired again");
            assert_same(&given[1], &too_late, workers);
            assert_eq!(late_count(&summary), too_late.len() as u64);
        }
    }
}

/// Of each window the value that came most often: counts by key and window, then the greatest of a window, beside the windows'
/// counts in order.
#[test]
fn what_stands_behind_a_window_closes_with_it() {
    let late = Lateness { lateness: 8, allowed: 0 };
    let kind = WindowKind::Sliding { size_us: 20, slide_us: 5, offset_us: 0 };
    let rows = rows(40, 900, int(), 2, 8);
    let (counts, _) = expected(&rows, kind, late);
    let mut by_end: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for row in &counts {
        by_end.entry(number(&row[2])).or_default().push((number(&row[3]), number(&row[0])));
    }
    let greatest: Vec<Row> = by_end
        .iter()
        .map(|(end, counts)| vec![V::I(*end), V::I(counts.iter().map(|(count, _)| *count).max().unwrap_or(0))])
        .collect();
    let mut top = Vec::new();
    for (end, counts) in &mut by_end {
        counts.sort_by_key(|(count, key)| (std::cmp::Reverse(*count), *key));
        top.extend(counts.iter().take(2).map(|(count, key)| vec![V::I(*key), V::I(*end), V::I(*count)]));
    }
    let mut plan = windows(int(), &rows, kind, late);
    let max_sink = plan.sink(&[int(), int()]);
    let top_sink = plan.sink(&[int(), int(), int()]);
    let max = plan.table(TableKind::Aggregate {
        keys: vec![int()],
        calls: vec![call(AggregateFunction::Max, &[int()], int())],
        closes: Some(0),
    });
    let sort = plan.table(TableKind::Sort {
        columns: vec![int(), int(), int()],
        by: vec![(2, true), (0, false)],
        limit: Some(2),
        partition_by: vec![1],
        closes: Some(1),
    });
    // Registers of the windows: key, start, end, count, …
    let body = |end: End| Body { steps: vec![], end };
    let (keys, inputs) = (vec![2], vec![input(&[3])]);
    let first = std::mem::replace(&mut plan.manifest.pipelines[1].body.end, End::Nothing);
    plan.manifest.pipelines[1].body.end = End::Fork(vec![
        body(first),
        body(End::Aggregate { table: max, keys, inputs, fused: None, operator: 1 }),
        body(End::Collect { table: sort, columns: vec![0, 2, 3], operator: 1 }),
    ]);
    plan.table_to_sink(max, &[int(), int()], max_sink, 2);
    plan.table_to_sink(sort, &[int(), int(), int()], top_sink, 2);
    for (batch_rows, workers) in [(1, 1), (7, 2), (2048, 1), (2048, 4)] {
        plan.batch_rows = Some(batch_rows);
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let (given, summary) = plan.run(&options, 3).unwrap_or_else(|error| panic!("{error}"));
        assert_same(&given[0], &counts, workers);
        assert_same(&given[2], &greatest, workers);
        assert_same(&given[3], &top, workers);
        assert_eq!(late_count(&summary), 0);
    }
}

#[test]
fn a_row_without_event_time_fails_the_job_or_is_skipped() {
    let late = Lateness { lateness: 0, allowed: 0 };
    let kind = WindowKind::Tumbling { size_us: 10, offset_us: 0 };
    let good = rows(50, 100, int(), 2, 0);
    let mut rows = good.clone();
    rows.insert(60, vec![V::I(1), V::Null, V::I(0)]);
    rows.insert(30, vec![V::I(1), V::Null, V::I(0)]);
    let mut plan = windows(int(), &rows, kind, late);
    for pipeline in &mut plan.manifest.pipelines[..1] {
        pipeline.registers[1].ty = option(int());
    }
    plan.manifest.sources[0].fields[1].ty = option(int());
    let options = RunOptions { parallelism: Some(2), ..RunOptions::default() };
    plan.batch_rows = Some(7);
    let error = plan.run(&options, 1).expect_err("a time is missing").to_string();
    assert!(error.contains("the row has no event time") && error.contains("memory, row 31"), "{error}");
    plan.manifest.operators[0].on_error = ErrorPolicy::Skip;
    let (given, summary) = plan.run(&options, 1).unwrap_or_else(|error| panic!("{error}"));
    assert_same(&given[0], &expected(&good, kind, late).0, 2);
    assert_eq!(summary.operators[0].skipped, 2);
}

#[test]
fn a_time_that_is_out_of_all_bounds_is_an_error_of_its_row_and_moves_no_watermark() {
    let late = Lateness { lateness: 0, allowed: 0 };
    let kind = WindowKind::Tumbling { size_us: 10, offset_us: 0 };
    let good = rows(50, 100, int(), 2, 0);
    let far = [i64::MIN, i64::MIN + 1, -(1 << 60) - 1, (1 << 60) + 1, i64::MAX];
    for (ty, is_first) in [(int(), true), (int(), false), (option(int()), false)] {
        let mut rows = good.clone();
        for (at, time) in far.iter().enumerate() {
            let at = if is_first { at } else { 10 * at + 3 };
            rows.insert(at, vec![V::I(1), V::I(*time), V::I(0)]);
        }
        let mut plan = windows(int(), &rows, kind, late);
        plan.manifest.pipelines[0].registers[1].ty = ty;
        plan.manifest.sources[0].fields[1].ty = ty;
        for (batch_rows, workers) in [(1, 1), (7, 2), (2048, 2)] {
            plan.batch_rows = Some(batch_rows);
            let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
            plan.manifest.operators[0].on_error = ErrorPolicy::Fail;
            let error = plan.run(&options, 1).expect_err("a time is out of bounds").to_string();
            assert!(error.contains("more than 36,500 years from 1970"), "{error}");
            plan.manifest.operators[0].on_error = ErrorPolicy::Skip;
            let (given, summary) = plan.run(&options, 1).unwrap_or_else(|error| panic!("{error}"));
            assert_same(&given[0], &expected(&good, kind, late).0, workers);
            assert_eq!((summary.operators[0].skipped, late_count(&summary)), (far.len() as u64, 0));
        }
    }
}

/// Sessions as they come of one row after the other, and the rows that none takes.
fn sessions(rows: &[Row], gap: i64, late: Lateness) -> (Vec<Row>, Vec<Row>) {
    struct Session(i64, i64, Vec<(usize, i64)>);
    let mut greatest = i64::MIN;
    let mut open: BTreeMap<String, Vec<Session>> = BTreeMap::new();
    let mut closed = Vec::new();
    let mut too_late = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let time = number(&row[1]);
        let watermark = if greatest == i64::MIN { greatest } else { greatest - late.lateness };
        greatest = greatest.max(time);
        let of_key = open.entry(format!("{:?}", row[0])).or_default();
        let (gone, left): (Vec<Session>, Vec<Session>) =
            of_key.drain(..).partition(|session| watermark >= session.1 + gap + late.allowed);
        closed.extend(gone);
        let (mine, others): (Vec<Session>, Vec<Session>) =
            left.into_iter().partition(|session| time < session.1 + gap && session.0 < time + gap);
        *of_key = others;
        if mine.is_empty() && watermark >= time + gap + late.allowed {
            too_late.push(row.clone());
            continue;
        }
        let mut all = Session(time, time, vec![(at, number(&row[2]))]);
        for session in mine {
            all = Session(all.0.min(session.0), all.1.max(session.1), [all.2, session.2].concat());
        }
        of_key.push(all);
    }
    closed.extend(open.into_values().flatten());
    let mut given: Vec<Row> = closed
        .into_iter()
        .map(|Session(first, last, mut values)| {
            values.sort_unstable();
            let (count, sum) = (values.len() as i64, values.iter().map(|(_, value)| *value).sum());
            let ends = [first, last + gap, count, sum, values[0].1, values[values.len() - 1].1];
            std::iter::once(rows[values[0].0][0].clone()).chain(ends.map(V::I)).collect()
        })
        .collect();
    given.sort_by(|a: &Row, b: &Row| (&a[2], &a[0]).partial_cmp(&(&b[2], &b[0])).expect("values of one type"));
    (given, too_late)
}

#[test]
fn sessions_merge_as_rows_come_between_them() {
    for (seed, gap, disorder, lateness) in
        [(60, 5, 0, 0), (61, 8, 25, 25), (62, 10, 40, 3), (63, 40, 60, 2), (64, 1, 9, 9)]
    {
        let late = Lateness { lateness, allowed: 0 };
        let kind = WindowKind::Session { gap_us: gap };
        let key = if seed % 2 == 0 { string() } else { int() };
        let rows = rows(seed, 900, key, 3, disorder);
        let (given, too_late) = sessions(&rows, gap, late);
        assert_eq!(disorder as i64 <= lateness, too_late.is_empty());
        check(windows(key, &rows, kind, late), &given, &too_late);
    }
}

#[test]
fn sessions_that_take_late_rows_give_their_last_result_last() {
    let late = Lateness { lateness: 2, allowed: 30 };
    let rows = rows(70, 900, int(), 3, 60);
    let (wanted, too_late) = sessions(&rows, 6, late);
    let mut plan = windows(int(), &rows, WindowKind::Session { gap_us: 6 }, late);
    for (batch_rows, workers) in [(7, 1), (64, 2), (2048, 1)] {
        plan.batch_rows = Some(batch_rows);
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let (given, _) = plan.run(&options, 1).unwrap_or_else(|error| panic!("{error}"));
        for row in &wanted {
            let mut again =
                given[0].iter().filter(|other| other[0] == row[0] && other[2] == row[2] && other[1] == row[1]);
            assert_eq!(again.next_back(), Some(row), "-p {workers}, {batch_rows} rows");
        }
        assert_same(&given[1], &too_late, workers);
    }
}

#[test]
fn so_many_rows_of_a_key_are_a_window() {
    for (seed, size) in [(80, 1), (81, 3), (82, 50), (83, 10_000)] {
        let key = if seed % 2 == 0 { string() } else { option(int()) };
        let rows = rows(seed, 900, key, 3, 20);
        let mut open: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        let mut given = Vec::new();
        let result = |rows: &[&Row]| -> Row {
            let values: Vec<i64> = rows.iter().map(|row| number(&row[2])).collect();
            let calls = [values.len() as i64, values.iter().sum(), values[0], values[values.len() - 1]];
            std::iter::once(rows[0][0].clone()).chain(calls.map(V::I)).collect()
        };
        for row in &rows {
            let of_key = open.entry(format!("{:?}", row[0])).or_default();
            of_key.push(row);
            if of_key.len() == size {
                given.push(result(&std::mem::take(of_key)));
            }
        }
        let mut left: Vec<Row> = open.values().filter(|rows| !rows.is_empty()).map(|rows| result(rows)).collect();
        left.sort_by(|a: &Row, b: &Row| a[0].partial_cmp(&b[0]).expect("values of one type"));
        given.extend(left);
        let late = Lateness { lateness: 0, allowed: 0 };
        check(windows(key, &rows, WindowKind::Count { rows: size as u64 }, late), &given, &[]);
    }
}

#[test]
fn unfinished_windows_are_given_now_and_then() {
    let late = Lateness { lateness: 5, allowed: 0 };
    for (seed, kind) in [
        (100, WindowKind::Tumbling { size_us: 100, offset_us: 0 }),
        (101, WindowKind::Sliding { size_us: 90, slide_us: 30, offset_us: 0 }),
    ] {
        let rows = rows(seed, 600, int(), 2, 5);
        let (wanted, _) = expected(&rows, kind, late);
        let mut plan = windows(int(), &rows, kind, late);
        for table in &mut plan.manifest.tables {
            if let TableKind::Window { emit_every_us, .. } = &mut table.kind {
                *emit_every_us = Some(20);
            }
        }
        plan.batch_rows = Some(7);
        for workers in [1, 2] {
            let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
            let (given, _) = plan.run(&options, seed).unwrap_or_else(|error| panic!("{error}"));
            let mut last: BTreeMap<(i64, i64), Row> = BTreeMap::new();
            for row in &given[0] {
                let before = last.insert((number(&row[2]), number(&row[0])), row.clone());
                assert!(before.is_none_or(|before| number(&before[3]) <= number(&row[3])), "rows do not go");
            }
            assert_same(&last.into_values().collect::<Vec<_>>(), &wanted, workers);
            // Where one worker waits for the processor, the others may be through before the prefix of all work moves.
            assert!(workers > 1 || given[0].len() > wanted.len(), "{} of {}", given[0].len(), wanted.len());
        }
    }
}

#[test]
fn unfinished_sessions_are_given_now_and_then() {
    let late = Lateness { lateness: 5, allowed: 0 };
    let kind = WindowKind::Session { gap_us: 9 };
    let rows = rows(102, 600, int(), 2, 5);
    let (wanted, _) = sessions(&rows, 9, late);
    let mut plan = windows(int(), &rows, kind, late);
    for table in &mut plan.manifest.tables {
        if let TableKind::Window { emit_every_us, .. } = &mut table.kind {
            *emit_every_us = Some(4);
        }
    }
    plan.batch_rows = Some(7);
    for workers in [1, 2] {
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let (given, _) = plan.run(&options, 102).unwrap_or_else(|error| panic!("{error}"));
        let mut finished = wanted.iter().peekable();
        for row in &given[0] {
            if finished.next_if(|wanted| *wanted == row).is_some() {
                continue;
            }
            let at = |row: &Row, at: usize| number(&row[at]);
            let is_begun = |whole: &Row| {
                let is_inside = at(whole, 1) <= at(row, 1) && at(row, 2) <= at(whole, 2);
                at(whole, 0) == at(row, 0) && is_inside && at(row, 3) <= at(whole, 3)
            };
            assert!(wanted.iter().any(is_begun), "{row:?} is the beginning of no session");
        }
        assert_eq!(finished.next(), None, "all are given in the end, in order");
        assert!(workers > 1 || given[0].len() > wanted.len(), "{} of {}", given[0].len(), wanted.len());
    }
}

#[test]
fn barriers_stand_between_the_same_rows_everywhere() {
    let late = Lateness { lateness: 8, allowed: 0 };
    let kind = WindowKind::Sliding { size_us: 20, slide_us: 5, offset_us: 0 };
    let rows = rows(110, 900, int(), 2, 8);
    let (counts, _) = expected(&rows, kind, late);
    let mut plan = windows(int(), &rows, kind, late);
    let max_sink = plan.sink(&[int(), int()]);
    let max = plan.table(TableKind::Aggregate {
        keys: vec![int()],
        calls: vec![call(AggregateFunction::Max, &[int()], int())],
        closes: Some(0),
    });
    let body = |end: End| Body { steps: vec![], end };
    let first = std::mem::replace(&mut plan.manifest.pipelines[1].body.end, End::Nothing);
    let (keys, inputs) = (vec![2], vec![input(&[3])]);
    plan.manifest.pipelines[1].body.end =
        End::Fork(vec![body(first), body(End::Aggregate { table: max, keys, inputs, fused: None, operator: 1 })]);
    plan.table_to_sink(max, &[int(), int()], max_sink, 2);
    for (batch_rows, workers) in [(1, 1), (7, 2), (64, 4)] {
        plan.batch_rows = Some(batch_rows);
        let barrier_every = Some(std::time::Duration::ZERO);
        let options = RunOptions { parallelism: Some(workers), barrier_every, ..RunOptions::default() };
        // That as many rows have come as were sent is asserted wherever a barrier passes.
        let (given, summary) = plan.run(&options, 3).unwrap_or_else(|error| panic!("{error}"));
        assert_same(&given[0], &counts, workers);
        assert!(summary.barriers > 3, "{} barriers", summary.barriers);
    }
}
