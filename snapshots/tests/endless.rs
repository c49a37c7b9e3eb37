//! Jobs over sources that do not end: those whose sinks have all they want do.

use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_runtime::{Job, RunError, RunOptions, RunSummary};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const START: &str = r#"use sabot::prelude::*;

#[sabot::record]
struct Event {
    key: i64,
    amount: f64,
    at: Timestamp,
}

#[sabot::record]
struct Total {
    key: i64,
    end: Timestamp,
    amount: f64,
}

#[sabot::pipeline]
fn job() {
    let events = source::<Event>(
        "events",
        generate().column("key", "uniform:0..5").column("at", "time:1s"),
    )
    .event_time(|e| e.at, lateness(seconds(5)));
    let totals = events
        .key_by(|e| e.key)
        .window(tumbling(minutes(1)))
        .aggregate(|w| Total { key: w.key(), end: w.end(), amount: w.sum(|e| e.amount) });
"#;

fn job(body: &str) -> Job {
    let text = format!("{START}{body}}}\n");
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(&text, &mut diagnostics);
    let compiled = graphs
        .first()
        .and_then(|graph| compile(graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics));
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()));
    let artifact = sabot_codegen::compile(&compiled.pipelines, &CompileOptions::default()).expect("it can be compiled");
    Job::load(&artifact.bytes).expect("it can be loaded")
}

/// Runs it. One that does not end after a minute is stopped, which is an error.
fn run(job: &Job, workers: u32, folder: &Path, barriers: bool) -> Result<RunSummary, RunError> {
    let stop = Arc::new(AtomicBool::new(false));
    let at = |name: &String| (name.clone(), folder.join(name).with_extension("ndjson").display().to_string());
    let options = RunOptions {
        parallelism: Some(workers),
        outputs: job.manifest().sinks.iter().map(|sink| at(&sink.name)).collect::<BTreeMap<_, _>>(),
        overwrite: true,
        batch_rows: Some(500),
        barrier_every: barriers.then_some(Duration::from_millis(1)),
        stop: Some(Arc::clone(&stop)),
        ..RunOptions::default()
    };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..6000 {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let ran = job.run(&options);
        is_over.store(true, Ordering::Relaxed);
        assert!(!stop.load(Ordering::Relaxed), "the job goes on although its sinks have what they want");
        ran
    })
}

fn lines(folder: &Path, sink: &str) -> usize {
    let text = std::fs::read_to_string(folder.join(sink).with_extension("ndjson")).expect("the sink was written");
    text.lines().count()
}

/// The jobs end, and their sinks have so many rows.
fn check(body: &str, expected: &[(&str, usize)]) {
    let job = job(body);
    for (workers, barriers) in [(1, false), (2, false), (2, true)] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        run(&job, workers, folder.path(), barriers).unwrap_or_else(|error| panic!("{error}\n{body}"));
        for (sink, rows) in expected {
            assert_eq!(lines(folder.path(), sink), *rows, "`{sink}` with -p {workers}, barriers: {barriers}\n{body}");
        }
    }
}

#[test]
fn a_limit_behind_windows_ends_the_source() {
    check(r#"    totals.limit(7).sink("o", ndjson("o.ndjson"));"#, &[("o", 7)]);
}

#[test]
fn a_limit_behind_several_live_tables_ends_the_source() {
    check(
        r#"    totals
        .key_by(|t| t.end)
        .aggregate(|g| Total { key: g.count(), end: g.key(), amount: g.sum(|t| t.amount) })
        .filter(|t| t.key > 1)
        .limit(3)
        .sink("o", ndjson("o.ndjson"));"#,
        &[("o", 3)],
    );
}

#[test]
fn several_sinks_end_the_source_when_the_last_has_enough() {
    check(
        r#"    totals.limit(3).sink("a", ndjson("a.ndjson"));
    totals.filter(|t| t.amount > 0.0).limit(20).sink("b", ndjson("b.ndjson"));
    events.limit(5).sink("c", ndjson("c.ndjson"));"#,
        &[("a", 3), ("b", 20), ("c", 5)],
    );
}

#[test]
fn a_join_whose_rows_are_enough_ends_both_sources() {
    check(
        r#"    let others = source::<Event>(
        "others",
        generate().column("key", "uniform:0..5").column("at", "time:1s"),
    )
    .event_time(|e| e.at, lateness(seconds(5)));
    events
        .hash_join(others)
        .on(|l| l.key, |r| r.key)
        .within(seconds(30))
        .map(|l, r| Total { key: l.key, end: r.at, amount: l.amount })
        .limit(11)
        .sink("o", ndjson("o.ndjson"));"#,
        &[("o", 11)],
    );
}

/// Rows that matched nothing come when all others have: what takes rows as they come waits for them.
#[test]
fn the_rows_of_a_full_join_go_into_windows_that_take_rows_as_they_come() {
    for window in ["count(2)", "tumbling(days(3650)).processing_time()"] {
        let some = format!(
            r#"    let few = source::<Event>("few", generate().rows(40).column("key", "sequence"));
    let more = source::<Event>("more", generate().rows(60).column("key", "sequence:20"));
    few.hash_join(more)
        .on(|l| l.key, |r| r.key)
        .full()
        .map(|l, r| Event {{
            key: l.map(|l| l.key).unwrap_or(-1) / 1000 + r.map(|r| r.key).unwrap_or(-1) / 1000,
            amount: 1.0,
            at: l.map(|l| l.at).unwrap_or(Timestamp::from_micros(0)),
        }})
        .key_by(|e| e.key)
        .window({window})
        .aggregate(|w| Total {{ key: w.count(), end: w.max(|e| e.at), amount: w.sum(|e| e.amount) }})
        .sink("o", ndjson("o.ndjson"));"#
        );
        // 20 rows of the left side alone, 20 pairs, 40 of the right side alone, all of one key.
        check(&some, &[("o", if window == "count(2)" { 40 } else { 1 })]);
    }
}

/// A stream and what it comes to as a whole, in one window: the one is over before the other begins.
#[test]
fn a_stream_and_its_aggregate_go_into_one_window() {
    check(
        r#"    let all = source::<Event>("all", generate().rows(30).column("key", "uniform:0..3"));
    let sums = all.key_by(|e| e.key).aggregate(|g| Event { key: 0, amount: g.sum(|e| e.amount), at: g.max(|e| e.at) });
    all.map(|e| Event { key: 0, ..e })
        .union(sums)
        .key_by(|e| e.key)
        .window(count(11))
        .aggregate(|w| Total { key: w.key(), end: w.max(|e| e.at), amount: w.sum(|e| e.amount) })
        .sink("o", ndjson("o.ndjson"));"#,
        &[("o", 3)],
    );
}

/// Nobody needs event times here, so nothing says which of the sources is behind: both are read.
#[test]
fn a_join_of_rows_of_any_age_reads_both_sources() {
    check(
        r#"    let some = source::<Event>("some", generate().column("key", "sequence"));
    let others = source::<Event>("others", generate().column("key", "sequence"));
    some.hash_join(others)
        .on(|l| l.key, |r| r.key)
        .map(|l, r| Total { key: l.key, end: l.at, amount: r.amount })
        .limit(5)
        .sink("o", ndjson("o.ndjson"));"#,
        &[("o", 5)],
    );
}
