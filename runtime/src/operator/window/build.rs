//! A worker's side of a table of windows: finds the slice of each row, and leaves out what is too late.
//!
//! A row is too late for a window once the watermark before it, in its source's partition, has passed the window's end (and
//! the lateness that is allowed): that depends on the input alone. Most chunks lie in one slice, and nothing of them is late:
//! they are added as they are. A row that is late for some of its windows, but not for all, goes into a pane of its own, which
//! only the windows take that still may.

use super::again::Again;
use super::assign::Assign;
use super::side::Side;
use super::table::WindowSpec;
use crate::morsel::Seq;
use crate::operator::accumulate::FailedRow;
use crate::operator::aggregate::{Filler, KeySet, Pane};
use crate::operator::collect::Order;
use crate::primitive::bitmap;
use crate::primitive::memory::Buf;
use crate::primitive::times;
use crate::registers::{Registers, Selection};
use crate::spill::Account;
use crate::watermark::{Clock, NEVER, Unit};
use sabot_abi::manifest::{AggregateInput, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Which rows a pane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PaneKey {
    pub(crate) slice: i64,
    /// The windows of the slice from this end on take the pane.
    pub(crate) from_end: i64,
    /// Those from this end on take it when they fire first; the ones before have fired, and fire again.
    pub(crate) on_time_from: i64,
}

impl PaneKey {
    /// Rows that are late for nothing.
    fn on_time(assign: &Assign, slice: i64) -> Self {
        let first = assign.first_end(slice);
        Self { slice, from_end: first, on_time_from: first }
    }

    /// Whether windows take the row that have fired: they fire again.
    pub(super) fn fires_again(&self) -> bool {
        self.from_end < self.on_time_from
    }
}

/// What a row is, by its slice and the watermark before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Late,
    In(PaneKey),
}

fn place(spec: &WindowSpec, slice: i64, watermark: i64) -> Place {
    let on_time = PaneKey::on_time(&spec.assign, slice);
    if watermark < on_time.from_end {
        return Place::In(on_time);
    }
    let (assign, allowed) = (&spec.assign, spec.allowed_us);
    let last = assign.last_end(slice);
    if watermark >= last.saturating_add(allowed) {
        return Place::Late;
    }
    let after = |watermark: i64| assign.end_from(watermark.saturating_add(1)).clamp(on_time.from_end, last);
    let from_end = after(watermark.saturating_sub(allowed));
    // Behind the last window: it has fired, and takes the row when it fires again.
    let on_time_from = if watermark >= last { i64::MAX } else { after(watermark) };
    Place::In(PaneKey { slice, from_end, on_time_from })
}

/// A worker's way into the table.
#[derive(Debug)]
pub(crate) struct WindowEnd {
    spec: Arc<WindowSpec>,
    clock: Arc<Clock>,
    filler: Filler,
    time: Option<(Reg, Unit)>,
    watermark: Option<Reg>,
    /// The key, what the accumulators take, and the columns of rows that are late.
    reads: Vec<Reg>,
    side: Arc<Mutex<Side>>,
    order: Order,
    accounted: usize,
    /// Which rows of the morsel come next, where the order of rows in several slices matters.
    part: Option<u32>,
    /// The watermark before the morsel.
    morsel_watermark: i64,
    /// The clock, for windows of the machine's time.
    now: i64,
    times: Buf<i64>,
    /// Of the last chunk: the rows that were too late.
    pub(crate) late: Selection,
}

