//! Rows that come late, but within the lateness that is allowed: each gives the windows that it belongs to once more, those that
//! have fired, as far as its own key goes.

use super::build::PaneKey;
use super::merged::{Sets, Window};
use crate::operator::aggregate::{KeySet, Pane};
use crate::operator::collect::Order;
use std::collections::BTreeMap;
use std::ops::Range;

/// Such a row: a pane of one group.
#[derive(Debug)]
pub(crate) struct Again {
    /// The morsel; rows of one morsel stay in order.
    pub(super) order: Order,
    pub(super) key: PaneKey,
    pub(super) set: KeySet,
    pub(super) pane: Pane,
}

impl Again {
    /// Whether it was a part of that window when that fired first; `slices` are those of the window.
    pub(super) fn is_on_time_for(&self, end: i64, slices: Range<i64>) -> bool {
        self.key.on_time_from <= end && slices.contains(&self.key.slice)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.set.memory_bytes() + self.pane.memory_bytes()
    }
}

/// A window that has fired, as it is after some of these rows.
#[derive(Debug)]
struct Refired {
    window: Window,
    /// By number of the key: whether it is to be given.
    wanted: Vec<u8>,
}

/// The windows that fire again.
#[derive(Debug, Default)]
pub(super) struct Refirings {
    windows: BTreeMap<i64, Refired>,
}

impl Refirings {
    /// Adds a row to the window with that end, which `make` makes of what was there before. `give` is called where the same key
    /// is still to be given: with the window and the keys.
    pub(super) fn add(
        &mut self,
        end: i64,
        again: &Again,
        sets: &mut Sets,
        make: impl FnOnce(&mut Sets) -> Window,
        mut give: impl FnMut(i64, &mut Window, &[u8], &mut Sets),
    ) {
        let refired = self.windows.entry(end).or_insert_with(|| Refired { window: make(sets), wanted: Vec::new() });
        let number = refired.window.number(again, sets);
        if refired.wanted.get(number).is_some_and(|wanted| *wanted != 0) {
            give(end, &mut refired.window, &refired.wanted, sets);
            refired.wanted.fill(0);
        }
        refired.window.add(again, sets);
        if refired.wanted.len() <= number {
            refired.wanted.resize(number + 1, 0);
        }
        refired.wanted[number] = 1;
    }

    /// Gives what is left, in the order of the windows' ends.
    pub(super) fn finish(self, sets: &mut Sets, mut give: impl FnMut(i64, &mut Window, &[u8], &mut Sets)) {
        for (end, mut refired) in self.windows {
            give(end, &mut refired.window, &refired.wanted, sets);
        }
    }
}
