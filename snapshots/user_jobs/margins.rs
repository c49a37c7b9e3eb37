//! Options through and through; what overflows is left out.

use sabot::prelude::*;

#[sabot::record]
pub struct Sale {
    revenue: Option<i32>,
    cost: Option<i32>,
    units: Option<i32>,
}

#[sabot::record]
pub struct Margin {
    margin: Option<i32>,
    per_unit: Option<i32>,
    percent: f64,
    verdict: String,
    total: i32,
}

#[sabot::udf]
pub fn margin(revenue: Option<i32>, cost: Option<i32>) -> Option<i32> {
    revenue?.checked_sub(cost.unwrap_or_default())
}

#[sabot::udf]
pub fn per_unit(margin: Option<i32>, units: Option<i32>) -> Option<i32> {
    margin.and_then(|m| units.filter(|u| *u != 0).map(|u| m / u))
}

#[sabot::udf]
pub fn percent(margin: Option<i32>, revenue: Option<i32>) -> f64 {
    margin
        .zip(revenue)
        .filter(|(_, r)| *r > 0)
        .map_or(0.0, |(m, r)| f64::from(m) / f64::from(r) * 100.0)
}

#[sabot::udf]
pub fn verdict(margin: Option<i32>, percent: f64) -> String {
    if let Some(m @ 1..) = margin {
        let stars = (percent / 20.0) as usize;
        format!("{m} {}", "*".repeat(stars.min(5)))
    } else if margin.is_some_and(|m| m < 0) {
        "loss".into()
    } else {
        "nothing".into()
    }
}

#[sabot::pipeline]
pub fn margins() {
    source::<Sale>("rows", ndjson("rows.ndjson"))
        .map(|s| {
            let margin = margin(s.revenue, s.cost);
            let percent = percent(margin, s.revenue);
            Margin {
                margin,
                per_unit: per_unit(margin, s.units),
                percent,
                verdict: verdict(margin, percent),
                total: s.revenue.unwrap_or(0) * s.units.unwrap_or(1),
            }
        })
        .skip_errors()
        .sink("out", ndjson("out.ndjson"));
}
