//! Zeroed memory aligned to cache lines, and plain vectors in it.
//!
//! First touch of a fresh page is dear on virtual machines: buffers are made once and used again, large ones ask for huge
//! pages and grow by moving their pages instead of their bytes. All memory starts as zeros, so that reading the rows behind
//! the last one, which primitives do up to the next multiple of 64, reads something.

use crate::out_of_memory;
use arrow_buffer::Buffer;
use sabot_abi::kernel::StrRef;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// From here on memory comes from the system in whole, huge pages.
const MAPPED_FROM: usize = 4 << 20;

/// Asks the allocator to keep what is freed: batches are made and freed all the time, and pages that went back to the system
/// would have to be touched anew.
pub(crate) fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
    // SAFETY: sets parameters of the allocator; what is allocated stays valid.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 512 << 20);
    }
}

/// What may be made of zero bytes and copied byte by byte.
///
/// # Safety
/// All bytes zero is a value, and the type has no padding that is read and nothing to drop.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! plain {
    ($($ty:ty),*) => { $(
        // SAFETY: a number.
        unsafe impl Plain for $ty {}
    )* };
}
plain!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

/// The value of zero bytes.
pub(crate) fn zero<T: Plain>() -> T {
    // SAFETY: all bytes zero is a value of every plain type.
    unsafe { std::mem::zeroed() }
}

/// A `StrRef` that may be kept in a buffer and handed to other threads: whoever keeps it keeps its bytes, too.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Str(StrRef);

// SAFETY: the zero value is null and no bytes, which `bytes` handles.
unsafe impl Plain for Str {}
// SAFETY: it reads bytes that nobody changes while it lives; its owner keeps them.
unsafe impl Send for Str {}
// SAFETY: as above.
unsafe impl Sync for Str {}

impl Str {
    /// A reference to bytes that live as long as the reference is read.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(StrRef { data: bytes.as_ptr(), len: bytes.len() as u64 })
    }

    /// The bytes; empty for the zero value.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0.len == 0 {
            return &[];
        }
        // SAFETY: made of a slice whose owner lives: the chunk, the arena, or the constants of the artifact.
        unsafe { std::slice::from_raw_parts(self.0.data, self.0.len as usize) }
    }

    /// Number of bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len as usize
    }
}

/// Zeroed bytes, aligned to 64.
#[derive(Debug)]
struct Memory {
    /// Dangling if there are none.
    start: NonNull<u8>,
    bytes: usize,
    /// Bytes in front of the start: the allocator only zeroes without touching what is aligned to less.
    before: usize,
}

// SAFETY: it owns its bytes.
unsafe impl Send for Memory {}
// SAFETY: shared only for reading.
unsafe impl Sync for Memory {}

impl Memory {
    const ALIGN: usize = 64;

    const fn new() -> Self {
        Self { start: NonNull::<u128>::dangling().cast(), bytes: 0, before: 0 }
    }

    fn is_mapped(bytes: usize) -> bool {
        cfg!(all(target_os = "linux", not(miri))) && bytes >= MAPPED_FROM
    }

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes + Self::ALIGN, 16).expect("less than the address space")
    }

    fn allocate(bytes: usize) -> Self {
        if bytes == 0 {
            return Self::new();
        }
        if Self::is_mapped(bytes) {
            return Self::map(bytes);
        }
        let layout = Self::layout(bytes);
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { out_of_memory::exit(bytes) };
        let before = start.align_offset(Self::ALIGN);
        assert!(before < Self::ALIGN, "an address can be aligned");
        // SAFETY: the layout has room for the alignment beside the bytes.
        Self { start: unsafe { start.add(before) }, bytes, before }
    }

    #[cfg(target_os = "linux")]
    fn map(bytes: usize) -> Self {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: asks for new pages anywhere.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            out_of_memory::exit(bytes);
        }
        // SAFETY: the range was mapped just now; it is only advice.
        unsafe { libc::madvise(start, bytes, libc::MADV_HUGEPAGE) };
        Self { start: NonNull::new(start.cast()).expect("mapped memory is not at zero"), bytes, before: 0 }
    }

    #[cfg(not(target_os = "linux"))]
    fn map(bytes: usize) -> Self {
        unreachable!("{bytes} bytes are only mapped on Linux")
    }

    /// Makes it larger; what is there stays, what is new is zero.
    fn grow(&mut self, bytes: usize) {
        debug_assert!(bytes >= self.bytes, "memory only grows");
        #[cfg(target_os = "linux")]
        if Self::is_mapped(self.bytes) {
            // SAFETY: the range is a whole mapping of ours; nobody holds a reference into it while it is borrowed mutably.
            let start = unsafe { libc::mremap(self.start.as_ptr().cast(), self.bytes, bytes, libc::MREMAP_MAYMOVE) };
            if start == libc::MAP_FAILED {
                out_of_memory::exit(bytes);
            }
            // SAFETY: as in `map`.
            unsafe { libc::madvise(start, bytes, libc::MADV_HUGEPAGE) };
            self.start = NonNull::new(start.cast()).expect("mapped memory is not at zero");
            self.bytes = bytes;
            return;
        }
        let new = Self::allocate(bytes);
        // SAFETY: both have at least `self.bytes` bytes and are different allocations.
        unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr(), new.start.as_ptr(), self.bytes) };
        *self = new;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        #[cfg(target_os = "linux")]
        if Self::is_mapped(self.bytes) {
            // SAFETY: the range is a whole mapping of ours.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
            return;
        }
        // SAFETY: allocated with the same layout, that far in front of the start.
        unsafe { dealloc(self.start.as_ptr().sub(self.before), Self::layout(self.bytes)) };
    }
}

