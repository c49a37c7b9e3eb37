//! Rows that do not fit into memory: pieces of them in a file without a name, by a hash of their key.
//!
//! A file is unlinked as soon as it is open, so that nothing is left behind however the run ends. Each piece is an Arrow IPC
//! stream of its own and knows where in the input its rows stand, so that a partition is read back in input order.

use crate::connector::list::packed;
use crate::connector::schema::arrow_type;
use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::batch::BatchEnd;
use crate::operator::collect::{Order, Rows};
use crate::operator::key::Keys;
use crate::primitive::bitmap;
use crate::primitive::hash::{hash_bytes, hash_word};
use crate::primitive::wide_groups::hash_wide;
use crate::registers::{BatchView, Registers, Selection};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field as ArrowField, Schema, SchemaRef};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{ColumnType, Field, Reg};
use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Cursor};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Partitions of a table that is spilled.
pub(crate) const PARTITIONS: usize = 64;

/// Rows of a piece, at most about.
const PIECE_ROWS: usize = 8 * 1024;

/// The partition of a key with this hash. Of its low bits: the high ones say where in a table it is. Partitions that are too
/// large are parted again, by the next bits.
#[inline]
pub(crate) fn partition_of(hash: u64, level: u32) -> usize {
    (hash >> (level * PARTITIONS.ilog2())) as usize % PARTITIONS
}

/// How often partitions are parted again at most: what is still too large then is mostly of one key.
pub(crate) const MOST_LEVELS: u32 = 5;

/// The memory that an operator's table holds, which is part of what all tables hold, and how much they may.
#[derive(Debug, Default)]
pub(crate) struct Account {
    own: Held,
    all: Arc<Shared>,
}

/// What all tables of a run have together.
#[derive(Debug, Default)]
struct Shared {
    budget: Option<usize>,
    held: Held,
    /// Where files go.
    directory: PathBuf,
}

/// Bytes that somebody holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Held {
    /// So many more, of which so many are gone.
    pub(crate) fn change(&self, more: usize, gone: usize) {
        self.now.fetch_add(more, Ordering::Relaxed);
        let now = self.now.fetch_sub(gone, Ordering::Relaxed) - gone;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// The most that it was.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Account {
    pub(crate) fn new(budget: Option<u64>, directory: Option<PathBuf>) -> Self {
        let budget = budget.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let directory = directory.unwrap_or_else(std::env::temp_dir);
        Self { own: Held::default(), all: Arc::new(Shared { budget, held: Held::default(), directory }) }
    }

    /// The account of another table of the same run.
    pub(crate) fn another(&self) -> Self {
        Self { own: Held::default(), all: Arc::clone(&self.all) }
    }

    /// Somebody holds `now` bytes where it held `before`.
    pub(crate) fn update(&self, before: &mut usize, now: usize) {
        if *before != now {
            self.own.change(now, *before);
            self.all.held.change(now, *before);
            *before = now;
        }
    }

    /// Whether there is an end to what may be held.
    pub(crate) fn has_budget(&self) -> bool {
        self.all.budget.is_some()
    }

    /// Whether tables in the making hold so much that they would not fit when they are complete.
    pub(crate) fn is_over(&self) -> bool {
        self.all.budget.is_some_and(|budget| self.all.held.now() > budget / 3)
    }

    /// Whether all that is held is more than may be held; a megabyte always may be.
    pub(crate) fn is_full(&self) -> bool {
        const ALWAYS: usize = 1 << 20;
        self.all.budget.is_some_and(|budget| self.all.held.now() > budget.max(ALWAYS))
    }

    /// Bytes of a complete table's rows that may stay in memory.
    pub(crate) fn resident_bytes(&self) -> usize {
        self.all.budget.map_or(usize::MAX, |budget| budget / 3)
    }

    /// The most that this table held.
    pub(crate) fn peak(&self) -> usize {
        self.own.peak()
    }

    /// The most that all tables held at once.
    pub(crate) fn peak_of_all(&self) -> usize {
        self.all.held.peak()
    }

    /// A file for what does not fit.
    pub(crate) fn spill_file(&self, what: &str) -> Result<SpillFile, RunError> {
        SpillFile::create(what, &self.all.directory)
    }
}

