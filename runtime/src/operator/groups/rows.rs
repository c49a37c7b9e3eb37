//! Groups that are rows of a join's build side: where each of them has a key of its own, and that is what is grouped by, a row's number
//! says all. No key is read or hashed; keys come out of the table in the end.

use crate::column::Column;
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_WORDS;
use sabot_abi::manifest::{ColumnType, Reg};

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOf {
    /// The rows that are grouped have it in this register.
    Register(Reg),
    /// The build side has it, in this column.
    Payload(u32),
}

/// Groups by number of a build row.
#[derive(Debug)]
pub(crate) struct RowGroups {
    /// By build row: one more than its group, or zero.
    of_row: Vec<u32>,
    /// By group.
    rows: Vec<u32>,
    from: Vec<KeyOf>,
    /// By group, as far as they are known: those of the build side come when all groups are there.
    keys: Vec<Column>,
}

impl RowGroups {
    /// Of a build side with so many rows.
    pub(crate) fn new(build_rows: usize, keys: &[ColumnType], from: &[KeyOf]) -> Self {
        Self {
            // Zeroed memory that nobody touches costs nothing.
            of_row: vec![0; build_rows],
            rows: Vec::new(),
            from: from.to_vec(),
            keys: keys.iter().map(|ty| Column::new(*ty)).collect(),
        }
    }

    /// The same without groups.
    pub(crate) fn empty(&self) -> Self {
        let types: Vec<ColumnType> = self.keys.iter().map(|key| key.ty).collect();
        Self::new(self.of_row.len(), &types, &self.from)
    }

