//! Pipelines that run at the same time, since tables between them give rows before all have come.
//!
//! Such tables are *live*: windows, state of streams, aggregates and sorted rows by the end of a window. The pipelines that they
//! connect are a group; groups run one after the other. In a group every worker thread has a worker for each pipeline. It
//! takes what waits nearest to the sinks, else a morsel of the source that is furthest behind, else it waits
//! for the others. Nothing waits on anything else, so a window fires while another worker reads.
//!
//! When a worker moves a pipeline's frontier, it tells the tables that the pipeline fills how far event time has come. What
//! they then give is pushed to the pipelines that read them, with a watermark behind it, which moves on in the same way.

mod ends;
mod lookups;
mod plan;
mod table;

use crate::connector::Source;
use crate::error::RunError;
use crate::morsel::{Progress, Seq, Taken};
use crate::operator::sink::SinkRun;
use crate::operator::stream::{LookupTable, StreamTable};
use crate::primitive::pool::Pool;
use crate::progress::Progress as Bars;
use crate::scheduler::{JobRun, PipelineReport, PipelineRun};
use crate::task::{Count, Worker};
use crate::ticks::{TICK, Ticks};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub(crate) use ends::{KeptSpec, WindowSpecs};
pub(crate) use plan::{Group, groups};
pub(crate) use table::{Feed, LiveTable, ToGive};

/// Rows that a table gives at once, at least, if it has that many.
pub(crate) const GIVEN_ROWS: usize = 16 * 1024;

/// How long a worker waits before it looks again by itself.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Where the workers of a group wait.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Counts what has happened.
    epoch: Mutex<u64>,
    changed: Condvar,
}

impl Wake {
    fn epoch(&self) -> u64 {
        *self.epoch.lock().expect("a worker that panicked ends the job")
    }

    /// Something has happened.
    pub(crate) fn bump(&self) {
        // A worker that panics must still wake the others.
        *self.epoch.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Waits until something has happened since.
    fn wait(&self, since: u64, most: Duration) {
        let epoch = self.epoch.lock().expect("a worker that panicked ends the job");
        if *epoch == since {
            let _ = self.changed.wait_timeout(epoch, most).expect("a worker that panicked ends the job");
        }
    }
}

/// How long a worker waits when a source has nothing.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(1);

/// Ends a group when it is dropped by a panic: the others would wait for what that worker had begun.
struct FailOnPanic<'a> {
    has_failed: &'a AtomicBool,
    wake: &'a Wake,
}

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.has_failed.store(true, Ordering::Relaxed);
            self.wake.bump();
        }
    }
}

