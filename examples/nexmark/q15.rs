//! Nexmark q15: bids, bidders and auctions of each day.

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
struct Day {
    day: String,
    total_bids: i64,
    rank1_bids: i64,
    rank2_bids: i64,
    rank3_bids: i64,
    total_bidders: i64,
    rank1_bidders: i64,
    rank2_bidders: i64,
    rank3_bidders: i64,
    total_auctions: i64,
    rank1_auctions: i64,
    rank2_auctions: i64,
    rank3_auctions: i64,
}

/// Cheap, middling, or dear.
#[sabot::udf]
fn rank(price: i64) -> i64 {
    match price {
        ..10_000 => 1,
        10_000..1_000_000 => 2,
        _ => 3,
    }
}

/// Counted together and by rank of price.
#[sabot::pipeline]
pub fn q15() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.key_by(|b| b.date_time.format("%Y-%m-%d"))
        .aggregate(|g| Day {
            day: g.key(),
            total_bids: g.count(),
            rank1_bids: g.count_if(|b| rank(b.price) == 1),
            rank2_bids: g.count_if(|b| rank(b.price) == 2),
            rank3_bids: g.count_if(|b| rank(b.price) == 3),
            total_bidders: g.count_distinct(|b| b.bidder),
            rank1_bidders: g.count_distinct_if(|b| b.bidder, |b| rank(b.price) == 1),
            rank2_bidders: g.count_distinct_if(|b| b.bidder, |b| rank(b.price) == 2),
            rank3_bidders: g.count_distinct_if(|b| b.bidder, |b| rank(b.price) == 3),
            total_auctions: g.count_distinct(|b| b.auction),
            rank1_auctions: g.count_distinct_if(|b| b.auction, |b| rank(b.price) == 1),
            rank2_auctions: g.count_distinct_if(|b| b.auction, |b| rank(b.price) == 2),
            rank3_auctions: g.count_distinct_if(|b| b.auction, |b| rank(b.price) == 3),
        })
        .sink("result", ndjson("q15.ndjson"));
}
