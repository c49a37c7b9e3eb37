//! What is said about type parameters and the methods of records: E042x.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// A bound that no type of a job can be asked for.
pub(crate) fn unknown_bound(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0420", format!("the bound `{name}` is not understood")).label(at, "cannot be compiled").help(
        "a job knows `Copy`, `Clone`, `Debug`, `Default`, `PartialEq`, `Eq`, `Hash`, `PartialOrd`, `Ord`, `Into<T>`, `From<T>`, `Neg` and the traits of operators: `Add<Output = T>`",
    )
}

/// `T: Add` without what it gives.
pub(crate) fn bound_output(name: &str, subject: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0420", format!("the bound `{name}` does not say that it gives a `{subject}`"))
        .label(at, "what it gives is left open")
        .help(format!("write `{name}<Output = {subject}>`"))
}

/// A type that is not what a bound asks for.
pub(crate) fn bound_not_met(ty: &str, bound: &str, parameter: &str, function: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0421", format!("`{ty}` is not `{bound}`"))
        .label(at, format!("`{function}` asks that of its `{parameter}`"))
}

/// An operator that the bounds do not give.
pub(crate) fn operator_without_bound(op: &str, parameter: &str, bound: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0422", format!("nothing says that `{parameter}` has `{op}`"))
        .label(at, "the types that it may stand for differ")
        .help(format!("add the bound `{bound}`"))
}

/// A method that the bounds do not give.
pub(crate) fn no_method(parameter: &str, method: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0423", format!("nothing says that `{parameter}` has `{method}`"))
        .label(at, "unknown method")
        .help("bounds give operators, `min` and `max` (`Ord`), `into` (`Into<..>`) and `default` (`Default`)")
}

/// What only a trait gives that the type does not derive.
pub(crate) fn not_derived(name: &str, wanted: &str, at: Span, declared: Span) -> Diagnostic {
    Diagnostic::error("E0427", format!("`{name}` has no `{wanted}`"))
        .label(at, format!("needs `{wanted}`"))
        .label(declared, "declared here")
        .help(format!("write `#[derive({wanted})]` above it"))
}

/// An `impl` block of what is no record of the job.
pub(crate) fn impl_of_unknown(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0424", format!("there is no record `{name}`"))
        .label(at, "an `impl` block is one of a record")
        .help("write `#[sabot::record]` above the struct")
}

/// A function of an `impl` block that does not exist.
pub(crate) fn no_associated(record: &str, name: &str, what: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0425", format!("`{record}` has no {what} `{name}`")).label(at, format!("unknown {what}"));
    match super::similar::closest(name, known.iter().copied()) {
        Some(found) => diagnostic.help(format!("did you mean `{record}::{found}`?")),
        None => diagnostic.help(format!("write it into `impl {record} {{ .. }}`")),
    }
}

/// `q.new()` of a function without `self`.
pub(crate) fn not_a_method(record: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0426", format!("`{name}` of `{record}` takes no `self`"))
        .label(at, "is no method")
        .help(format!("call it as `{record}::{name}(..)`"))
}
