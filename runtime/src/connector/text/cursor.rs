//! Goes through a line of JSON: strings, numbers, and values to be passed over.

use super::source::quoted;
use std::ops::Range;

/// Objects and arrays inside each other, at most.
const MAX_DEPTH: usize = 256;

/// A string as it stands in the text, without its quotes.
pub(super) struct StringText {
    pub(super) range: Range<usize>,
    pub(super) has_escapes: bool,
}

/// A place in a line of JSON.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn bad(&self, expected: &str) -> String {
        let found = match self.text.get(self.at..) {
            None | Some([]) => "the line ends".to_owned(),
            Some(rest) => format!("found {}", quoted(&rest[..rest.len().min(20)])),
        };
        format!("not a JSON object: expected {expected} at column {}, {found}", self.at + 1)
    }

    pub(super) fn expect(&mut self, byte: u8, expected: &str) -> Result<(), String> {
        if self.take(byte) { Ok(()) } else { Err(self.bad(expected)) }
    }

    pub(super) fn end(&mut self) -> Result<(), String> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.bad("the end of the line behind the object")) }
    }

    pub(super) fn word(&mut self, word: &[u8]) -> Result<(), String> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.bad("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn string(&mut self, expected: &str) -> Result<StringText, String> {
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

    pub(super) fn number(&mut self) -> Result<Range<usize>, String> {
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

    pub(super) fn skip_value(&mut self, depth: usize) -> Result<(), String> {
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
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
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
