//! One file per language: its text form.

pub mod ast;
mod body;
pub mod diagnostic;
pub mod diagram;
pub mod expr;
pub mod job_graph;
pub mod json;
pub mod pipeline;
pub mod plan;
pub mod state;
