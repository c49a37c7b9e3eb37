//! Where rows are written: workers make batches of the chunks of a morsel, which are put in input order again, joined to
//! about as many rows as the format likes, encoded by whichever worker completes such a group, and written one by one: by
//! one worker at a time, while the others go on with their work until too much waits for it. What may have to wait for
//! somebody else, as a pipe does, is written by a thread of its own, and no worker waits for it until too much does.

use crate::connector::schema::arrow_schema;
use crate::connector::{ConnectorError, Demand, EncodedBatch, Sink, SinkEncoder, SinkReport, SinkWriter};
use crate::morsel::Seq;
use crate::operator::batch::{BATCH_ROWS, BatchEnd};
use crate::primitive::pool::Pool;
use crate::spill::Held;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use sabot_abi::manifest::{Field, Reg};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// A sink while the job runs.
pub(crate) struct SinkRun {
    sink: Box<dyn Sink>,
    schema: SchemaRef,
    fields: Vec<Field>,
    order: Mutex<Order>,
    writing: Mutex<Writing>,
    /// Something was written.
    written: Condvar,
    /// Nobody reads any more.
    is_enough: AtomicBool,
    /// Batches on their way, encoded or not.
    held: Held,
}

/// Batches on their way back into input order.
#[derive(Default)]
struct Order {
    /// By pipeline and morsel: pipelines of a group write at the same time, each in its order.
    ready: BTreeMap<(u32, Seq), Vec<RecordBatch>>,
    /// In order, not yet a group.
    run: Vec<RecordBatch>,
    /// Since when rows wait for a group, as far as somebody has looked.
    waits_since: Option<Instant>,
    run_rows: usize,
    groups: u64,
}

/// Groups on their way to the writer.
#[derive(Default)]
struct Writing {
    /// Not here while somebody writes.
    writer: Option<Box<dyn SinkWriter>>,
    encoded: BTreeMap<u64, (EncodedBatch, usize)>,
    encoded_bytes: usize,
    next: u64,
    /// What is still to come need not be written.
    has_failed: bool,
    /// A thread of its own writes.
    is_beside: bool,
    /// Nothing more comes for it.
    is_over: bool,
    /// What it has met, until somebody is told.
    failure: Option<ConnectorError>,
}

/// Bytes that may wait for the worker that writes before others wait for it, too.
const MOST_WAITING_BYTES: usize = 24 << 20;

fn bytes_of(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::get_array_memory_size).sum()
}

impl SinkRun {
    pub(crate) fn new(sink: Box<dyn Sink>, fields: &[Field]) -> Self {
        Self {
            sink,
            schema: arrow_schema(fields),
            fields: fields.to_vec(),
            order: Mutex::default(),
            writing: Mutex::default(),
            written: Condvar::new(),
            is_enough: AtomicBool::new(false),
            held: Held::default(),
        }
    }

    /// Whether what it writes is to be written by a thread of its own.
    pub(crate) fn may_wait(&self) -> bool {
        self.sink.may_wait()
    }

    /// Starts writing, so that a place that cannot be written to is known before the work.
    pub(crate) fn open(&self) -> Result<(), ConnectorError> {
        self.lock_writing().writer = Some(self.sink.open()?);
        Ok(())
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// A worker's side of it, which reads these registers.
    pub(crate) fn end(&self, columns: &[Reg], pool: &Arc<Pool>) -> BatchEnd {
        BatchEnd::new(BATCH_ROWS, &self.schema, &self.fields, columns, pool)
    }

    /// The most bytes that waited to be written.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.held.peak() as u64
    }

    /// So many bytes wait.
    fn hold(&self, bytes: usize, waiting_bytes: &AtomicUsize) {
        waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.held.change(bytes, 0);
    }

    /// So many bytes wait no longer.
    fn release(&self, bytes: usize, waiting_bytes: &AtomicUsize) {
        waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.held.change(0, bytes);
    }

    /// The next pipeline numbers its morsels from the start: what is there stands before them.
    pub(crate) fn end_pipeline(&self, waiting_bytes: &AtomicUsize) {
        let mut order = self.order.lock().expect("a worker that panicked ends the job");
        for (_, batches) in std::mem::take(&mut order.ready) {
            self.release(bytes_of(&batches), waiting_bytes);
            order.run_rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            order.run.extend(batches);
        }
    }

