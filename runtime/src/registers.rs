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
//! or into memory that a kernel has promised to keep (constants, inputs, and what it made in the [`ValueArena`]).

mod by_value;
mod expand;
mod movement;
mod selection;
mod strings;
mod view;

use crate::column::{Column, Values, each_width, extend, show_word};
use crate::operator::runs::PLACE;
use crate::primitive::bitmap;
use crate::primitive::compress::Level;
use crate::primitive::memory::{Arena, Mark, Plain, Str};
use crate::primitive::times;
use crate::primitive::value_arena::{self, ValueArena};
use crate::watermark::{EventTime, NEVER, Unit, is_too_far};
use sabot_abi::kernel::{InputColumn, OutputColumn};
use sabot_abi::manifest::{BaseType, ColumnType, Field, Kernel, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use view::{ColumnView, StringView};

use by_value::ByValue;
pub(crate) use by_value::Way;
pub(crate) use selection::Selection;
pub(crate) use view::{BatchView, Dictionary};

/// No null in a whole chunk.
static ALL_VALID: [u64; CHUNK_WORDS] = [!0; CHUNK_WORDS];

/// Where the values of a register lie.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Row 0 of the chunk; null while a string column is still in its Arrow layout, in `strings`.
    values: *const u8,
    /// Null: no nulls.
    validity: *const u64,
    /// Index into `Registers::strings`, if `values` is null.
    string: u32,
    /// The strings lie in a mapped file: those of that index.
    lasts: bool,
}

const EMPTY: Slot = Slot { values: std::ptr::null(), validity: std::ptr::null(), string: 0, lasts: false };

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
    /// Where kernels put the strings that they make.
    pub(crate) made: ValueArena,
    /// For the next kernel.
    pub(crate) inputs: Vec<InputColumn>,
    /// For the next kernel.
    pub(crate) outputs: Vec<OutputColumn>,
    level: Level,
    /// Row of the chunk's origin that each row came from; null: the same.
    origin: *const u32,
    /// Where outputs of the next kernel go, if not into the arena.
    lent: Vec<(Reg, *mut u8)>,
    /// Results of kernels by the values of dictionaries.
    by_value: ByValue,
    /// The chunk's event times, where they lie, if the least and the greatest are known.
    times: Option<(*const u8, (i64, i64))>,
}

/// Views that a branch of a fork may change and the next one needs as they were.
#[derive(Debug)]
pub(crate) struct Saved {
    slots: Vec<Slot>,
    origin: *const u32,
    mark: Mark,
    made: value_arena::Mark,
}

