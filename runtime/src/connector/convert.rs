//! Columns of a file as the record declares them: handed on as they are, widened, or refused; nulls only where allowed.
//!
//! Lossless always: wider integers and floats, finer time units, wider decimals, other string layouts. Lossless only if
//! every value says so, and checked: coarser time units, decimals of more digits. Everything else is an error that names both types.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow's types are many and not ours: those not named are treated alike"
)]

use super::cast::{cast, shown, ticks};
use super::decimal::rescaled;
use super::error::{ConnectorError, Place};
use super::list::{packed, unpacked};
use super::nest::{leaf, leaf_type};
use super::schema::{arrow_type, is_layout_of, rust_name};
use super::source::Position;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array, new_null_array};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use sabot_abi::manifest::{BaseType, Field};
use std::sync::Arc;

/// A column that a sink is given, with exactly the type that the sink has: other layouts of strings become one, time zones
/// are relabelled.
///
/// # Errors
/// The types have nothing to do with each other.
pub fn in_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let found = array.data_type();
    if found == to {
        return Ok(Arc::clone(array));
    }
    match (found, to) {
        (DataType::Binary, DataType::List(field)) => {
            let item = super::schema::base_type(field.data_type());
            let item = item.ok_or_else(|| ArrowError::CastError(format!("no job has a list of {field}")))?;
            Ok(Arc::new(unpacked(array.as_binary::<i32>(), item)?))
        }
        (DataType::Timestamp(from, _), DataType::Timestamp(unit, _)) if from == unit => {
            Ok(make_array(array.to_data().into_builder().data_type(to.clone()).build()?))
        }
        _ => cast(array, to),
    }
}

/// How one column of a file becomes one column of a batch.
#[derive(Clone, Debug, PartialEq)]
enum Conversion {
    /// As it is.
    Keep,
    /// Through [`cast`], which fails on values that do not fit.
    Cast(DataType),
    /// To a coarser unit: the values must be multiples of this.
    Coarsen(DataType, i64),
    /// To fewer digits, of a decimal: the values must not use the others.
    Rescale(u8, i8),
    /// A column of nulls.
    Nulls(DataType),
    /// Lists, which become bytes, by way of the type that lists have by default.
    Pack(DataType, BaseType),
}

/// How the columns of a file become those of a batch.
#[derive(Clone, Debug)]
pub(super) struct Conversions {
    path: Arc<str>,
    columns: Vec<(Conversion, Field)>,
    schema: SchemaRef,
}

