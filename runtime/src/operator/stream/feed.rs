//! The worker's side of a stream: parts the selected rows of chunks by the key groups of their keys.
//!
//! A row whose key has a null goes to the first partition where nulls match nothing: it is wanted there only because it
//! matches nothing.

use super::StreamSpec;
use super::key_group::{PARTITIONS, partitions};
use crate::morsel::Seq;
use crate::operator::collect::{Order, Rows};
use crate::operator::key::{KeyLayout, KeyReader};
use crate::primitive::bitmap;
use crate::registers::{Registers, Selection};
use sabot_abi::manifest::{ColumnType, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};

/// Rows of one worker on their way to the states of a table.
#[derive(Debug)]
pub(crate) struct Feed {
    reader: KeyReader,
    wide_bytes: usize,
    is_null_a_key: bool,
    /// The registers of the columns that states get.
    regs: Vec<Reg>,
    types: Vec<ColumnType>,
    order: Order,
    /// By partition.
    parts: Vec<Option<Rows>>,
    /// By partition: rows of the last morsel that brought some, and bytes of their strings.
    before: [(usize, usize); PARTITIONS],
    /// The column that gets the place of each row in its morsel.
    places: Option<usize>,
    /// Rows of the morsel so far, selected or not.
    seen: u64,
}

impl Feed {
    /// Of one input of the table, as [`StreamSpec::check_feed`] wants it.
    pub(crate) fn new(spec: &StreamSpec, input: u32, keys: &[Reg], time: Option<Reg>, columns: &[Reg]) -> Self {
        let time = time.filter(|_| spec.has_time());
        let regs = keys.iter().copied().chain(time).chain(columns.iter().copied()).collect();
        Self::of_columns((&spec.layout, keys), spec.is_null_a_key(), regs, spec.fed(input as usize), None)
    }

    /// Of keys, and the registers that fill the first columns of the types; `places`: the column that gets the place of each row in
    /// its morsel. Other columns stay empty.
    pub(crate) fn of_columns(
        (layout, keys): (&KeyLayout, &[Reg]),
        is_null_a_key: bool,
        regs: Vec<Reg>,
        types: Vec<ColumnType>,
        places: Option<usize>,
    ) -> Self {
        Self {
            reader: KeyReader::new(layout.clone(), keys),
            wide_bytes: layout.wide_bytes(),
            is_null_a_key,
            regs,
            types,
            order: (0, Seq::START),
            parts: (0..PARTITIONS).map(|_| None).collect(),
            before: [(0, 0); PARTITIONS],
            places,
            seen: 0,
        }
    }

    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order) {
        self.order = order;
        self.seen = 0;
        for rows in self.parts.iter_mut().flatten() {
            rows.start(order);
        }
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        let with_key = if self.is_null_a_key { selection } else { &self.reader.without_nulls(registers, selection) };
        let mut of_row = [0u8; CHUNK_ROWS];
        partitions(&self.reader.read(registers, with_key), self.wide_bytes, with_key, &mut of_row);
        // A register of strings is filled once, for all partitions.
        self.regs.iter().for_each(|reg| registers.materialise(*reg, selection, false));
        let mut words = [[0u64; CHUNK_WORDS]; PARTITIONS];
        bitmap::for_each(selection.used(), |row| bitmap::set(&mut words[usize::from(of_row[row])], row));
        for ((part, words), (most, bytes)) in self.parts.iter_mut().zip(words).zip(self.before) {
            let mut selected = Selection { words, rows: selection.rows, count: 0 };
            selected.recount();
            if selected.count == 0 {
                continue;
            }
            let rows = part.get_or_insert_with(|| {
                let mut rows = Rows::new(self.types.iter().copied());
                rows.start(self.order);
                rows.reserve(most + most / 8, bytes + bytes / 8);
                rows
            });
            rows.add(&self.regs, registers, &selected);
            if let Some(column) = self.places {
                let places = &mut rows.columns[column];
                bitmap::for_each(selected.used(), |row| places.push_word(self.seen + row as u64));
            }
        }
        self.seen += selection.rows as u64;
    }

    /// What has come since the last time, by partition.
    pub(crate) fn take(&mut self) -> Vec<(usize, Rows)> {
        let parts = self.parts.iter_mut().zip(&mut self.before).enumerate();
        let taken = parts.filter_map(|(partition, (rows, before))| {
            let rows = rows.take()?;
            *before = (rows.rows, rows.strings.used_bytes());
            Some((partition, rows))
        });
        taken.collect()
    }
}
