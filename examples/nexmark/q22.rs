//! Nexmark q22: the bids with the folders of their address.

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
struct Folders {
    auction: i64,
    bidder: i64,
    price: i64,
    channel: String,
    dir1: String,
    dir2: String,
    dir3: String,
}

#[sabot::udf]
fn part(url: &str, at: usize) -> String {
    url.split('/').nth(at).unwrap_or("").to_string()
}

/// The parts of the address between its slashes.
#[sabot::pipeline]
pub fn q22() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.map(|b| Folders {
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        channel: b.channel,
        dir1: part(&b.url, 3),
        dir2: part(&b.url, 4),
        dir3: part(&b.url, 5),
    })
    .sink("result", ndjson("q22.ndjson"));
}
