//! Makes rows of the items of lists: the rows of one row stand where it stood, in the order of the items.
//!
//! The lists lie in registers, as bytes; their items are written to other registers, as many chunks as it takes.

use crate::primitive::bitmap;
use crate::primitive::memory::Str;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::list::{item_width, unpack};
use sabot_abi::manifest::Reg;

/// Where a flat map is in its lists.
#[derive(Debug)]
pub(crate) struct FlatMap {
    /// The rows that have items, and how many.
    rows: Vec<(u32, u32)>,
    /// The row that comes next, by its place in `rows`, and the item.
    next: (usize, u32),
}

/// Items of one row that belong to a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) row: u32,
    pub(crate) first: u32,
    pub(crate) items: u32,
}

impl FlatMap {
    /// The items of the selected rows' lists, which are made readable.
    pub(crate) fn new(registers: &mut Registers, lists: &[Reg], selection: &Selection) -> Self {
        for list in lists {
            registers.materialise(*list, selection, false);
        }
        let mut rows = Vec::with_capacity(selection.count);
        if let Some(first) = lists.first() {
            let width = registers.ty(*first).base.item().and_then(item_width);
            let strs = registers.values::<Str>(*first, selection.rows);
            bitmap::for_each(selection.used(), |row| {
                let bytes = strs[row].bytes();
                let items = width.map_or_else(|| unpack(bytes).len(), |width| bytes.len() / width);
                if items > 0 {
                    rows.push((row as u32, items as u32));
                }
            });
        }
        Self { rows, next: (0, 0) }
    }

    /// Makes the next items the chunk; how many there are.
    pub(crate) fn next_chunk(
        &mut self,
        registers: &mut Registers,
        (lists, items, carry): (&[Reg], &[Reg], &[Reg]),
    ) -> usize {
        let runs = self.next_runs();
        let rows = runs.iter().map(|run| run.items as usize).sum();
        if rows > 0 {
            registers.expand(lists, items, carry, &runs);
        }
        rows
    }

    fn next_runs(&mut self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut room = CHUNK_ROWS as u32;
        while room > 0 {
            let (at, first) = self.next;
            let Some((row, items)) = self.rows.get(at).copied() else { break };
            let taken = (items - first).min(room);
            runs.push(Run { row, first, items: taken });
            room -= taken;
            self.next = if first + taken == items { (at + 1, 0) } else { (at, first + taken) };
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_go_on_in_the_next_chunk() {
        let mut expansion = FlatMap { rows: vec![(3, 2), (7, 5000), (8, 1)], next: (0, 0) };
        let run = |row, first, items| Run { row, first, items };
        assert_eq!(expansion.next_runs(), [run(3, 0, 2), run(7, 0, 2046)]);
        assert_eq!(expansion.next_runs(), [run(7, 2046, 2048)]);
        assert_eq!(expansion.next_runs(), [run(7, 4094, 906), run(8, 0, 1)]);
        assert_eq!(expansion.next_runs(), []);
    }
}
