//! Rows of the reference interpreter as Arrow IPC and Parquet files, and back.

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use sabot_ir::ty::{Schema, TimeUnit, Type};
use sabot_reference::{Row, Value};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Writes rows as an Arrow IPC file of batches of this many.
pub(crate) fn write(path: &Path, schema: &Schema, rows: &[Row], batch: usize) {
    let (arrow, batches) = batches(schema, rows, batch);
    let file = File::create(path).expect("a file in a temporary directory");
    let mut writer = FileWriter::try_new(file, &arrow).expect("a schema that Arrow knows");
    for batch in batches {
        writer.write(&batch).expect("a temporary file can be written");
    }
    writer.finish().expect("a temporary file can be written");
}

/// Writes rows as a Parquet file of row groups of this many; strings come back from it as dictionaries.
#[allow(dead_code, reason = "not all tests that share this file need it")]
pub(crate) fn write_parquet(path: &Path, schema: &Schema, rows: &[Row], group: usize) {
    let (arrow, batches) = batches(schema, rows, group);
    let file = File::create(path).expect("a file in a temporary directory");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let mut writer = ArrowWriter::try_new(file, arrow, Some(properties)).expect("a schema that Parquet knows");
    for batch in batches {
        writer.write(&batch).expect("a temporary file can be written");
    }
    writer.close().expect("a temporary file can be written");
}

fn batches(schema: &Schema, rows: &[Row], batch: usize) -> (Arc<arrow_schema::Schema>, Vec<RecordBatch>) {
    let fields: Vec<Field> = schema
        .fields
        .iter()
        .map(|field| Field::new(&field.wire_name, data_type(&field.ty), field.ty.is_option()))
        .collect();
    let arrow = Arc::new(arrow_schema::Schema::new(fields));
    let batches = rows.chunks(batch).map(|rows| {
        let columns = schema.fields.iter().enumerate().map(|(at, field)| {
            let values: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
            array(&field.ty, &values)
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&arrow), columns.collect(), &options);
        batch.expect("columns of the schema")
    });
    let batches = batches.collect();
    (arrow, batches)
}

/// Reads all rows of an Arrow IPC file.
pub(crate) fn read(path: &Path, schema: &Schema) -> Vec<Row> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rows = Vec::new();
    for batch in FileReader::try_new(file, None).expect("an Arrow file") {
        let batch = batch.expect("a whole batch");
        assert_eq!(batch.num_columns(), schema.len(), "the columns of the sink");
        for row in 0..batch.num_rows() {
            let columns = schema.fields.iter().zip(batch.columns());
            rows.push(columns.map(|(field, column)| value(&field.ty, column, row)).collect());
        }
    }
    rows
}

fn data_type(ty: &Type) -> DataType {
    let utc = || Some("UTC".into());
    match ty {
        Type::Unit => DataType::Null,
        Type::Bool => DataType::Boolean,
        Type::Int8 => DataType::Int8,
        Type::Int16 => DataType::Int16,
        Type::Int32 => DataType::Int32,
        Type::Int64 => DataType::Int64,
        Type::UInt8 => DataType::UInt8,
        Type::UInt16 => DataType::UInt16,
        Type::UInt32 | Type::Char => DataType::UInt32,
        Type::UInt64 => DataType::UInt64,
        Type::Float32 => DataType::Float32,
        Type::Float64 => DataType::Float64,
        Type::String => DataType::Utf8,
        Type::Bytes => DataType::Binary,
        Type::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
        Type::Date => DataType::Date32,
        Type::Timestamp(TimeUnit::Millisecond) => DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, utc()),
        Type::Timestamp(TimeUnit::Microsecond) => DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, utc()),
        Type::Timestamp(TimeUnit::Nanosecond) => DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, utc()),
        Type::Duration => DataType::Duration(arrow_schema::TimeUnit::Microsecond),
        Type::Option(inner) => data_type(inner),
        Type::List(_) => unreachable!("random jobs have no lists"),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    ty: &Type,
    values: &[&Value],
    of: impl Fn(&Value) -> Option<T::Native>,
) -> ArrayRef {
    let mut builder = PrimitiveBuilder::<T>::new().with_data_type(data_type(ty));
    values.iter().for_each(|value| builder.append_option(of(value)));
    Arc::new(builder.finish())
}

fn int<N: TryFrom<i128>>(value: &Value) -> Option<N> {
    value.as_int().map(|int| N::try_from(int).unwrap_or_else(|_| panic!("{int} is in the range of its type")))
}

