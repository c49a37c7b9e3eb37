//! Keys of joins and groups: the registers of a key become one word or one string of bytes per row.
//!
//! Equal keys, and only they, have equal words or bytes: all NaNs are one, and -0.0 is 0.0. Of group keys, `None` is a value
//! like any other. Parts that together fit into eight bytes and hold no nulls are packed into a word; anything else but a
//! single string is written out, each part with a byte that says whether it is null.

use crate::column::Column;
use crate::primitive::bitmap;
use crate::primitive::memory::{Buf, Str};
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{BaseType, ColumnType, Reg};

/// How the keys of a table are laid out; both sides of a join, and all workers, agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyLayout {
    /// One number, or several side by side.
    Words(Vec<BaseType>),
    /// A string that is never null.
    Str(BaseType),
    /// Numbers side by side in two words, none of them ever null.
    Wide(Vec<BaseType>),
    /// Everything else.
    Encoded(Vec<ColumnType>),
}

impl KeyLayout {
    /// `is_null_a_key`: a null is a value (groups), else rows with nulls have no key (joins).
    pub(crate) fn new(parts: &[ColumnType], is_null_a_key: bool) -> Self {
        let may_be_null = |part: &ColumnType| part.nullable && is_null_a_key;
        let width = |part: &ColumnType| part.base.register_width().unwrap_or(1);
        match parts {
            [part] if part.base.is_str() && !may_be_null(part) => Self::Str(part.base),
            _ if !parts.iter().any(may_be_null) && parts.iter().map(width).sum::<usize>() <= 8 => {
                Self::Words(parts.iter().map(|part| part.base).collect())
            }
            _ => Self::Encoded(
                parts.iter().map(|part| ColumnType { base: part.base, nullable: may_be_null(part) }).collect(),
            ),
        }
    }

    /// As [`new`](Self::new) for groups, whose keys may be two words.
    pub(crate) fn of_groups(parts: &[ColumnType]) -> Self {
        let is_plain = parts.iter().all(|part| !part.nullable && !part.base.is_str());
        let width = parts.iter().map(|part| part.base.register_width().unwrap_or(1)).sum::<usize>();
        if is_plain && (9..=16).contains(&width) {
            return Self::Wide(parts.iter().map(|part| part.base).collect());
        }
        Self::new(parts, true)
    }

    /// As [`new`](Self::new) for the state of streams, whose keys may be two words: a window's end mostly stands beside a number.
    pub(crate) fn of_streams(parts: &[ColumnType], is_null_a_key: bool) -> Self {
        let parts: Vec<ColumnType> =
            parts.iter().map(|part| ColumnType { nullable: part.nullable && is_null_a_key, ..*part }).collect();
        Self::of_groups(&parts)
    }

    /// Bytes of keys that are two words: what they would be if they were written out.
    pub(crate) fn wide_bytes(&self) -> usize {
        let Self::Wide(parts) = self else { return 0 };
        parts.iter().map(|part| part.register_width().unwrap_or(1)).sum()
    }

    /// The register of a key that is one string.
    pub(crate) fn string_of(&self, keys: &[Reg]) -> Option<Reg> {
        if let (Self::Str(_), [reg]) = (self, keys) { Some(*reg) } else { None }
    }

    /// Whether keys are words.
    pub(crate) fn is_words(&self) -> bool {
        matches!(self, Self::Words(_))
    }

    /// The columns of keys that are words.
    pub(crate) fn columns_of_words(&self, keys: &[u64], types: &[ColumnType]) -> Vec<Column> {
        let Self::Words(parts) = self else { unreachable!("the layout knows its kind") };
        let mut columns: Vec<Column> = types.iter().map(|ty| Column::new(*ty)).collect();
        for &key in keys {
            let mut shift = 0;
            for (column, part) in columns.iter_mut().zip(parts) {
                column.push_word(if parts.len() == 1 { key } else { key >> shift });
                shift += part.register_width().unwrap_or(1) * 8;
            }
        }
        columns
    }

    /// The columns of keys that are two words.
    pub(crate) fn columns_of_wide(&self, keys: &[u128], types: &[ColumnType]) -> Vec<Column> {
        let Self::Wide(parts) = self else { unreachable!("the layout knows its kind") };
        let mut shift = 0;
        let column = |(ty, part): (&ColumnType, &BaseType)| {
            let mut column = Column::new(*ty);
            let bits = part.register_width().unwrap_or(1) * 8;
            for &key in keys {
                if bits == 128 { column.push_wide(key) } else { column.push_word((key >> shift) as u64) }
            }
            shift += bits;
            column
        };
        types.iter().zip(parts).map(column).collect()
    }

