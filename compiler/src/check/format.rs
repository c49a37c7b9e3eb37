//! `format!`: the text taken apart, its arguments behind each other in one string.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{Hir, HirKind};
use super::infer::Body;
use super::text::string;
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::text as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast;
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::text::{TextFunction, is_formatted};

/// A part of a format string.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// What stands there.
    Text(String),
    /// What stands between braces: which argument, where that is in the text, and how it is written.
    Arg { which: Which, at: usize, spec: String },
}

/// Which argument.
#[derive(Debug, PartialEq, Eq)]
enum Which {
    /// The next one.
    Next,
    /// By its number.
    Number(usize),
    /// By its name, or a variable.
    Name(String),
}

/// A width or a precision that is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Computed {
    /// By its number.
    Number(usize),
    /// By its name, or a variable.
    Name(String),
    /// `.*`: the next argument, before the value.
    Next,
}

/// A specification without what is computed of it, and that.
#[derive(Debug, Default, PartialEq, Eq)]
struct Spec {
    plain: String,
    width: Option<Computed>,
    precision: Option<Computed>,
}

/// Takes `width$` and `.prec$` out of a specification.
fn spec_of(spec: &str) -> Spec {
    let mut found = Spec { plain: spec.to_owned(), ..Spec::default() };
    let computed = |name: &str| match name.parse() {
        Ok(number) => Some(Computed::Number(number)),
        Err(_) if !name.is_empty() && is_name(name) => Some(Computed::Name(name.to_owned())),
        Err(_) => None,
    };
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    // The fill may be anything, so the point is looked for behind the alignment.
    let align = spec.char_indices().filter(|(_, c)| matches!(c, '<' | '^' | '>')).take(2).last();
    let from = align.map_or(0, |(at, c)| at + c.len_utf8());
    if let Some(point) = found.plain[from..].find('.').map(|at| from + at) {
        let behind = &found.plain[point + 1..];
        if let Some(style) = behind.strip_prefix('*') {
            found.precision = Some(Computed::Next);
            found.plain = format!("{}{style}", &spec[..point]);
        } else if let Some(dollar) = behind.find('$')
            && let Some(name) = computed(&behind[..dollar])
        {
            found.precision = Some(name);
            found.plain = format!("{}{}", &spec[..point], &behind[dollar + 1..]);
        }
    }
    if let Some(dollar) = found.plain.find('$') {
        let before = &found.plain[..dollar];
        let start = before.char_indices().rev().take_while(|(_, c)| is_part(*c)).last().map_or(dollar, |(at, _)| at);
        // A zero in front is the flag.
        let flag = usize::from(before[start..].starts_with('0') && dollar - start > 1);
        if let Some(name) = computed(&before[start + flag..]) {
            found.plain = format!("{}{}", &found.plain[..start + flag], &found.plain[dollar + 1..]);
            found.width = Some(name);
        }
    }
    found
}

/// What is wrong with a format string, and where.
type Wrong = (usize, &'static str);

/// Takes a format string apart.
fn pieces(text: &str) -> Result<Vec<Piece>, Wrong> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '{' | '}' if rest.peek().is_some_and(|(_, next)| *next == c) => {
                rest.next();
                plain.push(c);
            }
            '}' => return Err((at, "a `}` that closes nothing: write `}}` for the character")),
            '{' => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let inside: String = rest.by_ref().map(|(_, c)| c).take_while(|c| *c != '}').collect();
                if !text[at..].contains('}') {
                    return Err((at, "a `{` without its `}`: write `{{` for the character"));
                }
                let (name, spec) = inside.split_once(':').unwrap_or((&inside, ""));
                let name = name.trim();
                let which = if name.is_empty() {
                    Which::Next
                } else if let Ok(number) = name.parse() {
                    Which::Number(number)
                } else if is_name(name) {
                    Which::Name(name.to_owned())
                } else {
                    return Err((at, "only names and numbers can stand in braces: give the value behind the text"));
                };
                pieces.push(Piece::Arg { which, at: at + 1, spec: spec.trim_end().to_owned() });
            }
            c => plain.push(c),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// The type at the end of a specification, if the rest is one: `x` of `#06x`.
