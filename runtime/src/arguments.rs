//! The command line of a run: what a per-job executable accepts, and `sabotc run` with the same meaning.
//!
//! Parsed by hand: the executable is shipped with every job and should stay small. Names of sources, sinks and parameters
//! are checked when the job is run, before anything is read.

use crate::error::RunError;
use crate::run::RunOptions;
use sabot_abi::manifest::{Connector, Constant, Location, Manifest};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// What a command line asks for.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Command {
    /// Run the job.
    Run(RunArguments),
    /// Print the job's manifest.
    Manifest,
    /// Print what can be asked for.
    Help,
    /// Print the version.
    Version,
}

/// How to run the job, and how much to say.
#[derive(Clone, Debug, Default)]
pub struct RunArguments {
    /// How to run it.
    pub options: RunOptions,
    /// Say only what went wrong.
    pub quiet: bool,
    /// How the summary at the end is written; `None`: as text, and not if `quiet`.
    pub summary: Option<SummaryFormat>,
}

/// How the summary of a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryFormat {
    /// A line per operator.
    Text,
    /// One JSON object on one line.
    Json,
}

/// What is wrong with a command line: one clause, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

/// Reads the arguments behind the program's name.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, UsageError> {
    let mut run = RunArguments::default();
    let mut words = arguments.into_iter();
    while let Some(word) = words.next() {
        let (flag, mut attached) = split(&word);
        let mut value = |what: &str| {
            let value = attached.take().or_else(|| words.next());
            value.ok_or_else(|| UsageError(format!("`{flag}` needs {what} behind it")))
        };
        match flag {
            "--input" => add(&mut run.options.inputs, flag, &value("SOURCE=FILE")?)?,
            "--output" => add(&mut run.options.outputs, flag, &value("SINK=FILE")?)?,
            "--set" => add(&mut run.options.params, flag, &value("PARAM=VALUE")?)?,
            "-p" | "--parallelism" => run.options.parallelism = Some(parallelism(&value("a number")?)?),
            "--memory" => {
                let text = value("a size")?;
                let size = memory(&text).map_err(|cause| UsageError(format!("`--memory {text}`: {cause}")))?;
                run.options.memory_budget = Some(size);
            }
            "--spill-dir" => run.options.spill_dir = Some(PathBuf::from(value("a directory")?)),
            "--limit" => {
                let text = value("a number")?;
                let rows =
                    text.parse().map_err(|_| UsageError(format!("`--limit {text}`: expected a number of rows")))?;
                run.options.limit = Some(rows);
            }
            "--idle-after" => run.options.idle_after = Some(length(flag, &value("a length of time")?)?),
            "--barrier-every" => run.options.barrier_every = Some(length(flag, &value("a length of time")?)?),
            "--flush-every" => run.options.flush_every = Some(length(flag, &value("a length of time")?)?),
            "--overwrite" => run.options.overwrite = true,
            "--summary" => run.summary = Some(summary(&value("`text` or `json`")?)?),
            "-q" | "--quiet" => run.quiet = true,
            "--manifest" => return Ok(Command::Manifest),
            "-h" | "--help" => return Ok(Command::Help),
            "-V" | "--version" => return Ok(Command::Version),
            _ => return Err(unknown(&word)),
        }
        if let Some(rest) = attached {
            return Err(UsageError(format!("`{flag}` takes no value, and was given `{rest}`")));
        }
    }
    Ok(Command::Run(run))
}

/// Adds a `NAME=VALUE` to those of the same flag.
fn add(to: &mut BTreeMap<String, String>, flag: &str, text: &str) -> Result<(), UsageError> {
    let (name, value) = assignment(text).map_err(|cause| UsageError(format!("`{flag} {text}`: {cause}")))?;
    match to.insert(name.clone(), value) {
        None => Ok(()),
        Some(earlier) => Err(UsageError(format!("`{flag} {text}`: `{name}` is given twice, first as `{earlier}`"))),
    }
}

