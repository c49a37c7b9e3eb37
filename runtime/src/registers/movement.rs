//! Moves rows of registers: together, into another order, out of tables and into them.
//!
//! Part of the fence of [`super`], whose rules hold here.

use super::{EMPTY, Registers, Selection, Slot};
use crate::column::{Column, Values, each_width};
use crate::primitive::bitmap;
use crate::primitive::compress::{compress, compress_bits};
use crate::primitive::memory::{Plain, Str, StrArena};
use crate::primitive::pool::Lent;
use crate::primitive::take::{take, take_in_place};
use sabot_abi::manifest::{BaseType, Reg};

impl Registers {
    /// Moves the selected rows of these registers together; all rows are then selected. Other registers are lost.
    pub(crate) fn compress(&mut self, regs: impl Iterator<Item = Reg>, selection: &mut Selection) {
        for reg in regs {
            let (slot, ty) = (self.slot(reg), self.ty(reg));
            let mut new = Slot { string: slot.string, lasts: slot.lasts, ..EMPTY };
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
            let mut new = Slot { string: slot.string, lasts: slot.lasts, ..EMPTY };
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
        self.slots[reg as usize] = Slot { values, validity: words.as_ptr(), ..EMPTY };
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

    /// Writes rows of a register over rows of a column: of each pair, the first is the chunk's and the second the column's.
    /// Strings are referred to, if `strings` is nothing; else those of the column are the arena's, and nobody else's. Gives how
    /// many bytes the strings had, and have now.
    pub(crate) fn write_over(
        &self,
        reg: Reg,
        chunk_rows: usize,
        pairs: &[(u32, u32)],
        column: &mut Column,
        mut strings: Option<&mut StrArena>,
    ) -> (usize, usize) {
        fn each<T: Plain>(from: &[T], pairs: &[(u32, u32)], to: &mut [T]) {
            pairs.iter().for_each(|(row, at)| to[*at as usize] = from[*row as usize]);
        }
        let valid = self.validity(reg, chunk_rows);
        if let Some(valid) = valid {
            for &(row, to) in pairs {
                if bitmap::get(valid, row as usize) {
                    column.set_valid(to as usize);
                } else {
                    column.set_null(to as usize);
                }
            }
        } else {
            pairs.iter().for_each(|(_, to)| column.set_valid(*to as usize));
        }
        let (mut before, mut now) = (0, 0);
        match &mut column.values {
            Values::One(to) if column.ty.base == BaseType::Bool => {
                let bits = self.bits(reg, chunk_rows);
                pairs.iter().for_each(|(row, at)| to[*at as usize] = u8::from(bitmap::get(bits, *row as usize)));
            }
            Values::One(to) => each(self.values(reg, chunk_rows), pairs, to),
            Values::Two(to) => each(self.values(reg, chunk_rows), pairs, to),
            Values::Four(to) => each(self.values(reg, chunk_rows), pairs, to),
            Values::Eight(to) => each(self.values(reg, chunk_rows), pairs, to),
            Values::Sixteen(to) => each(self.values(reg, chunk_rows), pairs, to),
            Values::Str(to) => {
                for &(row, at) in pairs {
                    let is_valid = valid.is_none_or(|valid| bitmap::get(valid, row as usize));
                    let value = if is_valid { self.str_at(reg, row as usize) } else { Str::new(b"") };
                    let place = &mut to[at as usize];
                    let Some(strings) = &mut strings else {
                        *place = value;
                        continue;
                    };
                    before += place.len();
                    now += value.len();
                    // SAFETY: the caller's word: the column's strings are the arena's, and nobody else has them.
                    unsafe { strings.write_over(place, value) };
                }
            }
        }
        (before, now)
    }

    /// Adds the selected rows of a fixed-width register to a column of a batch; there is nothing to move if it lies there
    /// already.
    pub(crate) fn append_bytes(&self, reg: Reg, selection: &Selection, width: usize, to: &mut Lent) {
        assert_eq!(self.ty(reg).base.register_width(), Some(width), "a register is read by its type");
        let added = selection.count * width;
        if !self.lies_at(reg, to.end()) {
            to.reserve(added + 64);
            // SAFETY: as in `compress`; there is room for the rows and 64 bytes.
            unsafe { compress(self.level, width, self.slot(reg).values, selection.used(), to.end()) };
        } else {
            assert!(selection.is_full(), "a chunk of which some rows are wanted was taken back");
        }
        to.advance(added);
    }

    /// The bits of the selected rows, one behind the other.
    pub(crate) fn pack_bits(&self, from: &[u64], selection: &Selection, to: &mut [u64]) {
        compress_bits(self.level, from, selection.used(), to);
    }

    /// Where the next kernel that writes this register puts its values: there is room for a chunk's rows up to the next
    /// multiple of 64, aligned, until the chunk ends or the register is [taken back](Self::take_back).
    pub(crate) fn lend(&mut self, reg: Reg, place: *mut u8) {
        if !self.lent.iter().any(|(other, _)| *other == reg) {
            self.lent.push((reg, place));
        }
    }

    /// Whether the register's values are there.
    pub(crate) fn lies_at(&self, reg: Reg, place: *const u8) -> bool {
        std::ptr::eq(self.slot(reg).values, place)
    }

    /// Moves a register's values away from where they were lent to.
    pub(crate) fn take_back(&mut self, reg: Reg, rows: usize, width: usize) {
        let bytes = rows.next_multiple_of(64) * width;
        let (from, to) = (self.slot(reg).values, self.arena.take(bytes));
        // SAFETY: both have room for the rows up to the next multiple of 64, and the arena is nobody else's.
        unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
        self.slots[reg as usize].values = to;
    }
}

fn last_row(rows: &[u32]) -> usize {
    rows.iter().max().map_or(0, |row| *row as usize + 1)
}
