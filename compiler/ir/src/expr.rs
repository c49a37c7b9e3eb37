//! Typed scalar expressions over the columns of one row: what a closure or UDF means once it is checked.
//!
//! Every node has its type; names are resolved, UDFs are inlined (a call becomes `Let`s of its arguments around its
//! body), records are taken apart into their fields. Evaluation is strict and left to right, but for `If`, `IfSome`,
//! `And` and `Or`, which evaluate only what they need. An expression has no effect but its value or a row error.

use crate::body::{Body, VariableId};
use crate::list::ListFunction;
use crate::math::FastFunction;
use crate::span::Span;
use crate::text::TextFunction;
use crate::ty::Type;
use crate::value::ValueFunction;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Index into [`crate::plan::Plan::params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub u32);

/// A `let` of one expression; unique inside the expression that a plan node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of its value.
    pub ty: Type,
    /// The source it came from.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExprKind {
    /// A constant of the node's type.
    Literal(Literal),
    /// A column of the input (in a plan: position in the input's schema; in a pipeline: register number).
    Column(u32),
    /// A parameter of the job.
    Param(ParamId),
    /// The value of the enclosing `Let` or `IfSome` that binds it.
    Local(LocalId),
    /// Evaluates `value` once, then `body`.
    Let {
        /// The name of the value.
        local: LocalId,
        /// What it is.
        value: Box<Expr>,
        /// Where it may be used.
        body: Box<Expr>,
    },
    /// A prefix operator.
    Unary(UnaryOp, Box<Expr>),
    /// An infix operator; both sides have the same type, but for shifts.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `as`, with rustc's meaning, to the node's type.
    Cast(Box<Expr>),
    /// `if`.
    If {
        /// A `bool`.
        condition: Box<Expr>,
        /// Evaluated if it is true.
        then: Box<Expr>,
        /// Evaluated if it is false.
        otherwise: Box<Expr>,
    },
    /// `Some(x)`.
    Some(Box<Expr>),
    /// `None`; the node's type is an `Option`.
    None,
    /// `x.is_some()`.
    IsSome(Box<Expr>),
    /// `match option { Some(local) => then, None => otherwise }`.
    IfSome {
        /// An `Option`.
        option: Box<Expr>,
        /// The name of what it holds, inside `then`.
        local: LocalId,
        /// Evaluated if it is `Some`.
        then: Box<Expr>,
        /// Evaluated if it is `None`.
        otherwise: Box<Expr>,
    },
    /// A method or function of the language's library.
    Call(Function, Vec<Expr>),
    /// What a variable of a [`Body`] holds at this moment; only inside that body's expressions.
    Variable(VariableId),
    /// Runs code with loops on the values of the arguments; the parts of this node are the arguments alone.
    Compute(Box<Body>, Vec<Expr>),
    /// A row error, in the place of a value of any type.
    Fail(Failure),
}

/// A row error that the author's code asks for: `panic!`, `unwrap`, an index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// What it is.
    pub kind: FailureKind,
    /// What the author says about it; empty where there is nothing.
    pub message: String,
}

/// The kinds of [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// `panic!`, `assert!`, `unreachable!` and the like.
    Panic,
    /// `unwrap` or `expect` of `None`.
    UnwrapNone,
    /// An index or slice that is out of range.
    OutOfRange,
}

/// A constant. Floats compare by their bits, so that equal constants are the same constant.
#[derive(Clone, Debug)]
pub enum Literal {
    /// `bool`.
    Bool(bool),
    /// Any integer type, `Date`, `Timestamp` (its unit), `Duration` (µs), `Decimal` (unscaled).
    Int(i128),
    /// `f32` (exactly representable in it) or `f64`.
    Float(f64),
    /// `String`.
    String(String),
    /// `Bytes`.
    Bytes(Vec<u8>),
    /// `()`.
    Unit,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`; `-MIN` is a row error.
    Neg,
    /// `!x`: logical on `bool`, bitwise on integers.
    Not,
}