impl WindowEnd {
    pub(crate) fn new(
        (spec, clock): (&Arc<WindowSpec>, &Arc<Clock>),
        side: Arc<Mutex<Side>>,
        time: Option<(Reg, Unit)>,
        watermark: Option<Reg>,
        (keys, inputs, late): (&[Reg], &[AggregateInput], &[Reg]),
    ) -> Self {
        let args = inputs.iter().flat_map(|input| &input.args);
        Self {
            reads: keys.iter().chain(args).chain(late).copied().collect(),
            filler: Filler::new(&spec.groups, keys, inputs),
            spec: Arc::clone(spec),
            clock: Arc::clone(clock),
            time,
            watermark,
            side,
            order: (0, Seq::START),
            accounted: 0,
            part: spec.depends_on_order().then_some(0),
            morsel_watermark: NEVER,
            now: 0,
            times: Buf::zeroed(CHUNK_ROWS),
            late: Selection::all(0),
        }
    }

    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order, watermark: i64) {
        self.order = order;
        self.morsel_watermark = watermark;
        if self.spec.processing_time {
            // Rows that come now are never late.
            self.morsel_watermark = NEVER;
            self.now = self.clock.start(order);
        }
        self.part = self.part.map(|_| 0);
    }

    /// The morsel is through.
    pub(crate) fn end_morsel(&mut self, account: &Account) {
        let bytes = self.side.lock().expect("a worker that panicked ends the job").memory_bytes();
        account.update(&mut self.accounted, bytes);
        if self.spec.processing_time {
            self.clock.end(self.order);
        }
    }

    /// Adds the selected rows of a chunk. Those that are too late are in `late` then.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        let rows = selection.rows;
        self.late = Selection { words: [0; CHUNK_WORDS], rows, count: 0 };
        let plain = self.extent(registers, selection);
        let (least, greatest) = plain.unwrap_or_else(|| self.read_times(registers, selection));
        let slice = self.spec.assign.slice_of(least);
        let side = Arc::clone(&self.side);
        let mut side = side.lock().expect("a worker that panicked ends the job");
        if greatest < self.spec.assign.slice_end(slice) {
            // Watermarks do not fall from row to row.
            let last = last_row(selection);
            let watermark = self.watermark_of(registers, rows, last);
            let key = PaneKey::on_time(&self.spec.assign, slice);
            if watermark < key.from_end {
                self.add_to(&mut side, key, registers, selection);
                return;
            }
        }
        if plain.is_some() {
            self.read_times(registers, selection);
        }
        // Now for all rows: what is made of some would lack the others.
        self.reads.iter().for_each(|reg| registers.materialise(*reg, selection, false));
        for (key, part) in self.split(registers, selection) {
            self.add_to(&mut side, key, registers, &part);
        }
    }

    /// The rows that could not be added since this was asked last, and what each of the calls takes.
    pub(crate) fn take_failed(&mut self) -> (Vec<FailedRow>, &[AggregateInput]) {
        self.filler.take_failed()
    }

    fn add_to(&mut self, side: &mut Side, key: PaneKey, registers: &mut Registers, selection: &Selection) {
        let groups = &self.spec.groups;
        let (pipeline, seq) = self.order;
        let order = (pipeline, seq.part(self.part.unwrap_or(0)));
        self.part = self.part.map(|part| part + 1);
        if key.fires_again() {
            let (mut set, mut pane) = (KeySet::new(groups), Pane::new(groups));
            self.filler.add((&mut set, &mut pane), order, registers, selection);
            side.again.push(Again { order: self.order, key, set, pane });
            return;
        }
        let (set, pane) = side.pane(key, groups, self.spec.assign != Assign::End);
        self.filler.add((set, pane), order, registers, selection);
    }

    /// The least and the greatest time, if they can be had from the register as it is.
    fn extent(&self, registers: &Registers, selection: &Selection) -> Option<(i64, i64)> {
        let (reg, unit) = self.time?;
        let is_plain =
            unit == Unit::Microseconds && selection.is_full() && registers.validity(reg, selection.rows).is_none();
        is_plain.then(|| registers.extent(reg, selection.rows))
    }

    /// Fills `times`; gives the least and the greatest of the selected rows.
    fn read_times(&mut self, registers: &Registers, selection: &Selection) -> (i64, i64) {
        let rows = selection.rows;
        let Some((reg, unit)) = self.time else {
            self.times[..rows].fill(self.now);
            return (self.now, self.now);
        };
        let values = registers.values::<i64>(reg, rows);
        let valid = registers.validity(reg, rows);
        let times = &mut self.times[..rows];
        if unit == Unit::Microseconds {
            times.copy_from_slice(values);
        } else {
            times.iter_mut().zip(values).for_each(|(time, value)| *time = unit.to_us(*value));
        }
        if let Some(valid) = valid {
            // A window's end that is not there comes behind all others.
            bitmap::for_each(selection.used(), |row| {
                if !bitmap::get(valid, row) {
                    times[row] = i64::MAX - 1;
                }
            });
        }
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        if selection.is_full() {
            (least, greatest) = times::extent(times);
        } else {
            bitmap::for_each(selection.used(), |row| {
                least = least.min(times[row]);
                greatest = greatest.max(times[row]);
            });
        }
        (least, greatest)
    }

    fn watermark_of(&self, registers: &Registers, rows: usize, row: usize) -> i64 {
        self.watermark.map_or(self.morsel_watermark, |reg| registers.values::<i64>(reg, rows)[row])
    }

    /// The rows of each pane; where their order matters beyond a pane, since windows are made of several, a pane's rows that
    /// follow each other. Rows for which windows fire again are alone.
    fn split(&mut self, registers: &Registers, selection: &Selection) -> Vec<(PaneKey, Selection)> {
        let (spec, rows) = (&self.spec, selection.rows);
        let watermarks = self.watermark.map(|reg| registers.values::<i64>(reg, rows));
        let mut parts: Vec<(PaneKey, Selection)> = Vec::new();
        let mut numbers: BTreeMap<PaneKey, usize> = BTreeMap::new();
        // Of the last row: its slice, the watermarks up to which it is on time there, and where it went.
        let (mut from, mut to, mut fresh_below, mut at) = (1, 0, NEVER, usize::MAX);
        let keeps_order = self.part.is_some() && spec.assign.shares_slices();
        bitmap::for_each(selection.used(), |row| {
            let time = self.times[row];
            let watermark = watermarks.map_or(self.morsel_watermark, |watermarks| watermarks[row]);
            if time < from || time >= to || watermark >= fresh_below || at == usize::MAX {
                let slice = spec.assign.slice_of(time);
                let Place::In(key) = place(spec, slice, watermark) else {
                    bitmap::set(&mut self.late.words, row);
                    self.late.count += 1;
                    return;
                };
                (from, to) = (slice, spec.assign.slice_end(slice));
                // Rows that are late for some windows are looked at one by one.
                let is_on_time = key == PaneKey::on_time(&spec.assign, slice);
                fresh_below = if is_on_time { key.from_end } else { NEVER };
                let is_last = parts.last().is_some_and(|(last, _)| *last == key);
                let mut new = || {
                    parts.push((key, Selection { words: [0; CHUNK_WORDS], rows, count: 0 }));
                    parts.len() - 1
                };
                if key.fires_again() {
                    at = new();
                } else if !keeps_order {
                    at = *numbers.entry(key).or_insert_with(new);
                } else if !is_last {
                    at = new();
                }
            }
            let part = &mut parts[at].1;
            bitmap::set(&mut part.words, row);
            part.count += 1;
        });
        parts
    }
}

