//! Outside of the job language: mixed types.

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
    let len = text.len();
    let half: f64 = len / 2;
    let small: i32 = 7;
    let total: i64 = small + 3i64;
    if half > 1 { total } else { small }
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
