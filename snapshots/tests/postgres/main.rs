//! Tables of a PostgreSQL database, read as a whole and asked by key, of a real server.

mod lookups;
mod server;
mod tables;

use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, Compiled, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_runtime::{Job, RunError, RunOptions, RunSummary};
use std::collections::BTreeMap;
use std::path::Path;

/// A job's text, compiled.
fn compiled(text: &str) -> Compiled {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(text, &mut diagnostics);
    let compiled = graphs
        .first()
        .and_then(|graph| compile(graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics));
    compiled.unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.as_slice()))
}

fn job(compiled: &Compiled) -> Job {
    let artifact = sabot_codegen::compile(&compiled.pipelines, &CompileOptions::default()).expect("it can be compiled");
    Job::load(&artifact.bytes).expect("it can be loaded")
}

/// Options for a run in a folder, where the sinks `out` and `bad` are files.
fn options(workers: u32, folder: &Path) -> RunOptions {
    RunOptions { parallelism: Some(workers), overwrite: true, ..RunOptions::default() }.with_outputs(folder)
}

trait WithOutputs {
    fn with_outputs(self, folder: &Path) -> Self;
}

impl WithOutputs for RunOptions {
    fn with_outputs(mut self, folder: &Path) -> Self {
        let path = folder.join("out.ndjson").display().to_string();
        self.outputs = BTreeMap::from([("out".to_owned(), path)]);
        self
    }
}

/// Runs a job whose sink is `out`; its lines.
fn lines(job: &Job, options: &RunOptions) -> Result<(RunSummary, Vec<String>), RunError> {
    let summary = job.run(options)?;
    let text = std::fs::read_to_string(&options.outputs["out"]).expect("it is written");
    Ok((summary, text.lines().map(str::to_owned).collect()))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}
