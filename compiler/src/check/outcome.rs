//! `Result<T, E>`: what is `Ok` or `Err`, its methods, `?` of it.
//!
//! Where the error says nothing (`parse`), it is an `Option` in the plan. Else it is three values: whether it is `Ok`, what it
//! holds then, and what the error holds; the one that is not there is a default that nobody reads.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::assign::Declared;
use super::chain::{bind, local, set};
use super::hir::{Hir, HirArm, HirKind, HirPat, HirStatement, PatKind, VariantPat};
use super::infer::Body;
use super::lower::Lower;
use super::types::Ty;
use super::unify::Kind;
use super::value::Value;
use crate::diagnostics::types::Why;
use crate::diagnostics::{control, unsupported};
use sabot_ir::ast::{self, ExprKind, Name};
use sabot_ir::expr::{Expr, ExprKind as Scalar};
use sabot_ir::span::Span;

/// `Ok(held)` or `Err(held)` as a pattern.
pub(super) fn outcome_pattern(is_ok: bool, held: HirPat, ty: &Ty, span: Span) -> HirPat {
    let Ty::Result(_, error) = ty else { return HirPat::new(PatKind::Wild, Ty::Error, span) };
    let kind = match (error.is_silent(), is_ok) {
        (true, true) => PatKind::Some(Box::new(held)),
        (true, false) => PatKind::None,
        (false, _) => PatKind::Variant(Box::new(VariantPat {
            of: vec!["Ok".to_owned(), "Err".to_owned()],
            at: usize::from(!is_ok),
            parts: vec![(if is_ok { 1 } else { 2 }, held)],
        })),
    };
    HirPat::new(kind, ty.clone(), span)
}

/// `Ok(value)` or `Err(value)`.
pub(super) fn outcome(is_ok: bool, value: Hir, ty: &Ty, span: Span) -> Hir {
    let says = Hir::new(HirKind::Bool(is_ok), Ty::BOOL, span);
    let position = if is_ok { 1 } else { 2 };
    Hir::new(HirKind::Record(vec![(0, says), (position, value)], None), ty.clone(), span)
}