/// A vector of plain values with at least 64 readable, zeroed or once-written values behind its last one.
#[derive(Debug)]
pub(crate) struct Buf<T: Plain> {
    memory: Memory,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Plain> Default for Buf<T> {
    fn default() -> Self {
        Self { memory: Memory::new(), len: 0, values: PhantomData }
    }
}

impl<T: Plain> Buf<T> {
    /// Values readable behind the last one, and as many bytes.
    const SLACK: usize = 64;

    /// That many zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        let mut buf = Self::default();
        buf.resize(len);
        buf
    }

    fn bytes_for(len: usize) -> usize {
        ((len + Self::SLACK) * size_of::<T>() + 64).next_multiple_of(64)
    }

    /// Room for that many values in all.
    pub(crate) fn reserve_total(&mut self, len: usize) {
        let needed = Self::bytes_for(len);
        if needed > self.memory.bytes {
            let doubled = if self.memory.bytes == 0 { needed } else { needed.max(self.memory.bytes * 2) };
            self.memory.grow(doubled);
        }
    }

    /// Makes it that long; new values are unspecified where it was longer before, zero else.
    pub(crate) fn resize(&mut self, len: usize) {
        self.reserve_total(len);
        self.len = len;
    }

    /// Adds a value.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        let at = self.len;
        if Self::bytes_for(at + 1) > self.memory.bytes {
            self.reserve_total((at + 1).max(64));
        }
        self.len = at + 1;
        self[at] = value;
    }

    /// Adds values.
    pub(crate) fn extend_from_slice(&mut self, values: &[T]) {
        let at = self.len;
        self.resize(at + values.len());
        self[at..].copy_from_slice(values);
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.bytes
    }

    /// First value.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.memory.start.as_ptr().cast()
    }

    /// First value.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.memory.start.as_ptr().cast()
    }

    /// A cheap view for another thread's parts; see [`Shared`].
    pub(crate) fn shared(&mut self) -> Shared<T> {
        Shared { start: self.as_mut_ptr(), len: self.len }
    }
}

