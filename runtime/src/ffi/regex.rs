//! Regular expressions: what `sabot_library::Regex` gives, each pattern compiled once for every worker that uses it.

use super::text;
use super::text::{give_bytes, give_made, give_part};
use sabot_abi::kernel::Context;
use sabot_library::Regex;
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// Patterns of this process, compiled.
static COMPILED: Mutex<Vec<Regex>> = Mutex::new(Vec::new());

thread_local! {
    /// This worker's own, whose scratch no other worker waits for; the one used last is the first.
    static OWN: RefCell<Vec<Regex>> = const { RefCell::new(Vec::new()) };
}

/// Calls with a pattern; nothing if it is none, which the compiler has seen to.
fn with<T>(pattern: &str, call: impl FnOnce(&Regex) -> T) -> Option<T> {
    OWN.with_borrow_mut(|own| {
        let known = own.iter().position(|regex| regex.as_str() == pattern);
        match known {
            Some(at) => own.swap(0, at),
            None => {
                own.push(shared(pattern)?);
                let last = own.len() - 1;
                own.swap(0, last);
            }
        }
        own.first().map(call)
    })
}

/// From another worker, or compiled now.
fn shared(pattern: &str) -> Option<Regex> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.iter().find(|regex| regex.as_str() == pattern) {
        return Some(known.clone());
    }
    let regex = Regex::new(pattern).ok()?;
    compiled.push(regex.clone());
    Some(regex)
}

pub(super) extern "C" fn regex_is_match(s: *const u8, s_len: i64, p: *const u8, p_len: i64) -> bool {
    with(text(&p, p_len), |regex| regex.is_match(text(&s, s_len))).unwrap_or(false)
}

pub(super) extern "C" fn regex_count(s: *const u8, s_len: i64, p: *const u8, p_len: i64) -> i64 {
    with(text(&p, p_len), |regex| regex.count(text(&s, s_len))).unwrap_or(0) as i64
}

pub(super) extern "C" fn regex_find(cx: &mut Context, s: *const u8, s_len: i64, p: *const u8, p_len: i64) -> i64 {
    let s = text(&s, s_len);
    give_part(cx, with(text(&p, p_len), |regex| regex.find(s).map(|found| found.as_str())).flatten())
}

pub(super) extern "C" fn regex_capture(
    cx: &mut Context,
    s: *const u8,
    s_len: i64,
    p: *const u8,
    p_len: i64,
    group: i64,
) -> i64 {
    let s = text(&s, s_len);
    let group = group as u64 as usize;
    give_part(cx, with(text(&p, p_len), |regex| regex.capture(s, group)).flatten())
}

pub(super) extern "C" fn regex_replace_all(
    cx: &mut Context,
    s: *const u8,
    s_len: i64,
    p: *const u8,
    p_len: i64,
    to: *const u8,
    to_len: i64,
) -> i64 {
    let s = text(&s, s_len);
    match with(text(&p, p_len), |regex| regex.replace_all(s, text(&to, to_len)).into_owned()) {
        Some(replaced) => give_made(cx, |out| out.push(replaced.as_bytes())),
        None => give_bytes(cx, s.as_bytes()),
    }
}

pub(super) extern "C" fn regex_replacen(
    cx: &mut Context,
    s: *const u8,
    s_len: i64,
    p: *const u8,
    p_len: i64,
    to: *const u8,
    to_len: i64,
    most: i64,
) -> i64 {
    let s = text(&s, s_len);
    let most = most as u64 as usize;
    match with(text(&p, p_len), |regex| regex.replacen(s, most, text(&to, to_len)).into_owned()) {
        Some(replaced) => give_made(cx, |out| out.push(replaced.as_bytes())),
        None => give_bytes(cx, s.as_bytes()),
    }
}

pub(super) extern "C" fn regex_places(
    cx: &mut Context,
    s: *const u8,
    s_len: i64,
    p: *const u8,
    p_len: i64,
    all: bool,
) -> i64 {
    let places = with(text(&p, p_len), |regex| regex.places(text(&s, s_len), all)).unwrap_or_default();
    super::list::give_numbers(cx, &places)
}
