//! A stream that asks a table of a database for the rows of its keys: `.lookup_join(table)`.
//!
//! Rows come morsel by morsel, in the order of the input. Each looks its key up in the [`cache`]; a key that is not known is a question,
//! left at the [`desk`], where a thread that talks to the database finds it, with whatever else is asked by then. Nobody waits:
//! what a morsel gives is handed on when all of its keys are known and all morsels before it are through, by whichever worker finds the
//! answers. Watermarks, barriers and the end stand in the same line behind the morsels that came before them.
//!
//! A null in a key matches nothing and is not asked for. What waits is bounded: beyond [`MOST_WAITING_BYTES`] no source that
//! leads here is read, so a slow database slows the stream.

#![cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "a build without a database has nobody who answers"))]

mod cache;
pub(crate) mod desk;
pub(crate) mod key;

use super::gather::{gather, gather_present};
use super::{Output, StreamSpec};
use crate::error::RunError;
use crate::live::{self, GIVEN_ROWS, ToGive};
use crate::operator::collect::{Order, Rows};
use crate::primitive::hash_table::NONE;
use crate::spill::Account;
use crate::summary::LookupSummary;
use crate::watermark::NEVER;
use cache::{Cache, Met};
use desk::Desk;
use sabot_abi::manifest::ColumnType;
use sabot_abi::stream::{JoinKind, StreamOperator};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rows that wait for answers and their keys, in bytes, until no more are read.
const MOST_WAITING_BYTES: usize = 16 << 20;

/// Rows of answers that are remembered, and how long, where the job does not say.
const CACHE_ROWS: usize = 100_000;
const CACHE_AGE: Duration = Duration::from_secs(60);

/// What is told with rows, or behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) watermark: i64,
    pub(crate) is_last: bool,
    pub(crate) is_idle: bool,
    /// The last barrier so far.
    pub(crate) barrier: u64,
}

impl Default for Mark {
    fn default() -> Self {
        Self { watermark: NEVER, is_last: false, is_idle: false, barrier: 0 }
    }
}

/// What has been asked and answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Rows that have a key.
    rows: u64,
    /// Keys that were asked for.
    asked: u64,
    /// Those of them that had been known before, and too long.
    again: u64,
    /// Rows that matched nothing.
    unmatched: u64,
}

/// Rows of a morsel that wait.
#[derive(Debug)]
struct Piece {
    number: u64,
    rows: Rows,
    bytes: usize,
    /// By row: the entry of its key, or `NONE`.
    entries: Vec<u32>,
    /// The entries that it needs, each once.
    needs: Vec<u32>,
}

/// What stands in line.
#[derive(Debug)]
enum Step {
    Piece(Piece),
    Mark(Mark),
}

#[derive(Debug)]
struct State {
    cache: Cache,
    line: VecDeque<Step>,
    /// Pieces that wait for so many answers.
    waiting: HashMap<u64, usize>,
    pieces: u64,
    /// The last mark in the line, and the last that was given.
    queued: Mark,
    given: Mark,
    accounted: usize,
    counts: Counts,
}

