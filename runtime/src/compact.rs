//! When to move the selected rows together before a kernel.
//!
//! A vector kernel computes every row of the chunk, selected or not. Where few are left and a row is dear, it pays to
//! compress its inputs first, and everything behind it has shorter chunks, too. Measured: below three quarters.

use crate::registers::Selection;
use sabot_abi::manifest::Kernel;

/// Tenths of a nanosecond that moving one row of one register costs.
const MOVE_COST: usize = 4;

/// Whether to compress `carried` registers before this kernel.
pub(crate) fn pays(kernel: &Kernel, carried: usize, selection: &Selection) -> bool {
    let (rows, count) = (selection.rows, selection.count);
    if !kernel.vector || count * 4 >= rows * 3 {
        return false;
    }
    (rows - count) * kernel.cost as usize > carried * (count + rows / 8) * MOVE_COST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(vector: bool, cost: u32, carried: usize, count: usize) -> bool {
        let kernel = Kernel {
            plain: 0,
            nullable: 0,
            replay: None,
            vector,
            filter: false,
            cost,
            inputs: vec![],
            outputs: vec![],
            spans: vec![],
            messages: vec![],
        };
        let mut selection = Selection::all(2048);
        selection.count = count;
        pays(&kernel, carried, &selection)
    }

    #[test]
    fn only_dear_vector_kernels_over_few_rows_are_worth_it() {
        assert!(decide(true, 60, 3, 1000));
        assert!(decide(true, 20, 3, 20));
        assert!(!decide(true, 60, 3, 1900), "most rows are selected");
        assert!(!decide(true, 3, 4, 1300), "a cheap kernel");
        assert!(!decide(false, 500, 1, 20), "it visits selected rows only");
    }
}
