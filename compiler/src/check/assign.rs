//! Variables that change: assignment, `let` with an `else` or without a value, closures that have a name.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are places")]

use super::hir::{BindingId, Hir, HirArm, HirKind, HirPat, HirStatement, PatKind, Place};
use super::infer::Body;
use super::option::bind_params;
use super::owned::is_string;
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::{control, unsupported};
use sabot_ir::ast::{self, BinaryOp, ExprKind, Pattern, PatternKind, UnaryOp};
use sabot_ir::expr::{Failure, FailureKind};
use sabot_ir::span::Span;
use std::rc::Rc;

/// How a variable was declared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared {
    /// Its name in the source.
    pub(super) span: Span,
    /// `mut`, or without a value.
    pub(super) mutable: bool,
}

/// A closure that has a name; its body is read again at every call, with the same types.
#[derive(Debug)]
pub(super) struct LocalClosure {
    closure: ast::Closure,
    params: Vec<Ty>,
    result: Ty,
    whose: String,
    /// What its body sees.
    scope: Vec<(String, BindingId)>,
    /// Whether that are the job's parameters, too.
    sees_params: bool,
    /// Functions that were being put in where it stands.
    templates: Vec<super::hir::FunctionId>,
}

impl LocalClosure {
    /// The types of its parameters and of what it gives.
    pub(super) fn types(&self) -> (&[Ty], &Ty) {
        (&self.params, &self.result)
    }

    /// Where it stands.
    pub(super) fn span(&self) -> Span {
        self.closure.span
    }
}

/// Whether a place is an item of a list, or inside of one.
pub(super) fn is_in_list(place: &ast::Expr) -> bool {
    match &place.kind {
        ExprKind::Index(..) => true,
        ExprKind::Field(base, _) | ExprKind::Unary(UnaryOp::Deref, base) => is_in_list(base),
        _ => false,
    }
}

impl Body<'_, '_> {
    /// `place = value`, `place += value`.
    pub(super) fn assign(&mut self, place: &ast::Expr, op: Option<BinaryOp>, value: &ast::Expr, span: Span) -> Hir {
        if let (ExprKind::Tuple(parts), None) = (&place.kind, op) {
            return self.assign_tuple(parts, value, span);
        }
        if Self::is_entry(place) {
            return self.with_entry(place, span, |this, held| this.assign(held, op, value, span));
        }
        let behind = self.place_behind(place);
        let place = &behind;
        if is_in_list(place) {
            return self.assign_item(place, op, value, span);
        }
        let Some((target, ty, declared)) = self.place(place) else {
            self.expr(value, None);
            return Hir::error(span);
        };
        let value = match op {
            None => {
                let hir = self.expr(value, Some(&ty));
                self.coerce(hir, &ty, Why::Assigned(declared), Some(value))
            }
            Some(op) => {
                let result = self.binary(op, place, value, span);
                if !self.table.unify(&ty, &result.ty) {
                    let (expected, found) = (self.show(&ty), self.show(&result.ty));
                    let diagnostic = say::mismatch(value.span, &expected, &found, Why::Assigned(declared), None);
                    self.cx.say(diagnostic);
                    return Hir::error(span);
                }
                result
            }
        };
        // Rust evaluates the right side of `x += value` first: it matters only where that changes `x`.
        if op.is_some()
            && let HirKind::Binary(op, read, right) = value.kind
        {
            if !right.is_active() {
                let value = Hir::new(HirKind::Binary(op, read, right), value.ty, value.span);
                return Hir::new(HirKind::Assign(target, Box::new(value)), Ty::unit(), span);
            }
            let mut lets = Vec::new();
            let right_ty = right.ty.clone();
            let right = self.named(*right, &right_ty, &mut lets);
            let value = Hir::new(HirKind::Binary(op, read, Box::new(right)), value.ty, value.span);
            let assign = Hir::new(HirKind::Assign(target, Box::new(value)), Ty::unit(), span);
            lets.push(HirStatement::Expr(assign));
            return Hir::new(HirKind::Block(lets, None), Ty::unit(), span);
        }
        Hir::new(HirKind::Assign(target, Box::new(value)), Ty::unit(), span)
    }

