//! Rows that wait for event time, given back in the order of (time, row number).
//!
//! Rows come nearly in order of time. They are kept in sorted runs, each at least twice as long as the next one: a row is
//! merged a few times at most, and what is taken out is the beginnings of a few runs.

use crate::primitive::hash_table::NONE;

/// A time and the number of a row.
pub(super) type Timed = (i64, u32);

/// The queue.
#[derive(Debug, Default)]
pub(super) struct TimeQueue {
    /// As they came.
    fresh: Vec<Timed>,
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    rows: Vec<Timed>,
    /// Those before it are gone.
    next: usize,
}

impl Run {
    fn left(&self) -> &[Timed] {
        &self.rows[self.next..]
    }
}

impl TimeQueue {
    pub(super) fn push(&mut self, time: i64, row: u32) {
        self.fresh.push((time, row));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.runs.is_empty()
    }

    /// Takes out the rows with a time below the limit; with the greatest limit all of them.
    pub(super) fn take_below(&mut self, limit: i64) -> Vec<Timed> {
        self.settle();
        let is_below = |(time, _): &Timed| *time < limit || limit == i64::MAX;
        let mut taken = Vec::new();
        for run in &mut self.runs {
            let count = run.left().partition_point(is_below);
            taken.extend_from_slice(&run.left()[..count]);
            run.next += count;
        }
        self.runs.retain(|run| run.next < run.rows.len());
        if !taken.is_sorted() {
            // A stable sort finds the runs and merges them.
            taken.sort();
        }
        taken
    }

    /// Makes a run of what has come.
    fn settle(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut rows = std::mem::take(&mut self.fresh);
        if !rows.is_sorted() {
            rows.sort();
        }
        self.runs.push(Run { rows, next: 0 });
        while let [.., longer, last] = &mut self.runs[..] {
            if longer.left().len() >= last.left().len() * 2 {
                break;
            }
            let mut rows = longer.left().to_vec();
            rows.extend_from_slice(last.left());
            rows.sort();
            *longer = Run { rows, next: 0 };
            self.runs.pop();
        }
    }

    /// All rows, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = Timed> + '_ {
        self.runs.iter().flat_map(Run::left).chain(&self.fresh).copied()
    }

    /// Gives rows new numbers, which keep their order; `NONE` takes one out.
    pub(super) fn renumber(&mut self, new: &[u32]) {
        let renumber = |rows: &mut Vec<Timed>| {
            rows.iter_mut().for_each(|(_, row)| *row = new[*row as usize]);
            rows.retain(|(_, row)| *row != NONE);
            rows.shrink_to_fit();
        };
        renumber(&mut self.fresh);
        for run in &mut self.runs {
            run.rows.drain(..run.next);
            run.next = 0;
            renumber(&mut run.rows);
        }
        self.runs.retain(|run| !run.rows.is_empty());
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let rows = self.fresh.capacity() + self.runs.iter().map(|run| run.rows.capacity()).sum::<usize>();
        rows * size_of::<Timed>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_out_in_order_of_time(times in prop::collection::vec(0i64..1000, 0..300), step in 1usize..40) {
            let mut queue = TimeQueue::default();
            let mut model: Vec<Timed> = Vec::new();
            for (number, chunk) in times.chunks(step).enumerate() {
                for time in chunk {
                    let row = model.len() as u32 + 1000 * number as u32;
                    queue.push(*time, row);
                    model.push((*time, row));
                }
                model.sort();
                let limit = chunk[0];
                let count = model.partition_point(|(time, _)| *time < limit);
                prop_assert_eq!(queue.take_below(limit), model.drain(..count).collect::<Vec<_>>());
            }
            prop_assert_eq!(queue.take_below(i64::MAX), model);
            prop_assert!(queue.is_empty());
        }
    }
}
