//! `[a, .., b]` as a pattern: its length and its items are asked one by one.
//!
//! A `match` of slices becomes `if let .. else if let ..`; that there is an arm for every length is seen before.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, slices are of interest here")]

use super::hir::{Hir, HirStatement};
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::types as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{
    Arm, BinaryOp, Condition, Expr, ExprKind, Literal, Name, Pattern, PatternKind, Statement, UnaryOp,
};
use sabot_ir::span::Span;

fn at(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

fn name(text: &str, span: Span) -> Expr {
    at(ExprKind::Name(text.to_owned()), span)
}

/// The pattern behind `&`.
fn behind(pattern: &Pattern) -> &Pattern {
    if let PatternKind::Reference(inner) = &pattern.kind { behind(inner) } else { pattern }
}

fn is_rest(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Rest => true,
        PatternKind::Bind(_, _, Some(inner)) => inner.kind == PatternKind::Rest,
        _ => false,
    }
}

/// Whether it is a slice, or several with `|` between them.
pub(super) fn is_slice(pattern: &Pattern) -> bool {
    match &behind(pattern).kind {
        PatternKind::Slice(_) => true,
        PatternKind::Or(parts) => parts.iter().any(is_slice),
        PatternKind::Bind(_, _, Some(inner)) => is_slice(inner),
        _ => false,
    }
}

/// Whether it matches whatever is there.
fn takes_all(pattern: &Pattern) -> bool {
    match &behind(pattern).kind {
        PatternKind::Wild | PatternKind::Bind(_, _, None) | PatternKind::Rest => true,
        PatternKind::Bind(_, _, Some(inner)) => takes_all(inner),
        PatternKind::Tuple(parts) => parts.iter().all(takes_all),
        _ => false,
    }
}

/// What must hold for `list` to match, with what it binds.
fn asks(pattern: &Pattern, list: &str, out: &mut Vec<Condition>) {
    let pattern = behind(pattern);
    let span = pattern.span;
    let method = |what: &str| {
        let method = Name { text: what.to_owned(), span };
        at(ExprKind::Method(Box::new(name(list, span)), method, Vec::new(), Vec::new()), span)
    };
    let int = |value: usize| at(ExprKind::Literal(Literal::Int(i128::try_from(value).unwrap_or_default(), None)), span);
    let binary = |op, a, b| at(ExprKind::Binary(op, Box::new(a), Box::new(b)), span);
    match &pattern.kind {
        PatternKind::Slice(parts) => {
            let rest = parts.iter().position(is_rest);
            let fixed = parts.len() - usize::from(rest.is_some());
            let op = if rest.is_some() { BinaryOp::Ge } else { BinaryOp::Eq };
            if fixed > 0 || rest.is_none() {
                out.push(Condition::Expr(binary(op, method("len"), int(fixed))));
            }
            let read = |position: Expr| at(ExprKind::Index(Box::new(name(list, span)), Box::new(position)), span);
            for (position, part) in parts.iter().enumerate() {
                let before_rest = rest.is_none_or(|rest| position < rest);
                if Some(position) == rest {
                    if let PatternKind::Bind(text, mutable, Some(_)) = &part.kind {
                        let end = binary(BinaryOp::Sub, method("len"), int(parts.len() - 1 - position));
                        let range = ExprKind::Range(Some(Box::new(int(position))), Some(Box::new(end)), false);
                        let slice = at(ExprKind::Reference(Box::new(read(at(range, span)))), span);
                        let bound = PatternKind::Bind(text.clone(), *mutable, None);
                        out.push(Condition::Let(Pattern { kind: bound, span: part.span }, slice));
                    }
                    continue;
                }
                if part.kind == PatternKind::Wild {
                    continue;
                }
                let index = match before_rest {
                    true => int(position),
                    false => binary(BinaryOp::Sub, method("len"), int(parts.len() - position)),
                };
                out.push(Condition::Let(part.clone(), read(index)));
            }
        }
        PatternKind::Bind(_, _, Some(inner)) if is_slice(inner) => {
            let PatternKind::Bind(text, mutable, _) = &pattern.kind else { return };
            asks(inner, list, out);
            let bound = PatternKind::Bind(text.clone(), *mutable, None);
            out.push(Condition::Let(Pattern { kind: bound, span }, name(list, span)));
        }
        PatternKind::Or(parts) => {
            // Alternatives that bind nothing: whether one of them holds.
            let hold = parts.iter().map(|part| {
                let mut conditions = Vec::new();
                asks(part, list, &mut conditions);
                let truth = |value| Box::new(at(ExprKind::Literal(Literal::Bool(value)), span));
                at(ExprKind::If(Box::new(all(conditions, span)), truth(true), Some(truth(false))), span)
            });
            let any = hold.reduce(|any, one| binary(BinaryOp::Or, any, one));
            out.extend(any.map(Condition::Expr));
        }
        _ => out.push(Condition::Let(pattern.clone(), name(list, span))),
    }
}

