//! Methods of strings, characters and bytes: what they take, and which functions of the plan they are.
//!
//! What takes a *pattern* in std takes a string or a `char` here; a `char` becomes the string of it.

use super::hir::{Hir, HirArm, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::text as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, Name};
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::text::{TextFunction, TextType, is_formatted};

/// What an argument must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arg {
    /// The type of the receiver.
    Own,
    /// A string.
    Text,
    /// A string or a `char`.
    Pattern,
    /// `usize`.
    Position,
    /// `u32`.
    Number,
}

/// A method that is one function.
struct Method {
    name: &'static str,
    function: Function,
    args: &'static [Arg],
}

const fn method(name: &'static str, function: Function, args: &'static [Arg]) -> Method {
    Method { name, function, args }
}

const fn text(name: &'static str, function: TextFunction, args: &'static [Arg]) -> Method {
    Method { name, function: Function::Text(function), args }
}

const PATTERN: &[Arg] = &[Arg::Pattern];

const STRING: &[Method] = &[
    method("len", Function::Len, &[]),
    method("is_empty", Function::IsEmpty, &[]),
    method("starts_with", Function::StartsWith, PATTERN),
    method("ends_with", Function::EndsWith, PATTERN),
    method("contains", Function::Contains, PATTERN),
    method("min", Function::Min, &[Arg::Own]),
    method("max", Function::Max, &[Arg::Own]),
    text("find", TextFunction::Find, PATTERN),
    text("rfind", TextFunction::RFind, PATTERN),
    text("trim", TextFunction::Trim, &[]),
    text("trim_start", TextFunction::TrimStart, &[]),
    text("trim_end", TextFunction::TrimEnd, &[]),
    text("trim_start_matches", TextFunction::TrimStartMatches, PATTERN),
    text("trim_end_matches", TextFunction::TrimEndMatches, PATTERN),
    text("strip_prefix", TextFunction::StripPrefix, PATTERN),
    text("strip_suffix", TextFunction::StripSuffix, PATTERN),
    text("to_uppercase", TextFunction::ToUppercase, &[]),
    text("to_lowercase", TextFunction::ToLowercase, &[]),
    text("to_ascii_uppercase", TextFunction::ToAsciiUppercase, &[]),
    text("to_ascii_lowercase", TextFunction::ToAsciiLowercase, &[]),
    text("eq_ignore_ascii_case", TextFunction::EqIgnoreAsciiCase, &[Arg::Text]),
    text("replace", TextFunction::Replace, &[Arg::Pattern, Arg::Text]),
    text("replacen", TextFunction::Replacen, &[Arg::Pattern, Arg::Text, Arg::Position]),
    text("repeat", TextFunction::Repeat, &[Arg::Position]),
    text("is_char_boundary", TextFunction::IsCharBoundary, &[Arg::Position]),
    text("as_bytes", TextFunction::AsBytes, &[]),
    text("into_bytes", TextFunction::AsBytes, &[]),
];

const CHAR: &[Method] = &[
    method("min", Function::Min, &[Arg::Own]),
    method("max", Function::Max, &[Arg::Own]),
    method("clamp", Function::Clamp, &[Arg::Own, Arg::Own]),
    text("is_alphabetic", TextFunction::IsAlphabetic, &[]),
    text("is_numeric", TextFunction::IsNumeric, &[]),
    text("is_alphanumeric", TextFunction::IsAlphanumeric, &[]),
    text("is_whitespace", TextFunction::IsWhitespace, &[]),
    text("is_control", TextFunction::IsControl, &[]),
    text("is_uppercase", TextFunction::IsUppercase, &[]),
    text("is_lowercase", TextFunction::IsLowercase, &[]),
    text("len_utf8", TextFunction::CharLen, &[]),
    text("to_digit", TextFunction::CharToDigit, &[Arg::Number]),
    text("to_string", TextFunction::CharToString, &[]),
];

