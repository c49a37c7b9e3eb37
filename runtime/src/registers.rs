//! The registers of a pipeline while a chunk is worked on: views of columns, or scratch that kernels and gathers write.
//!
//! A register's values are never changed after they were written, so a fork only has to remember the views ([`Saved`]).
//! Scratch comes from an [`Arena`] that the next chunk uses again: there is no allocation in the chunk loop.
//!
//! Fixed-width columns of a batch are used where they lie. Bits are repacked to start at bit 0 (a chunk has few words). The
//! last chunk of a batch, which may end in the middle of 64 rows, is copied to where whole blocks can be read. Strings stay
//! in their Arrow layout until somebody needs `StrRef`s, and then only of the rows that are selected.
//!
//! Part of the runtime's third `unsafe` fence, see [`crate::primitive`]: the pointers in a [`Slot`] are valid while the
//! chunk is worked on. They point into the batch that the task loop holds, into a table that is complete, into the arena,
//! or into memory that a kernel has promised to keep (constants and inputs).

use crate::column::{Column, Values, each_width, extend, show_word};
use crate::primitive::bitmap;
use crate::primitive::compress::{Level, compress, compress_bits};
use crate::primitive::memory::{Arena, Mark, Plain, Str};
use crate::primitive::take::{take, take_in_place};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;
use sabot_abi::kernel::{InputColumn, OutputColumn};
use sabot_abi::manifest::{BaseType, ColumnType, Field, Kernel, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::sync::Arc;

/// No null in a whole chunk.
static ALL_VALID: [u64; CHUNK_WORDS] = [!0; CHUNK_WORDS];

/// The rows of a chunk that filters have left.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Row 0 in bit 0; bits from `rows` on are clear.
    pub(crate) words: [u64; CHUNK_WORDS],
    /// Rows of the chunk.
    pub(crate) rows: usize,
    /// Bits that are set.
    pub(crate) count: usize,
}

impl Selection {
    /// All of that many rows.
    pub(crate) fn all(rows: usize) -> Self {
        let mut words = [0; CHUNK_WORDS];
        bitmap::fill(&mut words, rows);
        Self { words, rows, count: rows }
    }

    /// Words that hold the chunk's rows.
    #[inline]
    pub(crate) fn used(&self) -> &[u64] {
        &self.words[..bitmap::words_of(self.rows)]
    }

    /// Counts again, after the words were narrowed.
    pub(crate) fn recount(&mut self) {
        self.count = bitmap::count(self.used());
    }

    /// Keeps the rows that are also set there.
    pub(crate) fn intersect(&mut self, other: &[u64]) {
        for (word, other) in self.words.iter_mut().zip(other) {
            *word &= other;
        }
        self.recount();
    }

    /// The first and the second half of the selected rows.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let (mut first, mut second) = (self.clone(), self.clone());
        let mut left = self.count / 2;
        bitmap::for_each(self.used(), |row| {
            bitmap::clear(if left > 0 { &mut second.words } else { &mut first.words }, row);
            left = left.saturating_sub(1);
        });
        first.recount();
        second.recount();
        (first, second)
    }

    /// Whether all rows are selected.
    pub(crate) fn is_full(&self) -> bool {
        self.count == self.rows
    }
}

/// Where the values of a register lie.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Row 0 of the chunk; null while a string column is still in its Arrow layout, in `strings`.
    values: *const u8,
    /// Null: no nulls.
    validity: *const u64,
    /// Index into `Registers::strings`, if `values` is null.
    string: u32,
}

const EMPTY: Slot = Slot { values: std::ptr::null(), validity: std::ptr::null(), string: 0 };

