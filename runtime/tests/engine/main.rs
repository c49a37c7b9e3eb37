//! The execution engine against obvious computations: random rows, batches cut anywhere, one, two and four workers.
#![expect(clippy::wildcard_enum_match_arm, reason = "helpers know a few types, and say what they do with the others")]

mod aggregate;
mod by_value;
mod join;
mod kernels;
mod pipeline;
mod rows;
mod stream;
mod support;
mod unbounded;
mod window;
