//! Reads Arrow IPC: mapped files without copying, streams message by message.

use super::super::convert::Conversions;
use super::super::error::ConnectorError;
use super::super::input::decode;
use super::super::schema::match_columns;
use super::super::source::{Position, Scan, Source, SourceStatistics, SplitReader};
use super::check;
use super::layout::{BatchBlock, Layout};
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, StreamDecoder, StreamReader};
use arrow_schema::{ArrowError, DataType, Schema};
use bytes::Bytes;
use sabot_abi::manifest::{Field, Format};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, OnceLock};

/// Rows of a split, about: small batches are joined, large ones are cut.
const SPLIT_ROWS: u64 = 128 * 1024;

/// A mapped file or stream.
pub(in super::super) struct ArrowSource {
    shared: Arc<Shared>,
    splits: Vec<Split>,
}

struct Shared {
    path: Arc<str>,
    layout: Layout,
    decoder: FileDecoder,
    /// Its batches are still to be checked.
    is_unchecked: bool,
    columns: Columns,
    /// Decoded batches that several splits share, by number.
    large: Vec<OnceLock<RecordBatch>>,
    batch_rows: usize,
}

/// Batches `first..end`, of which the rows from `skip` on, at most `rows`.
#[derive(Clone, Copy)]
struct Split {
    first: usize,
    end: usize,
    skip: u64,
    rows: u64,
}

/// Which columns are decoded, and what they become.
struct Columns {
    /// Positions in the file, ascending, each once.
    decoded: Vec<usize>,
    /// For each column of the scan, its place in `decoded`.
    places: Vec<usize>,
    conversions: Conversions,
}

impl Columns {
    fn new(path: &Arc<str>, schema: &Schema, fields: &[Field], scan: &Scan) -> Result<Self, ConnectorError> {
        let wanted = || scan.columns.iter().filter_map(|column| fields.get(*column as usize));
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let positions = match_columns(path, wanted(), &names)?;
        let mut decoded = positions.clone();
        if decoded.is_empty() {
            // The number of rows is only believed when a column has that many.
            decoded.extend(schema.fields().iter().position(|field| *field.data_type() != DataType::Null));
        }
        decoded.sort_unstable();
        decoded.dedup();
        let places = positions.iter().map(|position| decoded.partition_point(|other| other < position)).collect();
        let found = positions.iter().map(|position| schema.field(*position).data_type());
        let conversions = Conversions::new(Arc::clone(path), wanted(), found)?;
        Ok(Self { decoded, places, conversions })
    }

    fn convert(&self, batch: &RecordBatch, position: &Position) -> Result<RecordBatch, ConnectorError> {
        let columns = self.places.iter().map(|place| Arc::clone(batch.column(*place))).collect();
        self.conversions.apply(columns, batch.num_rows(), position)
    }
}

impl ArrowSource {
    /// Opens a mapped file or stream.
    pub(in super::super) fn open(
        path: Arc<str>,
        bytes: &Bytes,
        fields: &[Field],
        scan: &Scan,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        let layout = Layout::read(&path, bytes)?;
        let columns = Columns::new(&path, &layout.schema, fields, scan)?;
        let batch_rows = scan.batch_rows.max(1);
        if layout.is_ordered {
            let rows = layout.rows();
            let stream = StreamSource::new(path, Decoding::Mapped(layout.bytes), columns, batch_rows);
            return Ok(Box::new(stream.with_rows(rows, bytes.len() as u64)));
        }
        let decoder = decode(&path, Format::Arrow, || layout.decoder(columns.decoded.clone()))?;
        let types = columns.decoded.iter().map(|column| layout.schema.field(*column).data_type());
        let (decoder, is_unchecked) = check::left_to_us(decoder, types);
        let splits = splits(&layout.batches);
        let large = layout.batches.iter().map(|_| OnceLock::new()).collect();
        let shared = Arc::new(Shared { path, layout, decoder, is_unchecked, columns, large, batch_rows });
        Ok(Box::new(Self { shared, splits }))
    }
}

