//! Code as written to typed code: one [`Body`] per closure, UDF or constant.
//!
//! Expected types flow down as hints, found types flow up, [`Table`] makes them meet. What depends on a type that is not
//! known yet (`-x`, `as`, `into`) is asked again at the end of the body, when numbers that nothing constrained have
//! become `i32` and `f64`. Calls and methods stand in `call.rs`, `methods.rs`, `option.rs` and `aggregate.rs`, patterns
//! in `pattern.rs`.

use super::hir::{BindingId, Hir, HirClosure, HirKind, HirNode, HirPat, HirStatement, PatKind, first_variable};
use super::types::{RecordId, Ty, integer_range, is_lossless, number_suffix};
use super::unify::{Kind, Table};
use super::{Cx, snippet};
use crate::diagnostics::types::{self as say, Fix, Why};
use crate::diagnostics::{names, unsupported};
use sabot_ir::ast::{self, BinaryOp, Condition, ExprKind, Literal, Statement, UnaryOp};
use sabot_ir::expr::{self, ParamId};
use sabot_ir::span::Span;
use sabot_ir::ty::{TimeUnit, Type};

/// Nesting beyond which code is refused, so that no stage needs a deep stack.
const MAX_DEPTH: u32 = 200;

/// What a closure over a group knows of it.
#[derive(Clone, Debug)]
pub(super) struct GroupTy {
    /// Type of the key; `None` if there is none.
    pub(super) key: Option<Ty>,
    /// Type of a row.
    pub(super) row: Ty,
}

/// What can be decided only at the end of the body.
enum Deferred {
    Neg(Ty, Span),
    Cast(Ty, Ty, Span, Option<String>),
    Arithmetic(BinaryOp, Ty, Span),
}

/// The inference of one body.
pub(super) struct Body<'a, 'd> {
    pub(super) cx: &'a mut Cx<'d>,
    pub(super) table: Table,
    scope: Vec<(String, BindingId)>,
    bindings: Vec<Ty>,
    /// What `return` gives, of the innermost closure last.
    returns: Vec<(Ty, String)>,
    deferred: Vec<Deferred>,
    pub(super) group: Option<GroupTy>,
    /// Inside the closure of an aggregate function.
    pub(super) in_aggregate: bool,
    /// Closures of a pipeline see the job's parameters; functions do not.
    sees_params: bool,
    depth: u32,
}

impl<'a, 'd> Body<'a, 'd> {
    /// A body whose names are the job's.
    pub(super) fn new(cx: &'a mut Cx<'d>, sees_params: bool) -> Self {
        Self {
            cx,
            table: Table::default(),
            scope: Vec::new(),
            bindings: Vec::new(),
            returns: Vec::new(),
            deferred: Vec::new(),
            group: None,
            in_aggregate: false,
            sees_params,
            depth: 0,
        }
    }

    /// The type as the author writes it.
    pub(super) fn show(&self, ty: &Ty) -> String {
        let ty = self.table.deep(ty);
        match self.table.kind(&ty) {
            Some(Kind::Integer) => "{integer}".to_owned(),
            Some(Kind::Float) => "{float}".to_owned(),
            Some(Kind::Any) => "_".to_owned(),
            None => match &ty {
                Ty::Option(inner) => format!("Option<{}>", self.show(inner)),
                Ty::Tuple(parts) if parts.len() > 1 => {
                    let parts: Vec<String> = parts.iter().map(|part| self.show(part)).collect();
                    format!("({})", parts.join(", "))
                }
                other => self.cx.show(other),
            },
        }
    }

    // ---- names ----

    /// A new variable that is visible from here on.
    pub(super) fn bind(&mut self, name: &str, ty: Ty) -> BindingId {
        let id = self.new_binding(ty);
        self.scope.push((name.to_owned(), id));
        id
    }

    /// A new variable without a name.
    pub(super) fn new_binding(&mut self, ty: Ty) -> BindingId {
        let id = BindingId(u32::try_from(self.bindings.len()).expect("fewer than 2^32 variables"));
        self.bindings.push(ty);
        id
    }

    /// The variables that are visible now, to come back to with [`Self::leave`].
    pub(super) fn enter(&self) -> usize {
        self.scope.len()
    }

    /// Forgets the variables since [`Self::enter`].
    pub(super) fn leave(&mut self, mark: usize) {
        self.scope.truncate(mark);
    }

    /// The variable of this name among those bound since `mark`.
    pub(super) fn bound_since(&self, mark: usize, name: &str) -> Option<(BindingId, Ty)> {
        let (_, id) = self.scope[mark..].iter().rev().find(|(bound, _)| bound == name)?;
        Some((*id, self.bindings[id.0 as usize].clone()))
    }

    /// The variable of this name that was bound between two marks.
    pub(super) fn bound_between(&self, from: usize, to: usize, name: &str) -> Option<(BindingId, Ty)> {
        let (_, id) = self.scope[from..to].iter().rev().find(|(bound, _)| bound == name)?;
        Some((*id, self.bindings[id.0 as usize].clone()))
    }

    /// The names that were bound since `mark`.
    pub(super) fn names_since(&self, mark: usize) -> Vec<String> {
        self.scope[mark..].iter().map(|(name, _)| name.clone()).collect()
    }

