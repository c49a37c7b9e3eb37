//! Rows of the reference interpreter from and to Arrow batches.

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, PrimitiveBuilder, StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, Field as ArrowField, Schema};
use sabot_abi::manifest::{BaseType, Field};
use sabot_reference::{Row, Value};
use sabot_runtime::connector::convert::in_type;
use sabot_runtime::connector::schema::arrow_type;
use std::sync::Arc;

/// The rows of a batch whose columns are these fields.
///
/// # Errors
/// A column has a layout that does not cast to its field's type, which no source gives.
pub(crate) fn from_batch(batch: &RecordBatch, fields: &[Field]) -> Result<Vec<Row>, ArrowError> {
    let mut rows = vec![Vec::with_capacity(fields.len()); batch.num_rows()];
    for (column, field) in batch.columns().iter().zip(fields) {
        let column = in_type(column, &arrow_type(field.ty.base))?;
        for (row, value) in rows.iter_mut().zip(values(&column, field.ty.base)) {
            row.push(value);
        }
    }
    Ok(rows)
}

fn values(column: &ArrayRef, base: BaseType) -> Vec<Value> {
    fn ints<T: ArrowPrimitiveType>(column: &ArrayRef) -> Vec<Value>
    where
        T::Native: Into<i128>,
    {
        let value = |value: Option<T::Native>| value.map_or(Value::Null, |value| Value::Int(value.into()));
        column.as_primitive::<T>().iter().map(value).collect()
    }
    if let Some(item) = base.item() {
        let items = values(column.as_list::<i32>().values(), item);
        let lists = column.as_list::<i32>();
        let list = |row: usize| {
            let offsets = lists.value_offsets();
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            if lists.is_null(row) { Value::Null } else { Value::List(items[range].to_vec()) }
        };
        return (0..lists.len()).map(list).collect();
    }
    match base {
        BaseType::Bool => column.as_boolean().iter().map(|value| value.map_or(Value::Null, Value::Bool)).collect(),
        BaseType::Int8 => ints::<Int8Type>(column),
        BaseType::Int16 => ints::<Int16Type>(column),
        BaseType::Int32 => ints::<Int32Type>(column),
        BaseType::Int64 => ints::<Int64Type>(column),
        BaseType::UInt8 => ints::<UInt8Type>(column),
        BaseType::UInt16 => ints::<UInt16Type>(column),
        BaseType::UInt32 => ints::<UInt32Type>(column),
        BaseType::UInt64 => ints::<UInt64Type>(column),
        BaseType::Decimal(..) => ints::<Decimal128Type>(column),
        BaseType::Date => ints::<Date32Type>(column),
        BaseType::TimestampMs => ints::<TimestampMillisecondType>(column),
        BaseType::TimestampUs => ints::<TimestampMicrosecondType>(column),
        BaseType::TimestampNs => ints::<TimestampNanosecondType>(column),
        BaseType::Duration => ints::<DurationMicrosecondType>(column),
        BaseType::Float32 => {
            column.as_primitive::<Float32Type>().iter().map(|x| x.map_or(Value::Null, Value::Float32)).collect()
        }
        BaseType::Float64 => {
            column.as_primitive::<Float64Type>().iter().map(|x| x.map_or(Value::Null, Value::Float64)).collect()
        }
        BaseType::String => {
            column.as_string::<i32>().iter().map(|x| x.map_or(Value::Null, |x| Value::String(x.to_owned()))).collect()
        }
        BaseType::Bytes | BaseType::List(..) => {
            column.as_binary::<i32>().iter().map(|x| x.map_or(Value::Null, |x| Value::Bytes(x.to_vec()))).collect()
        }
    }
}

/// A batch of these rows.
///
/// # Errors
/// A null stands in a column that is not optional: the interpreter broke its promise.
pub(crate) fn to_batch(rows: &[Row], fields: &[Field]) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = fields
        .iter()
        .enumerate()
        .map(|(position, field)| array(rows, position, field.ty.base))
        .collect::<Result<_, _>>()?;
    let schema = fields
        .iter()
        .zip(&columns)
        .map(|(field, column)| ArrowField::new(&field.name, column.data_type().clone(), field.ty.nullable))
        .collect::<Vec<_>>();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(schema)), columns, &options)
}

