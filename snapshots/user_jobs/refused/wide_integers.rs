//! Outside of the job language: wide integers.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    let wide: u128 = text.len() as u128 * 10u128.pow(20);
    (wide % 97) as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