impl Conversions {
    /// Decides for each column; `found` are the types of the file's columns, in the order of `fields`.
    pub(super) fn new<'a>(
        path: Arc<str>,
        fields: impl IntoIterator<Item = &'a Field>,
        found: impl IntoIterator<Item = &'a DataType>,
    ) -> Result<Self, ConnectorError> {
        let mut columns = Vec::new();
        let mut schema = Vec::new();
        for (field, found) in fields.into_iter().zip(found) {
            let found = &leaf_type(&path, field, found)?;
            let conversion = conversion(found, field.ty.base).ok_or_else(|| ConnectorError::WrongType {
                path: path.to_string(),
                column: field.path(),
                found: type_name(found),
                expected: rust_name(field.ty.base),
                advice: advice(found),
            })?;
            let data_type = match &conversion {
                Conversion::Keep => found.clone(),
                Conversion::Cast(to) | Conversion::Coarsen(to, _) | Conversion::Nulls(to) => to.clone(),
                Conversion::Rescale(precision, scale) => DataType::Decimal128(*precision, *scale),
                Conversion::Pack(..) => DataType::Binary,
            };
            schema.push(ArrowField::new(&field.name, data_type, field.ty.nullable));
            columns.push((conversion, field.clone()));
        }
        Ok(Self { path, columns, schema: Arc::new(Schema::new(schema)) })
    }

    /// Converts the columns of one batch, in the order that `new` was given; a field of a struct is found in its struct.
    pub(super) fn apply(
        &self,
        columns: Vec<ArrayRef>,
        rows: usize,
        position: &Position,
    ) -> Result<RecordBatch, ConnectorError> {
        debug_assert_eq!(columns.len(), self.columns.len(), "one array per column of the scan");
        let mut converted = Vec::with_capacity(columns.len());
        for (array, (conversion, field)) in columns.into_iter().zip(&self.columns) {
            let array = leaf(array, field).map_err(|missing| ConnectorError::UnexpectedNull {
                path: self.path.to_string(),
                place: position.place(missing.row),
                column: missing.column,
                expected: "a record".into(),
            })?;
            if !field.ty.nullable && array.is_nullable() {
                self.refuse_nulls(&array, field, position)?;
            }
            converted.push(self.convert(array, conversion, field, position)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), converted, &options).map_err(|error| {
            // The lengths and types were made above: only a decoder that gave less than it said can cause this.
            ConnectorError::BadRow {
                path: self.path.to_string(),
                place: position.place(0),
                detail: format!("columns do not fit together: {error}"),
            }
        })
    }

    fn refuse_nulls(&self, array: &ArrayRef, field: &Field, position: &Position) -> Result<(), ConnectorError> {
        let Some(row) = array.logical_nulls().and_then(|nulls| (0..nulls.len()).find(|row| nulls.is_null(*row))) else {
            return Ok(());
        };
        Err(ConnectorError::UnexpectedNull {
            path: self.path.to_string(),
            place: position.place(row),
            column: field.path(),
            expected: rust_name(field.ty.base),
        })
    }

    fn convert(
        &self,
        array: ArrayRef,
        conversion: &Conversion,
        field: &Field,
        position: &Position,
    ) -> Result<ArrayRef, ConnectorError> {
        let (to, multiple) = match conversion {
            Conversion::Keep => return Ok(array),
            Conversion::Rescale(precision, scale) => {
                return rescaled(&array, *precision, *scale)
                    .map_err(|row| self.bad_value(&array, row, field, position.place(row)));
            }
            Conversion::Nulls(to) => return Ok(new_null_array(to, array.len())),
            Conversion::Cast(to) | Conversion::Pack(to, _) => (to, None),
            Conversion::Coarsen(to, multiple) => (to, Some(*multiple)),
        };
        if let Some(row) = multiple.and_then(|multiple| first_inexact(&array, multiple)) {
            return Err(self.bad_value(&array, row, field, position.place(row)));
        }
        let converted = cast(&array, to).map_err(|_| {
            let fails = |row: &usize| cast(&array.slice(*row, 1), to).is_err();
            let row = (0..array.len()).find(fails).unwrap_or(0);
            self.bad_value(&array, row, field, position.place(row))
        })?;
        match conversion {
            Conversion::Pack(_, item) => Ok(Arc::new(packed(&converted, *item))),
            Conversion::Keep
            | Conversion::Cast(_)
            | Conversion::Coarsen(..)
            | Conversion::Rescale(..)
            | Conversion::Nulls(_) => Ok(converted),
        }
    }

    fn bad_value(&self, array: &ArrayRef, row: usize, field: &Field, place: Place) -> ConnectorError {
        let text = shown(array, row);
        ConnectorError::BadValue {
            path: self.path.to_string(),
            place,
            column: field.path(),
            found: format!("{text} ({})", type_name(array.data_type())),
            expected: format!("a value that fits {} without loss", rust_name(field.ty.base)),
        }
    }
}

fn first_inexact(array: &ArrayRef, multiple: i64) -> Option<usize> {
    let counts = matches!(array.data_type(), DataType::Timestamp(..) | DataType::Duration(_) | DataType::Date64);
    let values = counts.then(|| ticks(array))?;
    (0..array.len()).find(|row| array.is_valid(*row) && values.value(*row) % multiple != 0)
}

