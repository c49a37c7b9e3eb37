//! What pipelines leave to later ones: workers add their parts, the first reader puts them together.

use crate::error::RunError;
use crate::live::LiveTable;
use crate::operator::accumulate::{RefusedGroup, Users};
use crate::operator::aggregate::{AggregateSpill, GroupSpec, GroupTable, Part, Pieces, SpilledGroups};
use crate::operator::collect::Rows;
use crate::operator::hash_join::{JoinSpec, JoinTable};
use crate::operator::rows::{self, RowsSpec};
use crate::operator::runs::SortedRuns;
use crate::operator::top;
use crate::refresh::Refreshed;
use crate::spill::{Account, SpillFile};
use sabot_abi::manifest::{self, AggregateInput, TableKind};
use sabot_abi::stream::StreamOperator;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// What a table holds.
#[derive(Debug)]
pub(crate) enum TableSpec {
    Join(JoinSpec),
    Aggregate(GroupSpec),
    Rows(RowsSpec),
    /// What it holds goes on while it is filled.
    Live(Box<LiveTable>),
}

/// A table, complete.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a few in a job, and they stay where they are")]
pub(crate) enum Table {
    Join(JoinTable),
    Groups(GroupTable),
    Merged(Arc<SortedRuns>),
    Rows(Rows),
    /// Rows, and the numbers of those that it has, in their order.
    Top(Rows, Vec<u32>),
}

/// A table while the job runs.
#[derive(Debug)]
pub(crate) struct TableRun {
    pub(crate) name: String,
    /// What it holds, if it is not live.
    pub(crate) account: Account,
    pub(crate) spec: TableSpec,
    rows: Mutex<Vec<Rows>>,
    tops: Mutex<Vec<top::Part>>,
    parts: Mutex<Vec<Part>>,
    complete: OnceLock<Table>,
    /// How long that took, in nanoseconds.
    nanos_to_complete: AtomicU64,
    join_spill: Mutex<Option<Arc<SpillFile>>>,
    sorted_runs: Mutex<Option<Arc<SortedRuns>>>,
    /// By pipeline and place of the end in it.
    aggregate_spills: Mutex<BTreeMap<(u32, usize), Arc<AggregateSpill>>>,
    /// By way into the table: pieces that are merged as they come.
    pieces: Mutex<BTreeMap<(u32, usize), Arc<Pieces>>>,
    /// A version of it that was read later.
    pub(crate) refreshed: Refreshed,
}

/// Rows that a table can number.
pub(crate) const MOST_ROWS: usize = u32::MAX as usize - 1;

impl TableRun {
    /// `inputs`: of an aggregate, what its calls read in each of the pipelines that fill it.
    pub(crate) fn new(
        table: &manifest::Table,
        inputs: &[&[AggregateInput]],
        users: &Users,
        of_run: &Account,
    ) -> Result<Self, RunError> {
        match &table.kind {
            TableKind::Aggregate { calls, .. }
            | TableKind::Window { calls, .. }
            | TableKind::Stream { operator: StreamOperator::Aggregate { calls, .. }, .. } => users.check(calls)?,
            TableKind::Join { .. } | TableKind::Sort { .. } | TableKind::Rows { .. } | TableKind::Stream { .. } => {}
        }
        let spec = match &table.kind {
            TableKind::Join { keys, payload, track_matches } => {
                TableSpec::Join(JoinSpec::new(keys, payload, *track_matches))
            }
            TableKind::Aggregate { closes: Some(_), .. }
            | TableKind::Sort { closes: Some(_), .. }
            | TableKind::Window { .. }
            | TableKind::Stream { .. } => {
                TableSpec::Live(Box::new(LiveTable::new(&table.name, &table.kind, users, of_run.another())?))
            }
            TableKind::Aggregate { keys, calls, closes: None } => {
                TableSpec::Aggregate(GroupSpec::new(keys, calls, users).sharing(inputs))
            }
            TableKind::Sort { columns, by, limit, partition_by, closes: None } => TableSpec::Rows(RowsSpec {
                types: columns.clone(),
                by: by.clone(),
                limit: *limit,
                partition_by: partition_by.clone(),
            }),
            TableKind::Rows { columns, limit } => {
                TableSpec::Rows(RowsSpec { types: columns.clone(), by: vec![], limit: *limit, partition_by: vec![] })
            }
        };
        Ok(Self {
            name: table.name.clone(),
            account: of_run.another(),
            spec,
            rows: Mutex::default(),
            tops: Mutex::default(),
            parts: Mutex::default(),
            complete: OnceLock::new(),
            nanos_to_complete: AtomicU64::new(0),
            join_spill: Mutex::default(),
            sorted_runs: Mutex::default(),
            aggregate_spills: Mutex::default(),
            pieces: Mutex::default(),
            refreshed: Refreshed::default(),
        })
    }