fn style_of(spec: &str) -> Result<&str, &'static str> {
    let mut rest = spec;
    let mut chars = rest.chars();
    let is_align = |c: &char| matches!(c, '<' | '^' | '>');
    let (first, second) = (chars.next(), chars.next());
    if second.as_ref().is_some_and(is_align) {
        rest = chars.as_str();
    } else if first.as_ref().is_some_and(is_align) {
        rest = &rest[1..];
    }
    for flag in ['+', '#', '0'] {
        rest = rest.strip_prefix(flag).unwrap_or(rest);
    }
    if rest.contains('$') || rest.contains('*') {
        return Err("a width or precision is a number, `name$` or, of the precision, `.*`");
    }
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number = |text: &str| text.is_empty() || text.parse::<u16>().is_ok();
    let (width, behind) = rest.split_at(digits(rest));
    rest = behind;
    let mut numbers = number(width);
    if let Some(behind) = rest.strip_prefix('.') {
        let (precision, behind) = behind.split_at(digits(behind));
        numbers &= !precision.is_empty() && number(precision);
        rest = behind;
    }
    if !numbers {
        return Err("a width or precision is a number below 65536");
    }
    match rest {
        "" | "?" | "x" | "X" | "o" | "b" | "e" | "E" => Ok(rest),
        "x?" | "X?" => Err("`{:x?}` has no form here: write `{:x}`"),
        _ => Err("this is no way to write a value: `{:>8.2}`, `{:08}`, `{:x}`, `{:?}` are"),
    }
}

/// Whether the parts of a value can be written with the same flags: not `#`, which puts each on a line of its own.
fn is_passed_on(spec: &str) -> bool {
    spec.chars().all(|c| c.is_ascii_digit() || matches!(c, '<' | '^' | '>' | '+' | '.' | '?'))
}

