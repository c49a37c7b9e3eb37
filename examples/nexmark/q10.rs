//! Nexmark q10: the bids with day and minute, as a log keeps them.

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
struct Logged {
    auction: i64,
    bidder: i64,
    price: i64,
    date_time: Timestamp,
    extra: String,
    day: String,
    minute: String,
}

/// The bids, and the parts of their time that their files are named by.
#[sabot::pipeline]
pub fn q10() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.map(|b| Logged {
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        date_time: b.date_time,
        extra: b.extra,
        day: b.date_time.format("%Y-%m-%d"),
        minute: b.date_time.format("%H:%M"),
    })
    .sink("result", ndjson("q10.ndjson"));
}
