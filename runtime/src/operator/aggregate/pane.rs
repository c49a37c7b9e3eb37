//! Groups and accumulators of one slice of time: every worker fills panes of its own; when nothing can come any more, they
//! are put together, and give their groups in the order of the keys.

use super::{AggregateInput, GroupSpec, Groups, Part};
use crate::column::{Column, Values};
use crate::operator::accumulate::Scratch;
use crate::operator::collect::{Order, Rows};
use crate::operator::key::{KeyReader, Keys};
use crate::operator::rows;
use crate::primitive::memory::Buf;
use crate::primitive::packed::Packed;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::Reg;
use std::collections::BTreeSet;

/// Groups of rows that belong together.
#[derive(Debug)]
pub(crate) struct Pane {
    /// The last is filled; the others were complete when an earlier morsel came after a later one.
    parts: Vec<Part>,
}

impl Pane {
    pub(crate) fn new(spec: &GroupSpec) -> Self {
        Self { parts: vec![Part::new(spec)] }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.parts.iter().map(Part::memory_bytes).sum()
    }

    /// The part to which rows of a morsel are added.
    fn start(&mut self, spec: &GroupSpec, order: Order) -> &mut Part {
        let last = self.parts.last().and_then(|part| part.runs.last()).map(|(last, _)| *last);
        if last.is_some_and(|last| last > order) {
            self.parts.push(Part::new(spec));
        }
        let part = self.parts.last_mut().expect("a pane has a part");
        if part.runs.last().is_none_or(|(last, _)| *last != order) {
            part.runs.push((order, part.groups.len() as u32));
        }
        part
    }

    /// Several panes as one; the largest takes the others over.
    pub(crate) fn join(panes: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut parts: Vec<Part> = panes.into_iter().flat_map(|pane| pane.parts).collect();
        let largest = (0..parts.len()).max_by_key(|at| parts[*at].groups.len())?;
        let mut all = parts.swap_remove(largest);
        parts.iter().for_each(|part| all.take_over(part));
        Some(Self { parts: vec![all] })
    }

    /// Adds what another has.
    pub(crate) fn add(&mut self, other: &Self) {
        let part = self.parts.last_mut().expect("a pane has a part");
        other.parts.iter().for_each(|other| part.take_over(other));
    }

    /// Adds the groups to `out`, in the order of their keys: the keys, then start and end of the window if there is one, then
    /// the calls. Groups with a sum that does not fit are left out, and their keys go to `too_large`. Of several parts
    /// only one may be left.
    pub(crate) fn give(
        &mut self,
        spec: &GroupSpec,
        window: Option<(i64, i64)>,
        out: &mut Rows,
        too_large: &mut Vec<Vec<String>>,
    ) {
        debug_assert!(self.parts.len() == 1, "a pane is joined before it is given");
        let Some(part) = self.parts.last_mut() else { return };
        let groups = part.groups.len();
        let mut columns = match &part.groups {
            Groups::One => Vec::new(),
            Groups::Words(groups) => spec.layout.columns_of_words(&groups.keys, &spec.keys),
            Groups::Bytes(groups) => spec.layout.columns_of_bytes(&groups.keys, &spec.keys),
        };
        let by: Vec<(u32, bool)> = (0..columns.len() as u32).map(|position| (position, false)).collect();
        let mut order = rows::sorted(&columns, groups, &by);
        let mut failed = BTreeSet::new();
        for accumulators in &mut part.accumulators {
            columns.push(accumulators.finish(groups, &mut failed));
        }
        if !failed.is_empty() {
            let key = |group: &u32| columns[..spec.keys.len()].iter().map(|key| key.show(*group as usize)).collect();
            too_large.extend(order.iter().filter(|group| failed.contains(group)).map(key));
            order.retain(|group| !failed.contains(group));
        }
        let (keys, calls) = columns.split_at(spec.keys.len());
        let bounds = if window.is_some() { 2 } else { 0 };
        let (to_keys, rest) = out.columns.split_at_mut(keys.len());
        let (to_bounds, to_calls) = rest.split_at_mut(bounds);
        let first = out.rows;
        for (to, from) in to_keys.iter_mut().zip(keys).chain(to_calls.iter_mut().zip(calls)) {
            to.extend_rows(from, &order);
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

impl Part {
    /// Adds all groups of another part. Where groups were first seen is not kept.
    fn take_over(&mut self, other: &Self) {
        let numbers = self.groups.absorb(&other.groups, |_| true);
        let (runs, their_runs) = (self.orders(), other.orders());
        for (ours, theirs) in self.accumulators.iter_mut().zip(&other.accumulators) {
            ours.resize(self.groups.len());
            ours.merge(theirs, &numbers, &runs, &their_runs);
        }
        let groups = self.groups.len() as u32;
        self.runs.extend(their_runs.into_iter().map(|order| (order, groups)));
    }
}

/// What a worker needs to add rows to panes.
#[derive(Debug)]
pub(crate) struct Filler {
    spec: GroupSpec,
    reader: KeyReader,
    /// If the key is one string: its register.
    string: Option<Reg>,
    packed: Buf<Packed>,
    inputs: Vec<AggregateInput>,
    numbers: Buf<u32>,
    scratch: Scratch,
}

impl Filler {
    pub(crate) fn new(spec: &GroupSpec, keys: &[Reg], inputs: &[AggregateInput]) -> Self {
        Self {
            reader: KeyReader::new(spec.layout.clone(), keys),
            string: spec.layout.string_of(keys),
            packed: Buf::default(),
            inputs: inputs.to_vec(),
            numbers: Buf::zeroed(CHUNK_ROWS),
            scratch: Scratch::default(),
            spec: spec.clone(),
        }
    }

    /// A pane without rows.
    pub(crate) fn new_pane(&self) -> Pane {
        Pane::new(&self.spec)
    }

    /// Adds the selected rows of a chunk to a pane.
    pub(crate) fn add(&mut self, pane: &mut Pane, order: Order, registers: &mut Registers, selection: &Selection) {
        let part = pane.start(&self.spec, order);
        let numbers = &mut self.numbers[..selection.rows];
        match (&mut part.groups, &self.spec.keys[..]) {
            (Groups::One, _) | (_, []) => {}
            (Groups::Words(groups), _) => match self.reader.read(registers, selection) {
                Keys::Words(keys) => groups.group(keys, selection.used(), numbers),
                Keys::Strs(_) => unreachable!("the layout says words"),
            },
            (Groups::Bytes(groups), _) if let Some(reg) = self.string => {
                part.strings.group(groups, reg, registers, selection, &mut self.packed, numbers);
            }
            (Groups::Bytes(groups), _) => match self.reader.read(registers, selection) {
                Keys::Strs(keys) => groups.group(keys, selection.used(), numbers),
                Keys::Words(_) => unreachable!("the layout says bytes"),
            },
        }
        let run = part.runs.len() as u32 - 1;
        for (accumulators, input) in part.accumulators.iter_mut().zip(&self.inputs) {
            accumulators.resize(part.groups.len());
            accumulators.update(input, numbers, registers, selection, &mut self.scratch, run);
        }
    }
}
