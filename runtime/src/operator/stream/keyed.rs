//! Numbers for keys: the key columns of rows become the numbers of their groups, a chunk at a time.

use crate::column::Column;
use crate::operator::collect::Rows;
use crate::operator::key::{KeyLayout, KeyReader, Keys};
use crate::primitive::bytes_groups::BytesGroups;
use crate::primitive::hash_table::{NONE, WordGroups};
use crate::primitive::memory::{Buf, Str};
use crate::primitive::wide_groups::WideGroups;
use crate::registers::{AcrossThreads, Registers, Selection};
use crate::spill::fields;
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{ColumnType, Reg};

/// Groups by key.
#[derive(Debug)]
enum Groups {
    Words(WordGroups),
    Wide(WideGroups),
    Bytes(BytesGroups),
}

impl Groups {
    fn new(layout: &KeyLayout) -> Self {
        match layout {
            KeyLayout::Words(_) => Self::Words(WordGroups::default()),
            KeyLayout::Wide(_) => Self::Wide(WideGroups::default()),
            KeyLayout::Str(_) | KeyLayout::Encoded(_) => Self::Bytes(BytesGroups::default()),
        }
    }

    fn group(&mut self, keys: &Keys<'_>, selection: &[u64], to: &mut [u32]) {
        match (self, keys) {
            (Self::Words(groups), Keys::Words(words)) => groups.group(words, selection, to),
            (Self::Wide(groups), Keys::Wide(wide)) => groups.group(wide, selection, to),
            (Self::Bytes(groups), Keys::Strs(strs)) => groups.group(strs, selection, to),
            _ => unreachable!("the layout knows its kind"),
        }
    }
}

/// The keys of a state.
pub(crate) struct Keyed {
    layout: KeyLayout,
    types: Vec<ColumnType>,
    is_null_a_key: bool,
    registers: AcrossThreads<Registers>,
    reader: KeyReader,
    groups: Groups,
}

impl Keyed {
    /// Of keys of these types, the first columns of the rows.
    pub(crate) fn new(layout: &KeyLayout, types: &[ColumnType], is_null_a_key: bool) -> Self {
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        Self {
            layout: layout.clone(),
            types: types.to_vec(),
            is_null_a_key,
            registers: AcrossThreads(Registers::new(&fields(types))),
            reader: KeyReader::new(layout.clone(), &regs),
            groups: Groups::new(layout),
        }
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        match &self.groups {
            Groups::Words(groups) => groups.keys.len(),
            Groups::Wide(groups) => groups.keys.len(),
            Groups::Bytes(groups) => groups.keys.len(),
        }
    }

    /// The group of every row, `NONE` for those that match nothing.
    pub(crate) fn number(&mut self, rows: &Rows, numbers: &mut Vec<u32>) {
        numbers.clear();
        numbers.resize(rows.rows, NONE);
        let key = &rows.columns[..self.types.len()];
        let registers = self.registers.get();
        for (first, numbers) in (0..rows.rows).step_by(CHUNK_ROWS).zip(numbers.chunks_mut(CHUNK_ROWS)) {
            registers.load_rows((0..).zip(key), first, numbers.len());
            let mut selection = Selection::all(numbers.len());
            if !self.is_null_a_key {
                selection = self.reader.without_nulls(registers, &selection);
            }
            let keys = self.reader.read(registers, &selection);
            self.groups.group(&keys, selection.used(), numbers);
        }
    }

    /// Makes the one group of keys without parts, if there is none yet.
    pub(crate) fn number_one(&mut self) {
        debug_assert!(self.types.is_empty(), "such keys are all alike");
        self.groups.group(&Keys::Words(&[0]), &[1], &mut [0]);
    }

    /// The keys of groups; strings refer to memory that is kept as long as the group is.
    pub(crate) fn columns(&self, wanted: &[u32]) -> Vec<Column> {
        match &self.groups {
            Groups::Words(groups) => {
                let keys: Vec<u64> = wanted.iter().map(|group| groups.keys[*group as usize]).collect();
                self.layout.columns_of_words(&keys, &self.types)
            }
            Groups::Wide(groups) => {
                let keys: Vec<u128> = wanted.iter().map(|group| groups.keys[*group as usize]).collect();
                self.layout.columns_of_wide(&keys, &self.types)
            }
            Groups::Bytes(groups) => {
                let keys: Vec<Str> = wanted.iter().map(|group| groups.keys[*group as usize]).collect();
                self.layout.columns_of_bytes(&keys, &self.types)
            }
        }
    }

