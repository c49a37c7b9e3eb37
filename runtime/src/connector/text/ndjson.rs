//! NDJSON: one object a line, fields matched by name, others skipped. A missing field or `null` is `None`. A record in the
//! row is an object in the object.
//!
//! Floats may be the strings "NaN", "Infinity" and "-Infinity"; decimals are numbers or strings; bytes, dates, times and
//! durations are strings. Of a name that occurs twice in a row the last value counts.

use super::super::Name;
use super::super::error::ConnectorError;
use super::super::input::Bytestream;
use super::super::schema::batch_schema;
use super::super::source::{Scan, Source};
use super::column::{ColumnBuilder, Unfit};
use super::cursor::{Cursor, StringText, unescape};
use super::source::{
    Fault, FaultKind, Format, MappedText, NewParser, RowParser, Rows, SPLIT_BYTES, TextStream, quoted,
};
use sabot_abi::manifest::{BaseType, Field};
use std::ops::Range;
use std::sync::Arc;

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
        stream @ (Bytestream::Stream(_) | Bytestream::Growing(_)) => {
            let begin = move |_: &[u8], _| Ok(Some((0, Box::new(parser.clone()) as Box<dyn RowParser>)));
            Ok(Box::new(TextStream::open(format, stream, Box::new(begin))?))
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

/// An object that is read: the row, or a record in it.
#[derive(Clone)]
struct Object {
    /// Its place in the row, as messages show it.
    path: String,
    /// The object around it, and its name there.
    around: Option<(usize, Vec<u8>)>,
    nullable: bool,
    state: State,
    /// Keys of the one before, in order, and what they are: rows mostly have the same.
    keys: Vec<Key>,
}

/// What stands in a row where an object may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    Null,
    There,
}

/// A name in an object: the columns it is, the record it is.
#[derive(Clone)]
struct Key {
    name: Vec<u8>,
    columns: Vec<usize>,
    object: Option<usize>,
}

#[derive(Clone)]
struct JsonParser {
    format: Arc<Format>,
    /// For each column of the scan, its value in the row that is being read.
    values: Vec<Value>,
    /// For each column of the scan, the records that it lies in, outermost first.
    around: Vec<Vec<usize>>,
    unescaped: Vec<u8>,
    /// The row, then the records in it, those around others first.
    objects: Vec<Object>,
}

impl JsonParser {
    fn new(format: Arc<Format>) -> Self {
        let object = |path: &str, around, nullable| Object {
            path: path.to_owned(),
            around,
            nullable,
            state: State::Missing,
            keys: Vec::new(),
        };
        let mut objects = vec![object("", None, false)];
        let mut around = Vec::with_capacity(format.fields.len());
        for field in &format.fields {
            let mut inside = 0;
            let mut path = String::new();
            let mut of_field = Vec::with_capacity(field.within.len());
            for part in &field.within {
                path.push_str(&part.name);
                let place = Some((inside, part.name.clone().into_bytes()));
                let known = objects.iter().position(|object: &Object| object.around == place);
                inside = known.unwrap_or_else(|| {
                    objects.push(object(&path, place, part.nullable));
                    objects.len() - 1
                });
                of_field.push(inside);
                path.push('.');
            }
            around.push(of_field);
        }
        let values = vec![Value::Missing; format.fields.len()];
        Self { format, values, around, unescaped: Vec::new(), objects }
    }

    /// Finds the values of a row.
    fn read(&mut self, row: &[u8]) -> Result<(), String> {
        self.unescaped.clear();
        self.forget(0);
        let mut cursor = Cursor { text: row, at: 0 };
        cursor.skip_blanks();
        self.read_object(0, &mut cursor)?;
        cursor.end()
    }

    /// Nothing has been found in an object.
    fn forget(&mut self, object: usize) {
        for (value, around) in self.values.iter_mut().zip(&self.around) {
            if object == 0 || around.contains(&object) {
                *value = Value::Missing;
            }
        }
        for inner in 1..self.objects.len() {
            if self.lies_in(inner, object) {
                self.objects[inner].state = State::Missing;
            }
        }
    }

    fn lies_in(&self, mut inner: usize, object: usize) -> bool {
        while let Some((around, _)) = &self.objects[inner].around {
            if *around == object {
                return true;
            }
            inner = *around;
        }
        false
    }

