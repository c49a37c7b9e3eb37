//! Groups of rows that come out of a join and are grouped by columns of its build side: rows that matched the same row have the same
//! group, so what is looked for once is remembered by that row's number.

use crate::operator::key::KeyReader;
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_WORDS;
use sabot_abi::manifest::Reg;

/// What is known of the groups of rows of the build side.
#[derive(Debug)]
pub(super) struct ByRow {
    /// The register with the numbers of build rows.
    reg: Reg,
    /// By number: the group, or [`NONE`].
    groups: Vec<u32>,
}

impl ByRow {
    pub(super) fn new(reg: Reg) -> Self {
        Self { reg, groups: Vec::new() }
    }

    /// The groups are others now.
    pub(super) fn forget(&mut self) {
        self.groups.clear();
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<u32>()
    }

    /// The groups of the selected rows; `find` looks for those that are not known.
    pub(super) fn group(
        &mut self,
        reader: &mut KeyReader,
        registers: &mut Registers,
        selection: &Selection,
        numbers: &mut [u32],
        find: impl FnOnce(&mut KeyReader, &mut Registers, &Selection, &mut [u32]),
    ) {
        let rows = registers.values::<u32>(self.reg, selection.rows);
        let mut greatest = 0;
        bitmap::for_each(selection.used(), |row| greatest = greatest.max(rows[row]));
        if greatest as usize >= self.groups.len() {
            self.groups.resize((greatest as usize + 1).next_power_of_two(), NONE);
        }
        let groups = &self.groups[..];
        let mut unknown = Selection { words: [0; CHUNK_WORDS], rows: selection.rows, count: 0 };
        for (at, (&word, unknown)) in selection.used().iter().zip(&mut unknown.words).enumerate() {
            let mut missed = 0;
            bitmap::for_each(&[word], |bit| {
                let number = groups[rows[at * 64 + bit] as usize];
                numbers[at * 64 + bit] = number;
                missed |= u64::from(number == NONE) << bit;
            });
            *unknown = missed;
        }
        unknown.recount();
        if unknown.count == 0 {
            return;
        }
        // Of all selected rows: the others are still read by what follows.
        for reg in reader.regs().to_vec() {
            registers.materialise(reg, selection, false);
        }
        find(reader, registers, &unknown, numbers);
        let rows = registers.values::<u32>(self.reg, selection.rows);
        bitmap::for_each(unknown.used(), |row| self.groups[rows[row] as usize] = numbers[row]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::operator::groups::Groups;
    use crate::operator::key::KeyLayout;
    use crate::primitive::hash::hash_word;
    use crate::primitive::memory::Str;
    use crate::spill::fields;
    use sabot_abi::manifest::{BaseType, ColumnType};

    /// Groups are those of the keys, in the order of their first rows, whatever is known; several build rows have one key.
    #[test]
    fn groups_are_those_of_the_keys() {
        let types = [BaseType::String, BaseType::Int64, BaseType::UInt32];
        let types = types.map(|base| ColumnType { base, nullable: false });
        let layout = KeyLayout::of_groups(&types[..2]);
        let new = || (Groups::new(&types[..2], &layout), KeyReader::new(layout.clone(), &[0, 1]));
        let ((mut ours, mut reader), (mut expected, mut other)) = (new(), new());
        let texts: Vec<String> = (0..70).map(|text| format!("the text with number {text}")).collect();
        let mut by_row = ByRow::new(2);
        let mut registers = Registers::new(&fields(&types));
        for chunk in 0..6u64 {
            let mut columns: Vec<Column> = types.iter().map(|ty| Column::new(*ty)).collect();
            let rows = 500;
            for row in 0..rows {
                let build_row = hash_word(chunk << 20 | row) % (40 * (chunk + 1));
                columns[0].push_str(Str::new(texts[(build_row % 70) as usize].as_bytes()));
                columns[1].push_word(build_row % 7);
                columns[2].push_word(build_row);
            }
            registers.load_rows((0..).zip(&columns), 0, rows as usize);
            let mut selection = Selection::all(rows as usize);
            selection.words.iter_mut().for_each(|word| *word &= 0xffff_f00f_ffff_fffe);
            selection.recount();
            let (mut found, mut wanted) = (vec![0; rows as usize], vec![0; rows as usize]);
            by_row.group(&mut reader, &mut registers, &selection, &mut found, |reader, registers, rows, numbers| {
                ours.group(reader, registers, rows, numbers);
            });
            expected.group(&mut other, &mut registers, &selection, &mut wanted);
            bitmap::for_each(selection.used(), |row| assert_eq!(found[row], wanted[row], "row {row} of chunk {chunk}"));
        }
        assert!(by_row.memory_bytes() >= 240 * 4);
        by_row.forget();
        assert!(by_row.groups.is_empty());
    }
}
