//! Lowers `as`, with Rust's meaning: integers truncate or extend, floats to integers saturate and NaN becomes 0.
//!
//! Times are integers of their unit here.

use super::Scalar;
use crate::CodegenError;
use crate::column::{Class, greatest, int_type, least};
use crate::function::FunctionCx;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// `value as to`.
pub(super) fn cast(
    fx: &mut FunctionCx<'_>,
    value: Scalar,
    from: &Type,
    to: &Type,
    span: Span,
) -> Result<Scalar, CodegenError> {
    let (source, target) = (Class::of(from), Class::of(to));
    fx.note(|| format!("{from} as {to}"));
    if source == target {
        return Ok(value);
    }
    let new = match (source, target) {
        (Class::Bool, Class::Int { bits: 8, .. }) => value.value,
        (Class::Bool, Class::Int { bits, .. }) => fx.builder.ins().uextend(int_type(bits), value.value),
        (Class::Int { bits, signed }, Class::Int { bits: wanted, .. }) => {
            int_to_int(fx, value.value, bits, signed, wanted)
        }
        (Class::Int { signed, .. }, Class::F32 | Class::F64) => {
            let float = target.scalar();
            if signed {
                fx.builder.ins().fcvt_from_sint(float, value.value)
            } else {
                fx.builder.ins().fcvt_from_uint(float, value.value)
            }
        }
        (Class::Int { bits, signed }, Class::Decimal) if from.is_integer() => {
            let whole = int_to_int(fx, value.value, bits, signed, 64);
            let wide = if signed {
                fx.builder.ins().sextend(types::I128, whole)
            } else {
                fx.builder.ins().uextend(types::I128, whole)
            };
            let (low, high) = (fx.int(types::I64, scale_of(to)), fx.int(types::I64, 0));
            let scale = fx.builder.ins().iconcat(low, high);
            fx.builder.ins().imul(wide, scale)
        }
        (Class::F32 | Class::F64, Class::Int { bits, signed }) => float_to_int(fx, value.value, bits, signed),
        (Class::F32, Class::F64) => fx.builder.ins().fpromote(types::F64, value.value),
        (Class::F64, Class::F32) => fx.builder.ins().fdemote(types::F32, value.value),
        (
            Class::Unit
            | Class::Bool
            | Class::Int { .. }
            | Class::F32
            | Class::F64
            | Class::Str
            | Class::List(_)
            | Class::Decimal,
            Class::Unit
            | Class::Bool
            | Class::Int { .. }
            | Class::F32
            | Class::F64
            | Class::Str
            | Class::List(_)
            | Class::Decimal,
        ) => return Err(CodegenError::unsupported(&format!("`{from} as {to}`"), span)),
    };
    Ok(Scalar { value: new, ..value })
}

/// How much a decimal type counts per whole.
#[expect(clippy::wildcard_enum_match_arm, reason = "only decimals have a scale")]
fn scale_of(ty: &Type) -> i64 {
    match ty.value_type() {
        Type::Decimal(_, scale @ 0..=18) => 10_i64.pow(u32::from(scale.unsigned_abs())),
        _ => 1,
    }
}

/// Truncates, or extends by the sign of the source.
pub(super) fn int_to_int(fx: &mut FunctionCx<'_>, value: Value, bits: u8, signed: bool, wanted: u8) -> Value {
    let ty = int_type(wanted);
    match wanted.cmp(&bits) {
        std::cmp::Ordering::Less => fx.builder.ins().ireduce(ty, value),
        std::cmp::Ordering::Equal => value,
        std::cmp::Ordering::Greater if signed => fx.builder.ins().sextend(ty, value),
        std::cmp::Ordering::Greater => fx.builder.ins().uextend(ty, value),
    }
}

/// Saturates; NaN becomes 0.
pub(crate) fn float_to_int(fx: &mut FunctionCx<'_>, value: Value, bits: u8, signed: bool) -> Value {
    let wide = if bits == 64 { types::I64 } else { types::I32 };
    let whole = if signed {
        fx.builder.ins().fcvt_to_sint_sat(wide, value)
    } else {
        fx.builder.ins().fcvt_to_uint_sat(wide, value)
    };
    if bits >= 32 {
        return whole;
    }
    let high = fx.int(wide, greatest(bits, signed));
    let clamped = if signed {
        let low = fx.int(wide, least(bits, signed));
        let above = fx.builder.ins().smax(whole, low);
        fx.builder.ins().smin(above, high)
    } else {
        fx.builder.ins().umin(whole, high)
    };
    fx.builder.ins().ireduce(int_type(bits), clamped)
}
