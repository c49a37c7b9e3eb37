//! Morsels: batches cut into pieces that workers take, numbered in input order, and how far the work has come in that order.
//!
//! Workers always take the earliest piece that is there, so that what must be put in order again (sinks, limits) stays
//! small. Splits are opened as workers need them; a split's batches are read by one worker at a time, whichever is free.
//! When outputs that wait for an earlier piece take too much memory, workers wait, except for the earliest piece: it can
//! always go on, so the job does, too.
//!
//! What a live table gives comes through a channel: rows are pushed in order, each push is a piece. Every piece knows the
//! watermark before it; the pipeline's is that of the pieces that are done without a gap.

mod barrier;
mod place;
mod state;
#[cfg(test)]
mod tests;

use crate::connector::{ConnectorError, Polled, Position, Source, SplitReader};
use crate::error::RunError;
use crate::live::{ToGive, Wake};
use crate::operator::collect::Rows as KeptRows;
use crate::operator::runs::Merge;
use crate::watermark::{EventTime, NEVER};
use arrow_array::RecordBatch;
use state::{OpenSplit, State};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub(crate) use place::{Progress, Seq};

/// Rows of a morsel, at most.
pub(crate) const MORSEL_ROWS: usize = 64 * 1024;

/// How long a source may have nothing until nobody waits for its event time.
const IDLE_AFTER: Duration = Duration::from_secs(30);

/// Splits of which there is no telling how many there are.
const MOST_SPLITS: usize = u32::MAX as usize;

/// Rows to work on at once.
#[derive(Debug)]
pub(crate) struct Morsel {
    pub(crate) seq: Seq,
    pub(crate) rows: Rows,
    /// The watermark before its first row.
    pub(crate) watermark: i64,
    /// Of a source with event time: the greatest one before its first row, and that with its rows.
    pub(crate) greatest: (i64, i64),
}

impl Morsel {
    fn new(seq: Seq, rows: Rows) -> Self {
        Self { seq, rows, watermark: NEVER, greatest: (NEVER, NEVER) }
    }
}

/// What [`Morsels::try_take`] finds.
#[derive(Debug)]
pub(crate) enum Taken {
    Morsel(Morsel),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    End,
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
    Merged(Arc<KeptRows>),
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
    /// What somebody pushes.
    Channel,
}

/// A batch, and the greatest event time of each of its pieces.
type ReadBatch = (RecordBatch, Vec<i64>);

/// What reading has given, and the reader for more.
enum Read {
    Batch(ReadBatch, Box<dyn SplitReader>),
    Nothing(Box<dyn SplitReader>),
    End,
}

/// The morsels of one pipeline.
pub(crate) struct Morsels<'a> {
    input: Input<'a>,
    splits: usize,
    state: Mutex<State>,
    wake: Condvar,
    /// The workers of a group of pipelines.
    group: Option<&'a Wake>,
    is_bounded: bool,
    /// A source that has had nothing for so long holds nobody up.
    pub(crate) idle_after: Duration,
    time: Option<EventTime>,
    /// The watermark of what was taken.
    taken: AtomicI64,
    /// Bytes of outputs that wait for earlier ones, and of what was pushed.
    pub(crate) waiting_bytes: &'a AtomicUsize,
    /// Rows and bytes read so far, for the progress bar.
    pub(crate) rows_read: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
}

impl<'a> Morsels<'a> {
    /// Bytes of outputs that may wait before workers do.
    const WINDOW_BYTES: usize = 96 << 20;

    /// Pieces that may wait until it is known how far event time was before them.
    const MOST_PENDING: usize = 16;

    /// How long a source that has nothing is left alone.
    const ASK_AGAIN_AFTER: Duration = Duration::from_millis(1);

