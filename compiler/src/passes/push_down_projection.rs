//! Lets sources read, and operators compute, only the columns that somebody reads.
//!
//! Before: `sink ← project(a) ← filter(b) ← source(a, b, c)`, after: the source reads `a, b`. A node that several read keeps what
//! any of them reads. What may fail is computed although nobody reads it. Stands after everything that changes who
//! reads what. No map is put in only to drop a column: the physical stage carries what is read further up, no more;
//! only the inputs of a union get one, because they must stay alike.

use super::effects::{call_can_fail, shows_its_input};
use super::merge_projects::remove_if_it_passes_all_on;
use super::{Changed, Part, Pass, PassCx, rewrite, substitute};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{JoinKind, Node, NodeId, Operator, Plan};
use sabot_ir::ty::Schema;
use std::collections::BTreeSet;

pub(super) const PUSH_DOWN_PROJECTION: Pass =
    Pass { name: "push_down_projection", part_of: Part::ProjectionPushdown, run };

type Columns = BTreeSet<u32>;

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let order = plan.bottom_up();
    let needed = needed_columns(plan, &order);
    // By node: its old columns that are left, ascending.
    let mut kept: Vec<Vec<u32>> = vec![Vec::new(); plan.nodes.len()];
    let width = |node: &Node| u32::try_from(node.schema.len()).unwrap_or(u32::MAX);
    let old_widths: Vec<u32> = plan.nodes.iter().map(width).collect();
    for id in order {
        let columns = narrow(plan, id, &needed[id.0 as usize], &kept, &old_widths, cx);
        if columns.len() < old_widths[id.0 as usize] as usize {
            changed.note();
        }
        kept[id.0 as usize] = columns;
    }
    for id in plan.bottom_up() {
        if remove_if_it_passes_all_on(plan, id, cx) {
            changed.note();
        }
    }
    changed
}

/// The columns of each node that its readers read.
fn needed_columns(plan: &Plan, order: &[NodeId]) -> Vec<Columns> {
    let mut needed = vec![Columns::new(); plan.nodes.len()];
    let waits = plan.waits_for_time();
    for id in order.iter().rev() {
        let node = plan.node(*id);
        let mut own = std::mem::take(&mut needed[id.0 as usize]);
        if let Operator::Project { columns } | Operator::FlatMap { columns } = &node.operator {
            own.extend((0..).zip(columns).filter(|(_, column)| column.can_fail()).map(|(at, _)| at));
        }
        // Whoever waits for event time needs it of every row; whether a row is taken back is a part of it.
        if let Operator::Source { source, columns, .. } = &node.operator
            && waits
            && let Some(time) = &plan.sources[source.0 as usize].event_time
        {
            own.extend((0..).zip(columns).find(|(_, column)| **column == time.column).map(|(at, _)| at));
        }
        if node.properties.has_change() {
            own.extend(u32::try_from(node.schema.len()).unwrap_or(u32::MAX).checked_sub(1));
        }
        if own.is_empty() {
            // Readers count rows even if they read no column of them.
            own.extend(narrowest(&node.schema));
        }
        for (port, input) in node.inputs.iter().enumerate() {
            let of_input = read_of_input(plan, node, port, &own);
            needed[input.0 as usize].extend(of_input);
        }
        needed[id.0 as usize] = own;
    }
    needed
}

fn narrowest(schema: &Schema) -> Option<u32> {
    let width = |position: &usize| schema.fields[*position].ty.width().unwrap_or(usize::MAX);
    (0..schema.len()).min_by_key(width).and_then(|position| u32::try_from(position).ok())
}

