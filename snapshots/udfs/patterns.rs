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
    regex!(r"[a-z]+").find(s).map_or("none", |found| found.as_str()).to_string()
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

#[sabot::udf]
fn captured(s: &str) -> Option<String> {
    let re = regex!(r"(?P<year>\d{4})-(\d{2})-(?P<day>\d{2})(T)?");
    let caps = re.captures(s)?;
    let year: i32 = caps["year"].parse().ok()?;
    let day = caps.name("day").map_or("-", |day| day.as_str());
    Some(format!("{year} {} {day} {} {:?} {}", &caps[2], caps.len(), caps.get(4).is_some(), &caps[0]))
}

#[sabot::udf]
fn group_that_is_missing(s: &str) -> String {
    match regex!("(a)|(b)").captures(s) {
        Some(caps) => caps[1].to_string(),
        None => String::new(),
    }
}

#[sabot::udf]
fn where_found(s: &str) -> Option<u64> {
    let found = regex!(r"[a-z]{2,}").find(s)?;
    Some((found.start() * 1000 + found.end() * 10 + found.len()) as u64 + u64::from(found.is_empty()))
}

#[sabot::udf]
fn all_found(s: &str) -> String {
    let words: Vec<&str> = regex!(r"\w+").find_iter(s).map(|found| found.as_str()).collect();
    let empty = regex!("a*").find_iter(s).count();
    format!("{}{empty}", words.join("+"))
}

#[sabot::udf]
fn pairs(s: &str) -> String {
    let mut out = String::new();
    for caps in regex!(r"(\w)=(\w)?").captures_iter(s) {
        out.push_str(&caps[1]);
        out.push_str(caps.get(2).map_or("!", |value| value.as_str()));
    }
    out
}

#[sabot::udf]
fn parts(s: &str) -> String {
    let re = regex!(r"[,\s=]+");
    let two: Vec<&str> = re.splitn(s, 2).collect();
    format!("{}|{}", re.split(s).collect::<Vec<_>>().join("/"), two.len())
}

#[sabot::udf]
fn replaced_once(s: &str) -> String {
    let re = regex!(r"([a-z])(\d)?");
    re.replace(s, "<$1>").to_string() + &re.replacen(s, 2, "[${1}x]")
}

#[sabot::udf]
fn replaced_by_closure(s: &str) -> String {
    let upper = regex!(r"(\w)(\w*)").replace_all(s, |caps: &sabot::regex::Captures| {
        format!("{}{}", caps[1].to_uppercase(), &caps[2])
    });
    upper.into_owned()
}
