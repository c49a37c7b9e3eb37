//! `sabotc check --watch` follows the file through edits, replacement and removal, and ends at Ctrl-C with status 130.
#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any machine takes to notice a change.
const PATIENCE: Duration = Duration::from_secs(30);

const RIGHT: &str = "use sabot::prelude::*;
#[sabot::record]
struct Order { id: i64 }
#[sabot::pipeline]
fn orders() {
    source::<Order>(\"orders\", csv(\"orders.csv\")).filter(|o| o.id > 1).sink(\"high\", csv(\"high.csv\"));
}
";

struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(job: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sabotc"))
            .args(["check", "--watch"])
            .arg(job)
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("sabotc is built");
        let lines = lines_of(child.stderr.take().expect("standard error is a pipe"));
        Self { child, lines }
    }

    /// The lines up to one that holds `text`.
    fn wait_for(&self, text: &str) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            let is_found = line.contains(text);
            seen.push(line);
            if is_found {
                return seen;
            }
        }
        panic!("`{text}` is not said; what was said: {seen:#?}");
    }

    fn interrupt(mut self) -> ExitStatus {
        let done = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "the signal is sent");
        self.child.wait().expect("the process ends")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(pipe: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

#[test]
fn follows_the_file() {
    let folder = tempfile::tempdir().expect("a folder for the job");
    let job = folder.path().join("job.rs");
    fs::write(&job, RIGHT).expect("the job is written");
    let watch = Watch::start(&job, &[]);
    let first = watch.wait_for("Checked orders");
    assert!(first[0].starts_with('['), "a line begins with the time: {first:?}");

    fs::write(&job, RIGHT.replace("o.id", "o.ix")).expect("the job is changed in place");
    watch.wait_for("`Order` has no field `ix`");
    watch.wait_for("1 error");

    // As many editors do: a new file takes the name of the old one.
    let other = folder.path().join("job.rs~");
    fs::write(&other, RIGHT).expect("the new file is written");
    fs::rename(&other, &job).expect("the new file takes the name");
    watch.wait_for("Checked orders");

    fs::remove_file(&job).expect("the job is removed");
    watch.wait_for("there is no such file");
    watch.wait_for("waiting");
    fs::write(&job, RIGHT.replace("orders()", "again()")).expect("the job comes back");
    watch.wait_for("Checked again");

    assert_eq!(watch.interrupt().code(), Some(130));
}

#[test]
fn the_same_text_is_checked_once() {
    let folder = tempfile::tempdir().expect("a folder for the job");
    let job = folder.path().join("job.rs");
    fs::write(&job, RIGHT).expect("the job is written");
    let watch = Watch::start(&job, &[]);
    watch.wait_for("Checked orders");
    fs::write(&job, RIGHT).expect("the job is written again");
    thread::sleep(Duration::from_millis(500));
    fs::write(&job, RIGHT.replace("orders()", "again()")).expect("the job is changed");
    let said = watch.wait_for("Checked again");
    assert!(!said.iter().any(|line| line.contains("Checked orders")), "{said:?}");
}

#[test]
fn json_has_no_lines_beside_it() {
    let folder = tempfile::tempdir().expect("a folder for the job");
    let job = folder.path().join("job.rs");
    fs::write(&job, RIGHT.replace("o.id", "o.ix")).expect("the job is written");
    let watch = Watch::start(&job, &["--message-format", "json"]);
    let said = watch.wait_for("E0403");
    assert!(said.iter().all(|line| line.starts_with('{')), "{said:?}");
}
