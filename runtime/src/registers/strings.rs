//! Strings of a chunk for those who group by them: packed into two words, or by their codes where they are a dictionary.

use super::view::{Dictionary, StringView};
use super::{Registers, Selection};
use crate::column::Column;
use crate::primitive::bitmap;
use crate::primitive::memory::{Buf, Str, StrArena};
use crate::primitive::packed::Packed;
use arrow_buffer::Buffer;
use sabot_abi::manifest::Reg;

/// Below this share of selected rows, only those are packed.
const DENSE_SHARE: usize = 4;

impl Registers {
    /// The strings of the selected rows, packed; of others it is unspecified what is there.
    pub(crate) fn pack_strs(&self, reg: Reg, selection: &Selection, to: &mut Buf<Packed>) {
        to.resize(selection.rows);
        let slot = self.slot(reg);
        if !slot.values.is_null() {
            let strs = self.values::<Str>(reg, selection.rows);
            bitmap::for_each(selection.used(), |row| to[row] = Packed::new(strs[row].bytes()));
            return;
        }
        let (view, first) = &self.strings[slot.string as usize];
        if selection.count * DENSE_SHARE >= selection.rows {
            view.pack(*first, to, self.level);
        } else {
            bitmap::for_each(selection.used(), |row| to[row] = Packed::new(view.get(first + row).bytes()));
        }
    }

    /// Whether strings are still in their Arrow layout.
    pub(crate) fn is_laid_out(&self, reg: Reg) -> bool {
        self.slot(reg).values.is_null()
    }

    /// The strings of 64 rows, packed, of a register in its Arrow layout; `rows` are those of the chunk, and behind them it is
    /// unspecified what is there.
    pub(crate) fn pack_word(&self, reg: Reg, word: usize, rows: usize, to: &mut [Packed; 64]) {
        let slot = self.slot(reg);
        debug_assert!(slot.values.is_null(), "a register in its Arrow layout has no values yet");
        let (view, first) = &self.strings[slot.string as usize];
        let count = (rows - word * 64).min(64);
        view.pack(first + word * 64, &mut to[..count], self.level);
    }

    /// Makes the strings that rows of a column have of a register from that row on ones that the arena keeps.
    pub(crate) fn keep_strings(&self, reg: Reg, column: &mut Column, from: usize, arena: &mut StrArena) {
        match self.lasting(reg) {
            Some(bytes) => arena.keep(bytes),
            None => column.keep_strings(from, arena),
        }
    }

    /// The part of a mapped file in which a register's strings lie: who keeps it need not copy them.
    pub(crate) fn lasting(&self, reg: Reg) -> Option<&Buffer> {
        let slot = self.slot(reg);
        if slot.lasts { self.strings[slot.string as usize].0.data() } else { None }
    }

    /// The strings of all rows one behind the other, where they are still so and none is null: where they begin, and where the
    /// last one ends, and the bytes.
    pub(crate) fn plain_strs(&self, reg: Reg, rows: usize) -> Option<(&[i32], &[u8])> {
        let slot = self.slot(reg);
        if !slot.values.is_null() || !self.ty(reg).base.is_str() || self.validity(reg, rows).is_some() {
            return None;
        }
        let (view, first) = &self.strings[slot.string as usize];
        view.plain(*first, rows)
    }

    /// The string of a row.
    pub(crate) fn str_at(&self, reg: Reg, row: usize) -> Str {
        let slot = self.slot(reg);
        if !slot.values.is_null() {
            return self.values::<Str>(reg, row + 1)[row];
        }
        let (view, first) = &self.strings[slot.string as usize];
        view.get(first + row)
    }

    /// The codes of a register's rows, and what they stand for, if the column came as a dictionary.
    pub(crate) fn codes(&self, reg: Reg, rows: usize) -> Option<(&[i32], &Dictionary)> {
        let slot = self.slot(reg);
        if !slot.values.is_null() || !self.ty(reg).base.is_str() {
            return None;
        }
        match &self.strings[slot.string as usize] {
            (StringView::Dictionary(keys, dictionary), first) => Some((&keys[*first..first + rows], dictionary)),
            (StringView::Offsets32(..) | StringView::Offsets64(..) | StringView::Views(..), _) => None,
        }
    }
}
