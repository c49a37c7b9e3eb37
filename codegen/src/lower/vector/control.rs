//! `if`, `&&`, `||` and `match` on an `Option` without branches: both sides are computed, errors count only where
//! evaluation would have come to.

use super::{Lanes, VectorCx};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::{InstBuilder as _, Value};
use sabot_ir::expr::{BinaryOp, Expr, LocalId};

/// By mask, one value or the other, with their nulls.
pub(super) fn merge(cx: &mut VectorCx<'_, '_>, mask: Value, then: Lanes, otherwise: Lanes) -> Lanes {
    let value = cx.choose(mask, then.value, otherwise.value);
    let valid = match (then.valid, otherwise.valid) {
        (None, None) => None,
        _ => {
            let (a, b) = (cx.valid(then), cx.valid(otherwise));
            Some(cx.choose(mask, a, b))
        }
    };
    Lanes { value, valid }
}

fn opposite(cx: &mut VectorCx<'_, '_>, mask: Value) -> Value {
    cx.fx.builder.ins().bnot(mask)
}

/// `if condition { then } else { otherwise }`.
pub(super) fn if_(
    cx: &mut VectorCx<'_, '_>,
    condition: &Expr,
    then: &Expr,
    otherwise: &Expr,
    _class: Class,
) -> Result<Lanes, CodegenError> {
    let mask = cx.lower(condition)?.value;
    cx.fx.note(|| "if".to_owned());
    let not = opposite(cx, mask);
    let a = cx.under(mask, |cx| cx.lower(then))?;
    let b = cx.under(not, |cx| cx.lower(otherwise))?;
    Ok(merge(cx, mask, a, b))
}

/// `match option { Some(local) => then, None => otherwise }`.
pub(super) fn if_some(
    cx: &mut VectorCx<'_, '_>,
    option: &Expr,
    local: LocalId,
    then: &Expr,
    otherwise: &Expr,
    _class: Class,
) -> Result<Lanes, CodegenError> {
    let option = cx.lower(option)?;
    cx.locals.insert(local, Lanes::plain(option.value));
    let Some(mask) = option.valid else {
        return cx.lower(then);
    };
    cx.fx.note(|| "if some".to_owned());
    let not = opposite(cx, mask);
    let a = cx.under(mask, |cx| cx.lower(then))?;
    let b = cx.under(not, |cx| cx.lower(otherwise))?;
    Ok(merge(cx, mask, a, b))
}

/// `a && b`, `a || b`.
pub(super) fn and_or(cx: &mut VectorCx<'_, '_>, op: BinaryOp, a: &Expr, b: &Expr) -> Result<Lanes, CodegenError> {
    let left = cx.lower(a)?.value;
    let goes_on = if op == BinaryOp::And { left } else { opposite(cx, left) };
    let right = cx.under(goes_on, |cx| cx.lower(b))?.value;
    Ok(Lanes::plain(if op == BinaryOp::And {
        cx.fx.builder.ins().band(left, right)
    } else {
        cx.fx.builder.ins().bor(left, right)
    }))
}
