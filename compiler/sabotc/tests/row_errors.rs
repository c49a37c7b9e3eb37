//! Rows that cannot be computed, from the command line: the message names the first of them, its place, its values, the
//! expression and its line in the job; policies fail, skip, and an error sink.
#![allow(missing_docs, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const RECORDS: &str = "use sabot::prelude::*;
#[sabot::record]
struct Order { id: i64, name: String, amount: i64 }
#[sabot::record]
struct Share { id: i64, name: String, share: i64 }
#[sabot::record]
struct Known { id: i64 }
#[sabot::record]
struct Out { id: i64, share: i64, other: i64 }
";

/// A folder with a job, `orders.csv` of rows with ids from 1, and `known.csv` with the same ids.
fn folder(job: &str, rows: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for the job");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("the file is written");
    write("job.rs", &format!("{RECORDS}{job}"));
    let (mut orders, mut known) = ("id,name,amount\n".to_owned(), "id\n".to_owned());
    for id in 1..=rows {
        writeln!(orders, "{id},n{id},{}", id * 10).expect("text takes more");
        writeln!(known, "{id}").expect("text takes more");
    }
    write("orders.csv", &orders);
    write("known.csv", &known);
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sabotc"))
        .args(["run", "job.rs", "--overwrite"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("sabotc is built")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn job(policy: &str) -> String {
    format!(
        "#[sabot::pipeline]
fn shares(#[sabot(default = 7)] hole: i64) {{
    source::<Order>(\"orders\", csv(\"orders.csv\"))
        .map(|o| Share {{ id: o.id, name: o.name, share: o.amount / (o.id - hole) }}){policy}
        .sink(\"out\", csv(\"out.csv\"));
}}
"
    )
}

#[test]
fn a_failure_names_row_values_expression_and_line() {
    let folder = folder(&job(""), 20);
    let output = run(&folder, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let said = said(&output);
    for part in [
        "attempt to divide by zero at job.rs:13:57 in `o.amount / (o.id - hole)`",
        "row: orders.csv, line 8",
        "amount = 70",
        "id = 7",
        ".errors(name, connector)",
    ] {
        assert!(said.contains(part), "`{part}` is not said:\n{said}");
    }
    assert!(!folder.path().join("out.csv").exists(), "a run that fails writes nothing");
}

#[test]
fn the_first_row_is_named_on_every_number_of_workers() {
    // Several chunks and several holes: always the first.
    let text = job("").replace("o.id - hole", "o.id % 4000 - 1234");
    let folder = folder(&text, 30_000);
    for workers in ["1", "2", "4"] {
        let said = said(&run(&folder, &["-p", workers]));
        assert!(said.contains("row: orders.csv, line 1235\n"), "with {workers} workers:\n{said}");
    }
}

/// A later step fails in an earlier row of the same chunk: row by row, that one comes first.
#[test]
fn the_first_row_is_named_where_several_steps_fail() {
    let text = "#[sabot::pipeline]
fn shares() {
    let known = table::<Known>(\"known\", csv(\"known.csv\")).primary_key(|k| k.id);
    source::<Order>(\"orders\", csv(\"orders.csv\"))
        .map(|o| Share { id: o.id, name: o.name, share: o.amount / (o.id - 50) })
        .hash_join(known)
        .on(|s| s.id, |k| k.id)
        .map(|s, k| Out { id: s.id, share: s.share, other: 10 / (k.id - 3) })
        .sink(\"out\", csv(\"out.csv\"));
}
";
    let folder = folder(text, 100);
    let first = said(&run(&folder, &[]));
    assert!(first.contains("in `10 / (k.id - 3)`"), "{first}");
    assert!(first.contains("row: orders.csv, line 4\n"), "{first}");
    // And where the earlier step has the earlier row.
    let swapped = text.replace("o.id - 50", "o.id - 2");
    fs::write(folder.path().join("job.rs"), format!("{RECORDS}{swapped}")).expect("the job is written");
    let first = said(&run(&folder, &[]));
    assert!(first.contains("in `o.amount / (o.id - 2)`"), "{first}");
    assert!(first.contains("row: orders.csv, line 3\n"), "{first}");
}

/// The branches of a fan-out are steps of one chunk, too.
#[test]
fn the_first_row_is_named_where_several_branches_fail() {
    let text = "#[sabot::pipeline]
fn shares() {
    let orders = source::<Order>(\"orders\", csv(\"orders.csv\"));
    orders.map(|o| Share { id: o.id, name: o.name, share: 1 / (o.id - 50) }).sink(\"a\", csv(\"a.csv\"));
    orders.map(|o| Share { id: o.id, name: o.name, share: 2 / (o.id - 20) }).sink(\"b\", csv(\"b.csv\"));
    orders.map(|o| Share { id: o.id, name: o.name, share: 3 / (o.id - 70) }).sink(\"c\", csv(\"c.csv\"));
}
";
    let said = said(&run(&folder(text, 100), &[]));
    assert!(said.contains("in `2 / (o.id - 20)`") && said.contains("row: orders.csv, line 21\n"), "{said}");
}

#[test]
fn rows_are_skipped_and_counted() {
    let folder = folder(&job("\n        .skip_errors()"), 20);
    let output = run(&folder, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 row skipped for errors"), "{}", said(&output));
    let out = fs::read_to_string(folder.path().join("out.csv")).expect("the output is there");
    assert_eq!(out.lines().count(), 20, "a header and 19 rows:\n{out}");
    assert!(!out.contains("n7,"), "{out}");
}

#[test]
fn rows_go_to_an_error_sink() {
    let folder = folder(&job("\n        .errors(\"bad\", ndjson(\"bad.ndjson\"))"), 20);
    let output = run(&folder, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let bad = fs::read_to_string(folder.path().join("bad.ndjson")).expect("the error sink is there");
    let rows: Vec<serde_json::Value> =
        bad.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect();
    let [row] = rows.as_slice() else { panic!("one row fails: {bad}") };
    assert_eq!(row["message"], "attempt to divide by zero");
    let text = row["row"].as_str().expect("the row as text");
    assert!(text.starts_with("orders.csv, line 8: "), "{text}");
    assert!(text.contains("amount = 70") && text.contains("id = 7"), "{text}");
    let summary = said(&output);
    for part in ["1 row with errors written to `bad`", "bad:", "Written 1 row to bad.ndjson"] {
        assert!(summary.contains(part), "`{part}` is not said:\n{summary}");
    }
    let out = fs::read_to_string(folder.path().join("out.csv")).expect("the output is there");
    assert_eq!(out.lines().count(), 20, "a header and 19 rows:\n{out}");
}

#[test]
fn a_sink_does_not_replace_what_the_job_reads() {
    let folder = folder(&job(""), 3);
    for (input, output) in [("orders.csv", "orders.csv"), ("*.csv", "./orders.csv"), (".", "orders.csv")] {
        for way in [&["-q"][..], &["--interpret"]] {
            let (input, sink) = (format!("orders={input}"), format!("out={output}"));
            let output = run(&folder, &[&["--input", &input, "--output", &sink], way].concat());
            assert_eq!(output.status.code(), Some(1), "{input} {sink} {way:?}: {}", said(&output));
            assert!(said(&output).contains("the source `orders` reads it"), "{}", said(&output));
        }
    }
    let orders = fs::read_to_string(folder.path().join("orders.csv")).expect("the input is there");
    assert_eq!(orders.lines().count(), 4, "{orders}");
}

#[test]
fn names_that_are_nearly_right_are_proposed() {
    let folder = folder(&job(""), 1);
    for (arguments, meant) in [
        (["--input", "order=orders.csv"], "did you mean `orders`?"),
        (["--output", "outt=o.csv"], "did you mean `out`?"),
        (["--set", "hle=1"], "did you mean `hole`?"),
    ] {
        let output = run(&folder, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(meant), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn warnings_are_errors_where_that_is_asked_for() {
    let text = job("").replace("fn shares(", "fn shares(#[sabot(default = 1)] limit: i64, ");
    let folder = folder(&text, 1);
    let check = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sabotc"));
        command.args(["check", "job.rs"]).args(arguments).current_dir(folder.path()).output().expect("sabotc is built")
    };
    let warned = check(&[]);
    assert!(warned.status.success() && said(&warned).contains("warning[E0807]"), "{}", said(&warned));
    let quiet = check(&["-q"]);
    assert!(quiet.status.success() && said(&quiet).is_empty(), "{}", said(&quiet));
    let refused = check(&["-D", "warnings"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(said(&refused).contains("error[E0807]"), "{}", said(&refused));
}
