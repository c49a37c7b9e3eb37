//! The value of one expression over one row, with exactly rustc's meaning.
//!
//! Strict and left to right, but for `If`, `IfSome`, `And` and `Or`, which evaluate only what they need. The first row
//! error that rustc would panic with is the one that is returned, with the span of the expression that caused it.

use crate::value::{Value, compare};
use crate::{float, integer, list, text, value_function};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::body::FUEL;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, LocalId, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// Why a row cannot be computed: what rustc's panic would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowError {
    /// What went wrong.
    pub code: RowErrorCode,
    /// The expression that did.
    pub span: Span,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())
    }
}

impl std::error::Error for RowError {}

/// Evaluates an expression over one row; `params` by `ParamId`.
///
/// # Errors
/// The first row error, in the order of evaluation.
///
/// # Panics
/// On an expression that the checker would not have let through.
pub fn evaluate(expr: &Expr, row: &[Value], params: &[Value]) -> Result<Value, RowError> {
    evaluate_with_fuel(expr, row, params, FUEL)
}

/// As [`evaluate`], with another number of passes through loops: a test of what happens without fuel need not wait.
///
/// # Errors
/// The first row error, in the order of evaluation.
pub(crate) fn evaluate_with_fuel(expr: &Expr, row: &[Value], params: &[Value], fuel: u64) -> Result<Value, RowError> {
    let (locals, variables) = (BTreeMap::new(), Vec::new());
    Evaluation { row, params, locals, variables, fuel, passes: 0, in_body: false }.value(expr)
}

pub(crate) struct Evaluation<'a> {
    row: &'a [Value],
    params: &'a [Value],
    pub(crate) locals: BTreeMap<LocalId, Value>,
    /// Those of the innermost body.
    pub(crate) variables: Vec<Value>,
    /// How many passes through loops a body may take, those of bodies inside it included.
    pub(crate) fuel: u64,
    /// How many it has taken.
    pub(crate) passes: u64,
    /// Whether a body is running.
    pub(crate) in_body: bool,
}

