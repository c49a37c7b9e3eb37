//! Tables that are looked up by streams that do not end: their files are looked at now and then, and read again when they have changed.
//!
//! A thread of its own reads, beside the workers, which go on with the version that is there until the new one is complete. A version is
//! freed when nobody works with it any more, and the next one is there. What cannot be read is tried again: a file may be looked at while
//! somebody writes it. A stream that ends meets the tables as they were read first: nothing is read again.

use crate::connector::{self, Stamp};
use crate::error::RunError;
use crate::live::Group;
use crate::operator::hash_join::JoinTable;
use crate::primitive::pool::Pool;
use crate::progress::Progress;
use crate::scheduler::JobRun;
use crate::table::TableSpec;
use crate::task::Worker;
use sabot_abi::manifest::{Body, End, Manifest, Origin, Pipeline, Step};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A table that cannot be read so many times in a row fails the job.
const MOST_FAILURES: u32 = 3;

/// The version of a table that was read last.
#[derive(Debug, Default)]
pub(crate) struct Refreshed {
    is_there: AtomicBool,
    versions: Mutex<Versions>,
    /// How often it was read again.
    times: AtomicU64,
}

#[derive(Debug, Default)]
struct Versions {
    now: Option<Arc<JoinTable>>,
    /// Kept for as long as the next one is the last: work that began with it is done by then.
    before: Option<Arc<JoinTable>>,
    /// Bytes of the two, as they are accounted.
    bytes: [usize; 2],
}

impl Refreshed {
    /// The version that rows meet now; none: the first one.
    pub(crate) fn now(&self) -> Option<Arc<JoinTable>> {
        if !self.is_there.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.versions).now.clone()
    }

    /// How often it was read again.
    pub(crate) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// From now on rows meet this version; gives the bytes that are free.
    fn replace(&self, table: JoinTable, bytes: usize) -> usize {
        let mut versions = lock(&self.versions);
        versions.before = versions.now.replace(Arc::new(table));
        let [now, before] = versions.bytes;
        versions.bytes = [bytes, now];
        drop(versions);
        self.is_there.store(true, Ordering::Release);
        self.times.fetch_add(1, Ordering::Relaxed);
        before
    }
}

/// A table whose file is looked at.
struct Watched {
    table: u32,
    /// What fills it, and nothing else.
    number: u32,
    pipeline: Pipeline,
    source: u32,
    every: Duration,
    /// Of what was read last.
    stamp: Mutex<Stamp>,
}

/// The tables of a job whose files are looked at.
pub(crate) struct Refreshing {
    watched: Vec<Watched>,
}

impl Refreshing {
    /// To be made before anything is read: what changes from now on is read again.
    pub(crate) fn new(job: &JobRun<'_>) -> Result<Self, RunError> {
        let manifest = &job.artifact.manifest;
        let mut watched = Vec::new();
        for (number, pipeline) in (0u32..).zip(&manifest.pipelines) {
            let Origin::Scan { source, .. } = pipeline.origin else { continue };
            let Some(every) = every(manifest, source) else { continue };
            let name = &manifest.sources[source as usize].name;
            if job.sources.contains_key(name) {
                continue;
            }
            let mut tables = BTreeSet::new();
            built(&pipeline.body, &mut tables);
            for table in tables {
                let Some(body) = way_to(&pipeline.body, table) else { continue };
                let Some(stamp) = stamp(job, source)? else { continue };
                let pipeline = Pipeline { body, ..pipeline.clone() };
                watched.push(Watched { table, number, pipeline, source, every, stamp: Mutex::new(stamp) });
            }
        }
        Ok(Self { watched })
    }

    /// Runs a group, and beside it looks at the files of the tables that its streams look up.
    pub(crate) fn beside<T>(
        &self,
        job: &JobRun<'_>,
        group: &Group,
        run: impl FnOnce() -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let pipelines = group.pipelines.iter().map(|number| &job.artifact.manifest.pipelines[*number as usize]);
        let mut probed = BTreeSet::new();
        pipelines.for_each(|pipeline| probes(&pipeline.body, &mut probed));
        let watched: Vec<&Watched> = self.watched.iter().filter(|watched| probed.contains(&watched.table)).collect();
        if watched.is_empty() {
            return run();
        }
        let over = Over::default();
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| watch(job, &watched, &over));
            let ran = {
                let _guard = Ends(&over);
                run()
            };
            let watching = watcher.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            watching.and(ran)
        })
    }
}

/// Whether the group has ended.
#[derive(Default)]
struct Over {
    is_over: Mutex<bool>,
    changed: Condvar,
}

/// Tells so when it goes, also by a panic.
struct Ends<'a>(&'a Over);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        *lock(&self.0.is_over) = true;
        self.0.changed.notify_all();
    }
}

