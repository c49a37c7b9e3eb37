//! Morsels: batches cut into pieces that workers take, numbered in input order, and how far the work has come in that order.
//!
//! Workers always take the earliest piece that is there, so that what must be put in order again (sinks, limits) stays
//! small. Splits are opened as workers need them; a split's batches are read by one worker at a time, whichever is free.
//! When outputs that wait for an earlier piece take too much memory, workers wait, except for the earliest piece: it can
//! always go on, so the job does, too.
//!
//! What a live table gives comes through a channel: rows are pushed in order, each push is a piece. Every piece knows the
//! watermark before it; the pipeline's is that of the pieces that are done without a gap.

use crate::connector::{ConnectorError, Polled, Position, Source, SplitReader};
use crate::error::RunError;
use crate::live::{ToGive, Wake};
use crate::operator::collect::Rows as KeptRows;
use crate::operator::runs::Merge;
use crate::watermark::{EventTime, NEVER, Prefixes};
use arrow_array::RecordBatch;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Rows of a morsel, at most.
pub(crate) const MORSEL_ROWS: usize = 64 * 1024;

/// How long a source may have nothing until nobody waits for its event time.
const IDLE_AFTER: Duration = Duration::from_secs(30);

/// Splits of which there is no telling how many there are.
const MOST_SPLITS: usize = u32::MAX as usize;

/// Place of a morsel in its input: split, then piece of the split; then, where somebody asks, which rows of the piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seq(u64, u32);

impl Seq {
    fn new(split: usize, piece: u32) -> Self {
        debug_assert!(split < 1 << 32, "splits are counted in 32 bits");
        Self((split as u64) << 32 | u64::from(piece), 0)
    }

    fn split(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// A place in a count of any other kind.
    pub(crate) fn at(number: u64) -> Self {
        Self(number, 0)
    }

    /// As a number, in the same order.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The place of some rows of the morsel, which are numbered from its start.
    pub(crate) fn part(self, number: u32) -> Self {
        Self(self.0, number)
    }

    /// The first morsel.
    pub(crate) const START: Self = Self(0, 0);

    /// Behind every morsel.
    pub(crate) const END: Self = Self(u64::MAX, u32::MAX);
}

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

/// How far a pipeline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything before it is done.
    pub(crate) frontier: Seq,
    /// That of what is done.
    pub(crate) watermark: i64,
    /// All is done, and nothing comes any more.
    pub(crate) is_complete: bool,
    /// Nothing has come for a long time: nobody is to wait for its watermark.
    pub(crate) is_idle: bool,
    /// Number of the last barrier that everything before is done.
    pub(crate) barrier: u64,
}

