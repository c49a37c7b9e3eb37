//! Tables that a stream which does not end looks up are read again when their files have changed.

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

const JOB: &str = r#"use sabot::prelude::*;

#[sabot::record]
struct Event { key: i64 }

#[sabot::record]
struct Rate { key: i64, name: String, rate: i64 }

#[sabot::record]
struct Priced { key: i64, name: String, rate: i64 }

#[sabot::pipeline]
fn job() {
    let rates = table::<Rate>("rates", csv("rates.csv")).refresh_every(milliseconds(20));
    source::<Event>("events", generate()ROWS.column("key", "uniform:0..3").rate(4_000))
        .lookup_join(rates.filter(|r| r.rate > 0))
        .on(|e| e.key, |r| r.key)
        .map(|e, r| Priced { key: e.key, name: r.name, rate: r.rate })
        .sink("priced", ndjson("priced.ndjson"));
    rates.sink("rates_too", ndjson("rates_too.ndjson"));
}
"#;

fn job(rows: &str) -> Job {
    let text = JOB.replace("ROWS", rows);
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(&text, &mut diagnostics);
    let compiled = graphs
        .first()
        .and_then(|graph| compile(graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics));
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()));
    let artifact = sabot_codegen::compile(&compiled.pipelines, &CompileOptions::default()).expect("it can be compiled");
    Job::load(&artifact.bytes).expect("it can be loaded")
}

/// Versions have rates of their own: two keys, then all three.
fn write(folder: &Path, version: i64) {
    let keys = if version == 1 { 0..2 } else { 0..3 };
    let rows = keys.map(|key| format!("{key},name {key} of version {version},{version}\n")).collect::<String>();
    // As an editor does it: never half a file.
    std::fs::write(folder.join("new"), format!("key,name,rate\n{rows}9,left out,0\n")).expect("it can be written");
    std::fs::rename(folder.join("new"), folder.join("rates.csv")).expect("it can be replaced");
}

/// Runs it; `meanwhile` is done while it does.
fn run(job: &Job, workers: u32, folder: &Path, meanwhile: impl FnOnce() + Send) -> Result<RunSummary, RunError> {
    let stop = Arc::new(AtomicBool::new(false));
    let at = |name: &str, ending| (name.to_owned(), folder.join(name).with_extension(ending).display().to_string());
    let options = RunOptions {
        parallelism: Some(workers),
        inputs: BTreeMap::from([at("rates", "csv")]),
        outputs: BTreeMap::from([at("priced", "ndjson"), at("rates_too", "ndjson")]),
        overwrite: true,
        stop: Some(Arc::clone(&stop)),
        ..RunOptions::default()
    };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            meanwhile();
            stop.store(true, Ordering::Relaxed);
        });
        job.run(&options)
    })
}

/// The versions that rows have met, in order, and their keys.
fn priced(folder: &Path) -> Vec<(i64, i64)> {
    let text = std::fs::read_to_string(folder.join("priced.ndjson")).expect("it is written");
    let number = |line: &str, name: &str| {
        let value = line.split(name).nth(1).expect("it is there").trim_start_matches("\":");
        value.split([',', '}']).next().expect("a part").parse::<i64>().expect("a number")
    };
    let row = |line: &str| {
        let (key, rate) = (number(line, "key"), number(line, "rate"));
        assert!(line.contains(&format!("\"name {key} of version {rate}\"")), "{line}");
        (rate, key)
    };
    text.lines().map(row).collect()
}

#[test]
fn rows_meet_the_newest_version() {
    let job = job("");
    for workers in [1, 2] {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        write(folder.path(), 1);
        let path = folder.path().to_owned();
        let summary = run(&job, workers, folder.path(), move || {
            for version in 2..6 {
                std::thread::sleep(Duration::from_millis(250));
                write(&path, version);
            }
            std::thread::sleep(Duration::from_millis(500));
        });
        let summary = summary.unwrap_or_else(|error| panic!("{error}"));
        let rows = priced(folder.path());
        let versions: Vec<i64> = rows.iter().map(|(version, _)| *version).collect();
        assert!(workers > 1 || versions.is_sorted(), "what is new stays");
        assert_eq!((versions.first(), versions.last()), (Some(&1), Some(&5)), "-p {workers}");
        assert!(rows.contains(&(5, 2)) && !rows.contains(&(1, 2)), "a key that is new is found, with the new version");
        let times: u64 = summary.operators.iter().map(|operator| operator.refreshed).sum();
        assert!((1..=4).contains(&times), "read again {times} times");
        let too = std::fs::read_to_string(folder.path().join("rates_too.ndjson")).expect("it is written");
        assert_eq!(too.lines().count(), 3, "what else reads the table reads it once");
    }
}

#[test]
fn a_table_that_cannot_be_read_again_fails_the_job() {
    let job = job("");
    for (bad, why) in [("key,name,rate\n1,one,many\n", "`many`"), ("nothing\n", "the first line is")] {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        write(folder.path(), 1);
        let path = folder.path().to_owned();
        let error = run(&job, 2, folder.path(), move || {
            std::thread::sleep(Duration::from_millis(100));
            std::fs::write(path.join("rates.csv"), bad).expect("it can be written");
            std::thread::sleep(Duration::from_millis(1500));
        });
        let error = error.expect_err("the table is bad").to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_stream_that_ends_meets_one_version() {
    let job = job(".rows(2_000)");
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    write(folder.path(), 1);
    let path = folder.path().to_owned();
    let summary = run(&job, 2, folder.path(), move || {
        std::thread::sleep(Duration::from_millis(200));
        write(&path, 2);
        std::thread::sleep(Duration::from_secs(2));
    });
    let summary = summary.unwrap_or_else(|error| panic!("{error}"));
    assert!(priced(folder.path()).iter().all(|(version, _)| *version == 1));
    assert_eq!(summary.operators.iter().map(|operator| operator.refreshed).sum::<u64>(), 0);
}
