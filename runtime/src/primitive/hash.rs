//! Hashes: the same on every machine and every run, so that spilled partitions and key groups mean the same everywhere.

use xxhash_rust::xxh3::xxh3_64;

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
const FOLD: u64 = 0xd6e8_feb8_6659_fd93;

/// Both halves of a product, folded.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// Hash of a number. Its high bits are as good as its low ones.
#[inline]
pub(crate) fn hash_word(word: u64) -> u64 {
    fold(word ^ MIX, FOLD).wrapping_mul(MIX)
}

/// Hash of two words.
#[inline]
pub(crate) fn hash_words(low: u64, high: u64) -> u64 {
    fold(low ^ MIX, high ^ FOLD).wrapping_mul(MIX)
}

/// Hash of bytes.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let eight = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let four = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
    let len = bytes.len();
    let (low, high) = match len {
        0 => (0, 0),
        1..=3 => (u64::from(bytes[0]) | u64::from(bytes[len / 2]) << 8 | u64::from(bytes[len - 1]) << 16, 0),
        4..=7 => (four(0), four(len - 4)),
        8..=16 => (eight(0), eight(len - 8)),
        _ => return xxh3_64(bytes),
    };
    fold(low ^ MIX, high ^ FOLD ^ len as u64).wrapping_mul(MIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn hashes_of_neighbours_differ_in_their_high_bits() {
        let high: BTreeSet<u64> = (0..4096u64).map(|word| hash_word(word) >> 44).collect();
        assert!(high.len() > 3900, "{} of 4096 differ in 20 bits", high.len());
        let high: BTreeSet<u64> = (0..4096).map(|n| hash_bytes(format!("SYM{n:05}").as_bytes()) >> 44).collect();
        assert!(high.len() > 3900, "{} of 4096 differ in 20 bits", high.len());
    }

    #[test]
    fn hashes_of_bytes_depend_on_every_byte_and_on_the_length() {
        for len in 0..40 {
            let bytes = vec![7; len];
            let mut seen = BTreeSet::from([hash_bytes(&bytes)]);
            for at in 0..len {
                let mut other = bytes.clone();
                other[at] ^= 0x40;
                assert!(seen.insert(hash_bytes(&other)), "byte {at} of {len}");
            }
            assert!(seen.insert(hash_bytes(&vec![7; len + 1])), "length {len}");
        }
    }
}
