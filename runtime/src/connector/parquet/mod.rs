//! Parquet.

mod bits;
mod chunk;
mod dictionary;
mod prune;
mod sink;
mod source;

pub(super) use sink::{EncodedColumn, ParquetSink};
pub(super) use source::{ParquetSource, facts};
