//! What is said about text that cannot be read: E01xx of Rust's syntax, E02xx of the job language's surface.

use super::similar::{closest, did_you_mean};
use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// `a`, `b` or `c`, for a message.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => format!("`{word}`"),
        [first @ .., last] => format!("`{}` or `{last}`", first.join("`, `")),
    }
}

/// A help line that names the closest word, or else all of them.
fn meant(word: &str, known: &[&str]) -> String {
    match closest(word, known.iter().copied()) {
        Some(found) => format!("did you mean `{found}`?"),
        None => format!("it can be {}", one_of(known)),
    }
}

/// A `;` or `,` is missing.
pub(crate) fn missing_sign(at: Span, sign: &str) -> Diagnostic {
    not_rust(at, &format!("expected `{sign}`"))
        .suggest(format!("put a `{sign}` here"), vec![Edit::insert(at.end, sign)])
}

/// The closest word in place of the wrong one, in quotes if those are given.
fn instead_of(word: &str, known: &[&str], at: Span, quote: &str) -> Vec<Edit> {
    let found = closest(word, known.iter().copied());
    found.map(|found| Edit::replace(at, format!("{quote}{found}{quote}"))).into_iter().collect()
}

/// The text is not Rust; `reason` is the parser's own, without its longest lists.
pub(crate) fn not_rust(at: Span, reason: &str) -> Diagnostic {
    const LONGEST_LIST: usize = 80;
    let reason = match reason.split_once(", expected one of") {
        Some((found, list)) if list.len() > LONGEST_LIST => found,
        Some(_) | None => reason,
    };
    Diagnostic::error("E0100", "this is not valid Rust").label(at, reason.to_owned())
}

/// A bracket that closes another kind than the last open one.
pub(crate) fn bracket_mismatch(at: Span, close: char, open_at: Span, open: char) -> Diagnostic {
    Diagnostic::error("E0100", format!("the `{open}` is not closed"))
        .label(at, format!("this `{close}` does not close it"))
        .label(open_at, "the last open bracket")
}

/// A closing bracket too many.
pub(crate) fn bracket_without_open(at: Span, close: char) -> Diagnostic {
    Diagnostic::error("E0100", format!("there is a `{close}` too many")).label(at, "nothing is open here")
}

/// A bracket that the text ends in.
pub(crate) fn bracket_not_closed(at: Span, open: char) -> Diagnostic {
    Diagnostic::error("E0100", format!("the `{open}` is not closed")).label(at, "never closed")
}

/// Brackets, operators or types inside each other, deeper than anyone writes.
pub(crate) fn nested_too_deep(at: Span) -> Diagnostic {
    Diagnostic::error("E0101", "this code is nested too deeply")
        .label(at, "more than the compiler goes into")
        .help("give a part of it a name with `let`, or make it a `#[sabot::udf] fn`")
}

/// A number that its type cannot hold.
pub(crate) fn literal_out_of_range(at: Span) -> Diagnostic {
    Diagnostic::error("E0102", "this number is too large").label(at, "does not fit into any number type")
}

/// `1kb`, `"text"x`.
pub(crate) fn unknown_suffix(at: Span, suffix: &str) -> Diagnostic {
    Diagnostic::error("E0103", format!("there is no literal suffix `{suffix}`"))
        .label(at, "not the name of a number type")
        .help("write the number and its type, `10i64` or `1.5f32`")
}

/// The file is larger than spans can count.
pub(crate) fn file_too_large() -> Diagnostic {
    Diagnostic::error("E0104", "this file is too large").note("a job may have 256 MiB of text")
}

/// An item that a job has no use for.
pub(crate) fn unsupported_item(at: Span, form: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0200", format!("{form} is not part of the job language"))
        .label(at, "cannot be compiled")
        .help(instead.to_owned())
}

/// An expression or statement outside the subset.
pub(crate) fn unsupported_expr(at: Span, form: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0201", format!("{form} cannot be used in a job"))
        .label(at, "not compiled to native code")
        .help(instead.to_owned())
}

/// `1 = x`.
pub(crate) fn not_a_place(at: Span) -> Diagnostic {
    Diagnostic::error("E0222", "this cannot be assigned to")
        .label(at, "a value, not a variable")
        .help("assign to a variable that is declared with `let mut`, or to a field or element of one")
}

