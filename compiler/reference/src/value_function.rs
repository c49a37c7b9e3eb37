//! Decimals, dates and times, JSON: what `sabot-library` gives.

use crate::value::Value;
use sabot_abi::ROW_BYTES;
use sabot_abi::format::{self, FormatSpec};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{BinaryOp, Function};
use sabot_ir::math::FastFunction;
use sabot_ir::value::ValueFunction;
use sabot_library::{
    Date, Decimal, Duration, Timestamp, Unit, json_get, json_get_bool, json_get_f64, json_get_i64, math,
};

/// The arguments of a function, each as what the table says it is.
struct Args<'a>(&'a [Value]);

impl Args<'_> {
    fn int(&self, at: usize) -> i128 {
        self.0[at].as_int().expect("the checker gives an integer")
    }

    fn i64(&self, at: usize) -> i64 {
        i64::try_from(self.int(at)).expect("in the range of its type")
    }

    fn i32(&self, at: usize) -> i32 {
        i32::try_from(self.int(at)).expect("in the range of its type")
    }

    fn u32(&self, at: usize) -> u32 {
        u32::try_from(self.int(at)).expect("in the range of its type")
    }

    fn text(&self, at: usize) -> &str {
        match &self.0[at] {
            Value::String(text) => text,
            other @ (Value::Null
            | Value::Unit
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float32(_)
            | Value::Float64(_)
            | Value::Bytes(_)
            | Value::List(_)) => unreachable!("{other:?} is no string"),
        }
    }

    fn decimal(&self, at: usize) -> Decimal {
        decimal(self.int(at))
    }

    fn date(&self) -> Date {
        Date::from_days(self.i32(0))
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.i64(0))
    }

    fn duration(&self, at: usize) -> Duration {
        Duration::from_micros(self.i64(at))
    }

    fn unit(&self) -> Unit {
        Unit::from_index(self.u32(1) as usize).expect("the checker writes the number of a unit")
    }
}

fn decimal(unscaled: i128) -> Decimal {
    Decimal::from_unscaled(unscaled).expect("values of the type have 38 digits")
}

fn maybe<T>(value: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, make)
}

fn of_decimal(value: Decimal) -> Value {
    Value::Int(value.unscaled())
}

fn of_date(value: Date) -> Value {
    Value::Int(value.as_days().into())
}

fn of_time(value: Timestamp) -> Value {
    Value::Int(value.as_micros().into())
}

fn of_duration(value: Duration) -> Value {
    Value::Int(value.as_micros().into())
}

fn of_u32(value: u32) -> Value {
    Value::Int(value.into())
}

fn made(text: String) -> Result<Value, RowErrorCode> {
    if text.len() as u64 > ROW_BYTES { Err(RowErrorCode::TooLarge) } else { Ok(Value::String(text)) }
}

