//! Pieces of a table whose morsels are parts of their own: they are merged in the order of the input as they come, so that what is held
//! is bounded by the groups, not by the rows.
//!
//! A piece is merged when all that stands before it in its pipeline is there: however far that gets, what comes of it is the same as if
//! all had waited for the end. Where rows of a morsel have gone to a file, nothing behind it is merged before they are read again.

use super::Part;
use super::merge::Merging;
use crate::morsel::Seq;
use crate::operator::collect::Order;
use crate::spill::Account;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that may wait, beside as many as the merged groups take: merging a piece costs as much as it has groups, and all cores do so
/// at the end.
const MAY_WAIT: usize = if cfg!(debug_assertions) { 4 << 10 } else { 32 << 20 };

/// The pieces of one way into a table.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Part>,
    waiting_bytes: usize,
    /// Those before all that wait.
    merged: Option<Merging>,
    merged_bytes: usize,
    accounted: usize,
    /// The first morsel of which rows have gone to a file.
    away: Option<Order>,
}

impl Pieces {
    /// Brings the piece of a morsel; all before `frontier` are here, or have gone to a file.
    pub(super) fn bring(&self, part: Part, frontier: Seq, account: &Account) {
        let mut state = self.lock();
        state.waiting_bytes += part.memory_bytes();
        state.waiting.push(part);
        let may_wait = if account.is_over() { 0 } else { MAY_WAIT + state.merged_bytes };
        if state.waiting_bytes > may_wait {
            state.merge(frontier);
        }
        let bytes = state.waiting_bytes + state.merged_bytes;
        account.update(&mut state.accounted, bytes);
    }

    /// Rows of this morsel go to a file.
    pub(super) fn put_away(&self, order: Order) {
        let mut state = self.lock();
        state.away = Some(state.away.map_or(order, |away| away.min(order)));
    }

    /// All of them.
    pub(crate) fn take(&self) -> Vec<Part> {
        let state = std::mem::take(&mut *self.lock());
        state.merged.map(Merging::into_part).into_iter().chain(state.waiting).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn merge(&mut self, frontier: Seq) {
        self.waiting.sort_by_key(Part::first_order);
        let is_next = |part: &Part| {
            let is_before = |order: Order| order.1 < frontier && self.away.is_none_or(|away| order < away);
            part.first_order().is_none_or(is_before)
        };
        let count = self.waiting.iter().take_while(|part| is_next(part)).count();
        let rest = self.waiting.split_off(count);
        for part in std::mem::replace(&mut self.waiting, rest) {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(part.memory_bytes());
            match &mut self.merged {
                None => self.merged = Some(Merging::new(part)),
                Some(merged) => merged.absorb_next(&part),
            }
        }
        self.merged_bytes = self.merged.as_ref().map_or(0, Merging::memory_bytes);
    }
}
