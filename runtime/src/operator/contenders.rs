//! Contenders for the greatest (least) value of their key: a row leaves once a greater one of its key was seen by its worker.
//!
//! What was seen lies in a small table without lists: of two keys with one place the later takes it, and rows of the other stay for
//! want of knowledge, as do those with long keys. So it never grows, and nothing of it needs to be kept or dropped: whoever
//! reads these rows joins them with the values themselves. NaN, which is greater or less than nothing, stays.

use crate::operator::key::{KeyLayout, KeyReader, Keys};
use crate::primitive::bitmap;
use crate::primitive::greatest::{is_one, reach_greatest};
use crate::primitive::hash::{hash_bytes, hash_words};
use crate::primitive::memory::{Buf, Str};
use crate::registers::{Registers, Selection};
use sabot_abi::manifest::{BaseType, ColumnType, Field, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};

/// Places for keys.
const PLACES_BITS: u32 = if cfg!(test) { 6 } else { 12 };

/// Longer keys are not remembered.
const KEY_BYTES: usize = 40;

/// What a worker makes its filter of.
#[derive(Debug)]
pub(crate) struct ContenderSpec<'a> {
    keys: &'a [Reg],
    layout: KeyLayout,
    value: Reg,
    base: BaseType,
    is_least: bool,
    /// Whom it is counted for.
    pub(crate) operator: u32,
}

impl<'a> ContenderSpec<'a> {
    /// Nothing if the values have no order that is known here.
    pub(crate) fn new(keys: &'a [Reg], value: Reg, is_least: bool, operator: u32, registers: &[Field]) -> Option<Self> {
        let ty = |reg: &Reg| registers.get(*reg as usize).map(|field| field.ty);
        let types = keys.iter().map(ty).collect::<Option<Vec<ColumnType>>>()?;
        let base = ty(&value)?.base;
        let has_order = !base.is_str() && base.register_width().is_some_and(|width| width <= 8);
        has_order.then(|| Self { keys, layout: KeyLayout::of_groups(&types), value, base, is_least, operator })
    }
}

/// The greatest value of a key so far.
#[derive(Clone, Copy, Debug)]
struct Place<K> {
    key: Option<K>,
    rank: i64,
}

/// A key's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ShortKey {
    len: usize,
    bytes: [u8; KEY_BYTES],
}

impl ShortKey {
    fn new(key: Str) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        bytes.get_mut(..key.len())?.copy_from_slice(key.bytes());
        Some(Self { len: key.len(), bytes })
    }
}

#[derive(Debug)]
enum Places {
    Wide(Vec<Place<u128>>),
    Short(Vec<Place<ShortKey>>),
}

/// A worker's filter.
#[derive(Debug)]
pub(crate) struct Contenders {
    reader: KeyReader,
    value: Reg,
    base: BaseType,
    is_least: bool,
    /// By row: a number that is greater for what is to be kept.
    ranks: Buf<i64>,
    words: Buf<u64>,
    places: Places,
}

impl Contenders {
    pub(crate) fn new(spec: &ContenderSpec<'_>) -> Self {
        let places = match &spec.layout {
            KeyLayout::Words(_) | KeyLayout::Wide(_) => {
                Places::Wide(vec![Place { key: None, rank: i64::MIN }; 1 << PLACES_BITS])
            }
            KeyLayout::Str(_) | KeyLayout::Encoded(_) => {
                Places::Short(vec![Place { key: None, rank: i64::MIN }; 1 << PLACES_BITS])
            }
        };
        Self {
            reader: KeyReader::new(spec.layout.clone(), spec.keys),
            value: spec.value,
            base: spec.base,
            is_least: spec.is_least,
            ranks: Buf::zeroed(CHUNK_ROWS),
            words: Buf::zeroed(CHUNK_ROWS),
            places,
        }
    }

