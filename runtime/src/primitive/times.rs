//! Times of a chunk: the least and the greatest, and how far time had come before each row. Mostly times rise, which is seen, and
//! used, many rows at once.

use super::widest::in_widest_vectors;

/// Rows that are looked at together.
const BLOCK: usize = 64;

in_widest_vectors! {
    /// The least and the greatest; of none, the ends of the numbers in the wrong order.
    pub(crate) extent(times: &[i64]) -> (i64, i64) = extent_of
}

in_widest_vectors! {
    /// Writes before each row the greatest time before it, less `lateness`; `greatest` is that before all rows. Gives the
    /// greatest of all, and whether times were seen to rise from row to row.
    pub(crate) running_greatest(times: &[i64], to: &mut [i64], greatest: i64, lateness: i64) -> (i64, bool) = running_greatest_of
}

#[inline(always)]
fn extent_of(times: &[i64]) -> (i64, i64) {
    times.iter().fold((i64::MAX, i64::MIN), |(least, greatest), time| (least.min(*time), greatest.max(*time)))
}

#[inline(always)]
fn running_greatest_of(times: &[i64], to: &mut [i64], mut greatest: i64, lateness: i64) -> (i64, bool) {
    let mut all_rise = true;
    for (times, to) in times.chunks(BLOCK).zip(to.chunks_mut(BLOCK)) {
        let rises = times.windows(2).fold(true, |rises, pair| rises & (pair[0] <= pair[1]));
        // Greater ones than this cannot go below all numbers.
        let is_far_from_the_end = lateness >= 0 && greatest.checked_sub(lateness).is_some();
        if let ([first, .., last], true) = (times, rises && is_far_from_the_end)
            && *first >= greatest
        {
            to[0] = greatest - lateness;
            to[1..].iter_mut().zip(times).for_each(|(to, time)| *to = time.wrapping_sub(lateness));
            greatest = *last;
            continue;
        }
        all_rise = false;
        for (to, time) in to.iter_mut().zip(times) {
            *to = greatest.saturating_sub(lateness);
            greatest = greatest.max(*time);
        }
    }
    (greatest, all_rise)
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash_word;
    use super::*;

    fn check(times: &[i64], before: i64, lateness: i64) {
        let mut expected = Vec::new();
        let mut greatest = before;
        for time in times {
            expected.push(greatest.saturating_sub(lateness));
            greatest = greatest.max(*time);
        }
        let mut to = vec![0; times.len()];
        let (found, rises) = running_greatest(times, &mut to, before, lateness);
        assert_eq!(found, greatest);
        assert!(!rises || times.is_sorted());
        assert_eq!(to, expected, "{before}, less {lateness}");
        let least = times.iter().copied().min().unwrap_or(i64::MAX);
        assert_eq!(extent(times), (least, times.iter().copied().max().unwrap_or(i64::MIN)));
    }

    #[test]
    fn as_row_by_row() {
        for rows in [0, 1, 2, 63, 64, 65, 200, 1000] {
            for noise in [0, 1, 3, 1000] {
                let time = |row: u64| row as i64 * 2 + (hash_word(row) % (noise + 1)) as i64;
                let times: Vec<i64> = (0..rows).map(time).collect();
                for before in [i64::MIN, i64::MIN + 5, -10, 0, 1, 100, i64::MAX] {
                    for lateness in [0, 1, 10, -7, i64::MAX] {
                        check(&times, before, lateness);
                    }
                }
            }
        }
        check(&[i64::MIN, i64::MIN, -5, i64::MAX], i64::MIN, 100);
        check(&[i64::MAX, i64::MIN], i64::MIN, 100);
    }
}
