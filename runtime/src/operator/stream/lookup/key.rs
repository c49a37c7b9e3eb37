//! Keys that are asked for, as bytes: those of a stream and those of a database are equal where their values are.
//!
//! A part of a fixed width is eight bytes, or sixteen of a decimal; of a text its length in four bytes, then the text. All NaNs are one key, and so are
//! both zeros. A null is no key.

use crate::column::{Column, Values};
use crate::operator::key::canonical;
use sabot_abi::manifest::{BaseType, ColumnType};

/// Adds a part of a key.
pub(crate) fn push_word(base: BaseType, word: u64, key: &mut Vec<u8>) {
    key.extend_from_slice(&canonical(base, word).to_le_bytes());
}

/// Adds a part of a key.
pub(crate) fn push_bytes(bytes: &[u8], key: &mut Vec<u8>) {
    key.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    key.extend_from_slice(bytes);
}

/// The key of a row, in the place of what was there; whether it has one.
pub(super) fn of_row(columns: &[Column], row: usize, key: &mut Vec<u8>) -> bool {
    key.clear();
    for column in columns {
        if !column.is_valid(row) {
            return false;
        }
        match &column.values {
            Values::Str(values) => push_bytes(values[row].bytes(), key),
            Values::Sixteen(values) => key.extend_from_slice(&values[row].to_le_bytes()),
            Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Eight(_) => {
                push_word(column.ty.base, column.word(row), key);
            }
        }
    }
    true
}

/// A part of a key, taken from its front.
pub(crate) enum Part<'a> {
    Word(u64),
    Wide(i128),
    Bytes(&'a [u8]),
}

/// The parts of a key, which was made of values of these types.
pub(crate) fn parts<'a>(types: &[ColumnType], mut key: &'a [u8]) -> Vec<Part<'a>> {
    let mut take = |count: usize| {
        let (front, rest) = key.split_at(count.min(key.len()));
        key = rest;
        front
    };
    let part = |ty: &ColumnType| match ty.base.register_width() {
        _ if ty.base.is_str() => {
            let len = take(4).try_into().map_or(0, u32::from_le_bytes);
            Part::Bytes(take(len as usize))
        }
        Some(16) => Part::Wide(take(16).try_into().map_or(0, i128::from_le_bytes)),
        Some(_) | None => Part::Word(take(8).try_into().map_or(0, u64::from_le_bytes)),
    };
    types.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart_as_it_was_made() {
        let mut key = Vec::new();
        push_word(BaseType::Int64, (-5_i64).cast_unsigned(), &mut key);
        push_bytes("ähm".as_bytes(), &mut key);
        let ty = |base| ColumnType { base, nullable: false };
        let parts = parts(&[ty(BaseType::Int64), ty(BaseType::String)], &key);
        assert!(
            matches!(parts[..], [Part::Word(word), Part::Bytes(text)] if word.cast_signed() == -5 && text == "ähm".as_bytes())
        );
        let float = |value: f64| {
            let mut key = Vec::new();
            push_word(BaseType::Float64, value.to_bits(), &mut key);
            key
        };
        assert_eq!(float(-0.0), float(0.0));
        assert_eq!(float(f64::NAN), float(-f64::NAN));
    }
}
