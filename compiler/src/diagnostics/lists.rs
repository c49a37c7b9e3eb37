//! What is said about lists and iterators: E033x.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// Items that a method has to compare.
pub(crate) fn items_do_not_compare(method: &str, item: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0330", format!("`{method}` compares items, and `{item}` does not compare"))
        .label(at, "compares items")
        .help("compare a field of theirs: `.iter().any(|x| x.id == id)`")
}

/// A type whose values are in no order.
pub(crate) fn no_order(method: &str, ty: &str, floats: bool, at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0331", format!("`{method}` is not there for `{ty}`")).label(at, "needs an order");
    if floats {
        diagnostic
            .help("floats have NaN, which is in no order: use `total_cmp`, or `partial_cmp` and say what of `None`")
    } else if method == "total_cmp" {
        diagnostic.help("use `cmp`")
    } else {
        diagnostic.help("compare a field, or a tuple of fields: `(a.x, a.y).cmp(&(b.x, b.y))`")
    }
}

/// A list of bytes that is no constant.
pub(crate) fn bytes_of_what(at: Span) -> Diagnostic {
    Diagnostic::error("E0332", "bytes can only be listed as numbers that are known")
        .label(at, "is computed")
        .help("use a `Vec<u16>`, or another type of items")
}

/// `v.foo()` of a list.
pub(crate) fn no_method(ty: &str, method: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0404", format!("`{ty}` has no method `{method}`")).label(at, "unknown method");
    match super::similar::closest(method, known.iter().copied()) {
        Some(found) => diagnostic.help(format!("did you mean `{found}`?")),
        None => diagnostic,
    }
}

/// `Vec<()>`.
pub(crate) fn list_of_nothing(at: Span) -> Diagnostic {
    Diagnostic::error("E0333", "a list of `()` holds nothing")
        .label(at, "has no items to keep")
        .help("count with a number instead")
}
