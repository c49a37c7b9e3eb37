//! Outside of the job language: boxed.

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
    let rules: Vec<Box<dyn Fn(&str) -> bool>> = vec![Box::new(|t| t.is_empty())];
    rules.iter().filter(|rule| rule(text)).count() as i64
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
