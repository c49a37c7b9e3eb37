//! Sum by symbol.

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
struct Volume {
    symbol: String,
    trades: i64,
    volume: i64,
}

#[sabot::pipeline]
fn volume_by_symbol() {
    source::<Quote>("quotes", parquet("quotes.parquet"))
        .key_by(|q| q.symbol.clone())
        .aggregate(|g| Volume { symbol: g.key(), trades: g.count(), volume: g.sum(|q| q.volume) })
        .sink("volumes", arrow("volumes.arrow"));
}
