//! Division of integers in lanes: by way of `f64`, which is exact where numbers are small.
//!
//! No machine of ours divides integers in vectors, nor has the upper half of a product of 64 bits. Below 2^51 every integer and
//! its half are floats, and the quotient of two, correctly rounded, never reaches the next integer: between `a / b` and the integer
//! above lies at least `1 / b`, and that is more than the rounding as long as `a + b` is below 2^53. By a constant it is a
//! product: half of the divisor's unit is added first, so that `(x + 0.5) / d` lies at least `0.5 / d` away from every integer, farther
//! than two roundings lead. Rows with greater numbers, where the type has any, are suspected of having failed: the kernel that goes row
//! by row divides them.
//!
//! What has been computed as a float stays there too, so that a chain of divisions converts once.

use super::arithmetic::Int;
use super::range::Range;
use super::{VectorCx, with_sign};
use crate::column::least;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_ir::expr::BinaryOp;

/// Bits of 2^52 + 2^51: an integer added to them gives the float that is greater by just as much.
const MAGIC: i64 = 0x4338_0000_0000_0000;

/// The greatest integer that is divided as a float.
const GREATEST: i64 = (1 << 51) - 1;

/// The integers that are floats here.
pub(super) fn exact() -> Range {
    Range::below(1 << 51)
}

/// `left / right` or `left % right`, never trapping. `by` is the constant that the right side is.
pub(super) fn divide(
    cx: &mut VectorCx<'_, '_>,
    is_remainder: bool,
    int: Int,
    left: Value,
    right: Value,
    by: Option<i64>,
) -> Value {
    match by.filter(|by| *by != 0 && !(int.signed && *by == -1)) {
        Some(by) => by_constant(cx, is_remainder, int, left, by),
        None => by_value(cx, is_remainder, int, left, right),
    }
}

/// `x.rem_euclid(by)` or `x.div_euclid(by)` by a positive constant.
pub(super) fn euclid(cx: &mut VectorCx<'_, '_>, is_remainder: bool, int: Int, x: Value, by: i64) -> Value {
    if !int.signed || cx.range(int, x).is_positive() {
        return by_constant(cx, is_remainder, int, x, by);
    }
    // Where the remainder is negative, the quotient is one too great.
    let rest = by_constant(cx, true, int, x, by);
    let zero = cx.int(0);
    let negative = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, rest, zero);
    let range = cx.range(int, x);
    let (result, range) = if is_remainder {
        let divisor = cx.int(by);
        let raise = cx.fx.builder.ins().band(negative, divisor);
        (cx.fx.builder.ins().iadd(rest, raise), Range::from_zero_to(by.into()))
    } else {
        let quotient = by_constant(cx, false, int, x, by);
        (cx.fx.builder.ins().iadd(quotient, negative), range.div_euclid(by.into()))
    };
    cx.ranges.insert(result, range);
    result
}

/// By a constant that is neither 0 nor -1.
fn by_constant(cx: &mut VectorCx<'_, '_>, is_remainder: bool, int: Int, left: Value, by: i64) -> Value {
    if by == 1 {
        return if is_remainder { cx.int(0) } else { left };
    }
    let op = if is_remainder { BinaryOp::Rem } else { BinaryOp::Div };
    let divisor: i128 = if int.signed { by.into() } else { by.cast_unsigned().into() };
    // Of a signed type, the least value is a power of two that has a sign.
    let result = if by.cast_unsigned().is_power_of_two() && !(int.signed && by < 0) {
        let signed = int.signed && !cx.range(int, left).is_positive();
        by_power_of_two(cx, is_remainder, signed, left, by)
    } else {
        assume_small(cx, int, left);
        by_product(cx, is_remainder, int, left, divisor)
    };
    if let Some(range) = Range::after(op, cx.range(int, left), Range::of(divisor)) {
        cx.ranges.insert(result, range);
    }
    result
}

