//! Single values: of a row of a register, and one for each group.

use crate::column::compare_words;
use crate::primitive::bitmap;
use crate::primitive::memory::{Buf, Str};
use crate::registers::Registers;
use sabot_abi::manifest::{BaseType, ColumnType, Reg};
use std::cmp::Ordering;

/// A value of a row or a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Word(u64),
    Wide(u128),
    Bytes(&'a [u8]),
}

/// The values of a register in a chunk.
pub(super) struct Cells<'a> {
    pub(super) valid: Option<&'a [u64]>,
    pub(super) values: CellValues<'a>,
}

pub(super) enum CellValues<'a> {
    Words(&'a [u64]),
    Wide(&'a [u128]),
    Strs(&'a [Str]),
}

impl<'a> Cells<'a> {
    /// `words` is scratch for values that are narrower than a word.
    pub(super) fn of(reg: Reg, registers: &'a Registers, rows: usize, words: &'a mut [u64]) -> Self {
        let base = registers.ty(reg).base;
        let values = if base.is_str() {
            CellValues::Strs(registers.values(reg, rows))
        } else {
            match base.register_width() {
                Some(16) => CellValues::Wide(registers.values(reg, rows)),
                Some(8) => CellValues::Words(registers.values(reg, rows)),
                None | Some(_) => {
                    registers.words_into(reg, rows, words);
                    CellValues::Words(&words[..rows])
                }
            }
        };
        Self { valid: registers.validity(reg, rows), values }
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Cell<'_> {
        if self.valid.is_some_and(|valid| !bitmap::get(valid, row)) {
            return Cell::Null;
        }
        match &self.values {
            CellValues::Words(words) => Cell::Word(words[row]),
            CellValues::Wide(values) => Cell::Wide(values[row]),
            CellValues::Strs(strs) => Cell::Bytes(strs[row].bytes()),
        }
    }
}

pub(super) fn compare_cells(base: BaseType, left: Cell<'_>, right: Cell<'_>) -> Ordering {
    match (left, right) {
        (Cell::Word(left), Cell::Word(right)) => compare_words(base, left, right),
        (Cell::Wide(left), Cell::Wide(right)) => (left as i128).cmp(&(right as i128)),
        (Cell::Bytes(left), Cell::Bytes(right)) => left.cmp(right),
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Less,
        (_, Cell::Null) => Ordering::Greater,
        _ => unreachable!("cells of one type are alike"),
    }
}

pub(super) fn is_nan(base: BaseType, cell: Cell<'_>) -> bool {
    match (base, cell) {
        (BaseType::Float64, Cell::Word(word)) => f64::from_bits(word).is_nan(),
        (BaseType::Float32, Cell::Word(word)) => f32::from_bits(word as u32).is_nan(),
        _ => false,
    }
}

/// A value for each group.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) ty: ColumnType,
    pub(super) is_null: Vec<bool>,
    pub(super) values: HeldValues,
}

#[derive(Debug)]
pub(super) enum HeldValues {
    Words(Buf<u64>),
    Wide(Buf<u128>),
    Bytes(Vec<Vec<u8>>),
}

impl Held {
    pub(super) fn new(ty: ColumnType) -> Self {
        let values = if ty.base.is_str() {
            HeldValues::Bytes(Vec::new())
        } else if ty.base.register_width() == Some(16) {
            HeldValues::Wide(Buf::default())
        } else {
            HeldValues::Words(Buf::default())
        };
        Self { ty, is_null: Vec::new(), values }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.is_null.resize(groups, false);
        match &mut self.values {
            HeldValues::Words(values) => values.resize(groups),
            HeldValues::Wide(values) => values.resize(groups),
            HeldValues::Bytes(values) => values.resize(groups, Vec::new()),
        }
    }

    pub(super) fn get(&self, group: usize) -> Cell<'_> {
        if self.is_null[group] {
            return Cell::Null;
        }
        match &self.values {
            HeldValues::Words(values) => Cell::Word(values[group]),
            HeldValues::Wide(values) => Cell::Wide(values[group]),
            HeldValues::Bytes(values) => Cell::Bytes(&values[group]),
        }
    }

    pub(super) fn set(&mut self, group: usize, cell: Cell<'_>) {
        self.is_null[group] = matches!(cell, Cell::Null);
        match (&mut self.values, cell) {
            (HeldValues::Words(values), Cell::Word(value)) => values[group] = value,
            (HeldValues::Wide(values), Cell::Wide(value)) => values[group] = value,
            (HeldValues::Bytes(values), Cell::Bytes(value)) => {
                values[group].clear();
                values[group].extend_from_slice(value);
            }
            (_, Cell::Null) => {}
            _ => unreachable!("cells of one type are alike"),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.is_null.capacity()
            + match &self.values {
                HeldValues::Words(values) => values.memory_bytes(),
                HeldValues::Wide(values) => values.memory_bytes(),
                HeldValues::Bytes(values) => {
                    values.iter().map(Vec::capacity).sum::<usize>() + values.capacity() * size_of::<Vec<u8>>()
                }
            }
    }
}

pub(super) fn is_float(base: BaseType) -> bool {
    matches!(base, BaseType::Float32 | BaseType::Float64)
}

pub(super) fn is_unsigned(base: BaseType) -> bool {
    matches!(base, BaseType::Bool | BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64)
}

/// A number as a float.
#[inline]
pub(super) fn to_float(base: BaseType, cell: Cell<'_>) -> f64 {
    match cell {
        Cell::Word(word) if base == BaseType::Float64 => f64::from_bits(word),
        Cell::Word(word) if base == BaseType::Float32 => f64::from(f32::from_bits(word as u32)),
        Cell::Word(word) if is_unsigned(base) => word as f64,
        Cell::Word(word) => word as i64 as f64,
        Cell::Wide(value) => value as i128 as f64,
        Cell::Null | Cell::Bytes(_) => f64::NAN,
    }
}

#[inline]
pub(super) fn to_int(base: BaseType, cell: Cell<'_>) -> i128 {
    match cell {
        Cell::Word(word) if is_unsigned(base) => i128::from(word),
        Cell::Word(word) => i128::from(word as i64),
        Cell::Wide(value) => value as i128,
        Cell::Null | Cell::Bytes(_) => 0,
    }
}