/// Cuts large batches and joins small ones.
fn splits(batches: &[BatchBlock]) -> Vec<Split> {
    let mut splits: Vec<Split> = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        if batch.rows == 0 {
            continue;
        }
        if let Some(last) = splits.last_mut()
            && last.skip == 0
            && last.end == number
            && last.rows + batch.rows <= SPLIT_ROWS
        {
            last.end = number + 1;
            last.rows += batch.rows;
            continue;
        }
        let mut skip = 0;
        while skip < batch.rows {
            let left = batch.rows - skip;
            let rows = if left < SPLIT_ROWS * 3 / 2 { left } else { SPLIT_ROWS };
            splits.push(Split { first: number, end: number + 1, skip, rows });
            skip += rows;
        }
    }
    splits
}

impl Source for ArrowSource {
    fn splits(&self) -> usize {
        self.splits.len()
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let split = self.splits[split];
        let first_row = self.shared.layout.batches[split.first].first_row + split.skip;
        Ok(Box::new(BlockReader {
            shared: Arc::clone(&self.shared),
            number: split.first,
            split,
            current: None,
            next_row: first_row,
            batch_first: first_row,
            bytes_read: 0,
        }))
    }

    fn statistics(&self) -> SourceStatistics {
        let bytes = self.shared.layout.batches.iter().map(BatchBlock::bytes).sum();
        SourceStatistics { rows: Some(self.shared.layout.rows()), bytes: Some(bytes), pruned_rows: 0, files: 1 }
    }
}

/// Reads the batches of one split.
struct BlockReader {
    shared: Arc<Shared>,
    split: Split,
    /// The batch to decode next.
    number: usize,
    /// What is left of the batch that was decoded last.
    current: Option<RecordBatch>,
    /// Number in the file of the first row of `current`, or of the next batch.
    next_row: u64,
    /// Number in the file of the first row that was given last.
    batch_first: u64,
    bytes_read: u64,
}

impl BlockReader {
    fn decode(&mut self) -> Result<RecordBatch, ConnectorError> {
        let shared = &self.shared;
        let number = self.number;
        let block = shared.layout.batches[number];
        let is_part = self.split.rows < block.rows;
        if let Some(batch) = shared.large[number].get().filter(|_| is_part) {
            return Ok(batch.clone());
        }
        let batch = decode(&shared.path, Format::Arrow, || {
            let bytes = shared.layout.block(&block.block)?;
            let batch = shared.decoder.read_record_batch(&block.block, &bytes)?;
            if let (true, Some(batch)) = (shared.is_unchecked, &batch) {
                check::check(batch)?;
            }
            Ok::<_, ArrowError>(batch)
        })?;
        let batch = batch.filter(|batch| batch.num_rows() as u64 == block.rows).ok_or_else(|| {
            let detail = format!("batch {number} does not hold the {} rows that it claims", block.rows);
            ConnectorError::Corrupt { path: shared.path.to_string(), format: Format::Arrow, place: None, detail }
        })?;
        Ok(if is_part { shared.large[number].get_or_init(|| batch).clone() } else { batch })
    }
}

impl SplitReader for BlockReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        while self.current.is_none() {
            if self.number == self.split.end {
                return Ok(None);
            }
            let decoded = self.decode()?;
            let block = &self.shared.layout.batches[self.number];
            let rows = self.split.rows.min(block.rows - self.split.skip);
            let whole = rows.max(1) as u128;
            self.bytes_read += (u128::from(block.bytes()) * whole / u128::from(block.rows.max(1))) as u64;
            self.number += 1;
            if rows > 0 {
                self.current = Some(decoded.slice(self.split.skip as usize, rows as usize));
            }
        }
        let Some(current) = self.current.take() else { return Ok(None) };
        let rows = current.num_rows().min(self.shared.batch_rows);
        if rows < current.num_rows() {
            self.current = Some(current.slice(rows, current.num_rows() - rows));
        }
        self.batch_first = self.next_row;
        self.next_row += rows as u64;
        self.shared.columns.convert(&current.slice(0, rows), &self.position()).map(Some)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn position(&self) -> Position {
        Position::contiguous(Arc::clone(&self.shared.path), self.batch_first)
    }
}

/// A stream that is read once, from its start to its end.
pub(in super::super) struct StreamSource {
    path: Arc<str>,
    reader: Mutex<Option<StreamBatches>>,
    rows: Option<u64>,
    bytes: Option<u64>,
}

enum Decoding {
    Mapped(Buffer),
    Read(Box<StreamReader<Counted>>),
}

