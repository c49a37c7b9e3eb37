//! Records inside rows: structs in files, columns side by side in batches.
//!
//! A column of a batch that is a part of a struct says so in [`Field::within`]. Where a struct that may be null is null, the
//! columns of its parts hold nulls or zeros, whatever stands in the file there, and its column of presence says `false`.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow's types are many and not ours: those not named are treated alike"
)]

use super::cast::cast;
use super::convert::{in_type, type_name};
use super::error::ConnectorError;
use super::schema::{arrow_type, similar};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, Scalar, StructArray, make_array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Fields, Schema, SchemaRef};
use arrow_select::nullif::nullif;
use arrow_select::zip::zip;
use sabot_abi::manifest::Field;
use std::sync::Arc;

/// A column of a file: one column of a batch, or a struct of some.
pub(super) enum Part {
    /// The column of the batch at this place.
    Column(usize),
    /// A struct.
    Struct {
        /// Its name.
        name: String,
        /// The column that says whether it is there; none where it always is.
        presence: Option<usize>,
        /// What it holds.
        parts: Vec<Part>,
    },
}

/// The columns of a file with these fields.
pub(super) fn parts(fields: &[Field]) -> Vec<Part> {
    parts_inside(fields, 0, 0)
}

/// Those inside of so many structs; `first` is the place of the first field.
fn parts_inside(fields: &[Field], first: usize, depth: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(field) = fields.get(at) {
        let Some(around) = field.within.get(depth) else {
            parts.push(Part::Column(first + at));
            at += 1;
            continue;
        };
        let is_inside = |other: &&Field| other.within.get(depth) == Some(around);
        let end = at + fields[at..].iter().take_while(is_inside).count();
        let is_presence = field.is_presence && field.within.len() == depth + 1;
        let presence = is_presence.then_some(first + at);
        at += usize::from(is_presence);
        let inside = parts_inside(&fields[at..end], first + at, depth + 1);
        parts.push(Part::Struct { name: around.name.clone(), presence, parts: inside });
        at = end;
    }
    parts
}

/// The schema of a file with these fields.
pub(super) fn file_schema(fields: &[Field]) -> SchemaRef {
    Arc::new(Schema::new(arrow_fields(&parts(fields), fields)))
}

fn arrow_fields(parts: &[Part], fields: &[Field]) -> Fields {
    let field = |part: &Part| match part {
        Part::Column(at) => {
            let field = &fields[*at];
            ArrowField::new(&field.name, arrow_type(field.ty.base), field.ty.nullable)
        }
        Part::Struct { name, presence, parts } => {
            ArrowField::new(name, DataType::Struct(arrow_fields(parts, fields)), presence.is_some())
        }
    };
    parts.iter().map(field).collect()
}

/// A batch as a file with this schema has it, with exactly its types: other layouts of strings and other time zones are
/// brought to the one that all batches of a file have.
pub(super) fn nested(batch: &RecordBatch, parts: &[Part], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = parts.iter().zip(schema.fields()).map(|(part, field)| array_of(part, field, batch));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_, _>>()?, &options)
}

/// One column of a file.
pub(super) fn array_of(part: &Part, field: &ArrowField, batch: &RecordBatch) -> Result<ArrayRef, ArrowError> {
    let (presence, parts) = match part {
        Part::Column(at) => return in_type(batch.column(*at), field.data_type()),
        Part::Struct { presence, parts, .. } => (presence, parts),
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(ArrowError::SchemaError(format!("column `{}` is no struct", field.name())));
    };
    let nulls = presence.map(|at| NullBuffer::new(batch.column(at).as_boolean().values().clone()));
    let arrays = parts.iter().zip(fields).map(|(part, field)| array_of(part, field, batch));
    Ok(Arc::new(StructArray::try_new(fields.clone(), arrays.collect::<Result<_, _>>()?, nulls)?))
}

/// The name of the column of the file that a field lies in.
pub(super) fn root(field: &Field) -> &str {
    field.within.first().map_or(&field.name, |part| &part.name)
}

/// The names below the column of the file.
fn names_below(field: &Field) -> impl Iterator<Item = &str> {
    let last = (!field.is_presence && !field.within.is_empty()).then_some(field.name.as_str());
    field.within.iter().skip(1).map(|part| part.name.as_str()).chain(last)
}

