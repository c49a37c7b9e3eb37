//! Which numbers of a chunk reach the greatest so far. Hardly any do, which is seen, and used, 64 at once.

use super::widest::in_widest_vectors;

in_widest_vectors! {
    /// Sets the bits of the numbers that none of these and none before is greater than; `bound` is the greatest before. Gives the
    /// greatest of all.
    pub(crate) reach_greatest(numbers: &[i64], bound: i64, to: &mut [u64]) -> i64 = reach_greatest_of
}

in_widest_vectors! {
    /// Whether all words are the same.
    pub(crate) is_one(words: &[u64]) -> bool = is_one_of
}

#[inline(always)]
fn reach_greatest_of(numbers: &[i64], bound: i64, to: &mut [u64]) -> i64 {
    let greatest_of = |numbers: &[i64]| numbers.iter().fold(i64::MIN, |greatest, number| greatest.max(*number));
    let greatest = greatest_of(numbers).max(bound);
    for (numbers, to) in numbers.chunks(64).zip(to) {
        *to = 0;
        if greatest_of(numbers) < greatest {
            continue;
        }
        for (bit, number) in numbers.iter().enumerate() {
            *to |= u64::from(*number >= greatest) << bit;
        }
    }
    greatest
}

#[inline(always)]
fn is_one_of(words: &[u64]) -> bool {
    let first = words.first().copied().unwrap_or_default();
    words.chunks(64).all(|words| words.iter().fold(0, |differs, word| differs | (word ^ first)) == 0)
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash_word;
    use super::*;

    #[test]
    fn as_one_by_one() {
        for rows in [0, 1, 63, 64, 65, 200, 2048] {
            for values in [1, 2, 7, 1 << 40] {
                let numbers: Vec<i64> = (0..rows).map(|row| (hash_word(row) % values) as i64 - 3).collect();
                for bound in [i64::MIN, -3, 0, values as i64 - 4, i64::MAX] {
                    let mut to = vec![!0; numbers.len().div_ceil(64)];
                    let greatest = numbers.iter().copied().fold(bound, i64::max);
                    assert_eq!(reach_greatest(&numbers, bound, &mut to), greatest);
                    for (row, number) in numbers.iter().enumerate() {
                        assert_eq!(to[row / 64] >> (row % 64) & 1 == 1, *number == greatest, "row {row} of {rows}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_word_or_several() {
        for rows in [0, 1, 64, 100, 2048] {
            let mut words = vec![7; rows];
            assert!(is_one(&words));
            if let [_, .., last] = &mut words[..] {
                *last = 8;
                assert!(!is_one(&words), "{rows} rows");
            }
        }
    }
}
