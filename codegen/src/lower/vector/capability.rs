//! Which expressions have a vector form: work on numbers, times and `bool`, without calls into the runtime; loops where that is what
//! vectors do well.

use super::smallness;
use crate::column::Class;
use crate::isa::Target;
use crate::kernel::block_function;
use crate::lower::expand::expand;
use sabot_ir::body::Body;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal};
use sabot_ir::ty::Type;

/// How many nodes a vector kernel computes at most per expression: beyond it registers run out, and both arms of many
/// branches cost more than the taken one.
const MAX_NODES: usize = 400;

/// Whether an expression can be computed in the lanes of vectors.
pub(crate) fn is_vectorisable(expr: &Expr, target: &Target) -> bool {
    expr.size() <= MAX_NODES && block_calls(expr) <= MAX_BLOCK_CALLS && fits(expr, target)
}

/// Whether a vector kernel may suspect rows of having failed that have not: where 64-bit integers are divided, great ones are
/// left to the kernel that goes row by row. A kernel with such an expression needs one.
pub(crate) fn may_be_suspected(expr: &Expr) -> bool {
    smallness::divides(expr)
}

/// How large a body may be, in nodes and in variables, to be computed for several vectors at once.
const MAX_BODY: usize = 100;
const MAX_VARIABLES: usize = 8;

/// Whether a body can be computed in lanes, and not only by taking them apart in every pass.
fn body_fits(body: &Body, target: &Target) -> bool {
    body.size() <= MAX_BODY
        && body.variables.len() <= MAX_VARIABLES
        && body.variables.iter().all(|variable| Class::of(&variable.ty).lanes().is_some())
        && body.exprs().into_iter().all(|expr| {
            let mut suits = true;
            expr.walk(&mut |node| suits &= suits_body(node));
            suits && fits(expr, target)
        })
}

/// Whether a node of a body is done in lanes. Products of 64 bits whose overflow is looked at are not, nor are floats as
/// integers; functions that are done for 64 rows at once, and bodies in bodies, have no place there.
fn suits_body(node: &Expr) -> bool {
    let is_small = |expr: &Expr| matches!(expr.as_literal(), Some(Literal::Int(-2048..=2048)));
    let is_long = |expr: &Expr| matches!(Class::of(&expr.ty), Class::Int { bits: 64, .. });
    match &node.kind {
        // By a small constant, what is small does not overflow.
        ExprKind::Binary(BinaryOp::Mul, a, b) => !is_long(a) || is_small(a) || is_small(b),
        ExprKind::Cast(x) => !(Class::of(&x.ty).is_float() && matches!(Class::of(&node.ty), Class::Int { .. })),
        ExprKind::Call(Function::CheckedMul | Function::Pow, args) => !args.first().is_some_and(is_long),
        ExprKind::Call(function, args) => block_function(*function, args).is_none(),
        ExprKind::Compute(..) | ExprKind::Column(_) | ExprKind::Param(_) => false,
        ExprKind::Literal(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Fail(_) => true,
    }
}

/// How many functions an expression may call that are done for blocks of rows: the results of each lie on the stack.
const MAX_BLOCK_CALLS: usize = 24;

fn block_calls(expr: &Expr) -> usize {
    let mut calls = 0;
    expr.walk(&mut |node| {
        if let ExprKind::Call(function, args) = &node.kind {
            calls += usize::from(block_function(*function, args).is_some());
        }
    });
    calls
}

/// The smallest part that cannot; the whole if it is only too large.
pub(crate) fn scalar_part<'e>(expr: &'e Expr, target: &Target) -> Option<&'e Expr> {
    if is_vectorisable(expr, target) {
        return None;
    }
    let mut part = expr;
    while let Some(child) = part.children().into_iter().find(|child| !fits(child, target)) {
        part = child;
    }
    Some(part)
}

fn fits(expr: &Expr, target: &Target) -> bool {
    if let ExprKind::IsSome(x) = &expr.kind
        && x.as_column().is_some()
    {
        return true;
    }
    Class::of(&expr.ty).lanes().is_some()
        && fits_here(expr, target)
        && expr.children().into_iter().all(|child| fits(child, target))
}