/// The type that [`leaf`] gives for a field in a column of this type.
pub(super) fn leaf_type(path: &str, field: &Field, root: &DataType) -> Result<DataType, ConnectorError> {
    if field.within.is_empty() {
        return Ok(root.clone());
    }
    let mut current = root;
    let mut seen = self::root(field).to_owned();
    let no_struct = |column: String, found: &DataType| ConnectorError::WrongType {
        path: path.to_owned(),
        column,
        found: type_name(found),
        expected: "a record, which is a struct".into(),
        advice: "read it as what it is, or mend the file".into(),
    };
    for name in names_below(field) {
        let DataType::Struct(fields) = current else { return Err(no_struct(seen, current)) };
        let Some(found) = fields.iter().find(|found| found.name() == name) else {
            let has: Vec<String> = fields.iter().map(|found| format!("{seen}.{}", found.name())).collect();
            return Err(ConnectorError::MissingColumn {
                path: path.to_owned(),
                column: format!("{seen}.{name}"),
                similar: similar(name, fields.iter().map(|found| found.name().as_str()))
                    .map(|name| format!("{seen}.{name}")),
                has,
            });
        };
        seen = format!("{seen}.{name}");
        current = found.data_type();
    }
    if field.is_presence {
        return if matches!(current, DataType::Struct(_)) {
            Ok(DataType::Boolean)
        } else {
            Err(no_struct(seen, current))
        };
    }
    Ok(match current {
        DataType::Dictionary(_, value) if may_be_missing(field) => (**value).clone(),
        DataType::RunEndEncoded(_, values) if may_be_missing(field) => values.data_type().clone(),
        other => other.clone(),
    })
}

fn may_be_missing(field: &Field) -> bool {
    field.within.iter().any(|part| part.nullable)
}

/// A struct that is null and may not be: its path, and the first row.
pub(super) struct NullStruct {
    pub(super) column: String,
    pub(super) row: usize,
}

/// The column of a batch in the column of a file that it lies in; [`leaf_type`] has found it there.
pub(super) fn leaf(array: ArrayRef, field: &Field) -> Result<ArrayRef, NullStruct> {
    if field.within.is_empty() {
        return Ok(array);
    }
    let rows = array.len();
    let mut current = array;
    let mut present: Option<NullBuffer> = None;
    let mut names = names_below(field);
    for (depth, part) in field.within.iter().enumerate() {
        let Some(structs) = current.as_struct_opt() else { break };
        if let Some(nulls) = structs.nulls().filter(|nulls| nulls.null_count() > 0) {
            if part.nullable {
                present = NullBuffer::union(present.as_ref(), Some(nulls));
            } else {
                let is_there = |row: usize| present.as_ref().is_none_or(|present| present.is_valid(row));
                if let Some(row) = (0..rows).find(|row| nulls.is_null(*row) && is_there(*row)) {
                    let names: Vec<&str> = field.within[..=depth].iter().map(|part| part.name.as_str()).collect();
                    return Err(NullStruct { column: names.join("."), row });
                }
            }
        }
        if let Some(inner) = names.next().and_then(|name| structs.column_by_name(name)).map(Arc::clone) {
            current = inner;
        }
    }
    if field.is_presence {
        let is_there = present.map_or_else(|| BooleanBuffer::new_set(rows), NullBuffer::into_inner);
        return Ok(Arc::new(BooleanArray::new(is_there, None)));
    }
    if !may_be_missing(field) {
        return Ok(current);
    }
    // The types that are left are those that zeros can be made of.
    let value_type = match current.data_type() {
        DataType::Dictionary(_, value) => Some((**value).clone()),
        DataType::RunEndEncoded(_, values) => Some(values.data_type().clone()),
        _ => None,
    };
    if let Some(value_type) = value_type {
        current = cast(&current, &value_type).expect("a dictionary's values can stand alone");
    }
    let Some(present) = present.filter(|present| present.null_count() > 0) else { return Ok(current) };
    if field.ty.nullable {
        let is_missing = BooleanArray::new(!present.inner(), None);
        return Ok(nullif(&current, &is_missing).expect("both have a value for each row"));
    }
    let is_there = BooleanArray::new(present.into_inner(), None);
    Ok(zip(&is_there, &current, &zero(current.data_type())).expect("both have one type"))
}

/// One value of a type that has no null.
fn zero(data_type: &DataType) -> Scalar<ArrayRef> {
    let null = ArrayData::new_null(data_type, 1);
    let value = null.into_builder().nulls(None).build().expect("zeros are a value of every plain type");
    Scalar::new(make_array(value))
}
