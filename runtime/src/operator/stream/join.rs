//! Joins two streams: the rows of both are kept by key for as long as a row of the other one can match them.
//!
//! Pairs are given at once, in the order of the later rows, for each in the order of the earlier ones. A row that matches
//! nothing is given, where it is wanted, as soon as no match can come any more, in the order of (time, arrival); a row with
//! a null in its key at once. A semi join gives a row with its first match and forgets it.
//!
//! State: keys → cells → the rows of both sides. A key has one cell if rows are kept for ever or for a window (whose end is a
//! part of the key), else one for each span of time that is as long as rows may be apart, the latest first: what matches a
//! row is in three of them, and what is too old is at the end. In a cell rows are linked in order of arrival; where there are
//! many of one side they are ordered by time, so that one key with all rows costs no more than what it gives.

use super::gather::{gather, gather_present};
use super::keyed::Keyed;
use super::ordered::Ordered;
use super::{Output, StreamSpec, StreamState, may_be_missing};
use crate::column::{Column, Values};
use crate::error::RunError;
use crate::operator::collect::Rows;
use crate::primitive::hash_table::{NONE, prefetch};
use crate::table::MOST_ROWS;
use cell::{Cell, List, MANY, NO_ROWS, link};
use sabot_abi::stream::{JoinKind, Keep};
use side::{Fate, Side};

mod cell;
mod compact;
mod side;
#[cfg(test)]
mod tests;

/// Cells of joins within a time are at least this long, in microseconds: a key should not have too many of them.
const LEAST_SPAN_US: i64 = if cfg!(test) { 3 } else { 1_000_000 };

/// Pairs that are gathered at once.
pub(super) const PAIRS: usize = if cfg!(test) { 7 } else { 4096 };

/// Rows ahead of which cells are prefetched.
const AHEAD: usize = 12;

/// Fewer dead rows are not worth the work.
const LEAST_DEAD: usize = if cfg!(test) { 16 } else { 4096 };

/// The state.
pub(super) struct Join {
    name: String,
    kind: JoinKind,
    keep: Keep,
    /// Length of a span.
    span_us: i64,
    first_column: usize,
    keyed: Keyed,
    sides: [Side; 2],
    cells: Vec<Cell>,
    /// By key, if a key can have several cells: the latest one; else cells have the numbers of their keys.
    latest: Vec<u32>,
    ordered: Vec<Ordered>,
    watermarks: [i64; 2],
    numbers: Vec<u32>,
    found: Vec<u32>,
    /// Rows of the left and the right side that are to be given together.
    pairs: [Vec<u32>; 2],
}

impl Join {
    pub(super) fn new(spec: &StreamSpec, kind: JoinKind, keep: Keep) -> Self {
        let (right_alone, left_alone) = may_be_missing(kind);
        let is_left_only = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let span_us = match keep {
            Keep::Within { us } => us.max(LEAST_SPAN_US),
            Keep::Forever | Keep::Window { .. } => 0,
        };
        Self {
            name: spec.name.clone(),
            kind,
            keep,
            span_us,
            first_column: spec.first_column(),
            keyed: Keyed::new(&spec.layout, &spec.keys, false),
            sides: [
                Side::new(&spec.inputs[0], left_alone || kind == JoinKind::Anti),
                Side::new(if is_left_only { &[] } else { &spec.inputs[1] }, right_alone),
            ],
            cells: Vec::new(),
            latest: Vec::new(),
            ordered: Vec::new(),
            watermarks: [i64::MIN; 2],
            numbers: Vec::new(),
            found: Vec::new(),
            pairs: [Vec::new(), Vec::new()],
        }
    }

    /// Whether only left rows are given, and right ones only have to exist.
    fn is_left_only(&self) -> bool {
        matches!(self.kind, JoinKind::Semi | JoinKind::Anti)
    }

    /// Gives a row of a side, with one of the other or without.
    fn give(&mut self, side: usize, row: u32, other: u32, out: &mut Output) {
        self.pairs[side].push(row);
        self.pairs[1 - side].push(other);
        if self.pairs[0].len() >= PAIRS {
            self.gather(out);
        }
    }

    fn gather(&mut self, out: &mut Output) {
        let [left, right] = &self.pairs;
        if left.is_empty() {
            return;
        }
        let (to_left, rest) = out.rows.columns.split_at_mut(self.sides[0].stored.columns.len());
        let (to_right, present) = rest.split_at_mut(self.sides[1].stored.columns.len());
        gather(to_left, &self.sides[0].stored.columns, left);
        gather(to_right, &self.sides[1].stored.columns, right);
        if let (true, [to @ .., last]) = (!self.is_left_only(), present) {
            // Left before right: with both, `to` is the left one.
            let (left_may, _) = may_be_missing(self.kind);
            match to {
                [to] => {
                    gather_present(to, left);
                    gather_present(last, right);
                }
                _ => gather_present(last, if left_may { left } else { right }),
            }
        }
        let rows = left.len();
        out.added(rows);
        self.pairs.iter_mut().for_each(Vec::clear);
    }

