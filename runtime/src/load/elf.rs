//! Checks the part of an artifact that the dynamic linker believes: segments, dynamic section, symbols, hash table.
//!
//! The linker checks next to nothing: what a bad table makes it read or run is not in its hands. An artifact is written in
//! exactly one way (`codegen/docs/artifact.md`), so everything that is written otherwise is refused, initialisers and
//! relocations above all. What the code itself does is not looked at: running an artifact is trusting its author.

use super::LoadError;
use sabot_abi::descriptor::{BUILD_ID_LEN, BUILD_ID_OFFSET, DESCRIPTOR_OFFSET, DESCRIPTOR_SYMBOL, Descriptor, Stretch};
use std::ops::Range;

const SEGMENTS: usize = 7;
const SEGMENTS_OFFSET: usize = 64;
const SEGMENT_LEN: usize = 56;
const SYMBOL_LEN: usize = 24;
/// Kind and flags of each segment: read, code, written, dynamic, note, unwind table, stack.
const KINDS: [(u32, u32); SEGMENTS] = [(1, 4), (1, 5), (1, 6), (2, 6), (4, 4), (0x6474_e550, 4), (0x6474_e551, 6)];
/// The dynamic section: name of the library, hash table, strings, symbols, length of the strings, of a symbol, the end.
const TAGS: [u64; 7] = [14, 4, 5, 6, 10, 11, 0];

/// Checks a whole artifact whose descriptor was found.
pub(super) fn check(artifact: &[u8], descriptor: &Descriptor) -> Result<(), LoadError> {
    let refused = |what: &str| LoadError::Inconsistent(format!("its {what} is not as sabotc writes it"));
    let segments = segments(artifact, descriptor).ok_or_else(|| refused("table of segments"))?;
    let stretches = [descriptor.constants, descriptor.manifest, descriptor.table];
    if !stretches.iter().all(|stretch| is_in(&segments.read, *stretch, artifact.len())) {
        return Err(refused("descriptor"));
    }
    let tables = tables(artifact, &segments).ok_or_else(|| refused("dynamic section"))?;
    symbols(artifact, &segments, &tables).ok_or_else(|| refused("symbol table"))?;
    hash(artifact, &tables).ok_or_else(|| refused("hash table"))
}

/// Where the linker maps things; offsets in the file are addresses.
struct Segments {
    read: Range<usize>,
    code: Range<usize>,
    dynamic: Range<usize>,
}

/// What the dynamic section points to; all in the segment that is read.
struct Tables {
    strings: Range<usize>,
    symbols: Range<usize>,
    /// Behind the two counts.
    hash: Range<usize>,
    buckets: usize,
    count: usize,
}

fn segments(artifact: &[u8], descriptor: &Descriptor) -> Option<Segments> {
    let machine = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    let other = if machine == 62 { 183 } else { 62 }; // tools look at artifacts of other machines too
    let word = |at| Some(u16::from_le_bytes(take(artifact, at)?));
    let is_elf = artifact.get(..7)? == b"\x7fELF\x02\x01\x01"
        && word(16)? == 3
        && [machine, other].contains(&word(18)?)
        && number(artifact, 32)? == SEGMENTS_OFFSET
        && word(54)? as usize == SEGMENT_LEN
        && word(56)? as usize == SEGMENTS;
    if !is_elf {
        return None;
    }
    let page = number(artifact, SEGMENTS_OFFSET + 48)?;
    if page != 4 << 10 && page != 64 << 10 {
        return None;
    }
    let mut ranges = Vec::with_capacity(SEGMENTS);
    for (place, (kind, flags)) in KINDS.into_iter().enumerate() {
        let at = SEGMENTS_OFFSET + place * SEGMENT_LEN;
        let is_kind =
            u32::from_le_bytes(take(artifact, at)?) == kind && u32::from_le_bytes(take(artifact, at + 4)?) == flags;
        let [offset, address, physical, len, memory_len, align] =
            [8, 16, 24, 32, 40, 48].map(|field| number(artifact, at + field));
        let (offset, len) = (offset?, len?);
        let end = offset.checked_add(len)?;
        let is_plain = address? == offset && physical? == offset && memory_len? == len && end <= artifact.len();
        let is_aligned = kind != 1 || (align? == page && offset.is_multiple_of(page));
        if !is_kind || !is_plain || !is_aligned {
            return None;
        }
        ranges.push(offset..end);
    }
    let [read, code, written, dynamic, note, frames, stack] = <[Range<usize>; SEGMENTS]>::try_from(ranges).ok()?;
    let note_header = [4u32.to_le_bytes(), (BUILD_ID_LEN as u32).to_le_bytes(), 3u32.to_le_bytes(), *b"GNU\0"].concat();
    let is_laid_out = read.start == 0
        && read.end <= code.start
        && code.end <= written.start
        && written == dynamic
        && dynamic.len() == TAGS.len() * 16
        && stack.is_empty()
        && within(&frames, &read)
        && note == (BUILD_ID_OFFSET - note_header.len()..BUILD_ID_OFFSET + BUILD_ID_LEN)
        && within(&note, &read)
        && artifact[note.start..BUILD_ID_OFFSET] == note_header
        && descriptor.text.in_file(artifact.len())? == code;
    is_laid_out.then_some(Segments { read, code, dynamic })
}

