//! `Date`: a day of the calendar.

use crate::calendar::{self, days_of_date};
use crate::duration::{Duration, or_overflow};
use crate::{ParseTimeError, Timestamp, Unit, pattern, text};
use std::fmt;
use std::ops::Sub;
use std::str::FromStr;

/// A day of the proleptic Gregorian calendar, as days since 1970-01-01.
///
/// ```
/// use sabot_library::{Date, date, days};
/// let day = date("2024-02-29");
/// assert_eq!((day.year(), day.month(), day.day(), day.weekday()), (2024, 2, 29, 4));
/// assert_eq!(day.add_months(12), date("2025-02-28"));
/// assert_eq!(day - date("2024-01-01"), days(59));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    days: i32,
}

/// A date that is known when the job is written: `date("2024-02-29")`.
///
/// # Panics
/// If the text is no date; sabotc says so when it compiles the job.
#[must_use]
pub const fn date(text: &str) -> Date {
    match Date::parse(text) {
        Some(date) => date,
        None => panic!("not a date like 2024-02-29"),
    }
}

impl Date {
    /// 1970-01-01.
    pub const EPOCH: Self = Self { days: 0 };
    /// The last day.
    pub const MAX: Self = Self { days: i32::MAX };
    /// The first day.
    pub const MIN: Self = Self { days: i32::MIN };

