//! Expressions over two rows at once, in the lanes of 128-bit vectors.
//!
//! There are no branches: both arms of an `if` are computed and one is chosen, so nothing here may trap. Whether a row
//! failed is collected in a mask, under the conditions on the way to where it failed; which row, and why, is the replay
//! kernel's business. Integers are extended to 64 bits, `f32` is computed in `f64` and rounded after every operation (which
//! gives the same bits for `+ - * /` and `sqrt`), `bool` is a mask.

mod arithmetic;
pub(crate) mod body;
pub(crate) mod capability;
mod cast;
mod compare;
mod control;
mod division;
mod math;
mod range;
mod smallness;

use crate::CodegenError;
use crate::column::Class;
use crate::function::{FunctionCx, readonly};
use crate::lower::scalar::low_bits;
use cranelift_codegen::ir::{InstBuilder as _, Opcode, Value, types};
use range::Range;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal, LocalId};
use sabot_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The value of an expression in two rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes {
    /// The values.
    pub(crate) value: Value,
    /// Of an `Option`: mask of the rows where it is `Some`; `None`: all. Under a null the value is unspecified.
    pub(crate) valid: Option<Value>,
}

impl Lanes {
    /// Values that are all there.
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, valid: None }
    }
}

/// Two rows being computed.
pub(crate) struct VectorCx<'f, 'a> {
    /// The kernel.
    pub(crate) fx: &'f mut FunctionCx<'a>,
    /// Registers that the kernel reads or has computed already.
    pub(crate) registers: BTreeMap<u32, Lanes>,
    /// Parameters, in both lanes.
    pub(crate) params: &'f BTreeMap<u32, Value>,
    /// Mask of the rows that evaluation has come to; `None`: all.
    pub(crate) path: Option<Value>,
    /// The sign bit says that the row failed; `None`: neither did.
    pub(crate) failed: Option<Value>,
    locals: BTreeMap<LocalId, Lanes>,
    /// Of the body around.
    variables: Vec<body::Held>,
    /// Integers of which more is known than their type says, in rows that have not failed.
    ranges: BTreeMap<Value, Range>,
    /// Integers that are floats too, and floats that are integers.
    floats: BTreeMap<Value, Value>,
    ints: BTreeMap<Value, Value>,
    /// Integers that are not zero where evaluation has come to.
    not_zero: BTreeSet<Value>,
    /// Bounds that hold under the conditions of the moment, with what was known before.
    assumed: Vec<(Value, Option<Range>)>,
    /// Vectors that were made of scalars.
    scalars: BTreeMap<Value, [Value; 2]>,
}

impl<'f, 'a> VectorCx<'f, 'a> {
    /// Nothing of the rows is computed yet but these registers.
    pub(crate) fn new(
        fx: &'f mut FunctionCx<'a>,
        registers: BTreeMap<u32, Lanes>,
        params: &'f BTreeMap<u32, Value>,
    ) -> Self {
        Self {
            fx,
            registers,
            params,
            path: None,
            failed: None,
            locals: BTreeMap::new(),
            variables: Vec::new(),
            ranges: BTreeMap::new(),
            floats: BTreeMap::new(),
            ints: BTreeMap::new(),
            not_zero: BTreeSet::new(),
            assumed: Vec::new(),
            scalars: BTreeMap::new(),
        }
    }

    /// Computes an expression.
    pub(crate) fn lower(&mut self, expr: &Expr) -> Result<Lanes, CodegenError> {
        let before = self.fx.enter_span(expr.span);
        let value = self.lower_kind(expr);
        self.fx.leave_span(before);
        value
    }

