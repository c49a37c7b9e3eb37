//! One file per language.

mod body;
pub mod expr;
pub mod pipeline;
pub mod plan;
