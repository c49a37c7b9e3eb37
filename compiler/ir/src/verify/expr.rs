//! What must hold of an expression: each node has the type that its form gives it, columns and parameters exist,
//! locals are bound once and used where they are in scope.

use crate::body::Body;
use crate::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, UnaryOp};
use crate::plan::Param;
use crate::text::{is_formatted, is_parsed};
use crate::ty::{Schema, Type};
use std::collections::BTreeMap;

/// What an expression may name, and what was found wrong so far.
pub struct Scope<'a> {
    schema: &'a Schema,
    params: &'a [Param],
    /// Every local that was bound, with its type and whether it is in scope.
    locals: BTreeMap<LocalId, (Type, bool)>,
    /// The body whose expressions are checked, if it is one's.
    body: Option<&'a Body>,
    wrong: Vec<String>,
}

impl<'a> Scope<'a> {
    /// An expression over these columns and parameters.
    #[must_use]
    pub fn new(schema: &'a Schema, params: &'a [Param]) -> Self {
        Self { schema, params, locals: BTreeMap::new(), body: None, wrong: Vec::new() }
    }

    /// What was found wrong, a sentence each.
    #[must_use]
    pub fn into_wrong(self) -> Vec<String> {
        self.wrong
    }

    /// The scope of a body's expressions, which see nothing of this one but the parameters.
    pub(super) fn of_body<'b>(&self, none: &'b Schema, body: &'b Body) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { schema: none, params: &[], locals: BTreeMap::new(), body: Some(body), wrong: Vec::new() }
    }

    /// Each expression of a body has `let`s of its own.
    pub(super) fn forget_locals(&mut self) {
        self.locals.clear();
    }

    /// What was found wrong in a body.
    pub(super) fn take(&mut self, inner: Scope<'_>) {
        self.wrong.extend(inner.wrong);
    }

    /// Notes what is wrong with a body.
    pub(super) fn say(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(what.to_owned());
        }
    }

    fn bind(&mut self, local: LocalId, ty: Type) {
        if self.locals.insert(local, (ty, true)).is_some() {
            self.wrong.push(format!("local {} is bound twice", local.0));
        }
    }

    fn unbind(&mut self, local: LocalId) {
        if let Some((_, in_scope)) = self.locals.get_mut(&local) {
            *in_scope = false;
        }
    }

    fn must(&mut self, holds: bool, expr: &Expr, what: &str) {
        if !holds {
            self.wrong.push(format!("`{expr}` of type {}: {what}", expr.ty));
        }
    }
}

/// Checks an expression and all below it.
pub fn check_expr(expr: &Expr, scope: &mut Scope<'_>) {
    match &expr.kind {
        ExprKind::Literal(literal) => scope.must(literal_fits(literal, &expr.ty), expr, "a literal of another type"),
        ExprKind::Column(column) => match scope.schema.fields.get(*column as usize) {
            Some(field) => scope.must(field.ty == expr.ty, expr, "the column has another type"),
            None => scope.must(false, expr, "there is no such column"),
        },
        ExprKind::Param(param) => match scope.params.get(param.0 as usize) {
            Some(param) => scope.must(param.ty == expr.ty, expr, "the parameter has another type"),
            None => scope.must(false, expr, "there is no such parameter"),
        },
        ExprKind::Local(local) => match scope.locals.get(local) {
            Some((ty, true)) => scope.must(*ty == expr.ty, expr, "the local has another type"),
            Some((_, false)) => scope.must(false, expr, "the local is out of scope"),
            None => scope.must(false, expr, "the local is bound nowhere"),
        },
        ExprKind::Let { local, value, body } => {
            check_expr(value, scope);
            scope.bind(*local, value.ty.clone());
            check_expr(body, scope);
            scope.unbind(*local);
            scope.must(expr.ty == body.ty, expr, "a block has the type of its last expression");
        }
        ExprKind::Unary(op, value) => {
            check_expr(value, scope);
            let takes = match op {
                UnaryOp::Neg => is_number(&value.ty) || value.ty == Type::Duration,
                UnaryOp::Not => value.ty == Type::Bool || value.ty.is_integer(),
            };
            scope.must(takes && expr.ty == value.ty, expr, "the operator does not take this type");
        }
        ExprKind::Binary(op, left, right) => {
            check_expr(left, scope);
            check_expr(right, scope);
            scope.must(binary_fits(*op, &left.ty, &right.ty, &expr.ty), expr, "the operator does not take these types");
        }
        ExprKind::Cast(value) => {
            check_expr(value, scope);
            let castable =
                |ty: &Type| !matches!(ty, Type::Unit | Type::String | Type::Bytes | Type::Option(_) | Type::List(_));
            scope.must(castable(&value.ty) && castable(&expr.ty), expr, "there is no such cast");
        }
        ExprKind::If { condition, then, otherwise } => {
            check_expr(condition, scope);
            check_expr(then, scope);
            check_expr(otherwise, scope);
            scope.must(condition.ty == Type::Bool, expr, "a condition is a bool");
            scope.must(then.ty == expr.ty && otherwise.ty == expr.ty, expr, "the branches have another type");
        }
        ExprKind::Some(value) => {
            check_expr(value, scope);
            scope.must(expr.ty == Type::Option(Box::new(value.ty.clone())), expr, "holds another type");
        }
        ExprKind::None => scope.must(expr.ty.is_option(), expr, "`None` is an option"),
        ExprKind::IsSome(value) => {
            check_expr(value, scope);
            scope.must(value.ty.is_option() && expr.ty == Type::Bool, expr, "asks an option");
        }
        ExprKind::IfSome { option, local, then, otherwise } => {
            check_expr(option, scope);
            scope.must(option.ty.is_option(), expr, "matches what is no option");
            scope.bind(*local, if let Type::Option(inner) = &option.ty { (**inner).clone() } else { Type::Unit });
            check_expr(then, scope);
            scope.unbind(*local);
            check_expr(otherwise, scope);
            scope.must(then.ty == expr.ty && otherwise.ty == expr.ty, expr, "the arms have another type");
        }
        ExprKind::Variable(id) => match scope.body.and_then(|body| body.variables.get(id.0 as usize)) {
            Some(variable) => scope.must(variable.ty == expr.ty, expr, "the variable has another type"),
            None => scope.must(false, expr, "there is no such variable"),
        },
        ExprKind::Compute(body, args) => {
            for arg in args {
                check_expr(arg, scope);
            }
            super::body::check_body(body, args, &expr.ty, scope);
        }
        ExprKind::Fail(_) => {}
        ExprKind::Call(function, args) => {
            for arg in args {
                check_expr(arg, scope);
            }
            let types: Vec<&Type> = args.iter().map(|arg| &arg.ty).collect();
            scope.must(call_fits(*function, &types, &expr.ty), expr, "the function does not take or give these types");
        }
    }
}