fn by_product(cx: &mut VectorCx<'_, '_>, is_remainder: bool, int: Int, left: Value, divisor: i128) -> Value {
    let signed = int.signed && !cx.range(int, left).is_positive();
    #[expect(clippy::cast_precision_loss, reason = "from 2^53 on the quotient of small numbers is 0, rounded or not")]
    let divisor = divisor as f64;
    let x = to_float(cx, left);
    let half = cx.float(0.5);
    let half = if signed { with_sign(cx, half, x) } else { half };
    let inverse = cx.float(1.0 / divisor);
    let biased = cx.fx.builder.ins().fadd(x, half);
    let product = cx.fx.builder.ins().fmul(biased, inverse);
    let quotient = cx.fx.builder.ins().trunc(product);
    let result = if is_remainder {
        let divisor = cx.float(divisor);
        let whole = cx.fx.builder.ins().fmul(quotient, divisor);
        cx.fx.builder.ins().fsub(x, whole)
    } else {
        quotient
    };
    to_int(cx, result)
}

/// By `2^k`: shifts, and towards zero where there is a sign.
fn by_power_of_two(cx: &mut VectorCx<'_, '_>, is_remainder: bool, signed: bool, left: Value, by: i64) -> Value {
    let shift = i64::from(by.trailing_zeros());
    let below = cx.int(by.wrapping_sub(1));
    if !signed {
        return if is_remainder {
            cx.fx.builder.ins().band(left, below)
        } else {
            cx.fx.builder.ins().ushr_imm_u(left, shift)
        };
    }
    let zero = cx.int(0);
    let negative = cx.fx.builder.ins().icmp(IntCC::SignedLessThan, left, zero);
    let raise = cx.fx.builder.ins().band(negative, below);
    let raised = cx.fx.builder.ins().iadd(left, raise);
    if is_remainder {
        let above = cx.int(by.wrapping_neg());
        let whole = cx.fx.builder.ins().band(raised, above);
        cx.fx.builder.ins().isub(left, whole)
    } else {
        cx.fx.builder.ins().sshr_imm_u(raised, shift)
    }
}

fn by_value(cx: &mut VectorCx<'_, '_>, is_remainder: bool, int: Int, left: Value, right: Value) -> Value {
    let (a, b) = (cx.range(int, left), cx.range(int, right));
    if b.contains(0) && !cx.not_zero.contains(&right) {
        let zero = cx.int(0);
        let by_zero = cx.fx.builder.ins().icmp(IntCC::Equal, right, zero);
        cx.fail_if(by_zero);
    }
    // Of 64 bits the least value is not small.
    if int.signed && int.bits < 64 && b.contains(-1) && a.contains(least(int.bits, true).into()) {
        let min = cx.int(least(int.bits, true));
        let minus_one = cx.int(-1);
        let at_min = cx.fx.builder.ins().icmp(IntCC::Equal, left, min);
        let by_minus_one = cx.fx.builder.ins().icmp(IntCC::Equal, right, minus_one);
        let overflowed = cx.fx.builder.ins().band(at_min, by_minus_one);
        cx.fail_if(overflowed);
    }
    assume_small(cx, int, left);
    assume_small(cx, int, right);
    let (x, y) = (to_float(cx, left), to_float(cx, right));
    let ratio = cx.fx.builder.ins().fdiv(x, y);
    let quotient = cx.fx.builder.ins().trunc(ratio);
    let result = if is_remainder {
        let whole = cx.fx.builder.ins().fmul(quotient, y);
        cx.fx.builder.ins().fsub(x, whole)
    } else {
        quotient
    };
    let result = to_int(cx, result);
    // Neither is farther from zero than what is divided.
    let a = cx.range(int, left);
    cx.ranges.insert(result, a.to_zero_and_opposite(int.signed));
    result
}

