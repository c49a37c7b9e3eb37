//! NDJSON: one object a line, fields matched by name, others skipped. A missing field or `null` is `None`.
//!
//! Floats may be the strings "NaN", "Infinity" and "-Infinity"; decimals are numbers or strings; bytes, dates, times and
//! durations are strings. Of a name that occurs twice in a row the last value counts.

use super::super::Name;
use super::super::error::ConnectorError;
use super::super::input::Bytestream;
use super::super::schema::batch_schema;
use super::super::source::{Scan, Source};
use super::column::{ColumnBuilder, Unfit};
use super::source::{
    Fault, FaultKind, Format, MappedText, NewParser, RowParser, Rows, SPLIT_BYTES, TextStream, quoted,
};
use sabot_abi::manifest::{BaseType, Field};
use std::ops::Range;
use std::sync::Arc;

/// Objects and arrays inside each other, at most.
const MAX_DEPTH: usize = 256;

/// Opens a file or a stream.
pub(in super::super) fn open(
    path: Name,
    bytes: Bytestream,
    fields: &[Field],
    scan: &Scan,
) -> Result<Box<dyn Source>, ConnectorError> {
    let wanted: Vec<Field> = scan.columns.iter().filter_map(|at| fields.get(*at as usize)).cloned().collect();
    let schema = batch_schema(&wanted);
    let format =
        Arc::new(Format { path: Arc::clone(&path), fields: wanted, schema, batch_rows: scan.batch_rows.max(1) });
    let parser = JsonParser::new(Arc::clone(&format));
    match bytes {
        Bytestream::Mapped(bytes) => {
            let starts = row_starts(&bytes);
            let new_parser: Box<NewParser> = Box::new(move || Box::new(parser.clone()));
            Ok(Box::new(MappedText { format, bytes, starts, new_parser }))
        }
        Bytestream::Stream(stream) => {
            let stream = TextStream::open(path, stream, |_, _| {
                Ok(Some((0, Arc::clone(&format), Box::new(parser.clone()) as Box<dyn RowParser>)))
            })?;
            Ok(Box::new(stream))
        }
    }
}

/// Where splits start; a line never holds a raw end of line inside.
fn row_starts(text: &[u8]) -> Vec<usize> {
    let first = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut starts = vec![first];
    let mut target = first + SPLIT_BYTES;
    while target < text.len() {
        let Some(end) = memchr::memchr(b'\n', &text[target..]) else { break };
        let start = target + end + 1;
        if start >= text.len() {
            break;
        }
        starts.push(start);
        target = start + SPLIT_BYTES;
    }
    starts
}

/// A value of a column, found but not yet parsed.
#[derive(Clone)]
enum Value {
    Missing,
    Null,
    Bool(bool),
    /// Where it stands in the row.
    Number(Range<usize>),
    /// Where it stands in the row.
    String(Range<usize>),
    /// Where it stands in `unescaped`.
    Unescaped(Range<usize>),
    /// An object or array, where it stands in the row.
    Nested(Range<usize>),
}

#[derive(Clone)]
struct JsonParser {
    format: Arc<Format>,
    /// For each column of the scan, its value in the row that is being read.
    values: Vec<Value>,
    unescaped: Vec<u8>,
    /// Keys of the row before, in order, and their columns: rows mostly have the same.
    keys: Vec<(Vec<u8>, Vec<usize>)>,
}

impl JsonParser {
    fn new(format: Arc<Format>) -> Self {
        let values = vec![Value::Missing; format.fields.len()];
        Self { format, values, unescaped: Vec::new(), keys: Vec::new() }
    }

    /// Finds the values of a row.
    fn read(&mut self, row: &[u8]) -> Result<(), String> {
        self.values.fill(Value::Missing);
        self.unescaped.clear();
        let mut cursor = Cursor { text: row, at: 0 };
        cursor.skip_blanks();
        cursor.expect(b'{', "an object, which starts with `{`")?;
        cursor.skip_blanks();
        if cursor.take(b'}') {
            return cursor.end();
        }
        let mut number = 0;
        loop {
            cursor.skip_blanks();
            let key = cursor.string("a field's name in quotes")?;
            cursor.skip_blanks();
            cursor.expect(b':', "`:` behind a field's name")?;
            cursor.skip_blanks();
            let key = self.key(row, &key, number)?;
            number += 1;
            if self.keys[key].1.is_empty() {
                cursor.skip_value(0)?;
            } else {
                let value = self.value(&mut cursor)?;
                for column in &self.keys[key].1 {
                    self.values[*column] = value.clone();
                }
            }
            cursor.skip_blanks();
            if cursor.take(b',') {
                continue;
            }
            cursor.expect(b'}', "`,` or `}` behind a value")?;
            return cursor.end();
        }
    }

