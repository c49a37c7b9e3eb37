//! Where a morsel stands in its input, and how far the work has come in that order.

/// Place of a morsel in its input: split, then piece of the split; then, where somebody asks, which rows of the piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seq(u64, u32);

impl Seq {
    pub(super) fn new(split: usize, piece: u32) -> Self {
        debug_assert!(split < 1 << 32, "splits are counted in 32 bits");
        Self((split as u64) << 32 | u64::from(piece), 0)
    }

    pub(super) fn split(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Right behind it, in the same split.
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1, 0)
    }

    /// A place in a count of any other kind.
    pub(crate) fn at(number: u64) -> Self {
        Self(number, 0)
    }

    /// As a number, in the same order.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The place of some rows of the morsel, which are numbered from its start.
    pub(crate) fn part(self, number: u32) -> Self {
        Self(self.0, number)
    }

    /// The first morsel.
    pub(crate) const START: Self = Self(0, 0);

    /// Behind every morsel.
    pub(crate) const END: Self = Self(u64::MAX, u32::MAX);
}

/// How far a pipeline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything before it is done.
    pub(crate) frontier: Seq,
    /// That of what is done.
    pub(crate) watermark: i64,
    /// All is done, and nothing comes any more.
    pub(crate) is_complete: bool,
    /// Nothing has come for a long time: nobody is to wait for its watermark.
    pub(crate) is_idle: bool,
    /// Number of the last barrier that everything before is done.
    pub(crate) barrier: u64,
}

impl Progress {
    /// Whether another is further in something; it is then as far, too.
    pub(crate) fn take_over(&mut self, other: &Self) -> bool {
        let before = *self;
        self.frontier = self.frontier.max(other.frontier);
        self.watermark = self.watermark.max(other.watermark);
        self.is_complete |= other.is_complete;
        self.is_idle = other.is_idle;
        self.barrier = self.barrier.max(other.barrier);
        *self != before
    }
}
