//! Makes of a filter with `&&` one filter for each side, so that each can move on its own.
//!
//! Before: `filter(a && b) ← x`, after: `filter(b) ← filter(a) ← x`: as before, `b` is asked only where `a` holds.

use super::{Changed, Part, Pass, PassCx, rewrite, substitute};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind};
use sabot_ir::plan::{Operator, Plan};

pub(super) const SPLIT_FILTERS: Pass = Pass { name: "split_filters", part_of: Part::FilterPushdown, run };

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for id in plan.bottom_up() {
        let node = plan.node(id).clone();
        let Operator::Filter { predicate } = &node.operator else { continue };
        let mut parts = conjuncts(predicate);
        let last = parts.pop().expect("a predicate has at least itself");
        if parts.is_empty() {
            continue;
        }
        let mut input = node.inputs[0];
        for part in parts {
            input = rewrite::add_filter(plan, input, part, &node);
        }
        let top = plan.node_mut(id);
        top.operator = Operator::Filter { predicate: last };
        top.inputs = vec![input];
        changed.note();
    }
    changed
}

/// The sides of all `&&` at the top of a predicate, in the order of evaluation.
pub(super) fn conjuncts(predicate: &Expr) -> Vec<Expr> {
    if let ExprKind::Binary(BinaryOp::And, left, right) = &predicate.kind {
        let mut parts = conjuncts(left);
        parts.extend(conjuncts(right));
        parts
    } else {
        let mut part = predicate.clone();
        substitute::renumber_locals(&mut part);
        vec![part]
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, check};
    use super::SPLIT_FILTERS;

    #[test]
    fn conjuncts_keep_their_order() {
        check(
            SPLIT_FILTERS,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                b.filter("f", source, "a != 0 && (10 / a > 1 && x > 1.0)")
            },
            "filter f: x > 1.0\n  filter f: 10 / a > 1\n    filter f: a != 0\n      source s",
        );
    }

    #[test]
    fn other_filters_stay() {
        check(
            SPLIT_FILTERS,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                b.filter("f", source, "a != 0 || x > 1.0")
            },
            "filter f: a != 0 || x > 1.0\n  source s",
        );
    }

    #[test]
    fn builders_make_well_formed_plans() {
        let mut b = Builder::new();
        let source = b.source("s", "a: i64");
        let filter = b.filter("f", source, "a > 1");
        b.sink("out", filter);
        assert_eq!(sabot_ir::verify::plan::verify(&b.plan), Vec::<String>::new());
    }
}
