//! What is said about strings: E0740 `format!`, E0741 parts and patterns of strings, E0742 text and other types, E0743
//! `regex!`, E0744 items of strings.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// `format!()`, `format!(x)`.
pub(crate) fn format_string_missing(at: Span) -> Diagnostic {
    Diagnostic::error("E0740", "`format!` begins with its text")
        .label(at, "no literal")
        .help("write `format!(\"{} {}\", a, b)`")
}

/// `format!("{")`, `format!("{:z}", x)`.
pub(crate) fn format_string(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0740", "this text of `format!` cannot be read").label(at, "here").help(what)
}

/// `format!("{} {}", a)`.
pub(crate) fn format_argument_missing(given: usize, at: Span) -> Diagnostic {
    let given = match given {
        0 => "no value is given".to_owned(),
        1 => "one value is given".to_owned(),
        given => format!("{given} values are given"),
    };
    Diagnostic::error("E0740", "there is no value for these braces")
        .label(at, given)
        .help("give one value for each pair of braces")
}

/// `format!("{}", a, b)`.
pub(crate) fn format_argument_unused(at: Span) -> Diagnostic {
    Diagnostic::error("E0740", "this value is never written")
        .label(at, "no braces are for it")
        .help("add `{}` to the text, or leave the value away")
}

/// A value that has no form as text, or not this one.
pub(crate) fn not_formatted(ty: &str, style: &str, is_option: bool, at: Span) -> Diagnostic {
    let braces = if style.is_empty() { "{}".to_owned() } else { format!("{{:{style}}}") };
    let diagnostic =
        Diagnostic::error("E0742", format!("`{ty}` cannot be written as `{braces}`")).label(at, format!("`{ty}`"));
    if is_option {
        diagnostic.help("say what to write for `None`: `.unwrap_or(..)`, or `match` it")
    } else if matches!(style, "x" | "X" | "o" | "b") {
        diagnostic.help("only integers have digits in another base")
    } else {
        diagnostic.help("write its parts: numbers, `bool`, `char` and text have a form")
    }
}

/// `s.parse()` without a type.
pub(crate) fn parse_as_what(at: Span) -> Diagnostic {
    Diagnostic::error("E0742", "it is not known what to read this text as")
        .label(at, "of which type")
        .help("say so: `.parse::<f64>()`")
}

/// `s.parse::<Vec<u8>>()`.
pub(crate) fn not_parsed(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0742", format!("text cannot be read as `{ty}`"))
        .label(at, format!("gives `{ty}`"))
        .help("numbers, `bool`, `char` and text can be read")
}

/// `s.parse::<f64>().and_then(..)`.
pub(crate) fn result_method(name: &str, ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0742", format!("`{name}` of a `Result<{ty}, _>` is not there"))
        .label(at, "what `parse` gives has a few methods only")
        .help(
            "make it an `Option` first: `.ok()`; or use `unwrap_or(..)`, `is_ok()`, `match` with `Ok(..)` and `Err(_)`",
        )
}

/// `s.contains(|c| ..)`, `s.find(char::is_numeric)`.
pub(crate) fn predicate_pattern(method: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0741", format!("`{method}` looks for a string or a `char`"))
        .label(at, "a condition")
        .help("look at the characters: `s.chars().any(|c| ..)`, `s.chars().position(|c| ..)`")
}

/// `s.trim_matches("ab")`.
pub(crate) fn trim_matches_of_text(at: Span) -> Diagnostic {
    Diagnostic::error("E0741", "`trim_matches` takes a `char`")
        .label(at, "a string")
        .help("use `trim_start_matches(..)` and `trim_end_matches(..)`, which take strings")
}

/// `s[0]`, `s.get(0)`.
pub(crate) fn string_index(at: Span) -> Diagnostic {
    Diagnostic::error("E0741", "a string has no characters at numbers")
        .label(at, "a position, not a range")
        .help("take a part, `&s[0..1]` or `s.get(0..1)`, a byte, `s.as_bytes()[0]`, or a character, `s.chars().nth(0)`")
}

/// `Err(e)`.
pub(crate) fn error_value(at: Span) -> Diagnostic {
    Diagnostic::error("E0742", "what the error of a `Result` says is no value")
        .label(at, "gives it a name")
        .help("write `Err(_)`")
}

/// `regex!(x)`.
pub(crate) fn regex_without_text(at: Span) -> Diagnostic {
    Diagnostic::error("E0743", "`regex!` takes its pattern as text")
        .label(at, "no literal")
        .help("write `regex!(r\"^[a-z]+$\")`: the pattern is compiled with the job")
}

/// A pattern that is none.
pub(crate) fn bad_regex(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0743", "this regular expression cannot be compiled")
        .label(at, what)
        .help("a character that means something stands behind `\\`, best in a raw string: `r\"\\.csv$\"`")
}

/// `regex!("..")` without a method.
pub(crate) fn regex_alone(at: Span) -> Diagnostic {
    Diagnostic::error("E0743", "a regular expression is no value")
        .label(at, "nothing is done with it")
        .help("call a method where it stands: `regex!(\"..\").is_match(&s)`")
}

/// `regex!("..").split(..)`.
pub(crate) fn regex_method(name: &str, known: &[&str], at: Span) -> Diagnostic {
    Diagnostic::error("E0743", format!("a regular expression has no method `{name}`"))
        .label(at, "unknown method")
        .help(format!("it has `{}`", known.join("`, `")))
}

/// `capture(&s, 3)` of a pattern with two groups.
pub(crate) fn regex_group(group: i128, groups: usize, at: Span) -> Diagnostic {
    let has = match groups {
        0 => "the pattern has no group in parentheses".to_owned(),
        1 => "the pattern has one group in parentheses".to_owned(),
        groups => format!("the pattern has {groups} groups in parentheses"),
    };
    Diagnostic::error("E0743", format!("there is no group {group}")).label(at, has).help("group 0 is all that matches")
}

/// `captures["year"]` of a pattern without such a group.
pub(crate) fn regex_group_name(name: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0743", format!("the pattern has no group named `{name}`"));
    match super::similar::closest(name, known.iter().copied()) {
        Some(found) => diagnostic.label(at, "unknown group").help(format!("did you mean `{found}`?")),
        None => diagnostic
            .label(at, "unknown group")
            .help(format!("name one in the pattern, `(?P<{name}>..)`, or take it by its number")),
    }
}

/// `let chars = s.chars();`
pub(crate) fn items_alone(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(
        "E0744",
        format!("`{name}` gives its items one after the other: there is no value of all of them"),
    )
    .label(at, "nothing takes the items")
    .help("go over them, `for x in ..`, or end the chain: `.count()`, `.any(|x| ..)`, `.collect::<String>()`")
}

/// `u8::try_from(1.5)`.
pub(crate) fn no_try_into(from: &str, to: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0305", format!("`{from}` cannot become `{to}`"))
        .label(at, "only an integer can be asked whether it is one of another type")
        .help("convert with `as`, which rounds and cuts off, or compare first")
}

/// `s.chars().dance()`.
pub(crate) fn unknown_step(name: &str, known: &[&str], at: Span) -> Diagnostic {
    Diagnostic::error("E0744", format!("`{name}` is no method of items here"))
        .label(at, "unknown method")
        .help(format!("there are `{}`", known.join("`, `")))
}
