//! Whether a card number passes the Luhn check, and who issued it.

use sabot::prelude::*;

#[sabot::record]
pub struct Card {
    number: String,
}

#[sabot::record]
pub struct Checked {
    number: String,
    valid: bool,
    network: String,
    masked: String,
}

#[sabot::udf]
pub fn luhn(number: &str) -> bool {
    let mut sum = 0;
    let mut count = 0;
    for c in number.chars().rev() {
        if c == ' ' || c == '-' {
            continue;
        }
        let Some(digit) = c.to_digit(10) else {
            return false;
        };
        let value = if count % 2 == 1 { digit * 2 } else { digit };
        sum += if value > 9 { value - 9 } else { value };
        count += 1;
    }
    count >= 12 && sum % 10 == 0
}

#[sabot::udf]
pub fn network(number: &str) -> String {
    let digits: String = number.chars().filter(|c| c.is_ascii_digit()).collect();
    let prefix: u32 = digits.chars().take(4).collect::<String>().parse().unwrap_or(0);
    match prefix {
        4000..=4999 => "visa".to_string(),
        5100..=5599 | 2221..=2720 => "mastercard".to_string(),
        3400..=3499 | 3700..=3799 => "amex".to_string(),
        _ => String::from("unknown"),
    }
}

#[sabot::udf]
pub fn mask(number: &str) -> String {
    let total = number.chars().count();
    let mut masked = String::new();
    for (i, c) in number.chars().enumerate() {
        if c.is_ascii_digit() && i + 4 < total {
            masked.push('*');
        } else {
            masked.push(c);
        }
    }
    masked
}

#[sabot::pipeline]
pub fn luhn_check() {
    source::<Card>("rows", ndjson("rows.ndjson"))
        .map(|c| Checked {
            valid: luhn(&c.number),
            network: network(&c.number),
            masked: mask(&c.number),
            number: c.number,
        })
        .sink("out", ndjson("out.ndjson"));
}
