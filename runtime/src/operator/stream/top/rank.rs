//! The order of rows: mostly decided by one word that a row carries with it, without a look at its columns.

use crate::column::{Column, Values};
use sabot_abi::manifest::BaseType;
use std::cmp::Ordering;

/// A row in an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    /// Of rows with different ones, that with the lesser comes first.
    prefix: u64,
    pub(super) row: u32,
}

#[cfg(test)]
impl Ranked {
    pub(super) fn of_row(row: u32) -> Self {
        Self { prefix: u64::from(row), row }
    }
}

/// What comes first.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Position and whether the greatest comes first.
    by: Vec<(u32, bool)>,
    /// Columns that decide between rows of one order.
    ties: Vec<u32>,
}

impl Order {
    pub(super) fn new(by: &[(u32, bool)]) -> Self {
        Self { by: by.to_vec(), ties: Vec::new() }
    }

    /// Of rows of one order those with the lesser values in these columns come first, not those that came first.
    pub(super) fn with_ties(self, ties: Vec<u32>) -> Self {
        Self { ties, ..self }
    }

    /// A row as it is compared.
    pub(super) fn ranked(&self, columns: &[Column], row: u32) -> Ranked {
        let prefix = self.by.first().map_or(0, |(position, descending)| {
            let prefix = prefix(&columns[*position as usize], row as usize);
            if *descending { !prefix } else { prefix }
        });
        Ranked { prefix, row }
    }

    /// Rows of one order are equal.
    pub(super) fn compare_values(&self, columns: &[Column], a: Ranked, b: Ranked) -> Ordering {
        if a.prefix != b.prefix {
            return a.prefix.cmp(&b.prefix);
        }
        for (position, descending) in &self.by {
            let order = columns[*position as usize].compare(a.row as usize, b.row as usize);
            let order = if *descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    /// Of equal rows the earlier comes first.
    pub(super) fn compare(&self, columns: &[Column], a: Ranked, b: Ranked) -> Ordering {
        let tie = |position: &u32| columns[*position as usize].compare(a.row as usize, b.row as usize);
        self.compare_values(columns, a, b)
            .then_with(|| self.ties.iter().map(tie).find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
            .then(a.row.cmp(&b.row))
    }
}

/// A word that is not greater for a lesser value: null is least, NaN greatest.
fn prefix(column: &Column, row: usize) -> u64 {
    const SIGN: u64 = 1 << 63;
    if !column.is_valid(row) {
        return 0;
    }
    let float = |value: f64| match (value + 0.0).to_bits() {
        _ if value.is_nan() => u64::MAX,
        bits if bits & SIGN != 0 => !bits,
        bits => bits | SIGN,
    };
    match &column.values {
        Values::Str(values) => {
            let bytes = values[row].bytes();
            let mut first = [0; 8];
            let len = bytes.len().min(8);
            first[..len].copy_from_slice(&bytes[..len]);
            u64::from_be_bytes(first)
        }
        Values::Sixteen(values) => (values[row] >> 64) as u64 ^ SIGN,
        Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Eight(_) => {
            let word = column.word(row);
            match column.ty.base {
                BaseType::Float64 => float(f64::from_bits(word)),
                BaseType::Float32 => float(f64::from(f32::from_bits(word as u32))),
                BaseType::Bool | BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64 => word,
                BaseType::Int8
                | BaseType::Int16
                | BaseType::Int32
                | BaseType::Int64
                | BaseType::String
                | BaseType::Bytes
                | BaseType::Decimal(..)
                | BaseType::Date
                | BaseType::TimestampMs
                | BaseType::TimestampUs
                | BaseType::TimestampNs
                | BaseType::Duration
                | BaseType::List(..) => word ^ SIGN,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::stream::testing::{optional, rows_of};

    #[test]
    fn prefixes_agree_with_the_order_of_values() {
        let floats = ["None", "-inf", "-1e300", "-1", "-0", "0", "1e-300", "2", "inf", "NaN"];
        let numbers = ["None", "-9223372036854775808", "-1", "0", "1", "9223372036854775807"];
        let texts = ["None", "\"\"", "a", "ab", "abcdefgh", "abcdefghi", "b", "ü"];
        for (base, values) in
            [(BaseType::Float64, &floats[..]), (BaseType::Int64, &numbers), (BaseType::String, &texts)]
        {
            let texts: Vec<Vec<String>> = values.iter().map(|value| vec![(*value).to_owned()]).collect();
            let rows = rows_of(&[optional(base)], &texts);
            for descending in [false, true] {
                let order = Order::new(&[(0, descending)]);
                let all: Vec<Ranked> = (0..values.len() as u32).map(|row| order.ranked(&rows.columns, row)).collect();
                for a in &all {
                    for b in &all {
                        let expected = rows.columns[0].compare(a.row as usize, b.row as usize);
                        let expected = if descending { expected.reverse() } else { expected };
                        assert_eq!(order.compare_values(&rows.columns, *a, *b), expected);
                        assert!(expected.is_eq() || a.prefix.cmp(&b.prefix) != expected.reverse());
                    }
                }
            }
        }
    }
}