    fn read_object(&mut self, object: usize, cursor: &mut Cursor<'_>) -> Result<(), String> {
        cursor.expect(b'{', "an object, which starts with `{`")?;
        cursor.skip_blanks();
        if cursor.take(b'}') {
            return Ok(());
        }
        let mut number = 0;
        loop {
            cursor.skip_blanks();
            let key = cursor.string("a field's name in quotes")?;
            cursor.skip_blanks();
            cursor.expect(b':', "`:` behind a field's name")?;
            cursor.skip_blanks();
            let key = self.key(object, cursor.text, &key, number)?;
            number += 1;
            if let Some(inner) = self.objects[object].keys[key].object {
                self.read_record(inner, cursor)?;
            } else if self.objects[object].keys[key].columns.is_empty() {
                cursor.skip_value(0)?;
            } else {
                let value = self.value(cursor)?;
                for column in &self.objects[object].keys[key].columns {
                    self.values[*column] = value.clone();
                }
            }
            cursor.skip_blanks();
            if cursor.take(b',') {
                continue;
            }
            return cursor.expect(b'}', "`,` or `}` behind a value");
        }
    }

    /// What stands where the record wants a record.
    fn read_record(&mut self, object: usize, cursor: &mut Cursor<'_>) -> Result<(), String> {
        self.forget(object);
        match cursor.peek() {
            Some(b'{') => {
                self.objects[object].state = State::There;
                self.read_object(object, cursor)
            }
            Some(b'n') => {
                self.objects[object].state = State::Null;
                cursor.word(b"null")
            }
            Some(_) | None => {
                let start = cursor.at;
                cursor.skip_value(0)?;
                let found = quoted(&cursor.text[start..cursor.at]);
                Err(format!("holds {found} in `{}`, where the record wants an object", self.objects[object].path))
            }
        }
    }

    /// Place of a key among an object's keys; looked for first where it stood in the one before.
    fn key(&mut self, object: usize, row: &[u8], key: &StringText, number: usize) -> Result<usize, String> {
        let text = &row[key.range.clone()];
        if !key.has_escapes && self.objects[object].keys.get(number).is_some_and(|known| known.name == text) {
            return Ok(number);
        }
        let mut name = Vec::new();
        if key.has_escapes {
            unescape(text, &mut name)?;
        } else {
            name.extend_from_slice(text);
        }
        let fields = self.format.fields.iter().enumerate();
        let is_meant = |(column, field): &(usize, &Field)| {
            let inside = self.around[*column].last().copied().unwrap_or(0);
            !field.is_presence && inside == object && field.name.as_bytes() == name
        };
        let columns = fields.filter(is_meant).map(|(column, _)| column).collect();
        let inner = self.objects.iter().position(|inner| {
            inner.around.as_ref().is_some_and(|(around, of_inner)| *around == object && *of_inner == name)
        });
        let found = Key { name, columns, object: inner };
        let keys = &mut self.objects[object].keys;
        if number < keys.len() {
            keys[number] = found;
            return Ok(number);
        }
        // Rows with very many names would fill the memory with them.
        if keys.len() < 4096 {
            keys.push(found);
        } else if let Some(last) = keys.last_mut() {
            *last = found;
        }
        Ok(keys.len() - 1)
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
            let mut around = self.around[column].iter().map(|object| &self.objects[*object]);
            match around.find(|object| object.state != State::There) {
                Some(object) if !object.nullable => return Err(FaultKind::Row(without_object(object))),
                Some(_) if field.ty.nullable => {
                    builder.push_null();
                    continue;
                }
                Some(_) => {
                    builder.push_zero();
                    continue;
                }
                None if field.is_presence => {
                    builder.push(b"true").map_err(|_| found(b"true"))?;
                    continue;
                }
                None => {}
            }
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

/// A record that must be there and is not.
fn without_object(object: &Object) -> String {
    let what = if object.state == State::Null { "is null" } else { "is missing" };
    format!("has a record that {what}, `{}`: declare it an `Option` if rows may be without it", object.path)
}

fn missing(field: &Field) -> String {
    let kind = super::super::schema::rust_name(field.ty.base);
    format!(
        "has no field `{}`, the record says {kind}: declare it `Option<{kind}>` if rows may be without it",
        field.path()
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
