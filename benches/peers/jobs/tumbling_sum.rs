//! Sum by symbol in windows of five minutes, and how many there are: the answer that engines compare.

use sabot::prelude::*;

#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Quote {
    symbol: String,
    volume: i64,
    event_time: Timestamp,
}

#[sabot::record]
struct Volume {
    symbol: String,
    end: Timestamp,
    volume: i64,
}

#[sabot::record]
struct Answer {
    windows: i64,
    volume: i64,
    most: i64,
}

#[sabot::pipeline]
fn tumbling_sum() {
    source::<Quote>("quotes", parquet("quotes.parquet"))
        .event_time(|q| q.event_time, lateness(seconds(0)))
        .key_by(|q| q.symbol.clone())
        .window(tumbling(minutes(5)))
        .aggregate(|w| Volume { symbol: w.key(), end: w.end(), volume: w.sum(|q| q.volume) })
        .aggregate(|g| Answer { windows: g.count(), volume: g.sum(|v| v.volume), most: g.max(|v| v.volume) })
        .sink("answer", ndjson("answer.ndjson"));
}
