//! The compiler's command line: the only place that reads files for the compiler, and the only one that talks.
#![forbid(unsafe_code)]

pub mod arguments;
mod build;
mod cache;
mod check;
mod exit;
mod explain;
mod front;
mod functions;
mod graph;
mod interpret;
mod message_json;
mod messages;
mod new;
mod output;
mod page;
mod rows;
mod run;
mod templates;

use arguments::{Arguments, Command};
use clap::Parser;
use messages::Messages;
use std::process::ExitCode;

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output with status 0, mistakes to standard error with status 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let messages = Messages::new(arguments.color, arguments.quiet);
    let result = match &arguments.command {
        Command::New(arguments) => new::run(arguments, &messages),
        Command::Check(arguments) => check::run(arguments, &messages),
        Command::Build(arguments) => build::run(arguments, &messages),
        Command::Run(arguments) => run::run(arguments, &messages),
        Command::Explain(arguments) => explain::run(arguments, &messages),
        Command::Graph(arguments) => graph::run(arguments, &messages),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            match &failure {
                exit::Failure::Failed(text) | exit::Failure::Usage(text) => messages.error(text),
                // What is wrong with the program was shown where it was found.
                exit::Failure::Program | exit::Failure::Interrupted => {}
            }
            failure.code()
        }
    }
}
