//! Scans, kernels, row errors, forks and sinks.

use crate::kernels::*;
use crate::support::*;
use sabot_abi::manifest::*;
use sabot_runtime::{RunError, RunOptions};

fn filter(input: u32, operator: u32, live: &[u32]) -> Step {
    let kernel = Kernel {
        plain: 0,
        nullable: 1,
        replay: None,
        vector: true,
        filter: true,
        cost: 5,
        inputs: vec![input],
        outputs: vec![],
        spans: vec![],
        messages: vec![],
    };
    Step::Compute { kernel, live: live.to_vec(), operator, counts: vec![operator] }
}

fn squared(input: u32, output: u32, operator: u32, live: &[u32]) -> Step {
    let kernel = Kernel {
        plain: 2,
        nullable: 2,
        replay: Some(3),
        vector: true,
        filter: false,
        cost: 200,
        inputs: vec![input],
        outputs: vec![output],
        spans: vec![(5, 10)],
        messages: vec![],
    };
    Step::Compute { kernel, live: live.to_vec(), operator, counts: vec![operator] }
}

/// source → filter `c0` even → map to `c0 * c0` beside the other columns → sink
fn plan(rows: Vec<Row>, types: &[ColumnType]) -> Plan {
    let mut plan = Plan::new(&["source", "filter", "map", "sink"]);
    plan.kernels = vec![keep_even, keep_even_nullable, square, square_replay];
    let source = plan.source(types, rows);
    let made = types.len() as u32;
    let others: Vec<u32> = (1..made).collect();
    let out: Vec<ColumnType> = std::iter::once(int()).chain(types[1..].iter().copied()).collect();
    let sink = plan.sink(&out);
    let columns = std::iter::once(made).chain(others.iter().copied()).collect();
    let steps = vec![filter(0, 1, &others), squared(0, made, 2, &others)];
    plan.scan(source, 0, &[int()], steps, End::Sink { sink, columns, operator: 3 });
    plan
}

fn expected(rows: &[Row]) -> Vec<Row> {
    let even = rows.iter().filter_map(|row| match row[0] {
        V::I(value) if value % 2 == 0 => Some((value, row)),
        _ => None,
    });
    even.map(|(value, row)| std::iter::once(V::I(value * value)).chain(row[1..].iter().cloned()).collect()).collect()
}

#[test]
fn rows_are_filtered_computed_and_written_in_order() {
    let types = [int(), string(), float(), boolean(), option(string()), option(int()), option(boolean()), int32()];
    for count in [0, 1, 63, 64, 65, 2047, 2048, 2049, 20_000] {
        let rows = Random(count as u64).rows(count, &types.map(|ty| (ty, 900)));
        plan(rows.clone(), &types).check(&expected(&rows));
    }
}

#[test]
fn nulls_take_the_other_entry() {
    let types = [option(int()), option(string())];
    let rows = Random(3).rows(5000, &types.map(|ty| (ty, 900)));
    plan(rows.clone(), &types).check(&expected(&rows));
}

#[test]
fn many_rows() {
    let types = [int(), string()];
    let rows = Random(5).rows(100_000, &types.map(|ty| (ty, 500)));
    plan(rows.clone(), &types).check(&expected(&rows));
}

#[test]
fn a_false_alarm_is_settled_by_the_replay() {
    let types = [int(), int()];
    let mut rows = Random(7).rows(10_000, &types.map(|ty| (ty, 900)));
    rows.iter_mut().step_by(700).for_each(|row| row[0] = V::I(5000));
    plan(rows.clone(), &types).check(&expected(&rows));
}

#[test]
fn the_first_failing_row_is_named() {
    let types = [int(), string()];
    let mut rows = Random(7).rows(30_000, &types.map(|ty| (ty, 900)));
    for at in [12_345, 12_346, 29_000] {
        rows[at][0] = V::I(20_000);
    }
    rows[12_345][1] = V::S("this one".into());
    let mut plan = plan(rows, &types);
    plan.manifest.source_text = "a\nbü q*q c".into();
    for workers in [1, 2, 4] {
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let error = plan.run(&options, u64::from(workers)).expect_err("rows fail");
        let RunError::Row(failure) = &error else { panic!("{error}") };
        assert_eq!(failure.operator, "op2");
        assert_eq!(
            failure.input.as_ref().map(|(file, place)| format!("{file} {place}")).as_deref(),
            Some("memory row 12346")
        );
        assert_eq!(failure.values, [("c0".to_owned(), "20000".to_owned())]);
        assert_eq!((failure.line, failure.column), (2, 3));
        assert!(error.to_string().contains("attempt to multiply with overflow at job.rs:2:3 in ` q*q"), "{error}");
    }
}

