//! `json_get`: one value out of JSON text, without a tree of the rest.
//!
//! The text is read from its start to the value that the path names and the sign after it, and no further: everything
//! read must be strict RFC 8259, what comes after is not looked at. `None` where there is no such value, where it is `null`, and where the
//! text is malformed before its end. Of members with the same name the first counts. Nesting below 128 levels is read.

mod path;
mod scan;

pub use path::{JsonPath, JsonPathError};

use scan::Scanner;

/// The value at a path as text: a string without quotes and escapes, anything else as it stands there.
///
/// ```
/// use sabot_library::json_get;
/// let text = r#"{"user": {"name": "J\u00fcrgen", "tags": ["a", "b"]}, "n": 1.50}"#;
/// assert_eq!(json_get(text, "$.user.name").as_deref(), Some("Jürgen"));
/// assert_eq!(json_get(text, "user.tags[1]").as_deref(), Some("b"));
/// assert_eq!(json_get(text, "user.tags").as_deref(), Some(r#"["a", "b"]"#));
/// assert_eq!(json_get(text, "n").as_deref(), Some("1.50"));
/// assert_eq!(json_get(text, "nothing"), None);
/// ```
///
/// # Panics
/// If the path is none; sabotc says so when it compiles the job.
#[must_use]
pub fn json_get(text: &str, path: &str) -> Option<String> {
    let value = find(text, path)?;
    match value.as_bytes().first()? {
        b'"' => scan::unescape(&value[1..value.len() - 1]),
        _ => Some(value.to_owned()),
    }
}

/// The value at a path if it is a number without point and exponent that fits.
///
/// # Panics
/// If the path is none.
#[must_use]
pub fn json_get_i64(text: &str, path: &str) -> Option<i64> {
    // A string starts with a quote: no other value parses.
    find(text, path)?.parse().ok()
}

/// The value at a path if it is a number: the float next to it.
///
/// # Panics
/// If the path is none.
#[must_use]
pub fn json_get_f64(text: &str, path: &str) -> Option<f64> {
    let value = find(text, path)?;
    let is_number = value.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if is_number { value.parse().ok().filter(|x: &f64| x.is_finite()) } else { None }
}