/// `println!(..)` and the like.
pub(crate) fn unsupported_macro(at: Span, name: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0202", format!("the macro `{name}!` cannot be used in a job"))
        .label(at, "not compiled to native code")
        .help(instead.to_owned())
}

/// A type outside the subset.
pub(crate) fn unsupported_type(at: Span, form: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0203", format!("{form} is not a type of the job language"))
        .label(at, "has no column type")
        .help(instead.to_owned())
}

/// A pattern outside the subset.
pub(crate) fn unsupported_pattern(at: Span, form: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0204", format!("{form} cannot be used in a job"))
        .label(at, "not compiled to native code")
        .help(instead.to_owned())
}

/// A struct used as a record.
pub(crate) fn struct_is_no_record(at: Span, declared: Span, item: Span, name: &str) -> Diagnostic {
    Diagnostic::error("E0205", format!("the struct `{name}` is not a record"))
        .label(at, "used as rows of a stream")
        .label(declared, "declared here")
        .mend("write `#[sabot::record]` above it", vec![Edit::insert(item.start, "#[sabot::record]\n")])
}

/// An `enum` used as a record.
pub(crate) fn enum_is_no_record(at: Span, item: Span, name: &str) -> Diagnostic {
    Diagnostic::error("E0205", format!("the `enum` `{name}` is not a record"))
        .label(at, "used as rows of a stream")
        .label(item, "declared here")
        .help("make a record of it: a column that says which variant it is, and `Option`s of what variants hold")
}

/// A record that is not a struct with named fields.
pub(crate) fn record_shape(at: Span, found: &str) -> Diagnostic {
    Diagnostic::error("E0205", "a record is a struct with named fields")
        .label(at, found.to_owned())
        .help("write `struct Name { field: Type }`")
}

/// A key of `#[sabot(..)]` that means nothing there.
pub(crate) fn unknown_attribute(at: Span, name: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("E0206", format!("there is no `#[sabot({name})]` here")).label(at, "unknown").suggest(
        meant(name, known),
        instead_of(name, known, Span::new(at.start as usize, at.start as usize + name.len()), ""),
    )
}

/// A value of `#[sabot(key = value)]` that cannot be read.
pub(crate) fn attribute_value(at: Span, expected: &str) -> Diagnostic {
    Diagnostic::error("E0206", "this attribute cannot be read").label(at, format!("expected {expected}"))
}

/// `rename_all = "Camel"`.
pub(crate) fn unknown_case(at: Span, found: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("E0206", format!("there is no case `{found}`"))
        .label(at, "unknown")
        .suggest(meant(found, known), instead_of(found, known, at, "\""))
}

/// A name that no `let` of the pipeline binds.
pub(crate) fn unknown_stream(at: Span, name: &str, known: &[&str]) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0207", format!("there is no stream `{name}`")).label(at, "not bound by a `let` above");
    match closest(name, known.iter().copied()) {
        Some(found) => did_you_mean(diagnostic, found, at),
        None => diagnostic.help(format!("begin with a source: `let {name} = source::<Record>(\"{name}\", ..);`")),
    }
}

/// Something in a pipeline's body that makes no stream.
pub(crate) fn not_a_stream(at: Span, found: &str) -> Diagnostic {
    Diagnostic::error("E0208", "a pipeline is made of streams").label(at, format!("{found} is not one")).help(
        "begin with `source::<Record>(name, connector)`; computations belong into closures, constants into `const`",
    )
}

/// A method that this kind of stream does not have.
pub(crate) fn unknown_method(at: Span, name: &str, what: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0209", format!("{what} has no method `{name}`")).label(at, "unknown method");
    match closest(name, known.iter().copied()) {
        Some(found) => diagnostic.suggest(format!("did you mean `.{found}(..)`?"), vec![Edit::replace(at, found)]),
        None => diagnostic.help(format!("it has {}", one_of(known))),
    }
}

/// A method of another library that does the same.
pub(crate) fn method_has_other_name(at: Span, name: &str, what: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0209", format!("{what} has no method `{name}`"))
        .label(at, "unknown method")
        .help(format!("write `{instead}`"))
}