    /// Keeps the rows that may still have the greatest value of their key.
    pub(crate) fn narrow(&mut self, registers: &mut Registers, selection: &mut Selection) {
        let rows = selection.rows;
        if registers.validity(self.value, rows).is_some() {
            return;
        }
        let mut stays = self.rank(registers, selection);
        let ranks = &self.ranks[..rows];
        let keys = self.reader.read(registers, selection);
        match (&mut self.places, keys) {
            (Places::Wide(places), Keys::Words(words)) if selection.is_full() && is_one(words) => {
                let key = u128::from(words[0]);
                let place = &mut places[place_of(hash_words(words[0], 0))];
                let bound = if place.key == Some(key) { place.rank } else { i64::MIN };
                let mut reached = [0; CHUNK_WORDS];
                *place = Place { key: Some(key), rank: reach_greatest(ranks, bound, &mut reached) };
                stays.iter_mut().zip(reached).for_each(|(stays, reached)| *stays |= reached);
            }
            (Places::Wide(places), Keys::Words(words)) => {
                let key = |row: usize| Some((u128::from(words[row]), hash_words(words[row], 0)));
                each(places, key, ranks, selection, &mut stays);
            }
            (Places::Wide(places), Keys::Wide(wide)) => {
                let key = |row: usize| Some((wide[row], hash_words(wide[row] as u64, (wide[row] >> 64) as u64)));
                each(places, key, ranks, selection, &mut stays);
            }
            (Places::Short(places), Keys::Strs(strs)) => {
                let key = |row: usize| Some((ShortKey::new(strs[row])?, hash_bytes(strs[row].bytes())));
                each(places, key, ranks, selection, &mut stays);
            }
            (Places::Wide(_), Keys::Strs(_)) | (Places::Short(_), Keys::Words(_) | Keys::Wide(_)) => {
                unreachable!("a layout has keys of one kind")
            }
        }
        selection.intersect(&stays);
    }

    /// Ranks the selected rows, the others last. Gives the bits of those that stay whatever there is.
    fn rank(&mut self, registers: &mut Registers, selection: &Selection) -> [u64; CHUNK_WORDS] {
        let rows = selection.rows;
        registers.words_into(self.value, rows, &mut self.words);
        let mut stays = [0; CHUNK_WORDS];
        let (ranks, words) = (&mut self.ranks[..rows], &self.words[..rows]);
        let turned = if self.is_least { -1 } else { 0 };
        if let BaseType::Float32 | BaseType::Float64 = self.base {
            for (row, (rank, word)) in ranks.iter_mut().zip(words).enumerate() {
                let is_wide = self.base == BaseType::Float64;
                let value = if is_wide { f64::from_bits(*word) } else { f64::from(f32::from_bits(*word as u32)) };
                // In the order of the numbers, which those below zero have turned around; one zero.
                let bits = (value + 0.0).to_bits() as i64;
                *rank = (bits ^ (bits >> 63 & i64::MAX)) ^ turned;
                if value.is_nan() {
                    *rank = i64::MIN;
                    bitmap::set(&mut stays, row);
                }
            }
        } else {
            let sign = if is_unsigned(self.base) { i64::MIN } else { 0 };
            ranks.iter_mut().zip(words).for_each(|(rank, word)| *rank = *word as i64 ^ sign ^ turned);
        }
        if !selection.is_full() {
            for (ranks, selected) in ranks.chunks_mut(64).zip(selection.words) {
                for (bit, rank) in ranks.iter_mut().enumerate() {
                    *rank = if selected >> bit & 1 == 1 { *rank } else { i64::MIN };
                }
            }
        }
        stays
    }
}

fn is_unsigned(base: BaseType) -> bool {
    matches!(base, BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64 | BaseType::Bool)
}

fn place_of(hash: u64) -> usize {
    (hash >> (64 - PLACES_BITS)) as usize
}

