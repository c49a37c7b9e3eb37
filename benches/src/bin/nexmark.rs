//! Runs a query of Nexmark again and again and prints one line of JSON per run: `{"wall_ms": …, "rows": …}`; the last line is
//! the peak memory of the process. What the sinks are given is counted and dropped, as by Flink's `blackhole`.
//!
//! `nexmark JOB [--events N] [--input SOURCE=FILE]... [-p N] [--runs N] [--batch-rows N]`
//!
//! `nexmark JOB --seconds N [--rate EVENTS_PER_SECOND] [--column TIME | --clock TIME]` reads from sources that do not end, at
//! that rate or as fast as it can, until it is stopped, and prints how many events it has read, `{"events": …}`. With a
//! column it prints how long after its creation each row came out: the column is a time of the benchmark's clock
//! (`date_time`, the end of a window), and an event is created when the rate says so; or it is one of the machine's clock.
//! Rows that only take back what was given are no answers.
//!
//! `--replace OLD NEW` changes the text of the job before it is compiled: an answer may need a time that it does not have.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement talks to the script that drives it")]

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use sabot_benches::in_memory::{Data, compile};
use sabot_runtime::connector::{ConnectorError, Demand, EncodedBatch, Sink, SinkEncoder, SinkReport, SinkWriter};
use sabot_runtime::{Connections, RunOptions, RunSummary};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock of the benchmark: when it begins, and how much of it an event takes, in microseconds.
const BASE_TIME_US: i64 = 1_436_918_400_000_000;
const MICROS_PER_EVENT: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: nexmark JOB [--events N] [--input SOURCE=FILE]... [-p N] [--runs N] \
                 [--seconds N [--rate N] [--column TIME | --clock TIME]] [--replace OLD NEW]...";
    let mut words = std::env::args().skip(1);
    let file = words.next().ok_or(usage)?;
    let mut options = RunOptions { overwrite: true, ..RunOptions::default() };
    let (mut events, mut runs, mut rate, mut seconds, mut column) = (1_000_000_u64, 1_u32, None, None, None);
    let mut text = std::fs::read_to_string(&file)?;
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a flag needs its value")?;
        match word.as_str() {
            "--events" => events = value.parse()?,
            "--runs" => runs = value.parse()?,
            "--rate" => rate = Some(value.parse::<u64>()?),
            "--seconds" => seconds = Some(value.parse::<f64>()?),
            "--column" => column = Some(Column { name: value, is_of_machine: false }),
            "--clock" => column = Some(Column { name: value, is_of_machine: true }),
            "--replace" => {
                let new = words.next().ok_or("--replace OLD NEW")?;
                if !text.contains(&value) {
                    return Err(format!("{file} has no `{value}` to replace").into());
                }
                text = text.replace(&value, &new);
            }
            "--input" => {
                let (name, path) = value.split_once('=').ok_or("--input SOURCE=FILE")?;
                options.inputs.insert(name.to_owned(), path.to_owned());
            }
            "-p" => options.parallelism = Some(value.parse()?),
            "--batch-rows" => options.batch_rows = Some(value.parse()?),
            other => return Err(format!("unknown flag {other}: {usage}").into()),
        }
    }
    let source = match (seconds, rate) {
        (None, _) => format!(".events({events})"),
        (Some(_), None) => String::new(),
        (Some(_), Some(rate)) => format!(".rate({rate})"),
    };
    let text = text.replace(".events(1_000_000)", &source);
    let job = compile(&file, &text, None, &Data::new())?;
    options.inputs.retain(|name, _| job.manifest().sources.iter().any(|source| source.name == *name));
    for _ in 0..runs {
        let seen = Arc::new(Seen {
            started: Instant::now(),
            micros_per_event: rate.map_or(0.0, |rate| 1e6 / rate as f64),
            column: column.clone(),
            rows: AtomicU64::new(0),
            latencies: Mutex::default(),
        });
        let sink = |name: &String| (name.clone(), Box::new(Watched(Arc::clone(&seen))) as Box<dyn Sink>);
        let sinks = job.manifest().sinks.iter().map(|sink_of_job| sink(&sink_of_job.name)).collect();
        if let Some(seconds) = seconds {
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
        let (events, rows) = (events_of(&summary), seen.rows.load(Ordering::Relaxed));
        println!("{{\"wall_ms\": {wall_ms}, \"events\": {events}, \"rows\": {rows}{latency}}}");
    }
    println!("{{\"peak_rss_bytes\": {}}}", peak_rss_bytes());
    Ok(())
}