    /// Place of a key in `keys`; looked for first where it stood in the row before.
    fn key(&mut self, row: &[u8], key: &StringText, number: usize) -> Result<usize, String> {
        let text = &row[key.range.clone()];
        if !key.has_escapes && self.keys.get(number).is_some_and(|(known, _)| known == text) {
            return Ok(number);
        }
        let mut name = Vec::new();
        if key.has_escapes {
            unescape(text, &mut name)?;
        } else {
            name.extend_from_slice(text);
        }
        let fields = self.format.fields.iter().enumerate();
        let columns = fields.filter(|(_, field)| field.name.as_bytes() == name).map(|(column, _)| column).collect();
        if number < self.keys.len() {
            self.keys[number] = (name, columns);
            return Ok(number);
        }
        // Rows with very many names would fill the memory with them.
        if self.keys.len() < 4096 {
            self.keys.push((name, columns));
        } else if let Some(last) = self.keys.last_mut() {
            *last = (name, columns);
        }
        Ok(self.keys.len() - 1)
    }

    fn value(&mut self, cursor: &mut Cursor<'_>) -> Result<Value, String> {
        let start = cursor.at;
        Ok(match cursor.peek() {
            Some(b'"') => {
                let string = cursor.string("a string")?;
                if string.has_escapes {
                    let start = self.unescaped.len();
                    unescape(&cursor.text[string.range], &mut self.unescaped)?;
                    Value::Unescaped(start..self.unescaped.len())
                } else {
                    Value::String(string.range)
                }
            }
            Some(b'{' | b'[') => {
                cursor.skip_value(0)?;
                Value::Nested(start..cursor.at)
            }
            Some(b't') => cursor.word(b"true").map(|()| Value::Bool(true))?,
            Some(b'f') => cursor.word(b"false").map(|()| Value::Bool(false))?,
            Some(b'n') => cursor.word(b"null").map(|()| Value::Null)?,
            Some(_) | None => Value::Number(cursor.number()?),
        })
    }

    fn push(&self, row: &[u8], rows: &mut Rows) -> Result<(), FaultKind> {
        for (column, (value, field)) in self.values.iter().zip(&self.format.fields).enumerate() {
            let builder = &mut rows.columns[column];
            let found = |text: &[u8]| FaultKind::Value(column, quoted(text));
            let text = match value {
                Value::Missing | Value::Null if field.ty.nullable => {
                    builder.push_null();
                    continue;
                }
                Value::Null => return Err(FaultKind::Null(column)),
                Value::Missing => return Err(FaultKind::Row(missing(field))),
                Value::Bool(value) => {
                    let text: &[u8] = if *value { b"true" } else { b"false" };
                    if field.ty.base != BaseType::Bool {
                        return Err(found(text));
                    }
                    text
                }
                Value::Number(range) => {
                    let text = &row[range.clone()];
                    if !is_number(field.ty.base) {
                        return Err(found(text));
                    }
                    text
                }
                Value::String(range) | Value::Unescaped(range) => {
                    let text = if matches!(value, Value::String(_)) { row } else { self.unescaped.as_slice() };
                    let text = &text[range.clone()];
                    let is_named = matches!(text, b"NaN" | b"Infinity" | b"-Infinity");
                    let is_fit = is_string(field.ty.base) || is_named && is_float(field.ty.base);
                    if !is_fit {
                        return Err(FaultKind::Value(column, format!("the string {}", quoted(text))));
                    }
                    text
                }
                Value::Nested(range) => {
                    let text = &row[range.clone()];
                    push_list(builder, text).map_err(|_| found(text))?;
                    continue;
                }
            };
            builder.push(text).map_err(|_| found(text))?;
        }
        Ok(())
    }
}

