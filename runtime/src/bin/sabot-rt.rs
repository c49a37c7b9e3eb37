//! The runtime as an executable: runs the job that is attached to it, or one that is given as a file.
//!
//! `sabotc build` attaches a job to a copy of it. Standard output is for data; everything said goes to standard error.
#![forbid(unsafe_code)]

use sabot_runtime::arguments::{self, Command, RunArguments, SummaryFormat, UsageError};
use sabot_runtime::error::with_causes;
use sabot_runtime::{Job, RunError, executable, interrupt};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// Ends the process with a word when there is no memory left.
#[global_allocator]
static ALLOCATOR: sabot_runtime::SystemOrExit = sabot_runtime::SystemOrExit;

fn main() -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "sabot-rt".to_owned());
    match run(&program, words.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {}", failure.message));
            ExitCode::from(failure.status)
        }
    }
}

/// Why the program ends without having done what it was asked to.
struct Failure {
    message: String,
    status: u8,
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self { message: error.to_string(), status: 2 }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self { message: with_causes(&error), status: arguments::exit_status(&error) }
    }
}

fn failed(message: String) -> Failure {
    Failure { message, status: 1 }
}

fn run(program: &str, mut words: Vec<String>) -> Result<(), Failure> {
    let attached =
        executable::attached_artifact().map_err(|error| failed(format!("cannot read the attached job: {error}")))?;
    let (artifact, file) = match attached {
        Some(artifact) => (artifact, None),
        None => match words.first() {
            Some(file) if !file.starts_with('-') => (read_job(file)?, Some(words.remove(0))),
            first => return introduce(first.map(String::as_str)),
        },
    };
    let command = arguments::parse(words)?;
    if matches!(command, Command::Version) {
        return print(&format!("sabot-rt {}\n", env!("CARGO_PKG_VERSION")));
    }
    let job = Job::load(&artifact).map_err(|error| match file {
        Some(file) => failed(format!("{file}: {}", with_causes(&error))),
        None => error.into(),
    })?;
    match command {
        Command::Run(run) => run_job(&job, run),
        Command::Manifest => {
            let manifest = serde_json::to_string_pretty(job.manifest());
            print(&format!("{}\n", manifest.map_err(|error| failed(error.to_string()))?))
        }
        Command::Help => {
            let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
            print(&arguments::help(&name, job.manifest()))
        }
        Command::Version => Ok(()),
    }
}

/// The bare runtime says what it is.
fn introduce(word: Option<&str>) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    match word {
        Some("-V" | "--version") => print(&format!("sabot-rt {version}\n")),
        Some("-h" | "--help") => print(&format!(
            "sabot-rt {version}: the runtime of Sabot jobs\n\n\
             `sabotc build` attaches a job to a copy of this program. Without one it runs a job's artifact:\n\n  \
             sabot-rt ARTIFACT [FLAGS]    run the job\n  \
             sabot-rt ARTIFACT --help     its flags, sources, sinks and parameters\n"
        )),
        Some(_) | None => Err(Failure {
            message:
                "this is the bare runtime, and no job is attached to it: `sabotc build job.rs` makes an executable \
                      with one, `sabot-rt ARTIFACT` runs an artifact; `--help` says more"
                    .to_owned(),
            status: 2,
        }),
    }
}

/// An artifact, or an executable with one.
fn read_job(file: &str) -> Result<Vec<u8>, Failure> {
    let cannot = |error| failed(format!("{file}: cannot be read: {error}"));
    match executable::read_attached(Path::new(file)).map_err(cannot)? {
        Some(artifact) => Ok(artifact),
        None => std::fs::read(file).map_err(cannot),
    }
}

fn run_job(job: &Job, run: RunArguments) -> Result<(), Failure> {
    let mut options = run.options;
    options.progress = !run.quiet && std::io::stderr().is_terminal();
    options.stop = Some(interrupt::stop_on_interrupt());
    sabot_runtime::connector::name_files_that_are_cut_short();
    let summary = job.run(&options)?;
    match run.summary {
        // Asked for by name, so it is said in any case.
        Some(SummaryFormat::Json) => say(&summary.to_json()),
        Some(SummaryFormat::Text) => say(summary.render().trim_end()),
        None if run.quiet => {}
        None => say(summary.render().trim_end()),
    }
    Ok(())
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| failed(format!("cannot write to standard output: {error}"))),
    }
}

fn say(text: &str) {
    // Nobody is left to be told if standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
