//! Rows kept in memory, column by column: what tables hold, and what registers are filled from again.
//!
//! A column's values lie in one piece, so that row numbers address them; `bool` takes a byte here, a bit in a register.
//! Strings are references into memory that the column's owner keeps ([`StrArena`](crate::primitive::memory::StrArena)).

mod order;

use crate::primitive::bitmap;
use crate::primitive::memory::{Buf, Str, StrArena, zero};
use crate::primitive::take::take;
use sabot_abi::manifest::{BaseType, ColumnType};
use std::cmp::Ordering;
use std::ops::Range;

/// Values by their width; what they mean is the type's matter.
#[derive(Debug)]
pub(crate) enum Values {
    /// `bool`, `i8`, `u8`.
    One(Buf<u8>),
    /// `i16`, `u16`.
    Two(Buf<u16>),
    /// `i32`, `u32`, `f32`, `Date`.
    Four(Buf<u32>),
    /// `i64`, `u64`, `f64`, times.
    Eight(Buf<u64>),
    /// `Decimal`.
    Sixteen(Buf<u128>),
    /// `String`, `Bytes`.
    Str(Buf<Str>),
}

/// The same expression for the buffer of every width.
macro_rules! each_width {
    ($values:expr, $buf:ident => $body:expr) => {
        match $values {
            $crate::column::Values::One($buf) => $body,
            $crate::column::Values::Two($buf) => $body,
            $crate::column::Values::Four($buf) => $body,
            $crate::column::Values::Eight($buf) => $body,
            $crate::column::Values::Sixteen($buf) => $body,
            $crate::column::Values::Str($buf) => $body,
        }
    };
}
pub(crate) use each_width;

/// A column of rows that are kept.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) ty: ColumnType,
    pub(crate) values: Values,
    /// Bit set: not null. Empty as long as there was no null; else it has a bit for every row.
    validity: Buf<u64>,
    len: usize,
}

impl Column {
    pub(crate) fn new(ty: ColumnType) -> Self {
        let values = match ty.base.register_width() {
            _ if ty.base.is_str() => Values::Str(Buf::default()),
            None | Some(1) => Values::One(Buf::default()),
            Some(2) => Values::Two(Buf::default()),
            Some(4) => Values::Four(Buf::default()),
            Some(8) => Values::Eight(Buf::default()),
            Some(_) => Values::Sixteen(Buf::default()),
        };
        Self { ty, values, validity: Buf::default(), len: 0 }
    }

    /// Rows.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bits of the rows that are not null; `None` if no row is.
    pub(crate) fn validity(&self) -> Option<&[u64]> {
        (!self.validity.is_empty()).then_some(&self.validity)
    }

