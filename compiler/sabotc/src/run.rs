//! `sabotc run`: a job, compiled in this process and run here.

use crate::arguments::RunArguments;
use crate::exit::Failure;
use crate::messages::Messages;

/// Compiles the job and runs it.
pub fn run(_arguments: &RunArguments, _messages: &Messages) -> Result<(), Failure> {
    Err(Failure::Failed("later".to_owned()))
}

/// Runs a compiled job.
pub fn compiled(_made: &sabot_codegen::Artifact, _arguments: &RunArguments, _progress: bool) -> Result<Summary, Failure> {
    Err(Failure::Failed("later".to_owned()))
}

/// x
pub struct Summary;
impl Summary {
    /// x
    pub fn render(&self) -> String { String::new() }
}
