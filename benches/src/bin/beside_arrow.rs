//! Our fused kernels and primitives beside arrow-rs's kernels, one core, so that a slower one is seen:
//! `cargo run --release -p sabot-benches --bin beside_arrow`. Prints a table for RESULTS.md.
//!
//! Ours work in chunks of 2048 rows, arrow-rs in batches of 8192 (what engines on it take), all in cache. The two take turns;
//! figures are medians. arrow-rs has no hashing and no hash tables: those stand beside `std`'s.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the measurement is the output")]

use arrow_arith::aggregate::{max, min, sum};
use arrow_arith::boolean::and;
use arrow_arith::numeric::{add, div, mul, sub};
use arrow_array::{BooleanArray, Float64Array, Int64Array, RecordBatch, Scalar, StringArray, UInt32Array};
use arrow_ord::cmp::{eq, gt, lt};
use arrow_select::filter::{filter, filter_record_batch};
use arrow_select::take::take;
use arrow_select::zip::zip;
use sabot_benches::chunk::{job, rate};
use sabot_runtime::measure::{self, Index, StringTable, Strings, WordTable};
use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Rows of our chunks.
const CHUNK: usize = sabot_abi::CHUNK_ROWS;
/// Rows of arrow-rs's batches.
const BATCH: usize = 8192;
const RUNS: usize = 21;
/// Rows of one run.
const ROWS: usize = 1 << 20;

