//! What goes before a kernel's own pass over 64 rows: calls that are made for all of them, and bodies with loops.
//!
//! Results lie on the stack until the block is done.

use super::fission::{BlockCall, BodyCall, Stage};
use super::vector::{Input, LANES, begin_pass, consume, element, expand, load_inputs, shift_in};
use crate::CodegenError;
use crate::column::Class;
use crate::function::{FunctionCx, memory};
use crate::lower::scalar::math::runtime_function;
use crate::lower::vector::body::{self, Group};
use crate::lower::vector::capability::may_be_suspected;
use crate::lower::vector::{Lanes, VectorCx};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, InstBuilder as _, StackSlot, StackSlotData, StackSlotKind, Type as Clif, Value, types,
};
use cranelift_frontend::Variable;
use sabot_ir::expr::Expr;
use std::collections::BTreeMap;

/// The 64 rows that the kernel is at.
pub(super) struct BlockOfRows {
    pub(super) first_row: Value,
    /// Offset of their word in a bitmap.
    pub(super) word_offset: Value,
    /// Those of them that are selected.
    pub(super) selected: Value,
    /// Counts them.
    pub(super) within: Variable,
    /// Where a row that may have failed leads.
    pub(super) fail: Block,
}

/// Rows that a stage computes at a time.
const STAGE_UNROLL: usize = 2;

/// Values of 64 rows on the stack.
fn block_slot(fx: &mut FunctionCx<'_>) -> StackSlot {
    fx.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 64 * 8, 4))
}

/// A result of 64 rows.
#[derive(Clone, Copy)]
struct Slot {
    values: StackSlot,
    /// Of an `Option`: masks.
    valid: Option<StackSlot>,
    /// The type of two of them.
    lanes: Clif,
}

fn load_slot(fx: &mut FunctionCx<'_>, slot: StackSlot, lanes: Clif, position: Value, group: usize) -> Value {
    let values = fx.builder.ins().stack_addr(types::I64, slot, 0);
    let (at, offset) = element(fx, values, Class::F64, position, group);
    // Not a load of floats, so that it does not become an operand of an instruction that wants it aligned.
    let bits = fx.builder.ins().load(types::I64X2, memory(), at, offset);
    fx.bitcast(lanes, bits)
}

fn store_slot(fx: &mut FunctionCx<'_>, slot: StackSlot, value: Value, position: Value, group: usize) {
    let values = fx.builder.ins().stack_addr(types::I64, slot, 0);
    let (at, offset) = element(fx, values, Class::F64, position, group);
    fx.builder.ins().store(memory(), value, at, offset);
}

/// What the stages so far have computed of the 64 rows.
#[derive(Default)]
pub(super) struct Results {
    slots: BTreeMap<u32, Slot>,
    /// Results that are the same for all rows.
    constants: BTreeMap<u32, Lanes>,
    /// For arguments, which nobody reads after the call.
    arguments: Vec<StackSlot>,
}

impl Results {
    /// Two rows of each result.
    pub(super) fn load(
        &self,
        fx: &mut FunctionCx<'_>,
        position: Value,
        group: usize,
        registers: &mut BTreeMap<u32, Lanes>,
    ) {
        for (register, slot) in &self.slots {
            let value = load_slot(fx, slot.values, slot.lanes, position, group);
            let valid = slot.valid.map(|valid| load_slot(fx, valid, types::I64X2, position, group));
            registers.insert(*register, Lanes { value, valid });
        }
        registers.extend(&self.constants);
    }
}

/// Calls what needs no row once, before the first one; gives the calls that are left.
pub(super) fn compute_constants(
    fx: &mut FunctionCx<'_>,
    stages: Vec<Stage>,
    params: &BTreeMap<u32, Value>,
    results: &mut Results,
) -> Result<Vec<Stage>, CodegenError> {
    let mut left = Vec::with_capacity(stages.len());
    for stage in stages {
        let mut calls = Vec::with_capacity(stage.calls.len());
        for call in stage.calls {
            let is_constant = |arg: &Expr| {
                !arg.can_fail()
                    && !may_be_suspected(arg)
                    && arg.columns().iter().all(|column| results.constants.contains_key(column))
            };
            let function = runtime_function(call.of_one).filter(|_| call.args.iter().all(is_constant));
            let Some(function) = function else {
                calls.push(call);
                continue;
            };
            let mut cx = VectorCx::new(fx, results.constants.clone(), params);
            let mut args = Vec::with_capacity(call.args.len());
            for arg in &call.args {
                let value = cx.lower(arg)?.value;
                args.push(cx.fx.builder.ins().extractlane(value, 0u8));
            }
            let value = fx.call(function, &args);
            let value = fx.builder.ins().splat(types::F64X2, value);
            results.constants.insert(call.register, Lanes::plain(value));
        }
        left.push(Stage { calls, bodies: stage.bodies });
    }
    left.retain(|stage| !stage.calls.is_empty() || !stage.bodies.is_empty());
    Ok(left)
}

