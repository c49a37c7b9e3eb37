//! `s.parse::<T>()`, and the `Result` that it gives: an `Option` whose `None` is called `Err`.

use super::hir::{Hir, HirKind};
use super::infer::{Body, Deferred};
use super::lower::Lower;
use super::types::{Ty, integer_range};
use super::value::{Value, binary, if_};
use crate::diagnostics::text as say;
use sabot_ir::ast::{self, Name};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// Whether integers of one type can be asked whether they are some of the other.
pub(super) fn is_tried(from: &Ty, to: &Ty) -> bool {
    let Ty::Result(to, _) = to else { return false };
    from.is_error() || to.is_error() || (from.is_integer() && to.is_integer())
}

impl Body<'_, '_> {
    /// `T::try_from(x)`, `x.try_into()`: which integers fit is said when both types are known.
    pub(super) fn try_into(&mut self, value: Hir, to: Ty, span: Span) -> Hir {
        let from = self.table.resolve(&value.ty);
        if to == Ty::CHAR && from == Ty::U32 {
            let c = super::text::call(sabot_ir::text::TextFunction::CharFromU32, vec![value], span);
            return Hir { ty: Ty::Result(Box::new(Ty::CHAR), Box::new(Ty::Failure)), ..c };
        }
        let ty = Ty::Result(Box::new(to), Box::new(Ty::Failure));
        let tried = Hir::new(HirKind::Into(Box::new(value)), ty.clone(), span);
        // A block may be taken for an `Option` without the conversion becoming another one.
        Hir::new(HirKind::Block(Vec::new(), Some(Box::new(tried))), ty, span)
    }

    /// `s.parse::<T>()`.
    pub(super) fn parse(&mut self, text: Hir, inner: Ty, span: Span) -> Hir {
        self.deferred.push(Deferred::Parse(inner.clone(), span));
        Hir::new(HirKind::Call(Function::Parse, vec![text]), Ty::Result(Box::new(inner), Box::new(Ty::Failure)), span)
    }

    /// A method of what `parse` gives: an `Option` whose `None` is called `Err`.
    pub(super) fn result_method(
        &mut self,
        result: Hir,
        inner: &Ty,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Hir {
        let option = Hir { ty: inner.clone().option(), ..result };
        let as_option = |text: &str| Name { text: text.to_owned(), span: name.span };
        match (name.text.as_str(), args) {
            ("ok", []) => Hir { span, ..option },
            ("is_ok", []) => self.option_method(option, inner, receiver, &as_option("is_some"), args, hint, span),
            ("is_err", []) => self.option_method(option, inner, receiver, &as_option("is_none"), args, hint, span),
            ("is_ok_and", [_]) => {
                self.option_method(option, inner, receiver, &as_option("is_some_and"), args, hint, span)
            }
            ("unwrap_or" | "unwrap_or_default" | "map_or" | "unwrap" | "expect", _) => {
                self.option_method(option, inner, receiver, name, args, hint, span)
            }
            ("unwrap_or_else", [ast::Expr { kind: ast::ExprKind::Closure(closure), span: at }])
                if closure.params.len() == 1 =>
            {
                // What the error says is no value here.
                let closure = ast::Closure { params: Vec::new(), ..closure.clone() };
                let closure = ast::Expr { kind: ast::ExprKind::Closure(closure), span: *at };
                self.option_method(option, inner, receiver, name, &[closure], hint, span)
            }
            ("map", [_]) => {
                let mapped = self.option_method(option, inner, receiver, name, args, None, span);
                let Ty::Option(inner) = mapped.ty.clone() else { return mapped };
                Hir { ty: Ty::Result(inner, Box::new(Ty::Failure)), ..mapped }
            }
            _ => {
                for arg in args {
                    if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                        self.expr(arg, None);
                    }
                }
                if !self.table.deep(inner).is_error() {
                    let shown = self.show(inner);
                    self.cx.say(say::result_method(&name.text, &shown, name.span));
                }
                Hir::error(span)
            }
        }
    }

    /// At the end of a body: whether text can be read as this type.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what the library reads is a list, and the rest is not read")]
    pub(super) fn check_parse(&mut self, ty: &Ty, span: Span) {
        let ty = self.table.finish(ty);
        match &ty {
            Ty::Error | Ty::Never => {}
            Ty::Var(_) => self.cx.say(say::parse_as_what(span)),
            ty if ty
                .column_type()
                .is_some_and(|ty| sabot_ir::text::is_parsed(&ty) || super::library::parse_of(&ty).is_some()) => {}
            ty => {
                let shown = self.cx.show(ty);
                self.cx.say(say::not_parsed(&shown, span));
            }
        }
    }
}

impl Lower<'_, '_> {
    /// `T::try_from(x)` of integers: there, if the value is one of the other type.
    pub(super) fn tried(&mut self, x: &Hir, to: &Ty, span: Span) -> Value {
        let value = self.scalar(x);
        let value = self.bind_expr(value);
        let (Some(column), Some((least, greatest)), Some((low, high))) =
            (to.column_type(), integer_range(&x.ty), integer_range(to))
        else {
            return Value::Scalar(value);
        };
        let ask = |op, bound: i128| {
            let bound = Expr::literal(Literal::Int(bound), value.ty.clone());
            binary(op, value.clone(), bound, Type::Bool, span)
        };
        let mut fits = Expr::bool(true);
        if least < low {
            fits = ask(BinaryOp::Ge, low);
        }
        if greatest > high {
            fits = binary(BinaryOp::And, fits, ask(BinaryOp::Le, high), Type::Bool, span);
        }
        let cast =
            if value.ty == column { value } else { Expr::new(ExprKind::Cast(Box::new(value)), column.clone(), span) };
        let option = column.optional();
        let some = Expr::new(ExprKind::Some(Box::new(cast)), option.clone(), span);
        let none = Expr::new(ExprKind::None, option, span);
        Value::Scalar(if_(&self.sides, fits, some, none, span))
    }
}
