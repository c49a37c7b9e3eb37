//! What is so little that computing it in any case costs less than a branch that is mispredicted: the arms of an `if`, the right
//! side of `&&`, assignments under a condition.
//!
//! Only what neither traps nor calls is computed where control would not have come to. An overflow there is no row error: it
//! counts under [`ScalarCx::path`] alone.

use super::{Scalar, ScalarCx};
use crate::column::Class;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_ir::body::{Statement, VariableId};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, UnaryOp};
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;

/// Instructions, or about as many, up to which both arms of an `if` together are computed.
const MOST: u32 = 12;

/// And up to which the right side of `&&` and `||` is.
const MOST_RIGHT: u32 = 6;

/// Variables that are chosen, rather than assigned to behind a branch.
const MOST_VARIABLES: usize = 3;

/// Whether both arms may be computed.
pub(super) fn arms(then: &Expr, otherwise: &Expr) -> bool {
    cost(then).zip(cost(otherwise)).is_some_and(|(a, b)| a + b <= MOST)
}

/// Whether the right side of `&&` or `||` may be computed in any case.
pub(super) fn right_side(expr: &Expr) -> bool {
    cost(expr).is_some_and(|cost| cost <= MOST_RIGHT)
}

/// The assignments that statements are, if they are little and nothing else.
pub(super) fn assignments<'s>(
    then: &'s [Statement],
    otherwise: &'s [Statement],
) -> Option<[Vec<(VariableId, &'s Expr)>; 2]> {
    let of = |statements: &'s [Statement]| {
        let each = statements.iter().map(|statement| match statement {
            Statement::Assign(id, value) => Some((*id, value)),
            Statement::Evaluate(_)
            | Statement::If { .. }
            | Statement::IfSome { .. }
            | Statement::Block { .. }
            | Statement::Loop { .. }
            | Statement::Break(_)
            | Statement::Continue(_) => None,
        });
        each.collect::<Option<Vec<_>>>()
    };
    let both = [of(then)?, of(otherwise)?];
    let count: usize = both.iter().map(Vec::len).sum();
    let mut total = 0;
    for (_, value) in both.iter().flatten() {
        total += cost(value)?;
    }
    (count <= MOST_VARIABLES && total <= MOST).then_some(both)
}

/// About how many instructions an expression is; `None` if it may trap, calls, or reads what may not be there.
fn cost(expr: &Expr) -> Option<u32> {
    let alone = match &expr.kind {
        ExprKind::Literal(Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::Unit)
        | ExprKind::Local(_)
        | ExprKind::Variable(_)
        | ExprKind::None
        | ExprKind::Some(_)
        | ExprKind::IsSome(_)
        | ExprKind::Let { .. } => 0,
        ExprKind::Column(_) | ExprKind::Param(_) if is_number(&expr.ty) => 1,
        ExprKind::Unary(UnaryOp::Not, _) => 1,
        ExprKind::Unary(UnaryOp::Neg, x) if x.ty.is_float() => 1,
        ExprKind::Binary(op, a, b) if is_number(&a.ty) && !a.ty.is_option() => binary(*op, a, b)?,
        ExprKind::Cast(x) if is_number(&x.ty) && is_number(&expr.ty) => {
            if x.ty.is_float() && !expr.ty.is_float() {
                6
            } else {
                1
            }
        }
        ExprKind::If { .. } => 1,
        ExprKind::Call(function, args) => call(*function, args)?,
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Compute(..)
        | ExprKind::Fail(_) => return None,
    };
    let mut total = alone;
    for child in expr.children() {
        total += cost(child)?;
    }
    Some(total)
}

fn is_number(ty: &Type) -> bool {
    match Class::of(ty) {
        Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => true,
        Class::Unit | Class::Str | Class::List(_) | Class::Decimal => false,
    }
}

fn binary(op: BinaryOp, a: &Expr, b: &Expr) -> Option<u32> {
    Some(match op {
        // An overflow is seen together with the condition.
        BinaryOp::Add | BinaryOp::Sub if !a.ty.is_float() => 4,
        BinaryOp::Mul if !a.ty.is_float() => 6,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => 2,
        BinaryOp::Shl | BinaryOp::Shr if matches!(b.as_literal(), Some(Literal::Int(0..64))) => 3,
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => 1,
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => 2,
        BinaryOp::Div | BinaryOp::Rem | BinaryOp::Shl | BinaryOp::Shr => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few functions are a few instructions")]
fn call(function: Function, args: &[Expr]) -> Option<u32> {
    if !args.iter().all(|arg| is_number(&arg.ty)) {
        return match function {
            Function::Len | Function::IsEmpty if Class::of(&args.first()?.ty) == Class::Str => Some(1),
            _ => None,
        };
    }
    Some(match function {
        Function::WrappingAdd | Function::WrappingSub | Function::WrappingNeg => 1,
        Function::WrappingMul | Function::Min | Function::Max => 3,
        Function::Abs if args.first()?.ty.is_float() => 1,
        Function::IsNan => 1,
        Function::Text(
            TextFunction::IsAscii
            | TextFunction::IsAsciiDigit
            | TextFunction::IsAsciiUppercase
            | TextFunction::IsAsciiLowercase
            | TextFunction::IsAsciiAlphabetic,
        ) => 3,
        _ => return None,
    })
}

impl ScalarCx<'_, '_> {
    /// Evaluates what counts only if a condition (0 or 1) holds, though it is computed in any case.
    pub(super) fn under<T>(&mut self, condition: Value, evaluate: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path;
        self.path = Some(match before {
            Some(path) => self.fx.builder.ins().band(path, condition),
            None => condition,
        });
        let value = evaluate(self);
        self.path = before;
        value
    }

    /// The opposite of a condition.
    pub(super) fn opposite(&mut self, condition: Value) -> Value {
        self.fx.builder.ins().bxor_imm_u(condition, 1)
    }

    /// What is bad only where it counts.
    pub(super) fn on_path(&mut self, bad: Value) -> Value {
        let Some(path) = self.path else { return bad };
        let flag = if self.fx.type_of(bad) == types::I8 { bad } else { self.is_not_zero(bad) };
        self.fx.builder.ins().band(flag, path)
    }

    fn is_not_zero(&mut self, value: Value) -> Value {
        self.fx.builder.ins().icmp_imm_u(cranelift_codegen::ir::condcodes::IntCC::NotEqual, value, 0)
    }

    /// One of two values of a type, `Option` or not, without a branch.
    pub(super) fn choose_of(&mut self, ty: &Type, condition: Value, if_true: Scalar, if_false: Scalar) -> Scalar {
        let chosen = self.choose(condition, if_true, if_false);
        let valid = ty.is_option().then(|| {
            let [a, b] = [if_true, if_false].map(|one| match one.valid {
                Some(valid) => valid,
                None => self.fx.int(types::I8, 1),
            });
            self.fx.select(condition, a, b)
        });
        Scalar { valid, ..chosen }
    }
}
