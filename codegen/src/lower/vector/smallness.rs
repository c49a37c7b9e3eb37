//! Which variables of a body are held as floats: 64-bit integers of code that divides.

use super::arithmetic::Int;
use crate::column::Class;
use sabot_ir::body::{Body, Statement, VariableId};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, UnaryOp};
use std::collections::BTreeSet;

/// For each variable, the integer that it is if it is held as a float.
pub(super) fn held_as_floats(body: &Body) -> Vec<Option<Int>> {
    let divides = body.exprs().into_iter().any(divides);
    let mut others = BTreeSet::new();
    bitwise(&body.block, &mut others);
    let numbered = body.variables.iter().enumerate();
    numbered
        .map(|(at, variable)| match Class::of(&variable.ty) {
            Class::Int { bits: 64, signed } if divides && !variable.ty.is_option() => {
                (!others.contains(&at)).then_some(Int { bits: 64, signed })
            }
            Class::Unit
            | Class::Bool
            | Class::Int { .. }
            | Class::F32
            | Class::F64
            | Class::Str
            | Class::List(_)
            | Class::Decimal => None,
        })
        .collect()
}

/// Whether 64-bit integers are divided in an expression.
pub(crate) fn divides(expr: &Expr) -> bool {
    let is_long = |expr: &Expr| matches!(Class::of(&expr.ty), Class::Int { bits: 64, .. });
    let mut found = false;
    expr.walk_all(&mut |node| {
        found |= match &node.kind {
            ExprKind::Binary(BinaryOp::Div | BinaryOp::Rem, a, _) => is_long(a),
            ExprKind::Call(Function::RemEuclid | Function::DivEuclid, args) => args.first().is_some_and(is_long),
            // Of dates and times, which are written out.
            ExprKind::Call(Function::Value(_), _) => true,
            ExprKind::Call(..)
            | ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
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
            | ExprKind::Fail(_) => false,
        };
    });
    found
}

/// Variables that get bits rather than numbers, which may well be great.
fn bitwise(list: &[Statement], found: &mut BTreeSet<usize>) {
    for statement in list {
        match statement {
            Statement::Assign(VariableId(id), value) => {
                if !is_number(value) {
                    found.insert(*id as usize);
                }
            }
            Statement::IfSome { variable: VariableId(id), then, otherwise, .. } => {
                found.insert(*id as usize);
                bitwise(then, found);
                bitwise(otherwise, found);
            }
            Statement::If { then, otherwise, .. } => {
                bitwise(then, found);
                bitwise(otherwise, found);
            }
            Statement::Block { body, .. } | Statement::Loop { body, .. } => bitwise(body, found),
            Statement::Evaluate(_) | Statement::Break(_) | Statement::Continue(_) => {}
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few functions keep numbers as small as they are")]
fn is_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(op, ..) => {
            matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem)
        }
        ExprKind::Unary(op, _) => *op == UnaryOp::Neg,
        ExprKind::Literal(_) | ExprKind::Variable(_) | ExprKind::Local(_) | ExprKind::Cast(_) => true,
        ExprKind::Let { body, .. } => is_number(body),
        ExprKind::If { then, otherwise, .. } => is_number(then) && is_number(otherwise),
        ExprKind::Call(function, _) => matches!(
            function,
            Function::Min | Function::Max | Function::Abs | Function::Clamp | Function::RemEuclid | Function::DivEuclid
        ),
        _ => false,
    }
}
