//! What is said about names: E04xx.

use super::similar::{closest, did_you_mean};
use super::syntax::one_of;
use super::written::Written;
use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// More names than these are not listed in a message.
const MAX_LISTED: usize = 12;

/// The closest known name, or all of them if they are few.
fn meant(diagnostic: Diagnostic, name: &str, known: &[&str], what: &str, at: Span) -> Diagnostic {
    match closest(name, known.iter().copied()) {
        Some(found) => did_you_mean(diagnostic, found, at),
        None if !known.is_empty() && known.len() <= MAX_LISTED => {
            diagnostic.help(format!("{what} {}", one_of(known).replace(" or ", " and ")))
        }
        None => diagnostic,
    }
}

/// A name that nothing has.
pub(crate) fn unknown_name(name: &str, known: &[&str], row: Option<&str>, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0401", format!("there is no `{name}` here")).label(at, "unknown name");
    match row {
        Some(row) => diagnostic.suggest(
            format!("it is a field of the row: `{row}.{name}`"),
            vec![Edit::insert(at.start, format!("{row}."))],
        ),
        None => match closest(name, known.iter().copied()) {
            Some(found) => did_you_mean(diagnostic, found, at),
            None => diagnostic,
        },
    }
}

/// A function that nothing has.
pub(crate) fn unknown_function(name: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0402", format!("there is no function `{name}`")).label(at, "unknown function");
    match closest(name, known.iter().copied()) {
        Some(found) => did_you_mean(diagnostic, found, at),
        None => diagnostic.help(format!(
            "write it in this file: `#[sabot::udf] fn {}(..) -> .. {{ .. }}`",
            name.rsplit(':').next().unwrap_or(name)
        )),
    }
}

/// A field that the record does not have.
pub(crate) fn unknown_field(
    record: &str,
    field: &str,
    base: Option<&str>,
    by_wire: Option<&str>,
    known: &[&str],
    at: Span,
    declared: Span,
) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("E0403", format!("`{record}` has no field `{field}`")).label(at, "unknown field");
    if !declared.is_none() {
        diagnostic = diagnostic.label(declared, "declared here");
    }
    if let Some(name) = by_wire {
        let base = base.unwrap_or("row");
        return diagnostic.mend(
            format!("`{field}` is its name in files; in code it is `{base}.{name}`"),
            vec![Edit::replace(at, name)],
        );
    }
    meant(diagnostic, field, known, "its fields are", at)
}

/// A field of something that is no record.
pub(crate) fn field_of_scalar(ty: &str, field: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0403", format!("`{ty}` has no fields")).label(at, format!("no `{field}` in it"))
}

/// A field of an `Option` of a record.
pub(crate) fn field_of_option(ty: &str, base: Option<&str>, field: &str, has: bool, at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0403", format!("`{ty}` has no fields")).label(at, "there may be nothing to take it from");
    if has {
        let base = base.unwrap_or("it");
        return diagnostic.help(format!("take it where it is `Some`: `{base}.map(|x| x.{field})`"));
    }
    diagnostic
}

/// `t.5` of a pair.
pub(crate) fn no_tuple_field(ty: &str, len: usize, field: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0403", format!("`{ty}` has no field `{field}`")).label(at, "unknown field");
    match len {
        0 => diagnostic,
        1 => diagnostic.help("its only field is `0`"),
        _ => diagnostic.help(format!("its fields are `0` to `{}`", len - 1)),
    }
}

/// A method that the type does not have.
pub(crate) fn unknown_method(
    ty: &str,
    method: &str,
    known: &[&str],
    of_floats: Option<&Written>,
    at: Span,
) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0404", format!("`{ty}` has no method `{method}`")).label(at, "unknown method");
    if let Some(receiver) = of_floats {
        let text = format!("`f64` has it: `({} as f64).{method}(..)`", receiver.text_or("x"));
        return diagnostic.suggest(text, receiver.clone().before_less_than().cast("f64"));
    }
    meant(diagnostic, method, known, "it has", at)
}

/// `q.price()`.
pub(crate) fn field_not_method(ty: &str, base: Option<&str>, name: &str, at: Span, call: Span) -> Diagnostic {
    let parentheses = Span { start: at.end, end: call.end };
    Diagnostic::error("E0404", format!("`{name}` is a field of `{ty}`, not a method")).label(at, "called").mend(
        format!("leave the parentheses out: `{}.{name}`", base.unwrap_or("row")),
        vec![Edit::replace(parentheses, "")],
    )
}

/// `price.unwrap_or(0.0)` of what is no `Option`.
pub(crate) fn option_method_on_value(ty: &str, method: &str, at: Span, receiver: Span, call: Span) -> Diagnostic {
    // `.map(f)` does more than to open an `Option`.
    let opens = method.starts_with("unwrap") || method == "expect";
    let edits = if opens { vec![Edit::replace(Span { start: receiver.end, end: call.end }, "")] } else { Vec::new() };
    Diagnostic::error("E0404", format!("`{method}` is a method of `Option`, and this is `{ty}`"))
        .label(at, "never `None`")
        .suggest(format!("leave `.{method}(..)` out"), edits)
}