/// Of `char`, and of `u8` as the character with that number.
const ASCII: &[Method] = &[
    text("is_ascii", TextFunction::IsAscii, &[]),
    text("is_ascii_alphabetic", TextFunction::IsAsciiAlphabetic, &[]),
    text("is_ascii_digit", TextFunction::IsAsciiDigit, &[]),
    text("is_ascii_hexdigit", TextFunction::IsAsciiHexdigit, &[]),
    text("is_ascii_alphanumeric", TextFunction::IsAsciiAlphanumeric, &[]),
    text("is_ascii_uppercase", TextFunction::IsAsciiUppercase, &[]),
    text("is_ascii_lowercase", TextFunction::IsAsciiLowercase, &[]),
    text("is_ascii_punctuation", TextFunction::IsAsciiPunctuation, &[]),
    text("is_ascii_graphic", TextFunction::IsAsciiGraphic, &[]),
    text("is_ascii_whitespace", TextFunction::IsAsciiWhitespace, &[]),
    text("is_ascii_control", TextFunction::IsAsciiControl, &[]),
    text("to_ascii_uppercase", TextFunction::CharToAsciiUppercase, &[]),
    text("to_ascii_lowercase", TextFunction::CharToAsciiLowercase, &[]),
];

/// Methods that are several functions, by the type that has them.
const COMPOSED: [(Ty, &[&str]); 3] = [
    (Ty::STRING, &["get", "split_once", "rsplit_once", "trim_matches", "parse", "is_ascii"]),
    (Ty::CHAR, &["eq_ignore_ascii_case", "is_digit"]),
    (Ty::U8, &["eq_ignore_ascii_case"]),
];

/// Methods of strings and of their kin that give the receiver back.
fn is_identity(ty: &Ty, name: &str) -> bool {
    match name {
        "to_string" | "as_str" | "into_string" | "into_owned" | "as_mut_str" => *ty == Ty::STRING,
        _ => false,
    }
}

fn tables(ty: &Ty) -> &'static [&'static [Method]] {
    if *ty == Ty::STRING {
        &[STRING]
    } else if *ty == Ty::CHAR {
        &[CHAR, ASCII]
    } else if *ty == Ty::U8 {
        &[ASCII]
    } else {
        &[]
    }
}

/// The names of the methods here, for messages.
pub(super) fn names(ty: &Ty) -> Vec<&'static str> {
    let composed = COMPOSED.iter().filter(|(of, _)| of == ty).flat_map(|(_, names)| names.iter().copied());
    let changing = super::text_mutation::METHODS.iter().map(|(name, _)| *name).filter(|_| *ty == Ty::STRING);
    tables(ty).iter().flat_map(|table| table.iter()).map(|method| method.name).chain(composed).chain(changing).collect()
}

/// The type that a function gives, as the checker's.
#[expect(clippy::wildcard_enum_match_arm, reason = "positions alone have a type of their own")]
pub(super) fn result_of(function: Function) -> Ty {
    let Function::Text(function) = function else {
        return if function == Function::Len { Ty::Usize } else { Ty::BOOL };
    };
    match function.result() {
        TextType::U64 => Ty::Usize,
        TextType::OptU64 => Ty::Usize.option(),
        other => Ty::of_column(&other.ty()),
    }
}

/// A call of a function of strings.
pub(super) fn call(function: TextFunction, args: Vec<Hir>, span: Span) -> Hir {
    let function = Function::Text(function);
    Hir::new(HirKind::Call(function, args), result_of(function), span)
}

pub(super) fn string(value: &str, span: Span) -> Hir {
    Hir::new(HirKind::Str(value.to_owned()), Ty::STRING, span)
}

pub(super) fn position(value: i128, span: Span) -> Hir {
    Hir::new(HirKind::Int(value), Ty::Usize, span)
}

