//! Rows that a later pipeline reads again: in input order, or sorted; all of them, or the first so many, of each partition.
//!
//! Sorting is stable; null comes before all values and NaN after them. With a limit a worker keeps about twice as many rows
//! as are wanted, so that a top-n of a large input stays small.

use crate::column::Column;
use crate::error::RunError;
use crate::operator::collect::{Order, Rows};
use crate::operator::runs::{PLACE, SortedRuns, places};
use crate::registers::{Registers, Selection};
use crate::spill::{Account, SpillFile};
use sabot_abi::manifest::{ColumnType, Reg};
use std::cmp::Ordering;
use std::sync::Arc;

/// What such a table keeps.
#[derive(Clone, Debug)]
pub(crate) struct RowsSpec {
    pub(crate) types: Vec<ColumnType>,
    /// Position and whether the greatest comes first; empty: input order.
    pub(crate) by: Vec<(u32, bool)>,
    pub(crate) limit: Option<u64>,
    pub(crate) partition_by: Vec<u32>,
}

impl RowsSpec {
    fn is_sorted(&self) -> bool {
        !self.by.is_empty()
    }

    /// Types of runs of such rows: behind the columns stands where the row's morsel stands, and, if the order of all rows of
    /// a morsel is not that of a run, the row's place among those that its worker had.
    fn run_types(&self) -> Vec<ColumnType> {
        let places = if self.limit.is_some() { 3 } else { 2 };
        self.types.iter().copied().chain(std::iter::repeat_n(PLACE, places)).collect()
    }

    /// Runs of such rows.
    pub(crate) fn runs(&self, file: SpillFile) -> SortedRuns {
        SortedRuns::new(file, self.run_types(), self.with_places(self.run_order()))
    }

    /// How a run is sorted: if only the first rows of each partition are wanted, partition by partition.
    fn run_order(&self) -> impl Iterator<Item = (u32, bool)> {
        let partition = if self.limit.is_some() { &self.partition_by[..] } else { &[] };
        partition.iter().map(|position| (*position, false)).chain(self.by.iter().copied())
    }

    /// Columns to sort by, and then the place in the input.
    fn with_places(&self, by: impl Iterator<Item = (u32, bool)>) -> Vec<(u32, bool)> {
        let places = self.types.len() as u32..self.run_types().len() as u32;
        by.chain(places.map(|place| (place, false))).collect()
    }

    /// The first rows of each partition, of all that are in runs; runs again, in the order of the table.
    pub(crate) fn first_of_runs(&self, runs: &Arc<SortedRuns>, file: SpillFile) -> Result<Arc<SortedRuns>, RunError> {
        let limit = self.limit.unwrap_or(u64::MAX);
        let by = self.with_places(self.by.iter().copied());
        let first = SortedRuns::new(file, self.run_types(), by.clone());
        let is_same = |left: &Rows, a: usize, right: &Rows, b: usize| {
            let is_same = |at: usize| left.columns[at].compare_with(a, &right.columns[at], b).is_eq();
            self.partition_by.iter().all(|position| is_same(*position as usize))
        };
        let mut merge = runs.merge()?;
        let mut last: Option<Rows> = None;
        let mut taken = 0;
        while let Some(rows) = merge.next()? {
            let mut kept = Vec::new();
            for row in 0..rows.rows {
                let continues = match (&last, row) {
                    (None, 0) => false,
                    (Some(last), 0) => is_same(last, last.rows - 1, &rows, 0),
                    _ => is_same(&rows, row - 1, &rows, row),
                };
                taken = if continues { taken + 1 } else { 1 };
                if taken <= limit {
                    kept.push(row as u32);
                }
            }
            let columns: Vec<Column> = rows.columns.iter().map(|column| column.take(&kept)).collect();
            let order = sorted(&columns, kept.len(), &by);
            let columns: Vec<Column> = columns.iter().map(|column| column.take(&order)).collect();
            first.add(&columns)?;
            if self.partition_by.is_empty() && taken >= limit {
                break;
            }
            last = Some(rows);
        }
        Ok(Arc::new(first))
    }

