//! The rows of one key in order, also if they are very many: blocks of some hundred rows, so that a row comes and goes without the
//! others being moved.

use super::rank::Ranked;

/// Rows of a block, at most.
const MOST_ROWS: usize = if cfg!(test) { 4 } else { 512 };

/// Rows in an order that who adds them knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    /// Mostly all of them; empty only if there are none.
    first: Vec<Ranked>,
    /// Those behind them; none is empty.
    more: Vec<Vec<Ranked>>,
    /// Rows for which there is memory.
    room: usize,
}

/// A place between rows: a block, and rows of it that are before the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    block: usize,
    at: usize,
}

impl Blocks {
    fn block(&self, number: usize) -> &Vec<Ranked> {
        if number == 0 { &self.first } else { &self.more[number - 1] }
    }

    fn block_mut(&mut self, number: usize) -> &mut Vec<Ranked> {
        if number == 0 { &mut self.first } else { &mut self.more[number - 1] }
    }

    fn blocks(&self) -> impl Iterator<Item = &Vec<Ranked>> {
        std::iter::once(&self.first).chain(&self.more)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// All rows in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ranked> {
        self.blocks().flatten()
    }

    /// All rows in order, to be given other numbers.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Ranked> {
        self.first.iter_mut().chain(self.more.iter_mut().flatten())
    }

    /// The place behind all rows for which `is_before` says so: they are the first ones.
    pub(super) fn place(&self, is_before: impl Fn(&Ranked) -> bool) -> Place {
        // Mostly a row is the last one.
        let last = self.more.last().unwrap_or(&self.first);
        if last.last().is_none_or(&is_before) {
            return Place { block: self.more.len(), at: last.len() };
        }
        let block = match self.first.last() {
            Some(row) if is_before(row) => 1 + self.more.partition_point(|rows| rows.last().is_some_and(&is_before)),
            Some(_) | None => 0,
        };
        Place { block, at: self.block(block).partition_point(is_before) }
    }

    /// Whether fewer than so many rows are before a place.
    pub(super) fn is_among(&self, place: Place, limit: usize) -> bool {
        let mut before = place.at;
        for rows in self.blocks().take(place.block) {
            if before >= limit {
                return false;
            }
            before += rows.len();
        }
        before < limit
    }

    /// Rows from a place on.
    pub(super) fn from(&self, place: Place) -> impl Iterator<Item = (Place, &Ranked)> {
        let blocks = self.blocks().enumerate().skip(place.block);
        blocks.flat_map(move |(block, rows)| {
            let start = if block == place.block { place.at } else { 0 };
            rows.iter().enumerate().skip(start).map(move |(at, row)| (Place { block, at }, row))
        })
    }

    pub(super) fn insert(&mut self, place: Place, row: Ranked) {
        let rows = self.block_mut(place.block);
        let before = rows.capacity();
        rows.insert(place.at, row);
        let mut now = rows.capacity();
        if rows.len() > MOST_ROWS {
            let behind = rows.split_off(MOST_ROWS / 2);
            now += behind.capacity();
            self.more.insert(place.block, behind);
        }
        self.room = self.room + now - before;
    }

    pub(super) fn remove(&mut self, place: Place) {
        let rows = self.block_mut(place.block);
        rows.remove(place.at);
        if !rows.is_empty() {
            return;
        }
        let gone = match place.block {
            0 if self.more.is_empty() => return,
            0 => {
                let second = self.more.remove(0);
                std::mem::replace(&mut self.first, second)
            }
            block => self.more.remove(block - 1),
        };
        self.room -= gone.capacity();
    }

    /// Forgets all rows but the first so many.
    pub(super) fn truncate(&mut self, limit: usize) {
        let mut rest = limit;
        for (number, rows) in std::iter::once(&mut self.first).chain(&mut self.more).enumerate() {
            if rows.len() >= rest {
                rows.truncate(rest);
                let left = if rest == 0 { number.saturating_sub(1) } else { number };
                self.room -= self.more.drain(left..).map(|rows| rows.capacity()).sum::<usize>();
                return;
            }
            rest -= rows.len();
        }
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.room * size_of::<Ranked>() + self.more.capacity() * size_of::<Vec<Ranked>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(blocks: &Blocks, expected: &[u32]) {
        assert!(blocks.iter().map(|row| row.row).eq(expected.iter().copied()));
        assert_eq!(blocks.is_empty(), expected.is_empty());
        assert!(blocks.more.iter().all(|rows| !rows.is_empty()));
        assert_eq!(blocks.room, blocks.blocks().map(Vec::capacity).sum::<usize>());
        for row in [0, 7, 50, 100] {
            let place = blocks.place(|other| other.row < row);
            let before = expected.partition_point(|other| *other < row);
            assert!(blocks.from(place).map(|(_, row)| row.row).eq(expected[before..].iter().copied()));
            for limit in [0, 1, 5, 30] {
                assert_eq!(blocks.is_among(place, limit), before < limit);
            }
        }
    }

    proptest! {
        #[test]
        fn blocks_are_one_list(changes in prop::collection::vec((0u32..100, 0u8..8), 0..300)) {
            let (mut blocks, mut expected) = (Blocks::default(), Vec::new());
            for (row, what) in changes {
                let place = blocks.place(|other| other.row < row);
                let at = expected.partition_point(|other| *other < row);
                match what {
                    0..5 => {
                        blocks.insert(place, Ranked::of_row(row));
                        expected.insert(at, row);
                    }
                    5..7 => {
                        let found = blocks.from(place).next().filter(|(_, other)| other.row == row).map(|(place, _)| place);
                        prop_assert_eq!(found.is_some(), expected.get(at) == Some(&row));
                        if let Some(place) = found {
                            blocks.remove(place);
                            expected.remove(at);
                        }
                    }
                    _ => {
                        let limit = (row as usize * 2).max(expected.len() / 2);
                        blocks.truncate(limit);
                        expected.truncate(limit);
                    }
                }
                check(&blocks, &expected);
            }
        }
    }
}
