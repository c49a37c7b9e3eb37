//! What is said about decimals, times and JSON: E032x.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// `dec(x)`, `at.format(x)`, `json_get(s, x)`.
pub(crate) fn not_a_literal(function: &str, example: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0320", format!("`{function}` reads its text when the job is compiled"))
        .label(at, "known only when the job runs");
    match function {
        "dec" => diagnostic.help("write a literal, `dec(\"12.5\")`, or read text with `Decimal::parse(text)`"),
        "date" => diagnostic.help("write a literal, `date(\"2024-02-29\")`, or read text with `Date::parse(text)`"),
        "timestamp" => diagnostic
            .help("write a literal, `timestamp(\"2024-02-29T12:00:00Z\")`, or read text with `Timestamp::parse(text)`"),
        _ => diagnostic.help(format!("write a literal: `{example}`")),
    }
}

/// `date("2023-02-29")`.
pub(crate) fn not_a_value(text: &str, what: &str, example: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0321", format!("`{text}` is not {what}"))
        .label(at, "cannot be read")
        .help(format!("write it like `{example}`"))
}

/// `at.format("%Q")`, `json_get(s, "a..b")`.
pub(crate) fn malformed(problem: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0321", problem.to_owned()).label(at, "cannot be read");
    if problem.starts_with("a JSON path") {
        diagnostic.help("write it like `$.user.tags[0]` or `user[\"first name\"]`")
    } else {
        diagnostic.help("write it like `%Y-%m-%d` for a date, `%Y-%m-%d %H:%M:%S%.3f` for a time")
    }
}

/// `at.trunc(5)`.
pub(crate) fn not_a_unit(at: Span) -> Diagnostic {
    Diagnostic::error("E0322", "`trunc` takes a unit of the calendar or the clock").label(at, "not a unit").help(
        "write one of `Unit::Year`, `Quarter`, `Month`, `Week`, `Day`, `Hour`, `Minute`, `Second`, `Millisecond`; for \
         other steps there is `floor_to(minutes(5))`",
    )
}