impl Body<'_, '_> {
    /// `receiver.name(args)` of a string, a character or bytes; nothing if there is no such method here.
    pub(super) fn text_method(
        &mut self,
        receiver: &Hir,
        ty: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        if args.is_empty() && is_identity(ty, &name.text) {
            return Some(Hir { span, ..receiver.clone() });
        }
        if *ty == Ty::STRING
            && let [arg] = args
            && let Some(condition) = super::text_search::condition_of(arg)
            && let Some(hir) = self.text_search(receiver.clone(), &name.text, &condition, span)
        {
            return Some(hir);
        }
        if let Some(hir) = self.composed(receiver, ty, name, args, span) {
            return Some(hir);
        }
        let found = tables(ty).iter().flat_map(|table| table.iter()).find(|method| method.name == name.text)?;
        if found.args.len() != args.len() {
            return Some(self.wrong_arity(found.name, found.args.len(), args, name.span, span));
        }
        let is_byte = *ty == Ty::U8;
        let mut all = vec![if is_byte { byte_as_char(receiver.clone()) } else { receiver.clone() }];
        for (index, (arg, spec)) in args.iter().zip(found.args).enumerate() {
            let why = Why::Argument { function: found.name, index };
            all.push(match spec {
                Arg::Own => self.expect(arg, ty, why),
                Arg::Text => self.expect(arg, &Ty::STRING, why),
                Arg::Pattern => self.text_pattern(arg, found.name)?,
                Arg::Position => self.expect(arg, &Ty::Usize, why),
                Arg::Number => self.expect(arg, &Ty::U32, why),
            });
        }
        let is_own = matches!(found.function, Function::Min | Function::Max | Function::Clamp);
        let result = if is_own { ty.clone() } else { result_of(found.function) };
        let hir = Hir::new(HirKind::Call(found.function, all), result.clone(), span);
        Some(if is_byte && result == Ty::CHAR { Hir::new(HirKind::Cast(Box::new(hir)), Ty::U8, span) } else { hir })
    }

    fn composed(&mut self, receiver: &Hir, ty: &Ty, name: &Name, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let wanted = COMPOSED.iter().any(|(of, names)| of == ty && names.contains(&name.text.as_str()));
        if !wanted {
            return None;
        }
        let arity = usize::from(!matches!(name.text.as_str(), "is_ascii" | "parse"));
        if args.len() != arity {
            return Some(self.wrong_arity(&name.text, arity, args, name.span, span));
        }
        let receiver = receiver.clone();
        Some(match (name.text.as_str(), args) {
            ("get", [arg]) => self.get(receiver, arg, span),
            ("is_ascii", _) => {
                // Every byte of a character beyond ASCII is beyond ASCII: as long as it has characters.
                self.let_in(vec![receiver], span, |values| {
                    let count = call(TextFunction::CharCount, vec![values[0].clone()], span);
                    let len = Hir::new(HirKind::Call(Function::Len, vec![values[0].clone()]), Ty::Usize, span);
                    Hir::new(HirKind::Binary(BinaryOp::Eq, Box::new(count), Box::new(len)), Ty::BOOL, span)
                })
            }
            ("split_once" | "rsplit_once", [arg]) => {
                let find = if name.text == "split_once" { TextFunction::Find } else { TextFunction::RFind };
                let name = if find == TextFunction::Find { "split_once" } else { "rsplit_once" };
                let Some(pattern) = self.text_pattern(arg, name) else { return Some(Hir::error(span)) };
                self.split_once(find, receiver, pattern, span)
            }
            ("trim_matches", [arg]) => {
                let pattern = self.expr(arg, None);
                let found = self.table.resolve(&pattern.ty);
                if found == Ty::STRING {
                    self.cx.say(say::trim_matches_of_text(arg.span));
                    return Some(Hir::error(span));
                }
                let Some(pattern) = self.as_pattern(pattern, arg, "trim_matches") else {
                    return Some(Hir::error(span));
                };
                self.let_in(vec![receiver, pattern], span, |values| {
                    let start = call(TextFunction::TrimStartMatches, values.to_vec(), span);
                    call(TextFunction::TrimEndMatches, vec![start, values[1].clone()], span)
                })
            }
            ("parse", _) => {
                let inner = self.table.fresh(super::unify::Kind::Any);
                self.parse(receiver, inner, span)
            }
            ("eq_ignore_ascii_case", [arg]) => {
                let other = self.expect(arg, ty, Why::Argument { function: "eq_ignore_ascii_case", index: 0 });
                let lower = |hir: Hir| {
                    let hir = if *ty == Ty::U8 { byte_as_char(hir) } else { hir };
                    Box::new(call(TextFunction::CharToAsciiLowercase, vec![hir], span))
                };
                Hir::new(HirKind::Binary(BinaryOp::Eq, lower(receiver), lower(other)), Ty::BOOL, span)
            }
            ("is_digit", [arg]) => {
                let radix = self.expect(arg, &Ty::U32, Why::Argument { function: "is_digit", index: 0 });
                let digit = call(TextFunction::CharToDigit, vec![receiver, radix], span);
                is_some(digit, span)
            }
            _ => return None,
        })
    }

