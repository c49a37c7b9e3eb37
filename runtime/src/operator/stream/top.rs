//! The first rows of each key in an order, as changes.
//!
//! Rows that only are added and come too late in the order are forgotten at once, others when they are pushed out. Where
//! rows are also taken back, all rows of a key are kept: the next one may be wanted again. Changes are given by `flush`,
//! rows that leave before those that come: what happens in between is nobody's business. Of rows that are equal in this order the
//! earlier is first; of those that change the one with the lesser columns.

use super::gather::{gather, renumber};
use super::keyed::Keyed;
use super::{Output, Stored, StreamSpec, StreamState};
use crate::column::Values;
use crate::error::RunError;
use crate::operator::collect::Rows;
use crate::primitive::hash_table::NONE;
use crate::table::MOST_ROWS;
use blocks::Blocks;
use rank::{Order, Ranked};

mod blocks;
mod rank;
#[cfg(test)]
mod tests;

/// Fewer rows are not looked through for dead ones.
const LEAST_ROWS: usize = if cfg!(test) { 16 } else { 4096 };

/// The rows of one key.
#[derive(Clone, Debug, Default)]
struct Ranking {
    /// In order.
    rows: Blocks,
    /// Those that were given, in order.
    given: Vec<Ranked>,
    is_changed: bool,
}

/// The state.
pub(super) struct Top {
    name: String,
    order: Order,
    limit: usize,
    /// Position among the columns.
    change: Option<usize>,
    first_column: usize,
    keyed: Keyed,
    stored: Stored,
    /// By key.
    rankings: Vec<Ranking>,
    /// Bytes of what is in them.
    ranked: usize,
    /// Keys whose rows have changed, in the order of their first change.
    changed: Vec<u32>,
    /// Rows after the dead ones were taken out the last time.
    lived: usize,
    watermark: i64,
    numbers: Vec<u32>,
}

impl Top {
    pub(super) fn new(spec: &StreamSpec, by: &[(u32, bool)], limit: u64, change: Option<u32>) -> Self {
        // When changes come depends on when they were flushed.
        let columns = 0..spec.inputs[0].len() as u32;
        let ties = change.map_or_else(Vec::new, |change| columns.filter(|column| *column != change).collect());
        Self {
            name: spec.name.clone(),
            order: Order::new(by).with_ties(ties),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            change: change.map(|position| position as usize),
            first_column: spec.first_column(),
            keyed: Keyed::new(&spec.layout, &spec.keys, true),
            stored: Stored::new(&spec.inputs[0]),
            rankings: Vec::new(),
            ranked: 0,
            changed: Vec::new(),
            lived: 0,
            watermark: i64::MIN,
            numbers: Vec::new(),
        }
    }

    /// A row is added to a key; says whether that changes the first rows.
    fn add(&mut self, key: u32, row: u32) -> bool {
        let Self { order, stored, rankings, limit, ranked, .. } = self;
        let rows = &mut rankings[key as usize].rows;
        let before = rows.memory_bytes();
        let new = order.ranked(&stored.columns, row);
        let place = rows.place(|other| order.compare(&stored.columns, *other, new).is_lt());
        let is_among = rows.is_among(place, *limit);
        if self.change.is_some() || is_among {
            rows.insert(place, new);
        }
        if self.change.is_none() {
            rows.truncate(*limit);
        }
        *ranked = *ranked + rows.memory_bytes() - before;
        is_among
    }

    /// A row like this one is taken back.
    fn take_back(&mut self, key: u32, row: u32) -> bool {
        let Self { order, stored, rankings, limit, change, ranked, .. } = self;
        let rows = &mut rankings[key as usize].rows;
        let columns = &stored.columns;
        let gone = order.ranked(columns, row);
        let start = rows.place(|other| order.compare_values(columns, *other, gone).is_lt());
        let is_it = |other: u32| {
            let mut others = columns.iter().enumerate().filter(|(position, _)| Some(*position) != *change);
            others.all(|(_, column)| column.compare(other as usize, row as usize).is_eq())
        };
        let is_equal = |other: Ranked| order.compare_values(columns, other, gone).is_eq();
        let mut equals = rows.from(start).take_while(|(_, other)| is_equal(**other));
        let Some((place, _)) = equals.find(|(_, other)| is_it(other.row)) else { return false };
        drop(equals);
        let (is_among, before) = (rows.is_among(place, *limit), rows.memory_bytes());
        rows.remove(place);
        *ranked = *ranked + rows.memory_bytes() - before;
        is_among
    }

