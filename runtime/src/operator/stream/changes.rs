//! Accumulators by key, as changes: after each flush the rows that were given are the groups as they are.
//!
//! A flush gives at most one change per key: the row it had is taken back, the row it has is added, nothing if they are
//! equal. Where rows only are added the accumulators are those of any other aggregate. Where they are also taken back,
//! counts, sums and means subtract, and a group without rows goes; the others keep the values of each key with their number
//! ([`values`]) and are computed anew.

#[cfg(test)]
mod tests;
mod values;

use super::key_group::{kg, partition_of};
use super::keyed::Keyed;
use super::{CHANGE, Output, Stored, StreamSpec, StreamState};
use crate::column::Column;
use crate::error::RunError;
use crate::operator::accumulate::{Accumulators, Refusal, Refused, Scratch, Users};
use crate::operator::collect::Rows;
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::registers::{AcrossThreads, Registers, Selection};
use crate::spill::fields;
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{AggregateFunction, AggregateInput, AggregateSpec, BaseType, Reg};
use sabot_abi::stream::StreamInput;
use std::collections::BTreeMap;
use values::Values;

/// Fewer rows are not looked through for dead ones.
const LEAST_ROWS: usize = if cfg!(test) { 16 } else { 4096 };

/// One call for all groups.
enum Call {
    /// Rows are added, and perhaps subtracted.
    Accumulated { accumulators: Accumulators, odd: Option<Odd> },
    /// Of the values that are left.
    Values(Box<Values>),
}

/// What a float sum cannot subtract: by group the NaNs, the infinities and the negative ones, how many of each.
type Odd = BTreeMap<u32, [i64; 3]>;

/// The state.
pub(super) struct Changes {
    users: Users,
    /// The change of a row, as a register.
    change: Option<Reg>,
    keyed: Keyed,
    registers: AcrossThreads<Registers>,
    inputs: Vec<AggregateInput>,
    specs: Vec<AggregateSpec>,
    calls: Vec<Call>,
    /// By group: its rows.
    rows: Vec<i64>,
    /// By group: where it stands in `given`.
    given_at: Vec<u32>,
    /// The calls of the groups as they were given.
    given: Stored,
    lived: usize,
    is_changed: Vec<bool>,
    /// Groups that have changed, in the order of their first change.
    changed: Vec<u32>,
    /// There is one group, and here it is; even of no rows.
    is_home_of_all: bool,
    /// Groups of which a call has no row: they are reported when no more can come.
    without_value: Refused,
    watermark: i64,
    numbers: Vec<u32>,
    scratch: Scratch,
}

