//! The loops for chunks of which every row counts: groups and values side by side, nothing to skip.

use super::{FloatSum, IntegerSum};
use crate::primitive::hash_table::prefetch_at;

/// Values that lie so far on are fetched into the cache: the next chunk's, mostly.
const AHEAD: usize = 512;

/// Values of a line of the cache.
const OF_LINE: usize = 8;

/// Groups and values, those of a line at a time.
fn in_lines<'a>(groups: &'a [u32], words: &'a [u64]) -> impl Iterator<Item = (&'a [u32], &'a [u64])> {
    groups
        .chunks(OF_LINE)
        .zip(words.chunks(OF_LINE))
        .inspect(|(_, words)| prefetch_at(words.as_ptr().wrapping_add(AHEAD)))
}

/// Counts rows.
pub(super) fn count(counts: &mut [u64], groups: &[u32]) {
    for group in groups {
        counts[*group as usize] += 1;
    }
}

/// Adds up integers that are extended to words by their sign.
pub(super) fn add_integers(sums: &mut [IntegerSum], groups: &[u32], words: &[u64]) {
    for (groups, words) in in_lines(groups, words) {
        groups.iter().zip(words).for_each(|(group, word)| sums[*group as usize].add(*word as i64));
    }
}

/// Adds up floats.
pub(super) fn add_floats(sums: &mut [FloatSum], groups: &[u32], words: &[u64]) {
    for (groups, words) in in_lines(groups, words) {
        for (group, word) in groups.iter().zip(words) {
            let entry = &mut sums[*group as usize];
            entry.sum.add(f64::from_bits(*word));
            entry.rows += 1;
        }
    }
}
