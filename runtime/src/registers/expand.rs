//! Items of lists as registers of their own.
//!
//! Part of the fence of [`super`], whose rules hold here.

use super::{EMPTY, Registers};
use crate::operator::flat_map::Run;
use crate::primitive::memory::Str;
use sabot_abi::list::{item_width, unpack};
use sabot_abi::manifest::{BaseType, Reg};

impl Registers {
    /// Makes these items of rows of the chunk the new chunk, beside each what `carry` has of its row. The lists lie in memory that
    /// stays as long as the chunk.
    pub(crate) fn expand(&mut self, lists: &[Reg], items: &[Reg], carry: &[Reg], runs: &[Run]) {
        let rows: usize = runs.iter().map(|run| run.items as usize).sum();
        let last = runs.iter().map(|run| run.row as usize + 1).max().unwrap_or(0);
        let mut from_rows = Vec::with_capacity(rows);
        for run in runs {
            from_rows.extend(std::iter::repeat_n(run.row, run.items as usize));
        }
        for (list, item) in lists.iter().zip(items) {
            let lists: Vec<Str> = self.values::<Str>(*list, last).to_vec();
            let base = self.ty(*item).base;
            let mut slot = EMPTY;
            slot.values = match item_width(base) {
                None => {
                    let to = self.new_values::<Str>(rows);
                    let found = runs.iter().flat_map(|run| {
                        let all = unpack(lists[run.row as usize].bytes());
                        all.skip(run.first as usize).take(run.items as usize)
                    });
                    for (to, bytes) in to.iter_mut().zip(found) {
                        *to = Str::new(bytes);
                    }
                    to.as_ptr().cast()
                }
                Some(_) if base == BaseType::Bool => {
                    let found = runs.iter().flat_map(|run| {
                        let bytes = lists[run.row as usize].bytes();
                        bytes[run.first as usize..][..run.items as usize].iter().copied()
                    });
                    self.bits_of(found.collect::<Vec<u8>>().into_iter())
                }
                Some(width) => {
                    let to = self.new_values::<u8>(rows * width);
                    let mut at = 0;
                    for run in runs {
                        let bytes = lists[run.row as usize].bytes();
                        let bytes = &bytes[run.first as usize * width..][..run.items as usize * width];
                        to[at..at + bytes.len()].copy_from_slice(bytes);
                        at += bytes.len();
                    }
                    to.as_ptr()
                }
            };
            self.slots[*item as usize] = slot;
        }
        self.gather(carry, &from_rows);
    }
}
