//! Sources and sinks: files of rows in, files of rows out.
//!
//! [`open_source`] and [`open_sink`] are what a job is run with, [`inspect`] is what it is compiled with. A replacement is
//! what `--input NAME=…` and `--output NAME=…` put in the place of what the job says: a path, a directory, a glob, `-` for
//! standard input or output, each with an optional `FORMAT:` in front.
//!
//! Left out: everything about tasks, morsels and order (the task loop's), and the network.

#![cfg_attr(
    not(feature = "default"),
    allow(
        dead_code,
        unused_imports,
        reason = "what connectors share is used by none of those that a smaller build has"
    )
)]

mod arrow;
mod built;
mod cast;
pub mod convert;
mod decimal;
pub mod error;
#[cfg(feature = "generate")]
mod generate;
mod input;
pub(crate) mod list;
pub(crate) mod mapped;
mod nest;
#[cfg(feature = "nexmark")]
mod nexmark;
mod output;
mod overlap;
mod pace;
#[cfg(feature = "parquet")]
mod parquet;
mod place;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub mod schema;
pub mod sink;
pub mod source;
#[cfg(all(test, feature = "default"))]
mod tests;
#[cfg(feature = "text")]
mod text;

pub use error::{ConnectorError, Direction, Place};
pub use mapped::name_files_that_are_cut_short;
pub use overlap::check_overlap;
pub use sink::{Demand, EncodedBatch, Sink, SinkEncoder, SinkOptions, SinkReport, SinkWriter};
pub use source::{BATCH_ROWS, Polled, Position, ResolvedPruneTerm, Scan, Source, SourceStatistics, SplitReader};

use built::Feature;
use input::{Bytestream, Input, Patient};
use output::Target;

pub(crate) use output::ignore_file_size_signal;

use crate::operator::stream::LookupTable;
use crate::operator::stream::lookup::desk::Desk;
use sabot_abi::manifest::{self, Connector, Field, Format, Location};
use source::Chain;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file says of itself before its rows are read.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFacts {
    /// Its format.
    pub format: Format,
    /// Its columns, by their names in the file; empty where the format does not tell types (CSV, NDJSON).
    pub fields: Vec<Field>,
    /// Rows, if that is known without reading them.
    pub rows: Option<u64>,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Number of files.
    pub files: usize,
    /// Row groups (Parquet) or batches (Arrow).
    pub row_groups: usize,
}

/// Option of a connector: its files are looked at this often, in milliseconds, and read again when they have changed.
pub const REFRESH_EVERY: &str = "refresh_every_ms";

/// What tells a version of files from another: their names, lengths, numbers and when they were changed last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<(PathBuf, u64, u64, Option<std::time::SystemTime>)>);

/// The version of the files that a source reads; nothing where there are none.
pub(crate) fn stamp(source: &manifest::Source, replacement: Option<&str>) -> Result<Option<Stamp>, ConnectorError> {
    use std::os::unix::fs::MetadataExt;
    if let (None, Location::Generator(_) | Location::Postgres(_)) = (replacement, &source.connector.location) {
        return Ok(None);
    }
    let place = resolve(&source.connector, replacement, &source.name, Direction::Input)?;
    if place.is_standard() {
        return Ok(None);
    }
    let mut stamp = Stamp::default();
    for path in place::files(&place.path)? {
        let of = std::fs::metadata(&path);
        let of = of.map_err(|source| ConnectorError::Read { path: path.display().to_string(), source })?;
        stamp.0.push((path, of.len(), of.ino(), of.modified().ok()));
    }
    Ok(Some(stamp))
}

