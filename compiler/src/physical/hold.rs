//! Rows that wait before what takes rows as they come.
//!
//! The rows of a join's table that matched nothing are known when all others have probed it, an aggregate when its input has ended.
//! Whatever is live runs while its input comes: were it fed by such rows and by those before them, these loops would have to run at
//! once and one after the other. So the rows are collected first, and what is live reads them from there.

use super::cut::join_shape;
use super::live::live;
use sabot_ir::plan::{ErrorPolicy, Node, NodeId, Operator, Plan};
use std::borrow::Cow;
use std::collections::BTreeSet;

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
    Cow::Owned(with_tables(plan, waiting))
}

/// The plan, with a table before each input of the first of these operators: the others may be right then. Nothing if there is
/// none that has no such tables yet.
pub(super) fn before(plan: &Plan, operators: &BTreeSet<NodeId>) -> Option<Plan> {
    let is_held = |input: &NodeId| plan.node(*input).operator == Operator::Limit { rows: u64::MAX };
    let mut waiting = plan.bottom_up().into_iter().filter(|id| operators.contains(id));
    // What is asked by key brings no rows.
    let brings = |id: NodeId| {
        let is_lookup = matches!(plan.node(id).operator, Operator::HashJoin { lookup: true, .. });
        if is_lookup { 1 } else { plan.node(id).inputs.len() }
    };
    let first = waiting.find(|id| !plan.node(*id).inputs[..brings(*id)].iter().all(is_held))?;
    Some(with_tables(plan, (0..brings(first)).map(|port| (first, port)).collect()))
}

fn with_tables(plan: &Plan, waiting: Vec<(NodeId, usize)>) -> Plan {
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
    plan
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
        | Operator::Contenders { .. }
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
