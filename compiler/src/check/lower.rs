//! Typed code to [`sabot_ir::expr`]: functions inlined, records taken apart, `match` and `return` made `If` and `IfSome`.
//!
//! A `let` of a scalar stays where it stands. What is bound inside something that has several scalars (a block that gives
//! a record) is kept in the *region* around it, and each scalar that leaves the region takes along the bindings it needs.
//! Bindings that nothing needs but that may be row errors go with the first scalar, so that no error is lost.

use super::Cx;
use super::hir::{BindingId, Hir, HirArm, HirClosure, HirKind, HirPat, HirStatement, PatKind};
use super::types::Ty;
use super::value::{self, Presence, Value, default_of, is_trivial};
use crate::diagnostics::unsupported;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Nodes beyond which an expression is refused: functions that call functions twice each grow without bound.
const MAX_NODES: usize = 50_000;
/// Nesting beyond which an expression is refused.
const MAX_DEPTH: u32 = 300;

/// Bindings in the order they are evaluated.
pub(super) type Region = Vec<(LocalId, Expr)>;

/// The lowering of what one plan node computes.
pub(super) struct Lower<'a, 'd> {
    pub(super) cx: &'a mut Cx<'d>,
    frames: Vec<BTreeMap<BindingId, Value>>,
    pub(super) regions: Vec<Region>,
    next_local: u32,
    nodes: usize,
    depth: u32,
    /// Where the whole stands, for messages about its size.
    span: Span,
    sides: Vec<Presence>,
    pub(super) group: Option<super::aggregate::GroupCx>,
}

/// How an arm is chosen.
enum Test {
    Always,
    If(Expr),
    IfSome(Expr, LocalId),
}

impl<'a, 'd> Lower<'a, 'd> {
    /// Nothing lowered yet.
    pub(super) fn new(cx: &'a mut Cx<'d>, sides: Vec<Presence>, span: Span) -> Self {
        Self {
            cx,
            frames: vec![BTreeMap::new()],
            regions: vec![Region::new()],
            next_local: 0,
            nodes: 0,
            depth: 0,
            span,
            sides,
            group: None,
        }
    }

    /// The value of a closure that is called with these values; complete in itself.
    pub(super) fn closure(&mut self, closure: &HirClosure, args: Vec<Value>) -> Value {
        let (region, mut value) = self.in_region(|lower| {
            for (pattern, arg) in closure.params.iter().zip(args) {
                lower.bind_pattern(pattern, &arg);
            }
            lower.tail(&closure.body)
        });
        wrap(&region, &mut value);
        value
    }

    pub(super) fn in_region(&mut self, run: impl FnOnce(&mut Self) -> Value) -> (Region, Value) {
        self.regions.push(Region::new());
        let value = run(self);
        (self.regions.pop().unwrap_or_default(), value)
    }

    /// A value complete in itself if it is one scalar; else its bindings join those around it.
    fn local_region(&mut self, run: impl FnOnce(&mut Self) -> Value) -> Value {
        let (region, mut value) = self.in_region(run);
        if let Value::Scalar(_) = value {
            wrap(&region, &mut value);
        } else if let Some(outer) = self.regions.last_mut() {
            outer.extend(region);
        }
        value
    }

    fn fresh(&mut self) -> LocalId {
        let local = LocalId(self.next_local);
        self.next_local += 1;
        local
    }

    fn frame(&mut self) -> &mut BTreeMap<BindingId, Value> {
        self.frames.last_mut().expect("a body is being lowered")
    }

    /// Gives a name to what would else be computed more than once.
    fn bind_expr(&mut self, expr: Expr) -> Expr {
        if is_trivial(&expr) {
            return expr;
        }
        let local = self.fresh();
        let (ty, span) = (expr.ty.clone(), expr.span);
        if let Some(region) = self.regions.last_mut() {
            region.push((local, expr));
        }
        Expr::new(ExprKind::Local(local), ty, span)
    }

