//! Moves filters down across the operators below them, as far as the rows that they let through stay the same.
//!
//! Before: `filter(price > 10.0) ← join ← (quotes, securities)`, after: `join ← (filter ← quotes, securities)`. Stands
//! after `split_filters`, so that each part moves on its own.
//!
//! | below the filter | it moves if |
//! | --- | --- |
//! | project | it reads only columns that the project passes on |
//! | union | always, into each input |
//! | inner join | it reads one side; what it asks of a key is asked of the other side's key too |
//! | left, semi, anti join | it reads the left side; right join: the right side; full join: never |
//! | aggregate, dedup, top-n of each key | it reads only keys that are plain columns |
//! | sort | always; never below a limit |
//!
//! A filter that may fail moves only where it sees exactly the same rows (project, union), and no filter moves below an
//! operator that may fail on a row which the filter would take away. Nothing moves into a stream that takes rows back.

use super::effects::{has_one_form, node_can_fail};
use super::rewrite::{add_filter, has_one_reader, redirect};
use super::{Changed, Part, Pass, PassCx, substitute};
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::plan::{ErrorPolicy, JoinKind, Node, NodeId, Operator, Plan};

pub(super) const PUSH_DOWN_FILTER: Pass = Pass { name: "push_down_filter", part_of: Part::FilterPushdown, run };

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let is_filter = |id: &NodeId| matches!(plan.node(*id).operator, Operator::Filter { .. });
    // The lowest first, so that filters above it are not held up by one that could move.
    let mut waiting: Vec<NodeId> = plan.bottom_up().into_iter().filter(is_filter).collect();
    waiting.reverse();
    while let Some(filter) = waiting.pop() {
        let Some((below, moved)) = destination(plan, filter) else { continue };
        let node = plan.node(filter).clone();
        cx.filters_pushed.extend(cx.authors(&node));
        redirect(plan, filter, node.inputs[0]);
        plan.node_mut(filter).inputs.clear();
        for (position, predicate) in moved {
            let input = plan.node(below).inputs[position];
            let lower = add_filter(plan, input, predicate, &node);
            plan.node_mut(below).inputs[position] = lower;
            waiting.push(lower);
        }
        changed.note();
    }
    changed
}

/// The operator that a filter can cross, and what is then asked of which of its inputs.
fn destination(plan: &Plan, filter: NodeId) -> Option<(NodeId, Vec<(usize, Expr)>)> {
    let consumers = plan.consumers();
    let node = plan.node(filter);
    let Operator::Filter { predicate } = &node.operator else { return None };
    let mut below = *node.inputs.first()?;
    // Filters commute unless one of them may fail.
    while let Operator::Filter { predicate: other } = &plan.node(below).operator {
        if predicate.can_fail() || other.can_fail() || !has_one_reader(&consumers, below) {
            return None;
        }
        below = plan.node(below).inputs[0];
    }
    let lower = plan.node(below);
    if !has_one_reader(&consumers, below) {
        return None;
    }
    let moved = across(plan, lower, predicate, node.on_error)?;
    // A stream that takes rows back must see the row that takes back, whatever is in it.
    let takes_back = |position: usize| plan.node(lower.inputs[position]).properties.updating;
    moved.iter().all(|(position, _)| !takes_back(*position)).then_some((below, moved))
}

