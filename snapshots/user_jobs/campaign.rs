//! The campaign that brought a visitor, from the URL's parameters.

use sabot::prelude::*;

#[sabot::record]
pub struct Visit {
    url: String,
}

#[sabot::record]
pub struct Campaign {
    host: String,
    source: String,
    medium: Option<String>,
    parameters: i64,
}

#[sabot::udf]
pub fn host(url: &str) -> String {
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest,
        None => url,
    };
    let end = rest.find(|c: char| c == '/' || c == '?' || c == '#').unwrap_or(rest.len());
    rest[..end].trim_start_matches("www.").to_lowercase()
}

#[sabot::udf]
pub fn query(url: &str) -> &str {
    let Some((_, query)) = url.split_once('?') else {
        return "";
    };
    query.split('#').next().unwrap_or("")
}

#[sabot::udf]
pub fn parameter(url: &str, name: &str) -> Option<String> {
    for pair in query(url).split('&') {
        if let Some((key, value)) = pair.split_once('=') {
            if key == name && !value.is_empty() {
                return Some(value.replace('+', " "));
            }
        }
    }
    None
}

#[sabot::pipeline]
pub fn campaigns() {
    source::<Visit>("rows", ndjson("rows.ndjson"))
        .map(|v| Campaign {
            host: host(&v.url),
            source: parameter(&v.url, "utm_source").unwrap_or_else(|| "direct".to_string()),
            medium: parameter(&v.url, "utm_medium").map(|m| m.to_uppercase()),
            parameters: query(&v.url).split('&').filter(|p| p.contains('=')).count() as i64,
        })
        .sink("out", ndjson("out.ndjson"));
}
