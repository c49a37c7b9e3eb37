//! Numbers as Roman numerals, and back.

use sabot::prelude::*;

const NUMERALS: [(u32, &str); 13] = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
];

#[sabot::record]
pub struct Year {
    year: u32,
}

#[sabot::record]
pub struct Roman {
    roman: String,
    back: u32,
}

#[sabot::udf]
pub fn to_roman(year: u32) -> String {
    let mut left = year;
    let mut roman = String::new();
    for (value, numeral) in NUMERALS.iter() {
        while left >= *value {
            roman.push_str(numeral);
            left -= value;
        }
    }
    roman
}

#[sabot::udf]
pub fn value_of(c: char) -> u32 {
    match c {
        'I' => 1,
        'V' => 5,
        'X' => 10,
        'L' => 50,
        'C' => 100,
        'D' => 500,
        'M' => 1000,
        _ => 0,
    }
}

#[sabot::udf]
pub fn from_roman(roman: &str) -> u32 {
    let mut total = 0;
    let mut last = 0;
    for c in roman.chars().rev() {
        let value = value_of(c);
        if value < last {
            total -= value;
        } else {
            total += value;
            last = value;
        }
    }
    total
}

#[sabot::pipeline]
pub fn roman() {
    source::<Year>("rows", ndjson("rows.ndjson"))
        .map(|y| {
            let roman = to_roman(y.year);
            let back = from_roman(&roman);
            Roman { roman, back }
        })
        .sink("out", ndjson("out.ndjson"));
}
