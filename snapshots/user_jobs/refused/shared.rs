//! Outside of the job language: shared.

use sabot::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

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
    let total = Rc::new(RefCell::new(0));
    *total.borrow_mut() += text.len() as i64;
    let sum = *total.borrow();
    sum
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", ndjson("rows.ndjson")).map(|r| Out { n: f(&r.text) }).sink("out", ndjson("out.ndjson"));
}
