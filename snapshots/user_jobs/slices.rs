//! Patterns of slices.

use sabot::prelude::*;
#[sabot::record]
pub struct In {
    text: String,
    n: i64,
    x: f64,
}
#[sabot::record]
pub struct Out {
    o: String,
}
#[sabot::udf]
pub fn f(text: &str, _n: i64, _x: f64) -> String {
    let parts: Vec<&str> = text.split(',').collect();
    match parts.as_slice() {
        [] => "empty".to_string(),
        [one] => format!("one {one}"),
        [first, .., last] if first == last => format!("same {first}"),
        [a, b] => format!("two {a} {b}"),
        [a, rest @ ..] => format!("{a}+{}", rest.len()),
    }
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
