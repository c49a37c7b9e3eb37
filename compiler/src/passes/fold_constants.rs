//! Computes what is constant, with rustc's meaning.
//!
//! Before: `price > 10.0 * 10.0`, after: `price > 100.0`. A constant that would be a row error stays as it is, and so does
//! what need not be the same on the machine that runs the job: transcendental functions, and NaN, whose sign is the
//! processor's.

use super::{Changed, Part, Pass, PassCx};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, UnaryOp};
use sabot_ir::plan::Plan;
use sabot_ir::ty::Type;
use sabot_ir::verify::expr::integer_range;
use std::cmp::Ordering;

pub(super) const FOLD_CONSTANTS: Pass = Pass { name: "fold_constants", part_of: Part::Always, run };

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for node in &mut plan.nodes {
        for expr in node.operator.exprs_mut() {
            fold(expr, &mut changed);
        }
    }
    changed
}

/// Folds an expression, the code of its bodies included.
pub(super) fn fold(expr: &mut Expr, changed: &mut Changed) {
    expr.rewrite(&mut |node| {
        if let ExprKind::Compute(body, _) = &mut node.kind {
            for inner in body.exprs_mut() {
                fold(inner, changed);
            }
        }
        if let Some(kind) = folded(node) {
            node.kind = kind;
            changed.note();
        }
    });
}

fn folded(expr: &Expr) -> Option<ExprKind> {
    match &expr.kind {
        ExprKind::Unary(op, value) => unary(*op, value.as_literal()?, &expr.ty).map(ExprKind::Literal),
        ExprKind::Binary(op, left, right) => {
            binary(*op, left.as_literal()?, right.as_literal()?, &left.ty).map(ExprKind::Literal)
        }
        ExprKind::Cast(value) => cast(value.as_literal()?, &value.ty, &expr.ty).map(ExprKind::Literal),
        ExprKind::Call(function, args) => {
            let args: Vec<&Literal> = args.iter().map(Expr::as_literal).collect::<Option<_>>()?;
            call(*function, &args, expr)
        }
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_) => None,
    }
}

/// The integer, if the type has it.
fn exact(value: Option<i128>, ty: &Type) -> Option<Literal> {
    let (least, greatest) = integer_range(ty)?;
    value.filter(|value| (least..=greatest).contains(value)).map(Literal::Int)
}

/// The low bits of the integer, as the type has them.
fn wrapped(value: i128, ty: &Type) -> Option<Literal> {
    let (least, greatest) = integer_range(ty)?;
    Some(Literal::Int((value - least).rem_euclid(greatest - least + 1) + least))
}

fn saturated(value: i128, ty: &Type) -> Option<Literal> {
    let (least, greatest) = integer_range(ty)?;
    Some(Literal::Int(value.clamp(least, greatest)))
}

/// The float, rounded to the type, if it is not NaN.
#[allow(clippy::cast_possible_truncation, reason = "`as f32` is the rounding that is wanted")]
fn number(value: f64, ty: &Type) -> Option<Literal> {
    let value = if *ty == Type::Float32 { f64::from(value as f32) } else { value };
    (!value.is_nan()).then_some(Literal::Float(value))
}

fn bits(ty: &Type) -> Option<i128> {
    ty.is_integer().then(|| ty.width())?.and_then(|bytes| i128::try_from(bytes * 8).ok())
}

fn unary(op: UnaryOp, value: &Literal, ty: &Type) -> Option<Literal> {
    match (op, value) {
        (UnaryOp::Not, Literal::Bool(value)) => Some(Literal::Bool(!value)),
        (UnaryOp::Not, Literal::Int(value)) => wrapped(!value, ty),
        (UnaryOp::Neg, Literal::Int(value)) => exact(value.checked_neg(), ty),
        (UnaryOp::Neg, Literal::Float(value)) => number(-value, ty),
        (UnaryOp::Neg | UnaryOp::Not, _other) => None,
    }
}

/// `ty` is the type of the left side.
fn binary(op: BinaryOp, left: &Literal, right: &Literal, ty: &Type) -> Option<Literal> {
    if let Some(holds) = compared(op, left, right) {
        return Some(Literal::Bool(holds));
    }
    match (left, right) {
        (Literal::Int(left), Literal::Int(right)) => int_binary(op, *left, *right, ty),
        (Literal::Float(left), Literal::Float(right)) => float_binary(op, *left, *right, ty),
        (Literal::Bool(left), Literal::Bool(right)) => match op {
            BinaryOp::And | BinaryOp::BitAnd => Some(Literal::Bool(*left && *right)),
            BinaryOp::Or | BinaryOp::BitOr => Some(Literal::Bool(*left || *right)),
            BinaryOp::BitXor => Some(Literal::Bool(left ^ right)),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge => None,
        },
        _no_operator => None,
    }
}

