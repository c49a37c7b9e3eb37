//! Runs a function of `benches/udfs/udfs.rs` over rows in memory, on one core, as Sabot compiles it and as rustc does: once each
//! for every line on standard input, which names the function. Prints one line of JSON per run: `{"name": …, "sabot_ms": …,
//! "rustc_ms": …, "sabot": …, "rustc": …}` with both answers, and the time that Sabot took to compile it. `sabot NAME` and
//! `rustc NAME` run one of them alone and print an empty line, for those who count the process's processor time.
//!
//! `udfs [--rows N] [--write FILE]`: `--write` writes the rows as Arrow IPC, for the peers, and ends.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement talks to the script that drives it")]

use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_ipc::writer::FileWriter;
use sabot::prelude::*;
use sabot_benches::in_memory::{Data, compile, sources};
use sabot_runtime::{Connections, RunOptions};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

#[path = "../../udfs/udfs.rs"]
#[allow(dead_code, unreachable_pub, reason = "the pipelines run as Sabot compiles them")]
mod udfs;

const SOURCE: &str = include_str!("../../udfs/udfs.rs");

/// Rows of a batch.
const BATCH: usize = 65_536;

/// The rows by columns, as rustc's code wants them.
#[derive(Default)]
struct Columns {
    bid: Vec<f64>,
    ask: Vec<f64>,
    volume: Vec<i64>,
    spot: Vec<f64>,
    strike: Vec<f64>,
    years: Vec<f64>,
    lat: Vec<f64>,
    lon: Vec<f64>,
    id: Vec<i64>,
    other: Vec<i64>,
    symbol: Vec<String>,
    url: Vec<String>,
    line: Vec<String>,
    json: Vec<String>,
    card: Vec<String>,
    list: Vec<String>,
    at: Vec<Timestamp>,
    amount: Vec<Decimal>,
    tax: Vec<Option<f64>>,
    discount: Vec<Option<f64>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut rows, mut write) = (1_000_000, None);
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a flag needs its value")?;
        match word.as_str() {
            "--rows" => rows = value.parse()?,
            "--write" => write = Some(value),
            other => return Err(format!("unknown flag {other}").into()),
        }
    }
    let columns = columns(rows);
    let batches = batches(&columns)?;
    if let Some(path) = write {
        let mut writer = FileWriter::try_new(File::create(path)?, &batches[0].schema())?;
        for batch in &batches {
            writer.write(batch)?;
        }
        return Ok(writer.finish()?);
    }
    let data = Data::from([("rows".to_owned(), batches)]);
    let mut jobs = BTreeMap::new();
    let answer = std::env::temp_dir().join(format!("sabot-udfs-{}.ndjson", std::process::id()));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (alone, name) = match line.split_once(' ') {
            Some((alone, name)) => (Some(alone), name.to_owned()),
            None => (None, line),
        };
        if alone == Some("rustc") {
            let _ = run_rustc(&name, &columns);
            println!();
            std::io::stdout().flush()?;
            continue;
        }
        if !jobs.contains_key(&name) {
            let started = Instant::now();
            let job = compile("udfs.rs", SOURCE, Some(&format!("run_{name}")), &data)?;
            let compile_ms = started.elapsed().as_secs_f64() * 1e3;
            jobs.insert(name.clone(), (job, compile_ms));
        }
        let (job, compile_ms) = &jobs[&name];
        let mut options = RunOptions { overwrite: true, parallelism: Some(1), ..RunOptions::default() };
        options.outputs.insert("answer".to_owned(), answer.display().to_string());
        let connections = Connections { sources: sources(job.manifest(), &data)?, sinks: BTreeMap::new() };
        let summary = job.run_with(&options, connections)?;
        if alone.is_some() {
            println!();
            std::io::stdout().flush()?;
            continue;
        }
        let sabot = std::fs::read_to_string(&answer)?;
        let started = Instant::now();
        let rustc = run_rustc(&name, &columns).ok_or_else(|| format!("no function is called {name}"))?;
        let rustc_ms = started.elapsed().as_secs_f64() * 1e3;
        println!(
            "{{\"name\": \"{name}\", \"compile_ms\": {compile_ms}, \"sabot_ms\": {}, \"rustc_ms\": {rustc_ms}, \"sabot\": {}, \"rustc\": {rustc}}}",
            summary.wall.as_secs_f64() * 1e3,
            sabot.trim()
        );
        std::io::stdout().flush()?;
    }
    let _ = std::fs::remove_file(answer);
    Ok(())
}

