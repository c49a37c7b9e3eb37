//! Every example told whole: a section for each stage from its text to what the runtime is told.

use sabot_codegen::{CompileOptions, Cpu, KernelText};
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, Compiled, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display;
use sabot_snapshots::assert_stage;
use std::path::Path;

/// Where the CLIF of a snapshot is for: the same on every machine.
const TARGET: &str = "x86_64-unknown-linux-gnu";

fn story(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(file);
    let source = std::fs::read_to_string(path).expect("the example is part of the tree");
    let mut diagnostics = Diagnostics::new();
    let graph = if file.ends_with(".json") {
        parse::graph_from_json(&source).expect("the example is well formed")
    } else {
        parse::parse(&source, &mut diagnostics).pop().expect("the example has a pipeline")
    };
    let compiled =
        sabot_compiler::compile(&graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
    // The guide's own example joins two topics.
    diagnostics.retain(|diagnostic| diagnostic.code != "E0810");
    assert!(diagnostics.is_empty(), "{}", display::diagnostic::render_all(&source, file, &diagnostics));
    let compiled = compiled.expect("a job without errors is compiled");
    let options = CompileOptions {
        target: Some(TARGET.to_owned()),
        cpu: Cpu::V3,
        source_file: "job.rs".to_owned(),
        source_text: String::new(),
        threads: 1,
    };
    let kernels = sabot_codegen::explain(&compiled.pipelines, &options).expect("the example has code");
    let manifest = sabot_codegen::compile(&compiled.pipelines, &options).expect("the example has code").manifest;
    let manifest = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    sections(&source, &compiled, &kernels, &manifest)
}

fn sections(source: &str, compiled: &Compiled, kernels: &[KernelText], manifest: &str) -> String {
    let stats = compiled.stats;
    let figures = format!(
        "filters pushed: {}, projections pushed: {}, joins reordered: {}, operators fused: {}\n\n",
        stats.filters_pushed, stats.projections_pushed, stats.joins_reordered, stats.operators_fused
    );
    let shortest = kernels.iter().min_by_key(|kernel| kernel.clif.len());
    let clif = shortest.map(|kernel| format!("; {}\n{}", kernel.name, kernel.clif)).unwrap_or_default();
    let names: String = kernels.iter().map(|kernel| format!("; {}\n", kernel.name)).collect();
    [
        ("SOURCE", source),
        ("GRAPH", &display::job_graph::text(&compiled.graph)),
        ("PLAN", &display::plan::plan(&compiled.plan)),
        ("OPTIMIZED", &format!("{figures}{}", display::plan::plan(&compiled.optimized))),
        ("PIPELINES", &display::pipeline::pipelines(&compiled.pipelines)),
        ("KERNELS, and the shortest as CLIF", &format!("{names}\n{clif}")),
        ("MANIFEST", manifest),
    ]
    .map(|(title, text)| format!("==== {title} ====\n{}\n", text.trim_end()))
    .join("\n")
}

#[test]
fn quote_enrichment() {
    assert_stage!("jobs", "quote_enrichment", story("quote_enrichment/job.rs"));
}

#[test]
fn spread_udf() {
    assert_stage!("jobs", "spread_udf", story("spread_udf/job.rs"));
}

#[test]
fn volume_by_symbol() {
    assert_stage!("jobs", "volume_by_symbol", story("volume_by_symbol/job.rs"));
}

#[test]
fn fan_out() {
    assert_stage!("jobs", "fan_out", story("fan_out/job.rs"));
}

#[test]
fn word_count() {
    assert_stage!("jobs", "word_count", story("word_count/job.rs"));
}

#[test]
fn invoices() {
    assert_stage!("jobs", "invoices", story("invoices/job.rs"));
}

#[test]
fn drawdown() {
    assert_stage!("jobs", "drawdown", story("drawdown/job.rs"));
}

#[test]
fn jobgraph_api() {
    assert_stage!("jobs", "jobgraph_api", story("jobgraph_api/graph.json"));
}
