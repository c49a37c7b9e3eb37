//! A branchy UDF: three columns out.

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

#[sabot::udf]
fn spread(bid: f64, ask: f64) -> f64 {
    ask - bid
}

#[sabot::udf]
fn mid(bid: f64, ask: f64) -> f64 {
    (bid + ask) / 2.0
}

#[sabot::udf]
fn bps(bid: f64, ask: f64) -> f64 {
    let mid = mid(bid, ask);
    let relative = spread(bid, ask) / mid;
    if relative > 0.001 { relative * 10_000.0 } else { (spread(bid, ask) * mid).sqrt() }
}

#[sabot::record]
struct Spread {
    spread: f64,
    mid: f64,
    bps: f64,
}

#[sabot::pipeline]
fn spread_columns() {
    source::<Quote>("quotes", parquet("quotes.parquet"))
        .map(|q| Spread { spread: spread(q.bid, q.ask), mid: mid(q.bid, q.ask), bps: bps(q.bid, q.ask) })
        .sink("spreads", arrow("spreads.arrow"));
}
