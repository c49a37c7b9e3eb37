//! Nexmark q11: how many bids each bidder made in one go.

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
struct Session {
    bidder: i64,
    bids: i64,
    start: Timestamp,
    end: Timestamp,
}

/// A bidder who makes no bid for ten seconds begins anew.
#[sabot::pipeline]
pub fn q11() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.key_by(|b| b.bidder)
        .window(session(seconds(10)))
        .aggregate(|w| Session { bidder: w.key(), bids: w.count(), start: w.start(), end: w.end() })
        .sink("result", ndjson("q11.ndjson"));
}
