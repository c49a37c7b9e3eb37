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
fn rows_of_a_pipe_are_written_while_others_are_waited_for() {
    use std::io::{BufRead, BufReader};
    let folder = folder();
    let mut child = sabotc(folder.path(), &["--input", "rows=csv:-", "--output", "out=-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    input.write_all(b"id,name\n").expect("written");
    for id in 1..4 {
        input.write_all(format!("{id},a\n").as_bytes()).expect("written");
        let line = receiver.recv_timeout(Duration::from_secs(60)).expect("the row comes before the next is there");
        assert_eq!(line, format!("{{\"id\":{id},\"name\":\"a\"}}"));
    }
    drop(input);
    assert!(end_of(child).status.success());
}

/// A count of windows and a copy, of a file that grows.
const FOLLOWED: &str = r#"
use sabot::prelude::*;

#[sabot::record]
struct Row { id: i64, at: Timestamp }

#[sabot::record]
struct Ten { end: Timestamp, rows: i64 }

#[sabot::pipeline]
fn follow() {
    let rows = source::<Row>("rows", csv("rows.csv").follow()).event_time(|r| r.at, lateness(seconds(0)));
    rows.window(tumbling(seconds(10))).aggregate(|w| Ten { end: w.end(), rows: w.count() }).sink("tens", ndjson("tens.ndjson"));
    rows.sink("copy", csv("copy.csv"));
}
"#;

#[test]
fn an_interrupt_ends_a_file_that_grows_and_what_was_read_goes_through() {
    let folder = folder();
    fs::write(folder.path().join("job.rs"), FOLLOWED).expect("written");
    let rows = "id,at\n1,2024-01-01T00:00:01Z\n2,2024-01-01T00:00:02Z\n3,2024-01-01T00:00:22Z\n";
    fs::write(folder.path().join("rows.csv"), rows).expect("written");
    let child = sabotc(folder.path(), &[]).stderr(Stdio::piped()).spawn().expect("starts");
    let started = Instant::now();
    let has_begun = |name: &String| name.starts_with(".copy.csv");
    while !names(folder.path()).iter().any(has_begun) {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let sent = Command::new("kill").args(["-INT".to_owned(), child.id().to_string()]).status().expect("sent");
    assert!(sent.success());
    let output = end_of(child);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
    let tens = "{\"end\":\"2024-01-01T00:00:10Z\",\"rows\":2}\n{\"end\":\"2024-01-01T00:00:30Z\",\"rows\":1}\n";
    assert_eq!((read("tens.ndjson").as_str(), read("copy.csv").lines().count()), (tens, 4));
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

/// Rows twice, without an end.
const TWICE: &str = r#"
use sabot::prelude::*;

#[sabot::record]
struct Row { id: i64 }

#[sabot::pipeline]
fn twice() {
    let rows = source::<Row>("rows", generate().rate(50_000).column("id", "sequence"));
    rows.sink("slow", ndjson("slow.ndjson"));
    rows.sink("other", ndjson("other.ndjson"));
}
"#;

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_another_sink() {
    use std::io::Read;
    let folder = folder();
    fs::write(folder.path().join("job.rs"), TWICE).expect("written");
    let made = Command::new("mkfifo").arg(folder.path().join("slow.ndjson")).status().expect("mkfifo starts");
    assert!(made.success());
    let child = sabotc(folder.path(), &["-p", "1"]).stderr(Stdio::piped()).spawn().expect("starts");
    let mut pipe = fs::File::open(folder.path().join("slow.ndjson")).expect("the job opens it, too");
    let written = || {
        let other = names(folder.path()).into_iter().find(|name| name.starts_with(".other.ndjson"))?;
        fs::metadata(folder.path().join(other)).ok().map(|file| file.len())
    };
    let started = Instant::now();
    // A pipe holds 64 KiB.
    while written().is_none_or(|bytes| bytes < 1 << 20) {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?} bytes, and no more", written());
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT".to_owned(), child.id().to_string()]).status().expect("sent");
    assert!(sent.success());
    let mut slow = String::new();
    pipe.read_to_string(&mut slow).expect("what waited is written before the end");
    let output = end_of(child);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(slow == fs::read_to_string(folder.path().join("other.ndjson")).expect("text"), "both have the same rows");
}
