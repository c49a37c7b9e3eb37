use sabot::prelude::*;

#[sabot::record]
struct In {
    a: i64,
}

#[sabot::udf]
fn f(a: i64) -> i64 {
    let mut left = a;
    while left > loop {} {
        left -= 1;
    }
    if loop {} == 1 { left << loop {} } else { loop {} + return 3 }
}

#[sabot::pipeline]
fn job() {
    source::<In>("rows", csv("rows.csv")).map(|r| In { a: f(r.a) }).sink("out", csv("out.csv"));
}
