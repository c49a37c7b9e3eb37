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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::stream::testing::{Driver, Stream, Texts, check, optional, sorted, ty};
    use proptest::prelude::*;
    use sabot_abi::manifest::{BaseType, ColumnType};
    use sabot_abi::stream::StreamOperator;
    use std::collections::BTreeSet;

    fn spec(keys: &[ColumnType]) -> StreamSpec {
        let inputs = [vec![optional(BaseType::String), ty(BaseType::Int64)]];
        StreamSpec::new("first", keys, &inputs, &StreamOperator::First).expect("it is sound")
    }

    #[test]
    fn the_first_row_of_each_key_comes_at_once() {
        check(
            &spec(&[optional(BaseType::String), ty(BaseType::Float64)]),
            r#"> 0 a 0 x 1
               < "x" 1
               > 0 a -0 y 2
               > 0 None NaN None 3
               < None 3
               > 0 None NaN z 4
               > 0 a NaN z 5
               < "z" 5
               > watermark 10
               > 0 a NaN z 6"#,
        );
    }

    proptest! {
        #[test]
        fn calls_of_any_size_give_the_first_rows(seed: u64, rows in 0usize..300, keys in 1u64..300, size in 1usize..50) {
            let stream = Stream::new(seed, 1, rows, keys, 0, true);
            let mut driver = Driver::new(&spec(&[optional(BaseType::Int64)]));
            let texts: Vec<Texts> = stream.events.iter().map(|event| {
                let key = event.key.map_or("None".to_owned(), |key| key.to_string());
                vec![key.clone(), key, event.number.to_string()]
            }).collect();
            let given: Vec<String> = texts.chunks(size).flat_map(|texts| driver.rows(0, texts)).collect();
            let mut seen = BTreeSet::new();
            let first = texts.iter().filter(|text| seen.insert(text[0].clone()));
            let shown = |text: &Texts| {
                format!("{} {}", if text[1] == "None" { "None".to_owned() } else { format!("{:?}", text[1]) }, text[2])
            };
            prop_assert_eq!(sorted(given), sorted(first.map(shown).collect()));
            prop_assert!(driver.end().is_empty());
        }
    }
}
