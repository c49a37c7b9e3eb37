//! Decimals: 128-bit integers of at most 38 digits. Sums, comparisons and products of numbers of one word here; other products,
//! and quotients, in the runtime.

use super::{Scalar, ScalarCx};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{BinaryOp, Expr, Function};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// 10^38 - 1.
const GREATEST: i128 = 10_i128.pow(38) - 1;

/// A decimal's 1.
const ONE: i64 = 1_000_000_000;

impl ScalarCx<'_, '_> {
    /// A 128-bit constant.
    pub(super) fn wide(&mut self, value: i128) -> Value {
        let low = self.fx.int(types::I64, super::low_bits(value));
        let high = self.fx.int(types::I64, super::low_bits(value >> 64));
        self.fx.builder.ins().iconcat(low, high)
    }

    fn compare_wide(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        self.fx.builder.ins().icmp(condition, a, b)
    }

    /// `a + b` or `a - b` modulo 2^128, and whether it has more than 38 digits. Sums of 38 digits have no more than 128
    /// bits, a sign apart: what wraps has another sign than it should, and is too great on that side.
    fn wide_sum(&mut self, op: BinaryOp, a: Value, b: Value) -> (Value, Value) {
        let (sum, wraps) = if op == BinaryOp::Add {
            let sum = self.fx.builder.ins().iadd(a, b);
            let (x, y) = (self.fx.builder.ins().bxor(a, sum), self.fx.builder.ins().bxor(b, sum));
            (sum, self.fx.builder.ins().band(x, y))
        } else {
            let difference = self.fx.builder.ins().isub(a, b);
            let (x, y) = (self.fx.builder.ins().bxor(a, b), self.fx.builder.ins().bxor(a, difference));
            (difference, self.fx.builder.ins().band(x, y))
        };
        let (_, high) = self.fx.builder.ins().isplit(wraps);
        let wrapped = self.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, high, 0);
        let (greatest, least) = (self.wide(GREATEST), self.wide(-GREATEST));
        let above = self.compare_wide(IntCC::SignedGreaterThan, sum, greatest);
        let below = self.compare_wide(IntCC::SignedLessThan, sum, least);
        let outside = self.fx.builder.ins().bor(above, below);
        (sum, self.fx.builder.ins().bor(outside, wrapped))
    }

    /// `a + b` or `a - b`, of which only what comes near to 38 digits is looked at closely.
    fn checked_sum(&mut self, op: BinaryOp, a: Value, b: Value, span: Span) -> Value {
        let ins = self.fx.builder.ins();
        let sum = if op == BinaryOp::Add { ins.iadd(a, b) } else { ins.isub(a, b) };
        let (_, high) = self.fx.builder.ins().isplit(sum);
        // What lies below 2^125 has not wrapped either: operands of 38 digits are below 2^127.
        let moved = self.fx.builder.ins().iadd_imm_s(high, 1 << 61);
        let is_great = self.fx.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, moved, 1 << 62);
        let (look, next) = (self.fx.cold_block(), self.fx.builder.create_block());
        self.fx.builder.ins().brif(is_great, look, &[], next, &[]);
        self.fx.builder.switch_to_block(look);
        let (_, outside) = self.wide_sum(op, a, b);
        let code = if op == BinaryOp::Add { RowErrorCode::AddOverflow } else { RowErrorCode::SubOverflow };
        self.fail_if(outside, code, span);
        self.fx.builder.ins().jump(next, &[]);
        self.fx.builder.switch_to_block(next);
        sum
    }

    /// `a * b`: where both are numbers of 64 bits, as most are, without a call.
    fn product(&mut self, a: Value, b: Value, span: Span) -> Value {
        let (a_low, a_high) = self.fx.builder.ins().isplit(a);
        let (b_low, b_high) = self.fx.builder.ins().isplit(b);
        let (a_sign, b_sign) =
            (self.fx.builder.ins().sshr_imm_u(a_low, 63), self.fx.builder.ins().sshr_imm_u(b_low, 63));
        let (a_more, b_more) = (self.fx.builder.ins().bxor(a_high, a_sign), self.fx.builder.ins().bxor(b_high, b_sign));
        let more = self.fx.builder.ins().bor(a_more, b_more);
        let (wide, short, done) =
            (self.fx.cold_block(), self.fx.builder.create_block(), self.fx.builder.create_block());
        let result = self.fx.builder.append_block_param(done, types::I128);
        self.fx.builder.ins().brif(more, wide, &[], short, &[]);

        self.fx.builder.switch_to_block(wide);
        let called = self.call_wide(RuntimeFunction::DecimalMul, a, b, span);
        let there = called.valid.expect("the product is an option");
        let missing = self.fx.builder.ins().bxor_imm_u(there, 1);
        self.fail_if(missing, RowErrorCode::MulOverflow, span);
        self.fx.builder.ins().jump(done, &[BlockArg::Value(called.value)]);

        self.fx.builder.switch_to_block(short);
        let (x, y) = (self.fx.builder.ins().iabs(a_low), self.fx.builder.ins().iabs(b_low));
        let (low, high) = (self.fx.builder.ins().imul(x, y), self.fx.builder.ins().umulhi(x, y));
        let size = self.scaled_down(low, high);
        let sign = self.fx.builder.ins().bxor(a_sign, b_sign);
        let sign = self.fx.builder.ins().iconcat(sign, sign);
        let flipped = self.fx.builder.ins().bxor(size, sign);
        let signed = self.fx.builder.ins().isub(flipped, sign);
        self.fx.builder.ins().jump(done, &[BlockArg::Value(signed)]);

        self.fx.builder.switch_to_block(done);
        result
    }

    /// A product's 128 bits by 10^9, rounded half up: digits of 32 bits, so that a rest and a digit are one word.
    fn scaled_down(&mut self, low: Value, high: Value) -> Value {
        let one = self.fx.int(types::I64, ONE);
        let divide = |this: &mut Self, part: Value| {
            let quotient = this.fx.builder.ins().udiv(part, one);
            let product = this.fx.builder.ins().imul(quotient, one);
            (quotient, this.fx.builder.ins().isub(part, product))
        };
        let (first, rest) = divide(self, high);
        let rest = self.fx.builder.ins().ishl_imm_u(rest, 32);
        let digit = self.fx.builder.ins().ushr_imm_u(low, 32);
        let part = self.fx.builder.ins().bor(rest, digit);
        let (second, rest) = divide(self, part);
        let rest = self.fx.builder.ins().ishl_imm_u(rest, 32);
        let digit = self.fx.builder.ins().band_imm_u(low, 0xffff_ffff);
        let part = self.fx.builder.ins().bor(rest, digit);
        let (third, rest) = divide(self, part);
        let second = self.fx.builder.ins().ishl_imm_u(second, 32);
        let low = self.fx.builder.ins().bor(second, third);
        let quotient = self.fx.builder.ins().iconcat(low, first);
        let half = self.fx.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, rest, ONE / 2);
        let half = self.fx.builder.ins().uextend(types::I128, half);
        self.fx.builder.ins().iadd(quotient, half)
    }

    fn call_wide(&mut self, function: RuntimeFunction, a: Value, b: Value, span: Span) -> Scalar {
        let (a_low, a_high) = self.fx.builder.ins().isplit(a);
        let (b_low, b_high) = self.fx.builder.ins().isplit(b);
        self.call_with_result(function, &[a_low, a_high, b_low, b_high], &Type::DECIMAL.optional(), span)
    }

    fn is_zero_wide(&mut self, x: Value) -> Value {
        let (low, high) = self.fx.builder.ins().isplit(x);
        let bits = self.fx.builder.ins().bor(low, high);
        self.fx.is_zero(bits)
    }
}