/// The table.
#[derive(Debug)]
pub(crate) struct LookupTable {
    pub(crate) spec: StreamSpec,
    kind: JoinKind,
    /// The source of the job that is asked.
    pub(crate) source: u32,
    /// Positions in its fields of what is given, and of the key.
    pub(crate) columns: Vec<u32>,
    pub(crate) keys: Vec<u32>,
    pub(crate) desk: Desk,
    inbox: Mutex<BTreeMap<Order, Rows>>,
    state: Mutex<State>,
    waiting_bytes: AtomicUsize,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LookupTable {
    /// Of the manifest, if it is such a table.
    pub(crate) fn new(spec: StreamSpec) -> Result<Self, RunError> {
        let StreamOperator::Lookup { kind, source, columns, keys } = spec.operator.clone() else {
            return Err(RunError::BadManifest("a table that is no lookup is used as one".to_owned()));
        };
        let state = State {
            cache: Cache::new(&spec.inputs[1], CACHE_ROWS, CACHE_AGE),
            line: VecDeque::new(),
            waiting: HashMap::new(),
            pieces: 0,
            queued: Mark::default(),
            given: Mark::default(),
            accounted: 0,
            counts: Counts::default(),
        };
        Ok(Self {
            spec,
            kind,
            source,
            columns,
            keys,
            desk: Desk::default(),
            inbox: Mutex::default(),
            state: Mutex::new(state),
            waiting_bytes: AtomicUsize::new(0),
        })
    }

    /// How much is remembered, as the job's options say.
    pub(crate) fn remember(&self, options: &BTreeMap<String, String>) {
        let number = |name: &str| options.get(name)?.parse::<u64>().ok();
        let rows = number("cache").map_or(CACHE_ROWS, |rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let age = number("cache_ms").map_or(CACHE_AGE, Duration::from_millis);
        lock(&self.state).cache = Cache::new(&self.spec.inputs[1], rows, age);
    }

    /// No rows, in the columns in which a worker brings them: the key, which may be null, then the input's.
    pub(crate) fn empty(&self) -> Rows {
        let keys = self.spec.keys.iter().map(|ty| ColumnType { nullable: true, ..*ty });
        Rows::new(keys.chain(self.spec.inputs[0].iter().copied()))
    }

    /// Takes the rows of a morsel. Several ways of a fork may lead here.
    pub(crate) fn bring(&self, order: Order, rows: Rows) {
        if rows.rows == 0 {
            return;
        }
        self.waiting_bytes.fetch_add(rows.memory_bytes(), Ordering::Relaxed);
        match lock(&self.inbox).entry(order) {
            std::collections::btree_map::Entry::Occupied(mut known) => {
                // Counted anew: what is put together takes another number of bytes.
                let before = known.get().memory_bytes() + rows.memory_bytes();
                known.get_mut().take_over(rows);
                self.waiting_bytes.fetch_add(known.get().memory_bytes(), Ordering::Relaxed);
                self.waiting_bytes.fetch_sub(before, Ordering::Relaxed);
            }
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(rows);
            }
        }
    }

    /// So much waits that no more is to be read.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting_bytes.load(Ordering::Relaxed) > MOST_WAITING_BYTES
    }

    /// What came last in the line.
    pub(crate) fn queued(&self) -> Mark {
        lock(&self.state).queued
    }

    /// The last barrier that was handed on.
    pub(crate) fn barrier(&self) -> u64 {
        lock(&self.state).given.barrier
    }

