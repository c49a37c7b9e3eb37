//! Windows of so many rows of a key, as they come: given with the last of them; what is left at the end, key by key.

use super::keyed::KeyedWindows;
use crate::column::Values;
use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::accumulate::{self, Accumulators, FailedRow, Refused, Scratch};
use crate::operator::collect::Rows;
use crate::operator::stream::keyed::Keyed;
use crate::operator::stream::{Output, Place, StreamState};
use crate::primitive::hash_table::NONE;
use crate::registers::{AcrossThreads, Registers, Selection};
use crate::spill::fields;
use crate::watermark::END_OF_TIME;
use sabot_abi::CHUNK_ROWS;
use std::sync::Arc;

/// Fewer groups of a partition are not looked through for those that were given.
const LEAST_GROUPS: usize = if cfg!(debug_assertions) { 64 } else { 1 << 12 };

/// The state.
pub(super) struct Counted {
    windows: Arc<KeyedWindows>,
    size: u64,
    keyed: Keyed,
    /// By key: the group that is filled, and its rows.
    open: Vec<(u32, u64)>,
    /// Groups so far; each is one window.
    groups: usize,
    accumulators: Vec<Accumulators>,
    registers: Option<AcrossThreads<Registers>>,
    numbers: Vec<u32>,
    scratch: Scratch,
    watermark: i64,
}

impl Counted {
    pub(super) fn new(windows: &Arc<KeyedWindows>, size: u64) -> Self {
        let groups = &windows.groups;
        Self {
            size,
            keyed: Keyed::new(&windows.layout, &groups.keys, true),
            open: Vec::new(),
            groups: 0,
            accumulators: groups.accumulators(),
            registers: None,
            numbers: Vec::new(),
            scratch: Scratch::default(),
            watermark: i64::MIN,
            windows: Arc::clone(windows),
        }
    }

    /// Gives groups of keys, in this order, each with the place of the row that completed it.
    fn give(&mut self, keys: &[u32], groups: &[u32], place: impl Fn(u32) -> Place, out: &mut Output) {
        let mut refused = Refused::default();
        let mut columns = self.keyed.columns(keys);
        let count = columns.len();
        let of_groups = groups.iter().map(|group| *group as usize);
        columns.extend(accumulate::columns(&mut self.accumulators, of_groups, &mut refused));
        let is_refused = |row: &u32| refused.contains(groups[*row as usize]);
        let (left_out, kept): (Vec<u32>, Vec<u32>) = (0..groups.len() as u32).partition(is_refused);
        let show = |row: &u32| columns[..count].iter().map(|column| column.show(*row as usize)).collect();
        let groups = left_out.iter().map(|row| refused.with_key(groups[*row as usize], show(row)));
        out.refused.extend(groups);
        for (to, from) in out.rows.columns.iter_mut().zip(&columns) {
            to.extend_rows(from, &kept);
        }
        out.places.extend(kept.iter().map(|row| place(*row)));
        out.added(kept.len());
    }

    /// Forgets the windows that were given, and the keys without one, if there are more of them than others.
    fn compact(&mut self) {
        let living = self.open.iter().filter(|(_, rows)| *rows > 0).count();
        if self.groups.max(self.keyed.len()) < (living * 2).max(LEAST_GROUPS) {
            return;
        }
        let mut map = vec![NONE; self.groups];
        let mut kept = Vec::new();
        let mut open = Vec::new();
        for (key, (group, rows)) in self.open.iter().enumerate().filter(|(_, (_, rows))| *rows > 0) {
            map[*group as usize] = kept.len() as u32;
            open.push((kept.len() as u32, *rows));
            kept.push(key as u32);
        }
        self.keyed.keep(&kept);
        self.open = open;
        self.groups = kept.len();
        for (accumulators, mut fresh) in self.accumulators.iter_mut().zip(self.windows.groups.accumulators()) {
            fresh.resize(kept.len());
            fresh.merge(accumulators, &map, &[], &[super::sessions::SOME_ORDER]);
            *accumulators = fresh;
        }
    }
}

impl StreamState for Counted {
    fn rows(&mut self, _: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError> {
        let mut numbers = std::mem::take(&mut self.numbers);
        self.keyed.number(rows, &mut numbers);
        self.open.resize(self.keyed.len(), (0, 0));
        let (mut keys, mut complete, mut last_rows) = (Vec::new(), Vec::new(), Vec::new());
        let keys_of_rows = numbers.clone();
        for (row, number) in numbers.iter_mut().enumerate() {
            let key = *number;
            let (group, count) = &mut self.open[key as usize];
            if *count == 0 {
                *group = self.groups as u32;
                self.groups += 1;
            }
            *number = *group;
            *count += 1;
            if *count == self.size {
                *count = 0;
                keys.push(key);
                complete.push(*group);
                last_rows.push(row);
            }
        }
        let windows = Arc::clone(&self.windows);
        let shape = windows.known_shape();
        let new = || AcrossThreads(Registers::new(&fields(&shape.types)));
        let registers = self.registers.get_or_insert_with(new).get();
        for (first, numbers) in (0..rows.rows).step_by(CHUNK_ROWS).zip(numbers.chunks(CHUNK_ROWS)) {
            registers.load_rows((0..).zip(&rows.columns), first, numbers.len());
            let selection = Selection::all(numbers.len());
            for (accumulators, input) in self.accumulators.iter_mut().zip(&shape.inputs) {
                accumulators.resize(self.groups);
                accumulators.update(input, numbers, registers, &selection, &mut self.scratch, 0);
            }
            let key = |row: &FailedRow| keys_of_rows[first + row.row as usize];
            let failed = std::mem::take(&mut self.scratch.failed);
            out.refuse_rows(&failed, |row| self.keyed.columns(&[key(row)]));
        }
        self.numbers = numbers;
        let place = shape.place.expect("rows of such windows come with their places");
        let Values::Eight(places) = &rows.columns[place].values else { unreachable!("places take eight bytes") };
        let order = rows.order();
        self.give(&keys, &complete, |window| (order, places[last_rows[window as usize]]), out);
        self.compact();
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError> {
        self.watermark = self.watermark.max(watermarks[0]);
        if self.watermark == END_OF_TIME {
            let open = std::mem::take(&mut self.open);
            let left: Vec<u32> = (0..open.len() as u32).filter(|key| open[*key as usize].1 > 0).collect();
            let groups: Vec<u32> = left.iter().map(|key| open[*key as usize].0).collect();
            // They come behind all others, and are put in the order of their keys where all partitions are known.
            self.give(&left, &groups, |_| ((u32::MAX, Seq::END), u64::MAX), out);
        }
        Ok(self.watermark)
    }

    fn flush(&mut self, _: &mut Output) -> Result<(), RunError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let accumulators = self.accumulators.iter().map(Accumulators::memory_bytes).sum::<usize>();
        self.keyed.memory_bytes() + accumulators + self.open.capacity() * size_of::<(u32, u64)>()
    }

    fn is_empty(&self) -> bool {
        self.open.iter().all(|(_, rows)| *rows == 0)
    }
}
