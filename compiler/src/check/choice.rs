//! `match` as a chain of `If` and `IfSome`: what an arm asks, what it binds, and one of two values scalar by scalar.

use super::hir::{BindingId, Hir, HirArm, HirPat, PatKind, VariantPat};
use super::lower::{Lower, unit};
use super::region::{Region, wrap};
use super::value::{self, Value, default_of};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal, LocalId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// How an arm is chosen.
pub(super) enum Test {
    Always,
    If(Expr),
    IfSome(Expr, LocalId),
}

impl Lower<'_, '_> {
    /// `match value { arms }`: the first arm whose pattern and guard hold.
    pub(super) fn arms(
        &mut self,
        value: Value,
        arms: &[HirArm],
        span: Span,
        changed: &[BindingId],
        body: &mut dyn FnMut(&mut Self, &Hir) -> Value,
    ) -> Value {
        let value = self.bind_value(value);
        let present = self.present();
        let mut order: Vec<&HirArm> = arms.iter().collect();
        for i in 1..order.len() {
            // `None` before `Some(x)` is the same as behind it, and then `x` is at hand.
            let is_none = matches!(order[i - 1].pattern.kind, PatKind::None) && order[i - 1].guard.is_none();
            if is_none && some_of_all(order[i]).is_some() {
                order.swap(i - 1, i);
            }
        }
        let mut chosen: Vec<(Test, (Region, Value))> = Vec::with_capacity(order.len());
        for (position, arm) in order.iter().enumerate() {
            let is_last = position + 1 == order.len();
            if let (Some(inner), Value::Scalar(option), false) = (some_of_all(arm), &value, is_last) {
                let local = self.fresh();
                let held = Expr::new(ExprKind::Local(local), option.ty.value_type().clone(), arm.pattern.span);
                let result = self.in_region(|lower| {
                    lower.bind_pattern(inner, &Value::Scalar(held));
                    let value = body(lower, &arm.body);
                    lower.pack(value, changed)
                });
                self.restore(&present);
                chosen.push((Test::IfSome(option.clone(), local), result));
                continue;
            }
            let mut test = self.test(&arm.pattern, &value);
            if let Some(guard) = &arm.guard {
                let (region, mut guard) = self.in_region(|lower| {
                    lower.bind_pattern(&arm.pattern, &value);
                    Value::Scalar(lower.scalar(guard))
                });
                wrap(&region, &mut guard);
                if let Value::Scalar(guard) = guard {
                    let span = guard.span;
                    test = Some(match test {
                        Some(test) => value::binary(BinaryOp::And, test, guard, Type::Bool, span),
                        None => guard,
                    });
                }
            } else if is_last {
                test = None; // the arms before it leave nothing else
            }
            let result = self.in_region(|lower| {
                lower.bind_pattern(&arm.pattern, &value);
                let value = body(lower, &arm.body);
                lower.pack(value, changed)
            });
            self.restore(&present);
            match test {
                Some(test) => chosen.push((Test::If(test), result)),
                None => {
                    chosen.push((Test::Always, result));
                    break;
                }
            }
        }
        let Some((_, mut rest)) = chosen.pop() else { return unit() };
        for (test, result) in chosen.into_iter().rev() {
            let (region, value) = self.in_region(|lower| lower.merge(test, result, rest, span));
            rest = (region, value);
        }
        let (region, value) = rest;
        if let Some(outer) = self.regions.last_mut() {
            outer.extend(region);
        }
        self.unpack(value, changed)
    }

