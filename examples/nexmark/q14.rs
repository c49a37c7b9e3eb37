//! Nexmark q14: calculations: prices, times of day, letters.

use sabot::prelude::*;

#[sabot::record]
struct Bid {
    auction: i64,
    bidder: i64,
    price: i64,
    channel: String,
    url: String,
    date_time: Timestamp,
    extra: String,
}

#[sabot::record]
struct Calculated {
    auction: i64,
    bidder: i64,
    price: f64,
    bid_time: String,
    date_time: Timestamp,
    extra: String,
    c_counts: i64,
}

#[sabot::udf]
fn in_euros(price: i64) -> f64 {
    0.908 * price as f64
}

#[sabot::udf]
fn time_of_day(hour: u32) -> &'static str {
    match hour {
        8..=18 => "dayTime",
        0..=6 | 20..=23 => "nightTime",
        _ => "otherTime",
    }
}

#[sabot::udf]
fn count_char(text: &str, wanted: char) -> i64 {
    text.chars().filter(|c| *c == wanted).count() as i64
}

/// The bids of a middling price.
#[sabot::pipeline]
pub fn q14() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.filter(|b| in_euros(b.price) > 1_000_000.0 && in_euros(b.price) < 50_000_000.0)
        .map(|b| Calculated {
            auction: b.auction,
            bidder: b.bidder,
            price: in_euros(b.price),
            bid_time: time_of_day(b.date_time.hour()).to_string(),
            date_time: b.date_time,
            c_counts: count_char(&b.extra, 'c'),
            extra: b.extra,
        })
        .sink("result", ndjson("q14.ndjson"));
}
