//! Loads a job and runs it: what `sabotc run` and the per-job executable call.

use crate::connector::{self, Sink, SinkOptions, Source, open_sink};
use crate::error::RunError;
use crate::kernel::LoadedArtifact;
use crate::live;
use crate::operator::accumulate::Users;
use crate::operator::sink::SinkRun;
use crate::params::Params;
use crate::primitive::pool::Pool;
use crate::progress::Progress;
use crate::refresh::Refreshing;
use crate::scheduler::JobRun;
use crate::spill::Account;
use crate::summary::{OperatorSummary, RunSummary};
use crate::table::TableRun;
use crate::task::Count;
use sabot_abi::manifest::{AggregateInput, Body, End, ErrorPolicy, Manifest};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How to run a job.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Worker threads; `None`: one per core.
    pub parallelism: Option<u32>,
    /// What to read in place of a source's connector, by the source's name.
    pub inputs: BTreeMap<String, String>,
    /// What to write in place of a sink's connector, by the sink's name.
    pub outputs: BTreeMap<String, String>,
    /// Values of parameters, by name, as text.
    pub params: BTreeMap<String, String>,
    /// Bytes that joins and aggregates may hold before they spill to disk; `None`: as many as they need.
    pub memory_budget: Option<u64>,
    /// Where to spill to; `None`: the system's directory for temporary files.
    pub spill_dir: Option<PathBuf>,
    /// Read at most this many rows of each source.
    pub limit: Option<u64>,
    /// Rows that sources give at once; `None`: as many as suit the kernels. For tests: nothing may depend on it.
    pub batch_rows: Option<usize>,
    /// Replace outputs that exist.
    pub overwrite: bool,
    /// Show bars on a terminal.
    pub progress: bool,
    /// How long a source that does not end may have nothing until nobody waits for its event time; `None`: as long as the job says,
    /// else 30 seconds.
    pub idle_after: Option<Duration>,
    /// How long after a barrier has gone through streams the next one follows; `None`: there are none. A barrier comes to every
    /// table and every sink behind all rows that came before it, and before all others.
    pub barrier_every: Option<Duration>,
    /// How often at most the changes of a key are given, where rows change; `None`: as often as the job says, else every 100 ms.
    pub flush_every: Option<Duration>,
    /// Set from outside to end the run early, leaving no outputs; where a source does not end by itself, what was read until
    /// then is the output.
    pub stop: Option<Arc<AtomicBool>>,
}

/// Sources and sinks by name: data that is in memory already.
#[derive(Default)]
pub struct Connections {
    /// Give batches with exactly the columns that the job's pipelines read of them, in that order.
    pub sources: BTreeMap<String, Arc<dyn Source>>,
    /// Take the sinks' columns.
    pub sinks: BTreeMap<String, Box<dyn Sink>>,
}

/// A job that can be run.
#[derive(Debug)]
pub struct Job {
    artifact: LoadedArtifact,
    /// By worker: the memory of batches, for the next run, too.
    pools: Mutex<Vec<Arc<Pool>>>,
}

impl Job {
    /// Loads a job from the bytes of its artifact.
    pub fn load(bytes: &[u8]) -> Result<Self, RunError> {
        Ok(Self::new(LoadedArtifact::load(bytes)?))
    }

    /// A job whose artifact is loaded already.
    #[must_use]
    pub fn new(artifact: LoadedArtifact) -> Self {
        Self { artifact, pools: Mutex::default() }
    }

