//! Columns and locals of an expression replaced by others.

use sabot_ir::expr::{Expr, ExprKind, LocalId};
use std::collections::BTreeMap;

/// Puts for each column the expression that computes it, and gives all locals new ids.
pub(super) fn columns(expr: &mut Expr, values: &[Expr]) {
    expr.rewrite(&mut |node| {
        if let Some(column) = node.as_column() {
            *node = values[column as usize].clone();
        }
    });
    renumber_locals(expr);
}

/// Gives each column the number that `new` has for it.
pub(super) fn positions(expr: &mut Expr, new: &impl Fn(u32) -> u32) {
    expr.rewrite(&mut |node| {
        if let ExprKind::Column(column) = &mut node.kind {
            *column = new(*column);
        }
    });
}

/// Puts a value for a local, wherever it is used.
pub(super) fn local(expr: &mut Expr, local: LocalId, value: &Expr) {
    expr.rewrite(&mut |node| {
        if matches!(node.kind, ExprKind::Local(used) if used == local) {
            *node = value.clone();
        }
    });
}

/// Numbers the locals in the order in which they are bound, so that each is bound once and equal expressions look equal.
pub(super) fn renumber_locals(expr: &mut Expr) {
    renumber(expr, &mut BTreeMap::new(), &mut 0);
}

/// `names`: the new names of what is in scope; locals bound outside keep theirs.
fn renumber(expr: &mut Expr, names: &mut BTreeMap<LocalId, LocalId>, next: &mut u32) {
    match &mut expr.kind {
        ExprKind::Local(local) => {
            if let Some(new) = names.get(local) {
                *local = *new;
            }
        }
        ExprKind::Let { local, value, body } => {
            renumber(value, names, next);
            renumber_under(local, body, names, next);
        }
        ExprKind::IfSome { option, local, then, otherwise } => {
            renumber(option, names, next);
            renumber_under(local, then, names, next);
            renumber(otherwise, names, next);
        }
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => {
            for child in expr.children_mut() {
                renumber(child, names, next);
            }
        }
    }
}

/// Renumbers an expression in which `local` is in scope.
fn renumber_under(local: &mut LocalId, scope: &mut Expr, names: &mut BTreeMap<LocalId, LocalId>, next: &mut u32) {
    let new = LocalId(*next);
    *next += 1;
    let old = std::mem::replace(local, new);
    let shadowed = names.insert(old, new);
    renumber(scope, names, next);
    match shadowed {
        Some(shadowed) => names.insert(old, shadowed),
        None => names.remove(&old),
    };
}
