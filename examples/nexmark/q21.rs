//! Nexmark q21: the bids with the number of their channel.

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
struct Channelled {
    auction: i64,
    bidder: i64,
    price: i64,
    channel: String,
    channel_id: String,
}

#[sabot::udf]
fn channel_id<'a>(channel: &str, url: &'a str) -> Option<&'a str> {
    match channel.to_lowercase().as_str() {
        "apple" => Some("0"),
        "google" => Some("1"),
        "facebook" => Some("2"),
        "baidu" => Some("3"),
        _ => regex!(r"(?:&|^)channel_id=([^&]*)").capture(url, 1),
    }
}

/// Those whose channel is well known, or whose address names it.
#[sabot::pipeline]
pub fn q21() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    bids.filter_map(|b| {
        let channel_id = channel_id(&b.channel, &b.url)?.to_string();
        Some(Channelled { auction: b.auction, bidder: b.bidder, price: b.price, channel: b.channel, channel_id })
    })
    .sink("result", ndjson("q21.ndjson"));
}
