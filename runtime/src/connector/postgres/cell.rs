//! Values as PostgreSQL sends them, in its binary form, and what they are in a record.
//!
//! Only what loses nothing is read: `integer` as `i64`, but not `bigint` as `i32`. A value that a record cannot hold (a number with
//! too many digits, `infinity` as a time) is an error of its row.

use bytes::BytesMut;
use sabot_abi::manifest::BaseType;
use std::borrow::Cow;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

/// Days from 1970 to 2000, where the database counts from.
const DAYS_TO_2000: i32 = 10_957;

/// Microseconds from 1970 to 2000.
const MICROS_TO_2000: i64 = DAYS_TO_2000 as i64 * 86_400_000_000;

/// The bytes of a value.
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A date that is asked for: days from 1970 on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Days(pub(crate) i32);

impl ToSql for Days {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        // What the database cannot count is the infinite future to it, and so equal to no date.
        out.extend_from_slice(&self.0.checked_sub(DAYS_TO_2000).unwrap_or(i32::MAX).to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::DATE
    }

    to_sql_checked!();
}

/// A time that is asked for: microseconds from 1970 on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Micros(pub(crate) i64);

impl ToSql for Micros {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(&self.0.checked_sub(MICROS_TO_2000).unwrap_or(i64::MAX).to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        [Type::TIMESTAMP, Type::TIMESTAMPTZ].contains(ty)
    }

    to_sql_checked!();
}

/// A value of a record.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// At most eight bytes; integers with their sign, floats as their own bits.
    Word(u64),
    /// A decimal.
    Wide(i128),
    /// Text or bytes.
    Bytes(Cow<'a, [u8]>),
}

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Bool,
    /// Integers of so many bytes.
    Int(usize),
    Float4,
    Float8,
    /// `real` as `f64`.
    Widened,
    /// Integers of so many bytes as decimals of so many digits behind the point.
    WholeDecimal(usize, i8),
    /// Digits before and behind the point, at most.
    Decimal(u8, i8),
    Bytes,
    /// Text behind the number of its version.
    Jsonb,
    Uuid,
    Date,
    Micros,
}

impl Reading {
    /// How a column of the database becomes one of the record; nothing if it does not.
    pub(crate) fn of(found: &Type, wanted: BaseType) -> Option<Self> {
        let int = |most: usize| match *found {
            Type::INT2 => Some(2),
            Type::INT4 => Some(4).filter(|bytes| *bytes <= most),
            Type::INT8 => Some(8).filter(|bytes| *bytes <= most),
            _ => None,
        };
        Some(match wanted {
            BaseType::Bool if *found == Type::BOOL => Self::Bool,
            BaseType::Int16 => Self::Int(int(2)?),
            BaseType::Int32 => Self::Int(int(4)?),
            BaseType::Int64 => Self::Int(int(8)?),
            BaseType::Float32 if *found == Type::FLOAT4 => Self::Float4,
            BaseType::Float64 if *found == Type::FLOAT4 => Self::Widened,
            BaseType::Float64 if *found == Type::FLOAT8 => Self::Float8,
            BaseType::Decimal(precision, scale) if *found == Type::NUMERIC => Self::Decimal(precision, scale),
            BaseType::Decimal(_, scale) => Self::WholeDecimal(int(8)?, scale),
            BaseType::String => match *found {
                Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON => Self::Bytes,
                Type::JSONB => Self::Jsonb,
                Type::UUID => Self::Uuid,
                _ if matches!(found.kind(), Kind::Enum(_)) => Self::Bytes,
                _ => return None,
            },
            BaseType::Bytes if *found == Type::BYTEA => Self::Bytes,
            BaseType::Date if *found == Type::DATE => Self::Date,
            BaseType::TimestampUs if [Type::TIMESTAMPTZ, Type::TIMESTAMP].contains(found) => Self::Micros,
            BaseType::Bool
            | BaseType::Int8
            | BaseType::UInt8
            | BaseType::UInt16
            | BaseType::UInt32
            | BaseType::UInt64
            | BaseType::Float32
            | BaseType::Float64
            | BaseType::Bytes
            | BaseType::Date
            | BaseType::TimestampMs
            | BaseType::TimestampUs
            | BaseType::TimestampNs
            | BaseType::Duration
            | BaseType::List(..) => return None,
        })
    }

