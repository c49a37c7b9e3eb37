//! The different values of a column chunk, numbered in order of first appearance, while they are few enough to be worth it.

/// Strings that are looked up together.
const AT_ONCE: usize = 32;

/// Slots of an empty table.
const FIRST_SLOTS: usize = 1 << 10;

/// Numbers by their bits.
pub(super) struct NumberDictionary<T> {
    /// Number of an entry plus one, or zero; their number is a power of two, and more than four times that of entries.
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
        if self.entries.len() * 4 > self.slots.len() {
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

/// Numbers the values by how far they are from the least one, which is at most `range`: a table without a search.
pub(super) fn index_near<T: Copy>(
    values: &[T],
    distance: impl Fn(T) -> usize,
    range: usize,
    limit: usize,
) -> Option<(Vec<T>, Vec<u32>)> {
    // Number of an entry plus one, or zero.
    let mut table = vec![0_u32; range + 1];
    let mut entries = Vec::new();
    let mut numbers = Vec::with_capacity(values.len());
    for value in values {
        let number = &mut table[distance(*value)];
        if *number == 0 {
            if entries.len() == limit {
                return None;
            }
            entries.push(*value);
            *number = entries.len() as u32;
        }
        numbers.push(*number - 1);
    }
    Some((entries, numbers))
}

/// Strings by their bytes. The bytes of entries stand close together, not where they came from: most lookups then stay in the
/// second level of the cache.
pub(super) struct StringDictionary {
    /// Hash, and number of the entry plus one, or zero.
    slots: Vec<(u32, u32)>,
    /// Where each entry starts, and where the last one ends.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

impl StringDictionary {
    /// Numbers the values, if no more than `limit` of them, and no more than `limit_bytes` of bytes, are different.
    pub(super) fn index(values: &[&[u8]], limit: usize, limit_bytes: u32) -> Option<(Self, Vec<u32>)> {
        let mut dictionary = Self { slots: vec![(0, 0); FIRST_SLOTS], starts: vec![0], bytes: Vec::new() };
        let mut numbers = Vec::with_capacity(values.len());
        for values in values.chunks(AT_ONCE) {
            // Step by step for all of them: the cache misses of one step then do not wait for each other.
            let mut hashes = [0; AT_ONCE];
            let mut candidates = [(0, 0); AT_ONCE];
            for (hash, value) in hashes.iter_mut().zip(values) {
                *hash = hash_of(value);
            }
            for (candidate, hash) in candidates.iter_mut().zip(&hashes) {
                *candidate = dictionary.slots[*hash as usize & (dictionary.slots.len() - 1)];
            }
            for ((value, hash), (known, number)) in values.iter().zip(hashes).zip(candidates) {
                if number != 0 && known == hash && is_same(dictionary.entry(number as usize - 1), value) {
                    numbers.push(number - 1);
                    continue;
                }
                if dictionary.bytes.len() + value.len() > limit_bytes as usize {
                    return None;
                }
                numbers.push(dictionary.number(value, hash));
                if dictionary.len() > limit {
                    return None;
                }
            }
        }
        Some((dictionary, numbers))
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The entries in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.entry(number))
    }

    fn entry(&self, number: usize) -> &[u8] {
        &self.bytes[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    fn number(&mut self, value: &[u8], hash: u32) -> u32 {
        let mut slot = hash as usize & (self.slots.len() - 1);
        loop {
            let (known, number) = self.slots[slot];
            if number == 0 {
                break;
            }
            if known == hash && is_same(self.entry(number as usize - 1), value) {
                return number - 1;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.bytes.extend_from_slice(value);
        self.starts.push(self.bytes.len() as u32);
        let number = self.len() as u32;
        self.slots[slot] = (hash, number);
        if self.len() * 2 > self.slots.len() {
            self.grow();
        }
        number - 1
    }

    fn grow(&mut self) {
        let slots = vec![(0, 0); self.slots.len() * 2];
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

/// Eight bytes from there on; there are as many.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes)
}

/// Up to seven bytes: each of them, and nothing else, decides the word.
fn short_word(bytes: &[u8]) -> u64 {
    let half = |at: usize| bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
    let byte = |at: usize| u64::from(bytes[at]);
    match bytes.len() {
        0 => 0,
        length @ 1..=3 => byte(0) | byte(length / 2) << 8 | byte(length - 1) << 16,
        length => u64::from(half(0)) | u64::from(half(length - 4)) << 32,
    }
}

/// A hash for strings that are mostly short, read in words that may overlap.
fn hash_of(bytes: &[u8]) -> u32 {
    let fold = |left: u64, right: u64| {
        let product = u128::from(left) * u128::from(right);
        product as u64 ^ (product >> 64) as u64
    };
    let length = bytes.len();
    let mut state = 0x2d35_8dcc_aa6c_78a5 ^ length as u64;
    if length < 8 {
        state = fold(state ^ short_word(bytes), 0x8bb8_4b93_962e_acc9);
    } else {
        for at in (0..length - 8).step_by(8) {
            state = fold(state ^ word(bytes, at), 0x8bb8_4b93_962e_acc9);
        }
        state = fold(state ^ word(bytes, length - 8), 0x4b33_a62e_d433_d4a3);
    }
    (state ^ (state >> 32)) as u32
}

/// Equality without a call: most strings are a few words long.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let length = left.len();
    if length != right.len() {
        return false;
    }
    if length < 8 {
        return short_word(left) == short_word(right);
    }
    if length > 64 {
        return left == right;
    }
    (0..length - 8).step_by(8).all(|at| word(left, at) == word(right, at))
        && word(left, length - 8) == word(right, length - 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_by_first_appearance() {
        assert_eq!(NumberDictionary::index(&[7_u64, 3, 7, 7, 0], 3), Some((vec![7, 3, 0], vec![0, 1, 0, 0, 2])));
        assert_eq!(NumberDictionary::index(&[7_u64, 3, 7, 7, 0], 2), None);
        let values: [&[u8]; 4] = [b"b", b"", b"b", b"a"];
        let (dictionary, numbers) = StringDictionary::index(&values, 3, 100).unwrap();
        assert_eq!(dictionary.entries().collect::<Vec<_>>(), [&b"b"[..], b"", b"a"]);
        assert_eq!(numbers, [0, 1, 0, 2]);
        assert!(StringDictionary::index(&values, 3, 1).is_none());
    }

    #[test]
    fn near_values_are_numbered_like_others() {
        let values = [7_u64, 3, 7, 7, 4];
        let near = |limit| index_near(&values, |value| value as usize - 3, 4, limit);
        assert_eq!(near(3), NumberDictionary::index(&values, 3));
        assert_eq!(near(2), None);
    }

    #[test]
    fn strings_differ_in_any_byte() {
        let text: Vec<u8> = (0..100).collect();
        for length in 0..100 {
            assert!(is_same(&text[..length], &text[..length]));
            assert!(!is_same(&text[..length], &text[..length + 1]));
            for at in 0..length {
                let mut other = text[..length].to_vec();
                other[at] ^= 0x80;
                assert!(!is_same(&text[..length], &other) && hash_of(&text[..length]) != hash_of(&other));
            }
        }
    }

    #[test]
    fn tables_grow() {
        let values: Vec<u32> = (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
        let (entries, numbers) = NumberDictionary::index(&values, usize::MAX).unwrap();
        assert!(entries == values && numbers == (0..100_000).collect::<Vec<u32>>());
        let texts: Vec<String> = (0..10_000).map(|n| format!("{n}").repeat(1 + n % 20)).collect();
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let (dictionary, numbers) = StringDictionary::index(&texts, usize::MAX, u32::MAX).unwrap();
        assert!(dictionary.entries().eq(texts.iter().copied()) && dictionary.len() == 10_000);
        assert!(numbers == (0..10_000).collect::<Vec<u32>>());
    }
}
