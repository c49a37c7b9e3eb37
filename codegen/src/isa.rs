//! The machine that kernels are compiled for: triple, processor features, Cranelift's flags.

use crate::CodegenError;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable as _};
use std::str::FromStr as _;
use target_lexicon::{Architecture, OperatingSystem, Triple};

/// Which processors a job must run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cpu {
    /// x86-64-v2 (SSE 4.2) or ARMv8: nearly every machine there is.
    Baseline,
    /// x86-64-v3 (AVX2, FMA, BMI2) or ARMv8: machines of the last ten years.
    #[default]
    V3,
    /// Whatever this machine has.
    Native,
}

/// Features of x86-64-v2, by Cranelift's names.
const V2: &[&str] = &["has_cmpxchg16b", "has_popcnt", "has_sse3", "has_ssse3", "has_sse41", "has_sse42"];

/// What x86-64-v3 adds.
const V3: &[&str] = &["has_avx", "has_avx2", "has_bmi1", "has_bmi2", "has_fma", "has_lzcnt"];

/// What newer processors add.
const V4: &[&str] = &["has_avx512dq", "has_avx512f", "has_avx512vl"];

/// The machine.
pub(crate) struct Target {
    /// Cranelift's description of it.
    pub(crate) isa: OwnedTargetIsa,
    /// The features beyond the architecture's baseline, sorted.
    pub(crate) features: Vec<String>,
    /// It has fused multiply-add instructions.
    pub(crate) has_fma: bool,
    /// A comparison of floats that takes an operand from memory traps where that is not aligned to 16 bytes. (Other
    /// instructions of SSE would too, but Cranelift knows that of them.)
    pub(crate) compares_aligned: bool,
}

impl Target {
    /// The machine with this triple (`None`: this one).
    pub(crate) fn new(triple: Option<&str>, cpu: Cpu) -> Result<Self, CodegenError> {
        let triple = match triple {
            Some(text) => Triple::from_str(text)
                .map_err(|cause| CodegenError::Target(format!("`{text}` is not a target triple: {cause}")))?,
            None => Triple::host(),
        };
        // The artifact is an ELF file, and kernels are called as System V has it.
        if triple.operating_system != OperatingSystem::Linux {
            return Err(CodegenError::Target(format!("cannot make code for `{triple}`: jobs run on Linux")));
        }
        let mut isa = isa::lookup(triple.clone()).map_err(|_| {
            CodegenError::Target(format!("cannot make code for `{triple}`: x86_64 and aarch64 are known"))
        })?;
        let is_x86 = triple.architecture == Architecture::X86_64;
        let features = if is_x86 { x86_features(cpu) } else { Vec::new() };
        for feature in &features {
            isa.enable(feature).map_err(internal)?;
        }
        let has_fma = !is_x86 || features.contains(&"has_fma");
        let compares_aligned = is_x86 && !features.contains(&"has_avx");
        let mut flags = settings::builder();
        for (flag, value) in [
            ("opt_level", "speed"),
            ("is_pic", "true"),
            // Kernels have no large frames and do not call themselves.
            ("enable_probestack", "false"),
            ("use_colocated_libcalls", "false"),
            // Profilers and debuggers walk frames through kernels without reading unwind tables.
            ("preserve_frame_pointers", "true"),
            ("unwind_info", "true"),
            ("enable_verifier", "true"),
        ] {
            flags.set(flag, value).map_err(internal)?;
        }
        let isa = isa.finish(settings::Flags::new(flags)).map_err(internal)?;
        let mut features: Vec<String> = features.into_iter().map(str::to_owned).collect();
        features.sort_unstable();
        Ok(Self { isa, features, has_fma, compares_aligned })
    }
}

fn internal(cause: impl std::fmt::Display) -> CodegenError {
    CodegenError::Internal(format!("setting up the code generator: {cause}"))
}

fn x86_features(cpu: Cpu) -> Vec<&'static str> {
    match cpu {
        Cpu::Baseline => V2.to_vec(),
        Cpu::V3 => V2.iter().chain(V3).copied().collect(),
        Cpu::Native => V2.iter().chain(V3).chain(V4).copied().filter(|name| is_on_this_machine(name)).collect(),
    }
}

#[cfg(target_arch = "x86_64")]
fn is_on_this_machine(feature: &str) -> bool {
    match feature {
        "has_cmpxchg16b" => is_x86_feature_detected!("cmpxchg16b"),
        "has_popcnt" => is_x86_feature_detected!("popcnt"),
        "has_sse3" => is_x86_feature_detected!("sse3"),
        "has_ssse3" => is_x86_feature_detected!("ssse3"),
        "has_sse41" => is_x86_feature_detected!("sse4.1"),
        "has_sse42" => is_x86_feature_detected!("sse4.2"),
        "has_avx" => is_x86_feature_detected!("avx"),
        "has_avx2" => is_x86_feature_detected!("avx2"),
        "has_bmi1" => is_x86_feature_detected!("bmi1"),
        "has_bmi2" => is_x86_feature_detected!("bmi2"),
        "has_fma" => is_x86_feature_detected!("fma"),
        "has_lzcnt" => is_x86_feature_detected!("lzcnt"),
        "has_avx512dq" => is_x86_feature_detected!("avx512dq"),
        "has_avx512f" => is_x86_feature_detected!("avx512f"),
        "has_avx512vl" => is_x86_feature_detected!("avx512vl"),
        _ => false,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn is_on_this_machine(feature: &str) -> bool {
    V2.contains(&feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_architectures_are_known_and_others_are_refused() {
        for triple in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
            for cpu in [Cpu::Baseline, Cpu::V3] {
                assert!(Target::new(Some(triple), cpu).is_ok(), "{triple}");
            }
        }
        assert!(Target::new(None, Cpu::Native).is_ok());
        let refused = [
            "riscv64gc-unknown-linux-gnu",
            "nonsense",
            "x86_64-pc-windows-msvc",
            "aarch64-apple-darwin",
            "x86_64-unknown-none",
        ];
        for triple in refused {
            assert!(matches!(Target::new(Some(triple), Cpu::V3), Err(CodegenError::Target(_))), "{triple}");
        }
    }
}
