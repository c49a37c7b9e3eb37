//! Kernels of jobs, alone, over one chunk that stays in the cache.

use crate::median_us;
use sabot_abi::CHUNK_WORDS;
use sabot_abi::kernel::{Accumulator, Chunk, Context, InputColumn, OutputColumn, RowError, StrRef};
use sabot_abi::manifest::{BaseType, Body, End, Field, Kernel, Step};
use sabot_codegen::{CompileOptions, compile};
use sabot_compiler::{Catalog, check, parse, passes::PlanOptimizer, physical};
use sabot_ir::diagnostic::Diagnostics;
use sabot_runtime::kernel::{LoadedArtifact, call};

use std::error::Error;

const ROWS: usize = sabot_abi::CHUNK_ROWS;
/// Calls in one run: a chunk takes about a microsecond.
const CALLS: usize = 300;

/// A job that does something with quotes.
#[must_use]
pub fn job(work: &str) -> String {
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

/// How fast a kernel is.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Million rows a second on one core.
    pub rate: f64,
    /// What the compiler thinks that it costs.
    pub cost: u32,
}

/// All kernels of a job, one after the other: million rows a second.
pub fn rate(text: &str) -> Result<f64, Box<dyn Error>> {
    Ok(1.0 / kernels(text, 3)?.iter().map(|kernel| 1.0 / kernel.rate).sum::<f64>())
}

/// Measures the kernels of a job.
pub fn kernels(text: &str, runs: usize) -> Result<Vec<Measured>, Box<dyn Error>> {
    let mut measured = Vec::new();
    let mut diagnostics = Diagnostics::new();
    for graph in parse::parse(text, &mut diagnostics) {
        let plan = check::check(&graph, &Catalog::default(), &mut diagnostics);
        let Some(mut plan) = plan.filter(|_| !diagnostics.has_errors()) else {
            return Err(format!("{diagnostics:?}").into());
        };
        PlanOptimizer::default().optimize_plan(&mut plan);
        let artifact = compile(&physical::pipelines(&plan), &CompileOptions::default())?;
        let artifact = LoadedArtifact::load(&artifact.bytes)?;
        for pipeline in &artifact.manifest.pipelines {
            let mut registers = Registers { runs, ..Registers::new(&pipeline.registers) };
            registers.measure(&artifact, &pipeline.body, &mut measured);
        }
    }
    Ok(measured)
}

/// Columns of one chunk.
struct Registers {
    columns: Vec<Vec<u64>>,
    validity: Vec<u64>,
    runs: usize,
}

impl Registers {
    fn new(fields: &[Field]) -> Self {
        Self {
            columns: fields.iter().map(|field| column(field.ty.base)).collect(),
            validity: vec![u64::MAX; CHUNK_WORDS],
            runs: 0,
        }
    }

    fn measure(&mut self, artifact: &LoadedArtifact, body: &Body, to: &mut Vec<Measured>) {
        for step in &body.steps {
            if let Step::Compute { kernel, .. } = step {
                to.push(self.measure_kernel(artifact, kernel));
            }
        }
        match &body.end {
            End::Aggregate { fused: Some(fused), .. } => to.push(self.measure_kernel(artifact, &fused.kernel)),
            End::Fork(branches) => branches.iter().for_each(|branch| self.measure(artifact, branch, to)),
            End::Sink { .. }
            | End::Late { .. }
            | End::Build { .. }
            | End::Window { .. }
            | End::Feed { .. }
            | End::Aggregate { .. }
            | End::Collect { .. }
            | End::Nothing => {}
        }
    }

    fn measure_kernel(&mut self, artifact: &LoadedArtifact, kernel: &Kernel) -> Measured {
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
        let us = median_us(self.runs, || {
            for _ in 0..CALLS {
                if call(native, &mut context, &chunk) != 0 {
                    return false;
                }
            }
            true
        });
        let rate = (ROWS * CALLS) as f64 / us;
        Measured { name: artifact.manifest.kernels[kernel.plain as usize].clone(), rate, cost: kernel.cost }
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
