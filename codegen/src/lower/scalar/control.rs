//! `if`, `&&` and `||`: what is not needed is not evaluated, or is too little to be worth a branch.

use super::{Scalar, ScalarCx, branchless, membership};
use crate::CodegenError;
use cranelift_codegen::ir::InstBuilder as _;
use sabot_ir::expr::{BinaryOp, Expr};
use sabot_ir::ty::Type;

/// `if condition { then } else { otherwise }`.
pub(super) fn if_(
    cx: &mut ScalarCx<'_, '_>,
    condition: &Expr,
    then: &Expr,
    otherwise: &Expr,
    ty: &Type,
) -> Result<Scalar, CodegenError> {
    let condition = cx.lower(condition)?;
    if branchless::arms(then, otherwise) {
        cx.fx.note(|| "either".to_owned());
        let not = cx.opposite(condition.value);
        let a = cx.under(condition.value, |cx| cx.lower(then))?;
        let b = cx.under(not, |cx| cx.lower(otherwise))?;
        return Ok(cx.choose_of(ty, condition.value, a, b));
    }
    let then_block = cx.fx.builder.create_block();
    let else_block = cx.fx.builder.create_block();
    let merge = cx.merge_block(ty);
    cx.fx.note(|| "if".to_owned());
    cx.fx.builder.ins().brif(condition.value, then_block, &[], else_block, &[]);
    cx.fx.builder.switch_to_block(then_block);
    let value = cx.lower_in_branch(then)?;
    cx.jump_with(merge, value, ty);
    cx.fx.builder.switch_to_block(else_block);
    let value = cx.lower_in_branch(otherwise)?;
    cx.jump_with(merge, value, ty);
    Ok(cx.enter_merge(merge, ty))
}

/// `a && b`, `a || b`.
pub(super) fn and_or(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, a: &Expr, b: &Expr) -> Result<Scalar, CodegenError> {
    if op == BinaryOp::Or
        && let Some(found) = membership::any_of(cx, [a, b])?
    {
        return Ok(found);
    }
    let left = cx.lower(a)?;
    if branchless::right_side(b) {
        let counts = if op == BinaryOp::And { left.value } else { cx.opposite(left.value) };
        let right = cx.under(counts, |cx| cx.lower(b))?;
        let ins = cx.fx.builder.ins();
        let both =
            if op == BinaryOp::And { ins.band(left.value, right.value) } else { ins.bor(left.value, right.value) };
        return Ok(Scalar::plain(both));
    }
    let right_block = cx.fx.builder.create_block();
    let merge = cx.merge_block(&Type::Bool);
    let args = left.pieces(cx.fx, &Type::Bool);
    cx.fx.note(|| op.symbol().to_owned());
    if op == BinaryOp::And {
        cx.fx.builder.ins().brif(left.value, right_block, &[], merge, &args);
    } else {
        cx.fx.builder.ins().brif(left.value, merge, &args, right_block, &[]);
    }
    cx.fx.builder.switch_to_block(right_block);
    let right = cx.lower_in_branch(b)?;
    cx.jump_with(merge, right, &Type::Bool);
    Ok(cx.enter_merge(merge, &Type::Bool))
}
