//! How the process ends.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked to. Its number is the exit status.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The run failed: files, data, the machine.
    Failed(String),
    /// The command line makes no sense.
    Usage(String),
    /// The program has errors; they were shown.
    Program,
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// The exit status.
    #[must_use]
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Program => 3,
            Self::Interrupted => 130,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) => f.write_str(text),
            Self::Program => f.write_str("the program has errors"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}
