//! Names as people want to see them, and columns of text.

use sabot::prelude::*;

#[sabot::record]
pub struct Person {
    first: String,
    last: String,
    age: u8,
    score: f64,
}

#[sabot::record]
pub struct Shown {
    name: String,
    initials: String,
    row: String,
    sort_key: String,
}

#[sabot::udf]
pub fn title_case(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase(),
        None => String::new(),
    }
}

#[sabot::udf]
pub fn initials(first: &str, last: &str) -> String {
    let mut text = String::new();
    for part in [first, last] {
        if let Some(c) = part.trim().chars().next() {
            text.push(c.to_ascii_uppercase());
            text.push('.');
        }
    }
    text
}

#[sabot::udf]
pub fn sort_key(first: &str, last: &str) -> String {
    let key = [last, first].map(|part| part.trim().to_lowercase()).join(",");
    key.replace("ß", "ss")
}

#[sabot::pipeline]
pub fn people() {
    source::<Person>("rows", ndjson("rows.ndjson"))
        .map(|p| {
            let name = format!("{} {}", title_case(&p.first), title_case(&p.last));
            Shown {
                initials: initials(&p.first, &p.last),
                row: format!("{:<12}|{:>4}|{:08.3}|{:+}|{:04x}", name, p.age, p.score, p.age as i32 - 40, p.age),
                sort_key: sort_key(&p.first, &p.last),
                name,
            }
        })
        .sink("out", ndjson("out.ndjson"));
}
