//! How far event time has come: the greatest time that a source's partition has shown, less its lateness.
//!
//! A source is one partition in input order, whatever its splits, so the watermark before a row is that of all rows before it.
//! Splits are read in parallel all the same: a batch is searched for its greatest time when it is read, and what it means for
//! its rows is known as soon as the splits before it have told theirs.

use crate::operator::collect::Order;
use crate::primitive::times;
use crate::registers::Registers;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use sabot_abi::manifest::{BaseType, Reg};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// Before everything: nothing is known.
pub(crate) const NEVER: i64 = i64::MIN;

/// Behind everything: nothing comes any more.
pub(crate) const END_OF_TIME: i64 = i64::MAX;

/// The farthest event time from 1970, in microseconds: 36,500 years. What windows and joins add to a time stays in its type.
pub(crate) const FARTHEST_US: i64 = 1 << 60;

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// The unit of a column of times; numbers count microseconds.
    pub(crate) fn of(base: BaseType) -> Option<Self> {
        match base {
            BaseType::TimestampMs => Some(Self::Milliseconds),
            BaseType::TimestampUs | BaseType::Int64 => Some(Self::Microseconds),
            BaseType::TimestampNs => Some(Self::Nanoseconds),
            BaseType::Bool
            | BaseType::Int8
            | BaseType::Int16
            | BaseType::Int32
            | BaseType::UInt8
            | BaseType::UInt16
            | BaseType::UInt32
            | BaseType::UInt64
            | BaseType::Float32
            | BaseType::Float64
            | BaseType::String
            | BaseType::Bytes
            | BaseType::Decimal(..)
            | BaseType::Date
            | BaseType::Duration
            | BaseType::List(..) => None,
        }
    }

    /// In microseconds, rounded down.
    #[inline]
    pub(crate) fn to_us(self, value: i64) -> i64 {
        match self {
            Self::Milliseconds => value.saturating_mul(1000),
            Self::Microseconds => value,
            Self::Nanoseconds => value.div_euclid(1000),
        }
    }
}

/// Event time of what a pipeline reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventTime {
    /// Position in the source's fields.
    pub(crate) field: u32,
    /// Position in its batches.
    pub(crate) column: usize,
    pub(crate) unit: Unit,
    pub(crate) lateness_us: i64,
    /// The register that holds it.
    pub(crate) time: Reg,
    /// The register that is to hold the watermark before each row.
    pub(crate) watermark: Option<Reg>,
}

impl EventTime {
    /// The greatest time among these rows of a batch, in microseconds; [`NEVER`] of none.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the manifest's check leaves these")]
    pub(crate) fn greatest(&self, batch: &RecordBatch, first: usize, rows: usize) -> i64 {
        let array = batch.column(self.column);
        let values: &[i64] = match array.data_type() {
            DataType::Timestamp(TimeUnit::Millisecond, _) => array.as_primitive::<TimestampMillisecondType>().values(),
            DataType::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().values(),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive::<TimestampNanosecondType>().values(),
            DataType::Int64 => array.as_primitive::<Int64Type>().values(),
            _ => return NEVER,
        };
        let values = &values[first..first + rows];
        if array.null_count() == 0 && rows > 0 {
            let greatest = self.unit.to_us(times::extent(values).1);
            if !is_too_far(greatest) {
                return greatest;
            }
        }
        let there = (0..rows).filter(|row| array.is_valid(first + row)).map(|row| self.unit.to_us(values[row]));
        there.filter(|time| !is_too_far(*time)).max().unwrap_or(NEVER)
    }

    /// The watermark once this was the greatest time.
    #[inline]
    pub(crate) fn watermark(&self, greatest: i64) -> i64 {
        if greatest == NEVER { NEVER } else { greatest.saturating_sub(self.lateness_us) }
    }

    /// Fills the watermarks of a chunk; gives the greatest time with it.
    pub(crate) fn fill(&self, registers: &mut Registers, rows: usize, greatest: i64) -> i64 {
        registers.running_watermark(self, rows, greatest)
    }
}

/// Whether a row cannot have happened then, for all that is done with event times.
#[inline]
pub(crate) fn is_too_far(time_us: i64) -> bool {
    !(-FARTHEST_US..=FARTHEST_US).contains(&time_us)
}

