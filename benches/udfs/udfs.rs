//! Functions as users write them, each in a pipeline that computes it for every row and sums it up. The same file is compiled
//! by `sabotc` and by rustc.

use sabot::prelude::*;

#[sabot::record]
struct Row {
    bid: f64,
    ask: f64,
    volume: i64,
    spot: f64,
    strike: f64,
    years: f64,
    lat: f64,
    lon: f64,
    id: i64,
    other: i64,
    symbol: String,
    url: String,
    line: String,
    json: String,
    card: String,
    list: String,
    at: Timestamp,
    amount: Decimal,
    tax: Option<f64>,
    discount: Option<f64>,
}

#[sabot::record]
struct Float {
    v: f64,
}

#[sabot::record]
struct Int {
    v: i64,
}

#[sabot::record]
struct Money {
    v: Decimal,
}

#[sabot::record]
struct FloatSum {
    total: f64,
}

#[sabot::record]
struct IntSum {
    total: i64,
}

#[sabot::record]
struct MoneySum {
    total: Decimal,
}

#[sabot::udf]
pub fn branchy(bid: f64, ask: f64, volume: i64) -> f64 {
    let mid = (bid + ask) / 2.0;
    if mid == 0.0 {
        return 0.0;
    }
    let spread = (ask - bid) / mid;
    if spread > 0.001 {
        spread * 10_000.0
    } else if volume > 500 {
        (mid * spread).abs().sqrt()
    } else {
        -spread
    }
}

fn normal_cdf(x: f64) -> f64 {
    let k = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let poly =
        k * (0.319_381_530 + k * (-0.356_563_782 + k * (1.781_477_937 + k * (-1.821_255_978 + k * 1.330_274_429))));
    let tail = 0.398_942_280_401 * (-x * x / 2.0).exp() * poly;
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[sabot::udf]
pub fn black_scholes(spot: f64, strike: f64, years: f64) -> f64 {
    let (rate, sigma) = (0.03, 0.2);
    let d1 = ((spot / strike).ln() + (rate + sigma * sigma / 2.0) * years) / (sigma * years.sqrt());
    let d2 = d1 - sigma * years.sqrt();
    spot * normal_cdf(d1) - strike * (-rate * years).exp() * normal_cdf(d2)
}

#[sabot::udf]
pub fn newton_root(x: f64) -> f64 {
    let mut guess = x / 2.0;
    for _ in 0..8 {
        guess = (guess + x / guess) / 2.0;
    }
    guess
}

#[sabot::udf]
pub fn haversine(lat: f64, lon: f64) -> f64 {
    let (home_lat, home_lon) = (52.52_f64.to_radians(), 13.405_f64.to_radians());
    let (lat, lon) = (lat.to_radians(), lon.to_radians());
    let a =
        ((lat - home_lat) / 2.0).sin().powi(2) + home_lat.cos() * lat.cos() * ((lon - home_lon) / 2.0).sin().powi(2);
    6371.0 * 2.0 * a.sqrt().atan2((1.0 - a).sqrt())
}

#[sabot::udf]
pub fn mix(id: i64) -> i64 {
    let mut x = id;
    x ^= x >> 33;
    x = x.wrapping_mul(-49_064_778_989_728_563);
    x ^= x >> 29;
    x.wrapping_mul(-4_265_267_296_055_464_877) >> 40
}

#[sabot::udf]
pub fn bucket(id: i64) -> i64 {
    let minute = id / 60 % 1440;
    (minute / 15) * 1000 + (id % 7) * 10 + (id >> 3) % 10
}

#[sabot::udf]
pub fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        let rest = a % b;
        a = b;
        b = rest;
    }
    a
}

#[sabot::udf]
pub fn classify(symbol: &str) -> i64 {
    match symbol {
        "AAPL" | "MSFT" | "GOOG" => 1,
        "XOM" | "CVX" => 2,
        s if s.starts_with("SYM00") => 3,
        s if s.ends_with('7') => 4,
        _ => 0,
    }
}

