//! How far each symbol's price fell from its highest point, in windows of ten minutes: an aggregate of the job's own.

use sabot::prelude::*;

#[sabot::record]
struct Trade {
    symbol: String,
    price: f64,
    volume: i64,
    at: Timestamp,
}

/// What is kept of a key's trades in a window.
#[sabot::record]
struct Drawdown {
    high: f64,
    low: f64,
    fall: f64,
    volume: i64,
}

#[sabot::aggregate]
impl Drawdown {
    fn init() -> Self {
        Self { high: f64::NEG_INFINITY, low: f64::INFINITY, fall: 0.0, volume: 0 }
    }

    fn add(self, price: f64, volume: i64) -> Self {
        let high = self.high.max(price);
        Self { high, low: self.low.min(price), fall: self.fall.max(high - price), volume: self.volume + volume }
    }

    /// The later trades are those of `other`: its lowest price may be a fall from our highest.
    fn merge(self, other: Self) -> Self {
        Self {
            high: self.high.max(other.high),
            low: self.low.min(other.low),
            fall: self.fall.max(other.fall).max(self.high - other.low),
            volume: self.volume + other.volume,
        }
    }

    /// The fall as a share of the highest price, and the volume.
    fn finish(self) -> (f64, i64) {
        (if self.high > 0.0 { self.fall / self.high } else { 0.0 }, self.volume)
    }
}

#[sabot::record]
struct Fall {
    symbol: String,
    start: Timestamp,
    end: Timestamp,
    fall_percent: f64,
    volume: i64,
    usual: f64,
}

#[sabot::record]
struct Day {
    symbol: String,
    fall_percent: f64,
    prices: Vec<f64>,
}

/// The falls in each window, and over all that was traded.
#[sabot::pipeline]
pub fn drawdown() {
    let trades = source::<Trade>("trades", csv("input/trades.csv")).event_time(|t| t.at, lateness(seconds(30)));

    trades
        .key_by(|t| t.symbol.clone())
        .window(sliding(minutes(10), minutes(5)))
        .aggregate(|w| {
            let (fall, volume) = w.aggregate::<Drawdown>(|t| (t.price, t.volume));
            Fall {
                symbol: w.key(),
                start: w.start(),
                end: w.end(),
                fall_percent: (fall * 10_000.0).round() / 100.0,
                volume,
                usual: w.approx_percentile(0.5, |t| t.price),
            }
        })
        .sink("falls", csv("falls.csv"));

    trades
        .key_by(|t| t.symbol.clone())
        .aggregate(|g| {
            let (fall, _) = g.aggregate_if::<Drawdown>(|t| (t.price, t.volume), |t| t.volume >= 100);
            Day {
                symbol: g.key(),
                fall_percent: (fall * 10_000.0).round() / 100.0,
                prices: g.collect_if(|t| t.price, |t| t.volume >= 1000),
            }
        })
        .sink("days", ndjson("days.ndjson"));

    trades
        .key_by(|t| t.symbol.clone())
        .reduce(|a, b| if b.volume > a.volume { b } else { a })
        .sink("largest", csv("largest.csv"));
}