    fn name(&mut self, name: &str, span: Span) -> Hir {
        if let Some((id, ty)) = self.bound_since(0, name) {
            return Hir::new(HirKind::Local(id), ty, span);
        }
        if let Some(position) = self.cx.params.iter().position(|param| param.name == name) {
            let param = &self.cx.params[position];
            if !self.sees_params {
                let diagnostic = names::parameter_in_function(name, span, param.span);
                self.cx.say(diagnostic);
                return Hir::error(span);
            }
            let ty = param.ty.clone();
            let id = ParamId(u32::try_from(position).expect("few parameters"));
            return Hir::new(HirKind::Param(id), ty, span);
        }
        if let Some(id) = self.cx.const_names.get(name) {
            let ty = self.cx.consts[id.0 as usize].ty.clone();
            return Hir::new(HirKind::Const(*id), ty, span);
        }
        if name == "None" {
            let inner = self.table.fresh(Kind::Any);
            return Hir::new(HirKind::None, inner.option(), span);
        }
        if self.cx.function_names.contains_key(name) {
            self.cx.say(names::function_as_value(name, span));
            return Hir::error(span);
        }
        if let Some(id) = self.cx.record_names.get(name) {
            let fields = self.cx.record(*id).fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
            self.cx.say(names::record_as_value(name, &fields, span));
            return Hir::error(span);
        }
        let mut known: Vec<&str> = self.scope.iter().map(|(name, _)| name.as_str()).collect();
        if self.sees_params {
            known.extend(self.cx.params.iter().map(|param| param.name.as_str()));
        }
        known.extend(self.cx.const_names.keys().map(String::as_str));
        let rows: Vec<&str> = self
            .scope
            .iter()
            .filter(|(_, id)| match self.table.resolve(&self.bindings[id.0 as usize]) {
                Ty::Record(record) => self.cx.record(record).position(name).is_some(),
                Ty::Error
                | Ty::Never
                | Ty::Scalar(_)
                | Ty::Usize
                | Ty::Isize
                | Ty::Option(_)
                | Ty::Tuple(_)
                | Ty::Group
                | Ty::Var(_) => false,
            })
            .map(|(name, _)| name.as_str())
            .collect();
        let diagnostic = names::unknown_name(name, &known, rows.last().copied(), span);
        self.cx.say(diagnostic);
        Hir::error(span)
    }

    // ---- types that must meet ----

    /// The expression, which must have this type.
    pub(super) fn expect(&mut self, expr: &ast::Expr, ty: &Ty, why: Why<'_>) -> Hir {
        let hir = self.expr(expr, Some(ty));
        self.coerce(hir, ty, why, Some(expr))
    }

    /// Lets a typed expression pass where this type is needed, or reports it.
    pub(super) fn coerce(&mut self, hir: Hir, ty: &Ty, why: Why<'_>, written: Option<&ast::Expr>) -> Hir {
        if self.table.unify(ty, &hir.ty) {
            return hir;
        }
        let fix = self.fix(ty, &hir.ty, written);
        let place = written.map_or(hir.span, |expr| value_span(expr));
        let diagnostic = say::mismatch(place, &self.show(ty), &self.show(&hir.ty), why, fix);
        self.cx.say(diagnostic);
        Hir::error(hir.span)
    }

    /// What to type where `found` stands and `expected` is needed.
    fn fix(&self, expected: &Ty, found: &Ty, written: Option<&ast::Expr>) -> Option<Fix> {
        let (to, from) = (self.table.deep(expected), self.table.deep(found));
        let text = written.and_then(snippet::written);
        let kind = self.table.kind(&from);
        if let (Some(Kind::Integer), true) = (kind, to.is_float() || self.table.kind(&to) == Some(Kind::Float)) {
            return text.map(Fix::FloatLiteral);
        }
        if let Ty::Option(inner) = &from
            && !matches!(to, Ty::Option(_))
        {
            let default = self.default_text(inner);
            return Some(Fix::UnwrapOr(text, default));
        }
        if let Ty::Option(inner) = &to
            && !matches!(from, Ty::Option(_))
            && self.table.clone().unify(inner, &from)
        {
            return Some(Fix::Some(text));
        }
        if to.is_number() && (from.is_number() || kind == Some(Kind::Float)) {
            return Some(Fix::Cast(text, self.show(&to)));
        }
        if to == Ty::BOOL && (from.is_number() || kind.is_some_and(|kind| kind != Kind::Any)) {
            return Some(Fix::CompareWithZero(text));
        }
        if (to == Ty::STRING && from.is_number()) || (to.is_number() && from == Ty::STRING) {
            return Some(Fix::NoTextConversion);
        }
        None
    }

    /// A value of the type that an author may take for a default.
    pub(super) fn default_text(&self, ty: &Ty) -> String {
        let ty = self.table.deep(ty);
        if ty.is_float() || self.table.kind(&ty) == Some(Kind::Float) {
            "0.0".to_owned()
        } else if ty.is_integer() || self.table.kind(&ty) == Some(Kind::Integer) {
            "0".to_owned()
        } else if ty == Ty::BOOL {
            "false".to_owned()
        } else if ty == Ty::STRING {
            "\"\".into()".to_owned()
        } else {
            "default".to_owned()
        }
    }

    // ---- expressions ----

    /// The type of an expression and what is in it; `hint` is what its place wants, if it wants something.
    pub(super) fn expr(&mut self, expr: &ast::Expr, hint: Option<&Ty>) -> Hir {
        if self.depth >= MAX_DEPTH {
            self.cx.say(unsupported::too_deep(expr.span));
            return Hir::error(expr.span);
        }
        self.depth += 1;
        let hir = self.expr_inner(expr, hint);
        self.depth -= 1;
        hir
    }

