//! Morsels: batches cut into pieces that workers take, numbered in input order, and how far the work has come in that order.
//!
//! Workers always take the earliest piece that is there, so that what must be put in order again (sinks, limits) stays
//! small. Splits are opened as workers need them; a split's batches are read by one worker at a time, whichever is free.
//! When outputs that wait for an earlier piece take too much memory, workers wait, except for the earliest piece: it can
//! always go on, so the job does, too.

use crate::connector::{ConnectorError, Position, Source, SplitReader};
use crate::error::RunError;
use crate::operator::collect::Rows as KeptRows;
use crate::operator::runs::Merge;
use arrow_array::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Rows of a morsel, at most.
pub(crate) const MORSEL_ROWS: usize = 64 * 1024;

/// Splits of which there is no telling how many there are.
const MOST_SPLITS: usize = u32::MAX as usize;

/// Place of a morsel in its input: split, then piece of the split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seq(u64);

impl Seq {
    fn new(split: usize, piece: u32) -> Self {
        debug_assert!(split < 1 << 32, "splits are counted in 32 bits");
        Self((split as u64) << 32 | u64::from(piece))
    }

    fn split(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// As a number, in the same order.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The first morsel.
    pub(crate) const START: Self = Self(0);

    /// Behind every morsel.
    pub(crate) const END: Self = Self(u64::MAX);
}

/// Rows to work on at once.
#[derive(Debug)]
pub(crate) struct Morsel {
    pub(crate) seq: Seq,
    pub(crate) rows: Rows,
}

/// Where a morsel's rows are.
#[derive(Debug)]
pub(crate) enum Rows {
    /// In a batch of a source.
    Batch { batch: RecordBatch, position: Position, first: usize, rows: usize },
    /// In a table.
    Table { first: usize, rows: usize },
    /// All rows of a part of a table that is not in memory as a whole.
    Part(usize),
    /// All of these, in columns as a table has them.
    Merged(Box<KeptRows>),
}

/// What morsels are made of.
pub(crate) enum Input<'a> {
    /// The batches of a source.
    Source(&'a dyn Source),
    /// That many rows of a table.
    Table(usize),
    /// That many parts of a table.
    Parts(usize),
    /// Sorted runs, merged by whoever takes the next piece.
    Merge(Mutex<Merge>),
}

/// A split that was opened; without its reader while a worker reads.
struct OpenSplit {
    reader: Option<Box<dyn SplitReader>>,
    next_piece: u32,
    bytes_read: u64,
}

#[derive(Default)]
struct State {
    next_split: usize,
    open: BTreeMap<usize, OpenSplit>,
    pending: BTreeMap<Seq, Morsel>,
    in_work: BTreeSet<Seq>,
    done: BTreeSet<Seq>,
    /// Number of pieces of the splits that were read to their end.
    ended: BTreeMap<usize, u32>,
    frontier: (usize, u32),
    /// There is nothing more to merge.
    is_merged: bool,
    /// Nothing behind this is wanted.
    stop_behind: Option<Seq>,
}

/// The morsels of one pipeline.
pub(crate) struct Morsels<'a> {
    input: Input<'a>,
    splits: usize,
    state: Mutex<State>,
    wake: Condvar,
    /// Bytes of outputs that wait for earlier ones.
    pub(crate) waiting_bytes: &'a AtomicUsize,
    /// Rows and bytes read so far, for the progress bar.
    pub(crate) rows_read: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
}

impl<'a> Morsels<'a> {
    /// Bytes of outputs that may wait before workers do.
    const WINDOW_BYTES: usize = 96 << 20;

