//! Reads text: mapped files in ranges of bytes that end where a row ends, streams block by block.
//!
//! Line numbers are not counted while reading: the few rows that a message names are found again in the text.

use super::super::Name;
use super::super::error::{ConnectorError, Place};
use super::super::input::Bytestream;
use super::super::schema::rust_name;
use super::super::source::{FindLine, Polled, Position, Source, SourceStatistics, SplitReader};
use super::column::{ColumnBuilder, expected};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use sabot_abi::manifest::{self, Field};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a split, about.
pub(super) const SPLIT_BYTES: usize = 4 << 20;

/// Bytes that a stream is read ahead.
const BLOCK_BYTES: usize = 1 << 20;

/// Who has to wait for a stream looks again after this.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(2);

/// Bytes of one row, at most: a text without an end of line would fill the memory, and outgrow the offsets of strings.
const MAX_ROW_BYTES: usize = 256 << 20;

/// Why a row is no row, and where in the text it starts.
pub(super) struct Fault {
    pub(super) row_start: usize,
    pub(super) kind: FaultKind,
}

pub(super) enum FaultKind {
    /// Whole sentence.
    Row(String),
    /// Column of the scan, what stands there.
    Value(usize, String),
    /// Column of the scan.
    Null(usize),
}

/// Splits text into rows and parses their columns.
pub(super) trait RowParser: Send {
    /// Parses rows from the start of `text`, at most `rows.wanted`, and appends them; gives the bytes used up. A last row
    /// without an end is left alone unless `is_end`.
    fn parse(&mut self, text: &[u8], is_end: bool, rows: &mut Rows) -> Result<usize, Fault>;
}

/// The rows of a batch in the making.
pub(super) struct Rows {
    pub(super) columns: Vec<ColumnBuilder>,
    /// Where each row starts in the text.
    pub(super) starts: Vec<usize>,
    /// Number of rows to stop at.
    pub(super) wanted: usize,
    /// Added to offsets in the text given to `parse`.
    pub(super) base: usize,
}

impl Rows {
    /// Counts a row that starts there.
    pub(super) fn push_start(&mut self, offset: usize) {
        self.starts.push(self.base + offset);
    }

    /// Whether there are enough.
    pub(super) fn is_full(&self) -> bool {
        self.starts.len() >= self.wanted
    }
}

/// What all splits of an input share.
pub(super) struct Format {
    pub(super) path: Name,
    /// The fields of the scan, in its order.
    pub(super) fields: Vec<Field>,
    pub(super) schema: SchemaRef,
    pub(super) batch_rows: usize,
}

impl Format {
    fn rows(&self) -> Rows {
        let columns = self.fields.iter().map(|field| ColumnBuilder::new(field.ty.base)).collect();
        Rows { columns, starts: Vec::new(), wanted: self.batch_rows, base: 0 }
    }

    fn batch(&self, rows: &mut Rows) -> Result<RecordBatch, ConnectorError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.starts.len()));
        let columns = rows.columns.iter_mut().map(ColumnBuilder::finish).collect();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| self.error(FaultKind::Row(error.to_string()), Place::Line(1)))
    }

    pub(super) fn error(&self, kind: FaultKind, place: Place) -> ConnectorError {
        let path = self.path.to_string();
        match kind {
            FaultKind::Row(detail) => ConnectorError::BadRow { path, place, detail },
            FaultKind::Value(column, found) => {
                let field = &self.fields[column];
                let expected = expected(field.ty.base);
                ConnectorError::BadValue { path, place, column: field.path(), found, expected }
            }
            FaultKind::Null(column) => {
                let field = &self.fields[column];
                let expected = rust_name(field.ty.base);
                ConnectorError::UnexpectedNull { path, place, column: field.path(), expected }
            }
        }
    }
}

