//! Values that Rust's std does not have: methods, functions and constants of `Decimal`, `Date`, `Timestamp`, `Duration`, and
//! the functions of JSON text.
//!
//! What is one operation of an integer becomes that: a duration is its microseconds. Texts that must mean something
//! (`dec("1.5")`, formats, paths) are literals, and are read here.

use super::hir::{Hir, HirKind};
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::library as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Literal, Name};
use sabot_ir::expr::{Expr, ExprKind as ir, Function};
use sabot_ir::math::FastFunction;
use sabot_ir::span::Span;
use sabot_ir::ty::{TimeUnit, Type};
use sabot_ir::value::{ValueFunction, ValueType};
use sabot_library::{Date, Decimal, Duration, JsonPath, Timestamp, Unit, check_date_pattern, check_timestamp_pattern};

/// How a method is computed from its receiver and arguments.
#[derive(Clone, Copy)]
enum How {
    /// A function of the table, which says what the arguments are.
    Value(ValueFunction),
    /// A function of dates, of a timestamp's date.
    OfDate(ValueFunction),
    /// A function that takes values of the receiver's type and gives one.
    Own(Function, usize),
    /// The same, and it may give `None`.
    Maybe(Function),
    /// The integer behind a time.
    Int,
    /// The integer behind it by so many, cut off.
    Div(i64),
    /// The integer behind it by so many, rounded down.
    DivEuclid(i64),
    /// In seconds.
    SecondsF64,
    /// Compared with zero.
    Sign(BinaryOp),
    /// Its argument is a `Unit`.
    Unit(ValueFunction),
    /// Its argument is a format.
    Format(ValueFunction),
}

