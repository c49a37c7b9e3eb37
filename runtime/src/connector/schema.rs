//! The record's types as Arrow types, and the columns of a file matched with the fields of a record by name.

use super::error::ConnectorError;
use super::nest::root;
use arrow_schema::{DataType, Field as ArrowField, IntervalUnit, Schema, SchemaRef, TimeUnit};
use sabot_abi::manifest::{BaseType, ColumnType, Field};
use std::sync::Arc;

/// The Arrow type that columns of this type have by default, in batches and in files.
///
/// Batches of a source may also hold `String` as `LargeUtf8`, `Utf8View` or `Dictionary(Int32, Utf8)`, `Bytes` as
/// `LargeBinary` or `BinaryView`, and timestamps without or with another time zone: see [`is_layout_of`].
#[must_use]
pub fn arrow_type(base: BaseType) -> DataType {
    let utc = || Some(Arc::from("UTC"));
    match base {
        BaseType::Bool => DataType::Boolean,
        BaseType::Int8 => DataType::Int8,
        BaseType::Int16 => DataType::Int16,
        BaseType::Int32 => DataType::Int32,
        BaseType::Int64 => DataType::Int64,
        BaseType::UInt8 => DataType::UInt8,
        BaseType::UInt16 => DataType::UInt16,
        BaseType::UInt32 => DataType::UInt32,
        BaseType::UInt64 => DataType::UInt64,
        BaseType::Float32 => DataType::Float32,
        BaseType::Float64 => DataType::Float64,
        BaseType::String => DataType::Utf8,
        BaseType::Bytes => DataType::Binary,
        BaseType::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
        BaseType::Date => DataType::Date32,
        BaseType::TimestampMs => DataType::Timestamp(TimeUnit::Millisecond, utc()),
        BaseType::TimestampUs => DataType::Timestamp(TimeUnit::Microsecond, utc()),
        BaseType::TimestampNs => DataType::Timestamp(TimeUnit::Nanosecond, utc()),
        BaseType::Duration => DataType::Duration(TimeUnit::Microsecond),
        BaseType::List(..) => match base.item() {
            Some(item) => super::list::list_type(item),
            None => DataType::Binary,
        },
    }
}

/// The Arrow type that columns have inside the runtime: lists are bytes there.
#[must_use]
pub(crate) fn batch_type(base: BaseType) -> DataType {
    if base.item().is_some() { DataType::Binary } else { arrow_type(base) }
}

/// The schema of a source's batches, where every column has the type that its kind has by default.
#[must_use]
pub(super) fn batch_schema(fields: &[Field]) -> SchemaRef {
    let field = |field: &Field| ArrowField::new(&field.name, batch_type(field.ty.base), field.ty.nullable);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

/// Whether a column of this Arrow type may be handed on as it is where the record says `base`.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow's types are many and not ours: those not named are treated alike"
)]
pub fn is_layout_of(data_type: &DataType, base: BaseType) -> bool {
    if *data_type == batch_type(base) {
        return true;
    }
    match base {
        BaseType::String => match data_type {
            DataType::LargeUtf8 | DataType::Utf8View => true,
            DataType::Dictionary(key, value) => **key == DataType::Int32 && **value == DataType::Utf8,
            _ => false,
        },
        BaseType::Bytes => matches!(data_type, DataType::LargeBinary | DataType::BinaryView),
        BaseType::TimestampMs => matches!(data_type, DataType::Timestamp(TimeUnit::Millisecond, _)),
        BaseType::TimestampUs => matches!(data_type, DataType::Timestamp(TimeUnit::Microsecond, _)),
        BaseType::TimestampNs => matches!(data_type, DataType::Timestamp(TimeUnit::Nanosecond, _)),
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
        | BaseType::Decimal(..)
        | BaseType::Date
        | BaseType::Duration
        | BaseType::List(..) => false,
    }
}

/// The type as the record writes it, without `Option`.
#[must_use]
pub fn rust_name(base: BaseType) -> String {
    match base {
        BaseType::Bool => "bool".into(),
        BaseType::Int8 => "i8".into(),
        BaseType::Int16 => "i16".into(),
        BaseType::Int32 => "i32".into(),
        BaseType::Int64 => "i64".into(),
        BaseType::UInt8 => "u8".into(),
        BaseType::UInt16 => "u16".into(),
        BaseType::UInt32 => "u32".into(),
        BaseType::UInt64 => "u64".into(),
        BaseType::Float32 => "f32".into(),
        BaseType::Float64 => "f64".into(),
        BaseType::String => "String".into(),
        BaseType::Bytes => "Vec<u8>".into(),
        BaseType::Decimal(..) => "Decimal".into(),
        BaseType::Date => "Date".into(),
        BaseType::TimestampMs => "Timestamp (milliseconds)".into(),
        BaseType::TimestampUs => "Timestamp (microseconds)".into(),
        BaseType::TimestampNs => "Timestamp (nanoseconds)".into(),
        BaseType::Duration => "Duration".into(),
        BaseType::List(..) => format!("Vec<{}>", base.item().map_or_else(String::new, rust_name)),
    }
}

