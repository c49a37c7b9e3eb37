//! The part of a build side that is in a file: partitions by the hash of the key, those that are still too large parted again by
//! the next bits of it, and what is of one key, which no hash parts, in blocks that are probed one after the other.
//!
//! Partitions have numbers: the first are those of the first parting; each that is parted again gets a number for each of its
//! parts. Rows that wait for their probe are parted in the same way, by the same numbers, when it comes to them.

use super::{JoinSpec, JoinTable};
use crate::error::RunError;
use crate::operator::collect::Rows;
use crate::operator::key::Keys;
use crate::registers::{Registers, Selection};
use crate::spill::{MOST_LEVELS, PARTITIONS, Partitioner, Piece, SpillFile, fields, partitions_of_keys};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{ColumnType, Reg};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Bytes below which a partition is not worth parting again, whatever the budget; few where tests are to come this way.
const LEAST_BYTES: usize = if cfg!(debug_assertions) { 8 << 10 } else { 1 << 20 };

/// Writes rows of the build side to a file, each to the partition of its key; those without one to the first.
struct KeyPartitioner {
    is_words: bool,
    registers: Registers,
    partitioner: Partitioner,
    level: u32,
}

impl KeyPartitioner {
    /// Into the partitions whose numbers begin with `first`.
    fn new(spec: &JoinSpec, level: u32, first: usize) -> Self {
        let types: Vec<ColumnType> = spec.types().collect();
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        let registers = Registers::new(&fields(&types));
        let partitioner = Partitioner::new(&regs, &types).at(first);
        Self { is_words: spec.layout.is_words(), registers, partitioner, level }
    }

    fn add(&mut self, rows: &Rows, range: Range<usize>, file: &SpillFile) -> Result<(), RunError> {
        for start in range.clone().step_by(CHUNK_ROWS) {
            let chunk: Vec<u32> = (start as u32..(start + CHUNK_ROWS).min(range.end) as u32).collect();
            self.registers.load_taken((0..).zip(&rows.columns), &chunk);
            let all = Selection::all(chunk.len());
            let mut keyed = all.clone();
            if let Some(valid) = self.registers.validity(0, chunk.len()) {
                keyed.intersect(valid);
            }
            let keys = if self.is_words {
                Keys::Words(self.registers.values(0, chunk.len()))
            } else {
                Keys::Strs(self.registers.values(0, chunk.len()))
            };
            let mut partitions = [0; CHUNK_ROWS];
            partitions_of_keys(&keys, &keyed, self.level, &mut partitions);
            self.partitioner.add(&mut self.registers, &all, &partitions, file)?;
        }
        Ok(())
    }
}

/// Writes rows of the build side to a file, as the first parting has it.
pub(super) fn spill_rows(spec: &JoinSpec, rows: &Rows, file: &SpillFile) -> Result<(), RunError> {
    let mut to = KeyPartitioner::new(spec, 0, 0);
    let ends = rows.runs.iter().skip(1).map(|(_, first)| *first).chain([rows.rows]);
    for ((order, first), end) in rows.runs.iter().zip(ends) {
        to.partitioner.start(*order, file)?;
        to.add(rows, *first..end, file)?;
    }
    to.partitioner.flush(file)
}

/// What became of a partition.
#[derive(Clone, Debug)]
pub(crate) enum Parting {
    /// It is probed as it is; its rows are in so many blocks. If they are several, all are of one key.
    Blocks(Range<usize>),
    /// It was parted again, by the bits of that level, into the partitions with these numbers.
    Again(u32, Range<usize>),
}

/// Rows that are loaded together.
#[derive(Debug)]
struct Block {
    pieces: Vec<Piece>,
    /// Those that had a match so far, once it was probed.
    matched: Mutex<Vec<u64>>,
}

/// The part of a build side that is in a file.
#[derive(Debug)]
pub(crate) struct SpilledJoin {
    spec: JoinSpec,
    file: Arc<SpillFile>,
    /// Those of the first parting that are not in memory.
    pub(crate) partitions: Vec<usize>,
    pub(super) is_spilled: [bool; PARTITIONS],
    partings: BTreeMap<usize, Parting>,
    blocks: Vec<Block>,
}

