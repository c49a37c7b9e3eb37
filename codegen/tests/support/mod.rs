//! Hand-made kernels for the tests of the artifact: small, and with known source lines.
#![allow(unreachable_pub, dead_code, reason = "shared by several tests, each of which uses some of it")]

pub mod frame;
pub mod qemu;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, BlockArg, Function, InstBuilder, MemFlagsData, Signature, SourceLoc, UserFuncName, Value, types,
};
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context as CodegenContext, ir};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use sabot_abi::manifest::Manifest;
use sabot_codegen::compiled::{CompiledFunction, CompiledJob};
use sabot_codegen::unwind;
use std::str::FromStr;
use target_lexicon::Triple;

pub const X86_64: &str = "x86_64-unknown-linux-gnu";
pub const AARCH64: &str = "aarch64-unknown-linux-gnu";

/// The source text of every job made here; the kernels come from lines 2 and 6.
pub const SOURCE: &str = "fn shifted(x: i64) -> i64 {\n    x + 7\n}\n\nfn grown(x: f64) -> f64 {\n    x.exp()\n}\n";

/// Kernel 0: `output = input + constants[0]`.
pub const SHIFTED: u32 = 0;
/// Kernel 1: `output = functions[ExpF64](input)`.
pub const GROWN: u32 = 1;

pub fn target(triple: &str) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    for (flag, value) in [("opt_level", "speed"), ("is_pic", "true"), ("enable_probestack", "false")] {
        flags.set(flag, value).expect("a flag");
    }
    let triple = Triple::from_str(triple).expect("a triple");
    isa::lookup(triple).expect("a known machine").finish(settings::Flags::new(flags)).expect("flags that fit")
}

/// A job of the two kernels.
pub fn job(triple: &str) -> CompiledJob {
    let isa = target(triple);
    let functions = vec![
        compile(&isa, "map_1_plain", place("x + 7"), |b, context, value| {
            let constants = b.ins().load(types::I64, trusted(), context, 16);
            let constant = b.ins().uload8(types::I64, trusted(), constants, 0);
            let value = b.ins().load(types::I64, trusted(), value, 0);
            b.ins().iadd(value, constant)
        }),
        compile(&isa, "map_2_rows", place("x.exp()"), |b, context, value| {
            let exp = sabot_abi::function::RuntimeFunction::ExpF64 as i32;
            let functions = b.ins().load(types::I64, trusted(), context, 0);
            let exp = b.ins().load(types::I64, trusted(), functions, exp * 8);
            let mut signature = Signature::new(b.func.signature.call_conv);
            signature.params.push(AbiParam::new(types::F64));
            signature.returns.push(AbiParam::new(types::F64));
            let signature = b.import_signature(signature);
            let value = b.ins().load(types::F64, trusted(), value, 0);
            let call = b.ins().call_indirect(signature, exp, &[value]);
            b.inst_results(call)[0]
        }),
    ];
    job_of(&isa, functions)
}

fn common_entry(isa: &OwnedTargetIsa) -> gimli::write::CommonInformationEntry {
    isa.create_systemv_cie().expect("there is unwind information for Linux")
}

/// A job of these kernels.
pub fn job_of(isa: &OwnedTargetIsa, functions: Vec<CompiledFunction>) -> CompiledJob {
    CompiledJob {
        triple: isa.triple().clone(),
        cpu_features: Vec::new(),
        unwind_common: Some(unwind::encode_common(&common_entry(isa))),
        constants: b"\x07text".to_vec(),
        manifest: Manifest {
            abi_version: sabot_abi::ABI_VERSION,
            job: "shift".to_owned(),
            source_file: "job.rs".to_owned(),
            source_text: SOURCE.to_owned(),
            target: isa.triple().to_string(),
            kernels: functions.iter().map(|function| function.name.clone()).collect(),
            ..Manifest::default()
        },
        functions,
    }
}

/// Where this stands in [`SOURCE`].
fn place(text: &str) -> u32 {
    SOURCE.find(text).expect("in the source") as u32
}

fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// A kernel that computes each row's eight-byte output from the context and the address of its eight-byte input.
fn compile(
    isa: &OwnedTargetIsa,
    name: &str,
    source: u32,
    row: impl FnOnce(&mut FunctionBuilder<'_>, Value, Value) -> Value,
) -> CompiledFunction {
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params.extend([AbiParam::new(types::I64); 2]);
    signature.returns.push(AbiParam::new(types::I64));
    let mut function = Function::with_name_signature(UserFuncName::user(0, 0), signature);
    let mut frontend = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut function, &mut frontend);
    let [entry, head, body, end]: [ir::Block; 4] = std::array::from_fn(|_| b.create_block());
    b.append_block_params_for_function_params(entry);
    b.append_block_param(head, types::I64);
    b.switch_to_block(entry);
    let (context, chunk) = (b.block_params(entry)[0], b.block_params(entry)[1]);
    let rows = b.ins().load(types::I64, trusted(), chunk, 0);
    let inputs = b.ins().load(types::I64, trusted(), chunk, 16);
    let input = b.ins().load(types::I64, trusted(), inputs, 0);
    let outputs = b.ins().load(types::I64, trusted(), chunk, 24);
    let output = b.ins().load(types::I64, trusted(), outputs, 0);
    let zero = b.ins().iconst(types::I64, 0);
    b.ins().jump(head, &[BlockArg::Value(zero)]);
    b.switch_to_block(head);
    let at = b.block_params(head)[0];
    let more = b.ins().icmp(IntCC::UnsignedLessThan, at, rows);
    b.ins().brif(more, body, &[], end, &[]);
    b.switch_to_block(body);
    b.set_srcloc(SourceLoc::new(source));
    let eight = b.ins().iconst(types::I64, 8);
    let offset = b.ins().imul(at, eight);
    let from = b.ins().iadd(input, offset);
    let value = row(&mut b, context, from);
    let to = b.ins().iadd(output, offset);
    b.ins().store(trusted(), value, to, 0);
    b.set_srcloc(SourceLoc::default());
    let one = b.ins().iconst(types::I64, 1);
    let next = b.ins().iadd(at, one);
    b.ins().jump(head, &[BlockArg::Value(next)]);
    b.switch_to_block(end);
    b.ins().return_(&[zero]);
    b.seal_all_blocks();
    b.finalize(isa.frontend_config());

    let mut context = CodegenContext::for_function(function);
    let code = context.compile(&**isa, &mut ControlPlane::default()).expect("the kernel compiles");
    assert!(code.buffer.relocs().is_empty(), "kernels have no relocations");
    let locations = code.buffer.get_srclocs_sorted().iter();
    let unwind = match code.create_unwind_info(&**isa).expect("unwind information") {
        Some(UnwindInfo::SystemV(info)) => Some(unwind::encode(&common_entry(isa), &info).1),
        _ => panic!("Linux unwinds by System V tables"),
    };
    CompiledFunction {
        name: name.to_owned(),
        code: code.code_buffer().to_vec(),
        alignment: code.buffer.alignment,
        source_locations: locations
            .map(|location| (location.start, (!location.loc.is_default()).then(|| location.loc.bits())))
            .collect(),
        unwind,
    }
}
