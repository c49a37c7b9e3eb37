//! The executable without a job, or with one that is damaged: what it says, and how it ends. Whole jobs are run by the tests
//! of the examples.

use sabot_runtime::executable::append;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

const RUNTIME: &str = env!("CARGO_BIN_EXE_sabot-rt");

/// Exit status, standard output, standard error.
fn run(program: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = loop {
        match Command::new(program).args(arguments).output() {
            // Another test's child still holds the file that was just written, until it becomes its program.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => break output.expect("it starts"),
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_bare_runtime_says_what_it_is() {
    let (status, out, said) = run(Path::new(RUNTIME), &[]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(said.starts_with("error: this is the bare runtime, and no job is attached to it"), "{said}");
    let (status, out, _) = run(Path::new(RUNTIME), &["--help"]);
    assert_eq!(status, Some(0));
    assert!(out.contains("sabot-rt ARTIFACT [FLAGS]"), "{out}");
    let (status, out, _) = run(Path::new(RUNTIME), &["--version"]);
    assert_eq!((status, out), (Some(0), format!("sabot-rt {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn what_is_no_job_is_named() {
    let (status, _, said) = run(Path::new(RUNTIME), &["/nowhere/job.sabot"]);
    assert_eq!(status, Some(1));
    assert!(said.starts_with("error: /nowhere/job.sabot: cannot be read: "), "{said}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (status, _, said) = run(Path::new(RUNTIME), &[file]);
    assert_eq!(status, Some(1));
    assert_eq!(said, format!("error: {file}: this is not a Sabot artifact: it does not begin like one\n"));
}

#[test]
fn a_damaged_job_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("job");
    let executable = append(&std::fs::read(RUNTIME).expect("readable"), b"\x7fELF and no more");
    std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o755)
        .open(&path)
        .and_then(|mut file| file.write_all(&executable))
        .expect("written");
    let (status, _, said) = run(&path, &[]);
    assert_eq!(status, Some(1));
    assert_eq!(said, "error: this is not a Sabot artifact: its descriptor is missing\n");
    let (status, _, said) = run(&path, &["--inptu", "a=b"]);
    assert_eq!(status, Some(2));
    assert_eq!(said, "error: unknown argument `--inptu`; `--help` lists what there is\n");
}
