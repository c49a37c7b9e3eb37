//! What is known of code without running it: how a row can fail in it, its loops, whether it takes memory, which functions
//! of the machine it uses.
//!
//! Every function of a job is pure and deterministic, since nothing in the languages reads a clock, a file or another row;
//! what is told here is what remains to be said.

use crate::body::Body;
use crate::expr::{BinaryOp, Expr, ExprKind, FailureKind, Function, UnaryOp};
use crate::text::TextFunction;
use crate::ty::Type;
use std::collections::BTreeSet;

/// What is known of some code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How a row can fail, in the words of a message.
    pub errors: BTreeSet<String>,
    /// Loops, those of functions that it calls included.
    pub loops: usize,
    /// Whether it makes text, bytes or lists, which takes memory until the chunk is done.
    pub allocates: bool,
    /// Functions whose last bit is std's on the machine that runs them.
    pub machine_math: BTreeSet<&'static str>,
}

impl Facts {
    /// The facts of expressions that belong together.
    #[must_use]
    pub fn of(code: &[Expr]) -> Self {
        let mut facts = Self::default();
        code.iter().for_each(|expr| facts.add(expr));
        facts
    }

    fn add(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Unary(UnaryOp::Neg, x) if !x.ty.is_float() => self.fails("overflow"),
            ExprKind::Binary(op, a, _) if expr.can_fail_alone() => match op {
                BinaryOp::Div | BinaryOp::Rem => {
                    self.fails("division by zero");
                    if a.ty.is_signed_integer() {
                        self.fails("overflow");
                    }
                }
                BinaryOp::Shl | BinaryOp::Shr => self.fails("a shift that is too wide"),
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::And
                | BinaryOp::Or => self.fails("overflow"),
            },
            ExprKind::Call(function, _) => self.call(*function, expr),
            ExprKind::Fail(failure) => match failure.kind {
                FailureKind::Panic if failure.message.is_empty() => self.fails("`panic!`"),
                FailureKind::Panic => self.fails(&format!("\"{}\"", failure.message)),
                FailureKind::UnwrapNone => self.fails("`unwrap` of `None`"),
                FailureKind::OutOfRange => self.fails("an index out of range"),
            },
            ExprKind::Compute(body, _) => self.body(body),
            ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::Variable(_)
            | ExprKind::Let { .. }
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Cast(_)
            | ExprKind::If { .. }
            | ExprKind::Some(_)
            | ExprKind::None
            | ExprKind::IsSome(_)
            | ExprKind::IfSome { .. } => {}
        }
        expr.children().into_iter().for_each(|child| self.add(child));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions have a word of their own")]
    fn call(&mut self, function: Function, expr: &Expr) {
        if expr.can_fail_alone() {
            match function {
                Function::Pow | Function::Abs => self.fails("overflow"),
                Function::DivEuclid | Function::RemEuclid => self.fails("division by zero"),
                Function::Clamp => self.fails("`clamp` with bounds that are not in order"),
                Function::List(_) => self.fails("an index out of range"),
                Function::Text(
                    TextFunction::Slice
                    | TextFunction::CharAt
                    | TextFunction::CharBefore
                    | TextFunction::ByteAt
                    | TextFunction::BytesSlice,
                ) => self.fails("a slice out of range"),
                other => self.fails(&format!("what `{}` refuses", other.name())),
            }
        }
        if makes_memory(function, &expr.ty) {
            self.allocates = true;
        }
        let has_rounding = matches!(
            function.name(),
            "exp"
                | "exp2"
                | "exp_m1"
                | "ln"
                | "ln_1p"
                | "log"
                | "log2"
                | "log10"
                | "powf"
                | "sin"
                | "cos"
                | "tan"
                | "asin"
                | "acos"
                | "atan"
                | "atan2"
                | "sinh"
                | "cosh"
                | "tanh"
                | "asinh"
                | "acosh"
                | "atanh"
                | "cbrt"
                | "hypot"
        );
        if has_rounding && expr.ty.is_float() {
            self.machine_math.insert(function.name());
        }
    }

    fn body(&mut self, body: &Body) {
        let mut loops = 0;
        body.for_each_loop(&mut |_| loops += 1);
        self.loops += loops;
        if loops > 0 {
            self.fails("a loop without end");
        }
        body.exprs().into_iter().for_each(|expr| self.add(expr));
    }

    fn fails(&mut self, how: &str) {
        self.errors.insert(how.to_owned());
    }
}

/// Whether the function makes a value that lies in memory of its own.
fn makes_memory(function: Function, ty: &Type) -> bool {
    const VIEWS: [&str; 14] = [
        "trim",
        "trim_start",
        "trim_end",
        "trim_start_matches",
        "trim_end_matches",
        "strip_prefix",
        "strip_suffix",
        "slice",
        "get",
        "as_bytes",
        "bytes_slice",
        "at",
        "unwrap_or",
        "take",
    ];
    let inner = ty.value_type();
    let has_memory = matches!(inner, Type::String | Type::Bytes | Type::List(_));
    has_memory && !VIEWS.contains(&function.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Literal;
    use crate::span::Span;

    fn column(ty: Type) -> Expr {
        Expr::column(0, ty)
    }

    fn binary(op: BinaryOp, a: Expr, b: Expr) -> Expr {
        let ty = a.ty.clone();
        Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::NONE)
    }

    #[test]
    fn errors_are_those_that_can_happen() {
        let by_two = Expr::new(ExprKind::Literal(Literal::Int(2)), Type::Int64, Span::NONE);
        let halved = binary(BinaryOp::Div, column(Type::Int64), by_two);
        assert_eq!(Facts::of(std::slice::from_ref(&halved)), Facts::default());
        let sum = binary(BinaryOp::Add, halved, column(Type::Int64));
        let facts = Facts::of(&[sum]);
        assert_eq!(facts.errors.into_iter().collect::<Vec<_>>(), ["overflow"]);
        let floats = binary(BinaryOp::Div, column(Type::Float64), column(Type::Float64));
        assert_eq!(Facts::of(&[floats]), Facts::default());
    }
}
