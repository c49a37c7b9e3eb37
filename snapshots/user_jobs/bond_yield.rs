//! The yield of a bond by Newton's method.

use sabot::prelude::*;

#[sabot::record]
pub struct Bond {
    price: f64,
    coupon: f64,
    years: i32,
}

#[sabot::record]
pub struct Yield {
    percent: Option<f64>,
    steps: i32,
}

#[sabot::udf]
pub fn present_value(coupon: f64, years: i32, rate: f64) -> f64 {
    let mut value = 0.0;
    for year in 1..=years {
        value += coupon / (1.0 + rate).powi(year);
    }
    value + 100.0 / (1.0 + rate).powi(years)
}

#[sabot::udf]
pub fn bond_yield(price: f64, coupon: f64, years: i32) -> (Option<f64>, i32) {
    let mut rate = 0.05;
    let mut steps = 0;
    loop {
        let error = present_value(coupon, years, rate) - price;
        if error.abs() < 1e-9 {
            return (Some(rate), steps);
        }
        steps += 1;
        if steps > 100 {
            break;
        }
        let slope = (present_value(coupon, years, rate + 1e-6) - present_value(coupon, years, rate - 1e-6)) / 2e-6;
        rate -= error / slope;
        if !rate.is_finite() || rate <= -1.0 {
            break;
        }
    }
    (None, steps)
}

#[sabot::pipeline]
pub fn bonds() {
    source::<Bond>("rows", ndjson("rows.ndjson"))
        .map(|b| {
            let (rate, steps) = bond_yield(b.price, b.coupon, b.years);
            Yield { percent: rate.map(|r| (r * 1e6).round() / 1e4), steps }
        })
        .sink("out", ndjson("out.ndjson"));
}
