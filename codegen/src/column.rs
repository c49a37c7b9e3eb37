//! What a type is to generated code: how its values lie in a register of a chunk, and what they are in CLIF.

use cranelift_codegen::ir::{Type as Clif, types};
use sabot_ir::ty::Type;

/// Types that are computed with in the same way; the `Option` around a type is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `()`.
    Unit,
    /// `bool`.
    Bool,
    /// Integers and times.
    Int {
        /// 8, 16, 32 or 64.
        bits: u8,
        /// Two's complement.
        signed: bool,
    },
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `String` and `Bytes`: where it lies and how long it is.
    Str,
    /// 128-bit decimals.
    Decimal,
    /// Lists: where the items lie and how many there are.
    List(Items),
}

/// How the items of a list lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    /// One after the other, two to this power bytes each; `bool` takes a byte.
    Fixed(u8),
    /// Strings or bytes: where each lies and how long it is.
    Strings,
    /// Lists of lists of so many levels, and what is in the innermost: bytes as a power of two, or strings.
    Lists(u8, Option<u8>),
}

impl Items {
    /// Of lists of this type.
    fn of(item: &Type) -> Self {
        match Class::of(item) {
            Class::Str => Self::Strings,
            Class::List(Self::Fixed(shift)) => Self::Lists(1, Some(shift)),
            Class::List(Self::Strings) => Self::Lists(1, None),
            Class::List(Self::Lists(depth, inner)) => Self::Lists(depth.saturating_add(1), inner),
            Class::Unit | Class::Bool => Self::Fixed(0),
            class @ (Class::Int { .. } | Class::F32 | Class::F64 | Class::Decimal) => {
                Self::Fixed(class.width().map_or(0, |width| width.trailing_zeros() as u8))
            }
        }
    }
}

impl Class {
    /// The class of a type, or of what an `Option` holds.
    pub(crate) fn of(ty: &Type) -> Self {
        let int = |bits, signed| Self::Int { bits, signed };
        match ty {
            Type::Unit => Self::Unit,
            Type::Bool => Self::Bool,
            Type::Int8 => int(8, true),
            Type::Int16 => int(16, true),
            Type::Int32 | Type::Date => int(32, true),
            Type::Int64 | Type::Timestamp(_) | Type::Duration => int(64, true),
            Type::UInt8 => int(8, false),
            Type::UInt16 => int(16, false),
            Type::UInt32 | Type::Char => int(32, false),
            Type::UInt64 => int(64, false),
            Type::Float32 => Self::F32,
            Type::Float64 => Self::F64,
            Type::String | Type::Bytes => Self::Str,
            Type::Decimal(..) => Self::Decimal,
            Type::Option(inner) => Self::of(inner),
            Type::List(item) => Self::List(Items::of(item)),
        }
    }

    /// The CLIF type of a scalar value; of a string the pointer, to which an `i64` length belongs.
    pub(crate) fn scalar(self) -> Clif {
        match self {
            Self::Unit | Self::Bool => types::I8,
            Self::Int { bits, .. } => int_type(bits),
            Self::F32 => types::F32,
            Self::F64 => types::F64,
            Self::Str | Self::List(_) => types::I64,
            Self::Decimal => types::I128,
        }
    }

    /// Bytes of a value in a register; `None` for bits and for what is never in one.
    pub(crate) fn width(self) -> Option<i32> {
        match self {
            Self::Unit | Self::Bool => None,
            Self::Int { bits, .. } => Some(i32::from(bits) / 8),
            Self::F32 => Some(4),
            Self::F64 => Some(8),
            Self::Str | Self::List(_) | Self::Decimal => Some(16),
        }
    }

    /// The CLIF type of two values in the lanes of a vector: integers are extended to 64 bits, `f32` is widened to `f64`
    /// and rounded after every operation, `bool` is all ones or all zeros. `None`: not computed in vectors.
    pub(crate) fn lanes(self) -> Option<Clif> {
        match self {
            Self::Bool | Self::Int { .. } => Some(types::I64X2),
            Self::F32 | Self::F64 => Some(types::F64X2),
            Self::Unit | Self::Str | Self::List(_) | Self::Decimal => None,
        }
    }

    /// Whether a value is an address and a length.
    pub(crate) fn has_length(self) -> bool {
        matches!(self, Self::Str | Self::List(_))
    }

    /// Whether it is `f32` or `f64`.
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

/// The CLIF integer of this many bits.
pub(crate) fn int_type(bits: u8) -> Clif {
    match bits {
        8 => types::I8,
        16 => types::I16,
        32 => types::I32,
        _ => types::I64,
    }
}

/// The least value of an integer class, as the low bits of the result.
pub(crate) fn least(bits: u8, signed: bool) -> i64 {
    if signed { i64::MIN >> (64 - u32::from(bits)) } else { 0 }
}

/// The greatest value of an integer class, as the low bits of the result.
pub(crate) fn greatest(bits: u8, signed: bool) -> i64 {
    match (signed, bits) {
        (true, _) => i64::MAX >> (64 - u32::from(bits)),
        (false, 64) => -1,
        (false, _) => (1 << bits) - 1,
    }
}
