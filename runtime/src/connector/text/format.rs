//! A value of a column as text: the same in CSV and NDJSON but for quoting and for numbers that are none.

use super::super::convert::in_type;
use super::super::schema::arrow_type;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType};
use sabot_abi::manifest::BaseType;
use sabot_library::text::{write_date, write_duration, write_timestamp};

/// What stands around a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The byte between fields.
    Csv(u8),
    /// JSON.
    Json,
}

/// A column with its type known.
pub(super) enum Column {
    Bool(BooleanArray),
    Int8(Int8Array),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    UInt8(UInt8Array),
    UInt16(UInt16Array),
    UInt32(UInt32Array),
    UInt64(UInt64Array),
    Float32(Float32Array),
    Float64(Float64Array),
    String(StringArray),
    StringView(StringViewArray),
    Dictionary(Int32Array, StringArray),
    Bytes(BinaryArray),
    Decimal(Decimal128Array, i8),
    Date(Date32Array),
    TimestampMs(TimestampMillisecondArray),
    TimestampUs(TimestampMicrosecondArray),
    TimestampNs(TimestampNanosecondArray),
    Duration(DurationMicrosecondArray),
    List(ListArray, Box<Column>),
}

impl Column {
    /// Takes a column in any layout of its type.
    pub(super) fn new(array: &ArrayRef, base: BaseType) -> Result<Self, ArrowError> {
        if base == BaseType::String
            && let DataType::Utf8View = array.data_type()
        {
            return Ok(Self::StringView(array.as_string_view().clone()));
        }
        if base == BaseType::String
            && let Some(dictionary) = array.as_dictionary_opt::<Int32Type>()
            && let Some(values) = dictionary.values().as_string_opt::<i32>()
            && values.null_count() == 0
        {
            return Ok(Self::Dictionary(dictionary.keys().clone(), values.clone()));
        }
        let array = in_type(array, &arrow_type(base))?;
        Ok(match base {
            BaseType::Bool => Self::Bool(array.as_boolean().clone()),
            BaseType::Int8 => Self::Int8(array.as_primitive::<Int8Type>().clone()),
            BaseType::Int16 => Self::Int16(array.as_primitive::<Int16Type>().clone()),
            BaseType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().clone()),
            BaseType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().clone()),
            BaseType::UInt8 => Self::UInt8(array.as_primitive::<UInt8Type>().clone()),
            BaseType::UInt16 => Self::UInt16(array.as_primitive::<UInt16Type>().clone()),
            BaseType::UInt32 => Self::UInt32(array.as_primitive::<UInt32Type>().clone()),
            BaseType::UInt64 => Self::UInt64(array.as_primitive::<UInt64Type>().clone()),
            BaseType::Float32 => Self::Float32(array.as_primitive::<Float32Type>().clone()),
            BaseType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().clone()),
            BaseType::String => Self::String(array.as_string::<i32>().clone()),
            BaseType::Bytes => Self::Bytes(array.as_binary::<i32>().clone()),
            BaseType::Decimal(_, scale) => Self::Decimal(array.as_primitive::<Decimal128Type>().clone(), scale),
            BaseType::Date => Self::Date(array.as_primitive::<Date32Type>().clone()),
            BaseType::TimestampMs => Self::TimestampMs(array.as_primitive::<TimestampMillisecondType>().clone()),
            BaseType::TimestampUs => Self::TimestampUs(array.as_primitive::<TimestampMicrosecondType>().clone()),
            BaseType::TimestampNs => Self::TimestampNs(array.as_primitive::<TimestampNanosecondType>().clone()),
            BaseType::Duration => Self::Duration(array.as_primitive::<DurationMicrosecondType>().clone()),
            BaseType::List(..) => {
                let lists = array.as_list::<i32>().clone();
                let items = Self::new(lists.values(), base.item().unwrap_or(BaseType::Bytes))?;
                Self::List(lists, Box::new(items))
            }
        })
    }

    fn as_array(&self) -> &dyn Array {
        match self {
            Self::Bool(array) => array,
            Self::Int8(array) => array,
            Self::Int16(array) => array,
            Self::Int32(array) => array,
            Self::Int64(array) => array,
            Self::UInt8(array) => array,
            Self::UInt16(array) => array,
            Self::UInt32(array) => array,
            Self::UInt64(array) => array,
            Self::Float32(array) => array,
            Self::Float64(array) => array,
            Self::String(array) => array,
            Self::StringView(array) => array,
            Self::Dictionary(keys, _) => keys,
            Self::Bytes(array) => array,
            Self::Decimal(array, _) => array,
            Self::Date(array) => array,
            Self::TimestampMs(array) => array,
            Self::TimestampUs(array) => array,
            Self::TimestampNs(array) => array,
            Self::Duration(array) => array,
            Self::List(array, _) => array,
        }
    }

    /// Whether it holds `true` there.
    pub(super) fn is_true(&self, row: usize) -> bool {
        matches!(self, Self::Bool(array) if array.value(row))
    }

    /// Appends the value of a row; `None` is nothing in CSV and `null` in JSON.
    pub(super) fn write(&self, row: usize, style: Style, out: &mut Vec<u8>) {
        if self.as_array().is_null(row) {
            if style == Style::Json {
                out.extend_from_slice(b"null");
            }
            return;
        }
        let mut int = |value: i64| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        match self {
            Self::Bool(array) => out.extend_from_slice(if array.value(row) { b"true" } else { b"false" }),
            Self::Int8(array) => int(array.value(row).into()),
            Self::Int16(array) => int(array.value(row).into()),
            Self::Int32(array) => int(array.value(row).into()),
            Self::Int64(array) => int(array.value(row)),
            Self::UInt8(array) => int(array.value(row).into()),
            Self::UInt16(array) => int(array.value(row).into()),
            Self::UInt32(array) => int(array.value(row).into()),
            Self::UInt64(array) => out.extend_from_slice(itoa::Buffer::new().format(array.value(row)).as_bytes()),
            Self::Float32(array) => {
                let value = array.value(row);
                if value.is_finite() {
                    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
                } else {
                    write_not_finite(value.is_nan(), value > 0.0, style, out);
                }
            }
            Self::Float64(array) => {
                let value = array.value(row);
                if value.is_finite() {
                    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
                } else {
                    write_not_finite(value.is_nan(), value > 0.0, style, out);
                }
            }
            Self::String(array) => write_string(array.value(row), style, out),
            Self::StringView(array) => write_string(array.value(row), style, out),
            Self::Dictionary(keys, values) => write_string(values.value(keys.value(row) as usize), style, out),
            Self::Bytes(array) => in_quotes(style, out, |out| {
                for byte in array.value(row) {
                    out.push(HEX[usize::from(byte >> 4)]);
                    out.push(HEX[usize::from(byte & 15)]);
                }
            }),
            Self::Decimal(array, scale) => {
                write_decimal(array.value(row), *scale, out);
                // The language's own decimals are as short as they can be; others have the digits of their type.
                if *scale == 9 {
                    let end = out.iter().rposition(|byte| *byte != b'0').unwrap_or(0);
                    out.truncate(if out[end] == b'.' { end } else { end + 1 });
                }
            }
            Self::Date(array) => in_quotes(style, out, |out| write_date(out, array.value(row).into())),
            Self::TimestampMs(array) => in_quotes(style, out, |out| write_timestamp(out, array.value(row), 1_000)),
            Self::TimestampUs(array) => in_quotes(style, out, |out| write_timestamp(out, array.value(row), 1_000_000)),
            Self::TimestampNs(array) => {
                in_quotes(style, out, |out| write_timestamp(out, array.value(row), 1_000_000_000));
            }
            Self::Duration(array) => in_quotes(style, out, |out| write_duration(out, array.value(row))),
            Self::List(array, items) => {
                out.push(b'[');
                let (from, to) = (array.value_offsets()[row] as usize, array.value_offsets()[row + 1] as usize);
                for at in from..to {
                    if at > from {
                        out.push(b',');
                    }
                    items.write(at, style, out);
                }
                out.push(b']');
            }
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn in_quotes(style: Style, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    match style {
        Style::Csv(_) => {
            let start = out.len();
            write(out);
            if out.len() == start {
                out.extend_from_slice(b"\"\"");
            }
        }
        Style::Json => {
            out.push(b'"');
            write(out);
            out.push(b'"');
        }
    }
}

fn write_not_finite(is_nan: bool, is_positive: bool, style: Style, out: &mut Vec<u8>) {
    let text: &[u8] = match (is_nan, is_positive) {
        (true, _) => b"NaN",
        (false, true) => b"Infinity",
        (false, false) => b"-Infinity",
    };
    in_quotes(style, out, |out| out.extend_from_slice(text));
}

fn write_decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    if value < 0 {
        out.push(b'-');
    }
    let Ok(scale) = usize::try_from(scale) else {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
        return;
    };
    let whole = digits.len().saturating_sub(scale);
    if whole == 0 {
        out.push(b'0');
    }
    out.extend_from_slice(&digits[..whole]);
    if scale > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale - (digits.len() - whole)));
        out.extend_from_slice(&digits[whole..]);
    }
}

