//! All queries of Nexmark, as the jobs in `examples/nexmark`: the answers of an independent engine, DuckDB, to the same
//! queries in SQL over the same events, and those of the reference interpreter; with one worker and with two, in batches of
//! 1, 7 and 2048 rows.
//!
//! Few events by default, in windows that are shorter in proportion. `SABOT_NEXMARK_EVENTS=1000000` takes more, and the
//! windows as they are.

#[expect(dead_code, reason = "rows are only read here")]
#[path = "../random_jobs/files.rs"]
mod files;

use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, Compiled, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_reference::random::difference;
use sabot_reference::{Inputs, Outputs};
use sabot_runtime::{Job, RunOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Workers and rows of a batch.
const WAYS: [(u32, usize); 6] = [(1, 1), (1, 7), (1, 2048), (2, 1), (2, 7), (2, 2048)];

/// Queries whose answers depend on when they are asked: windows of processing time.
const BY_THE_CLOCK: [&str; 1] = ["q12"];

#[test]
fn the_answers_of_duckdb() {
    let events = events();
    let second_us = if events < 1_000_000 { 2_000 } else { 1_000_000 };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (input, results) = (folder.path().join("events"), folder.path().join("results"));
    std::fs::create_dir_all(&input).expect("a folder in a temporary directory");
    std::fs::create_dir_all(&results).expect("a folder in a temporary directory");
    let export = job("events", events, second_us);
    let sinks = ["persons", "auctions", "bids"].map(|name| (format!("{name}_file"), name));
    let outputs = sinks.map(|(sink, name)| (sink, input.join(name).with_extension("parquet").display().to_string()));
    run(&export.native, 2, 2048, BTreeMap::from(outputs));
    std::fs::copy(nexmark().join("input/side.csv"), input.join("side.csv")).expect("the side input can be copied");

    for query in queries() {
        let made = job(&query, events, second_us);
        for (workers, batch) in WAYS {
            let result = results.join(format!("{query}.p{workers}.b{batch}.parquet"));
            run(&made.native, workers, batch, BTreeMap::from([("result".to_owned(), result.display().to_string())]));
        }
    }

    let mut check = Command::new(python());
    check.arg(nexmark().join("check.py")).args([&input, &nexmark().join("sql"), &results]);
    let said = check.arg("--second").arg(second_us.to_string()).output().expect("Python can be started");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{text}{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(text.matches(": equal,").count(), queries().len() * WAYS.len(), "every result is compared:\n{text}");
}

#[test]
fn the_answers_of_the_reference_interpreter() {
    // It keeps the rows of every operator: a million events need more than 16 GB.
    let (events, second_us) = (events().min(100_000), 1_000);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let export = job("events", events, second_us);
    let at = |name: &str| folder.path().join(name).with_extension("arrow");
    let outputs =
        export.compiled.plan.sinks.iter().map(|sink| (sink.name.clone(), at(&sink.name).display().to_string()));
    run(&export.native, 1, 2048, outputs.collect());
    let mut inputs = Inputs::new();
    for sink in &export.compiled.plan.sinks {
        let source = sink.name.trim_end_matches("_file").to_owned();
        inputs.insert(source, files::read(&at(&sink.name), &sink.schema));
    }
    inputs.insert("side".to_owned(), side());

    for query in queries().into_iter().filter(|query| !BY_THE_CLOCK.contains(&query.as_str())) {
        let made = job(&query, events, second_us);
        let plan = &made.compiled.plan;
        let expected = sabot_reference::run(plan, &inputs, &[]).unwrap_or_else(|failure| panic!("{query}: {failure}"));
        assert!(!expected["result"].is_empty(), "{query}: no rows, nothing is compared");
        let pipelines = sabot_reference::run_pipelines(&made.compiled.pipelines, &inputs, &[]);
        let (of_pipelines, _) = pipelines.unwrap_or_else(|failure| panic!("{query}: {failure}"));
        equal(&query, "the pipelines, interpreted", &expected, &of_pipelines);
        for (workers, batch) in [(1, 2048), (2, 7)] {
            let result = at("result");
            run(&made.native, workers, batch, BTreeMap::from([("result".to_owned(), result.display().to_string())]));
            let actual = Outputs::from([("result".to_owned(), files::read(&result, &plan.sinks[0].schema))]);
            equal(&query, &format!("-p {workers}, batches of {batch}"), &expected, &actual);
        }
    }
}

/// As many as are asked for.
fn events() -> u64 {
    std::env::var("SABOT_NEXMARK_EVENTS").map_or(2_000, |text| text.parse().expect("a number of events"))
}

fn equal(query: &str, how: &str, expected: &Outputs, actual: &Outputs) {
    if let Some(difference) = difference(expected, actual) {
        panic!("{query}, {how}: {}", difference.chars().take(4000).collect::<String>());
    }
}

#[test]
fn there_is_a_job_and_sql_of_every_query() {
    let all: Vec<String> = (0..23).map(|number| format!("q{number:02}")).collect();
    assert_eq!(queries(), all);
    for query in all {
        assert!(nexmark().join("sql").join(&query).with_extension("sql").is_file(), "{query} in SQL");
    }
}

struct Made {
    compiled: Compiled,
    native: Job,
}

/// A job of the folder over so many events, its windows of such seconds.
fn job(name: &str, events: u64, second_us: i64) -> Made {
    let path = nexmark().join(name).with_extension("rs");
    let text = std::fs::read_to_string(&path).expect("the job can be read");
    let mut text = text.replace("events(1_000_000)", &format!("events({events})"));
    if second_us != 1_000_000 {
        for seconds in [2, 10] {
            let shorter = format!("milliseconds({})", seconds * second_us / 1000);
            text = text.replace(&format!("seconds({seconds})"), &shorter);
        }
    }
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(&text, &mut diagnostics);
    let compiled = compile(&graphs[0], &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
    let compiled = compiled.unwrap_or_else(|| panic!("{name}: {:?}", diagnostics.as_slice()));
    let artifact = sabot_codegen::compile(&compiled.pipelines, &CompileOptions::default());
    let artifact = artifact.unwrap_or_else(|error| panic!("{name}: {error}"));
    Made { compiled, native: Job::load(&artifact.bytes).unwrap_or_else(|error| panic!("{name}: {error}")) }
}

fn run(job: &Job, workers: u32, batch: usize, outputs: BTreeMap<String, String>) {
    let side = nexmark().join("input/side.csv").display().to_string();
    let has_side = job.manifest().sources.iter().any(|source| source.name == "side");
    let options = RunOptions {
        parallelism: Some(workers),
        batch_rows: Some(batch),
        inputs: if has_side { BTreeMap::from([("side".to_owned(), side)]) } else { BTreeMap::new() },
        outputs,
        overwrite: true,
        ..RunOptions::default()
    };
    let name = &job.manifest().job;
    job.run(&options).unwrap_or_else(|error| panic!("{name}, -p {workers}, batches of {batch}: {error}"));
}

/// The rows of the side input.
fn side() -> Vec<sabot_reference::Row> {
    let text = std::fs::read_to_string(nexmark().join("input/side.csv")).expect("the side input can be read");
    let row = |line: &str| {
        let (key, value) = line.split_once(',').expect("a line has two columns");
        let key = key.parse().expect("the key is a number");
        vec![sabot_reference::Value::Int(key), sabot_reference::Value::String(value.to_owned())]
    };
    text.lines().skip(1).map(row).collect()
}

/// The names of the queries.
fn queries() -> Vec<String> {
    let entries = std::fs::read_dir(nexmark()).expect("the folder of the jobs can be read");
    let names = entries.map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter_map(|name| name.strip_suffix(".rs").filter(|name| name.starts_with('q')).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn nexmark() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/nexmark")
}

/// A Python that has DuckDB.
fn python() -> String {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(3).expect("tests are in target/PROFILE/deps");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/duckdb");
    let said = Command::new(script).arg(target).output().expect("the script can be started");
    assert!(said.status.success(), "DuckDB cannot be installed:\n{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}
