//! Letters moved by thirteen, and a checksum of what comes out.

use sabot::prelude::*;

#[sabot::record]
pub struct Message {
    text: String,
}

#[sabot::record]
pub struct Hidden {
    text: String,
    checksum: u64,
    parity: u8,
}

#[sabot::udf]
pub fn rot13(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' => ((c as u8 - b'a' + 13) % 26 + b'a') as char,
            'A'..='Z' => ((c as u8 - b'A' + 13) % 26 + b'A') as char,
            other => other,
        })
        .collect()
}

#[sabot::udf]
pub fn fnv1a(text: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash ^= byte as u64;
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[sabot::udf]
pub fn parity(text: &str) -> u8 {
    text.as_bytes().iter().fold(0, |acc, b| acc ^ (b.count_ones() as u8 & 1))
}

#[sabot::pipeline]
pub fn hidden() {
    source::<Message>("rows", ndjson("rows.ndjson"))
        .map(|m| {
            let text = rot13(&m.text);
            Hidden { checksum: fnv1a(&text), parity: parity(&text), text }
        })
        .sink("out", ndjson("out.ndjson"));
}
