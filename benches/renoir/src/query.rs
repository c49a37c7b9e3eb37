//! The queries as a user of Renoir would write them, with our definitions of them (`examples/nexmark/sql`).

use crate::event::{Auction, Bid, Event};
use renoir::Stream;
use renoir::operator::window::TransactionOp;
use renoir::operator::{Data, Operator};
use renoir::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SECOND: i64 = 1_000_000;
/// Events between two watermarks; as many as Renoir's own benchmark has would make every window wait for the end.
const WATERMARK_EVERY: usize = 4096;

/// Counts what comes out of a query, and drops it.
fn count<T: Data>(stream: Stream<impl Operator<Out = T> + 'static>, rows: &Arc<AtomicU64>) {
    let rows = Arc::clone(rows);
    stream.for_each(move |_| {
        rows.fetch_add(1, Ordering::Relaxed);
    });
}

/// Event time in order, with a watermark every so many events.
fn in_time(events: Stream<impl Operator<Out = Event> + 'static>) -> Stream<impl Operator<Out = Event>> {
    let mut seen = 0_usize;
    events.add_timestamps(Event::time, move |_, time| {
        seen += 1;
        seen.is_multiple_of(WATERMARK_EVERY).then_some(*time)
    })
}

/// Local item suggestion: a join without windows.
pub fn q03(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let mut routes = events
        .route()
        .add_route(|event| matches!(event, Event::Person(_)))
        .add_route(|event| matches!(event, Event::Auction(_)))
        .build()
        .into_iter();
    let (Some(persons), Some(auctions)) = (routes.next(), routes.next()) else { return };
    let persons =
        persons.filter_map(Event::person).filter(|person| ["OR", "ID", "CA"].contains(&person.state.as_str()));
    let auctions = auctions.filter_map(Event::auction).filter(|auction| auction.category == 10);
    let joined = auctions.join(persons, |auction| auction.seller, |person| person.id).drop_key();
    count(joined.map(|(auction, person)| (person.name, person.city, person.state, auction.id)), rows);
}

/// An auction and the best of its bids; bids that came before it wait for it.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Offers {
    auction: Option<Auction>,
    early: Vec<Bid>,
    best: Option<i64>,
}

impl Offers {
    fn take(&mut self, event: Event) {
        match event {
            Event::Auction(auction) => {
                self.auction = Some(auction);
                for bid in std::mem::take(&mut self.early) {
                    self.offer(bid);
                }
            }
            Event::Bid(bid) => self.offer(bid),
            Event::Person(_) => {}
        }
    }

    fn offer(&mut self, bid: Bid) {
        match &self.auction {
            None => self.early.push(bid),
            Some(auction) if bid.time >= auction.time && bid.time <= auction.expires => {
                self.best = self.best.max(Some(bid.price));
            }
            Some(_) => {}
        }
    }
}

/// Average of the highest bids of a category's auctions.
pub fn q04(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let highest = events
        .filter(|event| !matches!(event, Event::Person(_)))
        .group_by(|event| match event {
            Event::Auction(auction) => auction.id,
            Event::Bid(bid) => bid.auction,
            Event::Person(_) => -1,
        })
        .fold(Offers::default(), Offers::take)
        .drop_key()
        .filter_map(|offers| Some((offers.auction?.category, offers.best?)));
    count(highest.group_by_avg(|(category, _)| *category, |(_, price)| *price as f64).unkey(), rows);
}

/// Hot items: the auctions with most bids of ten seconds, every two seconds.
pub fn q05(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let window = EventTimeWindow::sliding(10 * SECOND, 2 * SECOND);
    let counts = in_time(events)
        .filter_map(Event::bid)
        .map(|bid| bid.auction)
        .group_by(|auction| *auction)
        .map(|_| ())
        .window(window.clone())
        .count()
        .unkey();
    count(counts.window_all(window).max_by_key(|(_, bids)| *bids).drop_key(), rows);
}

/// The same as the examples of Renoir have it: an auction is a window, which the watermark closes when it is over.
pub fn q04_by_time(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let highest = in_time(events.filter(|event| !matches!(event, Event::Person(_))))
        .group_by(|event| match event {
            Event::Auction(auction) => auction.id,
            Event::Bid(bid) => bid.auction,
            Event::Person(_) => -1,
        })
        .window(TransactionWindow::new(|event: &Event| match event {
            Event::Auction(auction) => TransactionOp::CommitAfter(auction.expires),
            Event::Bid(_) | Event::Person(_) => TransactionOp::Continue,
        }))
        .fold(Offers::default(), |offers, event| offers.take(event.clone()))
        .drop_key()
        .filter_map(|offers| Some((offers.auction?.category, offers.best?)));
    count(highest.group_by_avg(|(category, _)| *category, |(_, price)| *price as f64).unkey(), rows);
}

/// The bids with the highest price of their ten seconds.
pub fn q07(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let window = EventTimeWindow::tumbling(10 * SECOND);
    let mut bids = in_time(events).filter_map(Event::bid).split(2).into_iter();
    let (Some(bids), Some(prices)) = (bids.next(), bids.next()) else { return };
    let highest = prices
        .map(|bid| bid.price)
        .key_by(|_| ())
        .window(window.clone())
        .max()
        .drop_key()
        .window_all(window.clone())
        .max()
        .drop_key();
    let joined = bids.group_by(|bid| bid.price).window_join(window, highest.group_by(|price| *price));
    count(joined.drop_key().map(|(bid, _)| (bid.auction, bid.price, bid.bidder, bid.time)), rows);
}

/// One of them, as the examples of Renoir have it: no join.
pub fn q07_one(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let window = EventTimeWindow::tumbling(10 * SECOND);
    let highest = in_time(events)
        .filter_map(Event::bid)
        .key_by(|_| ())
        .window(window.clone())
        .max_by_key(|bid| bid.price)
        .drop_key()
        .window_all(window)
        .max_by_key(|bid| bid.price)
        .drop_key();
    count(highest, rows);
}

/// New users who open an auction in the same ten seconds.
pub fn q08(events: Stream<impl Operator<Out = Event> + 'static>, rows: &Arc<AtomicU64>) {
    let mut routes = in_time(events)
        .route()
        .add_route(|event| matches!(event, Event::Person(_)))
        .add_route(|event| matches!(event, Event::Auction(_)))
        .build()
        .into_iter();
    let (Some(persons), Some(auctions)) = (routes.next(), routes.next()) else { return };
    let persons = persons.filter_map(Event::person).map(|person| (person.id, person.name));
    let sellers = auctions.filter_map(Event::auction).map(|auction| auction.seller);
    let window = EventTimeWindow::tumbling(10 * SECOND);
    let joined = persons.group_by(|(id, _)| *id).window_join(window, sellers.group_by(|seller| *seller));
    count(joined.drop_key(), rows);
}
