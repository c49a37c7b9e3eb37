//! Division of integers in lanes: by way of `f64`, which is exact where numbers are small.
//!
//! No machine of ours divides integers in vectors, nor has the upper half of a product of 64 bits. Below 2^50 every integer
//! is a float, and the quotient of two, correctly rounded, never reaches the next integer: between `a / b` and the integer above
//! lies at least `1 / b`, and that is more than the rounding as long as `a + b` is below 2^53. By a constant it is a product:
//! half of the divisor's unit is added first, so that `(x + 0.5) / d` lies at least `0.5 / d` away from every integer, farther than two
//! roundings lead. Rows with greater numbers, where the type has any, are divided lane by lane.

use super::arithmetic::{Int, canonical};
use super::range::Range;
use super::{VectorCx, with_sign};
use crate::column::least;
use crate::lower::scalar::arithmetic::{raw_divide, raw_remainder};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_ir::expr::BinaryOp;

/// Bits of 2^52 + 2^51: an integer added to them gives the float that is greater by just as much.
const MAGIC: i64 = 0x4338_0000_0000_0000;

/// Two to this power: integers below it are divided as floats.
const EXACT_BITS: u32 = 50;

fn exact() -> Range {
    Range::below(1 << EXACT_BITS)
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
        let op = if is_remainder { BinaryOp::Rem } else { BinaryOp::Div };
        let range = Range::after(op, cx.range(int, x), Range::of(by.into()));
        let result = by_constant(cx, is_remainder, int, x, by);
        cx.ranges.extend(range.map(|range| (result, range)));
        return result;
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
    let range = cx.range(int, left);
    let signed = int.signed && !range.is_positive();
    if by == 1 {
        return if is_remainder { cx.int(0) } else { left };
    }
    // Of a signed type, the least value is a power of two that has a sign.
    if by.cast_unsigned().is_power_of_two() && !(int.signed && by < 0) {
        return by_power_of_two(cx, is_remainder, signed, left, by);
    }
    #[expect(clippy::cast_precision_loss, reason = "from 2^53 on the quotient of small numbers is 0, rounded or not")]
    let divisor = if int.signed { by as f64 } else { by.cast_unsigned() as f64 };
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
    let fast = to_int(cx, result);
    if range.is_in(exact()) {
        return fast;
    }
    let great = is_great(cx, int, left);
    let raw = if is_remainder { raw_remainder } else { raw_divide };
    let [value, _] = or_by_lane(cx, great, [fast, fast], |cx| {
        let value = cx.by_lane(&[left], |cx, args| {
            // A constant here lets Cranelift multiply instead.
            let by = cx.fx.int(types::I64, by);
            raw(cx.fx, signed, args[0], by)
        });
        [value, value]
    });
    value
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
    let zero = cx.int(0);
    if b.contains(0) {
        let by_zero = cx.fx.builder.ins().icmp(IntCC::Equal, right, zero);
        cx.fail_if(by_zero);
    }
    let may_overflow = int.signed && b.contains(-1) && a.contains(least(int.bits, true).into());
    let (x, y) = (to_float(cx, left), to_float(cx, right));
    let ratio = cx.fx.builder.ins().fdiv(x, y);
    let quotient = cx.fx.builder.ins().trunc(ratio);
    let result = if is_remainder {
        let whole = cx.fx.builder.ins().fmul(quotient, y);
        cx.fx.builder.ins().fsub(x, whole)
    } else {
        quotient
    };
    let fast = to_int(cx, result);
    if a.is_in(exact()) && b.is_in(exact()) {
        if may_overflow {
            let overflowed = min_by_minus_one(cx, int, left, right);
            cx.fail_if(overflowed);
        }
        return fast;
    }
    let (left_great, right_great) = (is_great(cx, int, left), is_great(cx, int, right));
    let great = cx.fx.builder.ins().bor(left_great, right_great);
    let none = cx.mask(false);
    let raw = if is_remainder { raw_remainder } else { raw_divide };
    // Small numbers do not overflow: only what is divided lane by lane is looked at.
    let [value, overflowed] = or_by_lane(cx, great, [fast, none], |cx| {
        // A row that has failed already may hold anything: no quotient of it may trap.
        let left = canonical(cx, int, left);
        let by_zero = cx.fx.builder.ins().icmp(IntCC::Equal, right, zero);
        let overflowed = if int.signed { min_by_minus_one(cx, int, left, right) } else { none };
        let bad = cx.fx.builder.ins().bor(by_zero, overflowed);
        let one = cx.int(1);
        let by = cx.choose(bad, one, right);
        [cx.by_lane(&[left, by], |cx, args| raw(cx.fx, int.signed, args[0], args[1])), overflowed]
    });
    if may_overflow {
        cx.fail_if(overflowed);
    }
    value
}

