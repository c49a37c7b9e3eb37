//! Hash tables from words to numbers: open addressing with linear probing.
//!
//! Keys and numbers are positional: entry `i` belongs to row `i` of the chunk, and only selected rows are looked at. Tables
//! that do not fit into the second cache level are probed in two steps, 64 rows ahead, so that their misses overlap; for
//! small ones that would cost a quarter of the speed. Rows by key are in [`super::row_index`], groups by bytes in
//! [`super::bytes_groups`].

use super::bitmap;
use super::direct::Direct;
use super::hash::hash_word;
use super::memory::{Buf, Plain};

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// Tables above this many bytes are prefetched.
pub(super) const PREFETCH_FROM: usize = 1 << 20;

/// A key, or its hash, and a number plus one; zero is free.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) key: u64,
    pub(super) number: u64,
}

// SAFETY: two numbers.
unsafe impl Plain for Entry {}

#[inline]
pub(crate) fn prefetch<T>(entry: &T) {
    prefetch_at(std::ptr::from_ref(entry));
}

/// A hint that an address will be read; nothing need be there.
#[inline]
pub(crate) fn prefetch_at<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing as far as the program can tell.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The places of a table; what a key is, its users know.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) entries: Buf<Entry>,
    /// A slot is the hash shifted by this.
    shift: u32,
    /// Probing stays within a part of the table of this many slots, less one: parts can be filled by different threads.
    part_mask: usize,
    used: usize,
}

impl Places {
    pub(super) fn with_room_for(keys: usize, parts: usize) -> Self {
        let slots = (keys * 5 / 3 + 1).next_power_of_two().max(64);
        debug_assert!(parts.is_power_of_two() && parts <= slots, "parts are of the same size");
        Self { entries: Buf::zeroed(slots), shift: 64 - slots.trailing_zeros(), part_mask: slots / parts - 1, used: 0 }
    }

    #[inline]
    pub(super) fn slot(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline]
    fn next(&self, slot: usize) -> usize {
        slot & !self.part_mask | (slot + 1) & self.part_mask
    }

    pub(super) fn is_large(&self) -> bool {
        self.entries.len() * size_of::<Entry>() > PREFETCH_FROM
    }

    /// The number of the key, for which `is_it` says whether an entry is the one.
    #[inline]
    pub(super) fn find(&self, mut slot: usize, is_it: impl Fn(&Entry) -> bool) -> u32 {
        loop {
            let entry = &self.entries[slot];
            if entry.number == 0 {
                return NONE;
            }
            if is_it(entry) {
                return (entry.number - 1) as u32;
            }
            slot = self.next(slot);
        }
    }

    /// The number of the key, or the one that it gets now.
    #[inline]
    fn find_or_put(&mut self, mut slot: usize, key: u64, new: u32, is_it: impl Fn(&Entry) -> bool) -> u32 {
        loop {
            let entry = &mut self.entries[slot];
            if entry.number == 0 {
                *entry = Entry { key, number: u64::from(new) + 1 };
                self.used += 1;
                return new;
            }
            if is_it(entry) {
                return (entry.number - 1) as u32;
            }
            slot = self.next(slot);
        }
    }

    /// Makes room for more keys, so that the table never becomes more than 60 percent full.
    fn reserve(&mut self, more: usize, hash: impl Fn(&Entry) -> u64) {
        if (self.used + more) * 5 <= self.entries.len() * 3 {
            return;
        }
        let mut larger = Self::with_room_for((self.used + more).max(self.used * 2), 1);
        for entry in self.entries.iter().filter(|entry| entry.number != 0) {
            let mut slot = larger.slot(hash(entry));
            while larger.entries[slot].number != 0 {
                slot = larger.next(slot);
            }
            larger.entries[slot] = *entry;
        }
        larger.used = self.used;
        *self = larger;
    }
}

/// Groups by a key of one word, numbered in the order they came. As long as keys lie close together, they are not hashed.
#[derive(Debug)]
pub(crate) struct WordGroups {
    direct: Option<Direct>,
    /// Where keys are hashed.
    places: Places,
    /// By number.
    pub(crate) keys: Buf<u64>,
}

impl Default for WordGroups {
    fn default() -> Self {
        Self { direct: Some(Direct::default()), places: Places::with_room_for(64, 1), keys: Buf::default() }
    }
}

impl WordGroups {
    /// The groups of the selected rows.
    pub(crate) fn group(&mut self, keys: &[u64], selection: &[u64], groups: &mut [u32]) {
        let mut count = bitmap::count(selection);
        let mut done = 0;
        while self.direct.is_some() && done < selection.len() {
            if !self.group_directly(keys, (done, selection[done]), groups, count) {
                self.hash_all();
                break;
            }
            count -= selection[done].count_ones() as usize;
            done += 1;
        }
        if done < selection.len() {
            self.group_by_hash(keys, &selection[done..], done * 64, groups);
        }
    }

