//! Outside of the job language: mutable argument.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

fn add(total: &mut i64, text: &str) {
    *total += text.len() as i64;
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    let mut total = 0;
    add(&mut total, text);
    total
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
