//! Functions of decimals, dates and times, and of JSON: what `sabot-library` gives.
//!
//! A decimal is two words, the low one first; dates, times and numbers are extended to a word. Status and result are
//! those of [`super::text`].

use super::{bytes, text};
use crate::primitive::value_arena::TooLarge;
use sabot_abi::format::{self, FormatSpec};
use sabot_abi::function::{STATUS_NONE, STATUS_OK};
use sabot_abi::kernel::{Context, RowErrorCode};
use sabot_library::{Date, Decimal, Duration, Timestamp, Unit, json_get, json_get_bool, json_get_f64, json_get_i64};
use std::cell::RefCell;

/// The number whose words these are.
fn wide(low: i64, high: i64) -> i128 {
    i128::from(high) << 64 | i128::from(low as u64)
}

/// The decimal whose words these are. Sources check what they read, and all arithmetic is checked, so it has 38 digits.
fn decimal(low: i64, high: i64) -> Decimal {
    Decimal::from_unscaled(wide(low, high)).unwrap_or(Decimal::ZERO)
}

fn date(days: i64) -> Date {
    Date::from_days(days as i32)
}

/// What a function gives: the words that go into `Context::result`.
trait Words {
    fn words(self) -> [u64; 2];
}

impl Words for Decimal {
    fn words(self) -> [u64; 2] {
        [self.unscaled() as u64, (self.unscaled() >> 64) as u64]
    }
}

impl Words for Date {
    fn words(self) -> [u64; 2] {
        [i64::from(self.as_days()) as u64, 0]
    }
}

impl Words for Timestamp {
    fn words(self) -> [u64; 2] {
        [self.as_micros() as u64, 0]
    }
}

impl Words for Duration {
    fn words(self) -> [u64; 2] {
        [self.as_micros() as u64, 0]
    }
}

impl Words for i64 {
    fn words(self) -> [u64; 2] {
        [self as u64, 0]
    }
}

impl Words for f64 {
    fn words(self) -> [u64; 2] {
        [self.to_bits(), 0]
    }
}

impl Words for bool {
    fn words(self) -> [u64; 2] {
        [u64::from(self), 0]
    }
}

/// A value.
fn give(context: &mut Context, value: impl Words) -> i64 {
    context.result[..2].copy_from_slice(&value.words());
    STATUS_OK
}

/// An `Option`.
fn maybe(context: &mut Context, value: Option<impl Words>) -> i64 {
    match value {
        Some(value) => give(context, value),
        None => STATUS_NONE,
    }
}

/// A value, or a row that cannot be computed.
fn or_fail(context: &mut Context, value: Option<impl Words>, code: RowErrorCode) -> i64 {
    match value {
        Some(value) => give(context, value),
        None => code as i64,
    }
}

/// A text that was written.
fn give_text(context: &mut Context, written: &[u8]) -> i64 {
    text::give_made(context, |out| out.push(written))
}

macro_rules! decimals {
    ($($name:ident ($a:ident $(, $b:ident)? $(; $word:ident)*) $give:ident $value:expr $(, $code:ident)?;)*) => {
        $(
            pub(super) extern "C" fn $name(
                cx: &mut Context,
                low: i64,
                high: i64
                $(, $b: i64, other_high: i64)?
                $(, $word: i64)*
            ) -> i64 {
                let $a = decimal(low, high);
                $(let $b = decimal($b, other_high);)?
                $give(cx, $value $(, RowErrorCode::$code)?)
            }
        )*
    };
}

decimals! {
    decimal_mul(a, b) maybe a.checked_mul(b);
    decimal_div(a, b) maybe a.checked_div(b);
    decimal_rem(a, b) maybe a.checked_rem(b);
    decimal_to_f64(a) give a.to_f64();
    decimal_to_i64(a) maybe a.to_i64();
    decimal_round(a; digits) or_fail a.checked_round(digits as u32), RoundOverflow;
    decimal_trunc(a) give a.trunc();
    decimal_fract(a) give a.fract();
    decimal_floor(a) or_fail a.checked_floor(), RoundOverflow;
    decimal_ceil(a) or_fail a.checked_ceil(), RoundOverflow;
}

