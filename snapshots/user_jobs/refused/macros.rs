//! Outside of the job language: macros.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

macro_rules! twice {
    ($x:expr) => { $x * 2 };
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    twice!(text.len() as i64)
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