/// Infix operators, with rustc's meaning in a debug build: integer overflow, division by zero and shifts that are too
/// wide are row errors. Comparisons of floats are false with a NaN, but for `Ne`. Strings and `Option`s compare too
/// (`None` is less than any `Some`).
pub type BinaryOp = crate::ast::BinaryOp;

/// Functions of the language's library: the method of the same name on the type of the first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    // Integers and floats.
    /// `x.abs()`; `MIN.abs()` of an integer is a row error.
    Abs,
    /// `a.min(b)`; of floats as `f64::min`.
    Min,
    /// `a.max(b)`; of floats as `f64::max`.
    Max,
    /// `x.clamp(lo, hi)`; `lo > hi` or NaN bounds are a row error.
    Clamp,
    /// `x.signum()`.
    Signum,
    // Integers.
    /// `a.wrapping_add(b)`.
    WrappingAdd,
    /// `a.wrapping_sub(b)`.
    WrappingSub,
    /// `a.wrapping_mul(b)`.
    WrappingMul,
    /// `x.wrapping_neg()`.
    WrappingNeg,
    /// `x.wrapping_abs()`.
    WrappingAbs,
    /// `a.saturating_add(b)`.
    SaturatingAdd,
    /// `a.saturating_sub(b)`.
    SaturatingSub,
    /// `a.saturating_mul(b)`.
    SaturatingMul,
    /// `a.checked_add(b)`.
    CheckedAdd,
    /// `a.checked_sub(b)`.
    CheckedSub,
    /// `a.checked_mul(b)`.
    CheckedMul,
    /// `a.checked_div(b)`.
    CheckedDiv,
    /// `a.checked_rem(b)`.
    CheckedRem,
    /// `a.rem_euclid(b)`, integers and floats.
    RemEuclid,
    /// `a.div_euclid(b)`, integers and floats.
    DivEuclid,
    /// `a.pow(n)`, `n: u32`; overflow is a row error.
    Pow,
    /// `a.abs_diff(b)`.
    AbsDiff,
    /// `x.count_ones()`.
    CountOnes,
    /// `x.leading_zeros()`.
    LeadingZeros,
    /// `x.trailing_zeros()`.
    TrailingZeros,
    /// The bits of a float as an unsigned integer of its width, or the float that has these bits.
    Bits,
    // Floats.
    /// `x.sqrt()`.
    Sqrt,
    /// `x.floor()`.
    Floor,
    /// `x.ceil()`.
    Ceil,
    /// `x.trunc()`.
    Trunc,
    /// `x.round()`: half away from zero.
    Round,
    /// `x.fract()`.
    Fract,
    /// `a.copysign(b)`.
    Copysign,
    /// `a.mul_add(b, c)`.
    MulAdd,
    /// `x.recip()`.
    Recip,
    /// `x.is_nan()`.
    IsNan,
    /// `x.is_finite()`.
    IsFinite,
    /// `x.is_infinite()`.
    IsInfinite,
    /// `x.is_sign_negative()`.
    IsSignNegative,
    /// `x.is_sign_positive()`.
    IsSignPositive,
    /// `a.powf(b)`.
    Powf,
    /// `a.powi(n)`, `n: i32`.
    Powi,
    /// `x.exp()`.
    Exp,
    /// `x.exp2()`.
    Exp2,
    /// `x.exp_m1()`.
    ExpM1,
    /// `x.ln()`.
    Ln,
    /// `x.ln_1p()`.
    Ln1p,
    /// `x.log2()`.
    Log2,
    /// `x.log10()`.
    Log10,
    /// `x.log(base)`.
    Log,
    /// `x.sin()`.
    Sin,
    /// `x.cos()`.
    Cos,
    /// `x.tan()`.
    Tan,
    /// `x.asin()`.
    Asin,
    /// `x.acos()`.
    Acos,
    /// `x.atan()`.
    Atan,
    /// `a.atan2(b)`.
    Atan2,
    /// `x.sinh()`.
    Sinh,
    /// `x.cosh()`.
    Cosh,
    /// `x.tanh()`.
    Tanh,
    /// `x.cbrt()`.
    Cbrt,
    /// `a.hypot(b)`.
    Hypot,
    // Strings.
    /// `s.len()`, in bytes, an `i64`-ranged `u64` (Rust's `usize`).
    Len,
    /// `s.is_empty()`.
    IsEmpty,
    /// `s.starts_with(t)`.
    StartsWith,
    /// `s.ends_with(t)`.
    EndsWith,
    /// `s.contains(t)`.
    Contains,
    /// Any other function of strings, characters and bytes.
    Text(TextFunction),
    /// `s.parse::<T>()`, an `Option<T>`.
    Parse,
    /// A string, a value, and how it is written (`>8.2`, a literal): the value behind the string, for `format!`. Where width or
    /// precision are computed, both follow as `u64`s; what is [`Function::NO_WIDTH`] is not said.
    Append,
    // Decimals, dates and times, JSON.
    /// One of the table in [`crate::value`].
    Value(ValueFunction),
    // Vectorisable functions of floats.
    /// One of `sabot::math`, of `f64`s.
    Fast(FastFunction),
    // Options.
    /// `o.unwrap_or(d)`; `d` is evaluated in any case.
    UnwrapOr,
    /// Functions of lists.
    List(ListFunction),
}

