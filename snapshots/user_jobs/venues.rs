//! Records in records: read from objects in objects, changed in part, left out where there is none, written as they are.

use sabot::prelude::*;

#[sabot::record]
pub struct Place {
    pub lat: f64,
    pub lon: f64,
}

#[sabot::record]
#[sabot(rename_all = "camelCase")]
pub struct Venue {
    pub short_name: String,
    pub country: Option<String>,
    pub place: Place,
}

#[sabot::record]
pub struct Trade {
    id: i64,
    venue: Venue,
    best: Option<Venue>,
    price: f64,
}

#[sabot::record]
pub struct Routed {
    pub id: i64,
    pub to: Venue,
    pub left: Option<Venue>,
    pub moved: f64,
    pub label: String,
}

impl Place {
    pub fn new(lat: f64, lon: f64) -> Self {
        Self { lat, lon }
    }

    pub fn distance(&self, other: &Place) -> f64 {
        let (y, x) = (self.lat - other.lat, self.lon - other.lon);
        (x * x + y * y).sqrt()
    }
}

impl Venue {
    pub fn new(short_name: &str, country: Option<&str>, lat: f64, lon: f64) -> Self {
        Self { short_name: short_name.to_string(), country: country.map(|c| c.to_string()), place: Place::new(lat, lon) }
    }

    pub fn label(&self) -> String {
        match &self.country {
            Some(country) => format!("{} ({country})", self.short_name),
            None => self.short_name.clone(),
        }
    }
}

impl Trade {
    pub fn new(id: i64, venue: Venue, best: Option<Venue>, price: f64) -> Self {
        Self { id, venue, best, price }
    }
}

#[sabot::udf]
pub fn better(trade: &Trade) -> Option<Venue> {
    let best = trade.best.clone()?;
    let is_near = best.place.distance(&trade.venue.place) < 10.0 * trade.price;
    if is_near { Some(best) } else { None }
}

#[sabot::udf]
pub fn route(trade: Trade) -> Routed {
    let better = better(&trade);
    let to = match &better {
        Some(venue) => Venue { short_name: venue.short_name.to_uppercase(), ..venue.clone() },
        None => trade.venue.clone(),
    };
    let mut venue = trade.venue.clone();
    venue.place.lat += 0.5;
    let left = better.is_some().then(|| Venue { country: Some("-".to_string()), ..venue });
    Routed { id: trade.id, moved: to.place.distance(&trade.venue.place), label: to.label(), to, left }
}

#[sabot::pipeline]
pub fn venues() {
    source::<Trade>("rows", ndjson("rows.ndjson")).map(|t| route(t)).sink("out", ndjson("out.ndjson"));
}
