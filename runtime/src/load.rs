//! Checks an artifact's bytes before any of them is mapped: whole, undamaged, for this runtime and this machine.
//!
//! What comes out may be handed to the dynamic linker, whose tables are checked one by one. The build-id guards against
//! damage, not against malice: an artifact is a program, and whoever runs one trusts its author.

mod elf;

use sabot_abi::ABI_VERSION;
use sabot_abi::cpu::{CpuFeature, CpuFeatures};
use sabot_abi::descriptor::{BUILD_ID_LEN, BUILD_ID_OFFSET, Descriptor, MAGIC};
use sabot_abi::manifest::Manifest;
use std::io;

/// Why an artifact is not run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are something else.
    #[error("this is not a Sabot artifact: {0}")]
    NotAnArtifact(&'static str),
    /// Bytes are missing or too many.
    #[error("the artifact is damaged: it should have {expected} bytes and has {actual}; build or copy it again")]
    WrongSize {
        /// By its descriptor.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// Some byte is not what it was.
    #[error("the artifact is damaged: its content does not match its build-id; build or copy it again")]
    Damaged,
    /// A compiler of another version made it.
    #[error(
        "the artifact is of ABI version {found}, this runtime runs version {expected}; build it again with this version of sabotc"
    )]
    AbiVersion {
        /// Its version.
        found: u32,
        /// The runtime's version.
        expected: u32,
    },
    /// It is for other machines.
    #[error("the artifact is for {found}, this machine is {host}; build it with `--target {host}`")]
    Target {
        /// Its triple.
        found: String,
        /// This machine's triple.
        host: &'static str,
    },
    /// It is for newer processors.
    #[error("the artifact needs what this processor does not have: {0}; build it with `--cpu baseline`")]
    CpuFeatures(CpuFeatures),
    /// The parts do not fit together.
    #[error("the artifact contradicts itself: {0}")]
    Inconsistent(String),
    /// The manifest cannot be read.
    #[error("the artifact's manifest cannot be read")]
    Manifest(#[source] serde_json::Error),
    /// The system does not give what loading needs.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The dynamic linker refuses it.
    #[error("cannot load the artifact's code: {0}")]
    Link(String),
}

/// The target triple of this runtime.
#[cfg(target_arch = "x86_64")]
pub const HOST: &str = "x86_64-unknown-linux-gnu";
/// The target triple of this runtime.
#[cfg(target_arch = "aarch64")]
pub const HOST: &str = "aarch64-unknown-linux-gnu";

/// An artifact that passed every check.
#[derive(Debug)]
pub struct CheckedArtifact {
    /// Where things are; all stretches lie in the file.
    pub descriptor: Descriptor,
    /// The job.
    pub manifest: Manifest,
    /// For each kernel the offset of its first instruction from the descriptor; all lie in the code.
    pub kernel_offsets: Vec<usize>,
}

/// Checks a whole artifact.
pub fn check(artifact: &[u8]) -> Result<CheckedArtifact, LoadError> {
    let checked = check_content(artifact)?;
    let descriptor = &checked.descriptor;
    let target = descriptor.target_triple().unwrap_or("an unreadable target").to_owned();
    if architecture(&target) != architecture(HOST) || !target.contains("linux") {
        return Err(LoadError::Target { found: target, host: HOST });
    }
    let missing = descriptor.cpu_features.without(host_features());
    if !missing.is_empty() {
        return Err(LoadError::CpuFeatures(missing));
    }
    elf::check(artifact, descriptor)?;
    Ok(checked)
}

