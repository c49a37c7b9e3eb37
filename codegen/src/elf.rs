//! Writes an ELF64 shared object without a linker: sections at file offsets that are their addresses, no relocations.
//!
//! Three segments: what is read, the code, and `.dynamic`, which glibc relocates in place and which therefore must be
//! writable. Sections without an address (debug information, the full symbol table) follow. What the sections hold is
//! [`crate::artifact`]'s business.

/// `EM_X86_64`.
pub(crate) const X86_64: u16 = 62;
/// `EM_AARCH64`.
pub(crate) const AARCH64: u16 = 183;

/// `SHT_PROGBITS`.
pub(crate) const PROGBITS: u32 = 1;
/// `SHT_SYMTAB`.
pub(crate) const SYMTAB: u32 = 2;
/// `SHT_STRTAB`.
pub(crate) const STRTAB: u32 = 3;
const HASH: u32 = 5;
const DYNAMIC: u32 = 6;
/// `SHT_NOTE`.
pub(crate) const NOTE: u32 = 7;
const DYNSYM: u32 = 11;

const WRITE: u64 = 1;
/// `SHF_ALLOC`.
pub(crate) const ALLOC: u64 = 2;
/// `SHF_EXECINSTR`.
pub(crate) const EXEC: u64 = 4;

/// Number of bytes of the file header.
pub(crate) const FILE_HEADER_LEN: usize = 64;
const SEGMENT_LEN: usize = 56;
/// Number of bytes of an entry of the section table.
pub(crate) const SECTION_HEADER_LEN: usize = 64;
/// Number of bytes of a symbol.
pub(crate) const SYMBOL_LEN: usize = 24;
const SEGMENTS: usize = 7;

/// Where the first section stands: behind the file header and the segments.
pub(crate) const HEADERS_LEN: usize = FILE_HEADER_LEN + SEGMENTS * SEGMENT_LEN;

/// A symbol that the dynamic linker finds.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    /// Its name.
    pub(crate) name: String,
    /// Its address.
    pub(crate) address: u64,
    /// Number of bytes.
    pub(crate) len: u64,
    /// Code, or data.
    pub(crate) is_function: bool,
}

/// A shared object as it is written, section after section.
pub(crate) struct Object {
    bytes: Vec<u8>,
    sections: Vec<Section>,
    names: Strings,
    page: usize,
}

struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    offset: usize,
    len: usize,
    link: u32,
    info: u32,
    align: usize,
    entry_len: usize,
}

/// A section that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectionRef {
    index: u32,
    /// Its address, and its offset in the file.
    pub(crate) address: usize,
    /// Number of bytes.
    pub(crate) len: usize,
}

/// A string table.
pub(crate) struct Strings(pub(crate) Vec<u8>);

impl Strings {
    /// One that holds the empty string.
    pub(crate) fn new() -> Self {
        Self(vec![0])
    }

    /// Adds a string: where it stands.
    pub(crate) fn add(&mut self, text: &str) -> u32 {
        let at = self.0.len() as u32;
        self.0.extend(text.bytes().filter(|byte| *byte != 0));
        self.0.push(0);
        at
    }
}

impl Object {
    /// Nothing but room for the headers. `page` is the greatest page of the target's systems.
    pub(crate) fn new(page: usize) -> Self {
        let null = Section { name: 0, kind: 0, flags: 0, offset: 0, len: 0, link: 0, info: 0, align: 0, entry_len: 0 };
        Self { bytes: vec![0; HEADERS_LEN], sections: vec![null], names: Strings::new(), page }
    }

    /// Where the next section with this alignment will stand.
    pub(crate) fn next_address(&self, align: usize) -> usize {
        self.bytes.len().next_multiple_of(align)
    }

    /// Where code will stand if so many bytes are read before it.
    pub(crate) fn next_page(&self, from: usize) -> usize {
        from.next_multiple_of(self.page)
    }

