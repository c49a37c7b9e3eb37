//! Gathers rows by number.

use super::memory::Plain;

/// `to[i] = from[rows[i]]`.
#[inline]
pub(crate) fn take<T: Plain>(from: &[T], rows: &[u32], to: &mut [T]) {
    for (to, row) in to.iter_mut().zip(rows) {
        *to = from[*row as usize];
    }
}

/// `to[row] = from[rows[row]]` for the rows that are selected; others are unspecified.
///
/// Dense selections take every row, which is why numbers in rows that are not selected must be in range, too.
pub(crate) fn take_in_place<T: Plain>(from: &[T], rows: &[u32], selection: &[u64], to: &mut [T]) {
    for (at, &word) in selection.iter().enumerate() {
        if word == 0 {
            continue;
        }
        let start = at * 64;
        let end = (start + 64).min(rows.len());
        if word.count_ones() >= 16 {
            take(from, &rows[start..end], &mut to[start..end]);
            continue;
        }
        let mut left = word;
        while left != 0 {
            let row = start + left.trailing_zeros() as usize;
            to[row] = from[rows[row] as usize];
            left &= left - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_rows_are_taken_in_place() {
        let from: Vec<u32> = (0..500).map(|n| n * 3).collect();
        let rows: Vec<u32> = (0..130).map(|n| (n * 7) % 500).collect();
        let selection = [0x8000_0000_0000_0011, !0, 0b10];
        let mut to = vec![0; 130];
        take_in_place(&from, &rows, &selection, &mut to);
        super::super::bitmap::for_each(&selection, |row| assert_eq!(to[row], from[rows[row] as usize]));
        let mut all = vec![0; 130];
        take(&from, &rows, &mut all);
        assert!(all.iter().zip(&rows).all(|(value, row)| *value == row * 3));
    }
}