/// The columns of one input that an operator reads, if its own columns `own` are needed.
fn read_of_input(plan: &Plan, node: &Node, port: usize, own: &Columns) -> Columns {
    let width = |port: usize| u32::try_from(plan.node(node.inputs[port]).schema.len()).unwrap_or(u32::MAX);
    if shows_its_input(node) {
        return (0..width(port)).collect();
    }
    match &node.operator {
        Operator::Source { .. } => Columns::new(),
        Operator::WindowAggregate { window, .. } if window.late.is_some() => (0..width(0)).collect(),
        Operator::OnTime { late: Some(_), .. } => (0..width(0)).collect(),
        Operator::WindowAggregate { keys, calls, window } => {
            let first_call =
                u32::try_from(keys.len()).unwrap_or(u32::MAX) + if window.kind.has_times() { 2 } else { 0 };
            let is_kept = |(position, call): &(u32, &_)| own.contains(position) || call_can_fail(call, true);
            let calls = (first_call..).zip(calls).filter(is_kept);
            let of_calls = calls.flat_map(|(_, call)| call.args.iter().chain(&call.filter));
            keys.iter().chain(&window.time).chain(of_calls).flat_map(Expr::columns).collect()
        }
        Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, .. } => {
            let (keys, time) = if port == 0 { (left_keys, left_time) } else { (right_keys, right_time) };
            let mut read = of_side(own, *kind, [width(0), width(1)], port);
            read.extend(keys.iter().chain([time]).flat_map(Expr::columns));
            read
        }
        Operator::AsofJoin { left_keys, right_keys, left_time, right_time, .. } => {
            let (keys, time) = if port == 0 { (left_keys, left_time) } else { (right_keys, right_time) };
            let mut read = of_side(own, JoinKind::Inner, [width(0), width(1)], port);
            read.extend(keys.iter().chain([time]).flat_map(Expr::columns));
            read
        }
        Operator::Project { columns } | Operator::FlatMap { columns } => {
            own.iter().flat_map(|column| columns[*column as usize].columns()).collect()
        }
        Operator::Aggregate { keys, calls } => {
            let is_kept =
                |(position, call): &(u32, &_)| own.contains(position) || call_can_fail(call, !keys.is_empty());
            let first_call = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            let calls = (first_call..).zip(calls).filter(is_kept);
            let of_calls = calls.flat_map(|(_, call)| call.args.iter().chain(&call.filter));
            keys.iter().chain(of_calls).flat_map(Expr::columns).collect()
        }
        Operator::HashJoin { kind, left_keys, right_keys, .. } => {
            let mut read = of_side(own, *kind, [width(0), width(1)], port);
            read.extend(if port == 0 { left_keys } else { right_keys }.iter().flat_map(Expr::columns));
            read
        }
        Operator::Filter { .. }
        | Operator::OnTime { late: None, .. }
        | Operator::Contenders { .. }
        | Operator::Union
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. } => {
            // Of what is sorted again and again the last column, the change, is its own.
            let own = own.iter().copied().filter(|column| *column < width(0));
            own.chain(node.operator.exprs().into_iter().flat_map(Expr::columns)).collect()
        }
        Operator::Sink { .. } => (0..width(0)).collect(),
    }
}

/// Of a join's columns those that one side has, counted in its schema.
fn of_side(own: &Columns, kind: JoinKind, [left, right]: [u32; 2], port: usize) -> Columns {
    if port == 0 {
        return own.iter().copied().filter(|column| *column < left).collect();
    }
    let of_right = match kind {
        JoinKind::Semi | JoinKind::Anti => left..left,
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => left..left + right,
    };
    own.iter().copied().filter(|column| of_right.contains(column)).map(|column| column - left).collect()
}

