//! Methods of strings that look for a condition instead of a text: `s.find(|c| ..)`, `s.trim_matches(char::is_numeric)`,
//! `s.contains(['a', 'b'])`. They are loops over the characters.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::chain::{Iter, Pass, block, local, not, set, when};
use super::hir::{Hir, HirKind, HirStatement};
use super::infer::Body;
use super::option::bind_params;
use super::text::{call, position};
use super::types::Ty;
use sabot_ir::ast::{self, BinaryOp, ExprKind, PatternKind};
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

/// The methods that take a condition.
const METHODS: [&str; 8] =
    ["contains", "starts_with", "ends_with", "find", "rfind", "trim_start_matches", "trim_end_matches", "trim_matches"];

/// The condition that an argument is: a closure, a function of `char`, or some characters.
pub(super) fn condition_of(arg: &ast::Expr) -> Option<ast::Expr> {
    match &arg.kind {
        ExprKind::Closure(_) => Some(arg.clone()),
        ExprKind::Path(path) if path.first().is_some_and(|first| first == "char") => Some(arg.clone()),
        ExprKind::Reference(inner) => condition_of(inner),
        // `&['a', 'b'][..]`
        ExprKind::Index(array, range) if matches!(range.kind, ExprKind::Range(None, None, _)) => condition_of(array),
        ExprKind::Array(items) => Some(any_of(items, arg.span)),
        _ => None,
    }
}

/// `|c| c == a || c == b`
fn any_of(items: &[ast::Expr], span: Span) -> ast::Expr {
    let at = |kind| ast::Expr { kind, span };
    let name = "$c".to_owned();
    let same = |item: &ast::Expr| {
        let read = Box::new(at(ExprKind::Name(name.clone())));
        at(ExprKind::Binary(BinaryOp::Eq, read, Box::new(item.clone())))
    };
    let either = |a, b: &ast::Expr| at(ExprKind::Binary(BinaryOp::Or, Box::new(a), Box::new(same(b))));
    let body = match items.split_first() {
        Some((first, rest)) => rest.iter().fold(same(first), either),
        None => at(ExprKind::Literal(ast::Literal::Bool(false))),
    };
    let pattern = ast::Pattern { kind: PatternKind::Bind(name.clone(), false, None), span };
    let params = vec![(pattern, None)];
    at(ExprKind::Closure(ast::Closure { params, body: Box::new(body), returns: None, moves: false, span }))
}

impl Body<'_, '_> {
    /// `text.name(condition)`; nothing if the method takes none.
    pub(super) fn text_search(&mut self, text: Hir, name: &str, condition: &ast::Expr, span: Span) -> Option<Hir> {
        let name = METHODS.iter().find(|known| **known == name)?;
        let len = |of: &Hir| Hir::new(HirKind::Call(Function::Len, vec![of.clone()]), Ty::Usize, span);
        let slice = |of: &Hir, from, to| call(TextFunction::Slice, vec![of.clone(), from, to], span);
        let is_some = |option: Hir| super::text::is_some(option, span);
        let result = match *name {
            "contains" => self.search(text, condition, name, true, false, span).map(is_some),
            "find" => self.search(text, condition, name, true, false, span),
            "rfind" => self.search(text, condition, name, true, true, span),
            "starts_with" => {
                let first = call(TextFunction::NthChar, vec![text, position(0, span)], span);
                self.option_holds(first, condition, name, span)
            }
            "ends_with" => self.option_holds(call(TextFunction::LastChar, vec![text], span), condition, name, span),
            "trim_start_matches" => self.with_text(text, span, |this, text| {
                let from = this.first_other(text, condition, name, span)?;
                Some(slice(text, from, len(text)))
            }),
            "trim_end_matches" => self.with_text(text, span, |this, text| {
                let to = this.last_other(text, condition, name, span)?;
                Some(slice(text, position(0, span), to))
            }),
            _ => self.with_text(text, span, |this, text| {
                let from = this.first_other(text, condition, name, span)?;
                this.with_text(slice(text, from, len(text)), span, |this, text| {
                    let to = this.last_other(text, condition, name, span)?;
                    Some(slice(text, position(0, span), to))
                })
            }),
        };
        Some(result.unwrap_or_else(|| Hir::error(span)))
    }

