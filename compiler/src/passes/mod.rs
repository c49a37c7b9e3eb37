//! The optimizer: an ordered list of passes, each Plan to Plan with the same meaning.
//!
//! The same meaning: every sink gets the same rows (in the same order where the job makes an order), and a row that
//! cannot be computed is a row error before if and only if it is one after. So a pass may neither compute a failing
//! expression for rows that did not reach it before, nor keep rows from one that did.
//!
//! Passes work on the arena freely; the runner afterwards drops dead nodes and puts inputs before their readers. In debug
//! builds it also checks that no sink changed and that the plan is well formed. It keeps no time: the compiler has no
//! clock.

mod choose_build_side;
mod effects;
mod eliminate_common_subexpressions;
mod fold_constants;
mod fused_pairs;
mod keep_contenders;
mod merge_filters;
mod merge_identical_nodes;
mod merge_projects;
#[cfg(test)]
mod property;
mod prune_sources;
mod push_down_filter;
mod push_down_limit;
mod push_down_projection;
mod reorder_joins;
mod rewrite;
mod simplify_expressions;
mod split_filters;
mod substitute;
#[cfg(test)]
mod testing;
mod unroll_loops;

use crate::{Catalog, check};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::plan::{Node, Plan, SourceId};
use sabot_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The passes in the order in which they run.
const PASSES: &[Pass] = &[
    // Constants first: whatever follows sees less.
    fold_constants::FOLD_CONSTANTS,
    simplify_expressions::SIMPLIFY_EXPRESSIONS,
    // The counters of loops are constants now.
    unroll_loops::UNROLL_LOOPS,
    simplify_expressions::SIMPLIFY_EXPRESSIONS,
    // Inlined `let`s and chosen branches have made new constants.
    fold_constants::FOLD_CONSTANTS,
    // Before anything is moved, while equal nodes still look equal.
    merge_identical_nodes::MERGE_IDENTICAL_NODES,
    // Nodes that are the same are one, and windows still look as the checker makes them.
    keep_contenders::KEEP_CONTENDERS,
    // Maps out of the way of filters, and the columns that filters read are plain again.
    merge_projects::MERGE_PROJECTS,
    // Each conjunct moves on its own.
    split_filters::SPLIT_FILTERS,
    push_down_filter::PUSH_DOWN_FILTER,
    // What came to rest at the same place is one filter again.
    merge_filters::MERGE_FILTERS,
    // Filters are as far down as they get.
    prune_sources::PRUNE_SOURCES,
    // Behind filters, which limits do not cross.
    push_down_limit::PUSH_DOWN_LIMIT,
    // Filters are in the leaves, so sizes are known as well as they will be; sides only when the order is settled.
    reorder_joins::REORDER_JOINS,
    choose_build_side::CHOOSE_BUILD_SIDE,
    // Substituted columns and the maps that restore an order after reordered joins.
    merge_projects::MERGE_PROJECTS,
    simplify_expressions::SIMPLIFY_EXPRESSIONS,
    // Who reads which column is settled.
    push_down_projection::PUSH_DOWN_PROJECTION,
    // Narrowing leaves maps that only pass columns on.
    merge_projects::MERGE_PROJECTS,
    // Behind all that merges maps, which would undo it.
    eliminate_common_subexpressions::ELIMINATE_COMMON_SUBEXPRESSIONS,
    // A `let` of what is now a shared column is no more than that column.
    simplify_expressions::SIMPLIFY_EXPRESSIONS,
];

/// A step of the optimizer.
#[derive(Clone, Copy)]
struct Pass {
    /// A verb.
    name: &'static str,
    /// What switches it off.
    part_of: Part,
    run: fn(&mut Plan, &mut PassCx) -> Changed,
}

/// The parts of the optimizer that can be switched off on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Always,
    FilterPushdown,
    ProjectionPushdown,
    JoinReordering,
    OperatorFusion,
}

/// Whether a pass did anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    No,
    Yes,
}

impl Changed {
    fn note(&mut self) {
        *self = Self::Yes;
    }
}

