//! Functions of dates and times that are integer arithmetic: written out, so that they are computed where they stand, in
//! vectors too.
//!
//! A time is the integer of its unit. Everything after the first step is small and not negative, so nothing overflows but
//! where it says so.

use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_ir::value::ValueFunction;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Microseconds of the units that a time can be cut to by one division, by their number: day, hour, minute, second,
/// millisecond.
const STEPS: [(i128, i64); 5] = [(4, DAY), (5, 3_600 * SECOND), (6, 60 * SECOND), (7, SECOND), (8, 1_000)];

/// What the function computes, in operators; `None` if it is the runtime's. A vector kernel only needs to know that some
/// row failed, so it may take a form whose row error is another one.
pub(crate) fn expand(function: ValueFunction, args: &[Expr], span: Span, in_vectors: bool) -> Option<Expr> {
    let write = Writer { span };
    let x = args.first()?;
    Some(match function {
        ValueFunction::DateYear => write.cast(write.date_part(x, Part::Year), Type::Int32),
        ValueFunction::DateQuarter => {
            let month = write.date_part(x, Part::Month);
            write.cast(write.div(write.add(month, 2), 3), Type::UInt32)
        }
        ValueFunction::DateMonth => write.cast(write.date_part(x, Part::Month), Type::UInt32),
        ValueFunction::DateDay => write.cast(write.date_part(x, Part::Day), Type::UInt32),
        ValueFunction::DateWeekday => {
            // 1970-01-01 was a Thursday.
            let weekday = write.rem_euclid(write.add(write.int(x), 3), 7);
            write.cast(write.add(weekday, 1), Type::UInt32)
        }
        ValueFunction::TimeDate => write.cast(write.div_euclid(write.int(x), DAY), Type::Date),
        ValueFunction::TimeHour => write.clock(x, DAY, 3_600 * SECOND),
        ValueFunction::TimeMinute => write.clock(x, 3_600 * SECOND, 60 * SECOND),
        ValueFunction::TimeSecond => write.clock(x, 60 * SECOND, SECOND),
        ValueFunction::TimeMillisecond => write.clock(x, SECOND, 1_000),
        ValueFunction::TimeMicrosecond => write.clock(x, SECOND, 1),
        ValueFunction::DateAtMidnight => {
            let micros = write.binary(BinaryOp::Mul, write.int(x), write.literal(DAY));
            write.cast(micros, x_time())
        }
        ValueFunction::DurationAbs => {
            let size = Expr::new(ExprKind::Call(Function::Abs, vec![write.int(x)]), Type::Int64, span);
            write.cast(size, Type::Duration)
        }
        ValueFunction::TimeTrunc if in_vectors => {
            let unit = constant(args.get(1)?)?;
            let (_, step) = STEPS.into_iter().find(|(number, _)| *number == unit)?;
            write.floor_to(x, step)
        }
        ValueFunction::TimeFloorTo if in_vectors => {
            let step = i64::try_from(constant(args.get(1)?)?).ok().filter(|step| *step > 0)?;
            write.floor_to(x, step)
        }
        ValueFunction::DecimalNew
        | ValueFunction::DecimalFromF64
        | ValueFunction::DecimalToF64
        | ValueFunction::DecimalToI64
        | ValueFunction::DecimalRound
        | ValueFunction::DecimalTrunc
        | ValueFunction::DecimalFract
        | ValueFunction::DecimalFloor
        | ValueFunction::DecimalCeil
        | ValueFunction::DecimalText
        | ValueFunction::DecimalFormatted
        | ValueFunction::DecimalParse
        | ValueFunction::DateFromYmd
        | ValueFunction::DateDayOfYear
        | ValueFunction::DateIsoWeek
        | ValueFunction::DateIsoYear
        | ValueFunction::DateIsLeapYear
        | ValueFunction::DateAddDays
        | ValueFunction::DateAddMonths
        | ValueFunction::DateTrunc
        | ValueFunction::DateFormat
        | ValueFunction::DateText
        | ValueFunction::DateParse
        | ValueFunction::TimeAddMonths
        | ValueFunction::TimeTrunc
        | ValueFunction::TimeFloorTo
        | ValueFunction::TimeFormat
        | ValueFunction::TimeText
        | ValueFunction::TimeParse
        | ValueFunction::DurationText
        | ValueFunction::DurationParse
        | ValueFunction::JsonGet
        | ValueFunction::JsonGetI64
        | ValueFunction::JsonGetF64
        | ValueFunction::JsonGetBool => return None,
    })
}

fn x_time() -> Type {
    sabot_ir::value::ValueType::Time.ty()
}

fn constant(expr: &Expr) -> Option<i128> {
    if let Some(Literal::Int(value)) = expr.as_literal() { Some(*value) } else { None }
}

/// A part of a date.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Year,
    Month,
    Day,
}

/// Writes `i64` arithmetic.
struct Writer {
    span: Span,
}

/// The locals of one expansion. They are bound before anything of another expansion is evaluated inside their scope, and
/// no checker counts this far.
const LOCALS: u32 = u32::MAX - 16;