    /// Keeps only these groups, which get the numbers of their places in the list.
    pub(crate) fn keep(&mut self, kept: &[u32]) {
        let old = std::mem::replace(&mut self.groups, Groups::new(&self.layout));
        let mut numbers = [0; CHUNK_ROWS];
        for kept in kept.chunks(CHUNK_ROWS) {
            let selection = Selection::all(kept.len());
            match &old {
                Groups::Words(old) => {
                    let keys: Buf<u64> = kept.iter().map(|group| old.keys[*group as usize]).collect();
                    self.groups.group(&Keys::Words(&keys), selection.used(), &mut numbers);
                }
                Groups::Wide(old) => {
                    let keys: Buf<u128> = kept.iter().map(|group| old.keys[*group as usize]).collect();
                    self.groups.group(&Keys::Wide(&keys), selection.used(), &mut numbers);
                }
                Groups::Bytes(old) => {
                    let keys: Buf<Str> = kept.iter().map(|group| old.keys[*group as usize]).collect();
                    self.groups.group(&Keys::Strs(&keys), selection.used(), &mut numbers);
                }
            }
        }
        debug_assert_eq!(self.len(), kept.len(), "groups have different keys");
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.groups {
            Groups::Words(groups) => groups.memory_bytes(),
            Groups::Wide(groups) => groups.memory_bytes(),
            Groups::Bytes(groups) => groups.memory_bytes(),
        }
    }
}

const _: () = assert!(CHUNK_ROWS.is_multiple_of(64), "chunks start with a word of a bitmap");

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "the tests make a few of the types")]
mod tests {
    use super::*;
    use sabot_abi::manifest::BaseType;

    /// Keys of two words, in groups that move, and in the partitions in which they would be if they were written out.
    #[test]
    fn two_numbers_are_a_key() {
        use crate::operator::stream::key_group::partitions;
        use crate::primitive::hash::hash_word;
        for (bases, nullable) in [
            (&[BaseType::Int64, BaseType::TimestampUs][..], false),
            (&[BaseType::Int32, BaseType::Float64], true),
            (&[BaseType::Decimal(38, 9)], false),
        ] {
            let types: Vec<ColumnType> = bases.iter().map(|base| ColumnType { base: *base, nullable }).collect();
            let is_null_a_key = !nullable;
            let layout = KeyLayout::of_streams(&types, is_null_a_key);
            assert!(matches!(layout, KeyLayout::Wide(_)) && layout.wide_bytes() > 8);
            let mut keyed = Keyed::new(&layout, &types, is_null_a_key);
            let mut rows = Rows::new(types.iter().copied());
            for row in 0..200u64 {
                for (at, base) in bases.iter().enumerate() {
                    let random = hash_word(row << 8 | at as u64);
                    let number = [random % 5, (random as i64 % 3 - 2) as u64][usize::from(random.is_multiple_of(7))];
                    match base {
                        _ if nullable && random.is_multiple_of(11) => rows.columns[at].push_null(),
                        BaseType::Decimal(..) => rows.columns[at].push_wide(u128::from(number) << 70),
                        BaseType::Float64 => {
                            let floats = [0.0, -0.0, f64::NAN, -f64::NAN, 1.5];
                            rows.columns[at].push_word(floats[random as usize % 5].to_bits());
                        }
                        _other => rows.columns[at].push_word(number),
                    }
                }
            }
            rows.rows = 200;
            let mut numbers = Vec::new();
            keyed.number(&rows, &mut numbers);
            let written = KeyLayout::Encoded(types.iter().map(|ty| ColumnType { nullable: false, ..*ty }).collect());
            let mut expected = Vec::new();
            Keyed::new(&written, &types, is_null_a_key).number(&rows, &mut expected);
            assert_eq!(numbers, expected);
            let last = keyed.len() as u32 - 1;
            keyed.keep(&[last, 0]);
            let mut again = Vec::new();
            keyed.number(&rows, &mut again);
            let first_of = |number: u32| numbers.iter().position(|other| *other == number).expect("it has a row");
            assert_eq!((again[first_of(last)], again[first_of(0)]), (0, 1));

            let regs: Vec<Reg> = (0..types.len() as Reg).collect();
            let mut registers = Registers::new(&fields(&types));
            registers.load_rows((0..).zip(&rows.columns), 0, 200);
            let mut of = |layout: &KeyLayout| {
                let mut reader = KeyReader::new(layout.clone(), &regs);
                let selection = reader.without_nulls(&mut registers, &Selection::all(200));
                let mut to = [0; CHUNK_ROWS];
                partitions(&reader.read(&mut registers, &selection), layout.wide_bytes(), &selection, &mut to);
                to
            };
            assert_eq!(of(&layout), of(&written), "key groups are those of the bytes");
        }
    }

    #[test]
    fn kept_groups_keep_their_keys_and_get_new_numbers() {
        for (base, nullable) in [(BaseType::Int64, false), (BaseType::Int64, true), (BaseType::Float32, false)] {
            let types = [ColumnType { base, nullable }];
            let mut keyed = Keyed::new(&KeyLayout::new(&types, true), &types, true);
            let rows = |keys: &[u64]| {
                let mut rows = Rows::new(types.into_iter());
                keys.iter().for_each(|key| rows.columns[0].push_word(*key));
                rows.rows = keys.len();
                rows
            };
            let mut numbers = Vec::new();
            keyed.number(&rows(&[7, 8, 7, 9]), &mut numbers);
            assert_eq!(numbers, [0, 1, 0, 2]);
            keyed.keep(&[2, 0]);
            keyed.number(&rows(&[9, 8, 7]), &mut numbers);
            assert_eq!(numbers, [0, 2, 1]);
            let keys = &keyed.columns(&[1, 0])[0];
            assert_eq!((keys.word(0), keys.word(1)), (7, 9));
        }
    }
}
