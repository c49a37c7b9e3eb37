//! Writes CSV and NDJSON: workers format, the writer appends.

use super::super::error::ConnectorError;
use super::super::output::{Output, Target};
use super::super::schema::rust_name;
use super::super::sink::{Demand, EncodedBatch, Payload, Sink, SinkEncoder, SinkReport, SinkWriter};
use super::csv::delimiter;
use super::format::{Column, Style, write_string};
use arrow_array::RecordBatch;
use sabot_abi::manifest::Field;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A CSV file to be written.
pub(in super::super) fn csv_sink(
    target: Target,
    fields: &[Field],
    options: &BTreeMap<String, String>,
) -> Result<Box<dyn Sink>, ConnectorError> {
    let delimiter = delimiter(&target.name(), options)?;
    no_lists(&target.name(), fields)?;
    let style = Style::Csv(delimiter);
    let mut header = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            header.push(delimiter);
        }
        write_string(&field.name, style, &mut header);
    }
    header.push(b'\n');
    Ok(Box::new(TextSink { target, fields: fields.into(), style, header }))
}

/// A field of CSV is one value: lists are refused.
pub(super) fn no_lists(path: &str, fields: &[Field]) -> Result<(), ConnectorError> {
    match fields.iter().find(|field| field.ty.base.item().is_some()) {
        None => Ok(()),
        Some(field) => Err(ConnectorError::Unsupported {
            path: path.to_owned(),
            detail: format!(
                "CSV has no lists, and column `{}` is a {}: use NDJSON, Arrow or Parquet, or `join` the items in a `map`",
                field.name,
                rust_name(field.ty.base)
            ),
        }),
    }
}

/// An NDJSON file to be written.
pub(in super::super) fn ndjson_sink(target: Target, fields: &[Field]) -> Box<dyn Sink> {
    Box::new(TextSink { target, fields: fields.into(), style: Style::Json, header: Vec::new() })
}

struct TextSink {
    target: Target,
    fields: Arc<[Field]>,
    style: Style,
    header: Vec<u8>,
}

impl Sink for TextSink {
    fn preferred_rows(&self) -> usize {
        16 * 1024
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        // In JSON each value stands behind its name: `{"a":`, then `,"b":`.
        let label = |(at, field): (usize, &Field)| {
            let mut label = Vec::new();
            match self.style {
                Style::Csv(delimiter) => label.extend((at > 0).then_some(delimiter)),
                Style::Json => {
                    label.push(if at == 0 { b'{' } else { b',' });
                    write_string(&field.name, self.style, &mut label);
                    label.push(b':');
                }
            }
            label
        };
        let labels = self.fields.iter().enumerate().map(label).collect();
        Box::new(TextEncoder {
            path: self.target.name(),
            fields: Arc::clone(&self.fields),
            style: self.style,
            labels,
            row_bytes: 64,
        })
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        let mut output = self.target.open()?;
        output.write(&self.header)?;
        Ok(Box::new(TextWriter { output, rows: 0 }))
    }
}

struct TextEncoder {
    path: String,
    fields: Arc<[Field]>,
    style: Style,
    /// What stands in front of each value.
    labels: Vec<Vec<u8>>,
    /// Of the last batch, to guess with.
    row_bytes: usize,
}

impl SinkEncoder for TextEncoder {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError> {
        let mut out = Vec::new();
        let mut rows = 0;
        for batch in batches {
            let columns = batch.columns().iter().zip(self.fields.iter());
            let columns: Result<Vec<Column>, _> =
                columns.map(|(array, field)| Column::new(array, field.ty.base)).collect();
            let columns = columns
                .map_err(|error| ConnectorError::Encode { path: self.path.clone(), detail: error.to_string() })?;
            out.reserve(batch.num_rows() * self.row_bytes);
            for row in 0..batch.num_rows() {
                for (column, label) in columns.iter().zip(&self.labels) {
                    out.extend_from_slice(label);
                    column.write(row, self.style, &mut out);
                }
                out.extend_from_slice(if self.style == Style::Json { b"}\n" } else { b"\n" });
            }
            rows += batch.num_rows();
        }
        self.row_bytes = (out.len() / rows.max(1) + 8).min(4096);
        Ok(EncodedBatch { rows: rows as u64, payload: Payload::Bytes(out) })
    }
}

struct TextWriter {
    output: Output,
    rows: u64,
}

impl SinkWriter for TextWriter {
    fn append(&mut self, batch: EncodedBatch) -> Result<Demand, ConnectorError> {
        let Payload::Bytes(bytes) = batch.payload else {
            unreachable!("a writer is given what the encoders of its own sink made");
        };
        self.rows += batch.rows;
        self.output.write(&bytes)
    }

    fn finish(self: Box<Self>) -> Result<SinkReport, ConnectorError> {
        let (rows, bytes) = (self.rows, self.output.written());
        Ok(SinkReport { rows, bytes, files: self.output.finish()? })
    }

    fn abort(self: Box<Self>) {
        drop(self);
    }
}
