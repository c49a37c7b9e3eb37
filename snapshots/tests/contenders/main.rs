//! Joins of rows with the greatest (least) value of their window: the plan gets a filter that drops what cannot match, where that
//! is right, and the rows are those that the reference interpreter says of the plan without it; with ties, late rows, empty
//! windows and NaN, by one worker and by two, in batches of any size.

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
    name: String,
    amount: i64,
    small: u8,
    ratio: f64,
    note: Option<String>,
    at: Timestamp,
}

#[sabot::record]
struct Best {
    end: Timestamp,
    key: i64,
    name: String,
    amount: i64,
    small: u8,
    ratio: f64,
}

#[sabot::record]
struct Winner {
    key: i64,
    amount: i64,
    ratio: f64,
    note: Option<String>,
    at: Timestamp,
}

#[sabot::pipeline]
fn job() {
    let a = source::<Event>("a", arrow("a.arrow")).event_time(|e| e.at, lateness(milliseconds(2)));
"#;

const WINNER: &str = "Winner { key: l.key, amount: l.amount, ratio: l.ratio, note: l.note, at: l.at }";

/// Rows with times in milliseconds, of which some come too late; now and then nothing happens for several windows.
fn rows(seed: u64, count: u64) -> Vec<Row> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = move |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % limit
    };
    let mut now = 1_000;
    let names = ["a", "", "a name that is longer than what a place remembers of it", "bb"];
    let ratios = [0.0, -0.0, 1.5, -2.5, f64::NAN, 7.0, f64::NEG_INFINITY];
    (0..count)
        .map(|_| {
            now += if below(200) == 0 { 70 } else { u64::from(below(4) == 0) };
            let behind = if below(12) == 0 { below(40) } else { below(3) };
            let note = below(4);
            vec![
                Value::Int(below(3).into()),
                Value::String(names[below(4) as usize].to_owned()),
                Value::Int(i128::from(below(40)) - 20),
                Value::Int(below(250).into()),
                Value::Float64(ratios[below(7) as usize]),
                if note == 0 { Value::Null } else { Value::String(format!("a note of some length: {note}")) },
                Value::Int(i128::from((now - behind) * 1_000)),
            ]
        })
        .collect()
}

fn compiled(text: &str) -> (Compiled, Job) {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(text, &mut diagnostics);
    let graph = graphs.first().unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()));
    let compiled = compile(graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()));
    let artifact = sabot_codegen::compile(&compiled.pipelines, &CompileOptions::default()).expect("it can be compiled");
    let job = Job::load(&artifact.bytes).expect("it can be loaded");
    (compiled, job)
}

/// What the plan must say of its filter; nothing where there must be none.
fn check_plan(text: &str, filter: Option<&str>) -> (Compiled, Job) {
    let (compiled, job) = compiled(text);
    let optimized = compiled.optimized.to_string();
    let found = optimized.lines().find(|line| line.trim_start().starts_with("contenders"));
    match filter {
        None => assert_eq!(found, None, "{text}"),
        Some(filter) => assert!(found.is_some_and(|line| line.contains(filter)), "no {filter}\n{optimized}\n{text}"),
    }
    (compiled, job)
}

fn text_of(body: &str) -> String {
    format!("{START}{body}\n}}\n")
}

/// The same, and compares what comes out.
fn check(body: &str, filter: Option<&str>) {
    let text = text_of(body);
    let (compiled, job) = check_plan(&text, filter);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name).with_extension("arrow");
    let mut given = 0;
    for seed in 0..2 {
        let inputs: Inputs = [("a".to_owned(), rows(seed, 900))].into();
        let expected = sabot_reference::run(&compiled.plan, &inputs, &[]).expect("no row fails");
        let optimized = sabot_reference::run(&compiled.optimized, &inputs, &[]).expect("no row fails");
        assert_eq!(difference(&expected, &optimized), None, "the optimized plan, interpreted, seed {seed}\n{text}");
        let (pipelines, _) = sabot_reference::run_pipelines(&compiled.pipelines, &inputs, &[]).expect("no row fails");
        assert_eq!(difference(&expected, &pipelines), None, "the pipelines, interpreted, seed {seed}\n{text}");
        given += expected["o"].len();
        for (workers, batch) in [(1, 7), (2, 2048), (1, 900), (2, 1)] {
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
            let how = format!("seed {seed}, -p {workers}, batches of {batch}\n{text}");
            job.run(&options).unwrap_or_else(|error| panic!("{how}: {error}"));
            let sinks = compiled.plan.sinks.iter();
            let actual: Outputs =
                sinks.map(|sink| (sink.name.clone(), files::read(&at(&sink.name), &sink.schema))).collect();
            assert_eq!(difference(&expected, &actual), None, "{how}");
        }
    }
    assert!(given > 10, "only {given} rows\n{text}");
}

/// The aggregate of a window by a key, joined with the rows.
fn joined(key: &str, best: &str, on: (&str, &str), kind: &str) -> String {
    let keyed = if key.is_empty() { String::new() } else { format!(".key_by(|e| {key})") };
    let map = if kind == ".semi()" { String::new() } else { format!(".map(|l, _r| {WINNER})") };
    let (left, right) = on;
    format!(
        r#"    let best = a{keyed}.window(tumbling(milliseconds(10))).aggregate(|w| Best {{ end: w.end(), {best} }});
    a.hash_join(best).on(|l| {left}, |r| {right}).window(tumbling(milliseconds(10))){kind}{map}.sink("o", arrow("o.arrow"));"#
    )
}

