//! Strings gone over: characters, bytes, parts, words and lines, chains of them, and strings that grow.

#[sabot::udf]
fn slug(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        if c.is_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_string()
}

#[sabot::udf]
fn initials(s: &str) -> String {
    let mut out = String::new();
    for word in s.split_whitespace() {
        if let Some(c) = word.chars().next() {
            out.push_str(&c.to_string());
            out += ".";
        }
    }
    out
}

#[sabot::udf]
fn parts(s: &str, t: &str) -> String {
    s.split(t).map(|part| format!("[{part}]")).collect::<String>()
}

#[sabot::udf]
fn third_part(s: &str) -> Option<String> {
    s.split('/').nth(2).map(|part| part.to_uppercase())
}

#[sabot::udf]
fn checksum(s: &str) -> u32 {
    let mut sum: u32 = 1;
    for (i, b) in s.bytes().enumerate() {
        if b == b' ' {
            continue;
        }
        sum = sum.wrapping_mul(31).wrapping_add(u32::from(b) ^ (i as u32));
        if i > 40 {
            break;
        }
    }
    sum
}

#[sabot::udf]
fn vowels(s: &str) -> u64 {
    s.chars().filter(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')).count() as u64
}

#[sabot::udf]
fn digits(s: &str) -> u32 {
    s.chars().filter_map(|c| c.to_digit(10)).sum()
}

#[sabot::udf]
fn backwards(s: &str) -> String {
    s.chars().rev().collect()
}

#[sabot::udf]
fn is_palindrome(s: &str) -> bool {
    let letters = s.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    letters == letters.chars().rev().collect::<String>()
}

#[sabot::udf]
fn lines(s: &str) -> String {
    let mut out = String::new();
    for (i, line) in s.lines().enumerate() {
        out.push_str(&format!("{}:{line};", i + 1));
    }
    out
}

#[sabot::udf]
fn longest_word(s: &str) -> i64 {
    s.split_whitespace().map(|word| word.len() as i64).max().unwrap_or(-1)
}

#[sabot::udf]
fn sum_of_values(s: &str) -> i64 {
    s.split(';').filter_map(|pair| pair.split_once('=')).filter_map(|(_, v)| v.parse::<i64>().ok()).sum()
}

#[sabot::udf]
fn first_other(s: &str) -> Option<u64> {
    s.find(|c: char| !c.is_alphanumeric()).map(|at| at as u64)
}

#[sabot::udf]
fn trimmed(s: &str) -> String {
    s.trim_matches(|c: char| !c.is_alphanumeric()).to_string()
}

#[sabot::udf]
fn some_chars(s: &str, a: i64) -> String {
    s.chars().skip(1).take((a % 7) as usize).collect::<String>()
}

#[sabot::udf]
fn run_lengths(s: &str) -> String {
    let mut out = String::new();
    let mut last: Option<char> = None;
    let mut count = 0;
    for c in s.chars() {
        if last == Some(c) {
            count += 1;
        } else {
            if let Some(before) = last {
                out += &format!("{before}{count}");
            }
            last = Some(c);
            count = 1;
        }
    }
    if let Some(before) = last {
        out += &format!("{before}{count}");
    }
    out
}

#[sabot::udf]
fn changed(s: &str, t: &str) -> String {
    let mut text = s.to_string();
    let last = text.pop();
    text.insert(0, '<');
    text.insert_str(text.len(), t);
    if text.len() > 12 {
        text.truncate(1);
    }
    text.make_ascii_uppercase();
    format!("{text}|{}", last.map_or(0, |c| c as u32))
}
