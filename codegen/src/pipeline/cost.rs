//! What a row costs in a kernel, in about tenths of a nanosecond. Only the order of magnitude matters: it decides whether
//! compacting a kernel's inputs pays.

use crate::column::Class;
use crate::kernel::FusedCall;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function};
use sabot_ir::ty::Type;

/// Whether it is worth leaving out rows that a filter drops.
pub(super) fn is_dear(expr: &Expr) -> bool {
    of(expr, true) >= 15
}

/// Of a whole kernel.
pub(super) fn of_kernel(
    filter: Option<&Expr>,
    outputs: &[(u32, Expr)],
    aggregate: Option<&[FusedCall]>,
    vector: bool,
) -> u32 {
    let expressions: u32 = filter.into_iter().chain(outputs.iter().map(|(_, expr)| expr)).map(|e| of(e, vector)).sum();
    let calls = u32::try_from(aggregate.map_or(0, <[FusedCall]>::len)).unwrap_or(u32::MAX);
    let fixed = if vector { 1 } else { 15 };
    expressions.saturating_add(calls.saturating_mul(5)).saturating_add(fixed)
}

fn of(expr: &Expr, vector: bool) -> u32 {
    let mut total: u32 = 0;
    expr.walk(&mut |node| total = total.saturating_add(of_node(node, vector)));
    total
}

fn of_node(node: &Expr, vector: bool) -> u32 {
    let simple = if vector { 1 } else { 4 };
    let class = Class::of(&node.ty);
    match &node.kind {
        ExprKind::Literal(_) | ExprKind::Param(_) | ExprKind::Local(_) | ExprKind::Let { .. } | ExprKind::None => 0,
        ExprKind::Binary(BinaryOp::Div | BinaryOp::Rem, _, by) => match class {
            // A power of two is multiplied with its inverse.
            Class::F32 | Class::F64 if by.as_literal().is_some() => simple,
            Class::F32 | Class::F64 => 15,
            Class::Int { .. } | Class::Unit | Class::Bool | Class::Str | Class::Decimal => 40,
        },
        ExprKind::Binary(BinaryOp::Mul, ..) if matches!(class, Class::Int { .. }) => 4 * simple,
        ExprKind::Binary(_, a, _) if Class::of(&a.ty) == Class::Str => 40,
        ExprKind::Cast(x) if matches!((Class::of(&x.ty), class), (Class::F64 | Class::F32, Class::Int { .. })) => 12,
        ExprKind::Call(function, args) => of_call(*function, &args[0].ty, simple),
        ExprKind::If { .. } | ExprKind::IfSome { .. } => 2 * simple,
        ExprKind::Column(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::Some(_)
        | ExprKind::IsSome(_) => simple,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a few functions are an instruction or two, the rest are calls")]
fn of_call(function: Function, ty: &Type, simple: u32) -> u32 {
    match function {
        Function::Abs
        | Function::Min
        | Function::Max
        | Function::Clamp
        | Function::Signum
        | Function::WrappingAdd
        | Function::WrappingSub
        | Function::WrappingMul
        | Function::WrappingNeg
        | Function::WrappingAbs
        | Function::CheckedAdd
        | Function::CheckedSub
        | Function::Floor
        | Function::Ceil
        | Function::Trunc
        | Function::Round
        | Function::Fract
        | Function::Copysign
        | Function::IsNan
        | Function::IsFinite
        | Function::IsInfinite
        | Function::IsSignNegative
        | Function::IsSignPositive
        | Function::Len
        | Function::IsEmpty
        | Function::UnwrapOr => 2 * simple,
        Function::Sqrt | Function::Recip => 15,
        _ if ty.is_float() => 150,
        _ => 40,
    }
}
