//! Every example as cargo code: the same graph as `sabotc` makes of the file, no warning, and the golden output when it is
//! compiled and run in this process.

use sabot::JobGraph;
use sabot::prelude::*;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::Diagnostics;
use sabot_snapshots::rustc::facade;
use std::path::{Path, PathBuf};

/// The jobs of the examples with the values that are the defaults of their parameters.
fn jobs() -> Vec<(&'static str, JobGraph)> {
    vec![
        ("drawdown", sabot_examples::drawdown::drawdown()),
        ("fan_out", sabot_examples::fan_out::fan_out(5000.0)),
        ("invoices", sabot_examples::invoices::invoices()),
        ("quote_enrichment", sabot_examples::quote_enrichment::quote_enrichment(100.0)),
        ("spread_udf", sabot_examples::spread_udf::spread_udf()),
        ("volume_by_symbol", sabot_examples::volume_by_symbol::volume_by_symbol()),
        ("word_count", sabot_examples::word_count::word_count(2)),
    ]
}

fn folder(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(example)
}

#[test]
fn every_example_is_here() {
    let entries = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the package's folder can be read");
    let mut written: Vec<String> = entries
        .map(|entry| entry.expect("an entry can be read"))
        .filter(|entry| entry.path().join("job.rs").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    written.sort();
    let known: Vec<&str> = jobs().iter().map(|(name, _)| *name).collect();
    assert_eq!(known, written, "an example is a module of this crate and stands in `jobs`");
}

#[test]
fn the_graph_is_that_of_sabotc() {
    for (name, graph) in jobs() {
        let text = std::fs::read_to_string(folder(name).join("job.rs")).expect("the example's text");
        let graphs = parse(&text, &mut Diagnostics::new());
        let by_sabotc =
            graphs.iter().find(|graph| graph.job_name == name).expect("the pipeline is named as its folder");
        assert_eq!(graph.to_json(), by_sabotc.to_json(), "{name}");
        assert_eq!(graph.operators, by_sabotc.operators, "{name}: places in the file");
    }
}

#[test]
fn the_queries_of_nexmark_are_jobs_under_cargo_too() {
    use sabot_examples::nexmark::*;
    let jobs = [
        ("q00", q00::q00()),
        ("q01", q01::q01()),
        ("q02", q02::q02()),
        ("q03", q03::q03()),
        ("q04", q04::q04()),
        ("q05", q05::q05()),
        ("q06", q06::q06()),
        ("q07", q07::q07()),
        ("q08", q08::q08()),
        ("q09", q09::q09()),
        ("q10", q10::q10()),
        ("q11", q11::q11()),
        ("q12", q12::q12()),
        ("q13", q13::q13()),
        ("q14", q14::q14()),
        ("q15", q15::q15()),
        ("q16", q16::q16()),
        ("q17", q17::q17()),
        ("q18", q18::q18()),
        ("q19", q19::q19()),
        ("q20", q20::q20()),
        ("q21", q21::q21()),
        ("q22", q22::q22()),
    ];
    for (name, graph) in jobs {
        let path = folder("nexmark").join(name).with_extension("rs");
        let text = std::fs::read_to_string(path).expect("the query's text");
        let graphs = parse(&text, &mut Diagnostics::new());
        assert_eq!(graphs.len(), 1, "{name}");
        assert_eq!(graph.to_json(), graphs[0].to_json(), "{name}");
    }
}

#[test]
fn arguments_become_the_values_of_parameters() {
    let graph = sabot_examples::quote_enrichment::quote_enrichment(-2.5);
    assert!(graph.to_json().contains("\"rust\": \"-2.5\""), "{}", graph.to_json());
}

#[test]
fn clippy_has_nothing_to_say_of_what_the_attributes_write() {
    // What the jobs' own code does by intent: casts, means of two, columns named as their struct, closures over a row.
    const OWN: [&str; 4] = [
        "clippy::cast_precision_loss",
        "clippy::manual_midpoint",
        "clippy::struct_field_names",
        "clippy::redundant_closure_for_method_calls",
    ];
    for (name, _) in jobs() {
        let output = tempfile::tempdir().expect("a temporary directory can be made");
        let mut clippy = facade().compiler("clippy-driver", &folder(name));
        clippy.args(["--crate-type", "lib", "--crate-name", name, "--emit", "metadata", "job.rs", "--out-dir"]);
        clippy.arg(output.path()).args(["-D", "warnings", "-D", "clippy::pedantic", "-D", "missing_docs"]);
        clippy.args(OWN.iter().flat_map(|lint| ["-A", lint]));
        let Ok(said) = clippy.output() else { return };
        assert!(said.status.success(), "{name}:\n{}", String::from_utf8_lossy(&said.stderr));
    }
}

#[test]
fn compiled_and_run_in_this_process() {
    let work = tempfile::tempdir().expect("a temporary directory can be made");
    for (name, graph) in jobs() {
        // The working directory is this package's; the job's paths count from its folder.
        let mut job = graph.compile().expect("the example compiles");
        let sources = match name {
            "invoices" => vec!["invoices"],
            "word_count" => vec!["lines"],
            "fan_out" => vec!["orders", "customers", "north"],
            "quote_enrichment" => vec!["quotes", "securities"],
            "spread_udf" => vec!["quotes"],
            _ => vec!["trades"],
        };
        for source in sources {
            let is_json = matches!(name, "volume_by_symbol" | "invoices" | "word_count");
            let file = format!("{source}.{}", if is_json { "ndjson" } else { "csv" });
            job = job.input(source, &folder(name).join("input").join(file).to_string_lossy());
        }
        let golden = std::fs::read_dir(folder(name).join("golden")).expect("the example has golden output");
        let golden: Vec<PathBuf> = golden.map(|entry| entry.expect("an entry can be read").path()).collect();
        for file in &golden {
            let sink = file.file_stem().expect("a file has a name").to_string_lossy();
            let output = work.path().join(file.file_name().expect("a file has a name"));
            job = job.output(&sink, &output.to_string_lossy());
        }
        let summary = job.parallelism(2).run().expect("the example runs");
        assert!(!summary.render().is_empty());
        for file in golden {
            let made = std::fs::read_to_string(work.path().join(file.file_name().expect("a file has a name")));
            let kept = std::fs::read_to_string(&file).expect("the golden file is part of the example");
            assert_eq!(made.expect("the sink's file is there"), kept, "{name}: {}", file.display());
        }
    }
}

#[test]
fn explained() {
    let text = sabot_examples::spread_udf::spread_udf().explain().expect("the example compiles");
    assert!(text.contains("optimized plan") && text.contains("pipelines"), "{text}");
}

#[test]
fn an_artifact_is_written() {
    let work = tempfile::tempdir().expect("a temporary directory can be made");
    let path = work.path().join("spread.sabot");
    sabot_examples::spread_udf::spread_udf().build(&path).expect("the artifact can be written");
    let bytes = std::fs::read(&path).expect("it is there");
    assert!(bytes.starts_with(b"\x7fELF"));
}
