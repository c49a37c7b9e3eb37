//! Pipelines to CLIF to machine code to the linked artifact.
//!
//! [`compile()`] is all of it: the steps of pipelines become kernels (`pipeline`), each one or more functions (`kernel`),
//! whose expressions are lowered one row or two rows at a time (`lower`). [`explain()`] shows them.
#![forbid(unsafe_code)]

pub mod artifact;
pub mod cache;
mod column;
pub mod compiled;
mod constants;
mod elf;
mod function;
mod isa;
mod kernel;
mod line_table;
mod lower;
mod manifest;
mod pipeline;
pub mod relocatable;
mod spans;
pub mod unwind;

pub use isa::Cpu;
pub use kernel::KernelText;

use cache::{KernelCache, NoCache};
use compiled::CompiledJob;
use isa::Target;
use lower::vector::capability;
use sabot_abi::manifest::Manifest;
use sabot_ir::expr::Expr;
use sabot_ir::pipeline::Pipelines;
use sabot_ir::span::Span;

/// What a job is compiled for.
#[derive(Clone, Debug, Default)]
pub struct CompileOptions {
    /// Target triple; `None`: this machine's.
    pub target: Option<String>,
    /// Which processors it must run on.
    pub cpu: Cpu,
    /// Name of the source file, for messages.
    pub source_file: String,
    /// The job's source text, so that errors can show the line.
    pub source_text: String,
    /// How many threads compile; 0 is 1.
    pub threads: usize,
}

/// A compiled job.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The ELF shared object.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Why a job cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodegenError {
    /// No code can be made for this machine.
    Target(String),
    /// An expression that there is no code for.
    Unsupported {
        /// What, in the author's words.
        what: String,
        /// Where.
        span: Span,
    },
    /// Our own mistake.
    Internal(String),
}

impl CodegenError {
    fn unsupported(what: &str, span: Span) -> Self {
        Self::Unsupported { what: what.to_owned(), span }
    }

    fn internal(what: &str) -> Self {
        Self::Internal(what.to_owned())
    }
}

impl std::fmt::Display for CodegenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Target(reason) => f.write_str(reason),
            Self::Unsupported { what, .. } => write!(f, "no code can be made for {what}"),
            Self::Internal(what) => write!(f, "the code generator broke its own rules: {what}"),
        }
    }
}

impl std::error::Error for CodegenError {}

/// Compiles a job to machine code.
///
/// # Errors
/// If the target is unknown, or an expression has no code.
pub fn compile_job(pipelines: &Pipelines, options: &CompileOptions) -> Result<CompiledJob, CodegenError> {
    compile_job_cached(pipelines, options, &NoCache)
}

fn compile_job_cached(
    pipelines: &Pipelines,
    options: &CompileOptions,
    cache: &dyn KernelCache,
) -> Result<CompiledJob, CodegenError> {
    let target = Target::new(options.target.as_deref(), options.cpu)?;
    let job = pipeline::plan(pipelines, options, &target)?;
    let (functions, unwind_common) = kernel::compile_all(&job.kernels, &target, &job.pool, options.threads, cache)?;
    Ok(CompiledJob {
        triple: target.isa.triple().clone(),
        cpu_features: target.features.clone(),
        functions,
        unwind_common,
        constants: job.pool.into_bytes(),
        manifest: job.manifest,
    })
}

/// Compiles a job to an artifact. The same job and options give the same bytes.
///
/// # Errors
/// If the target is unknown, or an expression has no code.
pub fn compile(pipelines: &Pipelines, options: &CompileOptions) -> Result<Artifact, CodegenError> {
    compile_cached(pipelines, options, &NoCache)
}

/// Compiles a job to an artifact, and takes the code of kernels that were made before from a cache. The artifact is the
/// same as without one.
///
/// # Errors
/// If the target is unknown, or an expression has no code.
pub fn compile_cached(
    pipelines: &Pipelines,
    options: &CompileOptions,
    cache: &dyn KernelCache,
) -> Result<Artifact, CodegenError> {
    let job = compile_job_cached(pipelines, options, cache)?;
    let bytes = artifact::link(&job);
    Ok(Artifact { bytes, manifest: job.manifest })
}

/// A job's kernels as a relocatable object, for linkers.
#[derive(Clone, Debug)]
pub struct RelocatableObject {
    /// The ELF object.
    pub bytes: Vec<u8>,
    /// The symbols of the kernels.
    pub symbols: Vec<String>,
    /// What of the processor they need beyond the architecture's baseline, by Cranelift's names.
    pub cpu_features: Vec<String>,
}

/// Compiles a job to a relocatable object. The same job and options give the same bytes.
///
/// # Errors
/// If the target is unknown, or an expression has no code.
pub fn compile_object(pipelines: &Pipelines, options: &CompileOptions) -> Result<RelocatableObject, CodegenError> {
    let job = compile_job(pipelines, options)?;
    Ok(RelocatableObject {
        bytes: relocatable::object(&job),
        symbols: relocatable::symbol_names(&job),
        cpu_features: job.cpu_features,
    })
}

/// The smallest part of an expression that has no form in vectors, for which the whole goes row by row; nothing if all of it
/// goes in vectors. The expression itself if it is too large, and only that.
///
/// # Errors
/// There is no such target.
pub fn scalar_part<'e>(expr: &'e Expr, options: &CompileOptions) -> Result<Option<&'e Expr>, CodegenError> {
    let target = Target::new(options.target.as_deref(), options.cpu)?;
    Ok(capability::scalar_part(expr, &target))
}

/// The kernels of a job as people read them.
///
/// # Errors
/// If the target is unknown, or an expression has no code.
pub fn explain(pipelines: &Pipelines, options: &CompileOptions) -> Result<Vec<KernelText>, CodegenError> {
    let target = Target::new(options.target.as_deref(), options.cpu)?;
    let job = pipeline::plan(pipelines, options, &target)?;
    kernel::explain_all(&job.kernels, &target, &job.pool)
}
