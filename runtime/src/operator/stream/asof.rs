//! Joins each left row with the right row of its key that is nearest in time.
//!
//! Rows wait until no earlier row can come on either side, then both sides are gone through in the order of time, as if they
//! had come sorted: a right row becomes the latest of its key, a left row looks at it (backward) or waits for the next one
//! (forward), or both (nearest). So a row costs the same whatever its key, and of the right side only rows ahead of the
//! watermark and the latest one of each key are kept. Of right rows at one time the last in input order counts; of two
//! equally near ones the earlier.
//!
//! What a call decides is given in the order of (time, arrival) of the left rows: all rows, if they look backward; else a row
//! that waits holds up nobody.

use super::gather::{gather, gather_present, renumber};
use super::keyed::Keyed;
use super::time_queue::{TimeQueue, Timed};
use super::{Output, Stored, StreamSpec, StreamState};
use crate::column::Values;
use crate::error::RunError;
use crate::operator::collect::Rows;
use crate::primitive::hash_table::NONE;
use crate::table::MOST_ROWS;
use sabot_abi::stream::AsofDirection;
use std::collections::VecDeque;

#[cfg(test)]
mod tests;

const LEFT: usize = 0;
const RIGHT: usize = 1;

/// Fewer rows are not looked through for dead ones.
const LEAST_ROWS: usize = if cfg!(test) { 16 } else { 4096 };

/// One side.
#[derive(Debug)]
struct Side {
    stored: Stored,
    /// By row: its key; `NONE`: it matches nothing.
    key: Vec<u32>,
    /// Rows that wait for the watermark.
    ahead: TimeQueue,
    /// Rows after the dead ones were taken out the last time.
    lived: usize,
}

/// The latest right row of a key, and the left rows that wait for the next one.
#[derive(Clone, Copy, Debug)]
struct Latest {
    time: i64,
    row: u32,
    /// The last left row that waits; the others follow by [`Asof::before`].
    waiting: u32,
}

const NOTHING: Latest = Latest { time: i64::MIN, row: NONE, waiting: NONE };

/// A left row that waits for a right row after it.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    time: i64,
    /// The nearest right row before it, for `Nearest`.
    found: u32,
    /// How far the next right row may be away to be the answer.
    reach: i64,
    /// The one of the same key that waits before it.
    before: u32,
    is_waiting: bool,
}

const WAITS_NOT: Waiting = Waiting { time: 0, found: NONE, reach: 0, before: NONE, is_waiting: false };

/// A left row and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    time: i64,
    left: u32,
    right: u32,
}

/// The state.
pub(super) struct Asof {
    name: String,
    outer: bool,
    direction: AsofDirection,
    tolerance: i64,
    first_column: usize,
    keyed: Keyed,
    sides: [Side; 2],
    /// By key.
    latest: Vec<Latest>,
    /// By left row, if such rows wait.
    waiting: Vec<Waiting>,
    /// Left rows that wait, or have waited, in the order of time.
    in_time: VecDeque<u32>,
    /// When they wait no longer.
    until: TimeQueue,
    answers: Vec<Answer>,
    watermarks: [i64; 2],
    numbers: Vec<u32>,
}

impl Asof {
    pub(super) fn new(spec: &StreamSpec, outer: bool, direction: AsofDirection, tolerance_us: Option<i64>) -> Self {
        let side = |input: usize| Side {
            stored: Stored::new(&spec.inputs[input]),
            key: Vec::new(),
            ahead: TimeQueue::default(),
            lived: 0,
        };
        Self {
            name: spec.name.clone(),
            outer,
            direction,
            tolerance: tolerance_us.unwrap_or(i64::MAX),
            first_column: spec.first_column(),
            keyed: Keyed::new(&spec.layout, &spec.keys, false),
            sides: [side(LEFT), side(RIGHT)],
            latest: Vec::new(),
            waiting: Vec::new(),
            in_time: VecDeque::new(),
            until: TimeQueue::default(),
            answers: Vec::new(),
            watermarks: [i64::MIN; 2],
            numbers: Vec::new(),
        }
    }

    /// Goes through the rows of both sides, which are in the order of time.
    fn go_through(&mut self, left: &[Timed], right: &[Timed]) {
        let (mut lefts, mut rights) = (left, right);
        while !lefts.is_empty() {
            // Right rows that come before the next left row, or at its time.
            let until = lefts[0].0;
            let before = rights.partition_point(|(time, _)| *time <= until);
            let (now, later) = rights.split_at(before);
            self.right_rows(now);
            rights = later;
            let next = rights.first().map_or(i64::MAX, |(time, _)| *time);
            let count = lefts.partition_point(|(time, _)| *time < next || rights.is_empty());
            for &(time, row) in &lefts[..count] {
                self.left_row(time, row);
            }
            lefts = &lefts[count..];
        }
        self.right_rows(rights);
    }

