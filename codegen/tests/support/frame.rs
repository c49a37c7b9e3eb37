//! A chunk with its buffers: calls a kernel here, or describes itself to `call_kernel.c` on another machine.

use sabot_abi::kernel::{Accumulator, Chunk, Context, InputColumn, OutputColumn, RowError, StrRef};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use sabot_runtime::ffi::ValueArena;
use sabot_runtime::kernel::{LoadedArtifact, call};
use std::io::Read;

/// A bitmap over a chunk.
pub type Bitmap = [u64; CHUNK_WORDS];

/// Words of a column's values, whatever its type: sixteen bytes a row.
const VALUE_WORDS: usize = CHUNK_ROWS * 2;

/// A register.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// By the layout of its type.
    pub values: Vec<u64>,
    /// Bit set: not null.
    pub validity: Bitmap,
    /// The values are offset and length in the frame's heap, two words a row.
    pub is_text: bool,
}

impl Column {
    /// Zeros, all null.
    pub fn empty() -> Self {
        Self { values: vec![0; VALUE_WORDS], validity: [0; CHUNK_WORDS], is_text: false }
    }

    /// Eight-byte values, none null.
    pub fn of_words(words: impl IntoIterator<Item = u64>) -> Self {
        let mut column = Self { validity: [u64::MAX; CHUNK_WORDS], ..Self::empty() };
        for (place, word) in column.values.iter_mut().zip(words) {
            *place = word;
        }
        column
    }

    /// Floats, none null.
    pub fn of_floats(floats: impl IntoIterator<Item = f64>) -> Self {
        Self::of_words(floats.into_iter().map(f64::to_bits))
    }
}

/// What a kernel is called with.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Number of rows.
    pub rows: u64,
    /// What it reads.
    pub inputs: Vec<Column>,
    /// How many registers it writes.
    pub outputs: usize,
    /// Selected rows.
    pub selection: Bitmap,
    /// What a fused aggregate adds to.
    pub accumulators: Vec<Accumulator>,
    /// The job's parameters.
    pub params: Vec<[u64; 2]>,
    /// Bytes that text columns point into.
    pub heap: Vec<u8>,
}

/// What a kernel left.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it returned.
    pub result: i64,
    /// Of the context.
    pub error: RowError,
    /// The rows that are left.
    pub selection: Bitmap,
    /// After the chunk.
    pub accumulators: Vec<Accumulator>,
    /// What it wrote.
    pub outputs: Vec<Column>,
}

impl Frame {
    /// All of these rows are selected.
    pub fn new(rows: u64, inputs: Vec<Column>, outputs: usize) -> Self {
        let word = |word: u64| match rows.saturating_sub(word * 64) {
            0 => 0,
            left @ 1..64 => (1 << left) - 1,
            _ => u64::MAX,
        };
        let selection = std::array::from_fn(|index| word(index as u64));
        Self { rows, inputs, outputs, selection, accumulators: Vec::new(), params: Vec::new(), heap: Vec::new() }
    }

    /// Calls a kernel here.
    pub fn call(&self, artifact: &LoadedArtifact, kernel: u32) -> Outcome {
        let texts: Vec<Vec<StrRef>> = self.inputs.iter().map(|column| self.text(column)).collect();
        let input = |(column, text): (&Column, &Vec<StrRef>)| InputColumn {
            values: if column.is_text { text.as_ptr().cast() } else { column.values.as_ptr().cast() },
            validity: column.validity.as_ptr(),
        };
        let inputs: Vec<InputColumn> = self.inputs.iter().zip(&texts).map(input).collect();
        let mut outputs = vec![Column::empty(); self.outputs];
        let output = |column: &mut Column| OutputColumn {
            values: column.values.as_mut_ptr().cast(),
            validity: column.validity.as_mut_ptr(),
        };
        let output_columns: Vec<OutputColumn> = outputs.iter_mut().map(output).collect();
        let mut selection = [0; CHUNK_WORDS];
        let mut accumulators = self.accumulators.clone();
        let arena = ValueArena::default();
        let mut context = Context {
            functions: sabot_runtime::ffi::functions(),
            params: self.params.as_ptr(),
            constants: artifact.constants(),
            error: RowError::default(),
            arena: arena.as_ptr(),
            row_bytes: 0,
            result: [0; 4],
        };
        let chunk = Chunk {
            rows: self.rows,
            first_row: 0,
            inputs: inputs.as_ptr(),
            outputs: output_columns.as_ptr(),
            selection: self.selection.as_ptr(),
            selection_out: selection.as_mut_ptr(),
            accumulators: accumulators.as_mut_ptr(),
        };
        let result = call(artifact.kernel(kernel), &mut context, &chunk);
        Outcome { result, error: context.error, selection, accumulators, outputs }
    }

    fn text(&self, column: &Column) -> Vec<StrRef> {
        let rows = column.values.as_chunks::<2>().0.iter();
        if !column.is_text {
            return Vec::new();
        }
        rows.map(|[offset, len]| StrRef { data: self.heap[*offset as usize..].as_ptr(), len: *len }).collect()
    }

    /// What `call_kernel.c` reads.
    pub fn to_request(&self) -> Vec<u8> {
        let mut request = Vec::new();
        let mut words = |words: &[u64]| request.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        words(&[self.rows, 0, self.inputs.len() as u64, self.outputs as u64]);
        words(&[self.accumulators.len() as u64, self.params.len() as u64, self.heap.len() as u64]);
        request.extend_from_slice(&self.heap);
        let mut words = |words: &[u64]| request.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        for column in &self.inputs {
            words(&[u64::from(column.is_text)]);
            words(&column.values);
            words(&column.validity);
        }
        words(&self.selection);
        for accumulator in &self.accumulators {
            words(&[accumulator.sum[0], accumulator.sum[1], accumulator.count, accumulator.reserved]);
        }
        words(self.params.as_flattened());
        request
    }

    /// What `call_kernel.c` wrote.
    pub fn read_response(&self, mut response: &[u8]) -> Outcome {
        let mut word = || {
            let mut bytes = [0; 8];
            response.read_exact(&mut bytes).expect("the response is as long as the request says");
            u64::from_le_bytes(bytes)
        };
        let result = word() as i64;
        let (code, reserved, row) = (word(), word(), word());
        let error = RowError { code: code as u32, span: (code >> 32) as u32, reserved, row };
        let selection = std::array::from_fn(|_| word());
        let accumulator =
            |word: &mut dyn FnMut() -> u64| Accumulator { sum: [word(), word()], count: word(), reserved: word() };
        let accumulators = self.accumulators.iter().map(|_| accumulator(&mut word)).collect();
        let outputs = (0..self.outputs).map(|_| Column {
            values: (0..VALUE_WORDS).map(|_| word()).collect(),
            validity: std::array::from_fn(|_| word()),
            is_text: false,
        });
        let outputs = outputs.collect();
        assert!(response.is_empty(), "nothing is left of the response");
        Outcome { result, error, selection, accumulators, outputs }
    }
}
