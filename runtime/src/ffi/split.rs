//! One part of a text between separators: `s.split(t).nth(n)`.
//!
//! Where the separator is one byte, 64 bytes of the text at a time become bits, of which the ones before and behind the part are
//! looked for.

/// The part with a number, from 0, of those that stand between the places where `separator` does.
pub(super) fn split_nth<'a>(text: &'a str, separator: &str, n: usize) -> Option<&'a str> {
    let ([byte], bytes) = (separator.as_bytes(), text.as_bytes()) else { return text.split(separator).nth(n) };
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("bmi1") && !cfg!(miri) {
        // SAFETY: the processor has what the function is compiled for.
        let place = unsafe { place_512(bytes, *byte, n) };
        return place.map(|(start, end)| &text[start..end]);
    }
    place_of(bytes, *byte, n).map(|(start, end)| &text[start..end])
}

/// Where the part lies.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,bmi1,popcnt")]
fn place_512(bytes: &[u8], byte: u8, n: usize) -> Option<(usize, usize)> {
    use std::arch::x86_64::{_mm512_cmpeq_epi8_mask, _mm512_maskz_loadu_epi8, _mm512_set1_epi8};
    let wanted = _mm512_set1_epi8(byte as i8);
    find(bytes.len(), n, |at| {
        let present = u64::MAX >> (64 - (bytes.len() - at).min(64));
        // SAFETY: only bytes of the text are loaded; `present` has bits for no others.
        let block = unsafe { _mm512_maskz_loadu_epi8(present, bytes.as_ptr().add(at).cast()) };
        _mm512_cmpeq_epi8_mask(block, wanted) & present
    })
}

/// As above, on any machine.
fn place_of(bytes: &[u8], byte: u8, n: usize) -> Option<(usize, usize)> {
    find(bytes.len(), n, |at| {
        let block = bytes[at..].iter().take(64).enumerate();
        block.fold(0, |bits, (bit, other)| bits | u64::from(*other == byte) << bit)
    })
}

/// Where the part lies in a text of this length; `separators` gives the bits of those among the 64 bytes from a place on.
#[inline(always)]
fn find(len: usize, n: usize, separators: impl Fn(usize) -> u64) -> Option<(usize, usize)> {
    let (mut start, mut left, mut at) = (0, n, 0);
    while at < len {
        let mut bits = separators(at);
        let count = bits.count_ones() as usize;
        if count < left {
            left -= count;
            at += 64;
            continue;
        }
        if left > 0 {
            (1..left).for_each(|_| bits &= bits - 1);
            start = at + bits.trailing_zeros() as usize + 1;
            bits &= bits - 1;
            left = 0;
        }
        if bits != 0 {
            return Some((start, at + bits.trailing_zeros() as usize));
        }
        at += 64;
    }
    (left == 0).then_some((start, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_std() {
        let text = "ab/\u{80}c/0.\u{7f}/ a longer text, of many words, with one / slash in the middle /".repeat(2);
        for from in (0..text.len()).filter(|from| text.is_char_boundary(*from)) {
            for to in (from..=text.len()).filter(|to| text.is_char_boundary(*to)) {
                for separator in ["/", " ", "\u{7f}", "\0", "", "a l", "\u{80}"] {
                    for n in [0, 1, 2, 3, 5, 9, 30] {
                        let (part_of, expected) = (&text[from..to], text[from..to].split(separator).nth(n));
                        assert_eq!(split_nth(part_of, separator, n), expected, "{n} of {part_of:?}, by {separator:?}");
                        if let ([byte], true) = (separator.as_bytes(), n < 6) {
                            let place = place_of(part_of.as_bytes(), *byte, n);
                            assert_eq!(place.map(|(start, end)| &part_of[start..end]), expected, "on any machine");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn parts_of_long_texts() {
        for len in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
            for every in [1, 2, 63, 64, 65, 500] {
                let text: String = (0..len).map(|at| if at % every == every - 1 { ',' } else { 'x' }).collect();
                for n in (0..70).chain([127, 128, 129, 299, 300, 301, usize::MAX]) {
                    assert_eq!(split_nth(&text, ",", n), text.split(',').nth(n), "part {n} of {text:?}");
                }
            }
        }
    }
}
