//! A job's kernels as a relocatable ELF object, for linkers: `sabotc build --emit obj`.
//!
//! The artifact is what Sabot runs; this is for a program that calls kernels by itself. Symbols are names that C takes: see
//! [`symbol_names`]. Code has no relocations; unwind and line tables, which speak of where it stands, do. What the object
//! holds is told in `codegen/docs/artifact.md`. The same job gives the same bytes.

use crate::artifact::{Machine, Text, machine};
use crate::compiled::CompiledJob;
use crate::elf::{
    ALLOC, EXEC, FILE_HEADER_LEN, PROGBITS, SECTION_HEADER_LEN, STRTAB, SYMBOL_LEN, SYMTAB, Strings, X86_64, push16,
    push32, push64, symbol_entry,
};
use crate::line_table::{Placed, debug_sections};
use crate::unwind::relocatable_frames;
use gimli::write::{Address, EndianVec, RelocateWriter, Relocation, RelocationTarget};
use gimli::{DW_EH_PE_pcrel, LittleEndian, SectionId};
use sabot_abi::ABI_VERSION;
use std::collections::BTreeSet;

const RELA: u32 = 4;
const RELA_LEN: u64 = 24;
/// `SHF_INFO_LINK`: `sh_info` is a section.
const INFO_LINK: u64 = 0x40;
const GLOBAL: u8 = 1 << 4;
const OBJECT: u8 = 1;
const FUNCTION: u8 = 2;
const SECTION: u8 = 3;
const FILE: u8 = 4;
const ABSOLUTE: u16 = 0xfff1;

/// The symbols of a job's kernels by their numbers: `JOB__KERNEL`, with `_` in the place of what C takes in no name, and the
/// kernel's number behind it where two would be the same.
#[must_use]
pub fn symbol_names(job: &CompiledJob) -> Vec<String> {
    let mut taken: BTreeSet<String> = data_names(job).into();
    let kernels = job.functions.iter().enumerate().map(|(number, function)| {
        let mut name = c_name(&job.manifest.job, &function.name);
        while !taken.insert(name.clone()) {
            name = format!("{name}_{number}");
        }
        name
    });
    kernels.collect()
}

/// The symbols of the constants, the manifest and the ABI version.
fn data_names(job: &CompiledJob) -> [String; 3] {
    ["constants", "manifest", "abi_version"].map(|name| c_name(&job.manifest.job, name))
}

