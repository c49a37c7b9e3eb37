//! Nexmark q12: how many bids each bidder made in ten seconds by the clock of the machine.

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
struct Bids {
    bidder: i64,
    bids: i64,
    start: Timestamp,
    end: Timestamp,
}

/// Windows of processing time: which bids fall into which depends on when they are read.
#[sabot::pipeline]
pub fn q12() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.key_by(|b| b.bidder)
        .window(tumbling(seconds(10)).processing_time())
        .aggregate(|w| Bids { bidder: w.key(), bids: w.count(), start: w.start(), end: w.end() })
        .sink("result", ndjson("q12.ndjson"));
}
