//! Which rows of a chunk are still wanted.

use crate::primitive::bitmap;
use sabot_abi::CHUNK_WORDS;

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
