//! The command against the system: pipes, signals, files that change under it, names that are given twice.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const JOB: &str = r#"
use sabot::prelude::*;

#[sabot::record]
struct Row { id: i64, name: String }

#[sabot::pipeline]
fn copy() {
    source::<Row>("rows", csv("rows.csv")).filter(|r| r.id >= 0).sink("out", csv("out.csv"));
}
"#;

/// A folder with the job in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("job.rs"), JOB).expect("written");
    folder
}

fn sabotc(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sabotc"));
    command.args(["run", "job.rs", "--quiet"]).args(arguments).current_dir(folder);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    sabotc(folder, arguments).output().expect("sabotc starts")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for the end of a process, but not for ever.
fn end_of(mut child: Child) -> Output {
    let started = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_named_pipe_is_read_like_standard_input() {
    let folder = folder();
    let made = Command::new("mkfifo").arg(folder.path().join("rows.csv")).status().expect("mkfifo starts");
    assert!(made.success());
    for input in [&["--output", "out=-"][..], &["--input", "rows=rows.csv", "--output", "out=-"]] {
        let child = sabotc(folder.path(), input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        fs::write(folder.path().join("rows.csv"), "id,name\n1,a\n-1,b\n2,c\n").expect("written into the pipe");
        let output = end_of(child);
        assert!(output.status.success(), "{}", errors(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"c\"}\n");
    }
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_its_input() {
    let folder = folder();
    for (signal, rows) in [("INT", &b"id,name\n1,a\n"[..]), ("TERM", b"id,name\n"), ("INT", b"")] {
        let mut child = sabotc(folder.path(), &["--input", "rows=csv:-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut input = child.stdin.take().expect("piped");
        input.write_all(rows).expect("written");
        // It is waiting once its output is there under its temporary name.
        let started = Instant::now();
        while !rows.is_empty() && !names(folder.path()).iter().any(|name| name.starts_with(".out.csv")) {
            assert!(started.elapsed() < Duration::from_secs(60), "it does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(200));
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().expect("sent");
        assert!(sent.success());
        let output = end_of(child);
        drop(input);
        assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
        assert_eq!(names(folder.path()), ["job.rs"], "nothing is left");
    }
}

#[test]
fn a_name_that_is_given_twice_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("rows.csv"), "id,name\n1,a\n").expect("written");
    for arguments in [["--output", "out=a.csv", "--output", "out=b.csv"], ["--input", "rows=a", "--input", "rows=b"]] {
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains("is given twice, first as `a"), "{}", errors(&output));
    }
    assert_eq!(names(folder.path()), ["job.rs", "rows.csv"]);
}

#[test]
fn two_sinks_of_one_file_are_refused() {
    let folder = folder();
    let job = JOB
        .replace("source::<Row>", "let rows = source::<Row>")
        .replace(".filter(|r| r.id >= 0).sink", ";\n    rows.sink(\"again\", csv(\"./link.csv\"));\n    rows.sink");
    fs::write(folder.path().join("job.rs"), job).expect("written");
    fs::write(folder.path().join("rows.csv"), "id,name\n1,a\n").expect("written");
    symlink("out.csv", folder.path().join("link.csv")).expect("linked");
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("out.csv: the sinks `again` and `out` both write it"), "{}", errors(&output));
    assert_eq!(names(folder.path()), ["job.rs", "link.csv", "rows.csv"]);
}

#[test]
fn a_file_that_is_cut_short_while_it_is_read_is_named() {
    let folder = folder();
    let rows = folder.path().join("rows.csv");
    let mut text = "id,name\n".to_owned();
    for row in 0..3_000_000 {
        text += &format!("{row},some name that makes it longer\n");
    }
    // How far the run has come when the file is cut is not in our hands: before it is read and after is fine too.
    for wait_ms in [50, 150, 300, 600] {
        fs::write(&rows, &text).expect("written");
        let child = sabotc(folder.path(), &["-p", "1", "--overwrite"]).stderr(Stdio::piped()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(wait_ms));
        fs::write(&rows, "id,name\n").expect("cut");
        let output = end_of(child);
        assert!(output.status.code().is_some_and(|code| code <= 1), "{}: {}", output.status, errors(&output));
        if errors(&output).contains("was cut short") {
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(
                errors(&output),
                "error: rows.csv: was cut short while it was read, or its disk failed; run the job again\n"
            );
            return;
        }
    }
}
