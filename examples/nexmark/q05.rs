//! Nexmark q5: hot items, the auctions with the most bids of the last ten seconds.

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
struct Bids {
    auction: i64,
    window_end: Timestamp,
    bids: i64,
}

#[sabot::record]
struct Most {
    window_end: Timestamp,
    bids: i64,
}

#[sabot::record]
struct Hot {
    auction: i64,
    bids: i64,
    window_end: Timestamp,
}

/// Every two seconds; of auctions with as many bids, all.
#[sabot::pipeline]
pub fn q05() {
    let bids =
        source::<Bid>("bids", nexmark().bids().events(1_000_000)).event_time(|b| b.date_time, lateness(seconds(0)));

    let counts = bids.key_by(|b| b.auction).window(sliding(seconds(10), seconds(2))).aggregate(|w| Bids {
        auction: w.key(),
        window_end: w.end(),
        bids: w.count(),
    });
    let most = counts.key_by(|c| c.window_end).aggregate(|g| Most { window_end: g.key(), bids: g.max(|c| c.bids) });

    counts
        .hash_join(most)
        .on(|c| (c.window_end, c.bids), |m| (m.window_end, m.bids))
        .map(|c, m| Hot { auction: c.auction, bids: m.bids, window_end: c.window_end })
        .sink("result", ndjson("q05.ndjson"));
}