    /// `(a, b) = (b, a)`: all of the right side is there before anything changes.
    fn assign_tuple(&mut self, parts: &[ast::Expr], value: &ast::Expr, span: Span) -> Hir {
        let places: Vec<_> = parts.iter().map(|part| self.place(part)).collect();
        let types = places.iter().map(|place| place.as_ref().map_or(Ty::Error, |(_, ty, _)| ty.clone()));
        let tuple = Ty::Tuple(types.collect());
        let hir = self.expr(value, Some(&tuple));
        let value = self.coerce(hir, &tuple, Why::Assigned(span), Some(value));
        let mut lets = Vec::new();
        let whole = self.named(value, &tuple, &mut lets);
        for (position, place) in places.into_iter().enumerate() {
            let Some((place, ty, _)) = place else { return Hir::error(span) };
            let part = Hir::new(HirKind::Field(Box::new(whole.clone()), position), ty, span);
            let assign = Hir::new(HirKind::Assign(place, Box::new(part)), Ty::unit(), span);
            lets.push(HirStatement::Expr(assign));
        }
        Hir::new(HirKind::Block(lets, None), Ty::unit(), span)
    }

    /// What is assigned to, its type, and where its variable is declared; nothing if it was reported.
    pub(super) fn place(&mut self, place: &ast::Expr) -> Option<(Place, Ty, Span)> {
        let behind = self.place_behind(place);
        let place = &behind;
        match &place.kind {
            ExprKind::Name(name) => {
                let Some((binding, ty)) = self.bound_since(0, name) else {
                    let hir = self.name(name, place.span);
                    if !hir.ty.is_error() {
                        self.cx.say(control::not_a_variable(name, place.span));
                    }
                    return None;
                };
                let declared = self.declared(binding);
                if !declared.mutable && !ty.is_error() {
                    self.cx.say(control::not_mutable(name, place.span, declared.span));
                }
                Some((Place { binding, fields: Vec::new() }, ty, declared.span))
            }
            ExprKind::Field(base, field) => {
                let (mut target, base_ty, declared) = self.place(base)?;
                let read = Hir::new(HirKind::Local(target.binding), base_ty, base.span);
                let read = self.field_of(read, base, field, place.span);
                let HirKind::Field(_, position) = read.kind else { return None };
                target.fields.push(position);
                Some((target, read.ty, declared))
            }
            ExprKind::Unary(UnaryOp::Deref, inner) => self.place(inner),
            ExprKind::Path(path) => {
                self.cx.say(control::not_a_variable(&path.join("::"), place.span));
                None
            }
            ExprKind::Error => None,
            ExprKind::Index(..) => {
                self.cx.say(unsupported::form("assignment to an element", place.span));
                None
            }
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
            | ExprKind::Tuple(_)
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
            | ExprKind::Try(_) => {
                self.cx.say(control::not_a_variable("this", place.span));
                None
            }
        }
    }

    // ---- statements ----

    /// `let pattern = value else { .. };`
    pub(super) fn let_else(
        &mut self,
        pattern: &Pattern,
        ty: Option<&ast::TypeName>,
        value: &ast::Expr,
        otherwise: &ast::Expr,
    ) -> HirStatement {
        let (value, ty) = self.initial(ty, value);
        let otherwise_hir = self.expr(otherwise, None);
        if !matches!(self.table.resolve(&otherwise_hir.ty), Ty::Never | Ty::Error) {
            self.cx.say(control::else_goes_on(otherwise.span));
        }
        let pattern = self.pattern(pattern, &ty);
        HirStatement::LetElse(pattern, value, otherwise_hir)
    }

    /// `let name: T;`
    pub(super) fn declare(&mut self, pattern: &Pattern, ty: Option<&ast::TypeName>) -> Option<HirStatement> {
        let ty = match ty {
            None | Some(ast::TypeName { kind: ast::TypeNameKind::Infer, .. }) => self.table.fresh(Kind::Any),
            Some(ty) => self.cx.resolve_type(ty),
        };
        let PatternKind::Bind(name, _, None) = &pattern.kind else {
            self.cx.say(control::pattern_without_value(pattern.span));
            return None;
        };
        let id = self.bind_as(name, ty.clone(), Declared { span: pattern.span, mutable: true });
        let bound = HirPat::new(PatKind::Bind(id, None), ty.clone(), pattern.span);
        Some(HirStatement::Let(bound, Hir::new(HirKind::Later, ty, pattern.span)))
    }

