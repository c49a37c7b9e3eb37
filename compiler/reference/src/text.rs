//! Functions of strings, characters and bytes: std's.

use crate::value::Value;
use sabot_abi::ROW_BYTES;
use sabot_abi::format::{self, FormatSpec};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;
use sabot_library::Regex;
use std::cell::RefCell;
use std::collections::BTreeMap;

type Outcome = Result<Value, RowErrorCode>;

/// The arguments of a call.
struct Args<'a>(TextFunction, &'a [Value]);

impl<'a> Args<'a> {
    fn text(&self, at: usize) -> &'a str {
        match self.1.get(at) {
            Some(Value::String(text)) => text,
            other => unreachable!("argument {at} of {:?} is {other:?}", self.0),
        }
    }

    fn bytes(&self, at: usize) -> &'a [u8] {
        match self.1.get(at) {
            Some(Value::Bytes(bytes)) => bytes,
            other => unreachable!("argument {at} of {:?} is {other:?}", self.0),
        }
    }

    /// A number, a position: any integer, by its low bits.
    fn number(&self, at: usize) -> usize {
        match self.1.get(at) {
            Some(Value::Int(number)) => *number as usize,
            other => unreachable!("argument {at} of {:?} is {other:?}", self.0),
        }
    }

    fn char(&self, at: usize) -> char {
        char::from_u32(self.number(at) as u32).expect("a `char` is a Unicode scalar value")
    }
}

fn made(text: String) -> Outcome {
    if text.len() as u64 > ROW_BYTES { Err(RowErrorCode::TooLarge) } else { Ok(Value::String(text)) }
}

fn part(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::String(text.to_owned()))
}

fn number(number: Option<usize>) -> Value {
    number.map_or(Value::Null, |number| Value::Int(number as i128))
}

fn scalar(c: char) -> Value {
    Value::Int(u32::from(c).into())
}

fn scalar_or_none(c: Option<char>) -> Value {
    c.map_or(Value::Null, scalar)
}

thread_local! {
    /// Compiled patterns: to compile one takes longer than all else together.
    static PATTERNS: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
}

fn pattern(pattern: &str) -> Regex {
    PATTERNS.with_borrow_mut(|known| {
        let compile = || Regex::new(pattern).expect("the checker knows patterns");
        known.entry(pattern.to_owned()).or_insert_with(compile).clone()
    })
}

