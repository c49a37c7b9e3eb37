//! What several passes do to the graph of a plan.

use sabot_ir::expr::Expr;
use sabot_ir::plan::{ErrorPolicy, Node, NodeId, Operator, Plan};
use sabot_ir::ty::Schema;

/// Drops the nodes that no sink reaches and puts inputs before whoever reads them.
pub(super) fn compact(plan: &mut Plan) {
    let order = plan.bottom_up();
    if order.len() == plan.nodes.len() && order.iter().zip(0..).all(|(id, at)| id.0 == at) {
        return;
    }
    let mut new_ids = vec![NodeId(u32::MAX); plan.nodes.len()];
    for (id, new) in order.iter().zip(0..) {
        new_ids[id.0 as usize] = NodeId(new);
    }
    let mut old: Vec<Option<Node>> = std::mem::take(&mut plan.nodes).into_iter().map(Some).collect();
    for id in order {
        let mut node = old[id.0 as usize].take().expect("the order has each node once");
        for input in &mut node.inputs {
            *input = new_ids[input.0 as usize];
        }
        plan.nodes.push(node);
    }
}

/// Lets everyone who reads `old` read `new`.
pub(super) fn redirect(plan: &mut Plan, old: NodeId, new: NodeId) {
    for node in &mut plan.nodes {
        for input in &mut node.inputs {
            if *input == old {
                *input = new;
            }
        }
    }
}

/// Lets one node read `new` through one of its inputs.
pub(super) fn redirect_input(plan: &mut Plan, reader: NodeId, input: usize, new: NodeId) {
    plan.node_mut(reader).inputs[input] = new;
}

/// Puts a filter on top of `input`, which stands for the author's `like`.
pub(super) fn add_filter(plan: &mut Plan, input: NodeId, predicate: Expr, like: &Node) -> NodeId {
    let below = plan.node(input);
    let node = Node {
        name: like.name.clone(),
        operator: Operator::Filter { predicate },
        inputs: vec![input],
        schema: below.schema.clone(),
        properties: below.properties.clone(),
        on_error: like.on_error,
        span: like.span,
    };
    plan.add(node)
}

/// Puts a map on top of `input` that passes these of its columns on.
pub(super) fn add_narrowing(plan: &mut Plan, input: NodeId, columns: &[u32]) -> NodeId {
    let below = plan.node(input);
    let fields: Vec<_> = columns.iter().map(|column| below.schema.fields[*column as usize].clone()).collect();
    let exprs = columns.iter().zip(&fields).map(|(column, field)| Expr::column(*column, field.ty.clone())).collect();
    let moved = |column: &u32| columns.iter().position(|kept| kept == column).and_then(|at| u32::try_from(at).ok());
    let mut properties = below.properties.clone();
    properties.keyed_by = properties.keyed_by.iter().map(moved).collect::<Option<_>>().unwrap_or_default();
    properties.event_time = properties.event_time.as_ref().and_then(moved);
    properties.window_end = properties.window_end.as_ref().and_then(moved);
    let node = Node {
        name: format!("{}.columns", below.name),
        operator: Operator::Project { columns: exprs },
        inputs: vec![input],
        schema: Schema::new(fields),
        properties,
        on_error: ErrorPolicy::Fail,
        span: below.span,
    };
    plan.add(node)
}

/// Whether nobody but one edge reads the node.
pub(super) fn has_one_reader(consumers: &[Vec<NodeId>], id: NodeId) -> bool {
    consumers[id.0 as usize].len() == 1
}
