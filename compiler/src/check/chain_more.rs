//! More of chains: makers (`successors`, `repeat`, `once`), `scan`, `rev` of what has to be gathered first, `drain`, and ends that
//! stop at the first `None` or `Err`.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::assign::Declared;
use super::chain::{Iter, Pass, block, local, set, truth};
use super::chain_end::push;
use super::hir::{BindingId, Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::list::{call as list_call, len};
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, ExprKind, Name, PatternKind};
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;

/// Functions of `std::iter` that give an iterator.
const MAKERS: [&str; 5] = ["successors", "repeat", "repeat_n", "once", "empty"];

/// Whether a path is one of them.
pub(super) fn is_maker(path: &[Name]) -> bool {
    match path {
        [.., module, name] => module.text == "iter" && MAKERS.contains(&name.text.as_str()),
        _ => false,
    }
}

/// `char::to_uppercase`, `|c| c.to_uppercase()`, which give characters: the method's name.
pub(super) fn case_of_char(f: &ast::Expr) -> Option<&str> {
    match &f.kind {
        ExprKind::Path(path) => match path.as_slice() {
            [owner, name] if owner == "char" && is_case_name(name) => Some(name),
            _ => None,
        },
        ExprKind::Closure(closure) => {
            let [(pattern, _)] = closure.params.as_slice() else { return None };
            let param = pattern.as_name()?.text;
            let ExprKind::Method(receiver, name, _, args) = &closure.body.kind else { return None };
            let reads = matches!(&receiver.kind, ExprKind::Name(name) if *name == param);
            (reads && args.is_empty() && is_case_name(&name.text)).then_some(&name.text)
        }
        _ => None,
    }
}

fn is_case_name(name: &str) -> bool {
    matches!(name, "to_uppercase" | "to_lowercase")
}

fn method(of: ast::Expr, text: &str, args: Vec<ast::Expr>) -> ast::Expr {
    let span = of.span;
    let name = Name { text: text.to_owned(), span };
    ast::Expr { kind: ExprKind::Method(Box::new(of), name, Vec::new(), args), span }
}

impl Iter {
    /// Whether nothing of the author's runs when an item is asked for, and the items end.
    fn is_plain(&self) -> bool {
        match self {
            Self::List { .. }
            | Self::Chars { .. }
            | Self::Bytes { .. }
            | Self::Split { .. }
            | Self::Whitespace { .. }
            | Self::Windows { .. }
            | Self::Chunks { .. } => true,
            Self::Range { end, .. } => end.is_some(),
            Self::Take(inner, _) | Self::Skip(inner, _) | Self::StepBy(inner, ..) | Self::Enumerate(inner, ..) => {
                inner.is_plain()
            }
            Self::Zip(a, b) | Self::Chain(a, b, ..) => a.is_plain() && b.is_plain(),
            Self::Map(..)
            | Self::Inspect(..)
            | Self::Filter(..)
            | Self::FilterMap(..)
            | Self::TakeWhile(..)
            | Self::SkipWhile(..)
            | Self::FlatMap(..)
            | Self::Peekable(..)
            | Self::Successors(..)
            | Self::Repeat(_) => false,
        }
    }
}

