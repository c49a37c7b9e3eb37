//! Hash join: the build side is kept column by column in input order with an index from keys to rows, the other side probes
//! it chunk by chunk.
//!
//! A key with a null in it matches nothing. For one probing row the build rows come in input order. Where no key is there
//! twice, a probe moves nothing: it narrows the selection and reads the payload into the rows where they are; only rows
//! that match several times make new chunks. Payload strings are stored once and referred to.

mod spilled;

use crate::column::{Column, Values};
use crate::error::RunError;
use crate::operator::collect::{Order, Rows};
use crate::operator::key::{KeyLayout, KeyReader, Keys};
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::{Buf, StrArena};
use crate::primitive::row_index::RowIndex;
use crate::registers::{Registers, Selection};
use crate::spill::{Account, PARTITIONS, Partitioner, SpillFile, partitions_of_keys};
use crate::table::TableRun;
use sabot_abi::manifest::{BaseType, ColumnType, ProbeKind, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use spilled::spill_rows;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use spilled::{Parting, SpilledJoin};

/// What a join table is to hold.
#[derive(Clone, Debug)]
pub(crate) struct JoinSpec {
    pub(crate) layout: KeyLayout,
    pub(crate) payload: Vec<ColumnType>,
    pub(crate) track_matches: bool,
}

impl JoinSpec {
    pub(crate) fn new(keys: &[ColumnType], payload: &[ColumnType], track_matches: bool) -> Self {
        Self { layout: KeyLayout::new(keys, false), payload: payload.to_vec(), track_matches }
    }

    /// The key as a column: words or bytes.
    fn key_type(&self) -> ColumnType {
        let base = if self.layout.is_words() { BaseType::UInt64 } else { BaseType::Bytes };
        ColumnType { base, nullable: true }
    }

    /// Columns that are kept: the key, then the payload.
    pub(crate) fn types(&self) -> impl Iterator<Item = ColumnType> {
        std::iter::once(self.key_type()).chain(self.payload.iter().copied())
    }
}

/// One worker's rows of the build side.
#[derive(Debug)]
pub(crate) struct JoinBuild {
    pub(crate) rows: Rows,
    reader: KeyReader,
    payload: Vec<Reg>,
    spec: JoinSpec,
    accounted: usize,
}

impl JoinBuild {
    pub(crate) fn new(spec: &JoinSpec, keys: &[Reg], payload: &[Reg]) -> Self {
        Self {
            rows: Rows::new(spec.types()),
            reader: KeyReader::new(spec.layout.clone(), keys),
            payload: payload.to_vec(),
            spec: spec.clone(),
            accounted: 0,
        }
    }

    pub(crate) fn start(&mut self, order: Order) {
        self.rows.start(order);
    }

    /// Adds the selected rows of a chunk; rows without a key only if they may be wanted for having no match.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        let with_key = self.reader.without_nulls(registers, selection);
        let kept = if self.spec.track_matches { selection } else { &with_key };
        let keys = self.reader.read(registers, &with_key);
        let Rows { columns, rows, strings, .. } = &mut self.rows;
        let column = &mut columns[0];
        if kept.count == with_key.count {
            let mut at = column.grow(kept.count);
            match (&keys, &mut column.values) {
                (Keys::Words(words), Values::Eight(to)) => bitmap::for_each(kept.used(), |row| {
                    to[at] = words[row];
                    at += 1;
                }),
                (Keys::Strs(strs), Values::Str(to)) => bitmap::for_each(kept.used(), |row| {
                    to[at] = strs[row];
                    at += 1;
                }),
                _ => unreachable!("keys are words or bytes"),
            }
        } else {
            bitmap::for_each(kept.used(), |row| match &keys {
                _ if !bitmap::get(&with_key.words, row) => column.push_null(),
                Keys::Words(words) => column.push_word(words[row]),
                Keys::Strs(strs) => column.push_str(strs[row]),
                Keys::Wide(_) => unreachable!("keys are words or bytes"),
            });
        }
        column.keep_strings(*rows, strings);
        for (column, reg) in columns[1..].iter_mut().zip(&self.payload) {
            registers.append_to(*reg, kept, column);
            registers.keep_strings(*reg, column, *rows, strings);
        }
        *rows += kept.count;
    }

    /// Puts the rows into a file if all tables together hold too much.
    pub(crate) fn end_morsel(&mut self, table: &TableRun) -> Result<(), RunError> {
        let account = &table.account;
        account.update(&mut self.accounted, self.rows.memory_bytes());
        if self.rows.rows > 0 && account.is_over() {
            spill_rows(&self.spec, &self.rows, &*table.join_spill()?)?;
            self.rows = Rows::new(self.spec.types());
            account.update(&mut self.accounted, 0);
        }
        Ok(())
    }
}

