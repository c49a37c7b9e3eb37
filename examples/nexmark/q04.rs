//! Nexmark q4: the average closing price of each category.

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
struct Offer {
    auction: i64,
    category: i64,
    begun: Timestamp,
    expires: Timestamp,
    price: i64,
    made: Timestamp,
}

#[sabot::record]
struct Closed {
    category: i64,
    price: i64,
}

#[sabot::record]
struct Average {
    category: i64,
    price: f64,
}

/// The mean of the highest bids that came in time, by the category of their auctions.
#[sabot::pipeline]
pub fn q04() {
    let auctions = source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .event_time(|a| a.date_time, lateness(seconds(0)));
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.hash_join(auctions)
        .on(|b| b.auction, |a| a.id)
        .map(|b, a| Offer {
            auction: a.id,
            category: a.category,
            begun: a.date_time,
            expires: a.expires,
            price: b.price,
            made: b.date_time,
        })
        .filter(|o| o.made >= o.begun && o.made <= o.expires)
        .key_by(|o| (o.auction, o.category))
        .aggregate(|g| Closed { category: g.key().1, price: g.max(|o| o.price) })
        .key_by(|c| c.category)
        .aggregate(|g| Average { category: g.key(), price: g.avg(|c| c.price) })
        .sink("result", ndjson("q04.ndjson"));
}
