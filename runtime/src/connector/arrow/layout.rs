//! Where things stand in a mapped Arrow IPC file: its schema, its batches and its dictionaries, found without reading rows.
//!
//! Files have a footer that says so; streams are walked from message to message. What a message claims is held against the
//! bytes that are there before anything is allocated for it.

use super::super::error::ConnectorError;
use super::super::input::decode;
use super::super::schema::record_fields;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, MessageHeader, MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use bytes::Bytes;
use sabot_abi::manifest::{Field, Format};
use std::sync::Arc;

const MAGIC: &[u8] = b"ARROW1";

/// Rows of one batch, at most: more is a lie.
const MAX_BATCH_ROWS: i64 = 1 << 31;

/// Bytes that any compressed buffer may become.
const FREE_BYTES: u64 = 256 << 20;

/// Above [`FREE_BYTES`], a compressed buffer may become this many times larger.
const MAX_RATIO: u64 = 1024;

/// A mapped file, taken apart.
pub(super) struct Layout {
    pub(super) bytes: Buffer,
    pub(super) schema: SchemaRef,
    pub(super) version: MetadataVersion,
    pub(super) batches: Vec<BatchBlock>,
    pub(super) dictionaries: Vec<Block>,
    /// A dictionary stands behind a batch: later batches may mean another one, so they are read in order.
    pub(super) is_ordered: bool,
}

/// One batch.
#[derive(Clone, Copy)]
pub(super) struct BatchBlock {
    pub(super) block: Block,
    pub(super) rows: u64,
    /// Number of its first row in the file, from 0.
    pub(super) first_row: u64,
}

impl BatchBlock {
    /// Bytes in the file.
    pub(super) fn bytes(&self) -> u64 {
        self.block.metaDataLength() as u64 + self.block.bodyLength() as u64
    }
}

impl Layout {
    /// Finds the parts of a mapped file or stream.
    pub(super) fn read(path: &str, bytes: &Bytes) -> Result<Self, ConnectorError> {
        let buffer = Buffer::from(bytes.clone());
        let mut layout = decode(path, Format::Arrow, || {
            if buffer.starts_with(MAGIC) { read_file(&buffer) } else { read_stream(&buffer) }
        })?;
        let mut first_row = 0;
        for batch in &mut layout.batches {
            batch.first_row = first_row;
            first_row += batch.rows;
        }
        Ok(layout)
    }

    /// A decoder that knows the dictionaries.
    pub(super) fn decoder(&self, projection: Vec<usize>) -> Result<FileDecoder, ArrowError> {
        let mut decoder = FileDecoder::new(Arc::clone(&self.schema), self.version).with_projection(projection);
        for block in &self.dictionaries {
            decoder.read_dictionary(block, &self.block(block)?)?;
        }
        Ok(decoder)
    }

    /// The bytes of one message.
    pub(super) fn block(&self, block: &Block) -> Result<Buffer, ArrowError> {
        slice(&self.bytes, block)
    }

    /// All rows.
    pub(super) fn rows(&self) -> u64 {
        self.batches.iter().map(|batch| batch.rows).sum()
    }
}

/// Fields, rows and number of batches of a mapped file.
pub(in super::super) fn facts(path: &str, bytes: &Bytes) -> Result<(Vec<Field>, u64, usize), ConnectorError> {
    let layout = Layout::read(path, bytes)?;
    Ok((record_fields(&layout.schema), layout.rows(), layout.batches.len()))
}

fn bad(text: impl Into<String>) -> ArrowError {
    ArrowError::ParseError(text.into())
}

fn read_file(buffer: &Buffer) -> Result<Layout, ArrowError> {
    let trailer = buffer.len().checked_sub(10).filter(|start| *start >= 8);
    let trailer = trailer.ok_or_else(|| bad("it ends before its footer"))?;
    let end: [u8; 10] = buffer[trailer..].try_into().map_err(|_| bad("it ends before its footer"))?;
    if !end.ends_with(MAGIC) {
        return Err(bad("it has no footer: it ends in the middle"));
    }
    let start =
        trailer.checked_sub(read_footer_length(end)?).ok_or_else(|| bad("its footer is longer than the file"))?;
    let footer = root_as_footer(&buffer[start..trailer]).map_err(|error| bad(format!("footer: {error}")))?;
    let schema = footer.schema().ok_or_else(|| bad("its footer has no schema"))?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err(bad("its numbers have the byte order of another machine"));
    }
    let schema = Arc::new(try_fb_to_schema(schema)?);
    let dictionaries: Vec<Block> = footer.dictionaries().iter().flatten().copied().collect();
    for block in &dictionaries {
        check_message(buffer, block)?;
    }
    let blocks = footer.recordBatches().ok_or_else(|| bad("its footer lists no batches"))?;
    let batch = |block: &Block| {
        let rows = check_message(buffer, block)?;
        Ok(BatchBlock { block: *block, rows, first_row: 0 })
    };
    let batches = blocks.iter().map(batch).collect::<Result<_, ArrowError>>()?;
    let version = footer.version();
    Ok(Layout { bytes: buffer.clone(), schema, version, batches, dictionaries, is_ordered: false })
}

