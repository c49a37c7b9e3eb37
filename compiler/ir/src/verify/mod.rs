//! One file per language.

pub mod expr;
pub mod plan;
