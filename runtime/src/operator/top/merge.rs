//! Puts the rows of all workers together: of every key the first, in order.
//!
//! Several threads work on their share of the keys; then all rows are brought into [their order](super::order). Values stay where they are: what
//! comes out are the numbers of rows.

use super::Part;
use super::lists::Kept;
use super::order::{Place, in_order};
use crate::operator::collect::{Order, Rows};
use crate::operator::groups::Groups;
use crate::operator::key::KeyLayout;
use crate::operator::rows::RowsSpec;
use crate::primitive::hash_table::NONE;
use sabot_abi::manifest::ColumnType;

/// Rows below which a second thread costs more than it gives; few where tests are to come this way.
const PARALLEL_FROM: usize = if cfg!(debug_assertions) { 1 << 8 } else { 1 << 16 };

/// All rows, and the numbers of those that come out in their order.
pub(crate) fn finish(spec: &RowsSpec, mut parts: Vec<Part>, threads: usize) -> (Rows, Vec<u32>) {
    parts.retain(|part| part.rows.rows > 0);
    // The largest takes the others over.
    parts.sort_by_key(|part| std::cmp::Reverse(part.rows.rows));
    let all: usize = parts.iter().map(|part| part.rows.rows).sum();
    let ways = if all < PARALLEL_FROM { 1 } else { threads.clamp(1, 16) };
    let runs = numbers_of_runs(&parts);
    let firsts: Vec<u32> = parts
        .iter()
        .scan(0, |next, part| {
            *next += part.rows.rows as u32;
            Some(*next - part.rows.rows as u32)
        })
        .collect();
    let place = |part: usize, kept: &Kept| {
        (kept.rank, u64::from(runs[part][kept.run as usize]) << 32 | u64::from(kept.at), firsts[part] + kept.row)
    };
    let places = in_threads(ways, |way| match &parts[..] {
        [] => Vec::new(),
        [part] => {
            let groups = part.groups.len();
            let share = groups * way / ways..groups * (way + 1) / ways;
            share.flat_map(|group| part.lists.of(group)).map(|kept| place(0, kept)).collect()
        }
        parts => first_of_several(spec, parts, (way, ways), place),
    });
    let order = in_order(places);
    let mut parts = parts.into_iter().map(|part| part.rows);
    let mut rows = parts.next().unwrap_or_else(|| Rows::new(spec.types.iter().copied()));
    parts.for_each(|part| rows.take_over(part));
    (rows, order)
}

/// The rows of one of several shares of the keys, which several workers may have had rows of.
fn first_of_several(
    spec: &RowsSpec,
    parts: &[Part],
    (way, ways): (usize, usize),
    place: impl Fn(usize, &Kept) -> Place,
) -> Vec<Place> {
    let keys: Vec<ColumnType> = spec.partition_by.iter().map(|position| spec.types[*position as usize]).collect();
    let mut groups = Groups::new(&keys, &KeyLayout::of_groups(&keys));
    let mut places = Vec::new();
    // By part: the groups of the share, by their number here.
    let mut lists: Vec<Vec<u32>> = Vec::new();
    for part in parts {
        let way_of = part.groups.partitions(0);
        let numbers = groups.absorb(&part.groups, 0, |group| usize::from(way_of[group]) % ways == way);
        let mut list = vec![NONE; groups.len()];
        for (from, to) in (0..).zip(numbers).filter(|(_, to)| *to != NONE) {
            list[to as usize] = from;
        }
        lists.push(list);
    }
    let limit = spec.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut here = Vec::new();
    for group in 0..groups.len() {
        here.clear();
        for (number, (part, list)) in parts.iter().zip(&lists).enumerate() {
            if let Some(from) = list.get(group).filter(|from| **from != NONE) {
                here.extend(part.lists.of(*from as usize).iter().map(|kept| place(number, kept)));
            }
        }
        if here.len() > limit {
            here.select_nth_unstable(limit - 1);
            here.truncate(limit);
        }
        places.extend_from_slice(&here);
    }
    places
}

/// By part and run: the place of the run among those of all parts.
fn numbers_of_runs(parts: &[Part]) -> Vec<Vec<u32>> {
    let mut all: Vec<(Order, usize, usize)> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        all.extend(part.runs.iter().enumerate().map(|(run, order)| (*order, number, run)));
    }
    all.sort_unstable();
    let mut numbers: Vec<Vec<u32>> = parts.iter().map(|part| vec![0; part.runs.len()]).collect();
    for (place, (_, part, run)) in (0..).zip(all) {
        numbers[part][run] = place;
    }
    numbers
}

/// Does something for each number, on a thread of its own.
pub(super) fn in_threads<R: Send>(count: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if count == 1 {
        return vec![work(0)];
    }
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || work(number))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, R>| thread.join();
        threads
            .into_iter()
            .map(|thread| join(thread).unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