    /// Sorts rows and writes them.
    pub(crate) fn add_run(&self, rows: &Rows, runs: &SortedRuns) -> Result<(), RunError> {
        let ends = rows.runs.iter().skip(1).map(|(_, first)| *first).chain([rows.rows]);
        let place = |part: fn(&Order) -> u64| {
            places(
                rows.runs
                    .iter()
                    .zip(ends.clone())
                    .flat_map(move |((order, first), end)| std::iter::repeat_n(part(order), end - first)),
            )
        };
        let mut of_row = vec![place(|(way, _)| u64::from(*way)), place(|(_, seq)| seq.number())];
        if self.limit.is_some() {
            of_row.push(places(0..rows.rows as u64));
        }
        let columns: Vec<&Column> = rows.columns.iter().chain(&of_row).collect();
        let by: Vec<(u32, bool)> = self.run_order().collect();
        let mut order = sorted(&rows.columns, rows.rows, &by);
        if !rows.runs.is_sorted_by_key(|(order, _)| *order) {
            // Equal rows stand as they came to the worker.
            order = sorted_refs(&columns, rows.rows, &self.with_places(by.into_iter()));
        }
        let columns: Vec<Column> = columns.iter().map(|column| column.take(&order)).collect();
        runs.add(&columns)
    }
}

/// Bytes of a worker's rows below which a run is not worth a place in the merge.
const LEAST_RUN_BYTES: usize = 16 << 20;

/// Whether rows are to become a run in a file.
pub(crate) fn is_run_due(bytes: usize, account: &Account) -> bool {
    bytes > 0 && account.is_over() && bytes >= LEAST_RUN_BYTES.min(account.resident_bytes() / 4)
}

/// Rows below which a worker does not throw rows away.
const PRUNE_FROM: usize = 64 * 1024;

/// One worker's rows.
#[derive(Debug)]
pub(crate) struct Collect {
    spec: RowsSpec,
    regs: Vec<Reg>,
    rows: Rows,
    morsel_start: usize,
    /// Rows of the morsel that are in a file.
    morsel_away: usize,
    /// Prune again when there are that many rows.
    prune_at: usize,
    accounted: usize,
}

impl Collect {
    pub(crate) fn new(spec: &RowsSpec, regs: &[Reg]) -> Self {
        Self {
            spec: spec.clone(),
            regs: regs.to_vec(),
            rows: Rows::new(spec.types.iter().copied()),
            morsel_start: 0,
            morsel_away: 0,
            prune_at: spec.limit.map_or(usize::MAX, |limit| (limit as usize).saturating_mul(4).max(PRUNE_FROM)),
            accounted: 0,
        }
    }

    pub(crate) fn start(&mut self, order: Order) {
        self.morsel_start = self.rows.rows;
        self.morsel_away = 0;
        self.rows.start(order);
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        let is_enough = |limit: u64| (self.rows.rows - self.morsel_start) as u64 >= limit;
        if !self.spec.is_sorted() && self.spec.partition_by.is_empty() && self.spec.limit.is_some_and(is_enough) {
            return;
        }
        self.rows.add(&self.regs, registers, selection);
    }

    /// Throws away what cannot be among the first rows. If all tables together hold too much, the rows become a run in a file.
    pub(crate) fn end_morsel(
        &mut self,
        account: &Account,
        runs: impl FnOnce() -> Result<Arc<SortedRuns>, RunError>,
    ) -> Result<(), RunError> {
        self.prune();
        let bytes = self.rows.memory_bytes();
        account.update(&mut self.accounted, bytes);
        if self.rows.rows > 0 && is_run_due(bytes, account) {
            self.morsel_away = self.morsel_rows() as usize;
            let rows = std::mem::replace(&mut self.rows, Rows::new(self.spec.types.iter().copied()));
            self.spec.add_run(&rows, &*runs()?)?;
            self.morsel_start = 0;
            drop(rows);
            account.update(&mut self.accounted, 0);
        }
        Ok(())
    }

