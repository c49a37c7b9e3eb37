//! Sides of a trade: an `enum` with a method, and its number.

use sabot::prelude::*;
#[sabot::record]
pub struct In {
    text: String,
    n: i64,
    x: f64,
}
#[sabot::record]
pub struct Out {
    o: String,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Buy,
    Sell,
    Short,
}
impl Side {
    fn parse(s: &str) -> Option<Side> {
        match s {
            "B" | "b" => Some(Side::Buy),
            "S" | "s" => Some(Side::Sell),
            "SS" => Some(Self::Short),
            _ => None,
        }
    }
    fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell | Side::Short => -1,
        }
    }
}
#[sabot::udf]
pub fn f(text: &str, n: i64, _x: f64) -> String {
    let Some(side) = Side::parse(text) else { return "none".into() };
    let is = side == Side::Buy || matches!(side, Side::Short);
    format!("{:?} {} {} {}", side, side.sign() * (n % 1000), is, side as i32)
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
