//! The loops for chunks of which every row counts: groups and values side by side, nothing to skip.

use super::{FloatSum, IntegerSum};

/// Counts rows.
pub(super) fn count(counts: &mut [u64], groups: &[u32]) {
    for group in groups {
        counts[*group as usize] += 1;
    }
}

/// Adds up integers that are extended to words by their sign.
pub(super) fn add_integers(sums: &mut [IntegerSum], groups: &[u32], words: &[u64]) {
    for (group, word) in groups.iter().zip(words) {
        sums[*group as usize].add(*word as i64);
    }
}

/// Adds up floats.
pub(super) fn add_floats(sums: &mut [FloatSum], groups: &[u32], words: &[u64]) {
    for (group, word) in groups.iter().zip(words) {
        let entry = &mut sums[*group as usize];
        entry.sum.add(f64::from_bits(*word));
        entry.rows += 1;
    }
}