impl Evaluation<'_> {
    pub(crate) fn value(&mut self, expr: &Expr) -> Result<Value, RowError> {
        let at = |code: RowErrorCode| RowError { code, span: expr.span };
        match &expr.kind {
            ExprKind::Literal(literal) => Ok(Value::literal(literal, &expr.ty)),
            ExprKind::Column(column) => Ok(self.row[*column as usize].clone()),
            ExprKind::Param(param) => Ok(self.params[param.0 as usize].clone()),
            ExprKind::Local(local) => Ok(self.locals[local].clone()),
            ExprKind::Let { local, value, body } => {
                let value = self.value(value)?;
                self.locals.insert(*local, value);
                self.value(body)
            }
            ExprKind::Unary(op, x) => {
                let value = self.value(x)?;
                unary(*op, &x.ty, value).map_err(at)
            }
            ExprKind::Binary(BinaryOp::And, a, b) => {
                if self.value(a)?.is_true() {
                    self.value(b)
                } else {
                    Ok(Value::Bool(false))
                }
            }
            ExprKind::Binary(BinaryOp::Or, a, b) => {
                if self.value(a)?.is_true() {
                    Ok(Value::Bool(true))
                } else {
                    self.value(b)
                }
            }
            ExprKind::Binary(op, a, b) => {
                let left = self.value(a)?;
                let right = self.value(b)?;
                binary(*op, &a.ty, &left, &right).map_err(at)
            }
            ExprKind::Cast(x) => Ok(cast(self.value(x)?, &x.ty, &expr.ty)),
            ExprKind::If { condition, then, otherwise } => {
                if self.value(condition)?.is_true() {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            ExprKind::Some(x) => self.value(x),
            ExprKind::None => Ok(Value::Null),
            ExprKind::IsSome(x) => Ok(Value::Bool(!self.value(x)?.is_null())),
            ExprKind::IfSome { option, local, then, otherwise } => {
                let value = self.value(option)?;
                if value.is_null() {
                    self.value(otherwise)
                } else {
                    self.locals.insert(*local, value);
                    self.value(then)
                }
            }
            ExprKind::Variable(variable) => Ok(self.variables[variable.0 as usize].clone()),
            ExprKind::Compute(body, args) => self.compute(body, args),
            ExprKind::Fail(failure) => Err(at(crate::body::code_of(failure.kind))),
            ExprKind::Call(function, args) => {
                let values = args.iter().map(|arg| self.value(arg)).collect::<Result<Vec<_>, _>>()?;
                #[expect(clippy::wildcard_enum_match_arm, reason = "the functions of numbers are many")]
                match function {
                    Function::Text(function) => text::call(*function, &values).map_err(at),
                    Function::Parse | Function::Append => match (values.as_slice(), args.as_slice()) {
                        ([Value::String(text)], _) => Ok(text::parse(text, &expr.ty)),
                        ([Value::String(prefix), value, Value::String(spec), computed @ ..], [_, arg, ..]) => {
                            let computed: Vec<Option<u16>> = computed
                                .iter()
                                .map(|value| value.as_int().and_then(|value| u16::try_from(value).ok()))
                                .collect();
                            text::append(prefix, value, &arg.ty, spec, &computed).map_err(at)
                        }
                        (values, _) => unreachable!("{function:?} of {values:?}"),
                    },
                    Function::Fast(function) => Ok(value_function::fast(*function, &values)),
                    Function::Value(function) => value_function::call(*function, &values).map_err(at),
                    Function::List(function) => {
                        list::of_any(*function, &values, *expr.ty.value_type() == Type::Bytes).map_err(at)
                    }
                    function => call(*function, &args[0].ty, &values).map_err(at),
                }
            }
        }
    }
}

fn unary(op: UnaryOp, ty: &Type, value: Value) -> Result<Value, RowErrorCode> {
    match (op, value) {
        (UnaryOp::Neg, Value::Int(x)) => integer::negate(ty, x),
        (UnaryOp::Neg, Value::Float32(x)) => Ok(Value::Float32(-x)),
        (UnaryOp::Neg, Value::Float64(x)) => Ok(Value::Float64(-x)),
        (UnaryOp::Not, Value::Bool(x)) => Ok(Value::Bool(!x)),
        (UnaryOp::Not, Value::Int(x)) => Ok(integer::complement(ty, x)),
        (op, value) => unreachable!("{op:?} of {value:?}: the checker knows better"),
    }
}

/// `a op b` of operands of type `ty`.
fn binary(op: BinaryOp, ty: &Type, a: &Value, b: &Value) -> Result<Value, RowErrorCode> {
    let ordering = compare(a, b);
    let truth = match op {
        BinaryOp::Eq => ordering == Some(Ordering::Equal),
        BinaryOp::Ne => ordering != Some(Ordering::Equal),
        BinaryOp::Lt => ordering == Some(Ordering::Less),
        BinaryOp::Le => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        BinaryOp::Gt => ordering == Some(Ordering::Greater),
        BinaryOp::Ge => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr => return arithmetic(op, ty, a, b),
    };
    Ok(Value::Bool(truth))
}

fn arithmetic(op: BinaryOp, ty: &Type, a: &Value, b: &Value) -> Result<Value, RowErrorCode> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) if *ty == Type::DECIMAL => value_function::arithmetic(op, *a, *b),
        (Value::Int(a), Value::Int(b)) => integer::binary(op, ty, *a, *b),
        (Value::Float32(a), Value::Float32(b)) => Ok(float::binary32(op, *a, *b)),
        (Value::Float64(a), Value::Float64(b)) => Ok(float::binary64(op, *a, *b)),
        (Value::Bool(a), Value::Bool(b)) => Ok(Value::Bool(match op {
            BinaryOp::BitAnd => a & b,
            BinaryOp::BitOr => a | b,
            BinaryOp::BitXor => a ^ b,
            BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge => unreachable!("`{}` is no operation of `bool`", op.symbol()),
        })),
        (a, b) => unreachable!("{a:?} {} {b:?}: the checker knows better", op.symbol()),
    }
}

