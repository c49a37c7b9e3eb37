//! What must hold of a body: arguments and variables agree, labels are known and unique, nothing of the outside is read.

use super::expr::{Scope, check_expr};
use crate::body::{Body, LabelId, Statement, VariableId};
use crate::expr::Expr;
use crate::ty::{Schema, Type};
use std::collections::BTreeSet;

/// Checks a body and the arguments that it gets.
pub(super) fn check_body(body: &Body, args: &[Expr], ty: &Type, outer: &mut Scope<'_>) {
    let none = Schema::default();
    let mut scope = outer.of_body(&none, body);
    for (position, arg) in args.iter().enumerate() {
        match body.variables.get(position) {
            Some(variable) => scope.say(variable.ty == arg.ty, "an argument has another type than its variable"),
            None => scope.say(false, "a body has fewer variables than arguments"),
        }
    }
    scope.say(body.result.ty == *ty, "a body has the type of its result");
    let mut check = Check { body, seen: BTreeSet::new(), open: Vec::new() };
    check.statements(&body.block, &mut scope);
    check_own(&body.result, &mut scope);
    outer.take(scope);
}

fn check_own(expr: &Expr, scope: &mut Scope<'_>) {
    scope.forget_locals();
    check_expr(expr, scope);
}

struct Check<'a> {
    body: &'a Body,
    seen: BTreeSet<LabelId>,
    /// The blocks and loops around, and whether it is a loop.
    open: Vec<(LabelId, bool)>,
}

impl Check<'_> {
    fn statements(&mut self, statements: &[Statement], scope: &mut Scope<'_>) {
        for statement in statements {
            match statement {
                Statement::Assign(variable, value) => {
                    check_own(value, scope);
                    self.variable(*variable, &value.ty, scope);
                }
                Statement::Evaluate(value) => check_own(value, scope),
                Statement::If { condition, then, otherwise } => {
                    check_own(condition, scope);
                    scope.say(condition.ty == Type::Bool, "a condition is a bool");
                    self.statements(then, scope);
                    self.statements(otherwise, scope);
                }
                Statement::IfSome { option, variable, then, otherwise } => {
                    check_own(option, scope);
                    if let Type::Option(inner) = &option.ty {
                        self.variable(*variable, inner, scope);
                    } else {
                        scope.say(false, "matches what is no option");
                    }
                    self.statements(then, scope);
                    self.statements(otherwise, scope);
                }
                Statement::Block { label, body } => self.labelled(*label, false, body, scope),
                Statement::Loop { label, body, .. } => self.labelled(*label, true, body, scope),
                Statement::Break(label) => {
                    let known = self.open.iter().any(|(open, _)| open == label);
                    scope.say(known, "a break of what is not around it");
                }
                Statement::Continue(label) => {
                    let known = self.open.contains(&(*label, true));
                    scope.say(known, "a continue of a loop that is not around it");
                }
            }
        }
    }

    fn labelled(&mut self, label: LabelId, is_loop: bool, body: &[Statement], scope: &mut Scope<'_>) {
        let is_new = self.seen.insert(label);
        scope.say(is_new, "two blocks have one label");
        self.open.push((label, is_loop));
        self.statements(body, scope);
        self.open.pop();
    }

    fn variable(&self, id: VariableId, ty: &Type, scope: &mut Scope<'_>) {
        match self.body.variables.get(id.0 as usize) {
            Some(variable) => scope.say(variable.ty == *ty, "a variable gets a value of another type"),
            None => scope.say(false, "there is no such variable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Place, Variable};
    use crate::expr::{BinaryOp, ExprKind, Literal};
    use crate::span::Span;

    fn int(value: i128) -> Expr {
        Expr::literal(Literal::Int(value), Type::Int64)
    }

    fn read(id: u32) -> Expr {
        Expr::new(ExprKind::Variable(VariableId(id)), Type::Int64, Span::NONE)
    }

    /// `while n < 10 { n += 1 }`.
    fn counting() -> Body {
        let n = VariableId(0);
        let label = LabelId(0);
        let binary = |op, a, b, ty| Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::NONE);
        let done = binary(BinaryOp::Ge, read(0), int(10), Type::Bool);
        let next = binary(BinaryOp::Add, read(0), int(1), Type::Int64);
        let exit = Statement::If { condition: done, then: vec![Statement::Break(label)], otherwise: Vec::new() };
        let body = vec![exit, Statement::Assign(n, next)];
        Body {
            variables: vec![Variable { name: "n".to_owned(), ty: Type::Int64, span: Span::NONE }],
            block: vec![Statement::Loop { label, body, place: Place(Span::NONE) }],
            result: read(0),
        }
    }

    fn wrong(body: Body) -> Vec<String> {
        let schema = Schema::default();
        let mut scope = Scope::new(&schema, &[]);
        let expr = Expr::new(ExprKind::Compute(Box::new(body), vec![int(3)]), Type::Int64, Span::NONE);
        check_expr(&expr, &mut scope);
        scope.into_wrong()
    }

    #[test]
    fn a_loop_is_well_formed_and_printed() {
        assert_eq!(wrong(counting()), Vec::<String>::new());
        let expr = Expr::new(ExprKind::Compute(Box::new(counting()), vec![int(3)]), Type::Int64, Span::NONE);
        assert_eq!(expr.to_string(), "compute(n = 3) { 'l0: loop { if n >= 10 { break 'l0; } n = n + 1; } n }");
        assert!(expr.can_fail());
    }

    #[test]
    fn what_is_wrong_is_found() {
        let mut body = counting();
        body.block.push(Statement::Break(LabelId(0)));
        assert_eq!(wrong(body).len(), 1);
        let mut body = counting();
        body.block.push(Statement::Assign(VariableId(7), int(1)));
        assert_eq!(wrong(body).len(), 1);
        let mut body = counting();
        body.result = Expr::column(0, Type::Int64);
        assert_eq!(wrong(body).len(), 1, "the outside is not read");
        let mut body = counting();
        body.variables.clear();
        assert!(!wrong(body).is_empty());
    }
}
