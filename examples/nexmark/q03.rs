//! Nexmark q3: who sells in category 10 in three states.

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
struct Seller {
    name: String,
    city: String,
    state: String,
    auction: i64,
}

/// The sellers from Oregon, Idaho and California with their auctions of category 10.
#[sabot::pipeline]
pub fn q03() {
    let auctions = source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .event_time(|a| a.date_time, lateness(seconds(0)));
    let persons = source::<Person>("persons", nexmark().persons().events(1_000_000))
        .event_time(|p| p.date_time, lateness(seconds(0)));

    let local = persons.filter(|p| p.state == "OR" || p.state == "ID" || p.state == "CA");

    auctions
        .filter(|a| a.category == 10)
        .hash_join(local)
        .on(|a| a.seller, |p| p.id)
        .map(|a, p| Seller { name: p.name, city: p.city, state: p.state, auction: a.id })
        .sink("result", ndjson("q03.ndjson"));
}
