//! Iterator chains as loops: what gives the next item, step by step. There are no iterators at run time.
//!
//! A chain is a source (`v.iter()`, `0..n`, `s.chars()`, `s.split(",")`) and what is done with each of its items
//! (`map`, `filter`, `take`, …). What ends it stands in `chain_end.rs`. Items are asked for as std's iterators do, so the
//! closures run in the same order, on the same items.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{BindingId, Hir, HirArm, HirClosure, HirKind, HirPat, HirStatement, LoopId, PatKind, Place};
use super::infer::Body;
use super::list::{call as list_call, compare, if_else, len, position, some, wrapping};
use super::option::bind_params;
use super::text::{call as text_call, string};
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::lists as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Name};
use sabot_ir::expr::{Failure, FailureKind, Function, UnaryOp};
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

/// Methods that give an iterator over what they are called on.
pub(super) const SOURCES: [&str; 34] = [
    "iter",
    "into_iter",
    "chars",
    "char_indices",
    "bytes",
    "split",
    "split_terminator",
    "split_whitespace",
    "split_ascii_whitespace",
    "lines",
    "windows",
    "chunks",
    "chunks_exact",
    "drain",
    "rsplit",
    "splitn",
    "rsplitn",
    "split_inclusive",
    "rsplit_terminator",
    "matches",
    "rmatches",
    "match_indices",
    "rmatch_indices",
    "rchunks",
    "chunk_by",
    "keys",
    "values",
    "into_keys",
    "into_values",
    "range",
    "union",
    "intersection",
    "difference",
    "symmetric_difference",
];

/// Methods of iterators that give another one.
pub(super) const ADAPTORS: [&str; 25] = [
    "map",
    "filter",
    "filter_map",
    "map_while",
    "take",
    "skip",
    "take_while",
    "skip_while",
    "step_by",
    "rev",
    "zip",
    "chain",
    "copied",
    "cloned",
    "enumerate",
    "flat_map",
    "flatten",
    "by_ref",
    "inspect",
    "into_iter",
    "iter",
    "fuse",
    "peekable",
    "scan",
    "cycle",
];

/// What gives items.
#[derive(Clone, Debug)]
pub(super) enum Iter {
    List {
        list: Hir,
        item: Ty,
        at: BindingId,
        reversed: bool,
    },
    Range {
        ty: Ty,
        at: BindingId,
        start: Hir,
        end: Option<Hir>,
        done: Option<BindingId>,
        reversed: bool,
    },
    Chars {
        text: Hir,
        at: BindingId,
        reversed: bool,
        indices: bool,
    },
    Bytes {
        bytes: Hir,
        at: BindingId,
        reversed: bool,
    },
    Split {
        text: Hir,
        pattern: Hir,
        start: BindingId,
        from: BindingId,
        done: BindingId,
        form: Form,
    },
    Whitespace {
        text: Hir,
        at: BindingId,
    },
    Windows {
        list: Hir,
        size: Hir,
        at: BindingId,
    },
    Chunks {
        list: Hir,
        size: Hir,
        at: BindingId,
    },
    Map(Box<Iter>, HirClosure),
    Inspect(Box<Iter>, HirClosure),
    Filter(Box<Iter>, HirClosure),
    FilterMap(Box<Iter>, HirClosure, bool),
    TakeWhile(Box<Iter>, HirClosure, BindingId),
    SkipWhile(Box<Iter>, HirClosure, BindingId),
    Take(Box<Iter>, BindingId),
    Skip(Box<Iter>, BindingId),
    StepBy(Box<Iter>, Hir, BindingId),
    Enumerate(Box<Iter>, BindingId, bool),
    Zip(Box<Iter>, Box<Iter>),
    Chain(Box<Iter>, Box<Iter>, BindingId, Ty),
    FlatMap(Box<Iter>, Option<HirClosure>, BindingId, BindingId, Ty),
    /// With whether an item was looked at already, and what that is.
    Peekable(Box<Iter>, BindingId, BindingId, Ty),
    /// With the next item.
    Successors(HirClosure, BindingId, Ty),
    Repeat(Hir),
}

/// How text is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Split,
    Terminator,
    Lines,
}

/// A place where statements are made: where the chain's items end, and where the next one is asked for.
#[derive(Clone)]
pub(super) struct Pass {
    pub(super) end: Hir,
    pub(super) skip: Hir,
    pub(super) span: Span,
}

pub(super) fn local(id: BindingId, ty: &Ty, span: Span) -> Hir {
    Hir::new(HirKind::Local(id), ty.clone(), span)
}

pub(super) fn bind(id: BindingId, value: Hir) -> HirStatement {
    let (ty, span) = (value.ty.clone(), value.span);
    HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty, span), value)
}

pub(super) fn set(id: BindingId, value: Hir) -> HirStatement {
    let span = value.span;
    let place = Place { binding: id, fields: Vec::new() };
    HirStatement::Expr(Hir::new(HirKind::Assign(place, Box::new(value)), Ty::unit(), span))
}

pub(super) fn block(statements: Vec<HirStatement>, span: Span) -> Hir {
    Hir::new(HirKind::Block(statements, None), Ty::unit(), span)
}

pub(super) fn when(condition: Hir, then: Vec<HirStatement>) -> HirStatement {
    let span = condition.span;
    let then = Box::new(block(then, span));
    HirStatement::Expr(Hir::new(HirKind::If(Box::new(condition), then, None), Ty::unit(), span))
}

pub(super) fn not(x: Hir) -> Hir {
    let span = x.span;
    Hir::new(HirKind::Unary(UnaryOp::Not, Box::new(x)), Ty::BOOL, span)
}

pub(super) fn truth(value: bool, span: Span) -> Hir {
    Hir::new(HirKind::Bool(value), Ty::BOOL, span)
}

