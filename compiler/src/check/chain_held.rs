//! Iterators in variables: `let mut words = text.split(' ');`, then `words.next()` wherever it is wanted.
//!
//! There are no iterators at run time: such a variable is what a chain is made of, its positions and counters are variables,
//! and each use is code that goes on from where they stand.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::chain::{ADAPTORS, Iter, Pass, SOURCES, arity, bind, block, flag, local, not, set, truth, when};
use super::hir::{BindingId, Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::list::{none, some};
use super::option::bind_params;
use super::text::call;
use super::types::Ty;
use sabot_ir::ast::{self, ExprKind, Name, Pattern, PatternKind};
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

impl Iter {
    /// The variables that say how far it has come.
    fn states(&mut self) -> Vec<&mut BindingId> {
        match self {
            Self::List { at, .. }
            | Self::Chars { at, .. }
            | Self::Bytes { at, .. }
            | Self::Whitespace { at, .. }
            | Self::Windows { at, .. }
            | Self::Chunks { at, .. } => vec![at],
            Self::Range { at, done, .. } => [at].into_iter().chain(done).collect(),
            Self::Split { start, from, done, .. } => vec![start, from, done],
            Self::Map(inner, _) | Self::Inspect(inner, _) | Self::Filter(inner, _) | Self::FilterMap(inner, ..) => {
                inner.states()
            }
            Self::TakeWhile(inner, _, at)
            | Self::SkipWhile(inner, _, at)
            | Self::Take(inner, at)
            | Self::Skip(inner, at)
            | Self::StepBy(inner, _, at)
            | Self::Enumerate(inner, at, _) => inner.states().into_iter().chain([at]).collect(),
            Self::Zip(a, b) => a.states().into_iter().chain(b.states()).collect(),
            Self::Chain(a, b, done, _) => a.states().into_iter().chain(b.states()).chain([done]).collect(),
            Self::FlatMap(inner, _, list, at, _) => inner.states().into_iter().chain([list, at]).collect(),
            Self::Peekable(inner, has, held, _) => inner.states().into_iter().chain([has, held]).collect(),
            Self::Successors(_, held, _) => vec![held],
            Self::Repeat(_) => Vec::new(),
        }
    }
}

/// Whether a closure in a chain takes what it reads along: it would have to keep it as it was.
fn moves(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Method(receiver, _, _, args) => moves(receiver) || args.iter().any(moves),
        ExprKind::Closure(closure) => closure.moves,
        _ => false,
    }
}

