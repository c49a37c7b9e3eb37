//! How many hashtags a post has, and the longest of them.

use sabot::prelude::*;

#[sabot::record]
pub struct Post {
    id: i64,
    text: String,
}

#[sabot::record]
pub struct Tagged {
    id: i64,
    tags: i64,
    longest: Option<String>,
    shouting: bool,
}

#[sabot::udf]
pub fn count_tags(text: &str) -> i64 {
    text.split_whitespace().filter(|word| word.starts_with('#') && word.len() > 1).count() as i64
}

#[sabot::udf]
pub fn longest_tag(text: &str) -> Option<String> {
    let mut best: Option<String> = None;
    for word in text.split_whitespace() {
        if let Some(tag) = word.strip_prefix('#') {
            let longer = match &best {
                Some(known) => tag.len() > known.len(),
                None => !tag.is_empty(),
            };
            if longer {
                best = Some(tag.to_lowercase());
            }
        }
    }
    best
}

#[sabot::udf]
pub fn is_shouting(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    letters > 3 && capitals * 2 > letters
}

#[sabot::pipeline]
pub fn hashtags() {
    source::<Post>("rows", ndjson("rows.ndjson"))
        .map(|p| Tagged {
            id: p.id,
            tags: count_tags(&p.text),
            longest: longest_tag(&p.text),
            shouting: is_shouting(&p.text),
        })
        .sink("out", ndjson("out.ndjson"));
}
