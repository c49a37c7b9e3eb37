//! Outside of the job language: borrowed record.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

#[sabot::record]
struct Word<'a> {
    text: &'a str,
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    text.len() as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
