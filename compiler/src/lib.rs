//! job.rs text to physical pipelines, the stages in order:
//!
//! `text ─parse▶ JobGraph ─check▶ Plan ─optimize▶ Plan ─pipelines▶ Pipelines`
//!
//! Pure: no files, no clock, no threads, no environment. What the stages have to know of the world (the schemas and sizes
//! of files) comes in through the [`Catalog`].
#![forbid(unsafe_code)]

pub mod check;
mod diagnostics;
pub mod pages;
pub mod parse;
pub mod passes;
pub mod physical;

use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::pipeline::Pipelines;
use sabot_ir::plan::{Plan, Statistics};
use sabot_ir::ty::Schema;
use std::collections::BTreeMap;

/// What is known of the sources' data before the job is compiled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// By the source's name in the job.
    pub sources: BTreeMap<String, SourceFacts>,
}

/// What the file behind a source says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceFacts {
    /// Its columns, by their names in the file; used where the job declares no record.
    pub schema: Option<Schema>,
    /// Its size; distinct counts are by position in `schema`.
    pub statistics: Statistics,
    /// A file stands in its place: its rows end, whatever the job says.
    pub is_replaced: bool,
}

/// Everything that the compiler made of one job, stage by stage.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The job as written.
    pub graph: JobGraph,
    /// With types, before any pass.
    pub plan: Plan,
    /// After the passes.
    pub optimized: Plan,
    /// What the passes did.
    pub stats: passes::OptimizerStats,
    /// Ready for code generation.
    pub pipelines: Pipelines,
}

/// Compiles one job graph.
///
/// Returns nothing if there is an error; messages are pushed into `diagnostics` in any case.
pub fn compile(
    graph: &JobGraph,
    catalog: &Catalog,
    optimizer: &mut passes::PlanOptimizer,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    let plan = check::check(graph, catalog, diagnostics)?;
    if diagnostics.has_errors() {
        return None;
    }
    let mut optimized = plan.clone();
    optimizer.optimize_plan(&mut optimized);
    let pipelines = physical::pipelines(&optimized);
    Some(Compiled { graph: graph.clone(), plan, optimized, stats: optimizer.get_stats(), pipelines })
}