/// Checks what holds on every machine; for tools that only look.
pub fn check_content(artifact: &[u8]) -> Result<CheckedArtifact, LoadError> {
    if !artifact.starts_with(b"\x7fELF") {
        return Err(LoadError::NotAnArtifact("it does not begin like one"));
    }
    let Some(descriptor) = Descriptor::from_artifact(artifact) else {
        return Err(LoadError::NotAnArtifact("its descriptor is missing"));
    };
    if descriptor.file_len != artifact.len() as u64 {
        return Err(LoadError::WrongSize { expected: descriptor.file_len, actual: artifact.len() as u64 });
    }
    if build_id(artifact) != artifact[BUILD_ID_OFFSET..BUILD_ID_OFFSET + BUILD_ID_LEN] {
        return Err(LoadError::Damaged);
    }
    if descriptor.abi_version != ABI_VERSION {
        return Err(LoadError::AbiVersion { found: descriptor.abi_version, expected: ABI_VERSION });
    }
    let kernel_offsets = kernel_offsets(artifact, &descriptor)?;
    let manifest = manifest(artifact, &descriptor)?;
    Ok(CheckedArtifact { descriptor, manifest, kernel_offsets })
}

/// The hash of an artifact's content, its build-id taken as zeros. The artifact has its descriptor's bytes at least.
fn build_id(artifact: &[u8]) -> [u8; BUILD_ID_LEN] {
    debug_assert!(artifact.len() >= BUILD_ID_OFFSET + BUILD_ID_LEN, "the descriptor stands behind the build-id");
    let mut hasher = blake3::Hasher::new();
    hasher.update(&artifact[..BUILD_ID_OFFSET]);
    hasher.update(&[0; BUILD_ID_LEN]);
    hasher.update(&artifact[BUILD_ID_OFFSET + BUILD_ID_LEN..]);
    let mut id = [0; BUILD_ID_LEN];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..BUILD_ID_LEN]);
    id
}

fn kernel_offsets(artifact: &[u8], descriptor: &Descriptor) -> Result<Vec<usize>, LoadError> {
    let out_of_file = |what| LoadError::Inconsistent(format!("its {what} lies outside of it"));
    let text = descriptor.text.in_file(artifact.len()).ok_or_else(|| out_of_file("code"))?;
    descriptor.constants.in_file(artifact.len()).ok_or_else(|| out_of_file("constant pool"))?;
    let table = descriptor.table.in_file(artifact.len()).ok_or_else(|| out_of_file("kernel table"))?;
    if table.len() as u64 != u64::from(descriptor.kernels) * 8 {
        return Err(LoadError::Inconsistent(format!("{} kernels in {} bytes", descriptor.kernels, table.len())));
    }
    let (entries, _) = artifact[table].as_chunks::<8>();
    let mut offsets = Vec::with_capacity(entries.len());
    for entry in entries {
        let offset = u64::from_le_bytes(*entry);
        let within = offset.checked_sub(descriptor.text.offset).is_some_and(|at| at < text.len() as u64);
        match usize::try_from(offset) {
            Ok(offset) if within => offsets.push(offset),
            Ok(_) | Err(_) => return Err(LoadError::Inconsistent("a kernel lies outside of its code".to_owned())),
        }
    }
    Ok(offsets)
}

fn manifest(artifact: &[u8], descriptor: &Descriptor) -> Result<Manifest, LoadError> {
    let Some(range) = descriptor.manifest.in_file(artifact.len()) else {
        return Err(LoadError::Inconsistent("its manifest lies outside of it".to_owned()));
    };
    let manifest: Manifest = serde_json::from_slice(&artifact[range]).map_err(LoadError::Manifest)?;
    if manifest.kernels.len() != descriptor.kernels as usize {
        return Err(LoadError::Inconsistent(format!(
            "its manifest names {} kernels and it holds {}",
            manifest.kernels.len(),
            descriptor.kernels
        )));
    }
    Ok(manifest)
}

fn architecture(triple: &str) -> &str {
    triple.split('-').next().unwrap_or(triple)
}

/// What this processor has of the features that an artifact can ask for.
#[must_use]
pub fn host_features() -> CpuFeatures {
    CpuFeature::ALL.iter().copied().filter(|feature| is_detected(*feature)).collect()
}

