//! All values of a group, in input order, as one list.

use super::cell::Cell;
use crate::column::Column;
use crate::operator::collect::Order;
use crate::primitive::memory::Str;
use sabot_abi::manifest::{BaseType, ColumnType};

/// The values of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Items {
    /// One after the other.
    bytes: Vec<u8>,
    /// Where each ends, if they are strings.
    ends: Vec<u32>,
    count: usize,
    /// Runs in rising order, each as one more than its number, and the number of values up to its last one.
    runs: Vec<(u32, usize)>,
}

impl Items {
    /// Adds a value that came in a run.
    pub(super) fn push(&mut self, base: BaseType, cell: Cell<'_>, run: u32) {
        match cell {
            Cell::Null => return,
            Cell::Word(word) => {
                let width = base.register_width().unwrap_or(1);
                self.bytes.extend_from_slice(&word.to_le_bytes()[..width]);
            }
            Cell::Wide(value) => self.bytes.extend_from_slice(&value.to_le_bytes()),
            Cell::Bytes(bytes) => {
                self.bytes.extend_from_slice(bytes);
                self.ends.push(self.bytes.len() as u32);
            }
        }
        self.count += 1;
        match self.runs.last_mut() {
            Some((last, count)) if *last == run + 1 => *count = self.count,
            Some(_) | None => self.runs.push((run + 1, self.count)),
        }
    }

    /// The bytes of some values, and where strings among them end.
    fn range(&self, from: usize, to: usize) -> (&[u8], &[u32], usize) {
        if self.ends.is_empty() {
            let width = self.bytes.len() / self.count.max(1);
            return (&self.bytes[from * width..to * width], &[], 0);
        }
        let start = if from == 0 { 0 } else { self.ends[from - 1] as usize };
        let end = if to == 0 { 0 } else { self.ends[to - 1] as usize };
        (&self.bytes[start..end], &self.ends[from..to], start)
    }

    /// Adds the values of another part, run by run in the order of the input. `order` knows the places of our runs and of
    /// theirs, which count from `start` on.
    pub(super) fn merge(&mut self, other: &Self, start: u32, order: impl Fn(u32) -> Order) {
        if other.count == 0 {
            return;
        }
        let own = std::mem::take(self);
        let pieces = |items: &Self, shift: u32| {
            let mut from = 0;
            let piece = |(run, to): &(u32, usize)| (*run + shift, std::mem::replace(&mut from, *to), *to);
            items.runs.iter().map(piece).collect::<Vec<_>>()
        };
        let (ours, theirs) = (pieces(&own, 0), pieces(other, start));
        let mut all: Vec<(bool, (u32, usize, usize))> = ours.into_iter().map(|piece| (false, piece)).collect();
        all.extend(theirs.into_iter().map(|piece| (true, piece)));
        all.sort_by_key(|(_, (run, ..))| order(*run - 1));
        self.bytes.reserve(own.bytes.len() + other.bytes.len());
        for (is_other, (run, from, to)) in all {
            let (bytes, ends, before) = if is_other { other.range(from, to) } else { own.range(from, to) };
            let moved = self.bytes.len();
            self.ends.extend(ends.iter().map(|end| (*end as usize - before + moved) as u32));
            self.bytes.extend_from_slice(bytes);
            self.count += to - from;
            self.runs.push((run, self.count));
        }
    }

    /// The numbers of the runs, to be changed.
    pub(super) fn runs_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.runs.iter_mut().map(|(run, _)| run)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.runs.capacity() * 16 + size_of::<Self>()
    }
}

/// The lists as a column. Their bytes live in `kept`.
pub(super) fn column<'a>(
    (ty, base): (ColumnType, BaseType),
    groups: impl Iterator<Item = &'a Items>,
    kept: &mut Vec<Box<[u8]>>,
) -> Column {
    let mut column = Column::new(ty);
    for items in groups {
        let bytes: Box<[u8]> = if !base.is_str() {
            items.bytes.as_slice().into()
        } else {
            let count = (items.count as u32).to_ne_bytes();
            let ends = items.ends.iter().flat_map(|end| end.to_ne_bytes());
            count.into_iter().chain(ends).chain(items.bytes.iter().copied()).collect()
        };
        column.push_str(Str::new(&bytes));
        kept.push(bytes);
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morsel::Seq;

    #[test]
    fn parts_are_put_together_in_the_order_of_the_input() {
        let mut ours = Items::default();
        let mut theirs = Items::default();
        for (run, text) in [(0, "a"), (0, "bb"), (1, "e")] {
            ours.push(BaseType::String, Cell::Bytes(text.as_bytes()), run);
        }
        for (run, text) in [(0, "ccc"), (0, ""), (1, "ff")] {
            theirs.push(BaseType::String, Cell::Bytes(text.as_bytes()), run);
        }
        let places = [0, 2, 1, 3].map(|number| (0, Seq::at(number)));
        ours.merge(&theirs, 2, |run| places[run as usize]);
        assert_eq!(ours.bytes, b"abbccceff");
        assert_eq!(ours.ends, [1, 3, 6, 6, 7, 9]);
        assert_eq!(ours.runs.iter().map(|(run, _)| *run).collect::<Vec<_>>(), [1, 3, 2, 4]);
        let mut numbers = Items::default();
        numbers.push(BaseType::Int16, Cell::Word(0xffff_ffff_ffff_fffe), 0);
        numbers.push(BaseType::Int16, Cell::Null, 0);
        numbers.push(BaseType::Int16, Cell::Word(7), 0);
        assert_eq!(numbers.bytes, [0xfe, 0xff, 7, 0]);
    }
}
