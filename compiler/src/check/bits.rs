//! Numbers as their bits, their bytes and their digits: `to_bits`, `to_be_bytes`, `from_str_radix` and their kin.

use super::hir::{Hir, HirKind};
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, Name};
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::fmt::Write as _;

/// As std reads digits: a sign, then at least one digit, of a radix from 2 to 36.
const DIGITS: &str = "if r < 2 || r > 36 { panic!(\"from_ascii_radix: radix must lie in the range `[2, 36]`\") }
    let mut fits = true; let mut y: $T = 0; let mut is_first = true; let mut is_negative = false; let mut digits = 0usize;
    for c in x.chars() {
        if is_first && (c == '+' || ($S && c == '-')) { is_negative = c == '-'; } else {
            match c.to_digit(r) {
                Some(d) => {
                    digits += 1;
                    let next = match y.checked_mul(r as $T) {
                        Some(z) => if is_negative { z.checked_sub(d as $T) } else { z.checked_add(d as $T) },
                        None => None,
                    };
                    match next { Some(z) => y = z, None => fits = false }
                }
                None => fits = false,
            }
        }
        is_first = false;
        if !fits { break; }
    }
    if fits && digits > 0 { Some(y) } else { None }";

/// The unsigned integer type of a float's width.
fn bits_of(ty: &Ty) -> Option<Ty> {
    if *ty == Ty::F64 { Some(Ty::Scalar(Type::UInt64)) } else { (*ty == Ty::Scalar(Type::Float32)).then_some(Ty::U32) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of the types, `usize` and `isize` are no column types")]
fn width(ty: &Ty) -> u32 {
    match ty {
        Ty::Scalar(scalar) => u32::try_from(scalar.width().unwrap_or(8)).unwrap_or(8),
        _ => 8, // `usize`, `isize`
    }
}

impl Body<'_, '_> {
    /// `x.to_bits()`, `n.to_be_bytes()`; nothing if it is another method.
    pub(super) fn bits_method(
        &mut self,
        receiver: &Hir,
        ty: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let method = name.text.as_str();
        let known = match method {
            "to_bits" => ty.is_float(),
            "to_be_bytes" | "to_le_bytes" | "to_ne_bytes" => ty.is_number(),
            _ => false,
        };
        if !known {
            return None;
        }
        if !args.is_empty() {
            return Some(self.wrong_arity(method, 0, args, name.span, span));
        }
        let receiver = match bits_of(ty) {
            Some(bits) => Hir::new(HirKind::Call(Function::Bits, vec![receiver.clone()]), bits, span),
            None => receiver.clone(),
        };
        if method == "to_bits" {
            return Some(receiver);
        }
        let ty = receiver.ty.clone();
        let width = width(&ty);
        let mut items = String::new();
        for i in 0..width {
            let shift = if method == "to_be_bytes" { width - 1 - i } else { i } * 8;
            let _ = write!(items, "(u >> {shift}u32) as u8, ");
        }
        let code = format!("{{ let u = x as u{}; [{items}] }}", width * 8);
        Some(self.written(vec![("x", receiver, ty)], &[], &code, span))
    }

    /// `f64::from_bits(n)`, `u32::from_be_bytes(b)`, `i64::from_str_radix(s, 16)`; nothing if it is another function.
    pub(super) fn bits_call(&mut self, ty: &Ty, name: &str, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let why = |index| Why::Argument { function: "from_str_radix", index };
        match (name, args) {
            ("from_bits", [bits]) => {
                let of = bits_of(ty)?;
                let bits = self.expect(bits, &of, Why::Argument { function: "from_bits", index: 0 });
                Some(Hir::new(HirKind::Call(Function::Bits, vec![bits]), ty.clone(), span))
            }
            ("from_str_radix", [text, radix]) if ty.is_integer() => {
                let text = self.expect(text, &Ty::STRING, why(0));
                let radix = self.expect(radix, &Ty::U32, why(1));
                let code = DIGITS.replace("$T", &self.show(ty)).replace("$S", &ty.is_signed().to_string());
                let values = vec![("x", text, Ty::STRING), ("r", radix, Ty::U32)];
                let read = self.written(values, &[], &format!("{{ {code} }}"), span);
                Some(Hir { ty: Ty::Result(Box::new(ty.clone()), Box::new(Ty::Failure)), ..read })
            }
            ("from_be_bytes" | "from_le_bytes" | "from_ne_bytes", [bytes]) if ty.is_number() => {
                let bytes = self.expect(bytes, &Ty::bytes(), Why::Argument { function: "from_be_bytes", index: 0 });
                let of = bits_of(ty).unwrap_or_else(|| ty.clone());
                let width = width(&of);
                let mut parts = Vec::new();
                for i in 0..width {
                    let shift = if name == "from_be_bytes" { width - 1 - i } else { i } * 8;
                    parts.push(format!("(x[{i}] as u{}) << {shift}u32", width * 8));
                }
                let code = format!("{{ ({}) as {} }}", parts.join(" | "), self.show(&of));
                let number = self.written(vec![("x", bytes, Ty::bytes())], &[], &code, span);
                if of == *ty {
                    return Some(number);
                }
                Some(Hir::new(HirKind::Call(Function::Bits, vec![number]), ty.clone(), span))
            }
            _ => None,
        }
    }
}
