//! Memory for the strings and lists that kernels make: it stays until the chunk is done, then the next chunk uses it again.
//!
//! One worker has one. Kernels reach it through `Context::arena`, the runtime's functions through [`of`]. What is appended to
//! the value that was made last stays where it is, so a string that grows piece by piece is not copied for each piece; the
//! shorter value, which somebody may still hold, ends before the new piece and is not changed.

use super::memory::Buf;
use sabot_abi::ROW_BYTES;
use sabot_abi::kernel::{Context, StrRef};
use std::ffi::c_void;
use std::ptr::NonNull;

/// The memory of one worker. Not moved while a context points to it.
#[derive(Debug)]
pub struct ValueArena(NonNull<Blocks>);

// SAFETY: it owns its blocks, and is used by the one worker that has it.
unsafe impl Send for ValueArena {}

/// Blocks are never moved: values point into them.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    blocks: Vec<Buf<u8>>,
    at: (usize, usize),
    /// Where it stood when the row that is being computed took its first bytes.
    row: (usize, usize),
    /// Lists that have room behind their last item.
    growing: [Growing; 32],
}

/// Room behind a list: the address where its items end, and where the room does.
#[derive(Clone, Copy, Debug, Default)]
struct Growing {
    end: usize,
    limit: usize,
}

/// A state of the arena to which it can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark((usize, usize));

/// The row would take more memory than a row may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Default for ValueArena {
    fn default() -> Self {
        Self(NonNull::from(Box::leak(Box::default())))
    }
}

impl Drop for ValueArena {
    fn drop(&mut self) {
        // SAFETY: made of a box in `default`, and no context outlives the worker that has both.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl ValueArena {
    /// For [`Context::arena`].
    #[must_use]
    pub fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }

    fn blocks(&mut self) -> &mut Blocks {
        // SAFETY: alive as long as this is; kernels, who have the other pointer, do not run while it is borrowed.
        unsafe { self.0.as_mut() }
    }

    /// Takes everything back.
    pub fn reset(&mut self) {
        self.blocks().at = (0, 0);
        self.blocks().growing = Default::default();
    }

    /// Where it stands.
    pub(crate) fn mark(&self) -> Mark {
        // SAFETY: as in `blocks`.
        Mark(unsafe { self.0.as_ref() }.at)
    }

    /// Takes everything back that was given since.
    pub(crate) fn release(&mut self, mark: Mark) {
        self.blocks().at = mark.0;
        self.blocks().growing = Default::default();
    }

    /// The bytes of a value that lies in it: for tests, which know no more of a value than where it is.
    #[must_use]
    pub fn find(&self, value: &StrRef) -> Option<&[u8]> {
        // SAFETY: as in `blocks`.
        let blocks = unsafe { &self.0.as_ref().blocks };
        blocks.iter().find_map(|block| {
            let from = (value.data as usize).checked_sub(block.as_ptr() as usize)?;
            block.get(from..from.checked_add(usize::try_from(value.len).ok()?)?)
        })
    }
}

/// For a string that is made from nothing.
pub(crate) fn maker(context: &mut Context) -> Maker<'_> {
    maker_from(context, StrRef { data: [].as_ptr(), len: 0 })
}

/// For a string that begins with another one.
pub(crate) fn maker_from(context: &mut Context, prefix: StrRef) -> Maker<'_> {
    let (arena, row_bytes) = of(context);
    Maker { arena, row_bytes, value: prefix }
}

/// A string while it is made, piece by piece; nobody else takes memory meanwhile.
pub(crate) struct Maker<'a> {
    arena: &'a mut Blocks,
    row_bytes: &'a mut u64,
    value: StrRef,
}

impl Maker<'_> {
    /// What was made so far.
    pub(crate) fn value(&self) -> StrRef {
        self.value
    }

    /// Whether the row may take that many bytes more.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), TooLarge> {
        if self.row_bytes.saturating_add(bytes as u64) > ROW_BYTES { Err(TooLarge) } else { Ok(()) }
    }

    /// Adds bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if !bytes.is_empty() {
            self.value = self.arena.append(self.row_bytes, self.value, bytes)?;
        }
        Ok(())
    }

    /// All of a string that is that long and that `fill` fills in.
    pub(crate) fn push_with(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), TooLarge> {
        assert_eq!(self.value.len, 0, "filled in at once");
        let to = self.arena.take(self.row_bytes, len, 1)?;
        // SAFETY: `take` gave that many bytes to us alone, and all of them were written or zeroed before.
        fill(unsafe { std::slice::from_raw_parts_mut(to, len) });
        self.value = StrRef { data: to, len: len as u64 };
        Ok(())
    }
}

impl std::fmt::Write for Maker<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text.as_bytes()).map_err(|TooLarge| std::fmt::Error)
    }
}