    fn lower_kind(&mut self, expr: &Expr) -> Result<Lanes, CodegenError> {
        let class = Class::of(&expr.ty);
        Ok(match &expr.kind {
            ExprKind::Literal(literal) => Lanes::plain(self.literal(literal, class, expr.span)?),
            ExprKind::Column(register) => *self
                .registers
                .get(register)
                .ok_or_else(|| CodegenError::internal("a kernel reads a register that it was not given"))?,
            ExprKind::Param(param) => {
                let value = self.params.get(&param.0);
                Lanes::plain(*value.ok_or_else(|| CodegenError::internal("a parameter was not loaded"))?)
            }
            ExprKind::Local(local) => {
                *self.locals.get(local).ok_or_else(|| CodegenError::internal("a local is used outside its `let`"))?
            }
            ExprKind::Let { local, value, body } => {
                let value = self.lower(value)?;
                self.locals.insert(*local, value);
                self.lower(body)?
            }
            ExprKind::Unary(op, x) => arithmetic::unary(self, *op, x)?,
            ExprKind::Binary(op, a, b) => match op {
                BinaryOp::And | BinaryOp::Or => control::and_or(self, *op, a, b)?,
                BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                    let (left, right) = (self.lower(a)?, self.lower(b)?);
                    compare::compare(self, *op, Class::of(&a.ty), left, right)
                }
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
                | BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Shl
                | BinaryOp::Shr => arithmetic::binary(self, *op, a, b)?,
            },
            ExprKind::Cast(x) => {
                let value = self.lower(x)?;
                cast::cast(self, value, Class::of(&x.ty), class)?
            }
            ExprKind::If { condition, then, otherwise } => control::if_(self, condition, then, otherwise, class)?,
            ExprKind::Some(x) => self.lower(x)?,
            ExprKind::None => {
                let ty = class.lanes().ok_or_else(|| CodegenError::internal("`None` of no lane type"))?;
                let value = self.fx.lanes(ty, 0, 0);
                let valid = self.fx.lanes(types::I64X2, 0, 0);
                Lanes { value, valid: Some(valid) }
            }
            ExprKind::IsSome(x) => {
                // Of a column of any type: a string's value is not in lanes, but whether it is there is.
                let value = self.lower(x)?;
                Lanes::plain(self.valid(value))
            }
            ExprKind::IfSome { option, local, then, otherwise } => {
                control::if_some(self, option, *local, then, otherwise, class)?
            }
            ExprKind::Fail(_) => self.fail(class)?,
            ExprKind::Variable(id) => {
                let held = self.variables.get(id.0 as usize).copied();
                held.ok_or_else(|| CodegenError::internal("a variable is read outside its body"))?.read(self)
            }
            ExprKind::Compute(..) => return Err(CodegenError::internal("a body that was not made a stage"))?,
            ExprKind::Call(function, args) => math::call(self, *function, args, expr)?,
        })
    }

    fn literal(&mut self, literal: &Literal, class: Class, span: Span) -> Result<Value, CodegenError> {
        let bits = match (literal, class) {
            (Literal::Bool(value), _) => return Ok(self.mask(*value)),
            (Literal::Int(value), Class::Int { .. }) => low_bits(*value).cast_unsigned(),
            (Literal::Float(value), Class::F32 | Class::F64) => value.to_bits(),
            (
                Literal::Int(_) | Literal::Float(_) | Literal::String(_) | Literal::Bytes(_) | Literal::Unit,
                Class::Unit
                | Class::Bool
                | Class::Int { .. }
                | Class::F32
                | Class::F64
                | Class::Str
                | Class::List(_)
                | Class::Decimal,
            ) => return Err(CodegenError::unsupported("a literal of this type in vectors", span)),
        };
        let ty = class.lanes().ok_or_else(|| CodegenError::internal("a literal of no lane type"))?;
        let value = self.fx.lanes(ty, bits, bits);
        if let Literal::Int(literal) = literal {
            self.ranges.insert(value, Range::of(*literal));
        }
        Ok(value)
    }

    /// A mask of all rows, or of none.
    pub(crate) fn mask(&mut self, all: bool) -> Value {
        let bits = if all { u64::MAX } else { 0 };
        self.fx.lanes(types::I64X2, bits, bits)
    }

    /// The same integer in both lanes.
    fn int(&mut self, value: i64) -> Value {
        self.fx.lanes(types::I64X2, value.cast_unsigned(), value.cast_unsigned())
    }

    /// The same number in both lanes.
    fn float(&mut self, value: f64) -> Value {
        self.fx.lanes(types::F64X2, value.to_bits(), value.to_bits())
    }

    /// Mask of the rows where a value is there.
    pub(crate) fn valid(&mut self, value: Lanes) -> Value {
        match value.valid {
            Some(valid) => valid,
            None => self.mask(true),
        }
    }

    /// By mask, one value or the other.
    pub(crate) fn choose(&mut self, mask: Value, if_true: Value, if_false: Value) -> Value {
        choose(self.fx, mask, if_true, if_false)
    }

    /// Both masks, where `None` is all rows.
    pub(crate) fn both(&mut self, a: Option<Value>, b: Option<Value>) -> Option<Value> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.fx.builder.ins().band(a, b)),
            (one, None) | (None, one) => one,
        }
    }

    /// One mask or the other, where `None` is no row.
    pub(crate) fn either(&mut self, a: Option<Value>, b: Value) -> Option<Value> {
        Some(match a {
            Some(a) => self.fx.builder.ins().bor(a, b),
            None => b,
        })
    }

    /// Evaluates under a further condition.
    pub(crate) fn under<T>(&mut self, condition: Value, evaluate: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.path;
        self.path = self.both(before, Some(condition));
        let mark = self.assumed.len();
        let value = evaluate(self);
        self.forget_since(mark);
        self.path = before;
        value
    }

    /// As [`Self::under`], where an integer is known not to be zero then.
    fn under_not_zero<T>(
        &mut self,
        condition: Value,
        not_zero: Option<Value>,
        evaluate: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let new = not_zero.filter(|value| self.not_zero.insert(*value));
        let value = self.under(condition, evaluate);
        if let Some(new) = new {
            self.not_zero.remove(&new);
        }
        value
    }

    /// Whether an integer is so small that a chunk's sum of such is no greater than 64 bits.
    pub(crate) fn is_small(&self, class: Class, value: Value) -> bool {
        match class {
            Class::Int { bits, signed } => self.range(arithmetic::Int { bits, signed }, value).is_in(division::exact()),
            Class::Unit | Class::Bool | Class::F32 | Class::F64 | Class::Str | Class::List(_) | Class::Decimal => false,
        }
    }

    /// From here on, where evaluation comes to, an integer lies between these bounds.
    fn assume(&mut self, value: Value, range: Range) {
        let before = self.ranges.insert(value, range);
        self.assumed.push((value, before));
    }

    /// Other conditions hold: what was assumed since is no longer known.
    fn forget_since(&mut self, mark: usize) {
        for (value, before) in self.assumed.drain(mark..).rev() {
            match before {
                Some(before) => self.ranges.insert(value, before),
                None => self.ranges.remove(&value),
            };
        }
    }

    /// Rows whose sign bit is set in `bad` have failed, if evaluation came to them.
    pub(crate) fn fail_if(&mut self, bad: Value) {
        let here = match self.path {
            Some(path) => self.fx.builder.ins().band(bad, path),
            None => bad,
        };
        self.failed = Some(match self.failed {
            Some(before) => self.fx.builder.ins().bor(before, here),
            None => here,
        });
    }

    /// Rows that evaluation has come to have failed; the value is never seen.
    fn fail(&mut self, class: Class) -> Result<Lanes, CodegenError> {
        let all = self.mask(true);
        self.fail_if(all);
        let ty = class.lanes().ok_or_else(|| CodegenError::internal("a failure of no lane type"))?;
        Ok(Lanes::plain(self.fx.lanes(ty, 0, 0)))
    }

    /// The result of an operation on `f32`s, rounded to one.
    fn round_to(&mut self, class: Class, value: Value) -> Value {
        if class == Class::F32 {
            let narrow = self.fx.builder.ins().fvdemote(value);
            self.fx.builder.ins().fvpromote_low(narrow)
        } else {
            value
        }
    }

    /// Computes each lane on its own.
    fn by_lane(&mut self, args: &[Value], mut compute: impl FnMut(&mut Self, &[Value]) -> Value) -> Value {
        let args: Vec<[Value; 2]> = args.iter().map(|arg| self.scalars(*arg)).collect();
        let lanes = [0, 1].map(|lane| {
            let scalars: Vec<Value> = args.iter().map(|arg| arg[lane]).collect();
            compute(self, &scalars)
        });
        let vector = pair(self.fx, lanes[0], lanes[1]);
        self.scalars.insert(vector, lanes);
        vector
    }

    /// The two values of a vector: those that it was made of, so that what is done lane by lane stays there.
    fn scalars(&mut self, vector: Value) -> [Value; 2] {
        if let Some(known) = self.scalars.get(&vector) {
            return *known;
        }
        let scalars = [0u8, 1].map(|lane| self.fx.builder.ins().extractlane(vector, lane));
        self.scalars.insert(vector, scalars);
        scalars
    }
}

