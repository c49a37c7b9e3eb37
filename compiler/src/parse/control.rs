//! Statements and control flow: `let`, assignment, loops, jumps, conditions with `let`.

use super::Reader;
use super::expr::binary_op;
use crate::diagnostics::syntax;
use sabot_ir::ast::{BinaryOp, Condition, Const, Expr, ExprKind, Name, Repeated, Statement};
use syn::punctuated::Punctuated;

impl Reader<'_> {
    /// A loop, jump, assignment or other form of control flow; nothing if it is none.
    pub(super) fn control(&mut self, expr: &syn::Expr) -> Option<Expr> {
        let span = self.expr_span(expr);
        let kind = match expr {
            syn::Expr::Assign(assign) => {
                let place = self.place(&assign.left);
                ExprKind::Assign(place, None, self.boxed(&assign.right))
            }
            syn::Expr::Binary(binary) => {
                let op = assigning(&binary.op)?;
                let place = self.place(&binary.left);
                ExprKind::Assign(place, Some(op), self.boxed(&binary.right))
            }
            syn::Expr::While(form) => {
                let label = self.label(form.label.as_ref());
                let condition = self.condition(&form.cond);
                ExprKind::While(label, Box::new(condition), Box::new(self.block(&form.body)))
            }
            syn::Expr::ForLoop(form) => {
                let label = self.label(form.label.as_ref());
                let values = self.boxed(&form.expr);
                let pattern = self.pattern(&form.pat);
                ExprKind::For(label, Box::new(pattern), values, Box::new(self.block(&form.body)))
            }
            syn::Expr::Loop(form) => {
                let label = self.label(form.label.as_ref());
                ExprKind::Loop(label, Box::new(self.block(&form.body)))
            }
            syn::Expr::Block(form) => {
                let label = self.label(form.label.as_ref())?;
                ExprKind::Labeled(label, Box::new(self.block(&form.block)))
            }
            syn::Expr::Break(form) => {
                let label = form.label.as_ref().map(|label| self.name(&label.ident));
                ExprKind::Break(label, form.expr.as_ref().map(|value| self.boxed(value)))
            }
            syn::Expr::Continue(form) => ExprKind::Continue(form.label.as_ref().map(|label| self.name(&label.ident))),
            syn::Expr::Return(form) => ExprKind::Return(form.expr.as_ref().map(|value| self.boxed(value))),
            syn::Expr::Try(form) => ExprKind::Try(self.boxed(&form.expr)),
            syn::Expr::Index(form) => {
                let base = self.boxed(&form.expr);
                ExprKind::Index(base, self.boxed(&form.index))
            }
            syn::Expr::Range(form) => {
                let start = form.start.as_ref().map(|start| self.boxed(start));
                let end = form.end.as_ref().map(|end| self.boxed(end));
                ExprKind::Range(start, end, matches!(form.limits, syn::RangeLimits::Closed(_)))
            }
            syn::Expr::Array(form) => ExprKind::Array(form.elems.iter().map(|item| self.expr(item)).collect()),
            syn::Expr::Repeat(form) => {
                let item = self.boxed(&form.expr);
                ExprKind::Repeat(Repeated::Array, item, self.boxed(&form.len))
            }
            _ => return None,
        };
        Some(Expr { kind, span })
    }

    /// What stands left of `=`; only places can be assigned to.
    fn place(&mut self, expr: &syn::Expr) -> Box<Expr> {
        let place = self.boxed(expr);
        if !is_place(&place) {
            self.diagnostics.push(syntax::not_a_place(place.span));
        }
        place
    }

    fn label(&mut self, label: Option<&syn::Label>) -> Option<Name> {
        label.map(|label| self.name(&label.name.ident))
    }

    /// What stands behind `if` or `while`.
    pub(super) fn condition(&mut self, condition: &syn::Expr) -> Condition {
        if let syn::Expr::Let(bound) = condition {
            let value = self.expr(&bound.expr);
            return Condition::Let(self.pattern(&bound.pat), value);
        }
        if !is_chain(condition) {
            return Condition::Expr(self.expr(condition));
        }
        let mut spine = Vec::new();
        let mut first = condition;
        while let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::And(_), right, .. }) = first {
            spine.push(right);
            first = left;
        }
        let mut parts = vec![self.condition(first)];
        for part in spine.into_iter().rev() {
            parts.push(self.condition(part));
        }
        Condition::All(parts)
    }

    /// `let`: with a value, with an `else`, or with neither.
    pub(super) fn local(&mut self, local: &syn::Local) -> Statement {
        let Some(init) = &local.init else {
            let (pattern, ty) = self.typed_pattern(&local.pat);
            return Statement::Declare(pattern, ty);
        };
        let value = self.expr(&init.expr);
        let otherwise = init.diverge.as_ref().map(|(_, otherwise)| self.expr(otherwise));
        let (pattern, ty) = self.typed_pattern(&local.pat);
        match otherwise {
            Some(otherwise) => Statement::LetElse(pattern, ty, value, otherwise),
            None => Statement::Let(pattern, ty, value),
        }
    }

    /// A `const` inside a function.
    pub(super) fn local_const(&mut self, item: &syn::ItemConst) -> Statement {
        let (name, ty, value) = (self.name(&item.ident), self.ty(&item.ty), self.expr(&item.expr));
        Statement::Const(Const { name, owner: None, ty, value })
    }

    /// The arguments of `vec!`.
    pub(super) fn vec_macro(&mut self, call: &syn::Macro, name: Name) -> syn::Result<ExprKind> {
        if let Ok((item, count)) = call.parse_body_with(repeated) {
            let item = self.boxed(&item);
            return Ok(ExprKind::Repeat(Repeated::Vec, item, self.boxed(&count)));
        }
        let items = call.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated)?;
        Ok(ExprKind::Macro(name, items.iter().map(|item| self.expr(item)).collect()))
    }
}