    /// A value with the type that is written for it.
    pub(super) fn initial(&mut self, ty: Option<&ast::TypeName>, value: &ast::Expr) -> (Hir, Ty) {
        match ty {
            None | Some(ast::TypeName { kind: ast::TypeNameKind::Infer, .. }) => {
                let typed = self.expr(value, None);
                let ty = typed.ty.clone();
                (typed, ty)
            }
            Some(written) => {
                let ty = self.type_with_holes(written);
                let typed = self.expect(value, &ty, Why::Annotation(written.span));
                if is_string(written) {
                    self.must_own(value, &typed, Why::Annotation(written.span));
                }
                (typed, ty)
            }
        }
    }

    /// `x?` of an `Option`.
    pub(super) fn try_(&mut self, value: &ast::Expr, span: Span) -> Hir {
        let option = self.expr(value, None);
        let found = self.table.resolve(&option.ty);
        let inner = match &found {
            Ty::Error | Ty::Never => return Hir::error(span),
            Ty::Option(inner) => (**inner).clone(),
            Ty::Result(..) => return self.try_result(option, span),
            Ty::Var(_) if self.table.kind(&found) == Some(Kind::Any) => {
                let inner = self.table.fresh(Kind::Any);
                self.table.unify(&found, &inner.clone().option());
                inner
            }
            Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Failure
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..)
            | Ty::Group
            | Ty::Var(_) => {
                let diagnostic = control::question_mark_of(&self.show(&found), value.span);
                self.cx.say(diagnostic);
                return Hir::error(span);
            }
        };
        let Some((returns, whose)) = self.returns.last().cloned() else {
            self.cx.say(unsupported::return_outside(span));
            return Hir::error(span);
        };
        let held = self.table.fresh(Kind::Any);
        if !self.table.unify(&returns, &held.option()) {
            let diagnostic = control::question_mark_in(&whose, &self.show(&returns), span);
            self.cx.say(diagnostic);
            return Hir::error(span);
        }
        let id = self.new_binding(inner.clone());
        let bound = HirPat::new(PatKind::Bind(id, None), inner.clone(), span);
        let some = HirPat::new(PatKind::Some(Box::new(bound)), option.ty.clone(), span);
        let none = HirPat::new(PatKind::Wild, option.ty.clone(), span);
        let nothing = Hir::new(HirKind::None, returns, span);
        let leave = Hir::new(HirKind::Return(Some(Box::new(nothing))), Ty::Never, span);
        let arms = vec![
            HirArm { pattern: some, guard: None, body: Hir::new(HirKind::Local(id), inner.clone(), span) },
            HirArm { pattern: none, guard: None, body: leave },
        ];
        Hir::new(HirKind::Match(Box::new(option), arms), inner, span)
    }

    // ---- failures ----

    /// `panic!`, `assert!` and their kin; nothing if it is another macro.
    pub(super) fn failing_macro(&mut self, name: &str, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let fail =
            |message: String| Hir::new(HirKind::Fail(Failure { kind: FailureKind::Panic, message }), Ty::Never, span);
        let unless = |holds: Hir, message: String| {
            let not = HirKind::Unary(sabot_ir::expr::UnaryOp::Not, Box::new(holds));
            let not = Hir::new(not, Ty::BOOL, span);
            Hir::new(HirKind::If(Box::new(not), Box::new(fail(message)), None), Ty::unit(), span)
        };
        Some(match (name.strip_prefix("debug_").unwrap_or(name), args) {
            ("panic", _) => fail(self.said(args, "explicit panic")),
            ("todo", _) => fail(self.said(args, "not yet implemented")),
            ("unimplemented", _) => fail(self.said(args, "not implemented")),
            ("unreachable", _) => fail(self.said(args, "internal error: entered unreachable code")),
            ("assert", [condition, rest @ ..]) => {
                let written = sabot_ir::display::ast::expr(condition);
                let message = self.said(rest, &format!("assertion failed: {written}"));
                unless(self.expect(condition, &Ty::BOOL, Why::Condition), message)
            }
            (kind @ ("assert_eq" | "assert_ne"), [left, right, rest @ ..]) => {
                let (op, text) = if kind == "assert_eq" { (BinaryOp::Eq, "==") } else { (BinaryOp::Ne, "!=") };
                let message = self.said(rest, &format!("assertion `left {text} right` failed"));
                unless(self.binary(op, left, right, span), message)
            }
            ("assert" | "assert_eq" | "assert_ne", _) => {
                self.cx.say(control::assertion_of_what(name, span));
                Hir::error(span)
            }
            _ => return None,
        })
    }

    /// The text that a failing macro is given, as written; what stands in its `{}` is looked at, but only rustc prints it.
    fn said(&mut self, args: &[ast::Expr], otherwise: &str) -> String {
        let Some((first, values)) = args.split_first() else { return otherwise.to_owned() };
        for value in values {
            let value = if let ExprKind::Assign(_, None, value) = &value.kind { value } else { value };
            self.expr(value, None);
        }
        if let ExprKind::Literal(ast::Literal::String(text)) = &first.kind {
            return text.clone();
        }
        self.cx.say(control::message_is_no_text(first.span));
        otherwise.to_owned()
    }

    // ---- closures with a name ----

    /// `let f = |x| ..;`
    pub(super) fn let_closure(&mut self, pattern: &Pattern, closure: &ast::Closure) -> Vec<HirStatement> {
        let Some(name) = pattern.as_name() else {
            self.cx.say(unsupported::closure(closure.span));
            return Vec::new();
        };
        let params = closure.params.iter().map(|_| self.table.fresh(Kind::Any)).collect();
        let result = self.table.fresh(Kind::Any);
        let mut lets = Vec::new();
        let mut scope = self.visible();
        if closure.moves {
            // It has copies of its own, which stay as they are, and which only it changes.
            for (_, id) in &mut scope {
                let declared = self.declared(*id);
                if declared.mutable && !self.closures.contains_key(id) {
                    let ty = self.type_of(*id);
                    let read = Hir::new(HirKind::Local(*id), ty.clone(), closure.span);
                    *id = self.new_binding_as(ty.clone(), declared);
                    lets.push(HirStatement::Let(HirPat::new(PatKind::Bind(*id, None), ty, closure.span), read));
                }
            }
        }
        let whose = format!("`{}`", name.text);
        let sees_params = self.sees_params;
        let templates = self.templates.clone();
        let local = LocalClosure { closure: closure.clone(), params, result, whose, scope, sees_params, templates };
        let id = self.bind(&name.text, Ty::Error);
        self.closures.insert(id, Rc::new(local));
        lets
    }

    /// A call of a closure that has a name.
    pub(super) fn call_closure(&mut self, id: BindingId, args: &[ast::Expr], at: Span, span: Span) -> Hir {
        let Some(local) = self.closures.get(&id).map(Rc::clone) else { return Hir::error(span) };
        if local.params.len() != args.len() {
            for arg in args {
                self.expr(arg, None);
            }
            let names: Vec<String> = local
                .closure
                .params
                .iter()
                .map(|(pattern, _)| pattern.as_name().map_or_else(|| "_".to_owned(), |name| name.text))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let whose = local.whose.trim_matches('`');
            self.cx.say(say::wrong_arity(whose, &names, args.len(), at, Some(local.closure.span)));
            return Hir::error(span);
        }
        // Types that are written for the parameters decide before the arguments do.
        for ((_, written), ty) in local.closure.params.iter().zip(&local.params) {
            if let Some(written) = written
                && written.kind != ast::TypeNameKind::Infer
            {
                let written = self.cx.resolve_type(written);
                self.table.unify(ty, &written);
            }
        }
        let whose = local.whose.clone();
        let args: Vec<Hir> = args
            .iter()
            .zip(&local.params)
            .enumerate()
            .map(|(index, (arg, ty))| self.expect(arg, ty, Why::Argument { function: whose.trim_matches('`'), index }))
            .collect();
        let outer = self.replace_scope(local.scope.clone());
        let outside = std::mem::replace(&mut self.sees_params, local.sees_params);
        let around = std::mem::replace(&mut self.templates, local.templates.clone());
        let closure = self.closure(&local.closure, &local.params, Some(&local.result), &local.whose);
        self.replace_scope(outer);
        self.sees_params = outside;
        self.templates = around;
        match closure {
            Some(closure) => bind_params(closure, args, span),
            None => Hir::error(span),
        }
    }
}
