//! The accumulators of the aggregate functions, one array per function over all groups, and the loops that update them.
//!
//! Rows whose first argument is null do not count. Of no rows: counts and sums are 0, what is optional is null, means and
//! their like are NaN; where the value is to be one of a row, the group is refused. Float sums are compensated, integers summed in
//! 128 bits: neither depends on how rows were spread over workers. NaN is ignored by `min` and `max` unless there is nothing
//! else; of equals the first in input order wins.

mod cell;
mod collected;
mod dense;
mod distinct;
mod picked;
mod refused;
mod sketch;
mod sum;
mod take_back;
mod user;

use crate::column::{Column, compare_words, extend};
use crate::operator::collect::Order;
use crate::operator::key::canonical;
use crate::primitive::bitmap;
use crate::primitive::bytes_groups::BytesGroups;
use crate::primitive::hash::{hash_bytes, hash_word};
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::{Buf, Str};
use crate::registers::{Registers, Selection};
pub(crate) use distinct::{Share, finish_all, shares, update_all};

use cell::{Cell, CellValues, Cells, Held, is_float, is_unsigned, to_float, to_int};
use collected::Items;
use distinct::{Distinct, counts_words};
use picked::{Pick, Picked, PickedWord, pick_words, takes_over};
pub(crate) use refused::{Refusal, Refused, RefusedGroup};
use sabot_abi::kernel::Accumulator;
use sabot_abi::manifest::{AggregateFunction, AggregateInput, AggregateSpec, BaseType};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use sabot_library::Quantiles;
use sketch::Sketch;
use sum::{Compensated, IntegerSum, fits, variance};
use user::UserState;

pub(crate) use user::{FailedRow, UserError, Users};

#[derive(Clone, Copy, Debug, Default)]
struct FloatSum {
    sum: Compensated,
    rows: u64,
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
    /// Of values that fit into a word, under one condition or several.
    DistinctWords(Box<Distinct>),
    /// Another call keeps it.
    Elsewhere,
    Sketches(Vec<Sketch>),
    Values(Vec<Vec<u64>>),
    Quantiles(Vec<Quantiles>),
    /// The lists that were given last live as long as this.
    Lists {
        groups: Vec<Items>,
        given: Vec<Box<[u8]>>,
    },
    /// One of the job's own aggregates.
    User(Box<UserState>),
    /// Another column of what another call keeps.
    PartOf,
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
    /// Rows that could not be added, which the caller takes.
    pub(crate) failed: Vec<FailedRow>,
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
            failed: Vec::new(),
        }
    }
}

/// The columns of calls for these groups. Those without a value go to `refused`.
pub(crate) fn columns(
    all: &mut [Accumulators],
    groups: impl ExactSizeIterator<Item = usize> + Clone,
    refused: &mut Refused,
) -> Vec<Column> {
    (0..all.len()).map(|at| column(all, at, groups.clone(), refused)).collect()
}

/// The column of one of several calls.
fn column(
    all: &mut [Accumulators],
    at: usize,
    groups: impl ExactSizeIterator<Item = usize> + Clone,
    refused: &mut Refused,
) -> Column {
    if let AggregateFunction::User { part, kept_by, .. } = all[at].spec.function {
        return all[kept_by.map_or(at, |keeper| keeper as usize)].state_column(part, groups, refused);
    }
    all[at].values(groups, refused)
}

