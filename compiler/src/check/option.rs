//! Methods of `Option`, taken apart into `match`.

use super::hir::{BindingId, Hir, HirArm, HirClosure, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::snippet;
use super::types::Ty;
use super::unify::Kind;
use super::wrapper::Wrapper;
use crate::diagnostics::types::Why;
use crate::diagnostics::{names, unsupported};
use sabot_ir::ast::{self, ExprKind, Name};
use sabot_ir::expr::{Failure, FailureKind, Function, UnaryOp};
use sabot_ir::span::Span;

/// The methods that `Option` has.
pub(super) const NAMES: [&str; 26] = [
    "take",
    "replace",
    "unwrap",
    "expect",
    "copied",
    "cloned",
    "as_ref",
    "as_deref",
    "flatten",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "is_some",
    "is_none",
    "is_some_and",
    "is_none_or",
    "map",
    "map_or",
    "map_or_else",
    "and",
    "and_then",
    "filter",
    "or",
    "or_else",
    "xor",
    "zip",
];

/// `Default::default()` of a scalar or `Option`.
pub(super) fn default_of(ty: &Ty, span: Span) -> Option<Hir> {
    let kind = match ty {
        Ty::Option(_) => HirKind::None,
        ty if *ty == Ty::BOOL => HirKind::Bool(false),
        ty if *ty == Ty::STRING => HirKind::Str(String::new()),
        ty if ty.is_integer() || *ty == Ty::DURATION || *ty == Ty::CHAR => HirKind::Int(0),
        ty if ty.is_float() => HirKind::Float(0.0),
        Ty::List(_)
        | Ty::Of(
            Wrapper::BTreeMap
            | Wrapper::HashMap
            | Wrapper::BTreeSet
            | Wrapper::HashSet
            | Wrapper::VecDeque
            | Wrapper::BinaryHeap,
            _,
        ) => HirKind::Call(Function::List(sabot_ir::list::ListFunction::Of), Vec::new()),
        Ty::Tuple(parts) => {
            HirKind::Tuple(parts.iter().map(|part| default_of(part, span)).collect::<Option<Vec<_>>>()?)
        }
        Ty::Error
        | Ty::Never
        | Ty::Scalar(_)
        | Ty::Usize
        | Ty::Isize
        | Ty::Record(_)
        | Ty::Group
        | Ty::Result(..)
        | Ty::Failure
        | Ty::Generic(_)
        | Ty::Ordering
        | Ty::Of(Wrapper::Reverse, _)
        | Ty::Var(_) => {
            return None;
        }
    };
    Some(Hir::new(kind, ty.clone(), span))
}

impl Body<'_, '_> {
    /// A method of an `Option` of `inner`.
    pub(super) fn option_method(
        &mut self,
        option: Hir,
        inner: &Ty,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Hir {
        let method = name.text.as_str();
        let is_some = |option: Hir| {
            let wild = HirPat::new(PatKind::Wild, inner.clone(), span);
            let some = HirPat::new(PatKind::Some(Box::new(wild)), option.ty.clone(), span);
            let yes = Hir::new(HirKind::Bool(true), Ty::BOOL, span);
            let no = Hir::new(HirKind::Bool(false), Ty::BOOL, span);
            two_arms(option, some, yes, no, Ty::BOOL, span)
        };
        let arity = match method {
            "take" | "is_some" | "is_none" | "unwrap_or_default" | "unwrap" | "copied" | "cloned" | "as_ref"
            | "as_deref" | "flatten" => 0,
            "map_or" | "map_or_else" => 2,
            _ => 1,
        };
        if NAMES.contains(&method) && args.len() != arity {
            return self.wrong_arity(method, arity, args, name.span, span);
        }
        match (method, args) {
            ("is_some", _) => is_some(option),
            ("is_none", _) => Hir::new(HirKind::Unary(UnaryOp::Not, Box::new(is_some(option))), Ty::BOOL, span),
            ("unwrap_or", [default]) => {
                let default = self.expect(default, inner, Why::Argument { function: "unwrap_or", index: 0 });
                let ty = inner.clone();
                Hir::new(HirKind::Call(Function::UnwrapOr, vec![option, default]), ty, span)
            }
            ("unwrap_or_default", _) => {
                let ty = self.table.deep(inner);
                match default_of(&ty, span) {
                    Some(default) => Hir::new(HirKind::Call(Function::UnwrapOr, vec![option, default]), ty, span),
                    None if ty.is_error() => Hir::error(span),
                    None => {
                        self.cx.say(unsupported::no_default(&self.show(&ty), name.span));
                        Hir::error(span)
                    }
                }
            }
            ("unwrap_or_else", [default]) => {
                let Some(default) = self.callback(default, &[], Some(inner), method) else { return Hir::error(span) };
                let value = self.new_binding(inner.clone());
                let local = Hir::new(HirKind::Local(value), inner.clone(), span);
                let ty = inner.clone();
                let default = Hir::new(HirKind::Body(Box::new(default.body)), ty.clone(), span);
                value_or(option, value, inner, local, default, ty, span)
            }
            ("map", [function]) => {
                let result = match hint.map(|hint| self.table.resolve(hint)) {
                    Some(Ty::Option(result)) => Some(*result),
                    _ => None,
                };
                // A hint only: what the closure gives is decided by what stands in it.
                let result = result.filter(|result| self.table.kind(result).is_none());
                let fresh = self.table.fresh(Kind::Any);
                let result = result.unwrap_or(fresh);
                let Some(closure) = self.callback(function, std::slice::from_ref(inner), Some(&result), method) else {
                    return Hir::error(span);
                };
                let ty = closure.body.ty.clone().option();
                let none = Hir::new(HirKind::None, ty.clone(), span);
                let (pattern, body) = self.applied(closure, option.ty.clone(), span);
                let some = Hir::new(HirKind::Some(Box::new(body)), ty.clone(), span);
                two_arms(option, pattern, some, none, ty, span)
            }
            ("and_then", [function]) => {
                let result = self.table.fresh(Kind::Any).option();
                let Some(closure) = self.callback(function, std::slice::from_ref(inner), Some(&result), method) else {
                    return Hir::error(span);
                };
                let ty = result;
                let none = Hir::new(HirKind::None, ty.clone(), span);
                let (pattern, body) = self.applied(closure, option.ty.clone(), span);
                two_arms(option, pattern, body, none, ty, span)
            }
            ("is_some_and" | "is_none_or", [function]) => {
                let Some(closure) = self.callback(function, std::slice::from_ref(inner), Some(&Ty::BOOL), method)
                else {
                    return Hir::error(span);
                };
                let otherwise = Hir::new(HirKind::Bool(method == "is_none_or"), Ty::BOOL, span);
                let (pattern, body) = self.applied(closure, option.ty.clone(), span);
                two_arms(option, pattern, body, otherwise, Ty::BOOL, span)
            }
            ("map_or", [default, function]) => {
                let default = self.expr(default, hint);
                let ty = default.ty.clone();
                let Some(closure) = self.callback(function, std::slice::from_ref(inner), Some(&ty), method) else {
                    return Hir::error(span);
                };
                let (pattern, body) = self.applied(closure, option.ty.clone(), span);
                self.strictly(option, default, span, |option, default| {
                    two_arms(option, pattern, body, default, ty.clone(), span)
                })
            }
            ("map_or_else", [default, function]) => {
                let Some(default) = self.callback(default, &[], hint, method) else { return Hir::error(span) };
                let ty = default.body.ty.clone();
                let Some(closure) = self.callback(function, std::slice::from_ref(inner), Some(&ty), method) else {
                    return Hir::error(span);
                };
                let otherwise = Hir::new(HirKind::Body(Box::new(default.body)), ty.clone(), span);
                let (pattern, body) = self.applied(closure, option.ty.clone(), span);
                two_arms(option, pattern, body, otherwise, ty, span)
            }
            ("filter", [predicate]) => {
                let Some(closure) = self.callback(predicate, std::slice::from_ref(inner), Some(&Ty::BOOL), method)
                else {
                    return Hir::error(span);
                };
                // `match o { Some(v) if { let p = v; keep } => Some(v), _ => None }`
                let ty = option.ty.clone();
                let value = self.new_binding(inner.clone());
                let local = || Hir::new(HirKind::Local(value), inner.clone(), span);
                let keep = bind_params(closure, vec![local()], span);
                let bind = HirPat::new(PatKind::Bind(value, None), inner.clone(), span);
                let pattern = HirPat::new(PatKind::Some(Box::new(bind)), ty.clone(), span);
                let some = Hir::new(HirKind::Some(Box::new(local())), ty.clone(), span);
                let none = Hir::new(HirKind::None, ty.clone(), span);
                let mut result = two_arms(option, pattern, some, none, ty, span);
                if let HirKind::Match(_, arms) = &mut result.kind {
                    arms[0].guard = Some(keep);
                }
                result
            }
            ("or", [other]) => {
                let ty = option.ty.clone();
                let other = self.expect(other, &ty, Why::Argument { function: "or", index: 0 });
                let value = self.new_binding(inner.clone());
                self.strictly(option, other, span, |option, other| keep_or(option, value, inner, other, ty, span))
            }
            ("or_else", [other]) => {
                let ty = option.ty.clone();
                let Some(other) = self.callback(other, &[], Some(&ty), method) else { return Hir::error(span) };
                let other = Hir::new(HirKind::Body(Box::new(other.body)), ty.clone(), span);
                let value = self.new_binding(inner.clone());
                keep_or(option, value, inner, other, ty, span)
            }
            ("and", [other]) => {
                let other = self.expr(other, None);
                let ty = other.ty.clone();
                let none = Hir::new(HirKind::None, ty.clone(), span);
                let wild = HirPat::new(PatKind::Wild, inner.clone(), span);
                let some = HirPat::new(PatKind::Some(Box::new(wild)), option.ty.clone(), span);
                self.strictly(option, other, span, |option, other| two_arms(option, some, other, none, ty, span))
            }
            ("unwrap", []) => value_or_fail(self, option, inner, String::new(), span),
            ("expect", [message]) => {
                let text = if let ExprKind::Literal(ast::Literal::String(text)) = &message.kind {
                    text.clone()
                } else {
                    self.expect(message, &Ty::STRING, Why::Argument { function: "expect", index: 0 });
                    String::new()
                };
                value_or_fail(self, option, inner, text, span)
            }
            ("xor", [other]) => {
                // `match (a, b) { (Some(x), None) => Some(x), (None, b) => b, _ => None }`
                let ty = option.ty.clone();
                let other = self.expect(other, &ty, Why::Argument { function: "xor", index: 0 });
                let value = self.new_binding(inner.clone());
                self.strictly(option, other, span, |option, other| {
                    let none = Hir::new(HirKind::None, ty.clone(), span);
                    let wild = HirPat::new(PatKind::Wild, inner.clone(), span);
                    let some = HirPat::new(PatKind::Some(Box::new(wild)), ty.clone(), span);
                    let local = Hir::new(HirKind::Local(value), inner.clone(), span);
                    let kept = Hir::new(HirKind::Some(Box::new(local)), ty.clone(), span);
                    let first = two_arms(other.clone(), some, none, kept, ty.clone(), span);
                    value_or(option, value, inner, first, other, ty, span)
                })
            }
            ("zip", [other]) => {
                let other = self.expr(other, None);
                let fresh = self.table.fresh(Kind::Any);
                let other =
                    self.coerce(other, &fresh.clone().option(), Why::Argument { function: "zip", index: 0 }, None);
                let ty = Ty::Tuple(vec![inner.clone(), fresh.clone()]).option();
                let (a, b) = (self.new_binding(inner.clone()), self.new_binding(fresh.clone()));
                self.strictly(option, other, span, |option, other| {
                    let none = || Hir::new(HirKind::None, ty.clone(), span);
                    let local = |id, ty: &Ty| Hir::new(HirKind::Local(id), ty.clone(), span);
                    let pair = HirKind::Tuple(vec![local(a, inner), local(b, &fresh)]);
                    let pair = Hir::new(pair, Ty::Tuple(vec![inner.clone(), fresh.clone()]), span);
                    let both = Hir::new(HirKind::Some(Box::new(pair)), ty.clone(), span);
                    let second = value_or(other, b, &fresh, both, none(), ty.clone(), span);
                    value_or(option, a, inner, second, none(), ty.clone(), span)
                })
            }
            ("copied" | "cloned" | "as_ref" | "as_deref", []) => option,
            ("flatten", []) => {
                let held = self.table.fresh(Kind::Any);
                let ty = held.option();
                if !self.table.unify(inner, &ty) {
                    let (found, name) = (self.show(&option.ty), Name { text: "flatten".to_owned(), span: name.span });
                    self.cx.say(unsupported::method(&name.text, &found, name.span));
                    return Hir::error(span);
                }
                let value = self.new_binding(inner.clone());
                let local = Hir::new(HirKind::Local(value), inner.clone(), span);
                let none = Hir::new(HirKind::None, ty.clone(), span);
                value_or(option, value, inner, local, none, ty, span)
            }
            ("take", []) => self.option_change(receiver, option, None, span),
            ("replace", [value]) => {
                let value = self.expect(value, inner, Why::Argument { function: "replace", index: 0 });
                self.option_change(receiver, option, Some(value), span)
            }
            ("ok_or" | "ok_or_else", [error]) => self.ok_or(option, inner, method, error, span),
            ("unwrap" | "expect" | "iter" | "insert", _) => {
                let text = snippet::written(receiver);
                let default = self.default_text(inner);
                self.cx.say(unsupported::option_method(method, text.as_deref(), &default, name.span));
                Hir::error(span)
            }
            _ => {
                for arg in args {
                    if !matches!(arg.kind, ExprKind::Closure(_)) {
                        self.expr(arg, None);
                    }
                }
                let ty = self.show(&option.ty);
                let default = self.default_text(inner);
                let place = snippet::place(receiver);
                let inside = (!self.table.deep(inner).is_error()).then_some(!args.is_empty());
                let diagnostic =
                    names::unknown_option_method(&ty, (&name.text, name.span), &NAMES, &place, &default, inside, span);
                self.cx.say(diagnostic);
                Hir::error(span)
            }
        }
    }

    /// `o.take()`, `o.replace(x)`: what it held, while it gets another value.
    fn option_change(&mut self, receiver: &ast::Expr, option: Hir, value: Option<Hir>, span: Span) -> Hir {
        let Some((place, ty, _)) = self.place(receiver) else { return Hir::error(span) };
        let mut lets = Vec::new();
        let held = self.named(option, &ty, &mut lets);
        let next = match value {
            Some(value) => HirKind::Some(Box::new(value)),
            None => HirKind::None,
        };
        let next = Hir::new(next, ty.clone(), span);
        let assign = Hir::new(HirKind::Assign(place, Box::new(next)), Ty::unit(), span);
        lets.push(HirStatement::Expr(assign));
        Hir::new(HirKind::Block(lets, Some(Box::new(held))), ty, span)
    }

    /// A closure, or the name of a function, that takes these types.
    pub(super) fn callback(
        &mut self,
        arg: &ast::Expr,
        params: &[Ty],
        result: Option<&Ty>,
        method: &str,
    ) -> Option<HirClosure> {
        if let ExprKind::Closure(closure) = &arg.kind {
            return self.closure(closure, params, result, &format!("`{method}`"));
        }
        let names: &[String] = if let ExprKind::Name(name) = &arg.kind {
            std::slice::from_ref(name)
        } else if let ExprKind::Path(path) = &arg.kind {
            path
        } else {
            if !matches!(arg.kind, ExprKind::Error) {
                self.cx.say(unsupported::not_a_closure(method, arg.span));
            }
            return None;
        };
        let path: Vec<Name> = names.iter().map(|text| Name { text: text.clone(), span: arg.span }).collect();
        // `.map(f)` is `.map(|x| f(x))`.
        let names: Vec<String> = (0..params.len()).map(|i| format!("$arg{i}")).collect();
        let at = |kind| ast::Expr { kind, span: arg.span };
        let args = names.iter().map(|name| at(ExprKind::Name(name.clone()))).collect();
        let closure = ast::Closure {
            params: names
                .iter()
                .map(|name| {
                    (ast::Pattern { kind: ast::PatternKind::Bind(name.clone(), false, None), span: arg.span }, None)
                })
                .collect(),
            body: Box::new(at(ExprKind::Call(path, args))),
            returns: None,
            moves: false,
            span: arg.span,
        };
        self.closure(&closure, params, result, &format!("`{method}`"))
    }

    /// `Some(pattern)` and the closure's body under it.
    fn applied(&mut self, mut closure: HirClosure, option: Ty, span: Span) -> (HirPat, Hir) {
        let body_ty = closure.body.ty.clone();
        let param = match closure.params.pop() {
            Some(param) => param,
            None => HirPat::new(PatKind::Wild, Ty::Error, span),
        };
        let pattern = HirPat::new(PatKind::Some(Box::new(param)), option, span);
        let at = closure.body.span;
        (pattern, Hir::new(HirKind::Body(Box::new(closure.body)), body_ty, at))
    }

    /// `{ let o = option; let v = argument; make(o, v) }`: an argument is evaluated whether it is needed or not.
    fn strictly(&mut self, option: Hir, argument: Hir, span: Span, make: impl FnOnce(Hir, Hir) -> Hir) -> Hir {
        let mut lets = Vec::new();
        let mut bind = |value: Hir| {
            let ty = value.ty.clone();
            let id = self.new_binding(ty.clone());
            let at = value.span;
            lets.push(HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty.clone(), at), value));
            Hir::new(HirKind::Local(id), ty, at)
        };
        let (option, argument) = (bind(option), bind(argument));
        let tail = make(option, argument);
        let ty = tail.ty.clone();
        Hir::new(HirKind::Block(lets, Some(Box::new(tail))), ty, span)
    }
}

