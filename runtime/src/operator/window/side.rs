//! What one worker has in a table of windows: panes, and the sets of keys that they count by.
//!
//! Keys that come in one slice of time mostly come in the next one, so its pane counts by the same set. Where they do not,
//! a set would grow without end: when it holds much more than a slice has, the next pane begins another, and if that happens
//! again and again, panes have sets of their own for a while.

use super::again::Again;
use super::build::PaneKey;
use crate::operator::aggregate::{GroupSpec, KeySet, Pane};
use std::collections::{BTreeMap, BTreeSet};

/// Keys beyond one and a half times those of a slice, which a set may hold.
const SPARE_KEYS: usize = 256;

/// Panes that a set must have served for it to be worth it.
const FEW_PANES: u32 = 3;

/// Panes with sets of their own before sharing is tried again.
const ALONE: u32 = 16;

/// Whether a set holds too much for what the greatest of its last slices has.
pub(super) fn is_too_large(keys: usize, used: usize) -> bool {
    keys > used + used / 2 + SPARE_KEYS
}

/// A pane, and the number of its set.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(super) pane: Pane,
    pub(super) set: u32,
}

/// The panes of one worker, and the rows for which windows fire again, in the order of the morsels that it had.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(super) panes: BTreeMap<PaneKey, Filled>,
    pub(super) again: Vec<Again>,
    /// Those that panes count by, and the current one.
    pub(super) sets: BTreeMap<u32, KeySet>,
    current: Option<u32>,
    next_set: u32,
    /// Panes that were begun with the current set.
    served: u32,
    /// Panes that are still to have sets of their own.
    alone: u32,
    /// Groups of the panes that were taken last; less of those before them.
    used: usize,
}

impl Side {
    /// The pane of a key, with its set; if there is none, it begins now. `is_shared`: its keys may come in others.
    pub(super) fn pane(&mut self, key: PaneKey, spec: &GroupSpec, is_shared: bool) -> (&mut KeySet, &mut Pane) {
        if !self.panes.contains_key(&key) {
            let set = self.set_of_new_pane(spec, is_shared);
            self.panes.insert(key, Filled { pane: Pane::new(spec), set });
        }
        let filled = self.panes.get_mut(&key).expect("it is there now");
        let set = self.sets.get_mut(&filled.set).expect("a set stays as long as a pane counts by it");
        (set, &mut filled.pane)
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        let panes = self.panes.values().map(|filled| filled.pane.memory_bytes()).sum::<usize>();
        let sets = self.sets.values().map(KeySet::memory_bytes).sum::<usize>();
        panes + sets + self.again.iter().map(Again::memory_bytes).sum::<usize>()
    }

    fn new_set(&mut self, spec: &GroupSpec) -> u32 {
        let set = self.next_set;
        self.next_set += 1;
        self.sets.insert(set, KeySet::new(spec));
        set
    }

    fn set_of_new_pane(&mut self, spec: &GroupSpec, is_shared: bool) -> u32 {
        if !is_shared {
            return self.new_set(spec);
        }
        if self.alone > 0 {
            self.alone -= 1;
            return self.new_set(spec);
        }
        if let Some((current, set)) = self.current.and_then(|current| Some((current, self.sets.get(&current)?))) {
            let open = self.panes.values().filter(|filled| filled.set == current).map(|filled| filled.pane.groups());
            let used = open.max().unwrap_or(0).max(self.used);
            if !is_too_large(set.len(), used) {
                self.served += 1;
                return current;
            }
            self.current = None;
            if self.served < FEW_PANES {
                self.alone = ALONE;
            }
            self.drop_unused();
            return self.set_of_new_pane(spec, is_shared);
        }
        self.served = 1;
        let set = self.new_set(spec);
        self.current = Some(set);
        set
    }

    /// Takes a pane out, and its set, if nothing else counts by it or will.
    pub(super) fn take(&mut self, key: &PaneKey) -> Option<(Filled, Option<KeySet>)> {
        let filled = self.panes.remove(key)?;
        let set = filled.set;
        if self.current == Some(set) {
            self.used = (self.used - self.used / 4).max(filled.pane.groups());
            return Some((filled, None));
        }
        let is_used = self.panes.values().any(|other| other.set == set);
        let own = if is_used { None } else { self.sets.remove(&set) };
        Some((filled, own))
    }

    /// Drops sets that no pane counts by.
    fn drop_unused(&mut self) {
        let used: BTreeSet<u32> = self.panes.values().map(|filled| filled.set).chain(self.current).collect();
        self.sets.retain(|set, _| used.contains(set));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(slice: i64) -> PaneKey {
        PaneKey { slice, from_end: slice + 1, on_time_from: slice + 1 }
    }

    /// The numbers of the sets of panes that have that many of those keys each, and whether a set goes along with a pane.
    fn sets(panes: impl Iterator<Item = std::ops::Range<u64>>, is_shared: bool) -> Vec<(u32, bool)> {
        let spec = GroupSpec::of_words();
        let mut side = Side::default();
        panes
            .enumerate()
            .map(|(slice, keys)| {
                let (set, pane) = side.pane(key(slice as i64), &spec, is_shared);
                pane.add_words(set, keys);
                let (filled, own) = side.take(&key(slice as i64)).expect("it was begun");
                (filled.set, own.is_some())
            })
            .collect()
    }

    #[test]
    fn keys_that_come_again_are_numbered_once() {
        let all = sets((0..50).map(|slice| slice..slice + 1000), true);
        assert!(all.iter().all(|(set, own)| (*set, *own) == (0, false)), "{all:?}");
    }

    #[test]
    fn keys_that_do_not_are_left_behind() {
        let all = sets((0..60).map(|slice| slice * 1000..(slice + 1) * 1000), true);
        let own = all.iter().filter(|(_, own)| *own).count();
        assert!((40..60).contains(&own), "{all:?}");
        let all = sets((0..10).map(|slice| slice..slice + 1), false);
        assert!(all.iter().enumerate().all(|(at, (set, own))| *set == at as u32 && *own), "{all:?}");
    }

    #[test]
    fn few_keys_after_many_begin_anew() {
        let all = sets((0..20).map(|slice| if slice == 0 { 0..10_000 } else { 0..10 }), true);
        assert_eq!(all[1].0, 0, "nothing is known yet");
        assert!(all[6..].iter().all(|(set, _)| *set > 0), "{all:?}");
    }
}
