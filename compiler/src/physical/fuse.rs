//! The rows that flow through one body: which expression gives which column, and the step that is being fused.
//!
//! A filter opens a step, the maps behind it join in; the step is closed by the next filter, and by whatever is no
//! Compute. A column that is only renamed, wrapped in `Some` or constant costs nothing: it stays an expression until
//! someone needs it in a register.
//!
//! What may skip rows keeps a step of its own, so that the rows it drops are counted for it and not for a neighbour.

use super::registers::Registers;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind};
use sabot_ir::pipeline::{OperatorId, Reg, Step};
use sabot_ir::plan::ErrorPolicy;
use sabot_ir::ty::Type;

/// Whom a computation is for.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    /// Whom time and errors are counted for.
    pub(super) operator: OperatorId,
    /// What happens to rows that are errors.
    pub(super) on_error: ErrorPolicy,
}

/// The rows at one place of a body.
pub(super) struct Stream {
    /// By column of the node that gives the rows: its value over registers; only for columns that someone reads.
    pub(super) columns: Vec<Option<Expr>>,
    /// The register with the watermark before each row, where that is known of the row.
    pub(super) watermark: Option<Reg>,
    steps: Vec<Step>,
    open: Option<OpenStep>,
}

/// A Compute step that may still grow.
struct OpenStep {
    owner: Owner,
    filter: Option<Expr>,
    outputs: Vec<(Reg, Expr)>,
    counts: Vec<OperatorId>,
    /// Its filter or an output can be a row error.
    can_fail: bool,
}

impl OpenStep {
    fn new(owner: Owner) -> Self {
        Self { owner, filter: None, outputs: Vec::new(), counts: Vec::new(), can_fail: false }
    }
}

impl Stream {
    /// Rows with these columns, and no steps yet.
    pub(super) fn new(columns: Vec<Option<Expr>>) -> Self {
        Self { columns, watermark: None, steps: Vec::new(), open: None }
    }

    /// The same rows in a branch.
    pub(super) fn branch(&self) -> Self {
        Self { watermark: self.watermark, ..Self::new(self.columns.clone()) }
    }

    /// An expression over the columns, as one over registers.
    pub(super) fn resolve(&self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        expr.rewrite(&mut |node| {
            if let ExprKind::Column(column) = node.kind {
                let value = self.columns[column as usize].clone().expect("`needed_columns` finds all that are read");
                *node = Expr { span: node.span, ..value };
            }
        });
        expr
    }

    /// Drops the rows for which a predicate over the columns does not hold.
    pub(super) fn filter(&mut self, predicate: &Expr, owner: Owner) {
        let predicate = self.resolve(predicate);
        let joins_in = |open: &OpenStep| open.outputs.is_empty() && open.owner.operator == owner.operator;
        if !self.open.as_ref().is_some_and(joins_in) {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| OpenStep::new(owner));
        open.can_fail |= predicate.can_fail();
        open.filter = Some(match open.filter.take() {
            None => predicate,
            Some(first) => {
                let predicate = with_locals_behind(&first, predicate);
                let span = first.span.to(predicate.span);
                Expr::new(ExprKind::Binary(BinaryOp::And, Box::new(first), Box::new(predicate)), Type::Bool, span)
            }
        });
        open.counts = vec![owner.operator];
    }

    /// The rows from here on are rows that this operator gives.
    pub(super) fn count(&mut self, owner: Owner) {
        self.open.get_or_insert_with(|| OpenStep::new(owner)).counts.push(owner.operator);
    }

    /// What a map makes of this expression over the columns: itself over registers if that costs nothing, else a register.
    pub(super) fn value(&mut self, registers: &mut Registers, name: &str, expr: &Expr, owner: Owner) -> Expr {
        let resolved = self.resolve(expr);
        if is_free(&resolved) {
            return resolved;
        }
        let ty = resolved.ty.clone();
        Expr { span: expr.span, ..Expr::column(self.compute(registers, name, resolved, owner).0, ty) }
    }

    /// The register that holds this expression over the columns.
    pub(super) fn register(&mut self, registers: &mut Registers, name: &str, expr: &Expr, owner: Owner) -> Reg {
        let resolved = self.resolve(expr);
        self.compute(registers, name, resolved, owner)
    }

    /// The register that holds this expression over registers.
    pub(super) fn compute(&mut self, registers: &mut Registers, name: &str, expr: Expr, owner: Owner) -> Reg {
        if let ExprKind::Column(register) = expr.kind {
            return Reg(register);
        }
        if let Some(open) = &self.open
            && let Some((register, _)) = open.outputs.iter().find(|(_, output)| *output == expr)
        {
            return *register;
        }
        let can_fail = expr.can_fail();
        // Rows that are skipped must not be missing from another operator's count.
        let skips = owner.on_error != ErrorPolicy::Fail;
        let counts_others = |open: &OpenStep| skips && open.counts.iter().any(|counted| *counted != owner.operator);
        let fails_alike = |open: &OpenStep| {
            open.owner.operator == owner.operator || (!skips && open.owner.on_error == owner.on_error)
        };
        let joins_in = |open: &OpenStep| !can_fail || (!counts_others(open) && (!open.can_fail || fails_alike(open)));
        if !self.open.as_ref().is_some_and(joins_in) {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| OpenStep::new(owner));
        let does_nothing = open.filter.is_none() && open.outputs.is_empty();
        if does_nothing || (can_fail && !open.can_fail) {
            open.owner = owner;
        }
        open.can_fail |= can_fail;
        let register = registers.add(name, &expr.ty);
        open.outputs.push((register, expr));
        register
    }

    /// Adds a step that is no Compute.
    pub(super) fn push(&mut self, step: Step) {
        self.close();
        self.steps.push(step);
    }

    /// All steps so far. The columns stay.
    pub(super) fn take_steps(&mut self) -> Vec<Step> {
        self.close();
        std::mem::take(&mut self.steps)
    }

    fn close(&mut self) {
        if let Some(OpenStep { owner, filter, outputs, counts, can_fail: _ }) = self.open.take() {
            let live = Vec::new();
            self.steps.push(Step::Compute { filter, outputs, live, operator: owner.operator, counts });
        }
    }
}

/// The second expression with its locals renamed, so that the two can stand in one.
fn with_locals_behind(first: &Expr, mut second: Expr) -> Expr {
    let mut behind = 0;
    first.walk(&mut |node| {
        if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } = &node.kind {
            behind = behind.max(local.0 + 1);
        }
    });
    second.rewrite(&mut |node| {
        if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } | ExprKind::Local(local) = &mut node.kind {
            local.0 += behind;
        }
    });
    second
}

/// Whether the value is there without computing anything: a register, a constant, or one of them in `Some`.
fn is_free(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Param(_) | ExprKind::None => true,
        ExprKind::Some(inner) => is_free(inner),
        ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => false,
    }
}