/// Opens what a pipeline reads.
pub fn open_source(
    source: &manifest::Source,
    replacement: Option<&str>,
    scan: &Scan,
) -> Result<Box<dyn Source>, ConnectorError> {
    if let (None, Location::Generator(name)) = (replacement, &source.connector.location) {
        Feature::check_generator(name, &source.name)?;
        match name.as_str() {
            #[cfg(feature = "nexmark")]
            "nexmark" => return nexmark::NexmarkSource::open(&source.connector.options, &source.fields, scan),
            #[cfg(feature = "generate")]
            "generate" => return generate::GenerateSource::open(&source.connector.options, &source.fields, scan),
            _ => {}
        }
    }
    if let (None, Location::Postgres(url)) = (replacement, &source.connector.location) {
        Feature::Postgres.check(&source.name)?;
        #[cfg(feature = "postgres")]
        return postgres::open(url, source, scan);
        #[cfg(not(feature = "postgres"))]
        return Err(ConnectorError::Unsupported { path: url.clone(), detail: "cannot be read".into() });
    }
    let place = resolve(&source.connector, replacement, &source.name, Direction::Input)?;
    let options = &source.connector.options;
    if place.is_standard() {
        let mut input = Input::standard(!is_text(place.format))?;
        if let (true, Bytestream::Stream(stream)) =
            (replacement.is_none() && flag(&source.connector, "follow", &place.path)?, &mut input.bytes)
        {
            let stream = std::mem::replace(stream, Box::new(std::io::empty()));
            input.bytes = Bytestream::Growing(stream);
        }
        let format = place.format.or_else(|| place::format_by_content(&input.start)).unwrap_or(Format::Ndjson);
        return open_input(input, format, &source.fields, options, scan);
    }
    let follows = replacement.is_none() && flag(&source.connector, "follow", &place.path)?;
    let files = place::files(&place.path)?;
    if follows && files.len() > 1 {
        return Err(ConnectorError::Unsupported {
            path: place.path,
            detail:
                "is more than one file, and the first that is followed never ends: name one file, or one source each"
                    .into(),
        });
    }
    let mut sources = Vec::new();
    for path in files {
        let known = place.format.or_else(|| place::format_by_extension(&path));
        let input = if follows {
            Input::follow(&path, !is_text(known))?
        } else if options.contains_key(REFRESH_EVERY) {
            // Whoever changes the file must not change what was read of it.
            Input::read(&path)?
        } else {
            Input::open(&path)?
        };
        let format = format_of(&input, &path, place.format)?;
        if follows && !matches!(format, Format::Csv | Format::Ndjson) {
            return Err(ConnectorError::Unsupported {
                path: input.name.to_string(),
                detail: "only text is followed as it grows: CSV or NDJSON".into(),
            });
        }
        sources.push(open_input(input, format, &source.fields, options, scan)?);
    }
    Ok(Chain::of(sources))
}

/// Answers the questions at a desk, and tells so each time, until it is closed.
pub(crate) type Asker = Box<dyn FnOnce(&Desk, &dyn Fn()) -> Result<(), ConnectorError> + Send>;

/// Prepares what is asked by key: connects, and sees whether the table is what the job takes it for.
pub(crate) fn asker(
    source: &manifest::Source,
    replacement: Option<&str>,
    table: &LookupTable,
) -> Result<Asker, ConnectorError> {
    if let Some(path) = replacement {
        let name = &source.name;
        let detail = format!(
            "`{name}` is asked by key in this artifact; a file takes its place when the job is compiled: `sabotc run JOB --input {name}={path}`"
        );
        return Err(ConnectorError::Unsupported { path: path.to_owned(), detail });
    }
    let Location::Postgres(url) = &source.connector.location else {
        let detail = "is no database that could be asked by key".to_owned();
        return Err(ConnectorError::Unsupported { path: source.name.clone(), detail });
    };
    Feature::Postgres.check(&source.name)?;
    #[cfg(feature = "postgres")]
    return postgres::asker(url, source, table);
    #[cfg(not(feature = "postgres"))]
    Err(ConnectorError::Unsupported { path: format!("{url} {}", table.source), detail: "cannot be asked".into() })
}

/// Whether rows are read line by line, whatever the first bytes are.
fn is_text(format: Option<Format>) -> bool {
    matches!(format, Some(Format::Csv | Format::Ndjson))
}

