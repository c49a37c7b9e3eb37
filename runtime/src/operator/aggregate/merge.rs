//! Puts the groups of all workers together.
//!
//! Many groups are merged by several threads, each those of its share of the hashes. In the order of their first rows they are
//! brought without sorting: every worker has numbered its groups in that order, so it is enough to go through the morsels in
//! input order, and to take of each the groups that were first seen in it.

use super::{First, GroupSpec, Part};
use crate::column::Column;
use crate::operator::accumulate::{Accumulators, Refused, RefusedGroup, finish_all};
use crate::operator::collect::Order;
use crate::primitive::hash_table::NONE;

/// The table, complete.
#[derive(Debug)]
pub(crate) struct GroupTable {
    /// Keys, then calls; groups in the order of their first rows.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    /// Strings of the columns refer to them.
    #[expect(dead_code, reason = "keeps the bytes of the columns")]
    parts: Vec<Part>,
    /// Keys, as text, of groups that are left out because they have no value.
    pub(crate) refused: Vec<RefusedGroup>,
}

/// Groups of all workers below which a second thread costs more than it gives; few where tests are to come this way.
const PARALLEL_FROM: usize = if cfg!(debug_assertions) { 1 << 8 } else { 1 << 16 };

impl GroupTable {
    /// Merges the workers' parts.
    pub(crate) fn build(spec: &GroupSpec, mut parts: Vec<Part>, threads: usize) -> Self {
        let is_global = spec.keys.is_empty();
        parts.retain(|part| is_global || part.groups.len() > 0);
        if spec.is_in_pieces {
            parts.sort_by_key(Part::first_order);
        } else {
            // The largest takes the others over.
            parts.sort_by_key(|part| std::cmp::Reverse(part.groups.len()));
        }
        let ways = threads.min(16);
        if ways > 1 && parts.len() > 1 && parts.iter().map(|part| part.groups.len()).sum::<usize>() >= PARALLEL_FROM {
            return Self::build_in_parallel(spec, parts, ways);
        }
        let runs: Vec<Runs> = parts.iter().map(Runs::of).collect();
        let mut parts = parts.into_iter();
        let mut merging = Merging::new(parts.next().unwrap_or_else(|| Part::new(spec)));
        let others: Vec<Part> = parts.collect();
        for (number, other) in others.iter().enumerate() {
            if number + 1 == others.len() {
                merging.nothing_follows();
            }
            merging.absorb(other, |_| true);
        }
        // Of one part alone groups are in order already.
        let order = (!others.is_empty() && !is_global).then(|| in_order(&runs, &[&merging], |_, _| 0));
        let mut way = merging.finish(spec);
        way.parts.extend(others);
        way.into_table(spec, order)
    }

    fn build_in_parallel(spec: &GroupSpec, parts: Vec<Part>, ways: usize) -> Self {
        let way_of: Vec<Vec<u8>> = in_threads(&parts, |part| {
            let mut partitions = part.groups.partitions(0);
            partitions.iter_mut().for_each(|partition| *partition %= ways as u8);
            partitions
        });
        let numbers: Vec<usize> = (0..ways).collect();
        let merged = in_threads(&numbers, |way| {
            let mut merging = Merging::new(Part::like(spec, parts.first()));
            merging.numbers.clear();
            for (number, (part, way_of)) in parts.iter().zip(&way_of).enumerate() {
                if number + 1 == parts.len() {
                    merging.nothing_follows();
                }
                merging.absorb(part, |group| usize::from(way_of[group]) == *way);
            }
            merging
        });
        let runs: Vec<Runs> = parts.iter().map(Runs::of).collect();
        let refs: Vec<&Merging> = merged.iter().collect();
        let order = in_order(&runs, &refs, |part, group| usize::from(way_of[part][group as usize]));
        let merged: Vec<std::sync::Mutex<Option<Merging>>> =
            merged.into_iter().map(|merging| std::sync::Mutex::new(Some(merging))).collect();
        let finished = in_threads(&merged, |merging| {
            let merging = merging.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            merging.map(|merging| merging.finish(spec))
        });
        let mut all = Finished { parts, ..Finished::default() };
        let mut columns: Vec<Vec<Column>> = Vec::new();
        for way in finished.into_iter().flatten() {
            let first = all.rows as u32;
            way.refused.iter().for_each(|(group, why)| all.refused.add(group + first, why));
            all.rows += way.rows;
            all.parts.extend(way.parts);
            columns.push(way.columns);
        }
        let numbers: Vec<usize> = (0..columns[0].len()).collect();
        all.columns = in_threads(&numbers, |number| {
            let mut column = Column::new(columns[0][*number].ty);
            columns.iter().for_each(|way| column.append(&way[*number], 0..way[*number].len()));
            column.take(&order)
        });
        // They are in order now.
        let mut refused = Refused::default();
        for (at, group) in (0..).zip(&order) {
            all.refused.get(*group).into_iter().for_each(|why| refused.add(at, why));
        }
        all.refused = refused;
        all.into_table(spec, None)
    }

