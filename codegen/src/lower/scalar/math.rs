//! The language's library functions: integers and floats here, strings and options in their files.
//!
//! What the machine has no instruction for (`exp`, `powf`, …) is std's, called in the runtime.

mod float;
mod integer;

use super::{Scalar, ScalarCx, decimal, list, option, string, text, value};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::InstBuilder as _;
pub(crate) use float::{min_max_condition, round_bias};
use sabot_abi::function::RuntimeFunction;
use sabot_ir::expr::{Expr, Function};
use sabot_ir::math::FastFunction;

/// `function(args)`, all arguments evaluated from left to right.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is told apart by the type of its first argument")]
pub(super) fn call(
    cx: &mut ScalarCx<'_, '_>,
    function: Function,
    args: &[Expr],
    expr: &Expr,
) -> Result<Scalar, CodegenError> {
    if let Function::List(function) = function {
        return list::call(cx, function, args, expr);
    }
    let Some(first) = args.first() else {
        return Err(CodegenError::internal("a function without arguments"));
    };
    if let (Function::UnwrapOr, [option, default]) = (function, args) {
        return option::unwrap_or(cx, option, default);
    }
    if let Function::Value(function) = function {
        return value::call(cx, function, args, expr);
    }
    let values = args.iter().map(|arg| cx.lower(arg)).collect::<Result<Vec<_>, _>>()?;
    cx.fx.note(|| format!("{function:?} of {}", first.ty));
    match function {
        Function::Fast(function) => {
            let args: Vec<_> = values.iter().map(|value| value.value).collect();
            return Ok(Scalar::plain(cx.fx.call(fast_function(function), &args)));
        }
        Function::Text(function) => return Ok(text::call(cx, function, &values, expr)),
        Function::Parse => return text::parse(cx, values[0], expr),
        Function::Append => return text::append(cx, args, &values, expr),
        _ => {}
    }
    let value = match Class::of(&first.ty) {
        Class::Int { bits, signed } => integer::call(cx, function, bits, signed, &values, args, expr),
        class @ (Class::F32 | Class::F64) => float::call(cx, function, class, &values, expr),
        Class::Str => strings(cx, function, &values),
        Class::Bool => match (function, values.as_slice()) {
            (Function::Min, [a, b]) => Some(Scalar::plain(cx.fx.builder.ins().band(a.value, b.value))),
            (Function::Max, [a, b]) => Some(Scalar::plain(cx.fx.builder.ins().bor(a.value, b.value))),
            _ => None,
        },
        Class::Decimal => decimal::call(cx, function, &values, expr),
        Class::Unit | Class::List(_) => None,
    };
    value.ok_or_else(|| CodegenError::unsupported(&format!("`{function:?}` of `{}`", first.ty), expr.span))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "strings have few functions")]
fn strings(cx: &mut ScalarCx<'_, '_>, function: Function, values: &[Scalar]) -> Option<Scalar> {
    let called = match function {
        Function::Len => return Some(string::len(values[0])),
        Function::IsEmpty => return Some(string::is_empty(cx, values[0])),
        Function::Min | Function::Max => {
            return Some(string::min_max(cx, function == Function::Min, values[0], *values.get(1)?));
        }
        Function::StartsWith => RuntimeFunction::StrStartsWith,
        Function::EndsWith => RuntimeFunction::StrEndsWith,
        Function::Contains => RuntimeFunction::StrContains,
        _ => return None,
    };
    Some(Scalar::plain(string::predicate(cx, called, values[0], *values.get(1)?)))
}

/// What computes a function of one `f64`, or of two, in the runtime.
pub(crate) fn runtime_function(function: Function) -> Option<RuntimeFunction> {
    if let Function::Fast(function) = function {
        return Some(fast_function(function));
    }
    float::runtime_function(function).map(|(_, of_f64)| of_f64)
}

fn fast_function(function: FastFunction) -> RuntimeFunction {
    match function {
        FastFunction::Exp => RuntimeFunction::FastExp,
        FastFunction::Exp2 => RuntimeFunction::FastExp2,
        FastFunction::ExpM1 => RuntimeFunction::FastExpM1,
        FastFunction::Ln => RuntimeFunction::FastLn,
        FastFunction::Ln1p => RuntimeFunction::FastLn1p,
        FastFunction::Log2 => RuntimeFunction::FastLog2,
        FastFunction::Log10 => RuntimeFunction::FastLog10,
        FastFunction::Sin => RuntimeFunction::FastSin,
        FastFunction::Cos => RuntimeFunction::FastCos,
        FastFunction::Tan => RuntimeFunction::FastTan,
        FastFunction::Sinh => RuntimeFunction::FastSinh,
        FastFunction::Cosh => RuntimeFunction::FastCosh,
        FastFunction::Tanh => RuntimeFunction::FastTanh,
        FastFunction::Pow => RuntimeFunction::FastPow,
    }
}
