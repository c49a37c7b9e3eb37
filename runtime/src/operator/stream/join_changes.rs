//! Joins two streams of which one or both take rows back: pairs come and go with their rows.
//!
//! A row that is added meets the rows of the other side that are there; one that is taken back takes back the pairs that it
//! had. A row that matches nothing is given, where it is wanted, while the other side has none of its key: the first match takes it
//! back, the last one that goes gives it again. So what was given and not taken back always is the join of what is there;
//! nothing waits, and a row with a null in its key is given alone, or not at all.
//!
//! State: keys → how many rows of each side there are → the different rows of both sides, each with how often it is there
//! ([`side`]). Rows of a side that only is looked at for whether it has a match are not kept.

use super::gather::{gather, gather_present};
use super::keyed::Keyed;
use super::{CHANGE, Output, StreamSpec, StreamState, may_be_missing};
use crate::column::Column;
use crate::error::RunError;
use crate::operator::collect::Rows;
use crate::primitive::hash_table::NONE;
use crate::table::MOST_ROWS;
use sabot_abi::stream::JoinKind;
use side::{NO_ROWS, RowsOfKey, Side};

mod side;
#[cfg(test)]
mod tests;

/// Pairs that are gathered at once.
const PAIRS: usize = super::join::PAIRS;

/// Fewer dead rows are not worth the work.
const LEAST_DEAD: usize = if cfg!(test) { 16 } else { 4096 };

/// The state.
pub(super) struct JoinChanges {
    name: String,
    kind: JoinKind,
    /// By side: where the change of a row stands among the columns that come; none: all rows are added.
    changes: [Option<usize>; 2],
    keyed: Keyed,
    /// By key, by side: its rows.
    keys: Vec<[RowsOfKey; 2]>,
    sides: [Side; 2],
    watermarks: [i64; 2],
    numbers: Vec<u32>,
    entries: Vec<u32>,
    /// Rows of the left and the right side that are to be given together, and whether they come or go.
    pairs: [Vec<u32>; 2],
    pair_changes: Vec<i8>,
}

impl JoinChanges {
    pub(super) fn new(spec: &StreamSpec, kind: JoinKind, changes: [Option<u32>; 2]) -> Self {
        let (right_alone, left_alone) = may_be_missing(kind);
        let own = |side: usize| spec.inputs[side].len() - usize::from(changes[side].is_some());
        let position = |side: usize| changes[side].map(|at| spec.first_column() + at as usize);
        let is_left_only = is_left_only(kind);
        Self {
            name: spec.name.clone(),
            kind,
            changes: [position(0), position(1)],
            keyed: Keyed::new(&spec.layout, &spec.keys, false),
            keys: Vec::new(),
            sides: [
                Side::new(&spec.keys, &spec.inputs[0][..own(0)], left_alone || kind == JoinKind::Anti, true),
                Side::new(&spec.keys, &spec.inputs[1][..own(1)], right_alone, !is_left_only),
            ],
            watermarks: [i64::MIN; 2],
            numbers: Vec::new(),
            entries: Vec::new(),
            pairs: [Vec::new(), Vec::new()],
            pair_changes: Vec::new(),
        }
    }

    /// Gives a row of a side, with one of the other or without.
    fn give(&mut self, side: usize, (row, other): (u32, u32), change: i8, out: &mut Output) {
        self.pairs[side].push(row);
        self.pairs[1 - side].push(other);
        self.pair_changes.push(change);
        if self.pair_changes.len() >= PAIRS {
            self.gather(out);
        }
    }

    fn gather(&mut self, out: &mut Output) {
        let [left, right] = &self.pairs;
        if left.is_empty() {
            return;
        }
        let width = |side: usize| self.sides[side].stored.columns.len();
        let right_width = if is_left_only(self.kind) { 0 } else { width(1) };
        let (to_left, rest) = out.rows.columns.split_at_mut(width(0));
        let (to_right, rest) = rest.split_at_mut(right_width);
        gather(to_left, &self.sides[0].stored.columns, left);
        if right_width > 0 {
            gather(to_right, &self.sides[1].stored.columns, right);
        }
        if let [present @ .., change] = rest {
            debug_assert_eq!(change.ty, CHANGE, "the change is the last column");
            let (left_may, right_may) = may_be_missing(self.kind);
            let mut present = present.iter_mut();
            for (_, rows) in [(left_may, left), (right_may, right)].into_iter().filter(|(may, _)| *may) {
                if let Some(to) = present.next() {
                    gather_present(to, rows);
                }
            }
            self.pair_changes.iter().for_each(|value| change.push_word(i64::from(*value) as u64));
        }
        let rows = left.len();
        out.added(rows);
        self.pairs.iter_mut().for_each(Vec::clear);
        self.pair_changes.clear();
    }

    /// Gives all rows of a side with this key, each as often as it is there, with a row of the other side or without.
    fn give_all(&mut self, side: usize, key: u32, other: u32, change: i8, out: &mut Output) {
        let mut row = self.keys[key as usize][side].first;
        while row != NONE {
            let entry = self.sides[side].entries[row as usize];
            for _ in 0..entry.count {
                self.give(side, (row, other), change, out);
            }
            row = entry.after;
        }
    }

