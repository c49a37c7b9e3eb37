//! Plan to Pipelines: where loops begin and end, which registers hold which columns.

use sabot_ir::pipeline::Pipelines;
use sabot_ir::plan::Plan;

/// Cuts a plan into pipelines.
#[must_use]
pub fn pipelines(_plan: &Plan) -> Pipelines {
    Pipelines::default()
}