impl SpilledJoin {
    /// Parts what is in the file and not brought back until nothing is larger than `most_bytes`, if that can be.
    pub(super) fn new(
        spec: &JoinSpec,
        file: Arc<SpillFile>,
        is_spilled: [bool; PARTITIONS],
        most_bytes: usize,
    ) -> Result<Self, RunError> {
        let partitions: Vec<usize> = (0..PARTITIONS).filter(|partition| is_spilled[*partition]).collect();
        let mut open: Vec<(usize, u32)> = partitions.iter().map(|partition| (*partition, 0)).collect();
        let (partings, blocks) = (BTreeMap::new(), Vec::new());
        let mut spilled = Self { spec: spec.clone(), file, partitions, is_spilled, partings, blocks };
        let most_bytes = most_bytes.max(LEAST_BYTES);
        let mut next = PARTITIONS;
        while let Some((partition, level)) = open.pop() {
            let pieces = spilled.file.pieces(|other| other == partition);
            let bytes: usize = pieces.iter().map(Piece::bytes).sum();
            let parting = if bytes <= most_bytes {
                spilled.in_blocks([pieces])
            } else if spilled.is_of_one_key(&pieces)? {
                spilled.in_blocks(split(pieces, most_bytes))
            } else if level + 1 < MOST_LEVELS {
                let parts = next..next + PARTITIONS;
                next = parts.end;
                let mut to = KeyPartitioner::new(spec, level + 1, parts.start);
                for piece in &pieces {
                    let rows = spilled.rows([*piece])?;
                    to.add(&rows, 0..rows.rows, &spilled.file)?;
                }
                to.partitioner.flush(&spilled.file)?;
                open.extend(parts.clone().map(|part| (part, level + 1)));
                Parting::Again(level + 1, parts)
            } else {
                // Keys that differ and agree in the thirty bits of hash that were looked at: there cannot be many.
                spilled.in_blocks([pieces])
            };
            spilled.partings.insert(partition, parting);
        }
        Ok(spilled)
    }

    fn in_blocks(&mut self, blocks: impl IntoIterator<Item = Vec<Piece>>) -> Parting {
        let first = self.blocks.len();
        self.blocks.extend(blocks.into_iter().map(|pieces| Block { pieces, matched: Mutex::default() }));
        Parting::Blocks(first..self.blocks.len())
    }

    fn rows(&self, pieces: impl IntoIterator<Item = Piece>) -> Result<Rows, RunError> {
        let types: Vec<ColumnType> = self.spec.types().collect();
        self.file.read_rows_of(&types, pieces)
    }

    /// Whether all rows have one key, or none of them has any. Mostly the first piece tells.
    fn is_of_one_key(&self, pieces: &[Piece]) -> Result<bool, RunError> {
        let mut first: Option<Rows> = None;
        for piece in pieces {
            let rows = self.rows([*piece])?;
            let key = &first.as_ref().unwrap_or(&rows).columns[0];
            if (0..rows.rows).any(|row| key.compare_with(0, &rows.columns[0], row).is_ne()) {
                return Ok(false);
            }
            if first.is_none() {
                first = Some(rows);
            }
        }
        Ok(true)
    }

    /// What became of a partition.
    pub(crate) fn parting(&self, partition: usize) -> &Parting {
        &self.partings[&partition]
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Loads a block, with the matches of its rows so far.
    pub(crate) fn load(&self, block: usize) -> Result<JoinTable, RunError> {
        let block = &self.blocks[block];
        let table = JoinTable::build(&self.spec, vec![self.rows(block.pieces.iter().copied())?], 1);
        let matched = block.matched.lock().expect("a worker that panicked ends the job");
        for (word, matched) in table.matched.iter().zip(matched.iter()) {
            word.store(*matched, Ordering::Relaxed);
        }
        Ok(table)
    }

    /// Remembers which rows of a block had a match.
    pub(crate) fn keep_matches(&self, block: usize, table: &JoinTable) {
        let matched = table.matched.iter().map(|word| word.load(Ordering::Relaxed)).collect();
        *self.blocks[block].matched.lock().expect("a worker that panicked ends the job") = matched;
    }
}

/// Pieces in groups of about so many bytes.
fn split(pieces: Vec<Piece>, most_bytes: usize) -> Vec<Vec<Piece>> {
    let mut blocks: Vec<Vec<Piece>> = Vec::new();
    let mut bytes = 0;
    for piece in pieces {
        match blocks.last_mut().filter(|_| bytes + piece.bytes() <= most_bytes) {
            Some(last) => {
                bytes += piece.bytes();
                last.push(piece);
            }
            None => {
                bytes = piece.bytes();
                blocks.push(vec![piece]);
            }
        }
    }
    blocks
}
