//! Type parameters of functions: what their bounds allow, and what a call puts in their place.
//!
//! The body of a generic function is checked once, with its type parameters as types of their own that can do what their
//! bounds say, as rustc does. A call finds what stands for each of them; lowering puts that into the body.

use super::Cx;
use super::hir::{FunctionId, Hir, HirClosure, HirKind, HirNode, HirPat, HirStatement, PatKind};
use super::infer::{Body, Deferred};
use super::types::{GenericId, Ty, is_lossless};
use super::unify::Kind;
use crate::diagnostics::generics as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, Name, TypeNameKind};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// A type parameter.
#[derive(Clone, Debug)]
pub(super) struct GenericTy {
    /// Its name.
    pub(super) name: String,
    /// What must hold of it.
    pub(super) bounds: Vec<Bound>,
}

/// What must hold of a type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    /// `Copy`, `Clone`, `Debug` and what else every type of a job is.
    Always,
    /// `==`.
    PartialEq,
    /// `==` and nothing that is not equal to itself.
    Eq,
    /// `<`.
    PartialOrd,
    /// `<`, `min` and `max`, of a type where one of two is greater unless they are equal.
    Ord,
    /// `T::default()`.
    Default,
    /// `a op b` of two of the type gives one.
    Arithmetic(BinaryOp),
    /// `-x`.
    Neg,
    /// `x.into()` gives this type.
    Into(Ty),
    /// This type converts to it: `T::from(x)`.
    From(Ty),
}

