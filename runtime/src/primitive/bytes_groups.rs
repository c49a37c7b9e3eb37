//! Groups by a key of bytes, numbered in the order they came.
//!
//! A place of the table holds a key, [packed](super::packed), and its number. Sixty-four rows at a time are first looked for
//! in two places each, without a branch that depends on the data: most are found, and their misses in the caches overlap.
//! What is left goes its way one by one, in row order.

use super::bitmap;
use super::hash_table::prefetch;
use super::memory::{Buf, Str, StrArena};
use super::packed::Packed;

/// The table.
#[derive(Debug)]
pub(crate) struct BytesGroups {
    /// Keys with their numbers plus one; zero is free. A power of two, at most half of them used.
    entries: Buf<Packed>,
    /// A slot is the hash shifted by this.
    shift: u32,
    /// By number.
    pub(crate) keys: Buf<Str>,
    bytes: StrArena,
}

const FIRST_SLOTS_LOG2: u32 = 11;

/// Fewer selected rows of 64 go one by one.
const FEW_ROWS: u32 = 12;

impl Default for BytesGroups {
    fn default() -> Self {
        Self {
            entries: Buf::zeroed(1 << FIRST_SLOTS_LOG2),
            shift: 64 - FIRST_SLOTS_LOG2,
            keys: Buf::default(),
            bytes: StrArena::default(),
        }
    }
}

impl BytesGroups {
    /// The groups of the selected rows.
    pub(crate) fn group(&mut self, keys: &[Str], selection: &[u64], groups: &mut [u32]) {
        self.reserve(bitmap::count(selection));
        let mut packed = [Packed::EMPTY; 64];
        for ((at, &word), groups) in selection.iter().enumerate().zip(groups.chunks_mut(64)) {
            bitmap::for_each(&[word], |bit| packed[bit] = Packed::new(keys[at * 64 + bit].bytes()));
            self.group_word(word, &packed, |bit| keys[at * 64 + bit], groups);
        }
    }

    /// The groups of the selected rows, whose keys are packed; `key` gives the key of a row.
    pub(crate) fn group_packed(
        &mut self,
        packed: &[Packed],
        key: impl Fn(usize) -> Str,
        selection: &[u64],
        groups: &mut [u32],
    ) {
        self.reserve(bitmap::count(selection));
        let words = selection.iter().zip(packed.chunks(64)).zip(groups.chunks_mut(64));
        for (at, ((&word, packed), groups)) in words.enumerate() {
            if let Ok(packed) = packed.try_into() {
                self.group_word(word, packed, |bit| key(at * 64 + bit), groups);
            } else {
                let mut padded = [Packed::EMPTY; 64];
                padded[..packed.len()].copy_from_slice(packed);
                self.group_word(word, &padded, |bit| key(at * 64 + bit), groups);
            }
        }
    }

    /// The group of one key.
    pub(crate) fn group_one(&mut self, key: Str) -> u32 {
        self.reserve(1);
        self.find_or_put(Packed::new(key.bytes()), || key)
    }

    /// The groups of the selected of 64 rows.
    #[inline]
    fn group_word(&mut self, word: u64, packed: &[Packed; 64], key: impl Fn(usize) -> Str, groups: &mut [u32]) {
        if word.count_ones() <= FEW_ROWS {
            bitmap::for_each(&[word], |bit| groups[bit] = self.find_or_put(packed[bit], || key(bit)));
            return;
        }
        let missed = if let (u64::MAX, Ok(groups)) = (word, <&mut [u32; 64]>::try_from(&mut *groups)) {
            self.find(packed, groups)
        } else {
            let mut found = [0; 64];
            let missed = self.find(packed, &mut found);
            bitmap::for_each(&[word], |bit| groups[bit] = found[bit]);
            missed & word
        };
        bitmap::for_each(&[missed], |bit| groups[bit] = self.find_or_put(packed[bit], || key(bit)));
    }

