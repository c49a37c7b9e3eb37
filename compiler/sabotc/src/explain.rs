//! `sabotc explain`: every stage of the compiler as text, and the pages of error codes.

use crate::arguments::{Cpu, ExplainArguments, RunArguments, Stage, TargetArguments};
use crate::build;
use crate::exit::Failure;
use crate::front;
use crate::functions;
use crate::messages::Messages;
use crate::output;
use crate::page;
use crate::run;
use sabot_ir::display;

/// Prints the stage, and with `--analyze` what a run of the job did.
pub(crate) fn run(arguments: &ExplainArguments, messages: &Messages) -> Result<(), Failure> {
    if arguments.list {
        return output::print(&page::list());
    }
    if let Some(code) = page::asked_for(&arguments.job.file) {
        return output::print(&page::explain(code, messages)?);
    }
    front::given_once("--set", &arguments.set)?;
    let front = front::load(&arguments.job, messages)?;
    let text = if arguments.state {
        display::state::state(&front.compiled.pipelines)
    } else if arguments.functions {
        let options = build::options(&front, &arguments.target);
        functions::describe(&front.compiled.graph, &front.source, &front.file, &options)?
    } else {
        stage(&front, arguments, messages)?
    };
    output::print(&text)?;
    if arguments.analyze {
        let scratch = tempdir()?;
        let result = analyze(arguments, &front, scratch.as_path(), messages);
        let _ = std::fs::remove_dir_all(&scratch);
        output::print(&format!("\n{}", result?))?;
    }
    Ok(())
}

/// The stage that was asked for, as text.
fn stage(front: &front::Front, arguments: &ExplainArguments, messages: &Messages) -> Result<String, Failure> {
    let compiled = &front.compiled;
    Ok(match arguments.stage {
        Stage::Graph => display::job_graph::text(&compiled.graph),
        Stage::Logical => display::plan::plan(&compiled.plan),
        Stage::Optimized => display::plan::plan(&compiled.optimized),
        Stage::Physical => display::pipeline::pipelines(&compiled.pipelines),
        Stage::Clif => build::kernels(front, &arguments.target, |kernel| kernel.clif)?,
        Stage::Asm => build::kernels(front, &arguments.target, |kernel| kernel.assembly)?,
        Stage::Manifest => {
            let (made, _) = build::artifact(front, &arguments.target, messages)?;
            serde_json::to_string_pretty(&made.manifest)
                .map_err(|error| Failure::Failed(format!("the manifest cannot be printed: {error}")))?
        }
    })
}

/// Runs the job with every sink redirected to a scratch folder.
fn analyze(
    arguments: &ExplainArguments,
    front: &front::Front,
    scratch: &std::path::Path,
    messages: &Messages,
) -> Result<String, Failure> {
    let target = TargetArguments { target: None, cpu: Some(Cpu::Native), no_cache: true };
    let (made, _) = build::artifact(front, &target, messages)?;
    let output = made
        .manifest
        .sinks
        .iter()
        .map(|sink| (sink.name.clone(), scratch.join(&sink.name).with_extension("arrow").display().to_string()))
        .collect();
    let arguments = RunArguments {
        no_cache: true,
        job: arguments.job.clone(),
        cpu: Cpu::Native,
        output,
        set: arguments.set.clone(),
        parallelism: arguments.parallelism,
        memory: None,
        spill_dir: None,
        limit: None,
        batch_rows: None,
        idle_after: None,
        barrier_every: None,
        flush_every: None,
        overwrite: true,
        interpret: false,
        summary: None,
    };
    Ok(run::compiled(&made, &arguments, false)?.render())
}

/// A folder of our own below the system's temporary one.
fn tempdir() -> Result<std::path::PathBuf, Failure> {
    let path = std::env::temp_dir().join(format!("sabotc-analyze-{}", std::process::id()));
    std::fs::create_dir(&path)
        .map_err(|error| Failure::Failed(format!("{}: cannot be made: {error}", path.display())))?;
    Ok(path)
}