fn across(plan: &Plan, below: &Node, predicate: &Expr, on_error: ErrorPolicy) -> Option<Vec<(usize, Expr)>> {
    let width = |position: usize| below.inputs.get(position).map_or(0, |input| plan.node(*input).schema.len());
    if node_can_fail(below) {
        return None;
    }
    match &below.operator {
        Operator::Project { columns } => {
            // An error sink would show the row as it is below.
            let is_shown = predicate.can_fail() && matches!(on_error, ErrorPolicy::Sink(_));
            let moved = substituted(predicate, columns, |_| true)?;
            (!is_shown).then(|| vec![(0, moved)])
        }
        Operator::Union => Some((0..below.inputs.len()).map(|position| (position, predicate.clone())).collect()),
        Operator::HashJoin { .. }
        | Operator::IntervalJoin { .. }
        | Operator::Aggregate { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
            if predicate.can_fail() =>
        {
            None
        }
        Operator::HashJoin { kind, left_keys, right_keys, .. }
        | Operator::IntervalJoin { kind, left_keys, right_keys, .. } => {
            let side = |position: usize, keys| JoinSide {
                keys,
                width: width(position),
                takes_back: plan.node(below.inputs[position]).properties.updating,
            };
            let moved = across_join(*kind, predicate, &side(0, left_keys), &side(1, right_keys))?;
            if !matches!(below.operator, Operator::HashJoin { lookup: true, .. }) {
                return Some(moved);
            }
            // Of a table that is asked by key nothing is read that could be filtered.
            let reads_left = predicate.columns().iter().all(|column| (*column as usize) < width(0));
            reads_left.then(|| moved.into_iter().filter(|(position, _)| *position == 0).collect())
        }
        Operator::Aggregate { keys, .. } if !keys.is_empty() => {
            Some(vec![(0, substituted(predicate, keys, |key| has_one_form(&key.ty))?)])
        }
        Operator::Dedup { keys } => reads_only(predicate, keys).then(|| vec![(0, predicate.clone())]),
        Operator::Sort { limit: None, .. } => Some(vec![(0, predicate.clone())]),
        Operator::Sort { limit: Some(_), partition_by, .. } if !partition_by.is_empty() => {
            reads_only(predicate, partition_by).then(|| vec![(0, predicate.clone())])
        }
        // Which rows come late depends on all rows, so filters stay above what waits for time; but a filter on the key takes
        // away whole groups.
        Operator::WindowAggregate { keys, window, .. } if window.late.is_none() && !predicate.can_fail() => {
            Some(vec![(0, substituted(predicate, keys, |key| has_one_form(&key.ty))?)])
        }
        Operator::OnTime { late: None, .. } if !predicate.can_fail() => Some(vec![(0, predicate.clone())]),
        Operator::WindowAggregate { .. }
        | Operator::AsofJoin { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. } => None,
        // What it reads are items, which are not there below.
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::FlatMap { .. }
        | Operator::Aggregate { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::Sink { .. } => None,
    }
}

/// The predicate over the columns below, if all that it reads are plain there (and `fits`).
fn substituted(predicate: &Expr, columns: &[Expr], fits: impl Fn(&Expr) -> bool) -> Option<Expr> {
    let is_plain = |value: &Expr| match &value.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Param(_) => fits(value),
        ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => false,
    };
    if !predicate.columns().iter().all(|column| columns.get(*column as usize).is_some_and(is_plain)) {
        return None;
    }
    let mut moved = predicate.clone();
    substitute::columns(&mut moved, columns);
    Some(moved)
}

/// Whether all columns that a predicate reads are among the keys, so that it holds for all rows of a key or for none.
fn reads_only(predicate: &Expr, keys: &[Expr]) -> bool {
    let is_key = |column: &u32| keys.iter().any(|key| key.as_column() == Some(*column) && has_one_form(&key.ty));
    predicate.columns().iter().all(is_key)
}

/// An input of a join.
struct JoinSide<'a> {
    keys: &'a [Expr],
    width: usize,
    takes_back: bool,
}

/// Where a predicate goes that does not fail, below a join whose keys do not fail.
fn across_join(
    kind: JoinKind,
    predicate: &Expr,
    left: &JoinSide<'_>,
    right: &JoinSide<'_>,
) -> Option<Vec<(usize, Expr)>> {
    let columns = predicate.columns();
    let reads_left = columns.iter().all(|column| (*column as usize) < left.width);
    let reads_right = columns.iter().all(|column| (left.width..left.width + right.width).contains(&(*column as usize)));
    let (into_left, into_right) = match kind {
        JoinKind::Inner => (reads_left, reads_right),
        JoinKind::Left | JoinKind::Semi | JoinKind::Anti => (reads_left, false),
        JoinKind::Right => (false, reads_right),
        JoinKind::Full => (false, false),
    };
    let mut moved = Vec::new();
    if into_left {
        moved.push((0, predicate.clone()));
        moved.extend(of_other_key(predicate, left, right).map(|predicate| (1, predicate)));
    } else if into_right {
        let mut predicate = predicate.clone();
        substitute::positions(&mut predicate, &|column| column - u32::try_from(left.width).unwrap_or(u32::MAX));
        moved.extend(of_other_key(&predicate, right, left).map(|predicate| (0, predicate)));
        moved.push((1, predicate));
    }
    (!moved.is_empty()).then_some(moved)
}

