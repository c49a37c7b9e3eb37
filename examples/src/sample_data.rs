//! Quotes and securities as the main job reads them. Every value is a function of its row number.

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

/// What to make.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to.
    pub directory: PathBuf,
    /// Rows of `quotes`.
    pub quotes: usize,
    /// Rows of `securities`, and the number of different instruments in `quotes`.
    pub securities: usize,
    /// How the files are laid out.
    pub format: FileFormat,
    /// Rows of a Parquet row group or Arrow batch.
    pub row_group_rows: usize,
}

/// How the files are laid out; also their extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet, Snappy.
    Parquet,
    /// Arrow IPC file, not compressed.
    Arrow,
}

/// Rows made at once.
const BATCH_ROWS: usize = 1 << 16;

/// 2025-10-08T13:30:00Z in microseconds.
const FIRST_EVENT_US: i64 = 1_759_930_200_000_000;

const SECTORS: [&str; 11] = [
    "Communications",
    "Consumer",
    "Energy",
    "Financials",
    "Health",
    "Industrials",
    "Materials",
    "Real Estate",
    "Staples",
    "Technology",
    "Utilities",
];

/// Writes `quotes` and `securities`.
///
/// # Errors
/// The directory cannot be made, or a file cannot be written.
pub fn write(request: &Request) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&request.directory)?;
    write_rows(request, "quotes", request.quotes, &quotes_schema(), |rows| quotes(rows, request.securities))?;
    write_rows(request, "securities", request.securities, &securities_schema(), securities)
}

/// Well mixed bits of a number (the finalizer of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn quotes_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("instrumentId", DataType::Int64, false),
        Field::new("symbol", DataType::Utf8, false),
        Field::new("price", DataType::Float64, false),
        Field::new("bid", DataType::Float64, false),
        Field::new("ask", DataType::Float64, false),
        Field::new("volume", DataType::Int64, false),
        Field::new("eventTime", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
    ]))
}

fn securities_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ID", DataType::Int64, false),
        Field::new("CUSIP", DataType::Utf8, false),
        Field::new("NAME", DataType::Utf8, false),
        Field::new("SECTOR", DataType::Utf8, true),
    ]))
}

fn quotes(rows: std::ops::Range<usize>, securities: usize) -> Vec<ArrayRef> {
    let securities = securities.max(1) as u64;
    let instrument = |row: usize| mix(row as u64 * 2) % securities;
    // Cents, so that prices look like prices; two thirds are above 100.
    let price = |row: usize| (mix(row as u64 * 2 + 1) % 30_000 + 100) as f64 / 100.0;
    let half_spread = |row: usize| (mix(row as u64 * 3) % 10 + 1) as f64 / 200.0;
    vec![
        Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| instrument(row) as i64))),
        Arc::new(StringArray::from_iter_values(rows.clone().map(|row| symbol(instrument(row))))),
        Arc::new(Float64Array::from_iter_values(rows.clone().map(price))),
        Arc::new(Float64Array::from_iter_values(rows.clone().map(|row| price(row) - half_spread(row)))),
        Arc::new(Float64Array::from_iter_values(rows.clone().map(|row| price(row) + half_spread(row)))),
        Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| (mix(row as u64 * 5) % 100 + 1) as i64 * 10))),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(rows.map(|row| FIRST_EVENT_US + row as i64 * 1_000))
                .with_timezone("UTC"),
        ),
    ]
}

fn securities(rows: std::ops::Range<usize>) -> Vec<ArrayRef> {
    vec![
        Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64))),
        Arc::new(StringArray::from_iter_values(
            rows.clone().map(|row| format!("{:09}", mix(row as u64) % 1_000_000_000)),
        )),
        Arc::new(StringArray::from_iter_values(
            rows.clone().map(|row| format!("{} Holdings Inc.", symbol(row as u64))),
        )),
        Arc::new(StringArray::from_iter(rows.map(|row| {
            let sector = mix(row as u64 * 7) % 12;
            SECTORS.get(sector as usize).copied()
        }))),
    ]
}

/// Four or more capitals.
fn symbol(instrument: u64) -> String {
    let mut number = instrument;
    let mut text = String::new();
    while text.len() < 4 || number > 0 {
        text.push(char::from(b'A' + (number % 26) as u8));
        number /= 26;
    }
    text
}

fn write_rows(
    request: &Request,
    name: &str,
    rows: usize,
    schema: &SchemaRef,
    make: impl Fn(std::ops::Range<usize>) -> Vec<ArrayRef>,
) -> Result<(), Box<dyn Error>> {
    let extension = match request.format {
        FileFormat::Parquet => "parquet",
        FileFormat::Arrow => "arrow",
    };
    let file = BufWriter::new(File::create(request.directory.join(format!("{name}.{extension}")))?);
    let step = BATCH_ROWS.min(request.row_group_rows);
    let batches = (0..rows).step_by(step).map(|start| {
        let rows = start..(start + step).min(rows);
        RecordBatch::try_new(Arc::clone(schema), make(rows))
    });
    match request.format {
        FileFormat::Parquet => {
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_max_row_group_row_count(Some(request.row_group_rows))
                .build();
            let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?;
            for batch in batches {
                writer.write(&batch?)?;
            }
            writer.close()?;
        }
        FileFormat::Arrow => {
            let mut writer = arrow_ipc::writer::FileWriter::try_new(file, schema)?;
            for batch in batches {
                writer.write(&batch?)?;
            }
            writer.finish()?;
        }
    }
    Ok(())
}
