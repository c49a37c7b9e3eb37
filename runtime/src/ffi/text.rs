//! Functions of strings, characters and bytes: what std's give. A string that a function makes lies in the worker's
//! [`ValueArena`](super::ValueArena); a part of a string lies where the string does.
//!
//! Their status says whether there is a value, and `Context::result` which.

use super::count::count_of;
use super::split::split_nth;
use super::{bytes, text};
use crate::primitive::value_arena::{self, Maker, TooLarge};
use sabot_abi::format::{self, FormatSpec};
use sabot_abi::function::{STATUS_NONE, STATUS_OK};
use sabot_abi::kernel::{Context, OutputColumn, RowErrorCode, StrRef};

type Status = i64;

fn give_word(cx: &mut Context, word: u64) -> Status {
    cx.result[0] = word;
    STATUS_OK
}

fn give_ref(cx: &mut Context, value: StrRef) -> Status {
    cx.result[..2].copy_from_slice(&[value.data as u64, value.len]);
    STATUS_OK
}

/// A part of a string that lives as long as the chunk.
pub(super) fn give_bytes(cx: &mut Context, value: &[u8]) -> Status {
    give_ref(cx, StrRef { data: value.as_ptr(), len: value.len() as u64 })
}

pub(super) fn none(cx: &mut Context) -> Status {
    // Nobody should look at it, and nobody who does can be hurt.
    give_bytes(cx, &[]);
    STATUS_NONE
}

pub(super) fn give_part(cx: &mut Context, part: Option<&str>) -> Status {
    match part {
        Some(part) => give_bytes(cx, part.as_bytes()),
        None => none(cx),
    }
}

fn give_option(cx: &mut Context, word: Option<u64>) -> Status {
    match word {
        Some(word) => give_word(cx, word),
        None => none(cx),
    }
}

fn give_char(cx: &mut Context, c: Option<char>) -> Status {
    give_option(cx, c.map(|c| u64::from(u32::from(c))))
}

fn fail(code: RowErrorCode) -> Status {
    code as Status
}

