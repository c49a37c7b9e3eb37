//! Operators and `as`: both sides of one type, as rustc wants it, and what to type where they are not.

use super::hir::{Hir, HirKind};
use super::infer::{Body, Deferred, value_span};
use super::snippet;
use super::types::Ty;
use super::unify::Kind;
use super::wrapper::Wrapper;
use crate::diagnostics::types::{self as say, Fix, Why};
use crate::diagnostics::written::Written;
use crate::diagnostics::{generics, unsupported};
use sabot_ir::ast::{self, BinaryOp, ExprKind, Literal, UnaryOp};
use sabot_ir::expr::{self, Function};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;

impl Body<'_, '_> {
    pub(super) fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, hint: Option<&Ty>, span: Span) -> Hir {
        match op {
            UnaryOp::Deref => self.expr(operand, hint),
            UnaryOp::Neg => {
                let mut inner = self.expr(operand, hint);
                inner.span = span;
                // The sign is part of the literal, so that `i64::MIN` can be written.
                let folded = is_literal(operand).then(|| inner.kind.negated()).flatten();
                let ty = self.table.resolve(&inner.ty);
                match &ty {
                    Ty::Error => return Hir::error(span),
                    Ty::Var(_) => self.deferred.push(Deferred::Neg(ty.clone(), span)),
                    ty if ty.is_float() || ty.is_signed() || *ty == Ty::DURATION || *ty == Ty::DECIMAL => {}
                    Ty::Generic(id) if self.generic_negates(*id) => {}
                    Ty::Never
                    | Ty::Scalar(_)
                    | Ty::Usize
                    | Ty::Isize
                    | Ty::Option(_)
                    | Ty::Result(..)
                    | Ty::Failure
                    | Ty::Tuple(_)
                    | Ty::Record(_)
                    | Ty::Group
                    | Ty::List(_)
                    | Ty::Generic(_)
                    | Ty::Ordering
                    | Ty::Of(..) => return self.bad_unary("-", &ty, operand, span),
                }
                match folded {
                    Some(kind) => Hir::new(kind, ty, span),
                    None => Hir::new(HirKind::Unary(expr::UnaryOp::Neg, Box::new(inner)), ty, span),
                }
            }
            UnaryOp::Not => {
                let inner = self.expr(operand, hint);
                let ty = self.table.resolve(&inner.ty);
                let kind = self.table.kind(&ty);
                match &ty {
                    Ty::Error => Hir::error(span),
                    ty if *ty == Ty::BOOL || ty.is_integer() || kind == Some(Kind::Integer) => {
                        Hir::new(HirKind::Unary(expr::UnaryOp::Not, Box::new(inner)), ty.clone(), span)
                    }
                    Ty::Never
                    | Ty::Scalar(_)
                    | Ty::Usize
                    | Ty::Isize
                    | Ty::Option(_)
                    | Ty::Tuple(_)
                    | Ty::Record(_)
                    | Ty::Result(..)
                    | Ty::Failure
                    | Ty::Group
                    | Ty::List(_)
                    | Ty::Generic(_)
                    | Ty::Ordering
                    | Ty::Of(..)
                    | Ty::Var(_) => self.bad_unary("!", &ty, operand, span),
                }
            }
        }
    }

    fn bad_unary(&mut self, op: &str, ty: &Ty, operand: &ast::Expr, span: Span) -> Hir {
        let fix = if let Ty::Option(inner) = ty {
            Some(Fix::UnwrapOr(snippet::place(operand), self.default_of(inner)))
        } else {
            ty.is_integer().then(|| Fix::SignedType(Some(snippet::place(operand))))
        };
        self.cx.say(say::bad_unary(op, &self.show(ty), operand.span, fix));
        Hir::error(span)
    }

    /// `a op b`; a chain `a + b + c + …` goes down its left side in a loop.
    pub(super) fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Hir {
        let mut chain = vec![(op, left, right, span)];
        let mut first = left;
        while let ExprKind::Binary(op, left, right) = &first.kind {
            chain.push((*op, left, right, first.span));
            first = left;
        }
        let mut result = self.expr(first, None);
        for (op, left, right, span) in chain.into_iter().rev() {
            result = self.binary_of(op, result, left, right, span);
        }
        result
    }

    /// An operator whose left side is typed already.
    fn binary_of(&mut self, op: BinaryOp, a: Hir, left: &ast::Expr, right: &ast::Expr, span: Span) -> Hir {
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let symbol = op.symbol();
                let a = self.coerce(a, &Ty::BOOL, Why::Operand(symbol), Some(left));
                let b = self.expect(right, &Ty::BOOL, Why::Operand(symbol));
                binary_node(op, a, b, Ty::BOOL, span)
            }
            BinaryOp::Shl | BinaryOp::Shr => self.shift(op, a, left, right, span),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor => self.arithmetic(op, a, left, right, span),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let Some((a, b, ty)) = self.same_type(op, a, left, right) else { return Hir::error(span) };
                if !self.is_comparable(&ty, matches!(op, BinaryOp::Eq | BinaryOp::Ne)) {
                    if let Ty::Generic(id) = ty {
                        let bound = self.missing_bound(id, op);
                        let diagnostic = generics::operator_without_bound(op.symbol(), &self.show(&ty), &bound, span);
                        self.cx.say(diagnostic);
                        return Hir::error(span);
                    }
                    let diagnostic = say::not_comparable(op.symbol(), &self.show(&ty), span);
                    self.cx.say(diagnostic);
                    return Hir::error(span);
                }
                binary_node(op, a, b, Ty::BOOL, span)
            }
        }
    }

    fn shift(&mut self, op: BinaryOp, a: Hir, left: &ast::Expr, right: &ast::Expr, span: Span) -> Hir {
        let mut b = self.expr(right, None);
        if matches!(self.table.resolve(&b.ty), Ty::Never) {
            b = self.coerce(b, &Ty::I64, Why::Operand(op.symbol()), None);
        }
        for (hir, written) in [(&a, left), (&b, right)] {
            let ty = self.table.resolve(&hir.ty);
            let integer = ty.is_integer() || self.table.kind(&ty) == Some(Kind::Integer);
            if !integer && !matches!(ty, Ty::Error | Ty::Never) {
                let diagnostic = say::bad_unary(op.symbol(), &self.show(&ty), value_span(written), None);
                self.cx.say(diagnostic);
                return Hir::error(span);
            }
        }
        let ty = a.ty.clone();
        binary_node(op, a, b, ty, span)
    }

    fn arithmetic(&mut self, op: BinaryOp, a: Hir, left: &ast::Expr, right: &ast::Expr, span: Span) -> Hir {
        let left_ty = self.table.resolve(&a.ty);
        if let Ty::Scalar(Type::Timestamp(_) | Type::Date | Type::Duration) = left_ty {
            let b = self.expr(right, None);
            if left_ty == Ty::DURATION && self.table.kind(&b.ty) == Some(Kind::Integer) {
                self.table.unify(&Ty::I64, &b.ty);
            }
            let right_ty = self.table.resolve(&b.ty);
            return self.time_arithmetic(op, a, &left_ty, b, &right_ty, span);
        }
        let Some((a, b, ty)) = self.same_type(op, a, left, right) else { return Hir::error(span) };
        if matches!(ty, Ty::Error | Ty::Never) {
            return Hir::error(span);
        }
        if ty == Ty::STRING && op == BinaryOp::Add {
            return Hir::new(HirKind::Call(Function::Text(TextFunction::Concat), vec![a, b]), ty, span);
        }
        if self.table.kind(&ty) == Some(Kind::Any) {
            self.deferred.push(Deferred::Arithmetic(op, ty.clone(), span));
        } else if !self.has_arithmetic(op, &ty) {
            if let Ty::Generic(id) = ty {
                let bound = self.missing_bound(id, op);
                let diagnostic = generics::operator_without_bound(op.symbol(), &self.show(&ty), &bound, span);
                self.cx.say(diagnostic);
                return Hir::error(span);
            }
            let fix = if let Ty::Option(inner) = &ty {
                Some(Fix::UnwrapOr(snippet::place(left), self.default_of(inner)))
            } else {
                None
            };
            let diagnostic = say::bad_operand(op.symbol(), &self.show(&ty), span, fix);
            self.cx.say(diagnostic);
            return Hir::error(span);
        }
        binary_node(op, a, b, ty, span)
    }

    pub(super) fn has_arithmetic(&self, op: BinaryOp, ty: &Ty) -> bool {
        if let Ty::Generic(id) = ty {
            return self.generic_has_arithmetic(*id, op);
        }
        let kind = self.table.kind(ty);
        let integer = ty.is_integer() || kind == Some(Kind::Integer);
        match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                integer || ty.is_float() || kind == Some(Kind::Float) || *ty == Ty::DECIMAL
            }
            BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => integer || *ty == Ty::BOOL,
            BinaryOp::Shl | BinaryOp::Shr => integer,
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => false,
        }
    }

    /// Arithmetic with a date, a timestamp or a duration on the left.
    fn time_arithmetic(&mut self, op: BinaryOp, a: Hir, left: &Ty, b: Hir, right: &Ty, span: Span) -> Hir {
        if let Some(value) = Self::library_arithmetic(op, left, right, &a, &b, span) {
            return value;
        }
        if !right.is_error() {
            self.cx.say(unsupported::time_arithmetic(op.symbol(), &self.show(left), &self.show(right), span));
        }
        Hir::error(span)
    }

    /// Both sides of an operator that wants one type; nothing if that is not so, or already reported.
    fn same_type(&mut self, op: BinaryOp, a: Hir, left: &ast::Expr, right: &ast::Expr) -> Option<(Hir, Hir, Ty)> {
        let b = self.expr(right, Some(&a.ty));
        if self.table.deep(&a.ty).is_error() || self.table.deep(&b.ty).is_error() {
            return None;
        }
        if self.table.unify(&a.ty, &b.ty) {
            // A side that gives no value (`x > loop {}`) is of the other's type, as far as anyone can see.
            let never = [&a, &b].map(|side| matches!(self.table.resolve(&side.ty), Ty::Never));
            let ty = match never {
                [false, _] => self.table.deep(&a.ty),
                [true, false] => self.table.deep(&b.ty),
                [true, true] => Ty::BOOL,
            };
            let why = Why::Operand(op.symbol());
            let a = if never[0] { self.coerce(a, &ty, why, None) } else { a };
            let b = if never[1] { self.coerce(b, &ty, why, None) } else { b };
            return Some((a, b, ty));
        }
        let (x, y) = (self.table.deep(&a.ty), self.table.deep(&b.ty));
        let fix = if self.left_should_change(&x, &y) {
            match self.fix(&y, &x, Some(left)) {
                Some(Fix::Cast(left, ty)) if op == BinaryOp::Lt => Some(Fix::Cast(left.before_less_than(), ty)),
                fix => fix,
            }
        } else {
            self.fix(&x, &y, Some(right))
        };
        let diagnostic = say::operand_mismatch(
            op.symbol(),
            (&self.show(&x), value_span(left)),
            (&self.show(&y), value_span(right)),
            fix,
        );
        self.cx.say(diagnostic);
        None
    }

    /// Of two sides that differ, whether the left one is easier to change: an `Option` before a value, a literal of the
    /// wrong kind before a column, an integer before a float.
    fn left_should_change(&self, left: &Ty, right: &Ty) -> bool {
        match (left, right) {
            (Ty::Option(_), Ty::Option(_)) => false,
            (Ty::Option(_), _) => true,
            (_, Ty::Option(_)) => false,
            _ => match (self.table.kind(left), self.table.kind(right)) {
                (Some(Kind::Integer), _) => true,
                (_, Some(Kind::Integer)) => false,
                (_, Some(Kind::Float)) => left.is_integer(),
                _ => left.is_integer() && right.is_float(),
            },
        }
    }

    pub(super) fn is_comparable(&self, ty: &Ty, equality: bool) -> bool {
        match self.table.resolve(ty) {
            Ty::Error | Ty::Never | Ty::Usize | Ty::Isize | Ty::Var(_) | Ty::Scalar(_) => true,
            Ty::Option(inner) => {
                let inner = self.table.deep(&inner);
                (equality || inner.column_type().is_some() || matches!(inner, Ty::Var(_)))
                    && self.is_comparable(&inner, equality)
            }
            Ty::Tuple(parts) => parts.iter().all(|part| self.is_comparable(part, equality)),
            Ty::Record(id) => {
                self.cx.record(id).shape.compares(equality)
                    && self.cx.record(id).fields.iter().all(|field| self.is_comparable(&field.ty, equality))
            }
            Ty::List(item) => {
                let item = self.table.deep(&item);
                (equality || item.column_type().is_some_and(|ty| !ty.is_option()))
                    && self.is_comparable(&item, equality)
            }
            Ty::Of(Wrapper::Reverse, inner) => self.is_comparable(&inner, equality),
            // Of what has no order, equal ones are not always alike.
            Ty::Of(wrapper, inner) if wrapper.is_hashed() => equality && self.is_comparable(&inner, false),
            Ty::Of(wrapper, inner) => self.is_comparable(&wrapper.inside(&inner), equality),
            Ty::Ordering | Ty::Failure => true,
            Ty::Result(inner, error) => self.is_comparable(&inner, equality) && self.is_comparable(&error, equality),
            Ty::Generic(id) => self.generic_is_comparable(id, equality),
            Ty::Group => false,
        }
    }

    pub(super) fn cast(&mut self, operand: &ast::Expr, to: &ast::TypeName, span: Span) -> Hir {
        let mut to_ty = match &to.kind {
            ast::TypeNameKind::Infer => self.table.fresh(Kind::Any),
            ast::TypeNameKind::Path(..)
            | ast::TypeNameKind::Tuple(_)
            | ast::TypeNameKind::Reference(_)
            | ast::TypeNameKind::MutReference(_)
            | ast::TypeNameKind::Slice(_)
            | ast::TypeNameKind::Array(..) => self.cx.resolve_type(to),
        };
        // As in rustc, a literal becomes the type of the cast at once, anything else does not.
        let hint = is_signed_literal(operand).then(|| to_ty.clone());
        let from = self.expr(operand, hint.as_ref());
        to_ty = self.table.resolve(&to_ty);
        if to_ty.is_error() || self.table.resolve(&from.ty).is_error() {
            return Hir::new(HirKind::Error, to_ty, span);
        }
        if let Some(number) = self.discriminant_of(&from, &to_ty, span) {
            return number;
        }
        self.deferred.push(Deferred::Cast(from.ty.clone(), to_ty.clone(), span, snippet::place(operand)));
        Hir::new(HirKind::Cast(Box::new(from)), to_ty, span)
    }

    pub(super) fn check_cast(&mut self, from: &Ty, to: &Ty, span: Span, operand: Written) {
        if from.is_error() || to.is_error() || matches!(from, Ty::Var(_) | Ty::Never) || matches!(to, Ty::Var(_)) {
            return;
        }
        let legal = (from.is_number() && to.is_number())
            || (*from == Ty::BOOL && to.is_integer())
            || (*from == Ty::CHAR && to.is_integer())
            || (*from == Ty::Ordering && to.is_integer())
            || (*from == Ty::U8 && *to == Ty::CHAR)
            || from == to;
        if legal && from.column_type().is_some_and(|ty| !ty.is_option()) {
            return;
        }
        let fix = if let Ty::Option(inner) = from {
            Some(Fix::UnwrapOr(operand, self.default_of(inner)))
        } else if *to == Ty::BOOL && from.is_number() {
            let behind = Span { start: operand.span.end, end: span.end };
            Some(Fix::CompareWithZero(operand, self.default_text(from), behind))
        } else if *from == Ty::BOOL && to.is_float() {
            Some(Fix::CastThrough(operand, "i32", self.cx.show(to)))
        } else {
            text_fix(from, to, operand, self.default_text(to))
        };
        self.cx.say(say::bad_cast(&self.cx.show(from), &self.cx.show(to), span, fix));
    }
}

/// What to write instead of an `as` from or to text.
fn text_fix(from: &Ty, to: &Ty, operand: Written, default: String) -> Option<Fix> {
    if *to == Ty::CHAR {
        Some(Fix::CharFrom(operand))
    } else if *to == Ty::STRING {
        Some(Fix::ToText(operand))
    } else {
        (*from == Ty::STRING).then_some(Fix::Parse(operand, default))
    }
}

fn binary_node(op: BinaryOp, a: Hir, b: Hir, ty: Ty, span: Span) -> Hir {
    Hir::new(HirKind::Binary(op, Box::new(a), Box::new(b)), ty, span)
}

fn is_literal(expr: &ast::Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(Literal::Int(..) | Literal::Float(..)))
}

pub(super) fn is_signed_literal(expr: &ast::Expr) -> bool {
    if let ExprKind::Unary(UnaryOp::Neg, inner) = &expr.kind { is_literal(inner) } else { is_literal(expr) }
}