impl Progress {
    /// Whether another is further in something; it is then as far, too.
    pub(crate) fn take_over(&mut self, other: &Self) -> bool {
        let before = *self;
        self.frontier = self.frontier.max(other.frontier);
        self.watermark = self.watermark.max(other.watermark);
        self.is_complete |= other.is_complete;
        self.is_idle = other.is_idle;
        self.barrier = self.barrier.max(other.barrier);
        *self != before
    }
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

/// A split that was opened; without its reader while a worker reads.
struct OpenSplit {
    reader: Option<Box<dyn SplitReader>>,
    next_piece: u32,
    bytes_read: u64,
    /// The greatest event time that was read of it.
    greatest: i64,
}

struct State {
    next_split: usize,
    open: BTreeMap<usize, OpenSplit>,
    pending: BTreeMap<Seq, Morsel>,
    in_work: BTreeSet<Seq>,
    done: BTreeSet<Seq>,
    /// Number of pieces of the splits that were read to their end and are not all done.
    ended: BTreeMap<usize, u32>,
    frontier: (usize, u32),
    /// There is nothing more to merge.
    is_merged: bool,
    /// Nothing behind this is wanted.
    stop_behind: Option<Seq>,
    /// Nothing at all is.
    is_stopped: bool,
    prefixes: Prefixes,
    /// Watermarks with the pieces that were taken.
    marks: BTreeMap<Seq, i64>,
    /// That of what is done without a gap.
    watermark: i64,
    /// The last that was pushed.
    pushed_watermark: i64,
    /// Nothing will be pushed any more.
    is_closed: bool,
    /// What was read is all that is wanted.
    is_drained: bool,
    /// The source had nothing: it is asked again then.
    quiet_until: Option<Instant>,
    /// When there was something last.
    last_read: Option<Instant>,
    /// Those that push have nothing for a long time.
    is_idle: bool,
    /// A barrier and its place: nothing behind it is taken until it is lifted.
    barrier: Option<(u64, Seq)>,
    /// The last barrier that was reached.
    reached: u64,
    /// Barriers that were pushed behind the one that stands.
    later_barriers: VecDeque<(u64, Seq)>,
    /// It may have come further by something else than work that was done: see [`Morsels::news`].
    has_news: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            next_split: 0,
            open: BTreeMap::new(),
            pending: BTreeMap::new(),
            in_work: BTreeSet::new(),
            done: BTreeSet::new(),
            ended: BTreeMap::new(),
            frontier: (0, 0),
            is_merged: false,
            stop_behind: None,
            is_stopped: false,
            prefixes: Prefixes::default(),
            marks: BTreeMap::new(),
            watermark: NEVER,
            pushed_watermark: NEVER,
            is_closed: false,
            is_drained: false,
            quiet_until: None,
            last_read: None,
            is_idle: false,
            barrier: None,
            reached: 0,
            later_barriers: VecDeque::new(),
            has_news: false,
        }
    }
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

    /// Puts a barrier behind everything that was read. Of a source; numbers rise.
    pub(crate) fn put_barrier(&self, number: u64) {
        let mut state = self.lock();
        // Splits that were opened are before it; of the last one, if it is still read, what was read.
        let last = state.open.last_key_value().filter(|(split, _)| **split + 1 == state.next_split);
        let last = last.map(|(split, open)| Seq::new(*split, open.next_piece));
        let taken = state.in_work.last().map(|seq| Seq(seq.0 + 1, 0));
        let place = last.map_or(Seq::new(state.next_split, 0), |last| taken.map_or(last, |taken| last.max(taken)));
        state.barrier = Some((number, place));
        self.notify();
    }

    /// All that a barrier stands for is done: what is behind it may be taken.
    pub(crate) fn lift_barrier(&self, number: u64) {
        let mut state = self.lock();
        if state.barrier.is_some_and(|(standing, _)| standing <= number) {
            state.barrier = state.later_barriers.pop_front();
            // The next one may stand where all work has come already.
            state.has_news |= state.barrier.is_some();
            self.notify();
        }
    }

    /// How far all work is, if it may have come further without anybody having [done](Self::done) anything: a split has turned
    /// out to be at its end, or the next barrier stands where all is done. Whoever is told has to hand it on.
    pub(crate) fn news(&self) -> Option<Progress> {
        let mut state = self.lock();
        std::mem::take(&mut state.has_news).then(|| self.progress_of(&mut state))
    }

    /// Whether its rows are pushed by others.
    pub(crate) fn is_pushed(&self) -> bool {
        matches!(self.input, Input::Channel)
    }

    /// Of several origins that can be read the one with the least number comes first: how far it is in event time.
    pub(crate) fn turn(&self) -> i64 {
        self.taken.load(Ordering::Relaxed)
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
            state.stop_behind = Some(Seq::START);
            self.0.notify();
        }
    }
}

impl State {
    /// Splits that nobody reads at the moment end where they are.
    fn end_splits(&mut self) {
        let idle: Vec<usize> =
            self.open.iter().filter(|(_, open)| open.reader.is_some()).map(|(split, _)| *split).collect();
        for split in idle {
            if let Some(open) = self.open.remove(&split) {
                self.ended.insert(split, open.next_piece);
                self.prefixes.end(split, open.greatest);
            }
        }
        self.advance();
        self.has_news = true;
    }

