//! Typed code to [`sabot_ir::expr`]: functions inlined, records taken apart, `match` and `return` made `If` and `IfSome`.
//!
//! A `let` of a scalar stays where it stands. What is bound inside something that has several scalars (a block that gives
//! a record) is kept in the *region* around it, and each scalar that leaves the region takes along the bindings it needs.
//! Bindings that nothing needs but that may be row errors go with the first scalar, so that no error is lost.

use super::Cx;
use super::choice::Test;
use super::hir::{BindingId, ConstId, FunctionId, Hir, HirArm, HirClosure, HirKind, HirStatement, PatKind};
use super::machine::Machine;
use super::mutation::BodyEnd;
use super::region::{Region, wrap};
use super::types::Ty;
use super::value::{self, Presence, Value, is_never, is_trivial};
use crate::diagnostics::unsupported;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Nodes beyond which an expression is refused: functions that call functions twice each grow without bound.
pub(super) const MAX_NODES: usize = 50_000;
/// Nesting beyond which an expression is refused.
const MAX_DEPTH: u32 = 300;

/// The lowering of what one plan node computes.
pub(super) struct Lower<'a, 'd> {
    pub(super) cx: &'a mut Cx<'d>,
    pub(super) frames: Vec<BTreeMap<BindingId, Value>>,
    pub(super) regions: Vec<Region>,
    /// Bodies that are being made, the innermost last.
    pub(super) machines: Vec<Machine>,
    /// Whether the function that is being lowered assigns to anything.
    pub(super) mutates: bool,
    /// Counts assignments, to see whether there were any.
    pub(super) changes: u64,
    /// What each closure that is called where it stands gives beside its value.
    pub(super) packs: Vec<BodyEnd>,
    next_local: u32,
    hidden: u32,
    pub(super) nodes: usize,
    depth: u32,
    /// Where the whole stands, for messages about its size.
    pub(super) span: Span,
    pub(super) sides: Vec<Presence>,
    pub(super) group: Option<super::aggregate::GroupCx>,
}

impl<'a, 'd> Lower<'a, 'd> {
    /// Nothing lowered yet.
    pub(super) fn new(cx: &'a mut Cx<'d>, sides: Vec<Presence>, span: Span) -> Self {
        Self {
            cx,
            frames: vec![BTreeMap::new()],
            regions: vec![Region::new()],
            machines: Vec::new(),
            mutates: false,
            changes: 0,
            packs: Vec::new(),
            next_local: 0,
            hidden: 0,
            nodes: 0,
            depth: 0,
            span,
            sides,
            group: None,
        }
    }

    /// The value of a closure that is called with these values; complete in itself.
    pub(super) fn closure(&mut self, closure: &HirClosure, args: Vec<Value>) -> Value {
        let mutates = std::mem::replace(&mut self.mutates, Self::assigns(&closure.body));
        self.packs.push(BodyEnd::default());
        let (region, mut value) = self.in_region(|lower| {
            for (pattern, arg) in closure.params.iter().zip(args) {
                lower.bind_pattern(pattern, &arg);
            }
            let value = lower.tail(&closure.body);
            lower.never_typed(value, &closure.body)
        });
        self.packs.pop();
        self.mutates = mutates;
        wrap(&region, &mut value);
        value
    }

    pub(super) fn in_region(&mut self, run: impl FnOnce(&mut Self) -> Value) -> (Region, Value) {
        self.regions.push(Region::new());
        let value = run(self);
        (self.regions.pop().unwrap_or_default(), value)
    }

    /// A value complete in itself if it is one scalar; else its bindings join those around it.
    pub(super) fn local_region(&mut self, run: impl FnOnce(&mut Self) -> Value) -> Value {
        let before = self.changes;
        let (region, mut value) = self.in_region(run);
        // What was assigned is read outside, with what was bound on the way to it.
        if let (Value::Scalar(_), true) = (&value, self.changes == before) {
            wrap(&region, &mut value);
        } else if self.in_machine() {
            self.flush(region, &mut value);
        } else if let Some(outer) = self.regions.last_mut() {
            outer.extend(region);
        }
        value
    }

    pub(super) fn fresh(&mut self) -> LocalId {
        let local = LocalId(self.next_local);
        self.next_local += 1;
        local
    }

    /// A variable that no code names.
    pub(super) fn hidden_binding(&mut self) -> BindingId {
        self.hidden += 1;
        BindingId(u32::MAX - self.hidden)
    }

