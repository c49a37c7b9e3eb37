//! Decimals from and to text, integers and floats.

use super::{Decimal, ONE, SCALE};
use std::fmt;
use std::str::FromStr;

/// Text that is no decimal, or one that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseDecimalError;

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a decimal number of at most 29 digits before and 9 after the point")
    }
}

impl std::error::Error for ParseDecimalError {}

/// A decimal that is known when the job is written: `dec("1.25")`.
///
/// # Panics
/// If the text is no decimal; sabotc says so when it compiles the job.
#[must_use]
pub const fn dec(text: &str) -> Decimal {
    match Decimal::parse(text) {
        Some(value) => value,
        None => panic!("not a decimal number of at most 29 digits before and 9 after the point"),
    }
}

impl Decimal {
    /// Reads `-12.5`: a sign or none, digits, and after a point more of them; at least one digit in all. `None` for
    /// anything else, and if the value does not fit exactly.
    #[must_use]
    pub const fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    /// The same of bytes.
    #[must_use]
    pub const fn parse_bytes(text: &[u8]) -> Option<Self> {
        let (is_negative, mut at) = match text {
            [b'-', ..] => (true, 1),
            [b'+', ..] => (false, 1),
            _ => (false, 0),
        };
        let (mut size, mut digits, mut after_point, mut has_point) = (0_i128, 0, 0, false);
        while at < text.len() {
            let byte = text[at];
            at += 1;
            if byte == b'.' && !has_point {
                has_point = true;
                continue;
            }
            if !byte.is_ascii_digit() {
                return None;
            }
            digits += 1;
            if has_point && after_point == SCALE {
                if byte != b'0' {
                    return None;
                }
                continue;
            }
            after_point += has_point as u32;
            // Up to 10^38 - 1 before, so the next digit is what may not fit.
            size = match size.checked_mul(10) {
                Some(size) => match size.checked_add((byte - b'0') as i128) {
                    Some(size) => size,
                    None => return None,
                },
                None => return None,
            };
        }
        if digits == 0 {
            return None;
        }
        match size.checked_mul(10_i128.pow(SCALE - after_point)) {
            Some(size) => Self::from_unscaled(if is_negative { -size } else { size }),
            None => None,
        }
    }

    /// The decimal next to a float, half away from zero; `None` of NaN, the infinities, and what does not fit.
    #[must_use]
    pub fn from_f64(x: f64) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        let bits = x.abs().to_bits();
        let exponent = (bits >> 52) as i32;
        let mantissa = u128::from(bits & ((1 << 52) - 1) | if exponent == 0 { 0 } else { 1 << 52 });
        // The size is mantissa * 2^exponent.
        let exponent = exponent.max(1) - 1075;
        // At most 53 + 30 bits.
        let scaled = mantissa * ONE as u128;
        let size = match exponent {
            0.. => {
                if scaled != 0 && exponent as u32 >= scaled.leading_zeros() {
                    return None;
                }
                scaled << exponent.min(127)
            }
            -126.. => {
                let half = 1_u128 << (-exponent - 1);
                (scaled + half) >> -exponent
            }
            _ => 0,
        };
        let size = i128::try_from(size).ok()?;
        Self::from_unscaled(if x < 0.0 { -size } else { size })
    }

    /// The float next to it.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let size = self.unscaled.unsigned_abs();
        // Both are exact below 2^53, and then one division rounds once.
        let value = if size < 1 << 53 {
            size as f64 / ONE as f64
        } else {
            // std reads decimal digits with one rounding.
            let digits = format!("{size}e-9");
            digits.parse().unwrap_or(f64::NAN)
        };
        if self.is_negative() { -value } else { value }
    }

    /// Without what stands after the point; `None` if it does not fit.
    #[must_use]
    pub const fn to_i64(self) -> Option<i64> {
        let whole = self.unscaled / ONE;
        if whole < i64::MIN as i128 || whole > i64::MAX as i128 { None } else { Some(whole as i64) }
    }
}

macro_rules! from_integers {
    ($($int:ty)*) => {
        $(
            impl From<$int> for Decimal {
                fn from(value: $int) -> Self {
                    Self { unscaled: i128::from(value) * ONE }
                }
            }
        )*
    };
}

from_integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, ParseDecimalError> {
        Self::parse(text).ok_or(ParseDecimalError)
    }
}

impl fmt::Display for Decimal {
    /// Without the zeros at the end, `1.5`, or rounded to the precision asked for, `{:.2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        let size = self.unscaled.unsigned_abs();
        let text = match f.precision() {
            None => {
                write_size(&mut out, size);
                out
            }
            Some(precision) => {
                write_rounded(&mut out, size, precision);
                out
            }
        };
        f.pad_integral(!self.is_negative(), "", &String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Decimal {
    /// Appends what `{}` writes.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.is_negative() {
            out.push(b'-');
        }
        write_size(out, self.unscaled.unsigned_abs());
    }
}