/// What `make` writes, as a new string.
pub(super) fn give_made(cx: &mut Context, make: impl FnOnce(&mut Maker<'_>) -> Result<(), TooLarge>) -> Status {
    let mut maker = value_arena::maker(cx);
    match make(&mut maker) {
        Ok(()) => {
            let value = maker.value();
            give_ref(cx, value)
        }
        Err(TooLarge) => fail(RowErrorCode::TooLarge),
    }
}

/// A string and behind it what `write` writes.
fn give_appended(
    cx: &mut Context,
    prefix: (*const u8, i64),
    write: impl FnOnce(&mut Maker<'_>) -> std::fmt::Result,
) -> Status {
    let mut maker = value_arena::maker_from(cx, StrRef { data: prefix.0, len: prefix.1 as u64 });
    match write(&mut maker) {
        Ok(()) => {
            let value = maker.value();
            give_ref(cx, value)
        }
        // A maker refuses nothing else.
        Err(std::fmt::Error) => fail(RowErrorCode::TooLarge),
    }
}

/// A character as kernels pass it.
fn char_of(bits: i32) -> char {
    char::from_u32(bits as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn position(at: i64) -> usize {
    // Positions are `u64`s, which no string reaches the end of.
    at as u64 as usize
}

pub(super) extern "C" fn str_concat(cx: &mut Context, a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> Status {
    let mut maker = value_arena::maker_from(cx, StrRef { data: a, len: a_len as u64 });
    match maker.push(bytes(&b, b_len)) {
        Ok(()) => {
            let value = maker.value();
            give_ref(cx, value)
        }
        Err(TooLarge) => fail(RowErrorCode::TooLarge),
    }
}

/// Where the part first comes; one byte is looked for without the preparations that longer parts are worth.
fn find(text: &str, part: &str) -> Option<usize> {
    match part.as_bytes() {
        [byte] => find_byte(text.as_bytes(), *byte),
        _ => text.find(part),
    }
}

/// Where a byte first comes: mostly it is near, so the first few words are looked at before `memchr` is asked.
fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
    const NEAR: usize = 3;
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().take(NEAR).enumerate() {
        let differs = u64::from_le_bytes(*word) ^ (ONES * u64::from(byte));
        // The lowest bit that is set belongs to the first byte that is zero.
        let zeros = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
        if zeros != 0 {
            return Some(at * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let from = words.len().min(NEAR) * 8;
    if from + rest.len() == bytes.len() {
        return rest.iter().position(|other| *other == byte).map(|at| from + at);
    }
    memchr::memchr(byte, &bytes[from..]).map(|at| from + at)
}

/// Functions of strings that give a part of one, a position or a character: arguments as slices, a status out.
macro_rules! of_text {
    ($($name:ident |$cx:ident, $s:ident $(, $t:ident)?| ($($arg:ident: $ty:ty),*) $body:expr;)*) => { $(
        pub(super) extern "C" fn $name(
            $cx: &mut Context,
            s: *const u8,
            s_len: i64,
            $($t: *const u8, t_len: i64,)?
            $($arg: $ty),*
        ) -> Status {
            let $s = text(&s, s_len);
            $(let $t = text(&$t, t_len);)?
            $body
        }
    )* };
}

of_text! {
    str_find |cx, s, t| () give_option(cx, find(s, t).map(|at| at as u64));
    str_find_from |cx, s, t| (from: i64) {
        let from = position(from);
        give_option(cx, s.get(from..).and_then(|rest| find(rest, t)).map(|at| (from + at) as u64))
    };
    str_split_nth |cx, s, t| (n: i64) give_part(cx, split_nth(s, t, position(n)));
    str_rfind |cx, s, t| () give_option(cx, s.rfind(t).map(|at| at as u64));
    str_trim |cx, s| () give_bytes(cx, s.trim().as_bytes());
    str_trim_start |cx, s| () give_bytes(cx, s.trim_start().as_bytes());
    str_trim_end |cx, s| () give_bytes(cx, s.trim_end().as_bytes());
    str_trim_start_matches |cx, s, t| () give_bytes(cx, s.trim_start_matches(t).as_bytes());
    str_trim_end_matches |cx, s, t| () give_bytes(cx, s.trim_end_matches(t).as_bytes());
    str_strip_prefix |cx, s, t| () give_part(cx, s.strip_prefix(t));
    str_strip_suffix |cx, s, t| () give_part(cx, s.strip_suffix(t));
    str_to_uppercase |cx, s| () if s.is_ascii() { ascii(cx, s, u8::to_ascii_uppercase) } else { give_made(cx, |out| out.push(s.to_uppercase().as_bytes())) };
    str_to_lowercase |cx, s| () if s.is_ascii() { ascii(cx, s, u8::to_ascii_lowercase) } else { give_made(cx, |out| out.push(s.to_lowercase().as_bytes())) };
    str_to_ascii_uppercase |cx, s| () ascii(cx, s, u8::to_ascii_uppercase);
    str_to_ascii_lowercase |cx, s| () ascii(cx, s, u8::to_ascii_lowercase);
    str_replacen |cx, s, t| (to: *const u8, to_len: i64, count: i64) replace(cx, s, t, text(&to, to_len), position(count));
    str_replace |cx, s, t| (to: *const u8, to_len: i64) replace(cx, s, t, text(&to, to_len), usize::MAX);
    str_repeat |cx, s| (count: i64) give_made(cx, |out| {
        let (count, bytes) = (position(count), s.as_bytes());
        if bytes.is_empty() {
            return Ok(());
        }
        out.reserve(bytes.len().saturating_mul(count))?;
        (0..count).try_for_each(|_| out.push(bytes))
    });
    str_slice |cx, s| (from: i64, to: i64) {
        let (from, to) = (position(from), position(to));
        if from > to || to > s.len() {
            return fail(RowErrorCode::OutOfRange);
        }
        match s.get(from..to) {
            Some(part) => give_bytes(cx, part.as_bytes()),
            None => fail(RowErrorCode::CharBoundary),
        }
    };
    str_get |cx, s| (from: i64, to: i64) give_part(cx, s.get(position(from)..position(to)));
    str_nth_char |cx, s| (n: i64) give_char(cx, s.chars().nth(position(n)));
    str_last_char |cx, s| () give_char(cx, s.chars().next_back());
    str_reversed |cx, s| () give_made(cx, |out| {
        out.reserve(s.len())?;
        s.chars().rev().try_for_each(|c| out.push(c.encode_utf8(&mut [0; 4]).as_bytes()))
    });
    str_char_at |cx, s| (at: i64) match s.get(position(at)..).and_then(|rest| rest.chars().next()) {
        Some(c) => give_word(cx, u64::from(u32::from(c))),
        None => fail(RowErrorCode::OutOfRange),
    };
    str_char_before |cx, s| (at: i64) match s.get(..position(at)).and_then(|rest| rest.chars().next_back()) {
        Some(c) => give_word(cx, u64::from(u32::from(c))),
        None => fail(RowErrorCode::OutOfRange),
    };
    parse_int |cx, s| (bits: i64) {
        fn read<T: std::str::FromStr>(s: &str, word: impl Fn(T) -> u64) -> Option<u64> {
            s.parse().ok().map(word)
        }
        let value = match bits {
            -8 => read::<i8>(s, |x| x as u64),
            -16 => read::<i16>(s, |x| x as u64),
            -32 => read::<i32>(s, |x| x as u64),
            -64 => read::<i64>(s, |x| x as u64),
            8 => read::<u8>(s, u64::from),
            16 => read::<u16>(s, u64::from),
            32 => read::<u32>(s, u64::from),
            _ => read::<u64>(s, |x| x),
        };
        give_option(cx, value)
    };
    parse_f64 |cx, s| () give_option(cx, s.parse::<f64>().ok().map(f64::to_bits));
    parse_f32 |cx, s| () give_option(cx, s.parse::<f32>().ok().map(|x| u64::from(x.to_bits())));
    parse_bool |cx, s| () give_option(cx, s.parse::<bool>().ok().map(u64::from));
    parse_char |cx, s| () give_char(cx, s.parse::<char>().ok());
}

/// Every byte of ASCII in another case.
fn ascii(cx: &mut Context, s: &str, change: fn(&u8) -> u8) -> Status {
    give_made(cx, |out| {
        out.push_with(s.len(), |to| to.iter_mut().zip(s.as_bytes()).for_each(|(to, from)| *to = change(from)))
    })
}

fn replace(cx: &mut Context, s: &str, from: &str, to: &str, count: usize) -> Status {
    give_made(cx, |out| {
        let mut done = 0;
        for (at, part) in s.match_indices(from).take(count) {
            out.push(&s.as_bytes()[done..at])?;
            out.push(to.as_bytes())?;
            done = at + part.len();
        }
        out.push(&s.as_bytes()[done..])
    })
}

pub(super) extern "C" fn str_eq_ignore_ascii_case(a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> bool {
    text(&a, a_len).eq_ignore_ascii_case(text(&b, b_len))
}

pub(super) extern "C" fn str_is_char_boundary(s: *const u8, s_len: i64, at: i64) -> bool {
    text(&s, s_len).is_char_boundary(position(at))
}

pub(super) extern "C" fn str_char_count(s: *const u8, s_len: i64) -> i64 {
    text(&s, s_len).chars().count() as i64
}

pub(super) extern "C" fn str_count_of(s: *const u8, s_len: i64, wanted: i32) -> i64 {
    char::from_u32(wanted as u32).map_or(0, |wanted| count_of(text(&s, s_len), wanted) as i64)
}

pub(super) extern "C" fn str_skip_whitespace(s: *const u8, s_len: i64, from: i64) -> i64 {
    let s = text(&s, s_len);
    s.get(position(from)..).map_or(s.len(), |rest| s.len() - rest.trim_start().len()) as i64
}

pub(super) extern "C" fn str_find_whitespace(s: *const u8, s_len: i64, from: i64) -> i64 {
    let s = text(&s, s_len);
    let found = s.get(position(from)..).and_then(|rest| rest.find(char::is_whitespace));
    found.map_or(s.len(), |at| position(from) + at) as i64
}

pub(super) extern "C" fn str_from_utf8(cx: &mut Context, b: *const u8, b_len: i64) -> Status {
    give_part(cx, std::str::from_utf8(bytes(&b, b_len)).ok())
}

pub(super) extern "C" fn str_from_utf8_lossy(cx: &mut Context, b: *const u8, b_len: i64) -> Status {
    let b = bytes(&b, b_len);
    match std::str::from_utf8(b) {
        Ok(_) => give_bytes(cx, b),
        Err(_) => give_made(cx, |out| out.push(String::from_utf8_lossy(b).as_bytes())),
    }
}

pub(super) extern "C" fn bytes_slice(cx: &mut Context, b: *const u8, b_len: i64, from: i64, to: i64) -> Status {
    match bytes(&b, b_len).get(position(from)..position(to)) {
        Some(part) => give_bytes(cx, part),
        None => fail(RowErrorCode::OutOfRange),
    }
}

pub(super) extern "C" fn bytes_contain(b: *const u8, b_len: i64, byte: i32) -> bool {
    bytes(&b, b_len).contains(&(byte as u8))
}

pub(super) extern "C" fn char_to_string(cx: &mut Context, c: i32) -> Status {
    give_made(cx, |out| out.push(char_of(c).encode_utf8(&mut [0; 4]).as_bytes()))
}

pub(super) extern "C" fn char_to_uppercase(cx: &mut Context, c: i32) -> Status {
    give_made(cx, |out| char_of(c).to_uppercase().try_for_each(|c| out.push(c.encode_utf8(&mut [0; 4]).as_bytes())))
}

pub(super) extern "C" fn char_to_lowercase(cx: &mut Context, c: i32) -> Status {
    give_made(cx, |out| char_of(c).to_lowercase().try_for_each(|c| out.push(c.encode_utf8(&mut [0; 4]).as_bytes())))
}

/// The radixes that std takes: others panic.
fn is_radix(radix: i32) -> bool {
    (2..=36).contains(&(radix as u32))
}

pub(super) extern "C" fn char_to_digit(cx: &mut Context, c: i32, radix: i32) -> Status {
    if !is_radix(radix) {
        return fail(RowErrorCode::OutOfRange);
    }
    give_option(cx, char_of(c).to_digit(radix as u32).map(u64::from))
}

pub(super) extern "C" fn char_from_digit(cx: &mut Context, digit: i32, radix: i32) -> Status {
    if radix as u32 > 36 {
        return fail(RowErrorCode::OutOfRange);
    }
    give_char(cx, char::from_digit(digit as u32, radix as u32))
}

pub(super) extern "C" fn char_from_u32(cx: &mut Context, number: i32) -> Status {
    give_char(cx, char::from_u32(number as u32))
}

macro_rules! of_char {
    ($($name:ident $method:ident;)*) => { $(
        pub(super) extern "C" fn $name(c: i32) -> bool {
            char_of(c).$method()
        }
    )* };
}

of_char! {
    char_is_alphabetic is_alphabetic;
    char_is_numeric is_numeric;
    char_is_alphanumeric is_alphanumeric;
    char_is_whitespace is_whitespace;
    char_is_control is_control;
    char_is_uppercase is_uppercase;
    char_is_lowercase is_lowercase;
}

macro_rules! append {
    ($($name:ident($value:ident: $ty:ty) $write:ident($as:expr);)*) => { $(
        pub(super) extern "C" fn $name(
            cx: &mut Context,
            prefix: *const u8,
            prefix_len: i64,
            $value: $ty,
            spec: i64,
        ) -> Status {
            give_appended(cx, (prefix, prefix_len), |out| format::$write(out, $as, FormatSpec::unpack(spec as u64)))
        }
    )* };
}

append! {
    append_int(value: i64) write_signed(value);
    append_uint(value: i64) write_unsigned(value as u64);
    append_f64(value: f64) write_f64(value);
    append_f32(value: f32) write_f32(value);
    append_bool(value: bool) write_bool(value);
    append_char(value: i32) write_char(char_of(value));
}

pub(super) extern "C" fn append_str(
    cx: &mut Context,
    prefix: *const u8,
    prefix_len: i64,
    s: *const u8,
    s_len: i64,
    spec: i64,
) -> Status {
    let s = text(&s, s_len);
    give_appended(cx, (prefix, prefix_len), |out| format::write_str(out, s, FormatSpec::unpack(spec as u64)))
}

pub(super) extern "C" fn keep_row(cx: &mut Context, outputs: *const u8, row: i64, strings: i64) -> Status {
    let (arena, row_bytes) = value_arena::of(cx);
    let outputs = outputs.cast::<OutputColumn>();
    let places = (0..64).filter(|at| strings >> at & 1 == 1);
    let mut values: Vec<&mut StrRef> = places
        .map(|at| {
            // SAFETY: kernels pass on `Chunk::outputs` and a row of the chunk, and have written a `StrRef` there in every
            // output whose bit is set; nobody else has it, and no output is there twice.
            unsafe { &mut *(*outputs.add(at)).values.cast::<StrRef>().add(row as usize) }
        })
        .collect();
    arena.keep_of_row(*row_bytes, &mut values);
    STATUS_OK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        let text = "ab/\u{80}c/0.\u{7f}/ a longer text, of many words, with one / slash in the middle /".repeat(2);
        for from in (0..text.len()).filter(|from| text.is_char_boundary(*from)) {
            for to in (from..=text.len()).filter(|to| text.is_char_boundary(*to)) {
                for part in ["/", ".", "\u{7f}", "\0", "x", "a", "", "a l", "\u{80}"] {
                    let part_of = &text[from..to];
                    assert_eq!(find(part_of, part), part_of.find(part), "{part:?} in {part_of:?}");
                }
            }
        }
    }
}
