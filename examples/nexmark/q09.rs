//! Nexmark q9: the winning bid of each auction.

use sabot::prelude::*;

#[sabot::record]
struct Auction {
    id: i64,
    item_name: String,
    description: String,
    initial_bid: i64,
    reserve: i64,
    date_time: Timestamp,
    expires: Timestamp,
    seller: i64,
    category: i64,
    extra: String,
}

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
struct Winning {
    id: i64,
    item_name: String,
    description: String,
    initial_bid: i64,
    reserve: i64,
    date_time: Timestamp,
    expires: Timestamp,
    seller: i64,
    category: i64,
    extra: String,
    auction: i64,
    bidder: i64,
    price: i64,
    bid_date_time: Timestamp,
    bid_extra: String,
}

/// The highest that came in time, of equal ones the first.
#[sabot::pipeline]
pub fn q09() {
    let auctions = source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .event_time(|a| a.date_time, lateness(seconds(0)));
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.hash_join(auctions)
        .on(|b| b.auction, |a| a.id)
        .map(|b, a| Winning {
            id: a.id,
            item_name: a.item_name,
            description: a.description,
            initial_bid: a.initial_bid,
            reserve: a.reserve,
            date_time: a.date_time,
            expires: a.expires,
            seller: a.seller,
            category: a.category,
            extra: a.extra,
            auction: b.auction,
            bidder: b.bidder,
            price: b.price,
            bid_date_time: b.date_time,
            bid_extra: b.extra,
        })
        .filter(|w| w.bid_date_time >= w.date_time && w.bid_date_time <= w.expires)
        .key_by(|w| w.id)
        .top_n(1, |w| (w.price, -w.bid_date_time.as_micros()))
        .sink("result", ndjson("q09.ndjson"));
}
