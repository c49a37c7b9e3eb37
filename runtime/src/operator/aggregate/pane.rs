//! Accumulators of one slice of time, by the numbers of a set of keys: every worker fills panes of its own; when nothing can
//! come any more, they are put together, and give their groups in the order of the keys.

use super::keys::{KeySet, Numbering, mark};
use super::{AggregateInput, GroupSpec};
use crate::column::{Column, Values};
use crate::operator::accumulate::{self, Accumulators, FailedRow, Refused, RefusedGroup, Scratch};
use crate::operator::collect::{Order, Rows};
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::Buf;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::Reg;

/// Groups of rows that belong together, by the numbers of a set of keys, which somebody else holds.
#[derive(Debug)]
pub(crate) struct Pane {
    /// By number: one if there is a row of the key. Later numbers have none.
    seen: Buf<u8>,
    /// The last is filled; the others were complete when an earlier morsel came after a later one.
    parts: Vec<Cells>,
}

/// Accumulators, and the morsels that their values came in.
#[derive(Debug)]
struct Cells {
    accumulators: Vec<Accumulators>,
    /// Numbers that the accumulators have room for.
    len: usize,
    /// Rising while it is filled.
    runs: Vec<Order>,
    /// Of a part that holds one morsel: the numbers of its groups, which it counts for itself.
    own: Option<OwnNumbers>,
}

/// The groups of one morsel.
#[derive(Debug, Default)]
struct OwnNumbers {
    /// By group: its number in the set.
    numbers: Vec<u32>,
    /// By number in the set: the group. Only as long as it is filled.
    groups: Vec<u32>,
}

impl Cells {
    fn new(spec: &GroupSpec) -> Self {
        Self { accumulators: spec.accumulators(), len: 0, runs: Vec::new(), own: None }
    }

    /// The rows of one morsel.
    fn piece(spec: &GroupSpec) -> Self {
        Self { own: Some(OwnNumbers::default()), ..Self::new(spec) }
    }

    fn memory_bytes(&self) -> usize {
        let own = self.own.as_ref().map_or(0, |own| (own.numbers.capacity() + own.groups.capacity()) * 4);
        self.accumulators.iter().map(Accumulators::memory_bytes).sum::<usize>() + own
    }

    fn resize(&mut self, len: usize) {
        if self.len < len {
            self.accumulators.iter_mut().for_each(|accumulators| accumulators.resize(len));
            self.len = len;
        }
    }

    /// Adds what others have; `numbers` are here, where there is room for `len`, what theirs are there.
    fn take_over(&mut self, other: &Self, numbers: &[u32], len: usize) {
        self.resize(len);
        let of_own = other.own.as_ref().map(|own| own.numbers.iter().map(|at| numbers[*at as usize]).collect());
        let of_own: Option<Vec<u32>> = of_own;
        let numbers = of_own.as_deref().unwrap_or(&numbers[..other.len]);
        for (ours, theirs) in self.accumulators.iter_mut().zip(&other.accumulators) {
            ours.merge(theirs, numbers, &self.runs, &other.runs);
        }
        self.runs.extend_from_slice(&other.runs);
    }

    /// The same of numbers of the same set.
    fn take_over_same(&mut self, other: &Self) {
        if let Some(own) = &other.own {
            self.resize(own.numbers.iter().max().map_or(0, |greatest| *greatest as usize + 1));
            for (ours, theirs) in self.accumulators.iter_mut().zip(&other.accumulators) {
                ours.merge(theirs, &own.numbers, &self.runs, &other.runs);
            }
            self.runs.extend_from_slice(&other.runs);
            return;
        }
        self.resize(other.len);
        for (ours, theirs) in self.accumulators.iter_mut().zip(&other.accumulators) {
            ours.merge_same(theirs, other.len, &self.runs, &other.runs);
        }
        self.runs.extend_from_slice(&other.runs);
    }
}

impl Pane {
    pub(crate) fn new(spec: &GroupSpec) -> Self {
        Self { seen: Buf::default(), parts: vec![Cells::new(spec)] }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.seen.memory_bytes() + self.parts.iter().map(Cells::memory_bytes).sum::<usize>()
    }

    /// Groups that have rows.
    pub(crate) fn groups(&self) -> usize {
        self.seen.iter().map(|seen| usize::from(*seen)).sum()
    }