    /// A section that is read at run time.
    pub(crate) fn read_only(&mut self, name: &str, kind: u32, align: usize, content: &[u8]) -> SectionRef {
        self.section(name, kind, ALLOC, align, content)
    }

    /// The code, on pages of its own.
    pub(crate) fn text(&mut self, content: &[u8]) -> SectionRef {
        self.section(".text", PROGBITS, ALLOC | EXEC, self.page, content)
    }

    /// A section that only tools read.
    pub(crate) fn unmapped(&mut self, name: &str, content: &[u8]) -> SectionRef {
        self.section(name, PROGBITS, 0, 1, content)
    }

    fn section(&mut self, name: &str, kind: u32, flags: u64, align: usize, content: &[u8]) -> SectionRef {
        self.bytes.resize(self.next_address(align), 0);
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(content);
        let name = self.names.add(name);
        let index = self.sections.len() as u32;
        let section = Section { name, kind, flags, offset, len: content.len(), link: 0, info: 0, align, entry_len: 0 };
        self.sections.push(section);
        SectionRef { index, address: offset, len: content.len() }
    }

    /// `.dynsym`, `.dynstr` and `.hash`: the symbols' addresses may be filled in later with [`Self::set_addresses`].
    pub(crate) fn dynamic_symbols(&mut self, symbols: &[Symbol], soname: &str) -> DynamicSymbols {
        let mut strings = Strings::new();
        let names: Vec<u32> = symbols.iter().map(|symbol| strings.add(&symbol.name)).collect();
        let soname = strings.add(soname);
        let table = self.read_only(".dynsym", DYNSYM, 8, &vec![0; (symbols.len() + 1) * SYMBOL_LEN]);
        let strings = self.read_only(".dynstr", STRTAB, 1, &strings.0);
        let hash = self.read_only(".hash", HASH, 8, &hash_table(symbols));
        self.sections[table.index as usize].link = strings.index;
        self.sections[table.index as usize].info = 1;
        self.sections[table.index as usize].entry_len = SYMBOL_LEN;
        self.sections[hash.index as usize].link = table.index;
        self.sections[hash.index as usize].entry_len = 4;
        DynamicSymbols { table, strings, hash, soname, names }
    }

    /// Fills `.dynsym` in, once everything it names has its place.
    pub(crate) fn set_addresses(&mut self, dynamic: &DynamicSymbols, symbols: &[Symbol]) {
        for (place, symbol) in symbols.iter().enumerate() {
            let entry = self.symbol(dynamic.names[place], symbol);
            let at = dynamic.table.address + (place + 1) * SYMBOL_LEN;
            self.bytes[at..at + SYMBOL_LEN].copy_from_slice(&entry);
        }
    }

    fn symbol(&self, name: u32, symbol: &Symbol) -> Vec<u8> {
        const GLOBAL: u8 = 1 << 4;
        let section = self.sections.iter().position(|section| {
            let start = section.offset as u64;
            section.flags & ALLOC != 0 && (start..start + section.len as u64).contains(&symbol.address)
        });
        let section = section.expect("a symbol stands in a section") as u16;
        symbol_entry(name, GLOBAL | if symbol.is_function { 2 } else { 1 }, section, symbol.address, symbol.len)
    }

    /// `.dynamic`, on a page of its own.
    pub(crate) fn dynamic(&mut self, dynamic: &DynamicSymbols) -> SectionRef {
        let entries = [
            (14, dynamic.soname as usize), // DT_SONAME
            (4, dynamic.hash.address),     // DT_HASH
            (5, dynamic.strings.address),  // DT_STRTAB
            (6, dynamic.table.address),    // DT_SYMTAB
            (10, dynamic.strings.len),     // DT_STRSZ
            (11, SYMBOL_LEN),              // DT_SYMENT
            (0, 0),                        // DT_NULL
        ];
        let content: Vec<u8> =
            entries.iter().flat_map(|(tag, value)| [*tag as u64, *value as u64]).flat_map(u64::to_le_bytes).collect();
        let page = self.page;
        let section = self.section(".dynamic", DYNAMIC, ALLOC | WRITE, page, &content);
        self.sections[section.index as usize].link = dynamic.strings.index;
        self.sections[section.index as usize].entry_len = 16;
        section
    }