/// The way from a file's type to the record's, if there is one without loss.
fn conversion(found: &DataType, base: BaseType) -> Option<Conversion> {
    if let Some(item) = base.item() {
        return match found {
            DataType::Null => Some(Conversion::Nulls(DataType::Binary)),
            DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                match conversion(field.data_type(), item)? {
                    Conversion::Keep | Conversion::Cast(_) | Conversion::Pack(..) => {
                        Some(Conversion::Pack(arrow_type(base), item))
                    }
                    Conversion::Coarsen(..) | Conversion::Rescale(..) | Conversion::Nulls(_) => None,
                }
            }
            _ => None,
        };
    }
    if is_layout_of(found, base) {
        return Some(Conversion::Keep);
    }
    let cast = || Some(Conversion::Cast(arrow_type(base)));
    match found {
        DataType::Null => return Some(Conversion::Nulls(arrow_type(base))),
        DataType::Dictionary(_, value) => {
            return match (&**value, base) {
                (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, BaseType::String) => {
                    Some(Conversion::Cast(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))))
                }
                (value, base) if is_layout_of(value, base) => cast(),
                _ => None,
            };
        }
        DataType::RunEndEncoded(_, values) => return is_layout_of(values.data_type(), base).then(cast).flatten(),
        _ => {}
    }
    match base {
        BaseType::Bool | BaseType::Int8 | BaseType::List(..) => None,
        BaseType::Int16 => matches!(found, DataType::Int8 | DataType::UInt8).then(cast).flatten(),
        BaseType::Int32 => is_integer_of(found, 31).then(cast).flatten(),
        BaseType::Int64 => is_integer_of(found, 63).then(cast).flatten(),
        BaseType::UInt8 => None,
        BaseType::UInt16 => matches!(found, DataType::UInt8).then(cast).flatten(),
        BaseType::UInt32 => matches!(found, DataType::UInt8 | DataType::UInt16).then(cast).flatten(),
        BaseType::UInt64 => matches!(found, DataType::UInt8 | DataType::UInt16 | DataType::UInt32).then(cast).flatten(),
        BaseType::Float32 => (is_integer_of(found, 24) || *found == DataType::Float16).then(cast).flatten(),
        BaseType::Float64 => {
            (is_integer_of(found, 53) || matches!(found, DataType::Float16 | DataType::Float32)).then(cast).flatten()
        }
        BaseType::String => matches!(found, DataType::Binary | DataType::LargeBinary).then(cast).flatten(),
        BaseType::Bytes => {
            matches!(found, DataType::FixedSizeBinary(_) | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
                .then(cast)
                .flatten()
        }
        BaseType::Decimal(precision, scale) => {
            let whole = i32::from(precision) - i32::from(scale);
            let fits = match found {
                DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
                    scale >= *s && whole >= i32::from(*p) - i32::from(*s)
                }
                DataType::Int8 | DataType::UInt8 => whole >= 3,
                DataType::Int16 | DataType::UInt16 => whole >= 5,
                DataType::Int32 | DataType::UInt32 => whole >= 10,
                DataType::Int64 => whole >= 19,
                DataType::UInt64 => whole >= 20,
                _ => false,
            };
            if !fits && matches!(found, DataType::Decimal128(..) | DataType::Decimal256(..)) {
                return Some(Conversion::Rescale(precision, scale));
            }
            fits.then(cast).flatten()
        }
        BaseType::Date => (*found == DataType::Date64).then(|| Conversion::Coarsen(arrow_type(base), 86_400_000)),
        BaseType::TimestampMs => timestamp(found, TimeUnit::Millisecond),
        BaseType::TimestampUs => timestamp(found, TimeUnit::Microsecond),
        BaseType::TimestampNs => timestamp(found, TimeUnit::Nanosecond),
        BaseType::Duration => match found {
            DataType::Duration(unit) => Some(by_unit(*unit, TimeUnit::Microsecond, arrow_type(base))),
            _ => None,
        },
    }
}

/// Whether every value of the type is an integer of at most so many bits, sign left out.
fn is_integer_of(found: &DataType, bits: u32) -> bool {
    let needed = match found {
        DataType::Int8 => 7,
        DataType::UInt8 => 8,
        DataType::Int16 => 15,
        DataType::UInt16 => 16,
        DataType::Int32 => 31,
        DataType::UInt32 => 32,
        DataType::Int64 => 63,
        _ => return false,
    };
    needed <= bits
}

