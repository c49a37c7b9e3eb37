//! Patterns, and `match`.

use super::assign::Declared;
use super::hir::{Hir, HirArm, HirKind, HirPat, PatKind};
use super::infer::{Body, value_span};
use super::types::{Ty, number_suffix};
use super::unify::Kind;
use super::wrapper::Wrapper;
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::{names, unsupported};
use sabot_ir::ast::{self, Arm, Literal, Pattern, PatternKind, RangeBound};
use sabot_ir::span::Span;

impl Body<'_, '_> {
    /// A pattern for a value of this type; its variables are visible from here on.
    pub(super) fn pattern(&mut self, pattern: &Pattern, ty: &Ty) -> HirPat {
        let span = pattern.span;
        let ty = self.table.resolve(ty);
        let wild = |ty: Ty| HirPat::new(PatKind::Wild, ty, span);
        match &pattern.kind {
            PatternKind::Wild => wild(ty),
            PatternKind::Error => {
                self.bind_all(pattern);
                wild(ty)
            }
            PatternKind::Reference(inner) => self.pattern(inner, &ty),
            PatternKind::Bind(name, _, None) if name == "None" || self.cx.const_names.contains_key(name) => {
                self.path_pattern(std::slice::from_ref(name), &[], &ty, span)
            }
            PatternKind::Bind(name, mutable, inner) => {
                let id = self.bind_as(name, ty.clone(), Declared { span, mutable: *mutable });
                let inner = inner.as_ref().map(|inner| Box::new(self.pattern(inner, &ty)));
                HirPat::new(PatKind::Bind(id, inner), ty, span)
            }
            PatternKind::Literal(literal) => self.literal_pattern(literal, &ty, span),
            PatternKind::Range(low, high, inclusive) => {
                self.range_pattern(low.as_ref(), high.as_ref(), *inclusive, &ty, span)
            }
            PatternKind::Record(name, fields, rest) => self.record_pattern(pattern, name, fields, *rest, &ty),
            PatternKind::Slice(parts) => {
                self.cx.say(unsupported::slice_pattern_here(span));
                parts.iter().for_each(|part| self.bind_all(part));
                wild(Ty::Error)
            }
            PatternKind::Rest => {
                self.cx.say(say::rest_outside_of_tuple(span));
                wild(Ty::Error)
            }
            PatternKind::Or(parts) => self.or_pattern(parts, &ty, span),
            PatternKind::Path(path, inner) => self.path_pattern(path, inner, &ty, span),
            PatternKind::Tuple(parts) if parts.iter().any(|part| part.kind == PatternKind::Rest) => {
                self.tuple_with_rest(pattern, parts, &ty)
            }
            PatternKind::Tuple(parts) => {
                let types: Vec<Ty> = match &ty {
                    Ty::Tuple(types) if types.len() == parts.len() => types.clone(),
                    Ty::Var(_) => parts.iter().map(|_| self.table.fresh(Kind::Any)).collect(),
                    Ty::Error
                    | Ty::Never
                    | Ty::Scalar(_)
                    | Ty::Usize
                    | Ty::Isize
                    | Ty::Option(_)
                    | Ty::Tuple(_)
                    | Ty::Record(_)
                    | Ty::Group
                    | Ty::List(_)
                    | Ty::Result(..)
                    | Ty::Failure
                    | Ty::Generic(_)
                    | Ty::Ordering
                    | Ty::Of(..) => {
                        if !matches!(ty, Ty::Error | Ty::Never) {
                            let shown = self.show(&ty);
                            self.cx.say(say::pattern_mismatch(&format!("a tuple of {}", parts.len()), &shown, span));
                        }
                        self.bind_all(pattern);
                        return wild(Ty::Error);
                    }
                };
                let tuple = Ty::Tuple(types.clone());
                if !self.table.unify(&ty, &tuple) {
                    let shown = self.show(&ty);
                    self.cx.say(say::pattern_mismatch(&format!("a tuple of {}", parts.len()), &shown, span));
                }
                let parts = parts.iter().zip(&types).map(|(part, ty)| self.pattern(part, ty)).collect();
                HirPat::new(PatKind::Tuple(parts), tuple, span)
            }
        }
    }

