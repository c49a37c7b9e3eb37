//! The words of the benchmark's rows.

use super::event::{Kind, below, draw};
use crate::primitive::widest::in_widest_vectors;
use std::ops::Range;

pub(super) const FIRST_NAMES: [&str; 11] =
    ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
pub(super) const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
pub(super) const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
pub(super) const CITIES: [&str; 10] =
    ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"];
pub(super) const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// A column of texts that is made.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) bytes: Vec<u8>,
    /// Where texts begin, and where the last one ends.
    pub(super) offsets: Vec<i32>,
}

impl Texts {
    /// Room for so many texts of about so many bytes.
    pub(super) fn with_room(rows: usize, about: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(rows * about + BLOCK), offsets }
    }

    /// The text ends here.
    #[inline(always)]
    fn end(&mut self) {
        self.offsets.push(i32::try_from(self.bytes.len()).expect("a batch has few rows of short texts"));
    }
}

/// One of the words.
pub(super) fn pick<const N: usize>(words: &[&'static str; N], event: u64, what: u64) -> &'static str {
    words[below(event, what, N as u64) as usize]
}

/// Letters that are made together.
const BLOCK: usize = 64;

/// Numbers that they are made of.
const WORDS: usize = BLOCK / 8;

/// Random lower-case letters, each of a random byte.
#[inline(always)]
pub(super) fn letters(event: u64, what: u64, count: u64, out: &mut Vec<u8>) {
    let (mut left, mut piece) = (count as usize, 0);
    while left > 0 {
        let len = left.min(BLOCK);
        if len <= 8 {
            let word = draw(event, what + (piece + 1) * 1000).to_le_bytes().map(letter);
            out.extend_from_slice(&word[..len]);
        } else {
            let mut words = [0; WORDS];
            for (at, word) in words.iter_mut().enumerate() {
                *word = draw(event, what + (piece + 1 + at as u64) * 1000);
            }
            let mut block = [0; BLOCK];
            for (bytes, word) in block.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                *bytes = word.to_le_bytes();
            }
            for byte in &mut block {
                *byte = letter(*byte);
            }
            // All of them: a copy of a known length is a few instructions.
            out.extend_from_slice(&block);
            out.truncate(out.len() - (BLOCK - len));
        }
        piece += WORDS as u64;
        left -= len;
    }
}

#[inline(always)]
fn letter(byte: u8) -> u8 {
    b'a' + ((u16::from(byte) * 26) >> 8) as u8
}

/// Random letters with a space here and there, about so many characters.
pub(super) fn words(event: u64, what: u64, about: u64, out: &mut Vec<u8>) {
    let count = about / 2 + below(event, what, about.max(1));
    let mut left = count;
    let mut word = 0;
    while left > 0 {
        let len = (3 + below(event, what + 100 + word, 10)).min(left);
        letters(event, what + 200 + word, len, out);
        left -= len;
        word += 1;
        if left > 0 {
            out.push(b' ');
            left -= 1;
        }
    }
}

in_widest_vectors! {
    /// What fills rows up to their size.
    pub(super) extras(kind: Kind, rows: Range<u64>, about: u64, out: &mut Texts) -> () = extras_of
}

#[inline(always)]
fn extras_of(kind: Kind, rows: Range<u64>, about: u64, out: &mut Texts) {
    for row in rows {
        let event = kind.event(row);
        letters(event, 40, about / 2 + below(event, 41, (about / 4).max(1)), &mut out.bytes);
        out.end();
    }
}

/// Texts that are made one by one.
pub(super) fn each(rows: Range<u64>, out: &mut Texts, make: impl Fn(u64, &mut Vec<u8>)) {
    for row in rows {
        make(row, &mut out.bytes);
        out.end();
    }
}

/// A number with at least so many digits.
pub(super) fn number(value: u64, digits: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    let mut rest = value;
    while rest > 0 || text.len() - at < digits {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_their_numbers() {
        for count in (0..20).chain(60..70).chain([127, 128, 129, 300]) {
            for event in [0, 1, 77_777] {
                let bytes = (0..).flat_map(|piece| draw(event, 40 + (piece + 1) * 1000).to_le_bytes());
                let expected: Vec<u8> =
                    bytes.take(count).map(|byte| b'a' + (u32::from(byte) * 26 / 256) as u8).collect();
                let mut out = b"x".to_vec();
                letters(event, 40, count as u64, &mut out);
                assert_eq!(out[1..], expected, "{count} of {event}");
            }
        }
    }

    #[test]
    fn extras_do_not_depend_on_the_processor() {
        let (mut one, mut other) = (Texts::with_room(10, 10), Texts::with_room(500, 75));
        extras(Kind::Bid, 100..600, 100, &mut one);
        extras_of(Kind::Bid, 100..600, 100, &mut other);
        assert_eq!((one.bytes, one.offsets), (other.bytes, other.offsets));
    }

    #[test]
    fn numbers_have_their_digits() {
        let text = |value, digits| {
            let mut out = Vec::new();
            number(value, digits, &mut out);
            String::from_utf8(out).expect("digits")
        };
        assert_eq!((text(0, 1), text(7, 4), text(u64::MAX, 1)), ("0".into(), "0007".into(), u64::MAX.to_string()));
    }
}
