//! Bitmaps over rows: row 0 in bit 0 of the first word.

/// Words that hold that many bits.
#[inline]
pub(crate) fn words_of(rows: usize) -> usize {
    rows.div_ceil(64)
}

/// Whether a bit is set.
#[inline]
pub(crate) fn get(words: &[u64], row: usize) -> bool {
    words[row / 64] >> (row % 64) & 1 != 0
}

/// Sets a bit.
#[inline]
pub(crate) fn set(words: &mut [u64], row: usize) {
    words[row / 64] |= 1 << (row % 64);
}

/// Clears a bit.
#[inline]
pub(crate) fn clear(words: &mut [u64], row: usize) {
    words[row / 64] &= !(1 << (row % 64));
}

/// Number of bits that are set.
#[inline]
pub(crate) fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// The bits of the last word that belong to rows.
#[inline]
pub(crate) fn tail_mask(rows: usize) -> u64 {
    if rows.is_multiple_of(64) { !0 } else { (1 << (rows % 64)) - 1 }
}

/// Sets the first `rows` bits, clears the rest.
pub(crate) fn fill(words: &mut [u64], rows: usize) {
    let full = rows / 64;
    words[..full].fill(!0);
    words[full..].fill(0);
    if !rows.is_multiple_of(64) {
        words[full] = tail_mask(rows);
    }
}

/// Whether the first `rows` bits are all set.
pub(crate) fn is_full(words: &[u64], rows: usize) -> bool {
    let full = rows / 64;
    words[..full].iter().all(|word| *word == !0)
        && (rows.is_multiple_of(64) || words[full] & tail_mask(rows) == tail_mask(rows))
}

/// Calls `each` for every bit that is set, in order.
#[inline]
pub(crate) fn for_each(words: &[u64], mut each: impl FnMut(usize)) {
    for (at, &word) in words.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            each(at * 64 + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// The rows whose bits are set, in order; gives their number. `rows` has room for all of them.
pub(crate) fn indices(words: &[u64], rows: &mut [u32]) -> usize {
    let mut len = 0;
    for (at, &word) in words.iter().enumerate() {
        let base = (at * 64) as u32;
        if word == !0 {
            for (bit, row) in rows[len..len + 64].iter_mut().enumerate() {
                *row = base + bit as u32;
            }
            len += 64;
            continue;
        }
        let mut left = word;
        while left != 0 {
            rows[len] = base + left.trailing_zeros();
            len += 1;
            left &= left - 1;
        }
    }
    len
}

/// Copies `len` bits that start at any bit of `bytes` to the start of `words`; the bits behind them become clear.
pub(crate) fn repack(bytes: &[u8], offset: usize, len: usize, words: &mut [u64]) {
    let used = words_of(len);
    let (first, shift) = (offset / 8, offset % 8);
    for (at, word) in words[..used].iter_mut().enumerate() {
        let rest = &bytes[first + at * 8..];
        *word = match rest {
            [a, b, c, d, e, f, g, h, more @ ..] => {
                let low = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                let high = u64::from(more.first().copied().unwrap_or(0));
                if shift == 0 { low } else { low >> shift | high << (64 - shift) }
            }
            few => {
                let mut eight = [0; 8];
                eight[..few.len()].copy_from_slice(few);
                u64::from_le_bytes(eight) >> shift
            }
        };
    }
    if used > 0 {
        words[used - 1] &= tail_mask(len);
    }
    words[used..].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repacked_bits_are_the_bits_from_the_offset_on() {
        let bytes: Vec<u8> = (0..40u32).map(|n| (n * 73 + 11) as u8).collect();
        for offset in [0, 1, 7, 8, 63, 64, 65] {
            for len in [0, 1, 63, 64, 65, 128, 200] {
                let mut words = [!0u64; 5];
                repack(&bytes, offset, len, &mut words);
                for row in 0..320 {
                    let at = offset + row;
                    let expected = row < len && bytes[at / 8] >> (at % 8) & 1 != 0;
                    assert_eq!(get(&words, row), expected, "offset {offset}, row {row} of {len}");
                }
            }
        }
    }

    #[test]
    fn indices_and_counts_agree() {
        let words = [0, !0, 0x8000_0000_0000_0001, 0xff00];
        let mut rows = [0; 256];
        let len = indices(&words, &mut rows);
        let mut each = Vec::new();
        for_each(&words, |row| each.push(row as u32));
        assert_eq!(len, count(&words));
        assert_eq!(rows[..len], each[..]);
        assert!(each.iter().all(|row| get(&words, *row as usize)));
    }

    #[test]
    fn filled_bitmaps_are_full() {
        for rows in [0, 1, 63, 64, 65, 128] {
            let mut words = [7; 3];
            fill(&mut words, rows);
            assert_eq!(count(&words), rows);
            assert!(is_full(&words, rows));
            assert!(
                rows == 0 || {
                    clear(&mut words, rows - 1);
                    !is_full(&words, rows)
                }
            );
        }
    }
}