/// A `bool` that changes.
pub(super) fn flag(id: BindingId, span: Span) -> Hir {
    local(id, &Ty::BOOL, span)
}

/// A `usize` that changes.
pub(super) fn counter(id: BindingId, span: Span) -> Hir {
    local(id, &Ty::Usize, span)
}

fn plus(a: Hir, b: Hir) -> Hir {
    wrapping(Function::WrappingAdd, a, b)
}

fn minus(a: Hir, b: Hir) -> Hir {
    wrapping(Function::WrappingSub, a, b)
}

fn text_len(text: &Hir, span: Span) -> Hir {
    Hir::new(HirKind::Call(Function::Len, vec![text.clone()]), Ty::Usize, span)
}

/// A row error where a loop begins.
fn panic_when(condition: Hir, message: &str, span: Span) -> HirStatement {
    let failure = Failure { kind: FailureKind::Panic, message: message.to_owned() };
    when(condition, vec![HirStatement::Expr(Hir::new(HirKind::Fail(failure), Ty::Never, span))])
}

/// Whether a method gives an iterator.
pub(super) fn is_source(name: &Name, args: &[ast::Expr]) -> bool {
    let name = name.text.as_str();
    SOURCES.contains(&name) && args.len() == arity(name)
}

/// The number of arguments of what gives items.
pub(super) fn arity(source: &str) -> usize {
    match source {
        "split" | "split_terminator" | "windows" | "chunks" | "chunks_exact" | "drain" => 1,
        "rchunks" | "chunk_by" | "range" | "union" | "intersection" | "difference" | "symmetric_difference" => 1,
        name => super::written::PARTS.iter().find(|(known, _)| *known == name).map_or(0, |(_, n)| 1 + usize::from(*n)),
    }
}

impl Iter {
    /// Whether an item may be left out, so that the next one is asked for.
    fn skips(&self) -> bool {
        match self {
            Self::List { .. }
            | Self::Range { .. }
            | Self::Chars { .. }
            | Self::Bytes { .. }
            | Self::Split { .. }
            | Self::Whitespace { .. }
            | Self::Windows { .. }
            | Self::Chunks { .. }
            | Self::Successors(..)
            | Self::Repeat(_)
            | Self::FlatMap(..) => false,
            Self::Filter(..) | Self::SkipWhile(..) | Self::Skip(..) | Self::StepBy(..) => true,
            Self::FilterMap(inner, _, ends) => !ends || inner.skips(),
            Self::Map(inner, _)
            | Self::Inspect(inner, _)
            | Self::TakeWhile(inner, ..)
            | Self::Peekable(inner, ..)
            | Self::Take(inner, _)
            | Self::Enumerate(inner, ..) => inner.skips(),
            Self::Zip(a, b) | Self::Chain(a, b, ..) => a.skips() || b.skips(),
        }
    }
}

impl Body<'_, '_> {
    pub(super) fn loop_id(&mut self) -> LoopId {
        self.next_loop += 1;
        LoopId(self.next_loop - 1)
    }

    /// A variable with this first value.
    pub(super) fn state(&mut self, value: Hir, lets: &mut Vec<HirStatement>) -> BindingId {
        let id = self.new_binding(value.ty.clone());
        lets.push(bind(id, value));
        id
    }

    /// A chain and the type of its items; nothing after a mistake. `lets` run before the loop.
    pub(super) fn iter(&mut self, expr: &ast::Expr, lets: &mut Vec<HirStatement>) -> Option<(Iter, Ty)> {
        match &expr.kind {
            ExprKind::Range(Some(start), end, inclusive) => {
                Some(self.iter_range(start, end.as_deref(), *inclusive, lets, expr.span))
            }
            ExprKind::Reference(inner) if self.is_iterator(inner) => self.iter(inner, lets),
            ExprKind::Name(name) if self.held_iterator(name).is_some() => self.held_iterator(name),
            ExprKind::Call(path, args) if super::chain_more::is_maker(path) => self.made(path, args, lets, expr.span),
            ExprKind::Method(receiver, name, types, args) => {
                let method = name.text.as_str();
                if method == "clone" && args.is_empty() && self.is_held(receiver) {
                    let (iter, item) = self.iter(receiver, lets)?;
                    return Some((self.copied(iter, lets, expr.span), item));
                }
                if self.gives_matches(receiver, name) {
                    let pattern = self.regex_of(receiver)?;
                    let matches = self.regex_method(&pattern, receiver.span, name, args, expr.span);
                    return self.iter_of(matches, expr.span, lets);
                }
                if ADAPTORS.contains(&method) && self.is_iterator(receiver) {
                    return self.adapted(receiver, name, args, lets, expr.span);
                }
                if self.is_case(receiver, name, args) {
                    let text = Self::case_text(receiver, name);
                    return self.source_of(
                        &text,
                        &Name { text: "chars".to_owned(), span: name.span },
                        &[],
                        lets,
                        expr.span,
                    );
                }
                if SOURCES.contains(&method) && args.len() == arity(method) && types.is_empty() {
                    return self.source_of(receiver, name, args, lets, expr.span);
                }
                self.iter_value(expr, lets)
            }
            _ => self.iter_value(expr, lets),
        }
    }

    /// A value that can be gone over: a list, or an `Option`.
    fn iter_value(&mut self, expr: &ast::Expr, lets: &mut Vec<HirStatement>) -> Option<(Iter, Ty)> {
        let value = self.expr(expr, None);
        self.iter_of(value, expr.span, lets)
    }

