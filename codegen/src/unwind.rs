//! Unwind information: `.eh_frame` and its search table, so that a panic in the runtime, a debugger and a profiler can
//! walk through a kernel's frame.
//!
//! Addresses are distances from where they stand (`pcrel | sdata4`), so nothing needs relocating. A function's entry is
//! encoded when its code is made, as if it and its code stood at 0; the section gives it its two distances.

use cranelift_codegen::isa::unwind::systemv::UnwindInfo;
use gimli::write::{Address, CommonInformationEntry, EhFrame, EndianVec, FrameDescriptionEntry, FrameTable};
use gimli::{DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4, DwEhPe, LittleEndian};

/// A function and where it stands in memory.
pub(crate) struct Framed<'a> {
    /// Address of its first instruction.
    pub(crate) address: u64,
    /// Its entry.
    pub(crate) unwind: &'a FrameEntry,
}

/// What all entries of an artifact have in common, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameCommon(Vec<u8>);

/// How to unwind through one function, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameEntry(pub(crate) Vec<u8>);

/// The entry of a function, and what it has in common with the others.
///
/// # Panics
/// If the unwind codes do not fit the common entry: both come from the same code generator.
#[must_use]
pub fn encode(common: &CommonInformationEntry, info: &UnwindInfo) -> (FrameCommon, FrameEntry) {
    encode_entry(common, info.to_fde(Address::Constant(0)))
}

/// What all entries have in common.
#[must_use]
pub fn encode_common(common: &CommonInformationEntry) -> FrameCommon {
    encode_entry(common, FrameDescriptionEntry::new(Address::Constant(0), 1)).0
}

fn encode_entry(common: &CommonInformationEntry, entry: FrameDescriptionEntry) -> (FrameCommon, FrameEntry) {
    let mut common = common.clone();
    common.fde_address_encoding = DwEhPe(DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0);
    let mut table = FrameTable::default();
    let common = table.add_cie(common);
    table.add_fde(common, entry);
    let mut written = EhFrame(EndianVec::new(LittleEndian));
    table.write_eh_frame(&mut written).expect("unwind codes fit the common entry");
    let bytes = written.0.into_vec();
    let entry = frame_entries(&bytes).first().copied().expect("an entry was written");
    (FrameCommon(bytes[..entry].to_vec()), FrameEntry(bytes[entry..].to_vec()))
}

/// The bytes of `.eh_frame` if it stands at `section`. How many they are does not depend on any address.
pub(crate) fn frame_section(common: Option<&FrameCommon>, functions: &[Framed<'_>], section: u64) -> Vec<u8> {
    let mut bytes = common.map_or_else(Vec::new, |common| common.0.clone());
    for function in functions {
        let at = bytes.len();
        bytes.extend_from_slice(&function.unwind.0);
        let back_to_common = (at + 4) as u32;
        bytes[at + 4..at + 8].copy_from_slice(&back_to_common.to_le_bytes());
        let begin = distance(function.address, section + at as u64 + 8);
        bytes[at + 8..at + 12].copy_from_slice(&begin);
    }
    bytes.extend([0; 4]); // the end, for readers without the search table
    bytes
}

/// The bytes of `.eh_frame` in a relocatable object, and the places in it where the linker writes the distance to each
/// function's first instruction. The linker knows where it ends.
pub(crate) fn relocatable_frames<'a>(
    common: Option<&FrameCommon>,
    functions: impl Iterator<Item = &'a FrameEntry>,
) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = common.map_or_else(Vec::new, |common| common.0.clone());
    let mut places = Vec::new();
    for function in functions {
        let at = bytes.len();
        bytes.extend_from_slice(&function.0);
        let back_to_common = (at + 4) as u32;
        bytes[at + 4..at + 8].copy_from_slice(&back_to_common.to_le_bytes());
        places.push(at + 8);
    }
    (bytes, places)
}

fn distance(to: u64, from: u64) -> [u8; 4] {
    (to.wrapping_sub(from) as i64 as i32).to_le_bytes()
}

/// Number of bytes of `.eh_frame_hdr` for so many functions.
pub(crate) fn search_table_len(functions: usize) -> usize {
    12 + functions * 8
}

/// The bytes of `.eh_frame_hdr` at `header`, for the `.eh_frame` that stands at `section`: functions by ascending address.
pub(crate) fn search_table(functions: &[Framed<'_>], frames: &[u8], header: u64, section: u64) -> Vec<u8> {
    let relative = |base: DwEhPe| base.0 | DW_EH_PE_sdata4.0;
    let mut bytes = vec![1, relative(DW_EH_PE_pcrel), DW_EH_PE_udata4.0, relative(DW_EH_PE_datarel)];
    bytes.extend(distance(section, header + 4));
    bytes.extend((functions.len() as u32).to_le_bytes());
    let entries = frame_entries(frames);
    assert_eq!(entries.len(), functions.len(), "an entry per function");
    let mut last = 0;
    for (function, entry) in functions.iter().zip(entries) {
        assert!(last <= function.address, "searched by halves");
        last = function.address;
        bytes.extend(distance(function.address, header));
        bytes.extend(distance(section + entry as u64, header));
    }
    assert_eq!(bytes.len(), search_table_len(functions.len()), "laid out by this length");
    bytes
}

/// Where the entries of functions begin in `.eh_frame`: those that point back to a common entry.
fn frame_entries(frames: &[u8]) -> Vec<usize> {
    let word =
        |at: usize| frames.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word));
    let mut entries = Vec::new();
    let mut at = 0;
    while word(at) != 0 {
        if word(at + 4) != 0 {
            entries.push(at);
        }
        at += 4 + word(at) as usize;
    }
    entries
}