    /// A row of a side comes or goes.
    fn meet(&mut self, side: usize, key: u32, row: u32, change: i8, out: &mut Output) {
        let (other, of_key) = (1 - side, self.keys[key as usize]);
        let is_first = change > 0 && of_key[side].rows == 0;
        let is_last = change < 0 && of_key[side].rows == 1;
        if is_left_only(self.kind) {
            let wants_met = self.kind == JoinKind::Semi;
            if side == 0 && (of_key[1].rows > 0) == wants_met {
                self.give(0, (row, NONE), change, out);
            } else if side == 1 && (is_first || is_last) {
                self.give_all(0, key, NONE, if is_first == wants_met { 1 } else { -1 }, out);
            }
            return;
        }
        let others_alone = self.sides[other].is_given_alone;
        if is_first && others_alone {
            self.give_all(other, key, NONE, -1, out);
        }
        if of_key[other].rows > 0 {
            self.give_all(other, key, row, change, out);
        } else if self.sides[side].is_given_alone {
            self.give(side, (row, NONE), change, out);
        }
        if is_last && others_alone {
            self.give_all(other, key, NONE, 1, out);
        }
    }

    /// Moves what is there together, if more is gone.
    fn compact(&mut self) {
        let entries: usize = self.sides.iter().map(|side| side.entries.len()).sum();
        let dead: usize = self.sides.iter().map(|side| side.dead).sum();
        if entries > 0 && dead == entries && self.keys.iter().flatten().all(|of_key| of_key.rows == 0) {
            self.forget();
        } else if dead > LEAST_DEAD && dead > entries / 2 {
            self.keep_living();
        }
    }

    fn keep_living(&mut self) {
        for (number, side) in self.sides.iter_mut().enumerate() {
            side.keep_living(self.keys.iter_mut().map(|of_key| &mut of_key[number]));
        }
        let is_there = |key: &u32| self.keys[*key as usize].iter().any(|side| side.rows > 0);
        let kept: Vec<u32> = (0..self.keys.len() as u32).filter(is_there).collect();
        if kept.len() < self.keys.len() / 2 {
            self.keyed.keep(&kept);
            self.keys = kept.iter().map(|key| self.keys[*key as usize]).collect();
        }
    }

    fn forget(&mut self) {
        self.keyed.keep(&[]);
        self.keys = Vec::new();
        self.sides.iter_mut().for_each(Side::forget);
    }
}

fn is_left_only(kind: JoinKind) -> bool {
    matches!(kind, JoinKind::Semi | JoinKind::Anti)
}

/// The change of a row: whether it comes or goes.
fn change_of(column: Option<&Column>, row: usize) -> i8 {
    column.map_or(1, |column| if (column.word(row) as i64) < 0 { -1 } else { 1 })
}

impl StreamState for JoinChanges {
    fn rows(&mut self, input: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError> {
        if self.sides[input].entries.len() + rows.rows > MOST_ROWS {
            self.keep_living();
        }
        if self.sides[input].entries.len() + rows.rows > MOST_ROWS {
            return Err(RunError::TooManyRows { table: self.name.clone(), limit: MOST_ROWS as u64 });
        }
        let (mut numbers, mut entries) = (std::mem::take(&mut self.numbers), std::mem::take(&mut self.entries));
        self.keyed.number(rows, &mut numbers);
        self.keys.resize(self.keyed.len(), [NO_ROWS; 2]);
        self.sides[input].number(rows, &mut entries);
        let change = self.changes[input].map(|at| &rows.columns[at]);
        for (at, &key) in numbers.iter().enumerate() {
            let (row, change) = (entries[at], change_of(change, at));
            if key != NONE {
                if change < 0 && !self.sides[input].is_there(row, &self.keys[key as usize][input]) {
                    debug_assert!(false, "what is taken back was given");
                    continue;
                }
                self.meet(input, key, row, change, out);
                self.sides[input].count(row, change, &mut self.keys[key as usize][input]);
            } else if self.sides[input].is_given_alone {
                self.give(input, (row, NONE), change, out);
            }
        }
        (self.numbers, self.entries) = (numbers, entries);
        self.gather(out);
        self.compact();
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], _: &mut Output) -> Result<i64, RunError> {
        for (ours, new) in self.watermarks.iter_mut().zip(watermarks) {
            *ours = (*ours).max(*new);
        }
        let least = self.watermarks[0].min(self.watermarks[1]);
        if least == i64::MAX {
            self.forget();
        }
        Ok(least)
    }

    fn flush(&mut self, _: &mut Output) -> Result<(), RunError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.sides.iter().map(Side::memory_bytes).sum::<usize>()
            + self.keys.capacity() * size_of::<[RowsOfKey; 2]>()
            + self.keyed.memory_bytes()
    }

    fn is_empty(&self) -> bool {
        self.keyed.len() == 0
    }
}
