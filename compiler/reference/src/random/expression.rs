//! Random expressions over the columns of a stream.

use super::{Rng, random_value};
use crate::value::Value;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, ParamId, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::{Schema, Type};

/// Makes one expression.
pub(super) struct ExprBuilder<'a> {
    pub(super) rng: &'a mut Rng,
    pub(super) types: Vec<Type>,
    pub(super) params: Vec<Type>,
    pub(super) schema: &'a Schema,
    pub(super) fallible: bool,
    /// In scope.
    pub(super) locals: Vec<(LocalId, Type)>,
    pub(super) next_local: u32,
}

impl ExprBuilder<'_> {
    pub(super) fn expr(&mut self, ty: &Type, depth: u32) -> Expr {
        let kind = if depth == 0 || self.rng.percent(20) { self.leaf(ty) } else { self.kind(ty, depth - 1) };
        Expr::new(kind, ty.clone(), Span::NONE)
    }

    fn boxed(&mut self, ty: &Type, depth: u32) -> Box<Expr> {
        Box::new(self.expr(ty, depth))
    }

    fn any_type(&mut self) -> Type {
        let ty = self.rng.pick(&self.types).clone();
        if self.rng.percent(25) { ty.optional() } else { ty }
    }

    fn leaf(&mut self, ty: &Type) -> ExprKind {
        let mut leaves: Vec<ExprKind> = (0u32..)
            .zip(&self.schema.fields)
            .filter(|(_, field)| field.ty == *ty)
            .map(|(at, _)| ExprKind::Column(at))
            .collect();
        leaves.extend(self.locals.iter().filter(|(_, of)| of == ty).map(|(local, _)| ExprKind::Local(*local)));
        if self.rng.percent(30) {
            let params = (0u32..).zip(&self.params).filter(|(_, of)| *of == ty);
            leaves.extend(params.map(|(at, _)| ExprKind::Param(ParamId(at))));
        }
        if !leaves.is_empty() && self.rng.percent(75) {
            return self.rng.pick(&leaves).clone();
        }
        if let Type::Option(inner) = ty {
            return if self.rng.percent(40) { ExprKind::None } else { ExprKind::Some(self.boxed(inner, 0)) };
        }
        ExprKind::Literal(match random_value(self.rng, ty) {
            Value::Bool(value) => Literal::Bool(value),
            Value::Int(value) => Literal::Int(value),
            Value::Float32(value) => Literal::Float(f64::from(value)),
            Value::Float64(value) => Literal::Float(value),
            Value::String(value) => Literal::String(value),
            Value::Bytes(value) => Literal::Bytes(value),
            Value::Unit | Value::Null | Value::List(_) => Literal::Unit,
        })
    }

    fn kind(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(10) {
            0 => ExprKind::If {
                condition: self.boxed(&Type::Bool, depth),
                then: self.boxed(ty, depth),
                otherwise: self.boxed(ty, depth),
            },
            1 => {
                let of = self.any_type();
                let value = self.boxed(&of, depth);
                let (local, body) = self.with_local(of, ty, depth);
                ExprKind::Let { local, value, body }
            }
            2 => {
                let of = self.any_type().optional();
                let option = self.boxed(&of, depth);
                let (local, then) = self.with_local(of.value_type().clone(), ty, depth);
                ExprKind::IfSome { option, local, then, otherwise: self.boxed(ty, depth) }
            }
            3 if !ty.is_option() => {
                let args = vec![self.expr(&ty.clone().optional(), depth), self.expr(ty, depth)];
                ExprKind::Call(Function::UnwrapOr, args)
            }
            _ => self.of_type(ty, depth),
        }
    }

    fn with_local(&mut self, of: Type, ty: &Type, depth: u32) -> (LocalId, Box<Expr>) {
        let local = LocalId(self.next_local);
        self.next_local += 1;
        self.locals.push((local, of));
        let body = self.boxed(ty, depth);
        self.locals.pop();
        (local, body)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no operators of its own is a leaf")]
    fn of_type(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match ty {
            Type::Bool => self.truth(depth),
            Type::Option(inner) if inner.is_integer() && self.rng.percent(50) => {
                let functions =
                    [Function::CheckedAdd, Function::CheckedSub, Function::CheckedDiv, Function::CheckedRem];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(inner, depth), self.expr(inner, depth)])
            }
            Type::Option(inner) => ExprKind::Some(self.boxed(inner, depth)),
            ty if ty.is_integer() => self.integer(ty, depth),
            ty if ty.is_float() => self.float(ty, depth),
            Type::String => self.text(depth),
            ty => self.leaf(ty),
        }
    }

    /// A string that is made, or a part of one.
    fn text(&mut self, depth: u32) -> ExprKind {
        let functions = [
            TextFunction::Concat,
            TextFunction::Trim,
            TextFunction::ToUppercase,
            TextFunction::Reversed,
            TextFunction::Replace,
            TextFunction::TrimStartMatches,
        ];
        let function = *self.rng.pick(&functions);
        let args = function.args().iter().map(|arg| self.expr(&arg.ty(), depth)).collect();
        ExprKind::Call(Function::Text(function), args)
    }

    fn truth(&mut self, depth: u32) -> ExprKind {
        match self.rng.below(10) {
            0 => ExprKind::Unary(UnaryOp::Not, self.boxed(&Type::Bool, depth)),
            1 | 2 => {
                let op = *self.rng.pick(&[BinaryOp::And, BinaryOp::Or]);
                ExprKind::Binary(op, self.boxed(&Type::Bool, depth), self.boxed(&Type::Bool, depth))
            }
            3 => {
                let of = self.any_type().optional();
                ExprKind::IsSome(self.boxed(&of, depth))
            }
            4 if self.types.contains(&Type::String) => {
                let functions = [Function::StartsWith, Function::EndsWith, Function::Contains];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(&Type::String, depth), self.expr(&Type::String, depth)])
            }
            5 if self.types.contains(&Type::Float64) => {
                // Not the sign: that of a NaN is no value of the language.
                let function = *self.rng.pick(&[Function::IsNan, Function::IsFinite]);
                ExprKind::Call(function, vec![self.expr(&Type::Float64, depth)])
            }
            _ => {
                let ops = [BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge];
                let op = *self.rng.pick(&ops);
                let of = self.any_type();
                ExprKind::Binary(op, self.boxed(&of, depth), self.boxed(&of, depth))
            }
        }
    }

    fn integer(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(8) {
            0 | 1 if self.fallible => {
                let ops = [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Rem];
                let op = *self.rng.pick(&ops);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            2 => {
                let op = *self.rng.pick(&[BinaryOp::BitAnd, BinaryOp::BitOr, BinaryOp::BitXor]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            3 => {
                let from = self.any_type().value_type().clone();
                let castable = from.is_integer() || from.is_float() || from == Type::Bool;
                let from = if castable { from } else { Type::Int64 };
                ExprKind::Cast(self.boxed(&from, depth))
            }
            4 if *ty == Type::UInt64 && self.types.contains(&Type::String) => {
                ExprKind::Call(Function::Len, vec![self.expr(&Type::String, depth)])
            }
            _ => {
                let functions = [
                    Function::WrappingAdd,
                    Function::WrappingSub,
                    Function::WrappingMul,
                    Function::SaturatingAdd,
                    Function::SaturatingSub,
                    Function::Min,
                    Function::Max,
                ];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(ty, depth), self.expr(ty, depth)])
            }
        }
    }

    fn float(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(8) {
            0 => {
                let functions = [Function::Floor, Function::Sqrt, Function::Round, Function::Trunc, Function::Abs];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(ty, depth)])
            }
            1 => {
                let from = self.rng.pick(&[Type::Int64, Type::Float64]).clone();
                ExprKind::Cast(self.boxed(&from, depth))
            }
            2 => ExprKind::Unary(UnaryOp::Neg, self.boxed(ty, depth)),
            3 => {
                let function = *self.rng.pick(&[Function::Min, Function::Max]);
                // Which zero `min` gives is not decided: neither side has two of them.
                let one = Expr::new(ExprKind::Literal(Literal::Float(1.0)), ty.clone(), Span::NONE);
                ExprKind::Call(function, vec![self.expr(ty, depth), one])
            }
            _ => {
                let op = *self.rng.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
        }
    }
}