    pub(super) fn frame(&mut self) -> &mut BTreeMap<BindingId, Value> {
        self.frames.last_mut().expect("a body is being lowered")
    }

    /// Gives a name to what would else be computed more than once.
    pub(super) fn bind_expr(&mut self, expr: Expr) -> Expr {
        if self.in_machine() {
            return self.keep(expr);
        }
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

    pub(super) fn bind_value(&mut self, mut value: Value) -> Value {
        for leaf in value.leaves_mut() {
            let expr = std::mem::replace(leaf, Expr::bool(true));
            *leaf = self.bind_expr(expr);
        }
        value
    }

    /// Keeps what nothing reads but what may be a row error.
    pub(super) fn discard(&mut self, value: Value) {
        for leaf in value.into_leaves() {
            if !leaf.can_fail() {
                continue;
            }
            if self.in_machine() {
                self.evaluate(leaf);
            } else {
                self.bind_expr(leaf);
            }
        }
    }

    // ---- values ----

    /// A scalar; bindings inside stay inside.
    pub(super) fn scalar(&mut self, hir: &Hir) -> Expr {
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

    /// Only tells the forms apart: each has a function of its own, so that deep code needs little stack.
    fn value_inner(&mut self, hir: &Hir) -> Value {
        if self.mutates
            && is_strict(hir)
            && hir.is_active()
            && !self.in_machine()
            && let Some(value) = self.named_parts(hir)
        {
            return value;
        }
        if !self.machines.is_empty() && self.in_machine() && hir.is_active() {
            return self.act(hir);
        }
        match &hir.kind {
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
            | HirKind::Param(_)
            | HirKind::None => self.leaf(hir),
            HirKind::Const(id) => self.constant(*id, hir),
            HirKind::Field(base, position) => self.field(hir, base, *position),
            HirKind::Unary(op, x) => self.unary(*op, x, hir),
            HirKind::Binary(op, a, b) => self.binary(*op, a, b, hir),
            HirKind::Cast(x) => self.cast(x, hir),
            HirKind::Into(x) => self.into(x, hir),
            HirKind::If(condition, then, otherwise) => self.if_(condition, then, otherwise.as_deref(), hir.span),
            HirKind::Match(scrutinee, arms) => self.match_(scrutinee, arms, hir.span),
            HirKind::Block(statements, None) if hir.ty == Ty::Never => {
                let value = self.block(statements, None);
                self.discard(value);
                self.value_inner(&Hir::never(hir.span))
            }
            HirKind::Block(statements, tail) => self.block(statements, tail.as_deref()),
            // Where it may stand, `with` takes care of it; where not, it is reported.
            HirKind::Return(_) => Value::default_of(self.cx, &hir.ty),
            HirKind::Body(body) => self.called_body(body),
            HirKind::Record(given, base) => self.record(hir, given, base.as_deref()),
            HirKind::Tuple(parts) => self.tuple(parts),
            HirKind::Some(inner) => self.some(inner, hir),
            HirKind::Call(function, args) => self.call(*function, args, hir),
            HirKind::Udf(id, chosen, args) => self.udf(*id, chosen, args, hir),
            HirKind::Default => self.default(hir),
            HirKind::Group(part) => {
                let value = self.group_part(*part, hir);
                self.value_inside(value)
            }
            HirKind::Aggregate(_) if !self.machines.is_empty() => {
                self.cx.say(unsupported::aggregate_in_loop(hir.span));
                Value::default_of(self.cx, &hir.ty)
            }
            HirKind::Aggregate(call) => self.aggregate(call, hir),
            HirKind::Assign(place, value) => {
                let value = self.value(value);
                self.assign(place, value)
            }
            HirKind::Loop(..) | HirKind::Labeled(..) => {
                let ran = self.run(hir);
                if hir.ty == Ty::Never { self.value_inner(&Hir::never(hir.span)) } else { ran.value }
            }
            // Only in a loop, which is lowered to statements.
            HirKind::Break(..) | HirKind::Continue(_) => Value::default_of(self.cx, &hir.ty),
            HirKind::Fail(failure) => Value::Scalar(Expr::new(ExprKind::Fail(failure.clone()), Type::Bool, hir.span)),
            HirKind::Never(inner) => {
                let value = self.value(inner);
                self.never_value(value, &hir.ty)
            }
            HirKind::Later => Value::nothing(self.cx, &hir.ty),
        }
    }

    fn leaf(&mut self, hir: &Hir) -> Value {
        let span = hir.span;
        let ty = hir.ty.column_type();
        let kind = match &hir.kind {
            HirKind::Int(value) => ExprKind::Literal(Literal::Int(*value)),
            HirKind::Float(value) if ty == Some(Type::Float32) =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "the constant of an `f32` is one")]
                ExprKind::Literal(Literal::Float(f64::from(*value as f32)))
            }
            HirKind::Float(value) => ExprKind::Literal(Literal::Float(*value)),
            HirKind::Bool(value) => ExprKind::Literal(Literal::Bool(*value)),
            HirKind::Str(value) => ExprKind::Literal(Literal::String(value.clone())),
            HirKind::Bytes(value) => ExprKind::Literal(Literal::Bytes(value.clone())),
            HirKind::Param(id) => {
                return Value::Scalar(self.param_inside(*id, &ty.unwrap_or(Type::Bool), span));
            }
            HirKind::None => match (&hir.ty, &ty) {
                (Ty::Option(inner), None) => {
                    return Value::Option(Expr::bool(false), Box::new(Value::nothing(self.cx, inner)));
                }
                _ => ExprKind::None,
            },
            HirKind::Local(_) if hir.ty == Ty::Never => return self.value_inner(&Hir::never(span)),
            HirKind::Local(id) => {
                let mut value = match self.frame().get(id) {
                    Some(value) => value.clone(),
                    None => Value::default_of(self.cx, &hir.ty),
                };
                if let Value::Scalar(expr) = &mut value {
                    expr.span = span;
                }
                return value;
            }
            HirKind::Error
            | HirKind::Const(_)
            | HirKind::Field(..)
            | HirKind::Unary(..)
            | HirKind::Binary(..)
            | HirKind::Cast(_)
            | HirKind::If(..)
            | HirKind::Match(..)
            | HirKind::Block(..)
            | HirKind::Return(_)
            | HirKind::Record(..)
            | HirKind::Tuple(_)
            | HirKind::Some(_)
            | HirKind::Call(..)
            | HirKind::Udf(..)
            | HirKind::Default
            | HirKind::Body(_)
            | HirKind::Into(_)
            | HirKind::Group(_)
            | HirKind::Aggregate(_)
            | HirKind::Assign(..)
            | HirKind::Loop(..)
            | HirKind::Labeled(..)
            | HirKind::Break(..)
            | HirKind::Continue(_)
            | HirKind::Fail(_)
            | HirKind::Never(_)
            | HirKind::Later => return Value::default_of(self.cx, &hir.ty),
        };
        Value::Scalar(Expr::new(kind, ty.unwrap_or(Type::Bool), span))
    }

    fn constant(&mut self, id: ConstId, hir: &Hir) -> Value {
        match self.cx.consts[id.0 as usize].body.as_ref().map(Rc::clone) {
            Some(body) => self.inline(&body, Vec::new()),
            None => Value::default_of(self.cx, &hir.ty),
        }
    }

    fn field(&mut self, hir: &Hir, base: &Hir, position: usize) -> Value {
        let Value::Parts(mut parts) = self.value(base) else { return Value::default_of(self.cx, &hir.ty) };
        if position >= parts.len() {
            return Value::default_of(self.cx, &hir.ty);
        }
        let mut part = parts.swap_remove(position);
        for other in parts {
            self.discard(other);
        }
        if let Value::Scalar(expr) = &mut part
            && is_trivial(expr)
        {
            expr.span = hir.span;
        }
        part
    }

    fn unary(&mut self, op: UnaryOp, x: &Hir, hir: &Hir) -> Value {
        let x = self.scalar(x);
        if op == UnaryOp::Not && hir.ty == Ty::BOOL {
            return Value::Scalar(value::not(x, hir.span));
        }
        let ty = x.ty.clone();
        Value::Scalar(Expr::new(ExprKind::Unary(op, Box::new(x)), ty, hir.span))
    }

    fn cast(&mut self, x: &Hir, hir: &Hir) -> Value {
        let x = self.scalar(x);
        let ty = hir.ty.column_type().unwrap_or(Type::Bool);
        if x.ty == ty {
            return Value::Scalar(x);
        }
        Value::Scalar(Expr::new(ExprKind::Cast(Box::new(x)), ty, hir.span))
    }

    fn if_(&mut self, condition: &Hir, then: &Hir, otherwise: Option<&Hir>, span: Span) -> Value {
        let condition = self.scalar(condition);
        let changed = self.changed_by([then].into_iter().chain(otherwise));
        let present = self.present();
        let then = self.in_region(|lower| {
            let value = lower.value(then);
            lower.pack(value, &changed)
        });
        self.restore(&present);
        let otherwise = self.in_region(|lower| {
            let value = match otherwise {
                Some(otherwise) => lower.value(otherwise),
                None => unit(),
            };
            lower.pack(value, &changed)
        });
        self.restore(&present);
        let merged = self.merge(Test::If(condition), then, otherwise, span);
        self.unpack(merged, &changed)
    }

    fn match_(&mut self, scrutinee: &Hir, arms: &[HirArm], span: Span) -> Value {
        self.local_region(|lower| {
            let value = lower.value(scrutinee);
            let changed = lower.changed_by(arms.iter().map(|arm| &arm.body));
            lower.arms(value, arms, span, &changed, &mut |lower, body| lower.value(body))
        })
    }

    fn block(&mut self, statements: &[HirStatement], tail: Option<&Hir>) -> Value {
        self.local_region(|lower| {
            for statement in statements {
                lower.statement(statement);
            }
            match tail {
                Some(tail) => lower.value(tail),
                None => unit(),
            }
        })
    }

    fn tuple(&mut self, parts: &[Hir]) -> Value {
        if parts.is_empty() {
            return unit();
        }
        Value::Parts(parts.iter().map(|part| self.value(part)).collect())
    }

    fn some(&mut self, inner: &Hir, hir: &Hir) -> Value {
        match (self.value(inner), hir.ty.column_type()) {
            (Value::Scalar(inner), Some(ty)) => Value::Scalar(Expr::new(ExprKind::Some(Box::new(inner)), ty, hir.span)),
            (value, _) => Value::Option(Expr::bool(true), Box::new(value)),
        }
    }

    fn call(&mut self, function: Function, args: &[Hir], hir: &Hir) -> Value {
        if let (Function::UnwrapOr, [option, default]) = (function, args) {
            return self.unwrap_or(option, default, hir.span);
        }
        if let Function::List(function) = function {
            return self.list_function(function, args, hir);
        }
        let mut args: Vec<Expr> = args.iter().map(|arg| self.scalar(arg)).collect();
        let ty = hir.ty.column_type().unwrap_or(Type::Bool);
        let mut function = function;
        match (function, args.as_mut_slice()) {
            (Function::Parse, _) => {
                function = super::library::parse_of(ty.value_type()).map_or(function, Function::Value);
            }
            (Function::Append, [_, value, spec]) => {
                if let Some(text) = super::library::text_of(value, spec) {
                    (*value, *spec) = text;
                }
            }
            _ => {}
        }
        Value::Scalar(Expr::new(ExprKind::Call(function, args), ty, hir.span))
    }

    /// A conversion that the types have allowed.
    fn into(&mut self, x: &Hir, hir: &Hir) -> Value {
        if let Ty::Result(to, _) = &hir.ty {
            return self.tried(x, to, hir.span);
        }
        if x.ty == hir.ty || hir.ty.column_type().is_none() { self.value(x) } else { self.cast(x, hir) }
    }

    /// What `Default` gives of the type that stands for a type parameter.
    fn default(&mut self, hir: &Hir) -> Value {
        match super::option::default_of(&hir.ty, hir.span) {
            Some(default) => self.value(&default),
            None => Value::default_of(self.cx, &hir.ty),
        }
    }

    fn udf(&mut self, id: FunctionId, chosen: &[Ty], args: &[Hir], hir: &Hir) -> Value {
        let function = &self.cx.functions[id.0 as usize];
        match function.body.as_ref().map(Rc::clone) {
            Some(mut body) => {
                if !chosen.is_empty() {
                    let map = function.generics.iter().copied().zip(chosen.iter().cloned()).collect();
                    body = Rc::new(super::generic::instance(&body, &map));
                }
                let args = args.iter().map(|arg| self.value(arg)).collect();
                self.inline(&body, args)
            }
            None => Value::default_of(self.cx, &hir.ty),
        }
    }

    /// `a + b + c + …` goes down its left side in a loop.
    fn binary(&mut self, op: BinaryOp, a: &Hir, b: &Hir, hir: &Hir) -> Value {
        if self.mutates && (a.is_active() || b.is_active()) {
            if matches!(op, BinaryOp::And | BinaryOp::Or) {
                let decided = Hir::new(HirKind::Bool(op == BinaryOp::Or), hir.ty.clone(), hir.span);
                let (then, otherwise) = if op == BinaryOp::And { (b, &decided) } else { (&decided, b) };
                return self.if_(a, then, Some(otherwise), hir.span);
            }
            if let Some(value) = self.named_parts(hir) {
                return value;
            }
        }
        let is_comparison =
            matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge);
        if is_comparison && super::wrapper::has_reverse(&a.ty) {
            return self.local_region(|lower| {
                let left = lower.value(a);
                let left = lower.bind_value(left);
                let right = lower.value(b);
                let right = lower.bind_value(right);
                Value::Scalar(super::wrapper::compare(op, &a.ty, &left, &right, hir.span))
            });
        }
        if is_comparison && matches!(a.ty, Ty::List(_) | Ty::Of(..)) && a.ty.column_type().is_none() {
            return self.local_region(|lower| lower.equal_lists(op, a, b, hir.span));
        }
        if is_comparison && a.ty.column_type().is_none() {
            return self.local_region(|lower| {
                let a = lower.value(a);
                let a = lower.bind_value(a);
                let b = lower.value(b);
                let b = lower.bind_value(b);
                Value::Scalar(value::compare(op, &a, &b, hir.span))
            });
        }
        let mut spine = vec![(op, b, hir)];
        let mut first = a;
        while let HirKind::Binary(op, a, b) = &first.kind
            && a.ty.column_type().is_some()
        {
            spine.push((*op, b, first));
            first = a;
        }
        let mut result = self.scalar(first);
        for (op, right, at) in spine.into_iter().rev() {
            self.nodes += 1;
            let mut right = self.scalar(right);
            let ty = at.ty.column_type().unwrap_or(Type::Bool);
            if is_never(&right) && right.ty != result.ty {
                right = value::retyped(right, &result.ty);
            } else if is_never(&result) && result.ty != right.ty {
                result = value::retyped(result, &right.ty);
            }
            result = value::binary(op, result, right, ty, at.span);
        }
        Value::Scalar(result)
    }

    fn record(&mut self, hir: &Hir, given: &[(usize, Hir)], base: Option<&Hir>) -> Value {
        if let Ty::Result(inner, error) = &hir.ty {
            return self.outcome(hir, given, inner, error);
        }
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
    pub(super) fn inline(&mut self, body: &HirClosure, args: Vec<Value>) -> Value {
        let mutates = std::mem::replace(&mut self.mutates, Self::assigns(&body.body));
        self.packs.push(BodyEnd::default());
        let value = self.local_region(|lower| {
            let changes = lower.changes;
            let args: Vec<Value> = args.into_iter().map(|arg| lower.bind_value(arg)).collect();
            lower.frames.push(BTreeMap::new());
            for (pattern, arg) in body.params.iter().zip(&args) {
                lower.bind_pattern(pattern, arg);
            }
            let value = lower.tail(&body.body);
            let value = lower.never_typed(value, &body.body);
            lower.frames.pop();
            // What it has assigned to is gone with it.
            lower.changes = changes;
            value
        });
        self.packs.pop();
        self.mutates = mutates;
        value
    }

    /// The value of a whole body, which has its type even where it never comes to be.
    fn never_typed(&mut self, value: Value, body: &Hir) -> Value {
        if matches!(&value, Value::Scalar(expr) if is_never(expr)) && body.ty != Ty::Never {
            return self.never_value(value, &body.ty);
        }
        value
    }

    pub(super) fn statement(&mut self, statement: &HirStatement) {
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
            // Lowered where what follows is at hand.
            HirStatement::LetElse(pattern, value, _) => {
                let value = self.value(value);
                self.bind_pattern(pattern, &value);
            }
        }
    }
}

/// `()`.
pub(super) fn unit() -> Value {
    Value::Scalar(Expr::bool(true))
}

/// Whether it evaluates all of its parts, one after the other; operators are looked at on their own.
fn is_strict(hir: &Hir) -> bool {
    matches!(hir.kind, HirKind::Record(..) | HirKind::Tuple(_) | HirKind::Call(..) | HirKind::Udf(..))
}
