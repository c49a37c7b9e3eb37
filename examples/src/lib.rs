//! The example jobs; each folder beside `src/` is one, and `tests/` runs them all.

pub mod sample_data;