    /// Whether the value matches; `None` if it always does.
    pub(super) fn test(&mut self, pattern: &HirPat, value: &Value) -> Option<Expr> {
        let span = pattern.span;
        let both = |a: Option<Expr>, b: Option<Expr>| match (a, b) {
            (Some(a), Some(b)) => Some(value::binary(BinaryOp::And, a, b, Type::Bool, span)),
            (one, None) | (None, one) => one,
        };
        match (&pattern.kind, value) {
            (PatKind::Wild | PatKind::Bind(_, None), _) => None,
            (PatKind::Bind(_, Some(inner)), _) => self.test(inner, value),
            (PatKind::Or(parts), _) => {
                let mut any: Option<Expr> = None;
                for part in parts {
                    let test = self.test(part, value)?;
                    any = Some(match any {
                        Some(any) => value::binary(BinaryOp::Or, any, test, Type::Bool, span),
                        None => test,
                    });
                }
                any
            }
            (PatKind::Tuple(patterns), Value::Parts(parts)) => {
                let mut all = None;
                for (pattern, part) in patterns.iter().zip(parts) {
                    let test = self.test(pattern, part);
                    all = both(all, test);
                }
                all
            }
            (PatKind::Variant(variant), Value::Parts(parts)) => {
                let mut all = parts.first().and_then(|tag| self.is_variant(variant, tag, span));
                for (position, pattern) in &variant.parts {
                    let test = parts.get(*position).and_then(|part| self.test(pattern, part));
                    all = both(all, test);
                }
                all
            }
            (PatKind::Variant(variant), Value::Option(..) | Value::Scalar(_)) => {
                self.test(&as_option(variant, pattern), value)
            }
            (PatKind::None, Value::Option(present, _)) => Some(value::not(present.clone(), span)),
            (PatKind::None, Value::Scalar(option)) => Some(value::not(value::is_some(option.clone(), span), span)),
            (PatKind::Some(inner), Value::Option(present, held)) => {
                let test = self.test(inner, held);
                both(Some(present.clone()), test)
            }
            (PatKind::Some(inner), Value::Scalar(option)) => {
                let local = self.fresh();
                let held = Expr::new(ExprKind::Local(local), option.ty.value_type().clone(), span);
                match self.test(inner, &Value::Scalar(held)) {
                    None => Some(value::is_some(option.clone(), span)),
                    Some(test) => {
                        Some(value::if_some(&self.sides, option.clone(), local, test, Expr::bool(false), span))
                    }
                }
            }
            (PatKind::Bool(true), Value::Scalar(x)) => Some(x.clone()),
            (PatKind::Bool(false), Value::Scalar(x)) => Some(value::not(x.clone(), span)),
            (PatKind::Int(from, to), Value::Scalar(x)) => {
                let range = super::types::integer_range(&pattern.ty);
                let bound = |value: i128| Expr::new(ExprKind::Literal(Literal::Int(value)), x.ty.clone(), span);
                let ask = |op, value| value::binary(op, x.clone(), bound(value), Type::Bool, span);
                if from == to {
                    return Some(ask(BinaryOp::Eq, *from));
                }
                let low = (range.is_none_or(|(least, _)| least < *from)).then(|| ask(BinaryOp::Ge, *from));
                let high = (range.is_none_or(|(_, greatest)| *to < greatest)).then(|| ask(BinaryOp::Le, *to));
                both(low, high)
            }
            (PatKind::Float(from, to, inclusive), Value::Scalar(x)) => {
                #[expect(clippy::cast_possible_truncation, reason = "the constant of an `f32` is one")]
                let exact = |value: f64| if x.ty == Type::Float32 { f64::from(value as f32) } else { value };
                let bound = |value: f64| Expr::new(ExprKind::Literal(Literal::Float(exact(value))), x.ty.clone(), span);
                let ask = |op, value| value::binary(op, x.clone(), bound(value), Type::Bool, span);
                if from == to {
                    return Some(ask(BinaryOp::Eq, *from));
                }
                let high = if *inclusive { BinaryOp::Le } else { BinaryOp::Lt };
                both(Some(ask(BinaryOp::Ge, *from)), Some(ask(high, *to)))
            }
            (PatKind::Str(text), Value::Scalar(x)) => {
                let text = Expr::new(ExprKind::Literal(Literal::String(text.clone())), Type::String, span);
                Some(value::binary(BinaryOp::Eq, x.clone(), text, Type::Bool, span))
            }
            (PatKind::Bytes(bytes), Value::Scalar(x)) => {
                let bytes = Expr::new(ExprKind::Literal(Literal::Bytes(bytes.clone())), Type::Bytes, span);
                Some(value::binary(BinaryOp::Eq, x.clone(), bytes, Type::Bool, span))
            }
            (
                PatKind::Bool(_)
                | PatKind::Int(..)
                | PatKind::Float(..)
                | PatKind::Str(_)
                | PatKind::Bytes(_)
                | PatKind::Some(_)
                | PatKind::None
                | PatKind::Tuple(_),
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            ) => None, // only after an error
        }
    }

    /// Whether the first part of an `enum`'s value says that it is this variant; nothing if there is no other.
    fn is_variant(&mut self, variant: &VariantPat, tag: &Value, span: Span) -> Option<Expr> {
        let Value::Scalar(tag) = tag else { return None };
        if variant.of.len() == 1 {
            return None;
        }
        if tag.ty == Type::Bool {
            // Of a `Result`: whether it is `Ok`.
            return Some(if variant.at == 0 { tag.clone() } else { value::not(tag.clone(), span) });
        }
        let at = i128::try_from(variant.at).unwrap_or_default();
        let at = Expr::new(ExprKind::Literal(Literal::Int(at)), tag.ty.clone(), span);
        Some(value::binary(BinaryOp::Eq, tag.clone(), at, Type::Bool, span))
    }

