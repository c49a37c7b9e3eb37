//! Outside of the job language: hash map.

use sabot::prelude::*;
use std::collections::HashMap;

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
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for word in text.split(' ') {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts.into_iter().fold(0, |all, (word, n)| all * 31 + n + word.len() as i64)
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
