//! How long each stage of the compiler takes: `cargo run --release -p sabot-benches --bin compile_time [job.rs…]`.
//!
//! Without arguments: a job of twenty operators. Prints the median of many runs, in microseconds.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the measurement is the output")]

use sabot_benches::median_us;
use sabot_codegen::{CompileOptions, compile};
use sabot_compiler::{Catalog, check, parse, passes::PlanOptimizer, physical};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::JobGraph;

const RUNS: usize = 101;
const CODEGEN_RUNS: usize = 11;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        return measure("twenty operators", &sabot_benches::job_of_twenty_operators());
    }
    for path in paths {
        measure(&path, &std::fs::read_to_string(&path)?)?;
    }
    Ok(())
}

fn measure(name: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut diagnostics = Diagnostics::new();
    for graph in parse::parse(text, &mut diagnostics) {
        let plan = check::check(&graph, &Catalog::default(), &mut diagnostics);
        let Some(plan) = plan.filter(|_| !diagnostics.has_errors()) else {
            return Err(format!("{name}: {diagnostics:?}").into());
        };
        let mut optimized = plan.clone();
        let mut optimizer = PlanOptimizer::default();
        optimizer.optimize_plan(&mut optimized);
        let pipelines = physical::pipelines(&optimized);
        println!(
            "{name}, job {}: {} operators, {} optimizations",
            graph.job_name,
            graph.operators.len(),
            optimizer.get_stats().total_optimizations()
        );
        row("parse", median_us(RUNS, || parse::parse(text, &mut Diagnostics::new())));
        row("check", median_us(RUNS, || check_again(&graph)));
        let clone_us = median_us(RUNS, || plan.clone());
        let optimize_us = median_us(RUNS, || {
            let mut plan = plan.clone();
            PlanOptimizer::default().optimize_plan(&mut plan);
            plan
        });
        row("optimize", optimize_us - clone_us);
        row("pipelines", median_us(RUNS, || physical::pipelines(&optimized)));
        let options = CompileOptions { threads: 1, ..CompileOptions::default() };
        match compile(&pipelines, &options) {
            Ok(_) => row("codegen", median_us(CODEGEN_RUNS, || compile(&pipelines, &options))),
            Err(error) => println!("  codegen: {error:?}"),
        }
    }
    Ok(())
}

fn check_again(graph: &JobGraph) -> Option<sabot_ir::plan::Plan> {
    check::check(graph, &Catalog::default(), &mut Diagnostics::new())
}

fn row(stage: &str, us: f64) {
    println!("  {stage:<10} {us:>10.1} us");
}
