//! A worker's way into windows of a key's own rows: rows are parted by key group, with their time, the watermark before them and, where it
//! is asked for, their place in the input.

use super::keyed::KeyedWindows;
use crate::column::{Column, Values};
use crate::morsel::Seq;
use crate::operator::collect::{Order, Rows};
use crate::operator::stream::Feed;
use crate::registers::{Registers, Selection};
use crate::watermark::{Clock, NEVER, Unit};
use sabot_abi::manifest::Reg;
use std::sync::Arc;

/// Rows of one worker on their way to the states.
#[derive(Debug)]
pub(crate) struct KeptEnd {
    feed: Feed,
    /// The columns of the time and of the watermark, and the unit of the first.
    time: usize,
    watermark: usize,
    unit: Unit,
    /// That of the place in the morsel.
    place: Option<usize>,
    order: Order,
    /// The watermark before the morsel.
    morsel_watermark: i64,
    /// For windows of the machine's time.
    clock: Option<Arc<Clock>>,
    now: i64,
}

impl KeptEnd {
    pub(super) fn new(windows: &KeyedWindows, time: Option<(Reg, Unit)>, watermark: Option<Reg>) -> Self {
        let shape = windows.known_shape();
        let time = time.filter(|_| !windows.processing_time);
        let watermark = watermark.filter(|_| !windows.processing_time);
        let keys = shape.regs[..windows.groups.keys.len()].to_vec();
        // The registers fill the first columns: those of time and watermark are behind, and are filled when the morsel ends if they have none.
        let times = time.map(|(reg, _)| reg).into_iter();
        let regs = shape.regs.iter().copied().chain(times.flat_map(|time| std::iter::once(time).chain(watermark)));
        Self {
            feed: Feed::of_columns((&windows.layout, &keys), true, regs.collect(), shape.types.clone(), shape.place),
            time: shape.time,
            watermark: shape.watermark,
            unit: time.map_or(Unit::Microseconds, |(_, unit)| unit),
            place: shape.place,
            order: (0, Seq::START),
            morsel_watermark: NEVER,
            clock: windows.processing_time.then(|| Arc::clone(&windows.clock)),
            now: 0,
        }
    }

    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order, watermark: i64) {
        self.order = order;
        self.morsel_watermark = watermark;
        if let Some(clock) = &self.clock {
            self.morsel_watermark = NEVER;
            self.now = clock.start(order);
        }
        self.feed.start(order);
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        self.feed.add(registers, selection);
    }

    /// The rows of the morsel, by partition; `end` tells the ends of a pipeline apart.
    pub(crate) fn take(&mut self, end: usize) -> Vec<(usize, Rows)> {
        let mut piece = self.feed.take();
        if let (Some(clock), true) = (&self.clock, piece.is_empty()) {
            clock.end(self.order);
        }
        for (_, rows) in &mut piece {
            if let (true, Values::Eight(times)) = (self.unit != Unit::Microseconds, &mut rows.columns[self.time].values)
            {
                times.iter_mut().for_each(|time| *time = self.unit.to_us(*time as i64) as u64);
            }
            fill(&mut rows.columns[self.time], rows.rows, self.now);
            fill(&mut rows.columns[self.watermark], rows.rows, self.morsel_watermark);
            // Several ends of a fork take rows of one morsel, one after the other.
            if let Some(place) = self.place
                && let Values::Eight(places) = &mut rows.columns[place].values
            {
                places.iter_mut().for_each(|place| *place += (end as u64) << 32);
            }
        }
        piece
    }
}

/// Makes a column that long with one value.
fn fill(column: &mut Column, rows: usize, value: i64) {
    let missing = rows - column.len();
    if missing > 0 {
        let first = column.grow(missing);
        if let Values::Eight(values) = &mut column.values {
            values[first..].fill(value as u64);
        }
    }
}
