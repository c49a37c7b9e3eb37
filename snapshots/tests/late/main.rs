//! Rows that come too late, for joins, `top_n` and `dedup` in windows, and for joins in time: which they are depends on the rows
//! alone. Every sink has the rows that the reference interpreter says, with one worker and with two, in batches of any size; the
//! summary counts them.

#[path = "../random_jobs/files.rs"]
mod files;

use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, Compiled, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_reference::random::difference;
use sabot_reference::{Inputs, Outputs, Row, Value};
use sabot_runtime::{Job, RunOptions};

const START: &str = r#"use sabot::prelude::*;

#[sabot::record]
struct Event {
    key: i64,
    amount: i64,
    note: Option<String>,
    at: Timestamp,
}

#[sabot::record]
struct Total {
    key: i64,
    end: Timestamp,
    rows: i64,
    sum: i64,
}

#[sabot::record]
struct Pair {
    left: i64,
    right: Option<i64>,
    at: Timestamp,
}

#[sabot::pipeline]
fn job() {
    let a = source::<Event>("a", arrow("a.arrow")).event_time(|e| e.at, lateness(milliseconds(2)));
    let b = source::<Event>("b", arrow("b.arrow")).event_time(|e| e.at, lateness(milliseconds(3)));
"#;

/// Rows with times in milliseconds that fall behind now and then, further than the lateness.
fn rows(seed: u64, count: u64) -> Vec<Row> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = move |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % limit
    };
    let mut now = 1_000;
    (0..count)
        .map(|_| {
            now += below(3);
            let behind = if below(6) == 0 { below(40) } else { below(3) };
            let note = below(4);
            vec![
                Value::Int(below(4).into()),
                Value::Int(below(9).into()),
                if note == 0 { Value::Null } else { Value::String(format!("n{note}")) },
                Value::Int(i128::from((now - behind) * 1_000)),
            ]
        })
        .collect()
}

fn compiled(body: &str) -> (Compiled, Job) {
    let text = format!("{START}{body}\n}}\n");
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(&text, &mut diagnostics);
    let graph = graphs.first().unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()));
    let compiled = compile(graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()));
    let artifact = sabot_codegen::compile(&compiled.pipelines, &CompileOptions::default()).expect("it can be compiled");
    let job = Job::load(&artifact.bytes).expect("it can be loaded");
    (compiled, job)
}

/// Compares all sinks, and how many rows are late in all.
fn check(body: &str) {
    let (compiled, job) = compiled(body);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name).with_extension("arrow");
    let mut late_rows = 0;
    for seed in 0..2 {
        let inputs: Inputs = [("a", 2 * seed), ("b", 2 * seed + 1), ("c", 2 * seed + 1)]
            .map(|(name, seed)| (name.to_owned(), rows(seed, 200)))
            .into();
        let expected = sabot_reference::run(&compiled.plan, &inputs, &[]).expect("no row fails");
        let (pipelines, _) = sabot_reference::run_pipelines(&compiled.pipelines, &inputs, &[]).expect("no row fails");
        assert_eq!(difference(&expected, &pipelines), None, "the pipelines, interpreted, seed {seed}\n{body}");
        let of_late = expected.iter().filter(|(name, _)| name.starts_with("late"));
        let late: usize = of_late.map(|(_, rows)| rows.len()).sum();
        late_rows += late;
        for (workers, batch) in [(1, 3), (1, 200), (2, 5)] {
            for source in &compiled.plan.sources {
                files::write(&at(&source.name), &source.schema, &inputs[&source.name], batch);
            }
            let named = |name: &String| (name.clone(), at(name).display().to_string());
            let options = RunOptions {
                parallelism: Some(workers),
                batch_rows: Some(batch),
                inputs: compiled.plan.sources.iter().map(|source| named(&source.name)).collect(),
                outputs: compiled.plan.sinks.iter().map(|sink| named(&sink.name)).collect(),
                overwrite: true,
                ..RunOptions::default()
            };
            let how = format!("seed {seed}, -p {workers}, batches of {batch}\n{body}");
            let summary = job.run(&options).unwrap_or_else(|error| panic!("{how}: {error}"));
            let sinks = compiled.plan.sinks.iter();
            let actual: Outputs =
                sinks.map(|sink| (sink.name.clone(), files::read(&at(&sink.name), &sink.schema))).collect();
            assert_eq!(difference(&expected, &actual), None, "{how}");
            let counted: u64 = summary.operators.iter().map(|operator| operator.late).sum();
            assert_eq!(counted, late as u64, "what the summary counts, {how}");
        }
    }
    assert!(late_rows > 20, "only {late_rows} rows come too late\n{body}");
}

