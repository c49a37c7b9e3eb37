//! Pipelines to CLIF to machine code to the linked artifact.
#![forbid(unsafe_code)]

pub mod artifact;
pub mod compiled;
mod elf;
mod line_table;
mod unwind;
