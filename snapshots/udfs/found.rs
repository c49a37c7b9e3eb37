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

fn long_or_itself(text: String) -> String {
    if text.len() > 3 { "long".to_string() } else { text }
}

#[sabot::udf]
fn if_let_of_some_keeps_every_use_of_what_it_binds(t: String, s: String) -> String {
    if let Some(known) = Some(t) { long_or_itself(known) } else { s }
}
