//! Operators and functions of the integer types, each computed by Rust on the type itself.
//!
//! Overflow, division by zero and shifts that are too wide are row errors, as rustc's debug build panics there.
//! `Date` is an `i32`, `Timestamp` and `Duration` are `i64`s, `Decimal` is an `i128` here.
#![expect(clippy::unnecessary_cast, reason = "the macros widen an `i128` to itself too")]

use crate::value::Value;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{BinaryOp, Function};
use sabot_ir::ty::Type;

/// `with_integer!(ty, T => expression)`: the expression with `T` as the Rust type that stands behind `ty`.
macro_rules! with_integer {
    ($ty:expr, $t:ident => $body:expr) => {
        match $ty.value_type() {
            Type::Int8 => {
                type $t = i8;
                $body
            }
            Type::Int16 => {
                type $t = i16;
                $body
            }
            Type::Int32 | Type::Date => {
                type $t = i32;
                $body
            }
            Type::Int64 | Type::Timestamp(_) | Type::Duration => {
                type $t = i64;
                $body
            }
            Type::UInt8 => {
                type $t = u8;
                $body
            }
            Type::UInt16 => {
                type $t = u16;
                $body
            }
            Type::UInt32 | Type::Char => {
                type $t = u32;
                $body
            }
            Type::UInt64 => {
                type $t = u64;
                $body
            }
            Type::Decimal(..) => {
                type $t = i128;
                $body
            }
            Type::Unit
            | Type::Bool
            | Type::Float32
            | Type::Float64
            | Type::String
            | Type::Bytes
            | Type::Option(_)
            | Type::List(_) => {
                unreachable!("the checker gives integer operations integers, not `{}`", $ty)
            }
        }
    };
}

/// `with_signed!(ty, T => expression)`: the same for what only signed types have.
macro_rules! with_signed {
    ($ty:expr, $t:ident => $body:expr) => {
        match $ty.value_type() {
            Type::Int8 => {
                type $t = i8;
                $body
            }
            Type::Int16 => {
                type $t = i16;
                $body
            }
            Type::Int32 | Type::Date => {
                type $t = i32;
                $body
            }
            Type::Int64 | Type::Timestamp(_) | Type::Duration => {
                type $t = i64;
                $body
            }
            Type::Decimal(..) => {
                type $t = i128;
                $body
            }
            Type::UInt8
            | Type::UInt16
            | Type::UInt32
            | Type::UInt64
            | Type::Char
            | Type::Unit
            | Type::Bool
            | Type::Float32
            | Type::Float64
            | Type::String
            | Type::Bytes
            | Type::Option(_)
            | Type::List(_) => unreachable!("`{}` has no sign", $ty),
        }
    };
}

/// Whether this value is in the range of this type.
pub(crate) fn fits(value: i128, ty: &Type) -> bool {
    if let Type::Decimal(precision, _) = ty.value_type() {
        return 10_u128.checked_pow((*precision).into()).is_none_or(|limit| value.unsigned_abs() < limit);
    }
    with_integer!(ty, T => T::try_from(value).is_ok())
}

/// `value as ty`.
pub(crate) fn truncate(value: i128, ty: &Type) -> Value {
    with_integer!(ty, T => Value::Int(value as T as i128))
}

/// `float as ty`: saturates, NaN becomes zero.
pub(crate) fn from_float(value: f64, ty: &Type) -> Value {
    with_integer!(ty, T => Value::Int(value as T as i128))
}

/// `a op b`, both of type `ty` (but for the right side of a shift).
pub(crate) fn binary(op: BinaryOp, ty: &Type, a: i128, b: i128) -> Result<Value, RowErrorCode> {
    if matches!(op, BinaryOp::Shl | BinaryOp::Shr) {
        return shift(op == BinaryOp::Shl, ty, a, b);
    }
    with_integer!(ty, T => {
        let (a, b) = (a as T, b as T);
        let value = match op {
            BinaryOp::Add => a.checked_add(b).ok_or(RowErrorCode::AddOverflow)?,
            BinaryOp::Sub => a.checked_sub(b).ok_or(RowErrorCode::SubOverflow)?,
            BinaryOp::Mul => a.checked_mul(b).ok_or(RowErrorCode::MulOverflow)?,
            BinaryOp::Div if b == 0 => return Err(RowErrorCode::DivByZero),
            BinaryOp::Div => a.checked_div(b).ok_or(RowErrorCode::DivOverflow)?,
            BinaryOp::Rem if b == 0 => return Err(RowErrorCode::RemByZero),
            BinaryOp::Rem => a.checked_rem(b).ok_or(RowErrorCode::RemOverflow)?,
            BinaryOp::BitAnd => a & b,
            BinaryOp::BitOr => a | b,
            BinaryOp::BitXor => a ^ b,
            BinaryOp::Shl | BinaryOp::Shr => unreachable!("shifts are done"),
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => unreachable!("`{}` is not an operation of integers alone", op.symbol()),
        };
        Ok(Value::Int(value as i128))
    })
}

fn shift(left: bool, ty: &Type, a: i128, b: i128) -> Result<Value, RowErrorCode> {
    let error = if left { RowErrorCode::ShlOverflow } else { RowErrorCode::ShrOverflow };
    let bits = u32::try_from(b).map_err(|_| error)?;
    with_integer!(ty, T => {
        let a = a as T;
        let value = if left { a.checked_shl(bits) } else { a.checked_shr(bits) };
        value.map(|value| Value::Int(value as i128)).ok_or(error)
    })
}

