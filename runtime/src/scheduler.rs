//! Runs the pipelines of a job one after the other, each on all workers.
//!
//! A pipeline is first resolved: kernels by number become functions, tables by number become the complete tables, every
//! place where rows end gets a number under which each worker keeps its side of it.

use crate::build_rows::BuildRows;
use crate::column::Column;
use crate::connector::{self, ResolvedPruneTerm, Scan, Source};
use crate::error::{RowFailure, RunError};
use crate::kernel::LoadedArtifact;
use crate::late::PutAway;
use crate::limit::Limit;
use crate::live::{KeptSpec, Wake, WindowSpecs};
use crate::morsel::{Input, Morsels, Seq};
use crate::operator::accumulate::{Refusal, RefusedGroup};
use crate::operator::aggregate::GroupSpec;
use crate::operator::contenders::ContenderSpec;
use crate::operator::error_rows::{batch_of, error_row};
use crate::operator::hash_join::{JoinSpec, JoinTable, ProbeSpec};
use crate::operator::key::KeyLayout;
use crate::operator::rows::RowsSpec;
use crate::operator::runs::SortedRuns;
use crate::operator::sink::SinkRun;
use crate::operator::stream::{FeedSpec, To};
use crate::operator::window::ClosingTable;
use crate::params::Params;
use crate::primitive::pool::Pool;
use crate::progress::{Bar, Progress};
use crate::refresh::Refreshed;
use crate::registers::AcrossThreads;
use crate::spill::Account;
use crate::table::{MOST_ROWS, Table, TableRun, TableSpec};
use crate::task::failure::user_failure;
use crate::task::{Count, Worker};
use crate::watermark::{EventTime, Unit};
use sabot_abi::kernel::KernelFn;
use sabot_abi::manifest::{self, AggregateInput, ErrorPolicy, Field, Kernel, Origin, Pipeline, PruneValue, Reg};
use sabot_abi::stream::LateRows;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A job while it runs.
pub(crate) struct JobRun<'a> {
    pub(crate) artifact: &'a LoadedArtifact,
    pub(crate) params: Params,
    pub(crate) tables: Vec<TableRun>,
    pub(crate) sinks: Vec<SinkRun>,
    pub(crate) inputs: &'a BTreeMap<String, String>,
    /// Read at most that many rows of each source.
    pub(crate) limit: Option<u64>,
    /// Rows that sources give at once.
    pub(crate) batch_rows: Option<usize>,
    pub(crate) workers: usize,
    /// By worker: the memory of its batches.
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) stop: Arc<AtomicBool>,
    /// A request to stop ends the sources, and what was read goes through: one of them does not end by itself.
    pub(crate) drains: AtomicBool,
    /// How long a source may have nothing until nobody waits for its event time, if not as long as usual.
    pub(crate) idle_after: Option<Duration>,
    /// How long after a barrier the next one is put behind what was read, if any.
    pub(crate) barrier_every: Option<Duration>,
    /// How often changes of a key are given at most, if not as often as the job says.
    pub(crate) flush_every: Option<Duration>,
    /// Barriers that have gone through everything.
    pub(crate) barriers: AtomicU64,
    pub(crate) waiting_bytes: AtomicUsize,
    /// The memory of tables.
    pub(crate) account: Account,
    /// Operators and how many of their groups could not be computed.
    pub(crate) skipped_groups: Mutex<Vec<(u32, u64)>>,
    /// Operators and how many rows came too late for them, where tables have found that out.
    pub(crate) late_rows: Mutex<Vec<(u32, u64)>>,
    /// In the place of sources by that name, in tests.
    pub(crate) sources: BTreeMap<String, Arc<dyn Source>>,
}

/// What pipelines have done.
#[derive(Debug, Default)]
pub(crate) struct PipelineReport {
    pub(crate) counts: Vec<Count>,
    /// Operator of the source, bytes read, and rows that were left out since a filter excludes their part of the file.
    pub(crate) read: Vec<(u32, u64, u64)>,
}