fn is_in(segment: &Range<usize>, stretch: Stretch, file_len: usize) -> bool {
    stretch.in_file(file_len).is_some_and(|stretch| within(&stretch, segment))
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn tables(artifact: &[u8], segments: &Segments) -> Option<Tables> {
    let mut values = [0; TAGS.len()];
    for (place, tag) in TAGS.into_iter().enumerate() {
        let at = segments.dynamic.start + place * 16;
        if number(artifact, at)? as u64 != tag {
            return None;
        }
        values[place] = number(artifact, at + 8)?;
    }
    let [name, hash, strings, symbols, strings_len, symbol_len, end] = values;
    let range = |start: usize, len: usize| {
        let range = start..start.checked_add(len)?;
        within(&range, &segments.read).then_some(range)
    };
    let count = |at: usize| Some(u32::from_le_bytes(take(artifact, at)?) as usize);
    let strings = range(strings, strings_len)?;
    let (buckets, entries) = (count(hash)?, count(hash.checked_add(4)?)?);
    let fits = symbol_len == SYMBOL_LEN
        && end == 0
        && name < strings_len
        && artifact[strings.clone()].last() == Some(&0)
        && hash.is_multiple_of(8)
        && symbols.is_multiple_of(8)
        && buckets > 0
        && entries > 0;
    if !fits {
        return None;
    }
    let symbols = range(symbols, entries.checked_mul(SYMBOL_LEN)?)?;
    let hash = range(hash + 8, buckets.checked_add(entries)?.checked_mul(4)?)?;
    Some(Tables { strings, symbols, hash, buckets, count: entries })
}

/// Every symbol is data that is read or a function in the code, and the descriptor's is where the descriptor is.
fn symbols(artifact: &[u8], segments: &Segments, tables: &Tables) -> Option<()> {
    let mut descriptors = 0;
    for symbol in 1..tables.count {
        let at = tables.symbols.start + symbol * SYMBOL_LEN;
        let name = u32::from_le_bytes(take(artifact, at)?) as usize;
        let [info, other] = take(artifact, at + 4)?;
        let section = u16::from_le_bytes(take(artifact, at + 6)?);
        let address = number(artifact, at + 8)?;
        let segment = match info {
            0x11 => &segments.read, // global, data
            0x12 => &segments.code, // global, function
            _ => return None,
        };
        let name = artifact[tables.strings.clone()].get(name..)?;
        let is_descriptor = name.split(|byte| *byte == 0).next() == Some(DESCRIPTOR_SYMBOL.as_bytes());
        descriptors += usize::from(is_descriptor);
        let is_placed = !is_descriptor || address == DESCRIPTOR_OFFSET;
        if other != 0 || section == 0 || section >= 0xff00 || !segment.contains(&address) || !is_placed {
            return None;
        }
    }
    (descriptors == 1).then_some(())
}

/// Every chain of the hash table ends, and every number in it is a symbol's.
fn hash(artifact: &[u8], tables: &Tables) -> Option<()> {
    let (words, _) = artifact[tables.hash.clone()].as_chunks::<4>();
    let (first, next) = words.split_at_checked(tables.buckets)?;
    let number = |word: &[u8; 4]| u32::from_le_bytes(*word) as usize;
    let mut steps = 0;
    for first in first {
        let mut symbol = number(first);
        while symbol != 0 {
            steps += 1;
            // A symbol is in one chain, so all of them together are no longer than there are symbols.
            if steps >= tables.count {
                return None;
            }
            symbol = number(next.get(symbol)?);
        }
    }
    Some(())
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(take(bytes, at)?)).ok()
}
