//! `Timestamp`: a moment, in microseconds of UTC.

use crate::date::trunc_days;
use crate::duration::{Duration, or_overflow};
use crate::{Date, ParseTimeError, Unit, calendar, pattern, text};
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

/// A moment: microseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
///
/// ```
/// use sabot_library::{Unit, minutes, timestamp};
/// let at = timestamp("2024-02-29T12:34:56.789Z");
/// assert_eq!((at.hour(), at.minute(), at.second(), at.millisecond()), (12, 34, 56, 789));
/// assert_eq!(at.trunc(Unit::Hour) + minutes(5), timestamp("2024-02-29T12:05:00Z"));
/// assert_eq!(at.format("%d.%m.%Y %H:%M"), "29.02.2024 12:34");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    micros: i64,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A moment that is known when the job is written: `timestamp("2024-02-29T12:00:00Z")`.
///
/// # Panics
/// If the text is no RFC 3339 time; sabotc says so when it compiles the job.
#[must_use]
pub const fn timestamp(text: &str) -> Timestamp {
    match Timestamp::parse(text) {
        Some(at) => at,
        None => panic!("not a time like 2024-02-29T12:00:00Z"),
    }
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self { micros: 0 };
    /// The last moment.
    pub const MAX: Self = Self { micros: i64::MAX };
    /// The first moment.
    pub const MIN: Self = Self { micros: i64::MIN };

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Milliseconds since the epoch.
    ///
    /// # Panics
    /// If it does not fit.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self { micros: or_overflow(millis.checked_mul(1_000), "attempt to multiply with overflow") }
    }

    /// Seconds since the epoch.
    ///
    /// # Panics
    /// If it does not fit.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { micros: or_overflow(seconds.checked_mul(SECOND), "attempt to multiply with overflow") }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.micros
    }

    /// Milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.micros.div_euclid(1_000)
    }

    /// Seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.micros.div_euclid(SECOND)
    }

    /// Its day, UTC.
    #[must_use]
    pub const fn date(self) -> Date {
        // At most 107 million days.
        Date::from_days(self.micros.div_euclid(DAY) as i32)
    }

    const fn of_day(self) -> i64 {
        self.micros.rem_euclid(DAY)
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.date().year()
    }

    /// The quarter of the year, 1 to 4.
    #[must_use]
    pub const fn quarter(self) -> u32 {
        self.date().quarter()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u32 {
        self.date().month()
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u32 {
        self.date().day()
    }

    /// The day of the week: Monday is 1, Sunday 7.
    #[must_use]
    pub const fn weekday(self) -> u32 {
        self.date().weekday()
    }

    /// The day of the year, 1 to 366.
    #[must_use]
    pub const fn day_of_year(self) -> u32 {
        self.date().day_of_year()
    }

    /// The ISO 8601 week, 1 to 53.
    #[must_use]
    pub const fn iso_week(self) -> u32 {
        self.date().iso_week()
    }

    /// The year that the ISO week belongs to.
    #[must_use]
    pub const fn iso_year(self) -> i32 {
        self.date().iso_year()
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u32 {
        (self.of_day() / (3600 * SECOND)) as u32
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u32 {
        (self.of_day() / (60 * SECOND) % 60) as u32
    }

    /// The second, 0 to 59.
    #[must_use]
    pub const fn second(self) -> u32 {
        (self.of_day() / SECOND % 60) as u32
    }

    /// The millisecond of the second, 0 to 999.
    #[must_use]
    pub const fn millisecond(self) -> u32 {
        (self.of_day() % SECOND / 1_000) as u32
    }

    /// The microsecond of the second, 0 to 999 999.
    #[must_use]
    pub const fn microsecond(self) -> u32 {
        (self.of_day() % SECOND) as u32
    }

    /// The first moment of the unit that it lies in; `None` if it does not fit.
    #[must_use]
    pub const fn checked_trunc(self, unit: Unit) -> Option<Self> {
        let step = match unit {
            Unit::Year | Unit::Quarter | Unit::Month | Unit::Week => {
                let days = trunc_days(self.micros.div_euclid(DAY), unit);
                return match days.checked_mul(DAY) {
                    Some(micros) => Some(Self { micros }),
                    None => None,
                };
            }
            Unit::Day => DAY,
            Unit::Hour => 3600 * SECOND,
            Unit::Minute => 60 * SECOND,
            Unit::Second => SECOND,
            Unit::Millisecond => 1_000,
        };
        self.checked_floor_to(Duration::from_micros(step))
    }

    /// The first moment of the unit that it lies in: `at.trunc(Unit::Hour)`.
    ///
    /// # Panics
    /// If it does not fit: within a year of [`Timestamp::MIN`].
    #[must_use]
    pub fn trunc(self, unit: Unit) -> Self {
        self.checked_trunc(unit).expect("attempt to round with overflow")
    }

    /// The last multiple of a duration, counted from the epoch, that is not after it; `None` if the duration is not
    /// positive, or if it does not fit.
    #[must_use]
    pub const fn checked_floor_to(self, step: Duration) -> Option<Self> {
        let step = step.as_micros();
        if step <= 0 {
            return None;
        }
        match self.micros.checked_sub(self.micros.rem_euclid(step)) {
            Some(micros) => Some(Self { micros }),
            None => None,
        }
    }

    /// The last multiple of a duration, counted from the epoch, that is not after it: `at.floor_to(minutes(5))`.
    ///
    /// # Panics
    /// If the duration is not positive, or if it does not fit.
    #[must_use]
    pub fn floor_to(self, step: Duration) -> Self {
        assert!(step > Duration::ZERO, "the step is not positive");
        self.checked_floor_to(step).expect("attempt to round with overflow")
    }

    /// The same time of the same day so many months later, or of the last day of the month where it has no such day;
    /// `None` if it does not fit.
    #[must_use]
    pub const fn checked_add_months(self, months: i32) -> Option<Self> {
        let days = calendar::add_months(self.micros.div_euclid(DAY), months as i64);
        // In the first day that has a moment at all, midnight may not fit though the moment does.
        let micros = days as i128 * DAY as i128 + self.of_day() as i128;
        if micros < i64::MIN as i128 || micros > i64::MAX as i128 { None } else { Some(Self { micros: micros as i64 }) }
    }

    /// The same time of the same day so many months later, or of the last day of the month where it has no such day.
    ///
    /// # Panics
    /// If it does not fit.
    #[must_use]
    pub fn add_months(self, months: i32) -> Self {
        self.checked_add_months(months).expect("attempt to add with overflow")
    }

    /// Text after a pattern of strftime, `%Y-%m-%d %H:%M:%S%.3f`; see [`crate::check_timestamp_pattern`].
    ///
    /// # Panics
    /// If the pattern is none; sabotc says so when it compiles the job.
    #[must_use]
    pub fn format(self, pattern: &str) -> String {
        let mut out = Vec::new();
        self.write_format(pattern, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends what [`Timestamp::format`] gives.
    ///
    /// # Panics
    /// If the pattern is none.
    pub fn write_format(self, pattern: &str, out: &mut Vec<u8>) {
        pattern::write(pattern, &pattern::Moment::of_timestamp(self), out);
    }

    /// Reads RFC 3339, `2024-02-29T12:00:00Z`, also with a blank for `T`, with an offset, or with neither, which is UTC;
    /// `None` for anything else, and for digits below the microsecond.
    #[must_use]
    pub const fn parse(text: &str) -> Option<Self> {
        match text::parse_timestamp(text.as_bytes(), SECOND) {
            Some(micros) => Some(Self { micros }),
            None => None,
        }
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, other: Self) -> Duration {
        Duration::from_micros(or_overflow(self.micros.checked_sub(other.micros), "attempt to subtract with overflow"))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, d: Duration) -> Self {
        Self { micros: or_overflow(self.micros.checked_add(d.as_micros()), "attempt to add with overflow") }
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, d: Duration) -> Self {
        Self { micros: or_overflow(self.micros.checked_sub(d.as_micros()), "attempt to subtract with overflow") }
    }
}

impl SubAssign<Duration> for Timestamp {
    fn sub_assign(&mut self, d: Duration) {
        *self = *self - d;
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        Self::parse(text).ok_or(ParseTimeError)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, `2024-02-29T12:00:00Z`, with 0, 3 or 6 digits after the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        text::write_timestamp(&mut out, self.micros, SECOND);
        f.pad(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{days, hours, minutes, seconds};

    #[test]
    fn parts_before_the_epoch() {
        let at = Timestamp::from_micros(-1);
        assert_eq!((at.year(), at.month(), at.day()), (1969, 12, 31));
        assert_eq!(
            (at.hour(), at.minute(), at.second(), at.millisecond(), at.microsecond()),
            (23, 59, 59, 999, 999_999)
        );
        assert_eq!((at.as_millis(), at.as_seconds()), (-1, -1));
        assert_eq!(at.date(), date_of("1969-12-31"));
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(edge.to_string().parse(), Ok(edge));
        }
    }

    fn date_of(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn cuts() {
        let at = timestamp("2024-05-16T12:34:56.789012Z");
        for (unit, cut) in [
            (Unit::Year, "2024-01-01"),
            (Unit::Quarter, "2024-04-01"),
            (Unit::Month, "2024-05-01"),
            (Unit::Week, "2024-05-13"),
            (Unit::Day, "2024-05-16"),
            (Unit::Hour, "2024-05-16T12:00:00Z"),
            (Unit::Minute, "2024-05-16T12:34:00Z"),
            (Unit::Second, "2024-05-16T12:34:56Z"),
            (Unit::Millisecond, "2024-05-16T12:34:56.789Z"),
        ] {
            assert_eq!(at.trunc(unit), timestamp(cut), "{unit:?}");
            assert_eq!(at.trunc(unit).trunc(unit), at.trunc(unit));
        }
        assert_eq!(at.floor_to(minutes(5)), timestamp("2024-05-16T12:30:00Z"));
        assert_eq!(Timestamp::from_micros(-1).floor_to(seconds(10)), Timestamp::from_seconds(-10));
        assert_eq!(at.checked_floor_to(Duration::ZERO), None);
        assert_eq!(Timestamp::MIN.checked_trunc(Unit::Day), None);
        assert_eq!(Timestamp::MIN.checked_trunc(Unit::Year), None);
    }

    #[test]
    fn arithmetic() {
        let at = timestamp("2024-02-28T23:00:00Z");
        assert_eq!(at + hours(2), timestamp("2024-02-29T01:00:00+00:00"));
        assert_eq!(at - days(28), timestamp("2024-01-31 23:00"));
        assert_eq!(timestamp("2024-03-01") - at, hours(25));
        assert_eq!(timestamp("2024-01-31T01:02:03Z").add_months(1), timestamp("2024-02-29T01:02:03Z"));
        assert_eq!(Timestamp::MAX.checked_add_months(1), None);
        assert_eq!(Timestamp::MIN.checked_add_months(0), Some(Timestamp::MIN));
        assert!(std::panic::catch_unwind(|| Timestamp::MAX + seconds(1)).is_err());
        assert!(std::panic::catch_unwind(|| Timestamp::MAX - Timestamp::MIN).is_err());
    }
}