    /// `.symtab` and `.strtab`, which tools prefer to the dynamic symbols; `file` is the source file.
    pub(crate) fn symbols(&mut self, file: &str, symbols: &[Symbol]) {
        const FILE: u8 = 4;
        const ABSOLUTE: u16 = 0xfff1;
        let mut strings = Strings::new();
        let mut table = vec![0; SYMBOL_LEN];
        table.extend(symbol_entry(strings.add(file), FILE, ABSOLUTE, 0, 0));
        for symbol in symbols {
            table.extend(self.symbol(strings.add(&symbol.name), symbol));
        }
        let table = self.section(".symtab", SYMTAB, 0, 8, &table);
        let strings = self.section(".strtab", STRTAB, 0, 1, &strings.0);
        let section = &mut self.sections[table.index as usize];
        section.link = strings.index;
        section.info = 2;
        section.entry_len = SYMBOL_LEN;
    }

    /// Writes the section table and the headers.
    pub(crate) fn finish(mut self, machine: u16, parts: &Parts) -> Vec<u8> {
        let name = self.names.add(".shstrtab");
        let names = std::mem::replace(&mut self.names, Strings::new()).0;
        let strings = self.section("", STRTAB, 0, 1, &names);
        self.sections[strings.index as usize].name = name;

        self.bytes.resize(self.next_address(8), 0);
        let section_table = self.bytes.len();
        for section in &self.sections {
            let address = if section.flags & ALLOC == 0 { 0 } else { section.offset as u64 };
            push32(&mut self.bytes, &[section.name, section.kind]);
            push64(&mut self.bytes, &[section.flags, address, section.offset as u64, section.len as u64]);
            push32(&mut self.bytes, &[section.link, section.info]);
            push64(&mut self.bytes, &[section.align as u64, section.entry_len as u64]);
        }

        let mut header = b"\x7fELF\x02\x01\x01".to_vec(); // 64 bits, little-endian, version 1
        header.resize(16, 0);
        push16(&mut header, &[3, machine]); // ET_DYN
        push32(&mut header, &[1]);
        push64(&mut header, &[0, FILE_HEADER_LEN as u64, section_table as u64]);
        push32(&mut header, &[0]);
        push16(&mut header, &[FILE_HEADER_LEN as u16, SEGMENT_LEN as u16, SEGMENTS as u16]);
        push16(&mut header, &[SECTION_HEADER_LEN as u16, self.sections.len() as u16, strings.index as u16]);

        let segments = self.segments(parts);
        header.extend(segments);
        assert_eq!(header.len(), HEADERS_LEN, "the headers fill the room left for them");
        self.bytes[..HEADERS_LEN].copy_from_slice(&header);
        self.bytes
    }

    fn segments(&self, parts: &Parts) -> Vec<u8> {
        const READ: u32 = 4;
        let page = self.page as u64;
        let read_end = parts.read_end as u64;
        let of = |section: SectionRef| (section.address as u64, section.len as u64);
        let (text, text_len) = of(parts.text);
        let (dynamic, dynamic_len) = of(parts.dynamic);
        let (note, note_len) = of(parts.note);
        let (frames, frames_len) = of(parts.frame_header);
        let segments: [(u32, u32, u64, u64, u64); SEGMENTS] = [
            (1, READ, 0, read_end, page),               // PT_LOAD
            (1, READ | 1, text, text_len, page),        // PT_LOAD, executable
            (1, READ | 2, dynamic, dynamic_len, page),  // PT_LOAD, writable
            (2, READ | 2, dynamic, dynamic_len, 8),     // PT_DYNAMIC
            (4, READ, note, note_len, 4),               // PT_NOTE
            (0x6474_e550, READ, frames, frames_len, 4), // PT_GNU_EH_FRAME
            (0x6474_e551, READ | 2, 0, 0, 16),          // PT_GNU_STACK: not executable
        ];
        let mut bytes = Vec::new();
        for (kind, flags, address, len, align) in segments {
            push32(&mut bytes, &[kind, flags]);
            push64(&mut bytes, &[address, address, address, len, len, align]);
        }
        bytes
    }
}

