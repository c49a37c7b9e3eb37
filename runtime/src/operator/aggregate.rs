//! Aggregation: every worker has groups and accumulators of its own, which are merged when all rows are in.
//!
//! Groups come out in the order in which their first row stands in the input, whatever the parallelism: a worker numbers its
//! groups as they come and remembers with which number each morsel began. Without keys there is one group, also of no rows.

use crate::column::Column;
use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::accumulate::{Accumulators, Scratch};
use crate::operator::collect::Order;
use crate::operator::key::{KeyLayout, KeyReader, Keys};
use crate::primitive::bitmap;
use crate::primitive::hash::{hash_bytes, hash_word};
use crate::primitive::hash_table::{BytesGroups, NONE, WordGroups};
use crate::primitive::memory::Buf;
use crate::registers::{Registers, Selection};
use crate::spill::{Account, Partitioner, SpillFile, each_chunk, fields, partition_of, partitions_of_keys};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::kernel::Accumulator;
use sabot_abi::manifest::{AggregateInput, AggregateSpec, ColumnType, Field, Reg};
use std::collections::BTreeSet;
use std::sync::Arc;

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

    /// The groups here of the groups of another part; of one partition, `NONE` for those of the others.
    fn absorb(&mut self, other: &Self, partition: Option<usize>) -> Vec<u32> {
        let mut numbers = vec![NONE; other.len()];
        let wanted = |len: usize, hash: &dyn Fn(usize) -> u64| {
            let mut selection = Selection::all(len);
            if let Some(partition) = partition {
                for row in (0..len).filter(|row| partition_of(hash(*row)) != partition) {
                    bitmap::clear(&mut selection.words, row);
                }
            }
            selection
        };
        match (self, other) {
            (Self::Words(ours), Self::Words(theirs)) => {
                for (keys, numbers) in theirs.keys.chunks(CHUNK_ROWS).zip(numbers.chunks_mut(CHUNK_ROWS)) {
                    ours.group(keys, wanted(keys.len(), &|row| hash_word(keys[row])).used(), numbers);
                }
            }
            (Self::Bytes(ours), Self::Bytes(theirs)) => {
                for (keys, numbers) in theirs.keys.chunks(CHUNK_ROWS).zip(numbers.chunks_mut(CHUNK_ROWS)) {
                    ours.group(keys, wanted(keys.len(), &|row| hash_bytes(keys[row].bytes())).used(), numbers);
                }
            }
            (Self::One, Self::One) => numbers[0] = 0,
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
    accounted: usize,
    /// Where rows go once there are too many groups.
    away: Option<(Arc<AggregateSpill>, Partitioner)>,
    partitions: [u8; CHUNK_ROWS],
    order: Order,
}

/// Rows of one way into a table that are in a file, and how they are aggregated.
#[derive(Debug)]
pub(crate) struct AggregateSpill {
    file: SpillFile,
    types: Vec<ColumnType>,
    /// The registers of the pipeline that are written.
    regs: Vec<Reg>,
    /// By place in `regs`.
    keys: Vec<Reg>,
    inputs: Vec<AggregateInput>,
}

impl AggregateSpill {
    pub(crate) fn new(file: SpillFile, registers: &[Field], keys: &[Reg], inputs: &[AggregateInput]) -> Self {
        let read = inputs.iter().flat_map(|input| input.args.iter().chain(&input.filter));
        let regs: BTreeSet<Reg> = keys.iter().chain(read).copied().collect();
        let regs: Vec<Reg> = regs.into_iter().collect();
        let place = |reg: &Reg| regs.partition_point(|other| other < reg) as Reg;
        Self {
            file,
            types: regs.iter().map(|reg| registers[*reg as usize].ty).collect(),
            keys: keys.iter().map(place).collect(),
            inputs: inputs
                .iter()
                .map(|input| AggregateInput {
                    args: input.args.iter().map(place).collect(),
                    filter: input.filter.as_ref().map(place),
                })
                .collect(),
            regs,
        }
    }

    /// The groups of one partition.
    fn groups(&self, spec: &GroupSpec, partition: usize) -> Result<Vec<Part>, RunError> {
        let mut build = AggregateBuild::new(spec, &self.keys, &self.inputs);
        let mut registers = Registers::new(&fields(&self.types));
        let regs: Vec<Reg> = (0..self.types.len() as Reg).collect();
        for piece in self.file.pieces(|other| other == partition) {
            build.start(piece.order())?;
            let batch = self.file.read(&piece)?;
            each_chunk(&batch, &regs, &mut registers, |registers, selection| build.add(registers, selection))?;
        }
        build.into_parts()
    }
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
            accounted: 0,
            away: None,
            partitions: [0; CHUNK_ROWS],
            order: (0, Seq::START),
        }
    }

    pub(crate) fn start(&mut self, order: Order) -> Result<(), RunError> {
        self.order = order;
        if let Some((spill, partitioner)) = &mut self.away {
            return partitioner.start(order, &spill.file);
        }
        if self.part.runs.last().is_some_and(|(last, _)| *last > order) {
            let part = std::mem::replace(&mut self.part, Part::new(&self.spec));
            self.sealed.push(part);
        }
        self.part.runs.push((order, self.part.groups.len() as u32));
        Ok(())
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) -> Result<(), RunError> {
        if let Some((spill, partitioner)) = &mut self.away {
            partitions_of_keys(&self.reader.read(registers, selection), selection, &mut self.partitions);
            return partitioner.add(registers, selection, &self.partitions, &spill.file);
        }
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
        Ok(())
    }

    /// If all tables together hold too much, rows go to a file from now on; the groups that are there stay.
    pub(crate) fn end_morsel(
        &mut self,
        account: &Account,
        spill: impl FnOnce() -> Result<Arc<AggregateSpill>, RunError>,
    ) -> Result<(), RunError> {
        if self.away.is_some() {
            return Ok(());
        }
        let bytes = self.memory_bytes();
        account.update(&mut self.accounted, bytes);
        if !self.spec.keys.is_empty() && self.part.groups.len() > 0 && account.is_over() {
            let spill = spill()?;
            let mut partitioner = Partitioner::new(&spill.regs, &spill.types);
            partitioner.start(self.order, &spill.file)?;
            self.away = Some((spill, partitioner));
        }
        Ok(())
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.part.memory_bytes() + self.sealed.iter().map(Part::memory_bytes).sum::<usize>()
    }

    pub(crate) fn into_parts(mut self) -> Result<Vec<Part>, RunError> {
        if let Some((spill, partitioner)) = &mut self.away {
            partitioner.flush(&spill.file)?;
        }
        self.sealed.push(self.part);
        for part in &mut self.sealed {
            let groups = part.groups.len();
            part.accumulators.iter_mut().for_each(|accumulators| accumulators.resize(groups));
        }
        Ok(self.sealed)
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
        part.runs.push(((0, Seq::END), 0));
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
        // The largest takes the others over.
        parts.sort_by_key(|part| std::cmp::Reverse(part.groups.len()));
        let mut parts = parts.into_iter();
        let all = parts.next().unwrap_or_else(|| Part::new(spec));
        let others: Vec<Part> = parts.collect();
        let mut merging = Merging::new(all);
        others.iter().for_each(|other| merging.absorb(other, None));
        merging.finish(spec, others)
    }

    fn of_partition(spec: &GroupSpec, parts: &[Part], own: Vec<Part>, partition: usize) -> Self {
        let mut merging = Merging::new(Part::new(spec));
        parts.iter().for_each(|part| merging.absorb(part, Some(partition)));
        own.iter().for_each(|part| merging.absorb(part, None));
        merging.finish(spec, own)
    }
}

