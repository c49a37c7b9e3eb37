//! Sums of floats, and what is computed of them: compensated, so that the order of the rows does not matter.

use sabot_abi::manifest::BaseType;

/// A sum and what rounding has lost of it (Neumaier).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compensated {
    pub(super) sum: f64,
    pub(super) rest: f64,
}

impl Compensated {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.rest += if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        self.sum = next;
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.add(other.sum);
        self.rest += other.rest;
    }

    pub(super) fn value(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.rest } else { self.sum }
    }
}

/// A sum of integers and the number of rows in it, without the padding that an `i128` brings: what a group needs lies together,
/// and a row of many groups should miss the cache once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IntegerSum {
    low: i64,
    pub(super) rows: u64,
    /// How often the lower word went over its upper end, less how often below its lower one.
    high: i64,
}

impl IntegerSum {
    pub(super) fn new(sum: i128, rows: u64) -> Self {
        let low = sum as i64;
        Self { low, rows, high: (sum.wrapping_sub(low.into()) >> 64) as i64 }
    }

    pub(super) fn sum(self) -> i128 {
        (i128::from(self.high) << 64).wrapping_add(self.low.into())
    }

    /// Whether the sum is a signed number of 64 bits.
    pub(super) fn fits_word(self) -> bool {
        self.high == 0
    }

    /// Adds a row. Words cannot overflow 128 bits: there would have to be 2^64 of them.
    #[inline]
    pub(super) fn add(&mut self, value: i64) {
        let (low, is_over) = self.low.overflowing_add(value);
        self.low = low;
        self.rows += 1;
        if is_over {
            self.carry(value);
        }
    }

    /// The lower word went over one of its ends, by such a value.
    #[cold]
    fn carry(&mut self, value: i64) {
        self.high += if value < 0 { -1 } else { 1 };
    }

    /// Adds rows, if the sum fits.
    pub(super) fn add_rows(&mut self, sum: i128, rows: u64) -> bool {
        let next = self.sum().checked_add(sum);
        *self = Self::new(next.unwrap_or(self.sum()), self.rows + rows);
        next.is_some()
    }
}

/// Of the sample: the sum of squares less the square of the sum over n, in twice the precision of a float.
pub(super) fn variance(sum: Compensated, squares: Compensated, rows: u64) -> f64 {
    if rows < 2 {
        return f64::NAN;
    }
    let n = rows as f64;
    if !sum.sum.is_finite() || !squares.sum.is_finite() {
        return f64::NAN;
    }
    let total = sum.sum + sum.rest;
    let total_rest = sum.rest - (total - sum.sum);
    let mean = total / n;
    let mean_rest = (-mean).mul_add(n, total) / n + total_rest / n;
    // total * mean, exactly as far as it matters.
    let product = total * mean;
    let product_rest = total.mul_add(mean, -product) + total * mean_rest + total_rest * mean;
    let difference = (squares.sum - product) + (squares.rest - product_rest);
    difference.max(0.0) / (n - 1.0)
}

pub(super) fn fits(base: BaseType, sum: i128) -> bool {
    match base {
        BaseType::Int8 => i8::try_from(sum).is_ok(),
        BaseType::Int16 => i16::try_from(sum).is_ok(),
        BaseType::Int32 => i32::try_from(sum).is_ok(),
        BaseType::UInt8 => u8::try_from(sum).is_ok(),
        BaseType::UInt16 => u16::try_from(sum).is_ok(),
        BaseType::UInt32 => u32::try_from(sum).is_ok(),
        BaseType::UInt64 => u64::try_from(sum).is_ok(),
        BaseType::Decimal(precision, _) => {
            sum.unsigned_abs() < 10u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX)
        }
        BaseType::Bool
        | BaseType::Int64
        | BaseType::Float32
        | BaseType::Float64
        | BaseType::String
        | BaseType::Bytes
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::List(..) => i64::try_from(sum).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_how_they_are_split() {
        let values: Vec<f64> = (0..1000).map(|n| if n % 3 == 0 { 1e16 } else { 0.1 * f64::from(n) }).collect();
        let sum = |values: &[f64]| {
            let mut sum = Compensated::default();
            values.iter().for_each(|value| sum.add(*value));
            sum
        };
        let whole = sum(&values).value();
        for split in [1, 10, 500, 999] {
            let mut parts = sum(&values[split..]);
            parts.merge(sum(&values[..split]));
            assert_eq!(parts.value(), whole, "split at {split}");
        }
        assert_eq!(sum(&[f64::INFINITY, 1.0]).value(), f64::INFINITY);
    }

    #[test]
    fn sums_of_integers_go_beyond_words() {
        let ends = [i64::MIN, i64::MAX, -1, 0, 1, i64::MAX, i64::MAX, i64::MIN, i64::MIN, i64::MIN];
        let (mut sum, mut expected) = (IntegerSum::default(), 0i128);
        for (row, value) in ends.iter().cycle().take(1000).enumerate() {
            sum.add(*value);
            expected += i128::from(*value);
            assert_eq!((sum.sum(), sum.rows), (expected, row as u64 + 1));
            assert_eq!(sum.fits_word(), i64::try_from(expected).is_ok());
        }
        for sum in [i128::MIN, i128::MAX, 0, -1, 1 << 63, (1 << 63) - 1, -(1 << 63), -(1 << 63) - 1, 1 << 64] {
            let kept = IntegerSum::new(sum, 7);
            assert_eq!((kept.sum(), kept.rows, kept.fits_word()), (sum, 7, i64::try_from(sum).is_ok()));
        }
        let mut most = IntegerSum::new(i128::MAX, 1);
        assert!(!most.add_rows(1, 1) && most.add_rows(-1, 1));
        assert_eq!(most.sum(), i128::MAX - 1);
    }

    #[test]
    fn variance_of_close_values_far_from_zero() {
        let (mut sum, mut squares) = (Compensated::default(), Compensated::default());
        for n in 0..4u32 {
            let value = 1e9 + f64::from(n);
            sum.add(value);
            squares.add(value * value);
            squares.rest += value.mul_add(value, -(value * value));
        }
        let difference = variance(sum, squares, 4) - 5.0 / 3.0;
        assert!(difference.abs() < 1e-6, "off by {difference}");
    }
}
