//! The events, as the queries need them.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::str::Split;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Person {
    pub id: i64,
    pub name: String,
    pub city: String,
    pub state: String,
    pub time: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Auction {
    pub id: i64,
    pub seller: i64,
    pub category: i64,
    pub reserve: i64,
    pub expires: i64,
    pub time: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bid {
    pub auction: i64,
    pub bidder: i64,
    pub price: i64,
    pub time: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    Person(Person),
    Auction(Auction),
    Bid(Bid),
}

impl Event {
    /// Microseconds since 1970.
    pub fn time(&self) -> i64 {
        match self {
            Event::Person(person) => person.time,
            Event::Auction(auction) => auction.time,
            Event::Bid(bid) => bid.time,
        }
    }

    pub fn person(self) -> Option<Person> {
        if let Event::Person(person) = self { Some(person) } else { None }
    }

    pub fn auction(self) -> Option<Auction> {
        if let Event::Auction(auction) = self { Some(auction) } else { None }
    }

    pub fn bid(self) -> Option<Bid> {
        if let Event::Bid(bid) = self { Some(bid) } else { None }
    }
}

/// All events of a file.
pub fn read(path: &str) -> Result<Vec<Event>, Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    text.lines()
        .enumerate()
        .map(|(line, text)| event(text).map_err(|error| format!("{path}, line {}: {error}", line + 1).into()))
        .collect()
}

fn event(line: &str) -> Result<Event, Box<dyn Error>> {
    let mut fields = line.split('\t');
    match fields.next() {
        Some("P") => Ok(Event::Person(Person {
            id: number(&mut fields)?,
            name: text(&mut fields)?,
            city: text(&mut fields)?,
            state: text(&mut fields)?,
            time: number(&mut fields)?,
        })),
        Some("A") => Ok(Event::Auction(Auction {
            id: number(&mut fields)?,
            seller: number(&mut fields)?,
            category: number(&mut fields)?,
            reserve: number(&mut fields)?,
            expires: number(&mut fields)?,
            time: number(&mut fields)?,
        })),
        Some("B") => Ok(Event::Bid(Bid {
            auction: number(&mut fields)?,
            bidder: number(&mut fields)?,
            price: number(&mut fields)?,
            time: number(&mut fields)?,
        })),
        other => Err(format!("an event begins with P, A or B, not with {other:?}").into()),
    }
}

fn text(fields: &mut Split<'_, char>) -> Result<String, Box<dyn Error>> {
    Ok(fields.next().ok_or("a field is missing")?.to_owned())
}

fn number(fields: &mut Split<'_, char>) -> Result<i64, Box<dyn Error>> {
    Ok(fields.next().ok_or("a field is missing")?.parse()?)
}