/// A flag and the value written in the same word: `--memory=1G`, `-p4`.
fn split(word: &str) -> (&str, Option<String>) {
    if let Some((flag, value)) = word.split_once('=')
        && flag.starts_with("--")
    {
        return (flag, Some(value.to_owned()));
    }
    match word.strip_prefix("-p") {
        Some(value) if !value.is_empty() => ("-p", Some(value.to_owned())),
        Some(_) | None => (word, None),
    }
}

fn unknown(word: &str) -> UsageError {
    const FLAGS: [&str; 16] = [
        "--input",
        "--output",
        "--set",
        "--parallelism",
        "--memory",
        "--spill-dir",
        "--limit",
        "--idle-after",
        "--barrier-every",
        "--flush-every",
        "--overwrite",
        "--summary",
        "--quiet",
        "--manifest",
        "--help",
        "--version",
    ];
    let meant = FLAGS.iter().find(|flag| word.len() > 2 && flag.starts_with(word));
    UsageError(match meant {
        Some(flag) => format!("unknown argument `{word}`; did you mean `{flag}`?"),
        None => format!("unknown argument `{word}`; `--help` lists what there is"),
    })
}

fn parallelism(text: &str) -> Result<u32, UsageError> {
    match text.parse() {
        Ok(number) if (1..=1024).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(UsageError(format!("`-p {text}`: expected a number from 1 to 1024"))),
    }
}

fn summary(text: &str) -> Result<SummaryFormat, UsageError> {
    match text {
        "text" => Ok(SummaryFormat::Text),
        "json" => Ok(SummaryFormat::Json),
        _ => Err(UsageError(format!("`--summary {text}`: expected `text` or `json`"))),
    }
}

/// `NAME=VALUE`.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Bytes, with an optional binary unit: `512M`, `4GiB`.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        other => return Err(format!("unknown unit `{other}`: use K, M or G")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| format!("`{digits}` is not a number"))?;
    number.checked_mul(unit).ok_or_else(|| "that is more memory than there can be".to_owned())
}

/// A length of time: `500ms`, `10s`, `5m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_us: u64 = match &text[digits.len()..] {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "" => return Err("expected a unit behind the number: ms, s, m or h".to_owned()),
        other => return Err(format!("unknown unit `{other}`: use ms, s, m or h")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| format!("`{digits}` is not a whole number"))?;
    let us = number.checked_mul(unit_us).ok_or_else(|| "that is longer than anyone can wait".to_owned())?;
    Ok(Duration::from_micros(us))
}

fn length(flag: &str, text: &str) -> Result<Duration, UsageError> {
    duration(text).map_err(|cause| UsageError(format!("`{flag} {text}`: {cause}")))
}

/// The memory that joins and aggregates may hold: below a MiB they would put nearly every row into a file of its own.
pub fn memory(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 1 << 20;
    match size(text)? {
        enough @ LEAST.. => Ok(enough),
        _ => Err("at least 1M: with less, nearly every row would go through a file".to_owned()),
    }
}

/// How a process ends whose run failed: 2 for what the command line should have said otherwise, 130 for Ctrl-C, else 1.
#[must_use]
pub fn exit_status(error: &RunError) -> u8 {
    match error {
        RunError::UnknownName { .. } | RunError::MissingParam { .. } | RunError::BadParam { .. } => 2,
        RunError::Interrupted => 130,
        RunError::Load(_)
        | RunError::Connector(_)
        | RunError::Row(_)
        | RunError::Spill { .. }
        | RunError::StreamNeedsMemory { .. }
        | RunError::TooManyRows { .. }
        | RunError::BadManifest(_) => 1,
    }
}