    /// What the job is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.artifact.manifest
    }

    fn pools(&self, workers: usize) -> Vec<Arc<Pool>> {
        let mut pools = self.pools.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = pools.len();
        pools.resize_with(workers.max(known), Arc::default);
        pools[..workers].to_vec()
    }

    /// Runs the job to its end. Outputs get their names when all of them are complete; if anything fails, none does.
    pub fn run(&self, options: &RunOptions) -> Result<RunSummary, RunError> {
        self.run_with(options, Connections::default())
    }

    /// As [`run`](Self::run), with sources and sinks of the caller's in the place of those that the job names.
    pub fn run_with(&self, options: &RunOptions, connections: Connections) -> Result<RunSummary, RunError> {
        let started = Instant::now();
        crate::primitive::memory::keep_freed_memory();
        let manifest = &self.artifact.manifest;
        check_names("source", options.inputs.keys(), manifest.sources.iter().map(|source| &source.name))?;
        check_names("sink", options.outputs.keys(), manifest.sinks.iter().map(|sink| &sink.name))?;
        let params = Params::new(&manifest.params, &options.params)?;
        check_places(manifest, options, &connections)?;
        let Connections { sources, sinks: mut given } = connections;
        let sink_options = SinkOptions { overwrite: options.overwrite };
        let mut sinks = Vec::new();
        for sink in &manifest.sinks {
            if let Some(given) = given.remove(&sink.name) {
                sinks.push(SinkRun::new(given, &sink.fields));
                continue;
            }
            let replacement = options.outputs.get(&sink.name).map(String::as_str);
            sinks.push(SinkRun::new(open_sink(sink, replacement, sink_options)?, &sink.fields));
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = options.parallelism.map_or_else(cores, |workers| workers.max(1) as usize);
        let users = Users::new(&self.artifact, params.words())?;
        let account = Account::new(options.memory_budget, options.spill_dir.clone());
        let run = JobRun {
            artifact: &self.artifact,
            params,
            tables: tables_of(manifest, &users, &account)?,
            sinks,
            inputs: &options.inputs,
            limit: options.limit,
            batch_rows: options.batch_rows,
            workers,
            pools: self.pools(workers),
            stop: options.stop.clone().unwrap_or_default(),
            drains: AtomicBool::new(false),
            idle_after: options.idle_after,
            barrier_every: options.barrier_every,
            flush_every: options.flush_every,
            barriers: AtomicU64::new(0),
            waiting_bytes: AtomicUsize::new(0),
            account,
            skipped_groups: Mutex::default(),
            late_rows: Mutex::default(),
            sources,
        };
        let result = beside_writers(&run, || run_pipelines(&run, options));
        if result.is_err() {
            run.sinks.iter().for_each(SinkRun::abort);
            // Whoever was waiting for an input when the run was asked to stop has an error that says less.
            if run.is_interrupted() {
                return Err(RunError::Interrupted);
            }
        }
        let operators = result?;
        let (job, peak_table_bytes) = (manifest.job.clone(), run.account.peak_of_all() as u64);
        let barriers = run.barriers.load(Ordering::Relaxed);
        Ok(RunSummary { job, operators, wall: started.elapsed(), peak_table_bytes, workers, barriers })
    }
}

fn check_names<'a>(
    what: &'static str,
    given: impl Iterator<Item = &'a String>,
    known: impl Iterator<Item = &'a String>,
) -> Result<(), RunError> {
    let known: Vec<String> = known.cloned().collect();
    match given.into_iter().find(|name| !known.contains(name)) {
        Some(name) => Err(RunError::UnknownName { what, name: name.clone(), known }),
        None => Ok(()),
    }
}

/// Refuses sinks that would undo what another sink writes, or destroy what a source reads.
fn check_places(manifest: &Manifest, options: &RunOptions, given: &Connections) -> Result<(), RunError> {
    let sources = manifest.sources.iter().filter(|source| !given.sources.contains_key(&source.name));
    let sinks = manifest.sinks.iter().filter(|sink| !given.sinks.contains_key(&sink.name));
    connector::check_overlap(
        sources.map(|source| (source, options.inputs.get(&source.name).map(String::as_str))),
        sinks.map(|sink| (sink, options.outputs.get(&sink.name).map(String::as_str))),
    )?;
    Ok(())
}

/// Opens the sinks, and works while those of them that may have to wait for somebody else are written by threads of their own.
fn beside_writers<T>(run: &JobRun<'_>, work: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    /// However the work ends, the threads do.
    struct EndWriters<'a>(&'a [SinkRun]);
    impl Drop for EndWriters<'_> {
        fn drop(&mut self) {
            self.0.iter().for_each(SinkRun::end_beside);
        }
    }
    std::thread::scope(|threads| {
        let _on_end = EndWriters(&run.sinks);
        for sink in &run.sinks {
            sink.open()?;
            if sink.may_wait() {
                sink.give_to_thread();
                threads.spawn(|| sink.write_beside(&run.waiting_bytes));
            }
        }
        work()
    })
}

