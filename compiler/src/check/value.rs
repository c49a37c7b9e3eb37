//! What an expression is once records and tuples are taken apart: scalar expressions in the shape of the type.
//!
//! Beside it the constructors of [`Expr`] that see what is already decided: `if true`, `Some(x).is_some()`, the rows of
//! an outer join that are there exactly when their columns are not null.

use super::Cx;
use super::types::Ty;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, UnaryOp};
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::BTreeSet;

/// A value whose scalars are known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// What one column can hold. `()` is `true`.
    Scalar(Expr),
    /// A record's fields, a tuple's parts.
    Parts(Vec<Value>),
    /// An `Option` of what no single column holds: whether it is `Some`, and what is in it then.
    Option(Expr, Box<Value>),
}

impl Value {
    /// The scalars in order.
    pub(super) fn leaves(&self) -> Vec<&Expr> {
        match self {
            Self::Scalar(expr) => vec![expr],
            Self::Parts(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Option(present, inner) => [present].into_iter().chain(inner.leaves()).collect(),
        }
    }

    /// The scalars in order, to be changed.
    pub(super) fn leaves_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Scalar(expr) => vec![expr],
            Self::Parts(parts) => parts.iter_mut().flat_map(Self::leaves_mut).collect(),
            Self::Option(present, inner) => [present].into_iter().chain(inner.leaves_mut()).collect(),
        }
    }

    /// The scalars in order.
    pub(super) fn into_leaves(self) -> Vec<Expr> {
        match self {
            Self::Scalar(expr) => vec![expr],
            Self::Parts(parts) => parts.into_iter().flat_map(Self::into_leaves).collect(),
            Self::Option(present, inner) => [present].into_iter().chain(inner.into_leaves()).collect(),
        }
    }

    /// The value of this type whose scalars `leaf` makes, in order.
    pub(super) fn of_type(cx: &Cx<'_>, ty: &Ty, leaf: &mut dyn FnMut(Type) -> Expr) -> Self {
        if let Some(column) = ty.column_type() {
            return Self::Scalar(leaf(column));
        }
        match ty {
            Ty::Tuple(parts) if parts.is_empty() => Self::Scalar(Expr::bool(true)),
            Ty::Tuple(parts) => Self::Parts(parts.iter().map(|part| Self::of_type(cx, part, leaf)).collect()),
            Ty::Record(id) => {
                let fields = cx.record(*id).fields.iter();
                Self::Parts(fields.map(|field| Self::of_type(cx, &field.ty, leaf)).collect())
            }
            Ty::Option(inner) => {
                let present = leaf(Type::Bool);
                Self::Option(present, Box::new(Self::of_type(cx, inner, leaf)))
            }
            Ty::Result(inner, error) if error.is_silent() => {
                let present = leaf(Type::Bool);
                Self::Option(present, Box::new(Self::of_type(cx, inner, leaf)))
            }
            Ty::Result(inner, error) => {
                let is_ok = Self::Scalar(leaf(Type::Bool));
                Self::Parts(vec![is_ok, Self::of_type(cx, inner, leaf), Self::of_type(cx, error, leaf)])
            }
            Ty::List(item) => Self::list_of(cx, item, 1, leaf),
            Ty::Of(wrapper, inner) => Self::of_type(cx, &wrapper.inside(inner), leaf),
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Group
            | Ty::Failure
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Var(_) => Self::Scalar(Expr::bool(true)),
        }
    }

    /// Lists of this depth of what no single column holds: one list for each scalar of an item, all of one length.
    /// Of an `Option` the first list says which are `Some`.
    fn list_of(cx: &Cx<'_>, item: &Ty, depth: usize, leaf: &mut dyn FnMut(Type) -> Expr) -> Self {
        let list = |ty: Type| (0..depth).fold(ty, |ty, _| Type::List(Box::new(ty)));
        match item {
            Ty::Tuple(parts) if !parts.is_empty() => {
                Self::Parts(parts.iter().map(|part| Self::list_of(cx, part, depth, leaf)).collect())
            }
            Ty::Record(id) => {
                let fields = cx.record(*id).fields.iter();
                Self::Parts(fields.map(|field| Self::list_of(cx, &field.ty, depth, leaf)).collect())
            }
            Ty::Option(inner) => {
                let present = leaf(list(Type::Bool));
                Self::Option(present, Box::new(Self::list_of(cx, inner, depth, leaf)))
            }
            Ty::Result(inner, error) if error.is_silent() => {
                let present = leaf(list(Type::Bool));
                Self::Option(present, Box::new(Self::list_of(cx, inner, depth, leaf)))
            }
            Ty::Result(inner, error) => {
                let is_ok = Self::Scalar(leaf(list(Type::Bool)));
                Self::Parts(vec![is_ok, Self::list_of(cx, inner, depth, leaf), Self::list_of(cx, error, depth, leaf)])
            }
            Ty::Of(wrapper, inner) => Self::list_of(cx, &wrapper.inside(inner), depth, leaf),
            Ty::List(inner) if **inner != Ty::U8 => Self::list_of(cx, inner, depth + 1, leaf),
            Ty::List(_)
            | Ty::Tuple(_)
            | Ty::Failure
            | Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Group
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Var(_) => Self::Scalar(leaf(list(item.column_type().unwrap_or(Type::Bool)))),
        }
    }

    /// Some value of this type.
    pub(super) fn default_of(cx: &Cx<'_>, ty: &Ty) -> Self {
        Self::of_type(cx, ty, &mut |ty| default_of(&ty))
    }

    /// What stands in a `None` that no single column holds: nobody reads it.
    pub(super) fn nothing(cx: &Cx<'_>, ty: &Ty) -> Self {
        Self::of_type(cx, ty, &mut |ty| Expr { span: NOTHING, ..default_of(&ty) })
    }
}

