//! Warnings about what does nothing: E08xx.

use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// A variable that nothing reads; `in_field` if it is the short form of a field in a pattern.
pub(crate) fn variable(name: &str, at: Span, is_assigned: bool, in_field: bool) -> Diagnostic {
    let message = if is_assigned {
        format!("the variable `{name}` is assigned to, and never read")
    } else {
        format!("nothing reads the variable `{name}`")
    };
    let diagnostic = Diagnostic::warning("E0800", message).label(at, "unused");
    if in_field {
        let text = format!("{name}: _");
        return diagnostic.suggest(format!("leave the field out: `{text}`"), vec![Edit::replace(at, text)]);
    }
    // The name is the last word of `mut name`.
    let start = at.end.saturating_sub(u32::try_from(name.len()).unwrap_or(0));
    diagnostic
        .suggest(format!("if that is meant, let the name begin with `_`: `_{name}`"), vec![Edit::insert(start, "_")])
}

/// A function that no job calls.
pub(crate) fn function(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning("E0801", format!("no job calls the function `{name}`"))
        .label(at, "unused")
        .help("remove it, or make it `pub` if another file of the crate calls it")
}

/// A record that nothing mentions.
pub(crate) fn record(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning("E0802", format!("nothing uses the record `{name}`"))
        .label(at, "unused")
        .help("remove it, or make it `pub` if another file of the crate uses it")
}

/// A constant that no job reads.
pub(crate) fn constant(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning("E0803", format!("no job reads the constant `{name}`"))
        .label(at, "unused")
        .help("remove it, or make it `pub` if another file of the crate reads it")
}

/// Whether this is one of the warnings about functions, records and constants.
pub(crate) fn is_of_an_item(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.code, "E0801" | "E0802" | "E0803")
}

/// `let mut x` that is never changed.
pub(crate) fn mutable(name: &str, at: Span) -> Diagnostic {
    const MUT: u32 = "mut ".len() as u32;
    let word = Span { start: at.start, end: at.start + MUT };
    Diagnostic::warning("E0804", format!("the variable `{name}` need not be `mut`"))
        .label(at, "never changed")
        .mend("remove the `mut`", vec![Edit::replace(word, "")])
}

/// Code behind `return`, `break`, `continue` or `panic!`.
pub(crate) fn unreachable(at: Span, behind: Span) -> Diagnostic {
    Diagnostic::warning("E0805", "this code is never reached")
        .label(at, "unreachable")
        .label(behind, "nothing goes on behind this")
}

/// `x >= 0` of an unsigned number.
pub(crate) fn useless_comparison(is_true: bool, ty: &str, least: i128, greatest: i128, at: Span) -> Diagnostic {
    let word = if is_true { "true" } else { "false" };
    Diagnostic::warning("E0806", format!("this comparison is always {word}"))
        .label(at, format!("`{ty}` goes from {least} to {greatest}"))
}

/// A parameter of the job that nothing reads.
pub(crate) fn parameter(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning("E0807", format!("nothing reads the parameter `{name}` of the job"))
        .label(at, "unused")
        .help("remove it: whoever sets it with `--set` would think that it does something")
}
