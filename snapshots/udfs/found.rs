//! Every function here once meant something else in one of the worlds.

#[sabot::udf]
fn then_some_evaluates_its_argument(flag: bool, a: i64) -> Option<i64> {
    let unused = flag.then_some(-a);
    if a > 0 { unused } else { flag.then_some(a / 2) }
}

#[sabot::udf]
fn then_evaluates_its_closure_only_if_true(flag: bool, a: i64, b: i64) -> Option<i64> {
    flag.then(|| a / b)
}