fn array(rows: &[Row], position: usize, base: BaseType) -> Result<ArrayRef, ArrowError> {
    fn primitive<T: ArrowPrimitiveType>(
        rows: &[Row],
        position: usize,
        base: BaseType,
        value: impl Fn(&Value) -> Option<T::Native>,
    ) -> ArrayRef {
        let mut builder = PrimitiveBuilder::<T>::with_capacity(rows.len()).with_data_type(arrow_type(base));
        rows.iter().for_each(|row| builder.append_option(value(&row[position])));
        Arc::new(builder.finish())
    }
    fn int<N: TryFrom<i128>>(value: &Value) -> Option<N> {
        value.as_int().and_then(|value| N::try_from(value).ok())
    }
    let float = |value: &Value| value.as_float();
    Ok(match base {
        BaseType::Bool => {
            let mut builder = BooleanBuilder::with_capacity(rows.len());
            rows.iter()
                .for_each(|row| builder.append_option((!row[position].is_null()).then(|| row[position].is_true())));
            Arc::new(builder.finish())
        }
        BaseType::Int8 => primitive::<Int8Type>(rows, position, base, int),
        BaseType::Int16 => primitive::<Int16Type>(rows, position, base, int),
        BaseType::Int32 => primitive::<Int32Type>(rows, position, base, int),
        BaseType::Int64 => primitive::<Int64Type>(rows, position, base, int),
        BaseType::UInt8 => primitive::<UInt8Type>(rows, position, base, int),
        BaseType::UInt16 => primitive::<UInt16Type>(rows, position, base, int),
        BaseType::UInt32 => primitive::<UInt32Type>(rows, position, base, int),
        BaseType::UInt64 => primitive::<UInt64Type>(rows, position, base, int),
        BaseType::TimestampMs => primitive::<TimestampMillisecondType>(rows, position, base, int),
        BaseType::TimestampUs => primitive::<TimestampMicrosecondType>(rows, position, base, int),
        BaseType::TimestampNs => primitive::<TimestampNanosecondType>(rows, position, base, int),
        BaseType::Duration => primitive::<DurationMicrosecondType>(rows, position, base, int),
        BaseType::Float32 => primitive::<Float32Type>(rows, position, base, |value| float(value).map(|x| x as f32)),
        BaseType::Float64 => primitive::<Float64Type>(rows, position, base, float),
        BaseType::Date => {
            let mut builder = Date32Builder::with_capacity(rows.len());
            rows.iter().for_each(|row| builder.append_option(int(&row[position])));
            Arc::new(builder.finish())
        }
        BaseType::Decimal(precision, scale) => {
            let mut builder = Decimal128Builder::with_capacity(rows.len());
            rows.iter().for_each(|row| builder.append_option(row[position].as_int()));
            Arc::new(builder.finish().with_precision_and_scale(precision, scale)?)
        }
        BaseType::String => {
            let mut builder = StringBuilder::new();
            for row in rows {
                builder.append_option(if let Value::String(text) = &row[position] { Some(text) } else { None });
            }
            Arc::new(builder.finish())
        }
        BaseType::List(..) => {
            let item = base.item().unwrap_or(BaseType::Bytes);
            let list = |row: &Row| if let Value::List(items) = &row[position] { items.clone() } else { Vec::new() };
            let lists: Vec<Vec<Value>> = rows.iter().map(list).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
            let items: Vec<Row> = lists.into_iter().flatten().map(|item| vec![item]).collect();
            let valid: Vec<bool> = rows.iter().map(|row| !row[position].is_null()).collect();
            let field = Arc::new(ArrowField::new("item", arrow_type(item), false));
            let items = array(&items, 0, item)?;
            Arc::new(ListArray::try_new(field, offsets, items, Some(NullBuffer::from(valid)))?)
        }
        BaseType::Bytes => {
            let mut builder = BinaryBuilder::new();
            for row in rows {
                builder.append_option(if let Value::Bytes(bytes) = &row[position] { Some(bytes) } else { None });
            }
            Arc::new(builder.finish())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::ColumnType;

    #[test]
    fn rows_survive_the_way_through_a_batch() {
        let field = |name: &str, base, nullable| Field::new(name, ColumnType { base, nullable });
        let fields = [
            field("b", BaseType::Bool, true),
            field("u", BaseType::UInt64, false),
            field("f", BaseType::Float32, false),
            field("s", BaseType::String, true),
            field("t", BaseType::TimestampMs, false),
            field("d", BaseType::Decimal(10, 2), false),
        ];
        let rows = vec![
            vec![
                Value::Bool(true),
                Value::Int(u64::MAX.into()),
                Value::Float32(1.5),
                Value::Null,
                Value::Int(-5),
                Value::Int(12345),
            ],
            vec![
                Value::Null,
                Value::Int(0),
                Value::Float32(-0.0),
                Value::String("ä".to_owned()),
                Value::Int(7),
                Value::Int(-1),
            ],
        ];
        let batch = to_batch(&rows, &fields).unwrap();
        assert_eq!(from_batch(&batch, &fields).unwrap(), rows);
        assert_eq!(to_batch(&[], &fields).unwrap().num_rows(), 0);
    }
}
