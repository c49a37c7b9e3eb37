//! Variables that change where there is no loop: every branch has its own values of them, and where branches meet each
//! variable is one of two values. So code that assigns is as pure as code that does not, and runs in vectors.
//!
//! The frame always holds the present value of each variable. A branch that assigns gives, beside its own value, those of
//! the variables that any branch assigns to; what was bound on the way to them joins the region around.

use super::hir::{BindingId, Hir, HirKind, Place};
use super::lower::{Lower, unit};
use super::machine::return_type;
use super::types::Ty;
use super::value::{Value, is_never, retyped};
use sabot_ir::expr::Expr;
use std::collections::{BTreeMap, BTreeSet};

/// What the body of a closure gives beside its value.
#[derive(Clone, Default)]
pub(super) struct BodyEnd {
    /// The variables around that it assigns to.
    changed: Vec<BindingId>,
    /// For a part of a body: the type of its value where it goes on instead of returning.
    goes_on: Option<Ty>,
}

impl Lower<'_, '_> {
    /// The variables around that some of these assign to.
    pub(super) fn changed_by<'h>(&mut self, parts: impl Iterator<Item = &'h Hir>) -> Vec<BindingId> {
        if !self.mutates {
            return Vec::new();
        }
        let mut assigned = BTreeSet::new();
        for part in parts {
            part.assigned(&mut assigned);
        }
        let frame = self.frame();
        assigned.retain(|id| frame.contains_key(id));
        assigned.into_iter().collect()
    }

    /// The present values of all variables, to come back to; nothing where nothing changes.
    pub(super) fn present(&mut self) -> Option<BTreeMap<BindingId, Value>> {
        if self.mutates { Some(self.frame().clone()) } else { None }
    }

    /// The values that [`Self::present`] gave.
    pub(super) fn restore(&mut self, present: &Option<BTreeMap<BindingId, Value>>) {
        if let Some(present) = present {
            self.frame().clone_from(present);
        }
    }

    /// A branch's value with those of the variables that change.
    pub(super) fn pack(&mut self, value: Value, changed: &[BindingId]) -> Value {
        if changed.is_empty() {
            return value;
        }
        let mut parts = vec![value];
        for id in changed {
            let held = self.frame().get(id).cloned();
            parts.push(held.unwrap_or_else(unit));
        }
        Value::Parts(parts)
    }

    /// The value of branches that have met, where their variables have theirs.
    pub(super) fn unpack(&mut self, value: Value, changed: &[BindingId]) -> Value {
        if changed.is_empty() {
            return value;
        }
        let Value::Parts(parts) = value else { return value };
        let mut parts = parts.into_iter();
        let own = parts.next().unwrap_or_else(unit);
        for (id, held) in changed.iter().zip(parts) {
            let held = self.bind_value(held);
            self.frame().insert(*id, held);
        }
        self.changes += 1;
        own
    }

    /// What a body gives at its end, or at a `return`.
    pub(super) fn finish_body(&mut self, value: Value) -> Value {
        let Some(end) = self.packs.last().cloned() else { return value };
        match end.goes_on {
            None => self.pack(value, &end.changed),
            Some(ty) => {
                let nothing = Value::nothing(self.cx, &ty);
                let parts = Value::Parts(vec![Value::Scalar(Expr::bool(true)), value, nothing]);
                self.pack(parts, &end.changed)
            }
        }
    }

    /// Code that may return or go on in several ways: whether it has returned is a value, so that what follows stands there
    /// once.
    pub(super) fn flagged(
        &mut self,
        hir: &Hir,
        branches: &mut dyn FnMut(&mut Self, &mut dyn FnMut(&mut Self, Value) -> Value) -> Value,
    ) -> (Expr, Value, Value) {
        let changed = self.changed_by([hir].into_iter());
        let present = self.present();
        let returns = return_type(hir).unwrap_or(Ty::Never);
        self.packs.push(BodyEnd { changed: changed.clone(), goes_on: Some(hir.ty.clone()) });
        let (region, value) = self.in_region(|lower| {
            branches(lower, &mut |lower, value| {
                let nothing = Value::nothing(lower.cx, &returns);
                let parts = Value::Parts(vec![Value::Scalar(Expr::bool(false)), nothing, value]);
                lower.pack(parts, &changed)
            })
        });
        self.packs.pop();
        if let Some(outer) = self.regions.last_mut() {
            outer.extend(region);
        }
        self.restore(&present);
        let value = self.unpack(value, &changed);
        let value = self.bind_value(value);
        if let Value::Parts(parts) = value
            && let Ok([Value::Scalar(flag), returned, on]) = <[Value; 3]>::try_from(parts)
        {
            return (flag, returned, on);
        }
        (Expr::bool(false), unit(), unit())
    }

    /// The body of a closure that is called where it stands.
    pub(super) fn called_body(&mut self, body: &Hir) -> Value {
        let changed = self.changed_by([body].into_iter());
        let present = self.present();
        self.packs.push(BodyEnd { changed: changed.clone(), goes_on: None });
        let value = self.local_region(|lower| lower.tail(body));
        self.packs.pop();
        self.restore(&present);
        self.unpack(value, &changed)
    }

    /// `place = value`.
    pub(super) fn assign(&mut self, place: &Place, value: Value) -> Value {
        let value = self.bind_value(value);
        let mut whole = self.frame().get(&place.binding).cloned().unwrap_or_else(unit);
        let mut at = &mut whole;
        for field in &place.fields {
            let Value::Parts(parts) = at else { return unit() };
            let Some(part) = parts.get_mut(*field) else { return unit() };
            at = part;
        }
        *at = value;
        self.frame().insert(place.binding, whole);
        self.changes += 1;
        unit()
    }

    /// A value of this type, where `value` is the one that never comes to be.
    pub(super) fn never_value(&mut self, value: Value, ty: &Ty) -> Value {
        if let Value::Scalar(expr) = &value
            && is_never(expr)
        {
            return Value::of_type(self.cx, ty, &mut |ty| retyped(expr.clone(), &ty));
        }
        self.discard(value);
        Value::default_of(self.cx, ty)
    }

    /// Whether code assigns to anything.
    pub(super) fn assigns(hir: &Hir) -> bool {
        let mut assigned = BTreeSet::new();
        hir.assigned(&mut assigned);
        !assigned.is_empty()
    }

    /// Parts that are evaluated in order: where a later one changes something, the earlier ones keep the value they have.
    pub(super) fn named_parts(&mut self, hir: &Hir) -> Option<Value> {
        let mut named = hir.clone();
        let mut parts: Vec<(BindingId, Hir)> = Vec::new();
        named.for_each_part(&mut |part| {
            let id = self.hidden_binding();
            let local = Hir::new(HirKind::Local(id), part.ty.clone(), part.span);
            parts.push((id, std::mem::replace(part, local)));
        });
        let last = parts.iter().rposition(|(_, part)| part.is_active())?;
        for (position, (id, part)) in parts.iter().enumerate() {
            let mut value = self.value(part);
            if position < last {
                value = self.bind_value(value);
            }
            self.frame().insert(*id, value);
        }
        Some(self.value(&named))
    }
}
