//! Precompiled kernels over plain memory: what generated code is not good at, one call per chunk.
//!
//! Together with [`crate::registers`] this is the third fence of `unsafe` in the runtime, beside
//! `kernel.rs` (calls into generated code) and `ffi.rs` (calls out of it): everything above works with slices, registers
//! and columns. Each multiversioned primitive has a portable twin, and a test that both agree on every input.

pub(crate) mod bitmap;
pub(crate) mod bytes_groups;
pub(crate) mod compress;
mod direct;
pub(crate) mod distinct_words;
pub(crate) mod greatest;
pub(crate) mod hash;
pub(crate) mod hash_table;
pub(crate) mod math_block;
#[cfg(feature = "measure")]
pub mod measure;
pub(crate) mod memory;
pub(crate) mod packed;
pub(crate) mod pool;
pub(crate) mod row_index;
pub(crate) mod spread;
pub(crate) mod strings;
pub(crate) mod take;
pub(crate) mod times;
pub(crate) mod value_arena;
pub(crate) mod wide_groups;
pub(crate) mod widest;
