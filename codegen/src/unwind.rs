//! Unwind information: `.eh_frame` and its search table, so that a panic in the runtime, a debugger and a profiler can
//! walk through a kernel's frame.
//!
//! Addresses are distances from where they stand (`pcrel | sdata4`), so nothing needs relocating.

use cranelift_codegen::isa::unwind::systemv::UnwindInfo;
use gimli::write::{Address, CommonInformationEntry, EhFrame, EndianVec, FrameTable};
use gimli::{DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4, DwEhPe, LittleEndian};

/// A function and where it stands in memory.
pub(crate) struct Framed<'a> {
    /// Address of its first instruction.
    pub(crate) address: u64,
    /// How to unwind through it.
    pub(crate) unwind: &'a UnwindInfo,
}

/// The bytes of `.eh_frame` if it stands at `section`. How many they are does not depend on any address.
pub(crate) fn frame_section(
    common: Option<&CommonInformationEntry>,
    functions: &[Framed<'_>],
    section: u64,
) -> Vec<u8> {
    let mut table = FrameTable::default();
    if let Some(common) = common {
        let mut common = common.clone();
        common.fde_address_encoding = DwEhPe(DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0);
        let common = table.add_cie(common);
        for function in functions {
            // The writer takes its own begin for address 0.
            let address = Address::Constant(function.address.wrapping_sub(section));
            table.add_fde(common, function.unwind.to_fde(address));
        }
    }
    let mut written = EhFrame(EndianVec::new(LittleEndian));
    table.write_eh_frame(&mut written).expect("kernels lie within 2 GiB, and their unwind codes fit the common entry");
    let mut bytes = written.0.into_vec();
    bytes.extend([0; 4]); // the end, for readers without the search table
    bytes
}

/// Number of bytes of `.eh_frame_hdr` for so many functions.
pub(crate) fn search_table_len(functions: usize) -> usize {
    12 + functions * 8
}

/// The bytes of `.eh_frame_hdr` at `header`, for the `.eh_frame` that stands at `section`: functions by ascending address.
pub(crate) fn search_table(functions: &[Framed<'_>], frames: &[u8], header: u64, section: u64) -> Vec<u8> {
    let distance = |to: u64, from: u64| (to.wrapping_sub(from) as i64 as i32).to_le_bytes();
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
