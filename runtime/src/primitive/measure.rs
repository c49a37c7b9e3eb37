//! The primitives with nothing around them, for `benches`: safe calls over plain slices. Only with the feature `measure`.

use super::compress::{Level, compress};
use super::hash_table::WordGroups;
use super::memory::Str;
use super::row_index::RowIndex;
use super::{bitmap, bytes_groups::BytesGroups, hash, take};
use std::slice::from_ref;

/// Moves the selected values together; gives their number. `values` has 64 rows for every word, `to` as many and 8 more.
pub fn compress_words(values: &[u64], selection: &[u64], to: &mut [u64]) -> usize {
    assert!(values.len() >= selection.len() * 64 && to.len() >= selection.len() * 64 + 8, "rows for every word");
    // SAFETY: as asserted.
    unsafe { compress(Level::of_this_machine(), 8, values.as_ptr().cast(), selection, to.as_mut_ptr().cast()) }
}

/// `to[i] = from[rows[i]]`.
pub fn take_words(from: &[u64], rows: &[u32], to: &mut [u64]) {
    take::take(from, rows, to);
}

/// Keeps the bits that are set in both.
pub fn and_words(left: &mut [u64], right: &[u64]) -> usize {
    left.iter_mut().zip(right).for_each(|(left, right)| *left &= right);
    bitmap::count(left)
}

/// Hashes of numbers.
pub fn hash_words(words: &[u64], to: &mut [u64]) {
    to.iter_mut().zip(words).for_each(|(to, word)| *to = hash::hash_word(*word));
}

/// Hashes of strings.
pub fn hash_strings(texts: &[&str], to: &mut [u64]) {
    to.iter_mut().zip(texts).for_each(|(to, text)| *to = hash::hash_bytes(text.as_bytes()));
}

/// The build side of a join.
pub struct Index(RowIndex);

impl Index {
    /// Of these keys, row by row.
    #[must_use]
    pub fn new(keys: &[u64]) -> Self {
        Self(RowIndex::of_words(keys, None, from_ref(&(0..keys.len())), 1))
    }

    /// The first row with each key; says how many have one.
    pub fn find(&self, keys: &[u64], selection: &[u64], rows: &mut [u32], found: &mut [u64]) -> usize {
        self.0.find_words(keys, selection, rows, found);
        bitmap::count(found)
    }
}

/// Groups by numbers.
#[derive(Default)]
pub struct WordTable(WordGroups);

impl WordTable {
    /// The group of each selected key.
    pub fn group(&mut self, keys: &[u64], selection: &[u64], groups: &mut [u32]) {
        self.0.group(keys, selection, groups);
    }
}

/// Groups by strings.
#[derive(Default)]
pub struct StringTable(BytesGroups);

impl StringTable {
    /// The group of each selected key of a chunk.
    pub fn group(&mut self, keys: &Strings<'_>, first: usize, selection: &[u64], groups: &mut [u32]) {
        self.0.group(&keys.strs[first..first + groups.len()], selection, groups);
    }
}

/// Strings as registers have them.
pub struct Strings<'a> {
    strs: Vec<Str>,
    _texts: &'a [String],
}

impl<'a> Strings<'a> {
    /// References to these.
    #[must_use]
    pub fn new(texts: &'a [String]) -> Self {
        Self { strs: texts.iter().map(|text| Str::new(text.as_bytes())).collect(), _texts: texts }
    }
}
