//! Which words were seen in which group, each under up to 32 conditions: a set for all groups and conditions together.
//!
//! A place of the table holds a word, its group, and a bit for every condition under which it was seen, so that a row is
//! looked for once, however many conditions it is counted under.

use super::bitmap;
use super::hash::hash_words;
use super::hash_table::{PREFETCH_FROM, prefetch};
use super::memory::{Buf, Plain};

/// A word of a group; no bits: the place is free.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    word: u64,
    group: u32,
    seen: u32,
}

// SAFETY: numbers, without padding between them.
unsafe impl Plain for Entry {}

/// The set. Where a word is depends on the word and on a number that its group has, `salts`: two sets whose groups have the same
/// numbers have their words in the same order, so that adding one to the other goes through both from one end to the other.
#[derive(Debug)]
pub(crate) struct DistinctWords {
    /// A power of two, at most two thirds of them used.
    entries: Buf<Entry>,
    /// A slot is the hash shifted by this.
    shift: u32,
    used: usize,
}

const FIRST_SLOTS_LOG2: u32 = 8;

impl Default for DistinctWords {
    fn default() -> Self {
        Self { entries: Buf::zeroed(1 << FIRST_SLOTS_LOG2), shift: 64 - FIRST_SLOTS_LOG2, used: 0 }
    }
}

impl DistinctWords {
    /// Adds words of the selected rows; `is_new` is told, for a group, of conditions under which a word of it was not seen
    /// before.
    pub(crate) fn add(
        &mut self,
        words: &[u64],
        groups: &[u32],
        seen: &[u32],
        selection: &[u64],
        salts: &[u64],
        mut is_new: impl FnMut(u32, u32),
    ) {
        self.reserve(bitmap::count(selection), salts);
        let is_large = self.entries.len() * size_of::<Entry>() > PREFETCH_FROM / 4;
        let last = self.entries.len() - 1;
        let mut slots = [0u32; 64];
        for (at, &selected) in selection.iter().enumerate() {
            let first = at * 64;
            bitmap::for_each(&[selected], |bit| {
                let row = first + bit;
                slots[bit] = (hash_words(words[row], salts[groups[row] as usize]) >> self.shift) as u32;
                if is_large {
                    prefetch(&self.entries[slots[bit] as usize & last]);
                }
            });
            bitmap::for_each(&[selected], |bit| {
                let (row, mut slot) = (first + bit, slots[bit] as usize);
                let (word, group, now) = (words[row], groups[row], seen[row]);
                loop {
                    let entry = &mut self.entries[slot & last];
                    if entry.seen == 0 {
                        *entry = Entry { word, group, seen: now };
                        self.used += usize::from(now != 0);
                        is_new(group, now);
                        break;
                    }
                    if entry.word == word && entry.group == group {
                        let new = now & !entry.seen;
                        if new != 0 {
                            entry.seen |= new;
                            is_new(group, new);
                        }
                        break;
                    }
                    slot += 1;
                }
            });
        }
    }

    /// As [`add`](Self::add), of words that come once each, and without adding them.
    pub(crate) fn compare(
        &self,
        words: &[u64],
        groups: &[u32],
        seen: &[u32],
        selection: &[u64],
        salts: &[u64],
        mut is_new: impl FnMut(u32, u32),
    ) {
        let last = self.entries.len() - 1;
        bitmap::for_each(selection, |row| {
            let (word, group, now) = (words[row], groups[row], seen[row]);
            let mut slot = (hash_words(word, salts[group as usize]) >> self.shift) as usize;
            loop {
                let entry = &self.entries[slot & last];
                if entry.seen == 0 || (entry.word == word && entry.group == group) {
                    is_new(group, now & !entry.seen);
                    return;
                }
                slot += 1;
            }
        });
    }

