//! Filter, join, count and checksum.

use sabot::prelude::*;

#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Quote {
    instrument_id: i64,
    symbol: String,
    price: f64,
    bid: f64,
    ask: f64,
    volume: i64,
    event_time: Timestamp,
}

#[sabot::record]
#[sabot(rename_all = "UPPERCASE")]
struct Security {
    id: i64,
    cusip: String,
    name: String,
    sector: Option<String>,
}

#[sabot::record]
struct Joined {
    volume: i64,
    id: i64,
}

#[sabot::record]
struct Answer {
    rows: i64,
    volume: i64,
    ids: i64,
}

#[sabot::pipeline]
fn join_count() {
    let quotes = source::<Quote>("quotes", parquet("quotes.parquet"));
    let securities = table::<Security>("securities", parquet("securities.parquet")).primary_key(|s| s.id);

    quotes
        .filter(|q| q.price > 100.0)
        .hash_join(securities)
        .on(|q| q.instrument_id, |s| s.id)
        .map(|q, s| Joined { volume: q.volume, id: s.id })
        .aggregate(|g| Answer { rows: g.count(), volume: g.sum(|j| j.volume), ids: g.sum(|j| j.id) })
        .sink("answer", ndjson("answer.ndjson"));
}
