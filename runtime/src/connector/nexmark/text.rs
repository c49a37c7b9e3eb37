//! The words of the benchmark's rows.

use super::event::{below, draw};

pub(super) const FIRST_NAMES: [&str; 11] =
    ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
pub(super) const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
pub(super) const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
pub(super) const CITIES: [&str; 10] =
    ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"];
pub(super) const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// One of the words.
pub(super) fn pick<const N: usize>(words: &[&'static str; N], event: u64, what: u64) -> &'static str {
    words[below(event, what, N as u64) as usize]
}

/// Letters that are made together; a multiple of eight.
const PIECE: usize = 80;

/// Random lower-case letters, each of a random byte.
pub(super) fn letters(event: u64, what: u64, count: u64, out: &mut String) {
    let mut left = count as usize;
    let mut piece = 0;
    while left > 0 {
        let mut bytes = [0; PIECE];
        let len = left.min(PIECE);
        for word in bytes[..len.next_multiple_of(8)].chunks_exact_mut(8) {
            piece += 1;
            word.copy_from_slice(&draw(event, what + piece * 1000).to_le_bytes());
        }
        for byte in &mut bytes {
            *byte = b'a' + ((u16::from(*byte) * 26) >> 8) as u8;
        }
        out.push_str(std::str::from_utf8(&bytes[..len]).unwrap_or_default());
        left -= len;
    }
}

/// Random letters with a space here and there, about so many characters.
pub(super) fn words(event: u64, what: u64, about: u64, out: &mut String) {
    let count = about / 2 + below(event, what, about.max(1));
    let mut left = count;
    let mut word = 0;
    while left > 0 {
        let len = (3 + below(event, what + 100 + word, 10)).min(left);
        letters(event, what + 200 + word, len, out);
        left -= len;
        word += 1;
        if left > 0 {
            out.push(' ');
            left -= 1;
        }
    }
}

/// What fills a row up to its size.
pub(super) fn extra(event: u64, about: u64, out: &mut String) {
    letters(event, 40, about / 2 + below(event, 41, (about / 4).max(1)), out);
}

/// A number with at least so many digits.
pub(super) fn number(value: u64, digits: usize, out: &mut String) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    let mut rest = value;
    while rest > 0 || text.len() - at < digits {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend(text[at..].iter().map(|digit| char::from(*digit)));
}
