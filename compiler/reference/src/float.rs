//! Operators and functions of `f32` and `f64`, each computed by Rust on the type itself.

use crate::value::Value;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{BinaryOp, Function};
use std::cmp::Ordering;

macro_rules! float {
    ($binary:ident, $function:ident, $t:ty, $wrap:path) => {
        /// `a op b`.
        pub(crate) fn $binary(op: BinaryOp, a: $t, b: $t) -> Value {
            match op {
                BinaryOp::Add => $wrap(a + b),
                BinaryOp::Sub => $wrap(a - b),
                BinaryOp::Mul => $wrap(a * b),
                BinaryOp::Div => $wrap(a / b),
                BinaryOp::Rem => $wrap(a % b),
                BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Shl
                | BinaryOp::Shr
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::And
                | BinaryOp::Or => unreachable!("`{}` is not an operation of floats alone", op.symbol()),
            }
        }

        /// A function whose first argument is such a float.
        pub(crate) fn $function(function: Function, args: &[Value]) -> Result<Value, RowErrorCode> {
            let arg = |position: usize| {
                let Some($wrap(value)) = args.get(position) else {
                    unreachable!("{function:?} got {args:?} instead of {} floats", position + 1)
                };
                *value
            };
            let x = arg(0);
            Ok(match function {
                Function::Abs => $wrap(x.abs()),
                Function::Min => $wrap(x.min(arg(1))),
                Function::Max => $wrap(x.max(arg(1))),
                Function::Clamp => {
                    let (low, high) = (arg(1), arg(2));
                    // As std asserts it: a NaN is in no order.
                    if low.partial_cmp(&high).is_none_or(Ordering::is_gt) {
                        return Err(RowErrorCode::ClampBounds);
                    }
                    $wrap(x.clamp(low, high))
                }
                Function::Signum => $wrap(x.signum()),
                Function::RemEuclid => $wrap(x.rem_euclid(arg(1))),
                Function::DivEuclid => $wrap(x.div_euclid(arg(1))),
                Function::Sqrt => $wrap(x.sqrt()),
                Function::Floor => $wrap(x.floor()),
                Function::Ceil => $wrap(x.ceil()),
                Function::Trunc => $wrap(x.trunc()),
                Function::Round => $wrap(x.round()),
                Function::Fract => $wrap(x.fract()),
                Function::Copysign => $wrap(x.copysign(arg(1))),
                Function::MulAdd => $wrap(x.mul_add(arg(1), arg(2))),
                Function::Recip => $wrap(x.recip()),
                Function::IsNan => Value::Bool(x.is_nan()),
                Function::IsFinite => Value::Bool(x.is_finite()),
                Function::IsInfinite => Value::Bool(x.is_infinite()),
                Function::IsSignNegative => Value::Bool(x.is_sign_negative()),
                Function::IsSignPositive => Value::Bool(x.is_sign_positive()),
                Function::Powf => $wrap(x.powf(arg(1))),
                Function::Powi => {
                    let exponent = args.get(1).and_then(Value::as_int).and_then(|n| i32::try_from(n).ok());
                    $wrap(x.powi(exponent.expect("the exponent of `powi` is an i32")))
                }
                Function::Exp => $wrap(x.exp()),
                Function::Exp2 => $wrap(x.exp2()),
                Function::ExpM1 => $wrap(x.exp_m1()),
                Function::Ln => $wrap(x.ln()),
                Function::Ln1p => $wrap(x.ln_1p()),
                Function::Log2 => $wrap(x.log2()),
                Function::Log10 => $wrap(x.log10()),
                Function::Log => $wrap(x.log(arg(1))),
                Function::Sin => $wrap(x.sin()),
                Function::Cos => $wrap(x.cos()),
                Function::Tan => $wrap(x.tan()),
                Function::Asin => $wrap(x.asin()),
                Function::Acos => $wrap(x.acos()),
                Function::Atan => $wrap(x.atan()),
                Function::Atan2 => $wrap(x.atan2(arg(1))),
                Function::Sinh => $wrap(x.sinh()),
                Function::Cosh => $wrap(x.cosh()),
                Function::Tanh => $wrap(x.tanh()),
                Function::Cbrt => $wrap(x.cbrt()),
                Function::Hypot => $wrap(x.hypot(arg(1))),
                Function::Bits => Value::Int(i128::from(x.to_bits())),
                Function::WrappingAdd
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
                | Function::Pow
                | Function::AbsDiff
                | Function::CountOnes
                | Function::LeadingZeros
                | Function::TrailingZeros
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
                | Function::UnwrapOr => unreachable!("{function:?} is not a function of floats"),
            })
        }
    };
}

float!(binary32, function32, f32, Value::Float32);
float!(binary64, function64, f64, Value::Float64);
