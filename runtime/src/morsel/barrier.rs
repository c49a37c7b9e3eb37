//! Barriers in the order of the pieces: what is behind one is not taken before it is lifted.

use super::{Morsels, Progress, Seq};

impl Morsels<'_> {
    /// Puts a barrier behind everything that was read. Of a source; numbers rise.
    pub(crate) fn put_barrier(&self, number: u64) {
        let mut state = self.lock();
        // Splits that were opened are before it; of the last one, if it is still read, what was read.
        let last = state.open.last_key_value().filter(|(split, _)| **split + 1 == state.next_split);
        let last = last.map(|(split, open)| Seq::new(*split, open.next_piece));
        let taken = state.in_work.last().map(|seq| seq.next());
        let place = last.map_or(Seq::new(state.next_split, 0), |last| taken.map_or(last, |taken| last.max(taken)));
        state.barrier = Some((number, place));
        self.notify();
    }

    /// All that a barrier stands for is done: what is behind it may be taken.
    pub(crate) fn lift_barrier(&self, number: u64) {
        let mut state = self.lock();
        if state.barrier.is_some_and(|(standing, _)| standing <= number) {
            state.barrier = state.later_barriers.pop_front();
            // The next one may stand where all work has come already.
            state.has_news |= state.barrier.is_some();
            self.notify();
        }
    }

    /// How far all work is, if it may have come further without anybody having [done](Self::done) anything: a split has turned
    /// out to be at its end, or the next barrier stands where all is done. Whoever is told has to hand it on.
    pub(crate) fn news(&self) -> Option<Progress> {
        let mut state = self.lock();
        std::mem::take(&mut state.has_news).then(|| self.progress_of(&mut state))
    }
}
