//! Arithmetic and bit operators in lanes.
//!
//! Integer overflow is seen from signs (64 bits) or from the bits above the type (narrower). Multiplication of 64-bit
//! integers is done lane by lane: no machine of ours has it for vectors. Division is in [`division`]. `x / 2^k` of floats is a
//! product.

use super::range::Range;
use super::{Lanes, VectorCx, division};
use crate::CodegenError;
use crate::column::{Class, least};
use crate::lower::scalar::low_bits;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_ir::expr::{BinaryOp, Expr, Literal, UnaryOp};

/// An integer class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Int {
    /// 8, 16, 32 or 64.
    pub(super) bits: u8,
    /// Two's complement.
    pub(super) signed: bool,
}

/// `-x`, `!x`.
pub(super) fn unary(cx: &mut VectorCx<'_, '_>, op: UnaryOp, x: &Expr) -> Result<Lanes, CodegenError> {
    let value = cx.lower(x)?.value;
    let result = match (op, Class::of(&x.ty)) {
        (UnaryOp::Neg, Class::F32 | Class::F64) => cx.fx.builder.ins().fneg(value),
        (UnaryOp::Neg, Class::Int { bits, .. }) => {
            let min = cx.int(least(bits, true));
            let at_min = cx.fx.builder.ins().icmp(IntCC::Equal, value, min);
            cx.fail_if(at_min);
            cx.fx.builder.ins().ineg(value)
        }
        (UnaryOp::Not, Class::Bool) => cx.fx.builder.ins().bnot(value),
        (UnaryOp::Not, Class::Int { bits, signed }) => {
            let flipped = cx.fx.builder.ins().bnot(value);
            canonical(cx, Int { bits, signed }, flipped)
        }
        (
            UnaryOp::Neg | UnaryOp::Not,
            Class::Unit | Class::Bool | Class::F32 | Class::F64 | Class::Str | Class::List(_) | Class::Decimal,
        ) => {
            return Err(CodegenError::internal("this operator has no vector form"));
        }
    };
    Ok(Lanes::plain(result))
}

/// The low bits of a value, extended to 64 bits as its type is.
pub(super) fn canonical(cx: &mut VectorCx<'_, '_>, int: Int, value: Value) -> Value {
    if int.bits == 64 {
        return value;
    }
    if int.signed {
        let shift = i64::from(64 - int.bits);
        let high = cx.fx.builder.ins().ishl_imm_u(value, shift);
        cx.fx.builder.ins().sshr_imm_u(high, shift)
    } else {
        let mask = cx.int((1 << int.bits) - 1);
        cx.fx.builder.ins().band(value, mask)
    }
}

/// Mask of the lanes whose value (computed in 64 bits, without overflow there) is outside a type narrower than that.
fn is_outside(cx: &mut VectorCx<'_, '_>, int: Int, value: Value) -> Value {
    let moved = if int.signed {
        let half = cx.int(1 << (int.bits - 1));
        cx.fx.builder.ins().iadd(value, half)
    } else {
        value
    };
    let above = cx.fx.builder.ins().ushr_imm_u(moved, i64::from(int.bits));
    let zero = cx.int(0);
    cx.fx.builder.ins().icmp(IntCC::NotEqual, above, zero)
}

/// The result of `+`, `-` or `*`, of which only the low bits count, and lanes whose sign bit says that it overflowed.
pub(super) fn overflowing(
    cx: &mut VectorCx<'_, '_>,
    op: BinaryOp,
    int: Int,
    left: Value,
    right: Value,
) -> (Value, Value) {
    if int.bits < 64 {
        let wide = wrapping(cx, op, left, right);
        let outside = is_outside(cx, int, wide);
        return (wide, outside);
    }
    if op == BinaryOp::Mul {
        return multiply_by_lane(cx, int.signed, left, right);
    }
    let value = wrapping(cx, op, left, right);
    let overflowed = match (op == BinaryOp::Add, int.signed) {
        (true, true) => {
            let a = cx.fx.builder.ins().bxor(left, value);
            let b = cx.fx.builder.ins().bxor(right, value);
            cx.fx.builder.ins().band(a, b)
        }
        (false, true) => {
            let a = cx.fx.builder.ins().bxor(left, right);
            let b = cx.fx.builder.ins().bxor(left, value);
            cx.fx.builder.ins().band(a, b)
        }
        (true, false) => cx.fx.builder.ins().icmp(IntCC::UnsignedLessThan, value, left),
        (false, false) => cx.fx.builder.ins().icmp(IntCC::UnsignedLessThan, left, right),
    };
    (value, overflowed)
}

/// `+`, `-` or `*` modulo 2^64.
pub(super) fn wrapping(cx: &mut VectorCx<'_, '_>, op: BinaryOp, left: Value, right: Value) -> Value {
    let ins = cx.fx.builder.ins();
    match op {
        BinaryOp::Add => ins.iadd(left, right),
        BinaryOp::Sub => ins.isub(left, right),
        BinaryOp::Mul
        | BinaryOp::Div
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
        | BinaryOp::Or => {
            debug_assert_eq!(op, BinaryOp::Mul, "only `+`, `-` and `*` wrap");
            ins.imul(left, right)
        }
    }
}

fn multiply_by_lane(cx: &mut VectorCx<'_, '_>, signed: bool, left: Value, right: Value) -> (Value, Value) {
    let mut overflows = Vec::with_capacity(2);
    let value = cx.by_lane(&[left, right], |cx, args| {
        let ins = cx.fx.builder.ins();
        let (value, overflowed) =
            if signed { ins.smul_overflow(args[0], args[1]) } else { ins.umul_overflow(args[0], args[1]) };
        overflows.push(cx.fx.builder.ins().bmask(types::I64, overflowed));
        value
    });
    let overflowed = super::pair(cx.fx, overflows[0], overflows[1]);
    (value, overflowed)
}

