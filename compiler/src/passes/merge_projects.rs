//! Makes one map of two that follow each other, and removes maps that only pass their input on.
//!
//! Before: `project(spread / mid) ← project(ask - bid as spread, mid) ← x`, after: `project((ask - bid) / mid) ← x`. A value
//! that costs something is not computed twice for it, and one that may fail is computed as surely as before: what the
//! upper map reads several times, or only on a condition, stays where it is.

use super::effects::{is_cheap, node_can_fail, shows_its_input};
use super::rewrite::{has_one_reader, redirect};
use super::{Changed, Part, Pass, PassCx, substitute};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind};
use sabot_ir::plan::{Node, NodeId, Operator, Plan};

pub(super) const MERGE_PROJECTS: Pass = Pass { name: "merge_projects", part_of: Part::OperatorFusion, run };

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for id in plan.bottom_up() {
        if remove_if_it_passes_all_on(plan, id, cx) || merge_with_input(plan, id, cx) {
            changed.note();
        }
    }
    changed
}

/// A `select` of all columns of a source has become part of the source.
pub(super) fn remove_if_it_passes_all_on(plan: &mut Plan, id: NodeId, cx: &mut PassCx) -> bool {
    let node = plan.node(id);
    let Operator::Project { columns } = &node.operator else { return false };
    let input = node.inputs[0];
    let below = plan.node(input);
    let passes_on = columns.iter().zip(0_u32..).all(|(column, at)| column.as_column() == Some(at));
    if !passes_on || !node.schema.same_names(&below.schema) {
        return false;
    }
    if let Operator::Source { source, .. } = below.operator {
        cx.projections_pushed.insert(source);
    }
    redirect(plan, id, input);
    true
}

fn merge_with_input(plan: &mut Plan, id: NodeId, cx: &mut PassCx) -> bool {
    let upper = plan.node(id);
    let Operator::Project { columns: upper_columns } = &upper.operator else { return false };
    let input = upper.inputs[0];
    let lower = plan.node(input);
    let Operator::Project { columns: lower_columns } = &lower.operator else { return false };
    if !has_one_reader(&plan.consumers(), input) || !agree_on_errors(upper, lower) {
        return false;
    }
    let stays = |(column, value): (u32, &Expr)| {
        let uses = Uses::of(column, upper_columns);
        (value.can_fail() && uses.always == 0) || (!is_cheap(value) && uses.all > 1)
    };
    if (0..).zip(lower_columns).any(stays) {
        return false;
    }
    let mut columns = upper_columns.clone();
    for column in &mut columns {
        substitute::columns(column, lower_columns);
    }
    cx.fused(upper, lower);
    let on_error = if node_can_fail(lower) { lower.on_error } else { upper.on_error };
    let inputs = lower.inputs.clone();
    let node = plan.node_mut(id);
    node.operator = Operator::Project { columns };
    node.inputs = inputs;
    node.on_error = on_error;
    true
}

fn agree_on_errors(upper: &Node, lower: &Node) -> bool {
    !shows_its_input(upper) && (upper.on_error == lower.on_error || !node_can_fail(upper) || !node_can_fail(lower))
}

/// How often a column is read: in all places, and in those that every row comes by.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    all: usize,
    always: usize,
}

impl Uses {
    fn of(column: u32, exprs: &[Expr]) -> Self {
        let mut uses = Self::default();
        for expr in exprs {
            uses.count(expr, column, true);
        }
        uses
    }

    fn count(&mut self, expr: &Expr, column: u32, always: bool) {
        if expr.as_column() == Some(column) {
            self.all += 1;
            self.always += usize::from(always);
        }
        for (position, child) in expr.children().into_iter().enumerate() {
            self.count(child, column, always && !is_conditional(expr, position));
        }
    }
}

/// Whether a part of an expression, by its position, is evaluated only for some rows.
pub(super) fn is_conditional(expr: &Expr, child: usize) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, ..) | ExprKind::If { .. } | ExprKind::IfSome { .. } => child > 0,
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::MERGE_PROJECTS;

    #[test]
    fn the_lower_map_is_put_into_the_upper() {
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "bid: f64, ask: f64");
                let lower = b.project("p", source, "spread = ask - bid, bid");
                b.project("q", lower, "share = spread / bid, twice = bid + bid")
            },
            "project q: share = (ask - bid) / bid, twice = bid + bid\n  source s",
        );
    }

    #[test]
    fn what_is_read_twice_is_not_computed_twice() {
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "bid: f64, ask: f64");
                let lower = b.project("p", source, "spread = ask - bid");
                b.project("q", lower, "square = spread * spread")
            },
            "project q: square = spread * spread\n  project p: spread = ask - bid\n    source s",
        );
    }

    #[test]
    fn what_may_fail_is_not_put_behind_a_condition_nor_dropped() {
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "a: i64");
                let lower = b.project("p", source, "c = 10 / a, a");
                b.project("q", lower, "d = if a > 0 { c } else { 0 }")
            },
            "project q: d = if a > 0 { c } else { 0 }\n  project p: c = 10 / a, a\n    source s",
        );
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "a: i64");
                let lower = b.project("p", source, "c = 10 / a, a");
                b.project("q", lower, "a")
            },
            "project q: a\n  project p: c = 10 / a, a\n    source s",
        );
    }

    #[test]
    fn what_passes_its_input_on_goes() {
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let filter = b.filter("f", source, "a > 1");
                b.project("p", filter, "a, x")
            },
            "filter f: a > 1\n  source s",
        );
    }

    #[test]
    fn what_renames_or_reorders_stays() {
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                let renamed = b.filter("f", source, "a > 1");
                b.project("p", renamed, "x, a")
            },
            "project p: x, a\n  filter f: a > 1\n    source s",
        );
    }

    #[test]
    fn locals_of_both_maps_stay_apart() {
        check(
            MERGE_PROJECTS,
            |b| {
                let source = b.source("s", "x: f64");
                let lower = b.project("p", source, "y = { let m = x.ln(); m * m }");
                b.project("q", lower, "z = { let m = y + 1.0; m * m }")
            },
            "project q: z = { let x1 = { let x0 = x.ln(); x0 * x0 } + 1.0; x1 * x1 }\n  source s",
        );
    }
}
