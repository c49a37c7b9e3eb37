//! `sabotc run`: a job, compiled in this process and run here.

use crate::arguments::{RunArguments, Summary, TargetArguments};
use crate::build;
use crate::exit::Failure;
use crate::front;
use crate::interpret;
use crate::messages::Messages;
use sabot_codegen::Artifact;
use sabot_runtime::error::with_causes;
use sabot_runtime::{Job, RunError, RunOptions, RunSummary, arguments, interrupt};

/// Compiles the job and runs it.
pub(crate) fn run(arguments: &RunArguments, messages: &Messages) -> Result<(), Failure> {
    front::given_once("--output", &arguments.output)?;
    front::given_once("--set", &arguments.set)?;
    let front = front::load(&arguments.job, messages)?;
    front.say_checked(messages);
    front.say_optimized(messages);
    let target = TargetArguments { target: None, cpu: Some(arguments.cpu), no_cache: arguments.no_cache };
    let (made, _) = build::artifact(&front, &target, messages)?;
    if arguments.interpret {
        return interpret::run(&front.compiled.plan, &made.manifest, &front.source, arguments);
    }
    let summary = compiled(&made, arguments, !messages.is_quiet())?;
    match arguments.summary {
        // Asked for by name, so it is said in any case.
        Some(Summary::Json) => messages.line(&summary.to_json()),
        Some(Summary::Text) => messages.line(summary.render().trim_end()),
        None => messages.say(summary.render().trim_end()),
    }
    Ok(())
}

/// Runs a compiled job.
pub(crate) fn compiled(made: &Artifact, arguments: &RunArguments, progress: bool) -> Result<RunSummary, Failure> {
    sabot_runtime::connector::name_files_that_are_cut_short();
    let options = RunOptions {
        parallelism: arguments.parallelism,
        inputs: arguments.job.input.iter().cloned().collect(),
        outputs: arguments.output.iter().cloned().collect(),
        params: arguments.set.iter().cloned().collect(),
        memory_budget: arguments.memory,
        spill_dir: arguments.spill_dir.clone(),
        limit: arguments.limit,
        batch_rows: arguments.batch_rows,
        idle_after: arguments.idle_after,
        barrier_every: arguments.barrier_every,
        flush_every: arguments.flush_every,
        overwrite: arguments.overwrite,
        progress,
        stop: Some(interrupt::stop_on_interrupt()),
    };
    Job::load(&made.bytes).and_then(|job| job.run(&options)).map_err(failure)
}

fn failure(error: RunError) -> Failure {
    match arguments::exit_status(&error) {
        130 => Failure::Interrupted,
        2 => Failure::Usage(with_causes(&error)),
        _ => Failure::Failed(with_causes(&error)),
    }
}