/// What a predicate over keys of one side says of the keys of the other: only rows for which it holds can match.
fn of_other_key(predicate: &Expr, side: &JoinSide<'_>, other: &JoinSide<'_>) -> Option<Expr> {
    let partner = |column: u32| {
        let position = side.keys.iter().position(|key| key.as_column() == Some(column) && has_one_form(&key.ty))?;
        other.keys.get(position)?.as_column()
    };
    let columns = predicate.columns();
    if other.takes_back || columns.is_empty() || !columns.iter().all(|column| partner(*column).is_some()) {
        return None;
    }
    let mut moved = predicate.clone();
    substitute::positions(&mut moved, &|column| partner(column).unwrap_or(column));
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, check};
    use super::PUSH_DOWN_FILTER;
    use sabot_ir::plan::{JoinKind, NodeId};

    fn join(b: &mut Builder, kind: JoinKind) -> NodeId {
        let left = b.source("l", "id: i64, x: f64");
        let right = b.source("r", "key: i64, y: f64");
        b.join("j", kind, left, right, "id", "key")
    }

    #[test]
    fn through_a_project_that_passes_the_column_on() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let project = b.project("p", source, "y = x + 1.0, b = a");
                b.filter("f", project, "b > 1")
            },
            "project p: y = x + 1.0, b = a\n  filter f: a > 1\n    source s",
        );
    }

    #[test]
    fn not_where_the_column_is_computed() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let project = b.project("p", source, "y = x + 1.0, a");
                b.filter("f", project, "y > 1.0")
            },
            "filter f: y > 1.0\n  project p: y = x + 1.0, a\n    source s",
        );
    }

    #[test]
    fn not_below_a_project_that_may_fail() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64");
                let project = b.project("p", source, "c = 10 / a, a");
                b.filter("f", project, "a != 0")
            },
            "filter f: a != 0\n  project p: c = 10 / a, a\n    source s",
        );
    }

    #[test]
    fn a_filter_that_may_fail_crosses_a_project_but_no_join() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "id: i64");
                let other = b.source("r", "key: i64");
                let join = b.join("j", JoinKind::Inner, source, other, "id", "key");
                let project = b.project("p", join, "id, y = 1.0");
                b.filter("f", project, "10 / id > 1")
            },
            "project p: id, y = 1.0\n  filter f: 10 / id > 1\n    hash_join j: inner on id = key, build right\n      \
             source s\n      source r",
        );
    }

    #[test]
    fn into_each_input_of_a_union() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let (first, second) = (b.source("s", "a: i64"), b.source("r", "a: i64"));
                let union = b.union("u", &[first, second]);
                b.filter("f", union, "10 / a > 1")
            },
            "union u: all\n  filter f: 10 / a > 1\n    source s\n  filter f: 10 / a > 1\n    source r",
        );
    }

    #[test]
    fn into_the_side_of_an_inner_join_that_it_reads() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let join = join(b, JoinKind::Inner);
                let left = b.filter("f", join, "x > 1.0");
                let right = b.filter("g", left, "y > 2.0");
                b.filter("h", right, "x > y")
            },
            "filter h: x > y\n  hash_join j: inner on id = key, build right\n    filter f: x > 1.0\n      source l\n    \
             filter g: y > 2.0\n      source r",
        );
    }

    #[test]
    fn what_is_asked_of_a_key_is_asked_of_both_sides() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let join = join(b, JoinKind::Left);
                b.filter("f", join, "id > 1")
            },
            "hash_join j: left on id = key, build right\n  filter f: id > 1\n    source l\n  filter f: key > 1\n    \
             source r",
        );
    }

    #[test]
    fn not_into_the_side_that_an_outer_join_may_leave_out() {
        for (kind, name, predicate) in [
            (JoinKind::Left, "left", "y.unwrap_or(0.0) > 1.0"),
            (JoinKind::Right, "right", "x.unwrap_or(0.0) > 1.0"),
            (JoinKind::Full, "full", "id.is_some()"),
        ] {
            check(
                PUSH_DOWN_FILTER,
                |b| {
                    let join = join(b, kind);
                    b.filter("f", join, predicate)
                },
                &format!(
                    "filter f: {predicate}\n  hash_join j: {name} on id = key, build right\n    source l\n    source r"
                ),
            );
        }
    }

    #[test]
    fn into_the_kept_side_of_outer_semi_and_anti_joins() {
        for (kind, name, predicate) in [
            (JoinKind::Left, "left", "x > 1.0"),
            (JoinKind::Semi, "semi", "x > 1.0"),
            (JoinKind::Anti, "anti", "x > 1.0"),
        ] {
            check(
                PUSH_DOWN_FILTER,
                |b| {
                    let join = join(b, kind);
                    b.filter("f", join, predicate)
                },
                &format!("hash_join j: {name} on id = key, build right\n  filter f: x > 1.0\n    source l\n  source r"),
            );
        }
    }

    #[test]
    fn not_below_a_join_whose_key_may_fail() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let left = b.source("l", "id: i64");
                let right = b.source("r", "key: i64");
                let join = b.join("j", JoinKind::Inner, left, right, "10 / id", "key");
                b.filter("f", join, "id != 0")
            },
            "filter f: id != 0\n  hash_join j: inner on 10 / id = key, build right\n    source l\n    source r",
        );
    }

    #[test]
    fn below_an_aggregate_if_it_reads_keys() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let aggregate = b.aggregate("g", source, "k = a", "n = count(), total = sum(x)");
                let by_key = b.filter("f", aggregate, "k > 1");
                b.filter("having", by_key, "total > 1.0")
            },
            "filter having: total > 1.0\n  aggregate g: n = count(), total = sum(x) by a\n    filter f: a > 1\n      \
             source s",
        );
    }

    #[test]
    fn not_below_an_aggregate_whose_sum_may_overflow() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64");
                let aggregate = b.aggregate("g", source, "a", "total = sum(a)");
                b.filter("f", aggregate, "a > 1")
            },
            "filter f: a > 1\n  aggregate g: total = sum(a) by a\n    source s",
        );
    }

    #[test]
    fn not_below_a_global_aggregate() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64");
                let aggregate = b.aggregate("g", source, "", "n = count()");
                b.filter("f", aggregate, "1 > 2")
            },
            "filter f: 1 > 2\n  aggregate g: n = count()\n    source s",
        );
    }

    #[test]
    fn not_through_float_keys_of_which_one_stands_for_two() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "x: f64");
                let dedup = b.dedup("d", source, "x");
                b.filter("f", dedup, "1.0 / x > 0.0")
            },
            "filter f: 1.0 / x > 0.0\n  dedup d: by x\n    source s",
        );
    }

    #[test]
    fn below_dedup_on_the_key_only() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64, b: i64");
                let dedup = b.dedup("d", source, "a");
                let key = b.filter("f", dedup, "a > 1");
                b.filter("g", key, "b > 1")
            },
            "filter g: b > 1\n  dedup d: by a\n    filter f: a > 1\n      source s",
        );
    }

    #[test]
    fn below_a_sort_but_not_below_a_limit() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64");
                let sort = b.sort("o", source, "a", None, "");
                b.filter("f", sort, "a > 1")
            },
            "sort o: by a\n  filter f: a > 1\n    source s",
        );
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64");
                let limit = b.limit("l", source, 3);
                b.filter("f", limit, "a > 1")
            },
            "filter f: a > 1\n  limit l: first 3\n    source s",
        );
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64, k: i64");
                let top = b.sort("o", source, "a", Some(2), "k");
                let key = b.filter("f", top, "k > 1");
                b.filter("g", key, "a > 1")
            },
            "filter g: a > 1\n  sort o: by a, first 2 of each k\n    filter f: k > 1\n      source s",
        );
    }

    #[test]
    fn not_below_a_node_that_others_read() {
        check(
            PUSH_DOWN_FILTER,
            |b| {
                let source = b.source("s", "a: i64");
                let project = b.project("p", source, "a");
                b.sink("all", project);
                b.filter("f", project, "a > 1")
            },
            "filter f: a > 1\n  project p: a\n    source s",
        );
    }
}
