//! Takes rows back that were added before.

use super::cell::{Cells, to_float, to_int};
use super::sum::{Compensated, IntegerSum};
use super::{Accumulators, Scratch, State, counted};
use crate::primitive::bitmap;
use crate::registers::{Registers, Selection};
use sabot_abi::manifest::AggregateInput;

impl Accumulators {
    /// Takes the selected rows back: only counts, sums and means, whose float values are finite, and the job's own
    /// aggregates that say how.
    pub(crate) fn take_back(
        &mut self,
        input: &AggregateInput,
        groups: &[u32],
        registers: &mut Registers,
        selection: &Selection,
        scratch: &mut Scratch,
    ) {
        if let State::User(_) | State::PartOf = self.state {
            return self.update_user(true, input, groups, registers, selection, &mut scratch.failed);
        }
        let counted = counted(input, registers, selection);
        let count = bitmap::indices(&counted[..bitmap::words_of(selection.rows)], &mut scratch.rows);
        let rows = &scratch.rows[..count];
        let group = |row: u32| groups[row as usize] as usize;
        if let State::Count(counts) = &mut self.state {
            rows.iter().for_each(|row| counts[group(*row)] = counts[group(*row)].wrapping_sub(1));
            return;
        }
        let base = self.spec.args[0].base;
        let cells = Cells::of(input.args[0], registers, selection.rows, &mut scratch.words);
        match &mut self.state {
            State::Integers { sums, .. } => {
                for &row in rows {
                    let entry = &mut sums[group(row)];
                    let value = to_int(base, cells.get(row as usize));
                    *entry = IntegerSum::new(entry.sum().wrapping_sub(value), entry.rows.wrapping_sub(1));
                }
            }
            State::Floats(sums) => {
                for &row in rows {
                    let entry = &mut sums[group(row)];
                    entry.sum.add(-to_float(base, cells.get(row as usize)));
                    entry.rows = entry.rows.wrapping_sub(1);
                    if entry.rows == 0 {
                        entry.sum = Compensated::default();
                    }
                }
            }
            State::Count(_)
            | State::Words { .. }
            | State::Moments { .. }
            | State::Picked(_)
            | State::Distinct { .. }
            | State::DistinctWords(_)
            | State::Elsewhere
            | State::Sketches(_)
            | State::Values(_)
            | State::Quantiles(_)
            | State::Lists { .. }
            | State::User(_)
            | State::PartOf => unreachable!("other functions do not take rows back"),
        }
    }
}
