//! `enum`s and structs whose fields have no names: their values and their patterns.
//!
//! An `enum` is a record: first which variant it is, then the fields of all variants. Those of other variants hold a default,
//! always the same one, so that values are equal, and ordered, as their parts are.

use super::Cx;
use super::hir::{Hir, HirKind, HirPat, PatKind, VariantPat};
use super::infer::Body;
use super::types::{RecordId, Ty};
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::{generics, names};
use sabot_ir::ast::{self, Name, Pattern};
use sabot_ir::span::Span;

/// A variant of an `enum`.
#[derive(Clone, Debug)]
pub(super) struct VariantTy {
    /// Its name.
    pub(super) name: String,
    /// Its fields, and where they are in the whole value.
    pub(super) fields: Vec<(String, usize)>,
    /// What `as` makes of it.
    pub(super) discriminant: i128,
}

impl VariantTy {
    /// Whether its fields have no names.
    pub(super) fn is_tuple(&self) -> bool {
        self.fields.first().is_some_and(|(name, _)| name == "0")
    }
}

impl Cx<'_> {
    /// The variants of a type, if it is an `enum`.
    pub(super) fn variants(&self, id: RecordId) -> &[VariantTy] {
        self.record(id).shape.variants()
    }

    /// The `enum` and the number of its variant that `Owner::name` is.
    pub(super) fn variant_named(&self, owner: &str, name: &str) -> Option<(RecordId, usize)> {
        let id = *self.record_names.get(owner)?;
        let at = self.variants(id).iter().position(|variant| variant.name == name)?;
        Some((id, at))
    }
}

impl Body<'_, '_> {
    /// `Side::Buy`; nothing if there is none of this name.
    pub(super) fn unit_variant(&mut self, owner: &str, name: &str, span: Span) -> Option<Hir> {
        let (id, at) = self.cx.variant_named(owner, name)?;
        let variant = self.cx.variants(id)[at].clone();
        if !variant.fields.is_empty() {
            let written = format!("{owner}::{name}");
            let fields: Vec<String> = variant.fields.iter().map(|(name, _)| name.clone()).collect();
            self.cx.say(names::record_as_value(&written, &fields, span));
            return Some(Hir::error(span));
        }
        Some(variant_value(id, at, Vec::new(), span))
    }

    /// `Token::Number(x)`, `Price(x)`; nothing if it is another call.
    pub(super) fn tuple_value(&mut self, path: &[&str], args: &[ast::Expr], at: Span, span: Span) -> Option<Hir> {
        let (id, number, fields) = match path {
            [name] => {
                let id = *self.cx.record_names.get(*name)?;
                let count = self.cx.record(id).fields.len();
                if self.cx.record(id).position("0") != Some(0) {
                    return None;
                }
                (id, None, (0..count).collect::<Vec<_>>())
            }
            [owner, name] => {
                let (id, number) = self.cx.variant_named(owner, name)?;
                let variant = &self.cx.variants(id)[number];
                if !variant.is_tuple() {
                    return None;
                }
                (id, Some(number), variant.fields.iter().map(|(_, position)| *position).collect())
            }
            _ => return None,
        };
        let name = path.join("::");
        if args.len() != fields.len() {
            let known: Vec<String> = (0..fields.len()).map(|at| format!("field_{at}")).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            for arg in args {
                self.expr(arg, None);
            }
            self.cx.say(say::wrong_arity(&name, &known, args.len(), at, Some(self.cx.record(id).span)));
            return Some(Hir::error(span));
        }
        let mut given = Vec::with_capacity(args.len());
        for (index, (arg, position)) in args.iter().zip(fields).enumerate() {
            let ty = self.cx.record(id).fields[position].ty.clone();
            let why = Why::Argument { function: &name, index };
            let value = self.expect(arg, &ty, why);
            self.must_own(arg, &value, why);
            given.push((position, value));
        }
        Some(match number {
            Some(number) => variant_value(id, number, given, span),
            None => Hir::new(HirKind::Record(given, None), Ty::Record(id), span),
        })
    }