/// The events up to the last one that was read: of fifty there is one person, three are auctions, 46 bids.
fn events_of(summary: &RunSummary) -> u64 {
    let of = |operator: &sabot_runtime::OperatorSummary| match operator.name.as_str() {
        "persons" => operator.rows_out * 50,
        "auctions" => operator.rows_out * 50 / 3,
        "bids" => operator.rows_out * 50 / 46,
        _ => 0,
    };
    summary.operators.iter().filter(|operator| operator.kind == "source").map(of).max().unwrap_or(0)
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
    column: Option<Column>,
    rows: AtomicU64,
    latencies: Mutex<Latencies>,
}

/// What says when that happened of which a row tells.
#[derive(Clone)]
struct Column {
    name: String,
    is_of_machine: bool,
}

/// How many took how long: a part of each power of two microseconds is counted in one.
struct Latencies {
    counts: [u64; Self::PARTS * 64],
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: [0; Self::PARTS * 64] }
    }
}

impl Latencies {
    const PARTS: usize = 32;

    fn add(&mut self, us: u64) {
        let power = (us.max(1).ilog2() as usize).max(Self::PARTS.ilog2() as usize);
        let part = (us >> (power - Self::PARTS.ilog2() as usize)) as usize % Self::PARTS;
        // Those below the first power have a count of each microsecond.
        let at = if us < Self::PARTS as u64 { us as usize } else { power * Self::PARTS + part };
        self.counts[at] += 1;
    }

    /// What so great a part of all does not exceed, in milliseconds; none of nothing.
    fn at(&self, part: f64) -> Option<f64> {
        let all: u64 = self.counts.iter().sum();
        let wanted = ((all as f64 * part) as u64).min(all.checked_sub(1)?);
        let mut before = 0;
        let at = self.counts.iter().position(|count| {
            before += count;
            before > wanted
        })?;
        let us = if at < Self::PARTS * Self::PARTS.ilog2() as usize {
            at as f64
        } else {
            let (power, part) = (at / Self::PARTS, at % Self::PARTS);
            2_f64.powi(power as i32) * (1.0 + (part as f64 + 0.5) / Self::PARTS as f64)
        };
        Some(us / 1e3)
    }
}

impl Seen {
    fn take(&self, batch: &RecordBatch) {
        let now_us = self.started.elapsed().as_secs_f64() * 1e6;
        self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        let Some(column) = &self.column else { return };
        let times = batch.column_by_name(&column.name);
        let Some(times) = times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>()) else {
            return;
        };
        let ops = batch.column_by_name("op").and_then(|ops| ops.as_string_opt::<i32>());
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as f64;
        let latency = |time: i64| match column.is_of_machine {
            true => since_1970 - time as f64,
            false => now_us - (time - BASE_TIME_US) as f64 / MICROS_PER_EVENT * self.micros_per_event,
        };
        let mut all = self.latencies.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (row, time) in times.values().iter().enumerate() {
            let is_answer = ops.is_none_or(|ops| ops.value(row).starts_with('+'));
            // When the run is stopped, the last windows close before their time.
            let latency = latency(*time);
            if is_answer && latency >= 0.0 {
                all.add(latency as u64);
            }
        }
    }

    /// The middle one, and those that all but one of a hundred, of a thousand, do not reach.
    fn latency(&self) -> Option<String> {
        let all = self.latencies.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (p50, p99, p999) = (all.at(0.5)?, all.at(0.99)?, all.at(0.999)?);
        Some(format!("\"p50_ms\": {p50}, \"p99_ms\": {p99}, \"p999_ms\": {p999}"))
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