fn last_row(selection: &Selection) -> usize {
    let used = selection.used();
    let word = used.iter().rposition(|word| *word != 0).unwrap_or(0);
    word * 64 + 63 - (used.get(word).map_or(63, |word| word.leading_zeros()) as usize).min(63)
}

#[cfg(test)]
mod tests {
    use super::super::table::test_spec;
    use super::*;

    #[test]
    fn late_for_some_windows_is_in_time_for_the_others() {
        let spec = |allowed| test_spec(Assign::Sliding { slice: 5, size: 10, slide: 5, offset: 0 }, allowed);
        let key = |from_end, on_time_from| Place::In(PaneKey { slice: 0, from_end, on_time_from });
        // The slice [0, 5) is in the windows that end at 5 and at 10.
        for (watermark, expected) in
            [(NEVER, key(5, 5)), (4, key(5, 5)), (5, key(10, 10)), (9, key(10, 10)), (10, Place::Late)]
        {
            assert_eq!(place(&spec(0), 0, watermark), expected, "after {watermark}");
        }
        for (watermark, expected) in [
            (4, key(5, 5)),
            (5, key(5, 10)),
            (6, key(5, 10)),
            (7, key(10, 10)),
            (10, key(10, i64::MAX)),
            (11, key(10, i64::MAX)),
            (12, Place::Late),
        ] {
            assert_eq!(place(&spec(2), 0, watermark), expected, "after {watermark}");
        }
    }

    #[test]
    fn rows_of_windows_that_take_turns_are_added_together() {
        use crate::registers::BatchView;
        use arrow_array::Int64Array;
        use sabot_abi::manifest::{AggregateFunction, AggregateSpec, BaseType, ColumnType};
        let time = ColumnType { base: BaseType::Int64, nullable: false };
        let call = AggregateSpec { function: AggregateFunction::First, args: vec![time], ty: time };
        let groups = crate::operator::aggregate::GroupSpec::new(&[], &[call], &Default::default());
        let parts_of = |assign| {
            let spec = Arc::new(WindowSpec { groups: groups.clone(), ..test_spec(assign, 0) });
            assert!(spec.depends_on_order());
            let inputs = [AggregateInput { args: vec![0], filter: None }];
            let of = (Some((0, Unit::Microseconds)), None);
            let mut end = WindowEnd::new((&spec, &Arc::default()), Arc::default(), of.0, of.1, (&[], &inputs, &[]));
            let fields = crate::spill::fields(&[time]);
            let mut registers = Registers::new(&fields);
            let times = Int64Array::from_iter_values((0..600).map(|row| [10, 20, 30][row % 3]));
            registers.load(&BatchView::new(&[Arc::new(times)], [0].into_iter()), 0, 600);
            let all = Selection::all(600);
            end.read_times(&registers, &all);
            end.split(&registers, &all).len()
        };
        assert_eq!(parts_of(Assign::End), 3);
        assert_eq!(parts_of(Assign::Sliding { slice: 10, size: 10, slide: 10, offset: 0 }), 3);
        assert_eq!(parts_of(Assign::Sliding { slice: 10, size: 20, slide: 10, offset: 0 }), 600);
    }

    #[test]
    fn the_last_selected_row() {
        let mut selection = Selection::all(130);
        assert_eq!(last_row(&selection), 129);
        selection.words[2] = 0;
        selection.words[1] = 0;
        assert_eq!(last_row(&selection), 63);
        selection.words[0] = 1;
        assert_eq!(last_row(&selection), 0);
    }
}