impl Body<'_, '_> {
    /// Whether an expression is an iterator, as far as its form tells.
    pub(super) fn is_iterator(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ExprKind::Method(receiver, method, _, args) => {
                let name = method.text.as_str();
                (ADAPTORS.contains(&name) && self.is_iterator(receiver))
                    || self.gives_matches(receiver, method)
                    || (SOURCES.contains(&name) && args.len() == arity(name))
                    || self.is_case(receiver, method, args)
                    || (name == "clone" && args.is_empty() && self.is_held(receiver))
            }
            ExprKind::Range(Some(_), ..) => true,
            ExprKind::Reference(inner) => {
                matches!(inner.kind, ExprKind::Method(..) | ExprKind::Name(_)) && self.is_iterator(inner)
            }
            ExprKind::Name(_) => self.is_held(expr),
            ExprKind::Call(path, _) => super::chain_more::is_maker(path),
            _ => false,
        }
    }

    /// Whether a chain goes on where an iterator in a variable stands.
    pub(super) fn goes_on(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ExprKind::Method(receiver, ..) => self.goes_on(receiver),
            ExprKind::Reference(inner) => self.goes_on(inner),
            _ => self.is_held(expr),
        }
    }

    /// Whether it is a variable that holds an iterator.
    pub(super) fn is_held(&self, expr: &ast::Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if self.held_iterator(name).is_some())
    }

    /// The iterator in a variable, and the type of its items.
    pub(super) fn held_iterator(&self, name: &str) -> Option<(Iter, Ty)> {
        let (id, _) = self.bound_since(0, name)?;
        self.iterators.get(&id).cloned()
    }

    /// Whether a variable gets an iterator.
    pub(super) fn holds_iterator(&self, pattern: &Pattern, value: &ast::Expr) -> bool {
        matches!(pattern.kind, PatternKind::Bind(_, _, None))
            && !matches!(value.kind, ExprKind::Range(..))
            && self.is_iterator(value)
            && !moves(value)
    }

    /// `let mut it = text.chars();`
    pub(super) fn let_iterator(&mut self, pattern: &Pattern, value: &ast::Expr) -> Vec<HirStatement> {
        let PatternKind::Bind(name, mutable, None) = &pattern.kind else { return Vec::new() };
        let mut lets = Vec::new();
        let held = self.iter(value, &mut lets);
        let declared = super::assign::Declared { span: pattern.span, mutable: *mutable };
        let id = self.bind_as(name, Ty::Error, declared);
        if let Some(held) = held {
            self.iterators.insert(id, held);
        }
        lets
    }

    /// A method of an iterator in a variable that no other iterator has; nothing if there is none of this name.
    pub(super) fn held_method(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let ExprKind::Name(variable) = &receiver.kind else { return None };
        let (iter, item) = self.held_iterator(variable)?;
        match (&iter, name.text.as_str(), args) {
            (Iter::Chars { text, at, reversed: false, .. }, "as_str", []) => {
                let end = Hir::new(HirKind::Call(Function::Len, vec![text.clone()]), Ty::Usize, span);
                let from = local(*at, &Ty::Usize, span);
                Some(call(TextFunction::Slice, vec![text.clone(), from, end], span))
            }
            (Iter::Peekable(inner, has, held, _), "peek", []) => Some(self.peek(inner, *has, *held, &item, span)),
            (Iter::Peekable(inner, has, held, _), "next_if" | "next_if_eq", [arg]) => {
                let peeked = self.peek(inner, *has, *held, &item, span);
                let option = item.clone().option();
                let mut lets = Vec::new();
                let peeked = self.kept(peeked, &mut lets);
                let id = self.new_binding(item.clone());
                let read = local(id, &item, span);
                let holds = if name.text == "next_if" {
                    let f = self.callback(arg, std::slice::from_ref(&item), Some(&Ty::BOOL), "next_if")?;
                    bind_params(f, vec![read], span)
                } else {
                    let why = crate::diagnostics::types::Why::Argument { function: "next_if_eq", index: 0 };
                    let other = self.expect(arg, &item, why);
                    super::list::compare(ast::BinaryOp::Eq, read, other, span)
                };
                // Taken where it holds: nothing is looked at any more.
                let taken = self.state(none(&item, span), &mut lets);
                let bound = HirPat::new(PatKind::Bind(id, None), item.clone(), span);
                let pattern = HirPat::new(PatKind::Some(Box::new(bound)), option.clone(), span);
                let takes = vec![set(*has, truth(false, span)), set(taken, some(local(id, &item, span)))];
                let body = block(vec![when(holds, takes)], span);
                let wild = HirPat::new(PatKind::Wild, option.clone(), span);
                let arms = vec![
                    super::hir::HirArm { pattern, guard: None, body },
                    super::hir::HirArm { pattern: wild, guard: None, body: block(Vec::new(), span) },
                ];
                let asked = HirKind::Match(Box::new(peeked), arms);
                lets.push(HirStatement::Expr(Hir::new(asked, Ty::unit(), span)));
                let value = local(taken, &option, span);
                Some(Hir::new(HirKind::Block(lets, Some(Box::new(value))), option, span))
            }
            _ => None,
        }
    }

    /// The next item, which stays the next one.
    fn peek(&mut self, inner: &Iter, has: BindingId, held: BindingId, item: &Ty, span: Span) -> Hir {
        let option = item.clone().option();
        let id = self.loop_id();
        let go = |kind| Hir::new(kind, Ty::Never, span);
        let pass = Pass { end: go(HirKind::Break(id, None)), skip: go(HirKind::Continue(id)), span };
        let mut look = Vec::new();
        let found = self.next(inner, &pass, &mut look);
        look.push(set(held, some(found)));
        look.push(HirStatement::Expr(go(HirKind::Break(id, None))));
        let looped = Hir::new(HirKind::Loop(id, Box::new(block(look, span))), Ty::unit(), span);
        let first = vec![set(has, truth(true, span)), set(held, none(item, span)), HirStatement::Expr(looped)];
        let statements = vec![when(not(flag(has, span)), first)];
        Hir::new(HirKind::Block(statements, Some(Box::new(local(held, &option, span)))), option, span)
    }

    /// `peekable()`.
    pub(super) fn peekable(&mut self, inner: Iter, item: Ty, lets: &mut Vec<HirStatement>, span: Span) -> (Iter, Ty) {
        let has = self.state(truth(false, span), lets);
        let held = self.state(none(&item, span), lets);
        (Iter::Peekable(Box::new(inner), has, held, item.clone()), item)
    }

    /// The item that was looked at, or else the next one.
    pub(super) fn next_peekable(
        &mut self,
        (inner, has, held, ty): (&Iter, BindingId, BindingId, &Ty),
        pass: &Pass,
        out: &mut Vec<HirStatement>,
    ) -> Hir {
        let span = pass.span;
        let option = ty.clone().option();
        let item = self.new_binding(ty.clone());
        out.push(bind(item, Hir::new(HirKind::Later, ty.clone(), Span::NONE)));
        let id = self.new_binding(ty.clone());
        let bound = HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
        let pattern = HirPat::new(PatKind::Some(Box::new(bound)), option.clone(), span);
        let seen = vec![
            set(has, truth(false, span)),
            HirStatement::LetElse(pattern, local(held, &option, span), pass.end.clone()),
            set(item, local(id, ty, span)),
        ];
        let mut fresh = Vec::new();
        let found = self.next(inner, pass, &mut fresh);
        fresh.push(set(item, found));
        out.push(super::chain_end::either(flag(has, span), seen, fresh, span));
        local(item, ty, span)
    }

    /// An iterator that goes on from the same place by itself.
    pub(super) fn copied(&mut self, mut iter: Iter, lets: &mut Vec<HirStatement>, span: Span) -> Iter {
        for state in iter.states() {
            let ty = self.type_of(*state);
            *state = self.state(local(*state, &ty, span), lets);
        }
        iter
    }
}
