//! Splits a kernel at its calls of `exp`, `ln` and their like, which have no vector form here: what they are called with
//! is computed for 64 rows, the runtime computes 64 results at once, and what is done with them follows.
//!
//! An argument is made to stand alone: around it the `let`s that it reads, and, where it may fail, the conditions under
//! which it is computed at all. What comes out is a register of the kernel that lives as long as the block.

use super::KernelBody;
use crate::column::Class;
use crate::lower::vector::capability::may_be_suspected;
use sabot_abi::function::RuntimeFunction;
use sabot_ir::body::{Body, Statement};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, UnaryOp};
use sabot_ir::math::FastFunction;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::{BTreeMap, HashMap};

/// One call over 64 rows.
pub(super) struct BlockCall {
    /// The register of its results.
    pub(super) register: u32,
    /// What is called.
    pub(super) function: RuntimeFunction,
    /// The same for one row.
    pub(super) of_one: Function,
    /// Expressions over the kernel's inputs and the results of earlier stages.
    pub(super) args: Vec<Expr>,
}

/// A body over 64 rows.
pub(super) struct BodyCall {
    /// Its variables and statements; several results are computed of them.
    pub(super) body: Body,
    /// Expressions over the kernel's inputs and the results of earlier stages.
    pub(super) args: Vec<Expr>,
    /// Rows that it is run for at all; `None`: all.
    pub(super) condition: Option<Expr>,
    /// Registers, and what they get of the variables.
    pub(super) results: Vec<(u32, Expr)>,
}

/// What can be done one after the other without anything in between.
#[derive(Default)]
pub(super) struct Stage {
    /// Calls.
    pub(super) calls: Vec<BlockCall>,
    /// Bodies.
    pub(super) bodies: Vec<BodyCall>,
}

impl Stage {
    /// Everything that its calls and bodies begin with.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let of_bodies = self.bodies.iter().flat_map(|body| body.args.iter().chain(&body.condition));
        self.calls.iter().flat_map(|call| &call.args).chain(of_bodies)
    }
}

/// The calls of a kernel, those that need results of others after them, and the kernel that is left.
pub(super) struct Split {
    /// What goes before, in order.
    pub(super) stages: Vec<Stage>,
    /// The rest, which reads their registers.
    pub(super) body: KernelBody,
}

