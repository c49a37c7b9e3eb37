//! Queries of Nexmark in Renoir, over the events that the other engines read.
//!
//! `sabot-bench-renoir QUERY EVENTS RUNS [WORKERS]`: EVENTS is a file of lines in the order of event time, fields parted by
//! tabs (`P id name city state time`, `A id seller category reserve expires time`, `B auction bidder price time`; times in
//! microseconds). They are in memory, as values of Rust without the texts that these queries do not read, before the clock
//! starts. Prints a line of JSON per run, `{"wall_ms": …, "rows": …}`, and at the end the peak memory.

#![forbid(unsafe_code)]

mod event;
mod query;

use event::Event;
use renoir::prelude::*;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: sabot-bench-renoir QUERY EVENTS RUNS [WORKERS]";
    let mut words = std::env::args().skip(1);
    let query = words.next().ok_or(usage)?;
    let events = Arc::new(event::read(&words.next().ok_or(usage)?)?);
    let runs: u32 = words.next().ok_or(usage)?.parse()?;
    let workers: u64 = words.next().map_or(Ok(2), |word| word.parse())?;
    for _ in 0..runs {
        let (wall_ms, rows) = run(&query, &events, workers)?;
        println!("{{\"wall_ms\": {wall_ms}, \"rows\": {rows}}}");
    }
    println!("{{\"peak_rss_bytes\": {}}}", peak_rss_bytes());
    Ok(())
}

/// Milliseconds and rows of one run.
fn run(query: &str, events: &Arc<Vec<Event>>, workers: u64) -> Result<(f64, u64), Box<dyn Error>> {
    let context = StreamContext::new(RuntimeConfig::local(workers)?);
    let events = Arc::clone(events);
    let source = context
        .stream_par_iter(move |worker, workers| {
            let places = (worker as usize..events.len()).step_by(workers as usize);
            places.map(move |place| events[place].clone())
        })
        .batch_mode(BatchMode::fixed(16 << 10));
    let rows = Arc::new(AtomicU64::new(0));
    match query {
        "q03" => query::q03(source, &rows),
        "q04" => query::q04(source, &rows),
        "q05" => query::q05(source, &rows),
        "q04_by_time" => query::q04_by_time(source, &rows),
        "q07" => query::q07(source, &rows),
        "q07_one" => query::q07_one(source, &rows),
        "q08" => query::q08(source, &rows),
        other => return Err(format!("no query {other}: q03, q04, q04_by_time, q05, q07, q07_one, q08").into()),
    }
    let started = Instant::now();
    context.execute_blocking();
    Ok((started.elapsed().as_secs_f64() * 1e3, rows.load(Ordering::Relaxed)))
}

/// The most memory that this process has had.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