/// Mask of `MIN / -1`.
fn min_by_minus_one(cx: &mut VectorCx<'_, '_>, int: Int, left: Value, right: Value) -> Value {
    let min = cx.int(least(int.bits, true));
    let minus_one = cx.int(-1);
    let at_min = cx.fx.builder.ins().icmp(IntCC::Equal, left, min);
    let by_minus_one = cx.fx.builder.ins().icmp(IntCC::Equal, right, minus_one);
    cx.fx.builder.ins().band(at_min, by_minus_one)
}

/// The float that a small integer is.
fn to_float(cx: &mut VectorCx<'_, '_>, x: Value) -> Value {
    let magic = cx.int(MAGIC);
    let moved = cx.fx.builder.ins().iadd(x, magic);
    let moved = cx.fx.bitcast(types::F64X2, moved);
    let magic = cx.fx.lanes(types::F64X2, MAGIC.cast_unsigned(), MAGIC.cast_unsigned());
    cx.fx.builder.ins().fsub(moved, magic)
}

/// The integer that a whole float is.
fn to_int(cx: &mut VectorCx<'_, '_>, x: Value) -> Value {
    let magic = cx.fx.lanes(types::F64X2, MAGIC.cast_unsigned(), MAGIC.cast_unsigned());
    let moved = cx.fx.builder.ins().fadd(x, magic);
    let moved = cx.fx.bitcast(types::I64X2, moved);
    let magic = cx.int(MAGIC);
    cx.fx.builder.ins().isub(moved, magic)
}

/// Not zero where an integer is too great to be a float.
fn is_great(cx: &mut VectorCx<'_, '_>, int: Int, x: Value) -> Value {
    if int.signed {
        let most = cx.int(1 << EXACT_BITS);
        let moved = cx.fx.builder.ins().iadd(x, most);
        cx.fx.builder.ins().ushr_imm_u(moved, i64::from(EXACT_BITS) + 1)
    } else {
        cx.fx.builder.ins().ushr_imm_u(x, i64::from(EXACT_BITS))
    }
}

/// What has been computed, or, if anything is set in `great`, what is computed lane by lane in a block that is seldom reached.
fn or_by_lane(
    cx: &mut VectorCx<'_, '_>,
    great: Value,
    fast: [Value; 2],
    slow: impl FnOnce(&mut VectorCx<'_, '_>) -> [Value; 2],
) -> [Value; 2] {
    let (by_lane, done) = (cx.fx.cold_block(), cx.fx.builder.create_block());
    let results = [(); 2].map(|()| cx.fx.builder.append_block_param(done, types::I64X2));
    let any = cx.fx.builder.ins().vany_true(great);
    cx.fx.builder.ins().brif(any, by_lane, &[], done, &fast.map(BlockArg::Value));
    cx.fx.builder.switch_to_block(by_lane);
    // What is taken apart here is not there for others.
    let scalars = cx.scalars.clone();
    let values = slow(cx);
    cx.scalars = scalars;
    cx.fx.builder.ins().jump(done, &values.map(BlockArg::Value));
    cx.fx.builder.switch_to_block(done);
    results
}