impl Cx<'_> {
    /// The type parameters of a function, visible until [`Self::leave_generics`], with their bounds.
    pub(super) fn enter_generics(&mut self, function: &ast::Function) -> Vec<GenericId> {
        let mut ids = Vec::with_capacity(function.generics.len());
        for generic in &function.generics {
            let id = GenericId(u32::try_from(self.generics.len()).expect("fewer than 2^32 type parameters"));
            self.generics.push(GenericTy { name: generic.name.text.clone(), bounds: Vec::new() });
            self.generic_scope.push((generic.name.text.clone(), id));
            ids.push(id);
        }
        for (generic, id) in function.generics.iter().zip(&ids) {
            for bound in &generic.bounds {
                let bound = self.bound(bound, &Ty::Generic(*id));
                self.generics[id.0 as usize].bounds.extend(bound);
            }
        }
        ids
    }

    /// Makes the type parameters of a function visible again.
    pub(super) fn reenter_generics(&mut self, ids: &[GenericId]) {
        for id in ids {
            let name = self.generics[id.0 as usize].name.clone();
            self.generic_scope.push((name, *id));
        }
    }

    /// Forgets the names of type parameters.
    pub(super) fn leave_generics(&mut self) {
        self.generic_scope.clear();
    }

    fn bound(&mut self, bound: &ast::TypeName, subject: &Ty) -> Option<Bound> {
        let at = bound.span;
        let TypeNameKind::Path(name, written) = &bound.kind else { return None };
        let mut args = Vec::new();
        let mut output = None;
        for arg in written {
            match &arg.kind {
                TypeNameKind::Path(name, of) if name == "Output =" => {
                    output = of.first().map(|of| self.resolve_type(of));
                }
                TypeNameKind::Path(..)
                | TypeNameKind::Tuple(_)
                | TypeNameKind::Reference(_)
                | TypeNameKind::MutReference(_)
                | TypeNameKind::Infer
                | TypeNameKind::Slice(_)
                | TypeNameKind::Array(..) => args.push(self.resolve_type(arg)),
            }
        }
        if args.iter().chain(&output).any(Ty::is_error) {
            return None;
        }
        let arithmetic = match name.as_str() {
            "Add" => Some(BinaryOp::Add),
            "Sub" => Some(BinaryOp::Sub),
            "Mul" => Some(BinaryOp::Mul),
            "Div" => Some(BinaryOp::Div),
            "Rem" => Some(BinaryOp::Rem),
            "BitAnd" => Some(BinaryOp::BitAnd),
            "BitOr" => Some(BinaryOp::BitOr),
            "BitXor" => Some(BinaryOp::BitXor),
            _ => None,
        };
        let gives_itself = args.iter().all(|arg| arg == subject) && output.as_ref() == Some(subject);
        if arithmetic.is_some() || name == "Neg" {
            if !gives_itself {
                self.say(say::bound_output(name, &self.show(subject), at));
                return None;
            }
            return Some(arithmetic.map_or(Bound::Neg, Bound::Arithmetic));
        }
        match (name.as_str(), args.as_slice()) {
            ("Copy" | "Clone" | "Debug" | "Sized" | "Send" | "Sync" | "Unpin", []) => Some(Bound::Always),
            ("PartialEq", []) => Some(Bound::PartialEq),
            ("Eq" | "Hash", []) => Some(Bound::Eq),
            ("PartialOrd", []) => Some(Bound::PartialOrd),
            ("Ord", []) => Some(Bound::Ord),
            ("Default", []) => Some(Bound::Default),
            ("Into", [to]) => Some(Bound::Into(to.clone())),
            ("From", [from]) => Some(Bound::From(from.clone())),
            _ => {
                self.say(say::unknown_bound(name, at));
                None
            }
        }
    }

    /// Whether a type is what a bound asks for.
    fn satisfies(&self, ty: &Ty, bound: &Bound) -> bool {
        if let Ty::Generic(id) = ty {
            return match bound {
                Bound::Always => true,
                Bound::PartialEq => self
                    .has_bound(*id, |own| matches!(own, Bound::PartialEq | Bound::Eq | Bound::PartialOrd | Bound::Ord)),
                Bound::Eq => self.has_bound(*id, |own| matches!(own, Bound::Eq | Bound::Ord)),
                Bound::PartialOrd => self.has_bound(*id, |own| matches!(own, Bound::PartialOrd | Bound::Ord)),
                Bound::Ord | Bound::Default | Bound::Arithmetic(_) | Bound::Neg | Bound::From(_) => {
                    self.has_bound(*id, |own| own == bound)
                }
                Bound::Into(to) => to == ty || self.has_bound(*id, |own| own == bound),
            };
        }
        match bound {
            Bound::Always => true,
            Bound::PartialEq => self.compares(ty, true, false),
            Bound::Eq => self.compares(ty, true, true),
            Bound::PartialOrd => self.compares(ty, false, false),
            Bound::Ord => self.compares(ty, false, true),
            Bound::Default => super::option::default_of(ty, Span::NONE).is_some(),
            Bound::Arithmetic(op) => match op {
                BinaryOp::Add | BinaryOp::Sub => ty.is_number() || *ty == Ty::DURATION,
                BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => ty.is_integer() || *ty == Ty::BOOL,
                BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
                | BinaryOp::Shl
                | BinaryOp::Shr
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::And
                | BinaryOp::Or => ty.is_number(),
            },
            Bound::Neg => ty.is_float() || ty.is_signed() || *ty == Ty::DURATION,
            Bound::Into(to) => is_lossless(ty, to),
            Bound::From(from) => is_lossless(from, ty),
        }
    }

    /// Whether values of a type compare: only for equality or also for order, and with no NaN among them.
    fn compares(&self, ty: &Ty, equality: bool, total: bool) -> bool {
        match ty {
            Ty::Option(inner) | Ty::List(inner) | Ty::Of(_, inner) => self.compares(inner, equality, total),
            Ty::Tuple(parts) => parts.iter().all(|part| self.compares(part, equality, total)),
            // A record has what its author derived, and only `==` can be read from its fields.
            Ty::Record(id) => {
                let record = self.record(*id);
                record.shape.compares(equality)
                    && record.fields.iter().all(|field| self.compares(&field.ty, equality, total))
            }
            Ty::Scalar(ty) => !total || !ty.is_float(),
            Ty::Generic(id) => {
                let id = *id;
                let bound = match (equality, total) {
                    (true, false) => Bound::PartialEq,
                    (true, true) => Bound::Eq,
                    (false, false) => Bound::PartialOrd,
                    (false, true) => Bound::Ord,
                };
                self.satisfies(&Ty::Generic(id), &bound)
            }
            Ty::Error | Ty::Never | Ty::Usize | Ty::Isize | Ty::Ordering | Ty::Var(_) => true,
            Ty::Failure => true,
            Ty::Group | Ty::Result(..) => false,
        }
    }

    fn has_bound(&self, id: GenericId, is: impl Fn(&Bound) -> bool) -> bool {
        self.generics[id.0 as usize].bounds.iter().any(is)
    }

    fn show_bound(&self, bound: &Bound, subject: &str) -> String {
        let operator = |op: &BinaryOp| match op {
            BinaryOp::Add => "Add",
            BinaryOp::Sub => "Sub",
            BinaryOp::Mul => "Mul",
            BinaryOp::Div => "Div",
            BinaryOp::Rem => "Rem",
            BinaryOp::BitAnd => "BitAnd",
            BinaryOp::BitOr => "BitOr",
            BinaryOp::BitXor => "BitXor",
            BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => "PartialOrd",
        };
        match bound {
            Bound::Always => "Copy".to_owned(),
            Bound::PartialEq => "PartialEq".to_owned(),
            Bound::Eq => "Eq".to_owned(),
            Bound::PartialOrd => "PartialOrd".to_owned(),
            Bound::Ord => "Ord".to_owned(),
            Bound::Default => "Default".to_owned(),
            Bound::Arithmetic(op) => format!("std::ops::{}<Output = {subject}>", operator(op)),
            Bound::Neg => format!("std::ops::Neg<Output = {subject}>"),
            Bound::Into(to) => format!("Into<{}>", self.show(to)),
            Bound::From(from) => format!("From<{}>", self.show(from)),
        }
    }
}

