//! Titles as parts of URLs.

use sabot::prelude::*;

#[sabot::record]
pub struct Article {
    title: String,
}

#[sabot::record]
pub struct Slug {
    slug: String,
    words: u32,
}

#[sabot::udf]
pub fn slugify(title: &str, max_len: usize) -> String {
    let mut slug = String::with_capacity(title.len());
    let mut last_was_dash = true;
    for c in title.to_lowercase().chars() {
        if c.is_alphanumeric() {
            slug.push(c);
            last_was_dash = false;
        } else if !last_was_dash {
            slug.push('-');
            last_was_dash = true;
        }
        if slug.len() >= max_len {
            break;
        }
    }
    slug.trim_end_matches('-').to_string()
}

#[sabot::pipeline]
pub fn slugs() {
    source::<Article>("rows", ndjson("rows.ndjson"))
        .map(|a| {
            let slug = slugify(&a.title, 24);
            let words = slug.split('-').filter(|w| !w.is_empty()).count() as u32;
            Slug { slug, words }
        })
        .sink("out", ndjson("out.ndjson"));
}
