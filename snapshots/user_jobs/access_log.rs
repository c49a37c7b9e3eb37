//! Lines of a web server's log, taken apart; what is no such line is left out.

use sabot::prelude::*;

#[sabot::record]
pub struct Line {
    line: String,
}

#[sabot::record]
pub struct Hit {
    pub method: String,
    pub path: String,
    pub status: u16,
    pub class: String,
    pub bytes: Option<u64>,
}

#[sabot::udf]
pub fn field(line: &str, n: usize) -> Option<&str> {
    line.split(' ').nth(n)
}

#[sabot::udf]
pub fn status(line: &str) -> Option<u16> {
    let status = field(line, 3)?.parse::<u16>().ok()?;
    if (100..600).contains(&status) { Some(status) } else { None }
}

#[sabot::udf]
pub fn path_of(target: &str) -> String {
    match target.find('?') {
        Some(at) => target[..at].to_string(),
        None => target.to_string(),
    }
}

#[sabot::udf]
pub fn class_of(status: u16) -> &'static str {
    match status / 100 {
        2 => "ok",
        3 => "redirect",
        4 => "client error",
        5 => "server error",
        _ => "other",
    }
}

#[sabot::udf]
pub fn parse(line: &str) -> Option<Hit> {
    let method = field(line, 1)?;
    if method != "GET" && method != "POST" {
        return None;
    }
    let target = field(line, 2)?;
    let status = status(line)?;
    let bytes = field(line, 4).and_then(|b| b.parse().ok());
    Some(Hit {
        method: method.to_string(),
        path: path_of(target),
        status,
        class: class_of(status).to_string(),
        bytes,
    })
}

#[sabot::pipeline]
pub fn access_log() {
    source::<Line>("rows", ndjson("rows.ndjson"))
        .filter_map(|l| parse(&l.line))
        .sink("out", ndjson("out.ndjson"));
}