    /// Throws away what cannot be among the first rows, if there is much.
    pub(crate) fn prune(&mut self) {
        if self.rows.rows < self.prune_at {
            return;
        }
        let before = self.rows.rows;
        let rows = std::mem::replace(&mut self.rows, Rows::new(self.spec.types.iter().copied()));
        let mut kept = first_rows(&rows.columns, rows.rows, &self.spec);
        // In the order they came, so that runs and ties keep their places.
        kept.sort_unstable();
        let run_of = |row: u32| rows.runs.partition_point(|(_, first)| *first <= row as usize) - 1;
        let mut runs: Vec<(Order, usize)> = Vec::new();
        for (at, row) in kept.iter().enumerate() {
            let order = rows.runs[run_of(*row)].0;
            if runs.last().is_none_or(|(last, _)| *last != order) {
                runs.push((order, at));
            }
        }
        self.rows.columns = rows.columns.iter().map(|column| column.take(&kept)).collect();
        for column in &mut self.rows.columns {
            column.keep_strings(0, &mut self.rows.strings);
        }
        self.rows.rows = kept.len();
        self.rows.runs = runs;
        // Many partitions may keep nearly everything: then look again only when there is much more.
        self.prune_at = self.prune_at.max(kept.len() * 2).max(if kept.len() * 2 > before { before * 2 } else { 0 });
    }

    /// Rows of the morsel that was worked on last.
    pub(crate) fn morsel_rows(&self) -> u64 {
        (self.rows.rows.saturating_sub(self.morsel_start) + self.morsel_away) as u64
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.rows
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
    }

    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }
}

/// The table, complete: its columns in order.
pub(crate) fn finish(spec: &RowsSpec, parts: Vec<Rows>, threads: usize) -> Rows {
    let mut all = Rows::join(parts, spec.types.iter().copied(), threads);
    if !spec.is_sorted() && spec.partition_by.is_empty() && spec.limit.is_none_or(|limit| all.rows as u64 <= limit) {
        return all;
    }
    let order = first_rows(&all.columns, all.rows, spec);
    all.columns = all.columns.iter().map(|column| column.take(&order)).collect();
    all.rows = order.len();
    all
}

/// Numbers of the rows that are kept, in their order.
fn first_rows(columns: &[Column], rows: usize, spec: &RowsSpec) -> Vec<u32> {
    let mut order = sorted(columns, rows, &spec.by);
    let Some(limit) = spec.limit else { return order };
    if spec.partition_by.is_empty() {
        order.truncate(limit.try_into().unwrap_or(usize::MAX));
        return order;
    }
    let partition = partitions(columns, rows, &spec.partition_by);
    // By first row of a partition.
    let mut taken = vec![0; rows];
    order.retain(|row| {
        let taken: &mut u64 = &mut taken[partition[*row as usize] as usize];
        *taken += 1;
        *taken <= limit
    });
    order
}

/// For each row a number that is the same for rows of one partition: its first row.
fn partitions(columns: &[Column], rows: usize, by: &[u32]) -> Vec<u32> {
    let same = |a: u32, b: u32| {
        by.iter()
            .map(|position| columns[*position as usize].compare(a as usize, b as usize))
            .find(|order| order.is_ne())
    };
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_by(|a, b| same(*a, *b).unwrap_or(Ordering::Equal));
    let mut partition = vec![0; rows];
    let mut first = 0;
    for (at, row) in order.iter().enumerate() {
        if at == 0 || same(order[at - 1], *row).is_some() {
            first = *row;
        }
        partition[*row as usize] = first;
    }
    partition
}