/// `match option { Some(value) => value, None => panic!() }`
fn value_or_fail(body: &mut Body<'_, '_>, option: Hir, inner: &Ty, message: String, span: Span) -> Hir {
    let value = body.new_binding(inner.clone());
    let local = Hir::new(HirKind::Local(value), inner.clone(), span);
    let fail = HirKind::Fail(Failure { kind: FailureKind::UnwrapNone, message });
    let fail = Hir::new(fail, Ty::Never, span);
    value_or(option, value, inner, local, fail, inner.clone(), span)
}

/// `match option { Some(value) => Some(value), None => other }`
fn keep_or(option: Hir, value: BindingId, inner: &Ty, other: Hir, ty: Ty, span: Span) -> Hir {
    let local = Hir::new(HirKind::Local(value), inner.clone(), span);
    let some = Hir::new(HirKind::Some(Box::new(local)), ty.clone(), span);
    value_or(option, value, inner, some, other, ty, span)
}

/// `match option { Some(value) => some, None => otherwise }`
fn value_or(option: Hir, value: BindingId, inner: &Ty, some: Hir, otherwise: Hir, ty: Ty, span: Span) -> Hir {
    let bind = HirPat::new(PatKind::Bind(value, None), inner.clone(), span);
    let pattern = HirPat::new(PatKind::Some(Box::new(bind)), option.ty.clone(), span);
    two_arms(option, pattern, some, otherwise, ty, span)
}

/// `{ let params = values; body }`
pub(super) fn bind_params(closure: HirClosure, values: Vec<Hir>, span: Span) -> Hir {
    let ty = closure.body.ty.clone();
    let lets = closure.params.into_iter().zip(values).map(|(pattern, value)| HirStatement::Let(pattern, value));
    let body = Hir::new(HirKind::Body(Box::new(closure.body)), ty.clone(), span);
    Hir::new(HirKind::Block(lets.collect(), Some(Box::new(body))), ty, span)
}

/// `match value { pattern => then, _ => otherwise }`
fn two_arms(value: Hir, pattern: HirPat, then: Hir, otherwise: Hir, ty: Ty, span: Span) -> Hir {
    let wild = HirPat::new(PatKind::Wild, value.ty.clone(), span);
    let arms =
        vec![HirArm { pattern, guard: None, body: then }, HirArm { pattern: wild, guard: None, body: otherwise }];
    Hir::new(HirKind::Match(Box::new(value), arms), ty, span)
}
