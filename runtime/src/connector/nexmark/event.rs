//! Rows as functions of their number: which event of 50 is what, who bids for what, what it costs.

use super::text;
use sabot_library::math;

/// Events in one round: a person, three auctions, the rest bids.
const ROUND: u64 = 50;
const PERSONS: u64 = 1;
const AUCTIONS: u64 = 3;
const BIDS: u64 = ROUND - PERSONS - AUCTIONS;

/// Ids start here.
pub(super) const FIRST_ID: u64 = 1000;
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;

/// Of so many bids one goes to an auction that is not hot; every 100th auction is hot.
pub(super) const HOT_AUCTION_RATIO: u64 = 2;
pub(super) const HOT_BIDDER_RATIO: u64 = 4;
const HOT_SELLER_RATIO: u64 = 4;
pub(super) const HOT_EVERY: u64 = 100;

/// Auctions that are open at once, and persons that act.
pub(super) const AUCTIONS_IN_FLIGHT: u64 = 100;
pub(super) const ACTIVE_PERSONS: u64 = 1000;

/// How far ids may run ahead of the rows that bring them.
pub(super) const AUCTION_ID_LEAD: u64 = 10;
pub(super) const PERSON_ID_LEAD: u64 = 10;

/// 2015-07-15T00:00:00Z, and 10,000 events a second.
const BASE_TIME: i64 = 1_436_918_400_000_000;
const MICROS_PER_EVENT: i64 = 100;

/// As many as the times of the last one still fit.
pub(super) const MOST_EVENTS: u64 = 1 << 52;

/// The three streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    Auction,
    Bid,
}

impl Kind {
    /// Its name as an option.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Person => "persons",
            Self::Auction => "auctions",
            Self::Bid => "bids",
        }
    }

    /// Rows in a round, and the first of them.
    pub(super) fn share(self) -> (u64, u64) {
        match self {
            Self::Person => (PERSONS, 0),
            Self::Auction => (AUCTIONS, PERSONS),
            Self::Bid => (BIDS, PERSONS + AUCTIONS),
        }
    }

    /// Number of the event that is this row of the stream.
    #[inline(always)]
    pub(super) fn event(self, row: u64) -> u64 {
        let (share, first) = self.share();
        row / share * ROUND + first + row % share
    }

    /// Rows of the stream among the first so many events.
    pub(super) fn rows_of(self, events: u64) -> u64 {
        let (share, first) = self.share();
        events / ROUND * share + (events % ROUND).saturating_sub(first).min(share)
    }

    /// Time of a row, in microseconds.
    pub(super) fn time(self, row: u64) -> i64 {
        time_of(self.event(row))
    }
}

pub(super) fn time_of(event: u64) -> i64 {
    BASE_TIME + event as i64 * MICROS_PER_EVENT
}

