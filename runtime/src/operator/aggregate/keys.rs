//! Keys of groups, numbered as they come: several panes count by the numbers of one set, so that a key which comes in every slice of
//! time is looked for in one table, put in order once, and a slice is added to another number by number.

use super::GroupSpec;
use super::strings::StringKeys;
use crate::column::Column;
use crate::operator::groups::Groups;
use crate::operator::key::KeyReader;
use crate::operator::rows;
use crate::primitive::bitmap;
use crate::primitive::memory::Buf;
use crate::primitive::packed::Packed;
use crate::registers::{Registers, Selection};
use sabot_abi::manifest::Reg;

/// Below this share of a set's keys, those of a pane are put in order by themselves.
const FEW_OF: usize = 8;

/// Keys with their numbers.
#[derive(Debug)]
pub(crate) struct KeySet {
    groups: Groups,
    strings: StringKeys,
    /// The first so many numbers, in the order of their keys.
    sorted: Vec<u32>,
}

impl KeySet {
    pub(crate) fn new(spec: &GroupSpec) -> Self {
        Self { groups: Groups::new(&spec.keys, &spec.layout), strings: StringKeys::default(), sorted: Vec::new() }
    }

    /// Numbers that are in use.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes() + self.strings.memory_bytes() + self.sorted.capacity() * size_of::<u32>()
    }

    /// The numbers here of those keys of another set that are wanted, `NONE` for the others.
    pub(crate) fn absorb(&mut self, other: &Self, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
        self.groups.absorb(&other.groups, 0, wanted)
    }

    /// Lengthens the numbers here of another set's keys: those that were known are known.
    pub(crate) fn absorb_new(&mut self, other: &Self, numbers: &mut Vec<u32>) {
        if numbers.len() < other.len() {
            numbers.extend(self.groups.absorb(&other.groups, numbers.len(), |_| true));
        }
    }

    /// The columns of the keys, by number; strings refer to the set.
    pub(super) fn columns(&self, spec: &GroupSpec) -> Vec<Column> {
        self.groups.columns(&spec.layout, &spec.keys)
    }

    /// The numbers that are wanted, in the order of their keys; `columns` are those of the keys.
    pub(super) fn in_order(&mut self, columns: &[Column], wanted: &[u8], count: usize) -> Vec<u32> {
        let is_wanted = |number: &u32| wanted.get(*number as usize).is_some_and(|wanted| *wanted != 0);
        let all = self.len() as u32;
        if count * FEW_OF < self.len() {
            let few: Vec<u32> = (0..all).filter(is_wanted).collect();
            return rows::sorted_numbers(columns, few);
        }
        if self.sorted.len() < self.len() {
            let new = rows::sorted_numbers(columns, (self.sorted.len() as u32..all).collect());
            self.sorted = if self.sorted.is_empty() { new } else { merge(columns, &self.sorted, &new) };
        }
        if count == self.len() { self.sorted.clone() } else { self.sorted.iter().copied().filter(is_wanted).collect() }
    }
}

/// Two lists of numbers in the order of their keys as one.
fn merge(columns: &[Column], left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut all = Vec::with_capacity(left.len() + right.len());
    let mut rest = left;
    for number in right {
        let is_before = |other: &u32| rows::compare_keys(columns, *other, *number).is_lt();
        let (before, behind) = rest.split_at(rest.partition_point(is_before));
        all.extend_from_slice(before);
        all.push(*number);
        rest = behind;
    }
    all.extend_from_slice(rest);
    all
}

/// What a worker needs to find the numbers of rows.
#[derive(Debug)]
pub(super) struct Numbering {
    reader: KeyReader,
    /// If the key is one string: its register.
    string: Option<Reg>,
    packed: Buf<Packed>,
}

impl Numbering {
    pub(super) fn new(spec: &GroupSpec, keys: &[Reg]) -> Self {
        Self {
            reader: KeyReader::new(spec.layout.clone(), keys),
            string: spec.layout.string_of(keys),
            packed: Buf::default(),
        }
    }

    /// The numbers of the selected rows; without keys all have the first, which is not written.
    pub(super) fn number(
        &mut self,
        set: &mut KeySet,
        registers: &mut Registers,
        selection: &Selection,
        numbers: &mut [u32],
    ) {
        if let (Groups::Bytes(groups), Some(reg)) = (&mut set.groups, self.string) {
            set.strings.group(groups, reg, registers, selection, &mut self.packed, numbers);
        } else {
            set.groups.group(&mut self.reader, registers, selection, numbers);
        }
    }
}

/// Marks the selected rows' numbers.
pub(super) fn mark(seen: &mut Buf<u8>, numbers: &[u32], selection: &Selection) {
    if selection.is_full() {
        numbers.iter().for_each(|number| seen[*number as usize] = 1);
    } else {
        bitmap::for_each(selection.used(), |row| seen[numbers[row] as usize] = 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl KeySet {
        /// The number of a key of a set of words.
        pub(crate) fn number_of_word(&mut self, key: u64) -> u32 {
            let Groups::Words(groups) = &mut self.groups else { unreachable!("the set is one of words") };
            let mut number = [0];
            groups.group(&[key], &[1], &mut number);
            number[0]
        }
    }

    #[test]
    fn numbers_are_put_in_order_as_they_come() {
        let spec = GroupSpec::of_words();
        let mut set = KeySet::new(&spec);
        let mut seen: Vec<u8> = Vec::new();
        for round in 0..20u64 {
            for key in 0..10 {
                let number = set.number_of_word((key * 7919 + round * 104_729) % 1000) as usize;
                seen.resize(set.len().max(seen.len()), 0);
                seen[number] = u8::from(key % 3 != round % 3);
            }
            let columns = set.columns(&spec);
            let count = seen.iter().map(|seen| usize::from(*seen)).sum();
            let order = set.in_order(&columns, &seen, count);
            let mut expected: Vec<u32> = (0..set.len() as u32).filter(|number| seen[*number as usize] != 0).collect();
            expected.sort_by_key(|number| columns[0].word(*number as usize));
            assert_eq!(order, expected, "round {round}");
        }
    }

    #[test]
    fn what_is_learned_stays() {
        let spec = GroupSpec::of_words();
        let (mut ours, mut theirs) = (KeySet::new(&spec), KeySet::new(&spec));
        let mut numbers = Vec::new();
        (0..100).for_each(|key| _ = ours.number_of_word(key * 3));
        for round in 0..5 {
            (0..700).for_each(|key| _ = theirs.number_of_word((round + 1) * key));
            let before = numbers.clone();
            ours.absorb_new(&theirs, &mut numbers);
            assert_eq!(numbers[..before.len()], before);
            assert_eq!(numbers.len(), theirs.len());
            let (columns, their_columns) = (ours.columns(&spec), theirs.columns(&spec));
            let is_same = |(at, number): (usize, &u32)| columns[0].word(*number as usize) == their_columns[0].word(at);
            assert!(numbers.iter().enumerate().all(is_same));
        }
    }
}
