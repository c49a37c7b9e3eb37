//! What typed code does besides giving a value: jumps, assignments, and the variables that it names.

#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{BindingId, Hir, HirKind, HirStatement};
use std::collections::BTreeSet;

impl Hir {
    /// Whether a `return` stands in it that leaves the body it belongs to, or a `let .. else`, which is lowered in the same
    /// way: what follows goes into a branch.
    pub(super) fn has_return(&self) -> bool {
        if matches!(self.kind, HirKind::Body(_) | HirKind::Aggregate(_)) {
            return false;
        }
        matches!(self.kind, HirKind::Return(_)) || self.has_let_else() || self.any_child(&mut Self::has_return)
    }

    /// Whether it cannot be decided before a branch is taken: it holds a `return`, or a `let .. else` outside of its own loops,
    /// which have one of theirs wherever a chain of iterators goes over `Option`s.
    pub(super) fn leaves(&self) -> bool {
        match self.kind {
            HirKind::Body(_) | HirKind::Aggregate(_) => false,
            HirKind::Return(_) => true,
            HirKind::Loop(..) => self.returns(),
            _ => self.has_let_else() || self.any_child(&mut Self::leaves),
        }
    }

    fn returns(&self) -> bool {
        match self.kind {
            HirKind::Body(_) | HirKind::Aggregate(_) => false,
            HirKind::Return(_) => true,
            _ => self.any_child(&mut Self::returns),
        }
    }

    /// Whether it is more than a value: it assigns, loops or jumps.
    pub(super) fn is_active(&self) -> bool {
        if let HirKind::Body(body) = &self.kind {
            return body.changes_or_jumps();
        }
        if matches!(self.kind, HirKind::Aggregate(_)) {
            return false;
        }
        matches!(self.kind, HirKind::Return(_))
            || self.has_let_else()
            || self.changes_here()
            || self.any_child(&mut Self::is_active)
    }

    /// As [`Self::is_active`], but that a `return` does not count.
    fn changes_or_jumps(&self) -> bool {
        if matches!(self.kind, HirKind::Aggregate(_)) {
            return false;
        }
        self.changes_here() || self.any_child(&mut Self::changes_or_jumps)
    }

    fn changes_here(&self) -> bool {
        matches!(
            self.kind,
            HirKind::Assign(..) | HirKind::Loop(..) | HirKind::Labeled(..) | HirKind::Break(..) | HirKind::Continue(_)
        )
    }

    fn has_let_else(&self) -> bool {
        matches!(&self.kind, HirKind::Block(statements, _)
            if statements.iter().any(|statement| matches!(statement, HirStatement::LetElse(..))))
    }

    /// The variables that it assigns to, those of closures that are called in it included.
    pub(super) fn assigned(&self, found: &mut BTreeSet<BindingId>) {
        if let HirKind::Assign(place, _) = &self.kind {
            found.insert(place.binding);
        }
        self.for_each_child(&mut |child| child.assigned(found));
    }

    /// The variables that it reads or assigns to.
    pub(super) fn named(&self, found: &mut BTreeSet<BindingId>) {
        if let HirKind::Local(id) = &self.kind {
            found.insert(*id);
        }
        if let HirKind::Assign(place, _) = &self.kind {
            found.insert(place.binding);
        }
        self.for_each_child(&mut |child| child.named(found));
    }

    fn any_child(&self, holds: &mut dyn FnMut(&Hir) -> bool) -> bool {
        let mut found = false;
        self.for_each_child(&mut |child| found = found || holds(child));
        found
    }
}
