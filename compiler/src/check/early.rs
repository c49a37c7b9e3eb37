//! `return`: code goes on with a value unless a `return` on the way ends the body.
//!
//! There are no jumps in [`sabot_ir::expr`], so what follows a branch that may return moves into the other branch:
//! `if c { return x; } rest` becomes `if c { x } else { rest }`. A `return` inside a value (`f(a, { return b; })`) is
//! brought to that form by giving names to what is evaluated before it.

use super::choice::Test;
use super::hir::{BindingId, Hir, HirKind, HirStatement};
use super::lower::{Lower, MAX_NODES, unit};
use super::value::Value;
use crate::diagnostics::unsupported;
use sabot_ir::ast::BinaryOp;
use sabot_ir::span::Span;

/// What is done with a value once it is known.
type Rest<'a, 'd, 'r> = &'r mut dyn FnMut(&mut Lower<'a, 'd>, Value) -> Value;

impl<'a, 'd> Lower<'a, 'd> {
    /// The value of a body, where `return` may stand.
    pub(super) fn tail(&mut self, hir: &Hir) -> Value {
        self.with(hir, &mut |_, value| value)
    }

    /// Goes on with the value of `hir`, unless a `return` inside it ends the body: then that is the body's value.
    fn with(&mut self, hir: &Hir, rest: Rest<'a, 'd, '_>) -> Value {
        if !hir.has_return() {
            let value = self.value(hir);
            return rest(self, value);
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let diagnostic = unsupported::too_large(self.span);
            self.cx.say(diagnostic);
            return Value::default_of(self.cx, &hir.ty);
        }
        match &hir.kind {
            HirKind::Return(Some(value)) => self.tail(value),
            HirKind::Return(None) => unit(),
            HirKind::If(condition, then, otherwise) => {
                self.with_if(condition, then, otherwise.as_deref(), hir.span, rest)
            }
            HirKind::Match(value, arms) => {
                if let Some(guard) = arms.iter().filter_map(|arm| arm.guard.as_ref()).find(|guard| guard.has_return()) {
                    self.cx.say(unsupported::return_in_guard(guard.span));
                }
                self.with(value, &mut |lower, value| {
                    lower.arms(value, arms, hir.span, &mut |lower, body| lower.with(body, rest))
                })
            }
            HirKind::Block(statements, tail) => self.block_with(statements, tail.as_deref(), rest),
            HirKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let decided = Hir::new(HirKind::Bool(*op == BinaryOp::Or), hir.ty.clone(), hir.span);
                let (then, otherwise) = if *op == BinaryOp::And { (&**b, &decided) } else { (&decided, &**b) };
                self.with_if(a, then, Some(otherwise), hir.span, rest)
            }
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
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
            | HirKind::Call(..)
            | HirKind::Udf(..)
            | HirKind::Default
            | HirKind::Body(_)
            | HirKind::Into(_)
            | HirKind::GroupKey
            | HirKind::Aggregate(_) => {
                // All parts are evaluated, in order: each gets a name, then the whole is made of names.
                let mut named = hir.clone();
                let mut parts: Vec<(BindingId, Hir)> = Vec::new();
                named.for_each_part(&mut |part| {
                    let id = self.hidden_binding();
                    let local = Hir::new(HirKind::Local(id), part.ty.clone(), part.span);
                    parts.push((id, std::mem::replace(part, local)));
                });
                self.parts_with(&parts, &named, rest)
            }
        }
    }

    fn with_if(
        &mut self,
        condition: &Hir,
        then: &Hir,
        otherwise: Option<&Hir>,
        span: Span,
        rest: Rest<'a, 'd, '_>,
    ) -> Value {
        self.with(condition, &mut |lower, condition| {
            let Value::Scalar(condition) = condition else { return unit() };
            let then = lower.in_region(|lower| lower.with(then, rest));
            let otherwise = lower.in_region(|lower| match otherwise {
                Some(otherwise) => lower.with(otherwise, rest),
                None => rest(lower, unit()),
            });
            lower.merge(Test::If(condition), then, otherwise, span)
        })
    }

    fn parts_with(&mut self, parts: &[(BindingId, Hir)], whole: &Hir, rest: Rest<'a, 'd, '_>) -> Value {
        let Some(((id, part), others)) = parts.split_first() else {
            let value = self.value(whole);
            return rest(self, value);
        };
        self.with(part, &mut |lower, value| {
            let value = lower.bind_value(value);
            lower.frame().insert(*id, value);
            lower.parts_with(others, whole, rest)
        })
    }

    fn block_with(&mut self, statements: &[HirStatement], tail: Option<&Hir>, rest: Rest<'a, 'd, '_>) -> Value {
        for (position, statement) in statements.iter().enumerate() {
            let (HirStatement::Let(_, value) | HirStatement::Expr(value)) = statement;
            if !value.has_return() {
                self.statement(statement);
                continue;
            }
            let after = &statements[position + 1..];
            return self.with(value, &mut |lower, value| {
                match statement {
                    HirStatement::Let(pattern, _) => lower.bind_pattern(pattern, &value),
                    HirStatement::Expr(_) => lower.discard(value),
                }
                lower.block_with(after, tail, rest)
            });
        }
        match tail {
            Some(tail) => self.with(tail, rest),
            None => rest(self, unit()),
        }
    }
}
