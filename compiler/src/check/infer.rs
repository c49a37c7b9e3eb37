//! Code as written to typed code: one [`Body`] per closure, UDF or constant.
//!
//! Expected types flow down as hints, found types flow up, [`Table`] makes them meet. What depends on a type that is not
//! known yet (`-x`, `as`, `into`) is asked again at the end of the body, when numbers that nothing constrained have
//! become `i32` and `f64`. Calls and methods stand in `call.rs`, `methods.rs`, `option.rs` and `aggregate.rs`, patterns
//! in `pattern.rs`.

use super::arithmetic::is_signed_literal;
use super::assign::{Declared, LocalClosure};
use super::hir::{BindingId, FunctionId, Hir, HirClosure, HirKind, HirNode, HirStatement, PatKind, first_variable};
use super::loops::Around;
use super::owned::is_string;
use super::types::{Ty, integer_range, is_lossless};
use super::unify::{Kind, Table};
use super::{Cx, limits, snippet};
use crate::diagnostics::types::{self as say, Fix, Why};
use crate::diagnostics::written::Written;
use crate::diagnostics::{names, unsupported};
use sabot_ir::ast::{self, BinaryOp, ExprKind};
use sabot_ir::expr::ParamId;
use sabot_ir::span::Span;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Nesting beyond which code is refused, so that no stage needs a deep stack.
const MAX_DEPTH: u32 = 200;

/// What a closure over a group knows of it.
#[derive(Clone, Debug)]
pub(super) struct GroupTy {
    /// Type of the key; `None` if there is none.
    pub(super) key: Option<Ty>,
    /// Type of a row.
    pub(super) row: Ty,
    /// Whether it is a window.
    pub(super) window: GroupWindow,
}

/// What kind of window a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupWindow {
    /// None.
    No,
    /// One with a start and an end.
    OfTime,
    /// So many rows.
    OfRows,
}

/// What can be decided only at the end of the body.
pub(super) enum Deferred {
    Neg(Ty, Span),
    Cast(Ty, Ty, Span, Written),
    Arithmetic(BinaryOp, Ty, Span),
    Parse(Ty, Span),
    Bounds(FunctionId, Vec<Ty>, Span),
}

