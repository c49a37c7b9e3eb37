//! What a row costs in a kernel, in about tenths of a nanosecond. Only the order of magnitude matters: it decides whether
//! compacting a kernel's inputs pays.

use crate::column::Class;
use crate::kernel::FusedCall;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function};
use sabot_ir::ty::Type;
use std::collections::HashSet;

/// A row's share of a vector instruction, and what a row costs an instruction of a scalar kernel, in hundredths of a
/// nanosecond.
const SIMPLE: u32 = 6;
const SIMPLE_SCALAR: u32 = 40;

/// A division or square root of floats in vectors.
const DIVISION: u32 = 80;

/// From here on, leaving out rows that a filter drops may be worth a kernel of its own.
const DEAR: u32 = DIVISION;

/// Expressions of more nodes are not searched for equal parts.
const SEARCHED: usize = 500;

/// Whether it may be worth leaving out rows that a filter drops.
pub(super) fn is_dear(expr: &Expr) -> bool {
    of([expr].into_iter(), true) >= DEAR
}

/// Of a whole kernel.
pub(super) fn of_kernel(
    filter: Option<&Expr>,
    outputs: &[(u32, Expr)],
    aggregate: Option<&[FusedCall]>,
    vector: bool,
) -> u32 {
    let expressions = of(filter.into_iter().chain(outputs.iter().map(|(_, expr)| expr)), vector);
    let calls = u32::try_from(aggregate.map_or(0, <[FusedCall]>::len)).unwrap_or(u32::MAX);
    let fixed = if vector { 8 } else { 150 };
    expressions.saturating_add(calls.saturating_mul(30)).saturating_add(fixed).div_ceil(10)
}

/// In hundredths. What is written twice is computed once.
fn of<'e>(expressions: impl Iterator<Item = &'e Expr>, vector: bool) -> u32 {
    let mut seen: HashSet<&Expr> = HashSet::new();
    let mut total: u32 = 0;
    for expr in expressions {
        let search = expr.size() <= SEARCHED;
        add(expr, vector, search, &mut seen, &mut total);
    }
    total
}

fn add<'e>(expr: &'e Expr, vector: bool, search: bool, seen: &mut HashSet<&'e Expr>, total: &mut u32) {
    if search && !seen.insert(expr) {
        return;
    }
    *total = total.saturating_add(of_node(expr, vector));
    for child in expr.children() {
        add(child, vector, search, seen, total);
    }
}

fn of_node(node: &Expr, vector: bool) -> u32 {
    let simple = if vector { SIMPLE } else { SIMPLE_SCALAR };
    let class = Class::of(&node.ty);
    match &node.kind {
        ExprKind::Literal(_) | ExprKind::Param(_) | ExprKind::Local(_) | ExprKind::Let { .. } | ExprKind::None => 0,
        ExprKind::Binary(BinaryOp::Div | BinaryOp::Rem, _, by) => match class {
            // Mostly a power of two, which is multiplied with its inverse.
            Class::F32 | Class::F64 if by.as_literal().is_some() => simple,
            Class::F32 | Class::F64 => DIVISION,
            // By way of floats.
            Class::Int { .. } if vector => 2 * DIVISION,
            Class::Int { .. } | Class::Unit | Class::Bool | Class::Str | Class::List(_) | Class::Decimal => 400,
        },
        ExprKind::Binary(BinaryOp::Mul, ..) if matches!(class, Class::Int { bits: 64, .. }) => 10 * simple,
        ExprKind::Binary(_, a, _) if Class::of(&a.ty).has_length() => 400,
        ExprKind::Cast(x) if matches!((Class::of(&x.ty), class), (Class::F64 | Class::F32, Class::Int { .. })) => 120,
        ExprKind::Call(function, args) => of_call(*function, args.first().map_or(&node.ty, |first| &first.ty), simple),
        // How often it goes round nobody knows.
        ExprKind::Compute(body, _) => {
            let nodes = u32::try_from(body.size()).unwrap_or(u32::MAX);
            simple.saturating_mul(nodes).saturating_mul(if body.has_loop() { 16 } else { 1 })
        }
        ExprKind::Fail(_) | ExprKind::Variable(_) => simple,
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
        | Function::Bits
        | Function::UnwrapOr => 2 * simple,
        Function::Sqrt | Function::Recip => DIVISION,
        // In vectors for many rows at once.
        Function::Fast(_) if simple == SIMPLE => 200,
        _ if ty.is_float() => 1500,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_ir::span::Span;

    #[test]
    fn equal_parts_count_once() {
        let quotient = || {
            let (a, b) = (Expr::column(0, Type::Float64), Expr::column(1, Type::Float64));
            Expr::new(ExprKind::Binary(BinaryOp::Div, Box::new(a), Box::new(b)), Type::Float64, Span::NONE)
        };
        let sum = ExprKind::Binary(BinaryOp::Add, Box::new(quotient()), Box::new(quotient()));
        let sum = Expr::new(sum, Type::Float64, Span::NONE);
        assert_eq!(of([&sum].into_iter(), true), DIVISION + 3 * SIMPLE);
        assert!(is_dear(&quotient()));
        assert!(!is_dear(&Expr::column(0, Type::Float64)));
    }
}
