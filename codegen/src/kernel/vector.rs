//! The loop of a vector kernel: blocks of 64 rows, inside them a few rows at a time.
//!
//! Bitmaps go through the inner loop as words: of an input the low bits are the next rows, into an output the next rows come
//! from above. Whether rows failed is such a word too, which counts where the selection has the row. Blocks in which
//! nothing is selected are skipped.

use super::KernelBody;
use super::fission::{self, Stage};
use super::stages::{self, BlockOfRows, Results};
use crate::CodegenError;
use crate::column::Class;
use crate::function::{FunctionCx, memory, readonly};
use crate::lower::aggregate::vector::LaneAccumulators;
use crate::lower::vector::capability::may_be_suspected;
use crate::lower::vector::{Lanes, VectorCx, param};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, ConstantData, InstBuilder as _, Value, types};
use cranelift_frontend::Variable;
use sabot_ir::expr::{Expr, ExprKind};
use std::collections::BTreeMap;

/// Rows of a vector.
pub(super) const LANES: i64 = 2;

/// Nodes up to which a kernel is short: the bitmaps between its passes would be what it waits for.
const SHORT: usize = 12;

/// Nodes from which on a kernel is long: two passes at once would run out of registers.
const LONG: usize = 120;

/// Nodes up to which an aggregate has a loop of its own for blocks of which all rows are selected.
const SHORT_AGGREGATE: usize = 40;

/// A loop over 64 rows.
struct Pass {
    block: Block,
    /// Whether rows may be null.
    with_nulls: bool,
    /// Whether all rows are selected.
    all_selected: bool,
}

/// A register that the kernel reads.
pub(super) struct Input {
    register: u32,
    class: Class,
    values: Value,
    /// Where it may hold nulls.
    validity: Option<Value>,
    /// Bits of the next rows, of a `bool`.
    bits: Option<Variable>,
    /// Bits of the next rows, of the validity.
    valid_bits: Option<Variable>,
}

/// A register that the kernel writes.
struct Output {
    class: Class,
    values: Value,
    validity: Option<Value>,
    bits: Option<Variable>,
    valid_bits: Option<Variable>,
}

