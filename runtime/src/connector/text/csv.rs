//! CSV as RFC 4180 has it, with a header: fields are matched by name, in any order, others are ignored.
//!
//! An empty field without quotes is `None`, or the empty `String` where the record has no `Option`. Quotes count only
//! where a field starts; elsewhere they are text. A blank line is no row, except where rows have a single column. A byte
//! order mark is skipped, lines may end in `\r\n`.

use super::super::Name;
use super::super::error::{ConnectorError, Place};
use super::super::input::Bytestream;
use super::super::nest::root;
use super::super::schema::{batch_schema, match_columns, similar};
use super::super::source::{Scan, Source};
use super::sink::only_values;
use super::source::{
    Fault, FaultKind, Format, MappedText, NewParser, RowParser, Rows, SPLIT_BYTES, TextStream, quoted,
};
use sabot_abi::manifest::{BaseType, Field};
use std::collections::BTreeMap;
use std::sync::Arc;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens a file or a stream.
pub(in super::super) fn open(
    path: Name,
    bytes: Bytestream,
    fields: &[Field],
    options: &BTreeMap<String, String>,
    scan: &Scan,
) -> Result<Box<dyn Source>, ConnectorError> {
    let delimiter = delimiter(&path, options)?;
    let read: Vec<Field> = scan.columns.iter().filter_map(|at| fields.get(*at as usize)).cloned().collect();
    only_values(&path, &read)?;
    let schema = batch_schema(&read);
    let format = Arc::new(Format { path: Arc::clone(&path), fields: read, schema, batch_rows: scan.batch_rows.max(1) });
    let names: Vec<String> = fields.iter().map(|field| root(field).to_owned()).collect();
    let begin = {
        let format = Arc::clone(&format);
        move |text: &[u8], is_end: bool| {
            let path = &format.path;
            let Some(header) = read_header(path, text, is_end, delimiter)? else { return Ok(None) };
            let is_like_none = |name: &String| similar(name, header.names.iter().map(String::as_str)).is_none();
            if !names.is_empty() && names.iter().all(is_like_none) {
                return Err(ConnectorError::NoHeader {
                    path: path.to_string(),
                    found: header.names,
                    names: names.clone(),
                });
            }
            let positions = match_columns(path, &format.fields, &header.names)?;
            let parser = CsvParser::new(Arc::clone(&format), delimiter, header.names.len(), &positions);
            Ok(Some((header.bytes, parser)))
        }
    };
    match bytes {
        Bytestream::Mapped(bytes) => {
            let Some((header_bytes, parser)) = begin(&bytes, true)? else {
                return Err(ConnectorError::EmptyFile {
                    path: path.to_string(),
                    format: sabot_abi::manifest::Format::Csv,
                });
            };
            let starts = row_starts(&bytes, header_bytes, delimiter);
            let new_parser: Box<NewParser> = Box::new(move || Box::new(parser.clone()));
            Ok(Box::new(MappedText { format, bytes, starts, new_parser }))
        }
        stream @ (Bytestream::Stream(_) | Bytestream::Growing(_)) => {
            let begin = move |text: &[u8], is_end| {
                let begun = begin(text, is_end)?;
                Ok(begun.map(|(used, parser)| (used, Box::new(parser) as Box<dyn RowParser>)))
            };
            Ok(Box::new(TextStream::open(format, stream, Box::new(begin))?))
        }
    }
}

/// The byte between fields: what the option `delimiter` says, else a comma.
pub(super) fn delimiter(path: &str, options: &BTreeMap<String, String>) -> Result<u8, ConnectorError> {
    match options.get("delimiter").map(String::as_bytes) {
        None => Ok(b','),
        Some(b"\\t") => Ok(b'\t'),
        Some([byte]) if !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        Some(other) => Err(ConnectorError::Unsupported {
            path: path.to_owned(),
            detail: format!("the delimiter must be one ASCII character, not {}", quoted(other)),
        }),
    }
}

struct Header {
    names: Vec<String>,
    /// Its length, end of line included.
    bytes: usize,
}

/// Nothing if the text ends before the header does.
fn read_header(path: &Name, text: &[u8], is_end: bool, delimiter: u8) -> Result<Option<Header>, ConnectorError> {
    let bad = |detail: String| ConnectorError::BadRow { path: path.to_string(), place: Place::Line(1), detail };
    let skipped = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    if text.len() == skipped {
        return Ok(None);
    }
    let mut record = Record::default();
    let end = match record.read(&text[skipped..], is_end, delimiter) {
        Ok(Some(end)) => skipped + end,
        Ok(None) => return Ok(None),
        Err(detail) => return Err(bad(format!("the header cannot be read: {detail}"))),
    };
    let mut names = Vec::new();
    for at in 0..record.fields.len() {
        let name = record.text(&text[skipped..], at);
        let name = std::str::from_utf8(name).map_err(|_| bad("the header is not UTF-8".into()))?;
        names.push(name.trim().to_owned());
    }
    Ok(Some(Header { names, bytes: end }))
}

