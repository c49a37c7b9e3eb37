//! Every example gives its golden output: by the reference interpreter, with one worker, with two, and as a per-job
//! executable. `SABOT_UPDATE_GOLDEN=1` writes what the interpreter gives.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// An example as a user runs it.
struct Example {
    folder: &'static str,
    job: &'static str,
    /// Source and file below the example's folder.
    inputs: &'static [(&'static str, &'static str)],
    /// Sink and golden file.
    outputs: &'static [(&'static str, &'static str)],
}

const QUOTE_ENRICHMENT: Example = Example {
    folder: "quote_enrichment",
    job: "job.rs",
    inputs: &[("quotes", "input/quotes.csv"), ("securities", "input/securities.csv")],
    outputs: &[("enriched", "enriched.csv")],
};

const SPREAD_UDF: Example =
    Example { folder: "spread_udf", job: "job.rs", inputs: &[], outputs: &[("spreads", "spreads.csv")] };

const VOLUME_BY_SYMBOL: Example = Example {
    folder: "volume_by_symbol",
    job: "job.rs",
    inputs: &[],
    outputs: &[("volumes", "volumes.csv"), ("market", "market.ndjson")],
};

const FAN_OUT: Example = Example {
    folder: "fan_out",
    job: "job.rs",
    inputs: &[],
    outputs: &[
        ("alerts", "alerts.ndjson"),
        ("orphans", "orphans.csv"),
        ("dearest", "dearest.csv"),
        ("regions", "regions.csv"),
    ],
};

const WORD_COUNT: Example =
    Example { folder: "word_count", job: "job.rs", inputs: &[], outputs: &[("counts", "counts.csv")] };

const INVOICES: Example = Example {
    folder: "invoices",
    job: "job.rs",
    inputs: &[],
    outputs: &[("due", "due.ndjson"), ("months", "months.csv")],
};

const DRAWDOWN: Example = Example {
    folder: "drawdown",
    job: "job.rs",
    inputs: &[],
    outputs: &[("falls", "falls.csv"), ("days", "days.ndjson"), ("largest", "largest.csv")],
};

const JOBGRAPH_API: Example = Example {
    folder: "jobgraph_api",
    job: "graph.json",
    inputs: &[
        ("load_quotes", "../quote_enrichment/input/quotes.csv"),
        ("load_securities", "../quote_enrichment/input/securities.csv"),
    ],
    outputs: &[("output_enriched", "enriched.ndjson")],
};

#[test]
fn quote_enrichment() {
    check(&QUOTE_ENRICHMENT);
}

#[test]
fn spread_udf() {
    check(&SPREAD_UDF);
}

#[test]
fn volume_by_symbol() {
    check(&VOLUME_BY_SYMBOL);
}

#[test]
fn fan_out() {
    check(&FAN_OUT);
}

#[test]
fn word_count() {
    check(&WORD_COUNT);
}

#[test]
fn invoices() {
    check(&INVOICES);
}

#[test]
fn drawdown() {
    check(&DRAWDOWN);
}

#[test]
fn jobgraph_api() {
    let made = run(Command::new(binaries().join("jobgraph_api")).arg("--json"));
    let path = folder(&JOBGRAPH_API).join(JOBGRAPH_API.job);
    if updating() {
        std::fs::write(&path, &made.stdout).expect("the example's folder can be written");
    }
    let kept = std::fs::read_to_string(path).expect("graph.json is part of the example");
    assert_eq!(String::from_utf8_lossy(&made.stdout), kept, "graph.json is what the program prints");
    check(&JOBGRAPH_API);
}

#[test]
fn the_guides_figures() {
    let printed = run(&mut Command::new(binaries().join("jobgraph_api")));
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    for line in ["Filters pushed: 1", "Projections pushed: 1", "Joins reordered: 0", "Operators fused: 0"] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

/// Runs an example every way and compares each output with its golden file.
fn check(example: &Example) {
    let work = tempfile::tempdir().expect("a temporary directory can be made");
    let executable = work.path().join("job");
    let built = run(sabotc(example).args(["build", example.job, "-o"]).arg(&executable).args(["--quiet"]));
    assert!(built.stdout.is_empty(), "build has nothing to say on standard output");

    let ways: [(&str, Vec<&str>); 3] =
        [("interpreter", vec!["--interpret"]), ("one worker", vec!["-p", "1"]), ("two workers", vec!["-p", "2"])];
    for (way, flags) in ways {
        let outputs = work.path().join(way.replace(' ', "_"));
        std::fs::create_dir(&outputs).expect("a directory can be made");
        run(sabotc(example).args(["run", example.job, "--quiet"]).args(flags).args(files(example, &outputs)));
        compare(example, way, &outputs);
    }
    let outputs = work.path().join("executable");
    std::fs::create_dir(&outputs).expect("a directory can be made");
    run(Command::new(&executable)
        .current_dir(folder(example))
        .arg("--quiet")
        .args(files(example, &outputs))
        .env_clear());
    compare(example, "executable", &outputs);
}

fn files(example: &Example, outputs: &Path) -> Vec<String> {
    let mut arguments = Vec::new();
    for (source, file) in example.inputs {
        arguments.extend(["--input".to_owned(), format!("{source}={file}")]);
    }
    for (sink, golden) in example.outputs {
        arguments.extend(["--output".to_owned(), format!("{sink}={}", outputs.join(golden).display())]);
    }
    arguments
}

fn compare(example: &Example, way: &str, outputs: &Path) {
    for (sink, golden) in example.outputs {
        let made = std::fs::read_to_string(outputs.join(golden)).expect("the sink's file is there");
        let kept = folder(example).join("golden").join(golden);
        if updating() && way == "interpreter" {
            std::fs::create_dir_all(kept.parent().expect("it has a folder"))
                .expect("the example's folder can be written");
            std::fs::write(&kept, &made).expect("the example's folder can be written");
        }
        let kept = std::fs::read_to_string(&kept).expect("the golden file is part of the example");
        // An executable is compiled before it knows its files: of two topics it joins rows as they come.
        let has_order = way != "executable" || example.folder != JOBGRAPH_API.folder;
        assert_eq!(lines(&made, has_order), lines(&kept, has_order), "{}: sink `{sink}` by {way}", example.folder);
    }
}

fn lines(text: &str, has_order: bool) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    if !has_order {
        lines.sort_unstable();
    }
    lines
}

fn updating() -> bool {
    std::env::var_os("SABOT_UPDATE_GOLDEN").is_some()
}

fn folder(example: &Example) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(example.folder)
}

fn sabotc(example: &Example) -> Command {
    let mut command = Command::new(binaries().join("sabotc"));
    command.current_dir(folder(example));
    command
}

/// Where the workspace's binaries are, built once.
fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let directory = test.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps").to_owned();
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--locked", "--workspace", "--bins"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        if directory.ends_with("release") {
            cargo.arg("--release");
        }
        run(&mut cargo);
        directory
    })
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program can be started");
    assert!(
        output.status.success(),
        "{command:?} failed with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
