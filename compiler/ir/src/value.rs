//! Functions of decimals, dates and times, and of JSON text: one table of what they take and give. What they mean is in
//! `sabot-library`, under the same names.
//!
//! Arithmetic and comparison are operators, and what a duration or timestamp is in microseconds is a cast: these are the
//! functions that neither can say.

use crate::ty::{TimeUnit, Type};

/// A type in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// `bool`.
    Bool,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `u32`.
    U32,
    /// `f64`.
    F64,
    /// `String`, `&str`.
    Str,
    /// `Decimal`.
    Dec,
    /// `Date`.
    Date,
    /// `Timestamp`.
    Time,
    /// `Duration`.
    Dur,
    /// `Option<bool>`.
    MaybeBool,
    /// `Option<i64>`.
    MaybeI64,
    /// `Option<f64>`.
    MaybeF64,
    /// `Option<String>`.
    MaybeStr,
    /// `Option<Decimal>`.
    MaybeDec,
    /// `Option<Date>`.
    MaybeDate,
    /// `Option<Timestamp>`.
    MaybeTime,
    /// `Option<Duration>`.
    MaybeDur,
}

impl ValueType {
    /// As a type of expressions.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::I32 => Type::Int32,
            Self::I64 => Type::Int64,
            Self::U32 => Type::UInt32,
            Self::F64 => Type::Float64,
            Self::Str => Type::String,
            Self::Dec => Type::DECIMAL,
            Self::Date => Type::Date,
            Self::Time => Type::Timestamp(TimeUnit::Microsecond),
            Self::Dur => Type::Duration,
            Self::MaybeBool => Self::Bool.ty().optional(),
            Self::MaybeI64 => Self::I64.ty().optional(),
            Self::MaybeF64 => Self::F64.ty().optional(),
            Self::MaybeStr => Self::Str.ty().optional(),
            Self::MaybeDec => Self::Dec.ty().optional(),
            Self::MaybeDate => Self::Date.ty().optional(),
            Self::MaybeTime => Self::Time.ty().optional(),
            Self::MaybeDur => Self::Dur.ty().optional(),
        }
    }
}

macro_rules! value_functions {
    ($($variant:ident $name:literal ($($arg:ident),*) -> $result:ident, $doc:literal;)*) => {
        /// A function of decimals, dates, times or JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ValueFunction {
            $(#[doc = $doc] $variant,)*
        }

        impl ValueFunction {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in the job language.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it takes.
            #[must_use]
            pub fn args(self) -> &'static [ValueType] {
                match self {
                    $(Self::$variant => &[$(ValueType::$arg),*],)*
                }
            }

            /// What it gives.
            #[must_use]
            pub fn result(self) -> ValueType {
                match self {
                    $(Self::$variant => ValueType::$result,)*
                }
            }
        }
    };
}

