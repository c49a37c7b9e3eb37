//! Calls the kernels of a manifest's steps as the runtime does, on registers that can be looked at.

use sabot_abi::kernel::{Accumulator, Chunk, Context, InputColumn, OutputColumn, RowError, StrRef};
use sabot_abi::list::{pack, unpack};
use sabot_abi::manifest::{End, Kernel, Step};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_reference::Value;
use sabot_runtime::ffi::ValueArena;
use sabot_runtime::kernel::{LoadedArtifact, call};
use std::collections::BTreeMap;

/// What became of the rows.
pub(crate) struct Outcome {
    /// Rows that are still there.
    pub(crate) kept: Vec<bool>,
    /// Rows that could not be computed: row, code, span.
    pub(crate) errors: Vec<(usize, u32, Span)>,
}

/// A register of a chunk.
struct Column {
    ty: Type,
    /// One element more in front, so that vectors are not aligned.
    values: Vec<u8>,
    start: usize,
    bits: Vec<u64>,
    strings: Vec<StrRef>,
    validity: Vec<u64>,
    has_nulls: bool,
}

/// All registers of a chunk.
pub(crate) struct Registers {
    columns: Vec<Column>,
    rows: usize,
    texts: Texts,
}

/// The strings that can come out of kernels, by where they lie: parts of what goes in, and what the runtime made for them.
#[derive(Default)]
pub(crate) struct Texts {
    /// By where they lie and how long they are.
    known: BTreeMap<(usize, u64), Vec<u8>>,
    arena: ValueArena,
    constants: Vec<u8>,
    base: usize,
    /// Lists of registers, as bytes.
    packed: Vec<Box<[u8]>>,
}

impl Texts {
    /// Strings of parameters, and the literals of an artifact.
    pub(crate) fn new(params: &[Value], artifact: &LoadedArtifact, constants: &[u8]) -> Self {
        let base = artifact.constants() as usize;
        let mut texts = Self {
            known: BTreeMap::new(),
            arena: ValueArena::default(),
            constants: constants.to_vec(),
            base,
            packed: Vec::new(),
        };
        for value in params {
            texts.know(value);
        }
        texts
    }

    fn know_list(&mut self, list: &[Value], ty: &Type) -> StrRef {
        let bytes = pack_list(list, ty.value_type());
        let place = (bytes.as_ptr() as usize, bytes.len() as u64);
        self.known.insert(place, bytes.clone());
        self.packed.push(bytes.into_boxed_slice());
        StrRef { data: place.0 as *const u8, len: place.1 }
    }

    fn know(&mut self, value: &Value) -> StrRef {
        let bytes = match value {
            Value::String(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            _ => &[],
        };
        self.known.insert((bytes.as_ptr() as usize, bytes.len() as u64), bytes.to_vec());
        StrRef { data: bytes.as_ptr(), len: bytes.len() as u64 }
    }

    fn bytes(&self, found: &StrRef) -> Vec<u8> {
        let address = found.data as usize;
        if found.len == 0 {
            return Vec::new();
        }
        for ((start, len), bytes) in self.known.range(..=(address, u64::MAX)).rev() {
            if let Some(part) = bytes.get(address - start..(address - start).saturating_add(found.len as usize)) {
                return part.to_vec();
            }
            if *len > 0 && address - start > 1 << 20 {
                break; // nothing here is that long
            }
        }
        if let Some(made) = self.arena.find(found) {
            return made.to_vec();
        }
        let at = address.checked_sub(self.base).expect("a string that nobody made");
        self.constants[at..at + found.len as usize].to_vec()
    }
}

/// A list as registers have it.
fn pack_list(list: &[Value], ty: &Type) -> Vec<u8> {
    let item = ty.item_type().expect("a list");
    let mut bytes = Vec::new();
    let bytes_of = |value: &Value| match value {
        Value::Bool(value) => vec![u8::from(*value)],
        Value::Int(value) => value.to_le_bytes()[..item.width().expect("a number")].to_vec(),
        Value::Float32(value) => value.to_le_bytes().to_vec(),
        Value::Float64(value) => value.to_le_bytes().to_vec(),
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Bytes(bytes) => bytes.clone(),
        Value::List(inner) => pack_list(inner, item),
        Value::Null | Value::Unit => unreachable!("no item"),
    };
    let items: Vec<Vec<u8>> = list.iter().map(bytes_of).collect();
    match item {
        Type::String | Type::Bytes | Type::List(_) => pack(items.iter().map(Vec::as_slice), &mut bytes),
        _ => bytes = items.concat(),
    }
    bytes
}

/// The other way.
fn unpack_list(bytes: &[u8], item: &Type) -> Vec<Value> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("strings are UTF-8");
    let number = |bytes: &[u8]| {
        let negative = matches!(item, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Decimal(..))
            && bytes.last().is_some_and(|last| *last >= 128);
        let mut wide = if negative { [0xff; 16] } else { [0; 16] };
        wide[..bytes.len()].copy_from_slice(bytes);
        Value::Int(i128::from_le_bytes(wide))
    };
    let width = item.width().unwrap_or(1);
    match item {
        Type::String => unpack(bytes).map(|item| Value::String(text(item))).collect(),
        Type::Bytes => unpack(bytes).map(|item| Value::Bytes(item.to_vec())).collect(),
        Type::List(inner) => unpack(bytes).map(|item| Value::List(unpack_list(item, inner))).collect(),
        Type::Bool => bytes.iter().map(|byte| Value::Bool(*byte != 0)).collect(),
        Type::Float32 => {
            let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
            bytes.chunks_exact(4).map(|bytes| Value::Float32(float(bytes))).collect()
        }
        Type::Float64 => {
            let float = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            bytes.chunks_exact(8).map(|bytes| Value::Float64(float(bytes))).collect()
        }
        _ => bytes.chunks_exact(width).map(number).collect(),
    }
}

