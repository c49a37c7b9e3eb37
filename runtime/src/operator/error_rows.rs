//! Rows that could not be computed, as error sinks take them: the sink's columns are known by their names.

use crate::connector::SinkEncoder;
use crate::error::RowFailure;
use crate::scheduler::PipelineRun;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow_schema::SchemaRef;
use sabot_abi::manifest::ErrorPolicy;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is kept of a row that could not be computed.
pub(crate) struct ErrorRow {
    operator: String,
    code: i64,
    message: String,
    row: String,
}

/// One worker's rows for an error sink.
pub(crate) struct ErrorRows {
    pub(crate) sink: u32,
    pub(crate) rows: Vec<ErrorRow>,
    pub(crate) encoder: Box<dyn SinkEncoder>,
}

/// The error sinks of a job's operators, for a worker.
pub(crate) fn error_sinks(run: &PipelineRun<'_>) -> Vec<ErrorRows> {
    let sink = |policy: ErrorPolicy| match policy {
        ErrorPolicy::Sink(sink) => Some(sink).filter(|sink| (*sink as usize) < run.job.sinks.len()),
        ErrorPolicy::Fail | ErrorPolicy::Skip => None,
    };
    let operators = &run.job.artifact.manifest.operators;
    let sinks: BTreeSet<u32> = operators.iter().filter_map(|operator| sink(operator.on_error)).collect();
    let rows = |sink: u32| ErrorRows { sink, rows: Vec::new(), encoder: run.job.sinks[sink as usize].encoder() };
    sinks.into_iter().map(rows).collect()
}

/// A failure as a row.
pub(crate) fn error_row(code: u32, failure: &RowFailure) -> ErrorRow {
    let values: Vec<String> = failure.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let place = failure.input.as_ref().map(|(file, place)| format!("{file}, {place}: ")).unwrap_or_default();
    ErrorRow {
        operator: failure.operator.clone(),
        code: i64::from(code),
        message: failure.message.clone(),
        row: format!("{place}{}", values.join(", ")),
    }
}

impl ErrorRows {
    /// The rows as a batch with the sink's columns.
    pub(crate) fn take_batches(&mut self, schema: &SchemaRef) -> Vec<RecordBatch> {
        batch_of(std::mem::take(&mut self.rows), schema).into_iter().collect()
    }
}

/// Rows as a batch with a sink's columns; nothing of no rows.
pub(crate) fn batch_of(rows: Vec<ErrorRow>, schema: &SchemaRef) -> Option<RecordBatch> {
    let texts =
        |text: fn(&ErrorRow) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(text))) };
    let columns = schema.fields().iter().map(|field| {
        let column = match field.name().as_str() {
            "operator" => texts(|row| &row.operator),
            "message" => texts(|row| &row.message),
            "row" => texts(|row| &row.row),
            _ => Arc::new(rows.iter().map(|row| row.code).collect::<Int64Array>()),
        };
        if column.data_type() == field.data_type() { column } else { new_null_array(field.data_type(), rows.len()) }
    });
    if rows.is_empty() { None } else { RecordBatch::try_new(Arc::clone(schema), columns.collect()).ok() }
}