/// The record's type for a column of a file, `None` for those that no record can hold.
#[must_use]
pub fn base_type(data_type: &DataType) -> Option<BaseType> {
    Some(match data_type {
        DataType::Boolean => BaseType::Bool,
        DataType::Int8 => BaseType::Int8,
        DataType::Int16 => BaseType::Int16,
        DataType::Int32 => BaseType::Int32,
        DataType::Int64 => BaseType::Int64,
        DataType::UInt8 => BaseType::UInt8,
        DataType::UInt16 => BaseType::UInt16,
        DataType::UInt32 => BaseType::UInt32,
        DataType::UInt64 => BaseType::UInt64,
        DataType::Float16 | DataType::Float32 => BaseType::Float32,
        DataType::Float64 => BaseType::Float64,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => BaseType::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            BaseType::Bytes
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => BaseType::Decimal(*precision, *scale),
        DataType::Date32 | DataType::Date64 => BaseType::Date,
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, _) => BaseType::TimestampMs,
        DataType::Timestamp(TimeUnit::Microsecond, _) => BaseType::TimestampUs,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => BaseType::TimestampNs,
        DataType::Duration(_) => BaseType::Duration,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            base_type(item.data_type())?.list()?
        }
        DataType::Dictionary(_, value) => base_type(value)?,
        DataType::RunEndEncoded(_, values) => base_type(values.data_type())?,
        DataType::Null
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime | IntervalUnit::MonthDayNano)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Struct(_)
        | DataType::Union(..)
        | DataType::Map(..)
        | DataType::Decimal256(..) => return None,
    })
}

/// The fields of a file as a record would declare them; columns that no record can hold are left out.
#[must_use]
pub fn record_fields(schema: &Schema) -> Vec<Field> {
    let column = |field: &Arc<ArrowField>| {
        let base = base_type(field.data_type())?;
        Some(Field::new(field.name().clone(), ColumnType { base, nullable: field.is_nullable() }))
    };
    schema.fields().iter().filter_map(column).collect()
}

/// The schema of batches of a record, where a record in it is columns side by side.
#[must_use]
pub fn arrow_schema(fields: &[Field]) -> SchemaRef {
    let field = |field: &Field| ArrowField::new(&field.name, arrow_type(field.ty.base), field.ty.nullable);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

/// Position of the column of the file that each wanted field is or lies in, by name.
pub(super) fn match_columns<'a>(
    path: &str,
    wanted: impl IntoIterator<Item = &'a Field>,
    has: &[String],
) -> Result<Vec<usize>, ConnectorError> {
    let find = |field: &Field| {
        let wanted = root(field);
        let mut places = has.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(place, _)| place);
        let Some(place) = places.next() else {
            return Err(ConnectorError::MissingColumn {
                path: path.to_owned(),
                column: wanted.to_owned(),
                has: has.to_vec(),
                similar: similar(wanted, has.iter().map(String::as_str)),
            });
        };
        match places.count() {
            0 => Ok(place),
            others => Err(ConnectorError::AmbiguousColumn {
                path: path.to_owned(),
                column: wanted.to_owned(),
                times: others + 1,
            }),
        }
    };
    wanted.into_iter().map(find).collect()
}

/// The candidate that the author may have meant: equal but for case and underscores, or a few edits away.
pub(super) fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let wanted = plain(name);
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        if candidate == wanted && !wanted.is_empty() { 0 } else { 1 + edits(&wanted, &candidate) }
    };
    let (least, best) = candidates.map(|candidate| (distance(candidate), candidate)).min_by_key(|(least, _)| *least)?;
    // Of one or two letters every other such name is an edit away.
    let allowed = if wanted.len() < 3 { 0 } else { 1 + wanted.len().div_ceil(3) };
    (least <= allowed).then(|| best.to_owned())
}

/// Levenshtein distance, in bytes.
fn edits(left: &str, right: &str) -> usize {
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_suggested_when_it_is_near() {
        let has = ["instrumentId", "price", "size"];
        let suggest = |name| similar(name, has.into_iter());
        assert_eq!(suggest("instrument_id").as_deref(), Some("instrumentId"));
        assert_eq!(suggest("pirce").as_deref(), Some("price"));
        assert_eq!(suggest("cusip"), None);
        assert_eq!(similar("price", [].into_iter()), None);
    }

    #[test]
    fn every_arrow_type_of_a_record_comes_back_as_that_type() {
        for base in ALL_TYPES {
            assert_eq!(base_type(&arrow_type(base)), Some(base));
            assert!(is_layout_of(&batch_type(base), base));
        }
    }

    const ALL_TYPES: [BaseType; 21] = [
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
        BaseType::List(sabot_abi::manifest::Item::String, 0),
        BaseType::List(sabot_abi::manifest::Item::Int64, 1),
    ];
}