/// A value for a message: quoted, shortened, on one line.
pub(super) fn quoted(text: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(text);
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Makes a parser for one split.
pub(super) type NewParser = dyn Fn() -> Box<dyn RowParser> + Send + Sync;

/// A mapped file in pieces that each hold whole rows.
pub(super) struct MappedText {
    pub(super) format: Arc<Format>,
    pub(super) bytes: Bytes,
    /// Where splits start; each ends where the next one starts, the last at the end of the file.
    pub(super) starts: Vec<usize>,
    pub(super) new_parser: Box<NewParser>,
}

impl Source for MappedText {
    fn splits(&self) -> usize {
        self.starts.len()
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let start = self.starts[split];
        let end = self.starts.get(split + 1).copied().unwrap_or(self.bytes.len());
        // Splits end with the first row that ends behind their size.
        if end - start > SPLIT_BYTES + MAX_ROW_BYTES {
            return Err(too_long(&self.format.path));
        }
        Ok(Box::new(MappedReader {
            format: Arc::clone(&self.format),
            bytes: self.bytes.clone(),
            parser: (self.new_parser)(),
            rows: self.format.rows(),
            start,
            at: start,
            end,
            batch_starts: Arc::default(),
        }))
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics { rows: None, bytes: Some(self.bytes.len() as u64), pruned_rows: 0, files: 1 }
    }
}

struct MappedReader {
    format: Arc<Format>,
    bytes: Bytes,
    parser: Box<dyn RowParser>,
    rows: Rows,
    start: usize,
    at: usize,
    end: usize,
    batch_starts: Arc<[usize]>,
}

impl SplitReader for MappedReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        self.rows.starts.clear();
        self.rows.base = self.at;
        let text = &self.bytes[self.at..self.end];
        let used = self.parser.parse(text, true, &mut self.rows).map_err(|fault| {
            let line = line_of(&self.bytes, self.at + fault.row_start);
            self.format.error(fault.kind, Place::Line(line))
        })?;
        self.at += used;
        if self.rows.starts.is_empty() {
            self.at = self.end;
            return Ok(None);
        }
        self.batch_starts = self.rows.starts.as_slice().into();
        self.format.batch(&mut self.rows).map(Some)
    }

    fn bytes_read(&self) -> u64 {
        (self.at - self.start) as u64
    }

    fn position(&self) -> Position {
        let find = Text { text: self.bytes.clone(), first_line: 1, starts: Arc::clone(&self.batch_starts) };
        Position::lines(Arc::clone(&self.format.path), Arc::new(find))
    }
}

/// Text that holds rows, and the line that it starts on.
struct Text {
    text: Bytes,
    first_line: u64,
    starts: Arc<[usize]>,
}

impl FindLine for Text {
    fn line(&self, row: usize) -> u64 {
        let start = self.starts.get(row).copied().unwrap_or(0);
        self.first_line - 1 + line_of(&self.text, start)
    }
}

/// Line of a byte, from 1.
fn line_of(text: &[u8], offset: usize) -> u64 {
    1 + memchr::memchr_iter(b'\n', &text[..offset.min(text.len())]).count() as u64
}

/// A stream, read once.
pub(super) struct TextStream {
    path: Name,
    is_bounded: bool,
    reader: Mutex<Option<StreamReader>>,
}

/// Makes the parser of a stream, from the first bytes and whether they are all: with the bytes that are used up; nothing while the header is
/// not complete.
pub(super) type Begin =
    dyn Fn(&[u8], bool) -> Result<Option<(usize, Box<dyn RowParser>)>, ConnectorError> + Send + Sync;

struct StreamReader {
    format: Arc<Format>,
    begin: Box<Begin>,
    /// None yet: what came is no complete header.
    parser: Option<Box<dyn RowParser>>,
    /// To end without a header is no mistake: whoever writes has not begun.
    may_be_empty: bool,
    rows: Rows,
    block: Block,
    /// Bytes of the block that were parsed and are no complete row.
    tried: usize,
    /// Line that the block's text starts on.
    first_line: u64,
    /// The text of the batch that was given last.
    batch: (Bytes, u64, Arc<[usize]>),
    used: u64,
}

/// What was read and not yet used up.
struct Block {
    path: Name,
    stream: Box<dyn Read + Send>,
    text: Vec<u8>,
    is_end: bool,
}

fn too_long(path: &Name) -> ConnectorError {
    let what = format!("one row is longer than {} MiB", MAX_ROW_BYTES >> 20);
    ConnectorError::TooLarge { path: path.to_string(), what }
}

