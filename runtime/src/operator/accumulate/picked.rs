//! Values chosen among the rows of a group: `min max first last arg_min arg_max`.

use super::cell::{Cell, Cells, Held, compare_cells, is_float, is_nan, is_unsigned};
use crate::column::compare_words;
use crate::operator::collect::Order;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::Buf;
use sabot_abi::manifest::BaseType;
use std::cmp::Ordering;

/// Which value a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    First,
    Last,
    Least,
    Greatest,
}

/// A value chosen among the rows of each group.
#[derive(Debug)]
pub(super) struct Picked {
    pub(super) pick: Pick,
    /// What is compared; the value itself unless `value` is there.
    pub(super) by: Held,
    /// Of `arg_min` and `arg_max`.
    pub(super) value: Option<Held>,
    /// Zero: no row yet; else one more than the index of the run that the row came in.
    pub(super) run: Buf<u32>,
}

impl Picked {
    pub(super) fn resize(&mut self, groups: usize) {
        self.by.resize(groups);
        if let Some(value) = &mut self.value {
            value.resize(groups);
        }
        self.run.resize(groups);
    }

    /// Whether a row that comes later in input order takes the place of what the group has.
    #[inline]
    pub(super) fn takes(&self, group: usize, cell: Cell<'_>) -> bool {
        if self.run[group] == 0 {
            return true;
        }
        let wanted = match self.pick {
            Pick::First => return false,
            Pick::Last => return true,
            Pick::Least => Ordering::Less,
            Pick::Greatest => Ordering::Greater,
        };
        let (base, held) = (self.by.ty.base, self.by.get(group));
        match (is_nan(base, cell), is_nan(base, held)) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => compare_cells(base, cell, held) == wanted,
        }
    }

    pub(super) fn update(&mut self, rows: &[u32], groups: &[u32], by: &Cells<'_>, value: Option<&Cells<'_>>, run: u32) {
        for &row in rows {
            let (row, group) = (row as usize, groups[row as usize] as usize);
            let cell = by.get(row);
            if self.takes(group, cell) {
                self.by.set(group, cell);
                if let (Some(held), Some(value)) = (&mut self.value, value) {
                    held.set(group, value.get(row));
                }
                self.run[group] = run + 1;
            }
        }
    }

    /// Takes over the groups of another part; `runs` are both sides' places of runs.
    pub(super) fn merge(&mut self, other: &Self, groups: &[u32], own_runs: &mut Vec<Order>, other_runs: &[Order]) {
        let start = own_runs.len() as u32;
        own_runs.extend_from_slice(other_runs);
        for (from, &to) in groups.iter().enumerate() {
            if to == NONE {
                continue;
            }
            let to = to as usize;
            let Some(other_run) = other.run[from].checked_sub(1) else { continue };
            let cell = other.by.get(from);
            let takes = self.run[to].checked_sub(1).is_none_or(|run| {
                let ours = (self.by.get(to), own_runs[run as usize]);
                takes_over(self.pick, self.by.ty.base, ours, (cell, other_runs[other_run as usize]))
            });
            if takes {
                self.by.set(to, cell);
                if let (Some(held), Some(value)) = (&mut self.value, &other.value) {
                    held.set(to, value.get(from));
                }
                self.run[to] = start + other_run + 1;
            }
        }
    }
}

/// Whether what another part has of a group takes the place of what we have; both with the places of their rows.
pub(super) fn takes_over(pick: Pick, base: BaseType, ours: (Cell<'_>, Order), theirs: (Cell<'_>, Order)) -> bool {
    let is_earlier = theirs.1 < ours.1;
    let wanted = match pick {
        Pick::First => return is_earlier,
        Pick::Last => return !is_earlier,
        Pick::Least => Ordering::Less,
        Pick::Greatest => Ordering::Greater,
    };
    match (is_nan(base, theirs.0), is_nan(base, ours.0)) {
        (true, false) => false,
        (false, true) => true,
        (true, true) => is_earlier,
        (false, false) => match compare_cells(base, theirs.0, ours.0) {
            Ordering::Equal => is_earlier,
            order @ (Ordering::Less | Ordering::Greater) => order == wanted,
        },
    }
}

/// Chooses words row by row, with the comparison of the type taken out of the loop.
pub(super) fn pick_words(
    pick: Pick,
    base: BaseType,
    rows: &[u32],
    groups: &[u32],
    words: &[u64],
    held: &mut [PickedWord],
    run: u32,
) {
    let mut each = |is_better: &dyn Fn(u64, u64) -> bool| {
        for &row in rows {
            let (entry, value) = (&mut held[groups[row as usize] as usize], words[row as usize]);
            if entry.run == 0 || is_better(value, entry.value) {
                *entry = PickedWord { value, run: run + 1 };
            }
        }
    };
    match pick {
        Pick::First => each(&|_, _| false),
        Pick::Last => each(&|_, _| true),
        Pick::Least | Pick::Greatest if base == BaseType::Float64 => {
            let floats = |new: u64, old: u64| (f64::from_bits(new), f64::from_bits(old));
            pick_by(rows, groups, words, held, run, |new, old| {
                let (new, old) = floats(new, old);
                (if pick == Pick::Least { new < old } else { new > old }) || (old.is_nan() && !new.is_nan())
            });
        }
        Pick::Least if is_signed_word(base) => pick_by(rows, groups, words, held, run, |a, b| (a as i64) < b as i64),
        Pick::Greatest if is_signed_word(base) => pick_by(rows, groups, words, held, run, |a, b| a as i64 > b as i64),
        Pick::Least | Pick::Greatest => {
            let wanted = if pick == Pick::Least { Ordering::Less } else { Ordering::Greater };
            each(&|new, old| match (is_nan(base, Cell::Word(new)), is_nan(base, Cell::Word(old))) {
                (true, _) => false,
                (false, true) => true,
                (false, false) => compare_words(base, new, old) == wanted,
            });
        }
    }
}

#[inline]
pub(super) fn pick_by(
    rows: &[u32],
    groups: &[u32],
    words: &[u64],
    held: &mut [PickedWord],
    run: u32,
    is_better: impl Fn(u64, u64) -> bool,
) {
    for &row in rows {
        let (entry, value) = (&mut held[groups[row as usize] as usize], words[row as usize]);
        if entry.run == 0 || is_better(value, entry.value) {
            *entry = PickedWord { value, run: run + 1 };
        }
    }
}

/// Whether words compare as `i64`.
pub(super) fn is_signed_word(base: BaseType) -> bool {
    !is_float(base) && !is_unsigned(base)
}

/// The value of a group, where it fits into a word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PickedWord {
    pub(super) value: u64,
    /// As in [`Picked`].
    pub(super) run: u32,
}
