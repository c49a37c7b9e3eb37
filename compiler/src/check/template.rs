//! Functions that take functions: each is put in where it is called, with what it is handed.
//!
//! `fn twice(f: impl Fn(f64) -> f64, x: f64)` has no code of its own, as a generic function of rustc has none: a call is the
//! body, in which `f` names the caller's closure, which still sees what the caller sees.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are functions")]

use super::hir::{BindingId, FunctionId, Hir, HirKind, HirStatement};
use super::infer::Body;
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::unsupported;
use sabot_ir::ast::{self, Expr, ExprKind, Name, Pattern, PatternKind, TypeName, TypeNameKind};
use sabot_ir::span::Span;

/// What a function type takes and gives, also behind a reference.
pub(super) fn function_type(ty: &TypeName) -> Option<(&[TypeName], &TypeName)> {
    match &ty.kind {
        TypeNameKind::Path(name, args) if name == "Fn" => match args.as_slice() {
            [TypeName { kind: TypeNameKind::Tuple(inputs), .. }, output] => Some((inputs, output)),
            _ => None,
        },
        TypeNameKind::Reference(inner) | TypeNameKind::MutReference(inner) => function_type(inner),
        _ => None,
    }
}

/// What stands behind references.
fn unreferenced(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Reference(inner) | ExprKind::MutReference(inner) => unreferenced(inner),
        _ => expr,
    }
}

impl Body<'_, '_> {
    /// Whether `let pattern: ty = value` gives a function another name.
    pub(super) fn is_function_value(&self, pattern: &Pattern, ty: Option<&TypeName>, value: &Expr) -> bool {
        if !matches!(pattern.kind, PatternKind::Bind(_, _, None)) {
            return false;
        }
        match &unreferenced(value).kind {
            ExprKind::Closure(_) => ty.is_some_and(|ty| function_type(ty).is_some()) || ty.is_none(),
            ExprKind::Name(name) => match self.bound_since(0, name) {
                Some((id, _)) => self.closures.contains_key(&id),
                None => self.cx.function_names.contains_key(name),
            },
            ExprKind::Path(path) => self.cx.function_names.contains_key(&path.join("::")),
            _ => false,
        }
    }

    /// `let f: fn(f64) -> f64 = square;`
    pub(super) fn let_function(&mut self, pattern: &Pattern, ty: Option<&TypeName>, value: &Expr) -> Vec<HirStatement> {
        let Some(name) = pattern.as_name() else { return Vec::new() };
        let types = ty.and_then(function_type).map(|(inputs, output)| self.function_types(inputs, output));
        let mut lets = Vec::new();
        if let Some(id) = self.function_value(value, types, &mut lets) {
            self.bind_alias(&name.text, id);
        } else {
            self.bind(&name.text, Ty::Error);
        }
        lets
    }

    fn function_types(&mut self, inputs: &[TypeName], output: &TypeName) -> (Vec<Ty>, Ty) {
        let inputs = inputs.iter().map(|ty| self.type_with_holes(ty)).collect();
        (inputs, self.type_with_holes(output))
    }