    /// Right rows, one time after the other.
    fn right_rows(&mut self, mut rows: &[Timed]) {
        let does_wait = self.direction != AsofDirection::Backward;
        while let Some(&(time, _)) = rows.first() {
            // One time: mostly one row.
            let count = rows.iter().take_while(|(other, _)| *other == time).count();
            let (now, later) = rows.split_at(count);
            for &(_, row) in now.iter().rev() {
                let key = self.sides[RIGHT].key[row as usize];
                if does_wait && key != NONE && self.latest[key as usize].waiting != NONE {
                    self.answer_waiting(key, time, row);
                }
            }
            for &(_, row) in now {
                let key = self.sides[RIGHT].key[row as usize];
                if key != NONE {
                    let latest = &mut self.latest[key as usize];
                    (latest.time, latest.row) = (time, row);
                }
            }
            rows = later;
        }
    }

    /// A left row, after all right rows up to its time.
    fn left_row(&mut self, time: i64, row: u32) {
        let key = self.sides[LEFT].key[row as usize];
        if key == NONE {
            return self.answer(time, row, NONE);
        }
        let latest = &mut self.latest[key as usize];
        let distance = time.saturating_sub(latest.time);
        let is_near = latest.row != NONE && distance <= self.tolerance;
        let found =
            if is_near && (self.direction != AsofDirection::Forward || distance == 0) { latest.row } else { NONE };
        // Of two equally near ones the earlier.
        let reach = if found == NONE { self.tolerance } else { self.tolerance.min(distance - 1) };
        if self.direction == AsofDirection::Backward || reach < 0 {
            return self.answer(time, row, found);
        }
        let before = std::mem::replace(&mut latest.waiting, row);
        self.waiting[row as usize] = Waiting { time, found, reach, before, is_waiting: true };
        self.in_time.push_back(row);
        self.until.push(time.saturating_add(reach), row);
    }

    /// The next right row of a key answers all that wait for it.
    fn answer_waiting(&mut self, key: u32, time: i64, right: u32) {
        let mut row = std::mem::replace(&mut self.latest[key as usize].waiting, NONE);
        while row != NONE {
            let waiting = std::mem::replace(&mut self.waiting[row as usize], WAITS_NOT);
            if waiting.is_waiting {
                let is_near = time.saturating_sub(waiting.time) <= waiting.reach;
                self.answer(waiting.time, row, if is_near { right } else { waiting.found });
            }
            row = waiting.before;
        }
    }

    /// Those for which no right row can come any more.
    fn give_up(&mut self, watermark: i64) {
        for (_, row) in self.until.take_below(watermark) {
            let waiting = &mut self.waiting[row as usize];
            if std::mem::replace(&mut waiting.is_waiting, false) {
                let Waiting { time, found, .. } = *waiting;
                self.answer(time, row, found);
            }
        }
        while self.in_time.front().is_some_and(|row| !self.waiting[*row as usize].is_waiting) {
            self.in_time.pop_front();
        }
    }

    fn answer(&mut self, time: i64, left: u32, right: u32) {
        if right != NONE || self.outer {
            self.answers.push(Answer { time, left, right });
        }
    }

    fn give(&mut self, out: &mut Output) {
        if !self.answers.is_sorted() {
            self.answers.sort();
        }
        for answers in self.answers.chunks(super::join::PAIRS) {
            let left: Vec<u32> = answers.iter().map(|answer| answer.left).collect();
            let right: Vec<u32> = answers.iter().map(|answer| answer.right).collect();
            let (to_left, rest) = out.rows.columns.split_at_mut(self.sides[LEFT].stored.columns.len());
            let (to_right, present) = rest.split_at_mut(self.sides[RIGHT].stored.columns.len());
            gather(to_left, &self.sides[LEFT].stored.columns, &left);
            gather(to_right, &self.sides[RIGHT].stored.columns, &right);
            if let [present] = present {
                gather_present(present, &right);
            }
            out.added(left.len());
        }
        self.answers.clear();
    }

