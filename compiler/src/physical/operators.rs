//! The list of operators that a run's summary shows: sources first, then in the order rows flow.
//!
//! A filter right behind a filter with the same error policy is one operator with it: they become one predicate, and
//! nobody could say how many rows each of them keeps. What only copies rows has an entry where it costs something: a
//! stream that is held in memory because a join must be built first.

use super::PhysicalCx;
use super::cut::Cut;
use sabot_ir::expr::ExprKind;
use sabot_ir::pipeline::{OperatorId, OperatorInfo};
use sabot_ir::plan::{ErrorPolicy, Node, NodeId, Operator};
use std::collections::BTreeMap;

/// The operators and whose they are.
pub(super) struct Operators {
    /// By `OperatorId`.
    pub(super) list: Vec<OperatorInfo>,
    of_node: BTreeMap<NodeId, OperatorId>,
    of_held: BTreeMap<NodeId, OperatorId>,
}

impl Operators {
    /// Whom a node's rows, time and errors are counted for.
    pub(super) fn of(&self, node: NodeId) -> OperatorId {
        self.of_node[&node]
    }

    /// Whom holding the input of this node in memory is counted for.
    pub(super) fn of_held(&self, node: NodeId) -> OperatorId {
        self.of_held[&node]
    }
}

/// Lists the operators of a plan.
pub(super) fn operators(cx: &PhysicalCx<'_>, cut: &Cut) -> Operators {
    let mut operators = Operators { list: Vec::new(), of_node: BTreeMap::new(), of_held: BTreeMap::new() };
    let is_source = |id: &&NodeId| matches!(cx.plan.node(**id).operator, Operator::Source { .. });
    let others = cx.order.iter().filter(|id| !is_source(id));
    for id in cx.order.iter().filter(is_source).chain(others) {
        let node = cx.plan.node(*id);
        if let Some(first) = fused_with(cx, *id) {
            let operator = operators.of_node[&first];
            let info = &mut operators.list[operator.0 as usize];
            info.name = format!("{} + {}", info.name, node.name);
            info.span = info.span.to(node.span);
            operators.of_node.insert(*id, operator);
            continue;
        }
        if cut.is_held(*id) {
            let name = format!("hold for {}", node.name);
            let info = OperatorInfo { name, kind: "hold", span: node.span, on_error: ErrorPolicy::Fail };
            let operator = operators.add(info);
            operators.of_held.insert(*id, operator);
        }
        let info = OperatorInfo { name: node.name.clone(), kind: kind(node), span: node.span, on_error: node.on_error };
        let operator = operators.add(info);
        operators.of_node.insert(*id, operator);
    }
    operators
}

impl Operators {
    fn add(&mut self, info: OperatorInfo) -> OperatorId {
        let id = OperatorId(u32::try_from(self.list.len()).expect("a plan has fewer than 2^32 nodes"));
        self.list.push(info);
        id
    }
}

/// The filter right below this filter that it is one operator with.
pub(super) fn fused_with(cx: &PhysicalCx<'_>, id: NodeId) -> Option<NodeId> {
    let node = cx.plan.node(id);
    let Operator::Filter { .. } = node.operator else { return None };
    let below = cx.plan.node(node.inputs[0]);
    let is_filter = matches!(below.operator, Operator::Filter { .. });
    let alone = cx.readers(node.inputs[0]).len() == 1;
    (is_filter && alone && below.on_error == node.on_error).then_some(node.inputs[0])
}

/// What the summary calls it: the guide tells columns that are chosen from columns that are computed.
fn kind(node: &Node) -> &'static str {
    match &node.operator {
        Operator::Project { columns } => {
            let chosen = columns.iter().all(|column| matches!(column.kind, ExprKind::Column(_)));
            if chosen { "select" } else { "map" }
        }
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::Union
        | Operator::HashJoin { .. }
        | Operator::Aggregate { .. }
        | Operator::WindowAggregate { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::FlatMap { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Sink { .. } => node.operator.name(),
    }
}
