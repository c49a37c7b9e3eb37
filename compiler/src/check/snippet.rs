//! Short code as its author wrote it, for the help of a message.

use crate::diagnostics::written::Written;
use sabot_ir::ast::{Expr, ExprKind, Literal, UnaryOp};

/// Longer code is not repeated in a message.
const MAX_LENGTH: usize = 40;

/// The expression as text, if it is short: names, fields, literals and calls without arguments.
pub(super) fn written(expr: &Expr) -> Option<String> {
    let text = text(expr)?;
    (text.len() <= MAX_LENGTH).then_some(text)
}

/// The expression with its place, to be edited.
pub(super) fn place(expr: &Expr) -> Written {
    let (is_closed, can_be_cast) = binding(expr);
    Written { text: written(expr), span: expr.span, is_closed, can_be_cast }
}

/// Whether `.method()`, and whether ` as T`, belong to the whole of it when they stand behind it.
fn binding(expr: &Expr) -> (bool, bool) {
    match &expr.kind {
        ExprKind::Binary(_, left, _) => {
            let is_in_parentheses = expr.span.start < left.span.start;
            (is_in_parentheses, is_in_parentheses)
        }
        ExprKind::Cast(inner, _) => (expr.span.start < inner.span.start, true),
        ExprKind::Unary(..) => (false, true),
        ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::Field(..)
        | ExprKind::Method(..)
        | ExprKind::Literal(_)
        | ExprKind::Call(..)
        | ExprKind::Tuple(_)
        | ExprKind::Macro(..)
        | ExprKind::Index(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::Try(_) => (true, true),
        ExprKind::Reference(_)
        | ExprKind::MutReference(_)
        | ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Record(..)
        | ExprKind::Block(..)
        | ExprKind::Closure(_)
        | ExprKind::Return(_)
        | ExprKind::Assign(..)
        | ExprKind::Range(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..)
        | ExprKind::Break(..)
        | ExprKind::Continue(_)
        | ExprKind::Error => (false, false),
    }
}

fn text(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Path(path) => Some(path.join("::")),
        ExprKind::Field(base, field) => Some(format!("{}.{}", text(base)?, field.text)),
        ExprKind::Method(base, name, types, args) if types.is_empty() && args.is_empty() => {
            Some(format!("{}.{}()", text(base)?, name.text))
        }
        ExprKind::Reference(inner) | ExprKind::Unary(UnaryOp::Deref, inner) => text(inner),
        ExprKind::Unary(UnaryOp::Neg, inner) if matches!(inner.kind, ExprKind::Literal(_)) => {
            Some(format!("-{}", text(inner)?))
        }
        ExprKind::Literal(literal) => match literal {
            Literal::Bool(value) => Some(value.to_string()),
            Literal::Int(value, suffix) => Some(format!("{value}{}", suffix.as_deref().unwrap_or(""))),
            Literal::Float(value, suffix) => Some(format!("{value:?}{}", suffix.as_deref().unwrap_or(""))),
            Literal::String(value) => Some(format!("{value:?}")),
            Literal::Char(_) | Literal::Bytes(_) => None,
        },
        ExprKind::Call(path, args) if args.is_empty() => {
            let path: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
            Some(format!("{}()", path.join("::")))
        }
        ExprKind::Block(statements, Some(tail)) if statements.is_empty() => text(tail),
        ExprKind::MutReference(inner) => text(inner),
        ExprKind::Unary(UnaryOp::Not | UnaryOp::Neg, _)
        | ExprKind::Method(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(..)
        | ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Call(..)
        | ExprKind::Record(..)
        | ExprKind::Tuple(_)
        | ExprKind::Block(..)
        | ExprKind::Closure(_)
        | ExprKind::Return(_)
        | ExprKind::Macro(..)
        | ExprKind::Assign(..)
        | ExprKind::Index(..)
        | ExprKind::Range(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..)
        | ExprKind::Break(..)
        | ExprKind::Continue(_)
        | ExprKind::Try(_)
        | ExprKind::Error => None,
    }
}
