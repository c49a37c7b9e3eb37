//! Filter, join, write the enriched rows.

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
#[sabot(rename_all = "camelCase")]
struct Enriched {
    instrument_id: i64,
    price: f64,
    volume: i64,
    cusip: String,
    name: String,
}

#[sabot::pipeline]
fn enrich() {
    let quotes = source::<Quote>("quotes", parquet("quotes.parquet"));
    let securities = table::<Security>("securities", parquet("securities.parquet")).primary_key(|s| s.id);

    quotes
        .filter(|q| q.price > 100.0)
        .hash_join(securities)
        .on(|q| q.instrument_id, |s| s.id)
        .map(|q, s| Enriched {
            instrument_id: q.instrument_id,
            price: q.price,
            volume: q.volume,
            cusip: s.cusip,
            name: s.name,
        })
        .sink("enriched", parquet("enriched.parquet"));
}
