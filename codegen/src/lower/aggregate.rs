//! Updates the accumulators of an aggregate without keys, inside the kernel that computes what goes in.
//!
//! Float sums are compensated: a running sum and the sum of what rounding took from it. Integer sums have 128 bits. `min`
//! and `max` of floats ignore NaN unless there is nothing else. Nulls, and rows that the call's own filter leaves out, do
//! not go in.

pub(crate) mod scalar;
pub(crate) mod vector;

use crate::column::Class;
use crate::function::{FunctionCx, memory};
use crate::kernel::FusedCall;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_abi::kernel::Accumulator;
use sabot_ir::plan::AggregateFunction;
use std::mem::{offset_of, size_of};

/// Whether a call can be part of a fused kernel.
pub(crate) fn is_fusible(call: &FusedCall) -> bool {
    let class = call.arg.as_ref().map(|(_, ty)| Class::of(ty));
    match call.function {
        AggregateFunction::Count => class.is_none_or(|class| class.lanes().is_some()),
        AggregateFunction::Sum | AggregateFunction::Avg => {
            matches!(class, Some(Class::Int { .. } | Class::F32 | Class::F64))
        }
        AggregateFunction::Min | AggregateFunction::Max => matches!(class, Some(Class::Int { .. } | Class::F64)),
        AggregateFunction::First
        | AggregateFunction::Last
        | AggregateFunction::ArgMin
        | AggregateFunction::ArgMax
        | AggregateFunction::CountDistinct
        | AggregateFunction::ApproxCountDistinct
        | AggregateFunction::Variance
        | AggregateFunction::Stddev
        | AggregateFunction::Median
        | AggregateFunction::Percentile(_)
        | AggregateFunction::ApproxPercentile(_)
        | AggregateFunction::Collect
        | AggregateFunction::User(_) => false,
    }
}

/// Offset of a word of `Accumulator::sum`.
fn sum_offset(position: usize, word: usize) -> i32 {
    offset(size_of::<Accumulator>() * position + offset_of!(Accumulator, sum) + 8 * word)
}

/// Offset of `Accumulator::count`.
fn count_offset(position: usize) -> i32 {
    offset(size_of::<Accumulator>() * position + offset_of!(Accumulator, count))
}

fn offset(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("an aggregate has few calls")
}

/// `a + b` rounded, and what rounding took away.
fn two_sum(fx: &mut FunctionCx<'_>, a: Value, b: Value) -> (Value, Value) {
    let sum = fx.builder.ins().fadd(a, b);
    let b_part = fx.builder.ins().fsub(sum, a);
    let a_part = fx.builder.ins().fsub(sum, b_part);
    let b_rest = fx.builder.ins().fsub(b, b_part);
    let a_rest = fx.builder.ins().fsub(a, a_part);
    let error = fx.builder.ins().fadd(a_rest, b_rest);
    (sum, error)
}

/// Adds a sum and its compensation to a float accumulator.
fn add_float(fx: &mut FunctionCx<'_>, accumulators: Value, position: usize, sum: Value, compensation: Option<Value>) {
    let (sum_at, rest_at) = (sum_offset(position, 0), sum_offset(position, 1));
    let old = fx.builder.ins().load(types::F64, memory(), accumulators, sum_at);
    let old_rest = fx.builder.ins().load(types::F64, memory(), accumulators, rest_at);
    let (new, error) = two_sum(fx, old, sum);
    let mut rest = fx.builder.ins().fadd(old_rest, error);
    if let Some(compensation) = compensation {
        rest = fx.builder.ins().fadd(rest, compensation);
    }
    fx.builder.ins().store(memory(), new, accumulators, sum_at);
    fx.builder.ins().store(memory(), rest, accumulators, rest_at);
}

/// Adds a 128-bit integer to an accumulator.
fn add_integer(fx: &mut FunctionCx<'_>, accumulators: Value, position: usize, value: Value) {
    let (low_at, high_at) = (sum_offset(position, 0), sum_offset(position, 1));
    let low = fx.builder.ins().load(types::I64, memory(), accumulators, low_at);
    let high = fx.builder.ins().load(types::I64, memory(), accumulators, high_at);
    let old = fx.builder.ins().iconcat(low, high);
    let new = fx.builder.ins().iadd(old, value);
    let (low, high) = fx.builder.ins().isplit(new);
    fx.builder.ins().store(memory(), low, accumulators, low_at);
    fx.builder.ins().store(memory(), high, accumulators, high_at);
}

/// Adds to the number of rows that went in.
fn add_count(fx: &mut FunctionCx<'_>, accumulators: Value, position: usize, rows: Value) {
    let at = count_offset(position);
    let old = fx.builder.ins().load(types::I64, memory(), accumulators, at);
    let new = fx.builder.ins().iadd(old, rows);
    fx.builder.ins().store(memory(), new, accumulators, at);
}

/// Whether a candidate (a number; floats may be NaN) replaces the least or greatest value so far.
fn is_better(fx: &mut FunctionCx<'_>, class: Class, is_min: bool, candidate: Value, best: Value) -> Value {
    use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
    let (less, than) = if is_min { (candidate, best) } else { (best, candidate) };
    match class {
        Class::F32 | Class::F64 => fx.builder.ins().fcmp(FloatCC::LessThan, less, than),
        Class::Int { bits: 64, signed: false } => fx.builder.ins().icmp(IntCC::UnsignedLessThan, less, than),
        Class::Int { .. } | Class::Bool | Class::Unit | Class::Str | Class::List(_) | Class::Decimal => {
            fx.builder.ins().icmp(IntCC::SignedLessThan, less, than)
        }
    }
}

/// Takes the least or greatest value (64 bits wide) into an accumulator that has seen `old_count` rows before.
fn merge_best(fx: &mut FunctionCx<'_>, accumulators: Value, position: usize, class: Class, is_min: bool, value: Value) {
    use cranelift_codegen::ir::condcodes::FloatCC;
    let at = sum_offset(position, 0);
    let ty = fx.type_of(value);
    let count = fx.builder.ins().load(types::I64, memory(), accumulators, count_offset(position));
    let old = fx.builder.ins().load(ty, memory(), accumulators, at);
    let better = is_better(fx, class, is_min, value, old);
    let first = fx.is_zero(count);
    let mut take = fx.builder.ins().bor(better, first);
    if class.is_float() {
        let only_nan = fx.builder.ins().fcmp(FloatCC::Unordered, old, old);
        take = fx.builder.ins().bor(take, only_nan);
    }
    let new = fx.select(take, value, old);
    fx.builder.ins().store(memory(), new, accumulators, at);
}
