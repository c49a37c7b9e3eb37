//! The value types and functions of the job language that Rust's std does not have.
//!
//! One meaning in all worlds: a job compiled by rustc uses these types through `sabot`, the runtime's functions call
//! them for generated code, and the reference interpreter evaluates with them. So nothing here knows of columns, plans
//! or files; it is plain Rust without dependencies (but for the crate `regex`), without `unsafe`, and without anything that differs between machines.
//!
//! Where an operation cannot give a value (overflow, division by zero) it panics as std's integers do; generated code
//! asks the `checked_` form and makes a row error of it.
#![forbid(unsafe_code)]

mod calendar;
mod date;
mod decimal;
mod duration;
pub mod generate;
mod json;
pub mod math;
mod pattern;
mod percentile;
mod quantile;
mod regex;
pub mod text;
mod timestamp;
mod unit;

pub use ::regex::{Captures, Match};
pub use calendar::{date_of_days, days_of_date, days_of_month};
pub use date::{Date, date};
pub use decimal::{Decimal, ParseDecimalError, dec};
pub use duration::{Duration, days, hours, microseconds, milliseconds, minutes, seconds};
pub use json::{JsonPath, JsonPathError, json_get, json_get_bool, json_get_f64, json_get_i64};
pub use pattern::{PatternError, check_date_pattern, check_timestamp_pattern, step_micros};
pub use percentile::percentile;
pub use quantile::Quantiles;
pub use regex::{Regex, RegexError};
pub use timestamp::{Timestamp, timestamp};
pub use unit::Unit;

/// Text that is no date, time or duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimeError;

impl std::fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a date, time or duration as ISO 8601 writes it")
    }
}

impl std::error::Error for ParseTimeError {}
