//! Functions of strings, characters and bytes: std's.

use crate::value::Value;
use sabot_abi::ROW_BYTES;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::text::TextFunction;

/// A function of the table.
pub(crate) fn call(function: TextFunction, args: &[Value]) -> Result<Value, RowErrorCode> {
    let text = |at: usize| match args.get(at) {
        Some(Value::String(text)) => text.as_str(),
        other => unreachable!("argument {at} of {function:?} is {other:?}"),
    };
    let made = |text: String| {
        if text.len() as u64 > ROW_BYTES { Err(RowErrorCode::TooLarge) } else { Ok(Value::String(text)) }
    };
    match function {
        TextFunction::Concat => made(text(0).to_owned() + text(1)),
    }
}
