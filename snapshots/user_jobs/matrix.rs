//! A list of lists, changed in its place.

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
pub fn f(_text: &str, _n: i64, _x: f64) -> String {
    const N: usize = 3;
    let mut m = [[0i64; N]; N];
    for i in 0..N {
        for j in 0..N {
            m[i][j] = (i * N + j) as i64;
        }
    }
    for row in m.iter_mut() {
        for c in row.iter_mut() {
            *c += 1;
        }
    }
    let t: i64 = (0..N).map(|i| m[i][i]).sum();
    let col: Vec<i64> = m.iter().map(|r| r[1]).collect();
    format!("{t} {col:?} {}", m.iter().flatten().sum::<i64>())
}

#[sabot::pipeline]
pub fn job() {
    source::<In>("rows", ndjson("rows.ndjson"))
        .map(|r| Out { o: f(&r.text, r.n, r.x) })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