fn set_bit(words: &mut [u64], row: usize, value: bool) {
    if value {
        words[row / 64] |= 1 << (row % 64);
    } else {
        words[row / 64] &= !(1 << (row % 64));
    }
}

fn bit(words: &[u64], row: usize) -> bool {
    words[row / 64] >> (row % 64) & 1 == 1
}

/// What rows that are not selected hold: kernels must not care.
const GARBAGE: u8 = 0xa5;

impl Registers {
    /// Registers of these types, the first ones filled with these rows.
    pub(crate) fn new(types: &[Type], data: &[Vec<Value>], rows: usize, mut texts: Texts) -> Self {
        static EMPTY: [u8; 1] = [0];
        let columns = types.iter().enumerate().map(|(position, ty)| {
            let width = ty.width().unwrap_or(8);
            let mut values = vec![GARBAGE; 16 + width * (CHUNK_ROWS + 2)];
            // Aligned to the element, and to no more.
            let address = values.as_ptr() as usize;
            let start = address.next_multiple_of(width) - address + width;
            let mut bits = vec![0xa5a5_a5a5_a5a5_a5a5; CHUNK_WORDS];
            let mut strings = vec![StrRef { data: EMPTY.as_ptr(), len: 0 }; CHUNK_ROWS];
            let mut validity = vec![0x5a5a_5a5a_5a5a_5a5a; CHUNK_WORDS];
            let mut has_nulls = false;
            for (row, values_of_row) in data.iter().enumerate() {
                let Some(value) = values_of_row.get(position) else { continue };
                set_bit(&mut validity, row, *value != Value::Null);
                let at = start + row * width;
                match value {
                    Value::Null => has_nulls = true,
                    Value::Unit => {}
                    Value::Bool(value) => set_bit(&mut bits, row, *value),
                    Value::Int(value) => {
                        values[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
                    }
                    Value::Float32(value) => values[at..at + 4].copy_from_slice(&value.to_le_bytes()),
                    Value::Float64(value) => values[at..at + 8].copy_from_slice(&value.to_le_bytes()),
                    Value::String(_) | Value::Bytes(_) => strings[row] = texts.know(value),
                    Value::List(items) => strings[row] = texts.know_list(items, ty),
                }
            }
            Column { ty: ty.clone(), values, start, bits, strings, validity, has_nulls }
        });
        let columns = columns.collect();
        Self { columns, rows, texts }
    }

    /// The value of a register in a row.
    pub(crate) fn value(&self, register: usize, row: usize) -> Value {
        let column = &self.columns[register];
        if column.ty.is_option() && !bit(&column.validity, row) {
            return Value::Null;
        }
        let ty = column.ty.value_type();
        let width = ty.width().unwrap_or(8);
        let at = column.start + row * width;
        let bytes = &column.values[at..at + width];
        let signed = || {
            let mut wide = if bytes[width - 1] >= 128 { [0xff; 16] } else { [0; 16] };
            wide[..width].copy_from_slice(bytes);
            i128::from_le_bytes(wide)
        };
        let unsigned = || {
            let mut wide = [0; 16];
            wide[..width].copy_from_slice(bytes);
            i128::from_le_bytes(wide)
        };
        let string = || self.texts.bytes(&column.strings[row]);
        match ty {
            Type::Unit => Value::Unit,
            Type::Bool => Value::Bool(bit(&column.bits, row)),
            Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 | Type::Char => Value::Int(unsigned()),
            Type::Float32 => Value::Float32(f32::from_le_bytes(bytes.try_into().expect("four bytes"))),
            Type::Float64 => Value::Float64(f64::from_le_bytes(bytes.try_into().expect("eight bytes"))),
            Type::String => Value::String(String::from_utf8(string()).expect("strings are UTF-8")),
            Type::Bytes => Value::Bytes(string()),
            Type::List(item) => Value::List(unpack_list(&string(), item)),
            Type::Int8
            | Type::Int16
            | Type::Int32
            | Type::Int64
            | Type::Decimal(..)
            | Type::Date
            | Type::Timestamp(_)
            | Type::Duration => Value::Int(signed()),
            Type::Option(_) => unreachable!("a value type is no option"),
        }
    }

    fn input(&self, register: u32) -> InputColumn {
        let column = &self.columns[register as usize];
        let validity = if column.has_nulls { column.validity.as_ptr() } else { std::ptr::null() };
        InputColumn { values: column.values(), validity }
    }

    fn output(&mut self, register: u32) -> OutputColumn {
        let column = &mut self.columns[register as usize];
        // As the runtime sees it: it looks before the next kernel.
        column.has_nulls = column.ty.is_option();
        let validity = if column.ty.is_option() { column.validity.as_mut_ptr() } else { std::ptr::null_mut() };
        OutputColumn { values: column.values().cast_mut(), validity }
    }
}

impl Column {
    fn values(&self) -> *const u8 {
        match self.ty.value_type() {
            Type::Bool => self.bits.as_ptr().cast(),
            Type::String | Type::Bytes | Type::List(_) => self.strings.as_ptr().cast(),
            _ => self.values.as_ptr().wrapping_add(self.start),
        }
    }
}

struct Caller<'a> {
    artifact: &'a LoadedArtifact,
    context: Context,
    /// Kept for the context's pointer.
    #[expect(dead_code, reason = "the context points into it")]
    params: Vec<[u64; 2]>,
}