type Method = (&'static str, How);

const DECIMAL: &[Method] = &[
    ("abs", How::Own(Function::Abs, 0)),
    ("signum", How::Own(Function::Signum, 0)),
    ("min", How::Own(Function::Min, 1)),
    ("max", How::Own(Function::Max, 1)),
    ("clamp", How::Own(Function::Clamp, 2)),
    ("checked_add", How::Maybe(Function::CheckedAdd)),
    ("checked_sub", How::Maybe(Function::CheckedSub)),
    ("checked_mul", How::Maybe(Function::CheckedMul)),
    ("checked_div", How::Maybe(Function::CheckedDiv)),
    ("checked_rem", How::Maybe(Function::CheckedRem)),
    ("is_zero", How::Sign(BinaryOp::Eq)),
    ("is_negative", How::Sign(BinaryOp::Lt)),
    ("is_positive", How::Sign(BinaryOp::Gt)),
    ("round", How::Value(ValueFunction::DecimalRound)),
    ("trunc", How::Value(ValueFunction::DecimalTrunc)),
    ("fract", How::Value(ValueFunction::DecimalFract)),
    ("floor", How::Value(ValueFunction::DecimalFloor)),
    ("ceil", How::Value(ValueFunction::DecimalCeil)),
    ("to_f64", How::Value(ValueFunction::DecimalToF64)),
    ("to_i64", How::Value(ValueFunction::DecimalToI64)),
    ("to_string", How::Value(ValueFunction::DecimalText)),
];

const DATE: &[Method] = &[
    ("year", How::Value(ValueFunction::DateYear)),
    ("quarter", How::Value(ValueFunction::DateQuarter)),
    ("month", How::Value(ValueFunction::DateMonth)),
    ("day", How::Value(ValueFunction::DateDay)),
    ("weekday", How::Value(ValueFunction::DateWeekday)),
    ("day_of_year", How::Value(ValueFunction::DateDayOfYear)),
    ("iso_week", How::Value(ValueFunction::DateIsoWeek)),
    ("iso_year", How::Value(ValueFunction::DateIsoYear)),
    ("is_leap_year", How::Value(ValueFunction::DateIsLeapYear)),
    ("as_days", How::Int),
    ("add_days", How::Value(ValueFunction::DateAddDays)),
    ("add_months", How::Value(ValueFunction::DateAddMonths)),
    ("trunc", How::Unit(ValueFunction::DateTrunc)),
    ("at_midnight", How::Value(ValueFunction::DateAtMidnight)),
    ("format", How::Format(ValueFunction::DateFormat)),
    ("to_string", How::Value(ValueFunction::DateText)),
    ("min", How::Own(Function::Min, 1)),
    ("max", How::Own(Function::Max, 1)),
    ("clamp", How::Own(Function::Clamp, 2)),
];

const TIMESTAMP: &[Method] = &[
    ("year", How::OfDate(ValueFunction::DateYear)),
    ("quarter", How::OfDate(ValueFunction::DateQuarter)),
    ("month", How::OfDate(ValueFunction::DateMonth)),
    ("day", How::OfDate(ValueFunction::DateDay)),
    ("weekday", How::OfDate(ValueFunction::DateWeekday)),
    ("day_of_year", How::OfDate(ValueFunction::DateDayOfYear)),
    ("iso_week", How::OfDate(ValueFunction::DateIsoWeek)),
    ("iso_year", How::OfDate(ValueFunction::DateIsoYear)),
    ("date", How::Value(ValueFunction::TimeDate)),
    ("hour", How::Value(ValueFunction::TimeHour)),
    ("minute", How::Value(ValueFunction::TimeMinute)),
    ("second", How::Value(ValueFunction::TimeSecond)),
    ("millisecond", How::Value(ValueFunction::TimeMillisecond)),
    ("microsecond", How::Value(ValueFunction::TimeMicrosecond)),
    ("as_micros", How::Int),
    ("as_millis", How::DivEuclid(1_000)),
    ("as_seconds", How::DivEuclid(1_000_000)),
    ("add_months", How::Value(ValueFunction::TimeAddMonths)),
    ("trunc", How::Unit(ValueFunction::TimeTrunc)),
    ("floor_to", How::Value(ValueFunction::TimeFloorTo)),
    ("format", How::Format(ValueFunction::TimeFormat)),
    ("to_string", How::Value(ValueFunction::TimeText)),
    ("min", How::Own(Function::Min, 1)),
    ("max", How::Own(Function::Max, 1)),
    ("clamp", How::Own(Function::Clamp, 2)),
];

const DURATION: &[Method] = &[
    ("as_micros", How::Int),
    ("as_millis", How::Div(1_000)),
    ("as_seconds", How::Div(1_000_000)),
    ("as_minutes", How::Div(60_000_000)),
    ("as_hours", How::Div(3_600_000_000)),
    ("as_days", How::Div(86_400_000_000)),
    ("as_seconds_f64", How::SecondsF64),
    ("abs", How::Value(ValueFunction::DurationAbs)),
    ("is_zero", How::Sign(BinaryOp::Eq)),
    ("is_negative", How::Sign(BinaryOp::Lt)),
    ("to_string", How::Value(ValueFunction::DurationText)),
    ("min", How::Own(Function::Min, 1)),
    ("max", How::Own(Function::Max, 1)),
    ("clamp", How::Own(Function::Clamp, 2)),
];

const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

/// The methods of a type that std does not have; none of others.
#[expect(clippy::wildcard_enum_match_arm, reason = "few types are of the library")]
fn methods(ty: &Ty) -> &'static [Method] {
    match ty {
        Ty::Scalar(ty) if *ty == Type::DECIMAL => DECIMAL,
        Ty::Scalar(Type::Date) => DATE,
        Ty::Scalar(ty) if *ty == TIME => TIMESTAMP,
        Ty::Scalar(Type::Duration) => DURATION,
        _ => &[],
    }
}

/// Names of the methods of a type that std does not have, to suggest one.
pub(super) fn method_names(ty: &Ty) -> Vec<&'static str> {
    methods(ty).iter().map(|(name, _)| *name).collect()
}

/// What a table's type is while checking.
fn ty_of(ty: ValueType) -> Ty {
    Ty::of_column(&ty.ty())
}

fn value_call(function: ValueFunction, args: Vec<Hir>, span: Span) -> Hir {
    Hir::new(HirKind::Call(Function::Value(function), args), ty_of(function.result()), span)
}

fn int(value: i64, ty: Ty, span: Span) -> Hir {
    Hir::new(HirKind::Int(value.into()), ty, span)
}

fn cast(value: Hir, to: Ty, span: Span) -> Hir {
    Hir::new(HirKind::Cast(Box::new(value)), to, span)
}

/// A constructor from an integer: the type, its name, what the integer is, and how many of the type's unit it counts.
const FROM_INTEGERS: [(&str, &str, Type, Ty, i64); 5] = [
    ("Date", "from_days", Type::Date, Ty::I32, 1),
    ("Timestamp", "from_micros", TIME, Ty::I64, 1),
    ("Timestamp", "from_millis", TIME, Ty::I64, 1_000),
    ("Timestamp", "from_seconds", TIME, Ty::I64, 1_000_000),
    ("Duration", "from_micros", Type::Duration, Ty::I64, 1),
];