    /// The columns of keys that are bytes; strings refer to the keys' bytes.
    pub(crate) fn columns_of_bytes(&self, keys: &[Str], types: &[ColumnType]) -> Vec<Column> {
        let mut columns: Vec<Column> = types.iter().map(|ty| Column::new(*ty)).collect();
        match self {
            Self::Words(_) | Self::Wide(_) => unreachable!("the layout knows its kind"),
            Self::Str(_) => keys.iter().for_each(|key| columns[0].push_str(*key)),
            Self::Encoded(parts) => {
                for key in keys {
                    let mut rest = key.bytes();
                    for (column, part) in columns.iter_mut().zip(parts) {
                        rest = decode(column, *part, rest);
                    }
                }
            }
        }
        columns
    }
}

/// Reads one part of an encoded key; gives what follows it.
fn decode<'a>(column: &mut Column, part: ColumnType, bytes: &'a [u8]) -> &'a [u8] {
    let mut rest = bytes;
    let mut next = |count: usize| {
        let (head, tail) = rest.split_at(count);
        rest = tail;
        head
    };
    if part.nullable && next(1)[0] == 0 {
        column.push_null();
        return rest;
    }
    if part.base.is_str() {
        let len = u64::from_le_bytes(next(8).try_into().expect("eight bytes"));
        column.push_str(Str::new(next(len as usize)));
        return rest;
    }
    let mut wide = [0; 16];
    let width = part.base.register_width().unwrap_or(1);
    wide[..width].copy_from_slice(next(width));
    let value = u128::from_le_bytes(wide);
    if width == 16 {
        column.push_wide(value)
    } else {
        column.push_word(value as u64)
    }
    rest
}

