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
    /// `&mut T`, of a parameter.
    MutReference(Box<TypeName>),
    /// `_`.
    Infer,
    /// `[T]`, behind a `&`.
    Slice(Box<TypeName>),
    /// `[T; n]`: the length as an expression.
    Array(Box<TypeName>, Box<Expr>),
}

/// `#[sabot::record] struct`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The struct's name.
    pub name: Name,
    /// Its fields in order; those of an `enum` are in its variants.
    pub fields: Vec<RecordField>,
    /// What it is beside that.
    pub shape: Shape,
    /// The whole item.
    pub span: Span,
}

/// What a [`Record`] is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shape {
    /// `#[sabot::record] struct`: rows of streams.
    #[default]
    Rows,
    /// A struct without the attribute: a value of functions, with the traits that it derives.
    Plain(Vec<String>),
    /// An `enum`, with the traits that it derives.
    Enum(Vec<Variant>, Vec<String>),
}

/// A variant of an `enum`.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: Name,
    /// Its fields; without names they are called `0`, `1`, …
    pub fields: Vec<RecordField>,
    /// What stands behind `=`, else one more than the variant before.
    pub discriminant: i128,
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

/// `#[sabot::udf] fn`, a plain helper `fn`, or a function of an `impl` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// The record whose `impl` block it stands in.
    pub owner: Option<Name>,
    /// `<T: PartialOrd + Copy>`, those of a `where` clause included.
    pub generics: Vec<Generic>,
    /// Its parameters. `self` is one of that name, of the record's type or a reference to it.
    pub params: Vec<(Pattern, TypeName)>,
    /// What it returns; `()` where nothing is written.
    pub returns: TypeName,
    /// Its body.
    pub body: Expr,
    /// `#[sabot::udf(math = "fast")]`.
    pub fast_math: bool,
    /// It stands in a `#[sabot::aggregate] impl`.
    pub of_aggregate: bool,
    /// The whole item.
    pub span: Span,
}

/// A type parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Generic {
    /// Its name.
    pub name: Name,
    /// The traits it must have, in the order they are written.
    pub bounds: Vec<TypeName>,
}

/// `const NAME: T = value;`
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// Its name.
    pub name: Name,
    /// The record whose `impl` block it stands in.
    pub owner: Option<Name>,
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
    /// What it says that it gives.
    pub returns: Option<TypeName>,
    /// `move`: what it names of its surroundings is copied.
    pub moves: bool,
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
    /// `&mut x`: a place that a function, or what stands behind a `let`, may change.
    MutReference(Box<Expr>),
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
    /// `name!(tokens)`: name and the arguments, parsed as expressions where they are; `matches!` is a `match`.
    Macro(Name, Vec<Expr>),
    /// `place = value`, `place += value`.
    Assign(Box<Expr>, Option<BinaryOp>, Box<Expr>),
    /// `base[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `a..b`, `a..=b`, `a..`, `..b`, `..`: bounds, and whether the upper belongs to it.
    Range(Option<Box<Expr>>, Option<Box<Expr>>, bool),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `[x; n]`, `vec![x; n]`.
    Repeat(Repeated, Box<Expr>, Box<Expr>),
    /// `'label: while condition { .. }`.
    While(Option<Name>, Box<Condition>, Box<Expr>),
    /// `'label: for pattern in values { .. }`.
    For(Option<Name>, Box<Pattern>, Box<Expr>, Box<Expr>),
    /// `'label: loop { .. }`.
    Loop(Option<Name>, Box<Expr>),
    /// `'label: { .. }`.
    Labeled(Name, Box<Expr>),
    /// `break 'label value`.
    Break(Option<Name>, Option<Box<Expr>>),
    /// `continue 'label`.
    Continue(Option<Name>),
    /// `x?`.
    Try(Box<Expr>),
    /// A form that the parser has already reported; the checker stays silent about it.
    Error,
}

/// What [`ExprKind::Repeat`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeated {
    /// `[x; n]`.
    Array,
    /// `vec![x; n]`.
    Vec,
}

/// What stands behind `if` and `while`.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A `bool`.
    Expr(Expr),
    /// `let pattern = value`.
    Let(Pattern, Expr),
    /// `a && let p = b && c`: two or more, one of them a `let`. None is an `All`.
    All(Vec<Condition>),
}

/// A statement of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `let pattern: T = value;`
    Let(Pattern, Option<TypeName>, Expr),
    /// `let pattern: T = value else { .. };`
    LetElse(Pattern, Option<TypeName>, Expr, Expr),
    /// `let name: T;`, which gets its value later.
    Declare(Pattern, Option<TypeName>),
    /// `value;`
    Expr(Expr),
    /// `const NAME: T = value;` inside a block, where all of it sees the name.
    Const(Const),
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
    Range(Option<RangeBound>, Option<RangeBound>, bool),
    /// `a | b`.
    Or(Vec<Pattern>),
    /// `Some(p)`, `None`, a const: path segments and inner patterns.
    Path(Vec<String>, Vec<Pattern>),
    /// `(a, b)`.
    Tuple(Vec<Pattern>),
    /// `&p`.
    Reference(Box<Pattern>),
    /// `Quote { price, id: 3, .. }`: name, fields, whether `..` stands for the others. A field alone binds its name.
    Record(Name, Vec<(Name, Pattern)>, bool),
    /// `..` inside a tuple or a slice.
    Rest,
    /// `[a, .., b]`, of which `..` and `rest @ ..` are items.
    Slice(Vec<Pattern>),
    /// Reported by the parser.
    Error,
}

/// A bound of a range in a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeBound {
    /// A literal with its sign.
    Literal(Literal),
    /// `i64::MIN`, a constant: the segments.
    Path(Vec<String>),
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

impl Function {
    /// `spread`, or of an `impl` block `Quote::spread`.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(self.owner.as_ref(), &self.name)
    }
}

impl Const {
    /// `LIMIT`, or of an `impl` block `Quote::LIMIT`.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(self.owner.as_ref(), &self.name)
    }
}

fn full_name(owner: Option<&Name>, name: &Name) -> String {
    owner.map_or_else(|| name.text.clone(), |owner| format!("{}::{}", owner.text, name.text))
}

impl Pattern {
    /// The name it binds, if it does nothing else.
    #[must_use]
    pub fn as_name(&self) -> Option<Name> {
        match &self.kind {
            PatternKind::Bind(text, _, None) => Some(Name { text: text.clone(), span: self.span }),
            PatternKind::Wild
            | PatternKind::Bind(..)
            | PatternKind::Literal(_)
            | PatternKind::Range(..)
            | PatternKind::Or(_)
            | PatternKind::Path(..)
            | PatternKind::Tuple(_)
            | PatternKind::Reference(_)
            | PatternKind::Record(..)
            | PatternKind::Rest
            | PatternKind::Slice(_)
            | PatternKind::Error => None,
        }
    }
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
