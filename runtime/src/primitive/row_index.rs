//! Rows by key: a table from words or bytes to the first row, and from row to row with the same key; direct addressing for
//! words that lie close together.

use super::bitmap;
use super::hash::{hash_bytes, hash_word};
use super::hash_table::{Entry, NONE, Places, prefetch};
use super::memory::{Buf, Shared, Str};
use sabot_abi::CHUNK_ROWS;
use std::ops::Range;

/// Build sides below this many rows are not worth a second thread.
const PARALLEL_FROM: usize = 1 << 18;

/// Rows ahead of which a large table is prefetched.
type Slots = [u32; CHUNK_ROWS];

/// Calls `each` for the selected rows in order, 64 rows behind `ahead`.
#[inline]
fn two_steps(selection: &[u64], mut ahead: impl FnMut(usize), mut each: impl FnMut(usize)) {
    let mut before: Option<usize> = None;
    for at in (0..selection.len()).filter(|at| selection[*at] != 0) {
        bitmap::for_each(&selection[at..=at], |bit| ahead(at * 64 + bit));
        if let Some(before) = before.replace(at) {
            bitmap::for_each(&selection[before..=before], |bit| each(before * 64 + bit));
        }
    }
    if let Some(at) = before {
        bitmap::for_each(&selection[at..=at], |bit| each(at * 64 + bit));
    }
}

/// How the first row with a key is found.
#[derive(Debug)]
enum Lookup {
    /// Row plus one, by key less the least one.
    Direct { least: u64, rows: Buf<u32> },
    /// By the key itself.
    Words(Places),
    /// By the key's hash, then its bytes.
    Bytes { places: Places, keys: Buf<Str> },
}

/// Rows by key: all rows with one key, in order.
#[derive(Debug)]
pub(crate) struct RowIndex {
    lookup: Lookup,
    /// The next row with the same key; empty if no key is there twice.
    next: Buf<u32>,
}

fn rows_of(order: &[Range<usize>]) -> usize {
    order.iter().map(Range::len).sum()
}

/// The rows, the last one first.
fn from_last(order: &[Range<usize>]) -> impl Iterator<Item = usize> {
    order.iter().rev().flat_map(|rows| rows.clone().rev())
}

/// The slots that one of several threads owns.
fn owned(thread: usize, slots: usize, threads: usize) -> Range<usize> {
    slots * thread / threads..slots * (thread + 1) / threads
}

impl RowIndex {
    /// Indexes rows by words; rows whose bit in `valid` is clear are not found. Rows with one key come in the order in which
    /// `order` has them.
    pub(crate) fn of_words(keys: &[u64], valid: Option<&[u64]>, order: &[Range<usize>], threads: usize) -> Self {
        let is_valid = |row: usize| valid.is_none_or(|valid| bitmap::get(valid, row));
        let threads = if keys.len() < PARALLEL_FROM { 1 } else { threads.max(1) };
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        for (row, key) in keys.iter().enumerate() {
            if is_valid(row) {
                (least, greatest) = (least.min(*key as i64), greatest.max(*key as i64));
            }
        }
        let range = if least > greatest { 0 } else { greatest.wrapping_sub(least) as u64 };
        if range < (keys.len() as u64).saturating_mul(4).max(1024) {
            let mut rows = Buf::zeroed(range as usize + 1);
            let slot = |row: usize| keys[row].wrapping_sub(least as u64) as usize;
            let next = chain(order, &mut rows, threads, is_valid, slot);
            return Self { lookup: Lookup::Direct { least: least as u64, rows }, next };
        }
        let (places, next) = hashed(
            order,
            threads,
            is_valid,
            |row| hash_word(keys[row]),
            |row, entry| entry.key == keys[row],
            |row| keys[row],
        );
        Self { lookup: Lookup::Words(places), next }
    }

    /// Indexes rows by bytes, which live as long as the index.
    pub(crate) fn of_bytes(keys: Buf<Str>, valid: Option<&[u64]>, order: &[Range<usize>], threads: usize) -> Self {
        let threads = if keys.len() < PARALLEL_FROM { 1 } else { threads.max(1) };
        let hash = |row: usize| hash_bytes(keys[row].bytes());
        let (places, next) = hashed(
            order,
            threads,
            |row| valid.is_none_or(|valid| bitmap::get(valid, row)),
            hash,
            |row, entry| entry.key == hash(row) && keys[(entry.number - 1) as usize].bytes() == keys[row].bytes(),
            hash,
        );
        Self { lookup: Lookup::Bytes { places, keys }, next }
    }

