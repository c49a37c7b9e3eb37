//! Nexmark q18: the last bid of each bidder for each auction.

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

/// One row a pair.
#[sabot::pipeline]
pub fn q18() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.key_by(|b| (b.bidder, b.auction)).top_n(1, |b| b.date_time).sink("result", ndjson("q18.ndjson"));
}