/// A pipeline while it runs.
pub(crate) struct PipelineRun<'a> {
    pub(crate) job: &'a JobRun<'a>,
    pub(crate) number: u32,
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) origin: OriginRun<'a>,
    pub(crate) body: Body<'a>,
    pub(crate) probes: Vec<Probing<'a>>,
    /// What each worker makes its filters of.
    pub(crate) contenders: Vec<ContenderSpec<'a>>,
    pub(crate) ends: Vec<EndSpec<'a>>,
    /// Those of the manifest, and behind them more.
    pub(crate) registers: Vec<Field>,
    pub(crate) morsels: Morsels<'a>,
    /// Of a source, if somebody waits for it.
    pub(crate) time: Option<EventTime>,
    /// By end: how many rows it wants, if not all.
    pub(crate) limits: Vec<Option<Limit>>,
    pub(crate) bar: Bar,
    /// Rows that were worked on.
    pub(crate) rows_done: AtomicU64,
    /// The last barrier that has gone through.
    pub(crate) passed: AtomicU64,
    /// The failure that stands first in the input, as far as is known.
    failure: Mutex<Option<(Seq, RunError)>>,
}

/// Where rows come from.
pub(crate) struct OriginRun<'a> {
    pub(crate) operator: u32,
    /// Position among the columns, and register.
    pub(crate) registers: &'a [(u32, Reg)],
    pub(crate) rows: OriginRows<'a>,
}

/// The rows themselves.
pub(crate) enum OriginRows<'a> {
    /// Batches of a source.
    Source,
    /// All rows of a table.
    Columns(&'a [Column]),
    /// Some rows of a table, by number.
    Taken(&'a [Column], Cow<'a, [u32]>),
    /// Rows in files, sorted run by run.
    Merged(&'a Arc<SortedRuns>),
    /// Rows that a live table gives.
    Pushed,
    /// Rows of a join by whether they had a match: those in memory, then partition by partition those in a file.
    BuildParts(&'a JoinTable, bool),
}

/// Steps, resolved.
pub(crate) struct Body<'a> {
    pub(crate) steps: Vec<Step<'a>>,
    pub(crate) end: End<'a>,
    /// Whom the end is counted for.
    pub(crate) operator: u32,
}

/// A step, resolved.
pub(crate) enum Step<'a> {
    Compute {
        call: KernelCall<'a>,
        live: Cow<'a, [Reg]>,
        counts: &'a [u32],
        /// The sink's end, if all rows of a chunk that come here come there.
        lends: Option<usize>,
    },
    Count(&'a [u32]),
    /// Index into `PipelineRun::probes`.
    Probe(usize),
    /// Lists, their items, what is kept beside them, and whom it is counted for.
    FlatMap {
        lists: &'a [Reg],
        items: &'a [Reg],
        carry: &'a [Reg],
        operator: u32,
    },
    /// Index into `PipelineRun::contenders`.
    Contenders(usize),
}

/// A kernel, resolved.
pub(crate) struct KernelCall<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) plain: KernelFn,
    pub(crate) nullable: KernelFn,
    pub(crate) replay: Option<KernelFn>,
    pub(crate) operator: u32,
}

/// A probe, resolved.
pub(crate) struct Probing<'a> {
    pub(crate) table: &'a JoinTable,
    /// What takes the table's place when its file has changed.
    pub(crate) refreshed: &'a Refreshed,
    pub(crate) layout: KeyLayout,
    pub(crate) keys: &'a [Reg],
    pub(crate) spec: ProbeSpec,
    pub(crate) operator: u32,
    /// Rows that wait until the others are through.
    pub(crate) away: Option<PutAway>,
}

/// Where a body ends.
pub(crate) enum End<'a> {
    /// Index into `PipelineRun::ends`.
    At(usize),
    Fork(Vec<Body<'a>>),
}