/// `-a`.
pub(crate) fn negate(ty: &Type, a: i128) -> Result<Value, RowErrorCode> {
    with_integer!(ty, T => (a as T).checked_neg().map(|value| Value::Int(value as i128)).ok_or(RowErrorCode::NegOverflow))
}

/// `!a`.
pub(crate) fn complement(ty: &Type, a: i128) -> Value {
    with_integer!(ty, T => Value::Int(!(a as T) as i128))
}

/// A function whose first argument is an integer of type `ty`.
pub(crate) fn function(function: Function, ty: &Type, args: &[i128]) -> Result<Value, RowErrorCode> {
    let a = args[0];
    let b = args.get(1).copied().unwrap_or(0);
    let optional = |value: Option<i128>| Ok(value.map_or(Value::Null, Value::Int));
    match function {
        Function::Abs => with_signed!(ty, T => {
            (a as T).checked_abs().map(|value| Value::Int(value as i128)).ok_or(RowErrorCode::AbsOverflow)
        }),
        Function::Min => Ok(Value::Int(a.min(b))),
        Function::Max => Ok(Value::Int(a.max(b))),
        Function::Clamp if b > args[2] => Err(RowErrorCode::ClampBounds),
        Function::Clamp => Ok(Value::Int(a.clamp(b, args[2]))),
        Function::Signum => Ok(Value::Int(a.signum())),
        Function::WrappingAdd => with_integer!(ty, T => Ok(Value::Int((a as T).wrapping_add(b as T) as i128))),
        Function::WrappingSub => with_integer!(ty, T => Ok(Value::Int((a as T).wrapping_sub(b as T) as i128))),
        Function::WrappingMul => with_integer!(ty, T => Ok(Value::Int((a as T).wrapping_mul(b as T) as i128))),
        Function::WrappingNeg => with_integer!(ty, T => Ok(Value::Int((a as T).wrapping_neg() as i128))),
        Function::WrappingAbs => with_signed!(ty, T => Ok(Value::Int((a as T).wrapping_abs() as i128))),
        Function::SaturatingAdd => with_integer!(ty, T => Ok(Value::Int((a as T).saturating_add(b as T) as i128))),
        Function::SaturatingSub => with_integer!(ty, T => Ok(Value::Int((a as T).saturating_sub(b as T) as i128))),
        Function::SaturatingMul => with_integer!(ty, T => Ok(Value::Int((a as T).saturating_mul(b as T) as i128))),
        Function::CheckedAdd => with_integer!(ty, T => optional((a as T).checked_add(b as T).map(|x| x as i128))),
        Function::CheckedSub => with_integer!(ty, T => optional((a as T).checked_sub(b as T).map(|x| x as i128))),
        Function::CheckedMul => with_integer!(ty, T => optional((a as T).checked_mul(b as T).map(|x| x as i128))),
        Function::CheckedDiv => with_integer!(ty, T => optional((a as T).checked_div(b as T).map(|x| x as i128))),
        Function::CheckedRem => with_integer!(ty, T => optional((a as T).checked_rem(b as T).map(|x| x as i128))),
        Function::RemEuclid if b == 0 => Err(RowErrorCode::RemByZero),
        Function::RemEuclid => with_integer!(ty, T => {
            let value = (a as T).checked_rem_euclid(b as T);
            value.map(|value| Value::Int(value as i128)).ok_or(RowErrorCode::RemOverflow)
        }),
        Function::DivEuclid if b == 0 => Err(RowErrorCode::DivByZero),
        Function::DivEuclid => with_integer!(ty, T => {
            let value = (a as T).checked_div_euclid(b as T);
            value.map(|value| Value::Int(value as i128)).ok_or(RowErrorCode::DivOverflow)
        }),
        Function::Pow => with_integer!(ty, T => {
            let exponent = u32::try_from(b).expect("the exponent of `pow` is a u32");
            (a as T).checked_pow(exponent).map(|value| Value::Int(value as i128)).ok_or(RowErrorCode::PowOverflow)
        }),
        Function::AbsDiff => with_integer!(ty, T => Ok(Value::Int((a as T).abs_diff(b as T) as i128))),
        Function::CountOnes => with_integer!(ty, T => Ok(Value::Int(i128::from((a as T).count_ones())))),
        Function::LeadingZeros => with_integer!(ty, T => Ok(Value::Int(i128::from((a as T).leading_zeros())))),
        Function::TrailingZeros => with_integer!(ty, T => Ok(Value::Int(i128::from((a as T).trailing_zeros())))),
        Function::Bits if *ty == Type::UInt32 => Ok(Value::Float32(f32::from_bits(a as u32))),
        Function::Bits => Ok(Value::Float64(f64::from_bits(a as u64))),
        Function::Sqrt
        | Function::Floor
        | Function::Ceil
        | Function::Trunc
        | Function::Round
        | Function::Fract
        | Function::Copysign
        | Function::MulAdd
        | Function::Recip
        | Function::IsNan
        | Function::IsFinite
        | Function::IsInfinite
        | Function::IsSignNegative
        | Function::IsSignPositive
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
        | Function::UnwrapOr => unreachable!("{function:?} is not a function of integers"),
    }
}
