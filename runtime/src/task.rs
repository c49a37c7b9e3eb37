//! One worker in one pipeline: takes morsels, cuts them into chunks, runs the steps over each, and ends in sinks and tables.
//!
//! All scratch belongs to the worker and is used again by every chunk. A step that gives several chunks for one (a join with
//! duplicates) runs the rest of the steps for each of them before it goes on.

mod by_value;
pub(crate) mod failure;

use crate::column::Column;
use crate::compact;
use crate::connector::{Position, SinkEncoder};
use crate::error::{RowFailure, RunError};
use crate::kernel;
use crate::late::{LateProbe, PutAway};
use crate::morsel::{Morsel, Progress, Rows, Seq, Taken};
use crate::operator::aggregate::{AggregateBuild, AggregateSpill, FusedBuild};
use crate::operator::batch::BatchEnd;
use crate::operator::collect::Order;
use crate::operator::contenders::Contenders;
use crate::operator::error_rows::{ErrorRows, error_sinks};
use crate::operator::flat_map::FlatMap;
use crate::operator::hash_join::{Found, JoinBuild, JoinTable, Probe, ProbeSpec};
use crate::operator::rows::Collect;
use crate::operator::sink::SinkRun;
use crate::operator::stream::FeedEnd;
use crate::operator::top::Top;
use crate::operator::window::{ClosingEnd, KeptEnd, WindowEnd};
use crate::primitive::pool::Pool;
use crate::registers::{BatchView, Registers, Selection};
use crate::scheduler::{Body, EndSpec, KernelCall, OriginRows, PipelineRun, Step};
use crate::spill::Partitioner;
use crate::ticks::{TICK, Ticks};
use crate::watermark::NEVER;
use sabot_abi::kernel::{Accumulator, Chunk, Context, RowError};
use sabot_abi::manifest::Reg;
use sabot_abi::stream::LateRows;
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What an operator has done, as one worker counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) rows_in: u64,
    pub(crate) rows_out: u64,
    pub(crate) build_rows: u64,
    pub(crate) skipped: u64,
    pub(crate) late: u64,
    pub(crate) nanos: u64,
}

/// A worker's part of where rows end.
#[expect(clippy::large_enum_variant, reason = "a worker has a few, and they stay where they are")]
enum End<'a> {
    Sink { end: BatchEnd, encoder: Box<dyn SinkEncoder> },
    Build(JoinBuild),
    Aggregate(AggregateBuild),
    Fused(FusedBuild),
    Collect(Collect),
    Top(Box<Top>),
    Window { end: Box<WindowEnd>, late: Option<(BatchEnd, Box<dyn SinkEncoder>)> },
    Closing(ClosingEnd),
    Kept(Box<KeptEnd>),
    Feed(FeedEnd<'a>),
    Late(Option<(BatchEnd, Box<dyn SinkEncoder>)>),
    Nothing,
}

/// The ends that are written: sink, what is to be written, and how.
fn sink_ends<'b>(
    specs: &'b [EndSpec<'_>],
    ends: &'b mut [End<'_>],
) -> impl Iterator<Item = (u32, &'b mut BatchEnd, &'b mut Box<dyn SinkEncoder>)> {
    specs.iter().zip(ends).filter_map(|(spec, end)| match (spec, end) {
        (EndSpec::Sink { sink, .. }, End::Sink { end, encoder }) => Some((*sink, end, encoder)),
        (EndSpec::Late(Some(late)), End::Late(Some((end, encoder)))) => Some((late.sink, end, encoder)),
        (EndSpec::Window(specs), End::Window { late: Some((end, encoder)), .. }) => {
            specs.late.map(|late| (late.sink, end, encoder))
        }
        _ => None,
    })
}