/// The arena that a kernel was called with, and what its row has taken so far.
pub(crate) fn of(context: &mut Context) -> (&mut Blocks, &mut u64) {
    debug_assert!(!context.arena.is_null(), "kernels that make values are called with an arena");
    // SAFETY: whoever called the kernel put a `ValueArena`'s pointer there, which lives while the kernel runs; the kernel
    // is in this call, so nobody else has it.
    (unsafe { &mut *context.arena.cast::<Blocks>() }, &mut context.row_bytes)
}

impl Blocks {
    const FIRST_BLOCK: usize = 64 << 10;

    /// That many bytes for a value of the row, aligned to a power of two up to 64. What is in them is unspecified.
    pub(crate) fn take(&mut self, row_bytes: &mut u64, bytes: usize, align: usize) -> Result<*mut u8, TooLarge> {
        if *row_bytes == 0 {
            self.row = self.at;
        }
        *row_bytes = row_bytes.saturating_add(bytes as u64);
        if *row_bytes > ROW_BYTES {
            return Err(TooLarge);
        }
        loop {
            let (block, at) = self.at;
            let Some(buf) = self.blocks.get_mut(block) else {
                let last = self.blocks.last().map_or(0, |block| block.len());
                self.blocks
                    .push(Buf::zeroed((2 * bytes + 64).max(2 * last).clamp(Self::FIRST_BLOCK, 2 * ROW_BYTES as usize)));
                continue;
            };
            let start = at.next_multiple_of(align);
            if let Some(room) = buf.get_mut(start..).filter(|room| room.len() >= bytes) {
                self.at.1 = start + bytes;
                return Ok(room.as_mut_ptr());
            }
            self.at = (block + 1, 0);
        }
    }

    /// A list of `len` bytes, with room for `more` bytes behind it: where it lies if it has room, else as a copy that has
    /// room for as much again. A list that ends where the room of a longer one is taken is copied, so no list changes.
    pub(crate) fn grow(
        &mut self,
        row_bytes: &mut u64,
        list: *const u8,
        len: usize,
        more: usize,
    ) -> Result<*const u8, TooLarge> {
        let end = (list as usize).wrapping_add(len);
        let slot = Self::slot(end);
        let known = self.growing[slot];
        if len > 0 && known.end == end && known.limit - end >= more {
            self.growing[slot] = Growing::default();
            self.growing[Self::slot(end + more)] = Growing { end: end + more, limit: known.limit };
            return Ok(list);
        }
        let room = (2 * len).max(4 * more).max(32);
        let to = self.take(row_bytes, room, 16)?;
        // SAFETY: `take` gave more bytes than the list has, somewhere else; a list is readable for its length.
        unsafe { std::ptr::copy_nonoverlapping(list, to, len) };
        let end = to as usize + len + more;
        self.growing[Self::slot(end)] = Growing { end, limit: to as usize + room };
        Ok(to)
    }

    fn slot(end: usize) -> usize {
        (end >> 3).wrapping_mul(0x9e37_79b1) >> 8 & 31
    }

    /// Takes back all that the row has taken but for these values, which move to where its first one was.
    pub(crate) fn keep_of_row(&mut self, row_bytes: u64, values: &mut [&mut StrRef]) {
        if row_bytes == 0 {
            return;
        }
        let inside = |value: &StrRef| self.blocks.iter().any(|block| block.as_ptr_range().contains(&value.data));
        // SAFETY: a value is readable for its length, as long as nothing is taken anew.
        let bytes = |value: &StrRef| unsafe { std::slice::from_raw_parts(value.data, value.len as usize) }.to_vec();
        let kept = values.iter().map(|value| (value.len > 0 && inside(value)).then(|| bytes(value)));
        let kept: Vec<Option<Vec<u8>>> = kept.collect();
        self.at = self.row;
        self.growing = Default::default();
        for (value, bytes) in values.iter_mut().zip(kept) {
            let Some(bytes) = bytes else { continue };
            // What fitted behind the row's first byte fits there again.
            let Ok(to) = self.take(&mut 1, bytes.len(), 1) else { continue };
            // SAFETY: `take` gave that many bytes to us alone.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
            value.data = to;
        }
    }

    /// Whether these bytes are what was made last.
    fn is_last(&mut self, bytes: &[u8]) -> bool {
        let (block, at) = self.at;
        let start = self.blocks.get(block).map(|block| block.as_ptr().wrapping_add(at));
        bytes.len() <= at && start.is_some_and(|top| std::ptr::eq(bytes.as_ptr().wrapping_add(bytes.len()), top))
    }