    /// The value; what it is instead, if the record cannot hold it.
    pub(crate) fn read(self, raw: &[u8]) -> Result<Cell<'_>, String> {
        let short = || "bytes that are no such value".to_owned();
        let int = |bytes: usize| -> Result<i64, String> {
            Ok(match bytes {
                2 => i64::from(i16::from_be_bytes(raw.try_into().map_err(|_| short())?)),
                4 => i64::from(i32::from_be_bytes(raw.try_into().map_err(|_| short())?)),
                _ => i64::from_be_bytes(raw.try_into().map_err(|_| short())?),
            })
        };
        Ok(match self {
            Self::Bool => Cell::Word(u64::from(raw.first().copied().ok_or_else(short)? != 0)),
            Self::Int(bytes) => Cell::Word(int(bytes)?.cast_unsigned()),
            Self::Float4 => Cell::Word(u64::from(u32::from_be_bytes(raw.try_into().map_err(|_| short())?))),
            Self::Float8 => Cell::Word(u64::from_be_bytes(raw.try_into().map_err(|_| short())?)),
            Self::Widened => {
                let value = f32::from_be_bytes(raw.try_into().map_err(|_| short())?);
                Cell::Word(f64::from(value).to_bits())
            }
            Self::WholeDecimal(bytes, scale) => {
                Cell::Wide(i128::from(int(bytes)?) * 10_i128.pow(u32::try_from(scale).unwrap_or(0)))
            }
            Self::Decimal(precision, scale) => Cell::Wide(decimal(raw, precision, scale)?),
            Self::Bytes => Cell::Bytes(Cow::Borrowed(raw)),
            Self::Jsonb => Cell::Bytes(Cow::Borrowed(raw.get(1..).ok_or_else(short)?)),
            Self::Uuid => Cell::Bytes(Cow::Owned(uuid(raw).into_bytes())),
            Self::Date => match int(4)? as i32 {
                i32::MAX | i32::MIN => return Err("`infinity`".to_owned()),
                days => {
                    let days = days.checked_add(DAYS_TO_2000).ok_or_else(|| "a date out of range".to_owned())?;
                    Cell::Word(i64::from(days).cast_unsigned())
                }
            },
            Self::Micros => match int(8)? {
                i64::MAX | i64::MIN => return Err("`infinity`".to_owned()),
                micros => {
                    let micros = micros.checked_add(MICROS_TO_2000).ok_or_else(|| "a time out of range".to_owned())?;
                    Cell::Word(micros.cast_unsigned())
                }
            },
        })
    }
}

/// A `numeric`: digits to the base of 10,000, the first of them worth 10,000 to the power of its weight.
fn decimal(raw: &[u8], precision: u8, scale: i8) -> Result<i128, String> {
    let half = |at: usize| raw.get(2 * at..2 * at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let [Some(digits), Some(weight), Some(sign), Some(shown)] = [half(0), half(1), half(2), half(3)] else {
        return Err("bytes that are no number".to_owned());
    };
    match sign {
        0 | 0x4000 => {}
        0xC000 => return Err("`NaN`".to_owned()),
        _ => return Err("`infinity`".to_owned()),
    }
    let too_large = || format!("a number with more than {precision} digits, {scale} of them behind the point");
    let scale = i32::from(scale);
    let mut value: i128 = 0;
    for number in 0..digits {
        let digit = i128::from(half(4 + usize::from(number)).ok_or_else(|| "bytes that are no number".to_owned())?);
        // What one of this digit is worth, as a power of ten of the decimal's last place.
        let power = 4 * (i32::from(weight.cast_signed()) - i32::from(number)) + scale;
        let worth = if power >= 0 {
            10_i128.checked_pow(power.unsigned_abs()).and_then(|one| digit.checked_mul(one)).ok_or_else(too_large)?
        } else {
            let one = 10_i128.checked_pow(power.unsigned_abs()).unwrap_or(i128::MAX);
            if digit % one != 0 {
                return Err(format!("a number with {shown} digits behind the point"));
            }
            digit / one
        };
        value = value.checked_add(worth).ok_or_else(too_large)?;
    }
    if value >= 10_i128.pow(u32::from(precision)) {
        return Err(too_large());
    }
    Ok(if sign == 0x4000 { -value } else { value })
}

fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in raw.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &[u16], weight: i16, sign: u16) -> Vec<u8> {
        let head = [digits.len() as u16, weight.cast_unsigned(), sign, 4];
        head.iter().chain(digits).flat_map(|half| half.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_are_read_exactly() {
        fn read(raw: &[u8]) -> Result<Cell<'_>, String> {
            Reading::Decimal(38, 9).read(raw)
        }
        assert_eq!(read(&number(&[1, 2500], 0, 0)), Ok(Cell::Wide(1_250_000_000)));
        assert_eq!(read(&number(&[12, 3456], 1, 0x4000)), Ok(Cell::Wide(-123_456_000_000_000)));
        assert_eq!(read(&number(&[], 0, 0)), Ok(Cell::Wide(0)));
        assert_eq!(read(&number(&[1000], -3, 0)), Ok(Cell::Wide(1)));
        assert!(read(&number(&[1], -3, 0)).is_err(), "twelve digits behind the point");
        assert!(read(&number(&[1], 8, 0)).is_err(), "too large");
        assert_eq!(read(&number(&[], 0, 0xC000)), Err("`NaN`".to_owned()));
    }

    #[test]
    fn nothing_is_lost() {
        assert_eq!(Reading::of(&Type::INT8, BaseType::Int32), None);
        assert_eq!(Reading::of(&Type::FLOAT8, BaseType::Float32), None);
        assert_eq!(Reading::of(&Type::INT4, BaseType::Int64), Some(Reading::Int(4)));
        assert_eq!(Reading::Int(4).read(&(-7_i32).to_be_bytes()), Ok(Cell::Word((-7_i64).cast_unsigned())));
        assert_eq!(Reading::Date.read(&0_i32.to_be_bytes()), Ok(Cell::Word(10_957)));
        assert_eq!(Reading::Micros.read(&i64::MAX.to_be_bytes()), Err("`infinity`".to_owned()));
        assert_eq!(Reading::Int(8).read(&[1, 2]), Err("bytes that are no such value".to_owned()));
    }
}
