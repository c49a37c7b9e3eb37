//! Library functions in lanes; [`super::capability`] has the list.

use super::arithmetic::{Int, canonical, overflowing, wrapping};
use super::range::Range;
use super::{Lanes, VectorCx, division, with_sign};
use crate::CodegenError;
use crate::column::{Class, greatest, least};
use crate::lower::expand::expand;
use crate::lower::scalar::low_bits;
use crate::lower::scalar::math::{min_max_condition, round_bias};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_ir::expr::{BinaryOp, Expr, Function, Literal};

/// `function(args)`, all arguments evaluated from left to right.
pub(super) fn call(
    cx: &mut VectorCx<'_, '_>,
    function: Function,
    args: &[Expr],
    expr: &Expr,
) -> Result<Lanes, CodegenError> {
    if let Function::Value(function) = function {
        let expanded = expand(function, args, expr.span, true)
            .ok_or_else(|| CodegenError::internal("a function without a vector form in a vector kernel"))?;
        return cx.lower(&expanded);
    }
    let values = args.iter().map(|arg| cx.lower(arg)).collect::<Result<Vec<_>, _>>()?;
    cx.fx.note(|| format!("{function:?}"));
    if let (Function::UnwrapOr, [option, default]) = (function, values.as_slice()) {
        return Ok(match option.valid {
            Some(valid) => Lanes::plain(cx.choose(valid, option.value, default.value)),
            None => *option,
        });
    }
    let first = args.first().ok_or_else(|| CodegenError::internal("a function without arguments"))?;
    let values: Vec<Value> = values.iter().map(|value| value.value).collect();
    let constant = match args.get(1).and_then(Expr::as_literal) {
        Some(Literal::Int(value)) => Some(low_bits(*value)),
        _ => None,
    };
    let result = match (Class::of(&first.ty), constant) {
        (class @ (Class::F32 | Class::F64), Some(n)) if function == Function::Powi => {
            Some(Lanes::plain(float_power(cx, class, values[0], n)))
        }
        (class @ (Class::F32 | Class::F64), _) => floats(cx, function, class, &values).map(Lanes::plain),
        (Class::Int { bits, signed }, Some(by)) if matches!(function, Function::RemEuclid | Function::DivEuclid) => {
            let int = Int { bits, signed };
            Some(Lanes::plain(division::euclid(cx, function == Function::RemEuclid, int, values[0], by)))
        }
        (Class::Int { bits, signed }, Some(n)) if function == Function::Pow => {
            Some(Lanes::plain(int_power(cx, Int { bits, signed }, values[0], n)))
        }
        (Class::Int { bits, signed }, _) => integers(cx, function, Int { bits, signed }, &values),
        (Class::Bool | Class::Unit | Class::Str | Class::List(_) | Class::Decimal, _) => None,
    };
    result.ok_or_else(|| CodegenError::unsupported(&format!("`{function:?}` of `{}` in vectors", first.ty), expr.span))
}

/// `x.powi(n)`: the products that the runtime makes, in its order.
fn float_power(cx: &mut VectorCx<'_, '_>, class: Class, x: Value, n: i64) -> Value {
    let mut result = None;
    let mut base = x;
    let mut left = n.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                Some(before) => {
                    let product = cx.fx.builder.ins().fmul(before, base);
                    cx.round_to(class, product)
                }
                None => base,
            });
        }
        left >>= 1;
        if left > 0 {
            let square = cx.fx.builder.ins().fmul(base, base);
            base = cx.round_to(class, square);
        }
    }
    let one = cx.float(1.0);
    match result {
        None => one,
        Some(result) if n < 0 => {
            let inverse = cx.fx.builder.ins().fdiv(one, result);
            cx.round_to(class, inverse)
        }
        Some(result) => result,
    }
}

/// `x.pow(n)`.
fn int_power(cx: &mut VectorCx<'_, '_>, int: Int, x: Value, n: i64) -> Value {
    let mut result = None;
    let mut base = x;
    let mut left = n;
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                Some(before) => product(cx, int, before, base),
                None => base,
            });
        }
        left >>= 1;
        if left > 0 {
            base = product(cx, int, base, base);
        }
    }
    match result {
        Some(result) => result,
        None => cx.int(1),
    }
}

