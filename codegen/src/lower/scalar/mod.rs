//! Expressions over one row: any type, strict from left to right, errors where they happen.
//!
//! These kernels decide what a vector kernel only suspects, and do what cannot be done in vectors.

pub(crate) mod arithmetic;
mod body;
mod branchless;
pub(crate) mod cast;
pub(crate) mod compare;
mod control;
mod decimal;
mod list;
pub(crate) mod math;
mod membership;
mod option;
mod string;
mod text;
mod value;

use crate::CodegenError;
use crate::column::Class;
use crate::function::{FunctionCx, memory, readonly};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder as _, MemFlagsData, Type as Clif, Value, types};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{Expr, ExprKind, Literal, LocalId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

/// The value of an expression in one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar {
    /// The value; of a string its first byte's address.
    pub(crate) value: Value,
    /// The length of a string.
    pub(crate) len: Option<Value>,
    /// Of an `Option`: whether it is `Some`, 0 or 1; `None`: it is. Under a null the value is unspecified.
    pub(crate) valid: Option<Value>,
}

impl Scalar {
    /// A value of a type that is no string and no `Option`.
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, len: None, valid: None }
    }

    /// The values it is made of, as block arguments, where the type is `ty`.
    fn pieces(self, fx: &mut FunctionCx<'_>, ty: &Type) -> Vec<BlockArg> {
        let mut pieces = vec![BlockArg::Value(self.value)];
        pieces.extend(self.len.map(BlockArg::Value));
        if ty.is_option() {
            let valid = self.valid.unwrap_or_else(|| fx.int(types::I8, 1));
            pieces.push(BlockArg::Value(valid));
        }
        pieces
    }
}

/// A register that the kernel reads.
#[derive(Clone, Copy)]
pub(crate) struct Input {
    /// Row 0.
    pub(crate) values: Value,
    /// Row 0 of its validity, where it may hold nulls.
    pub(crate) validity: Option<Value>,
    /// How it lies there.
    pub(crate) class: Class,
    /// It is written by the rows before.
    pub(crate) is_state: bool,
}

/// A register that the kernel writes.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// Row 0.
    pub(crate) values: Value,
    /// Row 0 of its validity, where it may hold nulls.
    pub(crate) validity: Option<Value>,
    /// How it lies there.
    pub(crate) class: Class,
}

/// One row being computed.
pub(crate) struct ScalarCx<'f, 'a> {
    /// The kernel.
    pub(crate) fx: &'f mut FunctionCx<'a>,
    /// Number of the row, from the pass through the loop that is being made.
    pub(crate) row: Value,
    /// Registers in memory.
    pub(crate) inputs: &'f BTreeMap<u32, Input>,
    /// Registers that this kernel has computed already.
    pub(crate) computed: BTreeMap<u32, Scalar>,
    /// Where a row that cannot be computed goes, with code, start and end of the span.
    pub(crate) fail: Block,
    /// Under which condition (0 or 1) what is computed here counts; `None`: control has come here.
    path: Option<Value>,
    locals: BTreeMap<LocalId, Scalar>,
    bodies: body::Bodies,
}

impl<'f, 'a> ScalarCx<'f, 'a> {
    /// Nothing of the row is computed yet.
    pub(crate) fn new(fx: &'f mut FunctionCx<'a>, row: Value, inputs: &'f BTreeMap<u32, Input>, fail: Block) -> Self {
        Self {
            fx,
            row,
            inputs,
            computed: BTreeMap::new(),
            fail,
            path: None,
            locals: BTreeMap::new(),
            bodies: body::Bodies::default(),
        }
    }

    /// Computes an expression.
    pub(crate) fn lower(&mut self, expr: &Expr) -> Result<Scalar, CodegenError> {
        let before = self.fx.enter_span(expr.span);
        let value = self.lower_kind(expr);
        self.fx.leave_span(before);
        value
    }

    /// Computes an expression in a branch that control may not come to.
    pub(crate) fn lower_in_branch(&mut self, expr: &Expr) -> Result<Scalar, CodegenError> {
        let mark = self.bodies.mark();
        let value = self.lower(expr);
        self.bodies.forget_since(mark);
        value
    }

