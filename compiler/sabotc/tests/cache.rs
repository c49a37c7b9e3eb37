//! Kernels are compiled once: what an edit does not touch is taken from the cache, and the artifact does not show it.

use std::fs;
use std::path::Path;
use std::process::Command;

const JOB: &str = r#"use sabot::prelude::*;

#[sabot::record]
struct Row { a: i64, b: f64, name: String }

#[sabot::record]
struct Out { a: i64 }

#[sabot::record]
struct Other { b: f64, is_long: bool }

#[sabot::udf]
fn twice(a: i64) -> i64 { a * 2 }

#[sabot::udf]
fn half(b: f64) -> f64 { b / 2.0 }

#[sabot::pipeline]
fn cached() {
    let rows = source::<Row>("rows", csv("rows.csv"));
    rows.map(|r| Out { a: twice(r.a) }).sink("a", csv("a.csv"));
    rows.filter(|r| r.name != "x").map(|r| Other { b: half(r.b), is_long: r.name.len() > 3 }).sink("b", csv("b.csv"));
}
"#;

/// The artifact of a job, how many of its kernels were cached, and how many there are.
fn build(folder: &Path, source: &str, cache: Option<&Path>) -> (Vec<u8>, usize, usize) {
    fs::write(folder.join("job.rs"), source).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sabotc"));
    command.args(["build", "job.rs", "--emit", "artifact", "--timings", "--output", "job.sabot"]).current_dir(folder);
    match cache {
        Some(cache) => command.env("SABOT_CACHE_DIR", cache),
        None => command.arg("--no-cache"),
    };
    let made = command.output().expect("sabotc starts");
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{said}");
    let line = said.lines().find(|line| line.contains("cached kernels")).unwrap_or_default();
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    let (found, all) = numbers.next().zip(numbers.next()).expect("two numbers");
    (fs::read(folder.join("job.sabot")).expect("the artifact was written"), found, all)
}

#[test]
fn an_edit_compiles_only_what_it_changes_and_nothing_else_differs() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = tempfile::tempdir().expect("a folder");
    let (first, found, all) = build(folder.path(), JOB, Some(cache.path()));
    assert_eq!(found, 0);
    assert!(all > 3, "more than one map, each with its replay");
    let (again, found, _) = build(folder.path(), JOB, Some(cache.path()));
    assert_eq!(found, all);
    assert!(first == again, "a cached build gives the same bytes");

    // A longer function moves everything behind it, and changes one kernel and its replay.
    let edited = JOB.replace("{ a * 2 }", "{ let b = a + 1; b * 2 }");
    let (warm, found, _) = build(folder.path(), &edited, Some(cache.path()));
    assert_eq!(found, all - 2);
    let (cold, ..) = build(folder.path(), &edited, None);
    assert!(warm == cold, "kernels from the cache know where they stand now");

    for file in fs::read_dir(cache.path()).expect("a folder") {
        let file = file.expect("a file").path();
        let mut bytes = fs::read(&file).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(&file, bytes).expect("written");
    }
    let (mended, found, _) = build(folder.path(), &edited, Some(cache.path()));
    assert_eq!(found, 0);
    assert!(mended == cold, "a damaged cache is no cache");
}

#[test]
fn a_cache_that_cannot_be_written_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a file");
    fs::write(&file, "").expect("written");
    for _ in 0..2 {
        let (_, found, _) = build(folder.path(), JOB, Some(&file));
        assert_eq!(found, 0);
    }
}
