//! Methods that change a string in its place: `s.push(c)` is `s = s + c`, and so on.
//!
//! Strings are values: whoever has a copy keeps what it had. What is appended to the string that was made last is appended
//! in place when the job runs.

use super::hir::{Hir, HirArm, HirKind, HirPat, HirStatement, PatKind, Place};
use super::infer::Body;
use super::text::{call, position, string};
use super::types::Ty;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, Name};
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

/// Their names, and how many arguments they take.
pub(super) const METHODS: [(&str, usize); 10] = [
    ("push", 1),
    ("push_str", 1),
    ("clear", 0),
    ("truncate", 1),
    ("pop", 0),
    ("insert", 2),
    ("insert_str", 2),
    ("remove", 1),
    ("make_ascii_uppercase", 0),
    ("make_ascii_lowercase", 0),
];

impl Body<'_, '_> {
    /// `place.name(args)` where that changes the string; nothing if it is no such method.
    pub(super) fn text_change(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let (known, arity) = METHODS.iter().find(|(known, _)| *known == name.text)?;
        if args.len() != *arity {
            return Some(self.wrong_arity(known, *arity, args, name.span, span));
        }
        let behind = self.place_behind(receiver);
        let receiver = &behind;
        if super::assign::is_in_list(receiver) {
            return Some(self.changed_inside(receiver, name, args, span));
        }
        let Some((place, ..)) = self.place(receiver) else { return Some(Hir::error(span)) };
        let text = self.expr(receiver, None);
        let mut values = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            let ty = match (*known, index) {
                ("push", _) | ("insert", 1) => Ty::CHAR,
                ("push_str", _) | ("insert_str", 1) => Ty::STRING,
                _ => Ty::Usize,
            };
            values.push(self.expect(arg, &ty, Why::Argument { function: known, index }));
        }
        Some(self.changed(known, &place, &text, values, span))
    }

    fn changed(&mut self, name: &str, place: &Place, text: &Hir, values: Vec<Hir>, span: Span) -> Hir {
        let set = |value: Hir| Hir::new(HirKind::Assign(place.clone(), Box::new(value)), Ty::unit(), span);
        let len = |of: &Hir| Hir::new(HirKind::Call(Function::Len, vec![of.clone()]), Ty::Usize, span);
        let slice = |from: Hir, to: Hir| call(TextFunction::Slice, vec![text.clone(), from, to], span);
        let concat = |a: Hir, b: Hir| call(TextFunction::Concat, vec![a, b], span);
        match (name, values.as_slice()) {
            ("push", [c]) => set(push(text.clone(), c.clone(), span)),
            ("push_str", [more]) => set(concat(text.clone(), more.clone())),
            ("clear", _) => set(string("", span)),
            ("truncate", [most]) => {
                let args = vec![most.clone(), len(text)];
                let to = Hir::new(HirKind::Call(Function::Min, args), Ty::Usize, span);
                set(slice(position(0, span), to))
            }
            ("make_ascii_uppercase", _) => set(call(TextFunction::ToAsciiUppercase, vec![text.clone()], span)),
            ("make_ascii_lowercase", _) => set(call(TextFunction::ToAsciiLowercase, vec![text.clone()], span)),
            ("insert" | "insert_str", [_, _]) => self.let_in(values, span, |values| {
                let before = slice(position(0, span), values[0].clone());
                let with = if name == "insert" {
                    push(before, values[1].clone(), span)
                } else {
                    concat(before, values[1].clone())
                };
                set(concat(with, slice(values[0].clone(), len(text))))
            }),
            ("remove", [_]) => {
                let c = self.new_binding(Ty::CHAR);
                let removed = || Hir::new(HirKind::Local(c), Ty::CHAR, span);
                self.let_in(values, span, |values| {
                    let found = call(TextFunction::CharAt, vec![text.clone(), values[0].clone()], span);
                    let args = vec![values[0].clone(), call(TextFunction::CharLen, vec![removed()], span)];
                    let behind = Hir::new(HirKind::Call(Function::WrappingAdd, args), Ty::Usize, span);
                    let before = slice(position(0, span), values[0].clone());
                    let rest = set(concat(before, slice(behind, len(text))));
                    let bind = HirPat::new(PatKind::Bind(c, None), Ty::CHAR, span);
                    let statements = vec![HirStatement::Let(bind, found), HirStatement::Expr(rest)];
                    Hir::new(HirKind::Block(statements, Some(Box::new(removed()))), Ty::CHAR, span)
                })
            }
            // `pop`
            _ => {
                let ty = Ty::CHAR.option();
                let (last, c) = (self.new_binding(ty.clone()), self.new_binding(Ty::CHAR));
                let popped = || Hir::new(HirKind::Local(last), ty.clone(), span);
                let some = HirPat::new(PatKind::Bind(c, None), Ty::CHAR, span);
                let some = HirPat::new(PatKind::Some(Box::new(some)), ty.clone(), span);
                let width = call(TextFunction::CharLen, vec![Hir::new(HirKind::Local(c), Ty::CHAR, span)], span);
                let args = vec![len(text), width];
                let to = Hir::new(HirKind::Call(Function::WrappingSub, args), Ty::Usize, span);
                let shorter = slice(position(0, span), to);
                let wild = HirPat::new(PatKind::Wild, ty.clone(), span);
                let arms = vec![
                    HirArm { pattern: some, guard: None, body: shorter },
                    HirArm { pattern: wild, guard: None, body: string("", span) },
                ];
                let rest = Hir::new(HirKind::Match(Box::new(popped()), arms), Ty::STRING, span);
                let found = call(TextFunction::LastChar, vec![text.clone()], span);
                let bind = HirPat::new(PatKind::Bind(last, None), ty.clone(), span);
                let statements = vec![HirStatement::Let(bind, found), HirStatement::Expr(set(rest))];
                Hir::new(HirKind::Block(statements, Some(Box::new(popped()))), ty.clone(), span)
            }
        }
    }
}

/// A string and behind it a character.
pub(super) fn push(text: Hir, c: Hir, span: Span) -> Hir {
    let args = vec![text, c, string("", span)];
    Hir::new(HirKind::Call(Function::Append, args), Ty::STRING, span)
}
