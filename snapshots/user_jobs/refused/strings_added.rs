//! Outside of the job language: strings added.

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
fn greet(first: &str, last: &str) -> String {
    first + " " + last
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    greet(text, 5).len()
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