/// The sum of a function over all rows, in one loop that rustc compiles; integers and floats as text.
fn run_rustc(name: &str, c: &Columns) -> Option<String> {
    let c = black_box(c);
    let rows = c.bid.len();
    let floats = |f: &dyn Fn() -> f64| Some(format!("{:?}", black_box(f())));
    let ints = |f: &dyn Fn() -> i64| Some(black_box(f()).to_string());
    match name {
        "branchy" => floats(&|| (0..rows).map(|i| udfs::branchy(c.bid[i], c.ask[i], c.volume[i])).sum()),
        "black_scholes" => floats(&|| (0..rows).map(|i| udfs::black_scholes(c.spot[i], c.strike[i], c.years[i])).sum()),
        "newton_root" => floats(&|| c.spot.iter().map(|x| udfs::newton_root(*x)).sum()),
        "haversine" => floats(&|| (0..rows).map(|i| udfs::haversine(c.lat[i], c.lon[i])).sum()),
        "mix" => ints(&|| c.id.iter().map(|x| udfs::mix(*x)).sum()),
        "bucket" => ints(&|| c.id.iter().map(|x| udfs::bucket(*x)).sum()),
        "gcd" => ints(&|| (0..rows).map(|i| udfs::gcd(c.id[i], c.other[i])).sum()),
        "classify" => ints(&|| c.symbol.iter().map(|x| udfs::classify(x)).sum()),
        "host_len" => ints(&|| c.url.iter().map(|x| udfs::host_len(x)).sum()),
        "status_of" => ints(&|| c.line.iter().map(|x| udfs::status_of(x)).sum()),
        "day_text" => ints(&|| c.at.iter().map(|x| udfs::day_text(*x)).sum()),
        "price_of" => floats(&|| c.json.iter().map(|x| udfs::price_of(x)).sum()),
        "net" => {
            Some(format!("\"{}\"", black_box((0..rows).map(|i| udfs::net(c.amount[i], c.volume[i])).sum::<Decimal>())))
        }
        "nested_option" => floats(&|| (0..rows).map(|i| udfs::nested_option(c.tax[i], c.discount[i], c.spot[i])).sum()),
        "luhn" => ints(&|| c.card.iter().map(|x| udfs::luhn(x)).sum()),
        "vowels" => ints(&|| c.url.iter().map(|x| udfs::vowels(x)).sum()),
        "sum_of_list" => ints(&|| c.list.iter().map(|x| udfs::sum_of_list(x)).sum()),
        "label_len" => ints(&|| (0..rows).map(|i| udfs::label_len(&c.symbol[i], c.id[i])).sum()),
        _ => None,
    }
}

/// The same rows every time.
fn columns(rows: usize) -> Columns {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut c = Columns::default();
    for _ in 0..rows {
        let mut below = |n: u64| next() % n;
        let mut unit = || below(1_000_000) as f64 / 1e6;
        let price = 20.0 + unit() * 400.0;
        c.bid.push(price - unit() * 0.3);
        c.ask.push(price + unit() * 0.3);
        c.spot.push(price);
        c.strike.push(price * (0.8 + unit() * 0.4));
        c.years.push(0.1 + unit() * 2.0);
        c.lat.push(unit() * 180.0 - 90.0);
        c.lon.push(unit() * 360.0 - 180.0);
        c.tax.push((unit() > 0.3).then_some(0.19));
        let discount = unit();
        c.discount.push((unit() > 0.5).then_some(discount));
        c.volume.push(below(1000) as i64);
        c.id.push(below(1 << 40) as i64);
        c.other.push(below(1 << 20) as i64 + 1);
        let symbol = below(5000);
        c.symbol.push(if symbol < 40 {
            ["AAPL", "MSFT", "XOM", "CVX"][symbol as usize % 4].to_owned()
        } else {
            format!("SYM{symbol:04}")
        });
        let id = below(1_000_000);
        c.url.push(format!("https://shop{}.example.com/items/{id}?ref=mail", id % 90));
        c.line.push(format!(
            "2026-11-22T10:00:00Z GET /items/{id} status={} bytes={}",
            [200, 304, 404, 500][id as usize % 4],
            id * 3
        ));
        c.json.push(format!("{{\"id\":{id},\"user\":{{\"name\":\"u{}\",\"tags\":[\"a\",\"b\"]}},\"order\":{{\"items\":3,\"price\":{}.25}}}}", id % 1000, id % 500));
        c.card.push(format!("{:016}", below(10_000_000_000_000_000)));
        c.list.push((0..1 + below(6)).map(|n| (id % (n + 7)).to_string()).collect::<Vec<_>>().join(", "));
        c.at.push(Timestamp::from_micros(1_700_000_000_000_000 + below(100_000_000_000_000) as i64));
        c.amount.push(Decimal::new(below(10_000_000) as i64, 2));
    }
    c
}

fn batches(c: &Columns) -> Result<Vec<RecordBatch>, Box<dyn Error>> {
    let batch = |from: usize| -> Result<RecordBatch, Box<dyn Error>> {
        let rows = from..(from + BATCH).min(c.bid.len());
        let floats = |column: &[f64]| Arc::new(Float64Array::from(column[rows.clone()].to_vec())) as ArrayRef;
        let options = |column: &[Option<f64>]| Arc::new(Float64Array::from(column[rows.clone()].to_vec())) as ArrayRef;
        let ints = |column: &[i64]| Arc::new(Int64Array::from(column[rows.clone()].to_vec())) as ArrayRef;
        let texts = |column: &[String]| Arc::new(StringArray::from_iter_values(&column[rows.clone()])) as ArrayRef;
        let times = TimestampMicrosecondArray::from_iter_values(c.at[rows.clone()].iter().map(|at| at.as_micros()));
        let amounts = Decimal128Array::from_iter_values(c.amount[rows.clone()].iter().map(|amount| amount.unscaled()));
        Ok(RecordBatch::try_from_iter([
            ("bid", floats(&c.bid)),
            ("ask", floats(&c.ask)),
            ("volume", ints(&c.volume)),
            ("spot", floats(&c.spot)),
            ("strike", floats(&c.strike)),
            ("years", floats(&c.years)),
            ("lat", floats(&c.lat)),
            ("lon", floats(&c.lon)),
            ("id", ints(&c.id)),
            ("other", ints(&c.other)),
            ("symbol", texts(&c.symbol)),
            ("url", texts(&c.url)),
            ("line", texts(&c.line)),
            ("json", texts(&c.json)),
            ("card", texts(&c.card)),
            ("list", texts(&c.list)),
            ("at", Arc::new(times.with_timezone("UTC"))),
            ("amount", Arc::new(amounts.with_precision_and_scale(38, 9)?)),
            ("tax", options(&c.tax)),
            ("discount", options(&c.discount)),
        ])?)
    };
    (0..c.bid.len()).step_by(BATCH).map(batch).collect()
}
