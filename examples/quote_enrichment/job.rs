//! Enriches real-time quotes with what is known of each security.

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
struct Enriched {
    instrument_id: i64,
    price: f64,
    spread_bps: f64,
    cusip: String,
    name: String,
    sector: String,
}

#[sabot::udf]
fn spread_bps(bid: f64, ask: f64) -> f64 {
    let mid = (bid + ask) / 2.0;
    if mid == 0.0 { 0.0 } else { (ask - bid) / mid * 10_000.0 }
}

/// Quotes above a price, each with its security and its spread in basis points.
#[sabot::pipeline]
pub fn quote_enrichment(#[sabot(default = 100.0)] min_price: f64) {
    let quotes = source::<Quote>("quotes", kafka("market.quotes").format(Format::Arrow))
        .event_time(|q| q.event_time, lateness(seconds(5)));
    let securities =
        table::<Security>("securities", kafka("reference.securities").format(Format::Arrow)).primary_key(|s| s.id);

    quotes
        .filter(|q| q.price > min_price)
        .hash_join(securities)
        .on(|q| q.instrument_id, |s| s.id)
        .map(|q, s| Enriched {
            instrument_id: q.instrument_id,
            price: q.price,
            spread_bps: spread_bps(q.bid, q.ask),
            cusip: s.cusip,
            name: s.name,
            sector: s.sector.unwrap_or("unknown".into()),
        })
        .sink("enriched", kafka("enriched.quotes").format(Format::Arrow));
}
