//! Writes CSV and NDJSON: workers format, the writer appends.

use super::super::error::ConnectorError;
use super::super::nest::{self, Part};
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
    only_values(&target.name(), fields)?;
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

/// A field of CSV is one value: lists and records are refused.
pub(super) fn only_values(path: &str, fields: &[Field]) -> Result<(), ConnectorError> {
    let refused = |detail: String| Err(ConnectorError::Unsupported { path: path.to_owned(), detail });
    if let Some(around) = fields.iter().find_map(|field| field.within.first()) {
        return refused(format!(
            "CSV has no records inside rows, and column `{}` is one: use NDJSON, Arrow or Parquet, or write its parts as \
             fields of the row in a `map`",
            around.name
        ));
    }
    match fields.iter().find(|field| field.ty.base.item().is_some()) {
        None => Ok(()),
        Some(field) => refused(format!(
            "CSV has no lists, and column `{}` is a {}: use NDJSON, Arrow or Parquet, or `join` the items in a `map`",
            field.name,
            rust_name(field.ty.base)
        )),
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

    fn may_wait(&self) -> bool {
        self.target.may_wait()
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        let cells = match self.style {
            Style::Csv(delimiter) => {
                let label = |at: usize| if at == 0 { Vec::new() } else { vec![delimiter] };
                (0..self.fields.len()).map(|at| Cell { label: label(at), part: CellPart::Column(at) }).collect()
            }
            Style::Json => cells(&nest::parts(&self.fields), &self.fields),
        };
        Box::new(TextEncoder {
            path: self.target.name(),
            fields: Arc::clone(&self.fields),
            style: self.style,
            cells,
            row_bytes: 64,
        })
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        let mut output = self.target.open()?;
        output.write(&self.header)?;
        Ok(Box::new(TextWriter { output, rows: 0 }))
    }
}

/// A value of a row, and what stands in front of it: `{"a":`, then `,"b":`, or a delimiter.
struct Cell {
    label: Vec<u8>,
    part: CellPart,
}

enum CellPart {
    /// The column at this place.
    Column(usize),
    /// An object, and the column that says whether it is there.
    Object(Option<usize>, Vec<Cell>),
}

fn cells(parts: &[Part], fields: &[Field]) -> Vec<Cell> {
    let cell = |(at, part): (usize, &Part)| {
        let mut label = vec![if at == 0 { b'{' } else { b',' }];
        let (name, part) = match part {
            Part::Column(column) => (&fields[*column].name, CellPart::Column(*column)),
            Part::Struct { name, presence, parts } => (name, CellPart::Object(*presence, cells(parts, fields))),
        };
        write_string(name, Style::Json, &mut label);
        label.push(b':');
        Cell { label, part }
    };
    parts.iter().enumerate().map(cell).collect()
}

impl Cell {
    fn write(&self, columns: &[Column], row: usize, style: Style, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.label);
        match &self.part {
            CellPart::Column(at) => columns[*at].write(row, style, out),
            CellPart::Object(Some(presence), _) if !columns[*presence].is_true(row) => out.extend_from_slice(b"null"),
            CellPart::Object(_, inside) => {
                for cell in inside {
                    cell.write(columns, row, style, out);
                }
                out.push(b'}');
            }
        }
    }
}

struct TextEncoder {
    path: String,
    fields: Arc<[Field]>,
    style: Style,
    cells: Vec<Cell>,
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
                for cell in &self.cells {
                    cell.write(&columns, row, self.style, &mut out);
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