impl Function {
    /// The width, or the precision, that is none: greater than any that there is.
    pub const NO_WIDTH: u64 = 1 << 16;

    /// The method's name in the job language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Min => "min",
            Self::Max => "max",
            Self::Clamp => "clamp",
            Self::Signum => "signum",
            Self::WrappingAdd => "wrapping_add",
            Self::WrappingSub => "wrapping_sub",
            Self::WrappingMul => "wrapping_mul",
            Self::WrappingNeg => "wrapping_neg",
            Self::WrappingAbs => "wrapping_abs",
            Self::SaturatingAdd => "saturating_add",
            Self::SaturatingSub => "saturating_sub",
            Self::SaturatingMul => "saturating_mul",
            Self::CheckedAdd => "checked_add",
            Self::CheckedSub => "checked_sub",
            Self::CheckedMul => "checked_mul",
            Self::CheckedDiv => "checked_div",
            Self::CheckedRem => "checked_rem",
            Self::RemEuclid => "rem_euclid",
            Self::DivEuclid => "div_euclid",
            Self::Pow => "pow",
            Self::AbsDiff => "abs_diff",
            Self::CountOnes => "count_ones",
            Self::LeadingZeros => "leading_zeros",
            Self::TrailingZeros => "trailing_zeros",
            Self::Bits => "bits",
            Self::Sqrt => "sqrt",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Trunc => "trunc",
            Self::Round => "round",
            Self::Fract => "fract",
            Self::Copysign => "copysign",
            Self::MulAdd => "mul_add",
            Self::Recip => "recip",
            Self::IsNan => "is_nan",
            Self::IsFinite => "is_finite",
            Self::IsInfinite => "is_infinite",
            Self::IsSignNegative => "is_sign_negative",
            Self::IsSignPositive => "is_sign_positive",
            Self::Powf => "powf",
            Self::Powi => "powi",
            Self::Exp => "exp",
            Self::Exp2 => "exp2",
            Self::ExpM1 => "exp_m1",
            Self::Ln => "ln",
            Self::Ln1p => "ln_1p",
            Self::Log2 => "log2",
            Self::Log10 => "log10",
            Self::Log => "log",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Asin => "asin",
            Self::Acos => "acos",
            Self::Atan => "atan",
            Self::Atan2 => "atan2",
            Self::Sinh => "sinh",
            Self::Cosh => "cosh",
            Self::Tanh => "tanh",
            Self::Cbrt => "cbrt",
            Self::Hypot => "hypot",
            Self::Len => "len",
            Self::IsEmpty => "is_empty",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Contains => "contains",
            Self::Text(function) => function.name(),
            Self::Parse => "parse",
            Self::Append => "append",
            Self::Value(function) => function.name(),
            Self::Fast(function) => function.name(),
            Self::UnwrapOr => "unwrap_or",
            Self::List(function) => function.name(),
        }
    }
}

impl Expr {
    /// A node.
    #[must_use]
    pub fn new(kind: ExprKind, ty: Type, span: Span) -> Self {
        Self { kind, ty, span }
    }