/// One worker.
pub(crate) struct Worker<'a> {
    pub(crate) run: &'a PipelineRun<'a>,
    pub(crate) registers: Registers,
    context: Context,
    probes: Vec<Option<Probe>>,
    contenders: Vec<Contenders>,
    /// By probe: rows on their way into its file.
    pub(crate) put_away: Vec<Option<Partitioner>>,
    /// What is probed while rows that were put away are.
    pub(crate) late: Option<LateProbe>,
    ends: Vec<End<'a>>,
    pub(crate) counts: Vec<Count>,
    /// Row of the morsel's batch with which the chunk starts.
    chunk_start: usize,
    /// The watermark before the morsel.
    watermark: i64,
    /// Where the batch's rows come from.
    pub(crate) position: Option<Position>,
    /// Rows that could not be computed, for the sinks that take them.
    errors: Vec<ErrorRows>,
    /// The first row of the chunk that ends the run, by its place in the chunk's origin: the steps go on with the rows
    /// before it, since one of those may fail in a later step.
    failure: Option<(usize, Box<RowFailure>)>,
    /// Rows that came into the step that is being computed.
    step_rows: Option<u64>,
}

impl Count {
    pub(crate) fn add(&mut self, other: &Self) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.build_rows += other.build_rows;
        self.skipped += other.skipped;
        self.late += other.late;
        self.nanos += other.nanos;
    }
}

