//! Comparisons that the limits of a type decide: `x >= 0` of an unsigned number.

use super::Cx;
use super::hir::{Hir, HirKind};
use super::types::integer_range;
use crate::diagnostics::unused;
use sabot_ir::ast::BinaryOp;
use sabot_ir::diagnostic::Diagnostic;

/// A warning, if the comparison of a number with a literal is decided by the number's type.
pub(super) fn useless_comparison(cx: &Cx<'_>, hir: &Hir) -> Option<Diagnostic> {
    let HirKind::Binary(op, left, right) = &hir.kind else { return None };
    let (op, value, literal) = match (&left.kind, &right.kind) {
        (HirKind::Int(_), HirKind::Int(_)) => return None,
        (_, HirKind::Int(literal)) => (*op, left, *literal),
        (HirKind::Int(literal), _) => (mirrored(*op), right, *literal),
        _ => return None,
    };
    let (least, greatest) = integer_range(&value.ty)?;
    let is_true = decided(op, least, greatest, literal)?;
    Some(unused::useless_comparison(is_true, &cx.show(&value.ty), least, greatest, hir.span))
}

/// What `x op literal` is for every `x` between the limits, if it is one thing. A literal outside of them is an error of
/// its own.
fn decided(op: BinaryOp, least: i128, greatest: i128, literal: i128) -> Option<bool> {
    match op {
        BinaryOp::Ge if literal == least => Some(true),
        BinaryOp::Lt if literal == least => Some(false),
        BinaryOp::Le if literal == greatest => Some(true),
        BinaryOp::Gt if literal == greatest => Some(false),
        BinaryOp::Ge
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::And
        | BinaryOp::Or => None,
    }
}

/// The operator with its sides exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::And
        | BinaryOp::Or => op,
    }
}