    /// `(a, .., z)`: `..` stands for as many `_` as are missing.
    fn tuple_with_rest(&mut self, pattern: &Pattern, parts: &[Pattern], ty: &Ty) -> HirPat {
        let (at, written) = (parts.iter().position(|part| part.kind == PatternKind::Rest), parts.len() - 1);
        let is_second = |part: &Pattern| part.kind == PatternKind::Rest;
        if let (Some(at), Ty::Tuple(types)) = (at, ty)
            && types.len() >= written
            && !parts[at + 1..].iter().any(is_second)
        {
            let wild = Pattern { kind: PatternKind::Wild, span: parts[at].span };
            let mut full = parts[..at].to_vec();
            full.resize(at + types.len() - written, wild);
            full.extend_from_slice(&parts[at + 1..]);
            return self.pattern(&Pattern { kind: PatternKind::Tuple(full), span: pattern.span }, ty);
        }
        if !ty.is_error() {
            let wanted = format!("a tuple of {written} or more");
            let diagnostic = say::pattern_mismatch(&wanted, &self.show(ty), pattern.span);
            self.cx.say(diagnostic);
        }
        self.bind_all(pattern);
        HirPat::new(PatKind::Wild, Ty::Error, pattern.span)
    }

    /// `Quote { price, .. }`: as a tuple of all fields, in the record's order.
    fn record_pattern(
        &mut self,
        pattern: &Pattern,
        name: &ast::Name,
        fields: &[(ast::Name, Pattern)],
        rest: bool,
        ty: &Ty,
    ) -> HirPat {
        let span = pattern.span;
        let wild = HirPat::new(PatKind::Wild, Ty::Error, span);
        if let Some(variant) = self.record_variant_pattern(name, fields, rest, ty, span) {
            return variant;
        }
        let Some(&id) = self.cx.record_names.get(&name.text).filter(|id| self.cx.variants(**id).is_empty()) else {
            let known: Vec<&str> = self.cx.record_names.keys().map(String::as_str).collect();
            let diagnostic = names::unknown_record(&name.text, &known, name.span);
            self.cx.say(diagnostic);
            self.bind_all(pattern);
            return wild;
        };
        if !self.table.unify(ty, &Ty::Record(id)) {
            let diagnostic = say::pattern_mismatch(&format!("`{}`", name.text), &self.show(ty), span);
            self.cx.say(diagnostic);
            self.bind_all(pattern);
            return wild;
        }
        let declared: Vec<(String, Ty)> =
            self.cx.record(id).fields.iter().map(|field| (field.name.clone(), field.ty.clone())).collect();
        let mut parts: Vec<Option<HirPat>> = declared.iter().map(|_| None).collect();
        for (field, inner) in fields {
            let Some(position) = declared.iter().position(|(known, _)| *known == field.text) else {
                let known: Vec<&str> = declared.iter().map(|(known, _)| known.as_str()).collect();
                let record_span = self.cx.record(id).span;
                let diagnostic = names::extra_field(&name.text, &field.text, &known, field.span, record_span);
                self.cx.say(diagnostic);
                self.bind_all(inner);
                continue;
            };
            if parts[position].is_some() {
                self.cx.say(names::field_twice(&field.text, field.span));
            }
            parts[position] = Some(self.pattern(inner, &declared[position].1));
        }
        if !rest {
            let missing: Vec<&str> = declared
                .iter()
                .zip(&parts)
                .filter(|(_, part)| part.is_none())
                .map(|((name, _), _)| name.as_str())
                .collect();
            if !missing.is_empty() {
                self.cx.say(say::fields_not_matched(&missing, span));
            }
        }
        let parts = parts
            .into_iter()
            .zip(declared)
            .map(|(part, (_, ty))| part.unwrap_or_else(|| HirPat::new(PatKind::Wild, ty, span)))
            .collect();
        HirPat::new(PatKind::Tuple(parts), Ty::Record(id), span)
    }

