//! Tests through the interface that jobs use: what one format writes every source gives back, and bad input is refused.

mod bad_input;
mod bad_output;
mod nested;
mod pruning;
mod reading;
mod round_trip;

use super::*;
use arrow_array::builder::{Float64Builder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray, Float32Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use sabot_abi::manifest::{BaseType, ColumnType};
use std::path::{Path, PathBuf};

const FORMATS: [(Format, &str); 4] =
    [(Format::Arrow, "arrow"), (Format::Parquet, "parquet"), (Format::Csv, "csv"), (Format::Ndjson, "ndjson")];

fn field(name: &str, base: BaseType) -> Field {
    Field::new(name, ColumnType { base, nullable: false })
}

fn option(name: &str, base: BaseType) -> Field {
    Field::new(name, ColumnType { base, nullable: true })
}

fn connector(path: &Path) -> Connector {
    let location = Location::Path(path.to_str().unwrap().into());
    Connector { location, format: None, options: BTreeMap::new() }
}

fn source(path: &Path, fields: &[Field]) -> manifest::Source {
    manifest::Source { name: "quotes".into(), connector: connector(path), fields: fields.to_vec() }
}

fn sink(path: &Path, fields: &[Field]) -> manifest::Sink {
    manifest::Sink { name: "out".into(), connector: connector(path), fields: fields.to_vec() }
}

fn all_columns(fields: &[Field]) -> Scan {
    Scan::of((0..fields.len() as u32).collect())
}

/// Writes batches, each encoded for itself.
fn write(sink: &manifest::Sink, batches: &[RecordBatch]) -> Result<SinkReport, ConnectorError> {
    let sink = open_sink(sink, None, SinkOptions::default())?;
    let mut encoder = sink.encoder();
    let mut writer = sink.open()?;
    for batch in batches {
        writer.append(encoder.encode(std::slice::from_ref(batch))?)?;
    }
    writer.finish()
}

/// All batches, split by split.
fn read_batches(path: &Path, fields: &[Field], scan: &Scan) -> Result<Vec<RecordBatch>, ConnectorError> {
    let source = open_source(&source(path, fields), None, scan)?;
    let mut batches = Vec::new();
    for split in 0..source.splits() {
        let mut reader = source.open(split)?;
        while let Some(batch) = reader.next()? {
            assert!(batch.num_rows() > 0 && batch.num_rows() <= scan.batch_rows);
            batches.push(batch);
        }
    }
    Ok(batches)
}

/// The batch with the types that columns have by default.
fn in_schema(batch: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let pairs = batch.columns().iter().zip(schema.fields());
    let columns = pairs.map(|(array, field)| convert::in_type(array, field.data_type()).unwrap()).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).unwrap()
}

/// All rows, in the layout that the record's types have by default.
fn read(path: &Path, fields: &[Field]) -> Result<RecordBatch, ConnectorError> {
    read_scan(path, fields, &all_columns(fields))
}

fn read_scan(path: &Path, fields: &[Field], scan: &Scan) -> Result<RecordBatch, ConnectorError> {
    let wanted: Vec<Field> = scan.columns.iter().map(|column| fields[*column as usize].clone()).collect();
    let schema = schema::arrow_schema(&wanted);
    let batches = read_batches(path, fields, scan)?;
    let batches: Vec<RecordBatch> = batches.iter().map(|batch| in_schema(batch, &schema)).collect();
    Ok(concat_batches(&schema, &batches).unwrap())
}

fn error(path: &Path, fields: &[Field]) -> ConnectorError {
    match read(path, fields) {
        Ok(batch) => panic!("{} was read: {batch:?}", path.display()),
        Err(error) => error,
    }
}

fn message(path: &Path, fields: &[Field]) -> String {
    let directory = path.parent().unwrap().to_str().unwrap();
    error(path, fields).to_string().replace(&format!("{directory}/"), "")
}

/// A small generator of values, the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = self.0 ^ (self.0 >> 33);
        x.wrapping_mul(0xff51_afd7_ed55_8ccd) ^ (x >> 29)
    }

    /// Extreme values often, others any.
    fn int(&mut self) -> i64 {
        match self.next() % 8 {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => 0,
            3 => -1,
            _ => self.next() as i64 >> (self.next() % 64),
        }
    }

    fn float(&mut self) -> f64 {
        match self.next() % 10 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => -0.0,
            4 => f64::MIN_POSITIVE / 3.0,
            5 => f64::MAX,
            _ => self.int() as f64 / 1000.0,
        }
    }

    fn string(&mut self) -> String {
        const PARTS: [&str; 12] =
            ["", "IBM", "a,b", "\"", "say \"hi\"", "line\nbreak", "\r\n", "\\", "é😀", " blank ", "\t\u{1}", "null"];
        (0..self.next() % 4).map(|_| PARTS[(self.next() % PARTS.len() as u64) as usize]).collect()
    }
}

const ALL_TYPES: [BaseType; 19] = [
    BaseType::Bool,
    BaseType::Int8,
    BaseType::Int16,
    BaseType::Int32,
    BaseType::Int64,
    BaseType::UInt8,
    BaseType::UInt16,
    BaseType::UInt32,
    BaseType::UInt64,
    BaseType::Float32,
    BaseType::Float64,
    BaseType::String,
    BaseType::Bytes,
    BaseType::Decimal(20, 4),
    BaseType::Date,
    BaseType::TimestampMs,
    BaseType::TimestampUs,
    BaseType::TimestampNs,
    BaseType::Duration,
];

