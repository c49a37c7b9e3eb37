//! Strings and bytes: length here, everything else in the runtime.

use super::compare::int_cc;
use super::{Scalar, ScalarCx};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_ir::expr::BinaryOp;

fn length(value: Scalar) -> Value {
    value.len.expect("a string has a length")
}

/// Compares two strings byte by byte.
pub(super) fn compare(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, left: Scalar, right: Scalar) -> Value {
    if matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
        let equal = equal(cx, left, right);
        return if op == BinaryOp::Eq { equal } else { cx.fx.builder.ins().bxor_imm_u(equal, 1) };
    }
    let order = predicate(cx, RuntimeFunction::StrCompare, left, right);
    cx.fx.builder.ins().icmp_imm_s(int_cc(op, true), order, 0)
}

/// Most strings that differ differ in length: only the others are looked at.
fn equal(cx: &mut ScalarCx<'_, '_>, left: Scalar, right: Scalar) -> Value {
    let same_length = cx.fx.builder.ins().icmp(IntCC::Equal, length(left), length(right));
    let look = cx.fx.builder.create_block();
    let merge = cx.fx.builder.create_block();
    let result = cx.fx.builder.append_block_param(merge, types::I8);
    cx.fx.builder.ins().brif(same_length, look, &[], merge, &[BlockArg::Value(same_length)]);
    cx.fx.builder.switch_to_block(look);
    let equal = predicate(cx, RuntimeFunction::StrEq, left, right);
    cx.fx.builder.ins().jump(merge, &[BlockArg::Value(equal)]);
    cx.fx.builder.switch_to_block(merge);
    result
}

/// A function of two strings.
pub(super) fn predicate(cx: &mut ScalarCx<'_, '_>, function: RuntimeFunction, left: Scalar, right: Scalar) -> Value {
    cx.fx.call(function, &[left.value, length(left), right.value, length(right)])
}

/// `s.len()`.
pub(super) fn len(value: Scalar) -> Scalar {
    Scalar::plain(length(value))
}

/// `s.is_empty()`.
pub(super) fn is_empty(cx: &mut ScalarCx<'_, '_>, value: Scalar) -> Scalar {
    Scalar::plain(cx.fx.is_zero(length(value)))
}

/// `a.min(b)`, `a.max(b)`: the first of equals for `min`, the second for `max`, as in Rust.
pub(super) fn min_max(cx: &mut ScalarCx<'_, '_>, is_min: bool, left: Scalar, right: Scalar) -> Scalar {
    let order = predicate(cx, RuntimeFunction::StrCompare, left, right);
    let first = if is_min { IntCC::SignedLessThanOrEqual } else { IntCC::SignedGreaterThan };
    let take_left = cx.fx.builder.ins().icmp_imm_s(first, order, 0);
    cx.choose(take_left, left, right)
}
