//! Aggregation: every worker has groups and accumulators of its own, which are merged when all rows are in.
//!
//! Groups come out in the order in which their first row stands in the input, whatever the parallelism: a worker numbers its
//! groups as they come and remembers with which number each morsel began. Without keys there is one group, also of no rows.

mod by_row;
mod keys;
mod merge;
mod pane;
mod pieces;
mod spill;
mod strings;

use crate::build_rows::BuildRows;
use crate::column::Column;
use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::accumulate::{Accumulators, FailedRow, Scratch, Share, Users, shares, update_all};
use crate::operator::collect::Order;
use crate::operator::groups::{Groups, RowGroups};
use crate::operator::key::{KeyLayout, KeyReader};
use crate::primitive::bitmap;
use crate::primitive::memory::Buf;
use crate::primitive::packed::Packed;
use crate::registers::{Registers, Selection};
use crate::spill::{Account, Partitioner, partitions_of_keys};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::kernel::Accumulator;
use sabot_abi::manifest::{AggregateFunction, AggregateInput, AggregateSpec, ColumnType, Reg};
use std::sync::Arc;

use by_row::ByRow;
pub(crate) use keys::KeySet;
pub(crate) use merge::GroupTable;
pub(crate) use pane::{Filler, Pane};
pub(crate) use pieces::Pieces;
pub(crate) use spill::{AggregateSpill, SpilledGroups};
use strings::StringKeys;

/// What an aggregate table is to hold.
#[derive(Clone, Debug)]
pub(crate) struct GroupSpec {
    pub(crate) keys: Vec<ColumnType>,
    pub(crate) calls: Vec<AggregateSpec>,
    pub(crate) layout: KeyLayout,
    /// By call: who keeps what it counts.
    pub(crate) shares: Vec<Share>,
    /// The job's own aggregates.
    users: Users,
    /// Each morsel is a part of its own, and parts are merged in the order of the input: it may matter how.
    pub(crate) is_in_pieces: bool,
}

impl GroupSpec {
    pub(crate) fn new(keys: &[ColumnType], calls: &[AggregateSpec], users: &Users) -> Self {
        Self {
            keys: keys.to_vec(),
            calls: calls.to_vec(),
            layout: KeyLayout::of_groups(keys),
            shares: vec![Share::Own; calls.len()],
            users: users.clone(),
            is_in_pieces: calls.iter().any(|call| matches!(call.function, AggregateFunction::User { .. })),
        }
    }

    /// Accumulators of the calls.
    pub(crate) fn accumulators(&self) -> Vec<Accumulators> {
        let calls = self.calls.iter().zip(&self.shares);
        calls.map(|(call, share)| Accumulators::sharing(call, share, &self.users)).collect()
    }

    /// The same if nothing but these pipelines fills the table: calls may then keep together what they count.
    pub(crate) fn sharing(mut self, pipelines: &[&[AggregateInput]]) -> Self {
        if pipelines.iter().all(|inputs| inputs.len() == self.calls.len()) {
            self.shares = shares(&self.calls, pipelines);
        }
        self
    }
}

/// Place of a group's first row in the input: that of the morsel, which is one worker's, then the number of the group in its
/// part, or the place of the row if it was in a file.
type First = (Order, u64);

/// Groups and accumulators of a worker, or of all.
#[derive(Debug)]
pub(crate) struct Part {
    groups: Groups,
    strings: StringKeys,
    accumulators: Vec<Accumulators>,
    /// Morsels in rising order, each with the number of the first group that it brought.
    runs: Vec<(Order, u32)>,
    /// Of groups of rows that were in a file: the places of the first rows in their morsels.
    places: Vec<u64>,
}

impl Part {
    fn new(spec: &GroupSpec) -> Self {
        Self {
            groups: Groups::new(&spec.keys, &spec.layout),
            strings: StringKeys::default(),
            accumulators: spec.accumulators(),
            runs: vec![],
            places: vec![],
        }
    }

