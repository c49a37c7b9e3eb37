//! The value of an expression that reads nothing: defaults of parameters, constants in patterns.

use super::Cx;
use super::hir::{Hir, HirClosure, HirKind};
use super::lower::Lower;
use super::value::Value;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use sabot_ir::ty::Type;
use sabot_library::Decimal;

/// The value of a typed expression, if it is a constant that is plain enough.
pub(super) fn value(cx: &mut Cx<'_>, hir: &Hir) -> Option<Literal> {
    let mut lower = Lower::new(cx, Vec::new(), hir.span);
    let closure = HirClosure { params: Vec::new(), body: hir.clone() };
    match lower.closure(&closure, Vec::new()) {
        Value::Scalar(expr) => fold(&expr),
        Value::Parts(_) | Value::Option(..) => None,
    }
}

/// The constant as an expression again, typed as `like`.
pub(super) fn as_hir(literal: &Literal, like: &Hir) -> Option<Hir> {
    let kind = match literal {
        Literal::Bool(value) => HirKind::Bool(*value),
        Literal::Int(value) => HirKind::Int(*value),
        Literal::Float(value) => HirKind::Float(*value),
        Literal::String(value) => HirKind::Str(value.clone()),
        Literal::Bytes(value) => HirKind::Bytes(value.clone()),
        Literal::Unit => return None,
    };
    Some(Hir::new(kind, like.ty.clone(), like.span))
}

fn fold(expr: &Expr) -> Option<Literal> {
    match &expr.kind {
        ExprKind::Literal(literal) => Some(literal.clone()),
        ExprKind::Unary(UnaryOp::Neg, x) => match fold(x)? {
            Literal::Int(value) => in_range(-value, &expr.ty),
            Literal::Float(value) => Some(Literal::Float(-value)),
            Literal::Bool(_) | Literal::String(_) | Literal::Bytes(_) | Literal::Unit => None,
        },
        ExprKind::Unary(UnaryOp::Not, x) => match fold(x)? {
            Literal::Bool(value) => Some(Literal::Bool(!value)),
            Literal::Int(_) | Literal::Float(_) | Literal::String(_) | Literal::Bytes(_) | Literal::Unit => None,
        },
        ExprKind::Binary(op, a, b) => match (fold(a)?, fold(b)?) {
            (Literal::Int(a), Literal::Int(b)) if expr.ty == Type::DECIMAL => decimal(*op, a, b),
            (Literal::Int(a), Literal::Int(b)) => {
                let value = match op {
                    BinaryOp::Add => a.checked_add(b)?,
                    BinaryOp::Sub => a.checked_sub(b)?,
                    BinaryOp::Mul => a.checked_mul(b)?,
                    BinaryOp::Div => a.checked_div(b)?,
                    BinaryOp::Rem => a.checked_rem(b)?,
                    BinaryOp::BitAnd
                    | BinaryOp::BitOr
                    | BinaryOp::BitXor
                    | BinaryOp::Shl
                    | BinaryOp::Shr
                    | BinaryOp::Eq
                    | BinaryOp::Ne
                    | BinaryOp::Lt
                    | BinaryOp::Le
                    | BinaryOp::Gt
                    | BinaryOp::Ge
                    | BinaryOp::And
                    | BinaryOp::Or => return None,
                };
                in_range(value, &expr.ty)
            }
            (Literal::Float(a), Literal::Float(b)) => {
                let value = match op {
                    BinaryOp::Add => a + b,
                    BinaryOp::Sub => a - b,
                    BinaryOp::Mul => a * b,
                    BinaryOp::Div => a / b,
                    BinaryOp::Rem
                    | BinaryOp::BitAnd
                    | BinaryOp::BitOr
                    | BinaryOp::BitXor
                    | BinaryOp::Shl
                    | BinaryOp::Shr
                    | BinaryOp::Eq
                    | BinaryOp::Ne
                    | BinaryOp::Lt
                    | BinaryOp::Le
                    | BinaryOp::Gt
                    | BinaryOp::Ge
                    | BinaryOp::And
                    | BinaryOp::Or => return None,
                };
                if expr.ty == Type::Float32 {
                    // One rounding from the exact result and two, through `f64`, are the same for these four operators.
                    #[expect(clippy::cast_possible_truncation, reason = "the value of an `f32` is one")]
                    return Some(Literal::Float(f64::from(value as f32)));
                }
                Some(Literal::Float(value))
            }
            _ => None,
        },
        ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => None,
    }
}

/// `a op b` of decimals.
fn decimal(op: BinaryOp, a: i128, b: i128) -> Option<Literal> {
    let (a, b) = (Decimal::from_unscaled(a)?, Decimal::from_unscaled(b)?);
    let value = match op {
        BinaryOp::Add => a.checked_add(b)?,
        BinaryOp::Sub => a.checked_sub(b)?,
        BinaryOp::Mul => a.checked_mul(b)?,
        BinaryOp::Div => a.checked_div(b)?,
        BinaryOp::Rem => a.checked_rem(b)?,
        BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => return None,
    };
    Some(Literal::Int(value.unscaled()))
}

fn in_range(value: i128, ty: &Type) -> Option<Literal> {
    if *ty == Type::DECIMAL {
        return Decimal::from_unscaled(value).map(|value| Literal::Int(value.unscaled()));
    }
    let (least, greatest) = match super::types::integer_range(&super::types::Ty::of_column(ty)) {
        Some(range) => range,
        None => (i64::MIN.into(), i64::MAX.into()),
    };
    (least..=greatest).contains(&value).then_some(Literal::Int(value))
}
