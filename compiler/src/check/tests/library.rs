//! Decimals, dates, times and JSON: what they become, and what is said of mistakes.

use super::{computed, outcome, value};

/// A type, code of that type over the row `q`, and the expression it becomes.
fn check(cases: &[(&str, &str, &str)]) {
    for (ty, code, becomes) in cases {
        assert_eq!(value(ty, code), *becomes, "{code}");
    }
}

#[test]
fn times() {
    check(&[
        ("u32", "q.at.hour()", "at.hour()"),
        ("i32", "q.at.year()", "at.date().year()"),
        ("Date", "q.at.date()", "at.date()"),
        ("i64", "q.at.as_micros()", "at as i64"),
        ("i64", "q.at.as_millis()", "(at as i64).div_euclid(1000)"),
        ("Timestamp", "Timestamp::from_millis(q.volume)", "(volume * 1000) as Timestamp"),
        ("Timestamp", "q.at + seconds(5)", "at + Duration(5000000)"),
        ("Duration", "q.at - timestamp(\"1970-01-01T00:00:01Z\")", "at - Timestamp(1000000)"),
        ("Duration", "minutes(1) * 3", "(Duration(60000000) as i64 * 3) as Duration"),
        ("Duration", "-minutes(q.volume)", "-((volume * 60000000) as Duration)"),
        ("i64", "(q.at - q.at) / minutes(5)", "(at - at) as i64 / Duration(300000000) as i64"),
        ("Timestamp", "q.at.trunc(Unit::Hour)", "at.trunc(5u32)"),
        ("Timestamp", "q.at.floor_to(minutes(5))", "at.floor_to(Duration(300000000))"),
        ("String", "q.at.format(\"%H:%M\")", "at.format(\"%H:%M\")"),
        ("String", "q.at.date().to_string()", "at.date().to_string()"),
        ("Option<Date>", "Date::from_ymd(2024, 2, q.lots)", "Date::from_ymd(2024i32, 2u32, lots)"),
        ("bool", "q.at > Timestamp::EPOCH && (q.at - q.at).is_zero()", "at > Timestamp(0) && at - at == Duration(0)"),
        ("i32", "date(\"1970-01-10\").as_days()", "Date(9) as i32"),
        ("f64", "seconds(3).as_seconds_f64()", "Duration(3000000) as i64 as f64 / 1000000.0"),
        ("Timestamp", "q.at.max(Timestamp::MIN)", "at.max(Timestamp(-9223372036854775808))"),
        ("u32", "Timestamp::hour(q.at)", "at.hour()"),
    ]);
}

#[test]
fn decimals() {
    check(&[
        ("Decimal", "dec(\"1.5\") + Decimal::from(q.volume)", "Decimal(1500000000) + volume as Decimal"),
        ("Decimal", "Decimal::new(q.volume, 2)", "Decimal::new(volume, 2u32)"),
        ("Decimal", "Decimal::from(3).round(1)", "(3i32 as Decimal).round(1u32)"),
        ("Option<Decimal>", "Decimal::from_f64(q.price)", "Decimal::from_f64(price)"),
        ("bool", "-dec(\"1\") < Decimal::ZERO", "-Decimal(1000000000) < Decimal(0)"),
        (
            "Option<Decimal>",
            "dec(\"1\").checked_div(dec(\"3\"))",
            "Decimal(1000000000).checked_div(Decimal(3000000000))",
        ),
        ("bool", "dec(\"1\").is_negative()", "Decimal(1000000000) < Decimal(0)"),
    ]);
}

#[test]
fn text() {
    check(&[
        ("Option<Decimal>", "q.symbol.parse::<Decimal>().ok()", "Decimal::parse(symbol)"),
        ("Option<Date>", "q.symbol.parse().ok()", "Date::parse(symbol)"),
        ("String", "format!(\"{:?}\", q.at)", "\"\".append(at.to_string(), \"\")"),
        ("String", "format!(\"{:>8.2}\", dec(\"1.5\"))", "\"\".append(Decimal(1500000000).formatted(\">8.2\"), \"\")"),
    ]);
}

#[test]
fn json() {
    check(&[
        ("Option<String>", "json_get(&q.symbol, \"$.a[0]\")", "json_get(symbol, \"$.a[0]\")"),
        ("i64", "json_get_i64(&q.symbol, \"a\").unwrap_or(0)", "json_get_i64(symbol, \"a\").unwrap_or(0)"),
    ]);
}

#[test]
fn records_and_aggregates_have_decimals() {
    let job = r#"
use sabot::prelude::*;
#[sabot::record]
struct Sale { shop: String, amount: Decimal, discount: Option<Decimal>, on: Date }
#[sabot::record]
struct Total { shop: String, amount: Decimal, mean: f64, discount: Option<f64>, last: Date }
#[sabot::udf]
fn net(amount: Decimal, discount: Option<Decimal>) -> Decimal { amount - discount.unwrap_or(Decimal::ZERO) }
#[sabot::pipeline]
fn job() {
    source::<Sale>("sales", csv("s.csv"))
        .key_by(|s| s.shop.clone())
        .aggregate(|g| Total {
            shop: g.key(), amount: g.sum(|s| net(s.amount, s.discount)), mean: g.avg(|s| s.amount),
            discount: g.avg(|s| s.discount), last: g.max(|s| s.on),
        })
        .sink("out", csv("o.csv"));
}
"#;
    let text = outcome(job);
    for part in [
        "sum(",
        "avg(amount.to_f64())",
        "max(on)",
        "avg(match discount { Some(x1) => Some(x1.to_f64()), None => None })",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn mistakes() {
    for (ty, code, said) in [
        ("Decimal", "dec(\"1.5\") * 2", "help: convert it: `Decimal::from(2)`"),
        ("Decimal", "dec(\"1.5\") * 1.25", "help: write a decimal: `dec(\"1.25\")`"),
        ("Decimal", "dec(\"1.0000000001\")", "E0321"),
        ("Date", "date(\"2023-02-29\")", "E0321: `2023-02-29` is not a date"),
        ("Decimal", "dec(&q.symbol)", "E0320"),
        ("String", "q.at.format(\"%Q\")", "E0321: `%Q` is not an item of a format"),
        ("String", "q.at.date().format(\"%H\")", "needs a time of day"),
        ("Timestamp", "q.at.trunc(Unit::Fortnight)", "E0322"),
        ("Option<String>", "json_get(&q.symbol, \"a..b\")", "E0321: a JSON path needs a name"),
        ("Timestamp", "q.at + q.at", "E0702"),
        ("u32", "q.at.hours()", "help: "),
        ("Decimal", "Decimal::from(q.price)", "E0"),
        ("f64", "dec(\"1\") as f64", "E0"),
    ] {
        let text = computed("", &format!("x: {ty}"), &format!("Out {{ x: {code} }}"));
        assert!(text.contains(said), "{code}: {text}");
    }
}

#[test]
fn fast_math() {
    check(&[
        ("f64", "math::exp(q.price) + sabot::math::pow(q.price, 2.0)", "math::exp(price) + math::pow(price, 2.0)"),
        ("f64", "q.price.exp()", "price.exp()"),
    ]);
    let udf = "#[sabot::udf(math = \"fast\")]\nfn decay(x: f64, y: f32) -> f64 { (-x).exp() + x.powf(2.0).sqrt() + f64::from(y.ln()) }\n";
    assert_eq!(
        computed(udf, "x: f64", "Out { x: decay(q.price, 1.5) }"),
        "x = math::exp(-price) + math::pow(price, 2.0).sqrt() + math::ln(1.5f32 as f64) as f32 as f64"
    );
}
