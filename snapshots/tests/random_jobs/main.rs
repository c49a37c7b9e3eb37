//! Random jobs all the way: compiled to native code, loaded, run over files with one worker and with two, as the plan
//! says and after the optimizer, with all memory and with next to none; each time the rows of the reference interpreter,
//! in its order where one is defined.

mod files;

use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::physical::pipelines;
use sabot_ir::pipeline::Pipelines;
use sabot_ir::plan::{AggregateFunction, Operator, Plan, Sink};
use sabot_reference::random::{RandomJob, RandomOptions, difference, random_job};
use sabot_reference::{Outputs, run, run_pipelines};
use sabot_runtime::{Job, RunError, RunOptions};
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn jobs_of_few_rows() {
    let options = RandomOptions { fallible: false, ..RandomOptions::default() };
    check_all(20_000..20_040, &options, 3);
}

#[test]
fn jobs_whose_rows_can_fail() {
    check_all(30_000..30_040, &RandomOptions::default(), 3);
}

#[test]
fn jobs_of_many_rows() {
    let options = RandomOptions { rows: 3_000, operators: 3, fallible: false, ..RandomOptions::default() };
    check_all(40_000..40_010, &options, 700);
}

#[test]
fn jobs_over_time() {
    let options = RandomOptions { time: true, fallible: false, ..RandomOptions::default() };
    check_all(50_000..50_040, &options, 3);
}

