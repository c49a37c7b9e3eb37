//! Run lengths, written with `write!`.

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
    use std::fmt::Write;
    let mut out = String::new();
    let chars: Vec<char> = text.chars().collect();
    let mut i = 0;
    while i < chars.len() {
        let mut j = i;
        while j < chars.len() && chars[j] == chars[i] {
            j += 1;
        }
        let _ = write!(out, "{}{}", j - i, chars[i]);
        i = j;
    }
    write!(&mut out, "!").unwrap();
    writeln!(out).unwrap();
    out
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
