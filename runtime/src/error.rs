//! Why a run failed: what, where, and what to do.

use crate::connector::{ConnectorError, Place};
use crate::load::LoadError;
use std::fmt;
use std::io;

/// Why a job could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The artifact cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A source cannot be read or a sink cannot be written.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// A row cannot be computed, and its operator's policy is to fail.
    #[error(transparent)]
    Row(Box<RowFailure>),
    /// A parameter without default was not set.
    #[error("parameter `{name}` ({ty}) has no default: set it with `--set {name}=VALUE`")]
    MissingParam {
        /// Its name.
        name: String,
        /// Its type.
        ty: String,
    },
    /// A value that is not one of the parameter's type.
    #[error("parameter `{name}` is {ty}: `{value}` is not one ({reason})")]
    BadParam {
        /// Its name.
        name: String,
        /// Its type.
        ty: String,
        /// What was given.
        value: String,
        /// Why not.
        reason: String,
    },
    /// `--set`, `--input` or `--output` with a name that the job does not have.
    #[error("the job has no {what} `{name}`{}", known_names(name, known))]
    UnknownName {
        /// `parameter`, `source` or `sink`.
        what: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The job was asked to stop.
    #[error("interrupted; nothing was written under the outputs' final names")]
    Interrupted,
    /// Rows that do not fit into memory could not be put into a file.
    #[error(
        "{what} does not fit into the memory budget and cannot be spilled to {directory}: {source}; \
         give more memory (`--memory`) or another directory (`--spill-dir`)"
    )]
    Spill {
        /// The table.
        what: String,
        /// Where.
        directory: String,
        /// Why.
        source: io::Error,
    },
    /// A stream cannot wait for what is in a file.
    #[error(
        "{what}: give more (`--memory`), or let less wait: shorter windows, less lateness, a shorter time within which rows \
        are joined (`sabotc explain --state` shows what is kept)"
    )]
    StreamNeedsMemory {
        /// What does not fit.
        what: String,
    },
    /// More rows than row numbers.
    #[error("table `{table}` would hold more than {limit} rows, which is more than a table can number")]
    TooManyRows {
        /// The table.
        table: String,
        /// The limit.
        limit: u64,
    },
    /// The artifact's manifest does not hold together.
    #[error("the artifact is not one that this runtime can run: {0}; build the job again")]
    BadManifest(String),
}

fn known_names(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "; it has none".to_owned();
    }
    if let Some(meant) = closest(name, known) {
        return format!("; did you mean `{meant}`?");
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("; it has {}", names.join(", "))
}

/// The name that was probably meant, if one is close enough.
fn closest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let allowed = name.chars().count() / 3;
    let distance = |other: &String| strsim::osa_distance(&name.to_lowercase(), &other.to_lowercase());
    let near = known.iter().map(|other| (distance(other), other.as_str()));
    near.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// A row that could not be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFailure {
    /// What happened, as rustc's panic says it.
    pub message: String,
    /// Name of the operator.
    pub operator: String,
    /// Name of the source file of the job.
    pub source_file: String,
    /// Line in it, from 1; 0 if unknown.
    pub line: u32,
    /// Column in it, in characters, from 1.
    pub column: u32,
    /// The expression's text.
    pub expression: String,
    /// Where the row comes from: file and place in it.
    pub input: Option<(String, Place)>,
    /// Registers that the computation reads, by name, and their values.
    pub values: Vec<(String, String)>,
}

impl fmt::Display for RowFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if self.line > 0 {
            write!(f, " at {}:{}:{}", self.source_file, self.line, self.column)?;
        }
        if !self.expression.is_empty() {
            write!(f, " in `{}`", self.expression)?;
        }
        write!(f, " (operator `{}`)", self.operator)?;
        if let Some((file, place)) = &self.input {
            write!(f, "\n  row: {file}, {place}")?;
        }
        if !self.values.is_empty() {
            let values: Vec<String> = self.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            write!(f, "\n  with {}", values.join(", "))?;
        }
        write!(f, "\n  to keep such rows and go on: `.errors(name, connector)` behind the operator")
    }
}

impl std::error::Error for RowFailure {}

/// An error and what led to it, a line each.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        // A message that says its cause already needs no second line for it.
        if !text.contains(&cause_text) {
            text += &format!("\n  caused by: {cause_text}");
        }
        cause = error.source();
    }
    text
}

/// Line and column (from 1, in characters) of a byte of a text.
pub(crate) fn line_and_column(text: &str, byte: usize) -> (u32, u32) {
    let before = text.get(..byte).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line as u32, before[line_start..].chars().count() as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(line_and_column("a\nbü+c", 5), (2, 3));
        assert_eq!(line_and_column("a", 0), (1, 1));
    }

    #[test]
    fn a_name_that_is_nearly_right_is_proposed() {
        let known = ["quotes".to_owned(), "orders".to_owned()];
        let error = |name: &str| {
            RunError::UnknownName { what: "source", name: name.to_owned(), known: known.to_vec() }.to_string()
        };
        assert_eq!(error("qoutes"), "the job has no source `qoutes`; did you mean `quotes`?");
        assert_eq!(error("q"), "the job has no source `q`; it has `quotes`, `orders`");
        assert_eq!(error("trades"), "the job has no source `trades`; it has `quotes`, `orders`");
    }

    #[test]
    fn a_row_failure_says_everything() {
        let failure = RowFailure {
            message: "attempt to divide by zero".into(),
            operator: "ratio".into(),
            source_file: "job.rs".into(),
            line: 12,
            column: 9,
            expression: "q.a / q.b".into(),
            input: Some(("q.csv".into(), Place::Line(7))),
            values: vec![("a".into(), "1".into()), ("b".into(), "0".into())],
        };
        let text = failure.to_string();
        for part in
            ["attempt to divide by zero", "job.rs:12:9", "`q.a / q.b`", "`ratio`", "q.csv, line 7", "a = 1, b = 0"]
        {
            assert!(text.contains(part), "{text}");
        }
    }
}