pub(super) extern "C" fn decimal_new(cx: &mut Context, number: i64, scale: i64) -> i64 {
    or_fail(cx, Decimal::checked_new(number, scale as u32), RowErrorCode::DecimalScale)
}

pub(super) extern "C" fn decimal_from_f64(cx: &mut Context, x: f64) -> i64 {
    maybe(cx, Decimal::from_f64(x))
}

pub(super) extern "C" fn decimal_text(cx: &mut Context, low: i64, high: i64) -> i64 {
    let mut out = Vec::with_capacity(48);
    decimal(low, high).write(&mut out);
    give_text(cx, &out)
}

pub(super) extern "C" fn decimal_formatted(cx: &mut Context, low: i64, high: i64, spec: *const u8, len: i64) -> i64 {
    let spec = FormatSpec::parse(text(&spec, len)).unwrap_or_default();
    text::give_made(cx, |out| format::write_number(out, decimal(low, high), spec).map_err(|_| TooLarge))
}

pub(super) extern "C" fn decimal_parse(cx: &mut Context, data: *const u8, len: i64) -> i64 {
    maybe(cx, Decimal::parse_bytes(bytes(&data, len)))
}

macro_rules! dates {
    ($($name:ident ($day:ident $(, $word:ident)*) $give:ident $value:expr $(, $code:ident)?;)*) => {
        $(
            pub(super) extern "C" fn $name(cx: &mut Context, $day: i64 $(, $word: i64)*) -> i64 {
                let $day = date($day);
                $give(cx, $value $(, RowErrorCode::$code)?)
            }
        )*
    };
}

dates! {
    date_day_of_year(day) give i64::from(day.day_of_year());
    date_iso_week(day) give i64::from(day.iso_week());
    date_iso_year(day) give i64::from(day.iso_year());
    date_is_leap_year(day) give day.is_leap_year();
    date_add_days(day, days) or_fail day.checked_add_days(days), AddOverflow;
    date_add_months(day, months) or_fail day.checked_add_months(months as i32), AddOverflow;
    date_trunc(day, unit) or_fail day.checked_trunc(unit_of(unit)), RoundOverflow;
}

/// The unit with this number, which the checker wrote.
fn unit_of(index: i64) -> Unit {
    Unit::from_index(index as usize).unwrap_or(Unit::Day)
}

pub(super) extern "C" fn date_from_ymd(cx: &mut Context, year: i64, month: i64, day: i64) -> i64 {
    maybe(cx, Date::from_ymd(year as i32, month as u32, day as u32))
}

pub(super) extern "C" fn date_format(cx: &mut Context, day: i64, pattern: *const u8, len: i64) -> i64 {
    let mut out = Vec::with_capacity(32);
    date(day).write_format(text(&pattern, len), &mut out);
    give_text(cx, &out)
}

pub(super) extern "C" fn date_text(cx: &mut Context, day: i64) -> i64 {
    let mut out = Vec::with_capacity(16);
    sabot_library::text::write_date(&mut out, day);
    give_text(cx, &out)
}

pub(super) extern "C" fn date_parse(cx: &mut Context, data: *const u8, len: i64) -> i64 {
    maybe(cx, Date::parse(text(&data, len)))
}

pub(super) extern "C" fn time_add_months(cx: &mut Context, micros: i64, months: i64) -> i64 {
    or_fail(cx, Timestamp::from_micros(micros).checked_add_months(months as i32), RowErrorCode::AddOverflow)
}

