//! Functions as somebody writes them who knows Rust and not this compiler: check digits, codes, logs, calendars, distances.
use std::collections::{BTreeMap, HashMap, HashSet};

#[sabot::udf]
fn luhn(s: &str) -> bool {
    let digits: Vec<u32> = s.chars().filter(|c| !c.is_whitespace()).filter_map(|c| c.to_digit(10)).collect();
    if digits.len() < 2 {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| if i % 2 == 1 { let d = d * 2; if d > 9 { d - 9 } else { d } } else { d })
        .sum();
    sum % 10 == 0
}

#[sabot::udf]
fn iban_valid(s: &str) -> bool {
    let compact: String = s.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
    if compact.len() < 15 || compact.len() > 34 {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let rearranged = format!("{tail}{head}");
    let mut remainder: u64 = 0;
    for c in rearranged.chars() {
        let value = match c {
            '0'..='9' => c as u64 - '0' as u64,
            'A'..='Z' => c as u64 - 'A' as u64 + 10,
            _ => return false,
        };
        remainder = if value > 9 { (remainder * 100 + value) % 97 } else { (remainder * 10 + value) % 97 };
    }
    remainder == 1
}

#[sabot::udf]
fn isbn13(s: &str) -> Option<bool> {
    let digits: Vec<u32> = s.chars().filter(|c| *c != '-').map(|c| c.to_digit(10)).collect::<Option<Vec<_>>>()?;
    if digits.len() != 13 {
        return None;
    }
    let sum: u32 = digits.iter().zip([1, 3].iter().cycle()).map(|(d, w)| d * w).sum();
    Some(sum % 10 == 0)
}

#[sabot::udf]
fn geohash(x: f64, y: f64) -> String {
    const BASE32: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let (mut lat, mut lon) = ((-90.0, 90.0), (-180.0, 180.0));
    let mut hash = String::with_capacity(8);
    let mut bits = 0u8;
    let mut ch = 0usize;
    let mut even = true;
    while hash.len() < 8 {
        if even {
            let mid = (lon.0 + lon.1) / 2.0;
            if x >= mid { ch = (ch << 1) | 1; lon.0 = mid; } else { ch <<= 1; lon.1 = mid; }
        } else {
            let mid = (lat.0 + lat.1) / 2.0;
            if y >= mid { ch = (ch << 1) | 1; lat.0 = mid; } else { ch <<= 1; lat.1 = mid; }
        }
        even = !even;
        bits += 1;
        if bits == 5 {
            hash.push(BASE32[ch] as char);
            bits = 0;
            ch = 0;
        }
    }
    hash
}

fn hex_value(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

#[sabot::udf]
fn url_decode(s: &str) -> Option<String> {
    let bytes = s.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'%' => {
                let hi = hex_value(*bytes.get(i + 1)?)?;
                let lo = hex_value(*bytes.get(i + 2)?)?;
                out.push(hi << 4 | lo);
                i += 3;
            }
            b'+' => { out.push(b' '); i += 1; }
            other => { out.push(other); i += 1; }
        }
    }
    String::from_utf8(out).ok()
}

#[sabot::udf]
fn url_encode(s: &str) -> String {
    let mut out = String::new();
    for b in s.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
            out.push(b as char);
        } else {
            out += &format!("%{b:02X}");
        }
    }
    out
}

#[sabot::udf]
fn rle(s: &str) -> String {
    let mut out = String::new();
    let mut chars = s.chars().peekable();
    while let Some(c) = chars.next() {
        let mut n = 1;
        while chars.peek() == Some(&c) {
            chars.next();
            n += 1;
        }
        if n > 1 {
            out.push_str(&n.to_string());
        }
        out.push(c);
    }
    out
}

#[sabot::udf]
fn unrle(s: &str) -> String {
    let mut out = String::new();
    let mut count = String::new();
    for c in s.chars() {
        if c.is_ascii_digit() {
            count.push(c);
        } else {
            let n: usize = count.parse().unwrap_or(1);
            out.push_str(&c.to_string().repeat(n.min(20)));
            count.clear();
        }
    }
    out
}

#[sabot::udf]
fn base64(s: &str) -> String {
    const TABLE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in s.as_bytes().chunks(3) {
        let b = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let n = (b[0] as u32) << 16 | (b[1] as u32) << 8 | b[2] as u32;
        out.push(TABLE[(n >> 18) as usize & 63] as char);
        out.push(TABLE[(n >> 12) as usize & 63] as char);
        out.push(if chunk.len() > 1 { TABLE[(n >> 6) as usize & 63] as char } else { '=' });
        out.push(if chunk.len() > 2 { TABLE[n as usize & 63] as char } else { '=' });
    }
    out
}