/// A function of the table.
pub(crate) fn call(function: ValueFunction, args: &[Value]) -> Result<Value, RowErrorCode> {
    let args = Args(args);
    Ok(match function {
        ValueFunction::DecimalNew => {
            of_decimal(Decimal::checked_new(args.i64(0), args.u32(1)).ok_or(RowErrorCode::DecimalScale)?)
        }
        ValueFunction::DecimalFromF64 => {
            maybe(Decimal::from_f64(args.0[0].as_float().expect("the checker gives a float")), of_decimal)
        }
        ValueFunction::DecimalToF64 => Value::Float64(args.decimal(0).to_f64()),
        ValueFunction::DecimalToI64 => maybe(args.decimal(0).to_i64(), |value| Value::Int(value.into())),
        ValueFunction::DecimalRound => {
            of_decimal(args.decimal(0).checked_round(args.u32(1)).ok_or(RowErrorCode::RoundOverflow)?)
        }
        ValueFunction::DecimalTrunc => of_decimal(args.decimal(0).trunc()),
        ValueFunction::DecimalFract => of_decimal(args.decimal(0).fract()),
        ValueFunction::DecimalFloor => of_decimal(args.decimal(0).checked_floor().ok_or(RowErrorCode::RoundOverflow)?),
        ValueFunction::DecimalCeil => of_decimal(args.decimal(0).checked_ceil().ok_or(RowErrorCode::RoundOverflow)?),
        ValueFunction::DecimalText => made(args.decimal(0).to_string())?,
        ValueFunction::DecimalFormatted => {
            let spec = FormatSpec::parse(args.text(1)).expect("the checker knows specifications");
            let mut out = String::new();
            format::write_number(&mut out, args.decimal(0), spec).expect("a String takes any text");
            made(out)?
        }
        ValueFunction::DecimalParse => maybe(Decimal::parse(args.text(0)), of_decimal),
        ValueFunction::DateFromYmd => maybe(Date::from_ymd(args.i32(0), args.u32(1), args.u32(2)), of_date),
        ValueFunction::DateYear => Value::Int(args.date().year().into()),
        ValueFunction::DateQuarter => of_u32(args.date().quarter()),
        ValueFunction::DateMonth => of_u32(args.date().month()),
        ValueFunction::DateDay => of_u32(args.date().day()),
        ValueFunction::DateWeekday => of_u32(args.date().weekday()),
        ValueFunction::DateDayOfYear => of_u32(args.date().day_of_year()),
        ValueFunction::DateIsoWeek => of_u32(args.date().iso_week()),
        ValueFunction::DateIsoYear => Value::Int(args.date().iso_year().into()),
        ValueFunction::DateIsLeapYear => Value::Bool(args.date().is_leap_year()),
        ValueFunction::DateAddDays => {
            of_date(args.date().checked_add_days(args.i64(1)).ok_or(RowErrorCode::AddOverflow)?)
        }
        ValueFunction::DateAddMonths => {
            of_date(args.date().checked_add_months(args.i32(1)).ok_or(RowErrorCode::AddOverflow)?)
        }
        ValueFunction::DateTrunc => of_date(args.date().checked_trunc(args.unit()).ok_or(RowErrorCode::RoundOverflow)?),
        ValueFunction::DateAtMidnight => of_time(args.date().checked_at_midnight().ok_or(RowErrorCode::MulOverflow)?),
        ValueFunction::DateFormat => made(args.date().format(args.text(1)))?,
        ValueFunction::DateText => made(args.date().to_string())?,
        ValueFunction::DateParse => maybe(Date::parse(args.text(0)), of_date),
        ValueFunction::TimeDate => of_date(args.time().date()),
        ValueFunction::TimeHour => of_u32(args.time().hour()),
        ValueFunction::TimeMinute => of_u32(args.time().minute()),
        ValueFunction::TimeSecond => of_u32(args.time().second()),
        ValueFunction::TimeMillisecond => of_u32(args.time().millisecond()),
        ValueFunction::TimeMicrosecond => of_u32(args.time().microsecond()),
        ValueFunction::TimeAddMonths => {
            of_time(args.time().checked_add_months(args.i32(1)).ok_or(RowErrorCode::AddOverflow)?)
        }
        ValueFunction::TimeTrunc => of_time(args.time().checked_trunc(args.unit()).ok_or(RowErrorCode::RoundOverflow)?),
        ValueFunction::TimeFloorTo => {
            let step = args.duration(1);
            if step <= Duration::ZERO {
                return Err(RowErrorCode::StepNotPositive);
            }
            of_time(args.time().checked_floor_to(step).ok_or(RowErrorCode::RoundOverflow)?)
        }
        ValueFunction::TimeFormat => made(args.time().format(args.text(1)))?,
        ValueFunction::TimeText => made(args.time().to_string())?,
        ValueFunction::TimeParse => maybe(Timestamp::parse(args.text(0)), of_time),
        ValueFunction::DurationAbs if args.duration(0) == Duration::MIN => return Err(RowErrorCode::AbsOverflow),
        ValueFunction::DurationAbs => of_duration(args.duration(0).abs()),
        ValueFunction::DurationText => made(args.duration(0).to_string())?,
        ValueFunction::DurationParse => maybe(Duration::parse(args.text(0)), of_duration),
        ValueFunction::JsonGet => maybe(json_get(args.text(0), args.text(1)), Value::String),
        ValueFunction::JsonGetI64 => maybe(json_get_i64(args.text(0), args.text(1)), |value| Value::Int(value.into())),
        ValueFunction::JsonGetF64 => maybe(json_get_f64(args.text(0), args.text(1)), Value::Float64),
        ValueFunction::JsonGetBool => maybe(json_get_bool(args.text(0), args.text(1)), Value::Bool),
    })
}

