//! Bindings that wait for the scalars that need them.

use super::value::{self, Value};
use sabot_ir::expr::{Expr, ExprKind, LocalId};
use std::collections::{BTreeMap, BTreeSet};

/// Bindings in the order they are evaluated.
pub(super) type Region = Vec<(LocalId, Expr)>;

/// Puts around each scalar the bindings it needs, and around the first those that nothing needs but that may fail.
pub(super) fn wrap(region: &Region, value: &mut Value) {
    if region.is_empty() {
        return;
    }
    let values: BTreeMap<LocalId, &Expr> = region.iter().map(|(local, value)| (*local, value)).collect();
    let mut leaves = value.leaves_mut();
    let mut needed: Vec<BTreeSet<LocalId>> = leaves.iter().map(|leaf| needs(leaf, &values)).collect();
    let mut by_any: BTreeSet<LocalId> = needed.iter().flatten().copied().collect();
    if let Some(first) = needed.first_mut() {
        for (local, value) in region.iter().rev() {
            // A loop that runs for another of its results need not run for this one.
            let runs_anyhow =
                || by_any.iter().any(|other| values.get(other).is_some_and(|other| same_run(other, value)));
            if !by_any.contains(local) && value.can_fail() && !runs_anyhow() {
                for more in needs(value, &values).into_iter().chain([*local]) {
                    first.insert(more);
                    by_any.insert(more);
                }
            }
        }
    }
    for (leaf, needed) in leaves.iter_mut().zip(needed) {
        for (local, value) in region.iter().rev() {
            if needed.contains(local) {
                let body = std::mem::replace(*leaf, Expr::bool(true));
                let span = body.span;
                **leaf = value::let_(*local, value.clone(), body, span);
            }
        }
    }
}

/// Whether both are results of one run of a body.
fn same_run(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Compute(a, of_a), ExprKind::Compute(b, of_b)) => {
            of_a == of_b && a.variables == b.variables && a.block == b.block
        }
        _ => false,
    }
}

/// The bindings that an expression reads, and those that they read.
fn needs(expr: &Expr, values: &BTreeMap<LocalId, &Expr>) -> BTreeSet<LocalId> {
    let mut needed = BTreeSet::new();
    let mut waiting = vec![expr];
    while let Some(expr) = waiting.pop() {
        expr.walk(&mut |node| {
            if let ExprKind::Local(local) = node.kind
                && let Some(value) = values.get(&local)
                && needed.insert(local)
            {
                waiting.push(value);
            }
        });
    }
    needed
}

/// Makes an expression fit for a plan: every binder is unique in it, though copies of a binding may stand side by side.
pub(super) fn finish(expr: &mut Expr) {
    fn visit(expr: &mut Expr, seen: &mut BTreeSet<LocalId>, next: &mut u32) {
        let (ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. }) = &mut expr.kind else {
            for child in expr.children_mut() {
                visit(child, seen, next);
            }
            return;
        };
        let old = *local;
        if !seen.insert(old) {
            *next += 1;
            *local = LocalId(*next);
            seen.insert(*local);
            let new = *local;
            let (ExprKind::Let { body: scope, .. } | ExprKind::IfSome { then: scope, .. }) = &mut expr.kind else {
                return;
            };
            scope.rewrite(&mut |node| {
                if node.kind == ExprKind::Local(old) {
                    node.kind = ExprKind::Local(new);
                }
            });
        }
        for child in expr.children_mut() {
            visit(child, seen, next);
        }
    }
    value::forget_nothing(expr);
    let mut greatest = 0;
    let mut binders = 0;
    let mut seen = BTreeSet::new();
    expr.walk(&mut |node| {
        if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } = node.kind {
            greatest = greatest.max(local.0);
            binders += 1;
            seen.insert(local);
        }
    });
    if seen.len() < binders {
        visit(expr, &mut BTreeSet::new(), &mut greatest);
    }
}
