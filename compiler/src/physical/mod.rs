//! Plan to Pipelines: where loops begin and end, which registers hold which columns.
//!
//! `needed` finds the columns of each node that someone reads, `cut` finds the loops, their tables and an order to run
//! them in. Then each loop is walked from its origin to its ends (`body`), its operators are fused into steps (`fuse`)
//! over registers (`registers`), and `liveness` says which registers each step must carry along. What a table holds is
//! decided in `tables`, for whoever fills it and whoever reads it.

mod body;
mod cut;
mod fuse;
mod hold;
mod identity;
mod live;
mod liveness;
mod needed;
mod on_time;
mod operators;
mod registers;
mod streams;
mod tables;

use sabot_ir::pipeline::Pipelines;
use sabot_ir::plan::{NodeId, Operator, Plan};
use std::collections::BTreeSet;

/// What all parts of this stage know of the plan.
struct PhysicalCx<'a> {
    plan: &'a Plan,
    /// Nodes that a sink reaches, inputs first.
    order: Vec<NodeId>,
    /// By node: who reads it, and through which of the reader's inputs.
    readers: Vec<Vec<(NodeId, usize)>>,
    /// By node: the columns of its schema that someone reads.
    needed: Vec<BTreeSet<u32>>,
    /// Something waits for event time.
    waits: bool,
}

impl<'a> PhysicalCx<'a> {
    fn new(plan: &'a Plan) -> Self {
        let order = plan.bottom_up();
        let mut readers = vec![Vec::new(); plan.nodes.len()];
        for id in &order {
            for (port, input) in plan.node(*id).inputs.iter().enumerate() {
                // A table that is asked by key sends nothing by itself.
                if !(port == 1 && matches!(plan.node(*id).operator, Operator::HashJoin { lookup: true, .. })) {
                    readers[input.0 as usize].push((*id, port));
                }
            }
        }
        let needed = needed::needed_columns(plan, &order);
        Self { plan, order, readers, needed, waits: plan.waits_for_time() }
    }

    fn readers(&self, node: NodeId) -> &[(NodeId, usize)] {
        &self.readers[node.0 as usize]
    }

    fn needed(&self, node: NodeId) -> &BTreeSet<u32> {
        &self.needed[node.0 as usize]
    }
}

/// Cuts a plan into pipelines.
#[must_use]
pub fn pipelines(plan: &Plan) -> Pipelines {
    let plan = &hold::hold(plan);
    let cx = PhysicalCx::new(plan);
    let cut = cut::cut(&cx);
    if let Some(held) = hold::before(plan, &cut.in_turns) {
        return pipelines(&held);
    }
    let operators = operators::operators(&cx, &cut);
    let pipelines = Pipelines {
        job: plan.job.clone(),
        params: plan.params.clone(),
        sources: plan.sources.clone(),
        sinks: plan.sinks.clone(),
        pipelines: cut.starts.iter().map(|start| body::pipeline(&cx, &cut, &operators, *start)).collect(),
        tables: tables::tables(&cx, &cut),
        operators: operators.list,
        aggregates: plan.aggregates.clone(),
    };
    if cfg!(debug_assertions) {
        let wrong = sabot_ir::verify::pipeline::verify(&pipelines);
        assert!(
            wrong.is_empty(),
            "the physical stage makes well-formed pipelines:\n{}\n{}",
            wrong.join("\n"),
            sabot_ir::display::pipeline::pipelines(&pipelines)
        );
    }
    pipelines
}

#[cfg(test)]
mod tests;