fn product(cx: &mut VectorCx<'_, '_>, int: Int, a: Value, b: Value) -> Value {
    let (value, overflowed) = overflowing(cx, BinaryOp::Mul, int, a, b);
    cx.fail_if(overflowed);
    // What overflowed must not look harmless in the next product.
    canonical(cx, int, value)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a list of those that have a vector form")]
fn floats(cx: &mut VectorCx<'_, '_>, function: Function, class: Class, args: &[Value]) -> Option<Value> {
    let x = args[0];
    let arg = |position: usize| args.get(position).copied();
    Some(match function {
        Function::Abs => cx.fx.builder.ins().fabs(x),
        Function::Sqrt => {
            let root = cx.fx.builder.ins().sqrt(x);
            cx.round_to(class, root)
        }
        Function::Floor => cx.fx.builder.ins().floor(x),
        Function::Ceil => cx.fx.builder.ins().ceil(x),
        Function::Trunc => cx.fx.builder.ins().trunc(x),
        Function::Round => {
            // In `f64` the bias for an `f64` is right for an `f32` too.
            let bias = cx.float(round_bias(Class::F64));
            let bias = with_sign(cx, bias, x);
            let biased = cx.fx.builder.ins().fadd(x, bias);
            cx.fx.builder.ins().trunc(biased)
        }
        Function::Fract => {
            let whole = cx.fx.builder.ins().trunc(x);
            cx.fx.builder.ins().fsub(x, whole)
        }
        Function::Recip => {
            let one = cx.float(1.0);
            let inverse = cx.fx.builder.ins().fdiv(one, x);
            cx.round_to(class, inverse)
        }
        Function::Copysign => with_sign(cx, x, arg(1)?),
        Function::Signum => {
            let one = cx.float(1.0);
            let signed = with_sign(cx, one, x);
            let is_nan = cx.fx.builder.ins().fcmp(FloatCC::Unordered, x, x);
            cx.choose(is_nan, x, signed)
        }
        Function::Min | Function::Max => {
            let other = arg(1)?;
            let (less, than) = min_max_condition(function == Function::Min, x, other);
            let take_other = cx.fx.builder.ins().fcmp(FloatCC::LessThan, less, than);
            let chosen = cx.choose(take_other, other, x);
            let is_nan = cx.fx.builder.ins().fcmp(FloatCC::Unordered, x, x);
            cx.choose(is_nan, other, chosen)
        }
        Function::Clamp => {
            let (low, high) = (arg(1)?, arg(2)?);
            let in_order = cx.fx.builder.ins().fcmp(FloatCC::LessThanOrEqual, low, high);
            let bad = cx.fx.builder.ins().bnot(in_order);
            cx.fail_if(bad);
            let below = cx.fx.builder.ins().fcmp(FloatCC::LessThan, x, low);
            let raised = cx.choose(below, low, x);
            let above = cx.fx.builder.ins().fcmp(FloatCC::LessThan, high, raised);
            cx.choose(above, high, raised)
        }
        Function::MulAdd => cx.fx.builder.ins().fma(x, arg(1)?, arg(2)?),
        Function::IsNan => cx.fx.builder.ins().fcmp(FloatCC::Unordered, x, x),
        Function::IsFinite | Function::IsInfinite => {
            let magnitude = cx.fx.builder.ins().fabs(x);
            let infinity = cx.float(f64::INFINITY);
            let condition = if function == Function::IsFinite { FloatCC::LessThan } else { FloatCC::Equal };
            cx.fx.builder.ins().fcmp(condition, magnitude, infinity)
        }
        Function::IsSignNegative | Function::IsSignPositive => {
            let bits = cx.fx.bitcast(types::I64X2, x);
            let zero = cx.int(0);
            let negative = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, bits, zero);
            if function == Function::IsSignNegative { negative } else { cx.fx.builder.ins().bnot(negative) }
        }
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a list of those that have a vector form")]
fn integers(cx: &mut VectorCx<'_, '_>, function: Function, int: Int, args: &[Value]) -> Option<Lanes> {
    let x = args[0];
    let arg = |position: usize| args.get(position).copied();
    let less = if int.signed || int.bits < 64 { IntCC::SignedLessThan } else { IntCC::UnsignedLessThan };
    Some(Lanes::plain(match function {
        Function::Abs => {
            let min = cx.int(least(int.bits, true));
            let at_min = cx.fx.builder.ins().icmp(IntCC::Equal, x, min);
            cx.fail_if(at_min);
            cx.fx.builder.ins().iabs(x)
        }
        Function::WrappingAbs => {
            let magnitude = cx.fx.builder.ins().iabs(x);
            canonical(cx, int, magnitude)
        }
        Function::WrappingNeg => {
            let negative = cx.fx.builder.ins().ineg(x);
            canonical(cx, int, negative)
        }
        Function::WrappingAdd | Function::WrappingSub | Function::WrappingMul => {
            let op = match function {
                Function::WrappingAdd => BinaryOp::Add,
                Function::WrappingSub => BinaryOp::Sub,
                _ => BinaryOp::Mul,
            };
            let other = arg(1)?;
            let range = Range::after(op, cx.range(int, x), cx.range(int, other));
            let wide = wrapping(cx, op, x, other);
            match range.filter(|range| range.is_in(Range::of_type(int))) {
                Some(range) => {
                    cx.ranges.insert(wide, range);
                    wide
                }
                None => canonical(cx, int, wide),
            }
        }
        Function::SaturatingAdd | Function::SaturatingSub => {
            let op = if function == Function::SaturatingAdd { BinaryOp::Add } else { BinaryOp::Sub };
            let other = arg(1)?;
            let (value, overflowed) = overflowing(cx, op, int, x, other);
            let zero = cx.int(0);
            let overflowed = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, overflowed, zero);
            let limit = if int.signed {
                // It overflows to the side of the first operand.
                let negative = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, x, zero);
                let (low, high) = (cx.int(least(int.bits, true)), cx.int(greatest(int.bits, true)));
                cx.choose(negative, low, high)
            } else {
                cx.int(if op == BinaryOp::Sub { 0 } else { greatest(int.bits, false) })
            };
            cx.choose(overflowed, limit, value)
        }
        Function::AbsDiff => {
            let other = arg(1)?;
            let smaller = cx.fx.builder.ins().icmp(less, x, other);
            let (up, down) = (wrapping(cx, BinaryOp::Sub, other, x), wrapping(cx, BinaryOp::Sub, x, other));
            cx.choose(smaller, up, down)
        }
        Function::Signum => {
            let zero = cx.int(0);
            let negative = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, x, zero);
            let positive = cx.fx.builder.ins().icmp(IntCC::SignedGreaterThan, x, zero);
            cx.fx.builder.ins().isub(negative, positive)
        }
        Function::CheckedAdd | Function::CheckedSub | Function::CheckedMul => {
            let op = match function {
                Function::CheckedAdd => BinaryOp::Add,
                Function::CheckedSub => BinaryOp::Sub,
                _ => BinaryOp::Mul,
            };
            let (value, overflowed) = overflowing(cx, op, int, x, arg(1)?);
            // The sign bit says it.
            let zero = cx.int(0);
            let negative = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, overflowed, zero);
            let valid = cx.fx.builder.ins().bnot(negative);
            return Some(Lanes { value, valid: Some(valid) });
        }
        Function::Min | Function::Max => {
            let other = arg(1)?;
            let (a, b) = min_max_condition(function == Function::Min, x, other);
            let take_other = cx.fx.builder.ins().icmp(less, a, b);
            cx.choose(take_other, other, x)
        }
        Function::Clamp => {
            let (low, high) = (arg(1)?, arg(2)?);
            let bad = cx.fx.builder.ins().icmp(less, high, low);
            cx.fail_if(bad);
            let below = cx.fx.builder.ins().icmp(less, x, low);
            let raised = cx.choose(below, low, x);
            let above = cx.fx.builder.ins().icmp(less, high, raised);
            cx.choose(above, high, raised)
        }
        _ => return None,
    }))
}
