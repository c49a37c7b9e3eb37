//! Why a job could not be compiled or run.

use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_ir::job_graph::JobGraph;
use sabot_runtime::RunError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a job could not be compiled or run.
///
/// Its `Debug` form is the same text as its `Display` form, so that a `main` which returns it says what a person can read.
pub enum JobError {
    /// The job has mistakes: the messages, as `sabotc` shows them.
    Program(String),
    /// No code can be made for this machine.
    Machine(String),
    /// The run failed.
    Run(RunError),
    /// There is no `sabot-rt` in any of these places.
    NoRuntime(Vec<PathBuf>),
    /// A file could not be written.
    Write(PathBuf, io::Error),
}

impl JobError {
    pub(super) fn program(graph: &JobGraph, diagnostics: &Diagnostics) -> Self {
        let (file, text) = match &graph.source {
            Some(source) => (source.file.as_str(), source.text.as_str()),
            None => (graph.job_name.as_str(), ""),
        };
        Self::Program(render_all(text, file, diagnostics))
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(messages) => write!(f, "the job has errors\n\n{messages}"),
            Self::Machine(what) => write!(f, "no code can be made for this machine: {what}"),
            Self::Run(error) => f.write_str(&sabot_runtime::error::with_causes(error)),
            Self::NoRuntime(places) => {
                let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
                write!(
                    f,
                    "there is no sabot-rt, of which executables are made, in {}; install it beside sabotc, or write an artifact: `.build(\"job.sabot\")`",
                    places.join(", ")
                )
            }
            Self::Write(path, error) => write!(f, "{}: cannot be written: {error}", path.display()),
        }
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for JobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The text of a run's error says its causes already.
            Self::Program(_) | Self::Machine(_) | Self::NoRuntime(_) | Self::Run(_) => None,
            Self::Write(_, error) => Some(error),
        }
    }
}
