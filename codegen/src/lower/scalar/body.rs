//! Code with loops: a body's variables become Cranelift's, its blocks and loops become blocks.
//!
//! Two bodies that differ only in their result, with the same arguments, are one loop: the second reads the variables that
//! the first has left. Only where control must have passed through the first: what is computed in a branch stays there.

use super::{Scalar, ScalarCx, branchless, piece_types};
use crate::CodegenError;
use crate::column::Class;
use crate::function::FunctionCx;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder as _, Value, types};
use cranelift_frontend::Variable;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::body::{Body, FUEL, LabelId, Statement, VariableId};
use sabot_ir::expr::{Expr, ExprKind, Failure, FailureKind, LocalId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

/// A variable: value, length and validity, as far as its type has them.
#[derive(Clone, Debug)]
struct Held {
    ty: Type,
    pieces: Vec<Variable>,
}

/// Where a `break` and a `continue` go.
struct Label {
    id: LabelId,
    exit: Block,
    /// The head of a loop.
    head: Option<Block>,
}

/// A body that has run, with what its arguments were.
pub(super) struct Finished {
    block: Vec<Statement>,
    types: Vec<Type>,
    args: Vec<Expr>,
    /// The `let`s that the arguments read, by the value that stood for them.
    locals: Vec<(LocalId, Value)>,
    variables: Vec<Held>,
}

/// The bodies around what is being lowered, and those that have run before it.
#[derive(Default)]
pub(super) struct Bodies {
    /// Variables of the innermost body.
    variables: Vec<Held>,
    /// What is left of the row's passes through loops.
    fuel: Option<Variable>,
    /// Those that control has passed through.
    finished: Vec<Finished>,
}

impl Bodies {
    /// How many bodies have run, to come back to with [`Self::forget_since`] when a branch ends.
    pub(super) fn mark(&self) -> usize {
        self.finished.len()
    }

    /// Forgets what has run in a branch.
    pub(super) fn forget_since(&mut self, mark: usize) {
        self.finished.truncate(mark);
    }
}

/// The value of a variable.
pub(super) fn variable(cx: &mut ScalarCx<'_, '_>, id: VariableId) -> Result<Scalar, CodegenError> {
    let held = cx.bodies.variables.get(id.0 as usize).cloned();
    let held = held.ok_or_else(|| CodegenError::internal("a variable is read outside its body"))?;
    let pieces: Vec<Value> = held.pieces.iter().map(|piece| cx.fx.builder.use_var(*piece)).collect();
    let mut rest = pieces[1..].iter().copied();
    let len = if Class::of(&held.ty).has_length() { rest.next() } else { None };
    Ok(Scalar { value: pieces[0], len, valid: rest.next() })
}

/// Runs a body on its arguments.
pub(super) fn compute(cx: &mut ScalarCx<'_, '_>, body: &Body, args: &[Expr]) -> Result<Scalar, CodegenError> {
    let types: Vec<Type> = body.variables.iter().map(|variable| variable.ty.clone()).collect();
    let locals = locals_in(cx, args);
    let known = cx.bodies.finished.iter().rev().find(|finished| {
        finished.block == body.block && finished.types == types && finished.args == args && finished.locals == locals
    });
    if let Some(variables) = known.map(|finished| finished.variables.clone()) {
        cx.fx.note(|| "the loop above, another result".to_owned());
        return result_of(cx, variables, &body.result);
    }
    let mut values = Vec::with_capacity(args.len());
    for arg in args {
        values.push(cx.lower(arg)?);
    }
    cx.fx.note(|| "a body with its own variables".to_owned());
    let variables: Vec<Held> = types
        .iter()
        .map(|ty| {
            let pieces = piece_types(ty).into_iter().map(|piece| cx.fx.builder.declare_var(piece)).collect();
            Held { ty: ty.clone(), pieces }
        })
        .collect();
    for (position, held) in variables.iter().enumerate() {
        let value = match values.get(position) {
            Some(value) => *value,
            None => default(cx, &held.ty),
        };
        assign(cx.fx, held, value);
    }
    let own_fuel = cx.bodies.fuel.is_none();
    if own_fuel {
        let fuel = cx.fx.builder.declare_var(types::I64);
        let full = cx.fx.int(types::I64, i64::try_from(FUEL).unwrap_or(i64::MAX));
        cx.fx.builder.def_var(fuel, full);
        cx.bodies.fuel = Some(fuel);
    }
    let outer_locals = std::mem::take(&mut cx.locals);
    let outer_variables = std::mem::replace(&mut cx.bodies.variables, variables.clone());
    let mark = cx.bodies.mark();
    let done = statements(cx, &body.block, &mut Vec::new());
    cx.bodies.forget_since(mark);
    cx.bodies.variables = outer_variables;
    cx.locals = outer_locals;
    if own_fuel {
        cx.bodies.fuel = None;
    }
    if !done? {
        unreachable_from_here(cx);
    }
    let finished =
        Finished { block: body.block.clone(), types, args: args.to_vec(), locals, variables: variables.clone() };
    cx.bodies.finished.push(finished);
    result_of(cx, variables, &body.result)
}

fn result_of(cx: &mut ScalarCx<'_, '_>, variables: Vec<Held>, result: &Expr) -> Result<Scalar, CodegenError> {
    let outer_locals = std::mem::take(&mut cx.locals);
    let outer_variables = std::mem::replace(&mut cx.bodies.variables, variables);
    let value = cx.lower(result);
    cx.bodies.variables = outer_variables;
    cx.locals = outer_locals;
    value
}

/// The `let`s that expressions read, with the values that they stand for now.
fn locals_in(cx: &ScalarCx<'_, '_>, args: &[Expr]) -> Vec<(LocalId, Value)> {
    let mut found = BTreeMap::new();
    for arg in args {
        arg.walk(&mut |node| {
            if let ExprKind::Local(local) = node.kind
                && let Some(value) = cx.locals.get(&local)
            {
                found.insert(local, value.value);
            }
        });
    }
    found.into_iter().collect()
}

/// The value that a variable begins with.
fn default(cx: &mut ScalarCx<'_, '_>, ty: &Type) -> Scalar {
    let nothing = super::option::none(cx, Class::of(ty));
    if ty.is_option() { nothing } else { Scalar { valid: None, ..nothing } }
}

fn assign(fx: &mut FunctionCx<'_>, held: &Held, value: Scalar) {
    let pieces: Vec<BlockArg> = value.pieces(fx, &held.ty);
    for (variable, piece) in held.pieces.iter().zip(pieces) {
        if let BlockArg::Value(piece) = piece {
            fx.builder.def_var(*variable, piece);
        }
    }
}

/// Lowers the statements of a loop; whether control comes to their end. There `if c { continue } rest` is `if !c { rest }`.
fn pass(
    cx: &mut ScalarCx<'_, '_>,
    list: &[Statement],
    own: LabelId,
    labels: &mut Vec<Label>,
) -> Result<bool, CodegenError> {
    for (at, statement) in list.iter().enumerate() {
        if let Statement::If { condition, then, otherwise } = statement
            && then.as_slice() == [Statement::Continue(own)]
            && otherwise.is_empty()
            && let Some(choice) = branchless::assignments(&[], &list[at + 1..])
        {
            let condition = cx.lower(condition)?.value;
            assign_by(cx, condition, choice)?;
            return Ok(true);
        }
        if !self::statement(cx, statement, labels)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Assigns what a condition (0 or 1) chooses, without a branch.
fn assign_by(
    cx: &mut ScalarCx<'_, '_>,
    condition: Value,
    [then, otherwise]: [Vec<(VariableId, &Expr)>; 2],
) -> Result<(), CodegenError> {
    cx.fx.note(|| "assigned or not".to_owned());
    let not = cx.opposite(condition);
    for (holds, list) in [(condition, then), (not, otherwise)] {
        for (id, value) in list {
            let new = cx.under(holds, |cx| cx.lower(value))?;
            let old = variable(cx, id)?;
            let ty = cx.bodies.variables.get(id.0 as usize).map(|held| held.ty.clone());
            let chosen = cx.choose_of(ty.as_ref().unwrap_or(&value.ty), holds, new, old);
            set(cx, id, chosen)?;
        }
    }
    Ok(())
}

/// Lowers statements; whether control comes to their end.
fn statements(cx: &mut ScalarCx<'_, '_>, list: &[Statement], labels: &mut Vec<Label>) -> Result<bool, CodegenError> {
    for statement in list {
        if !self::statement(cx, statement, labels)? {
            return Ok(false); // what stands behind a jump is never done
        }
    }
    Ok(true)
}

fn statement(cx: &mut ScalarCx<'_, '_>, statement: &Statement, labels: &mut Vec<Label>) -> Result<bool, CodegenError> {
    match statement {
        Statement::Assign(id, value) => {
            let value = cx.lower(value)?;
            set(cx, *id, value)?;
            Ok(true)
        }
        Statement::Evaluate(value) => {
            cx.lower(value)?;
            Ok(true)
        }
        Statement::If { condition, then, otherwise } => {
            let condition = cx.lower(condition)?.value;
            if let Some(choice) = branchless::assignments(then, otherwise) {
                assign_by(cx, condition, choice)?;
                return Ok(true);
            }
            branch(cx, condition, None, then, otherwise, labels)
        }
        Statement::IfSome { option, variable, then, otherwise } => {
            let option = cx.lower(option)?;
            let condition = match option.valid {
                Some(valid) => valid,
                None => cx.fx.int(types::I8, 1),
            };
            let held = Scalar { valid: None, ..option };
            branch(cx, condition, Some((*variable, held)), then, otherwise, labels)
        }
        Statement::Block { label, body } => {
            let exit = cx.fx.builder.create_block();
            labels.push(Label { id: *label, exit, head: None });
            let mark = cx.bodies.mark();
            let done = statements(cx, body, labels);
            labels.pop();
            if done? {
                cx.fx.builder.ins().jump(exit, &[]);
            }
            // A break may have passed by what stands before its end.
            cx.bodies.forget_since(mark);
            cx.fx.builder.switch_to_block(exit);
            Ok(true)
        }
        Statement::Loop { label, body, place } => {
            let head = cx.fx.builder.create_block();
            let exit = cx.fx.builder.create_block();
            cx.fx.builder.ins().jump(head, &[]);
            cx.fx.builder.switch_to_block(head);
            take_fuel(cx, place.0)?;
            labels.push(Label { id: *label, exit, head: Some(head) });
            let mark = cx.bodies.mark();
            let done = pass(cx, body, *label, labels);
            labels.pop();
            if done? {
                cx.fx.builder.ins().jump(head, &[]);
            }
            cx.bodies.forget_since(mark);
            cx.fx.builder.switch_to_block(exit);
            Ok(true)
        }
        Statement::Break(id) => {
            let exit = label(labels, *id)?.exit;
            cx.fx.builder.ins().jump(exit, &[]);
            Ok(false)
        }
        Statement::Continue(id) => {
            let head = label(labels, *id)?.head;
            let head = head.ok_or_else(|| CodegenError::internal("a continue of a block"))?;
            cx.fx.builder.ins().jump(head, &[]);
            Ok(false)
        }
    }
}

fn label(labels: &[Label], id: LabelId) -> Result<&Label, CodegenError> {
    let found = labels.iter().rev().find(|label| label.id == id);
    found.ok_or_else(|| CodegenError::internal("a jump to a label that is not around it"))
}

fn set(cx: &mut ScalarCx<'_, '_>, id: VariableId, value: Scalar) -> Result<(), CodegenError> {
    let held = cx.bodies.variables.get(id.0 as usize).cloned();
    let held = held.ok_or_else(|| CodegenError::internal("an unknown variable is assigned to"))?;
    assign(cx.fx, &held, value);
    Ok(())
}

fn branch(
    cx: &mut ScalarCx<'_, '_>,
    condition: Value,
    bound: Option<(VariableId, Scalar)>,
    then: &[Statement],
    otherwise: &[Statement],
    labels: &mut Vec<Label>,
) -> Result<bool, CodegenError> {
    let [then_block, else_block, after] = [(); 3].map(|()| cx.fx.builder.create_block());
    let mark = cx.bodies.mark();
    cx.fx.builder.ins().brif(condition, then_block, &[], else_block, &[]);
    cx.fx.builder.switch_to_block(then_block);
    if let Some((id, value)) = bound {
        set(cx, id, value)?;
    }
    let then_ends = statements(cx, then, labels)?;
    if then_ends {
        cx.fx.builder.ins().jump(after, &[]);
    }
    cx.bodies.forget_since(mark);
    cx.fx.builder.switch_to_block(else_block);
    let otherwise_ends = statements(cx, otherwise, labels)?;
    if otherwise_ends {
        cx.fx.builder.ins().jump(after, &[]);
    }
    cx.bodies.forget_since(mark);
    cx.fx.builder.switch_to_block(after);
    if then_ends || otherwise_ends {
        return Ok(true);
    }
    // Nothing comes here: the block is closed, and what follows is not lowered.
    cx.fx.builder.ins().jump(after, &[]);
    Ok(false)
}

/// One pass through a loop less; where none is left the row cannot be computed.
fn take_fuel(cx: &mut ScalarCx<'_, '_>, span: Span) -> Result<(), CodegenError> {
    let fuel = cx.bodies.fuel.ok_or_else(|| CodegenError::internal("a loop without fuel"))?;
    let left = cx.fx.builder.use_var(fuel);
    let empty = cx.fx.builder.ins().icmp_imm_u(IntCC::Equal, left, 0);
    cx.fail_if(empty, RowErrorCode::OutOfFuel, span);
    let less = cx.fx.builder.ins().iadd_imm_s(left, -1);
    cx.fx.builder.def_var(fuel, less);
    Ok(())
}

/// The row cannot be computed; the value that follows is never seen.
pub(super) fn fail(cx: &mut ScalarCx<'_, '_>, failure: &Failure, ty: &Type, span: Span) -> Scalar {
    let code = code_of(failure.kind);
    cx.fx.note(|| code.message().to_owned());
    let code = cx.fx.int(types::I32, i64::from(code as u32));
    cx.fail_here(code, span);
    unreachable_from_here(cx);
    default(cx, ty)
}

fn unreachable_from_here(cx: &mut ScalarCx<'_, '_>) {
    let block = cx.fx.cold_block();
    cx.fx.builder.switch_to_block(block);
}

fn code_of(kind: FailureKind) -> RowErrorCode {
    match kind {
        FailureKind::Panic => RowErrorCode::Panic,
        FailureKind::UnwrapNone => RowErrorCode::UnwrapNone,
        FailureKind::OutOfRange => RowErrorCode::OutOfRange,
    }
}
