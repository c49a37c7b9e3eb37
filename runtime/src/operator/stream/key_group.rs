//! Key groups: the pieces of state that move between tasks, and the partitions of a table's state.
//!
//! The key group of a row depends on nothing but its key: it is the same in every run, on every machine, at every
//! parallelism. A partition is a range of key groups; there is always the same number of them.

use crate::operator::key::Keys;
use crate::primitive::bitmap;
use crate::registers::Selection;
use sabot_abi::CHUNK_ROWS;
use xxhash_rust::xxh3::xxh3_64;

/// How many there are.
pub(crate) const KEY_GROUPS: usize = 128;

/// States of a table.
pub(crate) const PARTITIONS: usize = 16;

/// The key group of a key, by its canonical bytes; those of a word are its eight, the lowest first.
#[inline]
pub(crate) fn kg(key: &[u8]) -> usize {
    (xxh3_64(key) % KEY_GROUPS as u64) as usize
}

/// The partition that holds a key group.
#[inline]
pub(crate) fn partition_of(key_group: usize) -> usize {
    key_group * PARTITIONS / KEY_GROUPS
}

/// The partitions of the selected rows; of keys of two words so many bytes count ([`KeyLayout::wide_bytes`](super::KeyLayout)).
pub(super) fn partitions(keys: &Keys<'_>, wide_bytes: usize, selection: &Selection, to: &mut [u8; CHUNK_ROWS]) {
    match keys {
        Keys::Words(words) => {
            bitmap::for_each(selection.used(), |row| to[row] = partition_of(kg(&words[row].to_le_bytes())) as u8);
        }
        Keys::Strs(strs) => {
            bitmap::for_each(selection.used(), |row| to[row] = partition_of(kg(strs[row].bytes())) as u8);
        }
        Keys::Wide(wide) => {
            let key_group = |key: u128| kg(&key.to_le_bytes()[..wide_bytes]);
            bitmap::for_each(selection.used(), |row| to[row] = partition_of(key_group(wide[row])) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_ranges_of_key_groups_of_one_size() {
        let of: Vec<usize> = (0..KEY_GROUPS).map(partition_of).collect();
        assert!(of.is_sorted());
        for partition in 0..PARTITIONS {
            assert_eq!(of.iter().filter(|of| **of == partition).count(), KEY_GROUPS / PARTITIONS);
        }
    }

    /// They are part of what a savepoint means: they never change.
    #[test]
    fn key_groups_stay_what_they_are() {
        assert_eq!(
            (kg(b""), kg(b"SYM0001"), kg(&42u64.to_le_bytes())),
            (xxh(b""), xxh(b"SYM0001"), xxh(&[42, 0, 0, 0, 0, 0, 0, 0]))
        );
        let mut seen = [0usize; KEY_GROUPS];
        (0..100_000u64).for_each(|word| seen[kg(&word.to_le_bytes())] += 1);
        assert!(seen.iter().all(|count| (600..1000).contains(count)), "{seen:?}");
    }

    fn xxh(bytes: &[u8]) -> usize {
        (xxh3_64(bytes) & 127) as usize
    }
}
