//! Typed expressions as Rust-like text with no more parentheses than Rust needs.
//!
//! `(bid + ask) / 2.0`, `sector.unwrap_or("unknown")`. A column is written by its name where the schema is known, as `$3`
//! where it is not; a `let` binds `x0`, `x1`, … The text is for people and for diffs; nothing reads it back.

use crate::body::{Body, VariableId};
use crate::expr::{BinaryOp, Expr, ExprKind, FailureKind, Function, Literal, LocalId, UnaryOp};
use crate::list::ListFunction;
use crate::plan::Param;
use crate::ty::{Schema, Type};
use std::fmt::{self, Write as _};

/// How an expression's columns and parameters are called.
#[derive(Clone, Copy, Default)]
pub struct Names<'a> {
    /// The name of a column; without it, `$3`.
    pub columns: Option<&'a dyn Fn(u32) -> String>,
    /// The parameters of the job; one that is missing is called `param0`.
    pub params: &'a [Param],
}

/// The expression as text.
#[must_use]
pub fn expr(expr: &Expr, names: Names<'_>) -> String {
    inside(expr, names, None)
}

/// An expression of a body as text.
pub(super) fn inside(expr: &Expr, names: Names<'_>, body: Option<&Body>) -> String {
    let mut printer = Printer { names, body, out: String::new() };
    printer.expr(expr, Precedence::Lowest);
    printer.out
}

/// The expression as text, over the columns of a schema.
#[must_use]
pub fn expr_over(value: &Expr, schema: &Schema, params: &[Param]) -> String {
    expr(value, Names { columns: Some(&|column| column_name(schema, column)), params })
}

/// The name of a column as expressions show it: with its position where two columns share the name.
#[must_use]
pub fn column_name(schema: &Schema, column: u32) -> String {
    let Some(field) = schema.fields.get(column as usize) else {
        return format!("${column}");
    };
    let shared = schema.fields.iter().filter(|other| other.name == field.name).count() > 1;
    if shared { format!("{}${column}", field.name) } else { field.name.clone() }
}

impl fmt::Display for Expr {
    /// The expression with its columns by position.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&expr(self, Names::default()))
    }
}

/// How tightly a form binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    Lowest,
    Or,
    And,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Add,
    Mul,
    Cast,
    Unary,
    Postfix,
}

impl Precedence {
    /// The next tighter one: what the right side of a left-associative operator needs.
    fn tighter(self) -> Self {
        match self {
            Self::Lowest => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Compare,
            Self::Compare => Self::BitOr,
            Self::BitOr => Self::BitXor,
            Self::BitXor => Self::BitAnd,
            Self::BitAnd => Self::Shift,
            Self::Shift => Self::Add,
            Self::Add => Self::Mul,
            Self::Mul => Self::Cast,
            Self::Cast => Self::Unary,
            Self::Unary | Self::Postfix => Self::Postfix,
        }
    }
}

fn precedence_of(op: BinaryOp) -> Precedence {
    match op {
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Precedence::Mul,
        BinaryOp::Add | BinaryOp::Sub => Precedence::Add,
        BinaryOp::Shl | BinaryOp::Shr => Precedence::Shift,
        BinaryOp::BitAnd => Precedence::BitAnd,
        BinaryOp::BitXor => Precedence::BitXor,
        BinaryOp::BitOr => Precedence::BitOr,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => Precedence::Compare,
        BinaryOp::And => Precedence::And,
        BinaryOp::Or => Precedence::Or,
    }
}

fn precedence(expr: &Expr) -> Precedence {
    match &expr.kind {
        ExprKind::Literal(Literal::Int(value)) if *value < 0 && expr.ty.is_integer() => Precedence::Unary,
        ExprKind::Literal(Literal::Float(value)) if value.is_sign_negative() && !value.is_nan() => Precedence::Unary,
        ExprKind::Unary(..) => Precedence::Unary,
        ExprKind::Cast(_) => Precedence::Cast,
        ExprKind::Binary(op, ..) => precedence_of(*op),
        ExprKind::If { .. } | ExprKind::IfSome { .. } => Precedence::Lowest,
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => Precedence::Postfix,
    }
}

