//! Aggregation: every worker has groups and accumulators of its own, which are merged when all rows are in.
//!
//! Groups come out in the order in which their first row stands in the input, whatever the parallelism: a worker numbers its
//! groups as they come and remembers with which number each morsel began. Without keys there is one group, also of no rows.

use crate::column::Column;
use crate::operator::accumulate::{Accumulators, Scratch};
use crate::operator::collect::Order;
use crate::operator::key::{KeyLayout, KeyReader, Keys};
use crate::primitive::hash_table::{BytesGroups, WordGroups};
use crate::primitive::memory::Buf;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::kernel::Accumulator;
use sabot_abi::manifest::{AggregateInput, AggregateSpec, ColumnType, Reg};
use std::collections::BTreeSet;

/// What an aggregate table is to hold.
#[derive(Clone, Debug)]
pub(crate) struct GroupSpec {
    pub(crate) keys: Vec<ColumnType>,
    pub(crate) calls: Vec<AggregateSpec>,
    pub(crate) layout: KeyLayout,
}

impl GroupSpec {
    pub(crate) fn new(keys: &[ColumnType], calls: &[AggregateSpec]) -> Self {
        Self { keys: keys.to_vec(), calls: calls.to_vec(), layout: KeyLayout::new(keys, true) }
    }
}

/// Numbers of groups by key.
#[derive(Debug)]
enum Groups {
    /// No keys.
    One,
    Words(WordGroups),
    Bytes(BytesGroups),
}

impl Groups {
    fn new(spec: &GroupSpec) -> Self {
        if spec.keys.is_empty() {
            Self::One
        } else if spec.layout.is_words() {
            Self::Words(WordGroups::default())
        } else {
            Self::Bytes(BytesGroups::default())
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Words(groups) => groups.keys.len(),
            Self::Bytes(groups) => groups.keys.len(),
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::One => 0,
            Self::Words(groups) => groups.memory_bytes(),
            Self::Bytes(groups) => groups.memory_bytes(),
        }
    }

    /// The groups here of the groups of another part.
    fn absorb(&mut self, other: &Self) -> Vec<u32> {
        let mut numbers = vec![0u32; other.len()];
        let all = Selection::all(CHUNK_ROWS);
        let selection = |len: usize| if len == CHUNK_ROWS { all.clone() } else { Selection::all(len) };
        match (self, other) {
            (Self::Words(ours), Self::Words(theirs)) => {
                for (keys, numbers) in theirs.keys.chunks(CHUNK_ROWS).zip(numbers.chunks_mut(CHUNK_ROWS)) {
                    ours.group(keys, selection(keys.len()).used(), numbers);
                }
            }
            (Self::Bytes(ours), Self::Bytes(theirs)) => {
                for (keys, numbers) in theirs.keys.chunks(CHUNK_ROWS).zip(numbers.chunks_mut(CHUNK_ROWS)) {
                    ours.group(keys, selection(keys.len()).used(), numbers);
                }
            }
            (Self::One, Self::One) => {}
            _ => unreachable!("parts of one table have the same keys"),
        }
        numbers
    }
}

/// Groups and accumulators of a worker, or of all.
#[derive(Debug)]
pub(crate) struct Part {
    groups: Groups,
    accumulators: Vec<Accumulators>,
    /// Morsels in rising order, each with the number of the first group that it brought.
    runs: Vec<(Order, u32)>,
}

impl Part {
    fn new(spec: &GroupSpec) -> Self {
        Self {
            groups: Groups::new(spec),
            accumulators: spec.calls.iter().map(Accumulators::new).collect(),
            runs: vec![],
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes() + self.accumulators.iter().map(Accumulators::memory_bytes).sum::<usize>()
    }

    /// Where the group's first row came from.
    fn first_of(&self, group: u32) -> Option<(Order, u32)> {
        let run = self.runs.partition_point(|(_, first)| *first <= group).checked_sub(1)?;
        Some((self.runs[run].0, group))
    }

    fn orders(&self) -> Vec<Order> {
        self.runs.iter().map(|(order, _)| *order).collect()
    }
}

/// One worker's side of an aggregation.
#[derive(Debug)]
pub(crate) struct AggregateBuild {
    spec: GroupSpec,
    reader: KeyReader,
    inputs: Vec<AggregateInput>,
    part: Part,
    /// Parts that were complete when an earlier morsel came after a later one.
    sealed: Vec<Part>,
    numbers: Buf<u32>,
    scratch: Scratch,
}

impl AggregateBuild {
    pub(crate) fn new(spec: &GroupSpec, keys: &[Reg], inputs: &[AggregateInput]) -> Self {
        Self {
            reader: KeyReader::new(spec.layout.clone(), keys),
            inputs: inputs.to_vec(),
            part: Part::new(spec),
            sealed: Vec::new(),
            numbers: Buf::zeroed(CHUNK_ROWS),
            scratch: Scratch::default(),
            spec: spec.clone(),
        }
    }

