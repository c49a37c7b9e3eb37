//! `&str` where Rust needs a `String`: both are text to a job, but the same file must be right for rustc too.
//!
//! Looks at what can be told from the code as it stands: literals, `trim` and its kin, and `&x` borrow.

use super::hir::Hir;
use super::infer::Body;
use super::snippet;
use super::types::Ty;
use crate::diagnostics::types::{self as say, Fix, Why};
use sabot_ir::ast::{Arm, Expr, ExprKind, Literal, Pattern, PatternKind, TypeName, TypeNameKind};

/// Methods of regular expressions that give a `Cow`, which is no `String` either.
const GIVE_COWS: [&str; 3] = ["replace", "replace_all", "replacen"];

/// Methods of text that give a part of it.
const GIVE_A_PART: [&str; 6] = ["as_str", "trim", "trim_start", "trim_end", "trim_start_matches", "trim_end_matches"];

/// Whether a written type is `String`, not a reference to one.
pub(super) fn is_string(ty: &TypeName) -> bool {
    matches!(&ty.kind, TypeNameKind::Path(name, args) if name == "String" && args.is_empty())
}

impl Body<'_, '_> {
    /// Tells of each `&str` that the expression gives; `value` is what it means, where a `String` or an `Option` of one is
    /// needed.
    pub(super) fn must_own(&mut self, expr: &Expr, value: &Hir, why: Why<'_>) {
        let ty = self.table.deep(&value.ty);
        let is_option = ty == Ty::STRING.option();
        if ty != Ty::STRING && !is_option {
            return;
        }
        let mut found = Vec::new();
        borrowed(expr, is_option, &mut found);
        for part in found {
            let diagnostic = say::mismatch(part.span, "String", "&str", why, Some(Fix::ToText(snippet::place(part))));
            self.cx.say(diagnostic);
        }
    }

    /// Tells of text patterns that stand against a `String`; `value` is what `matched` means.
    pub(super) fn must_borrow(&mut self, matched: &Expr, value: &Hir, arms: &[Arm]) {
        // What a name stands for, a `String` or a `&str`, is not known here.
        if !matches!(matched.kind, ExprKind::Field(..)) || self.table.deep(&value.ty) != Ty::STRING {
            return;
        }
        if let Some(pattern) = arms.iter().find_map(|arm| text_pattern(&arm.pattern)) {
            self.cx.say(say::text_pattern_of_string(pattern.span, &snippet::place(matched)));
        }
    }
}

/// The parts of an expression that give its value and borrow it; with `in_some` those inside `Some(..)`.
fn borrowed<'e>(expr: &'e Expr, in_some: bool, found: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Literal(Literal::String(_)) | ExprKind::Reference(_) if !in_some => found.push(expr),
        ExprKind::Method(receiver, name, ..)
            if !in_some && GIVE_COWS.contains(&name.text.as_str()) && super::regex::pattern_of(receiver).is_some() =>
        {
            found.push(expr);
        }
        ExprKind::Method(_, name, ..) if !in_some && GIVE_A_PART.contains(&name.text.as_str()) => found.push(expr),
        ExprKind::Call(path, args) if in_some && path.len() == 1 && path[0].text == "Some" => {
            args.iter().for_each(|arg| borrowed(arg, false, found));
        }
        ExprKind::If(_, then, Some(otherwise)) => {
            borrowed(then, in_some, found);
            borrowed(otherwise, in_some, found);
        }
        ExprKind::Match(_, arms) => arms.iter().for_each(|arm| borrowed(&arm.body, in_some, found)),
        ExprKind::Block(_, Some(tail)) => borrowed(tail, in_some, found),
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::Field(..)
        | ExprKind::Unary(..)
        | ExprKind::Reference(_)
        | ExprKind::MutReference(_)
        | ExprKind::Binary(..)
        | ExprKind::Cast(..)
        | ExprKind::If(..)
        | ExprKind::Call(..)
        | ExprKind::Method(..)
        | ExprKind::Record(..)
        | ExprKind::Tuple(_)
        | ExprKind::Block(..)
        | ExprKind::Closure(_)
        | ExprKind::Return(_)
        | ExprKind::Macro(..)
        | ExprKind::Assign(..)
        | ExprKind::Index(..)
        | ExprKind::Range(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..)
        | ExprKind::Break(..)
        | ExprKind::Continue(_)
        | ExprKind::Try(_)
        | ExprKind::Error => {}
    }
}

/// The text literal of a pattern.
fn text_pattern(pattern: &Pattern) -> Option<&Pattern> {
    match &pattern.kind {
        PatternKind::Literal(Literal::String(_)) => Some(pattern),
        PatternKind::Or(parts) => parts.iter().find_map(text_pattern),
        PatternKind::Bind(_, _, Some(inner)) => text_pattern(inner),
        PatternKind::Wild
        | PatternKind::Bind(..)
        | PatternKind::Literal(_)
        | PatternKind::Range(..)
        | PatternKind::Path(..)
        | PatternKind::Tuple(_)
        | PatternKind::Reference(_)
        | PatternKind::Record(..)
        | PatternKind::Rest
        | PatternKind::Slice(_)
        | PatternKind::Error => None,
    }
}
