//! Whether an address can be one, and what kind.

use sabot::prelude::*;

#[sabot::record]
pub struct Signup {
    email: String,
}

#[sabot::record]
pub struct Verdict {
    valid: bool,
    domain: Option<String>,
    free: bool,
}

const FREE: [&str; 3] = ["gmail.com", "gmx.de", "yahoo.com"];

#[sabot::udf]
pub fn is_valid(email: &str) -> bool {
    let Some((user, domain)) = email.trim().rsplit_once('@') else {
        return false;
    };
    let user_ok = !user.is_empty()
        && user.len() <= 64
        && user.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'));
    let domain_ok = domain.contains('.')
        && !domain.contains("..")
        && domain.split('.').all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'));
    user_ok && domain_ok
}

#[sabot::udf]
pub fn domain(email: &str) -> Option<String> {
    if !is_valid(email) {
        return None;
    }
    email.trim().rsplit('@').next().map(str::to_lowercase)
}

#[sabot::udf]
pub fn is_free(domain: &Option<String>) -> bool {
    match domain {
        Some(domain) => FREE.contains(&domain.as_str()),
        None => false,
    }
}

#[sabot::pipeline]
pub fn emails() {
    source::<Signup>("rows", ndjson("rows.ndjson"))
        .map(|s| {
            let domain = domain(&s.email);
            Verdict { valid: is_valid(&s.email), free: is_free(&domain), domain }
        })
        .sink("out", ndjson("out.ndjson"));
}