impl Over {
    /// Waits so long, or until the group has ended; whether it has.
    fn wait(&self, most: Duration) -> bool {
        let is_over = lock(&self.is_over);
        let waited = self.changed.wait_timeout_while(is_over, most, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(job: &JobRun<'_>, watched: &[&Watched], over: &Over) -> Result<(), RunError> {
    let mut due: Vec<Instant> = watched.iter().map(|watched| Instant::now() + watched.every).collect();
    let mut failures = vec![0; watched.len()];
    loop {
        let next = due.iter().min().map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
        if over.wait(next) {
            return Ok(());
        }
        // A job that ends gives the same at every run.
        if !job.drains.load(Ordering::Relaxed) {
            due.iter_mut().zip(watched).for_each(|(due, watched)| *due = Instant::now() + watched.every);
            continue;
        }
        for ((watched, due), failures) in watched.iter().zip(&mut due).zip(&mut failures) {
            if Instant::now() < *due {
                continue;
            }
            match read_again(job, watched) {
                Ok(()) => *failures = 0,
                Err(error) => {
                    *failures += 1;
                    if *failures == MOST_FAILURES {
                        job.stop.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            *due = Instant::now() + watched.every;
        }
    }
}

/// Reads a table again if its file has changed.
fn read_again(job: &JobRun<'_>, watched: &Watched) -> Result<(), RunError> {
    let Some(found) = stamp(job, watched.source)? else { return Ok(()) };
    if *lock(&watched.stamp) == found {
        return Ok(());
    }
    let table = &job.tables[watched.table as usize];
    let source = job.open_source(&watched.pipeline.origin)?;
    let failed = {
        let run =
            job.resolve_pipeline(watched.number, &watched.pipeline, source.as_deref(), None, &Progress::new(false))?;
        let pool = Arc::<Pool>::default();
        let mut worker = Worker::new(&run, &pool);
        worker.work();
        let finished = worker.finish();
        let (_, failed) = run.end(source.as_deref());
        finished.err().or(failed.map(|(_, error)| error))
    };
    let rows = table.take_rows();
    let mut bytes: usize = rows.iter().map(|rows| rows.memory_bytes()).sum();
    let has_spilled = table.has_spilled_rows();
    let is_whole = stamp(job, watched.source).is_ok_and(|now| now.as_ref() == Some(&found));
    if failed.is_some() || has_spilled || !is_whole {
        table.account.update(&mut bytes, 0);
        if has_spilled {
            let what = format!("the new version of the table `{}` does not fit into the memory budget", table.name);
            return Err(RunError::StreamNeedsMemory { what });
        }
        // Somebody is still writing it: it is looked at again.
        return if is_whole { failed.map_or(Ok(()), Err) } else { Ok(()) };
    }
    let TableSpec::Join(spec) = &table.spec else { return Ok(()) };
    let mut gone = table.refreshed.replace(JoinTable::build(spec, rows, 1), bytes);
    table.account.update(&mut gone, 0);
    *lock(&watched.stamp) = found;
    Ok(())
}

fn stamp(job: &JobRun<'_>, source: u32) -> Result<Option<Stamp>, RunError> {
    let source = &job.artifact.manifest.sources[source as usize];
    Ok(connector::stamp(source, job.inputs.get(&source.name).map(String::as_str))?)
}

/// How often a source's file is looked at, if it is.
fn every(manifest: &Manifest, source: u32) -> Option<Duration> {
    let source = manifest.sources.get(source as usize)?;
    source.connector.options.get(connector::REFRESH_EVERY)?.parse().ok().map(Duration::from_millis)
}

/// The tables of joins that rows are put into.
fn built(body: &Body, tables: &mut BTreeSet<u32>) {
    match &body.end {
        End::Build { table, .. } => {
            tables.insert(*table);
        }
        End::Fork(branches) => branches.iter().for_each(|branch| built(branch, tables)),
        End::Sink { .. }
        | End::Late { .. }
        | End::Aggregate { .. }
        | End::Collect { .. }
        | End::Window { .. }
        | End::Feed { .. }
        | End::Nothing => {}
    }
}

/// The steps that lead to a table, without those that lead elsewhere.
fn way_to(body: &Body, table: u32) -> Option<Body> {
    match &body.end {
        End::Build { table: built, .. } if *built == table => Some(body.clone()),
        End::Fork(branches) => {
            let branch = branches.iter().find_map(|branch| way_to(branch, table))?;
            let steps = body.steps.iter().cloned().chain(branch.steps).collect();
            Some(Body { steps, end: branch.end })
        }
        End::Build { .. }
        | End::Sink { .. }
        | End::Late { .. }
        | End::Aggregate { .. }
        | End::Collect { .. }
        | End::Window { .. }
        | End::Feed { .. }
        | End::Nothing => None,
    }
}

fn probes(body: &Body, tables: &mut BTreeSet<u32>) {
    for step in &body.steps {
        match step {
            Step::Probe { table, .. } => {
                tables.insert(*table);
            }
            Step::Compute { .. } | Step::Count { .. } | Step::FlatMap { .. } | Step::Contenders { .. } => {}
        }
    }
    if let End::Fork(branches) = &body.end {
        branches.iter().for_each(|branch| probes(branch, tables));
    }
}
