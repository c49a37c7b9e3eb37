//! What the compiler says about maps, sets, queues and heaps.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// `for (k, v) in map` of a `HashMap`.
pub(crate) fn hash_order(collection: &str, at: Span) -> Diagnostic {
    let ordered = collection.replace("Hash", "BTree");
    Diagnostic::error("E0727", format!("the order of what is in a `{collection}` is chance"))
        .label(at, "goes over it: another order in every run")
        .help(format!("use a `{ordered}`, which has the same methods and goes by the order of its keys"))
}

/// `for x in heap`.
pub(crate) fn heap_order(at: Span) -> Diagnostic {
    Diagnostic::error("E0727", "the items of a `BinaryHeap` have no order that std promises")
        .label(at, "goes over them")
        .help("take them from the greatest to the least, `while let Some(x) = heap.pop()`, or ask for `heap.into_sorted_vec()`")
}

/// A key that is a float, or of a type without `==` or `<`.
pub(crate) fn no_key(collection: &str, ty: &str, has_float: bool, hashed: bool, at: Span) -> Diagnostic {
    let help = if has_float {
        "floats are no keys, here and in Rust: take `x.to_bits()`, or round to an integer".to_owned()
    } else if hashed {
        format!("let it `#[derive(PartialEq, Eq, Hash)]`: `{ty}`")
    } else {
        format!("let it `#[derive(PartialEq, Eq, PartialOrd, Ord)]`: `{ty}`")
    };
    let what = if hashed { "`Eq` and `Hash`" } else { "`Ord`" };
    Diagnostic::error("E0336", format!("`{ty}` cannot be in a `{collection}`"))
        .label(at, format!("has no {what}"))
        .help(help)
}

/// `map.range(r)`.
pub(crate) fn no_range(at: Span) -> Diagnostic {
    Diagnostic::error("E0727", "`range` takes a range that is written where it is called")
        .label(at, "no range")
        .help("write its bounds: `map.range(from..to)`")
}