    /// Gives the pattern's variables their values; what the pattern asks was asked before.
    pub(super) fn bind_pattern(&mut self, pattern: &HirPat, value: &Value) {
        match (&pattern.kind, value) {
            (PatKind::Bind(id, inner), _) => {
                if let Some(inner) = inner {
                    let value = self.bind_value(value.clone());
                    self.bind_pattern(inner, &value);
                }
                if !self.declare_changing(*id, value.clone(), pattern.span) {
                    let value = self.bind_value(value.clone());
                    self.frame().insert(*id, value);
                }
            }
            (PatKind::Tuple(patterns), Value::Parts(parts)) => {
                for (pattern, part) in patterns.iter().zip(parts) {
                    if matches!(pattern.kind, PatKind::Wild) {
                        self.discard(part.clone());
                    } else {
                        self.bind_pattern(pattern, part);
                    }
                }
            }
            (PatKind::Some(inner), Value::Option(_, held)) => self.bind_pattern(inner, held),
            (PatKind::Some(inner), Value::Scalar(option)) => {
                let default = default_of(option.ty.value_type());
                let held = value::unwrap_or(option.clone(), default, pattern.span);
                self.bind_pattern(inner, &Value::Scalar(held));
            }
            (PatKind::Or(parts), _) => self.bind_alternatives(parts, value),
            (PatKind::Variant(variant), Value::Parts(parts)) => {
                for (position, pattern) in &variant.parts {
                    let Some(part) = parts.get(*position) else { continue };
                    if !matches!(pattern.kind, PatKind::Wild) {
                        self.bind_pattern(pattern, part);
                    }
                }
            }
            (PatKind::Variant(variant), Value::Option(..) | Value::Scalar(_)) => {
                self.bind_pattern(&as_option(variant, pattern), value);
            }
            (
                PatKind::Wild
                | PatKind::Bool(_)
                | PatKind::Int(..)
                | PatKind::Float(..)
                | PatKind::Str(_)
                | PatKind::Bytes(_)
                | PatKind::None
                | PatKind::Tuple(_)
                | PatKind::Some(_),
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            ) => {}
        }
    }

    /// The variables of `a | b` are those of the first alternative that matches.
    fn bind_alternatives(&mut self, parts: &[HirPat], value: &Value) {
        let Some((last, before)) = parts.split_last() else { return };
        self.bind_pattern(last, value);
        for part in before.iter().rev() {
            let names = bindings(part);
            if names.is_empty() {
                continue;
            }
            let otherwise: Vec<Option<Value>> = names.iter().map(|name| self.frame().get(name).cloned()).collect();
            let Some(test) = self.test(part, value) else {
                self.bind_pattern(part, value);
                continue;
            };
            let test = self.bind_expr(test);
            self.bind_pattern(part, value);
            for (name, otherwise) in names.into_iter().zip(otherwise) {
                let (Some(then), Some(otherwise)) = (self.frame().get(&name).cloned(), otherwise) else { continue };
                let none = Region::new();
                let merged = self.merge(Test::If(test.clone()), (none.clone(), then), (none, otherwise), part.span);
                let merged = self.bind_value(merged);
                self.frame().insert(name, merged);
            }
        }
    }

    /// One of two values, scalar by scalar.
    pub(super) fn merge(&mut self, test: Test, then: (Region, Value), otherwise: (Region, Value), span: Span) -> Value {
        let ((then_region, mut then), (otherwise_region, mut otherwise)) = (then, otherwise);
        value::align(&mut then, &mut otherwise);
        wrap(&then_region, &mut then);
        wrap(&otherwise_region, &mut otherwise);
        let several = then.leaves().len() > 1;
        let test = match test {
            Test::If(condition) if several => Test::If(self.bind_expr(condition)),
            Test::IfSome(option, local) if several => Test::IfSome(self.bind_expr(option), local),
            test @ (Test::Always | Test::If(_) | Test::IfSome(..)) => test,
        };
        let mut others = otherwise.into_leaves().into_iter();
        for leaf in then.leaves_mut() {
            let Some(other) = others.next() else { break };
            let then = std::mem::replace(leaf, Expr::bool(true));
            *leaf = match &test {
                Test::Always => then,
                Test::If(condition) => value::if_(&self.sides, condition.clone(), then, other, span),
                Test::IfSome(option, local) => value::if_some(&self.sides, option.clone(), *local, then, other, span),
            };
        }
        then
    }
}

/// What `Some(inner)` binds, if the arm takes every `Some`.
fn some_of_all(arm: &HirArm) -> Option<&HirPat> {
    if let PatKind::Some(inner) = &arm.pattern.kind
        && arm.guard.is_none()
        && inner.is_irrefutable()
    {
        return Some(inner);
    }
    None
}

/// `Ok(x)` and `Err(_)` of a `Result` whose error says nothing.
fn as_option(variant: &VariantPat, pattern: &HirPat) -> HirPat {
    let kind = match variant.parts.first() {
        Some((_, held)) if variant.at == 0 => PatKind::Some(Box::new(held.clone())),
        _ => PatKind::None,
    };
    HirPat::new(kind, pattern.ty.clone(), pattern.span)
}

fn bindings(pattern: &HirPat) -> Vec<BindingId> {
    match &pattern.kind {
        PatKind::Bind(id, inner) => {
            let mut all = vec![*id];
            if let Some(inner) = inner {
                all.extend(bindings(inner));
            }
            all
        }
        PatKind::Or(parts) => parts.first().map(bindings).unwrap_or_default(),
        PatKind::Tuple(parts) => parts.iter().flat_map(bindings).collect(),
        PatKind::Some(inner) => bindings(inner),
        PatKind::Variant(variant) => variant.parts.iter().flat_map(|(_, part)| bindings(part)).collect(),
        PatKind::Wild
        | PatKind::Bool(_)
        | PatKind::Int(..)
        | PatKind::Float(..)
        | PatKind::Str(_)
        | PatKind::Bytes(_)
        | PatKind::None => Vec::new(),
    }
}
