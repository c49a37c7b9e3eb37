//! Functions of floats.
//!
//! `min` and `max` ignore a NaN beside a number; of zeros of either sign they give the first. `round` goes away from zero.

use crate::column::Class;
use crate::function::FunctionCx;
use crate::lower::scalar::{Scalar, ScalarCx};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{Expr, Function};

/// The greatest number below one half: added before truncation it rounds half away from zero, and nothing else.
pub(crate) fn round_bias(class: Class) -> f64 {
    if class == Class::F32 { f64::from(0.499_999_97_f32) } else { 0.499_999_999_999_999_94 }
}

/// How `b` must stand to `a` for `a.min(b)` (or `max`) to be `b`, as operands of "less than".
pub(crate) fn min_max_condition(is_min: bool, a: Value, b: Value) -> (Value, Value) {
    if is_min { (b, a) } else { (a, b) }
}

fn constant(fx: &mut FunctionCx<'_>, class: Class, value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only numbers that an `f32` has")]
    if class == Class::F32 { fx.builder.ins().f32const(value as f32) } else { fx.builder.ins().f64const(value) }
}

/// A function of floats; `None` if there is none of this name.
pub(super) fn call(
    cx: &mut ScalarCx<'_, '_>,
    function: Function,
    class: Class,
    args: &[Scalar],
    expr: &Expr,
) -> Option<Scalar> {
    let x = args[0].value;
    let arg = |position: usize| args.get(position).map(|arg| arg.value);
    let fx = &mut *cx.fx;
    let value = match function {
        Function::Abs => fx.builder.ins().fabs(x),
        Function::Sqrt => fx.builder.ins().sqrt(x),
        Function::Floor => fx.builder.ins().floor(x),
        Function::Ceil => fx.builder.ins().ceil(x),
        Function::Trunc => fx.builder.ins().trunc(x),
        Function::Copysign => {
            let sign = arg(1)?;
            fx.builder.ins().fcopysign(x, sign)
        }
        Function::Min | Function::Max => {
            let other = arg(1)?;
            let (less, than) = min_max_condition(function == Function::Min, x, other);
            let take_other = fx.builder.ins().fcmp(FloatCC::LessThan, less, than);
            let chosen = fx.select(take_other, other, x);
            let is_nan = fx.builder.ins().fcmp(FloatCC::Unordered, x, x);
            fx.select(is_nan, other, chosen)
        }
        Function::Clamp => {
            let (low, high) = (arg(1)?, arg(2)?);
            let in_order = fx.builder.ins().fcmp(FloatCC::LessThanOrEqual, low, high);
            let bad = fx.is_zero(in_order);
            cx.fail_if(bad, RowErrorCode::ClampBounds, expr.span);
            let fx = &mut *cx.fx;
            let below = fx.builder.ins().fcmp(FloatCC::LessThan, x, low);
            let raised = fx.select(below, low, x);
            let above = fx.builder.ins().fcmp(FloatCC::GreaterThan, raised, high);
            fx.select(above, high, raised)
        }
        Function::Signum => {
            let one = constant(fx, class, 1.0);
            let signed = fx.builder.ins().fcopysign(one, x);
            let is_nan = fx.builder.ins().fcmp(FloatCC::Unordered, x, x);
            fx.select(is_nan, x, signed)
        }
        Function::Round => {
            let bias = constant(fx, class, round_bias(class));
            let bias = fx.builder.ins().fcopysign(bias, x);
            let biased = fx.builder.ins().fadd(x, bias);
            fx.builder.ins().trunc(biased)
        }
        Function::Fract => {
            let whole = fx.builder.ins().trunc(x);
            fx.builder.ins().fsub(x, whole)
        }
        Function::Recip => {
            let one = constant(fx, class, 1.0);
            fx.builder.ins().fdiv(one, x)
        }
        Function::MulAdd if fx.target.has_fma => fx.builder.ins().fma(x, arg(1)?, arg(2)?),
        Function::Bits => fx.bitcast(if class == Class::F32 { types::I32 } else { types::I64 }, x),
        Function::IsNan => fx.builder.ins().fcmp(FloatCC::Unordered, x, x),
        Function::IsFinite | Function::IsInfinite => {
            let magnitude = fx.builder.ins().fabs(x);
            let infinity = constant(fx, class, f64::INFINITY);
            let condition = if function == Function::IsFinite { FloatCC::LessThan } else { FloatCC::Equal };
            fx.builder.ins().fcmp(condition, magnitude, infinity)
        }
        Function::IsSignNegative | Function::IsSignPositive => {
            let bits = fx.bitcast(if class == Class::F32 { types::I32 } else { types::I64 }, x);
            let condition = if function == Function::IsSignNegative {
                IntCC::SignedLessThan
            } else {
                IntCC::SignedGreaterThanOrEqual
            };
            fx.builder.ins().icmp_imm_s(condition, bits, 0)
        }
        Function::MulAdd
        | Function::WrappingAdd
        | Function::WrappingSub
        | Function::WrappingMul
        | Function::WrappingNeg
        | Function::WrappingAbs
        | Function::SaturatingAdd
        | Function::SaturatingSub
        | Function::SaturatingMul
        | Function::CheckedAdd
        | Function::CheckedSub
        | Function::CheckedMul
        | Function::CheckedDiv
        | Function::CheckedRem
        | Function::RemEuclid
        | Function::DivEuclid
        | Function::Pow
        | Function::AbsDiff
        | Function::CountOnes
        | Function::LeadingZeros
        | Function::TrailingZeros
        | Function::Powf
        | Function::Powi
        | Function::Exp
        | Function::Exp2
        | Function::ExpM1
        | Function::Ln
        | Function::Ln1p
        | Function::Log2
        | Function::Log10
        | Function::Log
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Atan2
        | Function::Sinh
        | Function::Cosh
        | Function::Tanh
        | Function::Cbrt
        | Function::Hypot
        | Function::Len
        | Function::IsEmpty
        | Function::StartsWith
        | Function::EndsWith
        | Function::Contains
        | Function::Text(_)
        | Function::Parse
        | Function::Append
        | Function::Value(_)
        | Function::Fast(_)
        | Function::List(_)
        | Function::UnwrapOr => {
            let (single, double) = runtime_function(function)?;
            let called = if class == Class::F32 { single } else { double };
            let args: Vec<Value> = args.iter().map(|arg| arg.value).collect();
            if args.len() != called.args().len() {
                return None;
            }
            fx.call(called, &args)
        }
    };
    Some(Scalar::plain(value))
}

