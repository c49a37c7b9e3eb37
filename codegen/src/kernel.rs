//! What one kernel computes, and the machine code of all of them.
//!
//! A [`KernelBody`] is a filter, outputs, and for a fused aggregate the calls that take them. It becomes up to three
//! functions: over vectors where no input holds a null, over vectors with nulls, and row by row.

mod fission;
mod grouped;
mod scalar;
mod stages;
mod vector;

pub(crate) use fission::block_function;

use crate::CodegenError;
use crate::cache::{self, KernelCache, Key, MachineCode};
use crate::compiled::CompiledFunction;
use crate::constants::ConstantPool;
use crate::function::{FunctionCx, Notes, empty_kernel, print};
use crate::isa::Target;
use crate::spans::Spans;
use crate::unwind::{self, FrameCommon, FrameEntry};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_frontend::FunctionBuilderContext;
use sabot_ir::expr::Expr;
use sabot_ir::plan::AggregateFunction;
use sabot_ir::ty::Type;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a kernel computes of each selected row.
#[derive(Clone, Debug, Hash)]
pub(crate) struct KernelBody {
    /// The registers it reads, in the order of `Chunk::inputs`.
    pub(crate) inputs: Vec<(u32, Type)>,
    /// Only rows for which it holds go on.
    pub(crate) filter: Option<Expr>,
    /// Registers and their values; a later one may read an earlier one. Written to `Chunk::outputs` unless there is an
    /// aggregate.
    pub(crate) outputs: Vec<(u32, Expr)>,
    /// What takes the values instead.
    pub(crate) aggregate: Option<Vec<FusedCall>>,
}

impl KernelBody {
    /// All its expressions, in the order in which they are computed.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.filter.iter().chain(self.outputs.iter().map(|(_, expr)| expr))
    }
}

/// A call of a fused aggregate.
#[derive(Clone, Debug, Hash)]
pub(crate) struct FusedCall {
    /// Which function.
    pub(crate) function: AggregateFunction,
    /// Its argument: a register of the body, and its type.
    pub(crate) arg: Option<(u32, Type)>,
    /// A `bool` register of the body: only rows for which it holds.
    pub(crate) filter: Option<u32>,
}

/// How a kernel goes over its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Row by row.
    Scalar,
    /// Row by row, into the state of the row's group.
    Grouped,
    /// Blocks of 64 rows, no input holds a null.
    Plain,
    /// Blocks of 64 rows.
    Nullable,
}

/// A function to be made.
#[derive(Clone, Debug)]
pub(crate) struct KernelPlan {
    /// Its symbol.
    pub(crate) name: String,
    /// How it goes over its rows.
    pub(crate) form: Form,
    /// What it computes.
    pub(crate) body: Arc<KernelBody>,
    /// The places in job.rs that its code speaks of.
    pub(crate) spans: Arc<Spans>,
}

/// A kernel as people read it.
#[derive(Clone, Debug)]
pub struct KernelText {
    /// Its symbol.
    pub name: String,
    /// As CLIF, with comments.
    pub clif: String,
    /// As assembly.
    pub assembly: String,
}

/// Stack of a thread that compiles: expressions are walked by recursion, and inlined functions nest deeply.
const STACK: usize = 64 << 20;

fn build(
    plan: &KernelPlan,
    number: usize,
    target: &Target,
    pool: &ConstantPool,
    scratch: &mut FunctionBuilderContext,
    with_notes: bool,
) -> Result<(Function, Notes), CodegenError> {
    let mut function = empty_kernel(target, u32::try_from(number).unwrap_or(u32::MAX));
    // A kernel that could not be built leaves its builder half done: it is dropped together with the function.
    let mut fx = FunctionCx::new(&mut function, scratch, target, pool, &plan.spans, with_notes);
    match plan.form {
        Form::Scalar => scalar::build(&mut fx, &plan.body)?,
        Form::Grouped => grouped::build(&mut fx, &plan.body)?,
        Form::Plain => vector::build(&mut fx, &plan.body, false)?,
        Form::Nullable => vector::build(&mut fx, &plan.body, true)?,
    }
    let notes = fx.finish();
    Ok((function, notes))
}

fn compile_one(
    plan: &KernelPlan,
    number: usize,
    target: &Target,
    pool: &ConstantPool,
    scratch: &mut FunctionBuilderContext,
) -> Result<MachineCode, CodegenError> {
    let (function, _) = build(plan, number, target, pool, scratch, false)?;
    let mut context = Context::for_function(function);
    compile_function(&mut context, target, &plan.name)?;
    let compiled = context.compiled_code().ok_or_else(|| CodegenError::internal("a kernel without code"))?;
    if let Some(relocation) = compiled.buffer.relocs().first() {
        return Err(CodegenError::Internal(format!("`{}` has a relocation: {relocation:?}", plan.name)));
    }
    let unwind = match compiled.create_unwind_info(&*target.isa) {
        Ok(Some(UnwindInfo::SystemV(info))) => {
            target.isa.create_systemv_cie().map(|common| unwind::encode(&common, &info).1.0)
        }
        Ok(_) => None,
        Err(cause) => return Err(CodegenError::Internal(format!("unwinding `{}`: {cause}", plan.name))),
    };
    let mut locations: Vec<(u32, u32)> = Vec::new();
    for location in compiled.buffer.get_srclocs_sorted() {
        let number = location.loc.bits();
        let gap = locations.last().is_none_or(|(_, last)| *last != number);
        if gap {
            locations.push((location.start, number));
        }
    }
    let alignment = target.isa.function_alignment();
    Ok(MachineCode {
        code: compiled.code_buffer().to_vec(),
        alignment: compiled.buffer.alignment.max(alignment.preferred).max(16),
        locations,
        unwind,
    })
}

