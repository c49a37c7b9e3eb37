//! What is said about `generate()`: E0537.

use super::similar::closest;
use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

const WORDS: &str =
    "`sequence`, `uniform:0..100`, `zipf:1000`, `choice:A|B`, `name:s:100`, `time:1ms` and `chance:0.5` are known";

/// A column that the record does not have.
pub(crate) fn unknown_column(name: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0537", format!("there is no column `{name}` to generate")).label(at, "says what it holds");
    match closest(name, known.iter().copied()) {
        Some(found) => diagnostic.help(format!("did you mean `{found}`?")),
        None => diagnostic.help(format!("the record has `{}`", known.join("`, `"))),
    }
}

/// A number that is none.
pub(crate) fn not_a_number(option: &str, value: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0537", format!("`{option}` of a generator is a number, not `{value}`"))
        .label(at, "how many rows")
        .help(format!("write an integer: `.{option}(1_000_000)`"))
}

/// An option that `generate` does not have.
pub(crate) fn unknown_option(option: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0537", format!("`generate()` has no `{option}`"))
        .label(at, "unknown")
        .help("it has `.rows(n)`, `.rate(per_second)` and `.column(\"name\", \"words\")`")
}

/// A column of a type that has no generator.
pub(crate) fn not_generated(name: &str, ty: &str, at: Span, declared: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0537", format!("`generate()` makes no column of type `{ty}`"));
    let diagnostic = diagnostic.label(declared, format!("`{name}` is one"));
    let diagnostic = if declared == at { diagnostic } else { diagnostic.label(at, "generated here") };
    diagnostic.help("generate numbers, text or times, and make the others of them with `map`")
}

/// Words that make no sense for a column.
pub(crate) fn wrong_words(name: &str, wrong: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0537", format!("the column `{name}` cannot be generated so"))
        .label(at, "says what it holds")
        .note(wrong.to_owned())
        .help(WORDS)
}
