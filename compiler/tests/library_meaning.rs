//! Methods of decimals, dates, times and JSON mean here what `sabot-library` says, row errors included: the checked plan, run by
//! the reference interpreter, against the same code in this file, compiled by rustc.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::expr::Expr;
use sabot_ir::plan::Operator;
use sabot_library::*;
use sabot_reference::{Value, evaluate};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A row, as rustc sees it.
#[derive(Clone, Debug)]
struct Row {
    d: Decimal,
    e: Decimal,
    on: Date,
    until: Date,
    at: Timestamp,
    end: Timestamp,
    took: Duration,
    limit: Duration,
    n: i64,
    m: i32,
    x: f64,
    text: String,
}

const FIELDS: &str = "d: Decimal, e: Decimal, on: Date, until: Date, at: Timestamp, end: Timestamp, took: Duration, limit: Duration, \
                      n: i64, m: i32, x: f64, text: String";

impl Row {
    fn values(&self) -> Vec<Value> {
        vec![
            self.d.value(),
            self.e.value(),
            self.on.value(),
            self.until.value(),
            self.at.value(),
            self.end.value(),
            self.took.value(),
            self.limit.value(),
            self.n.value(),
            self.m.value(),
            self.x.value(),
            self.text.clone().value(),
        ]
    }
}

/// What rustc computes, as the interpreter has it.
trait AsValue {
    fn value(self) -> Value;
}

macro_rules! as_int {
    ($($ty:ty: $x:ident => $int:expr;)*) => { $(
        impl AsValue for $ty {
            fn value(self) -> Value {
                let $x = self;
                Value::Int(i128::from($int))
            }
        }
    )* };
}
as_int! {
    Decimal: x => x.unscaled();
    Date: x => x.as_days();
    Timestamp: x => x.as_micros();
    Duration: x => x.as_micros();
    i64: x => x;
    i32: x => x;
    u32: x => x;
}

impl AsValue for f64 {
    fn value(self) -> Value {
        Value::Float64(self)
    }
}

impl AsValue for bool {
    fn value(self) -> Value {
        Value::Bool(self)
    }
}

impl AsValue for String {
    fn value(self) -> Value {
        Value::String(self)
    }
}

impl<T: AsValue> AsValue for Option<T> {
    fn value(self) -> Value {
        self.map_or(Value::Null, AsValue::value)
    }
}

fn rows() -> Vec<Row> {
    let decimals = [
        dec("0"),
        dec("1.5"),
        dec("-2.25"),
        dec("0.000000001"),
        Decimal::MAX,
        Decimal::MIN,
        dec("12345678901234567890.5"),
        dec("3"),
    ];
    let dates = [
        date("2024-02-29"),
        date("1969-12-31"),
        date("2000-12-31"),
        Date::EPOCH,
        Date::MIN,
        Date::MAX,
        date("2025-01-01"),
    ];
    let times = [
        timestamp("2024-02-29T23:59:59.999999Z"),
        Timestamp::from_micros(-1),
        Timestamp::EPOCH,
        Timestamp::MIN,
        Timestamp::MAX,
        timestamp("2001-05-31T12:30:00.5Z"),
    ];
    let spans = [seconds(90), Duration::ZERO, -minutes(5), Duration::MIN, Duration::MAX, microseconds(1), days(40)];
    let ints = [0, 1, -1, 7, i64::MAX, i64::MIN, 100_000];
    let floats = [0.0, 1.5, -1e-10, 1e29, f64::NAN, f64::INFINITY, 0.1];
    let texts = ["1.5", "2024-02-29", "2024-02-29T12:00:00Z", "PT5M", "{\"a\": [1, 2.5, \"x\", true, null]}", "", "-7"];
    let mut rows = Vec::new();
    for i in 0..56 {
        rows.push(Row {
            d: decimals[i % 8],
            e: decimals[(i * 3 + i / 8) % 8],
            on: dates[i % 7],
            until: dates[(i * 2 + i / 7) % 7],
            at: times[i % 6],
            end: times[(i + i / 6) % 6],
            took: spans[i % 7],
            limit: spans[(i * 3 + i / 7) % 7],
            n: ints[i % 7],
            m: [0, 1, -1, 13, i32::MAX, i32::MIN, -500][i * 2 % 7],
            x: floats[i % 7],
            text: texts[i % 7].to_owned(),
        });
    }
    rows
}

