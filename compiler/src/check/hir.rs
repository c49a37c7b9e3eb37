//! Code with names resolved and a type on every node, between inference and lowering to [`sabot_ir::expr`].
//!
//! Records and tuples are still values here, UDF calls are still calls, `match` still has patterns.

use super::types::{Ty, TyVar};
use sabot_ir::expr::{BinaryOp, Failure, FailureKind, Function, ParamId, UnaryOp};
use sabot_ir::plan::AggregateFunction;
use sabot_ir::span::Span;

/// A variable of one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BindingId(pub(super) u32);

/// Index of a function of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FunctionId(pub(super) u32);

/// Index of a constant of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConstId(pub(super) u32);

/// A typed expression.
#[derive(Clone, Debug)]
pub(super) struct Hir {
    /// What it is.
    pub(super) kind: HirKind,
    /// Its type.
    pub(super) ty: Ty,
    /// Where it stands.
    pub(super) span: Span,
}

/// The forms of a typed expression.
#[derive(Clone, Debug)]
pub(super) enum HirKind {
    /// Reported.
    Error,
    /// An integer literal, its sign included.
    Int(i128),
    /// A float literal.
    Float(f64),
    /// `true`.
    Bool(bool),
    /// A string literal.
    Str(String),
    /// A literal of bytes.
    Bytes(Vec<u8>),
    /// A variable.
    Local(BindingId),
    /// A parameter of the job.
    Param(ParamId),
    /// A constant of the job.
    Const(ConstId),
    /// A field of a record or of a tuple, by position.
    Field(Box<Hir>, usize),
    /// A prefix operator.
    Unary(UnaryOp, Box<Hir>),
    /// An infix operator.
    Binary(BinaryOp, Box<Hir>, Box<Hir>),
    /// `as` to the node's type.
    Cast(Box<Hir>),
    /// `if`; without `else` the last is missing.
    If(Box<Hir>, Box<Hir>, Option<Box<Hir>>),
    /// `match`, `if let`.
    Match(Box<Hir>, Vec<HirArm>),
    /// `{ statements; tail }`.
    Block(Vec<HirStatement>, Option<Box<Hir>>),
    /// `return`.
    Return(Option<Box<Hir>>),
    /// A record literal: fields given by position, then the base of the others.
    Record(Vec<(usize, Hir)>, Option<Box<Hir>>),
    /// A tuple.
    Tuple(Vec<Hir>),
    /// `Some(x)`.
    Some(Box<Hir>),
    /// `None`.
    None,
    /// A function of the library.
    Call(Function, Vec<Hir>),
    /// A UDF, helper function or method, what stands for its type parameters, its arguments.
    Udf(FunctionId, Vec<Ty>, Vec<Hir>),
    /// `T::default()` of a type parameter.
    Default,
    /// The body of a closure that is called where it stands: `return` leaves it, not what is around it.
    Body(Box<Hir>),
    /// `x.into()`: decided when both types are known.
    Into(Box<Hir>),
    /// `g.key()`, `w.start()`, `w.end()`.
    Group(GroupPart),
    /// `g.sum(|q| ..)`.
    Aggregate(Box<HirAggregate>),
    /// `place = value`.
    Assign(Place, Box<Hir>),
    /// A loop that only `break`, `return` and row errors leave; what the others are made of.
    Loop(LoopId, Box<Hir>),
    /// A block that `break` may leave.
    Labeled(LoopId, Box<Hir>),
    /// `break value`.
    Break(LoopId, Option<Box<Hir>>),
    /// `continue`.
    Continue(LoopId),
    /// `panic!(..)`: a row error.
    Fail(Failure),
    /// What never gives a value, where one of this type is needed.
    Never(Box<Hir>),
    /// The value of a variable that gets one later.
    Later,
}

/// What all rows of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupPart {
    /// Its key.
    Key,
    /// When its window begins.
    Start,
    /// When its window ends.
    End,
}

/// A loop or labelled block of one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LoopId(pub(super) u32);