fn format_of(input: &Input, path: &Path, declared: Option<Format>) -> Result<Format, ConnectorError> {
    declared
        .or_else(|| place::format_by_extension(path))
        .or_else(|| place::format_by_content(&input.start))
        .ok_or_else(|| ConnectorError::UnknownFormat { path: input.name.to_string() })
}

#[cfg_attr(not(feature = "text"), expect(unused_variables, reason = "only texts have options"))]
fn open_input(
    input: Input,
    format: Format,
    fields: &[Field],
    options: &BTreeMap<String, String>,
    scan: &Scan,
) -> Result<Box<dyn Source>, ConnectorError> {
    let Input { name, bytes, start } = input;
    // A pipe or a file that grows may give its header later.
    let may_come = is_text(Some(format)) && !matches!(bytes, Bytestream::Mapped(_));
    if start.is_empty() && format != Format::Ndjson && !may_come {
        return Err(ConnectorError::EmptyFile { path: name.to_string(), format });
    }
    check_format(&name, format)?;
    match (format, bytes) {
        (Format::Arrow, Bytestream::Mapped(bytes)) => arrow::ArrowSource::open(name, &bytes, fields, scan),
        (Format::Arrow, Bytestream::Stream(stream) | Bytestream::Growing(stream)) => {
            let stream = Box::new(Patient(stream));
            arrow::StreamSource::open(name, stream, start.starts_with(b"ARROW1"), fields, scan)
        }
        #[cfg(feature = "parquet")]
        (Format::Parquet, Bytestream::Mapped(bytes)) => {
            Ok(Box::new(parquet::ParquetSource::new(name, bytes, fields, scan)?))
        }
        (Format::Parquet, Bytestream::Stream(_) | Bytestream::Growing(_)) => Err(ConnectorError::Unsupported {
            path: name.to_string(),
            detail: "Parquet is read from its end, so it cannot come through a pipe: name the file instead".into(),
        }),
        #[cfg(feature = "text")]
        (Format::Csv, bytes) => text::open_csv(name, bytes, fields, options, scan),
        #[cfg(feature = "text")]
        (Format::Ndjson, bytes) => text::open_ndjson(name, bytes, fields, scan),
        #[cfg(not(all(feature = "parquet", feature = "text")))]
        (Format::Parquet | Format::Csv | Format::Ndjson, _) => Err(Feature::of(format).is_missing(&name)),
    }
}

/// Refuses a format that this build was made without.
fn check_format(name: &str, format: Format) -> Result<(), ConnectorError> {
    match format {
        Format::Arrow => Ok(()),
        Format::Parquet | Format::Csv | Format::Ndjson => Feature::of(format).check(name),
    }
}

/// Prepares what a job writes. Nothing is created before [`Sink::open`]; a file that may not be replaced is refused here.
pub fn open_sink(
    sink: &manifest::Sink,
    replacement: Option<&str>,
    options: SinkOptions,
) -> Result<Box<dyn Sink>, ConnectorError> {
    let place = resolve(&sink.connector, replacement, &sink.name, Direction::Output)?;
    let (target, format) = if place.is_standard() {
        (Target::Standard, place.format.unwrap_or(Format::Ndjson))
    } else {
        let format = place.format.or_else(|| place::format_by_extension(Path::new(&place.path)));
        let sync = flag(&sink.connector, "sync", &place.path)?;
        // First what is wrong with the place: a directory has no format.
        let target = Target::file(&sink.name, &place.path, options, sync)?;
        (target, format.ok_or_else(|| ConnectorError::UnknownFormat { path: place.path.clone() })?)
    };
    let compression = sink.connector.options.get("compression").map(String::as_str);
    check_format(&target.name(), format)?;
    Ok(match format {
        Format::Arrow => Box::new(arrow::ArrowSink::new(target, &sink.fields, compression)?),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(parquet::ParquetSink::new(target, &sink.fields, compression)?),
        #[cfg(feature = "text")]
        Format::Csv => text::csv_sink(target, &sink.fields, &sink.connector.options)?,
        #[cfg(feature = "text")]
        Format::Ndjson => text::ndjson_sink(target, &sink.fields),
        #[cfg(not(all(feature = "parquet", feature = "text")))]
        Format::Parquet | Format::Csv | Format::Ndjson => return Err(Feature::of(format).is_missing(&target.name())),
    })
}

