//! Sorted rows that do not fit into memory: runs in a file, merged when they are read.
//!
//! Of every run one piece is in memory at a time. Rows that are equal come in the order of their runs; who needs another order
//! adds columns that say it.

use crate::column::Column;
use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::batch::BatchEnd;
use crate::operator::collect::Rows;
use crate::primitive::pool::Pool;
use crate::registers::{Registers, Selection};
use crate::spill::{Piece, SpillFile, fields, schema};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{BaseType, ColumnType, Reg};
use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

/// Runs that are merged at once; few where tests are to merge twice.
const MOST_RUNS: usize = if cfg!(debug_assertions) { 16 } else { 256 };

/// Rows that a merge gives at once.
const MERGED_ROWS: usize = 32 * 1024;

/// A number that says where a row belongs.
pub(crate) const PLACE: ColumnType = ColumnType { base: BaseType::UInt64, nullable: false };

/// Runs in a file.
#[derive(Debug)]
pub(crate) struct SortedRuns {
    file: SpillFile,
    types: Vec<ColumnType>,
    /// Position and whether the greatest comes first.
    by: Vec<(u32, bool)>,
    runs: AtomicUsize,
    rows: AtomicUsize,
}

impl SortedRuns {
    pub(crate) fn new(file: SpillFile, types: Vec<ColumnType>, by: Vec<(u32, bool)>) -> Self {
        Self { file, types, by, runs: AtomicUsize::new(0), rows: AtomicUsize::new(0) }
    }

    /// Writes a run: all rows of the columns, which are sorted.
    pub(crate) fn add(&self, columns: &[Column]) -> Result<(), RunError> {
        let rows = columns.first().map_or(0, Column::len);
        if rows == 0 {
            return Ok(());
        }
        self.rows.fetch_add(rows, Atomic::Relaxed);
        let run = self.runs.fetch_add(1, Atomic::Relaxed);
        self.write(run, &mut 0, columns)
    }

    /// Writes more rows of a run, from that piece on.
    fn write(&self, run: usize, piece: &mut u32, columns: &[Column]) -> Result<(), RunError> {
        let rows = columns.first().map_or(0, Column::len);
        let (fields, pool) = (fields(&self.types), Arc::<Pool>::default());
        let regs: Vec<Reg> = (0..self.types.len() as Reg).collect();
        let mut registers = Registers::new(&fields);
        let mut end = BatchEnd::new(CHUNK_ROWS, &schema(&self.types), &fields, &regs, &pool);
        for first in (0..rows).step_by(CHUNK_ROWS) {
            let count = (rows - first).min(CHUNK_ROWS);
            registers.load_rows((0..).zip(columns), first, count);
            end.add(&mut registers, &Selection::all(count));
            for batch in end.take_batches() {
                self.file.append(run, ((0, Seq::START), *piece), &batch)?;
                *piece += 1;
            }
        }
        Ok(())
    }

    /// Rows of all runs.
    pub(crate) fn rows(&self) -> usize {
        self.rows.load(Atomic::Relaxed)
    }

    /// Starts to merge; of very many runs some are merged into larger ones first.
    pub(crate) fn merge(self: &Arc<Self>) -> Result<Merge, RunError> {
        let mut runs: Vec<usize> = (0..self.runs.load(Atomic::Relaxed)).collect();
        while runs.len() > MOST_RUNS {
            let mut larger = Vec::new();
            for some in runs.chunks(MOST_RUNS) {
                let run = self.runs.fetch_add(1, Atomic::Relaxed);
                let (mut merge, mut piece) = (self.merge_some(some)?, 0);
                while let Some(rows) = merge.next()? {
                    self.write(run, &mut piece, &rows.columns)?;
                }
                larger.push(run);
            }
            runs = larger;
        }
        self.merge_some(&runs)
    }

    fn merge_some(self: &Arc<Self>, runs: &[usize]) -> Result<Merge, RunError> {
        let mut pieces: Vec<Vec<Piece>> = vec![Vec::new(); self.runs.load(Atomic::Relaxed)];
        self.file.pieces(|_| true).into_iter().for_each(|piece| pieces[piece.partition()].push(piece));
        let mut cursors = Vec::new();
        for run in runs {
            let pieces = std::mem::take(&mut pieces[*run]);
            let mut cursor = Cursor { pieces, next: 0, rows: Rows::new(self.types.iter().copied()), row: 0 };
            if cursor.load(self)? {
                cursors.push(cursor);
            }
        }
        let mut merge = Merge { runs: Arc::clone(self), heap: (0..cursors.len()).collect(), cursors };
        for at in (0..merge.heap.len()).rev() {
            merge.sift_down(at);
        }
        Ok(merge)
    }
}

