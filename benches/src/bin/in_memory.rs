//! Runs a job over Arrow data that is in memory already, once for every line on standard input; prints one line of JSON per
//! run: `{"wall_ms": …, "answer": …}`. The peers' script drives it, so that engines take turns.
//!
//! `in_memory JOB [--input SOURCE=FILE]... [-p N]`: the files are Arrow IPC, read before the first run. A sink named `answer`
//! is printed; what other sinks are given is counted and dropped.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement talks to the script that drives it")]

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use sabot_abi::manifest::{Manifest, Origin};
use sabot_codegen::{CompileOptions, Cpu};
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, SourceFacts, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::plan::Statistics;
use sabot_runtime::connector::{
    ConnectorError, Demand, EncodedBatch, Position, Sink, SinkEncoder, SinkReport, SinkWriter, Source,
    SourceStatistics, SplitReader,
};
use sabot_runtime::{Connections, Job, RunOptions};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, Write};
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let file = words.next().ok_or("usage: in_memory JOB [--input SOURCE=FILE]... [-p N]")?;
    let mut options = RunOptions { overwrite: true, ..RunOptions::default() };
    let mut data = BTreeMap::new();
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a flag needs its value")?;
        match word.as_str() {
            "--input" => {
                let (name, path) = value.split_once('=').ok_or("--input SOURCE=FILE")?;
                let batches = FileReader::try_new(File::open(path)?, None)?.collect::<Result<Vec<_>, _>>()?;
                data.insert(name.to_owned(), batches);
            }
            "-p" => options.parallelism = Some(value.parse()?),
            other => return Err(format!("unknown flag {other}").into()),
        }
    }
    let job = compile(&file, &data)?;
    let sources = sources(job.manifest(), data)?;
    let answer = std::env::temp_dir().join(format!("sabot-answer-{}.ndjson", std::process::id()));
    options.outputs.insert("answer".to_owned(), answer.display().to_string());
    options.outputs.retain(|name, _| job.manifest().sinks.iter().any(|sink| sink.name == *name));
    for line in std::io::stdin().lock().lines() {
        line?;
        let sinks = job.manifest().sinks.iter().filter(|sink| sink.name != "answer");
        let sinks = sinks.map(|sink| (sink.name.clone(), Box::new(Dropped) as Box<dyn Sink>)).collect();
        let summary = job.run_with(&options, Connections { sources: sources.clone(), sinks })?;
        let text = std::fs::read_to_string(&answer).unwrap_or_else(|_| "null".to_owned());
        println!("{{\"wall_ms\": {}, \"answer\": {}}}", summary.wall.as_secs_f64() * 1e3, text.trim());
        std::io::stdout().flush()?;
    }
    let _ = std::fs::remove_file(answer);
    Ok(())
}

fn compile(file: &str, data: &BTreeMap<String, Vec<RecordBatch>>) -> Result<Job, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    let mut diagnostics = Diagnostics::new();
    let graph = parse::parse(&text, &mut diagnostics).pop().ok_or("the file has no pipeline")?;
    let facts = |batches: &Vec<RecordBatch>| SourceFacts {
        schema: None,
        statistics: Statistics {
            rows: Some(batches.iter().map(|batch| batch.num_rows() as u64).sum()),
            distinct: BTreeMap::new(),
        },
    };
    let catalog = Catalog { sources: data.iter().map(|(name, batches)| (name.clone(), facts(batches))).collect() };
    let compiled = sabot_compiler::compile(&graph, &catalog, &mut PlanOptimizer::default(), &mut diagnostics)
        .ok_or_else(|| format!("{:?}", diagnostics.as_slice()))?;
    let options = CompileOptions {
        cpu: Cpu::Native,
        source_file: file.to_owned(),
        source_text: text,
        threads: 2,
        ..CompileOptions::default()
    };
    let artifact = sabot_codegen::compile(&compiled.pipelines, &options)?;
    Ok(Job::load(&artifact.bytes)?)
}

/// The columns that the job reads, in the order in which it reads them.
fn sources(
    manifest: &Manifest,
    mut data: BTreeMap<String, Vec<RecordBatch>>,
) -> Result<BTreeMap<String, Arc<dyn Source>>, Box<dyn Error>> {
    let mut sources = BTreeMap::<String, Arc<dyn Source>>::new();
    for pipeline in &manifest.pipelines {
        let Origin::Scan { source, columns, .. } = &pipeline.origin else { continue };
        let source = &manifest.sources[*source as usize];
        let Some(batches) = data.remove(&source.name) else { continue };
        let names: Vec<&str> = columns.iter().map(|(field, _)| source.fields[*field as usize].name.as_str()).collect();
        let project = |batch: RecordBatch| -> Result<RecordBatch, Box<dyn Error>> {
            let positions = names.iter().map(|name| batch.schema().index_of(name)).collect::<Result<Vec<_>, _>>()?;
            Ok(batch.project(&positions)?)
        };
        let batches = batches.into_iter().map(project).collect::<Result<Vec<_>, _>>()?;
        sources.insert(source.name.clone(), Arc::new(InMemory { batches, name: source.name.as_str().into() }));
    }
    Ok(sources)
}

/// Batches, each a split.
struct InMemory {
    batches: Vec<RecordBatch>,
    name: Arc<str>,
}

impl Source for InMemory {
    fn splits(&self) -> usize {
        self.batches.len()
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(OneBatch { batch: Some(self.batches[split].clone()), name: Arc::clone(&self.name) }))
    }

    fn statistics(&self) -> SourceStatistics {
        let rows = self.batches.iter().map(|batch| batch.num_rows() as u64).sum();
        SourceStatistics { rows: Some(rows), ..SourceStatistics::default() }
    }
}

struct OneBatch {
    batch: Option<RecordBatch>,
    name: Arc<str>,
}

impl SplitReader for OneBatch {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        Ok(self.batch.take())
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn position(&self) -> Position {
        Position::contiguous(Arc::clone(&self.name), 0)
    }
}

/// Takes columns and drops them.
struct Dropped;

impl Sink for Dropped {
    fn preferred_rows(&self) -> usize {
        0
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        Box::new(Self)
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(Self))
    }
}

impl SinkEncoder for Dropped {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError> {
        Ok(EncodedBatch::consumed(batches.iter().map(|batch| batch.num_rows() as u64).sum()))
    }
}

impl SinkWriter for Dropped {
    fn append(&mut self, _batch: EncodedBatch) -> Result<Demand, ConnectorError> {
        Ok(Demand::More)
    }

    fn finish(self: Box<Self>) -> Result<SinkReport, ConnectorError> {
        Ok(SinkReport::default())
    }

    fn abort(self: Box<Self>) {}
}