/// The file that a sink would write, links followed; `None` for what is no file.
fn output_file(sink: &manifest::Sink, replacement: Option<&str>) -> Option<PathBuf> {
    let place = resolve(&sink.connector, replacement, &sink.name, Direction::Output).ok()?;
    if place.is_standard() {
        return None;
    }
    let file = output::behind_links(Path::new(&place.path));
    let file = std::path::absolute(&file).unwrap_or(file);
    mapped::is_mapped(&file).then_some(file)
}

/// Reads what the files at a place (path, directory, glob, each with an optional `FORMAT:` in front) say of themselves,
/// without reading rows.
pub fn inspect(path: &str, format: Option<Format>) -> Result<FileFacts, ConnectorError> {
    let place = place::Place::parse(path);
    let mut facts: Option<FileFacts> = None;
    for path in place::files(&place.path)? {
        // Looked at before it is opened: what is read from a pipe now, the run would not get.
        let only_once = || ConnectorError::OnlyOnce { path: path.display().to_string() };
        if !mapped::is_mapped(&path) {
            return Err(only_once());
        }
        let input = Input::open(&path)?;
        let format = format_of(&input, &path, place.format.or(format))?;
        let Bytestream::Mapped(bytes) = &input.bytes else { return Err(only_once()) };
        if bytes.is_empty() && format != Format::Ndjson {
            return Err(ConnectorError::EmptyFile { path: input.name.to_string(), format });
        }
        check_format(&input.name, format)?;
        let (fields, rows, row_groups) = match format {
            Format::Arrow => {
                arrow::facts(&input.name, bytes).map(|(fields, rows, groups)| (fields, Some(rows), groups))?
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                parquet::facts(&input.name, bytes).map(|(fields, rows, groups)| (fields, Some(rows), groups))?
            }
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => return Err(Feature::Parquet.is_missing(&input.name)),
            Format::Csv | Format::Ndjson => (Vec::new(), None, 0),
        };
        let known = facts.get_or_insert(FileFacts { format, fields, rows: Some(0), bytes: 0, files: 0, row_groups: 0 });
        known.rows = known.rows.zip(rows).map(|(sum, rows)| sum + rows);
        known.bytes += bytes.len() as u64;
        known.files += 1;
        known.row_groups += row_groups;
    }
    facts.ok_or_else(|| ConnectorError::EmptyDirectory { path: path.to_owned() })
}

/// What stands in the place of a connector; its own place if there is no replacement.
fn resolve(
    connector: &Connector,
    replacement: Option<&str>,
    name: &str,
    direction: Direction,
) -> Result<place::Place, ConnectorError> {
    if let Some(replacement) = replacement {
        return Ok(place::Place::parse(replacement));
    }
    let needs = |place: String| ConnectorError::NeedsReplacement { direction, name: name.to_owned(), place };
    match &connector.location {
        Location::Path(path) => {
            let place = place::Place::parse(path);
            Ok(place::Place { format: place.format.or(connector.format), path: place.path })
        }
        Location::Standard => Ok(place::Place { path: "-".into(), format: connector.format }),
        Location::Kafka(topic) => Err(needs(format!("kafka({topic:?})"))),
        Location::Generator(generator) => Err(needs(format!("{generator}()"))),
        Location::Postgres(_) => Err(needs("a table of a database".to_owned())),
    }
}

/// An option that is on or off; off unless it is set.
fn flag(connector: &Connector, name: &str, path: &str) -> Result<bool, ConnectorError> {
    match connector.options.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ConnectorError::Unsupported {
            path: path.to_owned(),
            detail: format!("the option `{name}` is `true` or `false`, not `{other}`"),
        }),
    }
}

/// The file's name as messages show it.
type Name = Arc<str>;