#[test]
fn failing_rows_are_skipped_and_counted() {
    let types = [int(), string()];
    let mut rows = Random(9).rows(10_000, &types.map(|ty| (ty, 900)));
    let bad = [0, 1, 2047, 2048, 4095, 9_999];
    bad.iter().for_each(|at| rows[*at][0] = V::I(20_000));
    let kept: Vec<Row> = rows.iter().filter(|row| row[0] != V::I(20_000)).cloned().collect();
    let mut plan = plan(rows, &types);
    plan.manifest.operators[2].on_error = ErrorPolicy::Skip;
    plan.check(&expected(&kept));
    let (_, summary) = plan.run(&RunOptions::default(), 1).expect("rows are skipped");
    assert_eq!(summary.operators[2].skipped, bad.len() as u64);
    assert_eq!(summary.operators[0].rows_out, 10_000);
    assert_eq!(summary.operators[3].rows_in, expected(&kept).len() as u64);
    assert_eq!(summary.operators[1].rows_out, summary.operators[2].rows_in);
}

/// Without a filter a kernel writes into the batch of the sink; rows that fail, and a column that is written twice, go another
/// way.
#[test]
fn columns_are_computed_in_their_place() {
    let types = [int(), option(string())];
    let rows = Random(11).rows(150_001, &types.map(|ty| (ty, 900)));
    for bad in [vec![], vec![70_000], vec![0, 2048, 2049, 149_000, 150_000]] {
        let mut rows = rows.clone();
        bad.iter().for_each(|at: &usize| rows[*at][0] = V::I(20_000));
        let squares = rows.iter().filter_map(|row| match row[0] {
            V::I(value) if value <= 10_000 => Some(vec![V::I(value * value), row[1].clone(), V::I(value * value)]),
            _ => None,
        });
        let expected: Vec<Row> = squares.collect();
        let mut plan = Plan::new(&["source", "map", "sink"]);
        plan.kernels = vec![keep_even, keep_even_nullable, square, square_replay];
        let source = plan.source(&types, rows);
        let sink = plan.sink(&[int(), types[1], int()]);
        let end = End::Sink { sink, columns: vec![2, 1, 2], operator: 2 };
        plan.scan(source, 0, &[int()], vec![squared(0, 2, 1, &[1])], end);
        plan.manifest.operators[1].on_error = ErrorPolicy::Skip;
        plan.check(&expected);
    }
}

#[test]
fn a_fork_gives_every_branch_all_rows() {
    let types = [int(), string(), option(int())];
    let rows = Random(11).rows(9_000, &types.map(|ty| (ty, 300)));
    let mut plan = Plan::new(&["source", "filter", "map", "sink", "sink"]);
    plan.kernels = vec![keep_even, keep_even_nullable, square, square_replay];
    let source = plan.source(&types, rows.clone());
    let (all, even) = (plan.sink(&types), plan.sink(&[int(), string()]));
    let branches = vec![
        Body {
            steps: vec![filter(0, 1, &[1]), squared(0, 3, 2, &[1])],
            end: End::Sink { sink: even, columns: vec![3, 1], operator: 4 },
        },
        Body { steps: vec![], end: End::Sink { sink: all, columns: vec![0, 1, 2], operator: 3 } },
    ];
    plan.scan(source, 0, &[int()], vec![], End::Fork(branches));
    for workers in [1, 2] {
        let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
        let (written, _) = plan.run(&options, 2).expect("nothing fails");
        assert_same(&written[0], &rows, workers);
        let squares: Vec<Row> = expected(&rows).into_iter().map(|row| row[..2].to_vec()).collect();
        assert_same(&written[1], &squares, workers);
    }
}

#[test]
fn the_first_rows_of_a_source() {
    let rows = Random(13).rows(10_000, &[(int(), 100)]);
    let mut plan = Plan::new(&["source", "sink"]);
    let source = plan.source(&[int()], rows.clone());
    let sink = plan.sink(&[int()]);
    plan.scan(source, 0, &[], vec![], End::Sink { sink, columns: vec![0], operator: 1 });
    plan.check(&rows);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let error = plan.run(&RunOptions { stop: Some(stop), ..RunOptions::default() }, 1).expect_err("it is stopped");
    assert!(matches!(error, RunError::Interrupted));
}

#[test]
fn failing_rows_go_to_their_sink() {
    let types = [int(), string()];
    let mut rows = Random(9).rows(5_000, &types.map(|ty| (ty, 900)));
    for at in [7, 4_100] {
        rows[at][0] = V::I(20_000);
    }
    let kept: Vec<Row> = rows.iter().filter(|row| row[0] != V::I(20_000)).cloned().collect();
    let mut plan = plan(rows, &types);
    let errors = plan.sink(&[string(), string()]);
    plan.manifest.sinks[1].fields[0].name = "message".into();
    plan.manifest.sinks[1].fields[1].name = "row".into();
    plan.manifest.operators[2].on_error = ErrorPolicy::Sink(errors);
    plan.check(&expected(&kept));
    let (written, _) = plan.run(&RunOptions::default(), 1).expect("rows are written elsewhere");
    let row = |number| {
        vec![V::S("attempt to multiply with overflow".into()), V::S(format!("memory, row {number}: c0 = 20000"))]
    };
    assert_eq!(written[1], [row(8), row(4_101)]);
}
