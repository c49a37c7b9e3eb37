//! Everything that can go wrong between a file and a batch, by kind; each message says what, where, and what to do.

use sabot_abi::manifest::Format;
use std::fmt;
use std::io;

/// Place of a row in a file, as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Line of a text file, from 1; a header is counted.
    Line(u64),
    /// Row of a binary file, from 1.
    Row(u64),
    /// Byte of a file, from 0.
    Byte(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// Whether a job reads or writes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A source.
    Input,
    /// A sink.
    Output,
}

impl Direction {
    fn noun(self) -> &'static str {
        match self {
            Self::Input => "source",
            Self::Output => "sink",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Input => "--input",
            Self::Output => "--output",
        }
    }
}

/// Why a source cannot be read or a sink cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The place is not a file, and nothing stands in for it.
    #[error(
        "{} `{name}` is {place}, which this command does not connect to: run it with `{} {name}=FILE` in its place",
        direction.noun(), direction.flag()
    )]
    NeedsReplacement {
        /// Source or sink.
        direction: Direction,
        /// Its name in the job.
        name: String,
        /// `kafka("quotes")`.
        place: String,
    },
    /// No such file or directory.
    #[error("{path}: no such file or directory{}", did_you_mean(similar.as_deref()))]
    NotFound {
        /// What was asked for.
        path: String,
        /// A name in the same directory that looks like it.
        similar: Option<String>,
    },
    /// A directory without files in it.
    #[error(
        "{path}: the directory holds no files to read (names that start with `.` or `_` are left out; for files in \
        directories below it, write a pattern, as in `{path}/**/*.csv`)"
    )]
    EmptyDirectory {
        /// The directory.
        path: String,
    },
    /// A glob that matches nothing.
    #[error(
        "{pattern}: no file matches this pattern; patterns are relative to the working directory, and quoting them keeps the shell away"
    )]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A glob that is not well formed.
    #[error("{pattern}: not a pattern: {detail}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A file without a byte in it, of a format that has at least a header.
    #[error("{path}: the file is empty (0 bytes), which is not {}: was it written completely?", a_format(*format))]
    EmptyFile {
        /// The file.
        path: String,
        /// What it should be.
        format: Format,
    },
    /// The operating system refuses to open or read it.
    #[error("{path}: cannot be read: {}{}", source, read_hint(source))]
    Read {
        /// The file.
        path: String,
        /// Its reason.
        source: io::Error,
    },
    /// This build was made without it.
    #[error(
        "{path}: {what} is not a part of this build: build it with the feature `{feature}` \
        (`cargo build --release --features {feature}`; the default has all)"
    )]
    NotBuilt {
        /// The file, or the source.
        path: String,
        /// A format, a generator, a codec.
        what: &'static str,
        /// The feature of `sabot-runtime`, and of all crates that use it.
        feature: &'static str,
    },
    /// Nothing says how the rows are laid out.
    #[error(
        "{path}: cannot tell its format: name it `.parquet`, `.arrow`, `.csv` or `.ndjson`, or write `FORMAT:PATH`, as in `csv:{path}`"
    )]
    UnknownFormat {
        /// The file.
        path: String,
    },
    /// The format cannot come from there or go there.
    #[error("{path}: {detail}")]
    Unsupported {
        /// The file.
        path: String,
        /// What, why, and what to do instead.
        detail: String,
    },
    /// The bytes are not what the format says.
    #[error("{path}: not valid {}{}: {detail}; the file is damaged or incomplete: write or copy it again", format_name(*format), at(*place))]
    Corrupt {
        /// The file.
        path: String,
        /// What it should be.
        format: Format,
        /// Where, if known.
        place: Option<Place>,
        /// What the decoder said.
        detail: String,
    },
    /// A pipe or a device that would have to be read twice.
    #[error("{path}: is a pipe: what it holds is known only when it is read")]
    OnlyOnce {
        /// The file.
        path: String,
    },
    /// A column of the record that the file has several times.
    #[error(
        "{path}: the column `{column}` is there {times} times: which of them is meant? rename the others, or leave them out of the file"
    )]
    AmbiguousColumn {
        /// The file.
        path: String,
        /// The record's name for it.
        column: String,
        /// How often it is there.
        times: usize,
    },
    /// A CSV file whose first line names no column of the record: mostly there is no header.
    #[error(
        "{path}: the first line is {}, none of which is a column of the record ({}): a CSV file begins with a line that names its columns",
        list(found),
        list(names)
    )]
    NoHeader {
        /// The file.
        path: String,
        /// What stands there.
        found: Vec<String>,
        /// The record's names.
        names: Vec<String>,
    },
    /// A column of the record that the file does not have.
    #[error("{path}: no column `{column}`{}; the file has {}: rename the field, or give it the file's name with `#[sabot(rename = \"…\")]`", did_you_mean(similar.as_deref()), list(has))]
    MissingColumn {
        /// The file.
        path: String,
        /// The record's name for it.
        column: String,
        /// The file's columns.
        has: Vec<String>,
        /// The one that looks like it.
        similar: Option<String>,
    },
    /// A column whose values cannot become the record's without loss.
    #[error("{path}: column `{column}` holds {found}, the record says {expected}: {advice}")]
    WrongType {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// Type in the file.
        found: String,
        /// Type in the record, as Rust.
        expected: String,
        /// What to do.
        advice: String,
    },
    /// A null where the record has no `Option`.
    #[error(
        "{path}, {place}: column `{column}` is null, the record says {expected}: declare it `Option<{expected}>`, or mend the file"
    )]
    UnexpectedNull {
        /// The file.
        path: String,
        /// The row.
        place: Place,
        /// The column.
        column: String,
        /// Type in the record, as Rust.
        expected: String,
    },
    /// A value that does not parse or does not fit.
    #[error("{path}, {place}: column `{column}` holds {found}, expected {expected}")]
    BadValue {
        /// The file.
        path: String,
        /// The row.
        place: Place,
        /// The column.
        column: String,
        /// The value, quoted and shortened.
        found: String,
        /// What it should look like.
        expected: String,
    },
    /// A line that is not a row.
    #[error("{path}, {place}: {detail}")]
    BadRow {
        /// The file.
        path: String,
        /// The row.
        place: Place,
        /// What is wrong with it.
        detail: String,
    },
    /// A size that no sane file has: decoding it would only exhaust memory.
    #[error("{path}: {what}; the file is damaged, or was made to exhaust memory")]
    TooLarge {
        /// The file.
        path: String,
        /// What claims to be how large, and the limit.
        what: String,
    },
    /// The sink's file is there already.
    #[error("{path}: exists already: pass `--overwrite` to replace it, or `--output {name}=FILE` to write elsewhere")]
    SinkExists {
        /// The sink.
        name: String,
        /// The file.
        path: String,
    },
    /// The directory that the sink's file would be in does not exist.
    #[error("{path}: the directory `{parent}` does not exist: create it first (`mkdir -p {parent}`)")]
    NoParent {
        /// The file.
        path: String,
        /// The directory.
        parent: String,
    },
    /// Writing failed.
    #[error(
        "{path}: cannot be written after {written} bytes: {source}{}; nothing was left under that name",
        write_hint(source)
    )]
    Write {
        /// The file, under its final name.
        path: String,
        /// Bytes written before.
        written: u64,
        /// The reason.
        source: io::Error,
    },
    /// A database that does not answer as it should.
    #[error("{place}: {what}{}", .advice.as_ref().map(|advice| format!(": {advice}")).unwrap_or_default())]
    Database {
        /// Which database and table; never with a password.
        place: String,
        /// What went wrong, mostly in its words.
        what: String,
        /// What to do.
        advice: Option<String>,
    },
    /// A promise of this crate broke while a batch was encoded.
    #[error("{path}: could not be encoded: {detail}")]
    Encode {
        /// The file.
        path: String,
        /// What the encoder said.
        detail: String,
    },
}

