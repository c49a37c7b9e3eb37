//! Places that functions change: `&mut` parameters, names of places, `mem::swap` and `mem::replace`.

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
fn bump(x: &mut i64, by: i64) {
    *x = x.wrapping_add(by);
}
fn take_num(s: &mut &str) -> Option<i64> {
    let end = s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
    let (num, rest) = s.split_at(end);
    *s = rest;
    num.parse().ok()
}
#[sabot::udf]
pub fn f(text: &str, n: i64, _x: f64) -> String {
    let mut a = n;
    bump(&mut a, 5);
    let r = &mut a;
    *r = r.wrapping_mul(3);
    let mut s = text;
    let t = take_num(&mut s);
    let mut arr = [1, 2, 3];
    let cell = &mut arr[1];
    *cell += 10;
    let (mut p, mut q) = (1, 2);
    std::mem::swap(&mut p, &mut q);
    let old = std::mem::replace(&mut p, 7);
    format!("{a} {t:?} {s} {arr:?} {p} {q} {old}")
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
