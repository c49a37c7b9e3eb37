//! The bit-packed and run-length hybrid encoding of small numbers, as Parquet has it, and bits of bitmaps.

/// Bits that hold numbers below `count`, at least one.
pub(super) fn width_of(count: usize) -> u32 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()).max(1)
}

/// Appends the numbers, each below `1 << width`: as one run if all are equal, else packed.
pub(super) fn write_hybrid(out: &mut Vec<u8>, numbers: &[u32], width: u32) {
    let Some(first) = numbers.first() else { return };
    if numbers.iter().all(|number| number == first) {
        write_run(out, numbers.len(), *first, width);
        return;
    }
    let groups = numbers.len().div_ceil(8);
    write_varint(out, (groups as u64) << 1 | 1);
    let end = out.len() + groups * width as usize;
    out.reserve(groups * width as usize + 8);
    let mut word = 0_u64;
    let mut filled = 0;
    for number in numbers {
        word |= u64::from(*number) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&(word as u32).to_le_bytes());
            word >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&word.to_le_bytes());
    // The last group is filled up with zeros, of which there may be too many or too few by now.
    out.resize(end, 0);
}

/// Appends a run of equal numbers.
pub(super) fn write_run(out: &mut Vec<u8>, count: usize, number: u32, width: u32) {
    write_varint(out, (count as u64) << 1);
    out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends bits, row 0 in the lowest bit of the first byte; bits behind the last row are clear.
pub(super) fn write_bits(out: &mut Vec<u8>, bits: &[u8], rows: usize) {
    let bytes = rows.div_ceil(8);
    write_varint(out, (bytes as u64) << 1 | 1);
    out.extend_from_slice(&bits[..bytes]);
    if !rows.is_multiple_of(8)
        && let Some(last) = out.last_mut()
    {
        *last &= (1 << (rows % 8)) - 1;
    }
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        assert_eq!([0, 1, 2, 3, 4, 5, 256, 257].map(width_of), [1, 1, 1, 2, 2, 3, 8, 9]);
    }

    #[test]
    fn numbers_are_packed_from_the_lowest_bit() {
        let mut out = Vec::new();
        write_hybrid(&mut out, &[0, 1, 2, 3, 4, 5, 6, 7], 3);
        assert_eq!(out, [3, 0x88, 0xc6, 0xfa], "the example of the format's description");
        out.clear();
        write_hybrid(&mut out, &[1, 0, 1], 1);
        assert_eq!(out, [3, 5]);
        out.clear();
        write_hybrid(&mut out, &[300; 100], 9);
        assert_eq!(out, [200, 1, 44, 1]);
    }

    #[test]
    fn bits_behind_the_last_row_are_clear() {
        let mut out = Vec::new();
        write_bits(&mut out, &[0xff, 0xff], 10);
        assert_eq!(out, [5, 0xff, 3]);
    }
}