    /// Whether no key is there twice.
    pub(crate) fn is_unique(&self) -> bool {
        self.next.is_empty()
    }

    /// The row after this one with the same key, or `NONE`.
    #[inline]
    pub(crate) fn next(&self, row: u32) -> u32 {
        if self.next.is_empty() { NONE } else { self.next[row as usize] }
    }

    /// The first row with the key of each selected row, 0 for those that have none (and any for rows that are not
    /// selected, but one that exists if there are rows at all); `found` becomes the selected rows that have one.
    pub(crate) fn find_words(&self, keys: &[u64], selection: &[u64], rows: &mut [u32], found: &mut [u64]) {
        match &self.lookup {
            Lookup::Direct { least, rows: table } => find_direct(*least, table, keys, selection, rows, found),
            Lookup::Words(places) if places.is_large() => {
                let mut slots: Slots = [0; CHUNK_ROWS];
                found.fill(0);
                rows.fill(0);
                let slots = std::cell::Cell::from_mut(&mut slots[..]).as_slice_of_cells();
                let ahead = |row: usize| {
                    let slot = places.slot(hash_word(keys[row]));
                    prefetch(&places.entries[slot]);
                    slots[row].set(slot as u32);
                };
                two_steps(selection, ahead, |row| {
                    let number = places.find(slots[row].get() as usize, |entry| entry.key == keys[row]);
                    if number != NONE {
                        rows[row] = number;
                        bitmap::set(found, row);
                    }
                });
            }
            Lookup::Words(places) => {
                rows.fill(0);
                for (at, &word) in selection.iter().enumerate() {
                    let (mut left, mut hits) = (word, 0);
                    while left != 0 {
                        let bit = left.trailing_zeros() as usize;
                        let key = keys[at * 64 + bit];
                        let number = places.find(places.slot(hash_word(key)), |entry| entry.key == key);
                        if number != NONE {
                            rows[at * 64 + bit] = number;
                            hits |= 1 << bit;
                        }
                        left &= left - 1;
                    }
                    found[at] = hits;
                }
            }
            Lookup::Bytes { .. } => unreachable!("an index of bytes is asked for bytes"),
        }
    }

    /// As [`find_words`](Self::find_words), for bytes.
    pub(crate) fn find_bytes(&self, wanted: &[Str], selection: &[u64], rows: &mut [u32], found: &mut [u64]) {
        let Lookup::Bytes { places, keys } = &self.lookup else { unreachable!("an index of words is asked for words") };
        found.fill(0);
        rows.fill(0);
        let mut hashes = [0u64; CHUNK_ROWS];
        let hashes = std::cell::Cell::from_mut(&mut hashes[..]).as_slice_of_cells();
        let is_large = places.is_large();
        let ahead = |row: usize| {
            let hash = hash_bytes(wanted[row].bytes());
            if is_large {
                prefetch(&places.entries[places.slot(hash)]);
            }
            hashes[row].set(hash);
        };
        two_steps(selection, ahead, |row| {
            let hash = hashes[row].get();
            let number = places.find(places.slot(hash), |entry| {
                entry.key == hash && keys[(entry.number - 1) as usize].bytes() == wanted[row].bytes()
            });
            if number != NONE {
                rows[row] = number;
                bitmap::set(found, row);
            }
        });
    }
}

/// Every row of a word is looked up, selected or not: a load and a compare, no branch.
fn find_direct(least: u64, table: &[u32], keys: &[u64], selection: &[u64], rows: &mut [u32], found: &mut [u64]) {
    let last = table.len() - 1;
    for (at, &word) in selection.iter().enumerate() {
        let start = (at * 64).min(keys.len());
        let end = (start + 64).min(keys.len());
        let mut hits = 0u64;
        if word != 0 {
            for (bit, (key, row)) in keys[start..end].iter().zip(&mut rows[start..end]).enumerate() {
                let slot = key.wrapping_sub(least);
                let number = table[slot.min(last as u64) as usize];
                hits |= u64::from(slot <= last as u64 && number != 0) << bit;
                *row = number.saturating_sub(1);
            }
        } else {
            rows[start..end].fill(0);
        }
        found[at] = hits & word;
    }
}

