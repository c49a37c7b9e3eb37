//! Compiles and runs jobs in this process (feature `run`): what `sabotc run`, `build` and `explain` do, for a graph at hand.
//!
//! ```no_run
//! # use sabot::prelude::*;
//! # fn job() -> sabot::JobGraph { sabot::JobGraph::new("job") }
//! let summary = job().compile()?.input("quotes", "quotes.csv").output("enriched", "enriched.csv").run()?;
//! println!("{}", summary.render());
//! # Ok::<(), sabot::run::JobError>(())
//! ```

mod error;
mod executable;
mod facts;

pub use error::JobError;
pub use facts::source_facts;
pub use sabot_runtime::{OperatorSummary, RunError, RunSummary};

use sabot_codegen::{Artifact, CodegenError, CompileOptions, Cpu};
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Compiled, compile};
use sabot_ir::diagnostic::{Diagnostic, Diagnostics};
use sabot_ir::display;
use sabot_ir::job_graph::JobGraph;
use sabot_runtime::{Job, RunOptions};
use std::path::Path;

/// What can be done with a job's graph.
pub trait Compile {
    /// Machine code for this processor.
    ///
    /// # Errors
    /// The job has mistakes (a graph made by hand, or columns that its files do not have), or a file cannot be read.
    fn compile(&self) -> Result<CompiledJob, JobError>;

    /// The plan as it is written and as it is optimized, and the pipelines that it becomes.
    ///
    /// # Errors
    /// As those of [`Compile::compile`].
    fn explain(&self) -> Result<String, JobError>;

    /// Writes a native executable of the job; or, where the path ends in `.sabot`, the artifact that agents load.
    ///
    /// # Errors
    /// As those of [`Compile::compile`]; there is no `sabot-rt` to make an executable of, or the file cannot be written.
    fn build(&self, path: impl AsRef<Path>) -> Result<(), JobError>;
}

impl Compile for JobGraph {
    fn compile(&self) -> Result<CompiledJob, JobError> {
        Ok(CompiledJob { artifact: artifact(self, Cpu::Native)?, options: RunOptions::default() })
    }

    fn explain(&self) -> Result<String, JobError> {
        let compiled = front(self)?;
        Ok(format!(
            "logical plan\n\n{}\noptimized plan\n\n{}\npipelines\n\n{}",
            display::plan::plan(&compiled.plan),
            display::plan::plan(&compiled.optimized),
            display::pipeline::pipelines(&compiled.pipelines)
        ))
    }

    fn build(&self, path: impl AsRef<Path>) -> Result<(), JobError> {
        let path = path.as_ref();
        if path.extension().is_some_and(|extension| extension == "sabot") {
            return executable::write_artifact(path, &artifact(self, Cpu::V3)?.bytes);
        }
        let runtime = executable::runtime()?;
        executable::write(path, &runtime, &artifact(self, Cpu::V3)?.bytes)
    }
}

/// A job in machine code, and how it is to be run.
#[derive(Clone, Debug)]
pub struct CompiledJob {
    artifact: Artifact,
    options: RunOptions,
}

impl CompiledJob {
    /// Reads this file in place of a source's connector; `-` is standard input.
    #[must_use]
    pub fn input(mut self, source: &str, path: &str) -> Self {
        self.options.inputs.insert(source.to_owned(), path.to_owned());
        self
    }

    /// Writes this file in place of a sink's connector; `-` is standard output.
    #[must_use]
    pub fn output(mut self, sink: &str, path: &str) -> Self {
        self.options.outputs.insert(sink.to_owned(), path.to_owned());
        self
    }

    /// How many threads work; as many as there are cores unless this is said.
    #[must_use]
    pub fn parallelism(mut self, threads: u32) -> Self {
        self.options.parallelism = Some(threads);
        self
    }

    /// Bytes that joins and aggregates may hold before they spill to disk.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.options.memory_budget = Some(bytes);
        self
    }

    /// Replaces outputs that exist.
    #[must_use]
    pub fn overwrite(mut self) -> Self {
        self.options.overwrite = true;
        self
    }

    /// The job as agents load it.
    #[must_use]
    pub fn artifact(&self) -> &[u8] {
        &self.artifact.bytes
    }

    /// Runs the job to its end. Outputs get their names when all of them are complete; if anything fails, none does.
    ///
    /// # Errors
    /// A file cannot be read or written, or a row cannot be computed and no policy says what to do with it.
    pub fn run(&self) -> Result<RunSummary, JobError> {
        Job::load(&self.artifact.bytes).and_then(|job| job.run(&self.options)).map_err(JobError::Run)
    }
}

/// The compiler's stages up to the pipelines.
fn front(graph: &JobGraph) -> Result<Compiled, JobError> {
    let mut diagnostics = Diagnostics::new();
    let compiled = compile(graph, &facts::catalog(graph), &mut PlanOptimizer::default(), &mut diagnostics);
    compiled.ok_or_else(|| JobError::program(graph, &diagnostics))
}

fn artifact(graph: &JobGraph, cpu: Cpu) -> Result<Artifact, JobError> {
    let compiled = front(graph)?;
    let source = graph.source.clone();
    let options = CompileOptions {
        target: None,
        cpu,
        source_file: source.as_ref().map_or_else(String::new, |source| source.file.clone()),
        source_text: source.map_or_else(String::new, |source| source.text),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    sabot_codegen::compile(&compiled.pipelines, &options).map_err(|error| match error {
        CodegenError::Unsupported { what, span } => {
            let mut diagnostics = Diagnostics::new();
            let message = format!("no code can be made for {what}");
            diagnostics.push(Diagnostic::error("E0700", message).label(span, "this"));
            JobError::program(graph, &diagnostics)
        }
        CodegenError::Target(what) | CodegenError::Internal(what) => JobError::Machine(what),
    })
}