fn random(row: usize) -> u64 {
    (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

fn floats(salt: usize) -> Float64Array {
    (0..BATCH).map(|row| Some(50.0 + (random(row * 3 + salt) % 1500) as f64 / 10.0)).collect()
}

/// Million rows a second of something that works on so many rows.
fn once(rows: usize, work: &mut dyn FnMut()) -> f64 {
    let started = Instant::now();
    for _ in 0..ROWS / rows {
        work();
    }
    ROWS as f64 / (started.elapsed().as_secs_f64() * 1e6)
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn print(name: &str, ours: f64, theirs: f64, what: &str) {
    println!("| {name} | {ours:.0} | {theirs:.0} | {:.1} | {what} |", ours / theirs);
}

/// Both in turn.
fn beside(name: &str, what: &str, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    beside_of(name, what, CHUNK, &mut ours, BATCH, &mut theirs);
}

fn beside_of(name: &str, what: &str, rows: usize, ours: &mut dyn FnMut(), their_rows: usize, theirs: &mut dyn FnMut()) {
    let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        our_rates.push(once(rows, ours));
        their_rates.push(once(their_rows, theirs));
    }
    print(name, median(&mut our_rates), median(&mut their_rates), what);
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("| one core, M rows/s | Sabot | other | ratio | other |\n|---|---|---|---|---|");
    chains()?;
    primitives()?;
    tables();
    Ok(())
}

/// A kernel of a job, alternating with a chain of kernels.
fn fused(name: &str, work: &str, mut theirs: impl FnMut()) -> Result<(), Box<dyn Error>> {
    let text = job(work);
    let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        our_rates.push(rate(&text)?);
        their_rates.push(once(BATCH, &mut theirs));
    }
    print(name, median(&mut our_rates), median(&mut their_rates), "arrow-rs kernel chain");
    Ok(())
}

fn chains() -> Result<(), Box<dyn Error>> {
    let (price, bid, ask) = (floats(1), floats(2), floats(3));
    let constant = |value: f64| Scalar::new(Float64Array::from(vec![value]));
    let (zero, two, hundred, basis) = (constant(0.0), constant(2.0), constant(100.0), constant(10_000.0));
    fused(
        "spread, mid, basis points: three columns",
        ".map(|q| Out { a: q.ask - q.bid, b: (q.bid + q.ask) / 2.0, c: bps(q.bid, q.ask) })",
        || {
            let chain = || {
                let spread = sub(&ask, &bid)?;
                let mid = div(&add(&bid, &ask)?, &two)?;
                let bps = mul(&div(&spread, &mid)?, &basis)?;
                let bps = zip(&eq(&mid, &zero)?, &zero, &bps)?;
                Ok::<_, arrow_schema::ArrowError>((spread, mid, bps))
            };
            let _ = black_box(chain());
        },
    )?;
    fused("filter on two columns", ".filter(|q| q.price > 100.0 && q.bid < q.ask)", || {
        let chain = || and(&gt(&price, &hundred)?, &lt(&bid, &ask)?);
        let _ = black_box(chain());
    })?;
    fused(
        "filter, sum, count, min, max of a product",
        ".filter(|q| q.price > 100.0).aggregate(|g| Totals { a: g.sum(|q| q.price * q.bid), b: g.count(), \
         c: g.min(|q| q.price * q.bid), d: g.max(|q| q.price * q.bid) })",
        || {
            let chain = || {
                let mask = gt(&price, &hundred)?;
                let schema = Arc::new(arrow_schema::Schema::new(vec![
                    arrow_schema::Field::new("price", arrow_schema::DataType::Float64, false),
                    arrow_schema::Field::new("bid", arrow_schema::DataType::Float64, false),
                ]));
                let batch = RecordBatch::try_new(schema, vec![Arc::new(price.clone()), Arc::new(bid.clone())])?;
                let kept = filter_record_batch(&batch, &mask)?;
                let product = mul(kept.column(0), kept.column(1))?;
                let product = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Float64Type>(&*product);
                Ok::<_, arrow_schema::ArrowError>((sum(product), product.len(), min(product), max(product)))
            };
            let _ = black_box(chain());
        },
    )?;
    let symbols: StringArray =
        (0..BATCH).map(|row| Some(["AAPL", "MSFT", "BRK.B", "NVDA"][random(row) as usize % 4])).collect();
    let wanted = Scalar::new(StringArray::from(vec!["MSFT"]));
    fused("symbol equals a literal", ".filter(|q| q.symbol == \"MSFT\")", || {
        let _ = black_box(eq(&symbols, &wanted));
    })
}

/// A selection of that many percent.
fn selection(percent: u64) -> Vec<u64> {
    let word = |at: usize| (0..64).fold(0, |word, bit| word | u64::from(random(at * 64 + bit) % 100 < percent) << bit);
    (0..CHUNK / 64).map(word).collect()
}

fn primitives() -> Result<(), Box<dyn Error>> {
    let values: Vec<u64> = (0..CHUNK).map(random).collect();
    let array: Int64Array = (0..BATCH).map(|row| Some(random(row) as i64)).collect();
    let mut to = vec![0u64; CHUNK + 8];
    for percent in [5, 50, 95] {
        let words = selection(percent);
        let mask: BooleanArray = (0..BATCH).map(|row| Some(random(row) % 100 < percent)).collect();
        beside(
            &format!("compact 8-byte values, {percent} % kept"),
            "arrow-rs `filter`",
            || {
                black_box(measure::compress_words(&values, &words, &mut to));
            },
            || {
                let _ = black_box(filter(&array, &mask));
            },
        );
    }
    let table: Vec<u64> = (0..10_000).map(random).collect();
    let table_array: Int64Array = table.iter().map(|value| Some(*value as i64)).collect();
    let rows: Vec<u32> = (0..CHUNK).map(|row| (random(row) % 10_000) as u32).collect();
    let row_array: UInt32Array = (0..BATCH).map(|row| Some((random(row) % 10_000) as u32)).collect();
    let mut taken = vec![0u64; CHUNK];
    beside(
        "take 8-byte values of 10,000",
        "arrow-rs `take`",
        || {
            measure::take_words(&table, &rows, &mut taken);
            black_box(&taken);
        },
        || {
            let _ = black_box(take(&table_array, &row_array, None));
        },
    );
    let (mut left, right) = (selection(50), selection(70));
    let masks: Vec<BooleanArray> =
        [50, 70].into_iter().map(|percent| (0..BATCH).map(|row| Some(random(row) % 100 < percent)).collect()).collect();
    beside(
        "`and` of bitmaps, counted",
        "arrow-rs `and`, `true_count`",
        || {
            black_box(measure::and_words(&mut left, &right));
        },
        || {
            let _ = black_box(and(&masks[0], &masks[1]).map(|both| both.true_count()));
        },
    );
    Ok(())
}

fn tables() {
    let all = vec![!0u64; CHUNK / 64];
    let mut rows = vec![0u32; CHUNK];
    let mut found = vec![0u64; CHUNK / 64];
    for count in [10_000usize, 1_000_000] {
        let keys: Vec<u64> = (0..count).map(|row| random(row).wrapping_mul(0x1_0001_0001)).collect();
        let wanted: Vec<Vec<u64>> = (0..64)
            .map(|chunk| (0..CHUNK).map(|row| keys[random(chunk * CHUNK + row) as usize % count]).collect())
            .collect();
        let index = Index::new(&keys);
        let map: HashMap<u64, u32> = keys.iter().zip(0..).map(|(key, row)| (*key, row)).collect();
        let (mut at, mut their_at) = (0, 0);
        beside_of(
            &format!("hash join probe, {count} rows"),
            "`HashMap::get`",
            CHUNK,
            &mut || {
                at = (at + 1) % wanted.len();
                black_box(index.find(&wanted[at], &all, &mut rows, &mut found));
            },
            CHUNK,
            &mut || {
                their_at = (their_at + 1) % wanted.len();
                let found: usize = wanted[their_at].iter().map(|key| map.get(key).map_or(0, |row| *row as usize)).sum();
                black_box(found);
            },
        );
        let mut table = WordTable::default();
        let mut groups: HashMap<u64, u32> = HashMap::new();
        beside_of(
            &format!("group by a number, {count} groups"),
            "`HashMap::entry`",
            CHUNK,
            &mut || {
                at = (at + 1) % wanted.len();
                table.group(&wanted[at], &all, &mut rows);
            },
            CHUNK,
            &mut || {
                their_at = (their_at + 1) % wanted.len();
                for key in &wanted[their_at] {
                    let next = groups.len() as u32;
                    black_box(*groups.entry(*key).or_insert(next));
                }
            },
        );
    }
    let texts: Vec<String> = (0..64 * CHUNK).map(|row| format!("SYM{:05}", random(row) % 10_000)).collect();
    let strings = Strings::new(&texts);
    let mut table = StringTable::default();
    let mut groups: HashMap<&str, u32> = HashMap::new();
    let (mut at, mut their_at) = (0, 0);
    beside_of(
        "group by a string of 8 bytes, 10000 groups",
        "`HashMap::entry`",
        CHUNK,
        &mut || {
            at = (at + CHUNK) % texts.len();
            table.group(&strings, at, &all, &mut rows);
        },
        CHUNK,
        &mut || {
            their_at = (their_at + CHUNK) % texts.len();
            for key in &texts[their_at..their_at + CHUNK] {
                let next = groups.len() as u32;
                black_box(*groups.entry(key).or_insert(next));
            }
        },
    );
    let refs: Vec<&str> = texts[..CHUNK].iter().map(String::as_str).collect();
    let mut hashes = vec![0u64; CHUNK];
    let state = std::hash::RandomState::new();
    beside_of(
        "hash of a string of 8 bytes",
        "`std`'s hasher",
        CHUNK,
        &mut || {
            measure::hash_strings(&refs, &mut hashes);
            black_box(&hashes);
        },
        CHUNK,
        &mut || {
            use std::hash::BuildHasher;
            black_box(refs.iter().fold(0u64, |all, text| all ^ state.hash_one(text)));
        },
    );
    let words: Vec<u64> = (0..CHUNK).map(random).collect();
    beside_of(
        "hash of a number",
        "`std`'s hasher",
        CHUNK,
        &mut || {
            measure::hash_words(&words, &mut hashes);
            black_box(&hashes);
        },
        CHUNK,
        &mut || {
            use std::hash::BuildHasher;
            black_box(words.iter().fold(0u64, |all, word| all ^ state.hash_one(word)));
        },
    );
}
