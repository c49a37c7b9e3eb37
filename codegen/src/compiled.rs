//! What code generation hands to the linker: machine code by function, the constants, and what describes them.
//!
//! Neither side knows the other: the lowering fills this in, [`crate::artifact`] packs it into an ELF file.

use crate::unwind::{FrameCommon, FrameEntry};
use sabot_abi::manifest::Manifest;
use target_lexicon::Triple;

/// A kernel as machine code. It has no relocations: its constants lie behind its code, calls go through the context.
#[derive(Clone, Debug)]
pub struct CompiledFunction {
    /// Its name, `Manifest::kernels` at the same position. Its symbol has the job's name and `::` in front.
    pub name: String,
    /// Code and constants.
    pub code: Vec<u8>,
    /// What `code` must be aligned to.
    pub alignment: u32,
    /// Offset in `code`, and the byte of job.rs that it comes from: holds until the next entry; ascending offsets;
    /// `None`: from no place in job.rs.
    pub source_locations: Vec<(u32, Option<u32>)>,
    /// How to unwind through it.
    pub unwind: Option<FrameEntry>,
}

/// A whole job as machine code.
#[derive(Clone, Debug)]
pub struct CompiledJob {
    /// What the kernels run on.
    pub triple: Triple,
    /// What of the processor they need beyond the architecture's baseline, by Cranelift's names (`has_avx2`), sorted.
    pub cpu_features: Vec<String>,
    /// The kernels, by their number in the manifest.
    pub functions: Vec<CompiledFunction>,
    /// What all `unwind`s have in common; `None` where the architecture has no unwind information.
    pub unwind_common: Option<FrameCommon>,
    /// `Context::constants`: the bytes of string literals. Aligned to 16.
    pub constants: Vec<u8>,
    /// The job described to the runtime.
    pub manifest: Manifest,
}