/// What is assigned to: a variable, or a field of a field of one.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The variable.
    pub(super) binding: BindingId,
    /// The fields that lead from it to what changes, by position.
    pub(super) fields: Vec<usize>,
}

/// A call of an aggregate function.
#[derive(Clone, Debug)]
pub(super) struct HirAggregate {
    /// Which.
    pub(super) function: AggregateFunction,
    /// Its arguments, each over its own row variable.
    pub(super) args: Vec<HirClosure>,
    /// The condition of `count_if`, `sum_if`, ….
    pub(super) filter: Option<HirClosure>,
}

/// A typed closure of one body.
#[derive(Clone, Debug)]
pub(super) struct HirClosure {
    /// Patterns of its parameters.
    pub(super) params: Vec<HirPat>,
    /// Its body.
    pub(super) body: Hir,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum HirStatement {
    /// `let pattern = value;`
    Let(HirPat, Hir),
    /// `value;`
    Expr(Hir),
    /// `let pattern = value else { .. };`
    LetElse(HirPat, Hir, Hir),
}

/// An arm.
#[derive(Clone, Debug)]
pub(super) struct HirArm {
    /// What it matches.
    pub(super) pattern: HirPat,
    /// `if guard`.
    pub(super) guard: Option<Hir>,
    /// Its value.
    pub(super) body: Hir,
}

/// A typed pattern.
#[derive(Clone, Debug)]
pub(super) struct HirPat {
    /// What it is.
    pub(super) kind: PatKind,
    /// The type of what it matches.
    pub(super) ty: Ty,
    /// Where it stands.
    pub(super) span: Span,
}

/// The forms of a typed pattern.
#[derive(Clone, Debug)]
pub(super) enum PatKind {
    /// `_`, and what was reported.
    Wild,
    /// `x`, `x @ pattern`.
    Bind(BindingId, Option<Box<HirPat>>),
    /// `true`.
    Bool(bool),
    /// Integers from the first to the second, both included.
    Int(i128, i128),
    /// Floats from the first to the second; whether the second is included.
    Float(f64, f64, bool),
    /// A string.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// `a | b`.
    Or(Vec<HirPat>),
    /// `Some(p)`.
    Some(Box<HirPat>),
    /// `None`.
    None,
    /// `(a, b)`.
    Tuple(Vec<HirPat>),
    /// A variant of an `enum`, or of a `Result`.
    Variant(Box<VariantPat>),
}

/// A pattern of a variant.
#[derive(Clone, Debug)]
pub(super) struct VariantPat {
    /// The names of all variants.
    pub(super) of: Vec<String>,
    /// Which of them.
    pub(super) at: usize,
    /// What its fields match, by their position in the whole value.
    pub(super) parts: Vec<(usize, HirPat)>,
}

impl HirKind {
    /// The literal with its sign turned; nothing if it is no number.
    pub(super) fn negated(&self) -> Option<Self> {
        if let Self::Int(value) = self {
            return Some(Self::Int(-value));
        }
        if let Self::Float(value) = self { Some(Self::Float(-value)) } else { None }
    }
}

impl Hir {
    /// A node.
    pub(super) fn new(kind: HirKind, ty: Ty, span: Span) -> Self {
        Self { kind, ty, span }
    }

    /// A row error where code never goes on.
    pub(super) fn never(span: Span) -> Self {
        let failure = Failure { kind: FailureKind::Panic, message: String::new() };
        Self::new(HirKind::Fail(failure), Ty::Never, span)
    }

    /// What has been reported.
    pub(super) fn error(span: Span) -> Self {
        Self::new(HirKind::Error, Ty::Error, span)
    }

