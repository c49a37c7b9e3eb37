//! Runs of equal characters, counted, and expanded again.

use sabot::prelude::*;

#[sabot::record]
pub struct Raw {
    data: String,
}

#[sabot::record]
pub struct Packed {
    packed: String,
    ratio: f64,
    same: bool,
}

#[sabot::udf]
pub fn pack(data: &str) -> String {
    let chars: Vec<char> = data.chars().collect();
    let mut packed = String::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let mut run = 1;
        while i + run < chars.len() && chars[i + run] == c && run < 9 {
            run += 1;
        }
        if run > 1 {
            packed += &run.to_string();
        }
        packed.push(c);
        i += run;
    }
    packed
}

#[sabot::udf]
pub fn unpack(packed: &str) -> String {
    let mut out = String::new();
    let mut count: Option<u32> = None;
    for c in packed.chars() {
        if let Some(digit) = c.to_digit(10) {
            count = Some(digit);
        } else {
            for _ in 0..count.unwrap_or(1) {
                out.push(c);
            }
            count = None;
        }
    }
    out
}

#[sabot::pipeline]
pub fn run_length() {
    source::<Raw>("rows", ndjson("rows.ndjson"))
        .map(|r| {
            let packed = pack(&r.data);
            let ratio = packed.len() as f64 / r.data.len().max(1) as f64;
            let same = unpack(&packed) == r.data;
            Packed { packed, ratio, same }
        })
        .sink("out", ndjson("out.ndjson"));
}