/// The build side, complete.
#[derive(Debug)]
pub(crate) struct JoinTable {
    index: RowIndex,
    pub(crate) payload: Vec<Column>,
    #[expect(dead_code, reason = "keeps the bytes of the payload and of the keys")]
    strings: StrArena,
    /// Rows in input order.
    order: Vec<Range<usize>>,
    /// Rows that had a match, if that is asked.
    matched: Vec<AtomicU64>,
    /// The rows that are not here.
    pub(crate) spilled: Option<SpilledJoin>,
}

impl JoinTable {
    /// Puts the workers' rows together and indexes them.
    pub(crate) fn build(spec: &JoinSpec, parts: Vec<Rows>, threads: usize) -> Self {
        let (mut all, order) = Rows::stack(parts, spec.types());
        let keys = all.columns.remove(0);
        let valid = keys.validity();
        let index = match &keys.values {
            Values::Eight(words) => RowIndex::of_words(words, valid, &order, threads),
            Values::Str(strs) => RowIndex::of_bytes(strs.clone(), valid, &order, threads),
            Values::One(_) | Values::Two(_) | Values::Four(_) | Values::Sixteen(_) => {
                unreachable!("keys are words or bytes")
            }
        };
        let words = if spec.track_matches { bitmap::words_of(all.rows) } else { 0 };
        Self {
            index,
            payload: all.columns,
            strings: all.strings,
            order,
            matched: std::iter::repeat_with(AtomicU64::default).take(words).collect(),
            spilled: None,
        }
    }

    /// A table of which some rows are in a file already: as many partitions as may be are brought back into memory.
    pub(crate) fn build_spilled(
        spec: &JoinSpec,
        parts: Vec<Rows>,
        file: Arc<SpillFile>,
        account: &Account,
        threads: usize,
    ) -> Result<Self, RunError> {
        for part in &parts {
            spill_rows(spec, part, &file)?;
        }
        drop(parts);
        let mut resident = 0;
        let is_spilled = file.partition_bytes().map(|bytes| {
            resident += bytes;
            resident > account.resident_bytes()
        });
        // Before the rows that stay are there; each worker loads a block while it probes.
        let types: Vec<ColumnType> = spec.types().collect();
        let spilled = SpilledJoin::new(spec, Arc::clone(&file), is_spilled, account.resident_bytes() / threads.max(1))?;
        let rows = file.read_rows(&types, |partition| partition < PARTITIONS && !is_spilled[partition])?;
        let mut table = Self::build(spec, vec![rows], threads);
        table.spilled = Some(spilled);
        Ok(table)
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.order.iter().map(Range::len).sum()
    }

    /// Whether no key is there twice.
    pub(crate) fn is_unique(&self) -> bool {
        self.index.is_unique()
    }

    /// Numbers of the rows that had a match, or of those that had none.
    pub(crate) fn rows_by_match(&self, matched: bool) -> Vec<u32> {
        let is_matched = |row: usize| self.matched[row / 64].load(Ordering::Relaxed) >> (row % 64) & 1 != 0;
        let rows = self.order.iter().flat_map(Clone::clone);
        rows.filter(|row| is_matched(*row) == matched).map(|row| row as u32).collect()
    }

