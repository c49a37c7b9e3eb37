//! Dates, times and durations as text: RFC 3339, and ISO 8601 for durations.
//!
//! Read: `2024-02-29`; `2024-02-29T12:00:00.123456789Z`, also with a blank for `T`, with an offset, or with neither, which
//! is UTC; `PT1.5S`, also with `D`, `H` and `M` parts and a sign. Written: the shortest of 0, 3, 6 or 9 fractional digits.

use crate::calendar::{date_of_days, days_of_date, days_of_month};

const SECONDS_PER_DAY: i64 = 86_400;

/// The number that two digits are.
const fn two(tens: u8, ones: u8) -> Option<i64> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Some(((tens - b'0') * 10 + (ones - b'0')) as i64)
    } else {
        None
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
#[must_use]
pub const fn parse_date(text: &[u8]) -> Option<i64> {
    // Years outside 0000..9999 carry a sign, as ISO 8601 asks.
    let (sign, rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    let mut year = 0;
    let mut width = 0;
    while width < rest.len() && rest[width].is_ascii_digit() && width < 8 {
        year = year * 10 + (rest[width] - b'0') as i64;
        width += 1;
    }
    let is_signed = text.len() > rest.len();
    if width < 4 || width > 7 || (width > 4 && !is_signed) {
        return None;
    }
    let [b'-', m1, m2, b'-', d1, d2] = *rest.split_at(width).1 else { return None };
    let (Some(month), Some(day)) = (two(m1, m2), two(d1, d2)) else { return None };
    let year = sign * year;
    if day < 1 || day > days_of_month(year, month) { None } else { Some(days_of_date(year, month, day)) }
}

/// Units since 1970-01-01T00:00:00 UTC; a finer fraction than the unit, and times outside `i64`, are refused.
#[must_use]
pub const fn parse_timestamp(text: &[u8], units_per_second: i64) -> Option<i64> {
    let mut split = 0;
    while split < text.len() && !matches!(text[split], b'T' | b't' | b' ') {
        split += 1;
    }
    let (date, clock) = text.split_at(split);
    let Some(days) = parse_date(date) else { return None };
    let [_, clock @ ..] = clock else { return in_units(days * SECONDS_PER_DAY, 0, units_per_second) };
    let [h1, h2, b':', m1, m2, rest @ ..] = clock else { return None };
    let (Some(hour), Some(minute)) = (two(*h1, *h2), two(*m1, *m2)) else { return None };
    let (second, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (two(*s1, *s2), rest),
        rest => (Some(0), rest),
    };
    let Some(second) = second else { return None };
    let (part, zone) = match rest {
        [b'.' | b',', rest @ ..] => {
            let mut end = 0;
            while end < rest.len() && rest[end].is_ascii_digit() {
                end += 1;
            }
            let (digits, zone) = rest.split_at(end);
            (fraction(digits, units_per_second), zone)
        }
        rest => (Some(0), rest),
    };
    let Some(part) = part else { return None };
    let offset = match zone {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, rest @ ..] => {
            let minutes = match rest {
                [] => Some(0),
                [b':', m1, m2] | [m1, m2] => two(*m1, *m2),
                _ => None,
            };
            match (two(*h1, *h2), minutes) {
                (Some(hours), Some(minutes)) => {
                    let seconds = hours * 3600 + minutes * 60;
                    Some(if *sign == b'-' { -seconds } else { seconds })
                }
                _ => None,
            }
        }
        _ => None,
    };
    let Some(offset) = offset else { return None };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    in_units(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset, part, units_per_second)
}

const fn in_units(seconds: i64, part: i64, units_per_second: i64) -> Option<i64> {
    // The least time is a whole second that does not fit and a fraction that brings it back.
    let units = seconds as i128 * units_per_second as i128 + part as i128;
    if units < i64::MIN as i128 || units > i64::MAX as i128 { None } else { Some(units as i64) }
}

/// `.digits` in units; refused if something would be cut off.
const fn fraction(text: &[u8], units_per_second: i64) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    let mut unit = units_per_second;
    let mut sum = 0;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if !byte.is_ascii_digit() {
            return None;
        }
        unit /= 10;
        if unit == 0 && byte != b'0' {
            return None;
        }
        sum += unit * (byte - b'0') as i64;
        at += 1;
    }
    Some(sum)
}

/// Appends `YYYY-MM-DD`.
pub fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = date_of_days(days);
    match year {
        0..=9999 => {}
        10_000.. => out.push(b'+'),
        _ => out.push(b'-'),
    }
    write_padded(out, year.unsigned_abs(), 4);
    out.push(b'-');
    write_padded(out, month as u64, 2);
    out.push(b'-');
    write_padded(out, day as u64, 2);
}

/// Appends an RFC 3339 time in UTC.
pub fn write_timestamp(out: &mut Vec<u8>, units: i64, units_per_second: i64) {
    let seconds = units.div_euclid(units_per_second);
    write_date(out, seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY) as u64;
    out.push(b'T');
    write_padded(out, of_day / 3600, 2);
    out.push(b':');
    write_padded(out, of_day / 60 % 60, 2);
    out.push(b':');
    write_padded(out, of_day % 60, 2);
    let nanos = units.rem_euclid(units_per_second) as u64 * (1_000_000_000 / units_per_second as u64);
    write_fraction(out, nanos);
    out.push(b'Z');
}

