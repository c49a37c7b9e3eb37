//! Groups by a key of two words, numbered in the order they came.
//!
//! A place of the table holds a number and some bits of the key's hash; the keys lie by number. Of a large table 64 rows at a
//! time are looked for in steps, so that their misses in the caches overlap.

use super::bitmap;
use super::hash::hash_words;
use super::hash_table::{PREFETCH_FROM, prefetch};
use super::memory::Buf;

/// The table.
#[derive(Debug)]
pub(crate) struct WideGroups {
    /// The low half of a hash, then the number plus one in the low half; zero is free. A power of two, at most half of them
    /// used.
    entries: Buf<u64>,
    /// A slot is the hash shifted by this.
    shift: u32,
    /// By number.
    pub(crate) keys: Buf<u128>,
}

const FIRST_SLOTS_LOG2: u32 = 10;

impl Default for WideGroups {
    fn default() -> Self {
        Self { entries: Buf::zeroed(1 << FIRST_SLOTS_LOG2), shift: 64 - FIRST_SLOTS_LOG2, keys: Buf::default() }
    }
}

/// Hash of such a key.
#[inline]
pub(crate) fn hash_wide(key: u128) -> u64 {
    hash_words(key as u64, (key >> 64) as u64)
}

/// The number of an entry, if it is not free.
#[inline]
fn number_of(entry: u64) -> Option<u32> {
    (entry as u32).checked_sub(1)
}

impl WideGroups {
    /// The groups of the selected rows.
    pub(crate) fn group(&mut self, keys: &[u128], selection: &[u64], groups: &mut [u32]) {
        self.reserve(bitmap::count(selection));
        let is_large = self.entries.len() * size_of::<u64>() > PREFETCH_FROM / 4;
        let mut hashes = [0u64; 64];
        for (at, &word) in selection.iter().enumerate() {
            let first = at * 64;
            bitmap::for_each(&[word], |bit| {
                hashes[bit] = hash_wide(keys[first + bit]);
                if is_large {
                    prefetch(&self.entries[(hashes[bit] >> self.shift) as usize]);
                }
            });
            if is_large {
                bitmap::for_each(&[word], |bit| {
                    if let Some(number) = number_of(self.entries[(hashes[bit] >> self.shift) as usize]) {
                        prefetch(&self.keys[number as usize]);
                    }
                });
            }
            bitmap::for_each(&[word], |bit| groups[first + bit] = self.find_or_put(hashes[bit], keys[first + bit]));
        }
    }

    #[inline]
    fn find_or_put(&mut self, hash: u64, key: u128) -> u32 {
        let last = self.entries.len() - 1;
        let mut slot = (hash >> self.shift) as usize;
        loop {
            let entry = self.entries[slot & last];
            let Some(number) = number_of(entry) else {
                let number = self.keys.len() as u32;
                self.entries[slot & last] = hash << 32 | u64::from(number + 1);
                self.keys.push(key);
                return number;
            };
            if (entry >> 32) as u32 == hash as u32 && self.keys[number as usize] == key {
                return number;
            }
            slot += 1;
        }
    }

    /// Makes room for more keys, so that the table never becomes more than half full.
    fn reserve(&mut self, more: usize) {
        let used = self.keys.len();
        if (used + more) * 2 <= self.entries.len() {
            return;
        }
        let slots = ((used + more).max(used * 2) * 2).next_power_of_two();
        self.entries = Buf::zeroed(slots);
        self.shift = 64 - slots.trailing_zeros();
        for (number, key) in (1u64..).zip(self.keys.iter()) {
            let hash = hash_wide(*key);
            let mut slot = (hash >> self.shift) as usize;
            while self.entries[slot] != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            self.entries[slot] = hash << 32 | number;
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.memory_bytes() + self.keys.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash_word;
    use super::*;
    use sabot_abi::CHUNK_ROWS;
    use std::collections::BTreeMap;

    #[test]
    fn groups_are_numbered_as_they_come() {
        let count = if cfg!(miri) { 2000 } else { 200_000 };
        for of in [1, 10, 1000, 1 << 40] {
            let key = |n: u64| u128::from(hash_word(n) % of) << 64 | u128::from(n % 3);
            let keys: Vec<u128> = (0..count).map(key).collect();
            let mut groups = WideGroups::default();
            let mut expected: BTreeMap<u128, u32> = BTreeMap::new();
            for keys in keys.chunks(CHUNK_ROWS) {
                let mut selection = [0; CHUNK_ROWS / 64];
                bitmap::fill(&mut selection, keys.len());
                selection[0] &= 0xf0f0_f0f0_f0f0_f0f0;
                let mut numbers = vec![0; keys.len()];
                groups.group(keys, &selection, &mut numbers);
                bitmap::for_each(&selection, |row| {
                    let new = expected.len() as u32;
                    assert_eq!(numbers[row], *expected.entry(keys[row]).or_insert(new));
                });
            }
            assert!(expected.iter().all(|(key, group)| groups.keys[*group as usize] == *key));
        }
    }
}
