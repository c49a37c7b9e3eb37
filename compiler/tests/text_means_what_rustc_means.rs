//! Strings, characters, `parse` and `format!` mean here what they mean to rustc: each expression over rows of edge values,
//! by the checked plan and the reference interpreter, and by rustc itself.
//!
//! Skipped where there is no rustc.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_ir::plan::{Operator, Plan};
use sabot_ir::ty::Type;
use sabot_reference::{Value, evaluate};
use std::fmt::Write as _;
use std::process::Command;

const HELPERS: &str = r#"
fn shorten(s: &str, n: usize) -> String {
    if s.len() > n { format!("{}…", s.get(..n).unwrap_or("?")) } else { s.to_string() }
}
fn kind(c: char) -> &'static str {
    match c {
        'a'..='z' => "lower",
        'A'..='Z' => "upper",
        '0'..='9' => "digit",
        ' ' | '\t' => "space",
        c if c.is_alphabetic() => "letter",
        _ => "other",
    }
}
fn number(s: &str) -> f64 {
    if let Ok(x) = s.trim().parse::<f64>() { x } else { -1.0 }
}
fn host(url: &str) -> Option<String> {
    match url.strip_prefix("http://").or(url.strip_prefix("https://")) {
        Some(rest) => Some(rest.split_once('/').map_or(rest, |(host, _)| host).to_lowercase()),
        None => None,
    }
}
fn slug(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        let b = s.as_bytes()[i];
        if b.is_ascii_alphanumeric() {
            out.push((b as char).to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        i += 1;
    }
    while out.ends_with('-') {
        out.pop();
    }
    out
}
fn grown(s: &str, n: i64) -> String {
    let mut out = s.to_string();
    let copy = out.clone();
    for i in 0..(n.clamp(0, 5)) {
        out.push_str(&format!("[{i}]"));
        out += "+";
    }
    out.insert(0, '<');
    out.insert_str(out.len(), ">");
    let mut upper = copy.clone();
    upper.make_ascii_uppercase();
    format!("{out}|{copy}|{upper}")
}
fn popped(s: &str) -> String {
    let mut s = s.to_string();
    let last = s.pop();
    let first = if s.is_empty() { None } else { Some(s.remove(0)) };
    s.truncate(5);
    let before = s.len();
    if before == 3 { s.clear(); }
    format!("{s}:{before}:{}:{}", last.unwrap_or('?'), first.map_or("-".to_string(), |c| c.to_string()))
}
fn initials(s: &str) -> String {
    let mut out = String::new();
    for word in s.split_whitespace() {
        if let Some(c) = word.chars().next() {
            out.push(c.to_ascii_uppercase());
            out.push('.');
        }
    }
    out
}
fn checksum(s: &str) -> u32 {
    let mut sum: u32 = 7;
    for (i, b) in s.bytes().enumerate() {
        if b == b'?' { break; }
        if b == b' ' { continue; }
        sum = sum.wrapping_mul(31).wrapping_add(u32::from(b) + i as u32);
    }
    sum
}
fn value_of(s: &str, key: &str) -> Option<i64> {
    for pair in s.split(';') {
        let Some((k, v)) = pair.split_once('=') else { continue };
        if k == key { return v.parse().ok(); }
    }
    None
}
fn caesar(s: &str) -> String {
    let mut out = String::new();
    for c in s.chars().rev() {
        let moved = match c {
            'a'..='y' => ((c as u8) + 1) as char,
            'z' => 'a',
            other => other,
        };
        out.push(moved);
    }
    out
}
fn cents(s: &str) -> i64 {
    match s.parse::<i64>() { Ok(n) if n > 0 => n * 100, Ok(n) => n, Err(_) => -7 }
}
"#;

/// Type and code over a row `q` of `s`, `t`: `String`, `n`: `i64`, `f`: `f64`, `b`: `bool`.
const CASES: &[(&str, &str)] = &[
    ("u64", r##"q.s.len() as u64"##),
    ("bool", r##"q.s.is_empty()"##),
    ("bool", r##"q.s.starts_with(&q.t) && !q.s.ends_with(q.t.as_str())"##),
    ("bool", r##"q.s.contains(&q.t) || q.s.contains('ö') || q.s.contains("22")"##),
    ("Option<u64>", r##"q.s.find(&q.t).map(|at| at as u64)"##),
    ("Option<u64>", r##"q.s.rfind('a').map(|at| at as u64)"##),
    ("Option<i64>", r##"q.s.find("日").map(|i| i as i64 + 1)"##),
    ("String", r##"q.s.trim().to_string()"##),
    ("String", r##"q.s.trim_start().to_owned() + q.s.trim_end()"##),
    ("String", r##"q.s.trim_matches('a').to_string()"##),
    ("String", r##"q.s.trim_start_matches("aa").to_string()"##),
    ("String", r##"q.s.trim_end_matches(&q.t).into()"##),
    ("Option<String>", r##"q.s.strip_prefix(&q.t).map(|r| r.to_string())"##),
    ("Option<String>", r##"q.s.strip_suffix("b?x=1").map(|r| r.to_owned())"##),
    ("String", r##"q.s.to_uppercase()"##),
    ("String", r##"q.s.to_lowercase()"##),
    ("String", r##"q.s.to_ascii_uppercase() + &q.s.to_ascii_lowercase()"##),
    ("bool", r##"q.s.eq_ignore_ascii_case("HELLO, WORLD")"##),
    ("String", r##"q.s.replace(&q.t, "<>")"##),
    ("String", r##"q.s.replace('a', "")"##),
    ("String", r##"q.s.replacen(&q.t, "_", 2)"##),
    ("String", r##"q.t.repeat(3)"##),
    ("String", r##"q.t.repeat(q.n.clamp(0, 4) as usize)"##),
    ("String", r##"q.s[1..].to_string()"##),
    ("String", r##"q.s[..2].to_string()"##),
    ("String", r##"q.s[1..3].to_string()"##),
    ("String", r##"q.s[..=1].to_string()"##),
    ("String", r##"q.s[..].to_string()"##),
    ("Option<String>", r##"q.s.get(1..).map(|s| s.to_string())"##),
    ("Option<String>", r##"q.s.get(2..1).map(String::from)"##),
    ("Option<String>", r##"q.s.get(0..=2).map(|s| s.into())"##),
    ("bool", r##"q.s.is_char_boundary(1)"##),
    ("String", r##"q.s.split_once(&q.t).map(|(a, b)| format!("{b}|{a}")).unwrap_or_default()"##),
    ("String", r##"q.s.rsplit_once('/').map_or(String::new(), |(a, b)| b.to_string() + "<-" + a)"##),
    (
        "String",
        r##"match q.s.split_once(", ") { Some((a, b)) if a.len() == b.len() => a.to_uppercase(), Some((_, b)) => b.to_string(), None => "none".to_string() }"##,
    ),
    ("bool", r##"q.s.is_ascii()"##),
    ("String", r##"q.s.clone() + &q.t + "!" + &q.s"##),
    ("String", r##""<".to_string() + &q.s + ">""##),
    ("bool", r##"q.s < q.t"##),
    ("bool", r##"q.s == "a" || q.t != q.s"##),
    ("String", r##"q.s.as_str().max(q.t.as_str()).to_string()"##),
    ("i64", r##"q.s.parse::<i64>().unwrap_or(-1)"##),
    ("i64", r##"q.s.parse().unwrap_or(5)"##),
    ("Option<u8>", r##"q.n.to_string().parse::<u8>().ok()"##),
    ("Option<i32>", r##"q.t.parse::<i32>().ok()"##),
    ("f64", r##"q.s.parse::<f64>().unwrap_or(0.0)"##),
    ("f64", r##"q.s.parse::<f64>().unwrap_or_default()"##),
    ("Option<f64>", r##"q.s.trim().parse::<f64>().ok().map(|x| x * 2.0)"##),
    ("f32", r##"q.s.parse::<f32>().unwrap_or(f32::MIN)"##),
    ("bool", r##"q.s.parse::<bool>().unwrap_or(q.b)"##),
    ("bool", r##"q.s.parse::<f64>().is_ok() != q.s.parse::<i64>().is_err()"##),
    ("i64", r##"q.s.parse::<i64>().map(|n| n + 1).unwrap_or_else(|_| 0)"##),
    ("i64", r##"if let Ok(n) = q.s.parse::<u16>() { i64::from(n) } else { -1 }"##),
    ("i64", r##"match q.s.parse::<i8>() { Ok(0) => 1, Ok(n) => n.into(), Err(_) => -9 }"##),
    ("bool", r##"q.t.parse::<char>().is_ok_and(|c| c == 'o' || c.is_ascii_punctuation())"##),
    ("u32", r##"q.t.parse::<char>().map_or(0, |c| c as u32)"##),
    ("String", r##"q.n.to_string()"##),
    ("String", r##"q.f.to_string()"##),
    ("String", r##"q.b.to_string()"##),
    ("String", r##"(q.f as f32).to_string()"##),
    ("String", r##"'x'.to_string() + &5.to_string()"##),
    ("String", r##"format!("{}", q.s)"##),
    ("String", r##"format!("{} {} {} {}", q.s, q.n, q.f, q.b)"##),
    ("String", r##"format!("{0}-{1}-{0}", q.t, q.n)"##),
    ("String", r##"format!("{{{}}}", q.t)"##),
    ("String", r##"format!("{:?} {:?} {:?}", q.s, q.f, q.n)"##),
    ("String", r##"format!("{:>8}|{:<8}|{:^8}", q.t, q.t, q.t)"##),
    ("String", r##"format!("{:*^9}|{:->5}|{:ä<4}", q.t, q.n, q.b)"##),
    ("String", r##"format!("{:.2} {:8.3} {:08.1} {:+}", q.f, q.f, q.f, q.f)"##),
    ("String", r##"format!("{:5} {:05} {:<5}| {:+}", q.n, q.n, q.n, q.n)"##),
    ("String", r##"format!("{:x} {:X} {:#x} {:b} {:o} {:#010b}", q.n, q.n, q.n, q.n, q.n, q.n)"##),
    ("String", r##"format!("{:e} {:E} {:.1e}", q.f, q.n, q.f)"##),
    ("String", r##"format!("{:.3} {:>6.2}", q.s, q.t)"##),
    ("String", r##"{ let name = q.s.len(); let x = q.f; format!("{name}:{x:.1}:{name:>4}") }"##),
    ("String", r##"format!("{a}{b:?}{a}", a = q.n, b = q.t)"##),
    ("String", r##"format!("{:x}", q.n as i8) + &format!("{:b}", q.n as u16)"##),
    ("String", r##"format!("")"##),
    ("String", r##"format!("no braces {{}}")"##),
    ("String", r##"format!("{}{}", 'ß', 'a' as u32)"##),
    ("String", r##"format!("{:?} {:>3} {:<2}|", 'a', 'b', '"')"##),
    ("String", r##"format!("{:?} {:?}", '\'', '\n')"##),
    ("String", r##"shorten(&q.s, 4)"##),
    ("String", r##"shorten(&q.s, q.n.clamp(0, 9) as usize)"##),
    ("String", r##"kind('a').to_string() + kind('7') + kind('\t') + kind('é') + kind('Z') + kind('!')"##),
    ("f64", r##"number(&q.s)"##),
    ("Option<String>", r##"host(&q.s)"##),
    ("i64", r##"cents(&q.s)"##),
    ("String", r##"initials(&q.s)"##),
    ("u32", r##"checksum(&q.s)"##),
    ("Option<i64>", r##"value_of(&q.s, "y")"##),
    ("String", r##"caesar(&q.s)"##),
    ("u64", r##"q.s.chars().count() as u64"##),
    ("u64", r##"q.s.split(q.t.as_str()).count() as u64"##),
    ("String", r##"q.s.split(&q.t).map(|p| format!("[{p}]")).collect::<String>()"##),
    ("String", r##"q.s.split("").map(|p| format!("[{p}]")).collect()"##),
    ("String", r##"q.s.split(',').next().unwrap_or("none").to_string()"##),
    ("Option<String>", r##"q.s.split(';').nth(1).map(|p| p.to_string())"##),
    ("Option<String>", r##"q.s.split(q.t.as_str()).nth(q.t.len() % 3).map(|p| p.to_string())"##),
    ("u64", r##"q.s.chars().filter(|c| *c == 'e').count() as u64"##),
    (
        "u64",
        r##"(q.s.chars().filter(|&c| 'é' == c).count() + q.t.chars().rev().filter(|c| *c == ';').count()) as u64"##,
    ),
    (
        "u64",
        r##"{ let wanted = q.t.chars().next().unwrap_or('x'); q.s.chars().filter(|c| *c == wanted).count() as u64 }"##,
    ),
    ("String", r##"q.s.split("").nth(2).unwrap_or("none").to_string()"##),
    ("String", r##"q.s.split(", ").next().unwrap_or("none").to_string()"##),
    ("Option<String>", r##"q.s.split('=').last().map(str::to_string)"##),
    ("String", r##"q.s.lines().map(|l| format!("({l})")).collect::<String>()"##),
    ("String", r##""a\r\nb\n\nc\r".lines().map(|l| format!("({l})")).collect::<String>() + &q.t"##),
    ("String", r##"q.s.chars().rev().collect::<String>()"##),
    ("String", r##"q.s.chars().filter(|c| c.is_alphanumeric()).collect::<String>()"##),
    ("String", r##"q.s.chars().map(|c| if c == 'a' { 'b' } else { c }).collect()"##),
    ("bool", r##"q.s.chars().any(|c| c.is_ascii_digit())"##),
    ("bool", r##"q.s.chars().all(char::is_alphabetic)"##),
    ("Option<u64>", r##"q.s.chars().position(|c| c == 'l').map(|i| i as u64)"##),
    ("bool", r##"q.s.chars().find(|c| !c.is_ascii()) == Some('ä')"##),
    ("u32", r##"q.s.chars().filter_map(|c| c.to_digit(10)).sum()"##),
    ("i64", r##"q.s.bytes().map(|b| i64::from(b)).fold(1, |a, b| a * 3 % 1000 + b)"##),
    ("Option<u8>", r##"q.s.bytes().max()"##),
    ("bool", r##"q.s.chars().min() < q.t.chars().last()"##),
    ("bool", r##"q.s.chars().next() == Some('h') || q.s.chars().nth(2) == Some('d')"##),
    ("String", r##"q.s.char_indices().filter(|(i, _)| i % 2 == 0).map(|(_, c)| c).collect::<String>()"##),
    ("String", r##"q.s.chars().skip(1).take(3).collect::<String>()"##),
    ("String", r##"q.s.chars().take_while(|c| c.is_alphabetic()).collect::<String>()"##),
    ("u64", r##"q.s.chars().enumerate().filter(|(i, c)| i % 2 == 1 && *c != ' ').count() as u64"##),
    (
        "i64",
        r##"q.s.split(';').filter_map(|p| p.split_once('=')).filter_map(|(_, v)| v.parse::<i64>().ok()).sum::<i64>()"##,
    ),
    ("i64", r##"q.s.split_whitespace().map(|w| w.len() as i64).max().unwrap_or(-1)"##),
    ("u32", r##"q.s.bytes().rev().map(u32::from).take(2).sum::<u32>()"##),
    ("String", r##"q.s.split('/').find(|p| p.contains('.')).unwrap_or_default().to_string()"##),
    ("bool", r##"q.s.contains(|c: char| c.is_ascii_digit()) != q.s.contains(char::is_whitespace)"##),
    ("bool", r##"q.s.contains(['=', '/']) || q.s.starts_with(&['a', 'h'])"##),
    ("bool", r##"q.s.starts_with(char::is_alphabetic) && q.s.ends_with(|c| c == 'd' || c == 'a')"##),
    ("Option<u64>", r##"q.s.find(char::is_whitespace).map(|i| i as u64)"##),
    ("Option<u64>", r##"q.s.rfind(|c: char| !c.is_alphanumeric()).map(|i| i as u64)"##),
    ("Option<u64>", r##"q.s.rfind(char::is_alphabetic).map(|i| i as u64)"##),
    ("String", r##"q.s.trim_matches(|c: char| !c.is_alphabetic()).to_string()"##),
    ("String", r##"q.s.trim_start_matches(char::is_alphanumeric).to_string()"##),
    ("String", r##"q.s.trim_end_matches(char::is_alphanumeric).to_string()"##),
    ("String", r##"q.s.trim_matches(['a', '\"', '\\']).to_string()"##),
    ("String", r##"slug(&q.s)"##),
    ("String", r##"grown(&q.s, q.n)"##),
    ("String", r##"popped(&q.s)"##),
    ("i64", r##"q.s.parse::<i64>().unwrap()"##),
    ("String", r##"{ let mut t = q.t; t.push_str(&q.s); t.push('ß'); t }"##),
    ("String", r##"{ let mut t = q.s; t.truncate(1); t }"##),
    ("u32", r##"{ let mut t = q.s; t.remove(q.n as usize % 4) as u32 }"##),
    ("String", r##"{ let mut t = q.s; t.insert_str(2, "--"); t }"##),
    ("u32", r##"'a' as u32 + 'ä' as u32"##),
    ("u8", r##"'ä' as u8"##),
    ("String", r##"(q.n as u8 as char).to_string()"##),
    ("String", r##"char::from(65u8).to_string()"##),
    ("Option<u32>", r##"char::from_u32(q.n as u32).map(|c| c as u32)"##),
    ("Option<u32>", r##"'f'.to_digit(16)"##),
    ("Option<u32>", r##"'9'.to_digit(8)"##),
    ("bool", r##"char::from_digit(7, 10) == Some('7')"##),
    ("bool", r##"'\u{df}'.is_lowercase() && 'A'.is_uppercase() && ' '.is_whitespace() && '٣'.is_numeric()"##),
    ("bool", r##"'a' < 'b' && 'Z'.is_ascii_uppercase() && '0'.is_ascii_digit() && 'g'.is_ascii_hexdigit()"##),
    ("String", r##"'q'.to_ascii_uppercase().to_string()"##),
    ("bool", r##"'q'.eq_ignore_ascii_case(&'Q')"##),
    ("u64", r##"'ß'.len_utf8() as u64"##),
    ("bool", r##"'a'.is_alphanumeric() && !'-'.is_alphanumeric() && '\u{7f}'.is_control()"##),
    ("bool", r##"b'a'.is_ascii_lowercase() && b'7'.is_ascii_digit()"##),
    ("u8", r##"b'a'.to_ascii_uppercase()"##),
    ("u8", r##"q.s.as_bytes()[0]"##),
    ("u8", r##"q.s.as_bytes()[q.n as usize % 3]"##),
    ("u64", r##"q.s.as_bytes().len() as u64"##),
    ("Option<u8>", r##"q.s.as_bytes().get(1).copied()"##),
    ("Option<u8>", r##"q.s.as_bytes().last().copied()"##),
    ("Option<u8>", r##"q.s.as_bytes().first().copied()"##),
    ("bool", r##"q.s.as_bytes().starts_with(b"he") || q.s.as_bytes() == b"a""##),
    ("bool", r##"q.s.as_bytes().contains(&b'=')"##),
    ("String", r##"String::from_utf8_lossy(q.s.as_bytes()).to_string()"##),
    ("String", r##"String::from_utf8_lossy(&q.s.as_bytes()[1..]).into_owned()"##),
    ("String", r##"String::from_utf8(q.s.clone().into_bytes()).unwrap_or_default()"##),
    ("bool", r##"std::str::from_utf8(&q.s.as_bytes()[..1]).is_ok()"##),
    ("String", r##"String::new() + String::with_capacity(10).as_str() + &String::from("x")"##),
    ("bool", r##"matches!(q.s.as_str(), "a" | "42")"##),
    (
        "String",
        r##"match q.s.as_str() { "" => "empty".into(), "a" | "b" => "ab".to_string(), other => other.to_uppercase() }"##,
    ),
    ("String", r##"if q.b { q.s } else { q.t.to_uppercase() }"##),
    ("i64", r##"q.s.len() as i64 * q.n % 7"##),
    ("Option<String>", r##"if q.b { Some(format!("{}!", q.s)) } else { None }"##),
    ("String", r##"Some(q.s).filter(|s| s.len() > 3).unwrap_or_else(|| "short".to_string())"##),
];

/// The rows, as Rust code of their fields.
const ROWS: [(&str, &str, i64, f64, bool); 12] = [
    ("", "", 0, 0.0, false),
    ("a", "a", 1, 1.5, true),
    ("hello, world", "o", 3, -2.25, true),
    ("  padded\t\n", " ", -1, 1e16, false),
    ("äöü ß İ 日本", "ö", 2, f64::MAX, true),
    ("42", "4", 42, 0.1, false),
    ("-3.75e2", "-", i64::MIN, -0.0, true),
    ("https://Example.com/a/b?x=1", "/", 7, f64::INFINITY, false),
    ("true", "ue", i64::MAX, f64::NAN, true),
    ("aaaa", "aa", 5, 5e-324, false),
    ("\u{1f600}\u{301}\0\"\\", "\"", 255, 123456.789, true),
    ("x=1;y=22;z", ";", 100, 99.995, false),
];

fn file(cases: &[(&str, &str)], number: usize) -> String {
    let (ty, code) = cases[number];
    let helpers = HELPERS.replace("\nfn ", "\n#[sabot::udf]\nfn ");
    format!(
        "use sabot::prelude::*;\n#[sabot::record]\nstruct Row {{ s: String, t: String, n: i64, f: f64, b: bool }}\n#[sabot::record]\nstruct Out {{ x: {ty} }}\n{helpers}\n#[sabot::pipeline]\nfn job() {{\n    source::<Row>(\"rows\", csv(\"rows.csv\")).map(|q| Out {{ x: {code} }}).sink(\"out\", csv(\"out.csv\"));\n}}\n"
    )
}

fn plan(source: &str) -> Plan {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse(source, &mut diagnostics);
    let plan = graphs.first().and_then(|graph| check(graph, &Catalog::default(), &mut diagnostics));
    plan.unwrap_or_else(|| panic!("{}", render_all(source, "job.rs", &diagnostics)))
}

/// A value as `show` of the program writes it.
fn shown(value: &Value, ty: &Type) -> String {
    match (value, ty) {
        (Value::Null, _) => "None".to_owned(),
        (value, Type::Option(inner)) => format!("Some({})", shown(value, inner)),
        (Value::Float64(value), _) if value.is_nan() => "NaN".to_owned(),
        (Value::Float64(value), _) => format!("{:016x}", value.to_bits()),
        (Value::Float32(value), _) if value.is_nan() => "NaN".to_owned(),
        (Value::Float32(value), _) => format!("{:08x}", value.to_bits()),
        (value, _) => value.to_string(),
    }
}

#[test]
fn text_means_what_rustc_says() {
    let plans: Vec<Plan> = (0..CASES.len()).map(|number| plan(&file(CASES, number))).collect();
    let Some(expected) = by_rustc() else { return };
    let mut expected = expected.lines();
    let mut wrong = Vec::new();
    for (plan, (_, code)) in plans.iter().zip(CASES) {
        let project = plan
            .nodes
            .iter()
            .find_map(|node| if let Operator::Project { columns } = &node.operator { Some(columns) } else { None });
        let columns = project.expect("a map is a projection");
        for (s, t, n, f, b) in ROWS {
            let row = [
                Value::String(s.to_owned()),
                Value::String(t.to_owned()),
                Value::Int(n.into()),
                Value::Float64(f),
                Value::Bool(b),
            ];
            let found = match evaluate(&columns[0], &row, &[]) {
                Ok(value) => shown(&value, &columns[0].ty),
                Err(_) => "error".to_owned(),
            };
            let expected = expected.next().expect("a line for each case and row");
            if found != expected {
                wrong.push(format!("{code}\n  over {s:?} {t:?} {n} {f} {b}: {found}, rustc says {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A line per case and row. Nothing if there is no rustc.
fn by_rustc() -> Option<String> {
    let mut text = String::from(
        "#![allow(warnings, arithmetic_overflow, unconditional_panic)]
#[derive(Clone)]
struct Row { s: String, t: String, n: i64, f: f64, b: bool }
trait Show { fn show(&self) -> String; }
impl Show for f64 { fn show(&self) -> String { if self.is_nan() { \"NaN\".to_string() } else { format!(\"{:016x}\", self.to_bits()) } } }
impl Show for f32 { fn show(&self) -> String { if self.is_nan() { \"NaN\".to_string() } else { format!(\"{:08x}\", self.to_bits()) } } }
impl<T: Show> Show for Option<T> { fn show(&self) -> String { match self { Some(x) => format!(\"Some({})\", x.show()), None => \"None\".to_string() } } }
macro_rules! show { ($($t:ty)*) => { $(impl Show for $t { fn show(&self) -> String { format!(\"{self:?}\") } })* } }
show! { String bool i8 i16 i32 i64 u8 u16 u32 u64 }
",
    );
    text.push_str(HELPERS);
    for (number, (ty, code)) in CASES.iter().enumerate() {
        let _ = writeln!(text, "fn p{number}(q: Row) -> String {{ let x: {ty} = {code}; x.show() }}");
    }
    text.push_str("fn main() {\n    std::panic::set_hook(Box::new(|_| {}));\n    let rows = vec![\n");
    for (s, t, n, f, b) in ROWS {
        let f = format!("f64::from_bits({})", f.to_bits());
        let _ = writeln!(text, "        Row {{ s: {s:?}.into(), t: {t:?}.into(), n: {n}, f: {f}, b: {b} }},");
    }
    text.push_str("    ];\n    let cases: Vec<fn(Row) -> String> = vec![");
    for number in 0..CASES.len() {
        let _ = write!(text, "p{number}, ");
    }
    text.push_str("];\n    for p in cases { for q in &rows { let q = q.clone(); println!(\"{}\", std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| p(q))).unwrap_or(\"error\".to_string())); } }\n}\n");
    let folder = std::env::temp_dir().join(format!("sabot-text-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the program");
    let (source, program) = (folder.join("cases.rs"), folder.join("cases"));
    std::fs::write(&source, text).expect("the program can be written");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let compiled = Command::new(rustc)
        .args(["--edition", "2024", "-Coverflow-checks=on", "-Copt-level=0", "-o"])
        .arg(&program)
        .arg(&source)
        .output()
        .ok()?;
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&program).output().expect("the program starts");
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    Some(String::from_utf8(output.stdout).expect("the program writes text"))
}