    /// An encoder for one worker.
    pub(crate) fn encoder(&self) -> Box<dyn SinkEncoder> {
        self.sink.encoder()
    }

    /// Whether what is still to come would be thrown away.
    pub(crate) fn is_enough(&self) -> bool {
        self.is_enough.load(Ordering::Relaxed)
    }

    /// Takes the batches of a morsel.
    pub(crate) fn deliver(&self, place: (u32, Seq), batches: Vec<RecordBatch>, waiting_bytes: &AtomicUsize) {
        if batches.is_empty() {
            return;
        }
        self.hold(bytes_of(&batches), waiting_bytes);
        let mut order = self.order.lock().expect("a worker that panicked ends the job");
        order.ready.entry(place).or_default().extend(batches);
    }

    /// Writes what is in order, if it has waited long enough for more. For runs that do not end.
    pub(crate) fn flush(
        &self,
        encoder: &mut dyn SinkEncoder,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        let Some(after) = self.sink.flush_after() else { return Ok(()) };
        let mut order = self.order.lock().expect("a worker that panicked ends the job");
        if order.run.is_empty() {
            order.waits_since = None;
            return Ok(());
        }
        if order.waits_since.get_or_insert_with(Instant::now).elapsed() < after {
            return Ok(());
        }
        self.write_run(order, encoder, waiting_bytes)
    }

    /// Encodes and writes the rows that are in order.
    fn write_run(
        &self,
        mut order: MutexGuard<'_, Order>,
        encoder: &mut dyn SinkEncoder,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        let batches = std::mem::take(&mut order.run);
        order.run_rows = 0;
        order.waits_since = None;
        let group = order.groups;
        order.groups += 1;
        drop(order);
        let bytes = bytes_of(&batches);
        self.hold(bytes, waiting_bytes);
        let encoded = encoder.encode(&batches)?;
        drop(batches);
        self.write(group, encoded, bytes, waiting_bytes)
    }

    /// Everything of a pipeline before `frontier` was delivered: encodes and writes the groups that this completes. `END`
    /// flushes.
    pub(crate) fn advance(
        &self,
        (pipeline, frontier): (u32, Seq),
        encoder: &mut dyn SinkEncoder,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        loop {
            let mut order = self.order.lock().expect("a worker that panicked ends the job");
            while order.run_rows < self.sink.preferred_rows() {
                let next = order.ready.range((pipeline, Seq::START)..(pipeline, frontier)).next();
                let Some(place) = next.map(|(place, _)| *place) else { break };
                let Some(batches) = order.ready.remove(&place) else { break };
                self.release(bytes_of(&batches), waiting_bytes);
                order.run_rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                order.run.extend(batches);
            }
            let is_group = order.run_rows >= self.sink.preferred_rows() || frontier == Seq::END;
            if order.run.is_empty() || !is_group {
                return Ok(());
            }
            self.write_run(order, encoder, waiting_bytes)?;
        }
    }

