//! Rows of a join that wait before what takes rows as they come.
//!
//! The rows of a table that matched nothing are known when all others have probed it. Whatever is live runs while its input
//! comes: were it fed by both, these loops would have to run at once and one after the other. So the rows of such a join are
//! collected first, and what is live reads them from there.

use super::cut::join_shape;
use super::live::live;
use sabot_ir::plan::{ErrorPolicy, Node, NodeId, Operator, Plan};
use std::borrow::Cow;

/// The plan, with a table before each live operator that needs one.
pub(super) fn hold(plan: &Plan) -> Cow<'_, Plan> {
    let mut waiting: Vec<(NodeId, usize)> = Vec::new();
    for id in plan.bottom_up().into_iter().filter(|id| live(plan, *id).is_some()) {
        let ports = plan.node(id).inputs.iter().enumerate();
        waiting.extend(ports.filter(|(_, input)| comes_in_turns(plan, **input)).map(|(port, _)| (id, port)));
    }
    if waiting.is_empty() {
        return Cow::Borrowed(plan);
    }
    let mut plan = plan.clone();
    for (id, port) in waiting {
        let reader = plan.node(id);
        let (name, span, input) = (format!("rows before {}", reader.name), reader.span, reader.inputs[port]);
        let below = plan.node(input);
        let held = Node {
            name,
            operator: Operator::Limit { rows: u64::MAX },
            inputs: vec![input],
            schema: below.schema.clone(),
            properties: below.properties.clone(),
            on_error: ErrorPolicy::Fail,
            span,
        };
        let held = plan.add(held);
        plan.node_mut(id).inputs[port] = held;
    }
    Cow::Owned(plan)
}

/// Whether the rows of a node come from a loop and from another that begins when the first has ended.
fn comes_in_turns(plan: &Plan, id: NodeId) -> bool {
    let node = plan.node(id);
    if live(plan, id).is_some() {
        return false;
    }
    match &node.operator {
        Operator::HashJoin { kind, build, .. } => {
            let shape = join_shape(*kind, *build);
            shape.build_rows.is_some() && !shape.mark_only || comes_in_turns(plan, node.inputs[shape.probe])
        }
        Operator::Filter { .. }
        | Operator::Project { .. }
        | Operator::FlatMap { .. }
        | Operator::OnTime { .. }
        | Operator::Union => node.inputs.iter().any(|input| comes_in_turns(plan, *input)),
        Operator::Source { .. }
        | Operator::Aggregate { .. }
        | Operator::WindowAggregate { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::Sink { .. } => false,
    }
}