impl Caller<'_> {
    fn call(&mut self, number: u32, chunk: &Chunk) -> bool {
        call(self.artifact.kernel(number), &mut self.context, chunk) != 0
    }

    /// One kernel over one chunk, rows that fail are left out.
    fn kernel(
        &mut self,
        kernel: &Kernel,
        registers: &mut Registers,
        selection: &mut [u64; CHUNK_WORDS],
        accumulators: *mut Accumulator,
        errors: &mut Vec<(usize, u32, Span)>,
    ) {
        let inputs: Vec<InputColumn> = kernel.inputs.iter().map(|register| registers.input(*register)).collect();
        let outputs: Vec<OutputColumn> = kernel.outputs.iter().map(|register| registers.output(*register)).collect();
        let nullable = inputs.iter().any(|input| !input.validity.is_null());
        // In a nullable kernel every option has a bitmap.
        let inputs: Vec<InputColumn> = kernel
            .inputs
            .iter()
            .zip(inputs)
            .map(|(register, input)| {
                let column = &registers.columns[*register as usize];
                let validity =
                    if nullable && column.ty.is_option() { column.validity.as_ptr() } else { input.validity };
                InputColumn { validity, ..input }
            })
            .collect();
        let before = *selection;
        let mut out = *selection;
        let mut chunk = Chunk {
            rows: registers.rows as u64,
            first_row: 0,
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            selection: before.as_ptr(),
            selection_out: out.as_mut_ptr(),
            accumulators,
        };
        let number = if nullable { kernel.nullable } else { kernel.plain };
        let failed = self.call(number, &chunk);
        if !failed {
            *selection = out;
            return;
        }
        let mut decided = [0u64; CHUNK_WORDS];
        let scalar = kernel.replay.unwrap_or(number);
        assert!(kernel.vector == kernel.replay.is_some(), "only vector kernels are replayed");
        // A scalar kernel has run already.
        let mut first = kernel.vector;
        loop {
            if first || chunk.first_row > 0 {
                out = before;
                chunk.selection_out = out.as_mut_ptr();
                let again = self.call(scalar, &chunk);
                first = false;
                if !again {
                    for row in chunk.first_row as usize..registers.rows {
                        set_bit(&mut decided, row, bit(&out, row));
                    }
                    break;
                }
            }
            let RowError { code, span, row, .. } = self.context.error;
            let place = kernel.spans.get(span as usize).copied();
            let span = place.map_or(Span::NONE, |(start, end)| Span { start, end });
            errors.push((row as usize, code, span));
            for row in chunk.first_row as usize..row as usize {
                set_bit(&mut decided, row, bit(if kernel.filter { &out } else { &before }, row));
            }
            chunk.first_row = row + 1;
            if chunk.first_row >= chunk.rows {
                break;
            }
        }
        *selection = decided;
    }
}

