//! Outside of the job language: statics.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

static mut COUNTER: i64 = 0;

#[sabot::udf]
fn f(text: &str) -> i64 {
    unsafe {
        COUNTER += 1;
    }
    text.len() as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
