//! `FunctionCx`: the function that is being made, and through it every instruction.
//!
//! It knows the structs of the ABI, so that nobody else counts offsets, and the calls into the runtime. Notes become
//! comments in the printed CLIF.

use crate::CodegenError;
use crate::constants::ConstantPool;
use crate::isa::Target;
use crate::spans::{NO_SPAN, Spans};
use cranelift_codegen::cursor::{Cursor as _, FuncCursor};
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AbiParam, Block, ConstantData, Endianness, Function, Inst, InstBuilder as _, MemFlagsData, Opcode, Signature,
    SourceLoc, Type as Clif, UserFuncName, Value, types,
};
use cranelift_codegen::write::{FuncWriter, PlainWriter, decorate_function};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use sabot_abi::function::{AbiType, RuntimeFunction};
use sabot_abi::kernel::{Chunk, Context, InputColumn, OutputColumn};
use sabot_ir::span::Span;
use std::collections::BTreeMap;
use std::fmt;
use std::mem::{offset_of, size_of};

/// Comments by the instruction that they stand before.
#[derive(Default)]
pub(crate) struct Notes {
    by_instruction: BTreeMap<u32, Vec<String>>,
}

/// The function that is being made.
pub(crate) struct FunctionCx<'a> {
    /// Where instructions go.
    pub(crate) builder: FunctionBuilder<'a>,
    /// The machine it is for.
    pub(crate) target: &'a Target,
    /// Where string literals lie.
    pub(crate) pool: &'a ConstantPool,
    /// The numbers of places in job.rs.
    pub(crate) spans: &'a Spans,
    /// `*mut Context`.
    pub(crate) context: Value,
    /// `*const Chunk`.
    pub(crate) chunk: Value,
    notes: Option<Notes>,
    signatures: BTreeMap<RuntimeFunction, ir::SigRef>,
    /// Whether something that was called may take memory for the row.
    takes_memory: bool,
}

/// Memory that lives as long as the call and that nobody writes meanwhile.
pub(crate) fn readonly() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_readonly().with_can_move()
}

/// Memory that somebody may write.
pub(crate) fn memory() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

fn offset(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("offsets inside a struct are small")
}

/// An empty kernel: its signature and nothing else.
pub(crate) fn empty_kernel(target: &Target, number: u32) -> Function {
    let mut signature = Signature::new(target.isa.default_call_conv());
    signature.params.push(AbiParam::new(types::I64));
    signature.params.push(AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I64));
    Function::with_name_signature(UserFuncName::user(0, number), signature)
}

impl<'a> FunctionCx<'a> {
    /// Opens a kernel at its entry block.
    pub(crate) fn new(
        function: &'a mut Function,
        scratch: &'a mut FunctionBuilderContext,
        target: &'a Target,
        pool: &'a ConstantPool,
        spans: &'a Spans,
        with_notes: bool,
    ) -> Self {
        let mut builder = FunctionBuilder::new(function, scratch);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let (context, chunk) = (builder.block_params(entry)[0], builder.block_params(entry)[1]);
        let notes = with_notes.then(Notes::default);
        Self { builder, target, pool, spans, context, chunk, notes, signatures: BTreeMap::new(), takes_memory: false }
    }

    /// Closes the kernel and gives its notes.
    pub(crate) fn finish(mut self) -> Notes {
        self.builder.seal_all_blocks();
        self.builder.finalize(self.target.isa.frontend_config());
        self.notes.unwrap_or_default()
    }

