//! One row into the accumulators.

use super::{add_count, add_float, add_integer, merge_best};
use crate::CodegenError;
use crate::column::Class;
use crate::kernel::FusedCall;
use crate::lower::scalar::ScalarCx;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_ir::plan::AggregateFunction;

/// Takes the row that is computed into the accumulators of the calls.
pub(crate) fn update(cx: &mut ScalarCx<'_, '_>, calls: &[FusedCall], accumulators: Value) -> Result<(), CodegenError> {
    for (position, call) in calls.iter().enumerate() {
        cx.fx.note(|| call.function.name().to_owned());
        let arg = match &call.arg {
            Some((register, ty)) => Some((cx.column(*register)?, Class::of(ty))),
            None => None,
        };
        let mut counts = arg.and_then(|(value, _)| value.valid);
        if let Some(filter) = call.filter {
            let keeps = cx.column(filter)?.value;
            counts = Some(counts.map_or(keeps, |valid| cx.fx.builder.ins().band(valid, keeps)));
        }
        let next = counts.map(|counts| {
            let (take, next) = (cx.fx.builder.create_block(), cx.fx.builder.create_block());
            cx.fx.builder.ins().brif(counts, take, &[], next, &[]);
            cx.fx.builder.switch_to_block(take);
            next
        });
        if let Some((value, class)) = arg {
            take(cx, call.function, accumulators, position, value.value, class);
        }
        let one = cx.fx.int(types::I64, 1);
        add_count(cx.fx, accumulators, position, one);
        if let Some(next) = next {
            cx.fx.builder.ins().jump(next, &[]);
            cx.fx.builder.switch_to_block(next);
        }
    }
    Ok(())
}

fn take(
    cx: &mut ScalarCx<'_, '_>,
    function: AggregateFunction,
    accumulators: Value,
    position: usize,
    value: Value,
    class: Class,
) {
    let fx = &mut *cx.fx;
    match function {
        AggregateFunction::Sum | AggregateFunction::Avg => match class {
            Class::F32 => {
                let wide = fx.builder.ins().fpromote(types::F64, value);
                add_float(fx, accumulators, position, wide, None);
            }
            Class::F64 => add_float(fx, accumulators, position, value, None),
            Class::Int { signed: true, .. } => {
                let wide = fx.builder.ins().sextend(types::I128, value);
                add_integer(fx, accumulators, position, wide);
            }
            Class::Int { signed: false, .. }
            | Class::Unit
            | Class::Bool
            | Class::Str
            | Class::List(_)
            | Class::Decimal => {
                let wide = fx.builder.ins().uextend(types::I128, value);
                add_integer(fx, accumulators, position, wide);
            }
        },
        AggregateFunction::Min | AggregateFunction::Max => {
            let wide = match class {
                Class::Int { bits: 64, .. } | Class::F64 => value,
                Class::Int { signed: true, .. } => fx.builder.ins().sextend(types::I64, value),
                Class::F32 => fx.builder.ins().fpromote(types::F64, value),
                Class::Int { signed: false, .. }
                | Class::Unit
                | Class::Bool
                | Class::Str
                | Class::List(_)
                | Class::Decimal => fx.builder.ins().uextend(types::I64, value),
            };
            merge_best(fx, accumulators, position, class, function == AggregateFunction::Min, wide);
        }
        AggregateFunction::Count
        | AggregateFunction::First
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
        | AggregateFunction::User(_) => {}
    }
}