fn literal_fits(literal: &Literal, ty: &Type) -> bool {
    match literal {
        Literal::Bool(_) => *ty == Type::Bool,
        Literal::Int(value) => match integer_range(ty) {
            Some((least, greatest)) => (least..=greatest).contains(value),
            None if *ty == Type::Char => u32::try_from(*value).is_ok_and(|value| char::from_u32(value).is_some()),
            None => matches!(ty, Type::Date | Type::Timestamp(_) | Type::Duration | Type::Decimal(..)),
        },
        #[allow(clippy::cast_possible_truncation, reason = "asks whether it is exact")]
        Literal::Float(value) => {
            let is_f32 = || value.is_nan() || f64::from(*value as f32).to_bits() == value.to_bits();
            *ty == Type::Float64 || (*ty == Type::Float32 && is_f32())
        }
        Literal::String(_) => *ty == Type::String,
        Literal::Bytes(_) => *ty == Type::Bytes,
        Literal::Unit => *ty == Type::Unit,
    }
}

/// The least and the greatest value of an integer type.
#[must_use]
pub fn integer_range(ty: &Type) -> Option<(i128, i128)> {
    Some(match ty {
        Type::Int8 => (i8::MIN.into(), i8::MAX.into()),
        Type::Int16 => (i16::MIN.into(), i16::MAX.into()),
        Type::Int32 => (i32::MIN.into(), i32::MAX.into()),
        Type::Int64 => (i64::MIN.into(), i64::MAX.into()),
        Type::UInt8 => (0, u8::MAX.into()),
        Type::UInt16 => (0, u16::MAX.into()),
        Type::UInt32 => (0, u32::MAX.into()),
        Type::UInt64 => (0, u64::MAX.into()),
        Type::Unit
        | Type::Bool
        | Type::Char
        | Type::Float32
        | Type::Float64
        | Type::String
        | Type::Bytes
        | Type::Decimal(..)
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration
        | Type::Option(_)
        | Type::List(_) => return None,
    })
}

fn is_number(ty: &Type) -> bool {
    ty.is_integer() || ty.is_float() || matches!(ty, Type::Decimal(..))
}

fn is_whole_or_decimal(ty: &Type) -> bool {
    ty.is_integer() || matches!(ty, Type::Decimal(..))
}

