//! Functions of integers.

use crate::column::{Class, greatest, int_type, least};
use crate::lower::scalar::arithmetic::{
    Int, divide, fail_at_min, is_min_by_minus_one, overflowing, raw_divide, raw_remainder, remainder,
};
use crate::lower::scalar::{Scalar, ScalarCx};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{BinaryOp, Expr, Function};

/// A function of integers; `None` if there is none of this name.
pub(super) fn call(
    cx: &mut ScalarCx<'_, '_>,
    function: Function,
    bits: u8,
    signed: bool,
    values: &[Scalar],
    args: &[Expr],
    expr: &Expr,
) -> Option<Scalar> {
    let int = Int { bits, signed, span: expr.span };
    let x = values[0].value;
    let arg = |position: usize| values.get(position).map(|value| value.value);
    let value = match function {
        Function::Abs => {
            fail_at_min(cx, x, bits, RowErrorCode::AbsOverflow, expr.span);
            cx.fx.builder.ins().iabs(x)
        }
        Function::WrappingAbs => cx.fx.builder.ins().iabs(x),
        Function::Min => min(cx, signed, x, arg(1)?),
        Function::Max => max(cx, signed, x, arg(1)?),
        Function::Clamp => {
            let (low, high) = (arg(1)?, arg(2)?);
            let greater = if signed { IntCC::SignedGreaterThan } else { IntCC::UnsignedGreaterThan };
            let bad = cx.fx.builder.ins().icmp(greater, low, high);
            cx.fail_if(bad, RowErrorCode::ClampBounds, expr.span);
            let raised = max(cx, signed, x, low);
            min(cx, signed, raised, high)
        }
        Function::Signum => {
            let positive = cx.fx.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, x, 0);
            let negative = cx.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, x, 0);
            let sign = cx.fx.builder.ins().isub(positive, negative);
            if bits == 8 { sign } else { cx.fx.builder.ins().sextend(int_type(bits), sign) }
        }
        Function::WrappingAdd => cx.fx.builder.ins().iadd(x, arg(1)?),
        Function::WrappingSub => cx.fx.builder.ins().isub(x, arg(1)?),
        Function::WrappingMul => cx.fx.builder.ins().imul(x, arg(1)?),
        Function::WrappingNeg => cx.fx.builder.ins().ineg(x),
        Function::SaturatingAdd => saturating(cx, BinaryOp::Add, int, x, arg(1)?),
        Function::SaturatingSub => saturating(cx, BinaryOp::Sub, int, x, arg(1)?),
        Function::SaturatingMul => saturating(cx, BinaryOp::Mul, int, x, arg(1)?),
        Function::CheckedAdd => return Some(checked(cx, BinaryOp::Add, int, x, arg(1)?)),
        Function::CheckedSub => return Some(checked(cx, BinaryOp::Sub, int, x, arg(1)?)),
        Function::CheckedMul => return Some(checked(cx, BinaryOp::Mul, int, x, arg(1)?)),
        Function::CheckedDiv => return Some(checked_division(cx, false, int, x, arg(1)?)),
        Function::CheckedRem => return Some(checked_division(cx, true, int, x, arg(1)?)),
        Function::RemEuclid => rem_euclid(cx, int, x, arg(1)?),
        Function::DivEuclid => div_euclid(cx, int, x, arg(1)?),
        Function::Pow => power(cx, int, x, arg(1)?, Class::of(&args.get(1)?.ty)),
        Function::AbsDiff => {
            let (great, small) = (max(cx, signed, x, arg(1)?), min(cx, signed, x, arg(1)?));
            cx.fx.builder.ins().isub(great, small)
        }
        Function::CountOnes => {
            let count = cx.fx.builder.ins().popcnt(x);
            to_u32(cx, count, bits)
        }
        Function::LeadingZeros => {
            let count = cx.fx.builder.ins().clz(x);
            to_u32(cx, count, bits)
        }
        Function::TrailingZeros => {
            let count = cx.fx.builder.ins().ctz(x);
            to_u32(cx, count, bits)
        }
        Function::Bits => cx.fx.bitcast(if bits == 32 { types::F32 } else { types::F64 }, x),
        Function::Sqrt
        | Function::Floor
        | Function::Ceil
        | Function::Trunc
        | Function::Round
        | Function::Fract
        | Function::Copysign
        | Function::MulAdd
        | Function::Recip
        | Function::IsNan
        | Function::IsFinite
        | Function::IsInfinite
        | Function::IsSignNegative
        | Function::IsSignPositive
        | Function::Powf
        | Function::Powi
        | Function::Exp
        | Function::Exp2
        | Function::ExpM1
        | Function::Ln
        | Function::Ln1p
        | Function::Log2
        | Function::Log10
        | Function::Log
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Atan2
        | Function::Sinh
        | Function::Cosh
        | Function::Tanh
        | Function::Cbrt
        | Function::Hypot
        | Function::Len
        | Function::IsEmpty
        | Function::StartsWith
        | Function::EndsWith
        | Function::Contains
        | Function::Text(_)
        | Function::Parse
        | Function::Append
        | Function::Value(_)
        | Function::Fast(_)
        | Function::List(_)
        | Function::UnwrapOr => return None,
    };
    Some(Scalar::plain(value))
}

fn min(cx: &mut ScalarCx<'_, '_>, signed: bool, a: Value, b: Value) -> Value {
    if signed { cx.fx.builder.ins().smin(a, b) } else { cx.fx.builder.ins().umin(a, b) }
}

fn max(cx: &mut ScalarCx<'_, '_>, signed: bool, a: Value, b: Value) -> Value {
    if signed { cx.fx.builder.ins().smax(a, b) } else { cx.fx.builder.ins().umax(a, b) }
}

