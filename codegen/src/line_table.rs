//! DWARF: which line of job.rs an instruction comes from, so that `gdb`, `perf` and a backtrace can name it.
//!
//! One compile unit, one subprogram per kernel, no types and no variables. Paths are relative, so that the same source gives
//! the same bytes in every directory.

use crate::compiled::CompiledFunction;
use gimli::write::{Address, AttributeValue, DwarfUnit, FileId, LineProgram, LineString, Sections, Writer};
use gimli::{Encoding, Format, LineEncoding, SectionId};

/// A kernel in the artifact, or in the relocatable object.
pub(crate) struct Placed<'a> {
    /// Of its first instruction.
    pub(crate) address: Address,
    /// What it is called there.
    pub(crate) symbol: &'a str,
    /// The kernel.
    pub(crate) function: &'a CompiledFunction,
}

/// The debug sections in the order in which they are written, each in a writer that `new_writer` made; empty ones left out.
/// The code is `text_len` bytes from `text`.
pub(crate) fn debug_sections<W: Writer + Clone>(
    source_file: &str,
    source_text: &str,
    kernels: &[Placed<'_>],
    text: Address,
    text_len: u64,
    new_writer: W,
) -> Vec<(SectionId, W)> {
    let encoding = Encoding { format: Format::Dwarf32, version: 4, address_size: 8 };
    let directory = LineString::String(b".".to_vec());
    let file = LineString::String(file_name(source_file));
    let mut dwarf = DwarfUnit::new(encoding);
    let mut program = LineProgram::new(encoding, LineEncoding::default(), directory, None, file.clone(), None);
    let directory = program.default_directory();
    let file = program.add_file(file, directory, None);
    let lines = Lines::new(source_text);
    let locations: Vec<Vec<Row>> = kernels.iter().map(|kernel| rows(kernel.function, &lines)).collect();
    for (kernel, rows) in kernels.iter().zip(&locations) {
        add_sequence(&mut program, file, kernel.address, kernel.function.code.len() as u64, rows);
    }
    dwarf.unit.line_program = program;

    let root = dwarf.unit.root();
    let name = dwarf.strings.add(file_name(source_file));
    let directory = dwarf.strings.add(".");
    let producer = dwarf.strings.add("sabotc");
    let unit = dwarf.unit.get_mut(root);
    unit.set(gimli::DW_AT_producer, AttributeValue::StringRef(producer));
    unit.set(gimli::DW_AT_language, AttributeValue::Language(gimli::DW_LANG_C99));
    unit.set(gimli::DW_AT_name, AttributeValue::StringRef(name));
    unit.set(gimli::DW_AT_comp_dir, AttributeValue::StringRef(directory));
    unit.set(gimli::DW_AT_low_pc, AttributeValue::Address(text));
    unit.set(gimli::DW_AT_high_pc, AttributeValue::Udata(text_len));
    for (kernel, rows) in kernels.iter().zip(&locations) {
        let name = dwarf.strings.add(kernel.symbol);
        let entry = dwarf.unit.add(root, gimli::DW_TAG_subprogram);
        let entry = dwarf.unit.get_mut(entry);
        entry.set(gimli::DW_AT_name, AttributeValue::StringRef(name));
        entry.set(gimli::DW_AT_external, AttributeValue::Flag(true));
        entry.set(gimli::DW_AT_low_pc, AttributeValue::Address(kernel.address));
        entry.set(gimli::DW_AT_high_pc, AttributeValue::Udata(kernel.function.code.len() as u64));
        if let Some(first) = rows.first() {
            entry.set(gimli::DW_AT_decl_file, AttributeValue::FileIndex(Some(file)));
            entry.set(gimli::DW_AT_decl_line, AttributeValue::Udata(first.line));
        }
    }

    let mut sections = Sections::new(new_writer);
    dwarf.write(&mut sections).expect("the writer knows the addresses, and every string is in the unit's own tables");
    let mut written = Vec::new();
    sections
        .for_each(|id: SectionId, data| {
            if data.len() > 0 {
                written.push((id, data.clone()));
            }
            Ok::<(), gimli::write::Error>(())
        })
        .expect("nothing fails here");
    written
}

/// From this offset in a function on, its instructions come from this line and column.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    offset: u64,
    line: u64,
    column: u64,
}

/// What comes from no place in job.rs (the loop around an expression) is shown as part of what stands before it, or of the
/// first place in the function: a profile then counts it where a reader expects it.
fn rows(function: &CompiledFunction, lines: &Lines<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (offset, byte) in &function.source_locations {
        let Some((line, column)) = byte.and_then(|byte| lines.position(byte)) else {
            continue;
        };
        let offset = if rows.is_empty() { 0 } else { u64::from(*offset) };
        debug_assert!(rows.last().is_none_or(|last| last.offset <= offset), "offsets ascend");
        if rows.last().is_none_or(|last| (last.line, last.column) != (line, column)) {
            rows.push(Row { offset, line, column });
        }
    }
    rows
}

fn add_sequence(program: &mut LineProgram, file: FileId, address: Address, len: u64, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    program.begin_sequence(Some(address));
    for row in rows {
        program.row().address_offset = row.offset;
        program.row().file = file;
        program.row().line = row.line;
        program.row().column = row.column;
        program.generate_row();
    }
    program.end_sequence(len);
}

fn file_name(source_file: &str) -> Vec<u8> {
    let name: Vec<u8> = source_file.bytes().filter(|byte| *byte != 0).collect();
    if name.is_empty() { b"job.rs".to_vec() } else { name }
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Line and column of a byte, both from 1; `None` beyond the end.
    fn position(&self, byte: u32) -> Option<(u64, u64)> {
        let byte = byte as usize;
        if byte >= self.text.len() {
            return None;
        }
        let line = self.starts.partition_point(|start| *start <= byte);
        Some((line as u64, (byte - self.starts[line - 1] + 1) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(source_locations: Vec<(u32, Option<u32>)>) -> CompiledFunction {
        CompiledFunction {
            name: "job::map_1#vector".to_owned(),
            code: vec![0; 32],
            alignment: 1,
            source_locations,
            unwind: None,
        }
    }

    #[test]
    fn bytes_become_lines_and_columns() {
        let lines = Lines::new("ab\n\ncd");
        let positions: Vec<_> = (0..7).map(|byte| lines.position(byte)).collect();
        assert_eq!(
            positions,
            [Some((1, 1)), Some((1, 2)), Some((1, 3)), Some((2, 1)), Some((3, 1)), Some((3, 2)), None]
        );
        assert_eq!(Lines::new("").position(0), None);
    }

    #[test]
    fn what_has_no_place_belongs_to_what_stands_before_it() {
        let lines = Lines::new("let a\nlet b\n");
        let function = function(vec![(0, None), (4, Some(0)), (8, None), (9, Some(0)), (12, Some(6)), (16, Some(999))]);
        assert_eq!(
            rows(&function, &lines),
            [Row { offset: 0, line: 1, column: 1 }, Row { offset: 12, line: 2, column: 1 }]
        );
    }
}
