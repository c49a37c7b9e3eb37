//! A column that is being read from text: one value after the other, each parsed as the record's type says.

use super::super::list::{packed, unpacked};
use super::super::schema::arrow_type;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, DurationMicrosecondBuilder, Float32Builder,
    Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
    TimestampMillisecondBuilder, TimestampNanosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BinaryArray, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;
use sabot_abi::manifest::BaseType;
use sabot_library::text::{parse_date, parse_duration, parse_timestamp};
use std::sync::Arc;

/// The value is not of the column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

/// Values so far.
pub(super) enum ColumnBuilder {
    Bool(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt8(UInt8Builder),
    UInt16(UInt16Builder),
    UInt32(UInt32Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    String(StringBuilder),
    Bytes(BinaryBuilder),
    Decimal(Decimal128Builder, u8, i8),
    Date(Date32Builder),
    TimestampMs(TimestampMillisecondBuilder),
    TimestampUs(TimestampMicrosecondBuilder),
    TimestampNs(TimestampNanosecondBuilder),
    Duration(DurationMicrosecondBuilder),
    List(ListColumn),
}

/// Runs an expression with the builder of whichever column it is.
macro_rules! each {
    ($column:expr, $builder:ident => $result:expr) => {
        match $column {
            ColumnBuilder::Bool($builder) => $result,
            ColumnBuilder::Int8($builder) => $result,
            ColumnBuilder::Int16($builder) => $result,
            ColumnBuilder::Int32($builder) => $result,
            ColumnBuilder::Int64($builder) => $result,
            ColumnBuilder::UInt8($builder) => $result,
            ColumnBuilder::UInt16($builder) => $result,
            ColumnBuilder::UInt32($builder) => $result,
            ColumnBuilder::UInt64($builder) => $result,
            ColumnBuilder::Float32($builder) => $result,
            ColumnBuilder::Float64($builder) => $result,
            ColumnBuilder::String($builder) => $result,
            ColumnBuilder::Bytes($builder) => $result,
            ColumnBuilder::Decimal($builder, _, _) => $result,
            ColumnBuilder::Date($builder) => $result,
            ColumnBuilder::TimestampMs($builder) => $result,
            ColumnBuilder::TimestampUs($builder) => $result,
            ColumnBuilder::TimestampNs($builder) => $result,
            ColumnBuilder::Duration($builder) => $result,
            ColumnBuilder::List($builder) => $result,
        }
    };
}

impl ColumnBuilder {
    /// An empty column.
    pub(super) fn new(base: BaseType) -> Self {
        match base {
            BaseType::Bool => Self::Bool(BooleanBuilder::new()),
            BaseType::Int8 => Self::Int8(Int8Builder::new()),
            BaseType::Int16 => Self::Int16(Int16Builder::new()),
            BaseType::Int32 => Self::Int32(Int32Builder::new()),
            BaseType::Int64 => Self::Int64(Int64Builder::new()),
            BaseType::UInt8 => Self::UInt8(UInt8Builder::new()),
            BaseType::UInt16 => Self::UInt16(UInt16Builder::new()),
            BaseType::UInt32 => Self::UInt32(UInt32Builder::new()),
            BaseType::UInt64 => Self::UInt64(UInt64Builder::new()),
            BaseType::Float32 => Self::Float32(Float32Builder::new()),
            BaseType::Float64 => Self::Float64(Float64Builder::new()),
            BaseType::String => Self::String(StringBuilder::new()),
            BaseType::Bytes => Self::Bytes(BinaryBuilder::new()),
            BaseType::Decimal(precision, scale) => {
                Self::Decimal(with_type(Decimal128Builder::new(), base), precision, scale)
            }
            BaseType::Date => Self::Date(Date32Builder::new()),
            BaseType::TimestampMs => Self::TimestampMs(with_type(TimestampMillisecondBuilder::new(), base)),
            BaseType::TimestampUs => Self::TimestampUs(with_type(TimestampMicrosecondBuilder::new(), base)),
            BaseType::TimestampNs => Self::TimestampNs(with_type(TimestampNanosecondBuilder::new(), base)),
            BaseType::Duration => Self::Duration(DurationMicrosecondBuilder::new()),
            BaseType::List(..) => Self::List(ListColumn::new(base.item().unwrap_or(BaseType::Bytes))),
        }
    }

    /// Appends a null.
    pub(super) fn push_null(&mut self) {
        each!(self, builder => builder.append_null());
    }

    /// Appends the zero of the type.
    pub(super) fn push_zero(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_value(false),
            Self::Int8(builder) => builder.append_value(0),
            Self::Int16(builder) => builder.append_value(0),
            Self::Int32(builder) => builder.append_value(0),
            Self::Int64(builder) => builder.append_value(0),
            Self::UInt8(builder) => builder.append_value(0),
            Self::UInt16(builder) => builder.append_value(0),
            Self::UInt32(builder) => builder.append_value(0),
            Self::UInt64(builder) => builder.append_value(0),
            Self::Float32(builder) => builder.append_value(0.0),
            Self::Float64(builder) => builder.append_value(0.0),
            Self::String(builder) => builder.append_value(""),
            Self::Bytes(builder) => builder.append_value([]),
            Self::Decimal(builder, ..) => builder.append_value(0),
            Self::Date(builder) => builder.append_value(0),
            Self::TimestampMs(builder) => builder.append_value(0),
            Self::TimestampUs(builder) => builder.append_value(0),
            Self::TimestampNs(builder) => builder.append_value(0),
            Self::Duration(builder) => builder.append_value(0),
            Self::List(builder) => builder.append(0),
        }
    }

    /// Appends a value; appends nothing if it is unfit.
    pub(super) fn push(&mut self, text: &[u8]) -> Result<(), Unfit> {
        match self {
            Self::Bool(builder) => builder.append_value(bool_of(trim(text)).ok_or(Unfit)?),
            Self::Int8(builder) => builder.append_value(narrow(trim(text))?),
            Self::Int16(builder) => builder.append_value(narrow(trim(text))?),
            Self::Int32(builder) => builder.append_value(narrow(trim(text))?),
            Self::Int64(builder) => builder.append_value(int(trim(text)).ok_or(Unfit)?),
            Self::UInt8(builder) => builder.append_value(narrow(trim(text))?),
            Self::UInt16(builder) => builder.append_value(narrow(trim(text))?),
            Self::UInt32(builder) => builder.append_value(narrow(trim(text))?),
            Self::UInt64(builder) => builder.append_value(uint(trim(text)).ok_or(Unfit)?),
            Self::Float32(builder) => builder.append_value(float(trim(text))?),
            Self::Float64(builder) => builder.append_value(float(trim(text))?),
            Self::String(builder) => builder.append_value(std::str::from_utf8(text).map_err(|_| Unfit)?),
            Self::Bytes(builder) => builder.append_value(hex(text).ok_or(Unfit)?),
            Self::Decimal(builder, precision, scale) => {
                builder.append_value(decimal(trim(text), *precision, *scale).ok_or(Unfit)?);
            }
            Self::Date(builder) => {
                let days = parse_date(trim(text)).and_then(|days| i32::try_from(days).ok());
                builder.append_value(days.ok_or(Unfit)?);
            }
            Self::TimestampMs(builder) => builder.append_value(parse_timestamp(trim(text), 1_000).ok_or(Unfit)?),
            Self::TimestampUs(builder) => builder.append_value(parse_timestamp(trim(text), 1_000_000).ok_or(Unfit)?),
            Self::TimestampNs(builder) => {
                builder.append_value(parse_timestamp(trim(text), 1_000_000_000).ok_or(Unfit)?);
            }
            Self::Duration(builder) => builder.append_value(parse_duration(trim(text)).ok_or(Unfit)?),
            // Only JSON has lists, and pushes their items one by one.
            Self::List(_) => return Err(Unfit),
        }
        Ok(())
    }

    /// The values so far, leaving none.
    pub(super) fn finish(&mut self) -> ArrayRef {
        each!(self, builder => Arc::new(builder.finish()))
    }
}

/// A column of lists.
pub(super) struct ListColumn {
    items: Box<ColumnBuilder>,
    item: BaseType,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl ListColumn {
    fn new(item: BaseType) -> Self {
        Self { items: Box::new(ColumnBuilder::new(item)), item, lengths: Vec::new(), valid: Vec::new() }
    }

    /// What the lists hold, and where the items of the next list go.
    pub(super) fn items(&mut self) -> (BaseType, &mut ColumnBuilder) {
        (self.item, &mut self.items)
    }

    /// Ends a list that has this many items.
    pub(super) fn append(&mut self, items: usize) {
        self.lengths.push(items);
        self.valid.push(true);
    }

    fn append_null(&mut self) {
        self.lengths.push(0);
        self.valid.push(false);
    }

    /// The lists as bytes.
    fn finish(&mut self) -> BinaryArray {
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        let nulls = NullBuffer::from(std::mem::take(&mut self.valid));
        let mut items = self.items.finish();
        if let (Some(inner), Some(bytes)) = (self.item.item(), items.as_binary_opt::<i32>()) {
            items = Arc::new(unpacked(bytes, inner).expect("what was packed here are lists"));
        }
        let field = Arc::new(Field::new("item", arrow_type(self.item), false));
        let lists: ArrayRef = Arc::new(ListArray::new(field, offsets, items, Some(nulls)));
        packed(&lists, self.item)
    }
}

fn with_type<T: ArrowPrimitiveType>(
    builder: arrow_array::builder::PrimitiveBuilder<T>,
    base: BaseType,
) -> arrow_array::builder::PrimitiveBuilder<T> {
    builder.with_data_type(arrow_type(base))
}

/// What a value of the type looks like, for messages.
pub(super) fn expected(base: BaseType) -> String {
    let integer = |kind: &str| format!("an integer ({kind})");
    match base {
        BaseType::Bool => "`true` or `false`".into(),
        BaseType::Int8 => integer("i8: -128 to 127"),
        BaseType::Int16 => integer("i16: -32768 to 32767"),
        BaseType::Int32 => integer("i32"),
        BaseType::Int64 => integer("i64"),
        BaseType::UInt8 => integer("u8: 0 to 255"),
        BaseType::UInt16 => integer("u16: 0 to 65535"),
        BaseType::UInt32 => integer("u32: not negative"),
        BaseType::UInt64 => integer("u64: not negative"),
        BaseType::Float32 | BaseType::Float64 => "a number".into(),
        BaseType::String => "text in UTF-8".into(),
        BaseType::Bytes => "bytes as hexadecimal digits".into(),
        BaseType::Decimal(precision, scale) => {
            format!("a decimal of at most {precision} digits, {scale} of them behind the point")
        }
        BaseType::Date => "a date like `2024-02-29`".into(),
        BaseType::TimestampMs => "a time like `2024-02-29T12:00:00.123Z`".into(),
        BaseType::TimestampUs => "a time like `2024-02-29T12:00:00.123456Z`".into(),
        BaseType::TimestampNs => "a time like `2024-02-29T12:00:00.123456789Z`, from 1677 to 2262".into(),
        BaseType::Duration => "a duration like `PT1.5S`".into(),
        BaseType::List(..) => {
            let item = base.item().map_or_else(String::new, expected);
            format!("a list in brackets, each item {item}")
        }
    }
}

fn trim(text: &[u8]) -> &[u8] {
    match text {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => text.trim_ascii(),
        text => text,
    }
}

fn bool_of(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

fn narrow<T: TryFrom<i64>>(text: &[u8]) -> Result<T, Unfit> {
    int(text).and_then(|value| T::try_from(value).ok()).ok_or(Unfit)
}

fn uint(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    if digits.len() < 20 {
        // Nineteen digits fit.
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u64::from(digit);
        }
        return Some(value);
    }
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

fn int(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(digits) if digits.first() != Some(&b'+') => 0_i64.checked_sub_unsigned(uint(digits)?),
        Some(_) => None,
        None => i64::try_from(uint(text)?).ok(),
    }
}

fn float<T: std::str::FromStr>(text: &[u8]) -> Result<T, Unfit> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Unfit)
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// `-12.34` in units of the scale; digits that would be cut off, unless they are zeros, are refused.
fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &text[..0]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = usize::try_from(scale).ok()?;
    let (kept, cut) = fraction.split_at(fraction.len().min(scale));
    if cut.iter().any(|byte| *byte != b'0') {
        return None;
    }
    let padding = std::iter::repeat_n(&b'0', scale - kept.len());
    let mut value = 0_i128;
    for byte in whole.iter().chain(kept).chain(padding) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    let limit = 10_i128.checked_pow(u32::from(precision));
    if limit.is_some_and(|limit| value >= limit) {
        return None;
    }
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_at_their_limits() {
        assert_eq!(int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(int(b"9223372036854775808"), None);
        assert_eq!(uint(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(uint(b"18446744073709551616"), None);
        assert_eq!(int(b"+7"), Some(7));
        for bad in ["", "-", "+", "-+1", "1.0", "1e3", "0x1", "१"] {
            assert_eq!(int(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(narrow::<i8>(b"128"), Err(Unfit));
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal(b"-12.34", 6, 2), Some(-1234));
        assert_eq!(decimal(b"12", 6, 2), Some(1200));
        assert_eq!(decimal(b".5", 6, 2), Some(50));
        assert_eq!(decimal(b"1.230", 6, 2), Some(123));
        assert_eq!(decimal(b"1.234", 6, 2), None);
        assert_eq!(decimal(b"99999.99", 6, 2), None);
        assert_eq!(decimal(b".", 6, 2), None);
    }

    #[test]
    fn bytes_are_hexadecimal() {
        assert_eq!(hex(b"00fFa1"), Some(vec![0, 255, 161]));
        assert_eq!(hex(b"0"), None);
        assert_eq!(hex(b"0g"), None);
    }
}
