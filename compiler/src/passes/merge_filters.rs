//! Makes one filter of two that follow each other, and removes filters that keep everything.
//!
//! Before: `filter(b) ← filter(a) ← x`, after: `filter(a && b) ← x`: `b` is still asked only where `a` holds. Not if others
//! read the lower filter too, or if the two treat row errors differently. The names of both are kept for the run's summary,
//! unless one of them may fail: then its name stands in the error.

use super::effects::node_can_fail;
use super::{Changed, Part, Pass, PassCx, author, rewrite, substitute};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind};
use sabot_ir::plan::{Node, Operator, Plan};
use sabot_ir::ty::Type;

pub(super) const MERGE_FILTERS: Pass = Pass { name: "merge_filters", part_of: Part::FilterPushdown, run };

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for id in plan.bottom_up() {
        let Operator::Filter { predicate: upper_predicate } = &plan.node(id).operator else { continue };
        let input = plan.node(id).inputs[0];
        if *upper_predicate == Expr::bool(true) {
            rewrite::redirect(plan, id, input);
            changed.note();
            continue;
        }
        let (upper, lower) = (plan.node(id), plan.node(input));
        let Operator::Filter { predicate: lower_predicate } = &lower.operator else { continue };
        if !rewrite::has_one_reader(&plan.consumers(), input) || !agree_on_errors(upper, lower) {
            continue;
        }
        let span = lower_predicate.span.to(upper_predicate.span);
        let kind =
            ExprKind::Binary(BinaryOp::And, Box::new(lower_predicate.clone()), Box::new(upper_predicate.clone()));
        let mut predicate = Expr::new(kind, Type::Bool, span);
        substitute::renumber_locals(&mut predicate);
        cx.fused(upper, lower);
        // The one that fails gives its name to the error.
        let like = if node_can_fail(upper) && !node_can_fail(lower) { upper } else { lower };
        let has_own_name = author(upper) == author(lower) || node_can_fail(like);
        let merged = Node {
            name: if has_own_name { like.name.clone() } else { format!("{} + {}", lower.name, upper.name) },
            operator: Operator::Filter { predicate },
            inputs: lower.inputs.clone(),
            schema: lower.schema.clone(),
            properties: lower.properties.clone(),
            on_error: like.on_error,
            span: if has_own_name { like.span } else { lower.span.to(upper.span) },
        };
        let authors = cx.authors(lower).union(&cx.authors(upper)).cloned().collect();
        cx.merged.insert(author(&merged), authors);
        *plan.node_mut(id) = merged;
        changed.note();
    }
    changed
}

fn agree_on_errors(upper: &Node, lower: &Node) -> bool {
    upper.on_error == lower.on_error || !node_can_fail(upper) || !node_can_fail(lower)
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::MERGE_FILTERS;
    use sabot_ir::plan::ErrorPolicy;

    #[test]
    fn the_lower_one_is_asked_first() {
        check(
            MERGE_FILTERS,
            |b| {
                let source = b.source("s", "a: i64");
                let lower = b.filter("f", source, "a != 0");
                let middle = b.filter("g", lower, "10 / a > 1");
                b.filter("h", middle, "a > 1 || a < -1")
            },
            "filter g: a != 0 && 10 / a > 1 && (a > 1 || a < -1)\n  source s",
        );
    }

    #[test]
    fn a_filter_that_keeps_everything_goes() {
        check(
            MERGE_FILTERS,
            |b| {
                let source = b.source("s", "a: i64");
                b.filter("f", source, "true")
            },
            "source s",
        );
    }

    #[test]
    fn a_filter_with_two_readers_stays() {
        check(
            MERGE_FILTERS,
            |b| {
                let source = b.source("s", "a: i64");
                let shared = b.filter("f", source, "a > 0");
                let other = b.filter("g", shared, "a > 1");
                b.sink("other", shared);
                other
            },
            "filter g: a > 1\n  filter f: a > 0\n    source s",
        );
    }

    #[test]
    fn different_treatment_of_errors_stays() {
        check(
            MERGE_FILTERS,
            |b| {
                let source = b.source("s", "a: i64");
                let lower = b.filter("f", source, "1 / a > 0");
                b.plan.node_mut(lower).on_error = ErrorPolicy::Skip;
                b.filter("g", lower, "2 / a > 0")
            },
            "filter g: 2 / a > 0\n  filter f: 1 / a > 0, on error skip\n    source s",
        );
    }
}