/// Appends a string, quoted where that is needed.
pub(super) fn write_string(text: &str, style: Style, out: &mut Vec<u8>) {
    match style {
        Style::Csv(delimiter) => {
            let bytes = text.as_bytes();
            let is_special = |byte: &u8| matches!(byte, b'"' | b'\n' | b'\r') || *byte == delimiter;
            // An empty string is not `None`, and blanks at the ends are part of it.
            if !bytes.is_empty() && !bytes.iter().any(is_special) {
                out.extend_from_slice(bytes);
                return;
            }
            out.push(b'"');
            for byte in bytes {
                if *byte == b'"' {
                    out.push(b'"');
                }
                out.push(*byte);
            }
            out.push(b'"');
        }
        Style::Json => {
            out.push(b'"');
            let mut plain = 0;
            let bytes = text.as_bytes();
            for (at, byte) in bytes.iter().enumerate() {
                if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
                    continue;
                }
                out.extend_from_slice(&bytes[plain..at]);
                plain = at + 1;
                match byte {
                    b'"' => out.extend_from_slice(b"\\\""),
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'\t' => out.extend_from_slice(b"\\t"),
                    other => {
                        out.extend_from_slice(b"\\u00");
                        out.push(HEX[usize::from(other >> 4)]);
                        out.push(HEX[usize::from(other & 15)]);
                    }
                }
            }
            out.extend_from_slice(&bytes[plain..]);
            out.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str, style: Style) -> String {
        let mut out = Vec::new();
        write_string(text, style, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_quoted_where_needed() {
        let csv = Style::Csv(b',');
        assert_eq!(string("a b", csv), "a b");
        assert_eq!(string("", csv), "\"\"");
        assert_eq!(string("a,\"b\"\n", csv), "\"a,\"\"b\"\"\n\"");
        assert_eq!(string("a\"\\\n\u{1}é", Style::Json), r#""a\"\\\n\u0001é""#);
    }

    #[test]
    fn decimals_have_their_point() {
        let decimal = |value, scale| {
            let mut out = Vec::new();
            write_decimal(value, scale, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(decimal(-1234, 2), "-12.34");
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(0, 2), "0.00");
        assert_eq!(decimal(12, 0), "12");
        assert_eq!(decimal(12, -2), "1200");
    }
}
