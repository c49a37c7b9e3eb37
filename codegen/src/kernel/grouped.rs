//! The loop of a kernel that changes the state of groups: the set bits of the selection, one after the other, from
//! `Chunk::first_row` on.
//!
//! Input 0 is the group of each row, the other inputs are arguments, by row. The outputs are the columns of the state, by
//! group: they are read, all new ones are computed, and only then written, so that a row that fails changes nothing.

use super::KernelBody;
use crate::CodegenError;
use crate::column::Class;
use crate::function::{FunctionCx, memory, readonly};
use crate::lower::scalar::{Input, Output, ScalarCx};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, types};
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

/// Fills in the kernel. The columns of its expressions count the outputs first, then the arguments.
pub(super) fn build(fx: &mut FunctionCx<'_>, body: &KernelBody) -> Result<(), CodegenError> {
    let (groups, _) = fx.input(0);
    let mut columns = BTreeMap::new();
    let mut outputs = Vec::new();
    for (position, (register, expr)) in body.outputs.iter().enumerate() {
        let (values, bitmap) = fx.output(position);
        let (class, validity) = (Class::of(&expr.ty), expr.ty.is_option().then_some(bitmap));
        columns.insert(*register, Input { values, validity, class, is_state: true });
        outputs.push(Output { values, validity, class });
    }
    for (position, (register, ty)) in body.inputs.iter().enumerate() {
        let (values, bitmap) = fx.input(position + 1);
        columns.insert(*register, super::scalar::input(fx, ty, values, bitmap));
    }
    let selection = fx.selection();
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
    fx.builder.ins().jump(row_head, &[BlockArg::Value(selected)]);

    fx.builder.switch_to_block(row_head);
    fx.builder.ins().brif(left, row_body, &[], word_end, &[]);

    fx.builder.switch_to_block(row_body);
    fx.note(|| "next selected row and its group".to_owned());
    let bit = fx.builder.ins().ctz(left);
    let first = fx.builder.ins().ishl_imm_u(word, 6);
    let row = fx.builder.ins().iadd(first, bit);
    let less = fx.builder.ins().iadd_imm_s(left, -1);
    let rest = fx.builder.ins().band(left, less);
    let at = fx.builder.ins().ishl_imm_u(row, 2);
    let at = fx.builder.ins().iadd(groups, at);
    let group = fx.builder.ins().uload32(readonly(), at, 0);

    let mut cx = ScalarCx::new(fx, group, &columns, fail);
    for (register, _) in &body.outputs {
        let state = cx.column(*register)?;
        cx.computed.insert(*register, state);
    }
    cx.row = row;
    let mut new = Vec::with_capacity(outputs.len());
    for (register, expr) in &body.outputs {
        cx.fx.note(|| format!("column {register} of the state"));
        new.push(cx.lower(expr)?);
    }
    cx.row = group;
    for (output, value) in outputs.iter().zip(new) {
        cx.store(*output, value);
    }
    let fx = cx.fx;
    fx.end_row(group, strings_of(body));
    fx.begin_rows_in(row_body);
    fx.builder.ins().jump(row_head, &[BlockArg::Value(rest)]);

    fx.builder.switch_to_block(word_end);
    let next = fx.builder.ins().iadd_imm_u(word, 1);
    fx.builder.ins().jump(word_head, &[BlockArg::Value(next), BlockArg::Value(all)]);

    fx.builder.switch_to_block(fail);
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

/// A bit for each column of the state that is a string or a list.
fn strings_of(body: &KernelBody) -> i64 {
    let is_string =
        |expr: &sabot_ir::expr::Expr| matches!(expr.ty.value_type(), Type::String | Type::Bytes | Type::List(_));
    let strings = body.outputs.iter().take(64).enumerate().filter(|(_, (_, expr))| is_string(expr));
    strings.fold(0, |bits, (position, _)| bits | 1 << position)
}