    #[inline]
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        self.validity.is_empty() || bitmap::get(&self.validity, row)
    }

    /// Bytes held, without those of strings.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.validity.memory_bytes() + each_width!(&self.values, buf => buf.memory_bytes())
    }

    /// Adds that many rows, not null, values zero or unspecified; gives the number of the first.
    pub(crate) fn grow(&mut self, rows: usize) -> usize {
        let start = self.len;
        self.len += rows;
        each_width!(&mut self.values, buf => buf.resize(self.len));
        if !self.validity.is_empty() {
            self.validity.resize(bitmap::words_of(self.len));
            for row in start..self.len {
                bitmap::set(&mut self.validity, row);
            }
        }
        start
    }

    /// Makes room for that many rows in all.
    pub(crate) fn reserve(&mut self, rows: usize) {
        each_width!(&mut self.values, buf => buf.reserve_total(rows));
    }

    /// Makes a row null.
    pub(crate) fn set_null(&mut self, row: usize) {
        if self.validity.is_empty() {
            self.validity.resize(bitmap::words_of(self.len));
            bitmap::fill(&mut self.validity, self.len);
        }
        bitmap::clear(&mut self.validity, row);
    }

    /// Makes a row one that is not null.
    pub(crate) fn set_valid(&mut self, row: usize) {
        if !self.validity.is_empty() {
            bitmap::set(&mut self.validity, row);
        }
    }

    /// Adds a row of bits: a number as [`Self::word`] gives it.
    pub(crate) fn push_word(&mut self, word: u64) {
        let row = self.grow(1);
        match &mut self.values {
            Values::One(buf) => buf[row] = word as u8,
            Values::Two(buf) => buf[row] = word as u16,
            Values::Four(buf) => buf[row] = word as u32,
            Values::Eight(buf) => buf[row] = word,
            Values::Sixteen(buf) => buf[row] = word as i64 as i128 as u128,
            Values::Str(_) => unreachable!("strings are not words"),
        }
    }

    /// Adds rows of bits, as [`Self::push_word`] takes them.
    pub(crate) fn push_words(&mut self, words: impl ExactSizeIterator<Item = u64>) {
        let start = self.grow(words.len());
        match &mut self.values {
            Values::One(buf) => buf[start..].iter_mut().zip(words).for_each(|(to, word)| *to = word as u8),
            Values::Two(buf) => buf[start..].iter_mut().zip(words).for_each(|(to, word)| *to = word as u16),
            Values::Four(buf) => buf[start..].iter_mut().zip(words).for_each(|(to, word)| *to = word as u32),
            Values::Eight(buf) => buf[start..].iter_mut().zip(words).for_each(|(to, word)| *to = word),
            Values::Sixteen(buf) => {
                buf[start..].iter_mut().zip(words).for_each(|(to, word)| *to = word as i64 as i128 as u128);
            }
            Values::Str(_) => unreachable!("strings are not words"),
        }
    }

    /// Adds a row of 16 bytes.
    pub(crate) fn push_wide(&mut self, value: u128) {
        let row = self.grow(1);
        match &mut self.values {
            Values::Sixteen(buf) => buf[row] = value,
            Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Eight(_) | Values::Str(_) => {
                unreachable!("only decimals are 16 bytes wide")
            }
        }
    }

    /// Adds a string, whose bytes somebody keeps.
    pub(crate) fn push_str(&mut self, value: Str) {
        let row = self.grow(1);
        match &mut self.values {
            Values::Str(buf) => buf[row] = value,
            Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Eight(_) | Values::Sixteen(_) => {
                unreachable!("only strings are strings")
            }
        }
    }

    /// Adds a null.
    pub(crate) fn push_null(&mut self) {
        let row = self.grow(1);
        each_width!(&mut self.values, buf => buf[row..].fill(zero()));
        self.set_null(row);
    }

    /// Adds rows of another column of the type.
    pub(crate) fn extend_rows(&mut self, other: &Self, rows: &[u32]) {
        let start = self.grow(rows.len());
        match (&mut self.values, &other.values) {
            (Values::One(to), Values::One(from)) => take(from, rows, &mut to[start..]),
            (Values::Two(to), Values::Two(from)) => take(from, rows, &mut to[start..]),
            (Values::Four(to), Values::Four(from)) => take(from, rows, &mut to[start..]),
            (Values::Eight(to), Values::Eight(from)) => take(from, rows, &mut to[start..]),
            (Values::Sixteen(to), Values::Sixteen(from)) => take(from, rows, &mut to[start..]),
            (Values::Str(to), Values::Str(from)) => take(from, rows, &mut to[start..]),
            _ => unreachable!("columns of one type have one width"),
        }
        if let Some(validity) = other.validity() {
            for (at, row) in rows.iter().enumerate() {
                if !bitmap::get(validity, *row as usize) {
                    self.set_null(start + at);
                }
            }
        }
    }

    /// Adds rows of other columns of the type: which column, and which row of it.
    pub(crate) fn extend_picked(&mut self, others: &[&Self], picked: &[(u32, u32)]) {
        let start = self.grow(picked.len());
        macro_rules! pick {
            ($to:expr, $width:ident) => {{
                let others: Vec<_> = others
                    .iter()
                    .map(|other| match &other.values {
                        Values::$width(values) => &values[..],
                        _ => unreachable!("columns of one type have one width"),
                    })
                    .collect();
                for (to, (column, row)) in $to[start..].iter_mut().zip(picked) {
                    *to = others[*column as usize][*row as usize];
                }
            }};
        }
        match &mut self.values {
            Values::One(to) => pick!(to, One),
            Values::Two(to) => pick!(to, Two),
            Values::Four(to) => pick!(to, Four),
            Values::Eight(to) => pick!(to, Eight),
            Values::Sixteen(to) => pick!(to, Sixteen),
            Values::Str(to) => pick!(to, Str),
        }
        for (at, (column, row)) in picked.iter().enumerate() {
            if !others[*column as usize].is_valid(*row as usize) {
                self.set_null(start + at);
            }
        }
    }

    /// Adds a range of rows of another column of the type.
    pub(crate) fn append(&mut self, other: &Self, rows: Range<usize>) {
        let start = self.grow(rows.len());
        match (&mut self.values, &other.values) {
            (Values::One(to), Values::One(from)) => to[start..].copy_from_slice(&from[rows.clone()]),
            (Values::Two(to), Values::Two(from)) => to[start..].copy_from_slice(&from[rows.clone()]),
            (Values::Four(to), Values::Four(from)) => to[start..].copy_from_slice(&from[rows.clone()]),
            (Values::Eight(to), Values::Eight(from)) => to[start..].copy_from_slice(&from[rows.clone()]),
            (Values::Sixteen(to), Values::Sixteen(from)) => to[start..].copy_from_slice(&from[rows.clone()]),
            (Values::Str(to), Values::Str(from)) => to[start..].copy_from_slice(&from[rows.clone()]),
            _ => unreachable!("columns of one type have one width"),
        }
        if other.validity().is_some() {
            for row in rows.clone().filter(|row| !other.is_valid(*row)) {
                self.set_null(start + row - rows.start);
            }
        }
    }

    /// The rows with these numbers, in this order.
    pub(crate) fn take(&self, rows: &[u32]) -> Self {
        let mut taken = Self::new(self.ty);
        taken.extend_rows(self, rows);
        taken
    }

    /// Makes the bytes of strings from that row on the arena's.
    pub(crate) fn keep_strings(&mut self, from: usize, arena: &mut StrArena) {
        let len = self.len;
        let Values::Str(buf) = &mut self.values else { return };
        for row in from..len {
            buf[row] = if self.validity.is_empty() || bitmap::get(&self.validity, row) {
                arena.copy(buf[row])
            } else {
                Str::new(b"")
            };
        }
    }

    /// Bytes of all strings.
    pub(crate) fn string_bytes(&self) -> usize {
        if let Values::Str(buf) = &self.values { buf.iter().map(Str::len).sum() } else { 0 }
    }

    /// The bits of a value of at most eight bytes, numbers extended to 64 bits by their sign.
    pub(crate) fn word(&self, row: usize) -> u64 {
        match &self.values {
            Values::One(buf) => extend(self.ty.base, u64::from(buf[row])),
            Values::Two(buf) => extend(self.ty.base, u64::from(buf[row])),
            Values::Four(buf) => extend(self.ty.base, u64::from(buf[row])),
            Values::Eight(buf) => buf[row],
            Values::Sixteen(buf) => buf[row] as u64,
            Values::Str(_) => unreachable!("strings are not words"),
        }
    }

    /// The value as text, for messages.
    pub(crate) fn show(&self, row: usize) -> String {
        if !self.is_valid(row) {
            return "None".to_owned();
        }
        let base = self.ty.base;
        match &self.values {
            Values::Str(buf) if base == BaseType::String => format!("{:?}", String::from_utf8_lossy(buf[row].bytes())),
            Values::Str(buf) => format!("{:?}", buf[row].bytes()),
            Values::Sixteen(buf) => show_decimal(base, buf[row] as i128),
            Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Eight(_) => show_word(base, self.word(row)),
        }
    }

    /// Order of two rows: null is least, then numbers, NaN is greatest; strings by their bytes.
    pub(crate) fn compare(&self, left: usize, right: usize) -> Ordering {
        self.compare_with(left, self, right)
    }

    /// Order of a row of this column and one of another of the type.
    pub(crate) fn compare_with(&self, left: usize, other: &Self, right: usize) -> Ordering {
        match (self.is_valid(left), other.is_valid(right)) {
            (true, true) => {}
            (left, right) => return left.cmp(&right),
        }
        match (&self.values, &other.values) {
            (Values::Str(a), Values::Str(b)) => a[left].bytes().cmp(b[right].bytes()),
            (Values::Sixteen(a), Values::Sixteen(b)) => (a[left] as i128).cmp(&(b[right] as i128)),
            _ => compare_words(self.ty.base, self.word(left), other.word(right)),
        }
    }
}

