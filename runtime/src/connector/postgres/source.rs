//! A table that is read as a whole: `SELECT columns FROM table`, by a thread of its own, batch by batch.

use super::super::error::{ConnectorError, Place as RowPlace};
use super::super::schema::{batch_schema, batch_type, rust_name};
use super::super::source::{Polled, Position, Source, SourceStatistics, SplitReader};
use super::cell::{Cell, Raw, Reading};
use super::columns::Columns;
use super::connect::{Connection, Place, connect};
use arrow_array::builder::{BinaryBuilder, Decimal128Builder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::SchemaRef;
use futures_util::{StreamExt, pin_mut};
use sabot_abi::manifest::{BaseType, Field};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use tokio_postgres::{Config, Row};

/// Batches that wait until somebody takes them.
const AHEAD: usize = 2;

/// What the thread has read: rows, nothing any more, or why it cannot go on.
type Read = Result<Option<RecordBatch>, ConnectorError>;

/// A table of a database.
pub(super) struct PostgresSource {
    pub(super) config: Config,
    pub(super) place: Place,
    pub(super) columns: Columns,
    pub(super) batch_rows: usize,
}

impl Source for PostgresSource {
    fn splits(&self) -> usize {
        1
    }

    fn open(&self, _split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let (give, take) = sync_channel(AHEAD);
        let bytes = Arc::new(AtomicU64::new(0));
        let reading = Thread {
            config: self.config.clone(),
            place: self.place.clone(),
            columns: self.columns.clone(),
            batch_rows: self.batch_rows.max(1),
            give,
            bytes: Arc::clone(&bytes),
        };
        let started = std::thread::Builder::new().name("postgres".to_owned()).spawn(move || reading.run());
        started.map_err(|error| self.place.error(format!("no thread to read it with: {error}"), None))?;
        Ok(Box::new(Reader {
            place: self.place.clone(),
            take,
            name: self.place.to_string().into(),
            next: 0,
            first: 0,
            bytes,
        }))
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics::default()
    }

    fn may_wait(&self) -> bool {
        true
    }
}

/// What a worker sees of it.
struct Reader {
    place: Place,
    take: Receiver<Read>,
    name: Arc<str>,
    next: u64,
    first: u64,
    bytes: Arc<AtomicU64>,
}

impl Reader {
    fn taken(&mut self, read: Read) -> Read {
        let batch = read?;
        if let Some(batch) = &batch {
            self.first = self.next;
            self.next += batch.num_rows() as u64;
        }
        Ok(batch)
    }

    /// The thread has gone without a word.
    fn is_gone(&self) -> ConnectorError {
        self.place.error("whoever read it ended before its end", None)
    }
}

impl SplitReader for Reader {
    fn next(&mut self) -> Read {
        let read = self.take.recv().map_err(|_| self.is_gone())?;
        self.taken(read)
    }

    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        match self.take.try_recv() {
            Ok(read) => Ok(self.taken(read)?.map_or(Polled::End, Polled::Batch)),
            Err(TryRecvError::Empty) => Ok(Polled::Nothing),
            Err(TryRecvError::Disconnected) => Err(self.is_gone()),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn position(&self) -> Position {
        Position::contiguous(Arc::clone(&self.name), self.first)
    }
}

/// The thread that asks.
struct Thread {
    config: Config,
    place: Place,
    columns: Columns,
    batch_rows: usize,
    give: SyncSender<Read>,
    bytes: Arc<AtomicU64>,
}

impl Thread {
    fn run(self) {
        let read = super::runtime(&self.place).and_then(|runtime| runtime.block_on(self.read()));
        // Nobody listens where the job has ended.
        let _ = self.give.send(read.map(|()| None));
    }

    async fn read(&self) -> Result<(), ConnectorError> {
        let failed = |error: &tokio_postgres::Error| self.place.failed("reading it failed", error);
        let Connection { client, .. } = &connect(&self.config).await.map_err(|error| failed(&error))?;
        let mut query = self.columns.select();
        if self.columns.names.is_empty() {
            query = format!("SELECT FROM {}", self.columns.table);
        }
        let none: [&str; 0] = [];
        let rows = client.query_raw(query.as_str(), none).await.map_err(|error| failed(&error))?;
        pin_mut!(rows);
        let mut batch = Batch::new(&self.columns);
        let mut seen = 0;
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| failed(&error))?;
            seen += 1;
            self.bytes.fetch_add(row.raw_size_bytes() as u64, Ordering::Relaxed);
            batch.add(&row, &self.columns, &self.place, seen)?;
            if batch.rows == self.batch_rows {
                let full = std::mem::replace(&mut batch, Batch::new(&self.columns)).finish();
                if self.give.send(Ok(Some(full))).is_err() {
                    return Ok(());
                }
            }
        }
        if batch.rows > 0 {
            let _ = self.give.send(Ok(Some(batch.finish())));
        }
        Ok(())
    }
}

/// Rows that become a batch.
struct Batch {
    schema: SchemaRef,
    columns: Vec<Building>,
    rows: usize,
}

