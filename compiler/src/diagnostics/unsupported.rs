//! What is said about code that Rust allows and this version of the language does not: E07xx; recursion, which no
//! version will have, is among it.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// `[a, b]` inside of another pattern.
pub(crate) fn slice_pattern_here(at: Span) -> Diagnostic {
    Diagnostic::error("E0204", "a slice pattern inside of another pattern cannot be used in a job")
        .label(at, "not compiled to native code")
        .help("match the slice alone: `match v.as_slice() { [a, b] => .., _ => .. }`")
}

fn not_yet(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0700", format!("{what} is not supported yet")).label(at, "cannot be compiled")
}

/// A form that the parser reads and nothing behind it knows.
pub(crate) fn form(what: &str, at: Span) -> Diagnostic {
    not_yet(what, at)
}

/// A closure that is not the argument of a method that takes one.
pub(crate) fn closure(at: Span) -> Diagnostic {
    not_yet("a closure as a value", at)
        .help("call it where it is chosen, `if up { inc(x) } else { dec(x) }`, or hand it to a function: `fn f(g: impl Fn(i64) -> i64)`")
}

/// `f` where `let f = |x| ..;` and not `f(1)`.
pub(crate) fn closure_as_value(name: &str, at: Span, closure: Span) -> Diagnostic {
    not_yet("a closure as a value", at)
        .label(closure, "the closure")
        .help(format!("call it, `{name}(..)`, or hand it to a method that takes a closure"))
}

/// `g.sum(..)` in a loop.
pub(crate) fn aggregate_in_loop(at: Span) -> Diagnostic {
    not_yet("an aggregate inside of a loop", at).help("give it a name with `let` before the loop")
}

/// `format!(..)`.
pub(crate) fn macro_call(name: &str, at: Span) -> Diagnostic {
    let diagnostic = not_yet(&format!("the macro `{name}!`"), at);
    match name {
        "panic" | "unreachable" | "assert" | "todo" => {
            diagnostic.help("give a value, or leave the row out with `filter`")
        }
        _ => diagnostic,
    }
}

/// A range pattern of something other than numbers.
pub(crate) fn range_of(at: Span) -> Diagnostic {
    not_yet("a range of this type", at).help("use a guard: `x if x >= \"a\" && x <= \"f\" => ..`")
}

/// A method of std that comes later.
pub(crate) fn method(name: &str, ty: &str, at: Span) -> Diagnostic {
    let diagnostic = not_yet(&format!("`{name}` of `{ty}`"), at);
    match name {
        "cmp" | "partial_cmp" | "total_cmp" => diagnostic.help("compare with `<`, `==` and `>`"),
        "unsigned_abs" => diagnostic.help("write `abs_diff(0)`"),
        "overflowing_add" | "overflowing_sub" | "overflowing_mul" => {
            diagnostic.help("use the `checked_` or `wrapping_` form")
        }
        "to_radians" => diagnostic.help("write `x * std::f64::consts::PI / 180.0`"),
        "to_degrees" => diagnostic.help("write `x * 180.0 / std::f64::consts::PI`"),
        _ => diagnostic,
    }
}

/// `x.to_string()` of a number.
pub(crate) fn to_string(ty: &str, at: Span) -> Diagnostic {
    not_yet(&format!("`to_string` of `{ty}`"), at).help("numbers, `bool`, `char` and text have a form as text")
}

/// `o.unwrap()`.
pub(crate) fn option_method(name: &str, text: Option<&str>, default: &str, at: Span) -> Diagnostic {
    let text = text.unwrap_or("it");
    not_yet(&format!("`{name}` of an `Option`"), at)
        .help(format!("say what to take when it is `None`: `{text}.unwrap_or({default})`, or use `match`"))
}

/// `unwrap_or_default` of a type without a default.
pub(crate) fn no_default(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0701", format!("`{ty}` has no default")).label(at, "which value").help("use `unwrap_or(..)`")
}

/// `o.map(x)` where `x` is no function.
pub(crate) fn not_a_closure(method: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0701", format!("`{method}` takes a closure"))
        .label(at, "not a closure")
        .help(format!("write `{method}(|x| ..)`"))
}

/// `f::<T>(..)`.
pub(crate) fn type_arguments(name: &str, at: Span) -> Diagnostic {
    not_yet(&format!("`{name}` with types in `::<>`"), at)
}

/// `Ok(x)`, `Record(x)`.
pub(crate) fn call(name: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0701", format!("`{name}` cannot be called")).label(at, "not a function");
    match name {
        "Ok" | "Err" => diagnostic.help("there is no `Result` in the job language: use `Option`"),
        _ => diagnostic.help(format!("make a record with its fields: `{name} {{ .. }}`")),
    }
}

/// Arithmetic with times that is not there.
pub(crate) fn time_arithmetic(op: &str, left: &str, right: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0702", format!("`{left}` {op} `{right}` is not supported"))
        .label(at, "cannot be compiled")
        .help("a `Timestamp` or `Date` less another is a `Duration`; `Duration`s are added to timestamps and to each other, and multiplied or divided by an `i64`")
}

/// `return` in the guard of an arm.
pub(crate) fn return_in_guard(at: Span) -> Diagnostic {
    Diagnostic::error("E0703", "`return` cannot stand in the guard of an arm")
        .label(at, "asked, not done")
        .help("decide before the `match`: `if .. { return ..; }`")
}

/// `return` outside of a function.
pub(crate) fn return_outside(at: Span) -> Diagnostic {
    Diagnostic::error("E0703", "there is nothing to return from").label(at, "outside of a function or closure")
}

/// Code nested deeper than anyone writes.
pub(crate) fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error("E0704", "this code is nested too deeply")
        .label(at, "more than the compiler goes into")
        .help("give a part of it a name with `let`, or make it a `#[sabot::udf] fn`")
}

/// Code that grows too large once functions stand where they are called.
pub(crate) fn too_large(at: Span) -> Diagnostic {
    Diagnostic::error("E0704", "this code is too large")
        .label(at, "functions that it calls are put where they are called")
        .help("call a function once and give its value a name with `let`")
}

/// A function that calls itself; `between` are the functions on the way back to it.
pub(crate) fn recursion(name: &str, between: &[&str], call: Span, declared: Span) -> Diagnostic {
    let message = if between.is_empty() {
        format!("`{name}` calls itself")
    } else {
        format!("`{name}` calls itself through `{}`", between.join("`, `"))
    };
    Diagnostic::error("E0705", message)
        .label(call, "the call")
        .label(declared, "the function")
        .help("a job's functions must end after a known number of steps: write out the cases")
}

/// A constant in a pattern that is computed in a way the checker does not follow.
pub(crate) fn constant_pattern(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0706", format!("the value of `{name}` is not known while compiling"))
        .label(at, "cannot be a pattern")
        .help(format!("use a guard: `x if x == {name} => ..`"))
}

/// A parameter of the job that is no plain value.
pub(crate) fn parameter_type(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0707", "a parameter of a job is one value")
        .label(at, format!("`{ty}` is not"))
        .help("use a number, `bool`, `String`, `Date`, `Timestamp` or `Duration`")
}

/// A default that is not a constant.
pub(crate) fn default_not_constant(param: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0707", format!("the default of `{param}` must be a constant"))
        .label(at, "has to be computed")
        .help("write the value")
}