#[cfg(target_arch = "x86_64")]
fn is_detected(feature: CpuFeature) -> bool {
    match feature {
        CpuFeature::Sse3 => is_x86_feature_detected!("sse3"),
        CpuFeature::Ssse3 => is_x86_feature_detected!("ssse3"),
        CpuFeature::Sse41 => is_x86_feature_detected!("sse4.1"),
        CpuFeature::Sse42 => is_x86_feature_detected!("sse4.2"),
        CpuFeature::Cmpxchg16b => is_x86_feature_detected!("cmpxchg16b"),
        CpuFeature::Popcnt => is_x86_feature_detected!("popcnt"),
        CpuFeature::Avx => is_x86_feature_detected!("avx"),
        CpuFeature::Avx2 => is_x86_feature_detected!("avx2"),
        CpuFeature::Fma => is_x86_feature_detected!("fma"),
        CpuFeature::Bmi1 => is_x86_feature_detected!("bmi1"),
        CpuFeature::Bmi2 => is_x86_feature_detected!("bmi2"),
        CpuFeature::Lzcnt => is_x86_feature_detected!("lzcnt"),
        CpuFeature::Avx512F => is_x86_feature_detected!("avx512f"),
        CpuFeature::Avx512Dq => is_x86_feature_detected!("avx512dq"),
        CpuFeature::Avx512Vl => is_x86_feature_detected!("avx512vl"),
        CpuFeature::Avx512Bitalg => is_x86_feature_detected!("avx512bitalg"),
        CpuFeature::Avx512Vbmi => is_x86_feature_detected!("avx512vbmi"),
        CpuFeature::Lse | CpuFeature::Pauth | CpuFeature::Fp16 => false,
    }
}

#[cfg(target_arch = "aarch64")]
fn is_detected(feature: CpuFeature) -> bool {
    use std::arch::is_aarch64_feature_detected;
    match feature {
        CpuFeature::Lse => is_aarch64_feature_detected!("lse"),
        CpuFeature::Pauth => is_aarch64_feature_detected!("paca"),
        CpuFeature::Fp16 => is_aarch64_feature_detected!("fp16"),
        CpuFeature::Sse3
        | CpuFeature::Ssse3
        | CpuFeature::Sse41
        | CpuFeature::Sse42
        | CpuFeature::Cmpxchg16b
        | CpuFeature::Popcnt
        | CpuFeature::Avx
        | CpuFeature::Avx2
        | CpuFeature::Fma
        | CpuFeature::Bmi1
        | CpuFeature::Bmi2
        | CpuFeature::Lzcnt
        | CpuFeature::Avx512F
        | CpuFeature::Avx512Dq
        | CpuFeature::Avx512Vl
        | CpuFeature::Avx512Bitalg
        | CpuFeature::Avx512Vbmi => false,
    }
}