/// Rows where an integer is no float are suspected of having failed; from here on, it is one.
pub(super) fn assume_small(cx: &mut VectorCx<'_, '_>, int: Int, x: Value) {
    let range = cx.range(int, x);
    if range.is_in(exact()) {
        cx.ranges.insert(x, range);
        return;
    }
    let greatest = cx.int(GREATEST);
    // The sign says it: of what is below the least, or beyond the greatest.
    let bad = if int.signed {
        let moved = cx.fx.builder.ins().iadd(x, greatest);
        let width = cx.int(2 * GREATEST);
        let left = cx.fx.builder.ins().isub(width, moved);
        cx.fx.builder.ins().bor(moved, left)
    } else {
        let left = cx.fx.builder.ins().isub(greatest, x);
        cx.fx.builder.ins().bor(x, left)
    };
    cx.fail_if(bad);
    cx.assume(x, range.and(exact()));
}

/// The float that a small integer is.
pub(super) fn to_float(cx: &mut VectorCx<'_, '_>, x: Value) -> Value {
    if let Some(known) = cx.floats.get(&x) {
        return *known;
    }
    if let Some(constant) = float_form(cx, x) {
        return constant;
    }
    let magic = cx.int(MAGIC);
    let moved = cx.fx.builder.ins().iadd(x, magic);
    let moved = cx.fx.bitcast(types::F64X2, moved);
    let magic = cx.fx.lanes(types::F64X2, MAGIC.cast_unsigned(), MAGIC.cast_unsigned());
    let float = cx.fx.builder.ins().fsub(moved, magic);
    cx.floats.insert(x, float);
    float
}

/// The integer that a whole, small float is.
pub(super) fn to_int(cx: &mut VectorCx<'_, '_>, x: Value) -> Value {
    if let Some(known) = cx.ints.get(&x) {
        return *known;
    }
    let magic = cx.fx.lanes(types::F64X2, MAGIC.cast_unsigned(), MAGIC.cast_unsigned());
    let moved = cx.fx.builder.ins().fadd(x, magic);
    let moved = cx.fx.bitcast(types::I64X2, moved);
    let magic = cx.int(MAGIC);
    let int = cx.fx.builder.ins().isub(moved, magic);
    cx.floats.insert(int, x);
    cx.ints.insert(x, int);
    int
}

/// The float that an integer is, where that is there already, and where it is known to be one: elsewhere a great integer may have been
/// taken for a float.
fn float_form(cx: &mut VectorCx<'_, '_>, x: Value) -> Option<Value> {
    let range = *cx.ranges.get(&x).filter(|range| range.is_in(exact()))?;
    if let Some(known) = cx.floats.get(&x) {
        return Some(*known);
    }
    #[expect(clippy::cast_precision_loss, reason = "a small constant is a float")]
    let constant = range.single()? as f64;
    Some(cx.float(constant))
}

/// Both as floats, where at least one is one already and the other needs no conversion.
pub(super) fn float_forms(cx: &mut VectorCx<'_, '_>, a: Value, b: Value) -> Option<(Value, Value)> {
    if !cx.floats.contains_key(&a) && !cx.floats.contains_key(&b) {
        return None;
    }
    Some((float_form(cx, a)?, float_form(cx, b)?))
}

/// `a op b` of integers that are floats already, where the result, which lies between these bounds, is one too. Rows where it is not
/// small are suspected of having failed.
pub(super) fn as_floats(cx: &mut VectorCx<'_, '_>, op: BinaryOp, a: Value, b: Value, range: Range) -> Option<Value> {
    if !range.is_in(Range::below(1 << 53)) {
        return None;
    }
    let (x, y) = float_forms(cx, a, b)?;
    let ins = cx.fx.builder.ins();
    let result = match op {
        BinaryOp::Add => ins.fadd(x, y),
        BinaryOp::Sub => ins.fsub(x, y),
        BinaryOp::Mul => ins.fmul(x, y),
        BinaryOp::Div
        | BinaryOp::Rem
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
    let value = to_int(cx, result);
    if range.is_in(exact()) {
        cx.ranges.insert(value, range);
    } else {
        let size = cx.fx.builder.ins().fabs(result);
        let limit = cx.float((1_u64 << 51) as f64);
        let bad = cx.fx.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, size, limit);
        cx.fail_if(bad);
        cx.assume(value, range.and(exact()));
    }
    Some(value)
}
