//! Memory of batches: lent to whoever fills a batch, and back as soon as nobody refers to the batch any more.
//!
//! First touch of a fresh page costs more than writing it, so a worker's batches take turns in the same few buffers, which
//! stay in the cache. The memory comes back by itself, from whichever thread lets go of the batch last.

use super::memory::{Buf, Plain};
use arrow_buffer::Buffer;
use bytes::Bytes;
use std::sync::{Arc, Mutex};

/// Buffers that are free.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Buf<u64>>>,
}

impl Pool {
    /// Bytes kept, at most.
    const MOST_BYTES: usize = 64 << 20;

    /// A buffer of at least `least` bytes: the smallest one that has room for all that is `wanted`, else the largest, else a
    /// new one of `new` bytes.
    fn take(&self, least: usize, wanted: usize, new: usize) -> Buf<u64> {
        let mut free = self.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes = |at: &usize| free[*at].memory_bytes();
        let enough = (0..free.len()).rev().filter(|at| free[*at].len() * 8 >= wanted).min_by_key(bytes);
        let largest = || (0..free.len()).max_by_key(bytes).filter(|at| free[*at].len() * 8 >= least);
        match enough.or_else(largest) {
            Some(at) => free.remove(at),
            None => {
                drop(free);
                Buf::zeroed(new.div_ceil(8))
            }
        }
    }

    fn give_back(&self, memory: Buf<u64>) {
        if memory.memory_bytes() > Self::MOST_BYTES {
            return;
        }
        let mut free = self.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut bytes = free.iter().map(Buf::memory_bytes).sum::<usize>() + memory.memory_bytes();
        free.push(memory);
        // The smallest go first: they are the cheapest to make anew.
        while bytes > Self::MOST_BYTES {
            let Some(smallest) = (0..free.len()).min_by_key(|at| free[*at].memory_bytes()) else { return };
            bytes -= free.swap_remove(smallest).memory_bytes();
        }
    }
}

/// Bytes of a column of a batch in the making, aligned to 64.
#[derive(Debug)]
pub(crate) struct Lent {
    memory: Buf<u64>,
    len: usize,
    /// Bytes that it will probably have.
    wanted: usize,
    pool: Arc<Pool>,
}

impl Lent {
    const FIRST_BYTES: usize = 8 << 10;

    /// Nothing yet, of `wanted` bytes at the end.
    pub(crate) fn new(pool: &Arc<Pool>, wanted: usize) -> Self {
        Self { memory: Buf::default(), len: 0, wanted, pool: Arc::clone(pool) }
    }

    /// The next one, when this one is full; it wants as much as this one has become.
    pub(crate) fn next(&self) -> Self {
        Self::new(&self.pool, self.wanted.max(self.len + self.len / 8))
    }

    /// Bytes that were written.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes room for that many more bytes. What was there may move.
    pub(crate) fn reserve(&mut self, more: usize) {
        let needed = self.len + more;
        if needed <= self.memory.len() * 8 {
            return;
        }
        // A whole chunk at once promises more of them. What is not written is not even touched. Who has outgrown what was wanted
        // grows by doubling.
        let wanted = if more >= Self::FIRST_BYTES { self.wanted } else { 0 };
        let new = wanted.max(self.memory.len() * 8 * 2).max(needed).max(Self::FIRST_BYTES);
        let mut larger = self.pool.take(needed, self.wanted.max(needed), new);
        let words = self.len.div_ceil(8);
        larger[..words].copy_from_slice(&self.memory[..words]);
        let smaller = std::mem::replace(&mut self.memory, larger);
        if !smaller.is_empty() {
            self.pool.give_back(smaller);
        }
    }

    /// Where the next byte goes.
    pub(crate) fn end(&mut self) -> *mut u8 {
        // SAFETY: `len` bytes lie in the memory, which is one allocation.
        unsafe { self.memory.as_mut_ptr().cast::<u8>().add(self.len) }
    }

    /// The bytes from the end on count now: somebody has written them.
    pub(crate) fn advance(&mut self, bytes: usize) {
        assert!(self.len + bytes <= self.memory.len() * 8, "room was made before");
        self.len += bytes;
    }

    /// Adds bytes.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.spare(bytes.len()).copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    /// The next so many values, to be written and then to [`advance`](Self::advance) over; what is in them is unspecified.
    pub(crate) fn spare<T: Plain>(&mut self, count: usize) -> &mut [T] {
        self.reserve(count * size_of::<T>());
        debug_assert!(self.len.is_multiple_of(size_of::<T>()), "a column has values of one width");
        // SAFETY: room was made just now, all of it was zeroed once, and plain values may be any bytes.
        unsafe { std::slice::from_raw_parts_mut(self.end().cast(), count) }
    }

    /// The words, also those behind the end.
    pub(crate) fn words(&mut self) -> &mut [u64] {
        &mut self.memory
    }

    /// The bytes as they stay.
    pub(crate) fn into_buffer(self) -> Buffer {
        Buffer::from(Bytes::from_owner(self))
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `len` bytes lie in the memory, all of which was zeroed when it was made.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast(), self.len) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        if !memory.is_empty() {
            self.pool.give_back(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_unknown_length_grow_by_doubling() {
        let pool = Arc::new(Pool::default());
        let mut lent = Lent::new(&pool, 0);
        for _ in 0..100 {
            lent.reserve(20_000);
            lent.advance(20_000);
        }
        drop(lent);
        let free = pool.free.lock().expect("nobody panicked");
        assert!(free.len() < 10, "{} buffers", free.len());
    }

    #[test]
    fn the_largest_are_kept() {
        let pool = Pool::default();
        for _ in 0..100 {
            pool.give_back(Buf::zeroed(1 << 17));
        }
        pool.give_back(Buf::zeroed(4 << 20));
        pool.give_back(Buf::zeroed(Pool::MOST_BYTES));
        let free = pool.free.lock().expect("nobody panicked");
        let bytes = free.iter().map(Buf::memory_bytes).sum::<usize>();
        assert!(free.len() > 10 && bytes <= Pool::MOST_BYTES, "{} buffers, {bytes} bytes", free.len());
        assert!(free.iter().any(|buf| buf.len() == 4 << 20), "the large one is kept");
    }

    #[test]
    fn memory_comes_back_when_nobody_has_it_any_more() {
        let pool = Arc::new(Pool::default());
        let mut lent = Lent::new(&pool, 100_000);
        lent.extend(b"abc");
        let at = lent.end().wrapping_sub(3).cast_const();
        lent.reserve(100_000);
        assert_ne!(at, lent.end().wrapping_sub(3).cast_const(), "it has grown");
        let next = lent.next();
        assert_eq!(next.wanted, 100_000);
        let start = lent.end() as usize - 3;
        let buffer = lent.into_buffer();
        let copy = buffer.clone();
        assert_eq!(buffer.as_slice(), b"abc");
        drop(buffer);
        let mut other = Lent::new(&pool, 10);
        other.extend(b"d");
        assert_eq!(other.end() as usize - 1, at as usize, "the small one was free");
        assert_eq!(copy.as_slice(), b"abc");
        drop(copy);
        let mut again = Lent::new(&pool, 1 << 20);
        again.reserve(50_000);
        assert_eq!(again.end() as usize, start, "the large one is used again");
    }
}