/// The place of a constant that nobody reads; see [`forget_nothing`].
const NOTHING: Span = Span { start: u32::MAX, end: u32::MAX };

/// Gives the constants that nobody reads the place of what has no text.
pub(super) fn forget_nothing(expr: &mut Expr) {
    expr.rewrite(&mut |node| {
        if node.span == NOTHING {
            node.span = Span::NONE;
        }
    });
}

/// Some constant of this type.
pub(super) fn default_of(ty: &Type) -> Expr {
    let kind = match ty {
        Type::Bool | Type::Unit => ExprKind::Literal(Literal::Bool(false)),
        Type::Float32 | Type::Float64 => ExprKind::Literal(Literal::Float(0.0)),
        Type::String => ExprKind::Literal(Literal::String(String::new())),
        Type::Bytes => ExprKind::Literal(Literal::Bytes(Vec::new())),
        Type::Option(_) => ExprKind::None,
        Type::List(_) => ExprKind::Call(Function::List(ListFunction::Of), Vec::new()),
        Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64
        | Type::Char
        | Type::Decimal(..)
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration => ExprKind::Literal(Literal::Int(0)),
    };
    Expr::new(kind, ty.clone(), Span::NONE)
}

/// Whether the expression may stand in many places: reading it costs nothing.
pub(super) fn is_trivial(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Variable(_)
        | ExprKind::None => true,
        // A column of the side of an outer join that may be missing.
        ExprKind::Call(Function::UnwrapOr, args) => {
            matches!(args.as_slice(), [Expr { kind: ExprKind::Column(_), .. }, Expr { kind: ExprKind::Literal(_), .. }])
        }
        ExprKind::Some(inner) => is_trivial(inner),
        ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => false,
    }
}

/// Whether it is a row error whatever happens.
pub(super) fn is_never(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Fail(_) => true,
        ExprKind::Let { body, .. } => is_never(body),
        ExprKind::If { then, otherwise, .. } | ExprKind::IfSome { then, otherwise, .. } => {
            is_never(then) && is_never(otherwise)
        }
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::Call(..)
        | ExprKind::Variable(_)
        | ExprKind::Compute(..) => false,
    }
}