impl Body<'_, '_> {
    /// `iter::successors(first, f)` and its like.
    pub(super) fn made(
        &mut self,
        path: &[Name],
        args: &[ast::Expr],
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<(Iter, Ty)> {
        let name = path.last()?;
        Some(match (name.text.as_str(), args) {
            ("successors", [first, f]) => {
                let item = self.table.fresh(Kind::Any);
                let option = item.clone().option();
                let why = Why::Argument { function: "successors", index: 0 };
                let first = self.expect(first, &option, why);
                let held = self.state(first, lets);
                let f = self.callback(f, std::slice::from_ref(&item), Some(&option), "successors")?;
                (Iter::Successors(f, held, item.clone()), item)
            }
            ("repeat", [item]) => {
                let item = self.expr(item, None);
                let ty = item.ty.clone();
                let item = self.named(item, &ty, lets);
                (Iter::Repeat(item), ty)
            }
            ("repeat_n", [item, n]) => {
                let item = self.expr(item, None);
                let ty = item.ty.clone();
                let item = self.named(item, &ty, lets);
                let n = self.expect(n, &Ty::Usize, Why::Index);
                let left = self.state(n, lets);
                (Iter::Take(Box::new(Iter::Repeat(item)), left), ty)
            }
            ("once", [item]) => {
                let item = self.expr(item, None);
                let list = Ty::List(Box::new(item.ty.clone()));
                let list = list_call(ListFunction::Of, vec![item], list, span);
                return self.iter_of(list, span, lets);
            }
            ("empty", []) => {
                let list = Ty::List(Box::new(self.table.fresh(Kind::Any)));
                return self.iter_of(list_call(ListFunction::Of, Vec::new(), list, span), span, lets);
            }
            (maker, _) => {
                let arity = match maker {
                    "successors" | "repeat_n" => 2,
                    "empty" => 0,
                    _ => 1,
                };
                self.wrong_arity(maker, arity, args, name.span, span);
                return None;
            }
        })
    }

    /// `scan(first, |state, item| ..)`: the state is a variable of the closure's.
    pub(super) fn scan(
        &mut self,
        inner: Iter,
        item: &Ty,
        first: &ast::Expr,
        f: &ast::Expr,
        lets: &mut Vec<HirStatement>,
    ) -> Option<(Iter, Ty)> {
        let first = self.expr(first, None);
        let ExprKind::Closure(closure) = &f.kind else {
            self.cx.say(crate::diagnostics::unsupported::not_a_closure("scan", f.span));
            return None;
        };
        let [(ast::Pattern { kind: PatternKind::Bind(name, _, None), span }, _), of_item] = closure.params.as_slice()
        else {
            self.cx.say(crate::diagnostics::unsupported::not_a_closure("scan", f.span));
            return None;
        };
        let ty = first.ty.clone();
        let mark = self.enter();
        let id = self.bind_as(name, ty, Declared { span: *span, mutable: true });
        lets.push(super::chain::bind(id, first));
        let each = ast::Closure { params: vec![of_item.clone()], ..closure.clone() };
        let gives = self.table.fresh(Kind::Any);
        let each = self.closure(&each, std::slice::from_ref(item), Some(&gives.clone().option()), "`scan`");
        self.leave(mark);
        Some((Iter::FilterMap(Box::new(inner), each?, true), gives))
    }

    /// The same items from the last to the first; those of what can be read in one direction only, and what
    /// is left of an iterator in a variable (`goes_on`), are gathered first, as long as nobody can tell.
    pub(super) fn turned(
        &mut self,
        inner: Iter,
        item: &Ty,
        goes_on: bool,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<Iter> {
        let mut trial = Vec::new();
        if let (Some(iter), false) = (self.reversed(inner.clone(), &mut trial, span), goes_on) {
            lets.extend(trial);
            return Some(iter);
        }
        match inner {
            Iter::Map(inner, f) => {
                // The closure says nothing of the items below it: they are what its parameter takes.
                let below = f.params.first()?.ty.clone();
                Some(Iter::Map(Box::new(self.turned(*inner, &below, goes_on, lets, span)?), f))
            }
            Iter::Filter(inner, p) => Some(Iter::Filter(Box::new(self.turned(*inner, item, goes_on, lets, span)?), p)),
            plain if plain.is_plain() => {
                let (list, ty) = self.gathered(&plain, item, lets, span);
                let at = self.state(len(&local(list, &ty, span), span), lets);
                Some(Iter::List { list: local(list, &ty, span), item: item.clone(), at, reversed: true })
            }
            _ => None,
        }
    }

    /// The same items again and again; nothing where somebody could tell that they are gathered first.
    pub(super) fn cycled(
        &mut self,
        inner: Iter,
        item: &Ty,
        goes_on: bool,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<Iter> {
        if !inner.is_plain() || goes_on {
            return None;
        }
        let (list, ty) = self.gathered(&inner, item, lets, span);
        let start = super::list::position(0, span);
        let at = self.state(start.clone(), lets);
        let id = self.new_binding(Ty::Usize);
        let param = HirPat::new(PatKind::Bind(id, None), Ty::Usize, span);
        let values = vec![("x", local(list, &ty, span), ty.clone()), ("i", local(id, &Ty::Usize, span), Ty::Usize)];
        let body = self.written(values, &[], "{ if x.is_empty() { None } else { Some(x[i % x.len()]) } }", span);
        let closure = super::hir::HirClosure { params: vec![param], body };
        let counted = Iter::Range { ty: Ty::Usize, at, start, end: None, done: None, reversed: false };
        Some(Iter::FilterMap(Box::new(counted), closure, true))
    }

    /// All items in a list.
    fn gathered(&mut self, iter: &Iter, item: &Ty, lets: &mut Vec<HirStatement>, span: Span) -> (BindingId, Ty) {
        let ty = Ty::List(Box::new(item.clone()));
        let list = self.state(list_call(ListFunction::Of, Vec::new(), ty.clone(), span), lets);
        let id = self.loop_id();
        let go = |kind| Hir::new(kind, Ty::Never, span);
        let pass = Pass { end: go(HirKind::Break(id, None)), skip: go(HirKind::Continue(id)), span };
        let mut body = Vec::new();
        let found = self.next(iter, &pass, &mut body);
        body.push(push(list, item, found, span));
        let looped = HirKind::Loop(id, Box::new(block(body, span)));
        lets.push(HirStatement::Expr(Hir::new(looped, Ty::unit(), span)));
        (list, ty)
    }

    /// `list.drain(a..b)`: the items are gone whether they are asked for or not.
    pub(super) fn drained(
        &mut self,
        receiver: &ast::Expr,
        range: &ast::Expr,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<(Iter, Ty)> {
        let (ExprKind::Name(variable), ExprKind::Range(from, to, closed)) = (&receiver.kind, &range.kind) else {
            self.cx.say(crate::diagnostics::lists::change_inside(receiver.span));
            return None;
        };
        self.place(receiver)?;
        let (_, ty) = self.bound_since(0, variable)?;
        let read = |id, ty: &Ty| local(id, ty, span);
        let (id, _) = self.bound_since(0, variable)?;
        let whole = self.named(read(id, &ty), &ty, lets);
        let from = match from {
            Some(from) => self.expect(from, &Ty::Usize, Why::Index),
            None => super::list::position(0, span),
        };
        let from = self.named(from, &Ty::Usize, lets);
        let to = match to {
            Some(to) => self.expect(to, &Ty::Usize, Why::Index),
            None => len(&whole, span),
        };
        let to = self.named(to, &Ty::Usize, lets);
        let values =
            || vec![("x", whole.clone(), ty.clone()), ("n", from.clone(), Ty::Usize), ("m", to.clone(), Ty::Usize)];
        let end = if *closed { "m + 1" } else { "m" };
        let taken = self.written(values(), &[], &format!("{{ x[n..{end}].to_vec() }}"), span);
        let taken = self.named(taken, &ty, lets);
        let code = format!("{{ let mut left = x[..n].to_vec(); left.extend(x[{end}..].to_vec()); left }}");
        let left = self.written(values(), &[], &code, span);
        lets.push(set(id, left));
        self.iter_of(taken, span, lets)
    }

    /// `c.to_uppercase()` of a character, which gives characters.
    pub(super) fn is_case(&self, receiver: &ast::Expr, name: &Name, args: &[ast::Expr]) -> bool {
        args.is_empty() && is_case_name(&name.text) && self.is_char(receiver)
    }

    /// Whether the form, or the variable, says that it is a character.
    fn is_char(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ExprKind::Literal(ast::Literal::Char(_)) => true,
            ExprKind::Name(name) => {
                self.bound_since(0, name).is_some_and(|(_, ty)| self.table.resolve(&ty) == Ty::CHAR)
            }
            ExprKind::Unary(ast::UnaryOp::Deref, inner) | ExprKind::Reference(inner) => self.is_char(inner),
            _ => false,
        }
    }

    /// The text of `c.to_uppercase()`.
    pub(super) fn case_text(receiver: &ast::Expr, name: &Name) -> ast::Expr {
        method(method(receiver.clone(), "to_string", Vec::new()), &name.text, Vec::new())
    }

    /// `flat_map(char::to_uppercase)`.
    pub(super) fn cases_of_chars(
        &mut self,
        inner: Iter,
        item: Ty,
        f: &ast::Expr,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<(Iter, Ty)> {
        let case = case_of_char(f)?.to_owned();
        let name = "a character".to_owned();
        let read = ast::Expr { kind: ExprKind::Name(name.clone()), span: f.span };
        let text = method(method(read, "to_string", Vec::new()), &case, Vec::new());
        let body = Box::new(method(text, "chars", Vec::new()));
        let pattern = ast::Pattern { kind: PatternKind::Bind(name, false, None), span: f.span };
        let closure = ast::Closure { params: vec![(pattern, None)], body, returns: None, moves: false, span: f.span };
        let closure = ast::Expr { kind: ExprKind::Closure(closure), span: f.span };
        let list = self.lists_of(&closure, std::slice::from_ref(&item))?;
        Some(self.flattened(inner, Some(list), Ty::CHAR, lets, span))
    }

    /// Where an item is `None` or `Err`, all is: the statements that take what it holds, and whether all did.
    pub(super) fn held_or_leave(
        &mut self,
        item: Hir,
        all: BindingId,
        leave: HirStatement,
        body: &mut Vec<HirStatement>,
    ) -> Option<Hir> {
        let span = item.span;
        let (inner, option) = match self.table.deep(&item.ty) {
            Ty::Option(inner) => (*inner, item),
            // A `Result` is an `Option` whose `None` is called `Err`.
            Ty::Result(inner, _) => ((*inner).clone(), self.ok_of(item, span)),
            _ => return None,
        };
        let id = self.new_binding(inner.clone());
        let bound = HirPat::new(PatKind::Bind(id, None), inner.clone(), span);
        let pattern = HirPat::new(PatKind::Some(Box::new(bound)), option.ty.clone(), span);
        let over = vec![set(all, truth(false, span)), leave];
        let over = Hir::new(HirKind::Block(over, None), Ty::Never, span);
        body.push(HirStatement::LetElse(pattern, option, over));
        Some(local(id, &inner, span))
    }
}