impl VectorCx<'_, '_> {
    /// Between which bounds the integers of a vector lie.
    pub(super) fn range(&self, int: Int, value: Value) -> Range {
        let all = Range::of_type(int);
        // What was cast between signed and unsigned is the same value with other bounds.
        self.ranges.get(&value).copied().filter(|range| range.is_in(all)).unwrap_or(all)
    }
}

/// The constant that an expression is.
fn int_literal(expr: &Expr) -> Option<i64> {
    match expr.as_literal() {
        Some(Literal::Int(value)) => Some(low_bits(*value)),
        _ => None,
    }
}

/// `a op b`, but for comparisons and `&&`, `||`.
pub(super) fn binary(cx: &mut VectorCx<'_, '_>, op: BinaryOp, a: &Expr, b: &Expr) -> Result<Lanes, CodegenError> {
    let left = cx.lower(a)?.value;
    let right = cx.lower(b)?.value;
    cx.fx.note(|| format!("{} on {}", op.symbol(), a.ty));
    let value = match Class::of(&a.ty) {
        class @ (Class::F32 | Class::F64) => floats(cx, op, class, left, right, b),
        Class::Int { bits, signed } => integers(cx, op, Int { bits, signed }, left, right, b),
        Class::Bool => bits(cx, op, left, right),
        Class::Unit | Class::Str | Class::List(_) | Class::Decimal => None,
    };
    value.map(Lanes::plain).ok_or_else(|| CodegenError::internal("this operator has no vector form"))
}

fn bits(cx: &mut VectorCx<'_, '_>, op: BinaryOp, left: Value, right: Value) -> Option<Value> {
    let ins = cx.fx.builder.ins();
    match op {
        BinaryOp::BitAnd => Some(ins.band(left, right)),
        BinaryOp::BitOr => Some(ins.bor(left, right)),
        BinaryOp::BitXor => Some(ins.bxor(left, right)),
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
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => None,
    }
}

/// The exact inverse of a power of two.
fn inverse_of_power_of_two(by: &Expr) -> Option<f64> {
    let Some(Literal::Float(by)) = by.as_literal() else { return None };
    let is_power = by.is_normal() && by.to_bits() & ((1 << 52) - 1) == 0;
    let inverse = 1.0 / by;
    (is_power && inverse.is_normal()).then_some(inverse)
}

fn floats(
    cx: &mut VectorCx<'_, '_>,
    op: BinaryOp,
    class: Class,
    left: Value,
    right: Value,
    by: &Expr,
) -> Option<Value> {
    let exact = match op {
        BinaryOp::Add => cx.fx.builder.ins().fadd(left, right),
        BinaryOp::Sub => cx.fx.builder.ins().fsub(left, right),
        BinaryOp::Mul => cx.fx.builder.ins().fmul(left, right),
        BinaryOp::Div => match inverse_of_power_of_two(by) {
            Some(inverse) => {
                let inverse = cx.float(inverse);
                cx.fx.builder.ins().fmul(left, inverse)
            }
            None => cx.fx.builder.ins().fdiv(left, right),
        },
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
    Some(cx.round_to(class, exact))
}

fn integers(cx: &mut VectorCx<'_, '_>, op: BinaryOp, int: Int, left: Value, right: Value, by: &Expr) -> Option<Value> {
    let (a, b) = (cx.range(int, left), cx.range(int, right));
    let range = Range::after(op, a, b).filter(|range| range.is_in(Range::of_type(int)));
    let value = match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul
            if let Some(value) = range.and_then(|range| division::as_floats(cx, op, left, right, range)) =>
        {
            return Some(value);
        }
        BinaryOp::Add | BinaryOp::Sub if range.is_some() => wrapping(cx, op, left, right),
        BinaryOp::Mul if range.is_some() => exact_product(cx, left, right),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => {
            let (value, overflowed) = overflowing(cx, op, int, left, right);
            cx.fail_if(overflowed);
            // Where it did not overflow it is canonical, and nobody looks elsewhere.
            value
        }
        BinaryOp::Div | BinaryOp::Rem => division::divide(cx, op == BinaryOp::Rem, int, left, right, int_literal(by)),
        BinaryOp::Shl => {
            let shifted = cx.fx.builder.ins().ishl_imm_u(left, int_literal(by)?);
            canonical(cx, int, shifted)
        }
        BinaryOp::Shr => {
            let distance = int_literal(by)?;
            let ins = cx.fx.builder.ins();
            if int.signed { ins.sshr_imm_u(left, distance) } else { ins.ushr_imm_u(left, distance) }
        }
        BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => bits(cx, op, left, right)?,
    };
    // Of quotients more is known where they are made.
    if let Some(range) = range.filter(|_| !matches!(op, BinaryOp::Div | BinaryOp::Rem)) {
        cx.ranges.insert(value, range);
    }
    Some(value)
}

/// A product that does not overflow. Lanes that are apart already stay there.
fn exact_product(cx: &mut VectorCx<'_, '_>, left: Value, right: Value) -> Value {
    if cx.scalars.contains_key(&left) || cx.scalars.contains_key(&right) {
        return cx.by_lane(&[left, right], |cx, args| cx.fx.builder.ins().imul(args[0], args[1]));
    }
    wrapping(cx, BinaryOp::Mul, left, right)
}