/// A row error in the place of a value of another type.
pub(super) fn retyped(mut expr: Expr, ty: &Type) -> Expr {
    expr.ty = ty.clone();
    let parts: Vec<&mut Box<Expr>> = match &mut expr.kind {
        ExprKind::Let { body, .. } => vec![body],
        ExprKind::If { then, otherwise, .. } | ExprKind::IfSome { then, otherwise, .. } => vec![then, otherwise],
        ExprKind::Fail(_)
        | ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::Call(..)
        | ExprKind::Variable(_)
        | ExprKind::Compute(..) => Vec::new(),
    };
    for part in parts {
        let inner = std::mem::replace(&mut **part, Expr::bool(true));
        **part = retyped(inner, ty);
    }
    expr
}

/// Gives the one of two values that never comes to be the shape of the other.
pub(super) fn align(a: &mut Value, b: &mut Value) {
    match (&mut *a, &mut *b) {
        (Value::Parts(a), Value::Parts(b)) if a.len() == b.len() => {
            a.iter_mut().zip(b).for_each(|(a, b)| align(a, b));
        }
        (Value::Option(_, a), Value::Option(_, b)) => align(a, b),
        (Value::Scalar(x), other) if is_never(x) => {
            let failing = x.clone();
            *a = like(other, &failing);
        }
        (other, Value::Scalar(x)) if is_never(x) => {
            let failing = x.clone();
            *b = like(other, &failing);
        }
        (
            Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
        ) => {}
    }
}

fn like(shape: &Value, failing: &Expr) -> Value {
    let mut value = shape.clone();
    for leaf in value.leaves_mut() {
        *leaf = retyped(failing.clone(), &leaf.ty);
    }
    value
}

/// Whether `local` is read in it.
pub(super) fn uses(expr: &Expr, local: LocalId) -> bool {
    let mut found = false;
    expr.walk(&mut |node| found |= node.kind == ExprKind::Local(local));
    found
}

/// One side of an outer join that may be missing.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    /// The column that says whether the side is there.
    pub(super) column: u32,
    /// Its columns that are optional only because the side may be missing: not null exactly when it is there.
    pub(super) exact: BTreeSet<u32>,
    /// All of its columns: null when it is missing.
    pub(super) all: BTreeSet<u32>,
}

