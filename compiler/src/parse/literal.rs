//! Literals.

use super::Reader;
use crate::diagnostics::syntax;
use sabot_ir::ast::{Expr, ExprKind};
use sabot_ir::ast::{Literal, UnaryOp};

/// The suffixes that name a type of the language.
const INTEGERS: [&str; 10] = ["i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize"];

impl Reader<'_> {
    /// A literal; nothing if it was reported.
    pub(super) fn literal(&mut self, literal: &syn::Lit) -> Option<Literal> {
        let at = self.span(literal.span());
        match literal {
            syn::Lit::Bool(value) => Some(Literal::Bool(value.value)),
            syn::Lit::Int(number) => {
                if matches!(number.suffix(), "f32" | "f64") {
                    return self.float(number.base10_digits(), number.suffix(), at);
                }
                if !number.suffix().is_empty() && !INTEGERS.contains(&number.suffix()) {
                    self.diagnostics.push(if ["i128", "u128"].contains(&number.suffix()) {
                        syntax::unsupported_type(
                            at,
                            &format!("`{}`", number.suffix()),
                            "write `i64` or `u64`, which every machine has",
                        )
                    } else {
                        syntax::unknown_suffix(at, number.suffix())
                    });
                    return None;
                }
                match number.base10_digits().parse::<i128>() {
                    Ok(value) => Some(Literal::Int(value, suffix(number.suffix()))),
                    Err(_) => {
                        self.diagnostics.push(syntax::literal_out_of_range(at));
                        None
                    }
                }
            }
            syn::Lit::Float(number) => self.float(number.base10_digits(), number.suffix(), at),
            syn::Lit::Str(text) if text.suffix().is_empty() => Some(Literal::String(text.value())),
            syn::Lit::Char(value) if value.suffix().is_empty() => Some(Literal::Char(value.value())),
            syn::Lit::ByteStr(bytes) if bytes.suffix().is_empty() => Some(Literal::Bytes(bytes.value())),
            syn::Lit::Byte(byte) if byte.suffix().is_empty() => {
                Some(Literal::Int(byte.value().into(), Some("u8".to_owned())))
            }
            syn::Lit::Str(_) | syn::Lit::Char(_) | syn::Lit::ByteStr(_) | syn::Lit::Byte(_) => {
                self.diagnostics.push(syntax::unknown_suffix(at, literal.suffix()));
                None
            }
            _ => {
                // C strings, and whatever syn does not know
                self.diagnostics.push(syntax::unsupported_expr(
                    at,
                    "this kind of literal",
                    "write a string `\"..\"` or bytes `b\"..\"`",
                ));
                None
            }
        }
    }

    fn float(&mut self, digits: &str, written: &str, at: sabot_ir::span::Span) -> Option<Literal> {
        if !matches!(written, "" | "f32" | "f64") {
            self.diagnostics.push(syntax::unknown_suffix(at, written));
            return None;
        }
        // `1e39f32` must be rounded once, to f32, and is then exact as f64.
        let value =
            if written == "f32" { digits.parse::<f32>().map(f64::from).ok() } else { digits.parse::<f64>().ok() };
        match value {
            Some(value) if value.is_finite() => Some(Literal::Float(value, suffix(written))),
            Some(_) | None => {
                self.diagnostics.push(syntax::literal_out_of_range(at));
                None
            }
        }
    }
}

fn suffix(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The literal that an expression is, with its sign.
pub(super) fn constant(expr: &Expr) -> Option<Literal> {
    match &expr.kind {
        ExprKind::Literal(literal) => Some(literal.clone()),
        ExprKind::Unary(UnaryOp::Neg, inner) => match constant(inner)? {
            Literal::Int(value, suffix) => Some(Literal::Int(value.checked_neg()?, suffix)),
            Literal::Float(value, suffix) => Some(Literal::Float(-value, suffix)),
            Literal::Bool(_) | Literal::String(_) | Literal::Char(_) | Literal::Bytes(_) => None,
        },
        ExprKind::Reference(inner) => constant(inner),
        ExprKind::MutReference(_)
        | ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::Field(..)
        | ExprKind::Unary(UnaryOp::Not | UnaryOp::Deref, _)
        | ExprKind::Binary(..)
        | ExprKind::Cast(..)
        | ExprKind::If(..)
        | ExprKind::Match(..)
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
        | ExprKind::Error => None,
    }
}