/// The machine's time, as rows take it: all rows of a morsel have the time at which the work on it began.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Of the morsels that are worked on.
    began: Mutex<BTreeMap<Order, i64>>,
}

impl Clock {
    /// The work on a morsel begins; in microseconds.
    pub(crate) fn start(&self, order: Order) -> i64 {
        let mut began = self.began.lock().expect("a worker that panicked ends the job");
        *began.entry(order).or_insert_with(now_us)
    }

    /// Its rows are where they belong.
    pub(crate) fn end(&self, order: Order) {
        self.began.lock().expect("a worker that panicked ends the job").remove(&order);
    }

    /// No row will have an earlier time.
    pub(crate) fn watermark(&self) -> i64 {
        let began = self.began.lock().expect("a worker that panicked ends the job");
        began.values().copied().min().unwrap_or_else(now_us)
    }
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The greatest times before splits, as far as they are known.
#[derive(Debug)]
pub(crate) struct Prefixes {
    /// The splits before this one have told theirs.
    next: usize,
    greatest: i64,
    /// By split, where the ones before it are known.
    before: BTreeMap<usize, i64>,
    /// Splits that have ended before one that stands before them.
    ended: BTreeMap<usize, i64>,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { next: 0, greatest: NEVER, before: BTreeMap::from([(0, NEVER)]), ended: BTreeMap::new() }
    }
}

impl Prefixes {
    /// The greatest time before a split, if it is known by now; `tell` may know a split's before it is read.
    pub(crate) fn before(&mut self, split: usize, tell: impl Fn(usize) -> Option<i64>) -> Option<i64> {
        while self.next < split {
            let known = self.ended.remove(&self.next).or_else(|| tell(self.next))?;
            self.pass(known);
        }
        self.before.get(&split).copied()
    }

    /// The greatest time of the next split is known.
    fn pass(&mut self, greatest: i64) {
        self.greatest = self.greatest.max(greatest);
        self.next += 1;
        self.before.insert(self.next, self.greatest);
    }

    /// A split was read to its end.
    pub(crate) fn end(&mut self, split: usize, greatest: i64) {
        if split >= self.next {
            self.ended.insert(split, greatest);
        }
    }

    /// Nobody asks for splits before this one any more.
    pub(crate) fn forget(&mut self, split: usize) {
        while self.next < split
            && let Some(known) = self.ended.remove(&self.next)
        {
            self.pass(known);
        }
        let split = split.min(self.next);
        if self.before.first_key_value().is_some_and(|(first, _)| *first < split) {
            self.before = self.before.split_off(&split);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_waits_for_the_ones_before_it() {
        let mut prefixes = Prefixes::default();
        let nobody = |_| None;
        assert_eq!(prefixes.before(0, nobody), Some(NEVER));
        prefixes.end(1, 7);
        assert_eq!(prefixes.before(2, nobody), None);
        prefixes.end(0, 9);
        assert_eq!(prefixes.before(1, nobody), Some(9));
        assert_eq!(prefixes.before(2, nobody), Some(9));
        assert_eq!(prefixes.before(4, |split| Some(split as i64 * 10)), Some(30));
        prefixes.forget(3);
        assert_eq!((prefixes.before(3, nobody), prefixes.before(4, nobody)), (Some(20), Some(30)));
    }

    #[test]
    fn splits_that_nobody_asks_for_are_forgotten() {
        let mut prefixes = Prefixes::default();
        for split in 0..100 {
            prefixes.end(split, 100 - split as i64);
            prefixes.forget(split + 1);
        }
        assert_eq!((prefixes.before.len(), prefixes.ended.len()), (1, 0));
        assert_eq!(prefixes.before(100, |_| None), Some(100));
    }

    #[test]
    fn units_round_down() {
        assert_eq!(Unit::Nanoseconds.to_us(-1), -1);
        assert_eq!(Unit::Nanoseconds.to_us(1999), 1);
        assert_eq!(Unit::Milliseconds.to_us(-3), -3000);
        assert_eq!(Unit::Milliseconds.to_us(i64::MAX), i64::MAX);
    }
}
