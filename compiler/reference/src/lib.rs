//! Slow, obvious row-at-a-time interpreter of a [`sabot_ir::plan::Plan`] before any pass: the oracle of the tests.
//!
//! Everything is a plain collection of [`Value`]s, every operation is Rust's own on the real type, nothing is shared
//! with the code generator or the runtime but the list of row error codes. [`evaluate()`] computes one expression over
//! one row, [`run()`] a whole plan over rows in memory.
//!
//! What is not decided by the language is decided here as obviously as possible: rows keep the order of their input,
//! groups come in the order of their first row, a join gives, for each probing row in order, the built rows in order.
#![forbid(unsafe_code)]

mod aggregate;
mod asof_join;
mod body;
mod contenders;
mod evaluate;
mod float;
mod integer;
mod interval_join;
mod join;
mod list;
mod pipelines;
pub mod random;
mod run;
mod stream_table;
mod text;
mod user_aggregate;
mod value;
mod value_function;
mod window;

pub use evaluate::{RowError, evaluate};
pub use pipelines::run_pipelines;
pub use run::{Failure, Inputs, Outputs, Row, default_params, run, run_counted};
pub use sabot_abi::kernel::RowErrorCode;
pub use value::{Value, compare, sort_order};
