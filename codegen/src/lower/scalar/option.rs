//! `Option`: a value and whether it is there. Under a `None` the value is unspecified.

use super::{Scalar, ScalarCx};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::{InstBuilder as _, types};
use sabot_ir::expr::{Expr, LocalId};
use sabot_ir::ty::Type;

/// `Some(x)`.
pub(super) fn some(cx: &mut ScalarCx<'_, '_>, x: &Expr) -> Result<Scalar, CodegenError> {
    let value = cx.lower(x)?;
    let valid = match value.valid {
        Some(valid) => valid,
        None => cx.fx.int(types::I8, 1),
    };
    Ok(Scalar { valid: Some(valid), ..value })
}

/// `None`.
pub(super) fn none(cx: &mut ScalarCx<'_, '_>, class: Class) -> Scalar {
    let valid = Some(cx.fx.int(types::I8, 0));
    let zero = |cx: &mut ScalarCx<'_, '_>| cx.fx.int(types::I64, 0);
    match class {
        Class::Unit | Class::Bool | Class::Int { .. } => {
            Scalar { value: cx.fx.int(class.scalar(), 0), len: None, valid }
        }
        Class::F32 => Scalar { value: cx.fx.builder.ins().f32const(0.0), len: None, valid },
        Class::F64 => Scalar { value: cx.fx.builder.ins().f64const(0.0), len: None, valid },
        // Somewhere that may be read: nobody should, but nobody can be hurt.
        Class::Str | Class::List(_) => Scalar { value: cx.fx.constant(0), len: Some(zero(cx)), valid },
        Class::Decimal => {
            let zero = zero(cx);
            Scalar { value: cx.fx.builder.ins().iconcat(zero, zero), len: None, valid }
        }
    }
}

/// `x.is_some()`.
pub(super) fn is_some(cx: &mut ScalarCx<'_, '_>, x: &Expr) -> Result<Scalar, CodegenError> {
    let value = cx.lower(x)?;
    let valid = match value.valid {
        Some(valid) => valid,
        None => cx.fx.int(types::I8, 1),
    };
    Ok(Scalar::plain(valid))
}

/// `match option { Some(local) => then, None => otherwise }`.
pub(super) fn if_some(
    cx: &mut ScalarCx<'_, '_>,
    option: &Expr,
    local: LocalId,
    then: &Expr,
    otherwise: &Expr,
    ty: &Type,
) -> Result<Scalar, CodegenError> {
    let option = cx.lower(option)?;
    cx.locals.insert(local, Scalar { valid: None, ..option });
    let Some(valid) = option.valid else {
        return cx.lower(then);
    };
    let then_block = cx.fx.builder.create_block();
    let else_block = cx.fx.builder.create_block();
    let merge = cx.merge_block(ty);
    cx.fx.note(|| "if some".to_owned());
    cx.fx.builder.ins().brif(valid, then_block, &[], else_block, &[]);
    cx.fx.builder.switch_to_block(then_block);
    let value = cx.lower_in_branch(then)?;
    cx.jump_with(merge, value, ty);
    cx.fx.builder.switch_to_block(else_block);
    let value = cx.lower_in_branch(otherwise)?;
    cx.jump_with(merge, value, ty);
    Ok(cx.enter_merge(merge, ty))
}

/// `o.unwrap_or(d)`: `d` is evaluated in any case.
pub(super) fn unwrap_or(cx: &mut ScalarCx<'_, '_>, option: &Expr, default: &Expr) -> Result<Scalar, CodegenError> {
    let option = cx.lower(option)?;
    let default = cx.lower(default)?;
    Ok(match option.valid {
        Some(valid) => cx.choose(valid, Scalar { valid: None, ..option }, default),
        None => option,
    })
}
