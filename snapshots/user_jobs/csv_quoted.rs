//! Fields of a CSV line, with quotes.

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
    let mut fields: Vec<String> = Vec::new();
    let mut cur = String::new();
    let mut quoted = false;
    let mut it = text.chars().peekable();
    while let Some(c) = it.next() {
        match (c, quoted) {
            ('"', true) if it.peek() == Some(&'"') => {
                cur.push('"');
                it.next();
            }
            ('"', _) => quoted = !quoted,
            (',', false) => fields.push(std::mem::take(&mut cur)),
            (c, _) => cur.push(c),
        }
    }
    fields.push(cur);
    fields.join("¦")
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