    /// Gives the changes of all keys.
    fn give(&mut self, out: &mut Output) {
        let Self { order, stored, rankings, limit, ranked, .. } = self;
        let (mut rows, mut changes, mut now) = (Vec::new(), Vec::new(), Vec::new());
        for key in self.changed.drain(..) {
            let ranking = &mut rankings[key as usize];
            ranking.is_changed = false;
            now.clear();
            now.extend(ranking.rows.iter().take(*limit).copied());
            // Both are in order.
            let missing = |from: &[Ranked], of: &[Ranked], to: &mut Vec<u32>| {
                let mut of = of;
                for &row in from {
                    let before = of.iter().take_while(|other| order.compare(&stored.columns, **other, row).is_lt());
                    of = &of[before.count()..];
                    if of.first().is_none_or(|other| other.row != row.row) {
                        to.push(row.row);
                    }
                }
            };
            missing(&ranking.given, &now, &mut rows);
            changes.resize(rows.len(), -1i64 as u64);
            missing(&now, &ranking.given, &mut rows);
            changes.resize(rows.len(), 1);
            let before = ranking.given.capacity();
            ranking.given.clone_from(&now);
            *ranked += (ranking.given.capacity() - before) * size_of::<Ranked>();
        }
        let columns = &mut out.rows.columns;
        gather(columns, &stored.columns, &rows);
        match self.change {
            None => {
                if let Some(column) = columns.last_mut() {
                    changes.iter().for_each(|change| column.push_word(*change));
                }
            }
            Some(position) => {
                let Values::One(values) = &mut columns[position].values else { unreachable!("a change is an `i8`") };
                let first = values.len() - changes.len();
                values[first..].iter_mut().zip(&changes).for_each(|(to, change)| *to = *change as u8);
            }
        }
        out.added(rows.len());
    }

    /// Takes dead rows out, if there may be more of them than living ones.
    fn compact(&mut self) {
        if self.stored.rows < (self.lived * 2).max(LEAST_ROWS) {
            return;
        }
        let mut stays = vec![false; self.stored.rows];
        for ranking in &self.rankings {
            ranking.rows.iter().chain(&ranking.given).for_each(|ranked| stays[ranked.row as usize] = true);
        }
        let (new, kept) = renumber(&stays);
        self.stored.keep(&kept);
        self.lived = kept.len();
        let lives = |ranking: &Ranking| !ranking.rows.is_empty() || !ranking.given.is_empty();
        let (new_key, keys) = renumber(&self.rankings.iter().map(lives).collect::<Vec<_>>());
        self.keyed.keep(&keys);
        self.rankings.retain(lives);
        for ranking in &mut self.rankings {
            ranking.rows.iter_mut().chain(&mut ranking.given).for_each(|ranked| ranked.row = new[ranked.row as usize]);
        }
        let bytes = |ranking: &Ranking| ranking.rows.memory_bytes() + ranking.given.capacity() * size_of::<Ranked>();
        self.ranked = self.rankings.iter().map(bytes).sum();
        self.changed.iter_mut().for_each(|key| *key = new_key[*key as usize]);
        self.changed.retain(|key| *key != NONE);
    }
}

impl StreamState for Top {
    fn rows(&mut self, _: usize, rows: &Rows, _: &mut Output) -> Result<(), RunError> {
        if self.stored.rows + rows.rows > MOST_ROWS {
            return Err(RunError::TooManyRows { table: self.name.clone(), limit: MOST_ROWS as u64 });
        }
        self.keyed.number(rows, &mut self.numbers);
        self.rankings.resize(self.keyed.len(), Ranking::default());
        let first = self.stored.add(&rows.columns[self.first_column..], rows.rows);
        let numbers = std::mem::take(&mut self.numbers);
        for (at, &key) in numbers.iter().enumerate() {
            let row = (first + at) as u32;
            let is_added =
                self.change.is_none_or(|position| self.stored.columns[position].word(row as usize) as i64 > 0);
            let is_changed = if is_added { self.add(key, row) } else { self.take_back(key, row) };
            if is_changed && !std::mem::replace(&mut self.rankings[key as usize].is_changed, true) {
                self.changed.push(key);
            }
        }
        self.numbers = numbers;
        self.compact();
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError> {
        self.watermark = self.watermark.max(watermarks[0]);
        if self.watermark == i64::MAX {
            self.give(out);
            self.rankings = Vec::new();
            self.ranked = 0;
            self.lived = 0;
            self.stored.keep(&[]);
            self.keyed.keep(&[]);
        }
        Ok(self.watermark)
    }

    fn flush(&mut self, out: &mut Output) -> Result<(), RunError> {
        self.give(out);
        self.compact();
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.stored.memory_bytes()
            + self.keyed.memory_bytes()
            + self.ranked
            + self.rankings.capacity() * size_of::<Ranking>()
    }

    fn is_empty(&self) -> bool {
        self.stored.rows == 0
    }
}
