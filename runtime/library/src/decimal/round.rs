//! Rounding of decimals.

use super::{Decimal, ONE, SCALE};

impl Decimal {
    /// To this many digits after the point, half away from zero; 9 and more change nothing.
    ///
    /// # Panics
    /// If the rounded value has more than 38 digits.
    #[must_use]
    pub fn round(self, digits: u32) -> Self {
        self.checked_round(digits).expect("attempt to round with overflow")
    }

    /// To this many digits after the point, half away from zero; `None` if the rounded value has more than 38 digits.
    #[must_use]
    pub const fn checked_round(self, digits: u32) -> Option<Self> {
        if digits >= SCALE {
            return Some(self);
        }
        let unit = 10_i128.pow(SCALE - digits);
        let rest = self.unscaled % unit;
        let down = self.unscaled - rest;
        Self::from_unscaled(if rest * 2 >= unit {
            down + unit
        } else if rest * 2 <= -unit {
            down - unit
        } else {
            down
        })
    }

    /// Without what stands after the point.
    #[must_use]
    pub const fn trunc(self) -> Self {
        Self { unscaled: self.unscaled - self.unscaled % ONE }
    }

    /// What stands after the point, with the sign of `self`.
    #[must_use]
    pub const fn fract(self) -> Self {
        Self { unscaled: self.unscaled % ONE }
    }

    /// The greatest whole number that is not above `self`.
    ///
    /// # Panics
    /// If it has more than 38 digits.
    #[must_use]
    pub fn floor(self) -> Self {
        self.checked_floor().expect("attempt to round with overflow")
    }

    /// The greatest whole number that is not above `self`; `None` if it has more than 38 digits.
    #[must_use]
    pub const fn checked_floor(self) -> Option<Self> {
        Self::from_unscaled(self.unscaled - self.unscaled.rem_euclid(ONE))
    }

    /// The least whole number that is not below `self`.
    ///
    /// # Panics
    /// If it has more than 38 digits.
    #[must_use]
    pub fn ceil(self) -> Self {
        self.checked_ceil().expect("attempt to round with overflow")
    }

    /// The least whole number that is not below `self`; `None` if it has more than 38 digits.
    #[must_use]
    pub const fn checked_ceil(self) -> Option<Self> {
        Self::from_unscaled(self.unscaled + (-self.unscaled).rem_euclid(ONE))
    }
}

#[cfg(test)]
mod tests {
    use super::super::dec;
    use super::*;

    #[test]
    fn rounds_half_away_from_zero() {
        for (value, digits, rounded) in [
            ("1.005", 2, "1.01"),
            ("-1.005", 2, "-1.01"),
            ("1.0049", 2, "1"),
            ("2.5", 0, "3"),
            ("-2.5", 0, "-3"),
            ("2.499999999", 0, "2"),
            ("1.23456789", 9, "1.23456789"),
            ("1.23456789", 77, "1.23456789"),
        ] {
            assert_eq!(dec(value).round(digits), dec(rounded), "{value}");
        }
        assert_eq!(Decimal::MAX.checked_round(0), None);
    }

    #[test]
    fn rounds_to_whole_numbers() {
        for (value, floor, ceil, trunc) in [("1.5", "1", "2", "1"), ("-1.5", "-2", "-1", "-1"), ("3", "3", "3", "3")] {
            assert_eq!(
                (dec(value).floor(), dec(value).ceil(), dec(value).trunc()),
                (dec(floor), dec(ceil), dec(trunc))
            );
        }
        assert_eq!(Decimal::MIN.checked_floor(), None);
        assert_eq!(Decimal::MAX.checked_ceil(), None);
        assert_eq!(dec("-1.25").fract(), dec("-0.25"));
    }
}
