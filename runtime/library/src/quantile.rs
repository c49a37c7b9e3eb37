//! Percentiles of many values in little memory, exact while there are few.
//!
//! Values lie in buckets by their sign, their exponent and the first seven bits behind it; the middle of a bucket stands for
//! what is in it, which is at most 1/256 of the value away (of numbers below 2.3e-308, at most 2.3e-308). What it gives depends
//! on the values alone, never on their order or on how they were split: parts are added bucket by bucket.

use crate::percentile::percentile;
use std::collections::BTreeMap;

/// Bits of a value that tell buckets apart: all but these last ones.
const SHIFT: u32 = 45;

/// The bucket of what is no number, behind all others.
const NAN: i32 = i32::MAX;

/// Values of which percentiles are asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantiles {
    /// All of them.
    Few(Vec<f64>),
    /// How many are in each bucket.
    Many(BTreeMap<i32, u64>),
}

impl Default for Quantiles {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Quantiles {
    /// So many are kept as they are.
    pub const FEW: usize = 256;

    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        match self {
            Self::Few(values) if values.len() < Self::FEW => values.push(value),
            Self::Few(_) => {
                self.spread();
                self.add(value);
            }
            Self::Many(buckets) => *buckets.entry(bucket(value)).or_default() += 1,
        }
    }

    /// Adds the values of another part.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Few(values)) => values.iter().for_each(|value| self.add(*value)),
            (Self::Many(ours), Self::Many(theirs)) => {
                theirs.iter().for_each(|(bucket, count)| *ours.entry(*bucket).or_default() += count);
            }
            (Self::Few(_), Self::Many(_)) => {
                self.spread();
                self.merge(other);
            }
        }
    }

    fn spread(&mut self) {
        if let Self::Few(values) = self {
            let mut buckets = BTreeMap::new();
            values.iter().for_each(|value| *buckets.entry(bucket(*value)).or_default() += 1);
            *self = Self::Many(buckets);
        }
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Few(values) => values.len() as u64,
            Self::Many(buckets) => buckets.values().sum(),
        }
    }

    /// The value that a share of all, from 0 to 1, does not exceed; nothing if there are no values.
    #[must_use]
    pub fn at(&self, share: f64) -> Option<f64> {
        let count = usize::try_from(self.count()).ok().filter(|count| *count > 0)?;
        Some(match self {
            Self::Few(values) => {
                let mut sorted = values.clone();
                sorted.sort_unstable_by(|a, b| bucket_order(*a).cmp(&bucket_order(*b)).then(a.total_cmp(b)));
                percentile(share, count, |place| sorted[place])
            }
            Self::Many(buckets) => percentile(share, count, |place| {
                let mut before = 0;
                let found = buckets.iter().find(|(_, count)| {
                    before += **count;
                    before > place as u64
                });
                found.map_or(f64::NAN, |(bucket, _)| middle(*bucket))
            }),
        })
    }

    /// Bytes held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Few(values) => values.capacity() * 8,
            Self::Many(buckets) => buckets.len() * 24,
        }
    }
}

/// What is no number comes last, whatever its sign.
fn bucket_order(value: f64) -> bool {
    value.is_nan()
}

fn bucket(value: f64) -> i32 {
    if value.is_nan() {
        return NAN;
    }
    let magnitude = (value.abs().to_bits() >> SHIFT) as i32;
    if value.is_sign_negative() && value != 0.0 { -magnitude - 1 } else { magnitude }
}

/// The middle of a bucket; the smallest holds zero, and zero stands for it.
fn middle(bucket: i32) -> f64 {
    if bucket == NAN {
        return f64::NAN;
    }
    let magnitude = if bucket < 0 { -(bucket + 1) } else { bucket };
    let low = u64::from(magnitude.unsigned_abs()) << SHIFT;
    let value = match magnitude {
        0 => 0.0,
        _ if f64::from_bits(low).is_infinite() => f64::INFINITY,
        _ => f64::from_bits(low | 1 << (SHIFT - 1)),
    };
    if bucket < 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = f64>) -> Quantiles {
        let mut all = Quantiles::default();
        values.for_each(|value| all.add(value));
        all
    }

    #[test]
    fn few_are_exact_and_many_are_near() {
        let few = of((0..=100).map(f64::from));
        assert_eq!([few.at(0.5), few.at(0.0), few.at(1.0), few.at(0.125)], [50.0, 0.0, 100.0, 12.5].map(Some));
        assert_eq!(Quantiles::default().at(0.5), None);
        let sorted: Vec<f64> = (0..5000).map(|n| (f64::from(n) - 1000.0) * 1.7).collect();
        let many = of(sorted.iter().rev().copied());
        assert!(matches!(many, Quantiles::Many(_)));
        for share in [0.0, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0] {
            let exact = percentile(share, sorted.len(), |place| sorted[place]);
            let near = many.at(share).expect("values");
            assert!((near - exact).abs() <= exact.abs() / 256.0, "{share}: {near} for {exact}");
        }
    }

    #[test]
    fn neither_order_nor_parts_show() {
        let values: Vec<f64> = (0..2000).map(|n| f64::from(n * 7919 % 2003) - 100.0).collect();
        let whole = of(values.iter().copied());
        for split in [0, 1, 100, 256, 257, 1999] {
            let mut parts = of(values[split..].iter().copied());
            parts.merge(&of(values[..split].iter().copied()));
            assert_eq!(parts, whole, "split at {split}");
        }
    }

    #[test]
    fn odd_values() {
        let mut odd: Vec<f64> = vec![0.0, -0.0, f64::MIN_POSITIVE / 4.0, f64::NAN, -f64::NAN, f64::MAX, f64::MIN];
        odd.extend([f64::INFINITY, f64::NEG_INFINITY]);
        let few = of(odd.iter().copied());
        let many = of(odd.iter().copied().cycle().take(odd.len() * 100));
        for of in [few, many] {
            assert_eq!(of.at(0.0), Some(f64::NEG_INFINITY));
            assert!(of.at(1.0).is_some_and(f64::is_nan), "{of:?}");
            assert_eq!(of.at(0.375), Some(0.0));
        }
    }
}
