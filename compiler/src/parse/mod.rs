//! `syn` syntax to [`JobGraph`]; syn types end here.

mod operator;

use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::JobGraph;

/// Parses a job file: one graph per `#[sabot::pipeline]` function, in the order they stand.
///
/// Mistakes are pushed into `diagnostics`; what could be understood is returned, so that later stages can go on.
pub fn parse(_source: &str, _diagnostics: &mut Diagnostics) -> Vec<JobGraph> {
    Vec::new()
}

/// Reads the JSON form of a graph.
///
/// # Errors
/// The text is not JSON, or not a graph; with the offset where that shows.
pub fn graph_from_json(_text: &str) -> Result<JobGraph, Diagnostics> {
    Err(Diagnostics::new())
}
