//! Nexmark q19: the ten highest bids of each auction.

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

/// Of equal ones the first.
#[sabot::pipeline]
pub fn q19() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.key_by(|b| b.auction).top_n(10, |b| b.price).sink("result", ndjson("q19.ndjson"));
}
