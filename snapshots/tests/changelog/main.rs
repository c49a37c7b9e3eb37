//! Changes of streams that never end come to what the same job gives over inputs that do: jobs of aggregates, first rows and joins
//! over sources that go on are run over files, and what their changelogs add up to is compared with the rows of the reference
//! interpreter for the same job over the same rows; with one worker and with two, in batches of any size, flushed as often as can
//! be, and with barriers.

#[path = "../random_jobs/files.rs"]
mod files;
mod jobs;

use jobs::{Job, Random, random_job};
use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, Compiled, SourceFacts, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_reference::{Inputs, Row, Value};
use sabot_runtime::RunOptions;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn changes_come_to_the_answer_of_the_job_over_inputs_that_end() {
    let seeds = std::env::var("SABOT_CHANGELOG_SEEDS").map_or(40, |text| text.parse().expect("a number of jobs"));
    let first = std::env::var("SABOT_CHANGELOG_FIRST").map_or(0, |text| text.parse().expect("the first of them"));
    let checked = (first..first + seeds).map(|seed| check(&random_job(seed), seed));
    let (right, wrong): (Vec<_>, Vec<_>) = checked.partition(Result::is_ok);
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} jobs differ:\n{}", wrong.len(), wrong.join("\n\n"));
    let taken_back: usize = right.into_iter().flatten().sum();
    assert!(taken_back as u64 > 10 * seeds, "only {taken_back} rows were taken back");
}

/// Gives how many rows were taken back.
fn check(job: &Job, seed: u64) -> Result<usize, String> {
    let in_job = |what: String| format!("seed {seed}: {what}\n{}", job.text);
    let ends = compiled(&job.text, true).map_err(in_job)?;
    let goes_on = compiled(&job.text, false).map_err(in_job)?;
    let expected = sabot_reference::run(&ends.plan, &job.inputs, &[]).map_err(|failure| in_job(failure.to_string()))?;
    let expected = sorted(&expected["result"]);
    // What the plan of the streams says, and its pipelines, both over all rows at once.
    let plan = sabot_reference::run(&goes_on.plan, &job.inputs, &[]).map_err(|failure| in_job(failure.to_string()))?;
    let (pipelines, _) = sabot_reference::run_pipelines(&goes_on.pipelines, &job.inputs, &[])
        .map_err(|failure| in_job(failure.to_string()))?;
    for (what, outputs) in [("the plan", plan), ("the pipelines", pipelines)] {
        let actual = fold(&outputs["result"]).map_err(in_job)?;
        same(&expected, &actual).map_err(|difference| in_job(format!("{what}: {difference}")))?;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let artifact = sabot_codegen::compile(&goes_on.pipelines, &CompileOptions::default())
        .map_err(|error| in_job(error.to_string()))?;
    let native = sabot_runtime::Job::load(&artifact.bytes).map_err(|error| in_job(error.to_string()))?;
    let mut random = Random::new(seed);
    let mut taken_back = 0;
    for workers in [1, 2] {
        for flush_every in [Some(Duration::ZERO), None] {
            let batch = [1, 3, 40][random.below(3) as usize];
            let rows = write(folder.path(), &goes_on, &job.inputs, batch);
            let options = RunOptions {
                parallelism: Some(workers),
                batch_rows: Some(batch),
                flush_every,
                barrier_every: (random.below(3) == 0).then_some(Duration::ZERO),
                inputs: rows,
                outputs: BTreeMap::from([("result".to_owned(), at(folder.path(), "result"))]),
                overwrite: true,
                stop: Some(Arc::new(AtomicBool::new(false))),
                ..RunOptions::default()
            };
            let how = format!("-p {workers}, batches of {batch}, flushed every {flush_every:?}");
            run(&native, &options).map_err(|error| in_job(format!("{how}: {error}")))?;
            let schema = &goes_on.plan.sinks[0].schema;
            let actual = files::read(&folder.path().join("result.arrow"), schema);
            taken_back += actual.iter().filter(|row| row[0].to_string().contains('-')).count();
            let actual = fold(&actual).map_err(|wrong| in_job(format!("{how}: {wrong}")))?;
            same(&expected, &actual).map_err(|difference| in_job(format!("{how}: {difference}")))?;
        }
    }
    Ok(taken_back)
}

/// Runs it; one that does not end is stopped, and fails.
fn run(job: &sabot_runtime::Job, options: &RunOptions) -> Result<(), String> {
    let stop = options.stop.clone().unwrap_or_default();
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
        let ran = job.run(options);
        is_over.store(true, Ordering::Relaxed);
        ran.map(|_| ()).map_err(|error| error.to_string())
    })
}

/// The job; its sources end, or they go on.
fn compiled(text: &str, ends: bool) -> Result<Compiled, String> {
    let mut catalog = Catalog::default();
    for name in ["a", "b"].into_iter().filter(|_| ends) {
        catalog.sources.insert(name.to_owned(), SourceFacts { is_replaced: true, ..SourceFacts::default() });
    }
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(text, &mut diagnostics);
    let graph = graphs.first().ok_or_else(|| format!("{:?}", diagnostics.as_slice()))?;
    let compiled = compile(graph, &catalog, &mut PlanOptimizer::default(), &mut diagnostics);
    compiled.ok_or_else(|| format!("{:?}", diagnostics.as_slice()))
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).with_extension("arrow").display().to_string()
}

/// The rows of the sources as files.
fn write(folder: &Path, job: &Compiled, inputs: &Inputs, batch: usize) -> BTreeMap<String, String> {
    let mut written = BTreeMap::new();
    for source in &job.plan.sources {
        files::write(&folder.join(&source.name).with_extension("arrow"), &source.schema, &inputs[&source.name], batch);
        written.insert(source.name.clone(), at(folder, &source.name));
    }
    written
}

/// The rows that a changelog leaves; an error if it takes back what is not there.
fn fold(rows: &[Row]) -> Result<Vec<String>, String> {
    let mut left: BTreeMap<String, (i64, &[Value])> = BTreeMap::new();
    for row in rows {
        let Some((Value::String(op), row)) = row.split_first() else { return Err("a row without `op`".to_owned()) };
        let (count, _) = left.entry(format!("{row:?}")).or_insert((0, row));
        *count += if op.starts_with('+') { 1 } else { -1 };
        if *count < 0 {
            return Err(format!("{row:?} is taken back and is not there"));
        }
    }
    let mut rows: Vec<String> =
        left.into_values().flat_map(|(count, row)| (0..count).map(move |_| shown(row))).collect();
    rows.sort();
    Ok(rows)
}

fn sorted(rows: &[Row]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| shown(row)).collect();
    rows.sort();
    rows
}

/// As text; of floats not the last digits, which depend on the order of the rows.
fn shown(row: &[Value]) -> String {
    let value =
        |value: &Value| if let Value::Float64(value) = value { format!("{value:.9e}") } else { format!("{value:?}") };
    row.iter().map(value).collect::<Vec<_>>().join(" ")
}

fn same(expected: &[String], actual: &[String]) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let shown = |rows: &[String]| rows.iter().take(20).map(|row| format!("\n  {row}")).collect::<String>();
    Err(format!("expected {} rows:{}\ngot {}:{}", expected.len(), shown(expected), actual.len(), shown(actual)))
}