    /// A column of the input.
    #[must_use]
    pub fn column(position: u32, ty: Type) -> Self {
        Self::new(ExprKind::Column(position), ty, Span::NONE)
    }

    /// The constant `true` or `false`.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self::new(ExprKind::Literal(Literal::Bool(value)), Type::Bool, Span::NONE)
    }

    /// A constant.
    #[must_use]
    pub fn literal(value: Literal, ty: Type) -> Self {
        Self::new(ExprKind::Literal(value), ty, Span::NONE)
    }

    /// The position of the column that it is, if it is nothing else.
    #[must_use]
    pub fn as_column(&self) -> Option<u32> {
        if let ExprKind::Column(column) = self.kind { Some(column) } else { None }
    }

    /// The constant that it is, if it is one.
    #[must_use]
    pub fn as_literal(&self) -> Option<&Literal> {
        if let ExprKind::Literal(literal) = &self.kind { Some(literal) } else { None }
    }

    /// The direct parts, in the order they are evaluated.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::None
            | ExprKind::Variable(_)
            | ExprKind::Fail(_) => Vec::new(),
            ExprKind::Let { value, body, .. } => vec![value, body],
            ExprKind::Unary(_, x) | ExprKind::Cast(x) | ExprKind::Some(x) | ExprKind::IsSome(x) => vec![x],
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::If { condition, then, otherwise } => vec![condition, then, otherwise],
            ExprKind::IfSome { option, then, otherwise, .. } => vec![option, then, otherwise],
            ExprKind::Call(_, args) | ExprKind::Compute(_, args) => args.iter().collect(),
        }
    }

    /// The direct parts, to be changed, in the order they are evaluated.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::None
            | ExprKind::Variable(_)
            | ExprKind::Fail(_) => Vec::new(),
            ExprKind::Let { value, body, .. } => vec![value, body],
            ExprKind::Unary(_, x) | ExprKind::Cast(x) | ExprKind::Some(x) | ExprKind::IsSome(x) => vec![x],
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::If { condition, then, otherwise } => vec![condition, then, otherwise],
            ExprKind::IfSome { option, then, otherwise, .. } => vec![option, then, otherwise],
            ExprKind::Call(_, args) | ExprKind::Compute(_, args) => args.iter_mut().collect(),
        }
    }

    /// Calls `visit` with this node and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Calls `change` with all nodes below this one and then with it, children first.
    pub fn rewrite(&mut self, change: &mut impl FnMut(&mut Self)) {
        for child in self.children_mut() {
            child.rewrite(change);
        }
        change(self);
    }

    /// The columns that it reads, ascending, each once.
    #[must_use]
    pub fn columns(&self) -> Vec<u32> {
        let mut columns = Vec::new();
        self.walk(&mut |node| {
            if let ExprKind::Column(column) = node.kind {
                columns.push(column);
            }
        });
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Whether some row may make it a row error. Says yes where it does not know.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        self.can_fail_alone() || self.children().into_iter().any(Self::can_fail)
    }

    /// Whether the node itself may, where its parts do not.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions can fail")]
    pub fn can_fail_alone(&self) -> bool {
        match &self.kind {
            ExprKind::Unary(UnaryOp::Neg, x) => !x.ty.is_float(),
            ExprKind::Binary(op, a, b) => match op {
                // By a small part of one, a decimal grows.
                BinaryOp::Div if matches!(a.ty, Type::Decimal(..)) => true,
                BinaryOp::Div | BinaryOp::Rem => {
                    !a.ty.is_float() && !matches!(b.kind, ExprKind::Literal(Literal::Int(by)) if by != 0 && by != -1)
                }
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => !a.ty.is_float(),
                BinaryOp::Shl | BinaryOp::Shr => {
                    let bits = i128::try_from(a.ty.width().unwrap_or(0) * 8).unwrap_or(0);
                    !matches!(b.kind, ExprKind::Literal(Literal::Int(by)) if (0..bits).contains(&by))
                }
                BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::And
                | BinaryOp::Or => false,
            },
            ExprKind::Call(function, args) => match function {
                Function::Clamp => match (args[1].as_literal(), args[2].as_literal()) {
                    (Some(Literal::Int(least)), Some(Literal::Int(greatest))) => least > greatest,
                    // With a NaN there is no order.
                    (Some(Literal::Float(least)), Some(Literal::Float(greatest))) => {
                        !matches!(least.partial_cmp(greatest), Some(Ordering::Less | Ordering::Equal))
                    }
                    _not_constant => true,
                },
                Function::Pow => true,
                Function::RemEuclid | Function::DivEuclid => {
                    let harmless = matches!(args[1].kind, ExprKind::Literal(Literal::Int(by)) if by != 0 && by != -1);
                    !args[0].ty.is_float() && !harmless
                }
                Function::Abs => !args[0].ty.is_float(),
                Function::Text(function) => function.can_fail(),
                Function::Value(function) => function.can_fail(),
                Function::List(function) => function.can_fail(),
                _cannot => false,
            },
            ExprKind::Fail(_) => true,
            ExprKind::Compute(body, _) => body.can_fail(),
            ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::Variable(_)
            | ExprKind::Let { .. }
            | ExprKind::Unary(UnaryOp::Not, _)
            | ExprKind::Cast(_)
            | ExprKind::If { .. }
            | ExprKind::Some(_)
            | ExprKind::None
            | ExprKind::IsSome(_)
            | ExprKind::IfSome { .. } => false,
        }
    }

    /// As [`Self::walk`], also through the expressions of bodies; those of a body behind its arguments.
    pub fn walk_all<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk_all(visit);
        }
        if let ExprKind::Compute(body, _) = &self.kind {
            for expr in body.exprs() {
                expr.walk_all(visit);
            }
        }
    }

    /// Number of nodes, those of bodies included.
    #[must_use]
    pub fn size(&self) -> usize {
        let mut size = 0;
        self.walk(&mut |node| {
            size += 1;
            if let ExprKind::Compute(body, _) = &node.kind {
                size += body.size();
            }
        });
        size
    }
}

