//! Rows whose side of a join was not in memory: put into a file when they came to the probe, probed when all others are
//! through, partition by partition, and then on their way through the rest of the steps like any others.

use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::hash_join::{JoinTable, Parting, ProbeSpec, SpilledJoin};
use crate::operator::key::KeyReader;
use crate::registers::BatchView;
use crate::scheduler::{Body, End, PipelineRun, Step};
use crate::spill::{Partitioner, SpillFile, columns_of, each_chunk, partitions_of_keys};
use crate::task::Worker;
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{ColumnType, Field, ProbeKind, Reg};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The rows that wait for one probe.
#[derive(Debug)]
pub(crate) struct PutAway {
    pub(crate) file: SpillFile,
    /// What the probe and the steps behind it read.
    regs: Vec<Reg>,
    types: Vec<ColumnType>,
    /// Index of the next partition that a worker takes.
    next: AtomicUsize,
}

impl PutAway {
    pub(crate) fn new(file: SpillFile, keys: &[Reg], carry: &[Reg], registers: &[Field]) -> Self {
        let regs: BTreeSet<Reg> = keys.iter().chain(carry).copied().collect();
        let types = regs.iter().map(|reg| registers[*reg as usize].ty).collect();
        Self { file, regs: regs.into_iter().collect(), types, next: AtomicUsize::new(0) }
    }

    /// A worker's way into the file.
    pub(crate) fn partitioner(&self) -> Partitioner {
        Partitioner::new(&self.regs, &self.types)
    }
}

impl<'a> Worker<'a> {
    /// Writes the worker's last rows for a probe.
    pub(crate) fn flush_put_away(&mut self, probe: usize) {
        if let (Some(away), Some(partitioner)) = (&self.run.probes[probe].away, &mut self.put_away[probe])
            && let Err(error) = partitioner.flush(&away.file)
        {
            self.run.fail(Seq::END, error);
        }
    }

    /// Probes the rows that were put away, as many partitions as this worker gets.
    pub(crate) fn work_late(&mut self, probe: usize) {
        if let Err(error) = self.probe_partitions(probe) {
            self.run.fail(Seq::END, error);
        }
    }

    fn probe_partitions(&mut self, probe: usize) -> Result<(), RunError> {
        let run = self.run;
        let probing = &run.probes[probe];
        let (Some(away), Some(spilled)) = (&probing.away, &probing.table.spilled) else { return Ok(()) };
        let (body, step) = find_probe(&run.body, probe).expect("every probe is a step of the body");
        self.position = None;
        loop {
            let next = away.next.fetch_add(1, Ordering::Relaxed);
            let Some(partition) = spilled.partitions.get(next) else { return Ok(()) };
            self.probe_partition((probe, *partition), away, spilled, (body, step))?;
        }
    }

    /// Probes the rows of a partition, parted as its build side is.
    fn probe_partition(
        &mut self,
        (probe, partition): (usize, usize),
        away: &PutAway,
        spilled: &SpilledJoin,
        place: (&'a Body<'a>, usize),
    ) -> Result<(), RunError> {
        if away.file.pieces(|other| other == partition).is_empty() {
            return Ok(());
        }
        match spilled.parting(partition) {
            Parting::Again(level, parts) => {
                self.part_again((probe, partition), away, *level, parts.start)?;
                parts.clone().try_for_each(|part| self.probe_partition((probe, part), away, spilled, place))
            }
            Parting::Blocks(blocks) => {
                let first = &self.run.probes[probe].spec;
                for block in blocks.clone() {
                    let Some(spec) = (if block == blocks.start { Some(first.clone()) } else { again(first) }) else {
                        break;
                    };
                    self.late = Some(LateProbe { probe, table: spilled.load(block)?, spec });
                    self.probe_rows(partition, away, place)?;
                    if let Some(late) = self.late.take() {
                        spilled.keep_matches(block, &late.table);
                    }
                }
                Ok(())
            }
        }
    }

    /// Parts the rows that wait for a partition which was parted again.
    fn part_again(
        &mut self,
        (probe, partition): (usize, usize),
        away: &PutAway,
        level: u32,
        first: usize,
    ) -> Result<(), RunError> {
        let probing = &self.run.probes[probe];
        let mut reader = KeyReader::new(probing.layout.clone(), probing.keys);
        let mut partitioner = away.partitioner().at(first);
        for piece in away.file.pieces(|other| other == partition) {
            let batch = away.file.read(&piece)?;
            each_chunk(&batch, &away.regs, &mut self.registers, |registers, selection| {
                let mut partitions = [0; CHUNK_ROWS];
                partitions_of_keys(&reader.read(registers, selection), selection, level, &mut partitions);
                partitioner.add(registers, selection, &partitions, &away.file)
            })?;
        }
        partitioner.flush(&away.file)
    }

    /// Lets the rows that wait for a partition probe what is loaded.
    fn probe_rows(
        &mut self,
        partition: usize,
        away: &PutAway,
        (body, step): (&'a Body<'a>, usize),
    ) -> Result<(), RunError> {
        for piece in away.file.pieces(|other| other == partition) {
            self.start(piece.order())?;
            let batch = away.file.read(&piece)?;
            let columns = columns_of(&batch, &away.regs, &self.registers);
            let view = BatchView::new(&columns, away.regs.iter().copied());
            for first in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
                let rows = (batch.num_rows() - first).min(CHUNK_ROWS);
                self.registers.load(&view, first, rows);
                self.run_chunk(body, step, rows)?;
            }
            self.end_late_morsel()?;
        }
        Ok(())
    }
}

/// What takes the place of a probe's table while rows that were put away are probed.
pub(crate) struct LateProbe {
    pub(crate) probe: usize,
    pub(crate) table: JoinTable,
    pub(crate) spec: ProbeSpec,
}

/// How a further block of one key is probed: a row that it could be news for has its match in the first one.
fn again(spec: &ProbeSpec) -> Option<ProbeSpec> {
    match spec.kind {
        _ if spec.mark_only => Some(spec.clone()),
        ProbeKind::Inner | ProbeKind::Left => Some(ProbeSpec { kind: ProbeKind::Inner, ..spec.clone() }),
        ProbeKind::Semi | ProbeKind::Anti => None,
    }
}

/// The body that has a probe among its steps, and the step.
fn find_probe<'a>(body: &'a Body<'a>, probe: usize) -> Option<(&'a Body<'a>, usize)> {
    if let Some(step) = body.steps.iter().position(|step| matches!(step, Step::Probe(other) if *other == probe)) {
        return Some((body, step));
    }
    match &body.end {
        End::Fork(branches) => branches.iter().find_map(|branch| find_probe(branch, probe)),
        End::At(_) => None,
    }
}

impl PipelineRun<'_> {
    /// The probes that have to wait for partitions, in the order rows flow.
    pub(crate) fn late_probes(&self) -> Vec<usize> {
        (0..self.probes.len()).filter(|probe| self.probes[*probe].away.is_some()).collect()
    }
}
