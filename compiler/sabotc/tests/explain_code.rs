//! `sabotc explain E0301` prints the page of the code, in whatever form the code is written.
#![allow(missing_docs, reason = "a test")]

use std::process::{Command, Output};

fn sabotc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sabotc")).args(arguments).output().expect("sabotc is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("sabotc writes UTF-8")
}

#[test]
fn a_page_is_printed_without_markdown() {
    let output = sabotc(&["explain", "e302"]);
    assert!(output.status.success());
    let page = text(&output.stdout);
    assert!(page.starts_with("E0302: the sides of an operator have different types\n\n"), "{page}");
    assert!(page.contains("\nWrong\n\n    q.volume * q.price\n"), "{page}");
    assert!(page.contains("\nRight\n\n    q.volume as f64 * q.price\n"), "{page}");
    assert!(page.contains("`q` is a\n  Quote {"), "{page}");
    assert!(!page.contains("```"), "{page}");
    let painted = text(&sabotc(&["--color", "always", "explain", "E0302"]).stdout);
    assert!(painted.starts_with("\x1b[1mE0302:"), "{painted}");
}

#[test]
fn the_list_has_a_line_for_every_code() {
    let list = text(&sabotc(&["explain", "--list"]).stdout);
    assert_eq!(list.lines().count(), sabot_compiler::pages::pages().len());
    assert!(list.contains("\nE0301  a value has another type than is needed\n"), "{list}");
}

#[test]
fn an_unknown_code_is_a_mistake_of_usage() {
    let output = sabotc(&["explain", "E0304"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("there is no error code `E0304`; `sabotc explain --list`"), "{said}");
}

#[test]
fn messages_name_the_page() {
    let folder = tempfile::tempdir().expect("a folder for the job");
    let job = folder.path().join("job.rs");
    std::fs::write(&job, "fn f() {}\n").expect("the job is written");
    let output = Command::new(env!("CARGO_BIN_EXE_sabotc")).arg("check").arg(&job).output().expect("sabotc is built");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(said.contains("\nmore: sabotc explain E0221\n"), "{said}");
}
