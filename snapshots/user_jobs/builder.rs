//! A builder, and methods that change their record.

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
#[derive(Clone, Debug, PartialEq)]
#[sabot::record]
struct Spec {
    name: String,
    width: i64,
    flags: Vec<i64>,
}
impl Spec {
    fn new(name: &str) -> Self {
        Self { name: name.to_string(), width: 0, flags: Vec::new() }
    }
    fn width(mut self, w: i64) -> Self {
        self.width = w;
        self
    }
    fn flag(mut self, f: i64) -> Self {
        self.flags.push(f);
        self
    }
    fn total(&self) -> i64 {
        self.width + self.flags.iter().sum::<i64>()
    }
    fn bump(&mut self) {
        self.width += 1;
    }
}
#[sabot::udf]
pub fn f(text: &str, n: i64, _x: f64) -> String {
    let mut s = Spec::new(text).width(n % 100).flag(1).flag(2);
    s.bump();
    s.bump();
    format!("{} {} {:?}", s.name, s.total(), s)
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
