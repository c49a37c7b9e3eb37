//! Functions of dates, times and JSON: calls into the runtime, but for those that are written out.

use super::{Scalar, ScalarCx};
use crate::CodegenError;
use crate::column::Class;
use crate::lower::expand::expand;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_ir::expr::Expr;
use sabot_ir::value::ValueFunction;

/// `function(args)`.
pub(super) fn call(
    cx: &mut ScalarCx<'_, '_>,
    function: ValueFunction,
    args: &[Expr],
    expr: &Expr,
) -> Result<Scalar, CodegenError> {
    if let Some(expanded) = expand(function, args, expr.span, false) {
        return cx.lower(&expanded);
    }
    let called = runtime_function(function)
        .ok_or_else(|| CodegenError::internal("a function is neither written out nor the runtime's"))?;
    let mut words = Vec::new();
    for arg in args {
        let value = cx.lower(arg)?;
        cx.words(value, Class::of(&arg.ty), &mut words);
    }
    cx.fx.note(|| function.name().to_owned());
    Ok(cx.call_with_result(called, &words, &expr.ty, expr.span))
}

impl ScalarCx<'_, '_> {
    /// A value as the words that a function of the runtime takes.
    pub(super) fn words(&mut self, value: Scalar, class: Class, words: &mut Vec<Value>) {
        match class {
            Class::Decimal => {
                let (low, high) = self.fx.builder.ins().isplit(value.value);
                words.extend([low, high]);
            }
            Class::Int { bits: 8 | 16 | 32, signed: true } => {
                words.push(self.fx.builder.ins().sextend(types::I64, value.value));
            }
            Class::Int { bits: 8 | 16 | 32, signed: false } => {
                words.push(self.fx.builder.ins().uextend(types::I64, value.value));
            }
            Class::Int { .. } | Class::Unit | Class::Bool | Class::F32 | Class::F64 | Class::Str | Class::List(_) => {
                words.push(value.value);
                words.extend(value.len);
            }
        }
    }
}

fn runtime_function(function: ValueFunction) -> Option<RuntimeFunction> {
    Some(match function {
        ValueFunction::DecimalNew => RuntimeFunction::DecimalNew,
        ValueFunction::DecimalFromF64 => RuntimeFunction::DecimalFromF64,
        ValueFunction::DecimalToF64 => RuntimeFunction::DecimalToF64,
        ValueFunction::DecimalToI64 => RuntimeFunction::DecimalToI64,
        ValueFunction::DecimalRound => RuntimeFunction::DecimalRound,
        ValueFunction::DecimalTrunc => RuntimeFunction::DecimalTrunc,
        ValueFunction::DecimalFract => RuntimeFunction::DecimalFract,
        ValueFunction::DecimalFloor => RuntimeFunction::DecimalFloor,
        ValueFunction::DecimalCeil => RuntimeFunction::DecimalCeil,
        ValueFunction::DecimalText => RuntimeFunction::DecimalText,
        ValueFunction::DecimalFormatted => RuntimeFunction::DecimalFormatted,
        ValueFunction::DecimalParse => RuntimeFunction::DecimalParse,
        ValueFunction::DateFromYmd => RuntimeFunction::DateFromYmd,
        ValueFunction::DateDayOfYear => RuntimeFunction::DateDayOfYear,
        ValueFunction::DateIsoWeek => RuntimeFunction::DateIsoWeek,
        ValueFunction::DateIsoYear => RuntimeFunction::DateIsoYear,
        ValueFunction::DateIsLeapYear => RuntimeFunction::DateIsLeapYear,
        ValueFunction::DateAddDays => RuntimeFunction::DateAddDays,
        ValueFunction::DateAddMonths => RuntimeFunction::DateAddMonths,
        ValueFunction::DateTrunc => RuntimeFunction::DateTrunc,
        ValueFunction::DateFormat => RuntimeFunction::DateFormat,
        ValueFunction::DateText => RuntimeFunction::DateText,
        ValueFunction::DateParse => RuntimeFunction::DateParse,
        ValueFunction::TimeAddMonths => RuntimeFunction::TimeAddMonths,
        ValueFunction::TimeTrunc => RuntimeFunction::TimeTrunc,
        ValueFunction::TimeFloorTo => RuntimeFunction::TimeFloorTo,
        ValueFunction::TimeFormat => RuntimeFunction::TimeFormat,
        ValueFunction::TimeText => RuntimeFunction::TimeText,
        ValueFunction::TimeParse => RuntimeFunction::TimeParse,
        ValueFunction::DurationText => RuntimeFunction::DurationText,
        ValueFunction::DurationParse => RuntimeFunction::DurationParse,
        ValueFunction::JsonGet => RuntimeFunction::JsonGet,
        ValueFunction::JsonGetI64 => RuntimeFunction::JsonGetI64,
        ValueFunction::JsonGetF64 => RuntimeFunction::JsonGetF64,
        ValueFunction::JsonGetBool => RuntimeFunction::JsonGetBool,
        ValueFunction::DateYear
        | ValueFunction::DateQuarter
        | ValueFunction::DateMonth
        | ValueFunction::DateDay
        | ValueFunction::DateWeekday
        | ValueFunction::DateAtMidnight
        | ValueFunction::TimeDate
        | ValueFunction::TimeHour
        | ValueFunction::TimeMinute
        | ValueFunction::TimeSecond
        | ValueFunction::TimeMillisecond
        | ValueFunction::TimeMicrosecond
        | ValueFunction::DurationAbs => return None,
    })
}
