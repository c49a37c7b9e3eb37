//! What is said about operators, joins and what flows between them: E050x, E051x.

use super::similar::closest;
use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// An operator with too many or too few inputs.
pub(crate) fn wrong_inputs(operator: &str, name: &str, wanted: usize, found: usize, at: Span) -> Diagnostic {
    let takes = match wanted {
        0 => "no input".to_owned(),
        1 => "one input".to_owned(),
        n => format!("{n} inputs"),
    };
    let diagnostic = Diagnostic::error("E0500", format!("`{name}` ({operator}) takes {takes}, and has {found}"))
        .label(at, format!("has {found}"));
    if found < wanted {
        return diagnostic.help(format!("connect the operator whose rows it takes: `graph.connect(&from, &{name})`"));
    }
    if wanted == 1 { diagnostic.help("make one of them first, with a union") } else { diagnostic }
}

/// A job that writes nothing.
pub(crate) fn no_sink(job: &str) -> Diagnostic {
    Diagnostic::error("E0501", format!("the job `{job}` writes nothing"))
        .label(Span::NONE, "no sink")
        .help("add an operator of type SINK and connect it")
}

/// An operator whose rows go nowhere.
pub(crate) fn nothing_reads(operator: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning("E0502", format!("nothing reads the rows of `{name}` ({operator})"))
        .label(at, "not connected")
        .help("connect it to an operator or a sink, or leave it out")
}

/// Two sinks of one name.
pub(crate) fn sink_twice(name: &str, at: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0503", format!("two sinks are named `{name}`"))
        .label(at, "the second")
        .label(first, "the first")
        .help("give one another name: `--output` tells sinks apart by it")
}

/// Two sources of one name.
pub(crate) fn source_twice(name: &str, at: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0503", format!("two sources are named `{name}`"))
        .label(at, "the second")
        .label(first, "the first")
        .help("give one another name, or use one stream twice")
}

/// `.errors` names no sink.
pub(crate) fn unknown_error_sink(name: &str, what: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0503", format!("there is no sink `{name}` for the {what}")).label(at, "unknown sink");
    match closest(name, known.iter().copied()) {
        Some(found) => diagnostic.help(format!("did you mean `{found}`?")),
        None => diagnostic.help("add an operator of type SINK with this name and no input"),
    }
}

/// An operator without its closure.
pub(crate) fn function_missing(operator: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0235", format!("`{name}` ({operator}) has no function"))
        .label(at, "computes nothing")
        .help("set `function` to a closure, `|row| ..`")
}

/// A `map` that gives what no row can be.
pub(crate) fn not_a_row(found: &str, at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0505", "the rows of a stream are records").label(at, format!("this is `{found}`"));
    if found.starts_with("Option<") {
        return diagnostic.help("to leave rows out, use `filter_map`");
    }
    if found == "()" {
        return diagnostic.help("give a record as the last expression, without `;`");
    }
    diagnostic.help("give a record: `Out { a: .., b: .. }`")
}

/// A sink whose rows have no column names.
pub(crate) fn sink_needs_record(found: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0505", format!("the columns of the sink `{name}` have no names"))
        .label(at, format!("its rows are `{found}`"))
        .help("make records first: `.map(|row| Out { a: .., b: .. })`")
}

/// A sink with two columns of one name.
pub(crate) fn sink_column_twice(name: &str, column: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0505", format!("the sink `{name}` would have two columns named `{column}`"))
        .label(at, "two of one name")
        .help("choose the columns before it, with `map` or `select`")
}

/// A `filter_map` that always gives a row.
pub(crate) fn filter_map_needs_option(found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0505", "`filter_map` needs an `Option` of a record")
        .label(at, format!("this is `{found}`"))
        .help("give `Some(..)` or `None`; to keep every row, use `map`")
}

/// A `flat_map` that gives no list.
pub(crate) fn flat_map_needs_list(found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0505", "`flat_map` needs a `Vec` of records")
        .label(at, format!("this is `{found}`"))
        .help("give a list: `vec![..]`, or `.collect()` of an iterator; for none or one row, use `filter_map`")
}

/// A selection from rows that have no columns by name.
pub(crate) fn select_without_record(found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0505", "these rows have no columns to select").label(at, format!("the rows are `{found}`"))
}

/// A selection that names a column twice.
pub(crate) fn column_twice(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0506", format!("the column `{name}` is selected twice")).label(at, "the second adds nothing")
}

/// A selection of nothing.
pub(crate) fn no_columns(at: Span) -> Diagnostic {
    Diagnostic::error("E0506", "no column is selected").label(at, "empty")
}

/// A union of streams that differ.
pub(crate) fn union_of_different(first: &str, other: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0507", "the streams of a union have different columns")
        .label(at, "cannot become one stream")
        .note(format!("the first has ({first})"))
        .note(format!("the other has ({other})"))
        .help("`map` one of them to the record of the other")
}

/// `limit(-1)`.
pub(crate) fn negative_count(n: i64, at: Span) -> Diagnostic {
    Diagnostic::error("E0508", format!("a number of rows cannot be {n}")).label(at, "below zero")
}

/// A key that is no value.
pub(crate) fn not_a_key(found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0509", "a key is a value of a column, or a tuple of them")
        .label(at, format!("this is `{found}`"))
}

/// A key or time that is computed where a column is needed.
pub(crate) fn not_a_column(whose: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0509", format!("{whose} names columns of the record"))
        .label(at, "this is computed")
        .help("give a field as it is, `|row| row.id`, or a tuple of fields")
}

/// `.event_time(|r| (r.a, r.b))`.
pub(crate) fn event_time_of_many(at: Span) -> Diagnostic {
    Diagnostic::error("E0510", "the event time is one column").label(at, "these are several")
}

/// An event time that is no time.
pub(crate) fn event_time_type(field: &str, ty: &str, at: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0510", format!("the event time `{field}` must be a `Timestamp`"))
        .label(at, format!("this is `{ty}`"))
        .label(declared, "declared here")
}

/// A join whose keys cannot be read.
pub(crate) fn join_without_keys(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0511", format!("the join `{name}` has no keys"))
        .label(at, "joins on what")
        .help("add `.on(|l| l.id, |r| r.id)`")
}

/// Keys of different types; `side` is the one to be wrapped in `Some`, `wider` the number type that holds both.
pub(crate) fn join_keys_differ(
    left: (&str, Span),
    right: (&str, Span),
    side: Option<&str>,
    wider: Option<&str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0511", "the keys of a join must have the same type")
        .label(right.1, format!("this is `{}`", right.0))
        .label(left.1, format!("this is `{}`", left.0));
    match side {
        Some("right") => {
            diagnostic.suggest("wrap the right one: `|r| Some(..)`; a `None` matches nothing", in_some(right.1))
        }
        Some(_) => diagnostic.suggest("wrap the left one: `|l| Some(..)`; a `None` matches nothing", in_some(left.1)),
        None => match wider {
            Some(ty) => diagnostic.help(format!("convert the other: `.. as {ty}`")),
            None => diagnostic,
        },
    }
}

fn in_some(value: Span) -> Vec<Edit> {
    if value.is_none() { Vec::new() } else { vec![Edit::insert(value.start, "Some("), Edit::insert(value.end, ")")] }
}

/// A `map` of pairs behind a join that gives left rows.
pub(crate) fn map_after_semi(at: Span) -> Diagnostic {
    Diagnostic::error("E0512", "a semi or anti join gives rows of its left side")
        .label(at, "there is no pair to compute with")
        .help("leave `function` out, and use a MAP behind the join")
}
