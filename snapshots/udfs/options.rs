//! `Option`s: taking them apart, handing them on, and what is left when there is nothing.

#[sabot::udf]
fn or_else(o: Option<i64>, a: i64) -> i64 {
    o.unwrap_or(a)
}

#[sabot::udf]
fn mapped(p: Option<f64>) -> Option<f64> {
    p.map(|value| value * 2.0).filter(|value| *value > 0.0)
}

#[sabot::udf]
fn chained(o: Option<i64>, b: i64) -> Option<i64> {
    o.and_then(|value| value.checked_div(b)).or(Some(b))
}

#[sabot::udf]
fn both(o: Option<i64>, p: Option<f64>) -> Option<f64> {
    match (o, p) {
        (Some(a), Some(b)) => Some(a as f64 + b),
        (Some(a), None) => Some(a as f64),
        (None, Some(b)) => Some(b),
        (None, None) => None,
    }
}

#[sabot::udf]
fn matched(o: Option<i64>) -> i64 {
    match o {
        Some(0) => 0,
        Some(value) if value < 0 => -1,
        Some(1..=10) => 1,
        Some(_) => 2,
        None => 3,
    }
}

#[sabot::udf]
fn if_let(p: Option<f64>, x: f64) -> f64 {
    if let Some(value) = p { value - x } else { x }
}

#[sabot::udf]
fn text_or(q: Option<String>, s: String) -> String {
    q.unwrap_or(s)
}

#[sabot::udf]
fn named(q: Option<String>) -> bool {
    q.is_some_and(|text| text.starts_with("a"))
}

#[sabot::udf]
fn lazily(o: Option<i64>, a: i64, b: i64) -> i64 {
    o.unwrap_or_else(|| a / b)
}

#[sabot::udf]
fn folded(o: Option<i64>) -> i64 {
    o.map_or(-1, |value| value / 2)
}

#[sabot::udf]
fn present(o: Option<i64>, q: Option<String>) -> bool {
    o.is_some() && q.is_none()
}
