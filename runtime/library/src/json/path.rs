//! Paths into JSON: `$.user.tags[0]`, `user["first name"]`.

use std::borrow::Cow;
use std::fmt;

/// A path that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(String);

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPathError {
    /// Where, in bytes.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for JsonPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a JSON path needs {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for JsonPathError {}

impl JsonPath {
    /// Checks a path.
    ///
    /// # Errors
    /// Where it is none, and what was expected there.
    pub fn parse(path: &str) -> Result<Self, JsonPathError> {
        each_step(path, |_| {})?;
        Ok(Self(path.to_owned()))
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The member of an object.
    Member(Cow<'a, str>),
    /// The element of an array, from 0.
    Element(usize),
}

/// Calls `visit` with each step: `$` or nothing, then `name` (at the start), `.name`, `[0]`, `["name"]`.
pub(super) fn each_step<'a>(path: &'a str, mut visit: impl FnMut(Step<'a>)) -> Result<(), JsonPathError> {
    let bytes = path.as_bytes();
    let mut at = usize::from(bytes.first() == Some(&b'$'));
    let is_rooted = at == 1;
    if path.is_empty() {
        return Err(JsonPathError { at: 0, expected: "`$`, a name or `[`" });
    }
    while at < bytes.len() {
        let is_first = at == 0 && !is_rooted;
        match bytes[at] {
            b'[' if bytes.get(at + 1) == Some(&b'"') => {
                let (name, end) = quoted(path, at + 2)?;
                visit(Step::Member(name));
                at = end;
            }
            b'[' => {
                let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let index = path[at + 1..at + 1 + digits].parse().ok();
                let Some(index) = index else {
                    return Err(JsonPathError { at: at + 1, expected: "an index or a name in quotes" });
                };
                at += 1 + digits;
                if bytes.get(at) != Some(&b']') {
                    return Err(JsonPathError { at, expected: "`]`" });
                }
                visit(Step::Element(index));
                at += 1;
            }
            byte => {
                if byte == b'.' && !is_first {
                    at += 1;
                } else if !is_first {
                    return Err(JsonPathError { at, expected: "`.` or `[`" });
                }
                let width = path[at..].find(['.', '[']).unwrap_or(path.len() - at);
                if width == 0 {
                    return Err(JsonPathError { at, expected: "a name" });
                }
                visit(Step::Member(Cow::Borrowed(&path[at..at + width])));
                at += width;
            }
        }
    }
    Ok(())
}

/// The name up to `"]`, in which `\"` and `\\` stand for themselves, and where the path goes on.
fn quoted(path: &str, start: usize) -> Result<(Cow<'_, str>, usize), JsonPathError> {
    let bytes = path.as_bytes();
    let mut name = String::new();
    let (mut at, mut from) = (start, start);
    loop {
        match bytes.get(at) {
            None => return Err(JsonPathError { at, expected: "`\"`" }),
            Some(b'"') => break,
            Some(b'\\') => {
                if !matches!(bytes.get(at + 1), Some(b'"' | b'\\')) {
                    return Err(JsonPathError { at: at + 1, expected: "`\"` or `\\`" });
                }
                name.push_str(&path[from..at]);
                from = at + 1;
                at += 2;
            }
            Some(_) => at += 1,
        }
    }
    if bytes.get(at + 1) != Some(&b']') {
        return Err(JsonPathError { at: at + 1, expected: "`]`" });
    }
    let name = if name.is_empty() {
        Cow::Borrowed(&path[from..at])
    } else {
        name.push_str(&path[from..at]);
        Cow::Owned(name)
    };
    Ok((name, at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths() {
        let steps = |path: &'static str| {
            let mut steps = Vec::new();
            each_step(path, |step| steps.push(step)).map(|()| steps)
        };
        let name = |name: &'static str| Step::Member(Cow::Borrowed(name));
        assert_eq!(steps("$"), Ok(vec![]));
        assert_eq!(steps("$.a.b[0]"), Ok(vec![name("a"), name("b"), Step::Element(0)]));
        assert_eq!(steps("a.b"), Ok(vec![name("a"), name("b")]));
        assert_eq!(steps("[3][4]"), Ok(vec![Step::Element(3), Step::Element(4)]));
        assert_eq!(steps(r#"a["x.\"y\\"]"#), Ok(vec![name("a"), name("x.\"y\\")]));
        assert_eq!(steps(r#"["\\"]"#), Ok(vec![name("\\")]));
        for (bad, at) in [
            ("", 0),
            ("$a", 1),
            ("a.", 2),
            (".a", 0),
            ("a[", 2),
            ("a[x]", 2),
            ("a[1", 3),
            ("a[\"x]", 5),
            ("a[\"x\"", 5),
            ("a..b", 2),
            ("a[0]b", 4),
            ("[\"\\n\"]", 3),
        ] {
            assert_eq!(JsonPath::parse(bad).map_err(|error| error.at), Err(at), "{bad}");
        }
    }
}
