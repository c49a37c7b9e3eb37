//! The same job gives the same artifact: twice, in two folders, by any name, for either machine.

use std::fs;
use std::path::Path;
use std::process::Command;

fn build(folder: &Path, file: &str, target: &str) -> Vec<u8> {
    let output = folder.join("job.sabot");
    let made = Command::new(env!("CARGO_BIN_EXE_sabotc"))
        .args(["build", file, "--emit", "artifact", "--target", target, "--output"])
        .arg(&output)
        .current_dir(folder)
        .output()
        .expect("sabotc starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(output).expect("the artifact was written")
}

#[test]
fn the_same_job_gives_the_same_bytes_in_any_folder() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/spread_udf");
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    for folder in &folders {
        fs::copy(example.join("job.rs"), folder.path().join("job.rs")).expect("copied");
        fs::create_dir(folder.path().join("input")).expect("made");
        fs::copy(example.join("input/quotes.csv"), folder.path().join("input/quotes.csv")).expect("copied");
    }
    for target in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        let first = build(folders[0].path(), "job.rs", target);
        assert_eq!(first, build(folders[0].path(), "job.rs", target), "twice");
        assert_eq!(first, build(folders[1].path(), "job.rs", target), "in another folder");
        let absolute = folders[1].path().join("job.rs");
        let absolute = absolute.to_str().expect("a path of text");
        assert_eq!(first, build(folders[1].path(), absolute, target), "by another name");
    }
}