impl Body<'_, '_> {
    /// `T op T` is reported unless a bound allows it.
    pub(super) fn generic_is_comparable(&self, id: GenericId, equality: bool) -> bool {
        let bound = if equality { Bound::PartialEq } else { Bound::PartialOrd };
        self.cx.satisfies(&Ty::Generic(id), &bound)
    }

    /// Whether a bound gives the type parameter this operator.
    pub(super) fn generic_has_arithmetic(&self, id: GenericId, op: BinaryOp) -> bool {
        self.cx.has_bound(id, |own| *own == Bound::Arithmetic(op))
    }

    /// What to write where an operator is missing.
    pub(super) fn missing_bound(&self, id: GenericId, op: BinaryOp) -> String {
        let bound = match op {
            BinaryOp::Eq | BinaryOp::Ne => Bound::PartialEq,
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => Bound::PartialOrd,
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::And
            | BinaryOp::Or => Bound::Arithmetic(op),
        };
        let name = &self.cx.generics[id.0 as usize].name;
        format!("{name}: {}", self.cx.show_bound(&bound, name))
    }

    /// `-x` of a type parameter.
    pub(super) fn generic_negates(&self, id: GenericId) -> bool {
        self.cx.has_bound(id, |own| *own == Bound::Neg)
    }

    /// `x.into()` of or to a type parameter.
    pub(super) fn generic_converts(&self, from: &Ty, to: &Ty) -> bool {
        match (from, to) {
            (Ty::Generic(_), to) if self.cx.satisfies(from, &Bound::Into(to.clone())) => true,
            (from, Ty::Generic(id)) => self.cx.has_bound(*id, |own| *own == Bound::From(from.clone())),
            _ => false,
        }
    }

    /// A method on a value of a type parameter; nothing if its bounds give no such method.
    pub(super) fn generic_method(
        &mut self,
        id: GenericId,
        receiver: Hir,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Hir {
        let ty = Ty::Generic(id);
        if let (method @ ("min" | "max"), [other]) = (name.text.as_str(), args)
            && self.cx.has_bound(id, |own| *own == Bound::Ord)
        {
            let other = self.expect(other, &ty, Why::Argument { function: "min", index: 0 });
            return self.min_max(method == "min", receiver, other, span);
        }
        for arg in args {
            if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                self.expr(arg, None);
            }
        }
        let shown = self.show(&ty);
        self.cx.say(say::no_method(&shown, &name.text, name.span));
        Hir::error(span)
    }

