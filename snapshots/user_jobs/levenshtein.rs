//! How far what was typed is from what was meant.

use sabot::prelude::*;

#[sabot::record]
pub struct Typed {
    typed: String,
    meant: String,
}

#[sabot::record]
pub struct Distance {
    distance: i64,
    similarity: f64,
}

#[sabot::udf]
pub fn levenshtein(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut current = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = if a[i - 1] == b[j - 1] { 0 } else { 1 };
            current[j] = (previous[j] + 1).min(current[j - 1] + 1).min(previous[j - 1] + cost);
        }
        previous = current;
    }
    previous[b.len()]
}

#[sabot::udf]
pub fn similarity(a: &str, b: &str) -> f64 {
    let longest = a.chars().count().max(b.chars().count());
    if longest == 0 {
        return 1.0;
    }
    1.0 - levenshtein(a, b) as f64 / longest as f64
}

#[sabot::pipeline]
pub fn typos() {
    source::<Typed>("rows", ndjson("rows.ndjson"))
        .map(|t| Distance {
            distance: levenshtein(&t.typed, &t.meant) as i64,
            similarity: similarity(&t.typed, &t.meant),
        })
        .sink("out", ndjson("out.ndjson"));
}