#[sabot::udf]
fn levenshtein(s: &str, t: &str) -> u64 {
    let a: Vec<char> = s.chars().collect();
    let b: Vec<char> = t.chars().collect();
    let mut prev: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut cur = vec![i + 1; b.len() + 1];
        for (j, cb) in b.iter().enumerate() {
            let cost = if ca == cb { 0 } else { 1 };
            cur[j + 1] = (prev[j] + cost).min(prev[j + 1] + 1).min(cur[j] + 1);
        }
        prev = cur;
    }
    prev[b.len()] as u64
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    fn parse(s: &str) -> Result<Self, String> {
        match s {
            "DEBUG" => Ok(Level::Debug),
            "INFO" => Ok(Level::Info),
            "WARN" => Ok(Level::Warn),
            "ERROR" => Ok(Level::Error),
            other => Err(format!("unknown level {other}")),
        }
    }
}

#[sabot::udf]
fn log_level(s: &str) -> Option<i32> {
    let word = s.split_whitespace().nth(2)?;
    let level = Level::parse(word).ok()?;
    Some(level as i32)
}

#[sabot::udf]
fn log_millis(s: &str) -> Option<u64> {
    let re = regex!(r"after (\d+)ms");
    let caps = re.captures(s)?;
    caps.get(1)?.as_str().parse().ok()
}

#[sabot::udf]
fn words_counted(s: &str) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    let mut pairs: Vec<_> = counts.into_iter().collect();
    pairs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    pairs.iter().map(|(w, n)| format!("{w}:{n}")).collect::<Vec<_>>().join(" ")
}

#[sabot::udf]
fn is_anagram(s: &str, t: &str) -> bool {
    let mut counts = BTreeMap::new();
    for c in s.chars() { *counts.entry(c).or_insert(0i32) += 1; }
    for c in t.chars() { *counts.entry(c).or_insert(0) -= 1; }
    counts.values().all(|&n| n == 0)
}

#[sabot::udf]
fn distinct_chars(s: &str) -> u64 {
    let set: HashSet<char> = s.chars().collect();
    set.len() as u64
}

#[sabot::udf]
fn key_values(s: &str) -> Option<String> {
    let map: HashMap<&str, &str> = s.split(';').filter_map(|kv| kv.split_once('=')).collect();
    map.get("age").map(|v| v.to_string())
}

#[sabot::udf]
fn moving_average(a: i64, b: i64) -> f64 {
    let data: Vec<f64> = (0..20).map(|i| ((a % 1000) * i % 17 + b % 1000) as f64).collect();
    let averages: Vec<f64> = data.windows(4).map(|w| w.iter().sum::<f64>() / w.len() as f64).collect();
    averages.iter().cloned().fold(f64::NEG_INFINITY, f64::max)
}

#[sabot::udf]
fn stddev(x: f64, y: f64) -> f64 {
    let data = vec![x, y, 1.0, 2.0, 3.0];
    let n = data.len() as f64;
    let mean = data.iter().sum::<f64>() / n;
    let variance = data.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    variance.sqrt()
}

#[sabot::udf]
fn median(x: f64, y: f64) -> f64 {
    let mut data = vec![x, y, 1.0, 2.0, 3.0];
    data.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let mid = data.len() / 2;
    if data.len() % 2 == 0 { (data[mid - 1] + data[mid]) / 2.0 } else { data[mid] }
}

#[sabot::udf]
fn json_user(s: &str) -> Option<i64> {
    let a = json_get_i64(s, "$.a")?;
    let first = json_get(s, "$.b[1]").unwrap_or_default();
    Some(a + first.len() as i64)
}

fn is_leap(y: i32) -> bool { y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) }

#[sabot::udf]
fn days_in_month(day: Date) -> u32 {
    match day.month() {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(day.year()) => 29,
        2 => 28,
        _ => unreachable!(),
    }
}

#[sabot::udf]
fn next_business_day(day: Date) -> Date {
    let mut next = day.add_days(1);
    while next.weekday() > 5 {
        next = next.add_days(1);
    }
    next
}

#[sabot::udf]
fn round_money(d: Decimal, i: i32) -> Decimal {
    let rate = dec("0.19");
    let net = d.round(2);
    let tax = (net * rate).round(2);
    if i > 0 { net + tax } else { -(net + tax) }
}

#[sabot::udf]
fn bankers(x: f64) -> i64 {
    let floor = x.floor();
    let diff = x - floor;
    let base = floor as i64;
    if diff > 0.5 { base + 1 } else if diff < 0.5 { base } else if base % 2 == 0 { base } else { base + 1 }
}

#[derive(Clone, Copy)]
enum State { Start, InWord(usize), Quoted { depth: u32 }, Done }

#[sabot::udf]
fn machine(s: &str) -> String {
    let mut state = State::Start;
    let mut longest = 0usize;
    for c in s.chars() {
        state = match (state, c) {
            (State::Start, '"') => State::Quoted { depth: 1 },
            (State::Start, c) if c.is_alphanumeric() => State::InWord(1),
            (State::Start, _) => State::Start,
            (State::InWord(n), c) if c.is_alphanumeric() => {
                longest = longest.max(n + 1);
                State::InWord(n + 1)
            }
            (State::InWord(_), _) => State::Start,
            (State::Quoted { depth }, '"') if depth == 1 => State::Done,
            (State::Quoted { depth }, '(') => State::Quoted { depth: depth + 1 },
            (quoted @ State::Quoted { .. }, _) => quoted,
            (State::Done, _) => break,
        };
    }
    let name = match &state {
        State::Start => "start",
        State::InWord(_) => "word",
        State::Quoted { depth } if *depth > 1 => "deep",
        State::Quoted { .. } => "quoted",
        State::Done => "done",
    };
    format!("{name}/{longest}")
}