/// Functions that are called by their path.
const FUNCTIONS: [(&str, &str, ValueFunction); 7] = [
    ("Decimal", "new", ValueFunction::DecimalNew),
    ("Decimal", "from_f64", ValueFunction::DecimalFromF64),
    ("Decimal", "parse", ValueFunction::DecimalParse),
    ("Date", "from_ymd", ValueFunction::DateFromYmd),
    ("Date", "parse", ValueFunction::DateParse),
    ("Timestamp", "parse", ValueFunction::TimeParse),
    ("Duration", "parse", ValueFunction::DurationParse),
];

const JSON: [(&str, ValueFunction); 4] = [
    ("json_get", ValueFunction::JsonGet),
    ("json_get_i64", ValueFunction::JsonGetI64),
    ("json_get_f64", ValueFunction::JsonGetF64),
    ("json_get_bool", ValueFunction::JsonGetBool),
];

/// Functions whose argument is a literal that is read when the job is compiled.
pub(super) const LITERALS: [&str; 3] = ["dec", "date", "timestamp"];

/// `Decimal::MAX` and its like.
fn constant(ty: &str, name: &str) -> Option<(Type, i128)> {
    Some(match (ty, name) {
        ("Decimal", "ZERO") => (Type::DECIMAL, 0),
        ("Decimal", "ONE") => (Type::DECIMAL, Decimal::ONE.unscaled()),
        ("Decimal", "MAX") => (Type::DECIMAL, Decimal::MAX.unscaled()),
        ("Decimal", "MIN") => (Type::DECIMAL, Decimal::MIN.unscaled()),
        ("Decimal", "SCALE") => (Type::UInt32, Decimal::SCALE.into()),
        ("Date", "EPOCH") => (Type::Date, 0),
        ("Date", "MAX") => (Type::Date, Date::MAX.as_days().into()),
        ("Date", "MIN") => (Type::Date, Date::MIN.as_days().into()),
        ("Timestamp", "EPOCH") => (TIME, 0),
        ("Timestamp", "MAX") => (TIME, Timestamp::MAX.as_micros().into()),
        ("Timestamp", "MIN") => (TIME, Timestamp::MIN.as_micros().into()),
        ("Duration", "ZERO") => (Type::Duration, 0),
        ("Duration", "MAX") => (Type::Duration, Duration::MAX.as_micros().into()),
        ("Duration", "MIN") => (Type::Duration, Duration::MIN.as_micros().into()),
        _ => return None,
    })
}

impl Body<'_, '_> {
    /// A constant of one of these types; nothing if the path names none.
    pub(super) fn library_path(path: &[&str], span: Span) -> Option<Hir> {
        let [ty, name] = path else { return None };
        let (ty, value) = constant(ty, name)?;
        Some(Hir::new(HirKind::Int(value), Ty::Scalar(ty), span))
    }

    /// A function of the library; nothing if the path names none.
    pub(super) fn library_call(&mut self, path: &[&str], args: &[ast::Expr], at: Span, span: Span) -> Option<Hir> {
        match path {
            [name] if LITERALS.contains(name) => Some(self.literal_value(name, args, at, span)),
            [name] => {
                let (_, function) = JSON.iter().find(|(known, _)| known == name)?;
                let [text, path] = args else { return Some(self.wrong_arity(name, 2, args, at, span)) };
                let text = self.expect(text, &Ty::STRING, Why::Argument { function: name, index: 0 });
                let path = self.text_literal(name, path, &Ty::STRING, |text| {
                    JsonPath::parse(text).map(|_| ()).map_err(|error| error.to_string())
                });
                Some(value_call(*function, vec![text, path?], span))
            }
            ["math", name] => self.math_call(name, args, at, span),
            [ty, name] => {
                if let Some((_, _, to, from, unit)) =
                    FROM_INTEGERS.iter().find(|(of, known, ..)| of == ty && known == name)
                {
                    let [arg] = args else { return Some(self.wrong_arity(name, 1, args, at, span)) };
                    let mut value = self.expect(arg, from, Why::Argument { function: name, index: 0 });
                    if *unit != 1 {
                        let unit = int(*unit, from.clone(), span);
                        let product = HirKind::Binary(BinaryOp::Mul, Box::new(value), Box::new(unit));
                        value = Hir::new(product, from.clone(), span);
                    }
                    return Some(cast(value, Ty::Scalar(to.clone()), span));
                }
                if let Some((.., function)) = FUNCTIONS.iter().find(|(of, known, _)| of == ty && known == name) {
                    return Some(self.table_call(*function, Vec::new(), name, args, at, span));
                }
                // `Timestamp::year(q.at)`.
                let ty = match *ty {
                    "Decimal" => Type::DECIMAL,
                    "Date" => Type::Date,
                    "Timestamp" => TIME,
                    "Duration" => Type::Duration,
                    _ => return None,
                };
                let ty = Ty::Scalar(ty);
                if !method_names(&ty).contains(name) {
                    return None;
                }
                let [receiver, rest @ ..] = args else { return Some(self.wrong_arity(name, 1, args, at, span)) };
                let receiver = self.expect(receiver, &ty, Why::Argument { function: name, index: 0 });
                let name = Name { text: (*name).to_owned(), span: at };
                self.library_method(&receiver, &ty, &name, rest, span)
            }
            _ => None,
        }
    }