fn c_name(job: &str, name: &str) -> String {
    let mut text = format!("{job}__{name}");
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The relocatable object of a job.
///
/// # Panics
/// If the job is for a machine that code generation does not know: it would not have compiled.
#[must_use]
pub fn object(job: &CompiledJob) -> Vec<u8> {
    let machine = machine(job.triple.architecture);
    let text = Text::new(&job.functions, &machine);
    let names = symbol_names(job);
    let align = job.functions.iter().map(|function| u64::from(function.alignment)).max().unwrap_or(1).max(16);

    let mut object = Object::new();
    let code = object.section(".text", PROGBITS, ALLOC | EXEC, align, text.bytes.clone());
    // gimli's symbol 0 is the begin of the code.
    let place = |offset: usize| Address::Symbol { symbol: 0, addend: offset as i64 };
    let framed = text.offsets.iter().zip(&job.functions);
    let framed = framed.filter_map(|(offset, function)| Some((*offset, function.unwind.as_ref()?)));
    let (frames, places) = relocatable_frames(job.unwind_common.as_ref(), framed.clone().map(|(_, entry)| entry));
    let mut relocated: Vec<(u16, Vec<Relocation>)> = Vec::new();
    if !places.is_empty() {
        let starts = places.into_iter().zip(framed).map(|(place, (offset, _))| Relocation {
            offset: place,
            size: 4,
            target: RelocationTarget::Symbol(0),
            addend: offset as i64,
            eh_pe: Some(DW_EH_PE_pcrel),
        });
        relocated.push((object.section(".eh_frame", PROGBITS, ALLOC, 8, frames), starts.collect()));
    }

    let mut manifest = serde_json::to_vec(&job.manifest).expect("a manifest has string keys only");
    manifest.push(0);
    let mut data = job.constants.clone();
    let manifest_at = data.len();
    data.extend(&manifest);
    data.resize(data.len().next_multiple_of(4), 0);
    let version_at = data.len();
    data.extend(ABI_VERSION.to_le_bytes());
    let data = object.section(".rodata", PROGBITS, ALLOC, 16, data);

    let placed = names.iter().zip(&job.functions).zip(&text.offsets);
    let placed: Vec<Placed<'_>> =
        placed.map(|((symbol, function), offset)| Placed { address: place(*offset), symbol, function }).collect();
    let (file, source) = (&job.manifest.source_file, &job.manifest.source_text);
    let debug = debug_sections(file, source, &placed, place(0), text.bytes.len() as u64, Relocated::new());
    let mut debug_places = Vec::new();
    for (id, written) in debug {
        let section = object.section(id.name(), PROGBITS, 0, 1, written.content.slice().to_vec());
        debug_places.push((id, section));
        relocated.push((section, written.relocations));
    }
    object.section(".note.GNU-stack", PROGBITS, 0, 1, Vec::new()); // the stack need not be executable

    let mut symbols = Symbols::new(file);
    let code_symbol = symbols.of_section(code);
    let debug_symbols: Vec<(SectionId, u32)> =
        debug_places.iter().map(|(id, section)| (*id, symbols.of_section(*section))).collect();
    let locals = symbols.count();
    for ((name, function), offset) in names.iter().zip(&job.functions).zip(&text.offsets) {
        symbols.global(name, FUNCTION, code, *offset, function.code.len());
    }
    let [constants_name, manifest_name, version_name] = data_names(job);
    symbols.global(&constants_name, OBJECT, data, 0, job.constants.len());
    symbols.global(&manifest_name, OBJECT, data, manifest_at, manifest.len());
    symbols.global(&version_name, OBJECT, data, version_at, 4);

    let symbol_of = |target| match target {
        RelocationTarget::Symbol(_) => code_symbol,
        RelocationTarget::Section(id) => {
            let known = debug_symbols.iter().find(|(known, _)| *known == id);
            known.expect("only debug sections that were written are spoken of").1
        }
    };
    let table = object.symbol_table(symbols, locals);
    for (section, relocations) in relocated {
        object.relocations(section, table, &machine, &relocations, symbol_of);
    }
    object.finish(&machine)
}

/// Bytes with the places in them that the linker fills in.
#[derive(Clone)]
struct Relocated {
    content: EndianVec<LittleEndian>,
    relocations: Vec<Relocation>,
}

impl Relocated {
    fn new() -> Self {
        Self { content: EndianVec::new(LittleEndian), relocations: Vec::new() }
    }
}

impl RelocateWriter for Relocated {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.content
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.content
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}

/// The type of a relocation in the ELF file.
fn relocation_type(machine: &Machine, relocation: &Relocation) -> u64 {
    let relative = relocation.eh_pe.is_some(); // the unwind table's addresses are distances
    match (machine.number == X86_64, relative, relocation.size) {
        (true, false, 8) => 1,    // R_X86_64_64
        (true, true, 4) => 2,     // R_X86_64_PC32
        (true, false, 4) => 10,   // R_X86_64_32
        (false, false, 8) => 257, // R_AARCH64_ABS64
        (false, true, 4) => 261,  // R_AARCH64_PREL32
        (false, false, 4) => 258, // R_AARCH64_ABS32
        (_, _, size) => panic!("DWARF with 4-byte offsets and 8-byte addresses has no place of {size} bytes"),
    }
}

struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    link: u32,
    info: u32,
    align: u64,
    entry_len: u64,
    content: Vec<u8>,
}

/// An object as it is put together: sections by their numbers.
struct Object {
    sections: Vec<Section>,
    names: Strings,
}

impl Object {
    fn new() -> Self {
        let mut object = Self { sections: Vec::new(), names: Strings::new() };
        object.section("", 0, 0, 0, Vec::new());
        object
    }

    fn section(&mut self, name: &str, kind: u32, flags: u64, align: u64, content: Vec<u8>) -> u16 {
        let name = if name.is_empty() { 0 } else { self.names.add(name) };
        self.sections.push(Section { name, kind, flags, link: 0, info: 0, align, entry_len: 0, content });
        (self.sections.len() - 1) as u16
    }

