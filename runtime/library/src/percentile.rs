//! Percentiles: the value that a share of all values does not exceed, on the line between the two nearest.

/// The percentile of sorted values, given by their place: of `share` 0 the least, of 1 the greatest, of 0.5 the median.
///
/// # Panics
/// If there are no values, or the share does not lie between 0 and 1.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among values that fit into memory is exact as a float"
)]
pub fn percentile(share: f64, count: usize, value: impl Fn(usize) -> f64) -> f64 {
    assert!(count > 0 && (0.0..=1.0).contains(&share), "a percentile is one of some values");
    let place = share * (count - 1) as f64;
    let (before, part) = (place.floor() as usize, place.fract());
    let low = value(before);
    if part == 0.0 {
        return low;
    }
    let high = value(before + 1);
    // Equal ones stay what they are, infinities too.
    if low == high { low } else { low + (high - low) * part }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn between_the_nearest_values() {
        let values = [1.0, 2.0, 4.0, 8.0, f64::INFINITY];
        let of = |share, count| percentile(share, count, |at| values[at]);
        assert_eq!([of(0.0, 4), of(1.0, 4), of(0.5, 4), of(0.5, 3)], [1.0, 8.0, 3.0, 2.0]);
        assert_eq!((of(0.9, 1), of(0.25, 3), of(1.0, 5)), (1.0, 1.5, f64::INFINITY));
        assert_eq!(percentile(0.3, 9, |_| f64::NEG_INFINITY), f64::NEG_INFINITY);
    }
}
