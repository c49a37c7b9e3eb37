//! Types of columns and of expressions, and schemas.

use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Resolution of a [`Type::Timestamp`] column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TimeUnit {
    /// Milliseconds.
    Millisecond,
    /// Microseconds; what a record's `Timestamp` is unless it says otherwise.
    Microsecond,
    /// Nanoseconds.
    Nanosecond,
}

/// A type of the job language. There is no null outside [`Type::Option`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Type {
    /// `()`: the value of a block without one; never a column.
    Unit,
    /// `bool`.
    Bool,
    /// `i8`.
    Int8,
    /// `i16`.
    Int16,
    /// `i32`.
    Int32,
    /// `i64`.
    Int64,
    /// `u8`.
    UInt8,
    /// `u16`.
    UInt16,
    /// `u32`.
    UInt32,
    /// `u64`.
    UInt64,
    /// `f32`.
    Float32,
    /// `f64`.
    Float64,
    /// `char`: a Unicode scalar value; never a column of a file, a `u32` in registers.
    Char,
    /// `String` and `&str`; UTF-8.
    String,
    /// `Vec<u8>` declared as bytes.
    Bytes,
    /// `Decimal` with precision and scale.
    Decimal(u8, i8),
    /// `Date`: days since 1970-01-01.
    Date,
    /// `Timestamp`: UTC, units since 1970-01-01T00:00:00.
    Timestamp(TimeUnit),
    /// `Duration`: microseconds.
    Duration,
    /// `Option<T>`: null is `None`.
    Option(Box<Type>),
    /// `Vec<T>` of scalars, strings or lists; an element is no `Option`.
    List(Box<Type>),
}

impl Type {
    /// The language's `Decimal`: 38 digits, 9 of them after the point.
    pub const DECIMAL: Self = Self::Decimal(38, 9);

    /// `Option<self>`; an option stays what it is.
    #[must_use]
    pub fn optional(self) -> Self {
        if self.is_option() { self } else { Self::Option(Box::new(self)) }
    }

    /// What an `Option` holds; the type itself where it is none.
    #[must_use]
    pub fn value_type(&self) -> &Self {
        if let Self::Option(inner) = self { inner.value_type() } else { self }
    }

    /// Whether a column of this type may hold nulls.
    #[must_use]
    pub fn is_option(&self) -> bool {
        matches!(self, Self::Option(_))
    }

    /// What a list holds. Bytes are the list of `u8`.
    #[must_use]
    pub fn item_type(&self) -> Option<&Self> {
        static BYTE: Type = Type::UInt8;
        if let Self::List(item) = self { Some(item) } else { (*self == Self::Bytes).then_some(&BYTE) }
    }

    /// Whether it is one of the integer types.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(
            self,
            Self::Int8
                | Self::Int16
                | Self::Int32
                | Self::Int64
                | Self::UInt8
                | Self::UInt16
                | Self::UInt32
                | Self::UInt64
        )
    }

    /// Whether it is a signed integer type.
    #[must_use]
    pub fn is_signed_integer(&self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// Whether it is `f32` or `f64`.
    #[must_use]
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Bytes of one value in a column; `None` for bits (`bool`) and for what has no fixed width.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Unit | Self::Bool | Self::String | Self::Bytes | Self::List(_) => None,
            Self::Int8 | Self::UInt8 => Some(1),
            Self::Int16 | Self::UInt16 => Some(2),
            Self::Int32 | Self::UInt32 | Self::Char | Self::Float32 | Self::Date => Some(4),
            Self::Int64 | Self::UInt64 | Self::Float64 | Self::Timestamp(_) | Self::Duration => Some(8),
            Self::Decimal(..) => Some(16),
            Self::Option(inner) => inner.width(),
        }
    }
}

impl fmt::Display for Type {
    /// The type as a job's author writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("()"),
            Self::Bool => f.write_str("bool"),
            Self::Int8 => f.write_str("i8"),
            Self::Int16 => f.write_str("i16"),
            Self::Int32 => f.write_str("i32"),
            Self::Int64 => f.write_str("i64"),
            Self::UInt8 => f.write_str("u8"),
            Self::UInt16 => f.write_str("u16"),
            Self::UInt32 => f.write_str("u32"),
            Self::UInt64 => f.write_str("u64"),
            Self::Float32 => f.write_str("f32"),
            Self::Float64 => f.write_str("f64"),
            Self::Char => f.write_str("char"),
            Self::String => f.write_str("String"),
            Self::Bytes => f.write_str("Bytes"),
            Self::Decimal(38, 9) => f.write_str("Decimal"),
            Self::Decimal(precision, scale) => write!(f, "Decimal<{precision}, {scale}>"),
            Self::Date => f.write_str("Date"),
            Self::Timestamp(TimeUnit::Millisecond) => f.write_str("Timestamp<ms>"),
            Self::Timestamp(TimeUnit::Microsecond) => f.write_str("Timestamp"),
            Self::Timestamp(TimeUnit::Nanosecond) => f.write_str("Timestamp<ns>"),
            Self::Duration => f.write_str("Duration"),
            Self::Option(inner) => write!(f, "Option<{inner}>"),
            Self::List(item) => write!(f, "Vec<{item}>"),
        }
    }
}

/// A column of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name in the job's code, `instrument_id`.
    pub name: String,
    /// Name in files and topics, `instrumentId`.
    pub wire_name: String,
    /// Its type.
    pub ty: Type,
    /// Where the author declared it.
    pub span: Span,
    /// The structs around it in files, outermost first: a column may be a part of a record that is a field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Struct>,
    /// It stands for none of the struct's fields: it says whether the innermost struct, which is optional, is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_presence: bool,
}

/// A struct around a column in files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Struct {
    /// Its name in files and topics.
    pub wire_name: String,
    /// Whether it may be null.
    pub optional: bool,
}

impl Field {
    /// A column whose name is the same in code and in files.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        let name = name.into();
        Self { wire_name: name.clone(), name, ty, span: Span::NONE, within: Vec::new(), is_presence: false }
    }

    /// Whether both stand at one place in files.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.wire_name == other.wire_name && self.within == other.within && self.is_presence == other.is_presence
    }
}

/// The columns on an edge, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns; their position is what `ExprKind::Column` counts in.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A schema of these columns.
    #[must_use]
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    /// Number of columns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no columns (a count needs none).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Position of the column with this name in the job's code.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Position of the column with this name in files, or else with this name in code.
    #[must_use]
    pub fn wire_position(&self, name: &str) -> Option<usize> {
        let is_named = |field: &Field| field.wire_name == name && field.within.is_empty();
        self.fields.iter().position(is_named).or_else(|| self.position(name))
    }

    /// Whether both have the same names, in code and in files, in the same order.
    #[must_use]
    pub fn same_names(&self, other: &Self) -> bool {
        let pairs = || self.fields.iter().zip(&other.fields);
        self.len() == other.len() && pairs().all(|(a, b)| a.name == b.name && a.same_place(b))
    }

    /// Whether both have the same types and wire names in the same order.
    #[must_use]
    pub fn same_shape(&self, other: &Self) -> bool {
        self.len() == other.len() && self.fields.iter().zip(&other.fields).all(|(a, b)| a.ty == b.ty && a.same_place(b))
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, field) in self.fields.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{}: {}", field.name, field.ty)?;
        }
        Ok(())
    }
}