/// A string column in its Arrow layout.
#[derive(Clone, Debug)]
enum StringView {
    Offsets32(OffsetBuffer<i32>, Buffer),
    Offsets64(OffsetBuffer<i64>, Buffer),
    Views(ScalarBuffer<u128>, Arc<[Buffer]>),
    Dictionary(ScalarBuffer<i32>, Arc<[Str]>, #[expect(dead_code, reason = "keeps the bytes")] ArrayRef),
}

impl StringView {
    #[expect(clippy::wildcard_enum_match_arm, reason = "of Arrow's types, sources give strings as these")]
    fn of(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Self::Offsets32(array.offsets().clone(), array.values().clone())
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                Self::Offsets32(array.offsets().clone(), array.values().clone())
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                Self::Offsets64(array.offsets().clone(), array.values().clone())
            }
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                Self::Offsets64(array.offsets().clone(), array.values().clone())
            }
            DataType::Utf8View => {
                let array = array.as_string_view();
                Self::Views(array.views().clone(), Arc::clone(array.data_buffers()))
            }
            DataType::BinaryView => {
                let array = array.as_binary_view();
                Self::Views(array.views().clone(), Arc::clone(array.data_buffers()))
            }
            DataType::Dictionary(..) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let values = Self::of(dictionary.values());
                let strs: Vec<Str> = (0..dictionary.values().len()).map(|row| values.get(row)).collect();
                Self::Dictionary(dictionary.keys().values().clone(), strs.into(), Arc::clone(array))
            }
            other => unreachable!("sources give no strings as {other}"),
        }
    }

    #[inline]
    fn get(&self, row: usize) -> Str {
        match self {
            Self::Offsets32(offsets, data) => Str::new(&data[offsets[row].as_usize()..offsets[row + 1].as_usize()]),
            Self::Offsets64(offsets, data) => Str::new(&data[offsets[row].as_usize()..offsets[row + 1].as_usize()]),
            Self::Views(views, buffers) => {
                let view = &views[row];
                let len = *view as u32 as usize;
                if len <= 12 {
                    let bytes = std::ptr::from_ref(view).cast::<u8>();
                    // SAFETY: a view of at most 12 bytes holds them behind its length, and lives as long as the batch.
                    return Str::new(unsafe { std::slice::from_raw_parts(bytes.add(4), len) });
                }
                let (buffer, start) = ((*view >> 64) as u32 as usize, (*view >> 96) as u32 as usize);
                Str::new(&buffers[buffer][start..start + len])
            }
            // The key of a null may be anything.
            Self::Dictionary(keys, values, _) => values.get(keys[row] as usize).copied().unwrap_or(Str::new(b"")),
        }
    }

    fn get_each(&self, first: usize, rows: impl Iterator<Item = usize>, to: &mut [Str]) {
        for (to, row) in to.iter_mut().zip(rows) {
            *to = self.get(first + row);
        }
    }
}

/// How a column of a batch becomes a register.
#[derive(Debug)]
enum ColumnView {
    Fixed { values: Buffer, width: usize },
    Bits { bits: Buffer, offset: usize },
    Strings(StringView),
}

/// A batch as the registers see it.
#[derive(Debug, Default)]
pub(crate) struct BatchView {
    columns: Vec<(Reg, ColumnView, Option<NullBuffer>)>,
}

impl BatchView {
    /// The columns of a batch and the registers they are read into.
    pub(crate) fn new(columns: &[ArrayRef], registers: impl Iterator<Item = Reg>) -> Self {
        let view = |(array, reg): (&ArrayRef, Reg)| (reg, column_view(array), array.logical_nulls());
        Self { columns: columns.iter().zip(registers).map(view).collect() }
    }
}

fn fixed<T: ArrowPrimitiveType>(array: &ArrayRef) -> ColumnView {
    let values = array.as_primitive::<T>().values();
    ColumnView::Fixed { values: values.inner().clone(), width: size_of::<T::Native>() }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of Arrow's types, sources give these and strings")]
fn column_view(array: &ArrayRef) -> ColumnView {
    use arrow_array::types::*;
    use arrow_schema::TimeUnit;
    match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean().values();
            ColumnView::Bits { bits: values.inner().clone(), offset: values.offset() }
        }
        DataType::Int8 => fixed::<Int8Type>(array),
        DataType::Int16 => fixed::<Int16Type>(array),
        DataType::Int32 => fixed::<Int32Type>(array),
        DataType::Int64 => fixed::<Int64Type>(array),
        DataType::UInt8 => fixed::<UInt8Type>(array),
        DataType::UInt16 => fixed::<UInt16Type>(array),
        DataType::UInt32 => fixed::<UInt32Type>(array),
        DataType::UInt64 => fixed::<UInt64Type>(array),
        DataType::Float32 => fixed::<Float32Type>(array),
        DataType::Float64 => fixed::<Float64Type>(array),
        DataType::Date32 => fixed::<Date32Type>(array),
        DataType::Decimal128(..) => fixed::<Decimal128Type>(array),
        DataType::Timestamp(TimeUnit::Millisecond, _) => fixed::<TimestampMillisecondType>(array),
        DataType::Timestamp(TimeUnit::Microsecond, _) => fixed::<TimestampMicrosecondType>(array),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => fixed::<TimestampNanosecondType>(array),
        DataType::Duration(TimeUnit::Microsecond) => fixed::<DurationMicrosecondType>(array),
        _ => ColumnView::Strings(StringView::of(array)),
    }
}