struct Printer<'a> {
    names: Names<'a>,
    /// The body whose expression it is, if it is one of a body.
    body: Option<&'a Body>,
    out: String,
}

impl Printer<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes an expression that must bind at least as tightly as `needed`.
    fn expr(&mut self, expr: &Expr, needed: Precedence) {
        let parentheses = precedence(expr) < needed;
        if parentheses {
            self.push("(");
        }
        self.bare(expr);
        if parentheses {
            self.push(")");
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, &expr.ty),
            ExprKind::Column(column) => {
                let name = self.names.columns.map_or_else(|| format!("${column}"), |name| name(*column));
                self.push(&name);
            }
            ExprKind::Param(param) => match self.names.params.get(param.0 as usize) {
                Some(known) => self.push(&known.name),
                None => self.fmt(format_args!("param{}", param.0)),
            },
            ExprKind::Local(local) => self.local(*local),
            ExprKind::Let { .. } => {
                self.push("{ ");
                let mut inner = expr;
                while let ExprKind::Let { local, value, body } = &inner.kind {
                    self.push("let ");
                    self.local(*local);
                    self.push(" = ");
                    self.expr(value, Precedence::Lowest);
                    self.push("; ");
                    inner = body;
                }
                self.expr(inner, Precedence::Lowest);
                self.push(" }");
            }
            ExprKind::Unary(op, value) => {
                self.push(match op {
                    UnaryOp::Neg => "-",
                    UnaryOp::Not => "!",
                });
                self.expr(value, Precedence::Unary);
            }
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right),
            ExprKind::Cast(value) => {
                self.expr(value, Precedence::Cast);
                self.fmt(format_args!(" as {}", expr.ty));
            }
            ExprKind::If { condition, then, otherwise } => {
                self.push("if ");
                self.expr(condition, Precedence::Lowest);
                self.push(" { ");
                self.expr(then, Precedence::Lowest);
                self.push(" } else ");
                if matches!(otherwise.kind, ExprKind::If { .. }) {
                    self.bare(otherwise);
                } else {
                    self.push("{ ");
                    self.expr(otherwise, Precedence::Lowest);
                    self.push(" }");
                }
            }
            ExprKind::Some(value) => self.arguments("Some", std::slice::from_ref(&**value)),
            ExprKind::None => self.push("None"),
            ExprKind::IsSome(value) => {
                self.expr(value, Precedence::Postfix);
                self.push(".is_some()");
            }
            ExprKind::IfSome { option, local, then, otherwise } => {
                self.push("match ");
                self.expr(option, Precedence::Lowest);
                self.push(" { Some(");
                self.local(*local);
                self.push(") => ");
                self.expr(then, Precedence::Lowest);
                self.push(", None => ");
                self.expr(otherwise, Precedence::Lowest);
                self.push(" }");
            }
            ExprKind::Variable(variable) => {
                let name = super::body::variable(self.body, *variable);
                self.push(&name);
            }
            ExprKind::Compute(body, args) => self.compute(body, args),
            ExprKind::Fail(failure) => {
                let kind = match failure.kind {
                    FailureKind::Panic => "panic!",
                    FailureKind::UnwrapNone => "unwrap_none!",
                    FailureKind::OutOfRange => "out_of_range!",
                };
                if failure.message.is_empty() {
                    self.fmt(format_args!("{kind}()"));
                } else {
                    self.fmt(format_args!("{kind}({:?})", failure.message));
                }
            }
            ExprKind::Call(Function::Fast(function), args) => {
                self.push("math::");
                self.arguments(function.name(), args);
            }
            ExprKind::Call(Function::Value(function), args) if !function.is_method() => {
                self.arguments(function.name(), args);
            }
            ExprKind::Call(Function::List(ListFunction::Of), items) => {
                self.push("vec![");
                for (position, item) in items.iter().enumerate() {
                    self.push(if position > 0 { ", " } else { "" });
                    self.expr(item, Precedence::Lowest);
                }
                self.push("]");
            }
            ExprKind::Call(Function::List(ListFunction::At), args) if args.len() == 2 => {
                self.expr(&args[0], Precedence::Postfix);
                self.push("[");
                self.expr(&args[1], Precedence::Lowest);
                self.push("]");
            }
            ExprKind::Call(function, args) => match args.split_first() {
                Some((receiver, rest)) => {
                    self.expr(receiver, Precedence::Postfix);
                    self.push(".");
                    self.arguments(function.name(), rest);
                }
                None => self.arguments(function.name(), &[]),
            },
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let own = precedence_of(op);
        // Comparisons do not associate; `a as i64 < b` and `a as i64 << b` would begin type arguments.
        let left_needs = match op {
            BinaryOp::Lt | BinaryOp::Shl if ends_in_cast(left) => Precedence::Postfix,
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => own.tighter(),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::And
            | BinaryOp::Or => own,
        };
        self.expr(left, left_needs);
        self.fmt(format_args!(" {} ", op.symbol()));
        self.expr(right, own.tighter());
    }

    /// `compute(a = price) { statements; result }`: the statements on one line, as all of an expression.
    fn compute(&mut self, body: &Body, args: &[Expr]) {
        self.push("compute(");
        for (position, arg) in args.iter().enumerate() {
            if position > 0 {
                self.push(", ");
            }
            let number = u32::try_from(position).unwrap_or(u32::MAX);
            let name = super::body::variable(Some(body), VariableId(number));
            self.fmt(format_args!("{name} = "));
            self.expr(arg, Precedence::Lowest);
        }
        self.push(") { ");
        let text = super::body::text(body, self.names);
        self.push(&text);
        self.push(" }");
    }

    fn arguments(&mut self, function: &str, args: &[Expr]) {
        self.push(function);
        self.push("(");
        for (position, arg) in args.iter().enumerate() {
            if position > 0 {
                self.push(", ");
            }
            self.expr(arg, Precedence::Lowest);
        }
        self.push(")");
    }

    fn local(&mut self, local: LocalId) {
        self.fmt(format_args!("x{}", local.0));
    }

    /// A number without a suffix is an `i64` or an `f64`.
    fn literal(&mut self, literal: &Literal, ty: &Type) {
        match (literal, ty) {
            (Literal::Bool(value), _) => self.fmt(format_args!("{value}")),
            (Literal::Int(value), Type::Int64) => self.fmt(format_args!("{value}")),
            (Literal::Int(value), ty) if ty.is_integer() => self.fmt(format_args!("{value}{ty}")),
            (Literal::Int(value), Type::Char) => {
                let c = u32::try_from(*value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.fmt(format_args!("{c:?}"));
            }
            (Literal::Int(value), ty) => self.fmt(format_args!("{ty}({value})")),
            (Literal::Float(value), ty) if !value.is_finite() => {
                let name = match (value.is_nan(), *value > 0.0) {
                    (true, _) => "NAN",
                    (false, true) => "INFINITY",
                    (false, false) => "NEG_INFINITY",
                };
                self.fmt(format_args!("{ty}::{name}"));
            }
            (Literal::Float(value), Type::Float32) => self.fmt(format_args!("{value:?}f32")),
            (Literal::Float(value), _) => self.fmt(format_args!("{value:?}")),
            (Literal::String(value), _) => self.fmt(format_args!("{value:?}")),
            (Literal::Bytes(value), _) => self.fmt(format_args!("b\"{}\"", value.escape_ascii())),
            (Literal::Unit, _) => self.push("()"),
        }
    }

    fn fmt(&mut self, args: fmt::Arguments<'_>) {
        self.out.write_fmt(args).expect("a String takes any text");
    }
}