    /// Groups.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        (self.of_row.len() + self.rows.capacity()) * size_of::<u32>()
            + self.keys.iter().map(Column::memory_bytes).sum::<usize>()
    }

    /// The groups of the selected rows; `reg` has the numbers of their build rows.
    pub(crate) fn group(&mut self, reg: Reg, registers: &mut Registers, selection: &Selection, numbers: &mut [u32]) {
        let build_rows = registers.values::<u32>(reg, selection.rows);
        let mut new = Selection { words: [0; CHUNK_WORDS], rows: selection.rows, count: 0 };
        let (of_row, rows) = (&mut self.of_row[..], &mut self.rows);
        let mut number_of = |build_row: u32| {
            let number = &mut of_row[build_row as usize];
            let is_new = *number == 0;
            if is_new {
                rows.push(build_row);
                *number = rows.len() as u32;
            }
            (*number - 1, is_new)
        };
        for (at, (&word, new)) in selection.used().iter().zip(&mut new.words).enumerate() {
            let mut fresh = 0;
            if word == !0 {
                let range = at * 64..at * 64 + 64;
                for (bit, (row, to)) in build_rows[range.clone()].iter().zip(&mut numbers[range]).enumerate() {
                    let (number, is_new) = number_of(*row);
                    *to = number;
                    fresh |= u64::from(is_new) << bit;
                }
            } else {
                bitmap::for_each(&[word], |bit| {
                    let (number, is_new) = number_of(build_rows[at * 64 + bit]);
                    numbers[at * 64 + bit] = number;
                    fresh |= u64::from(is_new) << bit;
                });
            }
            *new = fresh;
        }
        new.recount();
        if new.count > 0 {
            for (key, from) in self.keys.iter_mut().zip(&self.from) {
                if let KeyOf::Register(reg) = from {
                    registers.append_to(*reg, &new, key);
                }
            }
        }
    }

    /// All groups are there: their keys of the build side.
    pub(crate) fn take_keys(&mut self, payload: &[Column]) {
        for (key, from) in self.keys.iter_mut().zip(&self.from) {
            if let KeyOf::Payload(position) = from {
                *key = Column::new(key.ty);
                key.extend_rows(&payload[*position as usize], &self.rows);
            }
        }
    }

    /// The groups here of those groups of another part, from one on, that are wanted, `NONE` for the others.
    pub(super) fn absorb(&mut self, other: &Self, from: usize, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
        if self.of_row.len() < other.of_row.len() {
            self.of_row.resize(other.of_row.len(), 0);
        }
        let mut new = Vec::new();
        let number_of = |(group, build_row): (usize, &u32)| {
            if !wanted(group) {
                return NONE;
            }
            let number = &mut self.of_row[*build_row as usize];
            if *number == 0 {
                self.rows.push(*build_row);
                *number = self.rows.len() as u32;
                new.push(group as u32);
            }
            *number - 1
        };
        let numbers = other.rows.iter().enumerate().skip(from).map(number_of).collect();
        self.keys.iter_mut().zip(&other.keys).for_each(|(ours, theirs)| ours.extend_rows(theirs, &new));
        numbers
    }

    /// What groups are parted by: rows that lie together stay together.
    pub(super) fn hash(&self, group: usize) -> u64 {
        const TOGETHER: u32 = 1024;
        u64::from(self.rows[group] / TOGETHER)
    }

    /// The keys as columns.
    pub(super) fn columns(&self) -> Vec<Column> {
        let copy = |key: &Column| {
            let mut column = Column::new(key.ty);
            column.append(key, 0..key.len());
            column
        };
        self.keys.iter().map(copy).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::hash::hash_word;
    use crate::spill::fields;
    use sabot_abi::manifest::BaseType;

    const KEY: ColumnType = ColumnType { base: BaseType::Int64, nullable: false };
    const ROW: ColumnType = ColumnType { base: BaseType::UInt32, nullable: false };

    /// Groups of `chunks` chunks of rows, of which each has a key that follows from its build row.
    fn part(chunks: std::ops::Range<u64>, payload: &[Column]) -> RowGroups {
        let mut groups = RowGroups::new(400, &[KEY, KEY], &[KeyOf::Register(0), KeyOf::Payload(1)]);
        let mut registers = Registers::new(&fields(&[KEY, ROW]));
        for chunk in chunks {
            let build_rows: Vec<u64> = (0..300).map(|row| hash_word(chunk << 20 | row) % 400).collect();
            let mut columns = [Column::new(KEY), Column::new(ROW)];
            columns[0].push_words(build_rows.iter().map(|row| row * 10));
            columns[1].push_words(build_rows.iter().copied());
            registers.load_rows((0..).zip(&columns), 0, 300);
            let mut selection = Selection::all(300);
            selection.words[1] &= 0xf00f;
            selection.recount();
            let mut numbers = [0; 300];
            groups.group(1, &mut registers, &selection, &mut numbers);
            bitmap::for_each(selection.used(), |row| {
                assert_eq!(u64::from(groups.rows[numbers[row] as usize]), build_rows[row]);
            });
        }
        groups.take_keys(payload);
        groups
    }

    #[test]
    fn keys_are_those_of_the_rows_whoever_had_them() {
        let mut payload = [Column::new(KEY), Column::new(KEY)];
        payload.iter_mut().for_each(|column| column.push_words((0..400u32).map(|row| u64::from(row) + 7)));
        let (mut one, other) = (part(0..2, &payload), part(1..4, &payload));
        let before = one.len();
        let numbers = one.absorb(&other, 0, |group| group % 3 != 0);
        for (group, number) in numbers.iter().enumerate() {
            assert_eq!(*number == NONE, group % 3 == 0);
            if *number != NONE {
                assert_eq!(one.rows[*number as usize], other.rows[group]);
            }
        }
        assert!(one.len() > before && one.len() <= 400);
        let columns = one.columns();
        for (group, row) in one.rows.iter().enumerate() {
            assert_eq!([columns[0].word(group), columns[1].word(group)], [u64::from(*row) * 10, u64::from(*row) + 7]);
        }
        assert_eq!(one.empty().len(), 0);
        assert!(one.memory_bytes() >= 400 * 4);
    }
}