    /// The date of a year, month (from 1) and day (from 1); `None` if there is none.
    #[must_use]
    pub const fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let (year, month, day) = (year as i64, month as i64, day as i64);
        if day < 1 || day > calendar::days_of_month(year, month) {
            return None;
        }
        in_range(days_of_date(year, month, day))
    }

    /// So many days after 1970-01-01.
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        Self { days }
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn as_days(self) -> i32 {
        self.days
    }

    const fn ymd(self) -> (i64, i64, i64) {
        calendar::date_of_days(self.days as i64)
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.ymd().0 as i32
    }

    /// The quarter of the year, 1 to 4.
    #[must_use]
    pub const fn quarter(self) -> u32 {
        (self.ymd().1 as u32).div_ceil(3)
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u32 {
        self.ymd().1 as u32
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u32 {
        self.ymd().2 as u32
    }

    /// The day of the week: Monday is 1, Sunday 7.
    #[must_use]
    pub const fn weekday(self) -> u32 {
        calendar::weekday(self.days as i64) as u32
    }

    /// The day of the year, 1 to 366.
    #[must_use]
    pub const fn day_of_year(self) -> u32 {
        calendar::day_of_year(self.days as i64) as u32
    }

    /// The ISO 8601 week, 1 to 53: week 1 holds the first Thursday of [`Date::iso_year`].
    #[must_use]
    pub const fn iso_week(self) -> u32 {
        calendar::iso_week(self.days as i64).1 as u32
    }

    /// The year that the ISO week belongs to.
    #[must_use]
    pub const fn iso_year(self) -> i32 {
        calendar::iso_week(self.days as i64).0 as i32
    }

    /// Whether its year has 366 days.
    #[must_use]
    pub const fn is_leap_year(self) -> bool {
        calendar::is_leap(self.ymd().0)
    }

    /// So many days later; `None` if it does not fit.
    #[must_use]
    pub const fn checked_add_days(self, days: i64) -> Option<Self> {
        match (self.days as i64).checked_add(days) {
            Some(days) => in_range(days),
            None => None,
        }
    }

    /// So many days later.
    ///
    /// # Panics
    /// If it does not fit.
    #[must_use]
    pub fn add_days(self, days: i64) -> Self {
        self.checked_add_days(days).expect("attempt to add with overflow")
    }

    /// The same day so many months later, or the last of the month where it has no such day; `None` if it does not fit.
    #[must_use]
    pub const fn checked_add_months(self, months: i32) -> Option<Self> {
        in_range(calendar::add_months(self.days as i64, months as i64))
    }

    /// The same day so many months later, or the last of the month where it has no such day.
    ///
    /// # Panics
    /// If it does not fit.
    #[must_use]
    pub fn add_months(self, months: i32) -> Self {
        self.checked_add_months(months).expect("attempt to add with overflow")
    }

    /// The first day of the unit that it lies in; `None` if it does not fit. Units of the clock change nothing.
    #[must_use]
    pub const fn checked_trunc(self, unit: Unit) -> Option<Self> {
        in_range(trunc_days(self.days as i64, unit))
    }

    /// The first day of the unit that it lies in. Units of the clock change nothing.
    ///
    /// # Panics
    /// If it does not fit: within a year of [`Date::MIN`].
    #[must_use]
    pub fn trunc(self, unit: Unit) -> Self {
        self.checked_trunc(unit).expect("attempt to round with overflow")
    }

    /// Its first moment; `None` if it does not fit.
    #[must_use]
    pub const fn checked_at_midnight(self) -> Option<Timestamp> {
        match (self.days as i64).checked_mul(86_400_000_000) {
            Some(micros) => Some(Timestamp::from_micros(micros)),
            None => None,
        }
    }

    /// Its first moment, UTC.
    ///
    /// # Panics
    /// If it does not fit: more than 292 000 years from 1970.
    #[must_use]
    pub fn at_midnight(self) -> Timestamp {
        self.checked_at_midnight().expect("attempt to multiply with overflow")
    }

    /// Text after a pattern of strftime, `%Y-%m-%d`; see [`crate::check_date_pattern`].
    ///
    /// # Panics
    /// If the pattern is not one for dates; sabotc says so when it compiles the job.
    #[must_use]
    pub fn format(self, pattern: &str) -> String {
        let mut out = Vec::new();
        self.write_format(pattern, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends what [`Date::format`] gives.
    ///
    /// # Panics
    /// If the pattern is not one for dates.
    pub fn write_format(self, pattern: &str, out: &mut Vec<u8>) {
        pattern::write(pattern, &pattern::Moment::of_date(self), out);
    }

    /// Reads `2024-02-29`; `None` for anything else.
    #[must_use]
    pub const fn parse(text: &str) -> Option<Self> {
        match text::parse_date(text.as_bytes()) {
            Some(days) => in_range(days),
            None => None,
        }
    }
}

const fn in_range(days: i64) -> Option<Date> {
    if days < i32::MIN as i64 || days > i32::MAX as i64 { None } else { Some(Date { days: days as i32 }) }
}

/// The first of the days that share the unit with this one.
pub(crate) const fn trunc_days(days: i64, unit: Unit) -> i64 {
    let (year, month, day) = calendar::date_of_days(days);
    match unit {
        Unit::Year => days_of_date(year, 1, 1),
        Unit::Quarter => days_of_date(year, (month - 1) / 3 * 3 + 1, 1),
        Unit::Month => days - day + 1,
        Unit::Week => days - calendar::weekday(days) + 1,
        Unit::Day | Unit::Hour | Unit::Minute | Unit::Second | Unit::Millisecond => days,
    }
}

impl Sub for Date {
    type Output = Duration;

    fn sub(self, other: Self) -> Duration {
        let days = i64::from(self.days) - i64::from(other.days);
        Duration::from_micros(or_overflow(days.checked_mul(86_400_000_000), "attempt to multiply with overflow"))
    }
}

impl FromStr for Date {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        Self::parse(text).ok_or(ParseTimeError)
    }
}

impl fmt::Display for Date {
    /// `2024-02-29`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        text::write_date(&mut out, i64::from(self.days));
        f.pad(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let day = date("2024-12-30");
        assert_eq!((day.year(), day.quarter(), day.month(), day.day()), (2024, 4, 12, 30));
        assert_eq!((day.weekday(), day.day_of_year(), day.iso_year(), day.iso_week()), (1, 365, 2025, 1));
        assert!(day.is_leap_year());
        for edge in [Date::MIN, Date::MAX] {
            let (year, month, day) = (edge.year(), edge.month(), edge.day());
            assert_eq!(Date::from_ymd(year, month, day), Some(edge));
            assert_eq!(edge.to_string().parse(), Ok(edge));
        }
        assert_eq!(Date::from_ymd(2023, 2, 29), None);
        assert_eq!(Date::from_ymd(2023, 0, 1), None);
        assert_eq!(Date::from_ymd(2023, 1, 0), None);
        assert_eq!(Date::from_ymd(i32::MAX, 1, 1), None);
        assert_eq!(Date::from_ymd(2023, u32::MAX, u32::MAX), None);
    }

    #[test]
    fn cuts() {
        let day = date("2024-05-16");
        for (unit, cut) in [
            (Unit::Year, "2024-01-01"),
            (Unit::Quarter, "2024-04-01"),
            (Unit::Month, "2024-05-01"),
            (Unit::Week, "2024-05-13"),
            (Unit::Hour, "2024-05-16"),
        ] {
            assert_eq!(day.trunc(unit), date(cut), "{unit:?}");
        }
        assert_eq!(Date::MIN.checked_trunc(Unit::Year), None);
        assert_eq!(Date::MAX.checked_add_months(1), None);
        assert_eq!(Date::MAX.checked_add_days(1), None);
        assert_eq!(Date::MAX.checked_at_midnight(), None);
        assert_eq!(date("1969-12-31").at_midnight().as_seconds(), -86_400);
    }
}