/// A group while it runs.
struct GroupRun<'a> {
    job: &'a JobRun<'a>,
    /// In the order of the manifest: rows flow from earlier ones to later ones.
    runs: Vec<PipelineRun<'a>>,
    /// By pipeline: the live tables that it fills.
    fills: Vec<Vec<u32>>,
    /// By table: the pipelines that read it.
    readers: BTreeMap<u32, Vec<usize>>,
    /// The tables with windows of the machine's time.
    clocks: Vec<u32>,
    /// The tables of streams, those nearest to the sinks first.
    streams: Vec<(u32, &'a StreamTable)>,
    /// The tables of databases that are asked by key.
    lookups: Vec<(u32, &'a LookupTable)>,
    /// By pipeline: those of them that its rows come to.
    leads_to: Vec<Vec<&'a LookupTable>>,
    /// By pipeline: the live tables that its rows come to, be it through others.
    comes_to: Vec<Vec<&'a LiveTable>>,
    /// Somebody waits for one of them.
    holds_up: AtomicBool,
    /// Some source may have nothing yet.
    may_wait: bool,
    /// By pipeline: whether its source was silent when somebody looked last.
    idle: Vec<AtomicBool>,
    /// Number of the last barrier, and when it was put.
    barrier: Mutex<(u64, Instant)>,
    /// By pipeline: whether its end was seen.
    complete: Vec<AtomicBool>,
    has_failed: AtomicBool,
    wake: &'a Wake,
}

impl<'a> JobRun<'a> {
    /// Runs the pipelines of a group to their end.
    pub(crate) fn run_group(&'a self, group: &Group, bars: &Bars) -> Result<PipelineReport, RunError> {
        let manifest = &self.artifact.manifest;
        let mut sources = group
            .pipelines
            .iter()
            .map(|number| self.open_source(&manifest.pipelines[*number as usize].origin))
            .collect::<Result<Vec<Option<Arc<dyn Source>>>, RunError>>()?;
        let is_bounded = sources.iter().flatten().all(|source| source.is_bounded());
        let may_wait = sources.iter().flatten().any(|source| source.may_wait());
        if !is_bounded {
            self.drains.store(true, Ordering::Relaxed);
        }
        if let (&[only], true, true) = (&group.pipelines[..], group.fills.iter().all(Vec::is_empty), is_bounded) {
            return self.run_pipeline(only, &manifest.pipelines[only as usize], sources.pop().flatten(), bars);
        }
        let wake = Wake::default();
        // The runs borrow from here, not from the job alone.
        let job: &JobRun<'_> = self;
        let mut runs = Vec::new();
        for (number, source) in group.pipelines.iter().zip(&sources) {
            let pipeline = &manifest.pipelines[*number as usize];
            let mut run = job.resolve_pipeline(*number, pipeline, source.as_deref(), Some(&wake), bars)?;
            let idle_after = job.idle_after.or_else(|| job.idle_after_of(&pipeline.origin));
            run.morsels.idle_after = idle_after.unwrap_or(run.morsels.idle_after);
            if !run.late_probes().is_empty() {
                let detail = "the build side of a join with a stream does not fit into the memory budget";
                return Err(RunError::StreamNeedsMemory { what: detail.into() });
            }
            runs.push(run);
        }
        for (table, feeds) in &group.feeds {
            if let Some(live) = self.tables[*table as usize].live() {
                live.start(feeds);
                if let (Some(stream), Some(every)) = (live.stream(), self.flush_every) {
                    stream.flush_every(every);
                }
            }
        }
        let stream = |table: &u32| Some((*table, self.tables[*table as usize].live()?.stream()?));
        let streams: Vec<(u32, &StreamTable)> = group.feeds.keys().rev().filter_map(stream).collect();
        let lookup = |table: &u32| Some((*table, self.tables[*table as usize].live()?.lookup()?));
        let lookups: Vec<(u32, &LookupTable)> = group.feeds.keys().filter_map(lookup).collect();
        let leads_to = group.leads_to(&lookups);
        let live = |table: &u32| Some((*table, self.tables[*table as usize].live()?));
        let comes_to = group.leads_to(&group.feeds.keys().filter_map(live).collect::<Vec<_>>());
        let has_clock = |table: &u32| self.tables[*table as usize].live().is_some_and(|live| live.clock().is_some());
        let clocks = group.feeds.keys().copied().filter(has_clock).collect();
        let runs_idle = runs.iter().map(|_| AtomicBool::new(false)).collect();
        let group = GroupRun {
            job,
            clocks,
            streams,
            lookups,
            leads_to,
            comes_to,
            holds_up: AtomicBool::new(false),
            complete: runs.iter().map(|_| AtomicBool::new(false)).collect(),
            runs,
            fills: group.fills.clone(),
            readers: group.readers.clone(),
            may_wait,
            barrier: Mutex::new((0, Instant::now())),
            idle: runs_idle,
            has_failed: AtomicBool::new(false),
            wake: &wake,
        };
        let mut counts = lookups::beside(job, &group.lookups, &wake, || group.run_workers())?;
        for (table, stream) in &group.streams {
            if let Some(operator) = self.filler_of(*table) {
                counts[operator as usize].late += stream.late();
            }
        }
        let mut report = PipelineReport { counts, read: Vec::new() };
        let mut failure: Option<(Seq, RunError)> = None;
        for (run, source) in group.runs.into_iter().zip(&sources) {
            let (read, failed) = run.end(source.as_deref());
            report.read.extend(read);
            if let Some(failed) = failed
                && failure.as_ref().is_none_or(|(first, _)| failed.0 < *first)
            {
                failure = Some(failed);
            }
        }
        if let Some((_, error)) = failure {
            return Err(error);
        }
        self.sinks.iter().for_each(|sink| sink.end_pipeline(&self.waiting_bytes));
        Ok(report)
    }
}

impl GroupRun<'_> {
    fn run_workers(&self) -> Result<Vec<Count>, RunError> {
        let mut all = vec![Count::default(); self.job.artifact.manifest.operators.len()];
        let results: Vec<Result<Vec<Count>, RunError>> = std::thread::scope(|scope| {
            let (first, others) = self.job.pools.split_first().expect("a job has workers");
            let threads: Vec<_> = others.iter().map(|pool| scope.spawn(move || self.work(pool))).collect();
            let first = self.work(first);
            let join = |thread: std::thread::ScopedJoinHandle<'_, Result<Vec<Count>, RunError>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            std::iter::once(first).chain(threads.into_iter().map(join)).collect()
        });
        for result in results {
            all.iter_mut().zip(&result?).for_each(|(all, count)| all.add(count));
        }
        Ok(all)
    }

    /// What one thread does.
    fn work(&self, pool: &Arc<Pool>) -> Result<Vec<Count>, RunError> {
        let _guards: Vec<_> = self.runs.iter().map(|run| run.morsels.stop_on_panic()).collect();
        let _fails = FailOnPanic { has_failed: &self.has_failed, wake: self.wake };
        let mut workers: Vec<Worker<'_>> = self.runs.iter().map(|run| Worker::new(run, pool)).collect();
        let mut ticks = Ticks::new(self.job);
        let most_wait = if self.clocks.is_empty() { LOOK_AGAIN_AFTER } else { TICK };
        loop {
            let since = self.wake.epoch();
            if self.job.is_interrupted() {
                self.fail(0, Seq::END, RunError::Interrupted);
            } else if self.job.stop.load(Ordering::Relaxed) {
                self.runs.iter().for_each(|run| run.morsels.drain());
            }
            if self.has_ticks()
                && let Err(error) = self.tick(&mut ticks)
            {
                self.fail(0, Seq::END, error);
            }
            if self.work_on_something(&mut workers) {
                continue;
            }
            if self.is_over() {
                break;
            }
            let is_quiet = self.may_wait && self.runs.iter().any(|run| run.morsels.is_quiet());
            self.wake.wait(since, if is_quiet { ASK_AGAIN_AFTER } else { most_wait });
        }
        let mut all = vec![Count::default(); self.job.artifact.manifest.operators.len()];
        for worker in workers {
            all.iter_mut().zip(&worker.finish()?).for_each(|(all, count)| all.add(count));
        }
        Ok(all)
    }

    /// Whether time brings something.
    fn has_ticks(&self) -> bool {
        self.may_wait || !self.clocks.is_empty() || self.job.barrier_every.is_some()
    }

    /// What time brings: windows of the machine's time, sources that fall silent, or speak again, and rows that have waited long enough to be written.
    fn tick(&self, ticks: &mut Ticks) -> Result<(), RunError> {
        if !ticks.is_due(self.job.barrier_every.map_or(TICK, |every| every.min(TICK))) {
            return Ok(());
        }
        for (number, run) in self.runs.iter().enumerate().filter(|(_, run)| !run.morsels.is_bounded()) {
            let progress = run.morsels.progress();
            if self.idle[number].swap(progress.is_idle, Ordering::Relaxed) != progress.is_idle {
                self.follow(number, progress)?;
            }
        }
        if let Some(every) = self.job.barrier_every {
            self.put_barriers(every)?;
        }
        for table in &self.clocks {
            self.follow_table(*table)?;
        }
        if self.may_wait {
            ticks.flush_sinks(self.job)?;
        }
        Ok(())
    }

    /// Takes one piece of work, if there is any.
    fn work_on_something(&self, workers: &mut [Worker<'_>]) -> bool {
        let has_failed = self.has_failed.load(Ordering::Relaxed);
        let (mut has_looked, mut is_held_up) = (false, false);
        for number in self.in_order() {
            let run = &self.runs[number];
            // Before more is read, what was read is worked off.
            if !run.morsels.is_pushed()
                && !std::mem::replace(&mut has_looked, true)
                && (self.work_on_lookups() || self.work_on_streams())
            {
                return true;
            }
            // A database that is slow slows what asks it.
            if !run.morsels.is_pushed() && self.leads_to[number].iter().any(|table| table.is_full()) {
                continue;
            }
            if !run.morsels.is_pushed() {
                // None of the others is read in its place: it would get ahead.
                is_held_up |= self.is_held_up(number);
                if is_held_up {
                    continue;
                }
            }
            if self.complete[number].load(Ordering::Relaxed) || has_failed && !run.has_failed() {
                continue;
            }
            match run.morsels.try_take() {
                Ok(Taken::Morsel(morsel)) => {
                    let seq = morsel.seq;
                    match workers[number].on_morsel(morsel) {
                        Ok(progress) => self.follow_or_fail(number, progress),
                        Err(error) => self.fail(number, seq, error),
                    }
                    return true;
                }
                Ok(Taken::Nothing) => {
                    if let Some(progress) = run.morsels.news().filter(|_| !has_failed) {
                        self.follow_or_fail(number, progress);
                        return true;
                    }
                }
                Ok(Taken::End) => {
                    // Workers on the last morsels see to the rest, unless there were none.
                    let progress = run.morsels.progress();
                    if progress.is_complete && !has_failed {
                        self.follow_or_fail(number, progress);
                        return true;
                    }
                }
                Err(error) => {
                    self.fail(number, Seq::END, error);
                    return true;
                }
            }
        }
        !has_looked && (self.work_on_lookups() || self.work_on_streams())
    }

    /// Whether a source is not to be read, as a table that one worker puts together would be filled by others without end.
    fn is_held_up(&self, number: usize) -> bool {
        let is_behind = || self.comes_to[number].iter().any(|table| table.is_behind());
        if !is_behind() {
            return false;
        }
        self.holds_up.store(true, Ordering::SeqCst);
        is_behind()
    }

    /// Wakes who was held up: the table may have caught up.
    fn let_on(&self) {
        if self.holds_up.swap(false, Ordering::SeqCst) {
            self.wake.bump();
        }
    }

    /// Hands on what a database has answered, if it has.
    fn work_on_lookups(&self) -> bool {
        if self.has_failed.load(Ordering::Relaxed) {
            return false;
        }
        let Some((table, _)) = self.lookups.iter().find(|(_, lookup)| lookup.desk.has_answers()) else { return false };
        if let Err(error) = self.follow_table(*table) {
            let reader = self.readers.get(table).and_then(|readers| readers.first());
            self.fail(reader.copied().unwrap_or(0), Seq::END, error);
        }
        true
    }

    /// Works on a partition of a table of a stream, if there is one that nobody works on.
    fn work_on_streams(&self) -> bool {
        if self.has_failed.load(Ordering::Relaxed) {
            return false;
        }
        self.streams.iter().any(|(table, stream)| {
            if !stream.has_work() {
                return false;
            }
            while stream.work(&self.job.waiting_bytes) {}
            if let Err(error) = self.follow_table(*table) {
                let reader = self.readers.get(table).and_then(|readers| readers.first());
                self.fail(reader.copied().unwrap_or(0), Seq::END, error);
            }
            true
        })
    }

    /// Hands on what a table of a stream has given.
    fn follow_table(&self, table: u32) -> Result<(), RunError> {
        let Some(live) = self.job.tables[table as usize].live() else { return Ok(()) };
        let readers = self.readers.get(&table).map_or(&[][..], |readers| readers);
        if live.poll(self.job, table, |given| self.push(readers, given))? {
            for reader in readers {
                self.follow(*reader, self.runs[*reader].morsels.progress())?;
            }
        }
        self.pass_barriers_of(table);
        self.wake_for_streams();
        self.let_on();
        Ok(())
    }

    /// Others may help.
    fn wake_for_streams(&self) {
        if self.job.pools.len() > 1 && self.streams.iter().any(|(_, stream)| stream.has_work()) {
            self.wake.bump();
        }
    }

    fn push(&self, readers: &[usize], given: &ToGive) {
        for reader in readers {
            self.runs[*reader].morsels.push(given);
        }
    }

    /// The pipelines as work is looked for: what live tables have given first, from the sinks on, then the other origins, the
    /// one that is furthest behind first.
    fn in_order(&self) -> impl Iterator<Item = usize> {
        let (pushed, mut read): (Vec<usize>, Vec<usize>) =
            (0..self.runs.len()).rev().partition(|number| self.runs[*number].morsels.is_pushed());
        if read.len() > 1 {
            let mut turns: Vec<_> = read.iter().map(|number| (self.runs[*number].morsels.turn(), *number)).collect();
            // Where the time of one is not known, times cannot be compared: each gets its share of the rows.
            let all_have_time = turns.iter().all(|((time, _), _)| time.is_some());
            turns.sort_by_key(|((time, rows), _)| (time.filter(|_| all_have_time), *rows));
            read = turns.into_iter().map(|(_, number)| number).collect();
        }
        pushed.into_iter().chain(read)
    }

    fn is_over(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed) || self.complete.iter().all(|complete| complete.load(Ordering::Relaxed))
    }

    fn fail(&self, number: usize, seq: Seq, error: RunError) {
        self.has_failed.store(true, Ordering::Relaxed);
        self.runs[number].fail(seq, error);
        self.wake.bump();
    }

    fn follow_or_fail(&self, number: usize, progress: Progress) {
        if let Err(error) = self.follow(number, progress) {
            self.fail(number, Seq::END, error);
        }
        if !self.job.sinks.is_empty() && self.job.sinks.iter().all(SinkRun::is_enough) {
            self.runs.iter().for_each(|run| run.morsels.stop());
        }
        let has_limits = |run: &PipelineRun<'_>| run.limits.iter().any(Option::is_some);
        if self.runs.iter().any(has_limits) || self.job.sinks.iter().any(SinkRun::is_enough) {
            self.stop_what_nobody_wants();
        }
    }

    /// Ends pipelines whose rows nobody wants any more, from the sinks on: those that read what it fills have ended so before.
    fn stop_what_nobody_wants(&self) {
        for (number, run) in self.runs.iter().enumerate().rev() {
            let is_stopped = |reader: &usize| self.runs[*reader].morsels.is_stopped();
            let is_unread = |table: &u32| self.readers.get(table).is_some_and(|readers| readers.iter().all(is_stopped));
            let has_readers = !self.fills[number].is_empty();
            let progress = run.morsels.progress();
            if run.has_enough(progress.frontier, has_readers && self.fills[number].iter().all(is_unread)) {
                run.morsels.stop();
            }
        }
    }

    /// Everything that a pipeline has before a barrier is done: what is behind goes on when the tables that it fills have handed
    /// the barrier on. A checkpoint is taken here, of the sinks that it writes; those of tables when they hand it on.
    fn pass_barrier(&self, number: usize, barrier: u64) {
        let run = &self.runs[number];
        if barrier <= run.passed.load(Ordering::Relaxed) {
            return;
        }
        let live = |table: u32| self.job.tables[table as usize].live();
        if !self.fills[number].iter().all(|table| live(*table).is_none_or(|live| live.barrier() >= barrier)) {
            return;
        }
        // Whoever comes here later has nothing left to do.
        if run.passed.fetch_max(barrier, Ordering::AcqRel) >= barrier {
            return;
        }
        let of_reader = |(_, readers): &(&u32, &Vec<usize>)| readers.contains(&number);
        let table = self.readers.iter().find(of_reader).and_then(|(table, _)| live(*table));
        if let Some(table) = table.filter(|_| !run.morsels.is_stopped()) {
            // The table may have given the next one already; what is behind this one is not taken before it is lifted.
            let ((last, given), taken) = (table.before_barrier(), run.rows_done.load(Ordering::Relaxed));
            assert!(
                last != barrier || given == taken,
                "before a barrier a pipeline has worked on just what came before it: {given} rows, not {taken}"
            );
        }
        run.morsels.lift_barrier(barrier);
    }

    /// A table may have handed a barrier on: the pipelines that fill it go on.
    fn pass_barriers_of(&self, table: u32) {
        for (number, run) in self.runs.iter().enumerate().filter(|(number, _)| self.fills[*number].contains(&table)) {
            self.pass_barrier(number, run.morsels.progress().barrier);
        }
    }

    /// Puts the next barrier behind what was read, if the last one is through and it is time.
    fn put_barriers(&self, every: Duration) -> Result<(), RunError> {
        {
            let Ok(mut last) = self.barrier.try_lock() else { return Ok(()) };
            let (number, put) = *last;
            let is_through = |(at, run): (usize, &PipelineRun<'_>)| {
                self.complete[at].load(Ordering::Relaxed) || run.passed.load(Ordering::Relaxed) >= number
            };
            if put.elapsed() < every || !self.runs.iter().enumerate().all(is_through) {
                return Ok(());
            }
            self.job.barriers.store(number, Ordering::Relaxed);
            *last = (number + 1, Instant::now());
            let is_read = |run: &&PipelineRun<'_>| !run.morsels.is_pushed();
            self.runs.iter().filter(is_read).for_each(|run| run.morsels.put_barrier(number + 1));
        }
        for number in (0..self.runs.len()).filter(|number| !self.runs[*number].morsels.is_pushed()) {
            self.follow(number, self.runs[number].morsels.progress())?;
        }
        Ok(())
    }

    /// A pipeline has come so far: tells the tables that it fills, and goes on with the pipelines that read those.
    fn follow(&self, number: usize, progress: Progress) -> Result<(), RunError> {
        let mut todo = vec![(number, progress)];
        while let Some((number, progress)) = todo.pop() {
            for table in &self.fills[number] {
                let Some(live) = self.job.tables[*table as usize].live() else { continue };
                let readers = self.readers.get(table).map_or(&[][..], |readers| readers);
                let is_new = live.advance(self.job, *table, self.runs[number].number, progress, |given| {
                    self.push(readers, given);
                })?;
                self.pass_barriers_of(*table);
                if is_new {
                    todo.extend(readers.iter().map(|reader| (*reader, self.runs[*reader].morsels.progress())));
                }
            }
            self.pass_barrier(number, progress.barrier);
            if progress.is_complete && !self.complete[number].swap(true, Ordering::Relaxed) {
                self.wake.bump();
            }
        }
        self.wake_for_streams();
        self.let_on();
        Ok(())
    }
}
