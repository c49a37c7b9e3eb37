//! Short strings as ninety-six bits, which are hashed and compared without a look at where the bytes are.
//!
//! Up to eleven bytes are themselves, zeros behind them, and their length in the highest byte. Twelve bytes are themselves
//! if their last one is no length. What is longer is known by its hash and its length: equal ones have equal bits, and only
//! then are their bytes to be compared.

use super::hash::hash_bytes;
use super::memory::Plain;

/// The bytes of a short key, or what stands for a long one; the highest 32 bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Packed {
    pub(super) low: u64,
    pub(super) high: u64,
}

// SAFETY: two numbers.
unsafe impl Plain for Packed {}

/// In the highest byte: more bytes than fit.
const LONG: u8 = 0xff;

/// From here on the higher word is one of a key of more bytes than fit.
pub(super) const LONG_FROM: u64 = (LONG as u64) << 24;

/// Bytes that always fit.
pub(super) const MOST_BYTES: usize = 11;

/// What the words are multiplied by. The sum's high bits are the hash: they depend on all bits of both words.
pub(super) const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

/// By length: the bits of that many bytes.
const MASKS: [u128; MOST_BYTES + 1] = {
    let mut masks = [0; MOST_BYTES + 1];
    let mut len = 0;
    while len <= MOST_BYTES {
        masks[len] = (1 << (8 * len)) - 1;
        len += 1;
    }
    masks
};

impl Packed {
    /// No bytes.
    pub(crate) const EMPTY: Self = Self { low: 0, high: 0 };

    #[inline]
    fn of_bits(bits: u128) -> Self {
        Self { low: bits as u64, high: (bits >> 64) as u64 }
    }

    /// Of any bytes.
    #[inline]
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let eight = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let four = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        let len = bytes.len();
        let (low, high) = match len {
            8 => (eight(0), 0),
            9..=11 => (eight(0), four(len - 4) >> (8 * (12 - len))),
            4..=7 => (four(0) | four(len - 4) << (8 * (len - 4)), 0),
            0 => (0, 0),
            1..=3 => {
                let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
                (byte(0) | byte(len / 2) | byte(len - 1), 0)
            }
            12 if is_no_length(bytes[11]) => return Self { low: eight(0), high: four(8) },
            _ => return Self { low: hash_bytes(bytes), high: u64::from(LONG) << 24 | len as u64 & 0xff_ffff },
        };
        Self { low, high: high | (len as u64) << 24 }
    }

    /// Of the bytes from one place of `data` to another.
    #[inline(always)]
    pub(crate) fn of_range(data: &[u8], start: usize, end: usize) -> Self {
        let len = end - start;
        match data.get(start..start + 16) {
            Some(sixteen) if len <= MOST_BYTES => {
                let bytes = u128::from_le_bytes(sixteen.try_into().expect("sixteen bytes"));
                Self::of_bits(bytes & MASKS[len] | (len as u128) << 88)
            }
            Some(_) | None => Self::new_apart(&data[start..end]),
        }
    }

    /// As [`new`](Self::new), but not in the middle of a loop.
    #[cold]
    #[inline(never)]
    fn new_apart(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }

    /// Of a view in Arrow's layout, if its bytes are in it.
    #[inline]
    pub(crate) fn of_view(view: u128) -> Option<Self> {
        let (len, bytes) = (view as u32 as usize, view >> 32);
        match len {
            0..=MOST_BYTES => Some(Self::of_bits(bytes & MASKS[len] | (len as u128) << 88)),
            12 if is_no_length((bytes >> 88) as u8) => Some(Self::of_bits(bytes)),
            _ => None,
        }
    }

    /// Whether the bytes are not all here.
    #[inline]
    pub(super) fn is_long(self) -> bool {
        (self.high >> 24) as u8 == LONG
    }

    /// Its high bits are good, its low ones are not.
    #[inline]
    pub(super) fn hash(self) -> u64 {
        let [low, high] = FACTORS;
        self.low.wrapping_mul(low).wrapping_add(self.high.wrapping_mul(high))
    }
}

/// Whether a last byte cannot be taken for a length.
#[inline]
fn is_no_length(byte: u8) -> bool {
    byte as usize > MOST_BYTES && byte != LONG
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn short_keys_are_their_bytes() {
        let mut seen = BTreeSet::new();
        let mut check = |bytes: &[u8]| {
            let packed = Packed::new(bytes);
            assert!(!packed.is_long());
            assert_eq!(packed.high >> 32, 0);
            let mut words = [0; 16];
            words[..8].copy_from_slice(&packed.low.to_le_bytes());
            words[8..].copy_from_slice(&packed.high.to_le_bytes());
            assert_eq!(&words[..bytes.len()], bytes);
            assert!(bytes.len() == 12 || usize::from(words[11]) == bytes.len());
            assert!(words[bytes.len()..].iter().enumerate().all(|(at, byte)| *byte == 0 || at + bytes.len() == 11));
            assert!(seen.insert(words), "{bytes:?}");
            let view = [&(bytes.len() as u32).to_le_bytes(), bytes, &vec![0; 12 - bytes.len()]].concat();
            assert_eq!(Packed::of_view(u128::from_le_bytes(view.try_into().expect("16 bytes"))), Some(packed));
            for behind in [0, 3, 40] {
                let data = [&[9], bytes, &vec![0xaa; behind]].concat();
                assert_eq!(Packed::of_range(&data, 1, 1 + bytes.len()), packed, "{bytes:?}, {behind} behind it");
            }
        };
        for len in 0..=12u8 {
            check(&(1..=len).map(|at| at * 17).collect::<Vec<u8>>());
            if len > 0 && len < 12 {
                check(&vec![0; len.into()]);
                check(&vec![0xff; len.into()]);
            }
        }
    }

    #[test]
    fn hashes_of_keys_that_are_alike_differ_in_their_high_bits() {
        let shown: [fn(u32) -> String; 7] = [
            |n| n.to_string(),
            |n| format!("{n:08}"),
            |n| format!("{n:011}"),
            |n| format!("{:04}{:04}", n % 100, n / 100),
            |n| format!("SYM{n:05}"),
            |n| format!("{n:05}-{n:05}"),
            |n| format!("{n:x}-a"),
        ];
        for (number, show) in shown.iter().enumerate() {
            let mut lines = [0; 1 << 13];
            (0..10_000).for_each(|n| lines[(Packed::new(show(n).as_bytes()).hash() >> 51) as usize] += 1);
            let beyond: u32 = lines.iter().map(|keys: &u32| keys.saturating_sub(4)).sum();
            assert!(beyond < 500, "{beyond} of 10,000 keys like {} find their line full", shown[number](77));
        }
    }

    #[test]
    fn long_keys_are_known_by_their_hash() {
        let ends_in = |byte: u8| [&[1; 11], &[byte][..]].concat();
        for long in [ends_in(0), ends_in(11), ends_in(0xff), vec![0; 13], vec![0; 1000]] {
            assert!(Packed::new(&long).is_long(), "{long:?}");
        }
        assert_eq!(Packed::of_range(&[7; 60], 20, 50), Packed::new(&[7; 30]));
        assert_eq!(Packed::of_view(13), None);
        assert!(!Packed::new(&ends_in(b'7')).is_long());
    }
}