    fn mark(&self, mut row: u32) {
        while row != NONE {
            let word = &self.matched[row as usize / 64];
            let bit = 1 << (row % 64);
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
            row = self.index.next(row);
        }
    }
}

/// How a pipeline probes a table.
#[derive(Clone, Debug)]
pub(crate) struct ProbeSpec {
    pub(crate) kind: ProbeKind,
    pub(crate) carry: Vec<Reg>,
    pub(crate) payload: Vec<(u32, Reg)>,
    pub(crate) matched: Option<Reg>,
    pub(crate) mark_only: bool,
    /// The register that takes the number of the build row.
    pub(crate) rows: Option<Reg>,
}

/// One worker's side of a probe.
#[derive(Debug)]
pub(crate) struct Probe {
    reader: KeyReader,
    /// By row of the chunk: the first build row with its key.
    first: Buf<u32>,
    /// Pairs that come out next.
    probe_rows: Vec<u32>,
    build_rows: Vec<u32>,
    /// Where the pairs go on.
    row: usize,
    next: u32,
    found: [u64; CHUNK_WORDS],
    /// Probing rows, matched or not.
    wanted: Selection,
    partitions: [u8; CHUNK_ROWS],
}

/// What a probe of a chunk has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The chunk goes on as it is, with a narrower selection.
    InPlace,
    /// New chunks come, one by one, from [`Probe::next_chunk`].
    Chunks,
    /// No row comes out.
    Nothing,
}

impl Probe {
    pub(crate) fn new(layout: &KeyLayout, keys: &[Reg]) -> Self {
        Self {
            reader: KeyReader::new(layout.clone(), keys),
            first: Buf::zeroed(CHUNK_ROWS),
            probe_rows: Vec::with_capacity(CHUNK_ROWS),
            build_rows: Vec::with_capacity(CHUNK_ROWS),
            row: 0,
            next: NONE,
            found: [0; CHUNK_WORDS],
            wanted: Selection::all(0),
            partitions: [0; CHUNK_ROWS],
        }
    }

    /// Puts the rows whose build rows are not in memory into a file, to be probed later.
    pub(crate) fn put_away(
        &mut self,
        spilled: &SpilledJoin,
        registers: &mut Registers,
        selection: &mut Selection,
        partitioner: &mut Partitioner,
        file: &SpillFile,
    ) -> Result<(), RunError> {
        // Of all rows: those that stay read the same strings.
        partitioner.regs().into_iter().for_each(|reg| registers.materialise(reg, selection, false));
        let mut away = self.reader.without_nulls(registers, selection);
        partitions_of_keys(&self.reader.read(registers, &away), &away, 0, &mut self.partitions);
        let words = away.words;
        bitmap::for_each(&words, |row| {
            if !spilled.is_spilled[self.partitions[row] as usize] {
                bitmap::clear(&mut away.words, row);
            }
        });
        away.recount();
        if away.count > 0 {
            partitioner.add(registers, &away, &self.partitions, file)?;
            for (word, away) in selection.words.iter_mut().zip(&away.words) {
                *word &= !away;
            }
            selection.recount();
        }
        Ok(())
    }

