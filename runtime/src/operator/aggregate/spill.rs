//! Aggregates whose groups do not fit into memory: rows that come later go to a file by the hash of their key, and groups are
//! put together partition by partition.
//!
//! A partition that is still too large is parted again, by other bits of the hash. The groups of each partition become a sorted
//! run, so that in the end all come out in the order of their first rows: a row in a file has its place in the morsel with it.

use super::merge::Filtered;
use super::{AggregateBuild, GroupSpec, GroupTable, Part};
use crate::error::RunError;
use crate::operator::accumulate::Refused;
use crate::operator::runs::{PLACE, SortedRuns, places};
use crate::registers::Registers;
use crate::spill::{Account, MOST_LEVELS, PARTITIONS, Partitioner, SpillFile, each_chunk, fields};
use sabot_abi::manifest::{AggregateInput, ColumnType, Field, Reg};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Rows of one way into a table that are in a file, and how they are aggregated.
#[derive(Debug)]
pub(crate) struct AggregateSpill {
    pub(super) file: SpillFile,
    /// The last one is the place of the row in its morsel.
    pub(super) types: Vec<ColumnType>,
    /// The registers of the pipeline that are written.
    pub(super) regs: Vec<Reg>,
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
            types: regs.iter().map(|reg| registers[*reg as usize].ty).chain([PLACE]).collect(),
            keys: keys.iter().map(place).collect(),
            inputs: inputs
                .iter()
                .map(|input| AggregateInput {
                    args: input.args.iter().map(place).collect(),
                    filter: input.filter.as_ref().map(place),
                })
                .collect(),
            regs: regs.iter().copied().chain([registers.len() as Reg]).collect(),
        }
    }

    /// The same for rows that were read from this one.
    fn again(&self, file: SpillFile) -> Self {
        Self {
            file,
            types: self.types.clone(),
            regs: (0..self.types.len() as Reg).collect(),
            keys: self.keys.clone(),
            inputs: self.inputs.clone(),
        }
    }

    /// The groups of one partition, and a file for the rows that come when there are too many of them.
    fn groups(&self, spilled: &SpilledGroups<'_>, partition: usize, level: u32) -> Result<Groups, RunError> {
        let mut build = AggregateBuild::new(spilled.spec, &self.keys, &self.inputs);
        build.level = level + 1;
        build.places = Some(self.types.len() as Reg - 1);
        let mut registers = Registers::new(&fields(&self.types));
        let regs: Vec<Reg> = (0..self.types.len() as Reg).collect();
        for piece in self.file.pieces(|other| other == partition) {
            build.start(piece.order())?;
            let batch = self.file.read(&piece)?;
            each_chunk(&batch, &regs, &mut registers, |registers, selection| build.add(registers, selection))?;
            let is_too_large = build.part.groups.len() > 1 && build.memory_bytes() > spilled.most_bytes;
            if build.away.is_none() && level + 1 < MOST_LEVELS && is_too_large {
                let spill = Arc::new(self.again(spilled.account.spill_file(spilled.name)?));
                build.away = Some((Arc::clone(&spill), Partitioner::new(&spill.regs, &spill.types)));
            }
        }
        let more = build.away.as_ref().map(|(spill, _)| Arc::clone(spill));
        Ok(Groups { parts: build.into_parts()?, more })
    }
}

/// What was made of a partition's rows.
struct Groups {
    parts: Vec<Part>,
    more: Option<Arc<AggregateSpill>>,
}

/// A table of which some rows are in files.
pub(crate) struct SpilledGroups<'a> {
    pub(crate) spec: &'a GroupSpec,
    pub(crate) name: &'a str,
    pub(crate) account: &'a Account,
    /// Bytes of one partition's groups.
    pub(crate) most_bytes: usize,
}

/// A group that cannot be computed: where its first row stands, and its key.
type RefusedGroup = ((u64, u64, u64), Refused);

/// Where groups go.
struct Out {
    runs: SortedRuns,
    refused_groups: Mutex<Vec<RefusedGroup>>,
}

