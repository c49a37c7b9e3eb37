//! A table of a stream while the job runs: rows that wait, in the order of the input, and the states of the partitions.
//!
//! What is in front of the frontiers of the pipelines that fill the table is worked off in rounds. A round is the rows and
//! watermarks that have come since the last one; its partitions are taken by whoever has time, and when all are done, what
//! they have given is handed on in the order of the partitions. There is one round at a time, so a state sees rows in order.

use super::given::{Part, together};
use super::key_group::PARTITIONS;
use super::of::StateOf;
use super::{Given, Output, StreamState};
use crate::error::RunError;
use crate::live;
use crate::operator::collect::{Order, Rows};
use crate::operator::window::KeyedWindows;
use crate::spill::Account;
use crate::ticks::TICK;
use crate::watermark::{END_OF_TIME, NEVER};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Changes of a key are given at most so often.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Morsels of a round: what it gives waits until it is over.
const MOST_PIECES: usize = 64;

/// The table.
#[derive(Debug)]
pub(crate) struct StreamTable {
    pub(super) of: StateOf,
    inbox: Mutex<BTreeMap<(Order, u32), Piece>>,
    rounds: Mutex<Rounds>,
    /// By partition.
    states: Vec<Mutex<Partition>>,
    /// Changes of a key are given at most so often, in microseconds.
    flush_every_us: AtomicU64,
}

/// Rows of one morsel, by partition.
pub(super) type Piece = Vec<(usize, Rows)>;

/// The state of a partition.
struct Partition {
    state: Box<dyn StreamState>,
    out: Output,
    watermark: i64,
    bytes: usize,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("watermark", &self.watermark).finish_non_exhaustive()
    }
}

/// What has been done, and what is being done.
#[derive(Debug)]
struct Rounds {
    current: Option<Arc<Round>>,
    /// The watermarks of the inputs, as the states know them.
    watermarks: Vec<i64>,
    is_over: bool,
    flushed: Instant,
    started: Instant,
    /// Rows have come since.
    is_changed: bool,
    accounted: usize,
}

/// Work for all partitions.
#[derive(Debug)]
struct Round {
    /// By partition, in order: the input, and rows of it.
    rows: Vec<Mutex<Vec<(u32, Rows)>>>,
    watermarks: Option<Vec<i64>>,
    is_last: bool,
    is_flush: bool,
    /// The next partition that nobody works on.
    next: AtomicUsize,
    /// Partitions that are not done.
    left: AtomicUsize,
    /// By partition: what it has given.
    given: Vec<Mutex<Part>>,
    failure: Mutex<Option<RunError>>,
}

/// A partition is done, also if it has failed.
struct Done<'a>(&'a Round);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.left.fetch_sub(1, Ordering::AcqRel);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("a worker that panicked ends the job")
}

impl StreamTable {
    pub(crate) fn new(of: StateOf) -> Self {
        let partition = |number| {
            let (state, out) = (of.state(number), Output::new(&of.columns()));
            Mutex::new(Partition { state, out, watermark: NEVER, bytes: 0 })
        };
        let rounds = Rounds {
            current: None,
            watermarks: vec![NEVER; of.inputs()],
            is_over: false,
            flushed: Instant::now(),
            started: Instant::now(),
            is_changed: false,
            accounted: 0,
        };
        Self {
            states: (0..PARTITIONS).map(partition).collect(),
            inbox: Mutex::default(),
            rounds: Mutex::new(rounds),
            flush_every_us: AtomicU64::new(of.emit_every_us().unwrap_or(micros(FLUSH_EVERY))),
            of,
        }
    }

    /// What its states are, if they are windows of a key's own rows.
    pub(crate) fn windows(&self) -> Option<&Arc<KeyedWindows>> {
        match &self.of {
            StateOf::Windows(windows) => Some(windows),
            StateOf::Stream(_) => None,
        }
    }

    /// Changes of a key are to be given that often at most.
    pub(crate) fn flush_every(&self, every: Duration) {
        self.flush_every_us.store(micros(every), Ordering::Relaxed);
    }

    /// Takes the rows of a morsel. Several ways of a fork may lead to one input.
    pub(crate) fn bring(&self, order: Order, input: u32, piece: Piece, waiting_bytes: &AtomicUsize) {
        if piece.is_empty() {
            return;
        }
        let bytes: usize = piece.iter().map(|(_, rows)| rows.memory_bytes()).sum();
        waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        lock(&self.inbox).entry((order, input)).or_default().extend(piece);
    }

