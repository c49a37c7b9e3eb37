//! Rows that cannot be computed: found by a kernel that goes row by row, and treated as their operator's policy says.

use super::Worker;
use crate::error::{RowFailure, line_and_column};
use crate::kernel;
use crate::operator::accumulate::{FailedRow, UserError};
use crate::operator::error_rows::error_row;
use crate::primitive::bitmap;
use crate::registers::Selection;
use crate::scheduler::KernelCall;
use crate::watermark::EventTime;
use sabot_abi::CHUNK_WORDS;
use sabot_abi::kernel::{Accumulator, RowError, RowErrorCode};
use sabot_abi::manifest::{AggregateInput, ErrorPolicy, Manifest, Operator, Reg};

impl<'a> Worker<'a> {
    /// Computes the rows one by one, and treats those that fail as their operator's policy says. `first`: what a scalar
    /// kernel, which is its own replay, has just left when it came to the first of them.
    #[cold]
    pub(super) fn replay(
        &mut self,
        call: &'a KernelCall<'a>,
        mut first: Option<[u64; CHUNK_WORDS]>,
        selection: &mut Selection,
        accumulators: *mut Accumulator,
    ) {
        let code = call.replay.unwrap_or(call.nullable);
        self.registers.fill_validity();
        let mut todo = selection.words;
        let mut kept = [0u64; CHUNK_WORDS];
        let mut first_row = 0;
        loop {
            let (is_failed, out) = match first.take() {
                Some(out) => (true, out),
                None => {
                    let mut out = [0u64; CHUNK_WORDS];
                    self.context.error = RowError::default();
                    let chunk = self.chunk(selection.rows, first_row, &todo, &mut out, accumulators);
                    (kernel::call(code, &mut self.context, &chunk) != 0, out)
                }
            };
            let error = self.context.error;
            let end = if is_failed { error.row as usize } else { selection.rows };
            assert!(end >= first_row && end <= selection.rows, "a kernel names a row of the chunk");
            let decided = if call.kernel.filter { &out } else { &todo };
            for row in (first_row..end).filter(|row| bitmap::get(decided, *row)) {
                bitmap::set(&mut kept, row);
            }
            if !is_failed {
                break;
            }
            if self.on_row_error(call, error, end, selection) == GoOn::BeforeTheRow {
                break;
            }
            for row in first_row..=end {
                bitmap::clear(&mut todo, row);
            }
            first_row = end + 1;
            if bitmap::count(&todo) == 0 {
                break;
            }
        }
        selection.words = kept;
        selection.recount();
    }

    /// Leaves out the rows without event time, and those whose time is out of all bounds, and treats them as the source's
    /// policy says.
    pub(super) fn refuse_without_time(&mut self, time: &EventTime, selection: &mut Selection) {
        let far = self.registers.too_far(time, selection.rows);
        let valid = self.registers.validity(time.time, selection.rows);
        if valid.is_none() && far.is_none() {
            return;
        }
        let mut missing = selection.clone();
        for (at, word) in missing.words.iter_mut().enumerate() {
            let valid = valid.map_or(u64::MAX, |valid| valid.get(at).copied().unwrap_or(0));
            *word &= !valid | far.map_or(0, |far| far[at]);
        }
        missing.recount();
        if missing.count == 0 {
            return;
        }
        let of_rows = self.registers.values::<i64>(time.time, selection.rows).to_vec();
        let is_far = |row: usize| far.is_some_and(|far| bitmap::get(&far, row));
        let mut rows = vec![0; missing.count];
        bitmap::indices(missing.used(), &mut rows);
        let manifest = &self.run.job.artifact.manifest;
        let number = self.run.origin.operator as usize;
        let operator = &manifest.operators[number];
        for row in rows.into_iter().map(|row| row as usize) {
            let (message, value, code) = if is_far(row) {
                let message = "the event time of the row is more than 36,500 years from 1970".to_owned();
                (message, of_rows[row].to_string(), RowErrorCode::AddOverflow)
            } else {
                ("the row has no event time".to_owned(), "None".to_owned(), RowErrorCode::UnwrapNone)
            };
            let failure = RowFailure {
                message,
                operator: operator.name.clone(),
                source_file: manifest.source_file.clone(),
                line: operator.line,
                column: 1,
                expression: String::new(),
                input: self.position.as_ref().map(|at| (at.file().to_owned(), at.place(self.chunk_start + row))),
                values: vec![(self.run.pipeline.registers[time.time as usize].name.clone(), value)],
            };
            match operator.on_error {
                ErrorPolicy::Fail => {
                    self.failure = Some((row, Box::new(failure)));
                    (row..selection.rows).for_each(|row| bitmap::clear(&mut selection.words, row));
                    break;
                }
                ErrorPolicy::Skip => {}
                ErrorPolicy::Sink(sink) => {
                    if let Some(errors) = self.errors.iter_mut().find(|errors| errors.sink == sink) {
                        errors.rows.push(error_row(code as u32, &failure));
                    }
                }
            }
            self.counts[number].skipped += 1;
            bitmap::clear(&mut selection.words, row);
        }
        selection.recount();
    }

    /// The row of the chunk's origin that ends the run, if one was found.
    pub(super) fn failed_row(&self) -> Option<usize> {
        self.failure.as_ref().map(|(row, _)| *row)
    }