impl Writer {
    fn node(&self, kind: ExprKind, ty: Type) -> Expr {
        Expr::new(kind, ty, self.span)
    }

    fn literal(&self, value: i64) -> Expr {
        self.node(ExprKind::Literal(Literal::Int(value.into())), Type::Int64)
    }

    fn cast(&self, x: Expr, to: Type) -> Expr {
        self.node(ExprKind::Cast(Box::new(x)), to)
    }

    /// A time as the integer that it is.
    fn int(&self, x: &Expr) -> Expr {
        self.cast(x.clone(), Type::Int64)
    }

    fn call(&self, function: Function, a: Expr, b: Expr) -> Expr {
        self.node(ExprKind::Call(function, vec![a, b]), Type::Int64)
    }

    fn binary(&self, op: BinaryOp, a: Expr, b: Expr) -> Expr {
        self.node(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Int64)
    }

    fn add(&self, x: Expr, n: i64) -> Expr {
        self.plus(x, self.literal(n))
    }

    fn plus(&self, a: Expr, b: Expr) -> Expr {
        self.call(Function::WrappingAdd, a, b)
    }

    fn minus(&self, a: Expr, b: Expr) -> Expr {
        self.call(Function::WrappingSub, a, b)
    }

    fn mul(&self, x: Expr, n: i64) -> Expr {
        self.call(Function::WrappingMul, x, self.literal(n))
    }

    fn div(&self, x: Expr, n: i64) -> Expr {
        self.binary(BinaryOp::Div, x, self.literal(n))
    }

    fn div_euclid(&self, x: Expr, n: i64) -> Expr {
        self.call(Function::DivEuclid, x, self.literal(n))
    }

    fn rem_euclid(&self, x: Expr, n: i64) -> Expr {
        self.call(Function::RemEuclid, x, self.literal(n))
    }

    /// `micros % all / unit`: a hand of the clock.
    fn clock(&self, x: &Expr, all: i64, unit: i64) -> Expr {
        let within = self.rem_euclid(self.int(x), all);
        self.cast(if unit == 1 { within } else { self.div(within, unit) }, Type::UInt32)
    }

    /// `x - x % step`, which overflows just above the least time.
    fn floor_to(&self, x: &Expr, step: i64) -> Expr {
        let local = LocalId(LOCALS + 7);
        let micros = self.node(ExprKind::Local(local), Type::Int64);
        let rest = self.rem_euclid(micros.clone(), step);
        let floor = self.binary(BinaryOp::Sub, micros, rest);
        self.cast(self.bind(local, self.int(x), floor), x_time())
    }

    fn bind(&self, local: LocalId, value: Expr, body: Expr) -> Expr {
        let ty = body.ty.clone();
        self.node(ExprKind::Let { local, value: Box::new(value), body: Box::new(body) }, ty)
    }

    /// The civil calendar of 400-year eras whose years begin in March; see `date_of_days` in `sabot-library`.
    fn date_part(&self, date: &Expr, part: Part) -> Expr {
        let local = |number: u32| LocalId(LOCALS + number);
        let read = |number: u32| self.node(ExprKind::Local(local(number)), Type::Int64);
        let (days, era, of_era, year, of_year, month) = (0, 1, 2, 3, 4, 5);
        let months = |month: Expr| self.div(self.add(self.mul(month, 153), 2), 5);
        let from_january = |month: Expr| {
            let late = self
                .node(ExprKind::Binary(BinaryOp::Ge, Box::new(month.clone()), Box::new(self.literal(10))), Type::Bool);
            let (then, otherwise) = (self.add(month.clone(), -9), self.add(month, 3));
            let kind = ExprKind::If { condition: Box::new(late), then: Box::new(then), otherwise: Box::new(otherwise) };
            self.node(kind, Type::Int64)
        };
        let result = match part {
            Part::Month => from_january(read(month)),
            Part::Day => self.add(self.minus(read(of_year), months(read(month))), 1),
            // January and February belong to the year before.
            Part::Year => {
                let year = self.plus(read(year), self.mul(read(era), 400));
                self.plus(year, self.div(read(month), 10))
            }
        };
        let month_value = self.div(self.add(self.mul(read(of_year), 5), 2), 153);
        let leap_days = self.minus(self.div(read(year), 4), self.div(read(year), 100));
        let of_year_value = self.minus(read(of_era), self.plus(self.mul(read(year), 365), leap_days));
        let corrected = self.minus(read(of_era), self.div(read(of_era), 1_460));
        let corrected = self.plus(corrected, self.div(read(of_era), 36_524));
        let corrected = self.minus(corrected, self.div(read(of_era), 146_096));
        let result = self.bind(local(month), month_value, result);
        let result = self.bind(local(of_year), of_year_value, result);
        let result = self.bind(local(year), self.div(corrected, 365), result);
        let of_era_value = self.minus(read(days), self.mul(read(era), 146_097));
        let result = self.bind(local(of_era), of_era_value, result);
        let result = self.bind(local(era), self.div_euclid(read(days), 146_097), result);
        self.bind(local(days), self.add(self.int(date), 719_468), result)
    }
}