/// `-x`.
pub(super) fn negate(cx: &mut ScalarCx<'_, '_>, x: Value) -> Value {
    cx.fx.builder.ins().ineg(x)
}

/// `a op b`; `None` if it is no arithmetic of decimals.
pub(super) fn binary(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, a: Value, b: Value, span: Span) -> Option<Value> {
    let (called, code) = match op {
        BinaryOp::Add | BinaryOp::Sub => {
            return Some(cx.checked_sum(op, a, b, span));
        }
        BinaryOp::Mul => return Some(cx.product(a, b, span)),
        BinaryOp::Div => {
            let by_zero = cx.is_zero_wide(b);
            cx.fail_if(by_zero, RowErrorCode::DivByZero, span);
            (RuntimeFunction::DecimalDiv, RowErrorCode::DivOverflow)
        }
        BinaryOp::Rem => (RuntimeFunction::DecimalRem, RowErrorCode::RemByZero),
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
    };
    let result = cx.call_wide(called, a, b, span);
    let missing = cx.fx.builder.ins().bxor_imm_u(result.valid?, 1);
    cx.fail_if(missing, code, span);
    Some(result.value)
}

/// A function of decimals that has the name of one of integers; `None` if there is none.
#[expect(clippy::wildcard_enum_match_arm, reason = "few of them are of decimals too")]
pub(super) fn call(cx: &mut ScalarCx<'_, '_>, function: Function, values: &[Scalar], expr: &Expr) -> Option<Scalar> {
    let x = values[0].value;
    let arg = |position: usize| values.get(position).map(|value| value.value);
    let value = match function {
        Function::Abs => {
            let negative = is_negative(cx, x);
            let negated = negate(cx, x);
            cx.fx.select(negative, negated, x)
        }
        Function::Signum => {
            let zero = cx.wide(0);
            let (one, minus_one) = (cx.wide(1_000_000_000), cx.wide(-1_000_000_000));
            let positive = cx.compare_wide(IntCC::SignedGreaterThan, x, zero);
            let negative = is_negative(cx, x);
            let up = cx.fx.select(positive, one, zero);
            cx.fx.select(negative, minus_one, up)
        }
        Function::Min => pick(cx, IntCC::SignedLessThan, arg(1)?, x),
        Function::Max => pick(cx, IntCC::SignedGreaterThan, arg(1)?, x),
        Function::Clamp => {
            let (low, high) = (arg(1)?, arg(2)?);
            let bad = cx.compare_wide(IntCC::SignedGreaterThan, low, high);
            cx.fail_if(bad, RowErrorCode::ClampBounds, expr.span);
            let raised = pick(cx, IntCC::SignedGreaterThan, low, x);
            pick(cx, IntCC::SignedLessThan, high, raised)
        }
        Function::CheckedAdd | Function::CheckedSub => {
            let op = if function == Function::CheckedAdd { BinaryOp::Add } else { BinaryOp::Sub };
            let (value, outside) = cx.wide_sum(op, x, arg(1)?);
            let valid = Some(cx.fx.builder.ins().bxor_imm_u(outside, 1));
            return Some(Scalar { value, len: None, valid });
        }
        Function::CheckedMul => return Some(cx.call_wide(RuntimeFunction::DecimalMul, x, arg(1)?, expr.span)),
        Function::CheckedDiv => return Some(cx.call_wide(RuntimeFunction::DecimalDiv, x, arg(1)?, expr.span)),
        Function::CheckedRem => return Some(cx.call_wide(RuntimeFunction::DecimalRem, x, arg(1)?, expr.span)),
        _ => return None,
    };
    Some(Scalar::plain(value))
}

fn is_negative(cx: &mut ScalarCx<'_, '_>, x: Value) -> Value {
    let (_, high) = cx.fx.builder.ins().isplit(x);
    cx.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThan, high, 0)
}

/// `a` if `a condition b`, else `b`.
fn pick(cx: &mut ScalarCx<'_, '_>, condition: IntCC, a: Value, b: Value) -> Value {
    let takes = cx.compare_wide(condition, a, b);
    cx.fx.select(takes, a, b)
}
