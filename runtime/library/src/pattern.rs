//! The patterns of `format`: the part of strftime that means the same everywhere.
//!
//! | item | gives | item | gives |
//! |---|---|---|---|
//! | `%Y` | year, at least 4 digits | `%H` `%k` | hour 00 to 23, with a blank |
//! | `%y` | its last two digits | `%I` `%l` | hour 01 to 12, with a blank |
//! | `%m` | month 01 to 12 | `%p` `%P` | AM or PM, am or pm |
//! | `%d` `%e` | day 01 to 31, with a blank | `%M` `%S` | minute, second 00 to 59 |
//! | `%B` `%b` | January, Jan | `%f` | nanosecond, 9 digits |
//! | `%A` `%a` | Monday, Mon | `%3f` `%6f` `%9f` | 3, 6, 9 digits of the second's fraction |
//! | `%j` | day of the year 001 to 366 | `%.3f` `%.6f` `%.9f` | the same after a point |
//! | `%u` `%w` | weekday 1 to 7 (Monday is 1), 0 to 6 (Sunday is 0) | `%.f` | a point and 0, 3 or 6 digits as needed |
//! | `%G` `%V` | ISO year and week | `%T` `%R` | `%H:%M:%S`, `%H:%M` |
//! | `%q` | quarter 1 to 4 | `%s` | seconds since 1970 |
//! | `%F` `%D` | `%Y-%m-%d`, `%m/%d/%y` | `%z` `%:z` `%Z` | +0000, +00:00, UTC |
//! | `%%` `%n` `%t` | percent sign, line feed, tab | `%-d` … | a `-` takes a number's padding away |
//!
//! Items of the clock are not for dates.

use crate::text::write_digits;
use crate::{Date, Timestamp};
use std::fmt;

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Where the item starts, in bytes.
    pub at: usize,
    /// The item, `%Q`.
    pub item: String,
    /// Whether the item is known, but only for timestamps.
    pub needs_a_time: bool,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needs_a_time {
            write!(f, "`{}` needs a time of day, and a Date has none", self.item)
        } else {
            write!(f, "`{}` is not an item of a format", self.item)
        }
    }
}

impl std::error::Error for PatternError {}

/// Whether a pattern is one for dates.
///
/// # Errors
/// The first item that is not.
pub fn check_date_pattern(pattern: &str) -> Result<(), PatternError> {
    run(pattern, &Moment { micros: None, date: Date::EPOCH }, &mut Vec::new())
}

/// Whether a pattern is one for timestamps.
///
/// # Errors
/// The first item that is not.
pub fn check_timestamp_pattern(pattern: &str) -> Result<(), PatternError> {
    run(pattern, &Moment::of_timestamp(Timestamp::EPOCH), &mut Vec::new())
}

/// What is written.
pub(crate) struct Moment {
    date: Date,
    /// Since the epoch; none of a date.
    micros: Option<i64>,
}

impl Moment {
    pub(crate) fn of_date(date: Date) -> Self {
        Self { date, micros: None }
    }

    pub(crate) fn of_timestamp(at: Timestamp) -> Self {
        Self { date: at.date(), micros: Some(at.as_micros()) }
    }
}

/// Appends a moment after a pattern that was checked.
pub(crate) fn write(pattern: &str, moment: &Moment, out: &mut Vec<u8>) {
    if let Err(error) = run(pattern, moment, out) {
        panic!("{error}");
    }
}

/// The longest time, in microseconds, of which a multiple parts moments that may be written differently: a pattern without
/// items of the clock writes one day like another moment of it.
#[must_use]
pub fn step_micros(pattern: &str) -> i64 {
    let mut step = 86_400_000_000;
    let mut at = 0;
    while let Some(next) = pattern[at..].find('%') {
        at += next;
        let width = item_width(&pattern[at..]);
        step = step.min(match pattern.as_bytes()[at + width - 1] {
            b'f' => 1,
            b'S' | b'T' | b's' => 1_000_000,
            b'M' | b'R' => 60_000_000,
            b'H' | b'k' | b'I' | b'l' | b'p' | b'P' => 3_600_000_000,
            _ => step,
        });
        at += width;
    }
    step
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn run(pattern: &str, moment: &Moment, out: &mut Vec<u8>) -> Result<(), PatternError> {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let width = item_width(&pattern[at..]);
        let item = &pattern[at..at + width];
        write_item(item, moment, out).map_err(|problem| PatternError {
            at,
            item: item.to_owned(),
            needs_a_time: problem == Problem::NeedsATime,
        })?;
        at += width;
    }
    Ok(())
}