    fn symbol_table(&mut self, symbols: Symbols, locals: u32) -> u16 {
        let table = self.section(".symtab", SYMTAB, 0, 8, symbols.table);
        let strings = self.section(".strtab", STRTAB, 0, 1, symbols.strings.0);
        let section = &mut self.sections[usize::from(table)];
        section.link = u32::from(strings);
        section.info = locals;
        section.entry_len = SYMBOL_LEN as u64;
        table
    }

    /// The relocations of a section; none: no section.
    fn relocations(
        &mut self,
        of: u16,
        symbols: u16,
        machine: &Machine,
        relocations: &[Relocation],
        symbol_of: impl Fn(RelocationTarget) -> u32,
    ) {
        if relocations.is_empty() {
            return;
        }
        let mut content = Vec::new();
        for relocation in relocations {
            let symbol = u64::from(symbol_of(relocation.target));
            let kind = relocation_type(machine, relocation);
            push64(&mut content, &[relocation.offset as u64, symbol << 32 | kind, relocation.addend.cast_unsigned()]);
        }
        let name = self.sections[usize::from(of)].name as usize;
        let name = self.names.0[name..].split(|byte| *byte == 0).next().unwrap_or_default();
        let name = format!(".rela{}", String::from_utf8_lossy(name));
        let number = self.section(&name, RELA, INFO_LINK, 8, content);
        let section = &mut self.sections[usize::from(number)];
        section.link = u32::from(symbols);
        section.info = u32::from(of);
        section.entry_len = RELA_LEN;
    }

    fn finish(mut self, machine: &Machine) -> Vec<u8> {
        let name = self.names.add(".shstrtab");
        let strings = self.section("", STRTAB, 0, 1, self.names.0.clone());
        self.sections[usize::from(strings)].name = name;

        let mut bytes = vec![0; FILE_HEADER_LEN];
        let mut table = Vec::with_capacity(self.sections.len() * SECTION_HEADER_LEN);
        for section in &self.sections {
            bytes.resize(bytes.len().next_multiple_of(section.align.max(1) as usize), 0);
            let offset = if section.kind == 0 { 0 } else { bytes.len() as u64 };
            bytes.extend_from_slice(&section.content);
            push32(&mut table, &[section.name, section.kind]);
            push64(&mut table, &[section.flags, 0, offset, section.content.len() as u64]);
            push32(&mut table, &[section.link, section.info]);
            push64(&mut table, &[section.align, section.entry_len]);
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let section_table = bytes.len() as u64;
        bytes.extend(table);

        let mut header = b"\x7fELF\x02\x01\x01".to_vec(); // 64 bits, little-endian, version 1
        header.resize(16, 0);
        push16(&mut header, &[1, machine.number]); // ET_REL
        push32(&mut header, &[1]);
        push64(&mut header, &[0, 0, section_table]);
        push32(&mut header, &[0]);
        push16(&mut header, &[FILE_HEADER_LEN as u16, 0, 0]);
        push16(&mut header, &[SECTION_HEADER_LEN as u16, self.sections.len() as u16, strings]);
        bytes[..FILE_HEADER_LEN].copy_from_slice(&header);
        bytes
    }
}

/// The symbols, local ones first.
struct Symbols {
    table: Vec<u8>,
    strings: Strings,
}

impl Symbols {
    fn new(file: &str) -> Self {
        let mut strings = Strings::new();
        let mut table = vec![0; SYMBOL_LEN];
        table.extend(symbol_entry(strings.add(file), FILE, ABSOLUTE, 0, 0));
        Self { table, strings }
    }

    fn count(&self) -> u32 {
        (self.table.len() / SYMBOL_LEN) as u32
    }

    fn of_section(&mut self, section: u16) -> u32 {
        self.table.extend(symbol_entry(0, SECTION, section, 0, 0));
        self.count() - 1
    }

    fn global(&mut self, name: &str, kind: u8, section: u16, offset: usize, len: usize) {
        let name = self.strings.add(name);
        self.table.extend(symbol_entry(name, GLOBAL | kind, section, offset as u64, len as u64));
    }
}
