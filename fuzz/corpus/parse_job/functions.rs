const N: f64 = -1.5e3;
#[sabot::udf(math = "fast")]
fn f(a: f64, b: Option<i64>) -> f64 {
    let m = (a + N) / 2.0;
    if let Some(x) = b && true { 0.0 } else { match b { Some(1..=9 | -1) if m > 0.0 => 1.0, None => f64::MAX, _ => m as f64 } }
}
#[sabot::pipeline]
fn j() { source::<R>("r", csv("r.csv")).map(|r| f(r.a, r.b)).sink("s", stdout()); }
