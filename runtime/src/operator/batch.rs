//! Batches in the making: the selected rows of chunks, column by column, in memory that is used again.
//!
//! Where a chunk comes as a whole, the kernel that computes a column writes it right into the batch
//! ([`BatchEnd::lend`]): there is nothing to copy then.

use crate::connector::convert::in_type;
use crate::primitive::bitmap;
use crate::primitive::memory::Str;
use crate::primitive::pool::{Lent, Pool};
use crate::primitive::strings::LentStrings;
use crate::registers::{Registers, Selection};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, SchemaRef};
use sabot_abi::manifest::{Field, Kernel, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::sync::Arc;

/// Rows of a batch, at most about.
pub(crate) const BATCH_ROWS: usize = 64 * 1024;

/// Bytes of strings in a column of a batch, at most about: offsets are 32 bits wide.
const BATCH_STRING_BYTES: usize = 1 << 30;

/// Values of a column.
enum Building {
    Fixed { values: Lent, width: usize },
    Bits(Lent),
    Strings(LentStrings),
}

/// A column of a batch in the making.
struct Column {
    reg: Reg,
    values: Building,
    /// Once there was a null.
    validity: Option<Lent>,
}

/// One worker's rows, in batches.
pub(crate) struct BatchEnd {
    columns: Vec<Column>,
    rows: usize,
    batch_rows: usize,
    schema: SchemaRef,
    pool: Arc<Pool>,
    batches: Vec<RecordBatch>,
}

impl Building {
    fn new(field: &Field, rows: usize, pool: &Arc<Pool>) -> Self {
        match field.ty.base.register_width() {
            None => Self::Bits(Lent::new(pool, rows / 8)),
            Some(_) if field.ty.base.is_str() => Self::Strings(LentStrings::new(pool, rows)),
            Some(width) => Self::Fixed { values: Lent::new(pool, rows * width + SLACK), width },
        }
    }
}

/// Bytes that may be written behind the last row.
const SLACK: usize = 64;

/// The next one for what follows; what was there is taken.
fn take(lent: &mut Lent) -> Lent {
    let next = lent.next();
    std::mem::replace(lent, next)
}

/// Adds that many bits to those that are there; the bits behind them are clear.
fn append_bits(to: &mut Lent, before: usize, bits: &[u64], count: usize) {
    let (first, shift) = (before / 64, before % 64);
    let bits = &bits[..bitmap::words_of(count)];
    to.reserve((bits.len() + 2) * 8);
    let words = &mut to.words()[first..];
    if shift == 0 {
        words[..bits.len()].copy_from_slice(bits);
    } else {
        for (at, bits) in bits.iter().enumerate() {
            words[at] |= bits << shift;
            words[at + 1] = bits >> (64 - shift);
        }
    }
    to.advance(bitmap::words_of(before + count) * 8 - to.len());
}

impl BatchEnd {
    /// Rows of registers, in batches of about that many, in memory of that pool.
    pub(crate) fn new(
        batch_rows: usize,
        schema: &SchemaRef,
        fields: &[Field],
        columns: &[Reg],
        pool: &Arc<Pool>,
    ) -> Self {
        let values = |field| Building::new(field, batch_rows + CHUNK_ROWS, pool);
        let column = |(reg, field): (&Reg, _)| Column { reg: *reg, values: values(field), validity: None };
        Self {
            columns: columns.iter().zip(fields).map(column).collect(),
            rows: 0,
            batch_rows,
            schema: Arc::clone(schema),
            pool: Arc::clone(pool),
            batches: Vec::new(),
        }
    }

    /// The registers it reads.
    pub(crate) fn regs(&self) -> impl Iterator<Item = Reg> {
        self.columns.iter().map(|column| column.reg)
    }

    /// Lets a kernel, whose rows all come here, write its outputs to where they belong in the batch.
    pub(crate) fn lend(&mut self, registers: &mut Registers, kernel: &Kernel, rows: usize) {
        if !self.rows.is_multiple_of(64) {
            return; // Columns of registers are aligned.
        }
        for column in &mut self.columns {
            if let Building::Fixed { values, width } = &mut column.values
                && kernel.outputs.contains(&column.reg)
            {
                values.reserve(rows.next_multiple_of(64) * *width + SLACK);
                registers.lend(column.reg, values.end());
            }
        }
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        for column in &mut self.columns {
            if plain_strs(registers, column.reg, selection).is_none() {
                registers.materialise(column.reg, selection, false);
            }
            if let (false, Building::Fixed { values, width }) = (selection.is_full(), &mut column.values)
                && registers.lies_at(column.reg, values.end())
            {
                registers.take_back(column.reg, selection.rows, *width);
            }
        }
        // Offsets are 32 bits wide: huge strings get batches of their own.
        let string_bytes: Vec<usize> =
            self.columns.iter().map(|column| column.string_bytes(registers, selection)).collect();
        if string_bytes.iter().any(|bytes| *bytes >= BATCH_STRING_BYTES) && selection.count > 1 {
            for column in &mut self.columns {
                if let Building::Fixed { values, width } = &mut column.values
                    && registers.lies_at(column.reg, values.end())
                {
                    registers.take_back(column.reg, selection.rows, *width);
                }
            }
            let (first, second) = selection.halves();
            self.add(registers, &first);
            self.flush();
            self.add(registers, &second);
            return;
        }
        for (column, bytes) in self.columns.iter_mut().zip(&string_bytes) {
            column.add(registers, selection, self.rows, *bytes, &self.pool);
        }
        self.rows += selection.count;
        let is_long = |column: &Column| match &column.values {
            Building::Strings(strings) => strings.len() >= BATCH_STRING_BYTES,
            Building::Fixed { .. } | Building::Bits(_) => false,
        };
        if self.rows >= self.batch_rows || self.columns.iter().any(is_long) {
            self.flush();
        }
    }

    /// Makes a batch of what is there.
    fn flush(&mut self) {
        if self.rows == 0 {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        let fields = self.schema.fields();
        let columns =
            self.columns.iter_mut().zip(fields).map(|(column, field)| column.take(rows, field.data_type())).collect();
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

impl Column {
    /// Bytes of the selected rows, if they are strings.
    fn string_bytes(&self, registers: &Registers, selection: &Selection) -> usize {
        let Building::Strings(_) = self.values else { return 0 };
        if let Some((_, bytes)) = plain_strs(registers, self.reg, selection) {
            return bytes.len();
        }
        let mut bytes = 0;
        let mut add = |value: &Str| bytes += value.len();
        each_str(registers, self.reg, selection, |value| value.into_iter().for_each(&mut add));
        bytes
    }

    /// Adds the selected rows behind the `before` that are there.
    fn add(
        &mut self,
        registers: &Registers,
        selection: &Selection,
        before: usize,
        string_bytes: usize,
        pool: &Arc<Pool>,
    ) {
        let mut packed = [0; CHUNK_WORDS];
        match &mut self.values {
            Building::Fixed { values, width } => registers.append_bytes(self.reg, selection, *width, values),
            Building::Bits(values) => {
                registers.pack_bits(registers.bits(self.reg, selection.rows), selection, &mut packed);
                append_bits(values, before, &packed, selection.count);
            }
            Building::Strings(strings) => {
                if let Some((ends, bytes)) = plain_strs(registers, self.reg, selection) {
                    strings.extend_plain(ends, bytes);
                } else {
                    let each = |add: &mut dyn FnMut(Option<&Str>)| each_str(registers, self.reg, selection, add);
                    strings.extend(selection.count, string_bytes, each);
                }
            }
        }
        let valid = registers.validity(self.reg, selection.rows);
        if valid.is_none() && self.validity.is_none() {
            return;
        }
        let validity = self.validity.get_or_insert_with(|| {
            let mut all = Lent::new(pool, BATCH_ROWS / 8);
            append_bits(&mut all, 0, &vec![!0; bitmap::words_of(before)], before);
            if !before.is_multiple_of(64) {
                all.words()[before / 64] &= bitmap::tail_mask(before);
            }
            all
        });
        match valid {
            Some(valid) => registers.pack_bits(valid, selection, &mut packed),
            None => bitmap::fill(&mut packed, selection.count),
        }
        append_bits(validity, before, &packed, selection.count);
    }

    /// The column of a batch; the next batch starts.
    fn take(&mut self, rows: usize, ty: &DataType) -> ArrayRef {
        let nulls = self.validity.take().map(|bits| NullBuffer::new(BooleanBuffer::new(bits.into_buffer(), 0, rows)));
        let values = match &mut self.values {
            Building::Fixed { values, .. } | Building::Bits(values) => take(values).into_buffer(),
            Building::Strings(strings) => {
                let next = strings.next();
                let strings = std::mem::replace(strings, next);
                if let DataType::List(_) = ty {
                    let bytes = strings.into_array(&DataType::Binary, nulls);
                    return in_type(&bytes, ty).expect("what kernels make of lists are lists");
                }
                return strings.into_array(ty, nulls);
            }
        };
        let data = ArrayData::builder(ty.clone()).len(rows).add_buffer(values).nulls(nulls);
        make_array(data.build().expect("columns are as long as the batch"))
    }
}

/// The strings, if all rows are selected and theirs lie one behind the other.
fn plain_strs<'a>(registers: &'a Registers, reg: Reg, selection: &Selection) -> Option<(&'a [i32], &'a [u8])> {
    if selection.is_full() { registers.plain_strs(reg, selection.rows) } else { None }
}

/// The strings of the selected rows in order, `None` for nulls.
#[inline]
fn each_str(registers: &Registers, reg: Reg, selection: &Selection, mut each: impl FnMut(Option<&Str>)) {
    let strs = registers.values::<Str>(reg, selection.rows);
    match registers.validity(reg, selection.rows) {
        None if selection.is_full() => strs.iter().for_each(|value| each(Some(value))),
        None => bitmap::for_each(selection.used(), |row| each(Some(&strs[row]))),
        Some(valid) => bitmap::for_each(selection.used(), |row| {
            each(if bitmap::get(valid, row) { Some(&strs[row]) } else { None });
        }),
    }
}
