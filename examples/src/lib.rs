//! The example jobs; each folder beside `src/` is one, and `tests/` runs them all.
#![forbid(unsafe_code)]

pub mod sample_data;
