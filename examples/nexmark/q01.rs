//! Nexmark q1: the bids in euros.

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
struct Converted {
    auction: i64,
    bidder: i64,
    price: f64,
    date_time: Timestamp,
    extra: String,
}

/// The bids with their prices converted.
#[sabot::pipeline]
pub fn q01() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.map(|b| Converted {
        auction: b.auction,
        bidder: b.bidder,
        price: 0.908 * b.price as f64,
        date_time: b.date_time,
        extra: b.extra,
    })
    .sink("result", ndjson("q01.ndjson"));
}
