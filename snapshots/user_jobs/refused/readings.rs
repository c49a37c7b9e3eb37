//! Statistics of the numbers in a text: median, spread, longest rise.

use sabot::prelude::*;

#[sabot::record]
pub struct Batch {
    readings: String,
}

#[sabot::record]
pub struct Stats {
    count: u64,
    median: Option<f64>,
    spread: Option<i64>,
    longest_rise: u64,
    all_positive: bool,
}

#[sabot::udf]
pub fn numbers(text: &str) -> Vec<i64> {
    text.split(',').filter_map(|n| n.trim().parse().ok()).collect()
}

#[sabot::udf]
pub fn median(text: &str) -> Option<f64> {
    let mut values = numbers(text);
    if values.is_empty() {
        return None;
    }
    values.sort();
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        Some(values[middle] as f64)
    } else {
        Some((values[middle - 1] as f64 + values[middle] as f64) / 2.0)
    }
}

#[sabot::udf]
pub fn spread(text: &str) -> Option<i64> {
    let values = numbers(text);
    let max = values.iter().max()?;
    let min = values.iter().min()?;
    Some(max - min)
}

#[sabot::udf]
pub fn longest_rise(values: &[i64]) -> u64 {
    let mut longest = 0;
    let mut current = 0;
    for i in 1..values.len() {
        if values[i] > values[i - 1] {
            current += 1;
            longest = longest.max(current);
        } else {
            current = 0;
        }
    }
    longest
}

#[sabot::pipeline]
pub fn readings() {
    source::<Batch>("rows", ndjson("rows.ndjson"))
        .map(|b| {
            let values = numbers(&b.readings);
            Stats {
                count: values.len() as u64,
                median: median(&b.readings),
                spread: spread(&b.readings),
                longest_rise: longest_rise(&values),
                all_positive: values.iter().all(|v| *v > 0),
            }
        })
        .sink("out", ndjson("out.ndjson"));
}
