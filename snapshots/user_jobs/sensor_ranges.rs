//! Generic helpers, tuples and slices.

use sabot::prelude::*;

#[sabot::record]
pub struct Sample {
    a: f64,
    b: f64,
    c: f64,
    level: i32,
}

#[sabot::record]
pub struct Range {
    pub low: f64,
    pub high: f64,
    pub mean: f64,
    pub level: i32,
    pub first_above: Option<u32>,
}

fn limit<T: PartialOrd>(value: T, low: T, high: T) -> T {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

#[sabot::udf]
pub fn range(values: &[f64]) -> (f64, f64) {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for &value in values {
        low = low.min(value);
        high = high.max(value);
    }
    (low, high)
}

#[sabot::udf]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[sabot::udf]
pub fn summary(a: f64, b: f64, c: f64, level: i32) -> Range {
    let values = vec![a, b, c];
    let (low, high) = range(&values);
    Range {
        low: limit(low, -100.0, 100.0),
        high: limit(high, -100.0, 100.0),
        mean: mean(&values),
        level: limit(level, 0, 10),
        first_above: values.iter().position(|v| *v > 50.0).map(|at| at as u32),
    }
}

#[sabot::pipeline]
pub fn sensor_ranges() {
    source::<Sample>("rows", ndjson("rows.ndjson"))
        .map(|s| summary(s.a, s.b, s.c, s.level))
        .sink("out", ndjson("out.ndjson"));
}