/// What workers make their sides of an end of.
pub(crate) enum EndSpec<'a> {
    Sink {
        sink: u32,
        columns: &'a [Reg],
    },
    Late(Option<&'a LateRows>),
    Build {
        table: u32,
        spec: &'a JoinSpec,
        keys: &'a [Reg],
        payload: &'a [Reg],
    },
    Aggregate {
        table: u32,
        spec: &'a GroupSpec,
        keys: &'a [Reg],
        inputs: &'a [AggregateInput],
        by_row: Option<BuildRows>,
    },
    Fused {
        table: u32,
        spec: &'a GroupSpec,
        call: KernelCall<'a>,
        counts: &'a [u32],
    },
    Collect {
        table: u32,
        spec: &'a RowsSpec,
        columns: &'a [Reg],
    },
    Window(WindowSpecs<'a>),
    Kept(KeptSpec<'a>),
    Closing {
        table: &'a ClosingTable,
        columns: &'a [Reg],
        time: (Reg, Unit),
    },
    Feed(FeedSpec<'a>),
    Nothing,
}

impl EndSpec<'_> {
    /// The table it fills.
    pub(crate) fn table(&self) -> Option<u32> {
        match self {
            Self::Build { table, .. }
            | Self::Aggregate { table, .. }
            | Self::Fused { table, .. }
            | Self::Collect { table, .. } => Some(*table),
            Self::Sink { .. }
            | Self::Late(_)
            | Self::Window(_)
            | Self::Kept(_)
            | Self::Closing { .. }
            | Self::Feed(_)
            | Self::Nothing => None,
        }
    }
}

impl<'a> JobRun<'a> {
    /// Whether the run is to end without a result.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed) && !self.drains.load(Ordering::Relaxed)
    }

    /// Whether a worker's rows for a table are still few enough to be numbered.
    pub(crate) fn check_rows(&self, rows: usize, table: Option<u32>) -> Result<(), RunError> {
        match table {
            Some(table) if rows > MOST_ROWS => Err(self.tables[table as usize].too_many()),
            Some(_) | None => Ok(()),
        }
    }

    fn call(&self, kernel: &'a Kernel, operator: u32) -> Result<KernelCall<'a>, RunError> {
        let find = |number: u32| {
            let is_there = (number as usize) < self.artifact.kernel_count();
            is_there.then(|| self.artifact.kernel(number)).ok_or_else(|| bad(format!("it has no kernel {number}")))
        };
        Ok(KernelCall {
            kernel,
            plain: find(kernel.plain)?,
            nullable: find(kernel.nullable)?,
            replay: kernel.replay.map(find).transpose()?,
            operator,
        })
    }

    fn table(&'a self, number: u32, operator: u32) -> Result<&'a Table, RunError> {
        let table = self.tables.get(number as usize).ok_or_else(|| bad(format!("it has no table {number}")))?;
        let filler = self.filler_of(number).unwrap_or(operator);
        table.complete(self.workers, |groups| self.refuse_groups(filler, groups))
    }

    /// Treats groups without a value as their operator's policy says.
    pub(crate) fn refuse_groups(&self, number: u32, groups: &[RefusedGroup]) -> Result<(), RunError> {
        let manifest = &self.artifact.manifest;
        let operator = &manifest.operators[number as usize];
        let failure = |group: &RefusedGroup| {
            let key = group.key.iter().enumerate();
            let values = key.map(|(at, value)| (format!("key.{at}"), value.clone())).collect();
            if let Refusal::User(error) = group.why {
                return RowFailure { values, ..user_failure(manifest, operator, error) };
            }
            RowFailure {
                message: group.why.message(),
                operator: operator.name.clone(),
                source_file: manifest.source_file.clone(),
                line: operator.line,
                column: 1,
                expression: String::new(),
                input: None,
                values,
            }
        };
        let Some(first) = groups.first() else { return Ok(()) };
        self.skipped_groups.lock().expect("a worker that panicked ends the job").push((number, groups.len() as u64));
        match operator.on_error {
            ErrorPolicy::Fail => Err(RunError::Row(Box::new(failure(first)))),
            ErrorPolicy::Skip => Ok(()),
            ErrorPolicy::Sink(sink) => {
                let sink = &self.sinks[sink as usize];
                let row = |group: &RefusedGroup| error_row(group.why.code(), &failure(group));
                let rows = groups.iter().map(row).collect();
                let batches = batch_of(rows, sink.schema()).into_iter().collect();
                Ok(sink.deliver_now(batches, &mut *sink.encoder(), &self.waiting_bytes)?)
            }
        }
    }

    /// The operator that fills a table.
    pub(crate) fn filler_of(&self, number: u32) -> Option<u32> {
        fn find(body: &manifest::Body, number: u32) -> Option<u32> {
            match &body.end {
                manifest::End::Build { table, operator, .. }
                | manifest::End::Aggregate { table, operator, .. }
                | manifest::End::Collect { table, operator, .. }
                | manifest::End::Window { table, operator, .. }
                | manifest::End::Feed { table, operator, .. } => (*table == number).then_some(*operator),
                manifest::End::Fork(branches) => branches.iter().find_map(|branch| find(branch, number)),
                manifest::End::Sink { .. } | manifest::End::Late { .. } | manifest::End::Nothing => None,
            }
        }
        self.artifact.manifest.pipelines.iter().find_map(|pipeline| find(&pipeline.body, number))
    }

    fn join_table(&'a self, number: u32, operator: u32) -> Result<(&'a JoinSpec, &'a JoinTable), RunError> {
        match (self.table(number, operator)?, &self.tables[number as usize].spec) {
            (Table::Join(table), TableSpec::Join(spec)) => Ok((spec, table)),
            _ => Err(bad(format!("table {number} is not of a join"))),
        }
    }

    fn table_spec(&self, number: u32) -> Result<&TableSpec, RunError> {
        let table = self.tables.get(number as usize);
        table.map(|table| &table.spec).ok_or_else(|| bad(format!("it has no table {number}")))
    }

    /// Runs a pipeline to its end.
    pub(crate) fn run_pipeline(
        &'a self,
        number: u32,
        pipeline: &'a Pipeline,
        source: Option<Arc<dyn Source>>,
        progress: &Progress,
    ) -> Result<PipelineReport, RunError> {
        let job: &JobRun<'_> = self;
        let run = job.resolve_pipeline(number, pipeline, source.as_deref(), None, progress)?;
        let counts = run.run_workers()?;
        let (read, failure) = run.end(source.as_deref());
        if let Some((_, error)) = failure {
            return Err(error);
        }
        self.sinks.iter().for_each(|sink| sink.end_pipeline(&self.waiting_bytes));
        Ok(PipelineReport { counts, read: read.into_iter().collect() })
    }

    /// A pipeline as it is run.
    pub(crate) fn resolve_pipeline(
        &'a self,
        number: u32,
        pipeline: &'a Pipeline,
        source: Option<&'a dyn Source>,
        group: Option<&'a Wake>,
        progress: &Progress,
    ) -> Result<PipelineRun<'a>, RunError> {
        let (origin, rows) = self.origin(&pipeline.origin)?;
        let input = match (source, &origin.rows) {
            (Some(source), _) => Input::Source(source),
            (None, OriginRows::Merged(runs)) => Input::Merge(Mutex::new(runs.merge()?)),
            (None, OriginRows::BuildParts(..)) => Input::Parts(rows),
            (None, OriginRows::Pushed) => Input::Channel,
            (None, OriginRows::Source | OriginRows::Columns(_) | OriginRows::Taken(..)) => Input::Table(rows),
        };
        let time = event_time(pipeline)?;
        let morsels = Morsels::new(input, &self.waiting_bytes, time, group);
        let mut resolver = Resolver {
            job: self,
            registers: &pipeline.registers,
            probes: Vec::new(),
            contenders: Vec::new(),
            ends: Vec::new(),
            more_registers: Vec::new(),
        };
        let body = resolver.body(&pipeline.body)?;
        let Resolver { probes, contenders, ends, more_registers, .. } = resolver;
        let limit = |end: &EndSpec<'_>| match end {
            EndSpec::Collect { spec: RowsSpec { by, partition_by, limit: Some(limit), .. }, .. }
                if by.is_empty() && partition_by.is_empty() =>
            {
                Some(Limit::new(*limit))
            }
            EndSpec::Sink { .. }
            | EndSpec::Late(_)
            | EndSpec::Build { .. }
            | EndSpec::Aggregate { .. }
            | EndSpec::Fused { .. }
            | EndSpec::Collect { .. }
            | EndSpec::Window(_)
            | EndSpec::Kept(_)
            | EndSpec::Closing { .. }
            | EndSpec::Feed(_)
            | EndSpec::Nothing => None,
        };
        let limits = ends.iter().map(limit).collect();
        let statistics = source.map(|source| (source.total_rows(), source.total_bytes()));
        let name = &self.artifact.manifest.operators[origin.operator as usize].name;
        let bar = progress.start(name, statistics.unwrap_or((Some(rows as u64), None)));
        let failure = Mutex::default();
        let (rows_done, passed) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(PipelineRun {
            job: self,
            number,
            pipeline,
            origin,
            body,
            probes,
            contenders,
            ends,
            registers: [&pipeline.registers[..], &more_registers].concat(),
            morsels,
            time,
            limits,
            bar,
            rows_done,
            passed,
            failure,
        })
    }

    pub(crate) fn open_source(&self, origin: &Origin) -> Result<Option<Arc<dyn Source>>, RunError> {
        let Origin::Scan { source, columns, prune, event_time, .. } = origin else { return Ok(None) };
        let source = self.artifact.manifest.sources.get(*source as usize);
        let source = source.ok_or_else(|| bad("it reads a source that it does not list".into()))?;
        if let Some(source) = self.sources.get(&source.name) {
            return Ok(Some(Arc::clone(source)));
        }
        let mut scan = Scan::of(columns.iter().map(|(position, _)| *position).collect());
        scan.batch_rows = self.batch_rows.unwrap_or(scan.batch_rows);
        // Rows that are left out would not be seen by the watermark.
        for term in prune.iter().filter(|_| event_time.is_none()) {
            let value = match &term.value {
                Some(PruneValue::Constant(constant)) => Some(constant.clone()),
                Some(PruneValue::Param(number)) => self.params.constant(*number).cloned(),
                None => None,
            };
            scan.prune.push(ResolvedPruneTerm { column: term.column, op: term.op, value });
        }
        let opened = connector::open_source(source, self.inputs.get(&source.name).map(String::as_str), &scan)?;
        Ok(Some(match self.limit {
            Some(limit) => Arc::new(crate::limit::FirstRows::new(opened, limit)),
            None => Arc::from(opened),
        }))
    }

    /// How long a source may have nothing until nobody waits for its event time, if the job says so.
    pub(crate) fn idle_after_of(&self, origin: &Origin) -> Option<Duration> {
        let Origin::Scan { source, .. } = origin else { return None };
        let source = self.artifact.manifest.sources.get(*source as usize)?;
        source.connector.options.get("idle_after_ms")?.parse().ok().map(Duration::from_millis)
    }

    /// The origin, and its rows if they are a table's.
    fn origin(&'a self, origin: &'a Origin) -> Result<(OriginRun<'a>, usize), RunError> {
        let (operator, registers, rows, count) = match origin {
            Origin::Scan { columns, operator, .. } => (*operator, columns, OriginRows::Source, 0),
            Origin::Table { table, columns, operator }
                if self.tables.get(*table as usize).is_some_and(|table| table.live().is_some()) =>
            {
                (*operator, columns, OriginRows::Pushed, 0)
            }
            Origin::Table { table, columns, operator } => match self.table(*table, *operator)? {
                Table::Groups(groups) => (*operator, columns, OriginRows::Columns(&groups.columns), groups.rows),
                Table::Merged(runs) => (*operator, columns, OriginRows::Merged(runs), runs.rows()),
                Table::Rows(rows) => (*operator, columns, OriginRows::Columns(&rows.columns), rows.rows),
                Table::Top(rows, order) => {
                    (*operator, columns, OriginRows::Taken(&rows.columns, Cow::Borrowed(order)), order.len())
                }
                Table::Join(_) => return Err(bad(format!("table {table} is read without its matches"))),
            },
            Origin::BuildRows { table, matched, columns, operator } => {
                let (_, table) = self.join_table(*table, *operator)?;
                match &table.spilled {
                    Some(spilled) => {
                        let parts = 1 + spilled.blocks();
                        (*operator, columns, OriginRows::BuildParts(table, *matched), parts)
                    }
                    None => {
                        let rows = table.rows_by_match(*matched);
                        let count = rows.len();
                        (*operator, columns, OriginRows::Taken(&table.payload, Cow::Owned(rows)), count)
                    }
                }
            }
        };
        // A batch has the columns in the order they were asked for.
        Ok((OriginRun { operator, registers, rows }, count))
    }
}

/// The event time of what a pipeline reads.
fn event_time(pipeline: &Pipeline) -> Result<Option<EventTime>, RunError> {
    let Origin::Scan { columns, event_time: Some(time), .. } = &pipeline.origin else { return Ok(None) };
    let column = columns.iter().position(|(position, _)| *position == time.column);
    let found = column.and_then(|column| {
        let reg = columns[column].1;
        Some((column, reg, Unit::of(pipeline.registers.get(reg as usize)?.ty.base)?))
    });
    let (column, reg, unit) = found.ok_or_else(|| bad("it reads no column of times where it needs one".to_owned()))?;
    Ok(Some(EventTime {
        field: time.column,
        column,
        unit,
        lateness_us: time.lateness_us,
        time: reg,
        watermark: time.watermark,
    }))
}

fn bad(what: String) -> RunError {
    RunError::BadManifest(what)
}

/// Turns a manifest's body into functions and tables.
pub(crate) struct Resolver<'a> {
    pub(crate) job: &'a JobRun<'a>,
    pub(crate) registers: &'a [Field],
    pub(crate) probes: Vec<Probing<'a>>,
    contenders: Vec<ContenderSpec<'a>>,
    pub(crate) ends: Vec<EndSpec<'a>>,
    pub(crate) more_registers: Vec<Field>,
}

