//! Groups by several columns, strings among them: every string is a number first, and a key the numbers side by side.
//!
//! So a row's key is two words, found without a look at bytes but those of strings, which are mostly few and short. Numbers of
//! strings are a worker's own: they are translated where groups are put together, and hashes are those of the key's bytes.

use crate::column::Column;
use crate::operator::key::{KeyReader, canonical};
use crate::primitive::bitmap;
use crate::primitive::bytes_groups::BytesGroups;
use crate::primitive::hash::hash_bytes;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::{Buf, Str};
use crate::primitive::packed::Packed;
use crate::primitive::wide_groups::WideGroups;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{BaseType, ColumnType};

/// Bits of a string's number.
const CODE_BITS: u32 = u32::BITS;

/// A part of the key.
#[derive(Debug)]
enum Part {
    Number(BaseType),
    /// Which of the tables of strings.
    Text(usize),
}

impl Part {
    fn bits(&self) -> u32 {
        match self {
            Self::Number(base) => base.register_width().unwrap_or(1) as u32 * 8,
            Self::Text(_) => CODE_BITS,
        }
    }
}

/// The groups.
#[derive(Debug)]
pub(crate) struct CodedGroups {
    parts: Vec<Part>,
    texts: Vec<BytesGroups>,
    groups: WideGroups,
    words: Buf<u64>,
    codes: Buf<u32>,
    packed: Buf<Packed>,
    keys: Buf<u128>,
}

