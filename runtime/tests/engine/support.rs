//! Jobs by hand: manifests, kernels in Rust, sources and sinks in memory, rows that can be compared.

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field as ArrowField, Schema};
use sabot_abi::kernel::KernelFn;
use sabot_abi::manifest::*;
use sabot_runtime::connector::{
    ConnectorError, Demand, EncodedBatch, Position, Sink as SinkTrait, SinkEncoder, SinkReport, SinkWriter,
    Source as SourceTrait, SourceStatistics, SplitReader,
};
use sabot_runtime::kernel::LoadedArtifact;
use sabot_runtime::{Connections, Job, RunError, RunOptions, RunSummary};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A value of a row.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum V {
    Null,
    B(bool),
    I(i64),
    F(f64),
    S(String),
}

pub(crate) type Row = Vec<V>;

pub(crate) fn int() -> ColumnType {
    ColumnType { base: BaseType::Int64, nullable: false }
}

pub(crate) fn int32() -> ColumnType {
    ColumnType { base: BaseType::Int32, nullable: false }
}

pub(crate) fn float() -> ColumnType {
    ColumnType { base: BaseType::Float64, nullable: false }
}

pub(crate) fn string() -> ColumnType {
    ColumnType { base: BaseType::String, nullable: false }
}

pub(crate) fn boolean() -> ColumnType {
    ColumnType { base: BaseType::Bool, nullable: false }
}

pub(crate) fn option(ty: ColumnType) -> ColumnType {
    ColumnType { nullable: true, ..ty }
}

/// Numbers that look random and are the same every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = self.0 ^ self.0 >> 33;
        mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 11
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A value of the type, below `limit` or made of such a number; nulls where they may be, one in five.
    pub(crate) fn value(&mut self, ty: ColumnType, limit: u64) -> V {
        if ty.nullable && self.below(5) == 0 {
            return V::Null;
        }
        let number = self.below(limit);
        match ty.base {
            BaseType::Bool => V::B(number.is_multiple_of(2)),
            BaseType::Float64 => V::F(number as f64 / 4.0 - 3.0),
            BaseType::String => V::S(format!("key {number}{}", "x".repeat((number % 20) as usize))),
            _ => V::I(number as i64 - 5),
        }
    }

    pub(crate) fn rows(&mut self, count: usize, types: &[(ColumnType, u64)]) -> Vec<Row> {
        (0..count).map(|_| types.iter().map(|(ty, limit)| self.value(*ty, *limit)).collect()).collect()
    }
}

fn array(ty: ColumnType, values: &[&V]) -> ArrayRef {
    match ty.base {
        BaseType::Bool => {
            let mut builder = BooleanBuilder::new();
            values
                .iter()
                .for_each(|value| builder.append_option(if let V::B(value) = value { Some(*value) } else { None }));
            Arc::new(builder.finish())
        }
        BaseType::Float64 => {
            let mut builder = Float64Builder::new();
            values
                .iter()
                .for_each(|value| builder.append_option(if let V::F(value) = value { Some(*value) } else { None }));
            Arc::new(builder.finish())
        }
        BaseType::String => {
            let mut builder = StringBuilder::new();
            values
                .iter()
                .for_each(|value| builder.append_option(if let V::S(value) = value { Some(value) } else { None }));
            Arc::new(builder.finish())
        }
        BaseType::Int32 => {
            let mut builder = Int32Builder::new();
            values.iter().for_each(|value| {
                builder.append_option(if let V::I(value) = value { Some(*value as i32) } else { None })
            });
            Arc::new(builder.finish())
        }
        _ => {
            let mut builder = Int64Builder::new();
            values
                .iter()
                .for_each(|value| builder.append_option(if let V::I(value) = value { Some(*value) } else { None }));
            Arc::new(builder.finish())
        }
    }
}

pub(crate) fn batch(types: &[ColumnType], rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = types
        .iter()
        .enumerate()
        .map(|(at, ty)| array(*ty, &rows.iter().map(|row| &row[at]).collect::<Vec<_>>()))
        .collect();
    let field = |(at, array): (usize, &ArrayRef)| ArrowField::new(format!("c{at}"), array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema, columns, &options).expect("columns are alike")
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let value = |array: &ArrayRef, row: usize| {
        if array.is_null(row) {
            return V::Null;
        }
        match array.data_type() {
            DataType::Boolean => V::B(array.as_boolean().value(row)),
            DataType::Float64 => V::F(array.as_primitive::<Float64Type>().value(row)),
            DataType::Int8 => V::I(i64::from(array.as_primitive::<Int8Type>().value(row))),
            DataType::Int32 => V::I(i64::from(array.as_primitive::<Int32Type>().value(row))),
            DataType::Utf8 => V::S(array.as_string::<i32>().value(row).to_owned()),
            _ => V::I(array.as_primitive::<Int64Type>().value(row)),
        }
    };
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|array| value(array, row)).collect()).collect()
}