/// The value of a comparison; nothing if the operator is none.
fn compared(op: BinaryOp, left: &Literal, right: &Literal) -> Option<bool> {
    let order = match (left, right) {
        (Literal::Bool(left), Literal::Bool(right)) => left.partial_cmp(right),
        (Literal::Int(left), Literal::Int(right)) => left.partial_cmp(right),
        (Literal::Float(left), Literal::Float(right)) => left.partial_cmp(right),
        (Literal::String(left), Literal::String(right)) => left.partial_cmp(right),
        (Literal::Bytes(left), Literal::Bytes(right)) => left.partial_cmp(right),
        (Literal::Unit, Literal::Unit) => Some(Ordering::Equal),
        _ill_typed => return None,
    };
    // Without an order there is a NaN.
    match op {
        BinaryOp::Eq => Some(order == Some(Ordering::Equal)),
        BinaryOp::Ne => Some(order != Some(Ordering::Equal)),
        BinaryOp::Lt => Some(order == Some(Ordering::Less)),
        BinaryOp::Le => Some(order.is_some_and(Ordering::is_le)),
        BinaryOp::Gt => Some(order == Some(Ordering::Greater)),
        BinaryOp::Ge => Some(order.is_some_and(Ordering::is_ge)),
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
        | BinaryOp::Or => None,
    }
}

fn int_binary(op: BinaryOp, left: i128, right: i128, ty: &Type) -> Option<Literal> {
    match op {
        BinaryOp::Add => exact(left.checked_add(right), ty),
        BinaryOp::Sub => exact(left.checked_sub(right), ty),
        BinaryOp::Mul => exact(left.checked_mul(right), ty),
        BinaryOp::Div => exact(left.checked_div(right), ty),
        // `MIN % -1` overflows as `MIN / -1` does.
        BinaryOp::Rem => {
            exact(left.checked_div(right), ty)?;
            exact(left.checked_rem(right), ty)
        }
        BinaryOp::BitAnd => exact(Some(left & right), ty),
        BinaryOp::BitOr => exact(Some(left | right), ty),
        BinaryOp::BitXor => exact(Some(left ^ right), ty),
        BinaryOp::Shl | BinaryOp::Shr => {
            let by = Some(right).filter(|by| bits(ty).is_some_and(|bits| (0..bits).contains(by)))?;
            let shifted = if op == BinaryOp::Shl { left << by } else { left >> by };
            wrapped(shifted, ty)
        }
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => None,
    }
}

/// An `f32` operation done in `f64` and rounded once is the `f32` operation, for these operators.
fn float_binary(op: BinaryOp, left: f64, right: f64, ty: &Type) -> Option<Literal> {
    match op {
        BinaryOp::Add => number(left + right, ty),
        BinaryOp::Sub => number(left - right, ty),
        BinaryOp::Mul => number(left * right, ty),
        BinaryOp::Div => number(left / right, ty),
        BinaryOp::Rem => number(left % right, ty),
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
        | BinaryOp::Or => None,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "`as` is what is computed")]