impl Block {
    /// Reads until there are so many bytes, or all, or those that are there at the moment; `false`: there are no more of them.
    fn fill(&mut self, wanted: usize) -> Result<bool, ConnectorError> {
        // Rows that come one by one do not wait for others any longer.
        const LONGEST: Duration = Duration::from_millis(10);
        let (before, begun) = (self.text.len(), Instant::now());
        while self.text.len() < wanted && !self.is_end {
            let start = self.text.len();
            // What is not read into is cleared in vain, and a pipe gives little at once.
            self.text.resize(wanted.min(start + BLOCK_BYTES), 0);
            match self.stream.read(&mut self.text[start..]) {
                Ok(count) => {
                    self.text.truncate(start + count);
                    self.is_end = count == 0;
                }
                Err(error) => {
                    self.text.truncate(start);
                    if error.kind() == io::ErrorKind::WouldBlock {
                        break;
                    }
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(ConnectorError::Read { path: self.path.to_string(), source: error });
                    }
                }
            }
            if begun.elapsed() > LONGEST {
                break;
            }
        }
        Ok(self.is_end || self.text.len() > before)
    }

    /// More than what was not enough for one row.
    fn grow(&mut self) -> Result<bool, ConnectorError> {
        if self.text.len() > MAX_ROW_BYTES {
            return Err(too_long(&self.path));
        }
        self.fill((self.text.len() * 2).max(BLOCK_BYTES))
    }
}

impl TextStream {
    /// Waits for nothing: a header that is not there yet is read when it comes.
    pub(super) fn open(format: Arc<Format>, bytes: Bytestream, begin: Box<Begin>) -> Result<Self, ConnectorError> {
        let is_bounded = !matches!(bytes, Bytestream::Growing(_));
        let stream: Box<dyn Read + Send> = match bytes {
            Bytestream::Stream(stream) | Bytestream::Growing(stream) => stream,
            Bytestream::Mapped(bytes) => Box::new(io::Cursor::new(bytes)),
        };
        let path = Arc::clone(&format.path);
        let mut block = Block { path: Arc::clone(&path), stream, text: Vec::new(), is_end: false };
        block.fill(BLOCK_BYTES)?;
        let rows = format.rows();
        let batch = (Bytes::new(), 1, Arc::default());
        let mut reader = StreamReader {
            format,
            begin,
            parser: None,
            may_be_empty: !is_bounded,
            rows,
            block,
            tried: 0,
            first_line: 1,
            batch,
            used: 0,
        };
        reader.begin()?;
        Ok(Self { path, is_bounded, reader: Mutex::new(Some(reader)) })
    }
}

impl Source for TextStream {
    fn splits(&self) -> usize {
        1
    }

    fn open(&self, _split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        let again = || ConnectorError::Unsupported {
            path: self.path.to_string(),
            detail: "a stream can be read only once, and this job reads it again: save it to a file first".into(),
        };
        Ok(Box::new(reader.ok_or_else(again)?))
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics { rows: None, bytes: None, pruned_rows: 0, files: 1 }
    }

    fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    fn may_wait(&self) -> bool {
        true
    }
}

impl StreamReader {
    /// Makes the parser, if the header is complete.
    /// Whether there may be a complete row now: a long one that comes bit by bit is not parsed anew for each of them.
    fn is_worth_parsing(&self, has_more: bool) -> bool {
        let Block { text, is_end, .. } = &self.block;
        let new = text.get(self.tried..).unwrap_or_default();
        let is_enough = text.len() < BLOCK_BYTES || !has_more || new.len() >= self.tried / 4;
        *is_end || self.tried == 0 || (is_enough && memchr::memchr2(b'\n', b'\r', new).is_some())
    }

    fn begin(&mut self) -> Result<(), ConnectorError> {
        let Some((used, parser)) = (self.begin)(&self.block.text, self.block.is_end)? else { return Ok(()) };
        self.first_line = line_of(&self.block.text, used);
        self.block.text.drain(..used);
        self.used = used as u64;
        self.parser = Some(parser);
        Ok(())
    }
}