/// A function of the table.
pub(crate) fn call(function: TextFunction, args: &[Value]) -> Outcome {
    let args = Args(function, args);
    let text = |at| args.text(at);
    let bytes = |at| args.bytes(at);
    let at = |at| args.number(at);
    let char = |at| args.char(at);
    let found = match function {
        TextFunction::Concat => return made(text(0).to_owned() + text(1)),
        TextFunction::Find => number(text(0).find(text(1))),
        TextFunction::FindFrom => {
            let rest = text(0).get(at(2)..);
            number(rest.and_then(|rest| rest.find(text(1))).map(|found| found + at(2)))
        }
        TextFunction::RFind => number(text(0).rfind(text(1))),
        TextFunction::Trim => part(Some(text(0).trim())),
        TextFunction::TrimStart => part(Some(text(0).trim_start())),
        TextFunction::TrimEnd => part(Some(text(0).trim_end())),
        TextFunction::TrimStartMatches => part(Some(text(0).trim_start_matches(text(1)))),
        TextFunction::TrimEndMatches => part(Some(text(0).trim_end_matches(text(1)))),
        TextFunction::StripPrefix => part(text(0).strip_prefix(text(1))),
        TextFunction::StripSuffix => part(text(0).strip_suffix(text(1))),
        TextFunction::ToUppercase => return made(text(0).to_uppercase()),
        TextFunction::ToLowercase => return made(text(0).to_lowercase()),
        TextFunction::ToAsciiUppercase => return made(text(0).to_ascii_uppercase()),
        TextFunction::ToAsciiLowercase => return made(text(0).to_ascii_lowercase()),
        TextFunction::EqIgnoreAsciiCase => Value::Bool(text(0).eq_ignore_ascii_case(text(1))),
        TextFunction::Replace => return made(text(0).replace(text(1), text(2))),
        TextFunction::Replacen => return made(text(0).replacen(text(1), text(2), at(3))),
        TextFunction::Repeat => {
            if text(0).len().saturating_mul(at(1)) as u64 > ROW_BYTES {
                return Err(RowErrorCode::TooLarge);
            }
            // Nothing, however often: std would count to the end.
            part(Some(&text(0).repeat(if text(0).is_empty() { 0 } else { at(1) })))
        }
        TextFunction::Slice => {
            let (from, to) = (at(1), at(2));
            if from > to || to > text(0).len() {
                return Err(RowErrorCode::OutOfRange);
            }
            if !text(0).is_char_boundary(from) || !text(0).is_char_boundary(to) {
                return Err(RowErrorCode::CharBoundary);
            }
            part(Some(&text(0)[from..to]))
        }
        TextFunction::Get => part(text(0).get(at(1)..at(2))),
        TextFunction::IsCharBoundary => Value::Bool(text(0).is_char_boundary(at(1))),
        TextFunction::CharCount => number(Some(text(0).chars().count())),
        TextFunction::NthChar => scalar_or_none(text(0).chars().nth(at(1))),
        TextFunction::LastChar => scalar_or_none(text(0).chars().last()),
        TextFunction::Reversed => return made(text(0).chars().rev().collect()),
        TextFunction::CharAt => {
            let next = text(0).get(at(1)..).and_then(|rest| rest.chars().next());
            scalar(next.ok_or(RowErrorCode::OutOfRange)?)
        }
        TextFunction::CharBefore => {
            let last = text(0).get(..at(1)).and_then(|rest| rest.chars().last());
            scalar(last.ok_or(RowErrorCode::OutOfRange)?)
        }
        TextFunction::SkipWhitespace => whitespace(text(0), at(1), |c| !c.is_whitespace()),
        TextFunction::FindWhitespace => whitespace(text(0), at(1), char::is_whitespace),
        TextFunction::AsBytes => Value::Bytes(text(0).as_bytes().to_vec()),
        TextFunction::FromUtf8 => part(String::from_utf8(bytes(0).to_vec()).ok().as_deref()),
        TextFunction::FromUtf8Lossy => return made(String::from_utf8_lossy(bytes(0)).into_owned()),
        TextFunction::ByteAt => Value::Int((*bytes(0).get(at(1)).ok_or(RowErrorCode::OutOfRange)?).into()),
        TextFunction::GetByte => bytes(0).get(at(1)).map_or(Value::Null, |byte| Value::Int((*byte).into())),
        TextFunction::BytesSlice => Value::Bytes(bytes(0).get(at(1)..at(2)).ok_or(RowErrorCode::OutOfRange)?.to_vec()),
        TextFunction::BytesStartWith => Value::Bool(bytes(0).starts_with(bytes(1))),
        TextFunction::BytesEndWith => Value::Bool(bytes(0).ends_with(bytes(1))),
        TextFunction::BytesContain => Value::Bool(bytes(0).contains(&(at(1) as u8))),
        TextFunction::CharToString => return made(char(0).to_string()),
        TextFunction::CharToUppercase => return made(char(0).to_uppercase().collect()),
        TextFunction::CharToLowercase => return made(char(0).to_lowercase().collect()),
        TextFunction::CharLen => number(Some(char(0).len_utf8())),
        TextFunction::CharToDigit => {
            if !(2..=36).contains(&at(1)) {
                return Err(RowErrorCode::OutOfRange);
            }
            number(char(0).to_digit(at(1) as u32).map(|digit| digit as usize))
        }
        TextFunction::CharFromDigit => {
            if at(1) > 36 {
                return Err(RowErrorCode::OutOfRange);
            }
            scalar_or_none(char::from_digit(at(0) as u32, at(1) as u32))
        }
        TextFunction::CharFromU32 => scalar_or_none(char::from_u32(at(0) as u32)),
        TextFunction::IsAlphabetic => Value::Bool(char(0).is_alphabetic()),
        TextFunction::IsNumeric => Value::Bool(char(0).is_numeric()),
        TextFunction::IsAlphanumeric => Value::Bool(char(0).is_alphanumeric()),
        TextFunction::IsWhitespace => Value::Bool(char(0).is_whitespace()),
        TextFunction::IsControl => Value::Bool(char(0).is_control()),
        TextFunction::IsUppercase => Value::Bool(char(0).is_uppercase()),
        TextFunction::IsLowercase => Value::Bool(char(0).is_lowercase()),
        TextFunction::IsAscii => Value::Bool(char(0).is_ascii()),
        TextFunction::IsAsciiAlphabetic => Value::Bool(char(0).is_ascii_alphabetic()),
        TextFunction::IsAsciiDigit => Value::Bool(char(0).is_ascii_digit()),
        TextFunction::IsAsciiHexdigit => Value::Bool(char(0).is_ascii_hexdigit()),
        TextFunction::IsAsciiAlphanumeric => Value::Bool(char(0).is_ascii_alphanumeric()),
        TextFunction::IsAsciiUppercase => Value::Bool(char(0).is_ascii_uppercase()),
        TextFunction::IsAsciiLowercase => Value::Bool(char(0).is_ascii_lowercase()),
        TextFunction::IsAsciiPunctuation => Value::Bool(char(0).is_ascii_punctuation()),
        TextFunction::IsAsciiGraphic => Value::Bool(char(0).is_ascii_graphic()),
        TextFunction::IsAsciiWhitespace => Value::Bool(char(0).is_ascii_whitespace()),
        TextFunction::IsAsciiControl => Value::Bool(char(0).is_ascii_control()),
        TextFunction::RegexIsMatch => Value::Bool(pattern(text(1)).is_match(text(0))),
        TextFunction::RegexFind => part(pattern(text(1)).find(text(0)).map(|found| found.as_str())),
        TextFunction::RegexCapture => part(pattern(text(1)).capture(text(0), at(2))),
        TextFunction::RegexReplaceAll => return made(pattern(text(1)).replace_all(text(0), text(2)).into_owned()),
        TextFunction::RegexReplacen => {
            return made(pattern(text(1)).replacen(text(0), at(3), text(2)).into_owned());
        }
        TextFunction::RegexPlaces => {
            let places = pattern(text(1)).places(text(0), args.1[2] == Value::Bool(true));
            Value::List(places.into_iter().map(|place| Value::Int(place.into())).collect())
        }
        TextFunction::RegexCount => number(Some(pattern(text(1)).count(text(0)))),
        TextFunction::CountOf => number(Some(text(0).chars().filter(|c| *c == char(1)).count())),
        TextFunction::SplitNth => part(text(0).split(text(1)).nth(at(2))),
        TextFunction::CharToAsciiUppercase => scalar(char(0).to_ascii_uppercase()),
        TextFunction::CharToAsciiLowercase => scalar(char(0).to_ascii_lowercase()),
    };
    Ok(found)
}