    pub(crate) fn new(
        input: Input<'a>,
        waiting_bytes: &'a AtomicUsize,
        time: Option<EventTime>,
        group: Option<&'a Wake>,
    ) -> Self {
        let splits = match &input {
            Input::Source(source) => source.splits(),
            Input::Table(rows) => rows.div_ceil(MORSEL_ROWS),
            Input::Parts(parts) => *parts,
            Input::Merge(_) => MOST_SPLITS,
            Input::Channel => 0,
        };
        let is_bounded = if let Input::Source(source) = &input { source.is_bounded() } else { true };
        Self {
            input,
            splits,
            state: Mutex::default(),
            wake: Condvar::new(),
            group,
            is_bounded,
            idle_after: IDLE_AFTER,
            time,
            taken: AtomicI64::new(NEVER),
            waiting_bytes,
            rows_read: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
        }
    }

    /// What was read is all that is wanted: the source ends here.
    pub(crate) fn drain(&self) {
        let mut state = self.lock();
        if matches!(self.input, Input::Source(_)) && !std::mem::replace(&mut state.is_drained, true) {
            state.end_splits();
            self.notify();
        }
    }

    /// Whether what is to come may take its time: see [`Source::may_wait`].
    pub(crate) fn may_wait(&self) -> bool {
        matches!(&self.input, Input::Source(source) if source.may_wait())
    }