impl<T: Plain> Deref for Buf<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` values lie in the memory, aligned, zeroed when it was made.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buf<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr(), self.len) }
    }
}

impl<T: Plain> Clone for Buf<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.extend_from_slice(self);
        copy
    }
}

impl<T: Plain> FromIterator<T> for Buf<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut buf = Self::default();
        for value in values {
            buf.push(value);
        }
        buf
    }
}

/// A buffer into which several threads write, each its own rows.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T: Plain> {
    start: *mut T,
    len: usize,
}

// SAFETY: every thread writes rows that no other reads or writes; see `rows`.
unsafe impl<T: Plain> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Shared<T> {}

impl<T: Plain> Shared<T> {
    /// Rows for one thread alone.
    ///
    /// # Safety
    /// The buffer lives and is not otherwise used as long as the rows are, and no rows are given out twice at once.
    #[expect(clippy::mut_from_ref, reason = "parts of a buffer for several threads: what it is for")]
    pub(crate) unsafe fn rows(&self, rows: std::ops::Range<usize>) -> &mut [T] {
        assert!(rows.start <= rows.end && rows.end <= self.len, "rows of the buffer");
        // SAFETY: inside of the buffer; the rest is the caller's word.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(rows.start), rows.len()) }
    }
}

/// Memory for the columns of one chunk: taken piece by piece, all given back at once, used again by the next chunk while it
/// is still in the cache.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    /// Never moved: registers point into them.
    blocks: Vec<Buf<u64>>,
    /// Block, and word in it, from which on memory is free.
    at: (usize, usize),
}

/// A state of an [`Arena`] to which it can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark((usize, usize));

impl Arena {
    const BLOCK_WORDS: usize = 64 * 1024;

    /// That many bytes, aligned to 64, with 64 more behind them. What is in them is unspecified.
    pub(crate) fn take(&mut self, bytes: usize) -> *mut u8 {
        let words = (bytes.div_ceil(8) + 8).next_multiple_of(8);
        loop {
            let (block, word) = self.at;
            let Some(buf) = self.blocks.get_mut(block) else {
                self.blocks.push(Buf::zeroed(words.max(Self::BLOCK_WORDS)));
                continue;
            };
            if word + words <= buf.len() {
                self.at.1 += words;
                // SAFETY: `word` lies in the block.
                return unsafe { buf.as_mut_ptr().add(word) }.cast();
            }
            self.at = (block + 1, 0);
        }
    }

    /// Where it stands.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.at)
    }

    /// Takes everything back that was given since.
    pub(crate) fn release(&mut self, mark: Mark) {
        self.at = mark.0;
    }

    /// Takes everything back.
    pub(crate) fn reset(&mut self) {
        self.at = (0, 0);
    }
}

/// Bytes of strings that stay where they are.
#[derive(Debug, Default)]
pub(crate) struct StrArena {
    full: Vec<Buf<u8>>,
    /// Has room for `capacity` bytes and is not grown.
    current: Buf<u8>,
    capacity: usize,
    bytes: usize,
    /// Bytes of others that strings refer to.
    lasting: Vec<Buffer>,
}

impl StrArena {
    const FIRST_BLOCK: usize = 16 << 10;
    const LARGEST_BLOCK: usize = 8 << 20;

    /// A copy that lives as long as the arena.
    #[inline]
    pub(crate) fn copy(&mut self, value: Str) -> Str {
        let bytes = value.bytes();
        if self.current.len() + bytes.len() > self.capacity {
            self.next_block(bytes.len());
        }
        let at = self.current.len();
        self.current.len = at + bytes.len();
        // SAFETY: the block has room, as was just seen, and nobody refers to bytes behind `at` yet.
        unsafe {
            let to = self.current.as_mut_ptr().add(at);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
            Str(StrRef { data: to, len: bytes.len() as u64 })
        }
    }

    /// Keeps the bytes of somebody else: strings may refer to them as long as the arena lives.
    pub(crate) fn keep(&mut self, bytes: &Buffer) {
        /// Columns of one batch that are kept in turns.
        const IN_TURNS: usize = 16;
        if !self.lasting.iter().rev().take(IN_TURNS).any(|known| known.ptr_eq(bytes) && known.len() == bytes.len()) {
            self.lasting.push(bytes.clone());
        }
    }

    /// An empty arena that keeps what this one kept of others.
    pub(crate) fn another(&mut self) -> Self {
        Self { lasting: std::mem::take(&mut self.lasting), ..Self::default() }
    }

    /// Writes a string over another one, if it fits there, else puts it elsewhere.
    ///
    /// # Safety
    /// The other one is empty or this arena's, and nobody else refers to its bytes.
    pub(crate) unsafe fn write_over(&mut self, place: &mut Str, value: Str) {
        if value.len() > place.len() {
            *place = self.copy(value);
            return;
        }
        // SAFETY: the bytes are the arena's, there are enough of them, and only the caller refers to them.
        unsafe { std::ptr::copy(value.bytes().as_ptr(), place.0.data.cast_mut(), value.len()) };
        place.0.len = value.0.len;
    }

    #[cold]
    fn next_block(&mut self, needed: usize) {
        let doubled = (self.capacity * 2).clamp(Self::FIRST_BLOCK, Self::LARGEST_BLOCK);
        // Who knows how much will come gets just that.
        self.capacity = if self.capacity == 0 && needed > Self::FIRST_BLOCK { needed } else { needed.max(doubled) };
        let mut block = Buf::default();
        block.reserve_total(self.capacity);
        self.bytes += block.memory_bytes();
        let full = std::mem::replace(&mut self.current, block);
        if !full.is_empty() {
            self.full.push(full);
        }
    }

    /// Makes room for that many bytes at once.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        if self.current.len() + bytes > self.capacity {
            self.next_block(bytes);
        }
    }

    /// Bytes of all strings.
    pub(crate) fn used_bytes(&self) -> usize {
        self.current.len() + self.full.iter().map(|full| full.len()).sum::<usize>()
    }

    /// Takes over the bytes of another one.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.full.extend(other.full);
        self.full.push(other.current);
        self.lasting.extend(other.lasting);
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_keep_their_values_when_they_grow_into_mapped_memory() {
        let mut buf = Buf::default();
        let count = if cfg!(miri) { 3000 } else { 3 << 20 };
        for value in 0..count as u64 {
            buf.push(value);
        }
        assert!(buf.iter().copied().eq(0..count as u64));
        assert_eq!(buf.as_ptr() as usize % 64, 0);
        assert!(Buf::<u64>::zeroed(1 << 10).iter().all(|value| *value == 0));
    }

    #[test]
    fn an_arena_gives_the_same_memory_again() {
        let mut arena = Arena::default();
        let first = arena.take(100);
        let mark = arena.mark();
        let second = arena.take(10 << 20);
        arena.release(mark);
        assert_eq!(arena.take(8) as usize, first as usize + 192);
        arena.reset();
        assert_eq!(arena.take(1), first);
        assert_ne!(first, second);
    }

    #[test]
    fn strings_stay_where_they_are() {
        let mut arena = StrArena::default();
        let texts: Vec<String> = (0..3000).map(|n| format!("text {n}")).collect();
        let copies: Vec<Str> = texts.iter().map(|text| arena.copy(Str::new(text.as_bytes()))).collect();
        let long = arena.copy(Str::new(&[7; 100_000]));
        assert!(texts.iter().zip(&copies).all(|(text, copy)| copy.bytes() == text.as_bytes()));
        assert_eq!(long.bytes(), [7; 100_000]);
        assert_eq!(arena.copy(Str::new(b"")).bytes(), b"");
    }
}