/// Whether the text of an expression, as the left side of an operator, ends in a type.
fn ends_in_cast(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Cast(_) => true,
        ExprKind::Unary(_, value) => ends_in_cast(value),
        ExprKind::Binary(_, _, right) => ends_in_cast(right),
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;
    use crate::ty::Field;

    fn node(kind: ExprKind, ty: Type) -> Expr {
        Expr::new(kind, ty, Span::NONE)
    }

    fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
        let ty = left.ty.clone();
        node(ExprKind::Binary(op, Box::new(left), Box::new(right)), ty)
    }

    fn float(value: f64) -> Expr {
        node(ExprKind::Literal(Literal::Float(value)), Type::Float64)
    }

    fn column(position: u32) -> Expr {
        Expr::column(position, Type::Float64)
    }

    #[track_caller]
    fn check(value: &Expr, text: &str) {
        let schema = Schema::new(["bid", "ask", "id", "id"].map(|name| Field::new(name, Type::Float64)).to_vec());
        assert_eq!(expr_over(value, &schema, &[]), text);
    }

    #[test]
    fn parentheses_stand_only_where_they_are_needed() {
        let sum = || binary(BinaryOp::Add, column(0), column(1));
        check(&binary(BinaryOp::Div, sum(), float(2.0)), "(bid + ask) / 2.0");
        check(&binary(BinaryOp::Sub, sum(), column(0)), "bid + ask - bid");
        check(&binary(BinaryOp::Sub, column(0), sum()), "bid - (bid + ask)");
        check(&binary(BinaryOp::Gt, sum(), float(-0.0)), "bid + ask > -0.0");
        let less = || binary(BinaryOp::Lt, column(0), column(1));
        check(&binary(BinaryOp::Eq, less(), less()), "(bid < ask) == (bid < ask)");
        let abs = |value| node(ExprKind::Call(Function::Abs, vec![value]), Type::Float64);
        check(&abs(float(-1.0)), "(-1.0).abs()");
        check(&node(ExprKind::Unary(UnaryOp::Neg, Box::new(abs(sum()))), Type::Float64), "-(bid + ask).abs()");
    }

    #[test]
    fn a_cast_before_less_than_stands_in_parentheses() {
        let cast = || node(ExprKind::Cast(Box::new(column(0))), Type::Int64);
        check(&binary(BinaryOp::Lt, cast(), cast()), "(bid as i64) < bid as i64");
        check(&binary(BinaryOp::Gt, cast(), cast()), "bid as i64 > bid as i64");
        check(
            &binary(BinaryOp::Lt, binary(BinaryOp::Mul, cast(), cast()), cast()),
            "(bid as i64 * bid as i64) < bid as i64",
        );
    }

    #[test]
    fn columns_of_one_name_are_told_apart() {
        check(&binary(BinaryOp::Eq, column(2), column(9)), "id$2 == $9");
    }

    #[test]
    fn blocks_and_options() {
        let local = node(ExprKind::Local(LocalId(0)), Type::Float64);
        let bound = node(
            ExprKind::Let {
                local: LocalId(0),
                value: Box::new(column(0)),
                body: Box::new(binary(BinaryOp::Mul, local.clone(), local.clone())),
            },
            Type::Float64,
        );
        check(&binary(BinaryOp::Add, bound, float(1.0)), "{ let x0 = bid; x0 * x0 } + 1.0");
        let option = node(
            ExprKind::IfSome {
                option: Box::new(node(ExprKind::Some(Box::new(column(1))), Type::Float64.optional())),
                local: LocalId(0),
                then: Box::new(local),
                otherwise: Box::new(float(f64::NAN)),
            },
            Type::Float64,
        );
        check(&option, "match Some(ask) { Some(x0) => x0, None => f64::NAN }");
    }
}
