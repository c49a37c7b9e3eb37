//! What `#[sabot::pipeline]` writes calls of: the graph of a text, with the values of its parameters.

use sabot_compiler::parse::parse;
use sabot_ir::ast::{Expr, ExprKind, Literal, Name, UnaryOp};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::job_graph::{JobGraph, SourceText};
use sabot_ir::span::Span;
use sabot_library::{Date, Decimal, Duration, Timestamp};

/// The graph of one pipeline of a file. The attribute has checked the text, so there is one.
///
/// # Panics
/// The text is not what the attribute has checked, as in an editor without the file.
#[must_use]
pub fn graph<const N: usize>(file: &str, text: &str, job: &str, values: [(&str, Expr); N]) -> JobGraph {
    let graphs = parse(text, &mut Diagnostics::new());
    let mut graph = graphs
        .into_iter()
        .find(|graph| graph.job_name == job)
        .unwrap_or_else(|| panic!("the text of the pipeline `{job}` was not known when it was compiled"));
    for (name, value) in values {
        if let Some(param) = graph.params.iter_mut().find(|param| param.name.text == name) {
            param.default = Some(value);
        }
    }
    graph.source = Some(SourceText { file: file.to_owned(), text: text.to_owned() });
    graph
}

/// A value that a pipeline's parameter can have.
#[diagnostic::on_unimplemented(
    message = "a pipeline has no parameters of type `{Self}`",
    label = "`--set` could not give it a value",
    note = "a parameter is a `bool`, a number, a `String`, a `Decimal`, a `Date`, a `Timestamp` or a `Duration`"
)]
pub trait Argument {
    /// The value as code: the parameter's default from now on.
    fn into_default(self) -> Expr;
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::NONE }
}

fn literal(literal: Literal) -> Expr {
    expr(ExprKind::Literal(literal))
}

macro_rules! integers {
    ($($ty:ty)*) => { $(
        impl Argument for $ty {
            fn into_default(self) -> Expr {
                let value = i128::from(self);
                let magnitude = literal(Literal::Int(value.abs(), None));
                if value < 0 { expr(ExprKind::Unary(UnaryOp::Neg, Box::new(magnitude))) } else { magnitude }
            }
        }
    )* };
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! floats {
    ($($ty:ident)*) => { $(
        impl Argument for $ty {
            fn into_default(self) -> Expr {
                let constant = |name: &str| expr(ExprKind::Path(vec![stringify!($ty).to_owned(), name.to_owned()]));
                if self.is_nan() {
                    return constant("NAN");
                }
                let magnitude = if self.is_infinite() {
                    constant("INFINITY")
                } else {
                    // Through text: the decimal that is written for an `f32` is the shortest that means it.
                    literal(Literal::Float(self.abs().to_string().parse().unwrap_or(f64::NAN), None))
                };
                if self.is_sign_negative() {
                    expr(ExprKind::Unary(UnaryOp::Neg, Box::new(magnitude)))
                } else {
                    magnitude
                }
            }
        }
    )* };
}
floats!(f32 f64);

impl Argument for bool {
    fn into_default(self) -> Expr {
        literal(Literal::Bool(self))
    }
}

impl Argument for String {
    fn into_default(self) -> Expr {
        // As its author would write it: a bare literal is a `&str`.
        let text = Box::new(literal(Literal::String(self)));
        expr(ExprKind::Method(text, Name { text: "to_string".to_owned(), span: Span::NONE }, Vec::new(), Vec::new()))
    }
}

/// `function("text")`, as the literal of this type is written.
fn call(function: &str, argument: Expr) -> Expr {
    expr(ExprKind::Call(vec![Name { text: function.to_owned(), span: Span::NONE }], vec![argument]))
}

macro_rules! written_as_text {
    ($($ty:ty, $function:literal;)*) => { $(
        impl Argument for $ty {
            fn into_default(self) -> Expr {
                call($function, literal(Literal::String(self.to_string())))
            }
        }
    )* };
}
written_as_text!(Date, "date"; Decimal, "dec"; Timestamp, "timestamp";);

impl Argument for Duration {
    fn into_default(self) -> Expr {
        call("microseconds", self.as_micros().into_default())
    }
}
