//! `Decimal`: fixed-point numbers of 38 digits, 9 of them after the point.
//!
//! `+`, `-` and `%` are exact; `*` and `/` round at the ninth digit, half away from zero. What does not fit panics, as it
//! does with std's integers; the `checked_` forms give `None` instead.

mod arithmetic;
mod convert;
mod round;

pub use convert::{ParseDecimalError, dec};

/// A number with 29 digits before the point and 9 after it.
///
/// ```
/// use sabot_library::{Decimal, dec};
/// let price = dec("19.99");
/// assert_eq!(price * Decimal::from(3), Decimal::new(5997, 2));
/// assert_eq!((price / dec("3")).to_string(), "6.663333333");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    /// The number times 10^9; its size is less than 10^38.
    unscaled: i128,
}

/// Digits after the point.
const SCALE: u32 = 9;
/// 10^9.
const ONE: i128 = 1_000_000_000;
/// 10^38 - 1.
const GREATEST: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

impl Decimal {
    /// Digits after the point.
    pub const SCALE: u32 = SCALE;
    /// 0.
    pub const ZERO: Self = Self { unscaled: 0 };
    /// 1.
    pub const ONE: Self = Self { unscaled: ONE };
    /// The greatest value.
    pub const MAX: Self = Self { unscaled: GREATEST };
    /// The least value.
    pub const MIN: Self = Self { unscaled: -GREATEST };

    /// `number / 10^scale`: `Decimal::new(12345, 2)` is 123.45.
    ///
    /// # Panics
    /// If `scale` is above 9.
    #[must_use]
    pub const fn new(number: i64, scale: u32) -> Self {
        match Self::checked_new(number, scale) {
            Some(value) => value,
            None => panic!("a Decimal has at most 9 digits after the point"),
        }
    }

    /// `number / 10^scale`; `None` if `scale` is above 9.
    #[must_use]
    pub const fn checked_new(number: i64, scale: u32) -> Option<Self> {
        if scale > SCALE {
            return None;
        }
        Some(Self { unscaled: number as i128 * 10_i128.pow(SCALE - scale) })
    }

    /// The value whose 10^9-fold this is; `None` if it has more than 38 digits.
    #[must_use]
    pub const fn from_unscaled(unscaled: i128) -> Option<Self> {
        if unscaled > GREATEST || unscaled < -GREATEST { None } else { Some(Self { unscaled }) }
    }

    /// The number times 10^9.
    #[must_use]
    pub const fn unscaled(self) -> i128 {
        self.unscaled
    }

    /// Whether it is 0.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.unscaled == 0
    }

    /// Whether it is below 0.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.unscaled < 0
    }

    /// Whether it is above 0.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.unscaled > 0
    }

    /// The distance from 0.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self { unscaled: self.unscaled.abs() }
    }

    /// -1, 0 or 1.
    #[must_use]
    pub const fn signum(self) -> Self {
        Self { unscaled: self.unscaled.signum() * ONE }
    }
}