/// The keys of a chunk, one per row; of rows that are not selected they are unspecified.
pub(crate) enum Keys<'a> {
    Words(&'a [u64]),
    Strs(&'a [Str]),
    Wide(&'a [u128]),
}

/// Makes keys of registers.
#[derive(Debug)]
pub(crate) struct KeyReader {
    layout: KeyLayout,
    regs: Vec<Reg>,
    words: Buf<u64>,
    wide: Buf<u128>,
    part: Buf<u64>,
    strs: Buf<Str>,
    bytes: Buf<u8>,
}

/// The bits under which a float is looked up.
pub(crate) fn canonical(base: BaseType, word: u64) -> u64 {
    match base {
        BaseType::Float64 => {
            let value = f64::from_bits(word);
            if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
        }
        BaseType::Float32 => {
            let value = f32::from_bits(word as u32);
            u64::from(if value.is_nan() { f32::NAN.to_bits() } else { (value + 0.0).to_bits() })
        }
        BaseType::Bool
        | BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::UInt8
        | BaseType::UInt16
        | BaseType::UInt32
        | BaseType::UInt64
        | BaseType::String
        | BaseType::Bytes
        | BaseType::Decimal(..)
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::List(..) => word,
    }
}

fn is_float(base: BaseType) -> bool {
    matches!(base, BaseType::Float32 | BaseType::Float64)
}

impl KeyReader {
    pub(crate) fn new(layout: KeyLayout, regs: &[Reg]) -> Self {
        Self {
            layout,
            regs: regs.to_vec(),
            words: Buf::zeroed(CHUNK_ROWS),
            wide: Buf::default(),
            part: Buf::zeroed(CHUNK_ROWS),
            strs: Buf::default(),
            bytes: Buf::default(),
        }
    }

    /// The registers of the parts.
    pub(crate) fn regs(&self) -> &[Reg] {
        &self.regs
    }

    /// The rows without a null in their key.
    pub(crate) fn without_nulls(&self, registers: &mut Registers, selection: &Selection) -> Selection {
        let mut narrowed = selection.clone();
        for &reg in &self.regs {
            // Of all selected rows: those that are left out here may still be read by what follows.
            registers.materialise(reg, selection, false);
        }
        for &reg in &self.regs {
            if let Some(valid) = registers.validity(reg, selection.rows) {
                narrowed.intersect(valid);
            }
        }
        narrowed
    }

    /// The keys of the selected rows.
    pub(crate) fn read<'a>(&'a mut self, registers: &'a mut Registers, selection: &Selection) -> Keys<'a> {
        let rows = selection.rows;
        match &self.layout {
            KeyLayout::Str(_) => {
                registers.materialise(self.regs[0], selection, false);
                Keys::Strs(registers.values(self.regs[0], rows))
            }
            KeyLayout::Words(parts) if parts.len() == 1 => {
                if parts[0].register_width() == Some(8) && !is_float(parts[0]) {
                    return Keys::Words(registers.values(self.regs[0], rows));
                }
                registers.words_into(self.regs[0], rows, &mut self.words);
                if is_float(parts[0]) {
                    self.words[..rows].iter_mut().for_each(|word| *word = canonical(parts[0], *word));
                }
                Keys::Words(&self.words[..rows])
            }
            KeyLayout::Words(parts) => {
                self.words[..rows].fill(0);
                let mut shift = 0;
                for (&base, &reg) in parts.iter().zip(&self.regs) {
                    let bits = base.register_width().unwrap_or(1) * 8;
                    registers.words_into(reg, rows, &mut self.part);
                    for (word, part) in self.words[..rows].iter_mut().zip(self.part.iter()) {
                        *word |= (canonical(base, *part) & (!0 >> (64 - bits))) << shift;
                    }
                    shift += bits;
                }
                Keys::Words(&self.words[..rows])
            }
            KeyLayout::Wide(parts) => {
                if let [base] = parts[..]
                    && base.register_width() == Some(16)
                {
                    return Keys::Wide(registers.values(self.regs[0], rows));
                }
                self.wide.resize(rows);
                let mut shift = 0;
                for (&base, &reg) in parts.iter().zip(&self.regs) {
                    let bits = base.register_width().unwrap_or(1) * 8;
                    let part = if bits == 64 && !is_float(base) {
                        registers.values::<u64>(reg, rows)
                    } else {
                        registers.words_into(reg, rows, &mut self.part);
                        self.part[..rows]
                            .iter_mut()
                            .for_each(|word| *word = canonical(base, *word) & (!0 >> (64 - bits)));
                        &self.part[..rows]
                    };
                    for (wide, part) in self.wide.iter_mut().zip(part) {
                        *wide = if shift == 0 { u128::from(*part) } else { *wide | u128::from(*part) << shift };
                    }
                    shift += bits;
                }
                Keys::Wide(&self.wide[..rows])
            }
            KeyLayout::Encoded(parts) => {
                let parts = parts.clone();
                self.encode(&parts, registers, selection);
                Keys::Strs(&self.strs[..rows])
            }
        }
    }

    /// Writes the keys of the selected rows one behind the other, part by part.
    fn encode(&mut self, parts: &[ColumnType], registers: &mut Registers, selection: &Selection) {
        let rows = selection.rows;
        let mut lens = [0u32; CHUNK_ROWS];
        for (part, &reg) in parts.iter().zip(&self.regs) {
            registers.materialise(reg, selection, false);
            let valid = registers.validity(reg, rows).filter(|_| part.nullable);
            let fixed = part.base.register_width().unwrap_or(1) as u32;
            let strs = part.base.is_str().then(|| registers.values::<Str>(reg, rows));
            bitmap::for_each(selection.used(), |row| {
                lens[row] += u32::from(part.nullable);
                if valid.is_none_or(|valid| bitmap::get(valid, row)) {
                    lens[row] += strs.map_or(fixed, |strs| strs[row].len() as u32 + 8);
                }
            });
        }
        let mut ends = [0usize; CHUNK_ROWS];
        let mut total = 0;
        bitmap::for_each(selection.used(), |row| {
            ends[row] = total;
            total += lens[row] as usize;
        });
        self.bytes.resize(total);
        let bytes = &mut self.bytes[..];
        let mut put = |end: &mut usize, value: &[u8]| {
            bytes[*end..*end + value.len()].copy_from_slice(value);
            *end += value.len();
        };
        for (part, &reg) in parts.iter().zip(&self.regs) {
            let valid = registers.validity(reg, rows).filter(|_| part.nullable);
            let width = part.base.register_width().unwrap_or(1);
            if !part.base.is_str() && width <= 8 {
                registers.words_into(reg, rows, &mut self.part);
            }
            bitmap::for_each(selection.used(), |row| {
                let end = &mut ends[row];
                if part.nullable {
                    let is_valid = valid.is_none_or(|valid| bitmap::get(valid, row));
                    put(end, &[u8::from(is_valid)]);
                    if !is_valid {
                        return;
                    }
                }
                if part.base.is_str() {
                    let value = registers.values::<Str>(reg, rows)[row];
                    put(end, &(value.len() as u64).to_le_bytes());
                    put(end, value.bytes());
                } else if width == 16 {
                    put(end, &registers.values::<u128>(reg, rows)[row].to_le_bytes());
                } else {
                    put(end, &canonical(part.base, self.part[row]).to_le_bytes()[..width]);
                }
            });
        }
        self.strs.resize(CHUNK_ROWS);
        bitmap::for_each(selection.used(), |row| {
            self.strs[row] = Str::new(&self.bytes[ends[row] - lens[row] as usize..ends[row]]);
        });
    }
}