    pub(crate) fn start(&mut self, order: Order) {
        if self.part.runs.last().is_some_and(|(last, _)| *last > order) {
            let part = std::mem::replace(&mut self.part, Part::new(&self.spec));
            self.sealed.push(part);
        }
        self.part.runs.push((order, self.part.groups.len() as u32));
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        let part = &mut self.part;
        let numbers = &mut self.numbers[..selection.rows];
        match &mut part.groups {
            Groups::One => {}
            Groups::Words(groups) => match self.reader.read(registers, selection) {
                Keys::Words(keys) => groups.group(keys, selection.used(), numbers),
                Keys::Strs(_) => unreachable!("the layout says words"),
            },
            Groups::Bytes(groups) => match self.reader.read(registers, selection) {
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

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.part.memory_bytes() + self.sealed.iter().map(Part::memory_bytes).sum::<usize>()
    }

    pub(crate) fn into_parts(mut self) -> Vec<Part> {
        self.sealed.push(self.part);
        for part in &mut self.sealed {
            let groups = part.groups.len();
            part.accumulators.iter_mut().for_each(|accumulators| accumulators.resize(groups));
        }
        self.sealed
    }
}

/// One worker's accumulators of an aggregate without keys that a kernel updates.
#[derive(Debug)]
pub(crate) struct FusedBuild {
    spec: GroupSpec,
    accumulators: Vec<Accumulator>,
}

impl FusedBuild {
    pub(crate) fn new(spec: &GroupSpec) -> Self {
        Self { spec: spec.clone(), accumulators: vec![Accumulator::default(); spec.calls.len()] }
    }

    /// For [`sabot_abi::kernel::Chunk::accumulators`].
    pub(crate) fn accumulators(&mut self) -> *mut Accumulator {
        self.accumulators.as_mut_ptr()
    }

    pub(crate) fn into_part(self) -> Part {
        let mut part = Part::new(&self.spec);
        // Which morsel does not matter: only functions that do not ask for the order are fused.
        part.runs.push(((0, crate::morsel::Seq::END), 0));
        for (accumulators, accumulator) in part.accumulators.iter_mut().zip(&self.accumulators) {
            accumulators.set(accumulator);
        }
        part
    }
}

/// The table, complete.
#[derive(Debug)]
pub(crate) struct GroupTable {
    /// Keys, then calls; groups in the order of their first rows.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    /// Strings of the columns refer to them.
    #[expect(dead_code, reason = "keeps the bytes of the columns")]
    parts: Vec<Part>,
    /// Keys, as text, of groups that are left out because a sum does not fit its type.
    pub(crate) too_large: Vec<Vec<String>>,
}

impl GroupTable {
    /// Merges the workers' parts.
    pub(crate) fn build(spec: &GroupSpec, mut parts: Vec<Part>) -> Self {
        let is_global = spec.keys.is_empty();
        parts.retain(|part| is_global || part.groups.len() > 0);
        // A part that saw no row has its one group all the same.
        for part in &mut parts {
            let groups = part.groups.len();
            part.accumulators.iter_mut().for_each(|accumulators| accumulators.resize(groups));
        }
        // The largest takes the others over.
        parts.sort_by_key(|part| std::cmp::Reverse(part.groups.len()));
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| Part::new(spec));
        let others: Vec<Part> = parts.collect();
        let mut order = None;
        if !others.is_empty() && !is_global {
            let mut firsts: Vec<Option<(Order, u32)>> =
                (0..all.groups.len() as u32).map(|group| all.first_of(group)).collect();
            let mut runs = all.orders();
            for other in &others {
                let numbers = all.groups.absorb(&other.groups);
                merge(&mut all, other, &numbers, &runs);
                runs.extend(other.orders());
                firsts.resize(all.groups.len(), None);
                for (from, to) in numbers.iter().enumerate() {
                    let (first, theirs) = (&mut firsts[*to as usize], other.first_of(from as u32));
                    if first.is_none() || theirs < *first {
                        *first = theirs;
                    }
                }
            }
            let mut groups: Vec<u32> = (0..firsts.len() as u32).collect();
            groups.sort_unstable_by_key(|group| firsts[*group as usize]);
            order = Some(groups);
        } else {
            let mut runs = all.orders();
            for other in &others {
                merge(&mut all, other, &[0], &runs);
                runs.extend(other.orders());
            }
        }
        let rows = all.groups.len();
        let mut columns = match &all.groups {
            Groups::One => Vec::new(),
            Groups::Words(groups) => spec.layout.columns_of_words(&groups.keys, &spec.keys),
            Groups::Bytes(groups) => spec.layout.columns_of_bytes(&groups.keys, &spec.keys),
        };
        let mut too_large = BTreeSet::new();
        for accumulators in &mut all.accumulators {
            columns.push(accumulators.finish(rows, &mut too_large));
        }
        let key = |group: &u32| columns[..spec.keys.len()].iter().map(|column| column.show(*group as usize)).collect();
        let in_order = || order.clone().unwrap_or_else(|| (0..rows as u32).collect());
        let failed = in_order().iter().filter(|group| too_large.contains(group)).map(key).collect();
        if !too_large.is_empty() {
            order = Some(in_order().into_iter().filter(|group| !too_large.contains(group)).collect());
        }
        if let Some(order) = &order {
            columns = columns.iter().map(|column| column.take(order)).collect();
        }
        let rows = order.map_or(rows, |order| order.len());
        Self { columns, rows, parts: others.into_iter().chain([all]).collect(), too_large: failed }
    }
}

fn merge(all: &mut Part, other: &Part, numbers: &[u32], runs: &[Order]) {
    let orders = other.orders();
    for (ours, theirs) in all.accumulators.iter_mut().zip(&other.accumulators) {
        ours.resize(all.groups.len());
        ours.merge(theirs, numbers, runs, &orders);
    }
}
