//! Rows that are kept: every worker has columns of its own; put together, they stand in input order.

use crate::column::Column;
use crate::morsel::Seq;
use crate::primitive::memory::StrArena;
use crate::registers::{Registers, Selection};
use sabot_abi::manifest::{ColumnType, Reg};
use std::ops::Range;

/// Place of rows in the input of a table: which of the pipelines that fill it, then which morsel.
pub(crate) type Order = (u32, Seq);

/// Rows of one worker.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    pub(crate) strings: StrArena,
    /// Runs of rows from one morsel each: its place, and the first row.
    pub(crate) runs: Vec<(Order, usize)>,
}

impl Rows {
    pub(crate) fn new(types: impl Iterator<Item = ColumnType>) -> Self {
        Self { columns: types.map(Column::new).collect(), rows: 0, strings: StrArena::default(), runs: Vec::new() }
    }

    /// Makes room for that many rows with so many bytes of strings, at once instead of step by step.
    pub(crate) fn reserve(&mut self, rows: usize, string_bytes: usize) {
        self.columns.iter_mut().for_each(|column| column.reserve(rows));
        self.strings.reserve(string_bytes);
    }

    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order) {
        match self.runs.last_mut() {
            Some((last, first)) if *first == self.rows => *last = order,
            _ => self.runs.push((order, self.rows)),
        }
    }

    /// Where they came from: all of them from one morsel.
    pub(crate) fn order(&self) -> Order {
        self.runs.last().map_or((0, Seq::START), |(order, _)| *order)
    }

    /// Adds the selected rows of registers, and keeps their strings.
    pub(crate) fn add(&mut self, regs: &[Reg], registers: &mut Registers, selection: &Selection) {
        for (column, reg) in self.columns.iter_mut().zip(regs) {
            registers.append_to(*reg, selection, column);
            registers.keep_strings(*reg, column, self.rows, &mut self.strings);
        }
        self.rows += selection.count;
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory_bytes).sum::<usize>() + self.strings.memory_bytes()
    }

    /// Adds the rows of others behind its own. Where they came from is not kept.
    pub(crate) fn take_over(&mut self, other: Self) {
        for (to, from) in self.columns.iter_mut().zip(&other.columns) {
            to.append(from, 0..other.rows);
        }
        self.rows += other.rows;
        self.strings.absorb(other.strings);
    }

    /// All rows of several workers, those of one behind those of another, and ranges of them in input order. Moves as few as
    /// it can: fresh memory is dear.
    pub(crate) fn stack(mut parts: Vec<Self>, types: impl Iterator<Item = ColumnType>) -> (Self, Vec<Range<usize>>) {
        parts.sort_by_key(|part| std::cmp::Reverse(part.rows));
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| Self::new(types));
        for part in parts {
            for (to, from) in all.columns.iter_mut().zip(&part.columns) {
                to.append(from, 0..part.rows);
            }
            all.runs.extend(part.runs.into_iter().map(|(order, first)| (order, first + all.rows)));
            all.rows += part.rows;
            all.strings.absorb(part.strings);
        }
        let ends = all.runs.iter().skip(1).map(|(_, first)| *first).chain([all.rows]);
        let mut runs: Vec<(Order, Range<usize>)> =
            all.runs.iter().zip(ends).map(|((order, first), end)| (*order, *first..end)).collect();
        runs.sort_by_key(|(order, _)| *order);
        (all, runs.into_iter().map(|(_, rows)| rows).collect())
    }

    /// All rows of several workers, in input order.
    pub(crate) fn join(mut parts: Vec<Self>, types: impl Iterator<Item = ColumnType>, threads: usize) -> Self {
        parts.retain(|part| part.rows > 0);
        let in_order = |part: &Self| part.runs.is_sorted_by_key(|(order, _)| *order);
        match parts.len() {
            0 => return Self::new(types),
            1 if in_order(&parts[0]) => return parts.swap_remove(0),
            _ => {}
        }
        let mut runs = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let ends = part.runs.iter().skip(1).map(|(_, first)| *first).chain([part.rows]);
            for ((order, first), end) in part.runs.iter().zip(ends) {
                if *first < end {
                    runs.push((*order, number, *first..end));
                }
            }
        }
        runs.sort_by_key(|(order, ..)| *order);
        let mut all = Self::new(types);
        all.rows = parts.iter().map(|part| part.rows).sum();
        let join_column = |(position, to): (usize, &mut Column)| {
            for (_, part, rows) in &runs {
                to.append(&parts[*part].columns[position], rows.clone());
            }
        };
        if threads > 1 && all.rows > 1 << 18 {
            std::thread::scope(|scope| {
                for column in all.columns.iter_mut().enumerate() {
                    let join_column = &join_column;
                    scope.spawn(move || join_column(column));
                }
            });
        } else {
            all.columns.iter_mut().enumerate().for_each(join_column);
        }
        all.runs = vec![(runs[0].0, 0)];
        for part in parts {
            all.strings.absorb(part.strings);
        }
        all
    }
}