/// Fills a direct table with the first row of each slot, and threads the rows of a slot together if one has several. Rows
/// come in falling order, so that a slot ends up with its first row.
fn chain(
    order: &[Range<usize>],
    heads: &mut Buf<u32>,
    threads: usize,
    is_valid: impl Fn(usize) -> bool + Sync,
    slot: impl Fn(usize) -> usize + Sync,
) -> Buf<u32> {
    let slots = heads.len();
    // Mostly keys are unique: then the memory for what follows a row is not even touched.
    let shared_heads = heads.shared();
    let is_unique = in_threads(threads, |thread| {
        let owned = owned(thread, slots, threads);
        // SAFETY: a slot belongs to one thread.
        let heads = unsafe { shared_heads.rows(owned.clone()) };
        for row in from_last(order).filter(|row| is_valid(*row)) {
            if let Some(head) = heads.get_mut(slot(row).wrapping_sub(owned.start)) {
                if *head != 0 {
                    return false;
                }
                *head = row as u32 + 1;
            }
        }
        true
    });
    if is_unique {
        return Buf::default();
    }
    heads.fill(0);
    let mut next: Buf<u32> = Buf::zeroed(rows_of(order));
    let (shared_heads, shared_next) = (heads.shared(), next.shared());
    in_threads(threads, |thread| {
        let owned = owned(thread, slots, threads);
        // SAFETY: a slot belongs to one thread.
        let heads = unsafe { shared_heads.rows(owned.clone()) };
        for row in from_last(order).filter(|row| is_valid(*row)) {
            if let Some(head) = heads.get_mut(slot(row).wrapping_sub(owned.start)) {
                // SAFETY: a row belongs to the thread of its slot.
                let next = unsafe { &mut shared_next.rows(row..row + 1)[0] };
                *next = head.wrapping_sub(1);
                *head = row as u32 + 1;
            }
        }
        true
    });
    next
}

/// A hashed table of the first rows, and the rows that follow them.
fn hashed(
    order: &[Range<usize>],
    threads: usize,
    is_valid: impl Fn(usize) -> bool + Sync,
    hash: impl Fn(usize) -> u64 + Sync,
    is_it: impl Fn(usize, &Entry) -> bool + Sync,
    key: impl Fn(usize) -> u64 + Sync,
) -> (Places, Buf<u32>) {
    let mut parts = threads.next_power_of_two();
    let mut room = rows_of(order);
    loop {
        let mut places = Places::with_room_for(room, parts);
        let mut next: Buf<u32> = Buf::zeroed(rows_of(order));
        let slots = places.entries.len();
        let entries: Shared<Entry> = places.entries.shared();
        let shared_next = next.shared();
        let overfull = std::sync::atomic::AtomicBool::new(false);
        let places_ref = &places;
        let part_slots = slots / parts;
        let fill = |part: usize| {
            // SAFETY: a part belongs to one thread.
            let entries = unsafe { entries.rows(part * part_slots..(part + 1) * part_slots) };
            let (mut is_unique, mut used) = (true, 0);
            for row in from_last(order).filter(|row| is_valid(*row)) {
                let slot = places_ref.slot(hash(row));
                if slot / part_slots != part {
                    continue;
                }
                let mut at = slot % part_slots;
                // SAFETY: a row belongs to the thread of its slot.
                let next = unsafe { &mut shared_next.rows(row..row + 1)[0] };
                loop {
                    let entry = &mut entries[at];
                    if entry.number == 0 {
                        if used + 1 == part_slots {
                            overfull.store(true, std::sync::atomic::Ordering::Relaxed);
                            return false;
                        }
                        *entry = Entry { key: key(row), number: row as u64 + 1 };
                        *next = NONE;
                        used += 1;
                        break;
                    }
                    if is_it(row, entry) {
                        *next = (entry.number - 1) as u32;
                        entry.number = row as u64 + 1;
                        is_unique = false;
                        break;
                    }
                    at = (at + 1) % part_slots;
                }
            }
            is_unique
        };
        let is_unique = in_threads(parts, fill);
        if overfull.into_inner() {
            // Keys that all hash into one part: give up on parts, which leaves a free slot for certain.
            (parts, room) = (1, room * 2);
            continue;
        }
        return (places, if is_unique { Buf::default() } else { next });
    }
}

