//! `+ - * / %` on decimals.

use super::{Decimal, ONE};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};

impl Decimal {
    /// `self + other`; `None` if it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.unscaled.checked_add(other.unscaled) {
            Some(sum) => Self::from_unscaled(sum),
            None => None,
        }
    }

    /// `self - other`; `None` if it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.unscaled.checked_sub(other.unscaled) {
            Some(difference) => Self::from_unscaled(difference),
            None => None,
        }
    }

    /// `self * other`, rounded half away from zero; `None` if it does not fit.
    #[must_use]
    pub const fn checked_mul(self, other: Self) -> Option<Self> {
        let (a, b) = (self.unscaled.unsigned_abs(), other.unscaled.unsigned_abs());
        let size = match a.checked_mul(b) {
            Some(product) => rounded(product / ONE as u128, product % ONE as u128, ONE as u128),
            None => match multiply_wide(a, b) {
                Some(size) => size,
                None => return None,
            },
        };
        with_sign(size, self.is_negative() != other.is_negative())
    }

    /// `self / other`, rounded half away from zero; `None` if `other` is 0 or the quotient does not fit.
    #[must_use]
    pub const fn checked_div(self, other: Self) -> Option<Self> {
        let (a, b) = (self.unscaled.unsigned_abs(), other.unscaled.unsigned_abs());
        if b == 0 {
            return None;
        }
        let size = match a.checked_mul(ONE as u128) {
            Some(a) => rounded(a / b, a % b, b),
            None => match divide_wide(a, b) {
                Some(size) => size,
                None => return None,
            },
        };
        with_sign(size, self.is_negative() != other.is_negative())
    }

    /// The remainder of the division that truncates, with the sign of `self`; `None` if `other` is 0.
    #[must_use]
    pub const fn checked_rem(self, other: Self) -> Option<Self> {
        match self.unscaled.checked_rem(other.unscaled) {
            Some(unscaled) => Some(Self { unscaled }),
            None => None,
        }
    }
}

/// `quotient`, or one more if the rest is at least half of the divisor (which is below 2^127).
const fn rounded(quotient: u128, rest: u128, divisor: u128) -> u128 {
    if rest * 2 >= divisor { quotient + 1 } else { quotient }
}

const fn with_sign(size: u128, is_negative: bool) -> Option<Decimal> {
    if size > super::GREATEST as u128 {
        return None;
    }
    Decimal::from_unscaled(if is_negative { -(size as i128) } else { size as i128 })
}

/// `a * b / 10^9` rounded, where the product needs more than 128 bits; `None` if the result does too.
const fn multiply_wide(a: u128, b: u128) -> Option<u128> {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    // Both are below 2^127, so no sum of two of the products overflows.
    let low = a0 * b0;
    let middle = a0 * b1 + (low >> 64);
    let (middle, carry) = middle.overflowing_add(a1 * b0);
    let high = a1 * b1 + (middle >> 64) + ((carry as u128) << 64);
    // Long division by 10^9, 64 bits at a time.
    let divisor = ONE as u128;
    let digits = [high >> 64, high & LOW, middle & LOW, low & LOW];
    let mut quotient = [0_u128; 4];
    let mut rest = 0;
    let mut digit = 0;
    while digit < 4 {
        let part = (rest << 64) | digits[digit];
        quotient[digit] = part / divisor;
        rest = part % divisor;
        digit += 1;
    }
    if quotient[0] != 0 || quotient[1] != 0 {
        return None;
    }
    let quotient = (quotient[2] << 64) | quotient[3];
    quotient.checked_add((rest * 2 >= divisor) as u128)
}

/// `a * 10^9 / b` rounded, where the dividend needs more than 128 bits; `None` if the result does too.
const fn divide_wide(a: u128, b: u128) -> Option<u128> {
    let mut rest = a % b;
    let Some(whole) = (a / b).checked_mul(ONE as u128) else { return None };
    // The digits after the point: `rest * 10^9 / b` bit by bit. Everything stays below `2 * b`, which is below 2^128.
    let (first, mut quotient) = (rest, 0_u128);
    rest = 0;
    let mut bit = 30;
    while bit > 0 {
        bit -= 1;
        rest *= 2;
        quotient *= 2;
        if rest >= b {
            rest -= b;
            quotient += 1;
        }
        if (ONE >> bit) & 1 == 1 {
            rest += first;
            if rest >= b {
                rest -= b;
                quotient += 1;
            }
        }
    }
    match whole.checked_add(quotient) {
        Some(sum) => sum.checked_add((rest * 2 >= b) as u128),
        None => None,
    }
}

/// An operator, and its assigning form, by the `checked_` function.
macro_rules! operator {
    ($($trait:ident $method:ident $assign:ident $assign_method:ident $checked:ident $message:expr;)*) => {
        $(
            impl $trait for Decimal {
                type Output = Self;

                fn $method(self, other: Self) -> Self {
                    match self.$checked(other) {
                        Some(value) => value,
                        None => $message(other),
                    }
                }
            }

            impl $assign for Decimal {
                fn $assign_method(&mut self, other: Self) {
                    *self = $trait::$method(*self, other);
                }
            }
        )*
    };
}

