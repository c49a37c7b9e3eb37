//! `sabotc explain --functions` tells what the compiler knows of each function, as `check -v` does.
#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::process::Command;

const JOB: &str = "use sabot::prelude::*;

#[sabot::record]
struct Order { id: i64, amount: f64, name: String }

#[sabot::udf]
fn mid(bid: f64, ask: f64) -> f64 { (bid + ask) / 2.0 }

#[sabot::udf]
fn ratio(a: i64, b: i64) -> i64 { a / b }

#[sabot::udf]
fn growth(x: f64) -> f64 { x.exp() }

#[sabot::udf]
fn label(o: Order) -> String { o.name.to_uppercase() }

#[sabot::udf]
fn initial(s: &str) -> String { s[0..1].to_string() }

#[sabot::pipeline]
fn orders() {
    source::<Order>(\"orders\", csv(\"orders.csv\"))
        .filter(|o| mid(o.amount, 1.0) > 1.0 && ratio(o.id, 2) > 1 && growth(o.amount) > 0.0)
        .filter(|o| label(o.clone()) == initial(&o.name))
        .sink(\"high\", csv(\"high.csv\"));
}
";

fn printed(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder for the job");
    fs::write(folder.path().join("job.rs"), JOB).expect("the job is written");
    let output = Command::new(env!("CARGO_BIN_EXE_sabotc"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("sabotc is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the text is UTF-8")
}

#[test]
fn each_function_is_described() {
    let text = printed(&["explain", "job.rs", "--functions"]);
    insta::assert_snapshot!(text, @r"
    mid(bid: f64, ask: f64) -> f64   (job.rs:7)
        pure and deterministic: reads its arguments and nothing else
        cannot fail
        in vectors: several rows at once
    ratio(a: i64, b: i64) -> i64   (job.rs:10)
        pure and deterministic: reads its arguments and nothing else
        a row is an error on division by zero, overflow
        in vectors: several rows at once
    growth(x: f64) -> f64   (job.rs:13)
        pure and deterministic: reads its arguments and nothing else; the last bit of `exp` is std's on the machine that runs it
        cannot fail
        in vectors: several rows at once
    label(o: Order) -> String   (job.rs:16)
        pure and deterministic: reads its arguments and nothing else
        cannot fail
        row by row: it works on text
        makes text, bytes or lists, of at most 64 MiB a row
    initial(s: String) -> String   (job.rs:19)
        pure and deterministic: reads its arguments and nothing else
        a row is an error on a slice out of range
        row by row: it works on text
    ");
    assert_eq!(printed(&["check", "job.rs", "-v"]), text);
}
