//! Nexmark q17: bids and prices of each auction and day.

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
struct OfDay {
    auction: i64,
    day: String,
    total_bids: i64,
    rank1_bids: i64,
    rank2_bids: i64,
    rank3_bids: i64,
    min_price: i64,
    max_price: i64,
    avg_price: f64,
    sum_price: i64,
}

/// Cheap, middling, or dear.
#[sabot::udf]
fn rank(price: i64) -> i64 {
    match price {
        ..10_000 => 1,
        10_000..1_000_000 => 2,
        _ => 3,
    }
}

/// Counts by rank of price, and the prices themselves.
#[sabot::pipeline]
pub fn q17() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.key_by(|b| (b.auction, b.date_time.format("%Y-%m-%d")))
        .aggregate(|g| OfDay {
            auction: g.key().0,
            day: g.key().1,
            total_bids: g.count(),
            rank1_bids: g.count_if(|b| rank(b.price) == 1),
            rank2_bids: g.count_if(|b| rank(b.price) == 2),
            rank3_bids: g.count_if(|b| rank(b.price) == 3),
            min_price: g.min(|b| b.price),
            max_price: g.max(|b| b.price),
            avg_price: g.avg(|b| b.price),
            sum_price: g.sum(|b| b.price),
        })
        .sink("result", ndjson("q17.ndjson"));
}
