//! Slices that are complete, put together of all workers' panes, and the sets of keys that they count by.
//!
//! Workers number keys for themselves; a slice counts by a set of the table, to which each worker's numbers are translated by
//! a list that only grows. So a slice costs an addition per group, and no key is looked for twice. Panes that have a set to
//! themselves bring it along: the largest takes the others over.

use super::again::Again;
use super::build::PaneKey;
use super::side::is_too_large;
use crate::operator::aggregate::{GroupSpec, KeySet, Pane};
use std::collections::{BTreeMap, BTreeSet};

/// A worker, and one of its sets.
pub(super) type SetOfSide = (usize, u32);

/// A pane that came from a worker.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) pane: Pane,
    pub(super) keys: BroughtKeys,
}

/// The set of such a pane.
#[derive(Debug)]
pub(super) enum BroughtKeys {
    /// It is all its own.
    Own(Box<KeySet>),
    /// The worker goes on with it.
    Of(SetOfSide),
}

/// Rows of one slice, complete: no row comes that is on time for them.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) key: PaneKey,
    pub(super) set: u32,
    pub(super) pane: Pane,
}

/// The sets of a table.
#[derive(Debug, Default)]
pub(super) struct Sets {
    sets: BTreeMap<u32, KeySet>,
    next: u32,
    /// The one that new slices count by.
    current: Option<u32>,
    /// Groups of the slices that were completed last; less of those before them.
    used: usize,
    /// Of the current set: its numbers of the keys of workers' sets.
    numbers: BTreeMap<SetOfSide, Vec<u32>>,
}

impl Sets {
    pub(super) fn memory_bytes(&self) -> usize {
        self.sets.values().map(KeySet::memory_bytes).sum()
    }

    pub(super) fn get(&self, set: u32) -> &KeySet {
        &self.sets[&set]
    }

    pub(super) fn get_mut(&mut self, set: u32) -> &mut KeySet {
        self.sets.get_mut(&set).expect("a set stays as long as a slice counts by it")
    }

    fn add(&mut self, set: KeySet) -> u32 {
        let number = self.next;
        self.next += 1;
        self.sets.insert(number, set);
        number
    }

    /// Slices are about to be completed: the current set is one that is not too large.
    pub(super) fn begin(&mut self, spec: &GroupSpec) {
        let is_fit = |set: &KeySet| !is_too_large(set.len(), self.used);
        if !self.current.and_then(|current| self.sets.get(&current)).is_some_and(is_fit) {
            self.numbers.clear();
            self.current = Some(self.add(KeySet::new(spec)));
        }
        self.used -= self.used / 4;
    }

    fn current(&mut self) -> u32 {
        self.current.expect("a set was begun")
    }

    /// Learns the keys that a worker's set has got since.
    pub(super) fn learn(&mut self, of: SetOfSide, set: &KeySet) {
        let current = self.current();
        let ours = self.sets.get_mut(&current).expect("the current set is there");
        ours.absorb_new(set, self.numbers.entry(of).or_default());
    }

    /// Forgets what workers do not count by any more.
    pub(super) fn forget(&mut self, is_there: impl Fn(SetOfSide) -> bool) {
        self.numbers.retain(|of, _| is_there(*of));
    }

    /// The slice of the panes of all workers.
    pub(super) fn complete(&mut self, spec: &GroupSpec, key: PaneKey, panes: Vec<Brought>) -> Complete {
        if spec.is_in_pieces {
            return self.complete_in_order(spec, key, panes);
        }
        let mut own = Vec::new();
        let mut others = Vec::new();
        for Brought { pane, keys } in panes {
            let pane = pane.joined();
            match keys {
                BroughtKeys::Own(set) => own.push((set, pane)),
                BroughtKeys::Of(of) => others.push((of, pane)),
            }
        }
        if others.is_empty() {
            let largest = (0..own.len()).max_by_key(|at| own[*at].0.len()).expect("a slice has a pane");
            let (mut set, mut pane) = own.swap_remove(largest);
            own.iter().for_each(|(of, other)| pane.add_of(&mut set, other, of));
            return Complete { key, set: self.add(*set), pane };
        }
        let current = self.current();
        let set = self.sets.get_mut(&current).expect("the current set is there");
        let is_same = |numbers: &[u32]| numbers.iter().enumerate().all(|(at, number)| at == *number as usize);
        let mut all: Option<Pane> = None;
        // Those with the same numbers first: one of them takes the others over.
        others.sort_by_key(|(of, _)| !is_same(&self.numbers[of]));
        for (of, pane) in others {
            let numbers = &self.numbers[&of];
            match &mut all {
                None if is_same(numbers) => all = Some(pane),
                Some(all) if is_same(numbers) => all.add_same(&pane),
                None | Some(_) => all.get_or_insert_with(|| Pane::new(spec)).add(&pane, numbers, set.len()),
            }
        }
        let mut all = all.unwrap_or_else(|| Pane::new(spec));
        own.iter().for_each(|(of, pane)| all.add_of(set, pane, of));
        self.used = self.used.max(all.groups());
        Complete { key, set: current, pane: all }
    }