fn run_pipelines(run: &JobRun<'_>, options: &RunOptions) -> Result<Vec<OperatorSummary>, RunError> {
    let manifest = &run.artifact.manifest;
    let mut operators: Vec<OperatorSummary> = manifest
        .operators
        .iter()
        .map(|operator| OperatorSummary {
            name: operator.name.clone(),
            kind: operator.kind.clone(),
            line: operator.line,
            errors_to: errors_to(manifest, operator.on_error),
            ..OperatorSummary::default()
        })
        .collect();
    let progress = Progress::new(options.progress);
    let refreshing = Refreshing::new(run)?;
    for group in live::groups(manifest)? {
        let report = refreshing.beside(run, &group, || run.run_group(&group, &progress))?;
        for (operator, count) in operators.iter_mut().zip(&report.counts) {
            add(operator, count);
        }
        for (operator, bytes, pruned) in report.read {
            let operator = &mut operators[operator as usize];
            operator.bytes = Some(operator.bytes.unwrap_or(0) + bytes);
            operator.pruned += pruned;
        }
        if !run.sinks.is_empty() && run.sinks.iter().all(SinkRun::is_enough) {
            break;
        }
    }
    for (operator, groups) in run.skipped_groups.lock().expect("workers have ended").iter() {
        operators[*operator as usize].skipped += groups;
    }
    for (operator, rows) in run.late_rows.lock().expect("workers have ended").iter() {
        operators[*operator as usize].late += rows;
    }
    for (number, table) in run.tables.iter().enumerate() {
        if let Some(filler) = run.filler_of(number as u32) {
            operators[filler as usize].spills += table.spills();
            operators[filler as usize].time += table.time_to_complete();
            operators[filler as usize].refreshed += table.refreshed.times();
            if let Some(lookup) = table.live().and_then(|live| live.lookup()) {
                operators[filler as usize].lookup = Some(lookup.summary());
            }
            operators[filler as usize].held_bytes += table.peak_bytes();
        }
    }
    let mut sink_operators = BTreeMap::new();
    for pipeline in &manifest.pipelines {
        find_sinks(&pipeline.body, &mut sink_operators);
    }
    for (number, sink) in run.sinks.iter().enumerate() {
        let report = sink.finish(&run.waiting_bytes)?;
        let operator = match sink_operators.get(&(number as u32)) {
            Some(operator) => &mut operators[*operator as usize],
            // Rows with errors and late ones come from operators of other kinds.
            None => {
                operators.push(OperatorSummary {
                    name: manifest.sinks[number].name.clone(),
                    kind: "sink".to_owned(),
                    rows_in: report.rows,
                    rows_out: report.rows,
                    ..OperatorSummary::default()
                });
                operators.last_mut().expect("just pushed")
            }
        };
        operator.held_bytes = sink.peak_bytes();
        operator.bytes = Some(report.bytes);
        operator.files = report.files;
    }
    Ok(operators)
}

fn add(operator: &mut OperatorSummary, count: &Count) {
    operator.rows_in += count.rows_in;
    operator.rows_out += count.rows_out;
    operator.build_rows += count.build_rows;
    operator.skipped += count.skipped;
    operator.late += count.late;
    operator.time += Duration::from_nanos(count.nanos);
}

/// The tables, empty.
fn tables_of(manifest: &Manifest, users: &Users, account: &Account) -> Result<Vec<TableRun>, RunError> {
    let mut inputs: Vec<Vec<&[AggregateInput]>> = vec![Vec::new(); manifest.tables.len()];
    manifest.pipelines.iter().for_each(|pipeline| find_inputs(&pipeline.body, &mut inputs));
    manifest.tables.iter().zip(&inputs).map(|(table, inputs)| TableRun::new(table, inputs, users, account)).collect()
}

/// What is read to fill aggregates, by table.
fn find_inputs<'a>(body: &'a Body, found: &mut [Vec<&'a [AggregateInput]>]) {
    match &body.end {
        End::Aggregate { table, inputs, .. } => {
            found.get_mut(*table as usize).into_iter().for_each(|found| found.push(inputs));
        }
        End::Fork(branches) => branches.iter().for_each(|branch| find_inputs(branch, found)),
        End::Sink { .. }
        | End::Late { .. }
        | End::Window { .. }
        | End::Build { .. }
        | End::Collect { .. }
        | End::Feed { .. }
        | End::Nothing => {}
    }
}

/// The sink for the rows that an operator cannot compute, if it has one.
fn errors_to(manifest: &Manifest, policy: ErrorPolicy) -> Option<String> {
    match policy {
        ErrorPolicy::Sink(sink) => manifest.sinks.get(sink as usize).map(|sink| sink.name.clone()),
        ErrorPolicy::Fail | ErrorPolicy::Skip => None,
    }
}

/// The operators that write the sinks.
fn find_sinks(body: &Body, found: &mut BTreeMap<u32, u32>) {
    match &body.end {
        End::Sink { sink, operator, .. } => {
            found.insert(*sink, *operator);
        }
        End::Fork(branches) => branches.iter().for_each(|branch| find_sinks(branch, found)),
        End::Window { .. }
        | End::Late { .. }
        | End::Build { .. }
        | End::Aggregate { .. }
        | End::Collect { .. }
        | End::Feed { .. }
        | End::Nothing => {}
    }
}
