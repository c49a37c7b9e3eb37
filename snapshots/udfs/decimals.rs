//! Decimals, and fields of JSON texts.

#[sabot::udf]
fn gross(d: Decimal) -> Decimal {
    d * dec("1.19")
}

#[sabot::udf]
fn share(d: Decimal, a: i64) -> Decimal {
    d / Decimal::from(a)
}

#[sabot::udf]
fn sum(d: Decimal) -> Decimal {
    d + dec("0.1") - dec("0.2")
}

#[sabot::udf]
fn cents(d: Decimal) -> Decimal {
    d.round(2)
}

#[sabot::udf]
fn whole(d: Decimal) -> Decimal {
    d.floor() + d.fract() + d.trunc()
}

#[sabot::udf]
fn to_float(d: Decimal) -> f64 {
    d.to_f64()
}

#[sabot::udf]
fn to_integer(d: Decimal) -> Option<i64> {
    d.to_i64()
}

#[sabot::udf]
fn from_float(x: f64) -> Option<Decimal> {
    Decimal::from_f64(x)
}

#[sabot::udf]
fn compared(d: Decimal) -> i64 {
    if d > dec("2.5") {
        1
    } else if d == Decimal::ZERO {
        0
    } else {
        -1
    }
}

#[sabot::udf]
fn negated(d: Decimal) -> Decimal {
    -d
}

#[sabot::udf]
fn written(d: Decimal) -> String {
    d.to_string()
}

#[sabot::udf]
fn read(s: &str) -> Option<Decimal> {
    s.parse::<Decimal>().ok()
}

#[sabot::udf]
fn json_text(s: &str) -> Option<String> {
    json_get(s, "b[1]")
}

#[sabot::udf]
fn json_number(s: &str) -> i64 {
    json_get_i64(s, "a").unwrap_or(-1)
}

#[sabot::udf]
fn json_flag(s: &str) -> bool {
    json_get_bool(s, "b[0]").unwrap_or(false)
}