/// A random number of an event; `what` keeps its columns apart. The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
#[inline(always)]
pub(super) fn draw(event: u64, what: u64) -> u64 {
    let mut x = event.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(what.wrapping_mul(0xd1b5_4a32_d192_ed03));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A random number below `n`, of 32 bits: the upper word of their product, by products that vectors have.
#[inline(always)]
pub(super) fn below(event: u64, what: u64, n: u64) -> u64 {
    debug_assert!(n <= u64::from(u32::MAX), "halves are multiplied without overflow");
    let x = draw(event, what);
    ((x >> 32) * n + (((x & 0xffff_ffff) * n) >> 32)) >> 32
}

/// A price in cents: 10 to the power of 0 to 6, in whole units, times 100, as the benchmark has it.
fn price(event: u64, what: u64) -> i64 {
    cents(math::exp(exponent(event, what)))
}

#[inline(always)]
pub(super) fn exponent(event: u64, what: u64) -> f64 {
    let unit = (draw(event, what) >> 11) as i64 as f64 / (1_u64 << 53) as f64;
    unit * 6.0 * std::f64::consts::LN_10
}

/// Of units that are not less than one: half a cent is added, which rounds as `round` does there, and is one instruction.
#[inline(always)]
pub(super) fn cents(units: f64) -> i64 {
    (units * 100.0 + 0.5) as i64
}

/// The last person that is there when an event happens, from 0.
pub(super) fn last_person(event: u64) -> u64 {
    event / ROUND
}

/// The last auction that is there when an event happens, from 0.
pub(super) fn last_auction(event: u64) -> u64 {
    let (round, within) = (event / ROUND, event % ROUND);
    let begun = within.saturating_sub(PERSONS - 1).min(AUCTIONS);
    (round * AUCTIONS + begun).saturating_sub(1)
}

/// One of the persons that act when an event happens, or will soon.
fn some_person(event: u64, what: u64) -> u64 {
    let persons = last_person(event) + 1;
    let active = persons.min(ACTIVE_PERSONS);
    persons - active + below(event, what, active + PERSON_ID_LEAD)
}

/// The columns of persons.
pub(super) struct Person;

impl Person {
    pub(super) fn id(row: u64) -> i64 {
        (FIRST_ID + row) as i64
    }

    pub(super) fn name(row: u64, out: &mut Vec<u8>) {
        let event = Kind::Person.event(row);
        out.extend_from_slice(text::pick(&text::FIRST_NAMES, event, 1).as_bytes());
        out.push(b' ');
        out.extend_from_slice(text::pick(&text::LAST_NAMES, event, 2).as_bytes());
    }

    pub(super) fn email_address(row: u64, out: &mut Vec<u8>) {
        let event = Kind::Person.event(row);
        text::letters(event, 3, 7, out);
        out.push(b'@');
        text::letters(event, 4, 5, out);
        out.extend_from_slice(b".com");
    }

    pub(super) fn credit_card(row: u64, out: &mut Vec<u8>) {
        let event = Kind::Person.event(row);
        for group in 0..4 {
            if group > 0 {
                out.push(b' ');
            }
            text::number(below(event, 5 + group, 10_000), 4, out);
        }
    }

    pub(super) fn city(row: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(text::pick(&text::CITIES, Kind::Person.event(row), 9).as_bytes());
    }

    pub(super) fn state(row: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(text::pick(&text::STATES, Kind::Person.event(row), 10).as_bytes());
    }
}

/// The columns of auctions.
pub(super) struct Auction;

impl Auction {
    pub(super) fn id(row: u64) -> i64 {
        (FIRST_ID + row) as i64
    }

    pub(super) fn item_name(row: u64, out: &mut Vec<u8>) {
        let event = Kind::Auction.event(row);
        text::words(event, 11, 20, out);
    }

    pub(super) fn description(row: u64, out: &mut Vec<u8>) {
        let event = Kind::Auction.event(row);
        text::words(event, 12, 100, out);
    }

    pub(super) fn initial_bid(row: u64) -> i64 {
        price(Kind::Auction.event(row), 13)
    }

    pub(super) fn reserve(row: u64) -> i64 {
        Self::initial_bid(row) + price(Kind::Auction.event(row), 14)
    }

    /// It ends, on average, when so many other auctions have begun as may be open at once.
    pub(super) fn expires(row: u64) -> i64 {
        let event = Kind::Auction.event(row);
        let horizon_ms = (AUCTIONS_IN_FLIGHT * ROUND / AUCTIONS) * MICROS_PER_EVENT as u64 / 1000;
        time_of(event) + (1 + below(event, 15, (horizon_ms * 2).max(1))) as i64 * 1000
    }

    pub(super) fn seller(row: u64) -> i64 {
        let event = Kind::Auction.event(row);
        let person = if below(event, 16, HOT_SELLER_RATIO) > 0 {
            last_person(event) / HOT_EVERY * HOT_EVERY
        } else {
            some_person(event, 17)
        };
        (FIRST_ID + person) as i64
    }

    pub(super) fn category(row: u64) -> i64 {
        (FIRST_CATEGORY + below(Kind::Auction.event(row), 18, CATEGORIES)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_are_the_upper_word_of_a_product() {
        for n in [1, 2, 3, 7, 111, 10_000, u64::from(u32::MAX)] {
            for event in (0..500).chain([u64::MAX, 1 << 51]) {
                let expected = (u128::from(draw(event, 20)) * u128::from(n)) >> 64;
                assert_eq!(u128::from(below(event, 20, n)), expected);
            }
        }
    }
}