fn caller<'a>(artifact: &'a LoadedArtifact, registers: &Registers, params: &[Value]) -> Caller<'a> {
    let params: Vec<[u64; 2]> = params
        .iter()
        .map(|value| match value {
            Value::Int(value) => [*value as u64, (*value >> 64) as u64],
            Value::Float32(value) => [u64::from(value.to_bits()), 0],
            Value::Float64(value) => [value.to_bits(), 0],
            Value::Bool(value) => [u64::from(*value), 0],
            Value::String(text) => [text.as_ptr() as u64, text.len() as u64],
            Value::Null | Value::Unit | Value::Bytes(_) | Value::List(_) => [0, 0],
        })
        .collect();
    let context = Context {
        functions: sabot_runtime::ffi::functions(),
        params: params.as_ptr(),
        constants: artifact.constants(),
        error: RowError::default(),
        arena: registers.texts.arena.as_ptr(),
        row_bytes: 0,
        result: [0; 4],
    };
    Caller { artifact, context, params }
}

fn words(selected: &[bool]) -> [u64; CHUNK_WORDS] {
    let mut words = [0; CHUNK_WORDS];
    for (row, selected) in selected.iter().enumerate() {
        set_bit(&mut words, row, *selected);
    }
    words
}

/// Runs the kernels of the only pipeline's steps.
pub(crate) fn run_compute(
    artifact: &LoadedArtifact,
    registers: &mut Registers,
    selected: &[bool],
    params: &[Value],
) -> Outcome {
    let mut caller = caller(artifact, registers, params);
    let mut selection = words(selected);
    let mut errors = Vec::new();
    for step in &artifact.manifest.pipelines[0].body.steps {
        if let Step::Compute { kernel, .. } = step {
            caller.kernel(kernel, registers, &mut selection, std::ptr::null_mut(), &mut errors);
        }
    }
    let kept = (0..selected.len()).map(|row| bit(&selection, row)).collect();
    Outcome { kept, errors }
}

/// Runs the steps and the fused aggregate of the only pipeline.
pub(crate) fn run_aggregate(
    artifact: &LoadedArtifact,
    registers: &mut Registers,
    selected: &[bool],
    params: &[Value],
    accumulators: &mut [Accumulator],
) -> Outcome {
    let mut caller = caller(artifact, registers, params);
    let mut selection = words(selected);
    let mut errors = Vec::new();
    let body = &artifact.manifest.pipelines[0].body;
    for step in &body.steps {
        if let Step::Compute { kernel, .. } = step {
            caller.kernel(kernel, registers, &mut selection, std::ptr::null_mut(), &mut errors);
        }
    }
    let End::Aggregate { fused: Some(fused), inputs, .. } = &body.end else { panic!("not fused: {:?}", body.end) };
    assert!(inputs.is_empty(), "the kernel takes the rows");
    caller.kernel(&fused.kernel, registers, &mut selection, accumulators.as_mut_ptr(), &mut errors);
    let kept = (0..selected.len()).map(|row| bit(&selection, row)).collect();
    Outcome { kept, errors }
}