/// A worker on its way from one thread to another, when it works on no chunk.
pub(crate) struct AcrossThreads<T>(pub(crate) T);

// SAFETY: only made of workers between two phases of a pipeline. What their pointers refer to (registers, which are written
// anew for every chunk, the functions, parameters and constants of the job) belongs to no thread.
unsafe impl<T> Send for AcrossThreads<T> {}

impl<T> AcrossThreads<T> {
    /// What it is.
    pub(crate) fn get(&mut self) -> &mut T {
        &mut self.0
    }
}

/// The registers of one worker in one pipeline.
#[derive(Debug)]
pub(crate) struct Registers {
    types: Vec<ColumnType>,
    slots: Vec<Slot>,
    strings: Vec<(StringView, usize)>,
    arena: Arena,
    /// For the next kernel.
    pub(crate) inputs: Vec<InputColumn>,
    /// For the next kernel.
    pub(crate) outputs: Vec<OutputColumn>,
    level: Level,
    /// Row of the chunk's origin that each row came from; null: the same.
    origin: *const u32,
}

/// Views that a branch of a fork may change and the next one needs as they were.
#[derive(Debug)]
pub(crate) struct Saved {
    slots: Vec<Slot>,
    origin: *const u32,
    mark: Mark,
}

impl Registers {
    pub(crate) fn new(fields: &[Field]) -> Self {
        Self {
            types: fields.iter().map(|field| field.ty).collect(),
            slots: vec![EMPTY; fields.len()],
            strings: Vec::new(),
            arena: Arena::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            level: Level::of_this_machine(),
            origin: std::ptr::null(),
        }
    }

    /// Type of a register.
    pub(crate) fn ty(&self, reg: Reg) -> ColumnType {
        self.types[reg as usize]
    }

    fn slot(&self, reg: Reg) -> Slot {
        self.slots[reg as usize]
    }

    /// Starts a chunk with rows of a batch.
    pub(crate) fn load(&mut self, batch: &BatchView, first: usize, rows: usize) {
        self.start_chunk();
        for (reg, column, nulls) in &batch.columns {
            let mut slot = EMPTY;
            match column {
                ColumnView::Fixed { values, width } => {
                    let bytes = &values[first * width..(first + rows) * width];
                    slot.values =
                        if rows.is_multiple_of(64) { bytes.as_ptr() } else { self.padded(bytes, *width, rows) };
                }
                ColumnView::Bits { bits, offset } => slot.values = self.repack(bits, offset + first, rows).cast(),
                ColumnView::Strings(view) => {
                    slot.string = self.strings.len() as u32;
                    self.strings.push((view.clone(), first));
                }
            }
            if let Some(nulls) = nulls {
                let words = self.repack(nulls.buffer(), nulls.offset() + first, rows);
                // SAFETY: `repack` gives a chunk's words.
                if !bitmap::is_full(unsafe { std::slice::from_raw_parts(words, CHUNK_WORDS) }, rows) {
                    slot.validity = words;
                }
            }
            self.slots[*reg as usize] = slot;
        }
    }

