//! `generate()`: rows as functions of their number, as the job's words for each column say.
//!
//! What the words mean is in `sabot_library::generate`, which the compiler asks too, so a job whose words make no sense is not
//! compiled. Without a number of rows it never ends; with a rate, rows come so many a second.

use super::error::ConnectorError;
use super::pace::Pace;
use super::schema::{arrow_type, rust_name};
use super::source::{Polled, Position, Scan, Source, SourceStatistics, SplitReader};
use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field as ArrowField, Schema, SchemaRef};
use sabot_abi::manifest::{BaseType, Field};
use sabot_library::generate::{Column, Kind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Rows of a split at full speed.
const SPLIT_ROWS: u64 = 1 << 20;

/// More splits nobody counts.
const MOST_SPLITS: u64 = u32::MAX as u64;

/// So the options begin that say what a column holds: `column.price`.
const COLUMN: &str = "column.";

/// A column with the type that it has in batches.
struct Made {
    column: Column,
    base: BaseType,
}

/// Generated rows.
pub(super) struct GenerateSource {
    /// Those that are read.
    columns: Arc<[Made]>,
    schema: SchemaRef,
    /// By field of the record: a time that never goes back.
    times: Vec<Option<Made>>,
    /// How many, if somebody said.
    rows: Option<u64>,
    split_rows: u64,
    batch_rows: u64,
    pace: Option<Arc<Pace>>,
}

impl GenerateSource {
    /// Rows of these fields, as the options say.
    pub(super) fn open(
        options: &BTreeMap<String, String>,
        fields: &[Field],
        scan: &Scan,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        for option in options.keys() {
            let is_column = |name: &str| fields.iter().any(|field| field.name == name);
            let is_known = match option.strip_prefix(COLUMN) {
                Some(name) => is_column(name),
                None => matches!(option.as_str(), "rows" | "rate" | "idle_after_ms"),
            };
            if !is_known {
                return Err(refuse(format!("has no option `{option}`; there are `rows`, `rate` and `column`")));
            }
        }
        let rows = match options.get("rows") {
            None => None,
            Some(written) => {
                let rows = written.parse::<u64>().ok().filter(|rows| *rows <= SPLIT_ROWS * MOST_SPLITS);
                Some(rows.ok_or_else(|| refuse(format!("`rows` is a number of rows, not `{written}`")))?)
            }
        };
        let made = |field: &Field| -> Result<Made, ConnectorError> {
            let words = options.get(&format!("{COLUMN}{}", field.name)).map(String::as_str);
            let kind = kind_of(field.ty.base).filter(|_| field.within.is_empty()).ok_or_else(|| {
                refuse(format!("makes no column like `{}: {}`", field.name, rust_name(field.ty.base)))
            })?;
            let column = Column::parse(&field.name, words, kind)
                .map_err(|wrong| refuse(format!("cannot make the column `{}`: {wrong}", field.name)))?;
            Ok(Made { column, base: field.ty.base })
        };
        let wanted: Vec<&Field> = scan.columns.iter().map(|column| &fields[*column as usize]).collect();
        let columns = wanted.iter().map(|field| made(field)).collect::<Result<Vec<_>, _>>()?;
        let rising_time = |field: &Field| {
            let is_time = matches!(kind_of(field.ty.base), Some(Kind::Time));
            made(field).ok().filter(|made| is_time && made.column.is_rising())
        };
        let arrow =
            wanted.iter().map(|field| ArrowField::new(&field.name, arrow_type(field.ty.base), field.ty.nullable));
        let pace = Pace::of(options.get("rate"), "generate()")?;
        Ok(Box::new(Self {
            columns: columns.into(),
            schema: Arc::new(Schema::new(arrow.collect::<Vec<_>>())),
            times: fields.iter().map(rising_time).collect(),
            rows,
            split_rows: pace.as_ref().map_or(SPLIT_ROWS, |pace| pace.piece().min(SPLIT_ROWS)),
            batch_rows: (scan.batch_rows as u64).clamp(1, SPLIT_ROWS),
            pace: pace.map(Arc::new),
        }))
    }

    fn all_rows(&self) -> u64 {
        self.rows.unwrap_or(self.split_rows * MOST_SPLITS)
    }
}

fn refuse(detail: String) -> ConnectorError {
    ConnectorError::Unsupported { path: "generate()".into(), detail }
}

/// What can be said of columns of this type.
fn kind_of(base: BaseType) -> Option<Kind> {
    let int = |least: i64, greatest: i64| Some(Kind::Int { least, greatest });
    match base {
        BaseType::Bool => Some(Kind::Bool),
        BaseType::Int8 => int(i8::MIN.into(), i8::MAX.into()),
        BaseType::Int16 => int(i16::MIN.into(), i16::MAX.into()),
        BaseType::Int32 => int(i32::MIN.into(), i32::MAX.into()),
        BaseType::Int64 => int(i64::MIN, i64::MAX),
        BaseType::UInt8 => int(0, u8::MAX.into()),
        BaseType::UInt16 => int(0, u16::MAX.into()),
        BaseType::UInt32 => int(0, u32::MAX.into()),
        BaseType::UInt64 => int(0, i64::MAX),
        BaseType::Float32 | BaseType::Float64 => Some(Kind::Float),
        BaseType::String => Some(Kind::Text),
        BaseType::TimestampMs | BaseType::TimestampUs | BaseType::TimestampNs => Some(Kind::Time),
        BaseType::Bytes | BaseType::Decimal(..) | BaseType::Date | BaseType::Duration | BaseType::List(..) => None,
    }
}

impl Made {
    fn array(&self, rows: Range<u64>) -> ArrayRef {
        let column = &self.column;
        match self.base {
            BaseType::Bool => {
                let mut array = BooleanBuilder::new();
                rows.for_each(|row| array.append_option((!column.is_none(row)).then(|| column.truth(row))));
                Arc::new(array.finish())
            }
            BaseType::String => {
                let mut array = StringBuilder::new();
                let mut text = String::new();
                for row in rows {
                    text.clear();
                    column.text(row, &mut text);
                    array.append_option((!column.is_none(row)).then_some(&text));
                }
                Arc::new(array.finish())
            }
            BaseType::Float32 => self.numbers::<Float32Type>(rows, |row| column.float(row) as f32),
            BaseType::Float64 => self.numbers::<Float64Type>(rows, |row| column.float(row)),
            BaseType::Int8 => self.numbers::<Int8Type>(rows, |row| column.int(row) as i8),
            BaseType::Int16 => self.numbers::<Int16Type>(rows, |row| column.int(row) as i16),
            BaseType::Int32 => self.numbers::<Int32Type>(rows, |row| column.int(row) as i32),
            BaseType::UInt8 => self.numbers::<UInt8Type>(rows, |row| column.int(row) as u8),
            BaseType::UInt16 => self.numbers::<UInt16Type>(rows, |row| column.int(row) as u16),
            BaseType::UInt32 => self.numbers::<UInt32Type>(rows, |row| column.int(row) as u32),
            BaseType::UInt64 => self.numbers::<UInt64Type>(rows, |row| column.int(row) as u64),
            BaseType::TimestampMs => self.numbers::<TimestampMillisecondType>(rows, |row| self.time(row)),
            BaseType::TimestampUs => self.numbers::<TimestampMicrosecondType>(rows, |row| self.time(row)),
            BaseType::TimestampNs => self.numbers::<TimestampNanosecondType>(rows, |row| self.time(row)),
            BaseType::Int64
            | BaseType::Bytes
            | BaseType::Decimal(..)
            | BaseType::Date
            | BaseType::Duration
            | BaseType::List(..) => self.numbers::<Int64Type>(rows, |row| column.int(row)),
        }
    }

    /// Numbers that fit, since the words were asked.
    fn numbers<T: ArrowPrimitiveType>(&self, rows: Range<u64>, value: impl Fn(u64) -> T::Native) -> ArrayRef {
        let mut array = PrimitiveBuilder::<T>::new().with_data_type(arrow_type(self.base));
        rows.for_each(|row| array.append_option((!self.column.is_none(row)).then(|| value(row))));
        Arc::new(array.finish())
    }

    /// A time in the column's unit.
    fn time(&self, row: u64) -> i64 {
        let us = self.column.int(row);
        match self.base {
            BaseType::TimestampMs => us.div_euclid(1000),
            BaseType::TimestampNs => us.saturating_mul(1000),
            BaseType::TimestampUs
            | BaseType::Bool
            | BaseType::Int8
            | BaseType::Int16
            | BaseType::Int32
            | BaseType::Int64
            | BaseType::UInt8
            | BaseType::UInt16
            | BaseType::UInt32
            | BaseType::UInt64
            | BaseType::Float32
            | BaseType::Float64
            | BaseType::String
            | BaseType::Bytes
            | BaseType::Decimal(..)
            | BaseType::Date
            | BaseType::Duration
            | BaseType::List(..) => us,
        }
    }
}

impl Source for GenerateSource {
    fn splits(&self) -> usize {
        usize::try_from(self.all_rows().div_ceil(self.split_rows).min(MOST_SPLITS)).unwrap_or(usize::MAX)
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let first = split as u64 * self.split_rows;
        Ok(Box::new(GenerateReader {
            columns: Arc::clone(&self.columns),
            schema: Arc::clone(&self.schema),
            rows: first..(first + self.split_rows).min(self.all_rows()),
            batch_rows: self.batch_rows,
            batch: first,
            pace: self.pace.clone(),
        }))
    }

    fn greatest_time(&self, split: usize, column: u32) -> Option<i64> {
        let time = self.times.get(column as usize)?.as_ref()?;
        let end = (split as u64 + 1).saturating_mul(self.split_rows).min(self.all_rows());
        Some(end.checked_sub(1).map_or(i64::MIN, |last| time.time(last)))
    }

    fn is_bounded(&self) -> bool {
        self.rows.is_some()
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics { rows: self.rows, ..SourceStatistics::default() }
    }
}

/// A piece of the rows.
struct GenerateReader {
    columns: Arc<[Made]>,
    schema: SchemaRef,
    /// Those that are left.
    rows: Range<u64>,
    batch_rows: u64,
    /// First row of the last batch.
    batch: u64,
    pace: Option<Arc<Pace>>,
}

impl GenerateReader {
    /// The rows of the next batch.
    fn following(&self) -> Range<u64> {
        self.rows.start..(self.rows.start + self.batch_rows).min(self.rows.end)
    }
}

impl SplitReader for GenerateReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        let rows = self.following();
        if let (Some(pace), false) = (&self.pace, rows.is_empty()) {
            pace.wait_for(rows.end - 1);
        }
        match self.poll()? {
            Polled::Batch(batch) => Ok(Some(batch)),
            Polled::Nothing | Polled::End => Ok(None),
        }
    }

    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        let rows = self.following();
        if rows.is_empty() {
            return Ok(Polled::End);
        }
        if self.pace.as_ref().is_some_and(|pace| !pace.is_due(rows.end - 1)) {
            return Ok(Polled::Nothing);
        }
        self.rows.start = rows.end;
        self.batch = rows.start;
        let len = usize::try_from(rows.end - rows.start).expect("a batch is smaller than a split");
        let columns = self.columns.iter().map(|column| column.array(rows.clone())).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(len));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        Ok(Polled::Batch(batch.expect("columns are made by their types")))
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn position(&self) -> Position {
        Position::contiguous("generate()".into(), self.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::ColumnType;

    fn field(name: &str, base: BaseType, nullable: bool) -> Field {
        Field::new(name, ColumnType { base, nullable })
    }

    fn fields() -> Vec<Field> {
        vec![
            field("id", BaseType::Int64, false),
            field("symbol", BaseType::String, false),
            field("price", BaseType::Float64, true),
            field("at", BaseType::TimestampUs, false),
            field("small", BaseType::UInt8, false),
            field("on", BaseType::Bool, false),
        ]
    }

    fn open(options: &[(&str, &str)], batch_rows: usize) -> Result<Box<dyn Source>, ConnectorError> {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let fields = fields();
        let scan = Scan { batch_rows, ..Scan::of((0..fields.len() as u32).collect()) };
        GenerateSource::open(&options, &fields, &scan)
    }

    fn whole(source: &dyn Source) -> RecordBatch {
        let mut batches = Vec::new();
        for split in 0..source.splits() {
            let mut reader = source.open(split).expect("it opens");
            while let Some(batch) = reader.next().expect("it reads") {
                batches.push(batch);
            }
        }
        arrow_select::concat::concat_batches(&batches[0].schema(), &batches).expect("one schema")
    }

    const WORDS: [(&str, &str); 4] = [
        ("rows", "3000"),
        ("column.id", "sequence"),
        ("column.price", "uniform:1..2 ?0.1"),
        ("column.symbol", "name:sym:10:zipf:1.2"),
    ];

    #[test]
    fn a_row_does_not_depend_on_where_batches_begin_or_how_fast_they_come() {
        let one = whole(&*open(&WORDS, 100_000).expect("a stream"));
        let many = whole(&*open(&WORDS, 7).expect("a stream"));
        let paced = [WORDS.as_slice(), &[("rate", "1000000")]].concat();
        let paced = open(&paced, 100_000).expect("a stream");
        assert!(paced.splits() > 1);
        assert_eq!(one.num_rows(), 3000);
        assert_eq!(one, many);
        assert_eq!(one, whole(&*paced));
        assert!((200..400).contains(&one.column(2).null_count()));
    }

    #[test]
    fn the_greatest_time_of_a_split_is_known_before_it_is_read() {
        let source = open(&WORDS, 100).expect("a stream");
        let batch = whole(&*source);
        let times = batch.column(3).as_any().downcast_ref::<arrow_array::TimestampMicrosecondArray>().expect("times");
        assert_eq!(source.greatest_time(0, 3), times.values().iter().max().copied());
        assert_eq!(source.greatest_time(0, 0), None, "a number is no time");
    }

    #[test]
    fn without_a_number_of_rows_it_never_ends() {
        let source = open(&[], 100).expect("a stream");
        assert_eq!(source.statistics().rows, None);
        assert_eq!(source.splits(), u32::MAX as usize);
        let batch = source.open(1_000_000).expect("it opens").next().expect("it reads").expect("a batch");
        assert_eq!(batch.num_rows(), 100);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for options in [
            [("rows", "many")].as_slice(),
            &[("column.nope", "sequence")],
            &[("column.small", "uniform:0..300")],
            &[("column.at", "uniform:0..1")],
            &[("rate", "0")],
            &[("speed", "9")],
        ] {
            assert!(open(options, 100).is_err(), "{options:?}");
        }
    }
}