    /// Rows of one side arrive, numbered from `first` on, each with the key of its number and a span or time.
    fn meet(&mut self, side: usize, first: usize, places: Option<&[u64]>, out: &mut Output) {
        let numbers = std::mem::take(&mut self.numbers);
        let mut run = (i64::MIN, 0);
        for (at, &key) in numbers.iter().enumerate() {
            let row = (first + at) as u32;
            if key == NONE {
                self.sides[side].dead += 1;
                if self.sides[side].is_given_alone {
                    self.sides[side].fate[row as usize] = Fate::Alone;
                    self.give(side, row, NONE, out);
                }
                continue;
            }
            let place = places.map_or(0, |places| places[at] as i64);
            let (span, is_linked) = match self.keep {
                Keep::Forever | Keep::Window { .. } => {
                    if let Some(&ahead) = numbers.get(at + AHEAD).filter(|key| **key != NONE) {
                        prefetch(&self.cells[ahead as usize]);
                    }
                    (place, self.meet_all(side, row, key, place, out))
                }
                Keep::Within { us } => {
                    let span = place.div_euclid(self.span_us);
                    (span, self.meet_band(side, row, key, (place, us, span), out))
                }
            };
            let this = &mut self.sides[side];
            if !is_linked {
                this.dead += 1;
            } else if run.0 == span {
                run.1 += 1;
            } else {
                this.lives(run);
                run = (span, 1);
            }
        }
        self.sides[side].lives(run);
        self.numbers = numbers;
    }

    /// A row meets all rows of its key; says whether it stays.
    fn meet_all(&mut self, side: usize, row: u32, key: u32, span: i64, out: &mut Output) -> bool {
        let other = 1 - side;
        if span < self.sides[other].dead_below {
            // The window was given.
            out.late += 1;
            return false;
        }
        self.cells[key as usize].span = span;
        let partners = self.cells[key as usize].lists[other];
        if self.is_left_only() {
            if side == 0 {
                if partners.rows > 0 {
                    if self.kind == JoinKind::Semi {
                        self.give(0, row, NONE, out);
                    }
                    return false;
                }
            } else {
                self.cells[key as usize].lists[0] = NO_ROWS;
                self.leave(partners, out);
                if self.cells[key as usize].lists[1].rows > 0 {
                    return false;
                }
            }
        } else {
            let mut partner = partners.first;
            while partner != NONE {
                let after = self.sides[other].next[partner as usize];
                self.pair(side, row, partner, out);
                partner = after;
            }
        }
        let until = match self.keep {
            Keep::Window { .. } => span.saturating_sub(1),
            Keep::Forever | Keep::Within { .. } => i64::MAX,
        };
        self.wait(side, row, until);
        if span < self.sides[side].dead_below {
            return false;
        }
        let list = &mut self.cells[key as usize].lists[side];
        link(list, &mut self.sides[side].next, row);
        true
    }

    /// A row meets the rows of its key that are near in time; says whether it stays.
    fn meet_band(
        &mut self,
        side: usize,
        row: u32,
        key: u32,
        (time, within, span): (i64, i64, i64),
        out: &mut Output,
    ) -> bool {
        let other = 1 - side;
        let (low, high) = (time.saturating_sub(within), time.saturating_add(within));
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        let (mut newer, mut own) = (NONE, NONE);
        let (mut cell, mut lists) = (self.latest[key as usize], 0);
        while cell != NONE {
            let Cell { span: of, older, .. } = self.cells[cell as usize];
            if of < span - 1 {
                break;
            }
            if of > span {
                newer = cell;
            } else if of == span {
                own = cell;
            }
            if of <= span + 1 && of >= self.sides[other].dead_below {
                let before = found.len();
                self.find(side, cell, (low, high), &mut found);
                lists += usize::from(found.len() > before);
            }
            cell = older;
        }
        let is_met = !found.is_empty();
        if lists > 1 || found.len() > MANY as usize {
            found.sort_unstable();
        }
        if !self.is_left_only() {
            found.iter().for_each(|partner| self.pair(side, row, *partner, out));
        } else if side == 0 && is_met && self.kind == JoinKind::Semi {
            self.give(0, row, NONE, out);
        } else if side == 1 {
            found.iter().for_each(|left| self.leave_one(*left, out));
        }
        self.found = found;
        if self.is_left_only() && side == 0 && is_met {
            return false;
        }
        if span + 1 < self.sides[other].dead_below {
            out.late += 1;
        }
        self.wait(side, row, high);
        if span < self.sides[side].dead_below {
            return false;
        }
        if own == NONE {
            own = self.add_cell(key, newer, span);
        }
        self.link_in_time(side, own, row);
        true
    }

    /// Two rows match.
    fn pair(&mut self, side: usize, row: u32, partner: u32, out: &mut Output) {
        let other = &mut self.sides[1 - side];
        if other.is_given_alone {
            let fate = &mut other.fate[partner as usize];
            if *fate == Fate::Alone {
                return;
            }
            *fate = Fate::Matched;
        }
        let this = &mut self.sides[side];
        if this.is_given_alone {
            this.fate[row as usize] = Fate::Matched;
        }
        self.give(side, row, partner, out);
    }