    /// Takes a split that is one morsel.
    fn next_whole_split(&mut self) -> usize {
        let split = self.next_split;
        self.next_split += 1;
        self.ended.insert(split, 1);
        split
    }

    /// The place of what is pushed next.
    fn next_pushed(&mut self) -> Seq {
        Seq::new(self.next_whole_split(), 0)
    }

    /// Cuts a batch into morsels, which can be taken.
    fn cut(&mut self, split: usize, (batch, greatest): ReadBatch, reader: Box<dyn SplitReader>) {
        let open = self.open.get_mut(&split).expect("a split is open while it is read");
        let position = reader.position();
        open.bytes_read = reader.bytes_read();
        open.reader = Some(reader);
        let first_piece = open.next_piece;
        let all = batch.num_rows();
        let pieces = all.div_ceil(MORSEL_ROWS).max(1) as u32;
        open.next_piece += pieces;
        for number in 0..pieces {
            let first = number as usize * MORSEL_ROWS;
            let rows = (all - first).min(MORSEL_ROWS);
            let rows = Rows::Batch { batch: batch.clone(), position: position.clone(), first, rows };
            let mut morsel = Morsel::new(Seq::new(split, first_piece + number), rows);
            let with = greatest.get(number as usize).map_or(open.greatest, |greatest| open.greatest.max(*greatest));
            morsel.greatest = (open.greatest, with);
            open.greatest = with;
            self.pending.insert(morsel.seq, morsel);
        }
    }

