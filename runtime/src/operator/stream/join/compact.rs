//! Takes the dead rows of a join out, when there are more of them than living ones.

use super::cell::{Cell, NO_ROWS};
use super::side::{Fate, Side};
use super::{Join, LEAST_DEAD};
use crate::operator::stream::gather::renumber;
use crate::primitive::hash_table::NONE;

impl Join {
    /// Moves the living rows together, if there are more dead ones.
    pub(super) fn compact(&mut self) {
        let is_over = |side: &Side| side.living.is_empty() && side.waiting.is_empty();
        let rows: usize = self.sides.iter().map(|side| side.stored.rows).sum();
        let dead: usize = self.sides.iter().map(|side| side.dead).sum();
        if rows > 0 && self.sides.iter().all(is_over) {
            self.forget();
        } else if dead > LEAST_DEAD && dead > rows / 2 {
            self.keep_living();
        }
    }

    /// Nothing lives.
    fn forget(&mut self) {
        for side in &mut self.sides {
            side.stored.keep(&[]);
            side.time = Vec::new();
            side.next = Vec::new();
            side.fate = Vec::new();
            side.dead = 0;
        }
        self.keyed.keep(&[]);
        self.cells = Vec::new();
        self.latest = Vec::new();
        self.ordered = Vec::new();
        self.numbers = Vec::new();
    }

    pub(super) fn keep_living(&mut self) {
        let mut stays = [0, 1].map(|side| vec![false; self.sides[side].stored.rows]);
        let mut keys = Vec::new();
        let mut cells: Vec<Cell> = Vec::new();
        let mut latest = Vec::new();
        let mut ordered = Vec::new();
        for key in 0..self.keyed.len() {
            let first = cells.len();
            let mut cell = if self.latest.is_empty() { key as u32 } else { self.latest[key] };
            while cell != NONE {
                let Cell { span, mut lists, older } = self.cells[cell as usize];
                cell = older;
                for (side, list) in lists.iter_mut().enumerate() {
                    if span < self.sides[side].dead_below || list.rows == 0 {
                        *list = NO_ROWS;
                    } else if list.ordered != NONE {
                        let rows = std::mem::take(&mut self.ordered[list.ordered as usize]);
                        rows.iter().for_each(|row| stays[side][row as usize] = true);
                        list.ordered = ordered.len() as u32;
                        ordered.push((side, rows));
                    } else {
                        let mut row = list.first;
                        while row != NONE {
                            stays[side][row as usize] = true;
                            row = self.sides[side].next[row as usize];
                        }
                    }
                }
                if lists.iter().any(|list| list.rows > 0) {
                    let number = cells.len() as u32;
                    if let Some(newer) = cells[first..].last_mut() {
                        newer.older = number;
                    }
                    cells.push(Cell { span, lists, older: NONE });
                }
            }
            if cells.len() > first {
                keys.push(key as u32);
                latest.push(first as u32);
            }
        }
        let mut new = [Vec::new(), Vec::new()];
        for ((side, stays), new) in self.sides.iter_mut().zip(&mut stays).zip(&mut new) {
            let waits = |row: u32| side.fate[row as usize] == Fate::Waits;
            side.waiting.iter().filter(|(_, row)| waits(*row)).for_each(|(_, row)| stays[row as usize] = true);
            let kept;
            (*new, kept) = renumber(stays);
            side.keep(new, &kept);
        }
        let renumbered = |side: usize, row: u32| if row == NONE { NONE } else { new[side][row as usize] };
        for cell in &mut cells {
            for (side, list) in cell.lists.iter_mut().enumerate() {
                list.first = renumbered(side, list.first);
                list.last = renumbered(side, list.last);
            }
        }
        self.ordered = ordered
            .into_iter()
            .map(|(side, mut rows)| {
                rows.renumber(&new[side]);
                rows
            })
            .collect();
        self.keyed.keep(&keys);
        self.cells = cells;
        if !self.latest.is_empty() {
            self.latest = latest;
        }
    }
}