/// Sees the selected rows one by one, then sets the bits of those that stay.
fn each<K: Copy + PartialEq>(
    places: &mut [Place<K>],
    key: impl Fn(usize) -> Option<(K, u64)>,
    ranks: &[i64],
    selection: &Selection,
    stays: &mut [u64],
) {
    bitmap::for_each(selection.used(), |row| {
        let Some((key, hash)) = key(row) else { return };
        let place = &mut places[place_of(hash)];
        if place.key != Some(key) {
            *place = Place { key: Some(key), rank: ranks[row] };
        } else {
            place.rank = place.rank.max(ranks[row]);
        }
    });
    bitmap::for_each(selection.used(), |row| {
        let is_beaten = key(row).is_some_and(|(key, hash)| {
            let place = &places[place_of(hash)];
            place.key == Some(key) && ranks[row] < place.rank
        });
        if !is_beaten {
            bitmap::set(stays, row);
        }
    });
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "the tests make a few of the types")]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::primitive::hash::hash_word;
    use crate::spill::fields;
    use std::collections::BTreeMap;

    fn ty(base: BaseType) -> ColumnType {
        ColumnType { base, nullable: false }
    }

    /// Pseudo-random rows of few keys go through, some of them not selected. No row that is as great as any of its key is lost,
    /// and of the others few stay, where keys can be remembered.
    fn check(keys: &[BaseType], value: BaseType, is_least: bool, few: bool) {
        let types: Vec<ColumnType> = keys.iter().copied().chain([value]).map(ty).collect();
        let regs: Vec<Reg> = (0..keys.len() as Reg).collect();
        let all = fields(&types);
        let spec = ContenderSpec::new(&regs, keys.len() as Reg, is_least, 0, &all).expect("numbers have an order");
        let mut contenders = Contenders::new(&spec);
        let mut registers = Registers::new(&all);
        let texts = ["", "a", "twelve bytes", "a text that is longer than what is remembered"];
        let mut best: BTreeMap<Vec<String>, f64> = BTreeMap::new();
        let (mut rows_in, mut rows_out) = (0, 0);
        let mut kept: Vec<(Vec<String>, f64)> = Vec::new();
        for chunk in 0..8u64 {
            let mut columns: Vec<Column> = types.iter().map(|ty| Column::new(*ty)).collect();
            let rows = if cfg!(miri) { 70 } else { [CHUNK_ROWS as u64, 1, 200, 64][chunk as usize % 4] };
            let mut seen: Vec<(Vec<String>, f64)> = Vec::new();
            for row in 0..rows {
                let random = |salt: u64| hash_word(chunk << 40 | row << 8 | salt);
                let mut key = Vec::new();
                for (at, base) in keys.iter().enumerate() {
                    // In some chunks there is one key.
                    let number = if chunk % 3 == 0 { chunk } else { random(at as u64) } % 3;
                    if base.is_str() {
                        let text = texts[if few { number as usize } else { 3 }];
                        columns[at].push_str(Str::new(text.as_bytes()));
                        key.push(text.to_owned());
                    } else {
                        columns[at].push_word(number);
                        key.push(number.to_string());
                    }
                }
                let number = (random(99) % 1000) as i64 - if is_unsigned(value) { 0 } else { 500 };
                let (word, number) = match value {
                    BaseType::Float64 if number % 7 == 0 => (f64::NAN.to_bits(), f64::NAN),
                    BaseType::Float64 if number % 5 == 0 => ((-0.0f64).to_bits(), 0.0),
                    BaseType::Float64 => ((number as f64 / 8.0).to_bits(), number as f64 / 8.0),
                    _integer => (number as u64, number as f64),
                };
                columns[keys.len()].push_word(word);
                seen.push((key, if is_least { -number } else { number }));
            }
            registers.load_rows((0..).zip(&columns), 0, rows as usize);
            let mut selection = Selection::all(rows as usize);
            if chunk % 2 == 1 {
                selection.words.iter_mut().for_each(|word| *word &= 0xff0f_ffff_ffff_f0ff);
                selection.recount();
            }
            let before = selection.clone();
            contenders.narrow(&mut registers, &mut selection);
            rows_in += before.count;
            rows_out += selection.count;
            bitmap::for_each(before.used(), |row| {
                let (key, number) = &seen[row];
                if !number.is_nan() {
                    let best = best.entry(key.clone()).or_insert(*number);
                    *best = best.max(*number);
                }
            });
            bitmap::for_each(selection.used(), |row| {
                assert!(bitmap::get(&before.words, row), "no row comes back");
                kept.push(seen[row].clone());
            });
            bitmap::for_each(before.used(), |row| {
                let (key, number) = &seen[row];
                let is_best = number.is_nan() || best.get(key) == Some(number);
                assert!(!is_best || bitmap::get(&selection.words, row), "row {row} of chunk {chunk} is lost: {number}");
            });
        }
        assert!(kept.len() == rows_out && rows_out > 0);
        assert!(!few || cfg!(miri) || value == BaseType::Float64 || rows_out * 8 < rows_in, "{rows_out} of {rows_in}");
    }

    #[test]
    fn what_may_be_the_greatest_stays() {
        for is_least in [false, true] {
            check(&[BaseType::TimestampUs], BaseType::Int64, is_least, true);
            check(&[BaseType::TimestampUs], BaseType::Float64, is_least, true);
            check(&[BaseType::TimestampUs], BaseType::UInt16, is_least, true);
            check(&[BaseType::Int64, BaseType::TimestampUs], BaseType::Int32, is_least, true);
            check(&[BaseType::String, BaseType::TimestampUs], BaseType::Int64, is_least, true);
            check(&[BaseType::String], BaseType::Int64, is_least, false);
            check(&[], BaseType::Int64, is_least, true);
        }
    }

    #[test]
    fn what_has_no_order_is_refused() {
        let all = fields(&[BaseType::Int64, BaseType::String, BaseType::Decimal(38, 9)].map(ty));
        let new = |value: Reg| ContenderSpec::new(&[0], value, false, 0, &all);
        assert!(new(0).is_some() && new(1).is_none() && new(2).is_none() && new(9).is_none());
    }
}
