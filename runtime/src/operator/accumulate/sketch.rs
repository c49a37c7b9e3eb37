//! The number of different values, estimated.

/// Different values, counted exactly while there are few.
#[derive(Clone, Debug)]
pub(super) enum Sketch {
    /// Sorted hashes.
    Few(Vec<u64>),
    /// HyperLogLog: the longest run of zeros, by the first bits of the hash.
    Many(Box<[u8]>),
}

impl Sketch {
    pub(super) const BITS: u32 = 14;
    pub(super) const FEW: usize = 2048;

    pub(super) fn add(&mut self, hash: u64) {
        match self {
            Self::Few(hashes) => {
                if let Err(at) = hashes.binary_search(&hash) {
                    hashes.insert(at, hash);
                    if hashes.len() > Self::FEW {
                        let hashes = std::mem::take(hashes);
                        *self = Self::Many(vec![0; 1 << Self::BITS].into());
                        hashes.into_iter().for_each(|hash| self.add(hash));
                    }
                }
            }
            Self::Many(ranks) => {
                let rank = &mut ranks[(hash >> (64 - Self::BITS)) as usize];
                *rank = (*rank).max(((hash << Self::BITS).leading_zeros().min(64 - Self::BITS) + 1) as u8);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match other {
            Self::Few(hashes) => hashes.iter().for_each(|hash| self.add(*hash)),
            Self::Many(theirs) => {
                let mut ranks = theirs.clone();
                match self {
                    Self::Few(hashes) => {
                        let mut all = Self::Many(ranks);
                        hashes.iter().for_each(|hash| all.add(*hash));
                        *self = all;
                    }
                    Self::Many(ours) => {
                        ranks.iter_mut().zip(ours.iter()).for_each(|(rank, ours)| *rank = (*rank).max(*ours));
                        *ours = ranks;
                    }
                }
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        let ranks = match self {
            Self::Few(hashes) => return hashes.len() as u64,
            Self::Many(ranks) => ranks,
        };
        let size = ranks.len() as f64;
        let sum: f64 = ranks.iter().map(|rank| 0.5f64.powi(i32::from(*rank))).sum();
        let estimate = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
        let empty = ranks.iter().filter(|rank| **rank == 0).count();
        let estimate = if estimate <= 2.5 * size && empty > 0 { size * (size / empty as f64).ln() } else { estimate };
        estimate.round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::hash::hash_word;

    #[test]
    fn estimates_of_different_values_are_near() {
        let mut sketch = Sketch::Few(Vec::new());
        let mut other = Sketch::Few(Vec::new());
        for value in 0..1000u64 {
            sketch.add(hash_word(value));
        }
        assert_eq!(sketch.count(), 1000);
        for value in 500..100_000u64 {
            other.add(hash_word(value));
        }
        sketch.merge(&other);
        let off = sketch.count() as f64 / 100_000.0 - 1.0;
        assert!(off.abs() < 0.03, "off by {off}");
    }
}