impl StreamSource {
    /// Opens a pipe. The file format is read like a stream too: its footer says nothing new.
    pub(in super::super) fn open(
        path: Arc<str>,
        mut stream: Box<dyn Read + Send>,
        is_file_format: bool,
        fields: &[Field],
        scan: &Scan,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        if is_file_format {
            stream = behind_magic(stream).map_err(|source| ConnectorError::Read { path: path.to_string(), source })?;
        }
        let counted = Counted { stream, bytes: Arc::default() };
        let reader = decode(&path, Format::Arrow, || StreamReader::try_new(counted, None))?;
        let columns = Columns::new(&path, &reader.schema(), fields, scan)?;
        Ok(Box::new(Self::new(path, Decoding::Read(Box::new(reader)), columns, scan.batch_rows.max(1))))
    }

    fn new(path: Arc<str>, decoding: Decoding, columns: Columns, batch_rows: usize) -> Self {
        let batches = StreamBatches {
            path: Arc::clone(&path),
            decoding,
            decoder: StreamDecoder::new(),
            columns,
            batch_rows,
            current: None,
            next_row: 0,
            batch_first: 0,
            bytes_read: 0,
        };
        Self { path, reader: Mutex::new(Some(batches)), rows: None, bytes: None }
    }

    fn with_rows(mut self, rows: u64, bytes: u64) -> Self {
        self.rows = Some(rows);
        self.bytes = Some(bytes);
        self
    }
}

impl Source for StreamSource {
    fn splits(&self) -> usize {
        1
    }

    fn open(&self, _split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let again = || ConnectorError::Unsupported {
            path: self.path.to_string(),
            detail: "a stream can be read only once, and this job reads it again: save it to a file first".into(),
        };
        Ok(Box::new(reader.ok_or_else(again)?))
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics { rows: self.rows, bytes: self.bytes, pruned_rows: 0, files: 1 }
    }
}

struct StreamBatches {
    path: Arc<str>,
    decoding: Decoding,
    /// For mapped streams.
    decoder: StreamDecoder,
    columns: Columns,
    batch_rows: usize,
    current: Option<RecordBatch>,
    next_row: u64,
    batch_first: u64,
    bytes_read: u64,
}

impl StreamBatches {
    fn decode(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        let Self { path, decoding, decoder, columns, bytes_read, .. } = self;
        let batch = decode(path, Format::Arrow, || match decoding {
            Decoding::Mapped(buffer) => {
                let before = buffer.len();
                let batch = if buffer.is_empty() { Ok(None) } else { decoder.decode(buffer) };
                *bytes_read += (before - buffer.len()) as u64;
                batch
            }
            Decoding::Read(reader) => {
                let batch = reader.next().transpose();
                *bytes_read = reader.get_ref().bytes.load(std::sync::atomic::Ordering::Relaxed);
                batch
            }
        })?;
        let Some(batch) = batch else { return Ok(None) };
        Ok(Some(decode(path, Format::Arrow, || batch.project(&columns.decoded))?))
    }
}

impl SplitReader for StreamBatches {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        while self.current.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
            match self.decode()? {
                Some(batch) => self.current = Some(batch),
                None => return Ok(None),
            }
        }
        let Some(current) = self.current.take() else { return Ok(None) };
        let rows = current.num_rows().min(self.batch_rows);
        if rows < current.num_rows() {
            self.current = Some(current.slice(rows, current.num_rows() - rows));
        }
        self.batch_first = self.next_row;
        self.next_row += rows as u64;
        self.columns.convert(&current.slice(0, rows), &self.position()).map(Some)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn position(&self) -> Position {
        Position::contiguous(Arc::clone(&self.path), self.batch_first)
    }
}

/// The stream that a file in the file format begins with, behind the magic and whatever zeros pad it.
fn behind_magic(mut stream: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    stream.read_exact(&mut [0; 8])?;
    let mut word = [0; 4];
    while word == [0; 4] {
        stream.read_exact(&mut word)?;
    }
    Ok(Box::new(io::Cursor::new(word).chain(stream)))
}

/// Counts what goes through it.
struct Counted {
    stream: Box<dyn Read + Send>,
    bytes: Arc<std::sync::atomic::AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.bytes.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}