    /// An empty part whose groups are of the kind of another's.
    fn like(spec: &GroupSpec, other: Option<&Self>) -> Self {
        let mut part = Self::new(spec);
        if let Some(Groups::Rows(groups)) = other.map(|other| &other.groups) {
            part.groups = Groups::Rows(Box::new(groups.empty()));
        }
        part
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let keys = self.groups.memory_bytes() + self.strings.memory_bytes();
        keys + self.accumulators.iter().map(Accumulators::memory_bytes).sum::<usize>()
    }

    /// The place of its first morsel.
    fn first_order(&self) -> Option<Order> {
        self.runs.first().map(|(order, _)| *order)
    }

    /// Where the group's first row came from.
    fn first_of(&self, group: u32) -> First {
        let run = self.runs.partition_point(|(_, first)| *first <= group).checked_sub(1);
        let place = self.places.get(group as usize).copied();
        (run.map_or((0, Seq::START), |run| self.runs[run].0), place.unwrap_or(u64::from(group)))
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
    /// If the key is one string: its register.
    string: Option<Reg>,
    packed: Buf<Packed>,
    inputs: Vec<AggregateInput>,
    by_row: Option<ByRow>,
    /// The register with the numbers of the build rows that are the groups, if they are.
    build_row: Option<Reg>,
    part: Part,
    /// Parts that are complete: an earlier morsel came after a later one, or each morsel is a part.
    sealed: Vec<Part>,
    /// Bytes that they hold.
    sealed_bytes: usize,
    numbers: Buf<u32>,
    scratch: Scratch,
    accounted: usize,
    /// Where rows go once there are too many groups.
    away: Option<(Arc<AggregateSpill>, Partitioner)>,
    partitions: [u8; CHUNK_ROWS],
    order: Order,
    /// By which bits of hashes rows that go away are parted.
    level: u32,
    /// The register with the places of rows that come from a file.
    places: Option<Reg>,
    /// Place of the next row that goes away.
    next_place: u64,
    /// Where the pieces of morsels go, if they are pieces.
    pieces: Option<Arc<Pieces>>,
}

impl AggregateBuild {
    pub(crate) fn new(spec: &GroupSpec, keys: &[Reg], inputs: &[AggregateInput]) -> Self {
        Self {
            reader: KeyReader::new(spec.layout.clone(), keys),
            string: spec.layout.string_of(keys),
            packed: Buf::default(),
            inputs: inputs.to_vec(),
            by_row: None,
            build_row: None,
            part: Part::new(spec),
            sealed: Vec::new(),
            sealed_bytes: 0,
            numbers: Buf::zeroed(CHUNK_ROWS),
            scratch: Scratch::default(),
            spec: spec.clone(),
            accounted: 0,
            away: None,
            partitions: [0; CHUNK_ROWS],
            order: (0, Seq::START),
            level: 0,
            places: None,
            next_place: 0,
            pieces: None,
        }
    }

    /// Whether each morsel is a piece.
    pub(crate) fn is_in_pieces(&self) -> bool {
        self.spec.is_in_pieces
    }

    /// Brings the piece of the morsel that has ended; all before `frontier` have ended before.
    pub(crate) fn bring(&mut self, pieces: &Arc<Pieces>, frontier: Seq, account: &Account) {
        self.pieces.get_or_insert_with(|| Arc::clone(pieces));
        if self.away.is_some() || self.part.runs.is_empty() {
            return;
        }
        let mut part = std::mem::replace(&mut self.part, Part::new(&self.spec));
        self.by_row.iter_mut().for_each(ByRow::forget);
        let groups = part.groups.len();
        part.accumulators.iter_mut().for_each(|accumulators| accumulators.resize(groups));
        pieces.bring(part, frontier, account);
    }

