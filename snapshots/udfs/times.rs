//! Dates, timestamps and durations.

#[sabot::udf]
fn parts(at: Timestamp) -> i64 {
    i64::from(at.year()) * 100_000_000 + i64::from(at.month() * 1_000_000 + at.day() * 10_000 + at.hour() * 100 + at.minute())
}

#[sabot::udf]
fn seconds_of_day(at: Timestamp) -> f64 {
    f64::from(at.second()) + f64::from(at.microsecond()) / 1e6
}

#[sabot::udf]
fn day_of(at: Timestamp) -> Date {
    at.date()
}

#[sabot::udf]
fn later(at: Timestamp) -> Timestamp {
    at + hours(1) - seconds(30)
}

#[sabot::udf]
fn between(at: Timestamp) -> Duration {
    at - timestamp("2024-01-01T00:00:00Z")
}

#[sabot::udf]
fn whole_hours(span: Duration) -> i64 {
    span.as_hours()
}

#[sabot::udf]
fn is_long(span: Duration) -> bool {
    span > minutes(5) && !span.is_negative()
}

#[sabot::udf]
fn start_of_month(at: Timestamp) -> Timestamp {
    at.trunc(Unit::Month)
}

#[sabot::udf]
fn bucket(at: Timestamp) -> Timestamp {
    at.floor_to(minutes(15))
}

#[sabot::udf]
fn weekday(day: Date) -> u32 {
    day.weekday()
}

#[sabot::udf]
fn week(day: Date) -> i64 {
    i64::from(day.iso_year()) * 100 + i64::from(day.iso_week())
}

#[sabot::udf]
fn in_a_month(day: Date) -> Date {
    day.add_months(1)
}

#[sabot::udf]
fn until_new_year(day: Date) -> i64 {
    (date("2025-01-01") - day).as_days()
}

#[sabot::udf]
fn quarter(day: Date) -> String {
    format!("{}-Q{}", day.year(), day.quarter())
}

#[sabot::udf]
fn written(at: Timestamp) -> String {
    at.format("%Y/%m/%d %H:%M:%S")
}

#[sabot::udf]
fn date_text(day: Date, at: Timestamp) -> String {
    format!("{day} {at}")
}

#[sabot::udf]
fn read(s: &str) -> Option<Date> {
    s.parse::<Date>().ok()
}

#[sabot::udf]
fn read_time(s: &str) -> Option<i64> {
    s.parse::<Timestamp>().ok().map(|time| time.as_millis())
}

#[sabot::udf]
fn is_leap(day: Date) -> bool {
    day.is_leap_year() && day < date("2100-01-01")
}