    fn expr_inner(&mut self, expr: &ast::Expr, hint: Option<&Ty>) -> Hir {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, hint, span),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Path(segments) => self.path(segments, span),
            ExprKind::Field(base, field) => self.field(base, field, span),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, hint, span),
            ExprKind::Reference(inner) => self.expr(inner, hint),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, span),
            ExprKind::Cast(operand, to) => self.cast(operand, to, span),
            ExprKind::If(condition, then, otherwise) => self.if_(condition, then, otherwise.as_deref(), hint, span),
            ExprKind::Match(value, arms) => self.match_(value, arms, hint, span),
            ExprKind::Call(path, args) => self.call(path, args, hint, span),
            ExprKind::Method(receiver, name, type_args, args) => {
                self.method(receiver, name, type_args, args, hint, span)
            }
            ExprKind::Record(name, fields, base) => self.record(name, fields, base.as_deref(), span),
            ExprKind::Tuple(parts) => {
                let hints = match hint.map(|hint| self.table.resolve(hint)) {
                    Some(Ty::Tuple(hints)) if hints.len() == parts.len() => hints,
                    _ => Vec::new(),
                };
                let parts: Vec<Hir> = parts.iter().enumerate().map(|(i, part)| self.expr(part, hints.get(i))).collect();
                let ty = Ty::Tuple(parts.iter().map(|part| part.ty.clone()).collect());
                Hir::new(HirKind::Tuple(parts), ty, span)
            }
            ExprKind::Block(statements, tail) => self.block(statements, tail.as_deref(), hint, span),
            ExprKind::Closure(closure) => {
                self.cx.say(unsupported::closure(closure.span));
                Hir::error(span)
            }
            ExprKind::Return(value) => self.return_(value.as_deref(), span),
            ExprKind::Macro(name, _) => {
                self.cx.say(unsupported::macro_call(&name.text, span));
                Hir::error(span)
            }
            ExprKind::Error => Hir::error(span),
        }
    }

    pub(super) fn literal(&mut self, literal: &Literal, hint: Option<&Ty>, span: Span) -> Hir {
        match literal {
            Literal::Bool(value) => Hir::new(HirKind::Bool(*value), Ty::BOOL, span),
            Literal::Int(value, None) => {
                let ty = match hint.map(|hint| self.table.resolve(hint)) {
                    Some(ty) if ty.is_integer() => ty,
                    _ => self.table.fresh(Kind::Integer),
                };
                Hir::new(HirKind::Int(*value), ty, span)
            }
            Literal::Int(value, Some(suffix)) => match number_suffix(suffix) {
                #[expect(clippy::cast_precision_loss, reason = "as rustc reads `1f64`")]
                Some(ty) if ty.is_float() => Hir::new(HirKind::Float(*value as f64), ty, span),
                Some(ty) => Hir::new(HirKind::Int(*value), ty, span),
                None => self.bad_suffix(suffix, span),
            },
            Literal::Float(value, None) => {
                let ty = match hint.map(|hint| self.table.resolve(hint)) {
                    Some(ty) if ty.is_float() => ty,
                    _ => self.table.fresh(Kind::Float),
                };
                Hir::new(HirKind::Float(*value), ty, span)
            }
            Literal::Float(value, Some(suffix)) => match number_suffix(suffix) {
                Some(ty) if ty.is_float() => Hir::new(HirKind::Float(*value), ty, span),
                Some(_) | None => self.bad_suffix(suffix, span),
            },
            Literal::String(value) => Hir::new(HirKind::Str(value.clone()), Ty::STRING, span),
            Literal::Bytes(value) => Hir::new(HirKind::Bytes(value.clone()), Ty::Scalar(Type::Bytes), span),
            Literal::Char(_) => {
                self.cx.say(unsupported::char_literal(span));
                Hir::error(span)
            }
        }
    }

    fn bad_suffix(&mut self, suffix: &str, span: Span) -> Hir {
        self.cx.say(say::unknown_suffix(suffix, span));
        Hir::error(span)
    }

    fn field(&mut self, base: &ast::Expr, field: &ast::Name, span: Span) -> Hir {
        let base_hir = self.expr(base, None);
        let ty = self.table.resolve(&base_hir.ty);
        match &ty {
            Ty::Error | Ty::Never => Hir::error(span),
            Ty::Record(id) => self.record_field(base_hir, *id, field, base, span),
            Ty::Tuple(parts) => match field.text.parse::<usize>() {
                Ok(position) if position < parts.len() => {
                    let ty = parts[position].clone();
                    Hir::new(HirKind::Field(Box::new(base_hir), position), ty, span)
                }
                _ => {
                    let diagnostic = names::no_tuple_field(&self.show(&ty), parts.len(), &field.text, field.span);
                    self.cx.say(diagnostic);
                    Hir::error(span)
                }
            },
            Ty::Group => {
                let is_column = match &self.group {
                    Some(GroupTy { row: Ty::Record(row), .. }) => self.cx.record(*row).position(&field.text).is_some(),
                    Some(_) | None => false,
                };
                let group = snippet::written(base).unwrap_or_else(|| "g".to_owned());
                self.cx.say(crate::diagnostics::aggregate::field_of_group(&group, &field.text, is_column, field.span));
                Hir::error(span)
            }
            Ty::Option(inner) => {
                let inner = self.table.resolve(inner);
                let has = match &inner {
                    Ty::Record(id) => self.cx.record(*id).position(&field.text).is_some(),
                    Ty::Tuple(parts) => field.text.parse::<usize>().is_ok_and(|position| position < parts.len()),
                    Ty::Error
                    | Ty::Never
                    | Ty::Scalar(_)
                    | Ty::Usize
                    | Ty::Isize
                    | Ty::Option(_)
                    | Ty::Group
                    | Ty::Var(_) => false,
                };
                let text = snippet::written(base);
                let diagnostic = names::field_of_option(&self.show(&ty), text.as_deref(), &field.text, has, field.span);
                self.cx.say(diagnostic);
                Hir::error(span)
            }
            Ty::Var(_) if self.table.kind(&ty) == Some(Kind::Any) => {
                self.cx.say(say::annotations_needed(base.span));
                Hir::error(span)
            }
            Ty::Scalar(_) | Ty::Usize | Ty::Isize | Ty::Var(_) => {
                self.cx.say(names::field_of_scalar(&self.show(&ty), &field.text, field.span));
                Hir::error(span)
            }
        }
    }

    fn record_field(&mut self, base: Hir, id: RecordId, field: &ast::Name, written: &ast::Expr, span: Span) -> Hir {
        let record = self.cx.record(id);
        if let Some(position) = record.position(&field.text) {
            let ty = record.fields[position].ty.clone();
            return Hir::new(HirKind::Field(Box::new(base), position), ty, span);
        }
        let by_wire = record.fields.iter().find(|known| known.wire_name == field.text).map(|known| known.name.as_str());
        let known: Vec<&str> = record.fields.iter().map(|field| field.name.as_str()).collect();
        let text = snippet::written(written);
        let diagnostic =
            names::unknown_field(&record.name, &field.text, text.as_deref(), by_wire, &known, field.span, record.span);
        self.cx.say(diagnostic);
        Hir::error(span)
    }

    fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, hint: Option<&Ty>, span: Span) -> Hir {
        match op {
            UnaryOp::Deref => self.expr(operand, hint),
            UnaryOp::Neg => {
                let mut inner = self.expr(operand, hint);
                inner.span = span;
                // The sign is part of the literal, so that `i64::MIN` can be written.
                let folded = match inner.kind {
                    HirKind::Int(value) if is_literal(operand) => Some(HirKind::Int(-value)),
                    HirKind::Float(value) if is_literal(operand) => Some(HirKind::Float(-value)),
                    _ => None,
                };
                let ty = self.table.resolve(&inner.ty);
                match &ty {
                    Ty::Error => return Hir::error(span),
                    Ty::Var(_) => self.deferred.push(Deferred::Neg(ty.clone(), span)),
                    ty if ty.is_float() || ty.is_signed() || *ty == Ty::DURATION => {}
                    Ty::Never
                    | Ty::Scalar(_)
                    | Ty::Usize
                    | Ty::Isize
                    | Ty::Option(_)
                    | Ty::Tuple(_)
                    | Ty::Record(_)
                    | Ty::Group => return self.bad_unary("-", &ty, operand, span),
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
                    | Ty::Group
                    | Ty::Var(_) => self.bad_unary("!", &ty, operand, span),
                }
            }
        }
    }

    fn bad_unary(&mut self, op: &str, ty: &Ty, operand: &ast::Expr, span: Span) -> Hir {
        let fix = match ty {
            Ty::Option(inner) => Some(Fix::UnwrapOr(snippet::written(operand), self.default_text(inner))),
            ty if ty.is_integer() => Some(Fix::SignedType),
            _ => None,
        };
        self.cx.say(say::bad_unary(op, &self.show(ty), operand.span, fix));
        Hir::error(span)
    }

    fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Hir {
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let symbol = op.symbol();
                let a = self.expect(left, &Ty::BOOL, Why::Operand(symbol));
                let b = self.expect(right, &Ty::BOOL, Why::Operand(symbol));
                binary_node(op, a, b, Ty::BOOL, span)
            }
            BinaryOp::Shl | BinaryOp::Shr => {
                let a = self.expr(left, None);
                let b = self.expr(right, None);
                for (hir, written) in [(&a, left), (&b, right)] {
                    let ty = self.table.resolve(&hir.ty);
                    let integer = ty.is_integer() || self.table.kind(&ty) == Some(Kind::Integer);
                    if !integer && !matches!(ty, Ty::Error | Ty::Never) {
                        let diagnostic = say::bad_operand(op.symbol(), &self.show(&ty), value_span(written), None);
                        self.cx.say(diagnostic);
                        return Hir::error(span);
                    }
                }
                let ty = a.ty.clone();
                binary_node(op, a, b, ty, span)
            }
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor => self.arithmetic(op, left, right, span),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let Some((a, b, ty)) = self.same_type(op, left, right) else { return Hir::error(span) };
                if !self.is_comparable(&ty, matches!(op, BinaryOp::Eq | BinaryOp::Ne)) {
                    let diagnostic = say::not_comparable(op.symbol(), &self.show(&ty), span);
                    self.cx.say(diagnostic);
                    return Hir::error(span);
                }
                binary_node(op, a, b, Ty::BOOL, span)
            }
        }
    }

    fn arithmetic(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Hir {
        let a = self.expr(left, None);
        let left_ty = self.table.resolve(&a.ty);
        if let Ty::Scalar(Type::Timestamp(_) | Type::Duration) = left_ty {
            let b = self.expr(right, None);
            let right_ty = self.table.resolve(&b.ty);
            return self.time_arithmetic(op, a, &left_ty, b, &right_ty, span);
        }
        let Some((a, b, ty)) = self.same_type_as(op, a, left, right) else { return Hir::error(span) };
        if matches!(ty, Ty::Error | Ty::Never) {
            return Hir::error(span);
        }
        if self.table.kind(&ty) == Some(Kind::Any) {
            self.deferred.push(Deferred::Arithmetic(op, ty.clone(), span));
        } else if !self.has_arithmetic(op, &ty) {
            let fix = match &ty {
                Ty::Option(inner) => Some(Fix::UnwrapOr(snippet::written(left), self.default_text(inner))),
                ty if *ty == Ty::STRING && op == BinaryOp::Add => Some(Fix::NoConcatenation),
                _ => None,
            };
            let diagnostic = say::bad_operand(op.symbol(), &self.show(&ty), span, fix);
            self.cx.say(diagnostic);
            return Hir::error(span);
        }
        binary_node(op, a, b, ty, span)
    }

    fn has_arithmetic(&self, op: BinaryOp, ty: &Ty) -> bool {
        let kind = self.table.kind(ty);
        let integer = ty.is_integer() || kind == Some(Kind::Integer);
        match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                integer || ty.is_float() || kind == Some(Kind::Float)
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

    /// `Timestamp - Timestamp` and `Duration ± Duration`; both count microseconds.
    fn time_arithmetic(&mut self, op: BinaryOp, a: Hir, left: &Ty, b: Hir, right: &Ty, span: Span) -> Hir {
        let micros = Ty::Scalar(Type::Timestamp(TimeUnit::Microsecond));
        let result = match op {
            BinaryOp::Sub if *left == micros && *right == micros => Some(Ty::DURATION),
            BinaryOp::Add | BinaryOp::Sub if *left == Ty::DURATION && *right == Ty::DURATION => Some(Ty::DURATION),
            _ => None,
        };
        match result {
            Some(ty) => binary_node(op, a, b, ty, span),
            None if right.is_error() => Hir::error(span),
            None => {
                self.cx.say(unsupported::time_arithmetic(op.symbol(), &self.show(left), &self.show(right), span));
                Hir::error(span)
            }
        }
    }

    fn same_type(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr) -> Option<(Hir, Hir, Ty)> {
        let a = self.expr(left, None);
        self.same_type_as(op, a, left, right)
    }

    /// Both sides of an operator that wants one type; nothing if that is not so, or already reported.
    fn same_type_as(&mut self, op: BinaryOp, a: Hir, left: &ast::Expr, right: &ast::Expr) -> Option<(Hir, Hir, Ty)> {
        let b = self.expr(right, Some(&a.ty));
        if self.table.deep(&a.ty).is_error() || self.table.deep(&b.ty).is_error() {
            return None;
        }
        if self.table.unify(&a.ty, &b.ty) {
            let ty = self.table.deep(&a.ty);
            return Some((a, b, ty));
        }
        let (x, y) = (self.table.deep(&a.ty), self.table.deep(&b.ty));
        // Change the side that loses nothing by it, or else the literal, or else the right one.
        let right_changes = matches!(y, Ty::Option(_)) && !matches!(x, Ty::Option(_))
            || self.table.kind(&y).is_some()
            || (self.table.kind(&x).is_none() && !(matches!(x, Ty::Option(_)) || x.is_integer() && y.is_float()));
        let fix = if right_changes { self.fix(&x, &y, Some(right)) } else { self.fix(&y, &x, Some(left)) };
        let diagnostic = say::operand_mismatch(
            op.symbol(),
            (&self.show(&x), value_span(left)),
            (&self.show(&y), value_span(right)),
            fix,
        );
        self.cx.say(diagnostic);
        None
    }

    fn is_comparable(&self, ty: &Ty, equality: bool) -> bool {
        match self.table.resolve(ty) {
            Ty::Error | Ty::Never | Ty::Usize | Ty::Isize | Ty::Var(_) | Ty::Scalar(_) => true,
            Ty::Option(inner) => {
                let inner = self.table.deep(&inner);
                (equality || inner.column_type().is_some() || matches!(inner, Ty::Var(_)))
                    && self.is_comparable(&inner, equality)
            }
            Ty::Tuple(parts) => parts.iter().all(|part| self.is_comparable(part, equality)),
            Ty::Record(id) => {
                equality && self.cx.record(id).fields.iter().all(|field| self.is_comparable(&field.ty, equality))
            }
            Ty::Group => false,
        }
    }

    fn cast(&mut self, operand: &ast::Expr, to: &ast::TypeName, span: Span) -> Hir {
        let mut to_ty = match &to.kind {
            ast::TypeNameKind::Infer => self.table.fresh(Kind::Any),
            ast::TypeNameKind::Path(..) | ast::TypeNameKind::Tuple(_) | ast::TypeNameKind::Reference(_) => {
                self.cx.resolve_type(to)
            }
        };
        // As in rustc, a literal becomes the type of the cast at once, anything else does not.
        let hint = is_signed_literal(operand).then(|| to_ty.clone());
        let from = self.expr(operand, hint.as_ref());
        to_ty = self.table.resolve(&to_ty);
        if to_ty.is_error() || self.table.resolve(&from.ty).is_error() {
            return Hir::new(HirKind::Error, to_ty, span);
        }
        self.deferred.push(Deferred::Cast(from.ty.clone(), to_ty.clone(), span, snippet::written(operand)));
        Hir::new(HirKind::Cast(Box::new(from)), to_ty, span)
    }

    fn if_(
        &mut self,
        condition: &Condition,
        then: &ast::Expr,
        otherwise: Option<&ast::Expr>,
        hint: Option<&Ty>,
        span: Span,
    ) -> Hir {
        match condition {
            Condition::Expr(condition) => {
                let condition = self.expect(condition, &Ty::BOOL, Why::Condition);
                let then_hir = self.expr(then, hint);
                let (then_hir, otherwise_hir, ty) = self.branches(then_hir, then, otherwise, hint, span);
                Hir::new(HirKind::If(Box::new(condition), Box::new(then_hir), otherwise_hir.map(Box::new)), ty, span)
            }
            Condition::Let(pattern, value) => {
                let value = self.expr(value, None);
                let mark = self.enter();
                let ty = value.ty.clone();
                let pattern = self.pattern(pattern, &ty);
                let then_hir = self.expr(then, hint);
                self.leave(mark);
                let (then_hir, otherwise_hir, ty) = self.branches(then_hir, then, otherwise, hint, span);
                let wild = HirPat::new(PatKind::Wild, value.ty.clone(), span);
                let otherwise_hir =
                    otherwise_hir.unwrap_or_else(|| Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span));
                let arms = vec![
                    super::hir::HirArm { pattern, guard: None, body: then_hir },
                    super::hir::HirArm { pattern: wild, guard: None, body: otherwise_hir },
                ];
                Hir::new(HirKind::Match(Box::new(value), arms), ty, span)
            }
        }
    }

    fn branches(
        &mut self,
        then_hir: Hir,
        then: &ast::Expr,
        otherwise: Option<&ast::Expr>,
        hint: Option<&Ty>,
        span: Span,
    ) -> (Hir, Option<Hir>, Ty) {
        let Some(otherwise) = otherwise else {
            if !self.table.unify(&Ty::unit(), &then_hir.ty) {
                let diagnostic = say::if_without_else(&self.show(&then_hir.ty), span, value_span(then));
                self.cx.say(diagnostic);
                return (then_hir, None, Ty::Error);
            }
            return (then_hir, None, Ty::unit());
        };
        let then_ty = self.table.resolve(&then_hir.ty);
        let inner_hint = if matches!(then_ty, Ty::Never | Ty::Error) { hint.cloned() } else { Some(then_ty.clone()) };
        let otherwise_hir = self.expr(otherwise, inner_hint.as_ref());
        if matches!(then_ty, Ty::Never) {
            let ty = otherwise_hir.ty.clone();
            return (then_hir, Some(otherwise_hir), ty);
        }
        let why = Why::OtherBranch(value_span(then));
        let otherwise_hir = self.coerce(otherwise_hir, &then_ty, why, Some(otherwise));
        let ty = if then_ty.is_error() { otherwise_hir.ty.clone() } else { then_ty };
        (then_hir, Some(otherwise_hir), ty)
    }

    fn block(&mut self, statements: &[Statement], tail: Option<&ast::Expr>, hint: Option<&Ty>, span: Span) -> Hir {
        let mark = self.enter();
        let mut diverges = false;
        let mut lowered = Vec::with_capacity(statements.len());
        for statement in statements {
            match statement {
                Statement::Let(pattern, ty, value) => {
                    let ty = match ty {
                        None | Some(ast::TypeName { kind: ast::TypeNameKind::Infer, .. }) => None,
                        Some(ty) => Some((self.cx.resolve_type(ty), ty.span)),
                    };
                    let (value, ty) = match ty {
                        Some((ty, written)) => (self.expect(value, &ty, Why::Annotation(written)), ty),
                        None => {
                            let value = self.expr(value, None);
                            let ty = value.ty.clone();
                            (value, ty)
                        }
                    };
                    diverges |= matches!(self.table.resolve(&value.ty), Ty::Never);
                    let pattern = self.pattern(pattern, &ty);
                    self.must_match_all(&pattern, "let");
                    lowered.push(HirStatement::Let(pattern, value));
                }
                Statement::Expr(value) => {
                    let value = self.expr(value, None);
                    diverges |= matches!(self.table.resolve(&value.ty), Ty::Never);
                    lowered.push(HirStatement::Expr(value));
                }
            }
        }
        let tail = tail.map(|tail| Box::new(self.expr(tail, hint)));
        self.leave(mark);
        let ty = match &tail {
            Some(tail) => tail.ty.clone(),
            None if diverges => Ty::Never,
            None => Ty::unit(),
        };
        Hir::new(HirKind::Block(lowered, tail), ty, span)
    }

    fn return_(&mut self, value: Option<&ast::Expr>, span: Span) -> Hir {
        let Some((ty, whose)) = self.returns.last().cloned() else {
            self.cx.say(unsupported::return_outside(span));
            return Hir::error(span);
        };
        let value = match value {
            Some(value) => Some(Box::new(self.expect(value, &ty, Why::Returns(&whose)))),
            None => {
                if !self.table.unify(&ty, &Ty::unit()) {
                    let diagnostic = say::mismatch(span, &self.show(&ty), "()", Why::Returns(&whose), None);
                    self.cx.say(diagnostic);
                }
                None
            }
        };
        Hir::new(HirKind::Return(value), Ty::Never, span)
    }

    fn record(
        &mut self,
        name: &ast::Name,
        fields: &[(ast::Name, ast::Expr)],
        base: Option<&ast::Expr>,
        span: Span,
    ) -> Hir {
        let Some(&id) = self.cx.record_names.get(&name.text) else {
            let known: Vec<&str> = self.cx.record_names.keys().map(String::as_str).collect();
            let diagnostic = names::unknown_record(&name.text, &known, name.span);
            self.cx.say(diagnostic);
            for (_, value) in fields {
                self.expr(value, None);
            }
            return Hir::error(span);
        };
        let mut given: Vec<(usize, Hir)> = Vec::with_capacity(fields.len());
        let mut complete = true;
        for (field, value) in fields {
            let record = self.cx.record(id);
            let Some(position) = record.position(&field.text) else {
                let known: Vec<&str> = record
                    .fields
                    .iter()
                    .map(|field| field.name.as_str())
                    .filter(|known| !fields.iter().any(|(field, _)| field.text == *known))
                    .collect();
                let diagnostic = names::extra_field(&record.name, &field.text, &known, field.span, record.span);
                self.cx.say(diagnostic);
                self.expr(value, None);
                complete = false;
                continue;
            };
            let declared = record.fields[position].span;
            let ty = record.fields[position].ty.clone();
            let value = self.expect(value, &ty, Why::Field { record: &name.text, field: &field.text, declared });
            if given.iter().any(|(earlier, _)| *earlier == position) {
                self.cx.say(names::field_twice(&field.text, field.span));
                continue;
            }
            given.push((position, value));
        }
        let base = base.map(|base| Box::new(self.expect(base, &Ty::Record(id), Why::Base(&name.text))));
        if base.is_none() && complete {
            let record = self.cx.record(id);
            let missing: Vec<&str> = record
                .fields
                .iter()
                .enumerate()
                .filter(|(position, _)| !given.iter().any(|(have, _)| have == position))
                .map(|(_, field)| field.name.as_str())
                .collect();
            if !missing.is_empty() {
                let diagnostic = names::missing_fields(&record.name, &missing, name.span, record.span);
                self.cx.say(diagnostic);
            }
        }
        Hir::new(HirKind::Record(given, base), Ty::Record(id), span)
    }

    // ---- closures and the end of a body ----

    /// A closure that is called with values of these types. `whose` names it in messages about `return`.
    pub(super) fn closure(
        &mut self,
        closure: &ast::Closure,
        params: &[Ty],
        result: Option<&Ty>,
        whose: &str,
    ) -> Option<HirClosure> {
        if closure.params.len() != params.len() {
            let diagnostic = say::closure_arity(whose, params.len(), closure.params.len(), closure.span);
            self.cx.say(diagnostic);
            return None;
        }
        let mark = self.enter();
        let mut patterns = Vec::with_capacity(params.len());
        for ((pattern, written), ty) in closure.params.iter().zip(params) {
            if let Some(written) = written
                && written.kind != ast::TypeNameKind::Infer
            {
                let written_ty = self.cx.resolve_type(written);
                if !self.table.unify(&written_ty, ty) {
                    let diagnostic = say::parameter_type(&self.show(&written_ty), &self.show(ty), written.span);
                    self.cx.say(diagnostic);
                }
            }
            let pattern = self.pattern(pattern, ty);
            self.must_match_all(&pattern, "closure parameter");
            patterns.push(pattern);
        }
        let result = result.cloned().unwrap_or_else(|| self.table.fresh(Kind::Any));
        self.returns.push((result.clone(), whose.to_owned()));
        let body = self.expr(&closure.body, Some(&result));
        let mut body = self.coerce(body, &result, Why::Returns(whose), Some(&closure.body));
        self.returns.pop();
        self.leave(mark);
        if matches!(body.ty, Ty::Never) {
            body.ty = result; // only `return` gives the value
        }
        Some(HirClosure { params: patterns, body })
    }

    /// The body of a function with these parameters.
    pub(super) fn function(&mut self, function: &ast::Function, params: &[Ty], returns: &Ty) -> HirClosure {
        let patterns = function
            .params
            .iter()
            .zip(params)
            .map(|((name, _), ty)| {
                let id = self.bind(&name.text, ty.clone());
                HirPat::new(PatKind::Bind(id, None), ty.clone(), name.span)
            })
            .collect();
        self.returns.push((returns.clone(), format!("`{}`", function.name.text)));
        let whose = format!("`{}`", function.name.text);
        let why = Why::ReturnType { function: &whose, declared: function.returns.span };
        let mut body = self.expect(&function.body, returns, why);
        self.returns.pop();
        if matches!(body.ty, Ty::Never) {
            body.ty = returns.clone();
        }
        HirClosure { params: patterns, body }
    }

    /// Replaces all variables by what they turned out to be and asks what was left open.
    pub(super) fn finish(mut self, closure: &mut HirClosure) {
        for deferred in std::mem::take(&mut self.deferred) {
            match deferred {
                Deferred::Neg(ty, span) => {
                    let ty = self.table.finish(&ty);
                    if !(ty.is_float() || ty.is_signed() || ty == Ty::DURATION || matches!(ty, Ty::Error | Ty::Var(_)))
                    {
                        let fix = ty.is_integer().then_some(Fix::SignedType);
                        self.cx.say(say::bad_unary("-", &self.cx.show(&ty), span, fix));
                    }
                }
                Deferred::Cast(from, to, span, text) => {
                    let (from, to) = (self.table.finish(&from), self.table.finish(&to));
                    self.check_cast(&from, &to, span, text);
                }
                Deferred::Arithmetic(op, ty, span) => {
                    let ty = self.table.finish(&ty);
                    if !matches!(ty, Ty::Error | Ty::Var(_)) && !self.has_arithmetic(op, &ty) {
                        self.cx.say(say::bad_operand(op.symbol(), &self.cx.show(&ty), span, None));
                    }
                }
            }
        }
        let mut unknown = Vec::new();
        closure.rewrite(&mut |node| {
            let ty = node.ty();
            *ty = self.table.finish(ty);
            let unresolved = first_variable(ty);
            match node {
                HirNode::Expr(expr) => {
                    if let Some(var) = unresolved {
                        if !unknown.contains(&var) {
                            unknown.push(var);
                            self.cx.say(say::annotations_needed(expr.span));
                        }
                        return;
                    }
                    match &mut expr.kind {
                        HirKind::Int(value) => {
                            if let Some((least, greatest)) = integer_range(&expr.ty)
                                && !(least..=greatest).contains(value)
                            {
                                let ty = self.cx.show(&expr.ty);
                                self.cx.say(say::out_of_range(*value, &ty, least, greatest, expr.span));
                            }
                        }
                        HirKind::Into(from) => {
                            if is_lossless(&from.ty, &expr.ty) {
                                let from = std::mem::replace(&mut **from, Hir::error(expr.span));
                                if from.ty == expr.ty {
                                    **expr = from;
                                } else {
                                    expr.kind = HirKind::Cast(Box::new(from));
                                }
                            } else if !from.ty.is_error() && !expr.ty.is_error() && first_variable(&from.ty).is_none() {
                                let (from, to) = (self.cx.show(&from.ty), self.cx.show(&expr.ty));
                                self.cx.say(say::no_conversion(&from, &to, expr.span));
                            }
                        }
                        HirKind::Error
                        | HirKind::Float(_)
                        | HirKind::Bool(_)
                        | HirKind::Str(_)
                        | HirKind::Bytes(_)
                        | HirKind::Local(_)
                        | HirKind::Param(_)
                        | HirKind::Const(_)
                        | HirKind::Field(..)
                        | HirKind::Unary(..)
                        | HirKind::Binary(..)
                        | HirKind::Cast(_)
                        | HirKind::If(..)
                        | HirKind::Match(..)
                        | HirKind::Block(..)
                        | HirKind::Return(_)
                        | HirKind::Record(..)
                        | HirKind::Tuple(_)
                        | HirKind::Some(_)
                        | HirKind::None
                        | HirKind::Call(..)
                        | HirKind::Udf(..)
                        | HirKind::Body(_)
                        | HirKind::GroupKey
                        | HirKind::Aggregate(_) => {}
                    }
                }
                HirNode::Pat(pattern) => {
                    if let (PatKind::Int(from, to), Some((least, greatest))) =
                        (&mut pattern.kind, integer_range(&pattern.ty))
                    {
                        // Open ranges end where the type does.
                        for bound in [*from, *to] {
                            if !matches!(bound, i128::MIN | i128::MAX) && !(least..=greatest).contains(&bound) {
                                let ty = self.cx.show(&pattern.ty);
                                self.cx.say(say::out_of_range(bound, &ty, least, greatest, pattern.span));
                            }
                        }
                        *from = (*from).clamp(least, greatest);
                        *to = (*to).clamp(least, greatest);
                    }
                }
            }
        });
        super::exhaustive::check(self.cx, &closure.body);
    }

    fn check_cast(&mut self, from: &Ty, to: &Ty, span: Span, text: Option<String>) {
        if from.is_error() || to.is_error() || matches!(from, Ty::Var(_) | Ty::Never) || matches!(to, Ty::Var(_)) {
            return;
        }
        let legal = (from.is_number() && to.is_number()) || (*from == Ty::BOOL && to.is_integer()) || from == to;
        if legal && from.column_type().is_some_and(|ty| !ty.is_option()) {
            return;
        }
        let fix = match from {
            Ty::Option(inner) => Some(Fix::UnwrapOr(text, self.default_text(inner))),
            from if *to == Ty::BOOL && from.is_number() => Some(Fix::CompareWithZero(text)),
            from if *from == Ty::BOOL && to.is_float() => Some(Fix::CastThrough(text, "i32", self.cx.show(to))),
            from if *from == Ty::STRING || *to == Ty::STRING => Some(Fix::NoTextConversion),
            _ => None,
        };
        self.cx.say(say::bad_cast(&self.cx.show(from), &self.cx.show(to), span, fix));
    }
}

fn binary_node(op: BinaryOp, a: Hir, b: Hir, ty: Ty, span: Span) -> Hir {
    Hir::new(HirKind::Binary(op, Box::new(a), Box::new(b)), ty, span)
}

fn is_literal(expr: &ast::Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(Literal::Int(..) | Literal::Float(..)))
}

fn is_signed_literal(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Unary(UnaryOp::Neg, inner) => is_literal(inner),
        _ => is_literal(expr),
    }
}

/// The place that gives the value: the tail of a block, else the expression.
pub(super) fn value_span(expr: &ast::Expr) -> Span {
    match &expr.kind {
        ExprKind::Block(_, Some(tail)) => value_span(tail),
        _ => expr.span,
    }
}
