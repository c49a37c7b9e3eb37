//! Writes out loops whose number of passes is known, so that rows can be computed side by side.
//!
//! Before: `compute(v0 = x, v1 = x, v2 = 0) { loop { if v2 >= 3 { break } v2 = v2 + 1; v1 = v1 * v0 } v1 }`, after:
//! `{ let a = x * x; let b = a * x; b * x }`. What is assigned becomes a `let`, in the same order, so that the same row errors
//! happen first. A body stays as it is if a condition in it is not known here, if its variables are no plain numbers, or if
//! there would be too much of it.

use super::effects::is_cheap;
use super::{Changed, Part, Pass, PassCx, fold_constants};
use sabot_ir::body::{Body, LabelId, Statement};
use sabot_ir::expr::{Expr, ExprKind, Literal, LocalId};
use sabot_ir::plan::Plan;
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

pub(super) const UNROLL_LOOPS: Pass = Pass { name: "unroll_loops", part_of: Part::Always, run };

/// Nodes that a body may become.
const MOST_NODES: usize = 240;

/// Statements that are looked at on the way.
const MOST_STEPS: usize = 512;

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for node in &mut plan.nodes {
        for expr in node.operator.exprs_mut() {
            let mut has_bodies = false;
            expr.walk(&mut |node| has_bodies |= matches!(node.kind, ExprKind::Compute(..)));
            if has_bodies {
                unroll(expr, &mut changed);
            }
        }
    }
    changed
}

fn unroll(expr: &mut Expr, changed: &mut Changed) {
    let mut next_local = first_free_local(expr);
    expr.rewrite(&mut |node| {
        if let ExprKind::Compute(body, args) = &node.kind
            && let Some(straight) = straight(body, args, node, &mut next_local)
        {
            *node = straight;
            changed.note();
        }
    });
}

/// A number above those of all locals, those in bodies included.
fn first_free_local(expr: &Expr) -> u32 {
    let mut free = 0;
    expr.walk_all(&mut |node| {
        if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } = &node.kind {
            free = free.max(local.0 + 1);
        }
    });
    free
}

/// Whether a variable of the type is a number, a time or a `bool`, which may lie in a lane.
fn is_plain(ty: &Type) -> bool {
    ty.is_integer() || ty.is_float() || *ty == Type::Bool
}

/// Where statements lead.
#[derive(PartialEq)]
enum Flow {
    On,
    Break(LabelId),
    Continue(LabelId),
}

/// What has been done of a body.
struct Run<'a> {
    /// What each variable is now: something that may be written several times.
    values: Vec<Expr>,
    /// What has been computed, in order.
    lets: Vec<(LocalId, Expr)>,
    next_local: &'a mut u32,
    steps: usize,
    nodes: usize,
}

/// The body without its loops.
fn straight(body: &Body, args: &[Expr], whole: &Expr, next_local: &mut u32) -> Option<Expr> {
    if !body.has_loop() || !body.variables.iter().all(|variable| is_plain(&variable.ty)) {
        return None;
    }
    let mut run = Run { values: Vec::new(), lets: Vec::new(), next_local, steps: 0, nodes: 0 };
    for (at, variable) in body.variables.iter().enumerate() {
        let value = match args.get(at) {
            Some(arg) => arg.clone(),
            None => Expr::new(ExprKind::Literal(zero(&variable.ty)), variable.ty.clone(), variable.span),
        };
        let value = run.kept(value)?;
        run.values.push(value);
    }
    let flow = run.statements(&body.block)?;
    if flow != Flow::On {
        return None;
    }
    let result = run.read(&body.result);
    let lets = std::mem::take(&mut run.lets);
    let nested = lets.into_iter().rev().fold(result, |body, (local, value)| {
        let (ty, span) = (body.ty.clone(), whole.span);
        Expr::new(ExprKind::Let { local, value: Box::new(value), body: Box::new(body) }, ty, span)
    });
    Some(nested)
}

/// What a variable begins with that has no argument.
fn zero(ty: &Type) -> Literal {
    if ty.is_float() {
        Literal::Float(0.0)
    } else if *ty == Type::Bool {
        Literal::Bool(false)
    } else {
        Literal::Int(0)
    }
}