/// Whether these bytes claim to be an artifact, damaged or not.
#[must_use]
pub fn looks_like_artifact(bytes: &[u8]) -> bool {
    bytes.get(sabot_abi::descriptor::DESCRIPTOR_OFFSET..).is_some_and(|rest| rest.starts_with(&MAGIC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sabot_abi::descriptor::{DESCRIPTOR_OFFSET, Stretch};

    /// An artifact that holds together as far as this file looks: no ELF beyond the first bytes, no code.
    fn artifact(change: impl FnOnce(&mut Descriptor, &mut Manifest)) -> Vec<u8> {
        let mut manifest = Manifest { kernels: vec!["job::filter_1#vector".to_owned()], ..Manifest::default() };
        let mut descriptor = Descriptor {
            abi_version: ABI_VERSION,
            kernels: 1,
            file_len: 0,
            cpu_features: CpuFeatures::default(),
            manifest: Stretch::default(),
            constants: Stretch::default(),
            table: Stretch { offset: Descriptor::LEN as u64, len: 8 },
            text: Stretch { offset: Descriptor::LEN as u64 + 8, len: 16 },
            target: Descriptor::target_field(HOST).expect("short"),
        };
        descriptor.manifest.offset = descriptor.text.offset + 16;
        change(&mut descriptor, &mut manifest);
        let json = serde_json::to_vec(&manifest).expect("a manifest is JSON");
        descriptor.manifest.len = json.len() as u64;
        let mut bytes = b"\x7fELF".to_vec();
        bytes.resize(DESCRIPTOR_OFFSET, 0);
        descriptor.file_len = (DESCRIPTOR_OFFSET + Descriptor::LEN + 8 + 16 + json.len()) as u64;
        bytes.extend(descriptor.to_bytes());
        bytes.extend((Descriptor::LEN as u64 + 8).to_le_bytes());
        bytes.extend([0xcc; 16]);
        bytes.extend(json);
        with_build_id(bytes)
    }

    fn with_build_id(mut bytes: Vec<u8>) -> Vec<u8> {
        let id = build_id(&bytes);
        bytes[BUILD_ID_OFFSET..BUILD_ID_OFFSET + BUILD_ID_LEN].copy_from_slice(&id);
        bytes
    }

    fn message(bytes: &[u8]) -> String {
        check(bytes).expect_err("refused").to_string()
    }

    #[test]
    fn an_intact_artifact_passes() {
        let checked = check_content(&artifact(|_, _| {})).expect("passes");
        assert_eq!(checked.kernel_offsets, [Descriptor::LEN + 8]);
        assert_eq!(checked.manifest.kernels, ["job::filter_1#vector"]);
    }

    #[test]
    fn what_is_for_others_is_refused_with_what_to_do() {
        assert!(message(b"#!/bin/sh").contains("not a Sabot artifact"));
        assert!(message(&artifact(|d, _| d.abi_version = 99)).contains("ABI version 99"));
        let other = artifact(|d, _| d.target = Descriptor::target_field("s390x-unknown-linux-gnu").expect("short"));
        assert!(message(&other).contains("for s390x-unknown-linux-gnu"));
        let newer = artifact(|d, _| d.cpu_features = CpuFeatures(1 << 63));
        assert!(message(&newer).contains("does not have"));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        for bytes in [
            artifact(|d, _| d.kernels = 2),
            artifact(|d, _| d.manifest.offset = u64::MAX),
            artifact(|d, _| d.table.offset = 1 << 40),
            artifact(|d, _| d.text.len = 0),
            artifact(|d, _| d.text.offset += 1),
            artifact(|d, _| d.constants = Stretch { offset: 1, len: u64::MAX }),
            artifact(|_, m| m.kernels.clear()),
        ] {
            assert!(matches!(check(&bytes), Err(LoadError::Inconsistent(_))), "{:?}", check(&bytes));
        }
        assert!(check(&artifact(|d, _| d.manifest.offset += 1)).is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_missing_byte_is_found() {
        let intact = artifact(|_, _| {});
        for at in 0..intact.len() {
            assert!(check(&intact[..at]).is_err(), "cut at {at}");
            let mut damaged = intact.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(check(&damaged).is_err(), "flipped at {at}");
        }
        let longer = [intact.as_slice(), b"x"].concat();
        assert!(matches!(check(&longer), Err(LoadError::WrongSize { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_checks_panic(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
            let _ = check(&bytes);
            let mut like_an_artifact = artifact(|_, _| {});
            let len = bytes.len().min(like_an_artifact.len());
            like_an_artifact[..len].copy_from_slice(&bytes[..len]);
            let _ = check(&like_an_artifact);
        }

        /// Whoever changes bytes on purpose mends the build-id too: what is behind it must hold by itself.
        #[test]
        fn no_mended_bytes_make_the_checks_panic(
            changes in prop::collection::vec((DESCRIPTOR_OFFSET..900usize, prop_oneof![Just(0u8), Just(0xff), any::<u8>()]), 1..20),
        ) {
            let mut bytes = artifact(|_, _| {});
            for (at, byte) in changes {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            let _ = check(&with_build_id(bytes.clone()));
            if let Ok(checked) = check_content(&with_build_id(bytes.clone())) {
                let text = checked.descriptor.text.in_file(bytes.len()).expect("the code is in the file");
                for offset in checked.kernel_offsets {
                    prop_assert!(text.contains(&(offset + DESCRIPTOR_OFFSET)));
                }
            }
        }
    }
}
