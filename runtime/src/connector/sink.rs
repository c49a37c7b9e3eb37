//! What the task loop sees of a sink: encoders in every worker, one writer that takes their results in input order.
//!
//! Nothing stands under the sink's name before [`SinkWriter::finish`]; a writer that is dropped or aborted leaves nothing.

use super::error::ConnectorError;
#[cfg(feature = "parquet")]
use super::parquet::EncodedColumn;
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_schema::ArrowError;
use arrow_select::concat::concat_batches;
use std::borrow::Cow;
use std::time::Duration;

/// How a sink is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkOptions {
    /// Replace a file that is there already.
    pub overwrite: bool,
}

/// A place to write rows to.
pub trait Sink: Send + Sync {
    /// Rows that should be encoded together: the task loop joins neighbouring morsels up to about this many, where it can
    /// do so without breaking the order. Correct with any number.
    fn preferred_rows(&self) -> usize;

    /// How long rows may wait for others that they are encoded with, where the job does not end; `None`: until there are
    /// enough.
    fn flush_after(&self) -> Option<Duration> {
        Some(Duration::from_millis(4))
    }

    /// Whether a write may have to wait for somebody else: a pipe's reader, a network. Such writes have a thread of their own;
    /// others are done by the workers.
    fn may_wait(&self) -> bool {
        false
    }

    /// An encoder for one worker.
    fn encoder(&self) -> Box<dyn SinkEncoder>;

    /// Starts writing. Called once.
    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError>;
}

/// Turns rows into bytes. Runs in workers, in parallel; its results go to the writer in input order.
///
/// The batches have the sink's columns in order, in any of the layouts that a source may give for their types.
pub trait SinkEncoder: Send {
    /// Encodes rows that follow each other, given in one or several batches.
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError>;
}

/// Rows as the writer takes them.
pub struct EncodedBatch {
    /// Number of rows.
    pub rows: u64,
    pub(super) payload: Payload,
}

/// What an encoder hands to the writer of its own sink.
pub(super) enum Payload {
    /// Bytes to append.
    Bytes(Vec<u8>),
    /// Arrow IPC messages.
    Messages(Vec<Message>),
    /// A row group, column by column.
    #[cfg(feature = "parquet")]
    RowGroup(Vec<EncodedColumn>),
}

/// An Arrow IPC message: buffers to write one after the other, most of them the batch's own.
pub(super) struct Message {
    /// Prefix, header and body, padding included.
    pub(super) pieces: Vec<Buffer>,
    /// Bytes of prefix and header.
    pub(super) header_bytes: usize,
    /// Bytes of all pieces.
    pub(super) bytes: usize,
}

/// Joins batches that are so small that writing each for itself would cost more.
pub(super) fn joined(batches: &[RecordBatch]) -> Result<Cow<'_, [RecordBatch]>, ArrowError> {
    const SMALL_ROWS: usize = 8 * 1024;
    /// Joined strings must not outgrow their offsets.
    const MAX_BYTES: usize = 256 << 20;
    let [first, _, ..] = batches else { return Ok(Cow::Borrowed(batches)) };
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    let is_same_schema = batches.iter().all(|batch| batch.schema_ref() == first.schema_ref());
    if rows / batches.len() >= SMALL_ROWS || bytes > MAX_BYTES || !is_same_schema {
        return Ok(Cow::Borrowed(batches));
    }
    Ok(Cow::Owned(vec![concat_batches(first.schema_ref(), batches)?]))
}

impl EncodedBatch {
    /// Rows that the encoder has dealt with itself: nothing is left for a writer.
    #[must_use]
    pub fn consumed(rows: u64) -> Self {
        Self { rows, payload: Payload::Bytes(Vec::new()) }
    }

    /// Rows as bytes, for sinks outside of this module.
    #[must_use]
    pub fn of_bytes(rows: u64, bytes: Vec<u8>) -> Self {
        Self { rows, payload: Payload::Bytes(bytes) }
    }

    /// The bytes of [`of_bytes`](Self::of_bytes).
    #[must_use]
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self.payload {
            Payload::Bytes(bytes) => Some(bytes),
            Payload::Messages(_) => None,
            #[cfg(feature = "parquet")]
            Payload::RowGroup(_) => None,
        }
    }

    /// About how much memory it holds.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match &self.payload {
            Payload::Bytes(bytes) => bytes.capacity(),
            Payload::Messages(messages) => messages.iter().map(|message| message.bytes).sum(),
            #[cfg(feature = "parquet")]
            Payload::RowGroup(columns) => columns.iter().map(EncodedColumn::bytes).sum(),
        }
    }
}

/// Whether the reader at the other end still listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Go on.
    More,
    /// Nobody reads any more (`… | head`): what follows is thrown away, and the job may end early, with success.
    Enough,
}

/// Writes what encoders made, in input order.
pub trait SinkWriter: Send {
    /// Appends rows.
    fn append(&mut self, batch: EncodedBatch) -> Result<Demand, ConnectorError>;

    /// Ends the file and gives it its name.
    fn finish(self: Box<Self>) -> Result<SinkReport, ConnectorError>;

    /// Leaves nothing behind. Dropping does the same.
    fn abort(self: Box<Self>);
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkReport {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Final names of the files; empty for standard output.
    pub files: Vec<String>,
}
