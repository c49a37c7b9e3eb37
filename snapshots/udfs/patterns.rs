//! Regular expressions, chains over the parts of strings, and `sabot::math`.

#[sabot::udf]
fn looks_like_a_date(s: &str) -> bool {
    regex!(r"^\d{4}-\d{2}-\d{2}$").is_match(s)
}

#[sabot::udf]
fn year_of(s: &str) -> Option<i64> {
    let year = regex!(r"(\d{4})-(\d{2})").capture(s, 1)?;
    year.parse::<i64>().ok()
}

#[sabot::udf]
fn masked(s: &str) -> String {
    regex!("[0-9]+").replace_all(s, "<$0>").to_string()
}

#[sabot::udf]
fn first_word(s: &str) -> String {
    regex!(r"[a-z]+").find(s).unwrap_or("none").to_string()
}

#[sabot::udf]
fn words(s: &str) -> i64 {
    regex!(r"\w+").count(s) as i64
}

#[sabot::udf]
fn longest_field(s: &str) -> i64 {
    s.split(',').map(|field| field.len() as i64).max().unwrap_or(0)
}

#[sabot::udf]
fn second_field(s: &str) -> Option<String> {
    s.split(',').nth(1).map(|field| field.to_uppercase())
}

#[sabot::udf]
fn backwards(s: &str) -> String {
    s.chars().rev().collect::<String>()
}

#[sabot::udf]
fn vowels(s: &str) -> i64 {
    s.chars().filter(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')).count() as i64
}

#[sabot::udf]
fn has_digit(s: &str) -> bool {
    s.chars().any(|c| c.is_ascii_digit())
}

#[sabot::udf]
fn digit_sum(s: &str) -> u32 {
    s.chars().filter_map(|c| c.to_digit(10)).sum()
}

#[sabot::udf]
fn hashed(s: &str) -> u64 {
    s.bytes().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
    })
}

#[sabot::udf]
fn grown(x: f64, y: f64) -> f64 {
    math::exp(x / 100.0) + math::ln(y.abs() + 1.0) * math::sin(x)
}