    /// Left rows of a semi or anti join have found a match.
    fn leave(&mut self, list: List, out: &mut Output) {
        let mut left = list.first;
        while left != NONE {
            let after = self.sides[0].next[left as usize];
            self.leave_one(left, out);
            left = after;
        }
    }

    fn leave_one(&mut self, left: u32, out: &mut Output) {
        let side = &mut self.sides[0];
        side.dead += 1;
        if side.is_given_alone {
            let fate = &mut side.fate[left as usize];
            *fate = if *fate == Fate::Alone { Fate::Alone } else { Fate::Matched };
        }
        if self.kind == JoinKind::Semi {
            self.give(0, left, NONE, out);
        }
    }

    /// A row that has matched nothing yet is given, if it is wanted, when the other side's watermark has passed that time.
    fn wait(&mut self, side: usize, row: u32, until: i64) {
        let side = &mut self.sides[side];
        if side.is_given_alone && side.fate[row as usize] == Fate::Waits {
            side.waiting.push(until, row);
        }
    }

    /// The watermark has moved: spans that are over die, rows that waited in vain are given.
    fn pass(&mut self, side: usize, out: &mut Output) {
        let watermark = self.watermarks[1 - side];
        let dead_below = match self.keep {
            _ if watermark == i64::MAX => i64::MAX,
            Keep::Forever => i64::MIN,
            Keep::Within { us } => watermark.saturating_sub(us).div_euclid(self.span_us),
            Keep::Window { .. } => watermark.saturating_add(1),
        };
        let this = &mut self.sides[side];
        this.dead_below = this.dead_below.max(dead_below);
        while let Some(first) = this.living.first_entry().filter(|first| *first.key() < this.dead_below) {
            this.dead += first.remove();
        }
        if !this.is_given_alone {
            return;
        }
        for (_, row) in this.waiting.take_below(watermark) {
            let fate = &mut self.sides[side].fate[row as usize];
            if *fate == Fate::Waits {
                *fate = Fate::Alone;
                self.give(side, row, NONE, out);
            }
        }
    }
}

/// The values of a column of times.
fn times(column: &Column) -> &[u64] {
    let Values::Eight(times) = &column.values else { unreachable!("times have eight bytes") };
    times
}

impl StreamState for Join {
    fn rows(&mut self, input: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError> {
        if self.sides[input].stored.rows + rows.rows > MOST_ROWS {
            self.keep_living();
        }
        if self.sides[input].stored.rows + rows.rows > MOST_ROWS {
            return Err(RunError::TooManyRows { table: self.name.clone(), limit: MOST_ROWS as u64 });
        }
        let mut numbers = std::mem::take(&mut self.numbers);
        self.keyed.number(rows, &mut numbers);
        self.numbers = numbers;
        let places = match self.keep {
            Keep::Forever => None,
            Keep::Window { end } => Some(times(&rows.columns[end as usize])),
            Keep::Within { .. } => Some(times(&rows.columns[self.first_column - 1])),
        };
        match self.keep {
            Keep::Within { .. } => self.latest.resize(self.keyed.len(), NONE),
            Keep::Forever | Keep::Window { .. } => {
                self.cells.resize(self.keyed.len(), Cell { span: 0, lists: [NO_ROWS; 2], older: NONE });
            }
        }
        let side = &mut self.sides[input];
        let first = side.stored.add(&rows.columns[self.first_column..], rows.rows);
        side.next.resize(side.stored.rows, NONE);
        if side.is_given_alone {
            side.fate.resize(side.stored.rows, Fate::Waits);
        }
        if let (Keep::Within { .. }, Some(times)) = (self.keep, places) {
            side.time.extend(times.iter().map(|time| *time as i64));
        }
        self.meet(input, first, places, out);
        self.gather(out);
        self.compact();
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError> {
        for (ours, new) in self.watermarks.iter_mut().zip(watermarks) {
            *ours = (*ours).max(*new);
        }
        self.pass(0, out);
        self.pass(1, out);
        self.gather(out);
        self.compact();
        let least = self.watermarks[0].min(self.watermarks[1]);
        Ok(match self.keep {
            // Pairs and rows that waited are given up to so much later than their rows came.
            Keep::Within { us } if least != i64::MAX => least.saturating_sub(us),
            Keep::Forever | Keep::Within { .. } | Keep::Window { .. } => least,
        })
    }

    fn flush(&mut self, _: &mut Output) -> Result<(), RunError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.sides.iter().map(Side::memory_bytes).sum::<usize>()
            + self.cells.capacity() * size_of::<Cell>()
            + self.latest.capacity() * 4
            + self.ordered.iter().map(Ordered::memory_bytes).sum::<usize>()
            + self.keyed.memory_bytes()
    }

    fn is_empty(&self) -> bool {
        self.sides.iter().all(|side| side.stored.rows == 0)
    }
}
