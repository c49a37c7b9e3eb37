//! Comparisons to masks. Floats compare as IEEE does; `None` is less than any `Some` and equal to `None`.

use super::{Lanes, VectorCx, division};
use crate::column::Class;
use crate::lower::scalar::compare::{float_cc, int_cc};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder as _, Value};
use sabot_ir::expr::BinaryOp;

/// `left op right`.
pub(super) fn compare(cx: &mut VectorCx<'_, '_>, op: BinaryOp, class: Class, left: Lanes, right: Lanes) -> Lanes {
    cx.fx.note(|| op.symbol().to_owned());
    let by_value = values(cx, op, class, left.value, right.value);
    if left.valid.is_none() && right.valid.is_none() {
        return Lanes::plain(by_value);
    }
    let (left, right) = (cx.valid(left), cx.valid(right));
    let both = cx.fx.builder.ins().band(left, right);
    let by_presence = masks(cx, op, left, right);
    Lanes::plain(cx.choose(both, by_value, by_presence))
}

fn values(cx: &mut VectorCx<'_, '_>, op: BinaryOp, class: Class, left: Value, right: Value) -> Value {
    match class {
        Class::F32 | Class::F64 => cx.fx.builder.ins().fcmp(float_cc(op), left, right),
        // Narrower unsigned integers are not negative in 64 bits.
        Class::Int { bits, signed } => {
            if let Some((left, right)) = division::float_forms(cx, left, right) {
                return cx.fx.builder.ins().fcmp(float_cc(op), left, right);
            }
            let condition = int_cc(op, signed || bits < 64);
            integers(cx, condition, left, right)
        }
        Class::Bool | Class::Unit | Class::Str | Class::List(_) | Class::Decimal => masks(cx, op, left, right),
    }
}

/// Compares 64-bit integers.
pub(super) fn integers(cx: &mut VectorCx<'_, '_>, condition: IntCC, left: Value, right: Value) -> Value {
    cx.fx.builder.ins().icmp(condition, left, right)
}

/// Compares masks; none is less than all.
fn masks(cx: &mut VectorCx<'_, '_>, op: BinaryOp, left: Value, right: Value) -> Value {
    let ins = cx.fx.builder.ins();
    match op {
        BinaryOp::Eq => {
            let differs = ins.bxor(left, right);
            cx.fx.builder.ins().bnot(differs)
        }
        BinaryOp::Lt => ins.band_not(right, left),
        BinaryOp::Gt => ins.band_not(left, right),
        BinaryOp::Le => ins.bor_not(right, left),
        BinaryOp::Ge => ins.bor_not(left, right),
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
        | BinaryOp::Or => ins.bxor(left, right),
    }
}
