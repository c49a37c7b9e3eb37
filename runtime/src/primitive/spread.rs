//! Strings that lie one behind the other, [packed](super::packed) many at a time.
//!
//! Four short strings are at most 44 bytes, which one load gets: where they begin and end says which bytes of four keys they
//! are, and an instruction puts them there, whatever their lengths.

use super::compress::Level;
use super::packed::Packed;

/// So many strings further on is what is fetched into the cache: such columns come from memory, and between these loops over 64
/// rows are others, so that the processor does not see early enough that they go on.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 512;

/// Packs 64 strings, given by where each begins and the last one ends in `data`; false, if that is to be done one by one: where
/// some are long, or too close to the end of the data.
#[inline]
pub(crate) fn pack_64(ends: &[i32; 65], data: &[u8], to: &mut [Packed; 64], level: Level) -> bool {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was seen on this processor.
        Level::Avx512 => unsafe { in_512::pack_64(ends, data, to) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => false,
        Level::Portable => false,
    }
}

#[cfg(target_arch = "x86_64")]
mod in_512 {
    use super::super::packed::{MOST_BYTES, Packed};
    use super::AHEAD;
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi1,bmi2")]
    pub(super) fn pack_64(ends: &[i32; 65], data: &[u8], to: &mut [Packed; 64]) -> bool {
        // Of four strings at once: their lengths where keys have them, and which bytes of the keys are theirs.
        let (mut lens, mut masks) = ([[0u32; 4]; 16], [0u64; 16]);
        let (one, mut longest) = (_mm512_set1_epi32(1), _mm512_setzero_si512());
        for sixteen in 0..4 {
            let from = ends[sixteen * 16..=sixteen * 16 + 16].as_ptr();
            // SAFETY: seventeen numbers are there.
            let (starts, behind) = unsafe { (_mm512_loadu_si512(from.cast()), _mm512_loadu_si512(from.add(1).cast())) };
            let len = _mm512_sub_epi32(behind, starts);
            longest = _mm512_max_epu32(longest, len);
            let bytes = _mm512_cvtepi32_epi16(_mm512_sub_epi32(_mm512_sllv_epi32(one, len), one));
            // SAFETY: sixteen numbers of four bytes, and as many of two.
            unsafe {
                _mm512_storeu_si512(lens[sixteen * 4..][..4].as_mut_ptr().cast(), _mm512_slli_epi32::<24>(len));
                _mm256_storeu_si256(masks[sixteen * 4..][..4].as_mut_ptr().cast(), bytes);
            }
        }
        // Lengths that are not negative, so all lies between where the first begins and the last ends.
        if _mm512_cmpgt_epu32_mask(longest, _mm512_set1_epi32(MOST_BYTES as i32)) != 0 {
            return false;
        }
        let (Ok(first), Ok(last)) = (usize::try_from(ends[0]), usize::try_from(ends[64])) else { return false };
        if first > last || last.checked_add(64).is_none_or(|behind| behind > data.len()) {
            return false;
        }
        let (of_ends, of_data) = (ends.as_ptr().wrapping_add(AHEAD), data.as_ptr().wrapping_add(last));
        let bytes_ahead = (last - first) * (AHEAD / 64);
        for (at, (mask, len)) in masks.iter().zip(&lens).enumerate() {
            if at % 4 == 0 {
                // Hints, which may be wrong: nothing is read there.
                _mm_prefetch::<_MM_HINT_T0>(of_ends.wrapping_add(at * 4).cast());
                _mm_prefetch::<_MM_HINT_T0>(of_data.wrapping_add(bytes_ahead + at * 16).cast());
            }
            // SAFETY: it begins at or before the last one's end, behind which there are 64 bytes more; four keys are 64 bytes.
            unsafe {
                let bytes = _mm512_loadu_si512(data.as_ptr().add(ends[at * 4] as usize).cast());
                let bytes = _mm512_maskz_expand_epi8(*mask, bytes);
                let len = _mm512_castsi128_si512(_mm_loadu_si128(len.as_ptr().cast()));
                // The third of a key's four numbers has the length in its highest byte.
                let keys = _mm512_or_si512(bytes, _mm512_maskz_expand_epi32(0x4444, len));
                _mm512_storeu_si512(to[at * 4..][..4].as_mut_ptr().cast(), keys);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash_word;
    use super::*;

    #[test]
    fn as_one_by_one() {
        let level = Level::of_this_machine();
        for most in [0, 1, 4, 7, 11, 12, 30] {
            for (round, behind) in [(0, 64), (1, 63), (2, 200)] {
                let lens = (0..64).map(|row| (hash_word(row << 8 | round) % (most + 1)) as i32);
                let mut ends = [5; 65];
                lens.enumerate().for_each(|(row, len)| ends[row + 1] = ends[row] + len);
                let data: Vec<u8> = (0..ends[64] as u64 + behind).map(|at| hash_word(at) as u8).collect();
                let mut packed = [Packed::EMPTY; 64];
                let is_packed = pack_64(&ends, &data, &mut packed, level);
                let is_fit = ends.windows(2).all(|pair| pair[1] - pair[0] <= 11) && behind >= 64;
                assert!(!is_packed || is_fit, "up to {most} bytes, {behind} behind them");
                if is_packed {
                    let expected = |row: usize| Packed::new(&data[ends[row] as usize..ends[row + 1] as usize]);
                    assert!((0..64).all(|row| packed[row] == expected(row)), "up to {most} bytes");
                }
            }
        }
    }

    #[test]
    fn what_does_not_rise_is_refused() {
        let data = [7; 1000];
        for (at, value) in [(0, -1), (64, -5), (3, 900), (64, i32::MAX), (10, i32::MIN)] {
            let mut ends = [8; 65];
            ends[at] = value;
            assert!(!pack_64(&ends, &data, &mut [Packed::EMPTY; 64], Level::of_this_machine()), "{value} at {at}");
        }
    }
}