    /// What it gives while it is filled, if it does.
    pub(crate) fn live(&self) -> Option<&LiveTable> {
        match &self.spec {
            TableSpec::Live(live) => Some(live),
            TableSpec::Join(_) | TableSpec::Aggregate(_) | TableSpec::Rows(_) => None,
        }
    }

    /// The file for rows that do not fit.
    pub(crate) fn join_spill(&self) -> Result<Arc<SpillFile>, RunError> {
        let mut spill = self.join_spill.lock().expect("a worker that panicked ends the job");
        if let Some(file) = &*spill {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(self.account.spill_file(&self.name)?);
        *spill = Some(Arc::clone(&file));
        Ok(file)
    }

    /// The file for rows that are sorted.
    pub(crate) fn sorted_runs(&self) -> Result<Arc<SortedRuns>, RunError> {
        let mut runs = self.sorted_runs.lock().expect("a worker that panicked ends the job");
        if let Some(runs) = &*runs {
            return Ok(Arc::clone(runs));
        }
        let TableSpec::Rows(spec) = &self.spec else { unreachable!("only rows are sorted") };
        let made = Arc::new(spec.runs(self.account.spill_file(&self.name)?));
        *runs = Some(Arc::clone(&made));
        Ok(made)
    }

    /// The file for rows of one way into the table.
    pub(crate) fn aggregate_spill(
        &self,
        way: (u32, usize),
        make: impl FnOnce(SpillFile) -> AggregateSpill,
    ) -> Result<Arc<AggregateSpill>, RunError> {
        let mut spills = self.aggregate_spills.lock().expect("a worker that panicked ends the job");
        if let Some(spill) = spills.get(&way) {
            return Ok(Arc::clone(spill));
        }
        let spill = Arc::new(make(self.account.spill_file(&self.name)?));
        spills.insert(way, Arc::clone(&spill));
        Ok(spill)
    }

    /// The pieces of morsels that one way into the table brings.
    pub(crate) fn pieces(&self, way: (u32, usize)) -> Arc<Pieces> {
        let mut pieces = self.pieces.lock().expect("a worker that panicked ends the job");
        Arc::clone(pieces.entry(way).or_default())
    }

    /// The most bytes that it held.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.live().map_or(&self.account, |live| &live.account).peak() as u64
    }

    /// Files that it needed.
    pub(crate) fn spills(&self) -> u64 {
        let joins = u64::from(self.join_spill.lock().expect("workers have ended").is_some());
        let sorts = u64::from(self.sorted_runs.lock().expect("workers have ended").is_some());
        joins + sorts + self.aggregate_spills.lock().expect("workers have ended").len() as u64
    }

    /// How long it took to put the parts together.
    pub(crate) fn time_to_complete(&self) -> Duration {
        Duration::from_nanos(self.nanos_to_complete.load(Ordering::Relaxed))
    }

    /// A worker's rows.
    pub(crate) fn add_rows(&self, rows: Rows) {
        self.rows.lock().expect("a worker that panicked ends the job").push(rows);
    }

    /// The rows that have come since it was complete.
    pub(crate) fn take_rows(&self) -> Vec<Rows> {
        std::mem::take(&mut *self.rows.lock().expect("a worker that panicked ends the job"))
    }