value_functions! {
    DecimalNew "Decimal::new" (I64, U32) -> Dec, "`Decimal::new(12345, 2)`; a scale above 9 is a row error.";
    DecimalFromF64 "Decimal::from_f64" (F64) -> MaybeDec, "`Decimal::from_f64(x)`.";
    DecimalToF64 "to_f64" (Dec) -> F64, "`d.to_f64()`.";
    DecimalToI64 "to_i64" (Dec) -> MaybeI64, "`d.to_i64()`.";
    DecimalRound "round" (Dec, U32) -> Dec, "`d.round(2)`; too many digits are a row error.";
    DecimalTrunc "trunc" (Dec) -> Dec, "`d.trunc()`.";
    DecimalFract "fract" (Dec) -> Dec, "`d.fract()`.";
    DecimalFloor "floor" (Dec) -> Dec, "`d.floor()`; too many digits are a row error.";
    DecimalCeil "ceil" (Dec) -> Dec, "`d.ceil()`; too many digits are a row error.";
    DecimalText "to_string" (Dec) -> Str, "`d.to_string()`.";
    DecimalFormatted "formatted" (Dec, Str) -> Str, "A decimal in `format!`, by a specification, `>8.2`.";
    DecimalParse "Decimal::parse" (Str) -> MaybeDec, "`Decimal::parse(s)`.";
    DateFromYmd "Date::from_ymd" (I32, U32, U32) -> MaybeDate, "`Date::from_ymd(2024, 2, 29)`.";
    DateYear "year" (Date) -> I32, "`d.year()`.";
    DateQuarter "quarter" (Date) -> U32, "`d.quarter()`.";
    DateMonth "month" (Date) -> U32, "`d.month()`.";
    DateDay "day" (Date) -> U32, "`d.day()`.";
    DateWeekday "weekday" (Date) -> U32, "`d.weekday()`: Monday is 1.";
    DateDayOfYear "day_of_year" (Date) -> U32, "`d.day_of_year()`.";
    DateIsoWeek "iso_week" (Date) -> U32, "`d.iso_week()`.";
    DateIsoYear "iso_year" (Date) -> I32, "`d.iso_year()`.";
    DateIsLeapYear "is_leap_year" (Date) -> Bool, "`d.is_leap_year()`.";
    DateAddDays "add_days" (Date, I64) -> Date, "`d.add_days(n)`; overflow is a row error.";
    DateAddMonths "add_months" (Date, I32) -> Date, "`d.add_months(n)`; overflow is a row error.";
    DateTrunc "trunc" (Date, U32) -> Date, "`d.trunc(Unit::Month)`; overflow is a row error.";
    DateAtMidnight "at_midnight" (Date) -> Time, "`d.at_midnight()`; overflow is a row error.";
    DateFormat "format" (Date, Str) -> Str, "`d.format(\"%Y-%m-%d\")`.";
    DateText "to_string" (Date) -> Str, "`d.to_string()`.";
    DateParse "Date::parse" (Str) -> MaybeDate, "`Date::parse(s)`.";
    TimeDate "date" (Time) -> Date, "`t.date()`.";
    TimeHour "hour" (Time) -> U32, "`t.hour()`.";
    TimeMinute "minute" (Time) -> U32, "`t.minute()`.";
    TimeSecond "second" (Time) -> U32, "`t.second()`.";
    TimeMillisecond "millisecond" (Time) -> U32, "`t.millisecond()`.";
    TimeMicrosecond "microsecond" (Time) -> U32, "`t.microsecond()`.";
    TimeAddMonths "add_months" (Time, I32) -> Time, "`t.add_months(n)`; overflow is a row error.";
    TimeTrunc "trunc" (Time, U32) -> Time, "`t.trunc(Unit::Hour)`; overflow is a row error.";
    TimeFloorTo "floor_to" (Time, Dur) -> Time, "`t.floor_to(minutes(5))`; overflow and a step that is not positive are row errors.";
    TimeFormat "format" (Time, Str) -> Str, "`t.format(\"%H:%M\")`.";
    TimeText "to_string" (Time) -> Str, "`t.to_string()`.";
    TimeParse "Timestamp::parse" (Str) -> MaybeTime, "`Timestamp::parse(s)`.";
    DurationAbs "abs" (Dur) -> Dur, "`d.abs()`; of the least duration it is a row error.";
    DurationText "to_string" (Dur) -> Str, "`d.to_string()`.";
    DurationParse "Duration::parse" (Str) -> MaybeDur, "`Duration::parse(s)`.";
    JsonGet "json_get" (Str, Str) -> MaybeStr, "`json_get(s, \"$.a.b[0]\")`.";
    JsonGetI64 "json_get_i64" (Str, Str) -> MaybeI64, "`json_get_i64(s, \"$.a\")`.";
    JsonGetF64 "json_get_f64" (Str, Str) -> MaybeF64, "`json_get_f64(s, \"$.a\")`.";
    JsonGetBool "json_get_bool" (Str, Str) -> MaybeBool, "`json_get_bool(s, \"$.a\")`.";
}

impl ValueFunction {
    /// Whether it takes arguments of these types and gives this one.
    #[must_use]
    pub fn fits(self, args: &[&Type], result: &Type) -> bool {
        args.len() == self.args().len()
            && self.args().iter().zip(args).all(|(takes, arg)| takes.ty() == **arg)
            && self.result().ty() == *result
    }

    /// Whether it is called as a method of its first argument.
    #[must_use]
    pub fn is_method(self) -> bool {
        !self.name().contains("::")
            && !matches!(self, Self::JsonGet | Self::JsonGetI64 | Self::JsonGetF64 | Self::JsonGetBool)
    }

    /// Whether some row may make it a row error, beside its want of memory.
    #[must_use]
    pub fn can_fail(self) -> bool {
        match self {
            Self::DecimalNew
            | Self::DecimalRound
            | Self::DecimalFloor
            | Self::DecimalCeil
            | Self::DateAddDays
            | Self::DateAddMonths
            | Self::DateTrunc
            | Self::DateAtMidnight
            | Self::TimeAddMonths
            | Self::TimeTrunc
            | Self::TimeFloorTo
            | Self::DurationAbs => true,
            Self::DecimalFromF64
            | Self::DecimalToF64
            | Self::DecimalToI64
            | Self::DecimalTrunc
            | Self::DecimalFract
            | Self::DecimalText
            | Self::DecimalFormatted
            | Self::DecimalParse
            | Self::DateFromYmd
            | Self::DateYear
            | Self::DateQuarter
            | Self::DateMonth
            | Self::DateDay
            | Self::DateWeekday
            | Self::DateDayOfYear
            | Self::DateIsoWeek
            | Self::DateIsoYear
            | Self::DateIsLeapYear
            | Self::DateFormat
            | Self::DateText
            | Self::DateParse
            | Self::TimeDate
            | Self::TimeHour
            | Self::TimeMinute
            | Self::TimeSecond
            | Self::TimeMillisecond
            | Self::TimeMicrosecond
            | Self::TimeFormat
            | Self::TimeText
            | Self::TimeParse
            | Self::DurationText
            | Self::DurationParse
            | Self::JsonGet
            | Self::JsonGetI64
            | Self::JsonGetF64
            | Self::JsonGetBool => false,
        }
    }
}