    /// The rows are grouped as those of a build side.
    pub(crate) fn by_row(mut self, rows: Option<&BuildRows>) -> Self {
        match rows {
            Some(BuildRows { reg, groups: Some(groups), .. }) => {
                let groups = RowGroups::new(groups.build_rows, &self.spec.keys, &groups.keys);
                self.part.groups = Groups::Rows(Box::new(groups));
                self.build_row = Some(*reg);
            }
            Some(BuildRows { reg, groups: None, .. }) => self.by_row = Some(ByRow::new(*reg)),
            None => {}
        }
        self
    }

    /// Takes what keys it has to from the build side.
    pub(crate) fn take_keys(&mut self, payload: &[Column]) {
        for part in self.sealed.iter_mut().chain([&mut self.part]) {
            if let Groups::Rows(groups) = &mut part.groups {
                groups.take_keys(payload);
            }
        }
    }

    pub(crate) fn start(&mut self, order: Order) -> Result<(), RunError> {
        self.order = order;
        if let Some((spill, partitioner)) = &mut self.away {
            self.pieces.iter().for_each(|pieces| pieces.put_away(order));
            return partitioner.start(order, &spill.file);
        }
        let is_new = |last: Order| last > order || (self.spec.is_in_pieces && last != order);
        if self.part.runs.last().is_some_and(|(last, _)| is_new(*last)) {
            let part = Part::like(&self.spec, Some(&self.part));
            let part = std::mem::replace(&mut self.part, part);
            self.sealed_bytes += part.memory_bytes();
            self.sealed.push(part);
            self.by_row.iter_mut().for_each(ByRow::forget);
        }
        self.part.runs.push((order, self.part.groups.len() as u32));
        Ok(())
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) -> Result<(), RunError> {
        if let Some((spill, partitioner)) = &mut self.away {
            if self.places.is_none() {
                registers.set_places(self.next_place, selection.rows);
                self.next_place += selection.rows as u64;
            }
            let keys = self.reader.read(registers, selection);
            partitions_of_keys(&keys, selection, self.level, &mut self.partitions);
            return partitioner.add(registers, selection, &self.partitions, &spill.file);
        }
        let part = &mut self.part;
        let numbers = &mut self.numbers[..selection.rows];
        if let (Groups::Rows(groups), Some(reg)) = (&mut part.groups, self.build_row) {
            groups.group(reg, registers, selection, numbers);
        } else if let Some(by_row) = &mut self.by_row {
            let groups = &mut part.groups;
            by_row.group(&mut self.reader, registers, selection, numbers, |reader, registers, unknown, numbers| {
                groups.group(reader, registers, unknown, numbers);
            });
        } else if let (Groups::Bytes(groups), Some(reg)) = (&mut part.groups, self.string) {
            part.strings.group(groups, reg, registers, selection, &mut self.packed, numbers);
        } else {
            part.groups.group(&mut self.reader, registers, selection, numbers);
        }
        if let Some(reg) = self.places {
            let places = registers.values::<u64>(reg, selection.rows);
            bitmap::for_each(selection.used(), |row| {
                if numbers[row] as usize == part.places.len() {
                    part.places.push(places[row]);
                }
            });
        }
        let run = part.runs.len() as u32 - 1;
        let groups = (&*numbers, &part.groups);
        let (shares, scratch) = (&self.spec.shares, &mut self.scratch);
        update_all(&mut part.accumulators, shares, &self.inputs, groups, registers, selection, scratch, run);
        Ok(())
    }

    /// The rows that could not be added since this was asked last, and what each of the calls takes.
    pub(crate) fn take_failed(&mut self) -> (Vec<FailedRow>, &[AggregateInput]) {
        (std::mem::take(&mut self.scratch.failed), &self.inputs)
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
        let has_groups = self.part.groups.len() > 0 || self.pieces.is_some();
        if !self.spec.keys.is_empty() && has_groups && account.is_over() {
            let spill = spill()?;
            let mut partitioner = Partitioner::new(&spill.regs, &spill.types);
            partitioner.start(self.order, &spill.file)?;
            self.away = Some((spill, partitioner));
        }
        Ok(())
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.part.memory_bytes() + self.sealed_bytes + self.by_row.as_ref().map_or(0, ByRow::memory_bytes)
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
