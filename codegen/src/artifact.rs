//! The linked artifact: an ELF shared object with the kernels, the manifest, line tables and unwind information.
//!
//! The order of its sections, and what the runtime's loader finds where, is told in `codegen/docs/artifact.md`; the part
//! that both sides share is [`sabot_abi::descriptor`]. The same job gives the same bytes.

use crate::compiled::{CompiledFunction, CompiledJob};
use crate::elf::{AARCH64, HEADERS_LEN, NOTE, Object, PROGBITS, Parts, Symbol, X86_64};
use crate::line_table::{Placed, debug_sections};
use crate::unwind::{Framed, frame_section, search_table, search_table_len};
use gimli::LittleEndian;
use gimli::write::{Address, EndianVec};
use sabot_abi::ABI_VERSION;
use sabot_abi::cpu::{CpuFeature, CpuFeatures};
use sabot_abi::descriptor::{BUILD_ID_LEN, BUILD_ID_OFFSET, DESCRIPTOR_OFFSET, DESCRIPTOR_SYMBOL, Descriptor, Stretch};
use target_lexicon::Architecture;

/// What differs between the machines that artifacts are made for.
pub(crate) struct Machine {
    /// Its number in the ELF header.
    pub(crate) number: u16,
    /// The largest page that its systems use: segments stand on such pages.
    page: usize,
    /// An instruction that traps, between functions.
    padding: &'static [u8],
}

/// The linked artifact of a job.
///
/// # Panics
/// If the job is for a machine that code generation does not know: it would not have compiled.
#[must_use]
pub fn link(job: &CompiledJob) -> Vec<u8> {
    assert_eq!(job.manifest.kernels.len(), job.functions.len(), "the manifest names every kernel");
    let machine = machine(job.triple.architecture);
    let text = Text::new(&job.functions, &machine);
    let manifest = serde_json::to_vec(&job.manifest).expect("a manifest has string keys only");

    let mut symbols = vec![Symbol {
        name: DESCRIPTOR_SYMBOL.to_owned(),
        address: DESCRIPTOR_OFFSET as u64,
        len: (Descriptor::LEN + job.functions.len() * 8) as u64,
        is_function: false,
    }];
    symbols.extend(job.functions.iter().map(|function| Symbol {
        name: format!("{}::{}", job.manifest.job, function.name),
        address: 0,
        len: function.code.len() as u64,
        is_function: true,
    }));

    let mut object = Object::new(machine.page);
    let note = object.read_only(".note.gnu.build-id", NOTE, 4, &build_id_note());
    assert_eq!(note.address, HEADERS_LEN, "the note stands at once behind the headers");
    let descriptor_section =
        object.read_only(".sabot.desc", PROGBITS, 64, &vec![0; Descriptor::LEN + job.functions.len() * 8]);
    assert_eq!(descriptor_section.address, DESCRIPTOR_OFFSET, "where every loader looks for it");
    let dynamic_symbols = object.dynamic_symbols(&symbols, &format!("{}.so", job.manifest.job));
    let constants = object.read_only(".sabot.consts", PROGBITS, 16, &job.constants);
    let manifest = object.read_only(".sabot.manifest", PROGBITS, 1, &manifest);

    // How long the unwind information is decides where the code stands, which it speaks of: its length comes first.
    let framed = |base: usize| -> Vec<Framed<'_>> {
        let with_address = job.functions.iter().zip(&text.offsets);
        let framed = with_address.filter_map(|(function, offset)| {
            let unwind = function.unwind.as_ref()?;
            Some(Framed { address: (base + offset) as u64, unwind })
        });
        framed.collect()
    };
    let common = job.unwind_common.as_ref();
    let unframed = if common.is_none() { 0 } else { framed(0).len() };
    let header_address = object.next_address(4);
    let frames_address = (header_address + search_table_len(unframed)).next_multiple_of(8);
    let frames_len = frame_section(common, &framed(frames_address), frames_address as u64).len();
    let read_end = frames_address + frames_len;
    let text_address = object.next_page(read_end);
    let functions = if common.is_none() { Vec::new() } else { framed(text_address) };
    let frames = frame_section(common, &functions, frames_address as u64);
    let header = search_table(&functions, &frames, header_address as u64, frames_address as u64);
    let frame_header = object.read_only(".eh_frame_hdr", PROGBITS, 4, &header);
    let frames = object.read_only(".eh_frame", PROGBITS, 8, &frames);
    assert_eq!((frames.address, frames.len), (frames_address, frames_len), "laid out as foreseen");

    let code = object.text(&text.bytes);
    assert_eq!(code.address, text_address, "laid out as foreseen");
    for (symbol, offset) in symbols.iter_mut().skip(1).zip(&text.offsets) {
        symbol.address = (code.address + offset) as u64;
    }
    object.set_addresses(&dynamic_symbols, &symbols);
    let dynamic = object.dynamic(&dynamic_symbols);
    let kernels = symbols.iter().skip(1);
    let placed: Vec<Placed<'_>> = kernels
        .clone()
        .zip(&job.functions)
        .map(|(symbol, function)| Placed { address: Address::Constant(symbol.address), symbol: &symbol.name, function })
        .collect();
    let (file, source) = (&job.manifest.source_file, &job.manifest.source_text);
    let begin = Address::Constant(code.address as u64);
    for (id, content) in debug_sections(file, source, &placed, begin, code.len as u64, EndianVec::new(LittleEndian)) {
        object.unmapped(id.name(), content.slice());
    }
    object.symbols(&job.manifest.source_file, &symbols);
    let mut bytes = object.finish(machine.number, &Parts { read_end, text: code, dynamic, note, frame_header });

    let stretch =
        |address: usize, len: usize| Stretch { offset: (address - DESCRIPTOR_OFFSET) as u64, len: len as u64 };
    let descriptor = Descriptor {
        abi_version: ABI_VERSION,
        kernels: job.functions.len() as u32,
        file_len: bytes.len() as u64,
        cpu_features: cpu_features(job),
        manifest: stretch(manifest.address, manifest.len),
        constants: stretch(constants.address, constants.len),
        table: Stretch { offset: Descriptor::LEN as u64, len: job.functions.len() as u64 * 8 },
        text: stretch(code.address, code.len),
        target: Descriptor::target_field(&job.triple.to_string()).expect("triples are short"),
    };
    let mut content = descriptor.to_bytes();
    content.extend(kernels.flat_map(|kernel| (kernel.address - DESCRIPTOR_OFFSET as u64).to_le_bytes()));
    bytes[DESCRIPTOR_OFFSET..DESCRIPTOR_OFFSET + content.len()].copy_from_slice(&content);
    let build_id = blake3::hash(&bytes);
    bytes[BUILD_ID_OFFSET..BUILD_ID_OFFSET + BUILD_ID_LEN].copy_from_slice(&build_id.as_bytes()[..BUILD_ID_LEN]);
    bytes
}