impl CodedGroups {
    /// By parts of these types, if their numbers fit side by side.
    pub(super) fn new(types: &[ColumnType]) -> Option<Self> {
        let mut texts = Vec::new();
        let mut parts = Vec::new();
        for ty in types {
            if ty.base.is_str() {
                parts.push(Part::Text(texts.len()));
                texts.push(BytesGroups::default());
            } else {
                parts.push(Part::Number(ty.base));
            }
        }
        let is_fit = parts.len() > 1
            && !texts.is_empty()
            && types.iter().all(|ty| !ty.nullable)
            && parts.iter().map(Part::bits).sum::<u32>() <= u128::BITS;
        is_fit.then(|| Self {
            parts,
            texts,
            groups: WideGroups::default(),
            words: Buf::default(),
            codes: Buf::zeroed(CHUNK_ROWS),
            packed: Buf::default(),
            keys: Buf::zeroed(CHUNK_ROWS),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.groups.keys.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes() + self.texts.iter().map(BytesGroups::memory_bytes).sum::<usize>()
    }

    /// The groups of the selected rows.
    pub(super) fn group(
        &mut self,
        reader: &KeyReader,
        registers: &mut Registers,
        selection: &Selection,
        numbers: &mut [u32],
    ) {
        let rows = selection.rows;
        let keys = &mut self.keys[..rows];
        keys.fill(0);
        let mut shift = 0;
        for (part, &reg) in self.parts.iter().zip(reader.regs()) {
            match part {
                Part::Text(text) => {
                    registers.pack_strs(reg, selection, &mut self.packed);
                    let codes = &mut self.codes[..rows];
                    let key = |row: usize| registers.str_at(reg, row);
                    self.texts[*text].group_packed(&self.packed, key, selection.used(), codes);
                    keys.iter_mut().zip(codes).for_each(|(key, code)| *key |= u128::from(*code) << shift);
                }
                Part::Number(base) => {
                    self.words.resize(rows);
                    registers.words_into(reg, rows, &mut self.words);
                    let all = !0 >> (64 - part.bits());
                    for (key, word) in keys.iter_mut().zip(self.words.iter()) {
                        *key |= u128::from(canonical(*base, *word) & all) << shift;
                    }
                }
            }
            shift += part.bits();
        }
        self.groups.group(keys, selection.used(), numbers);
    }

    /// The groups here of those groups of another one, from one on, that are wanted, `NONE` for the others.
    pub(super) fn absorb(&mut self, other: &Self, from: usize, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
        // Only strings of those keys: most others are known from the last time.
        let mut shift = 0;
        let mut used: Vec<Vec<u64>> = Vec::new();
        for part in &self.parts {
            if let Part::Text(text) = part {
                let mut of_text = vec![0; bitmap::words_of(other.texts[*text].keys.len())];
                let keys = other.groups.keys[from..].iter().enumerate().filter(|(at, _)| wanted(from + at));
                keys.for_each(|(_, key)| bitmap::set(&mut of_text, (key >> shift) as u32 as usize));
                used.push(of_text);
            }
            shift += part.bits();
        }
        let translate = |((ours, theirs), used): ((&mut BytesGroups, &BytesGroups), &Vec<u64>)| {
            let mut codes = vec![NONE; theirs.keys.len()];
            let chunks = theirs.keys.chunks(CHUNK_ROWS).zip(codes.chunks_mut(CHUNK_ROWS));
            for ((keys, codes), used) in chunks.zip(used.chunks(CHUNK_ROWS / 64)) {
                ours.group(keys, used, codes);
            }
            codes
        };
        let texts = self.texts.iter_mut().zip(&other.texts).zip(&used);
        let codes: Vec<Vec<u32>> = texts.map(translate).collect();
        let mut numbers = vec![NONE; other.len() - from];
        for (chunk, numbers) in numbers.chunks_mut(CHUNK_ROWS).enumerate() {
            let first = from + chunk * CHUNK_ROWS;
            let mut selected = [0; CHUNK_ROWS / 64];
            (0..numbers.len()).filter(|row| wanted(first + row)).for_each(|row| bitmap::set(&mut selected, row));
            let selected = &selected[..bitmap::words_of(numbers.len())];
            let keys = &mut self.keys[..numbers.len()];
            bitmap::for_each(selected, |row| {
                let theirs = other.groups.keys[first + row];
                let (mut key, mut shift) = (theirs, 0);
                for part in &self.parts {
                    if let Part::Text(text) = part {
                        let code = codes[*text][(theirs >> shift) as u32 as usize];
                        key = key & !(u128::from(u32::MAX) << shift) | u128::from(code) << shift;
                    }
                    shift += part.bits();
                }
                keys[row] = key;
            });
            self.groups.group(keys, selected, numbers);
        }
        numbers
    }

    /// The string of a part of a key.
    fn text(&self, text: usize, key: u128, shift: u32) -> Str {
        self.texts[text].keys[(key >> shift) as u32 as usize]
    }

    /// Hash of the bytes that [`KeyReader`] would make of the key.
    pub(super) fn hash(&self, group: usize, bytes: &mut Vec<u8>) -> u64 {
        bytes.clear();
        let (key, mut shift) = (self.groups.keys[group], 0);
        for part in &self.parts {
            match part {
                Part::Number(_) => {
                    // Beside a string there is no room for a number of more than a word.
                    bytes.extend_from_slice(&((key >> shift) as u64).to_le_bytes()[..part.bits() as usize / 8]);
                }
                Part::Text(text) => {
                    let text = self.text(*text, key, shift);
                    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                    bytes.extend_from_slice(text.bytes());
                }
            }
            shift += part.bits();
        }
        hash_bytes(bytes)
    }

    /// The keys as columns; strings refer to the bytes here.
    pub(super) fn columns(&self, types: &[ColumnType]) -> Vec<Column> {
        let mut shift = 0;
        let column = |(ty, part): (&ColumnType, &Part)| {
            let mut column = Column::new(*ty);
            for &key in self.groups.keys.iter() {
                match part {
                    Part::Number(_) => column.push_word((key >> shift) as u64),
                    Part::Text(text) => column.push_str(self.text(*text, key, shift)),
                }
            }
            shift += part.bits();
            column
        };
        types.iter().zip(&self.parts).map(column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::groups::Groups;
    use crate::operator::key::KeyLayout;
    use crate::primitive::hash::hash_word;
    use crate::spill::{fields, partitions_of_keys};
    use sabot_abi::manifest::Reg;

    fn ty(base: BaseType) -> ColumnType {
        ColumnType { base, nullable: false }
    }

    /// Groups, merged groups and partitions are those of keys that are written out.
    #[test]
    fn keys_are_those_that_are_written_out() {
        let types = [BaseType::Int32, BaseType::String, BaseType::Float32, BaseType::Bytes].map(ty);
        let layout = KeyLayout::of_groups(&types);
        assert!(matches!(layout, KeyLayout::Encoded(_)));
        let regs: Vec<Reg> = (0..4).collect();
        let mut reader = KeyReader::new(layout.clone(), &regs);
        let mut registers = Registers::new(&fields(&types));
        let texts = ["", "a", "day", "a text that is longer than twelve bytes", "another one that is long"];
        let mut parts: Vec<(Groups, BytesGroups)> = Vec::new();
        for part in 0..2u64 {
            let mut groups = Groups::new(&types, &layout);
            assert!(matches!(groups, Groups::Coded(_)));
            let mut expected = BytesGroups::default();
            for chunk in 0..4 {
                let mut columns: Vec<Column> = types.iter().map(|ty| Column::new(*ty)).collect();
                let rows = 1000;
                for row in 0..rows {
                    let random = |salt: u64| hash_word(part << 40 | chunk << 20 | row << 4 | salt);
                    columns[0].push_word((random(0) % 5).wrapping_sub(2));
                    columns[1].push_str(Str::new(texts[random(1) as usize % 5].as_bytes()));
                    let float = [0.0, -0.0, f32::NAN, -f32::NAN, 2.5][random(2) as usize % 5];
                    columns[2].push_word(u64::from(float.to_bits()));
                    columns[3].push_str(Str::new(texts[random(3) as usize % 5].as_bytes()));
                }
                registers.load_rows((0..).zip(&columns), 0, rows as usize);
                let mut selection = Selection::all(rows as usize);
                selection.words.iter_mut().for_each(|word| *word &= 0xffff_f00f_ffff_fffe);
                selection.recount();
                let (mut found, mut wanted) = (vec![0; 1000], vec![0; 1000]);
                groups.group(&mut reader, &mut registers, &selection, &mut found);
                let keys = reader.read(&mut registers, &selection);
                let mut partitions = vec![0; 1000];
                partitions_of_keys(&keys, &selection, 1, &mut partitions);
                let crate::operator::key::Keys::Strs(keys) = keys else { panic!("keys are bytes") };
                expected.group(keys, selection.used(), &mut wanted);
                let of_groups = groups.partitions(1);
                bitmap::for_each(selection.used(), |row| {
                    assert_eq!(found[row], wanted[row]);
                    assert_eq!(partitions[row], of_groups[found[row] as usize]);
                });
            }
            parts.push((groups, expected));
        }
        let (theirs, their_bytes) = parts.pop().expect("two parts");
        let (mut ours, our_bytes) = parts.pop().expect("two parts");
        let mut our_bytes = Groups::Bytes(our_bytes);
        let numbers = ours.absorb(&theirs, 0, |group| group % 3 != 0);
        assert_eq!(numbers, our_bytes.absorb(&Groups::Bytes(their_bytes), 0, |group| group % 3 != 0));
        let (found, expected) = (ours.columns(&layout, &types), our_bytes.columns(&layout, &types));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((0..ours.len()).all(|group| found.show(group) == expected.show(group)));
        }
        assert!((0..ours.len()).all(|group| ours.hash(group) == our_bytes.hash(group)));
    }

    #[test]
    fn what_does_not_fit_is_written_out() {
        let fits =
            |bases: &[BaseType]| CodedGroups::new(&bases.iter().map(|base| ty(*base)).collect::<Vec<_>>()).is_some();
        let (text, number) = (BaseType::String, BaseType::Int64);
        assert!(fits(&[text, number, text]) && fits(&[text; 4]) && fits(&[text, text]));
        assert!(!fits(&[text]) && !fits(&[number, number]) && !fits(&[text, number, number]) && !fits(&[text; 5]));
        assert!(CodedGroups::new(&[ty(text), ColumnType { base: number, nullable: true }]).is_none());
    }
}
