//! What pipelines leave to later ones: workers add their parts, the first reader puts them together.

use crate::error::RunError;
use crate::operator::aggregate::{GroupSpec, GroupTable, Part};
use crate::operator::collect::Rows;
use crate::operator::hash_join::{JoinSpec, JoinTable};
use crate::operator::rows::{self, RowsSpec};
use sabot_abi::manifest::{self, TableKind};
use std::sync::{Mutex, OnceLock};

/// What a table holds.
#[derive(Debug)]
pub(crate) enum TableSpec {
    Join(JoinSpec),
    Aggregate(GroupSpec),
    Rows(RowsSpec),
}

/// A table, complete.
#[derive(Debug)]
pub(crate) enum Table {
    Join(JoinTable),
    Groups(GroupTable),
    Rows(Rows),
}

/// A table while the job runs.
#[derive(Debug)]
pub(crate) struct TableRun {
    pub(crate) name: String,
    pub(crate) spec: TableSpec,
    rows: Mutex<Vec<Rows>>,
    parts: Mutex<Vec<Part>>,
    complete: OnceLock<Table>,
}

/// Rows that a table can number.
pub(crate) const MOST_ROWS: usize = u32::MAX as usize - 1;

impl TableRun {
    pub(crate) fn new(table: &manifest::Table) -> Self {
        let spec = match &table.kind {
            TableKind::Join { keys, payload, track_matches } => {
                TableSpec::Join(JoinSpec::new(keys, payload, *track_matches))
            }
            TableKind::Aggregate { keys, calls } => TableSpec::Aggregate(GroupSpec::new(keys, calls)),
            TableKind::Sort { columns, by, limit, partition_by } => TableSpec::Rows(RowsSpec {
                types: columns.clone(),
                by: by.clone(),
                limit: *limit,
                partition_by: partition_by.clone(),
            }),
            TableKind::Rows { columns, limit } => {
                TableSpec::Rows(RowsSpec { types: columns.clone(), by: vec![], limit: *limit, partition_by: vec![] })
            }
        };
        Self {
            name: table.name.clone(),
            spec,
            rows: Mutex::default(),
            parts: Mutex::default(),
            complete: OnceLock::new(),
        }
    }

    /// A worker's rows.
    pub(crate) fn add_rows(&self, rows: Rows) {
        self.rows.lock().expect("a worker that panicked ends the job").push(rows);
    }

    /// A worker's groups.
    pub(crate) fn add_groups(&self, parts: Vec<Part>) {
        self.parts.lock().expect("a worker that panicked ends the job").extend(parts);
    }

    /// Puts the parts together; `refuse` is told of groups that cannot be computed, by their keys.
    pub(crate) fn complete(
        &self,
        threads: usize,
        refuse: impl FnOnce(&[Vec<String>]) -> Result<(), RunError>,
    ) -> Result<&Table, RunError> {
        if let Some(table) = self.complete.get() {
            return Ok(table);
        }
        let rows = std::mem::take(&mut *self.rows.lock().expect("a worker that panicked ends the job"));
        let parts = std::mem::take(&mut *self.parts.lock().expect("a worker that panicked ends the job"));
        if rows.iter().map(|rows| rows.rows).sum::<usize>() > MOST_ROWS {
            return Err(self.too_many());
        }
        let table = match &self.spec {
            TableSpec::Join(spec) => Table::Join(JoinTable::build(spec, rows, threads)),
            TableSpec::Rows(spec) => Table::Rows(rows::finish(spec, rows, threads)),
            TableSpec::Aggregate(spec) => {
                let groups = GroupTable::build(spec, parts);
                refuse(&groups.too_large)?;
                Table::Groups(groups)
            }
        };
        Ok(self.complete.get_or_init(|| table))
    }

    pub(crate) fn too_many(&self) -> RunError {
        RunError::TooManyRows { table: self.name.clone(), limit: MOST_ROWS as u64 }
    }
}