    fn bind_value(&mut self, mut value: Value) -> Value {
        for leaf in value.leaves_mut() {
            let expr = std::mem::replace(leaf, Expr::bool(true));
            *leaf = self.bind_expr(expr);
        }
        value
    }

    /// Keeps what nothing reads but what may be a row error.
    fn discard(&mut self, value: Value) {
        for leaf in value.into_leaves() {
            if leaf.can_fail() {
                self.bind_expr(leaf);
            }
        }
    }

    // ---- values ----

    /// A scalar; bindings inside stay inside.
    fn scalar(&mut self, hir: &Hir) -> Expr {
        match self.local_region(|lower| lower.value(hir)) {
            Value::Scalar(expr) => expr,
            Value::Parts(_) | Value::Option(..) => Expr::bool(true), // only after an error
        }
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, hir: &Hir) -> Value {
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.depth >= MAX_DEPTH {
            let diagnostic = unsupported::too_large(self.span);
            self.cx.say(diagnostic);
            return Value::default_of(self.cx, &hir.ty);
        }
        self.depth += 1;
        let value = self.value_inner(hir);
        self.depth -= 1;
        value
    }

    fn value_inner(&mut self, hir: &Hir) -> Value {
        let span = hir.span;
        let ty = hir.ty.column_type();
        let literal = |literal: Literal| {
            Value::Scalar(Expr::new(ExprKind::Literal(literal), ty.clone().unwrap_or(Type::Bool), span))
        };
        match &hir.kind {
            HirKind::Error => Value::default_of(self.cx, &hir.ty),
            HirKind::Int(value) => literal(Literal::Int(*value)),
            HirKind::Float(value) if ty == Some(Type::Float32) =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "the constant of an `f32` is one")]
                literal(Literal::Float(f64::from(*value as f32)))
            }
            HirKind::Float(value) => literal(Literal::Float(*value)),
            HirKind::Bool(value) => literal(Literal::Bool(*value)),
            HirKind::Str(value) => literal(Literal::String(value.clone())),
            HirKind::Bytes(value) => literal(Literal::Bytes(value.clone())),
            HirKind::Local(id) => {
                let mut value = match self.frame().get(id) {
                    Some(value) => value.clone(),
                    None => Value::default_of(self.cx, &hir.ty),
                };
                if let Value::Scalar(expr) = &mut value {
                    expr.span = span;
                }
                value
            }
            HirKind::Param(id) => Value::Scalar(Expr::new(ExprKind::Param(*id), ty.unwrap_or(Type::Bool), span)),
            HirKind::Const(id) => match self.cx.consts[id.0 as usize].body.as_ref().map(Rc::clone) {
                Some(body) => self.inline(&body, Vec::new()),
                None => Value::default_of(self.cx, &hir.ty),
            },
            HirKind::Field(base, position) => match self.value(base) {
                Value::Parts(mut parts) if *position < parts.len() => {
                    let mut part = parts.swap_remove(*position);
                    for other in parts {
                        self.discard(other);
                    }
                    if let Value::Scalar(expr) = &mut part
                        && is_trivial(expr)
                    {
                        expr.span = span;
                    }
                    part
                }
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..) => Value::default_of(self.cx, &hir.ty),
            },
            HirKind::Unary(UnaryOp::Not, x) if hir.ty == Ty::BOOL => Value::Scalar(value::not(self.scalar(x), span)),
            HirKind::Unary(op, x) => {
                let x = Box::new(self.scalar(x));
                Value::Scalar(Expr::new(ExprKind::Unary(*op, x), ty.unwrap_or(Type::Bool), span))
            }
            HirKind::Binary(op, a, b) => self.binary(*op, a, b, ty, span),
            HirKind::Cast(x) => {
                let x = self.scalar(x);
                let ty = ty.unwrap_or(Type::Bool);
                if x.ty == ty {
                    return Value::Scalar(x);
                }
                Value::Scalar(Expr::new(ExprKind::Cast(Box::new(x)), ty, span))
            }
            HirKind::Into(x) => self.value(x),
            HirKind::If(condition, then, otherwise) => {
                let condition = self.scalar(condition);
                let then = self.in_region(|lower| lower.value(then));
                let otherwise = self.in_region(|lower| match otherwise {
                    Some(otherwise) => lower.value(otherwise),
                    None => unit(),
                });
                self.merge(Test::If(condition), then, otherwise, span)
            }
            HirKind::Match(scrutinee, arms) => self.local_region(|lower| {
                let value = lower.value(scrutinee);
                lower.arms(value, arms, span, &mut |lower, body| lower.value(body))
            }),
            HirKind::Block(statements, tail) => self.local_region(|lower| {
                for statement in statements {
                    lower.statement(statement);
                }
                match tail {
                    Some(tail) => lower.value(tail),
                    None => unit(),
                }
            }),
            HirKind::Return(_) => {
                // Where it may stand, `with` has taken care of it.
                self.cx.say(unsupported::return_inside(span));
                Value::default_of(self.cx, &hir.ty)
            }
            HirKind::Body(body) => self.local_region(|lower| lower.tail(body)),
            HirKind::Record(given, base) => self.record(hir, given, base.as_deref()),
            HirKind::Tuple(parts) if parts.is_empty() => unit(),
            HirKind::Tuple(parts) => Value::Parts(parts.iter().map(|part| self.value(part)).collect()),
            HirKind::Some(inner) => {
                let value = self.value(inner);
                match (value, ty) {
                    (Value::Scalar(inner), Some(ty)) => {
                        Value::Scalar(Expr::new(ExprKind::Some(Box::new(inner)), ty, span))
                    }
                    (value, _) => Value::Option(Expr::bool(true), Box::new(value)),
                }
            }
            HirKind::None => {
                let mut value = Value::default_of(self.cx, &hir.ty);
                if let Value::Scalar(expr) = &mut value {
                    expr.span = span;
                }
                value
            }
            HirKind::Call(Function::UnwrapOr, args) => match args.as_slice() {
                [option, default] => self.unwrap_or(option, default, span),
                _ => Value::default_of(self.cx, &hir.ty),
            },
            HirKind::Call(function, args) => {
                let args = args.iter().map(|arg| self.scalar(arg)).collect();
                Value::Scalar(Expr::new(ExprKind::Call(*function, args), ty.unwrap_or(Type::Bool), span))
            }
            HirKind::Udf(id, args) => match self.cx.functions[id.0 as usize].body.as_ref().map(Rc::clone) {
                Some(body) => {
                    let args = args.iter().map(|arg| self.value(arg)).collect();
                    self.inline(&body, args)
                }
                None => Value::default_of(self.cx, &hir.ty),
            },
            HirKind::GroupKey => self.group_key(hir),
            HirKind::Aggregate(call) => self.aggregate(call, hir),
        }
    }

    fn binary(&mut self, op: BinaryOp, a: &Hir, b: &Hir, ty: Option<Type>, span: Span) -> Value {
        let is_comparison =
            matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge);
        if is_comparison && a.ty.column_type().is_none() {
            return self.local_region(|lower| {
                let a = lower.value(a);
                let a = lower.bind_value(a);
                let b = lower.value(b);
                let b = lower.bind_value(b);
                Value::Scalar(compare(op, &a, &b, span))
            });
        }
        let a = self.scalar(a);
        let b = self.scalar(b);
        Value::Scalar(value::binary(op, a, b, ty.unwrap_or(Type::Bool), span))
    }

    fn record(&mut self, hir: &Hir, given: &[(usize, Hir)], base: Option<&Hir>) -> Value {
        let Ty::Record(id) = hir.ty else { return Value::default_of(self.cx, &hir.ty) };
        let width = self.cx.record(id).fields.len();
        let mut parts: Vec<Option<Value>> = vec![None; width];
        for (position, field) in given {
            parts[*position] = Some(self.value(field));
        }
        if let Some(base) = base
            && let Value::Parts(of_base) = self.value(base)
        {
            for (part, of_base) in parts.iter_mut().zip(of_base) {
                match part {
                    None => *part = Some(of_base),
                    Some(_) => self.discard(of_base),
                }
            }
        }
        let fields = self.cx.record(id).fields.clone();
        let parts = parts.into_iter().zip(&fields);
        Value::Parts(parts.map(|(part, field)| part.unwrap_or_else(|| Value::default_of(self.cx, &field.ty))).collect())
    }

    fn unwrap_or(&mut self, option: &Hir, default: &Hir, span: Span) -> Value {
        let is_scalar = option.ty.column_type().is_some();
        if is_scalar {
            let option = self.scalar(option);
            let default = self.scalar(default);
            return Value::Scalar(value::unwrap_or(option, default, span));
        }
        let option = self.value(option);
        let default = self.value(default);
        let default = self.bind_value(default);
        match option {
            Value::Option(present, inner) => {
                self.merge(Test::If(present), (Region::new(), *inner), (Region::new(), default), span)
            }
            Value::Scalar(_) | Value::Parts(_) => default,
        }
    }

    /// The body of a function, around it its arguments as `let`s.
    fn inline(&mut self, body: &HirClosure, args: Vec<Value>) -> Value {
        self.local_region(|lower| {
            let args: Vec<Value> = args.into_iter().map(|arg| lower.bind_value(arg)).collect();
            lower.frames.push(BTreeMap::new());
            for (pattern, arg) in body.params.iter().zip(&args) {
                lower.bind_pattern(pattern, arg);
            }
            let value = lower.tail(&body.body);
            lower.frames.pop();
            value
        })
    }

    fn statement(&mut self, statement: &HirStatement) {
        match statement {
            HirStatement::Let(pattern, value) => {
                let value = self.value(value);
                if matches!(pattern.kind, PatKind::Wild) {
                    self.discard(value);
                } else {
                    self.bind_pattern(pattern, &value);
                }
            }
            HirStatement::Expr(value) => {
                let value = self.value(value);
                self.discard(value);
            }
        }
    }

    // ---- return ----

    /// The value of a body, where `return` may stand.
    pub(super) fn tail(&mut self, hir: &Hir) -> Value {
        self.with(hir, &mut |_, value| value)
    }

    /// Goes on with the value of `hir`, unless a `return` inside it ends the body: then that is the body's value.
    /// So `if c { return x; } rest` becomes `if c { x } else { rest }`.
    fn with(&mut self, hir: &Hir, rest: &mut dyn FnMut(&mut Self, Value) -> Value) -> Value {
        if !hir.has_return() {
            let value = self.value(hir);
            return rest(self, value);
        }
        self.nodes += 1;
        match &hir.kind {
            HirKind::Return(Some(value)) => self.tail(value),
            HirKind::Return(None) => unit(),
            HirKind::If(condition, then, otherwise) if !condition.has_return() => {
                let condition = self.scalar(condition);
                let then = self.in_region(|lower| lower.with(then, rest));
                let otherwise = self.in_region(|lower| match otherwise {
                    Some(otherwise) => lower.with(otherwise, rest),
                    None => rest(lower, unit()),
                });
                self.merge(Test::If(condition), then, otherwise, hir.span)
            }
            HirKind::Match(value, arms)
                if !value.has_return() && !arms.iter().any(|arm| arm.guard.as_ref().is_some_and(Hir::has_return)) =>
            {
                let value = self.value(value);
                self.arms(value, arms, hir.span, &mut |lower, body| lower.with(body, rest))
            }
            HirKind::Block(statements, tail) => self.block_with(statements, tail.as_deref(), rest),
            _ => {
                let mut place = hir.span;
                hir.for_each_child(&mut |child| {
                    if child.has_return() {
                        place = child.span;
                    }
                });
                self.cx.say(unsupported::return_inside(place));
                let value = Value::default_of(self.cx, &hir.ty);
                rest(self, value)
            }
        }
    }

    fn block_with(
        &mut self,
        statements: &[HirStatement],
        tail: Option<&Hir>,
        rest: &mut dyn FnMut(&mut Self, Value) -> Value,
    ) -> Value {
        if self.nodes > MAX_NODES {
            let diagnostic = unsupported::too_large(self.span);
            self.cx.say(diagnostic);
            return unit();
        }
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

    // ---- match ----

    /// `match value { arms }`: the first arm whose pattern and guard hold.
    fn arms(
        &mut self,
        value: Value,
        arms: &[HirArm],
        span: Span,
        body: &mut dyn FnMut(&mut Self, &Hir) -> Value,
    ) -> Value {
        let value = self.bind_value(value);
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
                    body(lower, &arm.body)
                });
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
                body(lower, &arm.body)
            });
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
        value
    }

    /// Whether the value matches; `None` if it always does.
    fn test(&mut self, pattern: &HirPat, value: &Value) -> Option<Expr> {
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
                let bound = |value: f64| Expr::new(ExprKind::Literal(Literal::Float(value)), x.ty.clone(), span);
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

    /// Gives the pattern's variables their values; what the pattern asks was asked before.
    pub(super) fn bind_pattern(&mut self, pattern: &HirPat, value: &Value) {
        match (&pattern.kind, value) {
            (PatKind::Bind(id, inner), _) => {
                let value = self.bind_value(value.clone());
                if let Some(inner) = inner {
                    self.bind_pattern(inner, &value);
                }
                self.frame().insert(*id, value);
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
    fn merge(&mut self, test: Test, then: (Region, Value), otherwise: (Region, Value), span: Span) -> Value {
        let ((then_region, mut then), (otherwise_region, mut otherwise)) = (then, otherwise);
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

/// `()`.
fn unit() -> Value {
    Value::Scalar(Expr::bool(true))
}

/// What `Some(inner)` binds, if the arm takes every `Some`.
fn some_of_all(arm: &HirArm) -> Option<&HirPat> {
    match &arm.pattern.kind {
        PatKind::Some(inner) if arm.guard.is_none() && inner.is_irrefutable() => Some(inner),
        _ => None,
    }
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
        PatKind::Wild
        | PatKind::Bool(_)
        | PatKind::Int(..)
        | PatKind::Float(..)
        | PatKind::Str(_)
        | PatKind::Bytes(_)
        | PatKind::None => Vec::new(),
    }
}

/// Puts around each scalar the bindings it needs, and around the first those that nothing needs but that may fail.
pub(super) fn wrap(region: &Region, value: &mut Value) {
    if region.is_empty() {
        return;
    }
    let values: BTreeMap<LocalId, &Expr> = region.iter().map(|(local, value)| (*local, value)).collect();
    let mut leaves = value.leaves_mut();
    let mut needed: Vec<BTreeSet<LocalId>> = leaves.iter().map(|leaf| needs(leaf, &values)).collect();
    let mut by_any: BTreeSet<LocalId> = needed.iter().flatten().copied().collect();
    if let Some(first) = needed.first_mut() {
        for (local, value) in region.iter().rev() {
            if !by_any.contains(local) && value.can_fail() {
                for more in needs(value, &values).into_iter().chain([*local]) {
                    first.insert(more);
                    by_any.insert(more);
                }
            }
        }
    }
    for (leaf, needed) in leaves.iter_mut().zip(needed) {
        for (local, value) in region.iter().rev() {
            if needed.contains(local) {
                let body = std::mem::replace(*leaf, Expr::bool(true));
                let span = body.span;
                **leaf = value::let_(*local, value.clone(), body, span);
            }
        }
    }
}

/// The bindings that an expression reads, and those that they read.
fn needs(expr: &Expr, values: &BTreeMap<LocalId, &Expr>) -> BTreeSet<LocalId> {
    let mut needed = BTreeSet::new();
    let mut waiting = vec![expr];
    while let Some(expr) = waiting.pop() {
        expr.walk(&mut |node| {
            if let ExprKind::Local(local) = node.kind
                && let Some(value) = values.get(&local)
                && needed.insert(local)
            {
                waiting.push(value);
            }
        });
    }
    needed
}

/// Compares what no single column holds: parts in order, `None` before `Some`.
fn compare(op: BinaryOp, a: &Value, b: &Value, span: Span) -> Expr {
    let bool_of = |op, a: &Expr, b: &Expr| value::binary(op, a.clone(), b.clone(), Type::Bool, span);
    match op {
        BinaryOp::Ne => value::not(compare(BinaryOp::Eq, a, b, span), span),
        BinaryOp::Eq => match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => bool_of(op, a, b),
            (Value::Parts(a), Value::Parts(b)) => a.iter().zip(b).fold(Expr::bool(true), |all, (a, b)| {
                value::binary(BinaryOp::And, all, compare(op, a, b, span), Type::Bool, span)
            }),
            (Value::Option(a_there, a), Value::Option(b_there, b)) => {
                let same = bool_of(BinaryOp::Eq, a_there, b_there);
                let equal = compare(op, a, b, span);
                let missing = value::not(a_there.clone(), span);
                let equal = value::binary(BinaryOp::Or, missing, equal, Type::Bool, span);
                value::binary(BinaryOp::And, same, equal, Type::Bool, span)
            }
            (
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            ) => Expr::bool(true),
        },
        _ => match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => bool_of(op, a, b),
            (Value::Parts(a), Value::Parts(b)) => {
                let mut pairs = a.iter().zip(b).rev();
                let strict = match op {
                    BinaryOp::Le => BinaryOp::Lt,
                    BinaryOp::Ge => BinaryOp::Gt,
                    other => other,
                };
                let Some((a, b)) = pairs.next() else {
                    return Expr::bool(matches!(op, BinaryOp::Le | BinaryOp::Ge));
                };
                pairs.fold(compare(op, a, b, span), |rest, (a, b)| {
                    let same = compare(BinaryOp::Eq, a, b, span);
                    value::if_(&[], same, rest, compare(strict, a, b, span), span)
                })
            }
            (
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            ) => Expr::bool(true),
        },
    }
}

/// Makes every binder of an expression unique in it: copies of a binding may stand side by side.
pub(super) fn unique_locals(expr: &mut Expr) {
    fn visit(expr: &mut Expr, seen: &mut BTreeSet<LocalId>, next: &mut u32) {
        let (ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. }) = &mut expr.kind else {
            for child in expr.children_mut() {
                visit(child, seen, next);
            }
            return;
        };
        let old = *local;
        if !seen.insert(old) {
            *next += 1;
            *local = LocalId(*next);
            seen.insert(*local);
            let new = *local;
            let scope = match &mut expr.kind {
                ExprKind::Let { body, .. } => body,
                ExprKind::IfSome { then, .. } => then,
                _ => return,
            };
            scope.rewrite(&mut |node| {
                if node.kind == ExprKind::Local(old) {
                    node.kind = ExprKind::Local(new);
                }
            });
        }
        for child in expr.children_mut() {
            visit(child, seen, next);
        }
    }
    let mut greatest = 0;
    let mut binders = 0;
    let mut seen = BTreeSet::new();
    expr.walk(&mut |node| {
        if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } = node.kind {
            greatest = greatest.max(local.0);
            binders += 1;
            seen.insert(local);
        }
    });
    if seen.len() < binders {
        visit(expr, &mut BTreeSet::new(), &mut greatest);
    }
}