    /// Whether rows of a join's table have gone to a file.
    pub(crate) fn has_spilled_rows(&self) -> bool {
        self.join_spill.lock().expect("a worker that panicked ends the job").is_some()
    }

    /// The first rows of each key that a worker has seen.
    pub(crate) fn add_top(&self, part: top::Part) {
        self.tops.lock().expect("a worker that panicked ends the job").push(part);
    }

    /// A worker's groups.
    pub(crate) fn add_groups(&self, parts: Vec<Part>) {
        self.parts.lock().expect("a worker that panicked ends the job").extend(parts);
    }

    /// Puts the parts together; `refuse` is told of groups that cannot be computed, by their keys.
    pub(crate) fn complete(
        &self,
        threads: usize,
        refuse: impl FnOnce(&[RefusedGroup]) -> Result<(), RunError>,
    ) -> Result<&Table, RunError> {
        if let Some(table) = self.complete.get() {
            return Ok(table);
        }
        let (started, account) = (Instant::now(), &self.account);
        let rows = std::mem::take(&mut *self.rows.lock().expect("a worker that panicked ends the job"));
        let mut parts = std::mem::take(&mut *self.parts.lock().expect("a worker that panicked ends the job"));
        for pieces in self.pieces.lock().expect("a worker that panicked ends the job").values() {
            parts.extend(pieces.take());
        }
        let tops = std::mem::take(&mut *self.tops.lock().expect("a worker that panicked ends the job"));
        let kept = rows.iter().map(|rows| rows.rows).chain(tops.iter().map(top::Part::rows));
        if kept.sum::<usize>() > MOST_ROWS {
            return Err(self.too_many());
        }
        let spills = self.aggregate_spills.lock().expect("a worker that panicked ends the job");
        let sorted_runs = self.sorted_runs.lock().expect("a worker that panicked ends the job").clone();
        let join_spill = self.join_spill.lock().expect("a worker that panicked ends the job").clone();
        let table = match &self.spec {
            TableSpec::Join(spec) => Table::Join(match join_spill {
                None => JoinTable::build(spec, rows, threads),
                Some(file) => JoinTable::build_spilled(spec, rows, file, account, threads)?,
            }),
            TableSpec::Aggregate(spec) if !spills.is_empty() => {
                let most_bytes = account.resident_bytes() / threads.max(1);
                let spilled = SpilledGroups { spec, name: &self.name, account, most_bytes };
                let spills: Vec<_> = spills.values().cloned().collect();
                let (runs, refused) = spilled.finish(&parts, &spills, threads)?;
                refuse(&refused)?;
                Table::Merged(Arc::new(runs))
            }
            TableSpec::Rows(spec) if !tops.is_empty() && sorted_runs.is_none() => {
                let (rows, order) = top::finish(spec, tops, threads);
                Table::Top(rows, order)
            }
            TableSpec::Rows(spec) => match sorted_runs {
                Some(runs) => {
                    rows.iter().try_for_each(|part| spec.add_run(part, &runs))?;
                    tops.into_iter().try_for_each(|part| spec.add_run(&part.into_rows(), &runs))?;
                    match spec.limit {
                        Some(_) => Table::Merged(spec.first_of_runs(&runs, account.spill_file(&self.name)?)?),
                        None => Table::Merged(runs),
                    }
                }
                None => Table::Rows(rows::finish(spec, rows, threads)),
            },
            TableSpec::Live(_) => return Err(RunError::BadManifest(format!("`{}` is never complete", self.name))),
            TableSpec::Aggregate(spec) => {
                let groups = GroupTable::build(spec, parts, threads);
                refuse(&groups.refused)?;
                Table::Groups(groups)
            }
        };
        self.nanos_to_complete.fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        Ok(self.complete.get_or_init(|| table))
    }

    pub(crate) fn too_many(&self) -> RunError {
        RunError::TooManyRows { table: self.name.clone(), limit: MOST_ROWS as u64 }
    }
}
