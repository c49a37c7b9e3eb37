//! `sabotc check`: every mistake of a job, once or whenever its file changes.

use crate::arguments::{CheckArguments, JobArguments, MessageFormat};
use crate::exit::Failure;
use crate::front;
use crate::functions;
use crate::messages::Messages;
use crate::output;
use sabot_codegen::CompileOptions;
use sabot_runtime::interrupt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, SystemTime};

/// How often `--watch` looks at the file.
const INTERVAL: Duration = Duration::from_millis(100);

/// How coarse a file's time of change may be: within this, the same time does not mean the same text.
const COARSEST_TIME: Duration = Duration::from_secs(2);

/// Checks the job.
///
/// # Errors
/// The job cannot be read, or has errors (which were shown); with `--watch` only that it was interrupted.
pub(crate) fn run(arguments: &CheckArguments, messages: &Messages) -> Result<(), Failure> {
    if arguments.watch {
        return watch(&arguments.job, messages);
    }
    let source = front::read(&arguments.job.file)?;
    let checked = front::check(&arguments.job, &source)?;
    checked.show(&arguments.job, &source, messages);
    let Some(graph) = checked.graph.as_ref().filter(|_| checked.is_right()) else { return Err(Failure::Program) };
    if arguments.verbose {
        let file = arguments.job.file.display().to_string();
        output::print(&functions::describe(graph, &source, &file, &CompileOptions::default())?)?;
    }
    Ok(())
}

/// What the file was when it was last looked at.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Text(String),
    /// It is not there, or cannot be read: why.
    Nothing(String),
}

/// Checks whenever the file's text is another one, until Ctrl-C.
fn watch(job: &JobArguments, messages: &Messages) -> Result<(), Failure> {
    let stop = interrupt::stop_on_interrupt();
    let mut stamp = None;
    let mut shown: Option<Seen> = None;
    let mut waiting: Option<Seen> = None;
    while !stop.load(Ordering::Relaxed) {
        let now = Stamp::of(&job.file);
        if shown.is_none() || waiting.is_some() || now != stamp || now.as_ref().is_some_and(Stamp::is_fresh) {
            stamp = now;
            let seen = match front::read(&job.file) {
                Ok(text) => Seen::Text(text),
                Err(failure) => Seen::Nothing(failure.to_string()),
            };
            // An editor may write in several steps: a text counts once it has stayed for a while.
            if shown.as_ref() == Some(&seen) {
                waiting = None;
            } else if shown.is_none() || waiting.as_ref() == Some(&seen) {
                show(job, &seen, messages);
                shown = Some(seen);
                waiting = None;
            } else {
                waiting = Some(seen);
            }
        }
        thread::sleep(INTERVAL);
    }
    Err(Failure::Interrupted)
}

/// Shows what is said about the file as it is now.
fn show(job: &JobArguments, seen: &Seen, messages: &Messages) {
    let file = job.file.display();
    if job.message_format != MessageFormat::Json {
        messages.clear();
        messages.say(&format!("[{}] {file}", chrono::Local::now().format("%H:%M:%S")));
    }
    match seen {
        Seen::Text(source) => match front::check(job, source) {
            Ok(checked) => checked.show(job, source, messages),
            Err(failure) => messages.error(&failure.to_string()),
        },
        Seen::Nothing(reason) => {
            messages.error(reason);
            messages.say("waiting for it to come back");
        }
    }
}

/// By what a file shows that it may have changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), length: metadata.len() })
    }

    /// Whether the file may have changed again without another time.
    fn is_fresh(&self) -> bool {
        self.modified.is_none_or(|time| time.elapsed().map_or(true, |age| age < COARSEST_TIME))
    }
}
