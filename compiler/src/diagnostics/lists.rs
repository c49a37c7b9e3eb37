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

/// `v.foo()` of a list.
pub(crate) fn no_method(ty: &str, method: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0404", format!("`{ty}` has no method `{method}`")).label(at, "unknown method");
    match super::similar::closest(method, known.iter().copied()) {
        Some(found) if found != method => diagnostic.help(format!("did you mean `{found}`?")),
        Some(_) | None => match instead_of(method) {
            Some(instead) => diagnostic.help(instead),
            None if known.is_empty() => diagnostic,
            None => diagnostic
                .help(format!("it has `{}`, and more that the page on the language lists", known.join("`, `"))),
        },
    }
}

/// What to write for methods of lists that are not there.
fn instead_of(method: &str) -> Option<&'static str> {
    Some(match method {
        "split_at_mut" | "split_first_mut" | "chunks_mut" | "chunks_exact_mut" => {
            "two parts of a list are not lent at once: change items by their positions, `v[i] = v[j];`"
        }
        "iter_mut" => "go over the places: `for x in v.iter_mut() { *x += 1; }`",
        "last_mut" | "first_mut" | "get_mut" => "ask where it stands: `if let Some(x) = v.last_mut() { *x += 1; }`",
        "select_nth_unstable" | "select_nth_unstable_by" => "sort it, and take the position: `v.sort(); v[n]`",
        "join" => "make texts of the items first: `.iter().map(|x| x.to_string()).collect::<Vec<_>>().join(\",\")`",
        "array_windows" => "use `windows(n)`, whose parts are lists",
        "array_chunks" | "as_chunks" => "use `chunks_exact(n)`, whose parts are lists",
        "try_into" => "match it: `let [a, b] = v[..] else { return None };`",
        "push_within_capacity" | "try_reserve" => "use `push`: the memory of a row is limited anyway",
        _ => return None,
    })
}

/// `Vec<()>`.
pub(crate) fn list_of_nothing(at: Span) -> Diagnostic {
    Diagnostic::error("E0333", "a list of `()` holds nothing")
        .label(at, "has no items to keep")
        .help("count with a number instead")
}

/// A value that cannot be gone over.
pub(crate) fn not_an_iterator(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0334", format!("`{ty}` cannot be gone over"))
        .label(at, "has no items")
        .help("lists, ranges, `chars()`, `split(..)` and what is made of them can")
}

/// `rev` where the last item is not at hand.
pub(crate) fn no_reverse(at: Span) -> Diagnostic {
    Diagnostic::error("E0335", "what stands before this `rev` has to be collected first")
        .label(at, "the last item is not at hand")
        .help("write `.collect::<Vec<_>>().into_iter().rev()`, or put `rev` behind the source")
}

/// `try_fold` with a closure that cannot stop it.
pub(crate) fn no_option(method: &str, found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0301", format!("the closure of `{method}` gives `{found}`, not an `Option`"))
        .label(at, "goes on as long as there is a `Some`")
        .help("write `Some(..)` around the value, or use `fold`")
}

/// Items of two types.
pub(crate) fn other_items(expected: &str, found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0301", format!("the items are `{found}`, `{expected}` is wanted"))
        .label(at, format!("has items of type `{found}`"))
}

/// `cycle` of what runs a closure.
pub(crate) fn no_cycle(at: Span) -> Diagnostic {
    Diagnostic::error("E0334", "`cycle` goes over a list, a text or a range, again and again")
        .label(at, "what is before it runs a closure, or goes on elsewhere")
        .help("collect the items first: `let items: Vec<_> = ..; items.iter().cycle()`")
}

/// Items that have no sum.
pub(crate) fn no_sum(method: &str, item: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0336", format!("`{method}` of items of type `{item}`"))
        .label(at, "needs numbers of the type that it gives")
        .help("map the items to numbers first, all of one type: `.map(|x| x.price)`")
}

/// Items that are in no order.
pub(crate) fn no_greatest(method: &str, item: &str, floats: bool, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0331", format!("`{method}` is not there for items like `{item}`"))
        .label(at, "needs an order");
    if floats {
        diagnostic
            .help("floats have NaN: use `.fold(f64::NEG_INFINITY, f64::max)`, or `.max_by(|a, b| a.total_cmp(b))`")
    } else {
        diagnostic.help("compare a field: `.max_by_key(|x| x.id)`")
    }
}

/// `unzip` of what are no pairs.
pub(crate) fn no_pairs(item: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0336", "`unzip` takes pairs apart").label(at, format!("the items are `{item}`"))
}

/// `collect` into what is no list and no text.
pub(crate) fn collects_into(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0337", format!("items cannot be collected into `{ty}`"))
        .label(at, "gives a `Vec` or a `String`")
        .help("write `.collect::<Vec<_>>()`")
}

/// `collect` where nothing says into what.
pub(crate) fn collect_into_what(at: Span) -> Diagnostic {
    Diagnostic::error("E0337", "nothing says what the items are collected into")
        .label(at, "could be a `Vec` or a `String`")
        .help("write `.collect::<Vec<_>>()`, or give the variable a type")
}

/// `v[i].push(x)`.
pub(crate) fn change_inside(at: Span) -> Diagnostic {
    Diagnostic::error("E0338", "a list in a list cannot be drained where it stands")
        .label(at, "an item of a list")
        .help("take it out: `let mut row = std::mem::take(&mut v[i]);`, then `row.drain(..)`")
}
