//! Jobs with pieces changed, left out and mixed, as an author in the middle of an edit has them, and worse: no text makes the
//! compiler panic, what passes the checks gets code, and that code, run over rows, ends with rows or an error.
//!
//! Every text is made of a number, which a failure names. `SABOT_MUTATIONS=20000 cargo test -p sabot-snapshots --test
//! mutations` tries more of them, `SABOT_MUTATIONS_FROM` others.

use sabot_codegen::{CodegenError, CompileOptions};
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, compile, parse};
use sabot_ir::diagnostic::{Diagnostics, Severity};
use sabot_ir::display::diagnostic::render_all;
use sabot_ir::plan::Plan;
use sabot_runtime::{Job, RunOptions};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// How many texts are tried by default.
const TEXTS: u64 = 150;

#[test]
fn no_text_makes_a_panic() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number of texts"))
    };
    let first = number("SABOT_MUTATIONS_FROM", 0);
    let seeds = seeds();
    let work = tempfile::tempdir().expect("a temporary folder");
    let mut failed = Vec::new();
    for seed in first..first + number("SABOT_MUTATIONS", TEXTS) {
        let text = mutated(&seeds, seed);
        // Kernels could end the process: then this file is what did it.
        std::fs::write(work.path().join("job.rs"), &text).expect("written");
        if catch_unwind(|| all_stages(&text, work.path())).is_err() {
            let kept = std::env::temp_dir().join(format!("sabot-mutation-{seed}.rs"));
            std::fs::write(&kept, &text).expect("written");
            failed.push(kept.display().to_string());
        }
    }
    assert!(failed.is_empty(), "these make a panic: {failed:#?}");
}

/// Texts of jobs to start from: the examples, the functions and jobs of other tests, what fuzzing has found.
fn seeds() -> Vec<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["examples", "snapshots/user_jobs", "snapshots/user_jobs/refused", "fuzz/corpus/parse_job"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            let job = path.join("job.rs");
            files.push(if path.is_dir() { job } else { path });
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs") && file.is_file());
    files.sort();
    assert!(files.len() > 10, "the seeds are part of the tree: {files:?}");
    let text = |file: &PathBuf| String::from_utf8_lossy(&std::fs::read(file).expect("a seed can be read")).into_owned();
    files.iter().map(|file| pieces(&text(file))).collect()
}

/// Words, numbers and strings, runs of space, and every other character by itself: joined they are the text again.
fn pieces(text: &str) -> Vec<String> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut pieces: Vec<String> = Vec::new();
    let mut last = 0;
    for c in text.chars() {
        match pieces.last_mut() {
            Some(piece) if last != 0 && class(c) == last => piece.push(c),
            Some(_) | None => pieces.push(c.to_string()),
        }
        last = class(c);
    }
    pieces
}

/// What stands well in the wrong place.
const ODD: [&str; 40] = [
    "0",
    "-1",
    "9223372036854775807",
    "i64::MIN",
    "1e308",
    "0.0",
    "f64::NAN",
    "'\\u{1F600}'",
    "\"\"",
    "\"\\0äß\"",
    "None",
    "Some(1)",
    "()",
    "!",
    "?",
    "&",
    "*",
    "..",
    "=",
    "==",
    "as u8",
    "as char",
    "::<i32>",
    "{",
    "}",
    "(",
    ")",
    "|x|",
    "return",
    "break",
    "continue 'a",
    "loop {}",
    "for i in 0.. {}",
    "let mut x = 1;",
    "match 1 {}",
    ".clone()",
    ".unwrap()",
    ".len()",
    "Vec::new()",
    "format!(\"{}\", 1)",
];

/// The text of this number.
fn mutated(seeds: &[Vec<String>], seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below.max(1)
    };
    for _ in 0..8 {
        random(2);
    }
    let mut pieces = seeds[random(seeds.len())].clone();
    for _ in 0..=random(4) {
        let at = random(pieces.len());
        match random(7) {
            0 => drop(pieces.drain(at..(at + 1 + random(4)).min(pieces.len()))),
            1 => pieces.insert(at, ODD[random(ODD.len())].to_owned()),
            2 => pieces[at] = ODD[random(ODD.len())].to_owned(),
            3 => {
                let other = random(pieces.len());
                pieces.swap(at, other);
            }
            4 => {
                let piece = pieces[random(pieces.len())].clone();
                pieces[at] = piece;
            }
            5 => {
                let other = &seeds[random(seeds.len())];
                let from = random(other.len());
                let some = other[from..(from + 1 + random(30)).min(other.len())].to_vec();
                let end = (at + random(30)).min(pieces.len());
                pieces.splice(at..end, some);
            }
            _ => {
                // A number or an operator becomes another: such a text often still means something.
                let changeable = |piece: &String| {
                    piece.parse::<f64>().is_ok() || matches!(piece.as_str(), "+" | "-" | "*" | "/" | "%" | "<" | ">")
                };
                let places: Vec<usize> = (0..pieces.len()).filter(|at| changeable(&pieces[*at])).collect();
                if !places.is_empty() {
                    let at = places[random(places.len())];
                    let (from, to) = if pieces[at].parse::<f64>().is_ok() { (0, 6) } else { (6, 12) };
                    let others = ["0", "1", "2", "255", "4294967296", "3.5", "+", "-", "*", "/", "%", "<"];
                    pieces[at] = others[from + random(to - from)].to_owned();
                }
            }
        }
        if pieces.is_empty() {
            pieces.push(" ".to_owned());
        }
    }
    pieces.concat()
}

fn all_stages(text: &str, work: &Path) {
    let mut diagnostics = Diagnostics::new();
    for graph in parse::parse(text, &mut diagnostics) {
        let compiled = compile(&graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
        let has_errors = diagnostics.as_slice().iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        if let (Some(compiled), false) = (compiled, has_errors) {
            let options =
                CompileOptions { source_file: "job.rs".to_owned(), source_text: text.to_owned(), ..Default::default() };
            match sabot_codegen::compile(&compiled.pipelines, &options) {
                Ok(artifact) => run(&artifact.bytes, &compiled.plan, work),
                Err(CodegenError::Unsupported { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    let _ = render_all(text, "job.rs", &diagnostics);
}

/// Runs a job over the rows of the user job whose columns it reads, if there is one: rows or an error, in some time.
fn run(artifact: &[u8], plan: &Plan, work: &Path) {
    let job = Job::load(artifact).expect("what was compiled can be loaded");
    let inputs = sabot_snapshots::path("user_jobs/inputs");
    let Ok(entries) = std::fs::read_dir(inputs) else { return };
    let [source] = plan.sources.as_slice() else { return };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let first_line =
        |file: &PathBuf| std::fs::read_to_string(file).unwrap_or_default().lines().next().unwrap_or("").to_owned();
    let fits = |file: &&PathBuf| {
        let line = first_line(file);
        source.schema.fields.iter().all(|field| line.contains(&format!("\"{}\":", field.name)))
    };
    let Some(input) = files.iter().find(fits) else { return };
    let options = RunOptions {
        parallelism: Some(1),
        inputs: [(source.name.clone(), input.display().to_string())].into(),
        outputs: plan
            .sinks
            .iter()
            .map(|sink| (sink.name.clone(), work.join(&sink.name).with_extension("ndjson").display().to_string()))
            .collect(),
        overwrite: true,
        limit: Some(4),
        ..RunOptions::default()
    };
    let _ = job.run(&options);
}
