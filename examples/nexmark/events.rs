//! The events of the benchmark as files.

use sabot::prelude::*;

#[sabot::record]
struct Person {
    id: i64,
    name: String,
    email_address: String,
    credit_card: String,
    city: String,
    state: String,
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
struct Bid {
    auction: i64,
    bidder: i64,
    price: i64,
    channel: String,
    url: String,
    date_time: Timestamp,
    extra: String,
}

/// Persons, auctions and bids, each in a file of its own.
#[sabot::pipeline]
pub fn events() {
    source::<Person>("persons", nexmark().persons().events(1_000_000)).sink("persons_file", parquet("persons.parquet"));
    source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .sink("auctions_file", parquet("auctions.parquet"));
    source::<Bid>("bids", nexmark().bids().events(1_000_000)).sink("bids_file", parquet("bids.parquet"));
}
