//! Sources and sinks: files of rows in, files of rows out.
//!
//! [`open_source`] and [`open_sink`] are what a job is run with, [`inspect`] is what it is compiled with. A replacement is
//! what `--input NAME=…` and `--output NAME=…` put in the place of what the job says: a path, a directory, a glob, `-` for
//! standard input or output, each with an optional `FORMAT:` in front.
//!
//! Left out: everything about tasks, morsels and order (the task loop's), and the network.

pub mod error;
pub mod schema;
pub mod sink;
pub mod source;

pub use error::{ConnectorError, Direction, Place};
pub use sink::{Demand, EncodedBatch, Sink, SinkEncoder, SinkOptions, SinkReport, SinkWriter};
pub use source::{BATCH_ROWS, Position, ResolvedPruneTerm, Scan, Source, SourceStatistics, SplitReader};

use sabot_abi::manifest::{self, Field, Format};

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

/// Opens what a pipeline reads.
pub fn open_source(
    source: &manifest::Source,
    replacement: Option<&str>,
    scan: &Scan,
) -> Result<Box<dyn Source>, ConnectorError> {
    let _ = (replacement, scan);
    Err(ConnectorError::UnknownFormat { path: source.name.clone() })
}

/// Prepares what a job writes. Nothing is created before [`Sink::open`]; a file that may not be replaced is refused here.
pub fn open_sink(
    sink: &manifest::Sink,
    replacement: Option<&str>,
    options: SinkOptions,
) -> Result<Box<dyn Sink>, ConnectorError> {
    let _ = (replacement, options);
    Err(ConnectorError::UnknownFormat { path: sink.name.clone() })
}

/// Reads what the files at a place (path, directory, glob) say of themselves, without reading rows.
pub fn inspect(path: &str, format: Option<Format>) -> Result<FileFacts, ConnectorError> {
    let _ = format;
    Err(ConnectorError::UnknownFormat { path: path.to_owned() })
}