    /// The next round, if there is none, and there is something to do. Changes do not wait where a barrier does.
    pub(crate) fn start_round(&self, feeds: &[live::Feed], has_barrier: bool) {
        let mut rounds = lock(&self.rounds);
        if rounds.current.is_some() || rounds.is_over {
            return;
        }
        let mut inbox = lock(&self.inbox);
        let is_done = |(pipeline, seq): Order| {
            feeds
                .iter()
                .any(|feed| feed.pipeline == pipeline && (seq < feed.progress.frontier || feed.progress.is_complete))
        };
        let mut places: Vec<(Order, u32)> = inbox.keys().filter(|(order, _)| is_done(*order)).copied().collect();
        // The watermark is behind all of them.
        let is_all = places.len() <= MOST_PIECES;
        places.truncate(MOST_PIECES);
        let mut rows: Vec<Vec<(u32, Rows)>> = (0..PARTITIONS).map(|_| Vec::new()).collect();
        for place in &places {
            if let Some(windows) = self.windows() {
                windows.clock.end(place.0);
            }
            for (partition, of_partition) in inbox.remove(place).unwrap_or_default() {
                rows[partition].push((place.1, of_partition));
            }
        }
        drop(inbox);
        let mut watermarks = rounds.watermarks.clone();
        if is_all {
            for (input, watermark) in (0u32..).zip(&mut watermarks) {
                let of_input = feeds.iter().filter(|feed| feed.input == input).map(live::Feed::watermark);
                *watermark = of_input.min().unwrap_or(END_OF_TIME).max(*watermark);
            }
        }
        let is_last = is_all && feeds.iter().all(|feed| feed.progress.is_complete);
        rounds.is_changed |= !places.is_empty();
        let is_flush = is_last || self.needs_flush(&rounds, has_barrier && is_all);
        // A clock always has gone on.
        let is_due = !self.of.has_clock() || is_last || !places.is_empty() || rounds.started.elapsed() >= TICK;
        let is_news = is_due && watermarks != rounds.watermarks;
        if places.is_empty() && !is_news && !is_flush {
            return;
        }
        if is_flush {
            (rounds.flushed, rounds.is_changed) = (Instant::now(), false);
        }
        rounds.started = Instant::now();
        rounds.is_over = is_last;
        rounds.watermarks.clone_from(&watermarks);
        rounds.current = Some(Arc::new(Round {
            rows: rows.into_iter().map(Mutex::new).collect(),
            watermarks: (is_news || is_last).then_some(watermarks),
            is_last,
            is_flush,
            next: AtomicUsize::new(0),
            left: AtomicUsize::new(PARTITIONS),
            given: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            failure: Mutex::default(),
        }));
    }

    /// Works on a partition of the round; whether there was one.
    pub(crate) fn work(&self, waiting_bytes: &AtomicUsize) -> bool {
        let Some(round) = lock(&self.rounds).current.clone() else { return false };
        let number = round.next.fetch_add(1, Ordering::Relaxed);
        if number >= PARTITIONS {
            return false;
        }
        let _done = Done(&round);
        if let Err(error) = self.work_on(&round, number, waiting_bytes) {
            lock(&round.failure).get_or_insert(error);
        }
        true
    }

    fn work_on(&self, round: &Round, number: usize, waiting_bytes: &AtomicUsize) -> Result<(), RunError> {
        let rows = std::mem::take(&mut *lock(&round.rows[number]));
        let mut partition = lock(&self.states[number]);
        let Partition { state, out, watermark, bytes } = &mut *partition;
        let given = &mut *lock(&round.given[number]);
        for (input, rows) in rows {
            waiting_bytes.fetch_sub(rows.memory_bytes(), Ordering::Relaxed);
            state.rows(input as usize, &rows, out)?;
            given.take_much(out);
        }
        if let Some(watermarks) = &round.watermarks {
            *watermark = state.watermark(watermarks, out)?;
            given.take_much(out);
        }
        if round.is_flush {
            state.flush(out)?;
        }
        given.take(out);
        *bytes = state.memory_bytes();
        debug_assert!(!round.is_last || state.is_empty(), "at the end of the input nothing is left");
        Ok(())
    }

    /// What the round has given, if it is over.
    pub(crate) fn end_round(&self, account: &Account) -> Result<Option<Given>, RunError> {
        let mut rounds = lock(&self.rounds);
        if rounds.current.as_ref().is_none_or(|round| round.left.load(Ordering::Acquire) > 0) {
            return Ok(None);
        }
        let Some(round) = rounds.current.take() else { return Ok(None) };
        if let Some(error) = lock(&round.failure).take() {
            return Err(error);
        }
        let parts = round.given.iter().map(|given| std::mem::take(&mut *lock(given)));
        let (rows, late) = together(parts, &self.of.order());
        let (mut watermark, mut bytes, mut refused) = (END_OF_TIME, 0, Vec::new());
        for partition in &self.states {
            let mut partition = lock(partition);
            watermark = watermark.min(partition.watermark);
            bytes += partition.bytes;
            refused.append(&mut partition.out.refused);
        }
        account.update(&mut rounds.accounted, bytes);
        if let (true, StateOf::Stream(spec)) = (account.is_full(), &self.of) {
            let what = format!("the state of `{}` does not fit into the memory budget", spec.name);
            return Err(RunError::StreamNeedsMemory { what });
        }
        Ok(Some(Given { rows, late, watermark, is_last: round.is_last, refused }))
    }

    /// Whether there is something to do that nobody is told of: partitions of a round, or changes that are due.
    pub(crate) fn has_work(&self) -> bool {
        let rounds = lock(&self.rounds);
        match &rounds.current {
            Some(round) => round.next.load(Ordering::Relaxed) < PARTITIONS || round.left.load(Ordering::Relaxed) == 0,
            None => self.needs_flush(&rounds, false),
        }
    }

    /// Whether changes are due, be it for a barrier.
    fn needs_flush(&self, rounds: &Rounds, has_barrier: bool) -> bool {
        let is_due = || micros(rounds.flushed.elapsed()) >= self.flush_every_us.load(Ordering::Relaxed);
        self.of.gives_changes() && rounds.is_changed && !rounds.is_over && (has_barrier || is_due())
    }

    /// Rows that came when what they could have met was gone.
    pub(crate) fn late(&self) -> u64 {
        self.states.iter().map(|partition| lock(partition).out.late).sum()
    }

    /// Whether rows that came are still worked on.
    pub(crate) fn is_busy(&self) -> bool {
        lock(&self.rounds).current.is_some() || !lock(&self.inbox).is_empty()
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inbox).is_empty() && self.states.iter().all(|partition| lock(partition).state.is_empty())
    }
}

fn micros(of: Duration) -> u64 {
    u64::try_from(of.as_micros()).unwrap_or(u64::MAX)
}
