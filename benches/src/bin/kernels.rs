//! How fast the kernels of jobs are, alone, over one chunk that stays in the cache:
//! `cargo run --release -p sabot-benches --bin kernels [job.rs…]`.
//!
//! Without arguments: the workloads that the design was measured with. Prints million rows per second on one core.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the measurement is the output")]

use sabot_benches::chunk::{job, kernels};

/// Names, and what is done with the quotes.
const WORKLOADS: [(&str, &str); 8] = [
    ("filter price > 100", ".filter(|q| q.price > 100.0)"),
    ("filter on two columns", ".filter(|q| q.price > 100.0 && q.bid < q.ask)"),
    ("filter on a symbol", ".filter(|q| q.symbol == \"MSFT\")"),
    ("spread, mid, basis points", ".map(|q| Out { a: q.ask - q.bid, b: (q.bid + q.ask) / 2.0, c: bps(q.bid, q.ask) })"),
    ("branchy map", ".map(|q| Out { a: branchy(q.bid, q.ask), b: q.bid, c: q.ask })"),
    ("checked integers", ".map(|q| Whole { a: q.quantity + q.lots, b: q.quantity * q.lots })"),
    (
        "filter, sum, count, min, max",
        ".filter(|q| q.price > 100.0).aggregate(|g| Totals { a: g.sum(|q| q.price * q.bid), b: g.count(), \
         c: g.min(|q| q.price * q.bid), d: g.max(|q| q.price * q.bid) })",
    ),
    (
        "filter, branchy sum and max",
        ".filter(|q| q.price > 100.0).aggregate(|g| Out { a: g.sum(|q| branchy(q.bid, q.ask)), b: g.avg(|q| q.price), \
         c: g.max(|q| branchy(q.bid, q.ask)) })",
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    for (name, work) in WORKLOADS.iter().filter(|_| paths.is_empty()) {
        measure(name, &job(work))?;
    }
    for path in paths {
        measure(&path, &std::fs::read_to_string(&path)?)?;
    }
    Ok(())
}

fn measure(name: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    println!("{name}");
    for kernel in kernels(text, 31)? {
        println!("  {:<28} {:>8.0} M rows/s   cost {:>4}", kernel.name, kernel.rate, kernel.cost);
    }
    Ok(())
}