    /// `{ let s = text; let p = pattern; match s.find(p) { Some(at) => Some((&s[..at], &s[at + p.len()..])), None => None } }`
    fn split_once(&mut self, find: TextFunction, text: Hir, pattern: Hir, span: Span) -> Hir {
        let at = self.new_binding(Ty::Usize);
        let found = Hir::new(HirKind::Local(at), Ty::Usize, span);
        let pair = Ty::Tuple(vec![Ty::STRING, Ty::STRING]);
        let ty = pair.clone().option();
        self.let_in(vec![text, pattern], span, |values| {
            let len = |of: &Hir| Hir::new(HirKind::Call(Function::Len, vec![of.clone()]), Ty::Usize, span);
            let behind = vec![found.clone(), len(&values[1])];
            let behind = Hir::new(HirKind::Call(Function::WrappingAdd, behind), Ty::Usize, span);
            // Both parts are there: what `find` gives lies in the string.
            let part = |from: Hir, to: Hir| {
                let part = call(TextFunction::Get, vec![values[0].clone(), from, to], span);
                Hir::new(HirKind::Call(Function::UnwrapOr, vec![part, string("", span)]), Ty::STRING, span)
            };
            let parts = vec![part(position(0, span), found.clone()), part(behind, len(&values[0]))];
            let parts = Hir::new(HirKind::Tuple(parts), pair.clone(), span);
            let some = Hir::new(HirKind::Some(Box::new(parts)), ty.clone(), span);
            let bind = HirPat::new(PatKind::Bind(at, None), Ty::Usize, span);
            let pattern = HirPat::new(PatKind::Some(Box::new(bind)), Ty::Usize.option(), span);
            let wild = HirPat::new(PatKind::Wild, Ty::Usize.option(), span);
            let none = Hir::new(HirKind::None, ty.clone(), span);
            let arms =
                vec![HirArm { pattern, guard: None, body: some }, HirArm { pattern: wild, guard: None, body: none }];
            Hir::new(HirKind::Match(Box::new(call(find, values.to_vec(), span)), arms), ty.clone(), span)
        })
    }

    /// What is looked for: a string or a `char`.
    pub(super) fn text_pattern(&mut self, arg: &ast::Expr, method: &'static str) -> Option<Hir> {
        let written = unreferenced(arg);
        let is_predicate = matches!(written.kind, ast::ExprKind::Closure(_) | ast::ExprKind::Array(_))
            || matches!(&written.kind, ast::ExprKind::Path(path) if path.first().is_some_and(|first| first == "char"));
        if is_predicate {
            self.cx.say(say::predicate_pattern(method, arg.span));
            return Some(Hir::error(arg.span));
        }
        let pattern = self.expr(arg, None);
        self.as_pattern(pattern, arg, method)
    }