fn write_fraction(out: &mut Vec<u8>, nanos: u64) {
    if nanos == 0 {
        return;
    }
    out.push(b'.');
    if nanos.is_multiple_of(1_000_000) {
        write_padded(out, nanos / 1_000_000, 3);
    } else if nanos.is_multiple_of(1_000) {
        write_padded(out, nanos / 1_000, 6);
    } else {
        write_padded(out, nanos, 9);
    }
}

fn write_padded(out: &mut Vec<u8>, value: u64, width: usize) {
    write_digits(out, u128::from(value), width);
}

/// Appends a number with at least `width` digits, zeros in front.
pub(crate) fn write_digits(out: &mut Vec<u8>, mut value: u128, width: usize) {
    let mut digits = [b'0'; 40];
    let mut start = digits.len();
    while value > 0 || digits.len() - start < width {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// Microseconds of an ISO 8601 duration of days and smaller parts.
#[must_use]
pub fn parse_duration(text: &[u8]) -> Option<i64> {
    let (is_negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut rest = rest.strip_prefix(b"P")?;
    let mut micros = 0_i64;
    let mut in_time = false;
    let mut parts = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b"T").filter(|_| !in_time) {
            in_time = true;
            rest = after;
            continue;
        }
        let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
        let (number, after) = rest.split_at(end);
        let unit = match (after.first()?, in_time) {
            (b'D', false) => SECONDS_PER_DAY,
            (b'H', true) => 3600,
            (b'M', true) => 60,
            (b'S', true) => 1,
            _ => return None,
        };
        let (whole, part) = match number.iter().position(|byte| *byte == b'.') {
            Some(point) if unit == 1 => (&number[..point], fraction(&number[point + 1..], 1_000_000)?),
            Some(_) => return None,
            None => (number, 0),
        };
        let whole: i64 = std::str::from_utf8(whole).ok()?.parse().ok()?;
        // Subtracting reaches the least value too, which has no positive counterpart.
        micros = micros.checked_sub(whole.checked_mul(unit)?.checked_mul(1_000_000)?)?.checked_sub(part)?;
        parts += 1;
        rest = &after[1..];
    }
    if parts == 0 {
        return None;
    }
    if is_negative { Some(micros) } else { micros.checked_neg() }
}

/// Appends `PT1.5S`.
pub fn write_duration(out: &mut Vec<u8>, micros: i64) {
    if micros < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(b"PT");
    let micros = micros.unsigned_abs();
    write_padded(out, micros / 1_000_000, 1);
    write_fraction(out, micros % 1_000_000 * 1_000);
    out.push(b'S');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_come_back() {
        for days in [-1_000_000, -719_529, -719_528, -1, 0, 58, 59, 60, 11_016, 19_782, 2_932_896, 2_932_897] {
            let text = written(|out| write_date(out, days));
            assert_eq!(parse_date(text.as_bytes()), Some(days), "{text}");
        }
        assert_eq!(written(|out| write_date(out, 19_782)), "2024-02-29");
        for bad in ["2023-02-29", "2024-13-01", "2024-00-01", "2024-1-1", "24-01-01", "2024-01-01x", "", "12024-01-01"]
        {
            assert_eq!(parse_date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn timestamps_come_back() {
        for micros in [0, -1, 1, 1_709_208_000_123_456, -62_135_596_800_000_000, 253_402_300_799_999_999] {
            let text = written(|out| write_timestamp(out, micros, 1_000_000));
            assert_eq!(parse_timestamp(text.as_bytes(), 1_000_000), Some(micros), "{text}");
        }
        assert_eq!(written(|out| write_timestamp(out, 1_500, 1_000)), "1970-01-01T00:00:01.500Z");
        assert_eq!(written(|out| write_timestamp(out, i64::MIN, 1_000_000_000)), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(parse_timestamp(b"1677-09-21T00:12:43.145224192Z", 1_000_000_000), Some(i64::MIN));
        let parse = |text: &str| parse_timestamp(text.as_bytes(), 1_000);
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse("1970-01-01 00:00:01"), Some(1_000));
        assert_eq!(parse("1970-01-02"), Some(86_400_000));
        assert_eq!(parse("1970-01-01T00:00:00.0010000Z"), Some(1));
        for bad in
            ["1970-01-01T00:00:00.0001Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z", "now", "1970-01-01T00"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_come_back() {
        for micros in [0, 1, -1, 1_500_000, i64::MAX, i64::MIN] {
            let text = written(|out| write_duration(out, micros));
            assert_eq!(parse_duration(text.as_bytes()), Some(micros), "{text}");
        }
        assert_eq!(written(|out| write_duration(out, 1_500_000)), "PT1.500S");
        assert_eq!(parse_duration(b"P1DT2H3M4S"), Some(93_784_000_000));
        for bad in ["P", "PT", "1S", "PT1", "P1M", "PT1.5M", "PT1.S"] {
            assert_eq!(parse_duration(bad.as_bytes()), None, "{bad}");
        }
    }
}