    pub(super) fn iter_of(&mut self, value: Hir, span: Span, lets: &mut Vec<HirStatement>) -> Option<(Iter, Ty)> {
        let ty = self.table.deep(&value.ty);
        match &ty {
            Ty::List(item) => {
                let item = (**item).clone();
                let list = self.named(value, &ty, lets);
                let at = self.state(position(0, span), lets);
                Some((Iter::List { list, item: item.clone(), at, reversed: false }, item))
            }
            Ty::Option(inner) => {
                let list_ty = Ty::List(inner.clone());
                let id = self.new_binding((**inner).clone());
                let held = HirPat::new(PatKind::Bind(id, None), (**inner).clone(), span);
                let pattern = HirPat::new(PatKind::Some(Box::new(held)), ty.clone(), span);
                let wild = HirPat::new(PatKind::Wild, ty.clone(), span);
                let one = list_call(ListFunction::Of, vec![local(id, inner, span)], list_ty.clone(), span);
                let none = list_call(ListFunction::Of, Vec::new(), list_ty.clone(), span);
                let arms =
                    vec![HirArm { pattern, guard: None, body: one }, HirArm { pattern: wild, guard: None, body: none }];
                let list = Hir::new(HirKind::Match(Box::new(value), arms), list_ty, span);
                self.iter_of(list, span, lets)
            }
            Ty::Error | Ty::Never => None,
            Ty::Of(wrapper, inner) if *wrapper != super::wrapper::Wrapper::Reverse => {
                let list = self.gone_over(value, *wrapper, inner, span)?;
                self.iter_of(list, span, lets)
            }
            _ => {
                let shown = self.show(&ty);
                self.cx.say(say::not_an_iterator(&shown, span));
                None
            }
        }
    }