    pub(crate) fn new(input: Input<'a>, waiting_bytes: &'a AtomicUsize) -> Self {
        let splits = match &input {
            Input::Source(source) => source.splits(),
            Input::Table(rows) => rows.div_ceil(MORSEL_ROWS),
            Input::Parts(parts) => *parts,
            Input::Merge(_) => MOST_SPLITS,
        };
        Self {
            input,
            splits,
            state: Mutex::default(),
            wake: Condvar::new(),
            waiting_bytes,
            rows_read: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a worker that panicked ends the job")
    }

    /// Nothing behind this morsel is wanted any more.
    pub(crate) fn stop_behind(&self, seq: Seq) {
        let mut state = self.lock();
        state.stop_behind = Some(state.stop_behind.map_or(seq, |other| other.min(seq)));
        self.wake.notify_all();
    }

    /// Nothing is wanted any more.
    pub(crate) fn stop(&self) {
        self.stop_behind(Seq(0));
    }

    /// Keeps other workers from waiting for one that panics.
    pub(crate) fn stop_on_panic(&self) -> StopOnPanic<'_, 'a> {
        StopOnPanic(self)
    }

    /// The earliest morsel that nobody has taken; `None` at the end. To be followed by [`done`](Self::done).
    pub(crate) fn take(&self) -> Result<Option<Morsel>, RunError> {
        let mut state = self.lock();
        loop {
            let pending = state.pending.first_key_value().map(|(seq, _)| *seq);
            let reader = state.open.iter().find(|(_, open)| open.reader.is_some());
            let reader = reader.map(|(split, open)| Seq::new(*split, open.next_piece));
            let fresh = (state.next_split < self.splits && !state.is_merged).then(|| Seq::new(state.next_split, 0));
            let Some(seq) = [pending, reader, fresh].into_iter().flatten().min() else {
                if state.open.is_empty() {
                    return Ok(None);
                }
                state = self.wait(state);
                continue;
            };
            if state.stop_behind.is_some_and(|last| seq > last) {
                return Ok(None);
            }
            let is_earliest = state.in_work.first().is_none_or(|first| seq < *first);
            if !is_earliest && self.waiting_bytes.load(Ordering::Relaxed) > Self::WINDOW_BYTES {
                state = self.wait(state);
                continue;
            }
            state.in_work.insert(seq);
            if pending == Some(seq) {
                return Ok(state.pending.remove(&seq));
            }
            let source = match &self.input {
                Input::Source(source) => *source,
                Input::Table(rows) => {
                    let first = state.next_whole_split() * MORSEL_ROWS;
                    let rows = (rows - first).min(MORSEL_ROWS);
                    return Ok(Some(Morsel { seq, rows: Rows::Table { first, rows } }));
                }
                Input::Parts(_) => return Ok(Some(Morsel { seq, rows: Rows::Part(state.next_whole_split()) })),
                Input::Merge(merge) => {
                    let merged = merge.lock().expect("a worker that panicked ends the job").next();
                    let Ok(Some(rows)) = merged else {
                        state.in_work.remove(&seq);
                        state.is_merged = true;
                        self.wake.notify_all();
                        return merged.map(|_| None);
                    };
                    self.rows_read.fetch_add(rows.rows as u64, Ordering::Relaxed);
                    state.next_whole_split();
                    return Ok(Some(Morsel { seq, rows: Rows::Merged(Box::new(rows)) }));
                }
            };
            let split = seq.split();
            let reader = if reader == Some(seq) {
                state.open.get_mut(&split).and_then(|open| open.reader.take())
            } else {
                state.next_split = split + 1;
                state.open.insert(split, OpenSplit { reader: None, next_piece: 0, bytes_read: 0 });
                None
            };
            drop(state);
            let read = self.read(source, split, reader);
            state = self.lock();
            match read {
                Err(error) => {
                    state.open.remove(&split);
                    state.stop_behind = Some(Seq(0));
                    self.wake.notify_all();
                    return Err(error.into());
                }
                Ok(None) => {
                    state.in_work.remove(&seq);
                    let open = state.open.remove(&split).expect("a split is open while it is read");
                    state.ended.insert(split, open.next_piece);
                    state.advance();
                    self.wake.notify_all();
                }
                Ok(Some((batch, reader))) => {
                    let morsel = state.cut(split, batch, reader);
                    self.wake.notify_all();
                    return Ok(Some(morsel));
                }
            }
        }
    }

    fn wait<'b>(&self, state: MutexGuard<'b, State>) -> MutexGuard<'b, State> {
        // The bytes that wait are counted without the lock, so a wake-up can be missed.
        let (state, _) =
            self.wake.wait_timeout(state, Duration::from_millis(20)).expect("a worker that panicked ends the job");
        state
    }

    /// The next batch of a split, and its reader.
    fn read(
        &self,
        source: &dyn Source,
        split: usize,
        reader: Option<Box<dyn SplitReader>>,
    ) -> Result<Option<(RecordBatch, Box<dyn SplitReader>)>, ConnectorError> {
        let mut reader = match reader {
            Some(reader) => reader,
            None => source.open(split)?,
        };
        let before = reader.bytes_read();
        let batch = reader.next()?;
        self.bytes_read.fetch_add(reader.bytes_read().saturating_sub(before), Ordering::Relaxed);
        let Some(batch) = batch else { return Ok(None) };
        self.rows_read.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        Ok(Some((batch, reader)))
    }

    /// A morsel's work is complete; gives how far all work is: everything before it is done.
    pub(crate) fn done(&self, seq: Seq) -> Seq {
        let mut state = self.lock();
        state.in_work.remove(&seq);
        state.done.insert(seq);
        state.advance();
        self.wake.notify_all();
        Seq::new(state.frontier.0, state.frontier.1)
    }
}