/// Strings in another of the layouts that sources may give.
fn in_layout(batch: &RecordBatch, number: u64) -> RecordBatch {
    let layout = match number % 4 {
        0 => return batch.clone(),
        1 => DataType::LargeUtf8,
        2 => DataType::Utf8View,
        _ => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
    };
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .map(|array| match array.data_type() {
            DataType::Utf8 => arrow_cast::cast(array, &layout).expect("strings are strings"),
            _ => Arc::clone(array),
        })
        .collect();
    let field = |(at, array): (usize, &ArrayRef)| ArrowField::new(format!("c{at}"), array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options).expect("columns are alike")
}

/// Batches in memory, a split each, with batches of different sizes and offsets.
pub(crate) struct Memory(pub(crate) Vec<Vec<RecordBatch>>);

impl Memory {
    /// Rows cut into splits and batches at places that depend on `seed`.
    pub(crate) fn cut(types: &[ColumnType], rows: &[Row], seed: u64) -> Self {
        let mut random = Random(seed);
        let whole = in_layout(&batch(types, rows), seed);
        let sizes = [1, 63, 64, 65, 500, 2047, 2048, 2049, 70_000];
        let (mut splits, mut at) = (vec![vec![]], 0);
        while at < rows.len() {
            let size = sizes[random.below(sizes.len() as u64) as usize].min(rows.len() - at);
            if random.below(3) == 0 {
                splits.push(vec![]);
            }
            splits.last_mut().expect("there is one").push(whole.slice(at, size));
            at += size;
        }
        splits.push(vec![]);
        Self(splits)
    }
}

impl Memory {
    /// Batches of that many rows, a few of them in a split.
    pub(crate) fn even(types: &[ColumnType], rows: &[Row], seed: u64, batch_rows: usize) -> Self {
        let mut random = Random(seed);
        let whole = in_layout(&batch(types, rows), seed);
        let mut splits = vec![vec![]];
        for at in (0..rows.len()).step_by(batch_rows) {
            if random.below(5) == 0 {
                splits.push(vec![]);
            }
            splits.last_mut().expect("there is one").push(whole.slice(at, batch_rows.min(rows.len() - at)));
        }
        Self(splits)
    }
}

impl SourceTrait for Memory {
    fn splits(&self) -> usize {
        self.0.len()
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let before: usize = self.0[..split].iter().flatten().map(RecordBatch::num_rows).sum();
        Ok(Box::new(MemoryReader { batches: self.0[split].clone(), next: 0, row: before, start: before }))
    }

    fn statistics(&self) -> SourceStatistics {
        let rows = self.0.iter().flatten().map(|batch| batch.num_rows() as u64).sum();
        SourceStatistics { rows: Some(rows), ..SourceStatistics::default() }
    }
}

struct MemoryReader {
    batches: Vec<RecordBatch>,
    next: usize,
    row: usize,
    start: usize,
}

impl SplitReader for MemoryReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        let batch = self.batches.get(self.next).cloned();
        self.next += 1;
        self.start = self.row;
        self.row += batch.as_ref().map_or(0, RecordBatch::num_rows);
        Ok(batch)
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn position(&self) -> Position {
        Position::contiguous("memory".into(), self.start as u64)
    }
}

/// Keeps the rows that are written.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) rows: Arc<Mutex<Vec<Row>>>,
    pub(crate) finished: Arc<Mutex<bool>>,
    pub(crate) group_rows: usize,
}

struct KeptEncoder;

struct KeptWriter(Kept);

impl SinkTrait for Kept {
    fn preferred_rows(&self) -> usize {
        self.group_rows
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        Box::new(KeptEncoder)
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        Ok(Box::new(KeptWriter(self.clone())))
    }
}

impl SinkEncoder for KeptEncoder {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError> {
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).expect("memory can be written");
        for batch in batches {
            batch.column(0).to_data().validate_full().expect("arrays are well formed");
            writer.write(batch).expect("memory can be written");
        }
        Ok(EncodedBatch::of_bytes(rows, writer.into_inner().expect("memory can be written")))
    }
}

