//! The forms of expressions: literals, fields, `if`, blocks, `return`, records.

use super::hir::{Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::{Body, GroupTy, value_span};
use super::snippet;
use super::types::{RecordId, Ty, number_suffix};
use super::unify::Kind;
use super::wrapper::Wrapper;
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::{aggregate, names, unsupported};
use sabot_ir::ast::{self, Condition, ExprKind, Literal, Statement};
use sabot_ir::span::Span;

impl Body<'_, '_> {
    pub(super) fn expr_inner(&mut self, expr: &ast::Expr, hint: Option<&Ty>) -> Hir {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, hint, span),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Path(segments) => self.path(segments, span),
            ExprKind::Field(base, field) => self.field(base, field, span),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, hint, span),
            ExprKind::Reference(inner) => self.expr(inner, hint),
            ExprKind::MutReference(inner) => self.lent(inner, hint, span),
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
            ExprKind::Macro(name, _) if name.text == "regex" => {
                self.cx.say(crate::diagnostics::text::regex_alone(span));
                Hir::error(span)
            }
            ExprKind::Macro(name, args) if name.text == "vec" => self.list(args, hint, span),
            ExprKind::Macro(name, args) if name.text == "format" => self.format(args, span),
            ExprKind::Macro(name, args) if matches!(name.text.as_str(), "write" | "writeln") => {
                self.write(&name.text, args, span)
            }
            ExprKind::Macro(name, args) => {
                if let Some(failing) = self.failing_macro(&name.text, args, span) {
                    return failing;
                }
                self.cx.say(unsupported::macro_call(&name.text, span));
                Hir::error(span)
            }
            ExprKind::Array(items) => self.list(items, hint, span),
            ExprKind::Repeat(_, item, count) => self.repeat(item, count, hint, span),
            ExprKind::Assign(place, op, value) => self.assign(place, *op, value, span),
            ExprKind::While(label, condition, body) => self.while_(label.as_ref(), condition, body, span),
            ExprKind::For(label, pattern, values, body) => self.for_(label.as_ref(), pattern, values, body, span),
            ExprKind::Loop(label, body) => self.loop_(label.as_ref(), body, hint, span),
            ExprKind::Labeled(label, body) => self.labeled(label, body, hint, span),
            ExprKind::Break(label, value) => self.break_(label.as_ref(), value.as_deref(), span),
            ExprKind::Continue(label) => self.continue_(label.as_ref(), span),
            ExprKind::Try(value) => self.try_(value, span),
            ExprKind::Index(base, index) => self.index(base, index, span),
            ExprKind::Range(..) => {
                self.cx.say(unsupported::form("this form", span));
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
            Literal::Bytes(value) => Hir::new(HirKind::Bytes(value.clone()), Ty::bytes(), span),
            Literal::Char(value) => Hir::new(HirKind::Int(u32::from(*value).into()), Ty::CHAR, span),
        }
    }

    /// `base[index]`.
    fn index(&mut self, base: &ast::Expr, index: &ast::Expr, span: Span) -> Hir {
        let base_hir = self.expr(base, None);
        let ty = self.table.resolve(&base_hir.ty);
        if ty == Ty::STRING {
            return self.text_index(base_hir, index, span);
        }
        if let Ty::List(item) = &ty {
            return self.list_index(base_hir, item, index, span);
        }
        if let Ty::Record(id) = &ty
            && let Some(hir) = self.captures_index(&base_hir, *id, index, span)
        {
            return hir;
        }
        if let Ty::Of(wrapper, inner) = &ty {
            return self.collection_index(base_hir, (*wrapper, inner), index, span);
        }
        if !ty.is_error() {
            self.cx.say(unsupported::form("an index of this type", span));
        }
        Hir::error(span)
    }

    fn bad_suffix(&mut self, suffix: &str, span: Span) -> Hir {
        self.cx.say(say::unknown_suffix(suffix, span));
        Hir::error(span)
    }

    fn field(&mut self, base: &ast::Expr, field: &ast::Name, span: Span) -> Hir {
        let base_hir = self.expr(base, None);
        self.field_of(base_hir, base, field, span)
    }

    /// A field of a typed value, which is written as `base`.
    pub(super) fn field_of(&mut self, base_hir: Hir, base: &ast::Expr, field: &ast::Name, span: Span) -> Hir {
        let ty = self.table.resolve(&base_hir.ty);
        match &ty {
            Ty::Error | Ty::Never => Hir::error(span),
            Ty::Record(id) => self.record_field(base_hir, *id, field, base, span),
            Ty::Of(Wrapper::Reverse, inner) if field.text == "0" => Hir { ty: (**inner).clone(), ..base_hir },
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
                self.cx.say(aggregate::field_of_group(&group, &field.text, is_column, field.span));
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
                    | Ty::Result(..)
                    | Ty::Failure
                    | Ty::Group
                    | Ty::List(_)
                    | Ty::Generic(_)
                    | Ty::Ordering
                    | Ty::Of(..)
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
            Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::List(_)
            | Ty::Result(..)
            | Ty::Failure
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..)
            | Ty::Var(_) => {
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

    fn if_(
        &mut self,
        condition: &Condition,
        then: &ast::Expr,
        otherwise: Option<&ast::Expr>,
        hint: Option<&Ty>,
        span: Span,
    ) -> Hir {
        if let Condition::All(parts) = condition
            && let [first, rest @ ..] = parts.as_slice()
            && self.optional_place(first).is_some()
        {
            // What comes behind it sees the place.
            let nothing = || ast::Expr { kind: ExprKind::Tuple(Vec::new()), span };
            let otherwise = otherwise.cloned().unwrap_or_else(nothing);
            let inner = Condition::All(rest.to_vec());
            let kind = ExprKind::If(Box::new(inner), Box::new(then.clone()), Some(Box::new(otherwise.clone())));
            let inner = ast::Expr { kind, span: then.span };
            return self.if_(first, &inner, Some(&otherwise), hint, span);
        }
        if let Some((condition, lend)) = self.optional_place(condition) {
            let inner = ExprKind::Block(vec![lend], Some(Box::new(then.clone())));
            let then = ast::Expr { kind: inner, span: then.span };
            return self.if_(&condition, &then, otherwise, hint, span);
        }
        let branch = self.conditional(condition, |this| this.expr(then, hint));
        let then_hir = branch.then().clone();
        let (_, otherwise_hir, ty) = self.branches(then_hir, then, otherwise, hint, span);
        branch.complete(otherwise_hir, ty, span)
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
            // All of the block sees its constants.
            if let Statement::Const(item) = statement {
                let (value, ty) = self.initial(Some(&item.ty), &item.value);
                let id = self.bind(&item.name.text, ty.clone());
                let is_literal =
                    matches!(value.kind, HirKind::Int(_) | HirKind::Float(_) | HirKind::Bool(_) | HirKind::Str(_));
                self.local_consts.insert(id, is_literal.then(|| value.clone()));
                lowered.push(HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty, item.name.span), value));
            }
        }
        for statement in statements {
            match statement {
                Statement::Const(_) => {}
                Statement::Let(pattern, None, ast::Expr { kind: ExprKind::Closure(closure), .. }) => {
                    lowered.extend(self.let_closure(pattern, closure));
                }
                Statement::Let(pattern, ty, value) if self.is_function_value(pattern, ty.as_ref(), value) => {
                    lowered.extend(self.let_function(pattern, ty.as_ref(), value));
                }
                Statement::Let(pattern, None, ast::Expr { kind: ExprKind::MutReference(place), .. }) => {
                    lowered.extend(self.let_place(pattern, place));
                }
                Statement::Let(pattern, None, value)
                    if matches!(value.kind, ExprKind::Method(..)) && Self::is_entry(value) =>
                {
                    lowered.extend(self.let_place(pattern, value));
                }
                Statement::Let(pattern, _, value) if super::slice_pattern::is_slice(pattern) => {
                    lowered.extend(self.let_slice(pattern, value));
                }
                Statement::Let(pattern, None, value)
                    if pattern.as_name().is_some() && self.regex_of(value).is_some() =>
                {
                    if let (Some(name), Some(regex)) = (pattern.as_name(), self.regex_of(value)) {
                        let id = self.bind(&name.text, Ty::Error);
                        self.regexes.insert(id, regex);
                    }
                }
                Statement::Let(pattern, None, value) if self.holds_iterator(pattern, value) => {
                    lowered.extend(self.let_iterator(pattern, value));
                }
                Statement::Let(pattern, ty, value) => {
                    let (value, ty) = self.initial(ty.as_ref(), value);
                    diverges |= matches!(self.table.resolve(&value.ty), Ty::Never) || is_never(&value);
                    let pattern = self.pattern(pattern, &ty);
                    self.must_match_all(&pattern, "`let`");
                    lowered.push(HirStatement::Let(pattern, value));
                }
                Statement::LetElse(pattern, None, value, otherwise) if super::slice_pattern::is_slice(pattern) => {
                    lowered.extend(self.let_slice_else(pattern, value, otherwise));
                }
                Statement::LetElse(pattern, ty, value, otherwise) => {
                    lowered.push(self.let_else(pattern, ty.as_ref(), value, otherwise));
                }
                Statement::Declare(pattern, ty) => lowered.extend(self.declare(pattern, ty.as_ref())),
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
        if let (Some(variant), None) = (self.record_variant(name, fields, span), base) {
            return variant;
        }
        let Some(&id) = self.cx.record_names.get(&name.text).filter(|id| self.cx.variants(**id).is_empty()) else {
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
            let why = Why::Field { record: &name.text, field: &field.text, declared };
            let written = value;
            let value = self.expect(written, &ty, why);
            self.must_own(written, &value, why);
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
}

/// Whether it only stands for a value of its type.
fn is_never(hir: &Hir) -> bool {
    matches!(hir.kind, HirKind::Never(_))
}