/// `sector.len()` of an `Option<String>`; `inside` is whether there is something in it that may have the method, and
/// whether it is called with arguments.
pub(crate) fn unknown_option_method(
    ty: &str,
    method: (&str, Span),
    known: &[&str],
    base: &Written,
    default: &str,
    inside: Option<bool>,
    call: Span,
) -> Diagnostic {
    let (method, at) = method;
    let diagnostic = Diagnostic::error("E0404", format!("`{ty}` has no method `{method}`")).label(at, "unknown method");
    if let Some(found) = closest(method, known.iter().copied()) {
        return did_you_mean(diagnostic, found, at);
    }
    let Some(has_args) = inside else { return diagnostic };
    let text = base.text_or("it");
    let args = if has_args { "(..)" } else { "()" };
    let map = vec![Edit::insert(at.start, "map(|x| x."), Edit::insert(call.end, ")")];
    let diagnostic = diagnostic.suggest(format!("call it on what is in it: `{text}.map(|x| x.{method}{args})`"), map);
    if default == "default" {
        return diagnostic;
    }
    let open = vec![Edit::insert(at.start, format!("unwrap_or({default})."))];
    diagnostic
        .suggest(format!("or say what to take when it is `None`: `{text}.unwrap_or({default}).{method}{args}`"), open)
}

/// A type that nothing declares.
pub(crate) fn unknown_type(name: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0405", format!("there is no type `{name}`")).label(at, "unknown type");
    match closest(name, known.iter().copied()) {
        Some(found) => did_you_mean(diagnostic, found, at),
        None => diagnostic.help(format!("declare it: `#[sabot::record] struct {name} {{ .. }}`")),
    }
}

/// A record that nothing declares.
pub(crate) fn unknown_record(name: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0405", format!("there is no record `{name}`")).label(at, "unknown record");
    match closest(name, known.iter().copied()) {
        Some(found) => did_you_mean(diagnostic, found, at),
        None => diagnostic.help(format!("declare it: `#[sabot::record] struct {name} {{ .. }}`")),
    }
}

/// A parameter of the job inside a function.
pub(crate) fn parameter_in_function(name: &str, at: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0407", format!("a function does not see the job's parameter `{name}`"))
        .label(at, "not known here")
        .label(declared, "a parameter of the job")
        .help(format!("add a parameter to the function and pass `{name}` where it is called"))
}

/// A function's name where a value is needed.
pub(crate) fn function_as_value(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0407", format!("`{name}` is a function"))
        .label(at, "used as a value")
        .help(format!("call it: `{name}(..)`"))
}

/// A record's name where a value is needed.
pub(crate) fn record_as_value(name: &str, fields: &[String], at: Span) -> Diagnostic {
    let fields: Vec<String> = fields.iter().take(3).map(|field| format!("{field}: ..")).collect();
    Diagnostic::error("E0407", format!("`{name}` is a record"))
        .label(at, "used as a value")
        .help(format!("make one: `{name} {{ {} }}`", fields.join(", ")))
}

/// `f64::MAXIMUM`.
pub(crate) fn unknown_path(path: &str, last: Option<&str>, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0408", format!("there is no `{path}`")).label(at, "unknown");
    let last = last.unwrap_or(path);
    let before = path.strip_suffix(last).unwrap_or_default();
    match closest(last, known.iter().copied()) {
        Some(found) => did_you_mean(diagnostic, &format!("{before}{found}"), at),
        None => diagnostic,
    }
}

/// A pattern that is neither `Some`, `None` nor a constant.
pub(crate) fn unknown_pattern(path: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0408", format!("there is no pattern `{path}`"))
        .label(at, "unknown")
        .help("a pattern is a literal, a range, `Some(..)`, `None`, a constant, a tuple or a name")
}

/// A constant that needs itself.
pub(crate) fn constant_of_itself(at: Span) -> Diagnostic {
    Diagnostic::error("E0409", "this constant is made of itself").label(at, "needs its own value")
}

/// A record literal without some fields.
pub(crate) fn missing_fields(record: &str, missing: &[&str], at: Span, declared: Span) -> Diagnostic {
    let (what, these) = match missing {
        [one] => ("field", format!("`{one}`")),
        many => ("fields", format!("`{}`", many.join("`, `"))),
    };
    let mut diagnostic =
        Diagnostic::error("E0410", format!("`{record}` lacks the {what} {these}")).label(at, "not complete");
    if !declared.is_none() {
        diagnostic = diagnostic.label(declared, "declared here");
    }
    let add: Vec<String> = missing.iter().map(|field| format!("{field}: ..")).collect();
    diagnostic.help(format!("add `{}`", add.join(", ")))
}

/// A record literal with a field that the record does not have.
pub(crate) fn extra_field(record: &str, field: &str, known: &[&str], at: Span, declared: Span) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("E0411", format!("`{record}` has no field `{field}`")).label(at, "unknown field");
    if !declared.is_none() {
        diagnostic = diagnostic.label(declared, "declared here");
    }
    meant(diagnostic, field, known, "still to be given are", at)
}

/// A record literal that gives a field twice.
pub(crate) fn field_twice(field: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0411", format!("the field `{field}` is given twice")).label(at, "the second")
}
