//! Cells of a join: the rows of both sides with one key, of one span of time.

use super::Join;
use super::side::Side;
use crate::operator::stream::ordered::Ordered;
use crate::primitive::hash_table::NONE;

/// Rows of one side of a cell from which on they are ordered by time.
pub(super) const MANY: u32 = if cfg!(test) { 4 } else { 64 };

/// Rows of one side of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) rows: u32,
    /// Where there are many: which of [`Join::ordered`].
    pub(super) ordered: u32,
}

pub(super) const NO_ROWS: List = List { first: NONE, last: NONE, rows: 0, ordered: NONE };

/// Rows of a key, of one span of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Number of the span; the end of the window; 0.
    pub(super) span: i64,
    pub(super) lists: [List; 2],
    /// The cell of the same key before this one.
    pub(super) older: u32,
}

/// Puts a row behind the last one.
#[inline]
pub(super) fn link(list: &mut List, next: &mut [u32], row: u32) {
    next[row as usize] = NONE;
    if list.last == NONE {
        list.first = row
    } else {
        next[list.last as usize] = row
    }
    list.last = row;
    list.rows += 1;
}

impl Join {
    /// The rows of the other side of a cell that a row of this side meets: of a semi join one right row is enough, and left
    /// rows leave with their first match.
    pub(super) fn find(&mut self, side: usize, cell: u32, (low, high): (i64, i64), found: &mut Vec<u32>) {
        let other = 1 - side;
        let is_left_only = self.is_left_only();
        let list = &mut self.cells[cell as usize].lists[other];
        let is_one_enough = is_left_only && side == 0;
        let is_taken_out = is_left_only && side == 1;
        if is_one_enough && !found.is_empty() {
            return;
        }
        if list.ordered != NONE {
            let ordered = &mut self.ordered[list.ordered as usize];
            if is_taken_out {
                let before = found.len();
                ordered.take(low, high, found);
                list.rows -= (found.len() - before) as u32;
            } else if !is_one_enough {
                ordered.find(low, high, found);
            } else if ordered.has(low, high) {
                found.push(0);
            }
            return;
        }
        let Side { time, next, .. } = &mut self.sides[other];
        let mut row = list.first;
        if is_taken_out {
            *list = NO_ROWS;
        }
        while row != NONE {
            let after = next[row as usize];
            if (low..=high).contains(&time[row as usize]) {
                found.push(row);
                if is_one_enough {
                    return;
                }
            } else if is_taken_out {
                link(list, next, row);
            }
            row = after;
        }
    }

    /// A cell for a span of a key, behind the one that is newer.
    pub(super) fn add_cell(&mut self, key: u32, newer: u32, span: i64) -> u32 {
        let number = self.cells.len() as u32;
        let before = if newer == NONE {
            std::mem::replace(&mut self.latest[key as usize], number)
        } else {
            std::mem::replace(&mut self.cells[newer as usize].older, number)
        };
        self.cells.push(Cell { span, lists: [NO_ROWS; 2], older: before });
        number
    }

    /// Puts a row behind the last one of its side of a cell, or where its time is, if there are many.
    pub(super) fn link_in_time(&mut self, side: usize, cell: u32, row: u32) {
        let list = &mut self.cells[cell as usize].lists[side];
        let Side { time, next, .. } = &mut self.sides[side];
        if list.ordered != NONE {
            self.ordered[list.ordered as usize].push(time[row as usize], row);
            list.rows += 1;
            return;
        }
        link(list, next, row);
        if list.rows < MANY {
            return;
        }
        let mut ordered = Ordered::default();
        let mut each = list.first;
        while each != NONE {
            ordered.push(time[each as usize], each);
            each = next[each as usize];
        }
        *list = List { rows: list.rows, ordered: self.ordered.len() as u32, ..NO_ROWS };
        self.ordered.push(ordered);
    }
}