/// A number of fewer than 64 bits, extended by its sign.
#[inline]
pub(crate) fn extend(base: BaseType, bits: u64) -> u64 {
    match base {
        BaseType::Int8 => bits as i8 as i64 as u64,
        BaseType::Int16 => bits as i16 as i64 as u64,
        BaseType::Int32 | BaseType::Date => bits as i32 as i64 as u64,
        BaseType::Bool
        | BaseType::UInt8
        | BaseType::UInt16
        | BaseType::UInt32
        | BaseType::Float32
        | BaseType::Int64
        | BaseType::UInt64
        | BaseType::Float64
        | BaseType::String
        | BaseType::Bytes
        | BaseType::List(..)
        | BaseType::Decimal(..)
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration => bits,
    }
}

/// Order of two values as [`Column::word`] gives them; NaN is greatest.
pub(crate) fn compare_words(base: BaseType, left: u64, right: u64) -> Ordering {
    match base {
        BaseType::Float64 => compare_floats(f64::from_bits(left), f64::from_bits(right)),
        BaseType::Float32 => {
            compare_floats(f64::from(f32::from_bits(left as u32)), f64::from(f32::from_bits(right as u32)))
        }
        BaseType::Bool | BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64 => left.cmp(&right),
        BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::Decimal(..) => (left as i64).cmp(&(right as i64)),
        BaseType::String | BaseType::Bytes | BaseType::List(..) => unreachable!("strings are not words"),
    }
}