/// A table of which some rows are in files: groups are put together partition by partition.
#[derive(Debug)]
pub(crate) struct SpilledGroups {
    spec: GroupSpec,
    parts: Vec<Part>,
    spills: Vec<Arc<AggregateSpill>>,
}

impl SpilledGroups {
    pub(crate) fn new(spec: &GroupSpec, parts: Vec<Part>, spills: Vec<Arc<AggregateSpill>>) -> Self {
        Self { spec: spec.clone(), parts, spills }
    }

    /// The groups of one partition.
    pub(crate) fn partition(&self, partition: usize) -> Result<GroupTable, RunError> {
        let mut own = Vec::new();
        for spill in &self.spills {
            own.extend(spill.groups(&self.spec, partition)?);
        }
        Ok(GroupTable::of_partition(&self.spec, &self.parts, own, partition))
    }
}

/// Parts on their way into one.
struct Merging {
    all: Part,
    runs: Vec<Order>,
    /// Where the first row of each group came from.
    firsts: Vec<Option<(Order, u32)>>,
    /// Groups are numbered in the order of their first rows.
    is_in_order: bool,
}

impl Merging {
    fn new(all: Part) -> Self {
        let runs = all.orders();
        Self { all, runs, firsts: Vec::new(), is_in_order: true }
    }