    /// Whether it is a source that ends by itself, or no source.
    pub(crate) fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Whether the source has nothing at the moment, and is to be asked again soon.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lock().quiet_until.is_some()
    }

    /// Whether its rows are pushed by others.
    pub(crate) fn is_pushed(&self) -> bool {
        matches!(self.input, Input::Channel)
    }

    /// How far it is in event time, if that is known of its rows, and how many rows were read: of several origins the one that
    /// is furthest behind is read first.
    pub(crate) fn turn(&self) -> (Option<i64>, u64) {
        let time = self.time.is_some().then(|| self.taken.load(Ordering::Relaxed));
        (time, self.rows_read.load(Ordering::Relaxed))
    }

    fn notify(&self) {
        self.wake.notify_all();
        if let Some(group) = self.group {
            group.bump();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a worker that panicked ends the job")
    }

    /// Nothing behind this morsel is wanted any more.
    pub(crate) fn stop_behind(&self, seq: Seq) {
        let mut state = self.lock();
        state.stop_behind = Some(state.stop_behind.map_or(seq, |other| other.min(seq)));
        self.notify();
    }

    /// Nothing is wanted any more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_stopped, true) {
            return;
        }
        for (_, morsel) in std::mem::take(&mut state.pending) {
            if let (Rows::Merged(rows), Input::Channel) = (&morsel.rows, &self.input) {
                self.waiting_bytes.fetch_sub(rows.memory_bytes(), Ordering::Relaxed);
            }
        }
        self.notify();
    }

    /// Whether nothing is wanted any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Keeps other workers from waiting for one that panics.
    pub(crate) fn stop_on_panic(&self) -> StopOnPanic<'_, 'a> {
        StopOnPanic(self)
    }

    /// The earliest morsel that nobody has taken; `None` at the end. To be followed by [`done`](Self::done).
    pub(crate) fn take(&self) -> Result<Option<Morsel>, RunError> {
        let mut state = self.lock();
        loop {
            match self.take_from(state)? {
                (Taken::Morsel(morsel), _) => return Ok(Some(morsel)),
                (Taken::End, _) => return Ok(None),
                (Taken::Nothing, locked) => state = self.wait(locked),
            }
        }
    }

    /// As [`take`](Self::take), waiting for a moment at most.
    pub(crate) fn take_soon(&self) -> Result<Taken, RunError> {
        let state = match self.take_from(self.lock())? {
            (Taken::Nothing, state) => self.wait(state),
            (taken, _) => return Ok(taken),
        };
        self.take_from(state).map(|(taken, _)| taken)
    }

    /// As [`take`](Self::take), without waiting for others.
    pub(crate) fn try_take(&self) -> Result<Taken, RunError> {
        self.take_from(self.lock()).map(|(taken, _)| taken)
    }

    fn take_from<'b>(&'b self, mut state: MutexGuard<'b, State>) -> Result<(Taken, MutexGuard<'b, State>), RunError> {
        loop {
            if state.is_stopped {
                return Ok((Taken::End, state));
            }
            let is_held = |seq: &Seq, state: &State| state.barrier.is_some_and(|(_, place)| *seq >= place);
            let earliest = self.earliest(&mut state);
            if earliest.is_some_and(|seq| is_held(&seq, &state)) {
                return Ok((Taken::Nothing, state));
            }
            let Some(seq) = earliest else {
                let is_end = state.open.is_empty() && state.pending.is_empty() && self.is_all_there(&state);
                return Ok((if is_end { Taken::End } else { Taken::Nothing }, state));
            };
            if state.stop_behind.is_some_and(|last| seq > last) {
                return Ok((Taken::End, state));
            }
            let is_earliest = state.in_work.first().is_none_or(|first| seq < *first);
            let is_pushed = matches!(self.input, Input::Channel);
            if !is_earliest && !is_pushed && self.waiting_bytes.load(Ordering::Relaxed) > Self::WINDOW_BYTES {
                return Ok((Taken::Nothing, state));
            }
            state.in_work.insert(seq);
            if let Some(mut morsel) = state.pending.remove(&seq) {
                self.mark(&mut state, &mut morsel);
                return Ok((Taken::Morsel(morsel), state));
            }
            let source = match &self.input {
                Input::Source(source) => *source,
                Input::Table(rows) => {
                    let first = state.next_whole_split() * MORSEL_ROWS;
                    let rows = (rows - first).min(MORSEL_ROWS);
                    return Ok((Taken::Morsel(Morsel::new(seq, Rows::Table { first, rows })), state));
                }
                Input::Parts(_) => {
                    let rows = Rows::Part(state.next_whole_split());
                    return Ok((Taken::Morsel(Morsel::new(seq, rows)), state));
                }
                Input::Merge(merge) => {
                    let merged = merge.lock().expect("a worker that panicked ends the job").next();
                    let Ok(Some(rows)) = merged else {
                        state.in_work.remove(&seq);
                        state.is_merged = true;
                        self.notify();
                        merged?;
                        return Ok((Taken::End, state));
                    };
                    self.rows_read.fetch_add(rows.rows as u64, Ordering::Relaxed);
                    state.next_whole_split();
                    return Ok((Taken::Morsel(Morsel::new(seq, Rows::Merged(Arc::new(rows)))), state));
                }
                Input::Channel => unreachable!("what was pushed waits"),
            };
            let split = seq.split();
            let reader = match state.open.get_mut(&split) {
                Some(open) => open.reader.take(),
                None => {
                    state.next_split = split + 1;
                    let open = OpenSplit { reader: None, next_piece: 0, bytes_read: 0, greatest: NEVER };
                    state.open.insert(split, open);
                    None
                }
            };
            drop(state);
            let read = self.read(source, split, reader);
            state = self.lock();
            state.in_work.remove(&seq);
            let is_quiet = matches!(read, Ok(Read::Nothing(_)));
            match read {
                Err(error) => {
                    state.open.remove(&split);
                    state.stop_behind = Some(Seq::START);
                    self.notify();
                    return Err(error.into());
                }
                Ok(Read::Nothing(reader)) => {
                    // A barrier that was put meanwhile stands behind what reading would have brought: it is there now.
                    let next = state.open.get(&split).map_or(0, |open| open.next_piece);
                    if let Some((_, place)) = &mut state.barrier
                        && *place == Seq::new(split, next + 1)
                    {
                        *place = Seq::new(split, next);
                        state.has_news = true;
                    }
                    let now = Instant::now();
                    state.quiet_until = Some(now + Self::ASK_AGAIN_AFTER);
                    state.last_read.get_or_insert(now);
                    state.open.get_mut(&split).expect("a split is open while it is read").reader = Some(reader);
                }
                Ok(Read::End) => {
                    let open = state.open.remove(&split).expect("a split is open while it is read");
                    state.ended.insert(split, open.next_piece);
                    state.prefixes.end(split, open.greatest);
                    state.advance();
                    state.has_news = true;
                }
                Ok(Read::Batch(batch, reader)) => {
                    if !self.is_bounded {
                        state.last_read = Some(Instant::now());
                    }
                    state.cut(split, batch, reader);
                }
            }
            if state.is_drained {
                state.end_splits();
            }
            if is_quiet {
                continue; // nobody waits for that
            }
            self.notify();
        }
    }

    /// The place of the earliest piece that can be taken or read.
    fn earliest(&self, state: &mut State) -> Option<Seq> {
        let mut pending = state.pending.first_key_value().map(|(seq, _)| *seq);
        let mut may_read = !state.is_merged;
        if self.time.is_some()
            && let Some(seq) = pending
            && self.before(state, seq.split()).is_none()
        {
            // What was read waits for a split before it.
            pending = None;
            may_read &= state.pending.len() < Self::MOST_PENDING;
        }
        if may_read && let Some(until) = state.quiet_until {
            if Instant::now() < until {
                return pending;
            }
            state.quiet_until = None;
        }
        let reader = state.open.iter().find(|(_, open)| open.reader.is_some());
        let reader = reader.map(|(split, open)| Seq::new(*split, open.next_piece));
        let is_first = reader.is_some_and(|seq| seq.split() == state.frontier.0);
        let reader = reader.filter(|_| may_read || is_first);
        let fresh =
            (may_read && !state.is_drained && state.next_split < self.splits).then(|| Seq::new(state.next_split, 0));
        [pending, reader, fresh].into_iter().flatten().min()
    }

    /// The greatest event time before a split, if it is known.
    fn before(&self, state: &mut State, split: usize) -> Option<i64> {
        let (Input::Source(source), Some(time)) = (&self.input, &self.time) else { return Some(NEVER) };
        let tell = |split| source.greatest_time(split, time.field).map(|greatest| time.unit.to_us(greatest));
        state.prefixes.before(split, tell)
    }

    /// Everything that will ever come has been handed out or waits.
    fn is_all_there(&self, state: &State) -> bool {
        match self.input {
            Input::Channel => state.is_closed,
            Input::Source(_) | Input::Table(_) | Input::Parts(_) | Input::Merge(_) => {
                state.is_merged || state.is_drained || state.next_split >= self.splits
            }
        }
    }

    /// A piece that is taken is told what the ones before it were.
    fn mark(&self, state: &mut State, morsel: &mut Morsel) {
        let Some(time) = &self.time else { return };
        let before = self.before(state, morsel.seq.split()).unwrap_or(NEVER);
        morsel.greatest = (before.max(morsel.greatest.0), before.max(morsel.greatest.1));
        morsel.watermark = time.watermark(morsel.greatest.0);
        let watermark = time.watermark(morsel.greatest.1);
        self.taken.fetch_max(watermark, Ordering::Relaxed);
        state.marks.insert(morsel.seq, watermark);
    }

    fn wait<'b>(&self, state: MutexGuard<'b, State>) -> MutexGuard<'b, State> {
        // The bytes that wait are counted without the lock, so a wake-up can be missed.
        let most = if state.quiet_until.is_some() { Self::ASK_AGAIN_AFTER } else { Duration::from_millis(20) };
        let (state, _) = self.wake.wait_timeout(state, most).expect("a worker that panicked ends the job");
        state
    }

    /// The next batch of a split, and its reader.
    fn read(
        &self,
        source: &dyn Source,
        split: usize,
        reader: Option<Box<dyn SplitReader>>,
    ) -> Result<Read, ConnectorError> {
        let mut reader = match reader {
            Some(reader) => reader,
            None => source.open(split)?,
        };
        let before = reader.bytes_read();
        let polled = reader.poll()?;
        self.bytes_read.fetch_add(reader.bytes_read().saturating_sub(before), Ordering::Relaxed);
        let batch = match polled {
            Polled::Batch(batch) => batch,
            Polled::Nothing => return Ok(Read::Nothing(reader)),
            Polled::End => return Ok(Read::End),
        };
        self.rows_read.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        let greatest = self.time.as_ref().map_or_else(Vec::new, |time| {
            let all = batch.num_rows();
            let piece = |first| time.greatest(&batch, first, (all - first).min(MORSEL_ROWS));
            (0..all).step_by(MORSEL_ROWS).map(piece).collect()
        });
        Ok(Read::Batch((batch, greatest), reader))
    }

    /// A morsel's work is complete; gives how far all work is.
    pub(crate) fn done(&self, seq: Seq) -> Progress {
        let mut state = self.lock();
        state.in_work.remove(&seq);
        state.done.insert(seq);
        state.advance();
        self.notify();
        self.progress_of(&mut state)
    }

    /// How far all work is.
    pub(crate) fn progress(&self) -> Progress {
        self.progress_of(&mut self.lock())
    }

    fn progress_of(&self, state: &mut State) -> Progress {
        let is_wanted = |seq: Seq, state: &State| state.stop_behind.is_none_or(|last| seq <= last);
        let is_over = |state: &mut State| match self.earliest(state) {
            Some(seq) => !is_wanted(seq, state),
            None => state.open.is_empty() && state.pending.is_empty() && self.is_all_there(state),
        };
        let is_complete = state.in_work.is_empty() && (state.is_stopped || is_over(state));
        let is_silent = state.last_read.is_some_and(|last| !self.is_bounded && last.elapsed() >= self.idle_after);
        let is_idle = (is_silent || state.is_idle) && state.in_work.is_empty() && state.pending.is_empty();
        let frontier = Seq::new(state.frontier.0, state.frontier.1);
        if let Some((number, place)) = state.barrier
            && (frontier >= place || is_complete)
        {
            state.reached = number;
        }
        Progress { frontier, watermark: state.watermark, is_complete, is_idle, barrier: state.reached }
    }

    /// Rows for whoever takes them next, and the watermark behind them.
    pub(crate) fn push(&self, given: &ToGive) {
        let ToGive { rows, watermark, is_last, is_idle, barrier } = given;
        let (watermark, is_last) = (*watermark, *is_last);
        let mut state = self.lock();
        state.is_idle = *is_idle;
        let wanted = if state.is_stopped { &[][..] } else { rows };
        for rows in wanted {
            self.waiting_bytes.fetch_add(rows.memory_bytes(), Ordering::Relaxed);
            let mut morsel = Morsel::new(state.next_pushed(), Rows::Merged(Arc::clone(rows)));
            morsel.watermark = state.pushed_watermark;
            state.pending.insert(morsel.seq, morsel);
        }
        if watermark > state.pushed_watermark {
            let seq = state.next_pushed();
            state.pushed_watermark = watermark;
            state.marks.insert(seq, watermark);
            state.done.insert(seq);
            state.advance();
        }
        if let Some(number) = *barrier {
            let place = Seq::new(state.next_split, 0);
            match state.barrier {
                None => state.barrier = Some((number, place)),
                Some(_) => state.later_barriers.push_back((number, place)),
            }
        }
        state.is_closed |= is_last;
        self.notify();
    }
}

/// Ends the pipeline when it is dropped by a panic.
pub(crate) struct StopOnPanic<'b, 'a>(&'b Morsels<'a>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(mut state) = self.0.state.lock()
        {
            // A split that it was reading stays open for ever.
            state.is_stopped = true;
            self.0.notify();
        }
    }
}