/// The time zone stays: it is how a time is shown, not which time it is.
fn timestamp(found: &DataType, wanted: TimeUnit) -> Option<Conversion> {
    match found {
        DataType::Timestamp(unit, zone) => Some(by_unit(*unit, wanted, DataType::Timestamp(wanted, zone.clone()))),
        _ => None,
    }
}

fn by_unit(found: TimeUnit, wanted: TimeUnit, to: DataType) -> Conversion {
    let per_second = |unit| match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000_i64,
    };
    let (found, wanted) = (per_second(found), per_second(wanted));
    if found > wanted { Conversion::Coarsen(to, found / wanted) } else { Conversion::Cast(to) }
}

/// The type of a file's column, in words.
pub(super) fn type_name(found: &DataType) -> String {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "strings".into(),
        DataType::Dictionary(_, value) => type_name(value),
        other => other.to_string(),
    }
}

fn advice(found: &DataType) -> String {
    match super::schema::base_type(found) {
        Some(base) => {
            format!("declare the field `{}`, and convert in a `map` if another type is needed", rust_name(base))
        }
        None => {
            "no field of a record can hold that type: leave the field out, or write the file with another type".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float32Array, Int32Array, Int64Array, StringArray, TimestampNanosecondArray};
    use sabot_abi::manifest::ColumnType;

    fn field(base: BaseType, nullable: bool) -> Field {
        Field::new("c", ColumnType { base, nullable })
    }

    fn convert(array: ArrayRef, base: BaseType, nullable: bool) -> Result<ArrayRef, ConnectorError> {
        let field = field(base, nullable);
        let conversions = Conversions::new("f".into(), [&field], [array.data_type()])?;
        let rows = array.len();
        Ok(Arc::clone(conversions.apply(vec![array], rows, &Position::contiguous("f".into(), 10))?.column(0)))
    }

    #[test]
    fn wider_types_are_reached_and_narrower_ones_refused() {
        let ints: ArrayRef = Arc::new(Int32Array::from(vec![1, -2]));
        assert_eq!(convert(Arc::clone(&ints), BaseType::Int64, false).unwrap().data_type(), &DataType::Int64);
        assert_eq!(convert(Arc::clone(&ints), BaseType::Float64, false).unwrap().data_type(), &DataType::Float64);
        let floats: ArrayRef = Arc::new(Float32Array::from(vec![1.5]));
        assert_eq!(convert(floats, BaseType::Float64, false).unwrap().data_type(), &DataType::Float64);
        let error = convert(Arc::new(Int64Array::from(vec![1])), BaseType::Int32, false).unwrap_err().to_string();
        assert_eq!(
            error,
            "f: column `c` holds Int64, the record says i32: declare the field `i64`, and convert in a `map` if another type is needed"
        );
        let strings: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        assert!(matches!(convert(strings, BaseType::Int64, false), Err(ConnectorError::WrongType { .. })));
    }

    #[test]
    fn a_coarser_unit_is_reached_where_nothing_is_lost() {
        let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_000, 2_000]));
        let converted = convert(times, BaseType::TimestampUs, false).unwrap();
        assert_eq!(converted.as_primitive::<arrow_array::types::TimestampMicrosecondType>().values(), &[1, 2]);
        let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_000, 2_001]));
        let error = convert(times, BaseType::TimestampUs, false).unwrap_err();
        assert!(error.to_string().starts_with("f, row 12: column `c` holds 1970-01-01T00:00:00.000002001"), "{error}");
    }

    #[test]
    fn a_null_names_its_row() {
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        assert!(convert(Arc::clone(&ints), BaseType::Int64, true).is_ok());
        let error = convert(ints, BaseType::Int64, false).unwrap_err().to_string();
        assert_eq!(
            error,
            "f, row 12: column `c` is null, the record says i64: declare it `Option<i64>`, or mend the file"
        );
    }
}