fn all(mut conditions: Vec<Condition>, span: Span) -> Condition {
    match conditions.len() {
        0 => Condition::Expr(at(ExprKind::Literal(Literal::Bool(true)), span)),
        1 => conditions.remove(0),
        _ => Condition::All(conditions),
    }
}

/// The lengths that an arm takes, whatever the items are: exactly so many, or so many and more.
fn lengths(pattern: &Pattern, out: &mut Vec<(usize, bool)>) {
    match &behind(pattern).kind {
        PatternKind::Slice(parts) if parts.iter().all(|part| is_rest(part) || takes_all(part)) => {
            let rest = parts.iter().any(is_rest);
            out.push((parts.len() - usize::from(rest), rest));
        }
        PatternKind::Or(parts) => parts.iter().for_each(|part| lengths(part, out)),
        PatternKind::Bind(_, _, Some(inner)) => lengths(inner, out),
        PatternKind::Wild | PatternKind::Bind(_, _, None) => out.push((0, true)),
        _ => {}
    }
}

/// The least length that no arm takes.
fn missing(taken: &[(usize, bool)]) -> Option<usize> {
    let longest = taken.iter().map(|(length, _)| *length).max().unwrap_or(0);
    (0..=longest + 1).find(|length| !taken.iter().any(|(at, more)| at == length || (*more && at <= length)))
}

/// The names that a pattern binds.
fn names_of(pattern: &Pattern, names: &mut Vec<Name>) {
    match &pattern.kind {
        PatternKind::Bind(name, _, inner) => {
            names.push(Name { text: name.clone(), span: pattern.span });
            if let Some(inner) = inner {
                names_of(inner, names);
            }
        }
        PatternKind::Tuple(parts) | PatternKind::Slice(parts) => parts.iter().for_each(|part| names_of(part, names)),
        PatternKind::Path(_, parts) => parts.iter().for_each(|part| names_of(part, names)),
        PatternKind::Reference(inner) => names_of(inner, names),
        _ => {}
    }
}

impl Body<'_, '_> {
    /// A `match` with a slice among its patterns.
    pub(super) fn match_slices(&mut self, value: &Expr, arms: &[Arm], hint: Option<&Ty>, span: Span) -> Hir {
        let mut lets = Vec::new();
        let mark = self.enter();
        let scrutinee = self.expr(value, None);
        let ty = self.table.resolve(&scrutinee.ty);
        if !matches!(ty, Ty::List(_)) {
            if !ty.is_error() {
                let shown = self.show(&ty);
                self.cx.say(say::pattern_mismatch("a slice", &shown, value.span));
            }
            return Hir::error(span);
        }
        let list = format!("$list{mark}");
        let id = self.bind(&list, scrutinee.ty.clone());
        lets.push(super::chain::bind(id, scrutinee));
        let mut taken = Vec::new();
        let mut links = Vec::new();
        let mut last = None;
        for arm in arms {
            if arm.guard.is_none() {
                lengths(&arm.pattern, &mut taken);
            }
            let mut conditions = Vec::new();
            if arm.pattern.kind != PatternKind::Wild {
                asks(&arm.pattern, &list, &mut conditions);
            }
            conditions.extend(arm.guard.clone().map(Condition::Expr));
            let is_complete = missing(&taken).is_none();
            links.push((conditions, &arm.body));
            if is_complete {
                // Nothing comes here that the arm does not take.
                last = links.pop();
                break;
            }
        }
        let Some((conditions, body)) = last else {
            let length = missing(&taken).unwrap_or_default();
            let items = vec!["_"; length].join(", ");
            self.cx.say(say::not_exhaustive(&format!("[{items}]"), value.span));
            return Hir::error(span);
        };
        let mut whole = body.clone();
        let binds: Vec<Condition> = conditions.into_iter().filter(|part| matches!(part, Condition::Let(..))).collect();
        if !binds.is_empty() {
            let statements = binds.into_iter().filter_map(|part| match part {
                Condition::Let(pattern, value) => Some(Statement::Let(pattern, None, value)),
                Condition::Expr(_) | Condition::All(_) => None,
            });
            whole = at(ExprKind::Block(statements.collect(), Some(Box::new(whole))), body.span);
        }
        for (conditions, body) in links.into_iter().rev() {
            let condition = Box::new(all(conditions, body.span));
            whole = at(ExprKind::If(condition, Box::new(body.clone()), Some(Box::new(whole))), span);
        }
        let value = self.expr(&whole, hint);
        self.leave(mark);
        let ty = value.ty.clone();
        Hir::new(super::hir::HirKind::Block(lets, Some(Box::new(value))), ty, span)
    }

