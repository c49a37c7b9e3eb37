//! Jobs as a user of Rust writes them, who has not read the compiler: each is run by kernels and by the reference interpreter
//! and gives what rustc makes of the same functions; cargo takes the same files. What is outside of the language is refused
//! with a word about what to write instead.
//!
//! `snapshots/user_jobs/` holds the jobs, their rows in `inputs/`, and in `golden/` what a program of rustc's printed that calls
//! the jobs' functions on these rows. `refused/` holds what is refused: where the language has grown, a file of it moves up.

use sabot_snapshots::rustc::facade;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    sabot_snapshots::path("user_jobs")
}

/// The names of the Rust files in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let rust = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn by_sabotc(name: &str, flags: &[&str]) -> Result<Vec<Value>, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_sabotc"))
        .args(["run", &format!("{name}.rs"), "--quiet", "--output", "out=-", "--input"])
        .arg(format!("rows=inputs/{name}.ndjson"))
        .args(flags)
        .current_dir(folder())
        .output()
        .expect("sabotc starts");
    if !output.status.success() {
        return Err(format!("{name} {flags:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(rows(&String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn every_job_gives_what_rustc_gives() {
    let mut wrong = String::new();
    for name in names(&folder()) {
        let golden = folder().join("golden").join(&name).with_extension("ndjson");
        let expected = rows(&std::fs::read_to_string(golden).expect("what rustc gives is part of the tree"));
        for flags in [&["-p", "1"][..], &["--interpret"]] {
            match by_sabotc(&name, flags) {
                Err(error) => wrong += &error,
                Ok(rows) if rows == expected => {}
                Ok(rows) => {
                    wrong += &format!("{name} {flags:?}: {} rows, {} by rustc\n", rows.len(), expected.len());
                    for (row, expected) in rows.iter().zip(&expected).filter(|(row, expected)| row != expected).take(5)
                    {
                        wrong += &format!("  {row}\n  {expected} by rustc\n");
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn cargo_takes_every_job() {
    let mut wrong = String::new();
    let output = tempfile::tempdir().expect("a temporary folder");
    for name in names(&folder()) {
        let mut rustc = facade().compiler("rustc", &folder());
        rustc.args(["--crate-type", "lib", "--crate-name", &name, "--emit", "metadata", "--out-dir"]);
        let said = rustc.arg(output.path()).arg(format!("{name}.rs")).output().expect("rustc starts");
        if !said.status.success() {
            wrong += &format!("{name}:\n{}\n", String::from_utf8_lossy(&said.stderr));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_refused_says_what_to_write() {
    let folder = folder().join("refused");
    let mut wrong = String::new();
    for name in names(&folder) {
        let output = Command::new(env!("CARGO_BIN_EXE_sabotc"))
            .args(["check", &format!("{name}.rs"), "--color", "never"])
            .current_dir(&folder)
            .output()
            .expect("sabotc starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(3) {
            wrong += &format!(
                "{name} is not refused ({}): move it up, with rows and what rustc makes of them\n",
                output.status
            );
        } else if !said.contains("help: ") {
            wrong += &format!("{name}: no word about what to write instead\n{said}");
        } else {
            sabot_snapshots::assert_stage!("user_jobs/refused", name, said);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