    /// Looks for 64 keys in the first two places where each may be; gives which were not found.
    fn find(&self, packed: &[Packed; 64], found: &mut [u32; 64]) -> u64 {
        let (entries, shift) = (&self.entries[..], self.shift & 63);
        let last = entries.len() - 1;
        let mut slots = [0u32; 64];
        for (slot, key) in slots.iter_mut().zip(packed) {
            *slot = (key.hash() >> shift) as u32;
            prefetch(&entries[*slot as usize & last]);
        }
        let mut missed = 0u64;
        for (bit, ((found, &key), slot)) in found.iter_mut().zip(packed).zip(slots).enumerate() {
            let slot = slot as usize;
            let (here, next) = (entries[slot & last], entries[(slot + 1) & last]);
            let (is_here, is_next) = (here.is_like(key), next.is_like(key));
            *found = (if is_here { here } else { next }).number().wrapping_sub(1);
            missed |= u64::from(!(is_here | is_next) | key.is_long()) << bit;
        }
        missed
    }

    #[inline]
    fn find_or_put(&mut self, packed: Packed, key: impl Fn() -> Str) -> u32 {
        let last = self.entries.len() - 1;
        let mut slot = (packed.hash() >> self.shift) as usize;
        loop {
            let entry = self.entries[slot & last];
            let Some(number) = entry.number().checked_sub(1) else {
                return self.put(slot & last, packed, key());
            };
            if entry.is_like(packed) && (!packed.is_long() || self.keys[number as usize].bytes() == key().bytes()) {
                return number;
            }
            slot += 1;
        }
    }

    fn put(&mut self, slot: usize, packed: Packed, key: Str) -> u32 {
        let number = self.keys.len() as u32;
        self.entries[slot] = packed.with_number(number + 1);
        let key = self.bytes.copy(key);
        self.keys.push(key);
        number
    }

    /// Makes room for more keys, so that the table never becomes more than half full.
    fn reserve(&mut self, more: usize) {
        let used = self.keys.len();
        if (used + more) * 2 <= self.entries.len() {
            return;
        }
        let slots = ((used + more).max(used * 2) * 2).next_power_of_two();
        let before = std::mem::replace(&mut self.entries, Buf::zeroed(slots));
        self.shift = 64 - slots.trailing_zeros();
        for entry in before.iter().filter(|entry| entry.number() != 0) {
            let mut slot = (entry.key().hash() >> self.shift) as usize;
            while self.entries[slot].number() != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            self.entries[slot] = *entry;
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.memory_bytes() + self.keys.memory_bytes() + self.bytes.memory_bytes()
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
        let count = if cfg!(miri) { 2000 } else { 100_000 };
        for (of, prefix) in [(1, ""), (10, ""), (1000, "a longer key than fits "), (1 << 40, ""), (1 << 30, "0123456")]
        {
            let texts: Vec<String> = (0..count).map(|n| format!("{prefix}{}", hash_word(n) % of)).collect();
            let mut groups = BytesGroups::default();
            let mut expected: BTreeMap<&str, u32> = BTreeMap::new();
            for texts in texts.chunks(CHUNK_ROWS) {
                let mut selection = [0; CHUNK_ROWS / 64];
                bitmap::fill(&mut selection, texts.len());
                selection[0] &= 0xf0f0_f0f0_f0f0_f0f0;
                let strs: Vec<Str> = texts.iter().map(|text| Str::new(text.as_bytes())).collect();
                let mut numbers = vec![0; texts.len()];
                groups.group(&strs, &selection, &mut numbers);
                bitmap::for_each(&selection, |row| {
                    let new = expected.len() as u32;
                    assert_eq!(numbers[row], *expected.entry(&texts[row]).or_insert(new));
                });
            }
            assert!(expected.iter().all(|(key, group)| groups.keys[*group as usize].bytes() == key.as_bytes()));
        }
    }
}