    /// Calls `visit` with the direct parts, closures of aggregates included.
    pub(super) fn for_each_child(&self, visit: &mut dyn FnMut(&Hir)) {
        match &self.kind {
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
            | HirKind::Param(_)
            | HirKind::Const(_)
            | HirKind::None
            | HirKind::Default
            | HirKind::Group(_)
            | HirKind::Continue(_)
            | HirKind::Fail(_)
            | HirKind::Later => {}
            HirKind::Field(x, _)
            | HirKind::Unary(_, x)
            | HirKind::Cast(x)
            | HirKind::Some(x)
            | HirKind::Body(x)
            | HirKind::Assign(_, x)
            | HirKind::Loop(_, x)
            | HirKind::Labeled(_, x)
            | HirKind::Never(x)
            | HirKind::Into(x) => visit(x),
            HirKind::Binary(_, a, b) => {
                visit(a);
                visit(b);
            }
            HirKind::If(c, a, b) => {
                visit(c);
                visit(a);
                if let Some(b) = b {
                    visit(b);
                }
            }
            HirKind::Match(x, arms) => {
                visit(x);
                for arm in arms {
                    if let Some(guard) = &arm.guard {
                        visit(guard);
                    }
                    visit(&arm.body);
                }
            }
            HirKind::Block(statements, tail) => {
                for statement in statements {
                    match statement {
                        HirStatement::Let(_, x) | HirStatement::Expr(x) => visit(x),
                        HirStatement::LetElse(_, x, otherwise) => {
                            visit(x);
                            visit(otherwise);
                        }
                    }
                }
                if let Some(tail) = tail {
                    visit(tail);
                }
            }
            HirKind::Return(x) | HirKind::Break(_, x) => {
                if let Some(x) = x {
                    visit(x);
                }
            }
            HirKind::Record(fields, base) => {
                for (_, field) in fields {
                    visit(field);
                }
                if let Some(base) = base {
                    visit(base);
                }
            }
            HirKind::Tuple(parts) | HirKind::Call(_, parts) | HirKind::Udf(_, _, parts) => {
                parts.iter().for_each(visit);
            }
            HirKind::Aggregate(call) => {
                for closure in call.args.iter().chain(&call.filter) {
                    visit(&closure.body);
                }
            }
        }
    }

