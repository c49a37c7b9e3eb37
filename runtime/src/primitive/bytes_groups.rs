//! Groups by a key of bytes, numbered in the order they came.
//!
//! Up to fifteen bytes are two words with their length: they are hashed and compared without a look at where they came from.
//! Longer ones are known by their hash, then by their bytes.

use super::bitmap;
use super::hash::{hash_bytes, hash_words};
use super::hash_table::{PREFETCH_FROM, prefetch};
use super::memory::{Buf, Plain, Str, StrArena};

/// The bytes of a short key, or what stands for a long one; the highest byte is the length, or [`LONG`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
struct Packed {
    low: u64,
    high: u64,
}

/// More bytes than fit.
const LONG: u64 = 0xff;

/// A key and a number plus one; zero is free.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    key: Packed,
    number: u64,
}

// SAFETY: three numbers.
unsafe impl Plain for Entry {}

impl Packed {
    #[inline]
    fn new(bytes: &[u8]) -> Self {
        let eight = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let four = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        let len = bytes.len();
        let (low, high) = match len {
            8 => (eight(0), 0),
            9..=15 => (eight(0), eight(len - 8) >> (8 * (16 - len))),
            4..=7 => (four(0) | four(len - 4) << (8 * (len - 4)), 0),
            0 => (0, 0),
            1..=3 => {
                let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
                (byte(0) | byte(len / 2) | byte(len - 1), 0)
            }
            _ => return Self { low: hash_bytes(bytes), high: LONG << 56 | len as u64 & (!0 >> 8) },
        };
        Self { low, high: high | (len as u64) << 56 }
    }

    #[inline]
    fn is_long(self) -> bool {
        self.high >> 56 == LONG
    }

    #[inline]
    fn hash(self) -> u64 {
        hash_words(self.low, self.high)
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct BytesGroups {
    entries: Buf<Entry>,
    /// A slot is the hash shifted by this.
    shift: u32,
    /// By number.
    pub(crate) keys: Buf<Str>,
    bytes: StrArena,
}

impl Default for BytesGroups {
    fn default() -> Self {
        Self { entries: Buf::zeroed(1 << 11), shift: 64 - 11, keys: Buf::default(), bytes: StrArena::default() }
    }
}

impl BytesGroups {
    /// The groups of the selected rows.
    pub(crate) fn group(&mut self, keys: &[Str], selection: &[u64], groups: &mut [u32]) {
        self.reserve(bitmap::count(selection));
        let is_large = self.entries.len() * size_of::<Entry>() > PREFETCH_FROM;
        let mut packed = [Packed { low: 0, high: 0 }; 64];
        let mut slots = [0usize; 64];
        for (at, &word) in selection.iter().enumerate() {
            bitmap::for_each(&[word], |bit| {
                packed[bit] = Packed::new(keys[at * 64 + bit].bytes());
                slots[bit] = (packed[bit].hash() >> self.shift) as usize;
                if is_large {
                    prefetch(&self.entries[slots[bit]]);
                }
            });
            bitmap::for_each(&[word], |bit| {
                let row = at * 64 + bit;
                groups[row] = self.find_or_put(slots[bit], packed[bit], keys[row]);
            });
        }
    }

    #[inline]
    fn find_or_put(&mut self, mut slot: usize, packed: Packed, key: Str) -> u32 {
        let last = self.entries.len() - 1;
        loop {
            let entry = &self.entries[slot & last];
            if entry.number == 0 {
                return self.put(slot & last, packed, key);
            }
            let number = (entry.number - 1) as u32;
            if entry.key == packed && (!packed.is_long() || self.keys[number as usize].bytes() == key.bytes()) {
                return number;
            }
            slot += 1;
        }
    }

    fn put(&mut self, slot: usize, packed: Packed, key: Str) -> u32 {
        let number = self.keys.len();
        self.entries[slot] = Entry { key: packed, number: number as u64 + 1 };
        let key = self.bytes.copy(key);
        self.keys.push(key);
        number as u32
    }

    /// Makes room for more keys, so that the table never becomes more than 60 percent full.
    fn reserve(&mut self, more: usize) {
        let used = self.keys.len();
        if (used + more) * 5 <= self.entries.len() * 3 {
            return;
        }
        let slots = ((used + more).max(used * 2) * 5 / 3 + 1).next_power_of_two();
        let before = std::mem::replace(&mut self.entries, Buf::zeroed(slots));
        self.shift = 64 - slots.trailing_zeros();
        for entry in before.iter().filter(|entry| entry.number != 0) {
            let mut slot = (entry.key.hash() >> self.shift) as usize;
            while self.entries[slot].number != 0 {
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
    use std::collections::{BTreeMap, BTreeSet};

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

    #[test]
    fn short_keys_are_their_bytes() {
        let mut seen = BTreeSet::new();
        let mut check = |bytes: &[u8]| {
            let packed = Packed::new(bytes);
            assert!(!packed.is_long());
            let mut words = [0; 16];
            words[..8].copy_from_slice(&packed.low.to_le_bytes());
            words[8..].copy_from_slice(&packed.high.to_le_bytes());
            assert_eq!((&words[..bytes.len()], usize::from(words[15])), (bytes, bytes.len()));
            assert!(words[bytes.len()..15].iter().all(|byte| *byte == 0));
            assert!(seen.insert(words), "{bytes:?}");
        };
        for len in 0..=15u8 {
            check(&vec![0; len.into()]);
            if len > 0 {
                check(&(1..=len).map(|at| at * 17).collect::<Vec<u8>>());
            }
        }
        assert!(Packed::new(&[0; 16]).is_long() && Packed::new(&[0; 1000]).is_long());
    }
}
