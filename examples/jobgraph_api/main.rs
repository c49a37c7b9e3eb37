//! The guide's quote enrichment, written with the JobGraph API: builds the graph, optimizes it, prints what the optimizer
//! did, and with `--json` the graph in the form that `sabotc` compiles.

use sabot::compiler::plan_optimizer::PlanOptimizer;
use sabot::execution::job_graph::{GraphError, JobGraph, OperatorType, StreamOperatorNode};
use std::process::ExitCode;

/// Builds the quote enrichment pipeline.
fn build_enrichment_pipeline() -> Result<JobGraph, GraphError> {
    let mut graph = JobGraph::new("quote_enrichment");

    // Sources
    let quotes = StreamOperatorNode::new(OperatorType::Source, "load_quotes")
        .param("kafka_topic", "market.quotes")
        .param("format", "arrow")
        .param(
            "schema",
            [
                "instrumentId: i64",
                "symbol: String",
                "price: f64",
                "bid: f64",
                "ask: f64",
                "volume: i64",
                "eventTime: Timestamp",
            ],
        );
    let securities = StreamOperatorNode::new(OperatorType::Source, "load_securities")
        .param("kafka_topic", "reference.securities")
        .param("format", "arrow")
        .param("schema", ["ID: i64", "CUSIP: String", "NAME: String", "SECTOR: Option<String>"]);

    // Transformations
    let filter = StreamOperatorNode::new(OperatorType::Filter, "filter_high_value")
        .param("column", "price")
        .param("operator", ">")
        .param("value", 100.0);
    let select = StreamOperatorNode::new(OperatorType::Select, "select_security_columns")
        .param("columns", ["ID", "CUSIP", "NAME"]);
    let join = StreamOperatorNode::new(OperatorType::HashJoin, "enrich_quotes")
        .param("left_key", "instrumentId")
        .param("right_key", "ID");

    // Sink
    let sink = StreamOperatorNode::new(OperatorType::Sink, "output_enriched")
        .param("kafka_topic", "enriched.quotes")
        .param("format", "arrow");

    // Build DAG
    let quotes = graph.add_operator(quotes)?;
    let securities = graph.add_operator(securities)?;
    let filter = graph.add_operator(filter)?;
    let select = graph.add_operator(select)?;
    let join = graph.add_operator(join)?;
    let sink = graph.add_operator(sink)?;

    graph.connect(&quotes, &filter)?;
    graph.connect(&filter, &join)?;
    graph.connect(&securities, &select)?;
    graph.connect(&select, &join)?;
    graph.connect(&join, &sink)?;

    Ok(graph)
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]
fn main() -> ExitCode {
    let graph = match build_enrichment_pipeline() {
        Ok(graph) => graph,
        Err(error) => {
            eprintln!("the graph is not well formed: {error}");
            return ExitCode::FAILURE;
        }
    };
    if std::env::args().any(|argument| argument == "--json") {
        println!("{}", graph.to_json());
        return ExitCode::SUCCESS;
    }
    println!("JobGraph created with {} operators", graph.operators.len());

    let mut optimizer = PlanOptimizer::default();
    if let Err(diagnostics) = optimizer.optimize(&graph) {
        for diagnostic in diagnostics.as_slice() {
            eprintln!("{}: {}", diagnostic.code, diagnostic.message);
        }
        return ExitCode::FAILURE;
    }
    let stats = optimizer.get_stats();
    println!("Filters pushed: {}", stats.filters_pushed);
    println!("Projections pushed: {}", stats.projections_pushed);
    println!("Joins reordered: {}", stats.joins_reordered);
    println!("Operators fused: {}", stats.operators_fused);
    println!("Total optimizations: {}", stats.total_optimizations());
    ExitCode::SUCCESS
}