/// An operator as its author knows it: its place, or its name if it has none. Parts of a split filter, or a join and
/// its map, are still one operator.
type Author = (String, Span);

/// What the passes did so far, in terms of the author's operators, and so that nothing counts twice.
#[derive(Clone, Debug, Default)]
struct PassCx {
    /// The operators that the author wrote; passes add others.
    authored: BTreeSet<Author>,
    filters_pushed: BTreeSet<Author>,
    projections_pushed: BTreeSet<SourceId>,
    joins_reordered: BTreeSet<Author>,
    operators_fused: usize,
    /// Whose work operators do that passes made of several.
    merged: BTreeMap<Author, BTreeSet<Author>>,
}

impl PassCx {
    fn new(plan: &Plan) -> Self {
        Self { authored: plan.nodes.iter().map(author).collect(), ..Self::default() }
    }

    /// The author's operators whose work a node does; one that a pass added is its own.
    fn authors(&self, node: &Node) -> BTreeSet<Author> {
        let author = author(node);
        self.merged.get(&author).cloned().unwrap_or_else(|| [author].into())
    }

    /// Counts two operators that became one, if the author wrote both.
    fn fused(&mut self, upper: &Node, lower: &Node) {
        let (upper, lower) = (self.authors(upper), self.authors(lower));
        if upper != lower && upper.union(&lower).all(|author| self.authored.contains(author)) {
            self.operators_fused += 1;
        }
    }
}

fn author(node: &Node) -> Author {
    (if node.span.is_none() { node.name.clone() } else { String::new() }, node.span)
}

/// What the passes did; the guide's five figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptimizerStats {
    /// Filters of the author of which some part moved down across another operator, or lets a source skip rows.
    pub filters_pushed: usize,
    /// Sources that read fewer columns than before, or that took over the `select` that followed them.
    pub projections_pushed: usize,
    /// Joins whose place in a chain of joins or whose build side changed.
    pub joins_reordered: usize,
    /// Pairs of neighbouring filters, maps and selects of the author that became one operator or run in one loop.
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
    /// Checks a graph, of whose sources nothing is known but what it says itself, and optimizes its plan.
    ///
    /// # Errors
    /// What the checker has to say, if one of it is an error.
    pub fn optimize(&mut self, graph: &JobGraph) -> Result<Plan, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        match check::check(graph, &Catalog::default(), &mut diagnostics) {
            Some(mut plan) if !diagnostics.has_errors() => {
                self.optimize_plan(&mut plan);
                Ok(plan)
            }
            Some(_) | None => Err(diagnostics),
        }
    }

    /// Runs the passes that are enabled.
    pub fn optimize_plan(&mut self, plan: &mut Plan) {
        let mut cx = PassCx::new(plan);
        rewrite::compact(plan);
        for pass in PASSES {
            if self.enables(pass.part_of) {
                run_pass(pass, plan, &mut cx);
            }
        }
        if self.enable_operator_fusion {
            fused_pairs::count(plan, &mut cx);
        }
        self.stats = OptimizerStats {
            filters_pushed: cx.filters_pushed.len(),
            projections_pushed: cx.projections_pushed.len(),
            joins_reordered: cx.joins_reordered.len(),
            operators_fused: cx.operators_fused,
        };
    }

    /// What the last run did.
    #[must_use]
    pub fn get_stats(&self) -> OptimizerStats {
        self.stats
    }

    fn enables(&self, part: Part) -> bool {
        match part {
            Part::Always => true,
            Part::FilterPushdown => self.enable_filter_pushdown,
            Part::ProjectionPushdown => self.enable_projection_pushdown,
            Part::JoinReordering => self.enable_join_reordering,
            Part::OperatorFusion => self.enable_operator_fusion,
        }
    }
}