/// The inference of one body.
pub(super) struct Body<'a, 'd> {
    pub(super) cx: &'a mut Cx<'d>,
    pub(super) table: Table,
    scope: Vec<(String, BindingId)>,
    bindings: Vec<Ty>,
    /// How each variable was declared.
    declared: Vec<Declared>,
    /// Constants inside of the function, with their values where those are literals.
    pub(super) local_consts: BTreeMap<BindingId, Option<Hir>>,
    /// Variables that are closures.
    pub(super) closures: BTreeMap<BindingId, Rc<LocalClosure>>,
    /// Variables that are regular expressions: what `regex!` was given.
    pub(super) regexes: BTreeMap<BindingId, Vec<ast::Expr>>,
    /// Variables that hold iterators.
    pub(super) iterators: BTreeMap<BindingId, (super::chain::Iter, Ty)>,
    /// Variables that are other names of places.
    pub(super) places: BTreeMap<BindingId, ast::Expr>,
    /// Loops and labelled blocks, the innermost last.
    pub(super) around: Vec<Around>,
    pub(super) next_loop: u32,
    /// What `return` gives, of the innermost closure last.
    pub(super) returns: Vec<(Ty, String)>,
    pub(super) deferred: Vec<Deferred>,
    /// What the items of the chain that is looked at should be.
    pub(super) wanted_item: Option<Ty>,
    /// What is done with items does not depend on their order.
    pub(super) order_free: bool,
    /// Functions that are being put in where they are called.
    pub(super) templates: Vec<FunctionId>,
    pub(super) group: Option<GroupTy>,
    /// Inside the closure of an aggregate function.
    pub(super) in_aggregate: bool,
    /// Closures of a pipeline see the job's parameters; functions do not.
    pub(super) sees_params: bool,
    /// `exp` and its like are those of `sabot::math`.
    pub(super) fast_math: bool,
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
            declared: Vec::new(),
            local_consts: BTreeMap::new(),
            closures: BTreeMap::new(),
            regexes: BTreeMap::new(),
            iterators: BTreeMap::new(),
            places: BTreeMap::new(),
            around: Vec::new(),
            next_loop: 0,
            returns: Vec::new(),
            deferred: Vec::new(),
            wanted_item: None,
            order_free: false,
            templates: Vec::new(),
            group: None,
            in_aggregate: false,
            sees_params,
            fast_math: false,
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
            None => {
                if let Ty::Option(inner) = &ty {
                    return format!("Option<{}>", self.show(inner));
                }
                if let Ty::Tuple(parts) = &ty
                    && parts.len() > 1
                {
                    let parts: Vec<String> = parts.iter().map(|part| self.show(part)).collect();
                    return format!("({})", parts.join(", "));
                }
                self.cx.show(&ty)
            }
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
        self.new_binding_as(ty, Declared { span: Span::NONE, mutable: false })
    }

    /// A new variable without a name.
    pub(super) fn new_binding_as(&mut self, ty: Ty, declared: Declared) -> BindingId {
        let id = BindingId(u32::try_from(self.bindings.len()).expect("fewer than 2^32 variables"));
        self.bindings.push(ty);
        self.declared.push(declared);
        id
    }

    /// A new variable that is visible from here on.
    pub(super) fn bind_as(&mut self, name: &str, ty: Ty, declared: Declared) -> BindingId {
        let id = self.new_binding_as(ty, declared);
        self.scope.push((name.to_owned(), id));
        id
    }

    /// A new variable of the name and kind of another.
    pub(super) fn bind_again(&mut self, name: &str, old: BindingId, ty: Ty) -> BindingId {
        let declared = self.declared(old);
        self.bind_as(name, ty, declared)
    }

    /// Another name of a variable, visible from here on.
    pub(super) fn bind_alias(&mut self, name: &str, id: BindingId) {
        self.scope.push((name.to_owned(), id));
    }

    /// How a variable was declared.
    pub(super) fn declared(&self, id: BindingId) -> Declared {
        self.declared[id.0 as usize]
    }

    /// The type of a variable.
    pub(super) fn type_of(&self, id: BindingId) -> Ty {
        self.bindings[id.0 as usize].clone()
    }

    /// All names that are visible.
    pub(super) fn visible(&self) -> Vec<(String, BindingId)> {
        self.scope.clone()
    }

    /// Other names; gives those that were visible.
    pub(super) fn replace_scope(&mut self, scope: Vec<(String, BindingId)>) -> Vec<(String, BindingId)> {
        std::mem::replace(&mut self.scope, scope)
    }

    /// The variables since a mark that nothing hides, each with its type.
    pub(super) fn visible_since(&self, mark: usize) -> Vec<(String, BindingId, Ty)> {
        let mut found: Vec<(String, BindingId, Ty)> = Vec::new();
        for (name, id) in self.scope[mark..].iter().rev() {
            if !found.iter().any(|(known, ..)| known == name) {
                found.push((name.clone(), *id, self.type_of(*id)));
            }
        }
        found.reverse();
        found
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

    pub(super) fn name(&mut self, name: &str, span: Span) -> Hir {
        if let Some(read) = self.read_place(name, span) {
            return read;
        }
        if let Some((id, ty)) = self.bound_since(0, name) {
            if let Some(local) = self.closures.get(&id) {
                let closure = local.span();
                self.cx.say(unsupported::closure_as_value(name, span, closure));
                return Hir::error(span);
            }
            if self.regexes.contains_key(&id) {
                self.cx.say(crate::diagnostics::text::regex_alone(span));
                return Hir::error(span);
            }
            if self.iterators.contains_key(&id) {
                self.cx.say(crate::diagnostics::text::items_alone(name, span));
                return Hir::error(span);
            }
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
                | Ty::Result(..)
                | Ty::Failure
                | Ty::Group
                | Ty::List(_)
                | Ty::Generic(_)
                | Ty::Ordering
                | Ty::Of(..)
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
        let never = matches!(self.table.resolve(&hir.ty), Ty::Never);
        if self.table.unify(ty, &hir.ty) {
            if never && !matches!(self.table.resolve(ty), Ty::Never | Ty::Error) {
                let span = hir.span;
                return Hir::new(HirKind::Never(Box::new(hir)), ty.clone(), span);
            }
            return hir;
        }
        let fix = self.without_semicolon(&hir, ty, written).or_else(|| self.fix(ty, &hir.ty, written));
        let place = written.map_or(hir.span, value_span);
        let diagnostic = say::mismatch(place, &self.show(ty), &self.show(&hir.ty), why, fix);
        self.cx.say(diagnostic);
        Hir::error(hir.span)
    }

    /// What to type where `found` stands and `expected` is needed.
    pub(super) fn fix(&self, expected: &Ty, found: &Ty, written: Option<&ast::Expr>) -> Option<Fix> {
        let x = snippet::place(value_of(written?));
        let (to, from) = (self.table.deep(expected), self.table.deep(found));
        let kind = self.table.kind(&from);
        if let (Some(Kind::Integer), true) = (kind, to.is_float() || self.table.kind(&to) == Some(Kind::Float)) {
            return x.text.is_some().then_some(Fix::FloatLiteral(x));
        }
        let is_literal = written.is_some_and(|expr| is_signed_literal(value_of(expr)));
        if to == Ty::DECIMAL && (from.is_integer() || kind == Some(Kind::Integer)) {
            return Some(Fix::Decimal(x));
        }
        if to == Ty::DECIMAL && is_literal && kind == Some(Kind::Float) {
            return x.text.is_some().then_some(Fix::DecimalLiteral(x));
        }
        if is_literal && kind == Some(Kind::Float) && (to.is_integer() || self.table.kind(&to) == Some(Kind::Integer)) {
            return x.text.is_some().then_some(Fix::IntegerLiteral(x));
        }
        if let Ty::Option(inner) = &from
            && !matches!(to, Ty::Option(_))
        {
            if to == Ty::BOOL && self.table.deep(inner) != Ty::BOOL {
                return Some(Fix::IsSome(x));
            }
            return Some(Fix::UnwrapOr(x, self.default_of(inner)));
        }
        if let Ty::Option(inner) = &to
            && !matches!(from, Ty::Option(_))
            && self.table.clone().unify(inner, &from)
        {
            return Some(Fix::Some(x));
        }
        let target = match self.table.kind(&to) {
            Some(Kind::Float) => Some("f64".to_owned()),
            Some(Kind::Integer) => Some("i64".to_owned()),
            Some(Kind::Any) => None,
            None => to.is_number().then(|| self.show(&to)),
        };
        if let Some(target) = target
            && (from.is_number() || kind == Some(Kind::Float))
        {
            return Some(Fix::Cast(x, target));
        }
        if to == Ty::BOOL && (from.is_number() || kind.is_some_and(|kind| kind != Kind::Any)) {
            let end = Span { start: x.span.end, end: x.span.end };
            return Some(Fix::CompareWithZero(x, self.default_text(&from), end));
        }
        let number = |ty: &Ty| ty.is_number() || self.table.kind(ty).is_some_and(|kind| kind != Kind::Any);
        if to == Ty::STRING && (number(&from) || from == Ty::CHAR || from == Ty::BOOL) {
            return Some(Fix::ToText(x));
        }
        if number(&to) && from == Ty::STRING {
            return Some(Fix::Parse(x, self.default_text(&to)));
        }
        None
    }

    /// What to type where a block gives nothing since a `;` stands behind its last expression.
    fn without_semicolon(&self, block: &Hir, expected: &Ty, written: Option<&ast::Expr>) -> Option<Fix> {
        let HirKind::Block(statements, None) = &block.kind else { return None };
        let Some(HirStatement::Expr(last)) = statements.last() else { return None };
        let ExprKind::Block(written, None) = &written?.kind else { return None };
        let Some(ast::Statement::Expr(written)) = written.last() else { return None };
        let is_meant = !matches!(last.ty, Ty::Never | Ty::Error) && self.table.clone().unify(expected, &last.ty);
        let end = written.span.end;
        is_meant.then_some(Fix::NoSemicolon(Span { start: end, end: end + 1 }))
    }

    /// A value of the type that an author may take for a default, if there is one.
    pub(super) fn default_of(&self, ty: &Ty) -> Option<String> {
        Some(self.default_text(ty)).filter(|text| text != "default")
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
        if let Some(written) = &closure.returns {
            let says = self.cx.resolve_type(written);
            if !self.table.unify(&says, &result) {
                let diagnostic =
                    say::mismatch(written.span, &self.show(&result), &self.show(&says), Why::Returns(whose), None);
                self.cx.say(diagnostic);
            }
        }
        self.returns.push((result.clone(), whose.to_owned()));
        // No jump leaves a closure.
        let around = std::mem::take(&mut self.around);
        let body = self.expr(&closure.body, Some(&result));
        let mut body = self.coerce(body, &result, Why::Returns(whose), Some(&closure.body));
        self.around = around;
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
            .map(|((pattern, written), ty)| {
                let mut pattern = pattern.clone();
                if let (ast::PatternKind::Bind(_, mutable, None), ast::TypeNameKind::MutReference(_)) =
                    (&mut pattern.kind, &written.kind)
                {
                    *mutable = true;
                }
                let pattern = self.pattern(&pattern, ty);
                self.must_match_all(&pattern, "parameter");
                pattern
            })
            .collect();
        self.returns.push((returns.clone(), format!("`{}`", function.name.text)));
        let whose = format!("`{}`", function.name.text);
        let why = Why::ReturnType { function: &whose, declared: function.returns.span };
        let mut body = self.expect(&function.body, returns, why);
        if is_string(&function.returns) {
            self.must_own(&function.body, &body, why);
        }
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
                Deferred::Parse(ty, span) => self.check_parse(&ty, span),
                Deferred::Neg(ty, span) => {
                    let ty = self.table.finish(&ty);
                    if !(ty.is_float() || ty.is_signed() || ty == Ty::DURATION || matches!(ty, Ty::Error | Ty::Var(_)))
                    {
                        let fix = ty.is_integer().then_some(Fix::SignedType(None));
                        self.cx.say(say::bad_unary("-", &self.cx.show(&ty), span, fix));
                    }
                }
                Deferred::Cast(from, to, span, text) => {
                    let (from, to) = (self.table.finish(&from), self.table.finish(&to));
                    self.check_cast(&from, &to, span, text);
                }
                Deferred::Bounds(id, chosen, span) => {
                    let chosen: Vec<Ty> = chosen.iter().map(|ty| self.table.finish(ty)).collect();
                    self.check_bounds(id, &chosen, span);
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
                    if let HirKind::Udf(_, chosen, _) = &mut expr.kind {
                        for ty in chosen {
                            *ty = self.table.finish(ty);
                            if let Some(var) = first_variable(ty).filter(|var| !unknown.contains(var)) {
                                unknown.push(var);
                                self.cx.say(say::annotations_needed(expr.span));
                            }
                        }
                    }
                    if let Some(var) = unresolved {
                        if !unknown.contains(&var) {
                            unknown.push(var);
                            self.cx.say(say::annotations_needed(expr.span));
                        }
                        return;
                    }
                    if let Some(warning) = limits::useless_comparison(self.cx, expr) {
                        self.cx.say(warning);
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
                        HirKind::Into(from) if matches!(expr.ty, Ty::Result(..)) => {
                            if !super::parsed::is_tried(&from.ty, &expr.ty) {
                                let (from, to) = (self.cx.show(&from.ty), self.cx.show(&expr.ty));
                                self.cx.say(crate::diagnostics::text::no_try_into(&from, &to, expr.span));
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
                            } else if self.generic_converts(&from.ty, &expr.ty) {
                                // Decided when it is known what stands for the type parameter.
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
                        | HirKind::Default
                        | HirKind::Body(_)
                        | HirKind::Group(_)
                        | HirKind::Aggregate(_)
                        | HirKind::Assign(..)
                        | HirKind::Loop(..)
                        | HirKind::Labeled(..)
                        | HirKind::Break(..)
                        | HirKind::Continue(_)
                        | HirKind::Fail(_)
                        | HirKind::Never(_)
                        | HirKind::Later => {}
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
        super::assigned::check(self.cx, &closure.body);
    }
}

/// What gives the value: the tail of a block, else the expression.
pub(super) fn value_of(expr: &ast::Expr) -> &ast::Expr {
    if let ExprKind::Block(_, Some(tail)) = &expr.kind { value_of(tail) } else { expr }
}

/// The place that gives the value.
pub(super) fn value_span(expr: &ast::Expr) -> Span {
    value_of(expr).span
}