/// The name of a format, in a sentence.
#[must_use]
pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Arrow => "Arrow IPC",
        Format::Parquet => "Parquet",
        Format::Csv => "CSV",
        Format::Ndjson => "NDJSON",
    }
}

fn a_format(format: Format) -> &'static str {
    match format {
        Format::Arrow => "an Arrow IPC file",
        Format::Parquet => "a Parquet file",
        Format::Csv => "a CSV file with a header",
        Format::Ndjson => "an NDJSON file",
    }
}

fn at(place: Option<Place>) -> String {
    place.map(|place| format!(" at {place}")).unwrap_or_default()
}

fn did_you_mean(similar: Option<&str>) -> String {
    similar.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "no columns".to_owned();
    }
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn read_hint(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        ": give this user leave to read it (`ls -l` shows who may)"
    } else {
        ""
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many reasons, few with advice")]
fn write_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ": give this user leave to write there",
        io::ErrorKind::StorageFull => ": free space on that disk, or write elsewhere with `--output`",
        io::ErrorKind::FileTooLarge => ": raise the limit on file sizes (`ulimit -f`)",
        io::ErrorKind::QuotaExceeded => ": the quota is used up",
        io::ErrorKind::ReadOnlyFilesystem => ": write elsewhere with `--output`",
        _ => "",
    }
}
