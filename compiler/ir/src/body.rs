//! Code with loops: what [`crate::expr::ExprKind::Compute`] runs for one row.
//!
//! A body has variables that change, statements, and at the end a result. It is closed: its expressions read its own
//! variables and the `let`s inside them, nothing of what is around it, no column and no parameter of the job. What it needs comes in
//! as arguments, which its first variables begin with; the others begin as the default of their type (0, `false`, `""`,
//! `None`) and are assigned before they are read.
//!
//! Every start of a pass through a loop takes one unit of [`FUEL`], counted over all loops of one run of the body; where none
//! is left the row is a row error. So a loop that never ends is an error of the row, not of the job.
//!
//! `return` is an assignment to a variable and a break of an outer block. Records, tuples and options of them are taken apart
//! into scalar variables by whoever makes the body.
//!
//! Bodies that differ only in their result do the same work: a kernel runs their statements once.

use crate::expr::{Expr, ExprKind, LocalId};
use crate::span::Span;
use crate::ty::Type;
use std::hash::{Hash, Hasher};

/// How many passes through loops a row may take in one run of a body.
pub const FUEL: u64 = 10_000_000;

/// Index into [`Body::variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableId(pub u32);

/// A block or loop of one body; unique inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelId(pub u32);

/// A variable of a body.
#[derive(Clone, Debug)]
pub struct Variable {
    /// What the author calls it, for those who read the printed form.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it was declared.
    pub span: Span,
}

/// A place in the source, which is no part of what code means: all places are equal.
#[derive(Clone, Copy, Debug)]
pub struct Place(pub Span);

/// Statements over variables, and the value at their end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// Its variables; the first are set to the arguments.
    pub variables: Vec<Variable>,
    /// What is done.
    pub block: Vec<Statement>,
    /// What it gives.
    pub result: Expr,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// Gives a variable a value.
    Assign(VariableId, Expr),
    /// Evaluates what may be a row error.
    Evaluate(Expr),
    /// `if`.
    If {
        /// A `bool`.
        condition: Expr,
        /// Done if it is true.
        then: Vec<Statement>,
        /// Done if it is false.
        otherwise: Vec<Statement>,
    },
    /// `if let Some(variable) = option`.
    IfSome {
        /// An `Option`.
        option: Expr,
        /// Gets what it holds.
        variable: VariableId,
        /// Done if it is `Some`.
        then: Vec<Statement>,
        /// Done if it is `None`.
        otherwise: Vec<Statement>,
    },
    /// Statements that a [`Statement::Break`] may leave.
    Block {
        /// Its name.
        label: LabelId,
        /// What is done.
        body: Vec<Statement>,
    },
    /// Statements that are done again and again, until a [`Statement::Break`] leaves them.
    Loop {
        /// Its name.
        label: LabelId,
        /// What is done in each pass.
        body: Vec<Statement>,
        /// The loop as written: where a row stands that has no fuel left.
        place: Place,
    },
    /// Leaves an enclosing block or loop.
    Break(LabelId),
    /// Begins the next pass through an enclosing loop.
    Continue(LabelId),
}

impl Body {
    /// Every expression of it, in the order they stand.
    #[must_use]
    pub fn exprs(&self) -> Vec<&Expr> {
        let mut exprs = Vec::new();
        collect(&self.block, &mut exprs);
        exprs.push(&self.result);
        exprs
    }

    /// Every expression of it, to be changed, in the order they stand.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        let mut exprs = Vec::new();
        collect_mut(&mut self.block, &mut exprs);
        exprs.push(&mut self.result);
        exprs
    }

    /// Calls `visit` with the place of every loop.
    pub fn for_each_loop(&self, visit: &mut dyn FnMut(Span)) {
        for_each_loop(&self.block, visit);
    }

    /// Whether there is a loop in it.
    #[must_use]
    pub fn has_loop(&self) -> bool {
        has_loop(&self.block)
    }

    /// Whether some row may make it a row error.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        self.has_loop() || self.exprs().into_iter().any(Expr::can_fail)
    }

    /// Number of nodes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.exprs().into_iter().map(Expr::size).sum()
    }

    /// A number above every local that is bound in it.
    #[must_use]
    pub fn first_free_local(&self) -> u32 {
        let mut free = 0;
        for expr in self.exprs() {
            expr.walk(&mut |node| {
                if let ExprKind::Let { local: LocalId(local), .. } | ExprKind::IfSome { local: LocalId(local), .. } =
                    &node.kind
                {
                    free = free.max(local + 1);
                }
            });
        }
        free
    }
}

fn collect<'a>(statements: &'a [Statement], exprs: &mut Vec<&'a Expr>) {
    for statement in statements {
        match statement {
            Statement::Assign(_, value) | Statement::Evaluate(value) => exprs.push(value),
            Statement::If { condition, then, otherwise } => {
                exprs.push(condition);
                collect(then, exprs);
                collect(otherwise, exprs);
            }
            Statement::IfSome { option, then, otherwise, .. } => {
                exprs.push(option);
                collect(then, exprs);
                collect(otherwise, exprs);
            }
            Statement::Block { body, .. } | Statement::Loop { body, .. } => collect(body, exprs),
            Statement::Break(_) | Statement::Continue(_) => {}
        }
    }
}

fn collect_mut<'a>(statements: &'a mut [Statement], exprs: &mut Vec<&'a mut Expr>) {
    for statement in statements {
        match statement {
            Statement::Assign(_, value) | Statement::Evaluate(value) => exprs.push(value),
            Statement::If { condition, then, otherwise } => {
                exprs.push(condition);
                collect_mut(then, exprs);
                collect_mut(otherwise, exprs);
            }
            Statement::IfSome { option, then, otherwise, .. } => {
                exprs.push(option);
                collect_mut(then, exprs);
                collect_mut(otherwise, exprs);
            }
            Statement::Block { body, .. } | Statement::Loop { body, .. } => collect_mut(body, exprs),
            Statement::Break(_) | Statement::Continue(_) => {}
        }
    }
}

fn for_each_loop(statements: &[Statement], visit: &mut dyn FnMut(Span)) {
    for statement in statements {
        match statement {
            Statement::Loop { body, place, .. } => {
                visit(place.0);
                for_each_loop(body, visit);
            }
            Statement::Block { body, .. } => for_each_loop(body, visit),
            Statement::If { then, otherwise, .. } | Statement::IfSome { then, otherwise, .. } => {
                for_each_loop(then, visit);
                for_each_loop(otherwise, visit);
            }
            Statement::Assign(..) | Statement::Evaluate(_) | Statement::Break(_) | Statement::Continue(_) => {}
        }
    }
}

fn has_loop(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::Loop { .. } => true,
        Statement::Block { body, .. } => has_loop(body),
        Statement::If { then, otherwise, .. } | Statement::IfSome { then, otherwise, .. } => {
            has_loop(then) || has_loop(otherwise)
        }
        Statement::Assign(..) | Statement::Evaluate(_) | Statement::Break(_) | Statement::Continue(_) => false,
    })
}

/// The same but for name and place, so that the same code written twice is found.
impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.ty == other.ty
    }
}

impl Eq for Variable {}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Hash for Variable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ty.hash(state);
    }
}