fn check_all(seeds: std::ops::Range<u64>, options: &RandomOptions, batch: usize) {
    let mut wrong = Vec::new();
    for seed in seeds {
        let job = random_job(seed, options);
        let outcome = catch_unwind(|| check(&job, batch)).unwrap_or_else(|_| Err("a panic, see above".to_owned()));
        if let Err(difference) = outcome {
            let plan = sabot_ir::display::plan::plan(&job.plan);
            wrong.push(format!("seed {seed}: {difference}\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{} jobs differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

fn check(job: &RandomJob, batch: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for source in &job.plan.sources {
        let rows = job.inputs.get(&source.name).map_or(&[][..], Vec::as_slice);
        files::write(&folder.path().join(format!("{}.arrow", source.name)), &source.schema, rows, batch);
    }
    let expected = run(&job.plan, &job.inputs, &job.params);
    let mut optimized = job.plan.clone();
    PlanOptimizer::default().optimize_plan(&mut optimized);
    for (what, plan) in [("as it is", &job.plan), ("optimized", &optimized)] {
        let compiled = compile(plan)?;
        for (parallelism, memory) in [(1, None), (2, None), (2, Some(20_000))] {
            // What was spilled comes back in another order.
            if memory.is_some() && rows_depend_on_order(plan) {
                continue;
            }
            let memory_text = memory.map_or_else(String::new, |bytes: u64| format!(", {bytes} bytes of memory"));
            let how = format!("{what}, -p {parallelism}{memory_text}");
            let actual = execute(&compiled, plan, folder.path(), parallelism, memory);
            match (&expected, actual) {
                (Ok(expected), Ok((actual, counts))) => {
                    if let Some(difference) = difference(expected, &actual) {
                        return Err(format!("{how}: {difference}"));
                    }
                    if what == "as it is" && memory.is_none() && has_order(plan) && !same_order(expected, &actual) {
                        return Err(format!("{how}: the rows are the same, their order is not"));
                    }
                    if what == "as it is" && reads_all(plan) {
                        check_counts(&compiled.pipelines, job, &counts).map_err(|error| format!("{how}: {error}"))?;
                    }
                }
                (Err(_), Err(RunError::Row(_))) => {}
                (Err(failure), Err(error)) => {
                    return Err(format!("{how}: must fail with {failure}, fails with {error}"));
                }
                (Ok(_), Err(error)) => return Err(format!("{how}: {error}")),
                (Err(failure), Ok(_)) => return Err(format!("{how}: must fail: {failure}")),
            }
        }
    }
    Ok(())
}

struct Compiled {
    pipelines: Pipelines,
    job: Job,
}

fn compile(plan: &Plan) -> Result<Compiled, String> {
    let pipelines = pipelines(plan);
    let text = || sabot_ir::display::pipeline::pipelines(&pipelines);
    let artifact = sabot_codegen::compile(&pipelines, &CompileOptions::default())
        .map_err(|error| format!("cannot be compiled: {error}\n{}", text()))?;
    let job = Job::load(&artifact.bytes).map_err(|error| format!("cannot be loaded: {error}"))?;
    Ok(Compiled { pipelines, job })
}

/// The rows of each sink, and the rows that each operator says it gave.
fn execute(
    compiled: &Compiled,
    plan: &Plan,
    folder: &Path,
    parallelism: u32,
    memory_budget: Option<u64>,
) -> Result<(Outputs, Vec<u64>), RunError> {
    let at = |name: &str| folder.join(format!("{name}.arrow"));
    let named = |name: &String| (name.clone(), at(name).display().to_string());
    let options = RunOptions {
        parallelism: Some(parallelism),
        inputs: plan.sources.iter().map(|source| named(&source.name)).collect(),
        outputs: plan.sinks.iter().map(|sink| named(&sink.name)).collect(),
        overwrite: true,
        memory_budget,
        ..RunOptions::default()
    };
    let summary = compiled.job.run(&options)?;
    let read = |sink: &Sink| (sink.name.clone(), files::read(&at(&sink.name), &sink.schema));
    let counts = summary.operators.iter().map(|operator| operator.rows_out).collect();
    Ok((plan.sinks.iter().map(read).collect(), counts))
}

/// The summary says how many rows each operator gave.
fn check_counts(pipelines: &Pipelines, job: &RandomJob, actual: &[u64]) -> Result<(), String> {
    let Ok((_, expected)) = run_pipelines(pipelines, &job.inputs, &job.params) else {
        return Err("the pipelines fail where the plan does not".to_owned());
    };
    for ((operator, expected), actual) in pipelines.operators.iter().zip(expected).zip(actual) {
        if expected != *actual {
            return Err(format!(
                "`{}` ({}) gives {expected} rows, the summary says {actual}\n{}",
                operator.name,
                operator.kind,
                sabot_ir::display::pipeline::pipelines(pipelines)
            ));
        }
    }
    Ok(())
}

/// The branches of a fork that meet again in a union take turns, and so do pipelines that run at the same time.
fn has_order(plan: &Plan) -> bool {
    !plan.nodes.iter().any(|node| {
        matches!(
            node.operator,
            Operator::Union
                | Operator::WindowAggregate { .. }
                | Operator::IntervalJoin { .. }
                | Operator::AsofJoin { .. }
        )
    })
}

/// Whether other rows come out if the same rows come in another order.
fn rows_depend_on_order(plan: &Plan) -> bool {
    plan.nodes.iter().any(|node| match &node.operator {
        Operator::Limit { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { limit: Some(_), .. }
        | Operator::WindowAggregate { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. } => true,
        Operator::Aggregate { calls, .. } => calls.iter().any(|call| {
            matches!(
                call.function,
                AggregateFunction::First
                    | AggregateFunction::Last
                    | AggregateFunction::ArgMin
                    | AggregateFunction::ArgMax
            )
        }),
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::Project { .. }
        | Operator::FlatMap { .. }
        | Operator::Union
        | Operator::HashJoin { .. }
        | Operator::Sort { limit: None, .. }
        | Operator::Sink { .. } => false,
    })
}

/// Behind a limit nobody wants the rest of the rows.
fn reads_all(plan: &Plan) -> bool {
    !plan.nodes.iter().any(|node| matches!(node.operator, Operator::Limit { .. }))
}

fn same_order(a: &Outputs, b: &Outputs) -> bool {
    a.values().flatten().flatten().zip(b.values().flatten().flatten()).all(|(a, b)| a.is_close_to(b))
}