fn to_u32(cx: &mut ScalarCx<'_, '_>, value: Value, bits: u8) -> Value {
    match bits {
        64 => cx.fx.builder.ins().ireduce(types::I32, value),
        32 => value,
        _ => cx.fx.builder.ins().uextend(types::I32, value),
    }
}

fn checked(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, int: Int, x: Value, y: Value) -> Scalar {
    let (value, overflowed) = overflowing(cx.fx, op, int.signed, x, y);
    let valid = cx.fx.is_zero(overflowed);
    Scalar { value, len: None, valid: Some(valid) }
}

fn checked_division(cx: &mut ScalarCx<'_, '_>, is_remainder: bool, int: Int, x: Value, y: Value) -> Scalar {
    let mut bad = cx.fx.is_zero(y);
    if int.signed {
        let overflowed = is_min_by_minus_one(cx.fx, int.bits, x, y);
        bad = cx.fx.builder.ins().bor(bad, overflowed);
    }
    let one = cx.fx.int(int_type(int.bits), 1);
    let by = cx.fx.select(bad, one, y);
    let value =
        if is_remainder { raw_remainder(cx.fx, int.signed, x, by) } else { raw_divide(cx.fx, int.signed, x, by) };
    let valid = cx.fx.is_zero(bad);
    Scalar { value, len: None, valid: Some(valid) }
}

fn saturating(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, int: Int, x: Value, y: Value) -> Value {
    let ty = int_type(int.bits);
    let (value, overflowed) = overflowing(cx.fx, op, int.signed, x, y);
    let limit = if int.signed {
        // Sums and differences overflow to the side of the first operand, products by the sign of both.
        let sign = if op == BinaryOp::Mul { cx.fx.builder.ins().bxor(x, y) } else { x };
        let high = cx.fx.int(ty, greatest(int.bits, true));
        let low = cx.fx.int(ty, least(int.bits, true));
        let negative = cx.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, sign, 0);
        cx.fx.select(negative, low, high)
    } else {
        cx.fx.int(ty, if op == BinaryOp::Sub { 0 } else { greatest(int.bits, false) })
    };
    cx.fx.select(overflowed, limit, value)
}

fn rem_euclid(cx: &mut ScalarCx<'_, '_>, int: Int, x: Value, y: Value) -> Value {
    let rest = remainder(cx, int, x, y);
    if !int.signed {
        return rest;
    }
    let magnitude = cx.fx.builder.ins().iabs(y);
    let raised = cx.fx.builder.ins().iadd(rest, magnitude);
    let negative = cx.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, rest, 0);
    cx.fx.select(negative, raised, rest)
}

fn div_euclid(cx: &mut ScalarCx<'_, '_>, int: Int, x: Value, y: Value) -> Value {
    let quotient = divide(cx, int, x, y);
    if !int.signed {
        return quotient;
    }
    let rest = raw_remainder(cx.fx, true, x, y);
    let positive = cx.fx.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, y, 0);
    let below = cx.fx.builder.ins().iadd_imm_s(quotient, -1);
    let above = cx.fx.builder.ins().iadd_imm_s(quotient, 1);
    let corrected = cx.fx.select(positive, below, above);
    let negative = cx.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, rest, 0);
    cx.fx.select(negative, corrected, quotient)
}

/// `x.pow(n)` by squaring: fails exactly where the result does not fit.
fn power(cx: &mut ScalarCx<'_, '_>, int: Int, x: Value, exponent: Value, exponent_class: Class) -> Value {
    debug_assert_eq!(exponent_class, Class::Int { bits: 32, signed: false }, "`pow` takes an `u32`");
    let ty = int_type(int.bits);
    let head = cx.fx.builder.create_block();
    let (result, base, left) = (
        cx.fx.builder.append_block_param(head, ty),
        cx.fx.builder.append_block_param(head, ty),
        cx.fx.builder.append_block_param(head, types::I32),
    );
    let multiply = cx.fx.builder.create_block();
    let square = cx.fx.builder.create_block();
    let new_result = cx.fx.builder.append_block_param(square, ty);
    let square_on = cx.fx.builder.create_block();
    let done = cx.fx.builder.create_block();
    let value = cx.fx.builder.append_block_param(done, ty);
    let one = cx.fx.int(ty, 1);
    let args = [one, x, exponent].map(BlockArg::Value);
    cx.fx.builder.ins().jump(head, &args);

    cx.fx.builder.switch_to_block(head);
    let odd = cx.fx.builder.ins().band_imm_u(left, 1);
    cx.fx.builder.ins().brif(odd, multiply, &[], square, &[BlockArg::Value(result)]);

    cx.fx.builder.switch_to_block(multiply);
    let (product, overflowed) = overflowing(cx.fx, BinaryOp::Mul, int.signed, result, base);
    cx.fail_if(overflowed, RowErrorCode::PowOverflow, int.span);
    cx.fx.builder.ins().jump(square, &[BlockArg::Value(product)]);

    cx.fx.builder.switch_to_block(square);
    let rest = cx.fx.builder.ins().ushr_imm_u(left, 1);
    cx.fx.builder.ins().brif(rest, square_on, &[], done, &[BlockArg::Value(new_result)]);

    // The square is used: the highest bit of the exponent is still to come.
    cx.fx.builder.switch_to_block(square_on);
    let (squared, overflowed) = overflowing(cx.fx, BinaryOp::Mul, int.signed, base, base);
    cx.fail_if(overflowed, RowErrorCode::PowOverflow, int.span);
    let args = [new_result, squared, rest].map(BlockArg::Value);
    cx.fx.builder.ins().jump(head, &args);

    cx.fx.builder.switch_to_block(done);
    value
}