    fn as_pattern(&mut self, pattern: Hir, arg: &ast::Expr, method: &'static str) -> Option<Hir> {
        if self.table.resolve(&pattern.ty) != Ty::CHAR {
            return Some(self.coerce(pattern, &Ty::STRING, Why::Argument { function: method, index: 0 }, Some(arg)));
        }
        let span = pattern.span;
        if let HirKind::Int(c) = pattern.kind {
            let c = u32::try_from(c).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some(string(c.encode_utf8(&mut [0; 4]), span));
        }
        Some(call(TextFunction::CharToString, vec![pattern], span))
    }

    /// `s.get(a..b)`.
    fn get(&mut self, receiver: Hir, arg: &ast::Expr, span: Span) -> Hir {
        if let ast::ExprKind::Range(from, to, inclusive) = &arg.kind {
            return self.part(TextFunction::Get, receiver, (from.as_deref(), to.as_deref(), *inclusive), span);
        }
        self.cx.say(say::string_index(arg.span));
        Hir::error(span)
    }

    /// `base[index]` of a string.
    pub(super) fn text_index(&mut self, base: Hir, index: &ast::Expr, span: Span) -> Hir {
        if let ast::ExprKind::Range(from, to, inclusive) = &index.kind {
            return self.part(TextFunction::Slice, base, (from.as_deref(), to.as_deref(), *inclusive), span);
        }
        self.cx.say(say::string_index(index.span));
        Hir::error(span)
    }

    /// A part of a string or bytes, by a range.
    fn part(
        &mut self,
        function: TextFunction,
        base: Hir,
        (from, to, inclusive): (Option<&ast::Expr>, Option<&ast::Expr>, bool),
        span: Span,
    ) -> Hir {
        let from = match from {
            Some(from) => self.expect(from, &Ty::Usize, Why::Index),
            None => position(0, span),
        };
        let to = to.map(|to| self.expect(to, &Ty::Usize, Why::Index));
        let to = to.map(|to| {
            if inclusive {
                // The greatest number stays what it is: no string is that long.
                let args = vec![to, position(1, span)];
                Hir::new(HirKind::Call(Function::SaturatingAdd, args), Ty::Usize, span)
            } else {
                to
            }
        });
        match to {
            Some(to) => call(function, vec![base, from, to], span),
            None => self.let_in(vec![base, from], span, |values| {
                let len = Hir::new(HirKind::Call(Function::Len, vec![values[0].clone()]), Ty::Usize, span);
                call(function, vec![values[0].clone(), values[1].clone(), len], span)
            }),
        }
    }

    /// `x.to_string()` of what is no string; nothing if it has no form as text.
    pub(super) fn written_as_text(&mut self, value: &Hir, ty: &Ty, span: Span) -> Option<Hir> {
        let is_number = self.table.kind(ty).is_some_and(|kind| kind != super::unify::Kind::Any);
        let has_form = is_number
            || ty
                .column_type()
                .is_some_and(|ty| !ty.is_option() && (is_formatted(&ty) || super::library::parse_of(&ty).is_some()));
        has_form.then(|| {
            let args = vec![string("", span), value.clone(), string("", span)];
            Hir::new(HirKind::Call(Function::Append, args), Ty::STRING, span)
        })
    }