/// `item; count`.
fn repeated(input: syn::parse::ParseStream<'_>) -> syn::Result<(syn::Expr, syn::Expr)> {
    let item = input.parse()?;
    input.parse::<syn::Token![;]>()?;
    Ok((item, input.parse()?))
}

/// Whether a `let` stands among the parts of `a && b && c`.
fn is_chain(condition: &syn::Expr) -> bool {
    let mut first = condition;
    while let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::And(_), right, .. }) = first {
        if matches!(**right, syn::Expr::Let(_)) || matches!(**left, syn::Expr::Let(_)) {
            return true;
        }
        first = left;
    }
    false
}

/// Whether it names something that can change: a variable, a field or an element of one.
fn is_place(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Path(_) | ExprKind::Error => true,
        ExprKind::Field(base, _) | ExprKind::Index(base, _) => is_place(base) || is_read(base),
        ExprKind::Unary(sabot_ir::ast::UnaryOp::Deref, inner) => is_place(inner) || is_read(inner),
        // `(a, b) = (b, a)`, `_ = x`
        ExprKind::Tuple(parts) => parts.iter().all(is_place),
        ExprKind::Literal(_)
        | ExprKind::Unary(..)
        | ExprKind::Reference(_)
        | ExprKind::MutReference(_)
        | ExprKind::Binary(..)
        | ExprKind::Cast(..)
        | ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Call(..)
        | ExprKind::Method(..)
        | ExprKind::Record(..)
        | ExprKind::Block(..)
        | ExprKind::Closure(_)
        | ExprKind::Return(_)
        | ExprKind::Macro(..)
        | ExprKind::Assign(..)
        | ExprKind::Range(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..)
        | ExprKind::Break(..)
        | ExprKind::Continue(_)
        | ExprKind::Try(_) => false,
    }
}

/// A call whose result may be a reference: what it gives is for the checker to say.
fn is_read(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Method(..) | ExprKind::Call(..))
}

/// The operator of `+=` and its like.
fn assigning(op: &syn::BinOp) -> Option<BinaryOp> {
    Some(match op {
        syn::BinOp::AddAssign(_) => BinaryOp::Add,
        syn::BinOp::SubAssign(_) => BinaryOp::Sub,
        syn::BinOp::MulAssign(_) => BinaryOp::Mul,
        syn::BinOp::DivAssign(_) => BinaryOp::Div,
        syn::BinOp::RemAssign(_) => BinaryOp::Rem,
        syn::BinOp::BitAndAssign(_) => BinaryOp::BitAnd,
        syn::BinOp::BitOrAssign(_) => BinaryOp::BitOr,
        syn::BinOp::BitXorAssign(_) => BinaryOp::BitXor,
        syn::BinOp::ShlAssign(_) => BinaryOp::Shl,
        syn::BinOp::ShrAssign(_) => BinaryOp::Shr,
        _ => {
            debug_assert!(binary_op(op).is_some(), "an operator is either of the two");
            return None;
        }
    })
}