/// Where splits start, beginning with the one at `first`: at ends of rows, as the parser would find them.
fn row_starts(text: &[u8], first: usize, delimiter: u8) -> Vec<usize> {
    let mut starts = vec![first];
    let mut target = first + SPLIT_BYTES;
    // Between `at` and the next field in quotes, every end of line is one of a row.
    let mut at = first;
    while target < text.len() {
        let quote = next_quoted(text, at, delimiter);
        let plain_end = quote.unwrap_or(text.len());
        while target < plain_end {
            let Some(line_end) = memchr::memchr(b'\n', &text[target.max(at)..plain_end]) else { break };
            let start = target.max(at) + line_end + 1;
            if start >= text.len() {
                return starts;
            }
            starts.push(start);
            target = start + SPLIT_BYTES;
        }
        let Some(quote) = quote else { return starts };
        let Some(end) = end_of_quoted(text, quote + 1) else { return starts };
        at = end;
        // A target inside the quotes waits for the first end of line behind them.
    }
    starts
}

/// The next quote that opens a field.
fn next_quoted(text: &[u8], from: usize, delimiter: u8) -> Option<usize> {
    let opens = |at: usize| at == 0 || text[at - 1] == delimiter || text[at - 1] == b'\n';
    memchr::memchr_iter(b'"', &text[from..]).map(|at| from + at).find(|at| opens(*at))
}