/// Fills in the kernel.
pub(super) fn build(fx: &mut FunctionCx<'_>, body: &KernelBody, nullable: bool) -> Result<(), CodegenError> {
    let (stages, rest) = match fission::split(body) {
        Some(split) => (split.stages, Some(split.body)),
        None => (Vec::new(), None),
    };
    let body = rest.as_ref().unwrap_or(body);
    let in_stages = || stages.iter().flat_map(Stage::expressions);
    let expressions = || body.expressions();
    let size: usize = expressions().map(Expr::size).sum();
    let makes_bits = body.filter.is_some() || body.outputs.iter().any(|(_, expr)| Class::of(&expr.ty) == Class::Bool);
    let unroll = match size {
        ..=SHORT if makes_bits && body.aggregate.is_none() => 4,
        ..=LONG => 2,
        _ => 1,
    };
    let step = LANES * i64::try_from(unroll).expect("a small number");
    let inputs = inputs(fx, body, nullable);
    let outputs = outputs(fx, body);
    let params = params(fx, expressions().chain(in_stages()));
    let fallible = expressions().any(|expr| expr.can_fail() || may_be_suspected(expr));
    let selection = fx.selection();
    let selection_out = body.filter.is_some().then(|| fx.selection_out());
    let mut accumulators = body.aggregate.as_ref().map(|calls| LaneAccumulators::new(fx, calls)).transpose()?;
    let rows = fx.rows();
    let rounded = fx.builder.ins().iadd_imm_u(rows, 63);
    let words = fx.builder.ins().ushr_imm_u(rounded, 6);
    let zero = fx.int(types::I64, 0);

    let mut results = Results::default();
    let stages = stages::compute_constants(fx, stages, &params, &mut results)?;

    let word = fx.builder.declare_var(types::I64);
    let within = fx.builder.declare_var(types::I64);
    let selected_bits = accumulators.is_some().then(|| fx.builder.declare_var(types::I64));
    let kept_bits = body.filter.is_some().then(|| fx.builder.declare_var(types::I64));
    let failed_bits = fallible.then(|| fx.builder.declare_var(types::I64));
    fx.builder.def_var(word, zero);

    let head = fx.builder.create_block();
    let open = fx.builder.create_block();
    let skip = fx.builder.create_block();
    let block = fx.builder.create_block();
    let inner = fx.builder.create_block();
    let close = fx.builder.create_block();
    let next = fx.builder.create_block();
    let fail = fx.cold_block();
    let exit = fx.builder.create_block();
    fx.builder.ins().jump(head, &[]);

    fx.builder.switch_to_block(head);
    let current = fx.builder.use_var(word);
    let more = fx.builder.ins().icmp(IntCC::UnsignedLessThan, current, words);
    fx.builder.ins().brif(more, open, &[], exit, &[]);

    fx.builder.switch_to_block(open);
    fx.note(|| "next 64 rows".to_owned());
    let word_offset = fx.builder.ins().ishl_imm_u(current, 3);
    let at = fx.builder.ins().iadd(selection, word_offset);
    let selected = fx.builder.ins().load(types::I64, memory(), at, 0);
    fx.builder.ins().brif(selected, block, &[], skip, &[]);

    fx.builder.switch_to_block(skip);
    if let Some(selection_out) = selection_out {
        let at = fx.builder.ins().iadd(selection_out, word_offset);
        fx.builder.ins().store(memory(), zero, at, 0);
    }
    fx.builder.ins().jump(next, &[]);

    fx.builder.switch_to_block(block);
    let first_row = fx.builder.ins().ishl_imm_u(current, 6);
    let at = BlockOfRows { first_row, word_offset, selected, within, fail };
    for stage in &stages {
        stages::compute(fx, stage, &at, &inputs, &params, &mut results)?;
    }
    begin_pass(fx, &inputs, word_offset);
    let filled = outputs.iter().flat_map(|output| [output.bits, output.valid_bits]).flatten();
    for variable in filled.chain(kept_bits).chain(failed_bits) {
        fx.builder.def_var(variable, zero);
    }
    if let Some(variable) = selected_bits {
        fx.builder.def_var(variable, selected);
    }
    fx.builder.def_var(within, zero);
    // Mostly no row of a block is null: then the same without a look at each.
    let bitmaps: Vec<Variable> = inputs.iter().filter_map(|input| input.valid_bits).collect();
    let mut loops = vec![Pass { block: inner, with_nulls: true, all_selected: false }];
    match bitmaps.split_first().filter(|_| size <= LONG) {
        // A short aggregate would wait for the masks of its rows.
        None if accumulators.is_some() && size <= SHORT_AGGREGATE => {
            let all = fx.builder.create_block();
            let is_all = fx.builder.ins().icmp_imm_s(IntCC::Equal, selected, -1);
            fx.builder.ins().brif(is_all, all, &[], inner, &[]);
            loops.push(Pass { block: all, with_nulls: true, all_selected: true });
        }
        None => {
            fx.builder.ins().jump(inner, &[]);
        }
        Some((first, others)) => {
            let full = fx.builder.create_block();
            let mut all = fx.builder.use_var(*first);
            for other in others {
                let other = fx.builder.use_var(*other);
                all = fx.builder.ins().band(all, other);
            }
            let is_full = fx.builder.ins().icmp_imm_s(IntCC::Equal, all, -1);
            fx.builder.ins().brif(is_full, full, &[], inner, &[]);
            loops.push(Pass { block: full, with_nulls: false, all_selected: false });
        }
    }

    for Pass { block: inner, with_nulls, all_selected } in loops {
        fx.builder.switch_to_block(inner);
        fx.note(|| format!("next {step} rows{}", if with_nulls { "" } else { ", none of them null" }));
        let position = fx.builder.use_var(within);
        let row = fx.builder.ins().iadd(first_row, position);
        let mut kept = Vec::new();
        let mut failed = Vec::new();
        let mut stored: Vec<Vec<Lanes>> = outputs.iter().map(|_| Vec::new()).collect();
        for group in 0..unroll {
            let mut registers = load_inputs(fx, &inputs, row, group, with_nulls);
            results.load(fx, position, group, &mut registers);
            let selected = selected_bits.filter(|_| !all_selected).map(|bits| expand(fx, bits, group));
            let mut cx = VectorCx::new(fx, registers, &params);
            if let Some(filter) = &body.filter {
                let keeps = cx.lower(filter)?.value;
                cx.path = Some(keeps);
                kept.push(keeps);
            }
            for (position, (register, expr)) in body.outputs.iter().enumerate() {
                cx.fx.note(|| format!("register {register}"));
                let value = cx.lower(expr)?;
                cx.registers.insert(*register, value);
                if let Some(stored) = stored.get_mut(position) {
                    stored.push(value);
                }
            }
            if let Some(accumulators) = &mut accumulators {
                let path = cx.path;
                let mask = cx.both(selected, path);
                accumulators.update(&mut cx, mask)?;
            }
            if fallible {
                let bad = match cx.failed {
                    Some(failed) => failed,
                    None => cx.mask(false),
                };
                failed.push(bad);
            }
        }
        if let Some(accumulators) = &mut accumulators {
            accumulators.end_pass(fx);
        }
        for (output, values) in outputs.iter().zip(&stored) {
            store(fx, output, values, row, step);
        }
        if let Some(variable) = kept_bits {
            shift_in(fx, variable, &kept, step);
        }
        if let Some(variable) = failed_bits {
            shift_in(fx, variable, &failed, step);
        }
        let valid_bits = |input: &Input| input.valid_bits.filter(|_| with_nulls);
        let consumed = inputs.iter().flat_map(|input| [input.bits, valid_bits(input)]).flatten().chain(selected_bits);
        for variable in consumed {
            let bits = fx.builder.use_var(variable);
            let rest = fx.builder.ins().ushr_imm_u(bits, step);
            fx.builder.def_var(variable, rest);
        }
        let advanced = fx.builder.ins().iadd_imm_u(position, step);
        fx.builder.def_var(within, advanced);
        let again = fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, advanced, 64);
        fx.builder.ins().brif(again, inner, &[], close, &[]);
    }

    fx.builder.switch_to_block(close);
    if let Some(variable) = failed_bits {
        let bits = fx.builder.use_var(variable);
        let bad = fx.builder.ins().band(bits, selected);
        let good = fx.builder.create_block();
        fx.builder.ins().brif(bad, fail, &[], good, &[]);
        fx.builder.switch_to_block(good);
    }
    let left = match kept_bits {
        Some(variable) => {
            let kept = fx.builder.use_var(variable);
            fx.builder.ins().band(kept, selected)
        }
        None => selected,
    };
    if let Some(selection_out) = selection_out {
        let at = fx.builder.ins().iadd(selection_out, word_offset);
        fx.builder.ins().store(memory(), left, at, 0);
    }
    for output in &outputs {
        for (bitmap, variable) in [(Some(output.values), output.bits), (output.validity, output.valid_bits)] {
            if let (Some(bitmap), Some(variable)) = (bitmap, variable) {
                let bits = fx.builder.use_var(variable);
                let at = fx.builder.ins().iadd(bitmap, word_offset);
                fx.builder.ins().store(memory(), bits, at, 0);
            }
        }
    }
    if let Some(accumulators) = &accumulators {
        accumulators.count_block(fx, left);
    }
    fx.builder.ins().jump(next, &[]);

    fx.builder.switch_to_block(next);
    let current = fx.builder.use_var(word);
    let following = fx.builder.ins().iadd_imm_u(current, 1);
    fx.builder.def_var(word, following);
    fx.builder.ins().jump(head, &[]);

    fx.builder.switch_to_block(exit);
    if let Some(accumulators) = &accumulators {
        accumulators.merge(fx, fail);
    }
    fx.builder.ins().return_(&[zero]);

    fx.builder.switch_to_block(fail);
    fx.note(|| "some row may have failed".to_owned());
    let suspicious = fx.int(types::I64, 1);
    fx.builder.ins().return_(&[suspicious]);
    Ok(())
}

