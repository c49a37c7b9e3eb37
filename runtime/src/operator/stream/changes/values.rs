//! The values of each key with their number, for functions that cannot take a value back.
//!
//! Equal values are one entry. A value is as late as the last row that brought it, or, for functions that want the first, as
//! early as the row that brought it when there was none; taking one back leaves the others where they are. Of values where another
//! one is least or greatest, and equal, the least counts.

use crate::column::Column;
use crate::operator::accumulate::{Accumulators, Refused, Scratch, Users};
use crate::operator::collect::Rows;
use crate::operator::key::KeyLayout;
use crate::operator::stream::gather::renumber;
use crate::operator::stream::keyed::Keyed;
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::registers::{AcrossThreads, Registers, Selection};
use crate::spill::fields;
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{AggregateFunction, AggregateInput, AggregateSpec, BaseType, ColumnType, Reg};

/// Fewer entries are not looked through for dead ones.
const LEAST_ENTRIES: usize = if cfg!(test) { 16 } else { 4096 };

/// A value of a key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    rows: i64,
    /// When it came, counted in rows.
    since: u64,
    /// The entry of the same key before it.
    before: u32,
}

/// The values of one call.
pub(super) struct Values {
    spec: AggregateSpec,
    types: Vec<ColumnType>,
    /// By group and arguments.
    keyed: Keyed,
    entries: Vec<Entry>,
    /// By group: its last entry.
    last: Vec<u32>,
    lived: usize,
    came: u64,
    registers: AcrossThreads<Registers>,
    numbers: Vec<u32>,
    /// What was computed last: its strings are in use until more is computed.
    computed: Option<Accumulators>,
}

const GROUP: ColumnType = ColumnType { base: BaseType::UInt32, nullable: false };

impl Values {
    pub(super) fn new(spec: &AggregateSpec) -> Self {
        // What is null is the concern of the function: here it is a value.
        let args = spec.args.iter().map(|ty| ColumnType { nullable: true, ..*ty });
        let types: Vec<ColumnType> = std::iter::once(GROUP).chain(args).collect();
        Self {
            spec: spec.clone(),
            keyed: Keyed::new(&KeyLayout::new(&types, true), &types, true),
            entries: Vec::new(),
            last: Vec::new(),
            lived: 0,
            came: 0,
            registers: AcrossThreads(Registers::new(&fields(&types))),
            numbers: Vec::new(),
            computed: None,
            types,
        }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.last.resize(groups, NONE);
    }

    /// Adds and takes back the rows of a chunk.
    pub(super) fn update(
        &mut self,
        input: &AggregateInput,
        groups: &[u32],
        registers: &mut Registers,
        more: &Selection,
        less: &Selection,
    ) {
        let rows = groups.len();
        let mut counted = Selection::all(rows);
        if let Some(filter) = input.filter {
            counted.intersect(registers.bits(filter, rows));
            if let Some(valid) = registers.validity(filter, rows) {
                counted.intersect(valid);
            }
        }
        if let Some(valid) = input.args.first().and_then(|reg| registers.validity(*reg, rows)) {
            counted.intersect(valid);
        }
        let mut wanted = Rows::new(self.types.iter().copied());
        bitmap::for_each(counted.used(), |row| wanted.columns[0].push_word(u64::from(groups[row])));
        for (column, reg) in wanted.columns[1..].iter_mut().zip(&input.args) {
            registers.append_to(*reg, &counted, column);
        }
        wanted.rows = counted.count;
        self.keyed.number(&wanted, &mut self.numbers);
        self.entries.resize(self.keyed.len(), Entry { rows: 0, since: u64::MAX, before: NONE });
        let mut numbers = self.numbers.iter();
        let is_last_wanted = self.spec.function == AggregateFunction::Last;
        bitmap::for_each(counted.used(), |row| {
            let Some(&number) = numbers.next() else { return };
            let entry = &mut self.entries[number as usize];
            self.came += 1;
            if entry.since == u64::MAX {
                entry.before = std::mem::replace(&mut self.last[groups[row] as usize], number);
            }
            if bitmap::get(&more.words, row) {
                if entry.rows == 0 || is_last_wanted || entry.since == u64::MAX {
                    entry.since = self.came;
                }
                entry.rows += 1;
            } else if bitmap::get(&less.words, row) {
                if entry.since == u64::MAX {
                    entry.since = self.came;
                }
                entry.rows -= 1;
            }
        });
        self.compact();
    }

