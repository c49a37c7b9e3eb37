//! How often a character is in a text: `s.chars().filter(|c| *c == wanted).count()`.

use crate::primitive::widest::in_widest_vectors;

in_widest_vectors! {
    /// How often a byte is there.
    count_byte(bytes: &[u8], wanted: u8) -> usize = count_byte_in
}

#[inline(always)]
fn count_byte_in(bytes: &[u8], wanted: u8) -> usize {
    // Few enough that a lane of a byte counts them.
    const BLOCK: usize = 128;
    let count = |block: &[u8]| block.iter().fold(0_u8, |count, byte| count + u8::from(*byte == wanted));
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().map(|block| usize::from(count(block))).sum::<usize>() + usize::from(count(rest))
}

/// How often a character is there.
pub(super) fn count_of(text: &str, wanted: char) -> usize {
    match u8::try_from(wanted) {
        Ok(byte) if byte.is_ascii() => count_byte(text.as_bytes(), byte),
        Ok(_) | Err(_) => text.matches(wanted).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_std_counts_them() {
        let text = "aé\u{80}c, a longer text with é, ÿ and \u{ff}\u{100}\u{1f600} in it, and zeros\0\0".repeat(5);
        for from in (0..text.len()).filter(|from| text.is_char_boundary(*from)).step_by(3) {
            for wanted in "aeé\u{80}ÿ\u{100}\u{1f600}\0 z?".chars() {
                let text = &text[from..];
                assert_eq!(count_of(text, wanted), text.chars().filter(|c| *c == wanted).count(), "{wanted:?}");
                assert_eq!(count_byte_in(text.as_bytes(), b'a'), count_byte(text.as_bytes(), b'a'));
            }
        }
        assert_eq!(count_of(&"c".repeat(1000), 'c'), 1000);
    }
}
