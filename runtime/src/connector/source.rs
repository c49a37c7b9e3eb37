//! What the task loop sees of a source: independent splits, each read batch by batch.
//!
//! A batch has exactly the columns asked for, in that order, already in one of the layouts that
//! [`arrow_type`](super::schema::arrow_type) lists for the record's type; nulls occur only in columns that are `Option`.

use super::error::{ConnectorError, Place};
use arrow_array::RecordBatch;
use sabot_abi::manifest::{Constant, PruneOp};
use std::fmt;
use std::sync::Arc;

/// Rows of a batch unless asked otherwise.
pub const BATCH_ROWS: usize = 64 * 1024;

/// What a pipeline wants of a source.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Positions in the source's fields; the batches' columns, in this order. May be empty: batches then only count rows.
    pub columns: Vec<u32>,
    /// Rows for which one of these does not hold may be left out; none has to be.
    pub prune: Vec<ResolvedPruneTerm>,
    /// Rows of a batch, at most, where the format leaves a choice. Arrow batches come as they are in the file.
    pub batch_rows: usize,
}

impl Scan {
    /// All rows of these columns.
    #[must_use]
    pub fn of(columns: Vec<u32>) -> Self {
        Self { columns, prune: Vec::new(), batch_rows: BATCH_ROWS }
    }
}

/// A [`PruneTerm`](sabot_abi::manifest::PruneTerm) with parameters put in.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedPruneTerm {
    /// Position in the source's fields.
    pub column: u32,
    /// How it is compared.
    pub op: PruneOp,
    /// With what; nothing for `IsSome`.
    pub value: Option<Constant>,
}

/// A place to read rows from.
pub trait Source: Send + Sync {
    /// Number of independent pieces, in input order: row groups, Arrow batches, byte ranges, files.
    fn splits(&self) -> usize;

    /// Starts reading a split. Each is opened at most once.
    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError>;

    /// What is known of the rows before reading them.
    fn statistics(&self) -> SourceStatistics;

    /// Whether it ends by itself.
    fn is_bounded(&self) -> bool {
        true
    }

    /// Whether a reader may have nothing yet ([`Polled::Nothing`]): rows are written without waiting for others then.
    fn may_wait(&self) -> bool {
        !self.is_bounded()
    }

    /// The greatest value of a column of times (position in the source's fields) in a split, in the column's unit, if that is
    /// known before the split is read; `i64::MIN` of no rows. Asked once for each split, in order, and often.
    fn greatest_time(&self, split: usize, column: u32) -> Option<i64> {
        let _ = (split, column);
        None
    }

    /// Rows to come, pruned ones left out, if known.
    fn total_rows(&self) -> Option<u64> {
        self.statistics().rows
    }

    /// Bytes to read, in the unit of [`SplitReader::bytes_read`], if known.
    fn total_bytes(&self) -> Option<u64> {
        self.statistics().bytes
    }
}

/// What is known of a source before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStatistics {
    /// Rows to come, pruned ones left out.
    pub rows: Option<u64>,
    /// Bytes of the columns and splits that are read.
    pub bytes: Option<u64>,
    /// Rows that were left out because a prune term excludes their whole split or page.
    pub pruned_rows: u64,
    /// Files.
    pub files: usize,
}

/// What there is to read now.
#[derive(Debug)]
pub enum Polled {
    /// Rows, never none.
    Batch(RecordBatch),
    /// Nothing yet; ask again in a moment.
    Nothing,
    /// Nothing any more.
    End,
}

/// Reads one split.
pub trait SplitReader: Send {
    /// The next rows in input order, never an empty batch; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError>;

    /// As [`next`](Self::next), without waiting for rows that are still to come.
    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        Ok(self.next()?.map_or(Polled::End, Polled::Batch))
    }

    /// Bytes of the file used up so far.
    fn bytes_read(&self) -> u64;

    /// Where the rows of the batch that `next` gave last stand.
    fn position(&self) -> Position;
}

/// Where the rows of one batch come from. Cheap to make and to clone; what it costs to find a row is paid when it is asked.
#[derive(Clone)]
pub struct Position {
    file: Arc<str>,
    rows: Rows,
}