/// Ends the pipeline when it is dropped by a panic.
pub(crate) struct StopOnPanic<'b, 'a>(&'b Morsels<'a>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(mut state) = self.0.state.lock()
        {
            state.stop_behind = Some(Seq::START);
            self.0.wake.notify_all();
        }
    }
}

impl State {
    /// Takes a split that is one morsel.
    fn next_whole_split(&mut self) -> usize {
        let split = self.next_split;
        self.next_split += 1;
        self.ended.insert(split, 1);
        split
    }

    /// Cuts a batch into morsels: the first is given, the others can be taken.
    fn cut(&mut self, split: usize, batch: RecordBatch, reader: Box<dyn SplitReader>) -> Morsel {
        let open = self.open.get_mut(&split).expect("a split is open while it is read");
        let position = reader.position();
        open.bytes_read = reader.bytes_read();
        open.reader = Some(reader);
        let first_piece = open.next_piece;
        let all = batch.num_rows();
        let pieces = all.div_ceil(MORSEL_ROWS).max(1) as u32;
        open.next_piece += pieces;
        let piece = |number: u32| {
            let first = number as usize * MORSEL_ROWS;
            let rows = (all - first).min(MORSEL_ROWS);
            let rows = Rows::Batch { batch: batch.clone(), position: position.clone(), first, rows };
            Morsel { seq: Seq::new(split, first_piece + number), rows }
        };
        for number in 1..pieces {
            let morsel = piece(number);
            self.pending.insert(morsel.seq, morsel);
        }
        piece(0)
    }

    /// Moves the frontier over everything that is done.
    fn advance(&mut self) {
        loop {
            let (split, piece) = self.frontier;
            if self.done.remove(&Seq::new(split, piece)) {
                self.frontier.1 += 1;
            } else if self.ended.get(&split) == Some(&piece) {
                self.frontier = (split + 1, 0);
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_follows_what_is_done_in_order() {
        let waiting = AtomicUsize::new(0);
        let morsels = Morsels::new(Input::Table(3 * MORSEL_ROWS + 1), &waiting);
        let taken: Vec<Morsel> = std::iter::from_fn(|| morsels.take().expect("tables can be read")).collect();
        let seqs: Vec<Seq> = taken.iter().map(|morsel| morsel.seq).collect();
        assert_eq!(seqs, [Seq::new(0, 0), Seq::new(1, 0), Seq::new(2, 0), Seq::new(3, 0)]);
        assert!(matches!(taken[3].rows, Rows::Table { first: 196_608, rows: 1 }));
        assert_eq!(morsels.done(seqs[1]), Seq::new(0, 0));
        assert_eq!(morsels.done(seqs[0]), Seq::new(2, 0));
        assert_eq!(morsels.done(seqs[3]), Seq::new(2, 0));
        assert_eq!(morsels.done(seqs[2]), Seq::new(4, 0));
    }

    #[test]
    fn nothing_is_taken_behind_the_stop() {
        let waiting = AtomicUsize::new(usize::MAX);
        let morsels = Morsels::new(Input::Table(3 * MORSEL_ROWS), &waiting);
        let first = morsels.take().expect("tables can be read").expect("three morsels");
        morsels.stop_behind(Seq::new(1, 0));
        morsels.done(first.seq);
        let second = morsels.take().expect("tables can be read").expect("one more");
        assert_eq!(second.seq, Seq::new(1, 0));
        assert!(morsels.take().expect("tables can be read").is_none());
    }
}