    /// `{ let t = text; make(t) }`
    fn with_text(&mut self, text: Hir, span: Span, make: impl FnOnce(&mut Self, &Hir) -> Option<Hir>) -> Option<Hir> {
        let mut lets = Vec::new();
        let text = self.named(text, &Ty::STRING, &mut lets);
        let tail = make(self, &text)?;
        let ty = tail.ty.clone();
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(tail))), ty, span))
    }

    fn option_holds(&mut self, option: Hir, condition: &ast::Expr, method: &str, span: Span) -> Option<Hir> {
        // The character of `None` is never asked about.
        let mut lets = Vec::new();
        let ty = option.ty.clone();
        let option = self.named(option, &ty, &mut lets);
        let zero = Hir::new(HirKind::Int(0), Ty::CHAR, span);
        let c = Hir::new(HirKind::Call(Function::UnwrapOr, vec![option.clone(), zero]), Ty::CHAR, span);
        let holds = self.applied_to(condition, vec![c], Some(&Ty::BOOL), method)?;
        let there = Box::new(super::text::is_some(option, span));
        let both = Hir::new(HirKind::Binary(BinaryOp::And, there, Box::new(holds)), Ty::BOOL, span);
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(both))), Ty::BOOL, span))
    }

    /// Where the first character begins that does not hold, or the length.
    fn first_other(&mut self, text: &Hir, condition: &ast::Expr, method: &str, span: Span) -> Option<Hir> {
        let found = self.search(text.clone(), condition, method, false, false, span)?;
        let len = Hir::new(HirKind::Call(Function::Len, vec![text.clone()]), Ty::Usize, span);
        Some(Hir::new(HirKind::Call(Function::UnwrapOr, vec![found, len]), Ty::Usize, span))
    }

    /// Where the last character ends that does not hold, or 0.
    fn last_other(&mut self, text: &Hir, condition: &ast::Expr, method: &str, span: Span) -> Option<Hir> {
        let found = self.search(text.clone(), condition, method, false, true, span)?;
        let mut lets = Vec::new();
        let found = self.named(found, &Ty::Usize.option(), &mut lets);
        let zero = position(0, span);
        let at = Hir::new(HirKind::Call(Function::UnwrapOr, vec![found.clone(), zero.clone()]), Ty::Usize, span);
        let at = self.named(at, &Ty::Usize, &mut lets);
        let len = Hir::new(HirKind::Call(Function::Len, vec![text.clone()]), Ty::Usize, span);
        let rest = call(TextFunction::Slice, vec![text.clone(), at.clone(), len], span);
        let c = call(TextFunction::NthChar, vec![rest, zero.clone()], span);
        let nothing = Hir::new(HirKind::Int(0), Ty::CHAR, span);
        let c = Hir::new(HirKind::Call(Function::UnwrapOr, vec![c, nothing]), Ty::CHAR, span);
        let behind = vec![at, call(TextFunction::CharLen, vec![c], span)];
        let behind = Hir::new(HirKind::Call(Function::WrappingAdd, behind), Ty::Usize, span);
        let there = Box::new(super::text::is_some(found, span));
        let end = HirKind::If(there, Box::new(behind), Some(Box::new(zero)));
        let end = Hir::new(end, Ty::Usize, span);
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(end))), Ty::Usize, span))
    }

    /// Where the first or last character begins of which the condition is `wanted`.
    fn search(
        &mut self,
        text: Hir,
        condition: &ast::Expr,
        method: &str,
        wanted: bool,
        backwards: bool,
        span: Span,
    ) -> Option<Hir> {
        let (mut lets, mut pass) = (Vec::new(), Vec::new());
        let text = self.named(text, &Ty::STRING, &mut lets);
        let first = if backwards {
            Hir::new(HirKind::Call(Function::Len, vec![text.clone()]), Ty::Usize, span)
        } else {
            position(0, span)
        };
        let at = self.state(first, &mut lets);
        let id = self.loop_id();
        let leave = Hir::new(HirKind::Break(id, None), Ty::Never, span);
        let go_on = Hir::new(HirKind::Continue(id), Ty::Never, span);
        let places = Iter::Chars { text, at, reversed: backwards, indices: true };
        let item = self.next(&places, &Pass { end: leave.clone(), skip: go_on, span }, &mut pass);
        let HirKind::Tuple(parts) = item.kind else { return None };
        let [place, c] = <[Hir; 2]>::try_from(parts).ok()?;
        let holds = self.applied_to(condition, vec![c], Some(&Ty::BOOL), method)?;
        let ty = Ty::Usize.option();
        let found = self.state(Hir::new(HirKind::None, ty.clone(), span), &mut lets);
        let some = Hir::new(HirKind::Some(Box::new(place)), ty.clone(), span);
        let decided = if wanted { holds } else { not(holds) };
        pass.push(when(decided, vec![set(found, some), HirStatement::Expr(leave)]));
        let looped = HirKind::Loop(id, Box::new(block(pass, span)));
        lets.push(HirStatement::Expr(Hir::new(looped, Ty::unit(), span)));
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(local(found, &ty, span)))), ty, span))
    }

    /// The value of a closure that is called with these.
    fn applied_to(&mut self, arg: &ast::Expr, values: Vec<Hir>, result: Option<&Ty>, method: &str) -> Option<Hir> {
        let types: Vec<Ty> = values.iter().map(|value| value.ty.clone()).collect();
        let closure = self.callback(arg, &types, result, method)?;
        Some(bind_params(closure, values, arg.span))
    }
}
