//! Days since 1970-01-01 and the proleptic Gregorian calendar.

/// Days since 1970-01-01 of a date; nothing is checked.
#[must_use]
pub const fn days_of_date(year: i64, month: i64, day: i64) -> i64 {
    // Counting from March makes February's length the last thing to know; 400 years always have 146 097 days.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
#[must_use]
pub const fn date_of_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + (month <= 2) as i64, month, day)
}

/// How many days a month has; 0 if there is no such month.
#[must_use]
pub const fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + is_leap(year) as i64,
        _ => 0,
    }
}

pub(crate) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Monday is 1, Sunday 7.
pub(crate) const fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

pub(crate) const fn day_of_year(days: i64) -> i64 {
    let (year, ..) = date_of_days(days);
    days - days_of_date(year, 1, 1) + 1
}

/// ISO 8601: week 1 holds the year's first Thursday, weeks begin on Monday. The year that the week belongs to, the week.
pub(crate) const fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - weekday(days) + 4;
    let (year, ..) = date_of_days(thursday);
    (year, (thursday - days_of_date(year, 1, 1)) / 7 + 1)
}

/// The same day so many months later; the last of the month where it has no such day.
pub(crate) const fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = date_of_days(days);
    let months = year * 12 + month - 1 + months;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    let last = days_of_month(year, month);
    days_of_date(year, month, if day < last { day } else { last })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the calendar day by day over 800 years, with no formula but the lengths of the months.
    #[test]
    fn agrees_with_counting() {
        let (mut year, mut month, mut day, mut of_year, mut weekday_now) = (1600, 1, 1, 1, 6);
        let mut days = days_of_date(year, month, day);
        while year < 2400 {
            assert_eq!(date_of_days(days), (year, month, day));
            assert_eq!(days_of_date(year, month, day), days);
            assert_eq!((day_of_year(days), weekday(days)), (of_year, weekday_now));
            days += 1;
            weekday_now = weekday_now % 7 + 1;
            of_year += 1;
            day += 1;
            if day > days_of_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month, of_year) = (year + 1, 1, 1);
            }
        }
        assert_eq!(days_of_date(1970, 1, 1), 0);
    }

    #[test]
    fn iso_weeks() {
        for (y, m, d, week) in [
            (2005, 1, 1, (2004, 53)),
            (2005, 1, 2, (2004, 53)),
            (2005, 12, 31, (2005, 52)),
            (2007, 1, 1, (2007, 1)),
            (2008, 12, 29, (2009, 1)),
            (2010, 1, 3, (2009, 53)),
            (2020, 12, 31, (2020, 53)),
        ] {
            assert_eq!(iso_week(days_of_date(y, m, d)), week, "{y}-{m}-{d}");
        }
    }

    #[test]
    fn months_end_where_they_end() {
        let at = |y, m, d| days_of_date(y, m, d);
        assert_eq!(add_months(at(2024, 1, 31), 1), at(2024, 2, 29));
        assert_eq!(add_months(at(2023, 1, 31), 1), at(2023, 2, 28));
        assert_eq!(add_months(at(2024, 3, 31), -1), at(2024, 2, 29));
        assert_eq!(add_months(at(2024, 11, 30), 15), at(2026, 2, 28));
        assert_eq!(add_months(at(2024, 1, 1), -1), at(2023, 12, 1));
    }
}
