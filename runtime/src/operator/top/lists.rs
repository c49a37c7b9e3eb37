//! The rows that are kept of each key: lists of at most so many, the last one in front.
//!
//! A list is a heap: whether a row is among the first is one comparison with its front, and taking that one's place moves as
//! many as the list has levels. Lists that become longer move to a larger place; the smaller one is used again by the next.

use crate::operator::collect::Order;
use crate::primitive::hash_table::prefetch;

/// A row that is kept.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Kept {
    /// The least comes first.
    pub(super) rank: u128,
    /// Of equal ranks: the number of the morsel at this worker, then the row in it.
    pub(super) run: u32,
    pub(super) at: u32,
    /// Where its values are.
    pub(super) row: u32,
    pub(super) unused: u32,
}

impl Kept {
    const NONE: Self = Self { rank: 0, run: 0, at: 0, row: 0, unused: 0 };

    /// Whether it comes before another one. Mostly rows come in input order, but a morsel may be late.
    #[inline]
    fn is_before(&self, other: &Self, runs: &[Order]) -> bool {
        if self.rank != other.rank {
            return self.rank < other.rank;
        }
        let place = |kept: &Self| (runs[kept.run as usize], kept.run, kept.at);
        place(self) < place(other)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    start: u32,
    len: u32,
    room: u32,
}

const FIRST_ROOM: u32 = 4;

/// Lists by group.
#[derive(Debug)]
pub(super) struct Lists {
    limit: u32,
    /// Empty if one row is wanted: a group's is then at its number.
    lists: Vec<List>,
    kept: Vec<Kept>,
    /// Places that are free, by the logarithm of their size.
    free: Vec<Vec<u32>>,
    groups: usize,
}

impl Lists {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, lists: Vec::new(), kept: Vec::new(), free: vec![Vec::new(); 33], groups: 0 }
    }

    /// There are that many groups now.
    pub(super) fn resize(&mut self, groups: usize) {
        self.groups = groups;
        if self.limit > 1 {
            self.lists.resize(groups, List::default());
        }
    }

    /// The rows of a group, in no order.
    pub(super) fn of(&self, group: usize) -> &[Kept] {
        if self.limit == 1 {
            return self.kept.get(group..=group).unwrap_or_default();
        }
        let list = self.lists[group];
        &self.kept[list.start as usize..][..list.len as usize]
    }

    /// The group will be asked for soon.
    #[inline]
    pub(super) fn prefetch(&self, group: u32) {
        if self.limit == 1 {
            self.kept.get(group as usize).into_iter().for_each(prefetch);
        } else {
            prefetch(&self.lists[group as usize]);
        }
    }

    /// Keeps a row if it is among the first of its group; gives where its values go: `kept.row`, which is a new one, or the
    /// place of the row that is not kept any more.
    #[inline]
    pub(super) fn offer(&mut self, group: u32, mut kept: Kept, runs: &[Order]) -> Option<u32> {
        if self.limit == 1 {
            // Groups are numbered as they come: the first row of a new one is the next here.
            let Some(only) = self.kept.get_mut(group as usize) else {
                self.kept.push(kept);
                return Some(kept.row);
            };
            if !kept.is_before(only, runs) {
                return None;
            }
            kept.row = only.row;
            *only = kept;
            return Some(kept.row);
        }
        let list = self.lists[group as usize];
        if list.len < self.limit {
            self.add(group as usize, kept, runs);
            return Some(kept.row);
        }
        let heap = &mut self.kept[list.start as usize..][..list.len as usize];
        if !kept.is_before(&heap[0], runs) {
            return None;
        }
        kept.row = heap[0].row;
        let mut at = 0;
        loop {
            let mut child = 2 * at + 1;
            if child >= heap.len() {
                break;
            }
            if child + 1 < heap.len() && heap[child].is_before(&heap[child + 1], runs) {
                child += 1;
            }
            if !kept.is_before(&heap[child], runs) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = kept;
        Some(kept.row)
    }

    fn add(&mut self, group: usize, kept: Kept, runs: &[Order]) {
        let mut list = self.lists[group];
        if list.len == list.room {
            let room = (list.room * 2).clamp(FIRST_ROOM, self.limit.max(FIRST_ROOM));
            let start = self.place(room);
            let from = list.start as usize;
            self.kept.copy_within(from..from + list.len as usize, start as usize);
            if list.room > 0 {
                self.free[list.room.ilog2() as usize].push(list.start);
            }
            (list.start, list.room) = (start, room);
        }
        let mut at = list.len as usize;
        list.len += 1;
        self.lists[group] = list;
        let heap = &mut self.kept[list.start as usize..][..list.len as usize];
        while at > 0 {
            let parent = (at - 1) / 2;
            if !heap[parent].is_before(&kept, runs) {
                break;
            }
            heap[at] = heap[parent];
            at = parent;
        }
        heap[at] = kept;
    }

    /// Room for that many rows. Rooms of one logarithm are of one size, but for the largest, which are never free again.
    fn place(&mut self, room: u32) -> u32 {
        if room.is_power_of_two()
            && let Some(start) = self.free[room.ilog2() as usize].pop()
        {
            return start;
        }
        let start = self.kept.len() as u32;
        self.kept.resize(start as usize + room as usize, Kept::NONE);
        start
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.lists.capacity() * size_of::<List>()
            + self.kept.capacity() * size_of::<Kept>()
            + self.free.iter().map(|free| free.capacity() * 4).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morsel::Seq;
    use crate::primitive::hash::hash_word;

    #[test]
    fn the_first_rows_of_each_group_are_kept() {
        let runs = [(1, Seq::START), (0, Seq::START)];
        for limit in [1, 2, 3, 7, 10, 100] {
            let mut lists = Lists::new(limit);
            let mut all: Vec<Vec<(u128, u32, u32)>> = Vec::new();
            let (mut known, mut values) = (0, Vec::new());
            for n in 0..3000u32 {
                let group = (hash_word(u64::from(n)) % 40).min(all.len() as u64) as usize;
                if group == all.len() {
                    all.push(Vec::new());
                }
                lists.resize(all.len());
                let (rank, run) = (u128::from(hash_word(u64::from(n) + 5) % 20), n / 2000);
                let kept = Kept { rank, run, at: n, row: known, unused: 0 };
                if let Some(to) = lists.offer(group as u32, kept, &runs) {
                    values.resize(values.len().max(to as usize + 1), 0);
                    values[to as usize] = n;
                    known += u32::from(to == known);
                }
                // The later run stands before the earlier one.
                all[group].push((rank, 1 - run, n));
            }
            for (group, rows) in all.iter_mut().enumerate() {
                rows.sort_unstable();
                let expected: Vec<u32> = rows.iter().take(limit as usize).map(|(.., n)| *n).collect();
                let mut kept: Vec<Kept> = lists.of(group).to_vec();
                kept.sort_by_key(|kept| (kept.rank, 1 - kept.run, kept.at));
                assert_eq!(kept.iter().map(|kept| kept.at).collect::<Vec<_>>(), expected);
                assert!(kept.iter().all(|kept| values[kept.row as usize] == kept.at));
            }
        }
    }
}
