//! A branchy UDF over every quote: spread, mid and basis points, and how wide the spread is.

use sabot::prelude::*;

#[sabot::record]
struct Quote {
    symbol: String,
    bid: f64,
    ask: f64,
    volume: i64,
}

#[sabot::record]
struct Spread {
    symbol: String,
    spread: f64,
    mid: f64,
    bps: f64,
    width: String,
    lots: i64,
}

const LOT: i64 = 100;

#[sabot::udf]
fn mid(bid: f64, ask: f64) -> f64 {
    (bid + ask) / 2.0
}

#[sabot::udf]
fn bps(bid: f64, ask: f64) -> f64 {
    let mid = mid(bid, ask);
    if mid == 0.0 { 0.0 } else { (ask - bid) / mid * 10_000.0 }
}

#[sabot::udf]
fn width(bps: f64) -> String {
    if bps < 5.0 {
        "tight".to_string()
    } else if bps < 50.0 {
        "normal".to_string()
    } else {
        "wide".to_string()
    }
}

#[sabot::udf]
fn lots(volume: i64) -> i64 {
    match volume {
        0 => 0,
        1..=99 => 1,
        v => v / LOT,
    }
}

/// Spread, mid and basis points of every quote, and how wide it is.
#[sabot::pipeline]
pub fn spread_udf() {
    source::<Quote>("quotes", csv("input/quotes.csv"))
        .filter(|q| q.ask >= q.bid && q.bid >= 0.0)
        .map(|q| Spread {
            symbol: q.symbol,
            spread: q.ask - q.bid,
            mid: mid(q.bid, q.ask),
            bps: bps(q.bid, q.ask),
            width: width(bps(q.bid, q.ask)),
            lots: lots(q.volume),
        })
        .sink("spreads", csv("spreads.csv"));
}