fn binary_fits(op: BinaryOp, left: &Type, right: &Type, result: &Type) -> bool {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
            let times = |ty: &Type| matches!(ty, Type::Timestamp(_) | Type::Date | Type::Duration);
            (left == right && left == result && is_number(left))
                || (matches!(left, Type::Decimal(..)) && matches!(result, Type::Decimal(..)))
                || ((times(left) || times(right)) && times(result))
        }
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => {
            left == right && left == result && (left.is_integer() || *left == Type::Bool)
        }
        BinaryOp::Shl | BinaryOp::Shr => left == result && left.is_integer() && right.is_integer(),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            left == right && *result == Type::Bool
        }
        BinaryOp::And | BinaryOp::Or => [left, right, result].into_iter().all(|ty| *ty == Type::Bool),
    }
}

fn call_fits(function: Function, args: &[&Type], result: &Type) -> bool {
    // All arguments of one type, which `takes` accepts; the result as given.
    let same = |count: usize, takes: fn(&Type) -> bool, gives: &dyn Fn(&Type) -> bool| {
        args.len() == count && takes(args[0]) && args.iter().all(|arg| *arg == args[0]) && gives(args[0])
    };
    let itself = |arg: &Type| result == arg;
    let is = |ty: Type| move |_: &Type| *result == ty;
    match function {
        Function::Abs | Function::Signum => same(1, is_number, &itself),
        Function::Min | Function::Max => same(2, |_| true, &itself),
        Function::RemEuclid | Function::DivEuclid => same(2, is_number, &itself),
        Function::Clamp => same(3, |_| true, &itself),
        Function::WrappingAdd
        | Function::WrappingSub
        | Function::WrappingMul
        | Function::SaturatingAdd
        | Function::SaturatingSub
        | Function::SaturatingMul => same(2, Type::is_integer, &itself),
        Function::WrappingNeg | Function::WrappingAbs => same(1, Type::is_integer, &itself),
        Function::CheckedAdd
        | Function::CheckedSub
        | Function::CheckedMul
        | Function::CheckedDiv
        | Function::CheckedRem => same(2, is_whole_or_decimal, &|arg| *result == arg.clone().optional()),
        Function::Pow => args.len() == 2 && args[0].is_integer() && *args[1] == Type::UInt32 && result == args[0],
        Function::AbsDiff => same(2, Type::is_integer, &|_| result.is_integer() && !result.is_signed_integer()),
        Function::CountOnes | Function::LeadingZeros | Function::TrailingZeros => {
            same(1, Type::is_integer, &is(Type::UInt32))
        }
        Function::Bits => match (args, result) {
            ([Type::Float64], Type::UInt64)
            | ([Type::UInt64], Type::Float64)
            | ([Type::Float32], Type::UInt32)
            | ([Type::UInt32], Type::Float32) => true,
            (_, _) => false,
        },
        Function::Sqrt
        | Function::Floor
        | Function::Ceil
        | Function::Trunc
        | Function::Round
        | Function::Fract
        | Function::Recip
        | Function::Exp
        | Function::Exp2
        | Function::ExpM1
        | Function::Ln
        | Function::Ln1p
        | Function::Log2
        | Function::Log10
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Sinh
        | Function::Cosh
        | Function::Tanh
        | Function::Cbrt => same(1, Type::is_float, &itself),
        Function::Copysign | Function::Powf | Function::Log | Function::Atan2 | Function::Hypot => {
            same(2, Type::is_float, &itself)
        }
        Function::MulAdd => same(3, Type::is_float, &itself),
        Function::Powi => args.len() == 2 && args[0].is_float() && *args[1] == Type::Int32 && result == args[0],
        Function::IsNan
        | Function::IsFinite
        | Function::IsInfinite
        | Function::IsSignNegative
        | Function::IsSignPositive => same(1, Type::is_float, &is(Type::Bool)),
        Function::Len => same(1, |ty| matches!(ty, Type::String | Type::Bytes), &is(Type::UInt64)),
        Function::IsEmpty => same(1, |ty| matches!(ty, Type::String | Type::Bytes), &is(Type::Bool)),
        Function::StartsWith | Function::EndsWith | Function::Contains => {
            same(2, |ty| *ty == Type::String, &is(Type::Bool))
        }
        Function::Text(function) => function.fits(args, result),
        Function::Parse => {
            args.len() == 1 && *args[0] == Type::String && result.is_option() && is_parsed(result.value_type())
        }
        Function::Append => {
            matches!(args.len(), 3 | 5)
                && args[3..].iter().all(|ty| **ty == Type::UInt64)
                && *args[0] == Type::String
                && is_formatted(args[1])
                && *args[2] == Type::String
                && *result == Type::String
        }
        Function::Value(function) => function.fits(args, result),
        Function::Fast(function) => same(function.arity(), |ty| *ty == Type::Float64, &itself),
        Function::List(function) => function.fits(args, result),
        Function::UnwrapOr => {
            args.len() == 2 && *args[0] == Type::Option(Box::new(args[1].clone())) && result == args[1]
        }
    }
}