/// Narrows a node whose inputs are narrow; its old columns that are left. `old_widths`: of all nodes, before the pass.
fn narrow(
    plan: &mut Plan,
    id: NodeId,
    needed: &Columns,
    kept: &[Vec<u32>],
    old_widths: &[u32],
    cx: &mut PassCx,
) -> Vec<u32> {
    let node = plan.node(id).clone();
    let old_width = |id: NodeId| old_widths[id.0 as usize];
    let of_input = |port: usize| &kept[node.inputs[port].0 as usize];
    let mut operator = node.operator.clone();
    let columns: Vec<u32> = match &mut operator {
        Operator::Source { source, columns, .. } => {
            let left: Vec<u32> = needed.iter().copied().collect();
            if left.len() < columns.len() {
                cx.projections_pushed.insert(*source);
            }
            *columns = left.iter().map(|column| columns[*column as usize]).collect();
            left
        }
        Operator::Project { columns } | Operator::FlatMap { columns } => {
            let left: Vec<u32> = needed.iter().copied().collect();
            *columns = left.iter().map(|column| columns[*column as usize].clone()).collect();
            remap(columns.iter_mut(), of_input(0));
            left
        }
        Operator::Aggregate { keys, calls } => {
            let first_call = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            let mut left: Vec<u32> = (0..first_call).collect();
            let mut position = first_call;
            calls.retain(|call| {
                let stays = needed.contains(&position) || call_can_fail(call, !keys.is_empty());
                left.extend(stays.then_some(position));
                position += 1;
                stays
            });
            left.extend(position..old_width(id)); // of an updating aggregate: the change
            remap(operator.exprs_mut().into_iter(), of_input(0));
            left
        }
        Operator::WindowAggregate { keys, calls, window } => {
            let first_call =
                u32::try_from(keys.len()).unwrap_or(u32::MAX) + if window.kind.has_times() { 2 } else { 0 };
            let mut left: Vec<u32> = (0..first_call).collect();
            let mut position = first_call;
            calls.retain(|call| {
                let stays = needed.contains(&position) || call_can_fail(call, true);
                left.extend(stays.then_some(position));
                position += 1;
                stays
            });
            remap(operator.exprs_mut().into_iter(), of_input(0));
            left
        }
        Operator::HashJoin { kind, left_keys, right_keys, .. } => {
            remap(left_keys.iter_mut(), of_input(0));
            remap(right_keys.iter_mut(), of_input(1));
            let widths = [old_width(node.inputs[0]), old_width(node.inputs[1]), old_width(id)];
            joined(*kind, [of_input(0), of_input(1)], widths)
        }
        Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, .. } => {
            remap(left_keys.iter_mut().chain([left_time]), of_input(0));
            remap(right_keys.iter_mut().chain([right_time]), of_input(1));
            let widths = [old_width(node.inputs[0]), old_width(node.inputs[1]), old_width(id)];
            joined(*kind, [of_input(0), of_input(1)], widths)
        }
        Operator::AsofJoin { left_keys, right_keys, left_time, right_time, .. } => {
            remap(left_keys.iter_mut().chain([left_time]), of_input(0));
            remap(right_keys.iter_mut().chain([right_time]), of_input(1));
            let widths = [old_width(node.inputs[0]), old_width(node.inputs[1]), old_width(id)];
            joined(JoinKind::Inner, [of_input(0), of_input(1)], widths)
        }
        Operator::Union => {
            let wanted: Vec<u32> = needed.iter().copied().collect();
            for port in 0..node.inputs.len() {
                if *of_input(port) != wanted {
                    let positions: Vec<u32> = wanted.iter().map(|column| position(of_input(port), *column)).collect();
                    let narrowed = rewrite::add_narrowing(plan, node.inputs[port], &positions);
                    plan.node_mut(id).inputs[port] = narrowed;
                }
            }
            wanted
        }
        Operator::Filter { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. } => {
            remap(operator.exprs_mut().into_iter(), of_input(0));
            let mut left = of_input(0).clone();
            left.extend(old_width(node.inputs[0])..old_width(id)); // of what is sorted again and again: the change
            left
        }
        Operator::Sink { .. } => (0..old_width(id)).collect(),
    };
    let node = plan.node_mut(id);
    node.operator = operator;
    if columns.len() < node.schema.len() {
        node.schema = Schema::new(columns.iter().map(|column| node.schema.fields[*column as usize].clone()).collect());
        let moved = |column: &u32| columns.iter().position(|kept| kept == column).and_then(|at| u32::try_from(at).ok());
        let properties = &mut node.properties;
        properties.keyed_by = properties.keyed_by.iter().map(moved).collect::<Option<_>>().unwrap_or_default();
        properties.event_time = properties.event_time.as_ref().and_then(moved);
        properties.window_end = properties.window_end.as_ref().and_then(moved);
    }
    columns
}