/// The sections that segments point to.
pub(crate) struct Parts {
    /// End of what is read.
    pub(crate) read_end: usize,
    /// The code.
    pub(crate) text: SectionRef,
    /// What the dynamic linker starts from.
    pub(crate) dynamic: SectionRef,
    /// The build-id.
    pub(crate) note: SectionRef,
    /// What the unwinder starts from.
    pub(crate) frame_header: SectionRef,
}

/// The sections of the dynamic symbols.
pub(crate) struct DynamicSymbols {
    table: SectionRef,
    strings: SectionRef,
    hash: SectionRef,
    soname: u32,
    names: Vec<u32>,
}

/// The bytes of a symbol.
pub(crate) fn symbol_entry(name: u32, info: u8, section: u16, address: u64, len: u64) -> Vec<u8> {
    let mut entry = Vec::with_capacity(SYMBOL_LEN);
    push32(&mut entry, &[name]);
    entry.extend([info, 0]);
    push16(&mut entry, &[section]);
    push64(&mut entry, &[address, len]);
    entry
}

/// A hash table as every dynamic linker reads it, over symbols that begin at number 1.
fn hash_table(symbols: &[Symbol]) -> Vec<u8> {
    let buckets = symbols.len().max(1);
    let mut first = vec![0; buckets];
    let mut next = vec![0; symbols.len() + 1];
    for (place, symbol) in symbols.iter().enumerate().rev() {
        let bucket = hash(&symbol.name) as usize % buckets;
        next[place + 1] = first[bucket];
        first[bucket] = place as u32 + 1;
    }
    let mut bytes = Vec::new();
    push32(&mut bytes, &[buckets as u32, next.len() as u32]);
    push32(&mut bytes, &first);
    push32(&mut bytes, &next);
    bytes
}

/// The hash function of the System V ABI.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        (hash ^ high >> 24) & !high
    })
}

/// Appends numbers of 16 bits.
pub(crate) fn push16(bytes: &mut Vec<u8>, values: &[u16]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// Appends numbers of 32 bits.
pub(crate) fn push32(bytes: &mut Vec<u8>, values: &[u32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// Appends numbers of 64 bits.
pub(crate) fn push64(bytes: &mut Vec<u8>, values: &[u64]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hash_as_the_system_v_abi_says() {
        assert_eq!(hash(""), 0);
        assert_eq!(hash("printf"), 0x077_905a6);
        assert_eq!(hash("a_rather_long_name_that_overflows"), {
            let mut h: u64 = 0;
            for byte in b"a_rather_long_name_that_overflows" {
                h = (h << 4) + u64::from(*byte);
                h ^= (h & 0xf000_0000) >> 24;
                h &= 0x0fff_ffff;
            }
            h as u32
        });
    }

    #[test]
    fn every_symbol_is_in_the_chain_of_its_bucket() {
        let symbol = |name: String| Symbol { name, address: 0, len: 0, is_function: true };
        let symbols: Vec<Symbol> = (0..37).map(|n| symbol(format!("job::map_{n}#vector"))).collect();
        let bytes = hash_table(&symbols);
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let (buckets, first, next) = (words[0], &words[2..2 + words[0] as usize], &words[2 + words[0] as usize..]);
        for (place, symbol) in symbols.iter().enumerate() {
            let mut at = first[(hash(&symbol.name) % buckets) as usize];
            while at != place as u32 + 1 {
                assert_ne!(at, 0, "{} is not found", symbol.name);
                at = next[at as usize];
            }
        }
    }
}
