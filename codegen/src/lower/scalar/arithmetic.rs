//! Lowers `-x`, `!x` and the arithmetic and bit operators.
//!
//! Integer overflow, division by zero, `MIN / -1` and shifts that are too wide are row errors. Floats are IEEE's, without
//! contraction or reordering; `%` of floats is `fmod`, in the runtime.

use super::{Scalar, ScalarCx};
use crate::CodegenError;
use crate::column::{Class, int_type, least};
use crate::function::FunctionCx;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{BinaryOp, Expr, UnaryOp};
use sabot_ir::span::Span;

/// An integer operation and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Int {
    /// 8, 16, 32 or 64.
    pub(super) bits: u8,
    /// Two's complement.
    pub(super) signed: bool,
    /// Of the expression.
    pub(super) span: Span,
}

/// `-x`, `!x`.
pub(super) fn unary(cx: &mut ScalarCx<'_, '_>, op: UnaryOp, x: &Expr, span: Span) -> Result<Scalar, CodegenError> {
    let value = cx.lower(x)?.value;
    let result = match (op, Class::of(&x.ty)) {
        (UnaryOp::Neg, Class::Int { bits, .. }) => {
            fail_at_min(cx, value, bits, RowErrorCode::NegOverflow, span);
            cx.fx.builder.ins().ineg(value)
        }
        (UnaryOp::Neg, Class::Decimal) => super::decimal::negate(cx, value),
        (UnaryOp::Neg, Class::F32 | Class::F64) => cx.fx.builder.ins().fneg(value),
        (UnaryOp::Not, Class::Bool) => cx.fx.builder.ins().bxor_imm_u(value, 1),
        (UnaryOp::Not, Class::Int { .. }) => cx.fx.builder.ins().bnot(value),
        (
            UnaryOp::Neg | UnaryOp::Not,
            Class::Unit | Class::Bool | Class::F32 | Class::F64 | Class::Str | Class::List(_) | Class::Decimal,
        ) => return Err(CodegenError::unsupported(&format!("this operator on `{}`", x.ty), span)),
    };
    Ok(Scalar::plain(result))
}

/// A row error if a signed value is the least of its type.
pub(super) fn fail_at_min(cx: &mut ScalarCx<'_, '_>, value: Value, bits: u8, code: RowErrorCode, span: Span) {
    let min = cx.fx.int(int_type(bits), least(bits, true));
    let bad = cx.fx.builder.ins().icmp(IntCC::Equal, value, min);
    cx.fail_if(bad, code, span);
}

/// `a op b`, but for comparisons and `&&`, `||`.
pub(super) fn binary(
    cx: &mut ScalarCx<'_, '_>,
    op: BinaryOp,
    a: &Expr,
    b: &Expr,
    expr: &Expr,
) -> Result<Scalar, CodegenError> {
    let (left, right) = (cx.lower(a)?.value, cx.lower(b)?.value);
    cx.fx.note(|| format!("{} on {}", op.symbol(), a.ty));
    let unsupported = || CodegenError::unsupported(&format!("`{}` on `{}`", op.symbol(), a.ty), expr.span);
    let value = match Class::of(&a.ty) {
        Class::Int { bits, signed } => {
            let int = Int { bits, signed, span: expr.span };
            match op {
                BinaryOp::Shl | BinaryOp::Shr => {
                    let Class::Int { signed: by_signed, .. } = Class::of(&b.ty) else { return Err(unsupported()) };
                    shift(cx, op, int, left, right, by_signed)
                }
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
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
                | BinaryOp::Or => integers(cx, op, int, left, right).ok_or_else(unsupported)?,
            }
        }
        class @ (Class::F32 | Class::F64) => floats(cx.fx, op, class, left, right).ok_or_else(unsupported)?,
        Class::Bool => bits(cx.fx, op, left, right).ok_or_else(unsupported)?,
        Class::Decimal => super::decimal::binary(cx, op, left, right, expr.span).ok_or_else(unsupported)?,
        Class::Unit | Class::Str | Class::List(_) => return Err(unsupported()),
    };
    Ok(Scalar::plain(value))
}