/// A call with other arguments than it takes.
pub(crate) fn wrong_arguments(at: Span, name: &str, usage: &str) -> Diagnostic {
    Diagnostic::error("E0210", format!("`{name}` does not take these arguments"))
        .label(at, "does not fit")
        .help(format!("write `{usage}`"))
}

/// An argument that is something else than what belongs there.
pub(crate) fn wrong_argument(at: Span, expected: &str, usage: &str) -> Diagnostic {
    Diagnostic::error("E0210", format!("expected {expected}"))
        .label(at, "something else")
        .help(format!("write `{usage}`"))
}

/// A closure with too many or too few parameters.
pub(crate) fn closure_arity(at: Span, method: &str, expected: usize, found: usize, usage: &str) -> Diagnostic {
    let count = |n: usize| if n == 1 { "1 parameter".to_owned() } else { format!("{n} parameters") };
    Diagnostic::error("E0210", format!("the closure of `{method}` takes {}", count(expected)))
        .label(at, format!("has {}", count(found)))
        .help(format!("write `{usage}`"))
}

/// A connector that does not exist.
pub(crate) fn unknown_connector(at: Span, name: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0211", format!("there is no connector `{name}`")).label(at, "unknown");
    match closest(name, known.iter().copied()) {
        Some(found) => diagnostic.suggest(format!("did you mean `{found}(..)`?"), vec![Edit::replace(at, found)]),
        None => diagnostic.help(format!("it can be {}", one_of(known))),
    }
}

/// Something that is no connector at all.
pub(crate) fn not_a_connector(at: Span) -> Diagnostic {
    Diagnostic::error("E0211", "expected a connector").label(at, "something else").help(
        "write one as a call, for example `parquet(\"orders.parquet\")`, `kafka(\"orders\").format(Format::Arrow)`, `nexmark().bids()` or `generate().rows(1000)`",
    )
}

/// `Format::Xml`.
pub(crate) fn unknown_format(at: Span, name: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("E0212", format!("there is no format `{name}`")).label(at, "unknown").suggest(
        meant(name, known),
        instead_of(name, known, Span { start: at.end.saturating_sub(name.len() as u32), end: at.end }, ""),
    )
}

/// A builder method that makes no sense on this connector, or twice.
pub(crate) fn connector_option(at: Span, message: &str, help: &str) -> Diagnostic {
    Diagnostic::error("E0212", message.to_owned()).label(at, "does not fit").help(help.to_owned())
}

/// A connector that can only be read, or only be written.
pub(crate) fn connector_direction(at: Span, name: &str, wrong: &str, help: &str) -> Diagnostic {
    Diagnostic::error("E0212", format!("`{name}` cannot be {wrong}"))
        .label(at, format!("used where rows are {wrong}"))
        .help(help.to_owned())
}

/// A method of another kind of stream.
pub(crate) fn misplaced_method(at: Span, name: &str, before: Span, why: &str, help: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0213", format!("`{name}` does not belong here")).label(at, why.to_owned());
    let diagnostic = if before == at { diagnostic } else { diagnostic.label(before, "behind this") };
    diagnostic.help(help.to_owned())
}

/// A window of a kind that only an aggregate can be made of.
pub(crate) fn window_of_other_kind(at: Span, operator: &str) -> Diagnostic {
    Diagnostic::error("E0213", "these windows are for `.aggregate(..)` only")
        .label(
            at,
            format!("around {}", if operator == "a join" { operator.to_owned() } else { format!("`{operator}`") }),
        )
        .help("use `tumbling(..)`, `sliding(..)` or `cumulate(..)`, in event time")
}

/// Something was begun and not finished: a join without keys, a key without an aggregate.
pub(crate) fn unfinished(at: Span, what: &str, missing: &str, help: &str) -> Diagnostic {
    Diagnostic::error("E0214", format!("{what} is not finished")).label(at, missing.to_owned()).help(help.to_owned())
}

/// The same thing said twice of one operator.
pub(crate) fn said_twice(at: Span, what: &str) -> Diagnostic {
    Diagnostic::error("E0213", format!("{what} is set twice"))
        .label(at, "the second time")
        .help("leave one of them away")
}

