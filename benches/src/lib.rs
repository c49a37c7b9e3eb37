//! Measurements; see RESULTS.md.
#![forbid(unsafe_code)]

pub mod chunk;

pub mod in_memory;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

/// The median time of a run in microseconds, after one run that does not count.
pub fn median_us<T>(runs: usize, mut run: impl FnMut() -> T) -> f64 {
    black_box(run());
    let mut times: Vec<f64> = (0..runs.max(1))
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A job of twenty operators: four sources, three joins with maps, filters, an aggregate, a top-n, two sinks.
#[must_use]
pub fn job_of_twenty_operators() -> String {
    let mut text = String::from("use sabot::prelude::*;\n");
    let mut record = |name: &str, fields: &str| {
        let _ = writeln!(text, "#[sabot::record]\nstruct {name} {{ {fields} }}");
    };
    record("Quote", "id: i64, venue: i64, symbol: String, price: f64, bid: f64, ask: f64, volume: i64");
    record("Security", "id: i64, issuer: i64, name: String, sector: Option<String>");
    record("Issuer", "id: i64, country: String, rating: i64");
    record("Venue", "id: i64, mic: String, open: bool");
    record("Mid", "id: i64, venue: i64, symbol: String, price: f64, mid: f64, bps: f64, volume: i64");
    record("Named", "venue: i64, issuer: i64, symbol: String, price: f64, bps: f64, volume: i64, sector: String");
    record("Rated", "venue: i64, symbol: String, price: f64, bps: f64, volume: i64, sector: String, rating: i64");
    record("Placed", "symbol: String, turnover: f64, bps: f64, sector: String, rating: i64, open: bool");
    record("Total", "sector: String, rows: i64, turnover: f64, worst: f64");
    record("Short", "symbol: String, bps: f64");
    text.push_str(
        r#"
#[sabot::udf]
fn bps(bid: f64, ask: f64) -> f64 {
    let mid = (bid + ask) / 2.0;
    if mid == 0.0 { 0.0 } else { (ask - bid) / mid * 10_000.0 }
}

#[sabot::pipeline]
fn twenty(#[sabot(default = 100.0)] min_price: f64) {
    let quotes = source::<Quote>("quotes", parquet("quotes.parquet"));
    let securities = source::<Security>("securities", parquet("securities.parquet"));
    let issuers = source::<Issuer>("issuers", parquet("issuers.parquet"));
    let venues = source::<Venue>("venues", parquet("venues.parquet"));
    let placed = quotes
        .filter(|q| q.volume > 0 && q.bid <= q.ask)
        .map(|q| Mid {
            id: q.id,
            venue: q.venue,
            symbol: q.symbol,
            price: q.price,
            mid: (q.bid + q.ask) / 2.0,
            bps: bps(q.bid, q.ask),
            volume: q.volume,
        })
        .filter(|m| m.mid > 0.5 * 2.0)
        .hash_join(securities.filter(|s| !s.name.is_empty()))
        .on(|m| m.id, |s| s.id)
        .map(|m, s| Named {
            venue: m.venue,
            issuer: s.issuer,
            symbol: m.symbol,
            price: m.price,
            bps: m.bps,
            volume: m.volume,
            sector: s.sector.unwrap_or("unknown".into()),
        })
        .hash_join(issuers.filter(|i| i.rating > 3))
        .on(|n| n.issuer, |i| i.id)
        .map(|n, i| Rated {
            venue: n.venue,
            symbol: n.symbol,
            price: n.price,
            bps: n.bps,
            volume: n.volume,
            sector: n.sector,
            rating: i.rating,
        })
        .hash_join(venues.filter(|v| !v.mic.is_empty()))
        .on(|r| r.venue, |v| v.id)
        .map(|r, v| Placed {
            symbol: r.symbol,
            turnover: r.price * r.volume as f64,
            bps: r.bps,
            sector: r.sector,
            rating: r.rating,
            open: v.open,
        })
        .filter(|p| p.open && p.turnover > min_price);
    placed
        .key_by(|p| p.sector.clone())
        .aggregate(|g| Total {
            sector: g.key(),
            rows: g.count(),
            turnover: g.sum(|p| p.turnover),
            worst: g.max(|p| p.bps),
        })
        .filter(|t| t.sector != "none" && t.rows > 10)
        .sink("totals", parquet("totals.parquet"));
    placed
        .map(|p| Short { symbol: p.symbol, bps: p.bps })
        .top_n(10, |s| s.bps)
        .sink("worst", parquet("worst.parquet"));
}
"#,
    );
    text
}