impl<'a> Worker<'a> {
    pub(crate) fn new(run: &'a PipelineRun<'a>, pool: &Arc<Pool>) -> Self {
        let late = |late: &LateRows| {
            let sink = &run.job.sinks[late.sink as usize];
            (sink.end(&late.columns, pool), sink.encoder())
        };
        let end = |spec: &EndSpec<'a>| match spec {
            EndSpec::Sink { sink, columns } => {
                let sink = &run.job.sinks[*sink as usize];
                End::Sink { end: sink.end(columns, pool), encoder: sink.encoder() }
            }
            EndSpec::Build { spec, keys, payload, .. } => End::Build(JoinBuild::new(spec, keys, payload)),
            EndSpec::Aggregate { spec, keys, inputs, by_row, .. } => {
                End::Aggregate(AggregateBuild::new(spec, keys, inputs).by_row(by_row.as_ref()))
            }
            EndSpec::Fused { spec, .. } => End::Fused(FusedBuild::new(spec)),
            EndSpec::Collect { spec, columns, .. } => match Top::new(spec, columns) {
                Some(top) => End::Top(Box::new(top)),
                None => End::Collect(Collect::new(spec, columns)),
            },
            EndSpec::Late(rows) => End::Late(rows.map(late)),
            EndSpec::Window(specs) => End::Window { end: Box::new(specs.end()), late: specs.late.map(late) },
            EndSpec::Closing { table, columns, time } => End::Closing(table.end(columns, *time)),
            EndSpec::Kept(spec) => End::Kept(Box::new(spec.end())),
            EndSpec::Feed(spec) => End::Feed(spec.end()),
            EndSpec::Nothing => End::Nothing,
        };
        let registers = Registers::new(&run.registers);
        Self {
            run,
            context: Context {
                functions: crate::ffi::functions(),
                params: run.job.params.words().as_ptr(),
                constants: run.job.artifact.constants(),
                error: RowError::default(),
                arena: registers.made.as_ptr(),
                row_bytes: 0,
                result: [0; 4],
            },
            registers,
            probes: run.probes.iter().map(|probing| Some(Probe::new(&probing.layout, probing.keys))).collect(),
            contenders: run.contenders.iter().map(Contenders::new).collect(),
            put_away: run.probes.iter().map(|probing| probing.away.as_ref().map(PutAway::partitioner)).collect(),
            late: None,
            ends: run.ends.iter().map(end).collect(),
            counts: vec![Count::default(); run.job.artifact.manifest.operators.len()],
            chunk_start: 0,
            watermark: NEVER,
            position: None,
            errors: error_sinks(run),
            failure: None,
            step_rows: None,
        }
    }

    /// Takes morsels until there are none.
    pub(crate) fn work(&mut self) {
        let _guard = self.run.morsels.stop_on_panic();
        let mut ticks = self.run.morsels.may_wait().then(|| Ticks::new(self.run.job));
        loop {
            if self.run.job.is_interrupted() {
                return self.run.fail(Seq::END, RunError::Interrupted);
            }
            let taken = match &mut ticks {
                None => self.run.morsels.take().map(|morsel| morsel.map_or(Taken::End, Taken::Morsel)),
                Some(ticks) => self.take_in_time(ticks),
            };
            match taken {
                Ok(Taken::Morsel(morsel)) => {
                    let seq = morsel.seq;
                    if let Err(error) = self.on_morsel(morsel) {
                        return self.run.fail(seq, error);
                    }
                }
                Ok(Taken::Nothing) => {}
                Ok(Taken::End) => return,
                Err(error) => return self.run.fail(Seq::END, error),
            }
        }
    }

    /// The next morsel of a source that may have nothing yet: what waits to be written does not wait for it.
    fn take_in_time(&self, ticks: &mut Ticks) -> Result<Taken, RunError> {
        let run = self.run;
        if ticks.is_due(TICK) {
            ticks.flush_sinks(run.job)?;
        }
        run.morsels.take_soon()
    }

    /// Hands the tables what they are to hold; gives what was counted.
    pub(crate) fn finish(self) -> Result<Vec<Count>, RunError> {
        let tables = &self.run.job.tables;
        for (spec, end) in self.run.ends.iter().zip(self.ends) {
            match (spec, end) {
                (EndSpec::Build { table, .. }, End::Build(build)) => tables[*table as usize].add_rows(build.rows),
                (EndSpec::Aggregate { table, by_row, .. }, End::Aggregate(mut build)) => {
                    if let Some(rows) = by_row {
                        build.take_keys(&self.run.probes[rows.probe].table.payload);
                    }
                    tables[*table as usize].add_groups(build.into_parts()?);
                }
                (EndSpec::Fused { table, .. }, End::Fused(build)) => {
                    tables[*table as usize].add_groups(vec![build.into_part()]);
                }
                (EndSpec::Collect { table, .. }, End::Collect(collect)) => {
                    tables[*table as usize].add_rows(collect.into_rows());
                }
                (EndSpec::Collect { table, .. }, End::Top(top)) => tables[*table as usize].add_top(top.into_part()),
                (
                    EndSpec::Sink { .. }
                    | EndSpec::Late(_)
                    | EndSpec::Window(_)
                    | EndSpec::Closing { .. }
                    | EndSpec::Kept(_)
                    | EndSpec::Feed(_)
                    | EndSpec::Nothing,
                    _,
                ) => {}
                _ => unreachable!("ends are made of their specs"),
            }
        }
        Ok(self.counts)
    }

    /// Tells all ends which morsel comes.
    pub(crate) fn start(&mut self, order: Order) -> Result<(), RunError> {
        let watermark = self.watermark;
        for end in &mut self.ends {
            match end {
                End::Build(build) => build.start(order),
                End::Aggregate(build) => build.start(order)?,
                End::Collect(collect) => collect.start(order),
                End::Top(top) => top.start(order),
                End::Window { end, .. } => end.start(order, watermark),
                End::Closing(end) => end.start(order, watermark),
                End::Kept(end) => end.start(order, watermark),
                End::Feed(end) => end.start(order),
                End::Sink { .. } | End::Late(_) | End::Fused(_) | End::Nothing => {}
            }
        }
        for (probing, partitioner) in self.run.probes.iter().zip(&mut self.put_away) {
            if let (Some(away), Some(partitioner)) = (&probing.away, partitioner) {
                partitioner.start(order, &away.file)?;
            }
        }
        Ok(())
    }

    /// Works on a morsel; gives how far the pipeline is then.
    pub(crate) fn on_morsel(&mut self, morsel: Morsel) -> Result<Progress, RunError> {
        let run = self.run;
        self.watermark = morsel.watermark;
        self.start((run.number, morsel.seq))?;
        let rows = match &morsel.rows {
            Rows::Batch { rows, .. } | Rows::Table { rows, .. } => *rows,
            Rows::Merged(rows) => rows.rows,
            Rows::Part(_) => 0,
        };
        self.position = None;
        match morsel.rows {
            Rows::Batch { batch, position, first, rows } => {
                let started = Instant::now();
                self.position = Some(position);
                let view = BatchView::new(batch.columns(), run.origin.registers.iter().map(|(_, reg)| *reg));
                let origin = &mut self.counts[run.origin.operator as usize];
                origin.rows_in += rows as u64;
                origin.rows_out += rows as u64;
                origin.nanos += started.elapsed().as_nanos() as u64;
                let mut greatest = morsel.greatest.0;
                for start in (0..rows).step_by(CHUNK_ROWS) {
                    let len = (rows - start).min(CHUNK_ROWS);
                    self.chunk_start = first + start;
                    self.registers.load(&view, self.chunk_start, len);
                    let mut selection = Selection::all(len);
                    if let Some(time) = &run.time {
                        greatest = time.fill(&mut self.registers, len, greatest);
                        self.refuse_without_time(time, &mut selection);
                    }
                    self.run_selected(&run.body, 0, selection)?;
                }
            }
            Rows::Table { first, rows } => match &run.origin.rows {
                OriginRows::Columns(columns) => self.run_rows(columns, None, first..first + rows)?,
                OriginRows::Taken(columns, taken) => self.run_rows(columns, Some(&**taken), first..first + rows)?,
                OriginRows::Source | OriginRows::Merged(_) | OriginRows::Pushed | OriginRows::BuildParts(..) => {
                    unreachable!("morsels are made of what the origin is")
                }
            },
            Rows::Merged(rows) => {
                self.run_rows(&rows.columns, None, 0..rows.rows)?;
                if run.morsels.is_pushed() {
                    run.job.waiting_bytes.fetch_sub(rows.memory_bytes(), Ordering::Relaxed);
                }
            }
            Rows::Part(part) => match &run.origin.rows {
                OriginRows::BuildParts(table, matched) => {
                    let spilled = table.spilled.as_ref().expect("only such tables are read in parts");
                    let loaded = part.checked_sub(1).map(|block| spilled.load(block)).transpose()?;
                    let table = loaded.as_ref().unwrap_or(table);
                    let rows = table.rows_by_match(*matched);
                    self.run_rows(&table.payload, Some(&rows), 0..rows.len())?;
                }
                OriginRows::Source
                | OriginRows::Columns(_)
                | OriginRows::Taken(..)
                | OriginRows::Merged(_)
                | OriginRows::Pushed => {
                    unreachable!("morsels are made of what the origin is")
                }
            },
        }
        run.rows_done.fetch_add(rows as u64, Ordering::Relaxed);
        self.end_morsel(morsel.seq)
    }

    /// Runs the body over rows of a table: those of the range, or the rows with the numbers that `taken` has there.
    fn run_rows(&mut self, columns: &[Column], taken: Option<&[u32]>, rows: Range<usize>) -> Result<(), RunError> {
        let run = self.run;
        self.counts[run.origin.operator as usize].rows_out += rows.len() as u64;
        for start in rows.clone().step_by(CHUNK_ROWS) {
            let len = (rows.end - start).min(CHUNK_ROWS);
            self.chunk_start = start;
            let columns = run.origin.registers.iter().map(|(position, reg)| (*reg, &columns[*position as usize]));
            match taken {
                None => self.registers.load_rows(columns, start, len),
                Some(taken) => self.registers.load_taken(columns, &taken[start..start + len]),
            }
            self.run_chunk(&run.body, 0, len)?;
        }
        Ok(())
    }

    /// Runs the steps from one on over the chunk that the registers hold.
    pub(crate) fn run_chunk(&mut self, body: &'a Body<'a>, from: usize, rows: usize) -> Result<(), RunError> {
        self.run_selected(body, from, Selection::all(rows))
    }

    fn run_selected(&mut self, body: &'a Body<'a>, from: usize, selection: Selection) -> Result<(), RunError> {
        self.step_rows = None;
        self.run_body(body, from, selection)?;
        if let Some((_, failure)) = self.failure.take() {
            return Err(RunError::Row(failure));
        }
        if self.run.job.is_interrupted() { Err(RunError::Interrupted) } else { Ok(()) }
    }

    /// Hands on what the morsel has brought.
    fn end_morsel(&mut self, seq: Seq) -> Result<Progress, RunError> {
        let run = self.run;
        let waiting = &run.job.waiting_bytes;
        let place = (run.number, seq);
        self.settle_tables(place)?;
        for (sink, end, _) in sink_ends(&run.ends, &mut self.ends) {
            run.job.sinks[sink as usize].deliver(place, end.take_batches(), waiting);
        }
        for errors in &mut self.errors {
            let sink = &run.job.sinks[errors.sink as usize];
            sink.deliver(place, errors.take_batches(sink.schema()), waiting);
        }
        for (limit, end) in run.limits.iter().zip(&self.ends) {
            if let (Some(limit), End::Collect(collect)) = (limit, end) {
                limit.add(seq, collect.morsel_rows());
            }
        }
        let progress = run.morsels.done(seq);
        run.bar.update(&run.morsels);
        let place = (run.number, progress.frontier);
        for (sink, _, encoder) in sink_ends(&run.ends, &mut self.ends) {
            run.job.sinks[sink as usize].advance(place, &mut **encoder, waiting)?;
        }
        for errors in &mut self.errors {
            run.job.sinks[errors.sink as usize].advance(place, &mut *errors.encoder, waiting)?;
        }
        if !run.job.sinks.is_empty() && run.job.sinks.iter().all(SinkRun::is_enough) {
            run.morsels.stop();
        }
        if run.has_enough(progress.frontier, false) {
            run.morsels.stop();
        }
        Ok(progress)
    }

    /// Tables look at what they hold.
    fn settle_tables(&mut self, order: Order) -> Result<(), RunError> {
        let run = self.run;
        let table_of = |number: &u32| &run.job.tables[*number as usize];
        for (number, (spec, end)) in run.ends.iter().zip(&mut self.ends).enumerate() {
            match (spec, end) {
                (EndSpec::Build { table, .. }, End::Build(build)) => {
                    build.end_morsel(table_of(table))?;
                }
                (EndSpec::Aggregate { table, keys, inputs, .. }, End::Aggregate(build)) => {
                    let table = table_of(table);
                    if build.is_in_pieces() {
                        // Rows that were put away come later, with morsels that are long through.
                        let comes_later = run.probes.iter().any(|probing| probing.away.is_some());
                        let frontier = if comes_later { Seq::START } else { run.morsels.progress().frontier };
                        build.bring(&table.pieces((run.number, number)), frontier, &table.account);
                    }
                    build.end_morsel(&table.account, || {
                        let make = |file| AggregateSpill::new(file, &run.registers, keys, inputs);
                        table.aggregate_spill((run.number, number), make)
                    })?;
                }
                (EndSpec::Collect { table, .. }, End::Collect(collect)) => {
                    let table = table_of(table);
                    collect.end_morsel(&table.account, || table.sorted_runs())?;
                }
                (EndSpec::Collect { table, .. }, End::Top(top)) => {
                    let table = table_of(table);
                    top.end_morsel(&table.account, || table.sorted_runs())?;
                }
                (EndSpec::Window(specs), End::Window { end, .. }) => end.end_morsel(specs.account),
                (EndSpec::Feed(_), End::Feed(end)) => end.end_morsel(&run.job.waiting_bytes),
                (EndSpec::Kept(spec), End::Kept(end)) => spec.bring(order, number, end, &run.job.waiting_bytes),
                _ => {}
            }
        }
        Ok(())
    }

    /// Hands on what rows have brought whose place in the input is of no interest any more.
    pub(crate) fn end_late_morsel(&mut self) -> Result<(), RunError> {
        let run = self.run;
        let waiting = &run.job.waiting_bytes;
        self.settle_tables((run.number, Seq::END))?;
        for (sink, end, encoder) in sink_ends(&run.ends, &mut self.ends) {
            run.job.sinks[sink as usize].deliver_now(end.take_batches(), &mut **encoder, waiting)?;
        }
        for errors in &mut self.errors {
            let sink = &run.job.sinks[errors.sink as usize];
            let batches = errors.take_batches(sink.schema());
            sink.deliver_now(batches, &mut *errors.encoder, waiting)?;
        }
        Ok(())
    }

    /// Runs the steps from one on over the selected rows.
    fn run_body(&mut self, body: &'a Body<'a>, from: usize, mut selection: Selection) -> Result<(), RunError> {
        for (at, step) in body.steps.iter().enumerate().skip(from) {
            if selection.count == 0 {
                return Ok(());
            }
            match step {
                Step::Count(operators) => {
                    for operator in *operators {
                        self.count(*operator, selection.count, selection.count);
                    }
                }
                Step::Compute { call, live, counts, lends } => {
                    let started = Instant::now();
                    let before = selection.count as u64;
                    let step_rows = *self.step_rows.get_or_insert(before);
                    let carried = call.kernel.inputs.len() + live.len();
                    if compact::pays(call.kernel, carried, &selection) {
                        let regs = call.kernel.inputs.iter().chain(live.iter()).copied();
                        self.compress(regs, &mut selection);
                    }
                    if let Some(End::Sink { end, .. }) = lends.map(|end| &mut self.ends[end])
                        && selection.is_full()
                    {
                        end.lend(&mut self.registers, call.kernel, selection.rows);
                    }
                    self.call(call, &mut selection, std::ptr::null_mut());
                    self.counts[call.operator as usize].nanos += started.elapsed().as_nanos() as u64;
                    self.count_step(counts, step_rows, selection.count);
                }
                Step::Contenders(number) => {
                    let (started, before) = (Instant::now(), selection.count);
                    self.contenders[*number].narrow(&mut self.registers, &mut selection);
                    let operator = self.run.contenders[*number].operator;
                    self.count(operator, before, selection.count);
                    self.counts[operator as usize].nanos += started.elapsed().as_nanos() as u64;
                }
                Step::FlatMap { lists, items, carry, operator } => {
                    return self.flat_map(body, at, (lists, items, carry), *operator, &selection);
                }
                Step::Probe(number) => {
                    let started = Instant::now();
                    let probing = &self.run.probes[*number];
                    let mut probe = self.probes[*number].take().expect("a probe is not inside of itself");
                    let late = self.late.take_if(|late| late.probe == *number);
                    let fresh = probing.refreshed.now();
                    let (table, spec) = match &late {
                        Some(late) => (&late.table, &late.spec),
                        None => (fresh.as_deref().unwrap_or(probing.table), &probing.spec),
                    };
                    if let (Some(spilled), Some(away)) = (&table.spilled, &probing.away) {
                        let partitioner = self.put_away[*number].as_mut().expect("made with the worker");
                        probe.put_away(spilled, &mut self.registers, &mut selection, partitioner, &away.file)?;
                    }
                    let rows_in = selection.count;
                    let found = probe.find(table, spec, &mut self.registers, &mut selection);
                    let count = &mut self.counts[probing.operator as usize];
                    count.rows_in += rows_in as u64;
                    count.nanos += started.elapsed().as_nanos() as u64;
                    match found {
                        Found::Nothing => {}
                        Found::InPlace => count.rows_out += selection.count as u64,
                        Found::Chunks => self.run_chunks(body, at, (probing.operator, spec), table, &mut probe)?,
                    }
                    self.probes[*number] = Some(probe);
                    if late.is_some() {
                        self.late = late;
                    }
                    if found != Found::InPlace {
                        return Ok(());
                    }
                }
            }
        }
        if selection.count > 0 { self.run_end(body, selection) } else { Ok(()) }
    }

    /// Runs the steps behind a probe over each chunk of pairs.
    fn run_chunks(
        &mut self,
        body: &'a Body<'a>,
        at: usize,
        (operator, spec): (u32, &ProbeSpec),
        table: &JoinTable,
        probe: &mut Probe,
    ) -> Result<(), RunError> {
        let saved = self.registers.save();
        loop {
            let started = Instant::now();
            let rows = probe.next_chunk(table, spec, &mut self.registers);
            let count = &mut self.counts[operator as usize];
            count.rows_out += rows as u64;
            count.nanos += started.elapsed().as_nanos() as u64;
            if rows == 0 {
                return Ok(());
            }
            self.step_rows = None;
            let before = self.failed_row();
            self.run_body(body, at + 1, Selection::all(rows))?;
            self.registers.restore(&saved);
            if self.failed_row() != before {
                return Ok(()); // pairs come in the order of their rows: no earlier one can fail
            }
        }
    }

    /// Runs the steps behind a flat map over each chunk of items.
    fn flat_map(
        &mut self,
        body: &'a Body<'a>,
        at: usize,
        regs: (&[Reg], &[Reg], &[Reg]),
        operator: u32,
        selection: &Selection,
    ) -> Result<(), RunError> {
        let started = Instant::now();
        let mut expansion = FlatMap::new(&mut self.registers, regs.0, selection);
        self.counts[operator as usize].rows_in += selection.count as u64;
        self.counts[operator as usize].nanos += started.elapsed().as_nanos() as u64;
        let saved = self.registers.save();
        loop {
            let started = Instant::now();
            let rows = expansion.next_chunk(&mut self.registers, regs);
            let count = &mut self.counts[operator as usize];
            count.rows_out += rows as u64;
            count.nanos += started.elapsed().as_nanos() as u64;
            if rows == 0 {
                return Ok(());
            }
            self.step_rows = None;
            let before = self.failed_row();
            self.run_body(body, at + 1, Selection::all(rows))?;
            self.registers.restore(&saved);
            if self.failed_row() != before {
                return Ok(()); // items come in the order of their rows: no earlier one can fail
            }
        }
    }

    fn run_end(&mut self, body: &'a Body<'a>, mut selection: Selection) -> Result<(), RunError> {
        let run = self.run;
        let number = match &body.end {
            crate::scheduler::End::At(number) => *number,
            crate::scheduler::End::Fork(branches) => {
                let saved = self.registers.save();
                for branch in branches {
                    self.step_rows = None;
                    self.run_body(branch, 0, selection.clone())?;
                    self.registers.restore(&saved);
                }
                return Ok(());
            }
        };
        let started = Instant::now();
        let mut count = Count { rows_in: selection.count as u64, rows_out: selection.count as u64, ..Count::default() };
        let operator = match (&run.ends[number], &mut self.ends[number]) {
            (EndSpec::Sink { .. }, End::Sink { end, .. }) => {
                end.add(&mut self.registers, &selection);
                body.operator
            }
            (EndSpec::Build { .. }, End::Build(build)) => {
                build.add(&mut self.registers, &selection);
                count = Count { build_rows: selection.count as u64, ..Count::default() };
                run.job.check_rows(build.rows.rows, run.ends[number].table())?;
                body.operator
            }
            (EndSpec::Aggregate { .. }, End::Aggregate(build)) => {
                build.add(&mut self.registers, &selection)?;
                count.rows_out = 0;
                let (failed, inputs) = build.take_failed();
                if !failed.is_empty() {
                    let inputs = inputs.to_vec();
                    self.refuse_added(body.operator, &failed, &inputs, &selection);
                }
                body.operator
            }
            (EndSpec::Collect { .. }, End::Collect(collect)) => {
                collect.add(&mut self.registers, &selection);
                count.rows_out = 0;
                run.job.check_rows(collect.rows(), run.ends[number].table())?;
                body.operator
            }
            (EndSpec::Collect { .. }, End::Top(top)) => {
                top.add(&mut self.registers, &selection);
                count.rows_out = 0;
                run.job.check_rows(top.rows(), run.ends[number].table())?;
                body.operator
            }
            (EndSpec::Fused { call, counts, .. }, End::Fused(build)) => {
                let accumulators = build.accumulators();
                let step_rows = *self.step_rows.get_or_insert(selection.count as u64);
                if compact::pays(call.kernel, call.kernel.inputs.len(), &selection) {
                    self.compress(call.kernel.inputs.iter().copied(), &mut selection);
                }
                self.call(call, &mut selection, accumulators);
                self.count_step(counts, step_rows, selection.count);
                count = Count { rows_in: selection.count as u64, ..Count::default() };
                body.operator
            }
            (EndSpec::Late(_), End::Late(end)) => {
                if let Some((batches, _)) = end {
                    batches.add(&mut self.registers, &selection);
                }
                count = Count { late: selection.count as u64, ..Count::default() };
                body.operator
            }
            (EndSpec::Window(_), End::Window { end, late }) => {
                end.add(&mut self.registers, &selection);
                count.rows_out = 0;
                count.late = end.late.count as u64;
                if let (Some((batches, _)), 1..) = (late, end.late.count) {
                    batches.add(&mut self.registers, &end.late);
                }
                let (failed, inputs) = end.take_failed();
                if !failed.is_empty() {
                    let inputs = inputs.to_vec();
                    self.refuse_added(body.operator, &failed, &inputs, &selection);
                }
                body.operator
            }
            (EndSpec::Closing { .. }, End::Closing(end)) => {
                end.add(&mut self.registers, &selection);
                count.rows_out = 0;
                count.late = end.late as u64;
                body.operator
            }
            (EndSpec::Kept(_), End::Kept(end)) => {
                end.add(&mut self.registers, &selection);
                count.rows_out = 0;
                body.operator
            }
            (EndSpec::Feed(_), End::Feed(end)) => {
                end.add(&mut self.registers, &selection);
                count.rows_out = 0;
                body.operator
            }
            (EndSpec::Nothing, End::Nothing) => return Ok(()),
            _ => unreachable!("ends are made of their specs"),
        };
        let total = &mut self.counts[operator as usize];
        total.rows_in += count.rows_in;
        total.rows_out += count.rows_out;
        total.build_rows += count.build_rows;
        total.late += count.late;
        total.nanos += started.elapsed().as_nanos() as u64;
        Ok(())
    }

    fn compress(&mut self, regs: impl Iterator<Item = u32>, selection: &mut Selection) {
        let mut seen: Vec<u32> = regs.collect();
        seen.sort_unstable();
        seen.dedup();
        self.registers.compress(seen.into_iter(), selection);
    }

    fn count(&mut self, operator: u32, rows_in: usize, rows_out: usize) {
        let count = &mut self.counts[operator as usize];
        count.rows_in += rows_in as u64;
        count.rows_out += rows_out as u64;
    }

    /// Counts the operators of a step whose last kernel was called.
    fn count_step(&mut self, operators: &[u32], step_rows: u64, rows_out: usize) {
        for (place, operator) in operators.iter().enumerate() {
            let rows_in = if place == 0 { step_rows as usize } else { rows_out };
            self.count(*operator, rows_in, rows_out);
        }
        if !operators.is_empty() {
            self.step_rows = None;
        }
    }

    /// Calls a kernel over the selected rows; if a row may have failed, its replay kernel decides.
    fn call(&mut self, call: &'a KernelCall<'a>, selection: &mut Selection, accumulators: *mut Accumulator) {
        if accumulators.is_null() && self.call_by_value(call, selection) {
            return;
        }
        let has_nulls = self.registers.bind(call.kernel, selection);
        let mut out = [0u64; CHUNK_WORDS];
        let code = if has_nulls { call.nullable } else { call.plain };
        let chunk = self.chunk(selection.rows, 0, &selection.words, &mut out, accumulators);
        let failed = kernel::call(code, &mut self.context, &chunk) != 0;
        if failed {
            self.replay(call, call.replay.is_none().then_some(out), selection, accumulators);
        } else if call.kernel.filter {
            selection.words = out;
            selection.recount();
        }
        self.registers.settle(call.kernel, selection);
    }

    fn chunk(
        &self,
        rows: usize,
        first_row: usize,
        selection: &[u64; CHUNK_WORDS],
        out: &mut [u64; CHUNK_WORDS],
        accumulators: *mut Accumulator,
    ) -> Chunk {
        Chunk {
            rows: rows as u64,
            first_row: first_row as u64,
            inputs: self.registers.inputs.as_ptr(),
            outputs: self.registers.outputs.as_ptr(),
            selection: selection.as_ptr(),
            selection_out: out.as_mut_ptr(),
            accumulators,
        }
    }
}