impl Accumulators {
    pub(crate) fn new(spec: &AggregateSpec, users: &Users) -> Self {
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
            AggregateFunction::CountDistinct if counts_words(spec) => State::DistinctWords(Box::new(Distinct::new(1))),
            AggregateFunction::CountDistinct => State::Distinct { values: Box::default(), counts: Buf::default() },
            AggregateFunction::ApproxCountDistinct => State::Sketches(Vec::new()),
            AggregateFunction::Median | AggregateFunction::Percentile(_) => State::Values(Vec::new()),
            AggregateFunction::ApproxPercentile(_) => State::Quantiles(Vec::new()),
            AggregateFunction::Collect => State::Lists { groups: Vec::new(), given: Vec::new() },
            AggregateFunction::User { kept_by: Some(_), .. } => State::PartOf,
            AggregateFunction::User { aggregate, kept_by: None, .. } => {
                State::User(Box::new(UserState::new(users.code(aggregate))))
            }
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
            State::DistinctWords(distinct) => distinct.resize(groups),
            State::Elsewhere => {}
            State::Sketches(sketches) => sketches.resize(groups, Sketch::Few(Vec::new())),
            State::Values(values) => values.resize(groups, Vec::new()),
            State::Quantiles(values) => values.resize(groups, Quantiles::default()),
            State::Lists { groups: lists, .. } => lists.resize(groups, Items::default()),
            State::User(state) => state.resize(groups),
            State::PartOf => {}
        }
    }

    /// Changes the numbers of the runs that values came in, each one more than the number.
    pub(crate) fn each_run(&mut self, mut change: impl FnMut(&mut u32)) {
        match &mut self.state {
            State::Words { groups, .. } => {
                groups.iter_mut().filter(|word| word.run > 0).for_each(|word| change(&mut word.run));
            }
            State::Picked(picked) => picked.run.iter_mut().filter(|run| **run > 0).for_each(change),
            State::Lists { groups, .. } => groups.iter_mut().flat_map(Items::runs_mut).for_each(change),
            State::Count(_)
            | State::Integers { .. }
            | State::Floats(_)
            | State::Moments { .. }
            | State::Distinct { .. }
            | State::DistinctWords(_)
            | State::Elsewhere
            | State::Sketches(_)
            | State::Values(_)
            | State::Quantiles(_)
            | State::User(_)
            | State::PartOf => {}
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
            State::DistinctWords(distinct) => distinct.memory_bytes(),
            State::Elsewhere => 0,
            State::Sketches(sketches) => {
                let bytes = |sketch: &Sketch| match sketch {
                    Sketch::Few(hashes) => hashes.capacity() * 8,
                    Sketch::Many(ranks) => ranks.len(),
                };
                sketches.iter().map(bytes).sum::<usize>() + sketches.capacity() * size_of::<Sketch>()
            }
            State::Values(values) => values.iter().map(|values| values.capacity() * 8 + 24).sum(),
            State::Quantiles(values) => values.iter().map(|values| values.memory_bytes() + 32).sum(),
            State::Lists { groups, given } => {
                groups.iter().map(Items::memory_bytes).sum::<usize>()
                    + given.iter().map(|list| list.len()).sum::<usize>()
            }
            State::User(state) => state.memory_bytes(),
            State::PartOf => 0,
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
        if let State::DistinctWords(distinct) = &mut self.state {
            return distinct.update(std::iter::once(input), groups, registers, selection, scratch);
        }
        let rows_of_chunk = selection.rows;
        if let State::User(_) | State::PartOf = self.state {
            return self.update_user(false, input, groups, registers, selection, &mut scratch.failed);
        }
        let counted = counted(input, registers, selection);
        let used = bitmap::words_of(rows_of_chunk);
        if selection.is_full() && counted[..used] == *selection.used() && self.update_dense(input, groups, registers) {
            return;
        }
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
            State::Count(_) | State::DistinctWords(_) | State::Elsewhere | State::User(_) | State::PartOf => {}
            State::Integers { sums, is_over } => {
                if let (CellValues::Words(words), false) = (&cells.values, is_unsigned(base)) {
                    for &row in rows {
                        sums[group(row)].add(words[row as usize] as i64);
                    }
                } else {
                    for &row in rows {
                        if !sums[group(row)].add_rows(to_int(base, cells.get(row as usize)), 1) {
                            is_over.push(groups[row as usize]);
                        }
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
            State::Quantiles(values) => {
                for &row in rows {
                    values[group(row)].add(to_float(base, cells.get(row as usize)));
                }
            }
            State::Lists { groups: lists, .. } => {
                for &row in rows {
                    lists[group(row)].push(base, cells.get(row as usize), run);
                }
            }
        }
    }

    /// Adds rows to the state of one of the job's own aggregates, or takes them back.
    fn update_user(
        &mut self,
        takes_back: bool,
        input: &AggregateInput,
        groups: &[u32],
        registers: &mut Registers,
        selection: &Selection,
        failed: &mut Vec<FailedRow>,
    ) {
        let State::User(state) = &mut self.state else { return };
        let args = registers.columns(&input.args, selection);
        let mut counted = selection.words;
        narrow_by_filter(input, registers, selection.rows, &mut counted);
        state.update(takes_back, &args, &groups[..selection.rows], &counted, failed);
    }

    /// Adds all rows of a chunk, if there is a loop for that.
    fn update_dense(&mut self, input: &AggregateInput, groups: &[u32], registers: &Registers) -> bool {
        if let State::Count(counts) = &mut self.state {
            dense::count(counts, groups);
            return true;
        }
        let base = self.spec.args[0].base;
        if base.is_str() || base.register_width() != Some(8) {
            return false;
        }
        let words = || registers.values::<u64>(input.args[0], groups.len());
        match &mut self.state {
            State::Integers { sums, .. } if !is_unsigned(base) => dense::add_integers(sums, groups, words()),
            State::Floats(sums) => dense::add_floats(sums, groups, words()),
            State::Count(_)
            | State::Integers { .. }
            | State::Words { .. }
            | State::Moments { .. }
            | State::Picked(_)
            | State::Distinct { .. }
            | State::DistinctWords(_)
            | State::Elsewhere
            | State::Sketches(_)
            | State::Values(_)
            | State::Quantiles(_)
            | State::Lists { .. }
            | State::User(_)
            | State::PartOf => return false,
        }
        true
    }

    /// Adds another part's groups; `groups[i]` is the group that its group `i` is here, or `NONE`.
    pub(crate) fn merge(&mut self, other: &Self, groups: &[u32], own_runs: &[Order], other_runs: &[Order]) {
        let pairs = || groups.iter().enumerate().filter(|(_, to)| **to != NONE).map(|(from, to)| (from, *to as usize));
        match (&mut self.state, &other.state) {
            (State::Count(ours), State::Count(theirs)) => pairs().for_each(|(from, to)| ours[to] += theirs[from]),
            (State::Integers { sums, is_over }, State::Integers { sums: their_sums, is_over: their_over }) => {
                for (from, to) in pairs() {
                    if !sums[to].add_rows(their_sums[from].sum(), their_sums[from].rows) {
                        is_over.push(to as u32);
                    }
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
            (State::DistinctWords(ours), State::DistinctWords(theirs)) => ours.merge(theirs, groups),
            (State::Elsewhere, State::Elsewhere) => {}
            (State::Sketches(ours), State::Sketches(theirs)) => {
                pairs().for_each(|(from, to)| ours[to].merge(&theirs[from]));
            }
            (State::Values(ours), State::Values(theirs)) => {
                pairs().for_each(|(from, to)| ours[to].extend_from_slice(&theirs[from]));
            }
            (State::Quantiles(ours), State::Quantiles(theirs)) => {
                pairs().for_each(|(from, to)| ours[to].merge(&theirs[from]));
            }
            (State::Lists { groups: ours, .. }, State::Lists { groups: theirs, .. }) => {
                let start = own_runs.len() as u32;
                let order = |run: u32| {
                    let own = own_runs.get(run as usize).copied();
                    own.unwrap_or_else(|| other_runs[(run - start) as usize])
                };
                pairs().for_each(|(from, to)| ours[to].merge(&theirs[from], start, order));
            }
            (State::User(ours), State::User(theirs)) => ours.merge(theirs, groups),
            (State::PartOf, State::PartOf) => {}
            _ => unreachable!("parts of one table have the same accumulators"),
        }
    }

    /// Adds what another part has for the first so many groups, which have the same numbers there.
    pub(crate) fn merge_same(&mut self, other: &Self, groups: usize, own_runs: &[Order], other_runs: &[Order]) {
        match (&mut self.state, &other.state) {
            (State::Count(ours), State::Count(theirs)) => {
                ours.iter_mut().zip(&theirs[..groups]).for_each(|(ours, theirs)| *ours += theirs);
            }
            (State::Integers { sums, is_over }, State::Integers { sums: their_sums, is_over: their_over }) => {
                for (group, (ours, theirs)) in sums.iter_mut().zip(&their_sums[..groups]).enumerate() {
                    if !ours.add_rows(theirs.sum(), theirs.rows) {
                        is_over.push(group as u32);
                    }
                }
                is_over.extend_from_slice(their_over);
            }
            (State::Floats(ours), State::Floats(theirs)) => {
                for (ours, theirs) in ours.iter_mut().zip(&theirs[..groups]) {
                    ours.sum.merge(theirs.sum);
                    ours.rows += theirs.rows;
                }
            }
            _ => self.merge(other, &(0..groups as u32).collect::<Vec<u32>>(), own_runs, other_runs),
        }
    }

    /// Takes what a fused kernel has accumulated as the one group.
    pub(crate) fn set(&mut self, accumulator: &Accumulator) {
        self.resize(1);
        let Accumulator { sum, count, .. } = *accumulator;
        match &mut self.state {
            State::Count(counts) => counts[0] = count,
            State::Integers { sums, .. } => {
                sums[0] = IntegerSum::new((u128::from(sum[0]) | u128::from(sum[1]) << 64) as i128, count);
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
            | State::DistinctWords(_)
            | State::Elsewhere
            | State::Sketches(_)
            | State::Values(_)
            | State::Quantiles(_)
            | State::Lists { .. }
            | State::User(_)
            | State::PartOf => {
                unreachable!("such functions are not fused")
            }
        }
    }

    /// A column of the state of one of the job's own aggregates, which this call keeps.
    pub(crate) fn state_column(&self, part: u32, groups: impl Iterator<Item = usize>, refused: &mut Refused) -> Column {
        let State::User(state) = &self.state else { unreachable!("it is asked who keeps the state") };
        state.values(part as usize, groups, refused)
    }

    /// The function's values for these groups; not of the job's own aggregates. Those without a value go to `refused`.
    pub(crate) fn values(
        &mut self,
        groups: impl ExactSizeIterator<Item = usize> + Clone,
        refused: &mut Refused,
    ) -> Column {
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
        // Of no rows: null, or what stands for it: of means and their like NaN, else it is of a group that is left out.
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
        let no_row = (!ty.nullable).then_some(Refusal::NoRows(self.spec.function));
        match &mut self.state {
            State::Count(counts) | State::Distinct { counts, .. } => {
                column.push_words(groups.map(|group| counts[group]));
            }
            State::DistinctWords(distinct) => {
                groups.for_each(|group| column.push_word(distinct.counts[0][group]));
            }
            State::Elsewhere => unreachable!("the other call gives it"),
            State::Integers { sums, is_over } => {
                is_over.iter().for_each(|group| refused.add(*group, Refusal::SumOverflow));
                // The usual case at once.
                if is_sum && matches!(ty.base, BaseType::Int64) && is_over.is_empty() {
                    let mut is_fine = true;
                    column.push_words(groups.clone().map(|group| {
                        let entry = sums[group];
                        is_fine &= entry.fits_word() && (entry.rows > 0 || !ty.nullable);
                        entry.sum() as u64
                    }));
                    if is_fine {
                        return column;
                    }
                    column = Column::new(ty);
                }
                for group in groups {
                    let entry = sums[group];
                    let sum = entry.sum();
                    if entry.rows == 0 {
                        push_nothing(&mut column);
                    } else if !is_sum {
                        push_float(&mut column, sum as f64 / entry.rows as f64);
                    } else if !fits(ty.base, sum) {
                        refused.add(group as u32, Refusal::SumOverflow);
                        push_nothing(&mut column);
                    } else if ty.base.register_width() == Some(16) {
                        column.push_wide(sum as u128);
                    } else {
                        column.push_word(sum as u64);
                    }
                }
            }
            State::Words { groups: words, .. } => {
                for group in groups {
                    let word = words[group];
                    if word.run > 0 {
                        column.push_word(word.value);
                        continue;
                    }
                    no_row.into_iter().for_each(|why| refused.add(group as u32, why));
                    push_nothing(&mut column);
                }
            }
            State::Floats(sums) => {
                for FloatSum { sum, rows } in groups.map(|group| sums[group]) {
                    match (rows, is_sum) {
                        (0, _) => push_nothing(&mut column),
                        (_, true) => push_float(&mut column, sum.value()),
                        (rows, false) => push_float(&mut column, sum.value() / rows as f64),
                    }
                }
            }
            State::Moments { sums, squares, rows } => {
                let is_root = self.spec.function == AggregateFunction::Stddev;
                for group in groups {
                    if rows[group] == 0 {
                        push_nothing(&mut column);
                        continue;
                    }
                    let variance = variance(sums[group], squares[group], rows[group]);
                    push_float(&mut column, if is_root { variance.sqrt() } else { variance });
                }
            }
            State::Picked(picked) => {
                let held = picked.value.as_ref().unwrap_or(&picked.by);
                for group in groups {
                    match (picked.run[group], held.get(group)) {
                        (0, _) => {
                            no_row.into_iter().for_each(|why| refused.add(group as u32, why));
                            push_nothing(&mut column);
                        }
                        (_, Cell::Null) => column.push_null(),
                        (_, Cell::Word(word)) => column.push_word(word),
                        (_, Cell::Wide(value)) => column.push_wide(value),
                        (_, Cell::Bytes(bytes)) => column.push_str(Str::new(bytes)),
                    }
                }
            }
            State::Sketches(sketches) => column.push_words(groups.map(|group| sketches[group].count())),
            State::Values(values) => {
                let arg = self.spec.args[0].base;
                let base = if arg.register_width() == Some(16) { BaseType::Float64 } else { arg };
                for group in groups {
                    let values = &mut values[group];
                    values.sort_unstable_by(|a, b| compare_words(base, *a, *b));
                    let middle = values.len() / 2;
                    let at = |place: usize| to_float(base, Cell::Word(values[place]));
                    if let (AggregateFunction::Percentile(share), false) = (self.spec.function, values.is_empty()) {
                        push_float(&mut column, sabot_library::percentile(f64::from_bits(share), values.len(), at));
                        continue;
                    }
                    match values.len() {
                        0 => push_nothing(&mut column),
                        len if len % 2 == 1 => push_float(&mut column, at(middle)),
                        _ => push_float(&mut column, (at(middle - 1) + at(middle)) / 2.0),
                    }
                }
            }
            State::Quantiles(values) => {
                let AggregateFunction::ApproxPercentile(share) = self.spec.function else {
                    unreachable!("quantiles are kept for percentiles")
                };
                for group in groups {
                    match values[group].at(f64::from_bits(share)) {
                        Some(value) => push_float(&mut column, value),
                        None => push_nothing(&mut column),
                    }
                }
            }
            State::Lists { groups: lists, given } => {
                given.clear();
                return collected::column((ty, self.spec.args[0].base), groups.map(|group| &lists[group]), given);
            }
            State::User(_) | State::PartOf => unreachable!("such columns are made by `column`"),
        }
        column
    }
}

/// The rows that count: those that the filter lets through and whose first argument is not null.
fn counted(input: &AggregateInput, registers: &mut Registers, selection: &Selection) -> [u64; CHUNK_WORDS] {
    let rows = selection.rows;
    for &reg in &input.args {
        registers.materialise(reg, selection, false);
    }
    let mut counted = selection.words;
    narrow_by_filter(input, registers, rows, &mut counted);
    if let Some(valid) = input.args.first().and_then(|reg| registers.validity(*reg, rows)) {
        counted.iter_mut().zip(valid).for_each(|(word, valid)| *word &= valid);
    }
    counted
}

/// Leaves out the rows for which an input's filter does not hold.
fn narrow_by_filter(input: &AggregateInput, registers: &Registers, rows: usize, counted: &mut [u64; CHUNK_WORDS]) {
    if let Some(filter) = input.filter {
        let narrow =
            |words: &[u64], counted: &mut [u64]| counted.iter_mut().zip(words).for_each(|(word, other)| *word &= other);
        narrow(registers.bits(filter, rows), counted);
        if let Some(valid) = registers.validity(filter, rows) {
            narrow(valid, counted);
        }
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