fn read_stream(buffer: &Buffer) -> Result<Layout, ArrowError> {
    let mut schema: Option<(Schema, MetadataVersion)> = None;
    let mut batches = Vec::new();
    let mut dictionaries = Vec::new();
    let mut is_ordered = false;
    let mut at = 0;
    while let Some((prefix, length)) = message_length(&buffer[at..])? {
        let start = at + prefix;
        let end = start.checked_add(length).filter(|end| *end <= buffer.len());
        let end = end.ok_or_else(|| bad("it ends in the middle of a message"))?;
        let message = root_as_message(&buffer[start..end]).map_err(|error| bad(format!("byte {at}: {error}")))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| bad("a message of negative length"))?;
        let next = end.checked_add(body).filter(|next| *next <= buffer.len());
        let next = next.ok_or_else(|| bad("it ends in the middle of a message"))?;
        let meta = i32::try_from(end - at).map_err(|_| bad("a message header above 2 GiB"))?;
        let block = Block::new(at as i64, meta, body as i64);
        match message.header_type() {
            MessageHeader::Schema if schema.is_none() => {
                let found = message.header_as_schema().ok_or_else(|| bad("its schema cannot be read"))?;
                schema = Some((try_fb_to_schema(found)?, message.version()));
            }
            MessageHeader::DictionaryBatch => {
                is_ordered |= !batches.is_empty() || !dictionaries.is_empty();
                check_message(buffer, &block)?;
                dictionaries.push(block);
            }
            MessageHeader::RecordBatch => {
                let rows = check_message(buffer, &block)?;
                batches.push(BatchBlock { block, rows, first_row: 0 });
            }
            other => return Err(bad(format!("byte {at}: unexpected message {other:?}"))),
        }
        at = next;
    }
    let (schema, version) = schema.ok_or_else(|| bad("it has no schema"))?;
    Ok(Layout { bytes: buffer.clone(), schema: Arc::new(schema), version, batches, dictionaries, is_ordered })
}

/// Length of a message's prefix and of its header; `None` at the end of the stream.
fn message_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, ArrowError> {
    let word = |at: usize| {
        let bytes = bytes.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.map(i32::from_le_bytes).ok_or_else(|| bad("it ends in the middle of a message"))
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    let (prefix, length) = if word(0)? == -1 { (8, word(4)?) } else { (4, word(0)?) };
    let length = usize::try_from(length).map_err(|_| bad("a message of negative length"))?;
    Ok((length > 0).then_some((prefix, length)))
}

fn slice(buffer: &Buffer, block: &Block) -> Result<Buffer, ArrowError> {
    let outside = || bad("a batch that lies outside the file");
    let start = usize::try_from(block.offset()).map_err(|_| outside())?;
    let meta = usize::try_from(block.metaDataLength()).map_err(|_| outside())?;
    let body = usize::try_from(block.bodyLength()).map_err(|_| outside())?;
    let length = meta.checked_add(body).ok_or_else(outside)?;
    if start.checked_add(length).is_none_or(|end| end > buffer.len()) || meta < 8 {
        return Err(outside());
    }
    Ok(buffer.slice_with_length(start, length))
}

/// Holds what a message claims against the bytes that are there; gives its number of rows.
fn check_message(buffer: &Buffer, block: &Block) -> Result<u64, ArrowError> {
    let bytes = slice(buffer, block)?;
    let meta = block.metaDataLength() as usize;
    let body = &bytes[meta..];
    let (prefix, length) = message_length(&bytes)?.ok_or_else(|| bad("an empty message"))?;
    let end =
        prefix.checked_add(length).filter(|end| *end <= meta).ok_or_else(|| bad("a message longer than its block"))?;
    let message = root_as_message(&bytes[prefix..end]).map_err(|error| bad(error.to_string()))?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
        other => return Err(bad(format!("unexpected message {other:?}"))),
    };
    let batch = batch.ok_or_else(|| bad("a batch that cannot be read"))?;
    let rows = batch.length();
    if !(0..=MAX_BATCH_ROWS).contains(&rows) {
        return Err(bad(format!("a batch that claims {rows} rows")));
    }
    let is_compressed = batch.compression().is_some();
    for part in batch.buffers().iter().flatten() {
        let start = usize::try_from(part.offset()).unwrap_or(usize::MAX);
        let length = usize::try_from(part.length()).unwrap_or(usize::MAX);
        if start.checked_add(length).is_none_or(|end| end > body.len()) {
            return Err(bad("a buffer that lies outside its batch"));
        }
        if is_compressed && length >= 8 {
            let claimed = body[start..start + 8].try_into().map(i64::from_le_bytes).unwrap_or(-1);
            let limit = FREE_BYTES.max((length as u64).saturating_mul(MAX_RATIO));
            if claimed > 0 && claimed as u64 > limit {
                return Err(bad(format!("a buffer of {length} bytes that claims to hold {claimed}")));
            }
        }
    }
    Ok(rows as u64)
}