    /// `left` and `right` in one value: in place if `left` is what was made last.
    pub(crate) fn append(&mut self, row_bytes: &mut u64, left: StrRef, right: &[u8]) -> Result<StrRef, TooLarge> {
        let (left_len, len) = (left.len as usize, left.len as usize + right.len());
        let at = self.at;
        // What was made right behind it is a part of the same string already.
        let behind = left.data.wrapping_add(left_len);
        if left_len > 0 && std::ptr::eq(behind, right.as_ptr()) && self.is_last(right) {
            return Ok(StrRef { data: left.data, len: len as u64 });
        }
        let in_place = left_len > 0
            && self.blocks.get_mut(at.0).is_some_and(|block| {
                let top = block.as_mut_ptr().wrapping_add(at.1);
                std::ptr::eq(left.data.wrapping_add(left_len), top) && at.1 + right.len() <= block.len()
            });
        if in_place {
            let to = self.take(row_bytes, right.len(), 1)?;
            // SAFETY: `take` gave that many bytes behind everything that was made, so also behind `right`.
            unsafe { std::ptr::copy_nonoverlapping(right.as_ptr(), to, right.len()) };
            return Ok(StrRef { data: left.data, len: len as u64 });
        }
        let to = self.take(row_bytes, len, 1)?;
        // SAFETY: as above; a value is readable for its length.
        unsafe {
            std::ptr::copy_nonoverlapping(left.data, to, left_len);
            std::ptr::copy_nonoverlapping(right.as_ptr(), to.add(left_len), right.len());
        }
        Ok(StrRef { data: to, len: len as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: &[u8]) -> StrRef {
        StrRef { data: bytes.as_ptr(), len: bytes.len() as u64 }
    }

    #[test]
    fn what_was_made_last_grows_in_place_and_others_are_copied() {
        let mut arena = ValueArena::default();
        let mut row = 0;
        let a = arena.blocks().append(&mut row, value(b"ab"), b"cd").expect("room");
        let b = arena.blocks().append(&mut row, a, b"ef").expect("room");
        assert_eq!((a.data, row), (b.data, 6));
        let c = arena.blocks().append(&mut row, a, b"xyz").expect("room");
        assert_ne!(a.data, c.data);
        let text = |value: &StrRef| arena.find(value).expect("in the arena").to_vec();
        assert_eq!([text(&a), text(&b), text(&c)], [b"abcd".to_vec(), b"abcdef".to_vec(), b"abcdxyz".to_vec()]);
        assert_eq!(arena.find(&value(b"elsewhere")), None);
    }

    #[test]
    fn what_was_made_behind_a_value_is_joined_to_it_without_a_copy() {
        let mut arena = ValueArena::default();
        let mut row = 0;
        let a = arena.blocks().append(&mut row, value(b""), b"ab").expect("room");
        let b = arena.blocks().append(&mut row, value(b""), b"cde").expect("room");
        let right = arena.find(&b).expect("in the arena").to_vec();
        // SAFETY: lies in the arena, which is not reset meanwhile.
        let behind = unsafe { std::slice::from_raw_parts(b.data, right.len()) };
        let joined = arena.blocks().append(&mut row, a, behind).expect("room");
        assert_eq!((joined.data, joined.len, row), (a.data, 5, 5));
        assert_eq!(arena.find(&joined), Some(&b"abcde"[..]));
    }

    #[test]
    fn a_row_gives_back_what_it_does_not_keep() {
        let mut arena = ValueArena::default();
        let before = arena.blocks().append(&mut 0, value(b"x"), b"y").expect("room");
        let mut row = 0;
        let waste = arena.blocks().append(&mut row, value(&[1; 50_000]), b"").expect("room");
        let mut kept = arena.blocks().append(&mut row, value(b"ke"), b"pt").expect("room");
        let mut elsewhere = value(b"elsewhere");
        arena.blocks().keep_of_row(row, &mut [&mut kept, &mut elsewhere]);
        assert_eq!((kept.data, arena.find(&kept)), (waste.data, Some(&b"kept"[..])));
        assert_eq!((arena.find(&before), elsewhere.data), (Some(&b"xy"[..]), value(b"elsewhere").data));
        let next = arena.blocks().append(&mut 0, value(b"n"), b"").expect("room");
        assert_eq!(next.data, kept.data.wrapping_add(4));
    }

    #[test]
    fn values_stay_when_blocks_are_full_and_go_with_the_chunk() {
        let mut arena = ValueArena::default();
        let mut made = Vec::new();
        for number in 0..2000u32 {
            let mut row = 0;
            let bytes = number.to_le_bytes().repeat(100);
            made.push(arena.blocks().append(&mut row, value(b""), &bytes).expect("room"));
        }
        for (number, value) in (0..2000u32).zip(&made) {
            assert_eq!(arena.find(value), Some(number.to_le_bytes().repeat(100).as_slice()));
        }
        let aligned = arena.blocks().take(&mut 0, 24, 16).expect("room");
        assert_eq!(aligned as usize % 16, 0);
        arena.reset();
        let again = arena.blocks().append(&mut 0, value(b"a"), b"").expect("room");
        assert_eq!(again.data, made[0].data);
    }

    #[test]
    fn a_row_may_not_take_more_than_its_share() {
        let mut arena = ValueArena::default();
        let mut row = ROW_BYTES - 3;
        assert!(arena.blocks().take(&mut row, 3, 1).is_ok());
        assert_eq!(arena.blocks().take(&mut row, 1, 1), Err(TooLarge));
        assert_eq!(arena.blocks().take(&mut 0, usize::MAX, 1), Err(TooLarge));
    }
}
