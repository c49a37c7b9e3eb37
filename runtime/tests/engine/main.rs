//! The execution engine against obvious computations: random rows, batches cut anywhere, one, two and four workers.

mod aggregate;
mod join;
mod kernels;
mod pipeline;
mod rows;
mod support;