pub(super) extern "C" fn time_trunc(cx: &mut Context, micros: i64, unit: i64) -> i64 {
    or_fail(cx, Timestamp::from_micros(micros).checked_trunc(unit_of(unit)), RowErrorCode::RoundOverflow)
}

pub(super) extern "C" fn time_floor_to(cx: &mut Context, micros: i64, step: i64) -> i64 {
    if step <= 0 {
        return RowErrorCode::StepNotPositive as i64;
    }
    let step = Duration::from_micros(step);
    or_fail(cx, Timestamp::from_micros(micros).checked_floor_to(step), RowErrorCode::RoundOverflow)
}

pub(super) extern "C" fn time_format(cx: &mut Context, micros: i64, pattern: *const u8, len: i64) -> i64 {
    WRITTEN.with_borrow_mut(|written| give_text(cx, written.get(micros, text(&pattern, len))))
}

/// Patterns whose last texts a thread remembers.
const PATTERNS: usize = 4;

thread_local! {
    static WRITTEN: RefCell<Written> = RefCell::default();
}

/// What was written last after each of some patterns: rows that follow each other are mostly of the same day or minute.
#[derive(Default)]
struct Written {
    last: Vec<LastText>,
    /// The one that is forgotten next.
    oldest: usize,
}

struct LastText {
    pattern: String,
    step_micros: i64,
    /// The moment in steps.
    step: i64,
    text: Vec<u8>,
}

impl Written {
    fn get(&mut self, micros: i64, pattern: &str) -> &[u8] {
        let known = self.last.iter().position(|last| last.pattern == pattern);
        let at = known.unwrap_or_else(|| {
            let step_micros = sabot_library::step_micros(pattern);
            let last = LastText { pattern: pattern.to_owned(), step_micros, step: 0, text: Vec::new() };
            if self.last.len() < PATTERNS {
                self.last.push(last);
                return self.last.len() - 1;
            }
            self.oldest = (self.oldest + 1) % PATTERNS;
            self.last[self.oldest] = last;
            self.oldest
        });
        let last = &mut self.last[at];
        let step = micros.div_euclid(last.step_micros);
        if known.is_none() || step != last.step {
            last.text.clear();
            Timestamp::from_micros(micros).write_format(pattern, &mut last.text);
            last.step = step;
        }
        &last.text
    }
}

pub(super) extern "C" fn time_text(cx: &mut Context, micros: i64) -> i64 {
    let mut out = Vec::with_capacity(32);
    sabot_library::text::write_timestamp(&mut out, micros, 1_000_000);
    give_text(cx, &out)
}

pub(super) extern "C" fn time_parse(cx: &mut Context, data: *const u8, len: i64) -> i64 {
    maybe(cx, Timestamp::parse(text(&data, len)))
}

pub(super) extern "C" fn duration_text(cx: &mut Context, micros: i64) -> i64 {
    let mut out = Vec::with_capacity(32);
    sabot_library::text::write_duration(&mut out, micros);
    give_text(cx, &out)
}

pub(super) extern "C" fn duration_parse(cx: &mut Context, data: *const u8, len: i64) -> i64 {
    maybe(cx, Duration::parse(text(&data, len)))
}

pub(super) extern "C" fn get_json(cx: &mut Context, data: *const u8, len: i64, path: *const u8, path_len: i64) -> i64 {
    match json_get(text(&data, len), text(&path, path_len)) {
        Some(found) => give_text(cx, found.as_bytes()),
        None => text::none(cx),
    }
}

macro_rules! json {
    ($($name:ident $function:ident;)*) => {
        $(
            pub(super) extern "C" fn $name(
                cx: &mut Context,
                data: *const u8,
                len: i64,
                path: *const u8,
                path_len: i64,
            ) -> i64 {
                maybe(cx, $function(text(&data, len), text(&path, path_len)))
            }
        )*
    };
}

json! {
    get_json_i64 json_get_i64;
    get_json_f64 json_get_f64;
    get_json_bool json_get_bool;
}
