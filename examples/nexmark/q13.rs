//! Nexmark q13: the bids with what a table says of their auctions.

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
struct Side {
    key: i64,
    value: String,
}

#[sabot::record]
struct Enriched {
    auction: i64,
    bidder: i64,
    price: i64,
    date_time: Timestamp,
    value: String,
}

/// The bids beside a bounded table.
#[sabot::pipeline]
pub fn q13() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));
    let side = table::<Side>("side", csv("input/side.csv")).primary_key(|s| s.key);

    bids.hash_join(side)
        .on(|b| b.auction % 1000, |s| s.key)
        .map(|b, s| Enriched {
            auction: b.auction,
            bidder: b.bidder,
            price: b.price,
            date_time: b.date_time,
            value: s.value,
        })
        .sink("result", ndjson("q13.ndjson"));
}
