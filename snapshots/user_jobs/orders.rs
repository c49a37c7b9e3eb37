//! Methods on a record, with another record inside.

use sabot::prelude::*;

#[sabot::record]
pub struct Address {
    country: String,
    zip: String,
}

#[sabot::record]
pub struct Order {
    id: i64,
    net: f64,
    country: String,
    zip: String,
    express: bool,
}

#[sabot::record]
pub struct Shipped {
    id: i64,
    gross: f64,
    shipping: f64,
    to: String,
    large: bool,
}

impl Address {
    pub fn is_domestic(&self) -> bool {
        self.country == "DE"
    }

    pub fn vat(&self) -> f64 {
        match self.country.as_str() {
            "DE" => 0.19,
            "FR" | "BE" => 0.20,
            "SE" => 0.25,
            _ => 0.0,
        }
    }
}

impl Order {
    pub const LARGE: f64 = 1000.0;

    pub fn new(id: i64, net: f64, country: &str, zip: &str, express: bool) -> Self {
        Self { id, net, country: country.to_string(), zip: zip.to_string(), express }
    }

    pub fn address(&self) -> Address {
        Address { country: self.country.to_uppercase(), zip: self.zip.trim().to_string() }
    }

    pub fn to(&self) -> String {
        let address = self.address();
        format!("{}-{}", address.country, address.zip)
    }

    pub fn gross(&self) -> f64 {
        self.net * (1.0 + self.address().vat())
    }

    pub fn shipping(&self) -> f64 {
        let base = if self.address().is_domestic() { 4.9 } else { 14.5 };
        let base = if self.express { base * 2.0 } else { base };
        if self.gross() > Self::LARGE { 0.0 } else { base }
    }
}

#[sabot::pipeline]
pub fn orders() {
    source::<Order>("rows", ndjson("rows.ndjson"))
        .map(|o| Shipped {
            id: o.id,
            gross: o.gross(),
            shipping: o.shipping(),
            to: o.to(),
            large: o.gross() > Order::LARGE,
        })
        .sink("out", ndjson("out.ndjson"));
}