/// Where a piece lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    partition: usize,
    /// Place in the input, then among the pieces of one worker.
    order: (Order, u32),
    offset: u64,
    len: usize,
}

/// A file of pieces.
#[derive(Debug)]
pub(crate) struct SpillFile {
    what: String,
    directory: String,
    file: File,
    end: AtomicU64,
    pieces: Mutex<Vec<Piece>>,
}

impl SpillFile {
    fn create(what: &str, directory: &Path) -> Result<Self, RunError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let open = || -> io::Result<File> {
            loop {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let path = directory.join(format!("sabot-{}-{number}.spill", std::process::id()));
                match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                    Ok(file) => {
                        remove_file(&path)?;
                        return Ok(file);
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
            }
        };
        let directory = directory.display().to_string();
        let file =
            open().map_err(|source| RunError::Spill { what: what.to_owned(), directory: directory.clone(), source })?;
        Ok(Self { what: what.to_owned(), directory, file, end: AtomicU64::new(0), pieces: Mutex::default() })
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> RunError {
        let source = io::Error::other(source);
        RunError::Spill { what: self.what.clone(), directory: self.directory.clone(), source }
    }

    /// Writes a piece; of one partition they are read again in that order.
    pub(crate) fn append(&self, partition: usize, order: (Order, u32), batch: &RecordBatch) -> Result<(), RunError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(|error| self.failed(error))?;
        writer.write(batch).map_err(|error| self.failed(error))?;
        let bytes = writer.into_inner().map_err(|error| self.failed(error))?;
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(&bytes, offset).map_err(|error| self.failed(error))?;
        let piece = Piece { partition, order, offset, len: bytes.len() };
        self.pieces.lock().expect("a worker that panicked ends the job").push(piece);
        Ok(())
    }

    /// The pieces of some partitions, in input order.
    pub(crate) fn pieces(&self, wanted: impl Fn(usize) -> bool) -> Vec<Piece> {
        let pieces = self.pieces.lock().expect("a worker that panicked ends the job");
        let mut pieces: Vec<Piece> = pieces.iter().filter(|piece| wanted(piece.partition)).copied().collect();
        pieces.sort_by_key(|piece| piece.order);
        pieces
    }

    /// Bytes of each partition of the first parting.
    pub(crate) fn partition_bytes(&self) -> [usize; PARTITIONS] {
        let mut bytes = [0; PARTITIONS];
        for piece in self.pieces.lock().expect("a worker that panicked ends the job").iter() {
            if let Some(bytes) = bytes.get_mut(piece.partition) {
                *bytes += piece.len;
            }
        }
        bytes
    }

    /// Reads a piece.
    pub(crate) fn read(&self, piece: &Piece) -> Result<RecordBatch, RunError> {
        let mut bytes = vec![0; piece.len];
        self.file.read_exact_at(&mut bytes, piece.offset).map_err(|error| self.failed(error))?;
        let mut reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(|error| self.failed(error))?;
        let batch = reader.next().ok_or_else(|| self.failed("a piece is empty"))?;
        batch.map_err(|error| self.failed(error))
    }