/// The bitmaps of the inputs, from the first of 64 rows on.
pub(super) fn begin_pass(fx: &mut FunctionCx<'_>, inputs: &[Input], word_offset: Value) {
    for input in inputs {
        for (bitmap, variable) in [(Some(input.values), input.bits), (input.validity, input.valid_bits)] {
            if let (Some(bitmap), Some(variable)) = (bitmap, variable) {
                let at = fx.builder.ins().iadd(bitmap, word_offset);
                let bits = fx.builder.ins().load(types::I64, readonly(), at, 0);
                fx.builder.def_var(variable, bits);
            }
        }
    }
}

/// So many rows of the bitmaps are done.
pub(super) fn consume(fx: &mut FunctionCx<'_>, inputs: &[Input], step: i64) {
    for variable in inputs.iter().flat_map(|input| [input.bits, input.valid_bits]).flatten() {
        let bits = fx.builder.use_var(variable);
        let rest = fx.builder.ins().ushr_imm_u(bits, step);
        fx.builder.def_var(variable, rest);
    }
}

fn inputs(fx: &mut FunctionCx<'_>, body: &KernelBody, nullable: bool) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (position, (register, ty)) in body.inputs.iter().enumerate() {
        let (values, bitmap) = fx.input(position);
        let validity = (nullable && ty.is_option()).then_some(bitmap);
        let class = Class::of(ty);
        inputs.push(Input {
            register: *register,
            class,
            values,
            validity,
            bits: (class == Class::Bool).then(|| fx.builder.declare_var(types::I64)),
            valid_bits: validity.map(|_| fx.builder.declare_var(types::I64)),
        });
    }
    inputs
}

