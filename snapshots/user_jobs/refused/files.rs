//! Outside of the job language: files.

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
    let list = std::fs::read_to_string("list.txt").unwrap_or_default();
    let home = std::env::var("HOME").unwrap();
    list.lines().filter(|line| *line == text).count() as i64 + home.len() as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
