//! `s.split(t).next()`, `s.split(t).nth(n)`: one part of a text, for which no loop is needed.

use super::chain::{Form, Iter};
use super::hir::{BindingId, Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::list::position;
use super::text::call;
use crate::diagnostics::types::Why;
use sabot_ir::ast;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

impl Iter {
    /// Where the parts of a text are counted, if it is those and nothing else.
    pub(super) fn split_states(&self) -> Option<[BindingId; 3]> {
        if let Self::Split { start, from, done, form: Form::Split, .. } = self {
            Some([*start, *from, *done])
        } else {
            None
        }
    }
}

impl Body<'_, '_> {
    /// The first part, or the one with a number; none of it has been read.
    pub(super) fn split_part(
        &mut self,
        (iter, mut lets): (Iter, Vec<HirStatement>),
        states: [BindingId; 3],
        n: Option<&ast::Expr>,
        span: Span,
    ) -> Hir {
        let n = n.map_or_else(|| position(0, span), |n| self.expect(n, &super::types::Ty::Usize, Why::Index));
        let Iter::Split { text, pattern, .. } = iter else { return Hir::error(span) };
        let is_state = |statement: &HirStatement| match statement {
            HirStatement::Let(HirPat { kind: PatKind::Bind(id, _), .. }, _) => states.contains(id),
            HirStatement::Let(..) | HirStatement::LetElse(..) | HirStatement::Expr(_) => false,
        };
        lets.retain(|statement| !is_state(statement));
        let part = call(TextFunction::SplitNth, vec![text, pattern, n], span);
        let ty = part.ty.clone();
        Hir::new(HirKind::Block(lets, Some(Box::new(part))), ty, span)
    }
}