    /// The part to which rows of a morsel are added.
    fn start(&mut self, spec: &GroupSpec, order: Order) -> &mut Cells {
        let last = self.parts.last().and_then(|part| part.runs.last()).copied();
        if spec.is_in_pieces {
            if last != Some(order) {
                if let Some(own) = self.parts.last_mut().and_then(|part| part.own.as_mut()) {
                    own.groups = Vec::new();
                }
                self.parts.push(Cells::piece(spec));
            }
        } else if last.is_some_and(|last| last > order) {
            self.parts.push(Cells::new(spec));
        }
        let part = self.parts.last_mut().expect("a pane has a part");
        if part.runs.last().is_none_or(|last| *last != order) {
            part.runs.push(order);
        }
        part
    }

    /// As one part.
    pub(crate) fn joined(mut self) -> Self {
        let mut parts = self.parts.drain(..);
        let mut all = parts.next().expect("a pane has a part");
        parts.for_each(|part| all.take_over_same(&part));
        Self { seen: std::mem::take(&mut self.seen), parts: vec![all] }
    }

    /// Panes whose pieces are put together in the order of the input; by pane the numbers that its have in the set that all are
    /// to count by, which has so many.
    pub(crate) fn in_order(spec: &GroupSpec, panes: &[(Self, Vec<u32>)], len: usize) -> Self {
        let mut all = Self::new(spec);
        let pieces = panes.iter().flat_map(|(pane, numbers)| pane.parts.iter().map(move |part| (part, numbers)));
        let mut pieces: Vec<(&Cells, &Vec<u32>)> = pieces.filter(|(part, _)| !part.runs.is_empty()).collect();
        pieces.sort_by_key(|(part, _)| part.runs[0]);
        all.own().resize(len);
        pieces.into_iter().for_each(|(part, numbers)| all.own().take_over(part, numbers, len));
        panes.iter().for_each(|(pane, numbers)| all.mark(pane, numbers, len));
        all
    }

    /// Groups that another has are here, too.
    fn mark(&mut self, other: &Self, numbers: &[u32], len: usize) {
        self.seen.resize(self.seen.len().max(len));
        for (seen, number) in other.seen.iter().zip(numbers).filter(|(seen, _)| **seen != 0) {
            self.seen[*number as usize] = *seen;
        }
    }

    fn own(&mut self) -> &mut Cells {
        debug_assert!(self.parts.len() == 1, "a pane is joined before others are added to it");
        self.parts.last_mut().expect("a pane has a part")
    }

    /// Adds what another has by the numbers of another set; `numbers` are here, where there are `len` of them, what its are
    /// there. Those that the other has no rows of do not matter.
    pub(crate) fn add(&mut self, other: &Self, numbers: &[u32], len: usize) {
        other.parts.iter().for_each(|part| self.own().take_over(part, numbers, len));
        self.mark(other, numbers, len);
    }

    /// Adds what another has by the numbers of the same set.
    pub(crate) fn add_same(&mut self, other: &Self) {
        other.parts.iter().for_each(|part| self.own().take_over_same(part));
        self.seen.resize(self.seen.len().max(other.seen.len()));
        self.seen.iter_mut().zip(&*other.seen).for_each(|(seen, other)| *seen |= other);
    }

    /// Adds what another has by the numbers of another set, whose keys are looked for one by one.
    pub(crate) fn add_of(&mut self, set: &mut KeySet, other: &Self, of: &KeySet) {
        let numbers = set.absorb(of, |number| other.seen.get(number).is_some_and(|seen| *seen != 0));
        self.add(other, &numbers, set.len());
    }

    /// Which numbers have rows; to be called when nothing is added any more.
    pub(crate) fn take_seen(&mut self) -> Buf<u8> {
        std::mem::take(&mut self.seen)
    }