    /// What is handed over as a function: the variable that stands for it. Nothing after a mistake.
    fn function_value(
        &mut self,
        value: &Expr,
        types: Option<(Vec<Ty>, Ty)>,
        lets: &mut Vec<HirStatement>,
    ) -> Option<BindingId> {
        let value = unreferenced(value);
        let closure = match &value.kind {
            ExprKind::Closure(closure) => closure.clone(),
            ExprKind::Method(inner, name, _, args) if name.text == "clone" && args.is_empty() => {
                return self.function_value(inner, types, lets);
            }
            ExprKind::Name(name) if self.bound_since(0, name).is_some() => {
                let (id, _) = self.bound_since(0, name)?;
                if !self.closures.contains_key(&id) {
                    self.cx.say(unsupported::not_a_closure("the function", value.span));
                    return None;
                }
                self.same_types(id, types.as_ref(), value.span)?;
                return Some(id);
            }
            ExprKind::Name(_) | ExprKind::Path(_) => {
                let names = match &value.kind {
                    ExprKind::Path(path) => path.clone(),
                    ExprKind::Name(name) => vec![name.clone()],
                    _ => Vec::new(),
                };
                let known = self.cx.function_names.get(&names.join("::"));
                let known = known.map(|id| self.cx.functions[id.0 as usize].params.len());
                let count = types.as_ref().map(|(inputs, _)| inputs.len()).or(known)?;
                let at = |kind| Expr { kind, span: value.span };
                let params: Vec<String> = (0..count).map(|i| format!("$arg{i}")).collect();
                let path = names.iter().map(|text| Name { text: text.clone(), span: value.span }).collect();
                let args = params.iter().map(|name| at(ExprKind::Name(name.clone()))).collect();
                let bound = |name: String| Pattern { kind: PatternKind::Bind(name, false, None), span: value.span };
                ast::Closure {
                    params: params.into_iter().map(|name| (bound(name), None)).collect(),
                    body: Box::new(at(ExprKind::Call(path, args))),
                    returns: None,
                    moves: false,
                    span: value.span,
                }
            }
            ExprKind::Error => return None,
            _ => {
                self.cx.say(unsupported::not_a_closure("the function", value.span));
                return None;
            }
        };
        let hidden = format!("$function{}", self.enter());
        let pattern = Pattern { kind: PatternKind::Bind(hidden.clone(), false, None), span: value.span };
        lets.extend(self.let_closure(&pattern, &closure));
        let (id, _) = self.bound_since(0, &hidden)?;
        self.same_types(id, types.as_ref(), value.span)?;
        Some(id)
    }

    /// A closure is of the function type that is written for it.
    fn same_types(&mut self, id: BindingId, types: Option<&(Vec<Ty>, Ty)>, at: Span) -> Option<()> {
        let (Some((inputs, output)), Some(closure)) = (types, self.closures.get(&id).cloned()) else { return Some(()) };
        let (params, result) = closure.types();
        if params.len() != inputs.len() {
            self.cx.say(say::closure_arity("the function", inputs.len(), params.len(), at));
            return None;
        }
        for (param, input) in params.iter().zip(inputs).chain([(result, output)]) {
            if !self.table.unify(param, input) {
                let (expected, found) = (self.show(input), self.show(param));
                self.cx.say(say::parameter_type(&found, &expected, at));
                return None;
            }
        }
        Some(())
    }

