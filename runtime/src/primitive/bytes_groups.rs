//! Groups by a key of bytes, numbered in the order they came.
//!
//! A line of the table is a line of the cache: four keys, [packed](super::packed), and their numbers. A key's hash chooses the
//! line, whose places are filled in order. Sixty-four rows at a time are first looked for in their lines, all places of a line
//! at once, without a branch that depends on the data: most are found, and their misses in the caches overlap. What is left
//! goes its way one by one, in row order, from line to line.

use super::bitmap;
use super::compress::Level;
use super::hash_table::{NONE, prefetch};
use super::memory::{Buf, Plain, Str, StrArena};
use super::packed::Packed;

/// Places of a line.
const PLACES: usize = 4;

/// Keys, and their numbers plus one; zero is free. The higher words of keys have 32 bits.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line {
    low: [u64; PLACES],
    high: [u32; PLACES],
    number: [u32; PLACES],
}

const _: () = assert!(size_of::<Line>() == 64);

// SAFETY: numbers, without padding.
unsafe impl Plain for Line {}

/// The table.
#[derive(Debug)]
pub(crate) struct BytesGroups {
    /// A power of two, at most five eighths of their places used.
    lines: Buf<Line>,
    /// A line is the hash shifted by this.
    shift: u32,
    level: Level,
    /// By number.
    pub(crate) keys: Buf<Str>,
    bytes: StrArena,
}

const FIRST_LINES_LOG2: u32 = 8;

/// Tables above this many bytes are prefetched.
#[cfg(target_arch = "x86_64")]
const PREFETCH_FROM: usize = 256 << 10;

/// Fewer selected rows of 64 go one by one.
const FEW_ROWS: u32 = 12;

