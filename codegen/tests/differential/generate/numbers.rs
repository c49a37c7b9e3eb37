//! Random expressions that are numbers or times.

use super::Generator;
use sabot_ir::expr::{BinaryOp, ExprKind, Function, Literal, UnaryOp};
use sabot_ir::math::FastFunction;

use sabot_ir::ty::Type;

impl Generator<'_> {
    pub(super) fn time(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(3) {
            0 => {
                let function = *self.rng.pick(&[Function::Min, Function::Max]);
                self.call(function, &[ty, ty], depth)
            }
            1 => {
                let from = if *ty == Type::Date { Type::Int32 } else { Type::Int64 };
                ExprKind::Cast(self.boxed(&from, depth))
            }
            _ => self.leaf(ty),
        }
    }

    pub(super) fn integer(&mut self, ty: &Type, depth: u32) -> ExprKind {
        let signed = ty.is_signed_integer();
        match self.rng.below(16) {
            0..=2 => {
                let op = *self.rng.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            3 => {
                let op = *self.rng.pick(&[BinaryOp::Div, BinaryOp::Rem]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            4 => {
                // Mostly by a constant that is none of the special ones.
                let op = *self.rng.pick(&[BinaryOp::Div, BinaryOp::Rem]);
                let by = ExprKind::Literal(Literal::Int(*self.rng.pick(&[1, 2, 3, 7, 10, 64, 100])));
                let by = self.node(by, ty);
                ExprKind::Binary(op, self.boxed(ty, depth), Box::new(by))
            }
            5 => {
                let op = *self.rng.pick(&[BinaryOp::BitAnd, BinaryOp::BitOr, BinaryOp::BitXor]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            6 => {
                let op = *self.rng.pick(&[BinaryOp::Shl, BinaryOp::Shr]);
                let by = if self.vector_only || self.rng.percent(50) {
                    let bits = ty.width().unwrap_or(8) as u64 * 8;
                    let distance = ExprKind::Literal(Literal::Int(i128::from(self.rng.below(bits))));
                    self.node(distance, &Type::Int32)
                } else {
                    let of = self.rng.pick(&[Type::Int32, Type::UInt8, Type::Int64]).clone();
                    self.expr(&of, depth)
                };
                ExprKind::Binary(op, self.boxed(ty, depth), Box::new(by))
            }
            7 => {
                let from = self.castable();
                ExprKind::Cast(self.boxed(&from, depth))
            }
            8 if signed => {
                let function = *self.rng.pick(&[Function::Abs, Function::WrappingAbs]);
                self.call(function, &[ty], depth)
            }
            9 if signed => ExprKind::Unary(UnaryOp::Neg, self.boxed(ty, depth)),
            10 => ExprKind::Unary(UnaryOp::Not, self.boxed(ty, depth)),
            11 => {
                let functions = [Function::Min, Function::Max];
                let function = *self.rng.pick(&functions);
                self.call(function, &[ty, ty], depth)
            }
            12 => self.call(Function::Clamp, &[ty, ty, ty], depth),
            13 if self.vector_only => {
                let functions = [
                    Function::WrappingAdd,
                    Function::WrappingSub,
                    Function::WrappingMul,
                    Function::SaturatingAdd,
                    Function::SaturatingSub,
                ];
                let function = *self.rng.pick(&functions);
                self.call(function, &[ty, ty], depth)
            }
            13 => {
                let functions = [
                    Function::WrappingAdd,
                    Function::WrappingSub,
                    Function::WrappingMul,
                    Function::SaturatingAdd,
                    Function::SaturatingSub,
                    Function::SaturatingMul,
                    Function::RemEuclid,
                    Function::DivEuclid,
                ];
                let function = *self.rng.pick(&functions);
                self.call(function, &[ty, ty], depth)
            }
            14 if self.rng.percent(50) => {
                let function = *self.rng.pick(&[Function::RemEuclid, Function::DivEuclid]);
                let by = ExprKind::Literal(Literal::Int(*self.rng.pick(&[1, 2, 3, 7, 10, 64, 100])));
                let by = self.node(by, ty);
                ExprKind::Call(function, vec![self.expr(ty, depth), by])
            }
            14 => match ty {
                Type::UInt32 if !self.vector_only => {
                    let of = self.base_type();
                    let of = if of.is_integer() { of } else { Type::Int16 };
                    let functions = [Function::CountOnes, Function::LeadingZeros, Function::TrailingZeros];
                    let function = *self.rng.pick(&functions);
                    self.call(function, &[&of], depth)
                }
                Type::UInt64 if !self.vector_only => {
                    let of = self.rng.pick(&[Type::String, Type::Bytes]).clone();
                    self.call(Function::Len, &[&of], depth)
                }
                Type::UInt16 => {
                    let of = self.rng.pick(&[Type::Int16, Type::UInt16]).clone();
                    self.call(Function::AbsDiff, &[&of, &of], depth)
                }
                Type::UInt64 => {
                    let of = self.rng.pick(&[Type::Int64, Type::UInt64]).clone();
                    self.call(Function::AbsDiff, &[&of, &of], depth)
                }
                _ => {
                    let exponent = ExprKind::Literal(Literal::Int(i128::from(self.rng.below(6))));
                    let exponent = self.node(exponent, &Type::UInt32);
                    ExprKind::Call(Function::Pow, vec![self.expr(ty, depth), exponent])
                }
            },
            15 if signed => self.call(Function::Signum, &[ty], depth),
            _ => self.leaf(ty),
        }
    }

    pub(super) fn castable(&mut self) -> Type {
        loop {
            let ty = self.base_type();
            if ty.is_integer() || ty.is_float() || ty == Type::Bool {
                return ty;
            }
        }
    }

    pub(super) fn float(&mut self, ty: &Type, depth: u32) -> ExprKind {
        if *ty == Type::Float64 && self.rng.percent(15) {
            // Done for 64 rows at once in vectors.
            return if self.rng.percent(50) {
                let function = *self.rng.pick(FastFunction::ALL);
                self.call(Function::Fast(function), &vec![ty; function.arity()], depth)
            } else {
                let functions = [Function::Exp, Function::Ln, Function::Sin, Function::Tanh, Function::Cbrt];
                match self.rng.below(7) {
                    0 => self.call(Function::Powf, &[ty, ty], depth),
                    1 => self.call(Function::Hypot, &[ty, ty], depth),
                    _ => {
                        let function = *self.rng.pick(&functions);
                        self.call(function, &[ty], depth)
                    }
                }
            };
        }
        match self.rng.below(14) {
            0..=4 => {
                let op = *self.rng.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            5 => {
                let by = ExprKind::Literal(Literal::Float(*self.rng.pick(&[2.0, 4.0, 0.5, -8.0, 3.0, 1e300])));
                let by = if *ty == Type::Float32 { ExprKind::Literal(Literal::Float(2.0)) } else { by };
                let by = self.node(by, ty);
                ExprKind::Binary(BinaryOp::Div, self.boxed(ty, depth), Box::new(by))
            }
            6 | 7 => {
                let functions = [
                    Function::Floor,
                    Function::Ceil,
                    Function::Sqrt,
                    Function::Round,
                    Function::Trunc,
                    Function::Abs,
                    Function::Fract,
                    Function::Recip,
                    Function::Signum,
                ];
                let function = *self.rng.pick(&functions);
                self.call(function, &[ty], depth)
            }
            8 => {
                let narrow = [Type::Int32, Type::UInt32, Type::Int16, Type::Float64, Type::Float32, Type::UInt8];
                let from = if *ty == Type::Float64 || !self.vector_only {
                    self.castable()
                } else {
                    self.rng.pick(&narrow).clone()
                };
                if from == Type::Bool {
                    return self.leaf(ty);
                }
                ExprKind::Cast(self.boxed(&from, depth))
            }
            9 => ExprKind::Unary(UnaryOp::Neg, self.boxed(ty, depth)),
            10 => {
                // Which zero `min` gives is not decided: neither side has two of them.
                let function = *self.rng.pick(&[Function::Min, Function::Max]);
                let one = self.node(ExprKind::Literal(Literal::Float(1.0)), ty);
                if self.rng.percent(50) {
                    ExprKind::Call(function, vec![self.expr(ty, depth), one])
                } else {
                    ExprKind::Call(function, vec![one, self.expr(ty, depth)])
                }
            }
            11 => self.call(Function::Clamp, &[ty, ty, ty], depth),
            12 if self.vector_only && *ty == Type::Float64 => {
                let sign = self.node(ExprKind::Literal(Literal::Float(-1.0)), ty);
                ExprKind::Call(Function::Copysign, vec![self.expr(ty, depth), sign])
            }
            12 if !self.vector_only => {
                let functions = [
                    Function::Exp,
                    Function::Ln,
                    Function::Sin,
                    Function::Cbrt,
                    Function::Powf,
                    Function::Hypot,
                    Function::RemEuclid,
                    Function::MulAdd,
                ];
                let function = *self.rng.pick(&functions);
                match function {
                    Function::Powf | Function::Hypot | Function::RemEuclid => self.call(function, &[ty, ty], depth),
                    Function::MulAdd => self.call(function, &[ty, ty, ty], depth),
                    function => self.call(function, &[ty], depth),
                }
            }
            13 if self.rng.percent(40) => {
                let exponent = ExprKind::Literal(Literal::Int(i128::from(self.rng.below(9)) - 3));
                let exponent = self.node(exponent, &Type::Int32);
                ExprKind::Call(Function::Powi, vec![self.expr(ty, depth), exponent])
            }
            13 if !self.vector_only => {
                if self.rng.percent(50) {
                    self.call(Function::Powi, &[ty, &Type::Int32], depth)
                } else {
                    ExprKind::Binary(BinaryOp::Rem, self.boxed(ty, depth), self.boxed(ty, depth))
                }
            }
            _ => self.leaf(ty),
        }
    }
}