    /// Looks the selected rows up.
    pub(crate) fn find(
        &mut self,
        table: &JoinTable,
        spec: &ProbeSpec,
        registers: &mut Registers,
        selection: &mut Selection,
    ) -> Found {
        let rows = selection.rows;
        let with_key = self.reader.without_nulls(registers, selection);
        self.found = [0; CHUNK_WORDS];
        let used = bitmap::words_of(rows);
        let (first, found) = (&mut self.first[..rows], &mut self.found[..used]);
        match self.reader.read(registers, &with_key) {
            Keys::Words(keys) => table.index.find_words(keys, with_key.used(), first, found),
            Keys::Strs(keys) => table.index.find_bytes(keys, with_key.used(), first, found),
            Keys::Wide(_) => unreachable!("keys are words or bytes"),
        }
        if !table.matched.is_empty() {
            bitmap::for_each(&self.found, |row| table.mark(self.first[row]));
        }
        if spec.mark_only {
            return Found::Nothing;
        }
        match spec.kind {
            ProbeKind::Semi => selection.intersect(&self.found),
            ProbeKind::Anti => {
                for (word, found) in selection.words.iter_mut().zip(&self.found) {
                    *word &= !found;
                }
                selection.recount();
            }
            ProbeKind::Inner | ProbeKind::Left => {
                if !table.index.is_unique() && self.has_several(table) {
                    self.wanted = if spec.kind == ProbeKind::Left { selection.clone() } else { with_key };
                    if spec.kind == ProbeKind::Inner {
                        self.wanted.intersect(&self.found);
                    }
                    (self.row, self.next) = (0, NONE);
                    return Found::Chunks;
                }
                let is_left = spec.kind == ProbeKind::Left;
                if !is_left {
                    selection.intersect(&self.found);
                }
                if selection.count > 0 {
                    let found = is_left.then_some(&self.found[..used]);
                    for (position, reg) in &spec.payload {
                        let column = &table.payload[*position as usize];
                        registers.take_in_place(*reg, column, &self.first[..rows], selection, found);
                    }
                    if let Some(matched) = spec.matched {
                        registers.set_bits(matched, &self.found[..used]);
                    }
                    if let Some(reg) = spec.rows {
                        registers.set_numbers(reg, &self.first[..rows]);
                    }
                }
            }
        }
        if selection.count == 0 { Found::Nothing } else { Found::InPlace }
    }

    /// Whether a row of the chunk matches more than once.
    fn has_several(&self, table: &JoinTable) -> bool {
        let mut several = false;
        bitmap::for_each(&self.found, |row| several |= table.index.next(self.first[row]) != NONE);
        several
    }

    /// The next pairs as a chunk: the carried registers and the payload; gives its rows, 0 at the end.
    pub(crate) fn next_chunk(&mut self, table: &JoinTable, spec: &ProbeSpec, registers: &mut Registers) -> usize {
        self.probe_rows.clear();
        self.build_rows.clear();
        let mut matched = [0; CHUNK_WORDS];
        while self.probe_rows.len() < CHUNK_ROWS {
            if self.next == NONE {
                let Some(row) = next_row(&self.wanted, self.row) else { break };
                self.row = row + 1;
                let is_found = bitmap::get(&self.found, row);
                if !is_found {
                    self.probe_rows.push(row as u32);
                    self.build_rows.push(0);
                    continue;
                }
                self.next = self.first[row];
            }
            bitmap::set(&mut matched, self.probe_rows.len());
            self.probe_rows.push(self.row as u32 - 1);
            self.build_rows.push(self.next);
            self.next = table.index.next(self.next);
        }
        let rows = self.probe_rows.len();
        if rows == 0 {
            return 0;
        }
        registers.gather(&spec.carry, &self.probe_rows);
        let used = bitmap::words_of(rows);
        let found = (spec.kind == ProbeKind::Left).then_some(&matched[..used]);
        for (position, reg) in &spec.payload {
            registers.take_from(*reg, &table.payload[*position as usize], &self.build_rows, found);
        }
        if let Some(reg) = spec.matched {
            registers.set_bits(reg, &matched[..used]);
        }
        if let Some(reg) = spec.rows {
            registers.set_numbers(reg, &self.build_rows);
        }
        rows
    }
}

/// The first selected row that is not below `from`.
fn next_row(selection: &Selection, from: usize) -> Option<usize> {
    let mut at = from / 64;
    let mut word = *selection.words.get(at)? & (!0 << (from % 64));
    while word == 0 {
        at += 1;
        word = *selection.words.get(at)?;
    }
    Some(at * 64 + word.trailing_zeros() as usize)
}