impl SinkWriter for KeptWriter {
    fn append(&mut self, batch: EncodedBatch) -> Result<Demand, ConnectorError> {
        let bytes = batch.into_bytes().expect("the encoder gives bytes");
        let mut kept = self.0.rows.lock().expect("nobody panics");
        for batch in StreamReader::try_new(bytes.as_slice(), None).expect("just written") {
            kept.extend(rows_of(&batch.expect("just written")));
        }
        Ok(Demand::More)
    }

    fn finish(self: Box<Self>) -> Result<SinkReport, ConnectorError> {
        *self.0.finished.lock().expect("nobody panics") = true;
        let rows = self.0.rows.lock().expect("nobody panics").len() as u64;
        Ok(SinkReport { rows, ..SinkReport::default() })
    }

    fn abort(self: Box<Self>) {
        self.0.rows.lock().expect("nobody panics").clear();
    }
}

/// A job in the making.
pub(crate) struct Plan {
    pub(crate) manifest: Manifest,
    pub(crate) kernels: Vec<KernelFn>,
    pub(crate) sources: BTreeMap<String, (Vec<ColumnType>, Vec<Row>)>,
    /// Rows of a batch; none: of several sizes.
    pub(crate) batch_rows: Option<usize>,
}

pub(crate) fn field(name: &str, ty: ColumnType) -> Field {
    Field::new(name, ty)
}

fn connector() -> Connector {
    Connector { location: Location::Path("memory".into()), format: None, options: BTreeMap::new() }
}

impl Plan {
    /// With operators `op0`, `op1`, …, of the kinds that are given.
    pub(crate) fn new(kinds: &[&str]) -> Self {
        let operator = |(at, kind): (usize, &&str)| Operator {
            name: format!("op{at}"),
            kind: (*kind).into(),
            line: at as u32 + 1,
            on_error: ErrorPolicy::Fail,
        };
        let operators = kinds.iter().enumerate().map(operator).collect();
        let manifest = Manifest { job: "test".into(), source_file: "job.rs".into(), operators, ..Manifest::default() };
        Self { manifest, kernels: vec![], sources: BTreeMap::new(), batch_rows: None }
    }

    pub(crate) fn source(&mut self, types: &[ColumnType], rows: Vec<Row>) -> u32 {
        let number = self.manifest.sources.len() as u32;
        let name = format!("source{number}");
        let fields = types.iter().enumerate().map(|(at, ty)| field(&format!("c{at}"), *ty)).collect();
        self.manifest.sources.push(Source { name: name.clone(), connector: connector(), fields });
        self.sources.insert(name, (types.to_vec(), rows));
        number
    }

    pub(crate) fn sink(&mut self, types: &[ColumnType]) -> u32 {
        let number = self.manifest.sinks.len() as u32;
        let fields = types.iter().enumerate().map(|(at, ty)| field(&format!("c{at}"), *ty)).collect();
        self.manifest.sinks.push(Sink { name: format!("sink{number}"), connector: connector(), fields });
        number
    }

    pub(crate) fn table(&mut self, kind: TableKind) -> u32 {
        self.manifest.tables.push(Table { name: "table".into(), kind });
        self.manifest.tables.len() as u32 - 1
    }

    /// Scans all columns of a source into the first registers.
    pub(crate) fn scan(&mut self, source: u32, operator: u32, more: &[ColumnType], steps: Vec<Step>, end: End) {
        let columns = self.manifest.sources[source as usize].fields.len() as u32;
        let fields = self.manifest.sources[source as usize].fields.clone();
        let registers = fields.into_iter().chain(more.iter().map(|ty| field("made", *ty))).collect();
        let origin = Origin::Scan {
            source,
            columns: (0..columns).map(|at| (at, at)).collect(),
            prune: vec![],
            event_time: None,
            operator,
        };
        self.manifest.pipelines.push(Pipeline { origin, registers, body: Body { steps, end } });
    }

    /// Reads all columns of a table into registers and writes them to a sink.
    pub(crate) fn table_to_sink(&mut self, table: u32, types: &[ColumnType], sink: u32, operator: u32) {
        let columns: Vec<(u32, u32)> = (0..types.len() as u32).map(|at| (at, at)).collect();
        let end = End::Sink { sink, columns: columns.iter().map(|(_, reg)| *reg).collect(), operator };
        self.manifest.pipelines.push(Pipeline {
            origin: Origin::Table { table, columns, operator: 0 },
            registers: types.iter().map(|ty| field("r", *ty)).collect(),
            body: Body { steps: vec![], end },
        });
    }

