//! Nexmark q2: the bids for some auctions.

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
struct Chosen {
    auction: i64,
    price: i64,
}

/// Auction and price of the bids for every 123rd auction.
#[sabot::pipeline]
pub fn q02() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.filter(|b| b.auction % 123 == 0)
        .map(|b| Chosen { auction: b.auction, price: b.price })
        .sink("result", ndjson("q02.ndjson"));
}
