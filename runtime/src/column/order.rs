//! What a value says of its place in the order, in one word: enough for most comparisons of a sort.

use super::{Column, Values};
use crate::primitive::memory::Str;
use sabot_abi::manifest::BaseType;

const SIGN: u64 = 1 << 63;

impl Column {
    /// A number that is less than that of another row only if the row is before that one, as [`Self::compare`] has it.
    pub(crate) fn prefix(&self, row: usize) -> u64 {
        if !self.is_valid(row) {
            return 0;
        }
        match &self.values {
            Values::Str(buf) => prefix_of_str(buf[row]),
            Values::Sixteen(buf) => (buf[row] >> 64) as u64 ^ SIGN,
            Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Eight(_) => {
                prefix_of_word(self.ty.base, self.word(row))
            }
        }
    }

    /// Whether rows of the same prefix are equal.
    pub(crate) fn is_prefix_exact(&self) -> bool {
        self.validity().is_none() && !matches!(self.values, Values::Str(_) | Values::Sixteen(_))
    }
}

/// The first bytes, zeros behind them.
fn prefix_of_str(value: Str) -> u64 {
    let bytes = value.bytes();
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_be_bytes(*eight);
    }
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(eight)
}

fn prefix_of_word(base: BaseType, word: u64) -> u64 {
    match base {
        BaseType::Float64 => prefix_of_float(f64::from_bits(word)),
        BaseType::Float32 => prefix_of_float(f64::from(f32::from_bits(word as u32))),
        BaseType::Bool | BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64 => word,
        BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::Decimal(..) => word ^ SIGN,
        BaseType::String | BaseType::Bytes | BaseType::List(..) => unreachable!("strings are not words"),
    }
}

/// All NaNs are one, behind all numbers; both zeros are one.
fn prefix_of_float(value: f64) -> u64 {
    if value.is_nan() {
        return u64::MAX;
    }
    let bits = (value + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::ColumnType;
    use std::cmp::Ordering;

    fn check(column: &Column) {
        for left in 0..column.len() {
            for right in 0..column.len() {
                let prefixes = column.prefix(left).cmp(&column.prefix(right));
                let whole = column.compare(left, right);
                let shown = || format!("{} and {}", column.show(left), column.show(right));
                assert!(prefixes == whole || prefixes == Ordering::Equal, "{}: {prefixes:?}", shown());
                assert!(!column.is_prefix_exact() || prefixes == whole, "{}: {prefixes:?}", shown());
            }
        }
    }

    #[test]
    fn prefixes_are_in_the_order_of_the_values() {
        let floats = [f64::NAN, -f64::NAN, 0.0, -0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, 5e-324];
        let words = [0, 1, 5, SIGN, u64::MAX, u64::MAX - 1, 127, 255, 1 << 31];
        for nullable in [false, true] {
            for base in [
                BaseType::Int64,
                BaseType::UInt64,
                BaseType::Int32,
                BaseType::UInt32,
                BaseType::Int8,
                BaseType::UInt8,
                BaseType::Bool,
                BaseType::TimestampUs,
                BaseType::Float64,
                BaseType::Float32,
                BaseType::Decimal(38, 9),
            ] {
                let mut column = Column::new(ColumnType { base, nullable });
                if base == BaseType::Float64 {
                    floats.iter().for_each(|value| column.push_word(value.to_bits()));
                } else if base == BaseType::Float32 {
                    floats.iter().for_each(|value| column.push_word(u64::from((*value as f32).to_bits())));
                } else if base == BaseType::Bool {
                    [0, 1].iter().for_each(|word| column.push_word(*word));
                } else if base == BaseType::Decimal(38, 9) {
                    let wide = [0, 1, -1, i128::MAX, i128::MIN, 1 << 64, 5 << 64, -1 << 64];
                    wide.iter().for_each(|value| column.push_wide(*value as u128));
                } else {
                    words.iter().for_each(|word| column.push_word(*word));
                }
                if nullable {
                    column.push_null();
                }
                check(&column);
            }
            let mut column = Column::new(ColumnType { base: BaseType::String, nullable });
            for text in ["", "a", "\0", "ab", "a\0", "abcdefgh", "abcdefg", "abcdefgh\0", "abcdefghi", "b", "\u{ff}"] {
                column.push_str(Str::new(text.as_bytes()));
            }
            if nullable {
                column.push_null();
            }
            check(&column);
        }
    }
}
