//! The first row of each key, given at once.
//!
//! All that is kept is the keys: a row of a key that gets a new number is its first.

use super::keyed::Keyed;
use super::{Output, StreamSpec, StreamState};
use crate::error::RunError;
use crate::operator::collect::Rows;

/// The state.
pub(super) struct First {
    keyed: Keyed,
    first_column: usize,
    numbers: Vec<u32>,
    /// Rows that are given.
    given: Vec<u32>,
}

impl First {
    pub(super) fn new(spec: &StreamSpec) -> Self {
        Self {
            keyed: Keyed::new(&spec.layout, &spec.keys, true),
            first_column: spec.first_column(),
            numbers: Vec::new(),
            given: Vec::new(),
        }
    }
}

impl StreamState for First {
    fn rows(&mut self, _: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError> {
        let mut known = self.keyed.len() as u32;
        self.keyed.number(rows, &mut self.numbers);
        self.given.clear();
        for (row, key) in (0u32..).zip(&self.numbers) {
            if *key == known {
                known += 1;
                self.given.push(row);
            }
        }
        for (to, from) in out.rows.columns.iter_mut().zip(&rows.columns[self.first_column..]) {
            to.extend_rows(from, &self.given);
        }
        out.added(self.given.len());
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], _: &mut Output) -> Result<i64, RunError> {
        if watermarks[0] == i64::MAX {
            self.keyed.keep(&[]);
        }
        Ok(watermarks[0])
    }

    fn flush(&mut self, _: &mut Output) -> Result<(), RunError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.keyed.memory_bytes() + (self.numbers.capacity() + self.given.capacity()) * 4
    }

    fn is_empty(&self) -> bool {
        self.keyed.len() == 0
    }
}