    fn iter_range(
        &mut self,
        start: &ast::Expr,
        end: Option<&ast::Expr>,
        inclusive: bool,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> (Iter, Ty) {
        let ty = self.table.fresh(Kind::Integer);
        let start = self.expect(start, &ty, Why::Range);
        let start = self.named(start, &ty, lets);
        let end = end.map(|end| {
            let end = self.expect(end, &ty, Why::Range);
            self.named(end, &ty, lets)
        });
        let at = self.state(start.clone(), lets);
        let done = match (&end, inclusive) {
            (Some(end), true) => {
                let is_empty = compare(BinaryOp::Gt, start.clone(), end.clone(), span);
                Some(self.state(is_empty, lets))
            }
            _ => None,
        };
        (Iter::Range { ty: ty.clone(), at, start, end, done, reversed: false }, ty)
    }

    fn source_of(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<(Iter, Ty)> {
        let method = name.text.as_str();
        if matches!(method, "iter" | "into_iter") {
            return self.iter_value(receiver, lets);
        }
        let value = self.expr(receiver, None);
        let ty = self.table.deep(&value.ty);
        if ty.is_error() {
            return None;
        }
        if super::collections::ITEMS.iter().any(|(known, _)| *known == method) {
            let items = self.method_on(value, receiver, name, args, None, span);
            return self.iter_of(items, span, lets);
        }
        if let (Ty::List(_), "windows" | "chunks", [size]) = (&ty, method, args) {
            let list = self.named(value, &ty, lets);
            let size = self.expect(size, &Ty::Usize, Why::Index);
            let size = self.named(size, &Ty::Usize, lets);
            let message =
                if method == "windows" { "window size must be non-zero" } else { "chunk size must be non-zero" };
            let is_zero = compare(BinaryOp::Eq, size.clone(), position(0, span), span);
            lets.push(panic_when(is_zero, message, span));
            let at = self.state(position(0, span), lets);
            let iter =
                if method == "windows" { Iter::Windows { list, size, at } } else { Iter::Chunks { list, size, at } };
            return Some((iter, ty));
        }
        if let (Ty::List(_), "chunks_exact", [size]) = (&ty, method, args) {
            let size = self.expect(size, &Ty::Usize, Why::Index);
            let values = vec![("x", value, ty), ("n", size, Ty::Usize)];
            let exact = "{ x.chunks(n).filter(|part| part.len() == n).collect::<Vec<_>>() }";
            let parts = self.written(values, &[], exact, span);
            return self.iter_of(parts, span, lets);
        }
        if let (Ty::List(item), true) = (&ty, super::list_more::ITEMS.contains(&method)) {
            let item = (**item).clone();
            let parts = self.list_more(&value, &item, name, args, span)?;
            return self.iter_of(parts, span, lets);
        }
        if let (Ty::List(_), "drain", [range]) = (&ty, method, args) {
            return self.drained(receiver, range, lets, span);
        }
        if ty != Ty::STRING || matches!(method, "windows" | "chunks" | "chunks_exact" | "drain") {
            let shown = self.show(&ty);
            self.cx.say(say::no_method(&shown, method, &[], name.span));
            return None;
        }
        let text = self.named(value, &ty, lets);
        Some(match (method, args) {
            ("bytes", _) => {
                let bytes = text_call(TextFunction::AsBytes, vec![text], span);
                let bytes = self.named(bytes, &Ty::bytes(), lets);
                let at = self.state(position(0, span), lets);
                (Iter::Bytes { bytes, at, reversed: false }, Ty::U8)
            }
            ("split_whitespace" | "split_ascii_whitespace", _) => {
                let at = self.state(position(0, span), lets);
                (Iter::Whitespace { text, at }, Ty::STRING)
            }
            ("split" | "split_terminator", [pattern]) if super::text_search::condition_of(pattern).is_none() => {
                let name = if method == "split" { "split" } else { "split_terminator" };
                let pattern = self.text_pattern(pattern, name)?;
                if pattern.ty.is_error() {
                    return None;
                }
                let pattern = self.named(pattern, &Ty::STRING, lets);
                let form = if method == "split" { Form::Split } else { Form::Terminator };
                (self.split(text, pattern, form, lets, span), Ty::STRING)
            }
            (_, [_, ..]) => {
                let parts = self.text_parts(text, name, args, span)?;
                return self.iter_of(parts, span, lets);
            }
            ("lines", _) => {
                let pattern = string("\n", span);
                (self.split(text, pattern, Form::Lines, lets, span), Ty::STRING)
            }
            _ => {
                let at = self.state(position(0, span), lets);
                let indices = method == "char_indices";
                let item = if indices { Ty::Tuple(vec![Ty::Usize, Ty::CHAR]) } else { Ty::CHAR };
                (Iter::Chars { text, at, reversed: false, indices }, item)
            }
        })
    }

    fn split(&mut self, text: Hir, pattern: Hir, form: Form, lets: &mut Vec<HirStatement>, span: Span) -> Iter {
        let start = self.state(position(0, span), lets);
        let from = self.state(position(0, span), lets);
        let done = self.state(truth(false, span), lets);
        Iter::Split { text, pattern, start, from, done, form }
    }

    fn adapted(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<(Iter, Ty)> {
        let method = name.text.as_str();
        // What is wanted of the items in the end is wanted of what the last `map` gives.
        let wanted = self.wanted_item.take();
        if matches!(method, "filter" | "take" | "skip" | "take_while" | "skip_while" | "inspect" | "rev") {
            self.wanted_item.clone_from(&wanted);
        }
        let (inner, item) = self.iter(receiver, lets)?;
        let of_item = std::slice::from_ref(&item);
        Some(match (method, args) {
            ("copied" | "cloned" | "by_ref" | "into_iter" | "iter" | "fuse", []) => (inner, item),
            ("map", [f]) => {
                let wanted = wanted.filter(|_| asks_for_its_type(f));
                let f = self.callback(f, of_item, wanted.as_ref(), method)?;
                let ty = f.body.ty.clone();
                (Iter::Map(Box::new(inner), f), ty)
            }
            ("inspect", [f]) => {
                let f = self.callback(f, of_item, Some(&Ty::unit()), method)?;
                (Iter::Inspect(Box::new(inner), f), item)
            }
            ("filter", [p]) => (Iter::Filter(Box::new(inner), self.predicate(p, of_item, method)?), item),
            ("take_while", [p]) => {
                let p = self.predicate(p, of_item, method)?;
                let done = self.state(truth(false, span), lets);
                (Iter::TakeWhile(Box::new(inner), p, done), item)
            }
            ("peekable", []) => self.peekable(inner, item, lets, span),
            ("cycle", []) => match self.cycled(inner, &item, self.goes_on(receiver), lets, span) {
                Some(iter) => (iter, item),
                None => {
                    self.cx.say(say::no_cycle(name.span));
                    return None;
                }
            },
            ("scan", [first, f]) => self.scan(inner, &item, first, f, lets)?,
            ("skip_while", [p]) => {
                let p = self.predicate(p, of_item, method)?;
                let started = self.state(truth(false, span), lets);
                (Iter::SkipWhile(Box::new(inner), p, started), item)
            }
            ("filter_map" | "map_while", [f]) => {
                let gives = self.table.fresh(Kind::Any);
                let f = self.callback(f, of_item, Some(&gives.clone().option()), method)?;
                (Iter::FilterMap(Box::new(inner), f, method == "map_while"), gives)
            }
            ("take" | "skip", [n]) => {
                let n = self.expect(n, &Ty::Usize, Why::Index);
                let left = self.state(n, lets);
                let inner = Box::new(inner);
                (if method == "take" { Iter::Take(inner, left) } else { Iter::Skip(inner, left) }, item)
            }
            ("step_by", [n]) => {
                let n = self.expect(n, &Ty::Usize, Why::Index);
                let step = self.named(n, &Ty::Usize, lets);
                let is_zero = compare(BinaryOp::Eq, step.clone(), position(0, span), span);
                lets.push(panic_when(is_zero, "assertion failed: step != 0", span));
                let left = self.state(position(0, span), lets);
                (Iter::StepBy(Box::new(inner), step, left), item)
            }
            ("enumerate", []) => {
                let at = self.state(position(0, span), lets);
                (Iter::Enumerate(Box::new(inner), at, false), Ty::Tuple(vec![Ty::Usize, item]))
            }
            ("rev", []) => match self.turned(inner, &item, self.goes_on(receiver), lets, span) {
                Some(inner) => (inner, item),
                None => {
                    self.cx.say(say::no_reverse(name.span));
                    return None;
                }
            },
            ("zip", [other]) => {
                let (other, other_item) = self.iter(other, lets)?;
                (Iter::Zip(Box::new(inner), Box::new(other)), Ty::Tuple(vec![item, other_item]))
            }
            ("chain", [other]) => {
                let (second, second_item) = self.iter(other, lets)?;
                if !self.table.unify(&item, &second_item) {
                    let (expected, found) = (self.show(&item), self.show(&second_item));
                    self.cx.say(say::other_items(&expected, &found, other.span));
                    return None;
                }
                let done = self.state(truth(false, span), lets);
                (Iter::Chain(Box::new(inner), Box::new(second), done, item.clone()), item)
            }
            ("flat_map", [f]) if item == Ty::CHAR && super::chain_more::case_of_char(f).is_some() => {
                return self.cases_of_chars(inner, item, f, lets, span);
            }
            ("flat_map", [f]) => {
                let f = self.lists_of(f, of_item)?;
                let gives = self.table.deep(&f.body.ty);
                match gives {
                    Ty::Option(gives) => (Iter::FilterMap(Box::new(inner), f, false), *gives),
                    Ty::List(gives) => self.flattened(inner, Some(f), *gives, lets, span),
                    Ty::Error | Ty::Never => return None,
                    other => {
                        let shown = self.show(&other);
                        self.cx.say(say::not_an_iterator(&shown, args[0].span));
                        return None;
                    }
                }
            }
            ("flatten", []) => match self.table.deep(&item) {
                Ty::Option(gives) => {
                    let id = self.new_binding(item.clone());
                    let param = HirPat::new(PatKind::Bind(id, None), item.clone(), span);
                    let identity = HirClosure { params: vec![param], body: local(id, &item, span) };
                    (Iter::FilterMap(Box::new(inner), identity, false), *gives)
                }
                Ty::List(gives) => self.flattened(inner, None, *gives, lets, span),
                Ty::Result(gives, _) => {
                    // What is `Ok` is kept.
                    let id = self.new_binding(item.clone());
                    let param = HirPat::new(PatKind::Bind(id, None), item.clone(), span);
                    let body = self.ok_of(local(id, &item, span), span);
                    (Iter::FilterMap(Box::new(inner), HirClosure { params: vec![param], body }, false), *gives)
                }
                Ty::Error => return None,
                other => {
                    let shown = self.show(&other);
                    self.cx.say(say::not_an_iterator(&shown, name.span));
                    return None;
                }
            },
            _ => {
                let arity =
                    usize::from(!matches!(method, "copied" | "cloned" | "enumerate" | "rev" | "flatten" | "peekable"));
                self.wrong_arity(method, arity, args, name.span, span);
                return None;
            }
        })
    }

    fn predicate(&mut self, p: &ast::Expr, of_item: &[Ty], method: &str) -> Option<HirClosure> {
        self.callback(p, of_item, Some(&Ty::BOOL), method)
    }

    /// A closure that gives lists; what is an iterator is collected.
    pub(super) fn lists_of(&mut self, f: &ast::Expr, of_item: &[Ty]) -> Option<HirClosure> {
        if let ExprKind::Closure(closure) = &f.kind
            && self.is_iterator(super::infer::value_of(&closure.body))
        {
            let mut collected = closure.clone();
            collect_tail(&mut collected.body);
            let list = Ty::List(Box::new(self.table.fresh(Kind::Any)));
            return self.closure(&collected, of_item, Some(&list), "`flat_map`");
        }
        self.callback(f, of_item, None, "flat_map")
    }

    pub(super) fn flattened(
        &mut self,
        inner: Iter,
        f: Option<HirClosure>,
        item: Ty,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> (Iter, Ty) {
        let ty = Ty::List(Box::new(item.clone()));
        let list = self.state(list_call(ListFunction::Of, Vec::new(), ty, span), lets);
        let at = self.state(position(0, span), lets);
        (Iter::FlatMap(Box::new(inner), f, list, at, item.clone()), item)
    }

    /// The same items from the last to the first; nothing if that would need all of them first.
    pub(super) fn reversed(&mut self, iter: Iter, lets: &mut Vec<HirStatement>, span: Span) -> Option<Iter> {
        Some(match iter {
            Iter::List { list, item, at, reversed } => {
                let first = if reversed { position(0, span) } else { len(&list, span) };
                lets.push(set(at, first));
                Iter::List { list, item, at, reversed: !reversed }
            }
            Iter::Bytes { bytes, at, reversed } => {
                let first = if reversed { position(0, span) } else { text_len(&bytes, span) };
                lets.push(set(at, first));
                Iter::Bytes { bytes, at, reversed: !reversed }
            }
            Iter::Chars { text, at, reversed, indices } => {
                let first = if reversed { position(0, span) } else { text_len(&text, span) };
                lets.push(set(at, first));
                Iter::Chars { text, at, reversed: !reversed, indices }
            }
            Iter::Range { ty, at, start, end: Some(end), done, reversed } => {
                lets.push(set(at, if reversed { start.clone() } else { end.clone() }));
                Iter::Range { ty, at, start, end: Some(end), done, reversed: !reversed }
            }
            Iter::Map(inner, f) => Iter::Map(Box::new(self.reversed(*inner, lets, span)?), f),
            Iter::Inspect(inner, f) => Iter::Inspect(Box::new(self.reversed(*inner, lets, span)?), f),
            Iter::Filter(inner, f) => Iter::Filter(Box::new(self.reversed(*inner, lets, span)?), f),
            Iter::FilterMap(inner, f, false) => Iter::FilterMap(Box::new(self.reversed(*inner, lets, span)?), f, false),
            Iter::Enumerate(inner, at, reversed) => {
                let count = match &*inner {
                    Iter::List { list, .. } => len(list, span),
                    Iter::Bytes { bytes, .. } => text_len(bytes, span),
                    _ => return None,
                };
                lets.push(set(at, if reversed { position(0, span) } else { count }));
                Iter::Enumerate(Box::new(self.reversed(*inner, lets, span)?), at, !reversed)
            }
            _ => return None,
        })
    }

    /// Statements that give the next item; what it is read by.
    pub(super) fn next(&mut self, iter: &Iter, pass: &Pass, out: &mut Vec<HirStatement>) -> Hir {
        let span = pass.span;
        let ended = |condition: Hir| when(condition, vec![HirStatement::Expr(pass.end.clone())]);
        let skipped = |condition: Hir| when(condition, vec![HirStatement::Expr(pass.skip.clone())]);
        match iter {
            Iter::List { list, item, at, reversed } => {
                let here = || counter(*at, span);
                let read = |at: Hir| list_call(ListFunction::At, vec![list.clone(), at], item.clone(), span);
                if *reversed {
                    out.push(ended(compare(BinaryOp::Eq, here(), position(0, span), span)));
                    out.push(set(*at, minus(here(), position(1, span))));
                    return self.kept(read(here()), out);
                }
                out.push(ended(compare(BinaryOp::Ge, here(), len(list, span), span)));
                let item = self.kept(read(here()), out);
                out.push(set(*at, plus(here(), position(1, span))));
                item
            }
            Iter::Bytes { bytes, at, reversed } => {
                let here = || counter(*at, span);
                let read = |at: Hir| text_call(TextFunction::ByteAt, vec![bytes.clone(), at], span);
                if *reversed {
                    out.push(ended(compare(BinaryOp::Eq, here(), position(0, span), span)));
                    out.push(set(*at, minus(here(), position(1, span))));
                    return self.kept(read(here()), out);
                }
                out.push(ended(compare(BinaryOp::Ge, here(), text_len(bytes, span), span)));
                let item = self.kept(read(here()), out);
                out.push(set(*at, plus(here(), position(1, span))));
                item
            }
            Iter::Range { ty, at, start, end, done, reversed } => {
                let here = || local(*at, ty, span);
                let one = || Hir::new(HirKind::Int(1), ty.clone(), span);
                match (end, done) {
                    (None, _) => {
                        let item = self.kept(here(), out);
                        let sum = HirKind::Binary(BinaryOp::Add, Box::new(here()), Box::new(one()));
                        out.push(set(*at, Hir::new(sum, ty.clone(), span)));
                        item
                    }
                    (Some(end), Some(done)) => {
                        out.push(ended(flag(*done, span)));
                        let item = self.kept(here(), out);
                        let last = if *reversed { start.clone() } else { end.clone() };
                        let is_last = compare(BinaryOp::Eq, here(), last, span);
                        let step = if *reversed { minus(here(), one()) } else { plus(here(), one()) };
                        let over = Box::new(block(vec![set(*done, truth(true, span))], span));
                        let further = Some(Box::new(block(vec![set(*at, step)], span)));
                        let choice = HirKind::If(Box::new(is_last), over, further);
                        out.push(HirStatement::Expr(Hir::new(choice, Ty::unit(), span)));
                        item
                    }
                    (Some(_), None) if *reversed => {
                        out.push(ended(compare(BinaryOp::Le, here(), start.clone(), span)));
                        out.push(set(*at, minus(here(), one())));
                        self.kept(here(), out)
                    }
                    (Some(end), None) => {
                        out.push(ended(compare(BinaryOp::Ge, here(), end.clone(), span)));
                        let item = self.kept(here(), out);
                        out.push(set(*at, plus(here(), one())));
                        item
                    }
                }
            }
            Iter::Chars { text, at, reversed, indices } => {
                let here = || counter(*at, span);
                let width = |c: &Hir| text_call(TextFunction::CharLen, vec![c.clone()], span);
                let (c, index) = if *reversed {
                    out.push(ended(compare(BinaryOp::Eq, here(), position(0, span), span)));
                    let c = self.kept(text_call(TextFunction::CharBefore, vec![text.clone(), here()], span), out);
                    out.push(set(*at, minus(here(), width(&c))));
                    let index = if *indices { Some(self.kept(here(), out)) } else { None };
                    (c, index)
                } else {
                    out.push(ended(compare(BinaryOp::Ge, here(), text_len(text, span), span)));
                    let c = self.kept(text_call(TextFunction::CharAt, vec![text.clone(), here()], span), out);
                    let index = if *indices { Some(self.kept(here(), out)) } else { None };
                    out.push(set(*at, plus(here(), width(&c))));
                    (c, index)
                };
                match index {
                    Some(index) => pair(index, c, span),
                    None => c,
                }
            }
            Iter::Split { .. } => self.next_part(iter, pass, out),
            Iter::Whitespace { text, at } => {
                let skip = vec![text.clone(), counter(*at, span)];
                let start = self.kept(text_call(TextFunction::SkipWhitespace, skip, span), out);
                out.push(ended(compare(BinaryOp::Ge, start.clone(), text_len(text, span), span)));
                let find = vec![text.clone(), start.clone()];
                out.push(set(*at, text_call(TextFunction::FindWhitespace, find, span)));
                let word = vec![text.clone(), start, counter(*at, span)];
                self.kept(text_call(TextFunction::Slice, word, span), out)
            }
            Iter::Windows { list, size, at } => {
                let here = || counter(*at, span);
                let left = minus(len(list, span), here());
                out.push(ended(compare(BinaryOp::Lt, left, size.clone(), span)));
                let part = vec![list.clone(), here(), plus(here(), size.clone())];
                let item = self.kept(list_call(ListFunction::Slice, part, list.ty.clone(), span), out);
                out.push(set(*at, plus(here(), position(1, span))));
                item
            }
            Iter::Chunks { list, size, at } => {
                let here = || counter(*at, span);
                out.push(ended(compare(BinaryOp::Ge, here(), len(list, span), span)));
                let far = wrapping(Function::SaturatingAdd, here(), size.clone());
                let to = self.kept(wrapping(Function::Min, far, len(list, span)), out);
                let part = vec![list.clone(), here(), to.clone()];
                let item = self.kept(list_call(ListFunction::Slice, part, list.ty.clone(), span), out);
                out.push(set(*at, to));
                item
            }
            Iter::Map(inner, f) => {
                let item = self.next(inner, pass, out);
                self.kept(bind_params(f.clone(), vec![item], span), out)
            }
            Iter::Inspect(inner, f) => {
                let item = self.next(inner, pass, out);
                out.push(HirStatement::Expr(bind_params(f.clone(), vec![item.clone()], span)));
                item
            }
            Iter::Filter(inner, p) => {
                let item = self.next(inner, pass, out);
                out.push(skipped(not(bind_params(p.clone(), vec![item.clone()], span))));
                item
            }
            Iter::FilterMap(inner, f, ends) => {
                let item = self.next(inner, pass, out);
                let option = bind_params(f.clone(), vec![item], span);
                let held = match self.table.resolve(&option.ty) {
                    Ty::Option(held) => *held,
                    _ => Ty::Error,
                };
                let id = self.new_binding(held.clone());
                let bound = HirPat::new(PatKind::Bind(id, None), held.clone(), span);
                let pattern = HirPat::new(PatKind::Some(Box::new(bound)), option.ty.clone(), span);
                let leave = if *ends { pass.end.clone() } else { pass.skip.clone() };
                out.push(HirStatement::LetElse(pattern, option, leave));
                local(id, &held, span)
            }
            Iter::TakeWhile(inner, p, done) => {
                out.push(ended(flag(*done, span)));
                let item = self.next(inner, pass, out);
                let over = vec![set(*done, truth(true, span)), HirStatement::Expr(pass.end.clone())];
                out.push(when(not(bind_params(p.clone(), vec![item.clone()], span)), over));
                item
            }
            Iter::Peekable(inner, has, held, ty) => self.next_peekable((inner, *has, *held, ty), pass, out),
            Iter::Successors(f, held, ty) => {
                let option = ty.clone().option();
                let id = self.new_binding(ty.clone());
                let bound = HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
                let pattern = HirPat::new(PatKind::Some(Box::new(bound)), option.clone(), span);
                out.push(HirStatement::LetElse(pattern, local(*held, &option, span), pass.end.clone()));
                out.push(set(*held, bind_params(f.clone(), vec![local(id, ty, span)], span)));
                local(id, ty, span)
            }
            Iter::Repeat(item) => item.clone(),
            Iter::SkipWhile(inner, p, started) => {
                let item = self.next(inner, pass, out);
                let holds = bind_params(p.clone(), vec![item.clone()], span);
                let first = vec![skipped(holds), set(*started, truth(true, span))];
                out.push(when(not(flag(*started, span)), first));
                item
            }
            Iter::Take(inner, left) => {
                let here = || counter(*left, span);
                out.push(ended(compare(BinaryOp::Eq, here(), position(0, span), span)));
                let item = self.next(inner, pass, out);
                out.push(set(*left, minus(here(), position(1, span))));
                item
            }
            Iter::Skip(inner, left) => {
                let here = || counter(*left, span);
                let item = self.next(inner, pass, out);
                let one = set(*left, minus(here(), position(1, span)));
                let waiting = compare(BinaryOp::Gt, here(), position(0, span), span);
                out.push(when(waiting, vec![one, HirStatement::Expr(pass.skip.clone())]));
                item
            }
            Iter::StepBy(inner, step, left) => {
                let here = || counter(*left, span);
                let item = self.next(inner, pass, out);
                let one = set(*left, minus(here(), position(1, span)));
                let waiting = compare(BinaryOp::Gt, here(), position(0, span), span);
                out.push(when(waiting, vec![one, HirStatement::Expr(pass.skip.clone())]));
                out.push(set(*left, minus(step.clone(), position(1, span))));
                item
            }
            Iter::Enumerate(inner, at, reversed) => {
                let here = || counter(*at, span);
                let item = self.next(inner, pass, out);
                if *reversed {
                    out.push(set(*at, minus(here(), position(1, span))));
                    let index = self.kept(here(), out);
                    return pair(index, item, span);
                }
                let index = self.kept(here(), out);
                out.push(set(*at, plus(here(), position(1, span))));
                pair(index, item, span)
            }
            Iter::Zip(a, b) => {
                let first = self.next(a, pass, out);
                let second = if b.skips() { self.next_inside(b, pass, out) } else { self.next(b, pass, out) };
                pair(first, second, span)
            }
            Iter::Chain(a, b, done, ty) => {
                let item = self.new_binding(ty.clone());
                let got = self.new_binding(Ty::BOOL);
                out.push(bind(item, Hir::new(HirKind::Later, ty.clone(), Span::NONE)));
                out.push(bind(got, truth(false, span)));
                let label = self.loop_id();
                let leave = || Hir::new(HirKind::Break(label, None), Ty::Never, span);
                let mut first = vec![when(flag(*done, span), vec![HirStatement::Expr(leave())])];
                let over = vec![set(*done, truth(true, span)), HirStatement::Expr(leave())];
                let over = Hir::new(HirKind::Block(over, None), Ty::Never, span);
                let of_first = Pass { end: over, skip: pass.skip.clone(), span };
                let found = self.next(a, &of_first, &mut first);
                first.extend([set(item, found), set(got, truth(true, span))]);
                let labeled = HirKind::Labeled(label, Box::new(block(first, span)));
                out.push(HirStatement::Expr(Hir::new(labeled, Ty::unit(), span)));
                let mut second = Vec::new();
                let found = self.next(b, pass, &mut second);
                second.push(set(item, found));
                out.push(when(not(flag(got, span)), second));
                local(item, ty, span)
            }
            Iter::FlatMap(inner, f, list, at, item) => {
                let ty = Ty::List(Box::new(item.clone()));
                let here = || counter(*at, span);
                let id = self.loop_id();
                let go = |kind| Hir::new(kind, Ty::Never, span);
                let has = compare(BinaryOp::Lt, here(), len(&local(*list, &ty, span), span), span);
                let mut more = vec![when(has, vec![HirStatement::Expr(go(HirKind::Break(id, None)))])];
                let of_inner = Pass { end: pass.end.clone(), skip: go(HirKind::Continue(id)), span };
                let found = self.next(inner, &of_inner, &mut more);
                let found = match f {
                    Some(f) => bind_params(f.clone(), vec![found], span),
                    None => found,
                };
                more.extend([set(*list, found), set(*at, position(0, span))]);
                let body = Box::new(block(more, span));
                out.push(HirStatement::Expr(Hir::new(HirKind::Loop(id, body), Ty::unit(), span)));
                let read = vec![local(*list, &ty, span), here()];
                let found = self.kept(list_call(ListFunction::At, read, item.clone(), span), out);
                out.push(set(*at, plus(here(), position(1, span))));
                found
            }
        }
    }

    /// The next item of what may leave some out, where the item beside it must not be lost.
    fn next_inside(&mut self, iter: &Iter, pass: &Pass, out: &mut Vec<HirStatement>) -> Hir {
        let span = pass.span;
        let id = self.loop_id();
        let mut inner = Vec::new();
        let of_inner = Pass { skip: Hir::new(HirKind::Continue(id), Ty::Never, span), ..pass.clone() };
        let found = self.next(iter, &of_inner, &mut inner);
        let item = self.new_binding(found.ty.clone());
        let ty = found.ty.clone();
        inner.push(set(item, found));
        inner.push(HirStatement::Expr(Hir::new(HirKind::Break(id, None), Ty::Never, span)));
        out.push(bind(item, Hir::new(HirKind::Later, ty.clone(), Span::NONE)));
        let body = Box::new(block(inner, span));
        out.push(HirStatement::Expr(Hir::new(HirKind::Loop(id, body), Ty::unit(), span)));
        local(item, &ty, span)
    }

    /// The next part of a text. Where nothing is looked for, there is a match before every character and at the end.
    fn next_part(&mut self, iter: &Iter, pass: &Pass, out: &mut Vec<HirStatement>) -> Hir {
        let span = pass.span;
        let Iter::Split { text, pattern, start, from, done, form } = iter else { return Hir::error(span) };
        let ended = |condition: Hir| when(condition, vec![HirStatement::Expr(pass.end.clone())]);
        let here = || counter(*start, span);
        out.push(ended(flag(*done, span)));
        if *form != Form::Split {
            out.push(ended(compare(BinaryOp::Ge, here(), text_len(text, span), span)));
        }
        let find = vec![text.clone(), pattern.clone(), counter(*from, span)];
        let found = self.kept(text_call(TextFunction::FindFrom, find, span), out);
        let at = self.new_binding(Ty::Usize);
        let bound = HirPat::new(PatKind::Bind(at, None), Ty::Usize, span);
        let pattern_some = HirPat::new(PatKind::Some(Box::new(bound)), found.ty.clone(), span);
        let wild = HirPat::new(PatKind::Wild, found.ty.clone(), span);
        let part = self.new_binding(Ty::STRING);
        out.push(bind(part, Hir::new(HirKind::Later, Ty::STRING, Span::NONE)));
        let slice = |to: Hir| text_call(TextFunction::Slice, vec![text.clone(), here(), to], span);
        let there = || counter(at, span);
        let line = local(part, &Ty::STRING, span);
        let mut hit = vec![set(part, slice(there()))];
        if *form == Form::Lines {
            let stripped = text_call(TextFunction::StripSuffix, vec![line.clone(), string("\r", span)], span);
            let args = vec![stripped, line.clone()];
            hit.push(set(part, Hir::new(HirKind::Call(Function::UnwrapOr, args), Ty::STRING, span)));
        }
        hit.push(set(*start, plus(there(), text_len(pattern, span))));
        let c = text_call(TextFunction::CharAt, vec![text.clone(), there()], span);
        let behind = plus(there(), text_call(TextFunction::CharLen, vec![c], span));
        let is_inside = compare(BinaryOp::Lt, there(), text_len(text, span), span);
        let beyond = plus(text_len(text, span), position(1, span));
        let is_empty = compare(BinaryOp::Eq, text_len(pattern, span), position(0, span), span);
        hit.push(set(*from, if_else(is_empty, if_else(is_inside, behind, beyond), here())));
        let miss = vec![set(part, slice(text_len(text, span))), set(*done, truth(true, span))];
        let arms = vec![
            HirArm { pattern: pattern_some, guard: None, body: block(hit, span) },
            HirArm { pattern: wild, guard: None, body: block(miss, span) },
        ];
        out.push(HirStatement::Expr(Hir::new(HirKind::Match(Box::new(found), arms), Ty::unit(), span)));
        self.kept(line, out)
    }

    /// A value that is read where it is now.
    pub(super) fn kept(&mut self, value: Hir, out: &mut Vec<HirStatement>) -> Hir {
        let (ty, span) = (value.ty.clone(), value.span);
        let id = self.new_binding(ty.clone());
        out.push(bind(id, value));
        local(id, &ty, span)
    }
}

/// Whether what a closure gives depends on what is wanted of it.
fn asks_for_its_type(f: &ast::Expr) -> bool {
    let ExprKind::Closure(closure) = &f.kind else { return false };
    match &super::infer::value_of(&closure.body).kind {
        ExprKind::Method(_, name, types, _) => {
            types.is_empty() && matches!(name.text.as_str(), "collect" | "into" | "sum" | "product")
        }
        _ => false,
    }
}

fn pair(a: Hir, b: Hir, span: Span) -> Hir {
    let ty = Ty::Tuple(vec![a.ty.clone(), b.ty.clone()]);
    Hir::new(HirKind::Tuple(vec![a, b]), ty, span)
}

/// `{ ..; chain }` becomes `{ ..; chain.collect() }`.
fn collect_tail(expr: &mut ast::Expr) {
    if let ExprKind::Block(_, Some(tail)) = &mut expr.kind {
        return collect_tail(tail);
    }
    let span = expr.span;
    let chain = std::mem::replace(expr, ast::Expr { kind: ExprKind::Error, span });
    let name = Name { text: "collect".to_owned(), span };
    expr.kind = ExprKind::Method(Box::new(chain), name, Vec::new(), Vec::new());
}

/// `Some(value)` or `None`.
pub(super) fn option_if(has: Hir, value: Hir, span: Span) -> Hir {
    let none = super::list::none(&value.ty, span);
    if_else(has, some(value), none)
}