/// The value at a path if it is `true` or `false`.
///
/// # Panics
/// If the path is none.
#[must_use]
pub fn json_get_bool(text: &str, path: &str) -> Option<bool> {
    match find(text, path)? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The text of the value at a path; not of `null`.
fn find<'a>(text: &'a str, path: &str) -> Option<&'a str> {
    let mut scanner = Scanner::new(text);
    if let Err(error) = path::each_step(path, |step| scanner.enter(&step)) {
        panic!("{error}");
    }
    scanner.value().filter(|value| *value != "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_values() {
        let text = " {\"a\" : {\"b\":[10, {\"c\":true}, [], \"\\u00e4\\n\\ud83d\\ude00\"] } ,\t\"a b\": -1.5e3,\"x\":null,\"\":7, \"é\":8}";
        for (path, value) in [
            ("a.b[0]", Some("10")),
            ("$.a.b[1].c", Some("true")),
            ("a.b[2]", Some("[]")),
            ("a.b[3]", Some("ä\n😀")),
            ("a.b[4]", None),
            ("[\"a b\"]", Some("-1.5e3")),
            ("$[\"a b\"]", Some("-1.5e3")),
            ("x", None),
            ("[\"\"]", Some("7")),
            ("é", Some("8")),
            ("a.c", None),
            ("a[0]", None),
            ("a.b.c", None),
            ("a.b[0].c", None),
            ("[0]", None),
        ] {
            assert_eq!(json_get(text, path).as_deref(), value, "{path}");
        }
        assert_eq!(json_get(text, "$").as_deref(), Some(&text[1..]));
        assert_eq!(json_get("\"a\"", "$").as_deref(), Some("a"));
        assert_eq!(json_get(r#"{"a\u0062": 1}"#, "ab").as_deref(), Some("1"));
        assert_eq!(json_get(r#"{"a": 1, "a": 2}"#, "a").as_deref(), Some("1"));
    }

    #[test]
    fn typed_values() {
        let text = r#"{"i": -12, "f": 1.5, "b": true, "s": "12", "big": 9223372036854775808, "e": 1e400, "z": 1.0}"#;
        assert_eq!(
            (json_get_i64(text, "i"), json_get_i64(text, "f"), json_get_i64(text, "s")),
            (Some(-12), None, None)
        );
        assert_eq!((json_get_i64(text, "big"), json_get_i64(text, "z"), json_get_i64(text, "b")), (None, None, None));
        assert_eq!(
            (json_get_f64(text, "i"), json_get_f64(text, "f"), json_get_f64(text, "s")),
            (Some(-12.0), Some(1.5), None)
        );
        assert_eq!((json_get_f64(text, "e"), json_get_f64(text, "b")), (None, None));
        assert_eq!((json_get_bool(text, "b"), json_get_bool(text, "i")), (Some(true), None));
    }

    #[test]
    fn malformed_text_gives_nothing() {
        for text in [
            "",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":01}",
            "{\"a\":1",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":1e}",
            "{\"a\":tru}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\ud800\\u0041\"}",
            "{\"a\":\"\\udc00\"}",
            "{a:1}",
            "{'a':1}",
            "{\"x\":[1,],\"a\":1}",
            "{\"x\":{\"y\"},\"a\":1}",
            "{\"x\":\"\\u12\",\"a\":1}",
            "{,\"a\":1}",
            "{\"x\":1 \"a\":1}",
            "{\"x\":-,\"a\":1}",
            "\u{feff}{\"a\":1}",
            "{\"a\":1x}",
            "{\"a\":truex}",
        ] {
            assert_eq!(json_get(text, "a"), None, "{text}");
        }
        let deep = |n: usize| format!("{{\"x\":{}{},\"a\":1}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(json_get(&deep(127), "a").as_deref(), Some("1"));
        assert_eq!(json_get(&deep(128), "a"), None);
        assert_eq!(json_get(&"[".repeat(1_000_000), "a"), None);
    }

    #[test]
    fn what_comes_after_is_not_looked_at() {
        assert_eq!(json_get("{\"a\":1,]]", "a").as_deref(), Some("1"));
    }

    /// JSON values of every kind.
    fn values() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((".{0,3}", inner), 0..4)
                    .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    /// Every value in a tree with the path to it.
    fn paths<'a>(value: &'a serde_json::Value, path: String, out: &mut Vec<(String, &'a serde_json::Value)>) {
        match value {
            serde_json::Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    paths(item, format!("{path}[{index}]"), out);
                }
            }
            serde_json::Value::Object(members) => {
                for (name, member) in members {
                    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                    paths(member, format!("{path}[\"{name}\"]"), out);
                }
            }
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
        out.push((path, value));
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let mut all = Vec::new();
            paths(&value, "$".to_owned(), &mut all);
            for (path, value) in all {
                let found = json_get(&text, &path);
                match value {
                    serde_json::Value::Null => prop_assert_eq!(found, None),
                    serde_json::Value::String(text) => prop_assert_eq!(found.as_ref(), Some(text)),
                    serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                        prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&found.unwrap()).unwrap(), value);
                    }
                }
                prop_assert_eq!(json_get_bool(&text, &path), value.as_bool());
                prop_assert_eq!(json_get_i64(&text, &path), value.as_i64());
            }
        }

        #[test]
        fn any_text_is_only_read(text in "[\\[\\]{}:,\"\\\\ a0e.u-]{0,24}") {
            // Whatever a strict parser accepts as a whole is found whole.
            let parsed = serde_json::from_str::<serde_json::Value>(&text).ok();
            let found = json_get(&text, "$");
            if let Some(value) = parsed {
                prop_assert_eq!(found.is_some(), !value.is_null());
            }
            let _ = json_get(&text, "a[0]");
        }
    }
}