    /// The groups that are wanted, and where their first rows stand. Strings may refer to the parts.
    pub(super) fn of_partition(spec: &GroupSpec, parts: &[Filtered<'_>]) -> (Self, Firsts) {
        let mut merging = Merging::new(Part::new(spec));
        let mut parts: Vec<&Filtered<'_>> = parts.iter().collect();
        if spec.is_in_pieces {
            parts.sort_by_key(|filtered| filtered.part.first_order());
        }
        for filtered in parts {
            merging.absorb(filtered.part, |group| filtered.wanted[group]);
        }
        let firsts = std::mem::take(&mut merging.firsts);
        let mut order: Vec<u32> = (0..firsts.len() as u32).collect();
        order.sort_unstable_by_key(|group| firsts[*group as usize]);
        let way = merging.finish(spec);
        let first = |group: &u32| firsts[*group as usize];
        let (refused, kept): (Vec<u32>, Vec<u32>) = order.iter().partition(|group| way.refused.contains(**group));
        let firsts = Firsts { kept: kept.iter().map(first).collect(), refused: refused.iter().map(first).collect() };
        (way.into_table(spec, Some(order)), firsts)
    }
}

/// A part of which some groups are wanted.
#[derive(Clone)]
pub(super) struct Filtered<'a> {
    pub(super) part: &'a Part,
    /// By group.
    pub(super) wanted: Vec<bool>,
}

/// First rows, by row of a [`GroupTable`].
pub(super) struct Firsts {
    pub(super) kept: Vec<First>,
    pub(super) refused: Vec<First>,
}

