//! Writes Arrow IPC: the file format to files, the stream format to standard output.
//!
//! Encoders make messages whose bodies are the batches' own buffers; the writer hands those to the system in one call.

use super::super::built::Feature;
use super::super::error::ConnectorError;
use super::super::nest::{self, Part};
use super::super::output::{Output, Target};
use super::super::sink::{Demand, EncodedBatch, Message, Payload, Sink, SinkEncoder, SinkReport, SinkWriter, joined};
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::{IpcWriteOptions, StreamEncoder};
use arrow_ipc::{Block, CompressionType, FooterBuilder, MetadataVersion};
use arrow_schema::{ArrowError, SchemaRef};
use flatbuffers::FlatBufferBuilder;
use sabot_abi::manifest::Field;
use std::sync::Arc;
use std::time::Duration;

/// The magic, padded to the alignment of messages.
const START: &[u8; 64] = &{
    let mut start = [0; 64];
    let magic = b"ARROW1";
    let mut at = 0;
    while at < magic.len() {
        start[at] = magic[at];
        at += 1;
    }
    start
};

/// An Arrow IPC file to be written.
pub(in super::super) struct ArrowSink {
    target: Target,
    parts: Arc<[Part]>,
    schema: SchemaRef,
    compression: Option<CompressionType>,
}

impl ArrowSink {
    /// Prepares a sink; `compression` is `none`, `lz4` or `zstd`.
    pub(in super::super) fn new(
        target: Target,
        fields: &[Field],
        compression_name: Option<&str>,
    ) -> Result<Self, ConnectorError> {
        let compression = match compression_name {
            None | Some("none") => None,
            Some("lz4") => Some(CompressionType::LZ4_FRAME),
            Some("zstd") => Some(CompressionType::ZSTD),
            Some(other) => {
                return Err(ConnectorError::Unsupported {
                    path: target.name(),
                    detail: format!("Arrow files are written with compression `none`, `lz4` or `zstd`, not `{other}`"),
                });
            }
        };
        Feature::check_codec(&target.name(), compression_name)?;
        Ok(Self { target, parts: nest::parts(fields).into(), schema: nest::file_schema(fields), compression })
    }

    fn stream_encoder(&self) -> Result<StreamEncoder, ArrowError> {
        let options = IpcWriteOptions::default().try_with_compression(self.compression)?;
        StreamEncoder::try_new_with_options(&self.schema, options)
    }

    fn encode_error(&self, error: &ArrowError) -> ConnectorError {
        ConnectorError::Encode { path: self.target.name(), detail: error.to_string() }
    }
}

impl Sink for ArrowSink {
    fn preferred_rows(&self) -> usize {
        64 * 1024
    }

    fn flush_after(&self) -> Option<Duration> {
        Some(Duration::from_millis(100))
    }

    fn may_wait(&self) -> bool {
        self.target.may_wait()
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        Box::new(ArrowEncoder {
            path: self.target.name(),
            parts: Arc::clone(&self.parts),
            schema: Arc::clone(&self.schema),
            encoder: self.stream_encoder().and_then(|mut encoder| {
                // The first call gives the schema too, which is the writer's.
                encoder.encode(&RecordBatch::new_empty(Arc::clone(&self.schema)))?;
                Ok(encoder)
            }),
        })
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        let mut pieces =
            self.stream_encoder().and_then(StreamEncoder::finish).map_err(|error| self.encode_error(&error))?;
        let end_of_stream = pieces.pop().unwrap_or_else(|| Buffer::from([0_u8; 0]));
        let is_stream = matches!(self.target, Target::Standard);
        let mut output = self.target.open()?;
        if !is_stream {
            output.write(START)?;
        }
        output.write_pieces(&pieces.iter().map(Buffer::as_slice).collect::<Vec<_>>())?;
        let schema = Arc::clone(&self.schema);
        Ok(Box::new(ArrowWriter { output, schema, is_stream, end_of_stream, blocks: Vec::new(), rows: 0 }))
    }
}

struct ArrowEncoder {
    path: String,
    parts: Arc<[Part]>,
    schema: SchemaRef,
    encoder: Result<StreamEncoder, ArrowError>,
}

impl SinkEncoder for ArrowEncoder {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError> {
        let path = &self.path;
        let failed = |error: &ArrowError| ConnectorError::Encode { path: path.clone(), detail: error.to_string() };
        let encoder = self.encoder.as_mut().map_err(|error| failed(error))?;
        let mut messages = Vec::with_capacity(batches.len());
        let mut rows = 0;
        for batch in joined(batches).map_err(|error| failed(&error))?.iter() {
            if batch.num_rows() == 0 {
                continue;
            }
            rows += batch.num_rows() as u64;
            let batch = nest::nested(batch, &self.parts, &self.schema).map_err(|error| failed(&error))?;
            messages.push(message(encoder.encode(&batch).map_err(|error| failed(&error))?));
        }
        Ok(EncodedBatch { rows, payload: Payload::Messages(messages) })
    }
}

fn message(pieces: Vec<Buffer>) -> Message {
    // The first piece is the prefix: a marker and the length of what follows it in the header.
    let header = pieces.first().and_then(|prefix| prefix.get(4..8)).and_then(|length| length.try_into().ok());
    let header_bytes = 8 + header.map_or(0, i32::from_le_bytes) as usize;
    let bytes = pieces.iter().map(Buffer::len).sum();
    Message { pieces, header_bytes, bytes }
}

struct ArrowWriter {
    output: Output,
    schema: SchemaRef,
    is_stream: bool,
    end_of_stream: Buffer,
    blocks: Vec<Block>,
    rows: u64,
}

impl SinkWriter for ArrowWriter {
    fn append(&mut self, batch: EncodedBatch) -> Result<Demand, ConnectorError> {
        let Payload::Messages(messages) = batch.payload else {
            unreachable!("a writer is given what the encoders of its own sink made");
        };
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut offset = self.output.written();
        for message in &messages {
            let body = message.bytes - message.header_bytes;
            self.blocks.push(Block::new(offset as i64, message.header_bytes as i32, body as i64));
            offset += message.bytes as u64;
            pieces.extend(message.pieces.iter().map(Buffer::as_slice));
        }
        self.rows += batch.rows;
        self.output.write_pieces(&pieces)
    }

    fn finish(mut self: Box<Self>) -> Result<SinkReport, ConnectorError> {
        self.output.write(&self.end_of_stream)?;
        if !self.is_stream {
            let footer = self.footer();
            self.output.write_pieces(&[&footer, &(footer.len() as i32).to_le_bytes(), b"ARROW1"])?;
        }
        let (rows, bytes) = (self.rows, self.output.written());
        Ok(SinkReport { rows, bytes, files: self.output.finish()? })
    }

    fn abort(self: Box<Self>) {
        drop(self);
    }
}

impl ArrowWriter {
    fn footer(&self) -> Vec<u8> {
        let mut builder = FlatBufferBuilder::new();
        let batches = builder.create_vector(&self.blocks);
        let dictionaries = builder.create_vector::<Block>(&[]);
        let schema = IpcSchemaEncoder::new().schema_to_fb_offset(&mut builder, &self.schema);
        let mut footer = FooterBuilder::new(&mut builder);
        footer.add_version(MetadataVersion::V5);
        footer.add_schema(schema);
        footer.add_dictionaries(dictionaries);
        footer.add_recordBatches(batches);
        let root = footer.finish();
        builder.finish(root, None);
        builder.finished_data().to_vec()
    }
}