    /// `math::exp(x)`.
    fn math_call(&mut self, name: &str, args: &[ast::Expr], at: Span, span: Span) -> Option<Hir> {
        let function = match FastFunction::named(name) {
            Some(function) => Function::Fast(function),
            None if name == "sqrt" => Function::Sqrt,
            None => return None,
        };
        let takes = if let Function::Fast(function) = function { function.arity() } else { 1 };
        if args.len() != takes {
            return Some(self.wrong_arity(name, takes, args, at, span));
        }
        let mut values = Vec::with_capacity(takes);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.expect(arg, &Ty::F64, Why::Argument { function: name, index }));
        }
        Some(Hir::new(HirKind::Call(function, values), Ty::F64, span))
    }

    /// A function of the table; `given` are its first arguments.
    fn table_call(
        &mut self,
        function: ValueFunction,
        mut given: Vec<Hir>,
        name: &str,
        args: &[ast::Expr],
        at: Span,
        span: Span,
    ) -> Hir {
        let takes = &function.args()[given.len()..];
        if takes.len() != args.len() {
            return self.wrong_arity(name, takes.len(), args, at, span);
        }
        for (index, (arg, ty)) in args.iter().zip(takes).enumerate() {
            given.push(self.expect(arg, &ty_of(*ty), Why::Argument { function: name, index }));
        }
        value_call(function, given, span)
    }

    /// `dec("1.5")`, `date("2024-02-29")`, `timestamp("2024-02-29T12:00:00Z")`.
    fn literal_value(&mut self, name: &str, args: &[ast::Expr], at: Span, span: Span) -> Hir {
        let [arg] = args else { return self.wrong_arity(name, 1, args, at, span) };
        let (ty, what, example) = match name {
            "dec" => (Type::DECIMAL, "a decimal of at most 29 digits before and 9 after the point", "dec(\"12.5\")"),
            "date" => (Type::Date, "a date", "date(\"2024-02-29\")"),
            _ => (TIME, "a time", "timestamp(\"2024-02-29T12:00:00Z\")"),
        };
        let ty = Ty::Scalar(ty);
        let ExprKind::Literal(Literal::String(text)) = &arg.kind else {
            self.cx.say(say::not_a_literal(name, example, arg.span));
            return Hir::new(HirKind::Error, ty, span);
        };
        let value = match name {
            "dec" => Decimal::parse(text).map(Decimal::unscaled),
            "date" => Date::parse(text).map(|date| date.as_days().into()),
            _ => Timestamp::parse(text).map(|time| time.as_micros().into()),
        };
        match value {
            Some(value) => Hir::new(HirKind::Int(value), ty, span),
            None => {
                self.cx.say(say::not_a_value(text, what, example, arg.span));
                Hir::new(HirKind::Error, ty, span)
            }
        }
    }

    /// A literal that must mean something to `check`; nothing if that was reported.
    fn text_literal(
        &mut self,
        function: &str,
        arg: &ast::Expr,
        ty: &Ty,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<Hir> {
        let hir = self.expect(arg, ty, Why::Argument { function, index: 1 });
        let ExprKind::Literal(Literal::String(text)) = &arg.kind else {
            if !self.table.resolve(&hir.ty).is_error() {
                self.cx.say(say::not_a_literal(function, "\"..\"", arg.span));
            }
            return Some(Hir::error(arg.span));
        };
        if let Err(problem) = check(text) {
            self.cx.say(say::malformed(&problem, arg.span));
            return Some(Hir::error(arg.span));
        }
        Some(hir)
    }

    /// A method of one of these types; nothing if it has none of this name.
    pub(super) fn library_method(
        &mut self,
        receiver: &Hir,
        ty: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let (method, how) = *methods(ty).iter().find(|(known, _)| *known == name.text)?;
        let takes = match how {
            How::Value(function) => function.args().len() - 1,
            How::Own(_, count) => count,
            How::Maybe(_) | How::Unit(_) | How::Format(_) => 1,
            How::OfDate(_) | How::Int | How::Div(_) | How::DivEuclid(_) | How::SecondsF64 | How::Sign(_) => 0,
        };
        if takes != args.len() {
            return Some(self.wrong_arity(method, takes, args, name.span, span));
        }
        let receiver = receiver.clone();
        let integer = if *ty == Ty::Scalar(Type::Date) { Ty::I32 } else { Ty::I64 };
        Some(match how {
            How::Value(function) => self.table_call(function, vec![receiver], method, args, name.span, span),
            How::OfDate(function) => {
                let date = value_call(ValueFunction::TimeDate, vec![receiver], span);
                value_call(function, vec![date], span)
            }
            How::Own(function, _) | How::Maybe(function) => {
                let mut all = vec![receiver];
                for (index, arg) in args.iter().enumerate() {
                    all.push(self.expect(arg, ty, Why::Argument { function: method, index }));
                }
                let result = if matches!(how, How::Maybe(_)) { ty.clone().option() } else { ty.clone() };
                Hir::new(HirKind::Call(function, all), result, span)
            }
            How::Int => cast(receiver, integer, span),
            How::Div(unit) => {
                let (value, unit) = (cast(receiver, Ty::I64, span), int(unit, Ty::I64, span));
                Hir::new(HirKind::Binary(BinaryOp::Div, Box::new(value), Box::new(unit)), Ty::I64, span)
            }
            How::DivEuclid(unit) => {
                let args = vec![cast(receiver, Ty::I64, span), int(unit, Ty::I64, span)];
                Hir::new(HirKind::Call(Function::DivEuclid, args), Ty::I64, span)
            }
            How::SecondsF64 => {
                let micros = cast(cast(receiver, Ty::I64, span), Ty::F64, span);
                let million = Hir::new(HirKind::Float(1e6), Ty::F64, span);
                Hir::new(HirKind::Binary(BinaryOp::Div, Box::new(micros), Box::new(million)), Ty::F64, span)
            }
            How::Sign(op) => {
                let zero = int(0, ty.clone(), span);
                Hir::new(HirKind::Binary(op, Box::new(receiver), Box::new(zero)), Ty::BOOL, span)
            }
            How::Unit(function) => {
                let result = ty_of(function.result());
                match unit_of(&args[0]) {
                    Some(unit) => {
                        let index = Unit::ALL.iter().position(|known| *known == unit).unwrap_or(0);
                        let index = int(i64::try_from(index).unwrap_or(0), Ty::U32, args[0].span);
                        value_call(function, vec![receiver, index], span)
                    }
                    None => {
                        self.cx.say(say::not_a_unit(args[0].span));
                        Hir::new(HirKind::Error, result, span)
                    }
                }
            }
            How::Format(function) => {
                let is_date = function == ValueFunction::DateFormat;
                let pattern = self.text_literal(method, &args[0], &Ty::STRING, |pattern| {
                    let checked = if is_date { check_date_pattern(pattern) } else { check_timestamp_pattern(pattern) };
                    checked.map_err(|error| error.to_string())
                })?;
                value_call(function, vec![receiver, pattern], span)
            }
        })
    }

    /// Arithmetic with a time on the left; nothing if there is none of these types.
    pub(super) fn library_arithmetic(op: BinaryOp, left: &Ty, right: &Ty, a: &Hir, b: &Hir, span: Span) -> Option<Hir> {
        let time = Ty::Scalar(TIME);
        let (date, duration) = (Ty::Scalar(Type::Date), Ty::DURATION);
        let on_micros = |a: Hir, b: Hir| Hir::new(HirKind::Binary(op, Box::new(a), Box::new(b)), Ty::I64, span);
        let micros = |x: &Hir| cast(x.clone(), Ty::I64, x.span);
        let result = match op {
            BinaryOp::Sub if *left == date && *right == date => {
                // Days of 32 bits: only the product can overflow.
                let days = on_micros(micros(a), micros(b));
                let day = int(86_400_000_000, Ty::I64, span);
                let product = HirKind::Binary(BinaryOp::Mul, Box::new(days), Box::new(day));
                return Some(cast(Hir::new(product, Ty::I64, span), duration, span));
            }
            BinaryOp::Sub if *left == time && *right == time => duration,
            BinaryOp::Add | BinaryOp::Sub if *left == time && *right == duration => time,
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Rem if *left == duration && *right == duration => duration,
            BinaryOp::Div if *left == duration && *right == duration => return Some(on_micros(micros(a), micros(b))),
            BinaryOp::Mul | BinaryOp::Div if *left == duration && *right == Ty::I64 => {
                return Some(cast(on_micros(micros(a), b.clone()), duration, span));
            }
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::BitAnd
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
            | BinaryOp::Or => return None,
        };
        // On their microseconds, as they stand.
        Some(Hir::new(HirKind::Binary(op, Box::new(a.clone()), Box::new(b.clone())), result, span))
    }
}

