//! Which columns of each node someone reads: only these are read from files, computed, and kept in tables.
//!
//! A computed column that nobody reads is needed all the same where it can be a row error: whether a job fails does not
//! depend on who looks at its rows.

use sabot_ir::expr::Expr;
use sabot_ir::plan::{JoinKind, NodeId, Operator, Plan};
use std::collections::BTreeSet;

/// By node, the columns of its schema that someone reads. `order` has inputs before their readers.
pub(super) fn needed_columns(plan: &Plan, order: &[NodeId]) -> Vec<BTreeSet<u32>> {
    let mut needed = vec![BTreeSet::new(); plan.nodes.len()];
    for id in order.iter().rev() {
        let node = plan.node(*id);
        let own: BTreeSet<u32> = std::mem::take(&mut needed[id.0 as usize]);
        for (port, input) in node.inputs.iter().enumerate() {
            let columns = through(plan, &node.operator, &node.inputs, &own, port);
            needed[input.0 as usize].extend(columns);
        }
        needed[id.0 as usize] = own;
    }
    needed
}

/// The lists of a flat map that are needed where these of its columns are: those that may fail, and one to count by.
pub(super) fn flat_map_lists(lists: &[Expr], own: &BTreeSet<u32>) -> Vec<usize> {
    let wanted = (0..lists.len()).filter(|at| own.contains(&(*at as u32)) || lists[*at].can_fail());
    let wanted: Vec<usize> = wanted.collect();
    if wanted.is_empty() { vec![0] } else { wanted }
}

/// The columns of the input at `port` that an operator reads, if `own` of its columns are needed.
fn through(plan: &Plan, operator: &Operator, inputs: &[NodeId], own: &BTreeSet<u32>, port: usize) -> BTreeSet<u32> {
    let mut columns = BTreeSet::new();
    match operator {
        Operator::Source { .. } => {}
        Operator::Filter { predicate } => {
            columns.extend(own);
            columns.extend(predicate.columns());
        }
        Operator::Project { columns: computed } => {
            for (position, column) in (0u32..).zip(computed) {
                if own.contains(&position) || column.can_fail() {
                    columns.extend(column.columns());
                }
            }
        }
        Operator::FlatMap { columns: lists } => {
            columns.extend(flat_map_lists(lists, own).into_iter().flat_map(|at| lists[at].columns()));
        }
        Operator::Union | Operator::Limit { .. } => columns.extend(own),
        Operator::HashJoin { kind, left_keys, right_keys, .. } => {
            let left_width = plan.node(inputs[0]).schema.len() as u32;
            let only_left = matches!(kind, JoinKind::Semi | JoinKind::Anti);
            if port == 0 {
                columns.extend(own.range(..left_width));
                columns.extend(left_keys.iter().flat_map(|key| key.columns()));
            } else {
                let right_width = plan.node(inputs[1]).schema.len() as u32;
                if !only_left {
                    columns.extend(own.range(left_width..left_width + right_width).map(|column| column - left_width));
                }
                columns.extend(right_keys.iter().flat_map(|key| key.columns()));
            }
        }
        Operator::Aggregate { keys, calls } => {
            columns.extend(keys.iter().flat_map(|key| key.columns()));
            for call in calls {
                columns.extend(call.args.iter().chain(&call.filter).flat_map(|expr| expr.columns()));
            }
        }
        Operator::Dedup { keys } => {
            columns.extend(own);
            columns.extend(keys.iter().flat_map(|key| key.columns()));
        }
        Operator::Sort { by, partition_by, .. } => {
            columns.extend(own);
            columns.extend(by.iter().flat_map(|key| key.expr.columns()));
            columns.extend(partition_by.iter().flat_map(|key| key.columns()));
        }
        Operator::Sink { .. } => columns.extend(0..plan.node(inputs[0]).schema.len() as u32),
    }
    columns
}
