//! Groups by one string: by the codes of a dictionary while the same dictionary comes along, else by packed strings.
//!
//! Of a dictionary every value is looked for once, when the first row with it comes, so that groups stay in the order of their
//! first rows; a row is then one lookup in an array.

use crate::primitive::bitmap;
use crate::primitive::bytes_groups::BytesGroups;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::{Buf, Str};
use crate::primitive::packed::Packed;
use crate::registers::{Dictionary, Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::Reg;
use std::sync::Arc;

/// Dictionaries of more values are taken for strings: there may be fewer rows than values.
const MOST_VALUES: usize = 16 * CHUNK_ROWS;

/// The dictionary that came last, and the groups of its values in a table.
#[derive(Debug, Default)]
pub(super) struct StringKeys {
    dictionary: Option<Dictionary>,
    /// By code: the group, or [`NONE`]; one more for codes of rows that are null.
    groups: Vec<u32>,
}

impl StringKeys {
    /// Bytes held beside the table.
    pub(super) fn memory_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<u32>()
    }

    /// The groups of the selected rows by the strings of a register; the table is always the same one. `packed` is scratch.
    pub(super) fn group(
        &mut self,
        table: &mut BytesGroups,
        reg: Reg,
        registers: &Registers,
        selection: &Selection,
        packed: &mut Buf<Packed>,
        numbers: &mut [u32],
    ) {
        let codes = registers.codes(reg, selection.rows);
        let Some((codes, dictionary)) = codes.filter(|(_, dictionary)| dictionary.values.len() <= MOST_VALUES) else {
            if registers.is_laid_out(reg) && selection.is_full() {
                table.group_words(
                    selection.used(),
                    |word, to| registers.pack_word(reg, word, selection.rows, to),
                    |row| registers.str_at(reg, row),
                    numbers,
                );
                return;
            }
            registers.pack_strs(reg, selection, packed);
            table.group_packed(packed, |row| registers.str_at(reg, row), selection.used(), numbers);
            return;
        };
        if self.dictionary.as_ref().is_none_or(|known| !Arc::ptr_eq(&known.values, &dictionary.values)) {
            if self.dictionary.as_ref().is_none_or(|known| !known.is_same(dictionary)) {
                self.groups.clear();
                self.groups.resize(dictionary.values.len() + 1, NONE);
            }
            self.dictionary = Some(dictionary.clone());
        }
        let others = dictionary.values.len();
        let groups = &mut self.groups[..];
        let mut is_new = false;
        for (number, code) in numbers.iter_mut().zip(codes) {
            *number = groups[(*code as u32 as usize).min(others)];
            is_new |= *number == NONE;
        }
        if !is_new {
            return;
        }
        bitmap::for_each(selection.used(), |row| {
            if numbers[row] == NONE {
                let code = (codes[row] as u32 as usize).min(others);
                if groups[code] == NONE {
                    groups[code] = table.group_one(dictionary.values.get(code).copied().unwrap_or(Str::new(b"")));
                }
                numbers[row] = groups[code];
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::BatchView;
    use crate::spill::fields;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;
    use arrow_array::{Array, ArrayRef, DictionaryArray, LargeStringArray, StringArray, StringViewArray};
    use sabot_abi::manifest::{BaseType, ColumnType};
    use std::collections::BTreeMap;

    /// Texts of all lengths, in an order that repeats itself late.
    fn texts(rows: usize, different: usize) -> Vec<String> {
        let text = |n: usize| format!("{n:0width$}", width = n % 19);
        (0..rows).map(|row| text(row * 7919 % different)).collect()
    }

    /// The column in each layout that sources give.
    fn layouts(texts: &[String]) -> Vec<ArrayRef> {
        let plain = StringArray::from_iter_values(texts);
        let coded: DictionaryArray<Int32Type> = texts.iter().map(|text| Some(text.as_str())).collect();
        let values: StringArray = coded.values().as_string::<i32>().iter().rev().collect();
        let last = values.len() as i32 - 1;
        let keys = coded.keys().unary::<_, Int32Type>(|key| last - key);
        vec![
            Arc::new(plain),
            Arc::new(LargeStringArray::from_iter_values(texts)),
            Arc::new(StringViewArray::from_iter_values(texts)),
            Arc::new(coded.clone()),
            Arc::new(coded.slice(texts.len() / 3, texts.len() / 2)),
            Arc::new(DictionaryArray::new(keys, Arc::new(values))),
        ]
    }

    #[test]
    fn groups_are_numbered_as_they_come_whatever_the_layout() {
        let ty = ColumnType { base: BaseType::String, nullable: false };
        let mut registers = Registers::new(&fields(&[ty]));
        let (mut table, mut keys, mut packed) = (BytesGroups::default(), StringKeys::default(), Buf::default());
        let mut expected: BTreeMap<String, u32> = BTreeMap::new();
        let rows = if cfg!(miri) { 300 } else { 5000 };
        for (number, different) in [10, 700, 3000, 60].into_iter().enumerate() {
            if number == 2 {
                (table, keys, expected) = Default::default();
            }
            let texts = texts(rows, different);
            for column in layouts(&texts) {
                let shown = arrow_cast::cast(&column, &arrow_schema::DataType::Utf8).expect("a string");
                let shown = shown.as_string::<i32>();
                let batch = BatchView::new(&[Arc::clone(&column)], std::iter::once(0));
                for first in (0..column.len()).step_by(CHUNK_ROWS) {
                    let rows = CHUNK_ROWS.min(column.len() - first);
                    registers.load(&batch, first, rows);
                    let mut selection = Selection::all(rows);
                    selection.words[0] &= 0xfff0_ffff_ffff_f0f1;
                    selection.words[1] &= 0x0100_0000_8000_0001;
                    selection.recount();
                    let mut numbers = vec![0; rows];
                    keys.group(&mut table, 0, &registers, &selection, &mut packed, &mut numbers);
                    bitmap::for_each(selection.used(), |row| {
                        let new = expected.len() as u32;
                        let wanted = *expected.entry(shown.value(first + row).to_owned()).or_insert(new);
                        assert_eq!(numbers[row], wanted, "{} of {:?}", first + row, column.data_type());
                    });
                }
            }
        }
        assert!(expected.iter().all(|(key, number)| table.keys[*number as usize].bytes() == key.as_bytes()));
    }
}