/// `if condition { then } else { otherwise }`.
pub(super) fn if_(sides: &[Presence], condition: Expr, then: Expr, otherwise: Expr, span: Span) -> Expr {
    match &condition.kind {
        ExprKind::Literal(Literal::Bool(true)) => return then,
        ExprKind::Literal(Literal::Bool(false)) => return otherwise,
        ExprKind::Column(column) => {
            if let Some(side) = sides.iter().find(|side| side.column == *column)
                && let Some(expr) = if_present(side, &then, &otherwise)
            {
                return expr;
            }
        }
        ExprKind::Literal(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => {}
    }
    if then == otherwise && !condition.can_fail() {
        return if then.span == NOTHING { otherwise } else { then };
    }
    // Where one branch is never read, the other may stand alone, unless that could be an error that was avoided.
    if otherwise.span == NOTHING && !then.can_fail() && !condition.can_fail() {
        return then;
    }
    if then.span == NOTHING && !otherwise.can_fail() && !condition.can_fail() {
        return otherwise;
    }
    match (bool_literal(&then), bool_literal(&otherwise)) {
        (Some(true), Some(false)) => return condition,
        (Some(false), Some(true)) => return not(condition, span),
        (_, Some(false)) => return binary(BinaryOp::And, condition, then, Type::Bool, span),
        (Some(true), _) => return binary(BinaryOp::Or, condition, otherwise, Type::Bool, span),
        _ => {}
    }
    let ty = then.ty.clone();
    let kind = ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
    Expr::new(kind, ty, span)
}

/// The column itself, where nothing but its side's presence was asked.
fn if_present(side: &Presence, then: &Expr, otherwise: &Expr) -> Option<Expr> {
    // The column behind `unwrap_or` of a side's column.
    let read = |expr: &Expr| {
        let ExprKind::Call(Function::UnwrapOr, args) = &expr.kind else { return None };
        match args.as_slice() {
            [column @ Expr { kind: ExprKind::Column(position), .. }, Expr { kind: ExprKind::Literal(_), .. }]
                if side.exact.contains(position) =>
            {
                Some(column.clone())
            }
            _ => None,
        }
    };
    match (&then.kind, &otherwise.kind) {
        (ExprKind::Some(inner), ExprKind::None) => read(inner),
        (ExprKind::Column(position), ExprKind::None) if side.all.contains(position) => Some(then.clone()),
        (_, ExprKind::Literal(_)) => {
            let column = read(then)?;
            Some(unwrap_or(column, otherwise.clone(), then.span))
        }
        _ => None,
    }
}

/// `match option { Some(local) => then, None => otherwise }`.
pub(super) fn if_some(
    sides: &[Presence],
    option: Expr,
    local: LocalId,
    then: Expr,
    otherwise: Expr,
    span: Span,
) -> Expr {
    if !uses(&then, local) {
        return if_(sides, is_some(option, span), then, otherwise, span);
    }
    if then.kind == ExprKind::Local(local) && is_trivial(&otherwise) {
        return unwrap_or(option, otherwise, span);
    }
    if let (ExprKind::Some(inner), ExprKind::None) = (&then.kind, &otherwise.kind)
        && inner.kind == ExprKind::Local(local)
    {
        return option;
    }
    if let ExprKind::Some(value) = option.kind {
        return let_(local, *value, then, span);
    }
    if option.kind == ExprKind::None {
        return otherwise;
    }
    let ty = then.ty.clone();
    let kind =
        ExprKind::IfSome { option: Box::new(option), local, then: Box::new(then), otherwise: Box::new(otherwise) };
    Expr::new(kind, ty, span)
}

/// `let local = value; body`.
pub(super) fn let_(local: LocalId, value: Expr, mut body: Expr, span: Span) -> Expr {
    let mut reads = 0;
    body.walk(&mut |node| reads += usize::from(node.kind == ExprKind::Local(local)));
    if reads == 0 && !value.can_fail() {
        return body;
    }
    if reads > 0 && is_trivial(&value) {
        body.rewrite(&mut |node| {
            if node.kind == ExprKind::Local(local) {
                *node = value.clone();
            }
        });
        return body;
    }
    if reads == 1 {
        let first = first_evaluated(&mut body);
        if first.kind == ExprKind::Local(local) {
            *first = value;
            return body;
        }
    }
    let ty = body.ty.clone();
    Expr::new(ExprKind::Let { local, value: Box::new(value), body: Box::new(body) }, ty, span)
}

/// The leaf that is evaluated before everything else in the expression.
fn first_evaluated(expr: &mut Expr) -> &mut Expr {
    if expr.children().is_empty() {
        return expr;
    }
    first_evaluated(expr.children_mut().swap_remove(0))
}

/// `option.is_some()`.
pub(super) fn is_some(option: Expr, span: Span) -> Expr {
    if let ExprKind::Some(inner) = &option.kind
        && !inner.can_fail()
    {
        return Expr::bool(true);
    }
    if option.kind == ExprKind::None {
        return Expr::bool(false);
    }
    Expr::new(ExprKind::IsSome(Box::new(option)), Type::Bool, span)
}

/// `option.unwrap_or(default)`.
pub(super) fn unwrap_or(option: Expr, default: Expr, span: Span) -> Expr {
    let ty = default.ty.clone();
    if let ExprKind::Some(inner) = option.kind {
        if !default.can_fail() {
            return *inner;
        }
        let option = Expr { kind: ExprKind::Some(inner), ..option };
        return Expr::new(ExprKind::Call(Function::UnwrapOr, vec![option, default]), ty, span);
    }
    if option.kind == ExprKind::None {
        return default;
    }
    Expr::new(ExprKind::Call(Function::UnwrapOr, vec![option, default]), ty, span)
}

/// `!x` of a `bool`.
pub(super) fn not(x: Expr, span: Span) -> Expr {
    if let Some(value) = bool_literal(&x) {
        return Expr::bool(!value);
    }
    if let ExprKind::Unary(UnaryOp::Not, inner) = x.kind {
        return *inner;
    }
    Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(x)), Type::Bool, span)
}

