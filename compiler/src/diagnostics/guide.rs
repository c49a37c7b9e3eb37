//! What is said about the parameters of a graph that names columns: E06xx.

use super::similar::closest;
use super::syntax::one_of;
use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// A parameter names a column that is not there.
pub(crate) fn unknown_column(name: &str, rows: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0600", format!("`{rows}` has no column `{name}`")).label(at, "unknown column");
    match closest(name, known.iter().copied()) {
        Some(found) => diagnostic.help(format!("did you mean `{found}`?")),
        None if known.len() <= 20 => diagnostic.help(format!("it has {}", one_of(known).replace(" or ", " and "))),
        None => diagnostic,
    }
}

/// A parameter names a field that is a record.
pub(crate) fn record_as_column(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0600", format!("`{name}` is a record, not a column"))
        .label(at, "names one column")
        .help(format!("name a field of it in a closure, `|row| row.{name}.id`"))
}

/// Nothing says which columns a source has.
pub(crate) fn columns_unknown(source: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0601", format!("the columns of the source `{source}` are not known"))
        .label(at, "has neither `record` nor `schema`")
        .help(format!(
            "set `schema` to a list like `\"price: f64\"`, or give the file it reads: `--input {source}=FILE`"
        ))
}

/// A column's type in `schema` that is none.
pub(crate) fn unknown_column_type(source: &str, column: &str, written: &str, at: Span) -> Diagnostic {
    let message = if written.is_empty() {
        format!("the column `{column}` of the source `{source}` has no type")
    } else {
        format!("the column `{column}` of the source `{source}` has the unknown type `{written}`")
    };
    Diagnostic::error("E0602", message).label(at, "in `schema`").help(format!(
        "write `\"{column}: f64\"`; types are `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `String`, `Bytes`, `Date`, `Timestamp`, `Duration`, and `Option<..>` of them"
    ))
}

/// A column twice in `schema`.
pub(crate) fn schema_column_twice(source: &str, column: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0602", format!("the source `{source}` has two columns named `{column}`"))
        .label(at, "in `schema`")
}

/// A source or sink without a place.
pub(crate) fn no_place(operator: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0603", format!("`{name}` ({operator}) has no place to read or write"))
        .label(at, "no connector")
        .help("set `kafka_topic`, `path`, `standard`, `generator` or `postgres`")
}

/// A source or sink with two places.
pub(crate) fn two_places(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0603", format!("`{name}` has two places to read or write"))
        .label(at, "two connectors")
        .help("keep one of `kafka_topic`, `path`, `standard`, `generator` and `postgres`")
}

/// A filter without what it compares.
pub(crate) fn filter_without_column(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0235", format!("the filter `{name}` compares nothing"))
        .label(at, "no predicate")
        .help("set `column` and `value`, or `function`")
}

/// A filter that compares a column with a value of another type.
pub(crate) fn value_of_other_type(column: &str, ty: &str, found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0605", format!("the column `{column}` is `{ty}` and cannot be compared with this `value`"))
        .label(at, format!("this is {found}"))
        .help(match ty {
            "bool" => "give `true` or `false`".to_owned(),
            "String" => "give a text, `\"..\"`".to_owned(),
            "f32" | "f64" => "give a number".to_owned(),
            _ if ty.starts_with(['i', 'u']) => format!("give a whole number that `{ty}` can hold"),
            _ => "use `function` with a closure".to_owned(),
        })
}

/// An aggregate that says neither what nor how.
pub(crate) fn aggregate_without_function(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0606", format!("`{name}` (aggregate) computes nothing"))
        .label(at, "no aggregate")
        .help("set `aggregate` to `sum`, `count`, `min`, `max` or `avg`, and `column`; or set `function`")
}

/// An aggregate of nothing.
pub(crate) fn aggregate_without_column(function: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0606", format!("`{name}` (aggregate) has no column for its `{function}`"))
        .label(at, "of which column")
        .help("set `column`")
}

/// A sum of text.
pub(crate) fn aggregate_of_other_type(function: &str, column: &str, ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0607", format!("`{function}` takes numbers, and the column `{column}` is `{ty}`"))
        .label(at, "not a number")
}
