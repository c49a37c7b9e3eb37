//! Nexmark q8: who has registered and opened an auction in the same ten seconds.

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
struct Newcomer {
    id: i64,
    name: String,
    window_start: Timestamp,
}

/// Each of them once.
#[sabot::pipeline]
pub fn q08() {
    let persons = source::<Person>("persons", nexmark().persons().events(1_000_000))
        .event_time(|p| p.date_time, lateness(seconds(0)));
    let auctions = source::<Auction>("auctions", nexmark().auctions().events(1_000_000))
        .event_time(|a| a.date_time, lateness(seconds(0)));

    persons
        .hash_join(auctions)
        .on(|p| p.id, |a| a.seller)
        .window(tumbling(seconds(10)))
        .semi()
        .map(|p| Newcomer { id: p.id, name: p.name, window_start: p.date_time.floor_to(seconds(10)) })
        .sink("result", ndjson("q08.ndjson"));
}
