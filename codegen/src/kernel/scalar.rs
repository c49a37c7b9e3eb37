//! The loop of a scalar kernel: the set bits of the selection, one after the other, from `Chunk::first_row` on.

use super::KernelBody;
use crate::CodegenError;
use crate::column::Class;
use crate::constants::ALL_VALID;
use crate::function::{FunctionCx, memory};
use crate::lower::aggregate;
use crate::lower::scalar::{Input, Output, ScalarCx};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, Value, types};
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

/// Fills in the kernel.
pub(super) fn build(fx: &mut FunctionCx<'_>, body: &KernelBody) -> Result<(), CodegenError> {
    let inputs = inputs(fx, body);
    let outputs = outputs(fx, body);
    let accumulators = body.aggregate.is_some().then(|| fx.accumulators());
    let selection = fx.selection();
    let selection_out = body.filter.is_some().then(|| fx.selection_out());
    let rows = fx.rows();
    let first_row = fx.first_row();
    let rounded = fx.builder.ins().iadd_imm_u(rows, 63);
    let words = fx.builder.ins().ushr_imm_u(rounded, 6);
    let first_word = fx.builder.ins().ushr_imm_u(first_row, 6);
    let within = fx.builder.ins().band_imm_u(first_row, 63);
    let all = fx.int(types::I64, -1);
    let from_first = fx.builder.ins().ishl(all, within);

    let word_head = fx.builder.create_block();
    let word = fx.builder.append_block_param(word_head, types::I64);
    let mask = fx.builder.append_block_param(word_head, types::I64);
    let word_body = fx.builder.create_block();
    let row_head = fx.builder.create_block();
    let left = fx.builder.append_block_param(row_head, types::I64);
    let kept = fx.builder.append_block_param(row_head, types::I64);
    let row_body = fx.builder.create_block();
    let word_end = fx.builder.create_block();
    let exit = fx.builder.create_block();
    let fail = fx.cold_block();
    let error = [(); 2].map(|()| fx.builder.append_block_param(fail, types::I32));

    fx.builder.ins().jump(word_head, &[BlockArg::Value(first_word), BlockArg::Value(from_first)]);

    fx.builder.switch_to_block(word_head);
    fx.note(|| "next 64 rows".to_owned());
    let more = fx.builder.ins().icmp(IntCC::UnsignedLessThan, word, words);
    fx.builder.ins().brif(more, word_body, &[], exit, &[]);

    fx.builder.switch_to_block(word_body);
    let offset = fx.builder.ins().ishl_imm_u(word, 3);
    let at = fx.builder.ins().iadd(selection, offset);
    let selected = fx.builder.ins().load(types::I64, memory(), at, 0);
    let selected = fx.builder.ins().band(selected, mask);
    let none = fx.int(types::I64, 0);
    fx.builder.ins().jump(row_head, &[BlockArg::Value(selected), BlockArg::Value(none)]);

    fx.builder.switch_to_block(row_head);
    fx.builder.ins().brif(left, row_body, &[], word_end, &[]);

    fx.builder.switch_to_block(row_body);
    fx.note(|| "next selected row".to_owned());
    let bit = fx.builder.ins().ctz(left);
    let first = fx.builder.ins().ishl_imm_u(word, 6);
    let row = fx.builder.ins().iadd(first, bit);
    let less = fx.builder.ins().iadd_imm_s(left, -1);
    let rest = fx.builder.ins().band(left, less);

    let mut cx = ScalarCx::new(fx, row, &inputs, fail);
    if let Some(filter) = &body.filter {
        let keeps = cx.lower(filter)?.value;
        cx.fx.end_row(row, 0);
        let pass = cx.fx.builder.create_block();
        let args = [rest, kept].map(BlockArg::Value);
        cx.fx.builder.ins().brif(keeps, pass, &[], row_head, &args);
        cx.fx.builder.switch_to_block(pass);
    }
    for (register, expr) in &body.outputs {
        cx.fx.note(|| format!("register {register}"));
        let value = cx.lower(expr)?;
        cx.computed.insert(*register, value);
        if let Some(output) = outputs.get(register) {
            cx.store(*output, value);
        }
    }
    if let (Some(calls), Some(accumulators)) = (&body.aggregate, accumulators) {
        aggregate::scalar::update(&mut cx, calls, accumulators)?;
    }
    let fx = cx.fx;
    if let Some(strings) = strings_of(body) {
        fx.end_row(row, strings);
    }
    fx.begin_rows_in(row_body);
    let lowest = fx.builder.ins().bxor(left, rest);
    let kept_now = fx.builder.ins().bor(kept, lowest);
    fx.builder.ins().jump(row_head, &[BlockArg::Value(rest), BlockArg::Value(kept_now)]);

    fx.builder.switch_to_block(word_end);
    if let Some(selection_out) = selection_out {
        let at = fx.builder.ins().iadd(selection_out, offset);
        fx.builder.ins().store(memory(), kept, at, 0);
    }
    let next = fx.builder.ins().iadd_imm_u(word, 1);
    fx.builder.ins().jump(word_head, &[BlockArg::Value(next), BlockArg::Value(all)]);

    fx.builder.switch_to_block(fail);
    if let Some(selection_out) = selection_out {
        let at = fx.builder.ins().iadd(selection_out, offset);
        fx.builder.ins().store(memory(), kept, at, 0);
    }
    fx.end_row(row, 0);
    let [code, span] = error;
    fx.store_error(code, span, row);
    let failed = fx.int(types::I64, 1);
    fx.builder.ins().return_(&[failed]);

    fx.builder.switch_to_block(exit);
    let done = fx.int(types::I64, 0);
    fx.builder.ins().return_(&[done]);
    Ok(())
}

/// A bit for each output that is a string. Nothing where an output is a list: what it holds would have to move too.
fn strings_of(body: &KernelBody) -> Option<i64> {
    if body.aggregate.is_some() {
        return Some(0);
    }
    let mut bits = 0;
    for (position, (_, expr)) in body.outputs.iter().enumerate() {
        if Class::of(&expr.ty) == Class::Str {
            if position >= 64 || !matches!(expr.ty.value_type(), Type::String | Type::Bytes) {
                return None;
            }
            bits |= 1 << position;
        }
    }
    Some(bits)
}

/// The same kernel is called with and without nulls: a column without a bitmap is read as one that is all valid.
fn inputs(fx: &mut FunctionCx<'_>, body: &KernelBody) -> BTreeMap<u32, Input> {
    let mut inputs = BTreeMap::new();
    for (position, (register, ty)) in body.inputs.iter().enumerate() {
        let (values, bitmap) = fx.input(position);
        inputs.insert(*register, input(fx, ty, values, bitmap));
    }
    inputs
}

/// An input of this type.
pub(super) fn input(fx: &mut FunctionCx<'_>, ty: &Type, values: Value, bitmap: Value) -> Input {
    let validity = ty.is_option().then(|| {
        let all = fx.constant(ALL_VALID);
        fx.builder.ins().select(bitmap, bitmap, all)
    });
    Input { values, validity, class: Class::of(ty), is_state: false }
}

fn outputs(fx: &mut FunctionCx<'_>, body: &KernelBody) -> BTreeMap<u32, Output> {
    let mut outputs = BTreeMap::new();
    if body.aggregate.is_some() {
        return outputs;
    }
    for (position, (register, expr)) in body.outputs.iter().enumerate() {
        let (values, bitmap) = fx.output(position);
        let validity = expr.ty.is_option().then_some(bitmap);
        outputs.insert(*register, Output { values, validity, class: Class::of(&expr.ty) });
    }
    outputs
}