fn run_pass(pass: &Pass, plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let before = cfg!(debug_assertions).then(|| plan.clone());
    let changed = (pass.run)(plan, cx);
    if changed == Changed::Yes {
        rewrite::compact(plan);
    }
    if let Some(before) = before {
        let wrong = sabot_ir::verify::plan::verify(plan);
        assert!(wrong.is_empty(), "{} broke the plan: {wrong:#?}\nbefore:\n{before}\nafter:\n{plan}", pass.name);
        assert_eq!(before.sinks, plan.sinks, "{} changed a sink", pass.name);
        assert!(
            changed == Changed::Yes || before == *plan,
            "{} changed the plan and says it did not\nbefore:\n{before}\nafter:\n{plan}",
            pass.name
        );
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::testing::{Builder, outline};
    use super::*;
    use sabot_ir::plan::JoinKind;

    fn guide_example() -> Plan {
        let mut b = Builder::new();
        let quotes = b.source("load_quotes", "instrumentId: i64, price: f64");
        let securities = b.source("load_securities", "ID: i64, CUSIP: String, NAME: String, SECTOR: String");
        let high = b.filter("filter_high_value", quotes, "price > 100.0");
        let select = b.project("select_security_columns", securities, "ID, CUSIP, NAME, SECTOR");
        let join = b.join("enrich_quotes", JoinKind::Inner, high, select, "instrumentId", "ID");
        b.sink("output_enriched", join);
        b.plan
    }

    #[test]
    fn the_guides_example_gives_the_guides_figures() {
        let mut plan = guide_example();
        let mut optimizer = PlanOptimizer::default();
        optimizer.optimize_plan(&mut plan);
        let expected =
            OptimizerStats { filters_pushed: 1, projections_pushed: 1, joins_reordered: 0, operators_fused: 0 };
        assert_eq!(optimizer.get_stats(), expected);
        assert_eq!(expected.total_optimizations(), 2);
        assert_eq!(
            outline(&plan),
            "\
sink output_enriched: file \"output_enriched\"
  hash_join enrich_quotes: inner on instrumentId = ID, build right
    filter filter_high_value: price > 100.0
      source load_quotes: file \"load_quotes\", prune price > 100.0
    source load_securities: file \"load_securities\"
"
        );
    }

    #[test]
    fn what_the_author_wrote_counts_once() {
        let mut b = Builder::new();
        let source = b.source("s", "a: i64, x: f64");
        let map = b.project("m", source, "a, y = x + 1.0");
        let both = b.filter("both", map, "a > 1 && y > 1.0");
        let more = b.filter("more", both, "a < 9");
        let last = b.project("last", more, "y");
        b.sink("out", last);
        let mut optimizer = PlanOptimizer::default();
        optimizer.optimize_plan(&mut b.plan);
        assert_eq!(
            outline(&b.plan),
            "\
sink out: file \"out\"
  filter both: y > 1.0
    project m: y = x + 1.0
      filter both + more: a > 1 && a < 9
        source s: file \"s\", prune a > 1 && a < 9
"
        );
        let expected =
            OptimizerStats { filters_pushed: 2, projections_pushed: 0, joins_reordered: 0, operators_fused: 2 };
        assert_eq!(optimizer.get_stats(), expected);
    }

    #[test]
    fn a_filter_runs_in_one_loop_with_the_map_on_it() {
        let mut b = Builder::new();
        let source = b.source("s", "x: f64");
        let filter = b.filter("f", source, "x > 1.0");
        let map = b.project("m", filter, "a = x.ln() + 1.0, b = x.ln() + 2.0");
        b.sink("out", map);
        let mut optimizer = PlanOptimizer::default();
        optimizer.optimize_plan(&mut b.plan);
        assert_eq!(optimizer.get_stats().operators_fused, 1, "{}", outline(&b.plan));
    }

    #[test]
    fn what_is_switched_off_does_not_run() {
        let mut plan = guide_example();
        let mut optimizer = PlanOptimizer {
            enable_filter_pushdown: false,
            enable_projection_pushdown: false,
            enable_operator_fusion: false,
            ..PlanOptimizer::default()
        };
        optimizer.optimize_plan(&mut plan);
        assert_eq!(optimizer.get_stats(), OptimizerStats::default());
        assert_eq!(outline(&plan), outline(&guide_example()));
    }
}