impl Run<'_> {
    /// A value that may be written several times: itself, or a `let` that it becomes.
    fn kept(&mut self, value: Expr) -> Option<Expr> {
        if is_cheap(&value) {
            return Some(value);
        }
        self.nodes += value.size();
        let local = LocalId(*self.next_local);
        *self.next_local += 1;
        let (ty, span) = (value.ty.clone(), value.span);
        self.lets.push((local, value));
        (self.nodes <= MOST_NODES).then(|| Expr::new(ExprKind::Local(local), ty, span))
    }

    /// An expression of the body with its variables as they are now, and its own locals under new numbers.
    fn read(&mut self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        let mut names: BTreeMap<LocalId, LocalId> = BTreeMap::new();
        let next = &mut *self.next_local;
        let values = &self.values;
        // Children come first: a variable's value, once it stands there, is not visited again.
        expr.rewrite(&mut |node| match &mut node.kind {
            ExprKind::Variable(id) => *node = values[id.0 as usize].clone(),
            ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } | ExprKind::Local(local) => {
                *local = *names.entry(*local).or_insert_with(|| {
                    *next += 1;
                    LocalId(*next - 1)
                });
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
            | ExprKind::Call(..)
            | ExprKind::Compute(..)
            | ExprKind::Fail(_) => {}
        });
        fold_constants::fold(&mut expr, &mut Changed::No);
        expr
    }

    fn statements(&mut self, list: &[Statement]) -> Option<Flow> {
        for statement in list {
            let flow = self.statement(statement)?;
            if flow != Flow::On {
                return Some(flow);
            }
        }
        Some(Flow::On)
    }

    /// `None`: it cannot be known here, or it is too much.
    fn statement(&mut self, statement: &Statement) -> Option<Flow> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return None;
        }
        match statement {
            Statement::Assign(id, value) => {
                let value = self.read(value);
                self.values[id.0 as usize] = self.kept(value)?;
                Some(Flow::On)
            }
            Statement::Evaluate(value) => {
                let value = self.read(value);
                if value.can_fail() {
                    self.kept(value)?;
                }
                Some(Flow::On)
            }
            Statement::If { condition, then, otherwise } => match self.read(condition).as_literal() {
                Some(Literal::Bool(true)) => self.statements(then),
                Some(Literal::Bool(false)) => self.statements(otherwise),
                Some(_) | None => None,
            },
            Statement::IfSome { .. } => None,
            Statement::Block { label, body } => match self.statements(body)? {
                Flow::Break(to) if to == *label => Some(Flow::On),
                flow @ (Flow::On | Flow::Break(_) | Flow::Continue(_)) => Some(flow),
            },
            Statement::Loop { label, body, .. } => loop {
                self.steps += 1;
                if self.steps > MOST_STEPS {
                    return None;
                }
                match self.statements(body)? {
                    Flow::On => {}
                    Flow::Continue(to) if to == *label => {}
                    Flow::Break(to) if to == *label => return Some(Flow::On),
                    flow @ (Flow::Break(_) | Flow::Continue(_)) => return Some(flow),
                }
            },
            Statement::Break(label) => Some(Flow::Break(*label)),
            Statement::Continue(label) => Some(Flow::Continue(*label)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sabot_ir::body::{Place, Variable, VariableId};
    use sabot_ir::expr::BinaryOp;
    use sabot_ir::span::Span;

    fn int(value: i128) -> Expr {
        Expr::new(ExprKind::Literal(Literal::Int(value)), Type::Int64, Span::NONE)
    }

    fn column(number: u32) -> Expr {
        Expr::new(ExprKind::Column(number), Type::Int64, Span::NONE)
    }

    fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
        let ty = if op == BinaryOp::Ge { Type::Bool } else { left.ty.clone() };
        Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), ty, Span::NONE)
    }

    /// `compute(v0 = by, v1 = from, v2 = 0) { loop { if v2 >= passes { break } v2 = v2 + 1; v1 = step(v1, v0) } v1 }`.
    pub(in super::super) fn repeat(by: Expr, from: Expr, passes: Expr, step: impl Fn(Expr, Expr) -> Expr) -> Expr {
        let types = [by.ty.clone(), from.ty.clone(), Type::Int64];
        let read = |at: usize| Expr::new(ExprKind::Variable(VariableId(at as u32)), types[at].clone(), Span::NONE);
        let label = LabelId(0);
        let condition = binary(BinaryOp::Ge, read(2), passes);
        let body = vec![
            Statement::If { condition, then: vec![Statement::Break(label)], otherwise: vec![] },
            Statement::Assign(VariableId(2), binary(BinaryOp::Add, read(2), int(1))),
            Statement::Assign(VariableId(1), step(read(1), read(0))),
        ];
        let (result, ty) = (read(1), from.ty.clone());
        let variable = |ty: &Type| Variable { name: "v".into(), ty: ty.clone(), span: Span::NONE };
        let body = Body {
            variables: types.iter().map(variable).collect(),
            block: vec![Statement::Loop { label, body, place: Place(Span::NONE) }],
            result,
        };
        Expr::new(ExprKind::Compute(Box::new(body), vec![by, from, int(0)]), ty, Span::NONE)
    }

    fn power(passes: Expr) -> Expr {
        repeat(column(0), column(0), passes, |before, by| binary(BinaryOp::Mul, before, by))
    }

    /// `let`s of products, one more for each pass.
    fn products(passes: u32) -> Expr {
        let local = |number| Expr::new(ExprKind::Local(LocalId(number)), Type::Int64, Span::NONE);
        let before = |pass: u32| if pass == 0 { column(0) } else { local(pass - 1) };
        let innermost = before(passes);
        (0..passes).rev().fold(innermost, |body, pass| {
            let value = Box::new(binary(BinaryOp::Mul, before(pass), column(0)));
            Expr::new(ExprKind::Let { local: LocalId(pass), value, body: Box::new(body) }, Type::Int64, Span::NONE)
        })
    }

    fn unrolled(mut expr: Expr) -> (Expr, Changed) {
        let mut changed = Changed::No;
        unroll(&mut expr, &mut changed);
        (expr, changed)
    }

    #[test]
    fn passes_whose_number_is_known_are_written_out() {
        for passes in [0, 1, 3, 20] {
            assert_eq!(unrolled(power(int(passes.into()))), (products(passes), Changed::Yes));
        }
        let twice = binary(BinaryOp::Add, power(int(2)), power(int(2)));
        let (expr, _) = unrolled(twice);
        let mut locals = Vec::new();
        expr.walk(&mut |node| {
            if let ExprKind::Let { local, .. } = node.kind {
                locals.push(local.0);
            }
        });
        assert_eq!(locals, [0, 1, 2, 3], "each has its own");
    }

    #[test]
    fn others_stay() {
        for passes in [Expr::new(ExprKind::Variable(VariableId(0)), Type::Int64, Span::NONE), int(1000), int(1 << 40)] {
            let loop_ = power(passes);
            assert_eq!(unrolled(loop_.clone()), (loop_, Changed::No));
        }
    }
}