fn outputs(fx: &mut FunctionCx<'_>, body: &KernelBody) -> Vec<Output> {
    let mut outputs = Vec::new();
    if body.aggregate.is_some() {
        return outputs;
    }
    for (position, (_, expr)) in body.outputs.iter().enumerate() {
        let (values, bitmap) = fx.output(position);
        let validity = expr.ty.is_option().then_some(bitmap);
        let class = Class::of(&expr.ty);
        outputs.push(Output {
            class,
            values,
            validity,
            bits: (class == Class::Bool).then(|| fx.builder.declare_var(types::I64)),
            valid_bits: validity.map(|_| fx.builder.declare_var(types::I64)),
        });
    }
    outputs
}

/// The parameters that are used, in both lanes, loaded before the loop.
fn params<'e>(fx: &mut FunctionCx<'_>, expressions: impl Iterator<Item = &'e Expr>) -> BTreeMap<u32, Value> {
    let mut used = BTreeMap::new();
    for expr in expressions {
        expr.walk(&mut |node| {
            if let ExprKind::Param(number) = node.kind {
                used.insert(number.0, Class::of(&node.ty));
            }
        });
    }
    used.into_iter().map(|(number, class)| (number, param(fx, number, class))).collect()
}

/// A mask of two rows from the next bits of a bitmap.
pub(super) fn expand(fx: &mut FunctionCx<'_>, bits: Variable, group: usize) -> Value {
    let bits = fx.builder.use_var(bits);
    let both = fx.builder.ins().splat(types::I64X2, bits);
    let ones = fx.lanes(types::I64X2, 1 << (2 * group), 2 << (2 * group));
    let own = fx.builder.ins().band(both, ones);
    fx.builder.ins().icmp(IntCC::Equal, own, ones)
}

