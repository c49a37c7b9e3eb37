//! Random bodies: variables, branches, blocks and loops that end.

use super::generate::Generator;
use sabot_ir::body::{Body, LabelId, Place, Statement, Variable, VariableId};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Failure, FailureKind, Literal};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// What a body that is being made has so far.
#[derive(Default)]
pub(crate) struct Making {
    variables: Vec<Variable>,
    /// The blocks and loops around, and whether it is a loop.
    labels: Vec<(LabelId, bool)>,
    next_label: u32,
    /// Counters of loops, which nothing else reads or changes.
    counters: Vec<VariableId>,
}

impl Making {
    fn variable(&mut self, ty: &Type) -> VariableId {
        let id = VariableId(u32::try_from(self.variables.len()).expect("few"));
        self.variables.push(Variable { name: format!("v{}", id.0), ty: ty.clone(), span: Span::NONE });
        id
    }

    pub(crate) fn of_type(&self, ty: &Type) -> Vec<VariableId> {
        self.visible().into_iter().filter(|id| self.variables[id.0 as usize].ty == *ty).collect()
    }

    fn visible(&self) -> Vec<VariableId> {
        let all = (0..self.variables.len()).map(|number| VariableId(u32::try_from(number).expect("few")));
        all.filter(|id| !self.counters.contains(id)).collect()
    }
}

impl Generator<'_> {
    /// A body with random arguments that gives this type; sometimes two results of one body.
    pub(crate) fn compute(&mut self, ty: &Type, depth: u32) -> ExprKind {
        let mut making = Making::default();
        let mut args = Vec::new();
        for _ in 0..1 + self.rng.below(3) {
            let of = self.any_type();
            making.variable(&of);
            args.push(self.expr(&of, depth.min(1)));
        }
        for _ in 0..1 + self.rng.below(2) {
            let of = self.any_type();
            making.variable(&of);
        }
        making.variable(ty);
        let outside = self.enter_body(making);
        let block = self.statements(2, depth);
        let result = self.expr(ty, depth.min(1));
        let making = self.leave_body(outside);
        ExprKind::Compute(Box::new(Body { variables: making.variables, block, result }), args)
    }

    fn statements(&mut self, levels: u32, depth: u32) -> Vec<Statement> {
        (0..1 + self.rng.below(4)).flat_map(|_| self.statement(levels, depth)).collect()
    }

    fn statement(&mut self, levels: u32, depth: u32) -> Vec<Statement> {
        let inner = depth.saturating_sub(1);
        match self.rng.below(if levels == 0 { 8 } else { 14 }) {
            0..=4 => {
                let id = self.some_variable();
                let ty = self.making().variables[id.0 as usize].ty.clone();
                vec![Statement::Assign(id, self.expr(&ty, inner))]
            }
            5 => {
                let ty = self.any_type();
                vec![Statement::Evaluate(self.expr(&ty, inner))]
            }
            6 | 7 => self.jump(inner),
            8 | 9 => {
                let condition = self.expr(&Type::Bool, inner);
                let then = self.statements(levels - 1, inner);
                vec![Statement::If { condition, then, otherwise: self.statements(levels - 1, inner) }]
            }
            10 => {
                let of = self.base_type();
                let option = self.expr(&of.clone().optional(), inner);
                let variable = self.making().variable(&of);
                let then = self.statements(levels - 1, inner);
                vec![Statement::IfSome { option, variable, then, otherwise: self.statements(levels - 1, inner) }]
            }
            11 => {
                let label = self.open(false);
                let body = self.statements(levels - 1, inner);
                self.making().labels.pop();
                vec![Statement::Block { label, body }]
            }
            _ => self.counted(levels - 1, inner),
        }
    }

    fn open(&mut self, is_loop: bool) -> LabelId {
        let making = self.making();
        let label = LabelId(making.next_label);
        making.next_label += 1;
        making.labels.push((label, is_loop));
        label
    }

    /// A loop of a few passes, whatever is done in it: its counter is assigned nowhere else.
    fn counted(&mut self, levels: u32, depth: u32) -> Vec<Statement> {
        let passes = i128::from(self.rng.below(5));
        let id = self.making().variable(&Type::Int64);
        self.making().counters.push(id);
        let label = self.open(true);
        let body = self.statements(levels, depth);
        self.making().labels.pop();
        let int = |value| Expr::literal(Literal::Int(value), Type::Int64);
        let read = Expr::new(ExprKind::Variable(id), Type::Int64, Span::NONE);
        let binary =
            |op, a: &Expr, b, ty| Expr::new(ExprKind::Binary(op, Box::new(a.clone()), Box::new(b)), ty, Span::NONE);
        let condition = binary(BinaryOp::Ge, &read, int(passes), Type::Bool);
        let mut all = vec![
            Statement::If { condition, then: vec![Statement::Break(label)], otherwise: Vec::new() },
            Statement::Assign(id, binary(BinaryOp::Add, &read, int(1), Type::Int64)),
        ];
        all.extend(body);
        vec![Statement::Assign(id, int(0)), Statement::Loop { label, body: all, place: Place(Span::new(1, 2)) }]
    }

    /// A jump under a condition, or a failure.
    fn jump(&mut self, depth: u32) -> Vec<Statement> {
        let condition = self.expr(&Type::Bool, depth);
        let labels = self.making().labels.clone();
        let then = match labels.as_slice() {
            [] => {
                let failure = Failure { kind: FailureKind::Panic, message: String::new() };
                let ty = self.any_type();
                Statement::Evaluate(self.node(ExprKind::Fail(failure), &ty))
            }
            labels => {
                let (label, is_loop) = *self.rng.pick(labels);
                if is_loop && self.rng.percent(50) { Statement::Continue(label) } else { Statement::Break(label) }
            }
        };
        vec![Statement::If { condition, then: vec![then], otherwise: Vec::new() }]
    }

    fn some_variable(&mut self) -> VariableId {
        let visible = self.making().visible();
        *self.rng.pick(&visible)
    }
}
