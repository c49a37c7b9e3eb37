//! Outside of the job language: traits.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

trait Score {
    fn score(&self) -> i64;
}

impl Score for In {
    fn score(&self) -> i64 {
        self.text.len() as i64
    }
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    text.len() as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