impl SplitReader for StreamReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        loop {
            match self.poll()? {
                Polled::Batch(batch) => return Ok(Some(batch)),
                Polled::End => return Ok(None),
                Polled::Nothing => std::thread::sleep(LOOK_AGAIN_AFTER),
            }
        }
    }

    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        let mut has_more = self.block.fill(BLOCK_BYTES)?;
        loop {
            let is_worth_it = self.is_worth_parsing(has_more);
            if self.parser.is_none() {
                self.begin()?;
            }
            let Some(parser) = &mut self.parser else {
                if self.block.is_end && !self.may_be_empty {
                    let path = self.format.path.to_string();
                    return Err(ConnectorError::EmptyFile { path, format: manifest::Format::Csv });
                }
                if self.block.is_end {
                    return Ok(Polled::End);
                }
                if !self.block.grow()? {
                    return Ok(Polled::Nothing);
                }
                continue;
            };
            if !is_worth_it {
                has_more = self.block.grow()?;
                if !has_more && !self.is_worth_parsing(false) {
                    return Ok(Polled::Nothing);
                }
                continue;
            }
            self.rows.starts.clear();
            let block = &self.block;
            let used = parser.parse(&block.text, block.is_end, &mut self.rows).map_err(|fault| {
                let line = self.first_line - 1 + line_of(&block.text, fault.row_start);
                self.format.error(fault.kind, Place::Line(line))
            })?;
            if !self.rows.starts.is_empty() {
                let rest = self.block.text.split_off(used);
                let text = Bytes::from(std::mem::replace(&mut self.block.text, rest));
                let next_line = self.first_line - 1 + line_of(&text, text.len());
                self.tried = 0;
                self.batch = (text, self.first_line, self.rows.starts.as_slice().into());
                self.first_line = next_line;
                self.used += used as u64;
                return self.format.batch(&mut self.rows).map(Polled::Batch);
            }
            if self.block.is_end {
                return Ok(Polled::End);
            }
            self.tried = self.block.text.len();
            has_more = self.block.grow()?;
            if !has_more {
                return Ok(Polled::Nothing);
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.used
    }

    fn position(&self) -> Position {
        let (text, first_line, starts) = self.batch.clone();
        Position::lines(Arc::clone(&self.format.path), Arc::new(Text { text, first_line, starts }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Gives little at once, as a pipe does.
    struct Drops {
        text: Vec<u8>,
        at: usize,
        most: usize,
    }

    impl Read for Drops {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = self.most.min(to.len()).min(self.text.len() - self.at);
            to[..count].copy_from_slice(&self.text[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }

    /// Rows are lines; counts the bytes that it looks at.
    struct Lines(Arc<AtomicUsize>);

    impl RowParser for Lines {
        fn parse(&mut self, text: &[u8], is_end: bool, rows: &mut Rows) -> Result<usize, Fault> {
            self.0.fetch_add(text.len(), Ordering::Relaxed);
            let mut used = 0;
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                if line.ends_with(b"\n") || is_end {
                    rows.push_start(used);
                    used += line.len();
                }
            }
            Ok(used)
        }
    }

    #[test]
    fn a_long_row_that_comes_bit_by_bit_is_not_looked_at_for_each() {
        let looked_at = Arc::new(AtomicUsize::new(0));
        let mut text = vec![b'x'; 12 << 20];
        text.extend(b"\nshort\n");
        let length = text.len();
        let schema = Arc::new(arrow_schema::Schema::empty());
        let format = Format { path: "-".into(), fields: Vec::new(), schema, batch_rows: 100 };
        let lines = Arc::clone(&looked_at);
        let begin: Box<Begin> = Box::new(move |_, _| Ok(Some((0, Box::new(Lines(Arc::clone(&lines))) as Box<_>))));
        let stream = Bytestream::Stream(Box::new(Drops { text, at: 0, most: 4 << 10 }));
        let source = TextStream::open(Arc::new(format), stream, begin).unwrap();
        let mut reader = source.open(0).unwrap();
        let mut rows = 0;
        while let Some(batch) = reader.next().unwrap() {
            rows += batch.num_rows();
        }
        assert_eq!(rows, 2);
        assert!(looked_at.load(Ordering::Relaxed) < 8 * length, "{looked_at:?} of {length}");
    }
}