impl Body<'_, '_> {
    /// `format!("..", args)`.
    pub(super) fn format(&mut self, args: &[ast::Expr], span: Span) -> Hir {
        let Some((template, args)) = args.split_first() else {
            self.cx.say(say::format_string_missing(span));
            return Hir::error(span);
        };
        let ast::ExprKind::Literal(ast::Literal::String(text)) = &template.kind else {
            self.cx.say(say::format_string_missing(template.span));
            return Hir::error(span);
        };
        // Inside of a plain literal a place in the text is a place in the source.
        let is_plain = template.span.end - template.span.start == u32::try_from(text.len()).unwrap_or(u32::MAX) + 2;
        let place = |at: usize, len: usize| {
            if !is_plain {
                return template.span;
            }
            let start = template.span.start as usize + 1 + at;
            Span::new(start, start + len)
        };
        let mut values: Vec<(Option<&str>, Hir, bool)> = Vec::with_capacity(args.len());
        for arg in args {
            if let ast::ExprKind::Assign(place, None, value) = &arg.kind
                && let ast::ExprKind::Name(name) = &place.kind
            {
                values.push((Some(name), self.expr(value, None), false));
            } else {
                values.push((None, self.expr(arg, None), false));
            }
        }
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err((at, what)) => {
                self.cx.say(say::format_string(what, place(at, 1)));
                return Hir::error(span);
            }
        };
        let mut next = 0;
        let mut parts: Vec<(usize, String, Option<[Option<usize>; 2]>)> = Vec::new();
        let mut order: Vec<Result<String, usize>> = Vec::new();
        let mut is_wrong = false;
        for piece in &pieces {
            let (which, at, spec) = match piece {
                Piece::Text(text) => {
                    order.push(Ok(text.clone()));
                    continue;
                }
                Piece::Arg { which, at, spec } => (which, *at, spec),
            };
            let spec = spec_of(spec);
            let mut computed = [None, None];
            for (place_of, found) in computed.iter_mut().zip([&spec.width, &spec.precision]) {
                let Some(found) = found else { continue };
                let index = match found {
                    Computed::Next => {
                        next += 1;
                        next - 1
                    }
                    Computed::Number(number) => *number,
                    Computed::Name(name) => match values.iter().position(|(known, ..)| *known == Some(name)) {
                        Some(index) => index,
                        None => {
                            let value = self.name(name, template.span);
                            values.push((None, value, true));
                            values.len() - 1
                        }
                    },
                };
                let Some((_, value, used)) = values.get_mut(index) else {
                    self.cx.say(say::format_argument_missing(args.len(), place(at - 1, 2)));
                    return Hir::error(span);
                };
                *used = true;
                let number = self.coerce(value.clone(), &Ty::Usize, Why::Index, None);
                // More than fits into a word of 16 bits is a panic of std's.
                let code = "{ if n > 65535 { panic!(\"Formatting argument out of range\") } n }";
                let number = self.written(vec![("n", number, Ty::Usize)], &[], code, span);
                values.push((None, number, true));
                *place_of = Some(values.len() - 1);
            }
            let index = match which {
                Which::Next => {
                    next += 1;
                    Some(next - 1)
                }
                Which::Number(number) => Some(*number),
                Which::Name(name) => match values.iter().position(|(known, ..)| *known == Some(name)) {
                    Some(index) => Some(index),
                    None => {
                        let value = self.name(name, place(at, name.len()));
                        values.push((Some(name), value, true));
                        Some(values.len() - 1)
                    }
                },
            };
            let Some(index) = index.filter(|index| *index < values.len()) else {
                self.cx.say(say::format_argument_missing(args.len(), place(at - 1, 2)));
                return Hir::error(span);
            };
            values[index].2 = true;
            let is_computed = computed.iter().any(Option::is_some);
            let mut index = index;
            let mut plain = spec.plain.clone();
            match style_of(&spec.plain) {
                Ok("?") if self.is_composed(&values[index].1) && !is_computed && is_passed_on(&spec.plain) => {
                    match self.debug_text(values[index].1.clone(), &spec.plain, span) {
                        Some(text) => values.push((None, text, true)),
                        None => is_wrong = true,
                    }
                    index = values.len() - 1;
                    plain = String::new();
                }
                Ok(style) => is_wrong |= !self.has_form(&values[index].1, style, is_computed),
                Err(what) => {
                    self.cx.say(say::format_string(what, place(at, spec.plain.len() + 1)));
                    is_wrong = true;
                }
            }
            let computed = is_computed.then(|| self.both_computed(&mut plain, computed, &mut values, span));
            order.push(Err(parts.len()));
            parts.push((index, plain, computed));
        }
        if let Some((_, unused, _)) = values.iter().find(|(_, _, used)| !used) {
            self.cx.say(say::format_argument_unused(unused.span));
            is_wrong = true;
        }
        if is_wrong || values.iter().any(|(_, value, _)| value.ty.is_error()) {
            return Hir::error(span);
        }
        let values = values.into_iter().map(|(_, value, _)| value).collect();
        let types = order;
        self.let_in(values, span, |values| {
            let mut result: Option<Hir> = None;
            for part in types {
                result = Some(match part {
                    Ok(text) => match result {
                        Some(before) => {
                            super::text::call(TextFunction::Concat, vec![before, string(&text, span)], span)
                        }
                        None => string(&text, span),
                    },
                    Err(part) => {
                        let (index, spec, computed) = &parts[part];
                        let before = result.unwrap_or_else(|| string("", span));
                        let mut args = vec![before, values[*index].clone(), string(spec, span)];
                        args.extend(computed.iter().flatten().flatten().map(|number| values[*number].clone()));
                        Hir::new(HirKind::Call(Function::Append, args), Ty::STRING, span)
                    }
                });
            }
            result.unwrap_or_else(|| string("", span))
        })
    }

    /// Where one of width and precision is computed, the other is a value too.
    fn both_computed(
        &mut self,
        plain: &mut String,
        computed: [Option<usize>; 2],
        values: &mut Vec<(Option<&str>, Hir, bool)>,
        span: Span,
    ) -> [Option<usize>; 2] {
        let none = i128::from(Function::NO_WIDTH);
        let style = plain.len() - plain.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '?').len();
        let (mut flags, style) = (plain[..plain.len() - style].to_owned(), plain[plain.len() - style..].to_owned());
        let mut number = |text: Option<String>| {
            let value = text.and_then(|text| text.parse().ok()).unwrap_or(none);
            values.push((None, super::text::position(value, span), true));
            Some(values.len() - 1)
        };
        let precision = flags.rfind('.').map(|point| flags.split_off(point)[1..].to_owned());
        let digits = flags.len() - flags.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let mut width = flags.split_off(flags.len() - digits);
        if let Some(rest) = width.strip_prefix('0') {
            flags.push('0');
            width = rest.to_owned();
        }
        *plain = format!("{flags}{style}");
        [
            computed[0].or_else(|| number(Some(width).filter(|width| !width.is_empty()))),
            computed[1].or_else(|| number(precision)),
        ]
    }

    /// Whether `{:?}` of it writes parts.
    fn is_composed(&self, value: &Hir) -> bool {
        match self.table.deep(&value.ty) {
            Ty::Option(_) | Ty::List(_) | Ty::Record(_) | Ty::Ordering => true,
            Ty::Result(_, error) => *error != Ty::Failure,
            Ty::Tuple(parts) => !parts.is_empty(),
            _ => false,
        }
    }

    /// What `{:?}` writes of a value with parts, each with the same flags, as std's `derive` does; nothing after a mistake.
    fn debug_text(&mut self, value: Hir, spec: &str, span: Span) -> Option<Hir> {
        let ty = self.table.deep(&value.ty);
        let part = |path: String| format!("text.push_str(&format!(\"{{:{spec}}}\", {path}));");
        let text = |open: &str| format!("text.push_str({open:?});");
        let code = match &ty {
            Ty::Option(_) => format!(
                "match x {{ Some(y) => {{ {} {} {} }} None => {{ {} }} }}",
                text("Some("),
                part("y".to_owned()),
                text(")"),
                text("None")
            ),
            Ty::Ordering => format!(
                "if x.is_lt() {{ {} }} else if x.is_gt() {{ {} }} else {{ {} }}",
                text("Less"),
                text("Greater"),
                text("Equal")
            ),
            Ty::Tuple(parts) => {
                let each = (0..parts.len()).map(|at| {
                    format!("{} {}", if at > 0 { text(", ") } else { String::new() }, part(format!("x.{at}")))
                });
                let end = if parts.len() == 1 { ",)" } else { ")" };
                format!("{} {} {}", text("("), each.collect::<String>(), text(end))
            }
            Ty::Result(_, error) => format!(
                "match x {{ Ok(y) => {{ {} {} {} }} Err({}) => {{ {} {} {} }} }}",
                text("Ok("),
                part("y".to_owned()),
                text(")"),
                if error.is_silent() { "_" } else { "e" },
                text("Err("),
                if error.is_silent() { text("()") } else { part("e".to_owned()) },
                text(")")
            ),
            Ty::Record(id) if !self.cx.variants(*id).is_empty() => {
                self.must_derive(*id, "Debug", span);
                let record = self.cx.record(*id);
                let arms = record.shape.variants().iter().map(|variant| {
                    let names = variant.fields.iter().map(|(name, _)| name);
                    let (open, close, middle) = if variant.is_tuple() { ("(", ")", "(") } else { (" { ", " }", " { ") };
                    let bound: Vec<String> =
                        names
                            .clone()
                            .map(|name| {
                                if variant.is_tuple() {
                                    format!("field_{name}")
                                } else {
                                    format!("{name}: field_{name}")
                                }
                            })
                            .collect();
                    let each: String = names
                        .enumerate()
                        .map(|(at, name)| {
                            let comma = if at > 0 { ", " } else { "" };
                            let label = if variant.is_tuple() { String::new() } else { format!("{name}: ") };
                            format!("{} {}", text(&format!("{comma}{label}")), part(format!("field_{name}")))
                        })
                        .collect();
                    let whole = format!("{}::{}", record.name, variant.name);
                    if variant.fields.is_empty() {
                        return format!("{whole} => {{ {} }}", text(&variant.name));
                    }
                    let pattern = format!("{whole}{open}{}{close}", bound.join(", "));
                    format!("{pattern} => {{ {} {each} {} }}", text(&format!("{}{middle}", variant.name)), text(close))
                });
                format!("match x {{ {} }}", arms.collect::<Vec<_>>().join(" "))
            }
            Ty::Record(id) if self.cx.record(*id).position("0") == Some(0) => {
                self.must_derive(*id, "Debug", span);
                let record = self.cx.record(*id);
                let each = (0..record.fields.len()).map(|at| {
                    format!("{} {}", if at > 0 { text(", ") } else { String::new() }, part(format!("x.{at}")))
                });
                format!("{} {} {}", text(&format!("{}(", record.name)), each.collect::<String>(), text(")"))
            }
            Ty::Record(id) => {
                self.must_derive(*id, "Debug", span);
                let record = self.cx.record(*id);
                let each = record.fields.iter().enumerate().map(|(at, field)| {
                    let comma = if at > 0 { ", " } else { "" };
                    let name = &field.name;
                    format!("{} {}", text(&format!("{comma}{name}: ")), part(format!("x.{name}")))
                });
                format!("{} {} {}", text(&format!("{} {{ ", record.name)), each.collect::<String>(), text(" }"))
            }
            _ => {
                let items = "x";
                format!(
                    "{} let mut is_first = true; for y in {items} {{ if !is_first {{ {} }} is_first = false; {} }} {}",
                    text("["),
                    text(", "),
                    part("y".to_owned()),
                    text("]")
                )
            }
        };
        let code = format!("{{ let mut text = String::new(); {code} text }}");
        let written = self.written(vec![("x", value, ty)], &[], &code, span);
        (!written.ty.is_error()).then_some(written)
    }

    /// Whether a value can be written in a style; if not, it is reported.
    fn has_form(&mut self, value: &Hir, style: &str, is_computed: bool) -> bool {
        let ty = self.table.deep(&value.ty);
        let kind = self.table.kind(&ty);
        if ty.is_error() || matches!(ty, Ty::Never) {
            return false;
        }
        if kind == Some(Kind::Any) {
            self.cx.say(crate::diagnostics::types::annotations_needed(value.span));
            return false;
        }
        let is_integer = ty.is_integer() || kind == Some(Kind::Integer);
        let is_number = is_integer || ty.is_float() || kind == Some(Kind::Float);
        let known = is_number
            || ty
                .column_type()
                .is_some_and(|ty| !ty.is_option() && (is_formatted(&ty) || super::library::parse_of(&ty).is_some()));
        if is_computed && super::library::parse_of(&ty.column_type().unwrap_or(sabot_ir::ty::Type::Unit)).is_some() {
            let what = "a computed width or precision is for numbers, `bool`, `char` and text: write `.to_string()`";
            self.cx.say(say::format_string(what, value.span));
            return false;
        }
        let fits = match style {
            "x" | "X" | "o" | "b" => is_integer,
            "e" | "E" => is_number,
            _ => known,
        };
        if !fits {
            let shown = self.show(&ty);
            self.cx.say(say::not_formatted(&shown, style, matches!(ty, Ty::Option(_)), value.span));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arg(which: Which, at: usize, spec: &str) -> Piece {
        Piece::Arg { which, at, spec: spec.to_owned() }
    }

    #[test]
    fn a_format_string_is_text_and_arguments() {
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(
            pieces("a {} {{b}} {x:>8.2}{1:?}"),
            Ok(vec![
                text("a "),
                arg(Which::Next, 3, ""),
                text(" {b} "),
                arg(Which::Name("x".to_owned()), 12, ">8.2"),
                arg(Which::Number(1), 20, "?"),
            ])
        );
        assert_eq!(pieces(""), Ok(Vec::new()));
        assert!(pieces("{").is_err() && pieces("}").is_err() && pieces("{a+b}").is_err() && pieces("a } b").is_err());
    }

    #[test]
    fn specifications_are_those_that_the_runtime_knows() {
        for spec in ["", ">8.2", "08.3", "#x", "*^10", "+", ".0", "?", "e", "ä<5", "<<5", "#010b"] {
            assert!(style_of(spec).is_ok(), "{spec}");
        }
        for (spec, plain, width, precision) in [
            (">8.2", ">8.2", None, None),
            (">w$", ">", Some(Computed::Name("w".into())), None),
            ("1$", "", Some(Computed::Number(1)), None),
            ("0w$", "0", Some(Computed::Name("w".into())), None),
            ("+.p$e", "+e", None, Some(Computed::Name("p".into()))),
            ("#>w$.*?", "#>?", Some(Computed::Name("w".into())), Some(Computed::Next)),
            (".>5", ".>5", None, None),
            ("$>5", "$>5", None, None),
        ] {
            assert_eq!(spec_of(spec), Spec { plain: plain.to_owned(), width, precision }, "{spec}");
        }
        for spec in ["z", "w$", ".*", "99999", "x?", "5 ", "1.", ".", "+-"] {
            assert!(style_of(spec).is_err(), "{spec}");
        }
    }
}