/// `a op b` of decimals of 9 digits after the point.
pub(crate) fn arithmetic(op: BinaryOp, a: i128, b: i128) -> Result<Value, RowErrorCode> {
    let (a, b) = (decimal(a), decimal(b));
    let value = match op {
        BinaryOp::Add => a.checked_add(b).ok_or(RowErrorCode::AddOverflow)?,
        BinaryOp::Sub => a.checked_sub(b).ok_or(RowErrorCode::SubOverflow)?,
        BinaryOp::Mul => a.checked_mul(b).ok_or(RowErrorCode::MulOverflow)?,
        BinaryOp::Div if b.is_zero() => return Err(RowErrorCode::DivByZero),
        BinaryOp::Div => a.checked_div(b).ok_or(RowErrorCode::DivOverflow)?,
        BinaryOp::Rem => a.checked_rem(b).ok_or(RowErrorCode::RemByZero)?,
        BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => unreachable!("`{}` is no arithmetic of decimals", op.symbol()),
    };
    Ok(of_decimal(value))
}

/// A function of decimals that has the name of one of integers.
#[expect(clippy::wildcard_enum_match_arm, reason = "few of them are of decimals too")]
pub(crate) fn of_decimals(function: Function, args: &[i128]) -> Result<Value, RowErrorCode> {
    let a = decimal(args[0]);
    let b = || decimal(args[1]);
    Ok(match function {
        Function::Abs => of_decimal(a.abs()),
        Function::Signum => of_decimal(a.signum()),
        Function::Min => of_decimal(a.min(b())),
        Function::Max => of_decimal(a.max(b())),
        Function::Clamp if args[1] > args[2] => return Err(RowErrorCode::ClampBounds),
        Function::Clamp => of_decimal(a.clamp(b(), decimal(args[2]))),
        Function::CheckedAdd => maybe(a.checked_add(b()), of_decimal),
        Function::CheckedSub => maybe(a.checked_sub(b()), of_decimal),
        Function::CheckedMul => maybe(a.checked_mul(b()), of_decimal),
        Function::CheckedDiv => maybe(a.checked_div(b()), of_decimal),
        Function::CheckedRem => maybe(a.checked_rem(b()), of_decimal),
        function => unreachable!("{function:?} is not a function of decimals"),
    })
}

/// A function of `sabot::math`.
pub(crate) fn fast(function: FastFunction, args: &[Value]) -> Value {
    let x = args[0].as_float().expect("the checker gives floats");
    Value::Float64(match function {
        FastFunction::Exp => math::exp(x),
        FastFunction::Exp2 => math::exp2(x),
        FastFunction::ExpM1 => math::exp_m1(x),
        FastFunction::Ln => math::ln(x),
        FastFunction::Ln1p => math::ln_1p(x),
        FastFunction::Log2 => math::log2(x),
        FastFunction::Log10 => math::log10(x),
        FastFunction::Sin => math::sin(x),
        FastFunction::Cos => math::cos(x),
        FastFunction::Tan => math::tan(x),
        FastFunction::Sinh => math::sinh(x),
        FastFunction::Cosh => math::cosh(x),
        FastFunction::Tanh => math::tanh(x),
        FastFunction::Pow => math::pow(x, args[1].as_float().expect("the checker gives floats")),
    })
}
