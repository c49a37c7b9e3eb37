//! Rows whose side of a join was not in memory: put into a file when they came to the probe, probed when all others are
//! through, partition by partition, and then on their way through the rest of the steps like any others.

use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::hash_join::SpilledJoin;
use crate::registers::BatchView;
use crate::scheduler::{Body, End, PipelineRun, Step};
use crate::spill::{Partitioner, SpillFile};
use crate::task::Worker;
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{ColumnType, Field, Reg};
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
            self.probe_partition(probe, *partition, away, spilled, body, step)?;
        }
    }

    fn probe_partition(
        &mut self,
        probe: usize,
        partition: usize,
        away: &PutAway,
        spilled: &SpilledJoin,
        body: &'a Body<'a>,
        step: usize,
    ) -> Result<(), RunError> {
        let pieces = away.file.pieces(|other| other == partition);
        if pieces.is_empty() {
            return Ok(());
        }
        self.late = Some((probe, spilled.load(partition)?));
        for piece in pieces {
            self.start(piece.order())?;
            let batch = away.file.read(&piece)?;
            let view = BatchView::new(batch.columns(), away.regs.iter().copied());
            for first in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
                let rows = (batch.num_rows() - first).min(CHUNK_ROWS);
                self.registers.load(&view, first, rows);
                self.run_chunk(body, step, rows)?;
            }
            self.end_late_morsel()?;
        }
        if let Some((_, table)) = self.late.take() {
            spilled.keep_matches(partition, &table);
        }
        Ok(())
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