    /// The groups of 64 rows, if their keys lie close enough to the others; `left` rows may bring new ones.
    fn group_directly(&mut self, keys: &[u64], (at, word): (usize, u64), groups: &mut [u32], left: usize) -> bool {
        let Some(direct) = &mut self.direct else { return false };
        let first = at * 64;
        let mut new = {
            let mut new = 0;
            let number_of = direct.getter();
            if word == !0 {
                for (bit, (key, group)) in
                    keys[first..first + 64].iter().zip(&mut groups[first..first + 64]).enumerate()
                {
                    let number = number_of(*key);
                    *group = number.wrapping_sub(1);
                    new |= u64::from(number == 0) << bit;
                }
            } else {
                bitmap::for_each(&[word], |bit| {
                    let number = number_of(keys[first + bit]);
                    groups[first + bit] = number.wrapping_sub(1);
                    new |= u64::from(number == 0) << bit;
                });
            }
            new
        };
        while new != 0 {
            let row = first + new.trailing_zeros() as usize;
            // It may have come a few rows before.
            let known = direct.get(keys[row]);
            if known > 0 {
                groups[row] = known - 1;
            } else {
                let number = self.keys.len() as u32;
                if !direct.put(keys[row], number, self.keys.len() + left) {
                    return false;
                }
                self.keys.push(keys[row]);
                groups[row] = number;
            }
            new &= new - 1;
        }
        true
    }

    /// From now on keys are hashed.
    #[cold]
    fn hash_all(&mut self) {
        self.direct = None;
        self.places = Places::with_room_for((self.keys.len() * 2).max(1024), 1);
        for (number, key) in (0..).zip(self.keys.iter()) {
            self.places.find_or_put(self.places.slot(hash_word(*key)), *key, number, |entry| entry.key == *key);
        }
    }

    /// The groups of the selected rows, from a row on.
    fn group_by_hash(&mut self, keys: &[u64], selection: &[u64], from: usize, groups: &mut [u32]) {
        let (keys, groups) = (&keys[from..], &mut groups[from..]);
        self.places.reserve(bitmap::count(selection), |entry| hash_word(entry.key));
        let (places, known) = (&mut self.places, &mut self.keys);
        let mut put = |slot: usize, row: usize, places: &mut Places| {
            let (key, new) = (keys[row], known.len() as u32);
            let number = places.find_or_put(slot, key, new, |entry| entry.key == key);
            if number == new {
                known.push(key);
            }
            groups[row] = number;
        };
        if !places.is_large() {
            bitmap::for_each(selection, |row| put(places.slot(hash_word(keys[row])), row, places));
            return;
        }
        for (at, &word) in selection.iter().enumerate() {
            bitmap::for_each(&[word], |bit| prefetch(&places.entries[places.slot(hash_word(keys[at * 64 + bit]))]));
            bitmap::for_each(&[word], |bit| {
                let row = at * 64 + bit;
                put(places.slot(hash_word(keys[row])), row, places);
            });
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let direct = self.direct.as_ref().map_or(0, Direct::memory_bytes);
        direct + self.places.entries.memory_bytes() + self.keys.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::CHUNK_ROWS;
    use std::collections::BTreeMap;

    #[test]
    fn groups_are_numbered_as_they_come() {
        let count = if cfg!(miri) { 2000 } else { 200_000 };
        // Few, many, far from each other; far from each other from some row on; close together, around zero.
        let words: [fn(u64) -> u64; 6] = [
            |n| hash_word(n) % 10,
            |n| hash_word(n) % 1000,
            |n| hash_word(n) % (1 << 40),
            |n| if n < 2000 { n % 700 } else { hash_word(n) % (1 << 40) },
            |n| (n / 3).wrapping_sub(hash_word(n) % 900),
            |_| 1 << 63,
        ];
        for word in words {
            let keys: Vec<u64> = (0..count).map(word).collect();
            let mut words = WordGroups::default();
            let mut expected: BTreeMap<u64, u32> = BTreeMap::new();
            for keys in keys.chunks(CHUNK_ROWS) {
                let mut selection = [0; CHUNK_ROWS / 64];
                bitmap::fill(&mut selection, keys.len());
                selection[0] &= 0xf0f0_f0f0_f0f0_f0f0;
                let mut by_word = vec![0; keys.len()];
                words.group(keys, &selection, &mut by_word);
                bitmap::for_each(&selection, |row| {
                    let new = expected.len() as u32;
                    let group = *expected.entry(keys[row]).or_insert(new);
                    assert_eq!(by_word[row], group);
                });
            }
            assert!(expected.iter().all(|(key, group)| words.keys[*group as usize] == *key));
        }
    }
}