    /// Calls `change` with the type, and the place, of every node and pattern, and lets it change the node.
    pub(super) fn rewrite(&mut self, change: &mut dyn FnMut(&mut HirNode<'_>)) {
        match &mut self.kind {
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
            | HirKind::Param(_)
            | HirKind::Const(_)
            | HirKind::None
            | HirKind::Default
            | HirKind::Group(_)
            | HirKind::Continue(_)
            | HirKind::Fail(_)
            | HirKind::Later => {}
            HirKind::Field(x, _)
            | HirKind::Unary(_, x)
            | HirKind::Cast(x)
            | HirKind::Some(x)
            | HirKind::Body(x)
            | HirKind::Assign(_, x)
            | HirKind::Loop(_, x)
            | HirKind::Labeled(_, x)
            | HirKind::Never(x)
            | HirKind::Into(x) => x.rewrite(change),
            HirKind::Binary(_, a, b) => {
                a.rewrite(change);
                b.rewrite(change);
            }
            HirKind::If(c, a, b) => {
                c.rewrite(change);
                a.rewrite(change);
                if let Some(b) = b {
                    b.rewrite(change);
                }
            }
            HirKind::Match(x, arms) => {
                x.rewrite(change);
                for arm in arms {
                    arm.pattern.rewrite(change);
                    if let Some(guard) = &mut arm.guard {
                        guard.rewrite(change);
                    }
                    arm.body.rewrite(change);
                }
            }
            HirKind::Block(statements, tail) => {
                for statement in statements {
                    match statement {
                        HirStatement::Let(pattern, x) => {
                            pattern.rewrite(change);
                            x.rewrite(change);
                        }
                        HirStatement::Expr(x) => x.rewrite(change),
                        HirStatement::LetElse(pattern, x, otherwise) => {
                            pattern.rewrite(change);
                            x.rewrite(change);
                            otherwise.rewrite(change);
                        }
                    }
                }
                if let Some(tail) = tail {
                    tail.rewrite(change);
                }
            }
            HirKind::Return(x) | HirKind::Break(_, x) => {
                if let Some(x) = x {
                    x.rewrite(change);
                }
            }
            HirKind::Record(fields, base) => {
                for (_, field) in fields {
                    field.rewrite(change);
                }
                if let Some(base) = base {
                    base.rewrite(change);
                }
            }
            HirKind::Tuple(parts) | HirKind::Call(_, parts) | HirKind::Udf(_, _, parts) => {
                for part in parts {
                    part.rewrite(change);
                }
            }
            HirKind::Aggregate(call) => {
                for closure in call.args.iter_mut().chain(&mut call.filter) {
                    closure.rewrite(change);
                }
            }
        }
        change(&mut HirNode::Expr(self));
    }

    /// Calls `change` with the direct parts, closures of aggregates left out.
    pub(super) fn for_each_child_mut(&mut self, change: &mut dyn FnMut(&mut Hir)) {
        match &mut self.kind {
            HirKind::If(c, a, b) => {
                change(c);
                change(a);
                if let Some(b) = b {
                    change(b);
                }
            }
            HirKind::Match(x, arms) => {
                change(x);
                for arm in arms {
                    if let Some(guard) = &mut arm.guard {
                        change(guard);
                    }
                    change(&mut arm.body);
                }
            }
            HirKind::Block(statements, tail) => {
                for statement in statements {
                    match statement {
                        HirStatement::Let(_, x) | HirStatement::Expr(x) => change(x),
                        HirStatement::LetElse(_, x, otherwise) => {
                            change(x);
                            change(otherwise);
                        }
                    }
                }
                if let Some(tail) = tail {
                    change(tail);
                }
            }
            HirKind::Return(x) | HirKind::Break(_, x) => {
                if let Some(x) = x {
                    change(x);
                }
            }
            HirKind::Body(x)
            | HirKind::Assign(_, x)
            | HirKind::Loop(_, x)
            | HirKind::Labeled(_, x)
            | HirKind::Never(x) => change(x),
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
            | HirKind::Param(_)
            | HirKind::Const(_)
            | HirKind::None
            | HirKind::Default
            | HirKind::Group(_)
            | HirKind::Continue(_)
            | HirKind::Fail(_)
            | HirKind::Later
            | HirKind::Aggregate(_)
            | HirKind::Field(..)
            | HirKind::Unary(..)
            | HirKind::Cast(_)
            | HirKind::Some(_)
            | HirKind::Into(_)
            | HirKind::Binary(..)
            | HirKind::Record(..)
            | HirKind::Tuple(_)
            | HirKind::Call(..)
            | HirKind::Udf(..) => self.for_each_part(change),
        }
    }

    /// Calls `change` with the direct parts of a form that evaluates all of them, in order.
    pub(super) fn for_each_part(&mut self, change: &mut dyn FnMut(&mut Hir)) {
        match &mut self.kind {
            HirKind::Field(x, _) | HirKind::Unary(_, x) | HirKind::Cast(x) | HirKind::Some(x) | HirKind::Into(x) => {
                change(x);
            }
            HirKind::Binary(_, a, b) => {
                change(a);
                change(b);
            }
            HirKind::Record(fields, base) => {
                for (_, field) in fields {
                    change(field);
                }
                if let Some(base) = base {
                    change(base);
                }
            }
            HirKind::Tuple(parts) | HirKind::Call(_, parts) | HirKind::Udf(_, _, parts) => {
                for part in parts {
                    change(part);
                }
            }
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
            | HirKind::Param(_)
            | HirKind::Const(_)
            | HirKind::None
            | HirKind::Default
            | HirKind::Group(_)
            | HirKind::If(..)
            | HirKind::Match(..)
            | HirKind::Block(..)
            | HirKind::Return(_)
            | HirKind::Body(_)
            | HirKind::Aggregate(_)
            | HirKind::Assign(..)
            | HirKind::Loop(..)
            | HirKind::Labeled(..)
            | HirKind::Break(..)
            | HirKind::Continue(_)
            | HirKind::Fail(_)
            | HirKind::Never(_)
            | HirKind::Later => {}
        }
    }

    /// Calls `visit` with every function that is called in it.
    pub(super) fn for_each_call(&self, visit: &mut dyn FnMut(FunctionId, Span)) {
        if let HirKind::Udf(function, ..) = &self.kind {
            visit(*function, self.span);
        }
        self.for_each_child(&mut |child| child.for_each_call(visit));
    }
}

/// What [`Hir::rewrite`] shows.
pub(super) enum HirNode<'a> {
    /// An expression.
    Expr(&'a mut Hir),
    /// A pattern.
    Pat(&'a mut HirPat),
}

impl HirNode<'_> {
    /// The type of the node.
    pub(super) fn ty(&mut self) -> &mut Ty {
        match self {
            Self::Expr(expr) => &mut expr.ty,
            Self::Pat(pattern) => &mut pattern.ty,
        }
    }
}

impl HirClosure {
    /// See [`Hir::rewrite`].
    pub(super) fn rewrite(&mut self, change: &mut dyn FnMut(&mut HirNode<'_>)) {
        for param in &mut self.params {
            param.rewrite(change);
        }
        self.body.rewrite(change);
    }
}

impl HirPat {
    /// A pattern.
    pub(super) fn new(kind: PatKind, ty: Ty, span: Span) -> Self {
        Self { kind, ty, span }
    }