/// The runtime's functions for `f32` and `f64`.
#[expect(clippy::wildcard_enum_match_arm, reason = "a list of those that are in the runtime")]
pub(super) fn runtime_function(function: Function) -> Option<(RuntimeFunction, RuntimeFunction)> {
    use RuntimeFunction as R;
    Some(match function {
        Function::MulAdd => (R::MulAddF32, R::MulAddF64),
        Function::RemEuclid => (R::RemEuclidF32, R::RemEuclidF64),
        Function::DivEuclid => (R::DivEuclidF32, R::DivEuclidF64),
        Function::Powf => (R::PowfF32, R::PowfF64),
        Function::Powi => (R::PowiF32, R::PowiF64),
        Function::Exp => (R::ExpF32, R::ExpF64),
        Function::Exp2 => (R::Exp2F32, R::Exp2F64),
        Function::ExpM1 => (R::ExpM1F32, R::ExpM1F64),
        Function::Ln => (R::LnF32, R::LnF64),
        Function::Ln1p => (R::Ln1pF32, R::Ln1pF64),
        Function::Log2 => (R::Log2F32, R::Log2F64),
        Function::Log10 => (R::Log10F32, R::Log10F64),
        Function::Log => (R::LogF32, R::LogF64),
        Function::Sin => (R::SinF32, R::SinF64),
        Function::Cos => (R::CosF32, R::CosF64),
        Function::Tan => (R::TanF32, R::TanF64),
        Function::Asin => (R::AsinF32, R::AsinF64),
        Function::Acos => (R::AcosF32, R::AcosF64),
        Function::Atan => (R::AtanF32, R::AtanF64),
        Function::Atan2 => (R::Atan2F32, R::Atan2F64),
        Function::Sinh => (R::SinhF32, R::SinhF64),
        Function::Cosh => (R::CoshF32, R::CoshF64),
        Function::Tanh => (R::TanhF32, R::TanhF64),
        Function::Cbrt => (R::CbrtF32, R::CbrtF64),
        Function::Hypot => (R::HypotF32, R::HypotF64),
        _ => return None,
    })
}
