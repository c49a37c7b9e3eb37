//! Whether variables that are declared without a value have one wherever they are read: `let x;` and nothing on some way.
//!
//! Follows the ways through a typed body: a set of the variables that certainly have a value, or nothing where no way leads.
//! Where ways meet, what all of them have remains.

use super::Cx;
use super::hir::{BindingId, Hir, HirKind, HirStatement, LoopId, PatKind};
use crate::diagnostics::control;
use sabot_ir::ast::BinaryOp;
use std::collections::{BTreeMap, BTreeSet};

/// The variables that have a value; nothing: control does not come here.
type Known = Option<BTreeSet<BindingId>>;

/// Checks a body.
pub(super) fn check(cx: &mut Cx<'_>, body: &Hir) {
    if !declares_later(body) {
        return;
    }
    let mut flow = Flow { cx, later: BTreeSet::new(), breaks: BTreeMap::new(), returns: vec![None] };
    flow.expr(body, Some(BTreeSet::new()));
}

fn declares_later(hir: &Hir) -> bool {
    let mut found = matches!(hir.kind, HirKind::Later);
    hir.for_each_child(&mut |child| found = found || declares_later(child));
    found
}

struct Flow<'a, 'd> {
    cx: &'a mut Cx<'d>,
    /// Variables that were declared without a value, and were not told of.
    later: BTreeSet<BindingId>,
    /// What is known where a loop or block is left.
    breaks: BTreeMap<LoopId, Known>,
    /// What is known where a closure returns, of the innermost last.
    returns: Vec<Known>,
}

fn meet(a: Known, b: Known) -> Known {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
        (one, None) | (None, one) => one,
    }
}

impl Flow<'_, '_> {
    /// What is known behind an expression.
    fn expr(&mut self, hir: &Hir, known: Known) -> Known {
        match &hir.kind {
            HirKind::Local(id) => {
                if self.later.contains(id) && known.as_ref().is_some_and(|known| !known.contains(id)) {
                    self.cx.say(control::no_value_yet(hir.span));
                    self.later.remove(id); // once is enough
                }
                known
            }
            HirKind::Assign(place, value) => {
                let known = self.expr(value, known);
                known.map(|mut known| {
                    known.insert(place.binding);
                    known
                })
            }
            HirKind::If(condition, then, otherwise) => {
                let known = self.expr(condition, known);
                let then = self.expr(then, known.clone());
                let otherwise = match otherwise {
                    Some(otherwise) => self.expr(otherwise, known),
                    None => known,
                };
                meet(then, otherwise)
            }
            HirKind::Match(value, arms) => {
                let mut known = self.expr(value, known);
                let mut behind = None;
                for arm in arms {
                    if let Some(guard) = &arm.guard {
                        known = self.expr(guard, known);
                    }
                    let arm = self.expr(&arm.body, known.clone());
                    behind = meet(behind, arm);
                }
                behind
            }
            HirKind::Binary(BinaryOp::And | BinaryOp::Or, a, b) => {
                let known = self.expr(a, known);
                self.expr(b, known.clone());
                known
            }
            HirKind::Block(statements, tail) => {
                let mut known = known;
                for statement in statements {
                    known = self.statement(statement, known);
                }
                match tail {
                    Some(tail) => self.expr(tail, known),
                    None => known,
                }
            }
            HirKind::Loop(id, body) => {
                self.breaks.insert(*id, None);
                self.expr(body, known);
                self.breaks.remove(id).flatten()
            }
            HirKind::Labeled(id, body) => {
                self.breaks.insert(*id, None);
                let end = self.expr(body, known);
                meet(end, self.breaks.remove(id).flatten())
            }
            HirKind::Break(id, value) => {
                let known = match value {
                    Some(value) => self.expr(value, known),
                    None => known,
                };
                if let Some(at) = self.breaks.get_mut(id) {
                    let before = at.take();
                    *at = meet(before, known);
                }
                None
            }
            HirKind::Continue(_) | HirKind::Fail(_) => None,
            HirKind::Return(value) => {
                let known = match value {
                    Some(value) => self.expr(value, known),
                    None => known,
                };
                if let Some(at) = self.returns.last_mut() {
                    let before = at.take();
                    *at = meet(before, known);
                }
                None
            }
            HirKind::Body(body) => {
                self.returns.push(None);
                let end = self.expr(body, known);
                let returned = self.returns.pop().flatten();
                meet(end, returned)
            }
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Param(_)
            | HirKind::Const(_)
            | HirKind::Field(..)
            | HirKind::Unary(..)
            | HirKind::Binary(..)
            | HirKind::Cast(_)
            | HirKind::Record(..)
            | HirKind::Tuple(_)
            | HirKind::Some(_)
            | HirKind::None
            | HirKind::Default
            | HirKind::Call(..)
            | HirKind::Udf(..)
            | HirKind::Into(_)
            | HirKind::Group(_)
            | HirKind::Aggregate(_)
            | HirKind::Never(_)
            | HirKind::Later => {
                let mut known = known;
                hir.for_each_child(&mut |child| {
                    let before = known.take();
                    known = self.expr(child, before);
                });
                known
            }
        }
    }

    fn statement(&mut self, statement: &HirStatement, known: Known) -> Known {
        match statement {
            HirStatement::Let(pattern, value) => {
                if let (HirKind::Later, PatKind::Bind(id, None)) = (&value.kind, &pattern.kind) {
                    // What the checker itself makes stands nowhere, and is assigned before it is read.
                    if !value.span.is_none() {
                        self.later.insert(*id);
                    }
                    return known;
                }
                self.expr(value, known)
            }
            HirStatement::Expr(value) => self.expr(value, known),
            HirStatement::LetElse(_, value, otherwise) => {
                let known = self.expr(value, known);
                self.expr(otherwise, known.clone());
                known
            }
        }
    }
}