/// The function over 64 rows that computes a call in blocks; `None` if there is none.
pub(crate) fn block_function(function: Function, args: &[Expr]) -> Option<RuntimeFunction> {
    if args.iter().any(|arg| Class::of(&arg.ty) != Class::F64 || arg.ty.is_option()) {
        return None;
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others have a vector form, or none at all")]
    Some(match function {
        Function::Exp => RuntimeFunction::ExpBlock,
        Function::Exp2 => RuntimeFunction::Exp2Block,
        Function::ExpM1 => RuntimeFunction::ExpM1Block,
        Function::Ln => RuntimeFunction::LnBlock,
        Function::Ln1p => RuntimeFunction::Ln1pBlock,
        Function::Log2 => RuntimeFunction::Log2Block,
        Function::Log10 => RuntimeFunction::Log10Block,
        Function::Sin => RuntimeFunction::SinBlock,
        Function::Cos => RuntimeFunction::CosBlock,
        Function::Tan => RuntimeFunction::TanBlock,
        Function::Asin => RuntimeFunction::AsinBlock,
        Function::Acos => RuntimeFunction::AcosBlock,
        Function::Atan => RuntimeFunction::AtanBlock,
        Function::Sinh => RuntimeFunction::SinhBlock,
        Function::Cosh => RuntimeFunction::CoshBlock,
        Function::Tanh => RuntimeFunction::TanhBlock,
        Function::Cbrt => RuntimeFunction::CbrtBlock,
        Function::Powf => RuntimeFunction::PowfBlock,
        Function::Atan2 => RuntimeFunction::Atan2Block,
        Function::Hypot => RuntimeFunction::HypotBlock,
        Function::Fast(function) => match function {
            FastFunction::Exp => RuntimeFunction::FastExpBlock,
            FastFunction::Exp2 => RuntimeFunction::FastExp2Block,
            FastFunction::ExpM1 => RuntimeFunction::FastExpM1Block,
            FastFunction::Ln => RuntimeFunction::FastLnBlock,
            FastFunction::Ln1p => RuntimeFunction::FastLn1pBlock,
            FastFunction::Log2 => RuntimeFunction::FastLog2Block,
            FastFunction::Log10 => RuntimeFunction::FastLog10Block,
            FastFunction::Sin => RuntimeFunction::FastSinBlock,
            FastFunction::Cos => RuntimeFunction::FastCosBlock,
            FastFunction::Tan => RuntimeFunction::FastTanBlock,
            FastFunction::Sinh => RuntimeFunction::FastSinhBlock,
            FastFunction::Cosh => RuntimeFunction::FastCoshBlock,
            FastFunction::Tanh => RuntimeFunction::FastTanhBlock,
            FastFunction::Pow => RuntimeFunction::FastPowBlock,
        },
        _ => return None,
    })
}

/// What stands around an expression, from the outside in.
#[derive(Clone)]
enum Around {
    /// A `let` or the value of an `Option`, and what it is.
    Let(LocalId, Expr),
    Some(LocalId, Expr),
    /// A condition that holds here.
    If(Expr),
}

/// A kernel whose calls are done in blocks, if it has any.
pub(super) fn split(body: &KernelBody) -> Option<Split> {
    let has_calls = |expr: &Expr| {
        let mut found = false;
        expr.walk(&mut |node| {
            found |= match &node.kind {
                ExprKind::Call(function, args) => block_function(*function, args).is_some(),
                ExprKind::Compute(..) => true,
                ExprKind::Literal(_)
                | ExprKind::Column(_)
                | ExprKind::Param(_)
                | ExprKind::Local(_)
                | ExprKind::Let { .. }
                | ExprKind::Unary(..)
                | ExprKind::Binary(..)
                | ExprKind::Cast(_)
                | ExprKind::If { .. }
                | ExprKind::Some(_)
                | ExprKind::None
                | ExprKind::IsSome(_)
                | ExprKind::IfSome { .. }
                | ExprKind::Variable(_)
                | ExprKind::Fail(_) => false,
            };
        });
        found
    };
    if !body.expressions().any(has_calls) {
        return None;
    }
    let known =
        body.inputs.iter().map(|(register, _)| *register).chain(body.outputs.iter().map(|(register, _)| *register));
    let next = known.max().map_or(0, |greatest| greatest + 1);
    let mut splitter = Splitter {
        next,
        stages: Vec::new(),
        calls: HashMap::new(),
        bodies: HashMap::new(),
        depths: BTreeMap::new(),
        outputs: BTreeMap::new(),
        next_local: first_free_local(body),
    };
    let filter = body.filter.as_ref().map(|filter| splitter.expr(filter, &mut Vec::new()));
    let mut outputs = Vec::with_capacity(body.outputs.len());
    for (register, expr) in &body.outputs {
        let mut around: Vec<Around> = filter.iter().cloned().map(Around::If).collect();
        let expr = splitter.expr(expr, &mut around);
        splitter.outputs.insert(*register, expr.clone());
        outputs.push((*register, expr));
    }
    let body = KernelBody { inputs: body.inputs.clone(), filter, outputs, aggregate: body.aggregate.clone() };
    Some(Split { stages: splitter.stages, body })
}

/// What a body does: statements, types of variables, arguments, condition.
type BodyKey = (Vec<Statement>, Vec<Type>, Vec<Expr>, Option<Expr>);

struct Splitter {
    /// The next free register.
    next: u32,
    stages: Vec<Stage>,
    /// Registers of the calls so far, by what they compute.
    calls: HashMap<(RuntimeFunction, Vec<Expr>), u32>,
    /// Stage and place of the bodies so far, by all but their result.
    bodies: HashMap<BodyKey, (usize, usize)>,
    /// The stage that computes a register.
    depths: BTreeMap<u32, usize>,
    /// Outputs of the kernel so far, which arguments read by computing them again.
    outputs: BTreeMap<u32, Expr>,
    /// The next free local.
    next_local: u32,
}

impl Splitter {
    /// The expression with its calls replaced by registers.
    fn expr(&mut self, expr: &Expr, around: &mut Vec<Around>) -> Expr {
        let boxed = |this: &mut Self, x: &Expr, around: &mut Vec<Around>| Box::new(this.expr(x, around));
        let kind = match &expr.kind {
            ExprKind::Let { local, value, body } => {
                let value = self.expr(value, around);
                around.push(Around::Let(*local, value.clone()));
                let body = boxed(self, body, around);
                around.pop();
                ExprKind::Let { local: *local, value: Box::new(value), body }
            }
            ExprKind::If { condition, then, otherwise } => {
                let condition = self.expr(condition, around);
                around.push(Around::If(condition.clone()));
                let then = boxed(self, then, around);
                around.pop();
                around.push(Around::If(not(condition.clone())));
                let otherwise = boxed(self, otherwise, around);
                around.pop();
                ExprKind::If { condition: Box::new(condition), then, otherwise }
            }
            ExprKind::IfSome { option, local, then, otherwise } => {
                let option = self.expr(option, around);
                around.push(Around::Some(*local, option.clone()));
                let then = boxed(self, then, around);
                around.pop();
                let is_some = Expr::new(ExprKind::IsSome(Box::new(option.clone())), Type::Bool, expr.span);
                around.push(Around::If(not(is_some)));
                let otherwise = boxed(self, otherwise, around);
                around.pop();
                ExprKind::IfSome { option: Box::new(option), local: *local, then, otherwise }
            }
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let a = self.expr(a, around);
                around.push(Around::If(if *op == BinaryOp::And { a.clone() } else { not(a.clone()) }));
                let b = boxed(self, b, around);
                around.pop();
                ExprKind::Binary(*op, Box::new(a), b)
            }
            ExprKind::Binary(op, a, b) => {
                let a = boxed(self, a, around);
                ExprKind::Binary(*op, a, boxed(self, b, around))
            }
            ExprKind::Unary(op, x) => ExprKind::Unary(*op, boxed(self, x, around)),
            ExprKind::Cast(x) => ExprKind::Cast(boxed(self, x, around)),
            ExprKind::Some(x) => ExprKind::Some(boxed(self, x, around)),
            ExprKind::IsSome(x) => ExprKind::IsSome(boxed(self, x, around)),
            ExprKind::Call(function, args) => {
                let args: Vec<Expr> = args.iter().map(|arg| self.expr(arg, around)).collect();
                match block_function(*function, &args) {
                    Some(called) => return self.call(called, *function, args, around, expr),
                    None => ExprKind::Call(*function, args),
                }
            }
            ExprKind::Literal(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::None
            | ExprKind::Variable(_)
            | ExprKind::Fail(_) => return expr.clone(),
            ExprKind::Compute(body, args) => {
                let args: Vec<Expr> = args.iter().map(|arg| self.expr(arg, around)).collect();
                return self.body(body, args, around, expr);
            }
        };
        Expr::new(kind, expr.ty.clone(), expr.span)
    }

    /// A call as the register of its results.
    fn call(
        &mut self,
        function: RuntimeFunction,
        of_one: Function,
        args: Vec<Expr>,
        around: &[Around],
        expr: &Expr,
    ) -> Expr {
        let args: Vec<Expr> = args.into_iter().map(|arg| self.alone(arg, around)).collect();
        let key = (function, args.clone());
        let register = match self.calls.get(&key) {
            Some(known) => *known,
            None => {
                let register = self.next;
                self.next += 1;
                let depth = self.depth(args.iter());
                self.stages[depth].calls.push(BlockCall { register, function, of_one, args });
                self.depths.insert(register, depth);
                self.calls.insert(key, register);
                register
            }
        };
        Expr::new(ExprKind::Column(register), expr.ty.clone(), expr.span)
    }

    /// The stage that can compute something of these, which is there then.
    fn depth<'e>(&mut self, reads: impl Iterator<Item = &'e Expr>) -> usize {
        let columns = reads.flat_map(Expr::columns);
        let depth = columns.filter_map(|column| self.depths.get(&column).map(|depth| depth + 1)).max().unwrap_or(0);
        if self.stages.len() <= depth {
            self.stages.push(Stage::default());
        }
        depth
    }

    /// A body as the register of its result.
    fn body(&mut self, body: &Body, args: Vec<Expr>, around: &[Around], expr: &Expr) -> Expr {
        let args: Vec<Expr> = args.into_iter().map(|arg| self.alone(arg, around)).collect();
        let condition = self.condition(around, expr.span);
        let types = body.variables.iter().map(|variable| variable.ty.clone()).collect();
        let key = (body.block.clone(), types, args, condition);
        let register = self.next;
        self.next += 1;
        let (stage, place) = match self.bodies.get(&key) {
            Some(known) => *known,
            None => {
                let stage = self.depth(key.2.iter().chain(&key.3));
                let bodies = &mut self.stages[stage].bodies;
                let (args, condition) = (key.2.clone(), key.3.clone());
                bodies.push(BodyCall { body: body.clone(), args, condition, results: Vec::new() });
                let place = bodies.len() - 1;
                self.bodies.insert(key, (stage, place));
                (stage, place)
            }
        };
        self.stages[stage].bodies[place].results.push((register, body.result.clone()));
        self.depths.insert(register, stage);
        Expr::new(ExprKind::Column(register), expr.ty.clone(), expr.span)
    }

    /// Under which condition evaluation comes here, alone.
    fn condition(&mut self, around: &[Around], span: Span) -> Option<Expr> {
        let literal = |value: bool| Expr::new(ExprKind::Literal(Literal::Bool(value)), Type::Bool, span);
        let mut all: Option<Expr> = None;
        for outer in around.iter().rev() {
            all = match (outer, all) {
                (Around::If(condition), None) => Some(condition.clone()),
                (Around::If(condition), Some(inner)) => {
                    let kind = ExprKind::Binary(BinaryOp::And, Box::new(condition.clone()), Box::new(inner));
                    Some(Expr::new(kind, Type::Bool, span))
                }
                (Around::Let(local, value), Some(inner)) if reads(&inner, *local) => {
                    let kind = ExprKind::Let { local: *local, value: Box::new(value.clone()), body: Box::new(inner) };
                    Some(Expr::new(kind, Type::Bool, span))
                }
                (Around::Let(..), inner) => inner,
                (Around::Some(local, option), inner) => {
                    let kind = ExprKind::IfSome {
                        option: Box::new(option.clone()),
                        local: *local,
                        then: Box::new(inner.unwrap_or_else(|| literal(true))),
                        otherwise: Box::new(literal(false)),
                    };
                    Some(Expr::new(kind, Type::Bool, span))
                }
            };
        }
        if let Some(all) = &mut all {
            self.with_outputs(all);
        }
        all
    }

    /// An expression that reads nothing but inputs and results.
    fn alone(&mut self, mut arg: Expr, around: &[Around]) -> Expr {
        let mut fails = is_risky(&arg);
        for outer in around.iter().rev() {
            match outer {
                Around::Let(local, value) => {
                    if reads(&arg, *local) {
                        fails |= is_risky(value);
                        let ty = arg.ty.clone();
                        let kind = ExprKind::Let { local: *local, value: Box::new(value.clone()), body: Box::new(arg) };
                        arg = Expr::new(kind, ty, value.span);
                    }
                }
                Around::Some(local, option) => {
                    if fails || reads(&arg, *local) {
                        fails |= is_risky(option);
                        let (ty, otherwise) = (arg.ty.clone(), Box::new(zero(&arg.ty, arg.span)));
                        let kind = ExprKind::IfSome {
                            option: Box::new(option.clone()),
                            local: *local,
                            then: Box::new(arg),
                            otherwise,
                        };
                        arg = Expr::new(kind, ty, option.span);
                    }
                }
                Around::If(condition) => {
                    if fails {
                        fails |= is_risky(condition);
                        let (ty, otherwise) = (arg.ty.clone(), Box::new(zero(&arg.ty, arg.span)));
                        let kind =
                            ExprKind::If { condition: Box::new(condition.clone()), then: Box::new(arg), otherwise };
                        arg = Expr::new(kind, ty, condition.span);
                    }
                }
            }
        }
        self.with_outputs(&mut arg);
        arg
    }

    /// Earlier outputs of the kernel in an expression become what computes them.
    fn with_outputs(&mut self, expr: &mut Expr) {
        expr.rewrite(&mut |node| {
            if let ExprKind::Column(column) = node.kind
                && let Some(output) = self.outputs.get(&column)
            {
                let mut output = output.clone();
                // Its locals have the numbers of others here.
                self.rename(&mut output);
                // It may read outputs before it.
                self.with_outputs(&mut output);
                *node = output;
            }
        });
    }

    /// Gives all locals of an expression new numbers.
    fn rename(&mut self, expr: &mut Expr) {
        let mut names = BTreeMap::new();
        let next = &mut self.next_local;
        let mut name = |local: &mut LocalId| {
            *local = *names.entry(*local).or_insert_with(|| {
                *next += 1;
                LocalId(*next - 1)
            });
        };
        expr.rewrite(&mut |node| {
            if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } | ExprKind::Local(local) =
                &mut node.kind
            {
                name(local);
            }
        });
    }
}

