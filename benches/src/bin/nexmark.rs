//! Runs a query of Nexmark again and again and prints one line of JSON per run: `{"wall_ms": …, "rows": …}`; the last line is
//! the peak memory of the process. What the sinks are given is counted and dropped, as by Flink's `blackhole`.
//!
//! `nexmark JOB [--events N] [--input SOURCE=FILE]... [-p N] [--runs N] [--batch-rows N]`
//!
//! `nexmark JOB --rate EVENTS_PER_SECOND --seconds N --column TIME` reads at that rate from sources that do not end, until it
//! is stopped, and prints how long after its creation each row came out: the column is a time of the benchmark's clock
//! (`date_time`, the end of a window), and an event is created when the rate says so.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement talks to the script that drives it")]

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use sabot_benches::in_memory::{Data, compile};
use sabot_runtime::connector::{ConnectorError, Demand, EncodedBatch, Sink, SinkEncoder, SinkReport, SinkWriter};
use sabot_runtime::{Connections, RunOptions};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The clock of the benchmark: when it begins, and how much of it an event takes, in microseconds.
const BASE_TIME_US: i64 = 1_436_918_400_000_000;
const MICROS_PER_EVENT: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: nexmark JOB [--events N] [--input SOURCE=FILE]... [-p N] [--runs N] [--rate N --seconds N --column TIME]";
    let mut words = std::env::args().skip(1);
    let file = words.next().ok_or(usage)?;
    let mut options = RunOptions { overwrite: true, ..RunOptions::default() };
    let (mut events, mut runs, mut rate, mut seconds, mut column) = (1_000_000_u64, 1_u32, None, 10.0, None);
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a flag needs its value")?;
        match word.as_str() {
            "--events" => events = value.parse()?,
            "--runs" => runs = value.parse()?,
            "--rate" => rate = Some(value.parse::<u64>()?),
            "--seconds" => seconds = value.parse()?,
            "--column" => column = Some(value),
            "--input" => {
                let (name, path) = value.split_once('=').ok_or("--input SOURCE=FILE")?;
                options.inputs.insert(name.to_owned(), path.to_owned());
            }
            "-p" => options.parallelism = Some(value.parse()?),
            "--batch-rows" => options.batch_rows = Some(value.parse()?),
            other => return Err(format!("unknown flag {other}: {usage}").into()),
        }
    }
    let source = rate.map_or(format!(".events({events})"), |rate| format!(".rate({rate})"));
    let text = std::fs::read_to_string(&file)?.replace(".events(1_000_000)", &source);
    let job = compile(&file, &text, None, &Data::new())?;
    options.inputs.retain(|name, _| job.manifest().sources.iter().any(|source| source.name == *name));
    for _ in 0..runs {
        let seen = Arc::new(Seen {
            started: Instant::now(),
            micros_per_event: rate.map_or(0.0, |rate| 1e6 / rate as f64),
            column: column.clone(),
            rows: AtomicU64::new(0),
            latencies_us: Mutex::default(),
        });
        let sink = |name: &String| (name.clone(), Box::new(Watched(Arc::clone(&seen))) as Box<dyn Sink>);
        let sinks = job.manifest().sinks.iter().map(|sink_of_job| sink(&sink_of_job.name)).collect();
        if rate.is_some() {
            let stop = Arc::new(AtomicBool::new(false));
            options.stop = Some(Arc::clone(&stop));
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs_f64(seconds));
                stop.store(true, Ordering::Relaxed);
            });
        }
        let summary = job.run_with(&options, Connections { sources: BTreeMap::new(), sinks })?;
        let wall_ms = summary.wall.as_secs_f64() * 1e3;
        let latency = seen.latency().map_or(String::new(), |latency| format!(", {latency}"));
        println!("{{\"wall_ms\": {wall_ms}, \"rows\": {}{latency}}}", seen.rows.load(Ordering::Relaxed));
    }
    println!("{{\"peak_rss_bytes\": {}}}", peak_rss_bytes());
    Ok(())
}

/// The most memory that this process has had.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// What came out of a run.
struct Seen {
    started: Instant,
    /// Of the clock on the wall; zero where nothing is asked of it.
    micros_per_event: f64,
    column: Option<String>,
    rows: AtomicU64,
    latencies_us: Mutex<Vec<f64>>,
}

impl Seen {
    fn take(&self, batch: &RecordBatch) {
        let now_us = self.started.elapsed().as_secs_f64() * 1e6;
        self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        let column = self.column.as_ref().and_then(|name| batch.column_by_name(name));
        let Some(times) = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>()) else {
            return;
        };
        let created_us = |time: i64| (time - BASE_TIME_US) as f64 / MICROS_PER_EVENT * self.micros_per_event;
        let latencies = times.values().iter().map(|time| now_us - created_us(*time));
        let mut all = self.latencies_us.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // When the run is stopped, the last windows close before their time.
        all.extend(latencies.filter(|latency| *latency >= 0.0));
    }

    /// The middle one, and those that all but one of a hundred, of a thousand, do not reach.
    fn latency(&self) -> Option<String> {
        let mut all = self.latencies_us.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.sort_by(f64::total_cmp);
        let at = |part: f64| all.get(((all.len() as f64 * part) as usize).min(all.len().saturating_sub(1))).copied();
        let (p50, p99, p999) = (at(0.5)?, at(0.99)?, at(0.999)?);
        Some(format!("\"p50_ms\": {}, \"p99_ms\": {}, \"p999_ms\": {}", p50 / 1e3, p99 / 1e3, p999 / 1e3))
    }
}

/// Counts rows, and drops them.
struct Watched(Arc<Seen>);

impl Sink for Watched {
    fn preferred_rows(&self) -> usize {
        1
    }

    fn flush_after(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        Box::new(Self(Arc::clone(&self.0)))
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(Self(Arc::clone(&self.0))))
    }
}

impl SinkEncoder for Watched {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError> {
        batches.iter().for_each(|batch| self.0.take(batch));
        Ok(EncodedBatch::consumed(batches.iter().map(|batch| batch.num_rows() as u64).sum()))
    }
}

impl SinkWriter for Watched {
    fn append(&mut self, _batch: EncodedBatch) -> Result<Demand, ConnectorError> {
        Ok(Demand::More)
    }

    fn finish(self: Box<Self>) -> Result<SinkReport, ConnectorError> {
        Ok(SinkReport::default())
    }

    fn abort(self: Box<Self>) {}
}
