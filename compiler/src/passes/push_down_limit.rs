//! Takes the first rows earlier.
//!
//! | before | after |
//! | --- | --- |
//! | `limit ← limit` | one limit, the smaller |
//! | `limit ← project` | `project ← limit` |
//! | `limit ← sort` | `sort, first n` |
//! | `limit ← union` | `limit ← union ← limit of each input` |
//! | `sort, first n ← project` | `project ← sort, first n`, where it sorts by columns that the project passes on |
//! | `sort, first n ← union` | `sort, first n ← union ← sort, first n of each input` |
//!
//! Not below a project that may fail on a row which the limit would take away, and not below what others read.

use super::effects::node_can_fail;
use super::rewrite::{has_one_reader, redirect};
use super::{Changed, Part, Pass, PassCx, substitute};
use sabot_ir::plan::{Node, NodeId, Operator, Plan};

pub(super) const PUSH_DOWN_LIMIT: Pass = Pass { name: "push_down_limit", part_of: Part::Always, run };

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let takes_first =
        |id: &NodeId| matches!(plan.node(*id).operator, Operator::Limit { .. } | Operator::Sort { limit: Some(_), .. });
    let mut waiting: Vec<NodeId> = plan.bottom_up().into_iter().filter(takes_first).collect();
    waiting.reverse();
    while let Some(id) = waiting.pop() {
        if let Some(moved) = push(plan, id) {
            waiting.extend(moved);
            changed.note();
        }
    }
    changed
}

/// Moves a limit or a top-n one step; what may move further.
fn push(plan: &mut Plan, id: NodeId) -> Option<Vec<NodeId>> {
    let node = plan.node(id).clone();
    let below = *node.inputs.first()?;
    if !has_one_reader(&plan.consumers(), below) {
        return None;
    }
    let lower = plan.node(below).clone();
    match (&node.operator, &lower.operator) {
        (Operator::Limit { rows }, Operator::Limit { rows: fewer }) => {
            plan.node_mut(below).operator = Operator::Limit { rows: *rows.min(fewer) };
            redirect(plan, id, below);
            Some(Vec::new())
        }
        (Operator::Limit { rows }, Operator::Sort { by, limit, partition_by }) if partition_by.is_empty() => {
            let limit = Some(limit.map_or(*rows, |fewer| fewer.min(*rows)));
            let sort = Operator::Sort { by: by.clone(), limit, partition_by: Vec::new() };
            plan.node_mut(below).operator = sort;
            redirect(plan, id, below);
            Some(vec![below])
        }
        (Operator::Limit { .. }, Operator::Project { .. }) if !node_can_fail(&lower) => {
            Some(vec![swap(plan, id, below, node.operator.clone())])
        }
        (Operator::Sort { by, limit: Some(_), partition_by }, Operator::Project { columns })
            if !node_can_fail(&lower) && !node_can_fail(&node) =>
        {
            let keys = by.iter().map(|key| &key.expr).chain(partition_by);
            let is_plain = |column: &u32| columns[*column as usize].as_column().is_some();
            if !keys.clone().all(|key| key.columns().iter().all(is_plain)) {
                return None;
            }
            // A project that only chooses and renames costs nothing where it is.
            if columns.iter().all(|column| column.as_column().is_some()) {
                return None;
            }
            let mut operator = node.operator.clone();
            for expr in operator.exprs_mut() {
                substitute::columns(expr, columns);
            }
            Some(vec![swap(plan, id, below, operator)])
        }
        (Operator::Limit { .. } | Operator::Sort { limit: Some(_), .. }, Operator::Union) if !node_can_fail(&node) => {
            let inputs = lower.inputs.clone();
            if inputs.iter().all(|input| plan.node(*input).operator == node.operator) {
                return None;
            }
            let mut added = Vec::new();
            for (position, input) in inputs.into_iter().enumerate() {
                let below_input = plan.node(input);
                let first = Node {
                    inputs: vec![input],
                    schema: below_input.schema.clone(),
                    properties: below_input.properties.clone(),
                    ..node.clone()
                };
                let first = plan.add(first);
                plan.node_mut(below).inputs[position] = first;
                added.push(first);
            }
            Some(added)
        }
        _stays => None,
    }
}

/// Puts the upper node, as `operator`, below the project on which it stands.
fn swap(plan: &mut Plan, upper: NodeId, project: NodeId, operator: Operator) -> NodeId {
    let input = plan.node(project).inputs[0];
    let below = plan.node(input).clone();
    let moved = Node {
        operator,
        inputs: vec![input],
        schema: below.schema,
        properties: below.properties,
        ..plan.node(upper).clone()
    };
    redirect(plan, upper, project);
    let moved = plan.add(moved);
    plan.node_mut(project).inputs = vec![moved];
    moved
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::PUSH_DOWN_LIMIT;

    #[test]
    fn through_a_project_into_a_sort() {
        check(
            PUSH_DOWN_LIMIT,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let sort = b.sort("o", source, "-a", None, "");
                let project = b.project("p", sort, "y = x + 1.0");
                let limit = b.limit("l", project, 3);
                b.limit("m", limit, 5)
            },
            "project p: y = x + 1.0\n  sort o: by a descending, first 3\n    source s",
        );
    }

    #[test]
    fn not_below_a_project_that_may_fail() {
        check(
            PUSH_DOWN_LIMIT,
            |b| {
                let source = b.source("s", "a: i64");
                let project = b.project("p", source, "c = 10 / a");
                b.limit("l", project, 3)
            },
            "limit l: first 3\n  project p: c = 10 / a\n    source s",
        );
    }

    #[test]
    fn not_into_a_sort_by_partition() {
        check(
            PUSH_DOWN_LIMIT,
            |b| {
                let source = b.source("s", "a: i64, k: i64");
                let sort = b.sort("o", source, "a", Some(2), "k");
                b.limit("l", sort, 3)
            },
            "limit l: first 3\n  sort o: by a, first 2 of each k\n    source s",
        );
    }

    #[test]
    fn into_the_inputs_of_a_union() {
        check(
            PUSH_DOWN_LIMIT,
            |b| {
                let (first, second) = (b.source("s", "a: i64"), b.source("r", "a: i64"));
                let union = b.union("u", &[first, second]);
                b.sort("top", union, "a", Some(3), "")
            },
            "sort top: by a, first 3\n  union u: all\n    sort top: by a, first 3\n      source s\n    \
             sort top: by a, first 3\n      source r",
        );
    }

    #[test]
    fn top_n_before_a_costly_project() {
        check(
            PUSH_DOWN_LIMIT,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let project = b.project("p", source, "k = a, y = x.ln()");
                b.sort("top", project, "-k", Some(3), "")
            },
            "project p: k = a, y = x.ln()\n  sort top: by a descending, first 3\n    source s",
        );
        check(
            PUSH_DOWN_LIMIT,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let project = b.project("p", source, "k = a, y = x.ln()");
                b.sort("top", project, "y", Some(3), "")
            },
            "sort top: by y, first 3\n  project p: k = a, y = x.ln()\n    source s",
        );
    }
}