/// Computes the arguments of calls for 64 rows, a few at a time, and then calls.
fn compute_calls(
    fx: &mut FunctionCx<'_>,
    stage: &[BlockCall],
    at: &BlockOfRows,
    inputs: &[Input],
    params: &BTreeMap<u32, Value>,
    results: &mut Results,
) -> Result<(), CodegenError> {
    let step = LANES * i64::try_from(STAGE_UNROLL).expect("a small number");
    let wanted: usize = stage.iter().map(|call| call.args.len()).sum();
    while results.arguments.len() < wanted {
        let slot = block_slot(fx);
        results.arguments.push(slot);
    }
    let zero = fx.int(types::I64, 0);
    let fallible = stage.iter().flat_map(|call| &call.args).any(|expr| expr.can_fail() || may_be_suspected(expr));
    let failed_bits = fallible.then(|| fx.builder.declare_var(types::I64));
    if let Some(variable) = failed_bits {
        fx.builder.def_var(variable, zero);
    }
    begin_pass(fx, inputs, at.word_offset);
    fx.builder.def_var(at.within, zero);
    let inner = fx.builder.create_block();
    let close = fx.builder.create_block();
    fx.builder.ins().jump(inner, &[]);

    fx.builder.switch_to_block(inner);
    fx.note(|| format!("arguments of the next {step} rows"));
    let position = fx.builder.use_var(at.within);
    let row = fx.builder.ins().iadd(at.first_row, position);
    let mut failed = Vec::new();
    for group in 0..STAGE_UNROLL {
        let mut registers = load_inputs(fx, inputs, row, group, true);
        results.load(fx, position, group, &mut registers);
        let mut cx = VectorCx::new(fx, registers, params);
        for (arg, slot) in stage.iter().flat_map(|call| &call.args).zip(&results.arguments) {
            let value = cx.lower(arg)?.value;
            store_slot(cx.fx, *slot, value, position, group);
        }
        if fallible {
            let bad = match cx.failed {
                Some(failed) => failed,
                None => cx.mask(false),
            };
            failed.push(bad);
        }
    }
    if let Some(variable) = failed_bits {
        shift_in(fx, variable, &failed, step);
    }
    consume(fx, inputs, step);
    let advanced = fx.builder.ins().iadd_imm_u(position, step);
    fx.builder.def_var(at.within, advanced);
    let again = fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, advanced, 64);
    fx.builder.ins().brif(again, inner, &[], close, &[]);

    fx.builder.switch_to_block(close);
    if let Some(variable) = failed_bits {
        let bits = fx.builder.use_var(variable);
        let bad = fx.builder.ins().band(bits, at.selected);
        let good = fx.builder.create_block();
        fx.builder.ins().brif(bad, at.fail, &[], good, &[]);
        fx.builder.switch_to_block(good);
    }
    let mut arguments = results.arguments.clone().into_iter();
    for call in stage {
        let result = block_slot(fx);
        let slots: Vec<StackSlot> = arguments.by_ref().take(call.args.len()).chain([result]).collect();
        let addresses: Vec<Value> =
            slots.into_iter().map(|slot| fx.builder.ins().stack_addr(types::I64, slot, 0)).collect();
        fx.call(call.function, &addresses);
        results.slots.insert(call.register, Slot { values: result, valid: None, lanes: types::F64X2 });
    }
    Ok(())
}

/// Computes a stage for 64 rows.
pub(super) fn compute(
    fx: &mut FunctionCx<'_>,
    stage: &Stage,
    at: &BlockOfRows,
    inputs: &[Input],
    params: &BTreeMap<u32, Value>,
    results: &mut Results,
) -> Result<(), CodegenError> {
    let mut made = BTreeMap::new();
    for call in &stage.bodies {
        run_body(fx, call, at, inputs, params, results, &mut made)?;
    }
    if !stage.calls.is_empty() {
        compute_calls(fx, &stage.calls, at, inputs, params, results)?;
    }
    results.slots.extend(made);
    Ok(())
}