/// The sign bits of masks, two each.
fn pack(fx: &mut FunctionCx<'_>, masks: &[Value]) -> Value {
    let mut all = None;
    for (group, masks) in masks.chunks(2).enumerate() {
        let bits = match masks {
            [low, high] => {
                // One vector of the upper halves of all lanes.
                let low = fx.bitcast(types::I8X16, *low);
                let high = fx.bitcast(types::I8X16, *high);
                let upper = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];
                let order = fx.builder.func.dfg.immediates.push(ConstantData::from(upper.as_slice()));
                let upper = fx.builder.ins().shuffle(low, high, order);
                let upper = fx.bitcast(types::I32X4, upper);
                fx.builder.ins().vhigh_bits(types::I64, upper)
            }
            masks => fx.builder.ins().vhigh_bits(types::I64, masks[0]),
        };
        all = Some(match all {
            Some(before) => {
                let distance = 2 * LANES * i64::try_from(group).expect("a small number");
                let bits = fx.builder.ins().ishl_imm_u(bits, distance);
                fx.builder.ins().bor(before, bits)
            }
            None => bits,
        });
    }
    all.expect("a pass has rows")
}

/// The next rows of a bitmap that is filled from above.
pub(super) fn shift_in(fx: &mut FunctionCx<'_>, variable: Variable, masks: &[Value], step: i64) {
    let bits = pack(fx, masks);
    let before = fx.builder.use_var(variable);
    let moved = fx.builder.ins().ushr_imm_u(before, step);
    let high = fx.builder.ins().ishl_imm_u(bits, 64 - step);
    let after = fx.builder.ins().bor(moved, high);
    fx.builder.def_var(variable, after);
}

/// Address of the first row of this pass, and the offset of a group's from there.
pub(super) fn element(fx: &mut FunctionCx<'_>, values: Value, class: Class, row: Value, group: usize) -> (Value, i32) {
    let width = class.width().expect("bits are not addressed");
    let offset = fx.builder.ins().ishl_imm_u(row, i64::from(width.trailing_zeros()));
    let at = fx.builder.ins().iadd(values, offset);
    (at, 2 * width * i32::try_from(group).expect("a small number"))
}

pub(super) fn load_inputs(
    fx: &mut FunctionCx<'_>,
    inputs: &[Input],
    row: Value,
    group: usize,
    with_nulls: bool,
) -> BTreeMap<u32, Lanes> {
    let mut registers = BTreeMap::new();
    for input in inputs {
        let value = match input.class {
            Class::Bool => {
                let bits = input.bits.expect("a bitmap is read through a variable");
                expand(fx, bits, group)
            }
            // Only whether it is there is asked.
            Class::Unit | Class::Str | Class::List(_) | Class::Decimal => fx.lanes(types::I64X2, 0, 0),
            Class::Int { .. } | Class::F32 | Class::F64 => {
                let (at, offset) = element(fx, input.values, input.class, row, group);
                load(fx, input.class, at, offset)
            }
        };
        let valid = input.valid_bits.filter(|_| with_nulls).map(|bits| expand(fx, bits, group));
        registers.insert(input.register, Lanes { value, valid });
    }
    registers
}