fn missing(field: &Field) -> String {
    let kind = super::super::schema::rust_name(field.ty.base);
    format!(
        "has no field `{}`, the record says {kind}: declare it `Option<{kind}>` if rows may be without it",
        field.name
    )
}

fn is_float(base: BaseType) -> bool {
    matches!(base, BaseType::Float32 | BaseType::Float64)
}

fn is_number(base: BaseType) -> bool {
    match base {
        BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::UInt8
        | BaseType::UInt16
        | BaseType::UInt32
        | BaseType::UInt64
        | BaseType::Float32
        | BaseType::Float64
        | BaseType::Decimal(..) => true,
        BaseType::Bool
        | BaseType::String
        | BaseType::Bytes
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::List(..) => false,
    }
}

/// Pushes an array's items, and what they are one of.
fn push_list(builder: &mut ColumnBuilder, text: &[u8]) -> Result<(), Unfit> {
    let ColumnBuilder::List(list) = builder else { return Err(Unfit) };
    let mut cursor = Cursor { text, at: 0 };
    if !cursor.take(b'[') {
        return Err(Unfit);
    }
    let mut count = 0;
    loop {
        cursor.skip_blanks();
        if cursor.take(b']') {
            list.append(count);
            return Ok(());
        }
        if count > 0 && !cursor.take(b',') {
            return Err(Unfit);
        }
        cursor.skip_blanks();
        let (base, items) = list.items();
        let start = cursor.at;
        match cursor.peek() {
            Some(b'"') => {
                let string = cursor.string("a string").map_err(|_| Unfit)?;
                let mut unescaped = Vec::new();
                let raw = &text[string.range];
                if string.has_escapes {
                    unescape(raw, &mut unescaped).map_err(|_| Unfit)?;
                }
                let text = if string.has_escapes { unescaped.as_slice() } else { raw };
                let is_named = matches!(text, b"NaN" | b"Infinity" | b"-Infinity");
                if !(is_string(base) || is_named && is_float(base)) {
                    return Err(Unfit);
                }
                items.push(text)?;
            }
            Some(b'[') => {
                cursor.skip_value(0).map_err(|_| Unfit)?;
                push_list(items, &text[start..cursor.at])?;
            }
            Some(_) | None => {
                cursor.skip_value(0).map_err(|_| Unfit)?;
                let text = &text[start..cursor.at];
                let is_word = matches!(text, b"true" | b"false");
                if is_word != (base == BaseType::Bool) || (!is_word && !is_number(base)) {
                    return Err(Unfit);
                }
                items.push(text)?;
            }
        }
        count += 1;
    }
}

fn is_string(base: BaseType) -> bool {
    base != BaseType::Bool && base.item().is_none() && (!is_number(base) || matches!(base, BaseType::Decimal(..)))
}

impl RowParser for JsonParser {
    fn parse(&mut self, text: &[u8], is_end: bool, rows: &mut Rows) -> Result<usize, Fault> {
        let mut at = 0;
        while at < text.len() && !rows.is_full() {
            let (row, next) = match memchr::memchr(b'\n', &text[at..]) {
                Some(end) => (&text[at..at + end], at + end + 1),
                None if is_end => (&text[at..], text.len()),
                None => break,
            };
            let row = if at == 0 { row.strip_prefix(b"\xef\xbb\xbf").unwrap_or(row) } else { row };
            if !row.trim_ascii().is_empty() {
                let fault = |kind| Fault { row_start: at, kind };
                self.read(row).map_err(|detail| fault(FaultKind::Row(detail)))?;
                self.push(row, rows).map_err(fault)?;
                rows.push_start(at);
            }
            at = next;
        }
        Ok(at)
    }
}

