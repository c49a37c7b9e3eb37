//! Nexmark q6: what the last ten auctions of each seller brought on average.

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
    seller: i64,
    begun: Timestamp,
    expires: Timestamp,
    price: i64,
    made: Timestamp,
}

#[sabot::record]
struct Closed {
    auction: i64,
    seller: i64,
    expires: Timestamp,
    price: i64,
}

#[sabot::record]
struct Average {
    seller: i64,
    price: f64,
}

/// The mean of the highest bids of the ten auctions of a seller that closed last.
#[sabot::pipeline]
pub fn q06() {
    let auctions = source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .event_time(|a| a.date_time, lateness(seconds(0)));
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.hash_join(auctions)
        .on(|b| b.auction, |a| a.id)
        .map(|b, a| Offer {
            auction: a.id,
            seller: a.seller,
            begun: a.date_time,
            expires: a.expires,
            price: b.price,
            made: b.date_time,
        })
        .filter(|o| o.made >= o.begun && o.made <= o.expires)
        .key_by(|o| (o.auction, o.seller, o.expires))
        .aggregate(|g| Closed { auction: g.key().0, seller: g.key().1, expires: g.key().2, price: g.max(|o| o.price) })
        .key_by(|c| c.seller)
        .top_n(10, |c| (c.expires, c.auction))
        .key_by(|c| c.seller)
        .aggregate(|g| Average { seller: g.key(), price: g.avg(|c| c.price) })
        .sink("result", ndjson("q06.ndjson"));
}
