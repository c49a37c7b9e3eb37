//! What is said about groups: E052x.

use super::similar::closest;
use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// `g.price`.
pub(crate) fn field_of_group(group: &str, field: &str, is_column: bool, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0520", format!("a group has many rows, so it has no single `{field}`"))
        .label(at, "of which row");
    if is_column {
        return diagnostic.help(format!("say what to take of the rows: `{group}.sum(|row| row.{field})`, `{group}.first(|row| row.{field})`, or `{group}.key()` if it is the key"));
    }
    diagnostic.help(format!("a group has `{group}.key()`, `{group}.count()`, `{group}.sum(|row| ..)` and their like"))
}

/// `g.sum(|q| g.max(..))`.
pub(crate) fn nested(method: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0521", format!("`{method}` cannot stand inside another function of the group"))
        .label(at, "inside the closure over one row")
        .help("give it a name with `let` outside, and use both outside")
}

/// A value of the group in a closure over one row.
pub(crate) fn group_value_inside(function: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0521", format!("`{function}` reads a value that is known only when the group is complete"))
        .label(at, "its closure is computed row by row")
        .help("use values of the row, constants and parameters inside, and the rest outside")
}

/// `g.key()` without a key.
pub(crate) fn no_key(at: Span) -> Diagnostic {
    Diagnostic::error("E0522", "these rows have no key")
        .label(at, "all rows are one group")
        .help("group them first: `.key_by(|row| row.symbol)`")
}

/// `g.count(|q| ..)`.
pub(crate) fn count_takes_nothing(at: Span) -> Diagnostic {
    Diagnostic::error("E0523", "`count` takes no closure")
        .label(at, "counts all rows of the group")
        .suggest("to count some of them: `count_if(|row| ..)`", vec![Edit::replace(at, "count_if")])
}

/// `w.start()` of a group that is no window.
pub(crate) fn window_only(method: &str, rows: Rows, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0522", format!("only a window of time has `{method}`"));
    match rows {
        Rows::Window => diagnostic
            .label(at, "a window of a number of rows has no times")
            .help("ask its rows: `w.min(|row| row.at)`, `w.max(|row| row.at)`"),
        Rows::Group => diagnostic
            .label(at, "this group is not one")
            .help("cut the stream into windows first: `.window(tumbling(minutes(5))).aggregate(|w| ..)`"),
    }
}

/// What the rows are that are no window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// A window of a number of rows.
    Window,
    /// A group without a window.
    Group,
}

/// A function that groups do not have.
pub(crate) fn unknown_function(group: &str, method: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0523", format!("a group has no function `{method}`")).label(at, "unknown function");
    match closest(method, known.iter().copied()) {
        Some(found) => diagnostic.suggest(format!("did you mean `{group}.{found}`?"), vec![Edit::replace(at, found)]),
        None => diagnostic.help(format!("it has `{}`", known.join("`, `"))),
    }
}

/// A function of a group with too many or too few closures.
pub(crate) fn wrong_arity(method: &str, names: &[&str], found: usize, at: Span) -> Diagnostic {
    let closures: Vec<String> = names.iter().map(|name| format!("|row| {name}")).collect();
    let takes = match names.len() {
        1 => "one closure".to_owned(),
        n => format!("{n} closures"),
    };
    Diagnostic::error("E0523", format!("`{method}` takes {takes}"))
        .label(at, format!("has {found}"))
        .help(format!("write `{method}({})`", closures.join(", ")))
}

/// `g.percentile(|row| row.price)`.
pub(crate) fn percentile_arity(method: &str, at: Span) -> Diagnostic {
    let condition = if method.ends_with("_if") { ", |row| condition" } else { "" };
    Diagnostic::error("E0523", format!("`{method}` takes a share and a closure"))
        .label(at, "has other arguments")
        .help(format!("write `{method}(0.95, |row| value{condition})`"))
}

/// `g.percentile(95.0, |row| row.price)`.
pub(crate) fn no_share(at: Span) -> Diagnostic {
    Diagnostic::error("E0524", "`percentile` takes a share from 0 to 1, as a number or a constant")
        .label(at, "is none")
        .help("write `0.95` for the 95th percentile")
}

/// `g.sum(price)`.
pub(crate) fn not_a_closure(method: &str, text: Option<&str>, at: Span) -> Diagnostic {
    let inside = text.map_or("..".to_owned(), |text| {
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            format!("row.{text}")
        } else {
            text.to_owned()
        }
    });
    let edits = text.map(|_| Edit::replace(at, format!("|row| {inside}"))).into_iter().collect();
    Diagnostic::error("E0523", format!("`{method}` takes a closure over one row"))
        .label(at, "not a closure")
        .suggest(format!("write `{method}(|row| {inside})`"), edits)
}

/// `g.sum(|q| q.symbol)`.
pub(crate) fn wrong_argument(function: &str, wanted: &str, found: &str, at: Span, name: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0524", format!("`{function}` takes {wanted}"))
        .label(at, format!("this is `{found}`"))
        .label(name, "needed by this");
    match found {
        "bool" => diagnostic.help("to count the rows for which it holds: `count_if(|row| ..)`"),
        _ => diagnostic,
    }
}