impl Body<'_, '_> {
    /// `Ok(x)`, `Err(e)`; nothing if it is another call.
    pub(super) fn outcome_call(
        &mut self,
        path: &[&str],
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Option<Hir> {
        let is_ok = match path {
            ["Ok"] | ["Result", "Ok"] => true,
            ["Err"] | ["Result", "Err"] => false,
            _ => return None,
        };
        let [arg] = args else { return Some(self.wrong_arity(path[path.len() - 1], 1, args, span, span)) };
        let (held, error) = match hint.map(|hint| self.table.resolve(hint)) {
            Some(Ty::Result(held, error)) => (*held, *error),
            _ => (self.table.fresh(Kind::Any), self.table.fresh(Kind::Any)),
        };
        let wanted = if is_ok { &held } else { &error };
        let value = self.expr(arg, Some(wanted));
        let value = self.coerce(value, wanted, Why::Argument { function: path[path.len() - 1], index: 0 }, Some(arg));
        if value.ty.is_error() {
            return Some(Hir::error(span));
        }
        self.must_own(arg, &value, Why::Argument { function: path[path.len() - 1], index: 0 });
        Some(outcome(is_ok, value, &Ty::Result(Box::new(held), Box::new(error)), span))
    }

    /// What a `Result` holds if it is `Ok`.
    pub(super) fn ok_of(&mut self, result: Hir, span: Span) -> Hir {
        let ty = self.table.deep(&result.ty);
        let Ty::Result(inner, error) = &ty else { return result };
        if error.is_silent() {
            return Hir { ty: (**inner).clone().option(), ..result };
        }
        let held = (**inner).clone();
        self.written(
            vec![("x", Hir { ty: ty.clone(), ..result }, ty)],
            &[],
            "{ match x { Ok(v) => Some(v), Err(_) => None } }",
            span,
        )
        .retyped(held.option())
    }

    /// Methods of a `Result` whose error says something; nothing where it says nothing and the method is one of `parse`'s.
    pub(super) fn telling_method(
        &mut self,
        result: &Hir,
        name: &Name,
        args: &[ast::Expr],
        hint: Option<&Ty>,
        receiver: &ast::Expr,
        span: Span,
    ) -> Option<Hir> {
        let ty = self.table.deep(&result.ty);
        let Ty::Result(inner, error) = &ty else { return None };
        let method = name.text.as_str();
        let x = || vec![("x", Hir { ty: ty.clone(), ..result.clone() }, ty.clone())];
        // Written of a closure, or of the name of a function.
        let closure = |arg: &ast::Expr| match &arg.kind {
            ExprKind::Closure(closure) => Some(closure.clone()),
            ExprKind::Name(_) | ExprKind::Path(_) => {
                let names: Vec<String> = if let ExprKind::Path(path) = &arg.kind {
                    path.clone()
                } else if let ExprKind::Name(name) = &arg.kind {
                    vec![name.clone()]
                } else {
                    Vec::new()
                };
                let at = |kind| ast::Expr { kind, span: arg.span };
                let path = names.iter().map(|text| Name { text: text.clone(), span: arg.span }).collect();
                let read = at(ExprKind::Name("$arg".to_owned()));
                let kind = ast::PatternKind::Bind("$arg".to_owned(), false, None);
                Some(ast::Closure {
                    params: vec![(ast::Pattern { kind, span: arg.span }, None)],
                    body: Box::new(at(ExprKind::Call(path, vec![read]))),
                    returns: None,
                    moves: false,
                    span: arg.span,
                })
            }
            _ => None,
        };
        let silent = error.is_silent();
        let of_two = match (method, args) {
            ("map_err", [f]) => {
                let f = closure(f)?;
                return Some(self.with_error(
                    x(),
                    "f",
                    f,
                    "{ match x { Ok(v) => Ok(v), Err(e) => Err(f(e)) } }",
                    silent,
                    span,
                ));
            }
            ("or_else", [f]) => {
                let f = closure(f)?;
                return Some(self.with_error(
                    x(),
                    "f",
                    f,
                    "{ match x { Ok(v) => Ok(v), Err(e) => f(e) } }",
                    silent,
                    span,
                ));
            }
            ("and_then", [f]) => return Some(self.and_then(result, &ty, f, span)),
            ("map", [f]) if !silent => Some((closure(f)?, "{ match x { Ok(v) => Ok(f(v)), Err(e) => Err(e) } }")),
            ("unwrap_or_else", [f]) if !silent => Some((closure(f)?, "{ match x { Ok(v) => v, Err(e) => f(e) } }")),
            ("is_err_and", [f]) if !silent => Some((closure(f)?, "{ match x { Ok(_) => false, Err(e) => f(e) } }")),
            _ => None,
        };
        if let Some((f, code)) = of_two {
            return Some(self.written(x(), &[("f", f)], code, span));
        }
        if silent {
            return None;
        }
        match (method, args) {
            ("as_ref" | "as_deref" | "clone" | "cloned" | "copied", []) => Some(Hir { span, ..result.clone() }),
            ("err", []) => Some(self.written(x(), &[], "{ match x { Ok(_) => None, Err(e) => Some(e) } }", span)),
            ("unwrap_err", []) => Some(self.written(
                x(),
                &[],
                "{ match x { Ok(_) => panic!(\"called `Result::unwrap_err()` on an `Ok` value\"), Err(e) => e } }",
                span,
            )),
            ("is_ok", []) => Some(self.written(x(), &[], "{ match x { Ok(_) => true, Err(_) => false } }", span)),
            ("is_err", []) => Some(self.written(x(), &[], "{ match x { Ok(_) => false, Err(_) => true } }", span)),
            ("ok", []) => {
                let option = self.ok_of(result.clone(), span);
                Some(option)
            }
            ("is_ok_and", [_]) => {
                let option = self.ok_of(result.clone(), span);
                let name = Name { text: "is_some_and".to_owned(), span: name.span };
                Some(self.option_method(option, inner, receiver, &name, args, hint, span))
            }
            ("unwrap_or" | "unwrap_or_default" | "map_or" | "unwrap" | "expect" | "iter", _) => {
                let option = self.ok_of(result.clone(), span);
                Some(self.option_method(option, inner, receiver, name, args, hint, span))
            }
            _ => None,
        }
    }

    /// `r.and_then(|x| ..)`.
    fn and_then(&mut self, result: &Hir, ty: &Ty, f: &ast::Expr, span: Span) -> Hir {
        let Ty::Result(inner, error) = ty else { return Hir::error(span) };
        let given = Ty::Result(Box::new(self.table.fresh(Kind::Any)), error.clone());
        let Some(closure) = self.callback(f, std::slice::from_ref(&**inner), Some(&given), "and_then") else {
            return Hir::error(span);
        };
        let (value, problem) = (self.new_binding((**inner).clone()), self.new_binding((**error).clone()));
        let bound = |id, ty: &Ty| HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
        let body = super::option::bind_params(closure, vec![local(value, inner, span)], span);
        let (err, said) = match error.is_silent() {
            true => {
                (HirPat::new(PatKind::Wild, ty.clone(), span), Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span))
            }
            false => (outcome_pattern(false, bound(problem, error), ty, span), local(problem, error, span)),
        };
        let arms = vec![
            HirArm { pattern: outcome_pattern(true, bound(value, inner), ty, span), guard: None, body },
            HirArm { pattern: err, guard: None, body: outcome(false, said, &given, span) },
        ];
        Hir::new(HirKind::Match(Box::new(result.clone()), arms), given, span)
    }

