//! Aggregates whose groups do not fit into memory: rows that come later go to a file by the hash of their key, and groups are
//! put together partition by partition.

use super::{AggregateBuild, GroupSpec, GroupTable, Part};
use crate::error::RunError;
use crate::registers::Registers;
use crate::spill::{SpillFile, each_chunk, fields};
use sabot_abi::manifest::{AggregateInput, ColumnType, Field, Reg};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows of one way into a table that are in a file, and how they are aggregated.
#[derive(Debug)]
pub(crate) struct AggregateSpill {
    pub(super) file: SpillFile,
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

/// A table of which some rows are in files: groups are put together partition by partition.
#[derive(Debug)]
pub(crate) struct SpilledGroups {
    spec: GroupSpec,
    parts: Vec<Part>,
    /// By part: the partition of each group.
    partitions: Vec<Vec<u8>>,
    spills: Vec<Arc<AggregateSpill>>,
}

impl SpilledGroups {
    pub(crate) fn new(spec: &GroupSpec, parts: Vec<Part>, spills: Vec<Arc<AggregateSpill>>) -> Self {
        let partitions = parts.iter().map(|part| part.groups.partitions()).collect();
        Self { spec: spec.clone(), parts, partitions, spills }
    }

    /// The groups of one partition.
    pub(crate) fn partition(&self, partition: usize) -> Result<GroupTable, RunError> {
        let mut own = Vec::new();
        for spill in &self.spills {
            own.extend(spill.groups(&self.spec, partition)?);
        }
        let wanted = |part: usize, group: usize| usize::from(self.partitions[part][group]) == partition;
        Ok(GroupTable::of_partition(&self.spec, &self.parts, own, wanted))
    }
}
