//! Rust code inside a job as its author wrote it: closures, UDF bodies, records; names unresolved, types unknown.
//!
//! Made by the parser from `syn`'s tree, which ends there. The checker turns it into [`crate::expr`].
//! The JSON form of a [`crate::job_graph::JobGraph`] carries code as Rust text (see `display::ast`).

use crate::span::Span;

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The identifier.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A type as written: `Option<String>`, `Quote`, `(i64, String)`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// What it is.
    pub kind: TypeNameKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a written type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeNameKind {
    /// `f64`, `Quote`, `Option<T>`: last path segment and its type arguments.
    Path(String, Vec<TypeName>),
    /// `(A, B)`; `()` is the empty one.
    Tuple(Vec<TypeName>),
    /// `&T`.
    Reference(Box<TypeName>),
    /// `_`.
    Infer,
}

/// `#[sabot::record] struct`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The struct's name.
    pub name: Name,
    /// Its fields in order.
    pub fields: Vec<RecordField>,
    /// The whole item.
    pub span: Span,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordField {
    /// Name in the job's code.
    pub name: Name,
    /// Name in files and topics (`rename`, `rename_all` applied).
    pub wire_name: String,
    /// Type as written.
    pub ty: TypeName,
}

/// `#[sabot::udf] fn`, or a plain helper `fn`.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<(Name, TypeName)>,
    /// What it returns; `()` where nothing is written.
    pub returns: TypeName,
    /// Its body.
    pub body: Expr,
    /// `#[sabot::udf(math = "fast")]`.
    pub fast_math: bool,
    /// The whole item.
    pub span: Span,
}

/// `const NAME: T = value;`
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeName,
    /// Its value.
    pub value: Expr,
}

/// `|q, s| body`.
#[derive(Clone, Debug, PartialEq)]
pub struct Closure {
    /// The patterns of the parameters, with their types where written.
    pub params: Vec<(Pattern, Option<TypeName>)>,
    /// The body.
    pub body: Box<Expr>,
    /// The whole closure.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// A single name: local, parameter, const.
    Name(String),
    /// `A::B`, such as `f64::MAX` or `Format::Arrow`: the segments.
    Path(Vec<String>),
    /// `base.field`; a tuple index is a field named `0`, `1`, …
    Field(Box<Expr>, Name),
    /// `-x`, `!x`, `*x`.
    Unary(UnaryOp, Box<Expr>),
    /// `&x`; means `x` (the language has values only).
    Reference(Box<Expr>),
    /// `a + b`, `a && b`, …
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `x as T`.
    Cast(Box<Expr>, TypeName),
    /// `if c { a } else { b }`; without `else` the second is missing.
    If(Box<Condition>, Box<Expr>, Option<Box<Expr>>),
    /// `match x { … }`.
    Match(Box<Expr>, Vec<Arm>),
    /// `f(a, b)`, `Some(x)`, `seconds(5)`: path segments, arguments.
    Call(Vec<Name>, Vec<Expr>),
    /// `x.method::<T>(a, b)`.
    Method(Box<Expr>, Name, Vec<TypeName>, Vec<Expr>),
    /// `Record { a: 1, ..base }`: name, fields, base.
    Record(Name, Vec<(Name, Expr)>, Option<Box<Expr>>),
    /// `(a, b)`; `()` is the empty one.
    Tuple(Vec<Expr>),
    /// `{ statements; tail }`.
    Block(Vec<Statement>, Option<Box<Expr>>),
    /// `|x| body`.
    Closure(Closure),
    /// `return x`.
    Return(Option<Box<Expr>>),
    /// `name!(tokens)`: name and the arguments, parsed as expressions where they are.
    Macro(Name, Vec<Expr>),
    /// A form that the parser has already reported; the checker stays silent about it.
    Error,
}

/// What stands behind `if`.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A `bool`.
    Expr(Expr),
    /// `let pattern = value`.
    Let(Pattern, Expr),
}

/// A statement of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `let pattern: T = value;`
    Let(Pattern, Option<TypeName>, Expr),
    /// `value;`
    Expr(Expr),
}

/// An arm of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// What it matches.
    pub pattern: Pattern,
    /// `if guard`.
    pub guard: Option<Expr>,
    /// Its value.
    pub body: Expr,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternKind {
    /// `_`.
    Wild,
    /// `x`, `mut x`, `x @ pattern`: name, mutable, what it must also match.
    Bind(String, bool, Option<Box<Pattern>>),
    /// A literal, negative numbers included.
    Literal(Literal),
    /// `lo..=hi`, `lo..hi`, `lo..`, `..=hi`: bounds, and whether the upper belongs to it.
    Range(Option<Literal>, Option<Literal>, bool),
    /// `a | b`.
    Or(Vec<Pattern>),
    /// `Some(p)`, `None`, a const: path segments and inner patterns.
    Path(Vec<String>, Vec<Pattern>),
    /// `(a, b)`.
    Tuple(Vec<Pattern>),
    /// `&p`.
    Reference(Box<Pattern>),
    /// Reported by the parser.
    Error,
}

/// A literal; a number keeps its suffix.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true`.
    Bool(bool),
    /// `42`, `42u8`; the sign of `-42` in a pattern is part of it.
    Int(i128, Option<String>),
    /// `1.5`, `1.5f32`, `1f64`.
    Float(f64, Option<String>),
    /// `"text"`.
    String(String),
    /// `'c'`.
    Char(char),
    /// `b"bytes"`.
    Bytes(Vec<u8>),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`.
    Neg,
    /// `!x`.
    Not,
    /// `*x`; means `x`.
    Deref,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `&&`
    And,
    /// `||`
    Or,
}

impl BinaryOp {
    /// The operator as written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}
