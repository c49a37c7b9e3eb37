//! Reads JSON text forward, value by value.

use super::path::Step;

/// Deeper nesting is taken for malformed.
const DEEPEST: u32 = 128;

/// A place in JSON text in front of a value, or nowhere once something was missing or malformed.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// `None`: nowhere.
    at: Option<usize>,
    /// Objects and arrays around the place.
    depth: u32,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: Some(0), depth: 0 }
    }

    /// Goes on to a part of the value.
    pub(super) fn enter(&mut self, step: &Step<'_>) {
        self.depth += 1;
        self.at = self.at.and_then(|at| match step {
            Step::Member(name) => self.member(at, name),
            Step::Element(index) => self.element(at, *index),
        });
    }

    /// The text of the value at this place.
    pub(super) fn value(&self) -> Option<&'a str> {
        let start = self.blanks(self.at?);
        let end = self.skip_value(start)?;
        // What follows shows that the value ends here, and that the text was not cut off in a number.
        let is_whole = match self.byte(self.blanks(end)) {
            None => self.depth == 0,
            Some(byte) => self.depth > 0 && matches!(byte, b',' | b'}' | b']'),
        };
        is_whole.then(|| &self.text[start..end])
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn blanks(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        at
    }

    /// After this byte, blanks before it.
    fn expect(&self, at: usize, byte: u8) -> Option<usize> {
        let at = self.blanks(at);
        (self.byte(at)? == byte).then_some(at + 1)
    }

    /// In front of the value of a member.
    fn member(&self, at: usize, name: &str) -> Option<usize> {
        let mut at = self.expect(at, b'{')?;
        loop {
            at = self.blanks(at);
            let end = self.skip_string(at)?;
            let quoted = &self.text[at + 1..end - 1];
            let is_it =
                quoted == name || (quoted.contains('\\') && unescape(quoted).is_some_and(|found| found == name));
            at = self.expect(end, b':')?;
            if is_it {
                return Some(at);
            }
            at = self.skip_value(self.blanks(at))?;
            at = self.expect(at, b',')?;
        }
    }

    /// In front of an element.
    fn element(&self, at: usize, index: usize) -> Option<usize> {
        let mut at = self.expect(at, b'[')?;
        for _ in 0..index {
            at = self.skip_value(self.blanks(at))?;
            at = self.expect(at, b',')?;
        }
        Some(at)
    }

    /// After the value that starts here. Keeps one bit a level: whether it is an object.
    fn skip_value(&self, mut at: usize) -> Option<usize> {
        let mut objects = 0_u128;
        let mut depth = 0;
        loop {
            // In front of a value.
            at = self.blanks(at);
            match self.byte(at)? {
                open @ (b'{' | b'[') => {
                    depth += 1;
                    if depth + self.depth > DEEPEST {
                        return None;
                    }
                    objects = objects << 1 | u128::from(open == b'{');
                    let inside = self.blanks(at + 1);
                    if self.byte(inside)? == open + 2 {
                        // `}` and `]` stand two after what opens them.
                        at = inside;
                    } else {
                        at = if open == b'{' { self.skip_name(inside)? } else { inside };
                        continue;
                    }
                }
                b'"' => at = self.skip_string(at)?,
                b'-' | b'0'..=b'9' => at = self.skip_number(at)?,
                b't' => at = self.skip_word(at, "true")?,
                b'f' => at = self.skip_word(at, "false")?,
                b'n' => at = self.skip_word(at, "null")?,
                _ => return None,
            }
            // After a value, or in front of what closes an empty object or array.
            loop {
                if depth == 0 {
                    return Some(at);
                }
                let is_object = objects & 1 == 1;
                at = self.blanks(at);
                match (self.byte(at)?, is_object) {
                    (b',', true) => {
                        at = self.skip_name(self.blanks(at + 1))?;
                        break;
                    }
                    (b',', false) => {
                        at += 1;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        depth -= 1;
                        objects >>= 1;
                        at += 1;
                    }
                    _ => return None,
                }
            }
        }
    }

    /// After `"name":`.
    fn skip_name(&self, at: usize) -> Option<usize> {
        self.expect(self.skip_string(at)?, b':')
    }

    fn skip_word(&self, at: usize, word: &str) -> Option<usize> {
        self.text.as_bytes()[at..].starts_with(word.as_bytes()).then_some(at + word.len())
    }

    fn skip_string(&self, at: usize) -> Option<usize> {
        if self.byte(at)? != b'"' {
            return None;
        }
        let mut at = at + 1;
        loop {
            match self.byte(at)? {
                b'"' => return Some(at + 1),
                b'\\' => match self.byte(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        four_digits(self.text.as_bytes().get(at + 2..at + 6)?)?;
                        at += 6;
                    }
                    _ => return None,
                },
                0..0x20 => return None,
                _ => at += 1,
            }
        }
    }

    fn skip_number(&self, at: usize) -> Option<usize> {
        let at = at + usize::from(self.byte(at)? == b'-');
        let mut at = match self.byte(at)? {
            b'0' => at + 1,
            _ => self.skip_digits(at)?,
        };
        if self.byte(at) == Some(b'.') {
            at = self.skip_digits(at + 1)?;
        }
        if matches!(self.byte(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(self.byte(at), Some(b'+' | b'-')));
            at = self.skip_digits(at)?;
        }
        Some(at)
    }

    /// After one digit or more.
    fn skip_digits(&self, at: usize) -> Option<usize> {
        let count = self.text.as_bytes()[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(at + count)
    }
}

/// The text of a string that was skipped, without its quotes; `None` of half a surrogate pair.
pub(super) fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1)?;
        rest = &rest[at + 2..];
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = four_digits(rest.as_bytes().get(..4)?)?;
                rest = &rest[4..];
                if (0xd800..0xdc00).contains(&first) {
                    let pair = rest.strip_prefix("\\u")?;
                    let second = four_digits(pair.as_bytes().get(..4)?)?;
                    if !(0xdc00..0xe000).contains(&second) {
                        return None;
                    }
                    rest = &pair[4..];
                    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?
                } else {
                    char::from_u32(first)?
                }
            }
            other => char::from(*other),
        });
    }
    text.push_str(rest);
    Some(text)
}

fn four_digits(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | char::from(*byte).to_digit(16)?))
}
