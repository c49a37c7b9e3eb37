//! What is said about variables that change, loops and jumps: E071x.

use super::similar::closest;
use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// `x = 1` where `x` was declared without `mut`.
pub(crate) fn not_mutable(name: &str, at: Span, declared: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0710", format!("`{name}` cannot be assigned to")).label(at, "changes it");
    if declared.is_none() {
        return diagnostic.help(format!("copy it to a variable of your own: `let mut {name} = {name};`"));
    }
    diagnostic
        .label(declared, "declared without `mut`")
        .suggest(format!("declare it with `mut`: `mut {name}`"), vec![Edit::insert(declared.start, "mut ")])
}

/// `LIMIT = 1`, `min_price = 1.0`, `f(x) = 1`.
pub(crate) fn not_a_variable(name: &str, at: Span) -> Diagnostic {
    let what = if name == "this" { name.to_owned() } else { format!("`{name}`") };
    Diagnostic::error("E0710", format!("{what} cannot be assigned to"))
        .label(at, "not a variable")
        .help("assign to a variable that is declared with `let mut`")
}

/// `break` or `continue` outside of a loop.
pub(crate) fn outside_of_loop(word: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0711", format!("`{word}` stands outside of a loop"))
        .label(at, "nothing to leave")
        .help("write `return` to leave the function or closure")
}

/// A label that is on nothing around.
pub(crate) fn unknown_label(label: &str, known: &[&str], at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0711", format!("there is no label `'{label}` around this")).label(at, "goes nowhere");
    match closest(label, known.iter().copied()) {
        Some(found) => diagnostic.help(format!("did you mean `'{found}`?")),
        None => diagnostic.help(format!("put it on the loop: `'{label}: loop {{ .. }}`")),
    }
}

/// `continue 'block`.
pub(crate) fn continue_of_block(at: Span) -> Diagnostic {
    Diagnostic::error("E0711", "a block has no next pass")
        .label(at, "the label is on a block")
        .help("write `break` to leave the block")
}

/// `break 1` in a `while` or `for`.
pub(crate) fn break_with_value(form: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0712", format!("a `{form}` gives no value"))
        .label(at, "given by this `break`")
        .help("use `loop`, which gives what `break` says, or assign to a variable before the `break`")
}

/// `break` where another `break` gives a value.
pub(crate) fn break_without_value(expected: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0712", "this `break` gives no value")
        .label(at, format!("needs a `{expected}`, as the loop's other ends give"))
        .help("write `break value`")
}

/// `for x in y` where `y` is no sequence.
pub(crate) fn not_iterable(ty: &str, is_integer: bool, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0713", format!("`for` cannot go over a `{ty}`")).label(at, "not a sequence");
    if is_integer {
        diagnostic.help("write a range: `0..n`")
    } else {
        diagnostic.help("write a range: `for i in 0..10`")
    }
}

/// `x?` of something that is no `Option`.
pub(crate) fn question_mark_of(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0714", format!("`?` of a `{ty}`"))
        .label(at, "not an `Option`")
        .help("leave the `?` away: the value is always there")
}

/// `x?` where the function gives no `Option`.
pub(crate) fn question_mark_in(whose: &str, returns: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0714", format!("`?` in {whose}, which gives `{returns}`"))
        .label(at, "would have to give `None`")
        .help("let it return an `Option`, or write `match` or `unwrap_or(..)`")
}

/// What was moved is used again.
pub(crate) fn moved_before(path: &str, moved: &str, at: Span, moved_at: Span) -> Diagnostic {
    let what =
        if path == moved { "used after it was moved".to_owned() } else { format!("used after `{moved}` was moved") };
    let diagnostic = Diagnostic::error("E0719", format!("`{path}` is used after a move")).label(at, what);
    let diagnostic = if at == moved_at { diagnostic } else { diagnostic.label(moved_at, "moved here") };
    diagnostic.help(format!("keep what is needed later: `{moved}.clone()`, or lend it: `&{moved}`"))
}

/// `&mut x` where a value is wanted.
pub(crate) fn place_as_value(at: Span) -> Diagnostic {
    Diagnostic::error("E0718", "a `&mut` is no value of its own").label(at, "lent to nobody").help(
        "hand it to a function, `f(&mut x)`, go over it, `for item in &mut list`, or give it a name: `let r = &mut x;`",
    )
}

/// `&mut v[1..3]`.
pub(crate) fn part_as_place(at: Span) -> Diagnostic {
    Diagnostic::error("E0718", "a part of a list cannot be lent")
        .label(at, "a part, not an item")
        .help("lend the whole list, and hand over where the part begins and ends")
}

/// An argument that is no `&mut`, where one is.
pub(crate) fn place_wanted(function: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0718", format!("`{function}` changes what it is given"))
        .label(at, "a value, not a place")
        .help("lend a variable that is `mut`: `&mut x`")
}

/// `?` of a `Result` in what gives none with this error.
pub(crate) fn question_mark_error(whose: &str, returns: &str, found: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0714", format!("`?` of a `{found}` in {whose}, which gives `{returns}`"))
        .label(at, "its error would have to be given")
        .help("make it the error that is given: `.map_err(|_| ..)?`; or an `Option`: `.ok()?`")
}

/// `let Some(x) = y else { 0 };`
pub(crate) fn else_goes_on(at: Span) -> Diagnostic {
    Diagnostic::error("E0715", "the `else` of this `let` goes on")
        .label(at, "nothing is bound after it")
        .help("end it with `return`, `break`, `continue` or `panic!`")
}

/// `let (a, b);`
pub(crate) fn pattern_without_value(at: Span) -> Diagnostic {
    Diagnostic::error("E0715", "this `let` has no value to take apart")
        .label(at, "more than a name")
        .help("declare each name by itself: `let a; let b;`")
}

/// A variable that is read before anything was assigned to it.
pub(crate) fn no_value_yet(at: Span) -> Diagnostic {
    Diagnostic::error("E0717", "this variable may have no value here")
        .label(at, "not assigned on every way to here")
        .help("give it a value where it is declared, or in every branch before this")
}

/// `assert!()`.
pub(crate) fn assertion_of_what(name: &str, at: Span) -> Diagnostic {
    let example = if name.ends_with("assert") { "(x > 0.0)" } else { "(x, 1)" };
    Diagnostic::error("E0716", format!("`{name}!` has nothing to ask"))
        .label(at, "arguments are missing")
        .help(format!("write `{name}!{example}`"))
}

/// `panic!(text)`.
pub(crate) fn message_is_no_text(at: Span) -> Diagnostic {
    Diagnostic::error("E0716", "the message must be a string literal")
        .label(at, "not a literal")
        .help("write the text itself: `\"negative price\"`")
}