    /// Makes the names of a pattern known without types, after something else in it was reported.
    pub(super) fn bind_all(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Wild
            | PatternKind::Literal(_)
            | PatternKind::Range(..)
            | PatternKind::Rest
            | PatternKind::Error => {}
            PatternKind::Record(_, fields, _) => {
                for (_, inner) in fields {
                    self.bind_all(inner);
                }
            }
            PatternKind::Bind(name, _, inner) => {
                self.bind(name, Ty::Error);
                if let Some(inner) = inner {
                    self.bind_all(inner);
                }
            }
            PatternKind::Or(parts)
            | PatternKind::Path(_, parts)
            | PatternKind::Tuple(parts)
            | PatternKind::Slice(parts) => {
                for part in parts {
                    self.bind_all(part);
                }
            }
            PatternKind::Reference(inner) => self.bind_all(inner),
        }
    }

    fn literal_pattern(&mut self, literal: &Literal, ty: &Ty, span: Span) -> HirPat {
        let hir = match literal {
            // The sign belongs to a literal in a pattern.
            Literal::Int(value, suffix) if *value < 0 => {
                let mut hir = self.literal(&Literal::Int(-value, suffix.clone()), Some(ty), span);
                if let Some(negated) = hir.kind.negated() {
                    hir.kind = negated;
                }
                hir
            }
            Literal::Int(..)
            | Literal::Bool(_)
            | Literal::Float(..)
            | Literal::String(_)
            | Literal::Char(_)
            | Literal::Bytes(_) => self.literal(literal, Some(ty), span),
        };
        if !self.table.unify(ty, &hir.ty) {
            let diagnostic = say::pattern_mismatch(&format!("`{}`", self.show(&hir.ty)), &self.show(ty), span);
            self.cx.say(diagnostic);
            return HirPat::new(PatKind::Wild, Ty::Error, span);
        }
        value_pattern(&hir, ty, span)
    }

    fn range_pattern(
        &mut self,
        low: Option<&RangeBound>,
        high: Option<&RangeBound>,
        inclusive: bool,
        ty: &Ty,
        span: Span,
    ) -> HirPat {
        let wild = HirPat::new(PatKind::Wild, Ty::Error, span);
        let mut bound = |bound: Option<&RangeBound>| match bound {
            None => Some(None),
            Some(RangeBound::Path(path)) => {
                let found = self.constant_bound(path, span)?;
                if !self.table.unify(ty, &found.1) {
                    let diagnostic = say::pattern_mismatch(&format!("`{}`", self.show(&found.1)), &self.show(ty), span);
                    self.cx.say(diagnostic);
                    return None;
                }
                Some(Some(found.0))
            }
            Some(RangeBound::Literal(literal)) => {
                let found = match literal {
                    Literal::Int(value, suffix) => {
                        let ty = match suffix.as_deref().map(number_suffix) {
                            Some(Some(ty)) => ty,
                            Some(None) | None => self.table.fresh(Kind::Integer),
                        };
                        (Bound::Int(*value), ty)
                    }
                    Literal::Float(value, suffix) => {
                        let ty = match suffix.as_deref().map(number_suffix) {
                            Some(Some(ty)) => ty,
                            Some(None) | None => self.table.fresh(Kind::Float),
                        };
                        (Bound::Float(*value), ty)
                    }
                    Literal::Char(value) => (Bound::Int(u32::from(*value).into()), Ty::CHAR),
                    Literal::Bool(_) | Literal::String(_) | Literal::Bytes(_) => {
                        self.cx.say(unsupported::range_of(span));
                        return None;
                    }
                };
                if !self.table.unify(ty, &found.1) {
                    let diagnostic = say::pattern_mismatch(&format!("`{}`", self.show(&found.1)), &self.show(ty), span);
                    self.cx.say(diagnostic);
                    return None;
                }
                Some(Some(found.0))
            }
        };
        let (Some(low), Some(high)) = (bound(low), bound(high)) else { return wild };
        let kind = match (low, high) {
            (None | Some(Bound::Int(_)), Some(Bound::Int(_)) | None)
                if matches!(low, Some(Bound::Int(_))) || matches!(high, Some(Bound::Int(_))) =>
            {
                let low = if let Some(Bound::Int(low)) = low { low } else { i128::MIN };
                let high = match high {
                    Some(Bound::Int(high)) if inclusive => high,
                    Some(Bound::Int(high)) => high - 1,
                    _ => i128::MAX,
                };
                if low > high {
                    self.cx.say(say::empty_range(span));
                    return wild;
                }
                PatKind::Int(low, high)
            }
            (low, high) => {
                let low = if let Some(Bound::Float(low)) = low { low } else { f64::NEG_INFINITY };
                let (high, inclusive) =
                    if let Some(Bound::Float(high)) = high { (high, inclusive) } else { (f64::INFINITY, true) };
                if low > high || (low >= high && !inclusive) {
                    self.cx.say(say::empty_range(span));
                    return wild;
                }
                PatKind::Float(low, high, inclusive)
            }
        };
        HirPat::new(kind, ty.clone(), span)
    }

    /// A constant inside of the function, with its value if that is a literal.
    fn local_const(&self, name: &str) -> Option<Option<Hir>> {
        let (id, _) = self.bound_since(0, name)?;
        self.local_consts.get(&id).cloned()
    }

    /// `i64::MIN`, `LIMIT`: what it is; nothing if it was reported.
    fn constant_bound(&mut self, path: &[String], span: Span) -> Option<(Bound, Ty)> {
        let value = match path {
            [name] if self.local_const(name).is_some() => {
                let Some(value) = self.local_const(name).flatten() else {
                    self.cx.say(unsupported::constant_pattern(name, span));
                    return None;
                };
                value
            }
            [name] => {
                let Some(&id) = self.cx.const_names.get(name) else {
                    self.cx.say(names::unknown_pattern(name, span));
                    return None;
                };
                let constant = &self.cx.consts[id.0 as usize];
                match (&constant.literal, constant.ty.is_error()) {
                    (Some(value), _) => value.clone(),
                    (None, true) => return None,
                    (None, false) => {
                        self.cx.say(unsupported::constant_pattern(name, span));
                        return None;
                    }
                }
            }
            path => self.path(path, span),
        };
        if let HirKind::Int(bound) = value.kind {
            return Some((Bound::Int(bound), value.ty));
        }
        if let HirKind::Float(bound) = value.kind {
            return Some((Bound::Float(bound), value.ty));
        }
        if !value.ty.is_error() {
            self.cx.say(unsupported::range_of(span));
        }
        None
    }

    fn or_pattern(&mut self, parts: &[Pattern], ty: &Ty, span: Span) -> HirPat {
        let mark = self.enter();
        let mut lowered = Vec::with_capacity(parts.len());
        let mut first_names: Option<Vec<String>> = None;
        for part in parts {
            let inner = self.enter();
            let mut pattern = self.pattern(part, ty);
            // Every alternative binds the same names: the variables of the first one stand for all.
            let names = self.names_since(inner);
            match &first_names {
                None => first_names = Some(names),
                Some(first) => {
                    let mut sorted = (first.clone(), names.clone());
                    sorted.0.sort_unstable();
                    sorted.1.sort_unstable();
                    if sorted.0 != sorted.1 {
                        self.cx.say(say::alternatives_differ(span));
                    } else {
                        for name in &names {
                            let (Some((own, own_ty)), Some((shared, shared_ty))) =
                                (self.bound_since(inner, name), self.bound_between(mark, inner, name))
                            else {
                                continue;
                            };
                            if !self.table.unify(&own_ty, &shared_ty) {
                                let diagnostic =
                                    say::pattern_mismatch(&self.show(&own_ty), &self.show(&shared_ty), part.span);
                                self.cx.say(diagnostic);
                            }
                            rename(&mut pattern, own, shared);
                        }
                    }
                    self.leave(inner);
                }
            }
            lowered.push(pattern);
        }
        HirPat::new(PatKind::Or(lowered), ty.clone(), span)
    }

    fn path_pattern(&mut self, path: &[String], inner: &[Pattern], ty: &Ty, span: Span) -> HirPat {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let bind_rest = |body: &mut Self| {
            for part in inner {
                body.bind_all(part);
            }
            HirPat::new(PatKind::Wild, Ty::Error, span)
        };
        match (names.as_slice(), inner) {
            (["Some"] | ["Option", "Some"], [inner]) => {
                let held = match ty {
                    Ty::Option(held) => (**held).clone(),
                    Ty::Var(_) => self.table.fresh(Kind::Any),
                    Ty::Error | Ty::Never => return bind_rest(self),
                    Ty::Scalar(_)
                    | Ty::Usize
                    | Ty::Isize
                    | Ty::Tuple(_)
                    | Ty::Record(_)
                    | Ty::Group
                    | Ty::List(_)
                    | Ty::Result(..)
                    | Ty::Failure
                    | Ty::Generic(_)
                    | Ty::Ordering
                    | Ty::Of(..) => {
                        let shown = self.show(ty);
                        self.cx.say(say::pattern_mismatch("an `Option`", &shown, span));
                        return bind_rest(self);
                    }
                };
                if !self.table.unify(ty, &held.clone().option()) {
                    let shown = self.show(ty);
                    self.cx.say(say::pattern_mismatch("an `Option`", &shown, span));
                }
                let inner = self.pattern(inner, &held);
                HirPat::new(PatKind::Some(Box::new(inner)), held.option(), span)
            }
            ([side @ ("Ok" | "Err")] | ["Result", side @ ("Ok" | "Err")], [inner])
                if matches!(ty, Ty::Result(..) | Ty::Var(_)) =>
            {
                if let Ty::Var(_) = ty {
                    let whole =
                        Ty::Result(Box::new(self.table.fresh(Kind::Any)), Box::new(self.table.fresh(Kind::Any)));
                    if !self.table.unify(ty, &whole) {
                        return bind_rest(self);
                    }
                }
                let ty = self.table.deep(ty);
                let Ty::Result(held, error) = &ty else { return bind_rest(self) };
                let passed_over = matches!(inner.kind, PatternKind::Wild | PatternKind::Rest)
                    || inner.as_name().is_some_and(|name| name.text.starts_with('_'));
                if *side == "Err" && **error == Ty::Failure && !passed_over {
                    self.cx.say(crate::diagnostics::text::error_value(inner.span));
                    return bind_rest(self);
                }
                let is_ok = *side == "Ok";
                let held = if inner.kind == PatternKind::Rest {
                    HirPat::new(PatKind::Wild, Ty::unit(), span)
                } else {
                    let inside = if is_ok { held } else { error };
                    self.pattern(inner, inside)
                };
                super::outcome::outcome_pattern(is_ok, held, &ty, span)
            }
            ([.., "Reverse"], [inner]) if matches!(ty, Ty::Of(Wrapper::Reverse, _)) => {
                let Ty::Of(_, held) = ty else { return bind_rest(self) };
                self.pattern(inner, held)
            }
            (["None"] | ["Option", "None"], []) => {
                let held = self.table.fresh(Kind::Any).option();
                if !self.table.unify(ty, &held) {
                    let shown = self.show(ty);
                    self.cx.say(say::pattern_mismatch("an `Option`", &shown, span));
                    return bind_rest(self);
                }
                HirPat::new(PatKind::None, held, span)
            }
            ([name], []) if self.local_const(name).is_some() => {
                let Some(value) = self.local_const(name).flatten() else {
                    self.cx.say(unsupported::constant_pattern(name, span));
                    return bind_rest(self);
                };
                if !self.table.unify(ty, &value.ty) {
                    let diagnostic =
                        say::pattern_mismatch(&format!("`{}`", self.show(&value.ty)), &self.show(ty), span);
                    self.cx.say(diagnostic);
                    return bind_rest(self);
                }
                let ty = value.ty.clone();
                value_pattern(&value, &ty, span)
            }
            ([name], []) if self.cx.const_names.contains_key(*name) => {
                let id = self.cx.const_names[*name];
                let constant = &self.cx.consts[id.0 as usize];
                let (const_ty, value) = (constant.ty.clone(), constant.literal.clone());
                if !self.table.unify(ty, &const_ty) {
                    let diagnostic =
                        say::pattern_mismatch(&format!("`{}`", self.show(&const_ty)), &self.show(ty), span);
                    self.cx.say(diagnostic);
                    return bind_rest(self);
                }
                match value {
                    Some(value) => value_pattern(&value, &const_ty, span),
                    None if const_ty.is_error() => bind_rest(self),
                    None => {
                        self.cx.say(unsupported::constant_pattern(name, span));
                        bind_rest(self)
                    }
                }
            }
            ([.., "Ordering", order], []) if self.ordering_named(order, span).is_some() => {
                let Some(value) = self.ordering_named(order, span) else { return bind_rest(self) };
                if !self.table.unify(ty, &Ty::Ordering) {
                    let shown = self.show(ty);
                    self.cx.say(say::pattern_mismatch("an `Ordering`", &shown, span));
                    return bind_rest(self);
                }
                value_pattern(&value, &Ty::Ordering, span)
            }
            ([number, limit], []) if number_suffix(number).is_some() => {
                let path: Vec<String> = path.to_vec();
                let value = self.path(&[number.to_string(), limit.to_string()], span);
                if value.ty.is_error() {
                    return bind_rest(self);
                }
                if !self.table.unify(ty, &value.ty) {
                    let diagnostic = say::pattern_mismatch(&format!("`{}`", path.join("::")), &self.show(ty), span);
                    self.cx.say(diagnostic);
                    return bind_rest(self);
                }
                value_pattern(&value, &value.ty.clone(), span)
            }
            _ => {
                if let Some(pattern) = self.tuple_pattern(&names, inner, ty, span) {
                    return pattern;
                }
                if !matches!(ty, Ty::Error) {
                    self.cx.say(names::unknown_pattern(&path.join("::"), span));
                }
                bind_rest(self)
            }
        }
    }

    /// Reports a pattern that does not match every value where one is needed that does.
    pub(super) fn must_match_all(&mut self, pattern: &HirPat, place: &str) {
        if !pattern.is_irrefutable() && !pattern.ty.is_error() {
            self.cx.say(say::refutable(place, pattern.span));
        }
    }

    /// `match value { arms }`.
    pub(super) fn match_(&mut self, value: &ast::Expr, arms: &[Arm], hint: Option<&Ty>, span: Span) -> Hir {
        if let Some(chosen) = super::lending::match_place(value, arms, span) {
            return self.expr(&chosen, hint);
        }
        if arms.iter().any(|arm| super::slice_pattern::is_slice(&arm.pattern)) {
            let value = super::slice_pattern::referred(value);
            return self.match_slices(value, arms, hint, span);
        }
        let scrutinee = self.expr(value, None);
        self.must_borrow(value, &scrutinee, arms);
        let value_ty = scrutinee.ty.clone();
        let mut result: Option<(Ty, Span)> = None;
        let mut lowered = Vec::with_capacity(arms.len());
        for arm in arms {
            let mark = self.enter();
            let pattern = self.pattern(&arm.pattern, &value_ty);
            let guard = arm.guard.as_ref().map(|guard| self.expect(guard, &Ty::BOOL, Why::Guard));
            let arm_hint = result.as_ref().map(|(ty, _)| ty.clone()).or_else(|| hint.cloned());
            let body = self.expr(&arm.body, arm_hint.as_ref());
            let body = match &result {
                Some((ty, first)) => {
                    let (ty, first) = (ty.clone(), *first);
                    self.coerce(body, &ty, Why::OtherArm(first), Some(&arm.body))
                }
                None => {
                    if !matches!(self.table.resolve(&body.ty), Ty::Never | Ty::Error) {
                        result = Some((body.ty.clone(), value_span(&arm.body)));
                    }
                    body
                }
            };
            self.leave(mark);
            lowered.push(HirArm { pattern, guard, body });
        }
        let ty = match result {
            Some((ty, _)) => ty,
            None if lowered.iter().any(|arm| arm.body.ty.is_error()) => Ty::Error,
            None => Ty::Never,
        };
        Hir::new(HirKind::Match(Box::new(scrutinee), lowered), ty, span)
    }
}

