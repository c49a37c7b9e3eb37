//! [`JobGraph`] to [`Plan`]: names resolved, types inferred, closures taken apart into columns.

use crate::Catalog;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::plan::Plan;

/// Checks a graph. Returns nothing if there is too little left to go on with.
pub fn check(_graph: &JobGraph, _catalog: &Catalog, _diagnostics: &mut Diagnostics) -> Option<Plan> {
    None
}