    /// `a.min(b)`, `a.max(b)` as `Ord` has them: of equal values the first, the second.
    pub(super) fn min_max(&mut self, min: bool, a: Hir, b: Hir, span: Span) -> Hir {
        let ty = a.ty.clone();
        let mut lets = Vec::with_capacity(2);
        let mut bind = |value: Hir| {
            let id = self.new_binding(ty.clone());
            lets.push(HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty.clone(), span), value));
            move |ty: &Ty| Hir::new(HirKind::Local(id), ty.clone(), span)
        };
        let (a, b) = (bind(a), bind(b));
        let less = HirKind::Binary(BinaryOp::Lt, Box::new(b(&ty)), Box::new(a(&ty)));
        let less = Hir::new(less, Ty::BOOL, span);
        let (then, otherwise) = if min { (b(&ty), a(&ty)) } else { (a(&ty), b(&ty)) };
        let choice = HirKind::If(Box::new(less), Box::new(then), Some(Box::new(otherwise)));
        let choice = Hir::new(choice, ty.clone(), span);
        Hir::new(HirKind::Block(lets, Some(Box::new(choice))), ty, span)
    }

    /// `T::default()`, `T::from(x)` of a type parameter.
    pub(super) fn generic_function(
        &mut self,
        id: GenericId,
        function: &str,
        args: &[ast::Expr],
        at: Span,
        span: Span,
    ) -> Hir {
        let ty = Ty::Generic(id);
        match (function, args) {
            ("default", []) if self.cx.has_bound(id, |own| *own == Bound::Default) => {
                Hir::new(HirKind::Default, ty, span)
            }
            ("from", [arg]) => {
                let value = self.expr(arg, None);
                Hir::new(HirKind::Into(Box::new(value)), ty, span)
            }
            _ => {
                for arg in args {
                    if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                        self.expr(arg, None);
                    }
                }
                let shown = self.show(&ty);
                self.cx.say(say::no_method(&shown, function, at));
                Hir::error(span)
            }
        }
    }

    /// The types of a function's signature with new variables for its type parameters, and the variables.
    pub(super) fn instantiate(&mut self, id: FunctionId, written: &[ast::TypeName]) -> (Vec<Ty>, Ty, Vec<Ty>) {
        let function = &self.cx.functions[id.0 as usize];
        let (generics, returns) = (function.generics.clone(), function.returns.clone());
        let params: Vec<Ty> = function.params.iter().map(|(_, ty)| ty.clone()).collect();
        let mut chosen = Vec::with_capacity(generics.len());
        for position in 0..generics.len() {
            let ty = match written.get(position) {
                Some(ty) if ty.kind != TypeNameKind::Infer => self.cx.resolve_type(ty),
                Some(_) | None => self.table.fresh(Kind::Any),
            };
            chosen.push(ty);
        }
        let map: BTreeMap<GenericId, Ty> = generics.into_iter().zip(chosen.iter().cloned()).collect();
        let params = params.iter().map(|ty| substitute(ty, &map)).collect();
        (params, substitute(&returns, &map), chosen)
    }

    /// At the end of the body: what stands for the type parameters of a called function must satisfy its bounds.
    pub(super) fn check_bounds(&mut self, id: FunctionId, chosen: &[Ty], at: Span) {
        let function = &self.cx.functions[id.0 as usize];
        let (name, generics) = (function.name.clone(), function.generics.clone());
        let map: BTreeMap<GenericId, Ty> = generics.iter().copied().zip(chosen.iter().cloned()).collect();
        for (generic, ty) in generics.iter().zip(chosen) {
            if ty.is_error() || super::hir::first_variable(ty).is_some() {
                continue;
            }
            for bound in self.cx.generics[generic.0 as usize].bounds.clone() {
                let bound = match bound {
                    Bound::Into(to) => Bound::Into(substitute(&to, &map)),
                    Bound::From(from) => Bound::From(substitute(&from, &map)),
                    other @ (Bound::Always
                    | Bound::PartialEq
                    | Bound::Eq
                    | Bound::PartialOrd
                    | Bound::Ord
                    | Bound::Default
                    | Bound::Arithmetic(_)
                    | Bound::Neg) => other,
                };
                if !self.cx.satisfies(ty, &bound) {
                    let shown = self.cx.show(ty);
                    let bound = self.cx.show_bound(&bound, &shown);
                    let parameter = self.cx.generics[generic.0 as usize].name.clone();
                    self.cx.say(say::bound_not_met(&shown, &bound, &parameter, &name, at));
                }
            }
        }
    }

    /// Remembers a call of a generic function for the end of the body.
    pub(super) fn ask_bounds_later(&mut self, id: FunctionId, chosen: &[Ty], at: Span) {
        if !chosen.is_empty() {
            self.deferred.push(Deferred::Bounds(id, chosen.to_vec(), at));
        }
    }
}

/// The type with other types in the place of type parameters.
pub(super) fn substitute(ty: &Ty, map: &BTreeMap<GenericId, Ty>) -> Ty {
    match ty {
        Ty::Generic(id) => map.get(id).cloned().unwrap_or_else(|| ty.clone()),
        Ty::Option(inner) => substitute(inner, map).option(),
        Ty::Result(inner, error) => Ty::Result(Box::new(substitute(inner, map)), Box::new(substitute(error, map))),
        Ty::List(item) => Ty::List(Box::new(substitute(item, map))),
        Ty::Of(wrapper, inner) => Ty::Of(*wrapper, Box::new(substitute(inner, map))),
        Ty::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| substitute(part, map)).collect()),
        Ty::Error
        | Ty::Never
        | Ty::Scalar(_)
        | Ty::Usize
        | Ty::Isize
        | Ty::Record(_)
        | Ty::Failure
        | Ty::Group
        | Ty::Ordering
        | Ty::Var(_) => ty.clone(),
    }
}

/// The body of a generic function for these types.
pub(super) fn instance(body: &HirClosure, map: &BTreeMap<GenericId, Ty>) -> HirClosure {
    let mut body = body.clone();
    body.rewrite(&mut |node: &mut HirNode<'_>| {
        let ty = node.ty();
        *ty = substitute(ty, map);
        if let HirNode::Expr(Hir { kind: HirKind::Udf(_, chosen, _), .. }) = node {
            for ty in chosen {
                *ty = substitute(ty, map);
            }
        }
    });
    body
}
