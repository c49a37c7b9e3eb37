//! Strings and bytes: length here, everything else in the runtime.

use super::compare::int_cc;
use super::{Scalar, ScalarCx};
use crate::CodegenError;
use crate::column::int_type;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, MemFlagsData, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_ir::expr::{BinaryOp, Expr, Literal};

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

/// Literals up to this length are compared without a call.
const INLINE: usize = 32;

/// `s == "literal"` or `!=`, from either side: the length, and then the bytes as words that may overlap.
pub(super) fn equals_literal(
    cx: &mut ScalarCx<'_, '_>,
    op: BinaryOp,
    a: &Expr,
    b: &Expr,
) -> Result<Option<Scalar>, CodegenError> {
    let bytes = |expr: &Expr| match expr.as_literal() {
        Some(Literal::String(text)) => Some(text.clone().into_bytes()),
        Some(Literal::Bytes(bytes)) => Some(bytes.clone()),
        Some(Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::Unit) | None => None,
    };
    let (value, literal) = match (bytes(a), bytes(b)) {
        (None, Some(literal)) => (a, literal),
        (Some(literal), None) => (b, literal),
        _ => return Ok(None),
    };
    if !matches!(op, BinaryOp::Eq | BinaryOp::Ne) || value.ty.is_option() || literal.len() > INLINE {
        return Ok(None);
    }
    let value = cx.lower(value)?;
    cx.fx.note(|| format!("{} a literal of {} bytes", op.symbol(), literal.len()));
    let len = i64::try_from(literal.len()).expect("a short literal");
    let same_length = cx.fx.builder.ins().icmp_imm_u(IntCC::Equal, length(value), len);
    let look = cx.fx.builder.create_block();
    let merge = cx.fx.builder.create_block();
    let result = cx.fx.builder.append_block_param(merge, types::I8);
    cx.fx.builder.ins().brif(same_length, look, &[], merge, &[BlockArg::Value(same_length)]);
    cx.fx.builder.switch_to_block(look);
    let mut differs = None;
    for (at, width) in pieces(literal.len()) {
        let ty = int_type(u8::try_from(8 * width).expect("at most eight bytes"));
        let mut word = [0; 8];
        word[..width].copy_from_slice(&literal[at..at + width]);
        let wanted = cx.fx.int(ty, i64::from_le_bytes(word));
        let offset = i32::try_from(at).expect("a short literal");
        // Only where the length is right may the bytes be read: not moved, not before.
        let found =
            cx.fx.builder.ins().load(ty, MemFlagsData::new().with_notrap().with_readonly(), value.value, offset);
        let other = cx.fx.builder.ins().bxor(found, wanted);
        let other = if ty == types::I64 { other } else { cx.fx.builder.ins().uextend(types::I64, other) };
        differs = Some(match differs {
            Some(before) => cx.fx.builder.ins().bor(before, other),
            None => other,
        });
    }
    let equal = match differs {
        Some(differs) => cx.fx.is_zero(differs),
        None => cx.fx.int(types::I8, 1),
    };
    cx.fx.builder.ins().jump(merge, &[BlockArg::Value(equal)]);
    cx.fx.builder.switch_to_block(merge);
    let result = if op == BinaryOp::Eq { result } else { cx.fx.builder.ins().bxor_imm_u(result, 1) };
    Ok(Some(Scalar::plain(result)))
}

/// Places and widths of words that cover so many bytes.
fn pieces(len: usize) -> Vec<(usize, usize)> {
    let Some(width) = [8, 4, 2, 1].into_iter().find(|width| *width <= len) else { return Vec::new() };
    let mut pieces: Vec<(usize, usize)> = (0..len / width).map(|piece| (piece * width, width)).collect();
    if !len.is_multiple_of(width) {
        pieces.push((len - width, width));
    }
    pieces
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

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn words_cover_every_byte_and_no_other() {
        for len in 0..=40 {
            let mut covered = vec![false; len];
            for (at, width) in pieces(len) {
                covered[at..at + width].fill(true);
            }
            assert!(covered.iter().all(|byte| *byte), "{len}: {:?}", pieces(len));
        }
        assert_eq!(pieces(4), [(0, 4)]);
        assert_eq!(pieces(7), [(0, 4), (3, 4)]);
        assert_eq!(pieces(13), [(0, 8), (5, 8)]);
    }
}
