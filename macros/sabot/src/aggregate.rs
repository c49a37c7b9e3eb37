//! What aggregates make of the types of values: `Option` in, `Option` out.

use sabot_library::{Date, Decimal, Duration, Timestamp};

/// A value that a group's function can give. `Optional` is its type where there may be none: an `Option` stays one.
pub trait Value {
    /// `Option<Self>`, or `Self` if it is one already.
    type Optional;
}

/// A number, or an `Option` of one: what `avg`, `variance`, `stddev` and `median` take.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number", label = "the mean of these is not defined")]
pub trait Number {
    /// `f64`, or an `Option` of it.
    type Mean;
}

/// What `arg_min` and `arg_max` compare: `None` is never the least or the greatest, so there may be no row at all.
pub trait By {
    /// The result for a value of type `V`.
    type Result<V: Value>;
}

/// A record that is the state of a group: what `#[sabot::aggregate] impl Spread { .. }` makes of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no aggregate",
    label = "has no `#[sabot::aggregate] impl`",
    note = "an aggregate has `init() -> Self`, `add(self, ..) -> Self`, `merge(self, other: Self) -> Self`, `finish(self) -> T`"
)]
pub trait UserAggregate {
    /// What `add` takes of a row: its one value, or a tuple of all.
    type Input;
    /// What `finish` gives.
    type Output;
}

macro_rules! numbers {
    ($($ty:ty)*) => { $(
        impl Number for $ty {
            type Mean = f64;
        }
        impl Number for Option<$ty> {
            type Mean = Option<f64>;
        }
    )* };
}
numbers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 Decimal);

macro_rules! values {
    ($($ty:ty)*) => { $(
        impl Value for $ty {
            type Optional = Option<$ty>;
        }
        impl By for $ty {
            type Result<V: Value> = V;
        }
    )* };
}
values!(bool char i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 String Date Decimal Duration Timestamp);

impl<T: Value> Value for Option<T> {
    type Optional = Self;
}
impl<T> By for Option<T> {
    type Result<V: Value> = V::Optional;
}
impl<T: Value + ?Sized> Value for &T {
    type Optional = Option<Self>;
}
impl Value for str {
    type Optional = Option<String>;
}
impl By for &str {
    type Result<V: Value> = V;
}
impl<T> Value for Vec<T> {
    type Optional = Option<Self>;
}

macro_rules! tuples {
    ($(($($part:ident)+))*) => { $(
        impl<$($part),+> Value for ($($part,)+) {
            type Optional = Option<Self>;
        }
    )* };
}
tuples!((A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E F)(A B C D E F G)(A B C D E F G H));