    /// Adds the groups of the numbers that are wanted to `out`, in the order of their keys: the keys, then start and end of the
    /// window if there is one, then the calls. Groups without a value are left out, and go to `refused`.
    pub(crate) fn give(
        &mut self,
        set: &mut KeySet,
        spec: &GroupSpec,
        wanted: &[u8],
        window: Option<(i64, i64)>,
        out: &mut Rows,
        refused: &mut Vec<RefusedGroup>,
    ) {
        let keys = set.columns(spec);
        let count = wanted.iter().map(|wanted| usize::from(*wanted)).sum();
        let mut order = set.in_order(&keys, wanted, count);
        let part = self.own();
        let mut failed = Refused::default();
        let mut values = |order: &[u32], failed: &mut Refused| -> Vec<Column> {
            accumulate::columns(&mut part.accumulators, order.iter().map(|number| *number as usize), failed)
        };
        let mut calls = values(&order, &mut failed);
        if !failed.is_empty() {
            let key = |number: u32| keys.iter().map(|key| key.show(number as usize)).collect();
            let numbers = order.iter().copied().filter(|number| failed.contains(*number));
            refused.extend(numbers.map(|number| failed.with_key(number, key(number))));
            order.retain(|number| !failed.contains(*number));
            calls = values(&order, &mut failed);
        }
        let bounds = if window.is_some() { 2 } else { 0 };
        let (to_keys, rest) = out.columns.split_at_mut(keys.len());
        let (to_bounds, to_calls) = rest.split_at_mut(bounds);
        let first = out.rows;
        for (to, from) in to_keys.iter_mut().zip(&keys) {
            to.extend_rows(from, &order);
            to.keep_strings(first, &mut out.strings);
        }
        for (to, from) in to_calls.iter_mut().zip(&calls) {
            to.append(from, 0..order.len());
            to.keep_strings(first, &mut out.strings);
        }
        if let Some((start, end)) = window {
            for (to, value) in to_bounds.iter_mut().zip([start, end]) {
                fill(to, order.len(), value);
            }
        }
        out.rows += order.len();
    }
}

/// Adds rows with one value.
fn fill(column: &mut Column, rows: usize, value: i64) {
    let first = column.grow(rows);
    if let Values::Eight(values) = &mut column.values {
        values[first..].fill(value as u64);
    }
}

/// What a worker needs to add rows to panes.
#[derive(Debug)]
pub(crate) struct Filler {
    spec: GroupSpec,
    numbering: Numbering,
    inputs: Vec<AggregateInput>,
    /// All zero, if there are no keys.
    numbers: Buf<u32>,
    scratch: Scratch,
}

impl Filler {
    pub(crate) fn new(spec: &GroupSpec, keys: &[Reg], inputs: &[AggregateInput]) -> Self {
        Self {
            numbering: Numbering::new(spec, keys),
            inputs: inputs.to_vec(),
            numbers: Buf::zeroed(CHUNK_ROWS),
            scratch: Scratch::default(),
            spec: spec.clone(),
        }
    }

    /// The rows that could not be added since this was asked last, and what each of the calls takes.
    pub(crate) fn take_failed(&mut self) -> (Vec<FailedRow>, &[AggregateInput]) {
        (std::mem::take(&mut self.scratch.failed), &self.inputs)
    }

    /// Adds the selected rows of a chunk to a pane of that set.
    pub(crate) fn add(
        &mut self,
        (set, pane): (&mut KeySet, &mut Pane),
        order: Order,
        registers: &mut Registers,
        selection: &Selection,
    ) {
        let numbers = &mut self.numbers[..selection.rows];
        self.numbering.number(set, registers, selection, numbers);
        pane.seen.resize(set.len());
        mark(&mut pane.seen, numbers, selection);
        let part = pane.start(&self.spec, order);
        let len = match &mut part.own {
            None => set.len(),
            Some(own) => {
                own.groups.resize(set.len(), NONE);
                bitmap::for_each(selection.used(), |row| {
                    let number = numbers[row];
                    let group = &mut own.groups[number as usize];
                    if *group == NONE {
                        *group = own.numbers.len() as u32;
                        own.numbers.push(number);
                    }
                    numbers[row] = *group;
                });
                own.numbers.len()
            }
        };
        part.resize(len);
        let run = part.runs.len() as u32 - 1;
        for (accumulators, input) in part.accumulators.iter_mut().zip(&self.inputs) {
            accumulators.update(input, numbers, registers, selection, &mut self.scratch, run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::{BaseType, ColumnType};

    impl GroupSpec {
        /// Groups by one number, without calls.
        pub(crate) fn of_words() -> Self {
            Self::new(&[ColumnType { base: BaseType::UInt64, nullable: false }], &[], &accumulate::Users::default())
        }
    }

    impl Pane {
        /// Adds a row of each key.
        pub(crate) fn add_words(&mut self, set: &mut KeySet, keys: impl Iterator<Item = u64>) {
            for key in keys {
                let number = set.number_of_word(key) as usize;
                self.seen.resize(self.seen.len().max(number + 1));
                self.seen[number] = 1;
            }
        }
    }
}
