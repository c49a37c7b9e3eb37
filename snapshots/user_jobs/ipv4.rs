//! IPv4 addresses as numbers, and whether they are private.

use sabot::prelude::*;

#[sabot::record]
pub struct Host {
    ip: String,
}

#[sabot::record]
pub struct Numbered {
    ip: String,
    number: Option<u32>,
    private: bool,
}

#[sabot::udf]
pub fn octets(ip: &str) -> Option<Vec<u8>> {
    let octets = ip.split('.').map(|part| part.parse::<u8>().ok()).collect::<Option<Vec<u8>>>()?;
    if octets.len() == 4 { Some(octets) } else { None }
}

#[sabot::udf]
pub fn to_number(ip: &str) -> Option<u32> {
    let octets = octets(ip)?;
    Some(octets.iter().fold(0u32, |number, octet| (number << 8) | u32::from(*octet)))
}

#[sabot::udf]
pub fn is_private(ip: &str) -> bool {
    let Some(number) = to_number(ip) else { return false };
    let first = (number >> 24) as u8;
    let second = ((number >> 16) & 0xff) as u8;
    matches!((first, second), (10, _) | (192, 168) | (172, 16..=31))
}

#[sabot::pipeline]
pub fn ipv4() {
    source::<Host>("rows", ndjson("rows.ndjson"))
        .map(|h| Numbered { number: to_number(&h.ip), private: is_private(&h.ip), ip: h.ip })
        .sink("out", ndjson("out.ndjson"));
}