/// How long the item is that the text starts with: `%`, then `-`, `:` or a width, then one character.
fn item_width(text: &str) -> usize {
    let modifiers = text[1..].bytes().take_while(|byte| matches!(byte, b'-' | b':' | b'.' | b'0'..=b'9')).count();
    let letter = text[1 + modifiers..].chars().next().map_or(0, char::len_utf8);
    1 + modifiers + letter
}

#[derive(PartialEq, Eq)]
enum Problem {
    Unknown,
    NeedsATime,
}

fn write_item(item: &str, moment: &Moment, out: &mut Vec<u8>) -> Result<(), Problem> {
    let date = moment.date;
    let time = moment.micros.map(Timestamp::from_micros).ok_or(Problem::NeedsATime);
    let (name, padded) = match item.strip_prefix("%-") {
        Some(name) => (name, false),
        None => (&item[1..], true),
    };
    let mut number = |value: u32, width: usize| {
        write_digits(out, u128::from(value), if padded { width } else { 1 });
        Ok(())
    };
    match name {
        "m" => return number(date.month(), 2),
        "d" => return number(date.day(), 2),
        "j" => return number(date.day_of_year(), 3),
        "V" => return number(date.iso_week(), 2),
        "y" => return number(date.year().rem_euclid(100) as u32, 2),
        "u" => return number(date.weekday(), 1),
        "w" => return number(date.weekday() % 7, 1),
        "q" => return number(date.quarter(), 1),
        "H" => return number(time?.hour(), 2),
        "I" => return number(twelve(time?.hour()), 2),
        "M" => return number(time?.minute(), 2),
        "S" => return number(time?.second(), 2),
        _ if !padded => return Err(Problem::Unknown),
        _ => {}
    }
    match name {
        "Y" => write_year(out, date.year()),
        "G" => write_year(out, date.iso_year()),
        "e" => blank_padded(out, date.day()),
        "k" => blank_padded(out, time?.hour()),
        "l" => blank_padded(out, twelve(time?.hour())),
        "B" => out.extend_from_slice(MONTHS[date.month() as usize - 1].as_bytes()),
        "b" | "h" => out.extend_from_slice(&MONTHS[date.month() as usize - 1].as_bytes()[..3]),
        "A" => out.extend_from_slice(WEEKDAYS[date.weekday() as usize - 1].as_bytes()),
        "a" => out.extend_from_slice(&WEEKDAYS[date.weekday() as usize - 1].as_bytes()[..3]),
        "p" => out.extend_from_slice(if time?.hour() < 12 { b"AM" } else { b"PM" }),
        "P" => out.extend_from_slice(if time?.hour() < 12 { b"am" } else { b"pm" }),
        "F" => write_items(&["%Y", "-", "%m", "-", "%d"], moment, out)?,
        "D" => write_items(&["%m", "/", "%d", "/", "%y"], moment, out)?,
        "T" => write_items(&["%H", ":", "%M", ":", "%S"], moment, out)?,
        "R" => write_items(&["%H", ":", "%M"], moment, out)?,
        "f" => write_digits(out, u128::from(time?.microsecond()) * 1_000, 9),
        "3f" => write_digits(out, u128::from(time?.millisecond()), 3),
        "6f" => write_digits(out, u128::from(time?.microsecond()), 6),
        "9f" => write_digits(out, u128::from(time?.microsecond()) * 1_000, 9),
        ".f" => match time?.microsecond() {
            0 => {}
            micros if micros.is_multiple_of(1_000) => write_items(&[".", "%3f"], moment, out)?,
            _ => write_items(&[".", "%6f"], moment, out)?,
        },
        ".3f" => write_items(&[".", "%3f"], moment, out)?,
        ".6f" => write_items(&[".", "%6f"], moment, out)?,
        ".9f" => write_items(&[".", "%9f"], moment, out)?,
        "s" => {
            let seconds = time?.as_seconds();
            if seconds < 0 {
                out.push(b'-');
            }
            write_digits(out, u128::from(seconds.unsigned_abs()), 1);
        }
        "z" => time.map(|_| out.extend_from_slice(b"+0000"))?,
        ":z" => time.map(|_| out.extend_from_slice(b"+00:00"))?,
        "Z" => time.map(|_| out.extend_from_slice(b"UTC"))?,
        "%" => out.push(b'%'),
        "n" => out.push(b'\n'),
        "t" => out.push(b'\t'),
        _ => return Err(Problem::Unknown),
    }
    Ok(())
}

fn write_items(items: &[&str], moment: &Moment, out: &mut Vec<u8>) -> Result<(), Problem> {
    for item in items {
        if item.starts_with('%') {
            write_item(item, moment, out)?;
        } else {
            out.extend_from_slice(item.as_bytes());
        }
    }
    Ok(())
}

