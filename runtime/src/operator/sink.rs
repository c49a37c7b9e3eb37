//! Where rows are written: workers make batches of the chunks of a morsel, which are put in input order again, joined to
//! about as many rows as the format likes, encoded by whichever worker completes such a group, and written one by one.

use crate::connector::schema::arrow_schema;
use crate::connector::{ConnectorError, Demand, EncodedBatch, Sink, SinkEncoder, SinkReport, SinkWriter};
use crate::morsel::Seq;
use crate::primitive::bitmap;
use crate::primitive::memory::Str;
use crate::registers::{Registers, Selection};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::{BooleanBufferBuilder, Buffer, MutableBuffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::SchemaRef;
use sabot_abi::manifest::{Field, Reg};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Rows of a batch, at most about.
const BATCH_ROWS: usize = 64 * 1024;

/// Bytes of strings in a column of a batch, at most about: offsets are 32 bits wide.
const BATCH_STRING_BYTES: usize = 1 << 30;

/// A sink while the job runs.
pub(crate) struct SinkRun {
    sink: Box<dyn Sink>,
    schema: SchemaRef,
    fields: Vec<Field>,
    order: Mutex<Order>,
    writing: Mutex<Writing>,
    /// Nobody reads any more.
    is_enough: AtomicBool,
}

/// Batches on their way back into input order.
#[derive(Default)]
struct Order {
    ready: BTreeMap<Seq, Vec<RecordBatch>>,
    /// In order, not yet a group.
    run: Vec<RecordBatch>,
    run_rows: usize,
    groups: u64,
}

/// Groups on their way to the writer.
#[derive(Default)]
struct Writing {
    writer: Option<Box<dyn SinkWriter>>,
    encoded: BTreeMap<u64, (EncodedBatch, usize)>,
    next: u64,
}

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
            is_enough: AtomicBool::new(false),
        }
    }

    /// Starts writing, so that a place that cannot be written to is known before the work.
    pub(crate) fn open(&self) -> Result<(), ConnectorError> {
        self.writing.lock().expect("a worker that panicked ends the job").writer = Some(self.sink.open()?);
        Ok(())
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next pipeline numbers its morsels from the start: what is there stands before them.
    pub(crate) fn end_pipeline(&self, waiting_bytes: &AtomicUsize) {
        let mut order = self.order.lock().expect("a worker that panicked ends the job");
        for (_, batches) in std::mem::take(&mut order.ready) {
            waiting_bytes.fetch_sub(bytes_of(&batches), Ordering::Relaxed);
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
    pub(crate) fn deliver(&self, seq: Seq, batches: Vec<RecordBatch>, waiting_bytes: &AtomicUsize) {
        if batches.is_empty() {
            return;
        }
        waiting_bytes.fetch_add(bytes_of(&batches), Ordering::Relaxed);
        let mut order = self.order.lock().expect("a worker that panicked ends the job");
        order.ready.entry(seq).or_default().extend(batches);
    }

    /// Everything before `frontier` was delivered: encodes and writes the groups that this completes. `END` flushes.
    pub(crate) fn advance(
        &self,
        frontier: Seq,
        encoder: &mut dyn SinkEncoder,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        loop {
            let mut order = self.order.lock().expect("a worker that panicked ends the job");
            while order.ready.first_key_value().is_some_and(|(seq, _)| *seq < frontier)
                && order.run_rows < self.sink.preferred_rows()
            {
                let Some((_, batches)) = order.ready.pop_first() else { break };
                waiting_bytes.fetch_sub(bytes_of(&batches), Ordering::Relaxed);
                order.run_rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                order.run.extend(batches);
            }
            let is_group = order.run_rows >= self.sink.preferred_rows() || frontier == Seq::END;
            if order.run.is_empty() || !is_group {
                return Ok(());
            }
            let batches = std::mem::take(&mut order.run);
            order.run_rows = 0;
            let group = order.groups;
            order.groups += 1;
            drop(order);
            let bytes = bytes_of(&batches);
            waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
            let encoded = encoder.encode(&batches)?;
            drop(batches);
            self.write(group, encoded, bytes, waiting_bytes)?;
        }
    }

    fn write(
        &self,
        group: u64,
        encoded: EncodedBatch,
        bytes: usize,
        waiting_bytes: &AtomicUsize,
    ) -> Result<(), ConnectorError> {
        let mut writing = self.writing.lock().expect("a worker that panicked ends the job");
        writing.encoded.insert(group, (encoded, bytes));
        while let Some((encoded, bytes)) = {
            let next = writing.next;
            writing.encoded.remove(&next)
        } {
            writing.next += 1;
            waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            if self.is_enough() {
                continue;
            }
            let writer = writing.writer.as_mut().expect("a sink is open while rows are written");
            if writer.append(encoded)? == Demand::Enough {
                self.is_enough.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
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
        self.advance(Seq::START, encoder, waiting_bytes)
    }

    /// Ends the output and gives it its name.
    pub(crate) fn finish(&self, waiting_bytes: &AtomicUsize) -> Result<SinkReport, ConnectorError> {
        self.advance(Seq::END, &mut *self.encoder(), waiting_bytes)?;
        let writer = self.writing.lock().expect("a worker that panicked ends the job").writer.take();
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

/// A column of a batch in the making.
enum Building {
    Fixed { values: MutableBuffer, width: usize },
    Bits(BooleanBufferBuilder),
    Strings { offsets: Vec<i32>, bytes: Vec<u8> },
}

impl Building {
    fn new(field: &Field) -> Self {
        match field.ty.base.register_width() {
            None => Self::Bits(BooleanBufferBuilder::new(0)),
            Some(_) if field.ty.base.is_str() => Self::Strings { offsets: vec![0], bytes: Vec::new() },
            Some(width) => Self::Fixed { values: MutableBuffer::new(0), width },
        }
    }
}

/// One worker's rows for a sink.
pub(crate) struct SinkEnd {
    columns: Vec<(Reg, Building, Option<BooleanBufferBuilder>)>,
    rows: usize,
    batch_rows: usize,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl SinkEnd {
    pub(crate) fn new(sink: &SinkRun, columns: &[Reg]) -> Self {
        Self::with_batches_of(BATCH_ROWS, Arc::clone(&sink.schema), &sink.fields, columns)
    }

    /// Rows of registers, in batches of about that many.
    pub(crate) fn with_batches_of(batch_rows: usize, schema: SchemaRef, fields: &[Field], columns: &[Reg]) -> Self {
        let columns = columns.iter().zip(fields).map(|(reg, field)| (*reg, Building::new(field), None));
        Self { columns: columns.collect(), rows: 0, batch_rows, schema, batches: Vec::new() }
    }

    /// The registers it reads.
    pub(crate) fn regs(&self) -> impl Iterator<Item = Reg> {
        self.columns.iter().map(|(reg, ..)| *reg)
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        for reg in self.regs() {
            registers.materialise(reg, selection, false);
        }
        // Offsets are 32 bits wide: huge strings get batches of their own.
        let bytes = self.most_string_bytes(registers, selection);
        if bytes >= BATCH_STRING_BYTES && selection.count > 1 {
            let (first, second) = selection.halves();
            self.add(registers, &first);
            self.flush();
            self.add(registers, &second);
            return;
        }
        let before = self.rows;
        let mut string_bytes = 0;
        for (reg, column, validity) in &mut self.columns {
            let valid = registers.validity(*reg, selection.rows);
            match column {
                Building::Fixed { values, width } => {
                    if values.capacity() == 0 && self.batch_rows == BATCH_ROWS {
                        values.reserve((BATCH_ROWS + 2 * sabot_abi::CHUNK_ROWS) * *width);
                    }
                    registers.append_bytes(*reg, selection, *width, values);
                }
                Building::Bits(values) => {
                    let bits = registers.bits(*reg, selection.rows);
                    bitmap::for_each(selection.used(), |row| values.append(bitmap::get(bits, row)));
                }
                Building::Strings { offsets, bytes } => {
                    let strs = registers.values::<Str>(*reg, selection.rows);
                    bitmap::for_each(selection.used(), |row| {
                        if valid.is_none_or(|valid| bitmap::get(valid, row)) {
                            bytes.extend_from_slice(strs[row].bytes());
                        }
                        offsets.push(bytes.len() as i32);
                    });
                    string_bytes = string_bytes.max(bytes.len());
                }
            }
            if valid.is_some() && validity.is_none() {
                let mut bits = BooleanBufferBuilder::new(self.batch_rows);
                bits.append_n(before, true);
                *validity = Some(bits);
            }
            match (validity, valid) {
                (None, _) => {}
                (Some(validity), None) => validity.append_n(selection.count, true),
                (Some(validity), Some(valid)) => {
                    bitmap::for_each(selection.used(), |row| validity.append(bitmap::get(valid, row)));
                }
            }
        }
        self.rows += selection.count;
        if self.rows >= self.batch_rows || string_bytes >= BATCH_STRING_BYTES {
            self.flush();
        }
    }

    /// Bytes of the selected rows of the column of strings that has the most.
    fn most_string_bytes(&self, registers: &Registers, selection: &Selection) -> usize {
        let bytes = |(reg, column, _): &(Reg, Building, Option<BooleanBufferBuilder>)| {
            let Building::Strings { .. } = column else { return 0 };
            let (strs, valid) =
                (registers.values::<Str>(*reg, selection.rows), registers.validity(*reg, selection.rows));
            let mut bytes = 0;
            bitmap::for_each(selection.used(), |row| {
                if valid.is_none_or(|valid| bitmap::get(valid, row)) {
                    bytes += strs[row].len();
                }
            });
            bytes
        };
        self.columns.iter().map(bytes).max().unwrap_or(0)
    }

    /// Makes a batch of what is there.
    fn flush(&mut self) {
        if self.rows == 0 {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        let finish =
            |((_, column, validity), field): (&mut (Reg, Building, Option<BooleanBufferBuilder>), _)| -> ArrayRef {
                let field: &arrow_schema::FieldRef = field;
                let buffers = match column {
                    Building::Fixed { values, .. } => {
                        vec![Buffer::from(std::mem::replace(values, MutableBuffer::new(0)))]
                    }
                    Building::Bits(values) => vec![values.finish().into_inner()],
                    Building::Strings { offsets, bytes } => {
                        let offsets = std::mem::replace(offsets, vec![0]);
                        vec![Buffer::from_vec(offsets), Buffer::from_vec(std::mem::take(bytes))]
                    }
                };
                let nulls = validity.take().map(|mut bits| NullBuffer::new(bits.finish()));
                let data = ArrayData::builder(field.data_type().clone()).len(rows).buffers(buffers).nulls(nulls);
                make_array(data.build().expect("columns are as long as the batch"))
            };
        let columns: Vec<ArrayRef> = self.columns.iter_mut().zip(self.schema.fields()).map(finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        self.batches.push(batch.expect("columns are those of the sink's schema"));
    }

    /// The batches that are complete.
    pub(crate) fn take_complete(&mut self) -> Vec<RecordBatch> {
        std::mem::take(&mut self.batches)
    }

    /// The batches of a morsel.
    pub(crate) fn take_batches(&mut self) -> Vec<RecordBatch> {
        self.flush();
        std::mem::take(&mut self.batches)
    }
}