    /// `{ let a = values[0]; …; make(a, …) }`: each is computed once.
    pub(super) fn let_in(&mut self, values: Vec<Hir>, span: Span, make: impl FnOnce(&[Hir]) -> Hir) -> Hir {
        let mut lets = Vec::new();
        let mut named = Vec::new();
        for value in values {
            if matches!(value.kind, HirKind::Local(_) | HirKind::Str(_) | HirKind::Int(_) | HirKind::Bytes(_)) {
                named.push(value);
                continue;
            }
            let (ty, at) = (value.ty.clone(), value.span);
            let id = self.new_binding(ty.clone());
            lets.push(HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty.clone(), at), value));
            named.push(Hir::new(HirKind::Local(id), ty, at));
        }
        let tail = make(&named);
        if lets.is_empty() {
            return tail;
        }
        let ty = tail.ty.clone();
        Hir::new(HirKind::Block(lets, Some(Box::new(tail))), ty, span)
    }

    /// `char::from_digit(..)`, `String::from_utf8(..)` and their like; nothing if it is none of them.
    pub(super) fn text_call(&mut self, path: &[&str], args: &[ast::Expr], span: Span) -> Option<Hir> {
        Some(match (path, args) {
            (["String", "with_capacity"], [room]) => {
                // The room is no part of the value, but what computes it may fail.
                let room = self.expect(room, &Ty::Usize, Why::Argument { function: "with_capacity", index: 0 });
                let wild = HirPat::new(PatKind::Wild, Ty::Usize, span);
                let lets = vec![HirStatement::Let(wild, room)];
                Hir::new(HirKind::Block(lets, Some(Box::new(string("", span)))), Ty::STRING, span)
            }
            (["String", "from"], [arg]) => {
                let value = self.expr(arg, None);
                if self.table.resolve(&value.ty) == Ty::CHAR {
                    return Some(call(TextFunction::CharToString, vec![value], span));
                }
                self.coerce(value, &Ty::STRING, Why::Argument { function: "from", index: 0 }, Some(arg))
            }
            (["String", "from_utf8_lossy"], [arg]) => {
                let bytes = self.expect(arg, &Ty::bytes(), Why::Argument { function: "from_utf8_lossy", index: 0 });
                call(TextFunction::FromUtf8Lossy, vec![bytes], span)
            }
            (["String" | "str", "from_utf8"], [arg]) => {
                let bytes = self.expect(arg, &Ty::bytes(), Why::Argument { function: "from_utf8", index: 0 });
                let text = call(TextFunction::FromUtf8, vec![bytes], span);
                Hir { ty: Ty::Result(Box::new(Ty::STRING), Box::new(Ty::Failure)), ..text }
            }
            (["char", "from_digit"], [digit, radix]) => {
                let digit = self.expect(digit, &Ty::U32, Why::Argument { function: "from_digit", index: 0 });
                let radix = self.expect(radix, &Ty::U32, Why::Argument { function: "from_digit", index: 1 });
                call(TextFunction::CharFromDigit, vec![digit, radix], span)
            }
            (["char", "from_u32"], [arg]) => {
                let number = self.expect(arg, &Ty::U32, Why::Argument { function: "from_u32", index: 0 });
                call(TextFunction::CharFromU32, vec![number], span)
            }
            (["char", "from"], [arg]) => {
                let byte = self.expect(arg, &Ty::U8, Why::Argument { function: "from", index: 0 });
                byte_as_char(byte)
            }
            _ => return None,
        })
    }
}

/// `option.is_some()`
pub(super) fn is_some(option: Hir, span: Span) -> Hir {
    let Ty::Option(inner) = option.ty.clone() else { return option };
    let wild = HirPat::new(PatKind::Wild, *inner, span);
    let some = HirPat::new(PatKind::Some(Box::new(wild)), option.ty.clone(), span);
    let rest = HirPat::new(PatKind::Wild, option.ty.clone(), span);
    let truth = |value| Hir::new(HirKind::Bool(value), Ty::BOOL, span);
    let arms = vec![
        HirArm { pattern: some, guard: None, body: truth(true) },
        HirArm { pattern: rest, guard: None, body: truth(false) },
    ];
    Hir::new(HirKind::Match(Box::new(option), arms), Ty::BOOL, span)
}

fn byte_as_char(byte: Hir) -> Hir {
    let span = byte.span;
    Hir::new(HirKind::Cast(Box::new(byte)), Ty::CHAR, span)
}

/// What stands behind `&` and `as_str`-like shells of a pattern.
fn unreferenced(arg: &ast::Expr) -> &ast::Expr {
    if let ast::ExprKind::Reference(inner) = &arg.kind { unreferenced(inner) } else { arg }
}