    /// Adds a row to the slice's pane of its kind, if there is one; otherwise it is one.
    pub(super) fn keep_row(&mut self, panes: &mut Vec<Complete>, row: Again) {
        let Again { key, set, pane, .. } = row;
        match panes.iter_mut().find(|complete| complete.key == key) {
            Some(complete) => complete.pane.add_of(self.get_mut(complete.set), &pane, &set),
            None => panes.push(Complete { key, set: self.add(set), pane: pane.joined() }),
        }
    }

    /// The same where it matters in which order pieces are put together.
    fn complete_in_order(&mut self, spec: &GroupSpec, key: PaneKey, panes: Vec<Brought>) -> Complete {
        let is_shared = panes.iter().any(|brought| matches!(brought.keys, BroughtKeys::Of(_)));
        let number = if is_shared { self.current() } else { self.add(KeySet::new(spec)) };
        let mut all = Vec::with_capacity(panes.len());
        for Brought { pane, keys } in panes {
            let numbers = match keys {
                BroughtKeys::Of(of) => self.numbers[&of].clone(),
                BroughtKeys::Own(of) => self.get_mut(number).absorb(&of, |_| true),
            };
            all.push((pane, numbers));
        }
        let pane = Pane::in_order(spec, &all, self.get(number).len());
        if is_shared {
            self.used = self.used.max(pane.groups());
        }
        Complete { key, set: number, pane }
    }

    /// Drops the sets that no slice counts by any more.
    pub(super) fn keep(&mut self, used: impl Iterator<Item = u32>) {
        let used: BTreeSet<u32> = used.chain(self.current).collect();
        self.sets.retain(|set, _| used.contains(set));
    }
}

/// The groups of a window.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) keys: WindowKeys,
    pub(super) pane: Pane,
}

/// What the groups of a window are numbered by.
#[derive(Debug)]
pub(super) enum WindowKeys {
    /// A set of the table.
    Of(u32),
    Own(Box<KeySet>),
}

impl Window {
    /// A window of nothing.
    pub(super) fn new(spec: &GroupSpec) -> Self {
        Self { keys: WindowKeys::Own(Box::new(KeySet::new(spec))), pane: Pane::new(spec) }
    }

    pub(super) fn set<'a>(&'a mut self, sets: &'a mut Sets) -> (&'a mut KeySet, &'a mut Pane) {
        let set = match &mut self.keys {
            WindowKeys::Of(set) => sets.get_mut(*set),
            WindowKeys::Own(set) => set,
        };
        (set, &mut self.pane)
    }

    /// The number that a row's key has here.
    pub(super) fn number(&mut self, row: &Again, sets: &mut Sets) -> usize {
        let mut numbers = Vec::new();
        self.set(sets).0.absorb_new(&row.set, &mut numbers);
        numbers[0] as usize
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: &Again, sets: &mut Sets) {
        let (set, pane) = self.set(sets);
        pane.add_of(set, &row.pane, &row.set);
    }
}

impl Sets {
    /// The window of some slices: those that are its alone, and those that others share.
    pub(super) fn window(&self, spec: &GroupSpec, mut own: Vec<Complete>, shared: &[&Complete]) -> Option<Window> {
        let first = own.first().or(shared.first().copied())?.set;
        let is_one = own.iter().chain(shared.iter().copied()).all(|complete| complete.set == first);
        if is_one {
            // Where it matters which comes first, the earliest takes the others over.
            let first_taken = if spec.is_in_pieces && !own.is_empty() { Some(own.remove(0)) } else { own.pop() };
            let mut pane = first_taken.map_or_else(|| Pane::new(spec), |complete| complete.pane);
            own.iter().chain(shared.iter().copied()).for_each(|complete| pane.add_same(&complete.pane));
            return Some(Window { keys: WindowKeys::Of(first), pane });
        }
        let mut set = KeySet::new(spec);
        let mut pane = Pane::new(spec);
        for complete in own.iter().chain(shared.iter().copied()) {
            pane.add_of(&mut set, &complete.pane, self.get(complete.set));
        }
        Some(Window { keys: WindowKeys::Own(Box::new(set)), pane })
    }
}
