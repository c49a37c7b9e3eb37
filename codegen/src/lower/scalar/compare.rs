//! Lowers `==`, `!=`, `<`, `<=`, `>`, `>=`.
//!
//! Floats compare as IEEE does: false with a NaN, but for `!=`. Strings and bytes compare byte by byte. `None` is less
//! than any `Some` and equal to `None`.

use super::{Scalar, ScalarCx};
use super::{list, string};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_ir::expr::BinaryOp;
use sabot_ir::ty::Type;

/// `left op right`, both of type `ty`.
pub(super) fn compare(
    cx: &mut ScalarCx<'_, '_>,
    op: BinaryOp,
    ty: &Type,
    left: Scalar,
    right: Scalar,
) -> Result<Scalar, CodegenError> {
    cx.fx.note(|| format!("{} on {ty}", op.symbol()));
    let (left_valid, right_valid) = match (left.valid, right.valid) {
        (None, None) => return Ok(Scalar::plain(values(cx, op, ty, left, right))),
        (a, b) => {
            let mut known = |valid: Option<Value>| valid.unwrap_or_else(|| cx.fx.int(types::I8, 1));
            (known(a), known(b))
        }
    };
    // The values of strings may only be looked at where they are there, so this is a branch.
    let both = cx.fx.builder.ins().band(left_valid, right_valid);
    let compare_values = cx.fx.builder.create_block();
    let merge = cx.fx.builder.create_block();
    cx.fx.builder.append_block_param(merge, types::I8);
    let by_presence = cx.fx.builder.ins().icmp(int_cc(op, false), left_valid, right_valid);
    cx.fx.builder.ins().brif(both, compare_values, &[], merge, &[BlockArg::Value(by_presence)]);
    cx.fx.builder.switch_to_block(compare_values);
    let by_value = values(cx, op, ty, left, right);
    cx.fx.builder.ins().jump(merge, &[BlockArg::Value(by_value)]);
    cx.fx.builder.switch_to_block(merge);
    Ok(Scalar::plain(cx.fx.builder.block_params(merge)[0]))
}

fn values(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, ty: &Type, left: Scalar, right: Scalar) -> Value {
    match Class::of(ty) {
        Class::Unit | Class::Bool => cx.fx.builder.ins().icmp(int_cc(op, false), left.value, right.value),
        Class::Int { signed, .. } => cx.fx.builder.ins().icmp(int_cc(op, signed), left.value, right.value),
        Class::F32 | Class::F64 => cx.fx.builder.ins().fcmp(float_cc(op), left.value, right.value),
        Class::Str => string::compare(cx, op, left, right),
        Class::List(_) => list::compare(cx, op, ty, left, right),
        Class::Decimal => cx.fx.builder.ins().icmp(int_cc(op, true), left.value, right.value),
    }
}

/// The condition of an integer comparison.
pub(crate) fn int_cc(op: BinaryOp, signed: bool) -> IntCC {
    match (op, signed) {
        (BinaryOp::Eq, _) => IntCC::Equal,
        (BinaryOp::Lt, true) => IntCC::SignedLessThan,
        (BinaryOp::Le, true) => IntCC::SignedLessThanOrEqual,
        (BinaryOp::Gt, true) => IntCC::SignedGreaterThan,
        (BinaryOp::Ge, true) => IntCC::SignedGreaterThanOrEqual,
        (BinaryOp::Lt, false) => IntCC::UnsignedLessThan,
        (BinaryOp::Le, false) => IntCC::UnsignedLessThanOrEqual,
        (BinaryOp::Gt, false) => IntCC::UnsignedGreaterThan,
        (BinaryOp::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
        (
            BinaryOp::Ne
            | BinaryOp::Add
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
            | BinaryOp::Or,
            _,
        ) => IntCC::NotEqual,
    }
}

/// The condition of a float comparison.
pub(crate) fn float_cc(op: BinaryOp) -> FloatCC {
    match op {
        BinaryOp::Eq => FloatCC::Equal,
        BinaryOp::Lt => FloatCC::LessThan,
        BinaryOp::Le => FloatCC::LessThanOrEqual,
        BinaryOp::Gt => FloatCC::GreaterThan,
        BinaryOp::Ge => FloatCC::GreaterThanOrEqual,
        BinaryOp::Ne
        | BinaryOp::Add
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
        | BinaryOp::Or => FloatCC::NotEqual,
    }
}