/// The old columns of a join that are left, if these are left of its sides. `widths`: of the sides and of the join.
fn joined(kind: JoinKind, [left, right]: [&Vec<u32>; 2], [left_width, right_width, width]: [u32; 3]) -> Vec<u32> {
    let mut columns = left.clone();
    match kind {
        // Where only right rows are taken back: the change.
        JoinKind::Semi | JoinKind::Anti => columns.extend(left_width..width),
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
            columns.extend(right.iter().map(|column| column + left_width));
            // Whether the row has the side, where it may be missing; and its change, where rows are taken back.
            columns.extend(left_width + right_width..width);
        }
    }
    columns
}

/// Where an old column of a node is now.
fn position(kept: &[u32], column: u32) -> u32 {
    let position = kept.iter().position(|kept| *kept == column).expect("an input keeps what its readers need");
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn remap<'a>(exprs: impl Iterator<Item = &'a mut Expr>, kept: &[u32]) {
    for expr in exprs {
        substitute::positions(expr, &|column| position(kept, column));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::PUSH_DOWN_PROJECTION;
    use sabot_ir::plan::JoinKind;

    #[test]
    fn sources_read_what_is_used() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let source = b.source("s", "a: i64, b: i64, c: String, d: f64");
                let filter = b.filter("f", source, "d > 1.0");
                b.project("p", filter, "x = b")
            },
            "project p: x = b\n  filter f: d > 1.0\n    source s, columns 2 of 4",
        );
    }

    #[test]
    fn joins_and_aggregates_pass_on_what_is_used() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let left = b.source("l", "id: i64, x: f64, y: f64");
                let right = b.source("r", "key: i64, name: String, z: f64");
                let join = b.join("j", JoinKind::Left, left, right, "id", "key");
                let aggregate = b.aggregate("g", join, "name", "n = count(), sx = sum(x), sy = sum(y)");
                b.project("p", aggregate, "name, sy")
            },
            "aggregate g: sy = sum(y) by name\n  hash_join j: left on id = key, build right\n    \
             source l, columns 2 of 3\n    source r, columns 2 of 3",
        );
    }

    #[test]
    fn what_may_fail_is_computed_although_nobody_reads_it() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let source = b.source("s", "a: i64, x: f64, y: f64");
                let project = b.project("p", source, "c = 10 / a, d = x + 1.0, y");
                b.project("q", project, "e = y + 1.0")
            },
            "project q: e = y + 1.0\n  project p: c = 10 / a, y\n    source s, columns 2 of 3",
        );
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let source = b.source("s", "k: String, a: i64, x: f64");
                let aggregate = b.aggregate("g", source, "k", "total = sum(a), mean = avg(a), m = max(x)");
                b.project("q", aggregate, "k")
            },
            "project q: k\n  aggregate g: total = sum(a) by k\n    source s, columns 2 of 3",
        );
    }

    #[test]
    fn a_count_needs_one_narrow_column() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let source = b.source("s", "name: String, small: i32, big: i64");
                b.aggregate("g", source, "", "n = count()")
            },
            "aggregate g: n = count()\n  source s, columns 1 of 3",
        );
    }

    #[test]
    fn a_fan_out_keeps_what_either_reads() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let source = b.source("s", "a: i64, b: i64, c: i64");
                let other = b.project("q", source, "b");
                b.sink("other", other);
                b.project("p", source, "a")
            },
            "project p: a\n  source s, columns 2 of 3",
        );
    }

    #[test]
    fn inputs_of_a_union_stay_alike() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let (first, second) = (b.source("s", "a: i64, b: i64"), b.source("r", "a: i64, b: i64"));
                let filter = b.filter("f", first, "b > 1");
                let union = b.union("u", &[filter, second]);
                b.project("p", union, "c = a")
            },
            "project p: c = a\n  union u: all\n    project f.columns: a\n      filter f: b > 1\n        source s\n    \
             source r, columns 1 of 2",
        );
    }

    #[test]
    fn dedup_and_sort_keep_their_keys() {
        check(
            PUSH_DOWN_PROJECTION,
            |b| {
                let source = b.source("s", "a: i64, b: i64, c: i64, d: i64");
                let dedup = b.dedup("d", source, "b");
                let sort = b.sort("o", dedup, "-c", None, "");
                b.project("p", sort, "e = a")
            },
            "project p: e = a\n  sort o: by c descending\n    dedup d: by b\n      source s, columns 3 of 4",
        );
    }
}