    /// What `let [a, b] = value` asks, `value` being kept in a variable before.
    pub(super) fn slice_conditions(
        &mut self,
        pattern: &Pattern,
        value: &Expr,
        lets: &mut Vec<HirStatement>,
    ) -> Vec<Condition> {
        let typed = self.expr(value, None);
        let list = format!("$list{}", self.enter());
        let id = self.bind(&list, typed.ty.clone());
        lets.push(super::chain::bind(id, typed));
        let mut conditions = Vec::new();
        asks(pattern, &list, &mut conditions);
        conditions
    }

    /// `let [a, b] = array;`: rustc knows the length, here it is asked.
    pub(super) fn let_slice(&mut self, pattern: &Pattern, value: &Expr) -> Vec<HirStatement> {
        let mut lets = Vec::new();
        let span = pattern.span;
        for condition in self.slice_conditions(pattern, value, &mut lets) {
            match condition {
                Condition::Expr(condition) => {
                    let holds = self.expect(&condition, &Ty::BOOL, Why::Condition);
                    let not = Hir::new(
                        super::hir::HirKind::Unary(sabot_ir::expr::UnaryOp::Not, Box::new(holds)),
                        Ty::BOOL,
                        span,
                    );
                    lets.push(super::chain::when(not, vec![HirStatement::Expr(Hir::never(span))]));
                }
                Condition::Let(pattern, value) => {
                    let value = self.expr(&value, None);
                    let ty = value.ty.clone();
                    let pattern = self.pattern(&pattern, &ty);
                    self.must_match_all(&pattern, "`let`");
                    lets.push(HirStatement::Let(pattern, value));
                }
                Condition::All(_) => {}
            }
        }
        lets
    }

    /// `let [a, b] = value else { .. };`: the names are those of a `match` that gives them.
    pub(super) fn let_slice_else(&mut self, pattern: &Pattern, value: &Expr, otherwise: &Expr) -> Vec<HirStatement> {
        let span = pattern.span;
        let mut names = Vec::new();
        names_of(pattern, &mut names);
        let tuple = names.iter().map(|name| at(ExprKind::Name(name.text.clone()), name.span)).collect();
        let bound = names
            .iter()
            .map(|name| Pattern { kind: PatternKind::Bind(name.text.clone(), false, None), span: name.span });
        let bound = Pattern { kind: PatternKind::Tuple(bound.collect()), span };
        let wild = Pattern { kind: PatternKind::Wild, span };
        let arms = [
            Arm { pattern: pattern.clone(), guard: None, body: at(ExprKind::Tuple(tuple), span) },
            Arm { pattern: wild, guard: None, body: otherwise.clone() },
        ];
        // `v[..]` is all of `v`.
        let value = match &value.kind {
            ExprKind::Index(whole, range) if matches!(range.kind, ExprKind::Range(None, None, _)) => whole,
            _ => value,
        };
        let value = self.match_(value, &arms, None, span);
        let ty = value.ty.clone();
        let pattern = self.pattern(&bound, &ty);
        vec![HirStatement::Let(pattern, value)]
    }

    /// `if let [a, b] = value`, alone or in a chain: the conditions that stand for it, where `value` may stand in several.
    pub(super) fn slices_asked(condition: &Condition) -> Option<Condition> {
        let parts = match condition {
            Condition::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        if !parts.iter().any(|part| matches!(part, Condition::Let(pattern, _) if is_slice(pattern))) {
            return None;
        }
        let mut asked = Vec::new();
        for (position, part) in parts.iter().enumerate() {
            match part {
                Condition::Let(pattern, value) if is_slice(pattern) => {
                    let list = format!("$list{position}");
                    let bound = PatternKind::Bind(list.clone(), false, None);
                    asked.push(Condition::Let(Pattern { kind: bound, span: value.span }, value.clone()));
                    asks(pattern, &list, &mut asked);
                }
                other => asked.push(other.clone()),
            }
        }
        Some(Condition::All(asked))
    }
}

/// Whether a value is `&x` or `*x`: what is matched is `x`.
pub(super) fn referred(value: &Expr) -> &Expr {
    match &value.kind {
        ExprKind::Reference(inner) | ExprKind::Unary(UnaryOp::Deref, inner) => referred(inner),
        _ => value,
    }
}
