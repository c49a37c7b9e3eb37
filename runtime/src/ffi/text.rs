//! Functions of strings: what std's give. A string that a function makes lies in the worker's
//! [`ValueArena`](super::ValueArena).
//!
//! Their status says whether there is a value, and `Context::result` which.

use super::bytes;
use crate::primitive::value_arena::{self, TooLarge};
use sabot_abi::function::STATUS_OK;
use sabot_abi::kernel::{Context, RowErrorCode, StrRef};

/// A function's way of saying what came out.
fn give(context: &mut Context, value: Result<StrRef, TooLarge>) -> i64 {
    match value {
        Ok(value) => {
            context.result[..2].copy_from_slice(&[value.data as u64, value.len]);
            STATUS_OK
        }
        Err(TooLarge) => RowErrorCode::TooLarge as i64,
    }
}

pub(super) extern "C" fn str_concat(cx: &mut Context, a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> i64 {
    let (arena, row) = value_arena::of(cx);
    let value = arena.append(row, StrRef { data: a, len: a_len as u64 }, bytes(&b, b_len));
    give(cx, value)
}
