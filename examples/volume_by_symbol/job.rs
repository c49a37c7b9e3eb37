//! Traded volume, trades, prices and VWAP of each symbol, and of the whole market.

use sabot::prelude::*;

#[sabot::record]
struct Trade {
    symbol: String,
    price: f64,
    volume: i64,
    venue: Option<String>,
}

#[sabot::record]
struct Volume {
    symbol: String,
    volume: i64,
    trades: i64,
    lit_trades: i64,
    low: f64,
    high: f64,
    open: f64,
    close: f64,
    vwap: f64,
}

#[sabot::record]
struct Market {
    symbols: i64,
    trades: i64,
    turnover: f64,
}

/// What was traded of each symbol, and of all.
#[sabot::pipeline]
pub fn volume_by_symbol() {
    let trades = source::<Trade>("trades", ndjson("input/trades.ndjson"));

    trades
        .key_by(|t| t.symbol.clone())
        .aggregate(|g| Volume {
            symbol: g.key(),
            volume: g.sum(|t| t.volume),
            trades: g.count(),
            lit_trades: g.count_if(|t| t.venue.is_some()),
            low: g.min(|t| t.price),
            high: g.max(|t| t.price),
            open: g.first(|t| t.price),
            close: g.last(|t| t.price),
            vwap: g.sum(|t| t.price * t.volume as f64) / g.sum(|t| t.volume) as f64,
        })
        .order_by_desc(|v| v.volume)
        .sink("volumes", csv("volumes.csv"));

    trades
        .aggregate(|g| Market {
            symbols: g.count_distinct(|t| t.symbol.clone()),
            trades: g.count(),
            turnover: g.sum(|t| t.price * t.volume as f64),
        })
        .sink("market", ndjson("market.ndjson"));
}