impl<'a> Resolver<'a> {
    fn body(&mut self, body: &'a manifest::Body) -> Result<Body<'a>, RunError> {
        let mut steps = body.steps.iter().map(|step| self.step(step)).collect::<Result<Vec<_>, _>>()?;
        let (end, operator) = self.end(&body.end)?;
        if let End::At(end) = end {
            self.group_by_build_row(&mut steps, end);
        }
        if let (End::At(end), manifest::End::Sink { .. }) = (&end, &body.end) {
            for step in steps.iter_mut().rev() {
                match step {
                    Step::Compute { call, lends, .. } if !call.kernel.filter => *lends = Some(*end),
                    Step::Count(_) => {}
                    Step::Compute { .. } | Step::Probe(_) | Step::FlatMap { .. } | Step::Contenders(_) => break,
                }
            }
        }
        Ok(Body { steps, end, operator })
    }

    fn step(&mut self, step: &'a manifest::Step) -> Result<Step<'a>, RunError> {
        Ok(match step {
            manifest::Step::Compute { kernel, live, operator, counts } => Step::Compute {
                call: self.job.call(kernel, *operator)?,
                live: Cow::Borrowed(live),
                counts,
                lends: None,
            },
            manifest::Step::Count { operators } => Step::Count(operators),
            manifest::Step::FlatMap { lists, items, carry, operator } => {
                self.check_flat_map(lists, items)?;
                Step::FlatMap { lists, items, carry, operator: *operator }
            }
            manifest::Step::Contenders { keys, value, is_least, operator } => {
                let spec = ContenderSpec::new(keys, *value, *is_least, *operator, self.registers);
                self.contenders.push(spec.ok_or_else(|| bad("it compares what has no order".into()))?);
                Step::Contenders(self.contenders.len() - 1)
            }
            manifest::Step::Probe { table, kind, keys, carry, payload, matched, mark_only, operator } => {
                let (number, (spec, table)) = (*table, self.job.join_table(*table, *operator)?);
                let away = if table.spilled.is_some() {
                    let probed = &self.job.tables[number as usize];
                    let file = probed.account.spill_file(&probed.name)?;
                    Some(PutAway::new(file, keys, carry, self.registers))
                } else {
                    None
                };
                self.probes.push(Probing {
                    table,
                    refreshed: &self.job.tables[number as usize].refreshed,
                    layout: spec.layout.clone(),
                    keys,
                    spec: ProbeSpec {
                        kind: *kind,
                        carry: carry.clone(),
                        payload: payload.clone(),
                        matched: *matched,
                        mark_only: *mark_only,
                        rows: None,
                    },
                    operator: *operator,
                    away,
                });
                Step::Probe(self.probes.len() - 1)
            }
        })
    }

    /// The items are of the lists' type.
    fn check_flat_map(&self, lists: &[Reg], items: &[Reg]) -> Result<(), RunError> {
        let base = |reg: &Reg| self.registers.get(*reg as usize).map(|field| field.ty.base);
        let fits = |(list, item): (&Reg, &Reg)| {
            base(list).and_then(manifest::BaseType::item).is_some_and(|of| Some(of) == base(item))
        };
        if lists.is_empty() || lists.len() != items.len() || !lists.iter().zip(items).all(fits) {
            return Err(bad("a flat map takes items out of what are no lists of them".to_owned()));
        }
        Ok(())
    }

    fn end(&mut self, end: &'a manifest::End) -> Result<(End<'a>, u32), RunError> {
        let mismatch = |table: u32| bad(format!("table {table} is of another kind than what fills it"));
        let (spec, operator) = match end {
            manifest::End::Fork(branches) => {
                let branches = branches.iter().map(|branch| self.body(branch)).collect::<Result<_, _>>()?;
                return Ok((End::Fork(branches), 0));
            }
            manifest::End::Nothing => (EndSpec::Nothing, 0),
            manifest::End::Sink { sink, columns, operator } => {
                if *sink as usize >= self.job.sinks.len() {
                    return Err(bad(format!("it has no sink {sink}")));
                }
                (EndSpec::Sink { sink: *sink, columns }, *operator)
            }
            manifest::End::Late { late, operator } => {
                if late.as_ref().is_some_and(|late| late.sink as usize >= self.job.sinks.len()) {
                    return Err(bad("late rows go to a sink that it does not have".to_owned()));
                }
                (EndSpec::Late(late.as_ref()), *operator)
            }
            manifest::End::Build { table, keys, payload, operator } => match self.job.table_spec(*table)? {
                TableSpec::Join(spec) => (EndSpec::Build { table: *table, spec, keys, payload }, *operator),
                TableSpec::Aggregate(_) | TableSpec::Rows(_) | TableSpec::Live(_) => return Err(mismatch(*table)),
            },
            manifest::End::Collect { table, columns, operator } => match self.job.table_spec(*table)? {
                TableSpec::Rows(spec) => (EndSpec::Collect { table: *table, spec, columns }, *operator),
                TableSpec::Live(live) => (live.closing_end(columns, self.registers)?, *operator),
                TableSpec::Aggregate(_) | TableSpec::Join(_) => return Err(mismatch(*table)),
            },
            manifest::End::Window { table, time, watermark, keys, inputs, late, operator } => {
                let TableSpec::Live(live) = self.job.table_spec(*table)? else { return Err(mismatch(*table)) };
                let late = late.as_ref().filter(|late| (late.sink as usize) < self.job.sinks.len());
                let place = (*time, *watermark, late);
                (live.window_end(place, keys, inputs, self.registers)?, *operator)
            }
            manifest::End::Feed { table, input, keys, time, columns, operator } => {
                let TableSpec::Live(live) = self.job.table_spec(*table)? else { return Err(mismatch(*table)) };
                let to = match (live.stream(), live.lookup()) {
                    (Some(stream), _) => To::Stream(stream),
                    (None, Some(lookup)) => To::Lookup(lookup),
                    (None, None) => return Err(mismatch(*table)),
                };
                (EndSpec::Feed(FeedSpec::new(to, *input, keys, *time, columns)?), *operator)
            }
            manifest::End::Aggregate { table, keys, inputs, operator, .. }
                if matches!(self.job.table_spec(*table)?, TableSpec::Live(_)) =>
            {
                let TableSpec::Live(live) = self.job.table_spec(*table)? else { return Err(mismatch(*table)) };
                (live.aggregate_end(keys, inputs, self.registers)?, *operator)
            }
            manifest::End::Aggregate { table, keys, inputs, fused, operator } => {
                let TableSpec::Aggregate(spec) = self.job.table_spec(*table)? else { return Err(mismatch(*table)) };
                let end = match fused {
                    Some(fused) => EndSpec::Fused {
                        table: *table,
                        spec,
                        call: self.job.call(&fused.kernel, *operator)?,
                        counts: &fused.counts,
                    },
                    None => EndSpec::Aggregate { table: *table, spec, keys, inputs, by_row: None },
                };
                (end, *operator)
            }
        };
        self.ends.push(spec);
        Ok((End::At(self.ends.len() - 1), operator))
    }
}

impl PipelineRun<'_> {
    /// A worker has failed: what stands behind that in the input is of no interest any more.
    pub(crate) fn fail(&self, seq: Seq, error: RunError) {
        let mut failure = self.failure.lock().expect("a worker that panicked ends the job");
        if failure.as_ref().is_none_or(|(first, _)| seq < *first) {
            *failure = Some((seq, error));
        }
        self.morsels.stop_behind(seq);
    }

    /// Whether all of its ends have what they want of the morsels before `frontier`; `is_unread`: nobody reads the live tables
    /// that it fills any more.
    pub(crate) fn has_enough(&self, frontier: Seq, is_unread: bool) -> bool {
        let is_full = |sink: u32| self.job.sinks[sink as usize].is_enough();
        let has_enough = |(end, limit): (&EndSpec<'_>, &Option<Limit>)| match end {
            EndSpec::Sink { sink, .. } => is_full(*sink),
            EndSpec::Late(late) => late.is_none_or(|late| is_full(late.sink)),
            EndSpec::Collect { .. } => limit.as_ref().is_some_and(|limit| limit.is_reached(frontier)),
            // Late rows are wanted all the same.
            EndSpec::Window(window) => is_unread && window.late.is_none_or(|late| is_full(late.sink)),
            EndSpec::Kept(kept) => is_unread && kept.windows.late_sink().is_none_or(is_full),
            EndSpec::Closing { .. } | EndSpec::Feed(_) => is_unread,
            EndSpec::Build { .. } | EndSpec::Aggregate { .. } | EndSpec::Fused { .. } | EndSpec::Nothing => false,
        };
        !self.ends.is_empty() && self.ends.iter().zip(&self.limits).all(has_enough)
    }

    /// Whether a worker has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.lock().expect("a worker that panicked ends the job").is_some()
    }

