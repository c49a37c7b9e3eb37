//! The frame of an artifact: where in the file the loader finds what it must know before it lets the file near the linker.
//!
//! An artifact is an ELF shared object that stays one for every other tool. Its first half KiB is laid out the same in all
//! of them: ELF header, seven program headers, the build-id note, then this descriptor. The build-id is the begin of
//! the BLAKE3 hash of the whole file with the build-id itself taken as zeros. Addresses in the file are its offsets, and the descriptor
//! holds offsets from itself, so nothing needs relocating.

use crate::cpu::CpuFeatures;

/// Where the build-id is.
pub const BUILD_ID_OFFSET: usize = 472;

/// Number of bytes of the build-id; the Linux kernel and perf know none that are longer.
pub const BUILD_ID_LEN: usize = 20;

/// Where the descriptor is.
pub const DESCRIPTOR_OFFSET: usize = 512;

/// Name of the dynamic symbol at the descriptor.
pub const DESCRIPTOR_SYMBOL: &str = "sabot_artifact";

/// What a descriptor begins with.
pub const MAGIC: [u8; 8] = *b"SABOTJOB";

/// Number of bytes that a target triple may have.
pub const TARGET_LEN: usize = 64;

/// A stretch of the artifact, by offset from the descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Of its first byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

impl Stretch {
    /// Where it stands in a file of `file_len` bytes; `None` if it reaches beyond the end.
    #[must_use]
    pub fn in_file(self, file_len: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(self.offset).ok()?.checked_add(DESCRIPTOR_OFFSET)?;
        let end = usize::try_from(self.len).ok()?.checked_add(start)?;
        (end <= file_len).then_some(start..end)
    }
}

/// What the loader must know. Little-endian in the file, in the order of the fields, after [`MAGIC`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// [`crate::ABI_VERSION`] of the compiler that made it.
    pub abi_version: u32,
    /// How many kernels it holds.
    pub kernels: u32,
    /// Number of bytes of the file.
    pub file_len: u64,
    /// What the kernels need beyond the architecture's baseline.
    pub cpu_features: CpuFeatures,
    /// The manifest, as JSON.
    pub manifest: Stretch,
    /// The bytes of string literals.
    pub constants: Stretch,
    /// For each kernel a `u64`: the offset of its first instruction from the descriptor.
    pub table: Stretch,
    /// All code.
    pub text: Stretch,
    /// What the kernels run on, filled up with zeros.
    pub target: [u8; TARGET_LEN],
}

impl Descriptor {
    /// Number of bytes in the file.
    pub const LEN: usize = MAGIC.len() + 2 * 4 + 2 * 8 + 4 * 16 + TARGET_LEN;

    /// Its bytes in the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.abi_version.to_le_bytes());
        bytes.extend(self.kernels.to_le_bytes());
        bytes.extend(self.file_len.to_le_bytes());
        bytes.extend(self.cpu_features.0.to_le_bytes());
        for stretch in [self.manifest, self.constants, self.table, self.text] {
            bytes.extend(stretch.offset.to_le_bytes());
            bytes.extend(stretch.len.to_le_bytes());
        }
        bytes.extend(self.target);
        assert_eq!(bytes.len(), Self::LEN, "every field is in the sum of lengths");
        bytes
    }

    /// Reads it out of a whole artifact; `None` if there is none where it must be.
    #[must_use]
    pub fn from_artifact(artifact: &[u8]) -> Option<Self> {
        let mut rest = artifact.get(DESCRIPTOR_OFFSET..)?.strip_prefix(&MAGIC)?;
        let descriptor = Self {
            abi_version: u32::from_le_bytes(take(&mut rest)?),
            kernels: u32::from_le_bytes(take(&mut rest)?),
            file_len: u64::from_le_bytes(take(&mut rest)?),
            cpu_features: CpuFeatures(u64::from_le_bytes(take(&mut rest)?)),
            manifest: take_stretch(&mut rest)?,
            constants: take_stretch(&mut rest)?,
            table: take_stretch(&mut rest)?,
            text: take_stretch(&mut rest)?,
            target: take(&mut rest)?,
        };
        Some(descriptor)
    }

    /// The target triple; `None` if it is not text.
    #[must_use]
    pub fn target_triple(&self) -> Option<&str> {
        let end = self.target.iter().position(|byte| *byte == 0).unwrap_or(TARGET_LEN);
        std::str::from_utf8(&self.target[..end]).ok()
    }

    /// A triple as the `target` field holds it; `None` if it is too long.
    #[must_use]
    pub fn target_field(triple: &str) -> Option<[u8; TARGET_LEN]> {
        let mut field = [0; TARGET_LEN];
        field.get_mut(..triple.len())?.copy_from_slice(triple.as_bytes());
        Some(field)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}

fn take_stretch(rest: &mut &[u8]) -> Option<Stretch> {
    Some(Stretch { offset: u64::from_le_bytes(take(rest)?), len: u64::from_le_bytes(take(rest)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor() -> Descriptor {
        Descriptor {
            abi_version: 1,
            kernels: 2,
            file_len: 3,
            cpu_features: CpuFeatures(4),
            manifest: Stretch { offset: 5, len: 6 },
            constants: Stretch { offset: 7, len: 8 },
            table: Stretch { offset: 9, len: 10 },
            text: Stretch { offset: 11, len: 12 },
            target: Descriptor::target_field("x86_64-unknown-linux-gnu").expect("short"),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut artifact = vec![0; DESCRIPTOR_OFFSET];
        artifact.extend(descriptor().to_bytes());
        assert_eq!(Descriptor::from_artifact(&artifact), Some(descriptor()));
        assert_eq!(descriptor().target_triple(), Some("x86_64-unknown-linux-gnu"));
        for len in 0..artifact.len() {
            assert_eq!(Descriptor::from_artifact(&artifact[..len]), None);
        }
    }

    #[test]
    fn a_stretch_beyond_the_end_is_in_no_file() {
        assert_eq!(Stretch { offset: 8, len: 8 }.in_file(528), Some(520..528));
        assert_eq!(Stretch { offset: 8, len: 9 }.in_file(528), None);
        assert_eq!(Stretch { offset: u64::MAX, len: 9 }.in_file(528), None);
        assert_eq!(Stretch { offset: 1, len: u64::MAX }.in_file(528), None);
    }
}
