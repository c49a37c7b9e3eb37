//! Outside of the job language: results.

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
fn parse(text: &str) -> Result<i64, std::num::ParseIntError> {
    let n = text.trim().parse::<i64>()?;
    Ok(n * 2)
}

#[sabot::udf]
fn f(text: &str) -> i64 {
    match parse(text) {
        Ok(n) => n,
        Err(_) => 0,
    }
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