struct StringText {
    range: Range<usize>,
    has_escapes: bool,
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn bad(&self, expected: &str) -> String {
        let found = match self.text.get(self.at..) {
            None | Some([]) => "the line ends".to_owned(),
            Some(rest) => format!("found {}", quoted(&rest[..rest.len().min(20)])),
        };
        format!("not a JSON object: expected {expected} at column {}, {found}", self.at + 1)
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), String> {
        if self.take(byte) { Ok(()) } else { Err(self.bad(expected)) }
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.bad("the end of the line behind the object")) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), String> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.bad("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn string(&mut self, expected: &str) -> Result<StringText, String> {
        self.expect(b'"', expected)?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let Some(stop) = memchr::memchr2(b'"', b'\\', &self.text[self.at..]) else {
                self.at = self.text.len();
                return Err(self.bad("a closing quote"));
            };
            self.at += stop;
            if self.take(b'"') {
                return Ok(StringText { range: start..self.at - 1, has_escapes });
            }
            has_escapes = true;
            self.at = (self.at + 2).min(self.text.len());
        }
    }

    fn number(&mut self) -> Result<Range<usize>, String> {
        let start = self.at;
        let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        while self.peek().as_ref().is_some_and(is_part) {
            self.at += 1;
        }
        let first = self.text.get(start).copied();
        if !first.is_some_and(|byte| byte.is_ascii_digit() || byte == b'-') {
            self.at = start;
            return Err(self.bad("a value"));
        }
        Ok(start..self.at)
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("not a JSON object: more than {MAX_DEPTH} objects and arrays inside each other"));
        }
        self.skip_blanks();
        match self.peek() {
            Some(b'"') => self.string("a string").map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(open @ (b'{' | b'[')) => {
                self.at += 1;
                let close = if open == b'{' { b'}' } else { b']' };
                self.skip_blanks();
                if self.take(close) {
                    return Ok(());
                }
                loop {
                    self.skip_blanks();
                    if open == b'{' {
                        self.string("a field's name in quotes")?;
                        self.skip_blanks();
                        self.expect(b':', "`:` behind a field's name")?;
                    }
                    self.skip_value(depth + 1)?;
                    self.skip_blanks();
                    if self.take(b',') {
                        continue;
                    }
                    return self.expect(close, if open == b'{' { "`,` or `}`" } else { "`,` or `]`" });
                }
            }
            Some(_) | None => self.number().map(drop),
        }
    }
}

/// Appends the text that a string with escapes stands for.
fn unescape(text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = text;
    while let Some(escape) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..escape]);
        let (byte, length) = match rest.get(escape + 1) {
            Some(b'u') => {
                let (char, length) =
                    unicode(&rest[escape..]).ok_or("not a JSON string: a `\\u` without a character")?;
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[escape + length..];
                continue;
            }
            Some(b'n') => (b'\n', 2),
            Some(b't') => (b'\t', 2),
            Some(b'r') => (b'\r', 2),
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(byte @ (b'"' | b'\\' | b'/')) => (*byte, 2),
            Some(_) | None => return Err("not a JSON string: an unknown escape".into()),
        };
        out.push(byte);
        rest = &rest[escape + length..];
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// The character of `\uXXXX`, or of a pair of them, and its length.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |sum, byte| Some(sum * 16 + (*byte as char).to_digit(16)?))
    };
    let first = unit(0)?;
    if let Some(char) = char::from_u32(first) {
        return Some((char, 6));
    }
    let second = unit(6).filter(|second| (0xdc00..0xe000).contains(second))?;
    if first >= 0xdc00 {
        return None;
    }
    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    char::from_u32(code).map(|char| (char, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> Result<String, String> {
        let mut out = Vec::new();
        unescape(text.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(r#"a\"\\\/\n\t\u00e9\ud83d\ude00z"#).unwrap(), "a\"\\/\n\té😀z");
        for bad in [r"\x", r"\u12", r"\ud83d", r"\ud83dx", r"\ude00\ude00", r"\"] {
            assert!(unescaped(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_value_is_skipped() {
        let skip = |text: &str| {
            let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
            cursor.skip_value(0).map(|()| cursor.at)
        };
        let text = r#"{"a":[1,-2.5e3,{"b":"}\""},[]],"c":null, "d" : {}}"#;
        assert_eq!(skip(text), Ok(text.len()));
        for bad in ["", "{", "[1,]", "{\"a\"}", "nul", "+1", "\"a"] {
            assert!(skip(bad).is_err(), "{bad}");
        }
        assert!(skip(&"[".repeat(10_000)).unwrap_err().contains("inside each other"));
    }
}