/// By mask, one value or the other.
pub(crate) fn choose(fx: &mut FunctionCx<'_>, mask: Value, if_true: Value, if_false: Value) -> Value {
    if if_true == if_false {
        return if_true;
    }
    let ty = fx.type_of(if_true);
    if ty != types::I64X2 && is_float_comparison(fx, mask) {
        // In the domain of floats: this is what becomes `minpd` and `maxpd`.
        let mask = fx.bitcast(ty, mask);
        return fx.builder.ins().bitselect(mask, if_true, if_false);
    }
    let if_true = fx.bitcast(types::I64X2, if_true);
    let if_false = fx.bitcast(types::I64X2, if_false);
    let chosen = fx.builder.ins().bitselect(mask, if_true, if_false);
    fx.bitcast(ty, chosen)
}

fn is_float_comparison(fx: &FunctionCx<'_>, mask: Value) -> bool {
    let dfg = &fx.builder.func.dfg;
    dfg.value_def(mask).inst().is_some_and(|inst| dfg.insts[inst].opcode() == Opcode::Fcmp)
}

/// A vector of two 64-bit scalars.
pub(crate) fn pair(fx: &mut FunctionCx<'_>, low: Value, high: Value) -> Value {
    let ty = if fx.type_of(low) == types::F64 { types::F64X2 } else { types::I64X2 };
    let vector = fx.builder.ins().scalar_to_vector(ty, low);
    fx.builder.ins().insertlane(vector, high, 1u8)
}

