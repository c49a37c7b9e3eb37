//! `return`: code goes on with a value unless a `return` on the way ends the body.
//!
//! There are no jumps in [`sabot_ir::expr`], so what follows a branch that may return moves into the other branch:
//! `if c { return x; } rest` becomes `if c { x } else { rest }`. A `return` inside a value (`f(a, { return b; })`) is
//! brought to that form by giving names to what is evaluated before it.

use super::choice::Test;
use super::hir::{BindingId, Hir, HirArm, HirKind, HirPat, HirStatement, PatKind};
use super::lower::{Lower, MAX_NODES, unit};
use super::machine::return_type;
use super::types::Ty;
use super::value::Value;
use crate::diagnostics::unsupported;
use sabot_ir::ast::BinaryOp;
use sabot_ir::span::Span;

/// What is done with a value once it is known.
type Rest<'a, 'd, 'r> = &'r mut dyn FnMut(&mut Lower<'a, 'd>, Value) -> Value;

impl<'a, 'd> Lower<'a, 'd> {
    /// The value of a body, where `return` may stand.
    pub(super) fn tail(&mut self, hir: &Hir) -> Value {
        self.with(hir, &mut |lower, value| lower.finish_body(value))
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
        if ways_on(hir) > 1 {
            let (returned, early, on) = self.flagged(hir, &mut |lower, rest| lower.with_branches(hir, rest));
            let early = match return_type(hir) {
                Some(Ty::Never) => self.value(&Hir::never(hir.span)),
                Some(_) => early,
                // It may only fail.
                None => return rest(self, on),
            };
            let early = self.in_region(|lower| lower.finish_body(early));
            let present = self.present();
            let on = self.in_region(|lower| rest(lower, on));
            self.restore(&present);
            return self.merge(Test::If(returned), early, on, hir.span);
        }
        self.with_branches(hir, rest)
    }

    /// As [`Self::with`], where what follows may be lowered once for each branch that goes on.
    fn with_branches(&mut self, hir: &Hir, rest: Rest<'a, 'd, '_>) -> Value {
        match &hir.kind {
            HirKind::Return(Some(value)) => self.tail(value),
            HirKind::Return(None) => self.finish_body(unit()),
            HirKind::If(condition, then, otherwise) => {
                self.with_if(condition, then, otherwise.as_deref(), hir.span, rest)
            }
            HirKind::Match(value, arms) => {
                if let Some(guard) = arms.iter().filter_map(|arm| arm.guard.as_ref()).find(|guard| guard.leaves()) {
                    self.cx.say(unsupported::return_in_guard(guard.span));
                }
                self.with(value, &mut |lower, value| {
                    lower.arms(value, arms, hir.span, &[], &mut |lower, body| lower.with(body, rest))
                })
            }
            HirKind::Block(statements, None) if hir.ty == Ty::Never => {
                self.block_with(statements, None, &mut |lower, _| {
                    let never = lower.value(&Hir::never(hir.span));
                    rest(lower, never)
                })
            }
            HirKind::Block(statements, tail) => self.block_with(statements, tail.as_deref(), rest),
            HirKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let decided = Hir::new(HirKind::Bool(*op == BinaryOp::Or), hir.ty.clone(), hir.span);
                let (then, otherwise) = if *op == BinaryOp::And { (&**b, &decided) } else { (&decided, &**b) };
                self.with_if(a, then, Some(otherwise), hir.span, rest)
            }
            HirKind::Assign(place, value) => self.with(value, &mut |lower, value| {
                let done = lower.assign(place, value);
                rest(lower, done)
            }),
            HirKind::Loop(..) | HirKind::Labeled(..) => {
                let ran = self.run(hir);
                let Some((returned, early)) = ran.returned else { return rest(self, ran.value) };
                let early = self.in_region(|lower| lower.finish_body(early));
                let present = self.present();
                let on = self.in_region(|lower| {
                    if hir.ty == Ty::Never {
                        // Without a `return` it never ends.
                        return lower.value(&Hir::never(hir.span));
                    }
                    rest(lower, ran.value)
                });
                self.restore(&present);
                self.merge(Test::If(returned), early, on, hir.span)
            }
            HirKind::Never(inner) => self.with(inner, &mut |lower, value| {
                let value = lower.never_value(value, &hir.ty);
                rest(lower, value)
            }),
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
            | HirKind::Group(_)
            | HirKind::Aggregate(_)
            | HirKind::Break(..)
            | HirKind::Continue(_)
            | HirKind::Fail(_)
            | HirKind::Later => {
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
            let present = lower.present();
            let then = lower.in_region(|lower| lower.with(then, rest));
            lower.restore(&present);
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
            let after = &statements[position + 1..];
            match statement {
                HirStatement::Let(_, value) | HirStatement::Expr(value) if !value.has_return() => {
                    self.statement(statement);
                }
                HirStatement::Let(pattern, value) => {
                    return self.with(value, &mut |lower, value| {
                        lower.bind_pattern(pattern, &value);
                        lower.block_with(after, tail, rest)
                    });
                }
                HirStatement::Expr(value) => {
                    return self.with(value, &mut |lower, value| {
                        lower.discard(value);
                        lower.block_with(after, tail, rest)
                    });
                }
                HirStatement::LetElse(pattern, value, otherwise) => {
                    return self.with(value, &mut |lower, value| {
                        // `match value { pattern => what follows, _ => otherwise }`
                        let what_follows = Hir::new(HirKind::Later, Ty::unit(), pattern.span);
                        let wild = HirPat::new(PatKind::Wild, pattern.ty.clone(), pattern.span);
                        let arms = [
                            HirArm { pattern: pattern.clone(), guard: None, body: what_follows },
                            HirArm { pattern: wild, guard: None, body: otherwise.clone() },
                        ];
                        lower.arms(value, &arms, pattern.span, &[], &mut |lower, body| {
                            if matches!(body.kind, HirKind::Later) {
                                return lower.block_with(after, tail, rest);
                            }
                            // It never goes on: what it gives is a `return`'s, or a row error.
                            lower.with(body, &mut |lower, value| {
                                lower.discard(value);
                                lower.value(&Hir::never(pattern.span))
                            })
                        })
                    });
                }
            }
        }
        match tail {
            Some(tail) => self.with(tail, rest),
            None => rest(self, unit()),
        }
    }
}

/// In how many branches code may go on.
fn ways_on(hir: &Hir) -> usize {
    let ways = |hir: &Hir| usize::from(goes_on(hir));
    if let HirKind::If(_, then, otherwise) = &hir.kind {
        return ways(then) + otherwise.as_ref().map_or(1, |otherwise| ways(otherwise));
    }
    if let HirKind::Match(_, arms) = &hir.kind {
        return arms.iter().map(|arm| ways(&arm.body)).sum();
    }
    if matches!(hir.kind, HirKind::Binary(BinaryOp::And | BinaryOp::Or, ..)) { 2 } else { 1 }
}

/// Whether code may come to its end.
fn goes_on(hir: &Hir) -> bool {
    if let HirKind::Block(_, Some(tail)) = &hir.kind {
        return goes_on(tail);
    }
    !matches!(hir.kind, HirKind::Never(_)) && hir.ty != Ty::Never
}