#[derive(Clone, Copy)]
enum Bound {
    Int(i128),
    Float(f64),
}

/// A constant as a pattern.
fn value_pattern(value: &Hir, ty: &Ty, span: Span) -> HirPat {
    let kind = match &value.kind {
        HirKind::Int(value) => PatKind::Int(*value, *value),
        HirKind::Float(value) => PatKind::Float(*value, *value, true),
        HirKind::Bool(value) => PatKind::Bool(*value),
        HirKind::Str(value) => PatKind::Str(value.clone()),
        HirKind::Bytes(value) => PatKind::Bytes(value.clone()),
        HirKind::Error
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
        | HirKind::Into(_)
        | HirKind::Group(_)
        | HirKind::Aggregate(_)
        | HirKind::Assign(..)
        | HirKind::Loop(..)
        | HirKind::Labeled(..)
        | HirKind::Break(..)
        | HirKind::Continue(_)
        | HirKind::Fail(_)
        | HirKind::Never(_)
        | HirKind::Later => PatKind::Wild,
    };
    let ty = if matches!(kind, PatKind::Wild) { Ty::Error } else { ty.clone() };
    HirPat::new(kind, ty, span)
}

fn rename(pattern: &mut HirPat, from: super::hir::BindingId, to: super::hir::BindingId) {
    match &mut pattern.kind {
        PatKind::Bind(id, inner) => {
            if *id == from {
                *id = to;
            }
            if let Some(inner) = inner {
                rename(inner, from, to);
            }
        }
        PatKind::Or(parts) | PatKind::Tuple(parts) => {
            for part in parts {
                rename(part, from, to);
            }
        }
        PatKind::Some(inner) => rename(inner, from, to),
        PatKind::Variant(variant) => variant.parts.iter_mut().for_each(|(_, part)| rename(part, from, to)),
        PatKind::Wild
        | PatKind::Bool(_)
        | PatKind::Int(..)
        | PatKind::Float(..)
        | PatKind::Str(_)
        | PatKind::Bytes(_)
        | PatKind::None => {}
    }
}