/// A parameter in both lanes.
pub(crate) fn param(fx: &mut FunctionCx<'_>, number: u32, class: Class) -> Value {
    let (base, at) = fx.param(number);
    let scalar = fx.builder.ins().load(class.scalar(), readonly(), base, at);
    match class {
        Class::F64 => fx.builder.ins().splat(types::F64X2, scalar),
        Class::F32 => {
            let wide = fx.builder.ins().fpromote(types::F64, scalar);
            fx.builder.ins().splat(types::F64X2, wide)
        }
        Class::Bool => {
            let mask = fx.builder.ins().bmask(types::I64, scalar);
            fx.builder.ins().splat(types::I64X2, mask)
        }
        Class::Int { bits: 64, .. } => fx.builder.ins().splat(types::I64X2, scalar),
        Class::Int { signed: true, .. } => {
            let wide = fx.builder.ins().sextend(types::I64, scalar);
            fx.builder.ins().splat(types::I64X2, wide)
        }
        Class::Int { signed: false, .. } | Class::Unit | Class::Str | Class::List(_) | Class::Decimal => {
            let wide = fx.builder.ins().uextend(types::I64, scalar);
            fx.builder.ins().splat(types::I64X2, wide)
        }
    }
}

/// The sign bit of a float.
const SIGN: u64 = 1 << 63;

/// The magnitude of one value with the sign of another.
fn with_sign(cx: &mut VectorCx<'_, '_>, magnitude: Value, sign: Value) -> Value {
    let sign_bit = cx.fx.lanes(types::F64X2, SIGN, SIGN);
    let others = cx.fx.lanes(types::F64X2, !SIGN, !SIGN);
    let sign = cx.fx.builder.ins().band(sign, sign_bit);
    let magnitude = cx.fx.builder.ins().band(magnitude, others);
    cx.fx.builder.ins().bor(magnitude, sign)
}
