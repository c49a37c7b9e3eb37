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
    let waits = plan.waits_for_time();
    for id in order.iter().rev() {
        let node = plan.node(*id);
        let mut own: BTreeSet<u32> = std::mem::take(&mut needed[id.0 as usize]);
        if let Operator::Source { source, columns, .. } = &node.operator
            && waits
            && let Some(time) = &plan.sources[source.0 as usize].event_time
        {
            own.extend((0u32..).zip(columns).find(|(_, column)| **column == time.column).map(|(at, _)| at));
        }
        if node.properties.has_change() {
            own.extend((node.schema.len() as u32).checked_sub(1));
        }
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
        Operator::Contenders { .. } => {
            columns.extend(own);
            columns.extend(operator.exprs().into_iter().flat_map(|expr| expr.columns()));
        }
        Operator::OnTime { end, late, .. } => {
            columns.extend(own);
            columns.extend(end.columns());
            if late.is_some() {
                columns.extend(0..plan.node(inputs[0]).schema.len() as u32);
            }
        }
        Operator::HashJoin { kind, left_keys, right_keys, .. } => {
            columns = of_side(plan, inputs, own, *kind, port);
            columns.extend(if port == 0 { left_keys } else { right_keys }.iter().flat_map(|key| key.columns()));
        }
        Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, .. } => {
            let (keys, time) = if port == 0 { (left_keys, left_time) } else { (right_keys, right_time) };
            columns = of_side(plan, inputs, own, *kind, port);
            columns.extend(keys.iter().chain([time]).flat_map(|expr| expr.columns()));
        }
        Operator::AsofJoin { left_keys, right_keys, left_time, right_time, .. } => {
            let (keys, time) = if port == 0 { (left_keys, left_time) } else { (right_keys, right_time) };
            columns = of_side(plan, inputs, own, JoinKind::Inner, port);
            columns.extend(keys.iter().chain([time]).flat_map(|expr| expr.columns()));
        }
        Operator::WindowAggregate { window, .. } if window.late.is_some() => {
            columns.extend(0..plan.node(inputs[0]).schema.len() as u32);
        }
        Operator::WindowAggregate { keys, calls, window } => {
            columns.extend(keys.iter().chain(&window.time).flat_map(|key| key.columns()));
            for call in calls {
                columns.extend(call.args.iter().chain(&call.filter).flat_map(|expr| expr.columns()));
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
            // The change of an updating one is its own.
            columns.extend(own.range(..plan.node(inputs[0]).schema.len() as u32));
            columns.extend(by.iter().flat_map(|key| key.expr.columns()));
            columns.extend(partition_by.iter().flat_map(|key| key.columns()));
        }
        Operator::Sink { .. } => columns.extend(0..plan.node(inputs[0]).schema.len() as u32),
    }
    columns
}

/// Of a join's columns those that one side has, counted in its schema.
fn of_side(plan: &Plan, inputs: &[NodeId], own: &BTreeSet<u32>, kind: JoinKind, port: usize) -> BTreeSet<u32> {
    let left = plan.node(inputs[0]).schema.len() as u32;
    if port == 0 {
        return own.range(..left).copied().collect();
    }
    let right = match kind {
        JoinKind::Semi | JoinKind::Anti => 0,
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => plan.node(inputs[1]).schema.len() as u32,
    };
    own.range(left..left + right).map(|column| column - left).collect()
}
