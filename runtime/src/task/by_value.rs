//! Kernels that read nothing but a string, called for the values of a dictionary instead of for rows.
//!
//! What a kernel computes depends on nothing but its inputs, and so a value needs to be looked at once. If a value is a row
//! error, which perhaps no row has, the kernel goes over rows as ever.

use super::Worker;
use crate::kernel;
use crate::registers::{Selection, Way};
use crate::scheduler::KernelCall;
use sabot_abi::CHUNK_WORDS;

impl<'a> Worker<'a> {
    /// Whether the results of the selected rows were looked up.
    pub(super) fn call_by_value(&mut self, call: &'a KernelCall<'a>, selection: &mut Selection) -> bool {
        loop {
            let mut values = match self.registers.by_value(call.kernel, selection) {
                Way::Rows => return false,
                Way::Done => return true,
                Way::Compute(values) => values,
            };
            loop {
                let rows = self.registers.bind_values(&mut values);
                if rows == 0 {
                    break;
                }
                let mut out = [0u64; CHUNK_WORDS];
                let all = Selection::all(rows);
                let chunk = self.chunk(rows, 0, &all.words, &mut out, std::ptr::null_mut());
                let is_done = kernel::call(call.plain, &mut self.context, &chunk) == 0;
                self.registers.keep_values(&mut values, is_done.then_some(out));
                if !is_done {
                    break;
                }
            }
            self.registers.finish_values(values);
        }
    }
}
