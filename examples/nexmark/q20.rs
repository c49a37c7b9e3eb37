//! Nexmark q20: the bids for auctions of category 10.

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
struct Expanded {
    auction: i64,
    bidder: i64,
    price: i64,
    channel: String,
    url: String,
    bid_date_time: Timestamp,
    bid_extra: String,
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

/// Each with all that is known of its auction.
#[sabot::pipeline]
pub fn q20() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));
    let auctions = source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .event_time(|a| a.date_time, lateness(seconds(0)));

    bids.hash_join(auctions.filter(|a| a.category == 10))
        .on(|b| b.auction, |a| a.id)
        .map(|b, a| Expanded {
            auction: b.auction,
            bidder: b.bidder,
            price: b.price,
            channel: b.channel,
            url: b.url,
            bid_date_time: b.date_time,
            bid_extra: b.extra,
            item_name: a.item_name,
            description: a.description,
            initial_bid: a.initial_bid,
            reserve: a.reserve,
            date_time: a.date_time,
            expires: a.expires,
            seller: a.seller,
            category: a.category,
            extra: a.extra,
        })
        .sink("result", ndjson("q20.ndjson"));
}