    /// `Token::Word { text, len }`; nothing if it is no variant.
    pub(super) fn record_variant(&mut self, name: &Name, fields: &[(Name, ast::Expr)], span: Span) -> Option<Hir> {
        let (owner, last) = name.text.split_once("::")?;
        let (id, number) = self.cx.variant_named(owner, last)?;
        let variant = self.cx.variants(id)[number].clone();
        let declared = self.cx.record(id).span;
        let known: Vec<&str> = variant.fields.iter().map(|(name, _)| name.as_str()).collect();
        let mut given: Vec<(usize, Hir)> = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            let Some((_, position)) = variant.fields.iter().find(|(known, _)| *known == field.text) else {
                self.cx.say(names::extra_field(&name.text, &field.text, &known, field.span, declared));
                self.expr(value, None);
                continue;
            };
            let (ty, declared) =
                (self.cx.record(id).fields[*position].ty.clone(), self.cx.record(id).fields[*position].span);
            let why = Why::Field { record: &name.text, field: &field.text, declared };
            let typed = self.expect(value, &ty, why);
            self.must_own(value, &typed, why);
            if given.iter().any(|(earlier, _)| earlier == position) {
                self.cx.say(names::field_twice(&field.text, field.span));
            } else {
                given.push((*position, typed));
            }
        }
        let missing = variant.fields.iter().filter(|(_, position)| !given.iter().any(|(have, _)| have == position));
        let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
        if !missing.is_empty() && given.len() == fields.len() {
            self.cx.say(names::missing_fields(&name.text, &missing, name.span, declared));
        }
        Some(variant_value(id, number, given, span))
    }

    /// `Side::Buy`, `Token::Number(p)`, `Price(p)` as a pattern; nothing if it is another path.
    pub(super) fn tuple_pattern(&mut self, path: &[&str], inner: &[Pattern], ty: &Ty, span: Span) -> Option<HirPat> {
        let (id, number, fields) = match path {
            [name] if !inner.is_empty() => {
                let id = *self.cx.record_names.get(*name)?;
                (self.cx.record(id).position("0") == Some(0)).then_some(())?;
                (id, None, (0..self.cx.record(id).fields.len()).collect::<Vec<_>>())
            }
            [owner, name] => {
                let (id, number) = self.cx.variant_named(owner, name)?;
                let variant = &self.cx.variants(id)[number];
                if !variant.fields.is_empty() && !variant.is_tuple() {
                    return None;
                }
                (id, Some(number), variant.fields.iter().map(|(_, position)| *position).collect())
            }
            _ => return None,
        };
        if !self.is_of(ty, id, &path.join("::"), span) {
            inner.iter().for_each(|part| self.bind_all(part));
            return Some(HirPat::new(PatKind::Wild, Ty::Error, span));
        }
        // `..` stands for as many `_` as are missing.
        let mut full: Vec<Pattern> = inner.to_vec();
        if let Some(rest) = full.iter().position(|part| part.kind == ast::PatternKind::Rest) {
            let wild = Pattern { kind: ast::PatternKind::Wild, span: full[rest].span };
            let missing = (fields.len() + 1).saturating_sub(full.len());
            full.splice(rest..=rest, std::iter::repeat_n(wild, missing));
        }
        if full.len() != fields.len() {
            let wanted = format!("`{}` with {} fields", path.join("::"), fields.len());
            self.cx.say(say::pattern_mismatch(&wanted, &format!("one with {}", full.len()), span));
            full.iter().for_each(|part| self.bind_all(part));
            return Some(HirPat::new(PatKind::Wild, Ty::Error, span));
        }
        let mut parts = Vec::with_capacity(full.len());
        for (part, position) in full.iter().zip(fields) {
            let ty = self.cx.record(id).fields[position].ty.clone();
            parts.push((position, self.pattern(part, &ty)));
        }
        Some(match number {
            Some(number) => self.variant_pattern(id, number, parts, span),
            None => {
                HirPat::new(PatKind::Tuple(parts.into_iter().map(|(_, part)| part).collect()), Ty::Record(id), span)
            }
        })
    }

    /// `Token::Word { text, .. }` as a pattern; nothing if it is no variant.
    pub(super) fn record_variant_pattern(
        &mut self,
        name: &Name,
        fields: &[(Name, Pattern)],
        rest: bool,
        ty: &Ty,
        span: Span,
    ) -> Option<HirPat> {
        let (owner, last) = name.text.split_once("::")?;
        let (id, number) = self.cx.variant_named(owner, last)?;
        if !self.is_of(ty, id, &name.text, span) {
            fields.iter().for_each(|(_, part)| self.bind_all(part));
            return Some(HirPat::new(PatKind::Wild, Ty::Error, span));
        }
        let variant = self.cx.variants(id)[number].clone();
        let known: Vec<&str> = variant.fields.iter().map(|(name, _)| name.as_str()).collect();
        let mut parts: Vec<(usize, HirPat)> = Vec::with_capacity(fields.len());
        for (field, inner) in fields {
            let Some((_, position)) = variant.fields.iter().find(|(known, _)| *known == field.text) else {
                let declared = self.cx.record(id).span;
                self.cx.say(names::extra_field(&name.text, &field.text, &known, field.span, declared));
                self.bind_all(inner);
                continue;
            };
            let ty = self.cx.record(id).fields[*position].ty.clone();
            let part = self.pattern(inner, &ty);
            parts.push((*position, part));
        }
        let missing = variant.fields.iter().filter(|(_, position)| !parts.iter().any(|(have, _)| have == position));
        let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
        if !rest && !missing.is_empty() {
            self.cx.say(say::fields_not_matched(&missing, span));
        }
        Some(self.variant_pattern(id, number, parts, span))
    }

    fn variant_pattern(&self, id: RecordId, at: usize, parts: Vec<(usize, HirPat)>, span: Span) -> HirPat {
        let name = &self.cx.record(id).name;
        let of = self.cx.variants(id).iter().map(|variant| format!("{name}::{}", variant.name)).collect();
        HirPat::new(PatKind::Variant(Box::new(VariantPat { of, at, parts })), Ty::Record(id), span)
    }

    fn is_of(&mut self, ty: &Ty, id: RecordId, written: &str, span: Span) -> bool {
        if self.table.unify(ty, &Ty::Record(id)) {
            return true;
        }
        let shown = self.show(ty);
        self.cx.say(say::pattern_mismatch(&format!("`{written}`"), &shown, span));
        false
    }

    /// `side as i64` of an `enum` whose variants hold nothing; nothing if it is no such value.
    pub(super) fn discriminant_of(&mut self, from: &Hir, to: &Ty, span: Span) -> Option<Hir> {
        let Ty::Record(id) = self.table.resolve(&from.ty) else { return None };
        let variants = self.cx.variants(id).to_vec();
        if variants.is_empty() || variants.iter().any(|variant| !variant.fields.is_empty()) || !to.is_integer() {
            return None;
        }
        let arms = variants.iter().enumerate().map(|(at, variant)| super::hir::HirArm {
            pattern: self.variant_pattern(id, at, Vec::new(), Span::NONE),
            guard: None,
            body: Hir::new(HirKind::Int(variant.discriminant), Ty::Isize, span),
        });
        let arms = arms.collect();
        let number = Hir::new(HirKind::Match(Box::new(from.clone()), arms), Ty::Isize, span);
        Some(Hir::new(HirKind::Cast(Box::new(number)), to.clone(), span))
    }

    /// Tells of a trait that a type does not derive.
    pub(super) fn must_derive(&mut self, id: RecordId, wanted: &str, at: Span) {
        let record = self.cx.record(id);
        if let Some(derives) = record.shape.derives()
            && !derives.iter().any(|known| known == wanted)
        {
            let diagnostic = generics::not_derived(&record.name, wanted, at, record.span);
            self.cx.say(diagnostic);
        }
    }
}

fn variant_value(id: RecordId, at: usize, mut given: Vec<(usize, Hir)>, span: Span) -> Hir {
    let tag = HirKind::Int(i128::try_from(at).unwrap_or_default());
    given.insert(0, (0, Hir::new(tag, Ty::I32, span)));
    Hir::new(HirKind::Record(given, None), Ty::Record(id), span)
}