impl SpilledGroups<'_> {
    /// All groups as sorted runs, and the keys of those that cannot be computed.
    pub(crate) fn finish(
        &self,
        parts: &[Part],
        spills: &[Arc<AggregateSpill>],
        threads: usize,
    ) -> Result<(SortedRuns, Vec<Refused>), RunError> {
        let results = self.spec.calls.iter().map(|call| call.ty);
        let mut types: Vec<ColumnType> = self.spec.keys.iter().copied().chain(results).collect();
        let by = (0..3).map(|at| (types.len() as u32 + at, false)).collect();
        types.extend([PLACE; 3]);
        let runs = SortedRuns::new(self.account.spill_file(self.name)?, types, by);
        let out = Out { runs, refused_groups: Mutex::default() };
        let partitions: Vec<Vec<u8>> = parts.iter().map(|part| part.groups.partitions(0)).collect();
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), RunError> {
            loop {
                let partition = next.fetch_add(1, Ordering::Relaxed);
                if partition >= PARTITIONS {
                    return Ok(());
                }
                let filter = |(part, partitions): (_, &Vec<u8>)| Filtered {
                    part,
                    wanted: partitions.iter().map(|other| usize::from(*other) == partition).collect(),
                };
                let here: Vec<Filtered<'_>> = parts.iter().zip(&partitions).map(filter).collect();
                let sources: Vec<_> = spills.iter().map(|spill| (Arc::clone(spill), partition)).collect();
                self.collect(0, &here, &sources, &out)?;
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads.clamp(1, PARTITIONS)).map(|_| scope.spawn(work)).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, Result<(), RunError>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect::<Vec<_>>().into_iter().collect::<Result<(), RunError>>()
        })?;
        let mut refused_groups = out.refused_groups.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        refused_groups.sort_unstable_by_key(|(first, _)| *first);
        Ok((out.runs, refused_groups.into_iter().map(|(_, key)| key).collect()))
    }

    /// The groups of a partition: of those in memory the ones that are wanted, and those of rows in files.
    fn collect(
        &self,
        level: u32,
        parts: &[Filtered<'_>],
        sources: &[(Arc<AggregateSpill>, usize)],
        out: &Out,
    ) -> Result<(), RunError> {
        let (mut own, mut more) = (Vec::new(), Vec::new());
        for (spill, partition) in sources {
            let groups = spill.groups(self, *partition, level)?;
            own.extend(groups.parts);
            more.extend(groups.more);
        }
        let own = own.iter().map(|part| Filtered { part, wanted: vec![true; part.groups.len()] });
        let all: Vec<Filtered<'_>> = parts.iter().cloned().chain(own).collect();
        if more.is_empty() {
            return self.emit(&all, out);
        }
        let next = level + 1;
        let partitions: Vec<Vec<u8>> = all.iter().map(|filtered| filtered.part.groups.partitions(next)).collect();
        for partition in 0..PARTITIONS {
            let narrow = |(filtered, partitions): (&Filtered<'_>, &Vec<u8>)| {
                let is_wanted = |(wanted, other): (&bool, &u8)| *wanted && usize::from(*other) == partition;
                filtered.wanted.iter().zip(partitions).map(is_wanted).collect()
            };
            let here = all.iter().zip(&partitions);
            let here = here.map(|pair| Filtered { part: pair.0.part, wanted: narrow(pair) }).collect::<Vec<_>>();
            let sources: Vec<_> = more.iter().map(|spill| (Arc::clone(spill), partition)).collect();
            self.collect(next, &here, &sources, out)?;
        }
        Ok(())
    }

    fn emit(&self, all: &[Filtered<'_>], out: &Out) -> Result<(), RunError> {
        let (table, firsts) = GroupTable::of_partition(self.spec, all);
        let place = |at: usize| {
            let ((way, seq), place) = firsts.kept[at];
            [u64::from(way), seq.number(), place]
        };
        let mut columns = table.columns;
        columns.extend((0..3).map(|part| places((0..table.rows).map(|row| place(row)[part]))));
        out.runs.add(&columns)?;
        let firsts = firsts.refused_groups.iter().map(|((way, seq), place)| (u64::from(*way), seq.number(), *place));
        let mut refused_groups = out.refused_groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        refused_groups.extend(firsts.zip(table.refused_groups));
        Ok(())
    }
}