#[sabot::udf]
pub fn host_len(url: &str) -> i64 {
    let rest = url.split("://").nth(1).unwrap_or(url);
    let host = rest.split('/').next().unwrap_or("");
    host.len() as i64
}

#[sabot::udf]
pub fn status_of(line: &str) -> i64 {
    match regex!(r"status=(\d+)").capture(line, 1) {
        Some(status) => status.parse::<i64>().unwrap_or(-1),
        None => 0,
    }
}

#[sabot::udf]
pub fn day_text(at: Timestamp) -> i64 {
    at.format("%Y-%m-%d").len() as i64 + at.hour() as i64
}

#[sabot::udf]
pub fn price_of(json: &str) -> f64 {
    json_get_f64(json, "order.price").unwrap_or(0.0)
}

#[sabot::udf]
pub fn net(amount: Decimal, volume: i64) -> Decimal {
    let gross = amount * Decimal::from(volume);
    gross - gross * dec("0.19")
}

#[sabot::udf]
pub fn nested_option(tax: Option<f64>, discount: Option<f64>, price: f64) -> f64 {
    let net = match (tax, discount) {
        (Some(t), Some(d)) => price * (1.0 + t) * (1.0 - d),
        (Some(t), None) => price * (1.0 + t),
        (None, Some(d)) if d > 0.5 => price / 2.0,
        (None, Some(d)) => price * (1.0 - d),
        (None, None) => price,
    };
    if net > 1000.0 { 1000.0 } else { net }
}

#[sabot::udf]
pub fn luhn(card: &str) -> i64 {
    let mut sum = 0;
    for (i, b) in card.bytes().rev().enumerate() {
        let digit = (b - b'0') as i64;
        if i % 2 == 1 {
            let doubled = digit * 2;
            sum += if doubled > 9 { doubled - 9 } else { doubled };
        } else {
            sum += digit;
        }
    }
    if sum % 10 == 0 { 1 } else { 0 }
}

#[sabot::udf]
pub fn vowels(url: &str) -> i64 {
    url.chars().filter(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')).count() as i64
}

#[sabot::udf]
pub fn sum_of_list(list: &str) -> i64 {
    list.split(',').map(|part| part.trim().parse::<i64>().unwrap_or(0)).sum()
}

#[sabot::udf]
pub fn label_len(symbol: &str, id: i64) -> i64 {
    format!("{}-{:06}", symbol.to_lowercase(), id % 1_000_000).len() as i64
}

#[sabot::pipeline]
fn run_branchy() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Float { v: branchy(r.bid, r.ask, r.volume) })
        .aggregate(|g| FloatSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_black_scholes() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Float { v: black_scholes(r.spot, r.strike, r.years) })
        .aggregate(|g| FloatSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_newton_root() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Float { v: newton_root(r.spot) })
        .aggregate(|g| FloatSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_haversine() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Float { v: haversine(r.lat, r.lon) })
        .aggregate(|g| FloatSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_mix() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: mix(r.id) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_bucket() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: bucket(r.id) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_gcd() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: gcd(r.id, r.other) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_classify() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: classify(&r.symbol) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_host_len() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: host_len(&r.url) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_status_of() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: status_of(&r.line) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_day_text() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: day_text(r.at) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_price_of() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Float { v: price_of(&r.json) })
        .aggregate(|g| FloatSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_net() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Money { v: net(r.amount, r.volume) })
        .aggregate(|g| MoneySum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_nested_option() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Float { v: nested_option(r.tax, r.discount, r.spot) })
        .aggregate(|g| FloatSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_luhn() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: luhn(&r.card) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_vowels() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: vowels(&r.url) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_sum_of_list() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: sum_of_list(&r.list) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}

#[sabot::pipeline]
fn run_label_len() {
    source::<Row>("rows", arrow("rows.arrow"))
        .map(|r| Int { v: label_len(&r.symbol, r.id) })
        .aggregate(|g| IntSum { total: g.sum(|o| o.v) })
        .sink("answer", ndjson("answer.ndjson"));
}
