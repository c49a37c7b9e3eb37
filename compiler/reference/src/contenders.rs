//! Which rows may have the greatest value of their key: those that none before was greater than.

use crate::value::{Value, sort_order};
use std::cmp::Ordering;
use std::collections::btree_map::Entry;

/// Whether a row with this value is one; what the key has seen is remembered. NaN, which is greater or less than nothing, is.
pub(crate) fn contends<K: Ord>(best: Entry<'_, K, Value>, value: &Value, is_least: bool) -> bool {
    if value.is_nan() {
        return true;
    }
    let best = best.or_insert_with(|| value.clone());
    let order = if is_least { sort_order(best, value) } else { sort_order(value, best) };
    if order == Ordering::Greater {
        *best = value.clone();
    }
    order != Ordering::Less
}