/// `Unit::Hour`.
#[expect(clippy::wildcard_enum_match_arm, reason = "only a path names a unit")]
fn unit_of(arg: &ast::Expr) -> Option<Unit> {
    match &arg.kind {
        ExprKind::Path(path) => match path.as_slice() {
            [.., of, name] if of == "Unit" => Unit::from_name(name),
            _ => None,
        },
        _ => None,
    }
}

/// The function that reads a type from text; nothing if it is one that std reads.
#[expect(clippy::wildcard_enum_match_arm, reason = "few types are of the library")]
pub(super) fn parse_of(ty: &Type) -> Option<ValueFunction> {
    Some(match ty {
        ty if *ty == Type::DECIMAL => ValueFunction::DecimalParse,
        ty if *ty == TIME => ValueFunction::TimeParse,
        Type::Date => ValueFunction::DateParse,
        Type::Duration => ValueFunction::DurationParse,
        _ => return None,
    })
}

/// A value of a type that std does not have as text, and the specification that is left to do; nothing for others.
/// Numbers see to signs and widths themselves, times are text.
#[expect(clippy::wildcard_enum_match_arm, reason = "few types are of the library")]
pub(super) fn text_of(value: &Expr, spec: &Expr) -> Option<(Expr, Expr)> {
    let Some(sabot_ir::expr::Literal::String(written)) = spec.as_literal() else { return None };
    let function = match &value.ty {
        ty if *ty == Type::DECIMAL && written.is_empty() => ValueFunction::DecimalText,
        ty if *ty == Type::DECIMAL => ValueFunction::DecimalFormatted,
        ty if *ty == TIME => ValueFunction::TimeText,
        Type::Date => ValueFunction::DateText,
        Type::Duration => ValueFunction::DurationText,
        _ => return None,
    };
    let string =
        |text: &str| Expr::new(ir::Literal(sabot_ir::expr::Literal::String(text.to_owned())), Type::String, spec.span);
    let mut args = vec![value.clone()];
    let mut rest = string(written.trim_end_matches('?'));
    if function == ValueFunction::DecimalFormatted {
        args.push(std::mem::replace(&mut rest, string("")));
    }
    let text = Expr::new(ir::Call(Function::Value(function), args), Type::String, value.span);
    Some((text, rest))
}

/// A method of floats as the function of `sabot::math`, of an `f32` by way of `f64`; nothing if that has none.
pub(super) fn fast(function: Function, args: &[Hir], ty: &Ty, span: Span) -> Option<Hir> {
    let name = if function == Function::Powf { "pow" } else { function.name() };
    let fast = FastFunction::named(name)?;
    let single = *ty != Ty::F64;
    let convert = |arg: &Hir| if single { cast(arg.clone(), Ty::F64, arg.span) } else { arg.clone() };
    let value = Hir::new(HirKind::Call(Function::Fast(fast), args.iter().map(convert).collect()), Ty::F64, span);
    Some(if single { cast(value, ty.clone(), span) } else { value })
}
