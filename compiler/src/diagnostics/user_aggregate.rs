//! What is said about the author's own aggregates, and about values that are collected: E0525 to E0528.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// The four functions, as they are written.
const SKELETON: &str = "`fn init() -> Self`, `fn add(self, value: f64) -> Self`, `fn merge(self, other: Self) -> Self`, `fn finish(self) -> f64`";

/// A `#[sabot::aggregate] impl` without all of its functions.
pub(crate) fn missing(owner: &str, functions: &[&str], at: Span) -> Diagnostic {
    let functions: Vec<String> = functions.iter().map(|function| format!("`{function}`")).collect();
    Diagnostic::error("E0525", format!("the aggregate `{owner}` has no {}", functions.join(", no ")))
        .label(at, "is not complete")
        .help(format!("an aggregate has {SKELETON}"))
}

/// A function of an aggregate with other parameters than it must have.
pub(crate) fn wrong_signature(owner: &str, function: &str, takes: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0525", format!("`{function}` of the aggregate `{owner}` takes {takes}"))
        .label(at, "has another signature")
        .help(format!("an aggregate has {SKELETON}"))
}

/// `g.aggregate(|q| ..)`.
pub(crate) fn which_aggregate(method: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0526", format!("`{method}` does not say which aggregate"))
        .label(at, "of the job's aggregates, any")
        .help(format!("name the record: `{method}::<Spread>(|row| row.price)`"))
}

/// `g.aggregate::<Quote>(..)` of a record that is none.
pub(crate) fn no_aggregate(found: &str, is_record: bool, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0526", format!("`{found}` is no aggregate")).label(at, "is none");
    if is_record {
        return diagnostic
            .help(format!("give it an `impl` block of its own: `#[sabot::aggregate] impl {found}` with {SKELETON}"));
    }
    diagnostic.help(format!(
        "an aggregate is a record with an `impl` block: `#[sabot::aggregate] impl Spread` with {SKELETON}"
    ))
}

/// `g.collect(|q| q.nothing_or_more)`.
pub(crate) fn not_collected(found: &str, at: Span, name: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0524", "`collect` takes one value of each row")
        .label(at, format!("this is `{found}`"))
        .label(name, "needed by this");
    if found.starts_with("Option<") {
        return diagnostic
            .help("leave out the rows without one: `collect_if(|row| row.x.unwrap(), |row| row.x.is_some())`");
    }
    diagnostic.help("collect one column after the other: the lists have one order")
}

/// Rows that are taken back, and an aggregate that cannot forget them.
pub(crate) fn cannot_remove(aggregate: &str, at: Span, name: &str, origin: Span) -> Diagnostic {
    let help = if matches!(aggregate, "reduce" | "collect") {
        format!(
            "aggregate windows first, whose rows are final: `.window(tumbling(minutes(5)))` before what `{name}` does"
        )
    } else {
        format!(
            "say how a row leaves the state: `fn remove(self, value: f64) -> Self` in the `impl` block of `{aggregate}`, with the parameters of `add`; or aggregate windows, whose rows are final"
        )
    };
    Diagnostic::error("E0528", format!("`{aggregate}` cannot take rows back"))
        .label(at, "has no `remove`")
        .label(origin, format!("`{name}` gives rows again when they change"))
        .help(help)
}
