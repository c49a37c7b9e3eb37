//! What runs: an artifact's kernels over chunks of rows, the operators between them, sources and sinks.

pub mod arguments;
pub mod connector;
pub mod executable;
pub mod ffi;
pub mod kernel;
pub mod load;