/// The expression that code of this type over a row becomes.
fn compiled(ty: &str, code: &str) -> Expr {
    let job = format!(
        "use sabot::prelude::*;\n#[sabot::record]\nstruct Row {{ {FIELDS} }}\n#[sabot::record]\nstruct Out {{ value: {ty} }}\n\
         #[sabot::pipeline]\nfn job() {{\n    source::<Row>(\"rows\", csv(\"r.csv\")).map(|q| Out {{ value: {code} }}).sink(\"out\", csv(\"o.csv\"));\n}}\n"
    );
    let mut diagnostics = Diagnostics::new();
    let graphs = parse(&job, &mut diagnostics);
    let plan = check(&graphs[0], &Catalog::default(), &mut diagnostics);
    let said: Vec<String> = diagnostics.into_sorted().into_iter().map(|said| said.message).collect();
    let plan = plan.unwrap_or_else(|| panic!("{code}: {said:?}"));
    let project = plan.nodes.iter().find_map(|node| match &node.operator {
        Operator::Project { columns } => Some(columns[0].clone()),
        _ => None,
    });
    project.unwrap_or_else(|| panic!("{code}: {said:?}"))
}

/// The message of a panic.
fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| String::new(), |text| (*text).to_owned()),
    }
}

fn same(ty: &str, code: &str, by_rustc: impl Fn(&Row) -> Value) {
    let expr = compiled(ty, code);
    for row in rows() {
        let found = evaluate(&expr, &row.values(), &[]).map_err(|error| error.code.message().to_owned());
        let expected = catch_unwind(AssertUnwindSafe(|| by_rustc(&row))).map_err(message);
        assert_eq!(found, expected, "{code}\nover {row:?}");
    }
}

/// The type of each expression, and the expression, for both compilers.
macro_rules! same {
    ($($ty:ty: |$q:ident| $code:expr;)*) => { $(
        same(stringify!($ty), stringify!($code), |$q: &Row| {
            let value: $ty = $code;
            value.value()
        });
    )* };
}

