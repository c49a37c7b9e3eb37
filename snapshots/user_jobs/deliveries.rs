//! Distances on the globe and what they cost.

use sabot::prelude::*;
use std::f64::consts::PI;

const EARTH_KM: f64 = 6371.0088;

#[sabot::record]
pub struct Trip {
    lat1: f64,
    lon1: f64,
    lat2: f64,
    lon2: f64,
}

#[sabot::record]
pub struct Quote {
    km: f64,
    bearing: f64,
    zone: u8,
    eta_minutes: i32,
}

#[sabot::udf]
pub fn haversine_km(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    let d_lat = (lat2 - lat1).to_radians();
    let d_lon = (lon2 - lon1).to_radians();
    let a = (d_lat / 2.0).sin().powi(2)
        + lat1.to_radians().cos() * lat2.to_radians().cos() * (d_lon / 2.0).sin().powi(2);
    2.0 * EARTH_KM * a.sqrt().asin()
}

#[sabot::udf]
pub fn bearing(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    let (lat1, lat2) = (lat1 * PI / 180.0, lat2 * PI / 180.0);
    let d_lon = (lon2 - lon1) * PI / 180.0;
    let y = d_lon.sin() * lat2.cos();
    let x = lat1.cos() * lat2.sin() - lat1.sin() * lat2.cos() * d_lon.cos();
    (y.atan2(x) * 180.0 / PI).rem_euclid(360.0)
}

#[sabot::udf]
pub fn zone(km: f64) -> u8 {
    if km.is_nan() {
        u8::MAX
    } else if km < 5.0 {
        1
    } else if km < 50.0 {
        2
    } else {
        3 + (km / 500.0) as u8
    }
}

#[sabot::pipeline]
pub fn deliveries() {
    source::<Trip>("rows", ndjson("rows.ndjson"))
        .map(|t| {
            let km = haversine_km(t.lat1, t.lon1, t.lat2, t.lon2);
            Quote {
                km: (km * 1000.0).round() / 1000.0,
                bearing: bearing(t.lat1, t.lon1, t.lat2, t.lon2).floor(),
                zone: zone(km),
                eta_minutes: (km / 35.0 * 60.0).ceil() as i32,
            }
        })
        .sink("out", ndjson("out.ndjson"));
}