fn fits_here(expr: &Expr, target: &Target) -> bool {
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. } => true,
        ExprKind::Fail(_) => Class::of(&expr.ty).lanes().is_some(),
        ExprKind::Variable(_) => true,
        ExprKind::Compute(body, _) => body_fits(body, target),
        ExprKind::Binary(op, a, b) => match op {
            BinaryOp::Rem => !a.ty.is_float(),
            BinaryOp::Shl | BinaryOp::Shr => is_distance(b, &a.ty),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => true,
        },
        // An `i64` would be rounded twice on its way to an `f32`.
        ExprKind::Cast(x) => {
            !matches!((Class::of(&x.ty), Class::of(&expr.ty)), (Class::Int { bits: 64, .. }, Class::F32))
        }
        // Done for 64 rows at once, between two passes of the kernel.
        ExprKind::Call(function, args) if block_function(*function, args).is_some() => true,
        ExprKind::Call(Function::Value(function), args) => {
            expand(*function, args, expr.span, true).is_some_and(|expanded| fits(&expanded, target))
        }
        ExprKind::Call(function, args) => args.first().is_some_and(|x| function_fits(*function, &x.ty, args, target)),
    }
}

/// The greatest exponent of a constant power that is multiplied out.
const MAX_EXPONENT: i128 = 64;

/// The constant that an argument is.
fn constant(arg: Option<&Expr>) -> Option<i128> {
    match arg?.as_literal() {
        Some(Literal::Int(value)) => Some(*value),
        _ => None,
    }
}

/// Whether it is a constant that a value of this type can be shifted by.
fn is_distance(by: &Expr, ty: &Type) -> bool {
    let (Some(Literal::Int(distance)), Class::Int { bits, .. }) = (by.as_literal(), Class::of(ty)) else {
        return false;
    };
    (0..i128::from(bits)).contains(distance)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a list of those that have a vector form")]
fn function_fits(function: Function, ty: &Type, args: &[Expr], target: &Target) -> bool {
    match Class::of(ty) {
        Class::F32 | Class::F64 => match function {
            // The sum would be rounded twice.
            Function::MulAdd => target.has_fma && Class::of(ty) == Class::F64,
            Function::Abs
            | Function::Sqrt
            | Function::Floor
            | Function::Ceil
            | Function::Trunc
            | Function::Round
            | Function::Fract
            | Function::Recip
            | Function::Copysign
            | Function::Signum
            | Function::Min
            | Function::Max
            | Function::Clamp
            | Function::IsNan
            | Function::IsFinite
            | Function::IsInfinite
            | Function::IsSignNegative
            | Function::IsSignPositive
            | Function::UnwrapOr => true,
            Function::Powi => constant(args.get(1)).is_some_and(|n| (-MAX_EXPONENT..=MAX_EXPONENT).contains(&n)),
            _ => false,
        },
        Class::Int { .. } => match function {
            Function::Abs
            | Function::WrappingAbs
            | Function::WrappingNeg
            | Function::WrappingAdd
            | Function::WrappingSub
            | Function::WrappingMul
            | Function::SaturatingAdd
            | Function::SaturatingSub
            | Function::CheckedAdd
            | Function::CheckedSub
            | Function::CheckedMul
            | Function::AbsDiff
            | Function::Signum
            | Function::Min
            | Function::Max
            | Function::Clamp
            | Function::UnwrapOr => true,
            Function::Pow => constant(args.get(1)).is_some_and(|n| (0..=MAX_EXPONENT).contains(&n)),
            // By a positive constant: `x.rem_euclid(16)`.
            Function::RemEuclid | Function::DivEuclid => constant(args.get(1)).is_some_and(|by| by > 0),
            _ => false,
        },
        Class::Bool => function == Function::UnwrapOr,
        Class::Unit | Class::Str | Class::List(_) | Class::Decimal => false,
    }
}