/// A column of any type; every third value is null if nulls are allowed.
fn column(base: BaseType, rows: usize, nullable: bool, random: &mut Random) -> ArrayRef {
    macro_rules! values {
        ($value:expr) => {
            (0..rows).map(|_| (!nullable || random.next() % 3 != 0).then(|| $value)).collect::<Vec<_>>()
        };
    }
    // Times that a calendar of four-digit years can show.
    macro_rules! time {
        ($units:expr) => {
            random.int() % (200_000_000_000 * $units)
        };
    }
    match base {
        BaseType::Bool => Arc::new(BooleanArray::from(values!(random.int() % 2 == 0))),
        BaseType::Int8 => Arc::new(Int8Array::from(values!(random.int() as i8))),
        BaseType::Int16 => Arc::new(Int16Array::from(values!(random.int() as i16))),
        BaseType::Int32 => Arc::new(Int32Array::from(values!(random.int() as i32))),
        BaseType::Int64 => Arc::new(Int64Array::from(values!(random.int()))),
        BaseType::UInt8 => Arc::new(UInt8Array::from(values!(random.int() as u8))),
        BaseType::UInt16 => Arc::new(UInt16Array::from(values!(random.int() as u16))),
        BaseType::UInt32 => Arc::new(UInt32Array::from(values!(random.int() as u32))),
        BaseType::UInt64 => Arc::new(UInt64Array::from(values!(random.int() as u64))),
        BaseType::Float32 => Arc::new(Float32Array::from(values!(random.float() as f32))),
        BaseType::Float64 => {
            let mut builder = Float64Builder::new();
            values!(random.float()).into_iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        BaseType::String => {
            let mut builder = StringBuilder::new();
            values!(random.string()).into_iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        BaseType::Bytes => {
            let values = values!(random.string().into_bytes());
            Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>())
        }
        BaseType::Decimal(precision, scale) => {
            let values = Decimal128Array::from(values!(i128::from(random.int())));
            Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
        }
        BaseType::Date => Arc::new(Date32Array::from(values!((random.int() % 2_000_000) as i32))),
        BaseType::TimestampMs => Arc::new(TimestampMillisecondArray::from(values!(time!(1_000))).with_timezone("UTC")),
        BaseType::TimestampUs => {
            Arc::new(TimestampMicrosecondArray::from(values!(time!(1_000_000))).with_timezone("UTC"))
        }
        BaseType::TimestampNs => Arc::new(TimestampNanosecondArray::from(values!(random.int())).with_timezone("UTC")),
        BaseType::Duration => Arc::new(DurationMicrosecondArray::from(values!(random.int()))),
        BaseType::List(..) => {
            let item = base.item().unwrap();
            let lengths: Vec<usize> = (0..rows).map(|_| (random.next() % 4) as usize).collect();
            let valid: Vec<bool> = values!(()).iter().map(Option::is_some).collect();
            let lengths: Vec<usize> =
                lengths.iter().zip(&valid).map(|(n, valid)| if *valid { *n } else { 0 }).collect();
            let items = column(item, lengths.iter().sum(), false, random);
            let arrow_schema::DataType::List(field) = schema::arrow_type(base) else { unreachable!() };
            let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths);
            let nulls = nullable.then(|| arrow_buffer::NullBuffer::from(valid));
            Arc::new(arrow_array::ListArray::new(field, offsets, items, nulls))
        }
    }
}

/// A batch of every type, without and with nulls.
fn every_type(rows: usize, seed: u64) -> (Vec<Field>, RecordBatch) {
    let mut random = Random(seed);
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for nullable in [false, true] {
        for base in ALL_TYPES {
            fields.push(Field::new(format!("c{}", fields.len()), ColumnType { base, nullable }));
            columns.push(column(base, rows, nullable, &mut random));
        }
    }
    let batch = RecordBatch::try_new(schema::arrow_schema(&fields), columns).unwrap();
    (fields, batch)
}

/// Fields of the quotes that most tests read.
fn quote_fields() -> Vec<Field> {
    vec![
        field("instrumentId", BaseType::String),
        field("price", BaseType::Float64),
        option("size", BaseType::Int64),
        field("at", BaseType::TimestampUs),
    ]
}

/// Quotes whose price and size rise with their number.
fn quotes(rows: usize, first: usize) -> RecordBatch {
    let numbers = || first..first + rows;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(numbers().map(|n| format!("US{:04}", n % 100)))),
        Arc::new(arrow_array::Float64Array::from_iter_values(numbers().map(|n| n as f64 / 4.0))),
        Arc::new(numbers().map(|n| (n % 7 != 0).then_some(n as i64)).collect::<Int64Array>()),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(numbers().map(|n| 1_700_000_000_000_000 + n as i64))
                .with_timezone("UTC"),
        ),
    ];
    RecordBatch::try_new(schema::arrow_schema(&quote_fields()), columns).unwrap()
}

/// A file of quotes in one of the formats, in batches of so many rows.
fn quote_file(directory: &Path, extension: &str, rows: usize, batch_rows: usize) -> PathBuf {
    let path = directory.join(format!("quotes.{extension}"));
    let starts = (0..rows).step_by(batch_rows);
    let batches: Vec<RecordBatch> = starts.map(|start| quotes(batch_rows.min(rows - start), start)).collect();
    write(&sink(&path, &quote_fields()), &batches).unwrap();
    path
}