impl Registers {
    pub(crate) fn new(fields: &[Field]) -> Self {
        Self {
            types: fields.iter().map(|field| field.ty).chain([PLACE]).collect(),
            slots: vec![EMPTY; fields.len() + 1],
            strings: Vec::new(),
            arena: Arena::default(),
            made: ValueArena::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            level: Level::of_this_machine(),
            origin: std::ptr::null(),
            lent: Vec::new(),
            by_value: ByValue::default(),
            times: None,
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
                ColumnView::Strings(view, lasts) => {
                    slot.lasts = *lasts;
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
        self.made.reset();
        self.strings.clear();
        self.origin = std::ptr::null();
        self.times = None;
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
        Saved { slots: self.slots.clone(), origin: self.origin, mark: self.arena.mark(), made: self.made.mark() }
    }

    /// Brings them back after it.
    pub(crate) fn restore(&mut self, saved: &Saved) {
        self.slots.copy_from_slice(&saved.slots);
        self.origin = saved.origin;
        self.arena.release(saved.mark);
        self.made.release(saved.made);
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
            let lent = self.lent.iter().find(|(other, _)| *other == reg);
            let values = match ty.base.register_width() {
                _ if lent.is_some() => lent.map_or(std::ptr::null_mut(), |(_, place)| *place),
                Some(width) => self.arena.take(padded * width),
                None => self.arena.take(CHUNK_WORDS * 8),
            };
            let validity = if ty.nullable { self.new_words().as_mut_ptr() } else { std::ptr::null_mut() };
            self.outputs.push(OutputColumn { values, validity });
            self.slots[reg as usize] = Slot { values, validity, ..EMPTY };
        }
        self.lent.clear();
        has_nulls
    }

    /// Registers as a kernel reads them that goes row by row.
    pub(crate) fn columns(&mut self, regs: &[Reg], selection: &Selection) -> Vec<InputColumn> {
        let column = |reg: &Reg| {
            self.materialise(*reg, selection, false);
            let slot = self.slot(*reg);
            InputColumn { values: slot.values, validity: slot.validity }
        };
        regs.iter().map(column).collect()
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

    /// Numbers the rows of the chunk in the register behind all others.
    pub(crate) fn set_places(&mut self, first: u64, rows: usize) {
        let to = self.new_values::<u64>(rows);
        to.iter_mut().zip(first..).for_each(|(to, place)| *to = place);
        let values = to.as_ptr().cast();
        if let Some(slot) = self.slots.last_mut() {
            *slot = Slot { values, ..EMPTY };
        }
    }

    /// Writes the watermark before each row of the chunk, if there is a register for it; gives the greatest time so far.
    pub(crate) fn running_watermark(&mut self, time: &EventTime, rows: usize, greatest: i64) -> i64 {
        let Some(to_reg) = time.watermark else { return greatest };
        let to = self.new_values::<i64>(rows);
        let values = self.values::<i64>(time.time, rows);
        let valid = self.validity(time.time, rows);
        if valid.is_none() && time.unit == Unit::Microseconds && greatest != NEVER {
            let (latest, rises) = times::running_greatest(values, to, greatest, time.lateness_us);
            if is_too_far(latest) {
                return self.running_watermark_by_row(time, rows, greatest);
            }
            let extent = values.first().copied().zip(values.last().copied());
            self.times = extent.filter(|_| rises).map(|extent| (values.as_ptr().cast(), extent));
            self.slots[to_reg as usize] = Slot { values: to.as_ptr().cast(), ..EMPTY };
            return latest;
        }
        self.running_watermark_by_row(time, rows, greatest)
    }

    /// The same, whatever the times are.
    fn running_watermark_by_row(&mut self, time: &EventTime, rows: usize, mut greatest: i64) -> i64 {
        let Some(to_reg) = time.watermark else { return greatest };
        let to = self.new_values::<i64>(rows);
        let values = self.values::<i64>(time.time, rows);
        let valid = self.validity(time.time, rows);
        let mut watermark = time.watermark(greatest);
        for (row, (to, value)) in to.iter_mut().zip(values).enumerate() {
            *to = watermark;
            let value = time.unit.to_us(*value);
            if value > greatest && !is_too_far(value) && valid.is_none_or(|valid| bitmap::get(valid, row)) {
                greatest = value;
                watermark = time.watermark(greatest);
            }
        }
        let values = to.as_ptr().cast();
        self.slots[to_reg as usize] = Slot { values, ..EMPTY };
        greatest
    }

    /// The rows of a register whose times are too far from 1970, if there are any among those that have one.
    pub(crate) fn too_far(&self, time: &EventTime, rows: usize) -> Option<[u64; CHUNK_WORDS]> {
        let (least, greatest) = self.extent(time.time, rows);
        if rows == 0 || !(is_too_far(time.unit.to_us(least)) || is_too_far(time.unit.to_us(greatest))) {
            return None;
        }
        let valid = self.validity(time.time, rows);
        let mut far = [0; CHUNK_WORDS];
        for (row, value) in self.values::<i64>(time.time, rows).iter().enumerate() {
            if is_too_far(time.unit.to_us(*value)) && valid.is_none_or(|valid| bitmap::get(valid, row)) {
                far[row / 64] |= 1 << (row % 64);
            }
        }
        far.iter().any(|word| *word != 0).then_some(far)
    }

    /// The least and the greatest of a register of times without nulls, all of whose rows are selected.
    pub(crate) fn extent(&self, reg: Reg, rows: usize) -> (i64, i64) {
        let times = self.values::<i64>(reg, rows);
        let known = self.times.filter(|(place, _)| *place == times.as_ptr().cast());
        known.map_or_else(|| times::extent(times), |(_, extent)| extent)
    }

    /// Writes a register of numbers of 32 bits.
    pub(crate) fn set_numbers(&mut self, reg: Reg, numbers: &[u32]) {
        let to = self.new_values::<u32>(numbers.len());
        to.copy_from_slice(numbers);
        self.slots[reg as usize] = Slot { values: to.as_ptr().cast(), ..EMPTY };
    }

    /// Writes a `bool` register.
    pub(crate) fn set_bits(&mut self, reg: Reg, bits: &[u64]) {
        let words = self.new_words();
        words[..bits.len()].copy_from_slice(bits);
        self.slots[reg as usize] = Slot { values: words.as_ptr().cast(), ..EMPTY };
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
