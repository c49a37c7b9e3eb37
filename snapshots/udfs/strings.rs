//! Strings, characters and bytes: methods, slices, `parse`, `format!`.

#[sabot::udf]
fn greeting(s: &str, t: &str) -> String {
    let name = s.trim();
    if name.is_empty() { format!("hello, {t}!") } else { "hello, ".to_string() + name }
}

#[sabot::udf]
fn classified(s: &str) -> &'static str {
    if s.is_empty() {
        "empty"
    } else if s.starts_with("https://") {
        "url"
    } else if s.contains('=') {
        "pair"
    } else {
        "text"
    }
}

#[sabot::udf]
fn value_of_pair(s: &str) -> String {
    match s.split_once('=') {
        Some((key, value)) => format!("{value}<-{key}"),
        None => String::new(),
    }
}

#[sabot::udf]
fn length(s: &str, t: &str) -> u64 {
    (s.len() * 100 + t.len()) as u64
}

#[sabot::udf]
fn cased(s: &str) -> String {
    format!("{}/{}/{}", s.to_uppercase(), s.to_lowercase(), s.to_ascii_uppercase())
}

#[sabot::udf]
fn replaced(s: &str, t: &str) -> String {
    s.replace("a", "<&>").replace(t, "_")
}

#[sabot::udf]
fn sliced(s: &str, a: i64) -> String {
    s[..(a as usize % 4)].to_string()
}

#[sabot::udf]
fn safely_sliced(s: &str, a: i64) -> Option<String> {
    s.get(1..a as usize).map(|part| part.to_string())
}

#[sabot::udf]
fn parsed_integer(s: &str) -> Option<i64> {
    s.parse::<i64>().ok()
}

#[sabot::udf]
fn parsed_float(s: &str) -> f64 {
    s.trim().parse().unwrap_or(-1.0)
}

#[sabot::udf]
fn formatted(a: i64, x: f64, s: &str) -> String {
    format!("{a:>8}|{x:.3}|{s:<12}|{a:08}|{{}}")
}

#[sabot::udf]
fn printed(x: f64, a: i64, flag: bool) -> String {
    format!("{} {} {}", x, a, flag)
}

#[sabot::udf]
fn single_printed(f: f32) -> String {
    f.to_string()
}

#[sabot::udf]
fn hexed(a: i64, u: u32) -> String {
    format!("{a:x}-{u:#06x}-{u:b}")
}

#[sabot::udf]
fn ordered(s: String, t: String) -> String {
    if s < t { s } else { t }
}

#[sabot::udf]
fn repeated(s: &str, u: u32) -> String {
    s.repeat((u % 3) as usize)
}

#[sabot::udf]
fn stripped(s: &str) -> String {
    s.trim_matches('a').trim_start_matches("b").to_string()
}

#[sabot::udf]
fn positions(s: &str) -> i64 {
    match (s.find("a"), s.rfind('a')) {
        (Some(first), Some(last)) => (last - first) as i64,
        _ => -1,
    }
}

#[sabot::udf]
fn first_byte(s: &str) -> u8 {
    s.as_bytes()[0]
}

#[sabot::udf]
fn same_but_case(s: &str, t: &str) -> bool {
    s.eq_ignore_ascii_case(t)
}

#[sabot::udf]
fn tail(q: Option<String>) -> Option<String> {
    q.filter(|text| text.len() > 2).map(|text| text[1..].to_string())
}

#[sabot::udf]
fn host(s: String) -> Option<String> {
    let rest = s.strip_prefix("https://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some(rest[..end].to_string())
}

#[sabot::udf]
fn first_character(s: &str) -> Option<String> {
    s.chars().next().map(|c| c.to_string())
}

#[sabot::udf]
fn characters(s: &str) -> u64 {
    s.chars().count() as u64
}

#[sabot::udf]
fn joined(s: &str, t: &str, q: Option<String>) -> String {
    let mut all = String::from(s);
    all.push_str("+");
    all.push_str(t);
    if let Some(more) = q {
        all += "+";
        all += &more;
    }
    all
}