    /// Rows that could not be added to their groups; the others are.
    pub(super) fn refuse_added(
        &mut self,
        number: u32,
        failed: &[FailedRow],
        inputs: &[AggregateInput],
        selection: &Selection,
    ) {
        let manifest = &self.run.job.artifact.manifest;
        let operator = &manifest.operators[number as usize];
        let mut shown: Vec<Reg> = Vec::new();
        for reg in inputs.iter().flat_map(|input| &input.args) {
            if !shown.contains(reg) {
                shown.push(*reg);
            }
        }
        let mut failed = failed.to_vec();
        failed.sort_by_key(|failed| failed.row);
        for FailedRow { row, error, .. } in failed {
            let row = row as usize;
            if operator.on_error != ErrorPolicy::Fail {
                self.counts[number as usize].skipped += 1;
            }
            if operator.on_error == ErrorPolicy::Skip {
                continue;
            }
            let chunk_row = self.registers.origin_row(row);
            if operator.on_error == ErrorPolicy::Fail && self.failed_row().is_some_and(|first| first <= chunk_row) {
                return;
            }
            let values = shown.iter().map(|reg| {
                let name = self.run.pipeline.registers[*reg as usize].name.clone();
                (name, self.registers.show(*reg, row, selection))
            });
            let values = values.collect();
            let input = self.position.as_ref();
            let failure = RowFailure {
                input: input.map(|at| (at.file().to_owned(), at.place(self.chunk_start + chunk_row))),
                values,
                ..user_failure(manifest, operator, error)
            };
            match operator.on_error {
                ErrorPolicy::Sink(sink) => {
                    if let Some(errors) = self.errors.iter_mut().find(|errors| errors.sink == sink) {
                        errors.rows.push(error_row(error.error.code, &failure));
                    }
                }
                ErrorPolicy::Fail | ErrorPolicy::Skip => self.failure = Some((chunk_row, Box::new(failure))),
            }
        }
    }

    /// A row cannot be computed.
    fn on_row_error(&mut self, call: &'a KernelCall<'a>, error: RowError, row: usize, selection: &Selection) -> GoOn {
        let manifest = &self.run.job.artifact.manifest;
        let operator = &manifest.operators[call.operator as usize];
        if operator.on_error != ErrorPolicy::Fail {
            self.counts[call.operator as usize].skipped += 1;
        }
        if operator.on_error == ErrorPolicy::Skip {
            return GoOn::WithoutTheRow;
        }
        let chunk_row = self.registers.origin_row(row);
        if operator.on_error == ErrorPolicy::Fail && self.failed_row().is_some_and(|first| first <= chunk_row) {
            return GoOn::BeforeTheRow;
        }
        let (start, end) = call.kernel.spans.get(error.span as usize).copied().unwrap_or((0, 0));
        let (start, end) = (start as usize, end as usize);
        let (line, column) =
            if end > start { line_and_column(&manifest.source_text, start) } else { (operator.line, 1) };
        let message = message(error, &call.kernel.messages);
        let mut values = Vec::new();
        for reg in &call.kernel.inputs {
            let name = self.run.pipeline.registers[*reg as usize].name.clone();
            values.push((name, self.registers.show(*reg, row, selection)));
        }
        let origin_row = self.chunk_start + chunk_row;
        let input = self.position.as_ref();
        let failure = RowFailure {
            message,
            operator: operator.name.clone(),
            source_file: manifest.source_file.clone(),
            line,
            column,
            expression: manifest.source_text.get(start..end).unwrap_or("").to_owned(),
            input: input.map(|position| (position.file().to_owned(), position.place(origin_row))),
            values,
        };
        match operator.on_error {
            ErrorPolicy::Sink(sink) => {
                if let Some(errors) = self.errors.iter_mut().find(|errors| errors.sink == sink) {
                    errors.rows.push(error_row(error.code, &failure));
                }
                GoOn::WithoutTheRow
            }
            ErrorPolicy::Fail | ErrorPolicy::Skip => {
                self.failure = Some((chunk_row, Box::new(failure)));
                GoOn::BeforeTheRow
            }
        }
    }
}

/// A failure of one of the job's own aggregates, without the row and its values.
pub(crate) fn user_failure(manifest: &Manifest, operator: &Operator, failed: UserError) -> RowFailure {
    let function = failed.function(manifest);
    let span = function.and_then(|function| function.spans.get(failed.error.span as usize)).copied();
    let (start, end) = span.map_or((0, 0), |(start, end)| (start as usize, end as usize));
    let (line, column) = if end > start { line_and_column(&manifest.source_text, start) } else { (operator.line, 1) };
    let messages = function.map_or(&[][..], |function| &function.messages);
    RowFailure {
        message: message(failed.error, messages),
        operator: operator.name.clone(),
        source_file: manifest.source_file.clone(),
        line,
        column,
        expression: manifest.source_text.get(start..end).unwrap_or("").to_owned(),
        input: None,
        values: Vec::new(),
    }
}

/// What is said of an error, with what the author says of it.
fn message(error: RowError, messages: &[(u32, String)]) -> String {
    let said = messages.iter().find(|(place, _)| *place == error.span).map(|(_, text)| text.as_str());
    let message = RowErrorCode::from_code(error.code).map_or("the row cannot be computed", RowErrorCode::message);
    match (said, RowErrorCode::from_code(error.code)) {
        (Some(said), Some(RowErrorCode::Panic)) => said.to_owned(),
        (Some(said), _) => format!("{message}: {said}"),
        (None, _) => message.to_owned(),
    }
}

/// With which rows of the chunk the steps go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GoOn {
    /// With all others.
    WithoutTheRow,
    /// With those before it: the run ends, and only an earlier row could say so better.
    BeforeTheRow,
}
