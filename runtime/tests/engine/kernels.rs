//! Kernels in Rust, as generated code would be: `i64` columns, plain and with nulls.

use sabot_abi::kernel::{Chunk, Context, RowError, RowErrorCode};

/// Row `row` of an input of `i64`.
///
/// # Safety
/// The input is one.
unsafe fn int(chunk: &Chunk, input: usize, row: usize) -> i64 {
    // SAFETY: the caller's.
    unsafe { *(*chunk.inputs.add(input)).values.cast::<i64>().add(row) }
}

unsafe fn is_valid(chunk: &Chunk, input: usize, row: usize) -> bool {
    // SAFETY: nullable entries have a bitmap.
    unsafe { *(*chunk.inputs.add(input)).validity.add(row / 64) >> (row % 64) & 1 != 0 }
}

unsafe fn is_selected(chunk: &Chunk, row: usize) -> bool {
    // SAFETY: a chunk has a selection.
    unsafe { *chunk.selection.add(row / 64) >> (row % 64) & 1 != 0 }
}

/// Keeps rows whose input is even; null is not.
pub(crate) unsafe extern "C" fn keep_even(_context: *mut Context, chunk: *const Chunk) -> i64 {
    // SAFETY: called with one input of i64.
    unsafe {
        let chunk = &*chunk;
        for word in 0..32 {
            let mut bits = 0;
            for row in word * 64..(word * 64 + 64).min((chunk.rows as usize).next_multiple_of(64)) {
                bits |= u64::from(int(chunk, 0, row) % 2 == 0) << (row % 64);
            }
            *chunk.selection_out.add(word) = *chunk.selection.add(word) & bits;
        }
    }
    0
}

/// As `keep_even`, where the input may be null.
pub(crate) unsafe extern "C" fn keep_even_nullable(context: *mut Context, chunk: *const Chunk) -> i64 {
    // SAFETY: called with one input of i64 and its nulls.
    unsafe {
        keep_even(context, chunk);
        let chunk = &*chunk;
        for word in 0..chunk.rows.div_ceil(64) as usize {
            *chunk.selection_out.add(word) &= *(*chunk.inputs).validity.add(word);
        }
    }
    0
}

/// `output = input * input`, wrong if it overflows; says so as soon as any row, selected or not, is above 1000.
pub(crate) unsafe extern "C" fn square(_context: *mut Context, chunk: *const Chunk) -> i64 {
    let mut alarm = false;
    // SAFETY: called with one input and one output of i64.
    unsafe {
        let chunk = &*chunk;
        let output = (*chunk.outputs).values.cast::<i64>();
        for row in 0..(chunk.rows as usize).next_multiple_of(64) {
            let value = int(chunk, 0, row);
            *output.add(row) = value.wrapping_mul(value);
            alarm |= value > 1000 && row < chunk.rows as usize;
        }
    }
    i64::from(alarm)
}

/// The same, row by row: rows above 10000 fail.
pub(crate) unsafe extern "C" fn square_replay(context: *mut Context, chunk: *const Chunk) -> i64 {
    // SAFETY: as above; nobody else has the context.
    unsafe {
        let chunk = &*chunk;
        let output = (*chunk.outputs).values.cast::<i64>();
        for row in chunk.first_row as usize..chunk.rows as usize {
            if !is_selected(chunk, row) || !is_valid(chunk, 0, row) {
                continue;
            }
            let value = int(chunk, 0, row);
            if value > 10_000 {
                (*context).error =
                    RowError { code: RowErrorCode::MulOverflow as u32, span: 0, reserved: 0, row: row as u64 };
                return 1;
            }
            *output.add(row) = value * value;
        }
    }
    0
}

/// Counts the selected rows and sums their input: accumulators 0 and 1.
pub(crate) unsafe extern "C" fn count_and_sum(_context: *mut Context, chunk: *const Chunk) -> i64 {
    // SAFETY: called with one input of i64 and two accumulators.
    unsafe {
        let chunk = &*chunk;
        let (count, sum) = (&mut *chunk.accumulators, &mut *chunk.accumulators.add(1));
        let mut total = (u128::from(sum.sum[0]) | u128::from(sum.sum[1]) << 64) as i128;
        for row in 0..chunk.rows as usize {
            if is_selected(chunk, row) {
                count.count += 1;
                sum.count += 1;
                total += i128::from(int(chunk, 0, row));
            }
        }
        sum.sum = [total as u64, (total >> 64) as u64];
    }
    0
}