fn write_size(out: &mut Vec<u8>, size: u128) {
    let (whole, mut part) = (size / ONE as u128, (size % ONE as u128) as u32);
    crate::text::write_digits(out, whole, 1);
    if part == 0 {
        return;
    }
    let mut width = SCALE as usize;
    while part.is_multiple_of(10) {
        part /= 10;
        width -= 1;
    }
    out.push(b'.');
    crate::text::write_digits(out, u128::from(part), width);
}

fn write_rounded(out: &mut Vec<u8>, size: u128, precision: usize) {
    let digits = precision.min(SCALE as usize);
    let unit = 10_u128.pow(SCALE - digits as u32);
    // May have one digit more than a Decimal: it is only written.
    let size = (size + unit / 2) / unit;
    let one = 10_u128.pow(digits as u32);
    crate::text::write_digits(out, size / one, 1);
    if precision > 0 {
        out.push(b'.');
        if digits > 0 {
            crate::text::write_digits(out, size % one, digits);
        }
        out.extend(std::iter::repeat_n(b'0', precision - digits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_comes_back(unscaled in -super::super::GREATEST..=super::super::GREATEST, shift in 0_u32..127) {
            let value = Decimal { unscaled: unscaled >> shift };
            prop_assert_eq!(Decimal::parse(&value.to_string()), Some(value));
        }

        #[test]
        fn floats_come_back(x in any::<f64>(), small in -1e15..1e15) {
            // Both ways through text round once, so they must agree with the direct ones.
            for x in [x, small] {
                let by_text = format!("{:.400}", x.abs());
                let expected = x.is_finite().then(|| round_text(&by_text)).flatten().map(|size| if x < 0.0 { -size } else { size });
                prop_assert_eq!(Decimal::from_f64(x), expected, "{}", x);
                if let Some(value) = Decimal::from_f64(x) {
                    prop_assert_eq!(value.to_f64(), value.to_string().parse::<f64>().unwrap());
                }
            }
        }
    }

    /// Rounds digits after the ninth by hand.
    fn round_text(text: &str) -> Option<Decimal> {
        let (whole, part) = text.split_once('.').unwrap();
        let value = Decimal::parse(&format!("{whole}.{}", &part[..9]))?;
        if part.as_bytes()[9] >= b'5' { value.checked_add(Decimal::new(1, 9)) } else { Some(value) }
    }

    #[test]
    fn reads_and_writes_text() {
        for (text, written) in [
            ("0", "0"),
            ("-0", "0"),
            ("+1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.000000001", "-0.000000001"),
            ("1.00000000000", "1"),
            ("99999999999999999999999999999.999999999", "99999999999999999999999999999.999999999"),
        ] {
            assert_eq!(Decimal::parse(text).map(|value| value.to_string()).as_deref(), Some(written), "{text}");
        }
        for bad in
            ["", "-", ".", "1..2", "1e3", "0x1", " 1", "1 ", "1.0000000001", "100000000000000000000000000000", "١"]
        {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
        assert_eq!(
            format!(
                "{:.2}|{:.0}|{:8.1}|{:08.3}|{:+}|{:<6}|",
                dec("1.005"),
                dec("2.5"),
                dec("-1.25"),
                dec("-1.5"),
                dec("3"),
                dec("7.1")
            ),
            "1.01|3|    -1.3|-001.500|+3|7.1   |"
        );
        assert_eq!(format!("{:.11}", dec("0.5")), "0.50000000000");
        assert_eq!("1.5".parse(), Ok(Decimal::new(15, 1)));
    }

    #[test]
    fn converts_numbers() {
        assert_eq!(Decimal::from(u64::MAX).to_string(), "18446744073709551615");
        assert_eq!(Decimal::from(i64::MIN).to_i64(), Some(i64::MIN));
        assert_eq!(Decimal::from(u64::MAX).to_i64(), None);
        assert_eq!(dec("-1.9").to_i64(), Some(-1));
        assert_eq!(Decimal::from_f64(0.1), Some(dec("0.1")));
        assert_eq!(Decimal::from_f64(-2.5e-10), Some(Decimal::ZERO));
        assert_eq!(Decimal::from_f64(5e-10), Some(dec("0.000000001")), "5e-10 as f64 is a little above");
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e29, f64::MAX, 1e40] {
            assert_eq!(Decimal::from_f64(none), None, "{none}");
        }
        assert_eq!(Decimal::from_f64(-0.0), Some(Decimal::ZERO));
        assert_eq!(dec("0.1").to_f64(), 0.1);
        assert_eq!(Decimal::MAX.to_f64(), 1e29);
    }
}