/// Equal meaning node by node; the span does not count, so that the same code written twice is found.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.ty == other.ty && self.kind == other.kind
    }
}

impl Eq for Expr {}

impl Hash for Expr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ty.hash(state);
        self.kind.hash(state);
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Unit, Self::Unit) => true,
            (
                Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) | Self::Bytes(_) | Self::Unit,
                Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) | Self::Bytes(_) | Self::Unit,
            ) => false,
        }
    }
}

impl Eq for Literal {}

impl Hash for Literal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::String(value) => value.hash(state),
            Self::Bytes(value) => value.hash(state),
            Self::Unit => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(op: BinaryOp, right: i128, fails: bool) {
        let literal = Box::new(Expr::literal(Literal::Int(right), Type::Int32));
        let column = Box::new(Expr::column(0, Type::Int32));
        let expr = Expr::new(ExprKind::Binary(op, column, literal), Type::Int32, Span::NONE);
        assert_eq!(expr.can_fail(), fails, "{expr}");
    }

    #[test]
    fn constant_divisors_and_shifts_cannot_fail_where_rust_would_not_panic() {
        check(BinaryOp::Div, 2, false);
        check(BinaryOp::Div, 0, true);
        check(BinaryOp::Div, -1, true);
        check(BinaryOp::Rem, -1, true);
        check(BinaryOp::Shl, 31, false);
        check(BinaryOp::Shl, 32, true);
        check(BinaryOp::Shr, -1, true);
        check(BinaryOp::Add, 0, true);
    }

    #[test]
    fn a_clamp_between_constants_in_order_cannot_fail() {
        let clamp = |least: f64, greatest: f64| {
            let bound = |value| Expr::literal(Literal::Float(value), Type::Float64);
            let args = vec![Expr::column(0, Type::Float64), bound(least), bound(greatest)];
            Expr::new(ExprKind::Call(Function::Clamp, args), Type::Float64, Span::NONE).can_fail()
        };
        assert!(!clamp(0.0, 1.0));
        assert!(clamp(1.0, 0.0));
        assert!(clamp(0.0, f64::NAN));
    }
}