/// The code of a kernel that was made before, or the key under which it will be.
fn cached(
    plan: &KernelPlan,
    target: &Target,
    pool: &ConstantPool,
    cache: &dyn KernelCache,
) -> Result<MachineCode, Key> {
    let key = cache::key(plan, target, pool);
    cache.get(&key).as_deref().and_then(MachineCode::from_bytes).ok_or(key)
}

fn function_of(plan: &KernelPlan, code: MachineCode) -> CompiledFunction {
    let place = |number: u32| plan.spans.place(number).map(|span| span.start);
    CompiledFunction {
        name: plan.name.clone(),
        code: code.code,
        alignment: code.alignment,
        source_locations: code.locations.into_iter().map(|(at, number)| (at, place(number))).collect(),
        unwind: code.unwind.map(FrameEntry),
    }
}

/// What the unwind information of all kernels for a machine has in common.
fn unwind_common(target: &Target) -> Option<FrameCommon> {
    target.isa.create_systemv_cie().map(|common| unwind::encode_common(&common))
}

fn compile_function(context: &mut Context, target: &Target, name: &str) -> Result<(), CodegenError> {
    match context.compile(&*target.isa, &mut ControlPlane::default()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let cause = cranelift_codegen::print_errors::pretty_error(error.func, error.inner);
            Err(CodegenError::Internal(format!("compiling `{name}`: {cause}")))
        }
    }
}

/// The machine code of all kernels, in their order, made by this many threads.
pub(crate) fn compile_all(
    plans: &[KernelPlan],
    target: &Target,
    pool: &ConstantPool,
    threads: usize,
    cache: &dyn KernelCache,
) -> Result<(Vec<CompiledFunction>, Option<FrameCommon>), CodegenError> {
    let mut found: Vec<Option<MachineCode>> = Vec::with_capacity(plans.len());
    let mut missing = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        found.push(match cached(plan, target, pool, cache) {
            Ok(code) => Some(code),
            Err(key) => {
                missing.push((number, key));
                None
            }
        });
    }
    for (number, code) in compile_missing(plans, &missing, target, pool, threads, cache)? {
        found[number] = Some(code);
    }
    let functions = plans.iter().zip(found).map(|(plan, code)| function_of(plan, code.expect("every kernel was made")));
    Ok((functions.collect(), unwind_common(target)))
}

/// Makes the code of these kernels, the greatest first so that no thread is left alone with one, and keeps it.
fn compile_missing(
    plans: &[KernelPlan],
    missing: &[(usize, Key)],
    target: &Target,
    pool: &ConstantPool,
    threads: usize,
    cache: &dyn KernelCache,
) -> Result<Vec<(usize, MachineCode)>, CodegenError> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let mut order: Vec<&(usize, Key)> = missing.iter().collect();
    order.sort_by_cached_key(|(number, _)| {
        let nodes: usize = plans[*number].body.expressions().map(Expr::size).sum();
        // A vector kernel is several times as long as one that goes row by row.
        let passes = if matches!(plans[*number].form, Form::Plain | Form::Nullable) { 4 } else { 1 };
        (std::cmp::Reverse(nodes * passes), *number)
    });
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(missing.len()));
    let work = || {
        let mut scratch = FunctionBuilderContext::new();
        while let Some((number, key)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = compile_one(&plans[*number], *number, target, pool, &mut scratch);
            match &result {
                Ok(code) => cache.put(key, &code.to_bytes()),
                Err(_) => scratch = FunctionBuilderContext::new(),
            }
            results.lock().expect("nobody panics with the lock held").push((*number, result));
        }
    };
    std::thread::scope(|scope| {
        for number in 0..threads.clamp(1, missing.len()) {
            let thread = std::thread::Builder::new().name(format!("compile {number}")).stack_size(STACK);
            if thread.spawn_scoped(scope, work).is_err() {
                // Without a thread it takes longer, no more.
                work();
            }
        }
    });
    let mut results = results.into_inner().expect("all threads are done");
    // The first error in the order of the kernels, whoever was faster.
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(number, result)| Ok((number, result?))).collect()
}

/// The kernels as people read them.
pub(crate) fn explain_all(
    plans: &[KernelPlan],
    target: &Target,
    pool: &ConstantPool,
) -> Result<Vec<KernelText>, CodegenError> {
    let all = || {
        let explained = plans.iter().enumerate().map(|(number, plan)| explain_one(plan, number, target, pool));
        explained.collect::<Result<Vec<_>, _>>()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("explain".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, all) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => all(),
        }
    })
}

fn explain_one(
    plan: &KernelPlan,
    number: usize,
    target: &Target,
    pool: &ConstantPool,
) -> Result<KernelText, CodegenError> {
    let mut scratch = FunctionBuilderContext::new();
    let (function, notes) = build(plan, number, target, pool, &mut scratch, true)?;
    let clif = print(&plan.name, &function, &notes)?;
    let mut context = Context::for_function(function);
    context.set_disasm(true);
    compile_function(&mut context, target, &plan.name)?;
    let assembly = context.compiled_code().and_then(|code| code.vcode.clone()).unwrap_or_default();
    Ok(KernelText { name: plan.name.clone(), clif, assembly })
}