/// What `--help` of a per-job executable prints.
#[must_use]
pub fn help(program: &str, manifest: &Manifest) -> String {
    let mut text = format!("{}: a Sabot job compiled from {}\n\n", manifest.job, manifest.source_file);
    let mut line = |left: &str, right: &str| {
        // Writing to a string cannot fail.
        let _ = if left.is_empty() || right.is_empty() {
            writeln!(text, "{left}{right}")
        } else {
            writeln!(text, "  {left:<27} {right}")
        };
    };
    line(&format!("usage: {program} [FLAGS]"), "");
    line("", "");
    line("--input SOURCE=FILE", "read this file, directory or glob (`-`: standard input) instead");
    line("--output SINK=FILE", "write this file (`-`: standard output) instead");
    line("--set PARAM=VALUE", "set a parameter of the job");
    line("-p, --parallelism N", "number of worker threads (default: all cores)");
    line("--memory SIZE", "spill to disk beyond this, from 1M: 512M, 4G; what streams keep must fit");
    line("--spill-dir DIRECTORY", "where to spill to (default: the system's temporary directory)");
    line("--limit ROWS", "read at most this many rows of each source");
    line("--idle-after DURATION", "wait so long for the event time of a silent source (default: 30s)");
    line("--barrier-every DURATION", "put a barrier through the streams so often");
    line("--flush-every DURATION", "give the changes of a key at most so often (default: 100ms)");
    line("--overwrite", "replace outputs that exist");
    line("--summary FORMAT", "how the summary at the end is written: text, json");
    line("-q, --quiet", "say only what went wrong");
    line("--manifest", "print the job's manifest as JSON");
    line("-h, --help; -V, --version", "print this; print the version");
    for (title, entries) in [
        ("sources:", manifest.sources.iter().map(|s| (&s.name, place(&s.connector))).collect::<Vec<_>>()),
        ("sinks:", manifest.sinks.iter().map(|s| (&s.name, place(&s.connector))).collect()),
        ("parameters:", manifest.params.iter().map(|p| (&p.name, default(p.default.as_ref()))).collect()),
    ] {
        if !entries.is_empty() {
            line("", "");
            line(title, "");
        }
        for (name, what) in entries {
            line(name, &what);
        }
    }
    line("", "");
    line("exit status: 0 ok, 1 failed, 2 wrong usage, 130 interrupted", "");
    text
}

fn place(connector: &Connector) -> String {
    match &connector.location {
        Location::Path(path) => path.clone(),
        Location::Kafka(topic) => format!("Kafka topic {topic}: give a file instead"),
        Location::Standard => "standard input or output".to_owned(),
        Location::Generator(name) => format!("generator {name}"),
        Location::Postgres(url) => {
            let table = connector.options.get("table").map_or("", String::as_str);
            format!("table {table} of {url}")
        }
    }
}

