//! `if`, `&&`, `||` and `match` on an `Option` without branches: both sides are computed, errors count only where
//! evaluation would have come to.

use super::arithmetic::Int;
use super::range::Range;
use super::{Lanes, VectorCx, division};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::{InstBuilder as _, Value};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal, LocalId, UnaryOp};
use sabot_ir::ty::Type;
use std::borrow::Cow;

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
    class: Class,
) -> Result<Lanes, CodegenError> {
    let (condition, then, otherwise) = straight(condition, then, otherwise);
    let mask = cx.lower(&condition)?.value;
    cx.fx.note(|| "if".to_owned());
    let not_zero = tested(cx, &condition)?;
    let not = opposite(cx, mask);
    let a = cx.under_not_zero(mask, not_zero.0, |cx| cx.lower(then))?;
    let b = cx.under_not_zero(not, not_zero.1, |cx| cx.lower(otherwise))?;
    let mut merged = merge(cx, mask, a, b);
    if let Class::Int { bits, signed } = class {
        let int = Int { bits, signed };
        let range = cx.range(int, a.value).or(cx.range(int, b.value));
        if range.is_in(division::exact())
            && let Some((a, b)) = division::float_forms(cx, a.value, b.value)
        {
            let chosen = cx.choose(mask, a, b);
            merged.value = division::to_int(cx, chosen);
        }
        if merged.value != a.value && range != Range::of_type(int) {
            cx.ranges.insert(merged.value, range);
        }
    }
    Ok(merged)
}

/// The same with the comparison that needs no negation: `a != b` and `!a` are the other way round.
pub(super) fn straight<'e, T: ?Sized>(
    condition: &'e Expr,
    then: &'e T,
    otherwise: &'e T,
) -> (Cow<'e, Expr>, &'e T, &'e T) {
    if let ExprKind::Unary(UnaryOp::Not, inner) = &condition.kind {
        return (Cow::Borrowed(inner.as_ref()), otherwise, then);
    }
    if let ExprKind::Binary(BinaryOp::Ne, a, b) = &condition.kind
        && !a.ty.is_option()
        && !b.ty.is_option()
        && a.ty != Type::Bool
    {
        let equal = ExprKind::Binary(BinaryOp::Eq, a.clone(), b.clone());
        return (Cow::Owned(Expr::new(equal, condition.ty.clone(), condition.span)), otherwise, then);
    }
    (Cow::Borrowed(condition), then, otherwise)
}

/// What is not zero where a comparison holds, and what where it does not.
pub(super) fn tested(
    cx: &mut VectorCx<'_, '_>,
    condition: &Expr,
) -> Result<(Option<Value>, Option<Value>), CodegenError> {
    let ExprKind::Binary(op @ (BinaryOp::Eq | BinaryOp::Gt), x, by) = &condition.kind else { return Ok((None, None)) };
    let is_zero = matches!(by.as_literal(), Some(Literal::Int(0)));
    let is_held = matches!(x.kind, ExprKind::Variable(_) | ExprKind::Local(_) | ExprKind::Column(_));
    if !is_zero || !is_held || x.ty.is_option() {
        return Ok((None, None));
    }
    // What is held is the same value again.
    let value = Some(cx.lower(x)?.value);
    Ok(if *op == BinaryOp::Gt { (value, None) } else { (None, value) })
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
