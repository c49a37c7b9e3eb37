//! The accumulators of the aggregate functions, one array per function over all groups, and the loops that update them.
//!
//! Rows whose first argument is null do not count. Of no rows: counts and sums are 0, what is optional is null, floats are
//! NaN. Float sums are compensated, integers summed in 128 bits: neither depends on how rows were spread over workers. NaN
//! is ignored by `min` and `max` unless there is nothing else; of equals the first in input order wins.

use crate::column::{Column, compare_words, extend};
use crate::operator::collect::Order;
use crate::operator::key::canonical;
use crate::primitive::bitmap;
use crate::primitive::hash::{hash_bytes, hash_word};
use crate::primitive::hash_table::{BytesGroups, NONE};
use crate::primitive::memory::{Buf, Str};
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::kernel::Accumulator;
use sabot_abi::manifest::{AggregateFunction, AggregateInput, AggregateSpec, BaseType, ColumnType, Reg};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A sum and what rounding has lost of it (Neumaier).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Compensated {
    pub(crate) sum: f64,
    pub(crate) rest: f64,
}

impl Compensated {
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.rest += if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        self.sum = next;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.add(other.sum);
        self.rest += other.rest;
    }

    pub(crate) fn value(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.rest } else { self.sum }
    }
}

/// A value of a row or a group.
#[derive(Clone, Copy, Debug)]
enum Cell<'a> {
    Null,
    Word(u64),
    Wide(u128),
    Bytes(&'a [u8]),
}

/// The values of a register in a chunk.
struct Cells<'a> {
    valid: Option<&'a [u64]>,
    values: CellValues<'a>,
}