#[expect(clippy::wildcard_enum_match_arm, reason = "all other casts are to integers")]
fn cast(value: &Literal, from: &Type, to: &Type) -> Option<Literal> {
    match value {
        Literal::Bool(value) => exact(Some(i128::from(*value)), to),
        Literal::Int(value) if from.is_integer() => match to {
            Type::Float32 => Some(Literal::Float(f64::from(*value as f32))),
            Type::Float64 => Some(Literal::Float(*value as f64)),
            integer => wrapped(*value, integer),
        },
        Literal::Float(value) if to.is_float() => number(*value, to),
        // Saturates; NaN is 0.
        Literal::Float(value) => saturated(*value as i128, to),
        Literal::Int(_) | Literal::String(_) | Literal::Bytes(_) | Literal::Unit => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions are folded")]
fn call(function: Function, args: &[&Literal], expr: &Expr) -> Option<ExprKind> {
    let ty = &expr.ty;
    let literal = match args {
        [Literal::Int(x)] => int_call(function, *x, ty),
        [Literal::Int(x), Literal::Int(y)] => return int_call_of_two(function, *x, *y, expr),
        [Literal::Float(x)] => float_call(function, *x, ty),
        [Literal::String(text)] => match function {
            Function::Len => exact(i128::try_from(text.len()).ok(), ty),
            Function::IsEmpty => Some(Literal::Bool(text.is_empty())),
            _other => None,
        },
        [Literal::String(text), Literal::String(part)] => match function {
            Function::StartsWith => Some(Literal::Bool(text.starts_with(part.as_str()))),
            Function::EndsWith => Some(Literal::Bool(text.ends_with(part.as_str()))),
            Function::Contains => Some(Literal::Bool(text.contains(part.as_str()))),
            _other => None,
        },
        _other => None,
    };
    literal.map(ExprKind::Literal)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions are folded")]
fn int_call(function: Function, x: i128, ty: &Type) -> Option<Literal> {
    match function {
        Function::Abs => exact(x.checked_abs(), ty),
        Function::Signum => exact(Some(x.signum()), ty),
        Function::WrappingNeg => wrapped(x.checked_neg()?, ty),
        Function::WrappingAbs => wrapped(x.checked_abs()?, ty),
        _other => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions are folded")]
fn int_call_of_two(function: Function, x: i128, y: i128, expr: &Expr) -> Option<ExprKind> {
    let ty = &expr.ty;
    let literal = match function {
        Function::Min => exact(Some(x.min(y)), ty),
        Function::Max => exact(Some(x.max(y)), ty),
        Function::WrappingAdd => wrapped(x.checked_add(y)?, ty),
        Function::WrappingSub => wrapped(x.checked_sub(y)?, ty),
        Function::WrappingMul => wrapped(x.checked_mul(y)?, ty),
        Function::SaturatingAdd => saturated(x.checked_add(y)?, ty),
        Function::SaturatingSub => saturated(x.checked_sub(y)?, ty),
        Function::SaturatingMul => saturated(x.checked_mul(y)?, ty),
        Function::AbsDiff => exact(x.checked_sub(y)?.checked_abs(), ty),
        Function::DivEuclid => exact(x.checked_div_euclid(y), ty),
        Function::RemEuclid => {
            exact(x.checked_div_euclid(y), ty)?;
            exact(x.checked_rem_euclid(y), ty)
        }
        Function::Pow => exact(x.checked_pow(u32::try_from(y).ok()?), ty),
        Function::CheckedAdd => return checked(x.checked_add(y), ty),
        Function::CheckedSub => return checked(x.checked_sub(y), ty),
        Function::CheckedMul => return checked(x.checked_mul(y), ty),
        Function::CheckedDiv => return checked(x.checked_div(y), ty),
        _other => None,
    };
    literal.map(ExprKind::Literal)
}

/// `Some` of the value if the integer type has it, else `None`. Of other types (decimals) the numbers are not the values.
fn checked(value: Option<i128>, option: &Type) -> Option<ExprKind> {
    let ty = option.value_type();
    integer_range(ty)?;
    Some(match exact(value, ty) {
        Some(value) => ExprKind::Some(Box::new(Expr::literal(value, ty.clone()))),
        None => ExprKind::None,
    })
}

/// Functions that are exact or correctly rounded, so that every machine has the same result.
#[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions are folded")]
fn float_call(function: Function, x: f64, ty: &Type) -> Option<Literal> {
    match function {
        Function::Abs => number(x.abs(), ty),
        Function::Sqrt => number(x.sqrt(), ty),
        Function::Floor => number(x.floor(), ty),
        Function::Ceil => number(x.ceil(), ty),
        Function::Trunc => number(x.trunc(), ty),
        Function::Round => number(x.round(), ty),
        Function::Recip => number(1.0 / x, ty),
        Function::IsNan => Some(Literal::Bool(x.is_nan())),
        Function::IsFinite => Some(Literal::Bool(x.is_finite())),
        Function::IsInfinite => Some(Literal::Bool(x.is_infinite())),
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_expr;
    use super::FOLD_CONSTANTS;

    #[track_caller]
    fn check(before: &str, after: &str) {
        check_expr(FOLD_CONSTANTS, before, after);
    }

    #[test]
    fn constants_are_computed() {
        check("x > 10.0 * 10.0", "x > 100.0");
        check("a + (2 + 3) * 4", "a + 20");
        check("a == 7 / 2 - 1 % 2", "a == 2");
        check("x > 7 as f64", "x > 7.0");
        check("a == 300.7 as u8 as i64", "a == 255");
        check("a == -1 as u8 as i64", "a == 255");
        check("s == \"a\" && \"abc\".starts_with(\"ab\")", "s == \"a\" && true");
        check("1 < 2 || a > 1", "true || a > 1");
        check("x > 2.0.sqrt()", "x > 1.4142135623730951");
        check("a > 2.pow(10u32)", "a > 1024");
        check("a == !0 ^ 1 << 3", "a == -9");
    }

    #[test]
    fn row_errors_stay() {
        check("a / 0", "a / 0");
        check("1 / 0 + a", "1 / 0 + a");
        check("a + (9223372036854775807 + 1)", "a + (9223372036854775807 + 1)");
        check("a + (-9223372036854775807 - 1) / -1", "a + -9223372036854775808 / -1");
        check("a + (-9223372036854775807 - 1) % -1", "a + -9223372036854775808 % -1");
        check("a + (1 << 64)", "a + (1 << 64)");
        check("a + 10.pow(20u32)", "a + 10.pow(20u32)");
    }

    #[test]
    fn what_machines_do_not_agree_on_stays() {
        check("x + 1.0.exp()", "x + 1.0.exp()");
        check("x + 0.0 / 0.0", "x + 0.0 / 0.0");
    }

    #[test]
    fn columns_are_not_reassociated() {
        check("x + 1.0 + 2.0", "x + 1.0 + 2.0");
        check("x / 2.0", "x / 2.0");
    }

    #[test]
    fn f32_is_rounded_as_f32() {
        check("x > (0.1f32 + 0.2f32) as f64", "x > 0.30000001192092896");
    }
}
