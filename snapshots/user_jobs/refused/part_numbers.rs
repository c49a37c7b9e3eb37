//! Part numbers found in free text with a regular expression.

use sabot::prelude::*;

#[sabot::record]
pub struct Ticket {
    text: String,
}

#[sabot::record]
pub struct Part {
    mentions: bool,
    part: Option<String>,
    series: Option<i32>,
    cleaned: String,
}

#[sabot::udf]
pub fn part(text: &str) -> Option<String> {
    let found = regex!(r"\b([A-Z]{2})-(\d{3,5})\b").find(text)?;
    Some(found.to_string())
}

#[sabot::udf]
pub fn series(text: &str) -> Option<i32> {
    let captures = regex!(r"\b([A-Z]{2})-(\d{3,5})\b").captures(text)?;
    captures.get(2)?.parse().ok()
}

#[sabot::udf]
pub fn mentions(text: &str) -> bool {
    regex!("(?i)broken|defect").is_match(text)
}

#[sabot::udf]
pub fn cleaned(text: &str) -> String {
    regex!(r"\s+").replace_all(text, " ")
}

#[sabot::pipeline]
pub fn part_numbers() {
    source::<Ticket>("rows", ndjson("rows.ndjson"))
        .map(|t| Part {
            mentions: mentions(&t.text),
            part: part(&t.text),
            series: series(&t.text),
            cleaned: cleaned(&t.text),
        })
        .sink("out", ndjson("out.ndjson"));
}