    /// What it has read: operator of the source, bytes, and rows that were left out; and the first failure.
    pub(crate) fn end(self, source: Option<&dyn Source>) -> (Option<(u32, u64, u64)>, Option<(Seq, RunError)>) {
        self.bar.end();
        let bytes = self.morsels.bytes_read.load(Ordering::Relaxed);
        let read = source.map(|source| (self.origin.operator, bytes, source.statistics().pruned_rows));
        (read, self.failure.into_inner().expect("workers have ended"))
    }

    /// Runs all workers to the end of the pipeline.
    fn run_workers(&self) -> Result<Vec<Count>, RunError> {
        let mut workers: Vec<AcrossThreads<Worker<'_>>> =
            self.job.pools.iter().map(|pool| AcrossThreads(Worker::new(self, pool))).collect();
        in_threads(&mut workers, |worker| worker.work());
        for probe in self.late_probes() {
            if self.failure.lock().expect("workers have ended").is_some() {
                break;
            }
            in_threads(&mut workers, |worker| worker.flush_put_away(probe));
            in_threads(&mut workers, |worker| worker.work_late(probe));
        }
        let mut all = vec![Count::default(); self.job.artifact.manifest.operators.len()];
        for AcrossThreads(worker) in workers {
            all.iter_mut().zip(&worker.finish()?).for_each(|(all, count)| all.add(count));
        }
        Ok(all)
    }
}

/// Does something with each worker, each on a thread of its own; the first on this one.
fn in_threads<'a>(workers: &mut [AcrossThreads<Worker<'a>>], work: impl Fn(&mut Worker<'a>) + Sync) {
    let Some((first, others)) = workers.split_first_mut() else { return };
    std::thread::scope(|scope| {
        for other in others {
            let work = &work;
            scope.spawn(move || work(other.get()));
        }
        work(first.get());
    });
}