    /// What has been asked and answered.
    pub(crate) fn summary(&self) -> LookupSummary {
        let Counts { rows, asked, again, unmatched } = lock(&self.state).counts;
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (questions, retried) = (of(&self.desk.sent), of(&self.desk.resent));
        LookupSummary { rows, asked, again, unmatched, questions, retried }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inbox).is_empty() && lock(&self.state).line.is_empty()
    }

    /// Takes over what has come of the stream, up to `mark`, and of the database; gives what is complete, in order. To be asked until
    /// there is nothing.
    pub(crate) fn go_on(
        &self,
        feeds: &[live::Feed],
        mark: Mark,
        account: &Account,
    ) -> Result<Option<ToGive>, RunError> {
        let state = &mut *lock(&self.state);
        for answer in self.desk.take_answers()? {
            for piece in state.cache.learn(&answer, Instant::now()) {
                if let Some(left) = state.waiting.get_mut(&piece) {
                    *left -= 1;
                    if *left == 0 {
                        state.waiting.remove(&piece);
                    }
                }
            }
        }
        for rows in self.done(feeds) {
            self.admit(state, rows);
        }
        if mark != state.queued {
            state.queued = mark;
            state.line.push_back(Step::Mark(mark));
        }
        let to_give = self.next(state);
        let most = account.is_full().then_some(0);
        state.cache.shrink(most);
        let bytes = state.cache.memory_bytes() + self.waiting_bytes.load(Ordering::Relaxed);
        account.update(&mut state.accounted, bytes);
        if most.is_some() && account.is_full() {
            let what = format!(
                "what `{}` waits for with the job's other state holds more than the memory budget",
                self.spec.name
            );
            return Err(RunError::StreamNeedsMemory { what });
        }
        Ok(to_give)
    }

    /// The morsels that are in front of the frontiers, in order.
    fn done(&self, feeds: &[live::Feed]) -> Vec<Rows> {
        let mut inbox = lock(&self.inbox);
        let is_done = |(pipeline, seq): Order| {
            let has_come = |feed: &live::Feed| seq < feed.progress.frontier || feed.progress.is_complete;
            feeds.iter().any(|feed| feed.pipeline == pipeline && has_come(feed))
        };
        let places: Vec<Order> = inbox.keys().filter(|order| is_done(**order)).copied().collect();
        places.iter().filter_map(|place| inbox.remove(place)).collect()
    }

    /// Puts a morsel into the line, and asks for what is not known.
    fn admit(&self, state: &mut State, rows: Rows) {
        let number = state.pieces;
        state.pieces += 1;
        let (now, mut key) = (Instant::now(), Vec::new());
        let (mut entries, mut needs, mut ask, mut waits) = (Vec::with_capacity(rows.rows), Vec::new(), Vec::new(), 0);
        for row in 0..rows.rows {
            if !key::of_row(&rows.columns[..self.spec.keys.len()], row, &mut key) {
                entries.push(NONE);
                continue;
            }
            let (entry, met) = state.cache.look_at(&key, number, now);
            entries.push(entry);
            state.counts.rows += 1;
            match met {
                Met::Again => continue,
                Met::Known => {}
                Met::Asked => waits += 1,
                Met::New | Met::Old => {
                    waits += 1;
                    ask.push((entry, state.cache.key(entry)));
                    state.counts.again += u64::from(met == Met::Old);
                }
            }
            needs.push(entry);
        }
        state.counts.asked += ask.len() as u64;
        if waits > 0 {
            state.waiting.insert(number, waits);
        }
        if !ask.is_empty() {
            self.desk.ask(ask.into_iter());
        }
        // What is waited for counts, too: of many different keys it is more than the rows.
        let of_keys: usize = needs.iter().map(|entry| state.cache.key_bytes_of(*entry)).sum();
        self.waiting_bytes.fetch_add(of_keys, Ordering::Relaxed);
        let bytes = rows.memory_bytes() + of_keys;
        state.line.push_back(Step::Piece(Piece { number, rows, bytes, entries, needs }));
    }

    /// What is complete at the head of the line.
    fn next(&self, state: &mut State) -> Option<ToGive> {
        let mut rows = Vec::new();
        loop {
            match state.line.pop_front() {
                Some(Step::Piece(piece)) if !state.waiting.contains_key(&piece.number) => {
                    self.give(state, &piece, &mut rows);
                    self.waiting_bytes.fetch_sub(piece.bytes, Ordering::Relaxed);
                    piece.needs.iter().for_each(|entry| state.cache.release(*entry));
                    // Whoever takes these frees them before there are more.
                    if rows.iter().map(|rows: &std::sync::Arc<Rows>| rows.rows).sum::<usize>() >= 4 * GIVEN_ROWS {
                        break;
                    }
                }
                Some(Step::Mark(mark)) => {
                    let barrier = (mark.barrier > state.given.barrier).then_some(mark.barrier);
                    state.given = mark;
                    let Mark { watermark, is_last, is_idle, .. } = mark;
                    return Some(ToGive { rows, watermark, is_last, is_idle, barrier });
                }
                Some(waits) => {
                    state.line.push_front(waits);
                    break;
                }
                None => break,
            }
        }
        let Mark { watermark, is_last, is_idle, .. } = state.given;
        (!rows.is_empty()).then_some(ToGive { rows, watermark, is_last, is_idle, barrier: None })
    }

    /// The rows that a morsel comes to.
    fn give(&self, state: &mut State, piece: &Piece, to: &mut Vec<std::sync::Arc<Rows>>) {
        let types = self.spec.columns();
        let (mut left, mut right): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut out = Output::new(&types);
        for row in 0..=piece.rows.rows {
            if left.len() >= GIVEN_ROWS || row == piece.rows.rows {
                self.put(state, piece, (&left, &right), &mut out);
                left.clear();
                right.clear();
                if out.rows.rows > 0 {
                    to.push(std::sync::Arc::new(out.take()));
                }
            }
            let Some(entry) = piece.entries.get(row) else { break };
            let found = if *entry == NONE { 0..0 } else { state.cache.rows(*entry) };
            state.counts.unmatched += u64::from(found.is_empty());
            let row = row as u32;
            match self.kind {
                JoinKind::Semi if found.is_empty() => {}
                JoinKind::Anti if !found.is_empty() => {}
                JoinKind::Semi | JoinKind::Anti => left.push(row),
                JoinKind::Left | JoinKind::Full if found.is_empty() => {
                    left.push(row);
                    right.push(NONE);
                }
                JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                    left.extend(std::iter::repeat_n(row, found.len()));
                    right.extend(found);
                }
            }
        }
    }

    fn put(&self, state: &State, piece: &Piece, (left, right): (&[u32], &[u32]), out: &mut Output) {
        let of_left = self.spec.inputs[0].len();
        let columns = &mut out.rows.columns;
        gather(&mut columns[..of_left], &piece.rows.columns[self.spec.keys.len()..], left);
        if !matches!(self.kind, JoinKind::Semi | JoinKind::Anti) {
            let of_right = self.spec.inputs[1].len();
            gather(&mut columns[of_left..of_left + of_right], state.cache.columns(), right);
            if let Some(present) = columns.get_mut(of_left + of_right) {
                gather_present(present, right);
            }
        }
        out.added(left.len());
    }
}
