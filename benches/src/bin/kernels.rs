//! How fast the kernels of jobs are, alone, over one chunk that stays in the cache:
//! `cargo run --release -p sabot-benches --bin kernels [job.rs…]`.
//!
//! Without arguments: the workloads that the design was measured with. Prints million rows per second on one core.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the measurement is the output")]

use sabot_abi::CHUNK_WORDS;
use sabot_abi::kernel::{Accumulator, Chunk, Context, InputColumn, OutputColumn, RowError, StrRef};
use sabot_abi::manifest::{BaseType, Body, End, Field, Kernel, Step};
use sabot_benches::median_us;
use sabot_codegen::{CompileOptions, compile};
use sabot_compiler::{Catalog, check, parse, passes::PlanOptimizer, physical};
use sabot_ir::diagnostic::Diagnostics;
use sabot_runtime::kernel::{LoadedArtifact, call};

const ROWS: usize = sabot_abi::CHUNK_ROWS;
const RUNS: usize = 31;
/// Calls in one run: a chunk takes about a microsecond.
const CALLS: usize = 300;

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

fn job(work: &str) -> String {
    format!(
        r#"use sabot::prelude::*;
#[sabot::record]
struct Quote {{ symbol: String, price: f64, bid: f64, ask: f64, quantity: i64, lots: i64 }}
#[sabot::record]
struct Out {{ a: f64, b: f64, c: f64 }}
#[sabot::record]
struct Whole {{ a: i64, b: i64 }}
#[sabot::record]
struct Totals {{ a: f64, b: i64, c: f64, d: f64 }}
#[sabot::udf]
fn bps(bid: f64, ask: f64) -> f64 {{
    let mid = (bid + ask) / 2.0;
    if mid == 0.0 {{ 0.0 }} else {{ (ask - bid) / mid * 10_000.0 }}
}}
#[sabot::udf]
fn branchy(bid: f64, ask: f64) -> f64 {{
    let mid = (bid + ask) / 2.0;
    let relative = (ask - bid) / mid;
    if relative > 0.001 {{ relative * 10_000.0 }} else {{ ((ask - bid) * mid).abs().sqrt() }}
}}
#[sabot::pipeline]
fn measured() {{
    source::<Quote>("quotes", parquet("quotes.parquet")){work}.sink("out", parquet("out.parquet"));
}}
"#
    )
}

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
    let mut diagnostics = Diagnostics::new();
    for graph in parse::parse(text, &mut diagnostics) {
        let plan = check::check(&graph, &Catalog::default(), &mut diagnostics);
        let Some(mut plan) = plan.filter(|_| !diagnostics.has_errors()) else {
            return Err(format!("{name}: {diagnostics:?}").into());
        };
        PlanOptimizer::default().optimize_plan(&mut plan);
        let artifact = compile(&physical::pipelines(&plan), &CompileOptions::default())?;
        let artifact = LoadedArtifact::load(&artifact.bytes)?;
        for pipeline in &artifact.manifest.pipelines {
            let mut registers = Registers::new(&pipeline.registers);
            registers.measure(&artifact, &pipeline.body);
        }
    }
    Ok(())
}

/// Columns of one chunk.
struct Registers {
    columns: Vec<Vec<u64>>,
    validity: Vec<u64>,
}

impl Registers {
    fn new(fields: &[Field]) -> Self {
        Self {
            columns: fields.iter().map(|field| column(field.ty.base)).collect(),
            validity: vec![u64::MAX; CHUNK_WORDS],
        }
    }

    fn measure(&mut self, artifact: &LoadedArtifact, body: &Body) {
        for step in &body.steps {
            if let Step::Compute { kernel, .. } = step {
                self.measure_kernel(artifact, kernel);
            }
        }
        match &body.end {
            End::Aggregate { fused: Some(fused), .. } => self.measure_kernel(artifact, &fused.kernel),
            End::Fork(branches) => branches.iter().for_each(|branch| self.measure(artifact, branch)),
            End::Sink { .. } | End::Build { .. } | End::Aggregate { .. } | End::Collect { .. } | End::Nothing => {}
        }
    }

    fn measure_kernel(&mut self, artifact: &LoadedArtifact, kernel: &Kernel) {
        let inputs: Vec<InputColumn> = kernel
            .inputs
            .iter()
            .map(|register| InputColumn {
                values: self.columns[*register as usize].as_ptr().cast(),
                validity: std::ptr::null(),
            })
            .collect();
        let validity = self.validity.as_mut_ptr();
        let outputs: Vec<OutputColumn> = kernel
            .outputs
            .iter()
            .map(|register| OutputColumn { values: self.columns[*register as usize].as_mut_ptr().cast(), validity })
            .collect();
        let selection = [u64::MAX; CHUNK_WORDS];
        let mut left = [0u64; CHUNK_WORDS];
        let mut accumulators = [Accumulator::default(); 64];
        let params = [[0u64; 2]; 64];
        let mut context = Context {
            functions: sabot_runtime::ffi::functions(),
            params: params.as_ptr(),
            constants: artifact.constants(),
            error: RowError::default(),
            arena: std::ptr::null_mut(),
            row_bytes: 0,
            result: [0; 4],
        };
        let chunk = Chunk {
            rows: ROWS as u64,
            first_row: 0,
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            selection: selection.as_ptr(),
            selection_out: left.as_mut_ptr(),
            accumulators: accumulators.as_mut_ptr(),
        };
        let native = artifact.kernel(kernel.plain);
        let us = median_us(RUNS, || {
            for _ in 0..CALLS {
                if call(native, &mut context, &chunk) != 0 {
                    return false;
                }
            }
            true
        });
        let rate = (ROWS * CALLS) as f64 / us;
        let name = &artifact.manifest.kernels[kernel.plain as usize];
        println!("  {name:<28} {rate:>8.0} M rows/s   cost {:>4}", kernel.cost);
    }
}

/// Values as of quotes: prices around 125, spreads of a few cents, small numbers.
fn column(ty: BaseType) -> Vec<u64> {
    static SYMBOLS: [&str; 4] = ["AAPL", "MSFT", "BRK.B", "NVDA"];
    let random = |row: usize| (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match ty {
        BaseType::Float64 => (0..ROWS).map(|row| (50.0 + (random(row) % 1500) as f64 / 10.0).to_bits()).collect(),
        BaseType::String | BaseType::Bytes | BaseType::List(..) => (0..ROWS)
            .flat_map(|row| {
                let text = SYMBOLS[random(row) as usize % SYMBOLS.len()];
                let found = StrRef { data: text.as_ptr(), len: text.len() as u64 };
                [found.data as u64, found.len]
            })
            .collect(),
        BaseType::Bool
        | BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::UInt8
        | BaseType::UInt16
        | BaseType::UInt32
        | BaseType::UInt64
        | BaseType::Float32
        | BaseType::Decimal(..)
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration => (0..2 * ROWS).map(|row| random(row) % 1000).collect(),
    }
}