    /// Gives all that was seen to `each`, some thousand at a time: words, groups, conditions.
    pub(crate) fn each(&self, mut each: impl FnMut(&[u64], &[u32], &[u32])) {
        const BLOCK: usize = 2048;
        let (mut words, mut groups, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for entries in self.entries.chunks(BLOCK) {
            words.clear();
            groups.clear();
            seen.clear();
            for entry in entries.iter().filter(|entry| entry.seen != 0) {
                words.push(entry.word);
                groups.push(entry.group);
                seen.push(entry.seen);
            }
            each(&words, &groups, &seen);
        }
    }

    /// Words of all groups.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    /// Makes room for more words, so that the table never becomes more than two thirds full.
    pub(crate) fn reserve(&mut self, more: usize, salts: &[u64]) {
        if (self.used + more) * 3 <= self.entries.len() * 2 {
            return;
        }
        let slots = ((self.used + more) * 3 / 2 + 1).max(self.entries.len() * 2).next_power_of_two();
        let before = std::mem::replace(&mut self.entries, Buf::zeroed(slots));
        self.shift = 64 - slots.trailing_zeros();
        for entry in before.iter().filter(|entry| entry.seen != 0) {
            let mut slot = (hash_words(entry.word, salts[entry.group as usize]) >> self.shift) as usize;
            while self.entries[slot].seen != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            self.entries[slot] = *entry;
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash_word;
    use super::*;
    use sabot_abi::CHUNK_ROWS;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_new_once_for_a_group_and_a_condition() {
        let count: usize = if cfg!(miri) { 3000 } else { 200_000 };
        for of in [1, 50, 1 << 40] {
            let words: Vec<u64> = (0..count as u64).map(|n| hash_word(n) % of).collect();
            let groups: Vec<u32> = (0..count as u64).map(|n| hash_word(n + 7) as u32 % 5).collect();
            let seen: Vec<u32> = (0..count as u64).map(|n| hash_word(n + 9) as u32 & 0b101).collect();
            let mut set = DistinctWords::default();
            let salts: Vec<u64> = (0..5).map(hash_word).collect();
            let (mut expected, mut found) = (BTreeSet::new(), Vec::new());
            for start in (0..count).step_by(CHUNK_ROWS) {
                let rows = start..(start + CHUNK_ROWS).min(count);
                let mut selection = [0; CHUNK_ROWS / 64];
                bitmap::fill(&mut selection, rows.len());
                selection[0] &= 0x0ff0_f00f_ffff_f0f0;
                bitmap::for_each(&selection, |row| {
                    let row = start + row;
                    for bit in (0..3).filter(|bit| seen[row] >> bit & 1 != 0) {
                        expected.insert((groups[row], words[row], bit));
                    }
                });
                set.add(&words[rows.clone()], &groups[rows.clone()], &seen[rows], &selection, &salts, |group, new| {
                    found.extend((0..3).filter(|bit| new >> bit & 1 != 0).map(|bit| (group, bit)));
                });
            }
            let mut expected: Vec<(u32, i32)> = expected.into_iter().map(|(group, _, bit)| (group, bit)).collect();
            expected.sort_unstable();
            found.sort_unstable();
            assert!(found == expected, "{} of {}", found.len(), expected.len());
            // Another one takes all over, in the order of their places.
            let mut other = DistinctWords::default();
            other.reserve(set.len(), &salts);
            let mut new = Vec::new();
            set.each(|words, groups, seen| {
                let mut selection = [0; CHUNK_ROWS / 64];
                bitmap::fill(&mut selection, words.len());
                other.add(words, groups, seen, &selection, &salts, |group, bits| {
                    new.extend((0..3).filter(|bit| bits >> bit & 1 != 0).map(|bit| (group, bit)));
                });
            });
            new.sort_unstable();
            assert!(new == expected);
            assert_eq!(other.len(), set.len());
            // Compared with itself there is nothing new, compared with nothing everything.
            for (with, expected) in [(&other, &[][..]), (&DistinctWords::default(), &expected[..])] {
                let mut new = Vec::new();
                set.each(|words, groups, seen| {
                    let mut selection = [0; CHUNK_ROWS / 64];
                    bitmap::fill(&mut selection, words.len());
                    with.compare(words, groups, seen, &selection, &salts, |group, bits| {
                        new.extend((0..3).filter(|bit| bits >> bit & 1 != 0).map(|bit| (group, bit)));
                    });
                });
                new.sort_unstable();
                assert!(new == expected);
            }
        }
    }
}