operator! {
    Add add AddAssign add_assign checked_add |_| panic!("attempt to add with overflow");
    Sub sub SubAssign sub_assign checked_sub |_| panic!("attempt to subtract with overflow");
    Mul mul MulAssign mul_assign checked_mul |_| panic!("attempt to multiply with overflow");
    Div div DivAssign div_assign checked_div |by: Decimal| -> Decimal {
        assert!(!by.is_zero(), "attempt to divide by zero");
        panic!("attempt to divide with overflow")
    };
    Rem rem RemAssign rem_assign checked_rem |_| panic!("attempt to calculate the remainder with a divisor of zero");
}

impl Neg for Decimal {
    type Output = Self;

    fn neg(self) -> Self {
        Self { unscaled: -self.unscaled }
    }
}

impl Sum for Decimal {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, |sum, value| sum + value)
    }
}

impl<'a> Sum<&'a Self> for Decimal {
    fn sum<I: Iterator<Item = &'a Self>>(values: I) -> Self {
        values.copied().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::dec;
    use super::*;
    use proptest::prelude::*;

    /// `a * b / c` rounded half away from zero, digit by digit: slow and obvious.
    fn by_hand(a: i128, b: i128, c: i128) -> Option<i128> {
        // Numbers as digits of base 10^9, least first.
        let digits = |mut x: u128| {
            let mut digits = Vec::new();
            while x > 0 {
                digits.push(x % 1_000_000_000);
                x /= 1_000_000_000;
            }
            digits
        };
        let (x, y) = (digits(a.unsigned_abs()), digits(b.unsigned_abs()));
        let mut product = vec![0_u128; x.len() + y.len() + 1];
        for (i, x) in x.iter().enumerate() {
            for (j, y) in y.iter().enumerate() {
                product[i + j] += x * y;
            }
        }
        for place in 0..product.len() - 1 {
            product[place + 1] += product[place] / 1_000_000_000;
            product[place] %= 1_000_000_000;
        }
        // Binary long division over the bits of the product, most significant first.
        let mut bits = Vec::new();
        while product.iter().any(|digit| *digit != 0) {
            let mut rest = 0;
            for digit in product.iter_mut().rev() {
                let part = rest * 1_000_000_000 + *digit;
                *digit = part / 2;
                rest = part % 2;
            }
            bits.push(rest);
        }
        let (mut quotient, mut rest) = (0_u128, 0_u128);
        let by = c.unsigned_abs();
        for bit in bits.iter().rev() {
            rest = rest * 2 + bit;
            quotient = quotient.checked_mul(2)?;
            if rest >= by {
                rest -= by;
                quotient += 1;
            }
        }
        if rest * 2 >= by {
            quotient = quotient.checked_add(1)?;
        }
        let size = i128::try_from(quotient).ok().filter(|size| *size <= super::super::GREATEST)?;
        let is_negative = [a, b, c].iter().filter(|x| **x < 0).count() % 2 == 1;
        Some(if is_negative { -size } else { size })
    }

    /// Decimals of every size.
    fn decimals() -> impl Strategy<Value = Decimal> {
        (any::<i128>(), 0_u32..127)
            .prop_map(|(bits, shift)| Decimal { unscaled: (bits >> shift) % (super::super::GREATEST + 1) })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn products_and_quotients_are_those_by_hand(a in decimals(), b in decimals()) {
            prop_assert_eq!(a.checked_mul(b).map(Decimal::unscaled), by_hand(a.unscaled, b.unscaled, ONE));
            if !b.is_zero() {
                prop_assert_eq!(a.checked_div(b).map(Decimal::unscaled), by_hand(a.unscaled, ONE, b.unscaled));
            }
        }
    }

    #[test]
    fn edges() {
        assert_eq!(Decimal::MAX.checked_add(Decimal::new(1, 9)), None);
        assert_eq!(Decimal::MAX.checked_add(Decimal::MAX), None);
        assert_eq!(Decimal::MIN.checked_sub(Decimal::MAX), None);
        assert_eq!(Decimal::MAX.checked_mul(Decimal::MAX), None);
        assert_eq!(Decimal::MAX.checked_mul(Decimal::ONE), Some(Decimal::MAX));
        assert_eq!(Decimal::MAX.checked_div(Decimal::MAX), Some(Decimal::ONE));
        assert_eq!(Decimal::MAX.checked_div(Decimal::new(1, 9)), None);
        assert_eq!(Decimal::ONE.checked_div(Decimal::ZERO), None);
        assert_eq!(dec("1") / dec("3"), dec("0.333333333"));
        assert_eq!(dec("2") / dec("-3"), dec("-0.666666667"));
        assert_eq!(dec("0.000000001") * dec("0.5"), dec("0.000000001"), "half away from zero");
        assert_eq!(dec("-0.000000001") * dec("0.5"), dec("-0.000000001"));
        assert_eq!(dec("0.000000001") * dec("0.499999999"), Decimal::ZERO);
        assert_eq!(dec("7.5") % dec("-2"), dec("1.5"));
        assert_eq!(-dec("7.5") % dec("2"), dec("-1.5"));
        assert_eq!([dec("1.5"), dec("2.25")].iter().sum::<Decimal>(), dec("3.75"));
    }
}