fn array(ty: &Type, values: &[&Value]) -> ArrayRef {
    match ty.value_type() {
        Type::Bool => {
            let mut builder = BooleanBuilder::new();
            values.iter().for_each(|value| builder.append_option((!value.is_null()).then(|| value.is_true())));
            Arc::new(builder.finish())
        }
        Type::Int8 => primitive::<Int8Type>(ty, values, int),
        Type::Int16 => primitive::<Int16Type>(ty, values, int),
        Type::Int32 => primitive::<Int32Type>(ty, values, int),
        Type::Int64 => primitive::<Int64Type>(ty, values, int),
        Type::UInt8 => primitive::<UInt8Type>(ty, values, int),
        Type::UInt16 => primitive::<UInt16Type>(ty, values, int),
        Type::UInt32 | Type::Char => primitive::<UInt32Type>(ty, values, int),
        Type::UInt64 => primitive::<UInt64Type>(ty, values, int),
        Type::Date => primitive::<Date32Type>(ty, values, int),
        Type::Timestamp(TimeUnit::Millisecond) => primitive::<TimestampMillisecondType>(ty, values, int),
        Type::Timestamp(TimeUnit::Microsecond) => primitive::<TimestampMicrosecondType>(ty, values, int),
        Type::Timestamp(TimeUnit::Nanosecond) => primitive::<TimestampNanosecondType>(ty, values, int),
        Type::Duration => primitive::<DurationMicrosecondType>(ty, values, int),
        Type::Decimal(..) => primitive::<Decimal128Type>(ty, values, int),
        Type::Float32 => primitive::<Float32Type>(ty, values, |value| value.as_float().map(|float| float as f32)),
        Type::Float64 => primitive::<Float64Type>(ty, values, Value::as_float),
        Type::String => {
            let mut builder = StringBuilder::new();
            for value in values {
                builder.append_option(if let Value::String(text) = value { Some(text) } else { None });
            }
            Arc::new(builder.finish())
        }
        Type::Bytes => {
            let mut builder = BinaryBuilder::new();
            for value in values {
                builder.append_option(if let Value::Bytes(bytes) = value { Some(bytes) } else { None });
            }
            Arc::new(builder.finish())
        }
        Type::Unit | Type::Option(_) | Type::List(_) => unreachable!("no column is of type {ty}"),
    }
}

fn value(ty: &Type, column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        assert!(ty.is_option(), "a null in a column of type {ty}");
        return Value::Null;
    }
    fn at<T: ArrowPrimitiveType>(column: &ArrayRef, row: usize) -> T::Native {
        column.as_primitive::<T>().value(row)
    }
    let int = |value: i128| Value::Int(value);
    match ty.value_type() {
        Type::Bool => Value::Bool(column.as_boolean().value(row)),
        Type::Int8 => int(at::<Int8Type>(column, row).into()),
        Type::Int16 => int(at::<Int16Type>(column, row).into()),
        Type::Int32 => int(at::<Int32Type>(column, row).into()),
        Type::Int64 => int(at::<Int64Type>(column, row).into()),
        Type::UInt8 => int(at::<UInt8Type>(column, row).into()),
        Type::UInt16 => int(at::<UInt16Type>(column, row).into()),
        Type::UInt32 | Type::Char => int(at::<UInt32Type>(column, row).into()),
        Type::UInt64 => int(at::<UInt64Type>(column, row).into()),
        Type::Date => int(at::<Date32Type>(column, row).into()),
        Type::Timestamp(TimeUnit::Millisecond) => int(at::<TimestampMillisecondType>(column, row).into()),
        Type::Timestamp(TimeUnit::Microsecond) => int(at::<TimestampMicrosecondType>(column, row).into()),
        Type::Timestamp(TimeUnit::Nanosecond) => int(at::<TimestampNanosecondType>(column, row).into()),
        Type::Duration => int(at::<DurationMicrosecondType>(column, row).into()),
        Type::Decimal(..) => int(at::<Decimal128Type>(column, row)),
        Type::Float32 => Value::Float32(at::<Float32Type>(column, row)),
        Type::Float64 => Value::Float64(at::<Float64Type>(column, row)),
        Type::String => Value::String(column.as_string::<i32>().value(row).to_owned()),
        Type::Bytes => Value::Bytes(column.as_binary::<i32>().value(row).to_vec()),
        Type::Unit | Type::Option(_) | Type::List(_) => unreachable!("no column is of type {ty}"),
    }
}
