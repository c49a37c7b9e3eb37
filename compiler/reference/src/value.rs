//! The value of one column in one row, and the orders over values.
//!
//! Three orders, because the language has three: [`compare`] is what `<` and `==` in a job mean (NaN compares false),
//! [`sort_order`] is what sorting means (NaN greatest, `None` least), and `Ord` is a total order over bits that only
//! serves collections and tests. [`Value::key`] maps values that are one key to one value.

use sabot_ir::expr::Literal;
use sabot_ir::ty::Type;
use std::cmp::Ordering;
use std::fmt;

/// The value of one column in one row. Its type stands in the schema or in the expression, not here.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`. `Some(x)` is `x` itself: the language has no options in options.
    Null,
    /// `()`.
    Unit,
    /// `bool`.
    Bool(bool),
    /// All integers, `char` (its scalar value), `Date`, `Timestamp`, `Duration`, `Decimal` (unscaled); always in the range of its type.
    Int(i128),
    /// `f32`.
    Float32(f32),
    /// `f64`.
    Float64(f64),
    /// `String`.
    String(String),
    /// `Bytes`.
    Bytes(Vec<u8>),
    /// `Vec<T>`.
    List(Vec<Value>),
}

impl Value {
    /// A constant of this type.
    #[must_use]
    pub fn literal(literal: &Literal, ty: &Type) -> Self {
        match literal {
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(value) => Self::Int(*value),
            // Exactly representable by the promise of `Literal::Float`.
            Literal::Float(value) if *ty.value_type() == Type::Float32 => Self::Float32(*value as f32),
            Literal::Float(value) => Self::Float64(*value),
            Literal::String(value) => Self::String(value.clone()),
            Literal::Bytes(value) => Self::Bytes(value.clone()),
            Literal::Unit => Self::Unit,
        }
    }

    /// Whether it is `None`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The integer that it is.
    #[must_use]
    pub fn as_int(&self) -> Option<i128> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// A float of either width, widened.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float32(value) => Some(f64::from(*value)),
            Self::Float64(value) => Some(*value),
            Self::Null
            | Self::Unit
            | Self::Bool(_)
            | Self::Int(_)
            | Self::String(_)
            | Self::Bytes(_)
            | Self::List(_) => None,
        }
    }

    /// Whether it is a float that is not a number.
    #[must_use]
    pub fn is_nan(&self) -> bool {
        self.as_float().is_some_and(f64::is_nan)
    }

    /// The one value that stands for all that are the same key: all NaNs are one, and so are the two zeros.
    #[must_use]
    pub fn key(&self) -> Self {
        match self {
            Self::Float32(value) if value.is_nan() => Self::Float32(f32::NAN),
            Self::Float64(value) if value.is_nan() => Self::Float64(f64::NAN),
            Self::Float32(value) if *value == 0.0 => Self::Float32(0.0),
            Self::Float64(value) if *value == 0.0 => Self::Float64(0.0),
            Self::List(items) => Self::List(items.iter().map(Self::key).collect()),
            Self::Null
            | Self::Unit
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float32(_)
            | Self::Float64(_)
            | Self::String(_)
            | Self::Bytes(_) => self.clone(),
        }
    }

    /// Equal, or floats whose difference is rounding: what sums in another order may differ by, and variances of equal
    /// values, which should be zero.
    #[must_use]
    pub fn is_close_to(&self, other: &Self) -> bool {
        match (self.as_float(), other.as_float()) {
            (Some(a), Some(b)) => {
                a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= (1e-9 * a.abs().max(b.abs())).max(1e-15)
            }
            (Some(_) | None, Some(_) | None) => match (self, other) {
                (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_close_to(b)),
                _ => self == other,
            },
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Unit => 1,
            Self::Bool(_) => 2,
            Self::Int(_) => 3,
            Self::Float32(_) => 4,
            Self::Float64(_) => 5,
            Self::String(_) => 6,
            Self::Bytes(_) => 7,
            Self::List(_) => 8,
        }
    }
}

/// What `<`, `==` and their like mean: `None` is less than any `Some`, NaN is unordered.
#[must_use]
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Int(b)) => a.partial_cmp(b),
        (Value::Float32(a), Value::Float32(b)) => a.partial_cmp(b),
        (Value::Float64(a), Value::Float64(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => a.partial_cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.partial_cmp(b),
        (Value::List(a), Value::List(b)) => compare_lists(a, b),
        (a, b) => Some(a.rank().cmp(&b.rank())),
    }
}

/// The first items that differ decide, then the lengths.
fn compare_lists(a: &[Value], b: &[Value]) -> Option<Ordering> {
    for (a, b) in a.iter().zip(b) {
        match compare(a, b) {
            Some(Ordering::Equal) => {}
            decided => return decided,
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// The order of sorted rows: `None` is least, NaN is greatest, the two zeros are equal.
#[must_use]
pub fn sort_order(a: &Value, b: &Value) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        // Beside NaN there may be `None`, which is less.
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare(a, b).expect("only NaN is unordered"),
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Float32(a), Self::Float32(b)) if a.is_nan() || b.is_nan() => a.is_nan().cmp(&b.is_nan()),
            (Self::Float64(a), Self::Float64(b)) if a.is_nan() || b.is_nan() => a.is_nan().cmp(&b.is_nan()),
            (Self::Float32(a), Self::Float32(b)) => a.total_cmp(b),
            (Self::Float64(a), Self::Float64(b)) => a.total_cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (a, b) => compare(a, b).expect("floats are done"),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The same value: by bits, so that `-0.0` is not `0.0`, but for NaN, of which there is one.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("None"),
            Self::Unit => f.write_str("()"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float32(value) => write!(f, "{value:?}"),
            Self::Float64(value) => write!(f, "{value:?}"),
            Self::String(value) => write!(f, "{value:?}"),
            Self::Bytes(value) => write!(f, "b\"{}\"", value.escape_ascii()),
            Self::List(items) => {
                f.write_str("[")?;
                for (position, item) in items.iter().enumerate() {
                    let comma = if position == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_orders_differ_where_they_should() {
        let (nan, null) = (Value::Float64(f64::NAN), Value::Null);
        let (zero, minus) = (Value::Float64(0.0), Value::Float64(-0.0));
        assert_eq!(compare(&nan, &nan), None);
        assert_eq!(compare(&zero, &minus), Some(Ordering::Equal));
        assert_eq!(compare(&null, &minus), Some(Ordering::Less));
        assert_eq!(sort_order(&nan, &Value::Float64(f64::INFINITY)), Ordering::Greater);
        assert_eq!(sort_order(&null, &nan), Ordering::Less);
        assert_eq!(sort_order(&minus, &zero), Ordering::Equal);
        assert_ne!(zero, minus);
        assert_eq!(zero.key(), minus.key());
        assert_eq!(nan, Value::Float64(-f64::NAN));
    }
}