#[derive(Clone)]
enum Rows {
    /// `first` is the number of row 0, from 0; all rows follow each other.
    Contiguous { first: u64 },
    /// Rows from the given one on start at the given number, from 0: pieces in between were left out.
    Pieces(Arc<[(usize, u64)]>),
    /// Asked of the text itself.
    Lines(Arc<dyn FindLine>),
}

/// Finds the line on which a row of a batch starts.
pub(super) trait FindLine: Send + Sync {
    /// Line of the row, from 1.
    fn line(&self, row: usize) -> u64;
}

impl Position {
    /// Rows that follow each other; `first` is the number of the batch's first row, from 0.
    #[must_use]
    pub fn contiguous(file: Arc<str>, first: u64) -> Self {
        Self { file, rows: Rows::Contiguous { first } }
    }

    /// Rows in several pieces: from row `.0` of the batch on, numbers (from 0) go on from `.1`.
    #[must_use]
    pub fn pieces(file: Arc<str>, pieces: Arc<[(usize, u64)]>) -> Self {
        Self { file, rows: Rows::Pieces(pieces) }
    }

    /// Rows of a text.
    pub(super) fn lines(file: Arc<str>, find: Arc<dyn FindLine>) -> Self {
        Self { file, rows: Rows::Lines(find) }
    }

    /// The file's name as the author wrote it; `<stdin>` for standard input.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where a row of the batch stands in the file.
    #[must_use]
    pub fn place(&self, row: usize) -> Place {
        match &self.rows {
            Rows::Contiguous { first } => Place::Row(first + row as u64 + 1),
            Rows::Pieces(pieces) => {
                let piece = pieces.partition_point(|(start, _)| *start <= row);
                let (start, first) = pieces.get(piece.wrapping_sub(1)).copied().unwrap_or((0, 0));
                Place::Row(first + (row - start) as u64 + 1)
            }
            Rows::Lines(find) => Place::Line(find.line(row)),
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.file, self.place(0))
    }
}

/// Several sources as one, in their order.
pub(super) struct Chain {
    sources: Vec<Box<dyn Source>>,
    /// For each source, the number of its first split.
    starts: Vec<usize>,
    splits: usize,
}

impl Chain {
    /// One after the other.
    pub(super) fn of(mut sources: Vec<Box<dyn Source>>) -> Box<dyn Source> {
        if sources.len() == 1
            && let Some(only) = sources.pop()
        {
            return only;
        }
        let mut starts = Vec::with_capacity(sources.len());
        let mut splits = 0;
        for source in &sources {
            starts.push(splits);
            splits += source.splits();
        }
        Box::new(Self { sources, starts, splits })
    }
}

impl Source for Chain {
    fn splits(&self) -> usize {
        self.splits
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let source = self.starts.partition_point(|start| *start <= split) - 1;
        self.sources[source].open(split - self.starts[source])
    }

    fn is_bounded(&self) -> bool {
        self.sources.iter().all(|source| source.is_bounded())
    }

    fn may_wait(&self) -> bool {
        self.sources.iter().any(|source| source.may_wait())
    }

    fn greatest_time(&self, split: usize, column: u32) -> Option<i64> {
        let source = self.starts.partition_point(|start| *start <= split) - 1;
        self.sources[source].greatest_time(split - self.starts[source], column)
    }

    fn statistics(&self) -> SourceStatistics {
        let sum = |left: Option<u64>, right: Option<u64>| left.zip(right).map(|(left, right)| left + right);
        let none = SourceStatistics { rows: Some(0), bytes: Some(0), pruned_rows: 0, files: 0 };
        self.sources.iter().map(|source| source.statistics()).fold(none, |all, one| SourceStatistics {
            rows: sum(all.rows, one.rows),
            bytes: sum(all.bytes, one.bytes),
            pruned_rows: all.pruned_rows + one.pruned_rows,
            files: all.files + one.files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_across_pieces() {
        let position = Position::pieces("q.parquet".into(), [(0, 100), (10, 500)].into());
        assert_eq!(position.place(9), Place::Row(110));
        assert_eq!(position.place(10), Place::Row(501));
        assert_eq!(Position::contiguous("q.arrow".into(), 7).place(1).to_string(), "row 9");
    }
}
