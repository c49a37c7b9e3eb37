//! `--message-format json` has the shape of rustc's own: the same keys at the same places, of the same types.
//!
//! Skipped where there is no rustc.
#![allow(missing_docs, reason = "a test")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output};

/// A job with a mistake behind characters of several bytes, one over several lines, and a warning.
const JOB: &str = "use sabot::prelude::*;

#[sabot::record]
struct Quote { id: i64, name: String, price: f64 }

#[sabot::pipeline]
fn job() {
    let quotes = source::<Quote>(\"quotes\", csv(\"q.csv\"));
    quotes.filter(|q| q.name == \"äöü€𝄞\" && q.prise > 1.0).sink(\"a\", csv(\"a.csv\"));
    quotes
        .map(|q| match q.id {
            1 => q,
        })
        .sink(\"b\", csv(\"b.csv\"));
}
";

/// The same kinds of mistakes in plain Rust: an unknown field with a suggestion, a missing arm, something unused.
const RUST: &str = "
struct Quote { id: i64, price: f64 }
pub fn f(q: Quote) -> f64 {
    let unused = 1;
    match q.id { 1 => {} }
    q.prise
}
";

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stderr.clone()).expect("messages are UTF-8");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Every place in a value, `spans[].text[].highlight_start`, with the types that stand there.
fn shape(value: &Value, at: &str, shapes: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let ty = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    shapes.entry(at.to_owned()).or_default().insert(ty);
    if let Value::Array(items) = value {
        items.iter().for_each(|item| shape(item, &format!("{at}[]"), shapes));
    }
    if let Value::Object(entries) = value {
        // Children have the form of what they are in.
        let at = at.replace(".children[]", "");
        entries.iter().for_each(|(key, value)| shape(value, &format!("{at}.{key}"), shapes));
    }
}

fn shapes(values: &[Value]) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut all = BTreeMap::new();
    values.iter().for_each(|value| shape(value, "", &mut all));
    all
}

fn ours(job: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder for the job");
    fs::write(folder.path().join("job.rs"), job).expect("the job is written");
    let output = Command::new(env!("CARGO_BIN_EXE_sabotc"))
        .args(["check", "job.rs", "--message-format", "json"])
        .current_dir(folder.path())
        .output()
        .expect("sabotc is built");
    objects(&output)
}

#[test]
fn the_shape_is_that_of_rustc() {
    let folder = tempfile::tempdir().expect("a folder for the program");
    let program = folder.path().join("lib.rs");
    fs::write(&program, RUST).expect("the program is written");
    let rustc = Command::new("rustc")
        .args(["--error-format=json", "--crate-type=lib", "--edition=2024", "--emit=metadata"])
        .arg("-o")
        .arg(folder.path().join("lib.rmeta"))
        .arg(&program)
        .output();
    let Ok(rustc) = rustc else { return };
    let theirs = shapes(&objects(&rustc));
    let ours = shapes(&ours(JOB));
    let keys = |shapes: &BTreeMap<String, BTreeSet<&str>>| shapes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&theirs));
    for (at, types) in &ours {
        let unknown: Vec<_> = types.difference(&theirs[at]).collect();
        assert!(unknown.is_empty(), "{at} is {unknown:?} here, and {:?} in rustc", theirs[at]);
    }
}

#[test]
fn columns_count_characters_and_edits_can_be_made() {
    let list = ours(JOB);
    let unknown = list.iter().find(|value| value["code"]["code"] == "E0403").expect("the field is unknown");
    let span = &unknown["spans"][0];
    let line = JOB.lines().nth(8).expect("line 9");
    let column = line[..line.find("prise").expect("the field")].chars().count() + 1;
    assert_eq!((span["line_start"].as_u64(), span["column_start"].as_u64()), (Some(9), Some(column as u64)));
    let at = |key: &str| usize::try_from(span[key].as_u64().expect("an offset")).expect("a small one");
    assert_eq!(&JOB[at("byte_start")..at("byte_end")], "prise");
    assert_eq!(unknown["children"][0]["spans"][0]["suggested_replacement"], "price");
    assert!(unknown["code"]["explanation"].as_str().is_some_and(|page| page.starts_with("# E0403")));
    assert!(unknown["rendered"].as_str().is_some_and(|text| text.ends_with("more: sabotc explain E0403\n")));
}

#[test]
fn a_job_without_mistakes_says_nothing() {
    let right = JOB.replace("prise", "price").replace("1 => q,", "1 => q,\n            _ => Quote { id: 0, ..q },");
    assert_eq!(ours(&right), Vec::<Value>::new());
}