fn bits(fx: &mut FunctionCx<'_>, op: BinaryOp, left: Value, right: Value) -> Option<Value> {
    match op {
        BinaryOp::BitAnd => Some(fx.builder.ins().band(left, right)),
        BinaryOp::BitOr => Some(fx.builder.ins().bor(left, right)),
        BinaryOp::BitXor => Some(fx.builder.ins().bxor(left, right)),
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

fn floats(fx: &mut FunctionCx<'_>, op: BinaryOp, class: Class, left: Value, right: Value) -> Option<Value> {
    Some(match op {
        BinaryOp::Add => fx.builder.ins().fadd(left, right),
        BinaryOp::Sub => fx.builder.ins().fsub(left, right),
        BinaryOp::Mul => fx.builder.ins().fmul(left, right),
        BinaryOp::Div => fx.builder.ins().fdiv(left, right),
        BinaryOp::Rem if class == Class::F32 => fx.call(RuntimeFunction::RemF32, &[left, right]),
        BinaryOp::Rem => fx.call(RuntimeFunction::RemF64, &[left, right]),
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
    })
}

fn integers(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, int: Int, left: Value, right: Value) -> Option<Value> {
    let (code, (value, overflowed)) = match op {
        BinaryOp::Add => (RowErrorCode::AddOverflow, overflowing(cx.fx, op, int.signed, left, right)),
        BinaryOp::Sub => (RowErrorCode::SubOverflow, overflowing(cx.fx, op, int.signed, left, right)),
        BinaryOp::Mul => (RowErrorCode::MulOverflow, overflowing(cx.fx, op, int.signed, left, right)),
        BinaryOp::Div => return Some(divide(cx, int, left, right)),
        BinaryOp::Rem => return Some(remainder(cx, int, left, right)),
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
        | BinaryOp::Or => return bits(cx.fx, op, left, right),
    };
    cx.fail_if(overflowed, code, int.span);
    Some(value)
}

/// The wrapped result of `+`, `-` or `*`, and whether it wrapped.
pub(super) fn overflowing(
    fx: &mut FunctionCx<'_>,
    op: BinaryOp,
    signed: bool,
    left: Value,
    right: Value,
) -> (Value, Value) {
    let ins = fx.builder.ins();
    match (op, signed) {
        (BinaryOp::Add, true) => ins.sadd_overflow(left, right),
        (BinaryOp::Add, false) => ins.uadd_overflow(left, right),
        (BinaryOp::Sub, true) => ins.ssub_overflow(left, right),
        (BinaryOp::Sub, false) => ins.usub_overflow(left, right),
        (
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
            | BinaryOp::Or,
            signed,
        ) => {
            debug_assert_eq!(op, BinaryOp::Mul, "only `+`, `-` and `*` overflow like this");
            multiply(fx, signed, left, right)
        }
    }
}

/// Products of narrow integers are computed in 64 bits: not every machine has a flag for them.
fn multiply(fx: &mut FunctionCx<'_>, signed: bool, left: Value, right: Value) -> (Value, Value) {
    let ty = fx.type_of(left);
    if ty == types::I64 {
        let ins = fx.builder.ins();
        return if signed { ins.smul_overflow(left, right) } else { ins.umul_overflow(left, right) };
    }
    let widen = |fx: &mut FunctionCx<'_>, value| {
        if signed { fx.builder.ins().sextend(types::I64, value) } else { fx.builder.ins().uextend(types::I64, value) }
    };
    let (left, right) = (widen(fx, left), widen(fx, right));
    let wide = fx.builder.ins().imul(left, right);
    let value = fx.builder.ins().ireduce(ty, wide);
    let back = widen(fx, value);
    (value, fx.builder.ins().icmp(IntCC::NotEqual, back, wide))
}

/// Whether `left / right` is `MIN / -1`.
pub(super) fn is_min_by_minus_one(fx: &mut FunctionCx<'_>, bits: u8, left: Value, right: Value) -> Value {
    let ty = int_type(bits);
    let min = fx.int(ty, least(bits, true));
    let minus_one = fx.int(ty, -1);
    let at_min = fx.builder.ins().icmp(IntCC::Equal, left, min);
    let by_minus_one = fx.builder.ins().icmp(IntCC::Equal, right, minus_one);
    fx.builder.ins().band(at_min, by_minus_one)
}

fn guard(cx: &mut ScalarCx<'_, '_>, int: Int, left: Value, right: Value, zero: RowErrorCode, overflow: RowErrorCode) {
    let by_zero = cx.fx.is_zero(right);
    cx.fail_if(by_zero, zero, int.span);
    if int.signed {
        let overflowed = is_min_by_minus_one(cx.fx, int.bits, left, right);
        cx.fail_if(overflowed, overflow, int.span);
    }
}

/// `left / right`.
pub(super) fn divide(cx: &mut ScalarCx<'_, '_>, int: Int, left: Value, right: Value) -> Value {
    quotient(cx, int, left, right, [RowErrorCode::DivByZero, RowErrorCode::DivOverflow], raw_divide)
}

/// `left % right`.
pub(super) fn remainder(cx: &mut ScalarCx<'_, '_>, int: Int, left: Value, right: Value) -> Value {
    quotient(cx, int, left, right, [RowErrorCode::RemByZero, RowErrorCode::RemOverflow], raw_remainder)
}

/// Either of them. Of 64 bits, where both fit into 32 without a sign, the shorter division is the faster one, and only
/// zero is to be feared.
fn quotient(
    cx: &mut ScalarCx<'_, '_>,
    int: Int,
    left: Value,
    right: Value,
    [zero, overflow]: [RowErrorCode; 2],
    raw: impl Fn(&mut FunctionCx<'_>, bool, Value, Value) -> Value,
) -> Value {
    if int.bits < 64 || cx.fx.is_constant(right) {
        guard(cx, int, left, right, zero, overflow);
        return raw(cx.fx, int.signed, left, right);
    }
    let [short, long, done] = [(); 3].map(|()| cx.fx.builder.create_block());
    let result = cx.fx.builder.append_block_param(done, types::I64);
    let both = cx.fx.builder.ins().bor(left, right);
    let high = cx.fx.builder.ins().ushr_imm_u(both, 32);
    cx.fx.builder.ins().brif(high, long, &[], short, &[]);

    cx.fx.builder.switch_to_block(short);
    let by_zero = cx.fx.is_zero(right);
    cx.fail_if(by_zero, zero, int.span);
    let (a, b) = (cx.fx.builder.ins().ireduce(types::I32, left), cx.fx.builder.ins().ireduce(types::I32, right));
    let value = raw(cx.fx, false, a, b);
    let value = cx.fx.builder.ins().uextend(types::I64, value);
    cx.fx.builder.ins().jump(done, &[BlockArg::Value(value)]);

    cx.fx.builder.switch_to_block(long);
    guard(cx, int, left, right, zero, overflow);
    let value = raw(cx.fx, int.signed, left, right);
    cx.fx.builder.ins().jump(done, &[BlockArg::Value(value)]);

    cx.fx.builder.switch_to_block(done);
    result
}

/// `left / right` where it is known to be defined.
pub(crate) fn raw_divide(fx: &mut FunctionCx<'_>, signed: bool, left: Value, right: Value) -> Value {
    if signed { fx.builder.ins().sdiv(left, right) } else { fx.builder.ins().udiv(left, right) }
}

/// `left % right` where it is known to be defined.
pub(crate) fn raw_remainder(fx: &mut FunctionCx<'_>, signed: bool, left: Value, right: Value) -> Value {
    if signed { fx.builder.ins().srem(left, right) } else { fx.builder.ins().urem(left, right) }
}

fn shift(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, int: Int, left: Value, by: Value, by_signed: bool) -> Value {
    let wide = match (cx.fx.type_of(by), by_signed) {
        (types::I64, _) => by,
        (_, true) => cx.fx.builder.ins().sextend(types::I64, by),
        (_, false) => cx.fx.builder.ins().uextend(types::I64, by),
    };
    // A negative distance is a great one.
    let too_wide = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, wide, i64::from(int.bits));
    let code = if op == BinaryOp::Shl { RowErrorCode::ShlOverflow } else { RowErrorCode::ShrOverflow };
    cx.fail_if(too_wide, code, int.span);
    let ins = cx.fx.builder.ins();
    match (op, int.signed) {
        (BinaryOp::Shl, _) => ins.ishl(left, wide),
        (_, true) => ins.sshr(left, wide),
        (_, false) => ins.ushr(left, wide),
    }
}
