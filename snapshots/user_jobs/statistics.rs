//! A struct of functions alone, with `Default` and methods that change it.

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
#[derive(Default, Clone, Copy, Debug)]
struct Stats {
    n: u32,
    sum: f64,
    sumsq: f64,
}
impl Stats {
    fn add(&mut self, x: f64) {
        self.n += 1;
        self.sum += x;
        self.sumsq += x * x;
    }
    fn var(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.sumsq - self.sum * self.sum / self.n as f64) / (self.n - 1) as f64)
    }
}
#[sabot::udf]
pub fn f(text: &str, n: i64, _x: f64) -> String {
    let mut st = Stats::default();
    for p in text.split(',') {
        if let Ok(v) = p.parse() {
            st.add(v);
        }
    }
    let v = st.var().map(f64::sqrt);
    format!("{:?} {}", v, st.n)
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
