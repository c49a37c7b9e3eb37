//! `Duration`: a span of time in microseconds, of either sign.

use crate::{ParseTimeError, text};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Rem, Sub, SubAssign};
use std::str::FromStr;

/// A span of time in microseconds; may be negative.
///
/// ```
/// use sabot_library::{Duration, minutes, seconds};
/// assert_eq!(minutes(1) + seconds(30), seconds(90));
/// assert_eq!(minutes(5) / seconds(90), 3);
/// assert_eq!(seconds(90).to_string(), "PT90S");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    micros: i64,
}

/// Constructors: the function, and microseconds of its unit.
macro_rules! constructors {
    ($($name:ident $unit:literal $doc:literal;)*) => {
        $(
            #[doc = $doc]
            ///
            /// # Panics
            /// If it does not fit 64 bits of microseconds.
            #[must_use]
            pub const fn $name(n: i64) -> Duration {
                match n.checked_mul($unit) {
                    Some(micros) => Duration { micros },
                    None => panic!("attempt to multiply with overflow"),
                }
            }
        )*
    };
}

constructors! {
    microseconds 1 "A duration of so many microseconds.";
    milliseconds 1_000 "A duration of so many milliseconds.";
    seconds 1_000_000 "A duration of so many seconds.";
    minutes 60_000_000 "A duration of so many minutes.";
    hours 3_600_000_000 "A duration of so many hours.";
    days 86_400_000_000 "A duration of so many days of 24 hours.";
}

impl Duration {
    /// No time.
    pub const ZERO: Self = Self { micros: 0 };
    /// The longest duration.
    pub const MAX: Self = Self { micros: i64::MAX };
    /// The most negative duration.
    pub const MIN: Self = Self { micros: i64::MIN };

    /// So many microseconds.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// In microseconds.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.micros
    }

    /// Whole milliseconds; the rest is cut off.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.micros / 1_000
    }

    /// Whole seconds; the rest is cut off.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.micros / 1_000_000
    }

    /// Whole minutes; the rest is cut off.
    #[must_use]
    pub const fn as_minutes(self) -> i64 {
        self.micros / 60_000_000
    }

    /// Whole hours; the rest is cut off.
    #[must_use]
    pub const fn as_hours(self) -> i64 {
        self.micros / 3_600_000_000
    }

    /// Whole days of 24 hours; the rest is cut off.
    #[must_use]
    pub const fn as_days(self) -> i64 {
        self.micros / 86_400_000_000
    }

    /// Seconds with their fraction.
    #[must_use]
    pub fn as_seconds_f64(self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// Whether it is no time.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.micros == 0
    }

    /// Whether it goes backward.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.micros < 0
    }

    /// The duration without its sign.
    ///
    /// # Panics
    /// Of `Duration::MIN`.
    #[must_use]
    pub const fn abs(self) -> Self {
        match self.micros.checked_abs() {
            Some(micros) => Self { micros },
            None => panic!("attempt to take the absolute value with overflow"),
        }
    }

    /// Reads ISO 8601 of days and smaller parts, `PT1.5S`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text::parse_duration(text.as_bytes()).map(Self::from_micros)
    }
}

/// A value, or the panic of std's integers.
pub(crate) const fn or_overflow(micros: Option<i64>, message: &'static str) -> i64 {
    match micros {
        Some(micros) => micros,
        None => panic!("{}", message),
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { micros: or_overflow(self.micros.checked_add(other.micros), "attempt to add with overflow") }
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { micros: or_overflow(self.micros.checked_sub(other.micros), "attempt to subtract with overflow") }
    }
}

impl SubAssign for Duration {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Duration {
    type Output = Self;

    fn neg(self) -> Self {
        Self { micros: or_overflow(self.micros.checked_neg(), "attempt to negate with overflow") }
    }
}

impl Mul<i64> for Duration {
    type Output = Self;

    fn mul(self, n: i64) -> Self {
        Self { micros: or_overflow(self.micros.checked_mul(n), "attempt to multiply with overflow") }
    }
}

impl Div<i64> for Duration {
    type Output = Self;

    /// Cuts off what is less than a microsecond.
    fn div(self, n: i64) -> Self {
        Self { micros: self.micros / n }
    }
}

impl Div for Duration {
    type Output = i64;

    /// How often `other` fits whole.
    fn div(self, other: Self) -> i64 {
        self.micros / other.micros
    }
}

impl Rem for Duration {
    type Output = Self;

    fn rem(self, other: Self) -> Self {
        Self { micros: self.micros % other.micros }
    }
}

impl Sum for Duration {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, |sum, value| sum + value)
    }
}

impl FromStr for Duration {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        Self::parse(text).ok_or(ParseTimeError)
    }
}

impl fmt::Display for Duration {
    /// ISO 8601 in seconds, `PT90.500S`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        text::write_duration(&mut out, self.micros);
        f.pad(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_off() {
        let d = days(1) + hours(2) + minutes(3) + seconds(4) + milliseconds(5) + microseconds(6);
        assert_eq!((d.as_days(), d.as_hours(), d.as_minutes(), d.as_seconds()), (1, 26, 1563, 93_784));
        assert_eq!((d.as_millis(), d.as_micros()), (93_784_005, 93_784_005_006));
        assert_eq!((-d).as_hours(), -26);
        assert_eq!(d.to_string(), "PT93784.005006S");
        assert_eq!("P1DT2H3M4.005006S".parse(), Ok(d));
        assert_eq!(milliseconds(1_500).as_seconds_f64(), 1.5);
    }

    #[test]
    fn arithmetic() {
        assert_eq!(minutes(1) * 3, seconds(180));
        assert_eq!(seconds(10) / 4, milliseconds(2_500));
        assert_eq!((minutes(5) / seconds(7), minutes(5) % seconds(7)), (42, seconds(6)));
        assert_eq!((-seconds(3)).abs(), seconds(3));
        assert!(std::panic::catch_unwind(|| Duration::MIN.abs()).is_err());
        assert!(std::panic::catch_unwind(|| days(i64::MAX)).is_err());
    }
}