    fn lower_kind(&mut self, expr: &Expr) -> Result<Scalar, CodegenError> {
        let class = Class::of(&expr.ty);
        Ok(match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, class, expr.span)?,
            ExprKind::Column(register) => self.column(*register)?,
            ExprKind::Param(param) => self.param(param.0, class),
            ExprKind::Local(local) => {
                *self.locals.get(local).ok_or_else(|| CodegenError::internal("a local is used outside its `let`"))?
            }
            ExprKind::Let { local, value, body } => {
                let value = self.lower(value)?;
                self.locals.insert(*local, value);
                self.lower(body)?
            }
            ExprKind::Unary(op, x) => arithmetic::unary(self, *op, x, expr.span)?,
            ExprKind::Binary(op, a, b) => match op {
                sabot_ir::expr::BinaryOp::And | sabot_ir::expr::BinaryOp::Or => control::and_or(self, *op, a, b)?,
                sabot_ir::expr::BinaryOp::Eq
                | sabot_ir::expr::BinaryOp::Ne
                | sabot_ir::expr::BinaryOp::Lt
                | sabot_ir::expr::BinaryOp::Le
                | sabot_ir::expr::BinaryOp::Gt
                | sabot_ir::expr::BinaryOp::Ge => {
                    if let Some(equal) = string::equals_literal(self, *op, a, b)? {
                        return Ok(equal);
                    }
                    let (left, right) = (self.lower(a)?, self.lower(b)?);
                    compare::compare(self, *op, &a.ty, left, right)?
                }
                sabot_ir::expr::BinaryOp::Add
                | sabot_ir::expr::BinaryOp::Sub
                | sabot_ir::expr::BinaryOp::Mul
                | sabot_ir::expr::BinaryOp::Div
                | sabot_ir::expr::BinaryOp::Rem
                | sabot_ir::expr::BinaryOp::BitAnd
                | sabot_ir::expr::BinaryOp::BitOr
                | sabot_ir::expr::BinaryOp::BitXor
                | sabot_ir::expr::BinaryOp::Shl
                | sabot_ir::expr::BinaryOp::Shr => arithmetic::binary(self, *op, a, b, expr)?,
            },
            ExprKind::Cast(x) => {
                let value = self.lower(x)?;
                cast::cast(self.fx, value, &x.ty, &expr.ty, expr.span)?
            }
            ExprKind::If { condition, then, otherwise } => control::if_(self, condition, then, otherwise, &expr.ty)?,
            ExprKind::Some(x) => option::some(self, x)?,
            ExprKind::None => option::none(self, class),
            ExprKind::IsSome(x) => option::is_some(self, x)?,
            ExprKind::IfSome { option, local, then, otherwise } => {
                option::if_some(self, option, *local, then, otherwise, &expr.ty)?
            }
            ExprKind::Variable(id) => body::variable(self, *id)?,
            ExprKind::Compute(code, args) => body::compute(self, code, args)?,
            ExprKind::Fail(failure) => body::fail(self, failure, &expr.ty, expr.span),
            ExprKind::Call(function, args) => math::call(self, *function, args, expr)?,
        })
    }

    fn literal(&mut self, literal: &Literal, class: Class, span: Span) -> Result<Scalar, CodegenError> {
        Ok(match (literal, class) {
            (Literal::Bool(value), _) => Scalar::plain(self.fx.int(types::I8, i64::from(*value))),
            (Literal::Unit, _) => Scalar::plain(self.fx.int(types::I8, 0)),
            (Literal::Int(value), Class::Decimal) => {
                let (low, high) = (low_bits(*value), low_bits(*value >> 64));
                let low = self.fx.int(types::I64, low);
                let high = self.fx.int(types::I64, high);
                Scalar::plain(self.fx.builder.ins().iconcat(low, high))
            }
            (Literal::Int(value), Class::Int { bits, .. }) => {
                Scalar::plain(self.fx.int(crate::column::int_type(bits), low_bits(*value)))
            }
            #[expect(clippy::cast_possible_truncation, reason = "an `f32` literal is exactly representable as one")]
            (Literal::Float(value), Class::F32) => Scalar::plain(self.fx.builder.ins().f32const(*value as f32)),
            (Literal::Float(value), _) => Scalar::plain(self.fx.builder.ins().f64const(*value)),
            (Literal::String(text), _) => self.bytes(text.as_bytes()),
            (Literal::Bytes(bytes), _) => self.bytes(bytes),
            (Literal::Int(_), Class::Unit | Class::Bool | Class::F32 | Class::F64 | Class::Str | Class::List(_)) => {
                return Err(CodegenError::unsupported("an integer literal of this type", span));
            }
        })
    }

    fn bytes(&mut self, bytes: &[u8]) -> Scalar {
        let value = self.fx.constant(self.fx.pool.place(bytes));
        let len = i64::try_from(bytes.len()).expect("a literal is smaller than a job");
        let len = self.fx.int(types::I64, len);
        Scalar { value, len: Some(len), valid: None }
    }

    /// The value of a register in this row.
    pub(crate) fn column(&mut self, register: u32) -> Result<Scalar, CodegenError> {
        if let Some(known) = self.computed.get(&register) {
            return Ok(*known);
        }
        let input = *self
            .inputs
            .get(&register)
            .ok_or_else(|| CodegenError::internal("a kernel reads a register that it was not given"))?;
        let flags = if input.is_state { memory() } else { readonly() };
        let mut value = match input.class {
            Class::Bool => Scalar::plain(self.bit(input.values, flags)),
            Class::Unit => Scalar::plain(self.fx.int(types::I8, 0)),
            Class::Int { .. } | Class::F32 | Class::F64 => {
                let at = self.element(input.values, input.class);
                Scalar::plain(self.fx.builder.ins().load(input.class.scalar(), flags, at, 0))
            }
            Class::Str | Class::List(_) => {
                let at = self.element(input.values, input.class);
                let value = self.fx.builder.ins().load(types::I64, flags, at, 0);
                let len = self.fx.builder.ins().load(types::I64, flags, at, 8);
                Scalar { value, len: Some(len), valid: None }
            }
            Class::Decimal => {
                let at = self.element(input.values, input.class);
                let low = self.fx.builder.ins().load(types::I64, flags, at, 0);
                let high = self.fx.builder.ins().load(types::I64, flags, at, 8);
                Scalar::plain(self.fx.builder.ins().iconcat(low, high))
            }
        };
        if let Class::List(items) = input.class {
            value = list::open(self, items, value);
        }
        value.valid = input.validity.map(|bitmap| self.bit(bitmap, flags));
        Ok(value)
    }

    fn param(&mut self, number: u32, class: Class) -> Scalar {
        let (base, at) = self.fx.param(number);
        match class {
            Class::Str | Class::List(_) => {
                let value = self.fx.builder.ins().load(types::I64, readonly(), base, at);
                let len = self.fx.builder.ins().load(types::I64, readonly(), base, at + 8);
                Scalar { value, len: Some(len), valid: None }
            }
            Class::Decimal => {
                let low = self.fx.builder.ins().load(types::I64, readonly(), base, at);
                let high = self.fx.builder.ins().load(types::I64, readonly(), base, at + 8);
                Scalar::plain(self.fx.builder.ins().iconcat(low, high))
            }
            Class::Unit | Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => {
                Scalar::plain(self.fx.builder.ins().load(class.scalar(), readonly(), base, at))
            }
        }
    }

    /// Address of this row's element.
    fn element(&mut self, values: Value, class: Class) -> Value {
        let width = class.width().expect("bits are not addressed");
        let shift = i64::from(width.trailing_zeros());
        let at = self.fx.builder.ins().ishl_imm_u(self.row, shift);
        self.fx.builder.ins().iadd(values, at)
    }

    /// This row's bit of a bitmap.
    fn bit(&mut self, bitmap: Value, flags: MemFlagsData) -> Value {
        let byte = self.fx.builder.ins().ushr_imm_u(self.row, 3);
        let at = self.fx.builder.ins().iadd(bitmap, byte);
        let byte = self.fx.builder.ins().uload8(types::I64, flags, at, 0);
        let within = self.fx.builder.ins().band_imm_u(self.row, 7);
        let shifted = self.fx.builder.ins().ushr(byte, within);
        let bit = self.fx.builder.ins().band_imm_u(shifted, 1);
        self.fx.builder.ins().ireduce(types::I8, bit)
    }

    /// Writes this row of a register.
    pub(crate) fn store(&mut self, output: Output, value: Scalar) {
        match output.class {
            Class::Unit => {}
            Class::Bool => self.store_bit(output.values, value.value),
            Class::Int { .. } | Class::F32 | Class::F64 => {
                let at = self.element(output.values, output.class);
                self.fx.builder.ins().store(memory(), value.value, at, 0);
            }
            Class::Str | Class::List(_) => {
                let value = if let Class::List(items) = output.class { list::close(self, items, value) } else { value };
                let at = self.element(output.values, output.class);
                self.fx.builder.ins().store(memory(), value.value, at, 0);
                let len = value.len.expect("a string has a length");
                self.fx.builder.ins().store(memory(), len, at, 8);
            }
            Class::Decimal => {
                let at = self.element(output.values, output.class);
                let (low, high) = self.fx.builder.ins().isplit(value.value);
                self.fx.builder.ins().store(memory(), low, at, 0);
                self.fx.builder.ins().store(memory(), high, at, 8);
            }
        }
        if let Some(bitmap) = output.validity {
            let valid = value.valid.unwrap_or_else(|| self.fx.int(types::I8, 1));
            self.store_bit(bitmap, valid);
        }
    }

    fn store_bit(&mut self, bitmap: Value, bit: Value) {
        let byte = self.fx.builder.ins().ushr_imm_u(self.row, 3);
        let at = self.fx.builder.ins().iadd(bitmap, byte);
        let old = self.fx.builder.ins().uload8(types::I64, memory(), at, 0);
        let within = self.fx.builder.ins().band_imm_u(self.row, 7);
        let one = self.fx.int(types::I64, 1);
        let hole = self.fx.builder.ins().ishl(one, within);
        let others = self.fx.builder.ins().band_not(old, hole);
        let bit = self.fx.builder.ins().uextend(types::I64, bit);
        let bit = self.fx.builder.ins().ishl(bit, within);
        let new = self.fx.builder.ins().bor(others, bit);
        self.fx.builder.ins().istore8(memory(), new, at, 0);
    }

    /// The row cannot be computed if `bad` (any integer) is not 0.
    pub(crate) fn fail_if(&mut self, bad: Value, code: RowErrorCode, span: Span) {
        let bad = self.on_path(bad);
        let cold = self.fx.cold_block();
        let next = self.fx.builder.create_block();
        self.fx.builder.ins().brif(bad, cold, &[], next, &[]);
        self.fx.builder.switch_to_block(cold);
        self.fx.note(|| code.message().to_owned());
        let code = self.fx.int(types::I32, i64::from(code as u32));
        self.fail_here(code, span);
        self.fx.builder.switch_to_block(next);
    }

    /// Leaves the row: it cannot be computed.
    fn fail_here(&mut self, code: Value, span: Span) {
        let span = self.fx.int(types::I32, i64::from(self.fx.spans.number(span)));
        let args = [code, span].map(BlockArg::Value);
        self.fx.builder.ins().jump(self.fail, &args);
    }

    /// A block that a value of this type is handed to.
    fn merge_block(&mut self, ty: &Type) -> Block {
        let block = self.fx.builder.create_block();
        for piece in piece_types(ty) {
            self.fx.builder.append_block_param(block, piece);
        }
        block
    }

    /// Goes on in a block with a value.
    fn jump_with(&mut self, block: Block, value: Scalar, ty: &Type) {
        let args = value.pieces(self.fx, ty);
        self.fx.builder.ins().jump(block, &args);
    }

    /// Goes on in a merge block, with the value that it was given.
    fn enter_merge(&mut self, block: Block, ty: &Type) -> Scalar {
        self.fx.builder.switch_to_block(block);
        let params = self.fx.builder.block_params(block);
        let value = params[0];
        let mut rest = params[1..].iter().copied();
        let len = if Class::of(ty).has_length() { rest.next() } else { None };
        Scalar { value, len, valid: rest.next() }
    }

    /// One of two values of a type, without a branch.
    fn choose(&mut self, condition: Value, if_true: Scalar, if_false: Scalar) -> Scalar {
        let value = self.fx.select(condition, if_true.value, if_false.value);
        let len = if_true.len.zip(if_false.len).map(|(a, b)| self.fx.select(condition, a, b));
        Scalar { value, len, valid: None }
    }
}

fn piece_types(ty: &Type) -> Vec<Clif> {
    let class = Class::of(ty);
    let mut pieces = vec![class.scalar()];
    if class.has_length() {
        pieces.push(types::I64);
    }
    if ty.is_option() {
        pieces.push(types::I8);
    }
    pieces
}

/// The low 64 bits of a literal.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
pub(crate) fn low_bits(value: i128) -> i64 {
    value as i64
}