fn compare_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// A value of at most eight bytes as text.
pub(crate) fn show_word(base: BaseType, word: u64) -> String {
    match base {
        BaseType::Bool => (word & 1 != 0).to_string(),
        BaseType::Float64 => format!("{:?}", f64::from_bits(word)),
        BaseType::Float32 => format!("{:?}", f32::from_bits(word as u32)),
        BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64 => word.to_string(),
        BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::Decimal(..)
        | BaseType::String
        | BaseType::Bytes
        | BaseType::List(..) => (word as i64).to_string(),
    }
}

fn show_decimal(base: BaseType, value: i128) -> String {
    let BaseType::Decimal(_, scale) = base else { return value.to_string() };
    if scale <= 0 {
        return format!("{value}{}", "0".repeat(usize::from(scale.unsigned_abs())));
    }
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    format!("{}{whole}.{fraction}", if value < 0 { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: BaseType, words: &[Option<u64>]) -> Column {
        let mut column = Column::new(ColumnType { base, nullable: true });
        for word in words {
            match word {
                Some(word) => column.push_word(*word),
                None => column.push_null(),
            }
        }
        column
    }

    #[test]
    fn null_is_least_and_nan_is_greatest() {
        let column = of(
            BaseType::Float64,
            &[
                Some(f64::NAN.to_bits()),
                Some(1f64.to_bits()),
                None,
                Some((-0f64).to_bits()),
                Some(f64::INFINITY.to_bits()),
            ],
        );
        let mut rows: Vec<usize> = (0..5).collect();
        rows.sort_by(|a, b| column.compare(*a, *b));
        assert_eq!(rows, [2, 3, 1, 4, 0]);
        let column = of(BaseType::Int8, &[Some(5), Some(-3i64 as u64), None]);
        assert_eq!(column.compare(1, 0), Ordering::Less);
        assert_eq!(column.compare(2, 1), Ordering::Less);
        assert_eq!(column.show(1), "-3");
    }

    #[test]
    fn rows_are_added_and_taken_with_their_nulls() {
        let mut all = of(BaseType::Int32, &[Some(1), None]);
        all.extend_rows(&of(BaseType::Int32, &[Some(3), None, Some(5)]), &[0, 1, 2]);
        all.extend_rows(&of(BaseType::Int32, &[Some(6)]), &[0]);
        let shown = |column: &Column| (0..column.len()).map(|row| column.show(row)).collect::<Vec<_>>().join(" ");
        assert_eq!(shown(&all), "1 None 3 None 5 6");
        assert_eq!(shown(&all.take(&[5, 3, 0, 0])), "6 None 1 1");
    }

    #[test]
    fn decimals_are_shown_with_their_point() {
        assert_eq!(show_decimal(BaseType::Decimal(10, 2), -5), "-0.05");
        assert_eq!(show_decimal(BaseType::Decimal(10, 2), 12345), "123.45");
    }
}
