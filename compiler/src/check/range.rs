//! `(a..b).contains(&x)`: comparisons with the bounds, each part evaluated once, in order.

use super::hir::Hir;
use super::infer::Body;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Name, Pattern, PatternKind, Statement};
use sabot_ir::span::Span;

impl Body<'_, '_> {
    /// Whether a range contains a value; nothing if this is no such question.
    pub(super) fn range_contains(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let (ExprKind::Range(first, last, is_closed), "contains", [arg]) = (&receiver.kind, name.text.as_str(), args)
        else {
            return None;
        };
        let item = if let ExprKind::Reference(item) = &arg.kind { item } else { arg };
        let at = |kind| ast::Expr { kind, span };
        // No author's variable has a name with a space in it.
        let named = |name: &str| at(ExprKind::Name(name.to_owned()));
        let bind = |name: &str, value: &ast::Expr| {
            let pattern = Pattern { kind: PatternKind::Bind(name.to_owned(), false, None), span };
            Statement::Let(pattern, None, value.clone())
        };
        let compare = |op, bound| at(ExprKind::Binary(op, Box::new(named("an item")), Box::new(named(bound))));
        let mut statements = Vec::new();
        let mut conditions = Vec::new();
        if let Some(first) = first {
            statements.push(bind("a first", first));
            conditions.push(compare(BinaryOp::Ge, "a first"));
        }
        if let Some(last) = last {
            statements.push(bind("a last", last));
            conditions.push(compare(if *is_closed { BinaryOp::Le } else { BinaryOp::Lt }, "a last"));
        }
        statements.push(bind("an item", item));
        let and = |a, b| at(ExprKind::Binary(BinaryOp::And, Box::new(a), Box::new(b)));
        let holds = conditions.into_iter().reduce(and)?;
        Some(self.expr(&at(ExprKind::Block(statements, Some(Box::new(holds)))), None))
    }
}