    /// The function's values for these groups; strings stay until the next call.
    pub(super) fn compute(&mut self, groups: &[u32], scratch: &mut Scratch, refused: &mut Refused) -> Column {
        let mut picked: Vec<(u32, u64, u32)> = Vec::new();
        for (at, &group) in groups.iter().enumerate() {
            let first = picked.len();
            let mut number = self.last[group as usize];
            while number != NONE {
                let entry = self.entries[number as usize];
                if entry.rows > 0 {
                    picked.push((at as u32, entry.since, number));
                }
                number = entry.before;
            }
            picked[first..].sort_unstable();
        }
        if matches!(self.spec.function, AggregateFunction::ArgMin | AggregateFunction::ArgMax) {
            self.sort_by_value(&mut picked);
        }
        let mut accumulators = Accumulators::new(&self.spec, &Users::default());
        accumulators.resize(groups.len());
        let counts_each = match self.spec.function {
            AggregateFunction::Variance
            | AggregateFunction::Stddev
            | AggregateFunction::Median
            | AggregateFunction::Percentile(_)
            | AggregateFunction::ApproxPercentile(_)
            | AggregateFunction::Collect => true,
            AggregateFunction::User { .. } => unreachable!("such an aggregate says itself how rows are taken back"),
            AggregateFunction::Count | AggregateFunction::Sum | AggregateFunction::Avg => true,
            AggregateFunction::Min
            | AggregateFunction::Max
            | AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::ArgMin
            | AggregateFunction::ArgMax
            | AggregateFunction::CountDistinct
            | AggregateFunction::ApproxCountDistinct => false,
        };
        let mut rows = Vec::with_capacity(picked.len());
        for &(at, _, number) in &picked {
            let count = if counts_each { self.entries[number as usize].rows } else { 1 };
            rows.extend((0..count).map(|_| (at, number)));
        }
        let args: Vec<Reg> = (1..self.types.len() as Reg).collect();
        let input = AggregateInput { args, filter: None };
        for rows in rows.chunks(CHUNK_ROWS) {
            let numbers: Vec<u32> = rows.iter().map(|(_, number)| *number).collect();
            let groups: Vec<u32> = rows.iter().map(|(at, _)| *at).collect();
            let columns = self.keyed.columns(&numbers);
            let registers = self.registers.get();
            registers.load_rows((0..).zip(&columns), 0, rows.len());
            accumulators.update(&input, &groups, registers, &Selection::all(rows.len()), scratch, 0);
        }
        let mut places = Refused::default();
        let values = accumulators.values(0..groups.len(), &mut places);
        places.iter().for_each(|(at, why)| refused.add(groups[at as usize], why));
        // Strings are theirs.
        self.computed = Some(accumulators);
        values
    }

    /// Orders the entries of each group by their last argument: of equal ones the first is taken, and when a change came
    /// depends on when it was flushed.
    fn sort_by_value(&self, picked: &mut [(u32, u64, u32)]) {
        let numbers: Vec<u32> = picked.iter().map(|(.., number)| *number).collect();
        let columns = self.keyed.columns(&numbers);
        let Some(values) = columns.last() else { return };
        let mut order: Vec<usize> = (0..picked.len()).collect();
        order.sort_by(|a, b| picked[*a].0.cmp(&picked[*b].0).then_with(|| values.compare(*a, *b)));
        let sorted: Vec<_> = order.into_iter().map(|at| picked[at]).collect();
        picked.copy_from_slice(&sorted);
    }

    /// Takes values out of which there are none, if there may be more of them than others.
    fn compact(&mut self) {
        if self.entries.len() < (self.lived * 2).max(LEAST_ENTRIES) {
            return;
        }
        let (new, kept) = renumber(&self.entries.iter().map(|entry| entry.rows != 0).collect::<Vec<_>>());
        let living = |mut number: u32| {
            while number != NONE && new[number as usize] == NONE {
                number = self.entries[number as usize].before;
            }
            if number == NONE { NONE } else { new[number as usize] }
        };
        let entries: Vec<Entry> = kept
            .iter()
            .map(|number| {
                let entry = self.entries[*number as usize];
                Entry { before: living(entry.before), ..entry }
            })
            .collect();
        self.last = self.last.iter().map(|number| living(*number)).collect();
        self.entries = entries;
        self.keyed.keep(&kept);
        self.lived = kept.len();
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let computed = self.computed.as_ref().map_or(0, Accumulators::memory_bytes);
        computed + self.keyed.memory_bytes() + self.entries.capacity() * size_of::<Entry>() + self.last.capacity() * 4
    }
}
