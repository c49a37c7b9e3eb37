//! Parquet.

mod prune;
mod sink;
mod source;

pub(super) use sink::ParquetSink;
pub(super) use source::{ParquetSource, facts};