#[sabot::udf]
fn soundex(s: &str) -> String {
    let code = |c: char| match c.to_ascii_lowercase() {
        'b' | 'f' | 'p' | 'v' => '1',
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => '2',
        'd' | 't' => '3',
        'l' => '4',
        'm' | 'n' => '5',
        'r' => '6',
        _ => '0',
    };
    let letters: Vec<char> = s.chars().filter(|c| c.is_ascii_alphabetic()).collect();
    let Some(&first) = letters.first() else { return String::new() };
    let mut out = vec![first.to_ascii_uppercase()];
    let mut last = code(first);
    for &c in &letters[1..] {
        let k = code(c);
        if k != '0' && k != last {
            out.push(k);
        }
        last = k;
    }
    while out.len() < 4 { out.push('0'); }
    out.truncate(4);
    out.into_iter().collect()
}

#[sabot::udf]
fn crc32(s: &str) -> u32 {
    let mut crc = !0u32;
    for &byte in s.as_bytes() {
        crc ^= byte as u32;
        for _ in 0..8 {
            crc = if crc & 1 != 0 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[sabot::udf]
fn roman(u: u32) -> String {
    const PARTS: [(u32, &str); 13] = [
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
        (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ];
    let mut n = u % 4000;
    let mut out = String::new();
    for &(value, sign) in PARTS.iter() {
        while n >= value {
            out.push_str(sign);
            n -= value;
        }
    }
    out
}

#[sabot::udf]
fn title_case(s: &str) -> String {
    s.split(' ')
        .map(|word| {
            let mut chars = word.chars();
            match chars.next() {
                Some(first) => first.to_uppercase().collect::<String>() + chars.as_str(),
                None => String::new(),
            }
        })
        .collect::<Vec<String>>()
        .join(" ")
}

#[sabot::udf]
fn camel_to_snake(s: &str) -> String {
    let mut out = String::new();
    for (i, c) in s.char_indices() {
        if c.is_uppercase() {
            if i > 0 { out.push('_'); }
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

#[sabot::udf]
fn haversine(x: f64, y: f64) -> f64 {
    let (lat1, lon1): (f64, f64) = (52.52, 13.405);
    let dlat = (y - lat1).to_radians();
    let dlon = (x - lon1).to_radians();
    let h = (dlat / 2.0).sin().powi(2) + lat1.to_radians().cos() * y.to_radians().cos() * (dlon / 2.0).sin().powi(2);
    2.0 * 6371.0 * h.sqrt().asin()
}

#[sabot::udf]
fn fnv1a(s: &str) -> u64 {
    s.bytes().fold(0xcbf29ce484222325, |hash, b| (hash ^ b as u64).wrapping_mul(0x100000001b3))
}

#[sabot::udf]
fn fizz(u: u32) -> String {
    match (u % 3, u % 5) {
        (0, 0) => "FizzBuzz".into(),
        (0, _) => "Fizz".into(),
        (_, 0) => "Buzz".into(),
        _ => u.to_string(),
    }
}

fn apply(f: impl Fn(f64) -> f64, x: f64) -> f64 { f(f(x)) }

#[sabot::udf]
fn applied(x: f64) -> f64 {
    let k = 2.0;
    apply(|v| v * k + 1.0, x)
}

#[sabot::udf]
fn top_three(a: i64, b: i64) -> String {
    let mut v: Vec<i64> = vec![a, b, 3, 9, 27];
    v.sort_by_key(|&n| std::cmp::Reverse(n));
    v.truncate(3);
    v.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(",")
}

#[sabot::udf]
fn semver_cmp(s: &str, t: &str) -> i32 {
    fn parts(v: &str) -> Vec<u32> {
        v.split('.').map(|p| p.parse().unwrap_or(0)).collect()
    }
    match parts(s).cmp(&parts(t)) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }
}

#[sabot::udf]
fn ip_to_int(s: &str) -> Option<u32> {
    let mut n = 0u32;
    let mut count = 0;
    for part in s.split('.') {
        let octet: u8 = part.parse().ok()?;
        n = n << 8 | u32::from(octet);
        count += 1;
    }
    (count == 4).then_some(n)
}

#[sabot::udf]
fn balanced(s: &str) -> bool {
    let mut stack = Vec::new();
    for c in s.chars() {
        match c {
            '(' | '[' | '{' => stack.push(c),
            ')' | ']' | '}' => {
                let open = match c { ')' => '(', ']' => '[', _ => '{' };
                if stack.pop() != Some(open) { return false; }
            }
            _ => {}
        }
    }
    stack.is_empty()
}
