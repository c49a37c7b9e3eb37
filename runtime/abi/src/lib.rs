//! What generated code and the runtime share, and nothing else: the structs that kernels are called with ([`kernel`]),
//! the runtime functions that they may call ([`function`]), the job described to the runtime ([`manifest`]), the frame of the
//! artifact around both ([`descriptor`]), what stands in `format!` ([`format`](mod@format)) and what it asks of the processor ([`cpu`]).
//!
//! The compiler and the runtime never see each other; a change here is a change of [`ABI_VERSION`].

pub mod cpu;
pub mod descriptor;
pub mod format;
pub mod function;
pub mod kernel;
pub mod list;
pub mod manifest;
pub mod state;
pub mod stream;

/// Version of everything in this crate. An artifact of another version is refused when it is loaded.
pub const ABI_VERSION: u32 = 4;

/// Rows that a kernel is given at once, at most. Sixteen KiB of an eight-byte column: inputs, scratch and outputs of a
/// kernel stay in the first two cache levels.
pub const CHUNK_ROWS: usize = 2048;

/// Bytes that the strings and lists made for one row may take.
pub const ROW_BYTES: u64 = 64 << 20;

/// From so many bytes on, a kernel gives back what a row has taken but for its outputs, as soon as the row is done.
pub const KEPT_ROW_BYTES: u64 = 16 << 10;

/// Words of a bitmap over a chunk.
pub const CHUNK_WORDS: usize = CHUNK_ROWS / 64;