/// `value as to`.
fn cast(value: Value, from: &Type, to: &Type) -> Value {
    match (value, to.value_type()) {
        (Value::Null, _) => Value::Null,
        (Value::Bool(x), Type::Bool) => Value::Bool(x),
        (Value::Bool(x), to) => integer::truncate(i128::from(x), to),
        // Integers become decimals with their value, but decimals stay the number that they are made of.
        (Value::Int(x), Type::Decimal(_, scale)) if from.is_integer() => {
            Value::Int(x * 10_i128.pow((*scale).max(0).unsigned_abs().into()))
        }
        (Value::Int(x), Type::Float32) => Value::Float32(x as f32),
        (Value::Int(x), Type::Float64) => Value::Float64(x as f64),
        (Value::Int(x), to) => integer::truncate(x, to),
        (Value::Float32(x), Type::Float32) => Value::Float32(x),
        (Value::Float32(x), Type::Float64) => Value::Float64(f64::from(x)),
        // Widening to f64 changes neither the whole part nor the saturation.
        (Value::Float32(x), to) => integer::from_float(f64::from(x), to),
        (Value::Float64(x), Type::Float32) => Value::Float32(x as f32),
        (Value::Float64(x), Type::Float64) => Value::Float64(x),
        (Value::Float64(x), to) => integer::from_float(x, to),
        (value @ (Value::Unit | Value::String(_) | Value::Bytes(_) | Value::List(_)), _) => value,
    }
}

/// A function of the library; `ty` is the type of its first argument.
#[expect(clippy::wildcard_enum_match_arm, reason = "strings and bytes have few functions")]
fn call(function: Function, ty: &Type, args: &[Value]) -> Result<Value, RowErrorCode> {
    if function == Function::UnwrapOr {
        return Ok(if args[0].is_null() { args[1].clone() } else { args[0].clone() });
    }
    match &args[0] {
        Value::Int(_) => {
            let ints: Vec<i128> =
                args.iter().map(|arg| arg.as_int().expect("the arguments of integers are integers")).collect();
            if *ty.value_type() == Type::DECIMAL {
                return value_function::of_decimals(function, &ints);
            }
            integer::function(function, ty, &ints)
        }
        Value::Float32(_) => float::function32(function, args),
        Value::Float64(_) => float::function64(function, args),
        Value::String(s) => {
            let other = |position: usize| match args.get(position) {
                Some(Value::String(other)) => other.as_str(),
                other => unreachable!("{function:?} of a string and {other:?}"),
            };
            Ok(match function {
                Function::Len => Value::Int(s.len() as i128),
                Function::IsEmpty => Value::Bool(s.is_empty()),
                Function::StartsWith => Value::Bool(s.starts_with(other(1))),
                Function::EndsWith => Value::Bool(s.ends_with(other(1))),
                Function::Contains => Value::Bool(s.contains(other(1))),
                Function::Min => Value::String(s.as_str().min(other(1)).to_owned()),
                Function::Max => Value::String(s.as_str().max(other(1)).to_owned()),
                function => unreachable!("{function:?} is not a function of strings"),
            })
        }
        Value::Bytes(bytes) => Ok(match function {
            Function::Len => Value::Int(bytes.len() as i128),
            Function::IsEmpty => Value::Bool(bytes.is_empty()),
            function => unreachable!("{function:?} is not a function of bytes"),
        }),
        Value::Bool(x) => match (function, args.get(1)) {
            (Function::Min, Some(Value::Bool(y))) => Ok(Value::Bool(*x.min(y))),
            (Function::Max, Some(Value::Bool(y))) => Ok(Value::Bool(*x.max(y))),
            (function, _) => unreachable!("{function:?} is not a function of `bool`"),
        },
        Value::Null | Value::Unit | Value::List(_) => unreachable!("{function:?} of {:?}", args[0]),
    }
}