    fn lock_writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().expect("a worker that panicked ends the job")
    }

    /// Puts a group in its place among the others. Whoever finds the writer there writes all that can be written.
    fn write(
        &self,
        group: u64,
        encoded: EncodedBatch,
        bytes: usize,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        let mut writing = self.lock_writing();
        writing.encoded.insert(group, (encoded, bytes));
        writing.encoded_bytes += bytes;
        if writing.is_beside {
            self.written.notify_all();
        }
        loop {
            if writing.has_failed {
                return writing.failure.take().map_or(Ok(()), Err); // Whoever saw it tells.
            }
            let writer = if writing.is_beside { None } else { writing.writer.take() };
            let Some(writer) = writer else {
                if writing.encoded_bytes <= MOST_WAITING_BYTES {
                    return Ok(());
                }
                writing = self.written.wait(writing).expect("a worker that panicked ends the job");
                continue;
            };
            let Some(group) = writing.take_next() else {
                writing.writer = Some(writer);
                return Ok(());
            };
            let result;
            (writing, result) = self.append(writing, writer, group, waiting_bytes);
            result?;
        }
    }

    /// Writes a group, while nobody holds the lock.
    fn append<'a>(
        &'a self,
        writing: MutexGuard<'a, Writing>,
        mut writer: Box<dyn SinkWriter>,
        (encoded, bytes): (EncodedBatch, usize),
        waiting_bytes: &AtomicUsize,
    ) -> (MutexGuard<'a, Writing>, Result<(), ConnectorError>) {
        drop(writing);
        let on_panic = TellOthers(self);
        let result = if self.is_enough() { Ok(Demand::Enough) } else { writer.append(encoded) };
        std::mem::forget(on_panic);
        self.release(bytes, waiting_bytes);
        let mut writing = self.lock_writing();
        writing.encoded_bytes -= bytes;
        writing.writer = Some(writer);
        writing.has_failed = result.is_err();
        if let Ok(Demand::Enough) = result {
            self.is_enough.store(true, Ordering::Relaxed);
        }
        self.written.notify_all();
        (writing, result.map(|_| ()))
    }

    /// From now on a thread of its own writes, which is the caller's to start: [`write_beside`](Self::write_beside).
    pub(crate) fn give_to_thread(&self) {
        self.lock_writing().is_beside = true;
    }

    /// Writes what workers have encoded until [`end_beside`](Self::end_beside) or a failure, which a worker is told.
    pub(crate) fn write_beside(&self, waiting_bytes: &AtomicUsize) {
        let mut writing = self.lock_writing();
        while !writing.has_failed && !writing.is_over {
            let Some(writer) = writing.writer.take() else { return }; // The output is given up.
            let Some(group) = writing.take_next() else {
                writing.writer = Some(writer);
                writing = self.written.wait(writing).expect("a worker that panicked ends the job");
                continue;
            };
            let result;
            (writing, result) = self.append(writing, writer, group, waiting_bytes);
            writing.failure = result.err();
        }
    }

    /// The thread that writes has nothing more to wait for.
    pub(crate) fn end_beside(&self) {
        self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_over = true;
        self.written.notify_all();
    }

    /// Takes batches whose place in the input is of no interest, behind all that is in order.
    pub(crate) fn deliver_now(
        &self,
        batches: Vec<RecordBatch>,
        encoder: &mut dyn SinkEncoder,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        let mut order = self.order.lock().expect("a worker that panicked ends the job");
        order.run_rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        order.run.extend(batches);
        drop(order);
        self.advance((0, Seq::START), encoder, waiting_bytes)
    }

    /// Ends the output and gives it its name.
    pub(crate) fn finish(&self, waiting_bytes: &AtomicUsize) -> Result<SinkReport, ConnectorError> {
        self.advance((0, Seq::END), &mut *self.encoder(), waiting_bytes)?;
        let mut writing = self.lock_writing();
        while writing.is_beside && !writing.has_failed && (!writing.encoded.is_empty() || writing.writer.is_none()) {
            writing = self.written.wait(writing).expect("a worker that panicked ends the job");
        }
        if let Some(failure) = writing.failure.take() {
            return Err(failure);
        }
        let writer = writing.writer.take();
        drop(writing);
        writer.expect("a sink is finished once").finish()
    }

    /// Leaves nothing behind.
    pub(crate) fn abort(&self) {
        let writer = match self.writing.lock() {
            Ok(mut writing) => writing.writer.take(),
            Err(poisoned) => poisoned.into_inner().writer.take(),
        };
        if let Some(writer) = writer {
            writer.abort();
        }
    }
}

impl Writing {
    /// The group that is to be written next, if it is here.
    fn take_next(&mut self) -> Option<(EncodedBatch, usize)> {
        let group = self.encoded.remove(&self.next)?;
        self.next += 1;
        Some(group)
    }
}

/// Dropped by a panic: nobody is to wait for the writer, which is lost.
struct TellOthers<'a>(&'a SinkRun);

impl Drop for TellOthers<'_> {
    fn drop(&mut self) {
        let mut writing = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writing.has_failed = true;
        self.0.written.notify_all();
    }
}