impl Batch {
    fn new(columns: &Columns) -> Self {
        let building = columns.fields.iter().map(|field| Building::new(field.ty.base)).collect();
        Self { schema: batch_schema(&columns.fields), columns: building, rows: 0 }
    }

    /// Adds a row, which is the `number`th.
    fn add(&mut self, row: &Row, columns: &Columns, place: &Place, number: u64) -> Result<(), ConnectorError> {
        for (at, building) in self.columns.iter_mut().enumerate() {
            let (field, reading): (&Field, Reading) = (&columns.fields[at], columns.readings[at]);
            let raw =
                row.try_get::<_, Option<Raw<'_>>>(at).map_err(|error| place.failed("reading a row failed", &error))?;
            let Some(Raw(raw)) = raw else {
                if !field.ty.nullable {
                    return Err(ConnectorError::UnexpectedNull {
                        path: place.to_string(),
                        place: RowPlace::Row(number),
                        column: field.name.clone(),
                        expected: rust_name(field.ty.base),
                    });
                }
                building.add(None);
                continue;
            };
            let cell = reading.read(raw).map_err(|found| ConnectorError::BadValue {
                path: place.to_string(),
                place: RowPlace::Row(number),
                column: field.name.clone(),
                found,
                expected: rust_name(field.ty.base),
            })?;
            building.add(Some(cell));
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(self) -> RecordBatch {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let columns = self.columns.into_iter().map(Building::finish).collect();
        RecordBatch::try_new_with_options(self.schema, columns, &options).expect("columns are of the fields' types")
    }
}

/// A column that is made.
enum Building {
    Words(BaseType, Vec<u64>, NullBufferBuilder),
    Wide(Decimal128Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl Building {
    fn new(base: BaseType) -> Self {
        match base {
            BaseType::String => Self::Text(StringBuilder::new()),
            BaseType::Bytes => Self::Bytes(BinaryBuilder::new()),
            BaseType::Decimal(..) => Self::Wide(Decimal128Builder::new().with_data_type(batch_type(base))),
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
            | BaseType::Float64
            | BaseType::Date
            | BaseType::TimestampMs
            | BaseType::TimestampUs
            | BaseType::TimestampNs
            | BaseType::Duration
            | BaseType::List(..) => Self::Words(base, Vec::new(), NullBufferBuilder::new(0)),
        }
    }

    fn add(&mut self, cell: Option<Cell<'_>>) {
        match (self, cell) {
            (Self::Words(_, words, nulls), Some(Cell::Word(word))) => {
                words.push(word);
                nulls.append_non_null();
            }
            (Self::Words(_, words, nulls), _) => {
                words.push(0);
                nulls.append_null();
            }
            (Self::Wide(builder), Some(Cell::Wide(value))) => builder.append_value(value),
            (Self::Wide(builder), _) => builder.append_null(),
            // The database gives UTF-8.
            (Self::Text(builder), Some(Cell::Bytes(bytes))) => builder.append_value(String::from_utf8_lossy(&bytes)),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Bytes(builder), Some(Cell::Bytes(bytes))) => builder.append_value(&bytes),
            (Self::Bytes(builder), _) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        fn array<T: ArrowPrimitiveType>(
            words: &[u64],
            mut nulls: NullBufferBuilder,
            of: impl Fn(u64) -> T::Native,
        ) -> PrimitiveArray<T> {
            PrimitiveArray::new(words.iter().map(|word| of(*word)).collect(), nulls.finish())
        }
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Bytes(mut builder) => Arc::new(builder.finish()),
            Self::Wide(mut builder) => Arc::new(builder.finish()),
            Self::Words(base, words, mut nulls) => match base {
                BaseType::Bool => {
                    let bits = words.iter().map(|word| *word != 0).collect();
                    Arc::new(BooleanArray::new(bits, nulls.finish()))
                }
                BaseType::Int16 => Arc::new(array::<Int16Type>(&words, nulls, |word| word as i16)),
                BaseType::Int32 => Arc::new(array::<Int32Type>(&words, nulls, |word| word as i32)),
                BaseType::Int64 => Arc::new(array::<Int64Type>(&words, nulls, u64::cast_signed)),
                BaseType::Float32 => Arc::new(array::<Float32Type>(&words, nulls, |word| f32::from_bits(word as u32))),
                BaseType::Float64 => Arc::new(array::<Float64Type>(&words, nulls, f64::from_bits)),
                BaseType::Date => Arc::new(array::<Date32Type>(&words, nulls, |word| word as i32)),
                BaseType::TimestampUs => {
                    let array = array::<TimestampMicrosecondType>(&words, nulls, u64::cast_signed);
                    Arc::new(array.with_timezone("UTC"))
                }
                BaseType::Int8
                | BaseType::UInt8
                | BaseType::UInt16
                | BaseType::UInt32
                | BaseType::UInt64
                | BaseType::TimestampMs
                | BaseType::TimestampNs
                | BaseType::Duration
                | BaseType::String
                | BaseType::Bytes
                | BaseType::Decimal(..)
                | BaseType::List(..) => unreachable!("no database gives a column of that type"),
            },
        }
    }
}