    fn absorb(&mut self, other: &Part, partition: Option<usize>) {
        if self.is_in_order {
            self.is_in_order = false;
            self.firsts = (0..self.all.groups.len() as u32).map(|group| self.all.first_of(group)).collect();
        }
        let numbers = self.all.groups.absorb(&other.groups, partition);
        merge(&mut self.all, other, &numbers, &self.runs);
        self.runs.extend(other.orders());
        self.firsts.resize(self.all.groups.len(), None);
        for (from, to) in numbers.iter().enumerate().filter(|(_, to)| **to != NONE) {
            let (first, theirs) = (&mut self.firsts[*to as usize], other.first_of(from as u32));
            if first.is_none() || theirs < *first {
                *first = theirs;
            }
        }
    }

    fn finish(self, spec: &GroupSpec, others: Vec<Part>) -> GroupTable {
        let Self { mut all, firsts, is_in_order, .. } = self;
        let rows = all.groups.len();
        let mut order: Option<Vec<u32>> = None;
        if !is_in_order && !spec.keys.is_empty() {
            let mut groups: Vec<u32> = (0..rows as u32).collect();
            groups.sort_unstable_by_key(|group| firsts[*group as usize]);
            order = Some(groups);
        }
        let mut columns = match &all.groups {
            Groups::One => Vec::new(),
            Groups::Words(groups) => spec.layout.columns_of_words(&groups.keys, &spec.keys),
            Groups::Bytes(groups) => spec.layout.columns_of_bytes(&groups.keys, &spec.keys),
        };
        let mut too_large = BTreeSet::new();
        for accumulators in &mut all.accumulators {
            columns.push(accumulators.finish(rows, &mut too_large));
        }
        let mut failed = Vec::new();
        if !too_large.is_empty() {
            let in_order = order.unwrap_or_else(|| (0..rows as u32).collect());
            let (out, kept): (Vec<u32>, Vec<u32>) = in_order.into_iter().partition(|group| too_large.contains(group));
            let key =
                |group: u32| columns[..spec.keys.len()].iter().map(|column| column.show(group as usize)).collect();
            failed = out.into_iter().map(key).collect();
            order = Some(kept);
        }
        if let Some(order) = &order {
            columns = columns.iter().map(|column| column.take(order)).collect();
        }
        let rows = order.map_or(rows, |order| order.len());
        GroupTable { columns, rows, parts: others.into_iter().chain([all]).collect(), too_large: failed }
    }
}

fn merge(all: &mut Part, other: &Part, numbers: &[u32], runs: &[Order]) {
    let orders = other.orders();
    for (ours, theirs) in all.accumulators.iter_mut().zip(&other.accumulators) {
        ours.resize(all.groups.len());
        ours.merge(theirs, numbers, runs, &orders);
    }
}
