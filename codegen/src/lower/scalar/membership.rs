//! `c == 'a' || c == 'e' || …`: whether an integer is one of several constants is one bit of a word.

use super::{Scalar, ScalarCx, low_bits};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder as _, types};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal};

/// From how many comparisons on the word is the shorter way.
const LEAST: usize = 3;

/// An integer that is compared, and the constants that it is compared with, by their bits.
struct Membership<'e> {
    of: &'e Expr,
    constants: Vec<i64>,
}

/// `a || b`, if it asks whether one integer is among constants that lie close to each other.
pub(super) fn any_of(cx: &mut ScalarCx<'_, '_>, expr: [&Expr; 2]) -> Result<Option<Scalar>, CodegenError> {
    let Some(found) = find(expr) else { return Ok(None) };
    let least = found.constants.iter().copied().min().unwrap_or_default();
    let word = found.constants.iter().fold(0_u64, |word, constant| word | 1 << (constant - least));
    let value = cx.lower(found.of)?.value;
    cx.fx.note(|| "one of several".to_owned());
    let ty = cx.fx.type_of(value);
    let down = cx.fx.int(ty, least.wrapping_neg());
    let distance = cx.fx.builder.ins().iadd(value, down);
    let is_near = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, distance, 64);
    let wide = if ty == types::I64 { distance } else { cx.fx.builder.ins().uextend(types::I64, distance) };
    let word = cx.fx.int(types::I64, word.cast_signed());
    let shifted = cx.fx.builder.ins().ushr(word, wide);
    let low = cx.fx.builder.ins().ireduce(types::I8, shifted);
    // The other bits of the byte go with those of the comparison, which is 0 or 1.
    Ok(Some(Scalar::plain(cx.fx.builder.ins().band(low, is_near))))
}

fn find<'e>(sides: [&'e Expr; 2]) -> Option<Membership<'e>> {
    let mut found: Option<Membership<'e>> = None;
    for side in sides {
        collect(side, &mut found)?;
    }
    let found = found?;
    let (least, greatest) = (found.constants.iter().min()?, found.constants.iter().max()?);
    let is_near = greatest.checked_sub(*least).is_some_and(|distance| distance < 64);
    (found.constants.len() >= LEAST && is_near).then_some(found)
}

fn collect<'e>(expr: &'e Expr, found: &mut Option<Membership<'e>>) -> Option<()> {
    let ExprKind::Binary(op, a, b) = &expr.kind else { return None };
    match op {
        BinaryOp::Or => {
            collect(a, found)?;
            collect(b, found)
        }
        BinaryOp::Eq => {
            let is_held = matches!(a.kind, ExprKind::Variable(_) | ExprKind::Local(_) | ExprKind::Column(_));
            let (Class::Int { .. }, false, true) = (Class::of(&a.ty), a.ty.is_option(), is_held) else { return None };
            let Some(Literal::Int(constant)) = b.as_literal() else { return None };
            let constant = low_bits(*constant);
            match found {
                Some(before) if before.of.kind == a.kind => before.constants.push(constant),
                Some(_) => return None,
                None => *found = Some(Membership { of: a.as_ref(), constants: vec![constant] }),
            }
            Some(())
        }
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And => None,
    }
}
