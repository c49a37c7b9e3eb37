//! `s.chars().filter(|c| *c == wanted).count()`: how often a character is in a text, for which no loop is needed.

use super::chain::Iter;
use super::hir::{BindingId, Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::text::call;
use super::types::Ty;
use sabot_ir::expr::BinaryOp;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

/// Characters of a text that are one character.
pub(super) struct Alike {
    /// Where in the text the iterator stands.
    at: BindingId,
    text: Hir,
    wanted: Hir,
}

impl Iter {
    /// The text and the character, if it is those of its characters that are that one.
    pub(super) fn alike(&self) -> Option<Alike> {
        let Self::Filter(of, closure) = self else { return None };
        let Self::Chars { text, at, indices: false, .. } = &**of else { return None };
        let [HirPat { kind: PatKind::Bind(item, None), .. }] = &closure.params[..] else { return None };
        let HirKind::Binary(BinaryOp::Eq, a, b) = &closure.body.kind else { return None };
        let is_item = |hir: &Hir| matches!(&hir.kind, HirKind::Local(id) if id == item);
        let wanted = match (is_item(a), is_item(b)) {
            (true, false) => b,
            (false, true) => a,
            (true, true) | (false, false) => return None,
        };
        // Whatever is more than a name may fail, or not, when there is no character at all.
        let is_name = matches!(wanted.kind, HirKind::Local(_) | HirKind::Int(_));
        is_name.then(|| Alike { at: *at, text: text.clone(), wanted: (**wanted).clone() })
    }
}

impl Body<'_, '_> {
    /// How many they are; none of them has been read.
    pub(super) fn count_alike(&mut self, mut lets: Vec<HirStatement>, alike: Alike, span: Span) -> Hir {
        let is_state = |statement: &HirStatement| match statement {
            HirStatement::Let(HirPat { kind: PatKind::Bind(id, _), .. }, _) => *id == alike.at,
            HirStatement::Let(..) | HirStatement::LetElse(..) | HirStatement::Expr(_) => false,
        };
        lets.retain(|statement| !is_state(statement));
        let count = call(TextFunction::CountOf, vec![alike.text, alike.wanted], span);
        Hir::new(HirKind::Block(lets, Some(Box::new(count))), Ty::Usize, span)
    }
}
