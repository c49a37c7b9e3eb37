//! Rows as text: CSV and NDJSON. What they share stands here and in [`source`]; each file of its own name knows one format.

mod column;
mod csv;
mod cursor;
mod format;
mod ndjson;
mod sink;
mod source;

pub(super) use csv::open as open_csv;
pub(super) use ndjson::open as open_ndjson;
pub(super) use sink::{csv_sink, ndjson_sink};
