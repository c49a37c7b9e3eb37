//! Replays what the fuzz targets have in their corpora: no text and no bytes make a panic.
//!
//! The targets are in `fuzz/`, which needs libFuzzer and a nightly toolchain; what they once found is kept as a seed, and
//! this test runs it everywhere.

use sabot_compiler::parse::{graph_from_json, parse};
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, compile};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_runtime::kernel::LoadedArtifact;
use std::fs;
use std::path::Path;

/// The seeds of one target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut seeds: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.expect("the corpus can be listed").path();
            (path.display().to_string(), fs::read(&path).expect("seeds can be read"))
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

#[test]
fn parse_job() {
    for (name, bytes) in seeds("parse_job") {
        let text = String::from_utf8_lossy(&bytes);
        let mut diagnostics = Diagnostics::new();
        for graph in parse(&text, &mut diagnostics) {
            let _ = compile(&graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
        }
        let _ = render_all(&text, &name, &diagnostics);
    }
}

#[test]
fn graph_json() {
    for (name, bytes) in seeds("graph_json") {
        let text = String::from_utf8_lossy(&bytes);
        match graph_from_json(&text) {
            Ok(graph) => {
                let written = graph.to_json();
                let again = graph_from_json(&written).expect("what was written can be read");
                assert_eq!(again.to_json(), written);
                let _ = compile(&graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut Diagnostics::new());
            }
            Err(diagnostics) => {
                let _ = render_all(&text, &name, &diagnostics);
            }
        }
    }
}

#[test]
fn artifact_loader() {
    for (name, bytes) in seeds("artifact_loader") {
        assert!(LoadedArtifact::load(&bytes).is_err(), "{name} is no artifact");
    }
}
