//! Rows in the order in which they come out.
//!
//! What they are sorted by mostly differs in few bits, which fit into a word: words are sorted digit by digit, each thread those of its
//! share of all words. What does not fit is compared.

use super::merge::in_threads;

/// A row that comes out, by what it is sorted by: its rank, and its place in the input: that of the morsel, then of the row in it.
pub(super) type Place = (u128, u64, u32);

/// Rows below which sorting by comparison is faster.
const RADIX_FROM: usize = if cfg!(debug_assertions) { 1 << 6 } else { 1 << 12 };

/// Bits that are sorted at once, at most: as many places are written to in turns.
const DIGIT_BITS: u32 = 11;

/// The rows of all lists in order.
pub(super) fn in_order(mut lists: Vec<Vec<Place>>) -> Vec<u32> {
    if let Some(packing) = Packing::of(&lists) {
        return packing.in_order(&lists);
    }
    let sorting: Vec<std::sync::Mutex<&mut Vec<Place>>> = lists.iter_mut().map(std::sync::Mutex::new).collect();
    in_threads(sorting.len(), |number| {
        sorting[number].lock().unwrap_or_else(std::sync::PoisonError::into_inner).sort_unstable();
    });
    merged(&lists)
}

/// How rank and place become one word that compares as they do.
#[derive(Clone, Copy, Debug)]
struct Packing {
    /// Bits of the rank that are the same everywhere, below those that are not.
    rank_shift: u32,
    rank_bits: u32,
    run_bits: u32,
    at_bits: u32,
}

/// The lowest bits.
fn low(value: u64, bits: u32) -> u64 {
    value & ((1 << bits) - 1)
}

impl Packing {
    /// `None` if they differ in too many bits, or are few.
    fn of(lists: &[Vec<Place>]) -> Option<Self> {
        let first = lists.iter().find_map(|list| list.first())?;
        if lists.iter().map(Vec::len).sum::<usize>() < RADIX_FROM {
            return None;
        }
        let differing = in_threads(lists.len(), |number| {
            lists[number].iter().fold((0, 0), |(ranks, places), (rank, place, _)| {
                (ranks | (rank ^ first.0), places | (place ^ first.1))
            })
        });
        let (ranks, places) =
            differing.iter().fold((0_u128, 0_u64), |(ranks, places), one| (ranks | one.0, places | one.1));
        let rank_shift = if ranks == 0 { 0 } else { ranks.trailing_zeros() };
        let packing = Self {
            rank_shift,
            rank_bits: u128::BITS - (ranks >> rank_shift).leading_zeros(),
            run_bits: u64::BITS - (places >> 32).leading_zeros(),
            at_bits: u64::BITS - low(places, 32).leading_zeros(),
        };
        (packing.bits() < u64::BITS).then_some(packing)
    }

    fn bits(&self) -> u32 {
        self.rank_bits + self.run_bits + self.at_bits
    }

    #[inline]
    fn word(&self, (rank, place, _): &Place) -> u64 {
        let rank = low((rank >> self.rank_shift) as u64, self.rank_bits);
        (rank << self.run_bits | low(place >> 32, self.run_bits)) << self.at_bits | low(*place, self.at_bits)
    }

    fn in_order(&self, lists: &[Vec<Place>]) -> Vec<u32> {
        // Where the threads' shares begin: about evenly, as a few of the words say.
        let all: usize = lists.iter().map(Vec::len).sum();
        let some = lists.iter().flatten().step_by((all / 1024).max(1));
        let mut some: Vec<u64> = some.map(|place| self.word(place)).collect();
        some.sort_unstable();
        let start_of = |thread: usize| {
            if thread == 0 { 0 } else { some.get(some.len() * thread / lists.len()).copied().unwrap_or(u64::MAX) }
        };
        let sorted = in_threads(lists.len(), |thread| {
            let (start, end) = (start_of(thread), (thread + 1 < lists.len()).then(|| start_of(thread + 1)));
            let is_here = |word: u64| word >= start && end.is_none_or(|end| word < end);
            let words = lists.iter().flatten().map(|place| (self.word(place), place.2));
            let words = sort_by_digits(words.filter(|(word, _)| is_here(*word)).collect(), self.bits());
            words.into_iter().map(|(_, row)| row).collect::<Vec<u32>>()
        });
        sorted.concat()
    }
}

/// Sorts different words of so many bits.
fn sort_by_digits(mut words: Vec<(u64, u32)>, bits: u32) -> Vec<(u64, u32)> {
    if words.len() < RADIX_FROM {
        words.sort_unstable();
        return words;
    }
    let digits = bits.div_ceil(DIGIT_BITS).max(1);
    let width = bits.div_ceil(digits).max(1);
    let mut others = vec![(0, 0); words.len()];
    let mut starts = vec![0_u32; 1 << width];
    for number in 0..digits {
        let digit = |word: u64| low(word >> (number * width), width) as usize;
        starts.fill(0);
        words.iter().for_each(|(word, _)| starts[digit(*word)] += 1);
        let mut next = 0;
        for start in &mut starts {
            next += std::mem::replace(start, next);
        }
        for entry in &words {
            let start = &mut starts[digit(entry.0)];
            others[*start as usize] = *entry;
            *start += 1;
        }
        std::mem::swap(&mut words, &mut others);
    }
    words
}

/// The rows of sorted lists in order.
fn merged(lists: &[Vec<Place>]) -> Vec<u32> {
    let mut rest: Vec<&[Place]> = lists.iter().map(Vec::as_slice).filter(|list| !list.is_empty()).collect();
    let mut order = Vec::with_capacity(rest.iter().map(|list| list.len()).sum());
    while rest.len() > 1 {
        let least = (0..rest.len()).min_by_key(|at| (rest[*at][0].0, rest[*at][0].1)).unwrap_or_default();
        order.push(rest[least][0].2);
        rest[least] = &rest[least][1..];
        if rest[least].is_empty() {
            rest.swap_remove(least);
        }
    }
    order.extend(rest.iter().flat_map(|list| list.iter()).map(|(.., row)| *row));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::hash::hash_word;

    #[test]
    fn packed_rows_come_in_the_order_of_their_places() {
        // Ranks: few and many of them, far apart, one only, too many bits for a word.
        let ranks: [fn(u64) -> u128; 5] = [
            |n| u128::from(hash_word(n) % 90) << 70 | 1 << 127 | 5,
            |n| u128::from(hash_word(n) % 100_000) << 3,
            |n| u128::from(n % 2) << 20,
            |_| 7,
            |n| u128::from(hash_word(n)) << 64 | u128::from(n),
        ];
        for (kind, rank) in ranks.into_iter().enumerate() {
            for count in [0, 1, 60, 300, 5000] {
                for threads in [1, 2, 3] {
                    let place = |n: u64| (rank(n), (hash_word(n + 3) % 70) << 32 | n, n as u32);
                    let mut lists = vec![Vec::new(); threads];
                    (0..count).for_each(|n| lists[(hash_word(n + 9) % threads as u64) as usize].push(place(n)));
                    let mut expected: Vec<Place> = (0..count).map(place).collect();
                    expected.sort_unstable();
                    let expected: Vec<u32> = expected.iter().map(|(.., row)| *row).collect();
                    assert_eq!(Packing::of(&lists).is_some(), kind < 4 && count as usize >= RADIX_FROM);
                    assert_eq!(in_order(lists), expected, "{count} of kind {kind}, {threads} threads");
                }
            }
        }
    }
}