const NONE: &str = "key: 0, name: \"\".to_string(), small: 0, ratio: 0.0";

#[test]
fn the_greatest_and_the_least_of_a_window() {
    let greatest = format!("{NONE}, amount: w.max(|e| e.amount)");
    check(&joined("", &greatest, ("l.amount", "r.amount"), ""), Some("the greatest amount of ($window_end)"));
    check(&joined("", &greatest, ("l.amount", "r.amount"), ".semi()"), Some("the greatest amount of ($window_end)"));
    let least = format!("{NONE}, amount: w.min(|e| e.amount)");
    check(&joined("", &least, ("l.amount", "r.amount"), ""), Some("the least amount of ($window_end)"));
    let small = "key: 0, name: \"\".to_string(), ratio: 0.0, amount: 0, small: w.max(|e| e.small)";
    check(&joined("", small, ("l.small", "r.small"), ""), Some("the greatest small of"));
}

#[test]
fn by_a_key() {
    let by_number = "key: w.key(), name: \"\".to_string(), small: 0, ratio: 0.0, amount: w.max(|e| e.amount)";
    let on = ("(l.key, l.amount)", "(r.key, r.amount)");
    check(&joined("e.key", by_number, on, ""), Some("the greatest amount of (key, $window_end)"));
    let by_name = "key: 0, name: w.key(), small: 0, ratio: 0.0, amount: w.min(|e| e.amount)";
    let on = ("(l.amount, l.name.clone())", "(r.amount, r.name.clone())");
    check(&joined("e.name.clone()", by_name, on, ""), Some("the least amount of (name, $window_end)"));
}

#[test]
fn floats() {
    for function in ["max", "min"] {
        let best =
            format!("key: w.key(), name: \"\".to_string(), small: 0, amount: 0, ratio: w.{function}(|e| e.ratio)");
        let on = ("(l.key, l.ratio)", "(r.key, r.ratio)");
        check(&joined("e.key", &best, on, ""), Some("ratio of (key, $window_end)"));
    }
}

#[test]
fn fewer_rows_on_the_way_to_the_join() {
    let window = "window(tumbling(milliseconds(10)))";
    let best = format!("a.{window}.aggregate(|w| Best {{ end: w.end(), {NONE}, amount: w.max(|e| e.amount) }})");
    check(
        &format!(
            r#"    let best = {best}.filter(|b| b.amount != 19);
    a.filter(|e| e.small > 100).hash_join(best).on(|l| l.amount, |r| r.amount).{window}
        .map(|l, _r| {WINNER}).sink("o", arrow("o.arrow"));"#
        ),
        Some("the greatest amount of ($window_end)"),
    );
    // The other way round.
    check(
        &format!(
            r#"    let best = {best};
    best.hash_join(a).on(|l| l.amount, |r| r.amount).{window}
        .map(|_l, l| {WINNER}).sink("o", arrow("o.arrow"));"#
        ),
        Some("the greatest amount of ($window_end)"),
    );
    // Both see the same part of the rows.
    check(
        &format!(
            r#"    let a = a.filter(|e| e.small > 100);
    let best = {best};
    a.hash_join(best).on(|l| l.amount, |r| r.amount).{window}
        .map(|l, _r| {WINNER}).sink("o", arrow("o.arrow"));"#
        ),
        Some("the greatest amount of ($window_end)"),
    );
}

#[test]
fn not_where_a_smaller_row_may_match() {
    let window = "window(tumbling(milliseconds(10)))";
    let join = |best: &str, on: &str, kind: &str, window: &str| {
        format!(
            r#"    let best = {best};
    a.hash_join(best).on({on}).{window}{kind}.map(|l, _r| {WINNER}).sink("o", arrow("o.arrow"));"#
        )
    };
    let max = |of: &str, by: &str, window: &str| {
        format!("{of}{by}.{window}.aggregate(|w| Best {{ end: w.end(), {NONE}, amount: w.max(|e| e.amount) }})")
    };
    let on = "|l| l.amount, |r| r.amount";
    // The aggregate sees fewer rows.
    check(&join(&max("a.filter(|e| e.small > 100)", "", window), on, "", window), None);
    // Groups that the join does not tell apart.
    check(&join(&max("a", ".key_by(|e| e.key)", window), on, "", window), None);
    // Rows that match nothing are given.
    check(&join(&max("a", "", window), on, ".left()", window), None);
    // Other windows, and ones that give a value again.
    check(&join(&max("a", "", "window(tumbling(milliseconds(5)))"), on, "", window), None);
    check(&join(&max("a", "", "window(sliding(milliseconds(10), milliseconds(5)))"), on, "", window), None);
    let again = format!("{}.allowed_lateness(milliseconds(5))", max("a", "", window));
    check_plan(&text_of(&join(&again, on, "", window)), None);
    // Another value than the one that is compared, and only some of the rows.
    check_plan(&text_of(&join(&max("a", "", window), "|l| l.key, |r| r.amount", "", window)), None);
    let some = "amount: w.max_if(|e| e.amount, |e| e.small < 250)";
    let some = format!("a.{window}.aggregate(|w| Best {{ end: w.end(), {NONE}, {some} }})");
    check(&join(&some, on, "", window), None);
}