/// Whether some row may fail in it, or be suspected to.
fn is_risky(expr: &Expr) -> bool {
    expr.can_fail() || may_be_suspected(expr)
}

/// A number above those of all locals.
fn first_free_local(body: &KernelBody) -> u32 {
    let mut free = 0;
    for expr in body.expressions() {
        expr.walk(&mut |node| {
            if let ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } = &node.kind {
                free = free.max(local.0 + 1);
            }
        });
    }
    free
}

/// Some value of a type that lies in lanes.
fn zero(ty: &Type, span: Span) -> Expr {
    let kind = match Class::of(ty) {
        _ if ty.is_option() => ExprKind::None,
        Class::Bool => ExprKind::Literal(Literal::Bool(false)),
        Class::F32 | Class::F64 => ExprKind::Literal(Literal::Float(0.0)),
        Class::Int { .. } | Class::Unit | Class::Str | Class::List(_) | Class::Decimal => {
            ExprKind::Literal(Literal::Int(0))
        }
    };
    Expr::new(kind, ty.clone(), span)
}

fn not(condition: Expr) -> Expr {
    let span = condition.span;
    Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(condition)), Type::Bool, span)
}

fn reads(expr: &Expr, local: LocalId) -> bool {
    let mut found = false;
    expr.walk(&mut |node| found |= matches!(node.kind, ExprKind::Local(read) if read == local));
    found
}