/// `a op b`.
pub(super) fn binary(op: BinaryOp, a: Expr, b: Expr, ty: Type, span: Span) -> Expr {
    match (op, bool_literal(&a), bool_literal(&b)) {
        (BinaryOp::And, Some(true), _) | (BinaryOp::Or, Some(false), _) => return b,
        (BinaryOp::And, Some(false), _) | (BinaryOp::Or, Some(true), _) => return a,
        (BinaryOp::And, _, Some(true)) | (BinaryOp::Or, _, Some(false)) => return a,
        _ => {}
    }
    Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, span)
}

fn bool_literal(expr: &Expr) -> Option<bool> {
    if let ExprKind::Literal(Literal::Bool(value)) = expr.kind { Some(value) } else { None }
}

/// The value where `condition` is known to hold: the branches that it chose are taken.
pub(super) fn given(condition: &Expr, mut value: Value) -> Value {
    for leaf in value.leaves_mut() {
        let expr = std::mem::replace(leaf, Expr::bool(true));
        *leaf = take_branch(condition, expr);
    }
    value
}

fn take_branch(holds: &Expr, mut expr: Expr) -> Expr {
    match &mut expr.kind {
        ExprKind::Let { body, .. } => {
            let inner = std::mem::replace(&mut **body, Expr::bool(true));
            **body = take_branch(holds, inner);
            expr
        }
        ExprKind::If { condition, then, otherwise } => {
            if **condition == *holds {
                return std::mem::replace(&mut **then, Expr::bool(true));
            }
            // `a || b` holds: where `a` does not, `b` does.
            let ExprKind::Binary(BinaryOp::Or, first, second) = &holds.kind else { return expr };
            if **first != **condition {
                return expr;
            }
            let inner = std::mem::replace(&mut **otherwise, Expr::bool(true));
            let inner = take_branch(second, inner);
            if inner == **then && !condition.can_fail() {
                return inner;
            }
            **otherwise = inner;
            expr
        }
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => expr,
    }
}

/// Compares what no single column holds: parts in order, `None` before `Some`.
pub(super) fn compare(op: BinaryOp, a: &Value, b: &Value, span: Span) -> Expr {
    let bool_of = |op, a: &Expr, b: &Expr| binary(op, a.clone(), b.clone(), Type::Bool, span);
    match op {
        BinaryOp::Ne => not(compare(BinaryOp::Eq, a, b, span), span),
        BinaryOp::Eq => match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => bool_of(op, a, b),
            (Value::Parts(a), Value::Parts(b)) => a.iter().zip(b).fold(Expr::bool(true), |all, (a, b)| {
                binary(BinaryOp::And, all, compare(op, a, b, span), Type::Bool, span)
            }),
            (Value::Option(a_there, a), Value::Option(b_there, b)) => {
                let same = bool_of(BinaryOp::Eq, a_there, b_there);
                let equal = compare(op, a, b, span);
                let missing = not(a_there.clone(), span);
                let equal = binary(BinaryOp::Or, missing, equal, Type::Bool, span);
                binary(BinaryOp::And, same, equal, Type::Bool, span)
            }
            (
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            ) => Expr::bool(true),
        },
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::And
        | BinaryOp::Or => Expr::bool(true), // no comparison
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => bool_of(op, a, b),
            (Value::Parts(a), Value::Parts(b)) => {
                let mut pairs = a.iter().zip(b).rev();
                let strict = if matches!(op, BinaryOp::Lt | BinaryOp::Le) { BinaryOp::Lt } else { BinaryOp::Gt };
                let Some((a, b)) = pairs.next() else {
                    return Expr::bool(matches!(op, BinaryOp::Le | BinaryOp::Ge));
                };
                pairs.fold(compare(op, a, b, span), |rest, (a, b)| {
                    let same = compare(BinaryOp::Eq, a, b, span);
                    if_(&[], same, rest, compare(strict, a, b, span), span)
                })
            }
            (
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
                Value::Scalar(_) | Value::Parts(_) | Value::Option(..),
            ) => Expr::bool(true),
        },
    }
}
