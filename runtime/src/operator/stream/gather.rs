//! Gathers stored rows into what is given, column by column.

use crate::column::Column;
use crate::primitive::hash_table::NONE;

/// Adds rows of columns to columns of the same types; `NONE` is a row of nulls.
pub(super) fn gather(to: &mut [Column], from: &[Column], rows: &[u32]) {
    if !rows.contains(&NONE) {
        for (to, from) in to.iter_mut().zip(from) {
            to.extend_rows(from, rows);
        }
        return;
    }
    let there: Vec<u32> = rows.iter().map(|row| if *row == NONE { 0 } else { *row }).collect();
    for (to, from) in to.iter_mut().zip(from) {
        let first = to.len();
        if from.len() == 0 {
            rows.iter().for_each(|_| to.push_null());
            continue;
        }
        to.extend_rows(from, &there);
        for (at, _) in rows.iter().enumerate().filter(|(_, row)| **row == NONE) {
            to.set_null(first + at);
        }
    }
}

/// Adds for each row whether it is there.
pub(super) fn gather_present(to: &mut Column, rows: &[u32]) {
    rows.iter().for_each(|row| to.push_word(u64::from(*row != NONE)));
}

/// Where rows are after those without a mark are gone: the new number of each, or `NONE`; and the old ones that stay.
pub(super) fn renumber(stays: &[bool]) -> (Vec<u32>, Vec<u32>) {
    let mut kept = Vec::new();
    let mut new = vec![NONE; stays.len()];
    for (row, new) in new.iter_mut().enumerate().filter(|(row, _)| stays[*row]) {
        *new = kept.len() as u32;
        kept.push(row as u32);
    }
    (new, kept)
}
