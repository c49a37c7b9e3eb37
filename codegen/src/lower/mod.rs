//! Expressions to CLIF: [`scalar`] one row at a time, [`vector`] two rows in the lanes of a vector.
//!
//! Every expression has a scalar form; [`vector::capability`] says which ones have a vector form too.

pub(crate) mod aggregate;
pub(crate) mod expand;
pub(crate) mod scalar;
pub(crate) mod vector;
