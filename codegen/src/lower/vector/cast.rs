//! `as` in lanes. Floats to integers go lane by lane; small integers become floats by an addition of bits.

use super::arithmetic::{Int, canonical};
use super::range::Range;
use super::{Lanes, VectorCx};
use crate::CodegenError;
use crate::column::Class;
use crate::lower::scalar::cast::float_to_int;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};

/// Bits of 2^52 + 2^51: an integer added to them gives the float that is greater by just as much.
const MAGIC: i64 = 0x4338_0000_0000_0000;

/// `value as target`.
pub(super) fn cast(
    cx: &mut VectorCx<'_, '_>,
    value: Lanes,
    source: Class,
    target: Class,
) -> Result<Lanes, CodegenError> {
    if source == target {
        return Ok(value);
    }
    let x = value.value;
    let new = match (source, target) {
        (Class::Bool, Class::Int { .. }) => {
            let one = cx.int(1);
            cx.fx.builder.ins().band(x, one)
        }
        (Class::Int { bits, signed }, Class::Int { bits: wanted, signed: wanted_signed }) => {
            let kept = wanted > bits && (wanted_signed == signed || wanted_signed);
            let int = Int { bits: wanted, signed: wanted_signed };
            let fits = || cx.range(Int { bits, signed }, x).is_in(Range::of_type(int));
            if kept || fits() { x } else { canonical(cx, int, x) }
        }
        (Class::Int { bits, signed }, Class::F32 | Class::F64) => {
            let float = int_to_float(cx, bits, signed, x);
            cx.round_to(target, float)
        }
        (Class::F32 | Class::F64, Class::Int { bits, signed }) => cx.by_lane(&[x], |cx, args| {
            let whole = float_to_int(cx.fx, args[0], bits, signed);
            match (bits, signed) {
                (64, _) => whole,
                (_, true) => cx.fx.builder.ins().sextend(types::I64, whole),
                (_, false) => cx.fx.builder.ins().uextend(types::I64, whole),
            }
        }),
        (Class::F32, Class::F64) => x,
        (Class::F64, Class::F32) => cx.round_to(Class::F32, x),
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
        ) => return Err(CodegenError::internal("this cast has no vector form")),
    };
    Ok(Lanes { value: new, ..value })
}

fn int_to_float(cx: &mut VectorCx<'_, '_>, bits: u8, signed: bool, value: Value) -> Value {
    match (bits, signed) {
        (64, true) => cx.fx.builder.ins().fcvt_from_sint(types::F64X2, value),
        (64, false) => cx.fx.builder.ins().fcvt_from_uint(types::F64X2, value),
        (_, _) => {
            let magic = cx.int(MAGIC);
            let moved = cx.fx.builder.ins().iadd(value, magic);
            let moved = cx.fx.bitcast(types::F64X2, moved);
            let magic = cx.fx.lanes(types::F64X2, MAGIC.cast_unsigned(), MAGIC.cast_unsigned());
            cx.fx.builder.ins().fsub(moved, magic)
        }
    }
}