/// Just behind the quote that closes a field; `None` if there is none.
fn end_of_quoted(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(b'"', &text[at..])? + 1;
        if text.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

/// One row, taken apart.
#[derive(Clone, Default)]
struct Record {
    fields: Vec<FieldText>,
    /// Text of fields with doubled quotes, without them.
    unescaped: Vec<u8>,
}

#[derive(Clone, Copy)]
struct FieldText {
    start: usize,
    end: usize,
    kind: FieldKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldKind {
    Plain,
    Quoted,
    /// In `unescaped`.
    Unescaped,
}

impl Record {
    /// Reads a row; gives its length with the end of line, or nothing if the text ends before the row does.
    fn read(&mut self, text: &[u8], is_end: bool, delimiter: u8) -> Result<Option<usize>, String> {
        self.fields.clear();
        self.unescaped.clear();
        let mut at = 0;
        loop {
            if text.get(at) == Some(&b'"') {
                let Some(end) = end_of_quoted(text, at + 1) else {
                    return if is_end { Err("a quote is opened and never closed".into()) } else { Ok(None) };
                };
                self.push_quoted(text, at + 1, end - 1);
                at = end;
                match text.get(at) {
                    None if is_end => return Ok(Some(at)),
                    None => return Ok(None),
                    Some(b'\n') => return Ok(Some(at + 1)),
                    Some(b'\r') if text.get(at + 1) == Some(&b'\n') => return Ok(Some(at + 2)),
                    Some(b'\r') if at + 1 == text.len() => return Ok(is_end.then_some(at + 1)),
                    Some(byte) if *byte == delimiter => at += 1,
                    Some(_) => {
                        let field = quoted(&text[at..text.len().min(at + 10)]);
                        return Err(format!("text follows a closing quote: {field}; double the quotes inside a field"));
                    }
                }
                continue;
            }
            let start = at;
            let stop = text[at..].iter().position(|byte| *byte == delimiter || *byte == b'\n');
            let Some(stop) = stop else {
                if !is_end {
                    return Ok(None);
                }
                let end = text.len() - usize::from(text.len() > start && text.ends_with(b"\r"));
                self.fields.push(FieldText { start, end, kind: FieldKind::Plain });
                return Ok(Some(text.len()));
            };
            let end = start + stop;
            at = end + 1;
            if text[end] == b'\n' {
                let end = end - usize::from(end > start && text[end - 1] == b'\r');
                self.fields.push(FieldText { start, end, kind: FieldKind::Plain });
                return Ok(Some(at));
            }
            self.fields.push(FieldText { start, end, kind: FieldKind::Plain });
        }
    }

    fn push_quoted(&mut self, text: &[u8], start: usize, end: usize) {
        let inner = &text[start..end];
        if memchr::memchr(b'"', inner).is_none() {
            self.fields.push(FieldText { start, end, kind: FieldKind::Quoted });
            return;
        }
        let begin = self.unescaped.len();
        let mut rest = inner;
        while let Some(quote) = memchr::memchr(b'"', rest) {
            self.unescaped.extend_from_slice(&rest[..=quote]);
            rest = &rest[quote + 2..];
        }
        self.unescaped.extend_from_slice(rest);
        self.fields.push(FieldText { start: begin, end: self.unescaped.len(), kind: FieldKind::Unescaped });
    }

    /// The text of a field.
    fn text<'a>(&'a self, text: &'a [u8], at: usize) -> &'a [u8] {
        let field = self.fields[at];
        match field.kind {
            FieldKind::Plain | FieldKind::Quoted => &text[field.start..field.end],
            FieldKind::Unescaped => &self.unescaped[field.start..field.end],
        }
    }

    /// Whether a field says `None`.
    fn is_none(&self, at: usize) -> bool {
        let field = self.fields[at];
        field.kind == FieldKind::Plain && field.start == field.end
    }
}

#[derive(Clone)]
struct CsvParser {
    format: Arc<Format>,
    delimiter: u8,
    /// Fields of a row.
    width: usize,
    /// For each column of the scan, its field.
    positions: Vec<usize>,
    record: Record,
}

impl CsvParser {
    fn new(format: Arc<Format>, delimiter: u8, width: usize, positions: &[usize]) -> Self {
        Self { format, delimiter, width, positions: positions.to_vec(), record: Record::default() }
    }

    fn push(&self, text: &[u8], rows: &mut Rows) -> Result<(), FaultKind> {
        let found = self.record.fields.len();
        if found != self.width {
            return Err(FaultKind::Row(format!("has {found} fields, the header has {}", self.width)));
        }
        for (column, position) in self.positions.iter().enumerate() {
            let builder = &mut rows.columns[column];
            if self.record.is_none(*position) {
                let ty = self.format.fields[column].ty;
                if ty.nullable {
                    builder.push_null();
                    continue;
                }
                // A text that may not be missing is empty; any other value is missing.
                if ty.base != BaseType::String {
                    return Err(FaultKind::Null(column));
                }
            }
            let value = self.record.text(text, *position);
            builder.push(value).map_err(|_| FaultKind::Value(column, quoted(value)))?;
        }
        Ok(())
    }
}

impl RowParser for CsvParser {
    fn parse(&mut self, text: &[u8], is_end: bool, rows: &mut Rows) -> Result<usize, Fault> {
        let mut at = 0;
        while at < text.len() && !rows.is_full() {
            let row = &text[at..];
            let fault = |kind| Fault { row_start: at, kind };
            if self.width > 1 && matches!(row, [b'\n', ..] | [b'\r', b'\n', ..]) {
                at += if row[0] == b'\n' { 1 } else { 2 };
                continue;
            }
            let end = self.record.read(row, is_end, self.delimiter).map_err(|detail| fault(FaultKind::Row(detail)))?;
            let Some(end) = end else { break };
            self.push(row, rows).map_err(fault)?;
            rows.push_start(at);
            at += end;
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Result<Option<(usize, Vec<String>)>, String> {
        let mut record = Record::default();
        let end = record.read(text.as_bytes(), true, b',')?;
        let fields = (0..record.fields.len()).map(|at| {
            let text = String::from_utf8(record.text(text.as_bytes(), at).to_vec()).unwrap();
            if record.is_none(at) { "None".to_owned() } else { text }
        });
        Ok(end.map(|end| (end, fields.collect())))
    }

    #[test]
    fn fields_are_found() {
        let fields = |text| record(text).unwrap().unwrap().1;
        assert_eq!(fields("a,b\nc"), ["a", "b"]);
        assert_eq!(fields("a,,\"\"\r\n"), ["a", "None", ""]);
        assert_eq!(fields("\"a\nb\",\"say \"\"hi\"\"\""), ["a\nb", "say \"hi\""]);
        assert_eq!(fields("5\" pipe,x"), ["5\" pipe", "x"]);
        assert_eq!(fields("a,"), ["a", "None"]);
        assert_eq!(record("a,b\nc").unwrap().unwrap().0, 4);
        assert!(record("\"a").unwrap_err().contains("never closed"));
        assert!(record("\"a\"b,c").unwrap_err().contains("follows a closing quote"));
    }

    #[test]
    fn splits_start_only_where_rows_do() {
        let mut text = b"a,b\n".to_vec();
        let row = format!("\"{}\n\",x\" y\n", "long \"\"text\"\"\n".repeat(1000));
        while text.len() < 3 * SPLIT_BYTES {
            text.extend_from_slice(row.as_bytes());
        }
        let starts = row_starts(&text, 4, b',');
        assert_eq!(starts.len(), 3);
        for start in starts {
            assert!(text[start..].starts_with(b"\"long"), "{start}");
            assert!((start - 4).is_multiple_of(row.len()));
        }
    }
}