fn default(default: Option<&Constant>) -> String {
    match default {
        None => "must be set".to_owned(),
        Some(Constant::Bool(value)) => format!("default {value}"),
        Some(Constant::Int(value)) => format!("default {value}"),
        Some(Constant::UInt(value)) => format!("default {value}"),
        Some(Constant::Float(bits)) => format!("default {}", f64::from_bits(*bits)),
        Some(Constant::String(value)) => format!("default {value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::{BaseType, Param, Source};
    use std::collections::BTreeMap;

    fn parsed(line: &str) -> Result<RunArguments, String> {
        match parse(line.split_whitespace().map(str::to_owned)) {
            Ok(Command::Run(run)) => Ok(run),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn lengths_of_time_have_a_unit() {
        let run = parsed("--idle-after 5s --barrier-every=250ms --flush-every 2m").expect("they are lengths");
        let expected = [5_000, 250, 120_000].map(|ms| Some(Duration::from_millis(ms)));
        assert_eq!([run.options.idle_after, run.options.barrier_every, run.options.flush_every], expected);
        for (text, cause) in [
            ("--idle-after 5", "`--idle-after 5`: expected a unit behind the number: ms, s, m or h"),
            ("--barrier-every 5d", "`--barrier-every 5d`: unknown unit `d`: use ms, s, m or h"),
            ("--flush-every 1.5s", "`--flush-every 1.5s`: `1.5` is not a whole number"),
            (
                "--idle-after 18446744073709551615h",
                "`--idle-after 18446744073709551615h`: that is longer than anyone can wait",
            ),
        ] {
            assert_eq!(parsed(text).expect_err("it is wrong"), cause);
        }
    }

    fn manifest() -> Manifest {
        let connector = |path: &str| Connector {
            location: Location::Path(path.to_owned()),
            format: None,
            options: BTreeMap::new(),
        };
        Manifest {
            job: "quote_enrichment".to_owned(),
            source_file: "job.rs".to_owned(),
            sources: vec![Source {
                name: "quotes".to_owned(),
                connector: connector("quotes.parquet"),
                fields: Vec::new(),
            }],
            params: vec![Param {
                name: "floor".to_owned(),
                ty: BaseType::Float64,
                default: Some(Constant::Float(2.5f64.to_bits())),
            }],
            ..Manifest::default()
        }
    }

    #[test]
    fn every_flag_is_understood_in_both_spellings() {
        let apart =
            "--input quotes=a=b.csv --output out=- --set floor=-1 -p 4 --memory 512M --spill-dir /s --limit 10 -q";
        let joined = "--input=quotes=a=b.csv --output=out=- --set=floor=-1 -p4 --memory=512MiB --spill-dir=/s --limit=10 --quiet";
        for line in [apart, joined] {
            let run = parsed(line).expect("understood");
            let only = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(run.options.inputs, only("quotes", "a=b.csv"));
            assert_eq!(run.options.outputs, only("out", "-"));
            assert_eq!(run.options.params, only("floor", "-1"));
            assert_eq!(run.options.parallelism, Some(4));
            assert_eq!(run.options.memory_budget, Some(512 << 20));
            assert_eq!(run.options.spill_dir, Some(PathBuf::from("/s")));
            assert_eq!(run.options.limit, Some(10));
            assert!(run.quiet && !run.options.overwrite);
        }
        assert_eq!(parsed("--summary json").expect("understood").summary, Some(SummaryFormat::Json));
        assert!(parsed("--overwrite").expect("understood").options.overwrite);
        assert!(matches!(parse(["--manifest".to_owned()]), Ok(Command::Manifest)));
    }

    #[test]
    fn mistakes_are_named() {
        let message = |line| parsed(line).expect_err("refused");
        assert_eq!(message("--par 4"), "unknown argument `--par`; did you mean `--parallelism`?");
        assert_eq!(message("quotes.csv"), "unknown argument `quotes.csv`; `--help` lists what there is");
        assert_eq!(message("--input"), "`--input` needs SOURCE=FILE behind it");
        assert_eq!(message("--input quotes"), "`--input quotes`: expected NAME=VALUE");
        assert_eq!(message("-p 0"), "`-p 0`: expected a number from 1 to 1024");
        assert_eq!(message("--memory 4T"), "`--memory 4T`: unknown unit `T`: use K, M or G");
        assert!(message("--memory 0").starts_with("`--memory 0`: at least 1M"));
        assert!(message("--memory 64K").starts_with("`--memory 64K`: at least 1M"));
        assert_eq!(message("--set a=1 --set a=2"), "`--set a=2`: `a` is given twice, first as `1`");
        assert_eq!(message("--quiet=yes"), "`--quiet` takes no value, and was given `yes`");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("4GiB"), Ok(4 << 30));
        assert_eq!(size("17"), Ok(17));
        assert!(size("much").is_err());
        assert!(size("99999999999G").is_err());
    }

    #[test]
    fn assignments_have_a_name_and_a_value() {
        assert_eq!(assignment("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(assignment("a").is_err());
        assert!(assignment("=b").is_err());
    }

    #[test]
    fn help_shows_the_jobs_own_names() {
        let help = help("quote_enrichment", &manifest());
        for part in ["usage: quote_enrichment [FLAGS]", "  quotes                      quotes.parquet", "default 2.5"] {
            assert!(help.contains(part), "no {part:?} in\n{help}");
        }
    }
}
