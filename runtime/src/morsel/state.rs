//! What is known of the pieces of an input: read, waiting, taken, done.

use super::{MORSEL_ROWS, Morsel, ReadBatch, Rows, Seq};
use crate::connector::SplitReader;
use crate::watermark::{NEVER, Prefixes};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

/// A split that was opened; without its reader while a worker reads.
pub(super) struct OpenSplit {
    pub(super) reader: Option<Box<dyn SplitReader>>,
    pub(super) next_piece: u32,
    pub(super) bytes_read: u64,
    /// The greatest event time that was read of it.
    pub(super) greatest: i64,
}

pub(super) struct State {
    pub(super) next_split: usize,
    pub(super) open: BTreeMap<usize, OpenSplit>,
    pub(super) pending: BTreeMap<Seq, Morsel>,
    pub(super) in_work: BTreeSet<Seq>,
    pub(super) done: BTreeSet<Seq>,
    /// Number of pieces of the splits that were read to their end and are not all done.
    pub(super) ended: BTreeMap<usize, u32>,
    pub(super) frontier: (usize, u32),
    /// There is nothing more to merge.
    pub(super) is_merged: bool,
    /// Nothing behind this is wanted.
    pub(super) stop_behind: Option<Seq>,
    /// Nothing at all is.
    pub(super) is_stopped: bool,
    pub(super) prefixes: Prefixes,
    /// Watermarks with the pieces that were taken.
    pub(super) marks: BTreeMap<Seq, i64>,
    /// That of what is done without a gap.
    pub(super) watermark: i64,
    /// The last that was pushed.
    pub(super) pushed_watermark: i64,
    /// Nothing will be pushed any more.
    pub(super) is_closed: bool,
    /// What was read is all that is wanted.
    pub(super) is_drained: bool,
    /// The source had nothing: it is asked again then.
    pub(super) quiet_until: Option<Instant>,
    /// When there was something last.
    pub(super) last_read: Option<Instant>,
    /// Those that push have nothing for a long time.
    pub(super) is_idle: bool,
    /// A barrier and its place: nothing behind it is taken until it is lifted.
    pub(super) barrier: Option<(u64, Seq)>,
    /// The last barrier that was reached.
    pub(super) reached: u64,
    /// Barriers that were pushed behind the one that stands.
    pub(super) later_barriers: VecDeque<(u64, Seq)>,
    /// It may have come further by something else than work that was done: see [`Morsels::news`].
    pub(super) has_news: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            next_split: 0,
            open: BTreeMap::new(),
            pending: BTreeMap::new(),
            in_work: BTreeSet::new(),
            done: BTreeSet::new(),
            ended: BTreeMap::new(),
            frontier: (0, 0),
            is_merged: false,
            stop_behind: None,
            is_stopped: false,
            prefixes: Prefixes::default(),
            marks: BTreeMap::new(),
            watermark: NEVER,
            pushed_watermark: NEVER,
            is_closed: false,
            is_drained: false,
            quiet_until: None,
            last_read: None,
            is_idle: false,
            barrier: None,
            reached: 0,
            later_barriers: VecDeque::new(),
            has_news: false,
        }
    }
}

impl State {
    /// Splits that nobody reads at the moment end where they are.
    pub(super) fn end_splits(&mut self) {
        let idle: Vec<usize> =
            self.open.iter().filter(|(_, open)| open.reader.is_some()).map(|(split, _)| *split).collect();
        for split in idle {
            if let Some(open) = self.open.remove(&split) {
                self.ended.insert(split, open.next_piece);
                self.prefixes.end(split, open.greatest);
            }
        }
        self.advance();
        self.has_news = true;
    }

    /// Takes a split that is one morsel.
    pub(super) fn next_whole_split(&mut self) -> usize {
        let split = self.next_split;
        self.next_split += 1;
        self.ended.insert(split, 1);
        split
    }

    /// The place of what is pushed next.
    pub(super) fn next_pushed(&mut self) -> Seq {
        Seq::new(self.next_whole_split(), 0)
    }

    /// Cuts a batch into morsels, which can be taken.
    pub(super) fn cut(&mut self, split: usize, (batch, greatest): ReadBatch, reader: Box<dyn SplitReader>) {
        let open = self.open.get_mut(&split).expect("a split is open while it is read");
        let position = reader.position();
        open.bytes_read = reader.bytes_read();
        open.reader = Some(reader);
        let first_piece = open.next_piece;
        let all = batch.num_rows();
        let pieces = all.div_ceil(MORSEL_ROWS).max(1) as u32;
        open.next_piece += pieces;
        for number in 0..pieces {
            let first = number as usize * MORSEL_ROWS;
            let rows = (all - first).min(MORSEL_ROWS);
            let rows = Rows::Batch { batch: batch.clone(), position: position.clone(), first, rows };
            let mut morsel = Morsel::new(Seq::new(split, first_piece + number), rows);
            let with = greatest.get(number as usize).map_or(open.greatest, |greatest| open.greatest.max(*greatest));
            morsel.greatest = (open.greatest, with);
            open.greatest = with;
            self.pending.insert(morsel.seq, morsel);
        }
    }

    /// Moves the frontier over everything that is done.
    pub(super) fn advance(&mut self) {
        loop {
            let (split, piece) = self.frontier;
            if self.done.remove(&Seq::new(split, piece)) {
                self.frontier.1 += 1;
            } else if self.ended.get(&split) == Some(&piece) {
                self.ended.remove(&split);
                self.frontier = (split + 1, 0);
            } else {
                break;
            }
        }
        let frontier = Seq::new(self.frontier.0, self.frontier.1);
        while let Some(mark) = self.marks.first_entry().filter(|mark| *mark.key() < frontier) {
            self.watermark = self.watermark.max(mark.remove());
        }
        self.prefixes.forget(self.frontier.0);
    }
}