/// The hour on a clock face.
fn twelve(hour: u32) -> u32 {
    (hour + 11) % 12 + 1
}

fn blank_padded(out: &mut Vec<u8>, value: u32) {
    if value < 10 {
        out.push(b' ');
    }
    write_digits(out, u128::from(value), 1);
}

/// Years outside 0000..9999 carry a sign, as ISO 8601 asks.
fn write_year(out: &mut Vec<u8>, year: i32) {
    match year {
        0..=9999 => {}
        10_000.. => out.push(b'+'),
        _ => out.push(b'-'),
    }
    write_digits(out, u128::from(year.unsigned_abs()), 4);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{date, timestamp};

    #[test]
    fn every_item() {
        let at = timestamp("2024-03-05T04:05:06.007008Z");
        for (pattern, text) in [
            ("%Y-%m-%d %H:%M:%S%.3f", "2024-03-05 04:05:06.007"),
            ("%y|%-m|%-d|%e|%-H|%k", "24|3|5| 5|4| 4"),
            ("%B %b %h %A %a", "March Mar Mar Tuesday Tue"),
            ("%j %-j %u %w %G-W%V %q", "065 65 2 2 2024-W10 1"),
            ("%I %l %p %P", "04  4 AM am"),
            ("%f %3f %6f %9f %.f %.6f %.9f", "007008000 007 007008 007008000 .007008 .007008 .007008000"),
            ("%F %T %R %D", "2024-03-05 04:05:06 04:05 03/05/24"),
            ("%s %z %:z %Z", "1709611506 +0000 +00:00 UTC"),
            ("100%%%n%tä", "100%\n\tä"),
        ] {
            assert_eq!(at.format(pattern), text, "{pattern}");
            assert_eq!(check_timestamp_pattern(pattern), Ok(()));
        }
        assert_eq!(timestamp("2024-03-05T12:00:00Z").format("%I%p%.f"), "12PM");
        assert_eq!(timestamp("2024-03-05T00:30:00Z").format("%I%p"), "12AM");
        assert_eq!(timestamp("1969-12-31T23:59:59.5Z").format("%s%.f"), "-1.500");
        assert_eq!(date("-0044-03-15").format("%Y %y"), "-0044 56");
        assert_eq!(Date::MAX.format("%Y"), "+5881580");
    }

    #[test]
    fn moments_of_one_step_are_written_alike() {
        let items = [
            "%Y",
            "%y",
            "%m",
            "%d",
            "%e",
            "%B",
            "%b",
            "%A",
            "%a",
            "%j",
            "%u",
            "%w",
            "%G",
            "%V",
            "%q",
            "%F",
            "%D",
            "%H",
            "%k",
            "%I",
            "%l",
            "%p",
            "%P",
            "%M",
            "%S",
            "%f",
            "%3f",
            "%6f",
            "%9f",
            "%.3f",
            "%.6f",
            "%.9f",
            "%.f",
            "%T",
            "%R",
            "%s",
            "%z",
            "%:z",
            "%Z",
            "%%",
            "%n",
            "%t",
            "%-d",
            "%-H",
            "%-M",
            "%-S",
            "%b %d, %H",
            "M%dS",
        ];
        for pattern in items {
            let step = step_micros(pattern);
            for at in [timestamp("2024-03-05T04:05:06.007008Z"), timestamp("1969-12-31T23:59:59.5Z")] {
                let first = at.as_micros().div_euclid(step) * step;
                for other in [first, first + step / 2, first + step - 1] {
                    assert_eq!(Timestamp::from_micros(other).format(pattern), at.format(pattern), "{pattern}");
                }
            }
        }
        assert_eq!(step_micros("%Y-%m-%d"), 86_400_000_000);
        assert_eq!(step_micros("%H:%M"), 60_000_000);
    }

    #[test]
    fn wrong_items_are_named() {
        for (pattern, at, item) in
            [("%Q", 0, "%Q"), ("a%", 1, "%"), ("%-", 0, "%-"), ("%d%5f", 2, "%5f"), ("%ä", 0, "%ä"), ("%-Y", 0, "%-Y")]
        {
            let error = check_timestamp_pattern(pattern).unwrap_err();
            assert_eq!((error.at, error.item.as_str(), error.needs_a_time), (at, item, false), "{pattern}");
        }
        let error = check_date_pattern("%Y %H").unwrap_err();
        assert_eq!((error.at, error.needs_a_time), (3, true));
        assert_eq!(check_date_pattern("%A, %d %B %Y"), Ok(()));
    }
}