/// Does something with each, on a thread of its own.
fn in_threads<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = all.iter().map(|one| scope.spawn(move || work(one))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, R>| thread.join();
        threads
            .into_iter()
            .map(|thread| join(thread).unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// The morsels of a part, and how many groups it has.
struct Runs {
    runs: Vec<(Order, u32)>,
    groups: u32,
}

impl Runs {
    fn of(part: &Part) -> Self {
        Self { runs: part.runs.clone(), groups: part.groups.len() as u32 }
    }
}

/// Parts on their way into one.
#[derive(Debug)]
pub(super) struct Merging {
    all: Part,
    runs: Vec<Order>,
    /// Where the first row of each group came from.
    firsts: Vec<First>,
    /// By part: the groups here of its groups that are here, in rising order.
    numbers: Vec<Vec<u32>>,
}

impl Merging {
    pub(super) fn new(all: Part) -> Self {
        let groups = 0..all.groups.len() as u32;
        let firsts = groups.clone().map(|group| all.first_of(group)).collect();
        Self { runs: all.orders(), all, firsts, numbers: vec![groups.collect()] }
    }

    /// Takes over the piece of the next morsel: what comes of it is as if one worker had had all of them, one after the other.
    pub(super) fn absorb_next(&mut self, piece: &Part) {
        let first = self.all.groups.len() as u32;
        self.absorb(piece, |_| true);
        self.numbers.truncate(1);
        self.all.runs.extend(piece.runs.iter().map(|(order, _)| (*order, first)));
        debug_assert_eq!(self.all.orders(), self.runs, "runs are numbered alike");
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        let numbers = self.numbers.iter().map(Vec::capacity).sum::<usize>() * size_of::<u32>();
        self.all.memory_bytes() + self.firsts.capacity() * size_of::<First>() + numbers
    }

    /// What it is of the pieces.
    pub(super) fn into_part(self) -> Part {
        self.all
    }

    /// The next part is the last that comes.
    fn nothing_follows(&mut self) {
        self.all.accumulators.iter_mut().for_each(Accumulators::nothing_follows);
    }

    fn absorb(&mut self, other: &Part, wanted: impl Fn(usize) -> bool) {
        let mut numbers = self.all.groups.absorb(&other.groups, 0, wanted);
        let orders = other.orders();
        let (groups, runs) = (self.all.groups.len(), &self.runs);
        let merge = |ours: &mut Accumulators, theirs: &Accumulators| {
            ours.before_merge(theirs, &numbers);
            ours.resize(groups);
            ours.merge(theirs, &numbers, runs, &orders);
        };
        let calls = || other.accumulators.iter().filter(|call| call.words() > PARALLEL_FROM);
        let is_parallel = calls().count() > 1;
        std::thread::scope(|scope| {
            for (ours, theirs) in self.all.accumulators.iter_mut().zip(&other.accumulators) {
                if is_parallel && theirs.words() > PARALLEL_FROM {
                    let merge = &merge;
                    scope.spawn(move || merge(ours, theirs));
                } else {
                    merge(ours, theirs);
                }
            }
        });
        self.runs.extend(orders);
        for (from, to) in numbers.iter().enumerate().filter(|(_, to)| **to != NONE) {
            let theirs = other.first_of(from as u32);
            match self.firsts.get_mut(*to as usize) {
                Some(first) => *first = theirs.min(*first),
                None => self.firsts.push(theirs), // groups are numbered as they come
            }
        }
        numbers.retain(|number| *number != NONE);
        self.numbers.push(numbers);
    }

    fn finish(self, spec: &GroupSpec) -> Finished {
        let mut all = self.all;
        let rows = all.groups.len();
        let mut columns = all.groups.columns(&spec.layout, &spec.keys);
        let mut refused = Refused::default();
        columns.extend(finish_all(&mut all.accumulators, &spec.shares, rows, &mut refused));
        Finished { columns, rows, refused, parts: vec![all] }
    }
}

/// Numbers of all groups, way behind way, in the order of their first rows.
fn in_order(parts: &[Runs], ways: &[&Merging], way_of: impl Fn(usize, u32) -> usize) -> Vec<u32> {
    let mut runs: Vec<(Order, usize, std::ops::Range<u32>)> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let ends = part.runs.iter().skip(1).map(|(_, first)| *first).chain([part.groups]);
        runs.extend(part.runs.iter().zip(ends).map(|((order, first), end)| (*order, number, *first..end)));
    }
    runs.sort_unstable_by_key(|(order, ..)| *order);
    let mut before = Vec::new();
    let mut rows = 0;
    for way in ways {
        before.push(rows);
        rows += way.firsts.len() as u32;
    }
    // By part and way: how many of its groups have had their turn.
    let mut turns = vec![vec![0usize; ways.len()]; parts.len()];
    let mut order = Vec::with_capacity(rows as usize);
    // Several ways into the table within one pipeline share their morsels: a group may seem to begin in each of them.
    let mut is_there = vec![false; rows as usize];
    for (morsel, part, groups) in runs {
        for group in groups {
            let way = way_of(part, group);
            let turn = &mut turns[part][way];
            let number = ways[way].numbers[part][*turn];
            *turn += 1;
            let place = before[way] + number;
            if ways[way].firsts[number as usize] == (morsel, u64::from(group)) && !is_there[place as usize] {
                is_there[place as usize] = true;
                order.push(place);
            }
        }
    }
    order
}

/// Columns of groups, in the order in which they were merged.
#[derive(Default)]
struct Finished {
    columns: Vec<Column>,
    rows: usize,
    refused: Refused,
    parts: Vec<Part>,
}

impl Finished {
    /// Brings the groups into that order, and leaves out those without a value.
    fn into_table(self, spec: &GroupSpec, mut order: Option<Vec<u32>>) -> GroupTable {
        let Self { mut columns, rows, refused, parts } = self;
        let mut failed = Vec::new();
        if !refused.is_empty() {
            let in_order = order.unwrap_or_else(|| (0..rows as u32).collect());
            let (out, kept): (Vec<u32>, Vec<u32>) = in_order.into_iter().partition(|group| refused.contains(*group));
            let key =
                |group: u32| columns[..spec.keys.len()].iter().map(|column| column.show(group as usize)).collect();
            failed = out.into_iter().map(|group| refused.with_key(group, key(group))).collect();
            order = Some(kept);
        }
        if let Some(order) = &order {
            columns = columns.iter().map(|column| column.take(order)).collect();
        }
        let rows = order.map_or(rows, |order| order.len());
        GroupTable { columns, rows, parts, refused: failed }
    }
}
