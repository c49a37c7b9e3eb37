//! Numbers of groups by key: what aggregates and tops look their rows' groups up in.

mod coded;
mod rows;

use crate::column::Column;
use crate::operator::key::{KeyLayout, KeyReader, Keys};
use crate::primitive::bitmap;
use crate::primitive::bytes_groups::BytesGroups;
use crate::primitive::hash::{hash_bytes, hash_word};
use crate::primitive::hash_table::{NONE, WordGroups};
use crate::primitive::wide_groups::{WideGroups, hash_wide};
use crate::registers::{Registers, Selection};
use crate::spill::partition_of;
use coded::CodedGroups;
pub(crate) use rows::{KeyOf, RowGroups};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::ColumnType;

/// Groups are numbered in the order in which their first rows came.
#[derive(Debug)]
pub(crate) enum Groups {
    /// No keys.
    One,
    Words(WordGroups),
    Wide(WideGroups),
    Bytes(BytesGroups),
    Coded(Box<CodedGroups>),
    /// Of rows behind a join.
    Rows(Box<RowGroups>),
}

impl Groups {
    pub(crate) fn new(keys: &[ColumnType], layout: &KeyLayout) -> Self {
        match layout {
            _ if keys.is_empty() => Self::One,
            KeyLayout::Words(_) => Self::Words(WordGroups::default()),
            KeyLayout::Wide(_) => Self::Wide(WideGroups::default()),
            KeyLayout::Encoded(parts) if let Some(groups) = CodedGroups::new(parts) => Self::Coded(Box::new(groups)),
            KeyLayout::Str(_) | KeyLayout::Encoded(_) => Self::Bytes(BytesGroups::default()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Words(groups) => groups.keys.len(),
            Self::Wide(groups) => groups.keys.len(),
            Self::Bytes(groups) => groups.keys.len(),
            Self::Coded(groups) => groups.len(),
            Self::Rows(groups) => groups.len(),
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::One => 0,
            Self::Words(groups) => groups.memory_bytes(),
            Self::Wide(groups) => groups.memory_bytes(),
            Self::Bytes(groups) => groups.memory_bytes(),
            Self::Coded(groups) => groups.memory_bytes(),
            Self::Rows(groups) => groups.memory_bytes(),
        }
    }

    /// The groups of the selected rows.
    pub(crate) fn group(
        &mut self,
        reader: &mut KeyReader,
        registers: &mut Registers,
        selection: &Selection,
        numbers: &mut [u32],
    ) {
        match self {
            Self::One => return,
            Self::Coded(groups) => return groups.group(reader, registers, selection, numbers),
            Self::Words(_) | Self::Wide(_) | Self::Bytes(_) => {}
            Self::Rows(_) => unreachable!("they are numbered by build row"),
        }
        match (self, reader.read(registers, selection)) {
            (Self::Words(groups), Keys::Words(keys)) => groups.group(keys, selection.used(), numbers),
            (Self::Wide(groups), Keys::Wide(keys)) => groups.group(keys, selection.used(), numbers),
            (Self::Bytes(groups), Keys::Strs(keys)) => groups.group(keys, selection.used(), numbers),
            _ => unreachable!("the layout says what keys are"),
        }
    }

    /// The groups here of those groups of another part, from one on, that are wanted, `NONE` for the others.
    pub(crate) fn absorb(&mut self, other: &Self, from: usize, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
        if let (Self::Coded(ours), Self::Coded(theirs)) = (&mut *self, other) {
            return ours.absorb(theirs, from, wanted);
        }
        if let (Self::Rows(ours), Self::Rows(theirs)) = (&mut *self, other) {
            return ours.absorb(theirs, from, wanted);
        }
        let mut numbers = vec![NONE; other.len() - from];
        let mut selection = Selection::all(0);
        for (chunk, numbers) in numbers.chunks_mut(CHUNK_ROWS).enumerate() {
            let first = from + chunk * CHUNK_ROWS;
            selection.words.fill(0);
            (0..numbers.len()).filter(|row| wanted(first + row)).for_each(|row| bitmap::set(&mut selection.words, row));
            let selected = &selection.words[..bitmap::words_of(numbers.len())];
            let rows = first..first + numbers.len();
            match (&mut *self, other) {
                (Self::Words(ours), Self::Words(theirs)) => ours.group(&theirs.keys[rows], selected, numbers),
                (Self::Wide(ours), Self::Wide(theirs)) => ours.group(&theirs.keys[rows], selected, numbers),
                (Self::Bytes(ours), Self::Bytes(theirs)) => ours.group(&theirs.keys[rows], selected, numbers),
                (Self::One, Self::One) => numbers[0] = 0,
                _ => unreachable!("parts of one table have the same keys"),
            }
        }
        numbers
    }

    /// Hash of a group's key.
    pub(crate) fn hash(&self, group: usize) -> u64 {
        match self {
            Self::One => 0,
            Self::Words(groups) => hash_word(groups.keys[group]),
            Self::Wide(groups) => hash_wide(groups.keys[group]),
            Self::Bytes(groups) => hash_bytes(groups.keys[group].bytes()),
            Self::Coded(groups) => groups.hash(group, &mut Vec::new()),
            Self::Rows(groups) => groups.hash(group),
        }
    }

    /// The partition of each group.
    pub(crate) fn partitions(&self, level: u32) -> Vec<u8> {
        let partition = |hash: u64| partition_of(hash, level) as u8;
        match self {
            Self::One => vec![0],
            Self::Words(groups) => groups.keys.iter().map(|key| partition(hash_word(*key))).collect(),
            Self::Wide(groups) => groups.keys.iter().map(|key| partition(hash_wide(*key))).collect(),
            Self::Bytes(groups) => groups.keys.iter().map(|key| partition(hash_bytes(key.bytes()))).collect(),
            Self::Coded(groups) => {
                let mut bytes = Vec::new();
                (0..groups.len()).map(|group| partition(groups.hash(group, &mut bytes))).collect()
            }
            Self::Rows(groups) => (0..groups.len()).map(|group| partition(groups.hash(group))).collect(),
        }
    }

    /// The keys as columns; strings refer to the bytes here.
    pub(crate) fn columns(&self, layout: &KeyLayout, types: &[ColumnType]) -> Vec<Column> {
        match self {
            Self::One => Vec::new(),
            Self::Words(groups) => layout.columns_of_words(&groups.keys, types),
            Self::Wide(groups) => layout.columns_of_wide(&groups.keys, types),
            Self::Bytes(groups) => layout.columns_of_bytes(&groups.keys, types),
            Self::Coded(groups) => groups.columns(types),
            Self::Rows(groups) => groups.columns(),
        }
    }
}