    /// A method whose closure takes the error.
    fn with_error(
        &mut self,
        x: Vec<(&str, Hir, Ty)>,
        f: &str,
        closure: ast::Closure,
        code: &str,
        is_silent: bool,
        span: Span,
    ) -> Hir {
        if !is_silent {
            return self.written(x, &[(f, closure)], code, span);
        }
        // What the error says is no value here: the closure may only pass it over.
        let kind = |pattern: &ast::Pattern| {
            matches!(pattern.kind, ast::PatternKind::Wild)
                || pattern.as_name().is_some_and(|name| name.text.starts_with('_'))
        };
        if !closure.params.first().is_some_and(|(pattern, _)| kind(pattern)) && closure.span != span {
            let at = closure.params.first().map_or(closure.span, |(pattern, _)| pattern.span);
            self.cx.say(crate::diagnostics::text::error_value(at));
            return Hir::error(span);
        }
        let closure = ast::Closure { params: Vec::new(), ..closure };
        self.written(x, &[(f, closure)], &code.replace("Err(e)", "Err(_)").replace("f(e)", "f()"), span)
    }

    /// `x?` of a `Result`, in what gives one with this error.
    pub(super) fn try_result(&mut self, result: Hir, span: Span) -> Hir {
        let Some((returns, whose)) = self.returns.last().cloned() else {
            self.cx.say(unsupported::return_outside(span));
            return Hir::error(span);
        };
        let ty = self.table.deep(&result.ty);
        let Ty::Result(inner, error) = &ty else { return Hir::error(span) };
        let held = self.table.fresh(Kind::Any);
        let given = Ty::Result(Box::new(held), error.clone());
        if !self.table.unify(&returns, &given) {
            let diagnostic = control::question_mark_error(&whose, &self.show(&returns), &self.show(&ty), span);
            self.cx.say(diagnostic);
            return Hir::error(span);
        }
        let given = self.table.deep(&returns);
        let (value, problem) = (self.new_binding((**inner).clone()), self.new_binding((**error).clone()));
        let bound = |id, ty: &Ty| HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
        let ok = outcome_pattern(true, bound(value, inner), &ty, span);
        let err = match error.is_silent() {
            true => HirPat::new(PatKind::Wild, ty.clone(), span),
            false => outcome_pattern(false, bound(problem, error), &ty, span),
        };
        let said = match error.is_silent() {
            true => Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span),
            false => local(problem, error, span),
        };
        let leave = HirKind::Return(Some(Box::new(outcome(false, said, &given, span))));
        let leave = Hir::new(leave, Ty::Never, span);
        let arms = vec![
            HirArm { pattern: ok, guard: None, body: local(value, inner, span) },
            HirArm { pattern: err, guard: None, body: leave },
        ];
        Hir::new(HirKind::Match(Box::new(result), arms), (**inner).clone(), span)
    }

    /// `o.ok_or(e)`, `o.ok_or_else(|| e)`.
    pub(super) fn ok_or(&mut self, option: Hir, inner: &Ty, method: &str, arg: &ast::Expr, span: Span) -> Hir {
        let ty = inner.clone().option();
        if method == "ok_or" {
            let error = self.expr(arg, None);
            let of_error = error.ty.clone();
            let values = vec![("x", option, ty), ("e", error, of_error)];
            return self.written(values, &[], "{ match x { Some(v) => Ok(v), None => Err(e) } }", span);
        }
        let ExprKind::Closure(closure) = &arg.kind else {
            self.cx.say(unsupported::not_a_closure(method, arg.span));
            return Hir::error(span);
        };
        let code = "{ match x { Some(v) => Ok(v), None => Err(f()) } }";
        self.written(vec![("x", option, ty)], &[("f", closure.clone())], code, span)
    }

    /// A variable that changes, with its first value.
    pub(super) fn changing(&mut self, value: Hir, lets: &mut Vec<HirStatement>) -> super::hir::BindingId {
        let id = self.new_binding_as(value.ty.clone(), Declared { span: Span::NONE, mutable: true });
        lets.push(bind(id, value));
        id
    }

    /// Statements that keep the first error of the items, and what an item holds that is none.
    pub(super) fn held_or_fail(
        &mut self,
        item: Hir,
        failed: super::hir::BindingId,
        leave: HirStatement,
        body: &mut Vec<HirStatement>,
    ) -> Option<Hir> {
        let span = item.span;
        let ty = self.table.deep(&item.ty);
        let Ty::Result(inner, error) = &ty else { return None };
        let (value, problem) = (self.new_binding((**inner).clone()), self.new_binding((**error).clone()));
        let bound = |id, ty: &Ty| HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
        let of_option = (**error).clone().option();
        let some = Hir::new(HirKind::Some(Box::new(local(problem, error, span))), of_option, span);
        let over = vec![set(failed, some), leave];
        let over = Hir::new(HirKind::Block(over, None), Ty::Never, span);
        let arms = vec![
            HirArm {
                pattern: outcome_pattern(true, bound(value, inner), &ty, span),
                guard: None,
                body: local(value, inner, span),
            },
            HirArm { pattern: outcome_pattern(false, bound(problem, error), &ty, span), guard: None, body: over },
        ];
        let whole = Hir::new(HirKind::Match(Box::new(item), arms), (**inner).clone(), span);
        Some(self.kept(whole, body))
    }
}

