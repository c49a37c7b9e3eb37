//! Runs a body: its variables in a list, its statements one after the other.

use crate::evaluate::{Evaluation, RowError};
use crate::value::Value;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::body::{Body, LabelId, Statement};
use sabot_ir::expr::{Expr, FailureKind};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// How statements ended.
enum Flow {
    /// At their end.
    On,
    /// With a jump behind a block or loop.
    Break(LabelId),
    /// With a jump to the next pass through a loop.
    Continue(LabelId),
}

impl Evaluation<'_> {
    /// The result of a body.
    pub(crate) fn compute(&mut self, body: &Body, args: &[Expr]) -> Result<Value, RowError> {
        let mut variables = Vec::with_capacity(body.variables.len());
        for arg in args {
            variables.push(self.value(arg)?);
        }
        variables.extend(body.variables.iter().skip(args.len()).map(|variable| default(&variable.ty)));
        let outer_variables = std::mem::replace(&mut self.variables, variables);
        let outer_locals = std::mem::take(&mut self.locals);
        let outermost = !self.in_body;
        self.in_body = true;
        let result = self.statements(&body.block).and_then(|_| self.value(&body.result));
        if outermost {
            self.in_body = false;
            self.passes = 0;
        }
        self.locals = outer_locals;
        self.variables = outer_variables;
        result
    }

    fn statements(&mut self, list: &[Statement]) -> Result<Flow, RowError> {
        for statement in list {
            match self.statement(statement)? {
                Flow::On => {}
                jump @ (Flow::Break(_) | Flow::Continue(_)) => return Ok(jump),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow, RowError> {
        match statement {
            Statement::Assign(variable, value) => {
                self.variables[variable.0 as usize] = self.value(value)?;
                Ok(Flow::On)
            }
            Statement::Evaluate(value) => {
                self.value(value)?;
                Ok(Flow::On)
            }
            Statement::If { condition, then, otherwise } => {
                if self.value(condition)?.is_true() {
                    self.statements(then)
                } else {
                    self.statements(otherwise)
                }
            }
            Statement::IfSome { option, variable, then, otherwise } => {
                let value = self.value(option)?;
                if value.is_null() {
                    self.statements(otherwise)
                } else {
                    self.variables[variable.0 as usize] = value;
                    self.statements(then)
                }
            }
            Statement::Block { label, body } => match self.statements(body)? {
                Flow::Break(of) if of == *label => Ok(Flow::On),
                flow @ (Flow::On | Flow::Break(_) | Flow::Continue(_)) => Ok(flow),
            },
            Statement::Loop { label, body, place } => loop {
                self.take_fuel(place.0)?;
                match self.statements(body)? {
                    Flow::On => {}
                    Flow::Continue(of) if of == *label => {}
                    Flow::Break(of) if of == *label => return Ok(Flow::On),
                    jump @ (Flow::Break(_) | Flow::Continue(_)) => return Ok(jump),
                }
            },
            Statement::Break(label) => Ok(Flow::Break(*label)),
            Statement::Continue(label) => Ok(Flow::Continue(*label)),
        }
    }

    fn take_fuel(&mut self, span: Span) -> Result<(), RowError> {
        if self.passes == self.fuel {
            return Err(RowError { code: RowErrorCode::OutOfFuel, span });
        }
        self.passes += 1;
        Ok(())
    }
}

/// The error that a failure is.
pub(crate) fn code_of(kind: FailureKind) -> RowErrorCode {
    match kind {
        FailureKind::Panic => RowErrorCode::Panic,
        FailureKind::UnwrapNone => RowErrorCode::UnwrapNone,
        FailureKind::OutOfRange => RowErrorCode::OutOfRange,
    }
}

/// What a variable holds before it is assigned.
fn default(ty: &Type) -> Value {
    match ty {
        Type::Option(_) => Value::Null,
        Type::Unit => Value::Unit,
        Type::Bool => Value::Bool(false),
        Type::Float32 => Value::Float32(0.0),
        Type::Float64 => Value::Float64(0.0),
        Type::String => Value::String(String::new()),
        Type::Bytes => Value::Bytes(Vec::new()),
        Type::List(_) => Value::List(Vec::new()),
        Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64
        | Type::Char
        | Type::Decimal(..)
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration => Value::Int(0),
    }
}
