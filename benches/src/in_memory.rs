//! Jobs compiled in this process, over Arrow data that is in memory already.

use arrow_array::RecordBatch;
use sabot_abi::manifest::{Manifest, Origin};
use sabot_codegen::{CompileOptions, Cpu};
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, SourceFacts, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::plan::Statistics;
use sabot_runtime::Job;
use sabot_runtime::connector::{
    ConnectorError, Demand, EncodedBatch, Position, Sink, SinkEncoder, SinkReport, SinkWriter, Source,
    SourceStatistics, SplitReader,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

/// Batches by the name of their source.
pub type Data = BTreeMap<String, Vec<RecordBatch>>;

/// The pipeline with this name (`None`: the last one) of a job's text, compiled for this machine.
///
/// # Errors
/// If the job has no such pipeline, or a mistake.
pub fn compile(file: &str, text: &str, pipeline: Option<&str>, data: &Data) -> Result<Job, Box<dyn Error>> {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse::parse(text, &mut diagnostics);
    let graph = graphs.into_iter().rfind(|graph| pipeline.is_none_or(|name| graph.job_name == name));
    let graph = graph.ok_or_else(|| format!("no such pipeline: {:?}", diagnostics.as_slice()))?;
    let facts = |batches: &Vec<RecordBatch>| SourceFacts {
        schema: None,
        statistics: Statistics {
            rows: Some(batches.iter().map(|batch| batch.num_rows() as u64).sum()),
            distinct: BTreeMap::new(),
        },
        is_replaced: true,
    };
    let catalog = Catalog { sources: data.iter().map(|(name, batches)| (name.clone(), facts(batches))).collect() };
    let compiled = sabot_compiler::compile(&graph, &catalog, &mut PlanOptimizer::default(), &mut diagnostics)
        .ok_or_else(|| format!("{:?}", diagnostics.as_slice()))?;
    let options = CompileOptions {
        cpu: Cpu::Native,
        source_file: file.to_owned(),
        source_text: text.to_owned(),
        threads: 2,
        ..CompileOptions::default()
    };
    let artifact = sabot_codegen::compile(&compiled.pipelines, &options)?;
    Ok(Job::load(&artifact.bytes)?)
}

/// The columns that the job reads, in the order in which it reads them.
///
/// # Errors
/// If a batch lacks one.
pub fn sources(manifest: &Manifest, data: &Data) -> Result<BTreeMap<String, Arc<dyn Source>>, Box<dyn Error>> {
    let mut sources = BTreeMap::<String, Arc<dyn Source>>::new();
    for pipeline in &manifest.pipelines {
        let Origin::Scan { source, columns, .. } = &pipeline.origin else { continue };
        let source = &manifest.sources[*source as usize];
        let Some(batches) = data.get(&source.name) else { continue };
        let names: Vec<&str> = columns.iter().map(|(field, _)| source.fields[*field as usize].name.as_str()).collect();
        let project = |batch: &RecordBatch| -> Result<RecordBatch, Box<dyn Error>> {
            let positions = names.iter().map(|name| batch.schema().index_of(name)).collect::<Result<Vec<_>, _>>()?;
            Ok(batch.project(&positions)?)
        };
        let batches = batches.iter().map(project).collect::<Result<Vec<_>, _>>()?;
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
#[derive(Debug)]
pub struct Dropped;

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