impl Changes {
    pub(super) fn new(
        spec: &StreamSpec,
        partition: usize,
        calls: &[AggregateSpec],
        inputs: &[StreamInput],
        change: Option<u32>,
    ) -> Self {
        let reg = |position: u32| position + spec.first_column() as Reg;
        let types: Vec<_> = calls.iter().map(|call| call.ty).collect();
        let call = |call: &AggregateSpec| match call.function {
            AggregateFunction::Count | AggregateFunction::Sum | AggregateFunction::Avg => {
                let is_float = call.args.first().is_some_and(|arg| float_width(arg.base).is_some());
                let odd = (is_float && change.is_some() && call.function != AggregateFunction::Count).then(Odd::new);
                Call::Accumulated { accumulators: Accumulators::new(call, &spec.users), odd }
            }
            AggregateFunction::Min
            | AggregateFunction::Max
            | AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::ArgMin
            | AggregateFunction::ArgMax
            | AggregateFunction::CountDistinct
            | AggregateFunction::ApproxCountDistinct
            | AggregateFunction::Variance
            | AggregateFunction::Stddev
            | AggregateFunction::Median
            | AggregateFunction::Percentile(_)
            | AggregateFunction::ApproxPercentile(_)
            | AggregateFunction::Collect => {
                if change.is_some() {
                    Call::Values(Box::new(Values::new(call)))
                } else {
                    Call::Accumulated { accumulators: Accumulators::new(call, &spec.users), odd: None }
                }
            }
            // Where rows are taken back it says how.
            AggregateFunction::User { .. } => {
                Call::Accumulated { accumulators: Accumulators::new(call, &spec.users), odd: None }
            }
        };
        Self {
            users: spec.users.clone(),
            change: change.map(reg),
            keyed: Keyed::new(&spec.layout, &spec.keys, true),
            registers: AcrossThreads(Registers::new(&fields(&spec.fed(0)))),
            inputs: inputs
                .iter()
                .map(|input| AggregateInput {
                    args: input.args.iter().map(|position| reg(*position)).collect(),
                    filter: input.filter.map(reg),
                })
                .collect(),
            specs: calls.to_vec(),
            calls: calls.iter().map(call).collect(),
            rows: Vec::new(),
            given_at: Vec::new(),
            given: Stored::new(&types),
            lived: 0,
            is_changed: Vec::new(),
            changed: Vec::new(),
            is_home_of_all: spec.keys.is_empty() && partition_of(kg(&0u64.to_le_bytes())) == partition,
            without_value: Refused::default(),
            watermark: i64::MIN,
            numbers: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Makes room for the groups that there are.
    fn grow(&mut self) {
        let groups = self.keyed.len();
        for call in &mut self.calls {
            match call {
                Call::Accumulated { accumulators, .. } => accumulators.resize(groups),
                Call::Values(values) => values.resize(groups),
            }
        }
        self.rows.resize(groups, 0);
        self.given_at.resize(groups, NONE);
        self.is_changed.resize(groups, false);
    }

    /// Takes a chunk, which the registers hold.
    fn chunk(&mut self, numbers: &[u32]) {
        let registers = self.registers.get();
        let all = Selection::all(numbers.len());
        let (mut more, mut less) = (all.clone(), Selection { words: [0; _], rows: numbers.len(), count: 0 });
        if let Some(change) = self.change {
            for (row, value) in registers.values::<i8>(change, numbers.len()).iter().enumerate() {
                if *value < 0 {
                    bitmap::clear(&mut more.words, row);
                    bitmap::set(&mut less.words, row);
                }
            }
            more.recount();
            less.recount();
        }
        for (row, &group) in numbers.iter().enumerate() {
            self.rows[group as usize] += if bitmap::get(&more.words, row) { 1 } else { -1 };
            if !std::mem::replace(&mut self.is_changed[group as usize], true) {
                self.changed.push(group);
            }
        }
        for (call, (input, spec)) in self.calls.iter_mut().zip(self.inputs.iter().zip(&self.specs)) {
            match call {
                Call::Values(values) => values.update(input, numbers, registers, &more, &less),
                Call::Accumulated { accumulators, odd } => {
                    let (mut more, mut less) = (more.clone(), less.clone());
                    if let Some(odd) = odd {
                        set_odd_apart(odd, spec, input, numbers, registers, &mut more, &mut less);
                    }
                    accumulators.update(input, numbers, registers, &more, &mut self.scratch, 0);
                    if less.count > 0 {
                        accumulators.take_back(input, numbers, registers, &less, &mut self.scratch);
                    }
                }
            }
        }
    }

    /// The calls of groups as they are; of those that are refused they say nothing.
    fn values(&mut self, groups: &[u32], refused: &mut Refused) -> Vec<Column> {
        let of_groups = || groups.iter().map(|group| *group as usize);
        let mut columns = Vec::with_capacity(self.calls.len());
        for (at, spec) in self.specs.iter().enumerate() {
            if let AggregateFunction::User { part, kept_by, .. } = spec.function {
                let keeper = kept_by.map_or(at, |at| at as usize);
                let Call::Accumulated { accumulators, .. } = &self.calls[keeper] else {
                    unreachable!("states are accumulated")
                };
                columns.push(accumulators.state_column(part, of_groups(), refused));
                continue;
            }
            columns.push(match &mut self.calls[at] {
                Call::Accumulated { accumulators, odd } => {
                    let mut column = accumulators.values(of_groups(), refused);
                    if let Some(odd) = odd {
                        put_odd(odd, groups, &mut column);
                    }
                    column
                }
                Call::Values(values) => values.compute(groups, &mut self.scratch, refused),
            });
        }
        columns
    }

    /// Notes which of the groups have no value. What cannot be computed is reported; what has no row may still get one.
    fn note_refused(&mut self, groups: &[u32], refused: &Refused, out: &mut Output) {
        groups.iter().for_each(|group| self.without_value.remove(*group));
        let mut failed = Refused::default();
        for (group, why) in refused.iter() {
            if !self.is_there(group) {
                continue;
            }
            match why {
                Refusal::SumOverflow | Refusal::User(_) => failed.add(group, why),
                Refusal::NoRows(_) => self.without_value.add(group, why),
            }
        }
        self.report(&failed, out);
    }

    /// Hands groups over to the operator's policy.
    fn report(&self, refused: &Refused, out: &mut Output) {
        let groups: Vec<u32> = refused.iter().map(|(group, _)| group).collect();
        let keys = self.keyed.columns(&groups);
        let key = |row: usize| keys.iter().map(|column| column.show(row)).collect();
        out.refused.extend(groups.iter().enumerate().map(|(row, group)| refused.with_key(*group, key(row))));
    }

    fn is_there(&self, group: u32) -> bool {
        self.rows[group as usize] > 0 || self.is_home_of_all
    }

    fn give(&mut self, out: &mut Output) -> Result<(), RunError> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().for_each(|group| self.is_changed[*group as usize] = false);
        let mut refused = Refused::default();
        let new = self.values(&changed, &mut refused);
        self.note_refused(&changed, &refused, out);
        // Changes: the group, whether it is the new row, and its row there.
        let (mut groups, mut picked) = (Vec::new(), Vec::new());
        let mut kept = Vec::new();
        let first = self.given.rows;
        for (row, &group) in changed.iter().enumerate() {
            let old = self.given_at[group as usize];
            let is_there = self.is_there(group) && !refused.contains(group);
            let is_same = |column: (&Column, &Column)| column.0.compare_with(old as usize, column.1, row).is_eq();
            if is_there && old != NONE && self.given.columns.iter().zip(&new).all(is_same) {
                continue;
            }
            if old != NONE {
                groups.push(group);
                picked.push((0u32, old));
            }
            self.given_at[group as usize] = NONE;
            if is_there {
                groups.push(group);
                picked.push((1, row as u32));
                self.given_at[group as usize] = (first + kept.len()) as u32;
                kept.push(row as u32);
            }
        }
        let keys = self.keyed.columns(&groups);
        let (to_keys, rest) = out.rows.columns.split_at_mut(keys.len());
        for (to, from) in to_keys.iter_mut().zip(&keys) {
            to.append(from, 0..from.len());
        }
        for (to, (old, new)) in rest.iter_mut().zip(self.given.columns.iter().zip(&new)) {
            to.extend_picked(&[old, new], &picked);
        }
        if let Some(column) = rest.last_mut() {
            debug_assert_eq!(column.ty, CHANGE, "the change is the last column");
            for at in 0..groups.len() {
                let is_new = picked[at].0 == 1;
                // A row that is taken back for another, and that other one, are an update.
                let other = if is_new { at.checked_sub(1) } else { Some(at + 1) };
                let is_update = other.is_some_and(|other| groups.get(other) == Some(&groups[at]));
                let change: i64 = if is_update { 2 } else { 1 };
                column.push_word((if is_new { change } else { -change }) as u64);
            }
        }
        out.added(groups.len());
        self.given.add_some(&new, &kept);
        self.compact();
        Ok(())
    }

    /// Takes rows out that were taken back, if there may be more of them than others.
    fn compact(&mut self) {
        if self.given.rows < (self.lived * 2).max(LEAST_ROWS) {
            return;
        }
        let mut kept = Vec::new();
        for at in self.given_at.iter_mut().filter(|at| **at != NONE) {
            let row = std::mem::replace(at, kept.len() as u32);
            kept.push(row);
        }
        self.given.keep(&kept);
        self.lived = kept.len();
    }
}

/// The width of a float.
fn float_width(base: BaseType) -> Option<usize> {
    match base {
        BaseType::Float32 => Some(4),
        BaseType::Float64 => Some(8),
        BaseType::Bool
        | BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::UInt8
        | BaseType::UInt16
        | BaseType::UInt32
        | BaseType::UInt64
        | BaseType::String
        | BaseType::Bytes
        | BaseType::Decimal(..)
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::List(..) => None,
    }
}

/// Counts values that are not finite, and takes their rows out of what is summed.
fn set_odd_apart(
    odd: &mut Odd,
    spec: &AggregateSpec,
    input: &AggregateInput,
    groups: &[u32],
    registers: &Registers,
    more: &mut Selection,
    less: &mut Selection,
) {
    let (reg, rows) = (input.args[0], groups.len());
    let mut words = [0u64; CHUNK_ROWS];
    registers.words_into(reg, rows, &mut words);
    let is_wide = float_width(spec.args[0].base) == Some(8);
    let holds = |row: usize| {
        let is_valid = |reg: Reg| registers.validity(reg, rows).is_none_or(|valid| bitmap::get(valid, row));
        is_valid(reg)
            && input.filter.is_none_or(|filter| is_valid(filter) && bitmap::get(registers.bits(filter, rows), row))
    };
    for (selection, sign) in [(more, 1), (less, -1)] {
        for row in 0..rows {
            let word = words[row];
            let value = if is_wide { f64::from_bits(word) } else { f64::from(f32::from_bits(word as u32)) };
            if value.is_finite() || !bitmap::get(&selection.words, row) {
                continue;
            }
            bitmap::clear(&mut selection.words, row);
            if holds(row) {
                let which = if value.is_nan() { 0 } else { 1 + usize::from(value < 0.0) };
                let counts = odd.entry(groups[row]).or_default();
                counts[which] += sign;
                if *counts == [0; 3] {
                    odd.remove(&groups[row]);
                }
            }
        }
        selection.recount();
    }
}

/// Puts the sums of groups with values that are not finite into the column.
fn put_odd(odd: &Odd, groups: &[u32], column: &mut Column) {
    if odd.is_empty() {
        return;
    }
    let mut new = Column::new(column.ty);
    for (row, group) in groups.iter().enumerate() {
        let value = match odd.get(group) {
            None => {
                new.append(column, row..row + 1);
                continue;
            }
            Some([0, _, 0]) => f64::INFINITY,
            Some([0, 0, _]) => f64::NEG_INFINITY,
            Some(_) => f64::NAN,
        };
        let is_wide = float_width(column.ty.base) == Some(8);
        new.push_word(if is_wide { value.to_bits() } else { u64::from((value as f32).to_bits()) });
    }
    *column = new;
}

impl StreamState for Changes {
    fn rows(&mut self, _: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError> {
        let mut numbers = std::mem::take(&mut self.numbers);
        self.keyed.number(rows, &mut numbers);
        self.grow();
        for (first, numbers) in (0..rows.rows).step_by(CHUNK_ROWS).zip(numbers.chunks(CHUNK_ROWS)) {
            self.registers.get().load_rows((0..).zip(&rows.columns), first, numbers.len());
            self.chunk(numbers);
            let failed = std::mem::take(&mut self.scratch.failed);
            out.refuse_rows(&failed, |row| self.keyed.columns(&[row.group]));
        }
        self.numbers = numbers;
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError> {
        if watermarks[0] == i64::MAX && self.watermark != i64::MAX {
            if self.is_home_of_all && self.keyed.len() == 0 {
                self.keyed.number_one();
                self.grow();
                self.changed.push(0);
            }
            self.give(out)?;
            let without_value = std::mem::take(&mut self.without_value);
            self.report(&without_value, out);
            self.keyed.keep(&[]);
            self.given.keep(&[]);
            self.given_at.clear();
            self.rows.clear();
            self.is_changed.clear();
            for (call, spec) in self.calls.iter_mut().zip(&self.specs) {
                match call {
                    Call::Accumulated { accumulators, odd } => {
                        *accumulators = Accumulators::new(spec, &self.users);
                        odd.iter_mut().for_each(Odd::clear);
                    }
                    Call::Values(values) => **values = Values::new(spec),
                }
            }
        }
        self.watermark = self.watermark.max(watermarks[0]);
        Ok(self.watermark)
    }

    fn flush(&mut self, out: &mut Output) -> Result<(), RunError> {
        self.give(out)
    }

    fn memory_bytes(&self) -> usize {
        let of_call = |call: &Call| match call {
            Call::Accumulated { accumulators, .. } => accumulators.memory_bytes(),
            Call::Values(values) => values.memory_bytes(),
        };
        self.keyed.memory_bytes()
            + self.given.memory_bytes()
            + self.calls.iter().map(of_call).sum::<usize>()
            + self.rows.capacity() * 8
            + (self.given_at.capacity() + self.changed.capacity()) * 4
            + self.is_changed.capacity()
    }

    fn is_empty(&self) -> bool {
        self.keyed.len() == 0
    }
}
