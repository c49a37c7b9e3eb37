//! Moves the selected rows of a column together.
//!
//! Adaptive by word: 64 selected rows are copied, 64 others skipped, what is between goes through the widest compress that
//! the processor has. Sources are read up to the next multiple of 64 rows, destinations written up to 64 bytes behind the
//! last row that is kept.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// What the processor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Any.
    Portable,
    /// x86-64 with AVX2 and BMI2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VBMI2, and so with what AVX2 comes with.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Of this processor.
    #[inline]
    pub(crate) fn of_this_machine() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
                let is_wide = is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi2");
                return if is_wide { Self::Avx512 } else { Self::Avx2 };
            }
        }
        Self::Portable
    }
}

/// Moves the selected rows of a column of `width` bytes (1, 2, 4, 8 or 16) together; gives their number.
///
/// # Safety
/// `from` may be read for `64 * selection.len()` rows and `to` be written for as many as are selected and 64 bytes more;
/// they do not overlap.
pub(crate) unsafe fn compress(level: Level, width: usize, from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    // SAFETY: the caller's; each level was seen on this processor.
    unsafe {
        match level {
            Level::Portable => portable(width, from, selection, to),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => match width {
                4 => avx2_4(from, selection, to),
                8 => avx2_8(from, selection, to),
                _ => portable(width, from, selection, to),
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => match width {
                1 => avx512_1(from, selection, to),
                2 => avx512_2(from, selection, to),
                4 => avx512_4(from, selection, to),
                8 => avx512_8(from, selection, to),
                16 => avx512_16(from, selection, to),
                _ => unreachable!("columns are 1, 2, 4, 8 or 16 bytes wide"),
            },
        }
    }
}

/// Moves the selected bits together; gives their number. Bits behind the last one are clear.
pub(crate) fn compress_bits(level: Level, from: &[u64], selection: &[u64], to: &mut [u64]) -> usize {
    let mut len = 0;
    to.fill(0);
    for (&bits, &word) in from.iter().zip(selection) {
        if word == 0 {
            continue;
        }
        let packed = match level {
            Level::Portable => extract_portable(bits, word),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: both levels have BMI2.
            Level::Avx2 | Level::Avx512 => unsafe { extract_bmi2(bits, word) },
        };
        let (at, shift) = (len / 64, len % 64);
        to[at] |= packed << shift;
        len += word.count_ones() as usize;
        if shift != 0 && at + 1 < to.len() {
            to[at + 1] |= packed >> (64 - shift);
        }
    }
    len
}

fn extract_portable(bits: u64, mask: u64) -> u64 {
    if mask == !0 {
        return bits;
    }
    let (mut packed, mut at, mut left) = (0, 0, mask);
    while left != 0 {
        packed |= (bits >> left.trailing_zeros() & 1) << at;
        at += 1;
        left &= left - 1;
    }
    packed
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi2")]
fn extract_bmi2(bits: u64, mask: u64) -> u64 {
    _pext_u64(bits, mask)
}

/// # Safety
/// As [`compress`].
unsafe fn portable(width: usize, from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    // SAFETY: the caller's.
    unsafe {
        match width {
            1 => portable_of::<u8>(from, selection, to),
            2 => portable_of::<u16>(from, selection, to),
            4 => portable_of::<u32>(from, selection, to),
            8 => portable_of::<u64>(from, selection, to),
            16 => portable_of::<[u64; 2]>(from, selection, to),
            _ => unreachable!("columns are 1, 2, 4, 8 or 16 bytes wide"),
        }
    }
}

/// # Safety
/// As [`compress`], for the width of `T`, of which any bytes are a value.
unsafe fn portable_of<T: Copy>(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    let mut len = 0;
    for (at, &word) in selection.iter().enumerate() {
        let start = at * 64;
        // SAFETY: rows of selected words may be read, and selected rows be written.
        unsafe {
            if word == !0 {
                std::ptr::copy_nonoverlapping(from.add(start), to.add(len), 64);
                len += 64;
                continue;
            }
            let mut left = word;
            while left != 0 {
                to.add(len).write_unaligned(from.add(start + left.trailing_zeros() as usize).read_unaligned());
                len += 1;
                left &= left - 1;
            }
        }
    }
    len
}

/// The loop over words that all vector levels share: full words are copied, empty ones skipped, and `$group` rows at a time
/// moved by `$store`, which stores a whole vector of which the first rows count.
#[cfg(target_arch = "x86_64")]
macro_rules! by_word {
    ($from:ident, $selection:ident, $to:ident, $width:literal, $group:literal, |$source:ident, $mask:ident, $target:ident| $store:block) => {{
        let mut len = 0usize;
        for (at, &word) in $selection.iter().enumerate() {
            if word == 0 {
                continue;
            }
            // SAFETY: 64 rows of a selected word may be read; what is stored ends at most 64 bytes behind the last row kept.
            unsafe {
                let start = $from.add(at * 64 * $width);
                if word == !0 {
                    std::ptr::copy_nonoverlapping(start, $to.add(len * $width), 64 * $width);
                    len += 64;
                    continue;
                }
                let mut left = word;
                let mut $source = start;
                while left != 0 {
                    let $mask = left & (!0u64 >> (64 - $group));
                    let $target = $to.add(len * $width);
                    $store
                    len += $mask.count_ones() as usize;
                    left = left.unbounded_shr($group);
                    $source = $source.add($group * $width);
                }
            }
        }
        len
    }};
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
unsafe fn avx512_1(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 1, 64, |source, mask, target| {
        let rows = _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(source.cast()));
        _mm512_storeu_si512(target.cast(), rows);
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
unsafe fn avx512_2(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 2, 32, |source, mask, target| {
        let rows = _mm512_maskz_compress_epi16(mask as u32, _mm512_loadu_si512(source.cast()));
        _mm512_storeu_si512(target.cast(), rows);
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
unsafe fn avx512_4(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 4, 16, |source, mask, target| {
        let rows = _mm512_maskz_compress_epi32(mask as u16, _mm512_loadu_si512(source.cast()));
        _mm512_storeu_si512(target.cast(), rows);
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
unsafe fn avx512_8(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 8, 8, |source, mask, target| {
        let rows = _mm512_maskz_compress_epi64(mask as u8, _mm512_loadu_si512(source.cast()));
        _mm512_storeu_si512(target.cast(), rows);
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi2,popcnt")]
unsafe fn avx512_16(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 16, 4, |source, mask, target| {
        let halves = _pdep_u64(mask, 0x55) * 3;
        let rows = _mm512_maskz_compress_epi64(halves as u8, _mm512_loadu_si512(source.cast()));
        _mm512_storeu_si512(target.cast(), rows);
    })
}

/// For each mask of eight rows, the positions of those that are kept.
#[cfg(target_arch = "x86_64")]
static POSITIONS_4: [[u32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut row, mut at) = (0, 0);
        while row < 8 {
            if mask >> row & 1 != 0 {
                table[mask][at] = row as u32;
                at += 1;
            }
            row += 1;
        }
        mask += 1;
    }
    table
};

/// For each mask of four rows, the positions of the halves of those that are kept.
#[cfg(target_arch = "x86_64")]
static POSITIONS_8: [[u32; 8]; 16] = {
    let mut table = [[0; 8]; 16];
    let mut mask = 0;
    while mask < 16 {
        let (mut row, mut at) = (0, 0);
        while row < 4 {
            if mask >> row & 1 != 0 {
                table[mask][at] = row as u32 * 2;
                table[mask][at + 1] = row as u32 * 2 + 1;
                at += 2;
            }
            row += 1;
        }
        mask += 1;
    }
    table
};

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn avx2_4(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 4, 8, |source, mask, target| {
        let positions = _mm256_loadu_si256(POSITIONS_4[mask as usize].as_ptr().cast());
        let rows = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(source.cast()), positions);
        _mm256_storeu_si256(target.cast(), rows);
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn avx2_8(from: *const u8, selection: &[u64], to: *mut u8) -> usize {
    by_word!(from, selection, to, 8, 4, |source, mask, target| {
        let positions = _mm256_loadu_si256(POSITIONS_8[mask as usize].as_ptr().cast());
        let rows = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(source.cast()), positions);
        _mm256_storeu_si256(target.cast(), rows);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels() -> Vec<Level> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        match Level::of_this_machine() {
            Level::Portable => {}
            Level::Avx2 => levels.push(Level::Avx2),
            Level::Avx512 => levels.extend([Level::Avx2, Level::Avx512]),
        }
        levels
    }

    fn selections() -> Vec<Vec<u64>> {
        let mut state = 7u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 29
        };
        let mut all = vec![vec![], vec![0], vec![!0], vec![!0, 0, 1, 1 << 63, !0 >> 1], vec![0, !0]];
        for _ in 0..20 {
            all.push((0..8).map(|_| next()).collect());
            all.push((0..8).map(|_| next() & next() & next()).collect());
            all.push((0..8).map(|_| next() | next() | next()).collect());
        }
        all
    }

    #[test]
    fn every_level_keeps_the_selected_rows_of_every_width() {
        for selection in selections() {
            for width in [1, 2, 4, 8, 16] {
                let from: Vec<u8> = (0..selection.len() * 64 * width).map(|n| (n * 31 + n / 251) as u8).collect();
                let mut expected = Vec::new();
                super::super::bitmap::for_each(&selection, |row| {
                    expected.extend_from_slice(&from[row * width..(row + 1) * width]);
                });
                for level in levels() {
                    let mut to = vec![0xa5; expected.len() + 64];
                    // SAFETY: 64 rows a word, 64 bytes behind what is kept.
                    let len = unsafe { compress(level, width, from.as_ptr(), &selection, to.as_mut_ptr()) };
                    assert_eq!(len * width, expected.len());
                    assert_eq!(to[..expected.len()], expected[..], "{level:?}, width {width}");
                }
            }
        }
    }

    #[test]
    fn every_level_keeps_the_selected_bits() {
        for selection in selections() {
            let from: Vec<u64> = selection.iter().map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xff).collect();
            for level in levels() {
                let mut to = vec![!0; selection.len()];
                let len = compress_bits(level, &from, &selection, &mut to);
                let mut at = 0;
                super::super::bitmap::for_each(&selection, |row| {
                    assert_eq!(
                        super::super::bitmap::get(&to, at),
                        super::super::bitmap::get(&from, row),
                        "{level:?}, row {row}"
                    );
                    at += 1;
                });
                assert_eq!(len, at);
                assert_eq!(
                    super::super::bitmap::count(&to),
                    (0..at).filter(|at| to[at / 64] >> (at % 64) & 1 != 0).count()
                );
            }
        }
    }
}
