//! JSON text to values that know where they stand.
//!
//! serde_json keeps no places, and a message about a graph should point into the file that its author wrote: also into the
//! Rust code inside its strings, whose escapes move every byte behind them.

use super::SpanMap;
use crate::diagnostics::syntax;
use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// How deep lists and objects may be nested; a graph needs six.
const DEEPEST: usize = 64;

/// A value and its place.
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) span: Span,
}

/// The forms of a value.
pub(super) enum NodeKind {
    Null,
    Bool(bool),
    /// A number without fraction or exponent, if it fits.
    Int(i64),
    Float(f64),
    String(Text),
    List(Vec<Node>),
    /// In the order of the text; a key may stand there twice.
    Object(Vec<(Text, Node)>),
}

/// A string, and where its bytes stand in the file.
pub(super) struct Text {
    pub(super) value: String,
    pub(super) spans: SpanMap,
    pub(super) span: Span,
}

impl Node {
    /// What it is, for a message.
    pub(super) fn describe(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "a bool",
            NodeKind::Int(_) => "an integer",
            NodeKind::Float(_) => "a number",
            NodeKind::String(_) => "a string",
            NodeKind::List(_) => "a list",
            NodeKind::Object(_) => "an object",
        }
    }
}

/// Reads a whole text.
pub(super) fn read(text: &str) -> Result<Node, Diagnostic> {
    let mut scanner = Scanner { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 }, depth: 0 };
    let node = scanner.value()?;
    scanner.blank();
    if scanner.at < text.len() {
        return Err(scanner.wrong("nothing may follow the last bracket"));
    }
    Ok(node)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Scanner<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A complaint about the character that stands here.
    fn wrong(&self, reason: &str) -> Diagnostic {
        let length = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        syntax::not_json(Span::new(self.at, self.at + length), reason)
    }

    fn since(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    fn value(&mut self) -> Result<Node, Diagnostic> {
        self.blank();
        let start = self.at;
        let kind = match self.byte() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => NodeKind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", NodeKind::Bool(true))?,
            Some(b'f') => self.word("false", NodeKind::Bool(false))?,
            Some(b'n') => self.word("null", NodeKind::Null)?,
            Some(b'\'') => return Err(self.wrong("strings have double quotes")),
            Some(b'/' | b'#') => return Err(self.wrong("JSON has no comments")),
            Some(b'}' | b']') => return Err(self.wrong("expected a value; a `,` before it may be one too many")),
            Some(_) => return Err(self.wrong("expected a value")),
            None => return Err(self.wrong("the text ends where a value is expected")),
        };
        Ok(Node { kind, span: self.since(start) })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<NodeKind, Diagnostic>) -> Result<NodeKind, Diagnostic> {
        if self.depth >= DEEPEST {
            return Err(self.wrong("nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        let kind = read(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn list(&mut self) -> Result<NodeKind, Diagnostic> {
        let mut items = Vec::new();
        self.blank();
        if self.byte() == Some(b']') {
            self.at += 1;
            return Ok(NodeKind::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.is_last(b']', "expected `,` or `]`")? {
                return Ok(NodeKind::List(items));
            }
        }
    }

    fn object(&mut self) -> Result<NodeKind, Diagnostic> {
        let mut entries = Vec::new();
        self.blank();
        if self.byte() == Some(b'}') {
            self.at += 1;
            return Ok(NodeKind::Object(entries));
        }
        loop {
            self.blank();
            match self.byte() {
                Some(b'"') => {}
                Some(b'}') => return Err(self.wrong("a key is expected; the `,` before it is one too many")),
                Some(_) | None => return Err(self.wrong("expected a key in double quotes")),
            }
            let key = self.string()?;
            self.blank();
            if self.byte() != Some(b':') {
                return Err(self.wrong("expected `:` behind a key"));
            }
            self.at += 1;
            entries.push((key, self.value()?));
            if self.is_last(b'}', "expected `,` or `}`")? {
                return Ok(NodeKind::Object(entries));
            }
        }
    }

    fn is_last(&mut self, close: u8, reason: &str) -> Result<bool, Diagnostic> {
        self.blank();
        let byte = self.byte();
        if byte != Some(b',') && byte != Some(close) {
            return Err(self.wrong(reason));
        }
        self.at += 1;
        Ok(byte == Some(close))
    }

    fn word(&mut self, word: &str, kind: NodeKind) -> Result<NodeKind, Diagnostic> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("expected a value: text stands in double quotes"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn digits(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("expected a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<NodeKind, Diagnostic> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let first = self.byte();
        self.digits()?;
        if first == Some(b'0') && self.text[start..self.at].trim_start_matches('-').len() > 1 {
            return Err(syntax::not_json(self.since(start), "a number does not begin with 0"));
        }
        let mut is_whole = true;
        if self.byte() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            is_whole = false;
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let digits = &self.text[start..self.at];
        if is_whole && let Ok(value) = digits.parse::<i64>() {
            return Ok(NodeKind::Int(value));
        }
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(NodeKind::Float(value)),
            Ok(_) | Err(_) => Err(syntax::not_json(self.since(start), "this number is too large")),
        }
    }

    fn string(&mut self) -> Result<Text, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        let mut pieces = vec![(0, self.at)];
        loop {
            let rest = &self.text[self.at..];
            let Some(character) = rest.chars().next() else {
                return Err(syntax::not_json(self.since(start), "this string is not closed"));
            };
            match character {
                '"' => {
                    self.at += 1;
                    return Ok(Text { value, spans: SpanMap { pieces }, span: self.since(start) });
                }
                '\\' => {
                    pieces.push((value.len(), self.at));
                    value.push(self.escape()?);
                    pieces.push((value.len(), self.at));
                }
                '\u{0}'..='\u{1f}' => {
                    return Err(self.wrong("a string stands on one line: write `\\n` for a new one, `\\t` for a tab"));
                }
                _ => {
                    value.push(character);
                    self.at += character.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let escaped = self.byte();
        self.at += usize::from(escaped.is_some_and(|byte| byte.is_ascii()));
        Ok(match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex(start)?;
                let mut code = high;
                if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let low = self.hex(start)?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    }
                }
                match char::from_u32(code) {
                    Some(character) => character,
                    None => return Err(syntax::not_json(self.since(start), "half of a character")),
                }
            }
            Some(_) | None => return Err(syntax::not_json(self.since(start), "there is no such escape")),
        })
    }

    fn hex(&mut self, start: usize) -> Result<u32, Diagnostic> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(syntax::not_json(self.since(start), "`\\u` is followed by four hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        match read(text) {
            Ok(_) => "none".to_owned(),
            Err(diagnostic) => diagnostic.labels[0].text.clone(),
        }
    }

    #[test]
    fn values_know_their_places() {
        let text = "  {\"a\": [1, -2.5e1, null, true], \"b\": \"x\\n\\u00e4\\ud83d\\ude00y\"}";
        let node = read(text).unwrap();
        let NodeKind::Object(entries) = &node.kind else { panic!("an object") };
        assert_eq!(node.span, Span::new(2, text.len()));
        assert_eq!(&text[entries[0].1.span.start as usize..entries[0].1.span.end as usize], "[1, -2.5e1, null, true]");
        let NodeKind::String(string) = &entries[1].1.kind else { panic!("a string") };
        assert_eq!(string.value, "x\nä😀y");
        let place = |part: &str| string.spans.offset(string.value.find(part).unwrap());
        assert_eq!(place("\n"), text.find("\\n").unwrap());
        assert_eq!(place("😀"), text.find("\\ud83d").unwrap());
        assert_eq!(place("y"), text.rfind('y').unwrap());
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(problem("{\"a\": 1,}"), "a key is expected; the `,` before it is one too many");
        assert_eq!(problem("{'a': 1}"), "expected a key in double quotes");
        assert_eq!(problem("[1 2]"), "expected `,` or `]`");
        assert_eq!(problem("[\"a]"), "this string is not closed");
        assert_eq!(problem("[01]"), "a number does not begin with 0");
        assert_eq!(problem("[1e999]"), "this number is too large");
        assert_eq!(problem("[\"\\x\"]"), "there is no such escape");
        assert_eq!(problem("[\"\\ud800\"]"), "half of a character");
        assert_eq!(problem("[\"\\u00é\"]"), "`\\u` is followed by four hexadecimal digits");
        assert_eq!(problem("[tru]"), "expected a value: text stands in double quotes");
        assert_eq!(problem("{} {}"), "nothing may follow the last bracket");
        assert_eq!(problem(&"[".repeat(100_000)), "nested too deeply");
        assert_eq!(problem("[\"\\é\"]"), "there is no such escape");
    }
}