    /// The body of a function that takes functions, where it is called.
    pub(super) fn put_in(
        &mut self,
        id: FunctionId,
        function: &ast::Function,
        receiver: Option<(Hir, Option<&Expr>)>,
        args: &[Expr],
        name_span: Span,
        span: Span,
    ) -> Hir {
        let declared = self.cx.functions[id.0 as usize].span;
        let taken = usize::from(receiver.is_some());
        let name = function.full_name();
        if self.templates.contains(&id) {
            self.cx.say(unsupported::recursion(&name, &[], name_span, declared));
            return Hir::error(span);
        }
        if function.params.len() != args.len() + taken {
            let names: Vec<String> =
                self.cx.functions[id.0 as usize].params.iter().skip(taken).map(|(name, _)| name.clone()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.cx.say(say::wrong_arity(&name, &names, args.len(), name_span, Some(declared)));
            return Hir::error(span);
        }
        // Types as the function has them: its type parameters are what the call makes of them.
        let types: Vec<(String, Ty)> =
            function.generics.iter().map(|generic| (generic.name.text.clone(), self.table.fresh(Kind::Any))).collect();
        let mark = self.enter();
        let mut lets = Vec::new();
        let mut inside: Vec<(Pattern, Given)> = Vec::new();
        let mut written: Vec<Option<&Expr>> = Vec::new();
        let mut receiver_value = None;
        if let Some((value, expr)) = receiver {
            written.push(expr);
            receiver_value = Some(value);
        }
        written.extend(args.iter().map(Some));
        for ((pattern, ty), arg) in function.params.iter().zip(&written) {
            let Some(arg) = arg else {
                let Some(value) = receiver_value.take() else { return Hir::error(span) };
                let ty = value.ty.clone();
                let value = self.kept(value, &mut lets);
                inside.push((pattern.clone(), Given::Value(value, ty)));
                continue;
            };
            if let Some((inputs, output)) = function_type(ty) {
                let types = self.with_types(&types, |this| this.function_types(inputs, output));
                let Some(id) = self.function_value(arg, Some(types), &mut lets) else { return Hir::error(span) };
                inside.push((pattern.clone(), Given::Function(id)));
                continue;
            }
            let wanted = self.with_types(&types, |this| this.cx.resolve_type(ty));
            if matches!(ty.kind, TypeNameKind::MutReference(_)) {
                let Some(place) = self.held_place(arg, &mut lets) else { return Hir::error(span) };
                inside.push((pattern.clone(), Given::Place(place)));
                continue;
            }
            let param = pattern.as_name().map_or_else(|| "_".to_owned(), |name| name.text);
            let why = Why::Parameter { function: &name, param: &param };
            let value = self.expect(arg, &wanted, why);
            if super::owned::is_string(ty) {
                self.must_own(arg, &value, why);
            }
            let value = self.kept(value, &mut lets);
            inside.push((pattern.clone(), Given::Value(value, wanted)));
        }
        // From here on only the function's own names are seen.
        let hidden: Vec<(String, BindingId)> =
            self.visible().into_iter().filter(|(name, _)| name.starts_with('$')).collect();
        let outer = self.replace_scope(hidden);
        let outside = std::mem::replace(&mut self.sees_params, false);
        let fast = std::mem::replace(&mut self.fast_math, function.fast_math);
        let around = std::mem::take(&mut self.around);
        self.templates.push(id);
        let mut binds = Vec::new();
        for (pattern, given) in inside {
            match given {
                Given::Function(id) => {
                    if let Some(name) = pattern.as_name() {
                        self.bind_alias(&name.text, id);
                    }
                }
                Given::Place(place) => {
                    let lend = Expr { kind: ExprKind::MutReference(Box::new(place)), span: pattern.span };
                    binds.extend(self.let_place(&pattern, &lend));
                }
                Given::Value(value, ty) => {
                    let pattern = self.pattern(&pattern, &ty);
                    binds.push(HirStatement::Let(pattern, value));
                }
            }
        }
        let returns = self.with_types(&types, |this| this.cx.resolve_type(&function.returns));
        let whose = format!("`{}`", function.name.text);
        self.returns.push((returns.clone(), whose.clone()));
        let why = Why::ReturnType { function: &whose, declared: function.returns.span };
        let body = self.with_types(&types, |this| this.expect(&function.body, &returns, why));
        self.returns.pop();
        self.templates.pop();
        self.around = around;
        self.fast_math = fast;
        self.sees_params = outside;
        self.replace_scope(outer);
        self.leave(mark);
        let body = if matches!(body.ty, Ty::Never) { Hir { ty: returns.clone(), ..body } } else { body };
        let body = Hir::new(HirKind::Block(binds, Some(Box::new(body))), returns.clone(), span);
        let body = Hir::new(HirKind::Body(Box::new(body)), returns.clone(), span);
        Hir::new(HirKind::Block(lets, Some(Box::new(body))), returns, span)
    }

    /// Reads types with type parameters that stand for others.
    fn with_types<T>(&mut self, types: &[(String, Ty)], read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.cx.generic_types, types.to_vec());
        let scope = std::mem::take(&mut self.cx.generic_scope);
        let result = read(self);
        self.cx.generic_types = outer;
        self.cx.generic_scope = scope;
        result
    }
}

/// What a parameter is.
enum Given {
    Function(BindingId),
    Place(Expr),
    Value(Hir, Ty),
}
