//! Names by which the state of an operator is found again when a job is compiled anew.
//!
//! What the author named has that name. Anything else is named by what it does, by which key, and of whose rows: what keeps no
//! state (filters, maps, …) is left out, so that a job whose filter was changed still finds its windows. Two operators of one
//! name are numbered in the order of the plan, and so is what stands too far from its sources to be named by them.

use super::PhysicalCx;
use sabot_ir::display::expr::expr_over;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::OperatorType;
use sabot_ir::plan::{NodeId, Operator};
use std::collections::BTreeMap;

/// Bytes of a name that says whose rows an operator reads; what is longer is only numbered.
const LONGEST: usize = 200;

/// The identity of every node that a sink reaches.
pub(super) fn identities(cx: &PhysicalCx<'_>) -> BTreeMap<NodeId, String> {
    let mut paths: BTreeMap<NodeId, String> = BTreeMap::new();
    let mut ids = BTreeMap::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for id in &cx.order {
        let node = cx.plan.node(*id);
        let inputs: Vec<&str> = node.inputs.iter().map(|input| paths[input].as_str()).collect();
        let from = match inputs.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            many => format!("({})", many.join(", ")),
        };
        let named = !is_made_up(&node.name);
        let keys = |keys: &[Expr]| {
            let schema = &cx.plan.node(node.inputs[0]).schema;
            let text = |key: &Expr| expr_over(key, schema, &cx.plan.params);
            keys.iter().map(text).collect::<Vec<_>>().join(", ")
        };
        let path = match &node.operator {
            Operator::Source { .. } | Operator::Sink { .. } => node.name.clone(),
            Operator::Filter { .. }
            | Operator::Project { .. }
            | Operator::FlatMap { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. } => from,
            Operator::Union => format!("union of {from}"),
            _ if named => node.name.clone(),
            Operator::HashJoin { left_keys, .. }
            | Operator::IntervalJoin { left_keys, .. }
            | Operator::AsofJoin { left_keys, .. } => {
                format!("{} by {} of {from}", node.operator.name(), keys(left_keys))
            }
            Operator::Aggregate { keys: by, .. }
            | Operator::WindowAggregate { keys: by, .. }
            | Operator::Dedup { keys: by } => format!("{} by {} of {from}", node.operator.name(), keys(by)),
            Operator::Sort { partition_by, .. } => {
                format!("{} by {} of {from}", node.operator.name(), keys(partition_by))
            }
            Operator::Limit { .. } => format!("limit of {from}"),
        };
        // Graphs have more ways through them than anyone can write down.
        let path = if path.len() > LONGEST { format!("{} far from its sources", node.operator.name()) } else { path };
        let times = seen.entry(path.clone()).or_insert(0);
        *times += 1;
        let is_transparent = matches!(
            node.operator,
            Operator::Filter { .. }
                | Operator::Project { .. }
                | Operator::FlatMap { .. }
                | Operator::OnTime { .. }
                | Operator::Contenders { .. }
        ) && !path.ends_with("far from its sources");
        let unique = if *times == 1 || is_transparent { path.clone() } else { format!("{path} #{times}") };
        ids.insert(*id, unique.clone());
        paths.insert(*id, unique);
    }
    ids
}

/// Whether a name is one that the compiler made of an operator's kind: `filter_1`.
fn is_made_up(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or(name);
    base.rsplit_once('_').is_some_and(|(kind, number)| {
        number.bytes().all(|byte| byte.is_ascii_digit())
            && OperatorType::ALL.iter().any(|operator| operator.name() == kind)
    })
}

#[cfg(test)]
mod tests {
    use super::is_made_up;

    #[test]
    fn names_of_the_author_are_told_from_made_up_ones() {
        assert!(is_made_up("tumbling_window_1"));
        assert!(is_made_up("hash_join_12.map"));
        assert!(!is_made_up("window_1"));
        assert!(!is_made_up("volume_by_symbol"));
        assert!(!is_made_up("filter_x"));
    }
}