    /// Moves the frontier over everything that is done.
    fn advance(&mut self) {
        loop {
            let (split, piece) = self.frontier;
            if self.done.remove(&Seq::new(split, piece)) {
                self.frontier.1 += 1;
            } else if self.ended.get(&split) == Some(&piece) {
                self.ended.remove(&split);
                self.frontier = (split + 1, 0);
            } else {
                break;
            }
        }
        let frontier = Seq::new(self.frontier.0, self.frontier.1);
        while let Some(mark) = self.marks.first_entry().filter(|mark| *mark.key() < frontier) {
            self.watermark = self.watermark.max(mark.remove());
        }
        self.prefixes.forget(self.frontier.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::SourceStatistics;
    use arrow_array::{ArrayRef, Int64Array};
    use std::sync::mpsc;

    #[test]
    fn the_frontier_follows_what_is_done_in_order() {
        let waiting = AtomicUsize::new(0);
        let morsels = Morsels::new(Input::Table(3 * MORSEL_ROWS + 1), &waiting, None, None);
        let taken: Vec<Morsel> = std::iter::from_fn(|| morsels.take().expect("tables can be read")).collect();
        let seqs: Vec<Seq> = taken.iter().map(|morsel| morsel.seq).collect();
        assert_eq!(seqs, [Seq::new(0, 0), Seq::new(1, 0), Seq::new(2, 0), Seq::new(3, 0)]);
        assert!(matches!(taken[3].rows, Rows::Table { first: 196_608, rows: 1 }));
        assert_eq!(morsels.done(seqs[1]).frontier, Seq::new(0, 0));
        assert_eq!(morsels.done(seqs[0]).frontier, Seq::new(2, 0));
        assert_eq!(morsels.done(seqs[3]).frontier, Seq::new(2, 0));
        assert_eq!(morsels.done(seqs[2]).frontier, Seq::new(4, 0));
    }

    #[test]
    fn what_is_done_leaves_nothing_behind() {
        let waiting = AtomicUsize::new(0);
        let morsels = Morsels::new(Input::Table(100 * MORSEL_ROWS), &waiting, None, None);
        while let Some(morsel) = morsels.take().expect("tables can be read") {
            morsels.done(morsel.seq);
        }
        let state = morsels.state.lock().expect("nobody panicked");
        assert_eq!(state.frontier, (100, 0));
        assert_eq!((state.ended.len(), state.done.len(), state.in_work.len(), state.marks.len()), (0, 0, 0, 0));
    }

    #[test]
    fn nothing_is_taken_behind_the_stop() {
        let waiting = AtomicUsize::new(usize::MAX);
        let morsels = Morsels::new(Input::Table(3 * MORSEL_ROWS), &waiting, None, None);
        let first = morsels.take().expect("tables can be read").expect("three morsels");
        morsels.stop_behind(Seq::new(1, 0));
        morsels.done(first.seq);
        let second = morsels.take().expect("tables can be read").expect("one more");
        assert_eq!(second.seq, Seq::new(1, 0));
        assert!(morsels.take().expect("tables can be read").is_none());
    }

    /// Two splits of one batch each. Every reading waits until it is let go on.
    struct Steps {
        is_read: mpsc::Sender<()>,
        go_on: Arc<Mutex<mpsc::Receiver<Polled>>>,
    }

    impl Source for Steps {
        fn splits(&self) -> usize {
            2
        }

        fn open(&self, _: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
            Ok(Box::new(Self { is_read: self.is_read.clone(), go_on: Arc::clone(&self.go_on) }))
        }

        fn statistics(&self) -> SourceStatistics {
            SourceStatistics::default()
        }
    }

    impl SplitReader for Steps {
        fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
            unreachable!("it is polled")
        }

        fn poll(&mut self) -> Result<Polled, ConnectorError> {
            self.is_read.send(()).expect("the test waits");
            Ok(self.go_on.lock().expect("one reader").recv().expect("the test goes on"))
        }

        fn bytes_read(&self) -> u64 {
            0
        }

        fn position(&self) -> Position {
            Position::contiguous("steps".into(), 0)
        }
    }

    /// Takes one morsel and does it, puts a barrier while more is read, and gives what is told when reading has given that.
    fn barrier_while_reading(outcome: Polled) -> Option<Progress> {
        let (is_read, wait_for_read) = mpsc::channel();
        let (go_on, receiver) = mpsc::channel();
        let source = Steps { is_read, go_on: Arc::new(Mutex::new(receiver)) };
        let waiting = AtomicUsize::new(0);
        let morsels = Morsels::new(Input::Source(&source), &waiting, None, None);
        let one = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
        go_on.send(Polled::Batch(one.expect("one column"))).expect("the source is there");
        let first = morsels.take().expect("it reads").expect("there is a batch");
        wait_for_read.recv().expect("it was read");
        morsels.done(first.seq);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| morsels.try_take().expect("it reads"));
            wait_for_read.recv().expect("it is being read");
            morsels.put_barrier(1);
            go_on.send(outcome).expect("the source is there");
            assert!(matches!(other.join().expect("it takes"), Taken::Nothing), "what is behind a barrier is not taken");
        });
        morsels.news()
    }

    #[test]
    fn a_barrier_is_reached_by_the_end_of_a_split() {
        assert_eq!(barrier_while_reading(Polled::End).map(|progress| progress.barrier), Some(1));
    }

    #[test]
    fn a_barrier_does_not_wait_for_a_source_that_has_nothing() {
        assert_eq!(barrier_while_reading(Polled::Nothing).map(|progress| progress.barrier), Some(1));
    }

    #[test]
    fn the_next_barrier_may_stand_where_all_is_done() {
        let waiting = AtomicUsize::new(0);
        let morsels = Morsels::new(Input::Channel, &waiting, None, None);
        let barrier = |number| ToGive {
            rows: Vec::new(),
            watermark: NEVER,
            is_last: false,
            is_idle: false,
            barrier: Some(number),
        };
        morsels.push(&barrier(1));
        morsels.push(&barrier(2));
        assert_eq!(morsels.progress().barrier, 1);
        assert_eq!(morsels.news(), None);
        morsels.lift_barrier(1);
        assert_eq!(morsels.news().map(|progress| progress.barrier), Some(2));
        assert_eq!(morsels.news(), None, "news is told once");
    }
}