    /// Starts a chunk with rows of a table's columns; `first` is a multiple of 64.
    pub(crate) fn load_rows<'a>(
        &mut self,
        columns: impl Iterator<Item = (Reg, &'a Column)>,
        first: usize,
        rows: usize,
    ) {
        debug_assert!(first.is_multiple_of(64), "validity starts with a word");
        self.start_chunk();
        for (reg, column) in columns {
            let mut slot = EMPTY;
            slot.values = if column.ty.base == BaseType::Bool {
                let Values::One(buf) = &column.values else { unreachable!("`bool` takes a byte in tables") };
                self.bits_of(buf[first..first + rows].iter().copied())
            } else {
                // SAFETY: the rows are in the column, and 64 more may be read behind its last one.
                each_width!(&column.values, buf => unsafe { buf.as_ptr().add(first) }.cast())
            };
            if let Some(validity) = column.validity() {
                slot.validity = validity[first / 64..].as_ptr();
            }
            self.slots[reg as usize] = slot;
        }
    }

    /// Starts a chunk with some rows of a table's columns.
    pub(crate) fn load_taken<'a>(&mut self, columns: impl Iterator<Item = (Reg, &'a Column)>, rows: &[u32]) {
        self.start_chunk();
        for (reg, column) in columns {
            self.take_from(reg, column, rows, None);
        }
    }

    fn start_chunk(&mut self) {
        self.arena.reset();
        self.strings.clear();
        self.origin = std::ptr::null();
    }

    fn padded(&mut self, bytes: &[u8], width: usize, rows: usize) -> *const u8 {
        let to = self.arena.take(rows.next_multiple_of(64) * width);
        // SAFETY: the arena gave enough; what is behind the rows was zeroed when the arena was made.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        to
    }

    /// A chunk's words of a bitmap; what is in them is unspecified.
    fn new_words(&mut self) -> &'static mut [u64] {
        let words = self.arena.take(CHUNK_WORDS * 8).cast::<u64>();
        // SAFETY: the arena gave that many bytes, aligned, and nobody else has them until the chunk ends, when the slice is
        // long gone: it never leaves this file.
        unsafe { std::slice::from_raw_parts_mut(words, CHUNK_WORDS) }
    }

    /// Room for values of a chunk; what is in it is unspecified.
    fn new_values<T: Plain>(&mut self, rows: usize) -> &'static mut [T] {
        let values = self.arena.take(rows.next_multiple_of(64) * size_of::<T>()).cast::<T>();
        // SAFETY: as in `new_words`; plain values may be any bytes that were written, and the arena was zeroed.
        unsafe { std::slice::from_raw_parts_mut(values, rows) }
    }

    fn repack(&mut self, bits: &[u8], offset: usize, rows: usize) -> *const u64 {
        let words = self.new_words();
        bitmap::repack(bits, offset, rows, words);
        words.as_ptr()
    }

    fn bits_of(&mut self, bytes: impl Iterator<Item = u8>) -> *const u8 {
        let words = self.new_words();
        words.fill(0);
        for (row, byte) in bytes.enumerate() {
            words[row / 64] |= u64::from(byte & 1) << (row % 64);
        }
        words.as_ptr().cast()
    }

    /// Remembers the views before a branch.
    pub(crate) fn save(&self) -> Saved {
        Saved { slots: self.slots.clone(), origin: self.origin, mark: self.arena.mark() }
    }

    /// Brings them back after it.
    pub(crate) fn restore(&mut self, saved: &Saved) {
        self.slots.copy_from_slice(&saved.slots);
        self.origin = saved.origin;
        self.arena.release(saved.mark);
    }

    /// Turns a string register into `StrRef`s of the selected rows, or of all of them.
    pub(crate) fn materialise(&mut self, reg: Reg, selection: &Selection, every_row: bool) {
        let slot = self.slot(reg);
        if !slot.values.is_null() || !self.ty(reg).base.is_str() {
            return;
        }
        let to = self.new_values::<Str>(selection.rows);
        let (view, first) = &self.strings[slot.string as usize];
        if every_row || selection.is_full() {
            view.get_each(*first, 0..selection.rows, to);
        } else {
            bitmap::for_each(selection.used(), |row| to[row] = view.get(first + row));
        }
        self.slots[reg as usize].values = to.as_ptr().cast();
    }

    /// Fills `inputs` and `outputs` for a kernel; gives whether an input has nulls.
    pub(crate) fn bind(&mut self, kernel: &Kernel, selection: &Selection) -> bool {
        let mut has_nulls = false;
        self.inputs.clear();
        for &reg in &kernel.inputs {
            self.materialise(reg, selection, kernel.vector);
            let slot = self.slot(reg);
            has_nulls |= !slot.validity.is_null();
            self.inputs.push(InputColumn { values: slot.values, validity: slot.validity });
        }
        if has_nulls {
            self.fill_validity();
        }
        self.outputs.clear();
        let padded = selection.rows.next_multiple_of(64);
        for &reg in &kernel.outputs {
            let ty = self.ty(reg);
            let values = match ty.base.register_width() {
                Some(width) => self.arena.take(padded * width),
                None => self.arena.take(CHUNK_WORDS * 8),
            };
            let validity = if ty.nullable { self.new_words().as_mut_ptr() } else { std::ptr::null_mut() };
            self.outputs.push(OutputColumn { values, validity });
            self.slots[reg as usize] = Slot { values, validity, string: 0 };
        }
        has_nulls
    }

    /// Gives every input a bitmap of its nulls, for kernels that always read one.
    pub(crate) fn fill_validity(&mut self) {
        for input in self.inputs.iter_mut().filter(|input| input.validity.is_null()) {
            input.validity = ALL_VALID.as_ptr();
        }
    }

    /// After a kernel: an output without a null among the selected rows is one without nulls.
    pub(crate) fn settle(&mut self, kernel: &Kernel, selection: &Selection) {
        for &reg in &kernel.outputs {
            let slot = &mut self.slots[reg as usize];
            if slot.validity.is_null() {
                continue;
            }
            // SAFETY: `bind` took a chunk's words from the arena.
            let words = unsafe { std::slice::from_raw_parts(slot.validity, CHUNK_WORDS) };
            if selection.used().iter().zip(words).all(|(selected, valid)| selected & !valid == 0) {
                slot.validity = std::ptr::null();
            }
        }
    }

    /// Moves the selected rows of these registers together; all rows are then selected. Other registers are lost.
    pub(crate) fn compress(&mut self, regs: impl Iterator<Item = Reg>, selection: &mut Selection) {
        for reg in regs {
            let (slot, ty) = (self.slot(reg), self.ty(reg));
            let mut new = EMPTY;
            let padded = selection.count.next_multiple_of(64);
            match ty.base.register_width() {
                _ if slot.values.is_null() => {
                    if !ty.base.is_str() {
                        continue; // not written on this way
                    }
                    let to = self.new_values::<Str>(selection.count);
                    let (view, first) = &self.strings[slot.string as usize];
                    let mut at = 0;
                    bitmap::for_each(selection.used(), |row| {
                        to[at] = view.get(first + row);
                        at += 1;
                    });
                    new.values = to.as_ptr().cast();
                }
                Some(width) => {
                    let to = self.arena.take(padded * width + 64);
                    // SAFETY: registers may be read to the next multiple of 64 rows, which the words in use cover; the
                    // arena gave room for the rows and 64 bytes.
                    unsafe { compress(self.level, width, slot.values, selection.used(), to) };
                    new.values = to;
                }
                None => new.values = self.compress_words(slot.values.cast(), selection),
            }
            if !slot.validity.is_null() {
                new.validity = self.compress_words(slot.validity, selection).cast();
            }
            self.slots[reg as usize] = new;
        }
        let to = self.new_values::<u32>(selection.count + 16);
        if self.origin.is_null() {
            bitmap::indices(selection.used(), to);
        } else {
            // SAFETY: an origin has an entry for every row of the chunk, padded to 64 by the arena.
            unsafe { compress(self.level, 4, self.origin.cast(), selection.used(), to.as_mut_ptr().cast()) };
        }
        self.origin = to.as_ptr();
        *selection = Selection::all(selection.count);
    }

    fn compress_words(&mut self, from: *const u64, selection: &Selection) -> *const u8 {
        let to = self.new_words();
        // SAFETY: bitmaps in registers have words for all rows of the chunk.
        let from = unsafe { std::slice::from_raw_parts(from, selection.used().len()) };
        compress_bits(self.level, from, selection.used(), to);
        to.as_ptr().cast()
    }

    /// Makes chunk rows of these registers the new chunk, in that order; a row may come several times.
    pub(crate) fn gather(&mut self, regs: &[Reg], rows: &[u32]) {
        for &reg in regs {
            let (slot, ty) = (self.slot(reg), self.ty(reg));
            let mut new = EMPTY;
            match ty.base.register_width() {
                _ if slot.values.is_null() => {
                    if !ty.base.is_str() {
                        continue; // not written on this way
                    }
                    let to = self.new_values::<Str>(rows.len());
                    let (view, first) = &self.strings[slot.string as usize];
                    view.get_each(*first, rows.iter().map(|row| *row as usize), to);
                    new.values = to.as_ptr().cast();
                }
                None => new.values = self.gather_bits(slot.values.cast(), rows).cast(),
                Some(1) => new.values = self.gather_values::<u8>(slot, rows),
                Some(2) => new.values = self.gather_values::<u16>(slot, rows),
                Some(4) => new.values = self.gather_values::<u32>(slot, rows),
                Some(8) => new.values = self.gather_values::<u64>(slot, rows),
                Some(_) if ty.base.is_str() => new.values = self.gather_values::<Str>(slot, rows),
                Some(_) => new.values = self.gather_values::<u128>(slot, rows),
            }
            if !slot.validity.is_null() {
                new.validity = self.gather_bits(slot.validity, rows);
            }
            self.slots[reg as usize] = new;
        }
        let to = self.new_values::<u32>(rows.len());
        if self.origin.is_null() {
            to.copy_from_slice(rows);
        } else {
            // SAFETY: an origin has an entry for every row of the chunk.
            take(unsafe { std::slice::from_raw_parts(self.origin, last_row(rows)) }, rows, to);
        }
        self.origin = to.as_ptr();
    }

    fn gather_values<T: Plain>(&mut self, slot: Slot, rows: &[u32]) -> *const u8 {
        let to = self.new_values::<T>(rows.len());
        // SAFETY: rows are rows of the chunk, which the slot's values hold.
        let from = unsafe { std::slice::from_raw_parts(slot.values.cast::<T>(), last_row(rows)) };
        take(from, rows, to);
        to.as_ptr().cast()
    }

    fn gather_bits(&mut self, from: *const u64, rows: &[u32]) -> *const u64 {
        let to = self.new_words();
        to.fill(0);
        // SAFETY: bitmaps in registers have words for all rows of the chunk.
        let from = unsafe { std::slice::from_raw_parts(from, bitmap::words_of(last_row(rows))) };
        for (at, row) in rows.iter().enumerate() {
            to[at / 64] |= u64::from(bitmap::get(from, *row as usize)) << (at % 64);
        }
        to.as_ptr()
    }

    /// Reads rows of a table's column into a register. `found`: the rows that exist, others become null.
    pub(crate) fn take_from(&mut self, reg: Reg, column: &Column, rows: &[u32], found: Option<&[u64]>) {
        if found.is_some() && column.len() == 0 {
            self.set_all_null(reg, rows.len());
            return;
        }
        let mut slot = EMPTY;
        slot.values = if column.ty.base == BaseType::Bool {
            let Values::One(buf) = &column.values else { unreachable!("`bool` takes a byte in tables") };
            self.bits_of(rows.iter().map(|row| buf[*row as usize]))
        } else {
            each_width!(&column.values, buf => {
                let to = self.new_values(rows.len());
                take(buf, rows, to);
                to.as_ptr().cast()
            })
        };
        slot.validity = self.validity_of_taken(column, rows, found);
        self.slots[reg as usize] = slot;
    }

    /// As [`take_from`](Self::take_from), of the selected rows only; each stays where it is in the chunk.
    pub(crate) fn take_in_place(
        &mut self,
        reg: Reg,
        column: &Column,
        rows: &[u32],
        selection: &Selection,
        found: Option<&[u64]>,
    ) {
        if column.len() == 0 || column.ty.base == BaseType::Bool {
            let found = if column.len() == 0 { Some(found.unwrap_or(&[])) } else { found };
            self.take_from(reg, column, rows, found);
            return;
        }
        let mut slot = EMPTY;
        slot.values = each_width!(&column.values, buf => {
            let to = self.new_values(rows.len());
            take_in_place(buf, rows, selection.used(), to);
            to.as_ptr().cast()
        });
        slot.validity = self.validity_of_taken(column, rows, found);
        self.slots[reg as usize] = slot;
    }

    fn validity_of_taken(&mut self, column: &Column, rows: &[u32], found: Option<&[u64]>) -> *const u64 {
        if column.validity().is_none() && found.is_none_or(|found| bitmap::is_full(found, rows.len())) {
            return std::ptr::null();
        }
        let words = self.new_words();
        bitmap::fill(words, rows.len());
        if let Some(found) = found {
            for (word, found) in words.iter_mut().zip(found) {
                *word &= found;
            }
        }
        if let Some(validity) = column.validity() {
            for (at, row) in rows.iter().enumerate() {
                if !bitmap::get(validity, *row as usize) {
                    bitmap::clear(words, at);
                }
            }
        }
        words.as_ptr()
    }

    /// A register of nulls.
    fn set_all_null(&mut self, reg: Reg, rows: usize) {
        let ty = self.ty(reg);
        let values: *const u8 = if ty.base.is_str() {
            let to = self.new_values::<Str>(rows);
            to.fill(Str::new(b""));
            to.as_ptr().cast()
        } else {
            self.arena.take(rows.next_multiple_of(64) * ty.base.register_width().unwrap_or(1))
        };
        let words = self.new_words();
        words.fill(0);
        self.slots[reg as usize] = Slot { values, validity: words.as_ptr(), string: 0 };
    }

    /// Writes a `bool` register.
    pub(crate) fn set_bits(&mut self, reg: Reg, bits: &[u64]) {
        let words = self.new_words();
        words[..bits.len()].copy_from_slice(bits);
        self.slots[reg as usize] = Slot { values: words.as_ptr().cast(), validity: std::ptr::null(), string: 0 };
    }

    /// The values of a register of that width; rows that are not selected are unspecified.
    pub(crate) fn values<T: Plain>(&self, reg: Reg, rows: usize) -> &[T] {
        let slot = self.slot(reg);
        assert_eq!(self.ty(reg).base.register_width(), Some(size_of::<T>()), "a register is read by its type");
        assert!(!slot.values.is_null(), "a register is written before it is read");
        debug_assert!(slot.values.cast::<T>().is_aligned(), "columns are aligned as their elements need it");
        // SAFETY: a register of that width has values for all rows of the chunk.
        unsafe { std::slice::from_raw_parts(slot.values.cast(), rows) }
    }

    /// The bits of a `bool` register.
    pub(crate) fn bits(&self, reg: Reg, rows: usize) -> &[u64] {
        let slot = self.slot(reg);
        assert_eq!(self.ty(reg).base, BaseType::Bool, "a register is read by its type");
        assert!(!slot.values.is_null(), "a register is written before it is read");
        // SAFETY: bitmaps in registers have words for all rows of the chunk.
        unsafe { std::slice::from_raw_parts(slot.values.cast(), bitmap::words_of(rows)) }
    }

    /// The bits of the rows that are not null; `None` if no selected row is.
    pub(crate) fn validity(&self, reg: Reg, rows: usize) -> Option<&[u64]> {
        let words = self.slot(reg).validity;
        // SAFETY: as in `bits`.
        (!words.is_null()).then(|| unsafe { std::slice::from_raw_parts(words, bitmap::words_of(rows)) })
    }

    /// The numbers of a register of at most eight bytes as words, numbers extended by their sign.
    pub(crate) fn words_into(&self, reg: Reg, rows: usize, to: &mut [u64]) {
        let base = self.ty(reg).base;
        let to = to[..rows].iter_mut();
        match base.register_width() {
            None => {
                let bits = self.bits(reg, rows);
                to.enumerate().for_each(|(row, to)| *to = u64::from(bitmap::get(bits, row)));
            }
            Some(1) => {
                to.zip(self.values::<u8>(reg, rows)).for_each(|(to, value)| *to = extend(base, u64::from(*value)))
            }
            Some(2) => {
                to.zip(self.values::<u16>(reg, rows)).for_each(|(to, value)| *to = extend(base, u64::from(*value)))
            }
            Some(4) => {
                to.zip(self.values::<u32>(reg, rows)).for_each(|(to, value)| *to = extend(base, u64::from(*value)))
            }
            Some(8) => to.zip(self.values::<u64>(reg, rows)).for_each(|(to, value)| *to = *value),
            Some(_) => unreachable!("wider than a word"),
        }
    }

    /// Adds the selected rows of a register to a column. Strings still refer to where they were.
    pub(crate) fn append_to(&mut self, reg: Reg, selection: &Selection, column: &mut Column) {
        if selection.count == 0 {
            return;
        }
        self.materialise(reg, selection, false);
        let slot = self.slot(reg);
        let start = column.grow(selection.count);
        if column.ty.base == BaseType::Bool {
            let bits = self.bits(reg, selection.rows);
            let Values::One(buf) = &mut column.values else { unreachable!("`bool` takes a byte in tables") };
            let mut at = start;
            bitmap::for_each(selection.used(), |row| {
                buf[at] = u8::from(bitmap::get(bits, row));
                at += 1;
            });
        } else {
            each_width!(&mut column.values, buf => {
                // SAFETY: as in `compress`; a buffer has 64 bytes and more behind its last row.
                unsafe {
                    let to = buf.as_mut_ptr().add(start);
                    let width = size_of_val(&*to);
                    compress(self.level, width, slot.values, selection.used(), to.cast());
                }
            });
        }
        if let Some(validity) = self.validity(reg, selection.rows) {
            let mut at = start;
            bitmap::for_each(selection.used(), |row| {
                if !bitmap::get(validity, row) {
                    column.set_null(at);
                }
                at += 1;
            });
        }
    }

    /// Adds the selected rows of a fixed-width register to bytes.
    pub(crate) fn append_bytes(&self, reg: Reg, selection: &Selection, width: usize, bytes: &mut MutableBuffer) {
        assert_eq!(self.ty(reg).base.register_width(), Some(width), "a register is read by its type");
        let (start, added) = (bytes.len(), selection.count * width);
        bytes.reserve(added + 64);
        // SAFETY: as in `compress`; there is room for the rows and 64 bytes, and the rows are written before they count.
        unsafe {
            let to = bytes.as_mut_ptr().add(start);
            compress(self.level, width, self.slot(reg).values, selection.used(), to);
            bytes.set_len(start + added);
        }
    }

    /// The row of the chunk's origin that a row came from.
    pub(crate) fn origin_row(&self, row: usize) -> usize {
        // SAFETY: an origin has an entry for every row of the chunk.
        if self.origin.is_null() { row } else { unsafe { *self.origin.add(row) as usize } }
    }

    /// A register's value as text, for messages; the row is selected.
    pub(crate) fn show(&mut self, reg: Reg, row: usize, selection: &Selection) -> String {
        self.materialise(reg, selection, false);
        let ty = self.ty(reg);
        if self.validity(reg, selection.rows).is_some_and(|valid| !bitmap::get(valid, row)) {
            return "None".to_owned();
        }
        let mut one = Selection::all(selection.rows);
        one.words = [0; CHUNK_WORDS];
        bitmap::set(&mut one.words, row);
        one.recount();
        match ty.base.register_width() {
            Some(16) => {
                let mut column = Column::new(ty);
                self.append_to(reg, &one, &mut column);
                column.show(0)
            }
            None | Some(_) => {
                let mut words = [0; CHUNK_ROWS];
                self.words_into(reg, selection.rows, &mut words);
                show_word(ty.base, words[row])
            }
        }
    }
}

fn last_row(rows: &[u32]) -> usize {
    rows.iter().max().map_or(0, |row| *row as usize + 1)
}
