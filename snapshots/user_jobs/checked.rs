//! A number with what is wrong about it: `Result` with an `enum` as error.

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
#[derive(Debug, PartialEq)]
enum ParseError {
    Empty,
    BadNumber(String),
    Range { value: i64, max: i64 },
}
fn parse(s: &str) -> Result<i64, ParseError> {
    if s.is_empty() {
        return Err(ParseError::Empty);
    }
    let v: i64 = s.parse().map_err(|_| ParseError::BadNumber(s.to_string()))?;
    if v > 100 { Err(ParseError::Range { value: v, max: 100 }) } else { Ok(v) }
}
#[sabot::udf]
pub fn f(text: &str, _n: i64, _x: f64) -> String {
    match parse(text) {
        Ok(v) => format!("ok {v}"),
        Err(ParseError::Empty) => "empty".into(),
        Err(ParseError::BadNumber(s)) => format!("bad {s}"),
        Err(ParseError::Range { value, .. }) => format!("range {value}"),
    }
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
