//! What is said about types: E03xx.

use super::written::Written;
use sabot_ir::diagnostic::{Diagnostic, Edit};
use sabot_ir::span::Span;

/// Why a type was expected somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why<'a> {
    /// A side of `&&` or `||`.
    Operand(&'static str),
    /// Behind `if`.
    Condition,
    /// The other branch of an `if` gave it.
    OtherBranch(Span),
    /// The first arm of a `match` gave it.
    OtherArm(Span),
    /// It is written.
    Annotation(Span),
    /// A closure or function gives it.
    Returns(&'a str),
    /// A function says it gives it.
    ReturnType {
        /// The function, in backticks.
        function: &'a str,
        /// Where it says so.
        declared: Span,
    },
    /// A record's field has it.
    Field {
        /// The record.
        record: &'a str,
        /// The field.
        field: &'a str,
        /// Where it is declared.
        declared: Span,
    },
    /// Behind `..` in a record literal.
    Base(&'a str),
    /// A function or method of the library takes it.
    Argument {
        /// Its name.
        function: &'a str,
        /// Which argument.
        index: usize,
    },
    /// A function of the job takes it.
    Parameter {
        /// Its name.
        function: &'a str,
        /// The parameter's name.
        param: &'a str,
    },
    /// Between `[` and `]`.
    Index,
    /// Another item of a list.
    Item,
    /// Behind `if` in an arm.
    Guard,
    /// Assigned to a variable, which is declared there.
    Assigned(Span),
    /// What is done in each pass of a loop.
    LoopBody,
    /// The end of a block with a label.
    Labeled,
    /// Behind `break`.
    Break,
    /// A bound of a range that `for` goes over.
    Range,
    /// The default of a parameter of the job.
    Default {
        /// The parameter.
        param: &'a str,
        /// Its type.
        declared: Span,
    },
}

/// `..` where no tuple is taken apart.
pub(crate) fn rest_outside_of_tuple(at: Span) -> Diagnostic {
    Diagnostic::error("E0204", "`..` stands for the other parts of a tuple or record")
        .label(at, "there is none here")
        .help("write `_` for a value that you do not need")
}

/// `Quote { price }` without `..`.
pub(crate) fn fields_not_matched(missing: &[&str], at: Span) -> Diagnostic {
    Diagnostic::error("E0307", format!("the pattern does not mention `{}`", missing.join("`, `")))
        .label(at, "takes all fields or says `..`")
        .help("write `..` behind the last field")
}

/// What an author can type instead.
#[derive(Clone, Debug)]
pub(crate) enum Fix {
    /// `x as T`.
    Cast(Written, String),
    /// `x as A as B`.
    CastThrough(Written, &'static str, String),
    /// `x.unwrap_or(default)`; no default if the type has none to offer.
    UnwrapOr(Written, Option<String>),
    /// `x.is_some()`.
    IsSome(Written),
    /// `Some(x)`.
    Some(Written),
    /// `1` to `1.0`.
    FloatLiteral(Written),
    /// `1.0` to `1`.
    IntegerLiteral(Written),
    /// `x != 0`; what stands behind it is left out.
    CompareWithZero(Written, String, Span),
    /// The `;` behind the last expression of a block is left out.
    NoSemicolon(Span),
    /// `x.to_string()`.
    ToText(Written),
    /// `s.parse()`, and what to take where it cannot be read.
    Parse(Written, String),
    /// `char::from_u32(x)`.
    CharFrom(Written),
    /// `Decimal::from(x)`.
    Decimal(Written),
    /// `1.5` to `dec("1.5")`.
    DecimalLiteral(Written),
    /// `-x` of an unsigned number.
    SignedType(Option<Written>),
}

impl Fix {
    /// The diagnostic with what to type.
    fn of(self, diagnostic: Diagnostic) -> Diagnostic {
        match self {
            Self::Cast(x, ty) => {
                diagnostic.suggest(format!("convert it: `{} as {ty}`", x.text_or("(..)")), x.cast(&ty))
            }
            Self::CastThrough(x, through, ty) => {
                let ty = format!("{through} as {ty}");
                diagnostic.suggest(format!("convert it in two steps: `{} as {ty}`", x.text_or("(..)")), x.cast(through))
            }
            Self::UnwrapOr(x, default) => {
                let value = default.as_deref().unwrap_or("..");
                let text = format!("say what to take when it is `None`: `{}.unwrap_or({value})`", x.text_or("(..)"));
                let edits = if default.is_some() { x.call(&format!(".unwrap_or({value})")) } else { Vec::new() };
                diagnostic.suggest(text, edits)
            }
            Self::IsSome(x) => diagnostic
                .suggest(format!("ask whether there is one: `{}.is_some()`", x.text_or("(..)")), x.call(".is_some()")),
            Self::Some(x) => diagnostic.suggest(format!("wrap it: `Some({})`", x.text_or("..")), x.wrap("Some(", ")")),
            Self::Decimal(x) => diagnostic
                .suggest(format!("convert it: `Decimal::from({})`", x.text_or("..")), x.wrap("Decimal::from(", ")")),
            Self::DecimalLiteral(x) => {
                diagnostic.suggest(format!("write a decimal: `dec(\"{}\")`", x.text_or("..")), x.wrap("dec(\"", "\")"))
            }
            Self::FloatLiteral(x) => {
                let digits = x.text_or("").trim_start_matches('-');
                if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
                    let edits = if x.is_plain() { x.wrap("", ".0") } else { Vec::new() };
                    diagnostic.mend(format!("write the number as a float: `{}.0`", x.text_or("")), edits)
                } else {
                    diagnostic.help("write the number as a float, `1.0`")
                }
            }
            Self::IntegerLiteral(x) => match x.text_or("").strip_suffix(".0") {
                Some(whole) => {
                    diagnostic.suggest(format!("write the number as an integer: `{whole}`"), x.replace(whole))
                }
                None => diagnostic.help("write a whole number"),
            },
            Self::CompareWithZero(x, zero, behind) => {
                let text = format!("compare it: `{} != {zero}`", x.text_or("(..)"));
                let edits =
                    if x.span.is_none() { Vec::new() } else { vec![Edit::replace(behind, format!(" != {zero}"))] };
                diagnostic.suggest(text, edits)
            }
            Self::NoSemicolon(at) => {
                diagnostic.mend("leave the `;` behind the last expression out", vec![Edit::replace(at, "")])
            }
            Self::ToText(x) => {
                let text = format!("write it as text: `{}.to_string()`", x.text_or("(..)"));
                diagnostic.suggest(text, x.call(".to_string()"))
            }
            Self::Parse(x, default) => {
                let call = format!(".parse().unwrap_or({default})");
                diagnostic.suggest(format!("read it: `{}{call}`", x.text_or("(..)")), x.call(&call))
            }
            Self::CharFrom(x) => diagnostic.help(format!(
                "only a `u8` is a `char` as it is: `char::from_u32({})` gives an `Option`",
                x.text_or("..")
            )),
            Self::SignedType(x) => {
                let edits = x.map_or(Vec::new(), |x| x.before_less_than().cast("i64"));
                diagnostic.suggest("convert to a signed type first: `-(x as i64)`", edits)
            }
        }
    }
}

fn with_fix(diagnostic: Diagnostic, fix: Option<Fix>) -> Diagnostic {
    match fix {
        Some(fix) => fix.of(diagnostic),
        None => diagnostic,
    }
}

/// `Option<f64>` is `an`, `f64` is `an`, `bool` is `a`.
fn article(ty: &str) -> &'static str {
    let first = ty.trim_start_matches(['{', '(']).chars().next().unwrap_or('x');
    let like_f = ty.starts_with("f32") || ty.starts_with("f64") || ty.starts_with("i8");
    if like_f || "aeioAEIO".contains(first) { "an" } else { "a" }
}

/// A type stands where another is needed.
pub(crate) fn mismatch(at: Span, expected: &str, found: &str, why: Why<'_>, fix: Option<Fix>) -> Diagnostic {
    let is = format!("this is `{found}`");
    let diagnostic = match why {
        Why::Operand(op) => Diagnostic::error("E0301", format!("`{op}` takes `bool` on both sides")).label(at, is),
        Why::Condition => Diagnostic::error("E0301", "a condition must be `bool`").label(at, is),
        Why::Item => Diagnostic::error("E0301", format!("this list holds `{expected}`")).label(at, is),
        Why::Index => Diagnostic::error("E0301", "a position is a `usize`").label(at, is),
        Why::Guard => Diagnostic::error("E0301", "the guard of an arm must be `bool`").label(at, is),
        Why::OtherBranch(other) => Diagnostic::error("E0301", "the branches of this `if` have different types")
            .label(at, is)
            .label(other, format!("this is `{expected}`")),
        Why::OtherArm(other) => Diagnostic::error("E0301", "the arms of this `match` have different types")
            .label(at, is)
            .label(other, format!("this is `{expected}`")),
        Why::Assigned(declared) => {
            let diagnostic = Diagnostic::error("E0301", format!("the variable is `{expected}`")).label(at, is);
            if declared.is_none() { diagnostic } else { diagnostic.label(declared, "declared here") }
        }
        Why::LoopBody => Diagnostic::error("E0301", "the body of a loop gives no value").label(at, is),
        Why::Labeled => Diagnostic::error("E0301", format!("this block gives `{expected}`")).label(at, is),
        Why::Break => Diagnostic::error("E0301", format!("this loop gives `{expected}`")).label(at, is),
        Why::Range => {
            Diagnostic::error("E0301", format!("the bounds of this range must be `{expected}`")).label(at, is)
        }
        Why::Annotation(written) => Diagnostic::error("E0301", format!("expected `{expected}`, found `{found}`"))
            .label(at, is)
            .label(written, "because of this type"),
        Why::Returns(whose) => {
            Diagnostic::error("E0301", format!("{whose} needs {} `{expected}` here", article(expected))).label(at, is)
        }
        Why::ReturnType { function, declared } => {
            Diagnostic::error("E0301", format!("{function} gives `{found}` where it says `{expected}`"))
                .label(at, is)
                .label(declared, format!("says `{expected}`"))
        }
        Why::Field { record, field, declared } => {
            Diagnostic::error("E0301", format!("the field `{field}` of `{record}` is `{expected}`"))
                .label(at, is)
                .label(declared, format!("declared as `{expected}`"))
        }
        Why::Base(record) => {
            Diagnostic::error("E0301", format!("`..` in a `{record}` takes another `{record}`")).label(at, is)
        }
        Why::Argument { function, index } => {
            let which = match index {
                0 => "the argument",
                1 => "the second argument",
                _ => "the last argument",
            };
            Diagnostic::error("E0301", format!("{which} of `{function}` must be `{expected}`")).label(at, is)
        }
        Why::Parameter { function, param } => {
            Diagnostic::error("E0301", format!("`{function}` takes `{expected}` as `{param}`")).label(at, is)
        }
        Why::Default { param, declared } => {
            Diagnostic::error("E0301", format!("the default of `{param}` must be `{expected}`"))
                .label(at, is)
                .label(declared, format!("declared as `{expected}`"))
        }
    };
    with_fix(diagnostic, fix)
}

/// The sides of an operator have different types.
pub(crate) fn operand_mismatch(op: &str, left: (&str, Span), right: (&str, Span), fix: Option<Fix>) -> Diagnostic {
    let message = if matches!(op, "==" | "!=" | "<" | "<=" | ">" | ">=") {
        format!("cannot compare `{}` with `{}`", left.0, right.0)
    } else {
        format!("`{op}` needs the same type on both sides")
    };
    let diagnostic = Diagnostic::error("E0302", message)
        .label(right.1, format!("this is `{}`", right.0))
        .label(left.1, format!("this is `{}`", left.0));
    with_fix(diagnostic, fix)
}

/// An operator is not there for a type.
pub(crate) fn bad_operand(op: &str, ty: &str, at: Span, fix: Option<Fix>) -> Diagnostic {
    with_fix(
        Diagnostic::error("E0303", format!("`{op}` is not there for `{ty}`")).label(at, format!("these are `{ty}`")),
        fix,
    )
}

/// `-x` or `!x` of a type that has none.
pub(crate) fn bad_unary(op: &str, ty: &str, at: Span, fix: Option<Fix>) -> Diagnostic {
    with_fix(
        Diagnostic::error("E0303", format!("`{op}` is not there for `{ty}`")).label(at, format!("this is `{ty}`")),
        fix,
    )
}

/// A comparison of what has no order.
pub(crate) fn not_comparable(op: &str, ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0303", format!("`{op}` is not there for `{ty}`"))
        .label(at, format!("these are `{ty}`"))
        .help("compare their fields")
}

/// `x as T` that Rust refuses.
pub(crate) fn bad_cast(from: &str, to: &str, at: Span, fix: Option<Fix>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0305", format!("`{from}` cannot become `{to}` with `as`")).label(at, "not a conversion");
    with_fix(diagnostic, fix)
}

/// `x.into()` between types that do not convert without loss.
pub(crate) fn no_conversion(from: &str, to: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0305", format!("there is no lossless conversion from `{from}` to `{to}`"))
        .label(at, format!("this is `{from}`"))
        .help(format!("`x as {to}` converts and may lose something"))
}

/// Nothing says which type it is.
pub(crate) fn annotations_needed(at: Span) -> Diagnostic {
    Diagnostic::error("E0306", "the type of this is not known")
        .label(at, "could be of many types")
        .help("give it one: `let x: Option<f64> = None;`")
}

/// A number that its type cannot hold.
pub(crate) fn out_of_range(value: i128, ty: &str, least: i128, greatest: i128, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0307", format!("`{value}` does not fit into `{ty}`"))
        .label(at, format!("`{ty}` goes from {least} to {greatest}"));
    if ty == "i32" && i64::try_from(value).is_ok() {
        return diagnostic.suggest(
            format!("a number that nothing else says the type of is `i32`: write `{value}_i64`"),
            vec![Edit::insert(at.end, "_i64")],
        );
    }
    diagnostic
}

/// A record's field that no column can hold.
pub(crate) fn not_a_column(ty: &str, field: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0308", format!("the field `{field}` cannot be a column"))
        .label(at, format!("no column holds `{ty}`"));
    match ty {
        "usize" => diagnostic.help("use `u64`"),
        "isize" => diagnostic.help("use `i64`"),
        _ => diagnostic.help("a field is a number, `bool`, `String`, `Bytes`, `Date`, `Timestamp`, `Duration`, or an `Option` of one, a `Vec` of one, or a record: write other parts as fields of their own, or make a record of them"),
    }
}

/// Records in records that grow without measure.
pub(crate) fn too_many_columns(field: &str, most: usize, at: Span) -> Diagnostic {
    Diagnostic::error("E0308", format!("the field `{field}` is a record of more than {most} columns"))
        .label(at, "all its parts counted")
}

/// `struct Node { next: Option<Node> }`.
pub(crate) fn endless_record(record: &str, field: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0308", format!("the record `{record}` holds itself"))
        .label(at, format!("through the field `{field}`"))
        .help("a row has a fixed number of columns: hold the key of the other row instead, `parent_id: Option<i64>`")
}

/// `_` where a type must be written.
pub(crate) fn type_left_out(at: Span) -> Diagnostic {
    Diagnostic::error("E0308", "a type must be written here").label(at, "left out")
}

/// `Option` without what it holds.
pub(crate) fn option_of_what(at: Span) -> Diagnostic {
    Diagnostic::error("E0308", "`Option` holds one type").label(at, "of what").help("write `Option<f64>`")
}

/// A type of Rust that is not one of the language.
pub(crate) fn type_not_supported(name: &str, at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0308", format!("the type `{name}` is not supported yet")).label(at, "cannot be compiled");
    match name {
        "i128" | "u128" => diagnostic.help(
            "use `i64` or `u64`, and ask where a product may not fit: `a.checked_mul(b)`; `Decimal` has 38 digits and the same exact `+ -`",
        ),
        "char" => diagnostic.help("use a `String` of one character"),
        "Vec" => diagnostic.help("use one column a value, or `Vec<u8>` for bytes"),
        _ => diagnostic,
    }
}

/// A suffix that no number has.
pub(crate) fn unknown_suffix(suffix: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0308", format!("there is no number type `{suffix}`"))
        .label(at, "unknown suffix")
        .help("write the number and its type, `10i64` or `1.5f32`")
}

/// A method of a number whose type is open, as rustc refuses it.
pub(crate) fn ambiguous_number(method: &str, is_float: bool, receiver: &Written, at: Span) -> Diagnostic {
    let (kind, suffix) = if is_float { ("float", "f64") } else { ("integer", "i64") };
    let is_number = |text: &&str| text.starts_with(|first: char| first.is_ascii_digit());
    let number = receiver.text.as_deref().filter(is_number);
    let edits = if number.is_some() { receiver.wrap("", &format!("_{suffix}")) } else { Vec::new() };
    let number = number.unwrap_or(if is_float { "2.0" } else { "2" });
    Diagnostic::error("E0309", format!("`{method}` needs to know which {kind} type this is"))
        .label(at, format!("any {kind} type"))
        .suggest(format!("write the type: `{number}_{suffix}`"), edits)
}

/// A value that an `if` without `else` would have to make up.
pub(crate) fn if_without_else(ty: &str, at: Span, then: Span) -> Diagnostic {
    Diagnostic::error("E0310", "this `if` gives a value and has no `else`")
        .label(at, "no value if the condition is false")
        .label(then, format!("gives `{ty}`"))
        .help("add `else { .. }`")
}

/// Values that no arm matches.
pub(crate) fn not_exhaustive(missing: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0311", format!("this `match` has no arm for `{missing}`"))
        .label(at, "not every value is matched");
    if missing == "_" {
        diagnostic.help("add an arm for the rest: `_ => ..`")
    } else {
        diagnostic.help(format!("add an arm `{missing} => ..`, or `_ => ..`"))
    }
}

/// An arm that is never taken.
pub(crate) fn unreachable_arm(at: Span) -> Diagnostic {
    Diagnostic::warning("E0312", "this arm is never taken").label(at, "the arms above match all of it")
}

/// A pattern of another type than what it stands against.
pub(crate) fn pattern_mismatch(pattern: &str, ty: &str, at: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("E0313", format!("this pattern cannot match `{ty}`")).label(at, format!("matches {pattern}"));
    if ty.starts_with("Option<") && !pattern.contains("tuple") {
        return diagnostic.help("match `Some(..)` and `None`");
    }
    diagnostic
}

/// A text as a pattern of a `String`.
pub(crate) fn text_pattern_of_string(at: Span, matched: &Written) -> Diagnostic {
    Diagnostic::error("E0313", "this pattern cannot match `String`")
        .label(at, "matches `&str`")
        .mend(format!("match the text: `{}.as_str()`", matched.text_or("(..)")), matched.call(".as_str()"))
}

/// A pattern that may not match, where it must.
pub(crate) fn refutable(place: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0313", format!("the pattern of a {place} must match every value"))
        .label(at, "does not always match");
    if place == "`let`" {
        diagnostic.help("use `match`, or `if let .. else ..`")
    } else {
        diagnostic.help("use `match` inside")
    }
}

/// `5..=1`.
pub(crate) fn empty_range(at: Span) -> Diagnostic {
    Diagnostic::error("E0313", "this range is empty").label(at, "ends before it begins")
}

/// `Some(a) | None`.
pub(crate) fn alternatives_differ(at: Span) -> Diagnostic {
    Diagnostic::error("E0313", "the alternatives of a pattern must bind the same names").label(at, "different names")
}

/// A call with too many or too few arguments.
pub(crate) fn wrong_arity(name: &str, params: &[&str], found: usize, at: Span, declared: Option<Span>) -> Diagnostic {
    let takes = match params.len() {
        0 => "no arguments".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments"),
    };
    let diagnostic =
        Diagnostic::error("E0314", format!("`{name}` takes {takes}")).label(at, format!("called with {found}"));
    match declared {
        Some(declared) => {
            diagnostic.label(declared, "declared here").help(format!("call it as `{name}({})`", params.join(", ")))
        }
        None => diagnostic,
    }
}

/// A closure with too many or too few parameters.
pub(crate) fn closure_arity(whose: &str, expected: usize, found: usize, at: Span) -> Diagnostic {
    let count = |n: usize| match n {
        0 => "no parameters".to_owned(),
        1 => "one parameter".to_owned(),
        n => format!("{n} parameters"),
    };
    Diagnostic::error("E0314", format!("the closure of {whose} has {}", count(expected)))
        .label(at, format!("has {}", count(found)))
}

/// `|q: Quote|` over rows of another record.
pub(crate) fn parameter_type(written: &str, actual: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0301", format!("the rows here are `{actual}`"))
        .label(at, format!("says `{written}`"))
        .help("leave the type out")
}
