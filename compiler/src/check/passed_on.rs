//! Whether code passes a column of its row on as it is: a list all of whose items are that column's value.
//!
//! Only what is plain to see counts. A variable of a loop passes the column on if all that is ever assigned to it does, which is
//! assumed of all of them and given up one by one.

use sabot_ir::body::{Body, Statement, VariableId};
use sabot_ir::expr::{Expr, ExprKind, Function, LocalId};
use sabot_ir::list::ListFunction;
use std::collections::{BTreeMap, BTreeSet};

/// Whether every item of the list, or every value that is one, is the value of the column.
pub(super) fn passes_on(expr: &Expr, column: u32) -> bool {
    Known { column: Some(column), ..Known::default() }.is_passed_on(expr)
}

/// What is known where an expression stands.
#[derive(Default)]
struct Known {
    /// Bodies see none.
    column: Option<u32>,
    /// Of the locals in sight: whether they are the value.
    locals: BTreeMap<LocalId, bool>,
    /// Variables that may be something else.
    others: BTreeSet<VariableId>,
}

impl Known {
    fn is_passed_on(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Column(column) => Some(*column) == self.column,
            ExprKind::Local(local) => self.locals.get(local).copied().unwrap_or(false),
            ExprKind::Variable(variable) => !self.others.contains(variable),
            ExprKind::Let { local, value, body } => {
                let is = self.is_passed_on(value);
                self.with_local(*local, is, body)
            }
            ExprKind::IfSome { option, local, then, otherwise } => {
                let is = self.is_passed_on(option);
                self.with_local(*local, is, then) && self.is_passed_on(otherwise)
            }
            ExprKind::If { then, otherwise, .. } => self.is_passed_on(then) && self.is_passed_on(otherwise),
            ExprKind::Some(value) => self.is_passed_on(value),
            ExprKind::Compute(body, args) => self.body(body, args),
            ExprKind::Call(Function::List(function), args) => self.list(*function, args),
            // Such a row is none.
            ExprKind::Fail(_) => true,
            ExprKind::Literal(_)
            | ExprKind::Param(_)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Cast(_)
            | ExprKind::None
            | ExprKind::IsSome(_)
            | ExprKind::Call(..) => false,
        }
    }

    fn with_local(&mut self, local: LocalId, is: bool, expr: &Expr) -> bool {
        let before = self.locals.insert(local, is);
        let is = self.is_passed_on(expr);
        match before {
            Some(before) => self.locals.insert(local, before),
            None => self.locals.remove(&local),
        };
        is
    }

    fn list(&mut self, function: ListFunction, args: &[Expr]) -> bool {
        match function {
            ListFunction::Of | ListFunction::Push | ListFunction::Concat => {
                args.iter().all(|arg| self.is_passed_on(arg))
            }
            ListFunction::Set => [0, 2].iter().all(|at| self.is_passed_on(&args[*at])),
            ListFunction::Repeat
            | ListFunction::At
            | ListFunction::Slice
            | ListFunction::Reverse
            | ListFunction::Take => self.is_passed_on(&args[0]),
            ListFunction::Len
            | ListFunction::Order
            | ListFunction::Contains
            | ListFunction::Join
            | ListFunction::Compare => false,
        }
    }

    fn body(&mut self, body: &Body, args: &[Expr]) -> bool {
        let mut inside = Self::default();
        for (variable, arg) in (0..).map(VariableId).zip(args) {
            if !self.is_passed_on(arg) {
                inside.others.insert(variable);
            }
        }
        loop {
            let known = inside.others.len();
            inside.statements(&body.block);
            if inside.others.len() == known {
                return inside.is_passed_on(&body.result);
            }
        }
    }

    /// Gives up the variables to which something else is assigned.
    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Assign(variable, value) | Statement::IfSome { option: value, variable, .. }
                    if !self.is_passed_on(value) =>
                {
                    self.others.insert(*variable);
                }
                Statement::Assign(..)
                | Statement::IfSome { .. }
                | Statement::Evaluate(_)
                | Statement::If { .. }
                | Statement::Block { .. }
                | Statement::Loop { .. }
                | Statement::Break(_)
                | Statement::Continue(_) => {}
            }
            match statement {
                Statement::If { then, otherwise, .. } | Statement::IfSome { then, otherwise, .. } => {
                    self.statements(then);
                    self.statements(otherwise);
                }
                Statement::Block { body, .. } | Statement::Loop { body, .. } => self.statements(body),
                Statement::Assign(..) | Statement::Evaluate(_) | Statement::Break(_) | Statement::Continue(_) => {}
            }
        }
    }
}
