//! Nexmark q7: the highest bids of every ten seconds.

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
struct Highest {
    window_end: Timestamp,
    price: i64,
}

#[sabot::record]
struct Winner {
    auction: i64,
    price: i64,
    bidder: i64,
    date_time: Timestamp,
    extra: String,
}

/// Of bids that are equally high, all.
#[sabot::pipeline]
pub fn q07() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    let highest =
        bids.window(tumbling(seconds(10))).aggregate(|w| Highest { window_end: w.end(), price: w.max(|b| b.price) });

    bids.hash_join(highest)
        .on(|b| b.price, |h| h.price)
        .window(tumbling(seconds(10)))
        .map(|b, _h| Winner {
            auction: b.auction,
            price: b.price,
            bidder: b.bidder,
            date_time: b.date_time,
            extra: b.extra,
        })
        .sink("result", ndjson("q07.ndjson"));
}
