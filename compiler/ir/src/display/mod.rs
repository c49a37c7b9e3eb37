//! One file per language.

pub mod expr;
pub mod pipeline;
pub mod plan;
