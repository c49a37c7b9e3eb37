//! The numbers of bids, many rows at a time: what a round of events has in common is written beside its rows first, so that what is left is
//! a plain loop over all of them, in the widest vectors that there are.

use super::event::{
    ACTIVE_PERSONS, AUCTION_ID_LEAD, AUCTIONS_IN_FLIGHT, FIRST_ID, HOT_AUCTION_RATIO, HOT_BIDDER_RATIO, HOT_EVERY,
    Kind, PERSON_ID_LEAD, below, cents, exponent, last_auction, last_person, time_of,
};
use crate::primitive::widest::in_widest_vectors;
use sabot_library::math;
use std::ops::Range;

/// Rows that are made together: all their parts lie in the first cache.
const BLOCK: usize = 512;

/// By row of a block.
type Block = [u64; BLOCK];

/// Calls `each` for every round that has some of the rows, with its first event that is one of them, and the rows' places.
#[inline(always)]
fn rounds(kind: Kind, rows: Range<u64>, mut each: impl FnMut(u64, Range<usize>)) {
    let (share, _) = kind.share();
    let mut row = rows.start;
    while row < rows.end {
        let end = ((row / share + 1) * share).min(rows.end);
        each(kind.event(row), (row - rows.start) as usize..(end - rows.start) as usize);
        row = end;
    }
}

/// The rows in pieces that are not longer than a block.
#[inline(always)]
fn blocks(rows: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    rows.clone().step_by(BLOCK).map(move |first| first..(first + BLOCK as u64).min(rows.end))
}

#[inline(always)]
fn count_up(places: &mut [u64], first: u64) {
    places.iter_mut().zip(first..).for_each(|(place, number)| *place = number);
}

in_widest_vectors! {
    /// Times of rows, in microseconds.
    pub(super) times(kind: Kind, rows: Range<u64>, out: &mut Vec<i64>) -> () = times_of
}

#[inline(always)]
fn times_of(kind: Kind, rows: Range<u64>, out: &mut Vec<i64>) {
    let mut times = [0_i64; BLOCK];
    for rows in blocks(rows) {
        let len = (rows.end - rows.start) as usize;
        rounds(kind, rows, |event, places| {
            times[places].iter_mut().zip(event..).for_each(|(time, event)| *time = time_of(event));
        });
        out.extend_from_slice(&times[..len]);
    }
}

/// What chooses one of two kinds of items: those that are hot, and some others.
struct Choice {
    events: Block,
    hot: Block,
    first: Block,
    count: Block,
}

impl Choice {
    #[inline(always)]
    fn new() -> Self {
        Self { events: [0; BLOCK], hot: [0; BLOCK], first: [0; BLOCK], count: [0; BLOCK] }
    }

    /// Of the events of one round: the hot item, the first one of the others, and how many they are.
    #[inline(always)]
    fn set(&mut self, places: Range<usize>, event: u64, (hot, first, count): (u64, u64, u64)) {
        count_up(&mut self.events[places.clone()], event);
        self.hot[places.clone()].fill(hot);
        self.first[places.clone()].fill(first);
        self.count[places].fill(count);
    }

    /// The ids; of `ratio` rows one is not hot.
    #[inline(always)]
    fn ids(&self, (is_hot, some): (u64, u64), ratio: u64, ids: &mut [i64; BLOCK]) {
        let places = self.events.iter().zip(&self.hot).zip(self.first.iter().zip(&self.count));
        for (id, ((event, hot), (first, count))) in ids.iter_mut().zip(places) {
            let some = first + below(*event, some, *count);
            *id = (FIRST_ID + if below(*event, is_hot, ratio) > 0 { *hot } else { some }) as i64;
        }
    }
}

in_widest_vectors! {
    /// The auctions that bids are for.
    pub(super) auctions(rows: Range<u64>, out: &mut Vec<i64>) -> () = auctions_of
}

#[inline(always)]
fn auctions_of(rows: Range<u64>, out: &mut Vec<i64>) {
    let (mut choice, mut ids) = (Choice::new(), [0; BLOCK]);
    for rows in blocks(rows) {
        let len = (rows.end - rows.start) as usize;
        rounds(Kind::Bid, rows, |event, places| {
            // All auctions of the round are there when its bids come.
            let last = last_auction(event);
            let first = last.saturating_sub(AUCTIONS_IN_FLIGHT);
            choice.set(places, event, (last / HOT_EVERY * HOT_EVERY, first, last - first + 1 + AUCTION_ID_LEAD));
        });
        choice.ids((19, 20), HOT_AUCTION_RATIO, &mut ids);
        out.extend_from_slice(&ids[..len]);
    }
}

in_widest_vectors! {
    /// The persons who bid.
    pub(super) bidders(rows: Range<u64>, out: &mut Vec<i64>) -> () = bidders_of
}

#[inline(always)]
fn bidders_of(rows: Range<u64>, out: &mut Vec<i64>) {
    let (mut choice, mut ids) = (Choice::new(), [0; BLOCK]);
    for rows in blocks(rows) {
        let len = (rows.end - rows.start) as usize;
        rounds(Kind::Bid, rows, |event, places| {
            let persons = last_person(event) + 1;
            let active = persons.min(ACTIVE_PERSONS);
            let hot = (persons - 1) / HOT_EVERY * HOT_EVERY + 1;
            choice.set(places, event, (hot, persons - active, active + PERSON_ID_LEAD));
        });
        choice.ids((21, 22), HOT_BIDDER_RATIO, &mut ids);
        out.extend_from_slice(&ids[..len]);
    }
}

in_widest_vectors! {
    /// What is bid, in cents.
    pub(super) prices(rows: Range<u64>, out: &mut Vec<i64>) -> () = prices_of
}

#[inline(always)]
fn prices_of(rows: Range<u64>, out: &mut Vec<i64>) {
    let (mut events, mut exponents, mut units, mut prices) = ([0; BLOCK], [0.0; BLOCK], [0.0; BLOCK], [0; BLOCK]);
    for rows in blocks(rows) {
        let len = (rows.end - rows.start) as usize;
        rounds(Kind::Bid, rows, |event, places| count_up(&mut events[places], event));
        exponents.iter_mut().zip(&events).for_each(|(to, event)| *to = exponent(*event, 23));
        math::exp_slice(&exponents, &mut units);
        prices.iter_mut().zip(&units).for_each(|(to, units)| *to = cents(*units));
        out.extend_from_slice(&prices[..len]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the processor has, wherever a block begins.
    #[test]
    fn columns_do_not_depend_on_the_processor_or_on_blocks() {
        type Make = fn(Range<u64>, &mut Vec<i64>);
        let makers: [(Make, Make); 4] = [
            (auctions, auctions_of),
            (bidders, bidders_of),
            (prices, prices_of),
            (|rows, out| times(Kind::Bid, rows, out), |rows, out| times_of(Kind::Bid, rows, out)),
        ];
        for (wide, plain) in makers {
            for rows in [0..1300, 45..47, 10_000_007..10_001_001, 7..7] {
                let (mut one, mut other, mut single) = (Vec::new(), Vec::new(), Vec::new());
                wide(rows.clone(), &mut one);
                plain(rows.clone(), &mut other);
                rows.for_each(|row| plain(row..row + 1, &mut single));
                assert_eq!(one, other);
                assert_eq!(one, single);
            }
        }
    }
}