    fn rewrite(&mut self, change: &mut dyn FnMut(&mut HirNode<'_>)) {
        match &mut self.kind {
            PatKind::Wild
            | PatKind::Bool(_)
            | PatKind::Int(..)
            | PatKind::Float(..)
            | PatKind::Str(_)
            | PatKind::Bytes(_)
            | PatKind::None => {}
            PatKind::Bind(_, inner) => {
                if let Some(inner) = inner {
                    inner.rewrite(change);
                }
            }
            PatKind::Some(inner) => inner.rewrite(change),
            PatKind::Variant(variant) => variant.parts.iter_mut().for_each(|(_, part)| part.rewrite(change)),
            PatKind::Or(parts) | PatKind::Tuple(parts) => {
                for part in parts {
                    part.rewrite(change);
                }
            }
        }
        change(&mut HirNode::Pat(self));
    }

    /// Whether it matches every value.
    pub(super) fn is_irrefutable(&self) -> bool {
        match &self.kind {
            PatKind::Wild | PatKind::Bind(_, None) => true,
            PatKind::Bind(_, Some(inner)) => inner.is_irrefutable(),
            PatKind::Tuple(parts) => parts.iter().all(Self::is_irrefutable),
            PatKind::Or(parts) => parts.iter().any(Self::is_irrefutable),
            PatKind::Variant(variant) => {
                variant.of.len() == 1 && variant.parts.iter().all(|(_, part)| part.is_irrefutable())
            }
            PatKind::Bool(_)
            | PatKind::Int(..)
            | PatKind::Float(..)
            | PatKind::Str(_)
            | PatKind::Bytes(_)
            | PatKind::Some(_)
            | PatKind::None => false,
        }
    }
}

/// Whether a type variable is left in the type.
pub(super) fn first_variable(ty: &Ty) -> Option<TyVar> {
    match ty {
        Ty::Var(var) => Some(*var),
        Ty::Option(inner) | Ty::List(inner) | Ty::Of(_, inner) => first_variable(inner),
        // What `parse` should give is asked for elsewhere.
        Ty::Result(_, error) if **error == Ty::Failure => None,
        Ty::Result(inner, error) => first_variable(inner).or_else(|| first_variable(error)),
        Ty::Tuple(parts) => parts.iter().find_map(first_variable),
        Ty::Error
        | Ty::Never
        | Ty::Scalar(_)
        | Ty::Usize
        | Ty::Isize
        | Ty::Record(_)
        | Ty::Group
        | Ty::Failure
        | Ty::Generic(_)
        | Ty::Ordering => None,
    }
}
