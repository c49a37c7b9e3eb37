//! The different values of a column chunk, numbered in order of first appearance, while they are few enough to be worth it.

use xxhash_rust::xxh3::xxh3_64;

/// Slots of an empty table.
const FIRST_SLOTS: usize = 1 << 10;

/// Numbers by their bits.
pub(super) struct NumberDictionary<T> {
    /// Number of an entry plus one, or zero; their number is a power of two, and more than twice that of entries.
    slots: Vec<u32>,
    pub(super) entries: Vec<T>,
}

impl<T: Copy + Eq + Into<u64>> NumberDictionary<T> {
    /// Numbers the values, if no more than `limit` of them are different.
    pub(super) fn index(values: &[T], limit: usize) -> Option<(Vec<T>, Vec<u32>)> {
        let mut dictionary = Self { slots: vec![0; FIRST_SLOTS], entries: Vec::new() };
        let mut numbers = Vec::with_capacity(values.len());
        for value in values {
            numbers.push(dictionary.number(*value));
            if dictionary.entries.len() > limit {
                return None;
            }
        }
        Some((dictionary.entries, numbers))
    }

    fn number(&mut self, value: T) -> u32 {
        let mut slot = self.slot_of(value);
        loop {
            let number = self.slots[slot];
            if number == 0 {
                break;
            }
            if self.entries[number as usize - 1] == value {
                return number - 1;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.entries.push(value);
        let number = self.entries.len() as u32;
        self.slots[slot] = number;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        number - 1
    }

    fn slot_of(&self, value: T) -> usize {
        // The high bits of a product depend on all bits of its factors.
        let hash = (value.into() ^ (value.into() >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> (64 - self.slots.len().trailing_zeros())) as usize
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 4];
        for at in 0..self.entries.len() {
            let mut slot = self.slot_of(self.entries[at]);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = at as u32 + 1;
        }
    }
}

/// Strings by their bytes.
pub(super) struct StringDictionary<'a> {
    /// Hash, and number of the entry plus one, or zero.
    slots: Vec<(u32, u32)>,
    entries: Vec<&'a [u8]>,
    bytes: usize,
}

impl<'a> StringDictionary<'a> {
    /// Numbers the values, if no more than `limit` of them, and no more than `limit_bytes` of bytes, are different.
    pub(super) fn index(values: &[&'a [u8]], limit: usize, limit_bytes: usize) -> Option<(Vec<&'a [u8]>, Vec<u32>)> {
        let mut dictionary = Self { slots: vec![(0, 0); FIRST_SLOTS], entries: Vec::new(), bytes: 0 };
        let mut numbers = Vec::with_capacity(values.len());
        for value in values {
            numbers.push(dictionary.number(value));
            if dictionary.entries.len() > limit || dictionary.bytes > limit_bytes {
                return None;
            }
        }
        Some((dictionary.entries, numbers))
    }

    fn number(&mut self, value: &'a [u8]) -> u32 {
        let hash = xxh3_64(value) as u32;
        let mut slot = hash as usize & (self.slots.len() - 1);
        loop {
            let (known, number) = self.slots[slot];
            if number == 0 {
                break;
            }
            if known == hash && self.entries[number as usize - 1] == value {
                return number - 1;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.entries.push(value);
        self.bytes += value.len();
        let number = self.entries.len() as u32;
        self.slots[slot] = (hash, number);
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        number - 1
    }

    fn grow(&mut self) {
        let slots = vec![(0, 0); self.slots.len() * 4];
        let old = std::mem::replace(&mut self.slots, slots);
        for (hash, number) in old.into_iter().filter(|(_, number)| *number != 0) {
            let mut slot = hash as usize & (self.slots.len() - 1);
            while self.slots[slot].1 != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = (hash, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_by_first_appearance() {
        assert_eq!(NumberDictionary::index(&[7_u64, 3, 7, 7, 0], 3), Some((vec![7, 3, 0], vec![0, 1, 0, 0, 2])));
        assert_eq!(NumberDictionary::index(&[7_u64, 3, 7, 7, 0], 2), None);
        let values: [&[u8]; 4] = [b"b", b"", b"b", b"a"];
        let (entries, numbers) = StringDictionary::index(&values, 3, 100).unwrap();
        assert_eq!((entries, numbers), (vec![&b"b"[..], b"", b"a"], vec![0, 1, 0, 2]));
        assert_eq!(StringDictionary::index(&values, 3, 1), None);
    }

    #[test]
    fn tables_grow() {
        let values: Vec<u32> = (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
        let (entries, numbers) = NumberDictionary::index(&values, usize::MAX).unwrap();
        assert!(entries == values && numbers == (0..100_000).collect::<Vec<u32>>());
        let texts: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let (entries, numbers) = StringDictionary::index(&texts, usize::MAX, usize::MAX).unwrap();
        assert!(entries == texts && numbers == (0..10_000).collect::<Vec<u32>>());
    }
}
