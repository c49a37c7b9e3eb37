//! The many rows of one key in a span of time, ordered by time: a band of them is found without a look at the others.
//!
//! Sorted runs, each at least twice as long as the next one, and the latest rows as they came. A row that comes in order
//! only lengthens the last run.

use super::time_queue::Timed;
use crate::primitive::hash_table::NONE;

/// Rows that are looked through one by one.
const FRESH: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Ordered {
    runs: Vec<Vec<Timed>>,
    fresh: Vec<Timed>,
}

impl Ordered {
    pub(super) fn push(&mut self, time: i64, row: u32) {
        let last = self.runs.last_mut();
        if let Some(run) =
            last.filter(|run| self.fresh.is_empty() && run.last().is_none_or(|last| *last <= (time, row)))
        {
            run.push((time, row));
            return;
        }
        self.fresh.push((time, row));
        if self.fresh.len() < FRESH {
            return;
        }
        let mut run = std::mem::take(&mut self.fresh);
        run.sort();
        self.merge();
        self.runs.push(run);
        self.merge();
    }

    /// Merges the last runs until each is at least twice as long as the next one; the last may have been lengthened.
    fn merge(&mut self) {
        while let [.., longer, last] = &mut self.runs[..] {
            if longer.len() >= last.len() * 2 {
                break;
            }
            longer.append(last);
            longer.sort();
            self.runs.pop();
        }
    }

    /// The places of a band in a run.
    fn band(run: &[Timed], low: i64, high: i64) -> std::ops::Range<usize> {
        let start = run.partition_point(|(time, _)| *time < low);
        start..start + run[start..].partition_point(|(time, _)| *time <= high)
    }

    /// Whether a row has a time of the band.
    pub(super) fn has(&self, low: i64, high: i64) -> bool {
        let is_in = |(time, _): &Timed| (low..=high).contains(time);
        self.fresh.iter().any(is_in) || self.runs.iter().any(|run| !Self::band(run, low, high).is_empty())
    }

    /// The rows with a time of the band.
    pub(super) fn find(&self, low: i64, high: i64, to: &mut Vec<u32>) {
        for run in &self.runs {
            to.extend(run[Self::band(run, low, high)].iter().map(|(_, row)| *row));
        }
        to.extend(self.fresh.iter().filter(|(time, _)| (low..=high).contains(time)).map(|(_, row)| *row));
    }

    /// Takes the rows with a time of the band out.
    pub(super) fn take(&mut self, low: i64, high: i64, to: &mut Vec<u32>) {
        for run in &mut self.runs {
            let band = Self::band(run, low, high);
            to.extend(run.drain(band).map(|(_, row)| row));
        }
        self.runs.retain(|run| !run.is_empty());
        let taken = self.fresh.extract_if(.., |(time, _)| (low..=high).contains(time));
        to.extend(taken.map(|(_, row)| row));
    }

    /// All rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().flatten().chain(&self.fresh).map(|(_, row)| *row)
    }

    /// Gives rows new numbers, which keep their order; `NONE` takes one out.
    pub(super) fn renumber(&mut self, new: &[u32]) {
        for run in self.runs.iter_mut().chain([&mut self.fresh]) {
            run.iter_mut().for_each(|(_, row)| *row = new[*row as usize]);
            run.retain(|(_, row)| *row != NONE);
        }
        self.runs.retain(|run| !run.is_empty());
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let rows = self.fresh.capacity() + self.runs.iter().map(Vec::capacity).sum::<usize>();
        rows * size_of::<Timed>() + self.runs.capacity() * size_of::<Vec<Timed>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bands_are_the_rows_of_their_times(times in prop::collection::vec(0i64..100, 0..400), low in 0i64..100, width in 0i64..30) {
            let mut ordered = Ordered::default();
            for (row, time) in times.iter().enumerate() {
                ordered.push(*time, row as u32);
            }
            let high = low + width;
            let (mut found, mut taken) = (Vec::new(), Vec::new());
            ordered.find(low, high, &mut found);
            prop_assert_eq!(ordered.has(low, high), !found.is_empty());
            ordered.take(low, high, &mut taken);
            let is_in = |row: &u32| (low..=high).contains(&times[*row as usize]);
            let (inside, mut outside): (Vec<u32>, Vec<u32>) = (0..times.len() as u32).partition(is_in);
            let mut left: Vec<u32> = ordered.iter().collect();
            for rows in [&mut found, &mut taken, &mut left, &mut outside] {
                rows.sort_unstable();
            }
            prop_assert_eq!(&found, &inside);
            prop_assert_eq!(&taken, &inside);
            prop_assert_eq!(left, outside);
        }
    }
}