    /// Says something about the next instruction, for people who read the CLIF.
    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            let next = u32::try_from(self.builder.func.dfg.num_insts()).unwrap_or(u32::MAX);
            notes.by_instruction.entry(next).or_default().push(text());
        }
    }

    /// The instructions that follow come from here; gives what held before.
    pub(crate) fn enter_span(&mut self, span: Span) -> SourceLoc {
        let before = self.builder.srcloc();
        let number = self.spans.number(span);
        if number != NO_SPAN {
            self.builder.set_srcloc(SourceLoc::new(number));
        }
        before
    }

    /// The instructions that follow come from where they came before.
    pub(crate) fn leave_span(&mut self, before: SourceLoc) {
        self.builder.set_srcloc(before);
    }

    /// An integer constant, by its low bits.
    pub(crate) fn int(&mut self, ty: Clif, value: i64) -> Value {
        let masked = match ty.bits() {
            64 => value,
            bits => value & ((1_i64 << bits) - 1),
        };
        self.builder.ins().iconst(ty, masked)
    }

    /// A vector constant: two 64-bit lanes.
    pub(crate) fn lanes(&mut self, ty: Clif, low: u64, high: u64) -> Value {
        let mut bytes = low.to_le_bytes().to_vec();
        bytes.extend_from_slice(&high.to_le_bytes());
        let constant = self.builder.func.dfg.constants.insert(ConstantData::from(bytes));
        self.builder.ins().vconst(ty, constant)
    }

    /// Whether it is an integer that is known here.
    pub(crate) fn is_constant(&self, value: Value) -> bool {
        let dfg = &self.builder.func.dfg;
        dfg.value_def(value).inst().is_some_and(|inst| dfg.insts[inst].opcode() == Opcode::Iconst)
    }

    /// The bits of a value as another type of the same size.
    pub(crate) fn bitcast(&mut self, ty: Clif, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    /// The CLIF type of a value.
    pub(crate) fn type_of(&self, value: Value) -> Clif {
        self.builder.func.dfg.value_type(value)
    }

    /// `if_true` or `if_false` without a branch. (Cranelift's own `select` of floats is a branch, and mispredicts.)
    pub(crate) fn select(&mut self, condition: Value, if_true: Value, if_false: Value) -> Value {
        let as_int = match self.type_of(if_true) {
            types::F64 => types::I64,
            types::F32 => types::I32,
            // Word by word: Cranelift would make a minimum of it, which it has no instructions for.
            types::I128 => {
                let (true_low, true_high) = self.builder.ins().isplit(if_true);
                let (false_low, false_high) = self.builder.ins().isplit(if_false);
                let low = self.builder.ins().select(condition, true_low, false_low);
                let high = self.builder.ins().select(condition, true_high, false_high);
                return self.builder.ins().iconcat(low, high);
            }
            _ => return self.builder.ins().select(condition, if_true, if_false),
        };
        let ty = self.type_of(if_true);
        let if_true = self.bitcast(as_int, if_true);
        let if_false = self.bitcast(as_int, if_false);
        let chosen = self.builder.ins().select(condition, if_true, if_false);
        self.bitcast(ty, chosen)
    }

    /// A block that is seldom reached.
    pub(crate) fn cold_block(&mut self) -> Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    fn chunk_field(&mut self, field: usize) -> Value {
        self.builder.ins().load(types::I64, readonly(), self.chunk, offset(field))
    }

    /// `Chunk::rows`.
    pub(crate) fn rows(&mut self) -> Value {
        self.chunk_field(offset_of!(Chunk, rows))
    }

    /// `Chunk::first_row`.
    pub(crate) fn first_row(&mut self) -> Value {
        self.chunk_field(offset_of!(Chunk, first_row))
    }

    /// `Chunk::selection`.
    pub(crate) fn selection(&mut self) -> Value {
        self.chunk_field(offset_of!(Chunk, selection))
    }

    /// `Chunk::selection_out`.
    pub(crate) fn selection_out(&mut self) -> Value {
        self.chunk_field(offset_of!(Chunk, selection_out))
    }

    /// `Chunk::accumulators`.
    pub(crate) fn accumulators(&mut self) -> Value {
        self.chunk_field(offset_of!(Chunk, accumulators))
    }

    /// `values` and `validity` of an input.
    pub(crate) fn input(&mut self, position: usize) -> (Value, Value) {
        let inputs = self.chunk_field(offset_of!(Chunk, inputs));
        let at = size_of::<InputColumn>() * position;
        let values = offset(at + offset_of!(InputColumn, values));
        let validity = offset(at + offset_of!(InputColumn, validity));
        (
            self.builder.ins().load(types::I64, readonly(), inputs, values),
            self.builder.ins().load(types::I64, readonly(), inputs, validity),
        )
    }

    /// `values` and `validity` of an output.
    pub(crate) fn output(&mut self, position: usize) -> (Value, Value) {
        let outputs = self.chunk_field(offset_of!(Chunk, outputs));
        let at = size_of::<OutputColumn>() * position;
        let values = offset(at + offset_of!(OutputColumn, values));
        let validity = offset(at + offset_of!(OutputColumn, validity));
        (
            self.builder.ins().load(types::I64, readonly(), outputs, values),
            self.builder.ins().load(types::I64, readonly(), outputs, validity),
        )
    }

    /// Address of a job parameter's 16 bytes.
    pub(crate) fn param(&mut self, number: u32) -> (Value, i32) {
        let params = offset(offset_of!(Context, params));
        let base = self.builder.ins().load(types::I64, readonly(), self.context, params);
        (base, i32::try_from(number).unwrap_or(i32::MAX / 16).saturating_mul(16))
    }

    /// Address of bytes of the constant pool.
    pub(crate) fn constant(&mut self, at: u32) -> Value {
        let constants = offset(offset_of!(Context, constants));
        let base = self.builder.ins().load(types::I64, readonly(), self.context, constants);
        self.builder.ins().iadd_imm_u(base, i64::from(at))
    }

    /// Fills in `Context::error`.
    pub(crate) fn store_error(&mut self, code: Value, span: Value, row: Value) {
        use sabot_abi::kernel::RowError;
        let error = offset_of!(Context, error);
        for (field, value) in
            [(offset_of!(RowError, code), code), (offset_of!(RowError, span), span), (offset_of!(RowError, row), row)]
        {
            self.builder.ins().store(memory(), value, self.context, offset(error + field));
        }
    }

    /// Calls a function of the runtime; `args` without the context.
    pub(crate) fn call(&mut self, function: RuntimeFunction, args: &[Value]) -> Value {
        let signature = match self.signatures.get(&function) {
            Some(known) => *known,
            None => {
                let mut signature = Signature::new(self.target.isa.default_call_conv());
                signature.params.extend(function.args().iter().map(|arg| abi_param(*arg)));
                signature.returns.push(AbiParam::new(clif_type(function.returns())));
                let imported = self.builder.import_signature(signature);
                self.signatures.insert(function, imported);
                imported
            }
        };
        self.note(|| format!("call {}", function.name()));
        let table = offset(offset_of!(Context, functions));
        let functions = self.builder.ins().load(types::I64, readonly(), self.context, table);
        let address = self.builder.ins().load(types::I64, readonly(), functions, 8 * (function as i32));
        let call = if function.args().first() == Some(&AbiType::Context) {
            self.takes_memory = true;
            let all: Vec<Value> = std::iter::once(self.context).chain(args.iter().copied()).collect();
            self.builder.ins().call_indirect(signature, address, &all)
        } else {
            self.builder.ins().call_indirect(signature, address, args)
        };
        self.builder.inst_results(call)[0]
    }

    /// A word of `Context::result`, as a value of the type.
    pub(crate) fn result(&mut self, ty: Clif, word: usize) -> Value {
        let at = offset_of!(Context, result) + 8 * word;
        self.builder.ins().load(ty, memory(), self.context, offset(at))
    }

    /// Gives back what the row has taken, if that is much, but for its outputs that are strings: a bit for each.
    pub(crate) fn end_row(&mut self, row: Value, strings: i64) {
        if !self.takes_memory {
            return;
        }
        let taken = self.builder.ins().load(types::I64, memory(), self.context, offset(offset_of!(Context, row_bytes)));
        let most = i64::try_from(sabot_abi::KEPT_ROW_BYTES).expect("a few thousand");
        let is_much = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, taken, most);
        let (much, next) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(is_much, much, &[], next, &[]);
        self.builder.switch_to_block(much);
        let outputs = self.chunk_field(offset_of!(Chunk, outputs));
        let strings = self.int(types::I64, strings);
        self.call(RuntimeFunction::KeepRow, &[outputs, row, strings]);
        self.builder.ins().jump(next, &[]);
        self.builder.switch_to_block(next);
    }

    /// Makes the block that every row begins in say that the row has taken no memory yet, if something takes some.
    pub(crate) fn begin_rows_in(&mut self, block: Block) {
        if self.takes_memory {
            let mut cursor = FuncCursor::new(self.builder.func).at_first_insertion_point(block);
            let zero = cursor.ins().iconst(types::I64, 0);
            cursor.ins().store(memory(), zero, self.context, offset(offset_of!(Context, row_bytes)));
        }
    }

    /// Whether a 64-bit value is zero.
    pub(crate) fn is_zero(&mut self, value: Value) -> Value {
        self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0)
    }
}

