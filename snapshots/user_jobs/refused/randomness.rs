//! Outside of the job language: randomness.

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
    let noise: f64 = rand::random();
    (text.len() as f64 * noise) as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