enum CellValues<'a> {
    Words(&'a [u64]),
    Wide(&'a [u128]),
    Strs(&'a [Str]),
}

impl<'a> Cells<'a> {
    /// `words` is scratch for values that are narrower than a word.
    fn of(reg: Reg, registers: &'a Registers, rows: usize, words: &'a mut [u64]) -> Self {
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
    fn get(&self, row: usize) -> Cell<'_> {
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

fn compare_cells(base: BaseType, left: Cell<'_>, right: Cell<'_>) -> Ordering {
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

fn is_nan(base: BaseType, cell: Cell<'_>) -> bool {
    match (base, cell) {
        (BaseType::Float64, Cell::Word(word)) => f64::from_bits(word).is_nan(),
        (BaseType::Float32, Cell::Word(word)) => f32::from_bits(word as u32).is_nan(),
        _ => false,
    }
}

/// A value for each group.
#[derive(Debug)]
struct Held {
    ty: ColumnType,
    is_null: Vec<bool>,
    values: HeldValues,
}

#[derive(Debug)]
enum HeldValues {
    Words(Buf<u64>),
    Wide(Buf<u128>),
    Bytes(Vec<Vec<u8>>),
}

impl Held {
    fn new(ty: ColumnType) -> Self {
        let values = if ty.base.is_str() {
            HeldValues::Bytes(Vec::new())
        } else if ty.base.register_width() == Some(16) {
            HeldValues::Wide(Buf::default())
        } else {
            HeldValues::Words(Buf::default())
        };
        Self { ty, is_null: Vec::new(), values }
    }

    fn resize(&mut self, groups: usize) {
        self.is_null.resize(groups, false);
        match &mut self.values {
            HeldValues::Words(values) => values.resize(groups),
            HeldValues::Wide(values) => values.resize(groups),
            HeldValues::Bytes(values) => values.resize(groups, Vec::new()),
        }
    }

    fn get(&self, group: usize) -> Cell<'_> {
        if self.is_null[group] {
            return Cell::Null;
        }
        match &self.values {
            HeldValues::Words(values) => Cell::Word(values[group]),
            HeldValues::Wide(values) => Cell::Wide(values[group]),
            HeldValues::Bytes(values) => Cell::Bytes(&values[group]),
        }
    }

    fn set(&mut self, group: usize, cell: Cell<'_>) {
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

    fn memory_bytes(&self) -> usize {
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

/// Which value a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    First,
    Last,
    Least,
    Greatest,
}

/// A value chosen among the rows of each group.
#[derive(Debug)]
struct Picked {
    pick: Pick,
    /// What is compared; the value itself unless `value` is there.
    by: Held,
    /// Of `arg_min` and `arg_max`.
    value: Option<Held>,
    /// Zero: no row yet; else one more than the index of the run that the row came in.
    run: Buf<u32>,
}

impl Picked {
    fn resize(&mut self, groups: usize) {
        self.by.resize(groups);
        if let Some(value) = &mut self.value {
            value.resize(groups);
        }
        self.run.resize(groups);
    }

    /// Whether a row that comes later in input order takes the place of what the group has.
    #[inline]
    fn takes(&self, group: usize, cell: Cell<'_>) -> bool {
        if self.run[group] == 0 {
            return true;
        }
        let wanted = match self.pick {
            Pick::First => return false,
            Pick::Last => return true,
            Pick::Least => Ordering::Less,
            Pick::Greatest => Ordering::Greater,
        };
        let (base, held) = (self.by.ty.base, self.by.get(group));
        match (is_nan(base, cell), is_nan(base, held)) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => compare_cells(base, cell, held) == wanted,
        }
    }

    fn update(&mut self, rows: &[u32], groups: &[u32], by: &Cells<'_>, value: Option<&Cells<'_>>, run: u32) {
        for &row in rows {
            let (row, group) = (row as usize, groups[row as usize] as usize);
            let cell = by.get(row);
            if self.takes(group, cell) {
                self.by.set(group, cell);
                if let (Some(held), Some(value)) = (&mut self.value, value) {
                    held.set(group, value.get(row));
                }
                self.run[group] = run + 1;
            }
        }
    }

    /// Takes over the groups of another part; `runs` are both sides' places of runs.
    fn merge(&mut self, other: &Self, groups: &[u32], own_runs: &mut Vec<Order>, other_runs: &[Order]) {
        let start = own_runs.len() as u32;
        own_runs.extend_from_slice(other_runs);
        for (from, &to) in groups.iter().enumerate() {
            if to == NONE {
                continue;
            }
            let to = to as usize;
            let Some(other_run) = other.run[from].checked_sub(1) else { continue };
            let cell = other.by.get(from);
            let takes = self.run[to].checked_sub(1).is_none_or(|run| {
                let ours = (self.by.get(to), own_runs[run as usize]);
                takes_over(self.pick, self.by.ty.base, ours, (cell, other_runs[other_run as usize]))
            });
            if takes {
                self.by.set(to, cell);
                if let (Some(held), Some(value)) = (&mut self.value, &other.value) {
                    held.set(to, value.get(from));
                }
                self.run[to] = start + other_run + 1;
            }
        }
    }
}

/// Whether what another part has of a group takes the place of what we have; both with the places of their rows.
fn takes_over(pick: Pick, base: BaseType, ours: (Cell<'_>, Order), theirs: (Cell<'_>, Order)) -> bool {
    let is_earlier = theirs.1 < ours.1;
    let wanted = match pick {
        Pick::First => return is_earlier,
        Pick::Last => return !is_earlier,
        Pick::Least => Ordering::Less,
        Pick::Greatest => Ordering::Greater,
    };
    match (is_nan(base, theirs.0), is_nan(base, ours.0)) {
        (true, false) => false,
        (false, true) => true,
        (true, true) => is_earlier,
        (false, false) => match compare_cells(base, theirs.0, ours.0) {
            Ordering::Equal => is_earlier,
            order @ (Ordering::Less | Ordering::Greater) => order == wanted,
        },
    }
}

/// Chooses words row by row, with the comparison of the type taken out of the loop.
fn pick_words(
    pick: Pick,
    base: BaseType,
    rows: &[u32],
    groups: &[u32],
    words: &[u64],
    held: &mut [PickedWord],
    run: u32,
) {
    let mut each = |is_better: &dyn Fn(u64, u64) -> bool| {
        for &row in rows {
            let (entry, value) = (&mut held[groups[row as usize] as usize], words[row as usize]);
            if entry.run == 0 || is_better(value, entry.value) {
                *entry = PickedWord { value, run: run + 1 };
            }
        }
    };
    match pick {
        Pick::First => each(&|_, _| false),
        Pick::Last => each(&|_, _| true),
        Pick::Least | Pick::Greatest if base == BaseType::Float64 => {
            let floats = |new: u64, old: u64| (f64::from_bits(new), f64::from_bits(old));
            pick_by(rows, groups, words, held, run, |new, old| {
                let (new, old) = floats(new, old);
                (if pick == Pick::Least { new < old } else { new > old }) || (old.is_nan() && !new.is_nan())
            });
        }
        Pick::Least if is_signed_word(base) => pick_by(rows, groups, words, held, run, |a, b| (a as i64) < b as i64),
        Pick::Greatest if is_signed_word(base) => pick_by(rows, groups, words, held, run, |a, b| a as i64 > b as i64),
        Pick::Least | Pick::Greatest => {
            let wanted = if pick == Pick::Least { Ordering::Less } else { Ordering::Greater };
            each(&|new, old| match (is_nan(base, Cell::Word(new)), is_nan(base, Cell::Word(old))) {
                (true, _) => false,
                (false, true) => true,
                (false, false) => compare_words(base, new, old) == wanted,
            });
        }
    }
}

#[inline]
fn pick_by(
    rows: &[u32],
    groups: &[u32],
    words: &[u64],
    held: &mut [PickedWord],
    run: u32,
    is_better: impl Fn(u64, u64) -> bool,
) {
    for &row in rows {
        let (entry, value) = (&mut held[groups[row as usize] as usize], words[row as usize]);
        if entry.run == 0 || is_better(value, entry.value) {
            *entry = PickedWord { value, run: run + 1 };
        }
    }
}

/// Whether words compare as `i64`.
fn is_signed_word(base: BaseType) -> bool {
    !is_float(base) && !is_unsigned(base)
}

/// Different values, counted exactly while there are few.
#[derive(Clone, Debug)]
enum Sketch {
    /// Sorted hashes.
    Few(Vec<u64>),
    /// HyperLogLog: the longest run of zeros, by the first bits of the hash.
    Many(Box<[u8]>),
}

impl Sketch {
    const BITS: u32 = 14;
    const FEW: usize = 2048;

    fn add(&mut self, hash: u64) {
        match self {
            Self::Few(hashes) => {
                if let Err(at) = hashes.binary_search(&hash) {
                    hashes.insert(at, hash);
                    if hashes.len() > Self::FEW {
                        let hashes = std::mem::take(hashes);
                        *self = Self::Many(vec![0; 1 << Self::BITS].into());
                        hashes.into_iter().for_each(|hash| self.add(hash));
                    }
                }
            }
            Self::Many(ranks) => {
                let rank = &mut ranks[(hash >> (64 - Self::BITS)) as usize];
                *rank = (*rank).max(((hash << Self::BITS).leading_zeros().min(64 - Self::BITS) + 1) as u8);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match other {
            Self::Few(hashes) => hashes.iter().for_each(|hash| self.add(*hash)),
            Self::Many(theirs) => {
                let mut ranks = theirs.clone();
                match self {
                    Self::Few(hashes) => {
                        let mut all = Self::Many(ranks);
                        hashes.iter().for_each(|hash| all.add(*hash));
                        *self = all;
                    }
                    Self::Many(ours) => {
                        ranks.iter_mut().zip(ours.iter()).for_each(|(rank, ours)| *rank = (*rank).max(*ours));
                        *ours = ranks;
                    }
                }
            }
        }
    }

    fn count(&self) -> u64 {
        let ranks = match self {
            Self::Few(hashes) => return hashes.len() as u64,
            Self::Many(ranks) => ranks,
        };
        let size = ranks.len() as f64;
        let sum: f64 = ranks.iter().map(|rank| 0.5f64.powi(i32::from(*rank))).sum();
        let estimate = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
        let empty = ranks.iter().filter(|rank| **rank == 0).count();
        let estimate = if estimate <= 2.5 * size && empty > 0 { size * (size / empty as f64).ln() } else { estimate };
        estimate.round() as u64
    }
}

/// What a group needs lies together: a row of many groups should miss the cache once.
#[derive(Clone, Copy, Debug, Default)]
struct IntegerSum {
    sum: i128,
    rows: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct FloatSum {
    sum: Compensated,
    rows: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct PickedWord {
    value: u64,
    /// As in [`Picked`].
    run: u32,
}

/// The state of one function for all groups.
#[derive(Debug)]
enum State {
    Count(Buf<u64>),
    Integers {
        sums: Vec<IntegerSum>,
        is_over: Vec<u32>,
    },
    Floats(Vec<FloatSum>),
    /// Of values that fit into a word, for functions without a second argument.
    Words {
        pick: Pick,
        groups: Vec<PickedWord>,
    },
    Moments {
        sums: Vec<Compensated>,
        squares: Vec<Compensated>,
        rows: Buf<u64>,
    },
    Picked(Box<Picked>),
    Distinct {
        values: Box<BytesGroups>,
        counts: Buf<u64>,
    },
    Sketches(Vec<Sketch>),
    Values(Vec<Vec<u64>>),
}

/// One function's accumulators.
#[derive(Debug)]
pub(crate) struct Accumulators {
    spec: AggregateSpec,
    state: State,
}

/// Scratch that all functions of a worker share.
#[derive(Debug)]
pub(crate) struct Scratch {
    words: Buf<u64>,
    more_words: Buf<u64>,
    rows: Vec<u32>,
    bytes: Buf<u8>,
    strs: Buf<Str>,
    numbers: Buf<u32>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            words: Buf::zeroed(CHUNK_ROWS),
            more_words: Buf::zeroed(CHUNK_ROWS),
            rows: vec![0; CHUNK_ROWS],
            bytes: Buf::default(),
            strs: Buf::zeroed(CHUNK_ROWS),
            numbers: Buf::zeroed(CHUNK_ROWS),
        }
    }
}

fn is_float(base: BaseType) -> bool {
    matches!(base, BaseType::Float32 | BaseType::Float64)
}

fn is_unsigned(base: BaseType) -> bool {
    matches!(base, BaseType::Bool | BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64)
}

/// A number as a float.
#[inline]
fn to_float(base: BaseType, cell: Cell<'_>) -> f64 {
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
fn to_int(base: BaseType, cell: Cell<'_>) -> i128 {
    match cell {
        Cell::Word(word) if is_unsigned(base) => i128::from(word),
        Cell::Word(word) => i128::from(word as i64),
        Cell::Wide(value) => value as i128,
        Cell::Null | Cell::Bytes(_) => 0,
    }
}

impl Accumulators {
    pub(crate) fn new(spec: &AggregateSpec) -> Self {
        let picked = |pick| {
            let base = spec.args[0].base;
            if spec.args.len() == 1 && !base.is_str() && base.register_width() != Some(16) {
                return State::Words { pick, groups: Vec::new() };
            }
            let value = spec.args.get(1).map(|ty| Held::new(*ty));
            State::Picked(Box::new(Picked { pick, by: Held::new(spec.args[0]), value, run: Buf::default() }))
        };
        let state = match spec.function {
            AggregateFunction::Count => State::Count(Buf::default()),
            AggregateFunction::Sum | AggregateFunction::Avg if is_float(spec.args[0].base) => State::Floats(Vec::new()),
            AggregateFunction::Sum | AggregateFunction::Avg => {
                State::Integers { sums: Vec::new(), is_over: Vec::new() }
            }
            AggregateFunction::Variance | AggregateFunction::Stddev => {
                State::Moments { sums: Vec::new(), squares: Vec::new(), rows: Buf::default() }
            }
            AggregateFunction::Min | AggregateFunction::ArgMin => picked(Pick::Least),
            AggregateFunction::Max | AggregateFunction::ArgMax => picked(Pick::Greatest),
            AggregateFunction::First => picked(Pick::First),
            AggregateFunction::Last => picked(Pick::Last),
            AggregateFunction::CountDistinct => State::Distinct { values: Box::default(), counts: Buf::default() },
            AggregateFunction::ApproxCountDistinct => State::Sketches(Vec::new()),
            AggregateFunction::Median => State::Values(Vec::new()),
        };
        Self { spec: spec.clone(), state }
    }

    /// Makes room for that many groups.
    pub(crate) fn resize(&mut self, groups: usize) {
        match &mut self.state {
            State::Count(counts) => counts.resize(groups),
            State::Integers { sums, .. } => sums.resize(groups, IntegerSum::default()),
            State::Floats(sums) => sums.resize(groups, FloatSum::default()),
            State::Words { groups: words, .. } => words.resize(groups, PickedWord::default()),
            State::Moments { sums, squares, rows } => {
                sums.resize(groups, Compensated::default());
                squares.resize(groups, Compensated::default());
                rows.resize(groups);
            }
            State::Picked(picked) => picked.resize(groups),
            State::Distinct { counts, .. } => counts.resize(groups),
            State::Sketches(sketches) => sketches.resize(groups, Sketch::Few(Vec::new())),
            State::Values(values) => values.resize(groups, Vec::new()),
        }
    }

    /// Bytes held, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.state {
            State::Count(counts) => counts.memory_bytes(),
            State::Integers { sums, .. } => sums.capacity() * size_of::<IntegerSum>(),
            State::Floats(sums) => sums.capacity() * size_of::<FloatSum>(),
            State::Words { groups, .. } => groups.capacity() * size_of::<PickedWord>(),
            State::Moments { sums, squares, rows } => (sums.capacity() + squares.capacity()) * 16 + rows.memory_bytes(),
            State::Picked(picked) => {
                picked.by.memory_bytes()
                    + picked.value.as_ref().map_or(0, Held::memory_bytes)
                    + picked.run.memory_bytes()
            }
            State::Distinct { values, counts } => values.memory_bytes() + counts.memory_bytes(),
            State::Sketches(sketches) => {
                let bytes = |sketch: &Sketch| match sketch {
                    Sketch::Few(hashes) => hashes.capacity() * 8,
                    Sketch::Many(ranks) => ranks.len(),
                };
                sketches.iter().map(bytes).sum::<usize>() + sketches.capacity() * size_of::<Sketch>()
            }
            State::Values(values) => values.iter().map(|values| values.capacity() * 8 + 24).sum(),
        }
    }

    /// Adds the selected rows; `groups` is by row, `run` the number of the run they came in.
    pub(crate) fn update(
        &mut self,
        input: &AggregateInput,
        groups: &[u32],
        registers: &mut Registers,
        selection: &Selection,
        scratch: &mut Scratch,
        run: u32,
    ) {
        let rows_of_chunk = selection.rows;
        for &reg in &input.args {
            registers.materialise(reg, selection, false);
        }
        let mut counted = selection.words;
        if let Some(filter) = input.filter {
            let narrow = |words: &[u64], counted: &mut [u64]| {
                counted.iter_mut().zip(words).for_each(|(word, other)| *word &= other)
            };
            narrow(registers.bits(filter, rows_of_chunk), &mut counted);
            if let Some(valid) = registers.validity(filter, rows_of_chunk) {
                narrow(valid, &mut counted);
            }
        }
        if let Some(valid) = input.args.first().and_then(|reg| registers.validity(*reg, rows_of_chunk)) {
            counted.iter_mut().zip(valid).for_each(|(word, valid)| *word &= valid);
        }
        let used = bitmap::words_of(rows_of_chunk);
        let count = bitmap::indices(&counted[..used], &mut scratch.rows);
        let rows = &scratch.rows[..count];
        let group = |row: u32| groups[row as usize] as usize;
        if let State::Count(counts) = &mut self.state {
            rows.iter().for_each(|row| counts[group(*row)] += 1);
            return;
        }
        let base = self.spec.args[0].base;
        let cells = Cells::of(input.args[0], registers, rows_of_chunk, &mut scratch.words);
        match &mut self.state {
            State::Count(_) => {}
            State::Integers { sums, is_over } => {
                if let (CellValues::Words(words), false) = (&cells.values, is_unsigned(base)) {
                    for &row in rows {
                        let entry = &mut sums[group(row)];
                        entry.sum += i128::from(words[row as usize] as i64);
                        entry.rows += 1;
                    }
                } else {
                    for &row in rows {
                        let entry = &mut sums[group(row)];
                        match entry.sum.checked_add(to_int(base, cells.get(row as usize))) {
                            Some(next) => entry.sum = next,
                            None => is_over.push(groups[row as usize]),
                        }
                        entry.rows += 1;
                    }
                }
            }
            State::Floats(sums) => {
                if let (CellValues::Words(words), BaseType::Float64) = (&cells.values, base) {
                    for &row in rows {
                        let entry = &mut sums[group(row)];
                        entry.sum.add(f64::from_bits(words[row as usize]));
                        entry.rows += 1;
                    }
                } else {
                    for &row in rows {
                        let entry = &mut sums[group(row)];
                        entry.sum.add(to_float(base, cells.get(row as usize)));
                        entry.rows += 1;
                    }
                }
            }
            State::Words { pick, groups: held } => {
                let CellValues::Words(words) = &cells.values else { unreachable!("such values are words") };
                pick_words(*pick, base, rows, groups, words, held, run);
            }
            State::Moments { sums, squares, rows: seen } => {
                for &row in rows {
                    let value = to_float(base, cells.get(row as usize));
                    let square = value * value;
                    sums[group(row)].add(value);
                    squares[group(row)].add(square);
                    squares[group(row)].rest += value.mul_add(value, -square);
                    seen[group(row)] += 1;
                }
            }
            State::Picked(picked) => {
                let value =
                    input.args.get(1).map(|reg| Cells::of(*reg, registers, rows_of_chunk, &mut scratch.more_words));
                picked.update(rows, groups, &cells, value.as_ref(), run);
            }
            State::Distinct { values, counts } => {
                let len = |row: u32| match cells.get(row as usize) {
                    Cell::Bytes(bytes) => bytes.len() + 4,
                    Cell::Null | Cell::Word(_) | Cell::Wide(_) => 20,
                };
                scratch.bytes.resize(rows.iter().map(|row| len(*row)).sum());
                let mut at = 0;
                for &row in rows {
                    let start = at;
                    let mut put = |bytes: &[u8]| {
                        scratch.bytes[at..at + bytes.len()].copy_from_slice(bytes);
                        at += bytes.len();
                    };
                    put(&groups[row as usize].to_le_bytes());
                    match cells.get(row as usize) {
                        Cell::Null => {}
                        Cell::Word(word) => put(&canonical(base, word).to_le_bytes()),
                        Cell::Wide(value) => put(&value.to_le_bytes()),
                        Cell::Bytes(bytes) => put(bytes),
                    }
                    scratch.strs[row as usize] = Str::new(&scratch.bytes[start..at]);
                }
                count_new(values, counts, &scratch.strs, &counted[..used], &mut scratch.numbers, |row| {
                    groups[row] as usize
                });
            }
            State::Sketches(sketches) => {
                for &row in rows {
                    sketches[group(row)].add(match cells.get(row as usize) {
                        Cell::Word(word) => hash_word(canonical(base, word)),
                        Cell::Wide(value) => hash_bytes(&value.to_le_bytes()),
                        Cell::Bytes(bytes) => hash_bytes(bytes),
                        Cell::Null => 0,
                    });
                }
            }
            State::Values(values) => {
                for &row in rows {
                    values[group(row)].push(match cells.get(row as usize) {
                        Cell::Word(word) => word,
                        cell @ (Cell::Wide(_) | Cell::Null | Cell::Bytes(_)) => to_float(base, cell).to_bits(),
                    });
                }
            }
        }
    }

    /// Adds another part's groups; `groups[i]` is the group that its group `i` is here, or `NONE`.
    pub(crate) fn merge(&mut self, other: &Self, groups: &[u32], own_runs: &[Order], other_runs: &[Order]) {
        let pairs = || groups.iter().enumerate().filter(|(_, to)| **to != NONE).map(|(from, to)| (from, *to as usize));
        match (&mut self.state, &other.state) {
            (State::Count(ours), State::Count(theirs)) => pairs().for_each(|(from, to)| ours[to] += theirs[from]),
            (State::Integers { sums, is_over }, State::Integers { sums: their_sums, is_over: their_over }) => {
                for (from, to) in pairs() {
                    match sums[to].sum.checked_add(their_sums[from].sum) {
                        Some(sum) => sums[to].sum = sum,
                        None => is_over.push(to as u32),
                    }
                    sums[to].rows += their_sums[from].rows;
                }
                let here = their_over.iter().map(|from| groups[*from as usize]);
                is_over.extend(here.filter(|group| *group != NONE));
            }
            (State::Floats(ours), State::Floats(theirs)) => {
                for (from, to) in pairs() {
                    ours[to].sum.merge(theirs[from].sum);
                    ours[to].rows += theirs[from].rows;
                }
            }
            (State::Words { pick, groups: ours }, State::Words { groups: theirs, .. }) => {
                let (base, start) = (self.spec.args[0].base, own_runs.len() as u32);
                let order = |run: u32| match run.checked_sub(1) {
                    Some(run) if run < start => own_runs[run as usize],
                    Some(run) => other_runs[(run - start) as usize],
                    None => unreachable!("a group with a value has a run"),
                };
                for (from, to) in pairs() {
                    let (our, their) = (&mut ours[to], theirs[from]);
                    if their.run == 0 {
                        continue;
                    }
                    let run = their.run + start;
                    let (a, b) = (Cell::Word(our.value), Cell::Word(their.value));
                    if our.run == 0 || takes_over(*pick, base, (a, order(our.run)), (b, order(run))) {
                        *our = PickedWord { value: their.value, run };
                    }
                }
            }
            (
                State::Moments { sums, squares, rows },
                State::Moments { sums: their_sums, squares: their_squares, rows: their_rows },
            ) => {
                for (from, to) in pairs() {
                    sums[to].merge(their_sums[from]);
                    squares[to].merge(their_squares[from]);
                    rows[to] += their_rows[from];
                }
            }
            (State::Picked(ours), State::Picked(theirs)) => {
                ours.merge(theirs, groups, &mut own_runs.to_vec(), other_runs);
            }
            (State::Distinct { values, counts }, State::Distinct { values: theirs, .. }) => {
                let mut bytes = Vec::new();
                for key in theirs.keys.iter() {
                    let (group, value) = key.bytes().split_at(4);
                    let from = u32::from_le_bytes(group.try_into().expect("four bytes")) as usize;
                    if groups[from] == NONE {
                        continue;
                    }
                    bytes.clear();
                    bytes.extend_from_slice(&groups[from].to_le_bytes());
                    bytes.extend_from_slice(value);
                    count_new(values, counts, &[Str::new(&bytes)], &[1], &mut [0], |_| groups[from] as usize);
                }
            }
            (State::Sketches(ours), State::Sketches(theirs)) => {
                pairs().for_each(|(from, to)| ours[to].merge(&theirs[from]));
            }
            (State::Values(ours), State::Values(theirs)) => {
                pairs().for_each(|(from, to)| ours[to].extend_from_slice(&theirs[from]));
            }
            _ => unreachable!("parts of one table have the same accumulators"),
        }
    }

    /// Takes what a fused kernel has accumulated as the one group.
    pub(crate) fn set(&mut self, accumulator: &Accumulator) {
        self.resize(1);
        let Accumulator { sum, count, .. } = *accumulator;
        match &mut self.state {
            State::Count(counts) => counts[0] = count,
            State::Integers { sums, .. } => {
                sums[0] = IntegerSum { sum: (u128::from(sum[0]) | u128::from(sum[1]) << 64) as i128, rows: count };
            }
            State::Floats(sums) => {
                let sum = Compensated { sum: f64::from_bits(sum[0]), rest: f64::from_bits(sum[1]) };
                sums[0] = FloatSum { sum, rows: count };
            }
            State::Words { groups, .. } => {
                let base = self.spec.args[0].base;
                let value = if base == BaseType::Float32 { u64::from(sum[0] as u32) } else { extend(base, sum[0]) };
                groups[0] = PickedWord { value, run: u32::from(count > 0) };
            }
            State::Picked(_)
            | State::Moments { .. }
            | State::Distinct { .. }
            | State::Sketches(_)
            | State::Values(_) => {
                unreachable!("such functions are not fused")
            }
        }
    }

    /// The function's column. Groups whose sum does not fit its type go to `too_large`.
    pub(crate) fn finish(&mut self, groups: usize, too_large: &mut BTreeSet<u32>) -> Column {
        self.resize(groups);
        let ty = self.spec.ty;
        let mut column = Column::new(ty);
        let is_sum = self.spec.function == AggregateFunction::Sum;
        let push_float = |column: &mut Column, value: f64| {
            column.push_word(if ty.base == BaseType::Float32 {
                u64::from((value as f32).to_bits())
            } else {
                value.to_bits()
            });
        };
        // Of no rows: null, or what stands for it.
        let push_nothing = |column: &mut Column| {
            if ty.nullable {
                column.push_null();
            } else if is_float(ty.base) && !is_sum {
                push_float(column, f64::NAN);
            } else if ty.base.is_str() {
                column.push_str(Str::new(b""));
            } else if ty.base.register_width() == Some(16) {
                column.push_wide(0);
            } else {
                column.push_word(0);
            }
        };
        match &mut self.state {
            State::Count(counts) | State::Distinct { counts, .. } => {
                counts.iter().for_each(|count| column.push_word(*count));
            }
            State::Integers { sums, is_over } => {
                too_large.extend(is_over.iter());
                for (group, IntegerSum { sum, rows }) in sums.iter().enumerate() {
                    if *rows == 0 {
                        push_nothing(&mut column);
                    } else if !is_sum {
                        push_float(&mut column, *sum as f64 / *rows as f64);
                    } else if !fits(ty.base, *sum) {
                        too_large.insert(group as u32);
                        push_nothing(&mut column);
                    } else if ty.base.register_width() == Some(16) {
                        column.push_wide(*sum as u128);
                    } else {
                        column.push_word(*sum as u64);
                    }
                }
            }
            State::Words { groups, .. } => {
                for word in groups.iter() {
                    if word.run == 0 { push_nothing(&mut column) } else { column.push_word(word.value) }
                }
            }
            State::Floats(sums) => {
                for FloatSum { sum, rows } in sums.iter() {
                    match (*rows, is_sum) {
                        (0, _) => push_nothing(&mut column),
                        (_, true) => push_float(&mut column, sum.value()),
                        (rows, false) => push_float(&mut column, sum.value() / rows as f64),
                    }
                }
            }
            State::Moments { sums, squares, rows } => {
                let is_root = self.spec.function == AggregateFunction::Stddev;
                for ((sum, square), rows) in sums.iter().zip(squares.iter()).zip(rows.iter()) {
                    if *rows == 0 {
                        push_nothing(&mut column);
                        continue;
                    }
                    let variance = variance(*sum, *square, *rows);
                    push_float(&mut column, if is_root { variance.sqrt() } else { variance });
                }
            }
            State::Picked(picked) => {
                let held = picked.value.as_ref().unwrap_or(&picked.by);
                for (group, run) in picked.run.iter().enumerate() {
                    match (*run, held.get(group)) {
                        (0, _) => push_nothing(&mut column),
                        (_, Cell::Null) => column.push_null(),
                        (_, Cell::Word(word)) => column.push_word(word),
                        (_, Cell::Wide(value)) => column.push_wide(value),
                        (_, Cell::Bytes(bytes)) => column.push_str(Str::new(bytes)),
                    }
                }
            }
            State::Sketches(sketches) => sketches.iter().for_each(|sketch| column.push_word(sketch.count())),
            State::Values(values) => {
                let arg = self.spec.args[0].base;
                let base = if arg.register_width() == Some(16) { BaseType::Float64 } else { arg };
                for values in values {
                    values.sort_unstable_by(|a, b| compare_words(base, *a, *b));
                    let middle = values.len() / 2;
                    let at = |place: usize| to_float(base, Cell::Word(values[place]));
                    match values.len() {
                        0 => push_nothing(&mut column),
                        len if len % 2 == 1 => push_float(&mut column, at(middle)),
                        _ => push_float(&mut column, (at(middle - 1) + at(middle)) / 2.0),
                    }
                }
            }
        }
        column
    }
}

/// Counts values that are seen for the first time for their group.
fn count_new(
    values: &mut BytesGroups,
    counts: &mut [u64],
    keys: &[Str],
    selection: &[u64],
    numbers: &mut [u32],
    group: impl Fn(usize) -> usize,
) {
    let mut known = values.keys.len() as u32;
    values.group(keys, selection, numbers);
    bitmap::for_each(selection, |row| {
        if numbers[row] == known {
            known += 1;
            counts[group(row)] += 1;
        }
    });
}

/// Of the sample: the sum of squares less the square of the sum over n, in twice the precision of a float.
fn variance(sum: Compensated, squares: Compensated, rows: u64) -> f64 {
    if rows < 2 {
        return f64::NAN;
    }
    let n = rows as f64;
    if !sum.sum.is_finite() || !squares.sum.is_finite() {
        return f64::NAN;
    }
    let total = sum.sum + sum.rest;
    let total_rest = sum.rest - (total - sum.sum);
    let mean = total / n;
    let mean_rest = (-mean).mul_add(n, total) / n + total_rest / n;
    // total * mean, exactly as far as it matters.
    let product = total * mean;
    let product_rest = total.mul_add(mean, -product) + total * mean_rest + total_rest * mean;
    let difference = (squares.sum - product) + (squares.rest - product_rest);
    difference.max(0.0) / (n - 1.0)
}

fn fits(base: BaseType, sum: i128) -> bool {
    match base {
        BaseType::Int8 => i8::try_from(sum).is_ok(),
        BaseType::Int16 => i16::try_from(sum).is_ok(),
        BaseType::Int32 => i32::try_from(sum).is_ok(),
        BaseType::UInt8 => u8::try_from(sum).is_ok(),
        BaseType::UInt16 => u16::try_from(sum).is_ok(),
        BaseType::UInt32 => u32::try_from(sum).is_ok(),
        BaseType::UInt64 => u64::try_from(sum).is_ok(),
        BaseType::Decimal(precision, _) => {
            sum.unsigned_abs() < 10u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX)
        }
        BaseType::Bool
        | BaseType::Int64
        | BaseType::Float32
        | BaseType::Float64
        | BaseType::String
        | BaseType::Bytes
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration => i64::try_from(sum).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_how_they_are_split() {
        let values: Vec<f64> = (0..1000).map(|n| if n % 3 == 0 { 1e16 } else { 0.1 * f64::from(n) }).collect();
        let sum = |values: &[f64]| {
            let mut sum = Compensated::default();
            values.iter().for_each(|value| sum.add(*value));
            sum
        };
        let whole = sum(&values).value();
        for split in [1, 10, 500, 999] {
            let mut parts = sum(&values[split..]);
            parts.merge(sum(&values[..split]));
            assert_eq!(parts.value(), whole, "split at {split}");
        }
        assert_eq!(sum(&[f64::INFINITY, 1.0]).value(), f64::INFINITY);
    }

    #[test]
    fn variance_of_close_values_far_from_zero() {
        let (mut sum, mut squares) = (Compensated::default(), Compensated::default());
        for n in 0..4u32 {
            let value = 1e9 + f64::from(n);
            sum.add(value);
            squares.add(value * value);
            squares.rest += value.mul_add(value, -(value * value));
        }
        let difference = variance(sum, squares, 4) - 5.0 / 3.0;
        assert!(difference.abs() < 1e-6, "off by {difference}");
    }

    #[test]
    fn estimates_of_different_values_are_near() {
        let mut sketch = Sketch::Few(Vec::new());
        let mut other = Sketch::Few(Vec::new());
        for value in 0..1000u64 {
            sketch.add(hash_word(value));
        }
        assert_eq!(sketch.count(), 1000);
        for value in 500..100_000u64 {
            other.add(hash_word(value));
        }
        sketch.merge(&other);
        let off = sketch.count() as f64 / 100_000.0 - 1.0;
        assert!(off.abs() < 0.03, "off by {off}");
    }
}