/// How many vectors go through a body together: as many as there are registers for.
fn vectors_of(call: &BodyCall) -> usize {
    match call.body.variables.len() {
        ..=3 => 4,
        4..=5 => 2,
        _ => 1,
    }
}

/// Runs a body for 64 rows, some at a time.
fn run_body(
    fx: &mut FunctionCx<'_>,
    call: &BodyCall,
    at: &BlockOfRows,
    inputs: &[Input],
    params: &BTreeMap<u32, Value>,
    results: &Results,
    made: &mut BTreeMap<u32, Slot>,
) -> Result<(), CodegenError> {
    let vectors = vectors_of(call);
    let step = LANES * i64::try_from(vectors).expect("a small number");
    let mut slots = Vec::with_capacity(call.results.len());
    for (register, result) in &call.results {
        let lanes = Class::of(&result.ty).lanes();
        let lanes = lanes.ok_or_else(|| CodegenError::internal("a result of no lane type"))?;
        let values = block_slot(fx);
        let valid = result.ty.is_option().then(|| block_slot(fx));
        slots.push((*register, Slot { values, valid, lanes }));
    }
    let selected_bits = fx.builder.declare_var(types::I64);
    let failed_bits = fx.builder.declare_var(types::I64);
    let zero = fx.int(types::I64, 0);
    fx.builder.def_var(selected_bits, at.selected);
    fx.builder.def_var(failed_bits, zero);
    begin_pass(fx, inputs, at.word_offset);
    fx.builder.def_var(at.within, zero);
    let inner = fx.builder.create_block();
    let close = fx.builder.create_block();
    fx.builder.ins().jump(inner, &[]);

    fx.builder.switch_to_block(inner);
    fx.note(|| format!("the next {step} rows of a body"));
    let position = fx.builder.use_var(at.within);
    let row = fx.builder.ins().iadd(at.first_row, position);
    let mut groups = Vec::with_capacity(vectors);
    for group in 0..vectors {
        let mut registers = load_inputs(fx, inputs, row, group, true);
        results.load(fx, position, group, &mut registers);
        // Rows that are not selected hold anything: they would go round for ever.
        let selected = expand(fx, selected_bits, group);
        groups.push(Group::new(registers, selected));
    }
    let mut cx = VectorCx::new(fx, BTreeMap::new(), params);
    if let Some(condition) = &call.condition {
        for group in &mut groups {
            let holds = cx.of_group(group, |cx| cx.lower(condition))?.value;
            group.narrow(&mut cx, holds);
        }
    }
    let wanted: Vec<&Expr> = call.results.iter().map(|(_, result)| result).collect();
    let computed = body::run(&mut cx, &mut groups, &call.body, &call.args, &wanted)?;
    for ((_, slot), values) in slots.iter().zip(&computed) {
        for (group, lanes) in values.iter().enumerate() {
            store_slot(cx.fx, slot.values, lanes.value, position, group);
            if let Some(masks) = slot.valid {
                let valid = cx.valid(*lanes);
                store_slot(cx.fx, masks, valid, position, group);
            }
        }
    }
    let failed: Vec<Value> = groups.iter().map(|group| group.failed().unwrap_or_else(|| cx.mask(false))).collect();
    shift_in(fx, failed_bits, &failed, step);
    let bits = fx.builder.use_var(selected_bits);
    let rest = fx.builder.ins().ushr_imm_u(bits, step);
    fx.builder.def_var(selected_bits, rest);
    consume(fx, inputs, step);
    let advanced = fx.builder.ins().iadd_imm_u(position, step);
    fx.builder.def_var(at.within, advanced);
    let again = fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, advanced, 64);
    fx.builder.ins().brif(again, inner, &[], close, &[]);

    fx.builder.switch_to_block(close);
    let bits = fx.builder.use_var(failed_bits);
    let bad = fx.builder.ins().band(bits, at.selected);
    let good = fx.builder.create_block();
    fx.builder.ins().brif(bad, at.fail, &[], good, &[]);
    fx.builder.switch_to_block(good);
    made.extend(slots);
    Ok(())
}
