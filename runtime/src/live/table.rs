//! Tables that give rows while they are filled.

use crate::error::RunError;
use crate::morsel::{Progress, Seq};
use crate::operator::accumulate::Users;
use crate::operator::aggregate::GroupSpec;
use crate::operator::collect::Rows;
use crate::operator::rows::RowsSpec;
use crate::operator::stream::lookup::Mark;
use crate::operator::stream::{LookupTable, StateOf, StreamSpec, StreamTable};
use crate::operator::window::{Assign, ClosingTable, KeyedWindows, WindowSpec, WindowTable};
use crate::scheduler::JobRun;
use crate::spill::Account;
use crate::watermark::{Clock, END_OF_TIME, NEVER};
use sabot_abi::manifest::TableKind;
use sabot_abi::stream::{StreamOperator, WindowKind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A pipeline that fills a table, and how far it has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed {
    /// By number.
    pub(crate) pipeline: u32,
    /// Which of the table's inputs it is.
    pub(crate) input: u32,
    pub(crate) progress: Progress,
}

impl Feed {
    /// The watermark of what it has brought.
    pub(crate) fn watermark(&self) -> i64 {
        if self.progress.is_complete { END_OF_TIME } else { self.progress.watermark }
    }
}

/// A table that gives rows while it is filled.
#[derive(Debug)]
pub(crate) struct LiveTable {
    pub(super) kind: LiveKind,
    /// Of accumulators by the end of a window: the part of the key.
    pub(super) closes: Option<u32>,
    pub(crate) account: Account,
    feeds: Mutex<Vec<Feed>>,
    /// How many have news of feeds; the first of them does the work for all.
    claims: AtomicUsize,
    /// Those of them that the work which is being done has heard of.
    heard: AtomicUsize,
    given: Mutex<Given>,
    /// Rows that it has given.
    rows: AtomicU64,
    /// The last barrier that was given, and how many rows before it.
    before_barrier: Mutex<(u64, u64)>,
}

/// The kinds of them.
#[derive(Debug)]
pub(super) enum LiveKind {
    /// Accumulators by window.
    Window(WindowTable),
    /// Rows in order, by window.
    Rows(ClosingTable),
    /// State by key, of a stream or of windows of a key's own rows.
    Stream(Box<StreamTable>),
    /// What a database is asked for.
    Lookup(Box<LookupTable>),
}

/// What was told to the readers.
#[derive(Debug)]
struct Given {
    watermark: i64,
    is_last: bool,
    is_idle: bool,
    barrier: u64,
}

/// What a table gives its readers.
pub(crate) struct ToGive {
    pub(crate) rows: Vec<Arc<Rows>>,
    pub(crate) watermark: i64,
    /// There will be nothing more.
    pub(crate) is_last: bool,
    /// Nobody is to wait for its watermark.
    pub(crate) is_idle: bool,
    /// A barrier behind the rows: what came before it through all feeds has gone into them or into the table's state.
    pub(crate) barrier: Option<u64>,
}

impl LiveTable {
    pub(crate) fn new(name: &str, of: &TableKind, users: &Users, account: Account) -> Result<Self, RunError> {
        let unknown = |what: &str| Err(RunError::BadManifest(what.to_owned()));
        let kind = match of {
            TableKind::Window {
                keys,
                calls,
                kind: kind @ (WindowKind::Session { .. } | WindowKind::Count { .. }),
                ..
            } => {
                let windows = KeyedWindows::new(of, GroupSpec::new(keys, calls, users), *kind);
                let Some(windows) = windows else { return unknown("it has a window without a length") };
                LiveKind::Stream(Box::new(StreamTable::new(StateOf::Windows(Arc::new(windows)))))
            }
            TableKind::Window { keys, calls, kind, processing_time, allowed_lateness_us, emit_every_us } => {
                let Some(assign) = Assign::new(*kind) else {
                    return unknown("it has a window without a length");
                };
                LiveKind::Window(WindowTable::new(WindowSpec {
                    groups: GroupSpec::new(keys, calls, users),
                    assign,
                    allowed_us: (*allowed_lateness_us).max(0),
                    emit_every_us: *emit_every_us,
                    processing_time: *processing_time,
                    gives_bounds: true,
                }))
            }
            TableKind::Aggregate { keys, calls, closes: Some(closes) } if (*closes as usize) < keys.len() => {
                LiveKind::Window(WindowTable::new(WindowSpec {
                    groups: GroupSpec::new(keys, calls, users),
                    assign: Assign::End,
                    allowed_us: 0,
                    emit_every_us: None,
                    processing_time: false,
                    gives_bounds: false,
                }))
            }
            TableKind::Sort { columns, by, limit, partition_by, closes: Some(closes) }
                if (*closes as usize) < columns.len() =>
            {
                let (types, by, limit) = (columns.clone(), by.clone(), *limit);
                let spec = RowsSpec { types, by, limit, partition_by: partition_by.clone() };
                LiveKind::Rows(ClosingTable::new(spec, *closes))
            }
            TableKind::Stream { keys, inputs, operator: operator @ StreamOperator::Lookup { .. }, .. } => {
                LiveKind::Lookup(Box::new(LookupTable::new(StreamSpec::new(name, keys, inputs, operator)?)?))
            }
            TableKind::Stream { keys, inputs, operator, emit_every_us } => {
                let spec = StreamSpec::new(name, keys, inputs, operator)?;
                LiveKind::Stream(Box::new(StreamTable::new(StateOf::Stream(StreamSpec {
                    users: users.clone(),
                    emit_every_us: *emit_every_us,
                    ..spec
                }))))
            }
            TableKind::Aggregate { .. } | TableKind::Sort { .. } | TableKind::Join { .. } | TableKind::Rows { .. } => {
                return unknown("a table closes by a column that it does not have");
            }
        };
        let closes = match of {
            TableKind::Aggregate { closes, .. } => *closes,
            TableKind::Window { .. }
            | TableKind::Stream { .. }
            | TableKind::Sort { .. }
            | TableKind::Join { .. }
            | TableKind::Rows { .. } => None,
        };
        let given = Mutex::new(Given { watermark: NEVER, is_last: false, is_idle: false, barrier: 0 });
        Ok(Self {
            kind,
            closes,
            account,
            feeds: Mutex::default(),
            claims: AtomicUsize::new(0),
            heard: AtomicUsize::new(0),
            given,
            rows: AtomicU64::new(0),
            before_barrier: Mutex::default(),
        })
    }

    /// The pipelines that fill it start: their numbers, and which inputs they are.
    pub(crate) fn start(&self, feeds: &[(u32, u32)]) {
        let progress =
            Progress { frontier: Seq::START, watermark: NEVER, is_complete: false, is_idle: false, barrier: 0 };
        let feeds = feeds.iter().map(|(pipeline, input)| Feed { pipeline: *pipeline, input: *input, progress });
        *self.feeds.lock().expect("a worker that panicked ends the job") = feeds.collect();
    }

    /// A pipeline that fills it has come so far. Gives what that completes to `give`, in order; whether there was anything.
    ///
    /// One worker at a time does so: another that comes meanwhile leaves its news to it.
    pub(crate) fn advance(
        &self,
        job: &JobRun<'_>,
        number: u32,
        pipeline: u32,
        progress: Progress,
        give: impl FnMut(&ToGive),
    ) -> Result<bool, RunError> {
        {
            let mut feeds = self.feeds.lock().expect("a worker that panicked ends the job");
            let mut is_new = false;
            for feed in feeds.iter_mut().filter(|feed| feed.pipeline == pipeline) {
                is_new |= feed.progress.take_over(&progress);
            }
            if !is_new {
                return Ok(false);
            }
        }
        self.poll(job, number, give)
    }

    /// Whether the worker that works for all has so much news to come back to that nobody should bring more: rows that wait
    /// for it are in nobody's account of what waits.
    pub(crate) fn is_behind(&self) -> bool {
        const MOST_NEWS: usize = 16;
        let claims = self.claims.load(Ordering::Relaxed);
        claims.saturating_sub(self.heard.load(Ordering::Relaxed)) > MOST_NEWS
    }

    /// Gives what is complete to `give`, in order; whether there was anything.
    pub(crate) fn poll(&self, job: &JobRun<'_>, number: u32, mut give: impl FnMut(&ToGive)) -> Result<bool, RunError> {
        if self.claims.fetch_add(1, Ordering::AcqRel) > 0 {
            return Ok(false);
        }
        let mut has_given = false;
        loop {
            let claims = self.claims.load(Ordering::Acquire);
            self.heard.store(claims, Ordering::Relaxed);
            while let Some(to_give) = self.complete(job, number)? {
                let rows: usize = to_give.rows.iter().map(|rows| rows.rows).sum();
                let rows = self.rows.fetch_add(rows as u64, Ordering::Relaxed) + rows as u64;
                if let Some(barrier) = to_give.barrier {
                    *self.before_barrier.lock().expect("a worker that panicked ends the job") = (barrier, rows);
                }
                give(&to_give);
                has_given = true;
                // Only rounds follow on each other; a clock always has gone on.
                if self.stream().is_none() && self.lookup().is_none() {
                    break;
                }
            }
            if self.claims.compare_exchange(claims, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Ok(has_given);
            }
        }
    }

    /// What the feeds have completed since it was asked last.
    fn complete(&self, job: &JobRun<'_>, number: u32) -> Result<Option<ToGive>, RunError> {
        let mut feeds = self.feeds.lock().expect("a worker that panicked ends the job").clone();
        let mut given = self.given.lock().expect("a worker that panicked ends the job");
        if let LiveKind::Lookup(table) = &self.kind {
            // Others have been told less: what is here stands in a line.
            let Mark { watermark, is_last, is_idle, barrier } = table.queued();
            *given = Given { watermark, is_last, is_idle, barrier };
        }
        let is_waited_for = |feed: &&Feed| feed.progress.is_complete || !feed.progress.is_idle;
        let is_idle = feeds.iter().filter(is_waited_for).all(|feed| feed.progress.is_complete);
        let is_last = feeds.iter().all(|feed| feed.progress.is_complete);
        let is_idle = is_idle && !is_last;
        // It stands at all that still bring something, so nothing from behind it is here.
        let bringing = feeds.iter().filter(|feed| !feed.progress.is_complete);
        let aligned = bringing.map(|feed| feed.progress.barrier).min().filter(|barrier| *barrier > given.barrier);
        // Those that are silent hold nobody up; if all are, time stands still.
        let waited_for = feeds.iter().filter(is_waited_for).map(Feed::watermark).min();
        let watermark = match self.clock().filter(|_| !is_last) {
            Some(clock) => clock.watermark().max(given.watermark),
            None if is_idle => given.watermark,
            None => waited_for.unwrap_or(END_OF_TIME).max(given.watermark),
        };
        for feed in feeds.iter_mut().filter(|feed| !feed.progress.is_complete && feed.progress.is_idle) {
            feed.progress.watermark = feed.progress.watermark.max(watermark);
        }
        if let LiveKind::Lookup(table) = &self.kind {
            let mark = Mark { watermark, is_last, is_idle, barrier: aligned.unwrap_or(given.barrier) };
            return table.go_on(&feeds, mark, &job.account);
        }
        if let LiveKind::Stream(table) = &self.kind {
            if self.clock().is_some() {
                feeds.iter_mut().for_each(|feed| feed.progress.watermark = watermark);
            }
            let ended = table.end_round(&self.account)?;
            table.start_round(&feeds, aligned.is_some());
            let aligned = aligned.filter(|_| !table.is_busy());
            let Some(ended) = ended else {
                given.barrier = aligned.unwrap_or(given.barrier);
                let (watermark, is_last, is_idle) = (given.watermark, given.is_last, given.is_idle);
                return Ok(aligned.map(|_| ToGive { rows: Vec::new(), watermark, is_last, is_idle, barrier: aligned }));
            };
            if !ended.refused.is_empty() {
                job.refuse_groups(job.filler_of(number).unwrap_or(0), &ended.refused)?;
            }
            if let (Some(late), Some(windows)) = (&ended.late, table.windows()) {
                windows.write_late(late, job)?;
            }
            debug_assert!(!ended.is_last || self.is_empty(), "at the end of the input nothing is left");
            let watermark = ended.watermark.max(given.watermark);
            *given = Given { watermark, is_last: ended.is_last, is_idle, barrier: aligned.unwrap_or(given.barrier) };
            let rows = ended.rows.into_iter().map(Arc::new).collect();
            return Ok(Some(ToGive { rows, watermark, is_last: ended.is_last, is_idle, barrier: aligned }));
        }
        let is_further = watermark > given.watermark;
        let made = match &self.kind {
            LiveKind::Window(table) if is_further || table.spec.allowed_us > 0 => {
                table.advance(watermark, &feeds, &self.account)?
            }
            LiveKind::Rows(table) if is_further => table.advance(watermark, &self.account),
            LiveKind::Window(_) | LiveKind::Rows(_) | LiveKind::Stream(_) | LiveKind::Lookup(_) => Default::default(),
        };
        if self.account.is_full() {
            let name = &job.tables[number as usize].name;
            let what = format!("`{name}` and the job's other windows and streams hold more than the memory budget");
            return Err(RunError::StreamNeedsMemory { what });
        }
        let operator = job.filler_of(number).unwrap_or(0);
        if !made.refused.is_empty() {
            job.refuse_groups(operator, &made.refused)?;
        }
        if made.late > 0 {
            job.late_rows.lock().expect("a worker that panicked ends the job").push((operator, made.late));
        }
        if is_last {
            debug_assert!(self.is_empty(), "at the end of the input nothing is left");
        }
        let is_news = aligned.is_some()
            || is_further
            || is_last != given.is_last
            || is_idle != given.is_idle
            || !made.rows.is_empty();
        *given = Given { watermark, is_last, is_idle, barrier: aligned.unwrap_or(given.barrier) };
        let rows = made.rows.into_iter().map(Arc::new).collect();
        Ok(is_news.then_some(ToGive { rows, watermark, is_last, is_idle, barrier: aligned }))
    }

    /// The last barrier that was given, and how many rows before it.
    pub(crate) fn before_barrier(&self) -> (u64, u64) {
        *self.before_barrier.lock().expect("a worker that panicked ends the job")
    }

    /// The last barrier that was handed on.
    pub(crate) fn barrier(&self) -> u64 {
        if let LiveKind::Lookup(table) = &self.kind {
            return table.barrier();
        }
        self.given.lock().expect("a worker that panicked ends the job").barrier
    }

    /// The machine's time, if that is what its windows are of.
    pub(crate) fn clock(&self) -> Option<&Clock> {
        match &self.kind {
            LiveKind::Window(table) => table.spec.processing_time.then_some(&*table.clock),
            LiveKind::Stream(table) => {
                table.windows().filter(|windows| windows.processing_time).map(|windows| &*windows.clock)
            }
            LiveKind::Rows(_) | LiveKind::Lookup(_) => None,
        }
    }

    /// State by key, if it is that.
    pub(crate) fn stream(&self) -> Option<&StreamTable> {
        match &self.kind {
            LiveKind::Stream(table) => Some(table),
            LiveKind::Window(_) | LiveKind::Rows(_) | LiveKind::Lookup(_) => None,
        }
    }

    /// What a database is asked for, if it is that.
    pub(crate) fn lookup(&self) -> Option<&LookupTable> {
        match &self.kind {
            LiveKind::Lookup(table) => Some(table),
            LiveKind::Window(_) | LiveKind::Rows(_) | LiveKind::Stream(_) => None,
        }
    }

    fn is_empty(&self) -> bool {
        match &self.kind {
            LiveKind::Window(table) => table.is_empty(),
            LiveKind::Rows(table) => table.is_empty(),
            LiveKind::Stream(table) => table.is_empty(),
            LiveKind::Lookup(table) => table.is_empty(),
        }
    }
}