#[test]
fn top_rows_and_first_rows_of_windows() {
    for window in [
        "tumbling(milliseconds(10))",
        "sliding(milliseconds(10), milliseconds(4))",
        "cumulate(milliseconds(5), milliseconds(15))",
    ] {
        check(&format!(
            r#"    a.key_by(|e| e.key)
        .window({window})
        .top_n(2, |e| (e.amount, e.at))
        .late("late_top", arrow("late_top.arrow"))
        .sink("top", arrow("top.arrow"));
    b.window({window}).dedup(|e| (e.key, e.amount, e.note.clone(), e.at)).late("late_first", arrow("late_first.arrow")).sink("first", arrow("first.arrow"));"#
        ));
    }
}

/// A window is given at its end, and once more with each row that it takes after that, whatever the batches are.
#[test]
fn windows_that_take_rows_after_their_end() {
    for window in [
        "tumbling(milliseconds(10))",
        "sliding(milliseconds(10), milliseconds(4))",
        "cumulate(milliseconds(5), milliseconds(15))",
        "session(milliseconds(2))",
    ] {
        check(&format!(
            r#"    a.key_by(|e| e.key)
        .window({window})
        .aggregate(|w| Total {{ key: w.key(), end: w.end(), rows: w.count(), sum: w.sum(|e| e.amount) }})
        .allowed_lateness(milliseconds(9))
        .late("late", arrow("late.arrow"))
        .sink("o", arrow("o.arrow"));
    a.key_by(|e| e.key)
        .window({window})
        .aggregate(|w| Total {{ key: w.key(), end: w.end(), rows: w.first(|e| e.amount), sum: w.last(|e| e.amount) }})
        .allowed_lateness(milliseconds(9))
        .late("late_ends", arrow("late_ends.arrow"))
        .sink("ends", arrow("ends.arrow"));"#
        ));
    }
}

#[test]
fn joins_in_windows() {
    for (window, kind) in [
        ("tumbling(milliseconds(10))", ""),
        ("tumbling(milliseconds(10))", ".left()"),
        ("sliding(milliseconds(10), milliseconds(5))", ".left()"),
        ("sliding(milliseconds(8), milliseconds(3))", ""),
    ] {
        let right = if kind.is_empty() { "Some(r.amount)" } else { "r.map(|r| r.amount)" };
        check(&format!(
            r#"    a.hash_join(b)
        .on(|l| l.key, |r| r.key)
        {kind}.window({window})
        .map(|l, r| Pair {{ left: l.amount, right: {right}, at: l.at }})
        .late("late_a", arrow("late_a.arrow"))
        .late_right("late_b", arrow("late_b.arrow"))
        .sink("o", arrow("o.arrow"));"#
        ));
    }
    check(
        r#"    a.hash_join(b)
        .on(|l| l.key, |r| r.amount)
        .window(tumbling(milliseconds(6)))
        .anti()
        .late("late_a", arrow("late_a.arrow"))
        .late_right("late_b", arrow("late_b.arrow"))
        .sink("o", arrow("o.arrow"));"#,
    );
}

/// What a row that is behind the watermark could have met may be gone or not, so it meets nothing, in batches of any size.
#[test]
fn joins_in_time() {
    let late = r#".late("late_a", arrow("late_a.arrow")).late_right("late_b", arrow("late_b.arrow"))"#;
    for kind in ["", ".left()", ".right()", ".full()", ".semi()", ".anti()"] {
        let map = match kind {
            "" => ".map(|l, r| Pair { left: l.amount, right: Some(r.amount), at: l.at })",
            ".left()" => ".map(|l, r| Pair { left: l.amount, right: r.map(|r| r.amount), at: l.at })",
            ".right()" => ".map(|l, r| Pair { left: r.amount, right: l.map(|l| l.amount), at: r.at })",
            ".full()" => {
                ".map(|l, r| Pair { left: l.map(|l| l.amount).unwrap_or(-1), right: r.map(|r| r.amount), at: timestamp(\"2024-01-01T00:00:00Z\") })"
            }
            _ => "",
        };
        check(&format!(
            r#"    a.hash_join(b)
        .on(|l| (l.key, l.note), |r| (r.key, r.note))
        .within(milliseconds(4)){kind}{map}
        {late}
        .sink("o", arrow("o.arrow"));"#
        ));
    }
    for clauses in ["", ".left()", ".forward()", ".nearest().left()", ".nearest().tolerance(milliseconds(3))"] {
        let right = if clauses.contains("left") { "r.map(|r| r.amount)" } else { "Some(r.amount)" };
        check(&format!(
            r#"    a.asof_join(b)
        .on(|l| l.key, |r| r.key){clauses}
        .map(|l, r| Pair {{ left: l.amount, right: {right}, at: l.at }})
        {late}
        .sink("o", arrow("o.arrow"));"#
        ));
    }
    check(&format!(
        r#"    let versions = table::<Event>("c", arrow("c.arrow"))
        .primary_key(|e| e.key)
        .event_time(|e| e.at, lateness(milliseconds(1)));
    a.hash_join(versions)
        .on(|l| l.key, |r| r.key)
        .as_of_event_time()
        .map(|l, r| Pair {{ left: l.amount, right: Some(r.amount), at: l.at }})
        {late}
        .sink("o", arrow("o.arrow"));"#
    ));
}