#[test]
fn code_of_both_compilers_means_the_same() {
    // Panics of the library are row errors here, which are only compared.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.location().is_some_and(|at| at.file().contains("library_meaning")) {
            before(info);
        }
    }));
    same! {
        Decimal: |q| q.d + q.e;
        Decimal: |q| q.d - q.e;
        Decimal: |q| q.d * q.e;
        Decimal: |q| q.d / q.e;
        Decimal: |q| q.d % q.e;
        Decimal: |q| -q.d;
        Decimal: |q| q.d.abs().min(q.e).max(Decimal::new(q.n, 3));
        Decimal: |q| q.d.round(2) + q.e.trunc() - q.e.fract() + q.d.signum();
        Decimal: |q| q.d.floor();
        Decimal: |q| q.d.ceil();
        Decimal: |q| Decimal::from(q.n) + Decimal::from(q.m) * dec("0.5");
        Option<Decimal>: |q| q.d.checked_add(q.e);
        Option<Decimal>: |q| q.d.checked_sub(q.e);
        Option<Decimal>: |q| q.d.checked_mul(q.e);
        Option<Decimal>: |q| q.d.checked_div(q.e);
        Option<Decimal>: |q| q.d.checked_rem(q.e);
        Option<Decimal>: |q| Decimal::from_f64(q.x);
        Option<Decimal>: |q| Decimal::parse(&q.text);
        Option<Decimal>: |q| q.text.parse::<Decimal>().ok();
        f64: |q| q.d.to_f64();
        Option<i64>: |q| q.d.to_i64();
        bool: |q| q.d <= q.e || q.d.is_zero() || q.e.is_negative() && q.d.is_positive();
        String: |q| q.d.to_string();
        String: |q| format!("{}|{:>12.2}|{:+}|{:015.3}|{:<6}|{:?}", q.d, q.d, q.e, q.d, q.e, q.d);
        i32: |q| q.on.year();
        u32: |q| q.on.quarter() * 1000 + q.on.month() * 50 + q.on.day();
        u32: |q| q.on.weekday() * 1000 + q.on.day_of_year();
        u32: |q| q.on.iso_week();
        i32: |q| q.on.iso_year();
        bool: |q| q.on.is_leap_year();
        i32: |q| q.on.as_days();
        Date: |q| q.on.add_days(q.n);
        Date: |q| q.on.add_months(q.m);
        Date: |q| q.on.trunc(Unit::Week);
        Date: |q| q.on.trunc(Unit::Quarter).max(q.until).min(date("2024-06-01"));
        Timestamp: |q| q.on.at_midnight();
        Duration: |q| q.on - q.until;
        bool: |q| q.on < q.until;
        Option<Date>: |q| Date::from_ymd(q.m, q.on.month(), q.on.day());
        Option<Date>: |q| Date::parse(&q.text);
        String: |q| q.on.format("%A, %-d. %B %Y (%j, week %V of %G)");
        String: |q| format!("{}|{:>14}|{:?}", q.on, q.on, q.on);
        i32: |q| q.at.year();
        u32: |q| q.at.month() * 100 + q.at.day();
        u32: |q| q.at.hour() * 10_000 + q.at.minute() * 100 + q.at.second();
        u32: |q| q.at.millisecond() + q.at.microsecond();
        u32: |q| q.at.weekday() + q.at.iso_week() + q.at.day_of_year() + q.at.quarter();
        Date: |q| q.at.date();
        i64: |q| q.at.as_micros();
        i64: |q| q.at.as_millis();
        i64: |q| q.at.as_seconds();
        Timestamp: |q| Timestamp::from_millis(q.n);
        Timestamp: |q| Timestamp::from_seconds(q.n);
        Timestamp: |q| Timestamp::from_micros(q.n);
        Timestamp: |q| q.at + q.took;
        Timestamp: |q| q.at - q.took;
        Duration: |q| q.at - q.end;
        Timestamp: |q| q.at.trunc(Unit::Year);
        Timestamp: |q| q.at.trunc(Unit::Hour);
        Timestamp: |q| q.at.floor_to(q.took);
        Timestamp: |q| q.at.floor_to(minutes(7));
        Timestamp: |q| q.at.add_months(q.m);
        String: |q| q.at.format("%Y-%m-%d %H:%M:%S%.3f %I%p %s");
        String: |q| q.at.to_string();
        Option<Timestamp>: |q| Timestamp::parse(&q.text);
        Duration: |q| q.took + q.limit;
        Duration: |q| q.took - q.limit;
        Duration: |q| q.took * q.n;
        Duration: |q| q.took / q.n;
        i64: |q| q.took / q.limit;
        Duration: |q| q.took % q.limit;
        Duration: |q| -q.took;
        Duration: |q| q.took.abs();
        i64: |q| q.took.as_millis() + q.took.as_seconds() + q.took.as_minutes() + q.took.as_hours() + q.took.as_days();
        f64: |q| q.took.as_seconds_f64();
        Duration: |q| seconds(q.n) + hours(1);
        Duration: |q| days(q.n);
        bool: |q| q.took.is_negative() || q.took.is_zero() || q.took > q.limit;
        Option<Duration>: |q| Duration::parse(&q.text);
        String: |q| q.took.to_string();
        Option<String>: |q| json_get(&q.text, "a");
        Option<String>: |q| json_get(&q.text, "$.a[2]");
        Option<i64>: |q| json_get_i64(&q.text, "a[0]");
        Option<f64>: |q| json_get_f64(&q.text, "a[1]");
        Option<bool>: |q| json_get_bool(&q.text, "a[3]");
        f64: |q| math::exp(q.x) + math::ln(q.x) + math::sin(q.x);
        f64: |q| math::pow(q.x, 1.5) - math::tanh(q.x);
    }
}
