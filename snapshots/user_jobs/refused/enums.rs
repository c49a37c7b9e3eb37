//! Outside of the job language: enums.

use sabot::prelude::*;

#[sabot::record]
struct In {
    text: String,
}

#[sabot::record]
struct Out {
    n: i64,
}

enum Kind {
    Short,
    Long(i64),
}

fn kind(text: &str) -> Kind {
    if text.len() < 5 { Kind::Short } else { Kind::Long(text.len() as i64) }
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    match kind(text) {
        Kind::Short => 0,
        Kind::Long(n) => n,
    }
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