/// Runs all parts and says whether every one said yes.
fn in_threads(parts: usize, fill: impl Fn(usize) -> bool + Sync) -> bool {
    if parts == 1 {
        return fill(0);
    }
    std::thread::scope(|scope| {
        let fill = &fill;
        let others: Vec<_> = (1..parts).map(|part| scope.spawn(move || fill(part))).collect();
        let mut all = fill(0);
        for other in others {
            all &= other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn scattered(count: usize, of: u64) -> Vec<u64> {
        (0..count as u64).map(|n| hash_word(n) % of).collect()
    }

    fn check_words(keys: &[u64], valid: Option<&[u64]>, threads: usize) {
        // The second half came first.
        let order = [keys.len() / 2..keys.len(), 0..keys.len() / 2];
        let index = RowIndex::of_words(keys, valid, &order, threads);
        let mut expected: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for row in order.iter().flat_map(Clone::clone) {
            let key = &keys[row];
            if valid.is_none_or(|valid| bitmap::get(valid, row)) {
                expected.entry(*key).or_default().push(row as u32);
            }
        }
        assert_eq!(index.is_unique(), expected.values().all(|rows| rows.len() == 1));
        let wanted: Vec<u64> = keys.iter().copied().chain([u64::MAX, 1 << 60, 12_345_678]).collect();
        for wanted in wanted.chunks(CHUNK_ROWS) {
            let mut selection = vec![0; CHUNK_ROWS / 64];
            bitmap::fill(&mut selection, wanted.len());
            bitmap::clear(&mut selection, 0);
            let (mut rows, mut found) = (vec![9; wanted.len()], vec![!0; CHUNK_ROWS / 64]);
            index.find_words(wanted, &selection, &mut rows, &mut found);
            for (at, key) in wanted.iter().enumerate() {
                let rows_of_key = expected.get(key).filter(|_| at > 0);
                assert_eq!(bitmap::get(&found, at), rows_of_key.is_some(), "key {key}");
                if let Some(rows_of_key) = rows_of_key {
                    let chain: Vec<u32> =
                        std::iter::successors(Some(rows[at]), |row| Some(index.next(*row)).filter(|row| *row != NONE))
                            .collect();
                    assert_eq!(&chain, rows_of_key);
                }
            }
        }
    }

    #[test]
    fn rows_are_found_by_word_in_build_order() {
        let large = if cfg!(miri) { 3000 } else { 300_000 };
        for threads in [1, 2, 3] {
            check_words(&[], None, threads);
            check_words(&[7], None, threads);
            check_words(&[7, 7, 7, 8], None, threads);
            check_words(&[u64::MAX, 0, 1 << 63, u64::MAX], None, threads);
            check_words(&(0..5000).rev().collect::<Vec<_>>(), None, threads);
            check_words(&scattered(5000, 700), None, threads);
            check_words(&scattered(5000, 1 << 50), None, threads);
            check_words(&scattered(300, 1 << 50), Some(&[0x00ff_00ff_00ff_00ff; 5]), threads);
            check_words(&scattered(300, 100), Some(&[0x00ff_00ff_00ff_00ff; 5]), threads);
            check_words(&scattered(large, 1 << 50), None, threads);
            check_words(&scattered(large, 100_000), None, threads);
        }
    }

    #[test]
    fn rows_are_found_by_bytes() {
        let texts: Vec<String> = scattered(3000, 900).iter().map(|n| format!("a longer key {n}")).collect();
        let keys: Buf<Str> = texts.iter().map(|text| Str::new(text.as_bytes())).collect();
        let index = RowIndex::of_bytes(keys.clone(), None, std::slice::from_ref(&(0..keys.len())), 1);
        let mut selection = [0; CHUNK_ROWS / 64];
        bitmap::fill(&mut selection, 2000);
        let (mut rows, mut found) = (vec![0; 2000], [0; CHUNK_ROWS / 64]);
        index.find_bytes(&keys[..2000], &selection, &mut rows, &mut found);
        assert!(bitmap::is_full(&found, 2000));
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(texts.iter().position(|text| *text == texts[at]), Some(*row as usize));
        }
        index.find_bytes(&[Str::new(b"nowhere")], &[1], &mut rows[..1], &mut found[..1]);
        assert_eq!(found[0], 0);
    }
}