/// A run that is read.
struct Cursor {
    pieces: Vec<Piece>,
    next: usize,
    /// The piece.
    rows: Rows,
    /// The next row of it.
    row: usize,
}

impl Cursor {
    /// Reads the next piece, if there is one.
    fn load(&mut self, runs: &SortedRuns) -> Result<bool, RunError> {
        let Some(piece) = self.pieces.get(self.next) else { return Ok(false) };
        self.next += 1;
        self.row = 0;
        self.rows = runs.file.read_piece(&runs.types, piece)?;
        Ok(true)
    }
}

/// A merge that goes on where it stands.
pub(crate) struct Merge {
    runs: Arc<SortedRuns>,
    cursors: Vec<Cursor>,
    /// Cursors, the one with the least row first: each stands before those at twice its place.
    heap: Vec<usize>,
}

impl Merge {
    /// The next rows; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Rows>, RunError> {
        let mut rows = Rows::new(self.runs.types.iter().copied());
        // Which cursor, and which row of its piece.
        let mut picked: Vec<(u32, u32)> = Vec::with_capacity(MERGED_ROWS);
        while rows.rows + picked.len() < MERGED_ROWS {
            let Some(&least) = self.heap.first() else { break };
            let cursor = &mut self.cursors[least];
            picked.push((least as u32, cursor.row as u32));
            cursor.row += 1;
            if cursor.row == cursor.rows.rows {
                self.take(&mut picked, &mut rows);
                if !self.cursors[least].load(&self.runs)? {
                    self.heap.swap_remove(0);
                }
            }
            self.sift_down(0);
        }
        self.take(&mut picked, &mut rows);
        Ok((rows.rows > 0).then_some(rows))
    }

    /// Copies rows before their pieces go.
    fn take(&self, picked: &mut Vec<(u32, u32)>, rows: &mut Rows) {
        for (position, to) in rows.columns.iter_mut().enumerate() {
            let columns: Vec<&Column> = self.cursors.iter().map(|cursor| &cursor.rows.columns[position]).collect();
            to.extend_picked(&columns, picked);
            to.keep_strings(rows.rows, &mut rows.strings);
        }
        rows.rows += picked.len();
        picked.clear();
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let child = match 2 * at + 1 {
                left if left + 1 < self.heap.len() && self.is_before(left + 1, left) => left + 1,
                left => left,
            };
            if child >= self.heap.len() || !self.is_before(child, at) {
                return;
            }
            self.heap.swap(child, at);
            at = child;
        }
    }

    fn is_before(&self, left: usize, right: usize) -> bool {
        let (left, right) = (self.heap[left], self.heap[right]);
        let (a, b) = (&self.cursors[left], &self.cursors[right]);
        for &(position, descending) in &self.runs.by {
            let (a_column, b_column) = (&a.rows.columns[position as usize], &b.rows.columns[position as usize]);
            let order = a_column.compare_with(a.row, b_column, b.row);
            if order != Ordering::Equal {
                return order.is_lt() != descending;
            }
        }
        left < right
    }
}

/// A column that says where rows belong.
pub(crate) fn places(places: impl Iterator<Item = u64>) -> Column {
    let mut column = Column::new(PLACE);
    places.for_each(|place| column.push_word(place));
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::memory::Str;
    use crate::spill::Account;

    #[test]
    fn runs_are_merged_and_equal_rows_come_in_the_order_of_their_runs() {
        let types = vec![
            ColumnType { base: BaseType::Int64, nullable: true },
            ColumnType { base: BaseType::String, nullable: false },
        ];
        let file = Account::new(Some(1), None).spill_file("a test").expect("the directory can be written");
        let runs = Arc::new(SortedRuns::new(file, types.clone(), vec![(0, true)]));
        let count = if cfg!(miri) { 10 } else { 300 };
        let mut expected = Vec::new();
        for run in 0..40u64 {
            let mut rows = Rows::new(types.iter().copied());
            for value in (0..count * run).rev() {
                let value = value / (run + 1);
                let text = rows.strings.copy(Str::new(format!("{run} {value}").as_bytes()));
                rows.columns[0].push_word(value);
                rows.columns[1].push_str(text);
                expected.push((value, run));
            }
            runs.add(&rows.columns).expect("there is room");
        }
        expected.sort_by_key(|(value, run)| (std::cmp::Reverse(*value), *run));
        assert_eq!(runs.rows(), expected.len());
        let mut merge = runs.merge().expect("just written");
        let mut found = Vec::new();
        while let Some(rows) = merge.next().expect("just written") {
            found.extend((0..rows.rows).map(|row| rows.columns[1].show(row)));
        }
        let expected: Vec<String> = expected.iter().map(|(value, run)| format!("\"{run} {value}\"")).collect();
        assert!(found == expected, "{} rows of {}", found.len(), expected.len());
    }
}
