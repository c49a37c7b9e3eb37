//! Groups by a key of bytes, numbered in the order they came.
//!
//! A place of the table holds a key, [packed](super::packed), and its number; four of them are a line of the cache, which a key's
//! hash chooses, and whose places are filled in order. Sixty-four rows at a time are first looked for in their lines, all
//! places of a line at once, without a branch that depends on the data: most are found, and their misses in the caches
//! overlap. What is left goes its way one by one, in row order, from line to line.

use super::bitmap;
use super::compress::Level;
use super::hash_table::{NONE, prefetch};
use super::memory::{Buf, Str, StrArena};
use super::packed::Packed;

/// The table.
#[derive(Debug)]
pub(crate) struct BytesGroups {
    /// Keys with their numbers plus one; zero is free. A power of two, at most five eighths of them used.
    entries: Buf<Packed>,
    /// A line is the hash shifted by this.
    shift: u32,
    level: Level,
    /// By number.
    pub(crate) keys: Buf<Str>,
    bytes: StrArena,
}

const FIRST_LINES_LOG2: u32 = 8;

/// Places of a line.
const LINE: usize = 4;

/// Fewer selected rows of 64 go one by one.
const FEW_ROWS: u32 = 12;

impl Default for BytesGroups {
    fn default() -> Self {
        Self {
            entries: Buf::zeroed(LINE << FIRST_LINES_LOG2),
            shift: 64 - FIRST_LINES_LOG2,
            level: Level::of_this_machine(),
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

    /// The groups of the selected rows; `pack` gives the packed keys of 64 rows, `key` the key of a row.
    pub(crate) fn group_words(
        &mut self,
        selection: &[u64],
        mut pack: impl FnMut(usize, &mut [Packed; 64]),
        key: impl Fn(usize) -> Str,
        groups: &mut [u32],
    ) {
        self.reserve(bitmap::count(selection));
        let mut packed = [Packed::EMPTY; 64];
        for ((at, &word), groups) in selection.iter().enumerate().zip(groups.chunks_mut(64)) {
            pack(at, &mut packed);
            self.group_word(word, &packed, |bit| key(at * 64 + bit), groups);
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

    /// Looks for 64 keys in their lines; gives which were not found.
    fn find(&self, packed: &[Packed; 64], found: &mut [u32; 64]) -> u64 {
        let (lines, rest) = self.entries.as_chunks::<LINE>();
        debug_assert!(rest.is_empty(), "a table is whole lines");
        match self.level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was seen on this processor.
            Level::Avx512 => unsafe { find_512(lines, self.shift, packed, found) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => find_with(lines, self.shift, packed, found, number_in),
            Level::Portable => find_with(lines, self.shift, packed, found, number_in),
        }
    }

    #[inline]
    fn find_or_put(&mut self, packed: Packed, key: impl Fn() -> Str) -> u32 {
        let last = self.entries.len() - 1;
        let mut slot = (packed.hash() >> self.shift) as usize * LINE;
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

    /// Makes room for more keys, so that the table never becomes fuller than it may be.
    fn reserve(&mut self, more: usize) {
        let used = self.keys.len();
        if (used + more) * 8 <= self.entries.len() * 5 {
            return;
        }
        let slots = ((used + more).max(used * 2) * 8 / 5 + 1).next_power_of_two();
        let before = std::mem::replace(&mut self.entries, Buf::zeroed(slots));
        self.shift = 64 - (slots / LINE).trailing_zeros();
        for entry in before.iter().filter(|entry| entry.number() != 0) {
            let mut slot = (entry.key().hash() >> self.shift) as usize * LINE;
            while self.entries[slot & (slots - 1)].number() != 0 {
                slot += 1;
            }
            self.entries[slot & (slots - 1)] = *entry;
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.memory_bytes() + self.keys.memory_bytes() + self.bytes.memory_bytes()
    }
}

/// Looks for 64 keys in their lines; `number_in` gives the number plus one of a key in a line, or zero.
#[inline(always)]
fn find_with(
    lines: &[[Packed; LINE]],
    shift: u32,
    packed: &[Packed; 64],
    found: &mut [u32; 64],
    number_in: impl Fn(&[Packed; LINE], Packed) -> u32,
) -> u64 {
    let (shift, last) = (shift & 63, lines.len() - 1);
    let mut places = [0u32; 64];
    for (place, key) in places.iter_mut().zip(packed) {
        *place = (key.hash() >> shift) as u32;
        prefetch(&lines[*place as usize & last]);
    }
    let (mut least, mut is_long) = (u32::MAX, false);
    for ((found, &key), place) in found.iter_mut().zip(packed).zip(places) {
        let number = number_in(&lines[place as usize & last], key);
        *found = number.wrapping_sub(1);
        least = least.min(number);
        is_long |= key.is_long();
    }
    if least > 0 && !is_long {
        return 0;
    }
    let mut missed = 0u64;
    for (bit, (found, key)) in found.iter().zip(packed).enumerate() {
        missed |= u64::from((*found == NONE) | key.is_long()) << bit;
    }
    missed
}

#[inline(always)]
fn number_in(line: &[Packed; LINE], key: Packed) -> u32 {
    // At most one is like it, and free ones have the number zero.
    line.iter().map(|entry| if entry.is_like(key) { entry.number() } else { 0 }).fold(0, |all, number| all | number)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,bmi1,bmi2")]
fn find_512(lines: &[[Packed; LINE]], shift: u32, packed: &[Packed; 64], found: &mut [u32; 64]) -> u64 {
    use std::arch::x86_64::{_mm_loadu_si128, _mm512_broadcast_i32x4, _mm512_cmpeq_epi32_mask, _mm512_loadu_si512};
    find_with(lines, shift, packed, found, |line, key| {
        // SAFETY: a line is 64 bytes, a key 16.
        let (all, one) = unsafe {
            (_mm512_loadu_si512(std::ptr::from_ref(line).cast()), _mm_loadu_si128(std::ptr::from_ref(&key).cast()))
        };
        // Of four 32-bit numbers of an entry the last is not part of the key.
        let like = u32::from(_mm512_cmpeq_epi32_mask(all, _mm512_broadcast_i32x4(one)));
        let whole = like & like >> 1 & like >> 2 & 0x1111;
        let entry = line[(whole.trailing_zeros() / 4) as usize & (LINE - 1)];
        entry.number() * u32::from(whole != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash_word;
    use super::*;
    use sabot_abi::CHUNK_ROWS;
    use std::collections::BTreeMap;

    #[test]
    fn an_empty_key_is_a_key() {
        let mut groups = BytesGroups::default();
        for (round, texts) in [["", "b"], ["b", ""], ["", "c"]].iter().enumerate() {
            let keys: Vec<Str> = (0..64).map(|row| Str::new(texts[row / 32].as_bytes())).collect();
            let mut numbers = [0; 64];
            groups.group(&keys, &[!0], &mut numbers);
            let expected = [[0, 1], [1, 0], [0, 2]][round];
            assert!((0..64).all(|row| numbers[row] == expected[row / 32]), "{round}: {numbers:?}");
        }
    }

    #[test]
    fn groups_are_numbered_as_they_come() {
        let count = if cfg!(miri) { 2000 } else { 100_000 };
        let portable = Level::Portable;
        let cases = [(1, ""), (10, ""), (1000, "a longer key than fits "), (1 << 40, ""), (1 << 30, "0123456")];
        for ((of, prefix), level) in
            cases.into_iter().flat_map(|case| [(case, portable), (case, Level::of_this_machine())])
        {
            // One of them is empty.
            let text = |n: u64| if n == 0 { String::new() } else { format!("{prefix}{n}") };
            let texts: Vec<String> = (0..count).map(|n| text(hash_word(n) % of)).collect();
            let mut groups = BytesGroups { level, ..BytesGroups::default() };
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