/// Two operators of one name.
pub(crate) fn duplicate_operator(at: Span, first: Span, name: &str) -> Diagnostic {
    Diagnostic::error("E0215", format!("two operators are named `{name}`"))
        .label(at, "the second")
        .label(first, "the first")
        .help("every source, sink and named operator of a job has its own name: `--input` and `--output` use it")
}

/// Part of the design, not yet of the compiler.
pub(crate) fn not_yet(at: Span, what: &str, instead: &str) -> Diagnostic {
    Diagnostic::error("E0216", format!("{what} is not part of this version"))
        .label(at, "cannot be compiled yet")
        .help(instead.to_owned())
}

/// A pipeline without a sink.
pub(crate) fn writes_nothing(at: Span, name: &str) -> Diagnostic {
    Diagnostic::error("E0217", format!("the job `{name}` writes nothing"))
        .label(at, "has no sink")
        .help("end a stream with a sink, for example `.sink(\"rows\", parquet(\"rows.parquet\"))`")
}

/// An operator whose rows nobody reads.
pub(crate) fn rows_go_nowhere(at: Span, what: &str) -> Diagnostic {
    Diagnostic::warning("E0218", format!("nothing reads the rows of {what}"))
        .label(at, "computed for nothing")
        .help("end it with `.sink(name, connector)`, or leave it away")
}

/// Whether this is one of the messages about what is computed for nothing.
pub(crate) fn tells_what_is_not_read(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.code, "E0217" | "E0218")
}

/// Two items, fields or parameters of one name.
pub(crate) fn defined_twice(at: Span, first: Span, what: &str, name: &str) -> Diagnostic {
    Diagnostic::error("E0219", format!("the {what} `{name}` is there twice"))
        .label(at, "the second")
        .label(first, "the first")
}

/// Two fields of one name in files.
pub(crate) fn column_twice(at: Span, first: Span, name: &str) -> Diagnostic {
    defined_twice(at, first, "column", name).help("give one of them another name in files: `#[sabot(rename = \"..\")]`")
}

/// A `fn` line that a UDF or pipeline cannot have.
pub(crate) fn signature(at: Span, message: &str, help: &str) -> Diagnostic {
    Diagnostic::error("E0220", message.to_owned()).label(at, "cannot be compiled").help(help.to_owned())
}

/// No pipeline in the file.
pub(crate) fn no_pipeline() -> Diagnostic {
    Diagnostic::error("E0221", "this file has no job")
        .help("write one: `#[sabot::pipeline] fn my_job() { source::<Row>(..)...sink(..); }`")
}

/// The text is not JSON.
pub(crate) fn not_json(at: Span, reason: &str) -> Diagnostic {
    Diagnostic::error("E0230", "this is not valid JSON").label(at, reason.to_owned())
}

/// A value at `path` has the wrong shape.
pub(crate) fn json_shape(at: Span, path: &str, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error("E0231", format!("`{path}` is {found}")).label(at, format!("expected {expected}"))
}

/// An object at `path` lacks a key.
pub(crate) fn json_missing(at: Span, path: &str, key: &str, example: &str) -> Diagnostic {
    Diagnostic::error("E0231", format!("`{path}` has no `{key}`"))
        .label(at, format!("`{key}` is missing"))
        .help(format!("add {example}"))
}

/// An object at `path` has a key that means nothing.
pub(crate) fn json_unknown_key(at: Span, path: &str, key: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("E0232", format!("`{path}` takes no `{key}`")).label(at, "unknown").help(meant(key, known))
}

/// A version of the JSON form that this compiler does not know.
pub(crate) fn json_version(at: Span, found: &str) -> Diagnostic {
    Diagnostic::error("E0233", format!("version {found} of the job graph's form is unknown"))
        .label(at, "this compiler reads version 1")
        .help("a newer `sabotc` may read it")
}

/// An operator of a type that does not exist.
pub(crate) fn json_operator_type(at: Span, path: &str, found: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error("E0234", format!("there is no operator type `{found}`"))
        .label(at, format!("at `{path}`"))
        .help(meant(found, known))
}

/// What `add_operator` or `connect` refused.
pub(crate) fn graph_refused(at: Span, path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error("E0235", reason.to_owned()).label(at, format!("at `{path}`"))
}