/// The first position from one on whose character `is` what is looked for, or the length.
fn whitespace(text: &str, from: usize, is: impl Fn(char) -> bool) -> Value {
    let rest = text.get(from..).unwrap_or("");
    let found = rest.char_indices().find(|(_, c)| is(*c)).map_or(text.len(), |(at, _)| from + at);
    number(Some(found))
}

/// `text.parse::<ty>().ok()`.
pub(crate) fn parse(text: &str, ty: &Type) -> Value {
    fn read<T: std::str::FromStr>(text: &str, value: impl Fn(T) -> Value) -> Value {
        text.parse().map_or(Value::Null, value)
    }
    match ty.value_type() {
        Type::Bool => read(text, Value::Bool),
        Type::Int8 => read::<i8>(text, |x| Value::Int(x.into())),
        Type::Int16 => read::<i16>(text, |x| Value::Int(x.into())),
        Type::Int32 => read::<i32>(text, |x| Value::Int(x.into())),
        Type::Int64 => read::<i64>(text, |x| Value::Int(x.into())),
        Type::UInt8 => read::<u8>(text, |x| Value::Int(x.into())),
        Type::UInt16 => read::<u16>(text, |x| Value::Int(x.into())),
        Type::UInt32 => read::<u32>(text, |x| Value::Int(x.into())),
        Type::UInt64 => read::<u64>(text, |x| Value::Int(x.into())),
        Type::Float32 => read(text, Value::Float32),
        Type::Float64 => read(text, Value::Float64),
        Type::String => Value::String(text.to_owned()),
        Type::Char => read(text, scalar),
        Type::Unit
        | Type::Bytes
        | Type::Decimal(..)
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration
        | Type::Option(_)
        | Type::List(_) => unreachable!("`{ty}` is not read from text"),
    }
}

/// A string and behind it a value of this type, as a specification says.
pub(crate) fn append(prefix: &str, value: &Value, ty: &Type, spec: &str, computed: &[Option<u16>]) -> Outcome {
    let mut spec = FormatSpec::parse(spec).expect("the checker knows specifications");
    if let [width, precision] = computed {
        (spec.width, spec.precision) = (*width, *precision);
    }
    let mut out = prefix.to_owned();
    let is_bits = !matches!(
        spec.style,
        format::Style::Display | format::Style::Debug | format::Style::LowerExp | format::Style::UpperExp
    );
    let written = match value {
        Value::Bool(value) => format::write_bool(&mut out, *value, spec),
        Value::Int(value) if *ty == Type::Char => {
            let c = char::from_u32(*value as u32).expect("a `char` is a Unicode scalar value");
            format::write_char(&mut out, c, spec)
        }
        Value::Int(value) if is_bits => {
            let bits = ty.width().expect("integers have a width") * 8;
            format::write_unsigned(&mut out, (*value as u64) & (u64::MAX >> (64 - bits)), spec)
        }
        Value::Int(value) if *ty == Type::UInt64 => format::write_unsigned(&mut out, *value as u64, spec),
        Value::Int(value) => format::write_signed(&mut out, *value as i64, spec),
        Value::Float32(value) => format::write_f32(&mut out, *value, spec),
        Value::Float64(value) => format::write_f64(&mut out, *value, spec),
        Value::String(value) => format::write_str(&mut out, value, spec),
        Value::Null | Value::Unit | Value::Bytes(_) | Value::List(_) => unreachable!("{value:?} has no form as text"),
    };
    written.expect("a String takes any text");
    made(out)
}