/// The rows in order; equal ones as they came.
pub(crate) fn sorted(columns: &[Column], rows: usize, by: &[(u32, bool)]) -> Vec<u32> {
    sorted_refs(&columns.iter().collect::<Vec<_>>(), rows, by)
}

fn sorted_refs(columns: &[&Column], rows: usize, by: &[(u32, bool)]) -> Vec<u32> {
    sorted_of(columns, (0..rows as u32).collect(), by)
}

/// Some rows in the order of all columns.
pub(crate) fn sorted_numbers(columns: &[Column], rows: Vec<u32>) -> Vec<u32> {
    let by: Vec<(u32, bool)> = (0..columns.len() as u32).map(|position| (position, false)).collect();
    sorted_of(&columns.iter().collect::<Vec<_>>(), rows, &by)
}

/// Order of two rows by all columns.
pub(crate) fn compare_keys(columns: &[Column], a: u32, b: u32) -> Ordering {
    let parts = columns.iter().map(|column| column.compare(a as usize, b as usize));
    parts.fold(Ordering::Equal, Ordering::then)
}

/// Rows in order; equal ones by their numbers.
fn sorted_of(columns: &[&Column], rows: Vec<u32>, by: &[(u32, bool)]) -> Vec<u32> {
    let Some(&(position, descending)) = by.first() else { return rows };
    let first = columns[position as usize];
    // What the first column says in a word, and the whole truth where that is not enough.
    let prefix = |row: u32| if descending { !first.prefix(row as usize) } else { first.prefix(row as usize) };
    let mut keys: Vec<(u64, u32)> = rows.into_iter().map(|row| (prefix(row), row)).collect();
    let is_enough = by.len() == 1 && first.is_prefix_exact();
    keys.sort_unstable_by(|a, b| {
        let prefixes = a.0.cmp(&b.0);
        if prefixes.is_ne() {
            return prefixes;
        }
        let whole = if is_enough { Ordering::Equal } else { compare_rows(columns, by, a.1, b.1) };
        whole.then(a.1.cmp(&b.1))
    });
    keys.into_iter().map(|(_, row)| row).collect()
}

fn compare_rows(columns: &[&Column], by: &[(u32, bool)], a: u32, b: u32) -> Ordering {
    let parts = by.iter().map(|(position, descending)| {
        let order = columns[*position as usize].compare(a as usize, b as usize);
        if *descending { order.reverse() } else { order }
    });
    parts.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::BaseType;

    fn column(base: BaseType, words: &[u64]) -> Column {
        let mut column = Column::new(ColumnType { base, nullable: true });
        words.iter().for_each(|word| column.push_word(*word));
        column
    }

    #[test]
    fn the_first_rows_of_each_partition_in_order() {
        let columns = [column(BaseType::Int64, &[5, 1, 5, 3, 9]), column(BaseType::UInt8, &[0, 1, 1, 0, 1])];
        let spec = |by: &[(u32, bool)], limit, partition_by: &[u32]| RowsSpec {
            types: vec![],
            by: by.to_vec(),
            limit,
            partition_by: partition_by.to_vec(),
        };
        assert_eq!(first_rows(&columns, 5, &spec(&[(0, false)], None, &[])), [1, 3, 0, 2, 4]);
        assert_eq!(first_rows(&columns, 5, &spec(&[(0, true)], None, &[])), [4, 0, 2, 3, 1]);
        assert_eq!(first_rows(&columns, 5, &spec(&[(0, true)], Some(1), &[1])), [4, 0]);
        assert_eq!(first_rows(&columns, 5, &spec(&[(1, true), (0, false)], Some(4), &[])), [1, 2, 4, 3]);
        assert_eq!(first_rows(&columns, 5, &spec(&[], Some(2), &[])), [0, 1]);
        assert_eq!(first_rows(&columns, 5, &spec(&[], Some(1), &[1])), [0, 1]);
    }
}