impl Default for BytesGroups {
    fn default() -> Self {
        Self {
            lines: Buf::zeroed(1 << FIRST_LINES_LOG2),
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
        match self.level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was seen on this processor.
            Level::Avx512 => unsafe { in_512::find(&self.lines, self.shift, packed, found) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => find_portable(&self.lines, self.shift, packed, found),
            Level::Portable => find_portable(&self.lines, self.shift, packed, found),
        }
    }

    #[inline]
    fn find_or_put(&mut self, packed: Packed, key: impl Fn() -> Str) -> u32 {
        let last = self.lines.len() - 1;
        let mut at = (packed.hash() >> self.shift) as usize;
        loop {
            let line = &self.lines[at & last];
            for place in 0..PLACES {
                let Some(number) = line.number[place].checked_sub(1) else {
                    return self.put(at & last, place, packed, key());
                };
                if line.low[place] == packed.low
                    && line.high[place] == packed.high as u32
                    && (!packed.is_long() || self.keys[number as usize].bytes() == key().bytes())
                {
                    return number;
                }
            }
            at += 1;
        }
    }

    fn put(&mut self, line: usize, place: usize, packed: Packed, key: Str) -> u32 {
        let number = self.keys.len() as u32;
        self.lines[line].fill(place, packed.low, packed.high as u32, number + 1);
        let key = self.bytes.copy(key);
        self.keys.push(key);
        number
    }

    /// Makes room for more keys, so that the table never becomes fuller than it may be.
    fn reserve(&mut self, more: usize) {
        let used = self.keys.len();
        if (used + more) * 8 <= self.lines.len() * PLACES * 5 {
            return;
        }
        let places = ((used + more).max(used * 2) * 8 / 5 + 1).next_power_of_two();
        let lines = places / PLACES;
        let before = std::mem::replace(&mut self.lines, Buf::zeroed(lines));
        self.shift = 64 - lines.trailing_zeros();
        for line in before.iter() {
            for place in (0..PLACES).filter(|place| line.number[*place] != 0) {
                let (low, high, number) = (line.low[place], line.high[place], line.number[place]);
                let mut at = (Packed { low, high: high.into() }.hash() >> self.shift) as usize;
                loop {
                    let line = &mut self.lines[at & (lines - 1)];
                    if let Some(free) = line.number.iter().position(|number| *number == 0) {
                        line.fill(free, low, high, number);
                        break;
                    }
                    at += 1;
                }
            }
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.lines.memory_bytes() + self.keys.memory_bytes() + self.bytes.memory_bytes()
    }
}

impl Line {
    fn fill(&mut self, place: usize, low: u64, high: u32, number: u32) {
        self.low[place] = low;
        self.high[place] = high;
        self.number[place] = number;
    }

    /// The number plus one of a key that is in it, or zero.
    #[inline]
    fn number_of(&self, key: Packed) -> u32 {
        // At most one is like it, and free ones have the number zero.
        (0..PLACES).fold(0, |all, place| {
            let is_like = (self.low[place] == key.low) & (self.high[place] == key.high as u32);
            all | if is_like { self.number[place] } else { 0 }
        })
    }
}

/// Looks for 64 keys in their lines.
fn find_portable(lines: &[Line], shift: u32, packed: &[Packed; 64], found: &mut [u32; 64]) -> u64 {
    let (shift, last) = (shift & 63, lines.len() - 1);
    let mut places = [0u32; 64];
    for (place, key) in places.iter_mut().zip(packed) {
        *place = (key.hash() >> shift) as u32;
        prefetch(&lines[*place as usize & last]);
    }
    let mut missed = 0u64;
    for (bit, ((found, &key), place)) in found.iter_mut().zip(packed).zip(places).enumerate() {
        *found = lines[place as usize & last].number_of(key).wrapping_sub(1);
        missed |= u64::from((*found == NONE) | key.is_long()) << bit;
    }
    missed
}

/// The same with vectors of 512 bits.
#[cfg(target_arch = "x86_64")]
mod in_512 {
    use super::super::packed::{FACTORS, LONG_FROM};
    use super::{Line, PREFETCH_FROM, Packed, prefetch};
    use std::arch::x86_64::*;

    /// The lines of 64 keys; gives which keys are long.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
    fn lines_of(packed: &[Packed; 64], shift: u32, places: &mut [u32; 64]) -> u64 {
        let lows = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
        let highs = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
        let [by_low, by_high] = FACTORS.map(|factor| _mm512_set1_epi64(factor as i64));
        let (long_from, shift) = (_mm512_set1_epi64(LONG_FROM as i64), _mm_cvtsi32_si128(shift as i32));
        let mut is_long = 0;
        for (eight, (keys, to)) in packed.as_chunks::<8>().0.iter().zip(places.as_chunks_mut::<8>().0).enumerate() {
            let from = keys.as_ptr().cast::<__m512i>();
            // SAFETY: eight keys are two times 64 bytes.
            let (first, second) = unsafe { (_mm512_loadu_si512(from), _mm512_loadu_si512(from.add(1))) };
            let low = _mm512_permutex2var_epi64(first, lows, second);
            let high = _mm512_permutex2var_epi64(first, highs, second);
            let hash = _mm512_add_epi64(_mm512_mullo_epi64(low, by_low), _mm512_mullo_epi64(high, by_high));
            let line = _mm512_cvtepi64_epi32(_mm512_srl_epi64(hash, shift));
            // SAFETY: eight numbers are 32 bytes.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), line) };
            is_long |= u64::from(_mm512_cmpge_epu64_mask(high, long_from)) << (eight * 8);
        }
        is_long
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
    pub(super) fn find(lines: &[Line], shift: u32, packed: &[Packed; 64], found: &mut [u32; 64]) -> u64 {
        let last = lines.len() - 1;
        let mut places = [0; 64];
        let is_long = lines_of(packed, shift, &mut places);
        if size_of_val(lines) > PREFETCH_FROM {
            places.iter().for_each(|place| prefetch(&lines[*place as usize & last]));
        }
        for ((found, key), place) in found.iter_mut().zip(packed).zip(places) {
            let line = &lines[place as usize & last];
            // SAFETY: four words are 32 bytes, four numbers 16.
            let (low, high, number) = unsafe {
                (
                    _mm256_load_si256(line.low.as_ptr().cast()),
                    _mm_load_si128(line.high.as_ptr().cast()),
                    _mm_load_si128(line.number.as_ptr().cast()),
                )
            };
            let like = _mm256_cmpeq_epi64_mask(low, _mm256_set1_epi64x(key.low as i64));
            let like = _mm_mask_cmpeq_epi32_mask(like, high, _mm_set1_epi32(key.high as i32));
            // The number at the place that is like the key comes to the front.
            *found = _mm_cvtsi128_si32(_mm_maskz_compress_epi32(like, number)) as u32;
        }
        let mut missed = is_long;
        for (at, numbers) in found.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            // SAFETY: sixteen numbers are 64 bytes.
            let plus_one = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
            missed |= u64::from(_mm512_testn_epi32_mask(plus_one, plus_one)) << (at * 16);
            let number = _mm512_sub_epi32(plus_one, _mm512_set1_epi32(1));
            // SAFETY: as above.
            unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), number) };
        }
        missed
    }
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