    /// Takes dead rows out, if there may be more of them than living ones.
    fn compact(&mut self, watermark: i64) {
        if self.sides.iter().all(|side| side.stored.rows < (side.lived * 2).max(LEAST_ROWS)) && watermark != i64::MAX {
            return;
        }
        let mut stays = [LEFT, RIGHT].map(|side| vec![false; self.sides[side].stored.rows]);
        let mut used = vec![false; self.keyed.len()];
        for (side, stays) in self.sides.iter().zip(&mut stays) {
            for (_, row) in side.ahead.iter() {
                stays[row as usize] = true;
                if let Some(used) = used.get_mut(side.key[row as usize] as usize) {
                    *used = true;
                }
            }
        }
        self.in_time.retain(|row| self.waiting[*row as usize].is_waiting);
        for &row in &self.in_time {
            stays[LEFT][row as usize] = true;
            used[self.sides[LEFT].key[row as usize] as usize] = true;
            if let Some(found) = stays[RIGHT].get_mut(self.waiting[row as usize].found as usize) {
                *found = true;
            }
        }
        for (latest, used) in self.latest.iter_mut().zip(&mut used) {
            let is_looked_at = latest.row != NONE
                && self.direction != AsofDirection::Forward
                && watermark != i64::MAX
                && watermark.saturating_sub(latest.time) <= self.tolerance;
            if is_looked_at {
                stays[RIGHT][latest.row as usize] = true;
                *used = true;
            } else {
                latest.row = NONE;
            }
        }
        let (new_key, keys) = renumber(&used);
        let renumbered = |new: &[u32], row: u32| new.get(row as usize).copied().unwrap_or(NONE);
        let [(new_left, left), (new_right, right)] = stays.map(|stays| renumber(&stays));
        for ((side, new), kept) in self.sides.iter_mut().zip([&new_left, &new_right]).zip([&left, &right]) {
            side.stored.keep(kept);
            side.key = kept.iter().map(|row| renumbered(&new_key, side.key[*row as usize])).collect();
            side.ahead.renumber(new);
            side.lived = kept.len();
        }
        self.keyed.keep(&keys);
        self.latest = keys.iter().map(|key| self.latest[*key as usize]).collect();
        for latest in &mut self.latest {
            latest.row = renumbered(&new_right, latest.row);
            latest.waiting = NONE;
        }
        if self.waiting.is_empty() {
            return;
        }
        // Only those that wait are linked again.
        self.waiting = left.iter().map(|row| self.waiting[*row as usize]).collect();
        for row in &mut self.in_time {
            *row = new_left[*row as usize];
            let waiting = &mut self.waiting[*row as usize];
            waiting.found = renumbered(&new_right, waiting.found);
            let latest = &mut self.latest[self.sides[LEFT].key[*row as usize] as usize];
            waiting.before = std::mem::replace(&mut latest.waiting, *row);
        }
        self.until.renumber(&new_left);
    }
}

impl StreamState for Asof {
    fn rows(&mut self, input: usize, rows: &Rows, _: &mut Output) -> Result<(), RunError> {
        let side = &mut self.sides[input];
        if side.stored.rows + rows.rows > MOST_ROWS {
            return Err(RunError::TooManyRows { table: self.name.clone(), limit: MOST_ROWS as u64 });
        }
        self.keyed.number(rows, &mut self.numbers);
        self.latest.resize(self.keyed.len(), NOTHING);
        let Values::Eight(times) = &rows.columns[self.first_column - 1].values else {
            unreachable!("times have eight bytes")
        };
        let first = side.stored.add(&rows.columns[self.first_column..], rows.rows);
        for (row, (time, key)) in (first as u32..).zip(times.iter().zip(&self.numbers)) {
            if input == LEFT || *key != NONE {
                side.ahead.push(*time as i64, row);
            }
        }
        side.key.extend_from_slice(&self.numbers);
        if input == LEFT && self.direction != AsofDirection::Backward {
            self.waiting.resize(side.stored.rows, WAITS_NOT);
        }
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError> {
        for (ours, new) in self.watermarks.iter_mut().zip(watermarks) {
            *ours = (*ours).max(*new);
        }
        let watermark = self.watermarks[LEFT].min(self.watermarks[RIGHT]);
        let left = self.sides[LEFT].ahead.take_below(watermark);
        let right = self.sides[RIGHT].ahead.take_below(watermark);
        self.go_through(&left, &right);
        self.give_up(watermark);
        self.give(out);
        let oldest = self.in_time.front().map_or(i64::MAX, |row| self.waiting[*row as usize].time);
        self.compact(watermark);
        Ok(watermark.min(oldest))
    }

    fn flush(&mut self, _: &mut Output) -> Result<(), RunError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let of_side = |side: &Side| side.stored.memory_bytes() + side.key.capacity() * 4 + side.ahead.memory_bytes();
        self.sides.iter().map(of_side).sum::<usize>()
            + self.latest.capacity() * size_of::<Latest>()
            + self.waiting.capacity() * size_of::<Waiting>()
            + self.in_time.capacity() * 4
            + self.until.memory_bytes()
            + self.keyed.memory_bytes()
    }

    fn is_empty(&self) -> bool {
        self.sides.iter().all(|side| side.stored.rows == 0)
    }
}