    /// Reads a piece into columns.
    pub(crate) fn read_piece(&self, types: &[ColumnType], piece: &Piece) -> Result<Rows, RunError> {
        let mut rows = Rows::new(types.iter().copied());
        let mut registers = Registers::new(&fields(types));
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        let batch = self.read(piece)?;
        each_chunk(&batch, &regs, &mut registers, |registers, selection| {
            rows.add(&regs, registers, selection);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Reads the rows of some partitions, in input order.
    pub(crate) fn read_rows(&self, types: &[ColumnType], wanted: impl Fn(usize) -> bool) -> Result<Rows, RunError> {
        self.read_rows_of(types, self.pieces(wanted))
    }

    /// Reads the rows of some pieces.
    pub(crate) fn read_rows_of(
        &self,
        types: &[ColumnType],
        pieces: impl IntoIterator<Item = Piece>,
    ) -> Result<Rows, RunError> {
        let mut rows = Rows::new(types.iter().copied());
        let mut registers = Registers::new(&fields(types));
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        for piece in pieces {
            let batch = self.read(&piece)?;
            rows.start(piece.order.0);
            each_chunk(&batch, &regs, &mut registers, |registers, selection| {
                rows.add(&regs, registers, selection);
                Ok(())
            })?;
        }
        Ok(rows)
    }
}

impl Piece {
    /// Which rows it has.
    pub(crate) fn partition(&self) -> usize {
        self.partition
    }

    /// Bytes in the file.
    pub(crate) fn bytes(&self) -> usize {
        self.len
    }

    /// Where its rows stand.
    pub(crate) fn order(&self) -> Order {
        self.order.0
    }
}

/// Loads a batch into registers chunk by chunk.
pub(crate) fn each_chunk(
    batch: &RecordBatch,
    regs: &[Reg],
    registers: &mut Registers,
    mut each: impl FnMut(&mut Registers, &Selection) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let columns = columns_of(batch, regs, registers);
    let view = BatchView::new(&columns, regs.iter().copied());
    for first in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
        let rows = (batch.num_rows() - first).min(CHUNK_ROWS);
        registers.load(&view, first, rows);
        each(registers, &Selection::all(rows))?;
    }
    Ok(())
}

/// The columns of a batch as registers hold them: files hold lists as Arrow has them, registers as bytes.
pub(crate) fn columns_of(batch: &RecordBatch, regs: &[Reg], registers: &Registers) -> Vec<ArrayRef> {
    let column = |(array, reg): (&ArrayRef, &Reg)| match registers.ty(*reg).base.item() {
        Some(item) => Arc::new(packed(array, item)),
        None => Arc::clone(array),
    };
    batch.columns().iter().zip(regs).map(column).collect()
}

/// Registers of these types.
pub(crate) fn fields(types: &[ColumnType]) -> Vec<Field> {
    types.iter().enumerate().map(|(at, ty)| Field::new(format!("c{at}"), *ty)).collect()
}

/// The schema of pieces of these types.
pub(crate) fn schema(types: &[ColumnType]) -> SchemaRef {
    let field = |(at, ty): (usize, &ColumnType)| ArrowField::new(format!("c{at}"), arrow_type(ty.base), ty.nullable);
    Arc::new(Schema::new(types.iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// One worker's rows on their way to a file.
pub(crate) struct Partitioner {
    partitions: Vec<BatchEnd>,
    /// Number of the first partition.
    first: usize,
    order: Order,
    pieces: u32,
}

impl std::fmt::Debug for Partitioner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partitioner").field("order", &self.order).finish_non_exhaustive()
    }
}

impl Partitioner {
    /// The registers that it writes.
    pub(crate) fn regs(&self) -> Vec<Reg> {
        self.partitions.first().map(|end| end.regs().collect()).unwrap_or_default()
    }

    /// For these registers, of these types.
    pub(crate) fn new(regs: &[Reg], types: &[ColumnType]) -> Self {
        let (schema, fields, pool) = (schema(types), fields(types), Arc::default());
        let end = || BatchEnd::new(PIECE_ROWS, &schema, &fields, regs, &pool);
        let partitions = std::iter::repeat_with(end).take(PARTITIONS).collect();
        Self { partitions, first: 0, order: (0, Seq::START), pieces: 0 }
    }

    /// Into the partitions whose numbers begin with this one.
    pub(crate) fn at(self, first: usize) -> Self {
        Self { first, ..self }
    }

    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order, file: &SpillFile) -> Result<(), RunError> {
        if order != self.order {
            self.flush(file)?;
            self.order = order;
        }
        Ok(())
    }

    /// Adds the selected rows of a chunk, each to its partition.
    pub(crate) fn add(
        &mut self,
        registers: &mut Registers,
        selection: &Selection,
        partitions: &[u8],
        file: &SpillFile,
    ) -> Result<(), RunError> {
        let mut by_partition = vec![None; PARTITIONS];
        bitmap::for_each(selection.used(), |row| {
            let part = by_partition[partitions[row] as usize].get_or_insert(Selection {
                words: [0; sabot_abi::CHUNK_WORDS],
                rows: selection.rows,
                count: 0,
            });
            bitmap::set(&mut part.words, row);
            part.count += 1;
        });
        // Once for all rows, so that the parts need not be in each other's way.
        if let Some(end) = self.partitions.first() {
            end.regs().for_each(|reg| registers.materialise(reg, selection, false));
        }
        for (partition, part) in by_partition.iter().enumerate() {
            let Some(part) = part else { continue };
            let end = &mut self.partitions[partition];
            end.add(registers, part);
            for batch in end.take_complete() {
                file.append(self.first + partition, (self.order, self.pieces), &batch)?;
                self.pieces += 1;
            }
        }
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn flush(&mut self, file: &SpillFile) -> Result<(), RunError> {
        for (partition, end) in self.partitions.iter_mut().enumerate() {
            for batch in end.take_batches() {
                file.append(self.first + partition, (self.order, self.pieces), &batch)?;
                self.pieces += 1;
            }
        }
        Ok(())
    }
}

/// The partitions of the selected rows' keys.
pub(crate) fn partitions_of_keys(keys: &Keys<'_>, selection: &Selection, level: u32, partitions: &mut [u8]) {
    bitmap::for_each(selection.used(), |row| {
        let hash = match keys {
            Keys::Words(words) => hash_word(words[row]),
            Keys::Strs(strs) => hash_bytes(strs[row].bytes()),
            Keys::Wide(keys) => hash_wide(keys[row]),
        };
        partitions[row] = partition_of(hash, level) as u8;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::BaseType;

    #[test]
    fn an_account_is_a_part_of_the_runs() {
        let run = Account::new(Some(9 << 20), None);
        let [one, other] = [run.another(), run.another()];
        let (mut of_one, mut of_other) = (0, 0);
        one.update(&mut of_one, 5 << 20);
        other.update(&mut of_other, 3 << 20);
        assert!(one.is_over() && !one.is_full());
        one.update(&mut of_one, 7 << 20);
        assert!(other.is_full(), "together they hold too much");
        one.update(&mut of_one, 0);
        assert!(!run.is_over());
        assert_eq!([one.peak(), other.peak(), run.peak_of_all()], [7 << 20, 3 << 20, 10 << 20]);
    }

    #[test]
    fn rows_come_back_by_partition_in_input_order() {
        let types = [
            ColumnType { base: BaseType::Int64, nullable: true },
            ColumnType { base: BaseType::String, nullable: false },
        ];
        let account = Account::new(Some(1), None);
        let file = account.spill_file("a test").expect("the directory for temporary files can be written");
        let mut partitioner = Partitioner::new(&[0, 1], &types);
        let mut registers = Registers::new(&fields(&types));
        // Morsels in falling order, one chunk each.
        for morsel in (0..3u32).rev() {
            let mut rows = Rows::new(types.iter().copied());
            for row in 0..200 {
                let value = u64::from(morsel) * 1000 + row;
                if row % 7 == 0 {
                    rows.columns[0].push_null()
                } else {
                    rows.columns[0].push_word(value)
                }
                let text = rows.strings.copy(crate::primitive::memory::Str::new(value.to_string().as_bytes()));
                rows.columns[1].push_str(text);
            }
            partitioner.start((morsel, Seq::START), &file).expect("there is room");
            registers.load_rows((0..).zip(&rows.columns), 0, 200);
            let partitions: Vec<u8> = (0..200).map(|row| row % 3).collect();
            partitioner.add(&mut registers, &Selection::all(200), &partitions, &file).expect("there is room");
        }
        partitioner.flush(&file).expect("there is room");
        let rows = file.read_rows(&types, |partition| partition == 1).expect("just written");
        let shown: Vec<String> = (0..rows.rows).map(|row| rows.columns[1].show(row)).collect();
        let expected: Vec<String> = (0..3)
            .flat_map(|morsel| (1..200).step_by(3).map(move |row| format!("\"{}\"", morsel * 1000 + row)))
            .collect();
        assert_eq!(shown, expected);
        assert_eq!(rows.columns[0].show(2), "None");
        assert_eq!(file.partition_bytes().iter().filter(|bytes| **bytes > 0).count(), 3);
    }
}
