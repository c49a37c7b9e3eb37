//! What the compiler says where rustc wants a `String` and there is a `&str`, or the other way round.

use super::written::Written;
use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// A `&str` where a `String` is wanted.
pub(crate) fn owned_wanted(at: Span, x: &Written) -> Diagnostic {
    Diagnostic::error("E0301", "expected `String`, found `&str`")
        .label(at, "this is `&str`")
        .mend(format!("write it as text: `{}.to_string()`", x.text_or("(..)")), x.call(".to_string()"))
}

/// A `String` where a `&str` is wanted.
pub(crate) fn borrowed_wanted(at: Span, x: &Written) -> Diagnostic {
    Diagnostic::error("E0301", "expected `&str`, found `String`")
        .label(at, "this is `String`")
        .help(format!("lend it: `&{}`", x.text_or("(..)")))
}

/// `a + b` of two `&str`.
pub(crate) fn borrowed_plus(at: Span, x: &Written) -> Diagnostic {
    Diagnostic::error("E0302", "`+` makes the left text longer, and this one is borrowed")
        .label(at, "this is `&str`")
        .mend(format!("begin with a `String`: `{}.to_string()`", x.text_or("(..)")), x.call(".to_string()"))
}

/// `Option<&str>` where `Option<String>` is wanted.
pub(crate) fn held_text_is_borrowed(at: Span) -> Diagnostic {
    Diagnostic::error("E0301", "expected `Option<String>`, found `Option<&str>`")
        .label(at, "holds a part of a text")
        .help("make it a text of its own: `.map(str::to_string)`")
}

/// `let words: Vec<String> = text.split(' ').collect();`
pub(crate) fn parts_are_borrowed(at: Span) -> Diagnostic {
    Diagnostic::error("E0301", "the items are `&str`, `String` is wanted")
        .label(at, "collects parts of a text")
        .help("make them texts of their own: `.map(str::to_string).collect()`")
}

/// `match option { Some("a") => .. }` of an `Option<String>`.
pub(crate) fn pattern_of_held_string(at: Span, x: &Written) -> Diagnostic {
    Diagnostic::error("E0313", "this pattern cannot match `Option<String>`")
        .label(at, "matches `Option<&str>`")
        .help(format!("match the text: `{}.as_deref()`", x.text_or("(..)")))
}

/// `Some(&x)` where `Some(x)` is wanted.
pub(crate) fn held_reference(at: Span) -> Diagnostic {
    Diagnostic::error("E0301", "this holds a reference to the item, not the item")
        .label(at, "gives `Option<&T>`")
        .help("copy what is found: `.copied()`, or `.cloned()` of what has no `Copy`")
}

/// `v.contains(1)`, `v.first().unwrap_or(0)`.
pub(crate) fn reference_wanted(method: &str, at: Span, x: &Written) -> Diagnostic {
    Diagnostic::error("E0301", format!("`{method}` needs a reference here"))
        .label(at, "a value")
        .help(format!("lend it: `&{}`", x.text_or("(..)")))
}
