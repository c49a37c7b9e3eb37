//! `regex!("..")`: the pattern is compiled here, so that a mistake in it is a message, and in the plan it is a literal.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are patterns")]

use super::hir::{Hir, HirKind};
use super::infer::Body;
use super::text::{call, string};
use super::types::Ty;
use crate::diagnostics::text as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, ExprKind, Literal, Name};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_library::Regex;

/// The methods of a pattern, what else than the text they take, and which function they are.
const METHODS: [(&str, usize, TextFunction); 4] = [
    ("is_match", 1, TextFunction::RegexIsMatch),
    ("count", 1, TextFunction::RegexCount),
    ("capture", 2, TextFunction::RegexCapture),
    ("replace_all", 2, TextFunction::RegexReplaceAll),
];

/// The arguments of `regex!`, if that is what the expression is.
pub(super) fn pattern_of(expr: &ast::Expr) -> Option<&[ast::Expr]> {
    if let ExprKind::Reference(inner) = &expr.kind {
        return pattern_of(inner);
    }
    if let ExprKind::Macro(name, args) = &expr.kind { (name.text == "regex").then_some(args) } else { None }
}

impl Body<'_, '_> {
    /// The arguments of the `regex!` that an expression is, or that the variable was made with.
    pub(super) fn regex_of(&self, expr: &ast::Expr) -> Option<Vec<ast::Expr>> {
        match &expr.kind {
            ExprKind::Reference(inner) => self.regex_of(inner),
            ExprKind::Name(name) => {
                let (id, _) = self.bound_since(0, name)?;
                self.regexes.get(&id).cloned()
            }
            _ => pattern_of(expr).map(<[ast::Expr]>::to_vec),
        }
    }

    /// `regex!(pattern).name(args)`.
    pub(super) fn regex_method(
        &mut self,
        pattern: &[ast::Expr],
        at: Span,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Hir {
        let text = match pattern {
            [ast::Expr { kind: ExprKind::Literal(Literal::String(text)), span }] => Some((text, *span)),
            _ => None,
        };
        let Some((text, literal)) = text else {
            self.cx.say(say::regex_without_text(at));
            return Hir::error(span);
        };
        let regex = match Regex::new(text) {
            Ok(regex) => regex,
            Err(error) => {
                let place = place_in(literal, text, error.at);
                self.cx.say(say::bad_regex(&error.message, place));
                return Hir::error(span);
            }
        };
        if let Some(hir) = self.regex_matches(text, literal, &regex, name, args, span) {
            return hir;
        }
        let Some((name, arity, function)) = METHODS.iter().find(|(known, ..)| *known == name.text) else {
            let known: Vec<&str> = METHODS.iter().map(|(name, ..)| *name).chain(super::matches::METHODS).collect();
            self.cx.say(say::regex_method(&name.text, &known, name.span));
            return Hir::error(span);
        };
        if args.len() != *arity {
            return self.wrong_arity(name, *arity, args, at, span);
        }
        let subject = self.expect(&args[0], &Ty::STRING, Why::Argument { function: name, index: 0 });
        let mut all = vec![subject, string(text, literal)];
        if let Some(arg) = args.get(1) {
            let ty = if *function == TextFunction::RegexCapture { Ty::Usize } else { Ty::STRING };
            let value = self.expect(arg, &ty, Why::Argument { function: name, index: 1 });
            if let HirKind::Int(group) = value.kind
                && usize::try_from(group).is_ok_and(|group| group > regex.groups())
            {
                self.cx.say(say::regex_group(group, regex.groups(), value.span));
                return Hir::error(span);
            }
            all.push(value);
        }
        call(*function, all, span)
    }
}

/// A place in a pattern as a place in the source, where the literal is the pattern but for its quotes.
fn place_in(literal: Span, text: &str, (from, to): (usize, usize)) -> Span {
    let outside = (literal.end - literal.start) as usize - text.len();
    // `".."`, `r".."`, `r#".."#`, ..
    let before = if outside == 2 { 1 } else { outside.div_ceil(2) };
    let is_plain = text.is_ascii() && (outside == 2 || outside % 2 == 1) && to <= text.len();
    if !is_plain {
        return literal;
    }
    let start = literal.start as usize + before;
    Span::new(start + from, start + to.max(from + 1).min(text.len() + 1))
}