/// Two values from memory.
fn load(fx: &mut FunctionCx<'_>, class: Class, at: Value, offset: i32) -> Value {
    let compares_aligned = fx.target.compares_aligned;
    let ins = fx.builder.ins();
    match class {
        Class::F64 if compares_aligned => {
            // Not a load of floats, so that it does not become an operand of a comparison.
            let bits = ins.load(types::I64X2, readonly(), at, offset);
            fx.bitcast(types::F64X2, bits)
        }
        Class::F64 => ins.load(types::F64X2, readonly(), at, offset),
        Class::F32 => {
            let both = ins.load(types::I64, readonly(), at, offset);
            let vector = fx.builder.ins().scalar_to_vector(types::I64X2, both);
            let floats = fx.bitcast(types::F32X4, vector);
            fx.builder.ins().fvpromote_low(floats)
        }
        Class::Int { bits: 64, .. } | Class::Unit | Class::Bool | Class::Str | Class::List(_) | Class::Decimal => {
            ins.load(types::I64X2, readonly(), at, offset)
        }
        Class::Int { bits: 32, signed: true } => ins.sload32x2(readonly(), at, offset),
        Class::Int { bits: 32, signed: false } => ins.uload32x2(readonly(), at, offset),
        Class::Int { bits, signed } => {
            let both = if bits == 16 {
                ins.load(types::I32, readonly(), at, offset)
            } else {
                ins.uload16(types::I32, readonly(), at, offset)
            };
            let vector = fx.builder.ins().scalar_to_vector(types::I32X4, both);
            let mut vector = fx.bitcast(if bits == 16 { types::I16X8 } else { types::I8X16 }, vector);
            while fx.type_of(vector) != types::I64X2 {
                let ins = fx.builder.ins();
                vector = if signed { ins.swiden_low(vector) } else { ins.uwiden_low(vector) };
            }
            vector
        }
    }
}

/// The values of one pass to memory.
fn store(fx: &mut FunctionCx<'_>, output: &Output, values: &[Lanes], row: Value, step: i64) {
    match output.class {
        Class::Bool => {
            let masks: Vec<Value> = values.iter().map(|lanes| lanes.value).collect();
            shift_in(fx, output.bits.expect("a bitmap is written through a variable"), &masks, step);
        }
        Class::Unit | Class::Str | Class::List(_) | Class::Decimal => {}
        Class::Int { .. } | Class::F32 | Class::F64 => {
            for (group, lanes) in values.iter().enumerate() {
                let (at, offset) = element(fx, output.values, output.class, row, group);
                store_lanes(fx, output.class, lanes.value, at, offset);
            }
        }
    }
    if let Some(variable) = output.valid_bits {
        let mut masks = Vec::new();
        for lanes in values {
            masks.push(lanes.valid.unwrap_or_else(|| fx.lanes(types::I64X2, u64::MAX, u64::MAX)));
        }
        shift_in(fx, variable, &masks, step);
    }
}

fn store_lanes(fx: &mut FunctionCx<'_>, class: Class, value: Value, at: Value, offset: i32) {
    match class {
        Class::F64
        | Class::Unit
        | Class::Bool
        | Class::Str
        | Class::List(_)
        | Class::Decimal
        | Class::Int { bits: 64, .. } => {
            fx.builder.ins().store(memory(), value, at, offset);
        }
        Class::F32 => {
            let narrow = fx.builder.ins().fvdemote(value);
            store_low_half(fx, narrow, at, offset);
        }
        Class::Int { bits: 32, .. } => {
            let bytes = fx.bitcast(types::I8X16, value);
            let lower = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
            let order = fx.builder.func.dfg.immediates.push(ConstantData::from(lower.as_slice()));
            let narrow = fx.builder.ins().shuffle(bytes, bytes, order);
            store_low_half(fx, narrow, at, offset);
        }
        Class::Int { bits, .. } => {
            for lane in 0..2u8 {
                let scalar = fx.builder.ins().extractlane(value, lane);
                let offset = offset + i32::from(lane) * i32::from(bits) / 8;
                if bits == 16 {
                    fx.builder.ins().istore16(memory(), scalar, at, offset);
                } else {
                    fx.builder.ins().istore8(memory(), scalar, at, offset);
                }
            }
        }
    }
}

fn store_low_half(fx: &mut FunctionCx<'_>, vector: Value, at: Value, offset: i32) {
    let vector = fx.bitcast(types::I64X2, vector);
    let low = fx.builder.ins().extractlane(vector, 0u8);
    fx.builder.ins().store(memory(), low, at, offset);
}
