//! One side of a join of changes: its different rows, how often each is there, and which of them have one key.
//!
//! Rows are different if they are different keys; of equal ones the first is the one that is given, until it is gone.

use crate::operator::collect::Rows;
use crate::operator::key::KeyLayout;
use crate::operator::stream::Stored;
use crate::operator::stream::gather::renumber;
use crate::operator::stream::keyed::Keyed;
use crate::primitive::hash_table::NONE;
use sabot_abi::manifest::ColumnType;

/// A row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// How often it is there.
    pub(super) count: u32,
    /// The rows of the same key that came before and after it, of those that are there.
    before: u32,
    pub(super) after: u32,
}

/// The rows of a key that are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowsOfKey {
    pub(super) first: u32,
    last: u32,
    /// How many, equal ones too.
    pub(super) rows: u64,
}

pub(super) const NO_ROWS: RowsOfKey = RowsOfKey { first: NONE, last: NONE, rows: 0 };

/// One side.
pub(super) struct Side {
    /// By entry: the columns, without the change.
    pub(super) stored: Stored,
    pub(super) entries: Vec<Entry>,
    /// Key and columns to entries; none if nobody wants to see the rows.
    different: Option<Keyed>,
    first_column: usize,
    pub(super) is_given_alone: bool,
    /// Entries that are not there any more, or never were.
    pub(super) dead: usize,
    /// Of one batch: rows that were not there before.
    fresh: Vec<u32>,
}

impl Side {
    /// Of rows with these columns behind their keys.
    pub(super) fn new(keys: &[ColumnType], columns: &[ColumnType], is_given_alone: bool, is_seen: bool) -> Self {
        // A row whose key has a null is one like any other.
        let keys = keys.iter().map(|key| ColumnType { nullable: true, ..*key });
        let first_column = keys.len();
        let types: Vec<ColumnType> = keys.chain(columns.iter().copied()).collect();
        Self {
            stored: Stored::new(if is_seen { columns } else { &[] }),
            entries: Vec::new(),
            different: is_seen.then(|| Keyed::new(&KeyLayout::new(&types, true), &types, true)),
            first_column,
            is_given_alone,
            dead: 0,
            fresh: Vec::new(),
        }
    }

    /// The entries of rows, which are made where there are none.
    pub(super) fn number(&mut self, rows: &Rows, entries: &mut Vec<u32>) {
        let Some(different) = &mut self.different else {
            entries.clear();
            entries.resize(rows.rows, NONE);
            return;
        };
        different.number(rows, entries);
        self.fresh.clear();
        let mut known = self.entries.len() as u32;
        for (row, entry) in (0u32..).zip(entries.iter()) {
            if *entry == known {
                known += 1;
                self.fresh.push(row);
            }
        }
        let of_columns = self.first_column..self.first_column + self.stored.columns.len();
        self.stored.add_some(&rows.columns[of_columns], &self.fresh);
        self.entries.resize(known as usize, Entry { count: 0, before: NONE, after: NONE });
        self.dead += self.fresh.len();
    }

    /// Whether a row of this key can be taken back.
    pub(super) fn is_there(&self, row: u32, of_key: &RowsOfKey) -> bool {
        if self.different.is_some() { self.entries[row as usize].count > 0 } else { of_key.rows > 0 }
    }

    /// A row comes or goes.
    pub(super) fn count(&mut self, row: u32, change: i8, of_key: &mut RowsOfKey) {
        of_key.rows = if change > 0 { of_key.rows + 1 } else { of_key.rows - 1 };
        if self.different.is_none() {
            return;
        }
        let entry = &mut self.entries[row as usize];
        if change > 0 {
            entry.count += 1;
            if entry.count == 1 {
                self.dead -= 1;
                self.link(row, of_key);
            }
        } else {
            entry.count -= 1;
            if entry.count == 0 {
                self.dead += 1;
                self.unlink(row, of_key);
            }
        }
    }

    /// Puts a row behind the last one of its key.
    fn link(&mut self, row: u32, of_key: &mut RowsOfKey) {
        let last = std::mem::replace(&mut of_key.last, row);
        self.entries[row as usize].before = last;
        self.entries[row as usize].after = NONE;
        if last == NONE {
            of_key.first = row;
        } else {
            self.entries[last as usize].after = row;
        }
    }

    fn unlink(&mut self, row: u32, of_key: &mut RowsOfKey) {
        let Entry { before, after, .. } = self.entries[row as usize];
        if before == NONE {
            of_key.first = after;
        } else {
            self.entries[before as usize].after = after;
        }
        if after == NONE {
            of_key.last = before;
        } else {
            self.entries[after as usize].before = before;
        }
    }

    /// Takes out the entries that are not there; `of_keys` are those of all keys.
    pub(super) fn keep_living<'a>(&mut self, of_keys: impl Iterator<Item = &'a mut RowsOfKey>) {
        let Some(different) = &mut self.different else { return };
        let is_there: Vec<bool> = self.entries.iter().map(|entry| entry.count > 0).collect();
        let (new, kept) = renumber(&is_there);
        let renumbered = |row: u32| if row == NONE { NONE } else { new[row as usize] };
        let moved = |row: &u32| {
            let entry = self.entries[*row as usize];
            Entry { before: renumbered(entry.before), after: renumbered(entry.after), ..entry }
        };
        self.entries = kept.iter().map(moved).collect();
        for of_key in of_keys {
            of_key.first = renumbered(of_key.first);
            of_key.last = renumbered(of_key.last);
        }
        self.stored.keep(&kept);
        different.keep(&kept);
        self.dead = 0;
    }

    /// Nothing is there any more.
    pub(super) fn forget(&mut self) {
        self.stored.keep(&[]);
        self.entries = Vec::new();
        self.dead = 0;
        if let Some(different) = &mut self.different {
            different.keep(&[]);
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.stored.memory_bytes()
            + self.entries.capacity() * size_of::<Entry>()
            + self.different.as_ref().map_or(0, Keyed::memory_bytes)
            + self.fresh.capacity() * 4
    }
}