impl Hir {
    /// The same with another type.
    fn retyped(self, ty: Ty) -> Self {
        Self { ty, ..self }
    }
}

impl Lower<'_, '_> {
    /// `Ok(x)`, `Err(e)`.
    pub(super) fn outcome(&mut self, hir: &Hir, given: &[(usize, Hir)], inner: &Ty, error: &Ty) -> Value {
        let is_ok = given.iter().any(|(position, _)| *position == 1);
        let held = given.iter().find(|(position, _)| *position > 0).map(|(_, held)| self.value(held));
        let Some(held) = held else { return Value::default_of(self.cx, &hir.ty) };
        let flag = Expr::bool(is_ok);
        if let Some(column) = hir.ty.column_type() {
            let kind = match held {
                Value::Scalar(held) if is_ok => Scalar::Some(Box::new(held)),
                other => {
                    self.discard(other);
                    Scalar::None
                }
            };
            return Value::Scalar(Expr::new(kind, column, hir.span));
        }
        if error.is_silent() {
            let held = if is_ok { held } else { Value::default_of(self.cx, inner) };
            return Value::Option(flag, Box::new(held));
        }
        let other = Value::default_of(self.cx, if is_ok { error } else { inner });
        let (held, error) = if is_ok { (held, other) } else { (other, held) };
        Value::Parts(vec![Value::Scalar(flag), held, error])
    }
}
