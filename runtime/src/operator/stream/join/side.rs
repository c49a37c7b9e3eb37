//! One side of a join: its rows by number, and what has become of them.

use crate::operator::stream::Stored;
use crate::operator::stream::time_queue::TimeQueue;
use crate::primitive::hash_table::NONE;
use sabot_abi::manifest::ColumnType;
use std::collections::BTreeMap;

/// What a row has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waits,
    Matched,
    /// It was given as one that matches nothing: no row that comes too late changes that.
    Alone,
}

/// One side.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) stored: Stored,
    /// By row: event time, where the join looks at it.
    pub(super) time: Vec<i64>,
    /// By row: the next one in its cell.
    pub(super) next: Vec<u32>,
    /// By row, where those that match nothing are given.
    pub(super) fate: Vec<Fate>,
    pub(super) is_given_alone: bool,
    /// Those that wait, by the time that the other side's watermark must pass.
    pub(super) waiting: TimeQueue,
    /// Linked rows by span.
    pub(super) living: BTreeMap<i64, usize>,
    /// Rows of earlier spans match nothing any more.
    pub(super) dead_below: i64,
    /// Rows that are in no list, or in one that is dead; about.
    pub(super) dead: usize,
}

impl Side {
    /// Of rows with these columns.
    pub(super) fn new(types: &[ColumnType], is_given_alone: bool) -> Self {
        Self {
            stored: Stored::new(types),
            time: Vec::new(),
            next: Vec::new(),
            fate: Vec::new(),
            is_given_alone,
            waiting: TimeQueue::default(),
            living: BTreeMap::new(),
            dead_below: i64::MIN,
            dead: 0,
        }
    }

    /// Keeps these rows, which are those with a new number.
    pub(super) fn keep(&mut self, new: &[u32], kept: &[u32]) {
        fn take<T: Copy>(from: &[T], kept: &[u32]) -> Vec<T> {
            if from.is_empty() { Vec::new() } else { kept.iter().map(|row| from[*row as usize]).collect() }
        }
        self.stored.keep(kept);
        self.time = take(&self.time, kept);
        self.fate = take(&self.fate, kept);
        self.next = take(&self.next, kept);
        self.next.iter_mut().filter(|next| **next != NONE).for_each(|next| *next = new[*next as usize]);
        self.waiting.renumber(new);
        self.dead = 0;
    }

    /// So many rows of a span were linked.
    pub(super) fn lives(&mut self, (span, rows): (i64, usize)) {
        if rows > 0 {
            *self.living.entry(span).or_default() += rows;
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.stored.memory_bytes()
            + self.time.capacity() * 8
            + self.next.capacity() * 4
            + self.fate.capacity()
            + self.waiting.memory_bytes()
            + self.living.len() * 48
    }
}