    /// Runs it; gives the rows of every sink.
    pub(crate) fn run(&self, options: &RunOptions, seed: u64) -> Result<(Vec<Vec<Row>>, RunSummary), RunError> {
        let job = Job::new(LoadedArtifact::from_parts(self.manifest.clone(), self.kernels.clone(), &[]));
        let mut connections = Connections::default();
        for (name, (types, rows)) in &self.sources {
            let memory = match self.batch_rows {
                Some(batch_rows) => Memory::even(types, rows, seed, batch_rows),
                None => Memory::cut(types, rows, seed),
            };
            connections.sources.insert(name.clone(), Arc::new(memory));
        }
        let kept: Vec<Kept> = self
            .manifest
            .sinks
            .iter()
            .map(|_| Kept { group_rows: 1 + seed as usize * 3000, ..Kept::default() })
            .collect();
        for (sink, kept) in self.manifest.sinks.iter().zip(&kept) {
            connections.sinks.insert(sink.name.clone(), Box::new(kept.clone()));
        }
        let summary = job.run_with(options, connections);
        let finished = kept.iter().all(|kept| *kept.finished.lock().expect("nobody panics"));
        assert_eq!(summary.is_ok(), finished, "outputs get their names if and only if the job succeeds");
        let summary = summary?;
        Ok((kept.iter().map(|kept| std::mem::take(&mut *kept.rows.lock().expect("nobody panics"))).collect(), summary))
    }

    /// The rows of the only sink, which are the same however many workers there are and wherever batches end.
    #[track_caller]
    pub(crate) fn check(&self, expected: &[Row]) {
        for (seed, workers) in [1, 2, 4, 2].into_iter().enumerate() {
            let options = RunOptions { parallelism: Some(workers), ..RunOptions::default() };
            let (rows, _) = self.run(&options, seed as u64).unwrap_or_else(|error| panic!("{error}"));
            assert_same(&rows[0], expected, workers);
        }
    }
}

impl Plan {
    /// The rows of the only sink when nothing fits into memory, in order.
    #[track_caller]
    pub(crate) fn check_spilled_in_order(&self, expected: &[Row]) {
        for (workers, budget) in [(1, 0), (2, 0), (4, 100_000)] {
            let options =
                RunOptions { parallelism: Some(workers), memory_budget: Some(budget), ..RunOptions::default() };
            let (rows, summary) = self.run(&options, 2).unwrap_or_else(|error| panic!("{error}"));
            assert_same(&rows[0], expected, workers);
            let spills: u64 = summary.operators.iter().map(|operator| operator.spills).sum();
            assert!(spills > 0 || budget > 0 || expected.is_empty(), "nothing was spilled");
        }
    }

    /// The rows of the only sink when nothing fits into memory, in any order.
    #[track_caller]
    pub(crate) fn check_spilled(&self, expected: &[Row]) {
        let sorted = |mut rows: Vec<Row>| {
            rows.sort_by_cached_key(|row| format!("{row:?}"));
            rows
        };
        let expected = sorted(expected.to_vec());
        for (workers, budget) in [(1, 0), (2, 0), (4, 100_000)] {
            let options =
                RunOptions { parallelism: Some(workers), memory_budget: Some(budget), ..RunOptions::default() };
            let (mut rows, summary) = self.run(&options, 2).unwrap_or_else(|error| panic!("{error}"));
            assert_same(&sorted(rows.swap_remove(0)), &expected, workers);
            let spills: u64 = summary.operators.iter().map(|operator| operator.spills).sum();
            assert!(spills > 0 || budget > 0 || expected.is_empty(), "nothing was spilled");
        }
    }
}

#[track_caller]
pub(crate) fn assert_same(rows: &[Row], expected: &[Row], workers: u32) {
    let same = |a: &V, b: &V| match (a, b) {
        (V::F(a), V::F(b)) => a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= a.abs() * 1e-12,
        (a, b) => a == b,
    };
    let differs = |(a, b): (&Row, &Row)| a.len() != b.len() || a.iter().zip(b).any(|(a, b)| !same(a, b));
    if let Some(at) = rows.iter().zip(expected).position(differs) {
        panic!("-p {workers}: row {at} is {:?}, expected {:?}", rows[at], expected[at]);
    }
    assert_eq!(rows.len(), expected.len(), "-p {workers}: number of rows");
}
