//! `sabotc check`: every mistake of a job, once or whenever its file changes.

use crate::arguments::{CheckArguments, MessageFormat};
use crate::exit::Failure;
use crate::front;
use crate::messages::Messages;

/// Checks the job.
///
/// # Errors
/// The job cannot be read, or has errors (which were shown).
pub(crate) fn run(arguments: &CheckArguments, messages: &Messages) -> Result<(), Failure> {
    once(arguments, messages)
}

fn once(arguments: &CheckArguments, messages: &Messages) -> Result<(), Failure> {
    let front = front::load(&arguments.job, messages)?;
    // Who reads JSON reads nothing else.
    if arguments.job.message_format != MessageFormat::Json {
        front.say_checked(messages);
    }
    Ok(())
}
