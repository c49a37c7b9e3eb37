//! Prices after tiers, coupons and a cap.

use sabot::prelude::*;

const TIERS: [(i64, f64); 4] = [(0, 0.0), (10, 0.05), (50, 0.1), (200, 0.175)];
const MAX_DISCOUNT: f64 = 0.30;

#[sabot::record]
pub struct Line {
    quantity: i64,
    unit_price: f64,
    coupon: Option<String>,
    loyal: bool,
}

#[sabot::record]
pub struct Priced {
    rate: f64,
    total: f64,
    note: String,
}

#[sabot::udf]
pub fn tier_rate(quantity: i64) -> f64 {
    let mut rate = 0.0;
    for (from, tier) in TIERS {
        if quantity >= from {
            rate = tier;
        }
    }
    rate
}

#[sabot::udf]
pub fn coupon_rate(coupon: Option<&str>, loyal: bool) -> f64 {
    match coupon {
        Some("WELCOME") if !loyal => 0.1,
        Some("VIP") if loyal => 0.2,
        Some(code) if code.starts_with("SAVE") => {
            let percent = code[4..].parse::<u32>().unwrap_or(0);
            f64::from(percent.min(50)) / 100.0
        }
        Some(_) | None => 0.0,
    }
}

#[sabot::udf]
pub fn rate(quantity: i64, coupon: Option<&str>, loyal: bool) -> f64 {
    (tier_rate(quantity) + coupon_rate(coupon, loyal)).clamp(0.0, MAX_DISCOUNT)
}

#[sabot::udf]
pub fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

#[sabot::pipeline]
pub fn discounts() {
    source::<Line>("rows", ndjson("rows.ndjson"))
        .filter(|l| l.quantity > 0)
        .map(|l| {
            let rate = rate(l.quantity, l.coupon.as_deref(), l.loyal);
            let total = cents(l.quantity as f64 * l.unit_price * (1.0 - rate));
            Priced { rate, total, note: format!("{}x at -{:.1}% = {:.2}", l.quantity, rate * 100.0, total) }
        })
        .sink("out", ndjson("out.ndjson"));
}