/// A `bool` is handed over with nothing above it, as C's callers do.
fn abi_param(ty: AbiType) -> AbiParam {
    let param = AbiParam::new(clif_type(ty));
    if ty == AbiType::Bool { param.uext() } else { param }
}

fn clif_type(ty: AbiType) -> Clif {
    match ty {
        AbiType::F64 => types::F64,
        AbiType::F32 => types::F32,
        AbiType::I32 => types::I32,
        AbiType::I64 | AbiType::Ptr | AbiType::Context => types::I64,
        AbiType::Bool => types::I8,
    }
}

/// The function as text, with its notes.
pub(crate) fn print(name: &str, function: &Function, notes: &Notes) -> Result<String, CodegenError> {
    struct Writer<'a>(&'a Notes);
    impl FuncWriter for Writer<'_> {
        fn write_block_header(
            &mut self,
            w: &mut dyn fmt::Write,
            function: &Function,
            block: Block,
            indent: usize,
        ) -> fmt::Result {
            PlainWriter.write_block_header(w, function, block, indent)
        }

        fn write_instruction(
            &mut self,
            w: &mut dyn fmt::Write,
            function: &Function,
            aliases: &SecondaryMap<Value, Vec<Value>>,
            inst: Inst,
            indent: usize,
        ) -> fmt::Result {
            for note in self.0.by_instruction.get(&inst.as_u32()).into_iter().flatten() {
                writeln!(w, "{:indent$}; {note}", "")?;
            }
            PlainWriter.write_instruction(w, function, aliases, inst, indent)
        }
    }
    let mut text = format!("; {name}\n");
    decorate_function(&mut Writer(notes), &mut text, function)
        .map_err(|cause| CodegenError::Internal(format!("printing `{name}`: {cause}")))?;
    Ok(text)
}