/// The code of all functions, one behind the other.
pub(crate) struct Text {
    /// What the section holds.
    pub(crate) bytes: Vec<u8>,
    /// Where each function begins.
    pub(crate) offsets: Vec<usize>,
}

impl Text {
    pub(crate) fn new(functions: &[CompiledFunction], machine: &Machine) -> Self {
        let mut text = Self { bytes: Vec::new(), offsets: Vec::new() };
        for function in functions {
            let align = (function.alignment as usize).max(16);
            assert!(machine.page.is_multiple_of(align), "sections stand on pages");
            text.pad(text.bytes.len().next_multiple_of(align), machine.padding);
            text.offsets.push(text.bytes.len());
            text.bytes.extend_from_slice(&function.code);
        }
        text.pad(text.bytes.len().next_multiple_of(16).max(16), machine.padding);
        text
    }

    fn pad(&mut self, len: usize, padding: &[u8]) {
        let missing = len - self.bytes.len();
        self.bytes.extend(padding.iter().rev().cycle().take(missing).collect::<Vec<_>>().into_iter().rev());
    }
}

pub(crate) fn machine(architecture: Architecture) -> Machine {
    if matches!(architecture, Architecture::X86_64) {
        Machine { number: X86_64, page: 4 << 10, padding: &[0xcc] } // int3
    } else if matches!(architecture, Architecture::Aarch64(_)) {
        Machine { number: AARCH64, page: 64 << 10, padding: &[0, 0, 0, 0] } // udf #0
    } else {
        panic!("no code is generated for {architecture}")
    }
}

fn cpu_features(job: &CompiledJob) -> CpuFeatures {
    let known =
        |flag: &String| CpuFeature::from_flag(flag).expect("the ABI knows every feature that kernels are given");
    job.cpu_features.iter().map(known).collect()
}

/// A build-id note whose id is still zero.
fn build_id_note() -> Vec<u8> {
    let mut note = Vec::new();
    note.extend(4u32.to_le_bytes());
    note.extend((BUILD_ID_LEN as u32).to_le_bytes());
    note.extend(3u32.to_le_bytes()); // NT_GNU_BUILD_ID
    note.extend(b"GNU\0");
    assert_eq!(HEADERS_LEN + note.len(), BUILD_ID_OFFSET, "where the loader looks for the id");
    note.extend([0; BUILD_ID_LEN]);
    note
}
